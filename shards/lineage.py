"""Lineage: which bytes of which file a step of a training run saw, and which steps saw a file.

In: a loader or a mixture opened as the training opened it, and a step or a file. Out: `Origin` or `Sighting`. Nothing
was written down during the training: since every batch is a pure function of release, settings and place, both are
computed. `trace` reads one row; `exposure` packs each epoch once more and reads the rows that it names.

A run that changed its batch size or its number of processes on the way has several legs, and so has one that took up a
removal list, or a longer one. Of what the loader's list names, a leg that does not say how much of the list it honoured
may have seen it or not: `seen` is None then.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from gleanery.records.errors import StopRun, WrongArguments
from gleanery.shards.fim import split_segment
from gleanery.shards.loader import Loader
from gleanery.shards.mixing import Mixture


@dataclass(frozen=True)
class Origin:
    """Where one token comes from.

    file_id, repo, path  the file
    document             its ordinal in the release
    begin, end           the token's bytes in the redacted text of the file; equal for a control token and in a name
    seen                 False if the training masked it by then; None if nobody said how much of the list it honoured
    source               the number of the release in a mixture
    """

    file_id: str
    repo: str
    path: str
    document: int
    begin: int
    end: int
    seen: bool | None = True
    source: int = 0


@dataclass(frozen=True)
class Sighting:
    """A piece of a file in a step: row, counted through all ranks, and the positions begin to end in it.

    seen  True, or None if the file is on the removal list and nobody said how much of it the step honoured
    """

    step: int
    row: int
    begin: int
    end: int
    seen: bool | None


@dataclass(frozen=True)
class Leg:
    """From this step on, each step took so many rows: world × batch.

    removed  how many documents of the removal list it honoured, as `removed` of a state says; None if nobody knows
    """

    step: int
    rows: int
    removed: int | None = None


def trace(loader: Loader | Mixture, step: int, row: int, position: int, legs: Sequence[Leg] = ()) -> Origin | None:
    """Where the token at `position` of `row` of a step comes from; None for padding.

    Rows count through all ranks: rank r has the rows r × batch to (r + 1) × batch. Raises IndexError outside the step,
    and for a step behind the end of the loader's epochs. Raises StopRun for a training that was packed anew without
    what was removed, unless the legs say that each step honoured as much of the list.
    """
    legs = _legs(loader, legs)
    found_at = _row_of(legs, step, row)
    if not _was_taken(loader, legs, step):
        raise IndexError(f"step {step} lies behind the end of the epochs")
    source, epoch, place = _placed(loader, found_at)
    one = sources(loader)[source]
    found = origin(one.unmasked(), epoch, place, position)
    if found is None:
        return None
    return replace(found, seen=_seen(one, found.document, _leg_of(legs, step)), source=source)


def origin(loader: Loader, epoch: int, place: int, position: int) -> Origin | None:
    """As `trace`, for a place in the order of an epoch: `Batch.epoch`, and `Batch.index` and the row together.

    None also for what the loader's own removal list masks.
    """
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


def exposure(loader: Loader | Mixture, file_id: str, steps: int, legs: Sequence[Leg] = ()) -> Iterator[Sighting]:
    """Every piece of a file that the first `steps` steps saw, or may have seen, in order.

    Behind the end of the loader's epochs no step saw anything. Raises StopRun for an unknown file, and as `trace` does.
    """
    legs = _legs(loader, legs)
    known = [pc.index(one.store.file_ids(), file_id).as_py() for one in sources(loader)]
    if max(known) < 0:
        raise StopRun(f"no file of the release has the id {file_id}", "`gleanery explain` shows what became of a file")
    last = _row_of(legs, steps, 0)
    found = [_sightings(loader, source, document, last, legs) for source, document in enumerate(known) if document >= 0]
    yield from heapq.merge(*found, key=lambda sighting: (sighting.step, sighting.row, sighting.begin))


def _sightings(
    loader: Loader | Mixture, source: int, document: int, last: int, legs: Sequence[Leg]
) -> Iterator[Sighting]:
    """Those of one document of one source before a row of the whole."""
    one, before, epoch = sources(loader)[source], 0, 0
    unmasked = one.unmasked()
    epochs = one.epochs if isinstance(loader, Loader) else None
    while _whole_row(loader, source, before) < last and (epochs is None or epoch < epochs):
        for place in one.plan(epoch).places_of(document).tolist():
            row = _whole_row(loader, source, before + place)
            if row >= last:
                break
            step, inside = _step_of(legs, row)
            if not _was_taken(loader, legs, step):
                return
            seen = _seen(one, document, _leg_of(legs, step))
            if seen is not False:
                yield from (Sighting(step, inside, b, e, seen) for b, e in _pieces(unmasked, epoch, place, document))
        before, epoch = before + one.rows(epoch), epoch + 1


def sources(loader: Loader | Mixture) -> Sequence[Loader]:
    """The loaders of a mixture; a loader alone is its own source."""
    return [loader] if isinstance(loader, Loader) else loader.loaders


def _whole_row(loader: Loader | Mixture, source: int, row: int) -> int:
    """Where a row of a source stands among the rows of the training."""
    return row if isinstance(loader, Loader) else int(loader.rows_of(source, np.array([row]))[0])


def _was_taken(loader: Loader | Mixture, legs: Sequence[Leg], step: int) -> bool:
    """Whether all rows of a step lie in the loader's epochs; rows that do not fill a last step are left out."""
    return not isinstance(loader, Loader) or loader.holds(_row_of(legs, step, 0) + _leg_of(legs, step).rows)


def _seen(loader: Loader, document: int, leg: Leg) -> bool | None:
    """Whether a step of a leg saw what the loader's removal list may name."""
    listed = np.flatnonzero(loader.removed.ordinals == document)
    if not listed.size:
        return True
    return None if leg.removed is None else leg.removed <= int(listed[0])


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


def _legs(loader: Loader | Mixture, legs: Sequence[Leg]) -> Sequence[Leg]:
    legs = legs or (Leg(0, loader.batch * loader.world),)
    steps = [leg.step for leg in legs]
    honoured = [leg.removed for leg in legs if leg.removed is not None]
    if honoured != sorted(honoured) or (honoured and honoured[0] < 0):
        hint = "a list only grows: give `removed` of its states"
        raise WrongArguments("a later leg honours less of the removal list", hint)
    if honoured and not isinstance(loader, Loader):
        raise WrongArguments("a mixture has a removal list for each source", "leave `removed` out of the legs")
    if any(one.packings() != {0} and {leg.removed for leg in legs} != one.packings() for one in sources(loader)):
        raise StopRun(
            "an epoch of this training was packed anew without what was removed, and nobody wrote down which ones were",
            "if each step honoured the same entries of the list, say so: legs=[Leg(0, rows, removed=entries)]",
        )
    if steps[0] != 0 or sorted(set(steps)) != steps or any(leg.rows < 1 for leg in legs):
        raise WrongArguments(
            "the legs of the run do not follow each other", "the first begins at step 0, each later one later"
        )
    return legs


def _leg_of(legs: Sequence[Leg], step: int) -> Leg:
    return [leg for leg in legs if leg.step <= step][-1] if step >= 0 else legs[0]


def _row_of(legs: Sequence[Leg], step: int, row: int) -> int:
    """The row of a step in the endless list of rows of all epochs."""
    leg = _leg_of(legs, step)
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


def _placed(loader: Loader | Mixture, row: int) -> tuple[int, int, int]:
    """The source of a row of the training, and the epoch and place that it has there."""
    source, row = (0, row) if isinstance(loader, Loader) else loader.source_of(row)
    return source, *sources(loader)[source].after(0, 0, row)


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
