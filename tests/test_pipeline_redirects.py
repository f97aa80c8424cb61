"""Names that the crawl learns: where a server sends on to, and where a package says that it is developed.

A repository that was renamed is reached by its old name, and its owner's objection is about the new one.
"""

import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import pytest
import small_corpus

from gleanery.optout.matching import Matcher, Rule
from gleanery.optout.networks import blocked_members
from gleanery.optout.registry import Registry
from gleanery.pipeline.optouts import Objected, Way, answered_otherwise, blocked_sources, member_of, write_names
from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import RunSettings, Settings, SourceSettings, load_settings
from gleanery.pipeline.shard import Shard
from gleanery.pipeline.stage1_crawl import crawl_shard, crawl_step
from gleanery.records.errors import StopRun
from gleanery.records.parquet import iter_rows, table_of, write_table
from gleanery.sources.reading import Source, identify


def _packed(widgets: bool) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for number in range(4):
            head = "# SPDX-License-Identifier: MIT\n# Copyright 2020 Invented Person\n"
            content = (head + small_corpus.code(700 + 10 * widgets + number)).encode()
            about = tarfile.TarInfo(f"top/src/{number}.py")
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture
def forge() -> Iterator[tuple[str, list[str]]]:
    """The address of a forge at which old/widgets is called new/widgets now, and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            is_old = self.path.startswith("/old/")
            body = b"" if is_old else _packed("widgets" in self.path)
            self.send_response(301 if is_old else 200)
            if is_old:
                self.send_header("Location", self.path.replace("/old/", "/new/"))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def _settings(tmp_path: Path, address: str) -> Settings:
    source = SourceSettings(kind="archive", locator=f"{address}/old/widgets/archive/main.tar.gz")
    fork = SourceSettings(kind="git", locator="https://forge.example.org/eve/widgets", fork_of=f"{address}/new/widgets")
    return Settings(source=(source, fork), run=RunSettings(cache=str(tmp_path / "cache")))


def _rule(address: str) -> Rule:
    return Rule(1, "repo", f"{address.removeprefix('http://')}/new/widgets", "block", None)


def _crawl(root: Path, settings: Settings, rules: list[Rule]) -> str:
    """Crawl the archive of the settings with these rules; what its row says about it."""
    write_table(
        root / "tables/optout_rules/rules.parquet", "optout_rules", table_of("optout_rules", map(asdict, rules))
    )
    step = crawl_step(settings, rules)
    task = next(task for task in step.tasks if task.payload["sources"][0]["kind"] == "archive")
    assert not task.payload["sources"][0]["blocked"], "its own name and address say nothing"
    shard = Shard(root, step.name, task, settings)
    crawl_shard(shard)
    (row,) = iter_rows(shard.table("repos"))
    return str(row["status"])


def test_a_rule_about_the_new_name_is_found_before_anything_is_fetched(
    tmp_path: Path, forge: tuple[str, list[str]]
) -> None:
    address, asked = forge
    settings = _settings(tmp_path, address)
    assert _crawl(tmp_path / "run", settings, [_rule(address)]) == "opted_out"
    assert asked == ["/old/widgets/archive/main.tar.gz"]
    assert not [path for path in (tmp_path / "cache/sources").rglob("*") if path.is_file()]


def test_a_rule_about_the_new_name_that_comes_later_covers_the_source_its_forks_and_a_release(
    tmp_path: Path, forge: tuple[str, list[str]]
) -> None:
    address, root = forge[0], tmp_path / "run"
    settings, rules = _settings(tmp_path, address), [_rule(address)]
    assert _crawl(root, settings, []) == "read"
    assert len(blocked_sources(settings, rules, root)) == 2
    write_names(settings, root)
    names = {row["name"] for row in iter_rows(root / "tables/optout_names/names.parquet")}
    assert f"{rules[0].value}/archive/main.tar.gz" in names
    (path,) = (root / "tables/repos").glob("*")
    members = [member_of(row) for row in iter_rows(path)]
    assert blocked_members(members, Matcher(rules)) == {members[0].repo_id}


def test_the_crawl_asks_again_only_where_the_rules_about_the_way_have_changed(
    tmp_path: Path, forge: tuple[str, list[str]]
) -> None:
    address, root = forge[0], tmp_path / "run"
    settings, rules = _settings(tmp_path, address), [_rule(address)]
    assert answered_otherwise(settings, root, rules) == set()
    for before, after in ((rules, []), ([], rules)):
        _crawl(root, settings, before)
        (path,) = (root / "tables/repos").glob("*")
        assert answered_otherwise(settings, root, before) == set()
        assert answered_otherwise(settings, root, after) == {path.stem}


@pytest.mark.parametrize(
    ("address", "alias"),
    [
        ("git+https://github.com/Acme/Widgets.git", "https://github.com/acme/widgets"),
        ("github:acme/widgets", "https://github.com/acme/widgets"),
        ("https://github.com/acme/widgets/tree/main/packages/x#readme", "https://github.com/acme/widgets"),
        ("https://gitlab.com/acme/group/widgets", "https://gitlab.com/acme/group/widgets"),
    ],
)
def test_a_package_bears_the_name_of_the_repository_that_it_says_it_comes_from(
    address: str, alias: str, tmp_path: Path
) -> None:
    identity = identify(Source("npm", "widgets"))
    for rules in (
        [],
        [Rule(1, "owner", alias.removeprefix("https://").partition("/acme")[0] + "/acme", "block", None)],
    ):
        write_table(
            tmp_path / "tables/optout_rules/rules.parquet", "optout_rules", table_of("optout_rules", map(asdict, rules))
        )
        way = Way(tmp_path, identity)
        with pytest.raises(Objected) if rules else nullcontext():
            way.claim([address])
        assert way.named().aliases == (alias,)


def test_other_pages_are_no_names_of_a_package(tmp_path: Path) -> None:
    way = Way(tmp_path, identify(Source("npm", "widgets")))
    way.claim(
        ["https://widgets.example.org/docs", "https://github.com/acme", "not an address", "https://[x]/a/b", "gist:1"]
    )
    assert way.named().aliases == ()


@pytest.mark.network
def test_a_rule_about_its_repository_covers_a_real_package(tmp_path: Path) -> None:
    source = SourceSettings(kind="npm", locator="is-number", version="7.0.0")
    settings = Settings(source=(source,), run=RunSettings(cache=str(tmp_path / "cache")))
    rules = [Rule(1, "repo", "github.com/jonschlinkert/is-number", "block", None)]
    for name, given, status in (("run", [], "read"), ("again", rules, "opted_out")):
        write_table(
            tmp_path / name / "tables/optout_rules/rules.parquet",
            "optout_rules",
            table_of("optout_rules", map(asdict, given)),
        )
        step = crawl_step(settings, given)
        shard = Shard(tmp_path / name, step.name, step.tasks[0], settings)
        crawl_shard(shard)
        (row,) = iter_rows(shard.table("repos"))
        assert (row["status"], row["aliases"]) == (status, ["https://github.com/jonschlinkert/is-number"])
    assert len(blocked_sources(settings, rules, tmp_path / "run")) == 1


@pytest.mark.slow
def test_an_objection_under_the_new_name_reaches_a_run_at_every_stage(
    tmp_path: Path, forge: tuple[str, list[str]]
) -> None:
    address, asked = forge
    addresses = [f"{address}/old/widgets/archive/main.tar.gz", f"{address}/stays/things/archive/main.tar.gz"]
    blocks = "".join(f'[[source]]\nkind = "archive"\nlocator = "{one}"\n' for one in addresses)
    about = '[shards]\nvocabulary = 400\n[run]\ncache = "cache"\n[optout]\nregistry = "optout.sqlite"\n'
    (tmp_path / "settings.toml").write_text(about + blocks)
    registry, root = Registry.open(f"sqlite:///{tmp_path}/optout.sqlite"), tmp_path / "run"
    settings = load_settings(tmp_path / "settings.toml")

    def released(refresh: bool = False) -> set[str]:
        curate(settings, root, workers=1, refresh_optout=refresh)
        return {row["repo"] for path in (root / "release/docs").glob("*") for row in iter_rows(path, ["repo"])}

    assert released() == {"old/widgets", "stays/things"}
    registry.append_rule(scope="repo", value=_rule(address).value, action="block")
    with pytest.raises(StopRun, match="opted out since"):
        released()
    asked.clear()
    assert released(refresh=True) == {"stays/things"}
    assert asked == ["/old/widgets/archive/main.tar.gz"]
    assert released() == {"stays/things"} and len(asked) == 1
    names = [row["name"] for row in iter_rows(root / "tables/optout_names/names.parquet")]
    assert f"{_rule(address).value}/archive/main.tar.gz" in names
    registry.append_rule(scope="repo", value=_rule(address).value, action="unblock")
    assert released(refresh=True) == {"old/widgets", "stays/things"}
