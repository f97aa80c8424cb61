"""Fetching the tip of a branch from an http(s) URL into the cache, without a work tree and without history.

In: an address, a branch or commit id, and the cache. Out: a bare repository under `git/REPO_ID/COMMIT` that holds one
commit and is either whole or absent, and where the default branch stands, which the same request tells. A commit that
is in the cache already, and is still what was fetched, is not fetched again; a branch is looked up each time, a commit
id is not. What a branch stood at before goes a day after its last use; what was asked for by its id stays. Servers that
only hand out files ("dumb" ones) cannot cut the history, so all of it comes. Costs two requests and the size of one
pack, at most limits.max_archive_bytes; a look at what is there already costs its digests, 0.4 GB in a second.
"""

import contextlib
import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import re2

from gleanery.records.errors import GleaneryError, RejectRecord, TryAgain
from gleanery.records.files import file_digest, read_json, write_json
from gleanery.sources.deadline import Deadline, retried
from gleanery.sources.gitobjects import own_repository
from gleanery.sources.gitprocess import Git, ended
from gleanery.sources.gitrefs import COMMIT_ID, Tip, check_branch
from gleanery.sources.source import Limits

_T = TypeVar("_T")
_TIP = "refs/heads/tip"
_QUIET = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance")
# What a clone was fetched as: the branch that was asked for ("" for the default one, null for a commit id), and the
# digests of its objects. A disk may lose what a rename has made visible; then it is fetched again.
_NOTE = "gleanery.json"
# So long after its last use a clone of a branch that has moved on, or a folder that a kill left, is in nobody's hands.
_GRACE_SECONDS = 24 * 3600
_ANSWER_BYTES = 1 << 20
_TRIAL_BYTES = 1 << 20
# Addresses, branches and hosts in git's messages: whose words they have in them is not git's.
_GIVEN = re.compile(rb"'[^'\n]*'|refs/\S+|(resolve host: |connect to )\S+")
_DUMB = b"dumb http transport does not support shallow"
_NOT_FOUND = re2.compile(rb"returned error: 4(?:04|10)|repository '[^']*' not found|remote ref|not our ref")
_FORBIDDEN = re2.compile(rb"returned error: 40[13]|could not read Username|Authentication failed")
_REDIRECT = re2.compile(rb"returned error: 30|redirect")
# What git says where the system refuses to write to the cache.
_REFUSED_BY_SYSTEM = {os.strerror(n).encode(): n for n in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)}
_REFUSED_BY_SYSTEM[b"Out of diskspace"] = errno.ENOSPC
_ENDED = b"died of signal"  # of a process that git started
_MAY_PASS = re2.compile(
    rb"returned error: (?:5|429|408)|timed out|too slow|Could not resolve|Failed to connect|Couldn't connect|refused"
    rb"|reset by peer|early EOF|unexpected disconnect|Empty reply|transfer closed|RPC failed"
)


def fetch_tip(
    url: str, repo_id: str, version: str | None, limits: Limits, cache: Path, deadline: Deadline
) -> tuple[Path, Tip, Tip | None]:
    """The cached repository that holds the commit asked for, which commit and branch that is, and the default branch.

    The last is None if the server has none, or if nothing was asked, since a commit was asked for by its id.

    Raises RejectRecord if the server has no such thing or refuses it, TryAgain if it cannot be reached three times.
    """
    folder = cache / "git" / repo_id
    folder.mkdir(parents=True, exist_ok=True)
    asked: str | None = version or ""
    if version is not None and COMMIT_ID.fullmatch(version):
        tip, head, asked = Tip(version, None), None, None
    else:
        tip, head = retried(lambda: _stands_at(url, version, folder, deadline), deadline)
    tip = fetch_commit(url, tip, asked, folder, limits, deadline)
    _use(folder / tip.commit, asked)
    _sweep(cache, folder, asked, tip.commit)
    return folder / tip.commit, tip, head


def fetch_commit(url: str, tip: Tip, asked: str | None, folder: Path, limits: Limits, deadline: Deadline) -> Tip:
    """Fetch a commit into the cache unless it is there; a branch may have moved on meanwhile."""
    if is_whole(folder / tip.commit, deadline):
        return tip
    shutil.rmtree(folder / tip.commit, ignore_errors=True)
    return retried(lambda: _fetch(url, tip, asked, folder, limits, deadline), deadline)


def is_whole(place: Path, deadline: Deadline) -> bool:
    """Whether a clone is there and has just the objects that were fetched."""
    try:
        return bool(_note(place).get("files") == _digests(place, deadline))
    except OSError:
        return False


def _note(place: Path) -> dict[str, Any]:
    return read_json(place / _NOTE) or {}


def _digests(place: Path, deadline: Deadline) -> dict[str, str]:
    found = {}
    for path in sorted((place / "objects").rglob("*")):
        deadline.left()
        if path.is_file():
            found[path.relative_to(place).as_posix()] = file_digest(path)
    return found


def _use(place: Path, asked: str | None) -> None:
    """Note that a clone is in use; one that is asked for by its id stays from now on."""
    with contextlib.suppress(OSError):
        note = _note(place)
        if asked is None and note.get("asked") is not None:
            write_json(place / _NOTE, note | {"asked": None})
        os.utime(place / _NOTE)


def _sweep(cache: Path, folder: Path, asked: str | None, commit: str) -> None:
    """Remove what the branch asked for stood at before, and folders that a kill left, once nobody can be using them."""
    places = [(place, place) for parent in (cache, folder) for place in parent.glob(".git-*")]
    if asked is not None:
        places += [(place, place / _NOTE) for place in folder.iterdir() if place.name != commit]
    for place, used in places:
        with contextlib.suppress(OSError, ValueError):
            moved_on = place is used or _note(place).get("asked") == asked
            if moved_on and time.time() - used.stat().st_mtime > _GRACE_SECONDS:
                shutil.rmtree(place, ignore_errors=True)


def _stands_at(url: str, branch: str | None, folder: Path, deadline: Deadline) -> tuple[Tip, Tip | None]:
    """Where a branch stands, or the default one if none is named, and where the default one does."""
    ref = "HEAD" if branch is None else f"refs/heads/{branch}"
    if branch is not None:
        check_branch(branch)
    tips = look_up(url, ["HEAD", ref], folder, deadline)
    if ref not in tips:
        raise RejectRecord("the server has no such branch", "check its name", "branch_not_found")
    return tips[ref], tips.get("HEAD")


def look_up(url: str, refs: list[str], folder: Path, deadline: Deadline) -> dict[str, Tip]:
    """Ask the server where branches or HEAD stand; of HEAD, it may also say which branch it is."""
    asked = sorted({*refs})
    with _workplace(folder) as directory:
        answer = _run(url, directory, deadline, "ls-remote", "--symref", "--", url, *asked).decode("utf-8", "replace")
    rows = dict(line.split("\t", 1)[::-1] for line in answer.splitlines() if "\t" in line)
    named = [line[5:].split("\t")[0] for line in answer.splitlines() if re2.fullmatch(r"ref: \S+\tHEAD", line)]
    tips = {}
    for ref in refs:
        target = named[0] if named and ref == "HEAD" else ref
        branch = target.removeprefix("refs/heads/") if target.startswith("refs/heads/") else None
        if COMMIT_ID.fullmatch(rows.get(ref, "")):
            tips[ref] = Tip(rows[ref], branch)
    return tips


def fetch_folders(
    url: str, tip: Tip, folder: Path, limits: Limits, deadline: Deadline, look: Callable[[Path, str], _T]
) -> tuple[str, _T]:
    """A commit, as it stands now, and what `look` sees in its objects: folders without files, if the server can do so.

    Raises CannotCutHistory if it only hands out files.
    """
    with _workplace(folder, sha256=len(tip.commit) == 64) as directory:
        wanted = ("--depth=1", "--filter=blob:none", "--", url, f"+{_named(tip)}:{_TIP}")
        _run(url, directory, deadline, "fetch", *_QUIET, *wanted, largest=limits.max_archive_bytes)
        commit = _fetched(directory, deadline)
        return commit, look(directory / "objects", commit)


def _fetch(url: str, tip: Tip, asked: str | None, folder: Path, limits: Limits, deadline: Deadline) -> Tip:
    """Fetch one commit into a new folder and give it its name; another worker may have been faster."""
    with _workplace(folder, sha256=len(tip.commit) == 64) as directory:
        wanted = ["--", url, f"+{_named(tip)}:{_TIP}"]
        try:
            _run(url, directory, deadline, "fetch", *_QUIET, "--depth=1", *wanted, largest=limits.max_archive_bytes)
        except CannotCutHistory:
            _run(url, directory, deadline, "fetch", *_QUIET, *wanted, largest=limits.max_archive_bytes)
        commit = _fetched(directory, deadline)
        write_json(directory / _NOTE, {"asked": asked, "files": _digests(directory, deadline)})
        try:
            os.rename(directory, folder / commit)
        except OSError:
            if not (folder / commit).is_dir():  # another worker was faster
                raise
    return Tip(commit, tip.branch)


def _named(tip: Tip) -> str:
    return tip.commit if tip.branch is None else f"refs/heads/{tip.branch}"


def _fetched(directory: Path, deadline: Deadline) -> str:
    """The commit that was fetched."""
    lines = Git(directory, None, deadline).lines("rev-parse", "--verify", f"{_TIP}^{{commit}}")
    return lines[0].decode("ascii")


class CannotCutHistory(RejectRecord):
    """The server only hands out files."""


class _workplace:
    """A bare repository of ours beside the finished ones, which is gone at the end unless it was renamed."""

    def __init__(self, folder: Path, sha256: bool = False) -> None:
        self.directory = own_repository(folder, sha256)

    def __enter__(self) -> Path:
        return self.directory

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


def _run(url: str, directory: Path, deadline: Deadline, *arguments: str, largest: int = _ANSWER_BYTES) -> bytes:
    """What a git command prints, while its directory does not grow beyond `largest` bytes."""
    git = Git(directory, None, deadline, protocol=urlsplit(url).scheme)
    with git.start(*arguments, said=True) as running:
        status, printed, said = running.watched(_ANSWER_BYTES, lambda: _check_size(directory, largest))
    if status != 0:
        _check_room(directory)
        raise ended() if status < 0 else _error(_own_words(said, url))
    _check_size(directory, largest)
    return printed


def _check_room(directory: Path) -> None:
    """Raise what the system says if nothing more can be written: after a failure, that explains it before git does."""
    with tempfile.TemporaryFile(dir=directory) as file:
        file.write(bytes(_TRIAL_BYTES))
        file.flush()
        os.fsync(file.fileno())


def _check_size(directory: Path, largest: int) -> None:
    """Raise RejectRecord if the files below a directory are too large; one that is just renamed counts as nothing."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    if total > largest:
        raise RejectRecord("the repository is larger than crawl.max_archive_bytes", "raise it", "too_large")


def _own_words(said: bytes, url: str) -> bytes:
    """What git itself said at the end, without what the server had it repeat and the names that it was given."""
    lines = [line for line in said.splitlines() if line.startswith((b"fatal:", b"error:"))]
    return _GIVEN.sub(rb"\1''", b"\n".join(lines).replace(url.encode(), b""))


def _error(said: bytes) -> GleaneryError | OSError:
    """The class of a failure. The words themselves are not passed on: they hold the address and the server's text."""
    for words, number in _REFUSED_BY_SYSTEM.items():
        if any(line.endswith(words) and b"remote" not in line for line in said.splitlines()):
            return OSError(number, os.strerror(number))
    if _ENDED in said:
        return ended()
    if _DUMB in said:
        return CannotCutHistory("the server cannot cut the history")
    if _REDIRECT.search(said):
        return RejectRecord("the address redirects", "give the final one, often with .git", "redirect_not_allowed")
    if _FORBIDDEN.search(said):
        return RejectRecord("the server asks for a login", "clone it yourself and give the path", "refused")
    if _MAY_PASS.search(said):
        return TryAgain("the server could not be reached or is busy", "read it again later with --retry")
    if _NOT_FOUND.search(said):
        return RejectRecord("the server has no such repository or branch", "check the address", "not_found")
    return RejectRecord("git could not fetch the repository", "check the address", "unreadable")
