"""The file of overrides: TOML to write by hand, or the CSV of the review queue with its empty columns filled in.

In: a file. Out: `Override`s. One that lacks a person's name, a reason, a date, a scope or a decision stops the run, and
so does any key that is not known: a decision may not get lost to a typing error. 10,000 overrides took 0.34 s.
"""

import csv
import datetime
import difflib
import hashlib
import io
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from gleanery.licensing.expressions import parse
from gleanery.records.errors import StopRun

# The keys of one override, in the order in which the review queue has them as columns.
SCOPE = ("repository", "path", "header", "blob")
DECISION = ("expression", "verdict", "by", "reason", "date")
# What a row of the review queue is about besides: see `Override`.
OF_QUEUE = ("doubt", "folder_says", "look_at")
DOUBTS = ("license_missing", "license_unknown", "license_conflict")
_KEYS = (*SCOPE, *OF_QUEUE, *DECISION)
LARGEST_FILE = 16 << 20  # bytes
_LONGEST = {"by": 200, "reason": 1000}  # characters
_LONGEST_TEXT = 4096
_BLOB = re.compile(r"[0-9a-f]{40}")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
FORM = """write it as
[[override]]
repository = "owner/name"
expression = "MIT"
by = "Name of a person"
reason = "why"
date = 2026-11-22"""


@dataclass(frozen=True)
class Override:
    """A scope (repository, path, header, blob_id), a decision (expression, verdict), and who, why and when.

    With a `doubt` it is an answer to one row of the review queue, and about the files of that row alone: those that
    this doubt keeps out, whose head states `header` (nothing if null), whose folder states `folder_says` (likewise),
    and of whose evidence `look_at` is to be read first.
    """

    override_id: str
    repository: str | None
    path: str | None
    header: str | None
    blob_id: str | None
    expression: str | None
    verdict: str | None
    by: str
    reason: str
    date: str
    doubt: str | None = None
    folder_says: str | None = None
    look_at: str | None = None

    def row(self) -> dict[str, Any]:
        """A row of the table overrides."""
        return asdict(self)


def read_overrides(path: Path) -> list[Override]:
    """The overrides of a file. Raises StopRun that names the entry and the key, and the way out."""
    if path.suffix.lower() not in (".toml", ".csv"):
        raise StopRun(f"the file of overrides {path.name} is neither .toml nor .csv", FORM)
    try:
        raw = path.read_bytes() if path.stat().st_size <= LARGEST_FILE else None
        text = None if raw is None else raw.decode("utf-8-sig")
    except OSError:
        raise StopRun(f"there is no file of overrides {path}", "correct the setting licensing.overrides") from None
    except UnicodeDecodeError:
        raise StopRun(f"the file of overrides {path.name} is not UTF-8", "save it as UTF-8") from None
    if text is None:
        raise StopRun(f"the file of overrides {path.name} is over {LARGEST_FILE >> 20} MiB", "split it by repository")
    entries = _of_csv(text) if path.suffix.lower() == ".csv" else _of_toml(text)
    return [_override(entry, f"override {number} of {path.name}") for number, entry in entries]


def digest_of(rows: Iterable[Override]) -> str:
    """A digest of some overrides, for fingerprints; empty for none."""
    ids = [override.override_id for override in rows]
    return _digest(ids) if ids else ""


def plain_name(name: str) -> str:
    """One spelling of a repository's name, alias or URL.

    >>> plain_name("https://Example.org/Octo/App.git/"), plain_name("Octo/App")
    ('example.org/octo/app', 'octo/app')
    """
    return name.strip().lower().partition("://")[2 if "://" in name else 0].rstrip("/").removesuffix(".git")


def _of_toml(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StopRun(f"the file of overrides is not valid TOML: {error}", FORM) from None
    entries = plain.get("override", [])
    if set(plain) - {"override"} or not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise StopRun("the file of overrides holds something else than [[override]] entries", FORM)
    yield from enumerate(entries, 1)


def _of_csv(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Rows in which a decision stands; the rest of a review queue is still open. Other columns are for reading only."""
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    missing = [name for name in (*SCOPE, *DECISION) if name not in (rows.fieldnames or ())]
    if missing:
        raise StopRun(
            f"the file of overrides lacks the columns {', '.join(missing)}",
            "begin with `gleanery licenses --run DIR --queue FILE.csv`, and keep its columns",
        )
    for number, row in enumerate(rows, 1):
        entry = {name: value for name in _KEYS if (value := _cell(row.get(name))).strip()}
        if any(name in entry for name in DECISION):
            yield number, entry


def _cell(text: str | None) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from running it as a formula."""
    plain = text or ""
    return plain[1:] if plain[:1] == "'" and plain.lstrip("'").startswith(_FORMULA) else plain


def _override(entry: Mapping[str, Any], where: str) -> Override:
    """One entry, checked."""
    for key in entry:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, 1)
            _refuse(where, "has a key that is not known", f"did you mean {near[0]}?" if near else FORM)
    texts = {key: _text(entry, key, where) for key in _KEYS if key != "date"}
    path, blob = _path(texts["path"], where), texts["blob"]
    if texts["repository"] is None and blob is None:
        _refuse(where, "does not say what it is about", "give a repository, with a path if need be, or a blob")
    if blob is not None and not _BLOB.fullmatch(blob):
        _refuse(where, "has a blob that is not a git content id", "give its 40 hexadecimal digits in small letters")
    if blob is not None and (path or texts["header"]):
        _refuse(where, "has a blob and a path or header", "a blob is one content; leave path and header out")
    _answered(texts, where)
    for key in ("expression", "header", "folder_says"):
        if texts[key] is not None and parse(texts[key] or "") is None:
            _refuse(where, f"has {key} that is no SPDX expression", 'write it as in "MIT" or "Apache-2.0 OR MIT"')
    _decided(texts, where)
    fields = [texts["repository"], path, texts["header"], blob, texts["expression"], texts["verdict"]]
    fields += [texts["by"], texts["reason"], _date(entry.get("date"), where)]
    # An id stays what it was before there were answers to doubts.
    answer = [texts[key] for key in OF_QUEUE] if texts["doubt"] is not None else []
    return Override(_digest([*fields, *answer])[:12], *fields, *answer)  # type: ignore[arg-type]  # they were checked


def _answered(texts: Mapping[str, str | None], where: str) -> None:
    if texts["doubt"] not in (None, *DOUBTS):
        _refuse(where, "has a doubt that is not known", f"it is one of {', '.join(DOUBTS)}")
    if texts["doubt"] is not None and texts["repository"] is None:
        _refuse(where, "has a doubt and no repository", "name the repository; a blob needs no doubt")
    if texts["doubt"] is None and (texts["folder_says"] or texts["look_at"]):
        hint = "they stand together in a row of the review queue; elsewhere leave all of them out"
        _refuse(where, "has folder_says or look_at and no doubt", hint)


def _decided(texts: Mapping[str, str | None], where: str) -> None:
    if texts["expression"] is None and texts["verdict"] is None:
        _refuse(where, "decides nothing", 'give an expression, or verdict = "allow" or "deny"')
    if texts["verdict"] not in (None, "allow", "deny"):
        _refuse(where, "has a verdict that is not known", 'verdict is "allow" or "deny"')
    if texts["verdict"] == "deny" and texts["expression"] is not None:
        _refuse(where, "denies and names a licence", "leave the expression out: what is denied is kept under none")
    if texts["by"] is None:
        _refuse(where, "names nobody", "by is the name of the person who answers for it")
    if texts["reason"] is None:
        _refuse(where, "gives no reason", "reason says in a sentence what the person saw, and where")


def _text(entry: Mapping[str, Any], key: str, where: str) -> str | None:
    value = entry.get(key, "")
    if not isinstance(value, str):
        _refuse(where, f"has {key} that is not a text", f'write it as {key} = "..."')
    # A path may begin or end with a blank; a person who writes one by hand does not mean it.
    plain = value if key in ("path", "look_at") and entry.get("doubt") else value.strip()
    if not plain.isprintable() or len(plain) > _LONGEST.get(key, _LONGEST_TEXT):
        _refuse(where, f"has {key} that is too long or holds control codes", "write it on one line, in plain letters")
    return plain or None


def _path(path: str | None, where: str) -> str | None:
    """A folder or a file, without the last slash; None for the whole repository."""
    if path is None:
        return None
    if path.startswith("/") or any(part in ("", ".", "..") for part in path.rstrip("/").split("/")):
        _refuse(where, "has a path that is not plain", "write it from the repository's root, as in src/lib")
    return path.rstrip("/")


def _date(value: Any, where: str) -> str:
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    try:
        return datetime.date.fromisoformat(value).isoformat() if len(value) == 10 else _no_date(where)
    except (TypeError, ValueError):
        _no_date(where)


def _no_date(where: str) -> NoReturn:
    _refuse(where, "has no date, or one in another form", "date is the day of the decision, as 2026-11-22")


def _refuse(where: str, what: str, hint: str) -> NoReturn:
    raise StopRun(f"{where} {what}", hint)


def _digest(plain: Any) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
