"""Declarations: what the opt-out file inside a repository says.

In: the bytes of `.dataset-optout.json` at a repository's root. Out: whether it objects. Costs one small JSON parse. The
file is hostile input like any other; in doubt it objects. A file that does not object lifts nothing but itself: rules
stand in the registry, and whoever writes it could as well delete it.
"""

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

LARGEST = 8 * 1024  # bytes; the files that the web form hands out have some hundred
# A token of 256 bits, a dot, and a digest of as many, in base64.
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}")
# The keys of those files (`challenge.py`), each with what it holds where the file takes an objection back.
_WRITTEN: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "dataset-optout": lambda value: value == 1 and value is not True,
        "statement": lambda value: isinstance(value, str) and "takes back" in value,
        "repository": lambda value: isinstance(value, str) and "/" in value,
        "action": lambda value: value == "unblock",
        "challenge": lambda value: isinstance(value, str) and _CHALLENGE.fullmatch(value) is not None,
    }
)


def is_objection(content: bytes) -> bool:
    """True for every declaration but one in the form of the file that is handed out to take an objection back.

    Whether its challenge is the right one only the registry can say, which does so when it is checked.

    >>> is_objection(b""), is_objection(b'{"action": "block"}'), is_objection(b'{"action": "unblock"}')
    (True, True, True)
    """
    if len(content) > LARGEST:
        return True
    try:
        said = json.loads(content, object_pairs_hook=tuple)  # an object as its pairs, so that none hides another
    except (ValueError, RecursionError):
        return True
    if not isinstance(said, tuple):
        return True
    written = dict(said)
    in_form = len(written) == len(said) and written.keys() == _WRITTEN.keys()
    return not in_form or not all(holds(written[name]) for name, holds in _WRITTEN.items())
