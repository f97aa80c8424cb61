"""Maps: files of a release in memory, without an open file for each.

In: an open file and its size. Out: a read-only array over a memory map, which ends when the last array over it is gone.
Costs one call of the system. A release may have 99,999 token files, and a process often has 1,024 open files at most:
a map stays when its file is closed, but `mmap` of Python keeps a file open for each of its maps (until Python 3.13,
whose `trackfd=False` does what is done here).
"""

import ctypes
import errno
import mmap
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import StopRun

_LIBRARY = ctypes.CDLL(None, use_errno=True)
_MAP, _UNMAP = _LIBRARY.mmap, _LIBRARY.munmap
_MAP.restype = ctypes.c_void_p
_MAP.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_UNMAP.restype, _UNMAP.argtypes = ctypes.c_int, [ctypes.c_void_p, ctypes.c_size_t]
_FAILED = ctypes.c_void_p(-1).value
_WAYS_OUT = {
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
    errno.ENFILE: "the machine has too many open files: raise its limit (`sysctl fs.file-max`)",
    errno.ENOMEM: "raise the limit of memory (`ulimit -v`), or of maps of a process (`sysctl vm.max_map_count`)",
}


class _Map:
    """A map, as numpy asks for it: an array keeps the object that it lies over."""

    def __init__(self, file: int, size: int) -> None:
        self._size = 0
        found = _MAP(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file, 0)
        if found == _FAILED:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        self._address, self._size = found, size
        self.__array_interface__ = {"version": 3, "shape": (size,), "typestr": "|u1", "data": (found, True)}

    # What a module holds may be gone when a process ends.
    def __del__(self, unmap: Callable[[int, int], int] = _UNMAP) -> None:
        if self._size:
            unmap(self._address, self._size)


def mapped(file: int, size: int) -> NDArray[np.uint8]:
    """The first `size` bytes of an open file, by its number, which may be closed after. Raises OSError."""
    return np.asarray(_Map(file, size)) if size else np.empty(0, np.uint8)


def mapped_file(path: Path, name: str, size: int) -> NDArray[np.uint8]:
    """A file of a release that has so many bytes. Raises StopRun, with its name, if it does not or cannot be opened."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == size:
                return mapped(file.fileno(), size)
    except OSError as error:
        raise refused(name, error) from error
    raise StopRun(f"{name} is missing or has another size", "fetch this file again")


def read_file(path: Path, name: str) -> bytes | None:
    """The bytes of a file of a release, or None if there is none. Raises StopRun if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
            return None
        raise refused(name, error) from error


def refused(name: str, error: OSError) -> StopRun:
    """What the system refused of a file of a release, as a line and a way out."""
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return StopRun(f"{name} is missing or has another size", "fetch this file again")
    why = os.strerror(error.errno) if error.errno else "the system gives no reason"
    return StopRun(f"{name} cannot be opened: {why}", way_out(error, "check who may read it"))


def way_out(error: Exception, otherwise: str) -> str:
    """What raises the limit that the system named, or another way out if it named none."""
    number = error.errno if isinstance(error, OSError) else None
    return _WAYS_OUT.get(number or 0, otherwise)
