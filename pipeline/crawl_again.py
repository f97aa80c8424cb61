"""Reading sources again: what was read of a source is kept until it has been read anew.

In: a crawl that is done, in part or whole, and what is to be read now. Out: its tasks to do, with what was read by
others set aside in `work/crawl/before/`; a source that cannot be read now is taken from there and named in
`work/crawl/again/`. Costs one hard link for each file that a crawl wrote. Kept is what was read of a source by the
same line of the settings, limits and version of the program (`Line`), whichever task read it: tasks have other sources
and names when sources are added. Under another line or limits it would be another reading.
"""

import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gleanery.pipeline.crawl_runs import RAW
from gleanery.pipeline.exchange import read_ids, write_sorted
from gleanery.pipeline.markers import is_there
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.steps import Step, forget, read_marker, task_fingerprint
from gleanery.records.files import link_file, read_json, write_json
from gleanery.records.parquet import Written, read_table, table_of, table_rows

KEPT = "kept_from_before"  # a note of the crawl: sources that could not be read again
_BEFORE, _AGAIN, _LINES, _TASKS = (f"work/crawl/{name}" for name in ("before", "again", "lines", "tasks"))
_INDEX = "sources.parquet"
_PLACES = pa.schema([(name, pa.string()) for name in ("repo_id", "line", "shares", "task")])


@dataclass(frozen=True)
class Line:
    """A source that was read: what its reading depends on, and the run of contents that it shares, or an empty name."""

    repo_id: str
    line: str
    shares: str


@dataclass(frozen=True)
class Reading:
    """What was read of one source before: its row of `repos`, its rows of `files`, and its contents.

    Contents stand in sorted runs of its own, or were taken out of one that it shared.
    """

    repository: dict[str, Any]
    files: pa.Table
    own_runs: tuple[tuple[Path, Written], ...]
    shared: dict[str, bytes]

    @property
    def own_bytes(self) -> int:
        """Bytes of all contents in runs of its own, each counted once."""
        return sum(_sizes(self.files).values()) if self.own_runs else 0


def read_again(root: Path, step: Step, base: str, named: Collection[str], *, failed: bool, every: bool) -> None:
    """Take back that sources were crawled: those of the tasks `named`, those that `failed`, or `every` one.

    What tasks have read that are not those of this step is set aside too, before anything is written in its place.
    Where reading a source again gives the same bytes, nothing after it is redone.
    """
    if not (named or failed or every) and read_marker(root, step, base) is not None:
        return
    wanted = {task.name: task_fingerprint(base, task) for task in step.tasks}
    again = {}
    for path in sorted((root / _TASKS).glob("*.json")):
        sidecar = read_json(path)
        if sidecar is None or not sidecar.keys() >= {"fingerprint", "outputs", "counts", "notes"}:
            continue
        if (
            sidecar["fingerprint"] != wanted.get(path.stem)
            or every
            or path.stem in named
            or (failed and _has_failed(sidecar))
        ):
            again[path.stem] = sidecar
    if again:
        _set_aside(root, again)
        forget(root, step, [Task(name) for name in again])


def crawl_is_done(root: Path) -> None:
    """Let go of what was set aside: it is not needed, and may be of an owner who has objected since."""
    shutil.rmtree(root / _BEFORE, ignore_errors=True)
    for path in [*(root / _AGAIN).glob("*.json"), *(root / _LINES).glob("*.json")]:
        if not (root / _TASKS / path.name).exists():
            path.unlink()  # of a source that the settings no longer name


def may_need_before(root: Path) -> Callable[[str], bool]:
    """Tells of a task, by its name, whether it may need what is set aside: names begin the ids of a task's sources."""
    names = {path.stem for path in (root / _BEFORE).glob("*/*.json")}
    tables = [read_table(path) for path in sorted((root / _BEFORE).glob(f"*/{_INDEX}"))]
    ids = {ident for table in tables for ident in table["repo_id"].to_pylist()}
    beginnings = cache(lambda length: {ident[:length] for ident in ids})
    return lambda name: name in names or name in beginnings(len(name))


def is_read_again(root: Path, repo_id: str) -> bool:
    """Whether a source was read the time before, by whatever line: then what is remembered of it is asked anew."""
    indexes = sorted((root / _BEFORE).glob(f"*/{_INDEX}"))
    return bool(indexes) and read_ids(indexes, "repo_id", [repo_id], _PLACES).num_rows > 0


def reading_before(root: Path, repo_id: str, line: str) -> Reading | None:
    """What was read of a source the time before, by the same line, or None if that is not there whole."""
    for before in sorted((root / _BEFORE).glob("*"), reverse=True):
        index = [path for path in [before / _INDEX] if path.exists()]
        for place in read_ids(index, "repo_id", [repo_id], _PLACES).to_pylist():
            if place["line"] == line and (found := _reading(before, **place)) is not None:
                return found
    return None


def _reading(before: Path, repo_id: str, line: str, shares: str, task: str) -> Reading | None:
    repos, files = (_rows_of(before, table, task, repo_id) for table in ("repos", "files"))
    read = repos.filter(pc.equal(repos["status"], "read")).to_pylist()
    blobs = sorted(_sizes(files))
    runs: tuple[tuple[Path, Written], ...] = ()
    shared: dict[str, bytes] = {}
    if shares:
        path = before / "work/crawl/data" / shares
        rows = read_ids([path] if path.exists() else [], "blob_id", blobs, RAW).to_pylist()
        shared = {row["blob_id"]: row["content"] for row in rows}
    else:
        ours = f"work/crawl/data/{repo_id}.*.blobs.parquet"
        outputs = sorted((read_json(before / f"{task}.json") or {"outputs": {}})["outputs"].items())
        runs = tuple((before / path, Written(*written)) for path, written in outputs if fnmatchcase(path, ours))
        runs = tuple(run for run in runs if run[0].exists())
    if not read or len(shared) + sum(written.rows for _, written in runs) != len(blobs):
        return None
    return Reading(read[0], files, runs, shared)


def note_kept(shard: Shard, sources: Iterable[str]) -> None:
    """Note which sources could not be read again and why, and how many. No output: nothing is decided by it."""
    path, kept = shard.root / _AGAIN / f"{shard.task.name}.json", sorted(sources)
    path.unlink(missing_ok=True)
    if kept:
        shard.notes[KEPT] = len(kept)
        shard.write_aside(path, {"sources": kept})


def note_lines(shard: Shard, lines: Sequence[Line]) -> None:
    """Note by which lines sources were read. No output either: the same reading by another line is the same."""
    note = {"task": shard.fingerprint, "sources": [asdict(line) for line in lines]}
    shard.write_aside(shard.root / _LINES / f"{shard.task.name}.json", note)


def unread(root: Path, counts: Mapping[str, int], notes: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """The sources that could not be read, and those that could not be read again, with the cause.

    `counts` and `notes` are those of the crawl: where they say that there are none, nothing is read.
    """
    kept, repos = list[str](), table_rows(root, "repos", ["name", "status"]) if counts["dead"] else ()
    failed = [row["name"] for row in repos if row["status"] == "failed"]
    for path in sorted((root / _AGAIN).glob("*.json")) if notes.get(KEPT) else ():
        kept += (read_json(path) or {}).get("sources", [])
    return sorted(failed), sorted(kept)


def _has_failed(sidecar: Mapping[str, Any]) -> bool:
    return bool(sidecar["counts"]["dead"] or sidecar["notes"].get(KEPT))


def _set_aside(root: Path, tasks: Mapping[str, Mapping[str, Any]]) -> None:
    """Give the files of some tasks a second name, beside those that were set aside before this.

    The table that leads to them comes last: without it they count for nothing. Until then the tasks count as done.
    """
    before = root / _BEFORE / f"{1 + len(list((root / _BEFORE).glob('*'))):06d}"
    places = []
    for name, sidecar in tasks.items():
        for path, written in sidecar["outputs"].items():
            if is_there(root / path, Written(*written)):
                link_file(root / path, before / path)
        write_json(before / f"{name}.json", sidecar)
        lines = read_json(root / _LINES / f"{name}.json") or {}
        if lines.get("task") == sidecar["fingerprint"]:
            places += [{**line, "task": name} for line in lines["sources"]]
    write_sorted(before / _INDEX, pa.Table.from_pylist(places, schema=_PLACES), "repo_id")


def _rows_of(before: Path, table: str, task: str, repo_id: str) -> pa.Table:
    path = before / f"tables/{table}/{task}.parquet"
    rows = read_table(path) if path.exists() else table_of(table, [])
    return rows.filter(pc.equal(rows["repo_id"], repo_id))


def _sizes(files: pa.Table) -> dict[str, int]:
    """The size of each content that was read."""
    sizes = dict(zip(files["blob_id"].to_pylist(), files["size"].to_pylist(), strict=True))
    return {blob: size for blob, size in sizes.items() if blob is not None}
