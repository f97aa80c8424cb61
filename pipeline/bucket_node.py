"""The end of a machine that does tasks of a run and does not see the run's folder: files come and go by a bucket.

In: a task, and the name of the list of all files that steps before it left. Out: the files that it wrote, and then its
sidecar, in the bucket. In a folder of this machine every file is listed; one is fetched when a task first opens it,
whole, and stays for other tasks and steps, unless the disk gets full. Costs one transfer of each file that is read here
or written here, and 10 us for each that is listed, once a step.

    files/SHA256          what a step wrote
    lists/SHA256          the list of all files for the step that is being done; no other is there
    done/STEP/TASK        the sidecar of a task, by the fingerprint of the task: its commit point
    errors/STEP/…         what a task that failed has to say
"""

import fcntl
import hashlib
import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from gleanery.pipeline.bucket import Bucket
from gleanery.pipeline.nodes import program
from gleanery.pipeline.steps import read_sidecar, report_error, run_task
from gleanery.records.absent import brought_by
from gleanery.records.errors import StopRun
from gleanery.records.files import link_file, read_json

FILES, LISTS, DONE, ERRORS = "files", "lists", "done", "errors"
# What settings name is small, and opened in many ways.
GIVEN = "work/given/"
# A disk with less room than this lets go of files that the step does not list.
_FREE_BYTES = 4 << 30


def run_away(
    _: str, step: str, work: str, fingerprint: str, task_json: str, settings: str, address: str, inputs: str
) -> str:
    """Do one task whose files come and go by a bucket. `inputs` is the digest of the list; returns the task's name."""
    node = _node(address)
    place = node.lay_out(inputs)
    here = json.dumps(json.loads(settings) | {"folder": str(place)}, sort_keys=True)
    name = json.loads(task_json)["name"]
    try:
        with brought_by(node.bring):
            run_task(str(place), step, work, fingerprint, task_json, here)
    except Exception:
        node.send_report(place, step, name, inputs)
        raise
    node.send(place, step, name, fingerprint, inputs)
    return str(name)


def report_away(address: str, step: str, inputs: str, name: str, message: str, hint: str) -> None:
    """Leave an error that is of no task where the driver finds it."""
    with tempfile.TemporaryDirectory(prefix="gleanery-") as folder:
        report_error(Path(folder), step, name, message, hint)
        _node(address).send_report(Path(folder), step, name, inputs)


def is_inside(path: str) -> bool:
    """Whether a path of a list stays below the folder that it starts from.

    >>> is_inside("tables/a/b.parquet"), is_inside("/a"), is_inside("a/../../b"), is_inside("")
    (True, False, False, False)
    """
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and "\0" not in path


@lru_cache(maxsize=1)
def _node(address: str) -> "_Node":
    return _Node(address)


class _Node:
    """This machine's folder for one run. Its processes share it."""

    def __init__(self, address: str) -> None:
        self._bucket = Bucket(address)
        self._folder = Path(tempfile.gettempdir(), f"away-{hashlib.sha256(address.encode()).hexdigest()[:16]}")
        self._folder.mkdir(mode=0o700, exist_ok=True)  # contents from before redaction are nobody else's to see
        if self._folder.is_symlink() or self._folder.stat().st_uid != os.getuid():
            hint = "let TMPDIR name a folder of this account"
            raise StopRun(f"{self._folder} is of somebody else", hint)
        self._objects = self._folder / "objects"
        self._objects.mkdir(exist_ok=True)
        self._places: dict[str, Path] = {}
        self._listed: frozenset[str] = frozenset()
        self._tidied: frozenset[str] | None = None  # what was listed when it last made room

    def lay_out(self, inputs: str) -> Path:
        """The folder in which all files of a list stand, each as a link to where it will be."""
        if inputs in self._places:
            return self._places[inputs]
        content = self._bucket.get(f"{LISTS}/{inputs}")
        if content is None or hashlib.sha256(content).hexdigest() != inputs:
            raise StopRun(f"{socket.gethostname()} does not find in the bucket what the run put there", _REACH)
        listed = json.loads(content)
        if listed["program"] != program():
            here = f"Gleanery, its packages or Python on {socket.gethostname()}"
            message = f"{here} are others than on the machine that started the run"
            raise StopRun(message, "give all machines the same, such as by one container image")
        files: dict[str, str] = listed["files"]
        if bad := next((path for path in files if not is_inside(path)), None):
            raise StopRun(f"a list of files names {bad!r}, which is in no folder of a run", _REACH)
        place = self._folder / "steps" / inputs
        with self._locked(inputs):
            if not place.exists():
                for older in place.parent.glob("*"):
                    shutil.rmtree(older, ignore_errors=True)
                self._link(place, files)
        self._listed = frozenset(files.values())
        self._places = {inputs: place}
        return place

    def _link(self, place: Path, files: dict[str, str]) -> None:
        """List files in a folder that appears with all of them."""
        new = place.with_name(f".{place.name}.tmp")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        folders = {new}
        for path, digest in files.items():
            link = new / path
            if link.parent not in folders:
                link.parent.mkdir(parents=True, exist_ok=True)
                folders.add(link.parent)
            link.symlink_to(self._objects / digest)
            if path.startswith(GIVEN):
                self.bring(self._objects / digest)
        new.rename(place)

    def bring(self, target: Path) -> None:
        """Fetch what a link names, unless it is here; one process does, and others wait for it."""
        if target.parent != self._objects or target.exists():
            return
        with self._locked(target.name):
            if not target.exists():
                self._make_room()
                self._bucket.get_file(f"{FILES}/{target.name}", target, target.name)

    def _make_room(self) -> None:
        """Let go of what this step does not read, where the disk is nearly full. It can be fetched again.

        Once a step: there is nothing more of it then, and to look takes longer the more files there are.
        """
        if self._tidied is self._listed or shutil.disk_usage(self._objects).free > _FREE_BYTES:
            return
        self._tidied = self._listed
        for path in self._objects.iterdir():
            if path.name not in self._listed and not path.name.startswith("."):
                path.unlink(missing_ok=True)

    def send(self, place: Path, step: str, name: str, fingerprint: str, inputs: str) -> None:
        """Hand over what a task wrote, and its sidecar last of all.

        Only while its list is there: a task that goes on after its step, or its run, may have seen half a folder, and
        would leave contents where nobody takes them out any more. What another attempt has handed over is not replaced.
        """
        listed, handed_over = self._bucket.has(f"{LISTS}/{inputs}", f"{DONE}/{step}/{fingerprint}")
        if not listed:
            hint = "if the run goes on, somebody emptied its bucket: run the same command again"
            raise StopRun(f"{step}: nobody waits for the task {name} any more", hint)
        if handed_over:
            return
        sidecar = read_sidecar(place, step, name)
        assert sidecar is not None
        for path, (_, _, digest) in sidecar["outputs"].items():
            self._bucket.put_file(f"{FILES}/{digest}", place / path, digest)
            self._keep(place / path, digest)
        asides = {path: read_json(place / path) for path in sidecar.get("asides", ())}
        self._bucket.put(f"{DONE}/{step}/{fingerprint}", _plain({"sidecar": sidecar, "asides": asides}))

    def _keep(self, path: Path, digest: str) -> None:
        """Make a file that was handed over one that can be let go of. It is there all the time, for other attempts."""
        link_file(path, self._objects / digest)
        link = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        link.unlink(missing_ok=True)
        link.symlink_to(self._objects / digest)
        os.replace(link, path)

    def send_report(self, place: Path, step: str, name: str, inputs: str) -> None:
        """Hand over what a task that failed has left for people to read."""
        path = place / "work" / step / "errors" / f"{name}.json"
        if path.exists():
            self._bucket.put(f"{ERRORS}/{step}/{inputs}/{name}", path.read_bytes())

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with open(self._folder / f".{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _plain(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


_REACH = "let all machines of the run reach the same bucket, which nothing else writes to"
