"""A task makes parts that stand side by side from one reading of the files: same bytes, and few openings."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_pipeline_run import rows, tree

from gleanery.pipeline import neighbours, stage1_crawl, stage5_redact
from gleanery.pipeline.crawl_runs import RAW
from gleanery.pipeline.crawled import OCCURRENCES
from gleanery.pipeline.exchange import id_range, part_count, write_sorted
from gleanery.pipeline.neighbours import TASKS, narrowed, neighbour_tasks, parts_of
from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import Settings, load_settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.records.ids import blob_id
from gleanery.records.parquet import table_of, write_table

RUNS, PARTS = 12, 32
CONTENTS = [f"content {n}\n".encode() * 40 for n in range(400)]


@given(st.integers(0, 1 << 42), st.integers(1024, 1 << 30))
def test_the_tasks_make_all_parts_and_are_few(total: int, part_bytes: int) -> None:
    tasks = neighbour_tasks(total, part_bytes)
    parts = [part for task in tasks[:2] for part in parts_of(Shard(Path(), "s", task, Settings()))]
    count = part_count(total, part_bytes)
    assert len(tasks) <= TASKS and len(tasks) * tasks[0].payload["each"] == count
    assert [(part.low, part.high) for part in parts] == [id_range(n, count) for n in range(len(parts))]


def _crawled(root: Path) -> None:
    """What the crawl of some repositories left that have some contents in common."""
    data = root / "work/crawl/data"
    for n in range(RUNS):
        contents = CONTENTS[n * 30 : n * 30 + 60]
        ids = [blob_id(content) for content in contents]
        write_sorted(data / f"{n:05d}.0000.blobs.parquet", pa.table([ids, contents], schema=RAW), "blob_id")
        files, names = [f"{n:016x}{k:016x}" for k in range(len(ids))], [f"{n % 3}.js"] * len(ids)
        rows = pa.table([ids, files, [f"{n:032x}"] * len(ids), names, names], schema=OCCURRENCES)
        write_sorted(data / f"{n:05d}.files.parquet", rows, "blob_id", "file_id")


def _redacted(root: Path) -> None:
    """What redacting some parts left: documents of many repositories, of which some have texts of others."""
    data, repos = root / "work/redact/data", [f"{n * 977 % 4096:03x}{n:029x}" for n in range(60)]
    for n in range(RUNS):
        rows: list[dict[str, Any]] = [
            {"file_id": f"{n:016x}{k:016x}", "repo_id": repo, "path": f"{n}/{k}.js", "blob_id": f"{k:040x}"}
            | {"license": "MIT", "language": "JavaScript", "redactions": k % 2, "text": f"{n} {k}", "text_sha256": "0"}
            for k, repo in enumerate(repos)
        ]
        table = pa.Table.from_pylist(rows, schema=stage5_redact.DOCUMENTS)
        write_sorted(data / f"{n:05d}.documents.parquet", table, "repo_id", "path", "file_id")
        about = {"ordinal": 0, "entity": "NAME", "start": 0, "end": 1, "new_start": 0, "replacement": "x"}
        spans = [
            {name: row[name] for name in ("repo_id", "file_id", "blob_id")} | about | {"detector": "d", "score": 1.0}
            for row in rows[1::2]
        ]
        table = pa.Table.from_pylist(spans, schema=stage5_redact.REDACTIONS)
        write_sorted(data / f"{n:05d}.redactions.parquet", table, "repo_id", "file_id", "ordinal")
    again = [{"repo_id": repo, "file_id": f"{3:016x}{k:016x}"} for k, repo in enumerate(repos) if k % 7 == 0]
    table = pa.Table.from_pylist(again, schema=stage5_redact.AGAIN)
    write_sorted(root / "work/texts/data/all.parquet", table, "repo_id", "file_id")
    plain = [{"repo_id": repo, "name": f"acme/{repo}", "url": "u", "kind": "git", "status": "read"} for repo in repos]
    lists: list[dict[str, Any]] = [row | {"aliases": [], "given_names": []} for row in plain]
    write_table(root / "tables/repos/all.parquet", "repos", table_of("repos", lists))


@pytest.mark.parametrize(
    ("prepare", "work"), [(_crawled, stage1_crawl.gather_parts), (_redacted, stage5_redact.documents_parts)]
)
def test_tasks_of_many_parts_give_the_same_bytes_and_open_each_file_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[Path], None],
    work: Callable[[Shard], None],
) -> None:
    prepare(tmp_path)
    given_files = {path for path in (tmp_path / "work").rglob("*.parquet") if "texts" not in path.parts}
    opened: Counter[Path] = Counter()

    class Counted(pq.ParquetFile):  # type: ignore[misc]
        def __init__(self, source: Any, *arguments: Any, **options: Any) -> None:
            opened[Path(source)] += 1
            super().__init__(source, *arguments, **options)

    monkeypatch.setattr(pq, "ParquetFile", Counted)
    monkeypatch.setattr(neighbours, "HELD_BYTES", 4096)  # so that a copy has many files
    made = []
    for tasks in (PARTS, 4, 1):
        opened.clear()
        outputs, counts = dict[str, str](), Counter[str]()
        for part in range(tasks):
            payload = {"part": part, "parts": tasks, "each": PARTS // tasks}
            shard = Shard(tmp_path, "step", Task(f"task-{part}", payload), Settings())
            work(shard)
            outputs |= {name: written.sha256 for name, written in shard.outputs.items()}
            counts.update(shard.counts)
        made.append((outputs, counts))
        assert {opened[path] for path in given_files} == {tasks}
    assert made[0] == made[1] == made[2]
    assert len([name for name in made[0][0] if "dead_letters" not in name]) % PARTS == 0
    assert not list((tmp_path / "work").rglob(".*"))  # no copy outlives its task


def test_a_copy_of_a_range_is_gone_even_if_its_task_fails(tmp_path: Path) -> None:
    _crawled(tmp_path)
    paths = sorted((tmp_path / "work/crawl/data").glob("*.blobs.parquet"))
    shard = Shard(tmp_path, "gather", Task("t", {"part": 0, "parts": 2, "each": 8}), Settings())
    with pytest.raises(KeyError), narrowed(shard, paths, "blob_id") as made:
        assert made and all(path.exists() for path in made)
        raise KeyError
    assert not any(path.exists() for path in made)


def test_the_size_of_parts_changes_neither_what_is_decided_nor_the_number_of_tasks(
    corpus: Path, curated: Path, tmp_path: Path
) -> None:
    settings = load_settings(corpus)
    runs = (curated, tmp_path / "run")
    curate(replace(settings, run=replace(settings.run, part_bytes=32 << 20)), runs[1], workers=1)
    for step in ("gather", "spread", "documents"):
        tasks = [sorted(path.name for path in (run / f"work/{step}/tasks").iterdir()) for run in runs]
        assert tasks[0] == tasks[1], step
    assert len(rows(runs[0], "blobs")) == len(rows(runs[1], "blobs"))
    decided = [{k: v for k, v in tree(run).items() if k.startswith("tables/decisions/")} for run in runs]
    assert decided[0] == decided[1]
