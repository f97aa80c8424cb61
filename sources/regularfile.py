"""Opening files on disk that may be anything: a pipe or a device of that name neither blocks nor is read.

In: a path. Out: an open file, or FileNotFoundError.
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """The file, open for reading. Raises OSError if there is none or if it is not a regular file."""
    return open(path, "rb", opener=_regular_only)


def _regular_only(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError("not a regular file")
    return descriptor
