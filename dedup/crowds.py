"""Crowds: copies that were not measured against each other, but are shown to be alike by way of a third.

In: measured Jaccard similarities, of all shingles and of those of the code, and one content after the other that is
kept. Out: what each of them is shown to be like. The Jaccard distance 1 - J is a metric, so
J(x, y) >= J(x, hub) + J(hub, y) - 1, of both kinds. `bands.plausible_pairs` leaves out pairs in crowds for which this
says enough. Linear in the pairs, but for sorting those of a hub.

Both bounds have to be enough: that of the code shows that the two have code in common, without which they would be
unlike if they were measured. So that one order of the neighbours of a hub does for both, each neighbour has one number,
the worse of how far the two kinds are above the middle between bound and 1; numbers whose sum is not negative will do.
That is enough and not always needed: where a header is most of a file, two copies may both stay.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

_ROUNDING = 1e-12


class Likeness(Protocol):
    """How much two contents are alike: all of them, and their code."""

    @property
    def similarity(self) -> float: ...
    @property
    def code(self) -> float: ...


class Crowds:
    """The measured neighbours of each content. Ask `reached` once for each that is kept.

    `least`: what both similarities have to be, of all shingles and of the code.

    >>> from gleanery.dedup.keeper import Link
    >>> a, b, c = (Link("near", all_of_it, code=code) for all_of_it, code in ((0.95, 1.0), (0.9, 0.6), (0.9, 0.1)))
    >>> crowds = Crowds({"hub": {"a": a, "b": b, "c": c}, "a": {"hub": a}}, (0.7, 0.2))
    >>> [(blob, round(similarity, 2)) for blob, similarity in crowds.reached("a")]
    [('b', 0.85)]
    """

    def __init__(self, near: Mapping[str, Mapping[str, Likeness]], least: tuple[float, float]) -> None:
        self._near, self._least = near, least
        self._around = {
            hub: sorted((-self._slack(like), other) for other, like in others.items()) for hub, others in near.items()
        }
        self._reached = dict.fromkeys(self._around, 0)

    def _slack(self, like: Likeness) -> float:
        """At most 1; two neighbours of a hub are alike if the sum of theirs is not negative."""
        pairs = zip((like.similarity, like.code), self._least, strict=True)
        return min([1.0, *((2 * one - 1 - least) / max(1 - least, _ROUNDING) for one, least in pairs if least > 0)])

    def reached(self, blob: str) -> Iterator[tuple[str, float]]:
        """Contents shown to be at or above the threshold, each with a lower bound of its similarity to `blob`.

        Those that an earlier call gave by way of the same hub are left out: they are someone's duplicates already.
        """
        for hub in sorted(self._near.get(blob, ())):
            around, place, mine = self._around[hub], self._reached[hub], self._near[blob][hub]
            while place < len(around):
                slack, other = around[place]
                if self._slack(mine) - slack < -_ROUNDING:
                    break
                if other != blob:
                    yield other, max(mine.similarity + self._near[hub][other].similarity - 1, self._least[0])
                place += 1
            self._reached[hub] = place
