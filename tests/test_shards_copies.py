"""Loaders are copied and pickled as their arguments and their place, and share what opening a release takes."""

import copy
import gc
import hashlib
import json
import multiprocessing
import os
import pickle
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gleanery.records.errors import StopRun, WrongArguments
from gleanery.records.withdrawal import mark_withdrawn
from gleanery.shards.finishing import finish
from gleanery.shards.loader import Loader
from gleanery.shards.masking import Removed
from gleanery.shards.mixing import Mixture
from gleanery.shards.store import Store
from gleanery.shards.tokenizer import Tokenizer
from gleanery.shards.writing import write_part

GOLDEN = Path(__file__).parent / "golden" / "shards"
TEXTS: list[str] = json.loads((GOLDEN / "texts.json").read_text("utf-8"))
NAMES = ("file_id", "repo_id", "repo", "path", "blob_id", "license", "language")
ANEW: dict[str, Callable[[Any], Any]] = {
    "pickled": lambda one: pickle.loads(pickle.dumps(one)),
    "copied": copy.copy,
    "deep": copy.deepcopy,
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    texts = [t + f"# {n} {k}\n" for n, t in enumerate(TEXTS) for k in range(20)]
    rows: list[dict[str, Any]] = [
        dict.fromkeys(NAMES, f"id{n}") | {"text": t, "text_sha256": hashlib.sha256(t.encode()).hexdigest()}
        for n, t in enumerate(texts)
    ]
    for part in range(2):
        write_part(tmp_path / "release", part, 2, rows[part::2], tokenizer, compression="lz4")
    finish(tmp_path / "release", 2, tokenizer, compression="lz4")
    return tmp_path / "release"


def loader(root: Path) -> Loader:
    """One with settings other than the defaults, in its second epoch, of whose list one entry is packed out."""
    removed = Removed(np.array([3, 9]), ("00000000", "aaaaaaaa", "bbbbbbbb"), "repack", Store.open(root).release)
    settings: dict[str, Any] = {"seed": 5, "fim_rate": 0.7, "spm_rate": 0.2, "repo_rate": 0.9, "line_rate": 0.3}
    made = Loader(
        root, 64, 2, rank=1, world=2, epochs=4, only=np.arange(0, 250), removed=removed, targets=False, **settings
    )
    made.load_state_dict(made.state_dict() | {"epoch": 1, "row": 3, "packed": 1, "steps": 40})
    return made


def arrays(batch: Any) -> list[Any]:
    return [batch.input_ids.tolist(), batch.segments.table.tolist(), batch.cu_seqlens.tolist()]


@pytest.mark.parametrize("how", ANEW)
def test_a_copy_goes_on_where_the_loader_is(root: Path, how: str) -> None:
    one = loader(root)
    two = ANEW[how](one)
    assert two.state_dict() == one.state_dict()
    assert [one.packed_of(epoch) for epoch in range(4)] == [two.packed_of(epoch) for epoch in range(4)]
    for step in (0, 7, len(one) - 1):
        assert arrays(one[step]) == arrays(two[step])
    assert [arrays(b) for b in islice(two, 30)] == [arrays(b) for b in islice(one, 30)]


@pytest.mark.parametrize("how", ANEW)
def test_a_copy_outlives_what_it_was_copied_from(root: Path, how: str) -> None:
    one = loader(root)
    wanted, two = arrays(one[3]), ANEW[how](one)
    del one
    gc.collect()
    kept = [bytearray(1 << 20) for _ in range(8)]
    assert arrays(two[3]) == wanted
    assert len(kept) == 8


def test_a_pickle_holds_no_token_of_the_release(root: Path) -> None:
    settings: dict[str, Any] = {"context": 64, "epochs": 1}
    assert len(pickle.dumps(Loader(root, **settings))) < 1500
    assert len(pickle.dumps(Store.open(root))) < 10_000


def test_another_process_makes_the_same_batches(root: Path) -> None:
    one = loader(root)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_first, (one,)) == arrays(one.ahead(0))


def _first(one: Loader) -> list[Any]:
    return arrays(one.ahead(0))


def test_a_pickle_of_another_release_is_refused(root: Path) -> None:
    kept = pickle.dumps(Loader(root, context=64))
    described = json.loads((root / "store.json").read_text())
    (root / "store.json").write_text(json.dumps(described))
    with pytest.raises(StopRun, match="another release"):
        pickle.loads(kept)
    mark_withdrawn(root)
    with pytest.raises(StopRun, match="withdrawn"):
        pickle.loads(kept)


@pytest.mark.parametrize("how", ANEW)
def test_a_copy_of_a_mixture_goes_on_where_it_is(root: Path, how: str) -> None:
    def made() -> Mixture:
        return Mixture([Loader(root, context=64), Loader(root, context=64, seed=1)], [2, 1], batch=3)

    one = made()
    wanted = [arrays(b) for b in islice(made(), 12)]
    list(islice(one, 5))
    two = ANEW[how](one)
    del one
    gc.collect()
    assert [arrays(b) for b in islice(two, 7)] == wanted[5:]


@pytest.mark.parametrize("how", ANEW)
def test_a_copy_of_a_store_outlives_it(root: Path, how: str) -> None:
    one = Store.open(root)
    two = ANEW[how](one)
    wanted = one.text(5)
    del one
    gc.collect()
    assert two.text(5) == wanted
    assert two.release == Store.open(root).release


def test_loaders_of_one_release_share_what_opening_takes(root: Path) -> None:
    one, two = Loader(root, context=64), Loader(root, context=128, seed=3, only=range(50))
    assert one.store is two.store
    list(Loader(root, context=64, epochs=1))
    assert one.store.untouched == 0


def test_a_release_that_changed_is_opened_anew(root: Path) -> None:
    one = Loader(root, context=64)
    name = root / "tokens" / "part-00000-of-00002.bin"
    content = name.read_bytes()
    before = name.stat().st_mtime_ns
    name.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(name, ns=(before, before + 1))
    two = Loader(root, context=64, epochs=1)
    assert two.store is not one.store
    with pytest.raises(StopRun, match="changed after it was written"):
        list(two)


def test_loaders_with_folders_of_their_own_for_scratch_share_nothing(root: Path, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    one = Loader(root, context=64)
    assert Loader(root, context=64, scratch=tmp_path / "scratch").store is not one.store


@pytest.mark.parametrize("name", ["batch", "rank", "world"])
def test_a_mixture_takes_whole_numbers_and_keeps_them_as_json_takes_them(root: Path, name: str) -> None:
    one = Loader(root, context=64)
    with pytest.raises(WrongArguments, match=f"{name} is 2.0"):
        Mixture([one], [1], **{name: 2.0})  # type: ignore[arg-type]
    mixture = Mixture([one], [1], **{"world": 4, name: np.int64(3)})  # type: ignore[arg-type]
    list(islice(mixture, 2))
    json.dumps(mixture.state_dict())


def test_epochs_are_whole(root: Path) -> None:
    with pytest.raises(WrongArguments, match="epochs is 1.5"):
        Loader(root, context=64, epochs=1.5)  # type: ignore[arg-type]
    assert len(Loader(root, context=64, epochs=np.int64(2)))  # type: ignore[arg-type]
