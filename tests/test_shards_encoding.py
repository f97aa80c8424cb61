"""Whatever package encodes, the ids are those of `tokenizers`; and the sentinels may have other models' names."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.records.errors import RejectRecord, StopRun
from gleanery.shards import encoding
from gleanery.shards.encoding import ODD, PACKAGES, Encoder, Ids
from gleanery.shards.tokenizer import COMPARED, Tokenizer, train
from gleanery.shards.tokenizer_file import SENTINELS, STYLES, sentinel_names
from gleanery.shards.writing import write_part

CODE = [f"def area_{i}(width, height):\n    # in square metres\n    return width * height * {i}\n" for i in range(40)]
TEXTS = st.lists(st.one_of(st.text(max_size=12), st.sampled_from([*ODD, *SENTINELS])), max_size=16).map("".join)
QWEN_RULE = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPLIT = {"type": "Split", "behavior": "Isolated", "invert": False}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
DEEPSEEK_SPLITS = [
    {**SPLIT, "pattern": {"Regex": r}} for r in (r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", r"\s+$", "[一-龥]+")
]
RULES: dict[str, dict[str, Any]] = {
    "starcoder2": {
        "type": "Sequence",
        "pretokenizers": [{"type": "Digits", "individual_digits": True}, {**BYTES, "use_regex": True}],
    },
    "qwen-coder": {"type": "Sequence", "pretokenizers": [{**SPLIT, "pattern": {"Regex": QWEN_RULE}}, BYTES]},
    "deepseek-coder": {
        "type": "Sequence",
        "pretokenizers": [*DEEPSEEK_SPLITS, {"type": "Digits", "individual_digits": True}, BYTES],
    },
}
NORMALIZERS = {
    "starcoder2": None,
    "qwen-coder": {"type": "NFC"},
    "deepseek-coder": {"type": "Sequence", "normalizers": []},
}


def plain_gpt2() -> bytes:
    config = json.loads(train(CODE, 400))
    config["pre_tokenizer"] = {**BYTES, "use_regex": True}
    return json.dumps(config).encode()


def in_style(style: str) -> bytes:
    """A tokenizer with a style's rule, normalizer and names; what the style has no name for is missing."""
    config = json.loads(train(CODE, 400))
    names = sentinel_names([style])
    config["pre_tokenizer"], config["normalizer"] = RULES[style], NORMALIZERS[style]
    for token in config["added_tokens"]:
        old = token["content"]
        token["content"] = names[old]
        config["model"]["vocab"][names[old]] = config["model"]["vocab"].pop(old)
    return json.dumps(config).encode()


FILES = {"gpt2": plain_gpt2(), **{style: in_style(style) for style in STYLES}}


@pytest.fixture(scope="module", params=FILES)
def pair(request: pytest.FixtureRequest) -> tuple[Tokenizer, Tokenizer]:
    """A tokenizer with all packages, and the same with the reference alone."""
    names = sentinel_names([request.param] if request.param in STYLES else [])
    content = FILES[request.param]
    return Tokenizer.load(content, names), Tokenizer.load(content, names, packages=())


def test_the_fastest_package_that_takes_the_rule_is_chosen() -> None:
    pytest.importorskip("gigatoken")
    pytest.importorskip("splintr")
    chosen = {name: Tokenizer.load(FILES[name], sentinel_names([name])).encoder.name for name in STYLES}
    assert Tokenizer.load(FILES["gpt2"]).encoder.name == "gigatoken"
    assert chosen["starcoder2"] == "splintr"
    assert Tokenizer.load(FILES["gpt2"], packages=()).encoder.name == "tokenizers"


@given(texts=st.lists(TEXTS, max_size=4))
@settings(max_examples=100, deadline=None)
def test_the_ids_are_those_of_the_reference_and_every_byte_comes_back(
    pair: tuple[Tokenizer, Tokenizer], texts: list[str]
) -> None:
    fast, reference = pair
    for text, ids, expected in zip(texts, fast.encode(texts), reference.encode(texts), strict=True):
        assert ids.tolist() == expected.tolist()
        assert fast.decode_bytes(ids) == text.encode()
        assert not fast.table.control[ids].any()


def test_text_that_is_not_unicode_is_refused_whoever_encodes(pair: tuple[Tokenizer, Tokenizer]) -> None:
    for tokenizer in pair:
        with pytest.raises(RejectRecord) as error:
            tokenizer.encode(["fine", "bad \ud800"])
        assert error.value.code == "not_unicode"


class Lying:
    """gigatoken's ids, but for texts with one word, which get one id more."""

    def __init__(self, content: str, word: str) -> None:
        self.name, self.word = "lying", word
        self.engine = tokenizers.Tokenizer.from_str(content)

    def encode(self, text: str) -> Ids:
        ids = np.array(self.engine.encode(text, add_special_tokens=False).ids, np.uint32)
        return np.append(ids, ids[-1:]) if self.word in text else ids


@pytest.fixture
def lying(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Packages with one that lies about texts with the word; the test fills in the word."""
    words = [""]

    def build(content: str) -> Encoder:
        return Lying(content, words[0])

    monkeypatch.setattr(encoding, "PACKAGES", {**PACKAGES, "lying": build})
    yield words


def test_a_package_with_other_ids_is_not_chosen(lying: list[str]) -> None:
    lying[0] = "e\u0301"
    assert Tokenizer.load(FILES["gpt2"], packages=("lying",)).encoder.name == "tokenizers"


def test_a_package_that_differs_later_stops_the_run(lying: list[str]) -> None:
    lying[0] = "xyzzy plugh"  # in no trial text
    tokenizer = Tokenizer.load(FILES["gpt2"], packages=("lying",))
    assert tokenizer.encoder.name == "lying"
    tokenizer.encode(["x = 1\n"])
    with pytest.raises(StopRun, match="lying does not give") as error:
        tokenizer.encode([f"{n} xyzzy plugh\n" for n in range(4 * COMPARED)])  # one of these is in the sample
    assert "uninstall lying" in error.value.hint


def test_the_first_document_of_each_part_is_in_the_sample(lying: list[str], tmp_path: Path) -> None:
    lying[0] = "xyzzy plugh"
    tokenizer = Tokenizer.load(FILES["gpt2"], packages=("lying",))
    names = dict.fromkeys(("repo_id", "repo", "path", "blob_id", "license", "language"), "made up")
    fine, other = (names | {"file_id": f"{n:032x}", "text": text} for n, text in enumerate(("x = 1\n", lying[0])))
    write_part(tmp_path, 0, 2, [fine], tokenizer)
    with pytest.raises(StopRun, match="lying does not give"):
        write_part(tmp_path, 1, 2, [other], tokenizer)


def test_a_package_that_fails_on_a_text_leaves_it_to_the_reference(lying: list[str]) -> None:
    tokenizer = Tokenizer.load(FILES["gpt2"])

    def fail(text: str) -> Ids:
        raise OverflowError

    tokenizer.encoder.encode = fail  # type: ignore[method-assign]
    assert tokenizer.decode(tokenizer.encode(["x = 1\n"])[0]) == "x = 1\n"


@pytest.mark.parametrize("style", STYLES)
def test_each_style_finds_its_sentinels_and_none_is_read_from_text(style: str) -> None:
    names = sentinel_names([style])
    tokenizer = Tokenizer.load(FILES[style], names)
    assert tokenizer.sentinels == names
    text = "".join(names.values()) + " cafe\u0301 " + "".join(SENTINELS)  # not composed: NFC would change it
    (ids,) = tokenizer.encode([text])
    assert tokenizer.decode(ids) == text
    assert not set(ids.tolist()) & set(tokenizer.control_ids.values())
    again = Tokenizer.load(tokenizer.json, names)
    assert again.sha256 == tokenizer.sha256
    assert tokenizers.Tokenizer.from_str(tokenizer.json.decode()).normalizer is None


def test_the_style_of_deepseek_puts_the_hole_before_the_suffix() -> None:
    names = sentinel_names(["deepseek-coder"])
    shown = [
        names[n].replace("\uff5c", "|").replace("\u2581", "_") for n in ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
    ]
    assert shown == ["<|fim_begin|>", "<|fim_hole|>", "<|fim_end|>"]


def test_a_pair_changes_a_style_and_an_unknown_style_is_refused() -> None:
    assert sentinel_names(["qwen-coder", "<file_sep>=<|file|>"])["<file_sep>"] == "<|file|>"
    with pytest.raises(StopRun, match="no style"):
        sentinel_names(["gpt-7"])
