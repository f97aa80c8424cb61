"""The deduplication stage alone, for the benchmarks: a run folder that holds only contents, and all steps over it.

In: contents. Out: their tables, the CPU seconds of each step, and the peak of the memory that was used. Steps run one
task after the other in one process, after a run over a few documents, so that neither imports nor the compiler are
measured. `python benchmarks/dedup_stage.py FOLDER` does that for a folder of `write_blobs` and prints JSON.
"""

import importlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from measuring import PeakPrivate

from gleanery.pipeline.exchange import part_count, part_name
from gleanery.pipeline.markers import Marker, write_marker
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard
from gleanery.pipeline.stage3_cluster import STEPS
from gleanery.records.ids import blob_id, partition
from gleanery.records.parquet import Written, read_table, table_of, write_table

THRESHOLD = 0.7
PART_BYTES = Settings().run.part_bytes
PILES = 256  # a power of two, so that some of them in a row are one part


def write_blobs(root: Path, contents: Iterable[tuple[str, bytes]], parts: int = 0) -> Path:
    """A run folder that holds only `blobs`: contents with a base name, each once, by way of a file for each pile.

    `parts`: a power of two; 0 is as many as a run would have.
    """
    shutil.rmtree(root, ignore_errors=True)
    raw, total = root / "raw", 0
    raw.mkdir(parents=True)
    with ExitStack() as stack:
        files = [stack.enter_context(open(raw / f"{n:03d}", "wb")) for n in range(PILES)]
        for name, content in contents:
            ident = blob_id(content)
            head = json.dumps([ident, name, len(content)]).encode()
            files[partition(ident, PILES)].write(head + b"\n" + content)
            total += len(content)
    parts = parts or min(PILES, part_count(total, PART_BYTES))
    for part in range(parts):
        rows: dict[str, dict[str, Any]] = {}
        for number in range(part * PILES // parts, (part + 1) * PILES // parts):
            for row in _pile(raw / f"{number:03d}"):
                rows[row["blob_id"]] = row
        path = root / "tables/blobs" / f"{part_name(part, parts)}.parquet"
        write_table(path, "blobs", table_of("blobs", rows.values()))
    shutil.rmtree(raw)
    return root


def _pile(path: Path) -> Iterator[dict[str, Any]]:
    with open(path, "rb") as file:
        while head := file.readline():
            ident, name, size = json.loads(head)
            about = {"blob_id": ident, "size": size, "encoding": "utf-8", "names": [name]}
            yield about | {"content": file.read(size)}


def run_steps(root: Path, settings: Settings) -> dict[str, float]:
    """Do all steps of the stage in this process, with nothing left of an earlier call; CPU seconds of each."""
    for name in ("work", "tables/signatures", "tables/pairs", "tables/clusters"):
        shutil.rmtree(root / name, ignore_errors=True)
    paths = sorted((root / "tables/blobs").glob("*.parquet"))
    blobs = {path.relative_to(root).as_posix(): Written(0, 0, "") for path in paths}  # only the names are read
    markers = {"gather": Marker("", blobs, {}, {}), "judge": Marker("", {}, {}, {})}  # no file is forbidden
    for name, marker in markers.items():
        write_marker(root, name, marker)
    used: dict[str, float] = {}
    for make in STEPS:
        step = make(settings, markers)
        module, function = step.work.split(":")
        work = getattr(importlib.import_module(module), function)
        start, kept, notes = time.process_time(), 0, dict[str, int]()
        for task in step.tasks:
            shard = Shard(root, step.name, task, settings)
            work(shard)
            kept += shard.counts["kept"]
            for note, number in shard.notes.items():  # later steps divide their work by them
                notes[note] = notes.get(note, 0) + number
        used[step.name] = time.process_time() - start
        reads = {below: markers[below].digest for below in step.reads}
        markers[step.name] = Marker("", {}, {"kept": kept}, notes, reads=reads)
        write_marker(root, step.name, markers[step.name])
    return used


def stage_apart(root: Path) -> dict[str, Any]:
    """All steps and a write of the survivors, in a process of its own: CPU seconds, pairs, and peaks of memory in
    bytes."""
    done = subprocess.run([sys.executable, __file__, str(root)], check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> None:
    """Measure one folder."""
    root = Path(sys.argv[1])
    warm_up()
    with PeakPrivate() as before:
        pass
    with PeakPrivate() as memory:
        steps = run_steps(root, Settings())
    start = time.process_time()
    write_survivors(root)
    steps["survivors"] = time.process_time() - start
    cpu = {f"{name} (CPU s)": seconds for name, seconds in steps.items()}
    pairs = sum(pq.read_metadata(path).num_rows for path in (root / "tables/pairs").glob("*.parquet"))
    blobs = sorted((root / "tables/blobs").glob("*.parquet"))
    size = sum(pa.compute.sum(read_table(path, ["size"])["size"]).as_py() for path in blobs)
    found = {"cpu": sum(steps.values()), "steps": cpu, "pairs": pairs, "parts": len(blobs), "part": size / len(blobs)}
    print(json.dumps(found | {"before": before.peak, "private": memory.peak, "resident": memory.resident}))


def warm_up() -> None:
    """A run and a second one after it, over a few documents of every kind of sameness."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"value_{n} = {n} * other_{n % 7} + call_{n % 11}(first_{n % 3}, é)\n" for n in range(4000)]
        texts = ["".join(lines[n * 40 : n * 40 + 60]) for n in range(90)]
        texts += [text.replace("call_1", "called") for text in texts] + ["".join(lines[:900])]
        root = write_blobs(Path(folder), ((f"{n}.py", text.encode()) for n, text in enumerate(texts)))
        run_steps(root, Settings())


def write_survivors(root: Path) -> None:
    """What the other pipelines end with: the texts that stay."""
    gone: set[str] = set()
    for path in sorted((root / "tables/pairs").glob("*.parquet")):
        table = read_table(path, ["left_blob_id", "right_blob_id", "jaccard"])
        near = table.filter(pa.compute.greater_equal(table.column("jaccard"), THRESHOLD))
        for left, right in zip(near["left_blob_id"].to_pylist(), near["right_blob_id"].to_pylist(), strict=True):
            if left not in gone:  # rows come in the order of the smaller id, which is settled by then
                gone.add(right)
    (root / "kept").mkdir(exist_ok=True)
    in_order = sorted(gone)
    for path in sorted((root / "tables/blobs").glob("*.parquet")):
        table = read_table(path, ["blob_id", "content"])
        ids = table["blob_id"]
        first, last = bisect_left(in_order, ids[0].as_py()), bisect_right(in_order, ids[-1].as_py())
        dropped = pa.compute.is_in(ids, value_set=pa.array(in_order[first:last], pa.string()))
        kept = table.filter(pa.compute.invert(dropped)).rename_columns(["id", "text"])
        pq.write_table(kept, root / "kept" / path.name, compression="zstd")


if __name__ == "__main__":
    main()
