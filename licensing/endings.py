"""The comment at the end of a file, where its head says that the licence stands there.

In: the text of a file. Out: the index of the line with which that comment begins, or None. A licence that is long is
put there so that nobody has to read it first: "See end of file for license information". 4 µs for a head that does not
say so; else the whole file is cut into lines.
"""

import re

import re2

from gleanery.licensing.comments import BLOCKS
from gleanery.licensing.lines import spoken

# Nothing but the words that point, so that a task ("remove the license at the end of the file") is none.
_FILE = r"(?:the )?(?:end|bottom|foot) of (?:(?:this|the) )?(?:source |header )?(?:file|script|module|program|document)"
_LICENCE = r"(?:licen[sc](?:e|es|ing)|copyrights?|terms)(?: (?:and|&|or) (?:licen[sc]e|copyright|terms|disclaimer))?"
_WHAT = rf"{_LICENCE}(?: (?:notice|information|info|text|terms|details?|conditions|statement|agreement))?s?"
_SEE = r"(?:see|read|refer to|look at)"
_POINTS = re2.compile(
    rf"(?i)(?:^\W*|[.;:!] )(?:(?:please )?{_SEE} )?(?:the |full |complete )*{_WHAT}[ ,:-]+"
    rf"(?:(?:please )?(?:see|is|are|at|in|near|can be found|found|stands?|given|located|included) ){{0,4}}{_FILE}\b|"
    rf"(?:^\W*|[.;:!] )(?:please )?{_SEE} (?:at )?{_FILE} for (?:the |full |more |further )*{_WHAT}\b|"
    rf"(?:^\W*|[.;:!] )for (?:the |full |more |further )*{_WHAT},? (?:please )?{_SEE} {_FILE}\b"
)
_MAYBE = re2.compile(
    r"(?i)(?:end|bottom|foot) of (?:(?:this|the) )?(?:source |header )?(?:file|script|module|prog|doc)"
)
_OF_LAW = re2.compile(
    r"(?i)licen[sc]|permi[ts]|distribut|public domain|warrant|copyright|commercial|propriet|confidential|prohibit|"
    r"forbid|restrict|rights|\bai\b|train"
)
# Of so many lines at the most; below them may stand some that are no comment, such as `#endif`.
_MOST_LINES, _MOST_BELOW = 160, 5
_SIGN = re.compile(r"[^\w\s\"'(){}\[\]<>]{1,3}(?=\s|$|\w)|(?:dnl|rem|REM|C|c)(?=\s|$)")
_CLOSERS = {closer: opener for opener, closer in reversed(BLOCKS.items())}


def may_point(text: str) -> bool:
    """Whether a text has words with which a head points to the end of its file."""
    return _MAYBE.search(text) is not None


def pointing_line(lines: list[str]) -> int | None:
    """The index of the line of a head which says that the licence stands at the end of the file; None without one.

    >>> pointing_line(["int a;", "/* See license at end of file */"]), pointing_line(["// LICENSE: see end of file."])
    (1, 0)
    >>> pointing_line(["# The license is checked at the end of file handling"]), pointing_line(["// See end of file"])
    (None, None)
    """
    return next((at for at, line in enumerate(lines) if _POINTS.search(spoken(line[:400]))), None)


def last_comment(lines: list[str]) -> int | None:
    """The index of the line with which the last comment of a file begins, if it speaks of law; else None.

    >>> last_comment(["int a;", "/* MIT", "   License */", "#endif"]), last_comment(["x", "# Free", "# licence"])
    (1, 1)
    >>> last_comment(["# MIT License", "x = 1"])
    """
    below = len(lines)
    while below and not lines[below - 1].strip():
        below -= 1
    for at in range(below - 1, max(-1, below - 1 - _MOST_BELOW), -1):
        start = _begin_of_comment(lines, at)
        if start is not None and _OF_LAW.search("\n".join(lines[start : at + 1])):
            return start
    return None


def _begin_of_comment(lines: list[str], at: int) -> int | None:
    """Where the comment begins that ends with a line."""
    said = lines[at].strip()
    first = max(0, at - _MOST_LINES)
    opener = next((opener for closer, opener in _CLOSERS.items() if said.endswith(closer)), None)
    if opener is not None:
        if opener in said[: -len(BLOCKS[opener])]:
            return at
        return next((n for n in range(at - 1, first - 1, -1) if opener in lines[n]), None)
    sign = _SIGN.match(said)
    if sign is None:
        return None
    start = at
    for n in range(at - 1, first - 1, -1):
        above = lines[n].strip()
        if above.startswith(sign[0]):
            start = n
        elif above or not lines[max(n - 1, 0)].strip():  # one empty line may stand in a comment
            break
    return start if start < at else None
