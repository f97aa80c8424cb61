"""The inner loops of the sieve, compiled with numba: bits of signatures, and the pairs of a bucket that pass.

In: signatures, or buckets and the bits of their members. Out: arrays. Integers only, but for one ratio of sizes.
"""

import numpy as np
from numpy.typing import NDArray

from gleanery.dedup.kernels import compiled

_ODD = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2, _M4 = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)


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
def _plausible(
    bits: NDArray[np.uint64],
    sizes: NDArray[np.int64],
    one: int,
    two: int,
    least_of_one_bit: int,
    least_of_two_bits: int,
    ratio: float,
) -> bool:
    """Whether two members may be similar enough: neither much smaller than the other, nor too different in bits."""
    small, large = min(sizes[one], sizes[two]), max(sizes[one], sizes[two])
    if small < ratio * large or _equal_bits(bits, one, two) < least_of_one_bit:
        return False
    words, different = bits.shape[1] // 2, np.uint64(0)
    for word in range(words):
        different += _ones((bits[one, word] ^ bits[two, word]) | (bits[one, words + word] ^ bits[two, words + word]))
    return bool(np.int64(64 * words) - np.int64(different) >= least_of_two_bits)


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
def _witnesses_first(
    members: NDArray[np.int64], kinds: NDArray[np.uint8], always_leading: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The same members, witnesses first, by their kind and then as they stood; and which of them lead in any case."""
    ordered: NDArray[np.int64] = np.empty(members.size, np.int64)
    leads: NDArray[np.bool_] = np.zeros(members.size, np.bool_)
    count, kinds_here = 0, int(kinds[members].max()) + 1
    for turn in range(1, kinds_here + 1):
        kind, start = turn % kinds_here, count
        for i in range(members.size):
            if kinds[members[i]] == kind:
                ordered[count] = members[i]
                leads[count] = kind > 0 and count - start < always_leading
                count += 1
    return ordered, leads


@compiled
def pairs_in_buckets(
    starts: NDArray[np.int64],
    members: NDArray[np.int64],
    bits: NDArray[np.uint64],
    sizes: NDArray[np.int64],
    least_of_one_bit: int,
    least_of_two_bits: int,
    ratio: float,
    crowd: int,
    close: int,
    leaders_kept: int,
    witnesses: NDArray[np.uint8],
    always_leading: int,
) -> tuple[NDArray[np.uint64], int, int]:
    """Plausible pairs of members of one bucket each, the pairs that were looked at, and the members that were let go.

    A pair is `left << 32 | right`. Bucket i has `members[starts[i]:starts[i + 1]]`, ascending, each once: rows of
    `bits` and `sizes`. Up to `crowd` members, all pairs are looked at. In a larger bucket a member that has `close`
    equal bits with a leader is given with that leader, and with the other leaders that are plausible; else it becomes a
    leader itself. Those with a kind in `witnesses` come first, and `always_leading` of each kind lead in any case.
    Beyond `leaders_kept` leaders a member is compared with the leaders only, and counted as let go.
    """
    pairs: NDArray[np.uint64] = np.empty(1024, np.uint64)
    count, looked, let_go = 0, 0, 0
    leaders = np.empty(leaders_kept, np.int64)
    no_one: NDArray[np.bool_] = np.zeros(0, np.bool_)
    for bucket in range(starts.size - 1):
        first, last = starts[bucket], starts[bucket + 1]
        if last - first <= crowd:
            for i in range(first, last):
                for j in range(i + 1, last):
                    looked += 1
                    one, two = members[i], members[j]
                    if _plausible(bits, sizes, one, two, least_of_one_bit, least_of_two_bits, ratio):
                        pairs = _added(pairs, count, one, two)
                        count += 1
            continue
        leading, ordered, leads = 0, members[first:last], no_one
        if witnesses.size:
            ordered, leads = _witnesses_first(ordered, witnesses, always_leading)
        for i in range(ordered.size):
            member, joined = ordered[i], False
            for n in range(leading):
                leader = leaders[n]
                looked += 1
                if _plausible(bits, sizes, leader, member, least_of_one_bit, least_of_two_bits, ratio):
                    pairs = _added(pairs, count, min(leader, member), max(leader, member))
                    count += 1
                    joined = joined or bool(_equal_bits(bits, leader, member) >= close)
            if not joined or (leads.size and leads[i]):
                if leading < leaders_kept:
                    leaders[leading] = member
                    leading += 1
                else:
                    let_go += 1
    return pairs[:count].copy(), looked, let_go
