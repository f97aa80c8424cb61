"""Dataflow: what a job is told, and a run whose jobs Beam's own runner does where the run's folder is not seen."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dataflow_service import Service, dataflow_service
from object_store import object_store
from test_pipeline_run import tree

from gleanery.pipeline import dataflow
from gleanery.pipeline.bucket import Bucket
from gleanery.pipeline.engine import Engine
from gleanery.pipeline.run import Report, _Driver, curate
from gleanery.pipeline.settings import Settings, load_settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.steps import Step
from gleanery.records.errors import StopRun, WrongArguments

GIVEN = "project a-project\nregion europe-west1\nsdk_container_image example.org/gleanery:1\n"


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(dataflow.VARIABLE, str(tmp_path / "options"))
    monkeypatch.setattr(dataflow, "missing", lambda: None)
    (tmp_path / "options").write_text(GIVEN)
    return tmp_path / "options"


def test_a_job_is_told_what_people_give_and_where_it_may_put_things(options: Path) -> None:
    options.write_text(f"{GIVEN}max_num_workers = 8\n# a note\n")
    found = dataflow.job_options("sign", "gs://bucket/place?scheme=http")
    assert found.pop("job_name").startswith("gleanery-sign-")
    assert found == {
        "project": "a-project",
        "region": "europe-west1",
        "sdk_container_image": "example.org/gleanery:1",
        "temp_location": "gs://bucket/place/jobs",
        "staging_location": "gs://bucket/place/jobs",
        "max_num_workers": "8",
    }
    assert "--region=europe-west1" in dataflow.arguments(found, dict.fromkeys(found))


@pytest.mark.parametrize(
    ("text", "bucket", "said"),
    [
        ("", "gs://bucket/place", "there is no project"),
        ("project p\nregion r\n", "gs://bucket/place", "there is no sdk_container_image"),
        (GIVEN, "s3://bucket/place", "there is no temp_location"),
        (f"{GIVEN}temp_location /tmp\n", "gs://bucket/place", "there is no temp_location"),
        (f"{GIVEN}staging_location gs://x\n", "gs://bucket/place", "there is no staging_location"),
        ("--project=p\n", "gs://bucket/place", "line 1 of .* is no property"),
    ],
)
def test_what_a_job_needs_and_nobody_gave_is_told(options: Path, text: str, bucket: str, said: str) -> None:
    options.write_text(text)
    with pytest.raises(StopRun, match=said):
        dataflow.job_options("sign", bucket)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("machine_tpye n1", "Beam knows no option machine_tpye"),
        ("max_num_workers many", "--max_num_workers: invalid int"),
        ("no_auth no", "the option no_auth for Dataflow is true or false"),
    ],
)
def test_an_option_that_beam_cannot_read_is_told_before_anything_is_done(
    corpus: Path, tmp_path: Path, options: Path, line: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    options.write_text(f"{GIVEN}temp_location gs://bucket/place\n{line}\n")
    with pytest.raises(StopRun, match=said):
        curate(load_settings(corpus), tmp_path / "run", engine="dataflow", bucket=f"file://{tmp_path}/bucket")
    assert not (tmp_path / "run/tables").exists()
    assert "usage" not in "".join(capfd.readouterr())


def test_dataflow_wants_a_bucket() -> None:
    with pytest.raises(WrongArguments, match="share no disk") as caught:
        Engine("dataflow")
    assert "--bucket" in caught.value.hint


def say_name(shard: Shard) -> None:
    """A step's function that leaves its name, and fails while somebody says so."""
    if (shard.root / f"{shard.task.name}.fails").exists():
        raise StopRun("not yet", "wait")
    path = shard.data(f"{shard.task.name}.txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(shard.task.name)
    shard.wrote(path)


def test_no_job_is_started_for_the_last_task_of_a_step(
    tmp_path: Path, options: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose machines would take minutes to come up; this machine does it."""
    root, store = tmp_path / "run", f"file://{tmp_path}/bucket"
    options.write_text(f"{GIVEN}temp_location gs://bucket/place\n")
    step = Step("stage", "sign", "letters", f"{__name__}:say_name", (Task("a"), Task("b")), {})
    root.mkdir()
    (root / "b.fails").touch()
    with pytest.MonkeyPatch.context() as patch, Engine("dataflow", 1, store) as engine:
        patch.setattr("gleanery.pipeline.run.stays_here", lambda *_: lambda _: True)
        with pytest.raises(StopRun, match="not yet"):
            _Driver(Settings(), root, engine, lambda _: None, Report(), store).do(step)
    (root / "b.fails").unlink()
    monkeypatch.setattr(Engine, "_run_dataflow", lambda *_: pytest.fail("a job was started"))
    with Engine("dataflow", 1, store) as engine:
        _Driver(Settings(), root, engine, lambda _: None, Report(), store).do(step)
    assert (root / "work/sign/data/b.txt").read_text() == "b"


@pytest.fixture(scope="module")
def driver_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that only the driver's machine sees."""
    return tmp_path_factory.mktemp("driver")


@pytest.fixture(scope="module")
def service(driver_folder: Path) -> Iterator[Service]:
    if os.geteuid():
        pytest.skip("only root can give a process a disk of its own")
    if reason := dataflow.missing():
        pytest.skip(reason)
    with dataflow_service(driver_folder) as started:
        yield started


@pytest.fixture
def job_options(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = f"{GIVEN}temp_location gs://staged/here\nno_auth true\ndataflow_endpoint {service.address}\n"
    (tmp_path / "options").write_text(given)
    monkeypatch.setenv(dataflow.VARIABLE, str(tmp_path / "options"))
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", service.address)


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with object_store() as address:
        yield address


@pytest.mark.slow
@pytest.mark.dataflow
def test_jobs_of_dataflow_give_the_bytes_of_one_machine(
    served: Settings, driver_folder: Path, tmp_path: Path, service: Service, job_options: None, store: str
) -> None:
    curate(served, tmp_path / "one", workers=2)
    curate(served, driver_folder / "run", engine="dataflow", bucket=store)
    assert tree(driver_folder / "run") == tree(tmp_path / "one")
    assert not Bucket(store).sizes("")
    assert [job["name"].split("-")[1] for job in service.jobs] == ["crawl", "annotate", "sign", "redact", "tokens"]
    assert set(service.states.values()) == {"JOB_STATE_DONE"}


def answer(shard: Shard) -> None:
    """A step's function that takes its time, and fails where its task asks for it."""
    if shard.task.payload["fails"]:
        raise StopRun("the letters ran out", "buy some")
    time.sleep(60)


def do_step(root: Path, store: str, *, fails: bool) -> None:
    """A step of two tasks, by its driver."""
    tasks = tuple(Task(name, {"fails": fails}) for name in ("a", "b"))
    step = Step("stage", "sign", "letters", f"{__name__}:answer", tasks, {})
    with Engine("dataflow", 1, store) as engine:
        _Driver(Settings(), root, engine, lambda _: None, Report(), store).do(step)


@pytest.mark.slow
@pytest.mark.dataflow
def test_what_a_task_on_dataflow_says_comes_back_in_its_own_words(
    driver_folder: Path, service: Service, job_options: None, store: str
) -> None:
    with pytest.raises(StopRun, match="letters: the letters ran out") as caught:
        do_step(driver_folder / "failed", store, fails=True)
    assert caught.value.hint == "buy some"
    assert service.states[f"job-{len(service.jobs) - 1}"] == "JOB_STATE_FAILED"


@pytest.mark.slow
@pytest.mark.dataflow
def test_a_run_that_is_stopped_cancels_its_job(
    driver_folder: Path, service: Service, job_options: None, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apache_beam.runners.dataflow.dataflow_runner import DataflowPipelineResult

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DataflowPipelineResult, "wait_until_finish", stop)
    with pytest.raises(KeyboardInterrupt):
        do_step(driver_folder / "stopped", store, fails=False)
    assert service.states[f"job-{len(service.jobs) - 1}"] == "JOB_STATE_CANCELLED"
