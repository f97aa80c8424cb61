"""Stage 5, redact: replace personal data and secrets in what is kept.

In: the kept files of `settle` and the parts of `blobs`. Out: `documents` (the only place where text changes) and
`redactions` (spans, never values). Step 1 of 3 (redact) runs the detectors, about 1 MB a second and core; step 2
(texts) finds files whose texts have become the same, such as two that differed in an address; step 3 (documents) brings
the files of a repository together. A file that cannot be redacted safely is a dead letter, and so is one whose text
another document has: of those that have it, the one with the smallest id stays.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gleanery.pipeline.exchange import inside, iter_range, part_count, part_name, read_range
from gleanery.pipeline.markers import Marker
from gleanery.pipeline.neighbours import Part, narrowed, neighbour_tasks, parts_of
from gleanery.pipeline.passing_texts import PassingTexts
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task, data_files
from gleanery.pipeline.stage2_annotate import blob_tasks
from gleanery.pipeline.stage4_select import KEPT, kept_files, lacking
from gleanery.pipeline.steps import Step
from gleanery.privacy.rules import redactor_version
from gleanery.quality.decoding import decode
from gleanery.records.errors import REPORT_IT, RejectRecord
from gleanery.records.parquet import heavy_groups, iter_rows, table_files
from gleanery.records.tables import TABLES

if TYPE_CHECKING:
    from gleanery.privacy.redact import Redactor

DOCUMENTS = pa.schema([f for f in TABLES["documents"].schema if f.name not in ("repo", "missing")])
REDACTIONS = TABLES["redactions"].schema.insert(0, pa.field("repo_id", pa.string()))
TEXTS = pa.schema([DOCUMENTS.field(name) for name in ("text_sha256", "file_id", "repo_id")])
AGAIN = pa.schema([DOCUMENTS.field(name) for name in ("repo_id", "file_id")])
TEXT_ROW_BYTES, TEXTS_BYTES = 140, 32 << 20  # of one row of `TEXTS`, and of the rows of a task
SAME_TEXT = "text_of_another_document"
SAME_TEXT_HINT = "nothing; another document of this run has the very same text"


def redact_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 1 of 3: redact each kept content."""
    parameters = {"redactor": redactor_version()}
    tasks, reads = blob_tasks(markers), ("gather", "settle")
    work, owns = f"{__name__}:redact_part", ("tables/dead_letters/redact-*",)
    return Step("redact", "redact", "5 of 7  redact", work, tasks, parameters, reads, owns=owns)


def texts_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 2 of 3: of the files with one text, all but the first."""
    parts = part_count(TEXT_ROW_BYTES * markers["redact"].counts["kept"], TEXTS_BYTES)
    tasks = tuple(Task(part_name(part, parts), {"part": part, "parts": parts}) for part in range(parts))
    work = f"{__name__}:texts_part"
    return Step("redact", "texts", "5 of 7  texts", work, tasks, {}, ("redact",), unit="documents")


def documents_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 3 of 3: parts of `documents` in which a repository's files stand together."""
    tasks = neighbour_tasks(markers["redact"].notes.get("text_bytes", 0), settings.run.part_bytes)
    work = f"{__name__}:documents_parts"
    reads = ("crawl", "decide", "redact", "texts")
    owns = ("tables/documents/*", "tables/redactions/*", "tables/dead_letters/documents-*")
    return Step("redact", "documents", "5 of 7  documents", work, tasks, {}, reads, owns=owns, unit="documents")


@cache
def redactor() -> "Redactor":
    """One for each process. It is imported here, because that takes 2 s which the driver need not wait for."""
    from gleanery.privacy.redact import Redactor

    return Redactor()


def redact_part(shard: Shard) -> None:
    """Redact the kept contents of one part. Several files may have one content: each gets its own rows."""
    low, high = shard.range
    kept: dict[str, list[dict[str, Any]]] = {}
    for row in read_range(kept_files(shard.root), "blob_id", low, high, KEPT).to_pylist():
        kept.setdefault(row["blob_id"], []).append(row)
    documents: list[dict[str, Any]] = []
    redactions: list[dict[str, Any]] = []
    dead: list[dict[str, Any]] = []
    if kept:
        for blob in iter_rows(shard.table("blobs"), ["blob_id", "content"], 64):
            for file in kept.get(blob["blob_id"], ()):
                _redact(file, blob["content"], documents, redactions, dead)
    table = pa.Table.from_pylist(documents, schema=DOCUMENTS)
    shard.write_data(table, "repo_id", "path", "file_id", kind="documents")
    shard.write_data(table.select(TEXTS.names), "text_sha256", "file_id", kind="texts")
    table = pa.Table.from_pylist(redactions, schema=REDACTIONS)
    shard.write_data(table, "repo_id", "file_id", "ordinal", kind="redactions")
    if dead:
        shard.write_table("dead_letters", dead, f"redact-{shard.task.name}")
    shard.counts |= {"in": len(documents) + len(dead), "kept": len(documents), "dead": len(dead)}
    shard.notes |= {"text_bytes": sum(len(d["text"].encode()) for d in documents), "redactions": len(redactions)}


def _redact(
    file: Mapping[str, Any],
    content: bytes,
    documents: list[dict[str, Any]],
    redactions: list[dict[str, Any]],
    dead: list[dict[str, Any]],
) -> None:
    text, _ = decode(content)
    assert text is not None, "select keeps only what can be decoded"
    try:
        redacted = redactor().redact(text, file["path"], file["language"])
    except RejectRecord as error:
        dead.append({"id": file["file_id"], "stage": "redact", "error": error.code, "hint": error.hint})
        return
    except Exception as error:  # hostile text must not stop a run; what cannot be redacted is not released
        name = f"redactor_{type(error).__name__}"
        dead.append({"id": file["file_id"], "stage": "redact", "error": name, "hint": REPORT_IT})
        return
    documents.append(
        {k: file[k] for k in ("file_id", "repo_id", "path", "blob_id", "license", "language")}
        | {"redactions": len(redacted.replacements), "text": redacted.text}
        | {"text_sha256": hashlib.sha256(redacted.text.encode()).hexdigest()}
    )
    for ordinal, span in enumerate(redacted.replacements):
        redactions.append(
            {k: file[k] for k in ("file_id", "repo_id", "blob_id")}
            | {"ordinal": ordinal, "entity": span.entity, "start": span.start, "end": span.end}
            | {"new_start": span.new_start, "replacement": span.replacement}
            | {"detector": span.detector, "score": span.score}
        )


def texts_part(shard: Shard) -> None:
    """The files of one range of texts of which another file, with a smaller id, has the text too."""
    low, high = shard.range
    found = read_range(data_files(shard.root, "redact", "texts"), "text_sha256", low, high, TEXTS)
    rows = found.sort_by([("text_sha256", "ascending"), ("file_id", "ascending")]).combine_chunks()
    texts = rows.column("text_sha256")
    again = rows.slice(1).filter(pc.equal(texts.slice(1), texts.slice(0, max(0, len(texts) - 1))))
    shard.write_data(again.select(AGAIN.names), "repo_id", "file_id")
    shard.counts |= {"in": rows.num_rows, "kept": rows.num_rows}
    shard.notes["again"] = again.num_rows


def documents_parts(shard: Shard) -> None:
    """Gather the documents and redactions of some ranges of repositories, each text once."""
    low, high = shard.range
    folder = shard.root / "work/redact/data"
    again = read_range(data_files(shard.root, "texts"), "repo_id", low, high, AGAIN)
    names, lacks = _repository_names(shard.root, low, high), lacking(shard.root, low, high)
    for repo, count in Counter(again.column("repo_id").to_pylist()).items():
        lacks[repo] = [*lacks.get(repo, ()), f"{SAME_TEXT}: {count}"]
    with (
        narrowed(shard, sorted(folder.glob("*.documents.parquet")), "repo_id") as texts,
        narrowed(shard, sorted(folder.glob("*.redactions.parquet")), "repo_id") as spans,
    ):
        for part in parts_of(shard):
            again_ids = inside(again, "repo_id", part.low, part.high).column("file_id").combine_chunks()
            _write_documents(shard, part, texts, again_ids, names, lacks)
            _write_redactions(shard, part, spans, again_ids)


def _write_documents(
    shard: Shard,
    part: Part,
    texts: Sequence[Path],
    again_ids: pa.Array,
    names: Mapping[str, str],
    lacks: Mapping[str, Sequence[str]],
) -> None:
    """Write one part of `documents`, and a dead letter for each file whose text another one has."""
    with closing(PassingTexts(shard.data("").parent, shard.settings.run.part_bytes)) as passing:
        found = _put_down(iter_range(texts, "repo_id", part.low, part.high), passing)
        table = found.filter(pc.invert(pc.is_in(found.column("file_id"), again_ids))).sort_by("file_id")
        ids = table.column("repo_id").to_pylist()
        columns = {"repo": [names[r] for r in ids], "missing": [lacks.get(r, []) for r in ids]}
        for name, values in columns.items():
            field = TABLES["documents"].schema.field(name)
            table = table.append_column(field, pa.array(values, field.type))
        shard.write_in_order("documents", _with_texts(table, passing), part.name)
    shard.add({"in": found.num_rows, "kept": table.num_rows, "dead": len(again_ids)})
    if len(again_ids):
        about = {"stage": "redact", "error": SAME_TEXT, "hint": SAME_TEXT_HINT}
        dead = ({"id": ident} | about for ident in again_ids.to_pylist())
        shard.write_table("dead_letters", dead, f"documents-{part.name}")


def _put_down(documents: Iterable[pa.Table], texts: PassingTexts) -> pa.Table:
    """The rows of some tables, each with the number of its text instead of the text."""
    found = [DOCUMENTS.empty_table().drop_columns(["text"])]
    for group in documents:
        texts.put(group.column("text"))
        found.append(group.drop_columns(["text"]))
    about = pa.concat_tables(found)
    return about.append_column("number", pa.array(np.arange(about.num_rows)))


def _with_texts(documents: pa.Table, texts: PassingTexts) -> Iterator[pa.Table]:
    """The rows with their texts, a row group at a time."""
    numbers, schema = documents.column("number").to_numpy(), TABLES["documents"].schema
    for start, end in list(heavy_groups("text", texts.sizes[numbers].tolist())) or [(0, 0)]:
        column = pa.array(map(texts.read, numbers[start:end].tolist()), pa.large_binary()).cast(pa.large_string())
        group = documents.slice(start, end - start).append_column(schema.field("text"), column)
        yield group.select(schema.names)


def _write_redactions(shard: Shard, part: Part, spans: Sequence[Path], again_ids: pa.Array) -> None:
    """Write one part of `redactions`."""
    redactions = read_range(spans, "repo_id", part.low, part.high, REDACTIONS)
    redactions = redactions.filter(pc.invert(pc.is_in(redactions.column("file_id"), again_ids)))
    shard.write_table("redactions", redactions.drop_columns(["repo_id"]), part.name)


def _repository_names(root: Path, low: str, high: str | None) -> dict[str, str]:
    """The names of the repositories of a range of ids."""
    schema, columns = TABLES["repos"].schema, ["repo_id", "name"]
    paths = table_files(root, "repos")
    table = read_range(paths, "repo_id", low, high, schema, columns)
    return dict(zip(*(column.to_pylist() for column in table.columns), strict=True))
