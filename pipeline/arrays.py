"""Arrays: files of plain numbers that one step writes and another maps into memory, to read any part of them.

In: numpy arrays. Out: `.npy` files, whole or absent, the same bytes for the same numbers. Nothing is pickled. Mapped
pages are not copied and can be dropped by the system, so a reader's memory does not grow with the file.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.parquet import Written, atomic_file, describe


def write_array(path: Path, array: NDArray[Any]) -> Written:
    """Write one array; its rows are its last axis."""
    with atomic_file(path) as out:
        np.lib.format.write_array(out, np.ascontiguousarray(array), allow_pickle=False)
    return describe(path, array.shape[-1] if array.ndim else 1)


def map_array(path: Path) -> NDArray[Any]:
    """The array of a file, read-only, mapped into memory."""
    try:
        mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:  # a file without numbers cannot be mapped
        mapped = np.load(path, allow_pickle=False)
    return mapped
