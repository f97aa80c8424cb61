"""Declarations: what the opt-out file inside a repository says.

In: the bytes of `.dataset-optout.json` at a repository's root. Out: whether it objects. Costs one small JSON parse. The
file is hostile input like any other; in doubt it objects.
"""

import json

LARGEST = 8 * 1024  # bytes; the files that the web form hands out have some hundred


def is_objection(content: bytes) -> bool:
    """True for every declaration but one that plainly takes an objection back.

    >>> is_objection(b""), is_objection(b'{"action": "block"}'), is_objection(b'{"action": "unblock"}')
    (True, True, False)
    """
    if len(content) > LARGEST:
        return True
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return True
    return not (isinstance(said, dict) and said.get("action") == "unblock")
