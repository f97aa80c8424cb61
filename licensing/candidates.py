"""Which rules of the detector are worth aligning with a text: its own choice, made for all rules at once.

In: the word lists of all rules, once; then the words of a text. Out: the rules that approximate matching goes on with.
The detector compares a text with each of its 30,000 rules in turn, 0.15 s of CPU for each choice, and goes on with the
best few hundred. Here the words in common are counted by an index of words, in some milliseconds, and only the best are
handed to the detector, which then computes as before. The answer is the same: a test compares them.
"""

from collections.abc import Callable, Collection
from functools import wraps
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

# The detector ranks this many times as many candidates by their words as it returns, and these once more by how often.
_RANKED = 10
# From this resemblance on the detector calls a text and a rule alike.
_ALIKE = 0.8


class RuleWords:
    """The words of all rules that approximate matching may use, by word."""

    def __init__(self, index: Any) -> None:
        self.numbers = np.array(sorted(index.approx_matchable_rids), np.int64)
        rules = [index.rules_by_rid[number] for number in self.numbers]
        sets = [index.sets_by_rid[number] for number in self.numbers]
        words = np.fromiter(chain.from_iterable(sets), np.int32, sum(map(len, sets)))
        by_word = np.argsort(words, kind="stable")
        places = np.repeat(np.arange(len(sets), dtype=np.int32), [len(one) for one in sets])
        self._places = places[by_word]
        self._starts = np.searchsorted(words[by_word], np.arange(int(words.max(initial=-1)) + 2))
        self._of_law = int(index.len_legalese)
        self._lengths = np.array([rule.get_length(True) for rule in rules], np.int64)
        self._least = np.array([rule.get_min_matched_length(True) for rule in rules], np.int64)
        least_of_law = np.array([rule.get_min_high_matched_length(True) for rule in rules], np.int64)
        self._least_of_law = np.maximum(least_of_law, 1)
        self._least_share = np.array([rule._minimum_containment or 0 for rule in rules], np.float64)

    def best(self, words: Collection[int], most: int, alike: float | None) -> set[int]:
        """The numbers of the rules, at most `most`, that rank first by their words in common with a text.

        `words` are the text's own, each once; words of law have the lowest numbers. With `alike`, only rules of which
        the words in common are at least this share of all words of both.
        """
        of_law = self._common([word for word in words if word < self._of_law])
        common = of_law + self._common([word for word in words if word >= self._of_law])
        share = common / self._lengths
        fits = (of_law >= self._least_of_law) & (common >= self._least) & (share >= self._least_share)
        resemblance = common / (len(words) + self._lengths - common)
        if alike is not None:
            fits &= resemblance >= alike
        at = np.flatnonzero(fits)
        if len(at) <= most:
            return set(self.numbers[at].tolist())
        keys = _ranks(resemblance[at].tolist(), share[at].tolist(), common[at].tolist())
        # The last key is the first to count. The detector ranks the later of two equal rules first.
        order = np.lexsort((at, *keys[::-1]))[-most:]
        return set(self.numbers[at[order]].tolist())

    def _common(self, words: Collection[int]) -> npt.NDArray[np.int64]:
        """How many of these words each rule has."""
        found = [self._places[self._starts[w] : self._starts[w + 1]] for w in words if w < len(self._starts) - 1]
        hits = np.concatenate(found) if found else np.empty(0, np.int32)
        return np.bincount(hits, minlength=len(self.numbers))


def _ranks(resemblance: list[float], share: list[float], common: list[int]) -> list[npt.NDArray[Any]]:
    """What candidates are ranked by, the weightiest first: the detector's scores, rounded and as they are.

    Computed as the detector computes them, in Python: a last bit of a rounded number may decide who is in.
    """
    squares = [one**2 for one in resemblance]
    rounded = (
        [round(one, 1) >= _ALIKE for one in resemblance],
        [round(one, 1) for one in share],
        [round(one, 1) for one in squares],
        [round(one / 20, 1) for one in common],
    )
    full = ([one >= _ALIKE for one in resemblance], share, squares, common)
    return [np.array(key) for key in (*rounded, *full)]


def with_quick_choice(choose: Callable[..., Any], index: Any) -> Callable[..., Any]:
    """The detector's choice of candidates, made among the best only. Same arguments, same result.

    Where the detector makes its choice it always asks for all rules that approximate matching may use.
    """
    rules = RuleWords(index)

    @wraps(choose)
    def quick_choice(
        query_run: Any, idx: Any, matchable_rids: Any, top: int, high_resemblance: bool, **how: Any
    ) -> Any:
        words = set(query_run.matchable_tokens()) - {-1}
        best = rules.best(words, _RANKED * top, _ALIKE if high_resemblance else None)
        return choose(query_run, idx, best, top, high_resemblance, **how)

    return quick_choice
