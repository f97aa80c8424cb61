"""Documents with planted copies, and the truth about them: every pair at or above a threshold.

In: real code (`corpus.py`). Out: documents, two in seven of them an edited copy of another one; and all similar pairs,
by an exact join that knows nothing of signatures or bands. The edits are of known kinds and rates, seeded by the number
of the document. 1 million documents of 2 kB take 75 s to make.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
from corpus import code_files
from numpy.typing import NDArray

from gleanery.dedup.signatures import ShingleSets
from gleanery.records.compiling import compiled

KINDS = ("whitespace", "rename", "header", "delete", "insert", "mixed")
RATES = (0.01, 0.03, 0.1, 0.25)
COPIES = 0.4  # edited copies for each original
HEADER = """Copyright (c) {year} The authors of module {name}. All rights reserved. Use of this source code is governed
by a licence that can be found in the file of that name in the top folder, revision {name} of {year}.
"""
_ALPHABETS = ("abcdefghijklmnopqrstuvwxyz", "0123456789", "абвгдежзийклмнопрстуфхцчшщъыьэюя")
_SCRIPTS = ((0x3041, 0x3097), (0x30A1, 0x30FB), (0x4E00, 0xA000), (0xAC00, 0xD7A4))  # kana, ideographs, hangul
_NAME = re.compile(r"[A-Za-z_]\w{2,}")


@dataclass(frozen=True)
class Planted:
    """One document. `origin` is the number of the document that it is a copy of, or its own; `kind` of the edit."""

    number: int
    origin: int
    kind: str
    rate: float
    text: str


def planted(documents: int, megabytes: float, characters: int | None, world: int | None = None) -> Iterator[Planted]:
    """`documents` documents from the first `megabytes` of the corpus, in an order that never changes.

    They are pieces of about so many characters, cut between lines, or whole files. After `world` documents, or when
    the corpus ends, it begins again in another world, in other words: nothing there is like anything here, and what is
    alike there is what is alike here. So many worlds have as many pairs for each document as one of them.
    """
    number = first = 0
    for which in count():
        stranger = ""
        for text in _originals(megabytes, characters, which):
            origin = number
            yield Planted(number, origin, "original", 0.0, text)
            number += 1
            chance = random.Random(f"planted {number}")
            if number < documents and chance.random() < COPIES:
                kind, rate = chance.choice(KINDS), chance.choice(RATES)
                yield Planted(number, origin, kind, rate, edited(text, stranger, kind, rate, chance))
                number += 1
            stranger = text
            if number >= documents:
                return
            if world is not None and number - first >= world:
                break
        first = number


def _originals(megabytes: float, characters: int | None, world: int) -> Iterator[str]:
    """Each begins with the number of its world, so that it is no renamed form of its like in another one."""
    words = other_words(world)
    for file in code_files(megabytes):
        text = file.content.decode("utf-8")
        for piece in _pieces(text, characters) if characters else [text]:
            yield f"{world}\n{piece.translate(words) if world else piece}"


def other_words(world: int) -> dict[int, int]:
    """For `str.translate`: each letter and digit as another one, by chance that the number of the world seeds.

    Words keep their lengths, and how often each occurs. Scripts without small alphabets are turned by some places.
    """
    chance = random.Random(f"world {world}")
    table: dict[int, int] = {}
    for alphabet in _ALPHABETS:
        shuffled = chance.sample(alphabet, len(alphabet))
        for kind in (str.lower, str.upper):
            table |= {ord(kind(one)): ord(kind(other)) for one, other in zip(alphabet, shuffled, strict=True)}
    for first, last in _SCRIPTS:
        places = chance.randrange(1, last - first)
        table |= {point: first + (point - first + places) % (last - first) for point in range(first, last)}
    return table


def _pieces(text: str, characters: int) -> Iterator[str]:
    first = 0
    while first < len(text):
        end = text.find("\n", first + characters)
        last = len(text) if end < 0 or len(text) - end < characters // 2 else end + 1
        yield text[first:last]
        first = last


def edited(text: str, stranger: str, kind: str, rate: float, chance: random.Random) -> str:
    """A copy with one kind of edit, to about `rate` of its lines or names; `stranger` gives lines to insert."""
    lines = text.splitlines(keepends=True)
    if kind == "whitespace":
        return "".join(
            re.sub(r"^[ \t]*", "\t" * chance.randrange(3), line) + "\n" * (chance.random() < rate) for line in lines
        )
    if kind == "header":
        return (
            HEADER.format(year=chance.randrange(1990, 2030), name=chance.randrange(10**6)) * (1 + int(rate * 8)) + text
        )
    if kind in ("rename", "mixed"):
        names = sorted(set(_NAME.findall(text)))
        new = {name: f"{name}_{chance.randrange(10**4)}" for name in names if chance.random() < rate / 3}
        text = _NAME.sub(lambda found: new.get(found[0], found[0]), text) if new else text
        lines = text.splitlines(keepends=True)
    if kind in ("delete", "mixed"):
        lines = [line for line in lines if chance.random() >= rate]
    if kind in ("insert", "mixed"):
        others = stranger.splitlines(keepends=True) or ["nothing to insert\n"]
        lines = [
            part for line in lines for part in ((chance.choice(others), line) if chance.random() < rate else (line,))
        ]
    return "".join(lines)


def similar_pairs(sets: ShingleSets, threshold: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """All pairs of sets whose Jaccard similarity is at or above the threshold: int64[n, 2], and their similarities.

    Exact, by prefix filtering (Bayardo et al., "Scaling Up All Pairs Similarity Search", 2007): with the values of each
    set ordered from the rarest, two similar sets of n and m values share one of the first n - t n + 1 and m - t m + 1.
    """
    _, inverse, frequency = np.unique(sets.values, return_inverse=True, return_counts=True)
    rank = np.empty(len(frequency), np.int64)
    rank[np.lexsort((np.arange(len(frequency)), frequency))] = np.arange(len(frequency))
    values = rank[inverse]
    for first, last in zip(sets.offsets, sets.offsets[1:], strict=False):
        values[first:last].sort()
    order = np.argsort(sets.sizes, kind="stable")
    left, right, shared = _join(values, sets.offsets, order, len(frequency), threshold)
    pairs = np.stack([np.minimum(left, right), np.maximum(left, right)], axis=1)
    similarity = shared / (sets.sizes[left] + sets.sizes[right] - shared)
    place = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return pairs[place], similarity[place]


@compiled
def _join(
    values: NDArray[np.int64], offsets: NDArray[np.int64], order: NDArray[np.int64], ranks: int, threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Pairs at or above the threshold, and how many values they share; sets in the order of their sizes."""
    heads = np.full(ranks, -1, np.int64)
    following, owner = np.empty(values.size, np.int64), np.empty(values.size, np.int64)
    seen = np.full(offsets.size, -1, np.int64)
    found, entries, pairs = 0, 0, np.empty((1 << 16, 3), np.int64)
    for item in order:
        first, last = offsets[item], offsets[item + 1]
        size = last - first
        prefix = size - np.int64(np.ceil(threshold * size - 1e-9)) + 1 if size else 0
        for place in range(first, first + min(prefix, size)):
            entry = heads[values[place]]
            while entry >= 0:
                other = owner[entry]
                entry = following[entry]
                if seen[other] == item:
                    continue
                seen[other] = item
                i, j, shared = first, offsets[other], 0
                end = offsets[other + 1]
                if end - j < threshold * size - 1e-9:
                    continue
                while i < last and j < end:
                    x, y = values[i], values[j]
                    shared += x == y
                    i += x <= y
                    j += y <= x
                if shared >= threshold * (size + end - offsets[other] - shared) - 1e-9:
                    if found == pairs.shape[0]:
                        larger = np.empty((2 * found, 3), np.int64)
                        larger[:found] = pairs
                        pairs = larger
                    pairs[found, 0], pairs[found, 1], pairs[found, 2] = other, item, shared
                    found += 1
        for place in range(first, first + min(prefix, size)):
            owner[entries], following[entries] = item, heads[values[place]]
            heads[values[place]] = entries
            entries += 1
    return pairs[:found, 0].copy(), pairs[:found, 1].copy(), pairs[:found, 2].copy()
