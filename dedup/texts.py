"""Texts: many texts as one array of bytes, so that compiled code reads all of them in one call.

In: strings. Out: their UTF-8, one after the other, and where each begins. Costs two copies of the texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
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
