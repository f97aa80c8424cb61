"""Words: compiled encoding of short stretches of text, exactly as the release's tokenizer encodes them.

In: bytes of text. Out: token ids. The text is cut by GPT-2's rule (each digit on its own where the tokenizer does so),
and each pre-token is merged by rank, the leftmost of equal pairs first. It is meant for the few bytes between a cut and
the next word: a pre-token of n bytes takes O(n²).

The rule, as a regular expression: 's|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+
"""

import numpy as np
from numpy.typing import NDArray

from gleanery.shards.chance import compiled, mix, u64
from gleanery.shards.characters import APOSTROPHE, BLANK, LETTER, NUMBER, SIGN, SPACE, UNKNOWN
from gleanery.shards.spelling import character_bytes, kind_at

# What stands behind a stretch decides how white space at its end is cut.
END_OF_TEXT, BEFORE_SPACE, BEFORE_VISIBLE = 0, 1, 2
FAILED = -1


@compiled
def encode_stretch(
    text: NDArray[np.uint8],
    begin: int,
    end: int,
    behind: int,
    digits: bool,
    kind: NDArray[np.uint8],
    bytes_ids: NDArray[np.int32],
    merges: NDArray[np.uint64],
    out: NDArray[np.int32],
    at: int,
) -> int:
    """Write the ids of text[begin:end] to out[at:]; returns where they end, or FAILED.

    `behind` tells what follows the stretch. FAILED: the text is not whole UTF-8, or holds a character of unknown kind.
    """
    while begin < end:
        stop = pre_token_end(text, begin, end, behind, digits, kind)
        if stop == FAILED:
            return FAILED
        for k in range(begin, stop):
            out[at + k - begin] = bytes_ids[text[k]]
        at += merged(out, at, stop - begin, merges)
        begin = stop
    return at


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
    if first == SPACE or first == BLANK:
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


@compiled
def merged(ids: NDArray[np.int32], at: int, count: int, merges: NDArray[np.uint64]) -> int:
    """Merge ids[at : at + count] in place, pair by pair, the lowest rank first; returns how many are left."""
    mask = u64(len(merges) - 1)
    while count > 1:
        best, place = u64(0xFFFFFFFFFFFFFFFF), 0
        for k in range(at, at + count - 1):
            key = (u64(ids[k]) << u64(32)) | u64(ids[k + 1])
            slot = mix(key) & mask
            while merges[slot, 0] != u64(0xFFFFFFFFFFFFFFFF):
                if merges[slot, 0] == key:
                    if merges[slot, 1] < best:
                        best, place = merges[slot, 1], k
                    break
                slot = (slot + u64(1)) & mask
        if best == u64(0xFFFFFFFFFFFFFFFF):
            return count
        ids[place] = np.int32(best & u64(0xFFFFFFFF))
        count -= 1
        for k in range(place + 1, at + count):
            ids[k] = ids[k + 1]
    return count
