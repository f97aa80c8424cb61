"""States: what a loader notes of its place, and whether one that was saved is good for a loader.

In: the settings of a loader, and the state that one saved. Out: digests by which settings are told apart, and the place
to go on from; or an error that says what the state belongs to. Costs nothing beside a digest.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.shards.masking import Removed
from gleanery.shards.pieces import Rules

# Part of every state: raise it when the same settings would give other batches.
ORDER_VERSION = "7"
_AS_RETURNED = "use a state as state_dict returned it"


class Saved(NamedTuple):
    """What a state says: a place, how many steps led there, and how much of the list its epoch's packing leaves out."""

    epoch: int
    row: int
    steps: int
    packed: int


def short_digest(plain: Sequence[object]) -> str:
    """16 hexadecimal digits of plain values."""
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()[:16]


def settings_digest(rules: Rules, seed: int, served: NDArray[np.bool_] | None) -> str:
    """16 hexadecimal digits that differ whenever the global list of rows does."""
    chosen = "" if served is None else hashlib.sha256(np.packbits(served).tobytes()).hexdigest()
    rates = (rules.fim_rate, rules.spm_rate, rules.repo_rate, rules.line_rate, rules.syntax_rate)
    return short_digest([ORDER_VERSION, rules.unit, rules.context, *map(float, rates), rules.growth, seed, chosen])


def checked(state: Mapping[str, int | str], present: Mapping[str, int | str], removed: Removed) -> Saved:
    """What a state says, if it is of the release and the settings of the `present` one and of the list `removed`.

    Raises StopRun if it is of others, or damaged.
    """
    for name, what in (("release", "release"), ("settings", "settings of context, seed, rates or documents")):
        if state.get(name) != present[name]:
            raise StopRun(f"the state belongs to another {what}", "open what it was saved with, or start anew")
    packed = _honoured(state, removed.digests)
    epoch, row, steps = state.get("epoch"), state.get("row"), state.get("steps")
    if not isinstance(steps, int) or steps < 0:
        raise StopRun("the state is damaged", _AS_RETURNED)
    if not isinstance(epoch, int) or not isinstance(row, int) or epoch < 0 or row < 0:
        raise no_such_row()
    return Saved(epoch, row, steps, packed)


def no_such_row() -> StopRun:
    """The error for a state whose row its epoch does not have."""
    return StopRun("the state names a row that does not exist", _AS_RETURNED)


def _honoured(state: Mapping[str, int | str], digests: Sequence[str]) -> int:
    """How much of the removal list the packing of the state's epoch leaves out, if this list is as long."""
    count, packed = state.get("removed", 0), state.get("packed", 0)
    if not isinstance(count, int) or not isinstance(packed, int) or not 0 <= packed <= count:
        raise StopRun("the state is damaged", _AS_RETURNED)
    if count >= len(digests) or digests[count] != state.get("list", digests[0]):
        raise StopRun("the removal list is older than the one that the state honoured", "fetch the newest list")
    return packed
