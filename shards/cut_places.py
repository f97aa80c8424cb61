"""Cut places: where in a piece of a document the cuts for fill-in-the-middle fall.

In: the tokens of a piece and 64 keyed bits. Out: two places, each a token and a byte in it. Compiled; costs are
in docs/reference/shards.md.

For a character nothing is counted through: tokens are drawn, and the first is taken that is kept with a chance that
grows with its characters, so that all characters of the piece are equally likely. (A token of more than 16 characters
counts as 16.) Where no draw is kept, as in scripts whose characters take several tokens each, and for lines, the piece
is counted through once, about a nanosecond for each token, and the place is drawn among all of them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled
from gleanery.shards.addresses import fetch
from gleanery.shards.chance import i64, inlined, mix, u64
from gleanery.shards.spelling import MOST_CHARACTERS, content_of, start_of, weights_of

# A place is drawn so often, DRAWN tokens at a time, before the piece is counted through.
TRIES, DRAWN = 12, 8
FIRST_BIT = np.array([(n & -n).bit_length() - 1 for n in range(1 << DRAWN)])
CHARACTER, LINE, SYNTAX = 0, 1, 2


@compiled
def draw_cuts(
    piece: NDArray[Any], bits: int, attempt: int, kind: int, book: NDArray[np.uint64], drawn: NDArray[np.int64]
) -> None:
    """Write two places to `drawn`, the first one first: token, byte, token, byte.

    Places at lines are two different ones behind line ends; a piece with fewer than two is cut anywhere.
    """
    if kind == LINE and attempt == 0 and _two_lines(piece, book, mix(u64(bits)), drawn):
        return
    draw_characters(piece, u64(bits) + u64(attempt), book, drawn)
    find_bytes(piece, book, drawn)


@inlined
def fetch_draws(piece: int, count: int, width: int, bits: int) -> None:
    """Ask for the tokens that `draw_characters` looks at first, in a piece that begins at this address."""
    once = mix(u64(bits))
    twice = mix(once)
    for turn in range(DRAWN):
        fetch(u64(piece + width * _drawn(once, turn, count)[0]))
        fetch(u64(piece + width * _drawn(twice, turn, count)[0]))


@compiled
def draw_characters(piece: NDArray[Any], bits: int, book: NDArray[np.uint64], drawn: NDArray[np.int64]) -> None:
    """Write two places anywhere to `drawn`, the first one first: token, character, token, character."""
    once = mix(u64(bits))
    first, nth = _character(piece, book, once)
    second, other = _character(piece, book, mix(once))
    if second < first or (second == first and other < nth):
        first, nth, second, other = second, other, first, nth
    drawn[0], drawn[1], drawn[2], drawn[3] = first, nth, second, other


@inlined
def find_bytes(piece: NDArray[Any], book: NDArray[np.uint64], drawn: NDArray[np.int64]) -> None:
    """Replace the characters that `draw_characters` has written by the bytes where they begin."""
    for side in (0, 2):
        if drawn[side] < len(piece):
            _, drawn[side + 1] = _byte_of(piece[drawn[side]], drawn[side], drawn[side + 1], False, book)


@compiled
def _two_lines(piece: NDArray[Any], book: NDArray[np.uint64], bits: int, drawn: NDArray[np.int64]) -> bool:
    """Write two places behind line ends, each pair equally likely; false if the piece has fewer than two."""
    total = _counted(piece, True, book)
    if total < 2:
        return False
    first, second = _below(total, mix(bits)), _below(total - 1, mix(u64(bits) + u64(1)))
    if second >= first:
        second += 1
    for side, ordinal in ((0, min(first, second)), (2, max(first, second))):
        token, nth = _nth(piece, ordinal, True, book)
        drawn[side], drawn[side + 1] = _byte_of(piece[token], token, nth, True, book)
    return True


@compiled
def _character(piece: NDArray[Any], book: NDArray[np.uint64], bits: int) -> tuple[int, int]:
    """A place to cut: a token, and which of its characters comes next, counted from 0.

    All characters are equally likely, and so is the end of the piece. A token is drawn evenly and kept with a chance of
    its weight in MOST_CHARACTERS; which character of it, falls out of the same draw. DRAWN tokens are looked at side by
    side, since a look at one alone waits for memory.
    """
    count, weights = len(piece), weights_of(book, False)
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
            return (token, ordinal) if token < count else (count, 0)
    return _nth(piece, _below(_counted(piece, False, book) + 1, mix(u64(bits) + u64(TRIES * DRAWN))), False, book)


@compiled
def _counted(piece: NDArray[Any], line: bool, book: NDArray[np.uint64]) -> int:
    """How many places a piece has, its end left out."""
    weights, total = weights_of(book, line), 0
    for token in piece:
        total += i64(weights[token])
    return total


@compiled
def _nth(piece: NDArray[Any], ordinal: int, line: bool, book: NDArray[np.uint64]) -> tuple[int, int]:
    """The token of the place with this number, counted from 0, and its number in the token; the piece's end is last."""
    weights = weights_of(book, line)
    for token in range(len(piece)):
        weight = i64(weights[piece[token]])
        if ordinal < weight:
            return token, ordinal
        ordinal -= weight
    return len(piece), 0


@inlined
def _below(count: int, bits: int) -> int:
    """A number under `count`, evenly. Under 2 ** 31 of them."""
    below: int = i64(((u64(bits) >> u64(32)) * u64(count)) >> u64(32))
    return below


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
