"""Texts that are put down come back by their numbers, and take no memory meanwhile."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from gleanery.pipeline import stage5_redact
from gleanery.pipeline.passing_texts import PassingTexts
from gleanery.pipeline.stage6_pack import _in_order, _put_down
from gleanery.records.parquet import table_of, write_in_order, write_table
from gleanery.records.tables import TABLES


@pytest.mark.parametrize("held_bytes", [1, 8, 1 << 20])
def test_every_text_comes_back_by_its_number(tmp_path: Path, held_bytes: int) -> None:
    texts = ["", "one", "zwölf", "", "\0", "last"]
    with closing(PassingTexts(tmp_path / "new", held_bytes)) as passing:
        passing.put(pa.chunked_array([["not this one", *texts[:3]]], pa.large_string()).slice(1))
        passing.put(pa.chunked_array([texts[3:5], [], texts[5:]], pa.large_string()))
        assert [passing.read(n).decode() for n in (5, 2, 0, 1, 4, 3)] == [texts[n] for n in (5, 2, 0, 1, 4, 3)]
        assert passing.sizes.tolist() == [len(text.encode()) for text in texts]
        assert not list((tmp_path / "new").iterdir())


def test_of_a_large_repository_some_texts_at_a_time_are_in_memory(tmp_path: Path) -> None:
    """Eight MiB of texts, of which a row group holds a quarter of one."""
    about = dict.fromkeys(("blob_id", "license", "language", "text_sha256"), "x") | {"redactions": 0, "missing": []}
    about |= {"repo_id": "a", "repo": "a/b"}
    rows = [
        about | {"file_id": f"{n * 7919 % 512:04x}", "path": f"{n:03}", "text": f"{n:03}" * 5461} for n in range(512)
    ]
    write_table(tmp_path / "part", "documents", table_of("documents", rows))
    before, most, found = pa.total_allocated_bytes(), 0, []
    with closing(PassingTexts(tmp_path, 1 << 16)) as texts:
        for row in _in_order(_put_down(tmp_path / "part", texts), texts):
            most = max(most, pa.total_allocated_bytes() - before)
            found.append((row["path"], row["text"][:3]))
    assert found == [(f"{n:03}", f"{n:03}") for n in range(512)]
    assert most < 2 << 20


def test_a_part_of_documents_is_gathered_a_row_group_at_a_time(tmp_path: Path) -> None:
    """Eight MiB of texts, in the order of their paths, are written in the order of their ids."""
    about = dict.fromkeys(("blob_id", "license", "language", "text_sha256"), "x") | {"redactions": 0, "missing": []}
    about |= {"repo_id": "a", "repo": "a/b"}
    ids = [f"{n * 7919 % 512:04x}" for n in range(512)]
    rows = [about | {"file_id": ident, "path": f"{n:03}", "text": ident * 4096} for n, ident in enumerate(ids)]
    whole = write_table(tmp_path / "whole", "documents", table_of("documents", rows))
    groups = (table_of("documents", rows[n : n + 16]).select(stage5_redact.DOCUMENTS.names) for n in range(0, 512, 16))
    before, most = pa.total_allocated_bytes(), 0
    with closing(PassingTexts(tmp_path, 1 << 16)) as texts:
        found = stage5_redact._put_down(groups, texts).sort_by("file_id")
        for name in ("repo", "missing"):
            field = TABLES["documents"].schema.field(name)
            found = found.append_column(field, pa.array([about[name]] * 512, field.type))

        def looked_at() -> Iterator[pa.Table]:
            nonlocal most
            for group in stage5_redact._with_texts(found, texts):
                most = max(most, pa.total_allocated_bytes() - before)
                yield group

        assert write_in_order(tmp_path / "gathered", "documents", looked_at()) == whole
    assert most < 4 << 20


def test_a_part_without_a_document_has_the_bytes_of_an_empty_table(tmp_path: Path) -> None:
    whole = write_table(tmp_path / "whole", "documents", table_of("documents", []))
    with closing(PassingTexts(tmp_path, 1)) as texts:
        found = stage5_redact._put_down([], texts)
        for name in ("repo", "missing"):
            field = TABLES["documents"].schema.field(name)
            found = found.append_column(field, pa.array([], field.type))
        groups = stage5_redact._with_texts(found, texts)
        assert write_in_order(tmp_path / "gathered", "documents", groups) == whole
