"""Writing the document store: rows of `documents` become tokens on disk, once.

In: rows of the table `documents`, and a tokenizer. Out: token files (payload only, little-endian), their index and the
table `docs`, of which finishing.py makes one store. What the steps cost is in docs/reference/shards.md.

No control token is ever stored: where a document begins and ends stands in the index, never in the tokens. Each
document is decoded as it is written and must give its text again, else it becomes a dead letter.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from gleanery.records.errors import RejectRecord, StopRun
from gleanery.records.files import atomic_file, write_bytes
from gleanery.records.ids import keyed_hash
from gleanery.records.parquet import ROW_GROUP_ROWS, write_groups
from gleanery.records.tables import TABLES
from gleanery.shards.index import BLOCK_BYTES, BLOCK_COLUMNS, DOCUMENT_COLUMNS, write_columns
from gleanery.shards.layout import (
    COMPRESSIONS,
    docs_file,
    index_file,
    names_file,
    spans_file,
    tokens_file,
)
from gleanery.shards.names import names_bytes
from gleanery.shards.tokenizer import Tokenizer

DOCS = TABLES["docs"].schema
# Documents go to the tokenizer in batches of about this much text: enough for its threads, little for memory.
BATCH_CHARACTERS = 4 << 20
BATCH_DOCUMENTS = 1024
COPIED = ("file_id", "repo_id", "repo", "path", "blob_id", "license", "language")
# The most tokens of a document: a number of 32 bits in the index.
MOST_TOKENS = (1 << 32) - 1
FindSpans = Callable[[Mapping[str, object]], NDArray[np.uint32]]
IsPersonal = Callable[[str], bool]


@dataclass(frozen=True)
class PartSummary:
    """What `write_part` did: docs_in = docs_kept + len(dead).

    dead          file_id of each document that was not stored
    dead_codes    the class of error of each: not_unicode, control_token_in_text, not_exact or digest_differs
    tokens        tokens stored
    sha256        SHA-256 of the token file
    hidden_names  paths, and names of repositories, that got no tokens because they are personal
    """

    docs_in: int
    docs_kept: int
    dead: tuple[str, ...]
    dead_codes: tuple[str, ...]
    tokens: int
    sha256: str
    hidden_names: int


def write_part(
    root: Path,
    part: int,
    parts: int,
    rows: Iterable[Mapping[str, object]],
    tokenizer: Tokenizer,
    compression: str = "none",
    spans: FindSpans | None = None,
    is_personal: IsPersonal | None = None,
) -> PartSummary:
    """Write one part from rows of `documents`, in their order; all its files appear whole or not at all.

    Ordinals begin at 0 in each part until `finishing.finish` counts them through. A document whose text cannot be
    stored exactly is left out and listed in the summary. Holds one batch of texts and one block of tokens in memory.

    compression  "none"; or "lz4" or "zstd" for a third or a quarter of the bytes: a loader then needs scratch space,
                 and pyarrow
    spans        gives for a row the spans of its text, uint32[n, 2]: first byte and end; see spans.py
    is_personal  whether a path or the name of a repository holds what a text may not hold; it then gets no tokens
    """
    if compression not in COMPRESSIONS:
        raise StopRun(f"there is no compression {compression!r}", f"choose one of {', '.join(COMPRESSIONS)}")
    writing = _Writing(tokens_file(part, parts), tokenizer, compression, spans, is_personal)
    with atomic_file(root / writing.shard) as out:
        write_groups(root / docs_file(part, parts), DOCS, _grouped(writing.tables(rows, out)))
        writing.close_block(out)
    write_bytes(root / index_file(part, parts), writing.index())
    write_bytes(root / names_file(part, parts), names_bytes(writing.paths, writing.units, tokenizer.dtype))
    if spans is not None:
        write_bytes(root / spans_file(part, parts), writing.spans_bytes())
    return PartSummary(
        docs_in=writing.docs_in,
        docs_kept=writing.docs_kept,
        dead=tuple(file_id for file_id, _ in writing.dead),
        dead_codes=tuple(code for _, code in writing.dead),
        tokens=writing.tokens,
        sha256=writing.digest.hexdigest(),
        hidden_names=writing.hidden_names,
    )


class _Writing:
    """The running state of one part."""

    def __init__(
        self,
        shard: str,
        tokenizer: Tokenizer,
        compression: str,
        spans: FindSpans | None,
        is_personal: IsPersonal | None,
    ) -> None:
        self.shard, self.tokenizer, self.find_spans, self.is_personal = shard, tokenizer, spans, is_personal
        codec = COMPRESSIONS[compression]
        self.codec = None if codec is None else pa.Codec(codec[0], compression_level=codec[1])
        self.docs_in = self.docs_kept = self.tokens = self.hidden_names = 0
        self.dead: list[tuple[str, str]] = []
        self.digest = hashlib.sha256()
        self.documents: dict[str, list[int]] = {name: [] for name, _ in DOCUMENT_COLUMNS}
        self.blocks: dict[str, list[int]] = {name: [] for name, _ in BLOCK_COLUMNS}
        self.languages: list[str] = []
        self.spans: list[NDArray[np.uint32]] = []
        self.paths: list[NDArray[Any]] = []
        self.units: list[NDArray[Any]] = []
        self._block: list[bytes] = []
        self._held = 0
        self._compared = False

    def tables(self, rows: Iterable[Mapping[str, object]], out: BinaryIO) -> Iterator[pa.Table]:
        """Rows of `docs`, batch by batch; the tokens go to `out` on the way."""
        for batch in _batches(rows):
            self.docs_in += len(batch)
            kept = []
            for row, ids in zip(batch, self._encode(batch), strict=True):
                if isinstance(ids, RejectRecord):
                    self.dead.append((str(row["file_id"]), ids.code))
                    continue
                kept.append(self._doc(row, ids))
                self._block.append(ids.tobytes())
                self._held += len(self._block[-1])
                if self._held >= BLOCK_BYTES:
                    self.close_block(out)
            self._name(kept)
            yield pa.Table.from_pylist(kept, schema=DOCS)

    def close_block(self, out: BinaryIO) -> None:
        """Write what is held as one block of whole documents."""
        if not self._block:
            return
        raw = b"".join(self._block)
        stored = raw if self.codec is None else self.codec.compress(raw, asbytes=True)
        self.digest.update(stored)
        out.write(stored)
        for name, value in zip(
            self.blocks, (len(self._block), len(stored), xxhash.xxh3_64_intdigest(stored)), strict=True
        ):
            self.blocks[name].append(value)
        self._block, self._held = [], 0

    def index(self) -> bytes:
        """The bytes of the part's index, with the names of its languages behind it in `docs`."""
        columns = [(kind, self.documents[name]) for name, kind in DOCUMENT_COLUMNS]
        return write_columns(columns + [(kind, self.blocks[name]) for name, kind in BLOCK_COLUMNS])

    def spans_bytes(self) -> bytes:
        """Spans of each document, and all spans: uint32 counts, then begins, then ends."""
        table = np.concatenate([np.empty((0, 2), np.uint32), *self.spans])
        counts = [len(spans) for spans in self.spans]
        return write_columns([("<u4", counts), ("<u4", table[:, 0]), ("<u4", table[:, 1])])

    def _name(self, docs: Sequence[Mapping[str, Any]]) -> None:
        """The tokens of each path, and of the name of each repository that begins here."""
        self.paths += self._encode_names([str(doc["path"]) for doc in docs], "\n")
        begun, repos = [], self.documents["repo"]
        for number, doc in enumerate(docs, len(repos) - len(docs)):
            if number == 0 or repos[number] != repos[number - 1]:
                begun.append(str(doc["repo"]))
        self.units += self._encode_names(begun)

    def _encode_names(self, names: Sequence[str], end: str = "") -> list[NDArray[Any]]:
        """The tokens of names with `end` behind each; none for one that is personal, or that the tokenizer does not
        give back."""
        nothing, tokenizer = np.empty(0, self.tokenizer.dtype), self.tokenizer
        hidden = [self.is_personal is not None and self.is_personal(name) for name in names]
        self.hidden_names += sum(hidden)
        found: list[NDArray[Any]] = []
        whole = [name + end for name in names]
        for name, ids, is_hidden in zip(whole, self._tried(whole), hidden, strict=True):
            if is_hidden or isinstance(ids, RejectRecord) or tokenizer.table.control[ids].any():
                found.append(nothing)
            else:
                found.append(ids if tokenizer.decode_bytes(ids) == name.encode("utf-8") else nothing)
        return found

    def _tried(self, texts: Sequence[str]) -> list[NDArray[Any] | RejectRecord]:
        """The ids of each text, or why it has none. The first of each part is compared with the reference."""
        try:
            found = self.tokenizer.encode(texts, compare_first=not self._compared)
            self._compared = self._compared or bool(texts)
            return list(found)
        except RejectRecord as error:  # one of them cannot be encoded: find out which
            return [error] if len(texts) == 1 else [found for text in texts for found in self._tried([text])]

    def _doc(self, row: Mapping[str, object], ids: NDArray[Any]) -> dict[str, object]:
        raw = str(row["text"]).encode("utf-8")
        digest, language = hashlib.sha256(raw).hexdigest(), str(row["language"] or "")
        doc = {name: row[name] for name in COPIED}
        doc |= {"ordinal": self.docs_kept, "shard": self.shard, "start": self.tokens, "tokens": len(ids)}
        doc |= {"bytes": len(raw), "text_sha256": digest}
        doc |= {"ordered_by": row.get("ordered_by") or "path", "missing": row.get("missing") or []}
        if language not in self.languages:
            self.languages.append(language)
        place = (
            int(digest[:16], 16),
            keyed_hash("repo", str(row["repo_id"])),
            len(ids),
            self.languages.index(language),
        )
        for name, value in zip(self.documents, place, strict=True):
            self.documents[name].append(value)
        if self.find_spans is not None:
            self.spans.append(_checked_spans(self.find_spans(row), raw))
        self.docs_kept += 1
        self.tokens += len(ids)
        return doc

    def _encode(self, batch: Sequence[Mapping[str, object]]) -> list[NDArray[Any] | RejectRecord]:
        texts = [str(row["text"]) for row in batch]
        found = zip(batch, texts, self._tried(texts), strict=True)
        return [_exact(self.tokenizer, row, text, ids) for row, text, ids in found]


def _exact(
    tokenizer: Tokenizer, row: Mapping[str, object], text: str, ids: NDArray[Any] | RejectRecord
) -> NDArray[Any] | RejectRecord:
    """The ids, if they give the text again and the text is the one that the row names; else why not."""
    if isinstance(ids, RejectRecord):
        return ids
    raw = text.encode("utf-8")
    if tokenizer.decode_bytes(ids) != raw or len(ids) > MOST_TOKENS:
        return RejectRecord("decoding does not give the text again", code="not_exact")
    if tokenizer.table.control[ids].any():
        return RejectRecord("a text was encoded to a control token", code="control_token_in_text")
    if row.get("text_sha256") not in (None, hashlib.sha256(raw).hexdigest()):
        return RejectRecord("the text is not the one that its digest names", code="digest_differs")
    return ids


def _checked_spans(spans: NDArray[np.uint32], raw: bytes) -> NDArray[np.uint32]:
    """Spans inside the text that begin and end between characters, in their order."""
    table = np.asarray(spans, np.uint32).reshape(-1, 2)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    if len(table) and (int(table.max()) > len(raw) or (table[:, 0] >= table[:, 1]).any()):
        raise ValueError("a span lies outside its text")
    starts = np.append(np.frombuffer(raw, np.uint8) & 0xC0 != 0x80, True)
    whole: NDArray[np.uint32] = table[starts[table].all(axis=1)]
    return whole


def _batches(rows: Iterable[Mapping[str, object]]) -> Iterator[list[Mapping[str, object]]]:
    batch: list[Mapping[str, object]] = []
    held = 0
    for row in rows:
        batch.append(row)
        held += len(str(row["text"]))
        if held >= BATCH_CHARACTERS or len(batch) >= BATCH_DOCUMENTS:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _grouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in groups of exactly ROW_GROUP_ROWS, so that the file does not depend on the batches."""
    held = DOCS.empty_table()
    for table in tables:
        held = pa.concat_tables([held, table])
        while held.num_rows >= ROW_GROUP_ROWS:
            yield held.slice(0, ROW_GROUP_ROWS).combine_chunks()
            held = held.slice(ROW_GROUP_ROWS)
    yield held.combine_chunks()
