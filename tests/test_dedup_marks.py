"""Marks: what they say of the code that two contents have in common, and that order plays no part."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gleanery.dedup.bands import Sieve, Sketches, candidate_pairs
from gleanery.dedup.marks import BINS, marks_of
from gleanery.dedup.signatures import ShingleSets

HASHES = st.integers(0, 2**64 - 1) | st.integers(0, 3) | st.builds(lambda n: n << 56, st.integers(0, 255))


def _sets(sets: list[list[int]]) -> ShingleSets:
    values = np.array([value for one in sets for value in one], np.uint64)
    return ShingleSets(values, np.cumsum([0, *(len(one) for one in sets)]))


@given(st.lists(st.lists(HASHES, unique=True, max_size=12), max_size=4), st.randoms())
def test_a_mark_is_a_byte_of_the_smallest_of_its_bin_in_any_order(sets: list[list[int]], chance: object) -> None:
    marks = marks_of(_sets(sets), [b""] * len(sets))
    assert marks.shape == (len(sets), BINS)
    for one, row in zip(sets, marks.tolist(), strict=True):
        for place in range(BINS):
            inside = [value for value in one if value >> 56 == place]
            assert row[place] == (max(1, min(inside) & 255) if inside else 0)
        chance.shuffle(one)  # type: ignore[attr-defined]
    assert (marks_of(_sets(sets), [b""] * len(sets)) == marks).all()


def _meet(
    sizes: tuple[int, int], shared: int, seed: int, near_code: float = 0.2, digests: tuple[bytes, bytes] = (b"", b"")
) -> bool:
    """Whether two contents that nothing else tells apart pass the sieve with so much code in common."""
    values = np.random.default_rng(seed).integers(0, 2**63, sum(sizes)).astype(np.uint64) * np.uint64(2)
    one, two = values[: sizes[0]], values[sizes[0] - shared : sizes[0] - shared + sizes[1]]
    marks = marks_of(_sets([one.tolist(), two.tolist()]), digests)
    sketches = Sketches(np.empty((2, 0), np.uint64), np.ones(2, np.int64), marks, np.array(sizes))
    return bool(len(candidate_pairs(np.zeros(2, np.uint64), np.arange(2), sketches, Sieve(0.7, near_code)).pairs))


@pytest.mark.parametrize("sizes", [(1, 1), (5, 5), (30, 30), (30, 60), (300, 300), (3000, 2000)])
def test_contents_with_enough_code_in_common_meet_and_those_with_none_do_not(sizes: tuple[int, int]) -> None:
    enough = max(1, round(0.3 * min(sizes)))
    assert sum(_meet(sizes, enough, seed) for seed in range(200)) >= 192
    assert sum(_meet(sizes, 0, seed) for seed in range(200)) <= 2
    assert all(_meet(sizes, 0, seed, near_code=0.0) for seed in range(3))


def test_what_has_no_code_meets_what_has_none_either() -> None:
    assert _meet((0, 0), 0, 1) and not _meet((0, 7), 0, 1)


def test_code_that_is_too_short_for_a_shingle_is_the_same_or_is_not() -> None:
    one, two = bytes(range(16)), bytes(range(1, 17))
    assert _meet((0, 0), 0, 1, digests=(one, one))
    assert not any(_meet((0, 0), 0, 1, digests=pair) for pair in ((one, two), (one, b""), (b"", two)))
    assert not _meet((0, 7), 0, 1, digests=(one, b""))
