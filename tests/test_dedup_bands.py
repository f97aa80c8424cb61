"""Bands, candidates and clusters: what is found, what it costs, and that order plays no part."""

import itertools
import random
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.dedup.bands import Banding, band_keys, candidate_pairs, expected_recall
from gleanery.dedup.clusters import components
from gleanery.dedup.signatures import Parameters, sign

Row = tuple[int, str]
ROWS = st.lists(st.tuples(st.integers(0, 5) | st.just(2**64 - 1), st.sampled_from("abcdefghijkl")), max_size=60)
EDGES = st.lists(st.tuples(st.sampled_from("abcdefghijklmnop"), st.sampled_from("abcdefghijklmnop")), max_size=30)


def _pairs(rows: list[Row], max_bucket: int = 64) -> tuple[list[tuple[str, str]], int]:
    keys, ids = np.array([k for k, _ in rows], np.uint64), np.array([i for _, i in rows], "U1")
    found = candidate_pairs(keys, ids, max_bucket)
    return list(zip(found.left.tolist(), found.right.tolist(), strict=True)), found.capped


def _plain_pairs(rows: list[Row], max_bucket: int) -> tuple[list[tuple[str, str]], int]:
    buckets: dict[int, set[str]] = defaultdict(set)
    for key, name in rows:
        buckets[key].add(name)
    pairs: set[tuple[str, str]] = set()
    for bucket in map(sorted, buckets.values()):
        if len(bucket) <= max_bucket:
            pairs |= set(itertools.combinations(bucket, 2))
        else:
            pairs |= {(bucket[0], other) for other in bucket[1:]} | set(itertools.pairwise(bucket))
    return sorted(pairs), sum(len(b) > max_bucket for b in buckets.values())


@given(ROWS, st.integers(1, 13))
@settings(deadline=None)
def test_candidates_are_those_of_the_plain_rule(rows: list[Row], max_bucket: int) -> None:
    assert _pairs(rows, max_bucket) == _plain_pairs(rows, max_bucket)


@given(ROWS, st.integers(1, 13), st.permutations(range(60)))
@settings(deadline=None)
def test_candidates_do_not_depend_on_the_order_of_rows(rows: list[Row], max_bucket: int, order: list[int]) -> None:
    shuffled = [rows[i] for i in order if i < len(rows)]
    assert _pairs(shuffled + rows[:3], max_bucket) == _pairs(rows, max_bucket)


def test_a_huge_bucket_makes_few_pairs_and_still_hangs_together() -> None:
    rows = 50_000
    ids = np.array([b"%040d" % i for i in range(rows)])
    found = candidate_pairs(np.zeros(rows, np.uint64), ids)
    assert (len(found.left), found.capped) == (2 * (rows - 1) - 1, 1)
    left, right = ([i.decode() for i in side.tolist()] for side in (found.left, found.right))
    assert set(components(left, right).values()) == {"0" * 40}


def test_ids_of_raw_bytes_may_end_in_zeros() -> None:
    ids = np.array([b"\1" * 19 + b"\0", b"\2" * 20], "S20")
    found = candidate_pairs(np.array([7, 7], np.uint64), ids)
    assert found.left.tobytes() + found.right.tobytes() == ids.tobytes()


def test_the_columns_must_be_of_one_length() -> None:
    with pytest.raises(ValueError, match="2 and 1 rows"):
        candidate_pairs(np.zeros(2, np.uint64), np.array(["a"]))


@given(st.integers(0, 20), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32))
@settings(deadline=None)
def test_two_signatures_share_a_key_exactly_where_they_share_a_band(n: int, bands: int, rows: int, seed: int) -> None:
    signatures = np.random.default_rng(seed).integers(0, 2, (n, bands * rows + 1)).astype(np.uint32)
    keys = band_keys(signatures, Banding(bands, rows))
    assert keys.shape == (n, bands)
    for i, j in itertools.product(range(n), repeat=2):
        cut = signatures[[i, j], : bands * rows].reshape(2, bands, rows)
        assert (keys[i][:, None] == keys[j][None, :]).tolist() == [
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
        one, two = band_keys(np.stack(pair), banding)
        met += bool((one == two).any())
    expected = expected_recall(similarity, banding)
    assert abs(met / trials - expected) < 4 * (expected * (1 - expected) / trials) ** 0.5 + 0.01


def _union_find(edges: list[tuple[str, str]]) -> dict[str, str]:
    parent = {node: node for edge in edges for node in edge}

    def root(node: str) -> str:
        while parent[node] != node:
            node = parent[node]
        return node

    for left, right in edges:
        low, high = sorted((root(left), root(right)))
        parent[high] = low
    return {node: root(node) for node in sorted(parent)}


@given(EDGES, st.randoms())
@settings(deadline=None)
def test_components_are_those_of_a_union_find_in_any_order(edges: list[tuple[str, str]], chance: random.Random) -> None:
    shuffled = [edge[:: chance.choice([1, -1])] for edge in edges]
    chance.shuffle(shuffled)
    found = components([left for left, _ in shuffled], [right for _, right in shuffled])
    assert list(found.items()) == list(_union_find(edges).items())


def test_a_chain_of_twenty_thousand_is_one_component() -> None:
    nodes = [f"{(i * 7919) % 20_011:040x}" for i in range(20_000)]
    found = components(nodes[:-1], nodes[1:])
    assert len(found) == 20_000
    assert set(found.values()) == {min(nodes)}
