"""Faults: what the system said while a source was read, as one of our errors.

In: an error of the system or of a decoder, and the folder of the cache. Out: the end of the run where the cache cannot
be used, a `TryAgain` where another process was faster or too much is open, and else a source that cannot be read.
"""

import errno
import os
from pathlib import Path

from gleanery.records.errors import GleaneryError, RejectRecord, StopRun, TryAgain

# Sources are only read, so these are about the cache; the others are if they are about a path of it.
_NO_WRITING = (errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_FOLDER = (errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.EIO)


def as_ours(error: OSError | ValueError, cache: Path) -> GleaneryError:
    """One of our errors for what the system says; its words may hold a path or a value of the source."""
    if isinstance(error, OSError):
        if error.errno in _NO_WRITING or (error.errno in _NO_FOLDER and _is_about(error, cache.absolute())):
            message = f"the cache {cache} cannot be used: {os.strerror(error.errno)}"
            hint = "see that it is a folder with room, mounted for writing, that you may write to; or set run.cache"
            return StopRun(message, hint)
        if error.errno == errno.ENOENT and _is_about(error, cache.absolute()):
            return TryAgain("what was being read was taken out of the cache meanwhile", "read it again with --retry")
        if error.errno in (errno.EMFILE, errno.ENFILE):
            return TryAgain(
                "too many files are open", "raise the limit of open files (`ulimit -n`), and read it again with --retry"
            )
    return RejectRecord("the source could not be read", "check that it is whole and that you may read it")


def _is_about(error: OSError, cache: Path) -> bool:
    """Whether an error names something in the cache, or a folder above that it was to be made in."""
    if not isinstance(error.filename, (str, Path)):
        return False
    path = Path(error.filename).absolute()
    return path.is_relative_to(cache) or (cache.is_relative_to(path) and not os.path.exists(cache))
