"""What the head of a source file says beyond what the detector finds in it: pointers, choices, names that nobody knows.

In: the bytes of a file and the findings in its head. Out: findings. 6 µs for a head in which nothing was found.
"""

from collections.abc import Sequence
from dataclasses import replace

import re2

from gleanery.licensing.choices import LONGEST_CHOICE, with_choice
from gleanery.licensing.denials import with_denials, without_code
from gleanery.licensing.expressions import conjuncts
from gleanery.licensing.fields import POINTER
from gleanery.licensing.grants import with_mentions
from gleanery.licensing.known_texts import is_restricted
from gleanery.licensing.limits import limit_of_head, limited
from gleanery.licensing.reading import HEAD_CHARACTERS, HEAD_LINES, decoded
from gleanery.licensing.refusals import may_refuse, refusal_in
from gleanery.licensing.restricted_names import may_be_restricted, restricted_lines
from gleanery.licensing.scan import Finding
from gleanery.licensing.statements import MENTIONED, only_points

# "The license described in the LICENSE file": a pointer.
_POINTS = re2.compile(
    r"(?i)\b(?:licen[sc]e|terms)\b[^.]{0,60}\b(?:in|file|see)\b[^.]{0,40}\b(?:(?-i:LICEN[SC]E|COPYING|COPYRIGHT)\b|"
    r"licen[sc]e\.(?:txt|md)|licen[sc]e file)"
)
# A licence by its name: words with capitals before "License". The detector knows every name that is in use.
UNHEARD = "gleanery-license-not-known"
_MAYBE_UNHEARD = re2.compile(
    rb"\b(?:[Gg]overned|[Ll]icen[sc]ed|[Cc]overed|[Rr]eleased|[Dd]istributed|[Ss]ubject|[Aa]vailable|[Pp]rovided|is|are|"
    rb"accordance) (?:as|by|under|to|with)\b|"
    rb"\b[Ll]icen[sc]e:[ \t]+[A-Zt]"
)
_UNHEARD = re2.compile(
    r"\b(?:[Gg]overned by|[Ll]icen[sc]ed (?:as [^.;]{0,60}?)?under|[Cc]overed by|[Rr]eleased under|"
    r"[Dd]istributed under|[Aa]vailable under|[Pp]rovided under|(?:is|are) under|[Ss]ubject to|"
    r"[Ii]n accordance with)[ \t]+(?:the terms (?:and conditions )?of )?(?:the|an?)[ \t]+"
    r"(?:(?:[A-Z0-9][\w.+&'-]*[ \t]+){1,6}(?:Licen[sc]e|EULA|Agreement)\b|"
    r"(?:[A-Z][\w.+&-]*[ \t]+){1,5}(?:Enterprise|Commercial|Community|Proprietary|Source|Edition)[ \t]+"
    r"(?:\([A-Z]+\)[ \t]+)?licen[sc]e\b|(?:[A-Z][\w.+&-]*[ \t]+){1,5}licen[sc]e agreement\b)|"
    r"\b[Ll]icen[sc]e:[ \t]+(?:[Tt]he[ \t]+)?(?:[A-Z0-9][\w.+&'-]*[ \t]+){1,6}(?:Licen[sc]e|EULA|Agreement)\b"
)
# "The license described in ... See the LICENSE file": a sentence of its own that points.
_SEE = re2.compile(r"(?i)\bsee (?:the )?(?:file )?[\"'`]?(?-i:LICEN[SC]E|COPYING|COPYRIGHT)\b")
# A hint says something only where one of these words stands beside it: "a BSD-style daemon" is no licence.
_OF_LAW = re2.compile(
    r"(?i)licen[sc]|terms|permi[ts]|distribut|cop(?:y|ies)|released|rights|warrant|\bfree|public|commercial|propriet|"
    r"confident|secret|share|restrict"
)
# A sentence with one of these points nowhere: it keeps the file back.
_KEEPS_BACK = re2.compile(r"(?i)\bprohibited|\bforbidden|\bconfidential|\bproprietary")
_LICENSE = re2.compile(r"(?i)licen[sc]|spdx")
# The keyword of a language, which the detector reads as "license: private" behind the name of a class.
_KEYWORD = re2.compile(rb"([*;{}]/?\s{0,200})private\b")
# What one checker of code wants to read in each file of a project that uses it for nothing.
_NOT_FOR_MONEY = re2.compile(rb"(?i)\b(this is an open[- ]source )non-?commercial( project\b)")
# The words "public domain" by themselves: no licence, and no restriction either.
_HARMLESS_HINTS = ("public-domain_bare_words", "public-domain_bare")
_NO_MARKS = str.maketrans("", "", '*_`[]"')


def head_to_scan(content: bytes) -> bytes:
    """The bytes of a source file without words that look like a licence and are none, each line on its own number.

    >>> head_to_scan(b"/** @var License */\\nprivate $license;"), head_to_scan(b"License: private")
    (b'/** @var License */\\n $license;', b'License: private')
    """
    return bytes(_NOT_FOR_MONEY.sub(rb"\1\2", _KEYWORD.sub(rb"\1", content[: 4 * HEAD_CHARACTERS])))


def findings_of_head(content: bytes, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Hints that name no restriction are mentions, "see LICENSE" points to it, and "either A or B" is a choice.

    A head that names a licence which nobody knows states one all the same; so does one that limits the use of its file.
    What it denies ("not licensed under") is a doubt.
    """
    head = content[:HEAD_CHARACTERS]
    names_licence = any(f.outcome == "found" and not only_points(f.expression or "") for f in found)
    said = _said(head, names_licence)
    if any(_knows(f, said) for f in found):
        said = ()
    if all(f.outcome == "none" for f in found):
        return (replace(said[0], copyrights=found[0].copyrights),) if said else _with_unheard(content, found)
    lines = decoded(content).replace("\r\n", "\n").replace("\r", "\n").split("\n")  # as the scanner counts them
    found = with_denials([_of_hint(f, lines) for f in found], lines)
    if any(f.outcome == "found" and len(conjuncts(f.expression or "")) > 1 for f in found):
        found = tuple(with_choice(f, lines) for f in found)
    found = with_mentions(found, lines)
    if not said and all(map(_says_little, found)):
        found = _with_unheard(content, found)
    return (*found, *said)


def _said(head: bytes, names_licence: bool) -> tuple[Finding, ...]:
    """What a head says beyond the detector: a limit, a refusal, or the name of a licence that holds another name."""
    said = limited(limit_of_head(head))
    refuses, names = may_refuse(head), may_be_restricted(head)
    if said or not (refuses or names):
        return said
    lines = without_code(decoded(head).splitlines()[:HEAD_LINES])
    said = refusal_in(lines, names_licence) if refuses else ()
    return said or (restricted_lines([line if _LICENSE.search(line) else "" for line in lines]) if names else ())


def _knows(finding: Finding, said: tuple[Finding, ...]) -> bool:
    """Whether the detector names a restricted licence in the words of a limit or a refusal."""
    if finding.outcome != "found" or not any(map(is_restricted, conjuncts(finding.expression or ""))):
        return False
    return any((finding.start_line or 0) <= (f.start_line or 0) <= (finding.end_line or 0) for f in said)


def _with_unheard(content: bytes, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings, or a doubt for "governed by the Acme Enterprise License": a name that the detector never heard."""
    raw = content[:HEAD_CHARACTERS]
    if not _MAYBE_UNHEARD.search(raw):
        return found
    lines = decoded(raw).splitlines()[:HEAD_LINES]
    plain = [line.strip(" \t*/#;%!<>-|\"'") for line in lines]
    named = _UNHEARD.search(" ".join(plain))
    if named is None:
        return found
    at = next((n for n, line in enumerate(plain, 1) if _MAYBE_UNHEARD.search(line.encode("utf-8", "replace"))), 1)
    return (replace(found[0], outcome="unknown", expression=None, rule=UNHEARD, start_line=at, end_line=at), *found[1:])


def _says_little(finding: Finding) -> bool:
    """Whether a finding names no licence, so that one which nobody knows may stand beside it."""
    if finding.outcome == "mentioned":
        return not (finding.rule or "").startswith(MENTIONED)
    return finding.outcome == "found" and only_points(finding.expression or "")


def unheard(lines: Sequence[str]) -> tuple[Finding, ...]:
    """A doubt for the first lines of prose that name a licence which nobody knows, or nothing.

    >>> unheard(["# Frob", "This project is licensed under the [Acme Enterprise License](terms)."])[0].start_line
    2
    >>> unheard(["This project is licensed under the terms above."])
    ()
    """
    plain = [line[:2000].translate(_NO_MARKS).strip() for line in lines]
    for at, line in enumerate(plain, 1):
        maybe = line and _MAYBE_UNHEARD.search(line.encode("utf-8", "replace"))
        if maybe and _UNHEARD.search(" ".join([line, *plain[at : at + 1]])):
            return (Finding("unknown", rule=UNHEARD, start_line=at, end_line=at),)
    return ()


def _of_hint(finding: Finding, lines: list[str]) -> Finding:
    if finding.outcome != "unknown" or finding.start_line is None or finding.end_line is None:
        return finding
    if (finding.rule or "").startswith(_HARMLESS_HINTS):
        return replace(finding, outcome="mentioned")
    said = " ".join(line.strip(" \t*/#;%!\"'") for line in lines[finding.start_line - 1 : finding.end_line + 1])
    if not _OF_LAW.search(said):
        return replace(finding, outcome="mentioned")
    if _KEEPS_BACK.search(said):
        return finding
    if finding.end_line - finding.start_line < LONGEST_CHOICE and (_POINTS.search(said) or _SEE.search(said)):
        return replace(finding, outcome="found", expression=POINTER)
    return finding
