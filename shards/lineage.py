"""Lineage: which bytes of which file a step of a training run saw, and which steps saw a file.

In: a loader opened as the training opened it, and a step or a file. Out: `Origin` or `Sighting`. Nothing was written
down during the training: since every batch is a pure function of release, settings and place, both are computed.
`trace` reads one row; `exposure` packs each epoch once more and reads the rows that it names.

A run that changed its batch size or its number of processes on the way has several legs. The loader has to be opened
with the removal list of the time that is asked about: with a later one, what was removed since is seen by no step.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.shards.fim import split_segment
from gleanery.shards.loader import Loader


@dataclass(frozen=True)
class Origin:
    """Where one token comes from.

    file_id, repo, path  the file
    document             its ordinal in the release
    begin, end           the token's bytes in the redacted text of the file; equal for a control token and in a name
    """

    file_id: str
    repo: str
    path: str
    document: int
    begin: int
    end: int


@dataclass(frozen=True)
class Sighting:
    """A piece of a file in a step: row, counted through all ranks, and the positions begin to end in it."""

    step: int
    row: int
    begin: int
    end: int


@dataclass(frozen=True)
class Leg:
    """From this step on, each step took so many rows: world × batch."""

    step: int
    rows: int


def trace(loader: Loader, step: int, row: int, position: int, legs: Sequence[Leg] = ()) -> Origin | None:
    """Where the token at `position` of `row` of a step comes from; None for padding and for what is removed.

    Rows count through all ranks: rank r has the rows r × batch to (r + 1) × batch. Raises IndexError outside the step.
    """
    epoch, place = _placed(loader, _row_of(_legs(loader, legs), step, row))
    return origin(loader, epoch, place, position)


def origin(loader: Loader, epoch: int, place: int, position: int) -> Origin | None:
    """As `trace`, for a place in the order of an epoch: `Batch.epoch`, and `Batch.index` and the row together."""
    if place < 0 or not 0 <= position < loader.rules.context:
        raise IndexError(f"place {place}, position {position}")
    while place >= loader.rows(epoch):
        epoch, place = epoch + 1, place - loader.rows(epoch)
    batch = loader.read(epoch, place, 1)
    segment = int(np.searchsorted(batch.segments.begin, position, side="right")) - 1
    document = int(batch.segments.document[segment])
    if document < 0:
        return None
    sizes = np.diff(loader.store.spelling.start).astype(np.int64)
    begin = int(batch.segments.begin[segment])
    end, head = begin + int(batch.segment_sizes[segment]), begin + int(batch.segments.head[segment])
    named = position < head
    inside = 0 if named else _byte_of(batch.input_ids[0, head:end], position - head, sizes, loader)
    at = int(sizes[loader.store.tokens(document)[: int(batch.segments.offset[segment])]].sum()) + inside
    row_of = loader.store.document(document)
    size = 0 if named else int(sizes[batch.input_ids[0, position]])
    return Origin(row_of["file_id"], row_of["repo"], row_of["path"], document, at, at + size)


def exposure(loader: Loader, file_id: str, steps: int, legs: Sequence[Leg] = ()) -> Iterator[Sighting]:
    """Every piece of a file that the first `steps` steps saw, in order. Raises StopRun for an unknown file."""
    document = pc.index(loader.store.file_ids(), file_id).as_py()
    if document < 0:
        raise StopRun(f"no file of the release has the id {file_id}", "`gleanery explain` shows what became of a file")
    legs = _legs(loader, legs)
    before, epoch, last = 0, 0, _row_of(legs, steps, 0)
    while before < last:
        for place in loader.plan(epoch).places_of(document).tolist():
            if before + place < last:
                step, row = _step_of(legs, before + place)
                yield from (Sighting(step, row, b, e) for b, e in _pieces(loader, epoch, place, document))
        before, epoch = before + loader.rows(epoch), epoch + 1


def steps_done(loader: Loader, epoch: int, row: int, legs: Sequence[Leg] = ()) -> int:
    """The steps before a state. Raises StopRun if no step of these legs begins there: then the legs are not its own."""
    legs = _legs(loader, legs)
    step, inside = _step_of(legs, sum(loader.rows(e) for e in range(epoch)) + row)
    if inside:
        raise StopRun(
            "the state stands inside a step: the training took other rows in a step",
            "rows is world × batch; name each step from which it changed",
        )
    return step


def _pieces(loader: Loader, epoch: int, place: int, document: int) -> Iterator[tuple[int, int]]:
    batch = loader.read(epoch, place, 1)
    for segment in np.flatnonzero(batch.segments.document == document).tolist():
        begin = int(batch.segments.begin[segment])
        yield begin, begin + int(batch.segment_sizes[segment])


def _legs(loader: Loader, legs: Sequence[Leg]) -> Sequence[Leg]:
    legs = legs or (Leg(0, loader.batch * loader.world),)
    steps = [leg.step for leg in legs]
    if steps[0] != 0 or sorted(set(steps)) != steps or any(leg.rows < 1 for leg in legs):
        raise StopRun(
            "the legs of the run do not follow each other", "the first begins at step 0, each later one later"
        )
    return legs


def _row_of(legs: Sequence[Leg], step: int, row: int) -> int:
    """The row of a step in the endless list of rows of all epochs."""
    leg = [leg for leg in legs if leg.step <= step][-1] if step >= 0 else legs[0]
    if step < 0 or not 0 <= row < leg.rows:
        raise IndexError(f"row {row} of step {step}")
    ends = [*(leg.step for leg in legs[1:]), step]
    return (
        sum(leg.rows * (min(end, step) - leg.step) for leg, end in zip(legs, ends, strict=True) if leg.step < step)
        + row
    )


def _step_of(legs: Sequence[Leg], row: int) -> tuple[int, int]:
    """The inverse: step, and row in it."""
    for leg, following in zip(legs, [*legs[1:], None], strict=True):
        if following is None or row < leg.rows * (following.step - leg.step):
            return leg.step + row // leg.rows, row % leg.rows
        row -= leg.rows * (following.step - leg.step)
    raise IndexError(f"row {row}")


def _placed(loader: Loader, row: int) -> tuple[int, int]:
    epoch = 0
    while row >= loader.rows(epoch):
        row, epoch = row - loader.rows(epoch), epoch + 1
    return epoch, row


def _byte_of(segment: NDArray[np.int64], position: int, sizes: NDArray[np.int64], loader: Loader) -> int:
    """The byte in its piece at which a token of a segment begins. Control tokens stand where the next byte would be."""
    ids = loader.control_ids
    parts = split_segment(segment, ids)
    prefix, middle, suffix = (int(sizes[part].sum()) for part in (parts.prefix, parts.middle, parts.suffix))
    control = np.flatnonzero(sizes[segment[: position + 1]] == 0)
    first = int(control[-1]) + 1 if len(control) else 0
    inside = int(sizes[segment[first:position]].sum())
    opened = int(segment[control[-1]]) if len(control) else -1
    before = {
        ids["<fim_suffix>"]: prefix + middle,
        ids["<fim_middle>"]: prefix,
        ids["<|endoftext|>"]: prefix + middle + suffix,
    }
    return inside + before.get(opened, 0)
