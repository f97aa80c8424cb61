"""The commands of `gleanery removals` on a small release."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from gleanery.optout.registry import Registry
from gleanery.pipeline.cli import app
from gleanery.pipeline.removals import wishes
from gleanery.records.errors import StopRun
from gleanery.records.parquet import write_groups
from gleanery.records.tables import TABLES
from gleanery.shards.removals import read_list

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
    docs = [{"file_id": f"{k:032x}", "repo_id": "c" * 32, "blob_id": f"{k:040x}"} for k in range(3)]
    for name, given in (("repos", repos), ("docs", docs)):
        (root / name).mkdir(parents=True)
        write_groups(root / name / "part-00000.parquet", TABLES[name].schema, [rows(name, given)])
    return root


def test_a_registry_removes_repositories_their_forks_and_contents(release: Path, tmp_path: Path) -> None:
    registry = Registry.open(f"sqlite:///{tmp_path}/r.sqlite")
    registry.append_rule(scope="repo", value="github.com/alice/lib", action="block")
    registry.append_rule(scope="blob", value=f"{1:040x}", action="block")
    registry.close()
    found = wishes(release, [], [], f"{tmp_path}/r.sqlite", "opt_out")
    assert [(w.scope, w.id, w.registry) for w in found] == [
        ("file", f"{1:032x}", 2),
        ("repo", "a" * 32, 2),
        ("repo", "b" * 32, 2),
    ]


def test_a_repository_goes_by_its_name_and_an_unknown_one_is_refused(release: Path) -> None:
    assert [w.id for w in wishes(release, [], ["carol/app"], None, "licence")] == ["c" * 32]
    with pytest.raises(StopRun, match="no repository"):
        wishes(release, [], ["nobody/none"], None, "licence")


def test_the_commands_append_show_and_renew(release: Path, tmp_path: Path) -> None:
    path = tmp_path / "removals.jsonl"
    run = CliRunner()
    done = run.invoke(app, ["removals", "add", str(release), "--repo", "carol/app", "--list", str(path)])
    assert done.exit_code == 0, done.output
    assert run.invoke(app, ["removals", "renew", "--valid-days", "0", "--list", str(path)]).exit_code == 0
    assert [(e.scope, e.id) for e in read_list(path).entries] == [("repo", "c" * 32), ("renew", "")]
    assert run.invoke(app, ["removals", "show", "--list", str(path)]).exit_code == 0
