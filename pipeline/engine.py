"""Engines: one Beam pipeline for a step, on the runner that a preset names.

In: a step's pending tasks. Out: their sidecars and files. The elements of the pipeline are tasks, which name shard
files; text never enters a shuffle. Orchestration costs about 0.06 s of CPU a step on `local`, 0.7 s on `spark-local`.
This is the only file that imports Beam.
"""

import contextlib
import hmac
import json
import logging
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from gleanery.pipeline import spark
from gleanery.pipeline.shard import Task
from gleanery.pipeline.steps import Step, report_error, task_fingerprint, task_json
from gleanery.pipeline.workers import (
    close_shared_pool,
    end_with,
    ended_from_outside,
    shared_pool,
    stopped_by_signals,
)
from gleanery.records.errors import StopRun, WrongArguments

# Beam warns at its import of what only its own file formats need, on the root logger: in a script that has not set up
# logging, that would print the warning and set logging up.
_unheard = logging.NullHandler()
logging.getLogger().addHandler(_unheard)
import apache_beam as beam  # noqa: E402
from apache_beam.options.pipeline_options import PipelineOptions  # noqa: E402
from apache_beam.transforms.window import GlobalWindow  # noqa: E402
from apache_beam.utils.windowed_value import WindowedValue  # noqa: E402

logging.getLogger().removeHandler(_unheard)

PRESETS = {
    "local": "this machine: Beam's FnApiRunner in process, with a pool of worker processes",
    "spark-local": "this machine: Beam's Spark runner with an embedded Spark master; needs Java and its jars",
}
# Each has a reason, so that nobody has to find it out again.
REFUSED = {
    "DirectRunner": "it downloads a binary and may silently be another runner; use --engine local",
    "PrismRunner": "it downloads a binary at run time; use --engine local",
    "DaskRunner": "it drops branches of a pipeline without an error; use --engine local or spark-local",
    "RayRunner": "it does not serve this version of Beam; use --engine local or spark-local",
}

logging.getLogger("apache_beam").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Call:
    """What a worker needs besides the task: the same for all tasks of a step."""

    root: str
    step: str
    work: str
    base: str
    settings: str
    warm: str

    def arguments(self, element: str) -> tuple[str, ...]:
        """The arguments of `run_task` for one element, which carries its own fingerprint."""
        fingerprint, task = element.split("\n", 1)
        return self.root, self.step, self.work, fingerprint, task, self.settings


class MapShards(beam.DoFn):
    """Run a step's function on each task. With more than one worker, a bundle's tasks run side by side."""

    def __init__(self, call: Call, workers: int) -> None:
        self._call, self._workers = call, workers
        self._futures: list[Future[str]] = []

    def start_bundle(self) -> None:
        """Forget the bundle before."""
        self._futures = []

    def process(self, element: str) -> Iterator[str]:
        """Start one task; its name is emitted when the bundle ends."""
        pool = shared_pool(self._workers, self._call.warm)
        with self._reported():
            self._futures.append(pool.submit(*self._call.arguments(element)))
        return iter(())

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Wait for all tasks of the bundle. The first error stops the step."""
        pool = shared_pool(self._workers, self._call.warm)
        for future in self._futures:
            with self._reported():
                name = pool.result(future)
            yield WindowedValue(name, GlobalWindow().max_timestamp(), (GlobalWindow(),))

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        """What the pool says of its own is left as a task leaves its error: an engine tells it in words of its own."""
        try:
            yield
        except StopRun as error:
            # What a task has told comes first by its name.
            report_error(Path(self._call.root), self._call.step, "~pool", error.message, error.hint)
            raise


class NameTasks(beam.DoFn):
    """All tasks, from the one element that a graph begins with."""

    def __init__(self, elements: Sequence[str]) -> None:
        self._elements = elements

    def process(self, _: bytes) -> Iterator[str]:
        """One element for each task."""
        return iter(self._elements)


def build(pipeline: beam.Pipeline, call: Call, elements: Sequence[str], workers: int, *, spread: bool) -> None:
    """The graph of a step: name the tasks, spread them over the workers of a runner that has some, map them.

    Each transform costs 10 ms of CPU a step, so a graph has no more than it needs.
    """
    tasks = (
        pipeline | "Begin" >> beam.Impulse() | "Name tasks" >> beam.ParDo(NameTasks(elements)).with_output_types(str)
    )
    if spread:  # without it the runner fuses both and one worker gets every task
        tasks = tasks | "Spread tasks" >> beam.Reshuffle()
    tasks | "Map shards" >> beam.ParDo(MapShards(call, workers))


class Engine:
    """Runs steps on one preset. Use it as a context: a Spark engine keeps its Java process between steps."""

    def __init__(self, preset: str, workers: int) -> None:
        if preset in REFUSED:
            raise WrongArguments(f"the runner {preset} is refused", REFUSED[preset])
        if preset not in PRESETS:
            raise WrongArguments(f"there is no engine {preset!r}", f"choose one of {', '.join(PRESETS)}")
        self.preset, self.workers = preset, workers
        self._spark: spark.SparkSession | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Engine":
        self._check_signals = self._stack.enter_context(stopped_by_signals())
        self._stack.callback(close_shared_pool)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, root: Path, step: Step, base: str, tasks: Iterable[Task], settings: str) -> None:
        """Do some tasks of a step. Returns when all are done; raises the first error."""
        call = Call(str(root.resolve()), step.name, step.work, base, settings, step.warm)
        elements = [f"{task_fingerprint(base, t)}\n{task_json(t)}" for t in tasks]
        if self.preset == "local":
            self._run_local(call, elements)
        else:
            self._run_spark(call, elements)
        self._check_signals()

    def _run_local(self, call: Call, elements: Sequence[str]) -> None:
        options = PipelineOptions(["--runner=FnApiRunner", "--direct_running_mode=in_memory"])
        with _passing_folder():  # Beam makes one for things to stage, and would leave it where a run is stopped here
            pipeline = beam.Pipeline(options=options)
        with pipeline:
            build(pipeline, call, elements, self.workers, spread=False)  # one bundle, whose tasks the pool spreads

    def _run_spark(self, call: Call, elements: Sequence[str]) -> None:
        if self._spark is None:
            self._spark = self._stack.enter_context(spark.SparkSession(self.workers))
            self._pool = self._stack.enter_context(worker_pool())
        with tempfile.TemporaryDirectory(prefix="gleanery-spark-") as folder:
            path = Path(folder, "pipeline.pb")
            path.write_bytes(portable_pipeline(call, elements, self._pool.address, self.workers))
            try:
                self._spark.run(path)
            except StopRun as error:  # Spark knows only that it reaches nobody
                raise self._pool.ended() or error from None


def portable_pipeline(call: Call, elements: Sequence[str], worker_pool: str, workers: int) -> bytes:
    """The serialised graph for a portable runner, whose workers come from a pool at an address."""
    from apache_beam.runners.portability.portable_runner import PortableRunner

    options = PipelineOptions(["--environment_type=EXTERNAL", f"--environment_config={worker_pool}"])
    with _passing_folder():
        runner = PortableRunner()
        pipeline = beam.Pipeline(runner=runner, options=options)
        build(pipeline, call, elements, workers, spread=True)
        proto: bytes = runner.get_proto_pipeline(pipeline, options).SerializeToString()
    return proto


@contextlib.contextmanager
def _passing_folder() -> Iterator[None]:
    """Removes what is made in the temporary folder meanwhile, such as folders for a graph that Beam does not run."""
    with tempfile.TemporaryDirectory(prefix="gleanery-") as folder:
        before, tempfile.tempdir = tempfile.tempdir, folder
        try:
            yield
        finally:
            tempfile.tempdir = before


def serve_workers(port: int, driver: int) -> None:
    """Start Beam's Python workers, when a runner asks for them, as threads of this process; ends with the driver.

    One process for all steps imports Beam once and keeps one pool of worker processes, as the local engine does. A
    worker runs whatever code it is given, so nobody else may ask for one: the server listens on the loopback address
    (Beam's own listens on all), and wants the word that only the driver and its Spark process know.
    """
    import grpc
    from apache_beam.portability.api import beam_fn_api_pb2 as api
    from apache_beam.portability.api import beam_fn_api_pb2_grpc as api_grpc
    from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer
    from apache_beam.utils.thread_pool_executor import shared_unbounded_instance

    word = os.environ.pop(_WORD)

    class GuardedPool(BeamFnExternalWorkerPoolServicer):
        def StartWorker(self, request: Any, context: Any) -> Any:
            named = [request.control_endpoint.url, request.logging_endpoint.url, request.artifact_endpoint.url]
            if not hmac.compare_digest(request.params["word"].encode(), word.encode()):
                return api.StartWorkerResponse(error="workers are for the run that started this process")
            if not all(is_on_this_machine(url) for url in (*named, request.provision_endpoint.url) if url):
                return api.StartWorkerResponse(error="workers are for an engine on this machine")
            return super().StartWorker(request, context)

    end_with(driver)
    options = [("grpc.http2.max_pings_without_data", 0), ("grpc.http2.max_ping_strikes", 0), ("grpc.so_reuseport", 0)]
    server = grpc.server(shared_unbounded_instance(), options=options)
    api_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(GuardedPool(data_buffer_time_limit_ms=-1), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def is_on_this_machine(address: str) -> bool:
    """Whether an address (host:port) is of the loopback interface.

    >>> is_on_this_machine("localhost:80"), is_on_this_machine("[::1]:80"), is_on_this_machine("192.0.2.1:80")
    (True, True, False)
    """
    host = address.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


_WORD = "GLEANERY_WORKER_WORD"


@dataclass(frozen=True)
class WorkerPool:
    """A process that runs `serve_workers`, and what a portable graph has to say to get workers from it."""

    address: str
    process: "subprocess.Popen[bytes]"

    def ended(self) -> StopRun | None:
        """What to tell people if the process has ended, with all its workers; None if it is there."""
        try:
            self.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return None
        return ended_from_outside()


@contextlib.contextmanager
def worker_pool() -> Iterator[WorkerPool]:
    """Start a process that runs `serve_workers`, and end it."""
    port, word = spark.free_port(), secrets.token_hex(32)
    code = f"from gleanery.pipeline.engine import serve_workers; serve_workers({port}, {os.getpid()})"
    environment = os.environ | {_WORD: word}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=log, stderr=log, start_new_session=True, env=environment
        )
        try:
            spark.wait_for_port(port, process, seconds=spark.START_SECONDS)
            yield WorkerPool(json.dumps({"url": f"127.0.0.1:{port}", "params": {"word": word}}), process)
        finally:
            spark.end_group(process)
