"""A run obeys the rules of its start, and notices a registry that lost or changed them."""

import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gleanery.optout.engines import address
from gleanery.optout.registry import Registry, Rule
from gleanery.pipeline.optouts import sources_of
from gleanery.pipeline.pinned_rules import NO_REGISTRY, pinned_rules, refuse_newer_rules
from gleanery.pipeline.settings import OptoutSettings, Settings, SourceSettings
from gleanery.records.errors import StopRun
from gleanery.records.parquet import iter_rows, table_of, write_table
from gleanery.records.tables import TABLES
from gleanery.release.explain import explain
from gleanery.sql.questions import ask, questions, tables_of


def _settings(folder: Path, *names: str, registry: str | None = "optout.sqlite") -> Settings:
    sources = tuple(SourceSettings("git", f"https://github.com/{name}") for name in names)
    return Settings(optout=OptoutSettings(registry), source=sources, folder=str(folder))


def _add(folder: Path, *names: str) -> None:
    registry = Registry.open(f"sqlite:///{folder}/optout.sqlite")
    for name in names:
        registry.append_rule("repo", f"github.com/{name}", "block")
    registry.close()


def _pinned(folder: Path, refresh: bool = False) -> list[str]:
    (folder / "run/tables/optout_rules").mkdir(parents=True, exist_ok=True)
    return [rule.value for rule in pinned_rules(_settings(folder), folder / "run", refresh).rules]


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


def test_a_registry_is_given_as_a_path_or_a_url_or_not_at_all(tmp_path: Path) -> None:
    _add(tmp_path, "a/b")
    (tmp_path / "run/tables/optout_rules").mkdir(parents=True)
    (tmp_path / "plain/tables/optout_rules").mkdir(parents=True)
    for registry in ("optout.sqlite", str(tmp_path / "optout.sqlite"), f"sqlite:///{tmp_path}/optout.sqlite"):
        assert len(pinned_rules(_settings(tmp_path, registry=registry), tmp_path / "run").rules) == 1
    for _ in range(2):
        assert pinned_rules(_settings(tmp_path, registry=None), tmp_path / "plain").rules == []


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
    rules = pinned_rules(_settings(tmp_path), tmp_path / "run").rules
    _restore(tmp_path, backup)
    _add(tmp_path, "c/other", "d/more")
    with pytest.raises(StopRun, match="no longer holds rule 2"):
        refuse_newer_rules(_settings(tmp_path), tmp_path / "run", rules)


def test_a_changed_rule_stops_a_run_at_its_start_and_before_its_release(tmp_path: Path) -> None:
    _add(tmp_path, "a/one")
    rules = pinned_rules(_settings(tmp_path), tmp_path / "run").rules
    refuse_newer_rules(_settings(tmp_path), tmp_path / "run", rules)
    _tamper(tmp_path)
    for refresh in (False, True):
        with pytest.raises(StopRun, match="not whole"):
            _pinned(tmp_path, refresh)
    with pytest.raises(StopRun, match="not whole"):
        refuse_newer_rules(_settings(tmp_path), tmp_path / "run", rules)


def _holds(folder: Path, settings: Settings, *names: str) -> None:
    """A table `docs` with one document of each of these repositories."""
    ids = {identity.name: identity.repo_id for identity, _ in sources_of(settings)}
    folder.mkdir(parents=True)
    pq.write_table(
        pa.table({"repo_id": [ids[n] for n in names], "blob_id": ["0" * 40] * len(names)}), folder / "p.parquet"
    )


def _write_repos(folder: Path, settings: Settings, status: str) -> None:
    blank: dict[str, Any] = {c.name: [] if pa.types.is_list(c.type) else None for c in TABLES["repos"].schema}
    about = blank | {"kind": "git", "status": status}
    rows = [about | {"repo_id": one.repo_id, "name": one.name, "url": one.url} for one, _ in sources_of(settings)]
    write_table(folder / "tables/repos/p.parquet", "repos", table_of("repos", rows))


def _release(root: Path, settings: Settings, *names: str) -> Path:
    """A release that stands in the folder of a run."""
    _holds(root / "release/docs", settings, *names)
    (root / "release/manifest.json").write_text("{}")
    return root / "release/manifest.json"


@pytest.mark.parametrize("address", ["backup.sqlite", None])
def test_a_registry_under_another_address_has_to_hold_what_was_pinned(tmp_path: Path, address: str | None) -> None:
    _add(tmp_path, "a/one")
    _backup(tmp_path).rename(tmp_path / "backup.sqlite")
    _add(tmp_path, "b/two")
    assert pinned_rules(_settings(tmp_path), tmp_path / "run").remarks == ()
    other, note = _settings(tmp_path, registry=address), (tmp_path / "run/optout.json").read_bytes()
    with pytest.raises(StopRun) as caught:
        pinned_rules(other, tmp_path / "run", renew=True)
    assert "rule 2" in caught.value.message or "2 rules" in caught.value.message
    assert "--refresh-optout" in caught.value.hint and (tmp_path / "run/optout.json").read_bytes() == note
    found = pinned_rules(other, tmp_path / "run", refresh=True)
    assert len(found.rules) == (1 if address else 0)
    assert "it goes on without what is not there" in found.remarks[0]
    assert (found.remarks[-1] == NO_REGISTRY) == (address is None)


def test_a_registry_that_was_moved_with_all_its_rules_is_taken_with_those_that_came_since(tmp_path: Path) -> None:
    _add(tmp_path, "a/one")
    _pinned(tmp_path)
    _add(tmp_path, "b/two")
    _backup(tmp_path).rename(tmp_path / "moved.sqlite")
    assert len(pinned_rules(_settings(tmp_path, registry="moved.sqlite"), tmp_path / "run").rules) == 2


def test_rules_are_renewed_where_something_is_fetched(tmp_path: Path) -> None:
    _add(tmp_path, "a/one")
    assert pinned_rules(_settings(tmp_path), tmp_path / "run").is_new
    _add(tmp_path, "b/two")
    assert not pinned_rules(_settings(tmp_path), tmp_path / "run").is_new
    assert len(pinned_rules(_settings(tmp_path), tmp_path / "run", renew=True).rules) == 2
    assert len(_pinned(tmp_path)) == 2


def test_a_lost_connection_stops_a_run_and_says_nothing_against_its_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(tmp_path, "a/one")
    settings, root = _settings(tmp_path, "b/two"), tmp_path / "run"
    rules, manifest = pinned_rules(settings, root).rules, _release(root, settings, "b/two")

    def refuses(*_: object) -> None:
        raise StopRun("the registry cannot be reached")

    for question in ("log_problems", "head_at", "rules"):
        with monkeypatch.context() as patch:
            patch.setattr(Registry, question, refuses)
            with pytest.raises(StopRun, match="cannot be reached"):
                refuse_newer_rules(settings, root, rules)
    assert manifest.exists()
    _tamper(tmp_path)
    with pytest.raises(StopRun, match="not whole"):
        refuse_newer_rules(settings, root, rules)
    assert not manifest.exists()


def test_a_release_outlives_the_objection_of_somebody_who_is_not_in_it(tmp_path: Path) -> None:
    _add(tmp_path)
    settings, root = _settings(tmp_path, "a/one", "b/two"), tmp_path / "run"
    rules, manifest = pinned_rules(settings, root).rules, _release(root, settings, "b/two")
    _holds(root / "tables/docs", settings, "a/one", "b/two")
    _add(tmp_path, "c/elsewhere")
    refuse_newer_rules(settings, root, rules)
    _add(tmp_path, "a/one")
    with pytest.raises(StopRun, match="nothing is released") as caught:
        refuse_newer_rules(settings, root, rules)
    assert manifest.exists() and "--refresh-optout" in caught.value.hint
    _add(tmp_path, "b/two")
    with pytest.raises(StopRun, match="no manifest now"):
        refuse_newer_rules(settings, root, rules)
    assert not manifest.exists()


def test_rules_that_are_renewed_withdraw_a_release_before_anything_can_stop_the_run(tmp_path: Path) -> None:
    _add(tmp_path)
    settings, root = _settings(tmp_path, "a/one", "b/two"), tmp_path / "run"
    manifest = _release(root, settings, "b/two")
    _add(tmp_path, "a/one")
    pinned_rules(settings, root)
    assert manifest.exists()
    _add(tmp_path, "b/two")
    pinned_rules(settings, root)
    assert manifest.exists(), "that is asked at the end of the run"
    pinned_rules(settings, root, renew=True)
    assert not manifest.exists()


def test_a_release_is_withdrawn_for_a_repository_that_the_settings_no_longer_name(tmp_path: Path) -> None:
    _add(tmp_path)
    before, root = _settings(tmp_path, "a/one", "b/two"), tmp_path / "run"
    manifest = _release(root, before, "a/one")
    _write_repos(root / "release", before, "read")
    settings = replace(before, source=before.source[1:])
    rules = pinned_rules(settings, root).rules
    _holds(root / "tables/docs", settings, "b/two")
    _add(tmp_path, "a/one")
    refuse_newer_rules(settings, root, rules)  # what is to be released holds nothing of it
    assert not manifest.exists()


def test_rules_stand_in_the_run_as_names_are_spelled_today(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _add(tmp_path)
    old = Rule(1, "repo", "gist.github.com/alice/0123456789abcdef0123", "block", None)
    monkeypatch.setattr(Registry, "rules", lambda *_: [old])
    gist = "https://gist.github.com/alice/0123456789abcdef0123"
    source = SourceSettings("git", "https://git.example.org/alice/tool", aliases=(gist,))
    settings, root = replace(_settings(tmp_path), source=(source,)), tmp_path / "run"
    rules = pinned_rules(settings, root).rules
    assert [rule.value for rule in rules] == ["github.com/alice/0123456789abcdef0123"]
    assert list(iter_rows(root / "tables/optout_rules/rules.parquet")) == [vars(rule) for rule in rules]
    _write_repos(root, settings, "opted_out")
    (root / "tables/files").mkdir()
    write_table(root / "tables/decisions/p.parquet", "decisions", table_of("decisions", []))
    write_table(root / "tables/dead_letters/p.parquet", "dead_letters", table_of("dead_letters", []))
    found = ask(questions()["optout_rules_of"], tables_of(root), {"repo": "alice/tool"}).to_pylist()
    assert [rule["seq"] for rule in found] == [1]
    assert "rule 1 of the registry blocks the repository github.com/alice/0123456789abcdef0123" in "".join(
        explain(root, "alice/tool")
    )
    # Without a registry, nobody was asked.
    pinned_rules(replace(settings, optout=OptoutSettings(None)), root, refresh=True)
    assert "given no registry" in "".join(explain(root, "alice/tool"))


def test_a_registry_is_found_whatever_characters_its_path_has(tmp_path: Path) -> None:
    (tmp_path / "100%?").mkdir()
    registry = Registry.open(address(f"{tmp_path}/100%?/optout.sqlite"))
    registry.append_rule("repo", "github.com/alice/lib", "block")
    registry.close()
    settings = _settings(tmp_path, registry="100%?/optout.sqlite")
    assert [rule.value for rule in pinned_rules(settings, tmp_path / "run").rules] == ["github.com/alice/lib"]
