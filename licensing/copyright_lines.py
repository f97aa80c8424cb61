"""Copyright lines: what an owner's line says, as it stands there, without the code around it.

In: the lines of a text as they stand and without comment signs (`pages.Page`). Out: the copyright notices that go with
a release. A notice ends where the literal or the comment ends that it stands in; a name in quotes, a semicolon between
two owners and lines that go on below belong to it. 10 µs for each notice.
"""

import re

import re2

from gleanery.licensing.pages import Page

MAX_COPYRIGHTS, COPYRIGHT_CHARACTERS = 50, 400
# The word is followed by a sign, a year, "by" or a name; in data and code it is followed by a quote, a colon or "=".
_NOTICE = re2.compile(
    r"(?:(?i)spdx-filecopyrighttext:|(?:\(c\)|©|&copy;)|portions?[ \t]+copyright|"
    r"[:@]?copyrights?[ \t]*:?[ \t]*(?:\(c\)|©|&copy;|[12][0-9]{3}\b|by[ \t]))|"
    r"(?:[:@]?[Cc](?i)opyrights?)[ \t]+(?-i:[A-Z])"
)
# "Frob Copyright (c) 2020 Ada", "This is part of Frob. Copyright 2020 Ada": in a comment, behind the name of the work.
_BEHIND_NAME = re2.compile(
    r"(?i)^(?:[\w.+'/-]+,?[ \t]+){1,8}?[-.:,;]*[ \t]*(copyright[ \t]*(?:(?:\(c\)|©|&copy;)[ \t]*)?[12][0-9]{3}\b)"
)
# A field that holds a notice: `__copyright__ = "Copyright 2020 Ada"`, `copyright: "Copyright (c) 2020 Ada"`.
_FIELD = re2.compile(
    r"(?i)^[:@]?(?:__)?copyright(?:__)?[ \t]*[:=][ \t]*[\"'`]?"
    r"(copyright[ \t]*(?:(?:\(c\)|©|&copy;)[ \t]*)?[12][0-9]{3}\b)"
)
_ASSIGNED_SECRET = re2.compile(
    r"(?i)(?:pass(?:word|wd|phrase)?|secret|token|credential|(?:api|access|private)[_-]?key|auth)"
    r"[\w-]{0,30}[\"']?[ \t]*[:=]"
)
_CLOSED = re.compile(r"(?:\*/|\*\)|-->|\]\]|[\"']{3})\s*$")
# The ends of comments, and a single quote that closes a literal in a list.
_END = re.compile(r"\*/|\*+\)|-->|\]\]|--\}\}|\*\}|',")
_QUOTES = "\"`'"
_OPENED = re.compile(r"(\"\"\"|'''|[\"'`])\s*$")
# "Robert "Bob" Smith": words between two quotes, with a space before and none behind the first.
_QUOTED = re.compile(r"(?<![^\s(\[,])([\"`])(?=\w)[^\"`]{0,80}(?<=[\w.!?)])\1(?!\w)")
# A line that cannot be the end of a notice: more names follow, or only years were said.
_GOES_ON = re.compile(r"(?i)(?:[,&]|\band|\bby)$|^(?:copyright|\(c\)|©|&copy;|[\s,:–-]|[12][0-9]{3})+$")
_MOST_LINES = 20


def copyright_notices(page: Page, raw: list[str]) -> tuple[str, ...]:
    """The notices of a page, in the order in which they stand there."""
    starts = dict.fromkeys(page.copyrights, 0) | (_within(page) if page.scope == "head" else {})
    said = ((at, starts[at]) for at in sorted(starts)[:MAX_COPYRIGHTS])
    return tuple(notice for at, start in said if (notice := _notice_at(page, raw, at, start)))


def _within(page: Page) -> dict[int, int]:
    """The lines of a head within which a notice begins, and where: behind a name in a comment, or in a field."""
    found: dict[int, int] = {}
    for at, line in enumerate(page.plain):
        if "opyright" not in line:
            continue
        behind = _BEHIND_NAME.match(line) if page.marked[at] and at not in page.copyrights else None
        begun = behind or _FIELD.match(line)
        if begun is not None:
            found[at] = begun.start(1)
    return found


def _notice_at(page: Page, raw: list[str], at: int, start: int) -> str | None:
    line = page.plain[at]
    opened = _OPENED.search(line[:start] if start else raw[at][: max(0, raw[at].find(line[:1]))])
    said, open_ended = notice(line[start:], opened[1] if opened else None)
    for below in range(at + 1, min(at + _MOST_LINES, len(raw))):
        if said is None or not open_ended or _CLOSED.search(raw[below - 1]) or len(said) > COPYRIGHT_CHARACTERS:
            break
        if not page.goes_on(below, at) or not (below in page.continued or _GOES_ON.search(said)):
            break
        more, open_ended = _until_its_end(page.plain[below], None)
        if _ASSIGNED_SECRET.search(more):
            break
        said = f"{said} {more}".rstrip()
    return said[:COPYRIGHT_CHARACTERS].rstrip() if said else None


def notice(line: str, opener: str | None = None) -> tuple[str | None, bool]:
    """The part of a line that is a copyright notice, or None where the word only begins a line of data or code.

    With it, whether the notice reaches the end of the line. `opener`: the quote of a literal that begins right before
    the line. What is kept here is published with a release, so a notice that assigns something to a secret's name is
    left out whole.

    >>> notice('Copyright (c) 2010 "Cowboy" Ben Alman'), notice("copyright = 'ACME'; password = 'x'")
    (('Copyright (c) 2010 "Cowboy" Ben Alman', True), (None, True))
    >>> notice('Copyright 2010 A. Nother", "x"'), notice('Copyright 2010 A. Nother" + x + "y"', '"')
    (('Copyright 2010 A. Nother', False), ('Copyright 2010 A. Nother', False))
    """
    if not _NOTICE.match(line):
        return None, True
    said, whole = _until_its_end(line, opener)
    return (None, True) if _ASSIGNED_SECRET.search(said) else (said, whole)


def _until_its_end(line: str, opener: str | None) -> tuple[str, bool]:
    """A line up to the end of the literal or the comment that it stands in, and whether that is all of it."""
    ends = [end.start()] if (end := _END.search(line)) else []
    names = [] if opener else [match.span() for match in _QUOTED.finditer(line)]
    for at, sign in enumerate(line):
        if sign not in _QUOTES or line[at - 1 : at] == "\\":
            continue
        if opener is not None:  # an apostrophe stands within a word
            closes = line.startswith(opener, at) and not (sign == "'" and line[at + 1 : at + 2].isalnum())
        else:
            closes = sign != "'" and not any(start <= at < stop for start, stop in names)
        if closes:
            ends.append(at)
            break
    end_of_notice = min(ends, default=len(line))
    return line[:end_of_notice].rstrip(), end_of_notice == len(line)
