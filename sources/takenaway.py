"""Folders of the cache that are taken away while other processes may be reading or writing there.

In: a folder of the cache. Out: it is gone, at one moment for everybody: who reads it notices, and who has a file of it
open reads on. What a kill leaves of it is removed the next time. Costs a rename and the removal.
"""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gleanery.records.errors import RejectRecord

_TRIES = 10


def take_away(folder: Path, cache: Path) -> None:
    """Remove a folder of the cache, if it is there."""
    prefix = f".taken-{folder.parent.name}-{folder.name}-"
    if folder.is_dir():
        away = Path(tempfile.mkdtemp(prefix=prefix, dir=cache))
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            os.rename(folder, away / "folder")
    for place in sorted(cache.glob(f"{prefix}*")):
        _remove(place)


def _remove(place: Path) -> None:
    """Remove a folder in which another process may be writing or removing too."""
    for tries_left in reversed(range(_TRIES)):
        try:
            return shutil.rmtree(place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT) or not tries_left:
                raise
            if not place.exists():
                return


@contextlib.contextmanager
def unless_taken_away(place: Path | None) -> Iterator[None]:
    """What is found wanting in a folder says nothing if the folder was taken away meanwhile.

    Raises FileNotFoundError then, at the latest at the end.
    """
    if place is None:
        yield
        return
    opened = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # so that no other folder gets its number
    try:
        try:
            yield
        except RejectRecord:
            _check(place, opened)
            raise
        _check(place, opened)
    finally:
        os.close(opened)


def _check(place: Path, opened: int) -> None:
    if not os.path.samestat(os.stat(place), os.fstat(opened)):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(place))
