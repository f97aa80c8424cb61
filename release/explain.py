"""Explanations: what became of a file or a repository, and why, in plain words.

In: a run or a release, and a target such as `octo/app` or `octo/app:src/main.py`. Out: lines without markup, the same
for the same tables. Every statement is the answer to a packaged question, so an explanation never says more than an
audit would. Each question costs one pass over the columns that it names: 2 s for a file among a million.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gleanery.records.errors import StopRun
from gleanery.release.explain_file import about_file
from gleanery.release.explain_repository import about_repository
from gleanery.release.wording import number, shown
from gleanery.sql.questions import Database, questions, tables_of

# A target has at most this many places where the repository's name may end and the path begin.
MOST_SPLITS = 16
# Where a run notes which registry it was given.
_NOTE = "optout.json"


def explain(folder: Path, target: str) -> list[str]:
    """Lines about OWNER/REPO or OWNER/REPO:PATH. A repository may also be named by an alias, its URL or its repo_id.

    Where nothing has this name, the lines say so and name the closest ones. Raises StopRun if the folder is neither a
    run nor a release, or the target is empty.
    """
    if not target.strip():
        raise StopRun("there is nothing to explain", "name a repository (OWNER/REPO) or a file (OWNER/REPO:PATH)")
    with Database(tables_of(folder)) as database:
        return list(_lines(database, target.strip(), _had_registry(folder)))


def _had_registry(folder: Path) -> bool:
    """Whether a run was given a registry; its table of rules is as empty where nobody has objected."""
    try:
        note = json.loads((folder / _NOTE).read_bytes())
    except (OSError, ValueError):
        return True
    return not isinstance(note, dict) or note.get("registry") is not None


def _lines(database: Database, target: str, had_registry: bool) -> Iterator[str]:
    for name, path in _splits(target):
        repositories = [row for row in _find(database, name) if row["is_same"]]
        if not repositories:
            continue
        if len(repositories) > 1:
            yield f"{number(len(repositories), 'repository', 'repositories')} have this name."
        for repository in repositories:
            if path:
                yield from about_file(database, repository, path, had_registry)
            else:
                yield from about_repository(database, repository, had_registry)
        return
    likely = [name for name, _ in _splits(target)[1:] if "/" in name.removeprefix("https://")]
    yield from _nothing_found(database, likely[0] if likely else target)


def _splits(target: str) -> list[tuple[str, str]]:
    """Each reading of the target as a name and a path: names and paths may hold colons too.

    >>> _splits("octo/app:a.py")
    [('octo/app:a.py', ''), ('octo/app', 'a.py')]
    """
    places = [place for place, character in enumerate(target) if character == ":"][:MOST_SPLITS]
    return [(target, "")] + [(target[:place], target[place + 1 :].lstrip("/")) for place in places if place]


def _find(database: Database, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = database.ask(questions()["find_repository"], {"repo": name}).to_pylist()
    return rows


def _nothing_found(database: Database, name: str) -> Iterator[str]:
    yield f"No repository {shown(name)} was named in any input of this run, so nothing of it was fetched or decided."
    close = [row["name"] for row in _find(database, name)][:5]
    yield f"Close to it: {', '.join(map(shown, close))}." if close else "No repository here has a name like it."
