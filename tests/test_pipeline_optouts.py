"""A rule goes down a network of forks, and never up or sideways."""

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from gleanery.optout.matching import Matcher
from gleanery.optout.networks import Member, blocked_members, forks_below, upstreams
from gleanery.optout.registry import Registry, Rule
from gleanery.optout.typed import rule_value
from gleanery.pipeline.optouts import blocked_sources, member_of, members_of, names_compared, sources_of
from gleanery.pipeline.removals import wishes
from gleanery.pipeline.settings import Settings, SourceSettings
from gleanery.records.errors import StopRun
from gleanery.records.parquet import iter_rows, table_of, write_table
from gleanery.records.tables import TABLES
from gleanery.sql.questions import ask, questions, tables_of


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
    assert _blocked(NETWORK, "two/lib") == {"two/lib"}
    sisters = _settings(("root/lib", None), ("one/lib", "root/lib"), ("two/lib", "root/lib"))
    assert _blocked(sisters, "one/lib") == {"one/lib"}


def test_a_rule_about_a_fork_covers_its_forks_whether_or_not_the_root_is_a_source() -> None:
    assert _blocked(NETWORK, "one/lib") == {"one/lib", "two/lib"}
    without_root = _settings(("one/lib", "root/lib"), ("two/lib", "one/lib"))
    assert _blocked(without_root, "one/lib") == {"one/lib", "two/lib"}


def test_a_rule_covers_forks_of_a_root_that_is_no_source_of_the_run() -> None:
    settings = _settings(("one/lib", "github.com/root/lib"), ("two/lib", "one/lib"), ("else/where", None))
    assert _blocked(settings, "root/lib") == {"one/lib", "two/lib"}


def test_what_a_repository_declares_goes_down_to_its_forks_and_never_up() -> None:
    ids = {identity.name: identity.repo_id for identity, _ in sources_of(NETWORK)}
    assert forks_below(members_of(NETWORK), {ids["root/lib"]}) == {ids["one/lib"], ids["two/lib"]}
    assert forks_below(members_of(NETWORK), {ids["one/lib"], ids["else/where"]}) == {ids["two/lib"]}


def test_a_mirror_that_a_person_named_like_a_root_may_be_that_root() -> None:
    sources = (
        SourceSettings(kind="git", locator="/srv/mirrors/lib", name="root/lib"),
        SourceSettings(kind="git", locator="https://github.com/one/lib", fork_of="https://github.com/root/lib"),
    )
    members = members_of(Settings(source=sources))
    (mirror,) = (member.repo_id for member in members if "root/lib" in member.names)
    assert forks_below(members, {mirror}) == {member.repo_id for member in members} - {mirror}


def test_the_spelling_of_a_root_does_not_matter() -> None:
    sources = (
        SourceSettings(kind="git", locator="https://github.com/root/lib", aliases=("github.com/old/lib",)),
        SourceSettings(kind="git", locator="https://github.com/one/lib", fork_of="https://github.com/Root/lib.git/"),
    )
    assert _blocked(Settings(source=sources), "old/lib") == {"root/lib", "one/lib"}


def test_a_mirror_that_has_a_package_name_too_is_still_found_by_its_own_name() -> None:
    mirror = SourceSettings(kind="git", locator="mirrors/lib.git", name="mallory/lib", aliases=("pypi/mallory",))
    assert _blocked(Settings(source=(mirror,)), "mallory/lib") == {"mallory/lib"}


GIVEN = [
    SourceSettings(kind="archive", locator="https://code.example.org/dl/widgets-1.0.tar.gz", name="acme/widgets"),
    SourceSettings(kind="git", locator="https://mirror.example.org/mirrors/widgets.git", name="Acme/Widgets"),
    SourceSettings(kind="git", locator="https://mirror.example.org/acme/widgets", name="acme/widgets"),
    SourceSettings(kind="git", locator="https://mirror.example.org/new/widgets", aliases=("acme/widgets",)),
]


@pytest.mark.parametrize("source", GIVEN)
@pytest.mark.parametrize("rule", [("repo", "github.com/acme/widgets"), ("owner", "gitlab.com/acme")])
def test_a_name_that_a_person_gave_meets_the_rules_of_every_host(
    tmp_path: Path, source: SourceSettings, rule: tuple[str, str]
) -> None:
    settings, rules = Settings(source=(source,)), [Rule(1, *rule, "block", None)]
    assert len(blocked_sources(settings, rules)) == 1
    _write_repos(tmp_path, settings, set())
    members = [member_of(row) for row in iter_rows(tmp_path / "tables/repos/part.parquet")]
    assert members == members_of(settings), "a release knows as much as its settings"


def test_a_name_out_of_an_address_means_a_repository_of_its_host() -> None:
    forks = (
        SourceSettings(kind="git", locator="https://github.com/acme/widgets"),
        SourceSettings(kind="git", locator="https://mirror.example.org/acme/widgets", name="other/things"),
    )
    assert blocked_sources(Settings(source=forks), [Rule(1, "repo", "gitlab.com/acme/widgets", "block", None)]) == set()


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


def _write_repos(root: Path, settings: Settings, left_out: set[str]) -> None:
    """The table `repos` of a release, in which some are left out."""
    rows = [
        dict.fromkeys(TABLES["repos"].schema.names)
        | {"repo_id": i.repo_id, "name": i.name, "url": i.url, "aliases": list(i.aliases), "kind": "git"}
        | {"fork_of": source.fork_of, "status": "read", "given_names": list(i.given)}
        for i, source in sources_of(settings)
        if i.repo_id not in left_out
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
        release = Path(folder) / "release"
        _write_repos(release, settings, left_out)
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


@pytest.mark.parametrize("name", ["app", "lib", "core", "web", "tool", "kit"])
def test_of_namesakes_the_one_on_the_host_of_the_fork_is_upstream_whichever_id_comes_first(name: str) -> None:
    addresses = (f"https://github.com/team/{name}", f"https://gitlab.com/team/{name}")
    sources = [SourceSettings("git", address) for address in addresses]
    fork = SourceSettings("git", f"https://github.com/eve/{name}", fork_of=f"team/{name}")
    settings = Settings(source=(*sources, fork))
    assert _blocked(settings, f"team/{name}") == {f"team/{name}", f"eve/{name}"}
    rule = Rule(1, "repo", f"gitlab.com/team/{name}", "block", None)
    assert len(blocked_sources(settings, [rule])) == 1


def test_where_nothing_tells_namesakes_apart_all_of_them_are_upstream() -> None:
    named = ["https://gitlab.com/team/lib", "https://codeberg.org/team/lib", "team/lib"]
    members = [Member(str(n), (name,)) for n, name in enumerate(named)]
    assert upstreams([*members, Member("9", ("eve/lib",), "Team/lib")])["9"] == ("0", "1", "2")
    assert upstreams([*members, Member("9", ("eve/lib",), "https://gitlab.com/team/lib")])["9"] == ("0",)
    assert upstreams([*members, Member("9", ("eve/lib",), "https://github.com/team/lib")])["9"] == ("2",)


# Members by number, on two hosts and a disk, with few owners, so that many are namesakes; forks with a host or without.
HOSTS = ("github.com/", "gitlab.com/", "")
Planned = tuple[str, str, tuple[str, str] | None, tuple[str, ...]]
SMALL = st.lists(
    st.tuples(
        st.sampled_from(HOSTS),
        st.sampled_from(["a", "b", "c"]),
        st.none() | st.tuples(st.sampled_from(HOSTS), st.sampled_from(["a", "b", "c", "d"])),
        st.sampled_from([(), ("a/lib",), ("b/lib",), ("github.com/c/lib",)]),
    ),
    min_size=1,
    max_size=6,
)
COVERED = st.lists(st.tuples(st.sampled_from(HOSTS[:2]), st.sampled_from(["a", "b", "c", "d"])), max_size=2)


def _members(graph: Sequence[Planned], ids: Sequence[int]) -> list[Member]:
    return [
        Member(f"{one:032x}", (f"{host}{owner}/lib",), None if of is None else f"{of[0]}{of[1]}/lib", given)
        for one, (host, owner, of, given) in zip(ids, graph, strict=False)
    ]


def _covering(graph: Sequence[tuple[str, str]]) -> list[Rule]:
    return [Rule(n, "repo", f"{host}{owner}/lib", "block", None) for n, (host, owner) in enumerate(graph, 1)]


@trials(max_examples=200, deadline=None)
@given(SMALL, COVERED, st.permutations(range(6)))
def test_what_is_covered_hangs_on_no_id_and_whoever_came_from_it_is_covered(
    graph: list[Planned], covered: list[tuple[str, str]], ids: list[int]
) -> None:
    matcher, members = Matcher(_covering(covered)), _members(graph, range(6))
    expected = blocked_members(members, matcher)
    places = {member.repo_id: f"{ids[n]:032x}" for n, member in enumerate(members)}
    assert blocked_members(_members(graph, ids), matcher) == {places[repo] for repo in expected}
    above = upstreams(members)
    assert all(expected.isdisjoint(above[member.repo_id]) for member in members if member.repo_id not in expected)


@trials(max_examples=40, deadline=None)
@given(SMALL, COVERED)
def test_the_audit_finds_what_the_matcher_finds(graph: list[Planned], covered: list[tuple[str, str]]) -> None:
    members, rules = _members(graph, range(6)), _covering(covered)
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in ("docs", "decisions", "repos")}
    tables["optout_rules"] = [dataclasses.asdict(rule) for rule in rules]
    tables["optout_names"] = names_compared(members)
    for member in members:
        nothing = {"decisions": dict.fromkeys(TABLES["decisions"].schema.names)}
        decided = {"file_id": member.repo_id, "repo_id": member.repo_id, "path": "a.py", "blob_id": "0" * 40}
        words = {"verdict": "kept", "reason": "kept", "rule": "x", "rule_version": "1", "evidence": [], "missing": []}
        tables["decisions"].append(nothing["decisions"] | decided | words)
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in tables.items():
            write_table(Path(folder) / f"tables/{name}/part.parquet", name, table_of(name, rows))
        found = ask(questions()["leaks"], tables_of(Path(folder)), {}).to_pylist()
    assert {row["file_id"] for row in found} == blocked_members(members, Matcher(rules))


def test_an_address_of_which_nothing_can_be_compared_stops_the_run() -> None:
    source = SourceSettings(kind="git", locator="https://github.com/a/b", aliases=("https://exa mple.org/a/b",))
    with pytest.raises(StopRun, match="source 1 cannot be used: the host or the account of one of its addresses"):
        sources_of(Settings(source=(source,)))


@pytest.mark.parametrize(
    ("kind", "address", "scope", "value"),
    [
        (
            "archive",
            "https://git.kernel.org/pub/scm/x/lib.git/snapshot/lib-1.0.tar.gz",
            "repo",
            "git.kernel.org/pub/scm/x/lib.git",
        ),
        (
            "archive",
            "http://127.0.0.1:8080/pub/lib.git/snapshot/lib-1.0.tar.gz",
            "repo",
            "http://127.0.0.1:8080/pub/lib.git",
        ),
        ("git", "https://dev.azure.com/org/My%20Project/_git/repo", "owner", "dev.azure.com/org"),
        ("git", "https://dev.azure.com/org/My%20Project/_git/repo", "repo", "https://dev.azure.com/org/My Project"),
        ("archive", "https://gitlab.com/alice/lib/-/archive/release=1/lib.tar.gz", "repo", "gitlab.com/alice/lib"),
        ("archive", "https://git.example.org/alice/lib/archive/v1(2).zip", "repo", "git.example.org/alice/lib"),
        ("git", "https://gitlab.com/Gr%C3%9Cn/lib", "owner", "https://gitlab.com/gr%C3%BCn"),
        ("archive", "https://registry.npmjs.org/@scope/lib/-/lib-1.0.0.tgz", "repo", "npm/@scope/lib"),
        ("archive", "https://files.pythonhosted.org/packages/a1/b2/c3/My.lib-x-1.0.tar.gz", "repo", "pypi/my_lib-x"),
        ("archive", "https://files.pythonhosted.org/packages/py3/m/l/my_lib-1-py3-none-any.whl", "repo", "pypi/my.lib"),
        ("archive", "https://registry.yarnpkg.com/lib/-/lib-1.0.0.tgz", "repo", "npm/lib"),
        (
            "archive",
            "https://git.example.org/api/v4/projects/group%2Fsub%2Flib/repository/archive.zip?sha=main",
            "repo",
            "git.example.org/group/sub/lib",
        ),
        ("archive", "http://127.0.0.1:3000/api/v1/repos/a/lib/archive/main.zip", "owner", "127.0.0.1:3000/a"),
        ("archive", "https://proxy.golang.org/gitlab.com/!alice/lib/@v/v1.0.0.zip", "owner", "gitlab.com/alice"),
        ("archive", "https://cdn.jsdelivr.net/gh/alice/lib@1/dist/x.zip", "repo", "github.com/alice/lib"),
        ("archive", "https://cdn.jsdelivr.net/npm/lib@1/x.tgz", "repo", "npm/lib"),
        ("archive", "https://unpkg.com/@scope/lib@1.0.0/x.tgz", "repo", "npm/@scope/lib"),
        ("git", "https://b\u00fccher.example/a/b", "repo", "xn--bcher-kva.example/a/b"),
    ],
)
def test_a_rule_reaches_a_source_however_odd_its_address(kind: str, address: str, scope: str, value: str) -> None:
    rules = [Rule(1, scope, rule_value(scope, value), "block", None)]
    by_address = SourceSettings(kind=kind, locator=address)
    by_alias = SourceSettings(kind="git", locator="mirrors/lib.git", name="mirror/lib", aliases=(address,))
    assert len(blocked_sources(Settings(source=(by_address, by_alias)), rules)) == 2


def test_the_last_rule_counts() -> None:
    rules = [
        Rule(1, "repo", "github.com/root/lib", "block", None),
        Rule(2, "repo", "github.com/root/lib", "unblock", None),
    ]
    assert blocked_sources(NETWORK, rules) == set()


def test_one_repository_cannot_be_named_twice() -> None:
    with pytest.raises(StopRun, match="named twice") as caught:
        sources_of(_settings(("a/b", None), ("A/b", None), ("a/b", None)))
    assert "two folders that are called the same" in caught.value.hint


def test_a_source_that_can_mean_nothing_stops_the_run_with_its_number() -> None:
    for locator, version in (
        ("https://user:word@github.com/a/b", None),
        ("ssh://github.com/a/b", None),
        ("https://github.com/", None),
        ("https://github.com/a/b", "feature//x"),
    ):
        settings = Settings(source=(SourceSettings(kind="git", locator=locator, version=version),))
        with pytest.raises(StopRun, match="source 1 cannot be used") as caught:
            sources_of(settings)
        assert "word" not in caught.value.message + caught.value.hint
