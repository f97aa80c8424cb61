"""Sentences that name a licence and do not grant it: denials, what was once so, and what holds for something else only.

In: a finding and the lines of the text that it stands in. Out: the finding, as a doubt where its sentence says "not
licensed under", "formerly licensed under" or "applies only to"; and the first line that limits what one may do with the
work in words that the detector does not know, such as "not for commercial use". English only. 10 µs for a finding.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import re2

from gleanery.licensing.findings import Finding

DENIED, LIMITED = "gleanery-denied", "gleanery-limited-use"
LIMITED_USE = "LicenseRef-gleanery-limited-use"
# Of a longer finding only the words that lead to it are a sentence about it; the rest is the text of a licence.
_LONGEST_STATEMENT, _LEAD, _LEADING_LINES = 8, 2, 6
_GRANTED = (
    r"(?:dual[- ]?|multi[- ]?|re)?-?(?:licen[sc]ed|released|available|distributed|published|covered|offered|placed)"
)
_UNDER = r"(?:[ \t]+\w+){0,2}[ \t]+(?:under|by|as|in)\b"
# Within a sentence; the point of "2.0" ends none.
_IN = r"(?:[^.;:!?]|\.[0-9])"
_DENIED = re2.compile(
    r"(?i)(?:\b(?:not|never|cannot|no longer|neither|nor)\b|n't\b)"
    + _IN
    + r"{0,30}?(?:[ \t]"
    + _GRANTED
    + _UNDER
    + r"|[ \t]under (?:the|an?)\b[^.;:]{0,40}\blicen[sc]e|[ \t]dual[- ]?licen[sc])|"
    # "Once placed in the public domain, it may be used" is a text that says what follows.
    r"\b(?:formerly|previously|(?:was|were|been)[ \t]once|once[ \t](?:was|were|had))\b(?:[ \t]\w+){0,2}[ \t]"
    + _GRANTED
    + _UNDER
    + r"|\b(?:until|prior to|before|up to|older|earlier|past|versions?)\b"
    + _IN
    + r"{0,60}"
    r"\b(?:was|were|had been|used to be)\b" + _IN + r"{0,20}[ \t]" + _GRANTED + _UNDER
)
_ONLY = re2.compile(
    r"(?i)\blicen[sc]e\b[^.;!?]{0,60}\b(?:(?:applies|apply|applicable|valid|holds?)[ \t]+(?:only|solely|exclusively)|"
    r"(?:only|solely|exclusively)[ \t]+(?:applies|apply|applicable|covers?|valid))\b"
)
_SOME = r"(?:personal|private|educational|academic|evaluation|research|non-?commercial|home|student|scientific)"
_LIMITS = re2.compile(
    r"(?i)\bnot[ \t]+(?:intended[ \t]+)?for[ \t]+(?:any[ \t]+)?commercial[ \t]+(?:use|usage|purposes?)\b|"
    r"\bcommercial[ \t]+(?:use|usage)\b[^.;]{0,60}\b(?:prohibited|forbidden|not[ \t]+(?:allowed|permitted)|requires?|"
    r"without[ \t]+(?:prior|written|the|explicit|express))\b|"
    r"\bno[ \t]+commercial[ \t]+(?:use|usage)\b|"
    rf"\bfree[ \t]+for[ \t]+{_SOME}\b|\bfor[ \t]+{_SOME}(?:(?:,|/|[ \t]+(?:and|or))*[ \t]*{_SOME})*[ \t]+"
    r"(?:use|usage|purposes?)[ \t]+only\b|"
    rf"\b(?:only|solely|exclusively)[ \t]+for[ \t]+{_SOME}(?:(?:,|/|[ \t]+(?:and|or))*[ \t]*{_SOME})*[ \t]+"
    r"(?:use|usage|purposes?)\b|"
    r"\bcommercial[ \t]+licen[sc]e[ \t]+(?:is|are)[ \t]+(?:required|needed|necessary)\b|"
    r"\bmust[ \t]+(?:buy|purchase|pay[ \t]+for)[ \t]+(?:(?:an?|the|your)[ \t]+)?(?:\w+[ \t]+)?licen[sc]e|"
    r"\bneeds?[ \t]+(?:to[ \t]+(?:buy|purchase)[ \t]+)?a[ \t]+(?:paid|commercial)[ \t]+licen[sc]e|"
    r"\bpaid[ \t]+for[ \t]+(?:everyone|everybody|anyone|all[ \t]+others?|any[ \t]+other|others|commercial)\b|"
    r"\bno[ \t]+(?:re-?sale|reselling)\b|\bethical[ \t]+(?:\w+[ \t]+)?clause\b|"
    r"\bcontains?[ \t]+(?:[\w,]+[ \t]+){0,4}trade[ \t]+secrets?\b|"
    r"\bdo[ \t]+not[ \t]+(?:copy|share|distribute|redistribute)[ \t]+(?:or|and)[ \t]+"
    r"(?:copy|share|re-?distribute|distribute|modify|sell|use)\b|"
    r"\bdo[ \t]+not[ \t]+(?:re-?)?distribute[ \t]*(?:[.!]|$|this|without|outside)"
)
_MAYBE_LIMITS = re2.compile(
    rb"(?i)commercial|must[ \t]+(?:buy|purch|pay)|\bpaid[ \t]+(?:for|lic)|no[ \t]+re-?s|\bethical|free[ \t]+for|only|"
    rb"trade[ \t]+secret|do[ \t]+not[ \t]+(?:copy|share|re-?dist|dist)"
)
_CODE, _COMMENTS = re.compile(r"[={}\[\]]|\w\("), frozenset("*/#;%!-'\"")
_SIGNS = " \t*/#;%!<>-|\"'`_~"
_JOIN = re.compile(r"\s+")


def denied(finding: Finding, lines: Sequence[str]) -> bool:
    """Whether the sentence of a finding takes back, limits or puts into the past what it names.

    >>> lines = ["This file is not licensed under", "the MIT license."]
    >>> denied(Finding("found", "MIT", 100.0, "x", 1, 2), lines)
    True
    >>> denied(Finding("found", "MIT", 100.0, "x", 1, 1), ["It is licensed under the MIT license."])
    False
    >>> denied(Finding("found", "CC-PDDC", 100.0, "x", 1, 1), ["Once placed in the public domain, it may be used."])
    False
    """
    if finding.outcome != "found" or finding.start_line is None or finding.end_line is None:
        return False
    first, last = finding.start_line - 1, min(finding.end_line, len(lines))
    if last - first > _LONGEST_STATEMENT:
        last = first + _LEAD
    start = _lead(lines, first)
    said = _JOIN.sub(" ", " ".join(line.strip(_SIGNS) for line in lines[start : last + 1]))[:2000]
    return _DENIED.search(said) is not None or _ONLY.search(said) is not None


def with_denials(findings: Sequence[Finding], lines: Sequence[str]) -> tuple[Finding, ...]:
    """The findings, those that are denied as doubts."""
    return tuple(
        replace(f, outcome="unknown", expression=None, rule=DENIED) if denied(f, lines) else f for f in findings
    )


def limit_in(lines: Sequence[str]) -> int | None:
    """The number, from 1, of the first line that limits what one may do with the work; None if none does.

    >>> limit_in(["// A sieve.", "// Not for commercial use."]), limit_in(["x = only(for_home)"])
    (2, None)
    """
    return next((number for number, line in enumerate(lines, 1) if _LIMITS.search(line[:2000])), None)


def limit_of_head(head: bytes) -> int | None:
    """The same for the head of a source file, whose code says nothing. 2 µs where no word of a limit stands in it."""
    if not _MAYBE_LIMITS.search(head):
        return None
    return limit_in(without_code(head.decode("utf-8", "replace").splitlines()))


def without_code(lines: Sequence[str]) -> list[str]:
    """The lines of a head, those of code empty."""
    return ["" if _CODE.search(line) and line.lstrip()[:1] not in _COMMENTS else line for line in lines]


def limited(at: int | None) -> tuple[Finding, ...]:
    """What a limit on a line states, or nothing."""
    return () if at is None else (Finding("found", LIMITED_USE, 100.0, LIMITED, at, at),)


def _lead(lines: Sequence[str], first: int) -> int:
    """Where the sentence that leads to a line begins: in its paragraph, or above, at a colon."""
    for at in range(first - 1, max(-1, first - 1 - _LEADING_LINES), -1):
        if lines[at].rstrip(_SIGNS).endswith(":"):
            return max(0, at - _LEAD + 1)
    start = first
    while start > 0 and first - start < _LEAD and lines[start - 1].strip(_SIGNS):
        start -= 1
    return start
