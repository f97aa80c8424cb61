"""Arrays: a file of plain numbers that one step writes and another maps into memory, to read any part of them.

In: numpy arrays by name. Out: one file with all of them, whole or absent, the same bytes for the same numbers. Nothing
is pickled. Mapped pages are not copied and can be dropped by the system, so a reader's memory does not grow with the
file. To map a file takes 30 us, however many arrays it has.
"""

import functools
import hashlib
import json
import math
import mmap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.absent import present
from gleanery.records.files import atomic_file
from gleanery.records.parquet import Written

_MAGIC = b"gleanery-arrays-1 "
_HEAD, _ALIGNED = 4096, 64


@dataclass(frozen=True)
class Blocks:
    """A long array that is written block by block: `rows` in all, each of the type and the width of `like`'s."""

    rows: int
    like: NDArray[Any]
    blocks: Iterable[NDArray[Any]]


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any] | Blocks]) -> Written:
    """Write some arrays into one file. The rows of the first one count as those of the file."""
    long = {name: a if isinstance(a, Blocks) else Blocks(len(a), a, (a,)) for name, a in arrays.items()}
    shapes = {name: [a.rows, *a.like.shape[1:]] for name, a in long.items()}
    kinds = {name: np.lib.format.dtype_to_descr(a.like.dtype) for name, a in long.items()}
    digest, size = hashlib.sha256(), 0
    with atomic_file(path, lasting=False) as out:  # only steps of one run read it, and `steps` looks at its size

        def put(data: Any) -> None:
            nonlocal size
            out.write(data)
            digest.update(data)
            size += memoryview(data).nbytes

        put(_head({name: [kinds[name], shape] for name, shape in shapes.items()}))
        for name, array in long.items():
            put(b"\0" * (-size % _ALIGNED))
            start = size
            for block in array.blocks:
                if block.size:
                    put(np.ascontiguousarray(block, array.like.dtype).view(np.uint8).reshape(-1).data)
            if size - start != math.prod(shapes[name]) * array.like.itemsize:
                raise ValueError(f"the blocks of {name} are not the {array.rows} rows that were announced")
    return Written(next(iter(long.values())).rows, size, digest.hexdigest())


def map_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file, read-only, mapped into memory."""
    with open(present(path), "rb") as file:
        head = file.read(_HEAD)
        length = int(head[len(_MAGIC) : len(_MAGIC) + 8]) if head.startswith(_MAGIC) else 0
        if not length:
            raise ValueError(f"{path.name} is no file of write_arrays")
        if length > len(head):
            head += file.read(length - len(head))
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    found = {}
    for name, kind, shape, start in _described(head[:length]):
        found[name] = np.frombuffer(mapped, kind, math.prod(shape), start).reshape(shape)
    return found


def scratch(path: Path, size: int) -> NDArray[np.uint8]:
    """Some bytes of memory, all 0, that the system may write out; nothing is left behind however the process ends.

    `path`: where to make the file, which has no name once this returns.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    memory = np.memmap(path, np.uint8, "w+", shape=max(1, size))
    path.unlink()  # the mapping holds it
    return memory[:size]


def _head(about: Mapping[str, Any]) -> bytes:
    """Magic, the length of the head in 8 digits, and what the arrays are; to a multiple of the alignment."""
    text = json.dumps(about, separators=(",", ":")).encode()
    length = len(_MAGIC) + 8 + 1 + len(text) + 1
    length += -length % _ALIGNED
    return (_MAGIC + b"%08d\n" % length + text).ljust(length - 1) + b"\n"


@functools.lru_cache(maxsize=4096)
def _described(head: bytes) -> tuple[tuple[str, np.dtype[Any], tuple[int, ...], int], ...]:
    """Name, type, shape and start of each array, from the head of a file."""
    found, start = [], len(head)
    for name, (kind, shape) in json.loads(head[len(_MAGIC) + 9 :]).items():
        plain = kind if isinstance(kind, str) else [tuple(field) for field in kind]
        dtype = np.dtype(plain)
        start += -start % _ALIGNED
        found.append((name, dtype, tuple(shape), start))
        start += math.prod(shape) * dtype.itemsize
    return tuple(found)
