"""A repository that was renamed is reached by its old name, and its owner's objection is about the new one."""

import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from gleanery.optout.matching import Matcher, Rule
from gleanery.optout.networks import blocked_members
from gleanery.pipeline.optouts import answered_otherwise, blocked_sources, member_of, write_names
from gleanery.pipeline.settings import RunSettings, Settings, SourceSettings
from gleanery.pipeline.stage1_crawl import crawl_shard, crawl_step
from gleanery.pipeline.steps import Shard
from gleanery.records.parquet import iter_rows, table_of, write_table


@pytest.fixture
def forge() -> Iterator[tuple[str, list[str]]]:
    """The address of a forge at which old/widgets is called new/widgets now, and what it was asked for."""
    asked: list[str] = []
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        about = tarfile.TarInfo("widgets/a.py")
        about.size = 4
        archive.addfile(about, io.BytesIO(b"a=1\n"))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            is_old = self.path.startswith("/old/")
            body = b"" if is_old else packed.getvalue()
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
