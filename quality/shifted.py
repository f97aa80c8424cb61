"""Shifted: encodings that write other letters as ASCII, behind marks that switch between tables.

In: the bytes of a file. Out: its text and codec, or that it is in none of these encodings and plain ASCII. ISO-2022-JP
and ISO-2022-KR are known by their marks, of which the one that begins a table and the one that ends it enclose whole
letters. HZ and UTF-7 are made of signs that code is full of, so they need a declaration, and UTF-7 is not read even
then: it writes one text in many ways, and was used to hide things. Colours of a terminal begin with ESC as well, and
are no such marks. Costs two searches for a byte and one for a name: 4 microseconds for ten kB (one busy core), and for
a text with `~` in it 30.
"""

import re

import re2

from gleanery.quality.declared import declared_name
from gleanery.quality.recognised import strictly

_UTF_7_NAMED = re2.compile(rb"(?i)utf[-_]7")
_JAPANESE = re.compile(rb"\x1b\$[@B](?:[\x21-\x7e]{2})+\x1b\([BJ]")
_KOREAN, _KOREAN_LETTERS = b"\x1b$)C", re.compile(rb"\x0e(?:[\x21-\x7e]{2}|[ \t])+\x0f")
_UTF_7 = "utf_7"
_CODECS = {"iso-2022-jp": "iso2022_jp_ext", "iso-2022-kr": "iso2022_kr", "hz": "hz", "utf-7": _UTF_7}
_NAME = re.compile(r"(iso-2022-jp|iso-2022-kr|hz|utf-7)(?:-(?:[123]|2004|ext|gb-2312|unix|dos|mac))*")


def shifted(content: bytes) -> tuple[str | None, str] | None:
    """The text and the codec, (None, "unknown") where the marks mean nothing, and None for what has no such marks.

    >>> shifted("# 日本語".encode("iso2022_jp")), shifted(b"\\x1b[1mbold\\x1b(B\\x1b[m")
    (('# 日本語', 'iso2022_jp_ext'), None)
    >>> shifted(b"# coding: hz\\n# ~{VPND~}"), shifted(b"(format t ~{~a~})")
    (('# coding: hz\\n# 中文', 'hz'), None)
    """
    if not content.isascii() or not _may_be_shifted(content):
        return None
    codec = _declared(content) or _shown(content)
    # After a Japanese letter many programs switch to a table whose backslash is a yen sign, and mean ASCII.
    text = strictly(content.replace(b"\x1b(J", b"\x1b(B"), codec) if codec else None
    if codec is None or text == content.decode("ascii"):
        return None
    return (None, "unknown") if text is None or codec == _UTF_7 or "\x1b$" in text else (text, codec)


def _may_be_shifted(content: bytes) -> bool:
    # A search for one byte is much quicker than one for two.
    if b"\x1b" in content and b"\x1b$" in content:
        return True
    return (b"~" in content and b"~{" in content) or _UTF_7_NAMED.search(content) is not None


def _declared(content: bytes) -> str | None:
    found = _NAME.fullmatch((declared_name(content) or "").lower().replace("_", "-"))
    return _CODECS[found[1]] if found else None


def _shown(content: bytes) -> str | None:
    start = content.find(_KOREAN)  # it stands once, before all letters
    if start >= 0 and _KOREAN_LETTERS.search(content, start):
        return "iso2022_kr"
    return "iso2022_jp_ext" if _JAPANESE.search(content) else None
