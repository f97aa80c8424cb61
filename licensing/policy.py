"""The policy: which licences may be kept, as data that a lawyer can read, and the judgement on one file.

In: conclusions and `policy.toml`. Out: a judgement with its reason code, the rule that decided and the evidence in
plain words. Default deny: what the policy does not name is not kept. Loading costs 2 ms; a judgement costs
15 µs, because expressions are parsed once.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from gleanery.licensing.answers import ALLOW, DENY, NEUTRAL, REFERENCE, UNKNOWN, Answers, worst
from gleanery.licensing.conclude import Conclusion
from gleanery.licensing.expressions import all_of, canonical, conjuncts, parse
from gleanery.licensing.findings import LIMITED_USE, NO_TRAINING, THIRD_PARTIES
from gleanery.licensing.groups import SOURCES
from gleanery.licensing.names import license_role, reading_of_records
from gleanery.licensing.paths import folder_of
from gleanery.licensing.sentences import sentence
from gleanery.licensing.statements import covers, explains, picks
from gleanery.records.errors import StopRun

# So begins the rule of a file that is kept by its header though its directory is not allowed by itself, or the other
# way round; the audit `header_conflicts_released` knows them by these words.
HEAD_DECIDES, FOLDER_DECIDES = "the header decides: ", "the folder decides: "
_LONGEST_LIST, _LONGEST_RULE = 8, 1000
# Of the sources of claims, the ones that speak of this file alone. They count also against a head that says which
# licence is its own.
_OF_ONE_FILE = frozenset(("header", "reuse", "mentioned"))
# Where a conclusion comes from if neither a head, nor a record, nor a licence file states a licence.
_HEARSAY = frozenset(("package_metadata", "repository"))
# The role of evidence from files that govern a folder, and the role of licence files among the files of a repository.
_FILE, _TEXT = "ancestor_file", "license"
# Files that may bear witness beside a head where they stand nearer than the licence file that governs.
_WITNESSES = frozenset(("readme", "notice"))


@dataclass(frozen=True)
class Judgement:
    """Whether a file may be kept, and why.

    `reason` is a code of records.reasons: kept, license_missing, license_unknown, license_not_allowed or
    license_conflict. `rule` names what decided, `evidence` holds one sentence for each piece. Of a file that is kept,
    `chosen` are the licences it is used under, where its expression offers a choice, and `obligations` what these ask.
    """

    allowed: bool
    reason: str
    rule: str
    evidence: tuple[str, ...]
    chosen: str | None = None
    obligations: tuple[str, ...] = ()


class Policy(Answers):
    """One profile of a policy file. Make one with `Policy.load`."""

    def __init__(self, data: Mapping[str, Any], profile: str, digest: str) -> None:
        """`data` is the parsed file and `digest` its SHA-256; StopRun if it is not a policy or lacks the profile."""
        super().__init__(data, profile)
        chosen = data["profiles"][profile]
        self.profile = profile
        self.version = f"{profile}@{data['reviewed']}/sha256:{digest[:12]}"
        self._vetoes = frozenset(chosen.get("vetoes", SOURCES))
        self._doubts = frozenset(chosen.get("doubts", ()))
        self._header_decides = bool(chosen.get("header_decides", False))
        self._explains = bool(chosen.get("head_explains", True))
        self._needs_text = bool(chosen.get("needs_text", False))

    @classmethod
    def load(cls, profile: str = "permissive", path: Path | None = None) -> "Policy":
        """A profile of a policy file, by default of the one that comes with the product."""
        packaged = resources.files("gleanery.licensing").joinpath("policy.toml")
        raw = path.read_bytes() if path is not None else packaged.read_bytes()
        try:
            data = tomllib.loads(raw.decode())
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise StopRun("The policy file is not valid TOML.", "Compare it with licensing/policy.toml.") from error
        listed = resources.files("gleanery.licensing").joinpath("catalogue.toml").read_bytes()
        return cls(data, profile, hashlib.sha256(raw + b"\n" + listed).hexdigest())

    def judge(self, conclusion: Conclusion) -> Judgement:
        """Keep a file only if its header, where it has one, and its directory, where that has one, both allow it.

        What weaker sources claim beside them (`Conclusion.claims`) refuses a file as far as the profile says so.
        """
        header = self.answer(conclusion.header_expression)
        directory = self.answer(conclusion.directory_expression)
        vetoes, decides = self._vetoes, ""
        if self._explains and explains(conclusion.directory_expression, conclusion.header_expression):
            decides = FOLDER_DECIDES if header != directory else ""
            header = directory  # the head lists the sides of the choice that governs its folder
        if header == ALLOW and self._overrules(conclusion):
            decides = HEAD_DECIDES if directory not in (ALLOW, None) else decides
            directory, vetoes = None, vetoes & _OF_ONE_FILE
        both = worst(a for a in (header, directory) if a is not None)
        evidence = tuple(sentence(piece) for piece in conclusion.evidence)
        against = self._against(conclusion, vetoes)
        if both == DENY:
            split = conclusion.conflict and ALLOW in (header, directory)
            reason = "license_conflict" if split else "license_not_allowed"
            return Judgement(False, reason, self._rule(conclusion, DENY), evidence)
        if both == ALLOW and against is not None and not conclusion.uncertain:
            return Judgement(False, "license_conflict", against, evidence)
        if both in (UNKNOWN, REFERENCE) or conclusion.uncertain or (both == NEUTRAL and against is not None):
            return Judgement(False, "license_unknown", self._rule(conclusion, UNKNOWN), evidence)
        if both == ALLOW and self._needs_text and conclusion.basis in _HEARSAY:
            rule = "unknown: only a manifest or a README states a licence"
            return Judgement(False, "license_unknown", rule, evidence)
        if both == ALLOW:
            return self._kept(conclusion, evidence, decides)
        if against is not None:
            return Judgement(False, "license_unknown", against, evidence)
        return Judgement(False, "license_missing", "no licence was found", evidence)

    def _overrules(self, conclusion: Conclusion) -> bool:
        """Whether a head that allows speaks against its directory, never against a reservation of training.

        It does where the directory holds the text of one of the licences that the head offers as a choice, where its
        project states several licences and the head names one that the licence files of its folder offer, and
        everywhere if heads decide.
        """
        if NO_TRAINING in (conclusion.directory_expression or ""):
            return False
        head, directory = conclusion.header_expression, conclusion.directory_expression
        if self._header_decides or not self._explains:
            return self._header_decides
        beside = [claim.expression for claim in conclusion.claims if claim.source not in _OF_ONE_FILE]
        return covers(head, directory) or picks(head, [directory, *beside], self._offered(conclusion))

    def _offered(self, conclusion: Conclusion) -> list[str]:
        """The licences among which a head may say which is its own: those of the licence files that govern its folder.

        What a notice, a README or a manifest names is of other works as often as not. So is what a licence file names
        beside terms that no choice leads out of: proprietary ones, or those of a licence that changes in some years.
        A record that names the file, as Debian keeps them, speaks of nothing else; where no licence file governs, the
        field of a manifest states what does; and what stands nearer to the file than the licence file that governs,
        such as the README of a library inside a program, is a second witness beside the head.
        """
        governing = {canonical(part) for part in conjuncts(conclusion.directory_expression or "")}
        stated: dict[tuple[str, str], list[str]] = {}
        for piece in conclusion.evidence:
            if piece.expression and not (piece.rule or "").startswith(THIRD_PARTIES):
                stated.setdefault((piece.role, piece.path), []).append(piece.expression)
        texts = [parts for (role, path), parts in stated.items() if role == _FILE and license_role(path) == _TEXT]
        # A manifest is no second witness of what it says itself.
        own = {piece.path for piece in conclusion.evidence if piece.role == "own_header"}
        fields = [parts for (role, path), parts in stated.items() if role == "package_metadata" and path not in own]
        texts = texts or fields
        open_to_choice = [part for parts in texts if self.category(all_of(parts)) != "restricted" for part in parts]
        records = [c.expression for c in conclusion.claims if reading_of_records(c.path) and c.source == "manifest"]
        governs = [part for text in open_to_choice for part in conjuncts(text) if canonical(part) in governing]
        return governs + [text for text in records if text] + _nearer(conclusion)

    def _against(self, conclusion: Conclusion, vetoes: frozenset[str]) -> str | None:
        """The first claim that refuses the file, as a rule; None if there is none."""
        for claim in conclusion.claims:
            answer = self.answer(claim.expression) or UNKNOWN
            # A limit of use is none of the licences among which a head may name its own: it holds beside all.
            limits = not self._header_decides and LIMITED_USE in conjuncts(claim.expression or "")
            if answer == DENY and claim.source in (self._vetoes if limits else vetoes):
                tree = parse(claim.expression or "")
                leaves = [leaf for leaf in (tree.leaves() if tree else ()) if self.answer_one(leaf) == DENY]
                named = sorted({f"{leaf} ({self.group_name(leaf)})" for leaf in leaves})
                return f"deny: {', '.join(named[:_LONGEST_LIST])}, stated by the {claim.source}"
            if answer in (UNKNOWN, REFERENCE) and claim.source in self._doubts & vetoes:
                return f"unknown: {claim.expression or 'a licence that is not known'}, stated by the {claim.source}"
        return None

    def _kept(self, conclusion: Conclusion, evidence: tuple[str, ...], decides: str) -> Judgement:
        """What a file is kept under, where header and directory agree or one of them decides."""
        own, folder = conclusion.expression, conclusion.directory_expression
        if decides == HEAD_DECIDES:
            conclusion = replace(conclusion, directory_expression=None)
        elif decides == FOLDER_DECIDES:
            conclusion = replace(conclusion, header_expression=None)
        rule, duties = f"{decides}{self._rule(conclusion, ALLOW)}", set[str]()
        for expression in (conclusion.header_expression, conclusion.directory_expression):
            duties |= set(self.obligations(expression))
        decisive = own if self.answer(own) == ALLOW else folder  # a head that lists what its folder offers as a choice
        chosen, tree = self.chosen(decisive), parse(decisive or "")
        if chosen is not None and tree is not None and chosen != str(tree):
            rule = f"{rule}; chosen: {chosen} from {tree}"
        return Judgement(True, "kept", rule[:_LONGEST_RULE], evidence, chosen, tuple(sorted(duties)))

    def _rule(self, conclusion: Conclusion, answer: str) -> str:
        """What decided: the licences that have this answer, with the group of each."""
        decisive = []
        for expression in (conclusion.header_expression, conclusion.directory_expression):
            tree = parse(expression) if expression else None
            for leaf in tree.leaves() if tree is not None else ():
                said = self.answer_one(leaf)
                if said == answer or (answer == UNKNOWN and said == REFERENCE):
                    decisive.append(f"{leaf} ({self.group_name(leaf)})")
        if not decisive:
            return "some evidence states a licence that could not be identified" if answer == UNKNOWN else answer
        named = sorted(set(decisive))
        more = f" and {len(named) - _LONGEST_LIST} more" if len(named) > _LONGEST_LIST else ""
        return f"{answer}: {', '.join(named[:_LONGEST_LIST])}{more}"


def _nearer(conclusion: Conclusion) -> list[str]:
    """What READMEs and notices name that stand in a deeper folder than every licence file that governs."""
    own = {piece.path for piece in conclusion.evidence if piece.role == "own_header"}
    texts = [e.path for e in conclusion.evidence if e.role == _FILE and license_role(e.path) == _TEXT]
    if not texts:
        return []
    above = max((folder_of(path) for path in texts), key=len)
    below = f"{above}/" if above else ""
    pieces = [e for e in conclusion.evidence if e.expression and e.path not in own and e.role != "own_header"]
    near = [e for e in pieces if e.path.startswith(below) and folder_of(e.path) != above]
    witnesses = [e for e in near if license_role(e.path) in _WITNESSES and not (e.rule or "").startswith(THIRD_PARTIES)]
    return [part for e in witnesses for part in conjuncts(e.expression or "")]
