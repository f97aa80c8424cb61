"""Select takes the files of a range group by group, however many of them at a time."""

from itertools import groupby

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.pipeline import stage4_select


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
