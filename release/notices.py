"""Notices: what the licences of the released files ask to go with every copy, as tables of the run.

In: a run, and what the licensing room knows (`LicenseFacts`). Out: the tables `notices`, one row for each released
file, and `license_texts`, each distinct text once. Copyright lines stand as the licence detector found them: names in
them are required notices and are not replaced; secrets are. Rows are streamed by repository; the texts and the ids of
licence files are held in memory. `release/notice_files.py` makes of these tables what people read.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from gleanery.records.parquet import table_of, write_table
from gleanery.release.notice_texts import LICENSE_LIST, WHOLE_TEXT, Texts, read_texts
from gleanery.sql.questions import Database, questions, tables_of

TABLES = ("notices", "license_texts")
PART_ROWS = 50_000
# Notice files of one folder that go with a file as they are; more than these are joined to one text, so that a folder
# of thousands does not make a list of thousands for each file.
MOST_NOTICES = 16
Row = dict[str, Any]


@dataclass(frozen=True)
class LicenseFacts:
    """What the licensing room knows, handed in: a release imports no other room.

    names_in         the licences and exceptions that an expression names
    owes_notice      whether the licence or exception of a name asks that its notice goes with every copy
    text_of          the text of a licence or an exception by its name, or None
    role_of          the part that a path plays: license, notice, readme, metadata or None; no code is a notice
    third_party      the innermost folder of third-party code that holds a path, or None
    without_secrets  a content with a placeholder for each key and password in it (the privacy room knows)
    """

    names_in: Callable[[str], Sequence[str]]
    owes_notice: Callable[[str], bool]
    text_of: Callable[[str], str | None]
    role_of: Callable[[str], str | None]
    third_party: Callable[[str], str | None]
    without_secrets: Callable[[bytes], bytes]


def make_notices(run: Path, facts: LicenseFacts) -> list[Path]:
    """Write both tables of a run that has its token store; gives their files. An older answer is replaced."""
    for name in TABLES:
        shutil.rmtree(run / "tables" / name, ignore_errors=True)
    tables = tables_of(run)
    with Database(tables) as database:
        around = _Repositories(_rows(database, "notice_files"), facts)
        owed = _rows(database, "notices_owed", ["repo_id", "stated_in"])
        licenses = {blob for row in owed for blob, _ in around.stated(row)}
        texts = read_texts(tables, licenses, around.notices | around.named_texts, facts.without_secrets)
        return _write(run, _notices(_rows(database, "notices_owed"), around, texts, facts), texts)


def _write(run: Path, rows: Iterator[Row], texts: Texts) -> list[Path]:
    """Both tables; `notices` in parts, of which there is one even if nothing is released."""
    written, used = list[Path](), set[str]()
    while (part := list(islice(rows, PART_ROWS))) or not written:
        used.update(ident for row in part for ident in (*row["texts"], *row["notices"]))
        written.append(run / "tables" / "notices" / f"part-{len(written):05d}.parquet")
        write_table(written[-1], "notices", table_of("notices", part))
    written.append(run / "tables" / "license_texts" / "texts.parquet")
    write_table(written[-1], "license_texts", table_of("license_texts", texts.rows(used)))
    return written


def _rows(database: Database, question: str, columns: list[str] | None = None) -> Iterator[Row]:
    _, batches = database.batches(questions()[question])
    for batch in batches:
        yield from (batch.select(columns) if columns else batch).to_pylist()


def _notices(files: Iterable[Row], around: "_Repositories", texts: Texts, facts: LicenseFacts) -> Iterator[Row]:
    """One row for each released file. Files of one repository repeat each other, so their texts are found once."""
    for _, members in groupby(files, key=lambda file: file["repo_id"]):
        known: dict[tuple[Any, ...], list[str]] = {}
        for file in members:
            stated = around.stated(file)
            key = (file["license"], *stated)
            if key not in known:
                known[key] = _texts_of(file, stated, around, texts, facts)
            yield {name: file[name] for name in ("file_id", "repo_id", "repo", "path", "license", "copyrights")} | {
                "owed": sorted({name for name in facts.names_in(file["license"]) if facts.owes_notice(name)}),
                "texts": known[key],
                "notices": sorted(around.governing(file["repo_id"], file["path"], texts)),
            }


def _texts_of(
    file: Row, stated: Iterable[tuple[str, str]], around: "_Repositories", texts: Texts, facts: LicenseFacts
) -> list[str]:
    """The texts that the repository carries, and of each licence without one there, the text of the licence list."""
    found, longest = set[str](), dict[str, int]()
    named = [(blob, name) for name in facts.names_in(file["license"]) if (blob := around.text(file["repo_id"], name))]
    for blob, expression in (*stated, *named):
        ident = texts.of_blob(blob)
        if ident is None:
            continue
        found.add(ident)
        texts.by_id[ident].licenses.add(expression)
        for name in facts.names_in(expression):
            longest[name.lower()] = max(longest.get(name.lower(), 0), texts.by_id[ident].words)
    for name in facts.names_in(file["license"]):
        canonical = facts.text_of(name)
        if canonical and longest.get(name.lower(), 0) < WHOLE_TEXT * len(canonical.split()):
            ident = texts.add(canonical.encode(), LICENSE_LIST, [name])
            found |= {ident} if ident else set()
    return sorted(found)


class _Repositories:
    """What stands around the files: NOTICE and COPYRIGHT by folder, and the texts in LICENSES by their names.

    Nothing of it is published against its owner: a content that an owner objects to is no notice, and no text.
    """

    def __init__(self, files: Iterable[Row], facts: LicenseFacts) -> None:
        self._facts = facts
        self._role_of = lru_cache(1 << 14)(facts.role_of)  # one licence file speaks for many files
        self._folders: dict[str, dict[str, list[str]]] = {}
        self._joined: dict[tuple[str, str], list[str]] = {}
        self._texts: dict[tuple[str, str], str] = {}
        self._objected: set[tuple[str, str]] = set()
        for file in files:
            if file["objected"]:
                self._objected.add((file["repo_id"], file["path"]))
            elif file["blob_id"]:
                self._place(file)

    def _place(self, file: Row) -> None:
        folder, _, name = file["path"].rpartition("/")
        role, lower = self._facts.role_of(file["path"]), name.lower()
        if role == "notice" or (role == "license" and lower.lstrip("0").startswith("copyright")):
            self._folders.setdefault(file["repo_id"], {}).setdefault(folder, []).append(file["blob_id"])
        elif role == "license" and folder.lower() in ("licenses", "licences"):
            stem = lower.removesuffix(".txt").removesuffix(".md")
            self._texts.setdefault((file["repo_id"], stem), file["blob_id"])

    def stated(self, file: Row) -> tuple[tuple[str, str], ...]:
        """The licence files that speak for a file: content id, and what was read in it."""
        return tuple(
            (piece["blob_id"], piece["expression"])
            for piece in file["stated_in"]
            if piece["blob_id"]
            and piece["expression"]
            and self._role_of(piece["path"]) == "license"
            and (file["repo_id"], piece["path"]) not in self._objected
        )

    def text(self, repo: str, license_: str) -> str | None:
        """The content in which a repository keeps the text of a licence, as REUSE asks: `LICENSES/MIT.txt`."""
        return self._texts.get((repo, license_.lower()))

    @property
    def named_texts(self) -> set[str]:
        """The contents of all texts in folders of licences."""
        return set(self._texts.values())

    @property
    def notices(self) -> set[str]:
        """The contents of all notices."""
        return {blob for folders in self._folders.values() for blobs in folders.values() for blob in blobs}

    def governing(self, repo: str, path: str, texts: Texts) -> set[str]:
        """All notices above a file; those of a project say nothing of third-party code in it."""
        folders = self._folders.get(repo)
        if not folders:
            return set()
        top, folder, found = self._facts.third_party(path) or "", path, set[str]()
        while folder and folder != top:
            folder = folder.rpartition("/")[0]
            if folder in folders:
                found.update(self._of_folder(repo, folder, texts))
        return found

    def _of_folder(self, repo: str, folder: str, texts: Texts) -> list[str]:
        """The texts of the notices of one folder, or one text that joins them."""
        if (repo, folder) not in self._joined:
            blobs = self._folders[repo][folder]
            found = list(dict.fromkeys(ident for blob in blobs if (ident := texts.of_blob(blob))))
            self._joined[repo, folder] = [texts.joined(found)] if len(found) > MOST_NOTICES else found
        return self._joined[repo, folder]
