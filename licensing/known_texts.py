"""What the library of known texts says where the detector leaves words over.

In: the words of a text, what the detector found in it, and the words that no rule covers. Out: findings with the texts
that the library knows, alone or among several in one file, and doubts where somebody changed one. 1.5 ms for the MIT
licence, 50 ms for the GPL.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import re2

from gleanery.licensing import spdx_texts
from gleanery.licensing.expressions import all_of, keys
from gleanery.licensing.findings import CHANGED, CHANGED_TEXT, Finding, in_order
from gleanery.licensing.index import scancode_parts
from gleanery.licensing.library import Known, Library, Opinion, body_of
from gleanery.licensing.matches import is_identified, spdx_of, words_in
from gleanery.licensing.reading import owner_lines
from gleanery.licensing.sections import sections
from gleanery.licensing.words import Words

# Of a file with several texts, one is looked up by itself if it has so many words, and one in so many is in no rule.
_SHORTEST_SECTION, _MOSTLY = 40, 10
_RESTRICTED = ("Commercial", "Copyleft", "Free Restricted", "Proprietary Free", "Source-available")
_WEAK = "Copyleft Limited"
# The detector counts these as copyleft or restricted, and profiles allow them as permissive: to name one of them is no
# evidence against a file.
_NO_COPYLEFT = re2.compile(
    r"(?:artistic|bsd-3-clause-no-nuclear-warranty|clartistic|hpnd-export|nbpl|ogtsl|oldap-1|qhull|ruby)(?:[-.0-9]|$)"
)
# Shorter texts of the library would be taken for licences by accident.
_SHORTEST_TEXT = 12
# A word that goes on in the next line, behind comment signs.
_BROKEN = re2.compile(rb"[A-Za-z]-[ \t]*\r?\n")
_BROKEN_WORD = re2.compile(rb"\b([A-Za-z]+)-([ \t]*\r?\n[ \t*/#;%!>-]*)([A-Za-z]+)")


def opinion_on(words: Words, inside: bool = False) -> Opinion | None:
    """What the library says. A change to a licence that is refused anyway does not matter: it is still that licence."""
    opinion = library().opinion(words, inside)
    return replace(opinion, change=None) if opinion is not None and is_restricted(opinion.expression) else opinion


def unbroken(content: bytes) -> bytes:
    """Bytes of a text in which words are whole that were broken at the end of a line ("no-", "tice"); as many lines.

    The word stands in more known texts than one of its pieces: "non-commercial" has its hyphen anywhere.
    """
    return content if _BROKEN.search(content) is None else bytes(_BROKEN_WORD.sub(_joined, content))


def _joined(match: Any) -> bytes:
    first, second = match[1].decode(), match[3].decode()
    known = library()
    if known.texts_with(first + second) <= min(known.texts_with(first), known.texts_with(second)):
        return bytes(match[0])
    return bytes(match[1] + match[3] + match[2])


def by_sections(
    lines: list[str], words: Words, owners: Collection[int], findings: tuple[Finding, ...], more: list[int]
) -> tuple[tuple[Finding, ...], list[int]]:
    """Findings and uncovered words of a file of several texts, where the library knows some that the detector does not.

    Each text is judged by itself: of one that nobody changed only the words above and below it are left. The very lists
    that were given come back where the library knows none of them.
    """
    left, found = set(more), list(findings)
    for section in sections(lines, owners):
        places = [n for n in _places(words, section) if words.lines[n] not in owners]
        if len(places) < _SHORTEST_SECTION or left.isdisjoint(places):
            continue
        opinion = opinion_on(words.between(section.start, section.stop - 1).without_lines(owners), True)
        if opinion is None or opinion.change is not None:
            continue
        inner = [f for f in found if f.start_line in section and f.end_line in section]
        if len(left.intersection(places)) * _MOSTLY >= len(places):
            found = [f for f in found if f not in inner] + [of_opinion(opinion)]
        elif opinion.expression not in {f.expression for f in inner}:
            continue
        body = body_of(len(places), opinion.more)
        left = left.difference(places) | {places[n] for n in opinion.more if n not in body}
    if len(found) == len(findings) and left == set(more):
        return findings, more
    return in_order(found), sorted(left)


def says_better(opinion: Opinion, findings: tuple[Finding, ...], left: Collection[int], words: Words) -> bool:
    """Whether a known text is closer to a file of several texts than these texts together, where it is none of them.

    Some known texts are two well-known ones, one below the other, so that any two such texts are like them.
    """
    if any(opinion.expression == f.expression for f in findings):
        return True
    return opinion.score > 100 * (1 - len(left) / max(1, len(words.words)))


def _places(words: Words, section: range) -> range:
    """The places of the words on some lines."""
    return range(bisect_left(words.lines, section.start), bisect_left(words.lines, section.stop))


def is_restricted(expression: str) -> bool:
    """Whether all licences of an expression are known to forbid something or to ask for more than a notice."""
    return _are_of(expression, _RESTRICTED)


def asks_for_more(expression: str) -> bool:
    """Whether all licences of an expression are known to be restricted, or copyleft of any kind.

    >>> asks_for_more("LGPL-2.1-only"), asks_for_more("Artistic-2.0")
    (True, False)
    """
    if any(_NO_COPYLEFT.match(key.lower()) for key in keys(expression)):
        return False
    return _are_of(expression, (*_RESTRICTED, _WEAK))


def _are_of(expression: str, categories: Collection[str]) -> bool:
    named = _symbols_of(expression)
    return bool(named) and all(symbol is not None and symbol.wrapped.category in categories for symbol in named)


def _symbols_of(expression: str) -> list[Any]:
    """What the detector knows of each licence of an expression; None for one that it does not have."""
    known = scancode_parts().symbols
    return [known.get(key.lower()) for key in keys(expression)]


def of_opinion(opinion: Opinion) -> Finding:
    """What the library says, as a finding: of a text that somebody changed, the lines of the change."""
    if opinion.change is not None:
        return _changed([opinion.expression], opinion.score, opinion.rule, opinion.change)
    return Finding("found", opinion.expression, opinion.score, opinion.rule, *opinion.lines)


def say_only(findings: tuple[Finding, ...], expression: str) -> bool:
    return bool(findings) and {f.expression for f in findings} == {expression}


def others_beside(findings: tuple[Finding, ...], opinion: Opinion) -> tuple[Finding, ...]:
    """What the detector found in a changed text beside the licence that was changed."""
    return tuple(f for f in findings if opinion.change and is_identified(f) and f.expression != opinion.expression)


def with_change(findings: tuple[Finding, ...], lines: tuple[int, int]) -> tuple[Finding, ...]:
    """Findings of a text with words that may take something away: of one licence the doubt alone is left."""
    named = {f.expression for f in findings}
    one = len(named) == 1
    changed = _changed([findings[0].expression or ""] if one else [], findings[0].score, findings[0].rule, lines)
    return (changed,) if one else in_order((*findings, changed))


def _changed(named: Iterable[str], score: float | None, rule: str | None, lines: tuple[int, int]) -> Finding:
    """The doubt about a text that was changed: the licence that it was, and that it is not that any more."""
    return Finding("changed", all_of([*named, CHANGED_TEXT]), score, f"{CHANGED}, {rule}"[:200], *lines)


@lru_cache(maxsize=1)
def library() -> Library:
    """SPDX's own texts that the detector does not have, then the detector's texts of single licences by their rank."""
    scancode = scancode_parts()
    numbers = dict(scancode.index.dictionary)
    known = []
    for spdx, (expression, text) in spdx_texts.texts().items():
        lines = text.splitlines()
        words = words_in(lines).without_lines(owner_lines(lines)).words
        numbered = [numbers.setdefault(word, len(numbers)) for word in words]
        known.append(Known(f"spdx:{spdx}", expression, numbered, name_of(expression)))
    own = len(known)
    for rule in sorted(texts_of_rules(), key=lambda rule: (not rule.is_from_license, str(rule.identifier))):
        expression = spdx_of(str(rule.license_expression))
        words = scancode.index.tids_by_rid[rule.rid]
        known.append(Known(str(rule.identifier), expression, words, name_of(expression)))
    return Library(known, numbers, own)


@lru_cache(maxsize=4096)
def name_of(expression: str) -> frozenset[str]:
    """The words of the names of the licences in an expression."""
    named = [symbol.wrapped for symbol in _symbols_of(expression) if symbol is not None]
    names = [f"{licence.name} {licence.short_name}" for licence in named]
    return frozenset(words_in([expression.replace("LicenseRef-scancode-", ""), *names]).words)


def texts_of_rules() -> Iterator[Any]:
    """The rules that are the whole text of a licence that has a name."""
    scancode = scancode_parts()
    for rule in scancode.index.rules_by_rid:
        if rule.is_license_text and len(scancode.index.tids_by_rid[rule.rid]) >= _SHORTEST_TEXT:
            named = _symbols_of(spdx_of(str(rule.license_expression)))
            if all(symbol is None or not (symbol.wrapped.is_generic or symbol.wrapped.is_unknown) for symbol in named):
                yield rule
