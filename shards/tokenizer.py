"""The tokenizer: byte-level BPE that is exact, and that no text can talk into a control token.

In: texts, or the bytes of a Hugging Face `tokenizer.json`. Out: token ids and, from them, the same text again.
Costs: encoding with `tokenizers` is the dearest step of the room (see docs/reference/shards.md for the rates);
decoding is a table look-up.

Two properties are checked when a tokenizer is loaded, and again on every batch that is encoded: `decode` undoes
`encode` for every text, and no text produces a control id. The default of `tokenizers` breaks the second: a file that
holds the characters `<fim_prefix>` would yield the control token.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import decoders, models, pre_tokenizers, trainers

from gleanery.records.errors import RejectRecord, StopRun
from gleanery.shards.chance import compiled

SENTINELS = (
    "<|endoftext|>",
    "<fim_prefix>",
    "<fim_middle>",
    "<fim_suffix>",
    "<fim_pad>",
    "<repo_name>",
    "<file_sep>",
)
# Every byte that can stand in UTF-8, and the seven sentinels.
SMALLEST_VOCABULARY = 256 + len(SENTINELS)
# A pair that occurs once teaches nothing.
MIN_FREQUENCY = 2
# Bytes that never occur in UTF-8; some published vocabularies lack them.
NOT_UTF8 = frozenset({0xC0, 0xC1, *range(0xF5, 0x100)})


def train(texts: Iterable[str], vocab_size: int) -> bytes:
    """The bytes of a `tokenizer.json`: byte-level BPE with each digit on its own and the sentinels as ids 0 to 6.

    The same texts in the same order give the same bytes. A small corpus gives fewer tokens than `vocab_size`.
    Characters that UTF-8 cannot hold (lone surrogates) are left out. Raises StopRun if `vocab_size` is under 263.
    """
    if vocab_size < SMALLEST_VOCABULARY:
        raise StopRun(
            f"a vocabulary of {vocab_size} tokens cannot hold the 256 bytes and the {len(SENTINELS)} control tokens",
            f"ask for at least {SMALLEST_VOCABULARY}; 16384 to 49152 is usual",
        )
    model = tokenizers.Tokenizer(models.BPE())
    model.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    model.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=MIN_FREQUENCY,
        special_tokens=list(SENTINELS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    model.train_from_iterator((t.encode("utf-8", "ignore").decode("utf-8") for t in texts), trainer)
    return model.to_str(pretty=False).encode("utf-8")


class Tokenizer:
    """An exact tokenizer and its control tokens.

    vocab_size   one more than the largest id
    dtype        uint16 if every id fits, else uint32
    control_ids  from each name in SENTINELS to its id in this tokenizer
    sentinels    from each name in SENTINELS to its name in this tokenizer
    rule         how text is cut before BPE: "digits+gpt2", "gpt2" or "other"
    exact_cuts   whether the text may be cut between any two characters without encoding it all anew (see fim.py)
    json, sha256 the bytes of `tokenizer.json`, and their digest
    """

    @classmethod
    def load(cls, content: bytes, sentinels: Mapping[str, str] | None = None) -> "Tokenizer":
        """From the bytes of a `tokenizer.json`; a sentinel that it lacks is added behind its largest id.

        `sentinels` maps names of SENTINELS to the names that this tokenizer gives them, as in
        `{"<fim_prefix>": "<|fim_prefix|>"}`. Raises StopRun if the tokenizer is not byte-level or would change a text.
        """
        names = {name: name for name in SENTINELS} | dict(sentinels or {})
        _check_names(names)
        config = _parse(content)
        _check_lossless(config)
        present = {token["content"] for token in config["added_tokens"]}
        for token in config["added_tokens"]:
            token["special"] = _is_control(token["content"])
        engine = _engine(json.dumps(config))
        missing = [names[name] for name in SENTINELS if names[name] not in present]
        if missing:
            engine.add_special_tokens([tokenizers.AddedToken(m, special=True, normalized=False) for m in missing])
            content = engine.to_str(pretty=False).encode("utf-8")
        _check_ids(engine)
        return cls(content, engine, config, names)

    def __init__(
        self, content: bytes, engine: tokenizers.Tokenizer, config: Mapping[str, Any], names: Mapping[str, str]
    ) -> None:
        self.json = content
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.sentinels = {name: names[name] for name in SENTINELS}
        vocabulary = engine.get_vocab(with_added_tokens=True)
        self.control_ids = {name: vocabulary[names[name]] for name in SENTINELS}
        self.table = TokenBytes(engine)
        self.vocab_size = len(self.table.control)
        self.dtype = np.dtype("<u2" if self.vocab_size <= 1 << 16 else "<u4")
        self.rule = _rule(config["pre_tokenizer"])
        self.exact_cuts = self.rule != "other" and not self.table.has_blank_tokens
        self._engine = engine
        self._engine.encode_special_tokens = True
        self._prove_literals_stay_text()

    def encode(self, texts: Sequence[str]) -> list[NDArray[Any]]:
        """The ids of each text, in `dtype`. Raises RejectRecord for text that is not Unicode or yields a control id."""
        try:
            encodings = self._engine.encode_batch_fast(list(texts), add_special_tokens=False)
        except TypeError as error:  # what `tokenizers` raises for a lone surrogate
            raise RejectRecord("a text holds a lone surrogate, which UTF-8 cannot hold", code="not_unicode") from error
        return [self._ids(encoding) for encoding in encodings]

    def encode_short(self, texts: Sequence[str]) -> list[NDArray[Any]]:
        """As `encode`, for texts of a few words: without threads, which cost 80 microseconds to wake."""
        return [self._ids(self._engine.encode(text, add_special_tokens=False)) for text in texts]

    def decode(self, ids: NDArray[Any]) -> str:
        """The text of some ids. Raises RejectRecord if their bytes are not whole UTF-8 or an id is out of range."""
        try:
            return self.decode_bytes(ids).decode("utf-8")
        except UnicodeDecodeError as error:
            raise RejectRecord("tokens do not spell whole UTF-8 characters", code="not_unicode") from error

    def decode_bytes(self, ids: NDArray[Any]) -> bytes:
        """The bytes of some ids, which may begin and end inside a character. Control tokens have no bytes."""
        ids = np.asarray(ids)
        if ids.size and int(ids.max()) >= self.vocab_size:
            raise RejectRecord("a token id is outside the vocabulary", code="bad_token")
        return bytes(spell(ids.astype(np.int32), self.table.content, self.table.start))

    def _ids(self, encoding: tokenizers.Encoding) -> NDArray[Any]:
        ids = np.array(encoding.ids, dtype=self.dtype)
        if self.table.control[ids].any():
            raise RejectRecord("a text was encoded to a control token", code="control_token_in_text")
        return ids

    def _prove_literals_stay_text(self) -> None:
        for literal in self.table.control_names:
            for text in (literal, f"a {literal}b", literal * 2):
                try:
                    same = self.decode(self.encode([text])[0]) == text
                except RejectRecord:
                    same = False
                if not same:
                    raise StopRun(
                        f"the tokenizer cannot write its control token {literal!r} as plain text",
                        "use a byte-level BPE tokenizer whose control tokens are listed under added_tokens",
                    )


class TokenBytes:
    """The bytes of every token, as arrays that compiled code can read.

    content     uint8, the bytes of all tokens one after the other
    start       int64[vocab + 1], token i is content[start[i] : start[i + 1]]; empty for control tokens and unused ids
    control     bool[vocab], true for ids that must never stand in stored text (control tokens and unused ids)
    opens_char  bool[vocab], the first byte begins a character
    opens_word  bool[vocab], a space and then a visible ASCII character: with GPT-2's rule, always the start of a
                pre-token, since a space stands nowhere else in one but in runs of white space
    """

    def __init__(self, engine: tokenizers.Tokenizer) -> None:
        vocabulary = engine.get_vocab(with_added_tokens=True)
        added = {i: token.content for i, token in engine.get_added_tokens_decoder().items()}
        size = max(vocabulary.values()) + 1
        spelled = [b""] * size
        for text, i in vocabulary.items():
            if i not in added:
                spelled[i] = _bytes_of(text)
            elif not _is_control(text):
                spelled[i] = text.encode("utf-8")
        self.control_names = [text for _, text in sorted(added.items()) if _is_control(text)]
        self.has_blank_tokens = len(self.control_names) < len(added)
        self.content = np.frombuffer(b"".join(spelled), dtype=np.uint8)
        self.start = np.concatenate([[0], np.cumsum([len(s) for s in spelled])]).astype(np.int64)
        self.control = np.array([not s for s in spelled])
        self.opens_char = np.array([bool(s) and s[0] & 0xC0 != 0x80 for s in spelled])
        self.opens_word = np.array([len(s) > 1 and s[0] == 0x20 and 0x21 <= s[1] <= 0x7E for s in spelled])


@compiled
def spell(ids: NDArray[np.int32], content: NDArray[np.uint8], start: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The bytes of some tokens, joined."""
    total = 0
    for i in ids:
        total += start[i + 1] - start[i]
    out = np.empty(total, np.uint8)
    at = 0
    for i in ids:
        for k in range(start[i], start[i + 1]):
            out[at] = content[k]
            at += 1
    return out


def _byte_letters() -> dict[str, int]:
    """GPT-2's alphabet: the character that stands for each byte. Visible bytes stand for themselves."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in visible]
    return {chr(b): b for b in visible} | {chr(256 + n): b for n, b in enumerate(others)}


LETTERS = _byte_letters()


def _bytes_of(token: str) -> bytes:
    """The bytes that a token of a byte-level vocabulary stands for; empty if it is no such token."""
    return bytes(LETTERS[c] for c in token) if all(c in LETTERS for c in token) else b""


def _is_control(content: str) -> bool:
    """Added tokens are control tokens, but for runs of white space, which some vocabularies add for indentation."""
    return bool(content.strip())


def _check_names(names: Mapping[str, str]) -> None:
    unknown = sorted(set(names) - set(SENTINELS))
    if unknown:
        raise StopRun(f"unknown sentinels: {', '.join(unknown)}", f"the names are {', '.join(SENTINELS)}")
    if not all(isinstance(n, str) and n.strip() for n in names.values()):
        raise StopRun("a sentinel's name is empty", "give each sentinel a visible name")
    if len(set(names.values())) < len(names):
        raise StopRun("two sentinels have the same name", "give each sentinel a token of its own")


def _parse(content: bytes) -> dict[str, Any]:
    hint = "give a tokenizer.json as Hugging Face tokenizers writes it"
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise StopRun("the tokenizer is not a JSON file", hint) from error
    if not isinstance(config, dict) or not isinstance(config.get("model"), dict):
        raise StopRun("the tokenizer has no model", hint)
    config["added_tokens"] = config.get("added_tokens") or []
    config["truncation"] = config["padding"] = None
    return config


def _engine(config: str) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_str(config)
    except Exception as error:  # `tokenizers` raises no narrower class
        raise StopRun("the tokenizer cannot be loaded", "check it with tokenizers.Tokenizer.from_file") from error


def _check_ids(engine: tokenizers.Tokenizer) -> None:
    ids = list(engine.get_vocab(with_added_tokens=True).values())
    if len(set(ids)) < len(ids):  # `tokenizers` numbers added tokens by count, which may be taken after a gap
        raise StopRun(
            "the tokenizer gives one id to two tokens, so its control tokens cannot be told apart",
            "use a tokenizer whose ids have no gaps, or one that has all sentinels already",
        )


def _check_lossless(config: Mapping[str, Any]) -> None:
    model, steps = config["model"], _steps(config.get("pre_tokenizer"))
    levels = [s for s in steps if s.get("type") == "ByteLevel"]
    faults = (
        (model.get("type") != "BPE", "its model is not BPE"),
        (bool(model.get("dropout")), "its model drops merges at random"),
        (bool(model.get("continuing_subword_prefix") or model.get("end_of_word_suffix")), "it marks word parts"),
        (config.get("normalizer") is not None, "it has a normalizer, which rewrites text"),
        (len(levels) != 1, "its pre-tokenizer is not byte-level"),
        (any(s.get("add_prefix_space", True) for s in levels), "it puts a space before the text"),
        (any(not _keeps_all(s) for s in steps), "its pre-tokenizer removes characters"),
        ((config.get("decoder") or {}).get("type") != "ByteLevel", "its decoder is not byte-level"),
        (not _spells_utf8(model.get("vocab")), "its vocabulary lacks single bytes"),
    )
    for present, fault in faults:
        if present:
            raise StopRun(f"the tokenizer is not exact: {fault}", "use a byte-level BPE tokenizer without a normalizer")


def _spells_utf8(vocabulary: object) -> bool:
    return isinstance(vocabulary, dict) and all(c in vocabulary for c, b in LETTERS.items() if b not in NOT_UTF8)


def _steps(pre_tokenizer: Any) -> list[dict[str, Any]]:
    if not isinstance(pre_tokenizer, dict):
        return []
    if pre_tokenizer.get("type") == "Sequence":
        return [step for part in pre_tokenizer.get("pretokenizers", []) for step in _steps(part)]
    return [pre_tokenizer]


def _keeps_all(step: Mapping[str, Any]) -> bool:
    kind = step.get("type")
    return kind in ("ByteLevel", "Digits") or (kind in ("Split", "Punctuation") and step.get("behavior") != "Removed")


def _rule(pre_tokenizer: Any) -> str:
    steps = _steps(pre_tokenizer)
    if steps and steps[-1].get("type") == "ByteLevel" and steps[-1].get("use_regex", True):
        rest = steps[:-1]
        if not rest:
            return "gpt2"
        if len(rest) == 1 and rest[0].get("type") == "Digits" and rest[0].get("individual_digits"):
            return "digits+gpt2"
    return "other"
