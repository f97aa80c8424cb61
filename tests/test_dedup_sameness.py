"""Classes of sameness, containment, and whole repositories."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gleanery.dedup import containment
from gleanery.dedup.containment import (
    LEAST_SHINGLES,
    MAX_BUCKET,
    SCALE,
    WITNESSES,
    in_slices,
    samples,
    shared_samples,
    slice_of,
    worth_measuring,
)
from gleanery.dedup.repositories import MAX_HOLDERS, missing, shared_contents
from gleanery.dedup.sameness import ACTIONS, CLASSES, DROP, RECORD, Measures, Policy, action_of, classify
from gleanery.dedup.signatures import ShingleSets

UNIT = st.sampled_from([0.0, 0.5, 0.7, 0.9, 1.0])
MEASURES = st.tuples(UNIT, UNIT, UNIT, *[st.booleans()] * 4)
ACTION = st.sampled_from(ACTIONS)
POLICIES = st.builds(Policy, normalised=ACTION, near=ACTION, renamed=ACTION, contained=ACTION)


Pair = tuple[float, float, float, bool, bool, bool, bool]


def _classified(pairs: list[Pair], policy: Policy) -> list[tuple[str, float, bool, bool]]:
    columns = [[pair[n] for pair in pairs] for n in range(7)]
    numbers, answers = [np.array(c, float) for c in columns[:3]], [np.array(c, bool) for c in columns[3:]]
    found = classify(Measures(numbers[0], numbers[1], numbers[2], *answers), policy)
    names, similarity = found.names.to_pylist(), found.similarity.tolist()
    return list(zip(names, similarity, found.drops.tolist(), found.bars.tolist(), strict=True))


def _plainly(pair: Pair, policy: Policy) -> tuple[str, float, bool, bool]:
    """The rule for one pair: of several classes that with the stronger action counts, then the first in `CLASSES`."""
    jaccard, containment, shared_code, same_normal, same_renamed, tell, is_long = pair
    holds = {
        "normalised": (same_normal, 1.0),
        "near": (jaccard >= policy.threshold and shared_code >= policy.near_code, jaccard),
        "renamed": (same_renamed, 1.0),
        "contained": (is_long and containment >= policy.contained_threshold, containment),
    }
    actions = {name: action_of(name, tell, policy) for name in CLASSES if holds[name][0]}
    if not actions:
        return "none", jaccard, False, False
    best = min(actions, key=lambda name: (ACTIONS.index(actions[name]), CLASSES.index(name)))
    return best, holds[best][1], actions[best] == DROP, actions[best] != RECORD


@given(st.lists(MEASURES), POLICIES)
def test_each_pair_is_of_the_class_of_the_plain_rule(pairs: list[Pair], policy: Policy) -> None:
    assert _classified(pairs, policy) == [_plainly(pair, policy) for pair in pairs]


def test_policy_says_which_classes_drop() -> None:
    near, forms = (0.75, 0.95, 0.95, False, False, True, True), (0.1, 1.0, 1.0, True, False, False, True)
    assert _classified([near, forms], Policy()) == [("near", 0.75, True, True), ("normalised", 1.0, False, True)]
    assert _classified([near], Policy(near="record", contained="bar")) == [("contained", 0.95, False, True)]
    with pytest.raises(ValueError, match="action"):
        Policy(near="delete")


def test_a_file_pasted_into_one_ten_times_as_long_becomes_a_candidate() -> None:
    chance = np.random.default_rng(7)
    inner = np.sort(chance.integers(0, 2**64, 300, np.uint64))
    outer = np.sort(
        np.concatenate([np.delete(inner, np.arange(0, 300, 20)), chance.integers(0, 2**64, 3000, np.uint64)])
    )
    other = np.sort(chance.integers(0, 2**64, 3000, np.uint64))
    hashes, ends = samples(_sets(inner, outer, other))
    sizes = np.diff(ends)
    found = shared_samples(hashes, np.repeat(np.arange(3), sizes), sizes)
    pairs, shared, capped = found.pairs, found.counts, found.large
    left, right = pairs >> np.uint64(32), pairs & np.uint64(0xFFFFFFFF)
    worth = worth_measuring(shared, np.minimum(sizes[left.astype(int)], sizes[right.astype(int)]))
    assert list(zip(left[worth].tolist(), right[worth].tolist(), strict=True)) == [(0, 1)] and capped == 0


def test_a_set_that_is_too_small_has_no_sample() -> None:
    few, enough = np.arange(LEAST_SHINGLES - 1, dtype=np.uint64), np.arange(LEAST_SHINGLES, dtype=np.uint64)[::-1]
    hashes, ends = samples(_sets(few, enough, np.full(60, (1 << 64) // SCALE, np.uint64), few[:0]))
    assert ends.tolist() == [0, 0, LEAST_SHINGLES, LEAST_SHINGLES, LEAST_SHINGLES]
    assert hashes.tolist() == sorted(enough.tolist())


def _sets(*sets: NDArray[np.uint64]) -> ShingleSets:
    return ShingleSets(np.concatenate(sets), np.cumsum([0, *map(len, sets)]))


@given(st.lists(st.integers(0, 2**60 - 1), max_size=40))
def test_samples_in_slices_stand_in_the_order_of_their_first_bits_and_then_as_they_were(hashes: list[int]) -> None:
    sliced, members = in_slices(np.array(hashes, np.uint64), np.arange(len(hashes), dtype=np.uint32))
    assert members.tolist() == sorted(range(len(hashes)), key=lambda member: hashes[member] >> 36)
    assert [hashes[member] for member in members.tolist()] == sliced.tolist()


@given(st.lists(st.integers(0, 2**60 - 1), max_size=40), st.sampled_from([1, 2, 8, 1 << 24]))
def test_slices_of_samples_leave_nothing_out_and_overlap_nowhere(hashes: list[int], of: int) -> None:
    sliced, _ = in_slices(np.array(hashes, np.uint64), np.arange(len(hashes), dtype=np.uint32))
    for number in {one * of >> 60 for one in hashes}:
        found = sliced[slice_of(sliced, number, of)].tolist()
        assert sorted(found) == sorted(one for one in hashes if one * of >> 60 == number)


def test_a_crowd_is_paired_with_its_smallest_member_only() -> None:
    crowd = MAX_BUCKET + 6
    sizes = np.full(crowd, 10)
    sizes[5] = 2
    found = shared_samples(np.full(crowd, 9, np.uint64), np.arange(crowd), sizes)
    assert len(found.pairs) == crowd - 1 and found.large == 1 and set(found.counts.tolist()) == {1}
    assert all(5 in (pair >> 32, pair & 0xFFFFFFFF) for pair in found.pairs.tolist())


def test_pairs_that_are_added_up_on_the_way_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """And memory is that of the distinct ones: forty files of a megabyte have thousands of hashes in common."""
    chance, members, hashes = np.random.default_rng(5), 40, 4_000
    keys = np.repeat(np.arange(hashes, dtype=np.uint64), members)
    owners = np.tile(np.arange(members), hashes)
    some = chance.random(len(keys)) < 0.9
    sizes = np.bincount(owners[some], minlength=members)
    whole = shared_samples(keys[some], owners[some], sizes)
    monkeypatch.setattr(containment, "PAIRS_AT_ONCE", 1000)
    tracemalloc.start()
    found = shared_samples(keys[some], owners[some], sizes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(found.pairs, whole.pairs) and np.array_equal(found.counts, whole.counts)
    assert len(found.pairs) == members * (members - 1) // 2 and found.counts.sum() > 2_000_000
    assert peak < 16_000_000  # all 2,500,000 at once are 20 MB, and were sorted


def test_in_a_crowd_a_witness_meets_all_others_once() -> None:
    crowd, sizes = MAX_BUCKET + 6, np.arange(MAX_BUCKET + 6) + 10
    marks = np.zeros(crowd, np.uint8)
    marks[[7, 20]] = 2, 1
    found = shared_samples(np.full(crowd, 9, np.uint64), np.arange(crowd), sizes, marks)
    assert set(found.counts.tolist()) == {1} and len(found.pairs) == 3 * (crowd - 1) - 3
    assert all({0, 7, 20} & {pair >> 32, pair & 0xFFFFFFFF} for pair in found.pairs.tolist())
    assert found.hidden.tolist() == []


def test_of_too_many_witnesses_the_smallest_of_each_kind_meet_all_others() -> None:
    crowd, sizes = 300, np.arange(300)[::-1] + 10
    kinds = np.full(crowd, 2, np.uint8)
    kinds[:100], kinds[[50, 60]] = 0, 1
    found = shared_samples(np.full(crowd, 9, np.uint64), np.arange(crowd), sizes, kinds)
    pairs = found.pairs
    met = np.bincount(np.concatenate([pairs >> np.uint64(32), pairs & np.uint64(0xFFFFFFFF)]).astype(np.int64))
    hubs = np.flatnonzero(met == crowd - 1)
    assert {50, 60, *range(302 - WITNESSES // 2, 300)} <= set(hubs.tolist()) and len(hubs) == WITNESSES
    assert len(pairs) <= crowd * WITNESSES
    assert sorted([*found.hidden.tolist(), *hubs.tolist()]) == sorted(np.flatnonzero(kinds).tolist())


def test_of_many_witnesses_the_longest_is_still_found_inside_others() -> None:
    """Ninety pieces of it, each with hashes of its own, are smaller than it, and stand in nothing."""
    chance, pieces, others = np.random.default_rng(4), 90, 100
    whole = chance.integers(0, 1 << 60, 40).astype(np.uint64)
    sets = [whole]
    sets += [np.append(chance.choice(whole, 28, False), chance.integers(0, 1 << 60, 11)) for _ in range(pieces)]
    sets += [np.append(whole, chance.integers(0, 1 << 60, 60)) for _ in range(others)]
    sizes = np.array([len(one) for one in sets])
    kinds = np.array([1] * (1 + pieces) + [0] * others, np.uint8)
    found = shared_samples(np.concatenate(sets).astype(np.uint64), np.repeat(np.arange(len(sets)), sizes), sizes, kinds)
    left, right = (found.pairs >> np.uint64(32)).astype(int), (found.pairs & np.uint64(0xFFFFFFFF)).astype(int)
    hidden = np.bincount(found.hidden, minlength=len(sets)) / sizes
    visible = 1 - np.maximum(hidden[left], hidden[right])
    worth = worth_measuring(found.counts, np.minimum(sizes[left], sizes[right]), visible)
    assert hidden[0] > 0.5
    assert set(right[worth & (left == 0)].tolist()) >= set(range(1 + pieces, len(sets)))


PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda two: two[0] != two[1]), max_size=5)


@given(st.lists(st.lists(st.sampled_from("abcde"), min_size=1), min_size=6, max_size=6), PAIRS, PAIRS)
def test_a_content_counts_where_it_or_its_like_stands_and_chains_of_likeness_count_for_nothing(
    held: list[list[str]], equal: list[tuple[int, int]], near: list[tuple[int, int]]
) -> None:
    holders = {str(n): repos for n, repos in enumerate(held)}
    named = [[(str(one), str(other)) for one, other in pairs] for pairs in (equal, near)]
    counts = shared_contents(holders, *named)
    assert counts == shared_contents(dict(reversed(holders.items())), *([two[::-1] for two in p] for p in named))
    form = list(range(6))
    for _ in form:
        for one, other in equal:
            form[one] = form[other] = min(form[one], form[other])
    for here, there in itertools.product("abcde", repeat=2):
        expected = 0
        for n, repos in enumerate(held):
            like = [m for m in range(6) if form[m] == form[n] or (n, m) in near or (m, n) in near]
            expected += here in repos and any(there in held[m] for m in like)
        assert counts[here, there] == expected


def test_a_thousand_mirrors_are_found_without_a_million_pairs() -> None:
    names = [f"{n:04d}" for n in range(1000)]
    counts = shared_contents({"x": names, "y": names})
    assert len(counts) < 6 * len(names) and len(names) > MAX_HOLDERS
    assert all(counts["0000", name] == 2 for name in names)
    of_form = shared_contents({"x": names, "z": ["own"]}, equal=[("x", "z")])
    assert of_form["own", "0000"] == 1  # with the first of them, whatever the order of a set


def test_contents_that_are_like_one_that_everybody_has_cost_no_more_than_others() -> None:
    names = [f"{n:05d}" for n in range(20_000)]
    holders = {"popular": names} | {f"own {n}": [f"other {n}"] for n in range(2000)}
    counts = shared_contents(holders, near=[("popular", f"own {n}") for n in range(2000)])
    assert len(counts) < 200_000 and counts["other 7", "00000"] == 1


def test_what_is_missing_is_named_by_its_reason() -> None:
    assert missing([]) == ()
    assert missing(["binary", "near_duplicate", "near_duplicate"])[0] == "near_duplicate: 2"
