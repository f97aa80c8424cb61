"""Whole repositories as segments: named, in their order, complete, and traceable as single files are."""

import hashlib
import json
import random
import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.privacy.redact import Redactor
from gleanery.records.errors import StopRun, WrongArguments
from gleanery.shards import lineage
from gleanery.shards.fim import fim_undo
from gleanery.shards.finishing import finish
from gleanery.shards.loader import Batch, Loader
from gleanery.shards.masking import Removed
from gleanery.shards.mixing import Mixture
from gleanery.shards.names import Names
from gleanery.shards.packing import Plan, plan_epoch
from gleanery.shards.pieces import FIM_CONTROL, FIM_GROWTH, LONGEST_NAME, PLAIN, REPOSITORY, Rules
from gleanery.shards.store import Index, Store
from gleanery.shards.tokenizer import Tokenizer
from gleanery.shards.writing import write_part

GOLDEN = Path(__file__).parent / "golden" / "shards"
TEXTS: list[str] = json.loads((GOLDEN / "texts.json").read_text("utf-8"))
CONTEXT = 256
LONG_PATH = "a/" * 60 + "deep.py"


def rows_of(seed: int = 4) -> list[dict[str, Any]]:
    """Rows of `documents`: 12 invented repositories of 1 to 20 files."""
    chance, rows = random.Random(seed), []
    for repo in range(12):
        for file in range(chance.choice([1, 2, 3, 7, 20])):
            lines = [line for t in chance.sample(TEXTS, 2) for line in t.splitlines(keepends=True)[:8]]
            text = f"# {repo} {file}\n" + "".join(lines) * chance.choice([1, 1, 1, 6])
            path = LONG_PATH if (repo, file) == (3, 0) else f"src/file_{file}.py"
            rows.append(
                {
                    "file_id": hashlib.md5(f"{repo} {file}".encode()).hexdigest(),
                    "repo_id": hashlib.md5(f"{repo}".encode()).hexdigest(),
                    "repo": f"invented/project-{repo}",
                    "path": path,
                    "blob_id": "0" * 40,
                    "license": "MIT",
                    "language": "Python",
                    "text": text,
                    "ordered_by": "imports",
                    "missing": ["near_duplicate: 2"] if repo == 1 else [],
                }
            )
    return rows


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repositories")
    tokenizer, rows = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes()), rows_of()
    middle = next(n for n, row in enumerate(rows) if row["repo"] == "invented/project-6")
    for part, some in enumerate((rows[:middle], rows[middle:])):
        write_part(folder, part, 2, some, tokenizer)
    finish(folder, 2, tokenizer)
    return folder


def opened(root: Path, **more: Any) -> Loader:
    usual: dict[str, Any] = {"context": CONTEXT, "unit": REPOSITORY}
    return Loader(root, **(usual | more))


def epoch_of(loader: Loader, epoch: int = 0) -> Batch:
    return loader.read(epoch, 0, loader.rows(epoch))


def runs_of(batch: Batch) -> list[list[int]]:
    """The pieces between neighbours of `cu_seqlens`, by their numbers; those of padding left out."""
    of = np.searchsorted(batch.cu_seqlens, batch.segments.begin, side="right") - 1
    found: dict[int, list[int]] = {}
    for number, run in enumerate(of.tolist()):
        if batch.segments.document[number] >= 0:
            found.setdefault(run, []).append(number)
    return list(found.values())


def part_of(batch: Batch, number: int) -> "np.ndarray[Any, Any]":
    begin = int(batch.segments.begin[number])
    return batch.input_ids.reshape(-1)[begin : begin + int(batch.segment_sizes[number])]


@pytest.mark.parametrize("fim_rate", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("context", [64, 256, 2048])
def test_a_run_names_its_repository_and_its_files_and_holds_them_in_order(
    root: Path, context: int, fim_rate: float
) -> None:
    loader = opened(root, context=context, fim_rate=fim_rate)
    store, ids, batch = loader.store, loader.control_ids, epoch_of(opened(root, context=context, fim_rate=fim_rate))
    decode, rows = store.tokenizer.decode, rows_of()
    seen = {n: 0 for n in range(len(store))}
    for run in runs_of(batch):
        documents = batch.segments.document[run].tolist()
        assert documents == sorted(set(documents))
        assert len({rows[d]["repo_id"] for d in documents}) == 1
        assert int(batch.segments.begin[run[0]]) in batch.cu_seqlens
        for place, number in enumerate(run):
            tokens, head = part_of(batch, number), int(batch.segments.head[number])
            row, named = rows[documents[place]], tokens[:head].tolist()
            names = [named.index(ids["<file_sep>"]) + 1] if place == 0 else [1]
            if place == 0:
                assert named[0] == ids["<repo_name>"]
                assert decode(np.array(named[1 : names[0] - 1])) in (row["repo"], "")
            assert named[names[0] - 1] == ids["<file_sep>"]
            assert decode(np.array(named[names[0] :])) == (f"{row['path']}\n" if head - names[0] else "")
            document, offset = documents[place], int(batch.segments.offset[number])
            length = int(batch.segments.length[number])
            source = store.tokens(document)[offset : offset + length]
            undone = fim_undo(tokens[head:], ids)
            assert store.tokenizer.decode_bytes(undone) == store.tokenizer.decode_bytes(source)
            seen[document] += length
            ends = tokens[-1] == ids["<|endoftext|>"]
            last_file = document + 1 == len(rows) or rows[document + 1]["repo_id"] != row["repo_id"]
            last_piece = offset + length == len(store.tokens(document))
            in_front = place + 1 < len(run)
            form = int(batch.segments.form[number])
            assert ends == (not in_front and ((last_file and last_piece) or form != PLAIN))
    assert seen == {n: len(store.tokens(n)) for n in range(len(store))}


def test_positions_and_labels_go_on_through_a_repository_and_end_with_it(root: Path) -> None:
    loader = opened(root, fim_rate=0.5)
    batch = epoch_of(loader)
    ids, labels, positions = (a.reshape(-1) for a in (batch.input_ids, batch.labels, batch.position_ids))
    special = [loader.control_ids[name] for name in ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")]
    hidden = np.zeros(ids.size, bool)
    for number in np.flatnonzero(batch.segments.document < 0).tolist():
        begin = int(batch.segments.begin[number])
        hidden[begin : begin + int(batch.segment_sizes[number])] = True
    for begin, end in zip(batch.cu_seqlens[:-1].tolist(), batch.cu_seqlens[1:].tolist(), strict=True):
        assert positions[begin:end].tolist() == list(range(end - begin))
        assert labels[end - 1] == -100
        expected = np.where(np.isin(ids[begin + 1 : end], special), -100, ids[begin + 1 : end])
        if not hidden[begin]:
            assert np.array_equal(labels[begin : end - 1], expected)
    assert (labels[hidden] == -100).all()
    assert not np.isin(labels, special).any()


def test_no_file_is_cut_that_fits_into_a_row_with_its_names(root: Path) -> None:
    loader = opened(root, fim_rate=0.0)
    plan, names, at = loader.plan(0), loader.store.names, np.arange(len(loader.store))
    for document in range(len(loader.store)):
        length = len(loader.store.tokens(document))
        named = sum(
            1 + (int(n) if n <= CONTEXT // LONGEST_NAME else 0)
            for n in (names.path_sizes(at)[document], names.unit_sizes(at)[document])
        )
        if named + length < CONTEXT:
            assert np.count_nonzero(plan.pieces.document == document) == 1


def test_a_repository_that_fits_into_a_row_stands_in_one(root: Path) -> None:
    loader = opened(root, context=1 << 16, fim_rate=1.0)
    assert len(runs_of(epoch_of(loader))) == 12


def planned(lengths: list[int], known: Names, rules: Rules) -> Plan:
    """The plan of documents of some lengths, in the repositories that `known` says."""
    length, nothing = np.array(lengths, np.int64), np.zeros(len(lengths), np.int32)
    keys = np.arange(len(lengths), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    start, repos = np.cumsum(length) - length, known.unit.astype(np.uint64)
    index = Index(nothing, start, length, keys, repos, nothing, nothing.astype(np.int64), ("",))
    return plan_epoch(index, rules, seed=1, epoch=0, names=known)


def alike(lengths: list[int], width: int) -> Plan:
    """The plan of repositories of `width` files each, with names of 20 tokens, in rows of 4,096."""
    unit = np.arange(len(lengths)) // width
    first = np.arange(len(lengths) + int(unit[-1]) + 2) * 20
    known = Names(np.zeros(int(first[-1]), np.uint16), first, unit)
    return planned(lengths, known, Rules(4096, 0.0, 0.5, unit=REPOSITORY))


COUNTS = st.lists(st.integers(0, 300), min_size=1, max_size=60)


@given(lengths=COUNTS, names=st.integers(0, 40), rate=st.sampled_from([0.0, 0.4, 1.0]), width=st.integers(1, 9))
@settings(max_examples=120)
def test_no_row_overflows_and_every_token_stands_once(lengths: list[int], names: int, rate: float, width: int) -> None:
    count = len(lengths)
    unit = np.arange(count) // width
    sizes = (np.arange(count + int(unit[-1]) + 1) * 7 + names) % 41
    known = Names(np.zeros(int(sizes.sum()), np.uint16), np.concatenate([[0], np.cumsum(sizes)]), unit)
    plan = planned(lengths, known, Rules(128, rate, 0.5, unit=REPOSITORY))
    pieces = plan.pieces
    held = np.zeros(count, np.int64)
    np.add.at(held, pieces.document, pieces.length)
    assert held.tolist() == lengths

    def room(n: int) -> int:
        return 1 + (n if n <= 128 // LONGEST_NAME else 0)

    at = np.arange(len(lengths))
    for row in range(plan.rows):
        used = 0
        for n in range(plan.first[row], plan.first[row + 1]):
            document = int(pieces.document[n])
            used += 0 if pieces.joined[n] else room(int(known.unit_sizes(at)[document]))
            used += room(int(known.path_sizes(at)[document])) + int(pieces.length[n]) + int(pieces.ends[n])
            used += 0 if pieces.form[n] == PLAIN else FIM_CONTROL - 1 + FIM_GROWTH
            assert n > plan.first[row] or not pieces.joined[n]
            if pieces.joined[n]:
                assert unit[document] == unit[int(pieces.document[n - 1])]
                assert document > int(pieces.document[n - 1])
        assert 0 < used <= 128


def test_files_of_some_runs_fill_the_room_that_others_leave() -> None:
    chance = random.Random(2)
    lengths = [chance.randint(50, 1500) for _ in range(4000)]
    plan = alike(lengths, 200)
    names = 42 * (~plan.pieces.joined).sum() + 21 * plan.pieces.joined.sum()
    padding = 1 - (sum(lengths) + names + plan.pieces.ends.sum()) / (plan.rows * 4096)
    assert 0 <= padding < 0.01
    runs = np.add.reduceat(np.ones(len(plan.pieces)), np.flatnonzero(~plan.pieces.joined))
    alone = (runs == 1).sum() / len(lengths)
    assert 0.02 < alone < 0.3  # most files stand beside others of their repository


def test_nothing_is_taken_apart_where_whole_repositories_fit() -> None:
    plan = alike([100] * 400, 4)
    assert (~plan.pieces.joined).sum() == 100


def test_one_order_for_any_number_of_processes(root: Path) -> None:
    whole = np.concatenate([b.input_ids for b in islice(opened(root, batch=6), 4)])
    parts = [list(islice(opened(root, batch=2, rank=rank, world=3), 4)) for rank in range(3)]
    assert np.array_equal(whole, np.concatenate([parts[r][s].input_ids for s in range(4) for r in range(3)]))


@pytest.mark.parametrize("gone", ["a file", "a repository"])
def test_what_is_removed_goes_with_its_names_and_nothing_else_changes(root: Path, gone: str) -> None:
    store, rows = Store.open(root), rows_of()
    repos = [row["repo"] for row in rows]
    chosen = [n for n, repo in enumerate(repos) if repo == max(repos, key=repos.count)]
    chosen = chosen if gone == "a repository" else chosen[1:2]
    digests = tuple(f"{n:08x}" for n in range(len(chosen) + 1))
    removed = Removed(np.array(chosen, np.int64), digests, release=store.release)
    one, two = epoch_of(opened(root)), epoch_of(opened(root, removed=removed))
    taken = np.isin(one.segments.document, chosen)
    assert taken.sum() >= len(chosen)
    changed = np.flatnonzero(one.input_ids.reshape(-1) != two.input_ids.reshape(-1))
    allowed = np.zeros(one.input_ids.size, bool)
    for number in np.flatnonzero(taken).tolist():
        begin = int(one.segments.begin[number])
        allowed[begin : begin + int(one.segment_sizes[number])] = True
    assert allowed[changed].all()
    labels = one.labels.reshape(-1) != two.labels.reshape(-1)
    assert (two.labels.reshape(-1)[labels] == -100).all()
    assert np.array_equal(one.cu_seqlens, two.cu_seqlens) and np.array_equal(one.position_ids, two.position_ids)
    assert np.array_equal(one.segments.table[~taken], two.segments.table[~taken])
    raw = store.tokenizer.decode_bytes(two.input_ids.reshape(-1))
    assert (rows[chosen[0]]["repo"].encode() + b"src" in raw) == (gone == "a file")
    for number in chosen:
        assert rows[number]["text"].encode() not in raw
    repacked = epoch_of(opened(root, removed=replace(removed, mode="repack")))
    assert not np.isin(repacked.segments.document, chosen).any()


def test_every_token_of_a_repository_can_be_traced(root: Path) -> None:
    loader = opened(root, fim_rate=0.7)
    batch = loader.read(0, 0, 3)
    table = loader.store.tokenizer.table
    for row in range(3):
        for position in range(0, CONTEXT, 3):
            flat = row * CONTEXT + position
            number = int(np.searchsorted(batch.segments.begin, flat, side="right")) - 1
            origin = lineage.origin(loader, 0, row, position)
            if batch.segments.document[number] < 0:
                assert origin is None
                continue
            assert origin is not None and origin.document == batch.segments.document[number]
            if flat < batch.segments.begin[number] + batch.segments.head[number]:
                assert origin.begin == origin.end
                continue
            token = int(batch.input_ids[row, position])
            spelled = table.content[table.start[token] : table.start[token + 1]].tobytes()
            assert loader.store.text(origin.document).encode()[origin.begin : origin.end] == spelled
    file_id = rows_of()[5]["file_id"]
    steps = -(-loader.rows(0) // loader.batch)
    sightings = list(lineage.exposure(loader, file_id, steps))
    assert sightings
    for seen in sightings:
        origin = lineage.trace(loader, seen.step, seen.row, seen.begin % CONTEXT)
        assert origin is not None and origin.file_id == file_id


def test_repositories_and_single_files_can_be_mixed(root: Path) -> None:
    mixture = Mixture([opened(root), Loader(root, context=CONTEXT)], [1, 1], batch=10)
    batch = next(iter(mixture))
    assert (np.diff(batch.segments.begin) > 0).all()
    of = np.searchsorted(batch.cu_seqlens, batch.segments.begin, side="right") - 1
    assert np.isin(batch.cu_seqlens[:-1], batch.segments.begin).all()
    alone = opened(root).read(0, 0, 5)
    mine = np.isin(batch.segments.begin // CONTEXT, np.flatnonzero(batch.sources == 0))
    assert batch.segments.document[mine].tolist() == alone.segments.document.tolist()
    assert len(of) > len(batch.cu_seqlens) - 1


def test_a_state_of_another_unit_is_refused(root: Path) -> None:
    with pytest.raises(StopRun, match="settings"):
        Loader(root, context=CONTEXT).load_state_dict(opened(root).state_dict())
    with pytest.raises(StopRun, match="no unit"):
        opened(root, unit="folder")


def test_the_table_says_what_a_repository_lacks_and_how_it_is_ordered(root: Path) -> None:
    store = Store.open(root)
    for document, row in enumerate(rows_of()):
        found = store.document(document)
        assert (found["missing"], found["ordered_by"]) == (row["missing"], "imports")


def test_a_changed_names_file_is_refused(root: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(root, tmp_path / "copy")
    path = copy / "names/part-00000-of-00002.bin"
    path.write_bytes(bytes(b ^ 1 for b in path.read_bytes()))
    with pytest.raises(StopRun, match=r"names/part-00000-of-00002\.bin is missing or was changed"):
        opened(copy)


def test_a_name_that_is_personal_has_no_tokens_and_stays_in_the_tables(root: Path, tmp_path: Path) -> None:
    tokenizer, rows = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes()), rows_of()
    repos = {row["repo"] for row in rows}
    for row in rows:
        if row["path"] == "src/file_1.py":
            row["path"] = "mails/erna.erfunden@corp-mail.net.py"
        if row["repo"] == "invented/project-6":
            row["repo"] = "invented/erna.erfunden@corp-mail.net"
    changed = sum("@" in row["path"] for row in rows)
    summary = write_part(tmp_path, 0, 1, rows, tokenizer, is_personal=Redactor().finds_in_name)
    finish(tmp_path, 1, tokenizer)
    assert changed and summary.hidden_names == changed + 1 and summary.docs_kept == len(rows)
    loader = opened(tmp_path, context=2048, fim_rate=0.5)
    seen = "".join(loader.store.tokenizer.decode(ids) for ids in epoch_of(loader).input_ids)
    assert "erna" not in seen and "src/file_0.py\n" in seen and sum(repo in seen for repo in repos) >= len(repos) - 2
    assert [row["path"] for row in rows] == [loader.store.document(n)["path"] for n in range(len(rows))]


def test_cut_files_are_undone_one_by_one_and_close_a_row_only_where_nothing_follows(root: Path) -> None:
    loader = opened(root, fim_rate=1.0)
    batch, end = epoch_of(loader), loader.control_ids["<|endoftext|>"]
    ids, segments = batch.input_ids.reshape(-1), batch.segments
    begins = [*segments.begin.tolist(), ids.size]
    several, closed = 0, 0
    for number in np.flatnonzero((segments.form > 0) & (segments.document >= 0)).tolist():
        piece = ids[begins[number] + int(segments.head[number]) : begins[number + 1]]
        at, length = int(segments.offset[number]), int(segments.length[number])
        stored = loader.store.tokens(int(segments.document[number]))[at : at + length]
        decode = loader.store.tokenizer.decode_bytes
        assert decode(fim_undo(piece, loader.control_ids)) == decode(stored)
        bounded = bool(np.isin(begins[number + 1], batch.cu_seqlens))
        assert (piece[-1] == end) == bounded
        several, closed = several + (not bounded), closed + bounded
    assert several and closed
    with pytest.raises(WrongArguments, match="repository"):
        fim_undo(ids[batch.cu_seqlens[0] : batch.cu_seqlens[1]], loader.control_ids)
