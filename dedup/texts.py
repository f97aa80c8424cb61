"""Texts: many texts as one array of bytes, so that compiled code reads all of them in one call.

In: strings, or a column of them. Out: their UTF-8, one after the other, and where each begins. Strings are copied
twice; a column is looked at where it lies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True)
class Texts:
    """Text i is `data[offsets[i]:offsets[i + 1]]`, in UTF-8; a lone surrogate is encoded as if it were a character."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @property
    def ascii(self) -> bool:
        """Whether all characters are ASCII."""
        return not self.data.size or bool(self.data.max() < 0x80)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, number: int) -> str:
        part = self.data[self.offsets[number] : self.offsets[number + 1]]
        return part.tobytes().decode("utf-8", "surrogatepass")


def joined_texts(texts: Sequence[str]) -> Texts:
    """Some texts as one array.

    >>> found = joined_texts(["one", "", "два"])
    >>> len(found), found[2], found.offsets.tolist(), found.ascii
    (3, 'два', [0, 3, 3, 9], False)
    """
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=offsets[1:])
    return Texts(np.frombuffer(b"".join(encoded), np.uint8), offsets)


def texts_of(column: pa.Array) -> Texts:
    """The values of a column of strings or of bytes, which are UTF-8 if anybody asks for a text. Nulls are not allowed.

    >>> texts_of(pa.array(["one", "", "two"])).offsets.tolist()
    [0, 3, 3, 6]
    """
    if not len(column):
        return Texts(np.empty(0, np.uint8), np.zeros(1, np.int64))
    wide = pa.types.is_large_binary(column.type) or pa.types.is_large_string(column.type)
    _, places, data = column.buffers()
    offsets = np.frombuffer(places, np.int64 if wide else np.int32)[column.offset : column.offset + len(column) + 1]
    every = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return Texts(every[offsets[0] : offsets[-1]], offsets.astype(np.int64) - offsets[0])
