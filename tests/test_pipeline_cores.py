"""How many workers find a core: those that a batch system or a container allows, and no more."""

import os
from pathlib import Path

import pytest

from gleanery.pipeline.cores import cores


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that may use eight cores of a larger machine."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def made(root: Path, own: str, **files: str) -> tuple[Path, Path]:
    """A tree of control groups, and the file that says in which of them this process is."""
    for name, content in files.items():
        path = root / "cgroup" / name.replace("__", "/").replace("cpu_", "cpu.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (root / "own").write_text(own)
    return root / "cgroup", root / "own"


def test_without_a_quota_it_is_the_cores_that_are_allowed(tmp_path: Path) -> None:
    assert cores(tmp_path / "none", tmp_path / "none either") == 8
    assert cores(*made(tmp_path, "0::/job\n", cpu_max="max 100000\n", job__cpu_max="max 100000\n")) == 8


def test_the_smallest_quota_of_the_groups_above_counts_in_whole_cores(tmp_path: Path) -> None:
    given = {"cpu_max": "900000 100000\n", "slice__cpu_max": "350000 100000\n", "slice__job__cpu_max": "max 100000\n"}
    assert cores(*made(tmp_path, "0::/slice/job\n", **given)) == 3


def test_of_half_a_core_it_is_one(tmp_path: Path) -> None:
    assert cores(*made(tmp_path, "0::/\n", cpu_max="50000 100000\n")) == 1


def test_the_older_form_of_a_quota_is_read_too(tmp_path: Path) -> None:
    groups = tmp_path / "cgroup/cpu,cpuacct/docker/1"
    groups.mkdir(parents=True)
    (groups / "cpu.cfs_quota_us").write_text("200000\n")
    (groups / "cpu.cfs_period_us").write_text("100000\n")
    lines = "4:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n2:cpuset:/\n"
    assert cores(*made(tmp_path, lines)) == 2
    (groups / "cpu.cfs_quota_us").write_text("-1\n")
    assert cores(*made(tmp_path, lines)) == 8
