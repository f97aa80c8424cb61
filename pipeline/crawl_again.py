"""Reading sources again: what was read of a source is kept until it has been read anew.

In: a crawl that is done, and which of its sources are to be read again. Out: its tasks to do, with what they read set
aside in `work/crawl/before/`; a source that cannot be read now is taken from there, unchanged, and is named in
`work/crawl/again/`. Costs one hard link for each file that a crawl wrote. Only what was read by the same task (sources,
limits, version of the program) is kept: under other settings it would be another reading.
"""

import json
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gleanery.pipeline.steps import Shard, Step, finished, forget, read_json
from gleanery.records.parquet import Written, link_file, read_table, write_bytes

KEPT = "kept_from_before"  # a note of the crawl: sources that could not be read again
_BEFORE, _AGAIN = "work/crawl/before", "work/crawl/again"


@dataclass(frozen=True)
class Reading:
    """What was read of one source before: its row of `repos`, its rows of `files`, and its sorted runs of contents."""

    repository: dict[str, Any]
    files: pa.Table
    runs: tuple[tuple[Path, Written], ...]

    @property
    def content_bytes(self) -> int:
        """Bytes of all contents, each counted once."""
        return sum(_sizes(self.files).values())


def read_again(root: Path, step: Step, base: str, named: Collection[str], *, failed: bool, every: bool) -> None:
    """Take back that sources were crawled: those of the tasks `named`, those that `failed`, or `every` one.

    Where reading one again gives the same bytes, nothing after it is redone.
    """
    again = []
    for task in step.tasks if named or failed or every else ():
        sidecar = finished(root, step.name, task, base)
        if sidecar is not None and (every or task.name in named or (failed and _has_failed(sidecar))):
            _set_aside(root, task.name, sidecar)
            again.append(task)
    if again:
        forget(root, step, again)


def crawl_is_done(root: Path) -> None:
    """Let go of what was set aside: it is not needed, and may be of an owner who has objected since."""
    shutil.rmtree(root / _BEFORE, ignore_errors=True)
    for path in (root / _AGAIN).glob("*.json"):
        if not (root / "work/crawl/tasks" / path.name).exists():
            path.unlink()  # of a source that the settings no longer name


def reading_before(shard: Shard, repo_id: str) -> Reading | None:
    """What this task read of a source the time before, or None if that is not there whole."""
    before, name = shard.root / _BEFORE, shard.task.name
    sidecar = read_json(before / f"{name}.json")
    if sidecar is None or sidecar.get("fingerprint") != shard.fingerprint:
        return None
    repos, files = (_rows_of(before / f"tables/{table}/{name}.parquet", repo_id) for table in ("repos", "files"))
    read = repos.filter(pc.equal(repos["status"], "read")).to_pylist()
    ours = f"work/crawl/data/{repo_id}.*.blobs.parquet"
    outputs = sorted(sidecar["outputs"].items())
    runs = tuple((before / path, Written(*written)) for path, written in outputs if fnmatchcase(path, ours))
    if not read or sum(written.rows for _, written in runs) != len(_sizes(files)):
        return None
    return Reading(read[0], files, runs)


def note_kept(shard: Shard, sources: Iterable[str]) -> None:
    """Note which sources could not be read again and why, and how many. No output: nothing is decided by it."""
    path, kept = shard.root / _AGAIN / f"{shard.task.name}.json", sorted(sources)
    path.unlink(missing_ok=True)
    if kept:
        shard.notes[KEPT] = len(kept)
        write_bytes(path, json.dumps({"sources": kept}, indent=1).encode() + b"\n")


def unread(root: Path, counts: Mapping[str, int], notes: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """The sources that could not be read, and those that could not be read again, with the cause.

    `counts` and `notes` are those of the crawl: where they say that there are none, nothing is read.
    """
    failed, kept = list[str](), list[str]()
    for path in sorted((root / "tables/repos").glob("*.parquet")) if counts["dead"] else ():
        repos = read_table(path, ["name", "status"])
        failed += repos.filter(pc.equal(repos["status"], "failed"))["name"].to_pylist()
    for path in sorted((root / _AGAIN).glob("*.json")) if notes.get(KEPT) else ():
        kept += (read_json(path) or {}).get("sources", [])
    return sorted(failed), sorted(kept)


def _has_failed(sidecar: Mapping[str, Any]) -> bool:
    return bool(sidecar["counts"]["dead"] or sidecar["notes"].get(KEPT))


def _set_aside(root: Path, name: str, sidecar: Mapping[str, Any]) -> None:
    """Give the task's files a second name. The copy of its sidecar comes last: without it they count for nothing."""
    note = root / _BEFORE / f"{name}.json"
    note.unlink(missing_ok=True)
    for path in sidecar["outputs"]:
        link_file(root / path, root / _BEFORE / path)
    write_bytes(note, json.dumps(sidecar).encode())


def _rows_of(path: Path, repo_id: str) -> pa.Table:
    table = read_table(path)
    return table.filter(pc.equal(table["repo_id"], repo_id))


def _sizes(files: pa.Table) -> dict[str, int]:
    """The size of each content that was read."""
    sizes = dict(zip(files["blob_id"].to_pylist(), files["size"].to_pylist(), strict=True))
    return {blob: size for blob, size in sizes.items() if blob is not None}
