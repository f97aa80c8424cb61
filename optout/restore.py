"""Restore: a backup takes the place of a SQLite registry, whole or not at all.

In: the file of a backup and the place of the registry. Out: the number of its newest rule, and where the replaced file
is kept. The backup's log is checked first. What a crashed program left beside the file (`-wal`, `-shm`) would be played
into the backup and damage it, so it goes with the replaced file. Costs one copy and one check of the log.
"""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from gleanery.optout.registry import Registry
from gleanery.records.errors import StopRun

_SIDES = ("-wal", "-shm", "-journal")
# The bytes on which every program that has a SQLite file open holds a lock (https://sqlite.org/fileformat2.html).
_SHARED_BYTES = (510, 0x40000002)


@dataclass(frozen=True)
class Restored:
    """What stands in the registry's place now, and the file that stood there before, if there was one."""

    position: int
    entries: int
    kept: Path | None


def restore(backup: Path, place: Path) -> Restored:
    """Put the backup in the registry's place. StopRun if it is not whole, or while a program has the registry open."""
    if not backup.is_file():
        raise StopRun(f"there is no backup {backup}", "give the file that `.backup` of sqlite3 made")
    if place.exists() and place.samefile(backup):
        raise StopRun("the backup is the registry itself", "give a file that is kept elsewhere")
    fresh = place.with_name(f"{place.name}.restoring")
    try:
        position, entries = _copy(backup, fresh)
        with _alone(place):
            kept = _set_aside(place)
            os.replace(fresh, place)
        _to_disk(place.parent)
    finally:
        for side in ("", *_SIDES):
            fresh.with_name(fresh.name + side).unlink(missing_ok=True)
    return Restored(position, entries, kept)


def _copy(backup: Path, fresh: Path) -> tuple[int, int]:
    """Copy a backup with what stands beside it, and check the copy: its newest rule and the length of its log."""
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    # Without a log beside it nothing has to be written to read it, so a folder that is read-only will do.
    how = "mode=ro" if backup.with_name(f"{backup.name}-wal").exists() else "immutable=1"
    try:
        source, copy = sqlite3.connect(f"file:{quote(str(backup.absolute()))}?{how}", uri=True), sqlite3.connect(fresh)
        try:
            source.backup(copy)
        finally:
            source.close()
            copy.close()
    except sqlite3.Error:
        raise StopRun(f"the backup {backup} is damaged, or is none", "give an older backup") from None
    registry = Registry.open(f"sqlite:///{fresh.absolute()}", create=False)
    try:
        registry.verify_log()
        found = registry.position(), registry.log_head().entries
    finally:
        registry.close()
    _to_disk(fresh)
    return found


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Hold the registry's file while no program has it open."""
    if not place.exists():
        yield
        return
    with open(place, "r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, *_SHARED_BYTES)
        except OSError:
            raise StopRun(f"a program has {place} open", "stop the page and the runs that use it first") from None
        yield


def _set_aside(place: Path) -> Path | None:
    """Give the registry's file a second name, under which its sidecars belong to it; the first free number."""
    number = 1
    while (kept := place.with_name(f"{place.name}.replaced-{number}")).exists():
        number += 1
    if place.exists():
        try:
            os.link(place, kept)
        except OSError:
            shutil.copy2(place, kept)
        shutil.copymode(place, place.with_name(f"{place.name}.restoring"))
    for side in _SIDES:
        with suppress(FileNotFoundError):
            os.rename(place.with_name(place.name + side), kept.with_name(kept.name + side))
    return kept if kept.exists() else None


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
