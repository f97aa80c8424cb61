"""Encoding: text to token ids by the fastest package that agrees with Hugging Face's `tokenizers`, which is the judge.

In: a `tokenizer.json` and texts. Out: ids, and the name of the package that gives them. On one core, fresh code and a
vocabulary of 32,768, gigatoken encodes 64 times as fast as `tokenizers` and splintr 34 times (`make bench-shards`).

A package is chosen when the first text is encoded: the first of PACKAGES that is installed, takes this tokenizer, and
gives the reference's ids on all of `trial_texts`: text made to break tokenizers, the tokens of the vocabulary in odd
company, and real code. Where none does, the reference encodes. Ids are the same either way, so which one ran can be
seen in the speed and nowhere else. `Tokenizer.encode` goes on comparing a sample while it runs.

gigatoken and splintr are imported here and nowhere else.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from typing import Any, Protocol

import numpy as np
import tokenizers
from numpy.typing import NDArray

from gleanery.records.errors import RejectRecord
from gleanery.records.ids import keyed_hash

Ids = NDArray[np.uint32]
REFERENCE = "tokenizers"
# Pieces that tokenizers disagree on: white space of all kinds, digits of other scripts, contractions, marks that join,
# bytes of four lengths, control characters, and what stands for control tokens.
ODD = (
    *(
        "'s",
        "'S",
        "'ll",
        "'re ",
        "\u2019s",
        " ",
        "  ",
        "    ",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\x00",
        "\x0b",
        "\x85",
        "\xa0",
    ),
    *("\u2003", "\u200b", "\u200d", "\u3000", "\ufeff", "\u2028", "\u180e", "\u1680", "\u205f", "\u00ad", "\u061c"),
    *("0", "12345", "\u0663\u0664", "\u00bd", "\u00b2", "\u2167", "\U0001d7d8", "a", "abc", "ABC", "aB1", "_", "__x__"),
    *("->", "!=", "::", "...", "///", "~" * 7, "=" * 33, "{}", "if ", "return", "\x1b[0m", "\x7f", "\u00aa", "\u01c5"),
    *("\u00e9", "e\u0301", "\u0301", "\u00df", "\u4e2d\u6587", "\u65e5\u672c\u8a9e", "\u0e44\u0e17\u0e22", "\u0e33"),
    *("\u0915\u094d\u0937", "\U0001f600", "\U0001f469\u200d\U0001f467", "\U0001d518", "\ud7ff", "\U0010ffff", "\ue000"),
)
ODD_TEXTS, VOCABULARY_TEXTS, CODE_BYTES = 400, 300, 32 << 10


class Encoder(Protocol):
    """One package with one tokenizer. `encode` gives the ids of a text, and raises whatever its package raises."""

    name: str

    def encode(self, text: str) -> Ids: ...


class Reference:
    """Hugging Face's `tokenizers`: what the ids have to be."""

    name = REFERENCE

    def __init__(self, engine: tokenizers.Tokenizer) -> None:
        self._engine = engine

    def encode(self, text: str) -> Ids:
        try:
            return np.array(self._engine.encode(text, add_special_tokens=False).ids, np.uint32)
        except TypeError as error:  # what `tokenizers` raises for a lone surrogate
            raise not_unicode() from error


class _Package:
    def __init__(self, name: str, encode: Callable[[str], Ids]) -> None:
        self.name = name
        self.encode = encode


def _gigatoken(content: str) -> _Package:
    from gigatoken import Tokenizer

    return _Package("gigatoken", Tokenizer.from_json(content).backend.encode)


def _splintr(content: str) -> _Package:
    import splintr

    engine = splintr.from_json_bytes(content.encode())
    return _Package("splintr", lambda text: np.frombuffer(engine.encode_flat(text), "<u4"))


# In the order of their speed. Measured too, and left out: fastokens 0.3 fails on a megabyte of spaces under the rule
# with digits apart, tiktoken is slower, tokie and kitoken give other ids.
PACKAGES: Mapping[str, Callable[[str], _Package]] = {"gigatoken": _gigatoken, "splintr": _splintr}


def choose(
    config: Mapping[str, Any], reference: Encoder, literals: Sequence[str], packages: Sequence[str] = tuple(PACKAGES)
) -> Encoder:
    """The first of `packages` that agrees with the reference on all trial texts, else the reference.

    `config` is a parsed `tokenizer.json` whose added tokens may all be read from text; `literals` are names of tokens
    that may not.
    """
    content = json.dumps(config)
    wanted: list[tuple[str, Ids]] | None = None
    for name in packages:
        try:
            encoder = PACKAGES[name](content)
        except Exception:  # not installed, or it refuses this tokenizer: each package has errors of its own
            continue
        if wanted is None:
            wanted = [(text, reference.encode(text)) for text in trial_texts(config, literals)]
        if all(_same(encoder, text, ids) for text, ids in wanted):
            return encoder
    return reference


def _same(encoder: Encoder, text: str, wanted: Ids) -> bool:
    try:
        return np.array_equal(encoder.encode(text), wanted)
    except Exception:  # a package that fails on a text that the reference can encode is not chosen
        return False


def trial_texts(config: Mapping[str, Any], literals: Sequence[str]) -> Iterator[str]:
    """About 100 kB of text, always the same for one tokenizer."""
    pieces = [*ODD, *literals]
    for number in range(ODD_TEXTS):
        yield "".join(_drawn(pieces, f"odd {number}", 1 + number % 13))
    yield from ("", "a" * 5000, " " * 5000, "\n" * 3000, "1" * 3000, "ab" * 2000, "\U0001f600" * 500, "\u4e2d" * 1000)
    for first in range(0, 0x3400, 0x100):  # each letter, digit, mark and space of the scripts in use
        yield " ".join(f"a{chr(c)}1 {chr(c)}" for c in range(first, first + 0x100))
    yield from _of_vocabulary(config)
    yield from _real_code()


def _drawn(pieces: Sequence[str], name: str, count: int) -> Iterator[str]:
    for place in range(count):
        yield pieces[keyed_hash("encoding", name, str(place)) % len(pieces)]


def _of_vocabulary(config: Mapping[str, Any]) -> Iterator[str]:
    """Tokens of the vocabulary side by side, where no merge ever put them."""
    spelled = tokenizers.decoders.ByteLevel()
    tokens = sorted(config["model"]["vocab"])
    for number in range(VOCABULARY_TEXTS):
        yield "".join(spelled.decode([token]) for token in _drawn(tokens, f"vocabulary {number}", 16))


def _real_code() -> Iterator[str]:
    """The source of this room."""
    held = 0
    for file in sorted(resources.files("gleanery.shards").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py") and held < CODE_BYTES:
            text = file.read_text("utf-8")
            held += len(text)
            yield text


def not_unicode() -> RejectRecord:
    """The error for text that UTF-8 cannot hold."""
    return RejectRecord("a text holds a lone surrogate, which UTF-8 cannot hold", code="not_unicode")
