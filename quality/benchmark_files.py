"""Benchmark files: the problems by which models are tested, as the files hold them that a person names.

In: a path, and the fields that hold texts. Out: the id and the texts of each problem, in the order of the file. JSON
lines (`.jsonl`, or `.jsonl.gz`), a JSON list (`.json`) and Parquet have a row for a problem; any other file is one.
Errors name file and line, and never a text. One pass.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from gleanery.records.errors import StopRun
from gleanery.records.parquet import iter_rows, schema_of

_ROWS = (".jsonl", ".jsonl.gz", ".json", ".parquet")
_FORMS = f"{', '.join(_ROWS)} have rows; any other file is one problem, as text"


class Problem(NamedTuple):
    """One problem: its id, and the texts of it that were asked for."""

    ident: str
    texts: tuple[str, ...]


def read_problems(path: Path, fields: Sequence[str], ident: str | None = None) -> Iterator[Problem]:
    """The problems of a file. Without the name of a field that holds ids, a problem goes by the number of its row.

    Raises StopRun that names what is wrong, and where.
    """
    if not path.is_file():
        raise StopRun(f"there is no benchmark file {path}", "check benchmark.path, which begins at the settings file")
    if not path.name.endswith(_ROWS):
        yield _one_text(path, fields, ident)
        return
    number = 0
    for number, (place, row) in enumerate(_rows(path), 1):
        if not isinstance(row, dict):
            raise StopRun(f"{place} is no row with fields", f'each is as {{"prompt": "…"}}; {_FORMS}')
        if not fields:
            raise StopRun(f"no fields are named for {path}", f"benchmark.fields takes some of: {_listed(row)}")
        texts = tuple(_text(place, row, field) for field in fields)
        yield Problem(str(number) if ident is None else _ident(place, row, ident), texts)
    if not number:
        raise StopRun(f"the benchmark file {path} holds no problem", "name one that does, or leave it out")


def _one_text(path: Path, fields: Sequence[str], ident: str | None) -> Problem:
    if fields or ident is not None:
        raise StopRun(f"{path} has no fields", f"leave benchmark.fields and benchmark.id out; {_FORMS}")
    return Problem("1", (_decoded(path.read_bytes(), str(path)),))


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Each row with the place where it stands, in words."""
    try:
        if path.suffix == ".parquet":
            schema_of(path)
            yield from _numbered(path, "row", iter_rows(path))
        elif path.suffix == ".json":
            rows = _parsed(path.read_bytes(), str(path))
            yield from _numbered(path, "item", rows if isinstance(rows, list) else [rows])
        else:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield (place := f"{path}, line {number}"), _parsed(line, place)
    except (pa.ArrowException, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise StopRun(f"{path} cannot be read ({type(error).__name__})", "it is damaged: fetch it again") from None


def _numbered(path: Path, word: str, rows: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    return ((f"{path}, {word} {number}", row) for number, row in enumerate(rows, 1))


def _parsed(content: bytes, place: str) -> Any:
    try:
        return json.loads(_decoded(content, place))
    except (ValueError, RecursionError) as error:
        said = f" ({error.msg})" if isinstance(error, json.JSONDecodeError) else ""
        raise StopRun(f"{place} is not JSON{said}", f"mend it, or give the file its right ending; {_FORMS}") from None


def _decoded(content: bytes, place: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise StopRun(f"{place} is not UTF-8", "save it as UTF-8") from None


def _text(place: str, row: dict[str, Any], field: str) -> str:
    """The text of a field: a string, or the strings of a list, one below the other; none where it is null."""
    value = _value(place, row, field)
    texts = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(text, str) for text in texts):
        raise StopRun(f"{place}: the field {field!r} is no text", "name fields that hold strings or lists of strings")
    return "\n".join(texts)


def _ident(place: str, row: dict[str, Any], field: str) -> str:
    value = _value(place, row, field)
    if not isinstance(value, str | int):
        raise StopRun(f"{place}: the field {field!r} is no id", "benchmark.id names strings or whole numbers")
    return str(value)


def _value(place: str, row: dict[str, Any], field: str) -> Any:
    if field not in row:
        raise StopRun(f"{place} has no field {field!r}", f"it has {_listed(row)}")
    return row[field]


def _listed(row: dict[str, Any]) -> str:
    return ", ".join(map(str, row)) or "none"
