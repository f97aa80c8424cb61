"""Look-up: which pieces of which documents stand in the rows of an epoch, and where their tokens lie.

In: the addresses of all that a loader keeps (`book`, see assembly.py), the plan of an epoch, and which of its rows.
Out: a table of pieces. Each step is taken for all rows before the next one, so that what must be fetched from memory is
asked for early and not waited for one by one.
"""

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled
from gleanery.shards.addresses import LINE_BYTES, bytes_at, fetch, longs_at, places_at
from gleanery.shards.batch import DOCUMENT, FACTS, FORM, KEY, LENGTH, OFFSET
from gleanery.shards.chance import i64, inlined, permute, u64

# What a book holds: the address and length of each table, then numbers.
ADDRESSES, KEYS, BLOCKS, TOUCHED, REMOVED, SPAN_FIRST, SPAN_BEGIN, SPAN_END, SPELLING, SPLITS = range(0, 20, 2)
NAMES, NAME_FIRST, UNITS = range(20, 26, 2)
EXACT, GROWTH, CONTEXT, TARGETS, SYNTAX_SHARE, LINE_SHARE, PREFIX, MIDDLE, SUFFIX, END, PADDING = range(26, 37)
REPOSITORY_NAME, FILE_BEGINS = 37, 38
# What the book of a plan holds.
FIRST, PIECES, ORDER, CHOICES = 0, 2, 4, 5
# Behind the facts of a piece: whether the end of text follows, where its tokens lie, and whether it goes on with the
# segment of the piece before it.
ENDS, ADDRESS, JOINED = FACTS, FACTS + 1, FACTS + 2


@compiled
def untouched_blocks(book: NDArray[np.uint64], plan: NDArray[np.uint64], place: int, count: int) -> NDArray[np.int64]:
    """The blocks under the rows at places `place` to `place + count` that were not checked yet."""
    blocks, touched = longs_at(book[BLOCKS], book[BLOCKS + 1]), bytes_at(book[TOUCHED], book[TOUCHED + 1])
    pieces, _ = pieces_of(book, plan, place, count)
    found, here = np.empty(len(pieces), np.int64), 0
    for piece in range(len(pieces)):
        block = blocks[pieces[piece, DOCUMENT]]
        if not touched[block]:
            found[here] = block
            here += 1
    return np.unique(found[:here])


@compiled
def pieces_of(
    book: NDArray[np.uint64], plan: NDArray[np.uint64], place: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What the plan says of the pieces of the rows at some places in the keyed order, and how many each row has."""
    first, table = longs_at(plan[FIRST], plan[FIRST + 1]), places_at(plan[PIECES], 3 * plan[PIECES + 1])
    begins, counts, total = np.empty(count, np.int64), np.empty(count, np.int64), 0
    for row in range(count):
        begins[row] = permute(place + row, len(first) - 1, plan[ORDER])
        fetch(plan[FIRST] + u64(8 * begins[row]))
    for row in range(count):
        begin, end = first[begins[row]], first[begins[row] + 1]
        begins[row], counts[row] = begin, end - begin
        total += end - begin
        fetch(plan[PIECES] + u64(12 * begin))
    pieces, at = np.empty((total, FACTS + 3), np.int64), 0
    for row in range(count):
        for piece in range(begins[row], begins[row] + counts[row]):
            document, rest = i64(table[3 * piece]), i64(table[3 * piece + 2])
            pieces[at, DOCUMENT], pieces[at, OFFSET] = document, i64(table[3 * piece + 1])
            pieces[at, LENGTH], pieces[at, FORM], pieces[at, ENDS] = rest >> 4, rest & 3, rest >> 2 & 1
            pieces[at, JOINED] = rest >> 3 & 1
            fetch(book[ADDRESSES] + u64(8 * document))
            fetch(book[KEYS] + u64(8 * document))
            at += 1
    return pieces, counts


@inlined
def look_up(pieces: NDArray[np.int64], book: NDArray[np.uint64], width: int) -> None:
    """Find where the tokens of each piece lie."""
    addresses, keys = longs_at(book[ADDRESSES], book[ADDRESSES + 1]), longs_at(book[KEYS], book[KEYS + 1])
    for piece in range(len(pieces)):
        document = pieces[piece, DOCUMENT]
        pieces[piece, KEY] = keys[document]
        pieces[piece, ADDRESS] = addresses[document] + pieces[piece, OFFSET] * width


@inlined
def fetch_all(address: int, size: int) -> None:
    for byte in range(0, size, LINE_BYTES):
        fetch(u64(address + byte))
