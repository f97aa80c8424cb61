"""Encoded keys: private keys whose whole file was written in base64, as Kubernetes, CI systems and clouds want them.

In: a source. Out: hits on the encoded words whose text holds a private key as private_keys.py knows it, from the line
that says so to the end, and the line before it. Lines of one text are of one width, but for the last. A text is
decoded once, and at most LONGEST_TEXT of it.
"""

import binascii
from collections.abc import Iterator
from dataclasses import replace

from gleanery.privacy import private_keys
from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.source import Source

NAME, ENTITIES = "encoded_private_key", ("PRIVATE_KEY",)
# "PRIVATE KEY" in base64 where it begins with the first, second and third byte of a group, and how many characters of
# the group stand before what is always the same.
_SAID = {"UFJJVkFURSBLRV": 0, "BSSVZBVEUgS0VZ": 2, "QUklWQVRFIEtFW": 3}
GATES = {NAME: Condition("|".join(_SAID), tuple(said.lower().encode() for said in _SAID))}

LONGEST_TEXT = 128 << 10  # more than the longest block of private_keys.py takes in base64, and its head
LONGEST_HEAD = 16 << 10  # what stands before the words in their line
SHORTEST_LINE = 32  # of a text that goes on in the next line
LONGEST_GAP = 64
FIRST_GROUP = 1 << 32  # behind all groups of private_keys.py
_MARK = compile_pattern("|".join(_SAID))
_WORD = compile_pattern("[A-Za-z0-9+/_-]+={0,2}")
# Between two lines of one text: a line end as it is or as strings write it, and what a language puts around a line.
_BETWEEN = compile_pattern(r"""["']?[ \t]*[\\+,;.]{0,2}[ \t]*(?:\r?\n|\\r\\n|\\n)[ \t#*|>+,.]*["']?""")
_ENCODED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/_-")
_PLAIN = bytes.maketrans(b"-_", b"+/")
# How a file of a key ends, or one of JSON around it.
_ENDS = (b"-----", b"}", b"]")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    raw, place = source.raw, 0
    for block, mark in enumerate(_MARK.finditer(raw)):
        begin = mark.start() - _SAID[mark.group().decode()]
        if begin < place or not _ENCODED.issuperset(raw[begin : mark.start()]):
            continue
        first = max(place, begin - LONGEST_HEAD)
        while begin - 4 >= first and _ENCODED.issuperset(raw[begin - 4 : begin]):
            begin -= 4
        lines, text = _text_from(raw, _line_before(raw, begin, first))
        place = lines[-1][1]
        if next(private_keys.find(replace(source, raw=text)), None) is not None:
            for start, stop in private_keys.joined(raw, lines):
                yield Hit(start, stop, "PRIVATE_KEY", "encoded_private_key", 1.0, FIRST_GROUP + block)


def _line_before(raw: bytes, begin: int, first: int) -> int:
    """Where the line before one that begins at a place begins, if it is of the same text; else the place.

    The words BEGIN and PRIVATE KEY may stand in two lines.
    """
    window = max(first, begin - LONGEST_GAP)
    gap = next((one for one in _BETWEEN.finditer(raw, window, begin) if one.end() == begin), None)
    if gap is None:
        return begin
    end = next(_WORD.finditer(raw, begin, begin + LONGEST_TEXT)).end()
    width, stop = end - begin, gap.start()
    is_line = width >= SHORTEST_LINE and width % 4 == 0 and stop - width >= first
    return stop - width if is_line and _ENCODED.issuperset(raw[stop - width : stop]) else begin


def _text_from(raw: bytes, begin: int) -> tuple[list[tuple[int, int]], bytes]:
    """The words of the text that begins at a place, and what they encode."""
    limit, encoded, width, at = begin + LONGEST_TEXT, bytearray(), 0, begin
    lines: list[tuple[int, int]] = []
    while at < min(limit, len(raw)) and raw[at] in _ENCODED:
        end = next(_WORD.finditer(raw, at, limit)).end()
        if width and end - at > width:  # of another text
            break
        lines.append((at, end))
        encoded += raw[at:end]
        gap = next(_BETWEEN.finditer(raw, end, min(limit, end + LONGEST_GAP)), None)
        if end - at < (width or SHORTEST_LINE) or _is_ended(encoded) or gap is None or gap.start() != end:
            break
        width, at = end - at, gap.end()
    return lines, _decoded(encoded)


def _is_ended(encoded: bytearray) -> bool:
    groups = len(encoded) // 4 * 4
    return encoded.endswith(b"=") or _decoded(encoded[max(0, groups - 64) : groups]).rstrip().endswith(_ENDS)


def _decoded(encoded: bytearray) -> bytes:
    plain = encoded.translate(_PLAIN).rstrip(b"=")
    return binascii.a2b_base64(plain[: len(plain) // 4 * 4])
