"""The tokenizer: byte-level BPE that is exact, and that no text can talk into a control token.

In: texts, or the bytes of a Hugging Face `tokenizer.json`. Out: token ids and, from them, the same text again. What
encodes is chosen in encoding.py; decoding is a table look-up. Rates are in docs/reference/shards.md.

Two properties are checked when a tokenizer is loaded, and again on every batch that is encoded: `decode` undoes
`encode` for every text, and no text produces a control id. The default of `tokenizers` breaks the second: a file that
holds the characters `<fim_prefix>` would yield the control token.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import tokenizers
import xxhash
from numpy.typing import NDArray
from tokenizers import decoders, models, pre_tokenizers, trainers

from gleanery.records.compiling import compiled
from gleanery.records.errors import RejectRecord, StopRun
from gleanery.shards.encoding import PACKAGES, REFERENCE, Encoder, Ids, Reference, choose
from gleanery.shards.spelling import spelling_of
from gleanery.shards.tokenizer_file import (
    SENTINELS,
    SMALLEST_VOCABULARY,
    bytes_of,
    check_lossless,
    check_names,
    is_control,
    parse,
    rule_of,
)

__all__ = ["SENTINELS", "TokenBytes", "Tokenizer", "spell", "train"]

# A pair that occurs once teaches nothing.
MIN_FREQUENCY = 2
# One text in this many, by its beginning, is encoded by the reference as well. That takes some 80 times as long, so a
# larger sample would be most of what encoding costs.
COMPARED, LOOKED_AT = 512, 256


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
    encoder      the package that encodes: the fastest that agrees with `tokenizers` here (see encoding.py)
    """

    @classmethod
    def load(
        cls,
        content: bytes,
        sentinels: Mapping[str, str] | None = None,
        packages: Sequence[str] = tuple(PACKAGES),
    ) -> "Tokenizer":
        """From the bytes of a `tokenizer.json`; a sentinel that it lacks is added behind its largest id.

        `sentinels` maps names of SENTINELS to the names that this tokenizer gives them, as in
        `{"<fim_prefix>": "<|fim_prefix|>"}`; `packages` may encode instead of the reference. A normalizer that composes
        characters (NFC) is left out, since it would change a text; text that is composed already, as nearly all is,
        gets the same ids. Raises StopRun if the tokenizer is not byte-level or would change a text.
        """
        names = {name: name for name in SENTINELS} | dict(sentinels or {})
        check_names(names)
        config = parse(content)
        check_lossless(config)
        present = {token["content"] for token in config["added_tokens"]}
        for token in config["added_tokens"]:
            token["special"] = is_control(token["content"])
        changed = config["normalizer"] is not None
        config["normalizer"] = None
        engine = _engine(json.dumps(config))
        _check_added(engine, config["added_tokens"])
        missing = [names[name] for name in SENTINELS if names[name] not in present]
        if missing:
            engine.add_special_tokens([tokenizers.AddedToken(m, special=True, normalized=False) for m in missing])
        if missing or changed:
            content = engine.to_str(pretty=False).encode("utf-8")
        _check_ids(engine)
        return cls(content, engine, config, names, packages)

    def __init__(
        self,
        content: bytes,
        engine: tokenizers.Tokenizer,
        config: Mapping[str, Any],
        names: Mapping[str, str],
        packages: Sequence[str],
    ) -> None:
        self.json = content
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.sentinels = {name: names[name] for name in SENTINELS}
        vocabulary = engine.get_vocab(with_added_tokens=True)
        self.control_ids = {name: vocabulary[names[name]] for name in SENTINELS}
        self.table = TokenBytes(engine)
        self.vocab_size = len(self.table.control)
        self.dtype = np.dtype("<u2" if self.vocab_size <= 1 << 16 else "<u4")
        self.rule = rule_of(config["pre_tokenizer"])
        spelling = spelling_of(content)  # what a loader will know of this tokenizer: better refused now than then
        if spelling.size != self.vocab_size:
            raise StopRun("the tokenizer has ids that its file does not give", "use a tokenizer whose ids have no gaps")
        self.exact_cuts = spelling.exact
        engine.encode_special_tokens = True
        self._reference = Reference(engine)
        self._packages = packages
        self._prove_literals_stay_text()

    @cached_property
    def encoder(self) -> Encoder:
        """What encodes. Chosen at the first use, which takes about 0.2 s."""
        config = parse(self.json)
        config["added_tokens"] = [token for token in config["added_tokens"] if not is_control(token["content"])]
        return choose(config, self._reference, self.table.control_names, self._packages)

    def encode(self, texts: Sequence[str], compare_first: bool = False) -> list[NDArray[Any]]:
        """The ids of each text, in `dtype`. A sample is encoded by the reference too; with `compare_first` the first.

        Raises RejectRecord for text that is not Unicode or yields a control id, StopRun if the reference gives others.
        """
        found = self.encode_short(texts)
        if self.encoder.name != REFERENCE:
            for number, (text, ids) in enumerate(zip(texts, found, strict=True)):
                first = compare_first and number == 0
                if first or xxhash.xxh3_64_intdigest(text[:LOOKED_AT].encode()) % COMPARED == 0:
                    self._compare(text, ids)
        return found

    def encode_short(self, texts: Sequence[str]) -> list[NDArray[Any]]:
        """As `encode`, without the sample: for the few words around a cut."""
        return [self._checked(self._raw(text)) for text in texts]

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

    def _raw(self, text: str) -> Ids:
        try:
            return self.encoder.encode(text)
        except Exception:  # whatever a package may raise, the reference decides what becomes of the text
            return self._reference.encode(text)

    def _checked(self, raw: Ids) -> NDArray[Any]:
        if raw.size and (int(raw.max()) >= self.vocab_size or self.table.control[raw].any()):
            raise RejectRecord("a text was encoded to a control token", code="control_token_in_text")
        return raw.astype(self.dtype)

    def _compare(self, text: str, ids: NDArray[Any]) -> None:
        if not np.array_equal(ids, self._reference.encode(text)):
            name = self.encoder.name
            raise StopRun(
                f"{name} does not give the tokens that {REFERENCE} gives",
                f"uninstall {name} and run again: {REFERENCE} encodes without it; and report the file",
            )

    def _prove_literals_stay_text(self) -> None:
        for literal in self.table.control_names:
            for text in (literal, f"a {literal}b", literal * 2):
                try:
                    same = self.decode(self._checked(self._reference.encode(text))) == text
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
                spelled[i] = bytes_of(text)
            elif not is_control(text):
                spelled[i] = text.encode("utf-8")
        self.control_names = [text for _, text in sorted(added.items()) if is_control(text)]
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


def _engine(config: str) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_str(config)
    except Exception as error:  # `tokenizers` raises no narrower class
        raise StopRun("the tokenizer cannot be loaded", "check it with tokenizers.Tokenizer.from_file") from error


def _check_added(engine: tokenizers.Tokenizer, added: Iterable[Mapping[str, Any]]) -> None:
    """`tokenizers` numbers added tokens by count, whatever ids the file gives them: a model would know others."""
    for token in added:
        if engine.token_to_id(token["content"]) != token["id"]:
            raise StopRun(
                f"the added token {token['content']!r} has the id {token['id']} in its file and another one in "
                f"{REFERENCE}, which leaves no gaps",
                "give the added tokens ids without gaps behind the vocabulary: fill each gap with an unused token",
            )


def _check_ids(engine: tokenizers.Tokenizer) -> None:
    ids = list(engine.get_vocab(with_added_tokens=True).values())
    if len(set(ids)) < len(ids):  # `tokenizers` numbers added tokens by count, which may be taken after a gap
        raise StopRun(
            "the tokenizer gives one id to two tokens, so its control tokens cannot be told apart",
            "use a tokenizer whose ids have no gaps, or one that has all sentinels already",
        )
