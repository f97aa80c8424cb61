"""The folder of a run: whose it is, who writes to it now, and what a killed run left half written there.

In: the folder that `--out` names. Out: a lock on it; or an end of the run, if it holds something that no run made.
Costs one small read, and one listing of the run's own folders.

    tables/ store/ work/    the run's own: what is in them is made, replaced and removed as the settings ask for
    release/                the run's and people's: see pipeline/release_folder.py
    optout.json             written before anything else, so it marks a folder as one of a run
    .lock, journal.jsonl    see pipeline/run.py
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gleanery.pipeline.steps import read_json
from gleanery.records.errors import StopRun

PIN, LOCK = "optout.json", ".lock"
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
    with open(root / LOCK, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StopRun(f"another run is writing to {root}", "wait for it, or choose another --out") from None
        yield


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
