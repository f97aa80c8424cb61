"""A release gives every document back, holds no control token, and shows any change to its bytes."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gleanery.records.errors import StopRun
from gleanery.records.parquet import table_of, write_table
from gleanery.records.tables import TABLES
from gleanery.shards import writing
from gleanery.shards.finishing import finish
from gleanery.shards.loader import Loader
from gleanery.shards.store import Store
from gleanery.shards.tokenizer import SENTINELS, Tokenizer, train
from gleanery.shards.writing import write_part

GOLDEN = Path(__file__).parent / "golden" / "shards"
TEXTS: list[str] = json.loads((GOLDEN / "texts.json").read_text("utf-8"))
CHARACTERS = st.characters(exclude_categories=["Cs"])
PIECES = st.one_of(st.text(CHARACTERS, max_size=30), st.sampled_from([*SENTINELS, "\r\n", "\x00", "\x85", "  x"]))
ANY_TEXT = st.lists(PIECES, max_size=6).map("".join)


def rows_of(texts: list[str]) -> list[dict[str, Any]]:
    """Rows of `documents`, with invented names."""
    return [
        {
            "file_id": f"{n:032x}",
            "repo_id": "0" * 32,
            "repo": "invented/project",
            "path": f"src/file_{n}.py",
            "blob_id": "0" * 40,
            "license": "MIT",
            "language": "Python",
            "redactions": 0,
            "missing": [],
            "text_sha256": hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(),
            "text": text,
        }
        for n, text in enumerate(texts)
    ]


def release(root: Path, texts: list[str], tokenizer: Tokenizer, parts: int = 2) -> Store:
    rows = rows_of(texts)
    bounds = [len(rows) * p // parts for p in range(parts + 1)]
    for part in range(parts):
        write_part(root, part, parts, rows[bounds[part] : bounds[part + 1]], tokenizer)
    finish(root, parts, tokenizer)
    return Store.open(root)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())


@given(texts=st.lists(ANY_TEXT, max_size=30), parts=st.integers(1, 2))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_text_comes_back_and_no_control_token_is_stored(
    tokenizer: Tokenizer, tmp_path: Path, texts: list[str], parts: int
) -> None:
    root = tmp_path / "release"
    shutil.rmtree(root, ignore_errors=True)
    store = release(root, texts, tokenizer, parts)
    assert [store.text(n) for n in range(len(store))] == texts
    payload = np.concatenate(store.payload)
    assert not np.isin(payload, list(tokenizer.control_ids.values())).any()
    assert store.n_tokens == len(payload)
    store.verify()


def test_the_index_says_whose_each_document_is(tmp_path: Path, tokenizer: Tokenizer) -> None:
    store = release(tmp_path, TEXTS, tokenizer, 3)
    for n, row in enumerate(rows_of(TEXTS)):
        found = store.document(n)
        assert {k: found[k] for k in writing.COPIED} == {k: row[k] for k in writing.COPIED}
        assert (found["ordinal"], found["text_sha256"]) == (n, row["text_sha256"])
        assert found["bytes"] == len(TEXTS[n].encode())
    assert store.file_ids().to_pylist() == [row["file_id"] for row in rows_of(TEXTS)]


def test_the_files_of_a_release_are_those_expected(tmp_path: Path, tokenizer: Tokenizer) -> None:
    release(tmp_path, TEXTS, tokenizer)
    described = json.loads((tmp_path / "store.json").read_text())
    for shard in described["shards"]:
        del shard["docs_sha256"]  # depends on the version of the Parquet writer, too
    assert described == json.loads((GOLDEN / "expected_store.json").read_text())
    assert pq.read_schema(tmp_path / "docs/part-00000-of-00002.parquet").equals(TABLES["docs"].schema)
    names = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert names == [
        *(f"docs/part-0000{n}-of-00002.parquet" for n in range(2)),
        *(f"index/part-0000{n}-of-00002.bin" for n in range(2)),
        *(f"names/part-0000{n}-of-00002.bin" for n in range(2)),
        "store.json",
        "tokenizer.json",
        *(f"tokens/part-0000{n}-of-00002.bin" for n in range(2)),
    ]


def test_batches_do_not_change_the_bytes_and_neither_does_finishing_twice(
    tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(tmp_path / "a", TEXTS, tokenizer)
    monkeypatch.setattr(writing, "BATCH_DOCUMENTS", 1)
    release(tmp_path / "b", TEXTS, tokenizer)
    finish(tmp_path / "b", 2, tokenizer)
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_what_cannot_be_stored_exactly_is_a_dead_letter_and_the_rest_is_kept(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    rows = rows_of(["good = 1\n", "bad \ud800", "good = 2\n", "changed"])
    rows[3]["text"] = "changed since it was hashed"
    summary = write_part(tmp_path, 0, 1, rows, tokenizer)
    assert (summary.docs_in, summary.docs_kept) == (4, 2)
    assert summary.dead == (rows[1]["file_id"], rows[3]["file_id"])
    assert summary.dead_codes == ("not_unicode", "digest_differs")
    finish(tmp_path, 1, tokenizer)
    store = Store.open(tmp_path)
    assert [store.text(n) for n in range(len(store))] == ["good = 1\n", "good = 2\n"]
    assert summary.tokens == store.n_tokens
    assert summary.sha256 == store.description.shards[0].tokens_sha256


def test_a_part_that_fails_leaves_no_file(tmp_path: Path, tokenizer: Tokenizer) -> None:
    rows = rows_of(TEXTS)
    del rows[-1]["path"]
    with pytest.raises(KeyError):
        write_part(tmp_path, 0, 1, rows, tokenizer)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_an_empty_part_and_an_empty_document_are_kept(tmp_path: Path, tokenizer: Tokenizer) -> None:
    store = release(tmp_path, [""], tokenizer, 3)
    assert (len(store), store.n_tokens, store.text(0)) == (1, 0, "")
    store.verify()


def test_a_large_vocabulary_takes_four_bytes(tmp_path: Path) -> None:
    config = json.loads(train(TEXTS, 300))
    config["model"]["vocab"] |= {f"{n:x}" * 3: n for n in range(len(config["model"]["vocab"]), 70_000)}
    tokenizer = Tokenizer.load(json.dumps(config).encode())
    store = release(tmp_path, TEXTS, tokenizer)
    assert store.dtype == np.uint32
    assert [store.text(n) for n in range(len(store))] == TEXTS


@pytest.mark.parametrize(
    "name",
    [
        "tokens/part-00001-of-00002.bin",
        "docs/part-00000-of-00002.parquet",
        "index/part-00000-of-00002.bin",
        "names/part-00000-of-00002.bin",
    ],
)
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_flipped_bit_is_refused(tmp_path: Path, tokenizer: Tokenizer, name: str, place: float) -> None:
    release(tmp_path, TEXTS, tokenizer)
    raw = bytearray((tmp_path / name).read_bytes())
    raw[int(len(raw) * place)] ^= 1
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(StopRun):
        Store.open(tmp_path).verify()


def test_a_control_token_in_the_payload_is_refused_even_with_a_fitting_digest(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    release(tmp_path, TEXTS, tokenizer)
    path = tmp_path / "tokens/part-00000-of-00002.bin"
    tokens = np.fromfile(path, np.uint16)
    tokens[3] = tokenizer.control_ids["<|endoftext|>"]
    tokens.tofile(path)
    index = tmp_path / "index/part-00000-of-00002.bin"
    index.write_bytes(index.read_bytes()[:-8] + xxhash.xxh3_64_intdigest(path.read_bytes()).to_bytes(8, "little"))
    finish(tmp_path, 2, tokenizer)
    for read in (Store.verify, lambda store: store.tokens(0)):
        with pytest.raises(StopRun, match="control token"):
            read(Store.open(tmp_path))


def test_another_tokenizer_is_refused(tmp_path: Path, tokenizer: Tokenizer) -> None:
    release(tmp_path, TEXTS, tokenizer)
    (tmp_path / "tokenizer.json").write_bytes(train(TEXTS, 300))
    with pytest.raises(StopRun, match="was changed"):
        Store.open(tmp_path).text(0)


def test_missing_and_short_files_are_named(tmp_path: Path, tokenizer: Tokenizer) -> None:
    with pytest.raises(StopRun, match=r"store\.json"):
        Store.open(tmp_path)
    write_part(tmp_path, 0, 2, rows_of(TEXTS), tokenizer)
    with pytest.raises(StopRun, match="part-00001-of-00002"):
        finish(tmp_path, 2, tokenizer)
    release(tmp_path, TEXTS, tokenizer)
    path = tmp_path / "tokens/part-00000-of-00002.bin"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(StopRun, match="part-00000-of-00002"):
        Store.open(tmp_path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("shards", 0, "tokens_file"), "../../etc/passwd"),
        (("shards", 0, "tokens"), -1),
        (("shards", 0, "docs_sha256"), "0"),
        (("shards", 0, "index_file"), "/etc/passwd"),
        (("shards", 0, "blocks"), 1 << 40),
        (("shards", 0, "bytes"), 3),
        (("shards", 0, "languages"), []),
        (("compression",), "brotli"),
        (("dtype",), "object"),
        (("format",), "gleanery-shards-99"),
        (("sentinels", "<fim_pad>", "id"), 1 << 40),
        (("documents",), 7),
        (("shards",), [1]),
        (("extra",), 1),
    ],
)
def test_a_changed_store_file_is_refused(
    tmp_path: Path, tokenizer: Tokenizer, path: tuple[str | int, ...], value: object
) -> None:
    release(tmp_path, TEXTS, tokenizer)
    described = json.loads((tmp_path / "store.json").read_text())
    place = described
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    (tmp_path / "store.json").write_text(json.dumps(described))
    with pytest.raises(StopRun):
        Store.open(tmp_path)


def test_an_index_that_points_elsewhere_is_refused(tmp_path: Path, tokenizer: Tokenizer) -> None:
    release(tmp_path, TEXTS, tokenizer)
    path = tmp_path / "docs/part-00000-of-00002.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[1]["start"] += 5
    write_table(path, "docs", table_of("docs", rows))
    with pytest.raises(StopRun, match="does not fit"):
        finish(tmp_path, 2, tokenizer)


def test_blocks_hold_whole_documents_and_their_size_changes_no_token(
    tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "BLOCK_BYTES", 100)
    store = release(tmp_path, TEXTS, tokenizer)
    assert len(store.blocks) > 4
    assert [store.text(n) for n in range(len(store))] == TEXTS
    starts = set(zip(store.docs.shard.tolist(), store.docs.start.tolist(), strict=True))
    assert set(zip(store.blocks.shard.tolist(), store.blocks.token.tolist(), strict=True)) <= starts
    assert store.untouched == 0


def with_spans(root: Path, tokenizer: Tokenizer) -> Path:
    """A store with one span in each document."""
    texts = [f"x{n} = 1\ndef name_{n}(é):\n    return {n}\n" for n in range(9)]
    write_part(root, 0, 1, rows_of(texts), tokenizer, spans=lambda _: np.array([[0, 6]], np.uint32))
    finish(root, 1, tokenizer, with_spans=True)
    return root


def test_a_store_that_is_packed_again_without_spans_is_that_of_a_first_packing(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    root = with_spans(tmp_path / "again", tokenizer)
    assert Store.open(root).spans is not None
    for folder in (root, tmp_path / "first"):
        write_part(folder, 0, 1, rows_of(TEXTS), tokenizer)
        finish(folder, 1, tokenizer)
    assert (root / "store.json").read_bytes() == (tmp_path / "first/store.json").read_bytes()
    assert not list((root / "spans").iterdir())
    Store.open(root).verify()
    Loader(root, context=64, batch=1, fim_rate=0.0)


@pytest.mark.parametrize("folder", ["spans", "names"])
def test_a_scan_finds_that_a_loader_cannot_open_a_store(folder: str, tmp_path: Path, tokenizer: Tokenizer) -> None:
    root = with_spans(tmp_path, tokenizer)
    Store.open(root).scan()
    (root / folder / "part-00000-of-00001.bin").unlink()
    with pytest.raises(StopRun):
        Store.open(root).scan()


def test_parts_without_the_spans_that_were_promised_are_no_store(tmp_path: Path, tokenizer: Tokenizer) -> None:
    write_part(tmp_path, 0, 1, rows_of(TEXTS), tokenizer)
    with pytest.raises(StopRun, match="is missing"):
        finish(tmp_path, 1, tokenizer, with_spans=True)


def test_spans_outside_their_text_are_refused(tmp_path: Path, tokenizer: Tokenizer) -> None:
    def too_long(_: object) -> np.ndarray[Any, Any]:
        return np.array([[0, 10_000]], np.uint32)

    def empty(_: object) -> np.ndarray[Any, Any]:
        return np.array([[3, 3]], np.uint32)

    for wrong in (too_long, empty):
        with pytest.raises(ValueError, match="span"):
            write_part(tmp_path, 0, 1, rows_of(TEXTS), tokenizer, spans=wrong)


def test_ordinals_out_of_range_are_index_errors(tmp_path: Path, tokenizer: Tokenizer) -> None:
    store = release(tmp_path, TEXTS, tokenizer)
    for ordinal in (-1, len(store)):
        with pytest.raises(IndexError):
            store.tokens(ordinal)
        with pytest.raises(IndexError):
            store.document(ordinal)


def test_the_payload_cannot_be_written_to(tmp_path: Path, tokenizer: Tokenizer) -> None:
    store = release(tmp_path, TEXTS, tokenizer)
    with pytest.raises(ValueError, match="read-only"):
        store.tokens(0)[0] = 0


def test_datatrove_reads_the_documents_table(tmp_path: Path) -> None:
    from datatrove.pipeline.readers import ParquetReader

    write_table(tmp_path / "documents.parquet", "documents", table_of("documents", rows_of(TEXTS)))
    reader = ParquetReader(str(tmp_path), text_key="text", id_key="file_id", doc_progress=False, file_progress=False)
    found = list(reader())
    # datatrove leaves out documents without text; those are never kept by a run.
    assert [d.text for d in found] == [t for t in TEXTS if t]
    assert [d.id for d in found] == [row["file_id"] for row in rows_of(TEXTS) if row["text"]]
    assert {d.metadata["license"] for d in found} == {"MIT"}
