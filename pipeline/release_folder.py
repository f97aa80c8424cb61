"""The folder `release/` of a run, which holds what runs put there and nothing else.

In: a new release, made whole in a place of the run's own. Out: the same release in `release/`. Which files a run put
there is noted in `work/release/made.json`, so nobody else's is ever removed: a file that no run made stops the run
before the release is touched. Costs one listing and one rename for each file.

A release that is withdrawn loses its manifest and bears a mark, which `verify`, loaders and exports know.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from gleanery.records.errors import StopRun
from gleanery.records.files import read_json, write_json
from gleanery.records.withdrawal import MARK, is_withdrawn, mark_withdrawn
from gleanery.release.listing import MANIFEST, entries

PLACE = "release"
_MADE = "work/release/made.json"


def refuse_other_files(root: Path) -> None:
    """Raises StopRun for a file in `release/` that no run made: it would be lost, or be taken for a part of it."""
    if not (root / PLACE).exists():
        return
    made = made_by_runs(root)
    others = [entry.path for entry in entries(root / PLACE) if entry.path not in made]
    if others:
        withdrawn = ", and is withdrawn until then" if is_withdrawn(root / PLACE) else ""
        said = f"the release is to be made anew{withdrawn}; it holds {len(others)} files that no run made"
        raise StopRun(
            f"{said}, such as {others[0]!r}",
            "move them beside the folder release, where signatures and lists stand, and run the same command again",
        )


def made_by_runs(root: Path) -> set[str]:
    """The files of `release/` that runs put there, also where its manifest has been withdrawn."""
    noted = (read_json(root / _MADE) or {}).get("files")
    found = set(map(str, noted)) if isinstance(noted, list) else set[str]()
    try:  # a release of an older version has no note
        listed = json.loads((root / PLACE / MANIFEST).read_bytes())["files"]
        return found | {str(entry["path"]) for entry in listed} | {MANIFEST}
    except (OSError, ValueError, KeyError, TypeError):
        return found


def withdraw(root: Path) -> None:
    """Mark the release and take its manifest away: nothing of it verifies, is served or exported any more.

    The files stay, and it stays known whose they are.
    """
    if (root / PLACE / MANIFEST).exists() or (root / PLACE / "store.json").exists():
        _note(root, made_by_runs(root) | {MARK})
        mark_withdrawn(root / PLACE)
        (root / PLACE / MANIFEST).unlink(missing_ok=True)


def put_in_place(root: Path, made: Path) -> list[Path]:
    """Put a new release in the place of the one before, and return its files. Its manifest comes last.

    Until then the mark stands there: nobody may open a folder that holds files of two releases. A kill on the way
    leaves it so, with every file noted.
    """
    refuse_other_files(root)
    withdraw(root)
    names = {entry.path for entry in entries(made)}
    _note(root, made_by_runs(root).union(names))
    (root / PLACE).mkdir(exist_ok=True)
    for entry in entries(root / PLACE):
        if entry.path not in (names | {MARK}):
            _remove(root / PLACE, entry.path)
    for name in sorted(names, key=lambda name: (name == MANIFEST, name)):
        target = root / PLACE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (made / name).replace(target)
    (root / PLACE / MARK).unlink(missing_ok=True)
    _note(root, names)
    shutil.rmtree(made)
    return [root / PLACE / name for name in sorted(names)]


def _note(root: Path, names: Iterable[str]) -> None:
    write_json(root / _MADE, {"files": sorted(names)})


def _remove(release: Path, name: str) -> None:
    """Remove a file, and each folder that is empty without it."""
    (release / name).unlink()
    for folder in (release / name).parents:
        if folder == release or any(folder.iterdir()):
            return
        folder.rmdir()
