"""Hadoop's own small cluster on this machine: a resource manager, and two nodes with a core each."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gleanery.pipeline.spark import end_group
from gleanery.pipeline.spark_jars import jar_folder

_SOURCES = Path(__file__).parent / "hadoop"


@contextlib.contextmanager
def hadoop() -> Iterator[Path]:
    """The folder with its configuration. Its jars (40 MB) are kept beside those of the Spark engine."""
    jars = jar_folder().parent / "hadoop-test-jars"
    if not jars.exists():
        command = ["mvn", "-q", "-B", "-f", str(_SOURCES / "pom.xml"), "dependency:copy-dependencies"]
        done = subprocess.run([*command, f"-DoutputDirectory={jars}.new"], capture_output=True, timeout=600)
        if done.returncode and not os.environ.get("CI"):
            pytest.skip("Maven could not copy the jars of Hadoop's small cluster")
        assert not done.returncode, done.stdout
        Path(f"{jars}.new").rename(jars)
    with tempfile.TemporaryDirectory(prefix="hadoop-") as folder:
        command = ["java", "-Xmx1g", "--add-opens=java.base/java.lang=ALL-UNNAMED"]
        command += ["-cp", f"{jars}/*:{jar_folder()}/*", str(_SOURCES / "MiniHadoop.java"), folder]
        with open(Path(folder, "log"), "wb") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
                start_new_session=True,
            )
        try:
            assert process.stdout is not None
            assert any(line == b"READY\n" for line in process.stdout), Path(folder, "log").read_text("utf-8")[-2000:]
            yield Path(folder)
        finally:
            end_group(process)
