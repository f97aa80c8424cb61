"""Cut places: where in a piece of a document the cuts for fill-in-the-middle fall.

In: the tokens of a piece and 64 keyed bits. Out: two places, each a token and a byte in it. Compiled; costs are
in docs/reference/shards.md.

Nothing is counted through to find a place: tokens are drawn, and the first is taken that is kept with a chance that
grows with its characters, so that all characters of the piece are equally likely. (A token of more than 16 characters
counts as 16.)
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.shards.chance import compiled, i64, inlined, mix, u64
from gleanery.shards.spelling import MOST_CHARACTERS, content_of, start_of, weights_of

# A place is drawn so often, DRAWN tokens at a time, before one is taken without regard to its characters.
TRIES, DRAWN = 12, 8
FIRST_BIT = np.array([(n & -n).bit_length() - 1 for n in range(1 << DRAWN)])
CHARACTER, LINE, SYNTAX = 0, 1, 2


@compiled
def draw_cuts(
    piece: NDArray[Any], bits: int, attempt: int, kind: int, book: NDArray[np.uint64], drawn: NDArray[np.int64]
) -> None:
    """Write two places to `drawn`, the first one first: token, byte, token, byte."""
    line = kind == LINE and attempt == 0  # what has no lines is cut anywhere
    once = mix(u64(bits) + u64(attempt))
    first, first_byte = _place(piece, line, book, once)
    second, second_byte = _place(piece, line, book, mix(once))
    if second < first or (second == first and second_byte < first_byte):
        first, first_byte, second, second_byte = second, second_byte, first, first_byte
    drawn[0], drawn[1], drawn[2], drawn[3] = first, first_byte, second, second_byte


@compiled
def _place(
    piece: NDArray[Any],
    line: bool,
    book: NDArray[np.uint64],
    bits: int,
) -> tuple[int, int]:
    """A place to cut: a token, and a byte in it that begins a character (or follows a line end).

    All characters are equally likely, and so is the end of the piece. A token is drawn evenly and kept with a chance of
    its weight in MOST_CHARACTERS; which character of it, falls out of the same draw. DRAWN tokens are looked at side by
    side, since a look at one alone waits for memory.
    """
    count, weights = len(piece), weights_of(book, line)
    if count == 0:
        return 0, 0
    for turn in range(0, TRIES * DRAWN, DRAWN):
        taken = 0
        for k in range(DRAWN):
            token, ordinal = _drawn(bits, turn + k, count)
            weight = weights[piece[min(token, count - 1)]] if token < count else 1
            taken |= i64(ordinal < weight) << k
        if taken:
            token, ordinal = _drawn(bits, turn + FIRST_BIT[taken], count)
            return _byte_of(piece[token], token, ordinal, line, book) if token < count else (count, 0)
    return count, 0


@inlined
def _drawn(bits: int, turn: int, count: int) -> tuple[int, int]:
    """A token of 0 to `count`, and a character of 0 to MOST_CHARACTERS - 1."""
    drawn = mix(u64(bits) + u64(turn))
    token = i64(((drawn >> u64(32)) * u64(count + 1)) >> u64(32))
    return token, i64(((drawn & u64(0xFFFFFFFF)) * u64(MOST_CHARACTERS)) >> u64(32))


@compiled
def _byte_of(spelled: int, token: int, ordinal: int, line: bool, book: NDArray[np.uint64]) -> tuple[int, int]:
    """The place of a token's n-th character, or behind its n-th line end."""
    content, start = content_of(book), start_of(book)
    begin, end = start[spelled], start[spelled + 1]
    if not line and end - begin == weights_of(book, line)[spelled]:  # all characters are one byte
        return token, ordinal
    for at in range(begin, end):
        if content[at] == 0x0A if line else content[at] & 0xC0 != 0x80:
            if ordinal == 0:
                if not line:
                    return token, at - begin
                return (token, at + 1 - begin) if at + 1 < end else (token + 1, 0)
            ordinal -= 1
    return token, 0


@compiled
def character_start(piece: NDArray[Any], book: NDArray[np.uint64], token: int) -> int:
    """The first token at or behind `token` that begins a character, or the end."""
    content, start = content_of(book), start_of(book)
    while token < len(piece) and content[start[piece[token]]] & 0xC0 == 0x80:
        token += 1
    return token
