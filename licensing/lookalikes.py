"""Words that look like a licence of the work to the detector and are none.

In: the text of a head, of a licence file or a README, or the findings in a head. Out: the same without them, each line
on its own number. 10 µs for a head that has none.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import re2

from gleanery.licensing.expressions import PROPRIETARY, all_of, conjuncts
from gleanery.licensing.findings import Finding
from gleanery.licensing.lines import spoken

# In heads: files of other packages that a build leaves out of its own (`excludes += "/META-INF/{AL2.0,LGPL2.1}"`), the
# keyword of a language, which the detector reads as "license: private" behind the name of a class, and what one checker
# of code wants to read in each file of a project that uses it for nothing. Each is looked for where its word stands.
_IN_HEADS = (
    ("META-INF/", re2.compile(r"""(["'])/?(?:\*\*/)?META-INF/[^"'\n]{0,200}["']"""), ""),
    ("private", re2.compile(r"([*;{}]/?\s{0,200})private\b"), r"\1"),
    ("ommercial", re2.compile(r"(?i)\b(this is an open[- ]source )non-?commercial( project\b)"), r"\1\2"),
)
# "Compatible with the GPL" and "unlike the GPL" say that it is another licence.
_GPL = r"(?:the\s+)?(?:<[^>]{0,200}>\s*)?(?:gnu\s+)?(?:l?gpl\w*|(?:lesser\s+)?general\s+public\s+licen[sc]e)"
_COMPATIBLE = re2.compile(
    rf"(?i)\b(?:(?:in)?compatible\"?\s+with|unlike)\s+{_GPL}|\b(?:l?gpl|gnu)[- ]compatible|"
    rf"\b(?:doesn't|does\s+not)\s+mean\s+(?:that\s+)?[^.]{{0,60}}\bunder\s+{_GPL}|"
    rf"\bother\s+software\s+(?:that|which)\s+is\s+(?:released|licen[sc]ed|distributed|covered)\s+(?:under|"
    rf"by)\s+{_GPL}"
)
# "The Frob library (not included) is licensed under the LGPL", "has a binary dependency on Frob, which is under the
# LGPL": what says that it does not lie here, and what ends its sentence.
_NOT_INCLUDED = re2.compile(
    r"(?i)\((?:also |it is |which is |is |are )?not (?:included|bundled|distributed with|shipped|"
    r"part of)\b[^)]{0,80}\)|\bhas an? binary (?:[a-z]+ )?dependency on\b"
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\n\s*\n")
_MOST_NOT_INCLUDED, _LONGEST_SENTENCE = 16, 300
# "For any purpose, commercial or non-commercial": both are allowed. The detector reads only the end of it.
_ANY_USE = re2.compile(r"(?i)\bcommercial,?\s+(?:and|or|and/or|as well as)\s+(?:for\s+)?non-?\s?commercial\b")
_DENIES = re.compile(r"(?i)\b(?:not|no|nor|without|prohibit\w*|forbid\w*|unless|only|except)\b")
# The rules of the detector that are no more than the words "non-commercial".
_BARE_RULES = ("proprietary-license_544.RULE", "proprietary_non-commercial")


def without_lookalikes(head: str) -> str:
    """The head of a source file without what looks like a licence in code, and without comparisons.

    >>> without_lookalikes('/** @var License */\\nprivate $license;'), without_lookalikes("License: private")
    ('/** @var License */\\n $license;', 'License: private')
    >>> without_lookalikes('excludes += "META-INF/LGPL2.1"')
    'excludes += '
    """
    for word, pattern, kept in _IN_HEADS:
        head = str(pattern.sub(kept, head)) if word in head else head
    return without_comparisons(head)


def without_comparisons(text: str) -> str:
    """A text without the names of licences that it only compares its own with, and as many lines.

    >>> without_comparisons("The ISC License is approved by the OSI as GPL-compatible.")
    'The ISC License is approved by the OSI as .'
    """
    return str(_COMPATIBLE.sub(lambda words: "\n" * words[0].count("\n"), text))


def without_absent(text: str) -> str:
    """A text without the sentences about what is "(not included)", which has a licence of its own; as many lines.

    >>> without_absent("MIT.\\nNote that libfrob (not included)\\nis under the GPL. Enjoy.")
    'MIT.\\n\\n Enjoy.'
    """
    for match in list(_NOT_INCLUDED.finditer(text))[:_MOST_NOT_INCLUDED][::-1]:
        start = max(0, match.start() - _LONGEST_SENTENCE)
        ends = [end.end() for end in _SENTENCE_END.finditer(text, start, match.start())]
        stop = _SENTENCE_END.search(text, match.end(), match.end() + _LONGEST_SENTENCE)
        if stop is not None and (ends or not start):
            first, last = (ends or [0])[-1], stop.end()
            text = text[:first] + "\n" * text.count("\n", first, last) + text[last:]
    return text


def without_any_use(found: tuple[Finding, ...], lines: Sequence[str]) -> tuple[Finding, ...]:
    """The findings in a head without a limit that is none: "commercial or non-commercial" allows both."""
    return tuple(_with_any_use(f, lines) if PROPRIETARY in (f.expression or "") else f for f in found)


def _with_any_use(finding: Finding, lines: Sequence[str]) -> Finding:
    parts, rules = conjuncts(finding.expression or ""), (finding.rule or "").split(", ")
    limits = [rule for rule in rules if rule.startswith("proprietary")]
    if PROPRIETARY not in parts or not limits or not all(rule.startswith(_BARE_RULES) for rule in limits):
        return finding
    first, last = finding.start_line or 1, finding.end_line or 1
    said = " ".join(spoken(line) for line in lines[max(0, first - 2) : last + 1])
    if not _ANY_USE.search(said) or _DENIES.search(said):
        return finding
    kept = all_of(part for part in parts if part != PROPRIETARY)
    if kept is None:
        return replace(finding, outcome="mentioned")
    return replace(finding, expression=kept, rule=", ".join(rule for rule in rules if rule not in limits))
