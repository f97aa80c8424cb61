"""The loader: one global order on every grid, exact restarts, and fill-in-the-middle that can be undone."""

import gc
import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tracemalloc
from collections import Counter
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import pre_tokenizers

from gleanery.records.errors import StopRun, WrongArguments
from gleanery.shards import lineage, plans
from gleanery.shards.assembly import joined
from gleanery.shards.characters import APOSTROPHE, LETTER, NUMBER, SIGN, UNKNOWN, kinds
from gleanery.shards.cut_places import CHARACTER, LINE
from gleanery.shards.fim import cut, fim_undo, split_segment
from gleanery.shards.finishing import finish
from gleanery.shards.loader import Batch, Loader
from gleanery.shards.masking import NOTHING_REMOVED, Removed
from gleanery.shards.mixing import Mixture
from gleanery.shards.packing import Plan, plan_epoch
from gleanery.shards.pieces import FIM_GROWTH, PLAIN, PSM, SPM
from gleanery.shards.spelling import spelling_of
from gleanery.shards.splits import COUNTS, LEFT, RIGHT, splits_of
from gleanery.shards.store import Store
from gleanery.shards.tokenizer import SENTINELS, Tokenizer
from gleanery.shards.writing import write_part

GOLDEN = Path(__file__).parent / "golden" / "shards"
TEXTS: list[str] = json.loads((GOLDEN / "texts.json").read_text("utf-8"))
CONTEXT = 128

CHARACTERS = st.characters(exclude_categories=["Cs"])
SPACES = [
    "\r\n",
    "\n\n    ",
    "   ",
    "\t",
    "\u00a0",
    "\u3000",
    "\x85",
    "\x1c",
    " 'll",
    "'s",
    " 12",
    " x",
    " é",
    "\u0301",
]
PIECES = st.one_of(st.text(CHARACTERS, max_size=6), st.sampled_from([*SPACES, *SENTINELS, "value", "return (a + b)"]))
TEXT = st.lists(PIECES, max_size=25).map("".join)
BITS = st.integers(0, 2**64 - 1)


def rows_of(texts: list[str]) -> list[dict[str, Any]]:
    """Rows of `documents`, with invented names."""
    return [
        {
            "file_id": hashlib.md5(f"{n}".encode()).hexdigest(),
            "repo_id": "0" * 32,
            "repo": "invented/project",
            "path": f"src/file_{n}.py",
            "blob_id": "0" * 40,
            "license": "MIT",
            "language": "Python",
            "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "text": text,
        }
        for n, text in enumerate(texts)
    ]


def write(root: Path, texts: list[str], parts: int = 3, compression: str = "none") -> Path:
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    rows = rows_of(texts)
    for part in range(parts):
        write_part(
            root, part, parts, rows[part * len(rows) // parts : (part + 1) * len(rows) // parts], tokenizer, compression
        )
    finish(root, parts, tokenizer, compression)
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chance = random.Random(5)
    texts = list(TEXTS)
    for n in range(60):
        lines = [line for t in chance.sample(TEXTS, 4) for line in t.splitlines(keepends=True)[:12]]
        chance.shuffle(lines)
        texts.append(f"# {n}\n" + "".join(lines))
    return write(tmp_path_factory.mktemp("release"), texts)


@pytest.fixture(scope="module")
def golden_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("golden"), TEXTS, 2)


def digest(batch: Batch) -> str:
    parts: list[np.ndarray[Any, Any]] = [batch.input_ids, batch.labels, batch.position_ids, batch.cu_seqlens]
    parts.append(batch.segments.table)
    return hashlib.sha256(b"".join(p.tobytes() for p in parts)).hexdigest()


def epoch_of(loader: Loader, epoch: int = 0) -> Batch:
    return loader.read(epoch, 0, loader.rows(epoch))


def segments_of(batch: Batch) -> list[tuple[np.ndarray[Any, Any], int, int, int, int]]:
    """For each segment its ids, document, offset, length and form."""
    flat, s = batch.input_ids.reshape(-1), batch.segments
    return [
        (flat[a:b], int(d), int(o), int(n), int(f))
        for a, b, d, o, n, f in zip(
            batch.cu_seqlens[:-1], batch.cu_seqlens[1:], s.document, s.offset, s.length, s.form, strict=True
        )
    ]


@pytest.mark.parametrize("context", [64, 128, 1000])
@pytest.mark.parametrize("fim_rate", [0.0, 0.5, 1.0])
def test_every_segment_undone_is_the_source_and_nothing_is_lost(root: Path, context: int, fim_rate: float) -> None:
    loader = Loader(root, context=context, fim_rate=fim_rate)
    tokenizer = loader.store.tokenizer
    seen = {n: 0 for n in range(len(loader.store))}
    for ids, document, offset, length, _ in segments_of(epoch_of(loader)):
        if document < 0:
            assert (ids == loader.control_ids["<fim_pad>"]).all()
            continue
        source = loader.store.tokens(document)[offset : offset + length]
        assert tokenizer.decode_bytes(fim_undo(ids, loader.control_ids)) == tokenizer.decode_bytes(source)
        seen[document] += length
    assert seen == {n: len(loader.store.tokens(n)) for n in seen}


def test_forms_look_as_they_are_named(root: Path) -> None:
    loader = Loader(root, context=CONTEXT, fim_rate=0.7)
    pre, mid, suf, end = (loader.control_ids[n] for n in (*SENTINELS[1:4], SENTINELS[0]))
    found = set()
    for ids, document, offset, length, form in segments_of(epoch_of(loader)):
        if document < 0:
            continue
        found.add(form)
        last = offset + length == len(loader.store.tokens(document))
        control = [int(i) for i in ids if i in (pre, mid, suf, end)]
        if form == PLAIN:
            assert control == ([end] if last else [])
        else:
            assert control == [pre, suf, mid, end]
            assert ids[0] == pre
            assert (ids[1] == suf) or form == PSM
        assert (ids[-1] == end) == (last or form != PLAIN)
    assert found == {PLAIN, PSM, SPM}


def test_labels_follow_and_stop_at_the_end_of_each_segment(root: Path) -> None:
    loader = Loader(root, context=CONTEXT)
    batch = epoch_of(loader)
    labels, positions = batch.labels.reshape(-1), batch.position_ids.reshape(-1)
    sentinels = [loader.control_ids[n] for n in SENTINELS[1:4]]
    at = 0
    for ids, document, *_ in segments_of(batch):
        expected = np.append(ids[1:], -100)
        expected[np.isin(expected, sentinels)] = -100
        if document < 0:
            expected[:] = -100
        assert np.array_equal(labels[at : at + len(ids)], expected)
        assert np.array_equal(positions[at : at + len(ids)], np.arange(len(ids)))
        at += len(ids)
    assert at == batch.input_ids.size


def test_no_short_document_is_cut(root: Path) -> None:
    loader = Loader(root, context=CONTEXT)
    documents = [d for _, d, *_ in segments_of(epoch_of(loader)) if d >= 0]
    for document in range(len(loader.store)):
        if 0 < len(loader.store.tokens(document)) < CONTEXT:
            assert documents.count(document) == 1


@given(world=st.integers(1, 4), batch=st.integers(1, 4), epoch=st.integers(0, 1), row=st.integers(0, 30))
@settings(max_examples=30, deadline=None)
def test_ranks_and_batch_sizes_share_one_global_order(root: Path, world: int, batch: int, epoch: int, row: int) -> None:
    whole = Loader(root, context=CONTEXT, seed=4)
    state = whole.state_dict() | {"epoch": epoch, "row": row}
    steps = []
    for rank in range(world):
        loader = Loader(root, context=CONTEXT, seed=4, batch=batch, rank=rank, world=world)
        loader.load_state_dict(state)
        steps.append([b.input_ids for b in islice(loader, 3)])
        after = loader.state_dict()
    rows = np.concatenate([ids for step in zip(*steps, strict=True) for ids in step])
    assert np.array_equal(rows, whole.read(epoch, row, 3 * world * batch).input_ids)
    whole.load_state_dict(state)
    for _ in range(3):
        whole.batch = world * batch
        next(iter(whole))
    assert whole.state_dict() == after


def test_two_loaders_give_the_same_batches(root: Path) -> None:
    one, two = (Loader(root, context=CONTEXT, batch=2, epochs=2) for _ in range(2))
    batches = [digest(b) for b in one]
    assert len(batches) == (one.rows(0) + one.rows(1)) // 2
    assert batches == [digest(b) for b in two]
    assert len(set(batches)) == len(batches)
    other = Loader(root, context=CONTEXT, batch=2, epochs=2, seed=1)
    assert [digest(b) for b in other] != batches


def test_a_restart_at_any_step_gives_what_an_undisturbed_run_gives(root: Path) -> None:
    settings_: dict[str, Any] = {"context": CONTEXT, "batch": 3, "epochs": 2}
    undisturbed, states = [], []
    loader = Loader(root, **settings_)
    states.append(json.dumps(loader.state_dict()))
    for batch in loader:
        undisturbed.append(digest(batch))
        states.append(json.dumps(loader.state_dict()))
    assert max(map(len, states)) < 200
    for step, state in enumerate(states):
        resumed = Loader(root, **settings_)
        resumed.load_state_dict(json.loads(state))
        rest = [] if resumed.steps_left() == 0 else [digest(b) for b in islice(resumed, 4)]
        assert rest == undisturbed[step : step + 4]


def test_batches_do_not_depend_on_what_freed_memory_holds(root: Path) -> None:
    program = (
        "import sys, hashlib; from gleanery.shards.loader import Loader\n"
        f"loader = Loader(sys.argv[1], context={CONTEXT}, fim_rate=1.0)\n"
        "batch = loader.read(0, 0, loader.rows(0))\n"
        "print(hashlib.sha256(batch.input_ids.tobytes() + batch.segments.table.tobytes()).hexdigest())\n"
    )
    # What is freed is overwritten, and if it is large given back at once, so that a late reader ends the process.
    harsh = {**os.environ, "MALLOC_PERTURB_": "85", "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}
    command = [sys.executable, "-c", program, str(root)]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=harsh).stdout.strip()
    loader = Loader(root, context=CONTEXT, fim_rate=1.0)
    rows = [loader.read(0, row, 1) for row in range(loader.rows(0))]
    one_by_one = joined(rows)
    raw = one_by_one.input_ids.tobytes() + one_by_one.segments.table.tobytes()
    assert found == hashlib.sha256(raw).hexdigest()


@pytest.mark.slow
def test_a_killed_process_goes_on_exactly(root: Path) -> None:
    program = (
        "import sys, json, hashlib; from gleanery.shards.loader import Loader\n"
        f"loader = Loader(sys.argv[1], context={CONTEXT}, batch=3)\n"
        "for b in loader:\n"
        "    print(hashlib.sha256(b.input_ids.tobytes()).hexdigest(), json.dumps(loader.state_dict()), flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [line for line in islice(process.stdout, 11) if line.endswith("\n")]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    expected = [hashlib.sha256(b.input_ids.tobytes()).hexdigest() for b in islice(Loader(root, CONTEXT, 3), 20)]
    assert [line.split(" ", 1)[0] for line in lines] == expected[: len(lines)]
    resumed = Loader(root, context=CONTEXT, batch=3)
    resumed.load_state_dict(json.loads(lines[-1].split(" ", 1)[1]))
    rest = [hashlib.sha256(b.input_ids.tobytes()).hexdigest() for b in islice(resumed, 20 - len(lines))]
    assert rest == expected[len(lines) :]


def test_a_state_of_another_release_or_of_other_settings_is_refused(root: Path, golden_root: Path) -> None:
    state = Loader(root, context=CONTEXT).state_dict()
    with pytest.raises(StopRun, match="another release"):
        Loader(golden_root, context=CONTEXT).load_state_dict(state)
    others: list[dict[str, Any]] = [
        {"context": 64},
        {"seed": 1},
        {"fim_rate": 0.4},
        {"spm_rate": 0.4},
        {"only": [1, 7]},
        {"repo_rate": 0.5},
        {"line_rate": 0.5},
    ]
    for other in others:
        with pytest.raises(StopRun, match="settings"):
            Loader(root, **({"context": CONTEXT} | other)).load_state_dict(state)
    for wrong in ({"row": -1}, {"row": 10**9}, {"epoch": -1}, {"row": "x"}):
        with pytest.raises(StopRun, match="does not exist"):
            Loader(root, context=CONTEXT).load_state_dict(state | wrong)
    Loader(root, context=CONTEXT, batch=1, rank=2, world=5, epochs=9).load_state_dict(state)


def test_impossible_settings_are_refused(root: Path, tmp_path: Path) -> None:
    for wrong in ({"rank": 1}, {"batch": 0}, {"world": 0}, {"context": 10}, {"fim_rate": 2.0}, {"only": [10**6]}):
        with pytest.raises(StopRun):
            Loader(root, **wrong)
    with pytest.raises(StopRun, match="nothing to serve"):
        Loader(write(tmp_path, [""], 1))


@pytest.mark.parametrize("compression", ["none", "lz4", "zstd"])
def test_a_flipped_bit_stops_the_loader_and_names_the_shard(tmp_path: Path, compression: str) -> None:
    write(tmp_path, TEXTS, 2, compression)
    path = tmp_path / "tokens/part-00001-of-00002.bin"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(StopRun, match=r"tokens/part-00001-of-00002\.bin was changed"):
        for _ in islice(Loader(tmp_path, context=64, batch=1), 200):
            pass


@pytest.mark.parametrize("token", [65_535, 0])
def test_a_token_that_no_text_gives_stops_the_loader_and_not_the_process(tmp_path: Path, token: int) -> None:
    write(tmp_path, ["é" * 40, "a b c d"], 1)
    forge(tmp_path, token)
    with pytest.raises(StopRun, match="control token"):
        for _ in islice(Loader(tmp_path, context=64, fim_rate=1.0, batch=1), 50):
            pass


def forge(root: Path, token: int) -> None:
    """Put another token into a release of one block, with checksums and digests that fit."""
    tokens = np.fromfile(root / "tokens/part-00000-of-00001.bin", "<u2")
    tokens[3] = token
    forge_block(root, tokens.tobytes())


def forge_block(root: Path, content: bytes, compression: str = "none") -> None:
    """Put other bytes in the place of a release's one block, with its size, checksum and digests."""
    path, index = (root / name / "part-00000-of-00001.bin" for name in ("tokens", "index"))
    path.write_bytes(content)
    behind = b"".join(n.to_bytes(8, "little") for n in (len(content), xxhash.xxh3_64_intdigest(content)))
    index.write_bytes(index.read_bytes()[:-16] + behind)
    finish(root, 1, Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes()), compression)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
@pytest.mark.parametrize("what", ["noise", "nothing", "too much", "too little", "cut off"])
def test_a_block_that_decodes_to_anything_else_stops_the_loader(tmp_path: Path, compression: str, what: str) -> None:
    write(tmp_path, ["a b c d " * 50], 1, compression)
    whole = (tmp_path / "tokens/part-00000-of-00001.bin").read_bytes()
    codec = {"lz4": "lz4_raw", "zstd": "zstd"}[compression]
    made = {
        "noise": bytes(range(256)),
        "nothing": pa.compress(b"", codec=codec, asbytes=True),
        "too much": pa.compress(bytes(1 << 20), codec=codec, asbytes=True),
        "too little": pa.compress(b"abcd", codec=codec, asbytes=True),
        "cut off": whole[:-3],
    }
    forge_block(tmp_path, made[what], compression)
    with pytest.raises(StopRun, match=r"tokens/part-00000-of-00001\.bin (cannot be decoded|has a block of another)"):
        next(iter(Loader(tmp_path, context=64, batch=1)))


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_empty_documents_may_be_compressed(tmp_path: Path, compression: str) -> None:
    store = Store.open(write(tmp_path, ["", ""], 1, compression))
    assert [store.text(0), store.text(1)] == ["", ""]
    store.verify()


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_a_compressed_release_gives_the_same_batches(root: Path, tmp_path: Path, compression: str) -> None:
    plain = write(tmp_path / "plain", TEXTS * 3, 2)
    small = write(tmp_path / "small", TEXTS * 3, 2, compression)
    one, two = (Loader(r, context=CONTEXT, batch=3, epochs=1) for r in (plain, small))
    assert [digest(b) for b in one] == [digest(b) for b in two]
    assert Store.open(small, tmp_path).text(1) == TEXTS[1]
    Store.open(small).verify()


def test_only_the_chosen_documents_are_served(root: Path) -> None:
    loader = Loader(root, context=CONTEXT, only=[0, 3, 20])
    assert {d for _, d, *_ in segments_of(epoch_of(loader))} - {-1} == {0, 3, 20}


def test_every_token_can_be_traced_to_its_bytes(root: Path) -> None:
    loader = Loader(root, context=CONTEXT, batch=4, fim_rate=0.7, rank=1, world=2)
    texts = {n: loader.store.text(n).encode() for n in range(len(loader.store))}
    table = loader.store.tokenizer.table
    for batch in islice(loader, 2):
        for row in range(4):
            for position in range(0, CONTEXT, 3):
                token = int(batch.input_ids[row, position])
                origin = lineage.origin(loader, batch.epoch, batch.index + row, position)
                if origin is None:
                    assert token == loader.control_ids["<fim_pad>"]
                    continue
                spelled = table.content[table.start[token] : table.start[token + 1]].tobytes()
                assert texts[origin.document][origin.begin : origin.end] == spelled
                assert origin.file_id == rows_of([""] * len(texts))[origin.document]["file_id"]
    with pytest.raises(IndexError):
        lineage.origin(loader, 0, 0, CONTEXT)


@given(text=TEXT, bits=BITS, kind=st.sampled_from([CHARACTER, LINE]))
@settings(max_examples=400, deadline=None)
def test_parts_of_a_whole_document_are_what_the_tokenizer_gives_for_each(
    golden_root: Path, text: str, bits: int, kind: int
) -> None:
    tokenizer = tokenizer_of(golden_root)
    (ids,) = tokenizer.encode([text])
    parts, exact = cut(ids, bits, spelling_of(tokenizer.json), 10_000, kind)
    spelled = [tokenizer.decode(part) for part in (parts.prefix, parts.middle, parts.suffix)]
    assert "".join(spelled) == text
    assert exact or not unknown_free(text)
    if exact:
        for part, again in zip((parts.prefix, parts.middle, parts.suffix), tokenizer.encode(spelled), strict=True):
            assert part.tolist() == again.tolist()


def test_the_halves_of_a_split_token_are_what_the_tokenizer_gives_for_each(golden_root: Path) -> None:
    tokenizer = tokenizer_of(golden_root)
    spelling, seen = spelling_of(tokenizer.json), 0
    table = splits_of(spelling, tokenizer.dtype)
    for token, (begin, end) in enumerate(itertools.pairwise(spelling.start.tolist())):
        for at in range(begin + 1, end):
            left, right = int(table[at, COUNTS]) & 255, int(table[at, COUNTS]) >> 8
            if table[at, COUNTS] == 0:
                continue
            halves = [spelling.content[begin:at].tobytes().decode(), spelling.content[at:end].tobytes().decode()]
            found = [table[at, LEFT : LEFT + left].tolist(), table[at, RIGHT : RIGHT + right].tolist()]
            assert found == [ids.tolist() for ids in tokenizer.encode(halves)], token
            seen += 1
    assert seen > 100


def unknown_free(text: str) -> bool:
    """Whether no character of a text is left out of the table of kinds."""
    return all(kinds()[ord(c)] != UNKNOWN for c in text)


@given(text=TEXT, bits=BITS, begin=st.integers(0, 60), length=st.integers(0, 60), growth=st.integers(0, 8))
@settings(max_examples=300, deadline=None)
def test_any_stretch_of_tokens_can_be_cut_within_its_room(
    golden_root: Path, text: str, bits: int, begin: int, length: int, growth: int
) -> None:
    tokenizer = tokenizer_of(golden_root)
    piece = tokenizer.encode([text])[0][begin : begin + length]
    parts, _ = cut(piece, bits, spelling_of(tokenizer.json), growth)
    joined = np.concatenate([parts.prefix, parts.middle, parts.suffix])
    assert len(joined) <= len(piece) + growth
    assert tokenizer.decode_bytes(joined) == tokenizer.decode_bytes(piece)
    # No cut divides a character: only the outer edges of the piece may.
    for left, right in ((parts.prefix, parts.middle), (parts.middle, parts.suffix)):
        behind = tokenizer.decode_bytes(np.concatenate([right, parts.suffix if right is parts.middle else right[:0]]))
        before = tokenizer.decode_bytes(left)
        assert not (before and behind and behind[0] & 0xC0 == 0x80)


def test_the_table_of_kinds_is_what_the_library_sees() -> None:
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    digits = pre_tokenizers.Digits(individual_digits=True)
    points = [*range(1, 0x250), *range(0x250, 0x110000, 97)]
    for point in points:
        kind, character = int(kinds()[point]), chr(point)
        if 0xD800 <= point < 0xE000 or kind == UNKNOWN:
            continue
        joins = [len(byte_level.pre_tokenize_str(before + character)) == 1 for before in "a1!"]
        expected = {LETTER: 0, NUMBER: 1, SIGN: 2, APOSTROPHE: 2}
        assert joins == [k == expected.get(kind, -1) for k in range(3)], hex(point)
        assert (len(digits.pre_tokenize_str(f"a{character}a")) == 3) == (kind == NUMBER)


_TOKENIZERS: dict[Path, Tokenizer] = {}


def tokenizer_of(root: Path) -> Tokenizer:
    return _TOKENIZERS.setdefault(root, Store.open(root).tokenizer)


def test_most_cuts_fall_inside_tokens_and_fit_their_room(root: Path) -> None:
    tokenizer = tokenizer_of(root)
    store, spelling = Store.open(root), spelling_of(tokenizer.json)
    # Two invented lines are each a few very long tokens, which the tiny vocabulary learnt by heart; leave them out.
    kept = [n for n in range(len(store)) if "xxxx" not in store.text(n) and "日本語日" not in store.text(n)]
    chance = random.Random(0)
    pieces = [store.tokens(n) for n in kept if len(store.tokens(n)) for _ in range(20)]
    grown = []
    for piece in pieces:
        bits = chance.getrandbits(64)
        near, exact = cut(piece, bits, spelling, FIM_GROWTH)
        assert exact
        assert len(near.prefix) + len(near.middle) + len(near.suffix) - len(piece) <= FIM_GROWTH
        free, _ = cut(piece, bits, spelling, 10_000)
        grown.append(len(free.prefix) + len(free.middle) + len(free.suffix) - len(piece))
    assert np.mean(np.array(grown) > 0) > 0.4
    assert np.mean(np.array(grown) > FIM_GROWTH) < 0.01


def test_every_character_is_equally_likely_to_be_cut_at(root: Path) -> None:
    tokenizer = tokenizer_of(root)
    text = "return value  # é"
    (ids,) = tokenizer.encode([text])
    counts = np.zeros(len(text) + 1)
    for bits in range(20_000):
        parts, _ = cut(ids, bits * 0x9E3779B97F4A7C15 % (1 << 64), spelling_of(tokenizer.json), 100)
        first = len(tokenizer.decode(parts.prefix))
        counts[[first, first + len(tokenizer.decode(parts.middle))]] += 1
    share = counts / counts.sum() * len(counts)
    assert 0.9 < share.min() <= share.max() < 1.1


@pytest.mark.parametrize("alphabet", ["汉字书写", "абвгд", "\U0001f600\U0001f601"])
def test_characters_of_several_tokens_are_equally_likely_to_be_cut_at(root: Path, alphabet: str) -> None:
    tokenizer = tokenizer_of(root)
    text = "".join(random.Random(2).choices(alphabet, k=25))
    (ids,) = tokenizer.encode([text])
    counts = np.zeros(len(text) + 1)
    for bits in range(20_000):
        parts, _ = cut(ids, bits * 0x9E3779B97F4A7C15 % (1 << 64), spelling_of(tokenizer.json), 10_000)
        first = len(tokenizer.decode(parts.prefix))
        counts[[first, first + len(tokenizer.decode(parts.middle))]] += 1
    share = counts / counts.sum() * len(counts)
    assert 0.85 < share.min() <= share.max() < 1.15


def test_every_pair_of_lines_is_equally_likely_to_be_cut_at(root: Path) -> None:
    tokenizer = tokenizer_of(root)
    lines = ["def f(first, second):\n", "    total = first + second\n", "\n", "\n", "    return total\n", "# end"]
    (ids,) = tokenizer.encode(["".join(lines)])
    ends = np.cumsum([len(line) for line in lines])[:-1].tolist()
    counts: Counter[tuple[int, int]] = Counter()
    for bits in range(20_000):
        mixed = bits * 0x9E3779B97F4A7C15 % (1 << 64)
        parts, _ = cut(ids, mixed, spelling_of(tokenizer.json), 10_000, LINE)
        first = len(tokenizer.decode(parts.prefix))
        counts[first, first + len(tokenizer.decode(parts.middle))] += 1
    assert set(counts) == set(combinations(ends, 2))
    assert 0.9 < min(counts.values()) / 2000 <= max(counts.values()) / 2000 < 1.1
    (alone,) = tokenizer.encode(["only one line\n"])  # cut anywhere
    assert len({len(cut(alone, n, spelling_of(tokenizer.json), 100, LINE)[0].prefix) for n in range(200)}) > 2


@pytest.mark.parametrize("other", ["rule", "ignore_merges"])
def test_other_tokenizers_are_cut_at_tokens_without_growth(tmp_path: Path, other: str) -> None:
    config = json.loads((GOLDEN / "tokenizer.json").read_bytes())
    if other == "rule":
        config["pre_tokenizer"]["pretokenizers"][1]["use_regex"] = False
    else:
        config["model"]["ignore_merges"] = True
    tokenizer = Tokenizer.load(json.dumps(config).encode())
    write_part(tmp_path, 0, 1, rows_of(TEXTS), tokenizer)
    finish(tmp_path, 1, tokenizer)
    loader = Loader(tmp_path, context=CONTEXT, fim_rate=1.0)
    assert (loader.store.description.fim_cuts, loader.rules.growth) == ("token", 0)
    for ids, document, offset, length, _ in segments_of(epoch_of(loader)):
        if document >= 0:
            source = loader.store.tokens(document)[offset : offset + length]
            assert np.array_equal(fim_undo(ids, loader.control_ids), source)


def test_a_fim_choice_does_not_depend_on_order_or_neighbours(root: Path) -> None:
    whole = Loader(root, context=1000)
    some = Loader(root, context=1000, only=range(10, 40))
    forms = [{d: ids.tolist() for ids, d, *_ in segments_of(epoch_of(x)) if d >= 0} for x in (whole, some)]
    assert len(forms[1]) > 20
    assert all(forms[0][d] == ids for d, ids in forms[1].items())


def test_the_batches_are_those_expected(golden_root: Path) -> None:
    loader = Loader(golden_root, context=64, batch=2, seed=0)
    batch = next(iter(loader))
    found = {
        "rows": [loader.rows(0), loader.rows(1)],
        "input_ids": batch.input_ids.tolist(),
        "labels": batch.labels.tolist(),
        "cu_seqlens": batch.cu_seqlens.tolist(),
        "documents": batch.segments.document.tolist(),
        "offsets": batch.segments.offset.tolist(),
        "forms": batch.segments.form.tolist(),
        "digest_of_three_epochs": hashlib.sha256(
            "".join(digest(epoch_of(loader, e)) for e in range(3)).encode()
        ).hexdigest(),
    }
    assert found == json.loads((GOLDEN / "expected_batch.json").read_text())


@pytest.mark.parametrize("mode", ["mask", "repack"])
def test_removal_changes_nothing_but_the_removed_document(root: Path, mode: Any) -> None:
    gone = [3, 17, 40]
    whole = Loader(root, context=CONTEXT, fim_rate=0.7)
    half = Loader(root, context=CONTEXT, fim_rate=0.7, removed=removal(root, gone, mode))
    half.load_state_dict(whole.state_dict())  # the run had begun before the list grew
    one, two = epoch_of(whole), epoch_of(half)
    taken = np.isin(one.segments.document, gone)
    assert taken.sum() >= len(gone)
    assert np.array_equal(one.cu_seqlens, two.cu_seqlens)
    assert np.array_equal(one.position_ids, two.position_ids)
    assert np.array_equal(one.segments.table[~taken], two.segments.table[~taken])
    inside = np.repeat(taken, np.diff(one.cu_seqlens)).reshape(one.input_ids.shape)
    assert np.array_equal(one.input_ids[~inside], two.input_ids[~inside])
    assert np.array_equal(one.labels[~inside], two.labels[~inside])
    assert (two.input_ids[inside] == whole.control_ids["<fim_pad>"]).all()
    assert (two.labels[inside] == -100).all()
    assert (two.segments.document[taken] == -1).all()
    later = {d for _, d, *_ in segments_of(epoch_of(half, 1))}
    assert not later & set(gone)
    assert (half.rows(1) == whole.rows(1)) == (mode == "mask")


def removal(root: Path, ordinals: list[int], mode: Any = "mask") -> Removed:
    """A removal list of a release, with invented digests."""
    digests = [hashlib.sha256(str(ordinals[:n]).encode()).hexdigest()[:8] for n in range(1, len(ordinals) + 1)]
    return Removed(np.array(ordinals, np.int64), ("00000000", *digests), mode, Store.open(root).release)


def test_a_restart_under_a_longer_list_goes_on_and_under_an_older_one_is_refused(root: Path) -> None:
    short, long = removal(root, [3, 17], "repack"), removal(root, [3, 17, 40], "repack")
    loader = Loader(root, context=CONTEXT, removed=short)
    begun = list(islice(loader, 2))
    state = loader.state_dict()
    assert (state["removed"], state["packed"]) == (2, 2)
    resumed = Loader(root, context=CONTEXT, removed=long)
    resumed.load_state_dict(state)
    assert resumed.state_dict() | {"removed": 2, "list": state["list"]} == state
    assert resumed.rows(0) == loader.rows(0)
    again = resumed.read(0, 0, len(begun[0].input_ids))
    assert np.array_equal(again.cu_seqlens, begun[0].cu_seqlens)
    for older in (removal(root, [3]), removal(root, [4, 17]), NOTHING_REMOVED):
        with pytest.raises(StopRun, match="older"):
            Loader(root, context=CONTEXT, removed=older).load_state_dict(state)
    with pytest.raises(StopRun, match="does not exist"):
        Loader(root, context=CONTEXT, removed=removal(root, [10**6]))


def test_whole_repositories_are_left_plain_by_rate(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    rows = rows_of([f"def f_{n}(a):\n    return a\n" for n in range(400)])
    for n, row in enumerate(rows):
        row["repo_id"] = hashlib.md5(f"repo {n // 10}".encode()).hexdigest()
    write_part(tmp_path, 0, 1, rows, tokenizer)
    finish(tmp_path, 1, tokenizer)
    batch = epoch_of(Loader(tmp_path, context=CONTEXT, fim_rate=0.5, repo_rate=0.5))
    held = batch.segments.document >= 0
    cut_in = np.zeros(40)
    np.add.at(cut_in, batch.segments.document[held] // 10, batch.segments.form[held] > 0)
    assert 8 <= (cut_in == 0).sum() <= 32
    assert 3 <= cut_in[cut_in > 0].mean() <= 7


def test_cuts_at_lines_stand_between_lines(root: Path) -> None:
    loader = Loader(root, context=1000, fim_rate=1.0, line_rate=1.0)
    tokenizer, at_lines, all_cuts = loader.store.tokenizer, 0, 0
    for ids, document, *_, form in segments_of(epoch_of(loader)):
        if document >= 0 and form == PSM:
            parts = split_segment(ids, loader.control_ids)
            for before in (parts.prefix, np.concatenate([parts.prefix, parts.middle])):
                spelled = tokenizer.decode_bytes(before)
                at_lines += spelled.endswith(b"\n")
                all_cuts += 1
    assert at_lines > 0.9 * all_cuts > 0


def test_spans_become_middles(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    texts = [f"x{n} = 1\ndef name_{n}(é):\n    return {n}\n" for n in range(40)]

    def spans(row: Any) -> Any:
        raw = str(row["text"]).encode()
        return np.array([[raw.index(b"def"), len(raw)], [raw.index(b"name"), raw.index(b"(")]], np.uint32)

    write_part(tmp_path, 0, 1, rows_of(texts), tokenizer, spans=spans)
    finish(tmp_path, 1, tokenizer, with_spans=True)
    loader = Loader(tmp_path, context=1000, fim_rate=1.0, spm_rate=0.0, syntax_rate=1.0)
    middles = set()
    for ids, document, *_ in segments_of(epoch_of(loader)):
        if document >= 0:
            middles.add(tokenizer.decode(split_segment(ids, loader.control_ids).middle).replace(str(document), "N"))
    assert middles == {"def name_N(é):\n    return N\n", "name_N"}
    with pytest.raises(StopRun, match="no spans"):
        Loader(write(tmp_path / "without", TEXTS, 1), syntax_rate=0.5)


def test_a_loader_needs_neither_the_tokenizer_library_nor_arrow(root: Path) -> None:
    program = (
        "import sys\n"
        "for name in ('tokenizers', 'pyarrow', 'torch', 'datatrove', 'apache_beam'): sys.modules[name] = None\n"
        "from gleanery.shards.loader import Loader\n"
        f"print(next(iter(Loader(sys.argv[1], context={CONTEXT}))).input_ids.shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True)
    assert done.stdout == f"(8, {CONTEXT})\n"


def test_a_loader_is_a_map_from_steps_to_batches(root: Path) -> None:
    loader = Loader(root, context=CONTEXT, batch=2, rank=1, world=2, epochs=2)
    steps = [digest(batch) for batch in loader]
    assert len(loader) == len(steps)
    shuffled = random.Random(3).sample(range(len(steps)), len(steps))  # as any number of workers would ask for them
    assert all(digest(loader[step]) == steps[step] for step in shuffled)
    with pytest.raises(IndexError):
        loader[len(steps)]


@pytest.mark.parametrize("world", [1, 3])
@pytest.mark.parametrize("batch", [1, 2, 5])
@pytest.mark.parametrize("only", [20, 21, 22, 24])
def test_a_loader_ends_where_its_epochs_end(root: Path, batch: int, world: int, only: int) -> None:
    grid: dict[str, Any] = {
        "context": CONTEXT,
        "batch": batch,
        "world": world,
        "only": range(only),
        "fim_rate": 0.0,
    }
    loader = Loader(root, epochs=2, **grid)
    assert sum(1 for _ in loader) == len(loader) > 0
    assert loader.steps_left() == 0
    with pytest.raises(StopRun, match="all steps of the epochs were taken"):
        next(iter(loader))
    ended = Loader(root, epochs=1, **grid)  # of a training that was to go on for longer
    ended.load_state_dict(loader.state_dict() | {"epoch": 2, "row": 0})
    with pytest.raises(StopRun, match="all steps of the epochs were taken"):
        next(iter(ended))


def test_no_plan_is_made_twice_however_steps_are_asked_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(*given: Any) -> Plan:
        made.append(given[3])
        return plan_epoch(*given)

    monkeypatch.setattr(plans, "plan_epoch", counted)
    loader = Loader(root, context=CONTEXT, batch=2, epochs=6)
    for step in random.Random(4).sample(range(len(loader)), 30):
        loader[step], loader.ahead(step), loader.state_ahead(step)
    assert sorted(made) == list(range(6))
    some = Loader(root, context=CONTEXT, only=[3, 4])
    mixed, made[:] = Mixture([Loader(root, context=CONTEXT), some], [1, 1], batch=4, rank=9, world=10), []
    for _ in islice(mixed, 6):
        pass
    counts = np.bincount(made)
    assert counts.max() <= 2  # one for each of the two sources


def test_few_plans_are_kept_where_they_are_large(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = Loader(root, context=CONTEXT)
    monkeypatch.setattr(plans, "KEPT_BYTES", 1)
    rows = [loader.rows(epoch) for epoch in range(6)]
    assert len(loader._plans._plans) == 2 and [loader.plan(epoch).rows for epoch in range(6)] == rows


def test_what_small_plans_take_is_counted_and_bounded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source of few files has many epochs. What a plan takes is mostly not its numbers."""
    loader = Loader(root, context=CONTEXT, only=[3], batch=4)
    for epoch in range(20):
        loader.read(epoch, 0, 1)  # what is made once
    gc.collect()
    tracemalloc.start()
    before = len(loader._plans._plans)
    for epoch in range(1000, 1400):
        loader.plan(epoch)
    taken, made = tracemalloc.get_traced_memory()[0], len(loader._plans._plans) - before
    tracemalloc.stop()
    assert made == 400 and taken < 1.3 * made * (plans.PLAN_BYTES + loader.plan(0).nbytes)
    monkeypatch.setattr(plans, "KEPT_BYTES", 100 * plans.PLAN_BYTES)
    for epoch in range(2000, 2500):
        loader.plan(epoch)
    assert 50 < len(loader._plans._plans) <= 100


def test_a_place_is_found_through_any_number_of_epochs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by counting: from the beginning, from a place, with sums that are full and with sums that are not."""
    monkeypatch.setattr(plans, "MOST_EPOCHS", 30)
    loader = Loader(root, context=CONTEXT, only=range(20, 24), batch=2)
    rows = [loader.plan(epoch).rows for epoch in range(100)]
    places = [(epoch, row) for epoch, count in enumerate(rows) for row in range(count)]
    chance = random.Random(3)
    for number in range(200):
        begin = chance.randrange(len(places) // 2)
        count = chance.randrange(len(places) - begin)
        assert loader.after(*places[begin], count) == places[begin + count]
        epochs, left = chance.randrange(1, 100), chance.randrange(3)
        epoch, row = places[begin]
        held = max(0, sum(rows[epoch:epochs]) - row)
        assert loader._plans.hold(epoch, row, held, epochs)
        assert loader._plans.hold(epoch, row, held + left, epochs) == (left == 0)
        if number % 50 == 0:
            loader.load_state_dict(loader.state_dict() | {"epoch": 40, "row": 0})
    assert all(len(sums) <= 31 for sums in loader._plans._sums.values()) and len(loader._plans._sums) <= 2


def test_a_step_by_its_number_costs_no_more_the_further_it_lies(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = Loader(root, context=CONTEXT, only=[3], batch=4, epochs=4000)
    loader[600]
    asked, rows = list[int](), loader._plans.rows

    def counted(epoch: int) -> int:
        asked.append(epoch)
        return rows(epoch)

    monkeypatch.setattr(loader._plans, "rows", counted)
    loader[599]
    assert len(asked) < 40


@pytest.mark.parametrize(
    "only",
    [np.ones(40, bool), [True, False], [1.0, 2.0], ["1"], np.array([0.5])],
    ids=["mask", "list", "floats", "text", "half"],
)
def test_what_is_no_list_of_ordinals_is_refused(root: Path, only: Any) -> None:
    with pytest.raises(StopRun, match="ordinals"):
        Loader(root, only=only)


@pytest.mark.parametrize("mode", ["mask", "repack"])
def test_held_out_documents_can_be_looked_at_again_and_again(root: Path, mode: Any) -> None:
    """A second loop over a loader that has come to its end was silently empty."""
    loader = Loader(root, context=CONTEXT, batch=2, epochs=2, removed=removal(root, [3, 17], mode))
    begin, first = loader.state_dict(), [digest(batch) for batch in loader]
    for _ in range(2):
        with pytest.raises(StopRun, match="all steps") as ended:
            next(iter(loader))
        assert "restart()" in ended.value.hint
        loader.restart()
        assert loader.state_dict() == begin
        assert [digest(batch) for batch in loader] == first


def test_a_loader_is_true_whatever_its_length(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Loader, "__len__", lambda _: 1 / 0)  # asks for no plan
    assert Loader(root, context=CONTEXT) and Loader(root, context=CONTEXT, epochs=300)


def test_ranks_that_would_not_fit_together_can_tell(root: Path, golden_root: Path) -> None:
    settings_: dict[str, Any] = {"context": CONTEXT, "batch": 2, "world": 2, "epochs": 3}

    def loader(rank: int = 0, gone: int = 5, mode: str = "repack", folder: Path = root, **more: Any) -> Loader:
        return Loader(folder, removed=removal(folder, list(range(gone)), mode), rank=rank, **(settings_ | more))

    one, moved = loader(), loader()
    assert one.agreement() == loader(rank=1).agreement()
    next(iter(moved))
    others = [loader(gone=4), loader(gone=6), loader(mode="mask"), loader(folder=golden_root), moved]
    changes: list[dict[str, Any]] = [{"batch": 1}, {"epochs": 1}, {"seed": 1}, {"fim_rate": 1.0}, {"world": 3}]
    others += [loader(**change) for change in changes]
    found = [other.agreement() for other in [one, *others]]
    assert len(set(found)) == len(found)
    mixtures = [
        Mixture([loader(gone=gone), loader(seed=1)], [1, 1], rank=rank, world=2) for rank, gone in enumerate((5, 5))
    ]
    assert mixtures[0].agreement() == mixtures[1].agreement()
    assert mixtures[0].agreement() != Mixture([loader(gone=4), loader(seed=1)], [1, 1], world=2).agreement()


@pytest.mark.parametrize("more", [{"batch": 10**6}, {"world": 10**5}, {"epochs": 0}, {"epochs": -1}])
def test_a_loader_that_would_serve_nothing_is_refused(root: Path, more: dict[str, Any]) -> None:
    with pytest.raises(StopRun, match="nothing to serve"):
        Loader(root, context=CONTEXT, **({"epochs": 1} | more))


def test_numbers_of_numpy_are_numbers(root: Path) -> None:
    one = Loader(root, context=CONTEXT, seed=3, batch=4)
    two = Loader(root, context=np.int32(CONTEXT), seed=np.int64(3), batch=np.uint8(4))  # type: ignore[arg-type]
    assert json.dumps(one.state_dict()) == json.dumps(two.state_dict())
    with pytest.raises(WrongArguments, match="context is 128.0"):
        Loader(root, context=128.0)  # type: ignore[arg-type]


def test_sources_with_other_sentinels_are_not_mixed(root: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(root, tmp_path / "copy"))
    described = json.loads((copy / "store.json").read_text())
    one, two = described["sentinels"]["<fim_pad>"], described["sentinels"]["<file_sep>"]
    one["id"], two["id"] = two["id"], one["id"]
    (copy / "store.json").write_text(json.dumps(described))
    with pytest.raises(StopRun, match="sentinels"):
        Mixture([Loader(root, context=CONTEXT), Loader(copy, context=CONTEXT)], [1, 1])


def mixture(root: Path, other: Path, **settings_: int) -> Mixture:
    return Mixture([Loader(root, context=CONTEXT), Loader(other, context=CONTEXT, seed=5)], [3, 1], **settings_)


def test_a_mixture_meets_its_weights_and_serves_each_source_in_its_own_order(root: Path, golden_root: Path) -> None:
    batches = list(islice(mixture(root, golden_root, batch=10), 8))
    sources = np.concatenate([b.sources for b in batches])
    assert np.bincount(sources).tolist() == [60, 20]
    alone = Loader(golden_root, context=CONTEXT, seed=5).read(0, 0, 20)
    rows = np.concatenate([b.input_ids for b in batches])
    assert np.array_equal(rows[sources == 1], alone.input_ids)
    for batch in batches:
        assert batch.cu_seqlens[0] == 0 and batch.cu_seqlens[-1] == batch.input_ids.size
        starts = batch.position_ids.reshape(-1)[batch.cu_seqlens[:-1]]
        assert (starts == 0).all() and len(batch.segments) == len(starts)


@given(world=st.integers(1, 3), size=st.integers(1, 5), steps=st.integers(0, 12))
@settings(max_examples=15, deadline=None)
def test_a_mixture_goes_on_exactly_on_other_hardware(
    root: Path, golden_root: Path, world: int, size: int, steps: int
) -> None:
    begun = mixture(root, golden_root, batch=6)
    for _ in islice(begun, steps):
        pass
    state = json.dumps(begun.state_dict())
    assert len(state) < 200
    whole = begun.read(begun.state_dict()["index"], 2 * world * size)
    ranks = [mixture(root, golden_root, batch=size, rank=rank, world=world) for rank in range(world)]
    for rank in ranks:
        rank.load_state_dict(json.loads(state))
    found = [list(islice(rank, 2)) for rank in ranks]
    rows = np.concatenate([batches[step].input_ids for step in range(2) for batches in found])
    assert np.array_equal(rows, whole.input_ids)


def test_a_mixture_refuses_what_does_not_fit(root: Path, golden_root: Path) -> None:
    one, two = Loader(root, context=CONTEXT), Loader(golden_root, context=64)
    for loaders, weights in (([one, two], [1, 1]), ([one], [1, 1]), ([one], [0.0]), ([one, one], [1, 1e-9])):
        with pytest.raises(StopRun):
            Mixture(loaders, weights)
    state = mixture(root, golden_root).state_dict()
    for wrong in ({"mixture": "0" * 16}, {"index": -1}, {"places": [[0, 0]]}, {"removed": [[9, 0], [0, 0]]}):
        with pytest.raises(StopRun):
            mixture(root, golden_root).load_state_dict(state | wrong)


DAMAGED: list[dict[str, Any]] = [
    {"places": [[0, 0], 5]},
    {"places": [[0], [0, 0]]},
    {"places": None},
    {"removed": [0, 0]},
    {"removed": [["0", 0], [0, 0]]},
    {"places": [[-1, 0], [0, 0]]},
    {"places": [[0, 7], [0, 3]]},
    {"index": 7},
    {"index": "7"},
    {"index": True},
    {"steps": 2},
    {"check": "000000"},
    {"check": None},
    {"mixture": {1, 2}},
]


@pytest.mark.parametrize("damage", DAMAGED, ids=str)
def test_a_damaged_state_of_a_mixture_is_refused_and_nothing_moves(
    root: Path, golden_root: Path, damage: dict[str, Any]
) -> None:
    """Of places that its index does not lead to, rows would be served that no trace finds."""
    one, two = mixture(root, golden_root), mixture(root, golden_root)
    for _ in islice(one, 3):
        pass
    before = one.state_dict()
    with pytest.raises(StopRun, match="damaged"):
        one.load_state_dict(two.state_dict() | damage)
    with pytest.raises(StopRun, match="damaged"):
        one.load_state_dict({})
    assert one.state_dict() == before
    one.load_state_dict(json.loads(json.dumps(before)))
    one.restart()
    assert one.state_dict() == two.state_dict()
    assert np.array_equal(next(iter(one)).input_ids, next(iter(two)).input_ids)


def test_the_name_of_a_mixture_is_made_once(root: Path, golden_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = mixture(root, golden_root)
    state = mixed.state_dict()
    monkeypatch.setattr(mixed, "slots", None)  # of which every batch made a text of 30 KB
    assert mixed.state_dict() == state


@pytest.mark.parametrize("more", [{}, {"targets": False}, {"unit": "repository"}, {"only": [3, 4, 5]}], ids=str)
def test_a_mixture_serves_what_its_sources_serve(root: Path, more: dict[str, Any]) -> None:
    """Row by row, with all that is known of its segments; a source of few files goes through many epochs on the way."""
    sources = [Loader(root, context=CONTEXT, seed=seed, fim_rate=0.7, **more) for seed in (1, 2, 3)]
    mixed = Mixture(sources, [5, 2, 1], batch=16)
    for batch in islice(mixed, 6):
        rows = []
        for row in range(16):
            source, place = mixed.source_of(batch.index + row)
            assert batch.sources[row] == source
            rows.append(sources[source].read(*sources[source].after(0, 0, place), 1))
        assert digest(joined(rows)) == digest(batch)


def test_rows_of_a_mixture_are_written_into_the_arrays_that_a_device_gives(root: Path, golden_root: Path) -> None:
    asked = list[tuple[int, int]]()

    def allocate(shape: tuple[int, int], dtype: Any) -> Any:
        asked.append(shape)
        return np.full(shape, 77, dtype)

    mixed, expected = mixture(root, golden_root, batch=6), next(iter(mixture(root, golden_root, batch=6)))
    mixed.allocate_with(allocate)
    assert digest(next(iter(mixed))) == digest(expected) and asked == [(6, CONTEXT)] * 3
