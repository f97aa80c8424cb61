"""Bands, candidates and clusters: what is found, what it costs, and that order plays no part."""

import itertools
import random
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gleanery.dedup.bands import (
    CROWD,
    LEADERS,
    MOST,
    WITNESSES,
    Banding,
    Candidates,
    Sieve,
    Sketches,
    band_keys,
    candidate_pairs,
    expected_recall,
    group,
    pairs_of_keys,
    signature_bits,
)
from gleanery.dedup.clusters import Forest, components
from gleanery.dedup.signatures import Parameters, sign
from gleanery.dedup.verify import jaccard

Row = tuple[int, int]
ROWS = st.lists(st.tuples(st.integers(0, 5) | st.just(2**64 - 1), st.integers(0, 11)), max_size=60)
EDGES = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=30)
SIEVE = Sieve(0.7)


def _pairs(rows: list[Row]) -> set[tuple[int, int]]:
    keys, members = np.array([k for k, _ in rows], np.uint64), np.array([i for _, i in rows], np.int64)
    found = candidate_pairs(keys, members, _blank(12), SIEVE)
    pairs = list(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    return set(pairs)


def _blank(rows: int) -> Sketches:
    """Sketches that pass every sieve: no bits, and one size."""
    return Sketches(np.empty((rows, 0), np.uint64), np.ones(rows, np.int64))


def _plain_pairs(rows: list[Row]) -> set[tuple[int, int]]:
    buckets: dict[int, set[int]] = defaultdict(set)
    for key, member in rows:
        buckets[key].add(member)
    return {pair for bucket in buckets.values() for pair in itertools.combinations(sorted(bucket), 2)}


@given(ROWS, st.permutations(range(60)))
@settings(deadline=None)
def test_candidates_are_those_of_the_plain_rule_in_any_order(rows: list[Row], order: list[int]) -> None:
    assert _pairs(rows) == _plain_pairs(rows)
    shuffled = [rows[i] for i in order if i < len(rows)]
    assert _pairs(shuffled + rows[:3]) == _pairs(rows)


@pytest.mark.parametrize("distance", [0, 1, 1 << 20])
def test_keys_that_begin_alike_are_told_apart(distance: int) -> None:
    """More rows than the sort looks at bits for: rows of different keys that it cannot order are ordered afterwards."""
    chance = np.random.default_rng(5)
    keys = np.uint64(1 << 63) + chance.integers(0, 300, 5000).astype(np.uint64) * np.uint64(distance)
    members = chance.integers(0, 1 << 40, 5000)
    grouped = group(keys, members)
    buckets: dict[int, set[int]] = defaultdict(set)
    for key, member in zip(keys.tolist(), members.tolist(), strict=True):
        buckets[key].add(member)
    ends = zip(grouped.starts, grouped.starts[1:], strict=False)
    found = [grouped.members[first:last].tolist() for first, last in ends]
    assert sorted(found) == sorted(sorted(b) for b in buckets.values() if len(b) > 1)


def test_the_columns_must_be_of_one_length() -> None:
    with pytest.raises(ValueError, match="2 and 1 rows"):
        group(np.zeros(2, np.uint64), np.zeros(1, np.int64))


def _family(chance: np.random.Generator, copies: int, kept: float, size: int = 400) -> list[NDArray[np.uint64]]:
    """Sets that each hold a share of one set, and values of their own for the rest."""
    common = chance.integers(0, 1 << 63, size).astype(np.uint64)
    sets = []
    for _ in range(copies):
        own = chance.integers(0, 1 << 63, size - int(kept * size)).astype(np.uint64)
        sets.append(np.unique(np.concatenate([chance.permutation(common)[: int(kept * size)], own])))
    return sets


def _sieved(sets: list[NDArray[np.uint64]]) -> tuple[Candidates, dict[tuple[int, int], float]]:
    signatures = np.stack([sign(one, Parameters()) for one in sets])
    found = pairs_of_keys(
        band_keys(signatures, Banding()),
        Sketches(signature_bits(signatures), np.array([len(one) for one in sets])),
        SIEVE,
    )
    pairs = zip(found.left.tolist(), found.right.tolist(), strict=True)
    return found, {(i, j): jaccard(sets[i], sets[j]) for i, j in pairs}


@pytest.mark.parametrize("kept", [0.7, 0.8, 0.83, 0.9, 0.97])
def test_the_sieve_loses_no_similar_pair(kept: float) -> None:
    """100 sets: under the size of a crowd, so every pair at or above the threshold that shares a band is there."""
    sets = _family(np.random.default_rng(3), 100, kept)
    signatures = np.stack([sign(one, Parameters()) for one in sets])
    keys = band_keys(signatures, Banding())
    met = {(i, j) for i, j in itertools.combinations(range(100), 2) if (keys[:, i] == keys[:, j]).any()}
    _, found = _sieved(sets)
    true = {pair for pair in met if jaccard(sets[pair[0]], sets[pair[1]]) >= 0.7}
    assert true <= set(found)
    assert set(found) <= met


def test_the_sieve_drops_what_is_too_small_or_too_different() -> None:
    base = np.arange(1, 401, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    _, found = _sieved([base, base[:270], base[:290]])
    assert set(found) == {(0, 2), (1, 2)}


@pytest.mark.parametrize("kept", [0.86, 0.92, 0.97])
def test_what_a_crowd_hides_follows_from_the_measured_distances(kept: float) -> None:
    """Every pair at threshold + 2 r is given, or is shown to be similar by way of a leader at the distance r."""
    sets = _family(np.random.default_rng(9), CROWD + 60, kept, 200)
    rows, signatures = np.arange(len(sets)), np.stack([sign(one, Parameters()) for one in sets])
    sketches = Sketches(signature_bits(signatures), np.array([len(one) for one in sets]))
    found = candidate_pairs(np.zeros(len(sets), np.uint64), rows, sketches, SIEVE)
    assert found.crowds == 1
    pairs = zip(found.left.tolist(), found.right.tolist(), strict=True)
    measured = {(i, j): jaccard(sets[i], sets[j]) for i, j in pairs}
    near: dict[int, dict[int, float]] = defaultdict(dict)
    for (i, j), similarity in measured.items():
        near[i][j] = near[j][i] = 1 - similarity
    for i, j in itertools.combinations(range(len(sets)), 2):
        similarity = jaccard(sets[i], sets[j])
        if (i, j) in measured or similarity < 0.7:
            continue
        shown = min(near[i][leader] + near[j][leader] for leader in near[i].keys() & near[j].keys())
        radius = min(min(near[i].values()), min(near[j].values()))
        assert shown <= 0.3 or similarity < 0.7 + 2 * radius


@pytest.mark.parametrize("kept", [0.86, 0.92, 0.99])
def test_in_a_crowd_a_witness_meets_all_others_that_it_is_like_unless_too_many_are_of_its_kind(kept: float) -> None:
    sets = _family(np.random.default_rng(9), CROWD + 60, kept, 200)
    rows, signatures = np.arange(len(sets)), np.stack([sign(one, Parameters()) for one in sets])
    kinds = np.zeros(len(sets), np.uint8)
    kinds[20 : 20 + WITNESSES], kinds[10], kinds[90:180] = 3, 1, 2
    sketches = Sketches(signature_bits(signatures), np.array([len(one) for one in sets]), witnesses=kinds)
    found = candidate_pairs(np.zeros(len(sets), np.uint64), rows, sketches, SIEVE)
    pairs = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert found.crowds == 1 and all(one < two for one, two in pairs)
    for one, two in itertools.combinations(range(len(sets)), 2):
        if {kinds[one], kinds[two]} in ({0, 1}, {0, 3}):
            assert (one, two) in pairs or jaccard(sets[one], sets[two]) < 0.7


@pytest.mark.parametrize("kept", [0.9, 0.92, 0.95])
def test_in_a_crowd_each_is_measured_against_few_and_what_stays_is_unlike(kept: float) -> None:
    """At similarities of 0.68 to 0.82 nobody is close to anybody; whoever leads is whom the keeper takes first."""
    chance = np.random.default_rng(9)
    sets = [one for _ in range(2) for one in _family(chance, 500, kept, 200)]
    standing = np.column_stack((chance.integers(0, 4, len(sets)), chance.permutation(len(sets)))).astype(np.uint64)
    signatures = np.stack([sign(one, Parameters()) for one in sets])
    sketches = Sketches(signature_bits(signatures), np.array([len(one) for one in sets]), standing=standing)
    found = pairs_of_keys(band_keys(signatures, Banding()), sketches, SIEVE)
    assert found.crowds and len(found.left) < 250 * len(sets)  # most of all are plausible: 499 for each
    like: dict[int, set[int]] = defaultdict(set)
    for i, j in zip(found.left.tolist(), found.right.tolist(), strict=True):
        if jaccard(sets[i], sets[j]) >= 0.7:
            like[i].add(j)
            like[j].add(i)
    stays: set[int] = set()
    for member in np.lexsort((standing[:, 1], standing[:, 0])).tolist():
        if not like[member] & stays:
            stays.add(member)
    missed = [jaccard(sets[i], sets[j]) for i, j in itertools.combinations(stays, 2)]
    assert max(missed) < 0.77 and sum(similarity >= 0.7 for similarity in missed) < len(sets) / 20


def test_a_member_of_a_crowd_is_measured_against_the_leaders_that_seem_most_like_it() -> None:
    """A star whose hub is the last to come: all others lead, and are hardly like each other."""
    chance = np.random.default_rng(2)
    hub = chance.integers(0, 1 << 63, 400).astype(np.uint64)
    sets = [
        np.append(chance.permutation(hub)[:330], chance.integers(0, 1 << 63, 20).astype(np.uint64)) for _ in range(300)
    ]
    sets.append(np.append(sets[7][:345], chance.integers(0, 1 << 63, 30).astype(np.uint64)))
    signatures = np.stack([sign(one, Parameters()) for one in sets])
    sketches = Sketches(signature_bits(signatures), np.array([len(one) for one in sets]))
    found = candidate_pairs(np.zeros(len(sets), np.uint64), np.arange(len(sets)), sketches, SIEVE)
    pairs = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert (7, 300) in pairs and len(pairs) < 1.2 * MOST * len(sets)


def test_a_huge_crowd_of_witnesses_makes_few_pairs() -> None:
    rows = 10_000
    sketches = Sketches(np.empty((rows, 0), np.uint64), np.ones(rows, np.int64), witnesses=np.ones(rows, np.uint8))
    found = candidate_pairs(np.zeros(rows, np.uint64), np.arange(rows), sketches, SIEVE)
    assert len(found.left) < rows * WITNESSES and found.let_go == 0


def test_a_huge_crowd_makes_few_pairs_and_hangs_together() -> None:
    rows = 100_000
    keys, members = np.zeros(rows, np.uint64), np.random.default_rng(1).permutation(rows)
    found = candidate_pairs(keys, members, _blank(rows), SIEVE)
    assert (len(found.left), found.crowds, found.let_go) == (rows - 1, 1, 0)
    forest = Forest(rows)
    forest.join(found.left, found.right)
    assert not forest.smallest().any()


def test_a_crowd_of_strangers_takes_bounded_work() -> None:
    """8,000 members that share a key and nothing else: no one follows another, and the leaders are limited."""
    rows, chance = 8_000, np.random.default_rng(2)
    bits = chance.integers(0, 1 << 63, (rows, 8)).astype(np.uint64)
    sketches = Sketches(bits, np.ones(rows, np.int64))
    found = candidate_pairs(np.zeros(rows, np.uint64), np.arange(rows), sketches, SIEVE)
    assert found.let_go == rows - LEADERS
    assert found.met <= rows * LEADERS
    assert len(found.left) < 10


@given(st.integers(0, 20), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32))
@settings(deadline=None)
def test_two_signatures_share_a_key_exactly_where_they_share_a_band(n: int, bands: int, rows: int, seed: int) -> None:
    signatures = np.random.default_rng(seed).integers(0, 2, (n, bands * rows + 1)).astype(np.uint32)
    keys = band_keys(signatures, Banding(bands, rows))
    assert keys.shape == (bands, n)
    for i, j in itertools.product(range(n), repeat=2):
        cut = signatures[[i, j], : bands * rows].reshape(2, bands, rows)
        assert (keys[:, i, None] == keys[None, :, j]).tolist() == [
            [x == y and (cut[0, x] == cut[1, x]).all() for y in range(bands)] for x in range(bands)
        ]


def test_a_signature_that_is_too_short_for_the_bands_is_refused() -> None:
    with pytest.raises(ValueError, match="252 numbers"):
        band_keys(np.zeros((1, 250), np.uint32), Banding())


@pytest.mark.parametrize("similarity", [0.3, 0.4, 0.5, 0.6, 0.7])
@pytest.mark.parametrize("banding", [Banding(), Banding(25, 10)])
def test_recall_on_planted_pairs_is_the_expected_one(similarity: float, banding: Banding) -> None:
    chance, parameters, trials = np.random.default_rng(7), Parameters(), 400
    met = 0
    for _ in range(trials):
        values = chance.integers(0, 1 << 63, 400).astype(np.uint64)
        both, rest = values[: int(similarity * 400)], values[int(similarity * 400) :]
        pair = [sign(np.concatenate([both, rest[i::2]]), parameters) for i in (0, 1)]
        one, two = band_keys(np.stack(pair), banding).T
        met += bool((one == two).any())
    expected = expected_recall(similarity, banding)
    assert abs(met / trials - expected) < 4 * (expected * (1 - expected) / trials) ** 0.5 + 0.01


def test_a_forest_takes_pairs_of_numbers_below_2_to_the_32() -> None:
    with pytest.raises(ValueError, match="2\\^32"):
        Forest((1 << 32) + 1)
    with pytest.raises(ValueError, match="1 and 2 rows"):
        Forest(3).join(np.array([0]), np.array([1, 2]))


def _plain_components(size: int, edges: list[tuple[int, int]]) -> list[int]:
    smallest = list(range(size))
    for _ in range(size):
        for left, right in edges:
            smallest[left] = smallest[right] = min(smallest[left], smallest[right])
    return smallest


def _sides(edges: Sequence[tuple[int, ...]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    columns = np.array(edges, np.int64).reshape(-1, 2)
    return columns[:, 0].copy(), columns[:, 1].copy()


@given(EDGES, st.randoms())
@settings(deadline=None)
def test_a_forest_gives_the_components_of_the_plain_rule(edges: list[tuple[int, int]], chance: random.Random) -> None:
    shuffled = [edge[:: chance.choice([1, -1])] for edge in edges]
    chance.shuffle(shuffled)
    expected = _plain_components(16, edges)
    forest = Forest(16)
    forest.join(*_sides(shuffled[:7]))
    forest.join(*_sides(shuffled[7:]))
    assert forest.smallest().tolist() == expected


def _shape(kind: str) -> list[tuple[int, int]]:
    order = [(i * 7919) % 20_011 for i in range(20_011)]
    if kind == "chain":
        return list(itertools.pairwise(range(20_000)))
    if kind == "shuffled chain":
        return list(itertools.pairwise(order))
    if kind == "star":
        return [(order[0], node) for node in order[1:]]
    return [(min(a, b), max(a, b)) for a, b in itertools.combinations(range(300), 2)]  # one giant cluster


@pytest.mark.parametrize("kind", ["chain", "shuffled chain", "star", "clique"])
def test_odd_shapes_are_one_component(kind: str) -> None:
    left, right = _sides(_shape(kind))
    size = int(max(left.max(), right.max())) + 1
    forest = Forest(size)
    forest.join(left, right)
    assert set(forest.smallest()[np.union1d(left, right)].tolist()) == {int(min(left.min(), right.min()))}


def test_components_of_names_have_the_smallest_name() -> None:
    nodes = [f"{(i * 7919) % 20_011:040x}" for i in range(20_000)]
    found = components(nodes[:-1], nodes[1:])
    assert list(found) == sorted(nodes)
    assert set(found.values()) == {min(nodes)}
