"""Crowds: a thousand near copies leave one, whatever the order in which they rank and whichever pairs were measured."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.dedup.crowds import Crowds
from gleanery.dedup.keeper import Copy, Link, settle

SETS = st.lists(st.sets(st.integers(0, 11), min_size=1), min_size=2, max_size=9)


def _jaccard(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0


def _copy(name: str, at: int) -> Copy:
    return Copy(
        file_id=f"f-{name}",
        blob_id=name,
        repo_id=f"r-{name}",
        path="a.c",
        eligible=True,
        restricted=False,
        opted_out=False,
        first_commit_at=at,
        fork=False,
        vendored=False,
        own_license=False,
    )


@given(SETS, st.sampled_from([0.5, 0.7, 0.9]), st.sampled_from([0.0, 0.2, 1.0]), st.randoms())
@settings(deadline=None)
def test_what_is_shown_is_true(sets: list[set[int]], threshold: float, least: float, chance: random.Random) -> None:
    """Small numbers are code. What a third shows is what is found if it is measured, of the code as well."""
    codes = [{one for one in found if one < 5} for found in sets]
    true = {
        (str(i), str(j)): Link("near", _jaccard(sets[i], sets[j]), code=_jaccard(codes[i], codes[j]))
        for i, j in itertools.permutations(range(len(sets)), 2)
    }
    near: dict[str, dict[str, Link]] = {str(i): {} for i in range(len(sets))}
    for i, j in itertools.combinations(near, 2):
        if true[i, j].similarity >= threshold and true[i, j].code >= least and chance.random() < 0.6:
            near[i][j] = near[j][i] = true[i, j]
    crowds, settled = Crowds(near, (threshold, least)), set[str]()
    for one in chance.sample(sorted(near), len(near)):
        settled.add(one)
        for other, shown in crowds.reached(one):
            assert threshold <= shown <= true[one, other].similarity + 1e-12
            assert true[one, other].code >= least - 1e-12
            settled.add(other)
        for hub, link in near[one].items():
            for other, further in near[hub].items():
                if other != one and link.similarity + further.similarity - 1 >= threshold and least == 0:
                    assert other in settled


@pytest.mark.parametrize("seed", range(3))
def test_a_crowd_measured_against_its_leader_leaves_one(seed: int) -> None:
    """The oldest copy is not the leader: without the third, each copy that the leader does not beat would stay."""
    chance = random.Random(seed)
    names = [f"{i:04d}" for i in range(1000)]
    links = {("0000", name): Link("near", 0.95) for name in names[1:]}
    dates = chance.sample(range(10_000), len(names))
    copies = [_copy(name, at) for name, at in zip(names, dates, strict=True)]
    outcomes = settle(copies, links, likeness=(0.7, 0.2))
    kept = [name for name, outcome in outcomes.items() if outcome.reason == "kept"]
    assert kept == [f"f-{names[int(np.argmin(dates))]}"]
    assert {outcome.twin_file_id for outcome in outcomes.values() if outcome.reason != "kept"} == set(kept)
    assert min(o.similarity or 0 for o in outcomes.values() if o.reason != "kept") >= 0.7


def test_a_chain_is_still_no_crowd() -> None:
    """Each like the next, none like the one after that: of five, three stay."""
    links = {(a, b): Link("near", 0.72) for a, b in itertools.pairwise("abcde")}
    outcomes = settle([_copy(name, at) for at, name in enumerate("abcde")], links, likeness=(0.7, 0.2))
    assert [o.reason for o in outcomes.values()] == ["kept", "near_duplicate", "kept", "near_duplicate", "kept"]


def test_a_third_that_holds_the_code_of_both_shows_nothing_of_theirs() -> None:
    """Under one long header: the code of the first, the code of both, the code of the second."""
    links = {("a", "both"): Link("near", 0.91, code=0.5), ("b", "both"): Link("near", 0.87, code=0.5)}
    copies = [_copy(name, at) for at, name in enumerate(("a", "both", "b"))]
    outcomes = settle(copies, links, likeness=(0.7, 0.2))
    assert {o: outcomes[o].reason for o in sorted(outcomes)} == {
        "f-a": "kept",
        "f-b": "kept",
        "f-both": "near_duplicate",
    }
