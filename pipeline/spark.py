"""A Java process that holds one Spark context and runs Beam pipelines on it, one after the other.

In: files with serialised pipelines. Out: nothing, or StopRun. Needs Java 17 and the jars that `fetch_jars` copies
with Maven (259 jars, 303 MB, each checked by its SHA-256). Start takes about 5 s, a pipeline about 10 s more, nearly
all of it the start of Python workers.
"""

import contextlib
import hashlib
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from importlib.resources import as_file, files
from pathlib import Path
from typing import IO

from gleanery.pipeline.caches import user_folder
from gleanery.records.errors import StopRun

# Spark reads fields of the Java library by reflection, which Java 17 forbids unless told otherwise.
_OPENED = [
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
START_SECONDS, STEP_SECONDS = 120, 24 * 3600


def jar_folder() -> Path:
    """Where the jars are: GLEANERY_SPARK_JARS, else the user's cache folder."""
    given = os.environ.get("GLEANERY_SPARK_JARS")
    return Path(given) if given else user_folder() / "spark-jars"


def missing() -> str | None:
    """Why `spark-local` cannot run here, in one sentence, or None."""
    if shutil.which("java") is None:
        return "there is no java on the PATH; it needs Java 17"
    folder = jar_folder()
    absent = [name for name in _expected_jars() if not (folder / name).exists()]
    if absent:
        return (
            f"{len(absent)} of {len(_expected_jars())} jars are not in {folder}; `gleanery engines --fetch` gets them"
        )
    return None


def fetch_jars() -> Path:
    """Copy the jars with Maven and check each digest. Does nothing where they are there already."""
    folder = jar_folder()
    if shutil.which("mvn") is None:
        raise StopRun("there is no mvn on the PATH", "install Maven, or set GLEANERY_SPARK_JARS to a folder of jars")
    if any(not (folder / name).exists() for name in _expected_jars()):
        _run_maven(folder)
    for name, expected in _expected_jars().items():
        path = folder / name
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise StopRun(f"{name} is missing or not the jar that was tested", f"remove {folder} and try again")
    return folder


class SparkSession:
    """The Java process. Use it as a context."""

    def __init__(self, workers: int) -> None:
        reason = missing()
        if reason is not None:
            raise StopRun(f"the engine spark-local cannot run: {reason}", "or use --engine local")
        self.workers = workers

    def __enter__(self) -> "SparkSession":
        self._scratch = tempfile.TemporaryDirectory(prefix="gleanery-spark-")
        self._log = open(Path(self._scratch.name, "log"), "w+b")
        with contextlib.ExitStack() as stack, as_file(files("gleanery.pipeline") / "SparkLauncher.java") as launcher:
            stack.callback(self._scratch.cleanup)
            stack.callback(self._log.close)
            self._process = subprocess.Popen(
                self._command(launcher),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                start_new_session=True,
                text=True,
                # Spark looks up the name of this machine at its start, which not every network knows.
                env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost"},
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

    def run(self, pipeline: Path) -> None:
        """Run one serialised pipeline and wait for its end."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended between two steps, which its answers tell
            self._process.stdin.write(f"{pipeline}\n")
            self._process.stdin.flush()
        self._expect("DONE", STEP_SECONDS)

    def _command(self, launcher: Path) -> list[str]:
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
        # Only this machine may reach the context: no web page, loopback addresses.
        spark = ["-Dspark.ui.enabled=false", "-Dspark.driver.host=127.0.0.1", "-Dspark.driver.bindAddress=127.0.0.1"]
        spark.append(f"-Dspark.local.dir={self._scratch.name}")
        return [
            *("java", "-Xmx1g", *opened, *spark),
            *("-cp", f"{jar_folder()}/*", str(launcher), f"--sparkMaster=local[{self.workers}]"),
        ]

    def _listen(self, answers: IO[str]) -> None:
        for line in answers:
            if line.strip() in ("READY", "DONE", "FAILED"):
                self._answers.put(line.strip())
        self._answers.put("ENDED")

    def _expect(self, wanted: str, seconds: int) -> None:
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            answer = "no answer in time"
        if answer == wanted:
            return
        if answer == "ENDED" and (number := -_status_of(self._process)) > 0:
            raise StopRun(
                f"the Java process of Spark was ended by signal {number}, most likely for lack of memory",
                "run the same command again to resume, with fewer --workers or with --engine local",
            )
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
        n for n, line in enumerate(lines) if line.startswith(("Caused by:", "Exception", "java.", "org.", "Error"))
    ]
    if causes:
        last = lines[causes[-1]]
        if last.endswith("Traceback (most recent call last):"):  # a worker's, whose last line is its error
            last = next((line for line in lines[causes[-1] + 1 :] if line and not line[0].isspace()), last)
        return last[:200]
    said = [line for line in lines if not _NEWS.match(line)]
    return said[-1][:200] if said else "it said nothing"


def _status_of(process: "subprocess.Popen[str]") -> int:
    """The exit status of a process whose output has ended; negative if a signal ended it."""
    try:
        return process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return 0


def free_port() -> int:
    """A port of the loopback interface that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Wait until something listens; StopRun when the process ends before or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise StopRun("the process that starts Beam's workers did not come up", "try again, or use --engine local")


def end_group(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    """End a process and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _expected_jars() -> dict[str, str]:
    lines = (files("gleanery.pipeline") / "spark_jars.sha256").read_text("ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def _run_maven(folder: Path) -> None:
    with as_file(files("gleanery.pipeline") / "spark_jars.xml") as project:
        command = ["mvn", "-q", "-B", "-f", str(project), "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise StopRun("Maven could not copy the jars of the Spark runner", "see `mvn -f pipeline/spark_jars.xml`")
