"""Assembly: the parts of a loader are put together once, so that a batch is one call of compiled code.

In: a store, the rules of a packing, and the plan of an epoch. Out: `Batch`. Python's own share of a batch is about
5 microseconds; the rest is in serving.py.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.shards.addresses import address_of, book_of
from gleanery.shards.batch import Batch, Segments, moved
from gleanery.shards.fim import END, FILE_BEGINS, MIDDLE, PREFIX, REPOSITORY_NAME, SUFFIX
from gleanery.shards.lookup import untouched_blocks
from gleanery.shards.packing import Plan
from gleanery.shards.pieces import REPOSITORY, Rules
from gleanery.shards.serving import serve
from gleanery.shards.splits import splits_of
from gleanery.shards.store import Store

PADDING = "<fim_pad>"
INT32, INT64 = np.dtype(np.int32), np.dtype(np.int64)
Allocate = Callable[[tuple[int, int], "np.dtype[Any]"], NDArray[Any]]
Arrays = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
_NONE: Any = np.empty(0, np.uint8)


class Assembler:
    """Makes batches from the plans of one store.

    removed  bool[documents], what is masked; or empty
    targets  whether batches have labels and positions
    """

    def __init__(
        self,
        store: Store,
        rules: Rules,
        control_ids: Mapping[str, int],
        removed: NDArray[np.bool_] = _NONE,
        targets: bool = True,
    ) -> None:
        self.store, self.context, self._width = store, rules.context, rules.context if targets else 0
        spans, spelling = store.spans, store.spelling
        splits = splits_of(spelling, store.dtype) if rules.fim_rate else _NONE
        # Everything that the book points at; kept, since the book keeps nothing alive.
        self._tables: list[Any] = [store.addresses, store.docs.key, store.docs.block, store.touched, removed]
        self._tables += [spans.first, spans.begin, spans.end] if spans is not None else [_NONE] * 3
        self._tables += [spelling.book, splits]
        whole = rules.unit == REPOSITORY
        self._tables += [store.names.ids, store.names.first, store.names.unit] if whole else [_NONE] * 3
        syntax_rate = rules.syntax_rate if spans is not None else 0.0
        shares = [math.ceil(rate * (1 << 53)) for rate in (syntax_rate, rules.line_rate)]
        numbers = [int(spelling.exact), rules.growth, rules.context, int(targets), *shares]
        control = [control_ids[name] for name in (PREFIX, MIDDLE, SUFFIX, END, PADDING, REPOSITORY_NAME, FILE_BEGINS)]
        self._book = book_of(self._tables, [*numbers, *control])
        self._like = np.empty(0, store.dtype)
        self.allocate: Allocate = np.empty

    def batch(self, plan: Plan, place: int, rows: int, epoch: int, index: int, following: int = -1) -> Batch:
        """The rows at places `place` to `place + rows` of a plan.

        epoch, index  of the first row, for the batch to say
        following     the place where the next batch will begin, if that is known
        Raises StopRun if a block that is touched first is damaged.
        """
        if self.store.untouched:
            self.store.touch(*untouched_blocks(self._book, plan.book, place, rows).tolist())
        arrays = self.arrays(rows, self.allocate)
        bounds, facts = serve(self._book, plan.book, self._like, *arrays, place, rows, following, 0)
        return Batch(*arrays, bounds, Segments(facts), epoch, index)

    def arrays(self, rows: int, allocate: Allocate) -> Arrays:
        """Room for so many rows: ids, labels and positions."""
        return (
            allocate((rows, self.context), INT64),
            allocate((rows, self._width), INT64),
            allocate((rows, self._width), INT32),
        )

    def write(self, plan: Plan, place: int, rows: NDArray[np.int64], into: Arrays) -> tuple[NDArray[Any], NDArray[Any]]:
        """Write the rows from `place` on into these rows of arrays, ascending, that others write into as well.

        Returns where in all of the arrays something stands apart, and the facts of the segments. Raises StopRun as
        `batch` does.
        """
        if self.store.untouched:
            self.store.touch(*untouched_blocks(self._book, plan.book, place, len(rows)).tolist())
        rows = np.ascontiguousarray(rows, np.int64)  # kept while its address is used
        at, count = address_of(rows), len(rows)
        bounds, facts = serve(self._book, plan.book, self._like, *into, place, count, -1, at)
        return bounds[:-1], facts


def joined(parts: Sequence[Batch]) -> Batch:
    """One batch of the rows of several, in their order."""
    if len(parts) == 1:
        return parts[0]
    ids, labels, positions = (
        np.concatenate(arrays) for arrays in zip(*((p.input_ids, p.labels, p.position_ids) for p in parts), strict=True)
    )
    begins = np.cumsum([0, *(p.input_ids.size for p in parts)]).tolist()
    segments = moved([(part.segments, at) for part, at in zip(parts, begins[:-1], strict=True)])
    sizes = np.concatenate([np.diff(part.cu_seqlens) for part in parts])
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return Batch(ids, labels, positions, bounds, segments, parts[0].epoch, parts[0].index)
