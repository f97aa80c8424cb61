"""Matching: does a rule of the registry cover a repository or a content?

In: the rules of the registry, and the names of a repository in any spelling. Out: the rule that blocks, or None. No
network and no file is touched. Building a matcher from 100,000 rules took 0.33 s and a look-up with three names 70
microseconds (processor time on one core of a busy machine).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gleanery.records.errors import RejectRecord
from gleanery.records.hosts import OTHER_SPELLINGS
from gleanery.records.names import REGISTRIES, canonical_owner, canonical_repository
from gleanery.records.readings import readings

__all__ = ["Matcher", "Rule", "canonical_repository", "rule_keys", "spelled_today"]


@dataclass(frozen=True)
class Rule:
    """One standing rule: a row of the registry, and of the table `optout_rules`."""

    seq: int
    scope: str  # repo | owner | blob
    value: str  # canonical: host/owner/name, host/owner, pypi/NAME, or a git content id
    action: str  # block | unblock
    request_id: str | None


@dataclass(frozen=True)
class Matcher:
    """The rules as they stand after all of them were read in order: the last word on a scope and value counts.

    An unblock takes back the block of the same scope and value, and no other: a repository stays blocked while a
    rule for its owner stands.
    """

    rules: Sequence[Rule]
    _blocks: dict[tuple[str, str], Rule] = field(init=False, repr=False, compare=False)
    _anywhere: dict[tuple[str, str], Rule] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        blocks: dict[tuple[str, str], Rule] = {}
        for rule in sorted(self.rules, key=lambda rule: rule.seq):
            key = (rule.scope, spelled_today(rule.scope, rule.value.lower()))
            if rule.action == "block":
                blocks[key] = rule
            else:
                blocks.pop(key, None)
        anywhere: dict[tuple[str, str], Rule] = {}
        for (scope, value), rule in sorted(blocks.items()):
            host, _, path = value.partition("/")
            if scope != "blob" and host not in REGISTRIES:
                anywhere.setdefault((scope, path), rule)
        object.__setattr__(self, "_blocks", blocks)
        object.__setattr__(self, "_anywhere", anywhere)

    def blocks_repository(self, names: Iterable[str], given: Iterable[str] = ()) -> Rule | None:
        """The rule that covers a repository which goes by these names, or None; the earliest if there are several.

        `names` are its name, URL and aliases in any spelling. A bare owner/name is read on the hosts of the other
        names. If none of them has a host, or if a person gave it (`given`), it is compared with the rules of every
        host: in doubt the objection wins.

        >>> rule = Rule(1, "owner", "github.com/alice", "block", None)
        >>> Matcher([rule]).blocks_repository(["Alice/lib", "https://github.com/alice/lib"]) == rule
        True
        >>> Matcher([rule]).blocks_repository(["https://gitlab.com/alice/lib"]) is None
        True
        """
        full, bare = readings(names, given)
        hits = [rule for name in full for rule in self._covering(name)]
        hits += [rule for path in bare for key in _keys(path, 1) if (rule := self._anywhere.get(key))]
        return min(hits, key=lambda rule: rule.seq, default=None)

    def blocks_blob(self, blob_id: str) -> Rule | None:
        """The rule that covers this content wherever it occurs, or None."""
        return self._blocks.get(("blob", blob_id.lower()))

    def covers(self, canonical: str) -> Rule | None:
        """The rule that covers the repository of this canonical name, or None; the earliest if there are several."""
        return min(self._covering(canonical), key=lambda rule: rule.seq, default=None)

    def _covering(self, name: str) -> list[Rule]:
        return [rule for key in _keys(name, 2) if (rule := self._blocks.get(key))]


def spelled_today(scope: str, value: str) -> str:
    """The value of a rule as names are written today: the registry may be older than what is known of a host.

    >>> spelled_today("owner", "gist.github.com/alice"), spelled_today("repo", "pypi.io/project/lib")
    ('github.com/alice', 'pypi/lib')
    """
    if scope == "blob" or not (value.partition("/")[0] in OTHER_SPELLINGS or value.endswith(".wiki")):
        return value
    try:
        return canonical_owner(value) if scope == "owner" else canonical_repository(value)
    except RejectRecord:
        return value


def rule_keys(canonical: str) -> list[tuple[str, str]]:
    """Each (scope, value) under which a rule would cover the repository of this canonical name.

    >>> rule_keys("github.com/alice/lib")
    [('repo', 'github.com/alice'), ('owner', 'github.com/alice'), ('repo', 'github.com/alice/lib')]
    """
    return _keys(canonical, 2)


def _keys(name: str, shortest: int) -> list[tuple[str, str]]:
    # Every leading part of the path is looked up: groups may be nested, and on unknown forges a page inside a
    # repository cannot be told from a repository inside a group. No forge lets a repository contain another.
    segments = name.split("/")
    keys = []
    for end in range(shortest, len(segments) + 1):
        value = "/".join(segments[:end])
        keys.append(("repo", value))
        if end < len(segments):
            keys.append(("owner", value))
    return keys
