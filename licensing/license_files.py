"""What a licence file states: of its whole folder, of parts of it, of some files, and of other people's code.

In: the bytes of a licence file. Out: findings; those about folders and files carry their `paths`. The order of the
rules is that of `findings_of_license_file`. Costs what the detector costs: each piece that speaks of something else is
read by itself.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import re2

from gleanery.licensing.alternatives import with_alternative
from gleanery.licensing.choices import with_any_of, with_dual, without_foreign
from gleanery.licensing.denials import with_denials
from gleanery.licensing.expressions import conjuncts, only_points
from gleanery.licensing.fields import LONGEST_FIELD, resolved
from gleanery.licensing.file_sections import MOST_SECTIONS, Section, file_sections
from gleanery.licensing.findings import (
    ALL_OF_OTHERS,
    LIMITED,
    NO_TRAINING,
    OF_FILES,
    OWNERS_ONLY,
    POINTS_TO,
    THIRD_PARTIES,
    Finding,
    moved,
    surely_stated,
    with_owners,
)
from gleanery.licensing.foreign_limits import foreign_limit
from gleanery.licensing.grants import grants, may_be_mention, mention_of
from gleanery.licensing.included import above_pointed_to, included_only, pointed_to
from gleanery.licensing.limits import limit_in
from gleanery.licensing.lines import text_of
from gleanery.licensing.listed_files import listed_files
from gleanery.licensing.lookalikes import without_absent, without_comparisons
from gleanery.licensing.others import is_all_of_others, may_open, others_from
from gleanery.licensing.part_findings import of_part, without_texts_of_parts
from gleanery.licensing.parts import division
from gleanery.licensing.reading import WHOLE_CHARACTERS, owner_lines
from gleanery.licensing.recognition import names_terms
from gleanery.licensing.record_findings import findings_of_records
from gleanery.licensing.refusals import refusal_in
from gleanery.licensing.restricted_names import restricted_lines
from gleanery.licensing.scan import Scanner
from gleanery.licensing.tag_words import with_tag_words
from gleanery.licensing.unheard import unheard

# Lines at the beginning of a licence file in which it says what it is.
_TITLE = 20
# So many lines that may open a part about third parties are looked at where a licence was found around them.
_MOST_OPENED, _SURE_SCORE = 4, 99
_OWNERS_ONLY = re2.compile(
    r"(?i)^(?:(?:(?:year|copyright holders?|organi[sz]ation|owners?):[^\n]*\n?\s*)+|\W{0,20}licen[sc]es?\W{0,20})$"
)
_DEBIAN_FORM = re.compile(r"(?i)\s*format(?:-specification)?:[ \t]*\S*(?:copyright-format|dep5|dep-5)")
# A licence file that is nothing but an expression: "LGPL-2.1-only OR BSD-2-Clause".
_EXPRESSION = re2.compile(r"^\(*[\w.+-]+\)*(?: (?:AND|OR|WITH) \(*[\w.+-]+\)*){1,8}$")
_ABOVE_TEXT = re.compile(r"\A\s*Valid-License-Identifier:(?:(?!\nLicense-Text:).){0,6000}\nLicense-Text:", re.DOTALL)
# The whole of what a heading says of its files: "src/frob (parts): public domain".
_PUBLIC_DOMAIN = re2.compile(r"(?i):\s*(?:in the )?public[- ]domain\W*$")
_RESERVED = re2.compile(r"(?i)rights reserved")
_TOO_MANY_PARTS = Finding("unknown", rule="gleanery-too-many-parts")


def findings_of_license_file(scanner: Scanner, content: bytes) -> tuple[Finding, ...]:
    """The findings of a licence file; at least one.

    1. Sentences about other works ("compatible with the GPL", "not included") are left out.
    2. A file that only includes another one, or names owners only, states nothing; one in the machine-readable form of
       Debian, or that is nothing but an expression, is read as such.
    3. Sections for some files are set apart (`OF_FILES`), then sentences about folders (`PART`) where the file also
       says what holds for everything else, then what it says of third parties (`THIRD_PARTIES`).
    4. In what is left choices are choices, denials are doubts, and a file that only mentions licences leaves a doubt.
    5. Limits, refusals, names that hold another name, and names that nobody knows are added. What a text states whose
       title is about third parties bears a mark (`ALL_OF_OTHERS`), by which a NOTICE is told from another.
    """
    text = with_tag_words(scanner, of_the_work(content))
    found = _scanned(scanner, text)
    own_form = _of_another_form(scanner, content, text, found)
    if own_form:
        return own_form
    owners = found[0].copyrights
    lines, listed = _without_lists(scanner, text.split("\n"))
    lines, of_files = _without_files(scanner, lines)
    of_files = (*listed, *of_files)
    divided = division(lines)
    whole = list(divided.others) if divided.rest else lines
    parts = tuple(of_part(scanner, part) for part in divided.parts)
    if of_files or divided.rest:
        found = with_owners(_scanned(scanner, "\n".join(whole)), owners)
    if divided.rest:
        found = without_texts_of_parts(scanner, found, divided, parts)
    found, others, above = _without_others(scanner, found, whole)
    whole = whole[:above]  # what others offer a choice of is no choice of the work
    found = with_dual(scanner, tuple(with_any_of(f, whole) for f in found), whole)
    found = with_alternative(scanner, found, whole, "whole")
    found = _with_doubts(with_denials(without_foreign(found, lines, ""), lines), lines)
    found = _with_limits(found, divided.others)
    if all(f.outcome == "none" for f in found):
        found = (*found, *unheard(lines))
    found = _with_title(found, lines)
    return (*found, *parts, *others, *of_files, *((_TOO_MANY_PARTS,) if divided.cut else ()))


def of_the_work(content: bytes) -> str:
    """As much of a text as the scanner reads, without the licences of other works; as many lines as before.

    "Compatible with the GPL" says that its licence is another one, and what is "(not included)" has its own. What
    stands above the text in the licence files of Linux says how to use it.
    """
    text = without_absent(without_comparisons(text_of(content[: 4 * WHOLE_CHARACTERS + 4])))
    return _ABOVE_TEXT.sub(lambda above: "\n" * above[0].count("\n"), text, count=1)


def _of_another_form(
    scanner: Scanner, content: bytes, text: str, found: tuple[Finding, ...]
) -> tuple[Finding, ...] | None:
    """What a licence file says that is no licence text; None for any other.

    One that only says in which file the licence stands has this path; whoever knows all files knows what stands there.

    A file of R holds only the blanks of the licence that the manifest names: it speaks of owners. An empty one, and one
    that says "License" and no more, such as a heading or a list of words in a file `license`, states nothing, and what
    stands further up holds.
    """
    short, stripped = len(content) <= LONGEST_FIELD, text.strip()
    if short and included_only(stripped):
        return (Finding("none", rule=OWNERS_ONLY),)
    named = any(f.names_licence for f in found)
    path = None if named else (pointed_to(stripped) if short else None) or above_pointed_to(stripped)
    if path is not None:
        last = text.rstrip().count("\n") + 1
        known = found[0] if found[0].outcome == "found" else Finding("unknown")  # the detector knows that it points
        return (replace(known, rule=POINTS_TO, start_line=1, end_line=last, paths=(path,)),)
    if short and found[0].outcome == "none" and (not stripped or _OWNERS_ONLY.match(stripped)):
        return (replace(found[0], rule=OWNERS_ONLY), *found[1:])
    if short and _EXPRESSION.match(stripped):
        said = resolved(scanner, stripped)
        if surely_stated(said):
            return tuple(replace(f, start_line=1, end_line=1) for f in said)
    if not _DEBIAN_FORM.match(text) or any(f.expression == NO_TRAINING for f in found):
        return None
    recorded = findings_of_records(scanner, text, "debian")
    return with_owners(recorded, found[0].copyrights) if recorded else None


def _without_lists(scanner: Scanner, lines: list[str]) -> tuple[list[str], tuple[Finding, ...]]:
    """The lines of a licence file without its lists of files that are under another licence, and what these say."""
    left, parts = list(lines), listed_files(lines)
    for part in parts:
        left[part.first - 1 : part.last] = [""] * (part.last - part.first + 1)
    return left, tuple(of_part(scanner, part) for part in parts)


def _without_files(scanner: Scanner, lines: list[str]) -> tuple[list[str], tuple[Finding, ...]]:
    """The lines of a licence file without its sections for some files, and what these say (`OF_FILES`, with paths).

    It has such sections only if what stands above them names a licence. A reservation holds wherever it stands.
    """
    sections = file_sections(lines)
    above = "\n".join(lines[: sections[0].first - 1]) if sections else ""
    if not sections or not any(f.names_licence for f in _scanned(scanner, above)):
        return lines, ()
    left, said = list(lines), list[Finding]()
    for section in sections[:MOST_SECTIONS]:
        said += _of_section(scanner, section, lines[section.first - 1 : section.last])
        left[section.first - 1 : section.last] = [""] * (section.last - section.first + 1)
    return left, (*said, *((_TOO_MANY_PARTS,) if len(sections) > MOST_SECTIONS else ()))


def _of_section(scanner: Scanner, section: Section, lines: list[str]) -> Iterator[Finding]:
    """What one section says of its files; where nothing is found it says something that nobody knows.

    A section that only names owners, and reserves nothing, says nothing of a licence: that of the work is theirs too.
    """
    said = [number for number, line in enumerate(lines, 1) if number > 1 and line.strip()]
    if said and owner_lines(lines).issuperset(said) and not any(_RESERVED.search(line) for line in lines):
        return
    found = [*_scanned(scanner, "\n".join(lines)), *foreign_limit(lines)]
    if _PUBLIC_DOMAIN.search(lines[0]):  # no bare words: they stand in the place of a licence
        given = Finding("found", "LicenseRef-scancode-public-domain", 100.0, "public-domain", 1, 1)
        found = [given, *(f for f in found if f.start_line != 1)]
    named = [f for f in found if f.names_licence or f.outcome not in ("none", "found")]
    for finding in named or [Finding("unknown", rule="gleanery-unheard", start_line=1, end_line=len(lines))]:
        first, last = (
            None if number is None else number + section.first - 1 for number in (finding.start_line, finding.end_line)
        )
        placed = replace(finding, start_line=first, end_line=last, copyrights=())
        of_files = replace(placed, rule=f"{OF_FILES}, {finding.rule}", paths=section.paths)
        yield placed if finding.speaks_of_training else of_files


def _without_others(
    scanner: Scanner, found: tuple[Finding, ...], lines: list[str]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], int]:
    """What a licence file says of the work, what it says of third parties' code, and how many lines speak of the work.

    The second is only mentioned (`THIRD_PARTIES`). A reservation against training holds wherever it stands.
    """
    changes = [f.start_line for f in found if f.outcome == "changed" and f.start_line]
    named = found
    if changes and not any(f.names_licence for f in found):  # the words about others may be what changes the text
        named = _scanned(scanner, "\n".join(lines[: min(changes) - 1]))
    places = [(f.start_line, f.end_line) for f in named if f.names_licence and f.start_line and f.end_line]
    outside = others_from(lines, places)  # a line above it may have been joined to a finding
    start = _opened_within(scanner, lines if outside is None else lines[: outside - 1], named) or outside
    if start is None:
        return found, (), len(lines)
    own = _scanned(scanner, "\n".join(lines[: start - 1]))
    theirs = _scanned(scanner, "\n".join([""] * (start - 1) + lines[start - 1 :]))
    kept = [f for f in theirs if f.speaks_of_training]
    mentioned = tuple(
        replace(f, outcome="mentioned", rule=f"{THIRD_PARTIES}, {f.rule}", copyrights=())
        for f in theirs
        if f.outcome != "none" and f not in kept
    )
    return (*with_owners(own, found[0].copyrights), *kept), mentioned, start - 1


def _opened_within(scanner: Scanner, lines: list[str], found: Sequence[Finding]) -> int | None:
    """The line that opens the part about third parties where a finding goes on over it, as the detector joins them.

    It is none of the licence's own lines if what stands above it grants the same by itself, and as surely. A heading
    goes before a sentence, which may be the one that grants.
    """
    for first, _ in sorted(may_open(lines), key=lambda place: not place[1])[:_MOST_OPENED]:
        over = [f for f in found if (f.start_line or first) < first <= (f.end_line or 0)]
        above = lines[: first - 1]
        own = [f for f in _scanned(scanner, "\n".join(above)) if f.outcome != "none"] if over else []
        joined = {part for f in over for part in conjuncts(f.expression or "")}
        said = {part for f in own for part in conjuncts(f.expression or "")}
        sure = all(f.outcome == "found" and (f.score or 0) >= _SURE_SCORE for f in own)
        granted = (not may_be_mention(f) or grants(f, above, file=True, page=True) for f in own if f.names_licence)
        if sure and said <= joined and any(granted):
            return first
    return None


def _with_doubts(found: tuple[Finding, ...], lines: list[str]) -> tuple[Finding, ...]:
    """The findings of a licence file that only mentions licences ("uses jQuery, which is MIT licensed") as mentions.

    Where it states one of them, in a text or in a sentence, all of them have to be met.
    """
    named = [f for f in found if f.outcome in ("found", "changed") and not only_points(f.expression or "")]
    said = [f for f in named if f.expression != NO_TRAINING]
    if any(not may_be_mention(f) or grants(f, lines, file=True, page=True) for f in said):
        return found
    return tuple(mention_of(f) if f in said else f for f in found)


def _with_title(found: tuple[Finding, ...], lines: Sequence[str]) -> tuple[Finding, ...]:
    """With a mark at all that a text states which says in its title that it is about other people's code."""
    named = [f for f in found if f.names_licence and not f.speaks_of_training]
    places = [(f.start_line, f.end_line) for f in named if f.start_line and f.end_line]
    if not is_all_of_others(lines, places):
        return found
    return tuple(replace(f, rule=f"{ALL_OF_OTHERS}, {f.rule}") if f in named else f for f in found)


def _with_limits(found: tuple[Finding, ...], lines: Sequence[str]) -> tuple[Finding, ...]:
    """With a restricted name in the title, a limit or refusal in a file of a few lines, a limit in another language.

    Where nobody knows the licence, somebody wrote all of it, and a limit counts in a file of any length; in a licence
    that somebody changed it counts where the change is.
    """
    found = (*found, *restricted_lines(lines[:_TITLE]), *_limits_of_changes(found, lines))
    if len(lines) <= _TITLE and not any(f.outcome == "changed" for f in found):  # no text: a sentence that names one
        found = (*found, *(limit_in(lines) or refusal_in(lines, any(f.names_licence for f in found))))
    elif not any(map(names_terms, found)):
        found = (*found, *limit_in(lines))
    return found if any(f.rule == LIMITED for f in found) else (*found, *foreign_limit(lines))


def _limits_of_changes(found: tuple[Finding, ...], lines: Sequence[str]) -> Iterator[Finding]:
    """The limits of use that stand in what somebody wrote into the text of a licence."""
    for change in found:
        if change.outcome == "changed" and change.start_line and change.end_line:
            before = change.start_line - 1
            yield from (moved(f, before) for f in limit_in(lines[before : change.end_line]))


def _scanned(scanner: Scanner, text: str) -> tuple[Finding, ...]:
    return scanner.scan(text.encode("utf-8", "replace"), "whole")
