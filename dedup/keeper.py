"""The keeper: which copies of a text stay, and what becomes of the others.

In: all files that hold the blobs of one cluster, kept so far or not, and the verified pairs among the blobs. Out: one
outcome for each file. Linear in files and pairs (20 us for a file), so that a text with a hundred thousand copies is no
attack.

Copies are ranked by the evidence that they are the origin, never by their licence: ranking by permissiveness would
turn every pasted GPL file into an MIT file. Nothing is dropped through a chain: a duplicate always names a kept file
with the same bytes or with a measured similarity.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gleanery.dedup import origin
from gleanery.dedup.origin import Copy, rank

__all__ = ["Copy", "Outcome", "settle"]

KEPT, UNCHANGED = "kept", "unchanged"
EXACT, NEAR, RESTRICTED, OPTED_OUT = "exact_duplicate", "near_duplicate", "restricted_twin", "copy_of_opted_out"


@dataclass(frozen=True)
class Outcome:
    """What becomes of one copy.

    `reason`: kept, exact_duplicate, near_duplicate, restricted_twin or copy_of_opted_out (codes of `records.reasons`),
    or unchanged for a copy that was not eligible. `twin_file_id` and `similarity` name the file behind a rejection.
    `evidence` says in sentences what the rule looked at; "the other" in them is the twin.
    """

    reason: str
    twin_file_id: str | None = None
    similarity: float | None = None
    evidence: tuple[str, ...] = ()


def settle(
    copies: Sequence[Copy], pairs: Mapping[tuple[str, str], float], *, common_owners: int = 20
) -> dict[str, Outcome]:
    """The outcome of every copy, by file_id in sorted order; neither the order of `copies` nor of `pairs` counts.

    `copies`: every file of every blob of the cluster, or of one blob with several files. `pairs`: similarity of two
    blob ids, for the verified pairs at or above the threshold only. Two files are twins if they have the same blob, or
    if their blobs are such a pair. Each eligible copy is then

    1. `copy_of_opted_out` if a twin's owner opted out and no twin, nor the copy itself, outweighs that objection with
       better evidence of being the origin (`origin.outweighs`). Equal evidence counts for the objection. Content that
       stands in more than `common_owners` repositories that are not forks (licence texts, popular libraries) is
       exempt: no single owner can withdraw it.
    2. `restricted_twin` if a twin has a restrictive licence, unless the evidence shows that this copy is the older one
       (`origin.shown_older`).
    3. a duplicate if a twin that ranks before it was kept, else kept.

    So where the best copy is restricted or opted out, the next best does not silently take its place. Raises ValueError
    if two copies share a file_id.
    """
    ordered = sorted(copies, key=rank)
    if len({copy.file_id for copy in ordered}) != len(ordered):
        raise ValueError("two copies share a file_id")
    group = _Group(ordered, pairs, common_owners)
    outcomes = {copy.file_id: group.outcome(copy) for copy in ordered}
    return dict(sorted(outcomes.items()))


@dataclass(frozen=True)
class _Surroundings:
    """What stands under some blobs: the best-ranked copy, the strongest objection, and restricted witnesses."""

    best: Copy
    objection: Copy | None
    restricted: tuple[Copy, ...]
    files: int


class _Group:
    """The state of one call. `outcome` must be asked in the order of rank."""

    def __init__(self, ordered: Sequence[Copy], pairs: Mapping[tuple[str, str], float], common_owners: int) -> None:
        files: dict[str, list[Copy]] = defaultdict(list)
        for copy in ordered:
            files[copy.blob_id].append(copy)
        self.near: dict[str, dict[str, float]] = {blob: {} for blob in files}
        for (left, right), similarity in pairs.items():
            if left != right and left in files and right in files:
                self.near[left][right] = self.near[right][left] = similarity
        self.common = {
            blob for blob, held in files.items() if len({c.repo_id for c in held if not c.fork}) > common_owners
        }
        own = {blob: _surroundings_of(held, blob in self.common) for blob, held in files.items()}
        self.around = {blob: _joined([own[blob], *(own[n] for n in self.near[blob])]) for blob in files}
        self.kept: dict[str, Copy] = {}
        self.nearest: dict[str, Copy] = {}

    def outcome(self, copy: Copy) -> Outcome:
        if not copy.eligible:
            return Outcome(UNCHANGED)
        return self._barred(copy) or self._duplicate(copy) or self._keep(copy)

    def _barred(self, copy: Copy) -> Outcome | None:
        around = self.around[copy.blob_id]
        objection = around.objection
        if objection and copy.blob_id not in self.common and not origin.outweighs(around.best, objection):
            evidence = "the owner of the other opted out", origin.compared(copy, objection)
            return self._rejected(OPTED_OUT, copy, objection, *evidence)
        for twin in around.restricted:
            if not origin.shown_older(copy, twin):
                evidence = "the licence of the other is restrictive", _not_older(copy, twin)
                return self._rejected(RESTRICTED, copy, twin, *evidence)
        return None

    def _duplicate(self, copy: Copy) -> Outcome | None:
        if twin := self.kept.get(copy.blob_id):
            return self._rejected(EXACT, copy, twin, origin.compared(copy, twin))
        if twin := self.nearest.get(copy.blob_id):
            return self._rejected(NEAR, copy, twin, origin.compared(copy, twin))
        return None

    def _keep(self, copy: Copy) -> Outcome:
        self.kept[copy.blob_id] = copy
        for blob, similarity in self.near[copy.blob_id].items():
            rival = self.nearest.get(blob)
            if rival is None or similarity > self.near[blob][rival.blob_id]:
                self.nearest[blob] = copy
        around = self.around[copy.blob_id]
        if around.best.file_id == copy.file_id:
            return Outcome(KEPT, evidence=(f"best evidence of origin among copies: {around.files}",))
        # The best copy ranks before this one and was not kept, or this one would be its duplicate.
        return Outcome(KEPT, evidence=(f"file {around.best.file_id} ranks before it, but was not kept itself",))

    def _rejected(self, reason: str, copy: Copy, twin: Copy, *evidence: str) -> Outcome:
        same = copy.blob_id == twin.blob_id
        return Outcome(reason, twin.file_id, 1.0 if same else self.near[copy.blob_id][twin.blob_id], evidence)


def _surroundings_of(held: Sequence[Copy], common: bool) -> _Surroundings:
    objections = [] if common else [c for c in held if c.opted_out]
    restricted = origin.witnesses(c for c in held if c.restricted)
    return _Surroundings(
        min(held, key=rank), min(objections, key=origin.objection_rank, default=None), restricted, len(held)
    )


def _joined(parts: Sequence[_Surroundings]) -> _Surroundings:
    if len(parts) == 1:
        return parts[0]
    best = min((p.best for p in parts), key=rank)
    objection = min((p.objection for p in parts if p.objection), key=origin.objection_rank, default=None)
    restricted = origin.witnesses(r for p in parts for r in p.restricted)
    return _Surroundings(best, objection, restricted, sum(p.files for p in parts))


def _not_older(copy: Copy, twin: Copy) -> str:
    return f"nothing shows that this copy is the older one; {origin.ages(copy, twin)}"
