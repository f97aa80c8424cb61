"""The folder of a run: only what a run made in it is ever replaced or removed."""

import errno
import fcntl
import os
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from gleanery.pipeline.run import curate
from gleanery.pipeline.run_folder import LOCKS, clean_temporary, is_run, locked
from gleanery.pipeline.settings import Settings
from gleanery.records.errors import StopRun


def _files(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_a_folder_that_is_in_use_for_something_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    for name in ("release/build-1.0.txt", "store/stock.csv", "src/drafts/.chapter1.tmp"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("mine")
    before = _files(tmp_path)
    with pytest.raises(StopRun, match="is not empty, and what is in it is not of a run") as caught:
        curate(Settings(), tmp_path, workers=1)
    assert "--out" in caught.value.hint
    assert _files(tmp_path) == before


def test_a_folder_is_that_of_a_run_as_soon_as_its_rules_are_pinned(tmp_path: Path) -> None:
    root = tmp_path / "run"
    with locked(root):
        assert not is_run(root)
    (root / ".optout.json.77.tmp").write_text("half")
    with locked(root):  # stopped before it began: nothing stands there
        clean_temporary(root)
    (root / "optout.json").write_text('{"run": "x", "registry": null, "position": 0}')
    (root / "notes.txt").write_text("mine")
    (root / ".lock").unlink()
    with locked(root):
        assert is_run(root)
    (root / ".lock").unlink()
    (root / "optout.json").write_text('{"position": 0}')  # of another program
    assert not is_run(root)
    (root / ".lock").write_text("")
    (root / "optout.json").write_text("damaged")
    with locked(root):
        assert is_run(root)
    (root / ".lock").unlink()
    with pytest.raises(StopRun, match="not of a run"), locked(root):
        pass


def test_a_file_system_without_locks_is_not_taken_for_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, elsewhere, real = tmp_path / "run", tmp_path / "locks", fcntl.flock
    elsewhere.mkdir()

    def flock(file: object, operation: int) -> None:
        if elsewhere not in Path(file.name).parents:  # type: ignore[attr-defined]
            raise OSError(errno.ENOSYS, "Function not implemented")
        real(file, operation)  # type: ignore[arg-type]

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(StopRun, match=r"run/\.lock \(\w+\) has no locks") as caught, locked(root):
        pass
    assert LOCKS in caught.value.hint
    mounts = [(tmp_path, "lustre"), ("/", "ext4"), (tmp_path / "runs", "nfs")]
    disks = [SimpleNamespace(mountpoint=str(place), fstype=kind) for place, kind in mounts]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: disks)
    with pytest.raises(StopRun, match=r"\(lustre\) has no locks"), locked(root):
        pass
    monkeypatch.setenv(LOCKS, str(elsewhere))
    with locked(root):
        with pytest.raises(StopRun, match="another run is writing"), locked(root):
            pass
        with locked(tmp_path / "another run"):
            pass
    with locked(root):
        pass


def test_half_written_files_of_a_killed_run_are_removed_and_no_others(tmp_path: Path) -> None:
    ours = tmp_path / f"tables/clusters/.a.parquet.{os.getpid()}.tmp"
    theirs = [tmp_path / name for name in ("src/.chapter1.tmp", ".draft.tmp", "release/.letter.tmp")]
    for path in (ours, *theirs):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    clean_temporary(tmp_path)
    assert not ours.exists() and all(path.exists() for path in theirs)
