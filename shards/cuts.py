"""Cuts: where a piece of a document is cut in three, and which few tokens are new then.

In: the tokens of a piece and 64 keyed bits. Out: places in the piece, and ids. Compiled; costs are in
docs/reference/shards.md.

Cuts fall between characters, not between tokens: two thirds of all uniform cuts fall inside a token, and an editor's
cursor does too. For a whole document each part is exactly what the tokenizer gives for that part alone. Where the cut
token is a pre-token by itself, what its halves are stands in the table of splits.py. Inside a longer word the same
halves are right if they stay apart from their neighbours (merges.py). Else, for one cut in thirty, the text between the
cut and the nearest sure start of a pre-token is encoded anew.

Nothing is counted through to find a place: tokens are drawn, and the first is taken that is kept with a chance that
grows with its characters, so that all characters of the piece are equally likely. (A token of more than 16 characters
counts as 16.) A cut may lengthen the piece. The packing keeps `growth` tokens free for it; a pair of cuts that would
need more, or whose windows are longer than WINDOW_BYTES, is drawn again. A piece that still does not fit after ATTEMPTS
pairs is cut between tokens, and so are all pieces for tokenizers with another rule (`fim_cuts` is `token` in
store.json).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.shards.chance import compiled, i64, inlined, mix, u64
from gleanery.shards.characters import BLANK, LETTER, NUMBER, SPACE
from gleanery.shards.merges import SHORT_WORD, stays_apart
from gleanery.shards.spelling import (
    MOST_CHARACTERS,
    bytes_ids_of,
    content_of,
    cuts_digits,
    edges_of,
    is_boundary,
    kinds_of,
    merges_of,
    parts_at,
    start_of,
    weights_of,
    words_of,
)
from gleanery.shards.splits import COUNTS, LEFT, MOST_LEFT, MOST_RIGHT, RIGHT, RUNS, run_of
from gleanery.shards.words import BEFORE_SPACE, BEFORE_VISIBLE, END_OF_TEXT, FAILED, encode_stretch, short_word

Tokens = NDArray[np.int32]
# The longest stretch between a cut and the next word that is encoded anew.
WINDOW_BYTES = 256
# Room for the ids of four windows, and for the work on one.
MOST_NEW = 6 * WINDOW_BYTES
ATTEMPTS = 6
# A place is drawn so often, DRAWN tokens at a time, before one is taken without regard to its characters.
TRIES, DRAWN = 12, 8
FIRST_BIT = np.array([(n & -n).bit_length() - 1 for n in range(1 << DRAWN)])
CHARACTER, LINE, SYNTAX = 0, 1, 2
# What `cut_piece` writes: tokens kept, and the bounds of the new tokens between them.
KEPT_PREFIX, MIDDLE_BEGIN, MIDDLE_END, SUFFIX_BEGIN, NEW_1, NEW_2, NEW_3, NEW_4, EXACT = range(9)
PLACES = 9


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
        if ends[span] > skipped + size:
            continue
        first, first_byte = _token_of(piece, start, begins[span] - skipped)
        second, second_byte = _token_of(piece, start, ends[span] - skipped)
        if not exact:
            _between_tokens(piece, first, second, book, place)
            return True
        if _cut_at(piece, first, first_byte, second, second_byte, growth, book, splits, place, new, text):
            return True
    return False


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
    """Cut between tokens, each at the start of a character."""
    first, second = _character_start(piece, book, first), _character_start(piece, book, second)
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
    place[KEPT_PREFIX], at = _before(piece, first, first_byte, book, splits, new, 0, text)
    place[NEW_1] = at
    place[MIDDLE_BEGIN], at = _after(piece, first, first_byte, book, splits, new, at, text)
    place[NEW_2] = at
    place[MIDDLE_END], at = _before(piece, second, second_byte, book, splits, new, at, text)
    if place[MIDDLE_BEGIN] > place[MIDDLE_END] and at != FAILED:  # both cuts in one word
        place[MIDDLE_BEGIN] = place[MIDDLE_END] = first
        at = _window(piece, first, first_byte, second, second_byte, END_OF_TEXT, book, splits, new, place[NEW_1], text)
        place[NEW_2] = at
    place[NEW_3] = at
    place[SUFFIX_BEGIN], at = _after(piece, second, second_byte, book, splits, new, at, text)
    place[NEW_4] = at
    kept = place[KEPT_PREFIX] + place[MIDDLE_END] - place[MIDDLE_BEGIN] + len(piece) - place[SUFFIX_BEGIN]
    place[EXACT] = 1
    return bool(at != FAILED and kept + at <= len(piece) + growth)


@inlined
def _before(
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
    return kept, _window(piece, kept, 0, token, byte, END_OF_TEXT, book, splits, new, at, text)


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


@inlined
def _after(
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
    return begin, _window(piece, token, byte, begin, 0, behind, book, splits, new, at, text)


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
def _character_start(piece: NDArray[Any], book: NDArray[np.uint64], token: int) -> int:
    """The first token at or behind `token` that begins a character, or the end."""
    content, start = content_of(book), start_of(book)
    while token < len(piece) and content[start[piece[token]]] & 0xC0 == 0x80:
        token += 1
    return token


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
def _window(
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
