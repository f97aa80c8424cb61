"""Exchange: hand rows from one partition to another through sorted files, with no shuffle in an engine.

In: rows in any order. Out: Parquet files sorted by a key, in row groups of half a MB, of which a reader takes only the
groups that have rows of its range. The writer and the reader each hold one part in memory, on every engine, or one
group where a part may be large; the bytes do not depend on the number of workers. A reader pays 0.3 ms to open a file
and 1 ms for each MB of a group, whether it wants one row of it or all: `neighbours.py` bounds how often that is.
`docs/decisions/0002-exchange-by-sorted-files.md` has the reasons.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gleanery.records.parquet import Written, open_parquet, write_exchange, write_passing

# Small groups let a reader skip more; each costs some hundred bytes of footer. A 4096th of a file of 64 MB takes 4.4 ms
# with groups of 4 MB, 1.4 with 1 MB and 1.3 with half a MB.
GROUP_BYTES = 512 << 10
GROUP_ROWS = 16_384
USUAL_PARTS, LEAST_BYTES = 16, 1 << 20
# 8 hexadecimal digits decide the partition of an id, as in records.ids.partition.
_SPAN = 1 << 32


def part_count(total_bytes: int, part_bytes: int) -> int:
    """The number of parts, a power of two, so that a part holds about `part_bytes` at most.

    A small total is cut into about `USUAL_PARTS`, so that there is work for every core, but not below `LEAST_BYTES`.

    >>> part_count(0, 32 << 20), part_count((20 << 20) + 1, 32 << 20), part_count(4096 << 20, 32 << 20)
    (1, 16, 128)
    """
    size = min(part_bytes, max(LEAST_BYTES, -(-total_bytes // USUAL_PARTS)))
    count = 1
    while count * size < total_bytes and count < 1 << 20:
        count *= 2
    return count


def part_name(part: int, parts: int) -> str:
    """The name of a part, in the usual form.

    >>> part_name(3, 16)
    'part-00003-of-00016'
    """
    width = max(5, len(str(parts)))  # names sort as their numbers do
    return f"part-{part:0{width}d}-of-{parts:0{width}d}"


def id_range(part: int, parts: int) -> tuple[str, str | None]:
    """The half-open range of hexadecimal ids of a part; None is no upper end.

    >>> id_range(0, 2), id_range(1, 2)
    (('00000000', '80000000'), ('80000000', None))
    """
    low, high = part * _SPAN // parts, (part + 1) * _SPAN // parts
    return f"{low:08x}", None if high == _SPAN else f"{high:08x}"


def write_sorted(path: Path, table: pa.Table, *order: str) -> Written:
    """Write a table sorted by the columns of `order`; the first one is the key of `read_range`.

    `order` must be a total order of the rows, or equal bytes are not promised.
    """
    if table.num_rows:
        table = table.take(pc.sort_indices(table, sort_keys=[(c, "ascending") for c in order])).combine_chunks()
    return write_exchange(path, table.schema, _in_groups(table), order[0])


def write_copy(path: Path, table: pa.Table, key: str) -> None:
    """Write a table sorted by its key for the very task that writes it."""
    table = table.take(pc.sort_indices(table, sort_keys=[(key, "ascending")])).combine_chunks()
    write_passing(path, table.schema, _in_groups(table), key)


def _in_groups(table: pa.Table) -> list[pa.Table]:
    """A table cut into its row groups."""
    rows = max(1, min(GROUP_ROWS, table.num_rows * GROUP_BYTES // max(1, table.nbytes)))
    return [table.slice(start, rows) for start in range(0, table.num_rows, rows)]


def read_range(
    paths: Sequence[Path], key: str, low: Any, high: Any, schema: pa.Schema, columns: Sequence[str] | None = None
) -> pa.Table:
    """The rows with low <= key < high from files that `write_sorted` wrote with that key first.

    `schema` is that of the files: it is what an empty answer has. Rows come in the order of the files.
    """
    found = []
    for path in paths:
        with open_parquet(path) as file:
            spans = _spans(file, key, low, high)
            if spans:
                table = file.read_row_groups([span.group for span in spans], columns=_names(columns), use_threads=False)
                found.append(_cut(table, spans[0].start, sum(span.rows for span in spans)))
    if not found:
        return (schema if columns is None else pa.schema([schema.field(c) for c in columns])).empty_table()
    return pa.concat_tables(found)


def iter_range(
    paths: Sequence[Path], key: str, low: Any, high: Any, columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """The rows of `read_range`, a group at a time: what occurs everywhere may be more than memory holds."""
    for path in paths:
        with open_parquet(path) as file:
            for span in _spans(file, key, low, high):
                table = file.read_row_group(span.group, columns=_names(columns), use_threads=False)
                yield _cut(table, span.start, span.rows)


def first_of_each(paths: Sequence[Path], key: str, low: Any, high: Any, schema: pa.Schema) -> tuple[pa.Table, int]:
    """Of the rows of `read_range` the first of each key, and how many rows there are.

    The keys are read first. Other columns are read only of groups that hold a first one: a content of which there are
    a thousand copies is in memory once.
    """
    found, seen, rows = [schema.empty_table()], set[Any](), 0
    for path in paths:
        with open_parquet(path) as file:
            for span in _spans(file, key, low, high):
                keys = file.read_row_group(span.group, columns=[key], use_threads=False).column(0)
                wanted = []
                for row, value in enumerate(keys.slice(span.start, span.rows).to_pylist(), span.start):
                    if value not in seen:
                        seen.add(value)
                        wanted.append(row)
                rows += span.rows
                if wanted:
                    found.append(file.read_row_group(span.group, use_threads=False).take(pa.array(wanted)))
    return pa.concat_tables(found), rows


def read_ids(
    paths: Sequence[Path], key: str, ids: Sequence[str], schema: pa.Schema, columns: Sequence[str] | None = None
) -> pa.Table:
    """The rows whose key is one of some sorted ids that lie close together, such as the repositories of one task."""
    if not ids:
        return schema.empty_table()
    table = read_range(paths, key, ids[0], ids[-1] + "\x00", schema, columns)
    return table.filter(pc.is_in(table.column(key), value_set=pa.array(ids)))


def inside(table: pa.Table, key: str, low: Any, high: Any) -> pa.Table:
    """The rows of a table with low <= key < high."""
    column = table.column(key)
    kept = pc.greater_equal(column, pa.scalar(low, column.type))
    if high is not None:
        kept = pc.and_(kept, pc.less(column, pa.scalar(high, column.type)))
    return table.filter(kept)


class _Span(NamedTuple):
    """Rows of one row group that lie in a range."""

    group: int
    start: int
    rows: int


def _spans(file: Any, key: str, low: Any, high: Any) -> list[_Span]:
    """Where the rows of a range stand in a sorted file; they follow each other.

    Bounds of groups tell which may have some. Of a group that reaches beyond the range, the keys are looked at before
    other columns: a few keys far from the others stretch its bounds over many ranges in which it has no row.
    """
    spans = []
    for group in _overlapping(file.metadata, key, low, high):
        rows = file.metadata.row_group(group).num_rows
        least, greatest = _bounds(file.metadata, key, group)
        if least >= low and (high is None or greatest < high):
            spans.append(_Span(group, 0, rows))
            continue
        keys = file.read_row_group(group, columns=[key], use_threads=False).column(0)
        start = _below(keys, low)
        end = rows if high is None else _below(keys, high)
        if start < end:
            spans.append(_Span(group, start, end - start))
    return spans


def _overlapping(metadata: Any, key: str, low: Any, high: Any) -> range:
    """Row groups of a sorted file whose smallest and largest key leave room for the range. Found by halving."""
    groups = range(metadata.num_row_groups if metadata.num_rows else 0)
    first = bisect_left(groups, low, key=lambda group: _bounds(metadata, key, group)[1])
    end = len(groups)
    if high is not None:
        end = bisect_left(groups, high, lo=first, key=lambda group: _bounds(metadata, key, group)[0])
    return groups[first:end]


def _bounds(metadata: Any, key: str, group: int) -> tuple[Any, Any]:
    statistics = metadata.row_group(group).column(metadata.schema.names.index(key)).statistics
    return statistics.min, statistics.max


def _below(keys: pa.ChunkedArray, bound: Any) -> int:
    """How many keys are smaller; all of them stand before the others."""
    return int(pc.sum(pc.less(keys, pa.scalar(bound, keys.type))).as_py() or 0)


def _cut(table: pa.Table, start: int, rows: int) -> pa.Table:
    """Some rows that follow each other, as a copy: a slice would hold all the others in memory too."""
    return table if rows == table.num_rows else table.take(pa.array(np.arange(start, start + rows)))


def _names(columns: Sequence[str] | None) -> list[str] | None:
    return None if columns is None else list(columns)
