"""Reading sources again while they are away loses nothing of what was read before."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_corpus import MIT, add_commit, code, make_repository
from test_pipeline_run import rows, tree

from gleanery.optout.registry import Registry
from gleanery.pipeline import crawl_runs, crawled, stage1_crawl
from gleanery.pipeline.crawl_again import KEPT, crawl_is_done, read_again, unread
from gleanery.pipeline.markers import Marker
from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import Settings, load_settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.stage1_crawl import crawl_step, gather_parts
from gleanery.pipeline.steps import Step, finish, pending, run_task, step_fingerprint, task_fingerprint, task_json
from gleanery.records.errors import StopRun, TryAgain
from gleanery.records.parquet import table_of, write_table
from gleanery.release.verify import verify
from gleanery.sources.reading import open_source

HEAD = "[shards]\nvocabulary = 600\n[optout]\nregistry = 'optout.sqlite'\n"
RULES = "tables/optout_rules/rules.parquet"
SOURCE = '[[source]]\nkind = "git"\nlocator = "{0}"\nname = "acme/{0}"\n'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Two repositories, the second with a copy of a file of the first."""
    shared = {"same.py": code(5)}
    for name, seed in (("one", 1), ("two", 2)):
        files = {"LICENSE": MIT.format(year=2020, holder=name)} | {f"{n}.py": code(10 * seed + n) for n in range(3)}
        make_repository(tmp_path / name, 2020, files | shared)
    Registry.open(f"sqlite:///{tmp_path}/optout.sqlite")
    (tmp_path / "s.toml").write_text(HEAD + SOURCE.format("one") + SOURCE.format("two"), "utf-8")
    return load_settings(tmp_path / "s.toml")


def _crawl(root: Path, settings: Settings, again: bool = False, retry: bool = False) -> Marker:
    """The crawl alone, with both sources in one task, as it is where there are very many."""
    step = crawl_step(settings, [])
    sources = [source for task in step.tasks for source in task.payload["sources"]]
    step = replace(step, tasks=(Task("bucket", {"sources": sources}),))
    base = step_fingerprint(step, {})
    read_again(root, step, base, (), failed=retry, every=again)
    for task in pending(root, step, base):
        _do(root, step, base, task, settings)
    marker = finish(root, step, base, {})
    crawl_is_done(root)
    return marker


def _do(root: Path, step: Step, base: str, task: Task, settings: Settings) -> None:
    plain = replace(settings, source=()).to_json()
    run_task(str(root), step.name, step.work, task_fingerprint(base, task), task_json(task), plain)


def git_head(folder: Path) -> str:
    return (folder / ".git/refs/heads/main").read_text().strip()


def _away(settings: Settings, name: str) -> None:
    Path(settings.folder, name).rename(Path(settings.folder, f"{name}-away"))


def _back(settings: Settings, name: str) -> None:
    Path(settings.folder, f"{name}-away").rename(Path(settings.folder, name))


def _said(root: Path, marker: Marker) -> tuple[list[str], list[str]]:
    failed, kept = unread(root, marker.counts, marker.notes)
    assert all(why.endswith(")") for why in kept)
    return failed, [source.split(" (")[0] for source in kept]


@pytest.mark.parametrize("spill", [64 << 20, 2000, 200])
def test_a_source_that_is_away_stays_as_it_was_read(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spill: int
) -> None:
    monkeypatch.setattr(crawl_runs, "SPILL_BYTES", spill)
    root = tmp_path / "run"
    first = _crawl(root, settings)
    assert _said(root, first) == ([], [])
    for away in (["one"], ["one", "two"]):
        _away(settings, away[-1])
        again = _crawl(root, settings, again=True)
        assert (again.digest, again.counts) == (first.digest, first.counts)
        assert again.notes == {**first.notes, KEPT: len(away)}
        assert _said(root, again) == ([], [f"acme/{name}" for name in away])
        assert not (root / "work/crawl/before").exists()
    _back(settings, "one")
    add_commit(tmp_path / "one", {"added.py": code(99)})
    retried = _crawl(root, settings, retry=True)
    assert "added.py" in {f["path"] for f in rows(root, "files")}
    assert _said(root, retried) == ([], ["acme/two"])
    _back(settings, "two")
    assert _said(root, _crawl(root, settings, retry=True)) == ([], [])
    assert not list((root / "work/crawl/again").glob("*"))


def _with(settings: Settings, *names: str) -> Settings:
    """The same settings with more sources."""
    for name in names:
        make_repository(Path(settings.folder, name), 2020, {"LICENSE": MIT.format(year=2020, holder=name)})
    path = Path(settings.folder, "s.toml")
    path.write_text(path.read_text("utf-8") + "".join(map(SOURCE.format, names)), "utf-8")
    return load_settings(path)


def _crawl_as_a_run_does(root: Path, settings: Settings, tasks: int | None = None) -> Marker | None:
    """The crawl alone; with a number of tasks it is stopped after so many."""
    step = crawl_step(settings, [])
    base = step_fingerprint(step, {})
    read_again(root, step, base, (), failed=False, every=False)
    for task in pending(root, step, base)[:tasks]:
        _do(root, step, base, task, settings)
    if tasks is not None:
        return None
    marker = finish(root, step, base, {})
    crawl_is_done(root)
    return marker


def _files_of(root: Path, name: str) -> list[dict[str, Any]]:
    (repo,) = {r["repo_id"] for r in rows(root, "repos") if r["name"] == f"acme/{name}"}
    return [f for f in rows(root, "files") if f["repo_id"] == repo]


def test_a_source_that_is_away_stays_when_a_neighbour_is_added(settings: Settings, tmp_path: Path) -> None:
    root = tmp_path / "run"
    _crawl(root, settings)
    before = _files_of(root, "one")
    _away(settings, "one")
    marker = _crawl(root, _with(settings, "three"))
    assert _said(root, marker) == ([], ["acme/one"])
    assert _files_of(root, "one") == before
    assert [r["status"] for r in rows(root, "repos")] == ["read"] * 3


def test_a_source_that_is_away_stays_when_all_tasks_get_other_names_and_the_run_is_stopped(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "run"
    _crawl_as_a_run_does(root, settings)
    before = _files_of(root, "one")
    _away(settings, "one")
    monkeypatch.setattr(stage1_crawl, "SINGLE_SOURCES", 2)
    more = _with(settings, "three", "four")
    assert max(len(task.name) for task in crawl_step(more, []).tasks) < 32
    for tasks in range(4):
        _crawl_as_a_run_does(root, more, tasks)
    more = _with(more, "five")
    monkeypatch.setattr(stage1_crawl, "SINGLE_SOURCES", 1024)
    marker = _crawl_as_a_run_does(root, more)
    assert marker is not None and _said(root, marker) == ([], ["acme/one"])
    assert _files_of(root, "one") == before
    assert [r["status"] for r in rows(root, "repos")] == ["read"] * 5


def test_a_source_with_another_line_was_never_read(settings: Settings, tmp_path: Path) -> None:
    root = tmp_path / "run"
    _crawl(root, settings)
    _away(settings, "one")
    other = replace(settings.source[0], aliases=("acme/former",))
    changed = replace(settings, source=(other, settings.source[1]))
    assert _said(root, _crawl(root, changed)) == (["acme/one"], [])


def test_sources_of_a_task_share_runs_and_the_contents_are_the_same_bytes(settings: Settings, tmp_path: Path) -> None:
    made = []
    for root, crawl in ((tmp_path / "single", _crawl_as_a_run_does), (tmp_path / "shared", _crawl)):
        crawl(root, settings)
        shard = Shard(root, "gather", Task("all", {"part": 0, "parts": 1, "each": 1}), settings)
        gather_parts(shard)
        made.append((shard.counts, (root / "tables/blobs/part-00000-of-00001.parquet").read_bytes()))
    assert made[0] == made[1]
    assert [len(list((tmp_path / n).glob("work/crawl/data/*.blobs.parquet"))) for n in ("single", "shared")] == [2, 1]


@pytest.mark.parametrize("sources", [1, 1024, 1025, 4000, 256_000])
def test_the_number_of_tasks_is_bounded_since_every_part_opens_the_files_of_each(sources: int) -> None:
    assert min(sources, 16 ** stage1_crawl._bucket_digits(sources)) <= 1024


def test_a_source_that_was_never_read_is_a_dead_letter_until_it_is_there(settings: Settings, tmp_path: Path) -> None:
    root = tmp_path / "run"
    _away(settings, "two")
    assert _said(root, _crawl(root, settings)) == (["acme/two"], [])
    _away(settings, "one")
    assert _said(root, _crawl(root, settings, retry=True)) == (["acme/two"], ["acme/one"])
    _back(settings, "two")
    assert _said(root, _crawl(root, settings, retry=True)) == ([], ["acme/one"])


def test_what_was_read_under_other_limits_is_another_reading(settings: Settings, tmp_path: Path) -> None:
    root = tmp_path / "run"
    _crawl(root, settings)
    _away(settings, "one")
    other = replace(settings, crawl=replace(settings.crawl, max_file_bytes=100_000))
    assert _said(root, _crawl(root, other, again=True)) == (["acme/one"], [])


def test_a_kill_while_sources_are_read_again_loses_nothing(settings: Settings, tmp_path: Path) -> None:
    root = tmp_path / "run"
    first = _crawl(root, settings)
    step = crawl_step(settings, [])
    sources = [source for task in step.tasks for source in task.payload["sources"]]
    step = replace(step, tasks=(Task("bucket", {"sources": sources}),))
    base = step_fingerprint(step, {})
    read_again(root, step, base, (), failed=False, every=True)
    for path in [*(root / "work/crawl/data").iterdir(), *(root / "tables").rglob("*.parquet")]:
        path.unlink()  # as a reading that was stopped half-way may have left them
    _away(settings, "one")
    assert _crawl(root, settings).digest == first.digest
    stale = json.loads((root / "work/crawl/tasks/bucket.json").read_bytes())
    assert stale["notes"][KEPT] == 1


def test_an_objection_that_was_read_holds_even_if_the_rest_cannot_be_read(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "run"
    _crawl(root, settings)
    add_commit(tmp_path / "one", {".dataset-optout.json": '{"opt_out": true}\n'})
    real = crawled.Crawled.add_entry

    def fails(self: Any, identity: Any, entry: Any) -> None:
        real(self, identity, entry)
        if entry.declares:
            raise TryAgain("the server went away")

    monkeypatch.setattr(crawled.Crawled, "add_entry", fails)
    assert _said(root, _crawl(root, settings, again=True)) == (["acme/one"], [])


def test_what_was_read_before_is_not_kept_if_a_rule_covers_the_way_to_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "run"

    def sent_on(source: Any, limits: Any, cache: Any, follow: Callable[[str], None], again: bool) -> Any:
        if source.name == "acme/one":
            follow("https://forge.example.org/renamed/one")
        return open_source(source, limits, cache, follow, again)

    write_table(root / RULES, "optout_rules", table_of("optout_rules", []))
    monkeypatch.setattr(stage1_crawl, "open_source", sent_on)
    _crawl(root, settings)
    monkeypatch.undo()
    for name in ("one", "two"):
        _away(settings, name)
    assert [r["status"] for r in rows(root, "repos")] == ["read", "read"]
    rule = {"seq": 1, "scope": "repo", "value": "forge.example.org/renamed/one", "action": "block", "request_id": None}
    write_table(root / RULES, "optout_rules", table_of("optout_rules", [rule]))
    assert _said(root, _crawl(root, settings, again=True)) == ([], ["acme/two"])
    assert {r["name"]: r["status"] for r in rows(root, "repos")} == {"acme/one": "opted_out", "acme/two": "read"}
    assert len({f["repo_id"] for f in rows(root, "files")}) == 1


@pytest.mark.slow
def test_a_release_outlives_sources_that_are_away_and_settings_that_keep_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    curate(settings, root, workers=1)
    before = tree(root)
    for name in ("one", "two"):
        _away(settings, name)
        report = curate(settings, root, workers=1, recrawl=True)
        assert report.ran == ["crawl"] and tree(root) == before
    for name in ("one", "two"):
        _back(settings, name)
    nothing = replace(settings, quality=replace(settings.quality, languages=("COBOL",)))
    with pytest.raises(StopRun, match="no file was kept, so there is nothing to release$"):
        curate(nothing, root, workers=1)
    assert verify(root / "release").problems == ()
    # An objection to something in it is another matter: from then on nothing there verifies.
    registry = Registry.open(f"sqlite:///{tmp_path}/optout.sqlite")
    for name in ("one", "two"):
        registry.append_rule(scope="repo", value=f"github.com/acme/{name}", action="block")
    registry.close()
    with pytest.raises(StopRun, match="no manifest now, since owners in it have opted out"):
        curate(settings, root, workers=1, refresh_optout=True)
    assert not (root / "release/manifest.json").exists()


@pytest.mark.slow
def test_whoever_objects_before_a_source_is_read_is_not_fetched(settings: Settings, tmp_path: Path) -> None:
    """Whether all sources are read again, those that failed, or those that a killed run had not come to."""
    root = tmp_path / "run"
    curate(settings, root, workers=1)

    def object_to(name: str) -> None:
        add_commit(tmp_path / name, {"later.py": f"# written after the objection\n{code(77)}"})
        registry = Registry.open(f"sqlite:///{tmp_path}/optout.sqlite")
        registry.append_rule(scope="repo", value=f"github.com/acme/{name}", action="block")
        registry.close()

    def fetched() -> bool:
        return any(b"after the objection" in row["content"] for row in rows(root, "blobs"))

    object_to("one")
    curate(settings, root, workers=1, recrawl=True)
    assert not fetched() and {doc["repo"] for doc in rows(root, "docs")} == {"acme/two"}
    assert verify(root / "release").problems == ()
    object_to("two")
    (root / "work/crawl/done.json").unlink()
    for path in (root / "work/crawl/tasks").glob("*.json"):
        path.unlink()
    with pytest.raises(StopRun, match="no file was kept"):
        curate(settings, root, workers=1)
    assert not fetched() and not (root / "release/manifest.json").exists()


def test_where_nothing_could_be_read_the_message_leads_to_retry(settings: Settings, tmp_path: Path) -> None:
    for name in ("one", "two"):
        _away(settings, name)
    with pytest.raises(StopRun) as caught:
        curate(settings, tmp_path / "run", workers=1)
    assert "--retry" in caught.value.hint


def test_a_repository_that_objects_on_its_default_branch_is_left_out_whatever_is_read(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = git_head(tmp_path / "one")
    pinned = SOURCE.format("one") + f'version = "{first}"\n'
    (tmp_path / "s.toml").write_text(HEAD + pinned + SOURCE.format("two"), "utf-8")
    settings, root, asked = load_settings(tmp_path / "s.toml"), tmp_path / "run", list[bool]()

    def opened(*arguments: Any) -> Any:
        asked.append(arguments[-1])
        return open_source(*arguments)

    monkeypatch.setattr(stage1_crawl, "open_source", opened)

    def signal() -> str | None:
        (repo,) = (repo for repo in rows(root, "repos") if repo["name"] == "acme/one")
        assert repo["version"] == first
        said: str | None = repo["optout_signal"]
        return said

    _crawl(root, settings)
    assert signal() is None
    add_commit(tmp_path / "one", {".dataset-optout.json": '{"action": "block"}'})
    _crawl(root, settings, again=True)
    assert signal() == "HEAD:.dataset-optout.json"
    assert asked == [False, False, True, True], "what a cache remembers of a default branch is asked anew"
