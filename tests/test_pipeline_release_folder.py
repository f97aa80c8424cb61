"""The folder `release/` of a run: a release stays until a better one stands, and people's files are never lost."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pyarrow.parquet as pq
import pytest
from run_folder import good_rows, write_run

from gleanery.pipeline.release_folder import made_by_runs, put_in_place, refuse_other_files, withdraw
from gleanery.pipeline.shard import Shard
from gleanery.pipeline.stage7_release import make_release
from gleanery.records.errors import StopRun
from gleanery.records.parquet import table_of, write_table
from gleanery.release.verify import verify
from gleanery.shards.loader import Loader
from gleanery.shards.removals import Wish, append, removed_from


def _release(folder: Path, *names: str) -> Path:
    for name in (*names, "manifest.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def _names(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A run with a release, whose files are noted, as its manifest would list them."""
    put_in_place(tmp_path, _release(tmp_path / "work/made", "docs/a.parquet", "old/b.bin"))
    return tmp_path


def test_a_new_release_takes_the_place_of_the_one_before(root: Path) -> None:
    made = _release(root / "work/made", "docs/a.parquet", "docs/c.parquet")
    found = put_in_place(root, made)
    assert [p.relative_to(root).as_posix() for p in found] == [
        "release/docs/a.parquet",
        "release/docs/c.parquet",
        "release/manifest.json",
    ]
    assert _names(root / "release") == ["docs", "docs/a.parquet", "docs/c.parquet", "manifest.json"]
    assert not made.exists()


def test_people_s_files_stop_it_before_anything_is_touched(root: Path) -> None:
    (root / "release/docs/signature.asc").write_text("mine")
    before, made = _names(root / "release"), _release(root / "work/made", "new.bin")
    with pytest.raises(StopRun, match="holds 1 files that no run made, such as 'docs/signature.asc'") as stopped:
        put_in_place(root, made)
    assert "beside the folder release" in str(stopped.value.hint)
    assert _names(root / "release") == before


def test_it_stays_known_whose_files_are_whose_when_the_manifest_is_withdrawn(root: Path) -> None:
    withdraw(root)
    assert not (root / "release/manifest.json").exists()
    refuse_other_files(root)
    (root / "release/manifest.sig").write_text("mine")
    with pytest.raises(StopRun, match=r"such as 'manifest\.sig'"):
        refuse_other_files(root)


def test_a_withdrawn_release_says_so_to_whoever_opens_it(curated: Path, tmp_path: Path) -> None:
    root, lists = Path(shutil.copytree(curated, tmp_path / "run")), tmp_path / "removals.jsonl"
    Loader(root / "release")
    withdraw(root)
    withdraw(root)
    with pytest.raises(StopRun, match="was withdrawn") as refused:
        Loader(root / "release")
    assert "--refresh-optout" in str(refused.value.hint)
    assert {p.what for p in verify(root / "release").problems} == {"manifest_missing", "withdrawn"}
    append(lists, [Wish("repo", "0" * 32, "opt_out")], None)
    removed_from(root / "release", lists)  # copies out there still need a list
    assert len(Loader(root / "release", epochs=1, withdrawn=True))


def test_a_manifest_that_comes_back_does_not_undo_the_mark(curated: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(curated, tmp_path / "run"))
    withdraw(root)
    shutil.copy(curated / "release/manifest.json", root / "release/manifest.json")
    assert [p.what for p in verify(root / "release").problems] == ["withdrawn"]


def test_a_new_release_takes_the_mark_away(root: Path) -> None:
    withdraw(root)
    assert "WITHDRAWN" in _names(root / "release")
    put_in_place(root, _release(root / "work/made", "docs/d.parquet"))
    assert _names(root / "release") == ["docs", "docs/d.parquet", "manifest.json"]


def test_a_release_of_an_older_version_has_its_manifest_for_a_note(root: Path) -> None:
    shutil.rmtree(root / "work/release")
    (root / "release/manifest.json").write_text('{"files": [{"path": "docs/a.parquet"}, {"path": "old/b.bin"}]}')
    refuse_other_files(root)
    withdraw(root)
    refuse_other_files(root)


def test_a_kill_while_it_is_put_into_place_leaves_only_files_that_are_noted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, moved, real = _release(root / "work/made", "docs/a.parquet", "docs/c.parquet"), [0], Path.replace

    def killed(self: Path, target: Path) -> Path:
        if "made" in self.parts:
            moved[0] += 1
            if moved[0] == 2:
                raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        put_in_place(root, made)
    monkeypatch.undo()
    assert not (root / "release/manifest.json").exists()
    assert (root / "release/WITHDRAWN").exists()
    refuse_other_files(root)
    shutil.rmtree(made)
    put_in_place(root, _release(made, "docs/d.parquet"))
    assert _names(root / "release") == ["docs", "docs/d.parquet", "manifest.json"]
    assert made_by_runs(root) == {"docs/d.parquet", "manifest.json"}


def test_a_run_that_keeps_nothing_names_what_it_could_not_read(tmp_path: Path) -> None:
    root = write_run(tmp_path / "my run", good_rows())
    task = SimpleNamespace(payload={"documents": 0, "counts": {"crawl": {"dead": 1}}})
    shard = SimpleNamespace(root=root, task=task, data=lambda name: root / "work" / name)
    with pytest.raises(StopRun, match="no file was kept, so there is nothing to release$") as stopped:
        make_release(cast(Shard, shard))
    said = "1 source could not be read: fox/gone: unreachable (check the address, then run again with --retry). Correct"
    assert stopped.value.hint.startswith(said)
    assert f"dead_letters --run '{root}'`" in stopped.value.hint


def test_an_objection_withdraws_a_release_whatever_else_lies_in_it(curated: Path, tmp_path: Path) -> None:
    """Somebody's signature stops the new release, and may not keep the old one alive."""
    root = Path(shutil.copytree(curated, tmp_path / "run"))
    parts = sorted((root / "tables/repos").glob("*.parquet"))
    path = next(path for path in parts if pq.read_table(path)["name"].to_pylist() == ["alice/tool"])
    repos = table_of("repos", [row | {"status": "opted_out"} for row in pq.read_table(path).to_pylist()])
    write_table(path, "repos", repos)
    for name in ("manifest.sig", "docs/mine.parquet"):
        (root / "release" / name).write_text("mine")
    task = SimpleNamespace(payload={"documents": 1})
    shard = SimpleNamespace(root=root, task=task, data=lambda name: root / "work" / name)
    with pytest.raises(StopRun, match="and is withdrawn until then; it holds 2 files that no run made"):
        make_release(cast(Shard, shard))
    with pytest.raises(StopRun, match="was withdrawn"):
        Loader(root / "release")
    assert (root / "release/manifest.sig").read_text() == "mine"
