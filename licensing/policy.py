"""The policy: which licences may be kept, as data that a lawyer can read, and the judgement on one file.

In: conclusions and `policy.toml`. Out: a judgement with its reason code, the rule that decided and the evidence in
plain words. Default deny: what the policy does not name is not kept. Loading costs 2 ms; a judgement costs
15 µs, because expressions are parsed once.
"""

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from gleanery.licensing.conclude import IGNORED, REFERENCES, Conclusion, Evidence
from gleanery.licensing.expressions import Expression, parse
from gleanery.records.errors import StopRun

CATEGORIES = ("public-domain", "permissive", "weak-copyleft", "copyleft", "restricted")
# The five answers for an expression. IGNORED texts are no licences; a REFERENCE only points to one.
ALLOW, DENY, UNKNOWN, REFERENCE, NEUTRAL = "allow", "deny", "unknown", "reference", "neutral"
# With AND the worst part decides; a reference is harmless beside a known licence. With OR one may choose the best.
_ALL_ORDER = (DENY, UNKNOWN, ALLOW, REFERENCE, NEUTRAL)
_LONGEST_LIST, _LONGEST_PATH = 8, 300


@dataclass(frozen=True)
class Judgement:
    """Whether a file may be kept, and why.

    `reason` is a code of records.reasons: kept, license_missing, license_unknown, license_not_allowed or
    license_conflict. `rule` names what decided, `evidence` holds one sentence for each piece.
    """

    allowed: bool
    reason: str
    rule: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class _Group:
    name: str
    category: str


class Policy:
    """One profile of a policy file. Make one with `Policy.load`."""

    def __init__(self, data: Mapping[str, Any], profile: str, digest: str) -> None:
        """`data` is the parsed file and `digest` its SHA-256; StopRun if it is not a policy or lacks the profile."""
        _check(data, profile)
        self.profile = profile
        self.version = f"{profile}@{data['reviewed']}/sha256:{digest[:12]}"
        self._allowed = frozenset(data["profiles"][profile]["groups"])
        self._named: dict[str, _Group] = {}
        self._prefixes: list[tuple[str, _Group]] = []
        for name, group in data["groups"].items():
            entry = _Group(name, group["category"])
            self._named.update({key.lower(): entry for key in group["licenses"]})
            self._prefixes += [(prefix.lower(), entry) for prefix in group.get("prefixes", [])]
        self._exceptions = frozenset(key.lower() for key in data["exceptions"]["known"])

    @classmethod
    def load(cls, profile: str = "permissive", path: Path | None = None) -> "Policy":
        """A profile of a policy file, by default of the one that comes with the product."""
        packaged = resources.files("gleanery.licensing").joinpath("policy.toml")
        raw = path.read_bytes() if path is not None else packaged.read_bytes()
        try:
            data = tomllib.loads(raw.decode())
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise StopRun("The policy file is not valid TOML.", "Compare it with licensing/policy.toml.") from error
        return cls(data, profile, hashlib.sha256(raw).hexdigest())

    def judge(self, conclusion: Conclusion) -> Judgement:
        """Keep a file only if its header, where it has one, and its directory, where that has one, both allow it."""
        header = self.answer(conclusion.header_expression)
        directory = self.answer(conclusion.directory_expression)
        both = _worst(a for a in (header, directory) if a is not None)
        evidence = tuple(_sentence(piece) for piece in conclusion.evidence)
        if both == DENY:
            split = conclusion.conflict and ALLOW in (header, directory)
            return Judgement(
                False,
                "license_conflict" if split else "license_not_allowed",
                self._rule(conclusion, DENY),
                evidence,
            )
        if both in (UNKNOWN, REFERENCE) or conclusion.uncertain:
            return Judgement(False, "license_unknown", self._rule(conclusion, UNKNOWN), evidence)
        if both == ALLOW:
            return Judgement(True, "kept", self._rule(conclusion, ALLOW), evidence)
        return Judgement(False, "license_missing", "no licence was found", evidence)

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
        if key in REFERENCES:
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
        return max(families, key=lambda f: f[0])[1] if families else None

    def _rule(self, conclusion: Conclusion, answer: str) -> str:
        """What decided: the licences that have this answer, with the group of each."""
        decisive = []
        for expression in (conclusion.header_expression, conclusion.directory_expression):
            tree = parse(expression) if expression else None
            for leaf in tree.leaves() if tree is not None else ():
                said = self._answer_one(leaf)
                if said == answer or (answer == UNKNOWN and said == REFERENCE):
                    group = self._group(leaf.license)
                    decisive.append(f"{leaf} ({group.name})" if group else f"{leaf} (not in the policy)")
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
        missing = sorted(set(entry["groups"]) - set(data["groups"]))
        if missing:
            raise StopRun(f"Profile {name!r} allows groups that do not exist: {', '.join(missing)}.", hint)
