"""What one task of the crawl has read so far, and the tables that come of it.

In: sources that are opened one after the other, their entries and what went wrong. Out: the task's parts of `repos`,
`files` and dead letters, and a copy of its files sorted by content for the later steps. A source that fails half-way
leaves nothing behind. The rows of finished sources are held as Arrow tables, of 200 bytes a file.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gleanery.licensing.names import license_role
from gleanery.optout.declaration import is_objection
from gleanery.pipeline.crawl_again import Line, Reading, note_kept, note_lines, reading_before
from gleanery.pipeline.crawl_runs import Runs
from gleanery.pipeline.optouts import Way
from gleanery.pipeline.shard import Shard
from gleanery.records.errors import RejectRecord, TryAgain
from gleanery.records.ids import blob_id, file_id
from gleanery.records.parquet import table_of
from gleanery.sources.reading import Entry, Facts, Identity, Source, at_head

OCCURRENCES = pa.schema(
    [
        ("blob_id", pa.string()),
        ("file_id", pa.string()),
        ("repo_id", pa.string()),
        ("path", pa.string()),
        ("name", pa.string()),
    ]
)


class Crawled:
    """What one task has read so far. The rows of finished sources are held as Arrow tables, of 200 bytes a file."""

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.repos: list[dict[str, Any]] = []
        self.dead: list[dict[str, Any]] = []
        self.finished: list[pa.Table] = []  # rows of `files`, a table for each source
        self.kept: list[str] = []  # sources that could not be read again, and why
        self.runs = Runs(shard)
        self.line = ""  # of the source that is being read: what its reading depends on
        self.lines: list[Line] = []
        self.objections: dict[str, str] = {}
        self.begin_source()

    def begin_source(self) -> None:
        """Forget everything of a source that failed half-way."""
        self.files: list[dict[str, Any]] = []
        self.runs.drop()

    def end_source(self, identity: Identity) -> None:
        """Take what was read of a source as read to its end."""
        self.finished.append(table_of("files", self.files))
        self.lines.append(Line(identity.repo_id, self.line, self.runs.end(identity.repo_id)))
        self.begin_source()

    def read_before(self, way: Way) -> Reading | None:
        """What was read before of a source that cannot be read now, if there is nothing against keeping it.

        What was read anew may have been an objection, which holds even if the rest cannot be read. Raises Objected if
        by now a rule covers an address on the way to it.
        """
        repo_id = way.identity.repo_id
        before = None if repo_id in self.objections else reading_before(self.shard.root, repo_id, self.line)
        for address in sorted({*before.repository["aliases"]} - {*way.identity.aliases}) if before else ():
            way.follow(address)
        return before

    def keep(self, identity: Identity, before: Reading, error: RejectRecord | TryAgain) -> None:
        """Take a source as it was read before."""
        self.runs.take(before.own_runs, before.own_bytes)
        for blob, content in before.shared.items():
            self.runs.add(identity.repo_id, blob, content)
        self.lines.append(Line(identity.repo_id, self.line, self.runs.end(identity.repo_id)))
        self.repos.append(before.repository)
        self.finished.append(before.files)
        self.kept.append(f"{identity.name} ({error.message})")

    def add_repository(self, identity: Identity, source: Source, facts: Facts | None, status: str) -> None:
        row = dataclasses.asdict(facts) if facts else dict.fromkeys(f.name for f in dataclasses.fields(Facts))
        del row["declared_sources"]  # those that name a repository are among the aliases
        row["optout_signal"] = self.objections.get(identity.repo_id)  # a declaration may take an objection back
        # A manifest may hold half of a surrogate pair, which no table can.
        row = {k: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for k, v in row.items()}
        row |= {"repo_id": identity.repo_id, "name": identity.name, "url": identity.url, "status": status}
        row |= {"kind": source.kind, "aliases": list(identity.aliases), "fork_of": source.fork_of}
        row["given_names"] = list(identity.given)
        self.repos.append(row)

    def add_declarations(self, identity: Identity, elsewhere: Iterable[tuple[str, bytes | None]]) -> None:
        """Take what the default branch says, where something else is read; it is named as git names it."""
        for path, content in elsewhere:
            if content is None or is_objection(content):
                self.objections.setdefault(identity.repo_id, at_head(path))

    def add_entry(self, identity: Identity, entry: Entry) -> None:
        blob = None if entry.content is None else blob_id(entry.content)
        if entry.declares and (entry.content is None or is_objection(entry.content)):
            self.objections.setdefault(identity.repo_id, entry.path)
        self.files.append(
            {
                "file_id": file_id(identity.repo_id, entry.path),
                "repo_id": identity.repo_id,
                "path": entry.path,
                "blob_id": blob,
                "mode": entry.mode,
                "size": entry.size,
                "skipped": entry.skipped,
                "link": entry.link,
            }
        )
        if blob is not None and entry.content is not None:
            self.runs.add(identity.repo_id, blob, entry.content)

    def add_dead_letter(self, identity: Identity, error: RejectRecord | TryAgain) -> None:
        kind = error.code if isinstance(error, RejectRecord) else "try_again"
        hint = error.hint or error.message
        self.dead.append({"id": identity.repo_id, "stage": "crawl", "error": kind, "hint": hint})
        self.count("dead", 1)

    def count(self, what: str, number: int) -> None:
        self.shard.counts[what] += number
        self.shard.counts["in"] += number

    def write(self) -> None:
        """Write the tables of the task, and a copy of its files sorted by content for the later steps."""
        files = pa.concat_tables([table_of("files", []), *self.finished])
        self.shard.write_table("repos", self.repos)
        self.shard.write_table("files", files)
        self.shard.write_table("dead_letters", self.dead, f"crawl-{self.shard.task.name}")
        read = files.filter(pc.is_valid(files.column("blob_id")))
        names = pa.array([_name(path) for path in read.column("path").to_pylist()], pa.string())
        table = read.append_column("name", names).select(OCCURRENCES.names).cast(OCCURRENCES)
        self.shard.write_data(table, "blob_id", "file_id", kind="files")
        self.count("kept", read.num_rows)
        self.count("rejected", files.num_rows - read.num_rows)
        self.runs.spill_shared()
        self.shard.notes["content_bytes"] = self.runs.content_bytes
        note_kept(self.shard, self.kept)
        note_lines(self.shard, self.lines)
        self.shard.notes["repositories"] = sum(r["status"] == "read" for r in self.repos)


def _name(path: str) -> str:
    """The base name, with its folder where that is what makes the file a licence text, as in LICENSES/MIT.txt."""
    base = path.rsplit("/", 1)[-1]
    return base if license_role(path) == license_role(base) else "/".join(path.rsplit("/", 2)[-2:])
