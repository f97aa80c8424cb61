"""The sentences of a text that name a licence, without comment signs and code.

In: the lines of a text, and a finding in them. Out: the pieces of text that may name what was found, each a sentence,
a line that stands for itself, or a column of a banner. English only. 30 µs for a finding.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import re2

from gleanery.licensing.findings import Finding
from gleanery.licensing.lines import without_code, without_links

_SIGNS, _END_SIGNS = " \t*/#;%!>-|\"'`~=+_\\.({,&:[", " \t*/#;%!<>|\"'`~=-"
_PREFIX = re.compile(r"^(?:<!--+|dnl|@?rem|\.\.|--\[+|[(]\*|\{-\|?)\s+", re.IGNORECASE)
# So many lines above and below a finding may belong to its sentence, and so many of it are looked at.
_ABOVE, _MOST_LINES, _LONGEST = 3, 40, 600
# A line that begins like this begins something new, whatever the line above ends with.
_BEGINS = re2.compile(
    r"^(?:@|<|\\|[-*•]\s|(?i:licen[sc]es?)\s*[:=]|[\w-]+:\s|\d+[.)]\s|(?:Dual|Double|Multi|Licen[sc]|LICEN[SC]|"
    r"Copyright|COPYRIGHT|\([cC]\)|©|Released|Distribut|"
    r"Redistribut|Available|Published|Permission|This|These|All|You|Use|See|Author|Written|Version|Under|"
    r"Placed|Public|"
    r"The MIT|The BSD|The Apache|MIT|BSD|Apache|ISC|Unlicense|SPDX|http)[\w:()-]*(?:\s|$)|"
    r"[A-Z][\w-]*(?: [\w-]+)?\s*:)"
)
# "Released under the" and then "BSD License" in the next line: one sentence.
_LEADS = re2.compile(r"(?i)\b(?:the|an?|and|or|of|under|by|with|both|either)$")
_NAME_FIRST = re2.compile(r"^(?:MIT|BSD|Apache|ISC|Unlicense)\b")
_OWNER = re2.compile(
    r"(?i)^(?:[@:\\]?copyrights?\b|\([c]\)|©|spdx-filecopyrighttext|[@\\]?authors?\b|(?:written|created) by)"
)
_ENDS = re2.compile(r"[.!?:;|]$")
_SENTENCE_END = re.compile(
    r"(?<!\bInc)(?<!\bLtd)(?<!\bCorp)(?<!\bCo)(?<!\bSt)(?<!\bDr)(?<!\bv)(?<!\bV)(?<!\bet al)(?<!\bvs)(?<!\be\.g)"
    r"(?<!\bi\.e)(?<!\b[A-Z])[.!?]+[\"')\]*]*\s+(?=[\"'(*\[]*[A-Z@\[(©])|\s*;\s+|\s+\|\s+|\s+(?:[-–—]{2}|"
    r"[–—•])\s+|(?<=\?)\s+"
)
_COMMENTS = ("{-", "{#", "{{", "{*", "<!--", "(*", "<%", "<#", ".\\", "@", "\\", "+", "\ufeff/")
_OPENS_TEXT = re2.compile(r"(?:[=(,\[{:]|\breturn)\s*[rRbBfFuU]{0,2}(\"\"\"|'''|`)")
# A block of Markdown that shows code.
_FENCE = re2.compile(r"^[ \t]*(?:[*/#;!-]+[ \t]*)?```[\w+.#-]*[ \t]*$")
_OPENS_DOCUMENT = re2.compile(r"<<[-~]?\s*[\"']?([A-Za-z_]\w*)[\"']?")
# What a line at the top says to a shell or an editor.
_TO_A_PROGRAM = re.compile(r"^#!|^\W{0,8}(?:-\*-.*-\*-|(?:vim?|ex|kate)\s*:)|^\W{0,8}coding[:=]\s*[-\w.]+\W*$")
# A comment of one line: where it ends, or one of another kind begins, so does what it says.
_LINE_COMMENT = re.compile(r"(?i)\s*(#(?!(?:include|define|if|ifdef|ifndef|pragma|import)\b)|//|--|;|%|dnl\b|rem\b)")
# A sentence in brackets, as in "[Released under X. See ... for details]"; in code they hold a list or an index.
_IN_BRACKETS = re2.compile(r"^[ \t]*\[((?:[A-Za-z][\w.,'-]*[ \t]+){3,30}[\w.,'-]+)\][ \t]*$")
_OWNER_SIGN = re2.compile(r"(?i)copyright\(c\)")
_MARK = re2.compile(r"(?i)</?[a-z][\w:-]{0,40}(?:\s[^<>]{0,200})?/?>")
# A field of code that says what its own file is under.
_OWN_FIELD = re2.compile(
    r"(?i)^\s*(?:__licen[sc]es?__|licen[sc]e)\s*[:=]\s*(?:\{\s*(?:text|file)\s*=\s*)?[^,({]*$|spdx-license-identifier"
)
_CALLED = re2.compile(
    r"(?i)(?:\w\(|=)[^*#]*[\"'`].*spdx[\"' +]*-licen|[\"'`][ \t]*(?:#|//|/\*|--|;|%).*spdx[\"' +]*-licen"
)


@dataclass(frozen=True)
class Saying:
    """A piece of text, and the pieces before it in its lines."""

    words: str
    before: str


def sayings(finding: Finding, lines: Sequence[str], code: bool = True) -> list[Saying]:
    """The pieces of text on the lines of a finding, with the words that lead to them. `code`: some lines may be code.

    >>> lines = ["# Uses Frob, which is under", "# the MIT license. Copyright 2020 Ada.", "# Released under BSD."]
    >>> [one.words for one in sayings(Finding("found", "MIT", 100.0, "x", 2, 2), lines)]
    ['Uses Frob, which is under the MIT license', 'Copyright 2020 Ada']
    >>> lines = ["# It is under the", "# MIT License"]
    >>> [one.words for one in sayings(Finding("found", "MIT", 100.0, "x", 2, 2), lines)]
    ['It is under the MIT License']
    """
    if finding.start_line is None or finding.end_line is None or finding.start_line > len(lines):
        return []
    first = finding.start_line - 1
    last = min(finding.end_line, first + _MOST_LINES, len(lines))
    start = max(0, first - _ABOVE)
    stop = min(len(lines), last + 1)
    plain = [_plain(line) for line in (_own_words(lines, start, stop) if code else lines[start:stop])]
    signs = [_LINE_COMMENT.match(line[:200]) if code else None for line in lines[start:stop]]
    kinds = [None if sign is None else sign[1].lower() for sign in signs]
    ends = [_is_break(a, b) for a, b in itertools.pairwise(plain)]
    ends = [end or kinds[n] != kinds[n + 1] for n, end in enumerate(ends)]
    found: list[Saying] = []
    at = first - start
    begin = at
    while begin > 0 and plain[begin - 1] and not ends[begin - 1]:
        begin -= 1
    block: list[str] = []
    for n in range(begin, len(plain)):
        if not block and n >= last - start:
            break  # below the finding only what its last sentence goes on with
        block.append(plain[n])
        if n + 1 == len(plain) or ends[n]:
            found += _pieces(" ".join(block)) if n >= at else []
            block = []
    return found


def is_given_to_code(line: str) -> bool:
    """Whether a tag on a line stands in a text that code prints, writes or compares.

    >>> [is_given_to_code(f'printf("// {tag}: MIT");') for tag in ("SPDX-License-Identifier", 'SPDX" "-License"')]
    [True, True]
    """
    return _CALLED.search(line[:2000]) is not None


def _is_break(line: str, following: str) -> bool:
    """Whether what one line says ends with it."""
    if not line or not following:
        return True
    if _BEGINS.search(following) and not (_LEADS.search(line) and _NAME_FIRST.search(following)):
        return True
    return _ENDS.search(line) is not None or (_OWNER.search(line) is not None and following[:1].isupper())


def _pieces(text: str) -> list[Saying]:
    pieces = [piece.strip(_SIGNS) for piece in _SENTENCE_END.split(text[:_LONGEST])]
    return [Saying(piece.rstrip(_END_SIGNS + ".,"), " ".join(pieces[:at])) for at, piece in enumerate(pieces) if piece]


def _plain(line: str) -> str:
    """A line without comment signs and marks of HTML; where a comment ends, a bar."""
    line = without_links(line[:2000])
    spoken, ends, _ = line.partition("*/")
    if ends and any(map(str.isalnum, spoken)):
        line = f"{spoken} |"
    line = _PREFIX.sub("", _MARK.sub(_instead, line.strip()))
    return " ".join(line.lstrip(_SIGNS).rstrip(" \t*/#%<>~=_").split())


def _instead(mark: re.Match[str]) -> str:
    return "<" if mark.start() == 0 else " "


def _own_words(lines: Sequence[str], start: int, stop: int) -> list[str]:
    """The lines without code and without texts that code only holds, such as the template of a header."""
    held = _held(lines[:stop])
    shown = []
    for at in range(start, stop):
        line = lines[at]
        if at in held or _CALLED.search(line[:2000]) or _TO_A_PROGRAM.search(line[:200]):
            shown.append("")
        elif _OWN_FIELD.search(line[:2000]) or line.lstrip().startswith(_COMMENTS):
            shown.append(line)
        else:
            spoken = without_links(_IN_BRACKETS.sub(r"\1", _OWNER_SIGN.sub("Copyright", line)))
            shown.append(spoken if without_code([spoken])[0] else "")
    return shown


def _held(lines: Sequence[str]) -> set[int]:
    """The indices of the lines of texts that are given to a name or a call, of documents in a shell, and of blocks of
    Markdown that show code."""
    found: set[int] = set()
    closing = None
    for at, line in enumerate(lines):
        if closing is not None:
            found.add(at)
            if closing in line if not closing[0].isalpha() else line.strip() == closing:
                closing = None
            continue
        if _FENCE.match(line[:200]):
            closing = "```"
            continue
        opened = _OPENS_TEXT.search(line[:2000])
        if opened is not None and line[opened.end() :].count(opened[1]) % 2 == 0:
            closing = opened[1]
        elif opened is None and (document := _OPENS_DOCUMENT.search(line[:2000])) is not None:
            closing = document[1]
    return found
