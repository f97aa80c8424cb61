"""The document store: tokens of whole documents, written once and read by memory map.

In: rows of the table `documents`. Out: token files (payload only, little-endian), the table `docs`, `store.json`; and
`Store`, which gives any document's tokens or text back. Opening costs the index alone, 28 bytes of memory for each
document; a document's tokens are a view of the map. What the steps cost is in docs/reference/shards.md.

No control token is ever stored: where a document begins and ends stands in `docs`, never in the tokens. Each document
is decoded as it is written and must give its text again, else it becomes a dead letter.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gleanery.records.errors import RejectRecord, StopRun
from gleanery.records.parquet import ROW_GROUP_ROWS, atomic_file, describe, write_bytes, write_groups
from gleanery.records.tables import TABLES
from gleanery.shards.layout import (
    FORMAT,
    TOKENIZER_FILE,
    Shard,
    StoreFile,
    docs_file,
    read_store_file,
    tokens_file,
    write_store_file,
)
from gleanery.shards.tokenizer import Tokenizer

DOCS = TABLES["docs"].schema
# Documents go to the tokenizer in batches of about this much text: enough for its threads, little for memory.
BATCH_CHARACTERS = 4 << 20
BATCH_DOCUMENTS = 1024
COPIED = ("file_id", "repo_id", "repo", "path", "blob_id", "license", "language")


@dataclass(frozen=True)
class PartSummary:
    """What `write_part` did: docs_in = docs_kept + len(dead).

    dead        file_id of each document that was not stored
    dead_codes  the class of error of each: not_unicode, control_token_in_text, not_exact or digest_differs
    tokens      tokens stored
    sha256      SHA-256 of the token file
    """

    docs_in: int
    docs_kept: int
    dead: tuple[str, ...]
    dead_codes: tuple[str, ...]
    tokens: int
    sha256: str


def write_part(
    root: Path, part: int, parts: int, rows: Iterable[Mapping[str, object]], tokenizer: Tokenizer
) -> PartSummary:
    """Write one part from rows of `documents`, in their order; both files appear whole or not at all.

    Ordinals begin at 0 in each part until `finish` counts them through. A document whose text cannot be stored exactly
    is left out and listed in the summary. Holds one batch of texts in memory.
    """
    writing = _Writing(tokens_file(part, parts), tokenizer)
    path = root / writing.shard
    with atomic_file(path) as out:
        write_groups(root / docs_file(part, parts), DOCS, _grouped(writing.tables(rows, out)))
    return PartSummary(
        docs_in=writing.docs_in,
        docs_kept=writing.docs_kept,
        dead=tuple(file_id for file_id, _ in writing.dead),
        dead_codes=tuple(code for _, code in writing.dead),
        tokens=writing.tokens,
        sha256=writing.digest.hexdigest(),
    )


def finish(root: Path, parts: int, tokenizer: Tokenizer) -> None:
    """Count the ordinals through all parts and write `tokenizer.json` and `store.json`. May be run again.

    Raises StopRun if a part is missing, or its index does not fit its tokens.
    """
    shards: list[Shard] = []
    for part in range(parts):
        first = sum(shard.documents for shard in shards)
        shards.append(_finish_part(root, part, parts, first, tokenizer.dtype.itemsize))
    write_bytes(root / TOKENIZER_FILE, tokenizer.json)
    names, ids = tokenizer.sentinels, tokenizer.control_ids
    store = StoreFile(
        format=FORMAT,
        dtype="uint16" if tokenizer.dtype.itemsize == 2 else "uint32",
        vocab_size=tokenizer.vocab_size,
        tokenizer_sha256=tokenizer.sha256,
        pre_tokenizer=tokenizer.rule,
        fim_cuts="character" if tokenizer.exact_cuts else "token",
        sentinels={role: (names[role], ids[role]) for role in names},
        documents=sum(shard.documents for shard in shards),
        tokens=sum(shard.tokens for shard in shards),
        shards=tuple(shards),
    )
    write_store_file(root, store)


@dataclass(frozen=True)
class Index:
    """Where each document lies, by ordinal.

    shard   int32, number of its shard
    start   int64, its first token in that shard
    length  int64, its tokens
    key     uint64, the first 64 bits of text_sha256: what its choices in the loader depend on
    """

    shard: NDArray[np.int32]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    key: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.length)


class Store:
    """A finished release, opened for reading. Needs numpy and pyarrow; tokens stay on disk until they are touched."""

    @classmethod
    def open(cls, root: Path) -> "Store":
        """Open the release in a folder. Raises StopRun if something is missing or does not fit together.

        Sizes and the index are checked here; contents are checked by `verify`.
        """
        root = Path(root)
        description, content = read_store_file(root)
        return cls(root, description, hashlib.sha256(content).hexdigest())

    def __init__(self, root: Path, description: StoreFile, release: str) -> None:
        self.root = root
        self.description = description
        self.release = release  # SHA-256 of store.json: the release's name among others
        self.dtype = np.dtype("<u2" if description.dtype == "uint16" else "<u4")
        self.n_tokens = description.tokens
        self.payload = [_payload(root, shard, self.dtype) for shard in description.shards]
        self.docs = _index(root, description.shards)

    def __len__(self) -> int:
        return len(self.docs)

    def tokens(self, ordinal: int) -> NDArray[Any]:
        """The tokens of a document, a read-only view of the map. Raises IndexError for an ordinal out of range."""
        if not 0 <= ordinal < len(self.docs):
            raise IndexError(f"document {ordinal} of {len(self.docs)}")
        start = int(self.docs.start[ordinal])
        shard: NDArray[Any] = self.payload[self.docs.shard[ordinal]]
        return shard[start : start + int(self.docs.length[ordinal])]

    def text(self, ordinal: int) -> str:
        """The text of a document, exactly as it was stored."""
        return self.tokenizer.decode(self.tokens(ordinal))

    def document(self, ordinal: int) -> dict[str, Any]:
        """The row of `docs` for one document: file_id, repo, path, license, and so on. Reads one row group."""
        if not 0 <= ordinal < len(self.docs):
            raise IndexError(f"document {ordinal} of {len(self.docs)}")
        shard = int(self.docs.shard[ordinal])
        row = ordinal - int(np.searchsorted(self.docs.shard, shard))
        with pq.ParquetFile(self.root / self.description.shards[shard].docs_file) as file:
            group = file.read_row_group(row // ROW_GROUP_ROWS, use_threads=False)
        found: dict[str, Any] = group.slice(row % ROW_GROUP_ROWS, 1).to_pylist()[0]
        return found

    def file_ids(self) -> pa.ChunkedArray:
        """The file_id of every document, by ordinal."""
        parts = [_column(self.root, shard, "file_id") for shard in self.description.shards]
        return pa.chunked_array([c for part in parts for c in part.chunks], type=pa.string())

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The release's tokenizer. Raises StopRun if it is not the one that `store.json` names."""
        path = self.root / TOKENIZER_FILE
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != self.description.tokenizer_sha256:
            raise StopRun(f"{TOKENIZER_FILE} is not the tokenizer of this release", "fetch the release again")
        names = {role: name for role, (name, _) in self.description.sentinels.items()}
        tokenizer = Tokenizer.load(content, names)
        ids = {role: i for role, (_, i) in self.description.sentinels.items()}
        if (tokenizer.control_ids, tokenizer.vocab_size) != (ids, self.description.vocab_size):
            raise StopRun("store.json gives other control ids than the tokenizer", "fetch the release again")
        return tokenizer

    def verify(self) -> None:
        """Read every byte: digests of all files, and no control token in the payload.

        Raises StopRun at the first fault, naming the file. Ran at 540 MB/s of tokens on one busy core.
        """
        control = self.tokenizer.table.control
        for shard, payload in zip(self.description.shards, self.payload, strict=True):
            for name, digest in ((shard.tokens_file, shard.tokens_sha256), (shard.docs_file, shard.docs_sha256)):
                if describe(self.root / name, 0).sha256 != digest:
                    raise StopRun(f"{name} was changed after it was written", "fetch this file again")
            for at in range(0, len(payload), 1 << 20):
                block = payload[at : at + (1 << 20)]
                if int(block.max()) >= len(control) or control[block].any():
                    raise StopRun(f"{shard.tokens_file} holds a control token", "do not train on this release")


class _Writing:
    """The running state of one part."""

    def __init__(self, shard: str, tokenizer: Tokenizer) -> None:
        self.shard, self.tokenizer = shard, tokenizer
        self.docs_in = self.docs_kept = self.tokens = 0
        self.dead: list[tuple[str, str]] = []
        self.digest = hashlib.sha256()

    def tables(self, rows: Iterable[Mapping[str, object]], out: BinaryIO) -> Iterator[pa.Table]:
        """Rows of `docs`, batch by batch; the tokens go to `out` on the way."""
        for batch in _batches(rows):
            self.docs_in += len(batch)
            kept = []
            for row, ids in zip(batch, self._encode(batch), strict=True):
                if isinstance(ids, RejectRecord):
                    self.dead.append((str(row["file_id"]), ids.code))
                    continue
                kept.append(self._doc(row, len(ids)))
                block = ids.tobytes()
                self.digest.update(block)
                out.write(block)
            yield pa.Table.from_pylist(kept, schema=DOCS)

    def _doc(self, row: Mapping[str, object], count: int) -> dict[str, object]:
        raw = str(row["text"]).encode("utf-8")
        doc = {name: row[name] for name in COPIED}
        doc |= {"ordinal": self.docs_kept, "shard": self.shard, "start": self.tokens, "tokens": count}
        doc |= {"bytes": len(raw), "text_sha256": hashlib.sha256(raw).hexdigest()}
        self.docs_kept += 1
        self.tokens += count
        return doc

    def _encode(self, batch: Sequence[Mapping[str, object]]) -> list[NDArray[Any] | RejectRecord]:
        texts = [str(row["text"]) for row in batch]
        try:
            found = self.tokenizer.encode(texts)
        except RejectRecord:  # one text of the batch cannot be encoded: find out which
            return [_exact(self.tokenizer, row, text, None) for row, text in zip(batch, texts, strict=True)]
        return [_exact(self.tokenizer, row, text, ids) for row, text, ids in zip(batch, texts, found, strict=True)]


def _exact(
    tokenizer: Tokenizer, row: Mapping[str, object], text: str, ids: NDArray[Any] | None
) -> NDArray[Any] | RejectRecord:
    """The ids, if they give the text again and the text is the one that the row names; else why not."""
    try:
        ids = tokenizer.encode([text])[0] if ids is None else ids
    except RejectRecord as error:
        return error
    raw = text.encode("utf-8")
    if tokenizer.decode_bytes(ids) != raw:
        return RejectRecord("decoding does not give the text again", code="not_exact")
    if row.get("text_sha256") not in (None, hashlib.sha256(raw).hexdigest()):
        return RejectRecord("the text is not the one that its digest names", code="digest_differs")
    return ids


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


def _finish_part(root: Path, part: int, parts: int, first: int, width: int) -> Shard:
    names = tokens_file(part, parts), docs_file(part, parts)
    for name in names:
        if not (root / name).is_file():
            raise StopRun(f"{name} is missing", "write every part before the release is finished")
    tokens, docs = root / names[0], root / names[1]
    with pq.ParquetFile(docs) as file:
        rows = file.metadata.num_rows
        groups = (file.read_row_group(g, use_threads=False) for g in range(file.num_row_groups))
        written = write_groups(docs, DOCS, _numbered(groups, first))
    count = tokens.stat().st_size // width
    index = pq.read_table(docs, columns=["start", "tokens"], use_threads=False)
    _check_index(names[1], _numbers(index, "start"), _numbers(index, "tokens"), count)
    return Shard(names[0], names[1], rows, count, describe(tokens, 0).sha256, written.sha256)


def _numbered(groups: Iterable[pa.Table], first: int) -> Iterator[pa.Table]:
    for group in groups:
        column = pa.array(np.arange(first, first + group.num_rows), type=pa.int64())
        yield group.set_column(group.schema.get_field_index("ordinal"), DOCS.field("ordinal"), column)
        first += group.num_rows


def _check_index(name: str, start: NDArray[np.int64], length: NDArray[np.int64], tokens: int) -> None:
    """Documents must follow each other without a gap and end with the file."""
    ends = np.cumsum(length)
    if (
        (length < 0).any()
        or (length > tokens).any()
        or (start != ends - length).any()
        or (int(ends[-1]) if len(ends) else 0) != tokens
    ):
        raise StopRun(f"{name} does not fit its tokens", "write this part again, or fetch it again")


def _payload(root: Path, shard: Shard, dtype: np.dtype[Any]) -> NDArray[Any]:
    path = root / shard.tokens_file
    if not path.is_file() or path.stat().st_size != shard.tokens * dtype.itemsize:
        raise StopRun(f"{shard.tokens_file} is missing or has another size", "fetch this file again")
    if shard.tokens == 0:
        return np.empty(0, dtype)
    return np.memmap(path, dtype=dtype, mode="r").view(np.ndarray)  # slices of a plain view cost a tenth


def _index(root: Path, shards: Sequence[Shard]) -> Index:
    parts: list[tuple[NDArray[Any], ...]] = []
    for number, shard in enumerate(shards):
        start, length = (_numbers_of(root, shard, name) for name in ("start", "tokens"))
        _check_index(shard.docs_file, start, length, shard.tokens)
        if len(start) != shard.documents:
            raise StopRun(f"{shard.docs_file} has another number of rows", "fetch this file again")
        keys = _keys(_column(root, shard, "text_sha256"))
        parts.append((np.full(len(start), number, np.int32), start, length, keys))
    columns = [np.concatenate(c) for c in zip(*parts, strict=True)] if parts else [np.empty(0, np.int64)] * 4
    return Index(columns[0].astype(np.int32), columns[1], columns[2], columns[3].astype(np.uint64))


def _column(root: Path, shard: Shard, name: str) -> pa.ChunkedArray:
    path = root / shard.docs_file
    try:
        return pq.read_table(path, columns=[name], use_threads=False).column(name)
    except (OSError, KeyError, pa.ArrowException) as error:
        raise StopRun(f"{shard.docs_file} cannot be read", "fetch this file again") from error


def _numbers_of(root: Path, shard: Shard, name: str) -> NDArray[np.int64]:
    found: NDArray[np.int64] = _column(root, shard, name).to_numpy().astype(np.int64)
    return found


def _numbers(table: pa.Table, name: str) -> NDArray[np.int64]:
    found: NDArray[np.int64] = table.column(name).to_numpy().astype(np.int64)
    return found


def _keys(digests: pa.ChunkedArray) -> NDArray[np.uint64]:
    """The first 16 hexadecimal digits of each digest, as numbers."""
    heads = pc.utf8_slice_codeunits(digests, 0, 16).to_pylist()
    try:
        keys = np.frombuffer(bytes.fromhex("".join(heads)), dtype=">u8").astype(np.uint64)
    except (TypeError, ValueError) as error:
        raise StopRun("the index holds a digest that is none", "fetch the release again") from error
    if len(keys) != len(heads):
        raise StopRun("the index holds a digest that is none", "fetch the release again")
    return keys
