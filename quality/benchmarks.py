"""Benchmarks: which problems, by which models are tested, stand in a text, and where.

In: the problems of the benchmarks that a person names, and texts. Out: the problems that stand in each text, and where.

The rule. A text holds a problem if so many words in a row (`Benchmark.words`) of one of the problem's texts stand in
it, where words are letters and digits, and all that stands between them, and case, count nothing (`word_reader`). A run
tells nothing, and does not count, if no more than half of its words are different ones with two letters or more, or if
it stands in more than `COMMON` problems of its benchmark; a problem without a run that counts cannot be looked for.

The first half keeps tables, alphabets and loops out, the second what a benchmark says in every problem.
docs/decisions/0017-benchmarks-by-runs-of-words.md has what was measured. 100,000 words of problems take 0.1 s and 5 MB;
a text is read at 300 MB/s.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gleanery.quality.benchmark_files import Problem
from gleanery.quality.word_reader import found_runs, runs_of, words_of

# Raise it when the same text may now hold other problems.
VERSION = "benchmarks 1"
COMMON = 10
_LINE_FEED, _RETURN = 10, 13


class Benchmark(NamedTuple):
    """A benchmark: its name, how many words in a row make a problem, and the problems."""

    name: str
    words: int
    problems: Sequence[Problem]


class Looked(NamedTuple):
    """A problem as it is looked for: `runs` of so many `words` count. It cannot be found if none does."""

    benchmark: str
    problem: str
    words: int
    runs: int


class Found(NamedTuple):
    """A problem that stands in a text: the longest stretch of it, with its first and last line, and its words."""

    benchmark: str
    problem: str
    start_line: int
    end_line: int
    words: int


@dataclass(frozen=True)
class _Runs:
    """The runs of one length: their prints in order, where those of each beginning are, and the problems of each.

    The problems of run r are `owners[owned[r]:owned[r + 1]]`, as places in `Finder.problems`.
    """

    length: int
    known: NDArray[np.uint64]
    starts: NDArray[np.int32]
    shift: int
    owners: NDArray[np.int64]
    owned: NDArray[np.int64]


class Finder:
    """Finds problems in texts. `problems` are all that are looked for, in the order in which they were given.

    >>> problem = Problem("7", ("Give the last vowel of a text that may be empty.",))
    >>> finder = Finder([Benchmark("mine", 8, [problem])])
    >>> finder.find(b'x = 1\\n// give the last vowel\\n// of a text, that may be: empty\\n')
    [Found(benchmark='mine', problem='7', start_line=2, end_line=3, words=11)]
    """

    def __init__(self, benchmarks: Iterable[Benchmark]) -> None:
        self.problems: list[Looked] = []
        pieces: dict[int, list[tuple[NDArray[np.uint64], int]]] = {}
        for benchmark in benchmarks:
            runs = _telling_runs(benchmark)
            for ident, prints in runs.items():
                pieces.setdefault(benchmark.words, []).append((prints, len(self.problems)))
                self.problems.append(Looked(benchmark.name, ident, benchmark.words, len(prints)))
        self._runs = [_joined(length, some) for length, some in sorted(pieces.items())]

    def find(self, text: bytes | NDArray[np.uint8]) -> list[Found]:
        """The problems that stand in a text in UTF-8, in the order of `problems`."""
        data = np.frombuffer(text, np.uint8)
        words, begins, ends = words_of(data)
        found = []
        for runs in self._runs:
            places, numbers = found_runs(words, runs.length, runs.known, runs.starts, runs.shift)
            if len(places):
                lines = _line_starts(data)
                for problem, first, last in _longest(places, numbers, runs):
                    span = np.searchsorted(lines, [begins[first], ends[last] - 1], side="right").tolist()
                    found.append((problem, *span, last + 1 - first))
        return [Found(*self.problems[problem][:2], *about) for problem, *about in sorted(found)]


def _telling_runs(benchmark: Benchmark) -> dict[str, NDArray[np.uint64]]:
    """The runs of each problem that count. Rows with the same id are one problem."""
    found: dict[str, NDArray[np.uint64]] = {}
    for ident, texts in benchmark.problems:
        pieces = [found.get(ident, np.empty(0, np.uint64))]
        for text in texts:
            words, _, _ = words_of(np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8))
            prints, different = runs_of(words, benchmark.words)
            pieces.append(prints[2 * different > benchmark.words])
        found[ident] = np.unique(np.concatenate(pieces))
    every, count = np.unique(np.concatenate([np.empty(0, np.uint64), *found.values()]), return_counts=True)
    common = every[count > COMMON]
    return {ident: np.setdiff1d(prints, common, assume_unique=True) for ident, prints in found.items()}


def _joined(length: int, pieces: Sequence[tuple[NDArray[np.uint64], int]]) -> _Runs:
    prints = np.concatenate([prints for prints, _ in pieces])
    owners = np.repeat([problem for _, problem in pieces], [len(prints) for prints, _ in pieces])
    order = np.lexsort((owners, prints))
    known, owned = np.unique(prints[order], return_index=True)
    bits = max(1, (2 * len(known)).bit_length())  # so most words of a text meet an empty place
    inside = np.bincount((known >> np.uint64(64 - bits)).astype(np.int64), minlength=1 << bits)
    starts = np.concatenate([[0], np.cumsum(inside)]).astype(np.int32)
    return _Runs(length, known, starts, 64 - bits, owners[order], np.append(owned, len(order)))


def _longest(places: NDArray[np.int64], numbers: NDArray[np.int64], runs: _Runs) -> Iterable[tuple[int, int, int]]:
    """Each problem with the first and the last word of its longest stretch of runs that overlap.

    Only the first place of a run counts: however often a file repeats some, there are no more than a benchmark has.
    """
    numbers, firsts = np.unique(numbers, return_index=True)
    counts = runs.owned[numbers + 1] - runs.owned[numbers]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    owners = runs.owners[np.repeat(runs.owned[numbers], counts) + within]
    starts = np.repeat(places[firsts], counts)
    order = np.lexsort((starts, owners))
    owners, starts = owners[order], starts[order]
    new = np.append(True, (np.diff(owners) != 0) | (np.diff(starts) > runs.length))
    heads = np.flatnonzero(new)
    tails = np.append(heads[1:], len(starts)) - 1
    stretches = zip(owners[heads].tolist(), starts[heads].tolist(), starts[tails].tolist(), strict=True)
    for problem, group in groupby(stretches, key=lambda stretch: stretch[0]):
        _, first, last = max(group, key=lambda stretch: stretch[2] - stretch[1])
        yield problem, first, last + runs.length - 1


def _line_starts(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where the lines of a text begin. A line ends with LF, CR LF or CR."""
    ends = data == _LINE_FEED
    ends[:-1] |= (data[:-1] == _RETURN) & ~ends[1:]
    return np.concatenate([[0], np.flatnonzero(ends) + 1])


def said(found: Sequence[Found], most: int = 3) -> tuple[str, ...]:
    """What a decision tells of the problems in its file: some of them, and how many more there are.

    >>> said([Found("humaneval.jsonl", "HumanEval/0", 3, 9, 57)])
    ('lines 3 to 9 have 57 words in a row of humaneval.jsonl, problem HumanEval/0',)
    """
    left = Counter(one.benchmark for one in found[most:])
    return (*map(_in_words, found[:most]), *(f"{count:,} more problems of {name}" for name, count in left.items()))


def _in_words(one: Found) -> str:
    lines = f"line {one.start_line} has"
    if one.end_line > one.start_line:
        lines = f"lines {one.start_line} to {one.end_line} have"
    return f"{lines} {one.words} words in a row of {one.benchmark}, problem {one.problem}"
