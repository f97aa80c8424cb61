"""What an incremental run of the deduplication stage costs, where one file in a hundred is new.

In: real code (`corpus.py`). Out: `incremental_metrics`, for `benchmarks/dedup.py`; by itself, the figures as JSON. Both
runs do all steps of the stage on all contents, in one process, taking turns: one from zero, one with `run.previous`.
CPU time of that process, with everything compiled before. The tables must be equal byte for byte.
"""

import argparse
import hashlib
import importlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path

from corpus import code_files
from measuring import Metric, metric

from gleanery.pipeline.exchange import part_count, part_name
from gleanery.pipeline.settings import RunSettings, Settings
from gleanery.pipeline.stage3_cluster import STEPS
from gleanery.pipeline.steps import Marker, Shard
from gleanery.records.ids import blob_id, partition
from gleanery.records.parquet import table_of, write_table

TABLES = ("signatures", "pairs", "clusters")
PART_BYTES = 32 << 20
NEW_IN = 100


def incremental_metrics(quick: bool) -> list[Metric]:
    """The CPU of an incremental run as a share of that of a run from zero. Raises RuntimeError if tables differ."""
    megabytes, rounds = (24.0, 1) if quick else (400.0, 3)
    with tempfile.TemporaryDirectory(prefix="gleanery-bench-") as name:
        folder = Path(name)
        contents = dict(_contents(megabytes))
        before = {ident: found for n, (ident, found) in enumerate(sorted(contents.items())) if n % NEW_IN}
        parts = part_count(sum(len(content) for _, content in contents.values()), PART_BYTES)
        run_stage(write_blobs(folder / "before", before, parts), Settings())  # also compiles everything
        shares, zero_seconds = [], []
        for _ in range(rounds):
            zero = run_stage(write_blobs(folder / "zero", contents, parts), Settings())
            again = replace(Settings(), run=RunSettings(previous=str(folder / "before")))
            incremental = run_stage(write_blobs(folder / "again", contents, parts), again)
            if _digests(folder / "zero") != _digests(folder / "again"):
                raise RuntimeError("an incremental run gave other tables than a run from zero")
            shares.append(sum(incremental.values()) / sum(zero.values()))
            zero_seconds.append(sum(zero.values()))
            print(json.dumps({"zero": zero, "incremental": incremental}), flush=True)
    size = sum(len(content) for _, content in contents.values()) / 1e6
    return [
        metric("incremental_share", shares, "of CPU from zero"),
        metric("incremental_contents", [len(contents)], "contents"),
        metric("stage_from_zero_mb_s", [size / seconds for seconds in zero_seconds], "MB/CPU-s"),
    ]


def _contents(megabytes: float) -> Iterator[tuple[str, tuple[str, bytes]]]:
    for file in code_files(megabytes):
        yield blob_id(file.content), (file.path.rpartition("/")[2], file.content)


def write_blobs(root: Path, contents: dict[str, tuple[str, bytes]], parts: int) -> Path:
    """A run folder that holds only `blobs`."""
    shutil.rmtree(root, ignore_errors=True)
    rows: list[list[dict[str, object]]] = [[] for _ in range(parts)]
    for ident, (name, content) in sorted(contents.items()):
        row = {"blob_id": ident, "size": len(content), "encoding": "utf-8", "names": [name], "content": content}
        rows[partition(ident, parts)].append(row)
    for part, found in enumerate(rows):
        write_table(root / f"tables/blobs/{part_name(part, parts)}.parquet", "blobs", table_of("blobs", found))
    return root


def run_stage(root: Path, settings: Settings) -> dict[str, float]:
    """Do all steps one after the other in this process; CPU seconds of each."""
    outputs = {f"tables/blobs/{path.name}": None for path in sorted((root / "tables/blobs").glob("*.parquet"))}
    markers = {"gather": Marker("", outputs, {}, {})}  # type: ignore[arg-type]  # only the names are read
    seconds = {}
    for make in STEPS:
        step = make(settings, markers)
        module, name = step.work.split(":")
        function = getattr(importlib.import_module(module), name)
        kept, started = 0, time.process_time()
        for task in step.tasks:
            shard = Shard(root, step.name, task, settings)
            function(shard)
            kept += shard.counts["kept"]
        seconds[step.name] = time.process_time() - started
        markers[step.name] = Marker("", {}, {"kept": kept}, {})
    return seconds


def _digests(root: Path) -> Sequence[str]:
    files = chain.from_iterable(sorted((root / "tables" / name).glob("*.parquet")) for name in TABLES)
    return [f"{path.parent.name}/{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small corpus and one round")
    print(json.dumps([asdict(one) for one in incremental_metrics(parser.parse_args().quick)], indent=1))


if __name__ == "__main__":
    main()
