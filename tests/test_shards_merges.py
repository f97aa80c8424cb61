"""Two tokens stay apart exactly where BPE makes both of their texts put together; usual white space has its ids."""

import json
import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gleanery.shards.merges import BYTE, RANK, UNSURE, merged, rank_of, stays_apart
from gleanery.shards.spelling import Spelling, spelling_of
from gleanery.shards.splits import COUNTS, LEFT, RUNS, run_of, splits_of
from gleanery.shards.tokenizer import Tokenizer, train
from gleanery.shards.words import FAILED

GOLDEN = Path(__file__).parent / "golden" / "shards"


@cache
def of_golden() -> Spelling:
    return spelling_of((GOLDEN / "tokenizer.json").read_bytes())


@cache
def of_few_letters() -> Spelling:
    """A vocabulary of words from three letters, in which nearly every pair could be merged in several ways."""
    chance = random.Random(1)
    words = ("".join(chance.choices("aab", k=chance.randint(2, 12))) for _ in range(4000))
    return Spelling(train([" ".join(words)], 900))


def merged_anew(spelling: Spelling, text: bytes) -> list[int]:
    ids: NDArray[np.int32] = np.zeros(2 * len(text) + 2, np.int32)
    ids[: len(text)] = spelling.bytes_ids[list(text)]
    for k in range(len(text) - 1):
        ids[len(text) + k] = rank_of(ids[k], ids[k + 1], spelling.merges)
    found: list[int] = ids[: merged(ids, 0, len(text), spelling.merges)].tolist()
    return found


def bytes_of(spelling: Spelling, token: int) -> bytes:
    return spelling.content[spelling.start[token] : spelling.start[token + 1]].tobytes()


@pytest.mark.parametrize("of", [of_golden, of_few_letters])
@given(data=st.data())
@settings(max_examples=400)
def test_a_pair_stays_apart_exactly_where_bpe_makes_both(of: "object", data: st.DataObject) -> None:
    spelling: Spelling = of()  # type: ignore[operator]
    known = [t for t in range(spelling.size) if spelling.parts[t, RANK] != UNSURE]
    left, right = (data.draw(st.sampled_from(known)) for _ in range(2))
    expected = merged_anew(spelling, bytes_of(spelling, left) + bytes_of(spelling, right)) == [left, right]
    assert stays_apart(left, right, spelling.parts, spelling.merges) == expected


@pytest.mark.parametrize("of", [of_golden, of_few_letters])
@given(data=st.data())
@settings(max_examples=200)
def test_a_row_of_tokens_whose_neighbours_stay_apart_is_what_bpe_makes(of: "object", data: st.DataObject) -> None:
    spelling: Spelling = of()  # type: ignore[operator]
    known = [t for t in range(spelling.size) if spelling.parts[t, RANK] != UNSURE]
    row = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=8))
    apart = all(stays_apart(a, b, spelling.parts, spelling.merges) for a, b in zip(row, row[1:], strict=False))
    text = b"".join(bytes_of(spelling, token) for token in row)
    assert apart == (merged_anew(spelling, text) == row)


def test_nearly_every_token_is_known_and_others_are_never_trusted() -> None:
    spelling = of_golden()
    spelled = [t for t in range(spelling.size) if bytes_of(spelling, t)]
    unsure = [t for t in spelled if spelling.parts[t, RANK] == UNSURE]
    assert len(unsure) < 0.02 * len(spelled)
    assert (spelling.parts[:, RANK] == BYTE).sum() == 256
    for token in unsure:
        assert not stays_apart(token, spelled[0], spelling.parts, spelling.merges)


def test_a_token_that_its_own_text_does_not_give_is_unsure() -> None:
    config = json.loads((GOLDEN / "tokenizer.json").read_bytes())
    config["model"]["merges"].append(["q", "qq"] if isinstance(config["model"]["merges"][0], list) else "q qq")
    size = max(config["model"]["vocab"].values()) + 1
    config["model"]["vocab"] |= {"qq": size, "qqq": size + 1}
    spelling = Spelling(json.dumps(config).encode())
    assert spelling.parts[size, RANK] == spelling.parts[size + 1, RANK] == UNSURE


@given(
    lines=st.integers(0, 4),
    blanks=st.integers(0, 70),
    blank=st.sampled_from(" \t\r"),
    more=st.sampled_from(["", " ", "\t"]),
)
@settings(max_examples=200)
def test_white_space_from_the_table_is_what_the_tokenizer_gives(lines: int, blanks: int, blank: str, more: str) -> None:
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    text = "\n" * lines + blank * blanks + more
    raw = np.frombuffer(text.encode(), np.uint8)
    run = run_of(raw, len(raw))
    if run == FAILED:
        return
    table = splits_of(of_golden(), tokenizer.dtype)
    row = table[len(table) - RUNS + run]
    if row[COUNTS]:
        assert row[LEFT : LEFT + int(row[COUNTS])].tolist() == tokenizer.encode([text])[0].tolist()
