"""Networks of forks: which repositories a rule covers by a name of theirs, or because it covers where they came from.

In: the members of a run or of a release with their names, and rules. Out: the ids of those that are covered. No network
and no file is touched; 100,000 members are held as their names.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gleanery.optout.matching import Matcher
from gleanery.optout.names import canonical_repository
from gleanery.records.errors import RejectRecord


@dataclass(frozen=True)
class Member:
    """A repository: all its names in any spelling, and a name of the one that it was forked from."""

    repo_id: str
    names: tuple[str, ...]
    fork_of: str | None = None


def blocked_members(members: Sequence[Member], matcher: Matcher) -> set[str]:
    """Repositories that a rule covers: by a name of their own, or because the root of their forks is covered.

    A rule about a root goes down to all its forks; a rule about one fork says nothing about the others or the root.

    >>> from gleanery.optout.matching import Rule
    >>> matcher = Matcher([Rule(1, "repo", "github.com/root/lib", "block", None)])
    >>> chain = [Member("1", ("github.com/one/lib",), "github.com/root/lib"), Member("2", ("x/lib",), "one/lib")]
    >>> blocked_members(chain, matcher)
    {'1'}
    >>> sorted(blocked_members([*chain, Member("3", ("github.com/two/lib",), "github.com/one/lib")], matcher))
    ['1', '3']
    """
    upstream, covered = upstreams(members), set()
    for member in members:
        # What was forked from a repository that is no member is covered by a rule about that one's name, too.
        origin = member.fork_of if upstream[member.repo_id] is None else None
        if any(matcher.blocks_repository(names) for names in (member.names, [origin] if origin else [])):
            covered.add(member.repo_id)
    return covered | {m.repo_id for m in members if not covered.isdisjoint(_roots(m.repo_id, upstream))}


def forks_below(members: Sequence[Member], roots: Collection[str]) -> set[str]:
    """The members whose chain of forks begins at one of some repositories: what a root declares goes down to them."""
    upstream = upstreams(members)
    return {repo for repo in upstream if upstream[repo] is not None and not _roots(repo, upstream).isdisjoint(roots)}


def upstreams(members: Iterable[Member]) -> dict[str, str | None]:
    """For each member the repo_id of the one that it was forked from, if that one is a member too."""
    ordered = sorted(members, key=lambda member: member.repo_id)
    known = {_plain(name): member.repo_id for member in ordered for name in member.names}
    return {m.repo_id: known.get(_plain(m.fork_of)) if m.fork_of else None for m in ordered}


def forks_without(members: Sequence[Member], left_out: Collection[str]) -> dict[str, str | None]:
    """For each other member that was forked from one that is left out: the name of the next one above that is not.

    So a chain of forks holds in a table that does not name everybody.
    """
    upstream, named = upstreams(members), {m.repo_id: m.fork_of for m in members}
    bridged = {}
    for repo in sorted(named.keys() - set(left_out)):
        above, seen = upstream[repo], {repo}
        while above is not None and above in left_out and above not in seen:
            seen.add(above)
            bridged[repo] = named[above]
            above = upstream[above]
    return bridged


def _roots(repo: str, upstream: Mapping[str, str | None]) -> set[str]:
    """The end of a chain of forks. Where a chain closes on itself, nobody knows who was first: all of the ring."""
    chain, place, here = list[str](), dict[str, int](), repo
    while here not in place:
        place[here] = len(chain)
        chain.append(here)
        above = upstream[here]
        if above is None:
            return {here}
        here = above
    return set(chain[place[here] :])


def _plain(name: str) -> str:
    """One spelling for the many of a repository's name; a bare owner/name stays as it is, in small letters."""
    try:
        return canonical_repository(name)
    except RejectRecord:
        return name.lower().rstrip("/").removesuffix(".git")
