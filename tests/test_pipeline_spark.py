"""Beam on Spark: on this machine and on a real cluster; whom it serves, and what is said when a part of it is lost."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import psutil
import pytest
import spark_cluster
from apache_beam.portability.api import beam_fn_api_pb2 as workers_api
from apache_beam.portability.api import beam_fn_api_pb2_grpc as workers_grpc
from hadoop_cluster import hadoop
from spark_cluster import ADDRESS, Cluster
from test_pipeline_run import tree

from gleanery.pipeline import spark, spark_jars
from gleanery.pipeline.engine import Engine
from gleanery.pipeline.nodes import node_settings, program
from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import Settings, load_settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.steps import Step, pending, step_fingerprint
from gleanery.records.errors import StopRun
from gleanery.records.files import write_bytes

LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


def need_spark() -> None:
    """Skip with the reason where there is no Java or no jars; in CI they have to be there."""
    reason = spark_jars.missing()
    if reason is not None and not os.environ.get("CI"):
        pytest.skip(reason)


def run_step(root: Path, step: Step, engine: str, workers: int | None = None) -> None:
    with Engine(engine, workers) as opened:
        opened.run(root, step, step_fingerprint(step, {}), step.tasks, Settings().to_json())


def note_process(shard: Shard) -> None:
    """A step's function that says in which process it ran, and takes its time."""
    time.sleep(shard.task.payload["seconds"])
    write_bytes(shard.root / "ran" / shard.task.name, str(os.getpid()).encode())


def step_of(count: int, seconds: float) -> Step:
    tasks = tuple(Task(f"t{n}", {"seconds": seconds}) for n in range(count))
    return Step("stage", "one", "one", "test_pipeline_spark:note_process", tasks, {})


def done(root: Path) -> int:
    return len(list(root.glob("work/one/tasks/*.json")))


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The process that a node starts: its address, and what somebody says who may ask it for a worker."""
    with (
        node_settings(tmp_path, 1) as settings,
        subprocess.Popen(
            [settings["python"], "-c", settings["code"]],
            env=os.environ | {"GLEANERY_WORKER_WORD": settings["word"], "GLEANERY_WORKER_COUNT": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdin and process.stdout
        yield f"127.0.0.1:{process.stdout.readline().strip()}", {k: settings[k] for k in ("word", "mark", "program")}
        process.stdin.close()


def refusal(address: str, params: dict[str, str], control: str) -> str:
    request = workers_api.StartWorkerRequest(worker_id="w", params=params)
    request.control_endpoint.url = control
    with grpc.insecure_channel(address) as channel:
        return str(workers_grpc.BeamFnExternalWorkerPoolStub(channel).StartWorker(request, timeout=60).error)


@pytest.mark.parametrize(
    ("params", "control", "refused"),
    [
        ({"word": ""}, "127.0.0.1:1", "for the run that started"),
        ({"word": "0" * 64}, "127.0.0.1:1", "for the run that started"),
        ({}, "192.0.2.1:1", "engine on this machine"),
        ({}, "unix:/x", "engine on this machine"),
        ({"mark": "/elsewhere/run/work/.0.tmp"}, "127.0.0.1:1", "does not see the folder /elsewhere/run:"),
        ({"program": "0" * 64}, "127.0.0.1:1", "are others than on the machine that started the run"),
    ],
)
def test_no_worker_starts_for_who_is_not_of_the_run_or_is_elsewhere_or_whose_work_it_cannot_do(
    asked: tuple[str, dict[str, str]], params: dict[str, str], control: str, refused: str
) -> None:
    address, right = asked
    assert refused in refusal(address, right | params, control)


def test_a_worker_starts_for_who_knows_the_word(asked: tuple[str, dict[str, str]]) -> None:
    address, right = asked
    with socket.create_server(("127.0.0.1", 0)) as control, grpc.insecure_channel(address) as channel:
        control.settimeout(60)
        request = workers_api.StartWorkerRequest(worker_id="w", params=right)
        request.control_endpoint.url = f"127.0.0.1:{control.getsockname()[1]}"
        call = workers_grpc.BeamFnExternalWorkerPoolStub(channel).StartWorker.future(request)
        worker, _ = control.accept()  # it asks at once what there is to do
        worker.close()
        call.cancel()


def test_a_process_of_workers_listens_to_this_machine_only(asked: tuple[str, dict[str, str]]) -> None:
    assert {address for program, address in listening() if program.startswith("python")} <= set(LOOPBACK)


@pytest.mark.parametrize("end", ["input", "signal"])
def test_a_process_of_workers_ends_with_who_started_it_and_leaves_nothing(tmp_path: Path, end: str) -> None:
    code = (
        "import os, subprocess, sys, tempfile, time; from gleanery.pipeline.nodes import end_with_input\n"
        "end_with_input(); subprocess.Popen(['sleep', '600'])\n"
        "print(tempfile.mkdtemp(), flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdin and process.stdout
        assert Path(process.stdout.readline().strip()).is_dir()
        child = psutil.Process(process.pid).children()[0]
        if end == "input":
            process.stdin.close()
        else:
            process.terminate()
        assert process.wait(timeout=60) == 0
    assert not list(tmp_path.iterdir())
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_the_program_is_known_by_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    before = program()
    assert program() == before
    monkeypatch.setattr("gleanery.pipeline.nodes._ROOMS", ("pipeline",))
    assert program() != before


def fake_java(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    java = folder / "java"
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setattr(spark, "missing", lambda: None)
    monkeypatch.setattr(spark, "launcher_jar", lambda: folder / "launcher.jar")


def session() -> spark.SparkSession:
    return spark.SparkSession(spark.local_properties(1), {"word": "said to nodes"})


def test_a_spark_process_that_does_not_come_up_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(tmp_path, monkeypatch, "exec sleep 300")
    monkeypatch.setattr(spark, "START_SECONDS", 0.5)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    with pytest.raises(StopRun, match="Spark engine failed"), session():
        pass
    assert {p.pid for p in psutil.Process().children(recursive=True)} <= before
    assert [path.name for path in tmp_path.iterdir()] == ["java"]


def test_a_java_process_that_is_killed_between_two_steps_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_java(tmp_path, monkeypatch, "echo READY\nkill -9 $$")
    with session() as opened:
        opened._process.wait()
        with pytest.raises(StopRun, match="ended by signal 9"):
            opened.run(tmp_path / "pipeline.pb", 1)


def test_a_java_process_that_is_killed_is_told_as_such_and_needs_no_name_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_java(
        tmp_path,
        monkeypatch,
        'echo "$SPARK_LOCAL_IP $SPARK_LOCAL_HOSTNAME" > "${0%/*}/seen"\n'
        "echo 26/11/30 05:34:12 INFO BlockManager: Initialized >&2\nkill -9 $$",
    )
    with pytest.raises(StopRun, match="ended by signal 9, most likely for lack of memory$"), session():
        pass
    assert (tmp_path / "seen").read_text() == "127.0.0.1 127.0.0.1\n"


@pytest.mark.parametrize("answers", ["echo LOST; echo FAILED", "echo FAILED; sleep 0.2; echo LOST"])
def test_workers_that_somebody_killed_are_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: str
) -> None:
    fake_java(tmp_path, monkeypatch, f"echo READY; read line; {answers}; sleep 60")
    with session() as opened, pytest.raises(StopRun, match="worker process was ended from outside") as caught:
        opened.run(tmp_path / "pipeline.pb", 1)
    assert caught.value.hint.startswith("run the same command again to resume")


def test_workers_that_were_lost_and_replaced_stop_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(tmp_path, monkeypatch, "echo READY; read line; echo LOST; echo DONE; read line; echo FAILED; sleep 60")
    with session() as opened:
        opened.run(tmp_path / "pipeline.pb", 1)
        with pytest.raises(StopRun, match="engine failed"):
            opened.run(tmp_path / "pipeline.pb", 1)


def test_what_nodes_are_told_is_in_no_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(tmp_path, monkeypatch, "echo READY; read line")
    with session() as opened:
        words = " ".join(psutil.Process(opened._process.pid).cmdline())
        command = opened._command()
        settings, classes = Path(command[-1]), command[command.index("-cp") + 1].split(os.pathsep)
        assert len(classes) == 2 and all(map(os.path.isabs, classes))
        assert "word=said\\u0020to\\u0020nodes\n" in settings.read_text()
    assert "launcher.jar" in words and "said" not in words


def test_a_compiler_that_fails_leaves_no_jar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(tmp_path, monkeypatch, "echo error: no module jdk.compiler >&2; exit 1")
    monkeypatch.setenv("GLEANERY_CACHE", str(tmp_path / "cache"))
    with pytest.raises(StopRun, match="could not compile what starts Spark: error: no module jdk.compiler"):
        spark_jars.launcher_jar()
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize(
    ("text", "properties"),
    [
        ("# ours\n\nspark.executor.memory 2g\n spark.a=b c \n", {"spark.executor.memory": "2g", "spark.a": "b c"}),
        ("spark.executor.memory\n", "line 1 of"),
        ("\nexecutor.memory 2g\n", "line 2 of"),
    ],
)
def test_a_cluster_takes_properties_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, properties: dict[str, str] | str
) -> None:
    monkeypatch.setattr(spark, "launcher_jar", lambda: tmp_path / "launcher.jar")
    (tmp_path / "conf").write_text(text)
    monkeypatch.setenv("GLEANERY_SPARK_CONF", str(tmp_path / "conf"))
    with socket.create_server(("127.0.0.1", 0)) as master:
        address = f"spark://127.0.0.1:{master.getsockname()[1]}"
        if isinstance(properties, str):
            with pytest.raises(StopRun, match=properties):
                spark.cluster_properties(address)
        else:
            found = spark.cluster_properties(address)
            assert found.items() >= properties.items()
            assert found["spark.master"] == address and found["spark.driver.host"] == "127.0.0.1"


def test_a_master_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spark, "launcher_jar", lambda: tmp_path / "launcher.jar")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(StopRun, match=f"nobody answers at spark://127.0.0.1:{port}"):
        spark.cluster_properties(f"spark://127.0.0.1:{port}")


def test_yarn_wants_the_configuration_of_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "launcher_jar", lambda: tmp_path / "launcher.jar")
    for folder in ("", str(tmp_path)):
        monkeypatch.setenv("HADOOP_CONF_DIR", folder)
        with pytest.raises(StopRun, match="no configuration of a Hadoop cluster") as caught:
            spark.yarn_properties()
        assert "HADOOP_CONF_DIR" in caught.value.hint
    (tmp_path / "yarn-site.xml").touch()
    (tmp_path / "conf").write_text("spark.executor.memoryOverhead 8g\nspark.master local\n")
    monkeypatch.setenv("GLEANERY_SPARK_CONF", str(tmp_path / "conf"))
    found = spark.yarn_properties()
    assert (found["spark.master"], found["spark.executor.memoryOverhead"]) == ("yarn", "8g")


def listening() -> set[tuple[str, str]]:
    """The addresses, without ports, on which the processes that this one started listen, and their programs."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        try:
            found |= {(process.name(), c.laddr[0]) for c in process.net_connections("inet") if c.status == "LISTEN"}
        except psutil.Error:
            continue  # it has ended meanwhile
    return found


@pytest.mark.slow
@pytest.mark.spark
def test_everything_that_spark_opens_here_listens_to_this_machine_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_spark()
    seen: set[tuple[str, str]] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            seen.update(listening())

    watcher = threading.Thread(target=look)
    watcher.start()
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # for the worker processes
    try:
        run_step(tmp_path, step_of(4, 0.5), "spark-local", 2)
    finally:
        ended.set()
        watcher.join()
    assert {program for program, _ in seen} >= {"java"}
    assert {address for _, address in seen} <= set(LOOPBACK)
    assert not list(tmp_path.rglob(".*.tmp"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    need_spark()
    with spark_cluster.cluster() as made:
        yield made


def gone(find: Callable[[], list[psutil.Process]]) -> bool:
    """Whether processes are gone within half a minute."""
    for _ in range(300):
        if not find():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
@pytest.mark.spark
def test_a_cluster_gives_the_bytes_of_one_machine(
    curated: Path, corpus: Path, tmp_path: Path, cluster: Cluster
) -> None:
    curate(load_settings(corpus), tmp_path / "spark", engine=cluster.master)
    assert tree(tmp_path / "spark") == tree(curated)
    assert gone(cluster.executors)


@pytest.mark.slow
@pytest.mark.spark
def test_a_hadoop_cluster_gives_the_bytes_of_one_machine(
    curated: Path, corpus: Path, tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_spark()
    monkeypatch.setenv("GLEANERY_SPARK_CONF", str(tmp_path / "conf"))
    with hadoop(own_cache) as found:
        (tmp_path / "conf").write_text(found.spark)
        monkeypatch.setenv("HADOOP_CONF_DIR", str(found.configuration))
        monkeypatch.setenv("JAVA_TOOL_OPTIONS", found.java)
        curate(load_settings(corpus), tmp_path / "spark", engine="yarn")
    assert tree(tmp_path / "spark") == tree(curated)


@pytest.mark.slow
@pytest.mark.spark
def test_the_tasks_of_a_step_run_on_all_nodes_and_workers_listen_to_their_own_machine_only(
    tmp_path: Path, cluster: Cluster
) -> None:
    seen: set[tuple[str, str]] = set()

    def look() -> None:
        while done(tmp_path) < 4:
            time.sleep(0.05)
        seen.update(listening())

    watcher = threading.Thread(target=look)
    watcher.start()
    run_step(tmp_path, step_of(12, 0.3), cluster.master)
    watcher.join()
    assert len({path.read_text() for path in (tmp_path / "ran").iterdir()}) == 2
    assert {address for name, address in seen if name != "java"} <= set(LOOPBACK)
    assert {address for _, address in seen} <= {*LOOPBACK, ADDRESS, f"::ffff:{ADDRESS}"}


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.parametrize("lost", ["executor", "workers"])
def test_a_node_that_is_lost_in_the_middle_costs_nothing_but_time(tmp_path: Path, cluster: Cluster, lost: str) -> None:
    def kill() -> None:
        while done(tmp_path) < 2:
            time.sleep(0.05)
        (cluster.executors() if lost == "executor" else cluster.workers())[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    step = step_of(10, 1)
    run_step(tmp_path, step, cluster.master)
    killer.join()
    assert not pending(tmp_path, step, step_fingerprint(step, {}))
    assert len({path.read_text() for path in (tmp_path / "ran").iterdir()}) >= 2


@pytest.mark.slow
@pytest.mark.spark
def test_a_driver_that_is_killed_leaves_nothing_on_the_nodes(tmp_path: Path, cluster: Cluster) -> None:
    code = (
        "import sys; from pathlib import Path; from test_pipeline_spark import run_step, step_of\n"
        f"run_step(Path(sys.argv[1]), step_of(50, 5), {cluster.master!r})"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=environment) as driver:
        while not cluster.executors() or not cluster.workers() or not done(tmp_path):
            assert driver.poll() is None
            time.sleep(0.1)
        workers = cluster.workers()
        driver.send_signal(signal.SIGKILL)
    assert gone(cluster.executors)
    assert gone(lambda: [w for w in workers if w.is_running() and w.status() != psutil.STATUS_ZOMBIE])


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.parametrize(
    ("name", "why"), [("/nowhere/python", 'Cannot run program "/nowhere/python"'), ("/bin/false", "it said nothing")]
)
def test_a_node_without_the_program_is_named_with_the_reason(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    monkeypatch.setenv("GLEANERY_SPARK_PYTHON", name)
    with pytest.raises(StopRun, match=f"no workers on {ADDRESS}: {why}"):
        run_step(tmp_path, step_of(2, 0), cluster.master)


@pytest.mark.slow
@pytest.mark.spark
def test_a_cluster_without_room_is_told(tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "ROOM_SECONDS", 3)
    (tmp_path / "conf").write_text("spark.executor.memory 64g\n")
    monkeypatch.setenv("GLEANERY_SPARK_CONF", str(tmp_path / "conf"))
    with pytest.raises(StopRun, match="the cluster gave no executor: no node had room"):
        run_step(tmp_path, step_of(2, 0), cluster.master)
