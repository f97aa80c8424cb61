"""Repeats: the other places of a text where a secret that was found in it stands too.

In: a text and the spans found in it. Out: the spans, and one for each other occurrence of a key or a password among
them, since a test repeats the password of its settings, and a README its token. Looked for are values of 8 characters
and more with letters and digits, as whole words. Equal secrets become of one kind, so that they get one placeholder.
Costs one pass over the words of a text that holds a secret, and nothing for others.
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
_ASIDE = re.compile(r"[\W_]*(.*?)[\W_]*", re.DOTALL)


class _Words:
    """What may follow the words of a value so far, and the first span whose value ends here."""

    def __init__(self) -> None:
        self.following: dict[str, _Words] = {}
        self.span: Hit | None = None


def with_repeats(text: str, spans: Sequence[Hit]) -> list[Hit]:
    """The spans with every other occurrence of their secrets, in the order of the text.

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
            fresh.append(like._replace(start=start, end=end, rule="repeated_secret"))
    return merged(alike, fresh)


def _remember(words: _Words, value: str, span: Hit) -> None:
    """Add a value, without the signs around it, if nothing else is likely to be called so."""
    aside = _ASIDE.fullmatch(value)
    core = aside.group(1) if aside else ""
    if len(value) < _SHORTEST or not any(c.isdigit() for c in core) or not any(c.isalpha() for c in core):
        return
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
            if end - start >= _SHORTEST:
                yield start, end, best[2]


def _with_signs(text: str, start: int, end: int, like: Hit) -> tuple[int, int]:
    """An occurrence of the words of a value, with the signs around them where they stand there too."""
    value = text[like.start : like.end]
    whole = start - value.index(text[start:end])
    return (whole, whole + len(value)) if whole >= 0 and text.startswith(value, whole) else (start, end)
