"""Cutting: every piece of a batch that has a form is cut, before anything is copied.

In: the pieces of a batch, and the tables of the tokenizer by their addresses. Out: where each piece is cut, and the ids
that are new. All places are drawn first, so that what they need of the tables is under way.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.shards.addresses import fetch, keep, keys_at, longs_at, places_at, tokens_at, uncounted
from gleanery.shards.batch import DOCUMENT, FORM, KEY, LENGTH, OFFSET
from gleanery.shards.chance import draw, i64, inlined, u64
from gleanery.shards.cut_places import CHARACTER, LINE, SYNTAX, draw_characters, draw_cuts, fetch_draws, find_bytes
from gleanery.shards.cuts import MOST_NEW, NEW_4, WINDOW_BYTES, cut_piece, cut_span
from gleanery.shards.lookup import (
    ADDRESS,
    EXACT,
    GROWTH,
    LINE_SHARE,
    SPAN_BEGIN,
    SPAN_END,
    SPAN_FIRST,
    SPELLING,
    SPLITS,
    SYNTAX_SHARE,
)
from gleanery.shards.pieces import CHOOSE_CUTS, CHOOSE_KIND, CHOOSE_SPAN, PLAIN
from gleanery.shards.segments import NEW_AT
from gleanery.shards.spelling import fetch_around, start_of
from gleanery.shards.splits import COLUMNS, splits_at


@inlined
def cut_all(
    pieces: NDArray[np.int64],
    book: NDArray[np.uint64],
    choices: int,
    like: NDArray[Any],
    places: NDArray[np.int64],
    new: NDArray[np.int32],
) -> None:
    """Cut the pieces that have a form. Each step is taken for all of them, and asks for what the next one reads."""
    text_kept, drawn_kept = np.empty(WINDOW_BYTES, np.uint8), np.empty((len(places), 4), np.int64)
    text, drawn = uncounted(text_kept), uncounted(drawn_kept)
    formed, bits, used = np.empty(len(places), np.int64), np.empty(len(places), np.uint64), 0
    spelling, splits = keys_at(book[SPELLING], book[SPELLING + 1]), u64(book[SPLITS]) if book[EXACT] else u64(0)
    for at in range(len(pieces)):
        if pieces[at, FORM] != PLAIN:
            formed[used] = at
            used += 1
    for n, piece in enumerate(formed):
        bits[n] = draw(choices, u64(pieces[piece, KEY]), pieces[piece, OFFSET], CHOOSE_CUTS)
        fetch_draws(pieces[piece, ADDRESS], pieces[piece, LENGTH], like.itemsize, bits[n])
    for n, piece in enumerate(formed):
        tokens = tokens_at(pieces[piece, ADDRESS], pieces[piece, LENGTH], like)
        draw_characters(tokens, bits[n], spelling, drawn[n])
        for side in (0, 2):
            if drawn[n, side] < len(tokens):
                fetch_around(tokens, drawn[n, side], spelling)
    for n, piece in enumerate(formed):
        tokens = tokens_at(pieces[piece, ADDRESS], pieces[piece, LENGTH], like)
        if _kind(pieces[piece, OFFSET], u64(pieces[piece, KEY]), book, choices) == LINE:
            draw_cuts(tokens, bits[n], 0, LINE, spelling, drawn[n])
        else:
            find_bytes(tokens, spelling, drawn[n])
        for side in (0, 2):
            if splits and drawn[n, side + 1]:
                row = start_of(spelling)[tokens[drawn[n, side]]] + drawn[n, side + 1]
                fetch(splits + u64(like.itemsize * COLUMNS * row))
    used = 0
    for n, piece in enumerate(formed):
        _cut(
            pieces[piece, DOCUMENT],
            pieces[piece, OFFSET],
            pieces[piece, LENGTH],
            u64(pieces[piece, KEY]),
            bits[n],
            pieces[piece, ADDRESS],
            book,
            choices,
            like,
            drawn[n],
            places[n],
            new[used : used + MOST_NEW],
            text,
        )
        places[n, NEW_AT] = used
        used += places[n, NEW_4]
    keep(text_kept)
    keep(drawn_kept)


@inlined
def _kind(offset: int, key: int, book: NDArray[np.uint64], choices: int) -> int:
    """How a piece is to be cut."""
    if book[SYNTAX_SHARE] + book[LINE_SHARE] == 0:
        return CHARACTER
    drawn = draw(choices, key, offset, CHOOSE_KIND) >> u64(11)
    if drawn < book[SYNTAX_SHARE]:
        return SYNTAX
    return LINE if drawn < book[SYNTAX_SHARE] + book[LINE_SHARE] else CHARACTER


@inlined
def _cut(
    document: int,
    offset: int,
    count: int,
    key: int,
    bits: int,
    address: int,
    book: NDArray[np.uint64],
    choices: int,
    like: NDArray[Any],
    drawn: NDArray[np.int64],
    place: NDArray[np.int64],
    new: NDArray[np.int32],
    text: NDArray[np.uint8],
) -> None:
    tokens, kind = tokens_at(address, count, like), _kind(offset, key, book, choices)
    spelling, splits = keys_at(book[SPELLING], book[SPELLING + 1]), splits_at(book[SPLITS], book[SPLITS + 1], like)
    exact, growth = book[EXACT] > 0, i64(book[GROWTH])
    if kind == SYNTAX:
        first = longs_at(book[SPAN_FIRST], book[SPAN_FIRST + 1])
        begin, end = first[document], first[document + 1]
        begins = places_at(book[SPAN_BEGIN], book[SPAN_BEGIN + 1])[begin:end]
        ends = places_at(book[SPAN_END], book[SPAN_END + 1])[begin:end]
        before, span = (
            tokens_at(address - offset * like.itemsize, offset, like),
            draw(choices, key, offset, CHOOSE_SPAN),
        )
        if cut_span(tokens, before, begins, ends, span, growth, exact, spelling, splits, place, new, text):
            return
        kind = LINE
        draw_cuts(tokens, bits, 0, kind, spelling, drawn)
    cut_piece(tokens, bits, kind, growth, exact, spelling, splits, drawn, place, new, text)
