"""Finishing the document store: parts that were written side by side become one numbered whole.

In: the files that `writing.write_part` made, part by part. Out: ordinals that count through all parts, `tokenizer.json`
and `store.json`. Reads the table `docs` of each part and writes it anew; tokens are only read for their digest.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gleanery.records.errors import StopRun
from gleanery.records.files import write_bytes
from gleanery.records.parquet import describe, open_parquet, read_table, write_groups
from gleanery.records.tables import TABLES
from gleanery.shards.index import BLOCK_COLUMNS, DOCUMENT_COLUMNS, read_columns
from gleanery.shards.layout import (
    FIM_FORMS,
    FORMAT,
    REPOSITORY_FORM,
    STORE_FILE,
    TOKENIZER_FILE,
    Shard,
    StoreFile,
    docs_file,
    index_file,
    names_file,
    spans_file,
    tokens_file,
)
from gleanery.shards.tokenizer import Tokenizer

DOCS = TABLES["docs"].schema


def finish(
    root: Path, parts: int, tokenizer: Tokenizer, compression: str = "none", *, with_spans: bool = False
) -> None:
    """Count the ordinals through all parts and write `tokenizer.json` and `store.json`. May be run again.

    `with_spans`: the parts were written with spans. Files of spans that an earlier packing left are no part of the
    store otherwise, and are removed. Raises StopRun if a part is missing, or its index does not fit its tokens.
    """
    shards: list[Shard] = []
    for part in range(parts):
        first = sum(shard.documents for shard in shards)
        shards.append(_finish_part(root, part, parts, first, with_spans))
    write_bytes(root / TOKENIZER_FILE, tokenizer.json)
    names, ids = tokenizer.sentinels, tokenizer.control_ids
    store = StoreFile(
        format=FORMAT,
        dtype="uint16" if tokenizer.dtype.itemsize == 2 else "uint32",
        compression=compression,
        vocab_size=tokenizer.vocab_size,
        tokenizer_sha256=tokenizer.sha256,
        pre_tokenizer=tokenizer.rule,
        fim_cuts="character" if tokenizer.exact_cuts else "token",
        fim_forms=FIM_FORMS,
        repository_form=REPOSITORY_FORM,
        sentinels={role: (names[role], ids[role]) for role in names},
        documents=sum(shard.documents for shard in shards),
        tokens=sum(shard.tokens for shard in shards),
        shards=tuple(shards),
    )
    write_bytes(root / STORE_FILE, store.to_json())


def _finish_part(root: Path, part: int, parts: int, first: int, with_spans: bool) -> Shard:
    names = [f(part, parts) for f in (tokens_file, docs_file, index_file, names_file, spans_file)]
    for name in names if with_spans else names[:4]:
        if not (root / name).is_file():
            raise StopRun(f"{name} is missing", "write every part before the release is finished")
    tokens, docs, index, named, spans = (root / name for name in names)
    with open_parquet(docs) as file:
        rows = file.metadata.num_rows
        groups = (file.read_row_group(g, use_threads=False) for g in range(file.num_row_groups))
        written = write_groups(docs, DOCS, _numbered(groups, first))
    table = read_table(docs, ["start", "tokens", "language"])
    count = _check_index(names[2], index.read_bytes(), table)
    if not with_spans:
        spans.unlink(missing_ok=True)
    return Shard(
        tokens_file=names[0],
        docs_file=names[1],
        index_file=names[2],
        names_file=names[3],
        spans_file=names[4],
        documents=rows,
        tokens=int(pc.sum(table.column("tokens")).as_py() or 0),
        blocks=count,
        bytes=tokens.stat().st_size,
        spans=(spans.stat().st_size // 4 - rows) // 2 if with_spans else 0,
        languages=tuple(dict.fromkeys(name or "" for name in table.column("language").to_pylist())),
        tokens_sha256=describe(tokens, 0).sha256,
        docs_sha256=written.sha256,
        index_sha256=describe(index, 0).sha256,
        names_sha256=describe(named, 0).sha256,
        spans_sha256=describe(spans, 0).sha256 if with_spans else "",
    )


def _numbered(groups: Iterable[pa.Table], first: int) -> Iterator[pa.Table]:
    for group in groups:
        column = pa.array(np.arange(first, first + group.num_rows), type=pa.int64())
        yield group.set_column(group.schema.get_field_index("ordinal"), DOCS.field("ordinal"), column)
        first += group.num_rows


def _check_index(name: str, content: bytes, docs: pa.Table) -> int:
    """The number of blocks, if the index and the table `docs` agree. Raises StopRun if they do not."""
    sizes = [sum(np.dtype(kind).itemsize for _, kind in columns) for columns in (DOCUMENT_COLUMNS, BLOCK_COLUMNS)]
    blocks = (len(content) - sizes[0] * docs.num_rows) // sizes[1]
    try:
        counts = [(kind, docs.num_rows) for _, kind in DOCUMENT_COLUMNS] + [(kind, blocks) for _, kind in BLOCK_COLUMNS]
        length = read_columns(content, counts)[2].astype(np.int64)
    except ValueError as error:
        raise StopRun(f"{name} does not fit its documents", "write this part again") from error
    start, tokens = (docs.column(c).to_numpy().astype(np.int64) for c in ("start", "tokens"))
    if (length != tokens).any() or (start != np.cumsum(length) - length).any():
        raise StopRun(f"{name} does not fit its documents", "write this part again")
    return int(blocks)
