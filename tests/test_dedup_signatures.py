"""Shingles and signatures: the rule for tokens, equality with datasketch, and what an estimate is worth."""

import hashlib
import json
import os
import random
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from datasketch import MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gleanery.dedup import kernels, normal_form, signatures, verify
from gleanery.dedup.characters import classes_for
from gleanery.dedup.comments import FNV_PRIME, FNV_START
from gleanery.dedup.signatures import (
    Parameters,
    ShingleSets,
    as_minhash,
    low32,
    read_signatures,
    shingle_hashes,
    sign,
    sign_texts,
)
from gleanery.dedup.texts import joined_texts
from gleanery.dedup.verify import jaccard, shared_counts

GOLDEN = Path(__file__).parent / "golden/dedup"
DEFAULT = Parameters()
MASK = (1 << 64) - 1

# Any character, with those that divide texts into words more often than chance would bring them.
TEXTS = st.text(st.one_of(st.sampled_from("ab_9 \n\t.(й字かé\u0301"), st.characters()), max_size=200)


def _is_alone(character: str) -> bool:
    name = unicodedata.name(character, "").removeprefix("HALFWIDTH ")
    scripts = ("CJK", "HIRAGANA LETTER", "KATAKANA LETTER", "HENTAIGANA LETTER", "HIRAGANA DIGRAPH", "KATAKANA DIGRAPH")
    return name.startswith(scripts) and unicodedata.category(character) == "Lo"


def _tokens(text: str) -> Iterator[str]:
    """The rule of the reference, written a second time in plain Python."""
    token = ""
    for character in text:
        if _is_alone(character):
            yield from filter(None, [token, character])
            token = ""
        elif character == "_" or unicodedata.category(character)[0] in "LMN":
            token += character
        else:
            yield from filter(None, [token])
            token = ""
    yield from filter(None, [token])


def _mix(x: int) -> int:
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        x = (x ^ x >> 33) * factor & MASK
    return x ^ x >> 33


def _hash(token: str) -> int:
    h = 0xCBF29CE484222325
    for byte in token.encode("utf-8", "surrogatepass"):
        h = (h ^ byte) * 0x100000001B3 & MASK
    return _mix(h)


def _shingles(text: str, length: int) -> list[int]:
    hashes = [_hash(token) for token in _tokens(text)]
    found = set()
    for i in range(len(hashes) - length + 1):
        acc = 0
        for token in hashes[i : i + length]:
            acc = (acc * 0x9E3779B97F4A7C15 + token) & MASK
        found.add(_mix(acc))
    return sorted(found)


def _with_datasketch(hashes: np.ndarray, parameters: Parameters) -> np.ndarray:  # type: ignore[type-arg]
    sketch = MinHash(parameters.permutations, parameters.seed, hashfunc=low32, scheme="affine32")
    sketch.update_batch([int(h) for h in hashes])
    return sketch.hashvalues  # type: ignore[no-any-return]


@given(TEXTS, st.integers(1, 6))
@settings(deadline=None)
def test_shingle_hashes_are_those_of_the_plain_rule(text: str, length: int) -> None:
    assert shingle_hashes(text, Parameters(shingle_tokens=length)).tolist() == _shingles(text, length)


def test_the_rule_for_tokens_holds_for_every_character() -> None:
    table = classes_for(ascii_only=False)
    for point in range(0x110000):
        character = chr(point)
        word = character == "_" or unicodedata.category(character)[0] in "LMN"
        assert table[point] == (2 if word and _is_alone(character) else int(word)), hex(point)
    assert (classes_for(ascii_only=True) == table[:128]).all()


@given(TEXTS, st.sampled_from([Parameters(), Parameters(1, 1, 0), Parameters(17, 2, 7), Parameters(300, 3, 2**32 - 1)]))
@settings(deadline=None)
def test_a_signature_is_that_of_datasketch_for_any_text(text: str, parameters: Parameters) -> None:
    hashes = shingle_hashes(text, parameters)
    assert (sign(hashes, parameters) == _with_datasketch(hashes, parameters)).all()


def test_a_signature_is_that_of_datasketch_for_real_files() -> None:
    for path in sorted(Path(os.__file__).parent.glob("*.py"))[:60]:
        hashes = shingle_hashes(path.read_text("utf-8"), DEFAULT)
        assert (sign(hashes, DEFAULT) == _with_datasketch(hashes, DEFAULT)).all(), path.name


def test_signatures_stay_what_they_were() -> None:
    expected = json.loads((GOLDEN / "signatures.json").read_text("utf-8"))
    texts = {name: (GOLDEN / name).read_text("utf-8") for name in expected}
    signed = dict(zip(texts, sign_texts(list(texts.values()), DEFAULT), strict=True))
    assert {n: [count, hashlib.sha256(s).hexdigest()] for n, (count, s) in signed.items()} == expected


def test_the_label_names_everything_that_a_signature_depends_on() -> None:
    assert len({Parameters(p, s, seed).label for p in (128, 256) for s in (4, 5) for seed in (1, 2)}) == 8
    assert unicodedata.unidata_version in DEFAULT.label


def test_indentation_and_line_breaks_make_no_shingles() -> None:
    flat = "def area(width, height): return width * height  # in metres"
    deep = "\t\tdef area(\r\n" + " " * 400 + "width,\n\n\n\theight,\n):\n        return width*height#in metres\n"
    assert shingle_hashes(flat, DEFAULT).tolist() == shingle_hashes(deep, DEFAULT).tolist()
    assert shingle_hashes(" \t\n" * 10_000 + "({[;]})" * 1000, DEFAULT).size == 0


def test_case_and_underscores_count() -> None:
    assert (
        jaccard(shingle_hashes("one two three four five", DEFAULT), shingle_hashes("one two Three four five", DEFAULT))
        == 0
    )
    assert shingle_hashes("a_b c_d e_f g_h i_j", DEFAULT).size == 1


@pytest.mark.parametrize(
    "one, two",
    [
        ("река уровень вода мост график", "город улица дом двор сад"),
        ("这是一个小程序", "读取河流的水位"),
        ("これはみずうみ", "それはやまのみち"),
        ("नदी का जल स्तर मापता", "नगर की सड़क पर घर"),
        ("τα νερά του ποταμού εδώ", "η πόλη και οι δρόμοι"),
    ],
)
def test_texts_in_other_scripts_have_shingles_of_their_own(one: str, two: str) -> None:
    first, second = shingle_hashes(one, DEFAULT), shingle_hashes(two, DEFAULT)
    assert first.size and second.size
    assert jaccard(first, second) == 0


@pytest.mark.parametrize("character", ["a", "é", "𐐀", "字", "\ud800", "\0"])
def test_a_token_of_four_mebibytes_is_safe(character: str) -> None:
    text = "one two three " + character * (1 << 22) + " four five six"
    hashes = shingle_hashes(text, DEFAULT)
    assert hashes.size == {"字": 7, "\ud800": 2, "\0": 2}.get(character, 3)
    assert sign_texts([text], DEFAULT)[0][0] == hashes.size


def test_a_text_of_as_many_tokens_as_it_can_have_is_safe() -> None:
    many = " ".join("0123456789abcdef"[i % 16] for i in range(1 << 20))
    assert shingle_hashes(many, DEFAULT).size == 16
    assert shingle_hashes("a字" * 1000, DEFAULT).size == 2


def test_a_short_text_is_like_no_other() -> None:
    assert sign_texts(["", "one two three four", "  \n", "one two three four five"], DEFAULT)[:3] == [(0, b"")] * 3
    short = shingle_hashes("one two three four", DEFAULT)
    assert jaccard(short, short) == 0
    with pytest.raises(ValueError, match="empty"):
        as_minhash(b"", DEFAULT)
    with pytest.raises(ValueError, match="1024 bytes"):
        read_signatures([bytes(1024), b""], DEFAULT)


@given(st.lists(TEXTS, max_size=8), st.randoms())
@settings(deadline=None)
def test_a_signature_does_not_depend_on_its_neighbours(texts: list[str], chance: random.Random) -> None:
    order = list(range(len(texts)))
    chance.shuffle(order)
    signed = sign_texts(texts, DEFAULT)
    assert sign_texts([texts[i] for i in order], DEFAULT) == [signed[i] for i in order]


def test_datasketch_finds_planted_near_duplicates_by_our_signatures() -> None:
    paths = sorted(p for p in Path(os.__file__).parent.glob("*.py") if p.stat().st_size > 20_000)[:25]
    originals = {p.name: p.read_text("utf-8") for p in paths}
    edited = {
        f"{name} edited": "# a line of its own\n" + text.replace("self", "this", 3) for name, text in originals.items()
    }
    texts = originals | edited
    index = MinHashLSH(num_perm=256, params=(42, 6))
    for name, (_, signature) in zip(texts, sign_texts(list(texts.values()), DEFAULT), strict=True):
        index.insert(name, as_minhash(signature, DEFAULT))
    for name, text in edited.items():
        sketch = as_minhash(sign_texts([text], DEFAULT)[0][1], DEFAULT)
        assert name.removesuffix(" edited") in index.query(sketch)


def test_a_stored_signature_can_be_updated_as_a_datasketch_object() -> None:
    one, two = (shingle_hashes(t, DEFAULT) for t in ("a b c d e f g h", "i j k l m n o p"))
    sketch = as_minhash(sign(one, DEFAULT).tobytes(), DEFAULT)
    sketch.update_batch([int(h) for h in two])
    assert (sketch.hashvalues == sign(np.union1d(one, two), DEFAULT)).all()


@pytest.mark.parametrize("similarity", [0.3, 0.5, 0.7, 0.9])
def test_an_estimate_errs_as_much_as_theory_says(similarity: float) -> None:
    chance = np.random.default_rng(int(similarity * 10))
    errors = []
    for _ in range(300):
        values = chance.integers(0, 1 << 63, 1000).astype(np.uint64)
        both, rest = values[: int(similarity * 1000)], values[int(similarity * 1000) :]
        a, b = np.concatenate([both, rest[::2]]), np.concatenate([both, rest[1::2]])
        errors.append(np.mean(sign(a, DEFAULT) == sign(b, DEFAULT)) - similarity)
    deviation = (similarity * (1 - similarity) / DEFAULT.permutations) ** 0.5
    assert 0.8 < np.std(errors) / deviation < 1.2  # 300 trials: 4 % standard error
    assert abs(np.mean(errors)) < 5 * deviation / 300**0.5


@given(
    st.sets(st.integers(0, MASK)),
    st.sets(st.integers(0, MASK)),
    st.sets(st.integers(0, 20)),
    st.sets(st.integers(0, 20)),
)
@settings(deadline=None)
def test_jaccard_is_exact(a: set[int], b: set[int], c: set[int], d: set[int]) -> None:
    a, b = a | c, b | d
    expected = len(a & b) / len(a | b) if a and b else 0.0
    left, right = np.array(sorted(a), np.uint64), np.array(sorted(b), np.uint64)
    assert jaccard(left, right) == jaccard(right, left) == expected


@pytest.mark.slow
def test_nothing_fails_where_machine_code_cannot_be_stored() -> None:
    """Only numba's locator for notebooks is left, and it finds no folder: as in a read-only install without a home."""
    code = (
        "from gleanery.dedup.signatures import *; from gleanery.dedup import kernels;"
        "assert type(kernels.minima_of_all._cache).__name__ == 'NullCache';"
        "print(sign_texts(['one two three four five'], Parameters())[0][1].hex())"
    )
    environment = os.environ | {"NUMBA_CACHE_LOCATOR_CLASSES": "IPythonCacheLocator"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == sign_texts(["one two three four five"], DEFAULT)[0][1].hex()


@given(st.lists(st.tuples(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40))), min_size=1, max_size=8))
def test_what_two_sets_share_is_counted_in_any_order_of_their_values_zero_included(
    pairs: list[tuple[set[int], set[int]]],
) -> None:
    lefts = _sets([np.array(list(one), np.uint64) for one, _ in pairs])
    rights = _sets([np.array(list(other), np.uint64)[::-1] for _, other in pairs])
    rows = np.sort(np.arange(2 * len(pairs)) % len(pairs))  # each pair twice, so that a table is used again
    assert shared_counts(lefts, rights, rows, rows).tolist() == [len(pairs[n][0] & pairs[n][1]) for n in rows.tolist()]


def _sets(arrays: list[NDArray[np.uint64]]) -> ShingleSets:
    return ShingleSets(np.concatenate(arrays), np.cumsum([0, *map(len, arrays)]))


def test_each_process_draws_the_places_of_its_hash_tables_for_itself() -> None:
    command = [sys.executable, "-c", "from gleanery.dedup.kernels import SECRET; print(int(SECRET))"]
    drawn = {int(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(2)}
    drawn.add(int(kernels.SECRET))
    assert len(drawn) == 3 and all(secret % 2 for secret in drawn)


def fnv(names: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """FNV-1a of each row."""
    found = np.full(len(names), FNV_START, np.uint64)
    for column in names.T:
        found = (found ^ column) * np.uint64(FNV_PRIME)
    return found


def test_names_that_want_one_place_of_a_known_table_are_spread_over_a_secret_one() -> None:
    bits = 17
    numbers = np.arange(1 << 22, dtype=np.uint32)
    letters = np.stack([97 + (numbers // 26**place) % 26 for place in range(7)], axis=1).astype(np.uint8)
    keys = fnv(letters)
    # As the table was before it had a secret: names of which all places lie in one 256th of it.
    chosen = ((keys ^ (keys >> np.uint64(32))) & np.uint64((1 << bits) - 1)) < (1 << bits) // 256
    keys = keys[chosen][: 1 << 14]
    assert len(keys) > 12_000
    for secret in np.random.default_rng(1).integers(0, 1 << 64, 8, np.uint64) | np.uint64(1):
        places = np.sort((keys * secret) >> np.uint64(64 - bits))
        assert len(np.unique(places)) > 0.85 * len(keys) and np.unique(places, return_counts=True)[1].max() < 16


@pytest.mark.parametrize("secret", [1, 0x9E3779B97F4A7C15, (1 << 64) - 1])
def test_no_result_depends_on_the_places(monkeypatch: pytest.MonkeyPatch, secret: int) -> None:
    chance = random.Random(5)
    words = [chance.choice("abcdefgh") * chance.randrange(1, 4) + str(chance.randrange(40)) for _ in range(3000)]
    texts = joined_texts([" ".join(words[n : n + 400]) for n in range(0, 2600, 200)] + ["a", "", "x " * 50])

    def results() -> list[object]:
        sets = signatures.shingle_sets(texts, Parameters())
        left, right = np.divmod(np.arange(len(texts) ** 2), len(texts))
        found = normal_form.forms(texts, ["none"] * len(texts))
        shared = verify.shared_counts(sets, sets, left, right)
        return [sets.values.tolist(), sets.offsets.tolist(), shared.tolist(), found.normal, found.renamed]

    before = results()
    monkeypatch.setattr(kernels, "SECRET", np.uint64(secret))
    monkeypatch.setattr(normal_form, "SECRET", np.uint64(secret))
    monkeypatch.setattr(verify, "SECRET", np.uint64(secret))
    assert results() == before
