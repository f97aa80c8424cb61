"""The graph of a step uses only what every engine serves, and carries tasks, never text."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import apache_beam as beam
import psutil
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2 as api

from gleanery.pipeline.engine import Call, Engine, build, portable_pipeline
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.steps import Step, first_error, step_fingerprint
from gleanery.pipeline.workers import Pool
from gleanery.records.errors import StopRun
from gleanery.records.files import write_bytes

CALL = Call("/run", "step", "module:function", "base", "{}", "")
# What every engine serves; state, timers, own sources and other languages are not among it.
ALLOWED = {
    "beam:transform:impulse:v1",
    "beam:transform:pardo:v1",
    "beam:transform:group_by_key:v1",
    "beam:transform:reshuffle:v1",
    "beam:transform:window_into:v1",
    "beam:transform:generic_composite:v1",
    "",
}


def test_a_graph_of_this_machine_has_no_transform_that_only_others_need() -> None:
    pipeline = beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"]))
    build(pipeline, CALL, ["a", "b"], workers=2, spread=False)
    made = [t for t in pipeline.to_runner_api().components.transforms.values() if t.spec.urn and not t.subtransforms]
    assert len(made) == 3


@pytest.mark.parametrize("spread", [False, True])
def test_a_step_uses_only_transforms_that_every_engine_serves(spread: bool) -> None:
    pipeline = beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"]))
    build(pipeline, CALL, ["a", "b"], workers=1, spread=spread)
    proto = pipeline.to_runner_api()
    for transform in proto.components.transforms.values():
        if not transform.subtransforms:
            assert transform.spec.urn in ALLOWED, transform.unique_name
        if transform.spec.urn == "beam:transform:pardo:v1":
            payload = api.ParDoPayload.FromString(transform.spec.payload)
            assert not payload.state_specs
            assert not payload.timer_family_specs
            assert not payload.side_inputs


def test_a_portable_graph_names_its_workers_and_needs_no_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    proto = api.Pipeline.FromString(portable_pipeline(CALL, ["a"]))
    urns = {e.urn for e in proto.components.environments.values()}
    assert urns == {"beam:env:external:v1"}
    assert not list(tmp_path.iterdir())


def test_a_script_hears_nothing_of_beams_own_formats_and_its_logging_is_left_alone() -> None:
    code = "import logging, gleanery.pipeline.run; print(logging.getLogger().handlers)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_first_error_of_a_task_reaches_the_driver(tmp_path: Path) -> None:
    step = Step("stage", "one", "one", "test_pipeline_steps:refuse", (Task("a"), Task("b")), {})
    with Engine("local", 1) as engine, pytest.raises(Exception, match="is wrong"):
        engine.run(tmp_path, step, step_fingerprint(step, {}), step.tasks, Settings().to_json())


def linger(shard: Shard) -> None:
    """A step's function that takes its time, with a folder that must not be left behind."""
    with tempfile.TemporaryDirectory(prefix=f"{shard.task.name}-", dir=shard.root / "folders") as folder:
        Path(folder, "begun").touch()  # whoever stops it before this line finds a folder that nobody knows yet
        time.sleep(600)


def test_a_run_that_is_stopped_ends_its_workers_at_once_and_they_tidy_up(tmp_path: Path) -> None:
    step = Step("stage", "one", "one", f"{__name__}:linger", tuple(Task(f"t{n}") for n in range(9)), {})
    folders = tmp_path / "folders"
    folders.mkdir()
    stopped: list[float] = []

    def stop() -> None:
        while len(list(folders.glob("*/begun"))) < 2:
            time.sleep(0.05)
        stopped.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=stop).start()
    with pytest.raises((KeyboardInterrupt, Exception)), Engine("local", 2) as engine:
        engine.run(tmp_path, step, step_fingerprint(step, {}), step.tasks, Settings().to_json())
    assert time.monotonic() - stopped[0] < 60
    assert not list(folders.iterdir()) and not list(tmp_path.rglob("*.json"))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("victim", ["worker", "parent"])
def test_a_process_that_somebody_killed_is_told_in_a_line(tmp_path: Path, victim: str) -> None:
    step = Step("stage", "one", "one", f"{__name__}:linger", tuple(Task(f"t{n}") for n in range(9)), {})
    folders = tmp_path / "folders"
    folders.mkdir()

    def kill() -> None:
        while len(list(folders.glob("*/begun"))) < 2:
            time.sleep(0.05)
        children = psutil.Process().children(recursive=True)
        forked = [child for child in children if any("forkserver" in word for word in child.cmdline())]
        parent = next(child for child in forked if child.ppid() == os.getpid())
        os.kill(parent.pid if victim == "parent" else parent.children()[0].pid, signal.SIGKILL)

    threading.Thread(target=kill).start()
    with pytest.raises(Exception, match="was ended from outside"), Engine("local", 2) as engine:
        engine.run(tmp_path, step, step_fingerprint(step, {}), step.tasks, Settings().to_json())
    told = first_error(tmp_path, step)
    assert told is not None and told.message == (
        "one: a worker process was ended from outside, most likely for lack of memory"
    )
    assert told.hint.startswith("run the same command again to resume, with fewer --workers")


@pytest.mark.parametrize("error", [EOFError("unexpected EOF"), ConnectionResetError(), BrokenProcessPool()])
def test_a_pool_that_cannot_start_a_worker_says_so_like_one_that_lost_it(error: Exception) -> None:
    class Executor:
        def submit(self, *_: object) -> None:
            raise error

    pool = Pool(1)
    pool._executor = Executor()  # type: ignore[assignment]
    with pytest.raises(StopRun, match="was ended from outside"):
        pool.submit("a")


def note_process(shard: Shard) -> None:
    """A step's function that says in which process it ran."""
    write_bytes(shard.root / "process", str(os.getpid()).encode())


@pytest.mark.parametrize(
    ("warm", "debugged", "apart"), [("", False, False), ("os:getpid", False, True), ("os:getpid", True, False)]
)
def test_what_one_worker_loads_for_a_step_goes_with_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: str, debugged: bool, apart: bool
) -> None:
    monkeypatch.setattr(sys, "gettrace", lambda: object() if debugged else None)
    step = Step("stage", "one", "one", f"{__name__}:note_process", (Task("a"),), {}, warm=warm)
    after = Step("stage", "two", "two", f"{__name__}:note_process", (Task("a"),), {})
    with Engine("local", 1) as engine:
        engine.run(tmp_path, step, step_fingerprint(step, {}), step.tasks, Settings().to_json())
        ran = int((tmp_path / "process").read_text())
        assert (ran != os.getpid()) == apart
        engine.run(tmp_path, after, step_fingerprint(after, {}), after.tasks, Settings().to_json())
        assert int((tmp_path / "process").read_text()) == os.getpid()
        assert not apart or not psutil.pid_exists(ran) or psutil.Process(ran).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    "name",
    ["DirectRunner", "DaskRunner", "PrismRunner", "no-such-engine", "spark://no-port", "spark://a:1,b", "spark://:1"],
)
def test_engines_that_gave_wrong_answers_are_refused_by_name(name: str) -> None:
    with pytest.raises(StopRun) as caught:
        Engine(name, 1)
    assert name in caught.value.message
    assert "local" in caught.value.hint
