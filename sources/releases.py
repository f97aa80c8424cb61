"""Releases: which archive of which version a package registry offers, and a memory of what was chosen.

In: a package's name and a version, or none. Out: a `Release`: version, address and digests. Nothing of the package is
run: no build backend, no set-up program, no install script. A choice is kept in the cache under name and version, so
that a pinned version that was read once needs no request again.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gleanery.records.errors import RejectRecord
from gleanery.sources.deadline import Deadline
from gleanery.sources.downloads import cached_file, fetch_file
from gleanery.sources.remembered import recall, remember
from gleanery.sources.source import Limits

INDEX_BYTES = 64 << 20  # largest index page of one package: the largest of the big registries are near 20 MB


@dataclass(frozen=True)
class Release:
    """One release: `digests` are hexadecimal, by algorithm."""

    version: str
    url: str
    digests: dict[str, str]


def fetch_release(
    purl: str, version: str | None, find: Callable[[], Release], limits: Limits, cache: Path, deadline: Deadline
) -> tuple[str, BinaryIO]:
    """The version and the archive of a release, open. `find` asks the registry; it is called only if it has to be."""
    known = recall(purl, str(version), cache) if version is not None else None
    if known is not None and isinstance(known.get("version"), str):
        file = cached_file(known["archive"], purl, cache)
        if file is not None:
            return known["version"], file
    release = find()
    sha256 = release.digests.get("sha256", "").lower()
    file = cached_file(sha256, purl, cache)
    if file is None:
        sha256, file = fetch_file(release.url, release.digests, limits.max_archive_bytes, purl, cache, deadline)
    remember(purl, str(version), sha256, dataclasses.asdict(release), cache)
    return release.version, file


def no_such_release() -> RejectRecord:
    """The error for a package without the version, or without any, that can be read."""
    return RejectRecord("the registry has no such release with an archive of sources", "pin another", "no_release")
