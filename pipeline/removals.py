"""Removals: which documents of a release a person, or the opt-out registry as it stands now, wants out.

In: a release, ids or names, and a registry. Out: wishes for the removal list. One read of two narrow tables.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gleanery.optout.matching import Matcher
from gleanery.optout.networks import blocked_members
from gleanery.optout.registry import Registry
from gleanery.pipeline.optouts import MEMBER_COLUMNS, member_of
from gleanery.records.errors import StopRun
from gleanery.records.parquet import iter_rows
from gleanery.shards.removals import Wish
from gleanery.sql.questions import tables_of


def wishes(
    release: Path, files: Sequence[str], repositories: Sequence[str], registry: str | None, reason: str
) -> list[Wish]:
    """What to append. A repository is named by its name or repo_id, a file as in `file_ids`: all of a name are meant.

    Raises StopRun for an unknown one: an entry that names nothing would look like a removal and be none.
    """
    release = release_in(release)
    _paths(release, "docs")
    found = [Wish("file", file_id, reason) for file_id in file_ids(release, files)]
    if repositories:
        repos = list(_rows(release, "repos", ["repo_id", "name"]))
        for name in repositories:
            ids = [r["repo_id"] for r in repos if name in (r["repo_id"], r["name"])]
            if not ids:
                raise StopRun(f"the release has no repository {name}", "`gleanery audit repositories` lists them")
            found += [Wish("repo", one, reason) for one in sorted(ids)]
    return found + (_of_registry(release, registry, reason) if registry else [])


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

    Two forges may have a repository of one name, and nobody knows whose file was meant: an owner's wish is served with
    both. Raises StopRun for a name that the release lacks.
    """
    release = release_in(release)
    known: dict[str, list[str]] = {name: [] for name in files}
    for doc in _rows(release, "docs", ["file_id", "repo", "path"]) if files else ():
        for name in {doc["file_id"], f"{doc['repo']}:{doc['path']}"} & known.keys():
            known[name].append(doc["file_id"])
    for name, ids in known.items():
        if not ids:
            hint = "`gleanery explain OWNER/REPO:PATH` with --run tells what became of a file"
            raise StopRun(f"the release has no file {name}", hint)
    return [file_id for ids in known.values() for file_id in sorted(ids)]


def file_id_of(release: Path, file: str) -> str:
    """The id of the one file of a name, for a question about one. Raises StopRun if several have that name."""
    ids = file_ids(release, [file])
    if len(ids) > 1:
        raise StopRun(f"{len(ids)} files of the release are named {file}", f"give one of their ids: {', '.join(ids)}")
    return ids[0]


def _of_registry(release: Path, registry: str, reason: str) -> list[Wish]:
    """The repositories that a run with these rules would have blocked, and the files of covered contents."""
    url = registry if "://" in registry else f"sqlite:///{registry}"
    opened = Registry.open(url, create=False)
    try:
        opened.verify_log()
        position, matcher = opened.position(), Matcher(opened.rules())
    finally:
        opened.close()
    members = [member_of(repo) for repo in _rows(release, "repos", MEMBER_COLUMNS)]
    found = [Wish("repo", repo, reason, position) for repo in blocked_members(members, matcher)]
    for doc in _rows(release, "docs", ["file_id", "blob_id"]):
        if matcher.blocks_blob(doc["blob_id"]):
            found.append(Wish("file", doc["file_id"], reason, position))
    return sorted(found, key=lambda wish: (wish.scope, wish.id))


def _rows(release: Path, table: str, columns: list[str]) -> Iterator[dict[str, Any]]:
    for path in _paths(release, table):
        try:
            if missing := set(columns).difference(pq.read_schema(path).names):
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
