"""What goes into this room and what comes out of it: sources, limits, identities, facts and entries.

In: nothing. Out: five frozen shapes that the other modules pass to each other. Costs nothing: no file is touched here.
"""

from dataclasses import dataclass

KINDS = ("git", "archive", "pypi", "npm")


@dataclass(frozen=True)
class Source:
    """One line of the user's configuration.

    `locator` is, for git, a path of a repository or a bare mirror, a file://, http:// or https:// URL; for an archive,
    a path or an http(s) URL; for pypi and npm, the package's name. `version` is a release (pypi, npm), or a branch or a
    full commit id (git); None takes the newest release or the default branch. `sha256` is an archive's digest.
    """

    kind: str
    locator: str
    name: str | None = None
    version: str | None = None
    sha256: str | None = None
    aliases: tuple[str, ...] = ()
    fork_of: str | None = None


@dataclass(frozen=True)
class Limits:
    """How much one source may cost: the settings `[crawl]`, where each has its meaning and its unit.

    >>> Limits().max_file_bytes
    1048576
    """

    max_file_bytes: int = 1 << 20
    max_repository_bytes: int = 1 << 30
    max_files: int = 200_000
    max_archive_bytes: int = 512 << 20
    max_expansion: int = 200
    seconds: int = 900


@dataclass(frozen=True)
class Identity:
    """Which repository it is: `repo_id` is derived from `url`, and `name` is how people write it.

    `given` are the names that the configuration gave; the others were taken from the locator.
    """

    repo_id: str
    name: str
    url: str
    aliases: tuple[str, ...]
    given: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What the source says about itself; fields of the table `repos`. `first_commit_at` is in Unix seconds.

    `declared_sources` are the addresses at which a package says that it is developed; they become aliases there.
    """

    version: str | None
    default_branch: str | None
    first_commit_at: int | None
    declared_license: str | None
    archive_sha256: str | None
    optout_signal: str | None
    declared_sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One file of a source. `content` is None exactly if `skipped` holds a reason code of `records.reasons`.

    `link` is, of a symbolic link, the path of the file that it leads to, if that is a file of this source. `declares`
    says that it stands where owners declare that they object.
    """

    path: str
    mode: str
    size: int
    content: bytes | None
    skipped: str | None
    link: str | None = None
    declares: bool = False
