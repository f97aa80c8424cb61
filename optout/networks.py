"""Networks of forks: which repositories a rule covers by a name of theirs, or because it covers where they came from.

In: the members of a run or of a release with their names, and rules. Out: the ids of those that are covered. No network
and no file is touched; 100,000 members are held as their names.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gleanery.optout.matching import Matcher
from gleanery.records.names import REGISTRIES
from gleanery.records.readings import Readings, reading, readings


@dataclass(frozen=True)
class Member:
    """A repository: all its names in any spelling, a name of what it was forked from, and which names a person gave."""

    repo_id: str
    names: tuple[str, ...]
    fork_of: str | None = None
    given: tuple[str, ...] = ()


def blocked_members(members: Sequence[Member], matcher: Matcher) -> set[str]:
    """Repositories that a rule covers: by a name of their own, or because one that they came from is covered.

    A rule goes down to all forks, and to forks of forks; it says nothing about what a fork came from, or its sisters.

    >>> from gleanery.optout.matching import Rule
    >>> matcher = Matcher([Rule(1, "repo", "github.com/root/lib", "block", None)])
    >>> chain = [Member("1", ("github.com/one/lib",), "github.com/root/lib"), Member("2", ("x/lib",), "one/lib")]
    >>> sorted(blocked_members(chain, matcher))
    ['1', '2']
    >>> blocked_members([*chain, Member("3", ("github.com/root/other",))], matcher) == {"1", "2"}
    True
    """
    upstream, covered = upstreams(members), set[str]()
    for member in members:
        # What was forked from a repository that is no member is covered by a rule about that one's name, too.
        origin = [member.fork_of] if member.fork_of and not upstream[member.repo_id] else []
        if matcher.blocks_repository(member.names, member.given) or matcher.blocks_repository(origin):
            covered.add(member.repo_id)
    return covered | _below(covered, upstream)


def forks_below(members: Sequence[Member], origins: Collection[str]) -> set[str]:
    """The members that came from one of some repositories: what a repository declares goes down to its forks."""
    return _below(origins, upstreams(members))


def upstreams(members: Sequence[Member]) -> dict[str, tuple[str, ...]]:
    """For each member the repo_ids of those that it may have been forked from, sorted; empty if none is a member.

    Several members may bear one name. Where a fork says owner/name without a host, the host of its own address
    chooses, if it has a member of that name; otherwise all of that name are upstream.
    """
    read = {member.repo_id: readings(member.names, member.given) for member in members}
    by_name, by_path = _borne(read)
    found = {}
    for member in members:
        origin = reading(member.fork_of) if member.fork_of else None
        above = set[str]()
        if origin and origin.has_host:
            # A mirror that a person called owner/name may be that repository.
            above = by_name[origin.name] or by_path[("", origin.name.partition("/")[2])]
        elif origin:
            above = set[str]().union(*(by_name[f"{host}/{origin.name}"] for host in _hosts(read[member.repo_id])))
            above = above or by_path[("any", origin.name)]
        found[member.repo_id] = tuple(sorted(above))
    return found


def _borne(read: Mapping[str, Readings]) -> tuple[dict[str, set[str]], dict[tuple[str, str], set[str]]]:
    """Who bears a name; and who bears a path: without a host (""), or on any host."""
    by_name, by_path = defaultdict[str, set[str]](set), defaultdict[tuple[str, str], set[str]](set)
    for repo, names in read.items():
        for name in names.full:
            by_name[name].add(repo)
            if (parts := name.partition("/"))[0] not in REGISTRIES:
                by_path[("any", parts[2])].add(repo)
        for path in names.bare:
            by_path[("", path)].add(repo)
            by_path[("any", path)].add(repo)
    return by_name, by_path


def _hosts(names: Readings) -> set[str]:
    return {host for name in names.full if (host := name.partition("/")[0]) not in REGISTRIES}


def _below(origins: Collection[str], upstream: Mapping[str, Sequence[str]]) -> set[str]:
    """Everything that came from one of the origins; one of them too if it came from another, as in a ring."""
    forks = defaultdict[str, list[str]](list)
    for repo, above in upstream.items():
        for one in above:
            forks[one].append(repo)
    reached, left = set[str](), list(origins)
    while left:
        for fork in forks[left.pop()]:
            if fork not in reached:
                reached.add(fork)
                left.append(fork)
    return reached
