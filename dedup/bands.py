"""Bands: which contents are similar enough to be worth a measurement.

In: signatures. Out: candidate pairs. A signature is cut into bands of a few numbers; two contents that agree in all
numbers of a band are candidates. 42 bands of 6 find 99.5 % of the pairs at similarity 0.7, together with many that are
less similar. A sieve then drops most of those: sizes that rule the threshold out, signatures that differ in too
many places, and code that is not the same anywhere. (The usual 25 bands of 10 find 51 % of the pairs at exactly 0.7.)

2.3 us for each of 100,000 signatures from numbers to clusters (planted documents, CPU time).
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from gleanery.dedup import buckets, sieving
from gleanery.dedup.kernels import readonly

# All pairs of a bucket of this size are looked at; see `plausible_pairs` for larger ones.
CROWD = 128
LEADERS = 4096
WITNESSES = 64  # of a kind: then a crowd has as many pairs for each member as a bucket of `CROWD`, for each kind
MOST, ENOUGH = 64, 8  # leaders that a member of a crowd is measured against: those most like it, those surely like it
_MISSED = 1e-6


@dataclass(frozen=True)
class Banding:
    """How a signature is cut. More bands find more pairs; more rows in a band find fewer, and only the more similar."""

    bands: int = 42
    rows: int = 6

    def __post_init__(self) -> None:
        if self.bands < 1 or self.rows < 1:
            raise ValueError("bands and rows must be 1 or more")


@dataclass(frozen=True)
class Sieve:
    """What a candidate must show before it is measured, for pairs at `threshold` or above.

    The Jaccard similarity of two sets is at most the smaller size over the larger one: that bound is exact. And of the
    numbers of two signatures J are equal on average, so that J + (1 - J) / 2^b are equal in b bits. `least` of them
    must be, so that one in a million pairs at the threshold is lost. One bit lets pairs pass from 0.47 on, two from
    0.53 on (a third would make it 0.55). `close` equal bits are what two contents at 1 - (1 - threshold) / 6 have, and
    `sure` numbers are equal in two bits at threshold + (1 - threshold) / 6.

    `near_code`: the share of the smaller one's code that two contents must have in common, 0 for none. By their marks
    (`marks`) it must be half of that, so that what has but a licence header in common is not measured; in a bucket of
    few members (32) only pairs below the threshold are asked (`likely`).
    """

    threshold: float = 0.7
    near_code: float = 0.0

    def least(self, numbers: int, bits: int) -> int:
        """How many of some numbers must be equal in so many bits each.

        >>> Sieve(0.7).least(256, 1), Sieve(0.7).least(256, 2)
        (188, 165)
        """
        chance = self.threshold + (1 - self.threshold) / 2**bits
        return next((k for k in range(numbers, 0, -1) if bdtr(k - 1, numbers, chance) <= _MISSED), 0)

    def close(self, bits: int) -> int:
        """How many of `bits`, one for each number, make a content the follower of another one in a crowd.

        >>> Sieve(0.7).close(256)
        250
        """
        return math.ceil(bits * (1 - (1 - self.threshold) / 12))

    def likely(self, numbers: int) -> int:
        """How many numbers of two contents at the threshold are equal in two bits, but for one pair in 1,000.

        >>> Sieve(0.7).likely(256)
        177
        """
        equal = self.threshold + (1 - self.threshold) / 4
        return max(2, int(numbers * equal - 3.1 * math.sqrt(numbers * equal * (1 - equal))))

    def sure(self, numbers: int) -> int:
        """How many numbers are equal in two bits where two contents are at or above the threshold beyond doubt.

        >>> Sieve(0.7).sure(256)
        208
        """
        return math.ceil(numbers * (1 - (1 - self.threshold) * 5 / 8))


@dataclass(frozen=True)
class Sketches:
    """What the sieve looks at, a row for each number that a member may have: `signature_bits`, and shingle counts.

    `marks` and `code`: the marks and the numbers of code shingles, for `Sieve.near_code`. `witnesses`: 0, or from 1 on
    the kind of what must meet as many of a crowd as it can. `standing`: numbers in columns, the first of which counts
    most; in a crowd the smaller ones lead. Each is empty if there are none.
    """

    bits: NDArray[np.uint64]
    sizes: NDArray[np.int64]
    marks: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0), np.uint8))
    code: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    witnesses: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    standing: NDArray[np.uint64] = field(default_factory=lambda: np.empty((0, 0), np.uint64))


@dataclass(frozen=True)
class Buckets:
    """Members that share a key. Bucket i: `members[starts[i]:starts[i + 1]]`, two or more, ascending, each once."""

    starts: NDArray[np.int64]
    members: NDArray[np.int64]
    keys: NDArray[np.uint64]


@dataclass(frozen=True)
class Candidates:
    """Distinct pairs, as `left << 32 | right` with left < right, sorted.

    `met`: pairs that shared a key and were looked at. `crowds`: buckets over `CROWD`, whose followers were not all
    compared with each other. `let_go`: members of such buckets that came after `LEADERS` leaders and follow none.
    """

    pairs: NDArray[np.uint64]
    met: int = 0
    crowds: int = 0
    let_go: int = 0

    @property
    def left(self) -> NDArray[np.int64]:
        """The smaller member of each pair."""
        return (self.pairs >> np.uint64(32)).astype(np.int64)

    @property
    def right(self) -> NDArray[np.int64]:
        """The larger member of each pair."""
        return (self.pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)


def expected_recall(jaccard: float, banding: Banding) -> float:
    """The chance that a pair of this similarity becomes a candidate: 1 - (1 - s^rows)^bands.

    >>> round(expected_recall(0.7, Banding()), 4), round(expected_recall(0.7, Banding(25, 10)), 2)
    (0.9948, 0.51)
    """
    return float(1 - (1 - jaccard**banding.rows) ** banding.bands)


def band_keys(signatures: NDArray[np.uint32], banding: Banding) -> NDArray[np.uint64]:
    """The key of each band: uint64[bands, n] from uint32[n, permutations].

    The number of the band is part of its key, so that keys of different bands can lie in one table. Two different bands
    share a 64-bit key only by chance, and such a pair fails verification. Raises ValueError if the signatures are
    shorter than bands times rows; what they have beyond that is not used.
    """
    used = banding.bands * banding.rows
    if signatures.ndim != 2 or signatures.shape[1] < used:
        raise ValueError(f"{banding.bands} bands of {banding.rows} rows need signatures of {used} numbers or more")
    return buckets.keys_of_bands(readonly(np.ascontiguousarray(signatures)), banding.bands, banding.rows)


def signature_bits(signatures: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Two bits for each number of a signature, for `Sketches`: uint64[n, 2 * (permutations // 64)].

    The first half of a row has the first bit of each number, the second half the second.
    """
    return sieving.bits_of_signatures(readonly(np.ascontiguousarray(signatures)))


def candidate_pairs(
    keys: NDArray[np.uint64], members: NDArray[np.integer[Any]], sketches: Sketches, sieve: Sieve
) -> Candidates:
    """The pairs of members that share a band key and pass the sieve.

    `keys` and `members` are the two columns of a table in any order, a row more than once or not. A member is a row of
    `sketches`, which may be mapped: only those that share a key are looked at. Contents without shingles must not be
    among them: all of those would meet.
    """
    return plausible_pairs(group(keys, members), sketches, sieve)


def group(keys: NDArray[np.uint64], members: NDArray[np.integer[Any]]) -> Buckets:
    """The buckets of two or more members. Sorts those that are not alone: 24 bytes for a row while it runs, at most."""
    if len(keys) != len(members):
        raise ValueError(f"the columns have {len(keys)} and {len(members)} rows")
    rows = buckets.repeated_rows(readonly(keys))
    bits = len(rows).bit_length()
    if bits > 31:
        raise ValueError(f"{len(rows)} rows are too many to be grouped at once")
    again, owners = readonly(keys[rows]), readonly(members[rows].astype(np.int64, copy=False))
    packed = buckets.packed_rows(again, bits)
    return Buckets(*buckets.buckets_in_order(readonly(packed), bits, again, owners))


def plausible_pairs(grouped: Buckets, sketches: Sketches, sieve: Sieve) -> Candidates:
    """The pairs of all buckets that pass the sieve; members are rows of `sketches`.

    Up to `CROWD` members, each pair of a bucket is looked at. Beyond that the number of pairs would grow with the
    square (a generated file has thousands of copies with another name in each). There members are taken by their
    `standing`, witnesses first. Each is paired with the leaders before it that are plausible, until `ENOUGH` of them
    are like it beyond doubt, and with `MOST` of them at most, those that seem most like it. One that found enough, or
    one whose signature is close to that of a leader, follows; any other is a leader itself, and so are the first
    `WITNESSES` witnesses of each kind, whomever they are like: each of these meets all that are no witnesses and that
    it may be similar to.

    What can be missed is a pair of two followers. If copies are kept in the order of their standing, it need not be:
    both are measured against those before them that they are like, and are dropped with the first of these that is
    kept. Where none of those is kept, the Jaccard distance is a metric, so d(x, y) <= d(x, leader) + d(leader, y).
    After `LEADERS` leaders in one bucket the work would grow with the square again: members that come later and follow
    none are paired with leaders only.
    """
    numbers = 32 * sketches.bits.shape[1]
    asks_for_code = sieve.near_code > 0 and sketches.marks.size > 0
    pairs, met, let_go = sieving.pairs_in_buckets(
        readonly(grouped.starts),
        readonly(grouped.members),
        readonly(sketches.bits),
        readonly(sketches.sizes),
        readonly(sketches.marks if asks_for_code else sketches.marks[:0]),
        readonly(sketches.code),
        readonly(sketches.witnesses),
        readonly(sketches.standing),
        sieve.least(numbers, 1),
        sieve.least(numbers, 2),
        sieve.threshold,
        sieve.near_code,
        sieve.likely(numbers),
        sieve.sure(numbers),
        sieve.close(numbers),
        CROWD,
        LEADERS,
        WITNESSES,
        ENOUGH,
        MOST,
    )
    return Candidates(np.unique(pairs), met, int(np.count_nonzero(np.diff(grouped.starts) > CROWD)), let_go)


def pairs_of_keys(keys: NDArray[np.uint64], sketches: Sketches, sieve: Sieve) -> Candidates:
    """The candidate pairs of signatures that fit into memory, as rows of them, from their uint64[bands, n] keys.

    Takes one band after the other, so that its rows stay in the processor's cache.
    """
    rows = np.arange(keys.shape[1])
    found = [candidate_pairs(one, rows, sketches, sieve) for one in keys]
    pairs = np.unique(np.concatenate([np.empty(0, np.uint64), *(one.pairs for one in found)]))
    met, crowds, let_go = (sum(getattr(one, name) for one in found) for name in ("met", "crowds", "let_go"))
    return Candidates(pairs, met, crowds, let_go)
