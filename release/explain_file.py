"""One file in plain words: the decision, its reason, and the evidence for it.

In: the tables, a repository and a path. Out: lines. A path that the repository does not hold gets the closest ones.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gleanery.records.reasons import REASONS
from gleanery.release.explain_repository import NOT_DECIDED, is_decided, opt_out, origin, place_of, rows_of
from gleanery.release.wording import listed, number, shown
from gleanery.sql.questions import Database

Row = Mapping[str, Any]

# How a conclusion says where it comes from.
BASES = {
    "own_header": "from its own header",
    "reuse": "from a record of its project (REUSE)",
    "ancestor_file": "from the nearest licence file above it",
    "package_metadata": "from the metadata of its package",
    "repository": "from the README of its repository",
    "none": "without any evidence",
}
# In which way another file is the same, as `pairs` names it.
KINDS = {
    "normalised": "the same but for comments and white space",
    "near": "near",
    "contained": "it holds this one",
    "part": "this one holds it",
    "renamed": "the same with other names",
}
MOST_COPIES = 5


def about_file(database: Database, repository: Row, path: str, as_of: int | None) -> Iterator[str]:
    """Everything that the tables say about one file, or the closest paths. `as_of`: see about_repository."""
    asked = {"repo": repository["repo_id"], "path": path}
    decided = rows_of(database, "why_rejected", **asked)
    if not decided:
        yield from _no_such_path(database, repository, path, as_of)
        return
    for decision in decided:
        yield f"{shown(repository['name'])}:{shown(path)}"
        yield from _decision(decision)
        yield from _license(rows_of(database, "evidence_of", **asked))
        yield from _copies(rows_of(database, "copies_of", **asked))
        ranges = rows_of(database, "tokens_of", **asked)
        yield from _redactions(rows_of(database, "redactions_of", **asked), bool(ranges))
        yield from _tokens(decision, ranges)
        yield from _dead_letters(rows_of(database, "dead_letters_of", repo=repository["repo_id"]), path)
    yield from origin(repository)
    yield from opt_out(database, repository, as_of)


def _decision(decision: Row) -> Iterator[str]:
    reason = REASONS.get(decision["reason"])
    code = "" if decision["reason"] == decision["verdict"] else f" ({shown(decision['reason'])})"
    yield f"{shown(decision['verdict']).capitalize()}{code}. {reason.sentence if reason else ''}".rstrip()
    yield f"Decided by the rule {shown(decision['rule'])}, version {shown(decision['rule_version'])}."
    for words in decision["evidence"]:
        yield f"It saw: {shown(words)}."
    if decision["twin_repo"] is not None:
        alike = "" if decision["similarity"] is None else f", similarity {decision['similarity']:.2f}"
        twin = f"{shown(decision['twin_repo'])}:{shown(decision['twin_path'])}"
        yield f"The other file is {twin}{alike}; it was {shown(decision['twin_verdict'])}."
    if decision["reason"] == "symlink":
        link = decision["link"]
        yield f"It leads to {shown(link)}." if link else "It leads to no file of its repository."
    elif decision["blob_id"] is None:
        yield "Its content was not read."
    else:
        yield f"Content: {decision['size'] or 0:,} bytes, git content id {shown(decision['blob_id'])}."


def _license(pieces: Sequence[Row]) -> Iterator[str]:
    if not pieces:
        yield "Licence: not looked for, because the content was not read."
        return
    concluded = pieces[0]
    basis = BASES.get(concluded["basis"], shown(concluded["basis"]))
    none = "none was found" if concluded["basis"] == "none" else "none could be identified"
    yield f"Licence: {shown(concluded['expression'] or none)}, {basis}."
    if concluded["header_expression"]:
        yield f"Its own header says {shown(concluded['header_expression'])}."
    if concluded["directory_expression"]:
        yield f"Its directory is under {shown(concluded['directory_expression'])}."
    if concluded["conflict"]:
        yield "Its header, its directory or what else speaks of it state different licences."
    if concluded["uncertain"]:
        yield "Some of the evidence leaves a doubt."
    for piece in pieces:
        if piece["role"] is not None:
            yield _piece(piece)


def _piece(piece: Row) -> str:
    where = shown(piece["stated_in"]) or "what its registry or forge declares"
    if piece["start_line"] is not None:
        last = piece["end_line"] or piece["start_line"]
        one = last == piece["start_line"]
        where += f", line {last}" if one else f", lines {piece['start_line']} to {last}"
    states = shown(piece["states"] or "something that could not be identified")
    said = f"Evidence {piece['rank']}: {where}, says {states}"
    if piece["rule"]:
        said += f", by the detector's rule {shown(piece['rule'])}"
    return said + (f", score {piece['score']:g}." if piece["score"] is not None else ".")


def _copies(copies: Sequence[Row]) -> Iterator[str]:
    whole, parts = ([c for c in copies if (c["kind"] == "part") is is_part] for is_part in (False, True))
    if whole:
        yield f"Other repositories hold {number(len(whole), 'copy', 'copies')} of it:"
        yield from _copies_listed(whole)
    if parts:
        others = f"{number(len(parts), 'file')} of other repositories"
        yield f"It holds almost all of {others}, as it may hold the text of its licence:"
        yield from _copies_listed(parts)


def _copies_listed(copies: Sequence[Row]) -> Iterator[str]:
    for copy in copies[:MOST_COPIES]:
        alike = f"{KINDS.get(copy['kind'], shown(copy['kind']))}, similarity {copy['similarity']:.2f}"
        kind = "exact" if copy["kind"] == "exact" else alike
        age = ", older" if copy["other_is_older"] else ""
        code = "" if copy["other_reason"] == copy["other_verdict"] else f" ({shown(copy['other_reason'])})"
        other = f"{shown(copy['other_repo'])}:{shown(copy['other_path'])}"
        yield f"  {other} ({kind}{age}), {shown(copy['other_verdict'])}{code}"
    if len(copies) > MOST_COPIES:
        yield f"  and {len(copies) - MOST_COPIES:,} more"


def _redactions(redactions: Sequence[Row], released: bool) -> Iterator[str]:
    count = Counter(row["entity"] for row in redactions if row["replacement"])  # without the other lines of a key
    if count:
        said = listed([f"{places:,} {shown(entity)}" for entity, places in sorted(count.items())])
        yield f"Replaced in its text: {said}. The values are stored nowhere."
    elif released:
        yield "Nothing in its text had to be replaced."


def _tokens(decision: Row, ranges: Sequence[Row]) -> Iterator[str]:
    if decision["verdict"] == "kept" and not ranges:
        yield "It has no tokens in a release."
    for row in ranges:
        last = row["start"] + row["tokens"] - 1
        yield f"Tokens: {row['tokens']:,}, from {row['start']:,} to {last:,} in {shown(row['shard'])}."
        yield f"It is document {row['ordinal']:,} of the release, under {shown(row['license'])}."


def _dead_letters(letters: Sequence[Row], path: str) -> Iterator[str]:
    for letter in letters:
        if letter["path"] == path:
            yield f"The stage {shown(letter['stage'])} did not pass it on: {shown(letter['error'])}."
            yield f"What to do: {shown(letter['hint'])}."


def _no_such_path(database: Database, repository: Row, path: str, as_of: int | None) -> Iterator[str]:
    name = shown(repository["name"])
    if repository["status"] != "read":
        yield f"{name}:{shown(path)}"
        yield from place_of(database, repository)
        yield from opt_out(database, repository, as_of)
        return
    if not is_decided(database):
        yield f"{name}:{shown(path)}"
        yield NOT_DECIDED
        yield from origin(repository)
        return
    yield f"{name} holds no file {shown(path)}."
    close = rows_of(database, "find_path", repo=repository["repo_id"], path=path)[:5]
    if close:
        yield f"Close to it: {', '.join(shown(row['path']) for row in close)}."
    yield from origin(repository)
