"""Segments: a piece of a document is written into its row, plain or in three parts, behind the names that lead it.

In: tokens, places of cuts (cuts.py), and where to write. Out: where what was written ends. All of it is inlined into
serving.py or called by it; what it costs beside a bare copy of tokens is in docs/reference/shards.md.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled
from gleanery.shards.addresses import BLOCK, longs_at, tokens_at, widen
from gleanery.shards.batch import DOCUMENT
from gleanery.shards.chance import i64, inlined
from gleanery.shards.cuts import KEPT_PREFIX, MIDDLE_BEGIN, MIDDLE_END, NEW_1, NEW_2, NEW_3, NEW_4, PLACES, SUFFIX_BEGIN
from gleanery.shards.lookup import (
    CONTEXT,
    FILE_BEGINS,
    JOINED,
    MIDDLE,
    NAME_FIRST,
    NAMES,
    PREFIX,
    REPOSITORY_NAME,
    SUFFIX,
    UNITS,
)
from gleanery.shards.pieces import named

# Behind the places of a cut: where its sentinels stand in the batch, and where its new ids begin among those of all.
SUFFIX_AT, MIDDLE_AT, NEW_AT, CUT_FACTS = range(PLACES, PLACES + 4)


@inlined
def write_names(
    pieces: NDArray[np.int64],
    piece: int,
    rest: int,
    removed: NDArray[np.uint8],
    book: NDArray[np.uint64],
    like: NDArray[Any],
    ids: NDArray[np.int64],
    at: int,
) -> tuple[int, int]:
    """Write the path of a piece, and before the first of a segment the name of the repository.

    Returns where begins what goes if the document is removed, and where the names end. The name of the repository stays
    while any file of the segment does; `rest` pieces of the row are left, this one included.
    """
    first, units = longs_at(book[NAME_FIRST], book[NAME_FIRST + 1]), longs_at(book[UNITS], book[UNITS + 1])
    names, context, shown = tokens_at(book[NAMES], book[NAMES + 1], like), i64(book[CONTEXT]), at
    if not pieces[piece, JOINED]:
        name, goes = len(units) + units[pieces[piece, DOCUMENT]], len(removed) > 0
        ids[at] = i64(book[REPOSITORY_NAME])
        size = first[name + 1] - first[name]
        at = write_run(names, first[name], first[name] + named(size, context) - 1, ids, at + 1)
        for k in range(piece, piece + rest):
            if k > piece and not pieces[k, JOINED]:
                break
            goes = goes and removed[pieces[k, DOCUMENT]] > 0
        shown = shown if goes else at
    path = pieces[piece, DOCUMENT]
    ids[at] = i64(book[FILE_BEGINS])
    size = first[path + 1] - first[path]
    return shown, write_run(names, first[path], first[path] + named(size, context) - 1, ids, at + 1)


@inlined
def write_cut(
    tokens: NDArray[Any],
    new: NDArray[np.int32],
    place: NDArray[np.int64],
    suffix_first: bool,
    book: NDArray[np.uint64],
    ids: NDArray[np.int64],
    at: int,
) -> int:
    """Write a cut piece in its form, and where its sentinels stand; returns where it ends."""
    ids[at] = i64(book[PREFIX])
    at += 1
    if not suffix_first:
        at = write_run(tokens, 0, place[KEPT_PREFIX], ids, at)
        at = _few(new, 0, place[NEW_1], ids, at)
    place[SUFFIX_AT] = at
    ids[at] = i64(book[SUFFIX])
    at = _few(new, place[NEW_3], place[NEW_4], ids, at + 1)
    at = write_run(tokens, place[SUFFIX_BEGIN], len(tokens), ids, at)
    place[MIDDLE_AT] = at
    ids[at] = i64(book[MIDDLE])
    at += 1
    if suffix_first:  # and the new ids of prefix and middle stand side by side
        at = write_run(tokens, 0, place[KEPT_PREFIX], ids, at)
    at = _few(new, 0 if suffix_first else place[NEW_1], place[NEW_2], ids, at)
    at = write_run(tokens, place[MIDDLE_BEGIN], place[MIDDLE_END], ids, at)
    return _few(new, place[NEW_2], place[NEW_3], ids, at)


@compiled
def write_run(source: NDArray[Any], begin: int, end: int, ids: NDArray[np.int64], at: int) -> int:
    """Write source[begin:end]; returns where it ends.

    Whole blocks are written where there is room: what follows overwrites what was too much, and a loop that may end
    anywhere costs a processor more than a block.
    """
    count = end - begin
    blocks = (count + BLOCK - 1) // BLOCK * BLOCK
    if begin + blocks <= len(source) and at + blocks <= len(ids):
        tokens, into = source.ctypes.data + begin * source.itemsize, ids.ctypes.data + 8 * at
        for k in range(0, blocks, BLOCK):
            widen(tokens + k * source.itemsize, into + 8 * k, source)
    else:
        out_of, rest = source[begin:end], ids[at : at + count]
        for k in range(count):
            rest[k] = i64(out_of[k])
    return at + count


@inlined
def _few(new: NDArray[np.int32], begin: int, end: int, ids: NDArray[np.int64], at: int) -> int:
    """As `_run`, for new ids, which are hardly ever more than a block and have room behind them."""
    if end - begin > BLOCK or at + BLOCK > len(ids):
        return write_run(new, begin, end, ids, at)
    widen(new.ctypes.data + 4 * begin, ids.ctypes.data + 8 * at, new)
    return at + end - begin


@inlined
def label(ids: NDArray[np.int64], labels: NDArray[np.int64], begin: int, end: int) -> None:
    """Each position's next token; the last one's is left out."""
    into, next_ids = labels[begin : end - 1], ids[begin + 1 : end]
    for k in range(len(into)):
        into[k] = next_ids[k]


@inlined
def count_up(positions: NDArray[np.int32], begin: int, end: int) -> None:
    into = positions[begin:end]
    for k in range(len(into)):
        into[k] = k


@inlined
def fill(values: NDArray[np.int64], begin: int, end: int, value: int) -> None:
    for k in range(begin, end):
        values[k] = value
