"""The cores that this process may use, which may be fewer than the machine has.

In: nothing. Out: a number. A batch system pins a job to some cores, and a container has a quota of their time: a worker
for each core of the machine would then be many for each core that is there. Reads a few small files.
"""

import os
from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def cores(cgroups: Path = _CGROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """How many processes can work at once: the cores allowed, or the quota of cgroups (v1 and v2) in whole cores."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([allowed, *(int(quota) for quota in _quotas(cgroups, own))]))


def _quotas(cgroups: Path, own: Path) -> Iterator[float]:
    """The quota of each control group that this process is in, and of those above it."""
    for folder in _folders(cgroups, own):
        v2, v1 = _words(folder / "cpu.max"), _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        for words in (v2, v1):
            if len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]):  # else there is none
                yield int(words[0]) / int(words[1])


def _folders(cgroups: Path, own: Path) -> Iterator[Path]:
    try:
        lines = own.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        _, controllers, place = (line.split(":", 2) + ["", ""])[:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = cgroups / controllers if controllers else cgroups
        group = root / place.strip("/")
        # In a container the path is often that of the host, while the mount shows the own group only.
        yield from (folder for folder in (group, *group.parents) if folder == root or root in folder.parents)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").split()
    except (OSError, UnicodeDecodeError):
        return []
