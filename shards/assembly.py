"""Assembly: pieces become rows of token ids, labels and positions, in one call of compiled code for a batch.

In: the plan of an epoch, and which of its rows. Out: `Batch`. What it costs beside a bare copy of tokens is in
docs/reference/shards.md: 22 bytes are read and written for each position, and about 0.3 microseconds are spent on each
piece that is cut.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.shards.addresses import bytes_at, tokens_at
from gleanery.shards.chance import compiled, draw, fraction, permute, u64
from gleanery.shards.fim import (
    CHARACTER,
    END,
    KEPT_PREFIX,
    LINE,
    MIDDLE,
    MIDDLE_BEGIN,
    MIDDLE_END,
    NEW_1,
    NEW_2,
    NEW_3,
    NEW_4,
    PLACES,
    PREFIX,
    SUFFIX,
    SUFFIX_BEGIN,
    SYNTAX,
    WINDOW_BYTES,
    cut_piece,
    cut_span,
)
from gleanery.shards.packing import (
    CHOOSE_CUTS,
    CHOOSE_KIND,
    CHOOSE_SEGMENT,
    CHOOSE_SPAN,
    PLAIN,
    SPM,
    Plan,
    Rules,
)
from gleanery.shards.spans import Spans
from gleanery.shards.store import Store

PADDING = "<fim_pad>"
IGNORED = -100
# Tokens of 16 bits in a line of the cache.
LINE_TOKENS = 32
# Columns of what is known of a segment.
DOCUMENT, OFFSET, LENGTH, FORM, KEY = range(5)
FACTS = 5
# Behind them, for a piece: whether the end of text follows, and where its tokens lie.
ENDS, ADDRESS = FACTS, FACTS + 1


@dataclass(frozen=True)
class Segments:
    """What stands between two neighbours of `cu_seqlens`: int64[segments, 5], a row for each segment."""

    table: NDArray[np.int64]

    @property
    def document(self) -> NDArray[np.int64]:
        """Ordinal of the document in its release; -1 for padding and for what was removed."""
        return self.table[:, DOCUMENT]

    @property
    def offset(self) -> NDArray[np.int64]:
        """First token of the piece in its document."""
        return self.table[:, OFFSET]

    @property
    def length(self) -> NDArray[np.int64]:
        """Tokens of the document in the piece, as stored."""
        return self.table[:, LENGTH]

    @property
    def form(self) -> NDArray[np.int64]:
        """0 plain, 1 prefix-suffix-middle, 2 suffix-prefix-middle; 0 for padding."""
        return self.table[:, FORM]

    @property
    def key(self) -> NDArray[np.uint64]:
        """64 bits of chance for the segment, from seed, epoch, document and piece; for noise that a device draws."""
        return self.table[:, KEY].view(np.uint64)

    def __len__(self) -> int:
        return len(self.table)


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

    A loader that was asked for ids alone gives labels and position_ids without columns.
    """

    input_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    position_ids: NDArray[np.int32]
    cu_seqlens: NDArray[np.int32]
    segments: Segments
    epoch: int
    index: int


class Assembler:
    """Makes batches from the plans of one store."""

    def __init__(self, store: Store, rules: Rules, control_ids: Mapping[str, int], targets: bool = True) -> None:
        self.store, self.rules, self.targets = store, rules, targets
        self._control = np.array([control_ids[n] for n in (PREFIX, MIDDLE, SUFFIX, END, PADDING)], np.int64)
        self._rates = np.array([rules.line_rate, rules.syntax_rate if store.spans is not None else 0.0])
        spans = store.spans if store.spans is not None else Spans(*(np.zeros(1, t) for t in (np.int64, "<u4", "<u4")))
        iota, like = np.arange(rules.context, dtype=np.int32), np.empty(0, store.dtype)
        spelling = store.spelling
        fixed = (self._rates, rules.growth, self._control, rules.context, iota, like)
        self._fixed: tuple[Any, ...] = (
            *fixed,
            spans.first,
            spans.begin,
            spans.end,
            spelling.exact,
            spelling.book,
            targets,
        )

    def batch(
        self, spans: Sequence[tuple[Plan, int, int]], removed: NDArray[np.bool_], place: tuple[int, int]
    ) -> Batch:
        """The rows at places [place, place + count) of each (plan, place, count), one after the other.

        removed  bool[documents], what is masked; or empty
        place    of the first row, as (epoch, index)
        Raises StopRun if a block that is touched first is damaged.
        """
        context = self.rules.context
        found = [self._look_up(*span) for span in spans]
        rows = sum(len(counts) for counts, _ in found)
        most = rows + sum(len(pieces) for _, pieces in found)
        ids = np.empty((rows, context), np.int64)
        width = context if self.targets else 0
        shifted, positions = np.empty(rows * width + 1, np.int64), np.empty((rows, width), np.int32)
        bounds, facts = np.empty(most + 1, np.int32), np.empty((most, FACTS), np.int64)
        made = row = 0
        for (plan, *_), (counts, pieces) in zip(spans, found, strict=True):
            source: tuple[Any, ...] = (counts, pieces, removed, u64(plan.choices))
            out: tuple[Any, ...] = (ids.ravel(), shifted, positions.ravel(), bounds, facts, made, row)
            made = _fill(*source, *self._fixed, *out)
            row += len(counts)
        labels = shifted[1:].reshape(rows, width)
        return Batch(ids, labels, positions, bounds[: made + 1], Segments(facts[:made]), *place)

    def _look_up(self, plan: Plan, place: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pieces in each row, and what is known of each; blocks that they touch first are checked here."""
        store, docs = self.store, self.store.docs
        where: tuple[Any, ...] = (place, count, u64(plan.key), plan.first, plan.pieces.table)
        known: tuple[Any, ...] = (store.addresses, docs.key, docs.block, store.touched)
        known += (store.untouched > 0, store.dtype.itemsize)
        counts, pieces, blocks = _look_up(*where, *known)
        for block in blocks.tolist():
            store.touch(block)
        return counts, pieces


@compiled
def _look_up(
    place: int,
    count: int,
    order: int,
    first: NDArray[np.int64],
    table: NDArray[np.uint32],
    addresses: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    block: NDArray[np.int64],
    touched: NDArray[np.uint8],
    some: bool,
    width: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For `count` places: the pieces of each row; FACTS and the address of each piece; blocks not touched yet.

    All look-ups that leave the cache stand here, where they do not wait for each other.
    """
    rows, counts, total = np.empty(count, np.int64), np.empty(count, np.int64), 0
    for i in range(count):
        rows[i] = permute(place + i, len(first) - 1, order)
    for i in range(count):
        counts[i] = first[rows[i] + 1] - first[rows[i]]
        total += counts[i]
    pieces, at = np.empty((total, FACTS + 2), np.int64), 0
    for i in range(count):
        for piece in range(first[rows[i]], first[rows[i] + 1]):
            rest = np.int64(table[piece, 2])
            pieces[at, DOCUMENT], pieces[at, OFFSET] = table[piece, 0], table[piece, 1]
            pieces[at, LENGTH], pieces[at, FORM], pieces[at, ENDS] = rest >> 3, rest & 3, rest >> 2 & 1
            at += 1
    for at in range(total):
        pieces[at, KEY] = np.int64(keys[pieces[at, DOCUMENT]])
        pieces[at, ADDRESS] = np.int64(addresses[pieces[at, DOCUMENT]]) + pieces[at, OFFSET] * width
    missing, here = np.empty(total if some else 0, np.int64), 0
    if some:
        for at in range(total):
            if not touched[block[pieces[at, DOCUMENT]]]:
                missing[here] = block[pieces[at, DOCUMENT]]
                here += 1
    else:
        warm = 0  # the first lines of each piece, which a processor does not fetch ahead by itself
        for at in range(total):
            head = bytes_at(pieces[at, ADDRESS], pieces[at, LENGTH] * width)
            for line in range(0, min(len(head), 256), 64):
                warm += head[line]
        rows[0] += warm
    return counts, pieces, np.unique(missing[:here])


@compiled
def _fill(
    counts: NDArray[np.int64],
    pieces: NDArray[np.int64],
    removed: NDArray[np.bool_],
    choices: int,
    rates: NDArray[np.float64],
    growth: int,
    control: NDArray[np.int64],
    context: int,
    iota: NDArray[np.int32],
    like: NDArray[Any],
    span_first: NDArray[np.int64],
    span_begin: NDArray[np.uint32],
    span_end: NDArray[np.uint32],
    exact: bool,
    book: NDArray[np.uint64],
    targets: bool,
    ids: NDArray[np.int64],
    shifted: NDArray[np.int64],
    positions: NDArray[np.int32],
    bounds: NDArray[np.int32],
    facts: NDArray[np.int64],
    made: int,
    row: int,
) -> int:
    """Fill the arrays of a batch from segment `made` and row `row` on; returns the number of segments.

    `shifted` holds at i + 1 the label of position i: each token is written to ids[p] and shifted[p], and what must not
    be learnt is overwritten behind it. A segment's own first place is the label of the one before, never learnt.
    """
    pad, index, cuts = control[4], 0, 0
    for k in range(len(pieces)):
        cuts += pieces[k, FORM] != PLAIN
    # All cuts come first: between rows, what is written would drive the tokenizer's tables out of the cache.
    places, news = np.zeros((cuts, PLACES), np.int64), np.empty((cuts, 4 * WINDOW_BYTES), np.int32)
    text, cuts = np.empty(WINDOW_BYTES, np.uint8), 0
    for k in range(len(pieces)):
        if pieces[k, FORM] != PLAIN:
            document, offset, count = pieces[k, DOCUMENT], pieces[k, OFFSET], pieces[k, LENGTH]
            tokens = tokens_at(pieces[k, ADDRESS], count, like)
            before = tokens_at(pieces[k, ADDRESS] - offset * like.itemsize, offset, like)
            _cut(
                *(tokens, before, document, offset, choices, u64(pieces[k, KEY]), rates, growth),
                *(span_first, span_begin, span_end, exact, book, places[cuts], news[cuts], text),
            )
            cuts += 1
    cuts = 0
    bounds[made] = row * context
    for pieces_here in counts:
        at, end = row * context, (row + 1) * context
        for _ in range(pieces_here):
            document, offset, count = pieces[index, DOCUMENT], pieces[index, OFFSET], pieces[index, LENGTH]
            form, ends, key = pieces[index, FORM], pieces[index, ENDS], u64(pieces[index, KEY])
            tokens = tokens_at(pieces[index, ADDRESS], count, like)
            begin, index = at, index + 1
            if form == PLAIN:
                _copy(tokens, 0, count, ids, shifted, at, targets)
                at += count
            else:
                at = _write_cut(tokens, news[cuts], places[cuts], form == SPM, control, ids, shifted, at, targets)
                cuts += 1
            if ends:
                ids[at] = control[3]
                if targets:
                    shifted[at] = control[3]
                at += 1
            gone = len(removed) > 0 and removed[document]
            if gone:
                ids[begin:at] = pad
            if targets:
                if gone:
                    shifted[begin:at] = IGNORED
                shifted[begin] = IGNORED
                _count(iota, positions, begin, at)
            facts[made, DOCUMENT] = -1 if gone else document
            facts[made, OFFSET] = 0 if gone else offset
            facts[made, LENGTH] = 0 if gone else count
            facts[made, FORM] = 0 if gone else form
            facts[made, KEY] = np.int64(draw(choices, key, offset, CHOOSE_SEGMENT))
            made += 1
            bounds[made] = at
        if at < end:
            ids[at:end] = pad
            if targets:
                shifted[at:end] = IGNORED
                _count(iota, positions, at, end)
            facts[made, DOCUMENT], facts[made, OFFSET], facts[made, LENGTH] = -1, 0, 0
            facts[made, FORM], facts[made, KEY] = 0, 0
            made += 1
            bounds[made] = end
        row += 1
    shifted[-1] = IGNORED
    return made


@compiled
def _cut(
    tokens: NDArray[Any],
    before: NDArray[Any],
    document: int,
    offset: int,
    choices: int,
    key: int,
    rates: NDArray[np.float64],
    growth: int,
    span_first: NDArray[np.int64],
    span_begin: NDArray[np.uint32],
    span_end: NDArray[np.uint32],
    exact: bool,
    book: NDArray[np.uint64],
    place: NDArray[np.int64],
    new: NDArray[np.int32],
    text: NDArray[np.uint8],
) -> None:
    """Cut one piece as its kind is drawn."""
    # Read the piece once from end to end: places are drawn all over it, and each would wait for memory by itself.
    warm, kind = 0, CHARACTER
    for line in range(0, len(tokens), LINE_TOKENS):
        warm += tokens[line]
    place[0] = warm
    if rates[0] + rates[1] > 0.0:
        drawn = fraction(draw(choices, key, offset, CHOOSE_KIND))
        kind = SYNTAX if drawn < rates[1] else LINE if drawn < rates[0] + rates[1] else CHARACTER
    if kind == SYNTAX:
        spans = span_begin[span_first[document] : span_first[document + 1]]
        ends = span_end[span_first[document] : span_first[document + 1]]
        if cut_span(
            *(tokens, before, spans, ends, draw(choices, key, offset, CHOOSE_SPAN), growth, exact, book),
            *(place, new, text),
        ):
            return
        kind = LINE
    cut_piece(
        *(tokens, draw(choices, key, offset, CHOOSE_CUTS), kind, growth, exact, book, place, new, text),
    )


@compiled
def _write_cut(
    tokens: NDArray[Any],
    new: NDArray[np.int32],
    place: NDArray[np.int64],
    suffix_first: bool,
    control: NDArray[np.int64],
    ids: NDArray[np.int64],
    shifted: NDArray[np.int64],
    at: int,
    targets: bool,
) -> int:
    """Write a cut piece in its form; returns where it ends."""
    ids[at] = control[0]
    at += 1
    if not suffix_first:
        at = _prefix(tokens, new, place, ids, shifted, at, targets)
    at = _sentinel(control[2], ids, shifted, at, targets)
    _copy(new, place[NEW_3], place[NEW_4], ids, shifted, at, targets)
    at += place[NEW_4] - place[NEW_3]
    _copy(tokens, place[SUFFIX_BEGIN], len(tokens), ids, shifted, at, targets)
    at += len(tokens) - place[SUFFIX_BEGIN]
    at = _sentinel(control[1], ids, shifted, at, targets)
    if suffix_first:
        at = _prefix(tokens, new, place, ids, shifted, at, targets)
    _copy(new, place[NEW_1], place[NEW_2], ids, shifted, at, targets)
    at += place[NEW_2] - place[NEW_1]
    _copy(tokens, place[MIDDLE_BEGIN], place[MIDDLE_END], ids, shifted, at, targets)
    at += place[MIDDLE_END] - place[MIDDLE_BEGIN]
    _copy(new, place[NEW_2], place[NEW_3], ids, shifted, at, targets)
    return int(at + place[NEW_3] - place[NEW_2])


@compiled
def _prefix(
    tokens: NDArray[Any],
    new: NDArray[np.int32],
    place: NDArray[np.int64],
    ids: NDArray[np.int64],
    shifted: NDArray[np.int64],
    at: int,
    targets: bool,
) -> int:
    _copy(tokens, 0, place[KEPT_PREFIX], ids, shifted, at, targets)
    at += place[KEPT_PREFIX]
    _copy(new, 0, place[NEW_1], ids, shifted, at, targets)
    return int(at + place[NEW_1])


@compiled
def _sentinel(token: int, ids: NDArray[np.int64], shifted: NDArray[np.int64], at: int, targets: bool) -> int:
    """Write a sentinel, which is never learnt."""
    ids[at] = token
    if targets:
        shifted[at] = IGNORED
    return at + 1


@compiled
def _copy(
    source: NDArray[Any],
    begin: int,
    end: int,
    ids: NDArray[np.int64],
    shifted: NDArray[np.int64],
    at: int,
    targets: bool,
) -> None:
    out_of, into = source[begin:end], ids[at : at + end - begin]
    if targets:
        labels = shifted[at : at + end - begin]
        for i in range(len(out_of)):
            token = np.int64(out_of[i])
            into[i] = token
            labels[i] = token
    else:
        for i in range(len(out_of)):
            into[i] = np.int64(out_of[i])


@compiled
def _count(iota: NDArray[np.int32], positions: NDArray[np.int32], begin: int, end: int) -> None:
    into, out_of = positions[begin:end], iota[: end - begin]
    for i in range(len(into)):
        into[i] = out_of[i]
