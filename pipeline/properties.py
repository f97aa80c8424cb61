"""Properties that a service needs besides: a file that an environment variable names, one of them a line.

In: the variable. Out: names and values, in the order of the file; none where the variable is not set.
"""

import os
import re
from pathlib import Path

from gleanery.records.errors import StopRun


def given_properties(variable: str, name: str, form: str) -> dict[str, str]:
    """The properties in the file, whose lines are written like those of spark-defaults.conf: NAME VALUE.

    `name` is a pattern that each name has; `form` is how a line is to be written, for the error.
    Raises StopRun for a file that cannot be read, and for a line of another form, by its number.
    """
    given = os.environ.get(variable)
    if not given:
        return {}
    try:
        lines = Path(given).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise StopRun(f"{given} cannot be read", f"let {variable} name a file, or unset it") from None
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, value = (re.split(r"\s*=\s*|\s+", line.strip(), maxsplit=1) + [""])[:2]
        if not re.fullmatch(name, key) or not value:
            raise StopRun(f"line {number} of {given} is no property", f"write `{form}`")
        found[key] = value
    return found
