"""Spans: stretches of a document that make a good middle, as the nodes of its syntax tree.

In: for each document the spans that a parser found, as bytes of its stored text. Out: `Spans`, which the loader opens
with the release. Lines need no spans: a loader finds them in the tokens.

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
