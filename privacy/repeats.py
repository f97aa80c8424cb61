"""Repeats: the other places of a text where a secret or a name that was found in it stands too.

In: a text and the spans found in it. Out: the spans, and one for each other occurrence of a key, a password or a whole
name among them, since a test repeats the password of its settings, a README its token, and a change log whom its head
names. Looked for are secrets of 8 characters and more with letters and digits, and names of two words and more, as
whole words. Equal secrets become of one kind, so that they get one placeholder. Costs one pass over the words of a text
that holds one of them, and nothing for others.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from gleanery.privacy.hits import Hit
from gleanery.privacy.placeholders import Marks, merged

_KINDS = ("KEY", "PASSWORD")
_SHORTEST = 8  # characters
_WORD = re.compile(r"[^\W_]+")
_NEXT_WORD = re.compile(r"[\W_]{1,80}[^\W_]+")
_NAME = re.compile(r"[^\W\d_]+(?:[-'’. ]{1,2}[^\W\d_]+)*\.?")
_SHORTEST_NAME = 6
_ASIDE = re.compile(r"[\W_]*(.*?)[\W_]*", re.DOTALL)


class _Words:
    """What may follow the words of a value so far, and the first span whose value ends here."""

    def __init__(self) -> None:
        self.following: dict[str, _Words] = {}
        self.span: Hit | None = None


def with_repeats(text: str, spans: Sequence[Hit]) -> list[Hit]:
    """The spans with every other occurrence of their secrets and names, in the order of the text.

    `spans` are sorted and do not overlap. The parts of a value in several literals are not looked for.

    >>> found = Hit(6, 16, "PASSWORD", "assigned_password", 0.8)
    >>> [h[:3] for h in with_repeats("pw = 'kF9xQ2vT7z'; login('kF9xQ2vT7z', 'kF9xQ2vT7zA')", [found])]
    [(6, 16, 'PASSWORD'), (26, 36, 'PASSWORD')]
    """
    alike: list[Hit] = []
    kinds: dict[str, str] = {}
    words = _Words()
    for span in spans:
        if span.entity in _KINDS and span.group < 0:
            value = text[span.start : span.end]
            span = span._replace(entity=kinds.setdefault(value, span.entity))
            if _is_rare(value):
                _remember(words, value, span)
        elif span.entity == "NAME" and _is_whole_name(value := text[span.start : span.end]):
            _remember(words, value, span)
        alike.append(span)
    if not words.following:
        return alike
    marks, starts = Marks(text), [span.start for span in alike]
    fresh = []
    for start, end, like in _occurrences(text, words):
        before = bisect_right(starts, start) - 1
        known = before >= 0 and end <= alike[before].end
        if not known and not marks.touch(start, end):
            rule = "repeated_name" if like.entity == "NAME" else "repeated_secret"
            fresh.append(like._replace(start=start, end=end, rule=rule))
    return merged(alike, fresh)


def _is_rare(secret: str) -> bool:
    """Nothing else is likely to be called so."""
    return len(secret) >= _SHORTEST and any(c.isdigit() for c in secret) and any(c.isalpha() for c in secret)


def _is_whole_name(name: str) -> bool:
    """A first and a last name, in one line and with nothing but blanks between them. A last name alone is a word.

    >>> [_is_whole_name(name) for name in ("Ada Roe", "J. Roe", "Roe", "Roe, Ada", "Ada  Roe-Poe")]
    [True, True, False, False, True]
    """
    return len(name) >= _SHORTEST_NAME and " " in name and _NAME.fullmatch(name) is not None


def _remember(words: _Words, value: str, span: Hit) -> None:
    """Add a value, without the signs around it."""
    aside = _ASIDE.fullmatch(value)
    core = aside.group(1) if aside else ""
    place, word = 0, _WORD.match(core)
    while word:
        words, place = words.following.setdefault(word.group(), _Words()), word.end()
        word = _NEXT_WORD.match(core, place)
    if place == len(core):
        words.span = words.span or span


def _occurrences(text: str, words: _Words) -> Iterator[tuple[int, int, Hit]]:
    """Where values stand that were remembered, the longest at each place, none within another."""
    read = 0
    for first in _WORD.finditer(text):
        begin, word = first.start(), first.group()
        node = words.following.get(word)
        if node is None and word[0] in "nrt" and text[begin - 1 : begin] == "\\":
            begin, node = begin + 1, words.following.get(word[1:])  # a line end as strings write it
        if node is None or begin < read:
            continue
        place, best = first.end(), None
        while node:
            if node.span:
                best = (begin, place, node.span)
            following = _NEXT_WORD.match(text, place) if node.following else None
            node = node.following.get(following.group()) if following else None
            place = following.end() if following else place
        if best:
            start, end = _with_signs(text, *best)
            read = best[1]
            like = best[2]
            if like.entity == "NAME":
                if text[start:end] == text[like.start : like.end]:  # not over a line's end, nor with a comma in it
                    yield start, end, like
            elif end - start >= _SHORTEST:
                yield start, end, like


def _with_signs(text: str, start: int, end: int, like: Hit) -> tuple[int, int]:
    """An occurrence of the words of a value, with the signs around them where they stand there too."""
    value = text[like.start : like.end]
    whole = start - value.index(text[start:end])
    return (whole, whole + len(value)) if whole >= 0 and text.startswith(value, whole) else (start, end)
