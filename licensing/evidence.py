"""What one file says about licences, read in the way that its kind asks for.

In: the bytes of a file, and how to read them (`names.reading_scope`). Out: findings, as `scan.py` makes them. Texts and
heads go to the detector as they are; of manifests and records only the licence fields do, and of a README it is said
which findings are about the work itself. Costs what the detector costs, and 0.1 ms for a manifest or a README.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import re2

from gleanery.licensing.choices import with_alternative, with_any_of, with_dual, with_perl, without_foreign
from gleanery.licensing.denials import LIMITED, with_denials
from gleanery.licensing.documents import document_text
from gleanery.licensing.expressions import PROPRIETARY, all_of
from gleanery.licensing.fields import LONGEST_FIELD, POINTER, resolved
from gleanery.licensing.file_sections import MOST_SECTIONS, Section, file_sections
from gleanery.licensing.foreign_limits import foreign_limit
from gleanery.licensing.grants import doubtful, grants, may_be_mention, mention_of
from gleanery.licensing.heads import findings_of_head, head_to_scan, unheard
from gleanery.licensing.included import included_only
from gleanery.licensing.limits import limit_in, limit_of_page, limited
from gleanery.licensing.lookalikes import only_lines, without_any_use, without_comparisons, without_resources
from gleanery.licensing.manifests import Statement, statements
from gleanery.licensing.names import license_role, reading_scope
from gleanery.licensing.others import others_from
from gleanery.licensing.parts import KEPT_BACK, Part, division
from gleanery.licensing.permissions import with_permission
from gleanery.licensing.reading import HEAD_CHARACTERS, HEAD_LINES, WHOLE_CHARACTERS, decoded, read_text
from gleanery.licensing.readme import is_of_others, own_lines, paragraphs_of_others, section_lines, title_of
from gleanery.licensing.record_findings import findings_of_records
from gleanery.licensing.refusals import refusal_in
from gleanery.licensing.restricted_names import restricted_lines
from gleanery.licensing.scan import MAYBE_NO_TRAINING, NO_TRAINING, Finding, Scanner
from gleanery.licensing.statements import OF_FILES, OWN_TAG, OWNERS_ONLY, PART, THIRD_PARTIES, only_points

# Raise it when the same file may now get other findings from this module or those it calls.
EVIDENCE_VERSION = 33
_DUAL_LICENSED = re2.compile(rb"(?:dual|double|dually)[- ]?licen[sc]ed")
_FORMS_WITHOUT_HEAD = frozenset(("json", "json-choice", "perl-json", "message", "r"))
_MOST_NOT_INCLUDED = 16
# Lines at the beginning of a licence file in which it says what it is.
_TITLE = 20
_RECORDS = frozenset(("reuse-toml", "dep5", "debian"))
_OWNERS_ONLY = re2.compile(
    r"(?i)^(?:(?:(?:year|copyright holders?|organi[sz]ation|owners?):[^\n]*\n?\s*)+|\W{0,20}licen[sc]es?\W{0,20})$"
)
# What makes a sentence about a part of the work no plain grant.
_CONDITION = re2.compile(r"(?i)\bunless\b|\bexcept|\bif\b|\bnot\b|\bsome\b|\bmay\b|\bvarious\b|\bmost\b|\bonly\b")
# The detector reads "License: Free" as proprietary, also where a sentence only begins so: "Free for all uses".
_LICENSE_FREE = "proprietary-license_845.RULE"
_GOES_ON = re2.compile(r"(?i)^[^\n]*licen[sc]e\W{0,40}free\W+(?:for|to|of|and|as|software|under|use|open)\b")
# "The Frob library (not included) is licensed under the LGPL", "has a binary dependency on Frob, which is under the
# LGPL": what says that it does not lie here, and what ends its sentence.
_NOT_INCLUDED = re2.compile(
    r"(?i)\((?:also |it is |which is |is |are )?not (?:included|bundled|distributed with|shipped|"
    r"part of)\b[^)]{0,80}\)|\bhas an? binary (?:[a-z]+ )?dependency on\b"
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\n\s*\n")
_DEBIAN_FORM = re2.compile(r"(?i)\s*format(?:-specification)?:[ \t]*\S*(?:copyright-format|dep5|dep-5)")


def reading_scopes(path: str) -> tuple[str, ...]:
    """Every way in which a file is read: a manifest that is code or has comments has a head of its own too.

    >>> reading_scopes("a.c"), reading_scopes("setup.py"), reading_scopes("package.json")
    (('head',), ('setup-py', 'head'), ('json',))
    """
    scope = reading_scope(path)
    both = license_role(path) == "metadata" and scope not in _FORMS_WITHOUT_HEAD
    return (scope, "head") if both else (scope,)


def find(scanner: Scanner, content: bytes, scope: str) -> tuple[Finding, ...]:
    """The findings in some bytes, read as `scope` says; at least one, and never an error. KeyError: no such scope."""
    with scanner.one_file():
        return _find(scanner, content, scope)


def _find(scanner: Scanner, content: bytes, scope: str) -> tuple[Finding, ...]:
    if scope == "head":
        of_head = without_any_use(content, scanner.scan(head_to_scan(without_resources(content)), scope))
        of_head = _with_choices(scanner, content[: 4 * HEAD_CHARACTERS], of_head)
        return with_permission(content, findings_of_head(content, of_head))
    if scope == "whole":
        return _of_text(scanner, content)
    if scope == "readme":
        return _of_readme(scanner, content)
    if scope == "document":
        said = document_text(content)
        return (Finding("unknown", rule=scope),) if said is None else _of_text(scanner, said.encode("utf-8", "replace"))
    text = decoded(content)
    found = findings_of_records(scanner, text, scope) if scope in _RECORDS else _of_manifest(scanner, text, scope)
    reading = read_text(content, "whole")
    if reading.reserved:
        found.append(Finding("found", NO_TRAINING, 100.0, "gleanery-no-ai-training", *reading.reserved))
    found = found or [Finding("none")]
    return (replace(found[0], copyrights=reading.copyrights), *found[1:])


def _with_choices(scanner: Scanner, head: bytes, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings in a head with the choices that go over several sentences."""
    if not any(f.outcome == "found" for f in found):
        return found
    said = head.lower()
    dual, other = _DUAL_LICENSED.search(said), b"alternatively" in said
    if not (dual or other):
        return found
    lines = decoded(head).replace("\r\n", "\n").replace("\r", "\n").split("\n")[:HEAD_LINES]
    found = with_dual(scanner, found, lines) if dual else found
    return with_alternative(scanner, found, lines, "head") if other else found


def _of_text(scanner: Scanner, content: bytes) -> tuple[Finding, ...]:
    """A licence file: what it says of the whole folder, then what it says of parts of it (`PART`, with their paths).

    Where it says what holds for everything outside the parts, the sentences about the parts say nothing of the whole.
    Nor do its sections for some files (`OF_FILES`).
    """
    text = _of_the_work(_bounded(content))
    found = scanner.scan(text.encode("utf-8", "replace"), "whole")
    # A licence file of R that holds only the blanks of the licence that the manifest names: it speaks of owners.
    # So does an empty one, and one that says "License" and no more, such as a heading or a list of words in a file
    # `license`: it states nothing, and what stands further up holds.
    stripped = text.strip()
    if len(content) <= LONGEST_FIELD and included_only(stripped):
        return (Finding("none", rule=OWNERS_ONLY),)
    if found[0].outcome == "none" and len(content) <= LONGEST_FIELD and (not stripped or _OWNERS_ONLY.match(stripped)):
        return (replace(found[0], rule=OWNERS_ONLY), *found[1:])
    # The machine-readable form of Debian in a licence file: it says of each file what it is under.
    stated = findings_of_records(scanner, text, "debian") if _DEBIAN_FORM.match(text) else []
    if stated and not any(f.expression == NO_TRAINING for f in found):
        return (replace(stated[0], copyrights=found[0].copyrights), *stated[1:])
    lines = text.split("\n")
    lines, of_files = _without_files(scanner, lines)
    if of_files:
        own = _scanned(scanner, lines)
        found = (replace(own[0], copyrights=found[0].copyrights), *own[1:])
    divided = division(lines)
    if divided.rest:
        found = _scanned(scanner, list(divided.others))
    found, others = _without_others(scanner, found, list(divided.others) if divided.rest else lines)
    found = with_dual(scanner, tuple(with_any_of(f, lines) for f in found), lines)
    found = with_alternative(scanner, found, lines, "whole")
    found = _with_doubts(with_denials(without_foreign(found, lines, ""), lines), lines)
    found = (*found, *restricted_lines(divided.others[:_TITLE]))
    if len(lines) <= _TITLE and not any(f.outcome == "changed" for f in found):  # no text: a sentence that names one
        found = (*found, *limited(limit_in(divided.others)))
    if not any(f.rule == LIMITED for f in found):
        found = (*found, *limited(foreign_limit(divided.others)))
    cut = (Finding("unknown", rule="gleanery-too-many-parts"),) if divided.cut else ()
    if all(f.outcome == "none" for f in found):
        found = (*found, *unheard(lines))
    return (*found, *(_of_part(scanner, part) for part in divided.parts), *others, *of_files, *cut)


def _with_doubts(found: tuple[Finding, ...], lines: list[str]) -> tuple[Finding, ...]:
    """The findings of a licence file that only mentions licences ("uses jQuery, which is MIT licensed") as mentions.

    Where it states one of them, in a text or in a sentence, all of them have to be met.
    """
    named = [f for f in found if f.outcome in ("found", "changed") and not only_points(f.expression or "")]
    said = [f for f in named if f.expression != NO_TRAINING]
    if any(not may_be_mention(f) or grants(f, lines, file=True, page=True) for f in said):
        return found
    return tuple(mention_of(f) if f in said else f for f in found)


def _without_others(
    scanner: Scanner, found: tuple[Finding, ...], lines: list[str]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """What a licence file says of the work, and what it says of code of third parties that comes with it.

    The latter is only mentioned (`THIRD_PARTIES`). A reservation against training holds wherever it stands.
    """
    changes = [f.start_line for f in found if f.outcome == "changed" and f.start_line]
    if changes and not any(map(_names_licence, found)):  # the words that tell of others may be what changes the text
        places = _places(_scanned(scanner, lines[: min(changes) - 1]))
    else:
        places = _places(found)
    start = others_from(lines, places)
    if start is None:
        return found, ()
    above, below = lines[: start - 1], [""] * (start - 1) + lines[start - 1 :]
    own, theirs = _scanned(scanner, above), _scanned(scanner, below)
    kept = tuple(f for f in theirs if f.expression == NO_TRAINING or f.rule == MAYBE_NO_TRAINING)
    named_theirs = tuple(
        replace(f, outcome="mentioned", rule=f"{THIRD_PARTIES}, {f.rule}", copyrights=())
        for f in theirs
        if f.outcome != "none" and f not in kept
    )
    return (replace(own[0], copyrights=found[0].copyrights), *own[1:], *kept), named_theirs


def _without_files(scanner: Scanner, lines: list[str]) -> tuple[list[str], tuple[Finding, ...]]:
    """The lines of a licence file without its sections for some files, and what these say (`OF_FILES`, with paths).

    It has such sections only if what stands above them names a licence. A reservation holds wherever it stands.
    """
    sections = file_sections(lines)
    if not sections or not any(map(_names_licence, _scanned(scanner, lines[: sections[0].first - 1]))):
        return lines, ()
    left, said = list(lines), list[Finding]()
    for section in sections[:MOST_SECTIONS]:
        said += _of_section(scanner, section, lines[section.first - 1 : section.last])
        left[section.first - 1 : section.last] = [""] * (section.last - section.first + 1)
    if len(sections) > MOST_SECTIONS:
        said.append(Finding("unknown", rule="gleanery-too-many-parts"))
    return left, tuple(said)


def _of_section(scanner: Scanner, section: Section, lines: list[str]) -> Iterator[Finding]:
    """What one section says of its files; where nothing is found it says something that nobody knows."""
    found = [*_scanned(scanner, lines), *limited(foreign_limit(lines))]
    named = [f for f in found if f.outcome != "none" and not (f.outcome == "found" and only_points(f.expression or ""))]
    for finding in named or [Finding("unknown", rule="gleanery-unheard", start_line=1, end_line=len(lines))]:
        first, last = (
            None if number is None else number + section.first - 1 for number in (finding.start_line, finding.end_line)
        )
        placed = replace(finding, start_line=first, end_line=last, copyrights=())
        whole = finding.expression == NO_TRAINING or finding.rule == MAYBE_NO_TRAINING
        yield placed if whole else replace(placed, rule=f"{OF_FILES}, {finding.rule}", paths=section.paths)


def _places(found: tuple[Finding, ...]) -> list[tuple[int, int]]:
    named = filter(_names_licence, found)
    return [(f.start_line, f.end_line) for f in named if f.start_line is not None and f.end_line is not None]


def _scanned(scanner: Scanner, lines: list[str]) -> tuple[Finding, ...]:
    return scanner.scan("\n".join(lines).encode("utf-8", "replace"), "whole")


def _names_licence(finding: Finding) -> bool:
    return finding.outcome == "found" and not only_points(finding.expression or "")


def _bounded(content: bytes) -> str:
    """As much of a text as the scanner reads, with the same line ends everywhere."""
    return decoded(content[: 4 * WHOLE_CHARACTERS + 4]).replace("\r\n", "\n").replace("\r", "\n")


def _of_the_work(text: str) -> str:
    """A text without the licences of other works; as many lines as before.

    "Compatible with the GPL" says that its licence is another one, and what is "(not included)" has its own.

    >>> _of_the_work("MIT.\\nNote that libfrob (not included)\\nis under the GPL. Enjoy.")
    'MIT.\\n\\n Enjoy.'
    """
    text = without_comparisons(text)
    for match in list(_NOT_INCLUDED.finditer(text))[:_MOST_NOT_INCLUDED][::-1]:
        start = max(0, match.start() - LONGEST_FIELD)
        ends = [end.end() for end in _SENTENCE_END.finditer(text, start, match.start())]
        stop = _SENTENCE_END.search(text, match.end(), match.end() + LONGEST_FIELD)
        if stop is not None and (ends or not start):
            first, last = (ends or [0])[-1], stop.end()
            text = f"{text[:first]}{only_lines(text[first:last])}{text[last:]}"
    return text


def _of_part(scanner: Scanner, part: Part) -> Finding:
    """What a sentence says of some folders; a condition or a pointer in it leaves open which licence it is.

    Words that keep the folders back ("proprietary", "a commercial license") do so under any condition.
    """
    found = scanner.scan(part.words.encode("utf-8", "replace"), "whole")
    expression = all_of(f.expression for f in found if f.outcome == "found" and f.expression)
    plain = expression is not None and all(f.outcome == "found" for f in found) and not _CONDITION.search(part.words)
    if not plain and KEPT_BACK.search(part.words):
        expression, plain = all_of([*([expression] if expression else []), PROPRIETARY]), True
    if not plain or only_points(expression or ""):
        return Finding("unknown", None, 100.0, PART, part.first, part.last, paths=part.folders)
    return Finding("found", expression, 100.0, PART, part.first, part.last, paths=part.folders)


def _of_readme(scanner: Scanner, content: bytes) -> tuple[Finding, ...]:
    """What is said of the work itself stays; any other licence is only mentioned."""
    text = _of_the_work(_bounded(content))
    lines = text.split("\n")
    own, section = own_lines(lines), section_lines(lines)
    divided = division([line if number in own | section else "" for number, line in enumerate(lines, 1)])
    for part in divided.parts:
        lines[part.first - 1 : part.last] = divided.others[part.first - 1 : part.last]
    for at in paragraphs_of_others(lines):  # so that no licence of theirs is joined with one of the work
        lines[at] = lines[at] if at + 1 in own or "train" in lines[at].lower() else ""
    parts = [_of_part(scanner, part) for part in divided.parts]
    found = scanner.scan("\n".join(lines).encode("utf-8", "replace"), "readme")
    own_words = [line if number in own else "" for number, line in enumerate(lines, 1)]
    limits = limit_in(own_words) or limit_of_page(lines, own) or foreign_limit(lines)
    limit = limited(limits) or restricted_lines(own_words)
    limit = limit or refusal_in(own_words, any(f.outcome == "found" for f in found))
    if all(f.outcome == "none" for f in found):
        return (*found, *parts, *limit, *unheard(own_words))
    found = tuple(with_any_of(f, lines) for f in found)
    found = with_perl("\n".join(lines), with_dual(scanner, found, lines))
    found = with_denials(without_foreign(found, lines, title_of(lines)), lines)
    placed = tuple(_placed_in_readme(f, lines, own) for f in found)
    said = any(f.outcome in ("found", "unknown") and not only_points(f.expression or "") for f in placed)
    more = () if said else _unheard(scanner, own_words)
    return (*placed, *parts, *limit, *more)


def _unheard(scanner: Scanner, lines: list[str]) -> tuple[Finding, ...]:
    """The first name of a licence that nobody knows, unless the detector knows it in that sentence alone."""
    found = unheard(lines)
    for at in (f.start_line or 1 for f in found):
        alone = scanner.scan("\n".join(lines[at - 1 : at + 1]).encode("utf-8", "replace"), "readme")
        if any(f.expression and not only_points(f.expression) for f in alone):
            return ()
    return found


def _placed_in_readme(finding: Finding, lines: list[str], own: frozenset[int]) -> Finding:
    """A tag speaks of the README file itself, a statement of the work, and anything else of something else."""
    at = (finding.start_line or 0) - 1
    if 0 <= at < len(lines) and "spdx-license-identifier" in lines[at].lower():
        return replace(finding, rule=OWN_TAG)
    own_words = _is_own(finding, lines, own) and not (may_be_mention(finding) and doubtful(finding, lines))
    return finding if own_words else replace(finding, outcome="mentioned")


def _is_own(finding: Finding, lines: list[str], own: frozenset[int]) -> bool:
    if finding.rule == _LICENSE_FREE and _GOES_ON.search("\n".join(lines[(finding.start_line or 1) - 1 :][:9])):
        return False
    said = finding.expression == NO_TRAINING or finding.rule == MAYBE_NO_TRAINING
    if said or finding.start_line is None or finding.end_line is None:
        return True
    places = range(finding.start_line, min(finding.end_line, finding.start_line + 200) + 1)
    # A choice would take the place of the licence texts, so no line of it may be about something else.
    if " OR " in (finding.expression or "") and any(
        is_of_others(line) for line in lines[places.start - 1 : places.stop - 1]
    ):
        return False
    return any(line in own for line in places)


def _of_manifest(scanner: Scanner, text: str, form: str) -> list[Finding]:
    found: list[Finding] = []
    for statement in statements(text, form):
        found += _of_statement(scanner, statement)
    return found


def _of_statement(scanner: Scanner, said: Statement) -> Iterator[Finding]:
    if said.file is not None:
        yield Finding("found", POINTER, 100.0, "license-field", said.line, said.line, paths=(said.file,))
        return
    for finding in resolved(scanner, said.words):
        yield replace(finding, start_line=said.line, end_line=said.line, copyrights=())
