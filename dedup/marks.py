"""Marks: a sketch of the code of a content, by which two contents are seen to have none in common, without their texts.

In: the code shingles of contents. Out: a row of `BINS` bytes for each. The shingles are dealt into bins by their first
byte; a mark is one byte of the smallest of a bin, and 0 where the bin is empty (one-permutation MinHash). Two contents
have equal marks where the smallest shingle of a bin is the same, so of a few shingles hardly any is overlooked. Code
that is too short for a shingle has the bytes of its digest as marks: it is the same or it is not. 1 ns for a shingle,
and 256 bytes for a content.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gleanery.dedup.kernels import readonly
from gleanery.dedup.signatures import ShingleSets
from gleanery.records.compiling import compiled

BINS = 256


def marks_of(sets: ShingleSets, digests: Sequence[bytes]) -> NDArray[np.uint8]:
    """The marks of each set, uint8[n, BINS]; of an empty set, its digest, and all 0 if that is empty too."""
    marks: NDArray[np.uint8] = _marks_of_sets(readonly(sets.values), readonly(sets.offsets))
    for item in np.flatnonzero(sets.sizes == 0).tolist():
        marks[item, : len(digests[item])] = np.frombuffer(digests[item], np.uint8)
    return marks


@compiled
def _marks_of_sets(values: NDArray[np.uint64], offsets: NDArray[np.int64]) -> NDArray[np.uint8]:
    marks = np.zeros((offsets.size - 1, 256), np.uint8)
    smallest = np.empty(256, np.uint64)
    for item in range(offsets.size - 1):
        for i in range(offsets[item], offsets[item + 1]):
            x = values[i]
            place = np.int64(x >> np.uint64(56))
            if marks[item, place] == 0 or x < smallest[place]:
                smallest[place] = x
                marks[item, place] = max(np.uint64(1), x & np.uint64(255))
    return marks
