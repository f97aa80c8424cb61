"""What the default branch of a git repository says of opt-out, where another branch or an older commit is read.

In: a repository on disk, or one on the web with its folder of the cache. Out: the declarations at the root of its
default branch, with their contents. An owner objects there and nowhere else, so it counts whatever is read. On disk
that costs 5 ms. From the web it costs, once for each commit that the default branch stands at, the folders of that
commit without its files, and these too where a declaration is among them; `default.json` in the repository's folder of
the cache remembers the newest look. A look that fails is a failure of the source, never "nothing was said".
"""

import base64
from pathlib import Path
from typing import NamedTuple

from gleanery.records.errors import RejectRecord
from gleanery.records.files import read_json, write_json
from gleanery.sources.deadline import Deadline, retried
from gleanery.sources.gitobjects import GitFiles
from gleanery.sources.gitrefs import COMMIT_ID, Repository, Tip, default_commits
from gleanery.sources.gitremote import CannotCutHistory, fetch_commit, fetch_folders, is_whole, look_up
from gleanery.sources.listing import DECLARATIONS, Row
from gleanery.sources.source import Limits

_REMEMBERED = "default.json"


class Declaration(NamedTuple):
    """A declaration at the root of the default branch; `content` is None if it cannot be read."""

    path: str
    content: bytes | None


def at_head(path: str) -> str:
    """How git names a path on the default branch.

    >>> at_head(".dataset-optout.json")
    'HEAD:.dataset-optout.json'
    """
    return f"HEAD:{path}"


class _Look(NamedTuple):
    """What was seen at a commit; None where a repository has no default branch."""

    commit: str | None
    said: tuple[Declaration, ...]


def declared_on_disk(
    repository: Repository, tip: Tip, limits: Limits, cache: Path, deadline: Deadline
) -> tuple[Declaration, ...]:
    """What its default branch says, and that of where it was cloned from as this clone knows it, unless it is read."""
    others = [commit for commit in default_commits(repository) if commit != tip.commit]
    return tuple(said for commit in others for said in _said(repository.objects, commit, limits, cache, deadline))


def declared_on_web(
    url: str, tip: Tip, head: Tip | None, folder: Path, limits: Limits, cache: Path, deadline: Deadline, again: bool
) -> tuple[Declaration, ...]:
    """What its default branch says. `head` is where that stands, if it was asked together with what is read.

    For a commit by its id nothing is asked, if there ever was a look, but `again`. Raises what `fetch_tip` raises.
    """
    known = _recalled(folder)
    if head is None and tip.branch is None:
        if known is not None and not again:
            return known.said
        head = retried(lambda: look_up(url, ["HEAD"], folder, deadline).get("HEAD"), deadline)
    if head is None:
        known = _Look(None, ())
    elif known is None or known.commit != head.commit:
        known = _look(url, head, folder, limits, cache, deadline)
    _remember(folder, known)
    return () if known.commit == tip.commit else known.said


def _look(url: str, head: Tip, folder: Path, limits: Limits, cache: Path, deadline: Deadline) -> _Look:
    """Look at the default branch: at its folders first, and at its files where one declares."""
    said: tuple[Declaration, ...] = ()
    if not is_whole(folder / head.commit, deadline):

        def look(objects: Path, commit: str) -> tuple[Declaration, ...]:
            return _said(objects, commit, limits, cache, deadline)

        try:
            commit, said = retried(lambda: fetch_folders(url, head, folder, limits, deadline, look), deadline)
            if not said:
                return _Look(commit, ())
        except CannotCutHistory:
            pass
    try:
        commit = fetch_commit(url, head, "", folder, limits, deadline).commit
    except RejectRecord:
        if not said:
            raise
        return _Look(head.commit, said)  # a declaration is there, and cannot be read
    return _Look(commit, _said(folder / commit / "objects", commit, limits, cache, deadline))


def _said(objects: Path, commit: str, limits: Limits, cache: Path, deadline: Deadline) -> tuple[Declaration, ...]:
    """The declarations at the root of a commit."""
    files = GitFiles(objects, commit, cache, deadline)
    try:
        places = {path.encode(): path for path in DECLARATIONS}
        items = [item for item in files.items(*DECLARATIONS) if item.raw in places]
        rows = [Row(places[item.raw], item.mode, item.size, item.where, item.skipped) for item in items]
        small = [row for row in rows if row.skipped is None and row.size <= limits.max_file_bytes]
        contents = files.contents(small)
        return tuple(Declaration(row.path, next(contents) if row in small else None) for row in rows)
    finally:
        files.close()


def _recalled(folder: Path) -> _Look | None:
    """The newest look; None if there was none, or if the note of it is damaged."""
    try:
        note = read_json(folder / _REMEMBERED) or {}
        said = [Declaration(str(p), None if c is None else base64.b64decode(c, validate=True)) for p, c in note["said"]]
        commit = note["commit"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return _Look(commit, tuple(said)) if commit is None or COMMIT_ID.fullmatch(str(commit)) else None


def _remember(folder: Path, look: _Look) -> None:
    said = [[path, None if content is None else base64.b64encode(content).decode()] for path, content in look.said]
    if _recalled(folder) != look:
        write_json(folder / _REMEMBERED, {"commit": look.commit, "said": said})
