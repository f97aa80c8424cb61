"""A step can be stopped anywhere, redoes only what is missing, and never lets a record get lost."""

import errno
import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from gleanery.pipeline import progress, steps
from gleanery.pipeline.markers import Marker, marker_of, rests_on, write_marker
from gleanery.pipeline.progress import Progress, watched
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.steps import (
    Step,
    finish,
    finished_count,
    first_error,
    forget,
    forget_all,
    made_from,
    pending,
    read_marker,
    run_task,
    step_fingerprint,
    task_fingerprint,
    task_json,
)
from gleanery.records.errors import StopRun
from gleanery.records.parquet import Written, table_of, write_table

SETTINGS = Settings().to_json()


def write_one(shard: Shard) -> None:
    """A step's function: one row of `clusters` for each task."""
    row = {"blob_id": shard.task.name, "cluster_id": str(shard.task.payload["value"])}
    path = shard.table("clusters")
    shard.wrote(path, write_table(path, "clusters", table_of("clusters", [row])))
    shard.counts |= {"in": 1, "kept": 1}


def lose_one(shard: Shard) -> None:
    """A faulty function: it takes two records and accounts for one."""
    shard.counts |= {"in": 2, "kept": 1}


def refuse(shard: Shard) -> None:
    """A function that stops with words for people."""
    raise StopRun(f"{shard.task.name} is wrong", "put it right")


def fill(shard: Shard) -> None:
    """A function that finds no room on the disk."""
    raise OSError(errno.ENOSPC, "No space left on device")


def hoard(shard: Shard) -> None:
    """A function that finds no memory."""
    raise pa.lib.ArrowMemoryError("malloc of size 64 failed")


def _step(values: dict[str, Any], work: str = "write_one") -> Step:
    tasks = tuple(Task(name, {"value": value}) for name, value in values.items())
    return Step("stage", "one", "one", f"{__name__}:{work}", tasks, {"size": 1}, owns=("tables/clusters/*",))


def _do(root: Path, step: Step, base: str, tasks: list[Task]) -> None:
    for task in tasks:
        run_task(str(root), step.name, step.work, task_fingerprint(base, task), task_json(task), SETTINGS)


def _finished(root: Path, step: Step) -> Marker:
    base = step_fingerprint(step, {})
    todo = pending(root, step, base)
    forget(root, step, todo)
    _do(root, step, base, todo)
    return finish(root, step, base, {})


def test_a_finished_step_is_not_done_again(tmp_path: Path) -> None:
    step = _step({"a": 1, "b": 2})
    marker = _finished(tmp_path, step)
    assert read_marker(tmp_path, step, step_fingerprint(step, {})) == marker


def test_only_the_missing_task_is_done(tmp_path: Path) -> None:
    step = _step({"a": 1, "b": 2, "c": 3})
    base = step_fingerprint(step, {})
    _do(tmp_path, step, base, [step.tasks[0], step.tasks[2]])
    assert [t.name for t in pending(tmp_path, step, base)] == ["b"]


def test_tasks_that_are_taken_back_are_done_again_and_no_others(tmp_path: Path) -> None:
    step = _step({"a": 1, "b": 2})
    base = step_fingerprint(step, {})
    for names, again in ((["b"], ["b"]), (None, ["a", "b"]), ([], [])):
        _finished(tmp_path, step)
        forget_all(tmp_path, step.name, names)
        assert read_marker(tmp_path, step, base) is None
        assert [task.name for task in pending(tmp_path, step, base)] == again


def test_only_the_changed_task_is_done(tmp_path: Path) -> None:
    _finished(tmp_path, _step({"a": 1, "b": 2}))
    step = _step({"a": 1, "b": 9})
    base = step_fingerprint(step, {})
    assert read_marker(tmp_path, step, base) is None
    assert [t.name for t in pending(tmp_path, step, base)] == ["b"]


def test_a_task_whose_file_is_gone_is_done_again(tmp_path: Path) -> None:
    step = _step({"a": 1, "b": 2})
    _finished(tmp_path, step)
    (tmp_path / "tables/clusters/a.parquet").unlink()
    base = step_fingerprint(step, {})
    assert read_marker(tmp_path, step, base) is None
    assert [t.name for t in pending(tmp_path, step, base)] == ["a"]


@pytest.mark.parametrize("content", ["{}", '{"fingerprint": 1}', "[1]", "3", "", "no note"])
def test_a_note_of_another_shape_is_no_note(tmp_path: Path, content: str) -> None:
    step = _step({"a": 1, "b": 2})
    marker = _finished(tmp_path, step)
    base = step_fingerprint(step, {})
    (tmp_path / "work/one/tasks/b.json").write_text(content)
    assert [t.name for t in pending(tmp_path, step, base)] == ["b"]
    (tmp_path / "work/one/done.json").write_text(content)
    assert read_marker(tmp_path, step, base) is None
    assert _finished(tmp_path, step).digest == marker.digest


def test_a_full_disk_is_no_fault_of_ours_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = _step({"a": 1}, "fill")
    for full, named in ((None, ""), (tmp_path, f"{tmp_path}: ")):
        usage = lambda place, full=full: SimpleNamespace(free=0 if place == full else 1 << 40)  # noqa: E731
        monkeypatch.setattr("shutil.disk_usage", usage)
        with pytest.raises(OSError):
            _do(tmp_path, step, "base", list(step.tasks))
        error = first_error(tmp_path, step)
        assert error is not None and error.message == f"one: {named}No space left on device"
        assert "make room" in error.hint


def test_no_memory_is_no_fault_of_ours(tmp_path: Path) -> None:
    step = _step({"a": 1}, "hoard")
    with pytest.raises(MemoryError):
        _do(tmp_path, step, "base", list(step.tasks))
    error = first_error(tmp_path, step)
    assert error is not None and "memory" in error.message and "--workers" in error.hint


def test_tables_that_no_task_makes_any_more_are_removed(tmp_path: Path) -> None:
    _finished(tmp_path, _step({"a": 1, "b": 2}))
    _finished(tmp_path, _step({"a": 1}))
    assert [p.name for p in (tmp_path / "tables/clusters").iterdir()] == ["a.parquet"]


def test_a_kill_under_other_settings_cannot_leave_its_outputs_under_the_old_marker(tmp_path: Path) -> None:
    mine, other = _step({"a": "AAAA"}), _step({"a": "BBBB"})
    before = _finished(tmp_path, mine)
    base = step_fingerprint(other, {})
    forget(tmp_path, other, pending(tmp_path, other, base))
    _do(tmp_path, other, base, list(other.tasks))  # killed here: its task is done and its marker is not written
    assert read_marker(tmp_path, mine, step_fingerprint(mine, {})) is None
    assert _finished(tmp_path, mine).digest == before.digest


def test_a_lost_record_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(StopRun, match="lost records"):
        _finished(tmp_path, _step({"a": 1}, "lose_one"))


def test_a_missing_task_is_never_marked_as_done(tmp_path: Path) -> None:
    step = _step({"a": 1, "b": 2})
    base = step_fingerprint(step, {})
    _do(tmp_path, step, base, [step.tasks[0]])
    with pytest.raises(StopRun, match="did not finish"):
        finish(tmp_path, step, base, {})
    assert read_marker(tmp_path, step, base) is None


def test_an_error_reaches_people_in_its_own_words(tmp_path: Path) -> None:
    step = _step({"a": 1}, "refuse")
    with pytest.raises(StopRun):
        _finished(tmp_path, step)
    error = first_error(tmp_path, step)
    assert error is not None
    assert (error.message, error.hint) == ("one: a is wrong", "put it right")
    forget(tmp_path, step, [])
    assert first_error(tmp_path, step) is None  # the next try has its own


def test_a_fingerprint_of_each_of_many_sources_asks_once_which_versions_are_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(steps, "version", lambda name: asked.append(name) or "1.0")  # type: ignore[func-returns-value]
    steps._writers.cache_clear()
    try:
        assert made_from(["a"]) != made_from(["b"])
        assert len(asked) == len(set(asked))
    finally:
        steps._writers.cache_clear()


def test_a_parameter_or_an_input_changes_the_fingerprint() -> None:
    step = _step({"a": 1})
    other = Step("stage", "one", "one", step.work, step.tasks, {"size": 2})
    assert step_fingerprint(step, {}) != step_fingerprint(other, {})
    reading = Step("stage", "one", "one", step.work, step.tasks, {"size": 1}, ("before",))
    one, two = (Marker("", {}, {}, {}), Marker("", {"x": _written("0")}, {}, {}))
    assert step_fingerprint(reading, {"before": one}) != step_fingerprint(reading, {"before": two})


def _written(digest: str) -> Any:
    from gleanery.records.parquet import Written

    return Written(0, 0, digest)


def test_what_is_done_is_counted_by_one_listing_and_what_others_left_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = _step({"a": 1, "b": 2, "c": 3})
    assert finished_count(tmp_path, step) == 0
    _finished(tmp_path, _step({"a": 1, "z": 2}))
    assert finished_count(tmp_path, step) == 1
    _finished(tmp_path, step)
    looks: list[str] = []
    monkeypatch.setattr(os, "stat", lambda *_, **__: looks.append("a file of a task was asked for"))
    assert finished_count(tmp_path, step) == 3 and not looks


def test_looks_at_what_is_done_wait_in_proportion_to_what_they_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Progress] = []

    def slowly(*_: object) -> int:
        time.sleep(0.02)
        return 0

    for count, looks in ((lambda *_: 0, range(10, 1000)), (slowly, range(1, 2))):
        monkeypatch.setattr(progress, "finished_count", count)
        monkeypatch.setattr(progress, "LOOK_SECONDS", 0.01)
        seen.clear()
        with watched(tmp_path, _step({"a": 1}), seen.append):
            time.sleep(1)
            assert len(seen) in looks
        assert seen[-1].done == 1


def test_a_note_of_an_older_version_is_no_marker(tmp_path: Path) -> None:
    marker = Marker("f", {}, {"rows": 1}, {}, 1, {"crawl": "d"})
    write_marker(tmp_path, "sign", marker)
    (place,) = tmp_path.rglob("done.json")
    whole = json.loads(place.read_bytes())
    assert marker_of(tmp_path, "sign") == marker
    for left_out in whole:
        place.write_text(json.dumps({name: value for name, value in whole.items() if name != left_out}))
        assert marker_of(tmp_path, "sign") is None, left_out


def test_a_step_rests_on_its_grounds_until_one_of_them_is_done_anew(tmp_path: Path) -> None:
    def done(name: str, left: str, **reads: str) -> str:
        marker = Marker("f", {"x": Written(1, 1, left)}, {}, {}, 1, reads)
        write_marker(tmp_path, name, marker)
        return marker.digest

    def rests() -> bool:
        return rests_on(tmp_path, "verify", ("sign",))

    assert not rests()
    candidates = done("candidates", "b", sign=done("sign", "a"))
    done("verify", "c", candidates=candidates)
    assert rests()
    done("sign", "other")
    assert not rests()
    done("sign", "a")
    (tmp_path / "work/candidates/done.json").rename(tmp_path / "kept")
    assert not rests()
    (tmp_path / "kept").rename(tmp_path / "work/candidates/done.json")
    assert rests()
