"""The known text that a text is closest to, and how the two differ.

In: the words of thousands of known texts as numbers, once; then the words of one text. Out: the known text with the
longest common subsequence, its likeness from 0 to 1, and the runs of words in which they differ. Which known texts are
worth comparing is counted: the words that two texts share in any order bound what they share in one order. The 48 with
the highest bounds are compared until no other can be closer.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gleanery.licensing.alignment import Run, common_words, differences

# A text is a known text from this likeness on: twice the common words over all words of both.
ALIKE = 0.9
# Texts with more words are not compared: the longest known text has 21,000.
MOST_WORDS = 25_000
# What one text may cost: so many candidates, and so many pairs of words (a second).
_MOST_CANDIDATES, _MOST_PAIRS = 48, 2_000_000_000


@dataclass(frozen=True)
class Closest:
    """A known text by its number, the likeness, and where the text differs from it: in the text, in the known text."""

    number: int
    likeness: float
    runs: tuple[Run, ...]


class KnownTexts:
    """Texts that others are compared with. Of texts that are equally close, the first one counts.

    >>> known = KnownTexts([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [5, 5, 5, 5]])
    >>> known.closest([1, 2, 3, 4, 0, 6, 7, 8, 9, 10])
    Closest(number=0, likeness=0.9, runs=((4, 5, 4, 5),))
    """

    def __init__(self, texts: Sequence[Sequence[int]]) -> None:
        self._texts = texts
        self._lengths = np.array([len(text) for text in texts], np.int32)
        # By length, so that texts of about the same length stand together.
        self._order = np.argsort(self._lengths, kind="stable").astype(np.int32)
        counted = [np.unique(np.asarray(texts[n], np.int64), return_counts=True) for n in self._order]
        words = np.concatenate([word for word, _ in counted]) if counted else np.empty(0, np.int64)
        by_word = np.argsort(words, kind="stable")
        places = np.repeat(np.arange(len(counted)), [len(word) for word, _ in counted])
        self._places = places[by_word].astype(np.uint16 if len(texts) < 1 << 16 else np.uint32)
        counts = np.concatenate([count for _, count in counted]) if counted else words
        self._counts = counts[by_word].astype(np.uint16)
        self._starts = np.searchsorted(words[by_word], np.arange(int(words.max(initial=-1)) + 2))

    def with_word(self, number: int) -> int:
        """How many texts have a word."""
        return int(self._starts[number + 1] - self._starts[number]) if 0 <= number < len(self._starts) - 1 else 0

    def closest(self, text: Sequence[int], alike: float = ALIKE) -> Closest | None:
        """The closest known text, unless its likeness is below `alike`. Negative numbers are words of no known text."""
        best, likeness, pairs = -1, alike, 0
        for bound, number in self._candidates(text, alike):
            other = self._texts[number]
            if bound < likeness or (bound == likeness and best >= 0 and number > best) or pairs > _MOST_PAIRS:
                continue
            pairs += len(text) * len(other)
            found = 2 * common_words(text, other) / (len(text) + len(other))
            if found > likeness or (found == likeness and (best < 0 or number < best)):
                best, likeness = number, found
        if best < 0:
            return None
        return Closest(best, likeness, tuple(differences(text, self._texts[best])))

    def _candidates(self, text: Sequence[int], alike: float) -> list[tuple[float, int]]:
        """(the most that the likeness can be, number) of the known texts that can be alike, the best first."""
        if not 0 < len(text) <= MOST_WORDS:
            return []
        lengths = self._lengths[self._order]
        first = int(np.searchsorted(lengths, len(text) * alike / (2 - alike) - 1))
        last = int(np.searchsorted(lengths, len(text) * (2 - alike) / alike + 1))
        shared = np.zeros(last - first, np.int32)
        for word, count in Counter(text).items():
            if 0 <= word < len(self._starts) - 1:
                start, stop = int(self._starts[word]), int(self._starts[word + 1])
                places = self._places[start:stop]
                low, high = (int(n) for n in np.searchsorted(places, (first, last)))
                counts = np.minimum(self._counts[start + low : start + high], count)
                shared[places[low:high].astype(np.int64) - first] += counts
        bounds: npt.NDArray[np.float64] = 2 * shared / (lengths[first:last] + len(text))
        best = np.argsort(-bounds, kind="stable")[:_MOST_CANDIDATES]
        found = [(float(bounds[n]), int(self._order[first + n])) for n in best if bounds[n] >= alike]
        return sorted(found, key=lambda pair: (-pair[0], pair[1]))
