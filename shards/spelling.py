"""Spelling: what compiled code needs to know of a tokenizer, as plain arrays.

In: the bytes of a `tokenizer.json`, byte-level BPE. Out: `Spelling`: the bytes of every token, its merges as a hash
table, and what each token tells about the places before and behind it. Needs numpy and numba alone, so that a trainer
does not need the package `tokenizers`. Takes about 0.15 s for 49,152 tokens, once for each process and tokenizer.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled
from gleanery.records.errors import StopRun
from gleanery.shards.addresses import book_of, bytes_at, fetch, numbers_at, pairs_at, tables_at
from gleanery.shards.chance import inlined, u64
from gleanery.shards.characters import APOSTROPHE, BLANK, LETTER, NUMBER, SIGN, SPACE, UNKNOWN, kinds
from gleanery.shards.merges import PART_COLUMNS, byte_ranks, merge_table, parts_of, short_words
from gleanery.shards.tokenizer_file import LETTERS, NOT_UTF8, bytes_of, is_control, rule_of

# The most characters of a token that count when a place to cut is drawn; see fim.py.
MOST_CHARACTERS = 16
# Ids lie under this; the largest published vocabularies have 262,144 tokens.
MOST_TOKENS = 1 << 24


class Spelling:
    """Arrays over all token ids, 0 to size - 1.

    content     uint8, the bytes of all tokens one after the other
    start       int32[size + 1], token i is content[start[i] : start[i + 1]]; empty for control tokens and unused ids
    characters  uint8[size], characters that begin in the token, at most MOST_CHARACTERS
    lines       uint8[size], line ends in it, at most MOST_CHARACTERS
    edges       uint8[size], the kind of its first character, eight times that of its last one, 64 if it opens a
                word: a space and then something visible, which is always the start of a pre-token, and 128 if it is
                letters alone, or signs alone, but for such a space
    bytes_ids   int32[256], the token of each single byte, or -1
    merges      uint64[slots, 2], a hash table with open addressing: left id << 32 | right id, and rank << 32 | made id
    byte_ranks  int32[128 * 128], the rank at which two single bytes under 128 are merged
    words       uint64[slots, 2], a hash table of the short words that are one token: bytes, and id
    parts       int32[size, 4], how each token is made; see merges.py
    silent      runs of ids that spell nothing, as (first, end): control tokens, and what no token has
    digits      whether each digit is a token of its own
    exact       whether the text may be cut between any two characters without encoding all of it anew
    """

    def __init__(self, content: bytes) -> None:
        config = _parse(content)
        model = config["model"]
        spelled = _spelled(config)
        self.size = len(spelled)
        self.content = np.frombuffer(b"".join(spelled) or b"\0", np.uint8)
        self.start = np.concatenate([[0], np.cumsum([len(s) for s in spelled])]).astype(np.int32)
        self.characters, self.lines, self.edges = (np.zeros(self.size, np.uint8) for _ in range(3))
        _mark(self.content, self.start, kinds(), self.characters, self.lines, self.edges)
        self.silent = _runs(self.start)
        self.bytes_ids = np.full(256, -1, np.int32)
        vocabulary: dict[str, int] = model["vocab"]
        for letter, byte in LETTERS.items():
            self.bytes_ids[byte] = vocabulary.get(letter, -1)
        self.merges = merge_table(vocabulary, model.get("merges") or [])
        self.words = short_words(self.content, self.start, self.bytes_ids, self.merges)
        self.byte_ranks = byte_ranks(self.bytes_ids, self.merges)
        self.parts = parts_of(self.content, self.start, self.bytes_ids, self.merges)
        rule = rule_of(config.get("pre_tokenizer"))
        self.digits = rule == "digits+gpt2"
        spells_all = all(self.bytes_ids[byte] >= 0 for byte in range(256) if byte not in NOT_UTF8)
        self.exact = rule != "other" and spells_all and not _has_blank_tokens(config) and not model.get("ignore_merges")

    @cached_property
    def book(self) -> NDArray[np.uint64]:
        """The addresses and lengths of all tables. The spelling must be kept as long as its book is used."""
        tables: list[NDArray[Any]] = [self.content, self.start, self.characters, self.lines, self.edges, kinds()]
        return book_of(
            [*tables, self.bytes_ids, self.merges, self.words, self.byte_ranks, self.parts], [int(self.digits)]
        )


@lru_cache(maxsize=4)
def spelling_of(content: bytes) -> Spelling:
    """The spelling of a `tokenizer.json`, kept for the life of the process."""
    return Spelling(content)


def digest_of(content: bytes) -> str:
    """The SHA-256 of a `tokenizer.json`, by which a release names it."""
    return hashlib.sha256(content).hexdigest()


def _parse(content: bytes) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads(content)
        if not isinstance(config["model"]["vocab"], dict) or config["model"]["type"] != "BPE":
            raise ValueError("model")
        ids = [*config["model"]["vocab"].values(), *(token["id"] for token in config.get("added_tokens") or [])]
        if not ids or not all(type(i) is int and 0 <= i < MOST_TOKENS for i in ids):
            raise ValueError("ids")
        return config
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StopRun(
            "the tokenizer cannot be read",
            "give a byte-level BPE tokenizer; if it is that of a release, fetch it again",
        ) from error


def _spelled(config: Mapping[str, Any]) -> list[bytes]:
    """The bytes of each token by id; empty for control tokens and for ids that no token has."""
    vocabulary: dict[str, int] = config["model"]["vocab"]
    added = {int(token["id"]): str(token["content"]) for token in config.get("added_tokens") or []}
    spelled = [b""] * (max([*vocabulary.values(), *added]) + 1)
    for text, i in vocabulary.items():
        spelled[i] = bytes_of(text)
    for i, text in added.items():
        spelled[i] = b"" if is_control(text) else text.encode("utf-8")
    return spelled


def _runs(start: NDArray[np.int32]) -> list[tuple[int, int]]:
    """The runs of ids without bytes, and all ids behind the last one."""
    empty = np.concatenate([[False], np.diff(start) == 0, [False]])
    ends = np.flatnonzero(empty[1:] != empty[:-1]).tolist()
    return [*zip(ends[::2], ends[1::2], strict=True), (len(start) - 1, 1 << 32)]


def _has_blank_tokens(config: Mapping[str, Any]) -> bool:
    return any(not is_control(str(token["content"])) for token in config.get("added_tokens") or [])


@compiled
def content_of(book: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The table `content`."""
    return bytes_at(book[0], book[1])


@compiled
def start_of(book: NDArray[np.uint64]) -> NDArray[np.int32]:
    """The table `start`."""
    return numbers_at(book[2], book[3])


@inlined
def fetch_around(piece: NDArray[Any], token: int, book: NDArray[np.uint64]) -> None:
    """Ask for what a cut inside a token reads of it and of its neighbours: where it is spelled, `edges` and `parts`."""
    fetch(book[2] + u64(4 * piece[token]))
    fetch(book[8] + u64(piece[token]))
    for near in (max(token - 1, 0), min(token + 1, len(piece) - 1)):
        fetch(book[8] + u64(piece[near]))
        fetch(book[20] + u64(4 * PART_COLUMNS * piece[near]))


@compiled
def weights_of(book: NDArray[np.uint64], line: bool) -> NDArray[np.uint8]:
    """The table `lines` or `characters`."""
    return bytes_at(book[6], book[7]) if line else bytes_at(book[4], book[5])


@compiled
def edges_of(book: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The table `edges`."""
    return bytes_at(book[8], book[9])


@compiled
def kinds_of(book: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The kind of each code point."""
    return bytes_at(book[10], book[11])


@compiled
def bytes_ids_of(book: NDArray[np.uint64]) -> NDArray[np.int32]:
    """The table `bytes_ids`."""
    return numbers_at(book[12], book[13])


@compiled
def merges_of(book: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The table `merges`."""
    return pairs_at(book[14], book[15])


@compiled
def words_of(book: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The table `words`."""
    return pairs_at(book[16], book[17])


@compiled
def byte_ranks_of(book: NDArray[np.uint64]) -> NDArray[np.int32]:
    """The table `byte_ranks`."""
    return numbers_at(book[18], book[19])


@compiled
def parts_at(book: NDArray[np.uint64]) -> NDArray[np.int32]:
    """The table `parts`."""
    return tables_at(book[20], book[21], PART_COLUMNS)


@compiled
def cuts_digits(book: NDArray[np.uint64]) -> bool:
    """Whether each digit is a token of its own."""
    return bool(book[22])


@compiled
def _mark(
    content: NDArray[np.uint8],
    start: NDArray[np.int32],
    kind: NDArray[np.uint8],
    characters: NDArray[np.uint8],
    lines: NDArray[np.uint8],
    edges: NDArray[np.uint8],
) -> None:
    for token in range(len(edges)):
        begin, end = start[token], start[token + 1]
        count, ended, last, alike, only = 0, 0, end, end > begin, UNKNOWN
        for at in range(begin, end):
            if content[at] & 0xC0 != 0x80:
                count, last = count + 1, at
                here = kind_at(content, at, end, kind)
                if not (at == begin and here == SPACE):
                    alike &= here in (LETTER, SIGN) and only in (UNKNOWN, here)
                    only = here
            ended += content[at] == 0x0A
        characters[token], lines[token] = min(count, MOST_CHARACTERS), min(ended, MOST_CHARACTERS)
        first = kind_at(content, begin, end, kind)
        second = kind_at(content, begin + 1, end, kind) if first == SPACE else UNKNOWN
        opens = 64 if second in (LETTER, NUMBER, APOSTROPHE, SIGN) else 0
        kept = kind_at(content, last, end, kind)
        alike &= kept in (LETTER, SIGN) and first != UNKNOWN
        edges[token] = first | kept << 3 | opens | (128 if alike else 0)


@compiled
def kind_at(text: NDArray[np.uint8], at: int, end: int, kind: NDArray[np.uint8]) -> int:
    """The kind of the character whose bytes begin at `at` and are whole before `end`; UNKNOWN if they are not."""
    if at < end and text[at] < 0x80:
        return int(kind[text[at]])
    size = character_bytes(text, at, end)
    if size == 0:
        return UNKNOWN
    point = int(text[at])
    if size > 1:
        point &= 0xFF >> (size + 1)
        for k in range(1, size):
            point = (point << 6) | (text[at + k] & 0x3F)
        if point >= len(kind):
            return UNKNOWN
    return int(kind[point])


@compiled
def character_bytes(text: NDArray[np.uint8], at: int, end: int) -> int:
    """Bytes of the character that begins at `at`, or 0 if there is no whole one before `end`."""
    if at >= end:
        return 0
    if text[at] < 0x80:
        return 1
    lead = text[at]
    size = 0 if lead < 0xC2 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4 if lead < 0xF5 else 0
    if at + size > end:
        return 0
    for k in range(1, size):
        if text[at + k] & 0xC0 != 0x80:
            return 0
    return size


@compiled
def is_boundary(left: int, right: int, digits: bool) -> bool:
    """Whether a pre-token surely begins between two tokens with these `edges`, whatever stands around them."""
    if right & 64:
        return True
    before, first = (left >> 3) & 7, right & 7
    if before == UNKNOWN or first == UNKNOWN:
        return False
    if digits and (before == NUMBER or first == NUMBER):
        return True
    if first in (SPACE, BLANK):
        return before != SPACE and before != BLANK
    if before == BLANK:  # a space may belong to the word behind it; no other white space does
        return True
    if first == LETTER:  # not behind an apostrophe, which may begin a contraction
        return before in (NUMBER, SIGN)
    if first == NUMBER:
        return before in (LETTER, SIGN, APOSTROPHE)
    return before in (LETTER, NUMBER)
