"""Which sources the opt-out rules cover: one answer for the crawl, for select and for the check after a run.

In: the sources of the settings or the table `repos`, and rules. Out: the ids of the blocked repositories. No network.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gleanery.optout.matching import Matcher
from gleanery.optout.networks import Member, blocked_members, forks_without
from gleanery.optout.registry import Rule
from gleanery.pipeline.settings import Settings
from gleanery.records.errors import RejectRecord, StopRun
from gleanery.records.parquet import iter_rows
from gleanery.sources.reading import Identity, Source, identify

MEMBER_COLUMNS = ["repo_id", "name", "url", "aliases", "fork_of"]


def sources_of(settings: Settings) -> list[tuple[Identity, Source]]:
    """Every source with its identity, by repo_id. Raises StopRun if one repository is named twice."""
    pairs = []
    for number, plain in enumerate(settings.source, 1):
        source = Source(**dataclasses.asdict(plain))
        try:
            pairs.append((identify(located(source, settings)), source))
        except RejectRecord as error:
            raise StopRun(f"source {number} cannot be used: {error.message}", error.hint) from None
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
    return [Member(i.repo_id, (i.name, i.url, *i.aliases), source.fork_of) for i, source in sources_of(settings)]


def blocked_sources(settings: Settings, rules: Iterable[Rule]) -> set[str]:
    """The sources that a rule covers, by a name of their own or with the root of their forks."""
    return blocked_members(members_of(settings), Matcher(list(rules)))


def member_of(repo: Mapping[str, Any]) -> Member:
    """A row of the table `repos` with at least `MEMBER_COLUMNS`: the same member as of the settings."""
    return Member(repo["repo_id"], (repo["name"], repo["url"], *repo["aliases"]), repo["fork_of"])


def forks_in_release(root: Path) -> dict[str, str | None]:
    """For the forks of repositories that a release does not name: what they were forked from above those."""
    members, left_out = list[Member](), set[str]()
    for path in sorted((root / "tables/repos").glob("*.parquet")):
        for repo in iter_rows(path, [*MEMBER_COLUMNS, "status"], 4096):
            members.append(member_of(repo))
            if repo["status"] == "opted_out":
                left_out.add(repo["repo_id"])
    return forks_without(members, left_out)
