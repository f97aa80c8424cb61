"""Exports hold the same tokens, and the readers they are meant for open them."""

import hashlib
import importlib.resources as resources
import json
import re
import shutil
import struct
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gleanery.records.errors import StopRun
from gleanery.records.parquet import table_of, write_table
from gleanery.records.withdrawal import mark_withdrawn
from gleanery.shards.exports import fim_parquet, to_datatrove, to_megatron, to_safetensors
from gleanery.shards.finishing import finish
from gleanery.shards.loader import Loader
from gleanery.shards.masking import Removed
from gleanery.shards.scratch import Scratch
from gleanery.shards.store import Store
from gleanery.shards.tokenizer import Tokenizer
from gleanery.shards.writing import write_part

HINT = "make test-exports installs the libraries that the exports are meant for"
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


@pytest.fixture(scope="module")
def compressed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same documents in compressed blocks."""
    folder = tmp_path_factory.mktemp("compressed")
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    rows: list[dict[str, Any]] = [dict.fromkeys(NAMES, f"id{n}") | {"text": t} for n, t in enumerate(TEXTS)]
    for part in range(3):
        write_part(folder, part, 3, rows[part::3], tokenizer, compression="lz4")
    finish(folder, 3, tokenizer, compression="lz4")
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
    table = pq.read_table(tmp_path / "out/data")
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


def ended(store: Store) -> list[list[int]]:
    """The tokens of each document with the end of text."""
    end = store.tokenizer.control_ids["<|endoftext|>"]
    return [[*store.tokens(ordinal).tolist(), end] for ordinal in range(len(store))]


def test_the_index_of_megatron_names_each_document(root: Path, tmp_path: Path) -> None:
    to_megatron(root, tmp_path / "out")
    store = Store.open(root)
    tokens = np.fromfile(tmp_path / "out/release_text_document.bin", "<u2")
    index = (tmp_path / "out/release_text_document.idx").read_bytes()
    assert index[:9] == b"MMIDIDX\x00\x00"
    version, code, sequences, documents = struct.unpack_from("<QBQQ", index, 9)
    assert (version, code, sequences, documents) == (1, 8, len(store), len(store) + 1)
    lengths = np.frombuffer(index, "<i4", sequences, 34)
    starts = np.frombuffer(index, "<i8", sequences, 34 + 4 * sequences)
    assert np.frombuffer(index, "<i8", -1, 34 + 12 * sequences).tolist() == list(range(documents))
    found = [tokens[s // 2 : s // 2 + n].tolist() for s, n in zip(starts, lengths, strict=True)]
    assert found == ended(store)


@pytest.mark.torch
def test_megatrons_own_reader_opens_its_export(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("megatron.core", reason="megatron-core needs torch: make test-torch installs both")
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    to_megatron(root, tmp_path / "out")
    data = IndexedDataset(str(tmp_path / "out/release_text_document"))
    assert [data[i].tolist() for i in range(len(data))] == ended(Store.open(root))
    assert data.document_indices.tolist() == list(range(len(data) + 1))


def test_the_header_of_safetensors_names_what_follows(root: Path, tmp_path: Path) -> None:
    to_safetensors(root, tmp_path / "out")
    found: list[list[int]] = []
    for path in sorted((tmp_path / "out").glob("*.safetensors")):
        content = path.read_bytes()
        size = int.from_bytes(content[:8], "little")
        assert (8 + size) % 64 == 0
        head, body = json.loads(content[8 : 8 + size]), content[8 + size :]
        (b0, b1), (t0, t1) = head["bounds"]["data_offsets"], head["tokens"]["data_offsets"]
        bounds, tokens = np.frombuffer(body[b0:b1], "<i8"), np.frombuffer(body[t0:t1], "<u2")
        assert (head["bounds"]["shape"], head["tokens"]["shape"], t1) == ([len(bounds)], [len(tokens)], len(body))
        assert int(head["__metadata__"]["ordinal"]) == len(found)
        found += [tokens[a:b].tolist() for a, b in zip(bounds, bounds[1:], strict=False)]
    assert found == ended(Store.open(root))


@pytest.mark.exports
def test_safetensors_opens_its_export(root: Path, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy", reason=HINT)
    to_safetensors(root, tmp_path / "out")
    found = []
    for path in sorted((tmp_path / "out").glob("*.safetensors")):
        parts = safetensors.load_file(path)
        assert parts["tokens"].dtype == np.uint16
        found += [x.tolist() for x in np.split(parts["tokens"], parts["bounds"][1:-1])]
    assert found == ended(Store.open(root))


@pytest.mark.exports
def test_load_dataset_opens_the_packed_rows(root: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason=HINT)
    fim_parquet(root, tmp_path / "out", context=64, seed=2)
    data = datasets.load_dataset("parquet", data_dir=str(tmp_path / "out/data"), cache_dir=str(tmp_path / "cache"))[
        "train"
    ]
    loader = Loader(root, context=64, seed=2)
    batch = loader.read(0, 0, loader.rows(0))
    assert data["input_ids"][:] == batch.input_ids.tolist()
    assert data["labels"][:] == batch.labels.tolist()
    assert data.features["input_ids"].feature.dtype == "int32"
    (tmp_path / "out/NOTICES.txt.gz").write_bytes(b"as a release has it")
    whole = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "other"))["train"]
    assert whole["input_ids"][:] == batch.input_ids.tolist()


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table `documents`, as a run writes it."""
    folder = tmp_path_factory.mktemp("documents")
    rows = [
        dict.fromkeys(NAMES, f"id{n:02}") | {"text": t, "redactions": 0, "missing": [], "text_sha256": "0"}
        for n, t in enumerate(TEXTS)
    ]
    write_table(folder / "part-00000.parquet", "documents", table_of("documents", rows))
    return folder


def test_datatroves_own_reader_opens_the_documents(documents: Path) -> None:
    from datatrove.pipeline.readers import ParquetReader

    found = list(ParquetReader(str(documents), text_key="text", id_key="file_id").run())
    expected = [(f"id{n:02}", t) for n, t in enumerate(TEXTS) if t]  # it leaves out what is empty, by itself
    assert [(d.id, d.text) for d in found] == expected
    assert found[0].metadata["license"] == "id00"


@pytest.mark.exports
def test_load_dataset_opens_the_documents(documents: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason=HINT)
    data = datasets.load_dataset("parquet", data_dir=str(documents), cache_dir=str(tmp_path))["train"]
    assert data["text"][:] == TEXTS
    assert data["file_id"][:] == [f"id{n:02}" for n in range(len(TEXTS))]


@pytest.mark.exports
def test_load_dataset_opens_a_release_by_its_card(root: Path, documents: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason=HINT)
    shutil.copytree(root, tmp_path / "release")
    shutil.copytree(documents, tmp_path / "release/tables/documents")
    (tmp_path / "release/tables/pairs").mkdir()
    pq.write_table(pa.table({"other": [1]}), tmp_path / "release/tables/pairs/part-00000.parquet")
    card = resources.files("gleanery.release").joinpath("card.md").read_text("utf-8")
    (tmp_path / "release/README.md").write_text(re.sub(r"{{.*?}}", "n<1K", card.split("\n# ", 1)[0]))
    data = datasets.load_dataset(str(tmp_path / "release"), cache_dir=str(tmp_path / "cache"))["train"]
    assert data["text"][:] == TEXTS


@pytest.mark.exports
def test_the_library_of_croissant_opens_a_release_by_its_file(documents: Path, tmp_path: Path) -> None:
    croissant = pytest.importorskip("mlcroissant", reason=HINT)
    shutil.copytree(documents, tmp_path / "tables/documents")
    shutil.copy(Path(__file__).parent / "golden/release/croissant.json", tmp_path)
    release = croissant.Dataset(str(tmp_path / "croissant.json"))
    issues = release.metadata.ctx.issues
    assert not issues.errors
    assert {warning.split('"')[1].rpartition("/")[2] for warning in issues.warnings} <= {
        "citeAs",
        "datePublished",  # a release has neither: it is named by what is in it
        "version",
    }
    found = list(release.records("documents"))
    assert [row["documents/text"].decode() for row in found] == TEXTS
    assert [row["documents/file_id"].decode() for row in found] == [f"id{n:02}" for n in range(len(TEXTS))]


WRITERS: dict[str, Callable[[Path, Path], None]] = {
    "datatrove": to_datatrove,
    "megatron": to_megatron,
    "safetensors": to_safetensors,
    "parquet": lambda root, out: fim_parquet(root, out, context=64),
}


@pytest.mark.parametrize("name", WRITERS)
def test_an_export_twice_gives_the_same_bytes_and_never_overwrites(root: Path, tmp_path: Path, name: str) -> None:
    def export(out: Path) -> dict[str, str]:
        WRITERS[name](root, out)
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(out.rglob("*")) if p.is_file()}

    assert export(tmp_path / "a") == export(tmp_path / "b")
    with pytest.raises(StopRun, match="exists"):
        export(tmp_path / "a")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("name", WRITERS)
def test_a_withdrawn_release_is_not_exported(root: Path, tmp_path: Path, name: str) -> None:
    withdrawn = Path(shutil.copytree(root, tmp_path / "withdrawn"))
    mark_withdrawn(withdrawn)
    with pytest.raises(StopRun, match="was withdrawn"):
        WRITERS[name](withdrawn, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", WRITERS)
def test_an_export_leaves_out_what_is_removed_and_says_so(root: Path, tmp_path: Path, name: str) -> None:
    store = Store.open(root)
    chosen = [one for one in (1, 4) if len(store.tokens(one))]
    digests = tuple(f"{n:08x}" for n in range(len(chosen) + 1))
    removed = Removed(np.array(chosen, np.int64), digests, release=store.release)
    if name == "parquet":
        fim_parquet(root, tmp_path / "out", context=64, removed=removed)
        table = pq.read_table(tmp_path / "out/data")
        held = {one for row in table.column("file_ids").to_pylist() for one in row}
        files = enumerate(store.file_ids().to_pylist())
        assert held - {""} == {one for n, one in files if n not in chosen and len(store.tokens(n))}
    else:
        writer = {"datatrove": to_datatrove, "megatron": to_megatron, "safetensors": to_safetensors}[name]
        writer(root, tmp_path / "out", removed)
        left = b"".join(np.array(one, "<u2").tobytes() for n, one in enumerate(ended(store)) if n not in chosen)
        if name == "safetensors":
            tokens, count = b"", 0
            for path in sorted((tmp_path / "out").glob("*.safetensors")):
                content = path.read_bytes()
                size = int.from_bytes(content[:8], "little")
                head = json.loads(content[8 : 8 + size])
                begin, end = head["tokens"]["data_offsets"]
                tokens += content[8 + size + begin : 8 + size + end]
                count += head["bounds"]["shape"][0] - 1
            assert count == len(store)
        else:
            ending = {"datatrove": "*.ds", "megatron": "*.bin"}[name]
            tokens = b"".join(path.read_bytes() for path in sorted((tmp_path / "out").glob(ending)))
        assert tokens == left
    about = json.loads((tmp_path / "out/export.json").read_text("utf-8"))
    assert (about["form"], about["release"], about["documents"]) == (name, store.release, len(store) - len(chosen))
    assert (about["removed"], about["list"]) == (len(chosen), removed.digests[-1])
    assert f"A removal list left out others: {len(chosen)}." in (tmp_path / "out/README.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["datatrove", "megatron", "safetensors"])
def test_documents_of_a_compressed_release_need_no_scratch_space(
    root: Path, compressed: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    WRITERS[name](root, tmp_path / "raw")

    def kept(*_: object) -> None:
        raise AssertionError("something was kept in scratch space")

    monkeypatch.setattr(Scratch, "keep", kept)
    WRITERS[name](compressed, tmp_path / "packed")
    for path in sorted((tmp_path / "raw").iterdir()):
        if path.suffix not in (".json", ".md", ".metadata"):
            content = (tmp_path / "packed" / path.name).read_bytes()
            for store in (Store.open(root), Store.open(compressed)):
                content = content.replace(store.release.encode(), b"release")
            assert content == path.read_bytes().replace(Store.open(root).release.encode(), b"release"), path.name


def test_rows_of_a_compressed_release_are_decoded_where_somebody_says(
    compressed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from gleanery.pipeline.cli import app

    made, places = tempfile.TemporaryFile, list[Any]()

    def noted(dir: Path | None) -> Any:
        places.append(dir)
        return made(dir=dir)

    monkeypatch.setattr(tempfile, "TemporaryFile", noted)
    (tmp_path / "scratch").mkdir()
    arguments = ["export", "parquet", str(compressed), str(tmp_path / "out"), "--context", "64"]
    done = CliRunner().invoke(app, [*arguments, "--scratch", str(tmp_path / "scratch")])
    assert done.exit_code == 0, done.output
    assert places == [tmp_path / "scratch"]
    assert "scratch" not in (tmp_path / "out/export.json").read_text("utf-8")
    assert "already shifted" in (tmp_path / "out/README.md").read_text("utf-8")


def test_a_group_of_rows_holds_no_more_positions_for_a_longer_context(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gleanery.shards.exports.POSITIONS_PER_GROUP", 3 * 256)
    for context, most in ((64, 12), (256, 3), (1024, 1)):
        fim_parquet(root, tmp_path / str(context), context=context)
        sizes = list[int]()
        for path in sorted((tmp_path / str(context) / "data").iterdir()):
            about = pq.read_metadata(path)
            sizes += [about.row_group(n).num_rows for n in range(about.num_row_groups)]
        assert max(sizes) <= most
        assert sum(sizes) == Loader(root, context=context).rows(0)


def test_parts_without_documents_are_exported_too(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    rows: list[dict[str, Any]] = [dict.fromkeys(NAMES, f"id{n}") | {"text": t} for n, t in enumerate(TEXTS)]
    for part, here in enumerate([[], rows[:2], [], rows[2:]]):
        write_part(tmp_path / "release", part, 4, here, tokenizer)
    finish(tmp_path / "release", 4, tokenizer)
    store = Store.open(tmp_path / "release")
    parts = [store.documents_of(part) for part in range(4)]
    assert [(part.start, part.stop) for part in parts] == [(0, 0), (0, 2), (2, 2), (2, len(rows))]
    for name in ("datatrove", "megatron"):
        WRITERS[name](tmp_path / "release", tmp_path / name)
        ending = {"datatrove": "*.ds", "megatron": "*.bin"}[name]
        tokens = b"".join(path.read_bytes() for path in sorted((tmp_path / name).glob(ending)))
        assert tokens == b"".join(np.array(one, "<u2").tobytes() for one in ended(store))


def test_notices_go_with_an_export(root: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    shutil.copytree(root, release)
    (release / "NOTICES.txt.gz").write_bytes(b"who wrote it")
    for name, write in WRITERS.items():
        write(release, tmp_path / name)
        assert (tmp_path / name / "NOTICES.txt.gz").read_bytes() == b"who wrote it"
        assert "every copy" in (tmp_path / name / "README.md").read_text("utf-8")


def test_notices_of_what_is_left_out_do_not_go_with_an_export(root: Path, tmp_path: Path) -> None:
    release, store, asked = tmp_path / "release", Store.open(root), list[list[str]]()
    shutil.copytree(root, release)
    (release / "NOTICES.txt.gz").write_bytes(b"of all")
    removed = Removed(np.array([1, 3], np.int64), ("0" * 8, "1" * 8, "2" * 8), release=store.release)

    def notices(given: Path, file_ids: Collection[str], target: Path) -> None:
        assert given == release
        asked.append(list(file_ids))
        target.write_bytes(b"of the others")

    with pytest.raises(StopRun, match="names whose documents are left out"):
        to_megatron(release, tmp_path / "refused", removed)
    assert not (tmp_path / "refused").exists()
    to_megatron(release, tmp_path / "one", removed, notices)
    fim_parquet(release, tmp_path / "two", 64, 0, removed, notices)
    for name in ("one", "two"):
        assert (tmp_path / name / "NOTICES.txt.gz").read_bytes() == b"of the others"
    assert asked == [[store.file_ids()[n].as_py() for n in (1, 3)]] * 2
