"""Crowds: copies that were not measured against each other, but are shown to be alike by way of a third.

In: measured Jaccard similarities, and one content after the other that is kept. Out: what each of them is shown to be
like. The Jaccard distance 1 - J is a metric, so J(x, y) >= J(x, hub) + J(hub, y) - 1. `bands.plausible_pairs` leaves
out pairs in crowds for which this says enough. Linear in the pairs, but for sorting those of a hub.
"""

from collections.abc import Iterator, Mapping


class Crowds:
    """The measured neighbours of each content. Ask `reached` once for each content that is kept.

    >>> crowds = Crowds({"hub": {"a": 0.95, "b": 0.9, "c": 0.72}, "a": {"hub": 0.95}}, 0.7)
    >>> [(blob, round(similarity, 2)) for blob, similarity in crowds.reached("a")]
    [('b', 0.85)]
    """

    def __init__(self, near: Mapping[str, Mapping[str, float]], threshold: float) -> None:
        self._near, self._threshold = near, threshold
        hubs = (hub for hub in sorted(near) if len(near[hub]) > 1)
        self._around = {hub: sorted((-s, other) for other, s in near[hub].items()) for hub in hubs}
        self._reached = dict.fromkeys(self._around, 0)

    def reached(self, blob: str) -> Iterator[tuple[str, float]]:
        """Contents shown to be at or above the threshold, each with a lower bound of its similarity to `blob`.

        Those that an earlier call gave by way of the same hub are left out: they are someone's duplicates already.
        """
        for hub in sorted(self._near.get(blob, ())):
            around = self._around.get(hub, [])
            place = self._reached.get(hub, 0)
            while place < len(around):
                other, similarity = around[place][1], self._near[blob][hub] - around[place][0] - 1
                if similarity < self._threshold:
                    break
                if other != blob:
                    yield other, similarity
                place += 1
            if hub in self._reached:
                self._reached[hub] = place
