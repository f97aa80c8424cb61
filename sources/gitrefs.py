"""Where a git repository lies on disk, and which commit its branches name, without running git in it.

In: a path: a work tree, a bare repository or a mirror. Out: its folder of objects, the commit and the branch. The
repository's own configuration is never read, so nothing in it can take effect. Costs a few small files.
"""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import re2

from gleanery.records.errors import RejectRecord
from gleanery.sources.regularfile import open_regular

COMMIT_ID = re2.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BRANCH = re2.compile(r"[^\x00-\x20\x7f~^:?*\[\\]+")
_SMALL = 64 << 10
_PACKED_REFS = 256 << 20
_LINKS = 5  # git's own bound for symbolic references that name each other


@dataclass(frozen=True)
class Repository:
    """The folders of one repository: `head` holds HEAD, `shared` holds references and objects."""

    head: Path
    shared: Path

    @property
    def objects(self) -> Path:
        """The folder of objects."""
        return self.shared / "objects"

    @property
    def shallow(self) -> bool:
        """Whether its history was cut."""
        return bool(_small_file(self.shared / "shallow"))


@dataclass(frozen=True)
class Tip:
    """A commit id, and the branch whose tip it is; None for a commit that was asked for by its id or is detached."""

    commit: str
    branch: str | None


def find_repository(path: Path) -> Repository:
    """The repository at a path; raises RejectRecord if there is none."""
    for head in (_followed(path / ".git"), path):
        if head is None:
            continue
        common = _small_file(head / "commondir")  # a linked work tree
        shared = head / os.fsdecode(common.strip()) if common else head
        if (shared / "objects").is_dir() and _small_file(head / "HEAD") is not None:
            return Repository(head.absolute(), shared.absolute())
    raise RejectRecord(
        "there is no git repository at this path",
        "give a local path or an http(s) URL; clone what is reached over ssh first",
        "not_found",
    )


def find_tip(repository: Repository, version: str | None) -> Tip:
    """The commit to read: the tip of a branch, of HEAD if none is given, or a commit by its full id."""
    if version is not None:
        if COMMIT_ID.fullmatch(version):
            return Tip(version, None)
        check_branch(version)
        return Tip(_resolved(repository, f"refs/heads/{version}")[0], version)
    commit, ref = _resolved(repository, "HEAD")
    return Tip(commit, ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else None)


def default_commits(repository: Repository) -> list[str]:
    """Where the default branch stands: HEAD, that of the work tree beside it, and that of where it was cloned from.

    One that leads nowhere, as in a clone of another branch alone, is no branch of this repository.
    """
    beside = Repository(repository.shared, repository.shared)
    commits = []
    for place, ref in ((repository, "HEAD"), (beside, "HEAD"), (beside, "refs/remotes/origin/HEAD")):
        try:
            commits.append(_resolved(place, ref)[0])
        except RejectRecord as error:
            if error.code not in ("branch_not_found", "branch_not_valid", "no_commit"):
                raise
    return sorted({*commits})


def check_branch(branch: str) -> None:
    """Raise RejectRecord unless git would allow this name of a branch."""
    parts = branch.split("/")
    wrong = any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    if wrong or branch.startswith("-") or branch.endswith(".") or ".." in branch or "@{" in branch or branch == "@":
        raise RejectRecord("the version is not a name that a branch can have", "check it", "branch_not_valid")
    if not _BRANCH.fullmatch(branch):
        raise RejectRecord("the version is not a name that a branch can have", "check it", "branch_not_valid")


def _resolved(repository: Repository, ref: str) -> tuple[str, str]:
    """The commit id behind a reference, and the name of the last reference on the way."""
    for _ in range(_LINKS):
        value = _value(repository, ref)
        if value is None:
            break
        if not value.startswith("ref:"):
            if COMMIT_ID.fullmatch(value):
                return value, ref
            break
        ref = value.removeprefix("ref:").strip()
        if not ref.startswith("refs/"):
            break
        if ref == "refs/heads/.invalid":
            raise RejectRecord("its references are stored as a reftable", "clone it bare", "refs_not_supported")
        check_branch(ref)
    if ref.startswith("refs/heads/") and not _has_objects(repository):
        raise RejectRecord("the repository has no commit yet", "leave it out", "no_commit")
    raise RejectRecord("the branch does not exist in the repository", "check its name", "branch_not_found")


def _value(repository: Repository, ref: str) -> str | None:
    content = _small_file((repository.head if ref == "HEAD" else repository.shared) / ref)
    if content is not None:
        return content.decode("utf-8", "replace").strip()
    return None if ref == "HEAD" else _packed(repository.shared / "packed-refs", ref)


def _packed(path: Path, ref: str) -> str | None:
    with contextlib.suppress(OSError), open_regular(path) as file:
        read = 0
        while (line := file.readline(_SMALL)) and read < _PACKED_REFS:
            read += len(line)
            value, _, name = line.rstrip(b"\n").partition(b" ")
            if name == ref.encode("utf-8", "surrogateescape"):
                return value.decode("ascii", "replace")
    return None


def _followed(dot_git: Path) -> Path | None:
    """The directory that `.git` is, or that it names if it is a file; None if there is no such thing."""
    if dot_git.is_dir():
        return dot_git
    content = _small_file(dot_git)
    if content is None or not content.startswith(b"gitdir:"):
        return None
    return dot_git.parent / os.fsdecode(content.removeprefix(b"gitdir:").strip())


def _has_objects(repository: Repository) -> bool:
    """Whether there is any loose object or pack."""
    for folder in repository.objects.iterdir():
        if folder.name != "info" and folder.is_dir() and any(folder.iterdir()):
            return True
    return False


def _small_file(path: Path) -> bytes | None:
    """The first 64 kB of a regular file, or None. A pipe of that name does not make it wait."""
    try:
        with open_regular(path) as file:
            return file.read(_SMALL)
    except (OSError, ValueError):
        return None
