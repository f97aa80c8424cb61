"""Placeholders: what stands in the text where a value stood.

In: spans in a text. Out: the text with placeholders, and where each of them begins. A placeholder is made of word
characters (or is a reserved address), so that code still parses. It says the kind and a number; the number counts
distinct values of that kind in this file, in the order of the text, and skips numbers that the file already holds.
Costs one pass over the spans.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import count

from gleanery.privacy.hits import Hit

# Reserved for documentation (RFC 5737), then for benchmarks (RFC 2544), then private: nobody's address.
_V4_BLOCKS = (("192.0.2", 254), ("198.51.100", 254), ("203.0.113", 254))

_MARK = re.compile(
    r"(?:PRIVATE_KEY|KEY|PASSWORD)_[0-9]{1,9}_REDACTED|user[0-9]{1,9}\\{0,3}@example\.com(?![\w-]|\.\w)"
    r"|(?<![A-Z])(?:USER)?NAME_[0-9]{1,9}"
    r"|(?:192\.0\.2|198\.51\.100|203\.0\.113|198\.1[89]\.[0-9]{1,3})\.[0-9]{1,3}|2001:db8::[0-9a-f]{1,4}(?::[0-9a-f]{1,4})?"
)

_PIECES = (
    "_REDACTED",
    "@example.com",
    "NAME_",
    "192.0.2.",
    "198.51.100.",
    "203.0.113.",
    "198.18.",
    "198.19.",
    "2001:db8::",
)


_BACKSLASH = "\\"


class Marks:
    """The placeholders that a text already holds. Nothing that touches one is replaced again."""

    def __init__(self, text: str) -> None:
        spans = [found.span() for found in _MARK.finditer(text)] if any(piece in text for piece in _PIECES) else []
        self._starts, self._ends = [s for s, _ in spans], [e for _, e in spans]
        self.texts = frozenset(text[start:end] for start, end in spans)

    def touch(self, start: int, end: int) -> bool:
        """A placeholder overlaps these characters."""
        place = bisect_left(self._ends, start + 1)
        return place < len(self._starts) and self._starts[place] < end


def placeholder(entity: str, number: int, value: str) -> str:
    """The placeholder of the `number`-th value (from 1) of an entity.

    >>> placeholder("EMAIL", 2, ""), placeholder("IP_ADDRESS", 255, ""), placeholder("IP_ADDRESS", 17, "::")
    ('user2@example.com', '198.51.100.1', '2001:db8::11')
    >>> placeholder("EMAIL", 2, f"wilma{_BACKSLASH}@kiesgrube-ost.de") == f"user2{_BACKSLASH}@example.com"
    True
    """
    if entity == "EMAIL":
        local = value.partition("@")[0]  # Perl and TeX take a bare sign for code, so its backslashes stay
        return f"user{number}{local[len(local.rstrip(_BACKSLASH)) :]}@example.com"
    if entity == "IP_ADDRESS":
        return _v6(number) if ":" in value else _v4(number)
    if entity in ("NAME", "USERNAME"):
        return f"{entity}_{number}"
    return f"{entity}_{number}_REDACTED"


class Placed:
    """Where the placeholders stand: for each its hit in the original text, its start in the new text, and itself."""

    def __init__(self, marks: Sequence[tuple[Hit, int, str]]) -> None:
        self.marks = marks
        self._starts = [start for _, start, _ in marks]

    def in_original(self, hit: Hit, turn: int) -> Hit:
        """A hit in the new text as a hit in the original; a placeholder that it touches belongs to it as a whole.

        `turn` keeps the groups of different rounds apart.
        """
        group = hit.group if hit.group < 0 else (turn << 32) + hit.group
        return hit._replace(start=self._start(hit.start), end=self._end(hit.end), group=group)

    def _start(self, position: int) -> int:
        place = bisect_right(self._starts, position) - 1
        if place < 0:
            return position
        hit, start, mark = self.marks[place]
        return hit.start if position < start + len(mark) else position - start - len(mark) + hit.end

    def _end(self, position: int) -> int:
        place = bisect_left(self._starts, position) - 1
        if place < 0:
            return position
        hit, start, mark = self.marks[place]
        return hit.end if position < start + len(mark) else position - start - len(mark) + hit.end


def merged(old: Sequence[Hit], new: Sequence[Hit]) -> list[Hit]:
    """All spans in order; a new span takes in the old ones that it overlaps."""
    chosen: list[Hit] = []
    for hit in sorted([*old, *new], key=lambda h: (h.start, -h.end)):
        if chosen and hit.start < chosen[-1].end:
            chosen[-1] = chosen[-1]._replace(end=max(chosen[-1].end, hit.end))
        else:
            chosen.append(hit)
    return chosen


def render(text: str, spans: Sequence[Hit]) -> tuple[str, Placed]:
    """The text with every span replaced, and where the placeholders stand in it.

    `spans` are in characters, sorted, and do not overlap. Line ends inside a span stay, so lines keep their numbers.
    """
    pieces: list[str] = []
    marks: list[tuple[Hit, int, str]] = []
    done, length = 0, 0
    for span, mark in zip(spans, _numbered(text, spans), strict=True):
        pieces += (text[done : span.start], mark)
        length += span.start - done
        marks.append((span, length, mark))
        length += len(mark)
        done = span.end
    pieces.append(text[done:])
    return "".join(pieces), Placed(marks)


def _numbered(text: str, spans: Sequence[Hit]) -> list[str]:
    """The placeholder for each span, in order: equal values share one, and so does a group."""
    taken = Marks(text).texts if spans else frozenset()
    supplies: dict[str, Iterator[int]] = {}
    known: dict[tuple[str, str], str] = {}
    groups: set[int] = set()
    chosen: list[str] = []
    for span in spans:
        value = text[span.start : span.end]
        kind = "IPv6" if span.entity == "IP_ADDRESS" and ":" in value else span.entity
        if span.group in groups:
            chosen.append("\n" * value.count("\n"))
            continue
        if (kind, value) not in known:
            supply = supplies.setdefault(kind, count(1))
            fresh = (placeholder(span.entity, number, value) for number in supply)
            known[kind, value] = next(mark for mark in fresh if mark not in taken)
        if span.group >= 0:
            groups.add(span.group)
        chosen.append(known[kind, value] + "\n" * value.count("\n"))
    return chosen


def _v4(number: int) -> str:
    left = number - 1
    for block, size in _V4_BLOCKS:
        if left < size:
            return f"{block}.{left + 1}"
        left -= size
    if left < 1 << 17:
        return f"198.{18 + (left >> 16)}.{left >> 8 & 255}.{left & 255}"
    left -= 1 << 17
    return f"10.{left >> 16 & 255}.{left >> 8 & 255}.{left & 255}"


def _v6(number: int) -> str:
    return f"2001:db8::{number:x}" if number < 1 << 16 else f"2001:db8::{number >> 16:x}:{number & 0xFFFF:x}"
