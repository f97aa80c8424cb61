"""The keeper: what must hold for every group of copies, and the cases a person may ask about."""

import dataclasses
import json
import random
import time
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.dedup.keeper import OPTED_OUT, Copy, Link, Outcome, settle
from gleanery.dedup.origin import compared, outweighs, packed_ranks, packed_ties, rank, shown_older, witnesses
from gleanery.dedup.sameness import CLASSES
from gleanery.records.reasons import REASONS

CASES = json.loads((Path(__file__).parent / "golden/dedup/keeper.json").read_text("utf-8"))

Pairs = dict[tuple[str, str], Link]
BLOBS = "abcdef"
STANDING = st.sampled_from([(True, False, False), (False, True, False), (False, False, True), (False, False, False)])


@st.composite
def _copies(draw: st.DrawFn) -> list[Copy]:
    copies = []
    for i in range(draw(st.integers(0, 14))):
        eligible, restricted, opted_out = draw(STANDING)
        at, parent = draw(st.sampled_from([None, 1, 2, 3])), draw(st.sampled_from([None, None, "r0", "r1"]))
        vendored, own_license = draw(st.booleans()), draw(st.booleans())
        path, blob, repo = draw(st.sampled_from(["x", "d/x"])), draw(st.sampled_from(BLOBS)), draw(st.integers(0, 5))
        standing: dict[str, Any] = {"eligible": eligible, "restricted": restricted, "opted_out": opted_out}
        standing |= {"vendored": vendored, "own_license": own_license, "fork": parent is not None, "fork_of": parent}
        size = draw(st.sampled_from([repo, 7]))
        copies.append(Copy(f"f{i:02}", blob, f"r{repo}", path, first_commit_at=at, repo_files=size, **standing))
    return copies


LINKS = [Link("near", 0.7), Link("near", 0.8), Link("near", 0.9), Link("renamed", 1.0, drops=False)]
LINKS += [Link("contained", 0.95, drops=False, inner="a"), Link("renamed", 1.0), Link("normalised", 1.0)]
LINKS += [Link("near", 0.75, equal="bar"), Link("near", 0.85, equal="drop"), Link("normalised", 1.0, drops=False)]
LINKS += [Link("contained", 0.93, inner="a"), Link("contained", 0.94, inner="c")]
PAIRS = st.dictionaries(st.sampled_from(list(combinations(BLOBS, 2))), st.sampled_from(LINKS), max_size=8)
INSIDE, FRAGMENT = Link("contained", 1.0, False, "small"), Link("contained", 1.0, False, "other")
GROUPS = (_copies(), PAIRS, st.sampled_from([20, 20, 20, 1, 2, 3]))


def _form(blob: str, pairs: Pairs, *actions: str) -> set[str]:
    """All blobs that equal forms lead to, of those forms with which policy does this."""
    found = {blob}
    while more := {b for pair, link in pairs.items() if link.equal in actions and found & {*pair} for b in pair}:
        if more <= found:
            break
        found |= more
    return found


def _link(one: Copy, two: Copy, pairs: Pairs) -> Link | None:
    if one.blob_id == two.blob_id:
        return Link("exact", 1.0)
    normal = {pair: link for pair, link in pairs.items() if link.name == "normalised"}
    measured = pairs.get((min(one.blob_id, two.blob_id), max(one.blob_id, two.blob_id)))
    if measured and measured.drops and two.blob_id not in _form(one.blob_id, pairs, "drop"):
        return measured  # equal forms drop nothing here, what was measured does
    if two.blob_id in _form(one.blob_id, normal, "drop", "bar"):
        return Link("normalised", 1.0)
    if link := pairs.get((min(one.blob_id, two.blob_id), max(one.blob_id, two.blob_id))):
        return link
    if two.blob_id not in _form(one.blob_id, pairs, "drop", "bar"):
        return None
    return Link("renamed", 1.0, drops=two.blob_id in _form(one.blob_id, pairs, "drop"))


def _similarity(one: Copy, two: Copy, pairs: Pairs) -> float | None:
    link = _link(one, two, pairs)
    return link.similarity if isinstance(link, Link) else link


def _drops(one: Copy, two: Copy, pairs: Pairs) -> Link | None:
    """The link by which `one` is dropped if `two` was kept."""
    link = _link(one, two, pairs)
    if link and link.name == "normalised" and two.blob_id not in _form(one.blob_id, pairs, "drop"):
        return None
    if link is None or not link.drops or (link.name == "contained" and link.inner != one.blob_id):
        return None
    return link


def _blobs(copies: list[Copy]) -> set[str]:
    return {c.blob_id for c in copies}


def _twins(copy: Copy, copies: list[Copy], pairs: Pairs) -> list[Copy]:
    return [c for c in copies if c is not copy and _similarity(copy, c, pairs) is not None]


def _is_common(copy: Copy, copies: list[Copy], common_owners: int) -> bool:
    return len({c.repo_id for c in copies if c.blob_id == copy.blob_id and not c.fork}) > common_owners


def _holds_what_is_shared(one: Copy, copy: Copy, twin: Copy, pairs: Pairs) -> bool:
    """Of a contained pair the inner one is what both have; whoever only stands inside it does not have it."""
    forms = _form(copy.blob_id, pairs, "drop", "bar")
    link = pairs.get((min(copy.blob_id, twin.blob_id), max(copy.blob_id, twin.blob_id)))
    stands_inside = link is not None and link.name == "contained" and link.inner == copy.blob_id
    inner = copy.blob_id if stands_inside or twin.blob_id in forms else twin.blob_id
    if one.blob_id in forms | _form(inner, pairs, "drop", "bar"):
        return True
    between = pairs.get((min(inner, one.blob_id), max(inner, one.blob_id)))
    return between is not None and not (between.name == "contained" and between.inner == one.blob_id)


def _barred(copy: Copy, copies: list[Copy], pairs: Pairs, common_owners: int) -> str | None:
    """The first two rules of the reference, pair by pair."""
    twins = _twins(copy, copies, pairs)
    for twin in twins:
        common = _is_common(copy, copies, common_owners) or _is_common(twin, copies, common_owners)
        holders = [copy, *(c for c in twins if _holds_what_is_shared(c, copy, twin, pairs))]
        if twin.opted_out and not common and not any(outweighs(c, twin) for c in holders):
            return "copy_of_opted_out"
    return "restricted_twin" if any(t.restricted and not shown_older(copy, t) for t in twins) else None


@given(*GROUPS)
@settings(max_examples=200, deadline=None)
def test_outcomes_are_those_of_the_plain_rules(copies: list[Copy], pairs: Pairs, common_owners: int) -> None:
    pairs = {pair: link for pair, link in pairs.items() if {*pair} <= _blobs(copies)}
    outcomes = settle(copies, pairs, common_owners=common_owners)
    assert list(outcomes) == sorted(c.file_id for c in copies)
    kept: list[Copy] = []
    for copy in sorted(copies, key=rank):
        links = [(_drops(copy, k, pairs), k) for k in kept]
        order = ("exact", *CLASSES)
        twins = [((order.index(link.name), -link.similarity), link.name, k) for link, k in links if link]
        best = min(twins, key=lambda twin: twin[0], default=None)  # of equally near ones the first
        expected = "unchanged" if not copy.eligible else _barred(copy, copies, pairs, common_owners)
        if expected is None:
            expected = f"{best[1]}_duplicate" if best else "kept"
            assert best is None or outcomes[copy.file_id].twin_file_id == best[2].file_id
        assert outcomes[copy.file_id].reason == expected
        if expected == "kept":
            kept.append(copy)


@given(*GROUPS)
@settings(max_examples=150, deadline=None)
def test_a_dropped_copy_names_the_file_behind_it(copies: list[Copy], pairs: Pairs, common_owners: int) -> None:
    pairs = {pair: link for pair, link in pairs.items() if {*pair} <= _blobs(copies)}
    outcomes, by_id = settle(copies, pairs, common_owners=common_owners), {c.file_id: c for c in copies}
    for copy in copies:
        outcome = outcomes[copy.file_id]
        assert outcome.reason in {*REASONS, "unchanged"}
        if outcome.reason in ("kept", "unchanged"):
            assert (outcome.twin_file_id, outcome.similarity) == (None, None)
            continue
        assert outcome.evidence and outcome.twin_file_id
        twin = by_id[outcome.twin_file_id]
        assert outcome.similarity == _similarity(copy, twin, pairs) is not None
        if outcome.reason.endswith("_duplicate"):
            assert _drops(copy, twin, pairs)
            assert outcomes[twin.file_id].reason == "kept" and rank(twin) < rank(copy)
        assert twin.restricted or outcome.reason != "restricted_twin"
        assert twin.opted_out or outcome.reason != "copy_of_opted_out"


@given(*GROUPS, st.randoms())
@settings(max_examples=150, deadline=None)
def test_the_order_of_the_input_plays_no_part(
    copies: list[Copy], pairs: Pairs, common_owners: int, chance: random.Random
) -> None:
    shuffled, reversed_pairs = copies.copy(), dict(reversed(pairs.items()))
    chance.shuffle(shuffled)
    one = settle(copies, pairs, common_owners=common_owners)
    assert list(settle(shuffled, reversed_pairs, common_owners=common_owners).items()) == list(one.items())


@given(*GROUPS)
@settings(max_examples=150, deadline=None)
def test_a_copy_of_an_older_restricted_one_is_never_kept(copies: list[Copy], pairs: Pairs, common_owners: int) -> None:
    pairs = {pair: link for pair, link in pairs.items() if {*pair} <= _blobs(copies)}
    outcomes = settle(copies, pairs, common_owners=common_owners)
    for copy in copies:
        if outcomes[copy.file_id].reason == "kept" and copy.first_commit_at is not None:
            for twin in _twins(copy, copies, pairs):
                older = twin.first_commit_at is not None and twin.first_commit_at < copy.first_commit_at
                assert not (twin.restricted and older)


@given(*GROUPS)
@settings(max_examples=150, deadline=None)
def test_only_a_fork_explains_a_restricted_twin_and_never_the_age_of_a_repository_nor_third_party_code(
    copies: list[Copy], pairs: Pairs, common_owners: int
) -> None:
    pairs = {pair: link for pair, link in pairs.items() if {*pair} <= _blobs(copies)}
    outcomes = settle(copies, pairs, common_owners=common_owners)
    for copy in copies:
        if outcomes[copy.file_id].reason == "kept":
            for twin in _twins(copy, copies, pairs):
                assert not twin.restricted or twin.fork_of == copy.repo_id


@given(_copies(), STANDING)
@settings(deadline=None)
def test_a_licence_or_an_objection_never_changes_the_ranking(copies: list[Copy], standing: tuple[bool, ...]) -> None:
    new: dict[str, Any] = dict(zip(("eligible", "restricted", "opted_out"), standing, strict=True))
    others = [dataclasses.replace(c, **new) for c in copies]
    assert [c.file_id for c in sorted(copies, key=rank)] == [c.file_id for c in sorted(others, key=rank)]


@given(_copies(), _copies())
@settings(max_examples=200, deadline=None)
def test_witnesses_say_the_same_as_all_of_them(restricted: list[Copy], others: list[Copy]) -> None:
    few, half = witnesses(restricted), len(restricted) // 2
    assert len(few) <= 3
    for copy in others:
        assert all(shown_older(copy, r) for r in few) == all(shown_older(copy, r) for r in restricted)
    assert witnesses([*witnesses(restricted[:half]), *witnesses(restricted[half:])]) == few


@given(_copies())
@settings(deadline=None)
def test_two_copies_are_never_both_the_older_one(copies: list[Copy]) -> None:
    for one, two in combinations(copies, 2):
        forks_of_each_other = one.fork_of == two.repo_id and two.fork_of == one.repo_id
        assert not (shown_older(one, two) and shown_older(two, one)) or forks_of_each_other


def _copy(file_id: str, blob_id: str = "a", **known: Any) -> Copy:
    values: dict[str, Any] = {
        "repo_id": f"repo of {file_id}",
        "path": "x.c",
        "eligible": True,
        "restricted": False,
        "opted_out": False,
    }
    values |= {"first_commit_at": None, "fork": False, "vendored": False, "own_license": True}
    return Copy(file_id=file_id, blob_id=blob_id, **(values | known))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_known_case(case: dict[str, Any]) -> None:
    copies = [_copy(file_id, **known) for file_id, known in case["copies"].items()]
    pairs = {(left, right): Link("near", similarity) for left, right, similarity in case.get("pairs", [])}
    pairs |= {(link[0], link[1]): Link(*link[2:]) for link in case.get("links", [])}
    outcomes = settle(copies, pairs, common_owners=case.get("common_owners", 20))
    assert {f: [o.reason, o.twin_file_id, o.similarity, *o.evidence] for f, o in outcomes.items()} == case["outcomes"]


def test_a_copy_that_is_restricted_or_opted_out_cannot_be_eligible() -> None:
    for wrong in ({"restricted": True}, {"opted_out": True}):
        known: dict[str, Any] = wrong
        with pytest.raises(ValueError, match="cannot be eligible"):
            _copy("f1", **known)


def test_a_licence_file_is_not_barred_by_a_restricted_work_that_quotes_its_text() -> None:
    quoting = _copy("f2", "b", eligible=False, restricted=True)
    link = {("a", "b"): Link("contained", 1.0)}
    assert settle([_copy("f1", license_text=True), quoting], link)["f1"].reason == "kept"
    assert settle([_copy("f1"), quoting], link)["f1"].reason == "restricted_twin"


def test_two_copies_with_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="share a file_id"):
        settle([_copy("f1"), _copy("f1", path="y.c")], {})


def test_a_date_that_no_calendar_has_is_told_as_a_number() -> None:
    assert "Unix time -5" in compared(_copy("f1", first_commit_at=-5), _copy("f2", first_commit_at=10**18))


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"vendored": True}, "{} is vendored"),
        ({"fork": True}, "{} is in a fork"),
        ({"own_license": True}, "only the repository of {} has a licence file of its own"),
        ({"complete": True}, "only the repository of {} was read whole"),
        ({"repo_files": 9}, "the evidence of origin is equal; the repository of {} has more files (9 to 2)"),
    ],
)
def test_the_evidence_in_which_two_copies_differ_is_told_of_the_one_that_has_it(
    known: dict[str, Any], said: str
) -> None:
    plain: dict[str, Any] = {"own_license": False, "complete": False, "repo_files": 2}
    has, has_not = _copy("f1", **(plain | known)), _copy("f2", **plain)
    assert compared(has, has_not) == said.format("this copy")
    assert compared(has_not, has) == said.format("the other")


@pytest.mark.parametrize("standing", [{"restricted": True}, {"opted_out": True}])
def test_of_a_crowd_of_equal_forms_none_is_kept_beside_one_that_is_forbidden(standing: dict[str, Any]) -> None:
    """Each is paired with one of them only, as in a crowd; by another class or by the form itself."""
    copies = [_copy(f"f{n}", f"b{n}") for n in range(9)] + [_copy("g", "g", eligible=False, **standing)]
    for hub, name, drops in (("b3", "renamed", False), ("g", "near", True), ("b0", "normalised", False)):
        link = Link(name, 0.9, drops, equal="bar")
        pairs = {(min(hub, c.blob_id), max(hub, c.blob_id)): link for c in copies if c.blob_id != hub}
        assert {o.twin_file_id for o in settle(copies, pairs).values() if o.reason != "unchanged"} == {"g"}


def test_of_a_crowd_of_equal_forms_that_drop_one_is_kept() -> None:
    copies = [_copy(f"f{n}", f"b{n}", first_commit_at=9 - n) for n in range(9)]
    pairs = {("b0", f"b{n}"): Link("renamed", 1.0) for n in range(1, 9)}
    outcomes = settle(copies, pairs)
    assert outcomes.pop("f8").reason == "kept"
    assert {(o.reason, o.twin_file_id) for o in outcomes.values()} == {("renamed_duplicate", "f8")}
    assert all("the two are the same but for names" in o.evidence[0] for o in outcomes.values())


def test_equal_forms_are_told_before_a_likeness_that_drops_nothing() -> None:
    same = Link("normalised", 1.0, drops=False)
    links = {("a", "b"): same, ("b", "c"): same, ("a", "c"): Link("contained", 0.95, drops=False, inner="a")}
    restricted = _copy("f3", "c", eligible=False, restricted=True)
    outcome = settle([_copy("f1", "a"), _copy("f2", "b"), restricted], links)["f1"]
    assert (outcome.reason, outcome.twin_file_id, outcome.similarity) == ("restricted_twin", "f3", 1.0)


def test_nothing_comes_of_nothing() -> None:
    assert settle([], {("a", "b"): Link("near", 0.9)}) == {}
    assert settle([_copy("f1", eligible=False)], {}) == {"f1": Outcome("unchanged")}


@pytest.mark.slow
def test_a_text_with_a_hundred_thousand_copies_is_settled() -> None:
    half = 50_000
    permissive = [_copy(f"p{i}", f"b{i % 50}", first_commit_at=i + 1) for i in range(half)]
    restricted = [
        _copy(f"r{i}", f"b{i % 50}", eligible=False, restricted=True, fork=True, fork_of="repo of p0")
        for i in range(half)
    ]
    pairs = {
        (f"b{i}", f"b{j}") if f"b{i}" < f"b{j}" else (f"b{j}", f"b{i}"): Link("near", 0.9)
        for i, j in combinations(range(50), 2)
    }
    outcomes = settle(permissive + restricted, pairs)  # 2 s; pair by pair it would be hours
    assert outcomes["p0"].reason == "kept"
    assert outcomes[f"p{half - 1}"].reason == "restricted_twin"


def test_who_adds_a_licence_file_to_a_copy_does_not_become_its_origin() -> None:
    for mine, theirs in ((5, 5), (None, 5), (5, None), (None, None)):
        objector = _copy("o", first_commit_at=mine, opted_out=True, eligible=False, own_license=False)
        copier = _copy("c", first_commit_at=theirs, opted_out=False, eligible=True, own_license=True)
        assert settle([objector, copier], {})["c"].reason == "copy_of_opted_out"


@given(_copies(), st.integers(-(10**6), 10**6))
def test_a_rank_in_one_number_is_in_the_order_of_ranks(copies: list[Copy], since: int) -> None:
    """But for copies that are not eligible, which come last."""
    copies = [dataclasses.replace(c, first_commit_at=c.first_commit_at and c.first_commit_at + since) for c in copies]
    names = ("eligible", "vendored", "fork", "own_license", "complete")
    flags = {name: np.array([getattr(c, name) for c in copies], bool) for name in names}
    unknown = np.array([c.first_commit_at is None for c in copies], bool)
    times = np.array([c.first_commit_at or 0 for c in copies], np.int64)
    depth = np.array([c.path.count("/") for c in copies], np.int64)
    strengths = packed_ranks(**flags, first_commit_at=times, unknown=unknown).tolist()
    ids = [
        [f"{name[1:]:0<16}" for name in names] for names in ([c.repo_id for c in copies], [c.file_id for c in copies])
    ]
    ties = packed_ties(np.array([c.repo_files for c in copies], np.int64), ids[0], depth, ids[1])
    packed = list(zip(strengths, *(one.tolist() for one in ties), strict=True))
    plain = [(not c.eligible, *rank(c)) for c in copies]
    for (one, a), (other, b) in combinations(zip(packed, plain, strict=True), 2):
        assert (one < other) == (a < b) and (one == other) == (a == b)


@pytest.mark.parametrize("name", ["renamed", "contained"])
def test_a_file_with_a_kept_near_copy_is_a_near_duplicate_whatever_else_it_is(name: str) -> None:
    about: dict[str, Any] = {"eligible": True, "restricted": False, "opted_out": False, "fork": False}
    about |= {"path": "x", "vendored": False, "own_license": True}
    copies = [Copy(f"f{age}", blob, "r", first_commit_at=age, **about) for age, blob in enumerate("abc")]
    for other, near in (("a", "b"), ("b", "a")):
        pairs = {(other, "c"): Link(name, 1.0, inner="c"), (near, "c"): Link("near", 0.75)}
        outcome = settle(copies, pairs)["f2"]
        assert (outcome.reason, outcome.twin_file_id) == ("near_duplicate", f"f{'abc'.index(near)}")


@pytest.mark.parametrize("name", ["exact", "near"])
def test_an_old_fragment_outweighs_no_objection_to_copies_of_the_whole(name: str) -> None:
    """But who held the whole before does, and a fragment that is older was not taken from the whole."""
    blob = "big" if name == "exact" else "bigger"
    objector = _copy("o", "big", eligible=False, opted_out=True, first_commit_at=2018)
    copier, old = _copy("c", blob, first_commit_at=2020), _copy("old", "small", first_commit_at=2005)
    links = {("big", "small"): Link("contained", 1.0, False, "small"), ("big", "bigger"): Link("near", 0.9)}
    links["bigger", "small"] = Link("contained", 1.0, False, "small")
    outcomes = settle([objector, copier, old], links)
    assert (outcomes["c"].reason, outcomes["c"].twin_file_id, outcomes["c"].outweighed) == (
        "copy_of_opted_out",
        "o",
        (),
    )
    assert outcomes["old"].reason == "kept"
    (said,) = outcomes["old"].outweighed
    assert said.startswith("the objection of file o is outweighed by file old: oldest commit of its repository: 1970")
    older = settle([objector, copier, old, _copy("first", "big", first_commit_at=2000)], links)
    assert older["first"].reason == "kept" and older["first"].outweighed
    assert older["c"].reason == f"{name}_duplicate" and "by file first" in older["c"].outweighed[0]
    fragment = settle([objector, _copy("piece", "small", first_commit_at=2020), old], links)
    assert fragment["piece"].reason == "exact_duplicate"  # what the two have in common is the fragment


def test_an_old_file_that_holds_the_whole_outweighs_an_objection() -> None:
    objector = _copy("o", "big", eligible=False, opted_out=True, first_commit_at=2018)
    holder, copier = _copy("h", "huge", first_commit_at=2005), _copy("c", "big", first_commit_at=2020)
    outcomes = settle([objector, holder, copier], {("big", "huge"): Link("contained", 1.0, False, "big")})
    assert {o.reason for o in outcomes.values()} == {"unchanged", "kept"}


@pytest.mark.parametrize(
    ("mine", "theirs", "more", "reaches"),
    [
        ("small", "big", {("other", "small"): Link("near", 0.9)}, False),
        ("big", "small", {("big", "other"): Link("near", 0.9)}, True),
        ("big", "small", {("big", "other"): Link("near", 0.9), ("other", "small"): INSIDE}, False),
        ("big", "small", {("big", "other"): Link("near", 0.9), ("other", "small"): FRAGMENT}, True),
    ],
)
def test_only_who_holds_what_a_contained_pair_shares_outweighs_an_objection(
    mine: str, theirs: str, more: Pairs, reaches: bool
) -> None:
    objector = _copy("o", theirs, eligible=False, opted_out=True, first_commit_at=2018)
    copier, old = _copy("c", mine, first_commit_at=2020), _copy("old", "other", first_commit_at=2005)
    outcome = settle([objector, copier, old], {("big", "small"): INSIDE, **more})["c"]
    assert (outcome.reason == OPTED_OUT) == reaches == (not outcome.outweighed)


def test_thousands_of_old_fragments_and_objections_are_settled_in_linear_time() -> None:
    count = 3000
    fragments = [_copy(f"f{n}", f"f{n}", first_commit_at=5) for n in range(count)]
    objectors = [_copy(f"o{n}", f"o{n}", eligible=False, opted_out=True, first_commit_at=9) for n in range(count)]
    links = {(f"f{n}", "hub"): Link("contained", 1.0, False, f"f{n}") for n in range(count)}
    links |= {("hub", f"o{n}"): Link("near", 0.9) for n in range(count)}
    before = time.process_time()
    outcomes = settle([*fragments, *objectors, _copy("hub", "hub", first_commit_at=7)], links)
    assert outcomes["hub"].reason == "kept" and time.process_time() - before < 5
    assert settle([*fragments, *objectors, _copy("hub", "hub", first_commit_at=10)], links)["hub"].reason == OPTED_OUT


@pytest.mark.parametrize("sizes", [(7, 7), (7, 9), (9, 7)])
def test_a_repository_and_its_mirror_are_not_divided_file_by_file(sizes: tuple[int, int]) -> None:
    """The same history, so no evidence: one of the two keeps all, whatever the ids and the depth of its files."""
    about: dict[str, Any] = {"eligible": True, "restricted": False, "opted_out": False, "fork": False}
    about |= {"vendored": False, "own_license": True, "first_commit_at": 5}
    kept = set[str]()
    for n in range(20):
        pair = [
            Copy(
                f"{(n * 7 + one * 3) % 10}{n}{one}",
                "b",
                f"r{one}",
                f"{'d/' * ((n + one) % 2)}{n}",
                repo_files=s,
                **about,
            )
            for one, s in enumerate(sizes)
        ]
        outcomes = settle(pair, {})
        kept |= {copy.repo_id for copy in pair if outcomes[copy.file_id].reason == "kept"}
    assert kept == {"r1" if sizes[1] > sizes[0] else "r0"}


def test_the_same_bytes_are_named_before_what_is_only_like_them() -> None:
    like = _copy("f1", "b", eligible=False, restricted=True, repo_id="r9", first_commit_at=1)
    same = _copy("f2", "a", eligible=False, restricted=True, repo_id="r0", first_commit_at=1)
    mine = _copy("f3", "a", repo_id="r0", first_commit_at=1)
    outcome = settle([like, same, mine], {("a", "b"): Link("near", 0.8)})["f3"]
    assert (outcome.reason, outcome.twin_file_id, outcome.similarity) == ("restricted_twin", "f2", 1.0)
    assert any("both stand in one repository" in sentence for sentence in outcome.evidence)
