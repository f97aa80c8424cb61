"""Neighbours: one task makes some parts that stand side by side, and reads the files of the step before once for all.

In: the size of what is to be cut into parts. Out: tasks, the parts of each, and files that hold what a task needs of
the sorted files of a step before. If each part opened every file, costs would grow with parts × files, which is the
square of the size. There are `TASKS` tasks at most, so a file is opened `TASKS` times, however small the parts are: a
task of several parts first copies its range out of all files into few (`narrowed`), and its parts read those. The
copy costs 4 s of CPU for each GB, and as much room in `work/` until the task ends. A task of one part copies none.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from gleanery.pipeline.exchange import id_range, iter_range, part_count, part_name, write_copy
from gleanery.pipeline.shard import Shard, Task

# More would let more cores work at once, and open more files.
TASKS = 64
TASK_BYTES = 32 << 20  # a run of 512 MB has 16 tasks, one of 2 GB has all
HELD_BYTES = 32 << 20  # of a copy, before it is written


class Part(NamedTuple):
    """A part, and the half-open range of its ids."""

    name: str
    low: str
    high: str | None


def neighbour_tasks(total_bytes: int, part_bytes: int) -> tuple[Task, ...]:
    """Tasks for all parts of `part_count`; their number does not go by `part_bytes` once there are many.

    >>> [len(neighbour_tasks(32 << 30, part_bytes)) for part_bytes in (1 << 20, 32 << 20, 4 << 30)]
    [64, 64, 16]
    """
    parts = part_count(total_bytes, part_bytes)
    tasks = min(parts, TASKS, part_count(total_bytes, TASK_BYTES))
    return tuple(Task(part_name(n, tasks), {"part": n, "parts": tasks, "each": parts // tasks}) for n in range(tasks))


def parts_of(shard: Shard) -> list[Part]:
    """The parts that a task makes."""
    number, each = shard.task.payload["part"], shard.task.payload["each"]
    parts = shard.task.payload["parts"] * each
    return [Part(part_name(p, parts), *id_range(p, parts)) for p in range(number * each, (number + 1) * each)]


@contextmanager
def narrowed(shard: Shard, paths: Sequence[Path], key: str) -> Iterator[Sequence[Path]]:
    """Files that hold all rows of some others that lie in the range of a task, for the parts of the task to read."""
    if shard.task.payload["each"] == 1:
        yield paths
        return
    made: list[Path] = []
    try:
        low, high = shard.range
        kind = paths[0].name.split(".", 1)[-1] if paths else ""
        for number, table in enumerate(_held(iter_range(paths, key, low, high))):
            made.append(shard.data(f".{shard.task.name}.{kind}.{number:06d}.{os.getpid()}.tmp"))
            write_copy(made[-1], table, key)
        yield made
    finally:
        for path in made:
            path.unlink(missing_ok=True)


def _held(groups: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Some tables as one each time that they are `HELD_BYTES` or more."""
    held: list[pa.Table] = []
    size = 0
    for group in groups:
        held.append(group)
        size += group.nbytes
        if size >= HELD_BYTES:
            yield pa.concat_tables(held)
            held, size = [], 0
    if held:
        yield pa.concat_tables(held)
