"""Which words offer a choice where the detector reads duties: "either A or B", "dual licensed under A and B".

In: findings and the lines they stand in. Out: the findings, with an OR where the words offer one. 2 µs a line of a
README.
"""

from collections.abc import Iterable
from dataclasses import replace

import re2

from gleanery.licensing.expressions import all_of, alternatives, canonical, conjuncts, only_points
from gleanery.licensing.fields import LONGEST_FIELD, resolved
from gleanery.licensing.findings import Finding, in_order, surely_stated
from gleanery.licensing.lines import SIGNS, without_links
from gleanery.licensing.scan import Scanner
from gleanery.licensing.versions import includes, is_version_of
from gleanery.licensing.work_words import WORK

_EITHER = re2.compile(
    r"(?i)\beither (?:the |of the |under |a |an )?(?:[^.]|\.[0-9a-z]){3,200}?\bor\b|"
    r"\beither of\b(?:[^.]|\.[0-9a-z]){3,300}?\bat your option\b|"
    # "Ruby's license (see LICENSE) or GNU GPL, at your option"
    r"\bor (?:the |under )*(?:[^.,;()]|\.[0-9a-z]){2,60},? \(?at your option\b|"
    r"\b(?:your choice|choose (?:one|between|either)|one or (?:the )?other|dual[- ]?licen[sc]ed)\b"
)
# "Available under the following license, or at the option of the licensee under the LGPL (see LICENSE.LGPL)."
_OPTION = re2.compile(
    r"(?i)\b(?:available|licen[sc]ed|distributed|released|used)\b[^.;]{0,60}?\bunder\b[^.;]{3,120}?"
    r"\bor,? \(?at (?:the|your) option(?: of (?:the|any|its) (?:licensee|user|recipient|distributor)s?)?\)?,? "
    r"under (?:the )?(?:[\w.+-]+ ?){1,8}"
)
_OPTION_LINES = 4
_LIST_LINES, _END_OF_SENTENCE = 3, re2.compile(r"\.(?: |$)")
_NOT_A_CHOICE = re2.compile(
    r"(?i)\beither (?:version|express|v[0-9]|the? version)|\band\b|"
    r"\bor (?:any |at |an? |the )?(?:later|newer|higher|above|your)\b"
)
_DUAL = re2.compile(r"(?i)\b(?:dual|double)[- ]?licen[sc]|\bdually licen[sc]|\bunder a dual ")
_DUAL_NAMES = re2.compile(
    r"(?i)\b(?:dual|double|dually)[- ]?licen[sc]ed,? (?:and )?(?:(?:released|distributed|available) )?"
    r"(?:under|as|with|by)(?: both)?(?: the)?:? (.{3,160}?)"
    r"(?: licen[sc]es?)?(?P<later>,? or,? \(?at your option\)?,? any later version)?(?:\.(?: |$)|[ \t]*$)"
)
# "Licensed under a dual BSD and GPL v2 license."
_DUAL_KIND = re2.compile(
    r"(?i)\b(?:licen[sc]ed|provided|released|distributed|available) under a dual (.{3,100}?) licen[sc](?:e|ing)\b"
)
_DUAL_LINES = 5
# Words with which not all is under both, or one is told from the other.
_APART = re2.compile(
    r"(?i)\b(?:rest|others?|parts?|portions?|some|most|files?|except|unless|depending|respectively|for|if|when|where)\b"
)
_LATER_BELOW = re2.compile(r"(?i)^[\s*/#;%>-]*or,? \(?at your option\)?,? any later version\b")
_THIS_VERSION = re2.compile(r"^([AL]?GPL-[0-9]\.[0-9])-only$")
# What stands above may say that all is under both: "Unless stated otherwise in a file, Frob Net files are".
_ALL_FILES = re2.compile(
    r"^(?i:unless (?:[a-z]+ ){0,3}(?:in (?:a|the|each|that) (?:[a-z]+ )?file)?, ?)?(?i:all )?"
    r"(?:[A-Z][\w.+-]* ){1,3}(?:source )?files are $"
)
_NO_NAME = frozenset(("the", "these", "those", "some", "other", "following", "most", "many", "certain", "any", "all"))
# "Released under any of the GPL, the LGPL, or the BSD License".
_ANY_OF = re2.compile(
    r"(?i)\b(?:released|licen[sc]ed|distributed?|available|used?|redistribute)\b[^.]{0,60}?"
    r"\bunder (?:the )?(?:terms (?:and conditions )?of )?any (?:one )?of\b[^.]{3,300}?\bor\b[^.]*"
)
_NOT_ANY = re2.compile(r"(?i)\b(?:not?|never|neither|and)\b")
_PERL = re2.compile(
    r"(?is)\bunder the terms of either:?\s+a\)\s.{0,80}GNU General Public License.{0,200}"
    r"\bor\s+b\)\s.{0,20}Artistic License"
)
# "jQuery is dual licensed": what stands before the verb, in a sentence of its own.
_SUBJECT_OF = re2.compile(
    r"(?i)(?:^|[.!?;:]\s+|\n)[^\w.]{0,6}((?:[\w.'+/-]+[ \t]+){1,8}?)(?:itself[ \t]+)?"
    r"(?:is|are|was|were|comes?)\b[^.;]{0,40}?"
    r"(?:\b(?:dual|double|dually|multi)[- ]?licen[sc]|"
    r"\b(?:licen[sc]ed|available|released|distributed)[ \t]+under[^.;]{0,60}\b(?:either|any of|or)\b)"
)
_PLAIN_SUBJECT = re2.compile(
    r"(?i)^(?:it|this|these|all|everything|our|we|"
    rf"(?:this|the|these|all|our)(?:[ \t]+[\w.'-]+){{0,3}}[ \t]+(?:{WORK}|documentation))$"
)
_JOINED = re2.compile(r"(?i),? (?:and|or)(?: the)? |[ \t]*[/&][ \t]*")
LONGEST_CHOICE = 8


def with_choice(finding: Finding, lines: list[str]) -> Finding:
    """The finding of two licences as a choice, where its sentence says "either ... or" and nothing else joins them.

    Or of any number, see `with_any_of`.
    """
    finding = with_any_of(finding, lines)
    parts, sentence = conjuncts(finding.expression or ""), _sentence(finding, lines, 0)
    if _opens_with_option(finding, lines):
        parts = [part for part in parts if not only_points(part)]
    elif _offer(sentence) is None:
        return finding
    if len(parts) != 2:
        return finding
    return replace(finding, expression=choice_of(parts))


def _opens_with_option(finding: Finding, lines: list[str]) -> bool:
    """Whether the first sentence of a finding leaves another licence to its user; the text of one may stand below it.

    >>> said = ["It is available under the following license,", "or at the option of the licensee under the LGPL."]
    >>> _opens_with_option(Finding("found", "MIT AND LGPL-2.0-or-later", 90.0, "x", 1, 2), said)
    True
    """
    first = finding.start_line
    if finding.outcome != "found" or first is None:
        return False
    said = " ".join(line.strip(SIGNS) for line in lines[first - 1 : first + _OPTION_LINES - 1])
    return _OPTION.search(said) is not None


def with_either(finding: Finding, lines: list[str]) -> Finding:
    """As `with_choice`, in a README: its names may be a list, and a sentence may say which files are under which.

    >>> said = ["Licensed under either of", "", "* Apache License, Version 2.0", "* MIT license", "", "at your option."]
    >>> with_either(Finding("found", "Apache-2.0 AND MIT", 100.0, "x", 1, 4), said).expression
    'Apache-2.0 OR MIT'
    """
    finding = with_any_of(finding, lines)
    parts, sentence = conjuncts(finding.expression or ""), _sentence(finding, lines, 0, _LIST_LINES)
    offered = _offer(sentence) if len(parts) == 2 else None
    if offered is None or _APART.search(_END_OF_SENTENCE.split(sentence[offered:], 1)[0]):
        return finding
    return replace(finding, expression=choice_of(parts))


def _offer(sentence: str) -> int | None:
    """Where a sentence begins to offer a choice of two, if it does."""
    offered = _EITHER.search(sentence)
    if offered is None or (_NOT_A_CHOICE.search(offered[0]) and not _DUAL.search(sentence)):
        return None
    return int(offered.start())


def with_any_of(finding: Finding, lines: list[str]) -> Finding:
    """The finding of several licences as a choice, where its sentence says "under any of A, B, or C".

    >>> said = ["Released under any of the GPL, the LGPL, or the BSD License."]
    >>> with_any_of(Finding("found", "GPL-1.0-or-later AND LGPL-2.0-or-later AND BSD-3-Clause", 90.0, "x", 1, 1), said)
    ... # doctest: +ELLIPSIS
    Finding(outcome='found', expression='GPL-1.0-or-later OR LGPL-2.0-or-later OR BSD-3-Clause', score=90.0, ...)
    """
    parts = conjuncts(finding.expression or "")
    offered = _ANY_OF.search(_sentence(finding, lines, 1)) if len(parts) > 1 else None
    if offered is None or _NOT_ANY.search(offered[0]):
        return finding
    return replace(finding, expression=choice_of(parts))


def _sentence(finding: Finding, lines: list[str], above: int, below: int = 1) -> str:
    """The words of a finding on one line, with some lines above it and below; "" for a long one or a doubt."""
    if finding.outcome != "found" or finding.start_line is None or finding.end_line is None:
        return ""
    if finding.end_line - finding.start_line > LONGEST_CHOICE:
        return ""
    said = lines[max(0, finding.start_line - 1 - above) : finding.end_line + below]
    return " ".join(line.strip(SIGNS) for line in said)


def choice_of(parts: Iterable[str]) -> str:
    """An expression that offers each of some others."""
    return " OR ".join(f"({p})" if " OR " in p or " AND " in p else p for p in parts)


def with_dual(scanner: Scanner, found: tuple[Finding, ...], lines: list[str]) -> tuple[Finding, ...]:
    """With each "dual licensed under A and B" as a choice of the two, if both of its names are known.

    It may go over some lines, and its names may be links. The first finding bears the copyright lines, as before.
    """
    if _DUAL.search("\n".join(lines)) is None:
        return found
    owners = found[0].copyrights if found else ()
    for number, line in enumerate(lines, 1):
        if not _DUAL.search(line[:LONGEST_FIELD]):
            continue
        for last in range(number, min(number + _DUAL_LINES, len(lines) + 1)):
            if last < len(lines) and _LATER_BELOW.match(lines[last][:LONGEST_FIELD]):
                continue
            choice = _dual_choice(scanner, lines[number - 1 : last], number)
            if choice is not None:
                others = [f for f in found if not _is_told(f, choice, number, last)]
                found = in_order((*others, choice))
                break
            if not lines[last - 1].strip(SIGNS):
                break
    return tuple(replace(f, copyrights=owners if at == 0 else ()) for at, f in enumerate(found)) if owners else found


def _dual_choice(scanner: Scanner, lines: list[str], number: int) -> Finding | None:
    said = without_links(" ".join(line[:LONGEST_FIELD].strip(SIGNS) for line in lines))
    dual = _DUAL_NAMES.search(said) or _DUAL_KIND.search(said)
    if dual is None or _APART.search(dual[1]):
        return None
    above = said[: dual.start()]
    named = _ALL_FILES.match(above) is not None and _NO_NAME.isdisjoint(above.rpartition(",")[2].lower().split())
    if _APART.search(above) and not named:
        return None
    names = [n for n in _JOINED.split(dual[1]) if n.strip()]
    if len(names) != 2:
        return None
    answers = [resolved(scanner, name) for name in names]
    known = [_versioned(surely_stated(answer) or "") for answer in answers]
    if dual.groupdict().get("later"):
        known[-1] = _THIS_VERSION.sub(r"\1-or-later", known[-1])
    if any(only_points(expression) for expression in known):
        return None
    last = number + len(lines) - 1
    return Finding("found", choice_of(known), 100.0, "gleanery-dual", number, last)


def _is_told(finding: Finding, choice: Finding, first: int, last: int) -> bool:
    """Whether a choice says all of a finding: it stands in its lines, or names its sides there and points elsewhere."""
    if not first <= (finding.start_line or 0) <= last:
        return False
    named = {canonical(part) for part in conjuncts(finding.expression or "") if not only_points(part)}
    sides = alternatives(choice.expression or "")
    return (finding.end_line or 0) <= last or all(any(includes(side, name) for side in sides) for name in named)


def _versioned(expression: str) -> str:
    """What the words of one name say: the detector reads "GNU LGPL 2.1" as any version of the LGPL too."""
    parts = conjuncts(expression)
    return all_of(p for p in parts if not any(is_version_of(other, p) for other in parts)) or ""


def without_foreign(found: tuple[Finding, ...], lines: list[str], title: str) -> tuple[Finding, ...]:
    """Without the choices whose sentence has another work as its subject: they are only mentioned.

    `title`: where the name of this work stands, in small letters; empty where nobody can know its name. Then a sentence
    about a name is another work's only if licences stand beside it, and not two of its sides among them.

    >>> lines = ["jQuery is dual licensed under the MIT and GPL licenses."]
    >>> choice = Finding("found", "MIT OR GPL-2.0-only", 100.0, "x", 1, 1)
    >>> [f.outcome for t in ("# frob", "# jquery") for f in without_foreign((choice,), lines, t)]
    ['mentioned', 'found']
    """
    return tuple(_own_part(f, lines, title, [o for o in found if o is not f]) for f in found)


def _own_part(finding: Finding, lines: list[str], title: str, others: list[Finding]) -> Finding:
    parts = conjuncts(finding.expression or "")
    sides = {canonical(s) for part in parts if len(offered := alternatives(part)) > 1 for s in offered}
    if not sides or finding.start_line is None or finding.end_line is None:
        return finding
    said = "\n".join(line.strip() or "." for line in lines[finding.start_line - 1 : finding.end_line + 1])
    subjects = [match[1].strip() for match in _SUBJECT_OF.finditer(said)]
    names = {subject.split()[-1].strip("`*_'\"").lower() for subject in subjects if not _PLAIN_SUBJECT.match(subject)}
    own = [part for part in parts if len(alternatives(part)) == 1]
    if title:
        foreign = any(name not in title for name in names)
    else:
        stated = [*own, *(p for o in others if o.outcome == "found" for p in conjuncts(o.expression or ""))]
        whole = {canonical(part) for part in stated}
        foreign = bool(names) and bool(whole) and len(sides & whole) < 2
    if not foreign:
        return finding
    kept = all_of(own)
    return replace(finding, expression=kept) if kept else replace(finding, outcome="mentioned")


def with_perl(text: str, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """With the terms of Perl as one choice: their own words spread over several lines, "either: a) ... or b) ..."."""
    said = _PERL.search(text)
    if said is None:
        return found
    first = text.count("\n", 0, max(text.rfind("\n\n", 0, said.start()) + 2, 0)) + 1
    last = text.count("\n", 0, said.end()) + 1
    choice = Finding("found", "GPL-1.0-or-later OR Artistic-1.0-Perl", 100.0, "gleanery-perl", first, last)
    others = [f for f in found if f.start_line is None or not first <= f.start_line <= last]
    return in_order((*others, choice))
