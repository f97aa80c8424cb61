"""Stage 6, pack: from documents to a token store with an index.

In: the parts of `documents`. Out: `store/` (tokens, docs, tokenizer.json, store.json) and the table `docs`. Step 1 of
3 (tokenizer) takes or trains a tokeniser; step 2 (tokens) puts the files of each repository in the order of their
imports, encodes part by part and decodes each document again to prove that nothing changed; a path, or the name of a
repository, in which the rules of step `redact` find something gets no tokens. Step 3 (index) counts documents through.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tokenizers
from numpy.typing import NDArray

from gleanery.pipeline.markers import Marker
from gleanery.pipeline.passing_texts import PassingTexts
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.stage5_redact import redactor
from gleanery.pipeline.steps import Step, part_tasks
from gleanery.privacy.rules import redactor_version
from gleanery.records.absent import present
from gleanery.records.errors import StopRun
from gleanery.records.files import link_file, write_bytes
from gleanery.records.ids import keyed_hash
from gleanery.records.parquet import (
    describe,
    iter_rows,
    open_parquet,
    read_table,
    table_files,
)
from gleanery.records.tables import TABLES
from gleanery.shards.finishing import finish
from gleanery.shards.layout import docs_file, index_file, names_file, spans_file, tokens_file
from gleanery.shards.ordering import ORDER_VERSION, order_of
from gleanery.shards.tokenizer import Tokenizer, train
from gleanery.shards.tokenizer_file import sentinel_names
from gleanery.shards.writing import write_part

TOKENIZER = "work/tokenizer/data/tokenizer.json"


def tokenizer_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 1 of 3: the tokeniser."""
    given = settings.shards.tokenizer
    parameters: dict[str, Any] = {"tokenizers": tokenizers.__version__, "vocabulary": settings.shards.vocabulary}
    if given is None:
        parameters["train_bytes"] = settings.shards.train_bytes
        task = Task("trained")
        return Step(
            *("pack", "tokenizer", "6 of 7  tokenizer", f"{__name__}:train_tokenizer", (task,)),
            *(parameters, ("documents",)),
            unit="documents",
        )
    path = _given_tokenizer(settings.path(given))
    task = Task("given", {"sha256": describe(path, 0).sha256})
    work = f"{__name__}:take_tokenizer"
    return Step("pack", "tokenizer", "6 of 7  tokenizer", work, (task,), parameters, unit="documents")


def tokens_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 2 of 3: encode every document."""
    tasks = part_tasks(markers["documents"], "documents")
    work, reads = f"{__name__}:tokens_part", ("documents", "tokenizer")
    parameters = _parameters(settings)
    owns = ("tables/dead_letters/pack-*",)
    return Step("pack", "tokens", "6 of 7  tokens", work, tasks, parameters, reads, owns=owns, unit="documents")


def _parameters(settings: Settings) -> dict[str, Any]:
    """What the token files depend on."""
    shards = settings.shards
    about = {"sentinels": list(shards.sentinels), "spans": shards.syntax_spans, "compression": shards.compression}
    about |= {"order": ORDER_VERSION, "redactor": redactor_version(), "tokenizers": tokenizers.__version__}
    return about | ({"grammars": grammars(settings)} if shards.syntax_spans else {})


def grammars(settings: Settings) -> dict[str, str]:
    """The packages that make spans, with their versions; none without spans."""
    if not settings.shards.syntax_spans:
        return {}
    try:
        from gleanery.shards.syntax import grammar_versions

        return grammar_versions()
    except ImportError as error:
        raise StopRun(
            "tree-sitter is not installed", "install it with its grammars, or leave syntax_spans off"
        ) from error


def index_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 3 of 3: number the documents through."""
    task = Task("all", {"parts": len(part_tasks(markers["documents"], "documents"))})
    parameters = _parameters(settings)
    work, reads = f"{__name__}:make_index", ("tokens", "tokenizer")
    owns = ("store/*", "store/*/*", "tables/docs/*")
    return Step("pack", "index", "6 of 7  index", work, (task,), parameters, reads, owns=owns, unit="documents")


def train_tokenizer(shard: Shard) -> None:
    """Train on a sample of the documents, chosen by a keyed hash of their ids."""
    settings = shard.settings.shards
    _write_tokenizer(shard, train(sample(_texts(shard.root), settings.train_bytes), settings.vocabulary))


def take_tokenizer(shard: Shard) -> None:
    """Take the tokeniser that the settings name."""
    assert shard.settings.shards.tokenizer is not None
    content = shard.settings.path(shard.settings.shards.tokenizer).read_bytes()
    _write_tokenizer(shard, content)


def refuse_tokenizer(settings: Settings) -> None:
    """Raises StopRun for a tokeniser that step 1 could not take, or names of control tokens that it could not give."""
    given, names = settings.shards.tokenizer, sentinel_names(settings.shards.sentinels)
    if given is not None:
        Tokenizer.load(_given_tokenizer(settings.path(given)).read_bytes(), names)


def _given_tokenizer(path: Path) -> Path:
    if not path.is_file():
        raise StopRun(f"there is no tokenizer {path}", "shards.tokenizer is a path from the settings file's folder")
    return path


def _write_tokenizer(shard: Shard, content: bytes) -> None:
    path = shard.root / TOKENIZER
    write_bytes(path, content)
    shard.wrote(path)


def _texts(root: Path) -> Iterator[tuple[str, str]]:
    for path in table_files(root, "documents"):
        for row in iter_rows(path, ["file_id", "text"], 256):
            yield row["file_id"], row["text"]


def sample(documents: Iterable[tuple[str, str]], limit: int) -> list[str]:
    """The texts of the documents with the smallest keyed hashes, in the order given, `limit` bytes of them in all.

    The one that goes over is cut there. Holds no more than the sample and one text.
    """
    held: list[tuple[int, int, bytes]] = []  # a heap: the greatest hash first
    size = 0
    for number, (file_id, text) in enumerate(documents):
        key, content = keyed_hash("tokenizer", file_id), text.encode("utf-8", "ignore")
        if size >= limit and key >= -held[0][0]:
            continue
        heapq.heappush(held, (-key, number, content))
        size += len(content)
        while size - len(held[0][2]) >= limit:
            size -= len(heapq.heappop(held)[2])
    if held and size > limit:
        key, number, content = heapq.heappop(held)
        held.append((key, number, content[: len(content) - (size - limit)]))
    return [content.decode("utf-8", "ignore") for _, content in sorted(one[1:] for one in held)]


def tokens_part(shard: Shard) -> None:
    """Encode one part of `documents`, repository by repository, imported files first."""
    part, parts = shard.task.payload["part"], shard.task.payload["parts"]
    root = shard.root / "work/tokens/data"
    kind = shard.settings.shards.compression
    spans = _find_spans() if shard.settings.shards.syntax_spans else None
    tokenizer = load_tokenizer(shard.root, shard.settings)
    with closing(PassingTexts(root, shard.settings.run.part_bytes)) as texts:
        rows = _in_order(_put_down(shard.table("documents"), texts), texts)
        summary = write_part(root, part, parts, rows, tokenizer, kind, spans, redactor().finds_in_name)
    for name in (f(part, parts) for f in _files(shard.settings)):
        shard.wrote(root / name)
    if summary.dead:
        hint = "its tokens do not give its text again; report it"
        pairs = zip(summary.dead, summary.dead_codes, strict=True)
        dead = [{"id": file, "stage": "pack", "error": code, "hint": hint} for file, code in pairs]
        shard.write_table("dead_letters", dead, f"pack-{shard.task.name}")
    shard.counts |= {"in": summary.docs_in, "kept": summary.docs_kept, "dead": len(summary.dead)}
    shard.notes |= {"tokens": summary.tokens, "hidden_names": summary.hidden_names}


def _put_down(path: Path, texts: PassingTexts) -> pa.Table:
    """The documents of a part by repository and path, each with the number of its text instead of the text."""
    with open_parquet(path) as file:
        for group in range(file.num_row_groups):
            texts.put(file.read_row_group(group, columns=["text"], use_threads=False).column(0))
    about = read_table(path, [name for name in TABLES["documents"].schema.names if name != "text"])
    about = about.append_column("number", pa.array(np.arange(about.num_rows)))
    return about.sort_by([("repo", "ascending"), ("repo_id", "ascending"), ("path", "ascending")])


def _in_order(documents: pa.Table, texts: PassingTexts) -> Iterator[dict[str, Any]]:
    """The rows of documents that are sorted by repository, each repository's files in the order of their imports."""
    begin = 0
    for _, same in groupby(documents.column("repo_id").to_pylist()):
        files = documents.slice(begin, sum(1 for _ in same))
        begin += files.num_rows
        asked = ((row["path"], row["language"], row["text"]) for row in _rows(files, texts))
        order, ordered_by = order_of(asked, files.column("repo")[0].as_py())
        for row in _rows(files.take(order), texts):
            yield row | {"ordered_by": ordered_by}


def _rows(documents: pa.Table, texts: PassingTexts) -> Iterator[dict[str, Any]]:
    for batch in documents.to_batches(max_chunksize=256):
        for row in batch.to_pylist():
            yield row | {"text": texts.read(row.pop("number")).decode("utf-8")}


def _files(settings: Settings) -> tuple[Callable[[int, int], str], ...]:
    """What names the files of a part."""
    found = (tokens_file, docs_file, index_file, names_file)
    return (*found, spans_file) if settings.shards.syntax_spans else found


def _find_spans() -> Callable[[Mapping[str, object]], NDArray[np.uint32]]:
    """What finds the spans of a row of `documents`; needs tree-sitter and its grammars."""
    from gleanery.shards.syntax import spans_of

    def find(row: Mapping[str, object]) -> NDArray[np.uint32]:
        language = row["language"]
        text = str(row["text"]).encode("utf-8", "surrogatepass")
        return spans_of(None if language is None else str(language), text, str(row["file_id"]))

    return find


def make_index(shard: Shard) -> None:
    """Put the parts together under `store/`. Files are linked, not copied, where the file system can."""
    parts, store, source = shard.task.payload["parts"], shard.root / "store", shard.root / "work/tokens/data"
    names = [f(part, parts) for part in range(parts) for f in _files(shard.settings)]
    for name in names:
        link_file(source / name, store / name)
    tokenizer, shards = load_tokenizer(shard.root, shard.settings), shard.settings.shards
    finish(store, parts, tokenizer, shards.compression, with_spans=shards.syntax_spans)
    for name in [*names, "store.json", "tokenizer.json"]:
        shard.wrote(store / name)
    rows = 0
    for part in range(parts):
        name = docs_file(part, parts)
        path = shard.table("docs", Path(name).stem)
        link_file(store / name, path)
        written = describe(path)
        rows += written.rows
        shard.wrote(path, written)
    shard.counts |= {"in": rows, "kept": rows}


def load_tokenizer(root: Path, settings: Settings) -> Tokenizer:
    """The run's tokeniser, with the names that its control tokens have."""
    return _loaded(present(root / TOKENIZER).read_bytes(), settings.shards.sentinels)


@lru_cache(maxsize=1)
def _loaded(content: bytes, sentinels: tuple[str, ...]) -> Tokenizer:
    """One for each process: to load it and to choose what encodes takes longer than to encode a small part."""
    return Tokenizer.load(content, sentinel_names(sentinels))
