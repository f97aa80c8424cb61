"""Why our class of a file and that of scancode's full matcher differ: the cause of each difference, found by a rule.

In: the files on whose class the two differ. Out: one cause for each, and `results/licensing_differences.md`, which
counts the causes and lists the files. A cause is claimed only where a second look at the file shows it; what no rule
explains is called so, and counts against `same_class_explained`.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from measuring import RESULTS

from gleanery.licensing.answers import ALLOW
from gleanery.licensing.evidence import find
from gleanery.licensing.expressions import all_of, conjuncts
from gleanery.licensing.matches import match_of, query_of
from gleanery.licensing.names import reading_scope
from gleanery.licensing.policy import Policy
from gleanery.licensing.reading import HEAD_CHARACTERS, HEAD_LINES
from gleanery.licensing.scan import Scanner

TAG = "The head names its licence in a tag with a link (@license {@link ...}), which the full matcher does not report."
CHOICE = "The head offers a choice in words, of which one side is allowed; the full matcher reports nothing."
ALONE = "Matching of the head alone names it; the full matcher reports nothing."
MENTION = "The head only mentions it, as of other code, which grants nothing here."
BELOW = "It stands below the head, which is all that is read of a source file."
OTHERS = "The README names it of something else, such as a logo."
ALIKE = "Only approximate comparison names it: its words are those of no known text."
UNEXPLAINED = "No rule explains it."
_TAG = re.compile(r"@licen[sc]e\b.{0,40}(?:\{@link|https?://)")


@dataclass(frozen=True)
class Difference:
    """One file: its name and content, our class and expression, and those of the full matcher."""

    name: str
    content: bytes
    ours: str
    said: str | None
    full: str
    full_said: str | None


def cause_of(one: Difference, scanner: Scanner, policy: Policy) -> str:
    """The cause of a difference."""
    text = one.content.decode("utf-8", "replace")
    head = "\n".join(text[:HEAD_CHARACTERS].split("\n")[:HEAD_LINES])
    if one.said and not one.full_said:
        if _TAG.search(head) or " OR " in one.said:
            return TAG if _TAG.search(head) else CHOICE
        alone = match_of(query_of(head), approximate=False).findings
        return ALONE if any(one.said in conjuncts(f.expression or "") for f in alone) else UNEXPLAINED
    if reading_scope(one.name) == "readme":
        mentioned = [f.expression for f in find(scanner, one.content, "readme") if f.outcome == "mentioned"]
        return OTHERS if any(f and policy.answer(f) == policy.answer(one.full_said) for f in mentioned) else UNEXPLAINED
    said = [f.expression for f in find(scanner, one.content, "head") if f.outcome == "mentioned"]
    if any(f and policy.answer(f) == policy.answer(one.full_said) for f in said):
        return MENTION
    whole = all_of(f.expression for f in find(scanner, one.content, "whole") if f.expression)
    if len(head) < len(text) and policy.answer(whole) == policy.answer(one.full_said):
        return BELOW
    # To overlook a permission costs a file at worst; a restriction that is overlooked is not explained by this.
    exact = match_of(query_of(text), approximate=False).findings
    named = any(policy.answer(f.expression) == policy.answer(one.full_said) for f in exact)
    return ALIKE if not named and policy.answer(one.full_said) == ALLOW else UNEXPLAINED


def explained(differences: Sequence[Difference], policy: Policy) -> float:
    """The share of differences with a known cause; the table of all of them is written beside."""
    scanner = Scanner()
    causes = [(cause_of(one, scanner, policy), one) for one in differences]
    lines = ["# Files on whose class our scan and scancode's full matcher differ", "", "| cause | files |", "|---|---|"]
    lines += [f"| {cause} | {count} |" for cause, count in Counter(cause for cause, _ in causes).most_common()]
    lines += ["", "| file | ours | full matcher | cause |", "|---|---|---|---|"]
    lines += [
        f"| {one.name} | {one.ours}: {one.said} | {one.full}: {one.full_said} | {cause} |" for cause, one in causes
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "licensing_differences.md").write_text("\n".join(lines) + "\n", "utf-8")
    return sum(cause != UNEXPLAINED for cause, _ in causes) / len(causes) if causes else 1.0
