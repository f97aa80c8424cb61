"""The inner loops of banding, compiled with numba: keys of bands, and who shares a key.

In: signatures, or keys. Out: arrays. Integers only, so every machine gives the same numbers.
This file calls nothing compiled in another file: numba's cache looks for changes in the file of a function alone.
"""

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled

_ODD = np.uint64(0x9E3779B97F4A7C15)


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
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]:
    """Starts, members and keys of the buckets of two or more distinct members, from `packed_rows`.

    Rows with the same upper 33 bits are looked at again by their whole keys.
    """
    low = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    order = np.uint64(31)
    grouped, starts = np.empty(keys.size, np.int64), np.empty(keys.size // 2 + 1, np.int64)
    shared = np.empty(keys.size // 2 + 1, np.uint64)
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
                        shared[count] = keys[rows[i - 1]]
                        count += 1
                        starts[count] = filled
                    else:
                        filled = begin
                    begin = filled
                if filled == begin or grouped[filled - 1] != members[rows[i]]:
                    grouped[filled] = members[rows[i]]
                    filled += 1
            if filled - begin > 1:
                shared[count] = keys[rows[rows.size - 1]]
                count += 1
                starts[count] = filled
            else:
                filled = begin
        first = last
    return starts[: count + 1].copy(), grouped[:filled].copy(), shared[:count].copy()
