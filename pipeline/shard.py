"""A shard: one task of a step, the places of a run from which it reads, and the files that it writes.

In: the folder of a run, a task and the settings. Out: files whose rows, sizes and digests are noted, so that the step
can tell whether they are there; what is written in any other way does not survive the end of the step. Costs nothing
beside the files. Nothing here knows Beam, nor how a step is stopped and resumed; that is `steps.py`.

    tables/TABLE/TASK.parquet      a part of a table, which later steps, audits and the release read
    work/STEP/data/TASK.…          what only later steps read
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from gleanery.pipeline.arrays import Blocks, map_arrays, write_arrays
from gleanery.pipeline.exchange import id_range, write_sorted
from gleanery.pipeline.settings import Settings
from gleanery.records.files import write_json
from gleanery.records.parquet import Written, describe, table_of, write_in_order, write_table

COUNTS = ("in", "kept", "rejected", "dead")


@dataclass(frozen=True)
class Task:
    """One element: a name that is unique in its step, and what its function needs to know, as plain JSON values."""

    name: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Shard:
    """What a step's function gets: one task, the run's folder, the settings, and where to put what it makes."""

    root: Path
    step: str
    task: Task
    settings: Settings
    fingerprint: str = ""  # of the task: what its result depends on
    outputs: dict[str, Written] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    notes: dict[str, int] = field(default_factory=dict)
    asides: list[str] = field(default_factory=list)

    @property
    def range(self) -> tuple[str, str | None]:
        """The half-open range of ids that the task is about."""
        return id_range(self.task.payload["part"], self.task.payload["parts"])

    def table(self, name: str, part: str = "") -> Path:
        """The path of this task's file of a table, or of another part of it."""
        return self.root / "tables" / name / f"{part or self.task.name}.parquet"

    def data(self, name: str) -> Path:
        """A path for something that only later steps read."""
        return self.root / "work" / self.step / "data" / name

    def add(self, counts: Mapping[str, int]) -> None:
        """Add to the counts; for a task of several parts."""
        for key, number in counts.items():
            self.counts[key] += number

    def wrote(self, path: Path, written: Written | None = None) -> None:
        """Record an output; only recorded files survive the end of the step. The rows of a table are to be told."""
        self.outputs[path.relative_to(self.root).as_posix()] = written or describe(path, 0)

    def write_table(self, name: str, rows: pa.Table | Iterable[Mapping[str, Any]], part: str = "") -> None:
        """Write this task's file of a table, or another part of it."""
        path = self.table(name, part)
        table = rows if isinstance(rows, pa.Table) else table_of(name, rows)
        self.wrote(path, write_table(path, name, table))

    def write_in_order(self, name: str, groups: Iterable[pa.Table], part: str = "") -> None:
        """The same for rows that come in the order of the table's key, of which one group is in memory."""
        path = self.table(name, part)
        self.wrote(path, write_in_order(path, name, groups))

    def write_data(self, table: pa.Table, *order: str, kind: str = "") -> None:
        """Leave rows for later steps, sorted by the columns of `order`; `kind` tells several files of a task apart."""
        path = self.data(f"{self.task.name}{kind and '.'}{kind}.parquet")
        self.wrote(path, write_sorted(path, table, *order))

    def write_aside(self, path: Path, plain: Mapping[str, Any]) -> None:
        """Write a note that is no output: no result depends on it."""
        write_json(path, plain)
        self.asides.append(path.relative_to(self.root).as_posix())

    def write_arrays(self, arrays: Mapping[str, NDArray[Any] | Blocks]) -> None:
        """Leave arrays for later steps."""
        path = self.data(f"{self.task.name}.arrays")
        self.wrote(path, write_arrays(path, arrays))


def data_files(root: Path, step: str, kind: str = "") -> list[Path]:
    """The rows that the tasks of a step left for later steps, in the order of the tasks."""
    return sorted((root / "work" / step / "data").glob(f"*{kind and '.'}{kind}.parquet"))


def arrays_of(root: Path, step: str, task: str = "all") -> dict[str, NDArray[Any]]:
    """The arrays that a task of a step left, mapped into memory."""
    return map_arrays(root / "work" / step / "data" / f"{task}.arrays")


def array_files(root: Path, step: str) -> list[Path]:
    """The arrays that the tasks of a step left for later steps, in the order of the tasks."""
    return sorted((root / "work" / step / "data").glob("*.arrays"))
