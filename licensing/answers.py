"""What one profile of a policy says of an SPDX expression: its answer, its category, the side that is used, the duties.

In: a policy file, parsed, and an expression. Out: one of five answers. Default deny: what the policy does not name is
not allowed. Licences are never looked for as words in a text. 5 µs, because expressions are parsed once.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gleanery.licensing.expressions import REFERENCES, Expression, all_of, parse
from gleanery.licensing.findings import CHANGED_TEXT
from gleanery.licensing.groups import CATEGORIES, Groups
from gleanery.licensing.policy_check import check
from gleanery.licensing.statements import IGNORED

# The five answers for an expression. IGNORED texts are no licences; a REFERENCE only points to one.
ALLOW, DENY, UNKNOWN, REFERENCE, NEUTRAL = "allow", "deny", "unknown", "reference", "neutral"
# With AND the worst part decides; a reference is harmless beside a known licence. With OR one may choose the best.
_ALL_ORDER = (DENY, UNKNOWN, ALLOW, REFERENCE, NEUTRAL)
_UNKNOWN_RANK = 1.5
_BY_RANK = {float(i): name for i, name in enumerate(CATEGORIES)} | {_UNKNOWN_RANK: "unknown"}


class Answers:
    """One profile of a policy file."""

    def __init__(self, data: Mapping[str, Any], profile: str) -> None:
        """`data` is the parsed file; StopRun if it is not a policy or lacks the profile."""
        check(data, profile)
        self._allowed = frozenset(data["profiles"][profile]["groups"])
        self._groups = Groups(data)
        self._notes = {key.lower(): note for key, note in data.get("licenses", {}).items()}
        self._exceptions = frozenset(key.lower() for key in data["exceptions"]["known"])
        self._remarks = REFERENCES | {key.lower() for key in data.get("remarks", {}).get("licenses", ())}

    def answer(self, expression: str | None) -> str | None:
        """allow, deny, unknown, reference (only points to a licence) or neutral (no licence); None for no expression.

        >>> from gleanery.licensing.policy import Policy
        >>> policy = Policy.load()
        >>> policy.answer("MIT OR GPL-2.0-only"), policy.answer("MIT AND GPL-2.0-only"), policy.answer("Foo-1.0")
        ('allow', 'deny', 'unknown')
        """
        if not expression:
            return None
        tree = parse(expression)
        return UNKNOWN if tree is None else _evaluated(tree, self.answer_one)

    def restricted(self, expression: str | None) -> bool:
        """Whether the expression is known and this policy does not allow it.

        >>> from gleanery.licensing.policy import Policy
        >>> [Policy.load().restricted(x) for x in ("GPL-3.0-only", "MIT", "Foo-1.0", None)]
        [True, False, False, False]
        """
        return self.answer(expression) == DENY

    def category(self, expression: str | None) -> str:
        """permissive, public-domain, weak-copyleft, copyleft, restricted, unknown, or none without an expression.

        With AND the strictest part counts, with OR the mildest. A part that is unknown beside milder ones makes the
        whole unknown.

        >>> from gleanery.licensing.policy import Policy
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
        answer = self.answer_one(tree)
        if answer in (NEUTRAL, REFERENCE, UNKNOWN):
            return _UNKNOWN_RANK if answer == UNKNOWN else None
        groups = (self._groups.of(tree.license), self._groups.of(tree.exception or ""))
        return max((float(CATEGORIES.index(g.category)) for g in groups if g is not None), default=_UNKNOWN_RANK)

    def answer_one(self, leaf: Expression) -> str:
        """The answer for one licence. After WITH, the licence decides and the exception must be known."""
        key, exception = leaf.license.lower(), (leaf.exception or "").lower()
        if key in IGNORED:
            return NEUTRAL
        if key in self._remarks:
            return REFERENCE
        if key in self._exceptions and not exception:  # the text of an exception, as it stands beside its licence
            return REFERENCE
        group, added = self._groups.of(key), self._groups.of(exception)
        if any(g is not None and g.name not in self._allowed for g in (group, added)):
            return DENY
        if group is None or (exception and exception not in self._exceptions):
            return UNKNOWN
        return ALLOW

    def chosen(self, expression: str | None) -> str | None:
        """The allowed side of an expression: of a choice, the part with the fewest obligations; None if not allowed.

        >>> from gleanery.licensing.policy import Policy
        >>> policy = Policy.load()
        >>> policy.chosen("GPL-2.0-only OR Apache-2.0 OR MIT"), policy.chosen("ISC AND (GPL-3.0-only OR BSD-2-Clause)")
        ('MIT', 'BSD-2-Clause AND ISC')
        """
        tree = parse(expression or "")
        parts = self._choice(tree) if tree is not None and self.answer(expression) == ALLOW else None
        return all_of(str(part) for part in parts) if parts else None

    def obligations(self, expression: str | None) -> tuple[str, ...]:
        """What the chosen side of an allowed expression asks of who distributes it: words of `[obligations]`.

        >>> from gleanery.licensing.policy import Policy
        >>> Policy.load().obligations("Apache-2.0"), Policy.load().obligations("CC0-1.0 OR MIT")
        (('notice', 'patents', 'state-changes'), ())
        """
        tree = parse(expression or "")
        parts = self._choice(tree) if tree is not None and self.answer(expression) == ALLOW else None
        return tuple(sorted({duty for part in parts or () for duty in self._duties(part)}))

    def reason(self, license_id: str) -> str | None:
        """Why a licence is allowed or refused, in a sentence; None for one that the policy does not know."""
        group = self._groups.of(license_id)
        note = self._notes.get(license_id.lower(), {}).get("reason")
        return note or (group.reason if group is not None else None)

    def _choice(self, tree: Expression) -> tuple[Expression, ...] | None:
        """The licences to use an allowed expression under."""
        if tree.word == "ID":
            return (tree,) if self.answer_one(tree) in (ALLOW, REFERENCE, NEUTRAL) else None
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
        group = self._groups.of(leaf.license)
        note = self._notes.get(leaf.license.lower(), {}).get("obligations")
        return tuple(note) if note is not None else group.obligations if group is not None else ()

    def group_name(self, leaf: Expression) -> str:
        """The group of a licence, for people."""
        group = self._groups.of(leaf.license)
        unnamed = "its text was changed" if leaf.license == CHANGED_TEXT else "not in the policy"
        return group.name if group is not None else unnamed


def _evaluated(tree: Expression, answer_one: Callable[[Expression], str]) -> str:
    """OR is met by any part, AND by all; what is no licence does not count beside one."""
    if tree.word == "ID":
        return answer_one(tree)
    answers = {_evaluated(part, answer_one) for part in tree.parts}
    if tree.word == "AND":
        return worst(answers) or NEUTRAL
    # "MIT or something unknown" may be used as MIT; without an allowed choice, a doubt is stronger than a denial.
    if {REFERENCE, DENY} <= answers and ALLOW not in answers:
        return UNKNOWN
    return next(a for a in (ALLOW, UNKNOWN, REFERENCE, DENY, NEUTRAL) if a in answers)


def worst(answers: Iterable[str]) -> str | None:
    """The answer that decides where all must be met; None for none."""
    found = set(answers)
    return next((a for a in _ALL_ORDER if a in found), None)
