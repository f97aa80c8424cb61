"""A finding of a licence in one text, and the names that this room gives to what it finds by itself.

In: what the scanner found. Out: the same as plain values for a table or a store, and back; what several findings state
together. Costs nothing to speak of.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from gleanery.licensing.expressions import all_of, only_points

# Expressions of our own, for what no detector has a rule.
NO_TRAINING = "LicenseRef-gleanery-no-ai-training"
LIMITED_USE = "LicenseRef-gleanery-limited-use"
# No policy knows it: the words of a tag that name no licence for certain.
TAG_NOT_READ = "LicenseRef-gleanery-tag-not-read"
# Words of a reservation that do not say what they are about: a doubt, which bears witness against no copy.
MAYBE_NO_TRAINING = "gleanery-maybe-no-ai-training"
# The text of a licence with words that may take something away: it is not that licence. The rule of the finding, and
# what stands beside the licence in its expression, so that nobody takes the one for the other.
CHANGED = "gleanery-changed-text"
CHANGED_TEXT = f"LicenseRef-{CHANGED}"
# The rule of a tag; a tag in a README is the licence of the README, not of the work.
OWN_TAG = "spdx-license-identifier"
# The rule of what the licence field of a manifest says.
FIELD = "license-field"
# A licence file that names owners only, or is empty.
OWNERS_ONLY = "gleanery-owners-only"
# A licence file that only says in which file, its `paths`, the licence stands.
POINTS_TO = "gleanery-points-to"
# Before the name of a file that stands in one of the folders above, in such a path.
ABOVE = ".../"
# A sentence of a licence file about some folders below it, which are its `paths`.
PART = "gleanery-part-of-the-work"
# So is one that only leaves some folders out of the licence: "MIT, except for the frob/ folder".
LEFT_OUT = "gleanery-left-out-of-the-licence"
# So begins the rule of what a section of a licence file says of some files, which are its `paths`.
OF_FILES = "gleanery-some-files"
# So begins the rule of what a licence file mentions as the licence of other people's code.
THIRD_PARTIES = "gleanery-third-parties"
# So begins the rule of what a text states that says of itself that it is about third parties' code.
ALL_OF_OTHERS = "gleanery-all-of-others"
# So begins the rule of a licence that a head names and does not state of its file.
MENTIONED = "gleanery-mentioned"
# Words of law, as many as a licence has, in which no licence was recognised.
UNRECOGNISED = "gleanery-terms-not-recognised"
# What a sentence takes back ("not licensed under"), and what limits how one may use the work.
DENIED, LIMITED = "gleanery-denied", "gleanery-limited-use"


@dataclass(frozen=True)
class Finding:
    """One detection. `outcome` is found, none, mentioned (a licence is named, and not said to be this work's), changed
    (the text of a licence with other words: a doubt that names it), or unknown (the time limit, a cut, an error, or
    only a hint).

    `score` is 0 to 100; lines count from 1. The first finding of a text carries its copyright lines. `paths`: a record
    such as REUSE.toml speaks for the files that these patterns name, and a pointer points to this file.
    """

    outcome: str
    expression: str | None = None
    score: float | None = None
    rule: str | None = None
    start_line: int | None = None
    end_line: int | None = None
    copyrights: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    @property
    def names_licence(self) -> bool:
        """Whether it states a licence by its name or text, and does not only point to one."""
        return self.outcome == "found" and not only_points(self.expression or "")

    def is_by(self, *rules: str) -> bool:
        """Whether its rule begins like one of these."""
        return (self.rule or "").startswith(rules)

    @property
    def speaks_of_training(self) -> bool:
        """Whether it is a reservation against training, or a doubt whether it is one: such words hold anywhere."""
        return self.expression == NO_TRAINING or self.rule == MAYBE_NO_TRAINING


def reservation_on(first: int, last: int) -> Finding:
    """A reservation against training that stands on some lines."""
    return Finding("found", NO_TRAINING, 100.0, "gleanery-no-ai-training", first, last)


def stated(findings: Iterable[Finding]) -> str | None:
    """All that some findings state; None where none does."""
    return all_of(f.expression for f in findings if f.outcome == "found" and f.expression)


def surely_stated(findings: Sequence[Finding]) -> str | None:
    """All that some findings state, or None where one of them is anything else."""
    return stated(findings) if all(f.outcome == "found" for f in findings) else None


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings in the order of their lines."""
    return tuple(sorted(findings, key=lambda f: f.start_line or 0))


def moved(finding: Finding, by: int) -> Finding:
    """The finding of a piece of a file that stands below so many lines."""
    first, last = (None if n is None else n + by for n in (finding.start_line, finding.end_line))
    return replace(finding, start_line=first, end_line=last, copyrights=())


def with_owners(findings: Sequence[Finding], copyrights: tuple[str, ...]) -> tuple[Finding, ...]:
    """Findings of which the first bears some copyright lines."""
    return (replace(findings[0], copyrights=copyrights), *findings[1:])


def plain_of(finding: Finding) -> dict[str, Any]:
    """A finding as plain values, without those that say nothing.

    >>> plain_of(Finding("none")), finding_of(plain_of(Finding("unknown", rule="x", paths=("a",))))
    ({'outcome': 'none'}, Finding(outcome='unknown', expression=None, score=None, rule='x', start_line=None, \
end_line=None, copyrights=(), paths=('a',)))
    """
    plain = {f.name: getattr(finding, f.name) for f in fields(finding)}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in plain.items() if v not in (None, ())}


def finding_of(plain: dict[str, Any]) -> Finding:
    """The finding again."""
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in plain.items()}
    return Finding(**values)
