"""Errors, named by what happens next.

In: a message and a hint. Out: exceptions, in a tree:

    GleaneryError
    ├── StopRun        the run stops: the person at the keyboard has to change something
    │   └── WrongArguments  it never began: what was given to a command cannot be followed
    ├── RejectRecord   this record becomes a dead letter, and the run goes on
    └── TryAgain       the same call may go through later: a time-out, a busy server

`of_system` makes a StopRun of what the system itself refuses: a full disk, a path that is not there.

Each carries one line for people and a hint with the way out. Neither may hold a value from the input.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

_GONE = "check the path"
_RIGHTS = "check who may read and write there, and whether it is mounted for writing"
_ROOM = "make room there; a run goes on where it stopped when the same command is given again"
# What a person can change, by the system's number. Any other number is for those who mend Gleanery.
_WAYS_OUT = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "it is larger than this file system or account may hold",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.ENOENT: _GONE,
    errno.ENOTDIR: _GONE,
    errno.EISDIR: _GONE,
    errno.EEXIST: _GONE,
    errno.ENAMETOOLONG: _GONE,
    errno.EMFILE: "raise the limit of open files (`ulimit -n`), or use fewer --workers",
    errno.ENOMEM: "use fewer --workers",
}
_NO_ROOM = 64 << 20  # bytes: a disk with less is full, since files are written in pieces
REPORT_IT = "this is a fault of Gleanery; report it"  # the hint where nobody else can do anything


class GleaneryError(Exception):
    """A message that names the thing and the value, and a hint that names the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type["GleaneryError"], tuple[str, str]]:
        return type(self), (self.message, self.hint)  # so that it survives the way back from a worker process


class StopRun(GleaneryError):
    """The run cannot go on until a person changes something."""


class WrongArguments(StopRun):
    """What was given to a command cannot be followed. Its exit status is that of an unknown option."""


class RejectRecord(GleaneryError):
    """One record cannot be processed; it becomes a dead letter and the run goes on."""

    def __init__(self, message: str, hint: str = "", code: str = "unreadable") -> None:
        super().__init__(message, hint)
        self.code = code

    def __reduce__(self) -> tuple[type["RejectRecord"], tuple[str, str, str]]:  # type: ignore[override]
        return type(self), (self.message, self.hint, self.code)


class TryAgain(GleaneryError):
    """The call failed in a way that may pass; `after` is how many seconds a server asked us to wait."""

    after = 0.0


def of_system(error: Exception, places: Iterable[Path] = ()) -> StopRun | None:
    """What the system refused, as a line and a way out; None where nobody but a programmer could do anything.

    A full disk seldom says which one it is: the first of the `places` that are written to and have no room is named.

    >>> of_system(FileNotFoundError(2, "", "a/b")).message
    'a/b: No such file or directory'
    """
    if isinstance(error, MemoryError):  # one of Arrow's is one too
        error = OSError(errno.ENOMEM, "")
    if not isinstance(error, OSError) or error.errno not in _WAYS_OUT:
        return None
    named = error.filename or (_full(places) if error.errno == errno.ENOSPC else None)
    place = f"{named}: " if named else ""
    return StopRun(f"{place}{os.strerror(error.errno)}", _WAYS_OUT[error.errno])


def _full(places: Iterable[Path]) -> Path | None:
    with contextlib.suppress(OSError):
        return next((place for place in places if shutil.disk_usage(place).free < _NO_ROOM), None)
    return None
