"""Decoding: the text of a file, and which encoding it was read as.

In: the bytes of a file. Out: its text with the name of its encoding, or nothing where the text is not certain. UTF-8 is
one pass (1 to 3 GB/s). Only what is not UTF-8 is asked further: what it declares (declared.py), then what its bytes
show (recognised.py), 0.2 to 1.3 ms for a file of ten kB. Two things that are UTF-8 may be something else: ASCII with
marks that make other letters of it (shifted.py), and a letter or three in a file that declares two bytes a letter.

Strict all the way: one byte without a meaning makes the encoding unknown, rather than a text that nobody wrote.
"""

import codecs
import re

from gleanery.quality.declared import declared_name, read_as
from gleanery.quality.recognised import recognised, strictly
from gleanery.quality.shifted import shifted

UNKNOWN = "unknown"
DECODING = "decoding 2"
"""Part of the licence detector's name, whose answers outlive a run: raise it with the rules here or in the helpers."""
_TWO_BYTES = frozenset(["cp932", "euc_jp", "gb18030", "big5hkscs", "cp949"])
FEW = 3
"""So many letters of two bytes may be UTF-8 by chance: one in seven of GBK is, of four in a row hardly any."""
_HIGH = re.compile(rb"[\x80-\xff]")
_UTF8_LETTERS = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def decode(content: bytes) -> tuple[str | None, str]:
    """The text of some bytes and their encoding: utf-8, utf-8-sig, utf-16, another codec's name, or (None, "unknown").

    UTF-16 needs its byte order mark; UTF-8 may have one. The mark is not part of the text. Line ends stay as they are.
    The text never holds a lone surrogate. A file that is not UTF-8 is read as it declares; one that declares nothing,
    as its bytes show; a declaration that the bytes contradict leaves it unknown.

    >>> decode(b"a\\r\\n"), decode(b"\\xff\\xfea\\x00"), decode(b"\\xe9")
    (('a\\r\\n', 'utf-8'), ('a', 'utf-16'), (None, 'unknown'))
    >>> decode(b"# coding: koi8-r\\n# \\xc4\\xc1")
    ('# coding: koi8-r\\n# да', 'koi8_r')
    """
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return None, UNKNOWN  # the mark of little-endian UTF-32 begins with that of UTF-16
    encoding, marked = "utf-8", False
    if content.startswith(codecs.BOM_UTF8):
        encoding, marked = "utf-8-sig", True
    elif content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding, marked = "utf-16", True
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return (None, UNKNOWN) if marked else _another(content)
    return (text, encoding) if marked else (shifted(content) or _of_few_letters(content, text) or (text, encoding))


def _of_few_letters(content: bytes, text: str) -> tuple[str, str] | None:
    """The text as it declares, where its only letters beyond ASCII are a few that may be of two bytes each."""
    if not 0 < len(content) - len(text) <= FEW or 2 * (len(content) - len(text)) != len(_HIGH.findall(content)):
        return None
    codec = read_as(declared_name(content) or "")
    declared = strictly(content, codec) if codec in _TWO_BYTES else None
    return None if codec is None or declared is None else (declared, codec)


def _another(content: bytes) -> tuple[str | None, str]:
    shown = recognised(content)
    name = declared_name(content)
    if name is None:
        return (shown[1], shown[0]) if shown else (None, UNKNOWN)
    codec = read_as(name)
    text = strictly(content, codec) if codec else None
    if codec is None or text is None or (codec not in _TWO_BYTES and _contradicted(content, shown)):
        return None, UNKNOWN
    return text, codec


def _contradicted(content: bytes, shown: tuple[str, str] | None) -> bool:
    """Whether one byte a letter cannot be true: any bytes can be read so, those of other encodings too."""
    if shown and shown[0] in _TWO_BYTES:
        return True
    utf8 = sum(map(len, _UTF8_LETTERS.findall(content)))
    return 2 * utf8 > len(_HIGH.findall(content))
