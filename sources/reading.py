"""Reading: one source in, its files out, in path order, with what was skipped and why. Nothing that is read is run.

In: a `Source`, its `Limits` and a cache folder. Out: a `Reading` with the source's identity, what it says about itself,
and its entries, each path once. One file is in memory at a time, besides the listing (0.7 kB for an entry). Every
failure is a RejectRecord with a code or, where it may pass, a TryAgain; none carries a value out of the input. A cache
that cannot be used is no failure of the source: it is a StopRun.
"""

import contextlib
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from gleanery.records.errors import RejectRecord
from gleanery.sources import npm, pypi
from gleanery.sources.archives import archive_at, open_archive
from gleanery.sources.contents import reason_to_skip
from gleanery.sources.deadline import Deadline
from gleanery.sources.downloads import Follow, cached_file, fetch_file
from gleanery.sources.faults import as_ours
from gleanery.sources.gitdefault import Declaration, at_head, declared_on_disk, declared_on_web
from gleanery.sources.gitobjects import GitFiles
from gleanery.sources.gitrefs import find_repository, find_tip
from gleanery.sources.gitremote import fetch_tip
from gleanery.sources.identity import identify, local_path, package_name, package_url, web_address
from gleanery.sources.listing import Container, Listing, Row, list_items
from gleanery.sources.paths import MAX_PATH_BYTES, led_to
from gleanery.sources.releases import fetch_release
from gleanery.sources.remembered import forget, recall, remember
from gleanery.sources.source import Entry, Facts, Identity, Limits, Source
from gleanery.sources.takenaway import take_away, unless_taken_away

__all__ = [
    "Entry",
    "Facts",
    "Identity",
    "Limits",
    "Reading",
    "Source",
    "at_head",
    "forget_source",
    "identify",
    "open_source",
]


@dataclass(frozen=True)
class _Opened:
    """A container, and the facts that opening it gave."""

    container: Container
    top_folder: bool = False  # everything stands in one folder, which is no part of the paths
    version: str | None = None
    default_branch: str | None = None
    first_commit_at: int | None = None
    archive_sha256: str | None = None
    declared_license: Callable[[bytes], str | None] = lambda metadata: None
    declared_sources: Callable[[bytes], tuple[str, ...]] = lambda metadata: ()
    metadata: str | None = None  # path of the file that declares both
    elsewhere: tuple[Declaration, ...] = ()
    place: Path | None = None  # the folder of the cache that is read, which an objection may take away


class Reading:
    """One source that is open for reading. Use it in a `with` block, or call `close`.

    `elsewhere` are the declarations on the default branch of a git repository of which something else is read.
    """

    def __init__(self, identity: Identity, opened: _Opened, listing: Listing, deadline: Deadline, cache: Path) -> None:
        self.identity, self._cache = identity, cache
        self._opened, self._listing, self._deadline = opened, listing, deadline
        self.elsewhere = opened.elsewhere
        metadata = self._metadata()
        self.facts = Facts(
            version=opened.version,
            default_branch=opened.default_branch,
            first_commit_at=opened.first_commit_at,
            declared_license=None if metadata is None else opened.declared_license(metadata),
            declared_sources=() if metadata is None else opened.declared_sources(metadata),
            archive_sha256=opened.archive_sha256,
            optout_signal=next(iter([*listing.declarations, *(at_head(said.path) for said in self.elsewhere)]), None),
        )

    def entries(self) -> Iterator[Entry]:
        """Every entry, sorted by the bytes of its path, each path once.

        Raises TryAgain when limits.seconds are used up (the caller's own time does not count), and RejectRecord if the
        source cannot be read to its end.
        """
        readable = {row.path for row in self._listing.rows if row.skipped is None}
        contents = self._opened.container.contents(row for row in self._listing.rows if _is_wanted(row))
        declarations = frozenset(self._listing.declarations)
        self._deadline.resume()
        try:
            with unless_taken_away(self._opened.place):
                for row in self._listing.rows:
                    self._deadline.left()
                    entry = _entry(row, next(contents) if _is_wanted(row) else None, readable)
                    entry = replace(entry, declares=True) if row.path in declarations else entry
                    self._deadline.pause()
                    yield entry
                    self._deadline.resume()
        except (OSError, ValueError) as error:
            raise as_ours(error, self._cache) from None
        finally:
            contents.close()
            self._deadline.pause()

    def close(self) -> None:
        """Let go of processes and files."""
        self._opened.container.close()

    def __enter__(self) -> "Reading":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _metadata(self) -> bytes | None:
        """The package's own metadata, if they are there and readable."""
        rows = [row for row in self._listing.rows if row.path == self._opened.metadata and row.skipped is None]
        return next(self._opened.container.contents(rows), None)


def open_source(
    source: Source, limits: Limits, cache: Path, follow: Follow = lambda _: None, again: bool = False
) -> Reading:
    """Open one source for reading; `again` asks anew what the cache remembers of its default branch.

    `cache` is a folder for clones, downloads and temporary files; it may be shared by processes and may be deleted at
    any time between runs. `follow` is told each address, without its query, to which a server sends on who asks for an
    archive, before it is asked there; of an archive that is taken from the cache, those that were told before. Raises
    what `follow` raises, RejectRecord if the source cannot be read, TryAgain if it could not be reached or took longer
    than limits.seconds (after three tries of its own), StopRun if the cache cannot be used, and nothing else.
    """
    try:
        identity, deadline = identify(source), Deadline(limits.seconds)
        if source.kind == "git":
            opened = _open_git(source, identity, limits, cache, deadline, again)
        else:
            opened = _OPENERS[source.kind](source, identity, limits, cache, deadline, follow)
        try:
            with unless_taken_away(opened.place):
                listing = list_items(opened.container.items(), limits, deadline, strip_top=opened.top_folder)
                reading = Reading(identity, opened, listing, deadline, cache)
        except BaseException:
            opened.container.close()
            raise
        deadline.pause()
        return reading
    except (OSError, ValueError) as error:
        raise as_ours(error, cache) from None


def forget_source(source: Source, cache: Path) -> None:
    """Remove what the cache holds of a source, as after its owner's objection. Nothing outside the cache is touched.

    Of a package, of a repository and of an archive all versions go, whichever the source names.
    """
    identity = identify(source)
    if source.kind == "git":
        take_away(cache / "git" / identity.repo_id, cache)
    else:
        forget(identity.url, cache)


def _open_git(
    source: Source, identity: Identity, limits: Limits, cache: Path, deadline: Deadline, again: bool
) -> _Opened:
    path = local_path(source)
    place: Path | None = None
    if path is None:
        url, place = web_address(source.locator), cache / "git" / identity.repo_id
        place.mkdir(parents=True, exist_ok=True)
        with unless_taken_away(place):
            folder, tip, head = fetch_tip(url, identity.repo_id, source.version, limits, cache, deadline)
            elsewhere = declared_on_web(url, tip, head, place, limits, cache, deadline, again)
            repository = find_repository(folder)
    else:
        repository = find_repository(Path(path))
        tip = find_tip(repository, source.version)
        elsewhere = declared_on_disk(repository, tip, limits, cache, deadline)
    files = GitFiles(repository.objects, tip.commit, cache, deadline)
    try:
        with unless_taken_away(place):
            files.check_commit()
            first = None if repository.shallow else files.first_commit_at()
    except BaseException:
        files.close()
        raise
    return _Opened(
        files, version=tip.commit, default_branch=tip.branch, first_commit_at=first, elsewhere=elsewhere, place=place
    )


def _open_archive(
    source: Source, identity: Identity, limits: Limits, cache: Path, deadline: Deadline, follow: Follow
) -> _Opened:
    path = local_path(source)
    digests = {"sha256": source.sha256.lower()} if source.sha256 else {}
    if path is None:
        url = web_address(source.locator, keep_query=True)
        file = _downloaded(url, identity, digests, limits, cache, deadline, follow)
    else:
        file = archive_at(Path(path))
    container, sha256 = open_archive(file, limits, cache, deadline)
    if digests and digests["sha256"] != sha256:
        container.close()
        raise RejectRecord("the archive's sha256 is not the expected one", "check both", "digest_mismatch")
    return _Opened(container, top_folder=True, version=source.version, archive_sha256=sha256)


def _downloaded(
    url: str,
    identity: Identity,
    digests: dict[str, str],
    limits: Limits,
    cache: Path,
    deadline: Deadline,
    follow: Follow,
) -> BinaryIO:
    """The archive in the cache; from there again if its digest is known, with the addresses that led to it then."""
    known = recall(identity.url, url, cache)
    if known is not None and digests.get("sha256") == known["archive"] and isinstance(known.get("sent_to"), list):
        held = cached_file(known["archive"], identity.url, cache)
        if held is not None:
            with contextlib.ExitStack() as failing:
                failing.callback(held.close)
                for address in known["sent_to"]:
                    follow(str(address))
                failing.pop_all()
            return held
    sent_to: list[str] = []

    def told(address: str) -> None:
        follow(address)
        sent_to.append(address)

    sha256, file = fetch_file(url, digests, limits.max_archive_bytes, identity.url, cache, deadline, told)
    remember(identity.url, url, sha256, {"sent_to": sorted(set(sent_to))}, cache)
    return file


def _open_package(
    source: Source, identity: Identity, limits: Limits, cache: Path, deadline: Deadline, _: Follow
) -> _Opened:
    registry, name = _REGISTRIES[source.kind], package_name(source)
    version, file = fetch_release(
        package_url(source.kind, name),
        source.version,
        lambda: registry.find_release(name, source.version, deadline),
        limits,
        cache,
        deadline,
    )
    container, sha256 = open_archive(file, limits, cache, deadline)
    return _Opened(
        container,
        top_folder=True,
        version=version,
        archive_sha256=sha256,
        declared_license=registry.declared_license,
        declared_sources=registry.declared_sources,
        metadata=registry.METADATA,
    )


_REGISTRIES = {"pypi": pypi, "npm": npm}
_OPENERS = {"archive": _open_archive, "pypi": _open_package, "npm": _open_package}


def _is_wanted(row: Row) -> bool:
    """Whether the content of a row is read: of a link, it is the path that it leads to."""
    return row.skipped is None or (row.skipped == "symlink" and 0 < row.size <= MAX_PATH_BYTES)


def _entry(row: Row, content: bytes | None, readable: Set[str]) -> Entry:
    if row.skipped == "symlink":
        path = None if content is None else led_to(row.path, content)
        return Entry(row.path, row.mode, row.size, None, row.skipped, path if path in readable else None)
    skipped = row.skipped or ("unreadable" if content is None else reason_to_skip(content))
    return Entry(row.path, row.mode, row.size, None if skipped else content, skipped)
