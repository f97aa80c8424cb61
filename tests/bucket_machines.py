"""Machines of a test that share no disk with the driver: its own process, with a temporary folder of its own."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from gleanery.pipeline.bucket_driver import Relay
from gleanery.pipeline.bucket_node import run_away
from gleanery.pipeline.engine import Call, Engine
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.steps import Step, step_fingerprint, task_fingerprint, task_json
from gleanery.pipeline.workers import do_task
from gleanery.records.errors import StopRun

CLUSTER = "spark://192.0.2.1:7077"  # of tests in which no Spark starts


def be_the_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Do the tasks of a cluster in this process, without Spark. Returns the temporary folder of its one machine."""
    folder = tmp_path / "node"
    folder.mkdir()

    def run_here(_: Engine, __: Path, call: Call, elements: Sequence[str]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tempfile, "tempdir", str(folder))
            for element in elements:
                do_task(*call.arguments(element))

    monkeypatch.setattr(Engine, "_run_spark", run_here)
    return folder


def note_letters(shard: Shard) -> None:
    """A step's function: one output, one note beside it, and a failure where the task asks for one."""
    payload = shard.task.payload
    if payload.get("fails"):
        raise StopRun("the letters ran out", "buy some")
    path = shard.data(f"{shard.task.name}.txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(shard.task.name * payload["count"])
    shard.wrote(path)
    shard.write_aside(shard.root / f"work/{shard.step}/beside/{shard.task.name}.json", {"count": payload["count"]})


def letters(**payload: object) -> tuple[Step, str]:
    tasks = tuple(Task(name, {"count": 3, **payload}) for name in ("a", "b"))
    step = Step("stage", "letters", "letters", f"{__name__}:note_letters", tasks, {})
    return step, step_fingerprint(step, {})


def do_away(relay: Relay, step: Step, base: str, inputs: str) -> None:
    for task in step.tasks:
        own = step.name, step.work, task_fingerprint(base, task), task_json(task), Settings().to_json()
        run_away("", *own, relay.address, inputs)
