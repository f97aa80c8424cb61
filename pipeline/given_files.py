"""The files that settings name and every process of a run reads: kept as they were when the command began.

In: settings, and the folder of a run. Out: settings that name copies in `work/given/`, one folder for each digest, so
that a file which a person edits meanwhile is read by no step in two forms: what is judged, what is released and what
the manifest names are of the same bytes. The next command looks at the person's file again. Costs one read of each.
"""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gleanery.pipeline.settings import Settings
from gleanery.records.files import write_bytes

# Section and key of each setting that names such a file.
_NAMED = (("licensing", "policy"), ("licensing", "overrides"), ("shards", "tokenizer"))


def with_kept_files(settings: Settings, root: Path) -> Settings:
    """The same settings, whose files are the run's own copies under their old names; so the digest stays.

    Only the driver calls it, and it holds the run's lock: copies that these settings do not name are removed.
    """
    place = root.resolve() / "work/given"
    kept: set[str] = set()
    settings = with_other_paths(settings, lambda given: _kept(settings.path(given), place, kept))
    for folder in place.glob("*") if place.is_dir() else ():
        if folder.name not in kept:
            shutil.rmtree(folder)
    return settings


def with_other_paths(settings: Settings, other: Callable[[str], str]) -> Settings:
    """The same settings with another path for each such file that they name."""
    for section, key in _NAMED:
        about = getattr(settings, section)
        if given := getattr(about, key):
            settings = replace(settings, **{section: replace(about, **{key: other(given)})})
    return replace(settings, benchmark=tuple(replace(one, path=other(one.path)) for one in settings.benchmark))


def _kept(path: Path, place: Path, kept: set[str]) -> str:
    """The path of the run's copy of a file, whose digest joins those that are kept."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    write_bytes(place / digest / path.name, content)
    kept.add(digest)
    return str(place / digest / path.name)
