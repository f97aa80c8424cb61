"""Plans: the packings of a loader's epochs, each made when it is needed first.

In: a store, the rules of a loader, the documents that it serves, and the removal list. Out: the plan of an epoch, how
many rows it has, and places counted through epochs.

What a place needs of the epochs before it is how many rows they have: an integer, kept for each epoch that was looked
at. A plan takes 12 bytes for a piece and 8 for a row, about 20 MB for a million documents. The last two are kept, which
is all that reading in order needs, and older ones while all together take less than KEPT_BYTES.
"""

from collections import OrderedDict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gleanery.shards.masking import Removed
from gleanery.shards.packing import Plan, plan_epoch
from gleanery.shards.pieces import REPOSITORY, Rules
from gleanery.shards.store import Store

KEPT_BYTES = 64 << 20


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
        self.packed = {0: self._anew}
        # By epoch, and how much of the removal list its packing leaves out.
        self._rows: dict[tuple[int, int], int] = {}
        self._plans: OrderedDict[tuple[int, int], Plan] = OrderedDict()
        self._ordinals: dict[int, NDArray[np.int64] | None] = {}
        self._latest: tuple[int, Plan] | None = None

    def packed_of(self, epoch: int) -> int:
        """How many entries of the removal list the packing of an epoch leaves out."""
        return self.packed.get(epoch, self._anew)

    def packings(self) -> set[int]:
        """How much of the removal list the packings of all epochs leave out, as far as anybody said."""
        return {self._anew, *self.packed.values()}

    def go_on_from(self, epoch: int, row: int, packed: int) -> bool:
        """Let the packing of an epoch leave out so many entries, as it did when a state was saved.

        Returns whether the epoch has this row then; if not, nothing changes.
        """
        before, self.packed, self._latest = self.packed, {epoch: packed}, None
        if row < self.rows(epoch):
            return True
        self.packed, self._latest = before, None
        return False

    def plan(self, epoch: int) -> Plan:
        """The packing of one epoch."""
        if self._latest is not None and self._latest[0] == epoch:
            return self._latest[1]
        key = (epoch, self.packed_of(epoch))
        plan = self._plans.pop(key, None) or self._made(*key)
        self._plans[key], self._rows[key], self._latest = plan, plan.rows, (epoch, plan)
        held = sum(plan.nbytes for plan in self._plans.values())
        while len(self._plans) > 2 and held > KEPT_BYTES:
            held -= self._plans.popitem(last=False)[1].nbytes
        return plan

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
        known = self._rows.get((epoch, self.packed_of(epoch)))
        return self.plan(epoch).rows if known is None else known

    def after(self, epoch: int, row: int, count: int) -> tuple[int, int]:
        """The place `count` rows behind a place, as (epoch, row)."""
        row += count
        while row >= (rows := self.rows(epoch)):
            row -= rows
            epoch += 1
        return epoch, row

    def hold(self, epoch: int, row: int, count: int, epochs: int | None) -> bool:
        """Whether `count` rows from a place on lie before the end of so many epochs; None is for ever."""
        if epochs is None:
            return True
        found = -row
        while found < count and epoch < epochs:
            found += self.rows(epoch)
            epoch += 1
        return found >= count

    def spans(self, epoch: int, row: int, count: int) -> Iterator[tuple[int, int, int]]:
        """`count` rows from a place on as (epoch, row, count), each within one epoch."""
        while count:
            here = min(count, self.rows(epoch) - row)
            yield epoch, row, here
            (epoch, row), count = self.after(epoch, row, here), count - here
