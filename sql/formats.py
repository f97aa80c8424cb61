"""Formats: an answer as CSV, JSON or Parquet, the same bytes for the same rows.

In: an Arrow table. Out: text, or a file. CSV is for spreadsheets, so a text that one would run as a formula gets an
apostrophe in front; JSON and Parquet hold the exact values.
"""

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa

from gleanery.records.parquet import Written, write_groups

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(table: pa.Table) -> str:
    """Rows as CSV with a head line and `\\n` line ends; lists and structs as JSON inside their cell.

    >>> print(to_csv(pa.table({"path": ["=1+1", "a,b"], "tokens": [-1, 2]})), end="")
    path,tokens
    '=1+1,-1
    "a,b",2
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.column_names)
    for row in table.to_pylist():
        writer.writerow([cell(value) for value in row.values()])
    return out.getvalue()


def cell(value: Any) -> Any:
    """A value as it may stand in a CSV file that a spreadsheet opens."""
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    # An apostrophe that was there gets another one, so that whoever takes one away has what was there.
    if isinstance(value, str) and value.lstrip("'").startswith(_FORMULA):
        return "'" + value
    return value


def to_json(table: pa.Table) -> str:
    """Rows as a JSON array with one object a line, keys in the order of the columns.

    >>> to_json(pa.table({"files": [3], "reason": ["kept"]}))
    '[\\n{"files": 3, "reason": "kept"}\\n]\\n'
    """
    rows = [json.dumps(_plain(row), ensure_ascii=False, allow_nan=False) for row in table.to_pylist()]
    return "[\n" + ",\n".join(rows) + "\n]\n" if rows else "[]\n"


def _plain(value: Any) -> Any:
    """JSON has no infinity and no not-a-number: both become null."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_parquet(table: pa.Table, path: Path) -> Written:
    """Writes the rows, in their order, to a file that is either whole or absent."""
    return write_groups(path, table.schema, [table])
