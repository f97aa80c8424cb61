r"""Bibliographies: the names in a field `author` or `editor` of BibTeX, each as a whole: `Last, First and Last, First`.

In: a source. Out: where names stand, in bytes. Brackets and accents as LaTeX writes them belong to a name
(`Jean{-}Philippe`, `{van der Roe}`, `M{\"u}ller`, `Mar\'{\i}a`). A field is read for at most 4,000 bytes.
"""

import re
from collections.abc import Iterator

from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.people import may_be_part_of_name
from gleanery.privacy.source import Source

_FIELD = compile_pattern(r"(?i)\b(?:author|editor)[ \t]{0,8}=[ \t]{0,8}[{\"]")
_LONGEST = 4000
_AND = re.compile(r"(?:\s|\\(?=\s))+and\s+")  # a string may go on behind a backslash at the end of a line
_INITIALS = re.compile(r"[A-Z]{2,3}")
# An accent, with or without a bracket behind it; letters of their own (`\\o`, `\\ss`); a tie, which is a blank.
_ACCENT = re.compile(r"\\[\"'`^~=.]|\\[uvHtcdbkr](?: |(?=\{))")
_LETTER = re.compile(r"\\(?:aa|AA|ae|AE|oe|OE|ss|i|j|o|O|l|L)(?![A-Za-z]) ?")


def names(source: Source) -> Iterator[tuple[int, int]]:
    """The first byte of each name, and one past its last. A name that stands alone is found where the word stands."""
    read = 0
    for found in _FIELD.finditer(source.raw):
        if found.start() < read:
            continue
        quoted = source.raw[found.end() - 1 : found.end()] == b'"'
        text = source.raw[found.end() : found.end() + _LONGEST].decode("utf-8", "ignore")
        text = text[: _closing(text, quoted)]
        read = found.end() + len(text.encode())
        plain, places = _plain(text)
        if plain == text and "," not in text and not _AND.search(text):
            continue
        for first, last in _parts(plain):
            start, end = _balanced(text, places[first], places[last])
            yield found.end() + len(text[:start].encode()), found.end() + len(text[:end].encode())


def _balanced(text: str, start: int, end: int) -> tuple[int, int]:
    """A span with the brackets that belong to it, so that none is left open: `{van der Roe}, Ole`."""
    while text.count("}", start, end) > text.count("{", start, end):
        if text[start - 1 : start] == "{":
            start -= 1
        elif text[end - 1] == "}":
            end -= 1
        else:
            break
    return start, end


def _parts(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for part in _AND.split(text):
        first = text.index(part, at)
        at = first + len(part)
        stripped = part.strip()
        halves = stripped.split(",")
        named = len(halves) == 2 and _INITIALS.fullmatch(halves[1].strip()) is not None  # `Roe, AB`
        wanted = halves[:1] if named else halves
        if len(halves) <= 2 and all(may_be_part_of_name(half.strip()) for half in wanted) and " " in stripped:
            first += part.index(stripped)
            yield first, first + len(stripped)


def _closing(text: str, quoted: bool) -> int:
    """Where the field ends: at the bracket that closes it, or at a quote that stands in no bracket."""
    depth, at = 0, 0
    while at < len(text):
        sign = text[at]
        if sign == "\\":
            at += 1
        elif sign == "}" and not depth or sign == '"' and quoted and not depth:
            return at
        elif sign in "{}":
            depth += 1 if sign == "{" else -1
        at += 1
    return len(text)


def _plain(text: str) -> tuple[str, list[int]]:
    r"""The text without brackets and accents, and where each of its characters and its end stand.

    >>> _plain(r"M{\"u}ller")
    ('Muller', [0, 2, 6, 7, 8, 9, 10])
    """
    plain: list[str] = []
    places: list[int] = []
    at = begin = 0  # of what is written for a character, its accent included
    while at < len(text):
        if accent := _ACCENT.match(text, at):
            begin, at = at, accent.end()
            continue
        letter = _LETTER.match(text, at)
        if letter or text[at] not in "{}":
            plain.append("i" if letter else text[at].replace("~", " "))
            places.append(begin)
        elif begin < at:
            at += 1  # a bracket between an accent and its letter
            continue
        at = begin = letter.end() if letter else at + 1
    return "".join(plain), [*places, len(text)]
