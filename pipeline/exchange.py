"""Exchange: hand rows from one partition to another through sorted files, with no shuffle in an engine.

In: rows in any order. Out: Parquet files sorted by a key, in row groups of a few MB, of which a reader takes only the
groups that overlap its range. The writer and the reader each hold one part in memory, on every engine, or one group
where a part may be large; the bytes do not depend on the number of workers.
`docs/decisions/0002-exchange-by-sorted-files.md` has the reasons.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gleanery.records.parquet import Written, open_parquet, write_groups

# Small groups let a reader skip more; each costs some hundred bytes of footer for each column.
GROUP_BYTES = 4 << 20
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
    rows = max(1, min(GROUP_ROWS, table.num_rows * GROUP_BYTES // max(1, table.nbytes)))
    groups = [table.slice(start, rows) for start in range(0, table.num_rows, rows)]
    return write_groups(path, table.schema, groups)


def read_range(
    paths: Sequence[Path], key: str, low: Any, high: Any, schema: pa.Schema, columns: Sequence[str] | None = None
) -> pa.Table:
    """The rows with low <= key < high from files that `write_sorted` wrote with that key first.

    `schema` is that of the files: it is what an empty answer has. Rows come in the order of the files.
    """
    found = []
    for path in paths:
        with open_parquet(path) as file:
            groups = _overlapping(file.metadata, key, low, high)
            if groups:
                table = file.read_row_groups(groups, columns=_names(columns), use_threads=False)
                found.append(_inside(table, key, low, high))
    if not found:
        return (schema if columns is None else pa.schema([schema.field(c) for c in columns])).empty_table()
    return pa.concat_tables(found)


def iter_range(
    paths: Sequence[Path], key: str, low: Any, high: Any, columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """The rows of `read_range`, a group at a time: what occurs everywhere may be more than memory holds."""
    for path in paths:
        with open_parquet(path) as file:
            for group in _overlapping(file.metadata, key, low, high):
                yield _inside(file.read_row_group(group, columns=_names(columns), use_threads=False), key, low, high)


def first_of_each(paths: Sequence[Path], key: str, low: Any, high: Any, schema: pa.Schema) -> tuple[pa.Table, int]:
    """Of the rows of `read_range` the first of each key, and how many rows there are.

    The keys are read first. Other columns are read only of groups that hold a first one: a content of which there are
    a thousand copies is in memory once.
    """
    found, seen, rows = [schema.empty_table()], set[Any](), 0
    for path in paths:
        with open_parquet(path) as file:
            for group in _overlapping(file.metadata, key, low, high):
                keys = file.read_row_group(group, columns=[key], use_threads=False).column(0)
                wanted = []
                for row, value in enumerate(keys.to_pylist()):
                    if value >= low and (high is None or value < high):
                        rows += 1
                        if value not in seen:
                            seen.add(value)
                            wanted.append(row)
                if wanted:
                    found.append(file.read_row_group(group, use_threads=False).take(pa.array(wanted)))
    return pa.concat_tables(found), rows


def read_ids(
    paths: Sequence[Path], key: str, ids: Sequence[str], schema: pa.Schema, columns: Sequence[str] | None = None
) -> pa.Table:
    """The rows whose key is one of some sorted ids that lie close together, such as the repositories of one task."""
    if not ids:
        return schema.empty_table()
    table = read_range(paths, key, ids[0], ids[-1] + "\x00", schema, columns)
    return table.filter(pc.is_in(table.column(key), value_set=pa.array(ids)))


def _inside(table: pa.Table, key: str, low: Any, high: Any) -> pa.Table:
    column = table.column(key)
    inside = pc.greater_equal(column, pa.scalar(low, column.type))
    if high is not None:
        inside = pc.and_(inside, pc.less(column, pa.scalar(high, column.type)))
    return table if pc.all(inside).as_py() else table.filter(inside)


def _names(columns: Sequence[str] | None) -> list[str] | None:
    return None if columns is None else list(columns)


def _overlapping(metadata: Any, key: str, low: Any, high: Any) -> list[int]:
    """Row groups whose smallest and largest key leave room for the range; all that carry no statistics."""
    column = metadata.schema.names.index(key)
    groups = []
    for group in range(metadata.num_row_groups):
        if metadata.row_group(group).num_rows == 0:
            continue
        statistics = metadata.row_group(group).column(column).statistics
        if (
            statistics is None
            or not statistics.has_min_max
            or (statistics.max >= low and (high is None or statistics.min < high))
        ):
            groups.append(group)
    return groups
