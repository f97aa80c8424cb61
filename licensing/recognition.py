"""Which licences a text holds, compared with all that is known: one way for each kind of text.

In: a normalised text without tags, and its kind. Out: findings that count in its own lines. Exact matching comes first,
then the library of known texts, and approximate matching last, about a hundred times dearer and on texts that are not
mostly licence prose often wrong. What it costs is written at `scan.Scanner`.
"""

from collections.abc import Callable, MutableMapping
from typing import Any

from gleanery.licensing.expressions import conjuncts, keys
from gleanery.licensing.findings import Finding
from gleanery.licensing.known_texts import (
    by_sections,
    is_restricted,
    library,
    of_opinion,
    opinion_on,
    others_beside,
    say_only,
    says_better,
    with_change,
)
from gleanery.licensing.matches import at_lines, is_brief, match_of, query_of, runs_of, whole_rule, words_in
from gleanery.licensing.normalised import covered_words, key_of
from gleanery.licensing.reading import owner_lines
from gleanery.licensing.remembered import Remembered
from gleanery.licensing.sections import begin_more_than_once
from gleanery.licensing.time_limit import within
from gleanery.licensing.words import Words

# Shorter texts that are matched exactly never took longer than half a second, so they need no timer.
_QUICK_CHARACTERS = 6000
_NO_TERMS = ("LicenseRef-scancode-unknown", "LicenseRef-scancode-warranty-disclaimer")
_VAGUE = (*_NO_TERMS, "LicenseRef-scancode-other-permissive")
TOO_MANY = "gleanery-too-many-matches"


class Recognition:
    """The ways in which texts are recognised.

    `answers` are remembered by what exact matching can see of a text, `left` says how many CPU seconds there are, and
    `tally` counts how texts were answered.
    """

    def __init__(self, answers: Remembered, left: Callable[[], float], tally: MutableMapping[str, int]) -> None:
        self._answers = answers
        self._left = left
        self._tally = tally
        # What is mostly a licence, a page with one, a head, a head with the prose of a licence, and what may be short.
        self._ways = {
            b"dense": self._matched,
            b"prose": self._in_prose,
            b"sparse": self._covered,
            b"terms": self._in_terms,
            b"body": self._compared,
        }

    def of(self, text: str, how: bytes) -> tuple[Finding, ...]:
        """The findings in a text that is compared as `how` says; TimeIsUp where that takes too long."""
        return self._ways[how](text)

    def _compared(self, text: str) -> tuple[Finding, ...]:
        """A text that may be a known one: what the library says of it, or nothing."""
        lines = text.splitlines()
        words = words_in(lines).without_lines(owner_lines(lines))
        opinion = opinion_on(words)
        if opinion is None or not (opinion.alone or opinion.change):
            return ()
        return self._count("closest", (of_opinion(opinion),))

    def _in_prose(self, text: str) -> tuple[Finding, ...]:
        """The licence text in a head or a README: what stands above or below it is about the work."""
        return self._matched(text, inside=True)

    def _in_terms(self, text: str) -> tuple[Finding, ...]:
        """Licence prose in a head of which exact matching knows a part: the text that it is as a whole, or nothing."""
        return within(self._left(), lambda: self._whole_text(text))

    def _whole_text(self, text: str) -> tuple[Finding, ...]:
        lines = text.splitlines()
        words, owners = words_in(lines), owner_lines(lines)
        match = match_of(query_of(text), False)
        self._count("exact", match.findings)
        more = match.more(words, owners)
        if match.solid and not more:
            return ()
        opinion = opinion_on(words.without_lines(owners), True)
        brief = all(is_brief(f.rule or "") for f in match.findings)
        if begin_more_than_once(lines) if opinion is not None else brief:
            findings, left = by_sections(lines, words, owners, match.findings, more)
            if opinion is None:  # the text may stand in one comment, and a few words that name it in another
                return () if left is more else _with_change_beside(findings, words, left, True)
            if not says_better(opinion, findings, left, words):
                return _with_change_beside(findings, words, left, True)
        if (
            opinion is None
            or not (opinion.alone or (brief and say_only(match.findings, opinion.expression)))
            or (opinion.change is None and _say_it_already(match.findings, opinion.expression))
        ):
            return ()
        return self._count("closest", (of_opinion(opinion), *others_beside(match.findings, opinion)))

    def _matched(self, text: str, inside: bool = False) -> tuple[Finding, ...]:
        """A licence text: exact matching; where that leaves words over, the library; where nothing is sure, all.

        `inside`: a sentence is a change only between words of the licence, unless it forbids or limits something.
        """
        query = query_of(text)
        if runs_of(query) is None:
            return (Finding("unknown", rule=TOO_MANY),)
        return within(self._left(), lambda: self._recognised(query, inside))

    def _recognised(self, query: Any, inside: bool) -> tuple[Finding, ...]:
        lines = query.query_string.splitlines()
        words = words_in(lines)
        owners = owner_lines(lines)
        body = words.without_lines(owners)
        if (equal := library().equal(body)) is not None:
            return self._count("closest", (of_opinion(equal),))
        match = match_of(query, False)
        self._count("exact", match.findings)
        more = match.more(words, owners)
        if match.solid and not more:
            return match.findings
        opinion = opinion_on(body, inside)
        # Where the detector names no licence at all, a text that is close to a known one is that one.
        nameless = not any(map(names_terms, match.findings))
        findings, left = match.findings, more
        several = begin_more_than_once(lines)
        if several:
            findings, left = by_sections(lines, words, owners, findings, more)
        if (
            opinion is not None
            and (opinion.alone or nameless)
            and (not several or says_better(opinion, findings, left, words))
        ):
            self._count("closest", ())
            if opinion.change is None and say_only(match.findings, opinion.expression):
                return match.findings
            return (of_opinion(opinion), *others_beside(match.findings, opinion))
        if not several and (not inside or nameless):
            findings, left = by_sections(lines, words, owners, match.findings, more)
        if left is more and not match.solid:
            better = match_of(query_of(query.query_string), True)
            self._count("approximate", ())
            findings, left = (better.findings, better.more(words, owners)) if better.findings else (findings, left)
        return _with_change_beside(findings, words, left, inside)

    def _covered(self, text: str) -> tuple[Finding, ...]:
        """Any other text: exact matching, once for all texts that look the same to it."""
        query = query_of(text)
        runs = runs_of(query)
        if runs is None:
            return (Finding("unknown", rule=TOO_MANY),)
        words = covered_words(runs)
        if not words and not query.spdx_lines:
            return self._count("covered", ())
        key = key_of(query, words, whole_rule(query))
        if key is None:
            return self._exact(query, None)
        known = self._answers.get(key)
        if known is None:
            known = self._exact(query, words)
            self._answers.put(key, known)
        else:
            self._count("covered", known)
        return tuple(at_lines(f, words, query.line_by_pos) for f in known)

    def _exact(self, query: Any, words: list[int] | None) -> tuple[Finding, ...]:
        if len(query.query_string) < _QUICK_CHARACTERS:
            return self._count("exact", match_of(query, False, words).findings)
        return self._count("exact", within(self._left(), lambda: match_of(query, False, words)).findings)

    def _count(self, how: str, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        self._tally[how] += 1
        return findings


def _with_change_beside(
    findings: tuple[Finding, ...], words: Words, left: list[int], inside: bool
) -> tuple[Finding, ...]:
    """Findings, with a doubt where the words that are left beside their texts may take something away."""
    # A vague sentence in a head is a piece of a text that is not known as a whole; the rest of it is no change.
    telling = [f for f in findings if names_terms(f) and not (inside and is_vague(f))]
    named = {part for f in telling for part in conjuncts(f.expression or "")}
    asked = bool(named) and not any(map(is_restricted, named))
    change = library().change_beside(words, left, named, inside) if asked else None
    return findings if change is None else with_change(findings, change)


def _say_it_already(findings: tuple[Finding, ...], expression: str) -> bool:
    """Whether findings name a text and nothing else, and not in a few words that may speak of another work."""
    return say_only(findings, expression) and not all(is_brief(f.rule or "") for f in findings)


def is_vague(finding: Finding) -> bool:
    """Whether a finding only says that some licence permits much: often a sentence of one that names its owner."""
    return all(key.startswith(_VAGUE) for key in keys(finding.expression or ""))


def names_terms(finding: Finding) -> bool:
    """Whether a finding names a licence, and not only a disclaimer of warranty."""
    return any(not key.startswith(_NO_TERMS) for key in keys(finding.expression or ""))
