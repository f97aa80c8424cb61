"""The inner loops of measuring, compiled with numba: how many values two sets have in common.

In: sets as arrays of values. Out: counts. Linear in the sizes of both.
"""

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled


@compiled
def shared(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> int:
    """The number of values in both arrays; each is sorted and holds a value once."""
    count, i, j = 0, 0, 0
    while i < a.size and j < b.size:
        x, y = a[i], b[j]
        count += x == y
        i += x <= y
        j += y <= x
    return count


@compiled
def shared_of_pairs(
    values: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    other_values: NDArray[np.uint64],
    other_offsets: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    secret: np.uint64,
) -> NDArray[np.int64]:
    """For each pair, the number of values that set `left[i]` of the first and `right[i]` of the second sets share.

    A set holds a value once, in any order. The set on the left is put into a hash table, which stays for as long as
    the pairs that follow have the same one. It is at least four times as large as the set: then most values are found,
    or not found, at the first look. `secret` is odd and chooses the places, see `kernels`.
    """
    out = np.zeros(left.size, np.int64)
    table, size, stored, has_zero = np.zeros(16, np.uint64), 16, -1, np.int64(0)
    shift = np.uint64(60)
    for i in range(left.size):
        if left[i] != stored:
            stored = left[i]
            first, last = offsets[stored], offsets[stored + 1]
            bits = 4
            while 1 << bits < 4 * (last - first):
                bits += 1
            size, shift = 1 << bits, np.uint64(64 - bits)
            if size > table.size:
                table = np.zeros(size, np.uint64)
            has_zero = _fill(table[:size], values[first:last], secret, shift)
        first, last = other_offsets[right[i]], other_offsets[right[i] + 1]
        out[i] = _found(table[:size], has_zero, other_values[first:last], secret, shift)
    return out


@compiled
def _fill(table: NDArray[np.uint64], values: NDArray[np.uint64], secret: np.uint64, shift: np.uint64) -> np.int64:
    """Make a hash table of some values, and say whether 0 is among them, which in the table is an empty place."""
    table[:] = 0
    mask, has_zero = np.uint64(table.size - 1), np.int64(0)
    for n in range(values.size):
        x = values[n]
        has_zero |= np.int64(x == 0)
        place = (x * secret) >> shift
        while table[place] != 0:
            place = (place + np.uint64(1)) & mask
        table[place] = x
    return has_zero


@compiled
def _found(
    table: NDArray[np.uint64], has_zero: np.int64, values: NDArray[np.uint64], secret: np.uint64, shift: np.uint64
) -> np.int64:
    """How many of some values are in a hash table. A function of its own: in a larger one it takes twice as long."""
    mask, count, zero = np.uint64(table.size - 1), np.int64(0), np.int64(0)
    for n in range(values.size):
        x = values[n]
        zero |= np.int64(x == 0)
        place = (x * secret) >> shift
        stored = table[place]
        while stored != 0 and stored != x:
            place = (place + np.uint64(1)) & mask
            stored = table[place]
        count += np.int64(stored == x)
    return count - zero + (zero & has_zero)
