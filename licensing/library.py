"""The library of known licence texts: which of them a text is, and whether somebody has changed it.

In: known texts as numbered words, once; then the lines of a text that is mostly a licence. Out: an opinion: the known
text that it is closest to, how close, and the lines of a change that may take something away. 1.5 ms for the MIT
licence, 50 ms for the GPL; at most a second for a text made to be slow.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gleanery.licensing.alignment import Run
from gleanery.licensing.changes import is_harmless, loses, says_more, taking_away
from gleanery.licensing.closest import KnownTexts
from gleanery.licensing.words import Words

# Words of a text are those of a licence if the licence has them with so many words on each side.
_NEIGHBOURS = 3
# Where so many words of a licence follow each other its text begins or ends: fewer are its name in some sentence.
_BODY = 12
# Other words in the place of some count as added from so many more on.
_MORE_WORDS = 3
# So many words in the place of as many are names and other spellings, unless one of them turns the sense.
_REPLACED = 2


@dataclass(frozen=True)
class Known:
    """A known text: the name of its rule, its SPDX expression, the numbers of its words, and the words of its name."""

    rule: str
    expression: str
    words: Sequence[int]
    name: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Opinion:
    """The closest known text and its likeness, 0 to 100. `change`: the lines of words that may take something away.

    `alone` is false where the text also has words, beyond the known one, that may speak of another licence; `more` are
    the places of all words beyond it.
    """

    rule: str
    expression: str
    score: float
    lines: tuple[int, int]
    change: tuple[int, int] | None
    alone: bool
    more: frozenset[int] = frozenset()


class Library:
    """Known texts, the preferred ones first: of two that are equally close the first one counts.

    `numbers` are those of the words of the known texts; a text that is equal to one of the first `own` texts is found
    without any comparison.
    """

    def __init__(self, known: Sequence[Known], numbers: Mapping[str, int], own: int = 0) -> None:
        self._known = known
        self._texts = KnownTexts([one.words for one in known])
        self._numbers = numbers
        self._spelled = {number: word for word, number in numbers.items()}
        self._letters: dict[str, str] = {}
        self._equal = {tuple(one.words): one for one in known[:own]}

    def texts_with(self, word: str) -> int:
        """How many known texts have a word."""
        return self._texts.with_word(self._numbers.get(word.lower(), -1))

    def equal(self, text: Words) -> Opinion | None:
        """One of the library's own texts, if the text is the same word by word."""
        known = self._equal.get(tuple(self._numbered(text)))
        return None if known is None else Opinion(known.rule, known.expression, 100.0, _lines(text), None, True)

    def opinion(self, text: Words, inside: bool = False) -> Opinion | None:
        """What the text is, or None where it is not close to any known text.

        `inside`: a sentence above the first or below the last word of the known text is no change to it, unless it
        forbids or limits something.
        """
        closest = self._texts.closest(self._numbered(text))
        if closest is None:
            return None
        known = self._known[closest.number]
        change = self._change(text, known, closest.runs, inside)
        alone = all(is_harmless(text.words[run[0] : run[1]], known.name) for run in closest.runs)
        more = frozenset(n for start, stop, _, _ in closest.runs for n in range(start, stop))
        score = round(100 * closest.likeness, 2)
        return Opinion(known.rule, known.expression, score, _lines(text), change, alone, more)

    def change_beside(
        self, text: Words, added: Collection[int], named: Collection[str], inside: bool = False
    ) -> tuple[int, int] | None:
        """The lines of the first change beside texts under some named expressions; `added` words are not in them.

        Where there is one licence, all that is said beyond it counts; where there are several, somebody has to say
        which is for what, so only what takes something away does.
        """
        texts = [self._joined(expression) for expression in sorted(named)]
        letters = _letters(self._numbered(text))
        near = ((n, letters[max(0, n - _NEIGHBOURS) : n + _NEIGHBOURS + 1]) for n in added)
        left = [n for n, around in near if not any(around in joined for joined in texts)]
        runs = _runs(left)
        replaced = {n for n, *more in runs if not more and not self._is_inserted(letters, n, texts)}
        body = body_of(len(text.words), left)
        change = taking_away(text, left, replaced, body, _near(text, body) if inside else None)
        if change is not None or len(named) > 1:
            return change
        name = frozenset().union(*(one.name for one in self._known if one.expression in named))
        others = sorted(set(range(len(text.words))).difference(added)) if inside else ()
        between = range(others[0], others[-1]) if others else range(0) if inside else range(len(text.words))
        return says_more(text, [run for run in runs if run.start in between], name, body)

    @staticmethod
    def _is_inserted(letters: str, at: int, texts: Iterable[str]) -> bool:
        """Whether a word stands between words that follow each other in a known text, and not in the place of one."""
        around = letters[max(0, at - _NEIGHBOURS) : at] + letters[at + 1 : at + 1 + _NEIGHBOURS]
        return any(around in joined for joined in texts)

    def _joined(self, expression: str) -> str:
        """All known texts under an expression, as letters."""
        if expression not in self._letters:
            texts = (_letters(one.words) for one in self._known if one.expression == expression)
            self._letters[expression] = "\0".join(texts)
        return self._letters[expression]

    def _numbered(self, text: Words) -> list[int]:
        return [self._numbers.get(word, -1) for word in text.words]

    def _change(self, text: Words, known: Known, runs: Sequence[Run], inside: bool) -> tuple[int, int] | None:
        added = {n for start, stop, _, _ in runs for n in range(start, stop)}
        replaced = {n for a, b, first, last in runs if b - a == last - first <= _REPLACED for n in range(a, b)}
        # Other words in the place of some, about as many, are names and other spellings.
        ends = (0, len(text.words)) if inside else ()
        longer = (
            range(a, b)
            for a, b, first, last in runs
            if b - a > last - first + _MORE_WORDS - 1 and a not in ends[:1] and b not in ends[1:]
        )
        body = body_of(len(text.words), added)
        near = _near(text, body) if inside else None
        change = taking_away(text, added, replaced, body, near) or says_more(text, longer, known.name, body)
        if change is not None:
            return change
        for at, _, first, last in (run for run in runs if run[0] == run[1]):
            around = range(max(0, first - 40), min(len(known.words), last + 40))
            spelled = [self._spelled.get(known.words[n], "") for n in around]
            if loses(spelled, first - around.start, last - around.start):
                line = text.lines[min(at, len(text.lines) - 1)]
                return line, line
        return None


def beyond(text: Words, numbers: Mapping[str, int], covered: Collection[int]) -> list[int]:
    """The words of a text that are not covered. `covered` counts words with a number only, as the detector does."""
    found, at = [], -1
    for n, word in enumerate(text.words):
        at += word in numbers
        if word not in numbers or at not in covered:
            found.append(n)
    return found


def _runs(places: Sequence[int]) -> list[range]:
    """Places that follow each other, as ranges.

    >>> _runs([1, 2, 3, 7])
    [range(1, 4), range(7, 8)]
    """
    starts = [n for i, n in enumerate(places) if not i or places[i - 1] != n - 1]
    stops = [n + 1 for i, n in enumerate(places) if i + 1 == len(places) or places[i + 1] != n + 1]
    return [range(start, stop) for start, stop in zip(starts, stops, strict=True)]


def body_of(words: int, added: Collection[int]) -> range:
    """From the first to the last long run of words that are not added; where there is none, all words.

    >>> body_of(40, [*range(5), *range(30, 40)])
    range(5, 30)
    """
    runs = _runs(sorted(set(range(words)).difference(added)))
    long = [run for run in runs if len(run) >= _BODY]
    return range(long[0].start, long[-1].stop) if long else range(words)


def _near(text: Words, body: range) -> range:
    """The words in the comments of a body."""
    return range(bisect_left(text.parts, text.parts[body.start]), bisect_right(text.parts, text.parts[body.stop - 1]))


def _letters(numbers: Iterable[int]) -> str:
    """One letter for each word, so that a run of words is found like a run of letters."""
    return "".join(chr(number + 2) for number in numbers)


def _lines(text: Words) -> tuple[int, int]:
    return text.lines[0], text.lines[-1]
