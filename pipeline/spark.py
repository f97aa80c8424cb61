"""A Java process that holds one Spark context and runs Beam pipelines on it, one after the other.

In: files with serialised pipelines. Out: nothing, or StopRun. The master is one inside that process, or that of a
standalone cluster, whose nodes then do the tasks. Needs Java 17 and the jars of `spark_jars.py`. Start takes about 5 s,
a pipeline about 1 s more.
"""

import contextlib
import os
import queue
import re
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from gleanery.pipeline.properties import given_properties
from gleanery.pipeline.spark_jars import jar_folder, launcher_jar, missing
from gleanery.pipeline.workers import ended_from_outside
from gleanery.records.errors import StopRun

# Spark reads fields of the Java library by reflection, which Java 17 forbids unless told otherwise.
OPENED = [
    "java.lang",
    "java.lang.invoke",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "sun.nio.ch",
    "sun.security.action",
]
# Lines that Spark writes of its own accord.
_NEWS = re.compile(r"[0-9/]+ [0-9:]+ (?:INFO|WARN) |WARNING: |$")
_TRACED = ("Traceback (most recent call last):", "_RemoteTraceback:")
_FRAME = re.compile(r"\(\w+\.(?:java|scala):\d+\)$")
# What YARN counts as an executor's beside Java's own memory: the licence index and some workers.
YARN_MEMORY = "4g"
# How long a cluster may take until it has room; a start, with that; a step.
ROOM_SECONDS, START_SECONDS, STEP_SECONDS = 90, 150, 24 * 3600


def local_properties(workers: int) -> dict[str, str]:
    """Spark on this machine alone: a master inside the process, no web page, loopback addresses."""
    return {"spark.master": f"local[{workers}]"} | _driver_at("127.0.0.1")


def cluster_properties(master: str) -> dict[str, str]:
    """Spark on the nodes of a standalone cluster, `spark://HOST:PORT[,HOST:PORT…]`.

    What a cluster needs besides, such as its secret, stands in the file that GLEANERY_SPARK_CONF names, one property a
    line. Raises StopRun if nobody answers at the address.
    """
    jars = str(jar_folder().resolve() / "*")
    own = {"spark.master": master, "spark.jars": str(launcher_jar())}
    return {"spark.executor.extraClassPath": jars} | _driver_at(_address_towards(master)) | _given_properties() | own


def yarn_properties() -> dict[str, str]:
    """Spark on the nodes of a Hadoop cluster, whose configuration is in the folder that HADOOP_CONF_DIR names.

    Raises StopRun if there is no such folder.
    """
    folder = os.environ.get("HADOOP_CONF_DIR")
    if not folder or not Path(folder, "yarn-site.xml").is_file():
        raise StopRun(
            "there is no configuration of a Hadoop cluster",
            "set HADOOP_CONF_DIR to the folder that holds its yarn-site.xml",
        )
    jars = jar_folder().resolve()
    defaults = {
        "spark.executor.extraClassPath": str(jars / "*"),
        "spark.yarn.jars": f"local:{jars}/*",
        "spark.executor.memoryOverhead": YARN_MEMORY,
        "spark.ui.enabled": "false",
    }
    return defaults | _given_properties() | {"spark.master": "yarn", "spark.jars": str(launcher_jar())}


class SparkSession:
    """The Java process. Use it as a context.

    `properties` are those of Spark; `nodes` what `SparkNodes` needs to know on each node.
    """

    def __init__(self, properties: Mapping[str, str], nodes: Mapping[str, str]) -> None:
        reason = missing()
        if reason is not None:
            raise StopRun(f"the Spark engine cannot run: {reason}", "or use --engine local")
        own = {"spark.plugins": "gleanery.SparkNodes", "patience": str(ROOM_SECONDS)}
        self._properties = {**properties, **nodes, **own}
        self._lost = False

    def __enter__(self) -> "SparkSession":
        self._scratch = tempfile.TemporaryDirectory(prefix="gleanery-spark-")
        self._log = open(Path(self._scratch.name, "log"), "w+b")
        with contextlib.ExitStack() as stack:
            stack.callback(self._scratch.cleanup)
            stack.callback(self._log.close)
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                start_new_session=True,
                text=True,
                env=os.environ | self._environment(),
            )
            stack.callback(end_group, self._process)
            self._answers: queue.Queue[str] = queue.Queue()
            assert self._process.stdout is not None
            threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()
            self._expect("READY", START_SECONDS)
            self._ending = stack.pop_all()  # whatever stops a start that did not come so far ends the process too
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.close()

    def run(self, pipeline: Path, bundles: int) -> None:
        """Run one serialised pipeline, its tasks spread over so many bundles, and wait for its end."""
        assert self._process.stdin is not None
        self._lost = False
        with contextlib.suppress(BrokenPipeError):  # it has ended between two steps, which its answers tell
            self._process.stdin.write(f"{bundles} {pipeline}\n")
            self._process.stdin.flush()
        self._expect("DONE", STEP_SECONDS)

    def _environment(self) -> dict[str, str]:
        """Spark looks up the name of this machine at its start, which not every network knows."""
        found = {"SPARK_LOCAL_DIRS": self._scratch.name}
        if address := self._properties.get("spark.driver.host"):
            found |= {"SPARK_LOCAL_IP": address, "SPARK_LOCAL_HOSTNAME": address}
        return found

    def _command(self) -> list[str]:
        # Not as arguments: other accounts of the machine can read those, and there is a secret among them.
        settings = Path(self._scratch.name, "properties")
        settings.write_text("".join(f"{k}={_escaped(v)}\n" for k, v in self._properties.items()), "ascii")
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
        classes = [str(launcher_jar()), f"{jar_folder()}/*"]  # an empty one would be the folder of the caller
        if self._properties["spark.master"] == "yarn":
            classes.append(os.environ["HADOOP_CONF_DIR"])
        command = ["java", "-Xmx1g", *opened, "-cp", os.pathsep.join(classes)]
        return [*command, "gleanery.SparkLauncher", str(settings)]

    def _listen(self, answers: IO[str]) -> None:
        for line in answers:
            if line.strip() in ("READY", "DONE", "FAILED", "LOST"):
                self._answers.put(line.strip())
        self._answers.put("ENDED")

    def _answer(self, seconds: float) -> str:
        """The next answer; that a node lost its workers is noted, since a cluster may bear that."""
        try:
            while (answer := self._answers.get(timeout=seconds)) == "LOST":
                self._lost = True
        except queue.Empty:
            return "no answer in time"
        return answer

    def _expect(self, wanted: str, seconds: int) -> None:
        answer = self._answer(seconds)
        if answer == wanted:
            return
        if answer == "ENDED" and (number := -_status_of(self._process)) > 0:
            raise StopRun(
                f"the Java process of Spark was ended by signal {number}, most likely for lack of memory",
                "run the same command again to resume, with fewer --workers or with --engine local",
            )
        if answer == "FAILED" and not self._lost:
            self._answer(1)  # the news of lost workers may come a little later than that a task reached none
        if self._lost:
            raise ended_from_outside()
        raise StopRun(
            f"the Spark engine failed ({answer}): {self._last_words()}",
            "run the same command again to resume, or the same with --engine local",
        )

    def _last_words(self) -> str:
        self._log.flush()
        self._log.seek(0)
        return last_words(self._log.read().decode("utf-8", "replace"))


def last_words(log: str) -> str:
    """The last error of a log: class and message of the deepest cause, without the input.

    >>> last_words("Caused by: Error of a worker: Traceback (most recent call last):\\n  File\\nOSError: full")
    'OSError: full'
    >>> last_words("26/11/30 05:34:12 INFO BlockManager: Initialized")
    'it said nothing'
    """
    lines = log.splitlines()
    causes = [
        n
        for n, line in enumerate(lines)
        if line.startswith(("Caused by:", "Exception", "java.", "org.", "Error")) and not _FRAME.search(line)
    ]
    if causes:
        last = lines[causes[-1]]
        if last.rstrip().endswith(_TRACED):  # a worker's, whose last line is its error
            rest = (line for line in lines[causes[-1] + 1 :] if line and not line[0].isspace())
            last = next((line for line in rest if line.strip('"') and not line.endswith(_TRACED)), last)
        return last[:200]
    said = [line for line in lines if not _NEWS.match(line)]
    return said[-1][:200] if said else "it said nothing"


def _driver_at(address: str) -> dict[str, str]:
    return {"spark.ui.enabled": "false", "spark.driver.host": address, "spark.driver.bindAddress": address}


def _address_towards(master: str) -> str:
    """The address of this machine at which the nodes of a cluster reach it: that by which it reaches their master."""
    for place in master.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        with contextlib.suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), timeout=10) as way:
            return str(way.getsockname()[0])
    raise StopRun(
        f"nobody answers at {master}",
        "give the address that the web page of the cluster's master shows, such as spark://host:7077",
    )


def _given_properties() -> dict[str, str]:
    return given_properties("GLEANERY_SPARK_CONF", r"spark\..+", "spark.NAME VALUE")


def _escaped(value: str) -> str:
    """A value as a file of Java properties holds it.

    >>> _escaped(" a\\\\b=é")
    '\\\\u0020a\\\\u005cb=\\\\u00e9'
    """
    units = [int.from_bytes(pair, "big") for pair in _pairs(value.encode("utf-16-be", "surrogatepass"))]
    return "".join(chr(u) if 0x20 < u < 0x7F and u != 0x5C else f"\\u{u:04x}" for u in units)


def _pairs(units: bytes) -> list[bytes]:
    return [units[at : at + 2] for at in range(0, len(units), 2)]


def _status_of(process: "subprocess.Popen[str]") -> int:
    """The exit status of a process whose output has ended; negative if a signal ended it."""
    try:
        return process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return 0


def end_group(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    """End a process and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
