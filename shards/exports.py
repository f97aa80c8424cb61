"""Exports: the same tokens in the forms that other trainers read.

In: the folder of a finished release. Out: a new folder, whole or absent. datatrove is imported here and nowhere else
in the room. An export leaves out what a removal list names, from its notices too, and says what it is
(export_notes.py). It is a copy and knows nothing of later removals: make it anew after each.

`to_datatrove`, `to_megatron` and `to_safetensors` write whole documents, each with the end of text behind it, for
trainers that cut rows themselves. `fim_parquet` writes one epoch of the loader's rows, fill-in-the-middle and all, for
trainers that take rows as they are. All of them stream: memory does not grow with the release. Whole documents need no
scratch space; rows of a compressed release need 2 or 4 bytes for each token, since their documents stand in any order.
"""

import json
import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.records.files import atomic_file, write_bytes
from gleanery.records.parquet import write_groups
from gleanery.shards.batch import Batch
from gleanery.shards.export_notes import Notices, write_notes
from gleanery.shards.layout import TOKENIZER_FILE, part_name
from gleanery.shards.loader import Loader
from gleanery.shards.masking import NOTHING_REMOVED, Removed
from gleanery.shards.store import Store

# Megatron's `.idx`: its magic word, version, and the codes that it gives to types of numbers.
MEGATRON_MAGIC, MEGATRON_VERSION = b"MMIDIDX\x00\x00", 1
MEGATRON_TYPES = {"<u2": 8, "<i4": 4}
MEGATRON_NAME = "release_text_document"
SAFETENSORS_ALIGNMENT = 64
SAFETENSORS_TYPES = {2: "U16", 4: "U32"}
# The most rows of a group, and the most positions, each of which takes some 60 bytes while the group is written.
ROWS_PER_GROUP, POSITIONS_PER_GROUP = 256, 256 * 2048
GROUPS_PER_FILE = 64

ROWS = pa.schema(
    [
        pa.field("input_ids", pa.list_(pa.int32()), nullable=False),
        pa.field("labels", pa.list_(pa.int32()), nullable=False),
        pa.field("position_ids", pa.list_(pa.int32()), nullable=False),
        pa.field("seq_lengths", pa.list_(pa.int32()), nullable=False),
        pa.field("file_ids", pa.list_(pa.string()), nullable=False),
        pa.field("offsets", pa.list_(pa.int64()), nullable=False),
        pa.field("forms", pa.list_(pa.int8()), nullable=False),
        pa.field("starts", pa.list_(pa.int32()), nullable=False),
    ]
)


def to_datatrove(root: Path, out: Path, removed: Removed = NOTHING_REMOVED, notices: Notices | None = None) -> None:
    """datatrove's tokenised folder: for each part a `.ds` file with its `.index` and `.metadata`, and the tokenizer.

    Documents stand in the order of the release, each followed by the end of text, which is what datatrove's and
    nanotron's readers expect. Raises StopRun if `out` exists.
    """
    from datatrove.pipeline.tokens.tokenizer import TokenizedFile

    store = Store.open(Path(root))
    left = _left(store, removed)
    with _new_folder(Path(out)) as folder:
        write_bytes(folder / TOKENIZER_FILE, store.tokenizer.json)
        for shard in range(len(store.description.shards)):
            file = TokenizedFile(
                str(folder),
                f"{shard:05d}_tokens.ds",
                tokenizer_name_or_path=TOKENIZER_FILE,
                save_final_metadata=True,
                token_size=store.dtype.itemsize,
            )
            for tokens in _ended(store, left, store.documents_of(shard)):
                file.write_bytes(tokens)
            file.close()
        write_notes(folder, Path(root), store, "datatrove", removed, notices)


def to_megatron(root: Path, out: Path, removed: Removed = NOTHING_REMOVED, notices: Notices | None = None) -> None:
    """Megatron's indexed data set, `release_text_document.bin` and `.idx`, and the tokenizer.

    Documents stand in the order of the release, each with the end of text as its last token (`--append-eod`). Pass
    OUT/release_text_document as the data path. Raises StopRun if `out` exists.
    """
    store = Store.open(Path(root))
    dtype = np.dtype("<u2") if store.dtype.itemsize == 2 else np.dtype("<i4")  # ids are under 2 ** 31
    left = _left(store, removed)
    lengths = (store.docs.length[np.flatnonzero(left)] + 1).astype(np.int32)
    count = len(lengths)
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)[:-1]]) * dtype.itemsize if count else np.empty(0)
    head = struct.pack("<QBQQ", MEGATRON_VERSION, MEGATRON_TYPES[dtype.str], count, count + 1)
    tables = (lengths, starts.astype(np.int64), np.arange(count + 1, dtype=np.int64))
    with _new_folder(Path(out)) as folder:
        write_bytes(folder / TOKENIZER_FILE, store.tokenizer.json)
        with atomic_file(folder / f"{MEGATRON_NAME}.bin") as file:
            for tokens in _ended(store, left):
                file.write(tokens)
        write_bytes(folder / f"{MEGATRON_NAME}.idx", MEGATRON_MAGIC + head + b"".join(t.tobytes() for t in tables))
        write_notes(folder, Path(root), store, "megatron", removed, notices)


def to_safetensors(root: Path, out: Path, removed: Removed = NOTHING_REMOVED, notices: Notices | None = None) -> None:
    """A `.safetensors` file for each part, and the tokenizer: any framework opens them by memory map.

    tokens  U16 or U32, the documents one after the other, each with the end of text behind it
    bounds  I64, document i of the file is tokens[bounds[i] : bounds[i + 1]]; a removed one has no tokens

    The metadata names the release and the ordinal of the file's first document. Raises StopRun if `out` exists.
    """
    store = Store.open(Path(root))
    left = _left(store, removed)
    with _new_folder(Path(out)) as folder:
        write_bytes(folder / TOKENIZER_FILE, store.tokenizer.json)
        for shard in range(len(store.description.shards)):
            chosen = store.documents_of(shard)
            sizes = np.where(left[chosen], store.docs.length[chosen] + 1, 0)
            bounds = np.concatenate([[0], np.cumsum(sizes)]).astype("<i8")
            first = chosen.start if len(sizes) else 0
            with atomic_file(folder / f"{part_name(shard, len(store.description.shards))}.safetensors") as file:
                file.write(_safetensors_head(store, bounds, first))
                file.write(bounds.tobytes())
                for tokens in _ended(store, left, chosen):
                    file.write(tokens)
        write_notes(folder, Path(root), store, "safetensors", removed, notices)


def _safetensors_head(store: Store, bounds: NDArray[np.int64], first: int) -> bytes:
    """The header: sorted keys, padded with spaces so that the numbers behind it are aligned."""
    tokens, width = int(bounds[-1]), store.dtype.itemsize
    size = bounds.nbytes
    value = {
        "__metadata__": {"release": store.release, "ordinal": str(first)},
        "bounds": {"dtype": "I64", "shape": [len(bounds)], "data_offsets": [0, size]},
        "tokens": {
            "dtype": SAFETENSORS_TYPES[width],
            "shape": [tokens],
            "data_offsets": [size, size + tokens * width],
        },
    }
    text = json.dumps(value, sort_keys=True).encode("ascii")
    text += b" " * (-(len(text) + 8) % SAFETENSORS_ALIGNMENT)
    return struct.pack("<Q", len(text)) + text


def _left(store: Store, removed: Removed) -> NDArray[np.bool_]:
    """bool[documents], true for those that no removal list names. Raises StopRun for the list of another release."""
    return ~removed.mask(store.release, len(store), len(removed.ordinals))


def _ended(store: Store, left: NDArray[np.bool_], among: slice = slice(None)) -> Iterator[bytes]:
    """The bytes of the documents that are left, each with the end of text; of all, or of a slice of the ordinals."""
    end = np.array([store.description.sentinels["<|endoftext|>"][1]], store.dtype).tobytes()
    for tokens in store.stream((np.flatnonzero(left[among]) + (among.start or 0)).tolist()):
        yield tokens.tobytes() + end


def fim_parquet(
    root: Path,
    out: Path,
    context: int,
    epoch: int = 0,
    removed: Removed = NOTHING_REMOVED,
    notices: Notices | None = None,
    scratch: Path | None = None,
    **settings: Any,
) -> None:
    """One epoch of the loader's rows, all of them and in its order, as Parquet files `data/part-00000-of-N.parquet`.

    scratch   folder for the tokens of a compressed release, 2 or 4 bytes for each; the system's if not given
    settings  seed, rates and unit, as a `Loader` takes them

    Columns, for each row of `context` positions:

    input_ids, labels, position_ids  as in `Batch`
    seq_lengths                      lengths of what stands apart in the row, padding included: files or repositories
    file_ids, offsets, forms         for each piece: the file ("" for padding), its first token there, and its form
    starts                           for each piece: the position in the row where it begins

    What is removed is not packed at all. Raises StopRun if `out` exists or a setting is not possible.
    """
    packed = replace(removed, mode="repack")
    loader = Loader(Path(root), context=context, batch=1, removed=packed, scratch=scratch, **settings)
    file_ids = np.array([*loader.store.file_ids().to_pylist(), ""], dtype=object)  # -1, which is padding, finds ""
    group = max(1, min(ROWS_PER_GROUP, POSITIONS_PER_GROUP // context))
    rows, size = loader.rows(epoch), group * GROUPS_PER_FILE
    parts = -(-rows // size)
    with _new_folder(Path(out)) as folder:
        for part in range(parts):
            places = range(part * size, min(rows, (part + 1) * size), group)
            batches = (loader.read(epoch, at, min(group, rows - at)) for at in places)
            name = f"data/{part_name(part, parts)}.parquet"
            write_groups(folder / name, ROWS, (_table(batch, file_ids) for batch in batches))
        about = {"context": context, "epoch": epoch, **settings}
        write_notes(folder, Path(root), loader.store, "parquet", removed, notices, about)


def _table(batch: Batch, file_ids: NDArray[Any]) -> pa.Table:
    rows, context = batch.input_ids.shape
    segments, rows_at = batch.segments, np.arange(rows + 1) * context
    bounds, first = np.searchsorted(batch.cu_seqlens, rows_at), np.searchsorted(segments.begin, rows_at)
    columns = [
        *(_lists(a.astype(np.int32), rows_at) for a in (batch.input_ids, batch.labels, batch.position_ids)),
        _lists(np.diff(batch.cu_seqlens), bounds),
        _lists(file_ids[segments.document], first),
        _lists(segments.offset, first),
        _lists(segments.form, first),
        _lists((segments.begin % context).astype(np.int32), first),
    ]
    return pa.Table.from_arrays(columns, schema=ROWS)


def _lists(values: NDArray[Any], bounds: NDArray[np.int64]) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), pa.array(values.reshape(-1)))


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """A folder that appears under its name only when the block ends well."""
    if out.exists():
        raise StopRun("the folder for the export exists already", "name a folder that does not exist yet")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        os.replace(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
