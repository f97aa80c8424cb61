"""Packing loses nothing, cuts no short document, and its permutation is a bijection."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.records.ids import keyed_hash
from gleanery.shards import packing
from gleanery.shards.chance import permute, u64, unpermute
from gleanery.shards.names import Names
from gleanery.shards.packing import Plan, pack, plan_epoch
from gleanery.shards.pieces import FILE, FIM_CONTROL, FIM_GROWTH, PLAIN, PSM, REPOSITORY, SPM, Pieces, Rules
from gleanery.shards.store import Index

LENGTHS = st.lists(st.integers(0, 400), min_size=1, max_size=80)
RATES = st.sampled_from([0.0, 0.3, 1.0])


def index_of(lengths: list[int]) -> Index:
    length = np.array(lengths, np.int64)
    keys = np.arange(len(lengths), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    nothing = np.zeros(len(lengths), np.int32)
    return Index(nothing, np.cumsum(length) - length, length, keys, keys, nothing, nothing.astype(np.int64), ("",))


def costs_of(pieces: Pieces) -> NDArray[np.int64]:
    """The room that each piece takes in its row."""
    found: NDArray[np.int64] = pieces.length + np.where(pieces.form == PLAIN, pieces.ends, FIM_CONTROL + FIM_GROWTH)
    return found


def plan_of(lengths: list[int], fim_rate: float, epoch: int = 0, context: int = 64) -> Plan:
    return plan_epoch(index_of(lengths), Rules(context, fim_rate, 0.5), seed=3, epoch=epoch)


@given(count=st.integers(1, 3000), key=st.integers(0, 2**64 - 1))
@settings(max_examples=60, deadline=None)
def test_the_permutation_is_a_bijection_with_its_inverse(count: int, key: int) -> None:
    bits = u64(key)
    places = [permute(i, count, bits) for i in range(count)]
    assert sorted(places) == list(range(count))
    assert [unpermute(p, count, bits) for p in places] == list(range(count))


@pytest.mark.parametrize("count", [3, 4, 5, 7, 16, 17, 50])
def test_few_rows_come_in_an_even_order(count: int) -> None:
    """How often each number comes last, and how often each pair side by side, by chi squared."""
    keys = 4000
    last, beside = np.zeros(count), np.zeros((count, count))
    for seed in range(keys):
        order = np.argsort([permute(i, count, u64(keyed_hash("order", str(seed), "0"))) for i in range(count)])
        last[order[-1]] += 1
        beside[order[:-1], order[1:]] += 1
    pairs = beside[~np.eye(count, dtype=bool)]
    for found in (last, pairs):
        expected = found.sum() / found.size
        surplus = ((found - expected) ** 2 / expected).sum() - found.size
        assert surplus < 5 * (2 * found.size) ** 0.5


def test_keys_give_other_orders() -> None:
    orders = {tuple(permute(i, 50, u64(key)) for i in range(50)) for key in range(200)}
    assert len(orders) == 200


@given(lengths=LENGTHS, fim_rate=RATES, epoch=st.integers(0, 3))
@settings(max_examples=120, deadline=None)
def test_every_token_stands_in_exactly_one_row_and_no_row_overflows(
    lengths: list[int], fim_rate: float, epoch: int
) -> None:
    plan = plan_of(lengths, fim_rate, epoch)
    pieces, costs = plan.pieces, costs_of(plan.pieces)
    assert plan.first[0] == 0 and plan.first[-1] == len(pieces)
    for document, length in enumerate(lengths):
        mine = np.flatnonzero(pieces.document == document)
        mine = mine[np.argsort(pieces.offset[mine])]
        ends = pieces.offset[mine] + pieces.length[mine]
        assert pieces.offset[mine].tolist() == [0, *ends.tolist()][:-1]
        assert (ends[-1] if len(ends) else 0) == length
    for row in range(plan.rows):
        assert 0 < costs[plan.first[row] : plan.first[row + 1]].sum() <= 64


@given(lengths=LENGTHS, fim_rate=RATES)
@settings(max_examples=120, deadline=None)
def test_no_document_shorter_than_the_context_is_cut(lengths: list[int], fim_rate: float) -> None:
    pieces = plan_of(lengths, fim_rate).pieces
    for document, length in enumerate(lengths):
        if 0 < length < 64:
            assert np.count_nonzero(pieces.document == document) == 1


@given(lengths=LENGTHS, fim_rate=RATES)
@settings(max_examples=60, deadline=None)
def test_the_end_of_text_follows_the_end_of_a_document_and_every_cut_piece(lengths: list[int], fim_rate: float) -> None:
    pieces = plan_of(lengths, fim_rate).pieces
    last = pieces.offset + pieces.length == np.array(lengths)[pieces.document]
    assert np.array_equal(pieces.ends, last | (pieces.form != PLAIN))


def test_a_row_takes_the_fullest_place_that_fits() -> None:
    costs = np.array([40, 30, 29, 21, 10, 60, 4], np.int32)
    first, order = pack(costs, 64, 0)
    rows = sorted(sorted(costs[order[a:b]].tolist()) for a, b in zip(first[:-1], first[1:], strict=True))
    assert rows == [[4, 60], [10], [21, 40], [29, 30]]


def naive_best_fit(costs: list[int], context: int) -> int:
    free: list[int] = []
    for cost in sorted(costs, reverse=True):
        fitting = [room for room in free if room >= cost]
        room = min(fitting, default=context)
        if fitting:
            free.remove(room)
        free.append(room - cost)
    return len(free)


@given(costs=st.lists(st.integers(1, 5000), min_size=1, max_size=200), context=st.sampled_from([5000, 8192, 20_000]))
@settings(max_examples=80, deadline=None)
def test_the_rows_are_as_few_as_those_of_plain_best_fit_decreasing(costs: list[int], context: int) -> None:
    first, _ = pack(np.array(costs, np.int32), context, 0)
    assert len(first) - 1 == naive_best_fit(costs, context)


def test_groups_never_share_a_row_and_are_packed_on_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "GROUP", 5)
    plan = plan_of([20] * 10, 0.0)
    rows = [
        set((plan.pieces.document[a:b] // 5).tolist()) for a, b in zip(plan.first[:-1], plan.first[1:], strict=True)
    ]
    assert rows == [{0}, {0}, {1}, {1}]


def test_the_places_of_a_document_are_those_where_it_stands() -> None:
    plan = plan_of([40, 200, 10, 64, 0, 30] * 20, 0.5)
    for document in range(120):
        rows = plan.rows_at(0, plan.rows)
        held = [set(plan.pieces.document[plan.first[r] : plan.first[r + 1]].tolist()) for r in rows]
        assert plan.places_of(document).tolist() == [at for at, here in enumerate(held) if document in here]


def test_rates_are_met_and_forms_change_between_epochs() -> None:
    plans = [plan_of([40] * 4000, 0.5, epoch) for epoch in (0, 1)]
    forms = [p.pieces.form[np.argsort(p.pieces.document)] for p in plans]
    for form in forms:
        assert abs(np.mean(form == PSM) - 0.25) < 0.03
        assert abs(np.mean(form == SPM) - 0.25) < 0.03
    assert 0.4 < np.mean((forms[0] == PLAIN) == (forms[1] == PLAIN)) < 0.6


def test_a_form_depends_on_the_content_and_not_on_the_neighbours() -> None:
    index = index_of([40] * 50)
    whole, some = (plan_epoch(index, Rules(64, 0.5, 0.5), 9, 0, only).pieces for only in (None, np.arange(10, 20)))
    forms = dict(zip(whole.document.tolist(), whole.form.tolist(), strict=True))
    assert dict(zip(some.document.tolist(), some.form.tolist(), strict=True)) == {d: forms[d] for d in range(10, 20)}


@given(lengths=LENGTHS, chosen=st.sets(st.integers(0, 79)), epoch=st.integers(0, 3), whole=st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_choice_is_packed_as_if_the_others_were_empty(
    lengths: list[int], chosen: set[int], epoch: int, whole: bool
) -> None:
    """So what is left out costs nothing, and the rows of a choice do not depend on how it is given."""
    only = np.array(sorted(n for n in chosen if n < len(lengths)), np.int64)
    emptied = [n if d in chosen else 0 for d, n in enumerate(lengths)]
    unit = np.arange(len(lengths)) // 3
    first = np.arange(len(lengths) + int(unit[-1]) + 2, dtype=np.int64) * 3
    names = Names(np.zeros(int(first[-1]), np.uint16), first, unit) if whole else None
    rules = Rules(64, 0.5, 0.5, unit=REPOSITORY if whole else FILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "GROUP", 7)
        one = plan_epoch(index_of(lengths), rules, 9, epoch, only, names)
        two = plan_epoch(index_of(emptied), rules, 9, epoch, None, names)
    assert np.array_equal(one.pieces.table, two.pieces.table) and np.array_equal(one.first, two.first)
    assert (one.key, one.choices) == (two.key, two.choices)


def test_little_room_is_wasted_on_many_documents() -> None:
    lengths = (np.random.default_rng(0).lognormal(6.5, 1.5, 20_000).astype(int) + 1).tolist()
    plan = plan_of(lengths, 0.0, context=2048)
    assert costs_of(plan.pieces).sum() / (plan.rows * 2048) > 0.9998


@pytest.mark.parametrize("rules", [(63, 0.5, 0.5), (1 << 21, 0.5, 0.5), (64, -0.1, 0.5), (64, 0.5, float("nan"))])
def test_impossible_rules_are_refused(rules: tuple[int, float, float]) -> None:
    with pytest.raises(StopRun):
        Rules(*rules)
