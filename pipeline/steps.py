"""Steps: a map from shards to shards that can be stopped anywhere and gives the same bytes.

In: tasks, each with the files it reads. Out: the files that each task wrote, and for each task a sidecar, which is
its commit point; then one marker for the step. A finished step is skipped; an interrupted one redoes only the tasks
whose sidecar is missing. Costs two small JSON files a task. Nothing here knows Beam.
"""

import contextlib
import functools
import hashlib
import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gleanery.pipeline.caches import cache_folder
from gleanery.pipeline.markers import Marker, is_there, marker_of, step_folder, write_marker
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import COUNTS, Shard, Task
from gleanery.records.errors import REPORT_IT, GleaneryError, StopRun, of_system
from gleanery.records.files import read_json, write_json
from gleanery.records.parquet import Written

# Part of every fingerprint: raise it when a step writes other bytes from the same input.
CODE_VERSION = "15"
# Packages whose versions can change the bytes of any table.
_WRITERS = ("gleanery", "license-expression", "numpy", "pyarrow")
# Each has a Unicode of its own, by which texts are read and names compared; its corrections change none of that.
PYTHON = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}


@dataclass(frozen=True)
class Step:
    """A map over tasks.

    `work` names the function, as module:function; it takes a `Shard` and writes through it. `parameters` are all
    settings that change its result; `reads` are the steps whose outputs it reads.
    """

    stage: str
    name: str
    title: str
    work: str
    tasks: tuple[Task, ...]
    parameters: Mapping[str, Any]
    reads: tuple[str, ...] = ()
    owns: tuple[str, ...] = ()  # patterns of the files outside work/ that this step alone makes
    warm: str = ""  # module:function that a pool's parent calls before it forks workers; both end with the step
    unit: str = "files"
    is_known: bool = False  # this machine remembers all that `warm` would load something for


def run_task(root: str, step_name: str, work: str, fingerprint: str, task_json: str, settings_json: str) -> str:
    """Do one task in whichever process an engine chose, and write its sidecar. Returns the task's name.

    An error that people can act on is written beside the sidecars, so that the driver can show it whole on every
    engine, and is then raised.
    """
    plain = json.loads(task_json)
    task = Task(plain["name"], plain["payload"])
    shard = Shard(Path(root), step_name, task, Settings.from_json(settings_json), fingerprint)
    start = time.process_time()
    try:
        _function(work)(shard)
    except Exception as error:
        message, hint = f"{type(error).__name__} in the task {task.name}", REPORT_IT
        if isinstance(told := refused(error, shard.root, shard.settings) or error, GleaneryError):
            message, hint = told.message, told.hint
        report_error(shard.root, step_name, task.name, message, hint)
        raise
    sidecar = {
        "fingerprint": fingerprint,
        "outputs": {p: [w.rows, w.bytes, w.sha256] for p, w in sorted(shard.outputs.items())},
        "counts": shard.counts,
        "notes": dict(sorted(shard.notes.items())),
        "cpu_ms": round(1000 * (time.process_time() - start)),
    }
    if shard.asides:
        sidecar["asides"] = sorted(shard.asides)
    write_json(sidecar_path(shard.root, step_name, task.name), sidecar)
    return task.name


def refused(error: Exception, root: Path, settings: Settings) -> StopRun | None:
    """What the system refused a task, if it did: with the place that is full, of those that tasks write to."""
    return of_system(error, _written_to(root, settings))


def _written_to(root: Path, settings: Settings) -> Iterator[Path]:
    yield root
    yield Path(tempfile.gettempdir())
    yield cache_folder(settings)


def report_error(root: Path, step: str, name: str, message: str, hint: str) -> None:
    """Leave an error where the driver finds it, on whichever engine it was met. The first one by name is told."""
    report = {"task": name, "message": message, "hint": hint}
    with contextlib.suppress(OSError):  # a full disk has no room for the report either
        write_json(step_folder(root, step) / "errors" / f"{name}.json", report)


def part_tasks(marker: Marker, table: str) -> tuple[Task, ...]:
    """One task for each part of a table that a step made."""
    names = sorted(Path(p).stem for p in marker.outputs if p.startswith(f"tables/{table}/"))
    return tuple(Task(name, {"part": part, "parts": len(names)}) for part, name in enumerate(names))


def step_fingerprint(step: Step, markers: Mapping[str, Marker]) -> str:
    """What the whole step depends on, tasks left out: code, parameters, and the outputs of the steps it reads."""
    return made_from([step.stage, step.name, step.work, dict(step.parameters), _reads(step, markers)])


def made_from(plain: Sequence[Any]) -> str:
    """A fingerprint of what this version of the program makes of some values."""
    return _sha([CODE_VERSION, _writers(), *plain])


@functools.cache
def _writers() -> dict[str, str]:
    # Asked for every source: looking it up took 2.5 ms.
    return {name: version(name) for name in _WRITERS} | PYTHON


def _reads(step: Step, markers: Mapping[str, Marker]) -> dict[str, str]:
    return {name: markers[name].digest for name in step.reads}


def task_fingerprint(base: str, task: Task) -> str:
    """What one task depends on."""
    return _sha([base, task.name, dict(task.payload)])


def task_json(task: Task) -> str:
    """A task as an element of an engine."""
    return json.dumps({"name": task.name, "payload": dict(task.payload)}, sort_keys=True)


def read_marker(root: Path, step: Step, base: str, trimmed: Collection[str] = ()) -> Marker | None:
    """The step's marker, if it is finished with exactly these tasks and its outputs are all there.

    `trimmed` are steps of which those that only other steps read need not be there.
    """
    marker = marker_of(root, step.name)
    whole = _sha([base, [task_fingerprint(base, t) for t in step.tasks]])
    if marker is None or marker.fingerprint != whole:
        return None
    passing = f"work/{step.name}/data/"
    missing = [path for path, written in marker.outputs.items() if not is_there(root / path, written)]
    return marker if all(step.name in trimmed and path.startswith(passing) for path in missing) else None


def pending(root: Path, step: Step, base: str) -> list[Task]:
    """The tasks that have no valid sidecar yet."""
    return [t for t in step.tasks if finished(root, step.name, t, base) is None]


def finished_count(root: Path, step: Step) -> int:
    """How many tasks of a step have a sidecar: one listing of a folder, 0.5 ms for 1,000 tasks; for progress."""
    with contextlib.suppress(FileNotFoundError):
        names = {f"{task.name}.json" for task in step.tasks}
        return len(names.intersection(os.listdir(step_folder(root, step.name) / "tasks")))
    return 0


def forget(root: Path, step: Step, tasks: Iterable[Task]) -> None:
    """Take back that the step, and these tasks of it, are done: their outputs are about to be overwritten."""
    (step_folder(root, step.name) / "done.json").unlink(missing_ok=True)
    for task in tasks:
        sidecar_path(root, step.name, task.name).unlink(missing_ok=True)
    for report in (step_folder(root, step.name) / "errors").glob("*.json"):
        report.unlink()


def read_notes(root: Path, step: str) -> dict[str, dict[str, Any]]:
    """What each finished task of a step noted, by its name."""
    paths = sorted((step_folder(root, step) / "tasks").glob("*.json"))
    return {path.stem: plain for path in paths if (plain := read_json(path)) is not None}


def forget_all(root: Path, step: str, tasks: Iterable[str] | None = None) -> None:
    """Take back that a step is done, and these tasks of it by name, or all: the same command does them anew."""
    (step_folder(root, step) / "done.json").unlink(missing_ok=True)
    for name in read_notes(root, step) if tasks is None else tasks:
        sidecar_path(root, step, name).unlink(missing_ok=True)


def first_error(root: Path, step: Step) -> StopRun | None:
    """The error that a task left for people to read, the same one on every engine."""
    for path in sorted((step_folder(root, step.name) / "errors").glob("*.json")):
        plain = read_json(path)
        if plain is not None:
            return StopRun(f"{step.title}: {plain['message']}", plain["hint"])
    return None


def finish(root: Path, step: Step, base: str, markers: Mapping[str, Marker]) -> Marker:
    """Check that nothing was lost, remove what no task made, and write the marker last.

    `markers`: those of the steps that it reads.

    Raises StopRun if a task is missing or if for any task in ≠ kept + rejected + dead.
    """
    outputs: dict[str, Any] = {}
    counts, notes, cpu_ms = dict.fromkeys(COUNTS, 0), dict[str, int](), 0
    for task in step.tasks:
        sidecar = finished(root, step.name, task, base)
        if sidecar is None:
            raise StopRun(f"{step.title}: the task {task.name} did not finish", "run the same command again to resume")
        outputs.update(sidecar["outputs"])
        one = sidecar["counts"]
        if one["in"] != one["kept"] + one["rejected"] + one["dead"]:
            raise StopRun(f"{step.title}: {task.name} lost records: {one}", REPORT_IT)
        for key in COUNTS:
            counts[key] += one[key]
        for key, value in sidecar["notes"].items():
            notes[key] = notes.get(key, 0) + value
        cpu_ms += sidecar["cpu_ms"]
    whole = _sha([base, [task_fingerprint(base, t) for t in step.tasks]])
    made = {path: Written(*written) for path, written in sorted(outputs.items())}
    marker = Marker(whole, made, counts, dict(sorted(notes.items())), cpu_ms, _reads(step, markers))
    sweep(root, step, outputs)
    write_marker(root, step.name, marker)
    return marker


def sweep(root: Path, step: Step, outputs: Mapping[str, Any]) -> None:
    """Remove what other settings left in the places of this step: later steps read whole folders."""
    folder = step_folder(root, step.name)
    for path in [*(folder / "data").rglob("*"), *(p for pattern in step.owns for p in root.glob(pattern))]:
        if path.is_file() and path.relative_to(root).as_posix() not in outputs:
            path.unlink()
    names = {f"{t.name}.json" for t in step.tasks}
    for path in (folder / "tasks").glob("*.json"):
        if path.name not in names:
            path.unlink()


def finished(root: Path, step: str, task: Task, base: str) -> dict[str, Any] | None:
    """The sidecar of a task that is finished, with its outputs all there."""
    plain = read_json(sidecar_path(root, step, task.name))
    if plain is None or plain.get("fingerprint") != task_fingerprint(base, task):
        return None
    whole = all(is_there(root / p, Written(*w)) for p, w in plain["outputs"].items())
    return plain if whole else None


def read_sidecar(root: Path, step: str, task: str) -> dict[str, Any] | None:
    """What a task noted of what it wrote, or None."""
    return read_json(sidecar_path(root, step, task))


def _function(work: str) -> Callable[[Shard], None]:
    module, name = work.split(":")
    function: Callable[[Shard], None] = getattr(importlib.import_module(module), name)
    return function


def sidecar_path(root: Path, step: str, task: str) -> Path:
    """Where a task that is done says so."""
    return step_folder(root, step) / "tasks" / f"{task}.json"


def _sha(plain: Any) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
