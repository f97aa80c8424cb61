"""Fill-in-the-middle: a piece of a document is cut at two characters and its parts are put in another order.

In: the tokens of a piece and 64 keyed bits. Out: where it is cut, and the few tokens that are new. The source of the
form is Bavarian and others 2022 (arXiv 2207.14255); `<PRE>` is the token of the role `<fim_prefix>`:

    PSM   <PRE> prefix <SUF> suffix <MID> middle <EOT>
    SPM   <PRE> <SUF> suffix <MID> prefix middle <EOT>     (their second variant; prefix and middle encoded apart)

Cuts fall between characters, not between tokens: two thirds of all uniform cuts fall inside a token, and an editor's
cursor does too. For a whole document each part is exactly what the tokenizer gives for that part alone. Only the text
between the cut and the nearest sure start of a pre-token on each side is encoded anew, some ten bytes for a cut.

Nothing is counted through to find a place: a token is drawn, and kept with a chance that grows with its characters, so
that all characters of the piece are equally likely. (A token of more than 16 characters counts as 16.) A cut may
lengthen the piece. The packing keeps `growth` tokens free for it; a pair of cuts that would need more, or whose windows
are longer than WINDOW_BYTES, is drawn again. A piece that still does not fit after ATTEMPTS pairs is cut between
tokens, and so are all pieces for tokenizers with another rule (`fim_cuts` is `token` in store.json). Costs are in
docs/reference/shards.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.shards.chance import compiled, i64, mix, u64
from gleanery.shards.characters import BLANK, LETTER, NUMBER, SPACE
from gleanery.shards.spelling import (
    MOST_CHARACTERS,
    SHORT_WORD,
    Spelling,
    bytes_ids_of,
    content_of,
    cuts_digits,
    edges_of,
    is_boundary,
    kinds_of,
    start_of,
    weights_of,
    words_of,
)
from gleanery.shards.words import BEFORE_SPACE, BEFORE_VISIBLE, END_OF_TEXT, FAILED, encode_stretch, short_word

Tokens = NDArray[np.int32]
PREFIX, SUFFIX, MIDDLE, END = "<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<|endoftext|>"
# The longest stretch between a cut and the next word that is encoded anew.
WINDOW_BYTES = 256
ATTEMPTS = 6
# Draws of a token before a place is taken without regard to its characters.
TRIES = 96
CHARACTER, LINE, SYNTAX = 0, 1, 2
# What `cut_piece` writes: tokens kept, and the bounds of the new tokens between them.
KEPT_PREFIX, MIDDLE_BEGIN, MIDDLE_END, SUFFIX_BEGIN, NEW_1, NEW_2, NEW_3, NEW_4, EXACT = range(9)
PLACES = 9


@dataclass(frozen=True)
class Parts:
    """The three parts of one piece, in the order of the source. Joined, they spell the piece's bytes."""

    prefix: Tokens
    middle: Tokens
    suffix: Tokens


def fim_undo(ids: NDArray[Any], control_ids: Mapping[str, int]) -> NDArray[Any]:
    """The tokens of one segment in the order of the source, without control tokens.

    `ids` is a segment as a loader gives it, in any form; what comes back spells the piece's bytes. Control tokens are
    never part of a document, so the parts can be told apart without doubt.

    >>> ids = {"<fim_prefix>": 1, "<fim_middle>": 2, "<fim_suffix>": 3, "<|endoftext|>": 0}
    >>> fim_undo(np.array([1, 50, 51, 3, 70, 2, 60, 0]), ids).tolist()
    [50, 51, 60, 70]
    """
    parts = split_segment(ids, control_ids)
    return np.concatenate([parts.prefix, parts.middle, parts.suffix])


def split_segment(ids: NDArray[Any], control_ids: Mapping[str, int]) -> Parts:
    """The parts of one segment. In the SPM form prefix and middle are one, in `middle`, as is all of a plain piece."""
    if len(ids) and ids[-1] == control_ids[END]:
        ids = ids[:-1]
    if not len(ids) or ids[0] != control_ids[PREFIX]:
        return Parts(ids[:0], ids, ids[:0])
    suffix = int(np.flatnonzero(ids == control_ids[SUFFIX])[0])
    middle = int(np.flatnonzero(ids == control_ids[MIDDLE])[0])
    return Parts(ids[1:suffix], ids[middle + 1 :], ids[suffix + 1 : middle])


def cut(piece: NDArray[Any], bits: int, spelling: Spelling, growth: int, kind: int = CHARACTER) -> tuple[Parts, bool]:
    """The parts of one piece for 64 keyed bits, and whether each is exactly what the tokenizer gives for it alone.

    For tests and tools; a loader calls the compiled parts for whole batches. `kind` is CHARACTER or LINE.
    """
    tokens = np.ascontiguousarray(piece)
    place, new, text = np.zeros(PLACES, np.int64), np.empty(4 * WINDOW_BYTES, np.int32), scratch_text()
    cut_piece(tokens, u64(bits), kind, growth, spelling.exact, spelling.book, place, new, text)
    kept: list[int] = place[:4].tolist()
    one, two, three, four = place[NEW_1 : NEW_4 + 1].tolist()
    whole = tokens.astype(np.int32)
    parts = Parts(
        np.concatenate([whole[: kept[0]], new[:one]]),
        np.concatenate([new[one:two], whole[kept[1] : kept[2]], new[two:three]]),
        np.concatenate([new[three:four], whole[kept[3] :]]),
    )
    return parts, bool(place[EXACT])


def scratch_text() -> NDArray[np.uint8]:
    """Room for the text of one window."""
    return np.empty(WINDOW_BYTES, np.uint8)


@compiled
def cut_piece(
    piece: NDArray[Any],
    bits: int,
    kind: int,
    growth: int,
    exact: bool,
    book: NDArray[np.uint64],
    place: NDArray[np.int64],
    new: Tokens,
    text: NDArray[np.uint8],
) -> None:
    """Fill `place` and `new`: the prefix is piece[: place[0]] and new[: place[4]]; the middle new[place[4] : place[5]],
    piece[place[1] : place[2]] and new[place[5] : place[6]]; the suffix new[place[6] : place[7]] and piece[place[3] :].
    """
    first = second = 0
    for attempt in range(ATTEMPTS):
        drawn = mix(u64(bits) + u64(attempt))
        line = kind == LINE and attempt == 0  # what has no lines is cut anywhere
        first, first_byte = _place(piece, line, book, drawn)
        second, second_byte = _place(piece, line, book, mix(drawn))
        if second < first or (second == first and second_byte < first_byte):
            first, first_byte, second, second_byte = second, second_byte, first, first_byte
        if not exact:
            break
        if _cut_at(piece, first, first_byte, second, second_byte, growth, book, place, new, text):
            return
    _between_tokens(piece, first, second, book, place)


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
        if _cut_at(piece, first, first_byte, second, second_byte, growth, book, place, new, text):
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


@compiled
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
    place: NDArray[np.int64],
    new: Tokens,
    text: NDArray[np.uint8],
) -> bool:
    """Encode what stands around two cuts anew; false if it does not fit its room or cannot be encoded."""
    edges, digits = edges_of(book), cuts_digits(book)
    place[KEPT_PREFIX] = _word_before(piece, edges, digits, first, first_byte)
    place[SUFFIX_BEGIN] = _word_after(piece, edges, digits, second, second_byte)
    sync = _word_after(piece, edges, digits, first, first_byte)
    back = _word_before(piece, edges, digits, second, second_byte)
    at = _window(
        *(piece, place[KEPT_PREFIX], 0, first, first_byte, END_OF_TEXT, book),
        *(new, 0, text),
    )
    place[NEW_1] = at
    if sync <= back:
        place[MIDDLE_BEGIN], place[MIDDLE_END] = sync, back
        behind = _behind(piece, edges, digits, sync)
        at = _window(
            *(piece, first, first_byte, sync, 0, behind, book),
            *(new, at, text),
        )
        place[NEW_2] = at
        at = _window(
            *(piece, back, 0, second, second_byte, END_OF_TEXT, book),
            *(new, at, text),
        )
    else:
        place[MIDDLE_BEGIN] = place[MIDDLE_END] = first
        at = _window(
            *(piece, first, first_byte, second, second_byte, END_OF_TEXT, book),
            *(new, at, text),
        )
        place[NEW_2] = at
    place[NEW_3] = at
    behind = _behind(piece, edges, digits, place[SUFFIX_BEGIN])
    at = _window(
        *(piece, second, second_byte, place[SUFFIX_BEGIN], 0, behind, book),
        *(new, at, text),
    )
    place[NEW_4] = at
    kept = place[KEPT_PREFIX] + place[MIDDLE_END] - place[MIDDLE_BEGIN] + len(piece) - place[SUFFIX_BEGIN]
    place[EXACT] = 1
    return bool(at != FAILED and kept + at <= len(piece) + growth)


@compiled
def _place(
    piece: NDArray[Any],
    line: bool,
    book: NDArray[np.uint64],
    bits: int,
) -> tuple[int, int]:
    """A place to cut: a token, and a byte in it that begins a character (or follows a line end).

    All characters are equally likely, and so is the end of the piece. A token is drawn evenly and kept with a chance of
    its weight in MOST_CHARACTERS; which character of it, falls out of the same draw.
    """
    count, weights = len(piece), weights_of(book, line)
    for turn in range(TRIES):
        drawn = mix(u64(bits) + u64(turn))
        token = i64(((drawn >> u64(32)) * u64(count + 1)) >> u64(32))
        ordinal = i64(((drawn & u64(0xFFFFFFFF)) * u64(MOST_CHARACTERS)) >> u64(32))
        if token == count:
            if ordinal == 0:
                return count, 0
        elif ordinal < weights[piece[token]]:
            return _byte_of(piece[token], token, ordinal, line, book)
    return count, 0


@compiled
def _byte_of(spelled: int, token: int, ordinal: int, line: bool, book: NDArray[np.uint64]) -> tuple[int, int]:
    """The place of a token's n-th character, or behind its n-th line end."""
    content, start = content_of(book), start_of(book)
    begin, end = start[spelled], start[spelled + 1]
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
    """The last token that surely begins a pre-token and has its first two bytes before the cut; else 0.

    A cut where a pre-token begins behind something visible changes nothing before it, so it is itself the place.
    """
    if byte == 0 and 0 < token < len(piece):
        left = edges[piece[token - 1]]
        if (left >> 3) & 7 != SPACE and (left >> 3) & 7 != BLANK and is_boundary(left, edges[piece[token]], digits):
            return token
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


@compiled
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
    # Most windows are a few letters, or one character: a look at each byte is all they need.
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
