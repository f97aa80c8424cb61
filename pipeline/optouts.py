"""Which sources the opt-out rules cover: one answer for the crawl, for select and for the check after a run.

In: the sources of the settings or the table `repos`, and rules. Out: the ids of the blocked repositories, and the names
by which they are compared (the table `optout_names`). No network.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gleanery.optout.matching import Matcher
from gleanery.optout.networks import Member, blocked_members, upstreams
from gleanery.optout.readings import is_unreadable, reading, readings
from gleanery.optout.registry import Rule
from gleanery.pipeline.settings import Settings
from gleanery.records.errors import RejectRecord, StopRun
from gleanery.sources.reading import Identity, Source, identify

MEMBER_COLUMNS = ["repo_id", "name", "url", "aliases", "given_names", "fork_of"]


def sources_of(settings: Settings) -> list[tuple[Identity, Source]]:
    """Every source with its identity, by repo_id.

    Raises StopRun if one repository is named twice, or by an address that no rule could be compared with.
    """
    pairs = []
    for number, plain in enumerate(settings.source, 1):
        source = Source(**dataclasses.asdict(plain))
        try:
            identity = identify(located(source, settings))
        except RejectRecord as error:
            raise StopRun(f"source {number} cannot be used: {error.message}", error.hint) from None
        if any(map(is_unreadable, (identity.name, identity.url, *identity.aliases, source.fork_of or ""))):
            problem = f"source {number} cannot be used: the host of one of its addresses cannot be read"
            raise StopRun(problem, "write the address as https://HOST/OWNER/NAME, or owners' objections would miss it")
        pairs.append((identity, source))
    pairs.sort(key=lambda pair: pair[0].repo_id)
    for (one, _), (other, _) in zip(pairs, pairs[1:], strict=False):
        if one.repo_id == other.repo_id:
            raise StopRun(f"the source {one.name} is named twice", "remove one, or give it another name")
    return pairs


def located(source: Source, settings: Settings) -> Source:
    """The same source with a local path that starts from the settings file's folder."""
    if source.kind in ("git", "archive") and "://" not in source.locator:
        return dataclasses.replace(source, locator=str(settings.path(source.locator).absolute()))
    return source


def members_of(settings: Settings) -> list[Member]:
    """Every source of the settings as a member of its network of forks, by repo_id."""
    pairs = sources_of(settings)
    return [Member(i.repo_id, (i.name, i.url, *i.aliases), source.fork_of, i.given) for i, source in pairs]


def blocked_sources(settings: Settings, rules: Iterable[Rule]) -> set[str]:
    """The sources that a rule covers, by a name of their own or because it covers what they were forked from."""
    return blocked_members(members_of(settings), Matcher(list(rules)))


def member_of(repo: Mapping[str, Any]) -> Member:
    """A row of the table `repos` with at least `MEMBER_COLUMNS`: the same member as of the settings."""
    names = (repo["name"], repo["url"], *repo["aliases"])
    return Member(repo["repo_id"], names, repo["fork_of"], tuple(repo["given_names"]))


def names_compared(members: Sequence[Member]) -> list[dict[str, Any]]:
    """Rows of the table `optout_names`, with which the gate asks anew what the rules cover."""
    rows, above = list[dict[str, Any]](), upstreams(members)
    for member in members:
        own = readings(member.names, member.given)
        found = {("own", name, True) for name in own.full} | {("own", name, False) for name in own.bare}
        found |= {("upstream", repo, True) for repo in above[member.repo_id]}
        if member.fork_of and not above[member.repo_id] and (origin := reading(member.fork_of)):
            found.add(("origin", *origin))
        rows += [dict(repo_id=member.repo_id, relation=r, name=n, has_host=h) for r, n, h in sorted(found)]
    return rows
