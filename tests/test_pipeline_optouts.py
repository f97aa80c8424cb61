"""A rule goes down from the root of a fork network, and never up or sideways."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from gleanery.optout.matching import Matcher
from gleanery.optout.networks import Member, blocked_members, forks_below
from gleanery.optout.registry import Registry, Rule
from gleanery.pipeline.optouts import blocked_sources, forks_in_release, members_of, sources_of
from gleanery.pipeline.removals import wishes
from gleanery.pipeline.settings import Settings, SourceSettings
from gleanery.records.errors import StopRun
from gleanery.records.parquet import table_of, write_table
from gleanery.records.tables import TABLES


def _settings(*sources: tuple[str, str | None]) -> Settings:
    """Sources by name and the name that each was forked from."""
    return Settings(
        source=tuple(
            SourceSettings(kind="git", locator=f"https://github.com/{name}", fork_of=origin) for name, origin in sources
        )
    )


def _blocked(settings: Settings, *names: str) -> set[str]:
    rules = [Rule(n, "repo", f"github.com/{name}", "block", None) for n, name in enumerate(names, 1)]
    blocked = blocked_sources(settings, rules)
    return {identity.name for identity, _ in sources_of(settings) if identity.repo_id in blocked}


NETWORK = _settings(("root/lib", None), ("one/lib", "root/lib"), ("two/lib", "one/lib"), ("else/where", None))


def test_a_rule_about_a_root_covers_all_its_forks() -> None:
    assert _blocked(NETWORK, "root/lib") == {"root/lib", "one/lib", "two/lib"}


def test_a_rule_about_a_fork_covers_neither_its_root_nor_its_sisters() -> None:
    assert _blocked(NETWORK, "one/lib") == {"one/lib"}
    assert _blocked(NETWORK, "two/lib") == {"two/lib"}


def test_a_rule_covers_forks_of_a_root_that_is_no_source_of_the_run() -> None:
    settings = _settings(("one/lib", "github.com/root/lib"), ("two/lib", "one/lib"), ("else/where", None))
    assert _blocked(settings, "root/lib") == {"one/lib", "two/lib"}


def test_what_a_root_declares_goes_down_to_its_forks_and_what_a_fork_declares_goes_nowhere() -> None:
    ids = {identity.name: identity.repo_id for identity, _ in sources_of(NETWORK)}
    assert forks_below(members_of(NETWORK), {ids["root/lib"]}) == {ids["one/lib"], ids["two/lib"]}
    assert forks_below(members_of(NETWORK), {ids["one/lib"], ids["else/where"]}) == set()


def test_the_spelling_of_a_root_does_not_matter() -> None:
    sources = (
        SourceSettings(kind="git", locator="https://github.com/root/lib", aliases=("github.com/old/lib",)),
        SourceSettings(kind="git", locator="https://github.com/one/lib", fork_of="https://github.com/Root/lib.git/"),
    )
    assert _blocked(Settings(source=sources), "old/lib") == {"root/lib", "one/lib"}


def test_a_mirror_that_has_a_package_name_too_is_still_found_by_its_own_name() -> None:
    mirror = SourceSettings(kind="git", locator="mirrors/lib.git", name="mallory/lib", aliases=("pypi/mallory",))
    assert _blocked(Settings(source=(mirror,)), "mallory/lib") == {"mallory/lib"}


def test_an_archive_of_a_repository_is_that_repository_however_odd_its_address() -> None:
    address = "https://github.com/alice/tool/archive/refs/tags/v1%2C0.tar.gz"
    source = SourceSettings(kind="archive", locator=address)
    assert len(_blocked(Settings(source=(source,)), "alice/tool")) == 1


def test_of_forks_that_name_each_other_nobody_knows_who_was_first_so_a_rule_covers_all() -> None:
    names = ["one/lib", "two/lib", "three/lib", "four/lib"]
    ring = zip(names, [*names[1:], names[0]], strict=True)
    assert _blocked(_settings(*ring, ("five/lib", "four/lib")), "one/lib") == {*names, "five/lib"}


# Forks by number: of another member by its name, URL or alias, of a stranger, of themselves in a ring, or of nobody.
NAMES = [(f"https://git.example.org/o{n}/lib", f"alias{n}/lib", f"O{n}/Lib") for n in range(7)]
SOURCES = st.lists(st.tuples(st.integers(-1, 6), st.integers(0, 2)), min_size=1, max_size=6)
ORDERS = st.lists(st.integers(0, 6), max_size=3)


def _graph(forks: Sequence[tuple[int, int]]) -> Settings:
    return Settings(
        source=tuple(
            SourceSettings("git", NAMES[n][0], aliases=NAMES[n][1:2], fork_of=None if of < 0 else NAMES[of][form])
            for n, (of, form) in enumerate(forks)
        )
    )


def _rules(numbers: Sequence[int], first: int = 1) -> list[Rule]:
    return [Rule(k, "repo", f"git.example.org/o{n}/lib", "block", None) for k, n in enumerate(numbers, first)]


def _write_repos(root: Path, settings: Settings, left_out: set[str], bridged: dict[str, str | None]) -> None:
    """The table `repos` of a run, or of a release of it in which some are left out."""
    rows = [
        dict.fromkeys(TABLES["repos"].schema.names)
        | {"repo_id": i.repo_id, "name": i.name, "url": i.url, "aliases": list(i.aliases), "kind": "git"}
        | {"fork_of": bridged.get(i.repo_id, source.fork_of)}
        | {"status": "opted_out" if i.repo_id in left_out else "read"}
        for i, source in sources_of(settings)
        if not bridged or i.repo_id not in left_out
    ]
    write_table(root / "tables/repos/part.parquet", "repos", table_of("repos", rows))


@trials(max_examples=60, deadline=None)
@given(SOURCES, ORDERS, ORDERS)
def test_the_removal_list_takes_out_what_a_run_with_the_same_rules_would_have_blocked(
    forks: list[tuple[int, int]], before: list[int], later: list[int]
) -> None:
    settings, rules = _graph(forks), _rules(before)
    left_out = blocked_sources(settings, rules)
    with tempfile.TemporaryDirectory() as folder:
        run, release = Path(folder) / "run", Path(folder) / "release"
        _write_repos(run, settings, left_out, {})
        _write_repos(release, settings, left_out, forks_in_release(run) | {"": None})
        for table in ("files", "docs"):
            path = release / ("docs" if table == "docs" else f"tables/{table}") / "part.parquet"
            write_table(path, table, TABLES[table].schema.empty_table())
        registry = Registry.open(f"sqlite:///{folder}/r.sqlite")
        for rule in [*rules, *_rules(later, len(rules) + 1)]:
            registry.append_rule(rule.scope, rule.value, rule.action)
        blocked = blocked_sources(settings, registry.rules())
        registry.close()
        found = {wish.id for wish in wishes(release, [], [], f"{folder}/r.sqlite", "opt_out")}
    assert found == blocked - left_out


def test_a_fork_of_an_alias_is_covered_with_the_repository_of_that_alias() -> None:
    members = [Member("1", ("git.example.org/lib/core", "core-team/core")), Member("2", ("x/core",), "core-team/core")]
    rules = [Rule(1, "repo", "git.example.org/lib/core", "block", None)]
    assert blocked_members(members, Matcher(rules)) == {"1", "2"}


def test_the_last_rule_counts() -> None:
    rules = [
        Rule(1, "repo", "github.com/root/lib", "block", None),
        Rule(2, "repo", "github.com/root/lib", "unblock", None),
    ]
    assert blocked_sources(NETWORK, rules) == set()


def test_one_repository_cannot_be_named_twice() -> None:
    with pytest.raises(StopRun, match="named twice"):
        sources_of(_settings(("a/b", None), ("A/b", None), ("a/b", None)))


def test_a_source_that_can_mean_nothing_stops_the_run_with_its_number() -> None:
    settings = Settings(source=(SourceSettings(kind="git", locator="https://user:word@github.com/a/b"),))
    with pytest.raises(StopRun, match="source 1 cannot be used") as caught:
        sources_of(settings)
    assert "word" not in caught.value.message + caught.value.hint
