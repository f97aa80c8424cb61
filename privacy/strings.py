r"""Strings: whether what stands between two quotes is the inside of a string, or code between two strings.

In: a source and the span of a value without its quotes. Out: yes or no. In `"?password=" + word + "&user="` the quote
behind the name ends a string, and in `"password='" + word + "'"` the value reaches over the end of the string in which
it begins. The strings of a line are read from its beginning, where none is open; of lines that begin within a string
the signs that join strings tell. Asked only of values that would be hits; each line is read once.
"""

import re
from bisect import bisect_right

from gleanery.privacy.source import Source

# One string up to its quote or the end of the line; before that what opens none: an escaped sign, an apostrophe.
_STRINGS = re.compile(
    rb"\\.|[A-Za-z]'(?:s|t|re|ve|ll|d|m)\b"
    rb"|(\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.)*+'?|`(?:[^`\\\n]|\\.)*+`?)"
)
_QUOTES = (b'"', b"'", b"`")
# A variable, a member or a call with the signs that join it to strings on both of its sides.
_JOINED = re.compile(rb"[\"'`]?\s*[.+&,)]+\s*[$@]?[A-Za-z_(][^;]*?[.+&,(]\s*[\"'`]?")


def is_between_strings(source: Source, span: tuple[int, int]) -> bool:
    r"""The value is code between two strings.

    >>> from gleanery.privacy.source import source_of
    >>> text = 'u = "?pass=" + word + "&x="; v = "pass=\'" + word + "\'"; w = "word"'
    >>> [is_between_strings(source_of(text, "", None), span) for span in ((12, 22), (40, 52), (61, 65))]
    [True, True, False]
    """
    raw, (start, end) = source.raw, span
    quote = start - 1
    if raw[quote:start] not in _QUOTES:
        return False
    if _JOINED.fullmatch(raw, start, end):
        return True
    strings = _strings_of_line(source, quote)
    place = bisect_right(strings, (quote, len(raw) + 1)) - 1
    if place < 0:
        return False
    first, last = strings[place]
    if first < quote < last - 1:
        return end >= last  # within another string, which ends within the value
    # A wrong guess, as behind a lone quote in a remark, is told by a letter that touches the quote.
    return first < quote == last - 1 and not (raw[start : start + 1].isalnum() or raw[start : start + 1] == b"_")


def _strings_of_line(source: Source, place: int) -> list[tuple[int, int]]:
    """Where the strings of the line around a place stand, with their quotes."""
    for first, last in source.strings:
        if first <= place < last:
            return source.strings[first, last]
    raw = source.raw
    first, last = raw.rfind(b"\n", 0, place) + 1, raw.find(b"\n", place)
    last = len(raw) if last < 0 else last
    found = [piece.span(1) for piece in _STRINGS.finditer(raw, first, last) if piece.group(1)]
    source.strings.clear()  # the next value is likely to stand on the same line, or on none that was read
    source.strings[first, last] = found
    return found
