"""What one file says about licences, read in the way that its kind asks for.

In: the bytes of a file, and how to read them (`names.reading_scope`). Out: findings, as `scan.py` makes them. Texts and
heads go to the detector as they are; of manifests and records only the licence fields do, and of a README it is said
which findings are about the work itself. Costs what the detector costs, and 0.1 ms for a manifest or a README.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

import re2

from gleanery.licensing.expressions import all_of, conjuncts, keys, parse
from gleanery.licensing.manifests import Statement, statements
from gleanery.licensing.names import license_role, reading_scope
from gleanery.licensing.parts import Part, division
from gleanery.licensing.reading import HEAD_CHARACTERS, HEAD_LINES, WHOLE_CHARACTERS, decoded, read_text
from gleanery.licensing.readme import own_lines, paragraphs_of_others
from gleanery.licensing.reuse import records
from gleanery.licensing.scan import NO_TRAINING, Finding, Scanner
from gleanery.licensing.statements import OWN_TAG, OWNERS_ONLY, PART, only_points

# Raise it when the same file may now get other findings from this module or those it calls.
EVIDENCE_VERSION = 4
POINTER = "LicenseRef-scancode-unknown-license-reference"
PROPRIETARY = "LicenseRef-scancode-proprietary-license"
_FORMS_WITHOUT_HEAD = frozenset(("json", "json-choice", "perl-json", "message", "r"))
_RECORDS = frozenset(("reuse-toml", "dep5", "debian"))
# Words of a licence field that name no licence and yet say that there is no permission.
_REFUSALS = {
    "unlicensed": "UNLICENSED",
    "bsl 1.1": "BUSL-1.1",
    "business source license": "BUSL-1.1",
    "commercial": "LicenseRef-scancode-commercial-license",
    "all rights reserved": PROPRIETARY,
    "closed source": PROPRIETARY,
    "closed": PROPRIETARY,
    "internal": PROPRIETARY,
    "private": PROPRIETARY,
    "proprietary": PROPRIETARY,
}
# Words that change what a licence allows, and that the detector passes over in a short text.
_CHANGED = re2.compile(r"(?i)\bwith\b|\bexcept|non-?commercial|\brestrict|\bcustom|\badditional|\bethical|\bnot? ")
_LONGEST_FIELD = 300
_OWNERS_ONLY = re2.compile(r"(?i)^(?:(?:year|copyright holders?|organi[sz]ation|owners?):[^\n]*\n?\s*)+$")
# What makes a sentence about a part of the work no plain grant.
_CONDITION = re2.compile(r"(?i)\bunless\b|\bexcept|\bif\b|\bnot\b|\bsome\b|\bmay\b|\bvarious\b|\bmost\b|\bonly\b")
# "The license described in the LICENSE file": a pointer.
_POINTS = re2.compile(
    r"(?i)\b(?:licen[sc]e|terms)\b[^.]{0,60}\b(?:in|file|see)\b[^.]{0,40}\b(?:(?-i:LICEN[SC]E|COPYING|COPYRIGHT)\b|"
    r"licen[sc]e\.(?:txt|md)|licen[sc]e file)"
)
# A licence by its name: words with capitals before "License". The detector knows every name that is in use.
UNHEARD = "gleanery-license-not-known"
_MAYBE_UNHEARD = re2.compile(
    rb"\b(?:[Gg]overned|[Ll]icen[sc]ed|[Cc]overed|[Rr]eleased|[Dd]istributed|[Ss]ubject) (?:by|under|to)\b"
)
_UNHEARD = re2.compile(
    r"\b(?:[Gg]overned by|[Ll]icen[sc]ed under|[Cc]overed by|[Rr]eleased under|[Dd]istributed under|[Ss]ubject to)"
    r"[ \t]+(?:the terms of )?(?:the|an?)[ \t]+(?:[A-Z][\w.+&-]*[ \t]+){1,6}(?:Licen[sc]e|EULA|Agreement)\b"
)
# "Compatible with the GPL" says that it is another licence.
_COMPATIBLE = re2.compile(
    r"(?i)\bcompatible\s+with\s+(?:the\s+)?(?:<[^>]{0,200}>\s*)?(?:gnu\s+)?(?:l?gpl\w*|(?:lesser\s+)?general\s+public\s+licen[sc]e)|"
    r"\b(?:l?gpl|gnu)[- ]compatible"
)
# The words "public domain" by themselves: no licence, and no restriction either.
_HARMLESS_HINTS = ("public-domain_bare_words", "public-domain_bare")
_EITHER = re2.compile(
    r"(?i)\beither (?:the |of the |under |a |an )?[^.]{3,200}?\bor\b|\b(?:your choice|choose (?:one|between|either)|"
    r"one or (?:the )?other|dual[- ]?licen[sc]ed)\b"
)
_NOT_A_CHOICE = re2.compile(r"(?i)\beither (?:version|express|v[0-9]|the? version)|\band\b")
_DEBIAN_FORM = re2.compile(r"(?i)\s*format(?:-specification)?:[ \t]*\S*(?:copyright-format|dep5|dep-5)")
_DUAL = re2.compile(r"(?i)\b(?:dual|double)[- ]?licen[sc]|\bdually licen[sc]")
_DUAL_NAMES = re2.compile(
    r"(?i)\b(?:dual|double|dually)[- ]?licen[sc]ed (?:under|as|with|by)(?: both)?(?: the)? (.{3,160}?)"
    r"(?: licen[sc]es?)?\.?[ \t]*$"
)
_PERL = re2.compile(
    r"(?is)\bunder the terms of either:?\s+a\)\s.{0,80}GNU General Public License.{0,200}"
    r"\bor\s+b\)\s.{0,20}Artistic License"
)
_JOINED = re2.compile(r"(?i),? (?:and|or)(?: the)? |[ \t]*[/&][ \t]*")
_LONGEST_CHOICE = 8
_AND = re2.compile(r"(?i)\s*[,;&]\s*(?:and\s+)?|\s+and\s+|\s+AND\s+|\s+\+\s+")
_OR = re2.compile(r"(?i)\s*(?:\|\|?|/)\s*|\s*,?\s+or\s+")
# "Apache License, Version 2.0" is one name.
_VERSION = re.compile(r",\s*(?=(?:v|version|ver|rev|revision)?\.?\s*[0-9])", re.IGNORECASE)
# Words that stand beside "and" or "or" without naming a second licence.
_CONTINUED = re2.compile(
    r"(?i)^(?:\(?at your option\)?|any )?\s*(?:later|newer|above|greater|higher|after)\b|^any later|"
    r"^disclaimer\b|^file\b"
)


def reading_scopes(path: str) -> tuple[str, ...]:
    """Every way in which a file is read: a manifest that is code or has comments has a head of its own too.

    >>> reading_scopes("a.c"), reading_scopes("setup.py"), reading_scopes("package.json")
    (('head',), ('code', 'head'), ('json',))
    """
    scope = reading_scope(path)
    both = license_role(path) == "metadata" and scope not in _FORMS_WITHOUT_HEAD
    return (scope, "head") if both else (scope,)


def find(scanner: Scanner, content: bytes, scope: str) -> tuple[Finding, ...]:
    """The findings in some bytes, read as `scope` says; at least one, and never an error. KeyError: no such scope."""
    if scope == "head":
        return _of_head(content, scanner.scan(content, scope))
    if scope == "whole":
        return _of_text(scanner, content)
    if scope == "readme":
        return _of_readme(scanner, content)
    text = decoded(content)
    found = _of_records(scanner, text, scope) if scope in _RECORDS else _of_manifest(scanner, text, scope)
    reading = read_text(content, "whole")
    if reading.reserved:
        found.append(Finding("found", NO_TRAINING, 100.0, "gleanery-no-ai-training", *reading.reserved))
    found = found or [Finding("none")]
    return (replace(found[0], copyrights=reading.copyrights), *found[1:])


def _of_text(scanner: Scanner, content: bytes) -> tuple[Finding, ...]:
    """A licence file: what it says of the whole folder, then what it says of parts of it (`PART`, with their paths).

    Where it says what holds for everything outside the parts, the sentences about the parts say nothing of the whole.
    """
    text = _without_compatibility(_bounded(content))
    found = scanner.scan(text.encode("utf-8", "replace"), "whole")
    # A licence file of R that holds only the blanks of the licence that the manifest names: it speaks of owners.
    if found[0].outcome == "none" and len(content) <= _LONGEST_FIELD and _OWNERS_ONLY.match(text.strip()):
        return (replace(found[0], rule=OWNERS_ONLY), *found[1:])
    # The machine-readable form of Debian in a licence file: it says of each file what it is under.
    stated = _of_records(scanner, text, "debian") if _DEBIAN_FORM.match(text) else []
    if stated and not any(f.expression == NO_TRAINING for f in found):
        return (replace(stated[0], copyrights=found[0].copyrights), *stated[1:])
    divided = division(text.split("\n"))
    if divided.rest:
        found = scanner.scan("\n".join(divided.others).encode("utf-8", "replace"), "whole")
    cut = (Finding("unknown", rule="gleanery-too-many-parts"),) if divided.cut else ()
    return (*found, *(_of_part(scanner, part) for part in divided.parts), *cut)


def _bounded(content: bytes) -> str:
    """As much of a text as the scanner reads, with the same line ends everywhere."""
    return decoded(content[: 4 * WHOLE_CHARACTERS + 4]).replace("\r\n", "\n").replace("\r", "\n")


def _without_compatibility(text: str) -> str:
    """A text without "compatible with the GPL", which says that its licence is another one; as many lines as before."""
    return str(_COMPATIBLE.sub(lambda match: "\n" * match[0].count("\n"), text))


def _of_part(scanner: Scanner, part: Part) -> Finding:
    """What a sentence says of some folders; a condition or a pointer in it leaves open which licence it is."""
    found = scanner.scan(part.words.encode("utf-8", "replace"), "whole")
    expression = all_of(f.expression for f in found if f.outcome == "found" and f.expression)
    plain = expression is not None and all(f.outcome == "found" for f in found) and not _CONDITION.search(part.words)
    if not plain or only_points(expression or ""):
        return Finding("unknown", None, 100.0, PART, part.first, part.last, paths=part.folders)
    return Finding("found", expression, 100.0, PART, part.first, part.last, paths=part.folders)


def _of_head(content: bytes, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Hints that name no restriction are mentions, "see LICENSE" points to it, and "either A or B" is a choice.

    A head that names a licence which nobody knows states one all the same.
    """
    if all(f.outcome == "none" for f in found):
        return _with_unheard(content, found)
    lines = decoded(content).splitlines()
    found = tuple(_of_hint(f, lines) for f in found)
    if not any(f.outcome == "found" and len(conjuncts(f.expression or "")) == 2 for f in found):
        return found
    return tuple(_with_choice(f, lines) for f in found)


def _with_unheard(content: bytes, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """No finding, or a doubt for "governed by the Acme Enterprise License": a name that the detector never heard."""
    raw = content[:HEAD_CHARACTERS]
    if not _MAYBE_UNHEARD.search(raw):
        return found
    lines = decoded(raw).splitlines()[:HEAD_LINES]
    plain = [line.strip(" \t*/#;%!<>-|\"'") for line in lines]
    named = _UNHEARD.search(" ".join(plain))
    if named is None:
        return found
    at = next((n for n, line in enumerate(plain, 1) if _MAYBE_UNHEARD.search(line.encode("utf-8", "replace"))), 1)
    return (replace(found[0], outcome="unknown", rule=UNHEARD, start_line=at, end_line=at), *found[1:])


def _of_hint(finding: Finding, lines: list[str]) -> Finding:
    if finding.outcome != "unknown" or finding.start_line is None or finding.end_line is None:
        return finding
    if (finding.rule or "").startswith(_HARMLESS_HINTS):
        return replace(finding, outcome="mentioned")
    said = " ".join(line.strip(" \t*/#;%!\"'") for line in lines[finding.start_line - 1 : finding.end_line + 1])
    if finding.end_line - finding.start_line < _LONGEST_CHOICE and _POINTS.search(said):
        return replace(finding, outcome="found", expression=POINTER)
    return finding


def _with_choice(finding: Finding, lines: list[str]) -> Finding:
    """The finding of two licences as a choice, where its sentence says "either ... or" and nothing else joins them."""
    parts = conjuncts(finding.expression or "")
    if finding.outcome != "found" or len(parts) != 2 or finding.start_line is None or finding.end_line is None:
        return finding
    said = lines[finding.start_line - 1 : finding.end_line + 1]
    if finding.end_line - finding.start_line > _LONGEST_CHOICE:
        return finding
    sentence = " ".join(line.strip(" \t*/#;%!\"'") for line in said)
    offered = _EITHER.search(sentence)
    if offered is None or (_NOT_A_CHOICE.search(offered[0]) and not _DUAL.search(sentence)):
        return finding
    return replace(finding, expression=_choice_of(parts))


def _choice_of(parts: Iterable[str]) -> str:
    return " OR ".join(f"({p})" if " OR " in p or " AND " in p else p for p in parts)


def _dual(scanner: Scanner, found: tuple[Finding, ...], lines: list[str]) -> tuple[Finding, ...]:
    """With each line "dual licensed under A and B" as a choice of the two, if both of its names are known."""
    for number, line in enumerate(lines, 1):
        said = _DUAL_NAMES.search(line[:_LONGEST_FIELD])
        names = [n for n in _JOINED.split(said[1]) if n.strip()] if said is not None else []
        if len(names) != 2:
            continue
        answers = [resolved(scanner, name) for name in names]
        known = [all_of(f.expression or "" for f in a) for a in answers if all(f.outcome == "found" for f in a)]
        if len(known) == 2 and all(k and not only_points(k) for k in known):
            choice = Finding("found", _choice_of(k or "" for k in known), 100.0, "gleanery-dual", number, number)
            others = [f for f in found if (f.start_line, f.end_line) != (number, number)]
            found = tuple(sorted((*others, choice), key=lambda f: f.start_line or 0))
    return found


def _perl(text: str, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """With the terms of Perl as one choice: their own words spread over several lines, "either: a) ... or b) ..."."""
    said = _PERL.search(text)
    if said is None:
        return found
    first = text.count("\n", 0, max(text.rfind("\n\n", 0, said.start()) + 2, 0)) + 1
    last = text.count("\n", 0, said.end()) + 1
    choice = Finding("found", "GPL-1.0-or-later OR Artistic-1.0-Perl", 100.0, "gleanery-perl", first, last)
    others = [f for f in found if f.start_line is None or not first <= f.start_line <= last]
    return tuple(sorted((*others, choice), key=lambda f: f.start_line or 0))


def _of_readme(scanner: Scanner, content: bytes) -> tuple[Finding, ...]:
    """What is said of the work itself stays; any other licence is only mentioned."""
    text = _without_compatibility(_bounded(content))
    lines = text.split("\n")
    own = own_lines(lines)
    divided = division([line if number in own else "" for number, line in enumerate(lines, 1)])
    for part in divided.parts:
        lines[part.first - 1 : part.last] = divided.others[part.first - 1 : part.last]
    for at in paragraphs_of_others(lines):  # so that no licence of theirs is joined with one of the work
        lines[at] = lines[at] if at + 1 in own or "train" in lines[at].lower() else ""
    parts = [_of_part(scanner, part) for part in divided.parts]
    found = scanner.scan("\n".join(lines).encode("utf-8", "replace"), "whole")
    if all(f.outcome == "none" for f in found):
        return (*found, *parts)
    found = _perl("\n".join(lines), _dual(scanner, found, lines))
    return (*(_placed_in_readme(f, lines, own) for f in found), *parts)


def _placed_in_readme(finding: Finding, lines: list[str], own: frozenset[int]) -> Finding:
    """A tag speaks of the README file itself, a statement of the work, and anything else of something else."""
    at = (finding.start_line or 0) - 1
    if 0 <= at < len(lines) and "spdx-license-identifier" in lines[at].lower():
        return replace(finding, rule=OWN_TAG)
    return finding if _is_own(finding, own) else replace(finding, outcome="mentioned")


def _is_own(finding: Finding, own: frozenset[int]) -> bool:
    if finding.expression == NO_TRAINING or finding.start_line is None or finding.end_line is None:
        return True
    return any(line in own for line in range(finding.start_line, min(finding.end_line, finding.start_line + 200) + 1))


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


def resolved(scanner: Scanner, words: str) -> tuple[Finding, ...]:
    """The licence behind the words of a licence field; several must all be met unless the words offer a choice.

    What is joined with "and" or "or" is read part by part, so that none is lost; one that is not known leaves a doubt.
    """
    refusal = _REFUSALS.get(words.lower().strip(" .!()"))
    if refusal is not None:
        return (Finding("found", refusal, 100.0, "license-field"),)
    if len(words) > _LONGEST_FIELD:
        return _certain(scanner.scan(words.encode("utf-8", "replace"), "whole"))
    whole = _certain(scanner.scan(_line(words), "whole"))
    if _CHANGED.search(words) and not any(
        " WITH " in (f.expression or "") or "-NC" in (f.expression or "") for f in whole
    ):
        return (*whole, Finding("unknown", rule="license-field"))
    if whole[0].rule == "license-field" or words.startswith("License ::") or "://" in words or len(words.split()) == 1:
        return whole
    words = _VERSION.sub(" ", words)
    for sign, word in ((_OR, "OR"), (_AND, "AND")):
        parts = [p.strip(" ()") for p in sign.split(words) if p.strip(" ()")]
        if len(parts) > 1 and not any(_CONTINUED.search(p) for p in parts):
            return _joined([resolved(scanner, p) for p in parts[:16]], word, whole)
    return whole


def _line(words: str) -> bytes:
    return (words if words.startswith("License ::") else f"License: {words}").encode("utf-8", "replace")


def _joined(parts: list[tuple[Finding, ...]], word: str, whole: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """One finding for parts that are joined by a word; with a part that is not known, what is known and a doubt."""
    known = [all_of(f.expression for f in part if f.outcome == "found" and f.expression) for part in parts]
    if all(known):
        said = [f"({k})" if k and len(keys(k)) > 1 else k for k in dict.fromkeys(known)]
        expression = f" {word} ".join(s for s in said if s)
        if parse(expression) is not None:
            return (Finding("found", expression, 100.0, "license-field"),)
    if word == "OR":
        return whole
    return (*(f for f in whole if f.outcome == "found"), Finding("unknown", rule="license-field"))


def _certain(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """A licence field always says something: where the detector finds nothing in it, that is a doubt."""
    return tuple(Finding("unknown", rule="license-field") if f.outcome == "none" else f for f in found)


def _of_records(scanner: Scanner, text: str, form: str) -> list[Finding]:
    said = records(text, form)
    if said is None:
        # A free-form debian/copyright is an account for people; a broken REUSE record may hide any licence.
        return [] if form == "debian" else [Finding("unknown", rule=f"{form}-unreadable")]
    found: list[Finding] = []
    for record in said:
        answers = resolved(scanner, record.words)
        expression = all_of(f.expression for f in answers if f.outcome == "found" and f.expression)
        known = expression is not None and all(f.outcome == "found" for f in answers)
        found.append(
            Finding(
                *("found" if known else "unknown", expression if known else None, 100.0, f"{form}-{record.rank}"),
                *(record.line, record.line),
                paths=record.patterns,
            )
        )
    return found
