"""What of a text is worth showing to the licence detector, and in which form.

In: the bytes of a file and a scope. Out: a `Reading`: the normalised lines that may speak of a licence, the line of
the file that each of them came from, the copyright lines, and whether something was cut off. Comment signs, white
space, and the lines that name only owners are taken out, so that the same header under a thousand names is one text.
About 45 µs for the head of a source file and 25 MB/s for a licence file (one core, 9,000 files).
"""

import re
from dataclasses import dataclass

import re2

HEAD_CHARACTERS, HEAD_LINES = 4096, 100
# The Linux kernel's and Chromium's longest single licence texts are under 100 KiB; what is longer is a collection.
WHOLE_CHARACTERS = 512 * 1024
MAX_COPYRIGHTS, COPYRIGHT_CHARACTERS = 50, 200

# A text without any of these words says nothing about a licence that the detector could find. Checked against the
# detector on every file of a Python installation; see the tests.
_GATE = re2.compile(
    r"(?i)licen[sc]|lisen[sc]|copying|copyleft|spdx|warrant|permission|permitted|redistribut|distributed under|"
    r"public[ -]*domain|free software|freeware|shareware|open[ -]source|proprietary|confidential|trade secret|"
    r"unpublished|non-?commercial|all rights|rights reserved|restricted rights|unlawful|do what the f|beerware|"
    r"dedicat|provided .{0,3}as[ -]is|no ai\b|"
    r"\b(?:[al]?gpl|mit|bsd|isc|apache|mozilla|mpl|epl|cddl|eupl|cecill|artistic|wtfpl|zlib|boost|unlicense|ncsa|"
    r"cc-?by|cc-?0|cc0|creative ?commons|0bsd|postgresql|psf|zpl|ofl|osl|afl|upl|busl|sspl|gnu|public license)"
    r"(?:\b|[v0-9])"
)
# Words of licence prose. A paragraph with one of them is kept whole.
_LEGAL = re2.compile(
    r"(?i)licen[sc]|lisen[sc]|copyright|copyleft|copying|spdx|warrant|permi[ts]|distribut|notice|liab|modif|granted|"
    r"freely|misrepresent|altered|rights|terms|public[ -]*domain|free software|freeware|shareware|open[ -]source|"
    r"proprietary|confidential|trade secret|unpublished|commercial|unlawful|beerware|do what the f|dedicat|endors|"
    r"disclaim|damages|merchantab|acknowledg|\bterms\b|\bai\b|"
    r"\b(?:[al]?gpl|mit|bsd|isc|apache|mozilla|mpl|epl|cddl|eupl|cecill|artistic|wtfpl|zlib|boost|unlicense|ncsa|"
    r"cc-?by|cc-?0|cc0|0bsd|postgresql|psf|zpl|ofl|osl|afl|upl|busl|sspl|gnu)(?:\b|[v0-9])"
)
_COPYRIGHT = re2.compile(
    r"(?i)^(?:spdx-filecopyrighttext:|@?copyrights?\b|portions? copyright|(?:\(c\)|©|&copy;)\s*(?:copyright|[0-9]{4}))"
)
# "Copyright holders" and "copyright notice" begin a sentence of a licence, not the name of an owner.
_COPYRIGHT_PROSE = re2.compile(
    r"(?i)^copyrights?(?:ed)?[ ,:]+(?:and|as|by law|holders?|in|interests?|is|laws?|licen[sc]e|line|means|notices?|or|"
    r"owners?|permission|protection|statements?|terms|works?)\b"
)
# A line that begins like an owner's and goes on to speak of a licence stays in the text.
_NOT_ONLY_OWNER = re2.compile(
    r"(?i)licen[sc]|permi[ts]|distribut|public[ -]*domain|terms|warrant|\bsee\b|notice|holder|\b[al]?gpl|\bbsd\b|"
    r"\bmit\b[^@.]*$|apache[- ]?[12]|provided|copying|proprietary|confidential|unpublished|retain|\bai\b|"
    r"[\[<{](?:yyyy|year|date|name|copyright|fullname|owner|author|insert)"  # the blanks of a licence's own text
)
_AUTHOR = re2.compile(r"(?i)^(?:@?authors?\b|@?contributors?\b|maintainers?\b|written by|created by|@since|@version)")
# A reservation against training: the sentence forbids it, or the known short forms "No AI training" and "NoAI".
_MODEL = r"(?:a\.?i\.?|artificial intelligence|(?:ai|ml|language|machine[- ]learning|foundation|generative) models?|llms?|machine[- ]learning)"
_RESERVED = re2.compile(
    r"(?i)\bno[- ]?ai[- ](?:training|scraping|learning|mining|datasets?|use)\b|\bno (?:training|use for training) (?:of )?"
    + _MODEL
    + r"\b|\b(?:not|never)\b[^.;]{0,120}\b(?:train|training|fine-?tun\w+)\b[^.;]{0,80}\b"
    + _MODEL
    + r"\b|\b(?:not|never)\b[^.;]{0,120}\b"
    + _MODEL
    + r"\b[^.;]{0,30}\b(?:training|datasets?)\b|\b(?:prohibit|forbid|forbidden|disallow)\w*\b[^.;]{0,120}\btrain\w*\b[^.;]{0,80}\b"
    + _MODEL
    + r"\b|\btrain\w*\b[^.;]{0,80}\b"
    + _MODEL
    + r"\b[^.;]{0,120}\b(?:prohibited|forbidden|disallowed|not (?:permitted|allowed|authori[sz]ed|granted))\b"
)
_MARKERS = " \t\f\v*/#;%!<>-=|\"'`~{}"
_END_MARKERS = " \t\f\v*/|"
_PREFIX_WORD = re.compile(r"(?:dnl|@?rem|\.\.)\s", re.IGNORECASE)
# In a longer run of lines without comment signs (code, JSON), only what stands around a word of law is read.
_LONG_PARAGRAPH, _AROUND = 12, 3
# Detections further apart than four lines are not merged by the detector: the same distance for what was left out.
_GAP = 5
_FEWEST_WORDS = 40


@dataclass(frozen=True)
class Reading:
    """Normalised lines, the file's line number of each, copyright lines, and whether the text was cut.

    `dense` is true for a text that is mostly licence prose, such as a LICENSE file, and false for a README.
    `reserved` holds the first and last line of a paragraph that forbids training models on the work.
    """

    lines: tuple[str, ...]
    numbers: tuple[int, ...]
    copyrights: tuple[str, ...]
    dense: bool
    cut: bool
    reserved: tuple[int, int] | None

    @property
    def text(self) -> str:
        """What the detector reads, and what a cache of its answers is keyed by."""
        return "\n".join(self.lines)


def read_text(content: bytes, scope: str) -> Reading:
    """Read a whole licence-like text (`whole`) or the head of a source file (`head`)."""
    plain, _, cut = _lines(content, scope)
    copyrights = tuple(line[:COPYRIGHT_CHARACTERS] for line in plain if _is_copyright(line))[:MAX_COPYRIGHTS]
    paragraphs = _paragraphs(plain)
    legal = _legal_paragraphs(plain, paragraphs, scope)
    words = _words(plain, paragraphs)
    dense = scope == "whole" and words >= _FEWEST_WORDS and 2 * _words(plain, legal) >= words
    chosen = [i for p in (paragraphs if dense else legal) for i in (p if dense else _worth_reading(plain, p))]
    lines, numbers = _joined(plain, [i for i in chosen if not _is_owner(plain[i])])
    reserved = next(((p.start + 1, p.stop) for p in paragraphs if _is_reserved(plain, p)), None)
    return Reading(tuple(lines), tuple(numbers), copyrights, dense, cut and scope == "whole", reserved)


def head_of(content: bytes) -> bytes:
    """The lines at the head of a source file that may speak of a licence or an owner, each on its own line number.

    All other lines are empty, and those after the last one are gone. Scanning the result gives the same findings as
    scanning the file.

    >>> head_of(b"#!/bin/sh\\n\\n# Copyright 2020 A. Nother\\n\\n# SPDX-License-Identifier: MIT\\n\\necho hello\\n")
    b'\\n\\n# Copyright 2020 A. Nother\\n\\n# SPDX-License-Identifier: MIT'
    """
    plain, raw, _ = _lines(content, "head")
    wanted = {i for p in _legal_paragraphs(plain, _paragraphs(plain), "head") for i in p}
    kept = [line if i in wanted or _is_copyright(plain[i]) else "" for i, line in enumerate(raw)]
    while kept and not kept[-1]:
        kept.pop()
    return "\n".join(kept).encode("utf-8", "replace")


def is_silent(text: str) -> bool:
    """Whether no word of a text can belong to a licence, so that no detector needs to read it.

    >>> is_silent("def add(a, b):"), is_silent("# MIT licence")
    (True, False)
    """
    return _GATE.search(text) is None


def _lines(content: bytes, scope: str) -> tuple[list[str], list[str], bool]:
    """Plain lines, raw lines, and whether something was cut off."""
    limit = HEAD_CHARACTERS if scope == "head" else WHOLE_CHARACTERS
    text = _decode(content[: 4 * limit]).replace("\r\n", "\n").replace("\r", "\n")
    cut = len(text) > limit or len(content) > 4 * limit
    raw = text[:limit].split("\n")
    if scope == "head":
        raw = raw[:HEAD_LINES]
    return [_plain(line) for line in raw], raw, cut


def _decode(content: bytes) -> str:
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
    line = line.strip(_MARKERS) if line[:1] == "\ufeff" else line.lstrip(_MARKERS).rstrip(_END_MARKERS)
    if _PREFIX_WORD.match(line):
        line = line.split(None, 1)[1].lstrip(_MARKERS) if len(line.split(None, 1)) > 1 else ""
    return " ".join(line.split())


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


def _legal_paragraphs(plain: list[str], paragraphs: list[range], scope: str) -> list[range]:
    """The paragraphs that speak of a licence, those of licence prose beside them, and what stands under a heading."""
    chosen = [any(_GATE.search(plain[i]) for i in p) or _is_reserved(plain, p) for p in paragraphs]
    for order in (range(1, len(paragraphs)), range(len(paragraphs) - 2, -1, -1)):
        step = -1 if order.step > 0 else 1
        for at in order:
            if not chosen[at] and chosen[at + step]:
                above = paragraphs[at + step]
                heading = scope == "whole" and step == -1 and len(above) == 1 and len(plain[above.start]) <= 40
                chosen[at] = heading or any(_LEGAL.search(plain[i]) for i in paragraphs[at])
    return [p for p, legal in zip(paragraphs, chosen, strict=True) if legal]


def _is_reserved(plain: list[str], paragraph: range) -> bool:
    return _RESERVED.search(" ".join(plain[paragraph.start : paragraph.stop])) is not None


def _worth_reading(plain: list[str], paragraph: range) -> list[int]:
    """The lines of a paragraph without the description of the file that stands above the owner's name."""
    owner = next((i for i in paragraph if _is_owner(plain[i])), paragraph.start)
    if len(paragraph) <= _LONG_PARAGRAPH:
        return [i for i in paragraph if i >= owner or _LEGAL.search(plain[i])]
    near = {j for i in paragraph if _LEGAL.search(plain[i]) for j in range(i - _AROUND, i + _AROUND + 1)}
    return [i for i in paragraph if i in near]


def _joined(plain: list[str], chosen: list[int]) -> tuple[list[str], list[int]]:
    """The chosen lines with their numbers from 1; where lines were left out, a gap of empty ones."""
    lines: list[str] = []
    numbers: list[int] = []
    for before, i in zip([None, *chosen], chosen, strict=False):
        if before is not None and any(plain[j] and not _is_owner(plain[j]) for j in range(before + 1, i)):
            lines += [""] * _GAP
            numbers += [before + 1] * _GAP
        elif before is not None and i > before + 1 and any(not plain[j] for j in range(before + 1, i)):
            lines.append("")
            numbers.append(before + 1)
        if plain[i]:
            lines.append(plain[i])
            numbers.append(i + 1)
    return lines, numbers


def _words(plain: list[str], paragraphs: list[range]) -> int:
    return sum(len(plain[i].split()) for p in paragraphs for i in p if not _is_owner(plain[i]))


def _is_copyright(line: str) -> bool:
    return _COPYRIGHT.search(line) is not None and _COPYRIGHT_PROSE.search(line) is None


def _is_owner(line: str) -> bool:
    """Whether a line names owners and nothing else."""
    if len(line) > 300 or not (_is_copyright(line) or _AUTHOR.search(line)):
        return False
    return _NOT_ONLY_OWNER.search(line) is None
