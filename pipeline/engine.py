"""Engines: one Beam pipeline for a step, on the runner that a preset names.

In: a step's pending tasks. Out: their sidecars and files. The elements of the pipeline are tasks, which name shard
files; text never enters a shuffle. Orchestration costs about 0.06 s of CPU a step on `local`, 0.7 s on `spark-local`.
This is the only file that imports Beam.
"""

import contextlib
import io
import logging
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gleanery.pipeline import dataflow, spark
from gleanery.pipeline.bucket import refuse_address
from gleanery.pipeline.bucket_node import report_away
from gleanery.pipeline.cores import cores
from gleanery.pipeline.nodes import Guard, end_with_input, node_settings, workers_here
from gleanery.pipeline.shard import Task
from gleanery.pipeline.spark import last_words
from gleanery.pipeline.steps import Step, pending, report_error, task_fingerprint, task_json
from gleanery.pipeline.workers import Pool, close_shared_pool, shared_pool, stopped_by_signals
from gleanery.records.errors import StopRun, WrongArguments

# Beam warns at its import of what only its own file formats need, on the root logger: in a script that has not set up
# logging, that would print the warning and set logging up.
_unheard = logging.NullHandler()
logging.getLogger().addHandler(_unheard)
import apache_beam as beam  # noqa: E402
from apache_beam.options.pipeline_options import PipelineOptions  # noqa: E402
from apache_beam.runners.runner import PipelineState  # noqa: E402
from apache_beam.transforms.window import GlobalWindow  # noqa: E402
from apache_beam.utils.windowed_value import WindowedValue  # noqa: E402

logging.getLogger().removeHandler(_unheard)

PRESETS = {
    "local": "this machine: Beam's FnApiRunner in process, with a pool of worker processes",
    "spark-local": "this machine: Beam's Spark runner with an embedded Spark master; needs Java and its jars",
    "spark://HOST:PORT": "the nodes of a standalone Spark cluster, which share a disk or a --bucket; needs the same",
    "yarn": "the nodes of a Hadoop cluster, as HADOOP_CONF_DIR describes it; needs the same",
    "dataflow": "Google Cloud Dataflow, by a --bucket, for what looks inside contents; the rest is done here",
}
_HERE = ("local", "spark-local")
_MASTER = re.compile(r"spark://[^\s,/]+:\d{1,5}(?:,[^\s,/]+:\d{1,5})*")
_MOST_BUNDLES = 1024  # each costs 15 ms
# How long a disk of a network may hide from this machine what another one wrote.
_SEEN_SECONDS = 90
_CORRECT = f"correct it in the file that {dataflow.VARIABLE} names"
_ASK_GOOGLE = "look at the job in the console; the same command resumes, on any engine"
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
    bucket: str = ""  # by which files come and go, where tasks do not see the run's folder
    inputs: str = ""  # the digest of the list of files there

    def arguments(self, element: str) -> tuple[str, ...]:
        """The arguments of `run_task` for one element, which carries its own fingerprint."""
        fingerprint, task = element.split("\n", 1)
        own = self.root, self.step, self.work, fingerprint, task, self.settings
        return (*own, self.bucket, self.inputs) if self.bucket else own


class MapShards(beam.DoFn):
    """Run a step's function on each task. With more than one worker, a bundle's tasks run side by side.

    `workers` is 0 where each machine knows how many it has.
    """

    def __init__(self, call: Call, workers: int) -> None:
        self._call, self._workers = call, workers
        self._futures: list[Future[str]] = []

    def start_bundle(self) -> None:
        """Forget the bundle before."""
        self._futures = []

    def process(self, element: str) -> Iterator[str]:
        """Start one task; its name is emitted when the bundle ends."""
        pool = self._pool()
        with self._reported():
            self._futures.append(pool.submit(*self._call.arguments(element)))
        return iter(())

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Wait for all tasks of the bundle. The first error stops the step."""
        pool = self._pool()
        for future in self._futures:
            with self._reported():
                name = pool.result(future)
            yield WindowedValue(name, GlobalWindow().max_timestamp(), (GlobalWindow(),))

    def _pool(self) -> Pool:
        return shared_pool(self._workers or workers_here(), self._call.warm)

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        """What the pool says of its own is left as a task leaves its error: an engine tells it in words of its own."""
        try:
            yield
        except StopRun as error:
            # What a task has told comes first by its name.
            call, said = self._call, ("~pool", error.message, error.hint)
            if call.bucket:
                with contextlib.suppress(StopRun):  # who cannot reach the bucket has no other way to tell it
                    report_away(call.bucket, call.step, call.inputs, *said)
            else:
                report_error(Path(call.root), call.step, *said)
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
    """Runs steps on one preset. Use it as a context: a Spark engine keeps its Java process between steps.

    `workers` is how many tasks at once; on a cluster on each of its machines. None: as many as there are cores for it.
    `bucket` is the address of the run's own, where machines share no disk.
    """

    def __init__(self, preset: str, workers: int | None = None, bucket: str = "") -> None:
        if preset in REFUSED:
            raise WrongArguments(f"the runner {preset} is refused", REFUSED[preset])
        if preset not in (*_HERE, "yarn", "dataflow") and not _MASTER.fullmatch(preset):
            raise WrongArguments(f"there is no engine {preset!r}", f"choose one of {', '.join(PRESETS)}")
        if preset == "dataflow" and not bucket:
            hint = "name a --bucket, such as gs://NAME/PLACE"
            raise WrongArguments("the machines of Dataflow share no disk with this one", hint)
        if bucket:
            refuse_address(bucket)
            if preset in _HERE:
                hint = "leave it out, or name the cluster by --engine"
                raise WrongArguments(f"a bucket is for machines that share no disk, and {preset} is one machine", hint)
        self.preset, self.workers, self.bucket = preset, workers, bucket
        self._spark: spark.SparkSession | None = None
        self._stack = contextlib.ExitStack()

    @property
    def worth(self) -> frozenset[str] | None:
        """The steps that it does elsewhere, where it does not do all of them there."""
        return dataflow.WORTH_A_JOB if self.preset == "dataflow" else None

    def __enter__(self) -> "Engine":
        if self.preset == "dataflow":
            self._job_options("first")  # what is wrong with them is told before anything is done
        self._check_signals = self._stack.enter_context(stopped_by_signals())
        self._stack.callback(close_shared_pool)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, root: Path, step: Step, base: str, tasks: Iterable[Task], settings: str, inputs: str = "") -> None:
        """Do some tasks of a step. Returns when all are done; raises the first error.

        Where there is a bucket, `inputs` is the digest of the list of files there that they read; without one they are
        done on this machine.
        """
        bucket = self.bucket if inputs else ""
        here = self.preset == "local" or bool(self.bucket and not inputs)
        # Other machines have memories of their own.
        warm = "" if step.is_known and (here or self.preset in _HERE) else step.warm
        call = Call(str(root.resolve()), step.name, step.work, base, settings, warm, bucket, inputs)
        elements = [f"{task_fingerprint(base, t)}\n{task_json(t)}" for t in tasks]
        if here:
            self._run_local(call, elements)
        elif self.preset == "dataflow":
            self._run_dataflow(call, elements)
        else:
            self._run_spark(root, call, elements)
        self._check_signals()
        if self.preset not in _HERE and not self.bucket:
            _await_files(root, step, base)

    def _run_local(self, call: Call, elements: Sequence[str]) -> None:
        options = PipelineOptions(["--runner=FnApiRunner", "--direct_running_mode=in_memory"])
        with _passing_folder():  # Beam makes one for things to stage, and would leave it where a run is stopped here
            pipeline = beam.Pipeline(options=options)
        with pipeline:  # one bundle, whose tasks the pool spreads
            build(pipeline, call, elements, self.workers or cores(), spread=False)

    def _job_options(self, step: str) -> PipelineOptions:
        """The options of the job of a step. Raises StopRun for one that Beam cannot read."""
        given, known = dataflow.job_options(step, self.bucket), PipelineOptions([]).get_all_options()
        if unknown := [name for name in given if name not in known]:
            raise StopRun(f"Beam knows no option {unknown[0]}", _CORRECT)
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                options = PipelineOptions(dataflow.arguments(given, known))
                options.get_all_options()
        except SystemExit:  # what reads them ends the process
            raise StopRun(f"Beam cannot read an option: {_last_line(said.getvalue())}", _CORRECT) from None
        return options

    def _run_dataflow(self, call: Call, elements: Sequence[str]) -> None:
        options = self._job_options(call.step)
        try:
            with _passing_folder():
                pipeline = beam.Pipeline(options=options)
                build(pipeline, call, elements, self.workers or 0, spread=True)
                result = pipeline.run()
        except Exception as error:
            raise StopRun(f"the Dataflow job could not be started: {_last_line(str(error))}", _CORRECT) from error
        try:
            result.wait_until_finish()
        except Exception as error:
            raise StopRun(f"the Dataflow job failed: {last_words(str(error))}", _ASK_GOOGLE) from error
        finally:
            if result.state not in (PipelineState.DONE, PipelineState.FAILED):
                with contextlib.suppress(Exception):
                    result.cancel()

    def _run_spark(self, root: Path, call: Call, elements: Sequence[str]) -> None:
        if self._spark is None:
            self._spark = self._stack.enter_context(self._session(root))
        with tempfile.TemporaryDirectory(prefix="gleanery-spark-") as folder:
            path = Path(folder, "pipeline.pb")
            path.write_bytes(portable_pipeline(call, elements))
            self._spark.run(path, min(len(elements), self._bundles))

    @contextlib.contextmanager
    def _session(self, root: Path) -> Iterator[spark.SparkSession]:
        workers = self.workers or 0
        if self.preset == "spark-local":
            self._bundles = workers = self.workers or cores()
            properties = spark.local_properties(workers)
        else:  # nobody knows how many nodes there will be: whichever has a core to spare takes the next task
            self._bundles = _MOST_BUNDLES
            on_yarn = self.preset == "yarn"
            properties = spark.yarn_properties() if on_yarn else spark.cluster_properties(self.preset)
        with node_settings(root, workers, self.bucket) as nodes, spark.SparkSession(properties, nodes) as session:
            yield session


def _last_line(text: str) -> str:
    """The last line of what somebody said, which names the cause; no usage before it."""
    return (text.strip().splitlines() or [""])[-1].rpartition("error: ")[2][:200]


def portable_pipeline(call: Call, elements: Sequence[str]) -> bytes:
    """The serialised graph for a portable runner, whose machines each have workers at an address of their own."""
    from apache_beam.runners.portability.portable_runner import PortableRunner

    options = PipelineOptions(["--environment_type=EXTERNAL", "--environment_config=localhost:0"])
    with _passing_folder():
        runner = PortableRunner()
        pipeline = beam.Pipeline(runner=runner, options=options)
        build(pipeline, call, elements, workers=0, spread=True)
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


def _await_files(root: Path, step: Step, base: str) -> None:
    """Wait until what other machines wrote is there: a disk of a network may show it a little later."""
    end = time.monotonic() + _SEEN_SECONDS
    while pending(root, step, base):
        if time.monotonic() > end:
            raise StopRun(
                f"{step.title}: what the nodes wrote is not in {root} on this machine",
                "put the folder of the run on a disk that all machines have at one place, or name a --bucket",
            )
        time.sleep(0.5)


def serve_workers() -> None:
    """Start Beam's Python workers, when a runner asks for them, as threads of this process; ends with its input.

    One process for all steps imports Beam once and keeps one pool of worker processes, as the local engine does. A
    worker runs whatever code it is given, so nobody else may ask for one: the server listens on the loopback address
    (Beam's own listens on all), on a port that is written to the output, and wants the word that only the driver and
    Spark know.
    """
    end_with_input()
    import grpc
    from apache_beam.portability.api import beam_fn_api_pb2 as api
    from apache_beam.portability.api import beam_fn_api_pb2_grpc as api_grpc
    from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer
    from apache_beam.utils.thread_pool_executor import shared_unbounded_instance

    guard = Guard()

    class GuardedPool(BeamFnExternalWorkerPoolServicer):
        def StartWorker(self, request: Any, context: Any) -> Any:
            ends = request.control_endpoint, request.logging_endpoint, request.artifact_endpoint
            refused = guard.refusal(request.params, [end.url for end in (*ends, request.provision_endpoint)])
            return api.StartWorkerResponse(error=refused) if refused else super().StartWorker(request, context)

    options = [("grpc.http2.max_pings_without_data", 0), ("grpc.http2.max_ping_strikes", 0), ("grpc.so_reuseport", 0)]
    server = grpc.server(shared_unbounded_instance(), options=options)
    api_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(GuardedPool(data_buffer_time_limit_ms=-1), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()
