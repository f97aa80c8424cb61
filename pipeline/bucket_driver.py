"""The driver's end of a bucket: it hands out what tasks elsewhere read, and takes in what they wrote.

In: a step's tasks, and the markers of the steps before. Out: the same files in the run's folder as if every machine saw
it. A step of one task is done on the driver's own machine, and so is what only that machine sees: sources that are
folders of it, and what was read of sources before. Costs the transfer of every file, once out and once in, and one
listing of the bucket every second. When the run is done, the bucket is emptied: contents of owners who object later may
not stay there.
"""

import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gleanery.pipeline.bucket import Bucket
from gleanery.pipeline.bucket_node import DONE, ERRORS, FILES, GIVEN, LISTS, is_inside
from gleanery.pipeline.crawl_again import may_need_before
from gleanery.pipeline.given_files import with_other_paths
from gleanery.pipeline.markers import Marker, step_folder
from gleanery.pipeline.nodes import program
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Task
from gleanery.pipeline.stage3_sign import PREVIOUS_READ, previous_tables
from gleanery.pipeline.steps import Step, sidecar_path, task_fingerprint
from gleanery.records.errors import StopRun
from gleanery.records.files import file_digest, read_json, write_bytes, write_json

_AT_ONCE = 16  # transfers
_LOOK_SECONDS = 1.0
_WAIT_SECONDS = 30.0  # before it looks again where something went wrong
_PREVIOUS = "work/previous"
_NOTE = "work/bucket.json"


class Relay:
    """The bucket of one run, as its driver uses it."""

    def __init__(self, address: str, root: Path) -> None:
        self._root = root
        self._bucket = Bucket(Bucket(address).inside(f"gleanery-{_name_of(root)}"))
        self.address = self._bucket.address
        self._bucket.clear(LISTS)  # tasks that a lost driver left behind hand over nothing any more
        self._there = self._bucket.sizes(FILES)
        _note_place(root, self._bucket.name, used=True)
        self._digests: dict[Path, tuple[int, int, str]] = {}

    def hand_out(self, step: Step, markers: Mapping[str, Marker], settings: Settings) -> str:
        """Put what a step reads into the bucket, if it is not there yet, and a list of all; returns the list's digest.

        All files are listed, since folders are looked at for what is in them.
        """
        listed: dict[str, str] = {}
        wanted: dict[str, tuple[int, Path]] = {}
        for name, marker in markers.items():
            for path, written in marker.outputs.items():
                listed[path] = written.sha256
                if name in step.reads:
                    wanted[written.sha256] = written.bytes, self._root / path
        for path, place in self._others(settings).items():
            listed[path] = self._digest(place)
            wanted[listed[path]] = place.stat().st_size, place
        missing = {digest: path for digest, (size, path) in wanted.items() if self._there.get(digest) != size}
        self._each(lambda one: self._bucket.put_file(f"{FILES}/{one[0]}", one[1], one[0]), missing.items())
        self._there |= {digest: wanted[digest][0] for digest in missing}
        about = {"files": listed, "program": program(), "once": secrets.token_hex(8)}
        content = json.dumps(about, sort_keys=True).encode()
        digest = hashlib.sha256(content).hexdigest()
        self._bucket.clear(LISTS)  # before another folder is laid out, those of earlier steps count for nothing
        self._bucket.put(f"{LISTS}/{digest}", content)
        return digest

    def _others(self, settings: Settings) -> dict[str, Path]:
        """Files of no step that tasks read, by their place in the folder of a run."""
        folders = [self._root / place for place in ("tables/optout_rules", "tables/optout_names", GIVEN)]
        own = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        found = {path.relative_to(self._root).as_posix(): path for path in own}
        if (previous := previous_tables(settings)) is not None:
            for path in (path for table in PREVIOUS_READ for path in sorted((previous / table).glob("*.parquet"))):
                found[f"{_PREVIOUS}/tables/{path.parent.name}/{path.name}"] = path
        return found

    def settings_away(self, settings: Settings) -> Settings:
        """The settings as a machine needs them whose folder of the run is the one that they start from.

        What it remembers between runs is where its own environment says.
        """
        given = (self._root.resolve() / GIVEN).as_posix()
        settings = with_other_paths(settings, lambda path: GIVEN + Path(path).relative_to(given).as_posix())
        previous = _PREVIOUS if settings.run.previous else None
        return replace(settings, run=replace(settings.run, cache=None, shared_scans=None, previous=previous))

    @contextmanager
    def taking_in(self, step: Step, base: str, tasks: Iterable[Task]) -> Iterator[None]:
        """Meanwhile take in what tasks have handed over, so that progress is seen; at the end, all of it."""
        waiting = {task_fingerprint(base, task): task for task in tasks}
        ended = threading.Event()

        def look() -> None:
            seconds = _LOOK_SECONDS
            while not ended.wait(seconds):
                seconds = _LOOK_SECONDS
                try:
                    self._take_in(step, waiting, ended)
                except Exception:  # tasks go on; what is still so at their end is told then
                    seconds = _WAIT_SECONDS

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        except KeyboardInterrupt:
            self._bucket.stop()
            raise
        finally:  # no file may come in when the lock on the run's folder is gone
            ended.set()
            thread.join()
        self._take_in(step, waiting)

    def take_in(self, step: Step, base: str, tasks: Iterable[Task]) -> None:
        """Take in what was handed over before, as when a driver was killed meanwhile."""
        self._take_in(step, {task_fingerprint(base, task): task for task in tasks})

    def _take_in(self, step: Step, waiting: dict[str, Task], ended: threading.Event | None = None) -> None:
        """Take in what tasks have handed over, and take them out of `waiting`; leave off once somebody ends it."""
        ready = sorted(waiting.keys() & self._bucket.sizes(f"{DONE}/{step.name}").keys())
        for start in range(0, len(ready), _AT_ONCE):
            if ended is not None and ended.is_set():
                return
            some = ready[start : start + _AT_ONCE]
            notes = self._each(lambda fingerprint: self._note(step, fingerprint), some)
            outputs = [(path, *written) for note in notes for path, written in note["sidecar"]["outputs"].items()]
            self._each(self._fetch, outputs)
            self._there |= {digest: size for _, _, size, digest in outputs}
            for fingerprint, note in zip(some, notes, strict=True):
                for path, aside in note["asides"].items():
                    write_json(self._root / path, aside)
                write_json(sidecar_path(self._root, step.name, waiting.pop(fingerprint).name), note["sidecar"])

    def _note(self, step: Step, fingerprint: str) -> dict[str, Any]:
        """What a task says that it has handed over."""
        note: dict[str, Any] = json.loads(self._bucket.get(f"{DONE}/{step.name}/{fingerprint}") or b"{}")
        if note.get("sidecar", {}).get("fingerprint") != fingerprint:
            raise StopRun(f"{step.title}: what a task says in the bucket that it has done is of another one", _EMPTY)
        for path in (*note["sidecar"]["outputs"], *note["asides"]):
            if not is_inside(path):
                raise StopRun(f"{step.title}: a task names {path!r}, which is in no folder of a run", _EMPTY)
        return note

    def _fetch(self, output: tuple[str, int, int, str]) -> None:
        path, _, _, digest = output
        self._bucket.get_file(f"{FILES}/{digest}", self._root / path, digest)

    def take_in_errors(self, step: Step, inputs: str) -> None:
        """Take in what tasks that failed left for people to read."""
        for name in self._bucket.sizes(f"{ERRORS}/{step.name}/{inputs}"):
            content = self._bucket.get(f"{ERRORS}/{step.name}/{inputs}/{name}")
            if content is not None and is_inside(name):
                write_bytes(step_folder(self._root, step.name) / "errors" / f"{name}.json", content)

    def clear(self) -> None:
        """Empty the bucket of this run."""
        self._bucket.clear()
        self._there = {}
        _note_place(self._root, self._bucket.name, used=False)

    def _digest(self, path: Path) -> str:
        """The digest of a file that no step made; read once while it stays the same."""
        about = path.stat()
        size, changed, digest = self._digests.get(path, (-1, -1, ""))
        if (size, changed) != (about.st_size, about.st_mtime_ns):
            digest = file_digest(path)
            self._digests[path] = about.st_size, about.st_mtime_ns, digest
        return digest

    def _each(self, do: Callable[[Any], Any], what: Iterable[Any]) -> list[Any]:
        with ThreadPoolExecutor(_AT_ONCE, "bucket") as threads:  # its end waits for them
            try:
                return list(threads.map(do, what))
            except KeyboardInterrupt:
                self._bucket.stop()
                raise


def stays_here(step: Step, root: Path, worth: Collection[str] | None) -> Callable[[Task], bool]:
    """Which tasks of a step the driver's own machine does. `worth` are the steps that may go away; None is all."""
    if len(step.tasks) == 1 or (worth is not None and step.name not in worth):
        return lambda _: True
    if step.name == "crawl":
        before = may_need_before(root)
        return lambda task: before(task.name) or any(_is_of_this_machine(**one) for one in task.payload["sources"])
    return lambda _: False


def _is_of_this_machine(kind: str, locator: str, **_: Any) -> bool:
    """Whether a source is a folder or a file that may be on this machine alone."""
    return kind in ("git", "archive") and ("://" not in locator or locator.startswith("file:"))


def left_behind(root: Path) -> list[str]:
    """What to tell people of buckets in which an earlier command of this run left what was handed over."""
    return [
        f"what was handed over is still in {place}, with contents from before redaction: empty it (the same command "
        f"with that --bucket does, unless this folder is a copy of the run's); if that was done, remove {root / _NOTE}"
        for place in sorted((read_json(root / _NOTE) or {}).get("places", []))
    ]


def _name_of(root: Path) -> str:
    """A name that no other run has, the same each time that this one is resumed. A copy of its folder is another."""
    (root / _NOTE).parent.mkdir(parents=True, exist_ok=True)
    note, folder = read_json(root / _NOTE) or {}, (root / _NOTE).parent.stat().st_ino
    if note.get("folder") != folder or "name" not in note:
        note |= {"name": secrets.token_hex(8), "folder": folder}
    write_json(root / _NOTE, note)
    return str(note["name"])


def _note_place(root: Path, place: str, *, used: bool) -> None:
    """Note that there may be something of this run at an address, or that there is nothing any more."""
    note = read_json(root / _NOTE) or {}
    others = [one for one in note.get("places", []) if one != place]
    write_json(root / _NOTE, note | {"places": [*others, place] if used else others})


_EMPTY = "empty the bucket, to which nobody but the machines of the run may write, and run the same command again"
