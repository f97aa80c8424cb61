"""The tokenizer gives every text back, and no text becomes a control token."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.records.errors import RejectRecord, StopRun
from gleanery.shards.tokenizer import Tokenizer, train
from gleanery.shards.tokenizer_file import SENTINELS

CODE = [f"def area_{i}(width, height):\n    # in square metres\n    return width * height * {i}\n" for i in range(40)]
GOLDEN = Path(__file__).parent / "golden" / "shards"
OTHERS = {"<|endoftext|>": "<eot>", "<fim_prefix>": "<|fim_begin|>", "<repo_name>": "[repo]"}

CHARACTERS = st.characters(exclude_categories=["Cs"])
PIECES = st.one_of(
    st.text(CHARACTERS, max_size=20),
    st.sampled_from([*SENTINELS, "\r\n", "\x00", "\x85", " ", "\t\t", "\ufeff", "\U0010ffff", "e\u0301", "'s", "  x"]),
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.load(train(CODE, 400))


@given(texts=st.lists(TEXTS, max_size=4))
@settings(max_examples=150, deadline=None)
def test_decode_undoes_encode_and_no_control_token_appears(tokenizer: Tokenizer, texts: list[str]) -> None:
    found = tokenizer.encode(texts)
    assert [tokenizer.decode(ids) for ids in found] == texts
    control = np.array(list(tokenizer.control_ids.values()))
    assert not any(np.isin(ids, control).any() for ids in found)
    assert all(ids.dtype == np.uint16 for ids in found)


@pytest.mark.parametrize("name", SENTINELS)
def test_a_sentinel_in_a_file_stays_text(tokenizer: Tokenizer, name: str) -> None:
    text = f"a {name}{name}\n{name}"
    (ids,) = tokenizer.encode([text])
    assert tokenizer.decode(ids) == text
    assert tokenizer.control_ids[name] not in ids
    # The library's own way does the opposite, which is why this test can fail.
    assert tokenizer.control_ids[name] in tokenizers.Tokenizer.from_str(tokenizer.json.decode()).encode(text).ids


def test_short_and_batched_encoding_agree(tokenizer: Tokenizer) -> None:
    for one, many in zip(tokenizer.encode_short(CODE), tokenizer.encode(CODE), strict=True):
        assert np.array_equal(one, many)


def test_the_ids_are_those_of_the_library(tokenizer: Tokenizer) -> None:
    library = tokenizers.Tokenizer.from_str(tokenizer.json.decode())
    for text in CODE:
        assert tokenizer.encode([text])[0].tolist() == library.encode(text).ids
        assert library.decode(library.encode(text).ids) == text


@pytest.mark.slow
def test_training_gives_the_same_bytes_with_any_number_of_threads() -> None:
    program = (
        "import hashlib, json, sys; from gleanery.shards.tokenizer import train; import pathlib;"
        "t = json.loads(pathlib.Path(sys.argv[1]).read_text()) + pathlib.Path(sys.argv[2]).read_text().split('def ');"
        "print(hashlib.sha256(train(t, 1000)).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program, str(GOLDEN / "texts.json"), __file__],
            env={**os.environ, "RAYON_NUM_THREADS": threads, "PYTHONHASHSEED": threads},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for threads in ("1", "2", "5")
    }
    assert len(digests) == 1


def test_a_small_corpus_gives_a_small_vocabulary() -> None:
    tokenizer = Tokenizer.load(train(["x = 1\n"], 50_000))
    assert tokenizer.vocab_size < 300
    assert tokenizer.decode(tokenizer.encode(["ÿ€"])[0]) == "ÿ€"
    assert [tokenizer.control_ids[name] for name in SENTINELS] == list(range(7))


def test_a_vocabulary_too_small_for_bytes_is_refused() -> None:
    with pytest.raises(StopRun, match="256 bytes"):
        train(CODE, 200)


def test_a_lone_surrogate_is_refused_and_does_not_stop_training(tokenizer: Tokenizer) -> None:
    with pytest.raises(RejectRecord) as error:
        tokenizer.encode(["fine", "bad \ud800"])
    assert error.value.code == "not_unicode"
    assert Tokenizer.load(train(["bad \ud800 text", *CODE], 300)).vocab_size >= 263


def without_last_sentinels() -> dict[str, Any]:
    """A tokenizer that lacks two sentinels, whose ids 5 and 6 are left as gaps."""
    config: dict[str, Any] = json.loads(train(CODE, 400))
    config["added_tokens"] = config["added_tokens"][:5]
    config["model"]["vocab"] = {t: i for t, i in config["model"]["vocab"].items() if t not in SENTINELS[5:]}
    return config


def test_missing_sentinels_are_added_behind_the_vocabulary() -> None:
    config = without_last_sentinels()
    config["model"]["vocab"] = {t: n for n, t in enumerate(config["model"]["vocab"])}
    size = len(config["model"]["vocab"])
    tokenizer = Tokenizer.load(json.dumps(config).encode())
    assert sorted(tokenizer.control_ids.values())[-2:] == [size, size + 1]
    assert tokenizer.decode(tokenizer.encode(CODE)[0]) == CODE[0]
    again = Tokenizer.load(tokenizer.json)
    assert (again.sha256, again.control_ids) == (tokenizer.sha256, tokenizer.control_ids)


def test_sentinels_that_would_take_the_id_of_another_token_are_refused() -> None:
    with pytest.raises(StopRun, match="two tokens"):
        Tokenizer.load(json.dumps(without_last_sentinels()).encode())


@pytest.mark.parametrize("normalizer", [None, {"type": "NFC"}])
def test_added_tokens_with_a_gap_in_their_ids_are_refused_when_a_tokenizer_is_loaded(normalizer: Any) -> None:
    config = json.loads(train(CODE, 400))
    config["normalizer"] = normalizer
    last = max(config["model"]["vocab"].values())
    token = config["added_tokens"][0] | {"content": "<|pad|>", "id": last + 1}
    config["added_tokens"].append(token)
    assert Tokenizer.load(json.dumps(config).encode()).vocab_size == last + 2
    token["id"] = last + 5
    with pytest.raises(StopRun, match=f"'<|pad|>' has the id {last + 5}") as refused:
        Tokenizer.load(json.dumps(config).encode())
    assert "unused token" in refused.value.hint


def test_other_names_for_sentinels_are_understood() -> None:
    tokenizer = Tokenizer.load(train(CODE, 400), OTHERS)
    assert tokenizer.sentinels["<repo_name>"] == "[repo]"
    assert tokenizer.decode(tokenizer.encode(["[repo] <repo_name>"])[0]) == "[repo] <repo_name>"
    assert tokenizer.control_ids["<repo_name>"] not in tokenizer.encode(["[repo]"])[0]


def test_a_sentinel_that_is_not_marked_special_is_still_never_read_from_text() -> None:
    config = json.loads(train(CODE, 400))
    for token in config["added_tokens"]:
        token["special"] = False  # as some published vocabularies have it
    tokenizer = Tokenizer.load(json.dumps(config).encode())
    assert tokenizer.control_ids["<fim_middle>"] not in tokenizer.encode(["a<fim_middle>b"])[0]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("normalizer",), {"type": "NFKC"}, "normalizer"),
        (("model", "dropout"), 0.1, "at random"),
        (("decoder",), None, "decoder"),
        (("pre_tokenizer",), {"type": "Whitespace"}, "byte-level"),
        (("pre_tokenizer", "pretokenizers", 1, "add_prefix_space"), True, "space before"),
        (("model", "type"), "WordPiece", "not BPE"),
    ],
)
def test_a_tokenizer_that_changes_text_is_refused(path: tuple[str | int, ...], value: object, words: str) -> None:
    config = json.loads(train(CODE, 300))
    place = config
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(StopRun, match=words):
        Tokenizer.load(json.dumps(config).encode())


def test_a_vocabulary_without_single_bytes_is_refused() -> None:
    config = json.loads(train(CODE, 263))
    config["model"]["vocab"].pop("a")
    with pytest.raises(StopRun, match="single bytes"):
        Tokenizer.load(json.dumps(config).encode())


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"model": {"type": "BPE"}}', b"[" * 100_000])
def test_something_that_is_no_tokenizer_is_refused(content: bytes) -> None:
    with pytest.raises(StopRun):
        Tokenizer.load(content)


@pytest.mark.parametrize("names", [{"<pad>": "x"}, {"<file_sep>": " "}, {"<file_sep>": "<repo_name>"}])
def test_wrong_names_of_sentinels_are_refused(names: dict[str, str]) -> None:
    with pytest.raises(StopRun):
        Tokenizer.load(train(CODE, 300), names)


def test_other_pre_tokenizers_are_named_and_cut_at_tokens() -> None:
    config = json.loads(train(CODE, 400))
    config["pre_tokenizer"] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    assert Tokenizer.load(json.dumps(config).encode()).rule == "gpt2"
    config["pre_tokenizer"]["use_regex"] = False
    other = Tokenizer.load(json.dumps(config).encode())
    assert (other.rule, other.exact_cuts) == ("other", False)


def test_a_tokenizer_says_as_its_spelling_does_whether_it_may_be_cut_anywhere() -> None:
    config = json.loads(train(CODE, 400))
    assert Tokenizer.load(json.dumps(config).encode()).exact_cuts
    ignoring = config | {"model": config["model"] | {"ignore_merges": True}}
    assert not Tokenizer.load(json.dumps(ignoring).encode()).exact_cuts
    blank = config["added_tokens"][0] | {
        "content": "  ",
        "special": False,
        "id": max(config["model"]["vocab"].values()) + 1,
    }
    spaced = config | {"added_tokens": [*config["added_tokens"], blank]}
    assert not Tokenizer.load(json.dumps(spaced).encode()).exact_cuts


def test_merges_that_do_not_fit_are_refused_when_a_tokenizer_is_loaded() -> None:
    config = json.loads(train(CODE, 400))
    config["model"]["merges"][0] = ["no", "such"]
    with pytest.raises(StopRun):
        Tokenizer.load(json.dumps(config).encode())


def test_ids_out_of_range_and_broken_characters_are_refused(tokenizer: Tokenizer) -> None:
    for ids in (np.array([tokenizer.vocab_size]), tokenizer.encode(["€"])[0][:1]):
        with pytest.raises(RejectRecord):
            tokenizer.decode(ids)
