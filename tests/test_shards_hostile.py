"""A release from a stranger is refused or served; it never reaches memory that is not its own.

All digests of a hostile release fit, since whoever wrote it made them. What a stranger controls, what could go wrong
with it in compiled code, and where it is checked:

store.json         counts, sizes: index.py and layout.py compare them with the files; a vocabulary: `Store.spelling`;
                   ids of sentinels: under the vocabulary, and of tokens without text; a role left out: layout.py
index: tokens      lengths that do not add up to the shard: index.py; pieces never leave their document
index: language    a number behind the names: index.py
index: documents,  blocks that hold no document, or not all of them, or other bytes than the file has: index.py
  bytes, checksum
index: key, repo   any 64 bits are allowed
tokens             ids that spell nothing, or behind the vocabulary: `Store.touch`
names              counts that do not add up: names.py; ids: `Store.names`; a long name is left out of a row: pieces.py
spans: counts      they do not add up: `Store.spans`
spans: begin, end  backwards or out of order: `Store.spans`; behind the text, or inside a character: cuts.py
tokenizer.json     ids below 0 or far away, bytes without a token, merges that are none: spelling.py and merges.py
docs               not read by a loader
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gleanery.records.errors import StopRun
from gleanery.shards.cuts import EXACT, MOST_NEW, NEW_1, NEW_4, PLACES, WINDOW_BYTES, cut_span
from gleanery.shards.fim import fim_undo
from gleanery.shards.finishing import finish
from gleanery.shards.loader import Loader
from gleanery.shards.spelling import spelling_of
from gleanery.shards.splits import splits_of
from gleanery.shards.store import Store
from gleanery.shards.tokenizer import Tokenizer
from gleanery.shards.writing import write_part

GOLDEN = Path(__file__).parent / "golden" / "shards"
TEXTS: list[str] = json.loads((GOLDEN / "texts.json").read_text("utf-8"))
PART = "part-00000-of-00001.bin"
NUMBERS = st.sampled_from([0, 1, 2, 7, 300, (1 << 16) - 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 2, (1 << 32) - 1])


@lru_cache
def tokenizer_of(rule: str) -> Tokenizer:
    """The tokenizer of the tests, cut between characters; or one that is cut between tokens alone."""
    config = json.loads((GOLDEN / "tokenizer.json").read_bytes())
    if rule == "token":
        config["pre_tokenizer"]["pretokenizers"][1]["use_regex"] = False
    return Tokenizer.load(json.dumps(config).encode())


@pytest.fixture(scope="module", params=["character", "token"])
def root(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    folder, tokenizer = tmp_path_factory.mktemp(request.param), tokenizer_of(request.param)
    rows: list[dict[str, Any]] = [
        {"file_id": f"{n:032x}", "repo_id": f"{n // 5:032x}", "repo": f"invented/{n // 5}", "path": f"é/{n}.py"}
        | {
            "blob_id": "0" * 40,
            "license": "MIT",
            "language": "Python",
            "text": f"# é{n} line\n" + TEXTS[n % len(TEXTS)],
        }
        for n in range(24)
    ]

    def spans(row: Any) -> Any:
        size = len(str(row["text"]).encode())
        return np.array([[0, 2], [5, 7], [5, size]], np.uint32)

    write_part(folder, 0, 1, rows, tokenizer, spans=spans)
    finish(folder, 1, tokenizer, with_spans=True)
    return folder


def forged(root: Path, to: Path, kind: str, change: Callable[["np.ndarray[Any, Any]"], None]) -> Path:
    """A copy whose file of this kind was changed, as 32-bit numbers, with a digest that fits."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(root, to)
    path, described = to / kind / PART, json.loads((to / "store.json").read_text())
    content = path.read_bytes()
    numbers = np.frombuffer(content[: len(content) // 4 * 4], "<u4").copy()
    change(numbers)
    path.write_bytes(numbers.tobytes() + content[numbers.nbytes :])
    described["shards"][0][f"{kind}_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (to / "store.json").write_text(json.dumps(described))
    return to


def serve(root: Path) -> None:
    """One epoch of rows, files alone and repositories whole, all cut."""
    for unit in ("file", "repository"):
        loader = Loader(root, context=256, fim_rate=1.0, line_rate=0.1, syntax_rate=0.9, unit=unit)
        loader.read(0, 0, loader.rows(0))


@pytest.mark.parametrize("how", ["backwards", "out of order"])
def test_spans_that_are_none_are_refused(root: Path, tmp_path: Path, how: str) -> None:
    def change(numbers: "np.ndarray[Any, Any]") -> None:
        begins, ends = numbers[24 : 24 + 72], numbers[24 + 72 :]
        if how == "backwards":
            begins[3], ends[3] = 40, 1
        else:
            begins[[0, 1]], ends[[0, 1]] = begins[[1, 0]], ends[[1, 0]]

    copy = forged(root, tmp_path / "copy", "spans", change)
    with pytest.raises(StopRun, match="span"):
        Store.open(copy).scan()
    with pytest.raises(StopRun, match="span"):
        serve(copy)


def test_spans_behind_their_text_or_inside_a_character_are_passed_over(root: Path, tmp_path: Path) -> None:
    def change(numbers: "np.ndarray[Any, Any]") -> None:
        numbers[24 : 24 + 72 : 3] = 3  # the second byte of é
        numbers[24 + 72 :] = 1 << 31
        numbers[24 + 72 :: 3] = 6

    copy = forged(root, tmp_path / "copy", "spans", change)
    loader = Loader(copy, context=256, fim_rate=1.0, syntax_rate=1.0)
    batch, store = loader.read(0, 0, loader.rows(0)), loader.store
    flat, segments = batch.input_ids.reshape(-1), batch.segments
    for number, document in enumerate(segments.document.tolist()):
        if document >= 0:
            begin, offset = int(segments.begin[number]), int(segments.offset[number])
            ids = flat[begin : begin + int(batch.segment_sizes[number])]
            source = store.tokens(document)[offset : offset + int(segments.length[number])]
            undone = fim_undo(ids, loader.control_ids)
            assert store.tokenizer.decode_bytes(undone) == store.tokenizer.decode_bytes(source)


@given(
    spans=st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)), min_size=1, max_size=5),
    before=st.integers(0, 20),
    bits=st.integers(0, 2**64 - 1),
    exact=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_no_span_makes_a_cut_that_leaves_its_piece(
    spans: list[tuple[int, int]], before: int, bits: int, exact: bool
) -> None:
    tokenizer = tokenizer_of("character")
    spelling = spelling_of(tokenizer.json)
    splits = splits_of(spelling, tokenizer.dtype)
    (tokens,) = tokenizer.encode(["def f(é):\n    return 'ünïcode' + é\n    # end\n"])
    tokens = np.ascontiguousarray(tokens).astype(tokenizer.dtype)
    piece, begins = tokens[before:], np.array([span[0] for span in spans], np.uint32)
    place, new, text = np.zeros(PLACES, np.int64), np.empty(MOST_NEW, np.int32), np.empty(WINDOW_BYTES, np.uint8)
    ends = np.array([span[1] for span in spans], np.uint32)
    bits = np.uint64(bits)  # type: ignore[assignment]
    book = spelling.book
    if cut_span(piece, tokens[:before], begins, ends, bits, 8, exact, book, splits, place, new, text):
        prefix, first, second, suffix = place[:4].tolist()
        assert 0 <= prefix <= first <= second <= suffix <= len(piece) or place[EXACT]
        kept = prefix + (second - first) + len(piece) - suffix
        assert 0 <= first <= second <= len(piece) and kept + place[NEW_4] <= len(piece) + 8
        parts = [piece[:prefix], new[: place[NEW_1]], new[place[NEW_1] : place[NEW_1 + 1]], piece[first:second]]
        parts += [new[place[NEW_1 + 1] : place[NEW_1 + 2]], new[place[NEW_1 + 2] : place[NEW_4]], piece[suffix:]]
        joined = np.concatenate([part.astype(np.int64) for part in parts])
        assert tokenizer.decode_bytes(joined) == tokenizer.decode_bytes(piece)


@given(
    kind=st.sampled_from(["index", "names", "spans"]),
    changes=st.lists(st.tuples(st.integers(0, 10**6), NUMBERS), min_size=1, max_size=4),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_numbers_in_any_column_are_refused_or_served(
    root: Path, tmp_path: Path, kind: str, changes: list[tuple[int, int]]
) -> None:
    def change(numbers: "np.ndarray[Any, Any]") -> None:
        for place, number in changes:
            numbers[place % len(numbers)] = number

    copy = forged(root, tmp_path / "copy", kind, change)
    try:
        serve(copy)
    except StopRun:
        pass
    else:
        Store.open(copy).scan()


@pytest.mark.parametrize("value", [None, 65, 1 << 20])
def test_sentinels_are_those_of_the_tokenizer(root: Path, tmp_path: Path, value: int | None) -> None:
    copy = Path(shutil.copytree(root, tmp_path / "copy"))
    described = json.loads((copy / "store.json").read_text())
    if value is None:
        del described["sentinels"]["<fim_pad>"]
    else:
        described["sentinels"]["<fim_pad>"]["id"] = value
    (copy / "store.json").write_text(json.dumps(described))
    with pytest.raises(StopRun):
        Loader(copy, context=64)


@pytest.mark.parametrize("i", [-1, -(1 << 40), 1 << 40, 1.5, "7", None, True])
def test_ids_of_a_tokenizer_are_numbers_of_a_usual_size(i: object) -> None:
    config = json.loads((GOLDEN / "tokenizer.json").read_bytes())
    for name in ("vocab", "added"):
        changed = json.loads(json.dumps(config))
        if name == "vocab":
            changed["model"]["vocab"]["zz"] = i
        else:
            changed["added_tokens"][0]["id"] = i
        with pytest.raises(StopRun, match="tokenizer"):
            spelling_of(json.dumps(changed).encode())


def test_a_tokenizer_that_lacks_a_byte_is_not_cut_inside_tokens() -> None:
    config = json.loads((GOLDEN / "tokenizer.json").read_bytes())
    assert spelling_of(json.dumps(config).encode()).exact
    number = config["model"]["vocab"].pop("~")
    config["model"]["merges"] = [m for m in config["model"]["merges"] if "~" not in "".join(m)]
    config["model"]["vocab"]["never"] = number
    assert not spelling_of(json.dumps(config).encode()).exact
