"""Hadoop's own small cluster on this machine: a resource manager, and two nodes with a core each.

It looks up the name of this machine, which not every network knows: so Java is told.
"""

import contextlib
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from maven_jars import maven_jars

from gleanery.pipeline.spark import end_group
from gleanery.pipeline.spark_jars import jar_folder

_SOURCES = Path(__file__).parent / "hadoop"


@dataclass
class Hadoop:
    """The folder with its configuration, what Java has to be told, and what Spark has to be told beside that."""

    configuration: Path
    java: str
    spark: str


@contextlib.contextmanager
def hadoop(cache: Path) -> Iterator[Hadoop]:
    """Start it. Its jars (40 MB) are kept beside those of the Spark engine."""
    jars = maven_jars("hadoop-test-jars", _SOURCES, "Hadoop's small cluster")
    with tempfile.TemporaryDirectory(prefix="hadoop-") as folder:
        hosts = Path(folder, "hosts")
        hosts.write_text(f"127.0.0.1 localhost\n127.0.0.1 {socket.gethostname()}\n")
        java = f"-Djdk.net.hosts.file={hosts}"
        command = ["java", "-Xmx1g", java, "--add-opens=java.base/java.lang=ALL-UNNAMED"]
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
            settings = {
                "spark.driver.host": "127.0.0.1",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.executor.memory": "512m",
                "spark.executor.memoryOverhead": "512m",
                "spark.executorEnv.GLEANERY_CACHE": cache,
                "spark.executorEnv.JAVA_TOOL_OPTIONS": java,
                "spark.yarn.appMasterEnv.JAVA_TOOL_OPTIONS": java,
                "spark.yarn.am.memory": "256m",
                "spark.yarn.stagingDir": f"file://{folder}",
            }
            yield Hadoop(Path(folder), java, "".join(f"{name} {value}\n" for name, value in settings.items()))
        finally:
            end_group(process)
