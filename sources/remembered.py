"""Remembered: which download belongs to which source, so that it is taken again without a request, or forgotten.

In: a source's URL or package URL, and which of its versions or addresses. Out: a note in the cache, and the digest of
the download that it names, which lies in a folder of the source's own (`downloads.py`). A note that is damaged counts
as none: then the source is asked again. A download that no note of its source names any more goes a day after its last
use. Costs one small file for each download.
"""

import contextlib
import hashlib
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gleanery.records.files import read_json, write_json
from gleanery.sources.downloads import downloads_of, sweep
from gleanery.sources.takenaway import take_away

_DIGEST = re.compile(r"[0-9a-f]{64}")
_GRACE_SECONDS = 24 * 3600  # so long after its last use nobody is about to note a download, or to open it


def recall(source: str, which: str, cache: Path) -> Mapping[str, Any] | None:
    """What was noted when a source was fetched; `archive` is the digest of what came."""
    return _read(_place(source, which, cache))


def remember(source: str, which: str, sha256: str, note: Mapping[str, Any], cache: Path) -> None:
    """Note what was fetched, and remove what no note of this source has named for a day."""
    place = _place(source, which, cache)
    write_json(place, {"source": source, "archive": sha256, **note})
    named = {noted["archive"] for path in place.parent.glob("*.json") if (noted := _read(path)) is not None}
    for path in sorted(downloads_of(source, cache).glob("*")):
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            if path.name not in named and time.time() - path.stat().st_mtime > _GRACE_SECONDS:
                path.unlink()


def forget(source: str, cache: Path) -> None:
    """Remove all that was fetched for a source, and what downloads that were killed left behind."""
    folder = _place(source, "", cache).parent
    for path in sorted(folder.glob("*.json")):
        if (note := _read(path)) is not None:  # of a version that kept the downloads of all sources in one folder
            (cache / "downloads" / note["archive"]).unlink(missing_ok=True)
    take_away(downloads_of(source, cache), cache)
    take_away(folder, cache)
    sweep(cache)


def _place(source: str, which: str, cache: Path) -> Path:
    folder = cache / "remembered" / hashlib.sha256(source.encode()).hexdigest()
    return folder / (hashlib.sha256(which.encode()).hexdigest() + ".json")


def _read(place: Path) -> dict[str, Any] | None:
    """The note, or None if it is not there or damaged; the file that it names is never one outside the cache."""
    note = read_json(place)
    return note if note is not None and _DIGEST.fullmatch(str(note.get("archive"))) else None
