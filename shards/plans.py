"""Plans: the packings of a loader's epochs, each made when it is needed first.

In: a store, the rules of a loader, the documents that it serves, and the removal list. Out: the plan of an epoch, how
many rows it has, and places counted through epochs.

What a place needs of the epochs before it is how many rows they have: a running sum, 8 bytes for each epoch, of up to
MOST_EPOCHS epochs from the first one and as many from where a loader went on. A place that lies in them is looked up. A
plan takes 12 bytes for a piece, 8 for a row, and PLAN_BYTES: about 20 MB for a million documents. The last two are
kept, which is all that reading in order needs, and older ones while all together take less than KEPT_BYTES.
"""

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from gleanery.shards.masking import Removed
from gleanery.shards.packing import Plan, plan_epoch
from gleanery.shards.pieces import REPOSITORY, Rules
from gleanery.shards.store import Store

KEPT_BYTES = 64 << 20
# What the smallest plan takes beside its numbers, by tracemalloc over 3,000 of them. Without it, 64 MiB of numbers
# would be 400 MiB of memory.
PLAN_BYTES = 1_024
MOST_EPOCHS = 1 << 20


class Plans:
    """The plans of all epochs.

    served  bool[documents], those to serve; or None for all
    packed  by epoch, how much of the removal list its packing leaves out, where that was said
    """

    def __init__(
        self, store: Store, rules: Rules, seed: int, served: NDArray[np.bool_] | None, removed: Removed
    ) -> None:
        self._store, self._rules, self._seed = store, rules, seed
        self._served, self._removed = served, removed
        self._names = store.names if rules.unit == REPOSITORY else None
        self._anew = len(removed.ordinals) if removed.mode == "repack" else 0
        self.packed: Mapping[int, int] = {0: self._anew}
        # By epoch, and how much of the removal list its packing leaves out.
        self._plans: OrderedDict[tuple[int, int], Plan] = OrderedDict()
        self._held = 0
        self._ordinals: dict[int, NDArray[np.int64] | None] = {}
        self._latest: tuple[int, Plan] | None = None
        # By the epoch that they begin at: the rows from there to the beginning of each of the epochs that follow.
        self._sums = {0: array("q", [0])}

    def packed_of(self, epoch: int) -> int:
        """How many entries of the removal list the packing of an epoch leaves out."""
        return self.packed.get(epoch, self._anew)

    def packings(self) -> set[int]:
        """How much of the removal list the packings of all epochs leave out, as far as anybody said."""
        return {self._anew, *self.packed.values()}

    def pack(self, packed: Mapping[int, int] | None = None) -> None:
        """Let the packings of some epochs leave out so many entries; those of a training that begins, if not given."""
        before, self._latest = self.packed, None
        self.packed = {0: self._anew} if packed is None else dict(packed)
        if any(self.packed_of(e) != before.get(e, self._anew) for e in {*before, *self.packed}):
            self._sums = {0: array("q", [0])}

    def go_on_from(self, epoch: int, row: int, packed: int) -> bool:
        """Let the packing of an epoch leave out so many entries, as it did when a state was saved.

        Returns whether the epoch has this row then; if not, nothing changes.
        """
        before = self.packed
        self.pack({epoch: packed})
        if row < self.rows(epoch):
            return True
        self.pack(before)
        return False

    def plan(self, epoch: int) -> Plan:
        """The packing of one epoch."""
        if self._latest is not None and self._latest[0] == epoch:
            return self._latest[1]
        key = (epoch, self.packed_of(epoch))
        plan = self._plans.pop(key, None)
        if plan is None:
            plan = self._made(*key)
            self._held += plan.nbytes + PLAN_BYTES
        self._plans[key], self._latest = plan, (epoch, plan)
        if self._held > KEPT_BYTES:
            self._forget()
        return plan

    def _forget(self) -> None:
        """Let the oldest plans go. A quarter at once, so that counting them all anew costs little for each; counted
        anew, since two threads may have made one plan.
        """
        self._held = sum(plan.nbytes + PLAN_BYTES for plan in list(self._plans.values()))
        while len(self._plans) > 2 and self._held > KEPT_BYTES * 3 // 4:
            self._held -= self._plans.popitem(last=False)[1].nbytes + PLAN_BYTES

    def _made(self, epoch: int, packed: int) -> Plan:
        if packed not in self._ordinals:
            served = self._served
            if packed:
                gone = self._removed.mask(self._store.release, len(self._store), packed)
                served = ~gone if served is None else served & ~gone
            self._ordinals[packed] = None if served is None else np.flatnonzero(served)
        return plan_epoch(self._store.docs, self._rules, self._seed, epoch, self._ordinals[packed], self._names)

    def rows(self, epoch: int) -> int:
        """Rows in one epoch."""
        for first, sums in self._sums.items():
            if 0 <= (at := epoch - first) < len(sums) - 1:
                return sums[at + 1] - sums[at]
        rows = self.plan(epoch).rows
        self._note(epoch, rows)
        return rows

    def _note(self, epoch: int, rows: int) -> None:
        """Add an epoch to the sums that end at it; if none do, it begins those of the place where a loader goes on.

        Threads may ask at the same time: what one has added another writes once more; no table is changed otherwise.
        """
        for first, sums in self._sums.items():
            if 0 <= (at := epoch - first) < min(len(sums), MOST_EPOCHS):
                sums[at + 1 : at + 2] = array("q", [sums[at] + rows])
                return
        self._sums = {0: self._sums[0], epoch: array("q", [0, rows])} if epoch else {0: array("q", [0, rows])}

    def after(self, epoch: int, row: int, count: int) -> tuple[int, int]:
        """The place `count` rows behind a place, as (epoch, row)."""
        return self._place(epoch, row + count, None)

    def hold(self, epoch: int, row: int, count: int, epochs: int | None) -> bool:
        """Whether `count` rows from a place on lie before the end of so many epochs; None is for ever."""
        return epochs is None or count < 1 or self._place(epoch, row + count - 1, epochs)[0] < epochs

    def _place(self, epoch: int, row: int, end: int | None) -> tuple[int, int]:
        """The place so many rows behind the beginning of an epoch; if it lies beyond `end`, any place beyond it."""
        while (end is None or epoch < end) and row >= (rows := self.rows(epoch)):
            for first, sums in self._sums.items():
                if 0 <= (at := epoch - first) < len(sums) - 1:  # as far as is known, in one step
                    found = bisect_right(sums, sums[at] + row, at + 1) - 1
                    epoch, row = first + found, sums[at] + row - sums[found]
                    break
            else:
                epoch, row = epoch + 1, row - rows
        return epoch, row

    def spans(self, epoch: int, row: int, count: int) -> Iterator[tuple[int, int, int]]:
        """`count` rows from a place on as (epoch, row, count), each within one epoch."""
        while count:
            here = min(count, self.rows(epoch) - row)
            yield epoch, row, here
            (epoch, row), count = self.after(epoch, row, here), count - here
