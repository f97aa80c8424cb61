"""Declarations: what the opt-out file inside a repository says.

In: the bytes of `.dataset-optout.json` at a repository's root. Out: whether it objects. Costs one small JSON parse. The
file is hostile input like any other; in doubt it objects.
"""

import json

LARGEST = 8 * 1024  # bytes; the files that the web form hands out have some hundred
# The keys of those files. One that says more, or something twice, takes nothing back plainly.
_WRITTEN = frozenset({"dataset-optout", "statement", "repository", "action", "challenge"})


def is_objection(content: bytes) -> bool:
    """True for every declaration but one that plainly takes an objection back.

    >>> is_objection(b""), is_objection(b'{"action": "block"}'), is_objection(b'{"action": "unblock"}')
    (True, True, False)
    >>> is_objection(b'{"action": "block", "action": "unblock"}'), is_objection(b'{"action": "unblock", "ai": "no"}')
    (True, True)
    """
    if len(content) > LARGEST:
        return True
    try:
        said = json.loads(content, object_pairs_hook=tuple)  # an object as its pairs, so that none hides another
    except (ValueError, RecursionError):
        return True
    if not isinstance(said, tuple):
        return True
    names = [name for name, _ in said]
    return len(set(names)) < len(names) or not set(names) <= _WRITTEN or ("action", "unblock") not in said
