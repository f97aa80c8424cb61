"""Mixing: rows of several releases by weight, in one global order.

In: loaders, one for each source, and weights. Out: `MixedBatch`. Which source gives the row at an index is looked up in
a table of PERIOD slots, and which of its rows from the counts before the slot: both take the same time at any index,
and no rank, worker or batch size changes them. A source may be a release, or the documents of one language in it.

Each source goes through its own epochs, in its own order. Over PERIOD rows each has its share to within one row.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.shards.arguments import whole_numbers
from gleanery.shards.assembly import Allocate
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
        self._allocate: Allocate = np.empty
        self._places = [(0, 0)] * len(loaders)
        self._names: dict[tuple[str, ...], str] = {}

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
        arrays = self.loaders[0].room(rows, self._allocate)
        parts: list[tuple[NDArray[Any], NDArray[Any]]] = []
        for source in np.unique(sources).tolist():
            mine = np.flatnonzero(sources == source)
            parts += self.loaders[source].write(*self._place(source, index), mine, arrays)
        begins, facts = zip(*parts, strict=True)
        bounds, table = np.concatenate([*begins, [arrays[0].size]]).astype(np.int32), np.concatenate(facts)
        bounds.sort()
        segments = Segments(table[np.argsort(table[:, BEGIN], kind="stable")])
        return MixedBatch(*arrays, bounds, segments, 0, index, sources)

    def restart(self) -> None:
        """Go back to the first step."""
        for loader in self.loaders:
            loader.restart()
        self._index, self._steps, self._places = 0, 0, [(0, 0)] * len(self.loaders)

    def agreement(self) -> str:
        """As of a loader: what all ranks of a training have in common."""
        modes = [loader.removed.mode for loader in self.loaders]
        agreed = [self.batch, self.world, modes, self.state_dict()]
        return hashlib.sha256(json.dumps(agreed).encode()).hexdigest()[:16]

    def allocate_with(self, allocate: Allocate) -> None:
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
        """The place in the mixture, for any rank: under 200 bytes as JSON for up to three sources.

        `check` is a digest of all the rest: places of sources that the mixture's does not lead to are refused.
        """
        removed = [
            [len(loader.removed.ordinals), loader.packed_of(epoch)]
            for loader, (epoch, _) in zip(self.loaders, self._places, strict=True)
        ]
        state = {
            "index": self._index,
            "steps": self._steps,
            "places": [list(place) for place in self._places],
            "removed": removed,
            "mixture": self._name(tuple(loader.removed.digests[-1] for loader in self.loaders)),
        }
        return state | {"check": _check_of(state)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of any rank, world and batch size.

        Raises StopRun if it comes from other sources, settings or weights, honoured a longer removal list, or is not as
        state_dict returned it. Nothing moves then.
        """
        index, steps, places, removed = _sound(state)
        if len(places) != len(self.loaders):
            raise StopRun("the state belongs to another mixture", "open what it was saved with, or start anew")
        lists = []
        for loader, (count, _) in zip(self.loaders, removed, strict=True):
            if count >= len(loader.removed.digests):
                raise StopRun("the removal list is older than the one that the state honoured", "fetch the newest list")
            lists.append(loader.removed.digests[count])
        if state.get("mixture") != self._name(tuple(lists)):
            raise StopRun("the state belongs to another mixture", "open what it was saved with, or start anew")
        before = [loader.state_dict() for loader in self.loaders]
        try:
            for loader, (epoch, row), (count, packed), name in zip(self.loaders, places, removed, lists, strict=True):
                here: dict[str, int | str] = {
                    "epoch": epoch,
                    "row": row,
                    "removed": count,
                    "packed": packed,
                    "list": name,
                }
                loader.load_state_dict({**loader.state_dict(), **here})
        except StopRun:
            for loader, kept in zip(self.loaders, before, strict=True):
                loader.load_state_dict(kept)
            raise
        self._index, self._steps, self._places = index, steps, places

    def _name(self, lists: tuple[str, ...]) -> str:
        """16 hexadecimal digits that differ whenever the mixture's rows do. Kept, since the table of slots is long."""
        if lists not in self._names:
            states = [loader.state_dict() for loader in self.loaders]
            known = [[state["release"], state["settings"]] for state in states]
            text = json.dumps([known, lists, self.slots.tolist()])
            self._names[lists] = hashlib.sha256(text.encode()).hexdigest()[:16]
        return self._names[lists]

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


def _check_of(state: Mapping[str, Any]) -> str:
    """Six hexadecimal digits of all that a state says."""
    said = json.dumps([state[name] for name in ("index", "steps", "places", "removed", "mixture")])
    return hashlib.sha256(said.encode()).hexdigest()[:6]


def _sound(state: Mapping[str, Any]) -> tuple[int, int, list[tuple[int, int]], list[tuple[int, int]]]:
    """The index, the steps, and a place and what was removed for each source. Raises StopRun for a damaged state."""
    try:
        pairs = [*state["places"], *state["removed"]]
        sound = len(state["places"]) == len(state["removed"]) and state["check"] == _check_of(state)
        numbers = [state["index"], state["steps"], *(number for one, two in pairs for number in (one, two))]
    except (KeyError, TypeError, ValueError):
        sound, numbers = False, []
    if not sound or not all(type(number) is int and number >= 0 for number in numbers):
        raise StopRun("the state is damaged", "use a state as state_dict returned it")
    places, removed = ([(one, two) for one, two in state[name]] for name in ("places", "removed"))
    return state["index"], state["steps"], places, removed
