"""The mark of a release that was withdrawn: a file beside its `store.json`, which whoever opens the folder looks for.

In: the folder of a release. Out: the mark, or an error that says why the folder is not to be used. A manifest that is
merely gone says nothing to a loader, since a store that is part of no release has none either. Costs one look-up.
"""

from pathlib import Path

from gleanery.records.errors import StopRun

MARK = "WITHDRAWN"
WHY = "an owner in it has opted out, or a newer one was to replace it"
_TEXT = b"""\
This release was withdrawn: an owner in it has opted out, or a newer one was about to take its place.
Do not train on it and do not pass it on. The same run makes a new one: gleanery run ... --refresh-optout
"""


def mark_withdrawn(release: Path) -> None:
    """Leave the mark in the folder of a release. It counts as soon as it is there, whatever it holds."""
    (release / MARK).write_bytes(_TEXT)


def is_withdrawn(release: Path) -> bool:
    """Whether the release in a folder bears the mark."""
    return (release / MARK).exists()


def refuse_withdrawn(release: Path) -> None:
    """Raises StopRun if the release in a folder was withdrawn."""
    if is_withdrawn(release):
        raise StopRun(
            f"the release in {release} was withdrawn: {WHY}",
            "make it anew: the same `gleanery run` with --refresh-optout; or fetch the newest release",
        )
