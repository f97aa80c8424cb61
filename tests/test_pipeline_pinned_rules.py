"""A run obeys the rules of its start, and notices a registry that lost or changed them."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from gleanery.optout.registry import Registry
from gleanery.pipeline.pinned_rules import pinned_rules, refuse_newer_rules
from gleanery.pipeline.settings import OptoutSettings, Settings
from gleanery.records.errors import StopRun


def _settings(folder: Path) -> Settings:
    return Settings(optout=OptoutSettings("optout.sqlite"), folder=str(folder))


def _add(folder: Path, *names: str) -> None:
    registry = Registry.open(f"sqlite:///{folder}/optout.sqlite")
    for name in names:
        registry.append_rule("repo", f"github.com/{name}", "block")
    registry.close()


def _pinned(folder: Path, refresh: bool = False) -> list[str]:
    (folder / "run/tables/optout_rules").mkdir(parents=True, exist_ok=True)
    return [rule.value for rule in pinned_rules(_settings(folder), folder / "run", refresh)]


def _restore(folder: Path, backup: Path) -> None:
    for path in folder.glob("optout.sqlite*"):
        path.unlink()
    shutil.copy(backup, folder / "optout.sqlite")


def _backup(folder: Path) -> Path:
    with sqlite3.connect(folder / "optout.sqlite") as source, sqlite3.connect(folder / "backup") as target:
        source.backup(target)
    return folder / "backup"


def _tamper(folder: Path) -> None:
    connection = sqlite3.connect(folder / "optout.sqlite")
    connection.execute("DROP TRIGGER rules_no_update")
    connection.execute("UPDATE rules SET value = 'github.com/z/other'")
    connection.commit()
    connection.close()


def test_rules_are_pinned_at_the_first_start_with_the_hash_of_their_log(tmp_path: Path) -> None:
    _add(tmp_path, "a/one", "b/two")
    assert _pinned(tmp_path) == ["github.com/a/one", "github.com/b/two"]
    note = json.loads((tmp_path / "run/optout.json").read_bytes())
    assert note["position"] == 2 and note["log"]["entries"] == 2 and len(note["log"]["hash"]) == 64
    before = (tmp_path / "run/optout.json").read_bytes()
    _add(tmp_path, "c/three")
    assert len(_pinned(tmp_path)) == 2 and (tmp_path / "run/optout.json").read_bytes() == before
    assert len(_pinned(tmp_path, refresh=True)) == 3


def test_an_empty_registry_can_be_pinned(tmp_path: Path) -> None:
    _add(tmp_path)
    assert _pinned(tmp_path) == [] == _pinned(tmp_path)


def test_a_registry_that_lost_what_was_pinned_stops_the_run_which_names_the_way_out(tmp_path: Path) -> None:
    _add(tmp_path, "a/one")
    backup = _backup(tmp_path)
    _add(tmp_path, "b/two")
    _pinned(tmp_path)
    _restore(tmp_path, backup)
    with pytest.raises(StopRun, match="no longer holds rule 2") as caught:
        _pinned(tmp_path)
    assert "--refresh-optout" in caught.value.hint
    assert _pinned(tmp_path, refresh=True) == ["github.com/a/one"]


def test_a_registry_in_which_others_objected_since_a_backup_is_not_taken_for_the_one_that_was_pinned(
    tmp_path: Path,
) -> None:
    _add(tmp_path, "a/one")
    backup = _backup(tmp_path)
    _add(tmp_path, "b/two")
    rules = pinned_rules(_settings(tmp_path), tmp_path / "run", False)
    _restore(tmp_path, backup)
    _add(tmp_path, "c/other", "d/more")
    with pytest.raises(StopRun, match="no longer holds rule 2"):
        refuse_newer_rules(_settings(tmp_path), tmp_path / "run", rules)


def test_a_changed_rule_stops_a_run_at_its_start_and_before_its_release(tmp_path: Path) -> None:
    _add(tmp_path, "a/one")
    rules = pinned_rules(_settings(tmp_path), tmp_path / "run", False)
    refuse_newer_rules(_settings(tmp_path), tmp_path / "run", rules)
    _tamper(tmp_path)
    for refresh in (False, True):
        with pytest.raises(StopRun, match="not whole"):
            _pinned(tmp_path, refresh)
    with pytest.raises(StopRun, match="not whole"):
        refuse_newer_rules(_settings(tmp_path), tmp_path / "run", rules)
