"""Licence findings in one text. The only module that knows scancode.

In: the bytes of a file and a scope, `whole` (licence-like files) or `head` (source files). Out: findings: SPDX
expression, score, rule, lines, copyright lines. What it costs is written at `Scanner`.

The cheap answers come first, and each is as good as the dear one where it applies: no word of law at all (nothing);
an SPDX tag and no other word of law (the tag); a text that was seen before (its answer); exact matching; and only for
texts that are mostly licence prose and that exact matching did not recognise, approximate matching, which is about a
hundred times dearer and on other texts often wrong.
"""

import contextlib
import gc
import hashlib
import importlib
import importlib.metadata
import os
import re
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from gleanery.licensing import spdx_texts
from gleanery.licensing.expressions import Expression, conjuncts, keys, parse
from gleanery.licensing.findings import Answers, Finding, Store, finding_of, plain_of
from gleanery.licensing.library import Known, Library, Opinion, beyond
from gleanery.licensing.normalised import covered_words, key_of, rule_runs
from gleanery.licensing.reading import Reading, head_of, is_silent, owner_lines, read_text
from gleanery.licensing.sections import sections
from gleanery.licensing.time_limit import TimeIsUp, within
from gleanery.licensing.words import Words, words_of
from gleanery.records.errors import StopRun

__all__ = ["Finding", "Scanner", "finding_of", "head_of", "plain_of", "warm"]

# Raise this number when the same text may now give another answer.
SCAN_VERSION = 11
# What this room finds by itself; scancode has no rule for it.
NO_TRAINING = "LicenseRef-gleanery-no-ai-training"
MOST_FINDINGS = 64
# A licence text is looked at again with approximate matching unless one licence has this score, or a text of at least
# so many words was recognised as a whole.
_SURE_SCORE, _WHOLE_TEXT_WORDS = 80.0, 60
# Shorter texts that are matched exactly never took longer than half a second, so they need no timer.
_QUICK_CHARACTERS = 6000
# Of a file with several texts, one is looked up by itself if it has so many words, and one in so many is in no rule.
_SHORTEST_SECTION, _MOSTLY = 40, 10
_NO_TERMS = ("LicenseRef-scancode-unknown", "LicenseRef-scancode-warranty-disclaimer")
# Words of law, as many as a licence has, in which no licence was recognised.
UNRECOGNISED = "gleanery-terms-not-recognised"
# The text of a licence with words that may take something away: it is not that licence.
CHANGED = "gleanery-changed-text"
_FAILED, TIMED_OUT, TOO_MANY = "gleanery-detector-error", "gleanery-time-limit", "gleanery-too-many-matches"
_GIVEN_UP = (_FAILED, TIMED_OUT, TOO_MANY)
# Runs of words that are a whole rule. A 262 KB file of sixty licences has 434, the densest of 24,000 real files 498; a
# file of nothing but names of licences has one for each word, and takes minutes. Counting is the same on every machine.
_MOST_RUNS = 8_000
# SPDX tags anywhere in a line, and the licence field of a manifest at its beginning.
_TAG = re.compile(
    r"(?:spdx-license-identifier:|^[\"']?licen[sc]e(?:-expression)?[\"']?\s{0,4}[:=](?:\s*{\s*text\s*=)?)\s*(\S.*)$",
    re.IGNORECASE,
)
_RESTRICTED = ("Commercial", "Copyleft", "Free Restricted", "Proprietary Free", "Source-available")
_NAME = re.compile(r"LicenseRef-scancode-[\w.+-]+")
# Shorter texts of the library would be taken for licences by accident.
_SHORTEST_TEXT = 12
_OWN_NAME = re.compile(r"(?:DocumentRef-[\w.-]{1,60}:)?LicenseRef-(?!scancode-)[\w.-]{1,80}", re.IGNORECASE)
_SECOND_TAG = re.compile(r"spdx|licen[sc]e(?!ref-)", re.IGNORECASE)


class Scanner:
    """Finds licences in texts and remembers its answers.

    `seconds` is how long one text may take. A text that takes longer has the outcome `unknown`, and this is the only
    way in which a slow machine can give another answer than a fast one; raise it on such a machine. `tally` counts
    how texts were answered.

    On one core, the heads of 14,853 source files of a Python installation cost 0.32 ms each: 63 % had no word of law
    and 28 % were remembered, and the class of the answer was that of scancode's exact matching of the first 4 KB in all
    but two. 1,211 licence files cost 26 ms each, 30 of them needed approximate matching.
    """

    def __init__(self, seconds: float = 20.0, store: Store | None = None) -> None:
        self.seconds = seconds
        ways = ("silent", "tag", "remembered", "covered", "exact", "closest", "approximate")
        self.tally = dict.fromkeys(ways, 0)
        self._answers = Answers(store)

    @property
    def detector(self) -> str:
        """Detector, licence list, index and version of this module: everything that an answer depends on."""
        return _detector()

    def scan(self, content: bytes, scope: str) -> tuple[Finding, ...]:
        """The findings in some bytes, in the order of their lines; at least one, and never an error.

        `scope` is "whole", "readme" (whole, of a page that speaks of more than its licence) or "head"; ValueError on
        any other.
        """
        if scope not in ("whole", "readme", "head"):
            raise ValueError(f"scope is {scope}, not whole, readme or head")
        reading = read_text(content, "head" if scope == "head" else "whole")
        placed = list(self._answer(reading, b"dense" if scope == "whole" else b"prose"))
        if len(placed) > MOST_FINDINGS:
            placed = [*placed[: MOST_FINDINGS - 1], Finding("unknown", rule="gleanery-too-many-findings")]
        if reading.reserved:
            placed.append(Finding("found", NO_TRAINING, 100.0, "gleanery-no-ai-training", *reading.reserved))
        if reading.cut:
            placed.append(Finding("unknown", rule="gleanery-text-too-long"))
        placed = placed or [_nothing(reading)]
        return (replace(placed[0], copyrights=reading.copyrights), *placed[1:])

    def _answer(self, reading: Reading, dense: bytes) -> tuple[Finding, ...]:
        """The findings in a text; where none of them names a licence, those in the fuller form of the text."""
        if reading.dense:  # a licence text is compared as a whole, its owners with it
            return self._known_or_new(reading.full_lines, reading.full_numbers, dense)
        if reading.body:  # a short licence, or one in another language
            findings = self._remembered("\n".join(_without_tags(reading.body)[1]), b"body")
            if findings:
                return findings
        if is_silent("\n".join(reading.lines)):
            return self._count("silent", ())
        findings = self._known_or_new(reading.lines, reading.numbers, b"sparse")
        if not any(_is_identified(f) or f.rule in _GIVEN_UP for f in findings):
            findings = self._known_or_new(reading.full_lines, reading.full_numbers, b"sparse") or findings
        if not reading.prose or any(_names_terms(f) or f.rule in _GIVEN_UP for f in findings):
            return findings
        # The terms of a licence that exact matching does not know, such as an edited one: silence would be a lie.
        findings = self._known_or_new(reading.lines, reading.numbers, dense) or findings
        settled = any(_names_terms(f) or f.outcome == "unknown" for f in findings)
        return findings if settled else (*findings, Finding("unknown", rule=UNRECOGNISED))

    def _known_or_new(self, lines: tuple[str, ...], numbers: tuple[int, ...], how: bytes) -> tuple[Finding, ...]:
        """The answer to a normalised text, from its tags, from memory or from the detector."""
        if not lines:
            return ()
        tags, rest = _without_tags(lines)
        if tags and is_silent("\n".join(rest)):
            return tuple(_placed(f, numbers) for f in self._count("tag", tags))
        others = self._remembered("\n".join(rest), how)
        found = sorted((*tags, *others), key=lambda f: f.start_line or 0)
        return tuple(_placed(f, numbers) for f in found)

    def _remembered(self, text: str, how: bytes) -> tuple[Finding, ...]:
        """The answer to a text without tags, from memory or from the detector."""
        key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, person=how).digest()
        known = self._answers.get(key)
        if known is not None:
            return self._count("remembered", known)
        findings, finished = self._detect(text, how)
        if finished:
            self._answers.put(key, findings)
        return findings

    def _detect(self, text: str, how: bytes) -> tuple[tuple[Finding, ...], bool]:
        """The answer to a text that was not seen before; and whether there was time enough."""
        started = time.thread_time()
        try:
            ways = {
                b"dense": self._matched,
                b"prose": self._in_prose,
                b"sparse": self._covered,
                b"body": self._compared,
            }
            findings = ways[how](text)
        except TimeIsUp:
            return (Finding("unknown", rule=TIMED_OUT),), False
        except Exception:  # hostile text must not stop a run; the finding says that nothing is known
            return (Finding("unknown", rule=_FAILED),), True
        if time.thread_time() - started >= self.seconds:
            return (Finding("unknown", rule=TIMED_OUT),), False
        return findings, True

    def _compared(self, text: str) -> tuple[Finding, ...]:
        """A text that may be a known one: what the library says of it, or nothing."""
        lines = text.splitlines()
        words = _words(lines).without_lines(owner_lines(lines))
        opinion = _opinion(words)
        if opinion is None or not (opinion.alone or opinion.change):
            return ()
        return self._count("closest", (_of_opinion(opinion),))

    def _in_prose(self, text: str) -> tuple[Finding, ...]:
        """The licence text in a head or a README: what stands above or below it is about the work."""
        return self._matched(text, inside=True)

    def _matched(self, text: str, inside: bool = False) -> tuple[Finding, ...]:
        """A licence text: exact matching; where that leaves words over, the library; where nothing is sure, all.

        `inside`: a sentence is a change only between words of the licence, unless it forbids or limits something.
        """
        query = _query(text)
        if _runs(query) is None:
            return (Finding("unknown", rule=TOO_MANY),)
        return within(self.seconds, lambda: self._recognised(query, inside))

    def _recognised(self, query: Any, inside: bool) -> tuple[Finding, ...]:
        lines = query.query_string.splitlines()
        words = _words(lines)
        owners = owner_lines(lines)
        body = words.without_lines(owners)
        if (equal := _library().equal(body)) is not None:
            return self._count("closest", (_of_opinion(equal),))
        match = _match(query, False)
        self._count("exact", match.findings)
        more = match.more(words, owners)
        if match.solid and not more:
            return match.findings
        opinion = _opinion(body, inside)
        if opinion is not None and opinion.alone:
            self._count("closest", ())
            if opinion.change is None and _say_only(match.findings, opinion.expression):
                return match.findings
            return (_of_opinion(opinion), *_others(match.findings, opinion))
        findings, left = match.findings, more
        if not inside:
            findings, left = _by_sections(lines, words, owners, match.findings, more)
        if left is more and not match.solid:
            better = _match(_query(query.query_string), True)
            self._count("approximate", ())
            findings, left = (better.findings, better.more(words, owners)) if better.findings else (findings, left)
        named = {part for f in findings for part in conjuncts(f.expression or "")}
        asked = bool(named) and not any(map(_is_restricted, named))
        change = _library().change_beside(words, left, named, inside) if asked else None
        return findings if change is None else _with_change(findings, change)

    def _covered(self, text: str) -> tuple[Finding, ...]:
        """Any other text: exact matching, once for all texts that look the same to it."""
        query = _query(text)
        runs = _runs(query)
        if runs is None:
            return (Finding("unknown", rule=TOO_MANY),)
        words = covered_words(runs)
        if not words and not query.spdx_lines:
            return self._count("covered", ())
        key = key_of(query, words, _whole_rule(query))
        if key is None:
            return self._exact(query, None)
        known = self._answers.get(key)
        if known is None:
            known = self._exact(query, words)
            self._answers.put(key, known)
        else:
            self._count("covered", known)
        return tuple(_at_lines(f, words, query.line_by_pos) for f in known)

    def _exact(self, query: Any, words: list[int] | None) -> tuple[Finding, ...]:
        if len(query.query_string) < _QUICK_CHARACTERS:
            return self._count("exact", _match(query, False, words).findings)
        return self._count("exact", within(self.seconds, lambda: _match(query, False, words)).findings)

    def _count(self, how: str, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        self.tally[how] += 1
        return findings


def warm() -> None:
    """Load the licence index, run one scan, and set both apart from the garbage collector.

    Call it once in a process that then forks its workers: they share the index (1.07 GB; a worker adds about
    30 MB of its own) instead of loading it, which takes 2 to 5 seconds and 1.4 GB at its peak.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        Scanner().scan(b"Permission to use this file is granted under the terms of some license.\n" * 9, "whole")
        _detector()
    finally:
        if enabled:
            gc.enable()
    gc.freeze()


def _nothing(reading: Reading) -> Finding:
    """Nothing was found; but a tag whose expression was cut off or makes no sense states a licence all the same."""
    tagged = any(line.lower().startswith("spdx-license-identifier:") for line in reading.lines)
    return Finding("unknown", rule="gleanery-tag-not-read") if tagged else Finding("none")


def _placed(finding: Finding, numbers: tuple[int, ...]) -> Finding:
    """The finding with lines of the file instead of lines of the normalised text."""
    if finding.start_line is None or finding.end_line is None or not numbers:
        return finding
    # The detector cuts very long lines in pieces and counts each, so its numbers may lie beyond the last line.
    first, last = (numbers[min(n, len(numbers)) - 1] for n in (finding.start_line, finding.end_line))
    return replace(finding, start_line=first, end_line=last)


def _is_identified(finding: Finding) -> bool:
    """Whether a finding names a licence, and does not only say that there is one."""
    return any(not key.startswith("LicenseRef-scancode-unknown") for key in keys(finding.expression or ""))


def _names_terms(finding: Finding) -> bool:
    """Whether a finding names a licence, and not only a disclaimer of warranty."""
    return any(not key.startswith(_NO_TERMS) for key in keys(finding.expression or ""))


def _without_tags(lines: tuple[str, ...]) -> tuple[tuple[Finding, ...], list[str]]:
    """What SPDX tags and licence fields say, once for each expression, and the lines without them.

    A tag counts where its line holds nothing else and each id in it is known; the detector reads any other.
    """
    findings: dict[str, Finding] = {}
    rest = list(lines)
    for number, line in enumerate(lines, 1):
        tag = _TAG.search(line)
        if tag is None or not is_silent(line[: tag.start()]) or _SECOND_TAG.search(tag[1]):
            continue
        expression = _spdx(tag[1])
        if expression is not None:
            rule = "spdx-license-identifier" if "spdx" in tag[0].lower() else "license-field"
            findings.setdefault(expression, Finding("found", expression, 100.0, rule, number, number))
            rest[number - 1] = ""
    return tuple(findings.values()), rest


@lru_cache(maxsize=4096)
def _spdx(text: str) -> str | None:
    """An expression in the current SPDX spelling, or None unless each of its ids is known."""
    tree = parse(text.strip().lstrip("\"'`<").rstrip("\"'`,;.*/<>-}]|\\ "))
    spelled = None if tree is None else _respelled(tree)
    return None if spelled is None else str(spelled)


def _respelled(tree: Expression) -> Expression | None:
    """The tree with each id in its current SPDX spelling, or None if one of them is not known."""
    if tree.word != "ID":
        parts = [_respelled(part) for part in tree.parts]
        return Expression(tree.word, tuple(p for p in parts if p)) if all(parts) else None
    known = _scancode().symbols
    if _OWN_NAME.fullmatch(tree.license) and tree.exception is None:
        return (
            tree  # a name of the project's own making, which no policy knows: its side of a choice counts for nothing
        )
    names = [name.lower() for name in (tree.license, tree.exception) if name is not None]
    if any(name not in known for name in names):
        return None
    spelled = [str(known[name].wrapped.spdx_license_key) for name in names]
    return Expression("ID", (), spelled[0], spelled[1] if len(spelled) > 1 else None)


def _query(text: str) -> Any:
    """The text as scancode cuts it into words. Matching uses a query up: another matching needs another one."""
    scancode = _scancode()
    return scancode.Query(query_string=text, idx=scancode.index, line_threshold=15)


def _runs(query: Any) -> list[tuple[int, int]] | None:
    return rule_runs(query.tokens, _scancode().index.rules_automaton, _MOST_RUNS)


def _whole_rule(query: Any) -> int | None:
    """The number of the rule that the text is, word by word."""
    scancode = _scancode()
    found: int | None = scancode.index.rid_by_hash.get(scancode.tokens_hash(query.tokens))
    return found


def _words(lines: list[str]) -> Words:
    return words_of(lines, _scancode().passed_over)


def _opinion(words: Words, inside: bool = False) -> Opinion | None:
    """What the library says. A change to a licence that is refused anyway does not matter: it is still that licence."""
    opinion = _library().opinion(words, inside)
    return replace(opinion, change=None) if opinion is not None and _is_restricted(opinion.expression) else opinion


def _by_sections(
    lines: list[str], words: Words, owners: Collection[int], findings: tuple[Finding, ...], more: list[int]
) -> tuple[tuple[Finding, ...], list[int]]:
    """Findings and uncovered words of a file of several texts, where the library knows some that the detector does not.

    The very lists that were given come back where it knows none of them.
    """
    left, found = set(more), list(findings)
    for section in sections(lines, owners):
        places = [n for n in _places(words, section) if words.lines[n] not in owners]
        if len(places) < _SHORTEST_SECTION or len(left.intersection(places)) * _MOSTLY < len(places):
            continue
        opinion = _opinion(words.between(section.start, section.stop - 1).without_lines(owners), True)
        if opinion is not None and opinion.change is None:
            inner = [f for f in found if f.start_line in section and f.end_line in section]
            found = [f for f in found if f not in inner] + [_of_opinion(opinion)]
            left = left.difference(places) | {places[n] for n in opinion.more}
    if len(found) == len(findings) and left == set(more):
        return findings, more
    return tuple(sorted(found, key=lambda f: f.start_line or 0)), sorted(left)


def _places(words: Words, section: range) -> range:
    """The places of the words on some lines."""
    return range(bisect_left(words.lines, section.start), bisect_left(words.lines, section.stop))


def _is_restricted(expression: str) -> bool:
    """Whether all licences of an expression are known to forbid something or to ask for more than a notice."""
    known = _scancode().symbols
    named = [known.get(key.lower()) for key in keys(expression)]
    return bool(named) and all(symbol is not None and symbol.wrapped.category in _RESTRICTED for symbol in named)


def _of_opinion(opinion: Opinion) -> Finding:
    """What the library says, as a finding: of a text that somebody changed, the lines of the change."""
    if opinion.change is not None:
        return Finding("unknown", None, opinion.score, f"{CHANGED}, {opinion.rule}", *opinion.change)
    return Finding("found", opinion.expression, opinion.score, opinion.rule, *opinion.lines)


def _say_only(findings: tuple[Finding, ...], expression: str) -> bool:
    return bool(findings) and {f.expression for f in findings} == {expression}


def _others(findings: tuple[Finding, ...], opinion: Opinion) -> tuple[Finding, ...]:
    """What the detector found in a changed text beside the licence that was changed."""
    return tuple(f for f in findings if opinion.change and _is_identified(f) and f.expression != opinion.expression)


def _with_change(findings: tuple[Finding, ...], lines: tuple[int, int]) -> tuple[Finding, ...]:
    """Findings of a text with words that may take something away: of one licence the doubt alone is left."""
    changed = Finding("unknown", None, findings[0].score, f"{CHANGED}, {findings[0].rule}"[:200], *lines)
    one = len({f.expression for f in findings}) == 1
    return (changed,) if one else tuple(sorted((*findings, changed), key=lambda f: f.start_line or 0))


def _at_lines(finding: Finding, words: list[int], line_by_word: list[int]) -> Finding:
    """A finding that counts in covered words as one that counts in lines."""
    if finding.start_line is None or finding.end_line is None:
        return finding
    first, last = (line_by_word[words[at]] for at in (finding.start_line, finding.end_line))
    return replace(finding, start_line=first, end_line=last)


@dataclass(frozen=True)
class _Match:
    """What scancode says about a text; whether it leaves no doubt; and the words that its rules cover."""

    findings: tuple[Finding, ...]
    solid: bool
    covered: Collection[int]

    def more(self, words: Words, owners: Collection[int]) -> list[int]:
        """The words that no rule covers and that stand on no line of an owner."""
        more = beyond(words, _scancode().index.dictionary, self.covered)
        return [n for n in more if words.lines[n] not in owners]


def _match(query: Any, approximate: bool, words: list[int] | None = None) -> _Match:
    """What scancode says about a text, as findings in the order of lines.

    With `words`, first and last line of a finding are places in this list of words instead.
    scancode's own deadline is not used: what it returns after it is partial and looks complete.
    """
    scancode = _scancode()
    matches = scancode.index.match_query(query, approximate=approximate)
    place = None if words is None else {at: number for number, at in enumerate(words)}.__getitem__
    groups = scancode.detection.group_matches(matches) if matches else []
    found = [f for f in (_finding(list(group), place) for group in groups) if f is not None]
    # A hint is worth a finding only where nothing better was found: fragments of a licence that was recognised
    # beside them say nothing new.
    identified = tuple(f for f in found if f.outcome == "found")
    # A rule that only says that there is a licence does not explain what stands beside it.
    telling = (m.qspan for m in matches if not str(m.rule.license_expression).startswith(("unknown", "free-unknown")))
    return _Match(identified or tuple(found), _is_solid(identified, matches), {n for span in telling for n in span})


def _is_solid(findings: tuple[Finding, ...], matches: list[Any]) -> bool:
    """Whether a licence text was recognised as a whole, or one licence is named with a high score.

    Many small matches and no whole text are the shards of a text that was reflowed or edited.
    """
    if any(m.rule.is_license_text and m.rule.length >= _WHOLE_TEXT_WORDS and m.coverage() >= 98 for m in matches):
        return True
    sure = {f.expression for f in findings if _is_identified(f) and (f.score or 0.0) >= _SURE_SCORE}
    return len(sure) == 1 and len({f.expression for f in findings if _is_identified(f)}) == 1


def _finding(group: list[Any], place: Callable[[int], int] | None = None) -> Finding | None:
    """One group of matches; None where scancode takes them for a false alarm. `place` is of the words of the text."""
    scancode = _scancode()
    analysis = scancode.detection.analyze_detection(group)
    _, key = scancode.detection.get_detected_license_expression(analysis=analysis, license_matches=group)
    rules = ", ".join(dict.fromkeys(str(match.rule.identifier) for match in group))[:200]
    if place is None:
        first, last = min(m.start_line for m in group), max(m.end_line for m in group)
    else:
        first, last = place(min(m.qstart for m in group)), place(max(m.qend for m in group))
    length = sum(match.len() for match in group)
    score = round(min(sum(m.score() * m.len() for m in group) / length, 100.0), 2) if length else 0.0
    if key is None:
        if analysis == scancode.detection.DetectionCategory.FALSE_POSITVE.value:
            return None
        return Finding("unknown", None, score, rules, first, last)
    expression = _spdx_of(str(key))
    if parse(expression) is None:  # longer or deeper than any true one
        return Finding("unknown", None, score, rules, first, last)
    return Finding("found", expression, score, rules, first, last)


@lru_cache(maxsize=16_384)
def _spdx_of(key: str) -> str:
    """An expression of scancode's in SPDX ids, also in those that are newer than its list."""
    scancode = _scancode()
    expression = str(scancode.cache.build_spdx_license_expression(key, licensing=scancode.licensing))
    return _NAME.sub(lambda name: spdx_texts.names().get(name[0], name[0]), expression)


@lru_cache(maxsize=1)
def _library() -> Library:
    """SPDX's own texts that the detector does not have, then the detector's texts of single licences by their rank."""
    scancode = _scancode()
    numbers = dict(scancode.index.dictionary)
    known = []
    for spdx, (expression, text) in spdx_texts.texts().items():
        lines = text.splitlines()
        words = _words(lines).without_lines(owner_lines(lines)).words
        numbered = [numbers.setdefault(word, len(numbers)) for word in words]
        known.append(Known(f"spdx:{spdx}", expression, numbered, _name_of(expression)))
    own = len(known)
    for rule in sorted(_texts_of_rules(), key=lambda rule: (not rule.is_from_license, str(rule.identifier))):
        expression = _spdx_of(str(rule.license_expression))
        words = scancode.index.tids_by_rid[rule.rid]
        known.append(Known(str(rule.identifier), expression, words, _name_of(expression)))
    return Library(known, numbers, own)


@lru_cache(maxsize=4096)
def _name_of(expression: str) -> frozenset[str]:
    """The words of the names of the licences in an expression."""
    known = [_scancode().symbols.get(key.lower()) for key in keys(expression)]
    names = [f"{symbol.wrapped.name} {symbol.wrapped.short_name}" for symbol in known if symbol is not None]
    return frozenset(_words([expression.replace("LicenseRef-scancode-", ""), *names]).words)


def _texts_of_rules() -> Iterator[Any]:
    """The rules that are the whole text of a licence that has a name."""
    scancode = _scancode()
    for rule in scancode.index.rules_by_rid:
        if rule.is_license_text and len(scancode.index.tids_by_rid[rule.rid]) >= _SHORTEST_TEXT:
            named = [scancode.symbols.get(key.lower()) for key in keys(_spdx_of(str(rule.license_expression)))]
            if all(symbol is None or not (symbol.wrapped.is_generic or symbol.wrapped.is_unknown) for symbol in named):
                yield rule


@dataclass(frozen=True)
class _Scancode:
    """The parts of scancode that this module uses."""

    cache: Any
    detection: Any
    Query: Any
    index: Any
    licensing: Any
    symbols: dict[str, Any]
    tokens_hash: Any
    passed_over: frozenset[str]


@lru_cache(maxsize=1)
def _scancode() -> _Scancode:
    """Import scancode and load its index."""
    with _own_folders():
        from licensedcode import cache, detection
        from licensedcode.match_hash import tokens_hash
        from licensedcode.query import Query
        from licensedcode.stopwords import STOPWORDS

        _index_file()
        loaded = _loaded(cache)
    symbols, passed_over = loaded.spdx_symbols, frozenset(STOPWORDS)
    return _Scancode(cache, detection, Query, loaded.index, loaded.licensing, symbols, tokens_hash, passed_over)


@contextlib.contextmanager
def _own_folders() -> Iterator[None]:
    """Where scancode may be imported.

    Its import makes folders in the user's home and in the temporary folder, and leaves them there. It gets a folder of
    our own instead, which goes away again: matching writes nothing.
    """
    names = ("SCANCODE_CACHE", "SCANCODE_TEMP")
    before = {name: os.environ.get(name) for name in names}
    with tempfile.TemporaryDirectory(prefix="gleanery-scancode-", ignore_cleanup_errors=True) as folder:
        os.environ.update(dict.fromkeys(names, folder))
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


def _loaded(cache: Any) -> Any:
    """The index, without the garbage collector, which doubles the time: millions of objects and none is garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        return cache.get_cache()
    finally:
        if enabled:
            gc.enable()


def _index_file() -> Path:
    """The licence index that came with scancode; StopRun where it is missing, as building one takes minutes."""
    with _own_folders():
        configured = importlib.import_module("scancode_config").licensedcode_cache_dir
    path = Path(str(configured)) / "license_index" / "index_cache"
    if not path.is_file() or not path.stat().st_size:
        raise StopRun("The licence index of scancode-toolkit is missing.", "Install scancode-toolkit again.")
    return path


def detector_name(store: Store | None = None) -> str:
    """Detector, licence list, index and version of this module, without loading the index.

    The digest of the index, 413 MB, costs 0.3 to 1 s; a store keeps it for as long as the file is not touched.
    """
    if store is None:
        return _detector()
    file = _index_file()
    at = file.stat()
    key = f"index {file} {at.st_size} {at.st_mtime_ns} {at.st_ino}"
    digest = store.get(key)
    if not isinstance(digest, str):
        digest = _index_digest()
        store.put({key: digest})
    return _named(digest)


@lru_cache(maxsize=1)
def _detector() -> str:
    return _named(_index_digest())


@lru_cache(maxsize=1)
def _index_digest() -> str:
    with open(_index_file(), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def _named(digest: str) -> str:
    version = importlib.metadata.version("scancode-toolkit")
    with _own_folders():
        listed = importlib.import_module("scancode_config").spdx_license_list_version
    return f"scancode-toolkit {version} / SPDX list {listed} / index sha256:{digest} / gleanery-scan {SCAN_VERSION}"
