"""SPDX tags and the licence fields of manifests: what they say without any detector.

In: the lines of a text. Out: a finding for each expression whose ids are all known, and the lines without them. 0.9 µs
a line that has no tag.
"""

import re
from functools import lru_cache

from gleanery.licensing.expressions import Expression, parse
from gleanery.licensing.findings import FIELD, OWN_TAG, Finding
from gleanery.licensing.index import scancode_parts
from gleanery.licensing.reading import is_silent

# SPDX tags anywhere in a line, and the licence field of a manifest at its beginning.
_TAG = re.compile(
    r"(?:spdx-license-identifier:|^[\"']?licen[sc]e(?:-expression)?[\"']?\s{0,4}[:=](?:\s*{\s*text\s*=)?)\s*(\S.*)$",
    re.IGNORECASE,
)
_OWN_NAME = re.compile(r"(?:DocumentRef-[\w.-]{1,60}:)?LicenseRef-(?!scancode-)[\w.-]{1,80}", re.IGNORECASE)
# The end of a comment of ML or Pascal, whose bracket is none of the expression: "(* SPDX-License-Identifier: MIT *)".
_END_OF_COMMENT = re.compile(r"\s*\*+\)\s*$")
_SECOND_TAG = re.compile(r"spdx|licen[sc]e(?!ref-)", re.IGNORECASE)


def without_tags(lines: tuple[str, ...]) -> tuple[tuple[Finding, ...], list[str]]:
    """What SPDX tags and licence fields say, once for each expression, and the lines without them.

    A tag counts where its line holds nothing else and each id in it is known; the detector reads any other.
    """
    findings: dict[str, Finding] = {}
    rest = list(lines)
    for number, line in enumerate(lines, 1):
        tag = _TAG.search(line)
        if tag is None or not is_silent(line[: tag.start()]) or _SECOND_TAG.search(tag[1]):
            continue
        expression = spdx_of_tag(tag[1])
        if expression is not None:
            rule = OWN_TAG if "spdx" in tag[0].lower() else FIELD
            findings.setdefault(expression, Finding("found", expression, 100.0, rule, number, number))
            rest[number - 1] = ""
    return tuple(findings.values()), rest


@lru_cache(maxsize=4096)
def spdx_of_tag(text: str) -> str | None:
    """An expression in the current SPDX spelling, or None unless each of its ids is known."""
    tree = parse(_END_OF_COMMENT.sub("", text).strip().lstrip("\"'`<").rstrip("\"'`,;.*/<>-}]|\\ "))
    spelled = None if tree is None else _respelled(tree)
    return None if spelled is None else str(spelled)


def _respelled(tree: Expression) -> Expression | None:
    """The tree with each id in its current SPDX spelling, or None if one of them is not known."""
    if tree.word != "ID":
        parts = [_respelled(part) for part in tree.parts]
        return Expression(tree.word, tuple(p for p in parts if p)) if all(parts) else None
    known = scancode_parts().symbols
    if _OWN_NAME.fullmatch(tree.license) and tree.exception is None:
        return (
            tree  # a name of the project's own making: no policy knows it, so its side of a choice counts for nothing
        )
    named = tree.license.lower()
    if named.endswith("+") and named not in known:  # "or any later version" includes this one
        named = named[:-1]
    names = [named, *([tree.exception.lower()] if tree.exception is not None else [])]
    if any(name not in known for name in names):
        return None
    spelled = [str(known[name].wrapped.spdx_license_key) for name in names]
    return Expression("ID", (), spelled[0], spelled[1] if len(spelled) > 1 else None)
