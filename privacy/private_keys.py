"""Private keys: the blocks that begin with a line `BEGIN ... PRIVATE KEY`, and PuTTY's.

In: a source. Out: hits on the encoded lines; the first and the last line of a block stay, so that the text still says
that a key was there. Lines that only white space parts are one hit; inside string literals each line is its own, so
that no quote is eaten. Certificates and public keys are left.
"""

import re
from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.source import Source

NAME, ENTITIES = "private_key", ("PRIVATE_KEY",)
GATES = {NAME: Condition("PRIVATE[ _]KEY|Private-Lines:", (b"private key", b"private_key", b"private-lines:"))}

LONGEST_BLOCK = 64 << 10  # bytes; the largest RSA and PGP keys in use are below 20 kB

_BEGIN = compile_pattern(
    r"-{2,5}[ ]?BEGIN[ ](?:[A-Z0-9]{1,12}[ ]){0,3}PRIVATE[ _]KEY(?:[ ]BLOCK)?[ ]?-{2,5}|Private-Lines:[ ]?[0-9]{1,4}"
)
_END = compile_pattern(r"-{2,5}[ ]?END[ ]|Private-(?:MAC|Hash):")
# What separates encoded lines: line ends, also as escapes, and what a language puts around a line of a string.
_LINE_END = re.compile(rb"(?:\\+[nr]|[\r\n])+")
_DECORATION = b" \t\r\"'`+,;#*|>()&.\\"
_ENCODED = compile_pattern(r"[A-Za-z0-9+/=]{1,400}")
_GAP = compile_pattern(r"(?:\s|\\[nr]){0,64}")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    raw, place = source.raw, 0
    for block, begin in enumerate(_BEGIN.finditer(raw)):
        if begin.start() < place:
            continue
        limit = min(len(raw), begin.end() + LONGEST_BLOCK)
        following = next(_BEGIN.finditer(raw, begin.end(), limit), None)
        limit = following.start() if following is not None else limit
        end = next(_END.finditer(raw, begin.end(), limit), None)
        lines = _encoded_lines(raw, begin.end(), end.start() if end else limit, closed=end is not None)
        place = begin.end()
        if any(stop - start >= 16 for start, stop in lines):
            for start, stop in _joined(raw, lines):
                yield Hit(start, stop, "PRIVATE_KEY", "private_key_block", 1.0, block)


def _encoded_lines(raw: bytes, start: int, stop: int, closed: bool) -> list[tuple[int, int]]:
    """The spans of the encoded lines of a block. An open block ends where the first line follows that is no code."""
    spans: list[tuple[int, int]] = []
    for first, last in _lines(raw, start, stop):
        text = raw[first:last]
        left = last - len(text.lstrip(_DECORATION))
        right = first + len(text.rstrip(_DECORATION))
        if left < right and _ENCODED.fullmatch(raw, left, right):
            spans.append((left, right))
        elif not closed and left < right and b":" not in text:
            break
    return spans


def _lines(raw: bytes, start: int, stop: int) -> Iterator[tuple[int, int]]:
    for end in _LINE_END.finditer(raw, start, stop):
        yield start, end.start()
        start = end.end()
    yield start, stop


def _joined(raw: bytes, lines: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Lines with nothing but white space between them become one span."""
    start, stop = lines[0]
    for left, right in lines[1:]:
        if _GAP.fullmatch(raw, stop, left):
            stop = right
            continue
        yield start, stop
        start, stop = left, right
    yield start, stop
