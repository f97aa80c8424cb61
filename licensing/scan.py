"""Licence findings in one text.

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
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import re2

from gleanery.licensing.findings import (
    MAYBE_NO_TRAINING,
    TAG_NOT_READ,
    UNRECOGNISED,
    Finding,
    in_order,
    reservation_on,
    with_owners,
)
from gleanery.licensing.index import detector_name
from gleanery.licensing.known_texts import library, unbroken
from gleanery.licensing.matches import is_identified
from gleanery.licensing.reading import Reading, is_silent, read_text
from gleanery.licensing.recognition import TOO_MANY, Recognition, is_vague, names_terms
from gleanery.licensing.remembered import Remembered, Store
from gleanery.licensing.tags import without_tags
from gleanery.licensing.time_limit import TimeIsUp

MOST_FINDINGS = 64
# A file is read as one text, and again without what it says of others and of parts.
FILE_LIMIT = 2
_FAILED, TIMED_OUT = "gleanery-detector-error", "gleanery-time-limit"
# A tag that stands for itself, and what a choice has.
_A_TAG, _OFFERS = re2.compile(r"(?i)^\W{0,40}(?:(?:dnl|rem)\W{1,10})?spdx"), re2.compile(r"(?i)\bor\b|[/|]")
_GIVEN_UP = (_FAILED, TIMED_OUT, TOO_MANY)


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
        self._until: float | None = None
        ways = ("silent", "tag", "remembered", "covered", "exact", "closest", "approximate")
        self.tally = dict.fromkeys(ways, 0)
        self._answers = Remembered(store)
        self._recognition = Recognition(self._answers, self._left, self.tally)

    @property
    def detector(self) -> str:
        """Detector, licence list, index and version of this module: everything that an answer depends on."""
        return detector_name()

    def scan(self, content: bytes, scope: str) -> tuple[Finding, ...]:
        """The findings in some bytes, in the order of their lines; at least one, and never an error.

        `scope` is "whole", "readme" (whole, of a page that speaks of more than its licence) or "head"; ValueError on
        any other.
        """
        if scope not in ("whole", "readme", "head"):
            raise ValueError(f"scope is {scope}, not whole, readme or head")
        reading = read_text(unbroken(content), "head" if scope == "head" else "whole")
        placed = list(self._answer(reading, b"dense" if scope == "whole" else b"prose"))
        if len(placed) > MOST_FINDINGS:
            placed = [*placed[: MOST_FINDINGS - 1], Finding("unknown", rule="gleanery-too-many-findings")]
        if reading.reserved:
            placed.append(reservation_on(*reading.reserved))
        if reading.doubted:
            placed.append(Finding("unknown", None, None, MAYBE_NO_TRAINING, *reading.doubted))
        if reading.cut:
            placed.append(Finding("unknown", rule="gleanery-text-too-long"))
        return with_owners(placed or [_nothing(reading)], reading.copyrights)

    @contextlib.contextmanager
    def one_file(self) -> Iterator[None]:
        """What is scanned inside is one file: all of it together may take `FILE_LIMIT` times as long as one text."""
        outer = self._until
        self._until = outer or time.thread_time() + FILE_LIMIT * self.seconds
        try:
            yield
        finally:
            self._until = outer

    def _left(self) -> float:
        """The CPU seconds that the next text may take."""
        left = self.seconds if self._until is None else self._until - time.thread_time()
        return min(left, self.seconds)

    def _answer(self, reading: Reading, dense: bytes) -> tuple[Finding, ...]:
        """The findings in a text; where none of them names a licence, those in the fuller form of the text."""
        if reading.dense:  # a licence text is compared as a whole, its owners with it
            return self._known_or_new(reading.full_lines, reading.full_numbers, dense)
        if reading.body:  # a short licence, or one in another language
            findings = self._remembered("\n".join(without_tags(reading.body)[1]), b"body")
            if findings:
                return findings
        if is_silent("\n".join(reading.lines)):
            return self._count("silent", ())
        findings = self._known_or_new(reading.lines, reading.numbers, b"sparse")
        if not any(is_identified(f) or f.rule in _GIVEN_UP for f in findings):
            findings = self._known_or_new(reading.full_lines, reading.full_numbers, b"sparse") or findings
        if not reading.prose or any(f.rule in _GIVEN_UP for f in findings):
            return findings
        telling = [f for f in findings if names_terms(f)]
        if not all(map(is_vague, telling)):  # what is named may be a piece of another licence
            lines, numbers = reading.terms[0]
            tags, rest = without_tags(lines)
            whole = self._remembered("\n".join(rest), b"terms")
            return tuple(_placed(f, numbers) for f in in_order((*tags, *whole))) if whole else findings
        # The terms of a licence that exact matching does not know, such as an edited one: silence would be a lie.
        better: tuple[Finding, ...] = ()
        for form in reading.terms:
            better = self._known_or_new(*form, dense) or better or findings
            if any((names_terms(f) and not is_vague(f)) or f.outcome == "unknown" for f in better):
                return better
        return findings if telling else (*better, Finding("unknown", rule=UNRECOGNISED))

    def _known_or_new(self, lines: tuple[str, ...], numbers: tuple[int, ...], how: bytes) -> tuple[Finding, ...]:
        """The answer to a normalised text, from its tags, from memory or from the detector."""
        if not lines:
            return ()
        tags, rest = without_tags(lines)
        if tags and is_silent("\n".join(rest)):
            return tuple(_placed(f, numbers) for f in self._count("tag", tags))
        others = _without_guessed_choices(self._remembered("\n".join(rest), how), lines)
        return tuple(_placed(f, numbers) for f in in_order((*tags, *others)))

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
        if self._left() <= 0:
            return (Finding("unknown", rule=TIMED_OUT),), False
        library()  # made before the clock starts: a slow machine must not count it against the first text
        started, limit = time.thread_time(), self._left()
        try:
            findings = self._recognition.of(text, how)
        except TimeIsUp:
            return (Finding("unknown", rule=TIMED_OUT),), False
        except Exception:  # hostile text must not stop a run; the finding says that nothing is known
            return (Finding("unknown", rule=_FAILED),), True
        if time.thread_time() - started >= limit:
            return (Finding("unknown", rule=TIMED_OUT),), False
        return findings, True

    def _count(self, how: str, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        self.tally[how] += 1
        return findings


def _without_guessed_choices(findings: tuple[Finding, ...], lines: Sequence[str]) -> tuple[Finding, ...]:
    """The findings without choices that no tag offers: of "MIT Acme" the detector takes each word for a side."""
    return tuple(replace(f, expression=TAG_NOT_READ) if _is_guessed(f, lines) else f for f in findings)


def _is_guessed(finding: Finding, lines: Sequence[str]) -> bool:
    expression = finding.expression or ""
    if "scancode-unknown-spdx" not in expression or " OR " not in expression or not finding.start_line:
        return False
    said = [line for line in lines[finding.start_line - 1 : finding.end_line] if _A_TAG.search(line)]
    return bool(said) and not any(_OFFERS.search(line) for line in said)


def warm() -> None:
    """Load the licence index, run one scan, and set both apart from the garbage collector.

    Call it once in a process that then forks its workers: they share the index (1.07 GB; a worker adds about
    30 MB of its own) instead of loading it, which takes 2 to 5 seconds and 1.4 GB at its peak.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        Scanner().scan(b"Permission to use this file is granted under the terms of some license.\n" * 9, "whole")
        detector_name()
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
