"""Choices that a text offers in a second sentence: "Alternatively, this software may be distributed under ...".

In: findings and the lines they stand in. Out: the findings, with one choice of what is said before that sentence and
in it. Each side is asked of the scanner by itself, where a text has such a sentence and several licences.
"""

from dataclasses import replace

import re2

from gleanery.licensing.choices import choice_of
from gleanery.licensing.expressions import all_of, conjuncts, only_points
from gleanery.licensing.fields import is_usual, resolved
from gleanery.licensing.findings import Finding, surely_stated, with_owners
from gleanery.licensing.lines import SIGNS, without_links
from gleanery.licensing.matches import uncovered_words
from gleanery.licensing.scan import Scanner

# "Alternatively, this software may be distributed under the terms of ...", which opens a paragraph below other terms.
_ALTERNATIVE = re2.compile(
    r"(?i)^alternatively,?\s[^;]{0,200}?\b(?:(?:may|can) (?:also )?(?:be )?"
    r"(?:used?|(?:re-?)?distributed?|(?:re)?licen[sc]ed?|choose|opt|elect|copied|copy|modify|modified)|"
    r"(?:is|are) (?:also )?(?:available|licen[sc]ed|released|distributed))\b[^;]{0,160}?"
    r"\b(?:licen[sc]es?|[al]?gpl(?:v[0-9])?|bsd|mit|apache|mpl|public domain)\b"
)
# "Alternatively, you can download a package ..." is about a way to get it, and no other terms.
_OTHER_WAY = re2.compile(r"(?i)^alternatively,?\s+(?:[\w'-]+\s+){0,3}(?:download|install|build|run|buy|order)\b")
_IN_ADDITION = re2.compile(r"(?i)\b(?:in addition|as well as|also (?:applies|apply|comply)|portions?|parts?)\b")
_ALTERNATIVE_LINES = 5
# "Frob is licensed under MIT. Optionally the LGPL can be used.", whose subject is nothing but the name of a licence.
_OPTION = re2.compile(
    r"(?i)^(.*?[.;]) +((?:optionally|alternatively),? +(?:the +)?(?:\[[^\[\]]+\]\([^()\s]+\)|[^.;()])*?"
    r"(?:can|may) +(?:also +|instead +)*be +(?:used|chosen|applied)\b)"
)
_NAME_OF_OPTION = re2.compile(r"(?i)^\w+,? +(?:the +)?(.{2,100}?)(?: +licen[sc]e)? +(?:can|may) +")
_SPELT_APART = re2.compile(r"(?i)\b([AL])-GPL")
_OPTION_LINES = 2


def with_alternative(scanner: Scanner, found: tuple[Finding, ...], lines: list[str], scope: str) -> tuple[Finding, ...]:
    """What stands above a paragraph "Alternatively, ... under ..." and what stands in it and below, as a choice.

    Both sides must name licences and leave no doubt. Two more questions to the scanner for a text that has such a
    paragraph and several licences.
    """
    at = next((n for n, line in enumerate(lines) if _opens_alternative(lines, n, line)), None)
    parts = [part for f in found for part in conjuncts(f.expression or "")]
    if at is None or len(parts) < 2 or any(f.outcome not in ("found", "none") for f in found):
        return found
    sides = []
    for side in (lines[:at], [""] * at + lines[at:]):
        said = scanner.scan("\n".join(side).encode("utf-8", "replace"), scope)
        stated = surely_stated(said) or ""
        if only_points(stated):
            return found
        sides.append(stated)
    first, last = min(f.start_line or 1 for f in found), max(f.end_line or 1 for f in found)
    rules = dict.fromkeys(["gleanery-alternatively", *(f.rule for f in found if f.rule)])
    score = min(f.score or 0.0 for f in found)
    choice = Finding("found", choice_of(dict.fromkeys(sides)), score, ", ".join(rules), first, last)
    return with_owners((choice,), found[0].copyrights)


def _opens_alternative(lines: list[str], number: int, line: str) -> bool:
    if line.strip(SIGNS)[:13].lower() != "alternatively":
        return False
    said = " ".join(line.strip(SIGNS) for line in lines[number : number + _ALTERNATIVE_LINES])
    return _ALTERNATIVE.search(said) is not None and not (_IN_ADDITION.search(said) or _OTHER_WAY.search(said))


def with_option(scanner: Scanner, found: tuple[Finding, ...], lines: list[str]) -> tuple[Finding, ...]:
    """The findings of a README, those of two sentences of which the second offers another licence as a choice.

    >>> said = ["Frob is licensed under the MIT license. Optionally the", "[LGPL](https://www.gnu.org/) can be used."]
    >>> with_option(Scanner(), (Finding("found", "MIT AND LGPL-2.0-or-later", 90.0, "x", 1, 2),), said)[0].expression
    'MIT OR LGPL-2.0-or-later'
    """
    return tuple(_with_option(scanner, f, lines) for f in found)


def _with_option(scanner: Scanner, finding: Finding, lines: list[str]) -> Finding:
    parts = conjuncts(finding.expression or "")
    if finding.outcome != "found" or len(parts) < 2 or finding.start_line is None or finding.end_line is None:
        return finding
    said = [line.strip() for line in lines[finding.start_line - 1 : finding.end_line + _OPTION_LINES]]
    offer = _OPTION.match(" ".join(said))
    above = " ".join(said[: finding.end_line - finding.start_line])
    if offer is None or offer.end() <= len(above) or not _is_name_of_licence(scanner, without_links(offer[2])):
        return finding
    first = conjuncts(surely_stated(scanner.scan(offer[1].encode("utf-8", "replace"), "readme")) or "")
    second = [part for part in parts if part not in first]
    if not second or not first or not set(first).issubset(parts):
        return finding
    return replace(finding, expression=choice_of([all_of(first) or "", all_of(second) or ""]))


def _is_name_of_licence(scanner: Scanner, offer: str) -> bool:
    """Whether what may be used is a licence, and not something under one: "the GPL-licensed Frob can be used".

    >>> [_is_name_of_licence(Scanner(), f"Optionally the {name} can be used") for name in ("L-GPL", "GPL-made Frob")]
    [True, False]
    """
    name = _NAME_OF_OPTION.match(offer)
    words = _SPELT_APART.sub(r"\1GPL", name[1]) if name is not None else ""
    known = surely_stated(resolved(scanner, words)) if words else None
    return not only_points(known or "") and all(map(is_usual, uncovered_words(f"License: {words}")))
