"""Change logs: who changed a file and when, as lines of a head or of a list of changes say it.

In: a source. Out: hits on names that a line begins with and a date follows (`* K. Birch/ZOO  01/92  Gates added`), or
that stand behind a date at the beginning of a line (`# 2003-08-27  Ada Roe: first version`). A month and a year alone
are a date only behind initials or an organisation, since `Part Two 3/12` is none. Costs one pass for each form.
"""

import re
from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import Found, compile_pattern
from gleanery.privacy.people import names_at
from gleanery.privacy.source import Source

NAME, ENTITIES = "change_log", ("NAME",)
_MONTH = (
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Za-z]{0,6}"
)
_YEAR = r"(?:19|20)[0-9]{2}"
_DAY = (
    rf"(?:{_YEAR}[-/.](?:0?[1-9]|1[0-2])(?:[-/.][0-3]?[0-9])?|[0-3]?[0-9][-/][0-3]?[0-9][-/](?:{_YEAR}|[0-9]{{2}})"
    rf"|[0-3]?[0-9]\.[01]?[0-9]\.{_YEAR}|[0-3]?[0-9][- ]{{0,2}}{_MONTH}[-., ]{{1,2}}(?:{_YEAR}|[0-9]{{2}})"
    rf"|{_MONTH}\.?[ -](?:[0-3]?[0-9](?:st|nd|rd|th)?,?[ -])?{_YEAR})"
)
_MONTH_ONLY = rf"(?:(?:0?[1-9]|1[0-2])/(?:{_YEAR}|[0-9]{{2}}))"
# A line and its sign of a comment; `C` and `c` are Fortran's. What a name may not have in it is read later.
_BEGIN = (
    r"(?m:^)[ \t]{0,40}(?:(?:[*#/;!%|\-\\\"]{1,4}|[Cc](?:[*]|[ \t])|dnl|[Rr][Ee][Mm])[ \t]{0,40}){0,2}\(?"
    # The number of a version, and what was done.
    r"(?:[vV]?[0-9]{1,3}(?:\.[0-9]{1,3}){1,3}[a-z]?[ \t]{1,20})?"
    r"(?:(?:[Cc]reated|[Mm]odified|[Cc]hanged|[Uu]pdated|[Rr]evised|[Rr]evisions?|[Hh]istory):[ \t]{1,40})?"
)
_FIRST = rf"{_BEGIN}([A-Z][^\n0-9]{{2,60}}?)(?:({_DAY})|{_MONTH_ONLY})(?:[^A-Za-z0-9/\n]|$|\n)"
_BEHIND = rf"{_BEGIN}{_DAY}[ \t]{{0,3}}[-,:;(]?[ \t]{{0,20}}([A-Z][^\n0-9]{{2,60}})"
GATES = {NAME: Condition(rf"{_DAY}|[^0-9\n]{_MONTH_ONLY}")}
_NAME_FIRST, _DATE_FIRST = compile_pattern(_FIRST), compile_pattern(_BEHIND)
_INITIAL = re.compile(r"(?:\A|[ .])[A-Z]\.")
# What a person works for stands behind the name: `/ZOO`, `(ZOO)`.
_OF = re.compile(r"[ \t]?(?:/[ \t]?[A-Z][\w&.\-/ ]{1,20}?|\([A-Z][\w&.\- ]{1,30}\))(?=[ \t,(\-]*$)")
_SIGNS = re.compile(r"[ \t,(\-]*")  # a colon stands behind the name of a field
_COLUMN = re.compile(r"\t|(?<!\.)  ")  # what stands behind two blanks is in the next column
_END = re.compile(r"[ \t]*(?:$|[:,;()<\[*\-–/\r]|[ \t]{2}|\t|\\[nrt])")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text for each form."""
    if NAME not in source.present:
        return
    for found in _NAME_FIRST.finditer(source.raw):
        text, end = _name(found, None)
        if end and _fits(text, end, found.group(2) is not None):
            yield _hit(found, text[:end])
    for found in _DATE_FIRST.finditer(source.raw):
        text, end = _name(found, _COLUMN)
        if end and _END.match(text, end) and not _is_heading(source, found.start(1)):
            yield _hit(found, text[:end])


def _name(found: Found, parts: re.Pattern[str] | None) -> tuple[str, int]:
    """What stands where a name may, and the end of the name that it begins with; 0 if it begins with none."""
    text = bytes(found.group(1)).decode("utf-8", "ignore")
    text = parts.split(text, maxsplit=1)[0] if parts else text
    return text, next((end for start, end in names_at(text, 0) if start == 0), 0)


def _hit(found: Found, name: str) -> Hit:
    return Hit(found.start(1), found.start(1) + len(name.encode()), "NAME", NAME, 0.75)


def _is_heading(source: Source, place: int) -> bool:
    """What stands behind a date in a heading of Markdown is what was done: `## 2026-03-04: Big Gates Added`."""
    is_prose = source.path.lower().endswith((".md", ".mdx", ".markdown"))
    return is_prose and source.before(place, 80).lstrip().startswith(b"#")


def _fits(text: str, end: int, whole_date: bool) -> bool:
    """Nothing but whom the person works for stands between the name and the date.

    >>> _fits("K. Birch/ZOO  ", 8, False), _fits("Part Two ", 8, False), _fits("Ada Roe of the ", 7, True)
    (True, False, False)
    """
    of = _OF.match(text, end)
    rest = _SIGNS.fullmatch(text, of.end() if of else end)
    return rest is not None and (whole_date or of is not None or _INITIAL.search(text, 0, end) is not None)
