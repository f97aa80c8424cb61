"""Words: compiled encoding of short stretches of text, exactly as the release's tokenizer encodes them.

In: bytes of text. Out: token ids. The text is cut by GPT-2's rule (each digit on its own where the tokenizer does so),
and each pre-token is merged by rank, the leftmost of equal pairs first. It is meant for the few bytes between a cut and
the next word: a pre-token of n bytes takes O(n²).

The rule, as a regular expression: 's|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+
"""

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled
from gleanery.shards.chance import i64, mix, u64
from gleanery.shards.characters import APOSTROPHE, BLANK, NUMBER, SIGN, SPACE, UNKNOWN
from gleanery.shards.merges import SHORT_WORD, merged, packed, rank_of
from gleanery.shards.spelling import (
    byte_ranks_of,
    bytes_ids_of,
    character_bytes,
    cuts_digits,
    kind_at,
    kinds_of,
    merges_of,
    words_of,
)

# What stands behind a stretch decides how white space at its end is cut.
END_OF_TEXT, BEFORE_SPACE, BEFORE_VISIBLE = 0, 1, 2
FAILED = -1


@compiled
def encode_stretch(
    text: NDArray[np.uint8],
    begin: int,
    end: int,
    behind: int,
    book: NDArray[np.uint64],
    out: NDArray[np.int32],
    at: int,
) -> int:
    """Write the ids of text[begin:end] to out[at:]; returns where they end, or FAILED. Twice the room is needed.

    `behind` tells what follows the stretch. FAILED: the text is not whole UTF-8, or holds a character of unknown kind.
    """
    digits, kind, bytes_ids = cuts_digits(book), kinds_of(book), bytes_ids_of(book)
    while begin < end:
        stop = pre_token_end(text, begin, end, behind, digits, kind)
        if stop == FAILED:
            return FAILED
        token = short_word(text, begin, stop, words_of(book)) if stop - begin <= SHORT_WORD else FAILED
        if token == FAILED:
            count, ranks, merges = stop - begin, byte_ranks_of(book), merges_of(book)
            for k in range(count):
                out[at + k] = bytes_ids[text[begin + k]]
            for k in range(count - 1):
                left, right = text[begin + k], text[begin + k + 1]
                known = left < 0x80 and right < 0x80
                rank = ranks[i64(left) * 128 + right] if known else rank_of(out[at + k], out[at + k + 1], merges)
                out[at + count + k] = rank
            at += merged(out, at, count, merges)
        else:
            out[at] = token
            at += 1
        begin = stop
    return at


@compiled
def short_word(text: NDArray[np.uint8], begin: int, end: int, words: NDArray[np.uint64]) -> int:
    """The token that a short word is, or FAILED if it is not known to be one."""
    word, mask = packed(text, begin, end), u64(len(words) - 1)
    if text[end - 1] == 0:
        return FAILED
    slot = mix(word) & mask
    while words[slot, 0] != 0:
        if words[slot, 0] == word:
            return int(i64(words[slot, 1]))
        slot = (slot + u64(1)) & mask
    return FAILED


@compiled
def pre_token_end(
    text: NDArray[np.uint8], begin: int, end: int, behind: int, digits: bool, kind: NDArray[np.uint8]
) -> int:
    """Where the pre-token that begins at `begin` ends, or FAILED."""
    first = kind_at(text, begin, end, kind)
    if first == UNKNOWN:
        return FAILED
    if first == APOSTROPHE:
        short = contraction(text, begin, end)
        if short > 0:
            return begin + short
    at = begin
    if first == SPACE and begin + 1 < end:
        second = kind_at(text, begin + 1, end, kind)
        if second == UNKNOWN:
            return FAILED
        if second != SPACE and second != BLANK and not (digits and second == NUMBER):
            at, first = begin + 1, second
    if first == NUMBER and digits:
        return at + character_bytes(text, at, end)
    if first in (SPACE, BLANK):
        return blanks_end(text, at, end, behind, digits, kind)
    return run_end(text, at, end, first, kind)


@compiled
def contraction(text: NDArray[np.uint8], begin: int, end: int) -> int:
    """Bytes of 's, 't, 're, 've, 'm, 'll or 'd at `begin`, where an apostrophe stands; else 0."""
    one = text[begin + 1] if begin + 1 < end else 0
    two = text[begin + 2] if begin + 2 < end else 0
    if one == 0x73 or one == 0x74 or one == 0x6D or one == 0x64:
        return 2
    if (one == 0x72 and two == 0x65) or (one == 0x76 and two == 0x65) or (one == 0x6C and two == 0x6C):
        return 3
    return 0


@compiled
def run_end(text: NDArray[np.uint8], at: int, end: int, first: int, kind: NDArray[np.uint8]) -> int:
    """The end of a run of letters, of numbers, or of signs; or FAILED."""
    group = SIGN if first == APOSTROPHE else first
    while at < end:
        here = kind_at(text, at, end, kind)
        if here == UNKNOWN:
            return FAILED
        if (SIGN if here == APOSTROPHE else here) != group:
            break
        at += character_bytes(text, at, end)
    return at


@compiled
def blanks_end(text: NDArray[np.uint8], at: int, end: int, behind: int, digits: bool, kind: NDArray[np.uint8]) -> int:
    """The end of a run of white space: all of it, but for its last character if something visible follows."""
    last = begin = at
    here = SPACE
    while at < end:
        here = kind_at(text, at, end, kind)
        if here == UNKNOWN:
            return FAILED
        if here != SPACE and here != BLANK:
            break
        last, at = at, at + character_bytes(text, at, end)
    # A digit is cut off before the rule looks, so it sees the end of a text there.
    visible = not (digits and here == NUMBER) if at < end else behind == BEFORE_VISIBLE
    return last if visible and last > begin else at
