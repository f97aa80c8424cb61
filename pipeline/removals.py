"""Removals: which documents of a release a person, or the opt-out registry as it stands now, wants out.

In: a release, ids or names, and a registry. Out: wishes for the removal list. One read of two narrow tables. A registry
that is older than the release or the list is refused: it would pass for one to which nobody has objected since.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from gleanery.optout.engines import address
from gleanery.optout.matching import Matcher
from gleanery.optout.networks import blocked_members
from gleanery.optout.registry import Registry
from gleanery.pipeline.optouts import MEMBER_COLUMNS, holds, member_of
from gleanery.pipeline.release_folder import PLACE
from gleanery.pipeline.run_folder import PIN
from gleanery.records.errors import StopRun
from gleanery.records.files import read_json
from gleanery.records.parquet import iter_rows, schema_of
from gleanery.release.listing import MANIFEST
from gleanery.shards.removals import Entry, Wish
from gleanery.sql.named import places
from gleanery.sql.questions import Database, tables_of


def wishes(
    release: Path, files: Sequence[str], repositories: Sequence[str], registry: str | None, reason: str, listed: int = 0
) -> list[Wish]:
    """What to append. A repository is named as `gleanery explain` takes it, a file as in `file_ids`: all are meant.

    `listed` is the latest position of the registry that the list names. Raises StopRun for an unknown name, since an
    entry that names nothing would look like a removal and be none, and for a registry that lacks what was known.
    """
    release = release_in(release)
    _paths(release, "docs")
    found = [Wish("file", file_id, reason) for file_id in file_ids(release, files)]
    if repositories:
        with Database(tables_of(release)) as database:
            for name in repositories:
                if not (ids := database.named(name)):
                    raise database.refuse_unknown(name)
                found += [Wish("repo", one, reason) for one in ids]
    return found + (_of_registry(release, registry, reason, listed) if registry else [])


class Effect(NamedTuple):
    """What an entry of a removal list takes out of one release; nothing where the release never held it."""

    name: str = ""
    documents: int = 0
    tokens: int = 0


def effects(release: Path, entries: Iterable[Entry]) -> dict[tuple[str, str], Effect]:
    """What each of the entries takes out, by its scope and id; a document that two of them name counts for both."""
    release = release_in(release)
    found = {(entry.scope, entry.id): Effect() for entry in entries}
    for repo in _rows(release, "repos", ["repo_id", "name"]):
        if ("repo", repo["repo_id"]) in found:
            found["repo", repo["repo_id"]] = Effect(repo["name"])
    for doc in _rows(release, "docs", ["file_id", "repo_id", "repo", "path", "tokens"]):
        for key, name in (
            (("repo", doc["repo_id"]), doc["repo"]),
            (("file", doc["file_id"]), f"{doc['repo']}:{doc['path']}"),
        ):
            if before := found.get(key):
                found[key] = Effect(name, before.documents + 1, before.tokens + doc["tokens"])
    return found


def release_in(folder: Path) -> Path:
    """The release that a folder is, or that stands in it where it is that of a run.

    The tables of a run are no answer: a run that was stopped has newer ones than the release that people train on.
    """
    for place in (folder, folder / "release"):
        if (place / "docs").is_dir():
            return place
    what = "a run without a release" if (folder / "tables").is_dir() else "no release"
    raise StopRun(f"{folder} is {what}", "give the folder of a finished release, or that of its run")


def file_ids(release: Path, files: Sequence[str]) -> list[str]:
    """The ids of all files that each of these names, as a file_id or as OWNER/REPO:PATH, is good for.

    OWNER/REPO is any name of the repository, as `gleanery explain` takes it.

    Two forges may have a repository of one name, and nobody knows whose file was meant: an owner's wish is served with
    both. Raises StopRun for a name that the release lacks.
    """
    release = release_in(release)
    known: dict[str, list[str]] = {name: [] for name in files}
    meant = _meant(release, files) if files else {}
    for doc in _rows(release, "docs", ["file_id", "repo_id", "repo", "path"]) if files else ():
        names = {doc["file_id"], f"{doc['repo']}:{doc['path']}"} & known.keys()
        for name in names | meant.get((doc["repo_id"], doc["path"]), set()):
            known[name].append(doc["file_id"])
    for name, ids in known.items():
        if not ids:
            hint = "`gleanery explain OWNER/REPO:PATH` with --run tells what became of a file"
            raise StopRun(f"the release has no file {name}", hint)
    return [file_id for ids in known.values() for file_id in sorted(ids)]


def _meant(release: Path, files: Sequence[str]) -> dict[tuple[str, str], set[str]]:
    """For each repository and path that a name may mean, the names that mean it."""
    found: dict[tuple[str, str], set[str]] = {}
    with Database(tables_of(release)) as database:
        for file in files:
            for name, path in places(file):
                for repo in database.named(name):
                    found.setdefault((repo, path), set()).add(file)
    return found


def file_id_of(release: Path, file: str) -> str:
    """The id of the one file of a name, for a question about one. Raises StopRun if several have that name."""
    ids = file_ids(release, [file])
    if len(ids) > 1:
        raise StopRun(f"{len(ids)} files of the release are named {file}", f"give one of their ids: {', '.join(ids)}")
    return ids[0]


def _of_registry(release: Path, registry: str, reason: str, listed: int) -> list[Wish]:
    """The repositories that a run with these rules would have blocked, and the files of covered contents."""
    opened = Registry.open(address(registry), create=False)
    try:
        opened.verify_log()
        _refuse_older(release, opened, listed)
        position, matcher = opened.position(), Matcher(opened.rules())
    finally:
        opened.close()
    members = [member_of(repo) for repo in _rows(release, "repos", MEMBER_COLUMNS)]
    found = [Wish("repo", repo, reason, position) for repo in blocked_members(members, matcher)]
    for doc in _rows(release, "docs", ["file_id", "blob_id"]):
        if matcher.blocks_blob(doc["blob_id"]):
            found.append(Wish("file", doc["file_id"], reason, position))
    return sorted(found, key=lambda wish: (wish.scope, wish.id))


def _refuse_older(release: Path, registry: Registry, listed: int) -> None:
    """Raises StopRun if the registry lacks a rule that the list or the release knows.

    The run that a release still lies in knows the hash of the log there too.
    """
    made = (read_json(release / MANIFEST) or {}).get("registry_position")
    known = {"the list": listed, "the release": made if isinstance(made, int) else 0}
    who = max(known, key=lambda name: known[name])
    run = release.resolve().parent if release.resolve().name == PLACE else None
    if registry.position() < known[who]:
        lacks = f"the opt-out registry ends at rule {registry.position()}, and {who} knows of rule {known[who]}"
    elif run is not None and not holds(registry, read_json(run / PIN) or {}):
        lacks = "the opt-out registry does not hold the rules with which the run of this release began"
    else:
        return
    raise StopRun(lacks, "give the newest registry, or its newest backup; --repo names a repository without any")


def _rows(release: Path, table: str, columns: list[str]) -> Iterator[dict[str, Any]]:
    for path in _paths(release, table):
        try:
            if missing := set(columns).difference(schema_of(path).names):
                message = f"{path} has no column {min(missing)}: another version of Gleanery wrote it"
                raise StopRun(message, "use the version that wrote it")
            yield from iter_rows(path, columns, 4096)
        except (OSError, pa.ArrowException) as error:
            raise StopRun(f"{path} cannot be read", "verify the release, and fetch this file again") from error


def _paths(release: Path, table: str) -> list[Path]:
    paths = tables_of(release).get(table)
    if not paths:
        raise StopRun(f"the release has no table {table}", "give the folder of a finished release")
    return paths
