"""With torch: the same batches as tensors, from a thread; and a model that learns from them."""

import json
import os
import shutil
import subprocess
import sys
import threading
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gleanery.records.errors import StopRun
from gleanery.shards.finishing import finish
from gleanery.shards.loader import Loader, torch_loader, torch_steps
from gleanery.shards.mixing import Mixture
from gleanery.shards.tokenizer import Tokenizer
from gleanery.shards.writing import write_part

GOLDEN = Path(__file__).parent / "golden" / "shards"
TEXTS: list[str] = json.loads((GOLDEN / "texts.json").read_text("utf-8"))
NAMES = ("file_id", "repo_id", "repo", "path", "blob_id", "license", "language")
EXAMPLES = Path(__file__).parent.parent / "examples"
HINT = "torch is an extra: pip install 'gleanery[torch]'"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    texts = [t + f"# {n} {k}\n" for n, t in enumerate(TEXTS) for k in range(20)]
    rows: list[dict[str, Any]] = [dict.fromkeys(NAMES, f"id{n}") | {"text": t} for n, t in enumerate(texts)]
    write_part(folder, 0, 1, rows, tokenizer)
    finish(folder, 1, tokenizer)
    return folder


@pytest.mark.torch
def test_tensors_are_those_of_the_loader(root: Path) -> None:
    pytest.importorskip("torch", reason=HINT)
    plain = Loader(root, context=64, batch=2, epochs=1)
    seen = 0
    for tensors, batch in zip(torch_loader(root, context=64, batch=2, epochs=1), plain, strict=True):
        for name in ("input_ids", "labels", "position_ids", "cu_seqlens"):
            assert np.array_equal(tensors[name].numpy(), getattr(batch, name))
        assert tensors["max_seqlen"] == np.diff(batch.cu_seqlens).max()
        assert np.array_equal(tensors["segments"].document, batch.segments.document)
        seen += 1
    assert seen > 10


@pytest.mark.torch
def test_the_state_is_that_of_the_last_batch_handed_out(root: Path) -> None:
    pytest.importorskip("torch", reason=HINT)
    expected = [b.input_ids.tolist() for b in islice(Loader(root, context=64, batch=2), 8)]
    loader = torch_loader(root, context=64, batch=2, prefetch=4)
    assert [b["input_ids"].tolist() for b in islice(loader, 3)] == expected[:3]
    resumed = torch_loader(root, context=64, batch=2)
    resumed.load_state_dict(json.loads(json.dumps(loader.state_dict())))
    assert [b["input_ids"].tolist() for b in islice(resumed, 5)] == expected[3:]
    # The same object goes on as well: nothing that was prepared is lost.
    assert [b["input_ids"].tolist() for b in islice(loader, 5)] == expected[3:]


@pytest.mark.torch
@pytest.mark.parametrize("workers", [0, 2])
def test_steps_are_a_map_that_torch_s_own_loader_takes(root: Path, workers: int) -> None:
    data = pytest.importorskip("torch.utils.data", reason=HINT)
    settings: dict[str, Any] = {"context": 64, "batch": 2, "epochs": 1, "rank": 1, "world": 2}
    expected = [b.input_ids.tolist() for b in Loader(root, **settings)]
    steps = torch_steps(root, **settings)
    loader = data.DataLoader(
        steps, batch_size=None, num_workers=workers, multiprocessing_context="spawn" if workers else None
    )
    assert [b["input_ids"].tolist() for b in loader] == expected
    state = json.loads(json.dumps(steps.state_dict(3)))
    resumed = torch_steps(root, **settings)
    resumed.load_state_dict(state)
    assert [resumed[n]["input_ids"].tolist() for n in range(len(resumed))] == expected[3:]
    other = torch_loader(root, **settings)
    other.load_state_dict(state)
    assert [b["input_ids"].tolist() for b in other] == expected[3:]
    with pytest.raises(IndexError):
        resumed[len(resumed)]
    # A data loader that counts the steps by itself asks for the place without a number, and comes back to it.
    again = torch_steps(root, **settings)
    again.load_state_dict(resumed.state_dict())
    assert again[0]["input_ids"].tolist() == expected[3]


@pytest.mark.torch
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_that_live_on_follow_a_state(root: Path, start: str) -> None:
    data = pytest.importorskip("torch.utils.data", reason=HINT)
    settings: dict[str, Any] = {"context": 64, "batch": 2, "epochs": 1}
    expected = [b.input_ids.tolist() for b in Loader(root, **settings)]
    steps = torch_steps(root, **settings)
    more: dict[str, Any] = {"num_workers": 2, "persistent_workers": True, "multiprocessing_context": start}
    loader = data.DataLoader(steps, batch_size=None, **more)
    assert [b["input_ids"].tolist() for b in loader] == expected
    for done in (7, 2):
        steps.load_state_dict(torch_steps(root, **settings).state_dict(done))
        assert [b["input_ids"].tolist() for b in islice(loader, 4)] == expected[done : done + 4]


@pytest.mark.torch
def test_there_is_one_loop_and_each_batch_comes_once(root: Path) -> None:
    pytest.importorskip("torch", reason=HINT)
    expected = [b.input_ids.tolist() for b in islice(Loader(root, context=64, batch=2), 12)]
    threads = threading.active_count()
    batches = torch_loader(root, context=64, batch=2)
    loop = iter(batches)
    assert [b["input_ids"].tolist() for b in islice(loop, 3)] == expected[:3]
    assert next(iter(batches))["input_ids"].tolist() == expected[3]  # a look at the next batch is another loop
    with pytest.raises(StopRun, match="another loop over the same batches was begun"):
        next(loop)
    saved, loop = batches.state_dict(), iter(batches)
    assert [b["input_ids"].tolist() for b in islice(loop, 3)] == expected[4:7]
    batches.load_state_dict(saved)
    with pytest.raises(StopRun, match="load_state_dict changed the place"):
        next(loop)
    assert [b["input_ids"].tolist() for b in islice(batches, 3)] == expected[4:7]
    with pytest.raises(StopRun, match="damaged"):
        batches.load_state_dict(saved | {"steps": -1})
    assert [b["input_ids"].tolist() for b in islice(batches, 2)] == expected[7:9]
    assert threading.active_count() <= threads  # one of a test before may have ended meanwhile


@pytest.mark.torch
def test_held_out_batches_can_be_looked_at_again(root: Path) -> None:
    pytest.importorskip("torch", reason=HINT)
    batches = torch_loader(root, context=64, batch=2, epochs=1, only=range(30))
    first = [b["input_ids"].tolist() for b in batches]
    with pytest.raises(StopRun, match="all steps"):
        next(iter(batches))
    batches.restart()
    assert [b["input_ids"].tolist() for b in batches] == first != []


@pytest.mark.torch
def test_real_ranks_read_each_row_once_and_are_told_if_they_would_not(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason=HINT)
    torch_loader(root, context=64).check_ranks()  # no ranks: nothing to compare
    script, meeting = Path(__file__).with_name("torch_ranks.py"), tmp_path / "meeting"
    ranks = [
        subprocess.Popen([sys.executable, script, root, str(rank), meeting], stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    first, second = (json.loads(rank.communicate(timeout=120)[0]) for rank in ranks)
    whole = [b.input_ids.tolist() for b in islice(Loader(root, context=64, batch=4), 6)]
    assert [a + b for a, b in zip(first["rows"], second["rows"], strict=True)] == whole[:4]
    assert [a + b for a, b in zip(first["resumed"], second["resumed"], strict=True)] == whole[4:]
    for said in (first["said"], second["said"]):
        assert said["as it should be"] == said["one model on both"] == ""
        assert said["another seed"] == "the ranks 1 do not read what rank 0 reads"
        assert said["rank forgotten"] == "2 ranks read as 0 of 2, and not as 2 readers"
        assert said["rank and world forgotten"] == "2 ranks read as 0 of 1, and not as 2 readers"
        assert said["two shares of one model"] == "2 ranks read as 0 of 2, 1 of 2, and not as 1 readers"


@pytest.mark.torch
def test_batches_are_an_iterable_data_set_for_one_process(root: Path) -> None:
    data = pytest.importorskip("torch.utils.data", reason=HINT)
    expected = [b.input_ids.tolist() for b in Loader(root, context=64, batch=2, epochs=1)]
    batches = torch_loader(root, context=64, batch=2, epochs=1)
    assert [b["input_ids"].tolist() for b in data.DataLoader(batches, batch_size=None)] == expected


@pytest.mark.torch
def test_pinned_memory_needs_a_gpu(root: Path) -> None:
    torch = pytest.importorskip("torch", reason=HINT)
    if torch.cuda.is_available():
        assert next(iter(torch_loader(root, context=64)))["input_ids"].is_pinned()
    else:
        with pytest.raises(StopRun, match="no GPU"):
            torch_loader(root, context=64, pin=True)


def test_batches_are_written_into_the_arrays_that_a_device_gives(root: Path) -> None:
    given: list[np.ndarray[Any, Any]] = []

    def allocate(shape: tuple[int, int], dtype: Any) -> np.ndarray[Any, Any]:
        given.append(np.full(shape, 77, dtype))
        return given[-1]

    loader = Loader(root, context=64, batch=2)
    expected = next(iter(Loader(root, context=64, batch=2)))
    loader.allocate_with(allocate)
    batch = next(iter(loader))
    assert [id(a) for a in given] == [id(a) for a in (batch.input_ids, batch.labels, batch.position_ids)]
    assert np.array_equal(batch.labels, expected.labels)


@pytest.mark.torch
def test_leaving_the_loop_ends_the_thread_and_faults_reach_it(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason=HINT)
    before = threading.active_count()
    batches = iter(torch_loader(root, context=64, batch=2))
    next(batches)
    assert threading.active_count() == before + 1
    batches.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    copy = Path(shutil.copytree(root, tmp_path / "copy"))  # loaders of one release share what is broken here
    broken = torch_loader(copy, context=64, batch=2, fim_rate=1.0)
    assert isinstance(broken._loader, Loader)
    broken._loader.store.stored.clear()  # as if the files had gone
    with pytest.raises(IndexError):
        next(iter(broken))
    assert threading.active_count() == before


@pytest.mark.torch
def test_a_mixture_gives_tensors_that_name_their_sources(root: Path) -> None:
    pytest.importorskip("torch", reason=HINT)
    from gleanery.shards.torch_data import TorchBatches

    def mixture() -> Mixture:
        return Mixture([Loader(root, context=64, seed=seed) for seed in (1, 2)], [2, 1], batch=3)

    batches = TorchBatches(mixture())
    expected = list(islice(mixture(), 5))
    for tensors, batch in zip(islice(batches, 3), expected, strict=False):
        assert np.array_equal(tensors["input_ids"].numpy(), batch.input_ids)
        assert np.array_equal(tensors["sources"], batch.sources)
    resumed = TorchBatches(mixture())
    resumed.load_state_dict(json.loads(json.dumps(batches.state_dict())))
    again = next(iter(resumed))
    assert np.array_equal(again["input_ids"].numpy(), expected[3].input_ids)


def test_without_torch_the_error_names_the_extra(root: Path) -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from gleanery.shards.loader import torch_loader\n"
        "from gleanery.records.errors import StopRun\n"
        "try:\n    torch_loader(sys.argv[1], context=64)\n"
        "except StopRun as error:\n    print(error.message, '|', error.hint)\n"
    )
    run = subprocess.run([sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True)
    assert run.stdout == "torch is not installed | pip install 'gleanery[torch]'\n"


def test_no_prefetch_is_refused(root: Path) -> None:
    pytest.importorskip("torch", reason=HINT)
    with pytest.raises(StopRun, match="prefetch"):
        torch_loader(root, context=64, prefetch=0)


def test_reading_a_release_imports_neither_torch_nor_beam_nor_scancode(root: Path) -> None:
    program = (
        "import sys; from gleanery.shards.loader import Loader\n"
        "next(iter(Loader(sys.argv[1], context=64)))\n"
        "print([m for m in ('torch', 'apache_beam', 'scancode', 'datatrove') if m in sys.modules])\n"
    )
    run = subprocess.run([sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("train_tiny.py", ("left to right", "fill in the middle")),
        ("train_ahead.py", ("tokens ahead",)),
        ("train_diffusion.py", ("masked diffusion",)),
    ],
)
def test_an_example_trains_and_its_losses_fall(root: Path, name: str, words: tuple[str, ...]) -> None:
    pytest.importorskip("torch", reason=HINT)
    command = [sys.executable, str(EXAMPLES / name), str(root), "--steps", "30", "--seconds", "20"]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert run.returncode == 0, run.stdout + run.stderr
    for word in words:
        assert word in run.stdout
