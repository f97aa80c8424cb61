"""The commands of `gleanery removals` on a small release."""

import datetime
import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from gleanery.optout.engines import address
from gleanery.optout.registry import Registry
from gleanery.pipeline.cli import app
from gleanery.pipeline.removals import effects, file_id_of, wishes
from gleanery.records.errors import StopRun
from gleanery.records.parquet import write_groups
from gleanery.records.tables import TABLES
from gleanery.shards.lineage import Leg, exposure, trace
from gleanery.shards.loader import Loader
from gleanery.shards.removals import Wish, append, read_list, removed_from
from gleanery.shards.store import Store

HOST = "https://github.com"
REPOS = [
    ("a" * 32, "alice/lib", f"{HOST}/alice/lib", None),
    ("b" * 32, "bob/fork", f"{HOST}/bob/fork", "alice/lib"),
    ("c" * 32, "carol/app", f"{HOST}/carol/app", None),
]


def rows(name: str, given: Sequence[Mapping[str, Any]]) -> pa.Table:
    schema = TABLES[name].schema
    blank: dict[str, Any] = {
        f.name: [] if pa.types.is_list(f.type) else 0 if pa.types.is_integer(f.type) else "x" for f in schema
    }
    return pa.Table.from_pylist([blank | dict(one) for one in given], schema=schema)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    root = tmp_path / "release"
    repos = [{"repo_id": i, "name": n, "url": u, "fork_of": f} for i, n, u, f in REPOS]
    docs = [
        {"file_id": f"{k:032x}", "repo_id": "c" * 32, "repo": "carol/app", "path": f"{k}.py", "blob_id": f"{k:040x}"}
        for k in range(3)
    ]
    (root / "tables/files").mkdir(parents=True)
    for folder, given in (("tables/repos", repos), ("docs", docs)):
        name = Path(folder).name
        (root / folder).mkdir(parents=True)
        write_groups(root / folder / "part-00000.parquet", TABLES[name].schema, [rows(name, given)])
    return root


def test_a_registry_removes_repositories_their_forks_and_contents(release: Path, tmp_path: Path) -> None:
    registry = Registry.open(address(f"{tmp_path}/100%?.sqlite"))
    registry.append_rule(scope="repo", value="github.com/alice/lib", action="block")
    registry.append_rule(scope="blob", value=f"{1:040x}", action="block")
    registry.close()
    found = wishes(release, [], [], f"{tmp_path}/100%?.sqlite", "opt_out")
    assert [(w.scope, w.id, w.registry) for w in found] == [
        ("file", f"{1:032x}", 2),
        ("repo", "a" * 32, 2),
        ("repo", "b" * 32, 2),
    ]


def test_a_registry_that_is_older_than_the_list_or_the_release_is_refused(release: Path, tmp_path: Path) -> None:
    registry = Registry.open(f"sqlite:///{tmp_path}/r.sqlite")
    registry.append_rule(scope="repo", value="github.com/alice/lib", action="block")
    arguments = ["removals", "add", str(release), "--registry", f"{tmp_path}/r.sqlite", "--list", f"{tmp_path}/list"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    before = (tmp_path / "list").read_bytes()
    (tmp_path / "r.sqlite").unlink()
    Registry.open(f"sqlite:///{tmp_path}/r.sqlite").close()
    with pytest.raises(StopRun, match="ends at rule 0, and the list knows of rule 1"):
        wishes(release, [], [], f"{tmp_path}/r.sqlite", "opt_out", 1)
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, StopRun) and (tmp_path / "list").read_bytes() == before
    (release / "manifest.json").write_text('{"registry_position": 2}')
    with pytest.raises(StopRun, match="the release knows of rule 2"):
        wishes(release, [], [], f"{tmp_path}/r.sqlite", "opt_out")


def test_a_registry_with_other_rules_than_the_run_had_is_refused(release: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        registry = Registry.open(f"sqlite:///{tmp_path}/{name}.sqlite")
        registry.append_rule(scope="repo", value=f"github.com/alice/{name}", action="block")
        note = {"run": "", "position": 1, "log": vars(registry.head_at(1))}
        registry.close()
    (tmp_path / "optout.json").write_text(json.dumps(note))
    assert wishes(release, [], [], f"{tmp_path}/two.sqlite", "opt_out") == []
    with pytest.raises(StopRun, match="does not hold the rules with which the run"):
        wishes(release, [], [], f"{tmp_path}/one.sqlite", "opt_out")


def test_a_repository_goes_by_its_name_and_an_unknown_one_is_refused(release: Path) -> None:
    assert [w.id for w in wishes(release, [], ["carol/app"], None, "licence")] == ["c" * 32]
    with pytest.raises(StopRun, match="no repository"):
        wishes(release, [], ["nobody/none"], None, "licence")


def test_what_is_not_finished_or_of_another_version_is_no_release(release: Path) -> None:
    docs = release / "docs/part-00000.parquet"
    whole = pq.read_table(docs)
    pq.write_table(whole.drop_columns(["repo"]), docs)
    with pytest.raises(StopRun, match="has no column repo: another version"):
        wishes(release, ["carol/app:2.py"], [], None, "other")
    docs.write_bytes(docs.read_bytes()[:-30])
    with pytest.raises(StopRun, match="cannot be read"):
        wishes(release, ["carol/app:2.py"], [], None, "other")
    docs.unlink()
    with pytest.raises(StopRun, match="no table docs"):
        wishes(release, [], ["carol/app"], None, "other")


def test_of_a_run_its_release_is_meant_and_a_run_without_one_is_refused(release: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(StopRun, match="no release"):
        wishes(run, [], ["carol/app"], None, "other")
    # A later command was stopped before its release: its tables no longer hold what people train on.
    for name, given in (("repos", [{"repo_id": "a" * 32, "name": "alice/lib"}]), ("docs", []), ("files", [])):
        (run / "tables" / name).mkdir(parents=True)
        write_groups(run / "tables" / name / "p.parquet", TABLES[name].schema, [rows(name, given)])
    with pytest.raises(StopRun, match="run without a release"):
        wishes(run, [], ["carol/app"], None, "other")
    release.rename(run / "release")
    assert [w.id for w in wishes(run, ["carol/app:2.py"], ["carol/app"], None, "other")] == [f"{2:032x}", "c" * 32]
    assert file_id_of(run, "carol/app:1.py") == f"{1:032x}"


def test_a_file_goes_by_its_place_and_an_unknown_one_is_refused(release: Path) -> None:
    given = ["carol/app:2.py", f"{1:032x}"]
    assert [(w.scope, w.id) for w in wishes(release, given, [], None, "other")] == [
        ("file", f"{2:032x}"),
        ("file", f"{1:032x}"),
    ]
    for unknown in ("carol/app:3.py", f"{3:032x}"):
        with pytest.raises(StopRun, match="no file"):
            wishes(release, [unknown], [], None, "other")


def test_of_two_files_of_one_name_both_are_removed_and_a_question_about_one_is_refused(
    release: Path, tmp_path: Path
) -> None:
    """Two forges may have a repository of one name."""
    docs = release / "docs/part-00000.parquet"
    twin = {"file_id": f"{9:032x}", "repo_id": "d" * 32, "repo": "carol/app", "path": "2.py", "blob_id": f"{9:040x}"}
    write_groups(docs, TABLES["docs"].schema, [pa.concat_tables([pq.read_table(docs), rows("docs", [twin])])])
    both = [f"{2:032x}", f"{9:032x}"]
    assert [w.id for w in wishes(release, ["carol/app:2.py"], [], None, "opt_out")] == both
    with pytest.raises(StopRun, match="2 files of the release are named carol/app:2.py") as caught:
        file_id_of(release, "carol/app:2.py")
    assert all(file_id in caught.value.hint for file_id in both)
    assert file_id_of(release, both[1]) == both[1]


def test_what_is_removed_from_a_finished_release_is_seen_by_no_step(
    curated: Path, corpus: Path, tmp_path: Path
) -> None:
    release, run = curated / "release", CliRunner()
    loader = Loader(release, context=128, batch=2, epochs=1)
    origin = trace(loader, 0, 0, 5)
    assert origin is not None
    asked = ["--file", f"{origin.repo}:{origin.path}", "--steps", "9", "--rows", "2", "--context", "128"]
    seen = run.invoke(app, ["removals", "exposure", str(release), *asked])
    assert seen.exit_code == 0 and "\n   0" in seen.output, seen.output
    with sqlite3.connect(corpus.parent / "optout.sqlite") as source, sqlite3.connect(tmp_path / "r.sqlite") as target:
        source.backup(target)
    registry = Registry.open(f"sqlite:///{tmp_path}/r.sqlite")
    registry.append_rule(scope="repo", value=f"github.com/{origin.repo}", action="block")
    registry.close()
    path = tmp_path / "removals.jsonl"
    done = run.invoke(app, ["removals", "add", str(release), "--registry", f"{tmp_path}/r.sqlite", "--list", str(path)])
    assert done.exit_code == 0, done.output
    masked = Loader(release, context=128, batch=2, epochs=1, removed=removed_from(release, path))
    assert list(exposure(masked, origin.file_id, 9, [Leg(0, 2, removed=len(masked.removed.ordinals))])) == []


def test_lineage_on_the_command_line_is_that_of_a_loader_opened_alike(curated: Path, tmp_path: Path) -> None:
    """Each option changes what a step saw; one that was left out would give a wrong answer without a word."""
    root, path, screen = curated / "release", tmp_path / "removals.jsonl", CliRunner(env={"COLUMNS": "200"})
    append(path, wishes(curated, [], ["alice/tool"], None, "opt_out"), datetime.date(2020, 1, 1))  # long run out
    for options in (
        {"context": 64, "seed": 5, "fim_rate": 0.9, "spm_rate": 0.1, "repo_rate": 0.6, "line_rate": 0.7},
        {"context": 64, "unit": "repository"},
        {"context": 128},
    ):
        loader = Loader(root, batch=2, removed=removed_from(root, path, today=datetime.date.min), **options)
        given = ["--list", str(path), "--rows", "2"]
        given += [part for key, value in options.items() for part in (f"--{key.replace('_', '-')}", str(value))]
        seen = 0
        for file in loader.store.file_ids().to_pylist()[::3]:
            found = screen.invoke(app, ["removals", "exposure", str(root), "--file", file, "--steps", "9", *given])
            assert found.exit_code == 0, found.output
            sightings = list(exposure(loader, file, 9))
            words = {True: "yes", None: "unknown"}
            rows = [[*map(str, (s.step, s.row, s.begin, s.end)), words[s.seen]] for s in sightings]
            assert [line.split() for line in found.stdout.splitlines()[1:]] == rows
            for sighting in sightings[:1]:
                place = ["--step", str(sighting.step), "--row", str(sighting.row), "--position", str(sighting.end - 1)]
                traced = screen.invoke(app, ["removals", "trace", str(root), *place, *given])
                assert traced.exit_code == 0 and file in traced.stdout
                seen += 1
        assert seen


def test_what_entries_take_out_is_what_a_loader_leaves_out(curated: Path, tmp_path: Path) -> None:
    release = curated / "release"
    store = Store.open(release)
    one, other = store.document(0), store.document(len(store) - 1)
    assert one["repo_id"] != other["repo_id"]
    wanted = [Wish("file", one["file_id"], "other"), Wish("repo", other["repo_id"], "other")]
    entries = append(tmp_path / "list", [*wanted, Wish("file", "0" * 32, "other")], None)
    found = effects(release, entries)
    assert found["file", one["file_id"]] == (f"{one['repo']}:{one['path']}", 1, one["tokens"])
    assert found["file", "0" * 32] == ("", 0, 0)
    removed = removed_from(release, tmp_path / "list").ordinals
    assert sum(effect.documents for effect in found.values()) == len(removed) > 1
    assert sum(e.tokens for e in found.values()) == sum(store.document(int(n))["tokens"] for n in removed)


def test_the_commands_append_show_and_renew(release: Path, tmp_path: Path) -> None:
    path = tmp_path / "removals.jsonl"
    run = CliRunner()
    done = run.invoke(app, ["removals", "add", str(release), "--repo", "carol/app", "--list", str(path)])
    assert done.exit_code == 0, done.output
    assert all(word in done.stdout for word in ("carol/app", "documents", "tokens"))  # what it takes out is told
    assert run.invoke(app, ["removals", "renew", "--valid-days", "0", "--list", str(path)]).exit_code == 0
    assert [(e.scope, e.id) for e in read_list(path).entries] == [("repo", "c" * 32), ("renew", "")]
    for given, told in (([], False), (["--release", str(release)], True)):
        done = run.invoke(app, ["removals", "show", "--list", str(path), *given])
        assert done.exit_code == 0 and ("carol/app" in done.stdout) is told
    assert run.invoke(app, ["removals", "renew", "--valid-days", "36500", "--list", str(path)]).exit_code == 0
    assert run.invoke(app, ["removals", "renew", "--valid-days", "9999999", "--list", str(path)]).exit_code == 2


def test_adding_nothing_new_makes_the_list_good_for_longer(release: Path, tmp_path: Path) -> None:
    registry = Registry.open(f"sqlite:///{tmp_path}/r.sqlite")
    registry.append_rule(scope="repo", value="github.com/carol/app", action="block")
    path, screen = tmp_path / "removals.jsonl", CliRunner()
    asked = ["removals", "add", str(release), "--registry", f"{tmp_path}/r.sqlite", "--list", str(path), "--valid-days"]
    for days, scopes in (("3", ["repo"]), ("90", ["repo", "renew"]), ("90", ["repo", "renew"])):
        done = screen.invoke(app, [*asked, days])
        assert done.exit_code == 0, done.output
        assert [e.scope for e in read_list(path).entries] == scopes
        assert read_list(path).valid_until == datetime.date.today() + datetime.timedelta(days=int(days))


def test_a_registry_that_covers_nothing_of_a_release_gives_a_list_too(release: Path, tmp_path: Path) -> None:
    Registry.open(f"sqlite:///{tmp_path}/r.sqlite").close()
    path = tmp_path / "removals.jsonl"
    given = ["--registry", f"{tmp_path}/r.sqlite", "--list", str(path)]
    for _ in range(2):
        assert CliRunner().invoke(app, ["removals", "add", str(release), *given]).exit_code == 0
    assert [e.scope for e in read_list(path).entries] == ["renew"]


def test_a_wish_that_is_not_possible_makes_no_list(release: Path, tmp_path: Path) -> None:
    path = tmp_path / "removals.jsonl"
    given = ["--repo", "carol/app", "--reason", "typo", "--list", str(path)]
    assert isinstance(CliRunner().invoke(app, ["removals", "add", str(release), *given]).exception, StopRun)
    with pytest.raises(StopRun, match="'typo' is not possible"):
        append(path, [Wish("repo", "c" * 32, "typo")], None)
    assert not path.exists()
