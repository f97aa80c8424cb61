"""Normal forms: a text without its comments and white space, and the same with its names replaced by numbers.

In: the bytes of a text and the style of its comments. Out: two byte strings. Two texts with equal normal forms are the
same but for layout and comments; two with equal renamed forms are the same but for layout, comments and names. One
pass over the bytes, 150 to 250 MB/s on one core (real files of ten languages, CPU time).

This is a reader of tokens and no parser. What it does not know (regular expressions in JavaScript, here-documents of a
shell) it may read as a string or as code; then two texts that are the same are called different, or a comment stays.
"""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from gleanery.dedup.kernels import compiled

# Raise it when the same text may now have another form.
VERSION = 1
LEAST_NAMES = 30

_SLASHES, _BLOCK, _HASH, _DASHES, _SEMICOLON, _PERCENT, _MARKUP, _TRIPLE, _BACKTICK, _QUOTES = (
    1 << n for n in range(10)
)
# What a comment looks like, by the name of a style.
STYLES: Mapping[str, int] = MappingProxyType(
    {
        "none": 0,
        "slashes": _SLASHES | _BLOCK | _QUOTES | _BACKTICK,
        "block": _BLOCK | _QUOTES,
        "hash": _HASH | _QUOTES | _TRIPLE,
        "dashes": _DASHES | _BLOCK | _QUOTES,
        "semicolon": _SEMICOLON,
        "percent": _PERCENT,
        "markup": _MARKUP,
        "php": _SLASHES | _BLOCK | _HASH | _QUOTES,
    }
)
_ENDINGS = {
    "slashes": "c h cc cpp cxx hpp hh hxx inl java js mjs cjs jsx ts tsx mts cts go rs swift kt kts cs scala dart"
    " groovy gradle proto zig m mm d v sv cu cuh glsl hlsl frag vert sol scss less jsonc vala",
    "block": "css",
    "hash": "py pyi pyx pxd rb sh bash zsh fish pl pm yaml yml toml r jl nim ex exs cmake mk tcl ps1 awk sed tf gd",
    "dashes": "sql hs lua elm adb ads vhd vhdl",
    "semicolon": "lisp cl el clj cljs scm rkt asm s ini",
    "percent": "tex sty erl hrl pro",
    "markup": "html htm xml svg xhtml md vue xsl xsd",
    "php": "php",
}
_BY_ENDING = {ending: style for style, endings in _ENDINGS.items() for ending in endings.split()}
_BY_NAME = {"makefile": "hash", "dockerfile": "hash", "rakefile": "hash", "gemfile": "hash", "cmakelists.txt": "hash"}
# Words that stay as they are when names are replaced: without them, `if (x)` and `while (x)` would be the same.
_KEYWORDS = (
    "abstract and as assert async await bool boolean break byte case catch char class const continue def default "
    "defer del delete do double elif else elseif end enum except export extends extern false False final finally float"
    " fn for foreach from func function global go goto if"
    " impl implements import in include inline instanceof int interface is"
    " lambda let long loop match mod module mut namespace native new nil None nonlocal not null nullptr operator or"
    " override package pass private protected pub public raise range register require return select self short signed"
    " sizeof static str string String struct super switch synchronized template then this throw throws trait True true"
    " try type typedef typename typeof undefined union unless unsigned until use using var virtual void volatile where"
    " while with yield"
)


@dataclass(frozen=True)
class Forms:
    """`code`: the normal form, as text. `normal` and `renamed`: digests, 16 bytes, or empty where it says too little.

    A normal form with fewer words than a shingle has tokens, or a renamed form with fewer than `LEAST_NAMES` names, is
    like many others by chance, and has no digest.
    """

    code: str
    normal: bytes
    renamed: bytes


def style_of(names: Sequence[str]) -> str:
    """The style of comments for a content that occurs under these base names: that of the first name with a known one.

    >>> style_of(["a.py"]), style_of(["Makefile"]), style_of(["notes.txt", "z.c"])
    ('hash', 'hash', 'slashes')
    """
    return next(filter(None, map(_style, names if len(names) == 1 else sorted(names))), "none")


@functools.lru_cache(maxsize=1 << 16)
def _style(name: str) -> str | None:
    base = name.rpartition("/")[2].lower()
    return _BY_NAME.get(base) or _BY_ENDING.get(base.rpartition(".")[2] if "." in base else "")


def forms(text: str, style: str, least_words: int) -> Forms:
    """Both forms of a text. `least_words`: words below which there is no digest, as in `Parameters.shingle_tokens`.

    Raises KeyError for a style that is not in `STYLES`.

    >>> one, other = forms("int  a; // note\\n", "slashes", 1), forms("int a;", "slashes", 1)
    >>> one.code, one == other
    ('int a;', True)
    """
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    code = np.empty(data.size + 1, np.uint8)
    renamed = np.empty(3 * data.size + 8, np.uint8)
    slots = 512
    while slots < data.size + 512:
        slots *= 2
    found = _forms(  # type: ignore[no-untyped-call]
        data, STYLES[style], _keyword_hashes(), code, renamed, np.zeros(slots, np.uint64), np.zeros(slots, np.int32)
    )
    length, renamed_length, words, names = (int(n) for n in found)
    plain = code[:length].tobytes()
    return Forms(
        plain.decode("utf-8", "surrogatepass"),
        _digest(plain) if words >= least_words else b"",
        _digest(renamed[:renamed_length].tobytes()) if names >= LEAST_NAMES else b"",
    )


def _digest(form: bytes) -> bytes:
    return hashlib.blake2b(form, digest_size=16).digest()


@functools.cache
def _keyword_hashes() -> NDArray[np.uint64]:
    hashes = []
    for word in _KEYWORDS.split():
        acc = 0xCBF29CE484222325
        for byte in word.encode():
            acc = ((acc ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
        hashes.append(acc)
    array = np.array(sorted(hashes), np.uint64)
    array.flags.writeable = False
    return array


@compiled
def _forms(  # type: ignore[no-untyped-def]  # one loop with its state in local variables; numba infers their types
    data, flags, keywords, code, renamed, keys, numbers
):
    size, mask = data.size, np.uint64(keys.size - 1)
    for word in keywords:  # -1 marks a word that stays
        slot = (word ^ (word >> np.uint64(32))) & mask
        while keys[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        keys[slot], numbers[slot] = word, -1
    i, out, out2, words, names, spoken, gap, was_word = 0, 0, 0, 0, 0, 0, True, False
    while i < size:
        c = data[i]
        following = data[i + 1] if i + 1 < size else 0
        # White space and comments leave a gap.
        if c == 32 or (9 <= c <= 13):
            gap = True
            i += 1
            continue
        line_comment = (
            (flags & 1 and c == 47 and following == 47)
            or (flags & 4 and c == 35 and gap)
            or (flags & 8 and c == 45 and following == 45)
            or (flags & 16 and c == 59)
            or (flags & 32 and c == 37 and not (i > 0 and data[i - 1] == 92))
        )
        if line_comment:
            while i < size and data[i] != 10:
                i += 1
            gap = True
            continue
        if flags & 2 and c == 47 and following == 42:
            i += 2
            while i < size and not (data[i] == 42 and i + 1 < size and data[i + 1] == 47):
                i += 1
            i += 2
            gap = True
            continue
        if flags & 64 and c == 60 and i + 3 < size and following == 33 and data[i + 2] == 45 and data[i + 3] == 45:
            i += 4
            while i < size and not (data[i] == 45 and i + 2 < size and data[i + 1] == 45 and data[i + 2] == 62):
                i += 1
            i += 3
            gap = True
            continue
        # Strings are copied as they stand.
        if (flags & 512 and (c == 34 or c == 39)) or (flags & 256 and c == 96):
            start = i
            triple = flags & 128 and following == c and i + 2 < size and data[i + 2] == c
            many_lines = triple or c == 96
            i += 3 if triple else 1
            while i < size:
                if data[i] == 92 and i + 1 < size:
                    i += 2
                    continue
                if data[i] == 10 and not many_lines:
                    break
                if data[i] == c:
                    if not triple:
                        i += 1
                        break
                    if i + 2 < size and data[i + 1] == c and data[i + 2] == c:
                        i += 3
                        break
                i += 1
            i = min(i, size)
            for k in range(start, i):
                code[out], renamed[out2] = data[k], data[k]
                out, out2 = out + 1, out2 + 1
            words += 1
            gap, was_word = False, False
            continue
        if c == 95 or c >= 128 or 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122:
            start, acc = i, np.uint64(0xCBF29CE484222325)
            while i < size:
                c = data[i]
                if not (c == 95 or c >= 128 or 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122):
                    break
                acc = (acc ^ np.uint64(c)) * np.uint64(0x100000001B3)
                i += 1
            if gap and was_word:
                code[out], renamed[out2] = 32, 32
                out, out2 = out + 1, out2 + 1
            for k in range(start, i):
                code[out] = data[k]
                out += 1
            words += 1
            number = -1
            if not 48 <= data[start] <= 57:
                if acc == 0:
                    acc = np.uint64(1)
                slot = (acc ^ (acc >> np.uint64(32))) & mask
                while keys[slot] != 0 and keys[slot] != acc:
                    slot = (slot + np.uint64(1)) & mask
                if keys[slot] == 0:
                    names += 1
                    keys[slot], numbers[slot] = acc, names
                number = numbers[slot]
            if number < 0:
                for k in range(start, i):
                    renamed[out2] = data[k]
                    out2 += 1
            else:
                spoken += 1
                renamed[out2] = 1  # a control character marks a name; its number follows
                for shift in range(4):
                    renamed[out2 + 1 + shift] = (number >> (8 * shift)) & 255
                out2 += 5
            gap, was_word = False, True
            continue
        code[out], renamed[out2] = c, c
        out, out2 = out + 1, out2 + 1
        gap, was_word = False, False
        i += 1
    return out, out2, words, spoken
