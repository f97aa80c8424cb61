"""One repository in plain words: what became of its files, and what stands behind that.

In: the tables and a row of `find_repository`. Out: lines. The lines about origin and opt-out serve files too.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gleanery.records.reasons import REASONS
from gleanery.release.wording import number, shown
from gleanery.sql.questions import Database, questions

Row = Mapping[str, Any]
MOST_REASONS = 40
_SCOPES = {"repo": "repository", "owner": "owner"}


def rows_of(database: Database, question: str, **arguments: str) -> list[dict[str, Any]]:
    """The answer as rows; none where this folder does not hold a table that the question needs."""
    asked = questions()[question]
    if not database.holds(asked):
        return []
    known = {parameter.name for parameter in asked.parameters}
    rows: list[dict[str, Any]] = database.ask(asked, {k: v for k, v in arguments.items() if k in known}).to_pylist()
    return rows


def is_decided(database: Database) -> bool:
    """Whether decisions stand in this folder: a run that was stopped, or still goes on, may have none yet."""
    return database.holds(questions()["why_rejected"])


NOT_DECIDED = "Nothing is decided yet: the run is not finished. Give its command again."


def about_repository(database: Database, repository: Row, as_of: int | None) -> Iterator[str]:
    """Everything that the tables say about one repository.

    `as_of`: the last rule of the opt-out registry that the run knows, 0 for none; None if it was given no registry.
    """
    yield shown(repository["name"])
    yield from place_of(database, repository)
    yield from _reasons(database, repository)
    yield from _released(database, repository)
    yield from opt_out(database, repository, as_of)


def place_of(database: Database, repository: Row) -> Iterator[str]:
    """Where it was read from, or why it was not."""
    if repository["status"] == "opted_out":
        yield "Nothing was fetched: a rule of the opt-out registry stood before the crawl."
    elif repository["status"] == "failed":
        yield "It could not be read."
    for letter in rows_of(database, "dead_letters_of", repo=repository["repo_id"]):
        if letter["path"] is None:
            yield f"The stage {shown(letter['stage'])} reported: {shown(letter['error'])}."
            yield f"What to do: {shown(letter['hint'])}."
    yield from origin(repository)


def origin(repository: Row) -> Iterator[str]:
    """Where the repository lies."""
    version = f", version {shown(repository['version'])}" if repository["version"] else ""
    branch = f" of the branch {shown(repository['default_branch'])}" if repository["default_branch"] else ""
    yield f"Repository: {shown(repository['url'])} ({shown(repository['kind'])}){version}{branch}."
    if repository["fork_of"]:
        yield f"It is a fork of {shown(repository['fork_of'])}."
    if repository["aliases"]:
        yield f"It is also known as {', '.join(map(shown, repository['aliases']))}."


def opt_out(database: Database, repository: Row, as_of: int | None) -> Iterator[str]:
    """What its owner said."""
    if repository["optout_signal"]:
        yield f"The repository itself says no, in {shown(repository['optout_signal'])}."
    if not database.holds(questions()["optout_rules_of"]):
        yield "Opt-out: a release does not hold the rules of the registry; ask the run that made it."
        return
    if as_of is None:
        yield "Opt-out: this run was given no registry, so no rule was asked for."
        return
    rules = rows_of(database, "optout_rules_of", repo=repository["repo_id"])
    for rule in rules:
        request = f" (request {shown(rule['request_id'])})" if rule["request_id"] else ""
        past = "" if rule["stands"] else ", until a later rule replaced it"
        what = f"{shown(rule['action'])}s the {_SCOPES.get(rule['scope'], 'content')} {shown(rule['value'])}"
        yield f"Opt-out: rule {rule['seq']:,} of the registry {what}{past}{request}."
    if not rules:
        since = f", as of its rule {as_of:,}" if as_of else ""
        yield f"Opt-out: no rule of the registry is about it{since}."


def _reasons(database: Database, repository: Row) -> Iterator[str]:
    rows = rows_of(database, "reasons_of", repo=repository["repo_id"])
    if not rows:
        yield "No file of it was decided about." if is_decided(database) else NOT_DECIDED
        return
    kept = sum(row["files"] for row in rows if row["verdict"] == "kept")
    total = sum(row["files"] for row in rows)
    yield f"{number(total, 'file')}: {kept:,} kept, {total - kept:,} rejected."
    for row in rows[:MOST_REASONS]:
        yield _reason(row)
    if len(rows) > MOST_REASONS:
        yield f"  and {len(rows) - MOST_REASONS:,} more groups: ask the question reasons_of"


def _reason(row: Row) -> str:
    license_ = f" under {shown(row['expression'])}" if row["expression"] else " without a licence"
    example = f", such as {shown(row['for_example'])}"
    if row["verdict"] == "kept":
        return f"  {row['files']:,} kept{license_}{example}"
    reason = REASONS.get(row["reason"])
    license_ = license_ if row["expression"] else ""
    return f"  {row['files']:,} {shown(row['reason'])}{license_}{example}. {reason.sentence if reason else ''}".rstrip()


def _released(database: Database, repository: Row) -> Iterator[str]:
    for row in rows_of(database, "impact_of", repo=repository["repo_id"]):
        if row["documents"]:
            share = f"{row['percent_of_tokens']:.2f} % of the release"
            shards = f"{row['shards']:,} of {number(row['shards_of_the_release'], 'shard')}"
            yield f"It gives {number(row['tokens'], 'token')} in {shards}, {share}."
        else:
            yield "It gives no tokens."
    shadowed = rows_of(database, "published_elsewhere", repo=repository["repo_id"])
    if shadowed:
        first = shadowed[0]
        other = f"{shown(first['path'])} as {shown(first['released_as_repo'])}:{shown(first['released_as_path'])}"
        yield f"Not released because a duplicate elsewhere is: {number(len(shadowed), 'file')}, such as {other}."
