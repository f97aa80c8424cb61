"""Rows that go through an exchange arrive once, in the range of their key, and in the same bytes."""

import tempfile
from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

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
from gleanery.records.ids import partition

SCHEMA = pa.schema([("key", pa.string()), ("value", pa.int64())])
IDS = st.text("0123456789abcdef", min_size=40, max_size=40)
ROWS = st.lists(st.tuples(IDS, st.integers(0, 1 << 40)), max_size=60, unique=True)


def _table(rows: list[tuple[str, int]]) -> pa.Table:
    return pa.table([[k for k, _ in rows], [v for _, v in rows]], schema=SCHEMA)


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
    import pyarrow.parquet as pq

    assert pq.ParquetFile(path).num_row_groups > 4


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
