"""Arguments: numbers that a caller gives, as Python's own.

In: what was given. Out: whole numbers that JSON takes, or an error that names the argument. Costs nothing.
"""

import operator
from typing import Any

from gleanery.records.errors import WrongArguments


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
