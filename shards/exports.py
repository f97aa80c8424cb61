"""Exports: the same tokens in the forms that other trainers read.

In: the folder of a finished release. Out: a new folder, whole or absent. datatrove is imported here and nowhere else
in the room. An export is a copy and knows nothing of later removals: make it anew after each.

`to_datatrove` writes whole documents, each with the end of text behind it, for trainers that cut rows themselves.
`fim_parquet` writes one epoch of the loader's rows, fill-in-the-middle and all, for trainers that take rows as they
are.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.records.parquet import write_bytes, write_groups
from gleanery.shards.assembly import Batch
from gleanery.shards.layout import TOKENIZER_FILE, part_name
from gleanery.shards.loader import Loader
from gleanery.shards.store import Store

ROWS_PER_GROUP = 256
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
    ]
)


def to_datatrove(root: Path, out: Path) -> None:
    """datatrove's tokenised folder: for each part a `.ds` file with its `.index` and `.metadata`, and the tokenizer.

    Documents stand in the order of the release, each followed by the end of text, which is what datatrove's and
    nanotron's readers expect. Raises StopRun if `out` exists.
    """
    from datatrove.pipeline.tokens.tokenizer import TokenizedFile

    store = Store.open(Path(root))
    end = np.array([store.tokenizer.control_ids["<|endoftext|>"]], store.dtype).tobytes()
    with _new_folder(Path(out)) as folder:
        write_bytes(folder / TOKENIZER_FILE, store.tokenizer.json)
        for shard in range(len(store.payload)):
            file = TokenizedFile(
                str(folder),
                f"{shard:05d}_tokens.ds",
                tokenizer_name_or_path=TOKENIZER_FILE,
                save_final_metadata=True,
                token_size=store.dtype.itemsize,
            )
            for ordinal in np.flatnonzero(store.docs.shard == shard).tolist():
                file.write_bytes(store.tokens(ordinal).tobytes() + end)
            file.close()


def fim_parquet(
    root: Path,
    out: Path,
    context: int,
    seed: int = 0,
    fim_rate: float = 0.5,
    spm_rate: float = 0.5,
    epoch: int = 0,
) -> None:
    """One epoch of the loader's rows, all of them and in its order, as Parquet files `part-00000-of-N.parquet`.

    Columns, for each row of `context` positions:

    input_ids, labels, position_ids  as in `Batch`
    seq_lengths                      lengths of the row's segments, padding included
    file_ids, offsets, forms         for each segment: the file ("" for padding), its first token there, and its form

    Raises StopRun if `out` exists or a setting is not possible.
    """
    loader = Loader(Path(root), context=context, batch=1, seed=seed, fim_rate=fim_rate, spm_rate=spm_rate)
    file_ids = np.array([*loader.store.file_ids().to_pylist(), ""], dtype=object)  # -1, which is padding, finds ""
    rows, size = loader.rows(epoch), ROWS_PER_GROUP * GROUPS_PER_FILE
    parts = -(-rows // size)
    with _new_folder(Path(out)) as folder:
        for part in range(parts):
            places = range(part * size, min(rows, (part + 1) * size), ROWS_PER_GROUP)
            batches = (loader.read(epoch, at, min(ROWS_PER_GROUP, rows - at)) for at in places)
            name = f"{part_name(part, parts)}.parquet"
            write_groups(folder / name, ROWS, (_table(batch, file_ids) for batch in batches))


def _table(batch: Batch, file_ids: NDArray[Any]) -> pa.Table:
    rows, context = batch.input_ids.shape
    first = np.searchsorted(batch.cu_seqlens, np.arange(rows + 1) * context)  # the first segment of each row
    segments = batch.segments
    columns = [
        *(_lists(a.astype(np.int32), np.arange(rows + 1) * context) for a in (batch.input_ids, batch.labels)),
        _lists(batch.position_ids, np.arange(rows + 1) * context),
        _lists(np.diff(batch.cu_seqlens), first),
        _lists(file_ids[segments.document], first),
        _lists(segments.offset, first),
        _lists(segments.form, first),
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
