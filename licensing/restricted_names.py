"""Names of licences that hold the name of a permissive one, and forbid what it permits: `FSL-1.1-MIT`, `MIT-NC`.

In: some words or a line. Out: an expression for the first such name, or None. The detector would read the name of the
permissive licence in it. A licence of the kind `NON-AI-MIT` forbids to train models. 2 µs for a line without one.
"""

from collections.abc import Sequence

import re2

from gleanery.licensing.denials import denied
from gleanery.licensing.findings import LIMITED_USE, NO_TRAINING, Finding

RESTRICTED_NAME = "gleanery-restricted-name"
FAIR_SOURCE = "LicenseRef-gleanery-fair-source"
_IDS = r"(?:mit|x11|(?:0|new-)?bsd|apache|al|asl|alv2|apache2|isc|cc0|unlicense|zlib|wtfpl|bsl|psf|artistic)"
_BEFORE, _PIECES = r"(?:^|[^\w.-])", r"(?:-[\w.+]+){0,4}?"
_NO_AI = r"(?:non?-?ai|anti-?ai|ai-restricted|no-?training)"
_NOT_FREE = r"(?:nc|nd|non-?commercial|commons-clause|ethical|restricted|internal-use|source-available)"
_NOT_SOLD = (
    rf"{_BEFORE}{_IDS}(?:[ -]v?[0-9][0-9.]*)?(?:[ -](?:[0-9]-)?clause)?(?: licen[sc]e)?[ -]\(?"
    r"(?:non-?commercial|commons[ -]clause)\b"
)
_NAMES = (
    (rf"{_BEFORE}{_NO_AI}-{_IDS}\b|{_BEFORE}{_IDS}{_PIECES}[-+]{_NO_AI}\b", NO_TRAINING),
    (
        rf"{_BEFORE}(?:nc|non-?commercial|ethical)-{_IDS}\b|{_BEFORE}{_IDS}{_PIECES}-{_NOT_FREE}\b|{_NOT_SOLD}",
        LIMITED_USE,
    ),
    (r"\bfsl-1\.[0-9]\b[^\n]{0,40}\bmit\b|\bfunctional[ -]source[ -]licen[sc]e\b[^\n]{0,40}\bmit\b", "FSL-1.1-MIT"),
    (r"\bfsl-1\.[0-9]\b|\bfunctional[ -]source[ -]licen[sc]e\b", "FSL-1.1-ALv2"),
    (r"\bfcl-1\.[0-9]\b|\bfair[ -]core[ -]licen[sc]e\b|\bfair[ -]source\b", FAIR_SOURCE),
    (r"\b(?:bsl|busl)[ -]v?1\.1\b|\bbusiness[ -]source[ -]licen[sc]e\b", "BUSL-1.1"),
)
_MAYBE_TEXT = (
    r"(?i)\b(?:non?-?ai|anti-?ai|fsl|fcl|functional|fair|nc|nd|bsl|busl|business|commercial|noncommercial|ethical|commons)\b|"
    r"[-+](?:no|ai|eth|res|com|int|sou)"
)
_MAYBE, _MAYBE_IN_HEAD = (
    re2.compile(_MAYBE_TEXT),
    re2.compile(
        r"(?i)\bnon?-?ai\b|\banti-?ai\b|\b(?:[fb]|bu)sl[ -]|\bfcl-|\bfunctional[ -]source|\bfair[ -](?:core|source)|"
        r"\bnon-?commercial\b|\bcommons[ -]clause|"
        r"\b(?:nc|non-?commercial|ethical)-[a-z0]|"
        r"(?:mit|x11|bsd|apache|2\.0|al|asl|alv2|isc|cc0|unlicense|zlib|clause|-0|1\.0)-(?:n[cd]|no|ai-|anti|eth|res|com|int|sou)"
    ),
)
_FORMS = tuple((re2.compile("(?i)" + form), expression) for form, expression in _NAMES)


def restricted_name(words: str) -> str | None:
    """The restricted licence that some words name.

    >>> restricted_name("FSL-1.1-Apache-2.0"), restricted_name("NON-AI-BSD-3-Clause"), restricted_name("MIT-NC")
    ('FSL-1.1-ALv2', 'LicenseRef-gleanery-no-ai-training', 'LicenseRef-gleanery-limited-use')
    >>> restricted_name("BSD-3-Clause-Clear"), restricted_name("MIT-licensed"), restricted_name("BSL-1.0")
    (None, None, None)
    """
    if _MAYBE.search(words) is None:
        return None
    return next((expression for form, expression in _FORMS if form.search(words)), None)


def may_be_restricted(head: str) -> bool:
    """Whether the head of a source file may hold such a name."""
    return _MAYBE_IN_HEAD.search(head) is not None


def restricted_lines(lines: Sequence[str]) -> tuple[Finding, ...]:
    """What the first line with such a name states, unless it says that it was so; or nothing.

    >>> restricted_lines(["# Frob", "It is licensed under FSL-1.1-MIT."])[0].start_line
    2
    >>> restricted_lines(["It was formerly licensed under FSL-1.1-MIT."])
    ()
    """
    for number, line in enumerate(lines, 1):
        expression = restricted_name(line[:2000]) if line else None
        if expression is not None:
            finding = Finding("found", expression, 100.0, RESTRICTED_NAME, number, number)
            return () if denied(finding, lines) else (finding,)
    return ()
