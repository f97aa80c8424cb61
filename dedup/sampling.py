"""The inner loops of samples, compiled with numba: the smallest values of each set, and their order.

In: arrays. Out: arrays.
"""

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled


@compiled
def smallest_of_all(
    values: NDArray[np.uint64], offsets: NDArray[np.int64], below: np.uint64, least: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The values under a limit of each set `values[offsets[i]:offsets[i + 1]]`, sorted, and where each set's end.

    Of sets with fewer than `least` values, none.
    """
    ends = np.zeros(offsets.size, np.int64)
    count = 0
    for i in range(values.size):
        count += values[i] < below
    out = np.empty(count, np.uint64)
    count = 0
    for item in range(offsets.size - 1):
        first = count
        if offsets[item + 1] - offsets[item] >= least:
            for i in range(offsets[item], offsets[item + 1]):
                if values[i] < below:
                    out[count] = values[i]
                    count += 1
            out[first:count].sort()
        ends[item + 1] = count
    return out[:count].copy(), ends


@compiled
def order_of_bits(values: NDArray[np.uint64], shift: np.uint64) -> NDArray[np.int64]:
    """The order of some values by the 24 bits above the lowest `shift`; values with equal ones stay as they stand."""
    order, following = np.arange(values.size), np.empty(values.size, np.int64)
    for low in (shift, shift + np.uint64(12)):
        ends = np.zeros(4097, np.int64)
        for i in range(values.size):
            ends[((values[i] >> low) & np.uint64(4095)) + np.uint64(1)] += 1
        for digit in range(4096):
            ends[digit + 1] += ends[digit]
        for i in range(values.size):
            digit = (values[order[i]] >> low) & np.uint64(4095)
            following[ends[digit]] = order[i]
            ends[digit] += 1
        order, following = following, order
    return order
