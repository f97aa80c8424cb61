"""Restoring: after a crash too, what stands in the backup is what the registry says."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gleanery.optout.registry import Registry
from gleanery.optout.restore import restore
from gleanery.records.errors import StopRun

_WRITER = """
import os, sys
from gleanery.optout.registry import Registry
registry = Registry.open(sys.argv[1])
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    registry.append_rule("repo", f"github.com/owner{number}/lib", "block")
print("written", flush=True)
if sys.argv[4] == "wait":
    sys.stdin.read()
os.kill(os.getpid(), 9)
"""


def _write(place: Path, first: int, last: int, then: str = "die") -> "subprocess.Popen[str]":
    """Another program writes rules, and is killed with the file open."""
    command = [sys.executable, "-c", _WRITER, f"sqlite:///{place}", str(first), str(last), then]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert writer.stdout and writer.stdout.readline() == "written\n"
    if then == "die":
        writer.wait()
    return writer


def _backup(place: Path, to: Path) -> None:
    source, copy = sqlite3.connect(place), sqlite3.connect(to)
    source.backup(copy)
    source.close()
    copy.close()


def test_a_backup_is_restored_after_a_crash_and_the_replaced_file_is_kept(tmp_path: Path) -> None:
    place, backup = tmp_path / "optout.sqlite", tmp_path / "backup.sqlite"
    _write(place, 0, 20)
    _backup(place, backup)
    _write(place, 20, 60)
    assert (tmp_path / "optout.sqlite-wal").exists()
    os.chmod(place, 0o640)
    done = restore(backup, place)
    assert (done.position, done.entries, place.stat().st_mode & 0o777) == (20, 20, 0o640)
    assert sorted(os.listdir(tmp_path)) == [
        *("backup.sqlite", "optout.sqlite", "optout.sqlite.replaced-1"),
        *("optout.sqlite.replaced-1-shm", "optout.sqlite.replaced-1-wal"),
    ]
    for path, rules in ((place, 20), (done.kept, 60)):
        registry = Registry.open(f"sqlite:///{path}", create=False)
        registry.verify_log()
        assert len(registry.rules()) == rules
        registry.close()
    assert str(restore(backup, place).kept).endswith("replaced-2")


def test_nothing_is_restored_while_a_program_has_the_registry_open(tmp_path: Path) -> None:
    place, backup = tmp_path / "optout.sqlite", tmp_path / "backup.sqlite"
    writer = _write(place, 0, 3, "wait")
    _backup(place, backup)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(StopRun, match="has .* open"):
        restore(backup, place)
    assert sorted(os.listdir(tmp_path)) == before
    writer.communicate()
    assert restore(backup, place).position == 3


@pytest.mark.parametrize("fault", ["absent", "none", "cut", "edited", "itself"])
def test_a_backup_that_is_not_whole_replaces_nothing(tmp_path: Path, fault: str) -> None:
    place, backup = tmp_path / "optout.sqlite", tmp_path / "backup.sqlite"
    _write(place, 0, 50)
    _backup(place, backup)
    if fault == "none":
        backup.write_text("no database" * 1000)
    elif fault == "cut":
        backup.write_bytes(backup.read_bytes()[:20_000])
    elif fault == "edited":
        with sqlite3.connect(backup) as connection:
            connection.execute("DROP TRIGGER log_no_UPDATE")
            connection.execute("UPDATE log SET at = at + 1 WHERE seq = 7")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(StopRun):
        restore({"absent": tmp_path / "absent", "itself": place}.get(fault, backup), place)
    assert sorted(os.listdir(tmp_path)) == before
    registry = Registry.open(f"sqlite:///{place}", create=False)
    assert registry.position() == 50
    registry.close()
