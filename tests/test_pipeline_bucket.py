"""Runs on machines that share no disk: files come and go by a bucket, in a folder or in a real store of objects."""

import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import spark_cluster
from bucket_machines import CLUSTER, be_the_nodes, do_away, letters
from object_store import object_store
from pyarrow import ArrowException
from spark_cluster import Cluster
from test_pipeline_run import tree
from test_pipeline_spark import need_spark
from typer.testing import CliRunner

from gleanery.pipeline import arrays, bucket_node, stage6_pack, workers
from gleanery.pipeline.bucket import Bucket
from gleanery.pipeline.bucket_driver import Relay
from gleanery.pipeline.bucket_node import DONE, FILES, LISTS
from gleanery.pipeline.cli import app
from gleanery.pipeline.markers import Marker, marker_of
from gleanery.pipeline.run import _Driver, curate
from gleanery.pipeline.settings import BenchmarkSettings, Settings, load_settings
from gleanery.pipeline.shard import Shard
from gleanery.pipeline.steps import Step, run_task, step_fingerprint, task_fingerprint
from gleanery.records import files, parquet
from gleanery.records.errors import StopRun, WrongArguments
from gleanery.records.parquet import describe


@pytest.fixture
def bucket(tmp_path: Path) -> str:
    return f"file://{tmp_path}/bucket"


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of a machine that does tasks, which is this process. No Spark hands them to it."""
    return be_the_nodes(tmp_path, monkeypatch)


def given(corpus: Path, folder: Path) -> Settings:
    """The settings of the small corpus, with files of every kind that settings can name."""
    settings = load_settings(corpus)
    (folder / "problems.jsonl").write_text(json.dumps({"text": " ".join(f"word{n}" for n in range(20))}) + "\n")
    (folder / "overrides.toml").write_text("")
    benchmark = BenchmarkSettings(path=str(folder / "problems.jsonl"), fields=("text",))
    licensing = replace(settings.licensing, overrides=str(folder / "overrides.toml"))
    return replace(settings, benchmark=(benchmark,), licensing=licensing)


def test_a_run_by_a_bucket_gives_the_bytes_of_any_other_and_leaves_it_empty(
    corpus: Path, tmp_path: Path, bucket: str, node: Path
) -> None:
    settings = given(corpus, tmp_path)
    curate(settings, tmp_path / "one")
    report = curate(settings, tmp_path / "two", engine=CLUSTER, bucket=bucket)
    assert tree(tmp_path / "two") == tree(tmp_path / "one")
    assert report.ran and not Bucket(bucket).sizes("")
    assert any(node.glob("away-*/objects/*"))
    assert curate(settings, tmp_path / "two", engine=CLUSTER, bucket=bucket).nothing_done


def test_a_run_after_a_run_takes_what_that_measured_by_the_bucket(
    corpus: Path, curated: Path, tmp_path: Path, bucket: str, node: Path
) -> None:
    settings = load_settings(corpus)
    settings = replace(settings, run=replace(settings.run, previous=str(curated)))
    report = curate(settings, tmp_path / "two", engine=CLUSTER, bucket=bucket)
    assert tree(tmp_path / "two") == tree(curated)
    assert report.notes["sign"] == curate(settings, tmp_path / "one").notes["sign"]


def test_what_was_handed_over_before_a_driver_was_killed_is_taken_in_by_the_next(
    tmp_path: Path, bucket: str, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(node))
    step, base = letters()
    relay = Relay(bucket, tmp_path / "run")
    do_away(relay, step, base, relay.hand_out(step, {}, Settings()))
    assert not (tmp_path / "run/work/letters").exists()
    Relay(bucket, tmp_path / "run").take_in(step, base, step.tasks)
    assert (tmp_path / "run/work/letters/data/b.txt").read_text() == "bbb"
    assert json.loads((tmp_path / "run/work/letters/beside/b.json").read_text()) == {"count": 3}
    assert len(list((tmp_path / "run/work/letters/tasks").iterdir())) == 2


@pytest.mark.slow
@pytest.mark.parametrize("moment", [9, 150, 400])
def test_a_run_that_ended_at_any_moment_is_resumed_to_the_same_bytes(
    corpus: Path, curated: Path, tmp_path: Path, bucket: str, node: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    count, before = itertools.count(1), Bucket._place

    def place(self: Bucket, name: str) -> str:
        if next(count) == moment:
            raise KeyboardInterrupt
        return before(self, name)

    monkeypatch.setattr(Bucket, "_place", place)
    with pytest.raises(KeyboardInterrupt):
        curate(load_settings(corpus), tmp_path / "run", engine=CLUSTER, bucket=bucket)
    curate(load_settings(corpus), tmp_path / "run", engine=CLUSTER, bucket=bucket)
    assert tree(tmp_path / "run") == tree(curated)
    assert not Bucket(bucket).sizes("")


def test_another_run_does_not_see_what_is_handed_over(
    tmp_path: Path, bucket: str, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(node))
    step, base = letters()
    relay, other = (Relay(bucket, tmp_path / name) for name in ("run", "other"))
    do_away(relay, step, base, relay.hand_out(step, {}, Settings()))
    other.take_in(step, base, step.tasks)
    assert not (tmp_path / "other/work/letters").exists()
    other.clear()
    relay.take_in(step, base, step.tasks)
    assert (tmp_path / "run/work/letters/data/a.txt").exists()


def test_the_error_of_a_task_comes_back_in_its_own_words(
    corpus: Path, tmp_path: Path, bucket: str, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(shard: Shard) -> None:
        raise StopRun(f"no part {shard.task.payload['part']} today", "come back tomorrow")

    monkeypatch.setattr("gleanery.pipeline.stage2_annotate.annotate_part", fail)
    with pytest.raises(StopRun, match="annotate: no part 0 today") as caught:
        curate(load_settings(corpus), tmp_path / "run", engine=CLUSTER, bucket=bucket)
    assert caught.value.hint == "come back tomorrow"
    assert Bucket(bucket).sizes("")  # for the command that goes on


@pytest.mark.parametrize("path", ["../outside", "/outside", "a/../../outside"])
def test_a_task_that_names_a_file_outside_the_run_is_refused(
    tmp_path: Path, bucket: str, node: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(node))
    step, base = letters()
    relay = Relay(bucket, tmp_path / "run")
    do_away(relay, step, base, relay.hand_out(step, {}, Settings()))
    place, store = f"{DONE}/letters/{task_fingerprint(base, step.tasks[0])}", Bucket(relay.address)
    for kind in ("outputs", "asides"):
        plain = json.loads(store.get(place) or b"")
        if kind == "outputs":
            plain["sidecar"]["outputs"] = {path: next(iter(plain["sidecar"]["outputs"].values()))}
        else:
            plain["asides"] = {path: {}}
        Bucket(relay.address).put(place, json.dumps(plain).encode())
        with pytest.raises(StopRun, match="which is in no folder of a run"):
            relay.take_in(step, base, step.tasks)
    assert not list(tmp_path.rglob("outside*"))


def test_a_list_that_names_a_file_outside_the_run_is_refused(
    tmp_path: Path, bucket: str, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(node))
    step, base = letters()
    relay = Relay(bucket, tmp_path / "run")
    content = Bucket(relay.address).get(f"{LISTS}/{relay.hand_out(step, {}, Settings())}") or b""
    changed = json.dumps(json.loads(content) | {"files": {"../outside": "0" * 64}}).encode()
    digest = hashlib.sha256(changed).hexdigest()
    Bucket(relay.address).put(f"{LISTS}/{digest}", changed)
    with pytest.raises(StopRun, match="which is in no folder of a run"):
        do_away(relay, step, base, digest)
    assert not list(node.rglob("outside*"))


def test_a_machine_with_another_program_refuses(
    tmp_path: Path, bucket: str, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(node))
    step, base = letters()
    relay = Relay(bucket, tmp_path / "run")
    inputs = relay.hand_out(step, {}, Settings())
    monkeypatch.setattr(bucket_node, "program", lambda: "another")
    with pytest.raises(StopRun, match="are others than on the machine that started the run"):
        do_away(relay, step, base, inputs)


def test_an_object_that_was_changed_is_refused_and_leaves_no_file(
    tmp_path: Path, bucket: str, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(node))
    step, base = letters()
    relay = Relay(bucket, tmp_path / "run")
    do_away(relay, step, base, relay.hand_out(step, {}, Settings()))
    Bucket(relay.address).put(f"{FILES}/{hashlib.sha256(b'aaa').hexdigest()}", b"aab")
    with pytest.raises(StopRun, match="is not what was stored there"):
        relay.take_in(step, base, step.tasks)
    assert not (tmp_path / "run/work/letters/data/a.txt").exists()
    assert not (tmp_path / "run/work/letters/tasks/a.json").exists()


def test_a_file_that_a_disk_changed_is_not_handed_out(tmp_path: Path, bucket: str) -> None:
    step, _ = letters()
    (path := tmp_path / "run/work/one/data/a.txt").parent.mkdir(parents=True)
    path.write_bytes(b"before")
    marker = Marker("", {"work/one/data/a.txt": describe(path, 0)}, {}, {})
    path.write_bytes(b"after!")
    relay = Relay(bucket, tmp_path / "run")
    with pytest.raises(StopRun, match="a.txt changed after a step wrote it"):
        relay.hand_out(replace(step, reads=("one",)), {"one": marker}, Settings())
    assert not Bucket(relay.address).sizes(FILES)


def test_what_a_machine_fetches_nobody_else_sees_or_has_laid_out(
    tmp_path: Path, bucket: str, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(node))
    step, base = letters()
    relay = Relay(bucket, tmp_path / "run")
    do_away(relay, step, base, relay.hand_out(step, {}, Settings()))
    folder = next(node.glob("away-*"))
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    bucket_node._node.cache_clear()
    with pytest.raises(StopRun, match="is of somebody else"):
        do_away(relay, step, base, relay.hand_out(step, {}, Settings()))


def read_rules(shard: Shard) -> None:
    """A step's function that opens one of the files that the run has, and is told of a machine that has no room."""
    path = shard.root / "work/given/x/rules.txt"
    shard.notes["bytes"] = len(path.read_bytes())


def test_a_full_disk_lets_go_of_what_the_step_does_not_read(
    tmp_path: Path, bucket: str, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(node))
    step, base = letters()
    relay = Relay(bucket, tmp_path / "run")
    do_away(relay, step, base, relay.hand_out(step, {}, Settings()))
    objects = next(node.glob("away-*/objects"))
    assert {path.name for path in objects.iterdir()} == {hashlib.sha256(t).hexdigest() for t in (b"aaa", b"bbb")}
    (rules := tmp_path / "run/work/given/x/rules.txt").parent.mkdir(parents=True)
    rules.write_text("no rules")
    reading = Step("stage", "rules", "rules", f"{__name__}:read_rules", step.tasks, {})
    inputs = relay.hand_out(step, {}, Settings())
    monkeypatch.setattr(bucket_node, "_FREE_BYTES", 1 << 60)
    do_away(relay, reading, step_fingerprint(reading, {}), inputs)
    assert {path.name for path in objects.iterdir()} == {hashlib.sha256(b"no rules").hexdigest()}


def test_a_step_opens_only_files_of_the_steps_that_it_says_it_reads(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only those are in the bucket. (`annotate` works in a process of its own, and is not seen here.)"""
    root, do, opened, reads = tmp_path / "run", _Driver.do, set[tuple[str, Path]](), dict[str, tuple[str, ...]]()
    now = [""]

    def note_step(self: _Driver, step: Step) -> None:
        reads[step.name] = step.reads
        do(self, step)

    def note_task(root: str, step: str, *rest: str) -> str:
        now[0] = step
        try:
            return run_task(root, step, *rest)
        finally:
            now[0] = ""

    def note_file(path: Path) -> Path:
        if now[0]:
            opened.add((now[0], path))
        return path

    monkeypatch.setattr(_Driver, "do", note_step)
    monkeypatch.setattr(workers, "run_task", note_task)
    for module in (arrays, files, parquet, stage6_pack):
        monkeypatch.setattr(module, "present", note_file)
    curate(given(corpus, tmp_path), root, workers=1)
    makers = {path: step for step in reads for path in (marker_of(root, step) or no_marker()).outputs}
    seen = {
        (step, makers.get(path.relative_to(root).as_posix(), step)) for step, path in opened if root in path.parents
    }
    used = {(step, maker) for step, maker in seen if step != maker}
    assert len(used) > 30
    assert not {(step, maker) for step, maker in used if maker not in reads[step]}


def no_marker() -> Marker:
    raise AssertionError("a step is not finished")


@pytest.mark.parametrize(
    ("address", "engine", "said"),
    [
        ("/a/folder", CLUSTER, "no address of a bucket"),
        ("http://127.0.0.1/x", CLUSTER, "no address of a bucket"),
        ("s3://", CLUSTER, "no address of a bucket"),
        ("s3://name:secret@bucket/x", CLUSTER, "holds an account"),
        ("s3://bucket/x", "local", "local is one machine"),
        ("s3://bucket/x", "spark-local", "spark-local is one machine"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_before_anything_is_done(
    corpus: Path, tmp_path: Path, address: str, engine: str, said: str
) -> None:
    with pytest.raises(WrongArguments, match=said) as caught:
        curate(load_settings(corpus), tmp_path / "run", engine=engine, bucket=address)
    assert "secret" not in f"{caught.value.message}{caught.value.hint}"
    arguments = ["run", str(corpus), "--out", str(tmp_path / "run"), "--engine", engine, "--bucket", address]
    answer = CliRunner().invoke(app, arguments, standalone_mode=False)
    assert isinstance(answer.exception, WrongArguments)


def test_a_bucket_that_cannot_be_opened_is_told_without_its_endpoint(tmp_path: Path) -> None:
    address = "s3://bucket/x?endpoint_override=192.0.2.1&nonsense=1"
    with pytest.raises(
        StopRun, match="the bucket s3://bucket/x cannot be opened: Unexpected query parameter"
    ) as caught:
        Relay(address, tmp_path)
    assert "192.0.2.1" not in caught.value.message


def test_whatever_a_store_says_is_told_in_a_line(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure's says that its credentials are none in an error of Arrow's own, with the trace of its library."""

    def fail(*_: object) -> None:
        raise ArrowException("Unknown error: no credentials\nin a library\nof somebody else")

    monkeypatch.setattr(Bucket, "_place", fail)
    with pytest.raises(StopRun, match="cannot be read: Unknown error: no credentials$"):
        Bucket(bucket).sizes("files")


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    need_spark()
    with object_store() as address:
        yield address


@pytest.fixture(scope="module")
def driver_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that only the driver's machine sees."""
    return tmp_path_factory.mktemp("driver")


@pytest.fixture(scope="module")
def cluster(driver_folder: Path, store: str) -> Iterator[Cluster]:
    if os.geteuid():
        pytest.skip("only root can give a process a disk of its own")
    with spark_cluster.cluster(driver_folder) as made:
        yield made


@pytest.mark.slow
@pytest.mark.spark
def test_machines_without_a_common_disk_give_the_bytes_of_one_machine(
    served: Settings, driver_folder: Path, tmp_path: Path, cluster: Cluster, store: str
) -> None:
    assert 0 < sum("://" in source.locator for source in served.source) < len(served.source)
    curate(served, tmp_path / "one", workers=2)
    curate(served, driver_folder / "run", engine=cluster.master, bucket=store)
    assert tree(driver_folder / "run") == tree(tmp_path / "one")
    assert not Bucket(store).sizes("")


@pytest.mark.slow
@pytest.mark.spark
def test_machines_without_a_common_disk_refuse_a_run_without_a_bucket(
    corpus: Path, driver_folder: Path, cluster: Cluster
) -> None:
    with pytest.raises(StopRun, match="does not see the folder"):
        curate(load_settings(corpus), driver_folder / "none", engine=cluster.master)


@pytest.mark.slow
@pytest.mark.spark
def test_a_machine_that_may_not_read_the_bucket_says_so(
    corpus: Path, driver_folder: Path, cluster: Cluster, store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "conf").write_text("spark.executorEnv.AWS_SECRET_ACCESS_KEY wrong\n")
    monkeypatch.setenv("GLEANERY_SPARK_CONF", str(tmp_path / "conf"))
    with pytest.raises(StopRun, match="the bucket s3://bucket/runs/gleanery-[0-9a-f]{16} cannot be read: ") as told:
        curate(load_settings(corpus), driver_folder / "refused", engine=cluster.master, bucket=store)
    assert "wrong" not in told.value.message
