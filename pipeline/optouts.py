"""Which sources the opt-out rules cover: one answer for the crawl, for select and for the check after a run.

In: the sources of the settings, the table `repos`, and rules. Out: the ids of the blocked repositories, and the names
by which they are compared (the table `optout_names`). The crawl learns names too: the addresses to which servers send
on, behind which a renamed repository lies. No network.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from gleanery.optout.matching import Matcher
from gleanery.optout.networks import Member, blocked_members, upstreams
from gleanery.optout.registry import Registry, Rule
from gleanery.pipeline.settings import Settings
from gleanery.records.errors import RejectRecord, StopRun
from gleanery.records.hosts import TWO_LEVELS
from gleanery.records.parquet import iter_rows, table_files, table_of, write_table
from gleanery.records.readings import is_unreadable, reading, readings
from gleanery.sources.reading import Identity, Source, identify

_FORGES = TWO_LEVELS | {"gitlab.com"}
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
            problem = f"source {number} cannot be used: the host or the account of one of its addresses cannot be read"
            raise StopRun(problem, "write the address as https://HOST/OWNER/NAME, or owners' objections would miss it")
        pairs.append((identity, source))
    pairs.sort(key=lambda pair: pair[0].repo_id)
    for (one, _), (other, _) in zip(pairs, pairs[1:], strict=False):
        if one.repo_id == other.repo_id:
            hint = (
                "remove one, or give each a `name`, as two folders that are called the same need it, and archives "
                "whose addresses differ only in the query"
            )
            raise StopRun(f"the source {one.name} is named twice", hint)
    return pairs


def located(source: Source, settings: Settings) -> Source:
    """The same source with a local path that starts from the settings file's folder."""
    if source.kind in ("git", "archive") and "://" not in source.locator:
        return dataclasses.replace(source, locator=str(settings.path(source.locator).absolute()))
    return source


def members_of(settings: Settings, root: Path | None = None) -> list[Member]:
    """Every source of the settings as a member of its network of forks, by repo_id.

    With the folder of a run, each bears the names too that the crawl learnt.
    """
    learnt = {row["repo_id"]: row["aliases"] for _, row in _crawled(root)} if root else {}
    return [
        Member(i.repo_id, (i.name, i.url, *i.aliases, *learnt.get(i.repo_id, ())), source.fork_of, i.given)
        for i, source in sources_of(settings)
    ]


def blocked_sources(settings: Settings, rules: Iterable[Rule], root: Path | None = None) -> set[str]:
    """The sources that a rule covers, by a name of their own or because it covers what they were forked from."""
    return blocked_members(members_of(settings, root), Matcher(list(rules)))


class Objected(Exception):
    """A rule covers an address on the way to a source."""


class Way:
    """The addresses on the way to one source: each is compared with the run's rules before anything is asked there."""

    def __init__(self, root: Path, identity: Identity) -> None:
        self.root, self.identity = root, identity
        self.met: set[str] = set()

    def follow(self, address: str) -> None:
        """Take one address. Raises Objected if a rule covers it, RejectRecord if it cannot be compared."""
        read = reading(address)
        if read is None:
            raise RejectRecord("a redirect leads where it must not", "give the final URL", "redirect_not_allowed")
        own = self.identity
        if read.name in readings((own.name, own.url, *own.aliases), own.given).full:
            return  # as where a forge keeps its archives on a host of their own
        self.met.add(address)
        if self._matcher.blocks_repository([address]):
            raise Objected

    def claim(self, addresses: Iterable[str]) -> None:
        """Take where a package says that it is developed. Raises Objected if a rule covers one of these repositories.

        Whoever publishes a package may name any repository, and withholds nothing but that package by it. Other pages
        than those of repositories on forges are passed over.
        """
        for address in addresses:
            read = reading(address)
            host, _, path = read.name.partition("/") if read and read.has_host else ("", "", "")
            if host in _FORGES and path.count("/") >= 1:
                self.follow(f"https://{host}/{path}")

    def named(self) -> Identity:
        """The identity with the addresses among its aliases."""
        return dataclasses.replace(self.identity, aliases=tuple(sorted({*self.identity.aliases, *self.met})))

    @cached_property
    def _matcher(self) -> Matcher:
        # Few sources are sent on, so the rules are read only then.
        return Matcher([Rule(**plain) for plain in iter_rows(self.root / "tables/optout_rules/rules.parquet")])


def answered_otherwise(settings: Settings, root: Path, rules: Iterable[Rule]) -> set[str]:
    """Tasks of the crawl that found another answer about the addresses on the way than these rules give."""
    matcher, known = Matcher(list(rules)), {identity.repo_id: identity.aliases for identity, _ in sources_of(settings)}
    found = set()
    for task, row in _crawled(root):
        met = set(row["aliases"]).difference(known.get(row["repo_id"], row["aliases"]))
        covered = "opted_out" if matcher.blocks_repository(sorted(met)) else "read"
        if met and row["status"] not in (covered, "failed"):
            found.add(task)
    return found


def _crawled(root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the crawl wrote of each source, and the name of its task."""
    for path in table_files(root, "repos"):
        for row in iter_rows(path, ["repo_id", "aliases", "status"]):
            yield path.stem, row


def write_names(settings: Settings, root: Path) -> None:
    """Write the table `optout_names` of a run, with what is known so far."""
    names = table_of("optout_names", names_compared(members_of(settings, root)))
    write_table(root / "tables/optout_names/names.parquet", "optout_names", names)


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


def holds(registry: Registry, pinned: Mapping[str, Any]) -> bool:
    """Whether what a run pinned (`optout.json`) is in this registry: the rule of its position, and the log up to it."""
    position, known = pinned.get("position"), pinned.get("log")
    if not isinstance(position, int) or position == 0:
        return True
    head = dataclasses.asdict(registry.head_at(position))
    return bool(head["entries"]) and known in (None, head)
