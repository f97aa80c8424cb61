"""Notice files: what the tables `notices` and `license_texts` of a release say, for people.

In: a release with both tables. Out: `LICENSES/ID.txt`, each distinct text once; `NOTICES.txt.gz`, repositories with
their licences and copyright lines, and then the texts; `licenses.csv`, files by repository and licence. Nothing else is
read, so that they can be made anew when a document is taken out. Rows are streamed, so memory does not grow with the
release.
"""

import csv
import io
import tempfile
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from gleanery.records.files import atomic_file, link_file, write_bytes
from gleanery.records.parquet import iter_rows, read_table, table_files, write_table
from gleanery.release.wording import number, shown
from gleanery.sql.formats import cell
from gleanery.sql.questions import Database, questions, tables_of

NOTICES, LICENSES, TEXTS = "NOTICES.txt.gz", "licenses.csv", "LICENSES"
PREFACE = """\
This release holds files of the repositories below, each under its own licence.
Under each licence stand the copyright lines that were found in the files and in
the files that their licences were read from, and the names of the texts that go
with them. The texts stand at the end, each once, without copyright lines that
stand above, and in the folder LICENSES. What goes with one file is in the table
notices; the evidence for its licence is in the table license_conclusions.
"""
# A repository whose lines are beyond this is cut, and says so: no line of one project may drown the others.
MOST_LINES = 10_000
LONGEST_LINE = 10_000  # characters
_MEMBER = 8 << 20  # bytes of one member of the compressed file; gzip files may be joined
Row = dict[str, Any]


def write_notices(release: Path) -> None:
    """Write all of them into a release folder; they are then part of what its manifest covers."""
    tables = tables_of(release)
    with (
        Database(tables) as database,
        atomic_file(release / NOTICES) as notices,
        atomic_file(release / LICENSES) as licenses,
    ):
        packed = _Packed(notices)
        packed.write(PREFACE)
        licenses.write(_csv_line("repository", "files", "expression"))
        for repository, rows in groupby(_rows(database), key=lambda row: (row["repo"], row["url"], row["version"])):
            packed.write(_heading(*repository))
            for row in rows:
                licenses.write(_csv_line(row["repo"], row["files"], row["license"]))
                packed.write("\n".join(_entry(row)) + "\n")
        for text in _texts(release):
            packed.write("\n".join(_full(text)) + "\n")
        packed.close()
    _write_texts(release)


def take_out(release: Path, file_ids: Collection[str]) -> None:
    """Take the notices of some files out of a release: their rows, and texts that no other file needs.

    The files for people are made anew. The manifest no longer fits afterwards: who removes documents makes a new one.
    """
    gone, used = pa.array(sorted(file_ids), pa.string()), set[str]()
    for path in table_files(release, "notices"):
        table = read_table(path)
        left = table.filter(pc.invert(pc.is_in(table.column("file_id"), value_set=gone)))
        if left.num_rows < table.num_rows:
            write_table(path, "notices", left)  # a new file: the old one may be linked to the run's
        for column in ("texts", "notices"):
            used.update(pc.list_flatten(left.column(column)).to_pylist())
    for path in table_files(release, "license_texts"):
        table = read_table(path)
        wanted = pc.is_in(table.column("text_id"), value_set=pa.array(sorted(used), pa.string()))
        write_table(path, "license_texts", table.filter(wanted))
    write_notices(release)


def notices_without(release: Path, file_ids: Collection[str], target: Path) -> None:
    """Write to `target` what `NOTICES.txt.gz` says once some files are taken out; the release stays as it is."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".notices-") as scratch:
        copy = Path(scratch)
        (copy / "tables" / "files").mkdir(parents=True)  # what marks a release; no row of it is asked for
        for name in ("repos", "notices", "license_texts"):
            for path in table_files(release, name):
                link_file(path, copy / "tables" / name / path.name)
        take_out(copy, file_ids)
        (copy / NOTICES).replace(target)


class _Packed:
    """Text into a gzip file. The compressor is the one that comes with pyarrow: the same bytes on every machine."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._codec, self._waiting = out, pa.Codec("gzip"), bytearray()

    def write(self, text: str) -> None:
        self._waiting += text.encode("utf-8", "surrogatepass")
        if len(self._waiting) >= _MEMBER:
            self.close()

    def close(self) -> None:
        """Write what waits; more may follow."""
        self._out.write(self._codec.compress(bytes(self._waiting), asbytes=True))
        self._waiting.clear()


def _rows(database: Database) -> Iterator[Row]:
    _, batches = database.batches(questions()["attribution"])
    for batch in batches:
        yield from batch.to_pylist()


def _texts(release: Path) -> Iterator[Row]:
    for path in table_files(release, "license_texts"):
        yield from iter_rows(path, batch=64)


def _write_texts(release: Path) -> None:
    folder, written = release / TEXTS, set[str]()
    for text in _texts(release):
        name = f"{text['text_id']}.txt"
        written.add(name)
        write_bytes(folder / name, text["content"])
    for path in sorted(folder.glob("*")):
        if path.name not in written:
            path.unlink()


def _heading(repo: str, url: str | None, version: str | None) -> str:
    at = f", version {shown(version)}" if version else ""
    return f"\n{'-' * 78}\n{shown(repo)}\n{shown(url or '')}{at}\n"


def _entry(row: Row) -> Iterator[str]:
    """The lines about one licence of one repository."""
    yield ""
    yield f"  {shown(row['license'])} ({number(row['files'], 'file')})"
    for line in row["copyrights"][:MOST_LINES]:
        yield f"    {shown(' '.join(line.split()), LONGEST_LINE)}"
    if not row["copyrights"]:
        yield "    (no copyright line was found)"
    if len(row["copyrights"]) > MOST_LINES:
        yield f"    and {len(row['copyrights']) - MOST_LINES:,} more lines, in the table notices"
    for what in ("texts", "notices"):
        yield from (f"    {what[:-1]} {ident}" for ident in row[what])


def _full(text: Row) -> Iterator[str]:
    """One text with its name."""
    said = f" ({', '.join(map(shown, text['licenses']))})" if text["licenses"] else ""
    yield from ("", "=" * 78, f"{text['text_id']}{said}", "")
    yield from (shown(line.expandtabs(), LONGEST_LINE) for line in _lines(text["content"]))


def _lines(content: bytes) -> Iterable[str]:
    """Lines of a text in whichever encoding it has: none of them may be lost for a wrong letter."""
    for encoding in ("utf-8-sig", "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"):
        try:
            return content.decode(encoding).splitlines()
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1").splitlines()


def _csv_line(*cells: Any) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([cell(value) for value in cells])
    return out.getvalue().encode()
