"""What a training's steps saw is asked with the settings of that training, and a state of it refuses all others."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gleanery.pipeline.cli import app
from gleanery.pipeline.trainings import opened
from gleanery.records.errors import StopRun, WrongArguments
from gleanery.shards.lineage import Leg, trace
from gleanery.shards.loader import Loader
from gleanery.shards.mixing import Mixture
from gleanery.shards.removals import Wish, append, removed_from

SETTINGS: dict[str, Any] = {"context": 64, "seed": 3, "fim_rate": 0.7, "spm_rate": 0.0, "repo_rate": 0.5}


def _saved(loader: Loader, steps: int, path: Path) -> Path:
    for _, _ in zip(range(steps), loader, strict=False):
        pass
    path.write_text(json.dumps(loader.state_dict()))
    return path


@pytest.fixture(scope="module")
def release(curated: Path) -> Path:
    return curated / "release"


def test_the_command_names_the_file_that_the_training_saw(release: Path, tmp_path: Path) -> None:
    training = Loader(release, batch=2, **SETTINGS)
    state = _saved(training, 3, tmp_path / "state.json")
    options = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()] + ["--rows", "2"]
    compared = 0
    for position in (0, 20, 40, 63):
        expected = trace(training, 2, 1, position)
        asked = ["removals", "trace", str(release), "--step", "2", "--row", "1", "--position", str(position)]
        done = CliRunner().invoke(app, [*asked, *options, "--state", str(state)])
        if expected is not None:
            assert done.exit_code == 0 and expected.file_id in done.output and "not checked" not in done.output
            compared += 1
    assert compared
    unchecked = CliRunner().invoke(app, [*asked, *options])
    assert "not checked" in unchecked.output


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_state_refuses_settings_that_are_not_its_own(name: str, release: Path, tmp_path: Path) -> None:
    state = _saved(Loader(release, batch=2, **SETTINGS), 1, tmp_path / "state.json")
    opened(release, 2, [], None, state, SETTINGS)
    others: dict[str, Any] = {"context": 65, "seed": 4, "fim_rate": 0.6, "spm_rate": 0.1, "repo_rate": 0.6}
    with pytest.raises(StopRun, match="another settings"):
        opened(release, 2, [], None, state, SETTINGS | {name: others[name]})


def test_a_state_refuses_rows_that_are_not_its_own_and_takes_the_legs_that_are(release: Path, tmp_path: Path) -> None:
    loader = Loader(release, batch=2, **SETTINGS)
    _saved(loader, 2, tmp_path / "first.json")
    later = Loader(release, batch=3, **SETTINGS)
    later.load_state_dict(loader.state_dict())
    state = _saved(later, 1, tmp_path / "second.json")  # after 2 steps of 2 rows and one of 3
    for rows, legs in ((2, []), (4, []), (2, ["1:3"])):
        with pytest.raises(StopRun, match="inside a step"):
            opened(release, rows, legs, None, state, SETTINGS)
    # Rows that lead to the place of the state, but not in as many steps.
    for rows, legs in ((1, []), (7, []), (1, ["4:3"])):
        with pytest.raises(StopRun, match="took 3 steps"):
            opened(release, rows, legs, None, state, SETTINGS)
    expected = [Leg(0, 2, 0), Leg(2, 3, 0)]
    assert opened(release, 2, ["2:3"], None, state, SETTINGS)[1] == expected
    assert opened(release, 8, ["0:2", "2:3:0"], None, state, SETTINGS)[1] == expected
    for text in ("2", "2:", "a:1", "1:2:3:4", "1:-2", "9" * 16 + ":1"):
        with pytest.raises(WrongArguments, match="no leg"):
            opened(release, 2, [text], None, state, SETTINGS)


def test_a_state_says_nothing_of_later_steps(release: Path, tmp_path: Path) -> None:
    state = _saved(Loader(release, batch=2, **SETTINGS), 3, tmp_path / "state.json")
    opened(release, 2, [], None, state, SETTINGS, steps=3)
    with pytest.raises(StopRun, match="after 3 steps and says nothing of later"):
        opened(release, 2, [], None, state, SETTINGS, steps=4)


def test_a_file_that_was_removed_late_is_not_said_to_be_unseen(release: Path, tmp_path: Path) -> None:
    training, path = Loader(release, batch=2, **SETTINGS), tmp_path / "removals.jsonl"
    origin = trace(training, 0, 0, 20)
    assert origin is not None
    _saved(training, 2, tmp_path / "before.json")
    append(path, [Wish("file", origin.file_id, "opt_out")], None)
    later = Loader(release, batch=2, removed=removed_from(release, path), **SETTINGS)
    later.load_state_dict(training.state_dict())
    state = _saved(later, 2, tmp_path / "after.json")
    options = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()] + ["--rows", "2"]
    asked = ["removals", "exposure", str(release), "--file", origin.file_id, *options, "--list", str(path)]
    done = CliRunner().invoke(app, [*asked, "--steps", "4", "--state", str(state)])
    assert done.exit_code == 0 and "unknown" in done.stdout and "--leg STEP:ROWS:REMOVED" in done.output
    told = CliRunner().invoke(app, [*asked, "--steps", "4", "--state", str(state), "--leg", "0:2:0", "--leg", "2:2:1"])
    steps = {line.split()[0] for line in told.stdout.splitlines()[1:]}
    assert told.exit_code == 0 and "0" in steps and steps <= {"0", "1"} and "yes" in told.stdout
    early = CliRunner().invoke(app, [*asked, "--steps", "2", "--state", str(tmp_path / "before.json")])
    assert early.exit_code == 0 and "yes" in early.stdout and "unknown" not in early.output


def test_the_state_of_a_mixture_is_told_from_others(release: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(json.dumps(Mixture([Loader(release, **SETTINGS)], [1]).state_dict()))
    with pytest.raises(StopRun, match="state of a mixture"):
        opened(release, 8, [], None, path, SETTINGS)


def test_the_removal_list_is_read_as_it_was_when_the_state_was_saved(release: Path, tmp_path: Path) -> None:
    files = Loader(release, batch=2, **SETTINGS).store.file_ids().to_pylist()
    path = tmp_path / "removals.jsonl"
    append(path, [Wish("file", files[0], "opt_out")], None)
    then = Loader(release, batch=2, removed=removed_from(release, path), **SETTINGS)
    state = _saved(then, 2, tmp_path / "state.json")
    append(path, [Wish("file", files[1], "opt_out")], None)
    loader, _ = opened(release, 2, [], path, state, SETTINGS)
    assert loader.removed.ordinals.tolist() == [0]
    with pytest.raises(StopRun, match="honoured a removal list"):
        opened(release, 2, [], None, state, SETTINGS)


def test_a_training_that_was_packed_anew_is_not_traced_from_one_state(release: Path, tmp_path: Path) -> None:
    loader = Loader(release, batch=2, **SETTINGS)
    state = tmp_path / "state.json"
    state.write_text(json.dumps(loader.state_dict() | {"packed": 1}))
    with pytest.raises(StopRun, match="packed anew"):
        opened(release, 2, [], None, state, SETTINGS)


@pytest.mark.parametrize("text", ["", "[1]", "[" * 100_000, '{"epoch": 0}', "\xff"])
def test_a_file_that_holds_no_state_is_refused(text: str, release: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(StopRun):
        opened(release, 2, [], None, path, SETTINGS)
    with pytest.raises(StopRun, match="cannot be read"):
        opened(release, 2, [], None, tmp_path / "absent.json", SETTINGS)
