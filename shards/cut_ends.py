"""Cut ends: which tokens the text before a cut ends with, and which the text behind it begins with.

In: the tokens of a piece and a place in it. Out: how many tokens stay as they are, and the ids of those that are new.
Compiled; costs are in docs/reference/shards.md.

For a whole document each part is exactly what the tokenizer gives for that part alone. Where the cut token is a
pre-token by itself, what its halves are stands in the table of splits.py. Inside a longer word the same halves are
right if they stay apart from their neighbours (merges.py). Else, for one cut in thirty, the text between the cut and
the nearest sure start of a pre-token is encoded anew.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled
from gleanery.shards.chance import i64, inlined
from gleanery.shards.characters import BLANK, LETTER, NUMBER, SPACE
from gleanery.shards.merges import SHORT_WORD, stays_apart
from gleanery.shards.spelling import (
    bytes_ids_of,
    content_of,
    cuts_digits,
    edges_of,
    is_boundary,
    kinds_of,
    merges_of,
    parts_at,
    start_of,
    words_of,
)
from gleanery.shards.splits import COUNTS, LEFT, MOST_LEFT, MOST_RIGHT, RIGHT, RUNS, run_of
from gleanery.shards.words import BEFORE_SPACE, BEFORE_VISIBLE, END_OF_TEXT, FAILED, encode_stretch, short_word

Tokens = NDArray[np.int32]


@inlined
def end_before(
    piece: NDArray[Any],
    token: int,
    byte: int,
    book: NDArray[np.uint64],
    splits: NDArray[Any],
    new: Tokens,
    at: int,
    text: NDArray[np.uint8],
) -> tuple[int, int]:
    """How many tokens stay before a cut, and where the new ones behind them, written to new[at:], end (or FAILED)."""
    if at == FAILED or byte == 0 and (token == 0 or token == len(piece)):
        return token, at
    edges, digits = edges_of(book), cuts_digits(book)
    if byte > 0:
        row = start_of(book)[piece[token]] + byte
        count = i64(splits[row, COUNTS]) & 255
        if count > 0:
            here = edges[piece[token]]
            if byte == 1 and here & 7 == SPACE:  # whether a space opens a word is not known of a space alone
                here &= 63
            alone = token == 0 or is_boundary(edges[piece[token - 1]], here, digits)
            if not alone and here & 128 and _opened(piece, edges, digits, token):
                alone = stays_apart(i64(piece[token - 1]), i64(splits[row, LEFT]), parts_at(book), merges_of(book))
            if alone:
                for k in range(MOST_LEFT):  # more than there are, but always as many
                    new[at + k] = splits[row, LEFT + k]
                return token, at + count
    elif is_boundary(edges[piece[token - 1]], edges[piece[token]], digits):
        left = edges[piece[token - 1]]
        visible = (left >> 3) & 7 != SPACE and (left >> 3) & 7 != BLANK
        # White space that is one token stays as it is when nothing follows any more.
        if visible or token == 1 or is_boundary(edges[piece[token - 2]], left, digits):
            return token, at
    elif edges[piece[token]] & 128 and _opened(piece, edges, digits, token):
        return token, at
    kept = _word_before(piece, edges, digits, token, byte)
    return kept, window(piece, kept, 0, token, byte, END_OF_TEXT, book, splits, new, at, text)


@inlined
def begin_after(
    piece: NDArray[Any],
    token: int,
    byte: int,
    book: NDArray[np.uint64],
    splits: NDArray[Any],
    new: Tokens,
    at: int,
    text: NDArray[np.uint8],
) -> tuple[int, int]:
    """The first token that stays behind a cut, and where the new ones before it, written to new[at:], end."""
    if at == FAILED or byte == 0 and (token == 0 or token == len(piece)):
        return token, at
    edges, digits = edges_of(book), cuts_digits(book)
    if byte > 0:
        row = start_of(book)[piece[token]] + byte
        count = i64(splits[row, COUNTS]) >> 8
        if count > 0:
            here = edges[piece[token]]
            if token + 1 == len(piece) or is_boundary(here, edges[piece[token + 1]], digits):
                visible = (here >> 3) & 7 != SPACE and (here >> 3) & 7 != BLANK
                alone = visible or _behind(piece, edges, digits, token + 1) != BEFORE_VISIBLE
            elif here & 128 and _closed(piece, edges, digits, token + 1):
                last = i64(splits[row, RIGHT + count - 1])
                alone = stays_apart(last, i64(piece[token + 1]), parts_at(book), merges_of(book))
            else:
                alone = False
            if alone:
                for k in range(MOST_RIGHT):
                    new[at + k] = splits[row, RIGHT + k]
                return token + 1, at + count
    elif is_boundary(edges[piece[token - 1]], edges[piece[token]], digits) or _closed(piece, edges, digits, token):
        return token, at
    begin = _word_after(piece, edges, digits, token, byte)
    behind = _behind(piece, edges, digits, begin)
    return begin, window(piece, token, byte, begin, 0, behind, book, splits, new, at, text)


@inlined
def _opened(piece: NDArray[Any], edges: NDArray[np.uint8], digits: bool, token: int) -> bool:
    """Whether the tokens from the last sure start of a pre-token to `token` are letters alone, or signs alone.

    So they are one pre-token, and stay what they are if it ends here: see merges.py.
    """
    at = token - 1
    while edges[piece[at]] & 128:
        if at == 0 or is_boundary(edges[piece[at - 1]], edges[piece[at]], digits):
            return True
        at -= 1
    return False


@inlined
def _closed(piece: NDArray[Any], edges: NDArray[np.uint8], digits: bool, token: int) -> bool:
    """Whether the tokens from `token` to the next sure start of a pre-token are letters alone, or signs alone."""
    at = token
    while edges[piece[at]] & 128:
        at += 1
        if at == len(piece) or is_boundary(edges[piece[at - 1]], edges[piece[at]], digits):
            return True
    return False


@compiled
def _word_before(piece: NDArray[Any], edges: NDArray[np.uint8], digits: bool, token: int, byte: int) -> int:
    """The last token that surely begins a pre-token and has its first two bytes before the cut; else 0."""
    at = token if byte > 1 else token - 1
    while at > 0 and not is_boundary(edges[piece[at - 1]], edges[piece[at]], digits):
        at -= 1
    return max(at, 0)


@compiled
def _word_after(piece: NDArray[Any], edges: NDArray[np.uint8], digits: bool, token: int, byte: int) -> int:
    """The first token that surely begins a pre-token and does not begin before the cut; else the end."""
    at = token if byte == 0 else token + 1
    if at == 0:
        return 0
    while at < len(piece) and not is_boundary(edges[piece[at - 1]], edges[piece[at]], digits):
        at += 1
    return at


@inlined
def _behind(piece: NDArray[Any], edges: NDArray[np.uint8], digits: bool, token: int) -> int:
    """What the text before `token` has behind it, as encode_stretch wants to know."""
    if token >= len(piece):
        return END_OF_TEXT
    first = edges[piece[token]] & 7
    if digits and first == NUMBER:  # digits are cut off before the rule looks
        return END_OF_TEXT
    return BEFORE_SPACE if first in (SPACE, BLANK) else BEFORE_VISIBLE


@compiled
def window(
    piece: NDArray[Any],
    begin: int,
    begin_byte: int,
    end: int,
    end_byte: int,
    behind: int,
    book: NDArray[np.uint64],
    splits: NDArray[Any],
    new: Tokens,
    at: int,
    text: NDArray[np.uint8],
) -> int:
    """Encode the text between two places anew into new[at:]; returns where it ends, or FAILED."""
    if at == FAILED or begin > end or (begin == end and begin_byte >= end_byte):
        return at
    content, start, size = content_of(book), start_of(book), 0
    for token in range(begin, end + 1 if end_byte else end):
        spelled = piece[token]
        first, last = start[spelled], start[spelled + 1]
        if token == end:
            last = first + end_byte
        if token == begin:
            first += begin_byte
        if size + last - first > len(text):
            return FAILED
        for k in range(first, last):
            text[size] = content[k]
            size += 1
    if text[0] in (0x0A, 0x20, 0x09) and behind != BEFORE_VISIBLE:
        run = run_of(text, size)
        if run != FAILED:
            row = len(splits) - RUNS + run
            count = i64(splits[row, COUNTS])
            for k in range(count):
                new[at + k] = splits[row, LEFT + k]
            if count > 0:
                return int(at + count)
    # Others are a few letters, or one character: a look at each byte is all they need.
    if size == 1 and text[0] < 0x80:
        new[at] = bytes_ids_of(book)[text[0]]
        return at + 1
    if size <= SHORT_WORD:
        kinds, k = kinds_of(book), 1 if text[0] == 0x20 else 0
        while k < size and text[k] < 0x80 and kinds[text[k]] == LETTER:
            k += 1
        if k == size:
            token = short_word(text, 0, size, words_of(book))
            if token != FAILED:
                new[at] = token
                return at + 1
    return encode_stretch(text, 0, size, behind, book, new, at)
