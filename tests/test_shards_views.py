"""Other objectives over the same batches: targets stay inside their segment, noise depends on the place alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gleanery.shards.finishing import finish
from gleanery.shards.loader import Loader, torch_loader
from gleanery.shards.tokenizer import Tokenizer
from gleanery.shards.views import LEAST_NOISE, ahead, noise
from gleanery.shards.writing import write_part

GOLDEN = Path(__file__).parent / "golden" / "shards"
TEXTS: list[str] = json.loads((GOLDEN / "texts.json").read_text("utf-8"))
NAMES = ("file_id", "repo_id", "repo", "path", "blob_id", "license", "language")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    rows: list[dict[str, Any]] = [
        dict.fromkeys(NAMES, f"{n:032x}") | {"text": t + f"# {k}\n"} for n, t in enumerate(TEXTS) for k in range(9)
    ]
    write_part(folder, 0, 1, rows, tokenizer)
    finish(folder, 1, tokenizer)
    return folder


def test_a_target_of_any_depth_lies_in_its_own_segment(root: Path) -> None:
    batch = next(iter(Loader(root, context=64, batch=4, fim_rate=0.5)))
    reach, flat = ahead(batch, 4), batch.input_ids.reshape(-1)
    segment = np.searchsorted(batch.cu_seqlens, np.arange(flat.size), side="right")
    for place in range(flat.size):
        inside = sum(place + d < flat.size and segment[place + d] == segment[place] for d in range(1, 5))
        assert reach.reshape(-1)[place] == inside
        for depth in range(inside):
            label = batch.labels.reshape(-1)[place + depth]
            assert label in (-100, flat[place + depth + 1])


def test_what_torch_is_given_is_looked_at_in_the_same_way(root: Path) -> None:
    batch = next(iter(Loader(root, context=64, batch=4, fim_rate=0.5)))
    names = ("input_ids", "cu_seqlens", "segments")
    given = {name: getattr(batch, name) for name in names}
    assert np.array_equal(ahead(given, 3), ahead(batch, 3))
    assert np.array_equal(noise(given).level, noise(batch).level)


@pytest.mark.torch
def test_batches_of_torch_loader_are_taken(root: Path) -> None:
    pytest.importorskip("torch", reason="torch is an extra: pip install 'gleanery[torch]'")
    batch = next(iter(Loader(root, context=64, batch=4)))
    tensors = next(iter(torch_loader(root, context=64, batch=4)))
    assert np.array_equal(ahead(tensors, 3), ahead(batch, 3))
    assert np.array_equal(noise(tensors).key, noise(batch).key)


def test_noise_depends_on_the_place_and_spares_padding(root: Path) -> None:
    loader = Loader(root, context=64)
    whole = loader.read(0, 0, 6)
    levels, keys = noise(whole).level, noise(whole).key
    one = noise(loader.read(0, 2, 1))
    begin, end = np.searchsorted(whole.cu_seqlens, [2 * 64, 3 * 64])
    assert one.level.tolist() == levels[begin:end].tolist()
    assert one.key.tolist() == keys[begin:end].tolist()
    padding = whole.segments.document < 0
    assert (levels[padding] == 0).all()
    assert ((levels[~padding] >= LEAST_NOISE) & (levels[~padding] <= 1)).all()
    many = noise(loader.read(0, 0, loader.rows(0)))
    drawn = many.level[many.level > 0]
    assert 0.4 < float(drawn.mean()) < 0.6
    assert len(set(drawn.tolist())) > len(drawn) * 0.9
