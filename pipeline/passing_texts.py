"""Passing texts: the texts of one part, put down in the order in which they are read and taken up in any other.

In: columns of texts, one after the other. Out: each of them by its number. Up to `held_bytes` of them are in memory;
more are in a file without a name, which goes with the task however it ends. For a part is as large as the largest
repository in it, and its order is not the one in which it is read. Costs 0.3 s of CPU a GB beside the reading, and as
much room in `work/` as a large part has text.
"""

import tempfile
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class PassingTexts:
    """Texts, numbered from 0 as they are put down. All are put down before the first is read.

    >>> texts = PassingTexts(Path("."), 1 << 20)
    >>> texts.put(pa.chunked_array([["one", "two"], ["three"]], pa.large_string()))
    >>> texts.read(2), texts.sizes.tolist()
    (b'three', [3, 3, 5])
    """

    def __init__(self, folder: Path, held_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(held_bytes, dir=str(folder))  # noqa: SIM115
        self._sizes: list[NDArray[Any]] = [np.empty(0, np.int64)]

    def close(self) -> None:
        """Let go of all of them."""
        self._file.close()

    def put(self, column: pa.ChunkedArray) -> None:
        """Put down the texts of a column of the type large_string, none of which is null."""
        for chunk in column.chunks:
            _, offsets, content = chunk.buffers()
            bounds = np.frombuffer(offsets, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
            self._sizes.append(np.diff(bounds))
            if len(chunk) and bounds[-1] > bounds[0]:
                self._file.write(memoryview(content)[bounds[0] : bounds[-1]])

    @cached_property
    def sizes(self) -> NDArray[Any]:
        """The bytes of each text."""
        return np.concatenate(self._sizes)

    def read(self, number: int) -> bytes:
        """A text as UTF-8."""
        self._file.seek(self._ends[number] - self.sizes[number])
        return self._file.read(self.sizes[number])

    @cached_property
    def _ends(self) -> NDArray[Any]:
        return np.cumsum(self.sizes)
