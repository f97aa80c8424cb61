"""Rows that go through an exchange arrive once, in the range of their key, and in the same bytes."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gleanery.pipeline.crawl_runs import RAW
from gleanery.pipeline.exchange import (
    first_of_each,
    id_range,
    iter_range,
    part_count,
    part_name,
    read_ids,
    read_range,
    write_sorted,
)
from gleanery.pipeline.stage3_sign import _may_hold
from gleanery.records.ids import partition

SCHEMA = pa.schema([("key", pa.string()), ("value", pa.int64())])
IDS = st.text("0123456789abcdef", min_size=40, max_size=40)
ROWS = st.lists(st.tuples(IDS, st.integers(0, 1 << 40)), max_size=60, unique=True)


def _table(rows: list[tuple[str, int]]) -> pa.Table:
    return pa.table([[k for k, _ in rows], [v for _, v in rows]], schema=SCHEMA)


@given(st.data())
def test_a_part_is_read_where_it_may_hold_ids_of_a_range_and_only_there(data: st.DataObject) -> None:
    (own, owns), (asked, of) = (
        (data.draw(st.integers(0, parts - 1)), parts)
        for parts in data.draw(st.tuples(*[st.sampled_from([1, 2, 8, 64])] * 2))
    )
    overlap = own * of < (asked + 1) * owns and asked * owns < (own + 1) * of
    assert _may_hold(Path(f"{part_name(own, owns)}.parquet"), *id_range(asked, of)) == overlap
    assert _may_hold(Path("of-another-form-x.parquet"), *id_range(asked, of))  # its name says nothing


@given(st.lists(ROWS, min_size=1, max_size=3), st.sampled_from([1, 2, 8]))
def test_every_row_arrives_once_and_in_its_own_part(files: list[list[tuple[str, int]]], parts: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{n}.parquet") for n in range(len(files))]
        for path, rows in zip(paths, files, strict=True):
            write_sorted(path, _table(rows), "key", "value")
        seen = []
        for part in range(parts):
            found = read_range(paths, "key", *id_range(part, parts), SCHEMA)
            streamed = list(iter_range(paths, "key", *id_range(part, parts)))
            assert pa.concat_tables([SCHEMA.empty_table(), *streamed]) == found
            first, number = first_of_each(paths, "key", *id_range(part, parts), SCHEMA)
            distinct = dict(zip(*(column[::-1] for column in found.to_pydict().values()), strict=True))
            assert number == found.num_rows
            assert dict(zip(*first.to_pydict().values(), strict=True)) == distinct
            assert len(distinct) == first.num_rows
            keys = found.column("key").to_pylist()
            assert all(partition(key, parts) == part for key in keys)
            seen += list(zip(keys, found.column("value").to_pylist(), strict=True))
    assert sorted(seen) == sorted(row for rows in files for row in rows)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_change_the_bytes(rows: list[tuple[str, int]], chance: object) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        one, other = Path(folder, "1"), Path(folder, "2")
        assert write_sorted(one, _table(rows), "key", "value") == write_sorted(other, _table(shuffled), "key", "value")


def test_a_reader_takes_only_the_groups_that_overlap(tmp_path: Path) -> None:
    rows = [(f"{n:040x}", n) for n in range(100_000)]
    path = tmp_path / "rows.parquet"
    write_sorted(path, _table(rows), "key")
    found = read_ids([path], "key", [f"{50_000:040x}"], SCHEMA)
    assert found.column("value").to_pylist() == [50_000]
    assert pq.ParquetFile(path).num_row_groups > 4


class Watched(pq.ParquetFile):  # type: ignore[misc]
    """A file that notes which columns of which groups are unpacked."""

    unpacked: ClassVar[list[tuple[tuple[int, ...], Sequence[str] | None]]] = []

    def read_row_group(self, group: int, columns: Sequence[str] | None = None, **options: Any) -> pa.Table:
        """Note it, and read."""
        self.unpacked.append(((group,), columns))
        return super().read_row_group(group, columns, **options)

    def read_row_groups(self, groups: Sequence[int], columns: Sequence[str] | None = None, **options: Any) -> pa.Table:
        """Note it, and read."""
        self.unpacked.append((tuple(groups), columns))
        return super().read_row_groups(groups, columns, **options)


def test_only_keys_are_unpacked_of_a_group_with_no_row_of_the_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few keys far from the others stretch the bounds of their group over many ranges."""
    rows = [(f"{0:040x}", 0), *((f"{(7 << 156) + n:040x}", n) for n in range(1000)), ("f" * 40, 1)]
    write_sorted(tmp_path / "rows.parquet", _table(rows), "key")
    monkeypatch.setattr(pq, "ParquetFile", Watched)
    for part, found in ((0, 1), (3, 0), (7, 1000), (9, 0), (15, 1)):
        Watched.unpacked.clear()
        assert read_range([tmp_path / "rows.parquet"], "key", *id_range(part, 16), SCHEMA).num_rows == found
        assert [columns for _, columns in Watched.unpacked] == [["key"], None][: 2 if found else 1]


def test_a_footer_tells_the_bounds_of_the_key_and_nothing_of_the_contents(tmp_path: Path) -> None:
    contents = [bytes([n]) * 3000 for n in range(200)]
    write_sorted(tmp_path / "x", pa.table([[f"{n:040x}" for n in range(200)], contents], schema=RAW), "blob_id")
    groups = pq.ParquetFile(tmp_path / "x").metadata
    assert groups.num_row_groups > 1 and groups.serialized_size < 1000
    for group in range(groups.num_row_groups):
        assert groups.row_group(group).column(0).statistics.has_min_max
        assert groups.row_group(group).column(1).statistics is None


@given(st.integers(0, 1 << 40), st.integers(1, 1 << 30))
def test_parts_are_a_power_of_two_and_no_larger_than_asked(total: int, size: int) -> None:
    parts = part_count(total, size)
    assert parts <= 2 * max(1, total // size, total // (1 << 20), 16)
    assert parts & (parts - 1) == 0
    assert total <= parts * size or parts == 1 << 20
    assert part_name(parts - 1, parts) <= part_name(parts, parts + 1)


@given(st.sampled_from([1, 2, 4, 1024]), IDS)
def test_ranges_cover_all_ids_without_overlap(parts: int, identifier: str) -> None:
    inside = 0
    for part in range(parts):
        low, high = id_range(part, parts)
        inside += low <= identifier and (high is None or identifier < high)
    assert inside == 1
