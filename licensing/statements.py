"""What several texts say together, as one SPDX expression.

In: findings of the files that speak in one role. Out: a `Said`: an expression, the evidence behind it, and whether a
doubt is left. All parts must be met, except where one of them is explained by another. 3 µs for one text.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from gleanery.licensing.expressions import all_of, alternatives, canonical, conjuncts, keys, only_points, parse
from gleanery.licensing.findings import CHANGED_TEXT, MENTIONED, NO_TRAINING, OWN_TAG, OWNERS_ONLY, Finding
from gleanery.licensing.names import is_ownership_name, license_role
from gleanery.licensing.versions import includes

# Texts about contributions, warranty and names. They neither grant a licence nor take one away.
_IGNORED_TEXT = """
canonical-ha-cla-any-e-v1.2 canonical-ha-cla-any-i-v1.2 cncf-corporate-cla-1.0 cncf-individual-cla-1.0 dco-1.0
dco-1.1 generic-cla generic-export-compliance generic-tos generic-trademark google-cla google-corporate-cla
here-disclaimer jetty-ccla-1.1 ms-cla newton-king-cla olf-ccla-1.0 olf-icla-1.0 patent-disclaimer philippe-de-muyter
robert-hubley samba-dc-1.0 sh-cla-1.1 square-cla warranty-disclaimer
"""
# What the Eclipse Foundation puts beside all that it hosts: "unless otherwise indicated" the EPL, and else what is said
# elsewhere. Beside a licence it says nothing; alone its terms are not known.
_ECLIPSE_TEXT = """
eclipse-sua-2001 eclipse-sua-2002 eclipse-sua-2003 eclipse-sua-2004 eclipse-sua-2005 eclipse-sua-2010 eclipse-sua-2011
eclipse-sua-2014 eclipse-sua-2014-11 eclipse-sua-2017
"""
# Of these, the ones that stand in a licence: where nothing else was identified in its file, its terms are not known.
_DISCLAIMERS = (
    "generic-export-compliance generic-tos generic-trademark here-disclaimer patent-disclaimer robert-hubley "
    "warranty-disclaimer"
)
# Grants of patents beside a licence. They add a right, and to sue ends that right alone; each was read to its end.
_PATENT_GRANTS = """
alliance-open-media-patent-1.0 broadcom-opus-patent freetype-patent google-patent-license google-patent-license-fuchsia
google-patent-license-fuschia google-patent-license-golang google-patent-license-webm google-patent-license-webrtc
ms-opus-patent-2012 on2-patent xiph-patent
"""
# What the makers of build tools allow for their own share in a generated file; its other share is the package's.
TOOL_GRANTS = frozenset(("fsful", "fsfullr", "fsfullrwd", "fsfullrsd"))
# Made for texts, fonts and data; their authors advise against them for code.
_DOCUMENTS = ("CC-BY-SA-", "GFDL-", "OFL-", "ODBL-", "ODC-BY-", "PDDL-", "CDLA-", "UBUNTU-FONT-", "BITSTREAM-VERA")
IGNORED = frozenset(f"licenseref-scancode-{key}" for key in (_IGNORED_TEXT + _ECLIPSE_TEXT + _PATENT_GRANTS).split())
DISCLAIMERS = frozenset(f"licenseref-scancode-{key}" for key in (_DISCLAIMERS + _ECLIPSE_TEXT).split())
# What stands beside a licence, and is none by itself.
_MARKS = frozenset((NO_TRAINING.lower(), CHANGED_TEXT.lower()))


@dataclass(frozen=True)
class FileFacts:
    """A file and what was found in it. An empty tuple: it was not read in that way.

    `whole`: what it says as a licence text, a README, a manifest or a record. `head`: what its own head says.
    """

    file_id: str
    path: str
    blob_id: str
    whole: tuple[Finding, ...] = ()
    head: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """One piece of evidence. `role` is own_header, reuse, ancestor_file, package_metadata, repository or siblings.

    An `expression` of None means that a licence is stated there and could not be identified; `CHANGED_TEXT` stands
    beside a licence whose text somebody changed.
    The declaration of a registry has no file: its path and blob_id are empty.
    """

    role: str
    path: str
    blob_id: str
    expression: str | None
    rule: str | None
    score: float | None
    start_line: int | None
    end_line: int | None


@dataclass(frozen=True)
class Said:
    """What some evidence says together. No expression and not uncertain: it says nothing."""

    role: str
    expression: str | None = None
    uncertain: bool = False
    evidence: tuple[Evidence, ...] = ()

    @property
    def names_licence(self) -> bool:
        """Whether it names a licence, and does not only point to one."""
        return self.expression is not None and not only_points(self.expression)

    @property
    def meaning(self) -> str:
        """The same text for two that say the same, references and remarks left out."""
        return _meaning(self.expression or "")


# All files of a folder ask the same of the same few expressions; a collection of licences names hundreds in one.
@lru_cache(maxsize=1024)
def _meaning(expression: str) -> str:
    return canonical(explained(conjuncts(expression)) or "")


Texts = Iterable[tuple[FileFacts, tuple[Finding, ...]]]


def combined(role: str, texts: Texts, silence_is_doubt: bool = False) -> Said:
    """What several texts say together. `silence_is_doubt`: a licence file in which nothing was identified is one, or
    nothing but a disclaimer: somebody wrote the other terms."""
    parts: list[str] = []
    evidence: list[Evidence] = []
    uncertain = False
    for file, findings in texts:
        uncertain = uncertain or silence_is_doubt and _only_disclaims(findings)
        for finding in findings:
            said = finding.expression if finding.expression and parse(finding.expression) else None
            # A licence file that only mentions licences states one, and not which.
            states_some = role == "ancestor_file" and finding.is_by(MENTIONED)
            mentioned = finding.outcome == "mentioned" and not states_some
            if mentioned or (role == "repository" and finding.rule == OWN_TAG):
                continue
            if finding.outcome == "found" and said is not None:
                parts += [p for p in conjuncts(said) if role != "own_header" or canonical(p) not in TOOL_GRANTS]
                evidence.append(evidence_of(role, file, finding, said))
            elif finding.outcome in ("changed", "mentioned") and said is not None:
                # A notice informs and never grants: what it mentions is no doubt.
                uncertain = uncertain or finding.outcome == "changed" or license_role(file.path) == "license"
                parts += conjuncts(said)
                evidence.append(evidence_of(role, file, finding, said))
            elif finding.outcome != "none" or (silence_is_doubt and not speaks_of_owners(file.path, finding)):
                uncertain = True
                evidence.append(evidence_of(role, file, finding, None))
    expression = explained(parts, whole_choice=role == "own_header")
    return Said(role if evidence else "none", expression, uncertain, tuple(evidence))


def _only_disclaims(findings: tuple[Finding, ...]) -> bool:
    named = [key.lower() for f in findings for key in keys(f.expression or "-")]
    return findings != () and DISCLAIMERS.issuperset(named) and all(f.outcome == "found" for f in findings)


def speaks_of_owners(path: str, finding: Finding) -> bool:
    """Whether a licence-named file in which nothing was found may name owners only: its silence says nothing."""
    return is_ownership_name(path) or finding.rule == OWNERS_ONLY


def together(role: str, said: Iterable[Said]) -> Said:
    """Several of these as one: all must be met."""
    every = [s for s in said if s.evidence]
    parts = [s.expression for s in every if s.expression]
    evidence = tuple(piece for s in every for piece in s.evidence)
    return Said(role if evidence else "none", explained(parts), any(s.uncertain for s in every), evidence)


def explained(parts: Iterable[str], whole_choice: bool = False) -> str | None:
    """All parts at once, without those that another part explains.

    A licence text beside a choice that names it is explained by the choice; in the head of a file (`whole_choice`) only
    where the texts of all its alternatives are there. A text that only points to a licence is explained by any licence.
    Texts that are no licences are left out.
    """
    every = [part for text in parts for part in conjuncts(text) if not _is_ignored(part)]
    known = [part for part in every if not only_points(part)] or every
    named = {canonical(part) for part in known}
    choices = [alternatives(part) for part in known if len(alternatives(part)) > 1]
    sides = {text for choice in choices if not whole_choice or _all_named(choice, named) for text in choice}
    return all_of(part for part in known if not any(includes(side, canonical(part)) for side in sides))


def _all_named(choice: frozenset[str], named: set[str]) -> bool:
    """Whether each side of a choice stands beside it as a text of its own."""
    return all(any(includes(side, text) for text in named) for side in choice)


def added_by(said: Said, known: Said) -> str | None:
    """What a second source says beyond a first, or None where it adds nothing."""
    if not conjuncts(known.meaning):
        return said.expression if said.names_licence else None
    return _added(said.expression or "", known.meaning)


def without_choice(said: Said, known: Said) -> str | None:
    """The licences that a second source names alone, where the first offers them among others; None if there are none.

    Who says "GPL" of a work, and not "GPL or Artistic", leaves no choice.
    """
    first = {canonical(part) for part in conjuncts(known.meaning)}
    parts = [part for part in conjuncts(said.expression or "") if canonical(part) not in first]
    return all_of(part for part in parts if len(alternatives(part)) == 1 and not only_points(part))


@lru_cache(maxsize=1024)
def _added(expression: str, known: str) -> str | None:
    parts = conjuncts(known)
    first = {canonical(part) for part in parts}
    both = explained([*conjuncts(expression), *parts]) or ""
    return all_of(part for part in conjuncts(both) if canonical(part) not in first and not only_points(part))


def covers(choice: str | None, text: str | None) -> bool:
    """Whether a choice of licences has each licence of a text among its sides, versions left out.

    A file "under the terms of Perl itself" offers GPL or Artistic; beside it stands the text of one of them.

    >>> covers("GPL-1.0-or-later OR Artistic-1.0-Perl", "GPL-2.0-only"), covers("MIT", "GPL-2.0-only")
    (True, False)
    >>> covers("GPL-1.0-or-later OR Artistic-1.0-Perl", "(GPL-1.0-or-later OR Artistic-1.0) AND GPL-1.0-only")
    True
    """
    offered = [alternatives(part) for part in conjuncts(choice or "")]
    named = {_family(side) for part in conjuncts(text or "") for side in alternatives(part)}
    return bool(offered and named) and all(
        len(sides) > 1 and named <= {_family(side) for side in sides} for sides in offered
    )


def explains(choice: str | None, text: str | None) -> bool:
    """Whether a text that names several licences names the sides of a choice, as a head does that lists them.

    >>> explains("Apache-2.0 OR GPL-2.0-only", "Apache-2.0 AND GPL-2.0-only"), explains("MIT OR ISC", "MIT")
    (True, False)
    """
    sides, parts = alternatives(choice or ""), {canonical(part) for part in conjuncts(text or "")}
    return len(sides) > 1 and len(parts) > 1 and parts == sides


def picks(head: str | None, stated: Iterable[str | None], offered: Iterable[str]) -> bool:
    """Whether a head names some of several licences that its project states, and so which are its own.

    `stated` is all that is stated of its folder, `offered` what is said there in a way that lets a head choose.

    >>> picks("MIT", ["GPL-2.0-only AND MIT"], ["GPL-2.0-only", "MIT"]), picks("MIT", ["GPL-2.0-only", "MIT"], [])
    (True, False)
    >>> picks("Apache-2.0", ["BUSL-1.1", "Apache-2.0"], []), picks("MIT", ["MIT", "GPL-2.0-only"], ["MIT"])
    (False, True)
    """
    parts = [part for text in offered for part in conjuncts(text)]
    known = {canonical(part) for part in parts} | {side for part in parts for side in alternatives(part)}
    several = known | {canonical(part) for text in stated for part in conjuncts(text or "")}
    own = {canonical(part) for part in conjuncts(head or "") if not only_points(part)}
    return len(several - _MARKS) > 1 and bool(own) and own <= known


def _family(text: str) -> str:
    name = text.split(" with ")[0]
    return name.split("-")[0] if " " not in name else text


def for_code(said: Said) -> Said:
    """Without the licences of documents, fonts and data, where another licence speaks for the code.

    What is left out of it stays a claim (`of_documents`), unless it asks for attribution only.
    """
    parts = conjuncts(said.expression or "")
    code = [part for part in parts if not _is_for_documents(part)]
    named = any(not only_points(part) and canonical(part) not in _MARKS for part in code)
    return replace(said, expression=all_of(code)) if named and len(code) < len(parts) else said


def of_documents(said: Said) -> Said:
    """What `for_code` leaves out, without CC-BY."""
    kept = {canonical(part) for part in conjuncts(for_code(said).expression or "")}
    left = [part for part in conjuncts(said.expression or "") if canonical(part) not in kept]
    return replace(said, expression=all_of(p for p in left if not all(_is_by(key) for key in keys(p))))


def evidence_of(role: str, file: FileFacts, finding: Finding, expression: str | None) -> Evidence:
    """A finding as a piece of evidence."""
    return Evidence(
        role, file.path, file.blob_id, expression, finding.rule, finding.score, finding.start_line, finding.end_line
    )


def _is_ignored(part: str) -> bool:
    return all(key.lower() in IGNORED for key in keys(part))


def _is_for_documents(part: str) -> bool:
    return all(_is_by(key) or key.upper().startswith(_DOCUMENTS) for key in keys(part))


def _is_by(key: str) -> bool:
    words = key.lower().split("-")
    return words[:2] == ["cc", "by"] and len(words) > 2 and words[2][:1].isdigit()
