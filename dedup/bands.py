"""Bands: which blobs are similar enough to be worth a measurement.

In: signatures. Out: candidate pairs. A signature is cut into bands of a few numbers; two blobs that agree in all
numbers of a band are candidates. 42 bands of 6 find 99.5 % of the pairs at similarity 0.7, together with many that are
less similar, which verification then drops. (The usual 25 bands of 10 find 51 % of those at exactly 0.7.)

0.9 us of keys for a signature of 42 bands, and 0.4 us for each of its rows in the search for pairs (6,000 real files).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Rows: TypeAlias = NDArray[np.int64]
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Banding:
    """How a signature is cut. More bands find more pairs; more rows in a band find fewer, and only the more similar."""

    bands: int = 42
    rows: int = 6

    def __post_init__(self) -> None:
        if self.bands < 1 or self.rows < 1:
            raise ValueError("bands and rows must be 1 or more")


@dataclass(frozen=True)
class Candidates:
    """Distinct pairs: `left[i] < right[i]`, sorted. `capped` counts the buckets too large for all of their pairs."""

    left: NDArray[np.generic]
    right: NDArray[np.generic]
    capped: int


def expected_recall(jaccard: float, banding: Banding) -> float:
    """The chance that a pair of this similarity becomes a candidate: 1 - (1 - s^rows)^bands.

    >>> round(expected_recall(0.7, Banding()), 4), round(expected_recall(0.7, Banding(25, 10)), 2)
    (0.9948, 0.51)
    """
    return float(1 - (1 - jaccard**banding.rows) ** banding.bands)


def band_keys(signatures: NDArray[np.uint32], banding: Banding) -> NDArray[np.uint64]:
    """The key of each band: uint64[n, bands] from uint32[n, permutations].

    The number of the band is part of its key, so that keys of different bands can lie in one table. Two different bands
    share a 64-bit key only by chance, and such a pair fails verification. Raises ValueError if the signatures are
    shorter than bands times rows; what they have beyond that is not used.
    """
    used = banding.bands * banding.rows
    if signatures.ndim != 2 or signatures.shape[1] < used:
        raise ValueError(f"{banding.bands} bands of {banding.rows} rows need signatures of {used} numbers or more")
    cut = signatures[:, :used].reshape(len(signatures), banding.bands, banding.rows)
    keys: NDArray[np.uint64] = np.zeros(cut.shape[:2], np.uint64)
    keys += np.arange(1, banding.bands + 1, dtype=np.uint64) * _ODD
    for row in range(banding.rows):
        keys += cut[:, :, row]
        keys *= _ODD
        keys ^= keys >> np.uint64(32)
    return keys


def candidate_pairs(keys: NDArray[np.uint64], ids: NDArray[np.generic], max_bucket: int = 64) -> Candidates:
    """All pairs of ids that share a band key.

    `keys` and `ids` are the two columns of a table of n rows, in any order, a row more than once or not; `ids` is a
    fixed-width array of strings or bytes. Up to `max_bucket` members, each pair of a bucket is given. Beyond that the
    number of pairs would grow with the square (a licence text has thousands of copies with a changed name); then each
    member is paired with the smallest id and with its neighbour in the order of ids. Memory: about 32 bytes for each
    pair of each bucket.

    Bytes of an id that are zero at its end are kept in the array, but numpy cuts them off in `tolist()`.
    """
    if len(keys) != len(ids):
        raise ValueError(f"the columns have {len(keys)} and {len(ids)} rows")
    names, numbers = np.unique(ids, return_inverse=True)
    member, before, after = _buckets(keys, numbers.reshape(-1).astype(np.int64))
    large = before + after >= max_bucket
    found = chain(_all_pairs(member[~large], after[~large]), _sparse_pairs(member[large], before[large]))
    pairs = np.unique(np.concatenate([left * len(names) + right for left, right in found]))
    left, right = np.divmod(pairs, max(1, len(names)))
    return Candidates(names[left], names[right], int(np.count_nonzero(large & (before == 0))))


def _buckets(keys: NDArray[np.uint64], members: _Rows) -> tuple[_Rows, _Rows, _Rows]:
    """Distinct rows in the order of (key, member): the member, and how many of its bucket come before and after it."""
    order = np.lexsort((members, keys))
    keys, members = keys[order], members[order]
    fresh = np.flatnonzero((np.diff(keys, prepend=~keys[:1]) != 0) | (np.diff(members, prepend=-1) != 0))
    keys, members = keys[fresh], members[fresh]
    starts = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))
    sizes = np.diff(starts, append=len(keys))
    before = np.arange(len(keys)) - np.repeat(starts, sizes)
    return members, before, np.repeat(sizes, sizes) - before - 1


def _all_pairs(member: _Rows, after: _Rows) -> Iterator[tuple[_Rows, _Rows]]:
    """Each row with the row at distance 1, then 2, ... as far as its bucket goes."""
    distance, rows = 1, np.flatnonzero(after >= 1)
    while rows.size:
        yield member[rows], member[rows + distance]
        distance += 1
        rows = rows[after[rows] >= distance]


def _sparse_pairs(member: _Rows, before: _Rows) -> Iterator[tuple[_Rows, _Rows]]:
    """Each row with the first and with the previous one of its bucket."""
    rows = np.flatnonzero(before)
    yield member[rows - before[rows]], member[rows]
    yield member[rows - 1], member[rows]
