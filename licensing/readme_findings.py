"""What a README states: of the work itself, of parts of it, and as the licence of something else.

In: the bytes of a README. Out: findings; what is not said of the work is only mentioned. The order of the rules is that
of `findings_of_readme`. Costs what the detector costs, and 0.1 ms.
"""

from dataclasses import replace

import re2

from gleanery.licensing.alternatives import with_option
from gleanery.licensing.choices import with_dual, with_either, with_perl, without_foreign
from gleanery.licensing.denials import with_denials
from gleanery.licensing.expressions import only_points
from gleanery.licensing.findings import OWN_TAG, Finding, in_order, with_owners
from gleanery.licensing.foreign_limits import foreign_limit
from gleanery.licensing.grants import doubtful, may_be_mention
from gleanery.licensing.license_files import of_the_work
from gleanery.licensing.limits import limit_in, limit_of_page
from gleanery.licensing.lines import paragraphs
from gleanery.licensing.listed_files import listed_files
from gleanery.licensing.part_findings import of_part
from gleanery.licensing.parts import division
from gleanery.licensing.readme import is_of_others, own_lines, paragraphs_of_others, section_lines, title_of
from gleanery.licensing.refusals import refusal_in
from gleanery.licensing.restricted_names import restricted_lines
from gleanery.licensing.scan import Scanner
from gleanery.licensing.tag_words import with_tag_words
from gleanery.licensing.unheard import unheard

# The detector reads "License: Free" as proprietary, also where a sentence only begins so: "Free for all uses".
_LICENSE_FREE = "proprietary-license_845.RULE"
_GOES_ON = re2.compile(r"(?i)^[^\n]*licen[sc]e\W{0,40}free\W+(?:for|to|of|and|as|software|under|use|open)\b")
_MOST_LINES = 200
# "Licensed under either of <a href="LICENSE-APACHE">Apache License, Version 2.0</a> or ...", as it is read.
_EITHER, _EITHER_LINES = re2.compile(r"(?i)\beither\b"), 4
_TAGS = re2.compile(r"</?(?:sup|sub|small|em|strong|b|i)>|<a href=\"[\w.-]{1,60}\">|</a>")


def findings_of_readme(scanner: Scanner, content: bytes) -> tuple[Finding, ...]:
    """The findings of a README; at least one.

    1. Sentences about other works are left out, as in licence files; so are paragraphs about others.
    2. Sentences about folders are set apart.
    3. Choices are choices unless another work is their subject; what a sentence denies is a doubt.
    4. What does not stand on a line about the work's own licence is mentioned.
    5. A limit of use is added, or else a restricted name, or else a refusal; and a name that nobody knows where nothing
       else is stated of the work.
    """
    lines = _without_tags(with_tag_words(scanner, of_the_work(content)).split("\n"))
    own, section = own_lines(lines), section_lines(lines)
    divided = division([line if number in own | section else "" for number, line in enumerate(lines, 1)])
    told = [part for part in divided.parts if not part.files]
    for part in told:
        lines[part.first - 1 : part.last] = divided.others[part.first - 1 : part.last]
    for part in listed_files(lines):
        lines[part.first - 1 : part.last] = [""] * (part.last - part.first + 1)
        told.append(part)
    for at in paragraphs_of_others(lines):  # so that no licence of theirs is joined with one of the work
        lines[at] = lines[at] if at + 1 in own or "train" in lines[at].lower() else ""
    parts = [of_part(scanner, part) for part in told]
    found = _apart(scanner, _scanned(scanner, lines), lines, own)
    own_words = [line if number in own else "" for number, line in enumerate(lines, 1)]
    limit = limit_in(own_words) or limit_of_page(lines, own) or foreign_limit(lines) or restricted_lines(own_words)
    limit = limit or refusal_in(own_words, any(f.outcome == "found" for f in found))
    if all(f.outcome == "none" for f in found):
        return (*found, *parts, *limit, *unheard(own_words))
    found = tuple(with_either(f, lines) for f in found)
    found = with_perl("\n".join(lines), with_option(scanner, with_dual(scanner, found, lines), lines))
    found = with_denials(without_foreign(found, lines, title_of(lines)), lines)
    placed = tuple(_placed(f, lines, own) for f in found)
    said = any(f.names_licence or (f.outcome == "unknown" and not only_points(f.expression or "")) for f in placed)
    return (*placed, *parts, *limit, *(() if said else _unheard(scanner, own_words)))


def _unheard(scanner: Scanner, lines: list[str]) -> tuple[Finding, ...]:
    """The first name of a licence that nobody knows, unless the detector knows it in that sentence alone."""
    found = unheard(lines)
    for at in (f.start_line or 1 for f in found):
        if any(not only_points(f.expression or "") for f in _scanned(scanner, lines[at - 1 : at + 1])):
            return ()
    return found


def _scanned(scanner: Scanner, lines: list[str]) -> tuple[Finding, ...]:
    return scanner.scan("\n".join(lines).encode("utf-8", "replace"), "readme")


def _apart(scanner: Scanner, found: tuple[Finding, ...], lines: list[str], own: frozenset[int]) -> tuple[Finding, ...]:
    """The findings; where the detector joined a few words about the work with those of a paragraph about something
    else, what the paragraphs about the work and all others say, each read by themselves.
    """
    whole = [frozenset(n + 1 for n in p) for p in paragraphs([line.strip() for line in lines])]
    said = list[Finding]()
    for finding in found:
        spanned = [p for p in whole if any(n in p for n in _places(finding))] if may_be_mention(finding) else []
        kinds = {of_work: {n for p in spanned if bool(p & own) == of_work for n in p} for of_work in (True, False)}
        if not all(kinds.values()):
            said.append(finding)
            continue
        texts = ([line if n in kind else "" for n, line in enumerate(lines, 1)] for kind in kinds.values())
        said += [f for text in texts for f in _scanned(scanner, text) if f.outcome != "none"]
    return with_owners(in_order(said), found[0].copyrights) if said else found


def _places(finding: Finding) -> range:
    return range(finding.start_line or 1, (finding.end_line or 0) + 1)


def _placed(finding: Finding, lines: list[str], own: frozenset[int]) -> Finding:
    """A tag speaks of the README file itself, a statement of the work, and anything else of something else."""
    at = (finding.start_line or 0) - 1
    if 0 <= at < len(lines) and OWN_TAG in lines[at].lower():
        return replace(finding, rule=OWN_TAG)
    own_words = _is_own(finding, lines, own) and not (may_be_mention(finding) and doubtful(finding, lines))
    return finding if own_words else replace(finding, outcome="mentioned")


def _is_own(finding: Finding, lines: list[str], own: frozenset[int]) -> bool:
    if finding.rule == _LICENSE_FREE and _GOES_ON.search("\n".join(lines[(finding.start_line or 1) - 1 :][:9])):
        return False
    if finding.speaks_of_training or finding.start_line is None or finding.end_line is None:
        return True
    places = range(finding.start_line, min(finding.end_line, finding.start_line + _MOST_LINES) + 1)
    # A choice would take the place of the licence texts, so no line of it may be about something else.
    if " OR " in (finding.expression or "") and any(map(is_of_others, lines[places.start - 1 : places.stop - 1])):
        return False
    return any(line in own for line in places)


def _without_tags(lines: list[str]) -> list[str]:
    """The lines of a README; where it offers a choice in HTML, without the tags that stand around its names."""
    left = list(lines)
    for number, line in enumerate(lines):
        if "<a href=" in line and _EITHER.search(line):
            last = number + _EITHER_LINES
            left[number:last] = [_TAGS.sub("", words) for words in lines[number:last]]
    return left
