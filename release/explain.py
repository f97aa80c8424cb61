"""Explanations: what became of a file or a repository, and why, in plain words.

In: a run or a release, and a target such as `octo/app` or `octo/app:src/main.py`. Out: lines without markup, the same
for the same tables. Every statement is the answer to a packaged question, so an explanation never says more than an
audit would. Each question costs one pass over the columns that it names: 2 s for a file among a million.
"""

from collections.abc import Iterator
from pathlib import Path

from gleanery.records.errors import StopRun
from gleanery.records.files import read_json
from gleanery.release.explain_file import about_file
from gleanery.release.explain_repository import NOT_DECIDED, about_repository, is_decided, rows_of
from gleanery.release.wording import number, shown
from gleanery.sql.named import places
from gleanery.sql.questions import Database, questions, tables_of

# Where a run notes which registry it was given, and its last rule then.
_NOTE = "optout.json"
_MOST_FILES = 10


def explain(folder: Path, target: str) -> list[str]:
    """Lines about OWNER/REPO or OWNER/REPO:PATH. A repository may also be named by an alias, its URL or a page inside,
    a package, or its repo_id: all that bear the name are told of.

    Where nothing has this name, the lines say so and name the closest ones. Raises StopRun if the folder is neither a
    run nor a release, or the target is empty.
    """
    if not target.strip():
        raise StopRun("there is nothing to explain", "name a repository (OWNER/REPO) or a file (OWNER/REPO:PATH)")
    with Database(tables_of(folder)) as database:
        return list(_lines(database, target.strip(), _as_of(folder)))


def _as_of(folder: Path) -> int | None:
    """The position of the registry up to which a run knows its rules; None where it was given no registry."""
    note = read_json(folder / _NOTE) or {}
    return note.get("position", 0) if note.get("registry", "given") is not None else None


def _lines(database: Database, target: str, as_of: int | None) -> Iterator[str]:
    fitting = [(name, path) for name, path in [(target, ""), *places(target)] if database.named(name)]
    # An address of a page may hold whatever, so a file that is there comes first.
    for name, path in [*(pair for pair in fitting[1:] if _is_there(database, *pair)), *fitting][:1]:
        found = database.ask(questions()["find_repository"], {"repo": name}).to_pylist()
        repositories = [row for row in found if row["is_same"]]
        if len(repositories) > 1:
            yield f"{number(len(repositories), 'repository', 'repositories')} have this name."
        for repository in repositories:
            if path:
                yield from about_file(database, repository, path, as_of)
            else:
                yield from about_repository(database, repository, as_of)
        return
    likely = [name for name, _ in places(target) if "/" in name.removeprefix("https://")]
    yield from _nothing_found(database, likely[0] if likely else target)


def _is_there(database: Database, name: str, path: str) -> bool:
    return bool(rows_of(database, "why_rejected", repo=name, path=path))


def _nothing_found(database: Database, name: str) -> Iterator[str]:
    if database.is_run and not is_decided(database):
        yield f"No repository {shown(name)} is known here yet. {NOT_DECIDED}"
    elif database.is_run:
        yield (
            f"No repository {shown(name)} was named in any input of this run, so nothing of it was fetched or decided."
        )
    else:
        yield f"This release holds nothing of a repository {shown(name)}."
        yield "It does not say who objected: ask the run that made it whether its owner did."
    files = rows_of(database, "files_called", path=name) if name else []
    if files:
        yield f"{number(len(files), 'file is', 'files are')} called so:"
        for row in files[:_MOST_FILES]:
            yield f"  {shown(row['repo'])}:{shown(row['path'])}, {row['reason']}"
        if len(files) > _MOST_FILES:
            more = number(len(files) - _MOST_FILES, "other")
            yield f"  and {more}; `gleanery audit files_called --set path=...` lists all"
        return
    close = database.near(name)
    yield f"Close to it: {', '.join(map(shown, close))}." if close else "No repository here has a name like it."
