"""Public git repositories that record a licence for each of their files, as a crawl sees them. No label is ours.

In: `labels/repositories.toml`, a list of repositories with a commit each. Out: for each a `Package` like those of
`labelled_licences.py`: the tree without the folder `debian/`, and for each file the SPDX expression of the paragraph of
the repository's debian/copyright that governs it. A tree is fetched once with git, by its commit, from its public
address into the cache (at most 100 MB of files each) and is never part of the project.

A record's paragraph for all files ("Files: *") speaks of the project's own work: where third parties' code in its tree
has no paragraph of its own, it has no label.

A keyed hash of the name splits them. The half `dev` may be read; of the half `unread` only totals may be printed.
"""

import hashlib
import os
import subprocess
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from labelled_licences import Missing, Package, Paragraph, cache, label_of, labelled, paragraphs_of
from licensing_choice import VENDORED

PINS = Path(__file__).parent / "labels" / "repositories.toml"
MOST_BYTES = 1 << 20  # what a crawl reads of one file; larger files are not in the trees
_KEY = b"gleanery licence labels, repositories"
_MINUTES = 10


@dataclass(frozen=True)
class Repository:
    """One repository of the forge github.com, at one commit."""

    name: str  # owner/name
    commit: str
    kind: str

    @property
    def half(self) -> str:
        """dev or unread."""
        return "unread" if hashlib.blake2b(self.name.encode(), key=_KEY).digest()[0] & 1 else "dev"

    @property
    def archive(self) -> Path:
        """Where its tree lies in the cache; its record lies beside."""
        return cache() / f"{self.name.replace('/', '+')}-{self.commit[:16]}.tar"


def repositories(path: Path = PINS) -> list[Repository]:
    """All pinned repositories, by name."""
    return [Repository(**entry) for entry in tomllib.loads(path.read_text("utf-8"))["repository"]]


def repository_packages(chosen: Sequence[Repository]) -> Iterator[Package]:
    """The labelled trees of some; those that cannot be fetched are passed over with a line on the screen."""
    for one in chosen:
        try:
            if not one.archive.exists():
                _fetch(one)
            yield package_of(one)
        except Missing as why:
            print(f"left out: {one.name}: {why}")


def package_of(one: Repository) -> Package:
    """The labelled tree of a repository that lies in the cache; Missing if its record is of no use."""
    paragraphs = paragraphs_of(one.archive.with_suffix(".copyright").read_text("utf-8", "replace"))
    package = labelled(one.name.replace("/", "+"), one.half, one.kind, one.archive, paragraphs)
    labels = {p: e for p, e in package.labels.items() if not (VENDORED.search(p) and _is_general(p, paragraphs))}
    return replace(package, labels=labels)


def _is_general(path: str, paragraphs: Sequence[Paragraph]) -> bool:
    """Whether only the paragraph for all files names a path."""
    paragraph = label_of(path, paragraphs)
    return paragraph is not None and "*" in paragraph.patterns


# ---- git -------------------------------------------------------------------------------------------------------------


def _fetch(one: Repository) -> None:
    with tempfile.TemporaryDirectory(prefix="gleanery-bench-") as folder:
        git(Path(folder), "init", "--quiet", "--bare")
        git(Path(folder), "fetch", "--quiet", "--depth=1", f"https://github.com/{one.name}", one.commit)
        keep(one, Path(folder))


def keep(one: Repository, repository: Path) -> None:
    """Put the tree and the record of a commit of a bare repository into the cache."""
    tree = git(repository, "ls-tree", "-r", "-z", "--long", one.commit)
    listed = [entry.partition(b"\t")[::2] for entry in tree.split(b"\0") if entry]
    files = {}
    for meta, path in listed:
        mode, _, blob, size = meta.decode().split()
        if mode in ("100644", "100755", "120000") and size.isdigit() and int(size) <= MOST_BYTES:
            files[path.decode("utf-8", "surrogateescape")] = (mode == "120000", blob)
    if "debian/copyright" not in files:
        raise Missing("it has no debian/copyright")
    contents = _blobs(repository, [blob for _, blob in files.values()])
    record, temporary = one.archive.with_suffix(".copyright"), one.archive.with_suffix(f".{os.getpid()}")
    record.write_bytes(contents[files["debian/copyright"][1]])
    with tarfile.open(temporary, "w") as tar:
        for name, (link, blob) in sorted(files.items()):
            if not name.startswith("debian/"):
                member, content = tarfile.TarInfo(name), contents[blob]
                if link:
                    member.type, member.linkname = tarfile.SYMTYPE, content.decode("utf-8", "surrogateescape")
                else:
                    member.size = len(content)
                tar.addfile(member, BytesIO(content))
    temporary.rename(one.archive)


def _blobs(repository: Path, blobs: Sequence[str]) -> dict[str, bytes]:
    answer = BytesIO(git(repository, "cat-file", "--batch", stdin="".join(f"{b}\n" for b in blobs).encode()))
    found = {}
    for blob in blobs:
        header = answer.readline().split()
        if len(header) != 3:
            raise Missing("a content is not there")
        found[blob] = answer.read(int(header[2]))
        answer.readline()
    return found


def git(repository: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    try:
        done = subprocess.run(
            ["git", f"--git-dir={repository}", *arguments],
            input=stdin, capture_output=True, timeout=60 * _MINUTES, env=os.environ | {"GIT_TERMINAL_PROMPT": "0"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"git: {type(error).__name__}") from None
    if done.returncode:
        raise Missing(f"git {arguments[0]} ends with {done.returncode}")
    return done.stdout
