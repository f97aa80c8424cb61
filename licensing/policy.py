"""The policy: which licences may be kept, as data that a lawyer can read, and the judgement on one file.

In: conclusions and `policy.toml`. Out: a judgement with its reason code, the rule that decided and the evidence in
plain words. Default deny: what the policy does not name is not kept. Loading costs 2 ms; a judgement costs
15 µs, because expressions are parsed once.
"""

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from gleanery.licensing.conclude import Conclusion, Evidence
from gleanery.licensing.expressions import Expression, all_of, parse
from gleanery.licensing.scan import NO_TRAINING
from gleanery.licensing.statements import IGNORED, REFERENCES, covers, explains, picks
from gleanery.records.errors import StopRun

CATEGORIES = ("public-domain", "permissive", "weak-copyleft", "copyleft", "restricted")
# The five answers for an expression. IGNORED texts are no licences; a REFERENCE only points to one.
ALLOW, DENY, UNKNOWN, REFERENCE, NEUTRAL = "allow", "deny", "unknown", "reference", "neutral"
# With AND the worst part decides; a reference is harmless beside a known licence. With OR one may choose the best.
_ALL_ORDER = (DENY, UNKNOWN, ALLOW, REFERENCE, NEUTRAL)
# So begins the rule of a file that is kept by its header though its directory is not allowed by itself, or the other
# way round; the audit `header_conflicts_released` knows them by these words.
HEAD_DECIDES, FOLDER_DECIDES = "the header decides: ", "the folder decides: "
_LONGEST_LIST, _LONGEST_PATH, _LONGEST_RULE = 8, 300, 1000
# The sources of claims beside a conclusion, see `conclude.Claim`.
_SOURCES_TEXT = "header reuse manifest readme registry siblings documents above notice third_parties"
SOURCES = tuple(_SOURCES_TEXT.split())
# Of these, the ones that speak of this file alone. They count also against a head that says which licence is its own.
_OF_ONE_FILE = frozenset(("header", "reuse"))
# Where a conclusion comes from if neither a head, nor a record, nor a licence file states a licence.
_HEARSAY = frozenset(("package_metadata", "repository"))


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


@dataclass(frozen=True)
class _Group:
    name: str
    category: str
    reason: str
    obligations: tuple[str, ...] = ()


class Policy:
    """One profile of a policy file. Make one with `Policy.load`."""

    def __init__(self, data: Mapping[str, Any], profile: str, digest: str) -> None:
        """`data` is the parsed file and `digest` its SHA-256; StopRun if it is not a policy or lacks the profile."""
        _check(data, profile)
        chosen = data["profiles"][profile]
        self.profile = profile
        self.version = f"{profile}@{data['reviewed']}/sha256:{digest[:12]}"
        self._allowed = frozenset(chosen["groups"])
        self._vetoes = frozenset(chosen.get("vetoes", SOURCES))
        self._doubts = frozenset(chosen.get("doubts", ()))
        self._header_decides = bool(chosen.get("header_decides", False))
        self._explains = bool(chosen.get("head_explains", True))
        self._needs_text = bool(chosen.get("needs_text", False))
        self._named: dict[str, _Group] = {}
        self._prefixes: list[tuple[str, _Group]] = []
        for name, group in data["groups"].items():
            entry = _Group(name, group["category"], group["reason"], tuple(group.get("obligations", ())))
            self._named.update({key.lower(): entry for key in group["licenses"]})
            self._prefixes += [(prefix.lower(), entry) for prefix in group.get("prefixes", [])]
        self._notes = {key.lower(): note for key, note in data.get("licenses", {}).items()}
        self._exceptions = frozenset(key.lower() for key in data["exceptions"]["known"])
        self._remarks = REFERENCES | {key.lower() for key in data.get("remarks", {}).get("licenses", ())}
        self._catalogue = _catalogue()

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
        both = _worst(a for a in (header, directory) if a is not None)
        evidence = tuple(_sentence(piece) for piece in conclusion.evidence)
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

        It does where the directory holds the text of one of the licences that the head offers as a choice, where it
        and its project state several licences and the head says which of them is the file's, and everywhere if heads
        decide.
        """
        if NO_TRAINING in (conclusion.directory_expression or ""):
            return False
        head, directory = conclusion.header_expression, conclusion.directory_expression
        others = [claim.expression for claim in conclusion.claims if claim.source not in _OF_ONE_FILE]
        return self._header_decides or (self._explains and (covers(head, directory) or picks(head, directory, others)))

    def _against(self, conclusion: Conclusion, vetoes: frozenset[str]) -> str | None:
        """The first claim that refuses the file, as a rule; None if there is none."""
        for claim in conclusion.claims:
            answer = self.answer(claim.expression) or UNKNOWN
            if answer == DENY and claim.source in vetoes:
                tree = parse(claim.expression or "")
                leaves = [leaf for leaf in (tree.leaves() if tree else ()) if self._answer_one(leaf) == DENY]
                named = sorted({f"{leaf} ({self._group_name(leaf)})" for leaf in leaves})
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

    def chosen(self, expression: str | None) -> str | None:
        """The allowed side of an expression: of a choice, the part with the fewest obligations; None if not allowed.

        >>> policy = Policy.load()
        >>> policy.chosen("GPL-2.0-only OR Apache-2.0 OR MIT"), policy.chosen("ISC AND (GPL-3.0-only OR BSD-2-Clause)")
        ('MIT', 'BSD-2-Clause AND ISC')
        """
        tree = parse(expression or "")
        parts = self._choice(tree) if tree is not None and self.answer(expression) == ALLOW else None
        return all_of(str(part) for part in parts) if parts else None

    def obligations(self, expression: str | None) -> tuple[str, ...]:
        """What the chosen side of an allowed expression asks of who distributes it: words of `[obligations]`.

        >>> Policy.load().obligations("Apache-2.0"), Policy.load().obligations("CC0-1.0 OR MIT")
        (('notice', 'patents', 'state-changes'), ())
        """
        tree = parse(expression or "")
        parts = self._choice(tree) if tree is not None and self.answer(expression) == ALLOW else None
        return tuple(sorted({duty for part in parts or () for duty in self._duties(part)}))

    def reason(self, license_id: str) -> str | None:
        """Why a licence is allowed or refused, in a sentence; None for one that the policy does not know."""
        group = self._group(license_id)
        note = self._notes.get(license_id.lower(), {}).get("reason")
        return note or (group.reason if group is not None else None)

    def _choice(self, tree: Expression) -> tuple[Expression, ...] | None:
        """The licences to use an allowed expression under."""
        if tree.word == "ID":
            return (tree,) if self._answer_one(tree) in (ALLOW, REFERENCE, NEUTRAL) else None
        sides = [self._choice(part) for part in tree.parts]
        if tree.word == "AND":
            return None if None in sides else tuple(leaf for side in sides for leaf in side or ())
        allowed = [
            side for side, part in zip(sides, tree.parts, strict=True) if side and self.answer(str(part)) == ALLOW
        ]
        return min(allowed, key=self._burden) if allowed else next((s for s in sides if s), None)

    def _burden(self, parts: tuple[Expression, ...]) -> tuple[int, int, str]:
        return (
            len({duty for part in parts for duty in self._duties(part)}),
            len(parts),
            " ".join(map(str, parts)).lower(),
        )

    def _duties(self, leaf: Expression) -> tuple[str, ...]:
        group = self._group(leaf.license)
        note = self._notes.get(leaf.license.lower(), {}).get("obligations")
        return tuple(note) if note is not None else group.obligations if group is not None else ()

    def _group_name(self, leaf: Expression) -> str:
        group = self._group(leaf.license)
        return group.name if group is not None else "not in the policy"

    def answer(self, expression: str | None) -> str | None:
        """allow, deny, unknown, reference (only points to a licence) or neutral (no licence); None for no expression.

        >>> policy = Policy.load()
        >>> policy.answer("MIT OR GPL-2.0-only"), policy.answer("MIT AND GPL-2.0-only"), policy.answer("Foo-1.0")
        ('allow', 'deny', 'unknown')
        """
        if not expression:
            return None
        tree = parse(expression)
        return UNKNOWN if tree is None else _evaluated(tree, self._answer_one)

    def restricted(self, expression: str | None) -> bool:
        """Whether the expression is known and this policy does not allow it.

        >>> [Policy.load().restricted(x) for x in ("GPL-3.0-only", "MIT", "Foo-1.0", None)]
        [True, False, False, False]
        """
        return self.answer(expression) == DENY

    def category(self, expression: str | None) -> str:
        """permissive, public-domain, weak-copyleft, copyleft, restricted, unknown, or none without an expression.

        With AND the strictest part counts, with OR the mildest. A part that is unknown beside milder ones makes the
        whole unknown.

        >>> policy = Policy.load()
        >>> policy.category("MIT AND MPL-2.0"), policy.category("GPL-2.0-only OR Unlicense"), policy.category(None)
        ('weak-copyleft', 'public-domain', 'none')
        """
        if not expression:
            return "none"
        tree = parse(expression)
        rank = self._rank(tree) if tree is not None and self.answer(expression) != REFERENCE else _UNKNOWN_RANK
        return "none" if rank is None else _BY_RANK[rank]

    def _rank(self, tree: Expression) -> float | None:
        """The place in CATEGORIES, with unknown between permissive and weak copyleft; None for no licence."""
        if tree.word != "ID":
            ranks = [r for r in map(self._rank, tree.parts) if r is not None]
            if tree.word == "OR":
                ranks = [r for r in ranks if r != _UNKNOWN_RANK] or ranks
            return (max if tree.word == "AND" else min)(ranks, default=None)
        answer = self._answer_one(tree)
        if answer in (NEUTRAL, REFERENCE, UNKNOWN):
            return _UNKNOWN_RANK if answer == UNKNOWN else None
        groups = (self._group(tree.license), self._group(tree.exception or ""))
        return max((float(CATEGORIES.index(g.category)) for g in groups if g is not None), default=_UNKNOWN_RANK)

    def _answer_one(self, leaf: Expression) -> str:
        """The answer for one licence. After WITH, the licence decides and the exception must be known."""
        key, exception = leaf.license.lower(), (leaf.exception or "").lower()
        if key in IGNORED:
            return NEUTRAL
        if key in self._remarks:
            return REFERENCE
        if key in self._exceptions and not exception:  # the text of an exception, as it stands beside its licence
            return REFERENCE
        group, added = self._group(key), self._group(exception)
        if any(g is not None and g.name not in self._allowed for g in (group, added)):
            return DENY
        if group is None or (exception and exception not in self._exceptions):
            return UNKNOWN
        return ALLOW

    def _group(self, key: str) -> _Group | None:
        """The group of a licence: by its own name, or by the longest family name that it begins with."""
        key = key.lower().removesuffix("+")
        named = self._named.get(key)
        if named is not None:
            return named
        families = [(len(prefix), group) for prefix, group in self._prefixes if key.startswith(prefix)]
        return max(families, key=lambda f: f[0])[1] if families else self._catalogue.get(key)

    def _rule(self, conclusion: Conclusion, answer: str) -> str:
        """What decided: the licences that have this answer, with the group of each."""
        decisive = []
        for expression in (conclusion.header_expression, conclusion.directory_expression):
            tree = parse(expression) if expression else None
            for leaf in tree.leaves() if tree is not None else ():
                said = self._answer_one(leaf)
                if said == answer or (answer == UNKNOWN and said == REFERENCE):
                    decisive.append(f"{leaf} ({self._group_name(leaf)})")
        if not decisive:
            return "some evidence could not be read to its end" if answer == UNKNOWN else answer
        named = sorted(set(decisive))
        more = f" and {len(named) - _LONGEST_LIST} more" if len(named) > _LONGEST_LIST else ""
        return f"{answer}: {', '.join(named[:_LONGEST_LIST])}{more}"


_UNKNOWN_RANK = 1.5
_BY_RANK = {float(i): name for i, name in enumerate(CATEGORIES)} | {_UNKNOWN_RANK: "unknown"}


def _evaluated(tree: Expression, answer_one: Callable[[Expression], str]) -> str:
    """OR is met by any part, AND by all; what is no licence does not count beside one."""
    if tree.word == "ID":
        return answer_one(tree)
    answers = {_evaluated(part, answer_one) for part in tree.parts}
    if tree.word == "AND":
        return _worst(answers) or NEUTRAL
    # "MIT or something unknown" may be used as MIT; without an allowed choice, a doubt is stronger than a denial.
    if {REFERENCE, DENY} <= answers and ALLOW not in answers:
        return UNKNOWN
    return next(a for a in (ALLOW, UNKNOWN, REFERENCE, DENY, NEUTRAL) if a in answers)


def _worst(answers: Iterable[str]) -> str | None:
    found = set(answers)
    return next((a for a in _ALL_ORDER if a in found), None)


@lru_cache(maxsize=4096)
def _sentence(piece: Evidence) -> str:
    """One piece of evidence in words, such as `LICENSE lines 1-20 say MIT (rule mit_30.RULE, score 100)`."""
    if not piece.path:
        where = "The registry or forge"
    elif piece.role == "own_header":
        where = "The file itself"
    else:
        where = "".join(c if c.isprintable() else "?" for c in piece.path[:_LONGEST_PATH])
    lines = f" lines {piece.start_line}-{piece.end_line}" if piece.start_line is not None else ""
    if piece.start_line is not None and piece.start_line == piece.end_line:
        lines = f" line {piece.start_line}"
    verb = "say" if lines and piece.start_line != piece.end_line else "says"
    what = f"{verb} {piece.expression}" if piece.expression else "states a licence that could not be identified"
    if not piece.expression and verb == "say":
        what = "state a licence that could not be identified"
    details = [f"rule {piece.rule}"] if piece.rule else []
    details += [f"score {piece.score:g}"] if piece.score is not None else []
    return f"{where}{lines} {what}" + (f" ({', '.join(details)})" if details else "")


@lru_cache(maxsize=1)
def _catalogue() -> dict[str, _Group]:
    """Licences that the detector knows and that no group names, by its category: all refused as restricted."""
    raw = resources.files("gleanery.licensing").joinpath("catalogue.toml").read_text("utf-8")
    found: dict[str, _Group] = {}
    for name, entry in tomllib.loads(raw)["categories"].items():
        group = _Group(f"listed as {name}", entry["category"], entry["reason"])
        found.update({key.lower(): group for key in entry["licenses"]})
    return found


def _check(data: Mapping[str, Any], profile: str) -> None:
    """Raise StopRun, with the place of the fault, for a file that is not a policy."""
    hint = "Compare it with licensing/policy.toml."
    for table in ("reviewed", "profiles", "groups", "exceptions"):
        if table not in data:
            raise StopRun(f"The policy file has no `{table}`.", hint)
    if profile not in data["profiles"]:
        known = ", ".join(sorted(data["profiles"]))
        raise StopRun(f"The policy has no profile {profile!r}.", f"Choose one of: {known}.")
    seen: dict[str, str] = {}
    for name, group in data["groups"].items():
        if group.get("category") not in CATEGORIES or not group.get("reason") or "licenses" not in group:
            raise StopRun(f"Group {name!r} of the policy needs a known category, a reason and licenses.", hint)
        for key in group["licenses"]:
            if key.lower() in seen:
                raise StopRun(f"The policy names {key!r} in two groups, {seen[key.lower()]!r} and {name!r}.", hint)
            seen[key.lower()] = name
    for name, entry in data["profiles"].items():
        strange = sorted({*entry.get("vetoes", ()), *entry.get("doubts", ())} - set(SOURCES))
        if strange:
            raise StopRun(f"Profile {name!r} names sources that do not exist: {', '.join(strange)}.", hint)
        missing = sorted(set(entry["groups"]) - set(data["groups"]))
        if missing:
            raise StopRun(f"Profile {name!r} allows groups that do not exist: {', '.join(missing)}.", hint)
