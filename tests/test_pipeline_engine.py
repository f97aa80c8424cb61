"""The graph of a step uses only what every engine serves, and carries tasks, never text."""

import subprocess
import sys
import tempfile
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2 as api

from gleanery.pipeline.engine import Call, Engine, build, portable_pipeline
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.steps import Step, Task, step_fingerprint
from gleanery.records.errors import StopRun

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


def test_a_step_uses_only_transforms_that_every_engine_serves() -> None:
    pipeline = beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"]))
    build(pipeline, CALL, ["a", "b"], workers=1)
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
    proto = api.Pipeline.FromString(portable_pipeline(CALL, ["a"], "localhost:1", 1))
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


@pytest.mark.parametrize("name", ["DirectRunner", "DaskRunner", "PrismRunner", "no-such-engine"])
def test_engines_that_gave_wrong_answers_are_refused_by_name(name: str) -> None:
    with pytest.raises(StopRun) as caught:
        Engine(name, 1)
    assert name in caught.value.message
    assert "local" in caught.value.hint
