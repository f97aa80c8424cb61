"""A real standalone cluster of Spark on this machine: a master, and two nodes with a core each."""

import contextlib
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from gleanery.pipeline.spark import OPENED, end_group
from gleanery.pipeline.spark_jars import jar_folder

# Not that of the loopback interface's name, so that tests see who listens where.
ADDRESS = "127.0.0.2"


@dataclass
class Cluster:
    """The master's address, and the processes of the nodes."""

    master: str
    nodes: list["subprocess.Popen[bytes]"]

    def executors(self) -> list[psutil.Process]:
        """The Java processes that the nodes started for a run, in the order of the nodes."""
        return [child for node in self.nodes for child in psutil.Process(node.pid).children()]

    def workers(self) -> list[psutil.Process]:
        """The Python processes beside them."""
        return [child for executor in self.executors() for child in executor.children()]


@contextlib.contextmanager
def cluster(hidden: Path | None = None) -> Iterator[Cluster]:
    """Start it. In the folder `hidden` the nodes see nothing of what is there on this machine."""
    away = ["unshare", "--mount", "sh", "-c", f"mount -t tmpfs none '{hidden}' && exec \"$@\"", "sh"] if hidden else []
    with tempfile.TemporaryDirectory(prefix="cluster-") as folder, contextlib.ExitStack() as stack:
        home = Path(folder, "home")
        home.mkdir()
        (home / "jars").symlink_to(jar_folder())
        environment = os.environ | {
            "SPARK_HOME": str(home),
            "SPARK_SCALA_VERSION": "2.12",
            "SPARK_LOCAL_IP": ADDRESS,
            "PYTHONPATH": str(Path(__file__).parent),
        }

        def start(kind: str, *arguments: str) -> "subprocess.Popen[bytes]":
            opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
            command = ["java", "-Xmx512m", *opened, "-cp", f"{jar_folder()}/*", f"org.apache.spark.deploy.{kind}"]
            if kind == "worker.Worker":
                command = [*away, *command]
            with open(Path(folder, f"{kind}.log"), "ab") as log:
                process = subprocess.Popen(
                    [*command, "--host", ADDRESS, *arguments],
                    env=environment,
                    stdout=log,
                    stderr=log,
                    cwd=folder,
                    start_new_session=True,
                )
            stack.callback(end_group, process)
            return process

        port, page = _free_port(), _free_port()
        start("master.Master", "--port", str(port), "--webui-port", str(page))
        master = f"spark://{ADDRESS}:{port}"
        _await_nodes(page, 0)
        room = ["--cores", "1", "--memory", "1g", "--webui-port", "0"]
        nodes = [start("worker.Worker", *room, "--work-dir", f"{folder}/{name}", master) for name in ("one", "two")]
        _await_nodes(page, 2)
        yield Cluster(master, nodes)


def _await_nodes(page: int, count: int) -> None:
    for _ in range(600):
        address = f"http://{ADDRESS}:{page}/json/"
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
            # The master says so of itself too.
            if len(re.findall(r'"(?:state|status)"\s*:\s*"ALIVE"', answer.read().decode())) > count:
                return
        time.sleep(0.1)
    raise AssertionError("the cluster did not come up within a minute")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((ADDRESS, 0))
        return int(free.getsockname()[1])
