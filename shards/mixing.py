"""Mixing: rows of several releases by weight, in one global order.

In: loaders, one for each source, and weights. Out: `MixedBatch`. Which source gives the row at an index is looked up in
a table of PERIOD slots, and which of its rows from the counts before the slot: both take the same time at any index,
and no rank, worker or batch size changes them. A source may be a release, or the documents of one language in it.

Each source goes through its own epochs, in its own order. Over PERIOD rows each has its share to within one row.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.shards.arguments import whole_numbers
from gleanery.shards.batch import BEGIN, Batch, Segments
from gleanery.shards.loader import Loader

PERIOD = 10_000
LEAST_SHARE = 1 / PERIOD


@dataclass(slots=True, eq=False)
class MixedBatch(Batch):
    """A batch whose rows come from several sources; `index` counts rows of the mixture, and `epoch` is 0.

    sources  int64[B], the number of the source of each row; ordinals in `segments` count in that source
    """

    sources: NDArray[np.int64]


class Mixture:
    """Batches of one rank from several loaders, which are not to be used by themselves any more.

    loaders  sources with the same context and tokenizer; their own rank, world, batch and epochs do not matter
    weights  shares of the rows, in any unit; each at least a ten thousandth of the sum
    batch    rows of this rank in a batch; rank and world as for a loader

    Raises StopRun if the sources do not fit together.
    """

    def __init__(
        self, loaders: Sequence[Loader], weights: Sequence[float], batch: int = 8, rank: int = 0, world: int = 1
    ) -> None:
        batch, rank, world = whole_numbers(batch=batch, rank=rank, world=world)
        if batch < 1 or world < 1 or not 0 <= rank < world:
            raise StopRun(f"rank {rank} of {world} with {batch} rows is not possible", "ranks are 0 to world - 1")
        _check(loaders, weights)
        self.loaders, self.batch, self.rank, self.world = list(loaders), batch, rank, world
        self.slots = slot_table(weights)
        self._before = np.stack([np.concatenate([[0], np.cumsum(self.slots == s)]) for s in range(len(loaders))])
        self._index = self._steps = 0
        self._allocate: Callable[[tuple[int, int], np.dtype[Any]], NDArray[Any]] = np.empty
        self._places = [(0, 0)] * len(loaders)

    def __iter__(self) -> Iterator[MixedBatch]:
        """Batches from the present place on; when one is handed out, the state already names the next."""
        while True:
            step = self.batch * self.world
            found = self.read(self._index + self.rank * self.batch, self.batch)
            self._places = [self._place(s, self._index + step) for s in range(len(self.loaders))]
            self._index, self._steps = self._index + step, self._steps + 1
            yield found

    def read(self, index: int, rows: int) -> MixedBatch:
        """Rows `index` to `index + rows` of the mixture, not before the present place; moves nothing."""
        sources = self.slots[np.arange(index, index + rows) % PERIOD]
        parts, targets = [], []
        for source in np.unique(sources).tolist():
            mine = np.flatnonzero(sources == source)
            parts.append(self.loaders[source].read(*self._place(source, index), len(mine)))
            targets.append(mine)
        return _interleaved(parts, targets, sources, index, self._allocate)

    def allocate_with(self, allocate: Callable[[tuple[int, int], "np.dtype[Any]"], NDArray[Any]]) -> None:
        """From now on write batches into arrays that `allocate(shape, dtype)` gives, as one for a device does."""
        self._allocate = allocate

    def source_of(self, row: int) -> tuple[int, int]:
        """Which source gives a row of the mixture, counted from its beginning, and which row of that source it is."""
        source = int(self.slots[row % PERIOD])
        return source, self._count(source, row)

    def rows_of(self, source: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The inverse: where in the mixture some rows of a source stand.

        >>> mixture.rows_of(*mixture.source_of(12345)) == 12345  # doctest: +SKIP
        """
        slots = np.flatnonzero(self.slots == source)
        return rows // len(slots) * PERIOD + slots[rows % len(slots)]

    def state_dict(self) -> dict[str, Any]:
        """The place in the mixture, for any rank: under 200 bytes as JSON for up to three sources."""
        return {
            "index": self._index,
            "steps": self._steps,
            "places": [list(place) for place in self._places],
            "removed": [[state["removed"], state["packed"]] for state in self._states()],
            "mixture": self._name([state["list"] for state in self._states()]),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of any rank, world and batch size.

        Raises StopRun if it comes from other sources, settings or weights, or honoured a longer removal list.
        """
        index, places, removed = state.get("index"), state.get("places"), state.get("removed")
        steps = state.get("steps")
        if not isinstance(steps, int) or steps < 0:
            raise StopRun("the state is damaged", "use a state as state_dict returned it")
        if not isinstance(index, int) or index < 0 or not isinstance(places, list) or not isinstance(removed, list):
            raise StopRun("the state is damaged", "use a state as state_dict returned it")
        if len(places) != len(self.loaders) or len(removed) != len(self.loaders):
            raise StopRun("the state belongs to another mixture", "open what it was saved with, or start anew")
        lists = []
        for loader, (count, _) in zip(self.loaders, removed, strict=True):
            if not 0 <= count < len(loader.removed.digests):
                raise StopRun("the removal list is older than the one that the state honoured", "fetch the newest list")
            lists.append(loader.removed.digests[count])
        if state.get("mixture") != self._name(lists):
            raise StopRun("the state belongs to another mixture", "open what it was saved with, or start anew")
        for loader, (epoch, row), (count, packed), name in zip(self.loaders, places, removed, lists, strict=True):
            here = {"epoch": epoch, "row": row, "removed": count, "packed": packed, "list": name}
            loader.load_state_dict({**loader.state_dict(), **here})
        self._index, self._steps = index, steps
        self._places = [(int(epoch), int(row)) for epoch, row in places]

    def _states(self) -> list[dict[str, int | str]]:
        return [
            {**loader.state_dict(), "packed": loader.packed_of(epoch)}
            for loader, (epoch, _) in zip(self.loaders, self._places, strict=True)
        ]

    def _name(self, lists: Sequence[Any]) -> str:
        """16 hexadecimal digits that differ whenever the mixture's rows do."""
        states = [loader.state_dict() for loader in self.loaders]
        known = [[state["release"], state["settings"]] for state in states]
        text = json.dumps([known, list(lists), self.slots.tolist()])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _count(self, source: int, index: int) -> int:
        """How many rows before `index` a source gives."""
        periods, slot = divmod(index, PERIOD)
        before = self._before[source]
        return int(periods * before[-1] + before[slot])

    def _place(self, source: int, index: int) -> tuple[int, int]:
        """The epoch and row that the source's next row at or behind `index` has."""
        return self.loaders[source].after(
            *self._places[source], self._count(source, index) - self._count(source, self._index)
        )


def slot_table(weights: Sequence[float]) -> NDArray[np.int64]:
    """int64[PERIOD]: the source of each slot, each time the one that lags most behind its share.

    >>> slot_table([2, 1])[:6].tolist()
    [0, 1, 0, 0, 1, 0]
    """
    shares = np.array(weights, np.float64) / sum(weights)
    given, table = np.zeros(len(shares)), np.empty(PERIOD, np.int64)
    for slot in range(PERIOD):
        table[slot] = int(np.argmax(shares * (slot + 1) - given))
        given[table[slot]] += 1
    return table


def _check(loaders: Sequence[Loader], weights: Sequence[float]) -> None:
    if not loaders or len(loaders) != len(weights) or not all(0 < w < float("inf") for w in weights):
        raise StopRun("a mixture needs a weight above 0 for each of its sources", "give as many weights as loaders")
    if min(weights) / sum(weights) < LEAST_SHARE:
        raise StopRun(f"a share is under {LEAST_SHARE}", "leave that source out, or give it more weight")
    if len({(x.rules.context, x.store.description.tokenizer_sha256, x.targets) for x in loaders}) > 1:
        raise StopRun("the sources differ in context or tokenizer", "open them alike")
    if any(x.control_ids != loaders[0].control_ids for x in loaders):
        raise StopRun("the sources have other sentinels", "pack them with the same `sentinels`")


def _interleaved(
    parts: Sequence[Batch],
    targets: Sequence[NDArray[np.int64]],
    sources: NDArray[np.int64],
    index: int,
    allocate: Callable[[tuple[int, int], np.dtype[Any]], NDArray[Any]],
) -> MixedBatch:
    order = np.argsort(np.concatenate(targets), kind="stable")
    wholes = [
        np.concatenate([getattr(part, name) for part in parts]) for name in ("input_ids", "labels", "position_ids")
    ]
    ids, labels, positions = (np.take(whole, order, axis=0, out=allocate(whole.shape, whole.dtype)) for whole in wholes)
    context = ids.shape[1]
    rows = [target[part.cu_seqlens[:-1] // context] for part, target in zip(parts, targets, strict=True)]
    placed = np.argsort(np.concatenate(rows), kind="stable")
    sizes = np.concatenate([np.diff(part.cu_seqlens) for part in parts])[placed]
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    table = np.concatenate(
        [_placed(part.segments, target, context) for part, target in zip(parts, targets, strict=True)]
    )
    segments = Segments(table[np.argsort(table[:, BEGIN], kind="stable")])
    return MixedBatch(ids, labels, positions, bounds, segments, 0, index, sources)


def _placed(segments: Segments, rows: NDArray[np.int64], context: int) -> NDArray[np.int64]:
    """The segments of a part whose rows stand in these rows of the whole."""
    table = segments.table.copy()
    table[:, BEGIN] += (rows[segments.begin // context] - segments.begin // context) * context
    return table
