"""Trainings: a loader opened as a training opened it, to ask what its steps saw.

In: a release, the settings of the training, its removal list, and a state that the training saved. Out: the loader and
the legs of the training. Costs what opening a loader costs, and with a state the packing of the epochs before it.
"""

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gleanery.records.errors import StopRun
from gleanery.shards.lineage import Leg, steps_done
from gleanery.shards.loader import Loader
from gleanery.shards.masking import NOTHING_REMOVED, Removed
from gleanery.shards.removals import removed_from

_LARGEST_STATE = 1 << 16
_HOW = "write what `state_dict()` of the loader returned, as JSON"


def opened(
    release: Path,
    rows: int,
    legs: Sequence[str],
    removals: Path | None,
    state: Path | None,
    settings: Mapping[str, Any],
) -> tuple[Loader, list[Leg]]:
    """The loader and the legs. `legs` are STEP:ROWS; the removal list is read as it was when the state was saved.

    Raises StopRun if the state says that the training had other settings, another release or another list, that it took
    other rows in a step, or that an epoch of it was packed without removed documents, which nobody wrote down.
    """
    said = _state(state) if state else None
    removed = NOTHING_REMOVED if removals is None else _as_then(release, removals, said)
    loader = Loader(release, batch=rows, removed=removed, **settings)
    steps = [Leg(0, rows), *map(_leg, legs)]
    if said is not None:
        if said.get("packed"):
            hint = "such a training cannot be traced from one state; ask its operator what each step read"
            raise StopRun("an epoch of this training was packed anew without what was removed", hint)
        loader.load_state_dict(said)
        steps_done(loader, said["epoch"], said["row"], steps)
    return loader, steps


def _as_then(release: Path, path: Path, said: Mapping[str, Any] | None) -> Removed:
    """The list as far as the state honoured it. That it has run out since changes nothing of what was read."""
    removed = removed_from(release, path, "mask", datetime.date.min)
    count = said.get("removed", 0) if said else None
    if not isinstance(count, int) or not 0 <= count < len(removed.digests):
        return removed  # without a state, or for the loader to refuse
    return replace(removed, ordinals=removed.ordinals[:count], digests=removed.digests[: count + 1])


def _state(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read(_LARGEST_STATE))
    except OSError as error:
        raise StopRun(f"the state {path} cannot be read", "name the file in which the training saved it") from error
    except (ValueError, RecursionError) as error:
        raise StopRun(f"{path} holds no state of a loader", _HOW) from error
    if not isinstance(found, dict):
        raise StopRun(f"{path} holds no state of a loader", _HOW)
    return found


def _leg(text: str) -> Leg:
    step, _, rows = text.partition(":")
    if not (step.isascii() and step.isdigit() and rows.isascii() and rows.isdigit()):
        raise StopRun(f"{text} is no leg of a training", "write STEP:ROWS, such as 2000:1024")
    return Leg(int(step), int(rows))
