"""Notices: what the licences of the released files ask to go with every copy.

In: a release folder. Out: `NOTICES.txt` (repositories, their licences and copyright lines) and `licenses.csv` (files
by repository and licence). Copyright lines stand as the licence detector found them: names in them are required
notices and are not replaced. Rows are streamed, so memory does not grow with the release.
"""

import csv
import io
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from gleanery.records.parquet import atomic_file
from gleanery.release.wording import number, shown
from gleanery.sql.formats import cell
from gleanery.sql.questions import Database, questions, tables_of

NOTICES, LICENSES = "NOTICES.txt", "licenses.csv"
PREFACE = """\
This release holds files of the repositories below, each under its own licence.
Under each licence stand the copyright lines that were found in the files and in
the licence files that govern them. The text of a licence is known by its SPDX
name; the evidence for each file is in the table license_conclusions.
"""
# A repository whose lines are beyond this is cut, and says so: no line of one project may drown the others.
MOST_LINES = 10_000
LONGEST_LINE = 10_000  # characters


def write_notices(root: Path) -> None:
    """Write both files into a release folder; they are then part of what its manifest covers."""
    with (
        Database(tables_of(root)) as database,
        atomic_file(root / NOTICES) as notices,
        atomic_file(root / LICENSES) as licenses,
    ):
        notices.write(PREFACE.encode())
        licenses.write(_csv_line("repository", "files", "expression"))
        for repository, rows in groupby(_rows(database), key=lambda row: (row["repo"], row["url"], row["version"])):
            notices.write(_heading(*repository).encode())
            for (license_, files), lines in groupby(rows, key=lambda row: (row["license"], row["files"])):
                licenses.write(_csv_line(repository[0], files, license_))
                notices.write(f"\n  {shown(license_)} ({number(files, 'file')})\n".encode())
                for line in _copyrights(lines):
                    notices.write(f"    {line}\n".encode())


def _rows(database: Database) -> Iterator[dict[str, Any]]:
    _, batches = database.batches(questions()["attribution"])
    for batch in batches:
        yield from batch.to_pylist()


def _heading(repo: str, url: str | None, version: str | None) -> str:
    at = f", version {shown(version)}" if version else ""
    return f"\n{'-' * 78}\n{shown(repo)}\n{shown(url or '')}{at}\n"


def _copyrights(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    count = 0
    for row in rows:
        if row["copyright"] is None:
            continue
        count += 1
        if count <= MOST_LINES:
            yield shown(" ".join(row["copyright"].split()), LONGEST_LINE)
    if not count:
        yield "(no copyright line was found)"
    if count > MOST_LINES:
        yield f"and {count - MOST_LINES:,} more lines, in the table license_findings"


def _csv_line(*cells: Any) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([cell(value) for value in cells])
    return out.getvalue().encode()
