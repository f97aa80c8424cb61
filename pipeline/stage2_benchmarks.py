"""Stage 2, beside it: which contents hold a problem of a benchmark, for a model that is to be tested with it later.

In: the parts of `blobs`, and the benchmarks of the settings. Out: `benchmark_problems` and `benchmark_matches`, by
content; the judge reads them. One step, which depends on nothing but contents, the bytes of the benchmarks and the
rule: other licences or settings do not redo it, and another benchmark redoes only it and what follows from its matches.
100 MB/s with the reading of the contents. Without a benchmark, one task writes two empty tables.
"""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from gleanery.pipeline.contents import wanted_texts
from gleanery.pipeline.exchange import read_ids
from gleanery.pipeline.markers import Marker
from gleanery.pipeline.settings import BenchmarkSettings, Settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.stage2_annotate import blob_tasks
from gleanery.pipeline.steps import Step
from gleanery.quality.benchmark_files import read_problems
from gleanery.quality.benchmarks import VERSION, Benchmark, Finder, Found
from gleanery.quality.decoding import DECODING
from gleanery.records.errors import StopRun
from gleanery.records.files import file_digest
from gleanery.records.parquet import read_table, table_files
from gleanery.records.tables import TABLES


def benchmarks_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Compare every content with the problems of the benchmarks."""
    named = [
        dataclasses.asdict(one) | {"path": None, "name": _name(one), "sha256": file_digest(settings.path(one.path))}
        for one in settings.benchmark
    ]
    tasks, reads = (blob_tasks(markers), ("gather",)) if named else ((Task("none"),), ())
    parameters = {"rule": VERSION, "decoding": DECODING, "benchmarks": named}
    work, owns = f"{__name__}:compare_part", ("tables/benchmark_problems/*", "tables/benchmark_matches/*")
    title = "2 of 7  benchmarks"
    return Step("annotate", "benchmarks", title, work, tasks, parameters, reads, owns=owns, unit="contents")


def finder_of(settings: Settings) -> Finder:
    """What looks for the problems of the benchmarks of the settings.

    Raises StopRun for a file that cannot be read, for two benchmarks of one name, and for one that cannot be found.
    """
    names = Counter(_name(one) for one in settings.benchmark)
    if twice := next((name for name, count in names.items() if count > 1), None):
        raise StopRun(f"two benchmarks are called {twice}", "give each a benchmark.name of its own")
    return _finder(tuple((one, settings.path(one.path)) for one in settings.benchmark))


@lru_cache(maxsize=1)  # a worker does many parts; what is named by a run's own copies never changes
def _finder(benchmarks: tuple[tuple[BenchmarkSettings, Path], ...]) -> Finder:
    read = [Benchmark(_name(one), one.words, list(read_problems(path, one.fields, one.id))) for one, path in benchmarks]
    finder = Finder(read)
    sought = {problem.benchmark for problem in finder.problems if problem.runs}
    for benchmark in read:
        if benchmark.name not in sought:
            message = f"no problem of the benchmark {benchmark.name} has {benchmark.words} words in a row that tell it"
            raise StopRun(message, "name the fields that hold its texts, or give it fewer benchmark.words")
    return finder


def _name(benchmark: BenchmarkSettings) -> str:
    return benchmark.name or Path(benchmark.path).name


def compare_part(shard: Shard) -> None:
    """The problems that stand in the contents of one part; the first task tells which are looked for."""
    finder = finder_of(shard.settings)
    if shard.task.payload.get("part", 0) == 0:
        digests = {_name(one): file_digest(shard.settings.path(one.path)) for one in shard.settings.benchmark}
        problems = [one._asdict() | {"sha256": digests[one.benchmark]} for one in finder.problems]
        shard.write_table("benchmark_problems", problems)
    rows: list[dict[str, Any]] = []
    if shard.settings.benchmark:
        blobs = read_table(shard.table("blobs"), ["blob_id", "encoding"])
        ids, plain = blobs.column("blob_id"), pc.equal(blobs.column("encoding"), "utf-8").to_numpy()
        for places, texts in wanted_texts(shard.table("blobs"), np.ones(len(ids), bool), plain):
            for place, start, end in zip(places, texts.offsets, texts.offsets[1:], strict=False):
                if found := finder.find(texts.data[start:end]):
                    blob = ids[place].as_py()
                    rows += [{"blob_id": blob} | one._asdict() for one in found]
        shard.counts |= {"in": len(ids), "kept": len(ids)}
    shard.write_table("benchmark_matches", rows)


def matches_of(root: Path, blobs: set[str]) -> dict[str, list[Found]]:
    """What some contents hold, the longest stretches first."""
    found: dict[str, list[Found]] = {}
    files = table_files(root, "benchmark_matches")
    rows = read_ids(files, "blob_id", sorted(blobs), TABLES["benchmark_matches"].schema).to_pylist()
    for row in sorted(rows, key=lambda row: (-row["words"], row["benchmark"], row["problem"])):
        found.setdefault(row.pop("blob_id"), []).append(Found(**row))
    return found
