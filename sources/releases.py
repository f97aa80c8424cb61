"""Releases: which archive of which version a package registry offers, and a memory of what was chosen.

In: a package's name and a version, or none. Out: a `Release`: version, address and digests. Nothing of the package is
run: no build backend, no set-up program, no install script. A choice is kept in the cache under name and version, so
that a pinned version that was read once needs no request again.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gleanery.records.errors import RejectRecord
from gleanery.records.parquet import write_bytes
from gleanery.sources.deadline import Deadline
from gleanery.sources.downloads import cached_file, fetch_file
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
) -> tuple[str, Path]:
    """The version and the archive of a release. `find` asks the registry; it is called only if it has to be."""
    note = _note(purl, version, cache)
    if version is not None and (known := _known(note, cache)) is not None:
        return known
    release = find()
    path = fetch_file(release.url, release.digests, limits.max_archive_bytes, cache, deadline)
    content = {"purl": purl, "archive": path.name, **dataclasses.asdict(release)}
    write_bytes(note, json.dumps(content, indent=1, sort_keys=True).encode())
    return release.version, path


def forget_releases(purl: str, cache: Path) -> None:
    """Remove what `fetch_release` remembers of a package, in whatever version, and the archives."""
    for note in sorted(_notes(purl, cache).glob("*.json")):
        (cache / "downloads" / json.loads(note.read_bytes())["archive"]).unlink(missing_ok=True)
        note.unlink(missing_ok=True)


def no_such_release() -> RejectRecord:
    """The error for a package without the version, or without any, that can be read."""
    return RejectRecord("the registry has no such release with an archive of sources", "pin another", "no_release")


def _notes(purl: str, cache: Path) -> Path:
    """The folder for the notes of one package, so that all of its versions can be found."""
    return cache / "releases" / hashlib.sha256(purl.encode()).hexdigest()


def _note(purl: str, version: str | None, cache: Path) -> Path:
    return _notes(purl, cache) / (hashlib.sha256(str(version).encode()).hexdigest() + ".json")


def _known(note: Path, cache: Path) -> tuple[str, Path] | None:
    if not note.is_file():
        return None
    content = json.loads(note.read_bytes())
    path = cached_file(content["archive"], cache)
    return None if path is None else (content["version"], path)
