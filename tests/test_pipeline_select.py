"""Select takes the files of a range group by group, however many of them at a time, and the links of each."""

from itertools import groupby

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.dedup.keeper import Link
from gleanery.dedup.sameness import Policy
from gleanery.pipeline import stage4_select
from gleanery.pipeline.stage3_cluster import EDGES


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=40), st.integers(1, 9), st.randoms())
def test_each_group_is_whole_and_in_order(groups: list[int], members: int, chance: object) -> None:
    rows = [{"group_id": f"g{group}", "file_id": f"f{number:03d}"} for number, group in enumerate(groups)]
    chance.shuffle(rows)  # type: ignore[attr-defined]
    schema = stage4_select.GROUPED
    table = pa.Table.from_pylist([dict.fromkeys(schema.names) | row for row in rows], schema=schema)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage4_select, "MEMBERS", members)
        parts = list(stage4_select._groups(table))
    ordered = sorted(rows, key=lambda row: (row["group_id"], row["file_id"]))
    expected = [(g, [row["file_id"] for row in m]) for g, m in groupby(ordered, key=lambda row: row["group_id"])]
    assert [(group, [row["file_id"] for row in files]) for part in parts for group, files in part] == expected
    assert all(sum(len(files) for _, files in part) >= members for part in parts[:-1])


def _edges(*pairs: tuple[str, str, str, str]) -> pa.Table:
    about = {"jaccard": 0.8, "containment": 0.9, "similarity": 0.8, "duplicate": True, "bars": True}
    forms = {"same_normal_form": False, "same_renamed_form": False, "forms_tell": True, "code_jaccard": 0.6}
    rows = [
        {"cluster_id": c, "left_blob_id": one, "right_blob_id": two, "inner_blob_id": one, "sameness": name}
        for c, one, two, name in pairs
    ]
    return pa.Table.from_pylist([about | forms | row for row in rows], schema=EDGES)


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 9), st.integers(10, 19)), unique=True))
def test_the_links_of_a_cluster_are_its_own_and_all_of_them(rows: list[tuple[str, int, int]]) -> None:
    edges = _edges(*((cluster, str(one), str(two), "near") for cluster, one, two in rows))
    links = stage4_select._Links(edges, Policy())
    for cluster in "wxyz":
        expected = {
            (str(one), str(two)): Link("near", 0.8, True, str(one), code=0.6) for c, one, two in rows if c == cluster
        }
        assert links.of(cluster) == expected


def test_what_only_a_chain_of_likenesses_joins_is_in_no_other_repository() -> None:
    kinds = (("a", "b", "near"), ("b", "c", "contained"), ("c", "d", "renamed"), ("d", "e", "normalised"))
    links = stage4_select._Links(_edges(*(("a", *pair) for pair in kinds)), Policy()).of("a")
    members = [{"blob_id": blob, "repo_id": blob.upper()} for blob in "abcde"]
    counts = stage4_select._shared(members, links)
    assert {two for two in counts if two[0] < two[1]} == {("A", "B"), ("D", "E")}
