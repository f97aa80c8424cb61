"""Paths of this machine, told apart from addresses.

In: what somebody gave for a file or a folder. Out: the path, or an error that says how to get there.
"""

import re
from pathlib import Path

from gleanery.records.errors import WrongArguments

# `pathlib` makes one of two slashes. A name with one letter is no scheme.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")


def local_path(given: str | Path, name: str = "") -> Path:
    """A path as it was given. Raises WrongArguments for an address; `name` is what it was given for.

    Its tables would be read there, and its other files looked for in a folder of that name here. The address is not
    told: it may hold a password.

    >>> local_path("run-2026-11-30T08:12/release").name
    'release'
    """
    if found := _ADDRESS.match(str(given)):
        about = f"{name} is " if name else ""
        message = f"{about}an address ({found[1]}://...), where a path of this machine is wanted"
        hint = "give a local path: mount what the address names, or copy it from or to there before or after"
        raise WrongArguments(message, hint)
    return Path(given)
