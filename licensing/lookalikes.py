"""Words in the head of a source file that look like a licence to the detector and are none.

In: the bytes of a file, or the findings in its head. Out: the same without them, each line on its own number. 1 µs for
a head that has none.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import re2

from gleanery.licensing.expressions import all_of, conjuncts
from gleanery.licensing.findings import Finding
from gleanery.licensing.reading import HEAD_CHARACTERS, decoded

# Files of other packages that a build leaves out of its own: `excludes += "/META-INF/{AL2.0,LGPL2.1}"`.
_RESOURCE = re2.compile(rb"""(["'])/?(?:\*\*/)?META-INF/[^"'\n]{0,200}["']""")
# "Compatible with the GPL" and "unlike the GPL" say that it is another licence.
_GPL = r"(?:the\s+)?(?:<[^>]{0,200}>\s*)?(?:gnu\s+)?(?:l?gpl\w*|(?:lesser\s+)?general\s+public\s+licen[sc]e)"
_COMPATIBLE_FORM = (
    rf"(?i)\b(?:(?:in)?compatible\"?\s+with|unlike)\s+{_GPL}|\b(?:l?gpl|gnu)[- ]compatible|"
    rf"\b(?:doesn't|does\s+not)\s+mean\s+(?:that\s+)?[^.]{{0,60}}\bunder\s+{_GPL}|"
    rf"\bother\s+software\s+(?:that|which)\s+is\s+(?:released|licen[sc]ed|distributed|covered)\s+(?:under|"
    rf"by)\s+{_GPL}"
)
_COMPATIBLE, _COMPATIBLE_IN_HEAD = re2.compile(_COMPATIBLE_FORM), re2.compile(_COMPATIBLE_FORM.encode())
# "For any purpose, commercial or non-commercial": both are allowed. The detector reads only the end of it.
_ANY_USE = re2.compile(r"(?i)\bcommercial,?\s+(?:and|or|and/or|as well as)\s+(?:for\s+)?non-?\s?commercial\b")
_DENIES = re.compile(r"(?i)\b(?:not|no|nor|without|prohibit\w*|forbid\w*|unless|only|except)\b")
_PROPRIETARY = "LicenseRef-scancode-proprietary-license"
# The rules of the detector that are no more than the words "non-commercial".
_BARE_RULES = ("proprietary-license_544.RULE", "proprietary_non-commercial")


def without_resources(content: bytes) -> bytes:
    """The bytes of a head without the names of resources that a build leaves out or takes in, and without comparisons.

    >>> without_resources(b'excludes += "META-INF/LGPL2.1"\\n')
    b'excludes += \\n'
    """
    head = content[: 4 * HEAD_CHARACTERS]
    if b"ompatible" in head:
        head = bytes(_COMPATIBLE_IN_HEAD.sub(lambda words: b"\n" * words[0].count(b"\n"), head))
    elif b"META-INF/" not in head:
        return content
    return bytes(_RESOURCE.sub(b"", head)) if b"META-INF/" in head else head


def without_comparisons(text: str) -> str:
    """A text without the names of licences that it only compares its own with, and as many lines.

    >>> without_comparisons("The ISC License is approved by the OSI as GPL-compatible.")
    'The ISC License is approved by the OSI as .'
    """
    return str(_COMPATIBLE.sub(only_lines, text))


def only_lines(words: re.Match[str] | str) -> str:
    """The ends of the lines of some words."""
    return "\n" * (words if isinstance(words, str) else words[0]).count("\n")


def without_any_use(content: bytes, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings without a limit that is none: "commercial or non-commercial" allows both."""
    if not any(_PROPRIETARY in (f.expression or "") for f in found):
        return found
    lines = decoded(content[: 4 * HEAD_CHARACTERS]).splitlines()
    return tuple(_with_any_use(f, lines) for f in found)


def _with_any_use(finding: Finding, lines: Sequence[str]) -> Finding:
    parts, rules = conjuncts(finding.expression or ""), (finding.rule or "").split(", ")
    limits = [rule for rule in rules if rule.startswith("proprietary")]
    if _PROPRIETARY not in parts or not limits or not all(rule.startswith(_BARE_RULES) for rule in limits):
        return finding
    first, last = finding.start_line or 1, finding.end_line or 1
    said = " ".join(line.strip(" \t*/#;%!<>-|\"'") for line in lines[max(0, first - 2) : last + 1])
    if not _ANY_USE.search(said) or _DENIES.search(said):
        return finding
    kept = all_of(part for part in parts if part != _PROPRIETARY)
    if kept is None:
        return replace(finding, outcome="mentioned")
    return replace(finding, expression=kept, rule=", ".join(rule for rule in rules if rule not in limits))
