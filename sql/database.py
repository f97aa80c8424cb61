"""A locked DuckDB: reads the named Parquet files, and nothing else.

In: the files of each table, and questions. Out: Arrow tables. The database lives in memory, loads no extension, opens
no file but those named (a spill folder of its own aside), and its settings cannot be changed by a query. Paths and
arguments are data: they are never put into the text of a query. On two million rows in four files, a grouped count
took 0.01 s and a join of the table with itself on its key 0.33 s, with two threads.

A question about a repository reads the view `named`: the ids of all that bear the name which was asked (`named.py`).
"""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from gleanery.records.errors import StopRun, WrongArguments
from gleanery.records.parquet import schema_of
from gleanery.records.tables import TABLES
from gleanery.sql.folders import BEFORE, Tables
from gleanery.sql.header import CONTENT, REPOSITORY, Question, parse
from gleanery.sql.named import COLUMNS, content_id, named, without_host, word

MEMORY_LIMIT = "2GB"
THREADS = 2
BATCH_ROWS = 8192


class Database:
    """A connection over the tables of one folder; use it in a `with` block.

    `tables` maps the name of a table to its files. Views are made when a question first needs them.
    """

    def __init__(self, tables: Mapping[str, Sequence[Path]]) -> None:
        self._tables = {name: [path.resolve() for path in paths] for name, paths in tables.items()}
        self._viewed: set[str] = set()
        self._named = tables
        for path in (path for paths in self._tables.values() for path in paths):
            if "\\" in str(path):
                raise StopRun(f"{path} has a backslash in its path", "move the folder: DuckDB cannot name such a file")

    def __enter__(self) -> "Database":
        self._spill = tempfile.TemporaryDirectory(prefix="gleanery-audit-")
        self._connection = _locked(self._spill.name, [p for paths in self._tables.values() for p in paths])
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self._connection.close()
        self._spill.cleanup()

    def ask(self, question: Question, arguments: Mapping[str, str] | None = None) -> pa.Table:
        """All rows of the answer, in the order that the question states."""
        schema, batches = self.batches(question, arguments)
        return pa.Table.from_batches(list(batches), schema)

    def batches(
        self, question: Question, arguments: Mapping[str, str] | None = None
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """The schema of the answer and its rows in batches, so that a long answer is never held whole."""
        given = self._prepared(question, arguments or {})
        try:
            reader = self._connection.sql(question.sql, params=given).to_arrow_reader(BATCH_ROWS)
        except duckdb.Error as error:
            raise _stopped(question, error) from None
        return reader.schema, _read(question, reader)

    def holds(self, question: Question) -> bool:
        """Whether this folder has every table that the question needs."""
        return set(question.needs) <= set(self._tables)

    @property
    def is_run(self) -> bool:
        """Whether the folder is one of a run: a release holds no rules of the registry."""
        return "optout_rules" in self._tables

    def named(self, text: str) -> list[str]:
        """The ids of the repositories that bear a name, in order; none without a table `repos`."""
        if "repos" not in self._tables:
            return []
        self._view(_NAMES, "repos")
        rows = self._connection.sql(_NAMES.sql, params={"text": text, "word": word(text)})
        found = rows.to_arrow_table().to_pylist()
        return sorted(named(text, found))

    def near(self, text: str) -> list[str]:
        """Up to five names that are like one that no repository bears, the closest first."""
        if "repos" not in self._tables:
            return []
        self._view(_NEAR, "repos")
        rows = self._connection.execute(_NEAR.sql, {"text": without_host(text)}).fetchall()
        return [str(name) for (name,) in rows]

    def refuse_unknown(self, text: str) -> StopRun:
        """The error for a name that no repository of this folder bears: what is like it, and where else to ask."""
        shown, near = _printable(text), [_printable(name) for name in self.near(text)]
        close = f"close to it: {', '.join(near)}" if near else "`gleanery audit repositories` lists them"
        if self.is_run:
            return StopRun(f"no source of this run is the repository {shown}", close)
        hint = "; if its owner objected, a release does not say so: ask the run that made it"
        return StopRun(f"this release holds no repository {shown}", close + hint)

    def operators(self, question: Question, arguments: Mapping[str, str] | None = None) -> set[str]:
        """The steps of the plan by which DuckDB would answer, such as HASH_JOIN: to see that none multiplies tables."""
        given = self._prepared(question, arguments or {})
        rows = self._connection.execute(f"EXPLAIN (FORMAT JSON) {question.sql}", given).fetchall()
        return _names(json.loads(rows[-1][-1]))

    def _prepared(self, question: Question, arguments: Mapping[str, str]) -> dict[str, str]:
        """Make the views of a question, and give what its query takes."""
        given = _arguments(question, arguments)
        for name in question.needs:
            self._view(question, name)
        if (text := given.get(REPOSITORY)) is not None:
            self._name(question, text)
        if CONTENT in given:
            given[CONTENT] = content_id(given[CONTENT])
        return {name: value for name, value in given.items() if f"${name}" in question.sql}

    def _name(self, question: Question, text: str) -> None:
        """Make the view `named`. Raises StopRun for a name that nothing bears, unless the question is about names."""
        if not text.strip() and not question.is_required(REPOSITORY):
            self._connection.sql("SELECT repo_id FROM stg_repos").create_view("named", replace=True)
            return
        found = self.named(text)
        if not found and f"${REPOSITORY}" not in question.sql:
            raise self.refuse_unknown(text)
        ids = pa.table({"repo_id": pa.array(found, pa.string())})
        self._connection.register("named", ids)

    def _view(self, question: Question, name: str) -> None:
        """The view stg_<table>: the columns as they are, under the table's name."""
        if name in self._viewed:
            return
        if isinstance(self._named, Tables):
            self._named.refuse_stale(name)
        if name not in self._tables:
            before = BEFORE if name.startswith(BEFORE) else ""
            hint = "a release holds no opt-out rules and no crawled contents; ask it of the run that made the release"
            if f"{before}files" not in self._tables and before:
                hint = "it compares two runs: name the earlier one with --before"
            elif f"{before}optout_rules" in self._tables:  # the first thing of a run, and never in a release
                hint = "the run is not finished; give its command again"
            message = f"the question {question.name} needs the table {name}, which this folder does not hold"
            raise StopRun(message, hint)
        paths = self._tables[name]
        if not paths:
            self._connection.register(f"stg_{name}", TABLES[name.removeprefix(BEFORE)].schema.empty_table())
        else:
            _check_schemas(name, paths)
            try:
                relation = self._connection.read_parquet([_literal(path) for path in paths], hive_partitioning=False)
            except duckdb.Error as error:
                raise _stopped(question, error) from None
            relation.create_view(f"stg_{name}")
        self._viewed.add(name)


# What was forked is named as people write it: `plain` makes one spelling of a name and of every form of an address.
_PLAIN = r"""CREATE MACRO plain(text) AS regexp_replace(
  regexp_replace(
    regexp_replace(regexp_replace(lower(trim(text)), '^[a-z+]+://', ''), '^[^/@]+@', ''), '([.]git)?/*$', ''
  ),
  '^([^/:]+):([0-9]*[^/0-9])', '\1/\2'
)"""
_HEAD = "-- Bad result: none.\n-- Question: Which names?\n-- Must be empty: no\n-- Needs: repos\n"
_TEXT = "-- Parameter text (required): a name\n"
# Rows that may bear a name; one with an encoded letter may hold the word though it is not seen.
_NAMES = parse(
    "names",
    f"""{_HEAD}{_TEXT}-- Parameter word (required): a word of it
SELECT {", ".join(COLUMNS)} FROM stg_repos
WHERE repo_id = $text OR $word = '' OR len(list_filter(list_concat([name, url], aliases),
  lambda one: contains(lower(one), $word) OR contains(one, '%'))) > 0
ORDER BY repo_id
""",
)
_NEAR = parse(
    "near",
    f"""{_HEAD}{_TEXT}SELECT name FROM (SELECT DISTINCT name FROM stg_repos)
WHERE jaro_winkler_similarity(lower(name), lower($text)) >= 0.75
ORDER BY jaro_winkler_similarity(lower(name), lower($text)) DESC, name
LIMIT 5
""",
)


def _locked(spill: str, paths: Sequence[Path]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
            "memory_limit": MEMORY_LIMIT,
            "threads": THREADS,
            "temp_directory": spill,
        },
    )
    allowed = sorted({str(path) for path in paths} | {_literal(path) for path in paths})
    # Where Python was started without a file, as a worker process and a notebook are, DuckDB draws a bar on the output.
    connection.execute("SET enable_progress_bar = false")
    connection.execute(_PLAIN)
    connection.execute("SET allowed_paths = $paths", {"paths": allowed})
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _literal(path: Path) -> str:
    """A path for DuckDB in which `*`, `?` and `[` stand for themselves; DuckDB takes every path as a pattern.

    In full, so that no name at its beginning is taken for the scheme of an address.
    """
    return re.sub(r"[*?\[]", lambda match: f"[{match.group()}]", str(path.absolute()))


def _check_schemas(name: str, paths: Sequence[Path]) -> None:
    """A column that is missing or of another type would make an audit answer about nothing."""
    wanted = TABLES[name.removeprefix(BEFORE)].schema
    for path in paths:
        try:
            schema = schema_of(path)
        except (OSError, pa.ArrowException):
            raise StopRun(f"{path} cannot be read as Parquet", "verify the release, or run the stage again") from None
        if not schema.equals(wanted):
            raise StopRun(
                f"{path} is not a table {name} of this version of Gleanery",
                "ask with the version that wrote it, or run the stage again",
            )


def _arguments(question: Question, given: Mapping[str, str]) -> dict[str, str]:
    known = {parameter.name: parameter.default for parameter in question.parameters}
    if unknown := sorted(set(given) - set(known)):
        raise WrongArguments(
            f"the question {question.name} has no parameter {', '.join(unknown)}",
            f"its parameters are: {', '.join(known) or 'none'}",
        )
    values = {name: given.get(name, default) for name, default in known.items()}
    if missing := [name for name, value in values.items() if value is None]:
        raise WrongArguments(
            f"the question {question.name} needs a value for: {', '.join(missing)}",
            "; ".join(f"{p.name}: {p.meaning}" for p in question.parameters if p.name in missing),
        )
    return {name: value for name, value in values.items() if value is not None}


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "·" for letter in text[:200])


def _names(plan: list[dict[str, Any]]) -> set[str]:
    return {name for node in plan for name in {str(node["name"]).strip()} | _names(node["children"])}


def _read(question: Question, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise _stopped(question, error) from None


def _stopped(question: Question, error: Exception) -> StopRun:
    """DuckDB's own message may hold values from the tables, so only its kind is passed on."""
    if isinstance(error, (duckdb.ConversionException, duckdb.BinderException)) and question.parameters:
        names = ", ".join(parameter.name for parameter in question.parameters)
        return WrongArguments(f"the question {question.name} was given a value of the wrong form", f"check: {names}")
    if "Too many open files" in str(error):
        hint = "raise the limit of open files (`ulimit -n`)"
        return StopRun(f"the question {question.name} may not open as many files as the run has", hint)
    if isinstance(error, duckdb.OutOfMemoryException):
        hint = "make room in the temporary folder (TMPDIR), where it keeps what memory does not hold"
        return StopRun(f"the question {question.name} has no room left for its work", hint)
    return StopRun(
        f"the question {question.name} could not be answered ({type(error).__name__})",
        "a table file may be damaged: verify the release, or run the stage again",
    )
