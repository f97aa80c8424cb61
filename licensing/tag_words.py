"""SPDX tags that hold the words of a licence and no expression: "SPDX-License-Identifier: Apache License 2.0".

In: a text, and the scanner. Out: the same text with what these words name, on the same lines. The detector takes each
word for the side of a choice, so that "MIT Acme" would be MIT or something else. 0.5 µs for a text without a
tag; for words that are no expression what the detector costs for a line, which it remembers.
"""

import re

import re2

from gleanery.licensing.expressions import PROPRIETARY, keys, parse
from gleanery.licensing.fields import resolved
from gleanery.licensing.findings import TAG_NOT_READ, surely_stated
from gleanery.licensing.known_texts import is_restricted
from gleanery.licensing.sayings import is_given_to_code
from gleanery.licensing.scan import Scanner
from gleanery.licensing.tags import spdx_of_tag

_TAG = re2.compile(r"(?i)spdx[- ]licen[sc]e[- ]identifier[ \t]*:")
# A tag that stands for itself, behind the signs of a comment, its words, and the end of the comment.
_LINE = re.compile(
    r"(?i)^(\W{0,40}(?:(?:dnl|rem)\W{1,10})?spdx)[- ]licen[sc]e[- ]identifier[ \t]*:[ \t]*"
    r"([a-z][\w \t.,+/()'\"&-]{0,120}?)([ \t]*(?:\*+/|-->|\*\)|#\}|%>|\|)?[ \t\r]*)$"
)
_GOES_ON = re.compile(r"\W*(?:OR|AND|WITH)\b")
_ENDS_OPEN = re.compile(r"\b(?:OR|AND|WITH)$")
_BLANK, _LATER = re.compile(r"\s"), re.compile(r"(?i)\bor (?:any )?(?:later|newer)\b")
_NUMBER = re.compile(r"[0-9]+")
_MOST_TAGS = 16


def with_tag_words(scanner: Scanner, text: str) -> str:
    """A text whose tags hold expressions where they held the words of a licence.

    Words that name no licence for certain are `TAG_NOT_READ`. One name that nobody knows, and an expression that holds
    one, stay as they are.

    >>> with_tag_words(Scanner(), "// SPDX-License-Identifier: Apache License 2.0\\nint a;")
    '// SPDX-License-Identifier: Apache-2.0\\nint a;'
    """
    if _TAG.search(text) is None:
        return text
    lines, asked = text.split("\n"), 0
    for number, line in enumerate(lines):
        tag = _LINE.match(line[:400]) if _TAG.search(line[:200]) else None
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if tag is None or asked == _MOST_TAGS or _is_in_parts(tag[2], following) or is_given_to_code(line):
            continue
        if spdx_of_tag(tag[2]) is not None:
            continue
        asked += 1
        said = _named(scanner, tag[2])
        if said is not None:
            lines[number] = f"{tag[1]}-License-Identifier: {said}{tag[3]}"
    return "\n".join(lines)


def _named(scanner: Scanner, words: str) -> str | None:
    """What the words of a tag name; None for an expression, and for one name that nobody knows."""
    names = [] if parse(words) is None else keys(words)
    is_expression = bool(names) and not any(map(_BLANK.search, names))
    if is_expression and len(names) > 1 and not _LATER.search(words):
        return None
    said = [surely_stated(resolved(scanner, part)) for part in (words, *_parts(words))]
    if said[0] is not None and all(said) and _has_its_numbers(said[0], words):
        return PROPRIETARY if said[0] == "UNLICENSED" else said[0]
    return None if is_expression else TAG_NOT_READ


def _has_its_numbers(named: str, words: str) -> bool:
    """Whether a licence has the numbers by which it was called: "BSD-0-Clause" is not BSD-3-Clause."""
    if named.startswith("LicenseRef-gleanery-") or is_restricted(named):
        return True
    return set(_NUMBER.findall(words)) <= set(_NUMBER.findall(named))


def _parts(words: str) -> list[str]:
    """The names on both sides of a slash, which has to part two licences: "MIT/Apache-2.0"."""
    parts = [part for part in words.split("/") if part.strip()]
    return parts if len(parts) > 1 else []


def _is_in_parts(words: str, following: str) -> bool:
    """Whether an expression goes on in the next line."""
    open_ended = words.count("(") > words.count(")") or _ENDS_OPEN.search(words) is not None
    return open_ended or _GOES_ON.match(following) is not None
