"""Trainings: a loader opened as a training opened it, to ask what its steps saw.

In: a release, the settings of the training, its removal list, and a state that the training saved. Out: the loader and
the legs of the training. Costs what opening a loader costs, and with a state the packing of the epochs before it.
"""

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gleanery.records.errors import StopRun, WrongArguments
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
    steps: int = 0,
) -> tuple[Loader, list[Leg]]:
    """The loader and the legs. `legs` are STEP:ROWS or STEP:ROWS:REMOVED; the first begins at step 0 with `rows` if
    none of them says otherwise. The removal list is read as it was when the state was saved. `steps`: how many steps
    from the beginning are asked about.

    Raises StopRun if the state says that the training had other settings, another release or another list, that it took
    another number of steps to get there or has not taken as many, or that an epoch of it was packed without removed
    documents, which nobody wrote down.
    """
    said = _state(state) if state else None
    removed = NOTHING_REMOVED if removals is None else _as_then(release, removals, said)
    loader = Loader(release, batch=rows, removed=removed, withdrawn=True, **settings)
    found = [*map(_leg, legs)]
    if not found or found[0].step > 0:
        found.insert(0, Leg(0, rows))
    if said is not None:
        _check_state(loader, said, found, steps, removals is not None)
        if said["removed"] == 0:  # a list only grows: no step before honoured any of it
            found = [replace(leg, removed=0) for leg in found]
    return loader, found


def _check_state(loader: Loader, said: Mapping[str, Any], legs: Sequence[Leg], steps: int, has_list: bool) -> None:
    if "mixture" in said:
        raise StopRun("this is the state of a mixture", "open the mixture in Python and give it to shards.lineage")
    if said.get("packed"):
        hint = "such a training cannot be traced from one state; ask its operator what each step read"
        raise StopRun("an epoch of this training was packed anew without what was removed", hint)
    if said.get("removed") and not has_list:
        raise StopRun("the training honoured a removal list", "give it with --list")
    loader.load_state_dict(said)
    done, taken = steps_done(loader, said["epoch"], said["row"], legs), said["steps"]
    if done != taken:
        raise StopRun(
            f"the training took {taken} steps to this state; with these rows in a step it would be {done}",
            "rows is world × batch; name each step from which it changed with --leg STEP:ROWS",
        )
    if steps > taken:
        raise StopRun(
            f"the state was saved after {taken} steps and says nothing of later ones",
            "give a state that was saved later",
        )


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
    numbers = text.split(":")
    if len(numbers) not in (2, 3) or not all(re.fullmatch("[0-9]{1,15}", number) for number in numbers):
        hint = "write STEP:ROWS, such as 2000:1024, or STEP:ROWS:REMOVED with `removed` of a state"
        raise WrongArguments(f"{text} is no leg of a training", hint)
    return Leg(*map(int, numbers))
