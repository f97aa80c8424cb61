"""Fill-in-the-middle: a piece of a document is cut at two characters and its parts are put in another order.

In: the tokens of pieces and 64 keyed bits for each cut. Out: `Parts`, three lists of tokens for each piece. The source
of the form is Bavarian and others 2022 (arXiv 2207.14255); `<PRE>` is the token of the role `<fim_prefix>`:

    PSM   <PRE> prefix <SUF> suffix <MID> middle <EOT>
    SPM   <PRE> <SUF> suffix <MID> prefix middle <EOT>     (their second variant; prefix and middle encoded apart)

Cuts fall between characters, not between tokens: two thirds of all uniform cuts fall inside a token, and an editor's
cursor does too. For a whole document each part is exactly what the tokenizer gives for that part alone. Only the text
between the cut and the nearest word on each side is encoded anew, some hundred bytes: left of a token that begins with
a space and a visible character nothing changes, because GPT-2's rule begins a pre-token there whatever stands before.

A cut may lengthen the piece. The packing keeps `growth` tokens free for it; a piece that would need more, or whose
window is longer than WINDOW_BYTES, is cut at the nearest token boundaries instead, which needs none. Tokenizers with
another rule (`fim_cuts` is `token` in store.json) are always cut so. Costs are in docs/reference/shards.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import RejectRecord, StopRun
from gleanery.shards.chance import compiled, u64
from gleanery.shards.tokenizer import Tokenizer

Tokens = NDArray[np.int32]
# A text without spaces could make the whole piece a window; this bounds the work at about 2 ms for a piece.
WINDOW_BYTES = 4096
PREFIX, SUFFIX, MIDDLE, END = "<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<|endoftext|>"


@dataclass(frozen=True)
class Parts:
    """The three parts of one piece, in the order of the source. Joined, they spell the piece's bytes."""

    prefix: Tokens
    middle: Tokens
    suffix: Tokens


class Cutter:
    """Cuts pieces into parts, for one tokenizer. Without state: a result depends on its arguments alone."""

    def __init__(self, tokenizer: Tokenizer, growth: int) -> None:
        self.tokenizer = tokenizer
        self.growth = growth
        self.exact = tokenizer.exact_cuts

    def parts(self, stored: Sequence[NDArray[Any]], draws: NDArray[np.uint64]) -> list[Parts]:
        """The parts of each piece; `draws`, uint64[pieces, 2], places its cuts.

        The parts of a piece have together at most `growth` tokens more than the piece. Raises StopRun for tokens that
        are not in the vocabulary or do not spell UTF-8.
        """
        table = self.tokenizer.table
        pieces = [tokens.astype(np.int32) for tokens in stored]
        if any(len(piece) and int(piece.max()) >= self.tokenizer.vocab_size for piece in pieces):
            raise _damaged()  # compiled code reads the table without a look at its bounds
        found = [
            _locate(piece, two, table.content, table.start, table.opens_char, table.opens_word)
            for piece, two in zip(pieces, draws, strict=True)
        ]
        if not self.exact:
            return [_at_tokens(piece, place) for piece, (place, _) in zip(pieces, found, strict=True)]
        return self._exact_parts(pieces, found)

    def _exact_parts(self, pieces: Sequence[Tokens], found: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> list[Parts]:
        windows = [_windows(place, raw) for place, raw in found]
        try:
            encoded = iter(self.tokenizer.encode_short([text for four in windows if four for text in four if text]))
        except RejectRecord:  # stored text encoded without control tokens; a part of it that does not is cut at tokens
            encoded, windows = iter(()), [None] * len(windows)
        parts = []
        for piece, (place, _), four in zip(pieces, found, windows, strict=True):
            if four is None:
                parts.append(_at_tokens(piece, place))
                continue
            new = [next(encoded).astype(np.int32) if text else np.empty(0, np.int32) for text in four]
            made = _joined(piece, place, new)
            grown = len(made.prefix) + len(made.middle) + len(made.suffix) - len(piece)
            parts.append(made if grown <= self.growth else _at_tokens(piece, place))
        return parts


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


def _windows(place: NDArray[np.int64], raw: NDArray[np.uint8]) -> list[str] | None:
    """The texts of the four windows, or None if they are too long to be worth it."""
    ranges = [(int(place[k]), int(place[k + 1])) for k in range(6, 14, 2)]
    if sum(end - begin for begin, end in ranges) > WINDOW_BYTES:
        return None
    try:
        return [raw[begin:end].tobytes().decode("utf-8") for begin, end in ranges]
    except UnicodeDecodeError as error:
        raise _damaged() from error


def _damaged() -> StopRun:
    return StopRun("the token store holds what no tokenizer wrote", "check it with Store.verify, and fetch it again")


def _joined(piece: Tokens, place: NDArray[np.int64], new: Sequence[Tokens]) -> Parts:
    a, b, c, d = (int(p) for p in place[2:6])
    return Parts(
        np.concatenate([piece[:a], new[0]]),
        np.concatenate([new[1], piece[b:c], new[2]]),
        np.concatenate([new[3], piece[d:]]),
    )


def _at_tokens(piece: Tokens, place: NDArray[np.int64]) -> Parts:
    one, two = int(place[0]), int(place[1])
    return Parts(piece[:one], piece[one:two], piece[two:])


@compiled
def _locate(
    piece: Tokens,
    draws: NDArray[np.uint64],
    content: NDArray[np.uint8],
    start: NDArray[np.int64],
    opens_char: NDArray[np.bool_],
    opens_word: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Where a piece is cut: (place, its bytes).

    place[0:2]   the two cuts as token indices, each at the start of a character
    place[2:6]   tokens kept: [0, place[2]) in the prefix, [place[3], place[4]) in the middle, [place[5], end) behind
    place[6:14]  four windows as byte ranges: end of the prefix, both ends of the middle, start of the suffix
    """
    count = len(piece)
    byte = np.empty(count + 1, np.int64)
    byte[0] = 0
    for i in range(count):
        byte[i + 1] = byte[i] + start[piece[i] + 1] - start[piece[i]]
    raw = np.empty(byte[count], np.uint8)
    for i in range(count):
        shift = start[piece[i]] - byte[i]
        for at in range(byte[i], byte[i + 1]):
            raw[at] = content[at + shift]

    # A piece of a long document may begin or end inside a character: cuts stay between low and high.
    low = 0
    while low < count and not opens_char[piece[low]]:
        low += 1
    high = count
    if _ends_inside(raw):
        high -= 1
        while high > low and not opens_char[piece[high]]:
            high -= 1
    if low > high:  # not one character is whole: the piece stays in one part
        low = high = 0
    first = _cut_at(raw, byte[low], byte[high], draws[0])
    second = _cut_at(raw, byte[low], byte[high], draws[1])
    if first > second:
        first, second = second, first

    place = np.empty(14, np.int64)
    place[0] = _token_at(piece, byte, opens_char, low, high, first)
    place[1] = _token_at(piece, byte, opens_char, low, high, second)
    place[2] = _word_before(piece, byte, opens_word, low, high, first)
    place[5] = _word_after(piece, byte, opens_word, low, high, second)
    place[6], place[7] = byte[place[2]], first
    place[12], place[13] = second, byte[place[5]]
    word = _word_after(piece, byte, opens_word, low, high, first)
    if word < high and byte[word] + 2 <= second:
        place[3] = word
        place[4] = _word_before(piece, byte, opens_word, word, high, second)
        place[8], place[9] = first, byte[word]
        place[10], place[11] = byte[place[4]], second
    else:
        place[3] = place[4] = place[2]
        place[8], place[9] = first, second
        place[10] = place[11] = second
    return place, raw


@compiled
def _ends_inside(raw: NDArray[np.uint8]) -> bool:
    """Whether the last character is not complete."""
    back = 1
    while back <= min(4, len(raw)):
        lead = raw[len(raw) - back]
        if lead & 0xC0 != 0x80:
            return bool((lead >= 0xC0) + (lead >= 0xE0) + (lead >= 0xF0) + 1 > back)
        back += 1
    return len(raw) > 0


@compiled
def _cut_at(raw: NDArray[np.uint8], low: int, high: int, bits: int) -> int:
    """A byte in [low, high] that begins a character: uniform over bytes, then back to the character's start."""
    at = low + int(bits % u64(high - low + 1))
    while low < at < high and raw[at] & 0xC0 == 0x80:
        at -= 1
    return at


@compiled
def _token_at(
    piece: Tokens, byte: NDArray[np.int64], opens_char: NDArray[np.bool_], low: int, high: int, cut: int
) -> int:
    """The last token in [low, high] that begins a character and does not begin behind the cut."""
    token = int(np.searchsorted(byte[: high + 1], cut, side="right")) - 1
    while low < token < high and not opens_char[piece[token]]:
        token -= 1
    return token


@compiled
def _word_before(
    piece: Tokens, byte: NDArray[np.int64], opens_word: NDArray[np.bool_], low: int, high: int, cut: int
) -> int:
    """The last token in (low, high) that opens a word of which two bytes lie before the cut; else low."""
    token = min(int(np.searchsorted(byte[: high + 1], cut, side="right")) - 1, high - 1)
    while token > low and not (opens_word[piece[token]] and byte[token] + 2 <= cut):
        token -= 1
    return max(token, low)


@compiled
def _word_after(
    piece: Tokens, byte: NDArray[np.int64], opens_word: NDArray[np.bool_], low: int, high: int, cut: int
) -> int:
    """The first token in [low, high) that opens a word and does not begin before the cut; else high."""
    token = max(low, int(np.searchsorted(byte[: high + 1], cut, side="left")))
    while token < high and not opens_word[piece[token]]:
        token += 1
    return token
