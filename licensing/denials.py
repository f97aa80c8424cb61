"""Sentences that name a licence and do not grant it: denials, what was once so, and what holds for something else only.

In: a finding and the lines of the text that it stands in. Out: the finding, as a doubt where its sentence says "not
licensed under", "formerly licensed under" or "applies only to". English only. 10 µs for a finding.
"""

from collections.abc import Sequence
from dataclasses import replace

import re2

from gleanery.licensing.findings import DENIED, Finding
from gleanery.licensing.lines import SIGNS, spoken

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
    said = spoken(" ".join(map(spoken, lines[start : last + 1])))[:2000]
    return _DENIED.search(said) is not None or _ONLY.search(said) is not None


def with_denials(findings: Sequence[Finding], lines: Sequence[str]) -> tuple[Finding, ...]:
    """The findings, those that are denied as doubts."""
    return tuple(
        replace(f, outcome="unknown", expression=None, rule=DENIED) if denied(f, lines) else f for f in findings
    )


def _lead(lines: Sequence[str], first: int) -> int:
    """Where the sentence that leads to a line begins: in its paragraph, or above, at a colon."""
    for at in range(first - 1, max(-1, first - 1 - _LEADING_LINES), -1):
        if lines[at].rstrip(SIGNS).endswith(":"):
            return max(0, at - _LEAD + 1)
    start = first
    while start > 0 and first - start < _LEAD and lines[start - 1].strip(SIGNS):
        start -= 1
    return start
