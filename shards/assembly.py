"""Assembly: pieces become rows of token ids, labels and positions.

In: the pieces of some rows, and the parts of those in a fill-in-the-middle form. Out: `Batch`. Costs about 2 ns for
each position (one core, 16 rows of 2,048), where 20 bytes are written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.shards.chance import compiled
from gleanery.shards.fim import END, MIDDLE, PREFIX, SUFFIX, Parts
from gleanery.shards.packing import PLAIN, SPM

PADDING = "<fim_pad>"
IGNORED = -100


@dataclass(frozen=True)
class Segments:
    """What stands between two neighbours of `cu_seqlens`: one entry for each segment.

    document  int64, ordinal of the document; -1 for padding
    offset    int64, first token of the piece in its document
    length    int64, tokens of the document in it, as stored
    form      int8, 0 plain, 1 prefix-suffix-middle, 2 suffix-prefix-middle; 0 for padding
    """

    document: NDArray[np.int64]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    form: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.document)


@dataclass(frozen=True)
class Batch:
    """Rows ready to train on; B rows of S positions.

    input_ids     int64[B, S]
    labels        int64[B, S], already shifted: labels[b, i] is the token that should follow input_ids[b, i]. -100 where
                  nothing is to be learnt: at the end of a segment, in padding, and where the next token is one of
                  the three fill-in-the-middle sentinels, which a program writes and a model never has to
    position_ids  int32[B, S], from 0 in each segment
    cu_seqlens    int32[segments + 1], boundaries of the segments in the flattened batch, from 0 to B × S; padding at
                  the end of a row is a segment of its own
    segments      what each of them is
    epoch, index  place of the first row in the global list, for `Loader.trace`
    """

    input_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    position_ids: NDArray[np.int32]
    cu_seqlens: NDArray[np.int32]
    segments: Segments
    epoch: int
    index: int


@dataclass(frozen=True)
class Source:
    """The pieces of some rows of one epoch.

    rows     int64[rows], pieces in each row; all else has one entry for each piece, row by row
    ends     bool, whether the end of text follows
    payload  the tokens as stored
    draws    uint64[n, 2], for the n pieces that are not plain: what places their cuts
    """

    rows: NDArray[np.int64]
    document: NDArray[np.int64]
    offset: NDArray[np.int64]
    length: NDArray[np.int32]
    form: NDArray[np.int8]
    ends: NDArray[np.bool_]
    payload: list[NDArray[Any]]
    draws: NDArray[np.uint64]


def assemble(
    sources: Sequence[Source],
    parts: Sequence[Parts],
    context: int,
    control_ids: Mapping[str, int],
    place: tuple[int, int],
) -> Batch:
    """A batch from its rows; `parts` has those of all fill-in-the-middle pieces, in order."""
    form = np.concatenate([s.form for s in sources])
    ends = np.concatenate([s.ends for s in sources])
    rows = np.concatenate([[0], *(s.rows for s in sources)]).cumsum()
    arrays, sizes = _flattened(sources, parts)
    ids = np.empty((len(rows) - 1, context), np.int64)
    labels, positions = np.empty_like(ids), np.empty(ids.shape, np.int32)
    bounds = np.empty(len(form) + len(rows), np.int32)
    which = np.empty(len(form) + len(rows) - 1, np.int64)
    control = np.array([control_ids[n] for n in (PREFIX, MIDDLE, SUFFIX, END, PADDING)], np.int64)
    tokens = np.concatenate(arrays).astype(np.int32, copy=False)
    count = _fill(tokens, sizes, form, ends, rows, control, ids, labels, positions, bounds, which)
    return Batch(ids, labels, positions, bounds[: count + 1], _segments(sources, form, which[:count]), *place)


def _flattened(sources: Sequence[Source], parts: Sequence[Parts]) -> tuple[list[NDArray[Any]], NDArray[np.int64]]:
    """Token arrays in the order of the source, and (prefix, middle, suffix) sizes; a plain piece is all middle."""
    arrays: list[NDArray[Any]] = []
    sizes: list[tuple[int, int, int]] = []
    cut = iter(parts)
    for source in sources:
        for form, payload in zip(source.form.tolist(), source.payload, strict=True):
            if form == PLAIN:
                arrays.append(payload)
                sizes.append((0, len(payload), 0))
            else:
                p = next(cut)
                arrays += [p.prefix, p.middle, p.suffix]
                sizes.append((len(p.prefix), len(p.middle), len(p.suffix)))
    return arrays, np.array(sizes, np.int64)


def _segments(sources: Sequence[Source], form: NDArray[np.int8], which: NDArray[np.int64]) -> Segments:
    padding = which < 0
    columns = [np.concatenate([getattr(s, name) for s in sources])[which] for name in ("document", "offset", "length")]
    document, offset, length = (np.where(padding, blank, c) for c, blank in zip(columns, (-1, 0, 0), strict=True))
    return Segments(document, offset, length.astype(np.int64), np.where(padding, 0, form[which]).astype(np.int8))


@compiled
def _fill(
    tokens: NDArray[np.int32],
    sizes: NDArray[np.int64],
    form: NDArray[np.int8],
    ends: NDArray[np.bool_],
    rows: NDArray[np.int64],
    control: NDArray[np.int64],
    ids: NDArray[np.int64],
    labels: NDArray[np.int64],
    positions: NDArray[np.int32],
    bounds: NDArray[np.int32],
    which: NDArray[np.int64],
) -> int:
    """Fill the arrays of a batch; returns the number of segments. `which` gets the piece of each, -1 for padding."""
    prefix_id, middle_id, suffix_id, end_id, pad_id = control
    count, source, context = 0, 0, ids.shape[1]
    bounds[0] = 0
    for b in range(len(rows) - 1):
        at = suffix_at = middle_at = 0
        for piece in range(rows[b], rows[b + 1]):
            begin = at
            prefix, middle, suffix = sizes[piece]
            if form[piece] == PLAIN:
                at = _copy(tokens, source, middle, ids[b], at)
            else:
                ids[b, at] = prefix_id
                at += 1
                if form[piece] != SPM:
                    at = _copy(tokens, source, prefix, ids[b], at)
                suffix_at = at
                ids[b, at] = suffix_id
                at = _copy(tokens, source + prefix + middle, suffix, ids[b], at + 1)
                middle_at = at
                ids[b, at] = middle_id
                at += 1
                if form[piece] == SPM:
                    at = _copy(tokens, source, prefix, ids[b], at)
                at = _copy(tokens, source + prefix, middle, ids[b], at)
            if ends[piece]:
                ids[b, at] = end_id
                at += 1
            source += prefix + middle + suffix
            _shift(ids[b, begin:at], labels[b, begin:at], positions[b, begin:at])
            if form[piece] != PLAIN:
                labels[b, suffix_at - 1] = labels[b, middle_at - 1] = IGNORED
            which[count] = piece
            count += 1
            bounds[count] = b * context + at
        if at < context:
            for i in range(at, context):
                ids[b, i], labels[b, i], positions[b, i] = pad_id, IGNORED, i - at
            which[count] = -1
            count += 1
            bounds[count] = (b + 1) * context
    return count


@compiled
def _shift(ids: NDArray[np.int64], labels: NDArray[np.int64], positions: NDArray[np.int32]) -> None:
    """Labels and positions of one segment."""
    last = len(ids) - 1
    for i in range(last):
        labels[i] = ids[i + 1]
    labels[last] = IGNORED
    for i in range(last + 1):
        positions[i] = i


@compiled
def _copy(tokens: NDArray[np.int32], source: int, count: int, row: NDArray[np.int64], at: int) -> int:
    into, out_of = row[at : at + count], tokens[source : source + count]
    for i in range(count):
        into[i] = out_of[i]
    return at + count
