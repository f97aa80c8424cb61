"""The folder of a run: whose it is, who writes to it now, and what a killed run left half written there.

In: the folder that `--out` names. Out: a lock on it; or an end of the run, if it holds something that no run made.
Costs one small read, and one listing of the run's own folders.

    tables/ store/ work/    the run's own: what is in them is made, replaced and removed as the settings ask for
    release/                the run's and people's: see pipeline/release_folder.py
    optout.json             written before anything else, so it marks a folder as one of a run
    .lock, journal.jsonl    see pipeline/run.py
"""

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import psutil

from gleanery.records.errors import StopRun
from gleanery.records.files import read_json

PIN, LOCK = "optout.json", ".lock"
# Names a folder for the locks of runs whose own file system has none, as some of clusters are set up.
LOCKS = "GLEANERY_LOCKS"
_HELD = (errno.EWOULDBLOCK, errno.EACCES)
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)
OWN = ("tables", "store", "work")


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Only one driver may write to a run folder. The lock goes with the process, however it ends.

    Raises StopRun for a folder with something in it that is not the folder of a run: nothing of it is touched.
    """
    root.mkdir(parents=True, exist_ok=True)
    if not _is_empty(root) and not is_run(root):
        raise StopRun(
            f"the folder {root} is not empty, and what is in it is not of a run",
            "give --out a folder that is new or empty, or that of an earlier run",
        )
    with open(root / LOCK, "w") as here, _lock_file(root, here) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _HELD:
                raise StopRun(f"another run is writing to {root}", "wait for it, or choose another --out") from None
            if error.errno in _NO_LOCKS:
                raise _without_locks(Path(lock.name)) from None
            raise
        yield


@contextmanager
def _lock_file(root: Path, here: TextIO) -> Iterator[TextIO]:
    """The file to lock: that of the run, or one for it in the folder that the environment names."""
    given = os.environ.get(LOCKS)
    if not given:
        yield here
        return
    name = hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    with open(Path(given, f"gleanery-{name}.lock"), "w") as elsewhere:
        yield elsewhere


def _without_locks(path: Path) -> StopRun:
    mounts = [(Path(part.mountpoint), part.fstype) for part in psutil.disk_partitions(all=True)]
    place = path.resolve()
    kinds = [kind for mount, kind in sorted(mounts) if mount == place or mount in place.parents]
    named = f" ({kinds[-1]})" if kinds else ""
    return StopRun(
        f"the file system of {path}{named} has no locks, so that two runs could write there at once",
        f"give --out on another one, mount it with locks, or set {LOCKS} to a folder that has locks, the "
        "same one for all who write to this run",
    )


def is_run(root: Path) -> bool:
    """Whether a run was begun in this folder. A note that somebody damaged still counts if the lock is there too."""
    note = read_json(root / PIN)
    return (note is not None and {"run", "position"} <= note.keys()) or (
        (root / PIN).is_file() and (root / LOCK).is_file()
    )


def clean_temporary(root: Path) -> None:
    """Remove what a killed run left half written. Only the driver calls it, and it holds the run's lock."""
    for path in [*root.glob(f".{PIN}.*.tmp"), *(p for name in OWN for p in (root / name).rglob(".*.tmp"))]:
        path.unlink(missing_ok=True)


def _is_empty(root: Path) -> bool:
    """Whether nothing is there but what a run leaves that was stopped before it began."""
    return all(path.name == LOCK or path.match(f".{PIN}.*.tmp") for path in root.iterdir())
