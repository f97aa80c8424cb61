"""What stands under some contents: their best copy, the strongest objection, and the witnesses against them.

In: the copies of contents, and pairs of contents. Out: `Surroundings`, for one content or for several together, and the
groups into which chains of pairs join contents. Linear in copies and pairs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gleanery.dedup import origin
from gleanery.dedup.origin import Copy, rank


@dataclass(frozen=True)
class Surroundings:
    """What stands under some blobs: the best-ranked copy, the strongest objection, and restricted witnesses."""

    best: Copy
    objection: Copy | None
    restricted: tuple[Copy, ...]
    files: int


def surroundings_of(held: Sequence[Copy], common: bool) -> Surroundings:
    """Of one content, from its copies; `common`: no single owner can withdraw it.

    Raises ValueError without a copy.
    """
    objections = [] if common else [c for c in held if c.opted_out]
    restricted = origin.witnesses(c for c in held if c.restricted)
    return Surroundings(
        min(held, key=rank), min(objections, key=origin.objection_rank, default=None), restricted, len(held)
    )


def joined(parts: Sequence[Surroundings]) -> Surroundings:
    """Of several contents together."""
    if len(parts) == 1:
        return parts[0]
    best = min((p.best for p in parts), key=rank)
    objection = min((p.objection for p in parts if p.objection), key=origin.objection_rank, default=None)
    restricted = origin.witnesses(r for p in parts for r in p.restricted)
    return Surroundings(best, objection, restricted, sum(p.files for p in parts))


def groups_of(blobs: Mapping[str, object], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For each blob, a blob that stands for all that a chain of some pairs leads to."""
    above = {blob: blob for blob in blobs}

    def top(blob: str) -> str:
        while above[blob] != blob:
            above[blob] = above[above[blob]]
            blob = above[blob]
        return blob

    for left, right in pairs:
        if left in above and right in above:
            above[top(left)] = top(right)
    return {blob: top(blob) for blob in above}
