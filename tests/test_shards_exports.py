"""Exports hold the same tokens, and the readers they are meant for open them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from gleanery.records.errors import StopRun
from gleanery.shards.exports import fim_parquet, to_datatrove
from gleanery.shards.loader import Loader
from gleanery.shards.store import Store, finish, write_part
from gleanery.shards.tokenizer import Tokenizer

GOLDEN = Path(__file__).parent / "golden" / "shards"
TEXTS: list[str] = json.loads((GOLDEN / "texts.json").read_text("utf-8"))
NAMES = ("file_id", "repo_id", "repo", "path", "blob_id", "license", "language")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    rows: list[dict[str, Any]] = [dict.fromkeys(NAMES, f"id{n}") | {"text": t} for n, t in enumerate(TEXTS)]
    for part in range(3):
        write_part(folder, part, 3, rows[part::3], tokenizer)
    finish(folder, 3, tokenizer)
    return folder


def test_the_datatrove_folder_holds_each_document_and_its_end(root: Path, tmp_path: Path) -> None:
    to_datatrove(root, tmp_path / "out")
    store = Store.open(root)
    end = store.tokenizer.control_ids["<|endoftext|>"]
    ordinal = 0
    for shard in range(3):
        path = tmp_path / "out" / f"{shard:05d}_tokens.ds"
        tokens, ends = np.fromfile(path, "<u2"), np.fromfile(f"{path}.index", "<u8")
        name, size = (path.parent / f"{path.name}.metadata").read_text().splitlines()[:2]
        assert (name, int(size)) == ("tokenizer.json|2", len(tokens))
        assert ends[-1] == len(tokens)
        for begin, stop in zip([0, *ends[:-1]], ends, strict=True):
            assert tokens[begin : stop - 1].tolist() == store.tokens(ordinal).tolist()
            assert tokens[stop - 1] == end
            ordinal += 1
    assert ordinal == len(store)
    assert (tmp_path / "out" / "tokenizer.json").read_bytes() == (root / "tokenizer.json").read_bytes()


@pytest.mark.torch
def test_datatroves_own_reader_opens_the_folder(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="datatrove's reader needs torch: pip install 'gleanery[torch]'")
    from datatrove.utils.dataset import DatatroveFolderDataset

    to_datatrove(root, tmp_path / "out")
    data = DatatroveFolderDataset(str(tmp_path / "out"), seq_len=15, token_size=2, return_positions=True)
    files = [np.fromfile(p, "<u2") for p in sorted((tmp_path / "out").glob("*.ds"))]
    expected = [f[i : i + 16] for f in files for i in range(0, len(f) - 15, 16)]
    assert len(data) == len(expected)
    for number in range(len(data)):
        assert data[number]["input_ids"].tolist() == expected[number].tolist()


def test_the_parquet_rows_are_those_of_the_loader(root: Path, tmp_path: Path) -> None:
    fim_parquet(root, tmp_path / "out", context=64, seed=2, epoch=1)
    table = pq.read_table(tmp_path / "out")
    loader = Loader(root, context=64, seed=2)
    batch = loader.read(1, 0, loader.rows(1))
    assert table.column("input_ids").to_pylist() == batch.input_ids.tolist()
    assert table.column("labels").to_pylist() == batch.labels.tolist()
    assert table.column("position_ids").to_pylist() == batch.position_ids.tolist()
    assert sum(table.column("seq_lengths").to_pylist(), []) == np.diff(batch.cu_seqlens).tolist()
    files = [*Store.open(root).file_ids().to_pylist(), ""]
    assert sum(table.column("file_ids").to_pylist(), []) == [files[d] for d in batch.segments.document]
    assert sum(table.column("offsets").to_pylist(), []) == batch.segments.offset.tolist()
    assert sum(table.column("forms").to_pylist(), []) == batch.segments.form.tolist()
    assert all(sum(lengths) == 64 for lengths in table.column("seq_lengths").to_pylist())


@pytest.mark.parametrize("name", ["datatrove", "parquet"])
def test_an_export_twice_gives_the_same_bytes_and_never_overwrites(root: Path, tmp_path: Path, name: str) -> None:
    def export(out: Path) -> dict[str, str]:
        if name == "datatrove":
            to_datatrove(root, out)
        else:
            fim_parquet(root, out, context=64)
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(out.iterdir())}

    assert export(tmp_path / "a") == export(tmp_path / "b")
    with pytest.raises(StopRun, match="exists"):
        export(tmp_path / "a")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]
