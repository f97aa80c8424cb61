"""Spans: stretches of a document that make a good middle, as the nodes of its syntax tree.

In: for each document the spans that a parser found, as bytes of its stored text. Out: `Spans`, which the loader opens
with the release. Lines need no spans: a loader finds them in the tokens. How long a text is, only its tokens say; so a
span that ends behind it is found where it is used, and passed over (cuts.py).

A span costs 8 bytes on disk; the writer of a release chooses how many it keeps for each document.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Spans:
    """The spans of all documents, by ordinal: those of document d are entries first[d] to first[d + 1].

    first       int64[documents + 1]
    begin, end  uint32[spans], bytes of the stored text, begin < end; ascending by (begin, end) within a document
    """

    first: NDArray[np.int64]
    begin: NDArray[np.uint32]
    end: NDArray[np.uint32]

    def are_sound(self) -> bool:
        """Whether each ends behind its beginning, and those of a document ascend.

        >>> Spans(np.array([0, 2, 3]), np.array([4, 4, 1], np.uint32), np.array([5, 9, 2], np.uint32)).are_sound()
        True
        """
        begin, end, opens = self.begin, self.end, np.zeros(len(self.begin) + 1, np.bool_)
        opens[self.first] = True  # the first of a document has none before it
        rise = (begin[1:] > begin[:-1]) | (begin[1:] == begin[:-1]) & (end[1:] >= end[:-1])
        return bool((begin < end).all() and (rise | opens[1:-1]).all())
