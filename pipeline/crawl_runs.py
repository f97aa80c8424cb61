"""The contents that one task of the crawl has read, in sorted runs on disk, so that memory stays flat.

In: contents, source by source. Out: files sorted by content id. A source that fails half-way must leave nothing behind,
so what is read of it is held apart until its end. Then it shares runs with those before it: later steps open every run
for every task, which costs 2 ms each time, so their number has to go by bytes and tasks and not by sources. A source
with more than `SPILL_BYTES` has runs of its own. No more than `SPILL_BYTES` are in memory.
"""

from pathlib import Path

import pyarrow as pa

from gleanery.pipeline.exchange import write_sorted
from gleanery.pipeline.shard import Shard
from gleanery.records.files import link_file
from gleanery.records.parquet import Written

SPILL_BYTES = 64 << 20
RAW = pa.schema([("blob_id", pa.string()), ("content", pa.large_binary())])
_Contents = list[tuple[str, bytes]]


class Runs:
    """The runs of one task. `content_bytes`: of all sources that ended, each content once for each of them."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard
        self.content_bytes = 0
        self._shared: _Contents = []
        self._shared_bytes = self._number = 0
        self._begin()

    def _begin(self) -> None:
        self._held: _Contents = []
        self._held_bytes = self._spilled_bytes = 0
        self._seen: set[str] = set()
        self._own: list[Path] = []

    def add(self, repo_id: str, blob: str, content: bytes) -> None:
        """Take a content of the source that is being read; one that occurred in it before is passed over."""
        if blob in self._seen:
            return
        self._seen.add(blob)
        self._held.append((blob, content))
        self._held_bytes += len(content)
        if self._held_bytes + self._shared_bytes >= SPILL_BYTES:
            self.spill_shared()
        if self._held_bytes >= SPILL_BYTES:
            self._spill_own(repo_id)

    def take(self, own: tuple[tuple[Path, Written], ...], content_bytes: int) -> None:
        """Take the runs that a source had of its own when it was read before."""
        self._spilled_bytes += content_bytes
        for path, written in own:
            target = self._shard.data(path.name)
            link_file(path, target)
            self._shard.wrote(target, written)
            self._own.append(target)

    def end(self, repo_id: str) -> str:
        """Take what was read of a source as read to its end. Returns the name of the run that it shares, if any."""
        self.content_bytes += self._held_bytes + self._spilled_bytes
        shares = ""
        if self._own and self._held:
            self._spill_own(repo_id)
        elif self._held:
            shares = self._shared_run().name
            self._shared += self._held
            self._shared_bytes += self._held_bytes
        self._begin()
        return shares

    def drop(self) -> None:
        """Forget everything of a source that failed half-way."""
        for path in self._own:
            del self._shard.outputs[path.relative_to(self._shard.root).as_posix()]
            path.unlink()
        self._begin()

    def spill_shared(self) -> None:
        """Write what sources share that have ended."""
        if self._shared:
            self._write(self._shared_run(), self._shared)
            self._shared, self._shared_bytes = [], 0
            self._number += 1

    def _shared_run(self) -> Path:
        return self._shard.data(f"{self._shard.task.name}.{self._number:04d}.blobs.parquet")

    def _spill_own(self, repo_id: str) -> None:
        path = self._shard.data(f"{repo_id}.{len(self._own):04d}.blobs.parquet")
        self._write(path, self._held)
        self._own.append(path)
        self._spilled_bytes += self._held_bytes
        self._held, self._held_bytes = [], 0

    def _write(self, path: Path, contents: _Contents) -> None:
        table = pa.table([[blob for blob, _ in contents], [content for _, content in contents]], schema=RAW)
        # Copies are equal in every column, so the order is total.
        self._shard.wrote(path, write_sorted(path, table, "blob_id"))
