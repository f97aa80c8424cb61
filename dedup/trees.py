"""The inner loops of clusters, compiled with numba: trees as an array in which each node names its parent.

In: such an array, and pairs that belong together. Out: the array, changed in place. 4 bytes for each node.
"""

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled


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
