"""Trimming: let go of what the steps of a finished run handed to each other.

In: the folder of a run. Out: the same without most of `work/`, and a note of that; every question about the run has
the answer of before. Kept are tables, store and release, the notes of every step, and what sources gave: a source that
cannot be read the next time is taken from there. A command that finds something to do first makes the rest anew, as
after a loss; the same settings find nothing. Costs one listing of `work/`.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from gleanery.pipeline.run_folder import clean_temporary, is_run, locked
from gleanery.records.errors import StopRun
from gleanery.records.files import read_json, write_json
from gleanery.records.step_notes import is_finished

NOTE = "work/trimmed.json"
_OF_SOURCES = "crawl"


class Freed(NamedTuple):
    """What goes: files, and the room that they take on the disk. What `store/` shares with them takes it still."""

    files: int
    bytes: int


def trim(root: Path, dry_run: bool = False) -> Freed:
    """Remove what no question needs. Raises StopRun if a run is not finished, or writes there now."""
    if not is_run(root):
        raise StopRun(f"{root} is not the folder of a run", "name the folder that --out named")
    with locked(root):
        if not is_finished(root):
            raise StopRun(f"the run in {root} is not finished", "give its command again; what it would need stays")
        if not dry_run:
            clean_temporary(root)
        steps = sorted(path.parent.name for path in (root / "work").glob("*/data"))
        steps = [name for name in steps if name != _OF_SOURCES]
        files = [path for name in steps for path in (root / "work" / name / "data").rglob("*") if path.is_file()]
        freed = Freed(len(files), _room(files))
        if not dry_run:
            # First the note: whoever is killed in between leaves files that nobody misses.
            write_json(root / NOTE, {"steps": sorted({*steps, *trimmed_steps(root)})})
            for path in files:
                path.unlink()
        return freed


def trimmed_steps(root: Path) -> frozenset[str]:
    """The steps whose intermediate files were let go of."""
    return frozenset((read_json(root / NOTE) or {"steps": ()})["steps"])


def restore(root: Path) -> None:
    """Take back the note: from now on such files are missing, and are made anew."""
    (root / NOTE).unlink(missing_ok=True)


def _room(files: Iterable[Path]) -> int:
    """The bytes on the disk of files that have no other name elsewhere."""
    found = [path.stat() for path in files]
    names = Counter((one.st_dev, one.st_ino) for one in found)
    room = {(s.st_dev, s.st_ino): 512 * s.st_blocks for s in found if names[s.st_dev, s.st_ino] == s.st_nlink}
    return sum(room.values())
