"""Differences: two texts side by side, line by line, for a person to judge whether they are the same work.

In: two texts. Out: rows, and these as plain text of a given width. Nothing from the texts can steer a terminal: what is
not printable is shown as a dot. At most `MOST_LINES` are compared, from the first one that differs on, so that no input
takes longer than a second; of a long line, what is shown begins shortly before its first difference.
"""

import difflib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_LINES, MOST_CHARACTERS = 2_000, 2_000
CONTEXT, BEFORE = 3, 20
SAME, CHANGED, LEFT_ONLY, RIGHT_ONLY, GAP = "same", "changed", "left", "right", "gap"
_MARKS = {SAME: " ", CHANGED: "|", LEFT_ONLY: "<", RIGHT_ONLY: ">", GAP: "~"}


@dataclass(frozen=True)
class Row:
    """One row: `kind` is same, changed, left (only there), right, or gap; of a gap, `left` says what was left out."""

    kind: str
    left_number: int | None
    left: str
    right_number: int | None
    right: str


def side_by_side(left: str, right: str) -> list[Row]:
    """All differing lines of two texts, with `CONTEXT` equal ones around.

    >>> [(row.kind, row.left, row.right) for row in side_by_side("a\\nb", "a\\nc")]
    [('same', 'a', 'a'), ('changed', 'b', 'c')]
    """
    one, other = left.splitlines(), right.splitlines()
    start = max(0, _equal(one, other) - CONTEXT)
    one, other = one[start:], other[start:]
    tail = max(0, _equal(one[::-1], other[::-1]) - CONTEXT)
    if max(len(one), len(other)) - tail > MOST_LINES:
        tail = 0
    rows = list(_rows(_cut(one[: len(one) - tail]), _cut(other[: len(other) - tail]), start))
    near = [i for i, row in enumerate(rows) if row.kind != SAME]
    shown = {i + step for i in near for step in range(-CONTEXT, CONTEXT + 1)} if near else set(range(CONTEXT))
    return list(_with_gaps(rows, shown, start, tail))


def as_text(rows: Sequence[Row], width: int) -> list[str]:
    """The rows as lines of at most `width` columns; long ones are cut, which an ellipsis shows."""
    half = max(10, (width - 15) // 2)
    lines = []
    for row in rows:
        if row.kind == GAP:
            lines.append(f"      ~ {row.left}")
            continue
        left, right = (_padded(text, half) for text in _around_difference(row.left, row.right, half))
        numbers = [f"{n:>5}" if n else "     " for n in (row.left_number, row.right_number)]
        lines.append(f"{numbers[0]} {left} {_MARKS[row.kind]} {numbers[1]} {right}".rstrip())
    return lines


def printable(text: str) -> str:
    """The text on one line, tabs as four spaces, with a dot for each character that is not printable.

    >>> printable("a\\tb\\x1b[31m")
    'a    b·[31m'
    """
    return "".join(c if c.isprintable() else "·" for c in text.replace("\t", "    "))


def _equal(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines, or characters, two sequences have in common at their beginning."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _cut(lines: list[str]) -> list[str]:
    more = len(lines) - MOST_LINES
    return lines if more <= 0 else [*lines[:MOST_LINES], f"({more} more lines are not compared)"]


def _rows(one: Sequence[str], other: Sequence[str], start: int) -> Iterator[Row]:
    for _, a, b, c, d in difflib.SequenceMatcher(None, one, other).get_opcodes():
        for n in range(max(b - a, d - c)):
            left, right = a + n < b, c + n < d
            texts = one[a + n] if left else "", other[c + n] if right else ""
            kind = (SAME if texts[0] == texts[1] else CHANGED) if left and right else LEFT_ONLY if left else RIGHT_ONLY
            numbers = [start + place + n + 1 if there else None for place, there in ((a, left), (c, right))]
            shown = [printable(text[:MOST_CHARACTERS]) for text in _around_difference(*texts, MOST_CHARACTERS)]
            yield Row(kind, numbers[0], shown[0], numbers[1], shown[1])


def _around_difference(left: str, right: str, width: int) -> tuple[str, str]:
    """Both lines from shortly before their first difference on, if that would not be seen in so many columns."""
    if not left or not right or max(len(left), len(right)) < width:
        return left, right
    start = _equal(left, right) - BEFORE
    seen = start + 2 * BEFORE < width or left == right
    return (left, right) if seen else (f"…{left[start:]}", f"…{right[start:]}")


def _with_gaps(rows: Sequence[Row], shown: set[int], left_out: int, after: int) -> Iterator[Row]:
    """The rows that are shown, and how many equal lines were left out: some before all rows, some after."""
    for i, row in enumerate(rows):
        if i not in shown:
            left_out += 1
            continue
        if left_out:
            yield Row(GAP, None, f"{left_out} equal lines", None, "")
        left_out = 0
        yield row
    left_out += after
    if left_out:
        yield Row(GAP, None, f"{left_out} equal lines", None, "")


def _padded(text: str, width: int) -> str:
    used = 0
    kept: list[str] = []
    for character in text:
        wide = 2 if unicodedata.east_asian_width(character) in "WF" else 0 if unicodedata.combining(character) else 1
        if used + wide > width - 1:
            return "".join(kept) + "…" + " " * (width - used - 1)
        used += wide
        kept.append(character)
    return text + " " * (width - used)
