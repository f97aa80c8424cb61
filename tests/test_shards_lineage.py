"""What a step saw can be told, and which steps saw a file; each is the inverse of the other."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gleanery.records.errors import StopRun
from gleanery.shards.finishing import finish
from gleanery.shards.lineage import Leg, exposure, origin, trace
from gleanery.shards.loader import Loader
from gleanery.shards.mixing import Mixture
from gleanery.shards.removals import Wish, append, removed_from
from gleanery.shards.store import Store
from gleanery.shards.tokenizer import Tokenizer
from gleanery.shards.writing import write_part

GOLDEN = Path(__file__).parent / "golden" / "shards"
TEXTS: list[str] = json.loads((GOLDEN / "texts.json").read_text("utf-8"))
NAMES = ("repo_id", "repo", "path", "blob_id", "license", "language")
LEGS = (Leg(0, 3), Leg(4, 5), Leg(6, 2))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    texts = [t + f"# {n} {k}\n" * (k + 1) for n, t in enumerate(TEXTS) for k in range(4)]
    rows: list[dict[str, Any]] = [
        dict.fromkeys(NAMES, f"{n % 5:032x}") | {"file_id": f"{n:032x}", "text": t} for n, t in enumerate(texts)
    ]
    for part in range(2):
        write_part(folder, part, 2, rows[part::2], tokenizer)
    finish(folder, 2, tokenizer)
    return folder


@given(seed=st.integers(0, 3), step=st.integers(0, 20), row=st.integers(0, 5), position=st.integers(0, 63))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_exposure_is_the_inverse_of_trace(root: Path, seed: int, step: int, row: int, position: int) -> None:
    loader = Loader(root, context=64, batch=3, world=2, seed=seed)
    found = trace(loader, step, row, position)
    if found is None:
        return
    seen = [s for s in exposure(loader, found.file_id, step + 1) if (s.step, s.row) == (step, row)]
    assert [s for s in seen if s.begin <= position < s.end]
    for sighting in seen:
        for place in (sighting.begin, sighting.end - 1):
            again = trace(loader, sighting.step, sighting.row, place)
            assert again is not None
            assert again.file_id == found.file_id


@pytest.mark.parametrize("fim_rate", [0.0, 1.0])
def test_the_bytes_of_a_trace_are_those_that_the_token_spells(root: Path, fim_rate: float) -> None:
    loader = Loader(root, context=64, batch=2, world=1, fim_rate=fim_rate)
    store = Store.open(root)
    batch = next(iter(Loader(root, context=64, batch=2, fim_rate=fim_rate)))
    for row in range(2):
        reached: dict[int, int] = {}
        for position in range(64):
            found = trace(loader, 0, row, position)
            token = batch.input_ids[row, position : position + 1]
            if found is None:
                assert token[0] == loader.control_ids["<fim_pad>"]
                continue
            text = store.text(found.document).encode()
            assert text[found.begin : found.end] == store.tokenizer.decode_bytes(token)
            reached[found.document] = max(reached.get(found.document, 0), found.end)
            if token[0] == loader.control_ids["<|endoftext|>"]:  # it stands where the next byte would be
                assert found.begin == found.end == reached[found.document]


def test_the_origin_of_a_row_is_found_by_the_place_of_its_batch_across_the_end_of_an_epoch(root: Path) -> None:
    loader = Loader(root, context=64, batch=4)
    batches = zip(range(2 * loader.rows(0) // 4 + 2), loader, strict=False)
    crossed = 0
    for _, batch in batches:
        found = [origin(loader, batch.epoch, batch.index + row, 0) for row in range(4)]
        begins = batch.segments.begin.searchsorted([row * 64 for row in range(4)]).tolist()
        documents = [int(batch.segments.document[begin]) for begin in begins]
        assert [-1 if one is None else one.document for one in found] == documents
        crossed += batch.index + 3 >= loader.rows(batch.epoch)
    assert crossed == 2 if loader.rows(0) % 4 else crossed == 0


def test_a_trace_over_legs_is_what_the_resumed_loaders_gave(root: Path) -> None:
    state: dict[str, int | str] | None = None
    step = 0
    for leg, end in zip(LEGS, (4, 6, 9), strict=True):
        loader = Loader(root, context=64, batch=leg.rows)
        if state is not None:
            loader.load_state_dict(state)
        batches = iter(loader)
        while step < end:
            batch = next(batches)
            for row in range(leg.rows):
                found = trace(loader, step, row, 0, LEGS)
                flat = int(batch.cu_seqlens.searchsorted(row * 64, side="right")) - 1
                assert (-1 if found is None else found.document) == batch.segments.document[flat]
            step += 1
        state = loader.state_dict()


def test_every_sighting_of_a_file_is_found_and_no_other(root: Path) -> None:
    loader = Loader(root, context=64, batch=4)
    file_ids = Store.open(root).file_ids().to_pylist()
    expected: dict[str, set[int]] = {}
    for step, batch in zip(range(12), Loader(root, context=64, batch=4), strict=False):
        for document in batch.segments.document.tolist():
            if document >= 0:
                expected.setdefault(file_ids[document], set()).add(step)
    for file_id in file_ids:
        assert {s.step for s in exposure(loader, file_id, 12)} == expected.get(file_id, set())


def test_what_is_masked_from_the_beginning_is_seen_by_no_step(root: Path, tmp_path: Path) -> None:
    plain = Loader(root, context=64, batch=2)
    found = trace(plain, 0, 0, 0)
    assert found is not None
    append(tmp_path / "list", [Wish("file", found.file_id, "opt_out")], None)
    masked = Loader(root, context=64, batch=2, removed=removed_from(root, tmp_path / "list"))
    legs = [Leg(0, 2, removed=1)]
    assert trace(masked, 0, 0, 0, legs) == replace(found, seen=False)
    assert list(exposure(masked, found.file_id, 50, legs)) == []
    # Without a word of how much of the list was honoured, no step is said to have seen nothing.
    assert trace(masked, 0, 0, 0) == replace(found, seen=None)
    seen = [replace(one, seen=None) for one in exposure(plain, found.file_id, 50)]
    assert seen and list(exposure(masked, found.file_id, 50)) == seen


def test_a_file_that_was_removed_on_the_way_was_seen_by_the_steps_before(root: Path, tmp_path: Path) -> None:
    file_ids = Store.open(root).file_ids().to_pylist()
    first = Loader(root, context=64, batch=2)
    chosen = [one for step in (2, 12) if (one := trace(first, step, 0, 5)) is not None]
    append(tmp_path / "list", [Wish("file", one.file_id, "opt_out") for one in chosen], None)
    shown: dict[int, set[int]] = {}
    legs, step, loader = [Leg(0, 2, removed=0)], 0, first
    for length, entries in ((9, 0), (9, 1), (9, 2)):
        removed = removed_from(root, tmp_path / "list")
        here = replace(removed, ordinals=removed.ordinals[:entries], digests=removed.digests[: entries + 1])
        following = Loader(root, context=64, batch=2, removed=here)
        following.load_state_dict(loader.state_dict())
        loader = following
        legs += [Leg(step, 2, removed=entries)] if step else []
        for _, batch in zip(range(length), loader, strict=False):
            for document in set(batch.segments.document.tolist()) - {-1}:
                shown.setdefault(document, set()).add(step)
            step += 1
    assert loader.state_dict()["steps"] == step == 27
    assert [step in shown[one.document] for step, one in zip((2, 12), chosen, strict=True)] == [True, True]
    for document, file_id in enumerate(file_ids):
        sightings = list(exposure(loader, file_id, step, legs))
        assert {one.step for one in sightings} == shown.get(document, set()), document
        assert all(one.seen for one in sightings)
    with pytest.raises(StopRun, match="less of the removal list"):
        trace(loader, 0, 0, 0, [Leg(0, 2, removed=2), Leg(4, 2, removed=1)])


def test_the_steps_of_a_mixture_are_traced_like_those_of_one_release(root: Path) -> None:
    def mixture() -> Mixture:
        chosen = [range(0, 9), range(9, 12)]  # the second is short, so that it goes through several epochs
        return Mixture([Loader(root, context=64, seed=n, only=chosen[n]) for n in (0, 1)], [3, 1], batch=2, world=2)

    expected: dict[tuple[int, str], set[int]] = {}
    asked, file_ids = mixture(), Store.open(root).file_ids().to_pylist()
    for rank in (0, 1):
        one = Mixture(mixture().loaders, [3, 1], batch=2, rank=rank, world=2)
        for step, batch in zip(range(30), one, strict=False):
            for number, (begin, document) in enumerate(
                zip(batch.segments.begin.tolist(), batch.segments.document.tolist(), strict=True)
            ):
                row, position = divmod(begin, 64)
                found = trace(asked, step, rank * 2 + row, position)
                assert (-1 if found is None else found.document) == document, number
                if found is not None:
                    assert found.source == batch.sources[row]
                    expected.setdefault((found.source, found.file_id), set()).add(step)
    for document, file_id in enumerate(file_ids[:12]):
        sightings = list(exposure(asked, file_id, 30))
        assert {one.step for one in sightings} == expected.get((int(document >= 9), file_id), set())
        assert sightings == sorted(sightings, key=lambda one: (one.step, one.row, one.begin))
    with pytest.raises(StopRun, match="list for each source"):
        trace(asked, 0, 0, 0, [Leg(0, 4, removed=0)])


def test_what_does_not_exist_is_refused(root: Path) -> None:
    loader = Loader(root, context=64, batch=2)
    for place in ((0, 2, 0), (0, -1, 0), (-1, 0, 0), (0, 0, 64)):
        with pytest.raises(IndexError):
            trace(loader, *place)
    with pytest.raises(StopRun, match="no file"):
        list(exposure(loader, "0", 1))
    with pytest.raises(StopRun, match="legs"):
        trace(loader, 0, 0, 0, [Leg(1, 2)])
    with pytest.raises(StopRun, match="legs"):
        trace(loader, 0, 0, 0, [Leg(0, 2), Leg(4, 0)])


def test_a_step_behind_the_end_of_the_epochs_saw_nothing(root: Path) -> None:
    loader = Loader(root, context=64, batch=3, world=2, epochs=2)
    steps, endless = len(loader), Loader(root, context=64, batch=3, world=2)
    assert trace(loader, steps - 1, 5, 0) == trace(endless, steps - 1, 5, 0)
    for step in (steps, steps + 50):
        with pytest.raises(IndexError):
            trace(loader, step, 0, 0)
    for file_id in Store.open(root).file_ids().to_pylist():
        wanted = [one for one in exposure(endless, file_id, steps + 40) if one.step < steps]
        assert list(exposure(loader, file_id, steps + 40)) == wanted


def test_the_end_is_counted_in_the_steps_of_the_legs(root: Path) -> None:
    loader = Loader(root, context=64, batch=3, epochs=1)
    legs = [Leg(0, 3), Leg(2, 5)]
    whole = 2 + (loader.rows(0) - 6) // 5
    trace(loader, whole - 1, 4, 0, legs)
    with pytest.raises(IndexError):
        trace(loader, whole, 0, 0, legs)


def test_a_training_that_was_packed_anew_is_traced_only_if_its_legs_say_how(root: Path, tmp_path: Path) -> None:
    plain = Loader(root, context=64, batch=2)
    found = trace(plain, 0, 0, 0)
    assert found is not None
    append(tmp_path / "list", [Wish("file", found.file_id, "opt_out")], None)
    removed = removed_from(root, tmp_path / "list", mode="repack")
    anew = Loader(root, context=64, batch=2, removed=removed)
    for legs in ([], [Leg(0, 2)], [Leg(0, 2, removed=0), Leg(9, 2, removed=1)]):
        with pytest.raises(StopRun, match="packed anew"):
            trace(anew, 3, 0, 0, legs)
        with pytest.raises(StopRun, match="packed anew"):
            list(exposure(anew, found.file_id, 9, legs))
    first = next(iter(anew)).segments.document[0]
    told = trace(anew, 0, 0, 0, [Leg(0, 2, removed=1)])
    assert told is not None and told.document == first
    # The list came in the first epoch: what its packing left out is another matter than for the later ones.
    anew.load_state_dict({**plain.state_dict(), "removed": 0})
    with pytest.raises(StopRun, match="packed anew"):
        trace(anew, 3, 0, 0, [Leg(0, 2, removed=1)])
