"""What of a text is worth showing to the licence detector, and in which form.

In: the bytes of a file and a scope. Out: a `Reading`: the normalised lines that may speak of a licence, the line of
the file that each of them came from, the copyright lines, and whether something was cut off. Comment signs, white
space, and the lines that name only owners are taken out, so that the same header under a thousand names is one text.
0.12 ms for the head of a source file, on one core (mean of 14,853 files).
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import re2

from gleanery.licensing.markup import without_markup
from gleanery.licensing.words import without_addresses

HEAD_CHARACTERS, HEAD_LINES = 4096, 100
# The longest single licence texts are under 100 KiB; what is longer is a collection of many.
WHOLE_CHARACTERS = 256 * 1024
MAX_COPYRIGHTS, COPYRIGHT_CHARACTERS = 50, 200
# The longest known licence text has 45 KB.
_BODY_BYTES = 64 * 1024

_IDS = (
    r"\b(?:[al]?gpl|mit|bsd|isc|apache|mozilla|mpl|epl|cddl|eupl|cecill|artistic|wtfpl|zlib|boost|unlicense|ncsa|"
    r"cc-?by|cc-?0|0bsd|postgresql|psf|zpl|ofl|osl|afl|upl|busl|sspl|gnu)(?:\b|[v0-9])"
)
# A text without any of these words says nothing about a licence that the detector could find. Checked against the
# detector on every source file of a Python installation.
_GATE = re2.compile(
    (
        r"(?im)licen[sc]|lisen[sc]|copying|copyleft|spdx|warrant|permission|permitted|redistribut|distributed under|"
        r"public\W?domain|\bpublic$|disclaims|see copyright|distribution and use|free software|freeware|"
        r"shareware|open\Wsource|"
        r"proprietary|confidential|trade secret|unpublished|non-?commercial|all rights|rights reserved|"
        r"restricted rights|unlawful|do what the f|beerware|dedicat|provided .{0,3}as\Wis|creative.?commons|"
        r"public license|" + _IDS
    )
    .replace(" ", r"[ \t]+")
    .encode()
)
# Words of licence prose. A paragraph with one of them, beside one that passes the gate, belongs to it.
_LEGAL = re2.compile(
    (
        r"(?i)licen[sc]|lisen[sc]|copyright|copyleft|copying|spdx|warrant|permi[ts]|distribut|notice|liab|modif|"
        r"granted|freely|misrepresent|altered|rights|terms|public\W?domain|freeware|shareware|open\Wsource|"
        r"free software|proprietary|confidential|secret|unpublished|commercial|unlawful|beerware|dedicat|endors|"
        r"disclaim|damages|merchantab|acknowledg|\bai\b|" + _IDS
    )
    .replace(" ", r"[ \t]+")
    .encode()
)
# A licence text has several of these words; a README or a manifest that only names its licence has not.
_PROSE = re2.compile(
    rb"(?i)warrant|merchantab|liab|damages|redistribut|granted|permission|conditions|hereby|derivative|disclaim|as\Wis|"
    rb"permitted|verbatim|certif"
)
_GRANT = re2.compile(rb"(?i)redistribut|granted|permission|conditions|hereby|derivative|permitted|verbatim")
_PROSE_WORDS, _GRANT_WORDS, _FEWEST_WORDS = 4, 2, 40
_COPYRIGHT = re2.compile(
    (
        r"(?im)^(?:spdx-filecopyrighttext:|[:@]?copyrights?\b|portions?[ \t]+copyright|"
        r"(?:\(c\)|©|&copy;)[ \t]*(?:copyright|[0-9]{4}))"
    ).encode()
)
# The word is followed by a sign, a year, "by" or a name; in data and code it is followed by a quote, a colon or "=".
_NOTICE = re2.compile(
    r"(?:(?i)spdx-filecopyrighttext:|(?:\(c\)|©|&copy;)|portions?[ \t]+copyright|"
    r"[:@]?copyrights?[ \t]*:?[ \t]*(?:\(c\)|©|&copy;|[12][0-9]{3}\b|by[ \t]))|"
    r"(?:[:@]?[Cc](?i)opyrights?)[ \t]+(?-i:[A-Z])"
)
_NOTICE_END = re2.compile(r"[;\"`]|',")
_ASSIGNED_SECRET = re2.compile(
    r"(?i)(?:pass(?:word|wd|phrase)?|secret|token|credential|(?:api|access|private)[_-]?key|auth)"
    r"[\w-]{0,30}[\"']?[ \t]*[:=]"
)
_MAYBE_COPYRIGHT = re2.compile("(?i)copyright|©|\\(c\\)|&copy;".encode())
# "Copyright holders" and "copyright notice" begin a sentence of a licence, not the name of an owner.
_COPYRIGHT_PROSE = re2.compile(
    r"(?i)^[:@]?copyrights?(?:ed)?[ ,:]+(?:and|as|by law|holders?|in|interests?|is|laws?|licen[sc]e|line|means|"
    r"notices?|or|owners?|permission|protection|statements?|terms|works?)\b"
)
# A line that begins like an owner's and goes on to speak of a licence stays in the text.
_NOT_ONLY_OWNER = re2.compile(
    r"(?i)licen[sc]|permi[ts]|distribut|public[ -]*domain|terms|warrant|\bsee\b|notice|holder|\b[al]?gpl|\bbsd\b|"
    r"\bmit\b[^@.]*$|apache[- ]?[12]|provided|copying|proprietary|confidential|unpublished|retain|"
    r"\bai[ -](?:train|scrap|learn|min|model|data|use|usage|system)|"
    r"commercial|prohibit|forbid|\bonly\b|\bnot\b|\bno\b|\buse\b|"
    r"[\[<{](?:yyyy|year|date|name|copyright|fullname|owner|author|insert)"  # the blanks of a licence's own text
)
_AUTHOR = re2.compile(
    rb"(?im)^(?:@author\b|@since\b|@version\b|written by\b|created by\b|(?:authors?|contributors?|maintainers?)[ \t]*:)"
)
# A reservation against training: a sentence that forbids it, or the short forms "No AI training" and "NoAI".
_MODEL = (
    r"\b(?:a\.?i\.?|artificial intelligence|llms?|machine[- ]learning|"
    r"(?:ai|ml|language|machine[- ]learning|foundation|generative) models?)\b"
)
_TRAIN = r"\b(?:train|trained|training|fine-?tun(?:e|ed|ing))\b"
_FORBID = r"\b(?:prohibited|forbidden|disallowed|not (?:permitted|allowed|authori[sz]ed|granted))\b"
# A tag, also as a link of Markdown; what follows it on more lines; and how many lines these are at most.
_TAG = re2.compile(r"(?i)\[?spdx-license-identifier(?:\]\([^()\s]{0,200}\))?:")
_OPERATOR_FIRST, _OPERATOR_LAST = re2.compile(r"(?:OR|AND|WITH)\b"), re2.compile(r"\b(?:OR|AND|WITH)$")
_LINK = re2.compile(r"\[([^\[\]]{1,100})\]\([^()\s]{0,200}\)")
_LONGEST_TAG, _MOST_TAG_LINES = 1000, 20
_RESERVED = re2.compile(
    r"(?i)\bno[- ]?ai[- ](?:training|scraping|learning|mining|datasets?|use)\b|\bno training of "
    + _MODEL
    + r"|\b(?:not|never|prohibits?|forbids?)\b[^.;]{0,160}"
    + _TRAIN
    + r"[^.;]{0,80}"
    + _MODEL
    + r"|\b(?:not|never|prohibits?|forbids?)\b[^.;]{0,160}"
    + _MODEL
    + r"[^.;]{0,30}\b(?:training|datasets?)\b|"
    + _TRAIN
    + r"[^.;]{0,80}"
    + _MODEL
    + r"[^.;]{0,160}"
    + _FORBID
)
_MAYBE_RESERVED = re2.compile(rb"(?i)\bno[- ]?ai\b|\btrain|fine-?tun")
_MARKERS = " \t\f\v*/#;%!<>-=|\"'`~{}"
_END_MARKERS = " \t\f\v*/|"
_PREFIX_WORD = re.compile(r"(?:dnl|@?rem|\.\.)\s+", re.IGNORECASE)
# In a longer run of lines without comment signs (code, JSON), only what stands around a word of law is read.
_LONG_PARAGRAPH, _AROUND = 12, 3
_HEADING_CHARACTERS = 40
# Detections further apart than four lines are not merged by the detector: the same distance for what was left out.
_GAP = 5
# A name that goes on in the next line is set in by so much.
_SET_IN = 4


@dataclass(frozen=True)
class Reading:
    """Normalised lines, the file's line number of each, copyright lines, and whether the text was cut.

    `dense` is true for a text that is mostly licence prose, such as a LICENSE file, and false for a README.
    `prose` is true where the lines have as many different words of law as a licence has, whatever else the text holds.
    `full_lines` are the fuller form: of a head, from the first line of interest to the last, with owners and whatever
    stands between, as some licences name their owner; of a dense text, every line as it stands; of any other, nothing.
    `reserved` holds the first and last line of a paragraph that forbids training models on the work.
    `body`: all lines of a licence-like file that is not dense and not too long; it may be a short licence, or one in
    another language.
    """

    lines: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    full_lines: tuple[str, ...] = ()
    full_numbers: tuple[int, ...] = ()
    copyrights: tuple[str, ...] = ()
    dense: bool = False
    cut: bool = False
    reserved: tuple[int, int] | None = None
    prose: bool = False
    body: tuple[str, ...] = ()


def read_text(content: bytes, scope: str) -> Reading:
    """Read a whole licence-like text (`whole`) or the head of a source file (`head`)."""
    raw, cut = _raw_lines(content, scope)
    joined = "\n".join(raw).encode("utf-8", "replace")
    cut = cut and scope == "whole"
    body = tuple(raw) if scope == "whole" and len(joined) <= _BODY_BYTES else ()
    if not (_GATE.search(joined) or _MAYBE_COPYRIGHT.search(joined) or _MAYBE_RESERVED.search(joined)):
        return Reading(cut=cut, body=body)
    page = _Page(raw, scope)
    legal = page.legal_paragraphs()
    dense = scope == "whole" and page.is_dense(legal)
    lines, numbers = page.joined([i for p in legal for i in page.worth_reading(p) if i not in page.owners])
    if dense:  # every word as it stands: the detector compares licence texts from their first word to their last
        full_lines, full_numbers = tuple(raw), tuple(range(1, len(raw) + 1))
    else:
        full_lines, full_numbers = page.joined([i for i in page.span(legal) if page.plain[i] and scope == "head"])
    notices = (_notice(page.plain[i]) for i in sorted(page.copyrights)[:MAX_COPYRIGHTS])
    copyrights = [notice for notice in notices if notice]
    reserved = next(((p.start + 1, p.stop) for p in page.paragraphs if page.is_reserved(p)), None)
    prose = scope == "head" and _is_prose("\n".join(lines))
    body = () if dense else body
    return Reading(lines, numbers, full_lines, full_numbers, tuple(copyrights), dense, cut, reserved, prose, body)


def _is_prose(text: str) -> bool:
    """Whether a text has the words of a licence: of a grant too, since a bare disclaimer of warranty grants nothing."""
    data = text.encode("utf-8", "replace")
    words = {match.group().lower() for match in _PROSE.finditer(data)}
    grants = {match.group().lower() for match in _GRANT.finditer(data)}
    return len(words) >= _PROSE_WORDS and len(grants) >= _GRANT_WORDS and len(text.split()) >= _FEWEST_WORDS


def _notice(line: str) -> str | None:
    """The part of a line that is a copyright notice, or None where the word only begins a line of data or code.

    What is kept here is published with a release as it stands, so nothing that a quote or a semicolon sets apart
    belongs to it, and a line that assigns something to a secret's name is left out whole.

    >>> _notice("Copyright (c) 2020 A. Nother"), _notice("copyright = 'ACME'; password = 'x'")
    ('Copyright (c) 2020 A. Nother', None)
    """
    if not _NOTICE.match(line) or _ASSIGNED_SECRET.search(line):
        return None
    return str(_NOTICE_END.split(line, 1)[0])[:COPYRIGHT_CHARACTERS].rstrip()


def head_of(content: bytes) -> bytes:
    """The head of a source file as far as it may speak of a licence or an owner, each line on its own number.

    All lines before are empty, and those after are gone. Scanning the result gives the same findings as scanning the
    file.

    >>> head_of(b"#!/bin/sh\\n\\n# Copyright 2020 A. Nother\\n\\n# SPDX-License-Identifier: MIT\\n\\necho hello\\n")
    b'\\n\\n# Copyright 2020 A. Nother\\n\\n# SPDX-License-Identifier: MIT'
    """
    raw, _ = _raw_lines(content, "head")
    page = _Page(raw, "head")
    span = page.span(page.legal_paragraphs())
    return "\n".join([""] * span.start + raw[span.start : span.stop]).rstrip("\n").encode("utf-8", "replace")


def owner_lines(lines: list[str]) -> frozenset[int]:
    """The numbers, from 1, of the lines of a licence text that only name owners.

    >>> owner_lines(["Copyright 2020 A. Nother", "Copyright 2021 B. Nother, no commercial use", "Use it."])
    frozenset({1})
    """
    return frozenset(i + 1 for i in _Page(lines, "whole").owners)


def is_silent(text: str) -> bool:
    """Whether no word of a text can belong to a licence, so that no detector needs to read it.

    >>> is_silent("def add(a, b):"), is_silent("# MIT licence")
    (True, False)
    """
    return _GATE.search(text.encode("utf-8", "replace")) is None


class _Page:
    """The lines of a text without comment signs, and what each of them speaks of."""

    def __init__(self, raw: list[str], scope: str) -> None:
        self.scope = scope
        self.plain = [_plain(line) for line in raw]
        self.marked = [bool(line) and not line.lstrip()[:1].isalnum() for line in raw]
        self.data = "\n".join(self.plain).encode("utf-8", "replace")
        self.starts = [0]
        for line in self.data.split(b"\n")[:-1]:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.paragraphs = _paragraphs(self.plain)
        self.gated, self.legal = self._hits(_GATE), self._hits(_LEGAL)
        self.copyrights = {i for i in self._hits(_COPYRIGHT) if not _COPYRIGHT_PROSE.search(self.plain[i])}
        owners = self.copyrights | self._hits(_AUTHOR)
        self.owners = {i for i in owners if self._only_names(i)}
        for at in sorted(self.owners):  # a name that goes on in the next lines, which are set in
            more = (n for n in range(at + 1, len(raw)) if n in owners or not _goes_deeper(raw[n], raw[at]))
            below = range(at + 1, next(more, len(raw)))
            self.owners |= set(takewhile(self._only_names, below))
        self.may_reserve = _MAYBE_RESERVED.search(self.data) is not None

    def _only_names(self, at: int) -> bool:
        line = self.plain[at]
        return len(line) <= 300 and not _NOT_ONLY_OWNER.search(without_addresses(line))

    def legal_paragraphs(self) -> list[range]:
        """The paragraphs that speak of a licence, those of licence prose beside them, and those under a heading."""
        chosen = [not self.gated.isdisjoint(p) or self.is_reserved(p) for p in self.paragraphs]
        for at in range(1, len(chosen)):
            if chosen[at - 1] and not chosen[at]:
                chosen[at] = self._is_heading(self.paragraphs[at - 1]) or not self.legal.isdisjoint(self.paragraphs[at])
        for at in range(len(chosen) - 2, -1, -1):
            if chosen[at + 1] and not chosen[at]:
                chosen[at] = not self.legal.isdisjoint(self.paragraphs[at])
        return [p for p, legal in zip(self.paragraphs, chosen, strict=True) if legal]

    def span(self, legal: list[range]) -> range:
        """From the first line of a licence or an owner to the last, in whole paragraphs."""
        starts = {p.start for p in legal}
        wanted = [p for p in self.paragraphs if p.start in starts or not self.copyrights.isdisjoint(p)]
        return range(wanted[0].start, wanted[-1].stop) if wanted else range(0)

    def is_dense(self, legal: list[range]) -> bool:
        """Whether most words stand in legal paragraphs, and these are the prose of a licence."""
        words = self._words(self.paragraphs)
        if words < _FEWEST_WORDS or 2 * self._words(legal) < words:
            return False
        return len({match.group().lower() for match in _PROSE.finditer(self.data)}) >= _PROSE_WORDS

    def worth_reading(self, paragraph: range) -> list[int]:
        """The lines of a paragraph without the description of the file that stands above the owner's name."""
        owner = next((i for i in paragraph if i in self.owners), paragraph.start)
        marked = 2 * sum(self.marked[i] for i in paragraph) >= len(paragraph)
        if marked or len(paragraph) <= _LONG_PARAGRAPH:
            return [i for i in paragraph if i >= owner or i in self.legal]
        near = {j for i in paragraph if i in self.legal for j in range(i - _AROUND, i + _AROUND + 1)}
        return [i for i in paragraph if i in near]

    def is_reserved(self, paragraph: range) -> bool:
        """Whether a paragraph forbids training."""
        if not self.may_reserve:
            return False
        return _RESERVED.search(" ".join(self.plain[paragraph.start : paragraph.stop])) is not None

    def joined(self, chosen: list[int]) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """The chosen lines with their numbers from 1; where lines were left out, a gap of empty ones."""
        lines: list[str] = []
        numbers: list[int] = []
        for before, i in zip([None, *chosen], chosen, strict=False):
            between = range(0 if before is None else before + 1, i)
            left_out = any(self.plain[j] and j not in self.owners for j in between)
            gap = 0 if before is None else _GAP if left_out else int(any(not self.plain[j] for j in between))
            lines += [""] * gap + [self.plain[i]]
            numbers += [(before or 0) + 1] * gap + [i + 1]
        return tuple(lines), tuple(numbers)

    def _hits(self, pattern: Any) -> set[int]:
        """The lines in which a pattern occurs."""
        return {bisect_right(self.starts, match.start()) - 1 for match in pattern.finditer(self.data)}

    def _is_heading(self, paragraph: range) -> bool:
        short = len(paragraph) == 1 and len(self.plain[paragraph.start]) <= _HEADING_CHARACTERS
        return short and self.scope == "whole"

    def _words(self, paragraphs: list[range]) -> int:
        return sum(self.plain[i].count(" ") + 1 for p in paragraphs for i in p if i not in self.owners)


def _goes_deeper(line: str, above: str) -> bool:
    """Whether a line is set in further than the one above it, comment signs left out."""
    return bool(line.strip()) and _depth(line) >= _depth(above) + _SET_IN


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(_MARKERS))


def _raw_lines(content: bytes, scope: str) -> tuple[list[str], bool]:
    """The lines that are read, and whether something was cut off."""
    limit = HEAD_CHARACTERS if scope == "head" else WHOLE_CHARACTERS
    text = decoded(content[: 4 * limit]).replace("\r\n", "\n").replace("\r", "\n")
    lines = (text[:limit] if scope == "head" else without_markup(text[:limit])).split("\n")
    lines = with_whole_tags(lines[:HEAD_LINES] if scope == "head" else lines)
    return lines, len(text) > limit or len(content) > 4 * limit


def with_whole_tags(lines: list[str]) -> list[str]:
    """Lines in which an SPDX tag stands on one line, without links, where its expression goes over several.

    >>> with_whole_tags(["# SPDX-License-Identifier: (MIT OR", "#   Apache-2.0)", "x = 1"])
    ['# SPDX-License-Identifier: (MIT OR Apache-2.0)', '', 'x = 1']
    """
    found = list(lines)
    for at, line in enumerate(lines):
        tag = _TAG.search(line[:_LONGEST_TAG])
        if tag is None:
            continue
        said, next_one = _without_links(line[tag.end() :]), at + 1
        while next_one < min(len(lines), at + _MOST_TAG_LINES) and _goes_on(said, _plain(lines[next_one])):
            said = f"{said} {_without_links(_plain(lines[next_one]))}".strip()
            found[next_one] = ""
            next_one += 1
        if next_one > at + 1:
            found[at] = f"{line[: tag.start()]}SPDX-License-Identifier: {said}"
    return found


def _goes_on(said: str, following: str) -> bool:
    """Whether an expression is not at its end yet."""
    if not following or _TAG.search(following):
        return False
    ends = not said or said.count("(") > said.count(")") or _OPERATOR_LAST.search(said) is not None
    return ends or _OPERATOR_FIRST.match(following) is not None


def _without_links(words: str) -> str:
    return str(_LINK.sub(r"\1", words)).strip()


def decoded(content: bytes) -> str:
    """UTF-16 and UTF-32 where a byte order mark or the pattern of zero bytes says so, else UTF-8. Never fails."""
    if content.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return content.decode("utf-32", "replace")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    sample = content[:512]
    if len(sample) >= 8 and b"\x00" in sample:
        half = len(sample) // 2
        if sample[1::2].count(0) > 0.7 * half:
            return content.decode("utf-16-le", "replace")
        if sample[0::2].count(0) > 0.7 * half:
            return content.decode("utf-16-be", "replace")
    return content.decode("utf-8-sig", "replace")


def _plain(line: str) -> str:
    """A line without comment signs and with single spaces."""
    line = line.lstrip(_MARKERS).rstrip(_END_MARKERS)
    word = _PREFIX_WORD.match(line)
    return " ".join((line[word.end() :].lstrip(_MARKERS) if word else line).split())


def _paragraphs(plain: list[str]) -> list[range]:
    """Runs of lines that say something."""
    found, start = [], None
    for i, line in enumerate([*plain, ""]):
        if line and start is None:
            start = i
        elif not line and start is not None:
            found.append(range(start, i))
            start = None
    return found
