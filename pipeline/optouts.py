"""Which sources the opt-out rules cover: one answer for the crawl, for select and for the check after a run.

In: the sources of the settings, and rules. Out: the ids of the blocked repositories. No network, no file.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence

from gleanery.optout.matching import Matcher, canonical_repository
from gleanery.optout.registry import Rule
from gleanery.pipeline.settings import Settings
from gleanery.records.errors import RejectRecord, StopRun
from gleanery.sources.reading import Identity, Source, identify


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


def upstreams(pairs: Sequence[tuple[Identity, Source]]) -> dict[str, str | None]:
    """For each repository the repo_id of the one that it was forked from, if that one is a source too."""
    known = {_plain(name): i.repo_id for i, _ in pairs for name in (i.name, i.url, *i.aliases)}
    return {i.repo_id: known.get(_plain(s.fork_of)) if s.fork_of else None for i, s in pairs}


def _plain(name: str) -> str:
    """One spelling for the many of a repository's name; a bare owner/name stays as it is, in small letters."""
    try:
        return canonical_repository(name)
    except RejectRecord:
        return name.lower().rstrip("/").removesuffix(".git")


def blocked_sources(settings: Settings, rules: Iterable[Rule]) -> set[str]:
    """Repositories that a rule covers: by a name of their own, or because the root of their forks is covered.

    A rule about a root goes down to all its forks; a rule about one fork says nothing about the others or the root.
    """
    matcher, pairs = Matcher(list(rules)), sources_of(settings)
    upstream = upstreams(pairs)
    own = {i.repo_id for i, _ in pairs if matcher.blocks_repository([i.name, i.url, *i.aliases]) is not None}
    blocked = set(own)
    for identity, source in pairs:
        root, origin = _root(identity.repo_id, upstream), source.fork_of
        if root in own or (origin and upstream[identity.repo_id] is None and matcher.blocks_repository([origin])):
            blocked.add(identity.repo_id)
    # A fork of a fork whose root is no source of the run: what covers the first covers the second.
    return blocked | {i.repo_id for i, _ in pairs if _root(i.repo_id, upstream) in blocked - own}


def forks_of(settings: Settings, roots: Collection[str]) -> set[str]:
    """The sources whose chain of forks begins at one of some repositories: what a root declares goes down to them."""
    upstream = upstreams(sources_of(settings))
    return {repo for repo in upstream if upstream[repo] is not None and _root(repo, upstream) in roots}


def _root(repo: str, upstream: Mapping[str, str | None]) -> str:
    """The end of a chain of forks; a chain that closes on itself has no root and is cut."""
    seen = {repo}
    while (above := upstream[repo]) is not None and above not in seen:
        seen.add(above)
        repo = above
    return repo
