"""The files of one commit of a git repository on disk, read from its objects and nothing else.

In: a folder of objects and a commit id. Out: items (path, mode, size, object id), contents, and the time of the first
commit. Git runs with a directory of ours as its repository, so the configuration, hooks, grafts and replacements of
the repository that is read have no part in it. Objects that are borrowed from another folder (alternates) are read as
git reads them. Each content is checked against its id. Reads 20,000 files of 3 kB in a second of processor time, git's
included.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from gleanery.records.errors import RejectRecord
from gleanery.records.ids import blob_id
from gleanery.sources.deadline import Deadline
from gleanery.sources.gitprocess import Git, Running
from gleanery.sources.listing import FOLDER, Contents, Item, Row

_LONGEST_RECORD = 1 << 20
_SKIPPED_MODES = {"120000": "symlink", "160000": "submodule"}
_LARGEST_TIME = _LARGEST_SIZE = 1 << 62  # what a table of ours can hold; a forged object may claim more


class GitFiles:
    """One commit, open for reading; a `Container`."""

    def __init__(self, objects: Path, commit: str, cache: Path, deadline: Deadline) -> None:
        self.commit = commit
        self.directory = own_repository(cache, sha256=len(commit) == 64)
        self.git = Git(self.directory, objects, deadline)

    def items(self, *paths: str) -> Iterator[Item]:
        """Every entry of the commit, or those at some paths; raises RejectRecord if a tree is missing or damaged.

        Folders are among them, to be counted: a hostile tree may hold any number of empty ones.
        """
        with self.git.start("ls-tree", "-r", "-t", "-z", "-l", "--full-tree", self.commit, *paths) as listing:
            while (record := listing.until(b"\x00", _LONGEST_RECORD)) is not None:
                described, _, path = record.partition(b"\t")
                mode, kind, identifier, size = described.decode("ascii").split()
                yield _item(path, mode, kind, identifier, size)
            listing.succeed()

    def contents(self, rows: Iterable[Row]) -> Contents:
        """The content of each row; None if the object is missing, damaged, or not what its id says.

        Raises TryAgain if the system ends git meanwhile: no row is to blame for that.

        At a damaged object git ends, or goes on with less than it announced; a new process then takes over after it.
        """
        wanted, done = list(rows), 0
        with tempfile.TemporaryFile(dir=self.directory) as requests:
            requests.writelines(str(row.where[0]).encode() + b"\n" for row in wanted)
            requests.flush()
            while done < len(wanted):
                os.lseek(requests.fileno(), done * (len(self.commit) + 1), os.SEEK_SET)
                with self.git.start("cat-file", "--batch", given=requests) as objects:
                    in_step = True
                    while in_step and done < len(wanted):
                        content, in_step = _content(objects, wanted[done])
                        done += 1
                        yield content

    def first_commit_at(self) -> int | None:
        """Unix seconds of the oldest commit without a parent; None if the history cannot be walked to its end."""
        try:
            lines = self.git.lines("rev-list", "--max-parents=0", "--timestamp", self.commit)
        except RejectRecord:
            return None
        times = [int(line.split()[0]) for line in lines]
        return min((time for time in times if 0 < time < _LARGEST_TIME), default=None)

    def check_commit(self) -> None:
        """Raise RejectRecord unless the commit is there and is a commit."""
        missing = RejectRecord("the commit is not in the repository", "fetch it or name another", "no_commit")
        try:
            kind = self.git.lines("cat-file", "-t", self.commit)
        except RejectRecord:
            raise missing from None
        if kind != [b"commit"]:
            raise missing

    def close(self) -> None:
        """Remove the directory of ours."""
        shutil.rmtree(self.directory, ignore_errors=True)


def own_repository(parent: Path, sha256: bool = False) -> Path:
    """A new, empty, bare repository of ours under `parent`: the only configuration that git reads."""
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix=".git-", dir=parent.absolute()))
    for folder in ("refs/heads", "objects/info", "objects/pack"):
        (directory / folder).mkdir(parents=True)
    (directory / "HEAD").write_text("ref: refs/heads/none\n")
    config = f"[core]\n\trepositoryformatversion = {int(sha256)}\n\tbare = true\n"
    (directory / "config").write_text(config + ("[extensions]\n\tobjectFormat = sha256\n" if sha256 else ""))
    return directory


def _item(path: bytes, mode: str, kind: str, identifier: str, size: str) -> Item:
    if kind == "tree":
        return Item(path, FOLDER, 0, ())
    if size == "BAD":  # git's word for an object that is missing, as in a partial clone
        return Item(path, mode, 0, (identifier,), _SKIPPED_MODES.get(mode, "unreadable"))
    number = int(size) if size.isdigit() else 0
    if number > _LARGEST_SIZE:
        return Item(path, mode, 0, (identifier,), "unreadable")
    skipped = _SKIPPED_MODES.get(mode)
    if skipped is None and (kind != "blob" or not mode.startswith("100")):
        skipped = "not_a_regular_file"
    return Item(path, mode, number, (identifier,), skipped)


def _content(objects: Running, row: Row) -> tuple[bytes | None, bool]:
    """The content of one row, and whether git's answers are still in step with the requests."""
    identifier = str(row.where[0])
    try:
        answer = objects.until(b"\n", _LONGEST_RECORD)
        if answer == f"{identifier} missing".encode():
            return None, True
        if answer != f"{identifier} blob {row.size}".encode():
            return None, False
        content = objects.exactly(row.size)
        whole = objects.exactly(1) == b"\n" and _id_of(content, len(identifier)) == identifier
    except RejectRecord:
        return None, False
    return (content, True) if whole else (None, False)


def _id_of(content: bytes, digits: int) -> str:
    if digits == 40:
        return blob_id(content)
    return hashlib.sha256(b"blob %d\x00" % len(content) + content).hexdigest()
