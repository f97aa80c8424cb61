"""Merges: byte-level BPE as compiled code knows it, from single bytes to whether two tokens stay two.

In: the merges of a `tokenizer.json`. Out: hash tables, and functions that use them. A look-up takes some 10 ns, or 100
where the table is not near; 16 bytes for each slot of a table, and for each token.

BPE merges the lowest rank first, and the leftmost of equal ones. So a token of rank r is made from two of lower
ranks, and so on down to bytes. Before it is made, its last part touches the first part of the token behind it. Two
tokens stay apart if no such two parts are merged while both are there, and a row of tokens is what BPE makes of its
text if that holds for each two neighbours (van Antwerpen and Neubeck 2024, "So many tokens, so little time").
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled
from gleanery.records.errors import StopRun
from gleanery.shards.chance import mix, u64

# Above all ranks of merges.
NO_MERGE = 0x7FFFFFFF
# Words of at most so many bytes that are one token are looked up at once.
SHORT_WORD = 8
# The longest token of which it is worked out how it is made; longer ones are runs of white space or of signs.
LONGEST_MADE = 64
# What is known of a token: the two that it is made from, and the rank of that merge. The rank is BYTE for a single
# byte, and UNSURE for a token that its own text does not give, that is too long, or whose parts are not made before it.
LEFT_PART, RIGHT_PART, RANK, PART_COLUMNS = 0, 1, 2, 4
BYTE, UNSURE = -1, -2


def merge_table(vocabulary: Mapping[str, int], merges: list[Any]) -> NDArray[np.uint64]:
    """A hash table with open addressing, uint64[slots, 2]: left id << 32 | right id, and rank << 32 | made id."""
    triples = np.zeros((len(merges), 3), np.uint64)
    try:
        for rank, merge in enumerate(merges):
            left, right = merge.split(" ") if isinstance(merge, str) else merge
            triples[rank] = vocabulary[left], vocabulary[right], vocabulary[left + right]
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        hint = "give a byte-level BPE tokenizer; if it is that of a release, fetch it again"
        raise StopRun("the tokenizer's merges do not fit its vocabulary", hint) from error
    slots = 1 << max(4, (2 * len(merges)).bit_length())
    table = np.full((slots, 2), np.uint64(0xFFFFFFFFFFFFFFFF))
    _insert(triples, table)
    return table


@compiled
def _insert(triples: NDArray[np.uint64], table: NDArray[np.uint64]) -> None:
    mask = u64(len(table) - 1)
    for rank in range(len(triples)):
        key = (triples[rank, 0] << u64(32)) | triples[rank, 1]
        slot = mix(key) & mask
        while table[slot, 0] != u64(0xFFFFFFFFFFFFFFFF) and table[slot, 0] != key:
            slot = (slot + u64(1)) & mask
        # `tokenizers` keeps the last of two equal merges.
        table[slot, 0] = key
        table[slot, 1] = (u64(rank) << u64(32)) | triples[rank, 2]


@compiled
def merged(ids: NDArray[np.int32], at: int, count: int, merges: NDArray[np.uint64], least: int = 1) -> int:
    """Merge ids[at : at + count] in place, pair by pair, the lowest rank first; returns how many are left.

    The ranks of all pairs stand behind them, as `rank_of` gives them. No more is merged when `least` are left.
    """
    ranks = at + count
    while count > least:
        best, place = NO_MERGE, 0
        for k in range(count - 1):
            if ids[ranks + k] < best:
                best, place = ids[ranks + k], k
        if best == NO_MERGE:
            break
        here = at + place
        ids[here] = _merge(ids[here], ids[here + 1], merges) & u64(0xFFFFFFFF)
        count -= 1
        for k in range(place + 1, count):
            ids[at + k] = ids[at + k + 1]
        for k in range(place + 1, count - 1):
            ids[ranks + k] = ids[ranks + k + 1]
        if place + 1 < count:
            ids[ranks + place] = rank_of(ids[here], ids[here + 1], merges)
        if place > 0:
            ids[ranks + place - 1] = rank_of(ids[here - 1], ids[here], merges)
    return count


@compiled
def rank_of(left: int, right: int, merges: NDArray[np.uint64]) -> int:
    """The rank at which two ids are merged, or NO_MERGE."""
    return int(_merge(left, right, merges) >> u64(32))


@compiled
def byte_ranks(bytes_ids: NDArray[np.int32], merges: NDArray[np.uint64]) -> NDArray[np.int32]:
    """The rank of each pair of bytes under 128, which stand first in every word."""
    found = np.empty(128 * 128, np.int32)
    for pair in range(len(found)):
        found[pair] = rank_of(bytes_ids[pair >> 7], bytes_ids[pair & 127], merges)
    return found


@compiled
def _merge(left: int, right: int, merges: NDArray[np.uint64]) -> int:
    """Rank << 32 | made id of a pair; NO_MERGE << 32 if there is none."""
    key, mask = (u64(left) << u64(32)) | u64(right), u64(len(merges) - 1)
    slot = mix(key) & mask
    while merges[slot, 0] != u64(0xFFFFFFFFFFFFFFFF):
        if merges[slot, 0] == key:
            found: int = merges[slot, 1]
            return found
        slot = (slot + u64(1)) & mask
    return u64(NO_MERGE) << u64(32)  # type: ignore[no-any-return]


@compiled
def short_words(
    content: NDArray[np.uint8], start: NDArray[np.int32], bytes_ids: NDArray[np.int32], merges: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """The short words that merge into one token."""
    slots = 16
    while slots < 2 * len(start):
        slots *= 2
    table, ids, mask = np.zeros((slots, 2), np.uint64), np.empty(2 * SHORT_WORD, np.int32), u64(slots - 1)
    for token in range(len(start) - 1):
        begin, end = start[token], start[token + 1]
        if not 0 < end - begin <= SHORT_WORD or content[end - 1] == 0:
            continue
        for k in range(begin, end):
            ids[k - begin] = bytes_ids[content[k]]
        for k in range(end - begin - 1):
            ids[end - begin + k] = rank_of(ids[k], ids[k + 1], merges)
        if merged(ids, 0, end - begin, merges) != 1 or ids[0] != token:
            continue
        word = packed(content, begin, end)
        slot = mix(word) & mask
        while table[slot, 0] != 0:
            slot = (slot + u64(1)) & mask
        table[slot, 0], table[slot, 1] = word, u64(token)
    return table


@compiled
def packed(text: NDArray[np.uint8], begin: int, end: int) -> int:
    """At most eight bytes as a number; different for each text whose last byte is not 0."""
    word = u64(0)
    for k in range(end - 1, begin - 1, -1):
        word = (word << u64(8)) | u64(text[k])
    found: int = word
    return found


@compiled
def parts_of(
    content: NDArray[np.uint8], start: NDArray[np.int32], bytes_ids: NDArray[np.int32], merges: NDArray[np.uint64]
) -> NDArray[np.int32]:
    """How each token is made, int32[tokens, 4]; see above."""
    found, ids = np.full((len(start) - 1, PART_COLUMNS), UNSURE, np.int32), np.empty(2 * LONGEST_MADE, np.int32)
    for token in range(len(found)):
        begin, count = start[token], start[token + 1] - start[token]
        if count == 1 and bytes_ids[content[begin]] == token:
            found[token, LEFT_PART], found[token, RIGHT_PART], found[token, RANK] = token, token, BYTE
        if not 1 < count <= LONGEST_MADE:
            continue
        for k in range(count):
            ids[k] = bytes_ids[content[begin + k]]
        for k in range(count - 1):
            ids[count + k] = rank_of(ids[k], ids[k + 1], merges)
        if merged(ids, 0, count, merges, 2) == 2 and _merge(ids[0], ids[1], merges) & u64(0xFFFFFFFF) == u64(token):
            found[token, LEFT_PART], found[token, RIGHT_PART] = ids[0], ids[1]
            found[token, RANK] = rank_of(ids[0], ids[1], merges)
    for token in range(len(found)):
        if found[token, RANK] >= 0 and not _is_made_in_turn(found, token):
            found[token, LEFT_PART] = UNSURE
    for token in range(len(found)):
        if found[token, LEFT_PART] == UNSURE:
            found[token, RANK] = UNSURE
    return found


@compiled
def _is_made_in_turn(parts: NDArray[np.int32], token: int) -> bool:
    """Whether a token's parts are known, and their ranks lower than its own."""
    for side in (LEFT_PART, RIGHT_PART):
        below = parts[parts[token, side], RANK]
        if below == UNSURE or below >= parts[token, RANK]:
            return False
    return True


@compiled
def stays_apart(left: int, right: int, parts: NDArray[np.int32], merges: NDArray[np.uint64]) -> bool:
    """Whether BPE makes these two tokens of their texts put together; false where that is not sure."""
    above_left = above_right = NO_MERGE  # the ranks at which what is looked at goes up in something longer
    while True:
        rank = rank_of(left, right, merges)
        # Of two equal merges that want the same part, the left one comes first.
        if rank < above_left and rank <= above_right and rank != NO_MERGE:
            return False
        one, other = parts[left, RANK], parts[right, RANK]
        if one == UNSURE or other == UNSURE:
            return False
        if one == BYTE and other == BYTE:
            return True
        if one > other:
            above_left, left = one, parts[left, RIGHT_PART]
        else:
            above_right, right = other, parts[right, LEFT_PART]
