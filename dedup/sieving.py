"""The inner loops of the sieve, compiled with numba: bits of signatures, and the pairs of a bucket that pass.

In: signatures, or buckets and the bits of their members. Out: arrays. Integers only, but for one ratio of sizes.
"""

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled

_ODD = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2, _M4 = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)


# In buckets of so many, pairs at the threshold are measured even if they have no code in common: there are not many.
_FEW = 32


@compiled
def bits_of_signatures(signatures: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Two bits for each number of each signature: uint64[n, 2 * words], 64 first bits to a word, then the second bits.

    Equal numbers give equal bits; two different ones do so half of the time in each. Numbers past the last word are
    unused.
    """
    words = signatures.shape[1] // 64
    bits = np.zeros((signatures.shape[0], 2 * words), np.uint64)
    one = np.uint64(1)
    for item in range(signatures.shape[0]):
        for word in range(words):
            first, second = np.uint64(0), np.uint64(0)
            for place in range(64):
                x = np.uint64(signatures[item, word * 64 + place]) * _ODD
                x ^= x >> np.uint64(29)
                x *= _ODD
                first |= (x >> np.uint64(63)) << np.uint64(place)
                second |= ((x >> np.uint64(62)) & one) << np.uint64(place)
            bits[item, word], bits[item, words + word] = first, second
    return bits


@compiled
def _ones(x: np.uint64) -> np.uint64:
    """How many bits of a word are set."""
    x -= (x >> np.uint64(1)) & _M1
    x = (x & _M2) + ((x >> np.uint64(2)) & _M2)
    x = (x + (x >> np.uint64(4))) & _M4
    return (x * _BYTES) >> np.uint64(56)


@compiled
def _equal_bits(bits: NDArray[np.uint64], one: int, two: int) -> np.int64:
    """How many first bits of two rows are equal."""
    words, different = bits.shape[1] // 2, np.uint64(0)
    for word in range(words):
        different += _ones(bits[one, word] ^ bits[two, word])
    return np.int64(64 * words) - np.int64(different)


@compiled
def _alike(
    bits: NDArray[np.uint64],
    sizes: NDArray[np.int64],
    one: int,
    two: int,
    least_of_one_bit: int,
    least_of_two_bits: int,
    ratio: float,
) -> np.int64:
    """How many numbers of two members are equal in two bits; 0 if one is much smaller, or they are too different."""
    small, large = min(sizes[one], sizes[two]), max(sizes[one], sizes[two])
    if small < ratio * large or _equal_bits(bits, one, two) < least_of_one_bit:
        return np.int64(0)
    words, different = bits.shape[1] // 2, np.uint64(0)
    for word in range(words):
        different += _ones((bits[one, word] ^ bits[two, word]) | (bits[one, words + word] ^ bits[two, words + word]))
    equal = np.int64(64 * words) - np.int64(different)
    return max(np.int64(1), equal) if equal >= least_of_two_bits else np.int64(0)


@compiled
def _code_in_common(
    marks: NDArray[np.uint8],
    code: NDArray[np.int64],
    bits: NDArray[np.uint64],
    sizes: NDArray[np.int64],
    one: int,
    two: int,
    equal_numbers: np.int64,
    share: float,
) -> float:
    """How much code two members have in common by their marks, 1 for `share` of the smaller one's.

    `code`: their numbers of code shingles. Of the bins that one of the two has a mark in, as many have equal marks as
    shingles of both are among all of the two. At least 1 if what they have in common, by their equal numbers, is far
    more than all comments of one: then one says as a comment what the other says as code.
    """
    small, large = min(code[one], code[two]), max(code[one], code[two])
    used, equal = 0, 0
    for place in range(marks.shape[1]):
        x, y = marks[one, place], marks[two, place]
        used += (x | y) != 0
        equal += (x == y) & (x != 0)
    if large == 0:
        return 2.0 if used == equal else 0.0
    common = 0.0
    if small > 0 and equal > 0:
        common = float(equal * (small + large - share * small) / (used * share * small))
    if common < 1 and bits.shape[1] > 0:
        alike = (equal_numbers / (32 * bits.shape[1]) - 0.25) / 0.75
        shared = alike / (1 + alike) * (sizes[one] + sizes[two])
        comments = max(0, min(sizes[one] - code[one], sizes[two] - code[two]))
        if shared - comments >= max(8.0, 0.5 * large):
            common = 1.0
    return common


@compiled
def _added(pairs: NDArray[np.uint64], count: int, left: int, right: int) -> NDArray[np.uint64]:
    """The same array with a pair at `count`, or a larger one."""
    if count == pairs.size:
        larger = np.empty(2 * pairs.size, np.uint64)
        larger[:count] = pairs
        pairs = larger
    pairs[count] = np.uint64(left) << np.uint64(32) | np.uint64(right)
    return pairs


@compiled
def _in_turn(
    members: NDArray[np.int64], kinds: NDArray[np.uint8], standing: NDArray[np.uint64], always_leading: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The same members, witnesses first, by their kind, and by their standing; and which lead in any case."""
    ordered: NDArray[np.int64] = members.copy()
    if standing.size:
        for column in range(standing.shape[1] - 1, -1, -1):  # from the last one to the first, each sort being stable
            ordered = ordered[np.argsort(standing[ordered, column], kind="mergesort")]
    leads: NDArray[np.bool_] = np.zeros(members.size, np.bool_)
    if not kinds.size:
        return ordered, leads
    by_standing, count, kinds_here = ordered.copy(), 0, int(kinds[members].max()) + 1
    for turn in range(1, kinds_here + 1):
        kind, start = turn % kinds_here, count
        for i in range(members.size):
            if kinds[by_standing[i]] == kind:
                ordered[count] = by_standing[i]
                leads[count] = kind > 0 and count - start < always_leading
                count += 1
    return ordered, leads


@compiled
def pairs_in_buckets(
    starts: NDArray[np.int64],
    members: NDArray[np.int64],
    bits: NDArray[np.uint64],
    sizes: NDArray[np.int64],
    marks: NDArray[np.uint8],
    code: NDArray[np.int64],
    witnesses: NDArray[np.uint8],
    standing: NDArray[np.uint64],
    least_of_one_bit: int,
    least_of_two_bits: int,
    ratio: float,
    share: float,
    likely: int,
    sure: int,
    close: int,
    crowd: int,
    leaders_kept: int,
    always_leading: int,
    enough: int,
    most: int,
) -> tuple[NDArray[np.uint64], int, int]:
    """Plausible pairs of members of one bucket each, the pairs that were looked at, and the members that were let go.

    A pair is `left << 32 | right`. Bucket i has `members[starts[i]:starts[i + 1]]`, ascending, each once: rows of the
    arrays. Up to `crowd` members, all pairs are looked at; in a bucket of few, those with `likely` equal numbers
    are given whatever code they have in common. In a larger bucket members come in turn (`_in_turn`). Each
    is given with the leaders that are plausible, until `enough` of them are like it beyond doubt: `sure` numbers are
    equal in two bits, and twice the code that must be in common, or so much more that only half of the rest is missing.
    If they are more than `most`, then with those whose numbers are most alike (and those that equal the last of these).
    One that found enough, or has `close` equal bits with a leader, follows; any other becomes a leader itself, and so
    do `always_leading` witnesses of each kind. Witnesses that lead are given with all that are no witnesses. Beyond
    `leaders_kept` leaders a member is compared with the leaders only, and counted as let go.
    """
    pairs: NDArray[np.uint64] = np.empty(1024, np.uint64)
    count, looked, let_go = 0, 0, 0
    leaders, plausible = np.empty(leaders_kept, np.int64), np.empty(leaders_kept, np.int64)
    beyond_doubt = min(2.0, 0.5 + 0.5 / max(share, 0.25))  # in units of `share`
    likeness: NDArray[np.int64] = np.empty(leaders_kept, np.int64)
    for bucket in range(starts.size - 1):
        first, last = starts[bucket], starts[bucket + 1]
        if last - first <= crowd:
            for i in range(first, last):
                for j in range(i + 1, last):
                    looked += 1
                    one, two = members[i], members[j]
                    equal = _alike(bits, sizes, one, two, least_of_one_bit, least_of_two_bits, ratio)
                    if equal and (
                        not marks.size
                        or (equal >= likely and last - first <= _FEW)
                        or 2 * _code_in_common(marks, code, bits, sizes, one, two, equal, share) >= 1
                    ):
                        pairs = _added(pairs, count, one, two)
                        count += 1
            continue
        ordered, leads = _in_turn(members[first:last], witnesses, standing, always_leading)
        leading, bearing = 0, 0  # the leaders, and how many of them are witnesses: those come first
        for i in range(ordered.size):
            member, joined, met, found = ordered[i], False, 0, 0
            bears = witnesses.size > 0 and witnesses[member] > 0
            for n in range(leading):
                for_all = n < bearing and not bears
                if found >= enough and not for_all and (joined or not bears):
                    break
                leader = leaders[n]
                looked += 1
                equal = _alike(bits, sizes, leader, member, least_of_one_bit, least_of_two_bits, ratio)
                if not equal:
                    continue
                common = 2.0
                if marks.size:
                    common = _code_in_common(marks, code, bits, sizes, leader, member, equal, share)
                if 2 * common < 1:
                    continue
                if for_all:
                    pairs = _added(pairs, count, min(leader, member), max(leader, member))
                    count += 1
                    continue
                joined = joined or bool(_equal_bits(bits, leader, member) >= close)
                if found < enough:
                    plausible[met], likeness[met] = leader, equal
                    met += 1
                    found += int(equal >= sure and common >= beyond_doubt)
            least = np.sort(likeness[:met])[met - most] if met > most else np.int64(0)
            for n in range(met):
                if likeness[n] >= least:
                    pairs = _added(pairs, count, min(plausible[n], member), max(plausible[n], member))
                    count += 1
            follows = joined or (found >= enough and not bears)
            if not follows or leads[i]:
                if leading < leaders_kept:
                    leaders[leading] = member
                    leading += 1
                    bearing += int(bears)
                else:
                    let_go += 1
    return pairs[:count].copy(), looked, let_go
