"""The format of a tokenizer: is a `tokenizer.json` exact, how does it cut text, and what does it call its sentinels?

In: the bytes of a `tokenizer.json`. Out: its parsed form, or StopRun that says what would change a text.
"""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gleanery.records.errors import StopRun

SENTINELS = (
    "<|endoftext|>",
    "<fim_prefix>",
    "<fim_middle>",
    "<fim_suffix>",
    "<fim_pad>",
    "<repo_name>",
    "<file_sep>",
)
SMALLEST_VOCABULARY = 256 + len(SENTINELS)  # every byte that can stand in UTF-8, and the seven sentinels
_QWEN = {
    f"<{name}>": f"<|{name}|>"
    for name in ("fim_prefix", "fim_middle", "fim_suffix", "fim_pad", "repo_name", "file_sep")
}
_DEEPSEEK = {
    "<|endoftext|>": "<\uff5cend\u2581of\u2581sentence\uff5c>",
    "<fim_prefix>": "<\uff5cfim\u2581begin\uff5c>",
    "<fim_suffix>": "<\uff5cfim\u2581hole\uff5c>",  # it stands where the hole is: before the suffix
    "<fim_middle>": "<\uff5cfim\u2581end\uff5c>",
}
# What published code models call the sentinels; names that a style lacks are added to the tokenizer as they are.
STYLES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"starcoder2": {}, "qwen-coder": _QWEN, "deepseek-coder": _DEEPSEEK}
)
# Bytes that never occur in UTF-8; some published vocabularies lack them.
NOT_UTF8 = frozenset({0xC0, 0xC1, *range(0xF5, 0x100)})


def sentinel_names(given: Sequence[str]) -> dict[str, str]:
    """What each sentinel is called, from a style and further pairs OURS=THEIRS, the later ones first.

    >>> sentinel_names(["qwen-coder", "<file_sep>=<|file|>"])["<file_sep>"]
    '<|file|>'
    """
    names = {name: name for name in SENTINELS}
    for one in given:
        ours, equals, theirs = one.partition("=")
        if not equals and one not in STYLES:
            raise StopRun(
                f"there is no style {one!r} of sentinels", f"write OURS=THEIRS, or one of {', '.join(STYLES)}"
            )
        names |= {ours: theirs} if equals else STYLES[one]
    check_names(names)
    return names


def _byte_letters() -> dict[str, int]:
    """GPT-2's alphabet: the character that stands for each byte. Visible bytes stand for themselves."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in visible]
    return {chr(b): b for b in visible} | {chr(256 + n): b for n, b in enumerate(others)}


LETTERS = _byte_letters()
_TO_BYTES = {ord(letter): byte for letter, byte in LETTERS.items()}


def bytes_of(token: str) -> bytes:
    """The bytes that a token of a byte-level vocabulary stands for; empty if it is no such token."""
    return token.translate(_TO_BYTES).encode("latin-1") if LETTERS.keys() >= set(token) else b""


def is_control(content: str) -> bool:
    """Added tokens are control tokens, but for runs of white space, which some vocabularies add for indentation."""
    return bool(content.strip())


def check_names(names: Mapping[str, str]) -> None:
    """Raises StopRun if a sentinel is unknown, has no name, or shares one."""
    unknown = sorted(set(names) - set(SENTINELS))
    if unknown:
        raise StopRun(f"unknown sentinels: {', '.join(unknown)}", f"the names are {', '.join(SENTINELS)}")
    if not all(isinstance(n, str) and n.strip() for n in names.values()):
        raise StopRun("a sentinel's name is empty", "give each sentinel a visible name")
    if len(set(names.values())) < len(names):
        raise StopRun("two sentinels have the same name", "give each sentinel a token of its own")


def parse(content: bytes) -> dict[str, Any]:
    """A `tokenizer.json` as plain values. Raises StopRun if it is none."""
    hint = "give a tokenizer.json as Hugging Face tokenizers writes it"
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise StopRun("the tokenizer is not a JSON file", hint) from error
    if not isinstance(config, dict) or not isinstance(config.get("model"), dict):
        raise StopRun("the tokenizer has no model", hint)
    config["added_tokens"] = config.get("added_tokens") or []
    config["truncation"] = config["padding"] = None
    config.setdefault("normalizer", None)
    return config


def check_lossless(config: Mapping[str, Any]) -> None:
    """Raises StopRun if text encoded and decoded could differ from the text."""
    model, steps = config["model"], _steps(config.get("pre_tokenizer"))
    levels = [s for s in steps if s.get("type") == "ByteLevel"]
    faults = (
        (model.get("type") != "BPE", "its model is not BPE"),
        (bool(model.get("dropout")), "its model drops merges at random"),
        (bool(model.get("continuing_subword_prefix") or model.get("end_of_word_suffix")), "it marks word parts"),
        (not _keeps_text(config.get("normalizer")), "it has a normalizer, which rewrites text"),
        (len(levels) != 1, "its pre-tokenizer is not byte-level"),
        (any(s.get("add_prefix_space", True) for s in levels), "it puts a space before the text"),
        (any(not _keeps_all(s) for s in steps), "its pre-tokenizer removes characters"),
        ((config.get("decoder") or {}).get("type") != "ByteLevel", "its decoder is not byte-level"),
        (not _spells_utf8(model.get("vocab")), "its vocabulary lacks single bytes"),
    )
    for present, fault in faults:
        if present:
            raise StopRun(f"the tokenizer is not exact: {fault}", "use a byte-level BPE tokenizer without a normalizer")


def _keeps_text(normalizer: Any) -> bool:
    """Whether the tokenizer can do without its normalizer: it has none, or one that only composes characters."""
    if isinstance(normalizer, dict) and normalizer.get("type") == "Sequence":
        return all(_keeps_text(part) for part in normalizer.get("normalizers", []))
    return normalizer is None or (isinstance(normalizer, dict) and normalizer.get("type") == "NFC")


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


def rule_of(pre_tokenizer: Any) -> str:
    """How text is cut before BPE: "digits+gpt2", "gpt2" or "other"."""
    steps = _steps(pre_tokenizer)
    if steps and steps[-1].get("type") == "ByteLevel" and steps[-1].get("use_regex", True):
        rest = steps[:-1]
        if not rest:
            return "gpt2"
        if len(rest) == 1 and rest[0].get("type") == "Digits" and rest[0].get("individual_digits"):
            return "digits+gpt2"
    return "other"
