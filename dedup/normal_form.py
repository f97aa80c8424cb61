"""Normal forms: a text without its comments and white space, and the same with its names replaced by numbers.

In: texts and the styles of their comments. Out: digests, and the texts without their comments. Two texts with equal
normal forms are the same but for layout and comments; two with equal renamed forms are the same but for layout,
comments and names. One pass over all texts of a block (`token_reader`), and two digests for each.

This is a reader of tokens and no parser. What it does not know (here-documents of a shell, a language behind an ending
that two have) it may read as a string, as code or as a comment. So whoever compares by its answer has to look how much
of a text it took for code, see `sameness`.
"""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gleanery.dedup import token_reader
from gleanery.dedup.comment_styles import BEHIND, BY_NAME, STYLE_NAMES, STYLES, style_named
from gleanery.dedup.comments import hash_of, spans_of_all
from gleanery.dedup.kernels import SECRET, readonly
from gleanery.dedup.texts import Texts

__all__ = ["STYLES", "STYLE_NAMES", "VERSION", "Forms", "code_of", "forms", "style_of", "styles_of"]

# Raise it when the same text may now have another form.
VERSION = 7
LEAST_NAMES, LEAST_REPEATED = 30, 5

_PLACES = {name: place for place, name in enumerate(STYLE_NAMES)}
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
    """`code`: the normal forms, as texts. `normal` and `renamed`: digests, 16 bytes, or empty where it says too little.
    `words`: how many words and strings each normal form has.

    A normal form with fewer words than were asked for, or a renamed form with fewer than `LEAST_NAMES` names, is
    like many others by chance, and has no digest. Nor has a renamed form in which names hardly come back (fewer than
    `LEAST_REPEATED` times): of a list of words nothing is left but their number.
    """

    code: Texts
    normal: list[bytes]
    renamed: list[bytes]
    words: NDArray[np.int64]


def style_of(names: Sequence[str]) -> str:
    """The style of comments for a content that occurs under these base names: that of the first name with a known one.

    >>> style_of(["a.py"]), style_of(["Makefile"]), style_of(["notes.txt", "z.c"])
    ('hash', 'hash', 'slashes')
    """
    return next(filter(None, map(style_named, names if len(names) == 1 else sorted(names))), "none")


def styles_of(names: pa.ListArray) -> NDArray[np.uint8]:
    """`style_of` for each row of a column of lists of names, as places in `STYLE_NAMES`.

    Only what counts of a name is looked at, its ending or, of a few, the whole: there are few of those.

    >>> found = styles_of(pa.array([["a.py"], ["notes.txt", "z.c"], [], ["py"], ["CMakeLists.txt"], ["a.h.in"]]))
    >>> [STYLE_NAMES[style] for style in found]
    ['hash', 'slashes', 'none', 'none', 'cmake', 'slashes']
    """
    lower = pc.replace_substring_regex(pc.utf8_lower(names.values), BEHIND + "$", "")
    endings = pc.replace_substring_regex(lower, r"(?s)^.*\.", ".")
    telling = pc.if_else(pc.is_in(lower, pa.array(sorted(BY_NAME))), lower, endings).dictionary_encode()
    by_number = np.array([_PLACES[style_named(name) or "none"] for name in telling.dictionary.to_pylist()], np.uint8)
    offsets = names.offsets.to_numpy()
    counts = np.diff(offsets)
    styles = np.full(len(names), _PLACES["none"], np.uint8)
    styles[counts == 1] = by_number[telling.indices.to_numpy()[offsets[:-1][counts == 1]]]
    for row in np.flatnonzero(counts > 1).tolist():
        styles[row] = _PLACES[style_of(names.values[offsets[row] : offsets[row + 1]].to_pylist())]
    return styles


def forms(texts: Texts, styles: Sequence[str]) -> Forms:
    """Both forms of some texts; a text without a word has no normal form.

    Raises KeyError for a style that is not in `STYLES`.

    >>> from gleanery.dedup.texts import joined_texts
    >>> found = forms(joined_texts(["int  a; // note\\n", "int a;"]), ["slashes", "slashes"])
    >>> found.code[0], found.normal[0] == found.normal[1]
    ('int a;', True)
    """
    code, ends, renamed, renamed_ends, words, names, repeated = _read(texts, styles, with_names=True)
    return Forms(
        Texts(code, ends),
        _digests(code, ends, words > 0),
        _digests(renamed, renamed_ends, (names >= LEAST_NAMES) & (repeated >= LEAST_REPEATED)),
        words,
    )


def code_of(texts: Texts, styles: Sequence[str]) -> Texts:
    """The normal forms alone, for whoever measures a pair: half of the work of `forms`."""
    code, ends, *_ = _read(texts, styles, with_names=False)
    return Texts(code, ends)


def _read(texts: Texts, styles: Sequence[str], *, with_names: bool) -> tuple[NDArray[Any], ...]:
    data, offsets = readonly(texts.data), readonly(texts.offsets)
    marks = readonly(np.fromiter(map(STYLES.__getitem__, styles), np.int64, len(styles)))
    spans, ends = spans_of_all(data, offsets, marks)
    found: tuple[NDArray[Any], ...] = token_reader.forms_of_all(
        data, offsets, spans, ends, keyword_table(), with_names, SECRET
    )
    return found


def _digests(data: NDArray[np.uint8], ends: NDArray[np.int64], wanted: NDArray[np.bool_]) -> list[bytes]:
    form, places = data.data, ends.tolist()
    return [
        hashlib.blake2b(form[first:last], digest_size=16).digest() if there else b""
        for first, last, there in zip(places, places[1:], wanted.tolist(), strict=False)
    ]


@functools.cache
def keyword_table() -> NDArray[np.uint64]:
    """The hashes of all keywords, each in the first free place after the one that its own bits choose."""
    table = np.zeros(512, np.uint64)
    for word in _KEYWORDS.split():
        key = hash_of(word.encode())
        slot = (key ^ key >> 32) % len(table)
        while table[slot]:
            slot = (slot + 1) % len(table)
        table[slot] = key
    return readonly(table)
