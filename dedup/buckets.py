"""The inner loops of banding, compiled with numba: keys of bands, bit sketches, and the pairs of a bucket.

In: signatures, or rows that are sorted by key. Out: arrays. Integers only, so every machine gives the same numbers.
This file calls nothing compiled in another file: numba's cache looks for changes in the file of a function alone.
"""

import numpy as np
from numpy.typing import NDArray

from gleanery.dedup.kernels import compiled

_ODD = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2, _M4 = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)


@compiled
def keys_of_bands(signatures: NDArray[np.uint32], bands: int, rows: int) -> NDArray[np.uint64]:
    """One key for each band of each signature: uint64[bands, n]. The number of the band is part of its key."""
    keys = np.empty((bands, signatures.shape[0]), np.uint64)
    for start in range(0, signatures.shape[0], 16):  # 16 keys of a band fill two lines of the processor's cache
        for band in range(bands):
            for item in range(start, min(start + 16, signatures.shape[0])):
                key = np.uint64(band + 1) * _ODD
                for row in range(rows):
                    key = (key + np.uint64(signatures[item, band * rows + row])) * _ODD
                    key ^= key >> np.uint64(32)
                keys[band, item] = key
    return keys


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
def repeated_rows(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The rows whose key occurs again, and a few others: one in eight of those whose key does not.

    Two bits for each of eight places a row, chosen by the key: seen, and seen again. Sorting only what is left is what
    makes grouping cheap where most keys are alone.
    """
    width = 6
    while width < 34 and keys.size >> (width - 3) > 0:
        width += 1
    shift, low = np.uint64(64 - width), np.uint64(63)
    seen, again = np.zeros(1 << (width - 6), np.uint64), np.zeros(1 << (width - 6), np.uint64)
    for row in range(keys.size):
        place = (keys[row] * _ODD) >> shift
        bit = np.uint64(1) << (place & low)
        word = place >> np.uint64(6)
        again[word] |= seen[word] & bit
        seen[word] |= bit
    rows, count = np.empty(keys.size, np.int64), 0
    for row in range(keys.size):
        place = (keys[row] * _ODD) >> shift
        rows[count] = row
        count += int((again[place >> np.uint64(6)] >> (place & low)) & np.uint64(1))
    return rows[:count].copy()


@compiled
def packed_rows(keys: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    """The rows of some keys in the order of the upper part of the mixed key, with the row number in the lower `bits`.

    Mixed keys are as good as chance, so one pass cuts them into pieces of about 16 rows by their first bits; each piece
    is then sorted in place.
    """
    width = 1
    while width < 22 and keys.size >> (width + 4) > 0:
        width += 1
    shift = np.uint64(64 - width)
    ends = np.zeros((1 << width) + 1, np.int64)
    for row in range(keys.size):
        ends[((keys[row] * _ODD) >> shift) + np.uint64(1)] += 1
    for piece in range(1 << width):
        ends[piece + 1] += ends[piece]
    packed = np.empty(keys.size, np.uint64)
    for row in range(keys.size):
        mixed = keys[row] * _ODD
        piece = mixed >> shift
        packed[ends[piece]] = (mixed >> np.uint64(bits)) << np.uint64(bits) | np.uint64(row)
        ends[piece] += 1
    first = 0
    for piece in range(1 << width):
        _sort_values(packed[first : ends[piece]])
        first = ends[piece]
    return packed


@compiled
def _sort_values(values: NDArray[np.uint64]) -> None:
    """Sort a few values in place: a Shell sort, so that many are no disaster."""
    gap = 1
    while gap < values.size // 9:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, values.size):
            value, j = values[i], i
            while j >= gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value
        gap //= 3


@compiled
def _sort_rows(rows: NDArray[np.int64], keys: NDArray[np.uint64], members: NDArray[np.int64]) -> None:
    """Sort row numbers by key, then by member: a Shell sort, for they are few, or many and nearly in order."""
    gap = 1
    while gap < rows.size // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, rows.size):
            row, j = rows[i], i
            key, member = keys[row], members[row]
            while j >= gap and (
                keys[rows[j - gap]] > key or (keys[rows[j - gap]] == key and members[rows[j - gap]] > member)
            ):
                rows[j] = rows[j - gap]
                j -= gap
            rows[j] = row
        gap //= 3


@compiled
def buckets_in_order(
    packed: NDArray[np.uint64], bits: int, keys: NDArray[np.uint64], members: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and members of the buckets of two or more distinct members, from `packed_rows`.

    Rows with the same upper 33 bits are looked at again by their whole keys.
    """
    low = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    order = np.uint64(31)
    grouped, starts = np.empty(keys.size, np.int64), np.empty(keys.size // 2 + 1, np.int64)
    count, filled, first = 0, 0, 0
    starts[0] = 0
    while first < keys.size:
        last = first + 1
        while last < keys.size and packed[last] >> order == packed[first] >> order:
            last += 1
        if last - first > 1:
            rows = np.empty(last - first, np.int64)
            for i in range(first, last):
                rows[i - first] = np.int64(packed[i] & low)
            _sort_rows(rows, keys, members)
            begin = filled
            for i in range(rows.size):
                if i and keys[rows[i]] != keys[rows[i - 1]]:
                    if filled - begin > 1:
                        count += 1
                        starts[count] = filled
                    else:
                        filled = begin
                    begin = filled
                if filled == begin or grouped[filled - 1] != members[rows[i]]:
                    grouped[filled] = members[rows[i]]
                    filled += 1
            if filled - begin > 1:
                count += 1
                starts[count] = filled
            else:
                filled = begin
        first = last
    return starts[: count + 1].copy(), grouped[:filled].copy()


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
) -> tuple[NDArray[np.uint64], int, int]:
    """Plausible pairs of members of one bucket each, the pairs that were looked at, and the members that were let go.

    A pair is `left << 32 | right`. Bucket i has `members[starts[i]:starts[i + 1]]`, ascending, each once: rows of
    `bits` and `sizes`. Up to `crowd` members, all pairs are looked at. In a larger bucket a member that has `close`
    equal bits with a leader is given with that leader, and with the other leaders that are plausible; else it becomes a
    leader itself. Beyond `leaders_kept` leaders a member is compared with the leaders only, and counted as let go.
    """
    pairs: NDArray[np.uint64] = np.empty(1024, np.uint64)
    count, looked, let_go = 0, 0, 0
    leaders = np.empty(leaders_kept, np.int64)
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
        leading = 0
        for i in range(first, last):
            joined = False
            for n in range(leading):
                leader = leaders[n]
                looked += 1
                if _plausible(bits, sizes, leader, members[i], least_of_one_bit, least_of_two_bits, ratio):
                    pairs = _added(pairs, count, leader, members[i])
                    count += 1
                    joined = joined or bool(_equal_bits(bits, leader, members[i]) >= close)
            if not joined:
                if leading < leaders_kept:
                    leaders[leading] = members[i]
                    leading += 1
                else:
                    let_go += 1
    return pairs[:count].copy(), looked, let_go


@compiled
def plant(parents: NDArray[np.uint32]) -> None:
    """Make each node its own parent, in place."""
    for i in range(parents.size):
        parents[i] = np.uint32(i)


@compiled
def join(parents: NDArray[np.uint32], left: NDArray[np.int64], right: NDArray[np.int64]) -> None:
    """Union of the trees of each pair, in place; the smaller root becomes the parent. Paths are halved on the way."""
    for i in range(left.size):
        a, b = np.uint32(left[i]), np.uint32(right[i])
        while parents[a] != a:
            parents[a] = parents[parents[a]]
            a = parents[a]
        while parents[b] != b:
            parents[b] = parents[parents[b]]
            b = parents[b]
        if a < b:
            parents[b] = a
        elif b < a:
            parents[a] = b


@compiled
def settle_roots(parents: NDArray[np.uint32]) -> None:
    """Make the root of each node its parent, in place. A parent is never above its child: one pass is enough."""
    for i in range(parents.size):
        parents[i] = parents[parents[i]]
