"""A rule goes down from the root of a fork network, and never up or sideways."""

import pytest

from gleanery.optout.registry import Rule
from gleanery.pipeline.optouts import blocked_sources, forks_of, sources_of
from gleanery.pipeline.settings import Settings, SourceSettings
from gleanery.records.errors import StopRun


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
    assert forks_of(NETWORK, {ids["root/lib"]}) == {ids["one/lib"], ids["two/lib"]}
    assert forks_of(NETWORK, {ids["one/lib"], ids["else/where"]}) == set()


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


def test_forks_that_name_each_other_do_not_hang() -> None:
    settings = _settings(("one/lib", "two/lib"), ("two/lib", "one/lib"))
    assert "one/lib" in _blocked(settings, "one/lib")


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
