"""The notes that the steps of a run leave, and which tables of a run stand on each other.

In: the folder of a run. Out: the tables that do not rest on what stands beside them now, since a later command with
other settings was stopped or goes on; and whether the release beside them is of an earlier run. A folder without notes,
such as a release, has nothing to compare. Costs one read of the notes of each step: 34 ms for ten thousand files.

    work/STEP/done.json     every output of a finished step with its digest, and the digests of the steps it read
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from gleanery.records.files import read_json

# Written by no step, but by the driver before each command.
_OF_THE_DRIVER = frozenset({"optout_rules", "optout_names"})
# The last step writes these first of all, and is not finished while its gate reads them.
_OF_THE_RELEASE = frozenset({"notices", "license_texts"})
_BEFORE_THE_RELEASE = "index"


def digest_of(digests: Mapping[str, str]) -> str:
    """One digest for the outputs of a step, given by their paths, for the notes of the steps that read them."""
    plain = json.dumps(dict(digests), sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    return hashlib.sha256(plain.encode()).hexdigest()


def stale_tables(folder: Path, tables: Mapping[str, list[Path]]) -> frozenset[str]:
    """The tables of a run of which a file is not one that a finished step made from what stands there now."""
    notes = _Notes(folder)
    if not notes.steps:
        return frozenset()
    made = {path for step in notes.steps if notes.stands(step) for path in notes.outputs(step)}
    stale: set[str] = set()
    for table, paths in tables.items():
        if table in _OF_THE_DRIVER:
            continue
        if table in _OF_THE_RELEASE and "release" not in notes.steps and notes.stands(_BEFORE_THE_RELEASE):
            continue
        if not all(path.relative_to(folder).as_posix() in made for path in paths):
            stale.add(table)
    return frozenset(stale)


def is_finished(folder: Path) -> bool:
    """Whether every step of a run is finished, and the release stands on the tables beside it."""
    return _Notes(folder).stands("release")


def has_release_of_before(folder: Path) -> bool:
    """Whether the release in the folder of a run was made from other tables than those that stand beside it now."""
    notes = _Notes(folder)
    return (folder / "release/docs").is_dir() and bool(notes.steps) and not notes.stands("release")


class _Notes:
    """What each finished step noted."""

    def __init__(self, folder: Path) -> None:
        self.steps: dict[str, Mapping[str, Any]] = {}
        for path in sorted((folder / "work").glob("*/done.json")):
            try:
                plain = read_json(path) or {}
                self.steps[path.parent.name] = {"outputs": dict(plain["outputs"]), "reads": dict(plain["reads"])}
            except (OSError, ValueError, KeyError, TypeError):
                continue  # removed meanwhile, or no note: that step is not finished
        self.stands = cache(self._stands)

    def outputs(self, step: str) -> dict[str, str]:
        """The digest of each output of a finished step, by its path."""
        return {path: written[2] for path, written in self.steps[step]["outputs"].items()}

    def _stands(self, step: str) -> bool:
        """Whether a step is finished, and was made by way of any others from what stands in the folder now."""
        if step not in self.steps:
            return False
        reads = self.steps[step]["reads"].items()
        return all(self.stands(below) and digest_of(self.outputs(below)) == digest for below, digest in reads)
