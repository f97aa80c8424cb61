"""Splits: what becomes of each token of a vocabulary when a cut falls inside it, worked out once.

In: the spelling of a tokenizer. Out: for each place inside each token, the ids of what stands before the place and of
what stands behind it. Seven of eight cuts fall inside a token that is a whole pre-token, and for those a look here is
all that has to be encoded. Takes 16 or 32 bytes for each byte of the vocabulary, and about 0.1 s for 49,152 tokens.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled
from gleanery.shards.addresses import tokens_at
from gleanery.shards.spelling import Spelling, content_of, start_of
from gleanery.shards.words import END_OF_TEXT, FAILED, encode_stretch

# A row holds how many ids there are on each side, and the ids; a place that needs more is encoded when it is cut.
COUNTS, LEFT, RIGHT, COLUMNS = 0, 1, 4, 8
MOST_LEFT, MOST_RIGHT = RIGHT - LEFT, COLUMNS - RIGHT
# Longer tokens are runs of white space or of signs, and are encoded when they are cut.
LONGEST_SPLIT = 32
# Runs of white space that have a row of their own: at most so many line ends, then fewer spaces or tabs than that.
MOST_LINES, MOST_BLANKS = 3, 64
RUNS = 2 * (MOST_LINES + 1) * MOST_BLANKS


@lru_cache(maxsize=4)
def splits_of(spelling: Spelling, dtype: "np.dtype[Any]") -> NDArray[Any]:
    """[bytes of the vocabulary + RUNS, 8], in a type that holds every id: row start[i] + b is for a cut before byte b
    of token i.

    COUNTS holds the number of ids on the left, and 256 times that on the right; it is 0 where there is no place to cut,
    or none that has room here. The ids of the left side begin at LEFT, those of the right side at RIGHT. The last RUNS
    rows are for white space that stands alone, see `run_of`: COUNTS ids, which begin at LEFT.
    """
    table = np.zeros((len(spelling.content) + RUNS if spelling.exact else 0, COLUMNS), dtype)
    if len(table):
        _fill(spelling.book, table)
        _fill_runs(spelling.book, table)
    return table


@compiled
def run_of(text: NDArray[np.uint8], size: int) -> int:
    """The number of a run of white space among RUNS, or FAILED if it is not a usual one."""
    lines = 0
    while lines < size and text[lines] == 0x0A:
        lines += 1
    blanks = size - lines
    if lines > MOST_LINES or blanks >= MOST_BLANKS:
        return FAILED
    blank = text[lines] if blanks else 0x20
    for k in range(lines, size):
        if text[k] != blank:
            return FAILED
    if blank != 0x20 and blank != 0x09:
        return FAILED
    return (2 * lines + (blank == 0x09)) * MOST_BLANKS + blanks


@compiled
def _fill_runs(book: NDArray[np.uint64], table: NDArray[Any]) -> None:
    text, ids = np.empty(MOST_LINES + MOST_BLANKS, np.uint8), np.empty(2 * (MOST_LINES + MOST_BLANKS), np.int32)
    for lines in range(MOST_LINES + 1):
        for blank in (0x20, 0x09):
            for blanks in range(MOST_BLANKS):
                text[:lines], text[lines : lines + blanks] = 0x0A, blank
                count = encode_stretch(text, 0, lines + blanks, END_OF_TEXT, book, ids, 0)
                row = len(table) - RUNS + run_of(text, lines + blanks)
                if 0 < count < COLUMNS - LEFT:
                    table[row, COUNTS] = count
                    table[row, LEFT : LEFT + count] = ids[:count]


@compiled
def splits_at(address: int, count: int, like: NDArray[Any]) -> NDArray[Any]:
    """The table at an address, in the type of `like`. Compiled code only."""
    return tokens_at(address, count * COLUMNS, like).reshape(count, COLUMNS)


@compiled
def _fill(book: NDArray[np.uint64], table: NDArray[Any]) -> None:
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
