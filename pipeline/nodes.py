"""What a machine that works for a run on Spark is told: whose work it does, by which program, in which folder.

In: on the driver, the run's folder. Out: settings that Spark hands to each machine. There, the reason why somebody who
asks for a worker gets none, and the end of the process with the one that started it. Costs one read of the program's
own files, 20 ms. Nothing here knows Beam or Spark.
"""

import contextlib
import hashlib
import hmac
import importlib
import os
import re
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psutil

from gleanery.pipeline.cores import cores
from gleanery.pipeline.steps import PYTHON

_CODE = "from gleanery.pipeline.engine import serve_workers; serve_workers()"
_WORD, _COUNT = "GLEANERY_WORKER_WORD", "GLEANERY_WORKER_COUNT"
_ROOMS = [
    "dedup",
    "licensing",
    "optout",
    "pipeline",
    "privacy",
    "quality",
    "records",
    "release",
    "shards",
    "sources",
    "sql",
]
_SOURCES = (".json", ".py", ".sql", ".toml")
# Names a Python on the machines of a cluster where it is not at the same place as on this one.
_PROGRAM = "GLEANERY_SPARK_PYTHON"


@contextlib.contextmanager
def node_settings(root: Path, workers: int, bucket: str = "") -> Iterator[dict[str, str]]:
    """What machines are told. Meanwhile a file in the run's folder proves to them that they see the same folder.

    `workers` is how many tasks each does at once; 0 for as many as it gives Spark cores. With a bucket they need not
    see the folder.
    """
    mark = root / "work" / f".{secrets.token_hex(8)}.tmp"  # such files of a killed run are removed by the next
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    try:
        yield {
            "python": os.environ.get(_PROGRAM) or sys.executable,
            "code": _CODE,
            "workers": str(workers),
            "word": secrets.token_hex(32),
            "mark": "" if bucket else str(mark.resolve()),
            "program": program(),
        }
    finally:
        mark.unlink(missing_ok=True)


def workers_here() -> int:
    """How many tasks this machine does at once."""
    return int(os.environ.get(_COUNT) or cores())


def program() -> str:
    """A digest of what decides the bytes of a run: Gleanery's own files, the packages it asks for, and Python."""
    whole = hashlib.sha256(repr(PYTHON).encode())
    for room in _ROOMS:
        folder = Path(str(importlib.import_module(f"gleanery.{room}").__file__)).parent
        for path in sorted(path for path in folder.iterdir() if path.suffix in _SOURCES):
            whole.update(f"{room}/{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    for name, version in sorted(_packages().items()):
        whole.update(f"{name} {version}\n".encode())
    return whole.hexdigest()


def _packages() -> dict[str, str]:
    asked = [line for line in metadata.requires("gleanery") or [] if "extra ==" not in line]
    names = [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in asked]
    return {name: metadata.version(name) for name in names}


class Guard:
    """Decides on a machine who gets workers: whoever knows the word, is on this machine, and wants what it can do."""

    def __init__(self) -> None:
        self._word = os.environ.pop(_WORD)  # not for the processes that this one starts
        self._program = program()

    def refusal(self, asked: Mapping[str, str], endpoints: Sequence[str]) -> str | None:
        """Why there is none, or None. `endpoints` are addresses to which the worker would turn."""
        if not hmac.compare_digest(asked["word"].encode(), self._word.encode()):
            return "workers are for the run that started this process"
        if not all(is_on_this_machine(url) for url in endpoints if url):
            return "workers are for an engine on this machine"
        here = socket.gethostname()
        if asked["mark"] and not Path(asked["mark"]).exists():
            run = Path(asked["mark"]).parent.parent
            return f"{here} does not see the folder {run}: put it on a disk that all machines share, or name a --bucket"
        if asked["program"] != self._program:
            return f"Gleanery, its packages or Python on {here} are others than on the machine that started the run"
        return None


def is_on_this_machine(address: str) -> bool:
    """Whether an address (host:port) is of the loopback interface.

    >>> is_on_this_machine("localhost:80"), is_on_this_machine("[::1]:80"), is_on_this_machine("192.0.2.1:80")
    (True, True, False)
    """
    host = address.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def end_with_input() -> None:
    """End this process when its standard input ends, as it does with whoever started it, or by SIGTERM.

    It takes with it the processes that it started, and the folder where all of them leave what is temporary.
    """
    folder = tempfile.mkdtemp(prefix="gl-")  # short, since sockets of a pool lie in it
    os.environ["TMPDIR"] = tempfile.tempdir = folder

    def end(*_: Any) -> None:
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    def wait() -> None:
        sys.stdin.buffer.read()
        end()

    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=wait, daemon=True).start()
