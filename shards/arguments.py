"""Arguments: what a caller gives to a loader, as Python's own numbers and as a mask of documents.

In: what was given. Out: whole numbers that JSON takes, a mask, or an error that names the argument. Costs nothing.
"""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import StopRun, WrongArguments


def whole_numbers(**given: Any) -> list[int]:
    """The values in their order. Numbers of numpy are numbers; others, 2.0 too, raise WrongArguments.

    >>> whole_numbers(batch=8, rank=0)
    [8, 0]
    """
    found = []
    for name, value in given.items():
        try:
            found.append(operator.index(value))
        except TypeError:
            raise WrongArguments(f"{name} is {value!r}", f"give a whole number for {name}") from None
    return found


def chosen_documents(documents: int, only: Sequence[int] | NDArray[np.int64] | None) -> NDArray[np.bool_] | None:
    """bool[documents], those with the ordinals `only`; None for all. Raises StopRun for what names no document."""
    if only is None:
        return None
    given = np.asarray(only)
    if given.size and given.dtype.kind not in "iu":
        raise StopRun("`only` takes ordinals, which are whole numbers", "give np.flatnonzero(mask) for a mask")
    chosen = given.astype(np.int64)
    if chosen.size and (int(chosen.min()) < 0 or int(chosen.max()) >= documents):
        raise StopRun("`only` names a document that does not exist", f"ordinals are 0 to {documents - 1}")
    mask = np.zeros(documents, np.bool_)
    mask[chosen] = True
    return mask
