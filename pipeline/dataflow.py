"""Dataflow: what a job of it is told, and what of a run is worth one.

In: the file that GLEANERY_DATAFLOW_OPTIONS names, and the bucket of a run. Out: options for Beam. What speaks to Google
comes with `gleanery[dataflow]`. A job takes some minutes until its machines are up, so there is one only for the steps
that look inside contents, two thirds of the work of a run (of CPU, with 76 repositories); this machine does others.
"""

import importlib.util
import re
import secrets
from collections.abc import Mapping
from typing import Any

from gleanery.pipeline.properties import given_properties
from gleanery.records.errors import StopRun

VARIABLE = "GLEANERY_DATAFLOW_OPTIONS"
WORTH_A_JOB = frozenset(("crawl", "annotate", "sign", "redact", "tokens"))
_NEEDED = ("project", "region", "sdk_container_image")
# One process of ours on each machine forks its workers itself, which then share what they have loaded.
_PLACE = re.compile(r"gs://[a-z0-9][a-z0-9._-]{2,}/.+")
_OURS = ["--runner=DataflowRunner", "--sdk_location=container", "--experiments=no_use_multiple_sdk_containers"]


def missing() -> str | None:
    """Why no job can be started from here, or None."""
    try:
        found = all(map(importlib.util.find_spec, ("apitools", "google.auth", "google.cloud.storage")))
    except ModuleNotFoundError:
        found = False
    return None if found else "Google's packages are not installed (pip install gleanery[dataflow])"


def job_options(step: str, bucket: str) -> dict[str, str]:
    """The options of the job of a step that people give, and those that follow from the bucket.

    Raises StopRun where one that is needed is not there.
    """
    if reason := missing():
        raise StopRun(f"the Dataflow engine cannot run: {reason}", "or use --engine local")
    given = given_properties(VARIABLE, r"[a-z][a-z0-9_]*", "NAME VALUE, such as region europe-west1")
    if lacking := [name for name in _NEEDED if name not in given]:
        raise StopRun(
            f"there is no {lacking[0]} for Dataflow",
            f"write it into the file that {VARIABLE} names: {lacking[0]} VALUE",
        )
    if bucket.startswith("gs://"):
        given = {"temp_location": f"{bucket.split('?')[0].rstrip('/')}/jobs"} | given
    for name in ("temp_location", "staging_location"):
        if not _PLACE.fullmatch(given.get(name, "gs://one/place" if name[0] == "s" else "")):
            raise StopRun(
                f"there is no {name} for Dataflow", f"it is written gs://BUCKET/PLACE, and stands in {VARIABLE}"
            )
    # Beam would make a bucket of its own for what it stages.
    given = {"staging_location": given["temp_location"]} | given
    return given | {"job_name": f"gleanery-{step}-{secrets.token_hex(4)}"}


def arguments(options: Mapping[str, str], known: Mapping[str, Any]) -> list[str]:
    """Options as Beam reads them. `known` are its own, with what they are unless given: some are only true or false.

    >>> arguments({"region": "europe-west1", "no_auth": "true"}, {"region": None, "no_auth": False})[-2:]
    ['--region=europe-west1', '--no_auth']
    """
    flags = {name for name in options if known[name] is False}
    for name in sorted(flags):
        if options[name].lower() not in ("true", "false"):
            raise StopRun(f"the option {name} for Dataflow is true or false", f"write `{name} true`, or leave it out")
    valued = [f"--{name}={value}" for name, value in options.items() if name not in flags]
    return [*_OURS, *valued, *(f"--{name}" for name in sorted(flags) if options[name].lower() == "true")]
