"""Repositories as wholes: how much of one stands in another, whatever their owners say about forks.

In: for the contents of a cluster, the repositories that hold them, and which contents are near copies or have equal
normal forms. Out: for each ordered pair of repositories, how many contents of the first the second one holds too.
Linear in the holders of contents and in the links: 3 us for each pair counted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from gleanery.dedup.clusters import components

# With at most this many holders, each pair of them is counted: 190 pairs. A text that hundreds hold (a licence, a
# popular library) says little about any two of them, and the pairs would grow with the square.
MAX_HOLDERS = 20
LEAST_SHARED, LEAST_SHARE = 3, 0.5


def shared_contents(
    holders: Mapping[str, Iterable[str]],
    equal: Iterable[tuple[str, str]] = (),
    near: Iterable[tuple[str, str]] = (),
) -> Counter[tuple[str, str]]:
    """How many contents of one repository stand in another one, by (one, other); by (one, one), how many it has.

    `holders`: the repositories of each content. A content stands in another repository if that one holds the same
    content, one that a chain of `equal` pairs leads to (equal forms), or one that is `near` it. Chains of near pairs
    count for nothing: their ends may have nothing in common.

    Of a content that stands in more than `MAX_HOLDERS`, each of its own holders is paired with the smallest id and with
    its neighbours in the order of ids: so a thousand mirrors of one repository are still found, each with the first and
    the next one.

    >>> counts = shared_contents({"x": ["a", "b"], "y": ["b"], "z": ["c"]}, near=[("y", "z")])
    >>> sorted((pair, number) for pair, number in counts.items() if pair[0] == "b")
    [(('b', 'a'), 1), (('b', 'b'), 2), (('b', 'c'), 1)]
    """
    own = {content: sorted(set(repos)) for content, repos in holders.items()}
    equal = list(equal)
    form = components([one for one, _ in equal], [other for _, other in equal])
    of_form: dict[str, set[str]] = defaultdict(set)
    for content, name in form.items():
        of_form[name].update(own[content])
    # Enough of them to tell that there are too many, so that to be like a popular content costs no more than to be
    # like another one.
    few = {name: sorted(repos)[: MAX_HOLDERS + 1] for name, repos in of_form.items()}
    wider = {content: set(few[form[content]] if content in form else ()) for content in own}
    for one, other in near:
        wider[one].update(own[other][: MAX_HOLDERS + 1])
        wider[other].update(own[one][: MAX_HOLDERS + 1])
    counts: Counter[tuple[str, str]] = Counter()
    for content, repos in own.items():
        counts.update((one, other) for one, other in _pairs(repos, sorted(wider[content].union(repos))))
    return counts


def _pairs(own: Sequence[str], every: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Pairs of one of the holders of a content, with itself and with holders of its like; both are sorted."""
    if len(every) <= MAX_HOLDERS:
        return [(one, other) for one in own for other in every]
    place = {repo: n for n, repo in enumerate(every)}
    found: list[tuple[str, str]] = []
    for one in own:
        at = place[one]
        others = {every[0], *every[max(0, at - 1) : at + 2]} if at else every
        found += [(one, other) for other in others]
    return found


def is_worth_a_row(shared: int, own: int) -> bool:
    """Whether so much of a repository stands in another that a person may want to know.

    >>> is_worth_a_row(3, 6), is_worth_a_row(3, 7), is_worth_a_row(2, 2)
    (True, False, False)
    """
    return shared >= LEAST_SHARED and shared >= LEAST_SHARE * own


def missing(reasons: Iterable[str]) -> tuple[str, ...]:
    """What a repository lacks, from the reasons for which its files were rejected: the most frequent first.

    >>> missing(["near_duplicate", "binary", "near_duplicate"])
    ('near_duplicate: 2', 'binary: 1')
    """
    counted = sorted(Counter(reasons).items(), key=lambda item: (-item[1], item[0]))
    return tuple(f"{reason}: {number}" for reason, number in counted)
