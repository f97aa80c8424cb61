"""What occurs everywhere costs no more memory than what occurs once, and the tables are the same."""

import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from gleanery.pipeline import stage2_conclude
from gleanery.pipeline.crawl_runs import RAW
from gleanery.pipeline.crawled import OCCURRENCES
from gleanery.pipeline.exchange import write_sorted
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.stage1_crawl import MAX_NAMES, _bounded, _names, gather_parts
from gleanery.pipeline.stage2_conclude import SPREAD, spread_files, spread_parts
from gleanery.records.ids import blob_id
from gleanery.records.parquet import read_table, table_of, write_table

PART = "part-00000-of-00001"
# In a process of its own, whose memory is not that of the test that made its input.
GREW = """
import importlib, resource, sys
from pathlib import Path
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task
module, name, root, part = sys.argv[1:]
work = getattr(importlib.import_module(module), name)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
work(Shard(Path(root), name, Task(part, {"part": 0, "parts": 1, "each": 1}), Settings()))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def _shard(root: Path, step: str) -> Shard:
    return Shard(root, step, Task(PART, {"part": 0, "parts": 1, "each": 1}), Settings())


def _grew(root: Path, module: str, name: str) -> int:
    command = [sys.executable, "-c", GREW, f"gleanery.pipeline.{module}", name, str(root), PART]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) << 10


def _repositories(root: Path, contents: list[bytes], copies: int) -> None:
    """What the crawl of some repositories left that have the same contents, each under a name of its own."""
    ids = [blob_id(content) for content in contents]
    data = root / "work/crawl/data"
    for n in range(copies):
        write_sorted(data / f"{n:05d}.0000.blobs.parquet", pa.table([ids, contents], schema=RAW), "blob_id")
        files = [f"{n:016x}{k:016x}" for k in range(len(ids))]
        names = [f"{n}.js"] * len(ids)
        rows = pa.table([ids, files, [f"{n:032x}"] * len(ids), names, names], schema=OCCURRENCES)
        write_sorted(data / f"{n:05d}.files.parquet", rows, "blob_id", "file_id")


def _places(root: Path, places: int) -> None:
    """What the steps before `spread` left of one small content that stands in many places."""
    blob = blob_id(b"# x\n")
    columns = [
        [blob] * places,
        [f"{n:032x}" for n in range(places)],
        [f"{n // 9:032x}" for n in range(places)],
        [f"src/{n % 9}/__init__.py" for n in range(places)],
        ["__init__.py"] * places,
    ]
    data = root / "work/crawl/data"
    write_sorted(data / "a.files.parquet", pa.table(columns, schema=OCCURRENCES), "blob_id", "file_id")
    finding = {"blob_id": blob, "scope": "head", "ordinal": 0, "detector": "d", "outcome": "none"}
    measures = dict.fromkeys(("mean_line", "letter_fraction", "encoded_fraction"), 0.5)
    about = {"language": "Python", "language_type": "programming", "generated": False, "lines": 1, "longest_line": 3}
    rows = {
        "blobs": {"blob_id": blob, "size": 4, "encoding": "utf-8", "names": ["__init__.py"], "content": b"# x\n"},
        "license_findings": finding | {"copyrights": [], "paths": []},
        "features": {"blob_id": blob, "name": "__init__.py", "detector": "e"} | about | measures,
    }
    for table, row in rows.items():
        write_table(root / f"tables/{table}/{PART}.parquet", table, table_of(table, [row]))


def test_a_content_of_which_there_are_many_copies_is_in_memory_once(tmp_path: Path) -> None:
    _repositories(tmp_path, [b"ab\n" * (1 << 18)], 200)
    assert _grew(tmp_path, "stage1_crawl", "gather_parts") < 60 << 20


def test_a_content_that_stands_in_many_places_is_spread_in_batches(tmp_path: Path) -> None:
    _places(tmp_path, 200_000)
    assert _grew(tmp_path, "stage2_conclude", "spread_parts") < 100 << 20


def test_contents_are_gathered_once_with_the_first_of_their_names(tmp_path: Path) -> None:
    contents = [b"one\n", b"two\n" * 1000, b"three\n"]
    _repositories(tmp_path, contents, 3 * MAX_NAMES)
    shard = _shard(tmp_path, "gather")
    gather_parts(shard)
    rows = read_table(shard.table("blobs")).to_pylist()
    assert {row["content"] for row in rows} == set(contents)
    assert all(row["blob_id"] == blob_id(row["content"]) and row["size"] == len(row["content"]) for row in rows)
    names = sorted(f"{n}.js" for n in range(3 * MAX_NAMES))[:MAX_NAMES]
    assert all(row["names"] == names and row["encoding"] == "utf-8" for row in rows)
    copies = 3 * MAX_NAMES * len(contents)
    assert shard.counts == {"in": copies, "kept": 3, "rejected": copies - 3, "dead": 0}


def test_batches_hold_every_file_once_whatever_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _places(tmp_path, 5000)
    found = []
    for size in (stage2_conclude.BATCH_BYTES, 1 << 16):
        monkeypatch.setattr(stage2_conclude, "BATCH_BYTES", size)
        shard = _shard(tmp_path, "spread")
        spread_parts(shard)
        paths = spread_files(tmp_path)
        assert sorted(shard.outputs) == [path.relative_to(tmp_path).as_posix() for path in paths]
        rows = pa.concat_tables([read_table(path) for path in paths]).cast(SPREAD).to_pylist()
        found.append((len(paths), sorted(rows, key=lambda row: row["file_id"])))
    assert found[0][0] == 1 < found[1][0]
    assert found[0][1] == found[1][1] and len(found[0][1]) == 5000


def test_files_of_many_sources_are_spread_in_a_time_that_grows_as_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _places(tmp_path, 1600)
    rows = read_table(tmp_path / "work/crawl/data/a.files.parquet")
    taken = []
    for sources in (200, 1600):
        ones = [rows.slice(n, 1) for n in range(sources)]
        monkeypatch.setattr(stage2_conclude, "iter_range", lambda *_, ones=ones: iter(ones))
        start = time.process_time()
        spread_parts(_shard(tmp_path, "spread"))
        taken.append(time.process_time() - start)
    assert taken[1] < 24 * taken[0]


def test_a_flood_of_names_is_held_in_bounds_and_hides_no_licence() -> None:
    names = [f"{n:05}.js" for n in range(10 * MAX_NAMES)] + ["LICENSE"]
    for order in (names, names[::-1]):
        table = pa.table({"blob_id": ["0" * 40] * len(order), "name": order})
        (found,) = _names(table.slice(at, 100) for at in range(0, len(order), 100)).values()
        assert len(found) <= 4 * MAX_NAMES and "LICENSE" in found
        assert _bounded(found) == _bounded(set(names))
