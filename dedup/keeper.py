"""The keeper: which copies of a text stay, and what becomes of the others.

In: all files that hold the blobs of one cluster, kept so far or not, and the verified links among the blobs. Out: one
outcome for each file. Linear in files and links (20 us for a file), so that a text with a hundred thousand copies is no
attack.

Copies are ranked by the evidence that they are the origin, never by their licence: ranking by permissiveness would
turn every pasted GPL file into an MIT file. Nothing is dropped through a chain: a duplicate always names a kept file
with the same bytes, with an equal form, or with a measured link. What bars flows over equal forms, not over likeness.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gleanery.dedup import origin
from gleanery.dedup.crowds import Crowds
from gleanery.dedup.origin import Copy, rank
from gleanery.dedup.sameness import BAR, CLASSES, CONTAINED, DROP, NEAR, NORMALISED, RECORD, RENAMED
from gleanery.dedup.surroundings import Surroundings, groups_of, joined, surroundings_of

__all__ = ["Copy", "Link", "Outcome", "settle"]

KEPT, UNCHANGED = "kept", "unchanged"
EXACT, RESTRICTED, OPTED_OUT = "exact_duplicate", "restricted_twin", "copy_of_opted_out"
REASON_OF = {name: f"{name}_duplicate" for name in (NORMALISED, NEAR, RENAMED, CONTAINED)}
_SAID = {
    NORMALISED: ("the two are the same but for comments and white space",),
    RENAMED: ("the two are the same but for names, comments and white space",),
    CONTAINED: ("one of the two stands inside the other",),
}

MAX_ANSWERS = 64  # thousands of old fragments are no attack
_SHOWN = "the similarity is the least it can be: both were measured against a third copy, not against each other"


@dataclass(frozen=True)
class Link:
    """How two blobs are the same, as `sameness` classified them.

    `drops`: one of the two is dropped if both could be kept. `inner`: of a contained pair, the blob that stands inside
    the other; only that one can be dropped. `equal`: what policy makes of their forms (`sameness.equality`), which the
    class need not say: a pair may be near and have equal forms. By default that of a normalised or renamed link.
    `code`: the Jaccard similarity of their code.
    """

    name: str
    similarity: float
    drops: bool = True
    inner: str | None = None
    equal: str = ""
    code: float = 1.0

    def __post_init__(self) -> None:
        if not self.equal:
            equal = (DROP if self.drops else BAR) if self.name in (NORMALISED, RENAMED) else RECORD
            object.__setattr__(self, "equal", equal)


@dataclass(frozen=True)
class Outcome:
    """What becomes of one copy.

    `reason`: kept, exact_duplicate, normalised_duplicate, near_duplicate, renamed_duplicate, contained_duplicate,
    restricted_twin or copy_of_opted_out (codes of `records.reasons`), or unchanged for a copy that was not eligible.
    `twin_file_id` and `similarity` name the file behind a rejection. `evidence` says in sentences what the rule looked
    at; "the other" in them is the twin. `outweighed`: a sentence about an objection that does not reach the copy, the
    hardest to outweigh of those that do not: a person should look at it, since evidence can be forged.
    """

    reason: str
    twin_file_id: str | None = None
    similarity: float | None = None
    evidence: tuple[str, ...] = ()
    outweighed: tuple[str, ...] = ()


def settle(
    copies: Sequence[Copy],
    links: Mapping[tuple[str, str], Link],
    *,
    common_owners: int = 20,
    likeness: tuple[float, float] = (1.0, 0.0),
) -> dict[str, Outcome]:
    """The outcome of every copy, by file_id in sorted order; neither the order of `copies` nor of `links` counts.

    `copies`: every file of every blob of the cluster, or of one blob with several files. `links`: by two blob ids, the
    verified pairs whose class counts. Two files are twins if they have the same blob, if their blobs have a link, or if
    a chain of links with equal forms leads from one to the other: forms are equal or not, so the ends of a chain are as
    much the same as neighbours, and in a crowd of equal forms not all pairs are there. Each eligible copy is then

    1. `copy_of_opted_out` if a twin's owner opted out and no twin, nor the copy itself, outweighs that objection with
       better evidence of being the origin (`origin.outweighs`). Only who holds what the two have in common can have had
       it first, so a twin that stands inside of them, a fragment, outweighs nothing. Equal evidence counts for the
       objection; so does the doubt where the best `MAX_ANSWERS` of the others hold a fragment each. Content that
       stands in more than `common_owners` repositories that are not forks (licence texts, popular libraries) is
       exempt: no single owner can withdraw it.
    2. `restricted_twin` if a twin has a restrictive licence, unless the evidence shows that this copy is the older one
       (`origin.shown_older`), or this copy is a licence file: works under any licence quote its text.
    3. a duplicate if a twin that ranks before it was kept and their link drops, else kept. Of several such twins it
       names one of the first class (`sameness.CLASSES`), of these the most similar, then the best. Of a contained pair
       that drops, the inner one is dropped if the outer one ranks before it; the outer one never is.

    So where the best copy is restricted or opted out, the next best does not silently take its place. In a crowd not
    all pairs are measured; there a copy is also a duplicate of a kept one if their similarities to a third show that
    theirs, of all shingles and of the code, is at `likeness` or above (`crowds`).

    Raises ValueError if two copies share a file_id.
    """
    ordered = sorted(copies, key=rank)
    if len({copy.file_id for copy in ordered}) != len(ordered):
        raise ValueError("two copies share a file_id")
    group = _Group(ordered, links, common_owners, likeness)
    outcomes = {copy.file_id: group.outcome(copy) for copy in ordered}
    return dict(sorted(outcomes.items()))


class _Group:
    """The state of one call. `outcome` must be asked in the order of rank."""

    def __init__(
        self,
        ordered: Sequence[Copy],
        links: Mapping[tuple[str, str], Link],
        common_owners: int,
        likeness: tuple[float, float],
    ) -> None:
        files: dict[str, list[Copy]] = defaultdict(list)
        for copy in ordered:
            files[copy.blob_id].append(copy)
        self.links: dict[str, dict[str, Link]] = {blob: {} for blob in files}
        for (left, right), link in links.items():
            if left != right and left in files and right in files:
                self.links[left][right] = self.links[right][left] = link
        self.form = groups_of(files, (pair for pair, link in links.items() if link.equal in (DROP, BAR)))
        self.drop_form = groups_of(files, (pair for pair, link in links.items() if link.equal == DROP))
        self.normal = groups_of(files, (pair for pair, link in links.items() if link.name == NORMALISED))
        self.common = {
            blob for blob, held in files.items() if len({c.repo_id for c in held if not c.fork}) > common_owners
        }
        self.own = {blob: surroundings_of(held, blob in self.common) for blob, held in files.items()}
        self.of_form = self._all_forms()
        self.around = self._all_around()
        self.answered: dict[str, tuple[Copy | None, tuple[str, ...]]] = {}
        near = {
            blob: {other: link for other, link in links.items() if link.name == NEAR and link.drops}
            for blob, links in self.links.items()
        }
        self.crowds, self.shown = Crowds(near, likeness), dict[tuple[str, str], Link]()
        self.kept: dict[str, Copy] = {}
        self.kept_form: dict[str, Copy] = {}
        self.nearest: dict[str, Copy] = {}

    def _all_forms(self) -> dict[str, Surroundings]:
        members: dict[str, list[Surroundings]] = defaultdict(list)
        for blob, around in self.own.items():
            members[self.form[blob]].append(around)
        return {form: joined(parts) for form, parts in members.items()}

    def _all_around(self) -> dict[str, Surroundings]:
        """What stands under each blob, under those of its form, and under those that it has a link to."""
        around = {}
        for blob in self.own:
            others = [self.own[n] for n in self.links[blob] if self.form[n] != self.form[blob]]
            around[blob] = joined([self.of_form[self.form[blob]], *others])
        return around

    def outcome(self, copy: Copy) -> Outcome:
        if not copy.eligible:
            return Outcome(UNCHANGED)
        outcome = self._barred(copy) or self._duplicate(copy) or self._keep(copy)
        _, outweighed = self._objection(copy.blob_id)
        return replace(outcome, outweighed=outweighed) if outweighed else outcome

    def _barred(self, copy: Copy) -> Outcome | None:
        around = self.around[copy.blob_id]
        objection, _ = self._objection(copy.blob_id)
        if objection:
            evidence = "the owner of the other opted out", origin.compared(copy, objection)
            return self._rejected(OPTED_OUT, copy, objection, *evidence)
        # The same bytes say more than what is only like them, so their files are named first.
        closer = self.own[copy.blob_id].restricted, self.of_form[self.form[copy.blob_id]].restricted
        for twin in () if copy.license_text else (*closer[0], *closer[1], *around.restricted):
            if not origin.shown_older(copy, twin):
                evidence = "the licence of the other is restrictive", _not_older(copy, twin)
                return self._rejected(RESTRICTED, copy, twin, *evidence)
        return None

    def _objection(self, blob: str) -> tuple[Copy | None, tuple[str, ...]]:
        """The objection that reaches the files of a blob, if any, and a sentence about one that does not."""
        if blob not in self.answered:
            self.answered[blob] = self._answer(blob)
        return self.answered[blob]

    def _answer(self, blob: str) -> tuple[Copy | None, tuple[str, ...]]:
        around, form = self.around[blob], self.form[blob]
        first = around.objection
        if first is None or blob in self.common:
            return None, ()
        if not origin.outweighs(around.best, first):
            return first, ()
        linked = [other for other in self.links[blob] if self.form[other] != form]
        others = sorted(((self.own[n].best, n) for n in linked), key=_by_rank)
        objections = [(self.of_form[form].objection, blob), *((self.own[n].objection, n) for n in linked)]
        outweighed = list[tuple[Copy, Copy]]()
        for objection, under in sorted(((o, n) for o, n in objections if o), key=_by_objection):
            better = self._better(objection, under, blob, others)
            if better is None:
                return objection, ()
            outweighed.append((objection, better))
        return None, (origin.outweighed(*outweighed[0]),)

    def _better(self, objection: Copy, under: str, blob: str, others: Sequence[tuple[Copy, str]]) -> Copy | None:
        """A copy that outweighs an objection and holds what the blob has in common with the one that objects."""
        mine = self.of_form[self.form[blob]].best
        if origin.outweighs(mine, objection):
            return mine
        for best, other in others[:MAX_ANSWERS]:
            if not origin.outweighs(best, objection):
                break  # nor do those that rank after it
            if self._holds(other, blob, under):
                return best
        return None

    def _holds(self, blob: str, one: str, other: str) -> bool:
        """Whether a blob holds what two blobs with a link have in common: all of the inner one, or else of either."""
        link = self.links[one].get(other)
        inner = one if link is None or (link.name == CONTAINED and link.inner == one) else other
        if self.form[blob] in (self.form[one], self.form[inner]):
            return True
        reached = self.links[inner].get(blob)
        return reached is not None and not (reached.name == CONTAINED and reached.inner == blob)

    def _duplicate(self, copy: Copy) -> Outcome | None:
        if twin := self.kept.get(copy.blob_id):
            return self._rejected(EXACT, copy, twin, origin.compared(copy, twin))
        found = (self.kept_form.get(self.drop_form[copy.blob_id]), self.nearest.get(copy.blob_id))
        twin = min((t for t in found if t), key=lambda t: self._place(copy.blob_id, t), default=None)
        if twin is None:
            return None
        reason = REASON_OF[self._between(copy.blob_id, twin.blob_id).name]
        return self._rejected(reason, copy, twin, origin.compared(copy, twin))

    def _keep(self, copy: Copy) -> Outcome:
        self.kept[copy.blob_id] = copy
        self.kept_form.setdefault(self.drop_form[copy.blob_id], copy)
        for blob, link in self.links[copy.blob_id].items():
            if not link.drops or (link.name == CONTAINED and link.inner != blob):
                continue
            rival = self.nearest.get(blob)
            if rival is None or self._place(blob, copy) < self._place(blob, rival):
                self.nearest[blob] = copy
        for blob, similarity in self.crowds.reached(copy.blob_id):
            rival = self.nearest.get(blob)
            if rival is None or self._place(blob, rival)[0] > CLASSES.index(NEAR):
                self.nearest[blob], self.shown[blob, copy.blob_id] = copy, Link(NEAR, similarity)
        around = self.around[copy.blob_id]
        if around.best.file_id == copy.file_id:
            return Outcome(KEPT, evidence=(f"best evidence of origin among copies: {around.files}",))
        # The best copy ranks before this one and was not kept, or nothing between the two drops a copy.
        best = self.kept.get(around.best.blob_id)
        if best is not None and best.file_id == around.best.file_id:
            return Outcome(KEPT, evidence=(f"file {best.file_id} ranks before it; their likeness drops neither",))
        return Outcome(KEPT, evidence=(f"file {around.best.file_id} ranks before it, but was not kept itself",))

    def _between(self, blob: str, other: str) -> Link:
        """How two blobs are the same: in normal form, as measured, as shown by way of a third, or but for names."""
        link = self.links[blob].get(other) or self.shown.get((blob, other))
        by_measure = link is not None and link.drops and self.drop_form[blob] != self.drop_form[other]
        if self.normal[blob] == self.normal[other] and not by_measure:
            return Link(NORMALISED, 1.0)
        return link or Link(RENAMED, 1.0)

    def _place(self, blob: str, rival: Copy) -> tuple[int, float]:
        """Which of several kept copies a duplicate names: by class, then by similarity; the smallest."""
        link = self._between(blob, rival.blob_id)
        return CLASSES.index(link.name), -link.similarity

    def _rejected(self, reason: str, copy: Copy, twin: Copy, *evidence: str) -> Outcome:
        if copy.blob_id == twin.blob_id:
            return Outcome(reason, twin.file_id, 1.0, evidence)
        link = self._between(copy.blob_id, twin.blob_id)
        shown = (_SHOWN,) if self.shown.get((copy.blob_id, twin.blob_id)) is link else ()
        return Outcome(reason, twin.file_id, link.similarity, (*shown, *_SAID.get(link.name, ()), *evidence))


def _by_rank(holder: tuple[Copy, str]) -> origin.Rank:
    return rank(holder[0])


def _by_objection(objection: tuple[Copy, str]) -> tuple[bool, bool, bool, int, str]:
    return origin.objection_rank(objection[0])


def _not_older(copy: Copy, twin: Copy) -> str:
    if copy.repo_id == twin.repo_id:
        return "both stand in one repository, so nothing shows that this copy is the older one"
    mine, theirs = copy.first_commit_at, twin.first_commit_at
    note = ", which says nothing of the file" if mine is not None and theirs is not None and mine < theirs else ""
    return f"nothing shows that this copy is the older one; {origin.ages(copy, twin)}{note}"
