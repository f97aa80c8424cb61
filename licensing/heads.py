"""What the head of a source file states.

In: the bytes of a file. Out: findings: what the detector finds, and what it cannot know: pointers, choices, limits,
refusals, names that nobody knows, and words that only mention a licence. The order of the rules is that of
`findings_of_head`. Costs what the detector costs, and 30 µs.
"""

from collections.abc import Sequence
from dataclasses import replace

import re2

from gleanery.licensing.alternatives import with_alternative
from gleanery.licensing.choices import LONGEST_CHOICE, with_choice, with_dual
from gleanery.licensing.copyright_lines import MAX_COPYRIGHTS
from gleanery.licensing.denials import with_denials
from gleanery.licensing.endings import last_comment, may_point, pointing_line
from gleanery.licensing.expressions import POINTER, conjuncts, only_points
from gleanery.licensing.findings import MENTIONED, Finding, moved, with_owners
from gleanery.licensing.grants import with_mentions
from gleanery.licensing.known_texts import is_restricted
from gleanery.licensing.limits import limit_of_head
from gleanery.licensing.lines import spoken, text_of, with_usual_signs, without_code
from gleanery.licensing.lookalikes import without_any_use, without_lookalikes
from gleanery.licensing.permissions import with_permission
from gleanery.licensing.reading import HEAD_CHARACTERS, head_lines
from gleanery.licensing.refusals import may_refuse, refusal_in
from gleanery.licensing.restricted_names import may_be_restricted, restricted_lines
from gleanery.licensing.scan import Scanner
from gleanery.licensing.tag_words import with_tag_words
from gleanery.licensing.unheard import unheard

# "The license described in the LICENSE file": a pointer.
_POINTS = re2.compile(
    r"(?i)\b(?:licen[sc]e|terms)\b[^.]{0,60}\b(?:in|file|see)\b[^.]{0,40}\b(?:(?-i:LICEN[SC]E|COPYING|COPYRIGHT)\b|"
    r"licen[sc]e\.(?:txt|md)|licen[sc]e file)"
)
# "The license described in ... See the LICENSE file": a sentence of its own that points.
_SEE = re2.compile(r"(?i)\bsee (?:the )?(?:file )?[\"'`]?(?-i:LICEN[SC]E|COPYING|COPYRIGHT)\b")
# A hint says something only where one of these words stands beside it: "a BSD-style daemon" is no licence.
_OF_LAW = re2.compile(
    r"(?i)licen[sc]|terms|permi[ts]|distribut|cop(?:y|ies)|released|rights|warrant|\bfree|public|commercial|propriet|"
    r"confident|secret|share|restrict"
)
# A sentence with one of these points nowhere: it keeps the file back.
_KEEPS_BACK = re2.compile(r"(?i)\bprohibited|\bforbidden|\bconfidential|\bproprietary")
_LICENSE = re2.compile(r"(?i)licen[sc]|spdx")
# The words "public domain" by themselves: no licence, and no restriction either.
_HARMLESS_HINTS = ("public-domain_bare_words", "public-domain_bare")


def findings_of_head(scanner: Scanner, content: bytes) -> tuple[Finding, ...]:
    """The findings in the head of a source file; at least one.

    1. Tags that hold words in the place of an expression get the expression that they name; words that only look like
       a licence are left out, and the detector reads the rest.
    2. Choices that go over several sentences ("dual licensed", "alternatively") take the place of their sides.
    3. What the head says beyond the detector is looked for: a limit of use, or else a refusal, or else the name of a
       licence that holds another name. It counts unless the detector names a restricted licence in the same words.
    4. What a sentence denies is a doubt. Hints that name no restriction are mentions, and "see LICENSE" is a pointer.
    5. "Either A or B" is a choice, and what is not said of this file is a mention.
    6. Where nothing names a licence by now, a name that nobody knows is a doubt; and so are, where nothing is stated at
       all, words that permit something.
    7. Where the head says that the licence stands at the end of the file, the last comment is read in the same way.
    """
    text = text_of(content[: 4 * HEAD_CHARACTERS])
    points = pointing_line(head_lines(text)) if may_point(text) else None
    lines = [] if points is None else text_of(content).split("\n")
    start = last_comment(lines)
    if points is None or start is None or start <= points:
        return _findings(scanner, text)
    above, below = (_findings(scanner, "\n".join(piece)) for piece in (lines[:start], lines[start:]))
    if all(f.outcome == "none" for f in below):
        return above
    owners = tuple(dict.fromkeys((*above[0].copyrights, *below[0].copyrights)))[:MAX_COPYRIGHTS]
    rest = [f for f in above if f.outcome != "none" and not _only_points_on(f, points + 1)]
    return with_owners((*rest, *(moved(f, start) for f in below)), owners)


def _only_points_on(finding: Finding, number: int) -> bool:
    """Whether a finding is the line that points to the end of the file, and names no licence."""
    return (finding.start_line, finding.end_line) == (number, number) and not finding.names_licence


def _findings(scanner: Scanner, text: str) -> tuple[Finding, ...]:
    """What one text states, which is the head of a file or stands at its end."""
    text = with_tag_words(scanner, with_usual_signs(text))
    lines = head_lines(text)
    found = scanner.scan(without_lookalikes(text).encode("utf-8", "replace"), "head")
    found = _with_choices(scanner, without_any_use(found, lines), lines)
    said = _beyond(lines, names_licence=any(f.names_licence for f in found))
    said = () if any(_knows(f, said) for f in found) else said
    if all(f.outcome == "none" for f in found):
        found = with_owners(said, found[0].copyrights) if said else _with_unheard(lines, found)
    else:
        found = _stated(lines, found)
        found = (*found, *said) if said or not all(map(_says_little, found)) else _with_unheard(lines, found)
    return with_permission(lines, found)


def _with_choices(scanner: Scanner, found: tuple[Finding, ...], lines: list[str]) -> tuple[Finding, ...]:
    """The findings with the choices that go over several sentences."""
    if not any(f.outcome == "found" for f in found):
        return found
    return with_alternative(scanner, with_dual(scanner, found, lines), lines, "head")


def _stated(lines: list[str], found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """What the findings of the detector state of the file."""
    found = with_denials([_of_hint(f, lines) for f in found], lines)
    if any(f.outcome == "found" and len(conjuncts(f.expression or "")) > 1 for f in found):
        found = tuple(with_choice(f, lines) for f in found)
    return with_mentions(found, lines)


def _beyond(lines: list[str], names_licence: bool) -> tuple[Finding, ...]:
    """What a head says beyond the detector: a limit, a refusal, or the name of a licence that holds another name."""
    text = "\n".join(lines)
    said = limit_of_head(text)
    refuses, names = may_refuse(text), may_be_restricted(text)
    if said or not (refuses or names):
        return said
    spoken_lines = without_code(lines)
    said = refusal_in(spoken_lines, names_licence) if refuses else ()
    return said or restricted_lines([line if _LICENSE.search(line) else "" for line in spoken_lines])


def _knows(finding: Finding, said: tuple[Finding, ...]) -> bool:
    """Whether the detector names a restricted licence in the words of a limit or a refusal."""
    if finding.outcome != "found" or not any(map(is_restricted, conjuncts(finding.expression or ""))):
        return False
    return any((finding.start_line or 0) <= (f.start_line or 0) <= (finding.end_line or 0) for f in said)


def _with_unheard(lines: Sequence[str], found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings, or a doubt in the place of the first for a licence that nobody knows."""
    doubt = unheard(lines)
    return (replace(doubt[0], copyrights=found[0].copyrights), *found[1:]) if doubt else found


def _says_little(finding: Finding) -> bool:
    """Whether a finding names no licence, so that one which nobody knows may stand beside it."""
    if finding.outcome == "mentioned":
        return not finding.is_by(MENTIONED)
    return finding.outcome == "found" and only_points(finding.expression or "")


def _of_hint(finding: Finding, lines: list[str]) -> Finding:
    if finding.outcome != "unknown" or finding.start_line is None or finding.end_line is None:
        return finding
    if finding.is_by(*_HARMLESS_HINTS):
        return replace(finding, outcome="mentioned")
    said = " ".join(spoken(line) for line in lines[finding.start_line - 1 : finding.end_line + 1])
    if not _OF_LAW.search(said):
        return replace(finding, outcome="mentioned")
    if _KEEPS_BACK.search(said):
        return finding
    if finding.end_line - finding.start_line < LONGEST_CHOICE and (_POINTS.search(said) or _SEE.search(said)):
        return replace(finding, outcome="found", expression=POINTER)
    return finding
