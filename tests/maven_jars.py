"""Jars that tests need beside those of the Spark engine, with whose they are kept."""

import os
import subprocess
from pathlib import Path

import pytest

from gleanery.pipeline.spark_jars import jar_folder


def maven_jars(folder: str, sources: Path, whose: str) -> Path:
    """The folder with the jars that `pom.xml` in `sources` names; Maven copies them the first time.

    Where it cannot, the test is skipped, but in CI it fails.
    """
    jars = jar_folder().parent / folder
    if not jars.exists():
        command = ["mvn", "-q", "-B", "-f", str(sources / "pom.xml"), "dependency:copy-dependencies"]
        done = subprocess.run([*command, f"-DoutputDirectory={jars}.new"], capture_output=True, timeout=600)
        if done.returncode and not os.environ.get("CI"):
            pytest.skip(f"Maven could not copy the jars of {whose}")
        assert not done.returncode, done.stdout
        Path(f"{jars}.new").rename(jars)
    return jars
