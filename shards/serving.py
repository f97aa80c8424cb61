"""Serving: rows of an epoch are written into the arrays of a batch, in one call of compiled code.

In: the addresses of all that a loader keeps (`book`, see assembly.py), the plan of an epoch, and which of its rows.
Out: token ids, labels and positions, and the boundaries and facts of the segments. What it costs beside a bare copy of
tokens is in docs/reference/shards.md.

It goes through the rows four times: to look pieces up and to find what the documents are (lookup.py), to cut pieces
(cutting.py), and to copy (segments.py). Arrays of the caller and of the loader are taken by their addresses: what numba
counts as owned costs an atomic step at every call. What is made here is never: it is freed when its name was used for
the last time.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled
from gleanery.shards.addresses import bytes_at, keep, longs_at, numbers_at, tokens_at, uncounted
from gleanery.shards.batch import BEGIN, DOCUMENT, FACTS, FORM, HEAD, IGNORED, KEY, LENGTH, OFFSET
from gleanery.shards.chance import draw, i64, inlined, u64
from gleanery.shards.cuts import MOST_NEW
from gleanery.shards.cutting import cut_all
from gleanery.shards.lookup import (
    ADDRESS,
    CHOICES,
    CONTEXT,
    END,
    ENDS,
    JOINED,
    PADDING,
    REMOVED,
    TARGETS,
    UNITS,
    fetch_all,
    look_up,
    pieces_of,
)
from gleanery.shards.pieces import CHOOSE_SEGMENT, PLAIN, SPM
from gleanery.shards.segments import (
    CUT_FACTS,
    MIDDLE_AT,
    NEW_AT,
    SUFFIX_AT,
    count_up,
    fill,
    label,
    write_cut,
    write_names,
    write_run,
)


@compiled
def serve(
    book: NDArray[np.uint64],
    plan: NDArray[np.uint64],
    like: NDArray[Any],
    ids: NDArray[np.int64],
    labels: NDArray[np.int64],
    positions: NDArray[np.int32],
    place: int,
    count: int,
    following: int,
    into: int,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Write the rows at places `place` to `place + count`; returns the boundaries and the facts of their segments.

    `into` is the address of int64[count], ascending: the row of the arrays that each one is written to; 0 for the
    first ones.
    All blocks under them must have been touched. `like` is an array of the type of a token. The rows from place
    `following` on, which come next, are asked for from memory meanwhile; none if it is negative.
    """
    pieces, counts = pieces_of(book, plan, place, count)
    look_up(pieces, book, like.itemsize)
    next_pieces, next_counts = pieces_of(book, plan, following, count if following >= 0 else 0)
    look_up(next_pieces, book, like.itemsize)
    cuts = 0
    for piece in range(len(pieces)):
        cuts += pieces[piece, FORM] != PLAIN
    places_kept, new_kept = np.empty((cuts, CUT_FACTS), np.int64), np.empty(cuts * MOST_NEW, np.int32)
    places, new = uncounted(places_kept), uncounted(new_kept)
    # All cuts come first: between copies, what is written would drive the tokenizer's tables out of the cache.
    if cuts:
        cut_all(pieces, book, plan[CHOICES], like, places, new)
    bounds, facts = np.empty(count + len(pieces) + 1, np.int32), np.empty((count + len(pieces), FACTS), np.int64)
    size = len(ids) * book[CONTEXT]
    apart, made = _copy_all(
        pieces,
        counts,
        book,
        plan[CHOICES],
        like,
        places,
        new,
        longs_at(ids.ctypes.data, size),
        longs_at(labels.ctypes.data, size),
        numbers_at(positions.ctypes.data, size),
        bounds,
        facts,
        next_pieces,
        next_counts,
        longs_at(into, count if into else 0),
    )
    keep(places_kept)
    keep(new_kept)
    return bounds[: apart + 1], facts[:made]


@inlined
def _copy_all(
    pieces: NDArray[np.int64],
    counts: NDArray[np.int64],
    book: NDArray[np.uint64],
    choices: int,
    like: NDArray[Any],
    places: NDArray[np.int64],
    new: NDArray[np.int32],
    ids: NDArray[np.int64],
    labels: NDArray[np.int64],
    positions: NDArray[np.int32],
    bounds: NDArray[np.int32],
    facts: NDArray[np.int64],
    next_pieces: NDArray[np.int64],
    next_counts: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> tuple[int, int]:
    """Write all segments; returns how many stand apart, and how many there are."""
    context, targets, pad = i64(book[CONTEXT]), book[TARGETS] > 0, i64(book[PADDING])
    removed, whole = bytes_at(book[REMOVED], book[REMOVED + 1]), book[UNITS + 1] > 0
    piece = cuts = made = apart = ahead = 0
    for row in range(len(counts)):
        if row < len(next_counts):
            for k in range(ahead, ahead + next_counts[row]):
                fetch_all(next_pieces[k, ADDRESS], next_pieces[k, LENGTH] * like.itemsize)
            ahead += next_counts[row]
        row_at = (rows[row] if len(rows) else row) * context
        first_apart, first, cut, at, end = apart, made, cuts, row_at, row_at + context
        # Runs are written in whole blocks, over what follows them: not over rows that others have written.
        room = ids[:end] if len(rows) else ids
        for k in range(counts[row]):
            tokens = tokens_at(pieces[piece, ADDRESS], pieces[piece, LENGTH], like)
            begin = shown = at
            if not pieces[piece, JOINED]:
                bounds[apart] = begin
                apart += 1
            if whole:
                shown, at = write_names(pieces, piece, counts[row] - k, removed, book, like, room, at)
            facts_head = at - begin
            if pieces[piece, FORM] == PLAIN:
                at = write_run(tokens, 0, len(tokens), room, at)
            else:
                here = new[places[cuts, NEW_AT] :]
                at = write_cut(tokens, here, places[cuts], pieces[piece, FORM] == SPM, book, room, at)
                cuts += 1
            if pieces[piece, ENDS]:
                ids[at] = i64(book[END])
                at += 1
            for column in range(KEY):
                facts[made, column] = pieces[piece, column]
            facts[made, KEY] = i64(draw(choices, u64(pieces[piece, KEY]), pieces[piece, OFFSET], CHOOSE_SEGMENT))
            facts[made, BEGIN], facts[made, HEAD] = begin, facts_head
            if len(removed) and removed[pieces[piece, DOCUMENT]]:
                fill(ids, shown, at, pad)
                facts[made, DOCUMENT] = -1
                facts[made, OFFSET] = facts[made, LENGTH] = facts[made, FORM] = 0
                facts[made, HEAD] = shown - begin
            made, piece = made + 1, piece + 1
        if at < end:
            fill(ids, at, end, pad)
            facts[made, DOCUMENT], facts[made, BEGIN] = -1, at
            facts[made, OFFSET] = facts[made, LENGTH] = facts[made, FORM] = facts[made, KEY] = facts[made, HEAD] = 0
            bounds[apart] = at
            made, apart = made + 1, apart + 1
        if targets:
            label(ids, labels, row_at, end)
            for k in range(first_apart, apart):
                stop = bounds[k + 1] if k + 1 < apart else end
                count_up(positions, bounds[k], stop)
                labels[stop - 1] = IGNORED
            for k in range(first, made):
                if facts[k, DOCUMENT] < 0:
                    hidden = facts[k, BEGIN] + facts[k, HEAD]
                    fill(labels, hidden, facts[k + 1, BEGIN] if k + 1 < made else end, IGNORED)
                    if hidden > row_at:
                        labels[hidden - 1] = IGNORED
                elif whole and facts[k, FORM] != PLAIN:  # names stand before the first sentinel, and lead to it
                    labels[facts[k, BEGIN] + facts[k, HEAD] - 1] = IGNORED
            for k in range(cut, cuts):
                labels[places[k, SUFFIX_AT] - 1] = labels[places[k, MIDDLE_AT] - 1] = IGNORED
    bounds[apart] = len(ids)
    return apart, made
