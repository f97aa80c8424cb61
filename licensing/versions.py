"""Whether two names may mean the same text: "GPL, any later version" and GPL-3.0, "the GNU GPL" and GPL-2.0.

In: two expressions. Out: yes or no. 2 µs.
"""

import re

from gleanery.licensing.expressions import canonical

_VERSIONED = re.compile(r"([al]?gpl|gfdl)-([0-9]\.[0-9])-(only|or-later)")
# How the detector writes "the GNU GPL", "the GNU LGPL" and an address of the FSF, with the sides that explain them.
_NO_VERSION = {
    "gpl-1.0-or-later": ("gpl-",),
    "lgpl-2.0-or-later": ("lgpl-",),
    "licenseref-scancode-other-copyleft": ("gpl-", "lgpl-", "agpl-"),
}


def is_version_of(text: str, family: str) -> bool:
    """Whether a text is a version of what the detector calls a family without one, such as "the GNU LGPL".

    >>> is_version_of("LGPL-2.1-only", "LGPL-2.0-or-later"), is_version_of("LGPL-2.0-or-later", "LGPL-2.0-or-later")
    (True, False)
    """
    text, family = canonical(text), canonical(family)
    of_family = _NO_VERSION.get(family, ()) if family.endswith("-or-later") else ()
    return text != family and " " not in text and text.startswith(of_family)


def is_same_text(named: str, text: str) -> bool:
    """Whether a licence that a sentence names is the one of a text, or of a heading that gives no version of it.

    >>> is_same_text("GPL-3.0-only", "GPL-1.0-or-later"), is_same_text("GPL-3.0-only", "GPL-2.0-only")
    (True, False)
    """
    return includes(canonical(named), canonical(text))


def includes(side: str, text: str) -> bool:
    """Whether the side of a choice is a text, or includes it as "or any later version" does.

    So does a side of the family of a text that names no version, or that only gives the address of the FSF.

    >>> includes("gpl-1.0-or-later", "gpl-2.0-only"), includes("gpl-2.0-only", "gpl-3.0-only")
    (True, False)
    >>> includes("gpl-2.0-only", "gpl-1.0-or-later"), includes("mit", "gpl-1.0-or-later")
    (True, False)
    """
    if side == text or (side, text) == ("artistic-1.0-perl", "artistic-1.0"):
        return True
    if side.startswith(_NO_VERSION.get(text, ())):
        return True
    later, any_version = _VERSIONED.fullmatch(side), _VERSIONED.fullmatch(text)
    if later is None or any_version is None or later[3] != "or-later" or later[1] != any_version[1]:
        return False
    return float(later[2]) <= float(any_version[2])
