"""Remembered: which download belongs to which source, so that it is taken again without a request, or forgotten.

In: a source's URL or package URL, and which of its versions or addresses. Out: a note in the cache beside the
downloads, and the file that it names. A note that is damaged, or whose file is, counts as none: then the source is
asked again. Costs one small file for each download; taking a file again costs reading it once for its digest.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gleanery.records.parquet import write_bytes
from gleanery.sources.downloads import cached_file, sweep

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Remembered(NamedTuple):
    """A file in the cache, and what was noted when it was fetched."""

    path: Path
    note: Mapping[str, Any]


def recall(source: str, which: str, cache: Path) -> Remembered | None:
    """What was fetched for a source, if it is still there as it was."""
    note = _read(_place(source, which, cache))
    path = None if note is None else cached_file(note["archive"], cache)
    return None if note is None or path is None else Remembered(path, note)


def remember(source: str, which: str, archive: Path, note: Mapping[str, Any], cache: Path) -> None:
    """Note what was fetched. What stood there before is removed, or nothing would lead to it any more."""
    place = _place(source, which, cache)
    before = _read(place)
    if before is not None and before["archive"] != archive.name:
        (cache / "downloads" / before["archive"]).unlink(missing_ok=True)
    content = {"source": source, "archive": archive.name, **note}
    write_bytes(place, json.dumps(content, indent=1, sort_keys=True).encode())


def forget(source: str, cache: Path) -> None:
    """Remove all that was fetched for a source, and what downloads that were killed left behind."""
    for place in sorted(_folder(source, cache).glob("*.json")):
        note = _read(place)
        if note is not None:
            (cache / "downloads" / note["archive"]).unlink(missing_ok=True)
        place.unlink(missing_ok=True)
    sweep(cache)


def _folder(source: str, cache: Path) -> Path:
    return cache / "remembered" / hashlib.sha256(source.encode()).hexdigest()


def _place(source: str, which: str, cache: Path) -> Path:
    return _folder(source, cache) / (hashlib.sha256(which.encode()).hexdigest() + ".json")


def _read(place: Path) -> dict[str, Any] | None:
    """The note, or None if it is not there or damaged; the file that it names is never one outside the cache."""
    try:
        note = json.loads(place.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    if not isinstance(note, dict) or not isinstance(note.get("archive"), str):
        return None
    return note if _DIGEST.fullmatch(note["archive"]) else None
