"""What goes wrong around a bucket: late tasks, full disks, stores that are away for a while, passwords in addresses."""

import hashlib
import io
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pytest
from bucket_machines import CLUSTER, be_the_nodes, do_away, letters, note_letters
from pyarrow.fs import FileSystem

from gleanery.optout.registry import Registry
from gleanery.pipeline import bucket as bucket_module
from gleanery.pipeline import bucket_driver, bucket_node, stage2_annotate
from gleanery.pipeline.bucket import Bucket, refuse_address
from gleanery.pipeline.bucket_driver import Relay, stays_here
from gleanery.pipeline.bucket_node import DONE, FILES
from gleanery.pipeline.engine import Call, Engine
from gleanery.pipeline.exchange import write_sorted
from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import Settings, load_settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.spark import last_words
from gleanery.pipeline.steps import Step, step_fingerprint, task_fingerprint
from gleanery.records import files
from gleanery.records.absent import brought_by, present
from gleanery.records.errors import StopRun, WrongArguments


@pytest.fixture
def bucket(tmp_path: Path) -> str:
    return f"file://{tmp_path}/bucket"


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return be_the_nodes(tmp_path, monkeypatch)


@pytest.fixture
def at_node(node: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, where a test does tasks itself."""
    monkeypatch.setattr(tempfile, "tempdir", str(node))
    return node


@pytest.mark.parametrize(
    "address",
    [
        "abfs://place:s3cr3t@name.dfs.core.windows.net/x",
        "abfss://:s3/cr3t@name/x",
        "abfs://place@name.dfs.core.windows.net/x?client_secret=s3cr3t",
    ],
)
def test_an_address_that_holds_a_password_of_azure_is_refused_and_not_told(address: str) -> None:
    with pytest.raises(WrongArguments, match="an account or a password") as caught:
        Engine(CLUSTER, bucket=address)
    assert "cr3t" not in f"{caught.value.message}{caught.value.hint}"
    refuse_address("abfs://place@name.dfs.core.windows.net/x?enable_tls=true")


def test_no_task_is_told_where_the_registry_of_objections_is(
    corpus: Path, tmp_path: Path, bucket: str, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its address may hold a password, and only the driver asks it."""
    settings, told, run = load_settings(corpus), set[str](), Engine.run

    def note(self: Engine, root: Path, step: Step, base: str, tasks: Sequence[Task], plain: str, *rest: str) -> None:
        told.add(str(json.loads(plain)["optout"]["registry"]))
        run(self, root, step, base, tasks, plain, *rest)

    monkeypatch.setattr(Engine, "run", note)
    Registry.open(f"sqlite:///{tmp_path}/optout.sqlite").close()
    settings = replace(settings, optout=replace(settings.optout, registry=str(tmp_path / "optout.sqlite")))
    curate(settings, tmp_path / "run", engine=CLUSTER, bucket=bucket)
    assert told == {"given"}
    assert b'"registry": "given"' in (tmp_path / "run/release/manifest.json").read_bytes()


def test_tasks_side_by_side_in_one_process_each_find_their_files(tmp_path: Path) -> None:
    """As where a machine has one worker, and an engine gives it several tasks at once."""
    (tmp_path / "link").symlink_to(tmp_path / "there")
    began, ended = threading.Event(), threading.Event()

    def another() -> None:
        with brought_by(lambda _: None):
            began.set()
            ended.wait(10)

    thread = threading.Thread(target=another)
    thread.start()
    began.wait(10)
    with brought_by(lambda place: place.touch()):
        assert present(tmp_path / "link").exists()
        (tmp_path / "there").unlink()
        began.clear()
        (later := threading.Thread(target=another)).start()
        began.wait(10)
        assert present(tmp_path / "link").exists()
        ended.set()
        thread.join()
        later.join()


def test_a_full_disk_is_not_told_as_a_fault_of_the_bucket(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(files.atomic_file):
        def __enter__(self) -> BinaryIO:
            super().__enter__().close()
            self.file = io.BufferedWriter(io.FileIO("/dev/full", "w"), 1)
            return self.file

    Bucket(bucket).put("one", b"one")
    monkeypatch.setattr(bucket_module, "atomic_file", Full)
    with pytest.raises(OSError, match="No space left"):
        Bucket(bucket).get_file("one", tmp_path / "one", hashlib.sha256(b"one").hexdigest())


def test_a_run_that_ends_without_its_bucket_says_what_is_left_there(
    corpus: Path, tmp_path: Path, bucket: str, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Shard) -> None:
        raise StopRun("not today")

    settings, root = load_settings(corpus), tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(StopRun, match="not today"):
        patch.setattr("gleanery.pipeline.stage2_annotate.annotate_part", fail)
        curate(settings, root, engine=CLUSTER, bucket=bucket)
    assert Bucket(bucket).sizes("")
    for _ in range(2):  # as long as it lies there
        (remark,) = curate(settings, root).remarks
        assert remark.startswith(f"what was handed over is still in {bucket}/gleanery-")
    assert not curate(settings, root, engine=CLUSTER, bucket=bucket).remarks
    assert not Bucket(bucket).sizes("")
    assert not curate(settings, root).remarks


def goes_on(shard: Shard) -> None:
    """A step's function in whose middle the driver goes on with the next step, as it does with a task done twice."""
    relay, step = _later[0]
    do_away(relay, step, step_fingerprint(step, {}), relay.hand_out(step, {}, Settings()))
    note_letters(shard)


_later: list[tuple[Relay, Step]] = []


def test_a_task_that_goes_on_after_its_step_hands_over_nothing(
    tmp_path: Path, bucket: str, at_node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, base = letters()
    late, relay = replace(step, name="late", work=f"{__name__}:goes_on"), Relay(bucket, tmp_path / "run")
    monkeypatch.setitem(globals(), "_later", [(relay, step)])
    with pytest.raises(StopRun, match="nobody waits for the task a any more"):
        do_away(relay, late, base, relay.hand_out(late, {}, Settings()))
    assert not Bucket(relay.address).sizes(f"{DONE}/late")
    assert len(Bucket(relay.address).sizes(f"{DONE}/letters")) == 2


@pytest.mark.parametrize("end", ["resumed", "done"])
def test_what_a_lost_driver_left_behind_hands_over_nothing_to_the_next_one(
    tmp_path: Path, bucket: str, at_node: Path, end: str
) -> None:
    """A job of Dataflow goes on when the driver's machine is lost; after the run nobody would empty the bucket."""
    step, base = letters()
    relay = Relay(bucket, tmp_path / "run")
    inputs = relay.hand_out(step, {}, Settings())
    bucket_node._node(relay.address).lay_out(inputs)
    if end == "resumed":
        Relay(bucket, tmp_path / "run")
    else:
        relay.clear()
    with pytest.raises(StopRun, match="nobody waits for the task a any more"):
        do_away(relay, step, base, inputs)
    assert not Bucket(relay.address).sizes(FILES)


def test_what_another_attempt_handed_over_is_not_replaced(
    tmp_path: Path, bucket: str, at_node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt that is cut off in the middle would else take it away."""
    step, base = letters()
    relay = Relay(bucket, tmp_path / "run")
    inputs = relay.hand_out(step, {}, Settings())
    do_away(relay, step, base, inputs)
    put: list[str] = []
    monkeypatch.setattr(Bucket, "put_file", lambda _, name, *rest: put.append(name))
    do_away(relay, step, base, inputs)
    assert not put


def test_two_attempts_of_a_task_on_one_machine_do_not_disturb_each_other(
    tmp_path: Path, bucket: str, at_node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, base = letters()
    relay, put_file = Relay(bucket, tmp_path / "run"), Bucket.put_file
    inputs = relay.hand_out(step, {}, Settings())

    def put_twice(self: Bucket, name: str, path: Path, sha256: str) -> None:
        put_file(self, name, path, sha256)
        monkeypatch.setattr(Bucket, "put_file", put_file)
        do_away(relay, step, base, inputs)  # the other attempt does all of it meanwhile
        assert path.is_symlink()

    monkeypatch.setattr(Bucket, "put_file", put_twice)
    do_away(relay, step, base, inputs)
    place = bucket_node._node(relay.address).lay_out(inputs)
    assert (place / "work/letters/data/a.txt").read_text() == "aaa"


def test_a_bucket_that_is_away_for_a_moment_does_not_stop_a_step(
    tmp_path: Path, bucket: str, at_node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, base = letters()
    relay, sizes, asked = Relay(bucket, tmp_path / "run"), Bucket.sizes, threading.Event()

    def away(self: Bucket, folder: str) -> dict[str, int]:
        if threading.current_thread() is threading.main_thread():
            return sizes(self, folder)
        asked.set()
        raise StopRun("the bucket cannot be read: SLOW_DOWN")

    monkeypatch.setattr(Bucket, "sizes", away)
    monkeypatch.setattr(bucket_driver, "_LOOK_SECONDS", 0.01)
    with relay.taking_in(step, base, step.tasks):
        do_away(relay, step, base, relay.hand_out(step, {}, Settings()))
        assert asked.wait(10)
    assert (tmp_path / "run/work/letters/data/b.txt").read_text() == "bbb"


def test_a_file_on_its_way_does_not_keep_somebody_who_stops_the_run(
    tmp_path: Path, bucket: str, at_node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, base = letters()
    relay, began = Relay(bucket, tmp_path / "run"), threading.Event()
    do_away(relay, step, base, relay.hand_out(step, {}, Settings()))

    def slowly(_: Bucket, __: str) -> Iterator[bytes]:
        for number in range(500):
            began.set()
            time.sleep(0.01)
            yield str(number).encode()

    monkeypatch.setattr(Bucket, "_chunks", slowly)
    monkeypatch.setattr(bucket_driver, "_LOOK_SECONDS", 0.01)
    with pytest.raises(KeyboardInterrupt), relay.taking_in(step, base, step.tasks):
        assert began.wait(10)
        start = time.monotonic()
        raise KeyboardInterrupt
    assert time.monotonic() - start < 3
    assert not list((tmp_path / "run/work/letters").rglob("*.*"))
    assert not any(thread.name.startswith("bucket") for thread in threading.enumerate())


class NeverReplaces:
    """The file system of this machine, which gives no file the name of another: as HDFS."""

    type_name = "hdfs"

    def __init__(self, files: FileSystem) -> None:
        self._files = files

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)

    def move(self, place: str, target: str) -> None:
        if Path(target).exists():
            raise OSError("HDFS rename failed: Input/output error")
        self._files.move(place, target)


def test_two_tasks_with_one_result_both_store_it_where_nothing_is_replaced(tmp_path: Path, bucket: str) -> None:
    store = Bucket(bucket)
    store._files = NeverReplaces(store._files)
    (tmp_path / "empty").write_bytes(b"")
    for _ in range(2):
        store.put_file("files/empty", tmp_path / "empty", hashlib.sha256(b"").hexdigest())
    assert [path.name for path in (tmp_path / "bucket/files").iterdir()] == ["empty"]


def test_only_sources_that_were_read_before_stay_at_the_driver(tmp_path: Path) -> None:
    """Else a list of sources that lost one would have all its new ones read by one machine."""
    (before := tmp_path / "work/crawl/before/000001").mkdir(parents=True)
    place = {"repo_id": "1" * 32, "line": "", "shares": "", "task": "1" * 32}
    write_sorted(before / "sources.parquet", pa.Table.from_pylist([place]), "repo_id")
    files.write_json(before / f"{'2' * 32}.json", {})
    remote = {"sources": [{"kind": "git", "locator": "https://example.org/a/b.git"}]}
    for digits in (32, 2):
        tasks = tuple(Task(number * digits, remote) for number in "0123")
        stays = stays_here(Step("crawl", "crawl", "crawl", "", tasks, {}), tmp_path, None)
        assert [task.name[0] for task in tasks if stays(task)] == (["1", "2"] if digits == 32 else ["1"])


def test_a_copy_of_the_folder_of_a_run_is_another_run(tmp_path: Path, bucket: str, at_node: Path) -> None:
    step, base = letters()
    relay = Relay(bucket, tmp_path / "run")
    do_away(relay, step, base, relay.hand_out(step, {}, Settings()))
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    copy = Relay(bucket, tmp_path / "copy")
    assert copy.address != relay.address == Relay(bucket, tmp_path / "run").address
    copy.clear()
    relay.take_in(step, base, step.tasks)
    assert (tmp_path / "run/work/letters/data/a.txt").exists()


def test_what_a_worker_process_says_that_reaches_no_bucket_is_found_in_the_log_of_spark() -> None:
    said = (
        "Caused by: java.lang.RuntimeException: Error received from SDK harness: process._RemoteTraceback: ",
        *('"""', "Traceback (most recent call last):", '  File "x.py"', "errors.StopRun: the bucket cannot be read"),
        *('"""', "", "The above exception was the direct cause of the following exception:", ""),
    )
    assert last_words("\n".join(said)) == "errors.StopRun: the bucket cannot be read"


def test_what_a_task_says_of_another_one_is_told_with_a_way_out(tmp_path: Path, bucket: str, at_node: Path) -> None:
    step, base = letters()
    relay = Relay(bucket, tmp_path / "run")
    for said in (b"{}", b'{"sidecar": {"fingerprint": "another", "outputs": {}}, "asides": {}}'):
        Bucket(relay.address).put(f"{DONE}/letters/{task_fingerprint(base, step.tasks[0])}", said)
        with pytest.raises(StopRun, match="letters: what a task says") as caught:
            relay.take_in(step, base, step.tasks)
        assert "empty the bucket" in caught.value.hint


def test_machines_load_the_licence_index_before_they_fork_whatever_the_driver_remembers(
    corpus: Path, tmp_path: Path, bucket: str, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each of their workers would load one for itself, 1.4 GB."""
    run, warm = Engine._run_spark, dict[str, str]()

    def note(self: Engine, root: Path, call: Call, elements: Sequence[str]) -> None:
        warm[call.step] = call.warm
        run(self, root, call, elements)

    monkeypatch.setattr(Engine, "_run_spark", note)
    monkeypatch.setattr(stage2_annotate, "_all_remembered", lambda *_: True)
    curate(load_settings(corpus), tmp_path / "run", engine=CLUSTER, bucket=bucket)
    assert warm["annotate"] == "gleanery.licensing.scan:warm"
