"""Splits: what becomes of each token of a vocabulary when a cut falls inside it, worked out once.

In: the spelling of a tokenizer. Out: for each place inside each token, the ids of what stands before the place and of
what stands behind it. Seven of eight cuts fall inside a token that is a whole pre-token, and for those a look here is
all that has to be encoded. Takes 32 bytes for each byte of the vocabulary, and about 0.1 s for 49,152 tokens.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gleanery.shards.addresses import tables_at
from gleanery.shards.chance import compiled
from gleanery.shards.spelling import Spelling, content_of, start_of
from gleanery.shards.words import END_OF_TEXT, FAILED, encode_stretch

# A row holds how many ids there are on each side, and the ids; a place that needs more is encoded when it is cut.
COUNTS, LEFT, RIGHT, COLUMNS = 0, 1, 4, 8
MOST_LEFT, MOST_RIGHT = RIGHT - LEFT, COLUMNS - RIGHT
# Longer tokens are runs of white space or of signs, and are encoded when they are cut.
LONGEST_SPLIT = 32


@lru_cache(maxsize=4)
def splits_of(spelling: Spelling) -> NDArray[np.int32]:
    """int32[bytes of the vocabulary, 8]: row start[i] + b is for a cut before byte b of token i.

    COUNTS holds the number of ids on the left, and 256 times that on the right; it is 0 where there is no place to cut,
    or none that has room here. The ids of the left side begin at LEFT, those of the right side at RIGHT.
    """
    table = np.zeros((len(spelling.content) if spelling.exact else 0, COLUMNS), np.int32)
    if len(table):
        _fill(spelling.book, table)
    return table


@compiled
def splits_at(address: int, count: int) -> NDArray[np.int32]:
    """The table at an address. Compiled code only."""
    return tables_at(address, count, COLUMNS)


@compiled
def _fill(book: NDArray[np.uint64], table: NDArray[np.int32]) -> None:
    content, start, ids = content_of(book), start_of(book), np.empty(4 * LONGEST_SPLIT, np.int32)
    for token in range(len(start) - 1):
        begin, end = start[token], start[token + 1]
        for at in range(begin + 1, end if end - begin <= LONGEST_SPLIT else begin):
            if content[at] & 0xC0 == 0x80:
                continue
            left = encode_stretch(content, begin, at, END_OF_TEXT, book, ids, 0)
            both = encode_stretch(content, at, end, END_OF_TEXT, book, ids, left) if left != FAILED else FAILED
            if both != FAILED and left <= MOST_LEFT and both - left <= MOST_RIGHT:
                table[at, COUNTS] = left + 256 * (both - left)
                for k in range(left):
                    table[at, LEFT + k] = ids[k]
                for k in range(left, both):
                    table[at, RIGHT + k - left] = ids[k]
