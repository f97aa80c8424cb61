"""Which characters make tokens: the rule that divides a text into words, for every script.

In: nothing. Out: a class for each code point. The table for all of Unicode takes 0.1 s to make; it is made when
the first text comes that is not ASCII.

A token is a longest run of letters, marks, digits and underscores, as they stand (case kept). Everything else separates
tokens and is dropped, so that neither indentation nor a change of the line's width makes a shingle. Scripts that are
written without spaces would give one token for a whole sentence; there each ideograph or kana is a token of its own.
"""

import functools
import unicodedata

import numpy as np
from numpy.typing import NDArray

SEPARATOR, WORD, ALONE = 0, 1, 2

# Kana and ideographs, by Unicode block. What is not a letter in them is no token, whatever the block.
_KANA = ((0x3041, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9D), (0x1B000, 0x1B16F))
_IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_ALONE = _KANA + _IDEOGRAPHS

_OTHER_LETTER = 3
# The rule and the version of Unicode behind it: signatures that were made under different labels are never compared.
LABEL = f"words-1/unicode-{unicodedata.unidata_version}"


def character_class(character: str) -> int:
    """SEPARATOR, WORD or ALONE for one character.

    >>> [character_class(c) for c in "a_9й字 -"]
    [1, 1, 1, 1, 2, 0, 0]
    """
    if character != "_" and unicodedata.category(character)[0] not in "LMN":
        return SEPARATOR
    point = ord(character)
    alone = any(first <= point <= last for first, last in _ALONE) and unicodedata.category(character) == "Lo"
    return ALONE if alone else WORD


def classes_for(*, ascii_only: bool) -> NDArray[np.uint8]:
    """The class of each code point that can occur: 128 of them, or all. Read-only."""
    return _ascii_classes() if ascii_only else _all_classes()


@functools.cache
def _ascii_classes() -> NDArray[np.uint8]:
    return _frozen(np.array([character_class(chr(point)) for point in range(128)], np.uint8))


@functools.cache
def _all_classes() -> NDArray[np.uint8]:
    # Each category as one byte, in a single pass of C loops: a Python loop over all code points takes twice as long.
    categories = map(unicodedata.category, map(chr, range(0x110000)))
    table = np.frombuffer(bytes(map(_Codes().__getitem__, categories)), np.uint8).copy()
    for first, last in _ALONE:
        block = table[first : last + 1]
        block[block == _OTHER_LETTER] = ALONE
    table[table == _OTHER_LETTER] = WORD
    table[ord("_")] = WORD
    return _frozen(table)


class _Codes(dict[str, int]):
    """The class of each general category; "Lo" is kept apart, for it holds the ideographs."""

    def __missing__(self, category: str) -> int:
        self[category] = _OTHER_LETTER if category == "Lo" else WORD if category[0] in "LMN" else SEPARATOR
        return self[category]


def _frozen(table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    table.flags.writeable = False
    return table
