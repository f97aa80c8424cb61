"""Cuts: a piece of a document is cut in three, and the few tokens that are new then are found.

In: the tokens of a piece and two places to cut (cut_places.py). Out: places in the piece, and ids. Compiled; costs are
in docs/reference/shards.md.

Cuts fall between characters, not between tokens: two thirds of all uniform cuts fall inside a token, and an editor's
cursor does too. What stands around a cut is worked out by cut_ends.py. A cut may lengthen the piece. The packing keeps
`growth` tokens free for it; a pair of cuts that would need more, or whose windows are longer than WINDOW_BYTES, is
drawn again. A piece that still does not fit after ATTEMPTS pairs is cut between tokens, and so are all pieces for
tokenizers with another rule (`fim_cuts` is `token` in store.json).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled
from gleanery.shards.chance import i64, inlined, mix, u64
from gleanery.shards.cut_ends import Tokens, begin_after, end_before, window
from gleanery.shards.cut_places import character_start, draw_cuts
from gleanery.shards.spelling import content_of, start_of
from gleanery.shards.words import END_OF_TEXT, FAILED

# The longest stretch between a cut and the next word that is encoded anew.
WINDOW_BYTES = 256
# Room for the ids of four windows, and for the work on one.
MOST_NEW = 6 * WINDOW_BYTES
ATTEMPTS = 6
# What `cut_piece` writes: tokens kept, and the bounds of the new tokens between them.
KEPT_PREFIX, MIDDLE_BEGIN, MIDDLE_END, SUFFIX_BEGIN, NEW_1, NEW_2, NEW_3, NEW_4, EXACT = range(9)
PLACES = 9


@compiled
def cut_piece(
    piece: NDArray[Any],
    bits: int,
    kind: int,
    growth: int,
    exact: bool,
    book: NDArray[np.uint64],
    splits: NDArray[Any],
    drawn: NDArray[np.int64],
    place: NDArray[np.int64],
    new: Tokens,
    text: NDArray[np.uint8],
) -> None:
    """Fill `place` and `new`: the prefix is piece[: place[0]] and new[: place[4]]; the middle new[place[4] : place[5]],
    piece[place[1] : place[2]] and new[place[5] : place[6]]; the suffix new[place[6] : place[7]] and piece[place[3] :].

    `drawn` holds the places of the first attempt.
    """
    for attempt in range(ATTEMPTS if exact else 0):
        if attempt > 0:
            draw_cuts(piece, bits, attempt, kind, book, drawn)
        if _cut_at(piece, drawn[0], drawn[1], drawn[2], drawn[3], growth, book, splits, place, new, text):
            return
    _between_tokens(piece, drawn[0], drawn[2], book, place)


@compiled
def cut_span(
    piece: NDArray[Any],
    before: NDArray[Any],
    begins: NDArray[np.uint32],
    ends: NDArray[np.uint32],
    bits: int,
    growth: int,
    exact: bool,
    book: NDArray[np.uint64],
    splits: NDArray[Any],
    place: NDArray[np.int64],
    new: Tokens,
    text: NDArray[np.uint8],
) -> bool:
    """As `cut_piece`, with one of the document's spans as the middle; false if none lies in the piece or fits.

    `before` holds the document's tokens before the piece. Counts through the tokens once, about a nanosecond for each.
    Spans come from whoever wrote the release: one that ends before it begins, or divides a character, does not fit.
    """
    start, skipped, size = start_of(book), 0, 0
    for token in before:
        skipped += start[token + 1] - start[token]
    for token in piece:
        size += start[token + 1] - start[token]
    low = np.searchsorted(begins, skipped)
    high = np.searchsorted(begins, skipped + size)
    for attempt in range(ATTEMPTS if high > low else 0):
        span = low + i64(mix(u64(bits) + u64(attempt)) % u64(high - low))
        begin, end = i64(begins[span]) - skipped, i64(ends[span]) - skipped
        if not 0 <= begin < end <= size:
            continue
        first, first_byte = _token_of(piece, start, begin)
        second, second_byte = _token_of(piece, start, end)
        if not exact:
            _between_tokens(piece, first, second, book, place)
            return True
        if _divides(piece, first, first_byte, book) or _divides(piece, second, second_byte, book):
            continue
        if _cut_at(piece, first, first_byte, second, second_byte, growth, book, splits, place, new, text):
            return True
    return False


@inlined
def _divides(piece: NDArray[Any], token: int, byte: int, book: NDArray[np.uint64]) -> bool:
    """Whether a place lies inside a character."""
    return token < len(piece) and content_of(book)[start_of(book)[piece[token]] + byte] & 0xC0 == 0x80


@compiled
def _token_of(piece: NDArray[Any], start: NDArray[np.int32], byte: int) -> tuple[int, int]:
    """The token that holds a byte of the piece, and the byte's place in it."""
    token, left = 0, i64(byte)
    while token < len(piece):
        size = start[piece[token] + 1] - start[piece[token]]
        if left < size:
            break
        left -= size
        token += 1
    return token, left


@inlined
def _between_tokens(
    piece: NDArray[Any],
    first: int,
    second: int,
    book: NDArray[np.uint64],
    place: NDArray[np.int64],
) -> None:
    """Cut between tokens, each at the start of a character; the second one is never before the first."""
    first = character_start(piece, book, first)
    second = max(first, character_start(piece, book, second))
    place[KEPT_PREFIX], place[MIDDLE_BEGIN], place[MIDDLE_END], place[SUFFIX_BEGIN] = first, first, second, second
    place[NEW_1] = place[NEW_2] = place[NEW_3] = place[NEW_4] = place[EXACT] = 0


@compiled
def _cut_at(
    piece: NDArray[Any],
    first: int,
    first_byte: int,
    second: int,
    second_byte: int,
    growth: int,
    book: NDArray[np.uint64],
    splits: NDArray[Any],
    place: NDArray[np.int64],
    new: Tokens,
    text: NDArray[np.uint8],
) -> bool:
    """Encode what stands around two cuts anew; false if it does not fit its room or cannot be encoded."""
    place[KEPT_PREFIX], at = end_before(piece, first, first_byte, book, splits, new, 0, text)
    place[NEW_1] = at
    place[MIDDLE_BEGIN], at = begin_after(piece, first, first_byte, book, splits, new, at, text)
    place[NEW_2] = at
    place[MIDDLE_END], at = end_before(piece, second, second_byte, book, splits, new, at, text)
    if place[MIDDLE_BEGIN] > place[MIDDLE_END] and at != FAILED:  # both cuts in one word
        place[MIDDLE_BEGIN] = place[MIDDLE_END] = first
        at = window(piece, first, first_byte, second, second_byte, END_OF_TEXT, book, splits, new, place[NEW_1], text)
        place[NEW_2] = at
    place[NEW_3] = at
    place[SUFFIX_BEGIN], at = begin_after(piece, second, second_byte, book, splits, new, at, text)
    place[NEW_4] = at
    kept = place[KEPT_PREFIX] + place[MIDDLE_END] - place[MIDDLE_BEGIN] + len(piece) - place[SUFFIX_BEGIN]
    place[EXACT] = 1
    return bool(at != FAILED and kept + at <= len(piece) + growth)
