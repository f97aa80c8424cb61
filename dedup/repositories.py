"""Repositories as wholes: how much of one stands in another, whatever their owners say about forks.

In: for each group of contents that are decided together, the repositories that hold it. Out: for each ordered pair of
repositories, the number of groups that both hold. Linear in the holders of a group: 3 us for each pair counted.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

# With at most this many holders, each pair of them is counted: 190 pairs. A text that hundreds hold (a licence, a
# popular library) says little about any two of them, and the pairs would grow with the square.
MAX_HOLDERS = 20
LEAST_SHARED, LEAST_SHARE = 3, 0.5


def shared_groups(groups: Iterable[Sequence[str]]) -> Counter[tuple[str, str]]:
    """How many groups each ordered pair of repositories shares; with itself, how many a repository has.

    Of a group with more than `MAX_HOLDERS`, each holder is paired with the smallest id and with its neighbour in the
    order of ids: so a thousand mirrors of one repository are still found, each with the first and the next one.

    >>> sorted(shared_groups([["a", "b"], ["b", "a", "a"], ["b"]]).items())
    [(('a', 'a'), 2), (('a', 'b'), 2), (('b', 'a'), 2), (('b', 'b'), 3)]
    """
    counts: Counter[tuple[str, str]] = Counter()
    for holders in groups:
        distinct = sorted(set(holders))
        counts.update((one, one) for one in distinct)
        for one, other in _pairs(distinct):
            counts[one, other] += 1
            counts[other, one] += 1
    return counts


def _pairs(holders: Sequence[str]) -> set[tuple[str, str]]:
    if len(holders) <= MAX_HOLDERS:
        return {(one, other) for i, one in enumerate(holders) for other in holders[i + 1 :]}
    first = holders[0]
    return {(first, other) for other in holders[1:]} | set(zip(holders, holders[1:], strict=False))


def is_worth_a_row(shared: int, own: int) -> bool:
    """Whether so much of a repository stands in another that a person may want to know."""
    return shared >= LEAST_SHARED and shared >= LEAST_SHARE * own


def missing(reasons: Iterable[str]) -> tuple[str, ...]:
    """What a repository lacks, from the reasons for which its files were rejected: the most frequent first.

    >>> missing(["near_duplicate", "binary", "near_duplicate"])
    ('near_duplicate: 2', 'binary: 1')
    """
    counted = sorted(Counter(reasons).items(), key=lambda item: (-item[1], item[0]))
    return tuple(f"{reason}: {number}" for reason, number in counted)
