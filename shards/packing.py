"""Packing: which pieces of which documents stand in which row, and in which order the rows come.

In: the index of a store, a context length and an epoch. Out: `Plan`, which no file ever holds: it is computed when a
loader opens the store. What it costs for one million documents is in docs/reference/shards.md.

A document shorter than the context is one piece and is never cut. A longer one is cut into pieces that fill a row each,
and a remainder. Each piece knows its form (plain, or one of two fill-in-the-middle orders) and the room that this form
takes before it is placed, so that nothing is cut off later. Pieces of GROUP documents are packed together by
best-fit-decreasing (Ding and others 2024, "Fewer truncations improve language modeling"), in O(1) for each piece with
a bitset of the free room of open rows. Rows come in a keyed order over the whole epoch, which no array holds.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.records.ids import keyed_hash
from gleanery.shards.addresses import book_of
from gleanery.shards.chance import compiled, draw, fraction, i64, permute, u64, unpermute
from gleanery.shards.store import Index

PLAIN, PSM, SPM = 0, 1, 2
# What a fill-in-the-middle piece adds: three sentinels and the end of text.
FIM_CONTROL = 4
# Room kept free for a piece that is cut inside tokens, in tokens; see fim.py.
FIM_GROWTH = 8
GROUP = 100_000
SMALLEST_CONTEXT, LARGEST_CONTEXT = 64, 1 << 20
CHOOSE_FIM, CHOOSE_SPM, CHOOSE_CUTS, CHOOSE_KIND, CHOOSE_SPAN, CHOOSE_REPO, CHOOSE_SEGMENT = range(7)
# A de Bruijn sequence: each power of two, times this, has other upper six bits (Leiserson, Prokop and Randall 1998).
DE_BRUIJN = 0x03F79D71B4CB0A89
DE_BRUIJN_PLACE = np.argsort([(DE_BRUIJN << bit & 0xFFFFFFFFFFFFFFFF) >> 58 for bit in range(64)])


@dataclass(frozen=True)
class Rules:
    """What a plan depends on besides the documents.

    context      tokens in a row, 64 to 1,048,576
    fim_rate     share of pieces in a fill-in-the-middle form, 0 to 1
    spm_rate     share of those that have the suffix first, 0 to 1
    growth       tokens kept free in each such piece
    repo_rate    share of repositories whose pieces may have such a form at all, 0 to 1; StarCoder2 had 0.5 with a
                 fim_rate of 0.5
    line_rate    share of such pieces that are cut at the beginnings of lines
    syntax_rate  share of such pieces whose middle is a node of the syntax tree, where the release has spans
    """

    context: int
    fim_rate: float
    spm_rate: float
    growth: int = FIM_GROWTH
    repo_rate: float = 1.0
    line_rate: float = 0.0
    syntax_rate: float = 0.0

    def __post_init__(self) -> None:
        if not SMALLEST_CONTEXT <= self.context <= LARGEST_CONTEXT:
            raise StopRun(
                f"a context of {self.context} tokens is not possible",
                f"choose {SMALLEST_CONTEXT} to {LARGEST_CONTEXT}",
            )
        for name in ("fim_rate", "spm_rate", "repo_rate", "line_rate", "syntax_rate"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise StopRun(f"{name} is {getattr(self, name)}", "a rate is a number from 0 to 1")
        if self.line_rate + self.syntax_rate > 1.0:
            raise StopRun("line_rate and syntax_rate are more than 1 together", "they share the same pieces")


@dataclass(frozen=True)
class Pieces:
    """One entry for each piece, row by row: uint32[pieces, 3], so that the pieces of a row lie side by side.

    Column 0 is the document's ordinal, column 1 the first token in it, column 2 holds length × 8 + ends × 4 + form:
    tokens of the document in the piece, whether the end of text follows, and PLAIN, PSM or SPM.
    """

    table: NDArray[np.uint32]

    @property
    def document(self) -> NDArray[np.int64]:
        """Ordinals of the documents."""
        return self.table[:, 0].astype(np.int64)

    @property
    def offset(self) -> NDArray[np.int64]:
        """First tokens in the documents."""
        return self.table[:, 1].astype(np.int64)

    @property
    def length(self) -> NDArray[np.int64]:
        """Tokens of the documents."""
        return (self.table[:, 2] >> 3).astype(np.int64)

    @property
    def ends(self) -> NDArray[np.bool_]:
        """Whether the end of text follows."""
        ends: NDArray[np.bool_] = (self.table[:, 2] & 4) != 0
        return ends

    @property
    def form(self) -> NDArray[np.int8]:
        """PLAIN, PSM or SPM."""
        return (self.table[:, 2] & 3).astype(np.int8)

    def __len__(self) -> int:
        return len(self.table)


@dataclass(frozen=True)
class Plan:
    """The rows of one epoch. Row r holds the pieces first[r] to first[r + 1]; `key` permutes rows into places."""

    pieces: Pieces
    first: NDArray[np.int64]
    key: int
    choices: int

    @cached_property
    def rows(self) -> int:
        """Rows in the epoch."""
        return len(self.first) - 1

    @cached_property
    def book(self) -> NDArray[np.uint64]:
        """What compiled code takes: the addresses of `first` and of the pieces, and both keys."""
        return book_of([self.first, self.pieces.table], [self.key, self.choices])

    def rows_at(self, place: int, count: int) -> NDArray[np.int64]:
        """The numbers of the rows at places `place` to `place + count` of the epoch's order."""
        found: NDArray[np.int64] = _rows_at(self.rows, u64(self.key), place, count)
        return found

    def places_of(self, document: int) -> NDArray[np.int64]:
        """The places in the epoch's order of the rows that hold pieces of a document, ascending. Reads all pieces."""
        pieces = np.flatnonzero(self.pieces.table[:, 0] == document)
        rows = np.unique(np.searchsorted(self.first, pieces, side="right") - 1)
        places: NDArray[np.int64] = _places_of(rows, self.rows, u64(self.key))
        return np.sort(places)


def plan_epoch(index: Index, rules: Rules, seed: int, epoch: int, served: NDArray[np.bool_] | None = None) -> Plan:
    """The plan of one epoch; a pure function of its arguments. `served` masks documents that must not appear."""
    choices, ties, order = (keyed_hash(what, str(seed), str(epoch)) for what in ("choices", "ties", "order"))
    lengths = index.length if served is None else np.where(served, index.length, 0)
    rates = np.array([rules.fim_rate, rules.spm_rate, rules.repo_rate])
    tables: list[NDArray[np.uint32]] = [np.empty((0, 3), np.uint32)]
    firsts: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]
    used = 0
    for begin in range(0, len(lengths), GROUP):
        group = slice(begin, begin + GROUP)
        table, cost = _cut(
            lengths[group], index.key[group], index.repo[group], begin, rules.context, rates, rules.growth, u64(choices)
        )
        first, order_of = pack(cost, rules.context, ties ^ begin)
        tables.append(_taken(table, order_of))
        firsts.append(first[1:] + used)
        used += len(table)
    return Plan(Pieces(np.concatenate(tables)), np.concatenate(firsts), order, choices)


def pack(costs: NDArray[np.int32], context: int, ties: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows for pieces: (first, order), so that row r holds pieces order[first[r] : first[r + 1]].

    `ties` decides between pieces of equal cost. Pieces as long as the context have rows of their own, the first ones.
    """
    row = np.empty(len(costs), np.int64)
    full, order = _descending(costs, context, u64(ties))
    rows = _best_fit(costs, order, full, context, row)
    first, placed = _by_row(row, order, rows)
    return first, placed


@compiled
def _rows_at(rows: int, key: int, place: int, count: int) -> NDArray[np.int64]:
    found = np.empty(count, np.int64)
    for i in range(count):
        found[i] = permute(place + i, rows, key)
    return found


@compiled
def _places_of(rows: NDArray[np.int64], count: int, key: int) -> NDArray[np.int64]:
    found = np.empty(len(rows), np.int64)
    for i in range(len(rows)):
        found[i] = unpermute(rows[i], count, key)
    return found


@compiled
def _taken(table: NDArray[np.uint32], order: NDArray[np.int64]) -> NDArray[np.uint32]:
    found = np.empty_like(table)
    for i in range(len(order)):
        for k in range(3):
            found[i, k] = table[order[i], k]
    return found


@compiled
def _cut(
    lengths: NDArray[np.int64],
    keys: NDArray[np.uint64],
    repos: NDArray[np.uint64],
    begin: int,
    context: int,
    rates: NDArray[np.float64],
    growth: int,
    choices: int,
) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """The pieces of documents, as in `Pieces`, and the room that each takes in a row."""
    most, fim_rate, spm_rate, repo_rate = 0, rates[0], rates[1], rates[2]
    for d in range(len(lengths)):
        if lengths[d] > 0:
            most += lengths[d] // (context - FIM_CONTROL - growth) + 1
    table, cost, used = np.empty((most, 3), np.uint32), np.empty(most, np.int32), 0
    for d in range(len(lengths)):
        at = 0
        chosen = fim_rate > 0.0 and (repo_rate >= 1.0 or fraction(draw(choices, repos[d], 0, CHOOSE_REPO)) < repo_rate)
        while at < lengths[d]:
            left = lengths[d] - at
            form = PLAIN
            if chosen and fraction(draw(choices, keys[d], at, CHOOSE_FIM)) < fim_rate:
                form = SPM if fraction(draw(choices, keys[d], at, CHOOSE_SPM)) < spm_rate else PSM
            # A rest that is whole without the extra room of its form stays whole: no short document is cut.
            if form != PLAIN and left + FIM_CONTROL + growth > context and left < context:
                form = PLAIN
            if form != PLAIN:
                take = min(left, context - FIM_CONTROL - growth)
                ends, cost[used] = 1, take + FIM_CONTROL + growth
            else:
                # Only the last piece of a document ends with the end of text, so one token is left for it.
                take = left if left < context else min(context, left - 1)
                ends = 1 if take == left else 0
                cost[used] = take + ends
            table[used, 0], table[used, 1], table[used, 2] = begin + d, at, take << 3 | ends << 2 | form
            used, at = used + 1, at + take
    return table[:used], cost[:used]


@compiled
def _descending(costs: NDArray[np.int32], context: int, key: int) -> tuple[int, NDArray[np.int64]]:
    """How many pieces fill a row, and all by falling cost; equal ones in keyed strides from a keyed beginning."""
    count = len(costs)
    at = np.zeros(context + 2, np.int64)
    for i in range(count):
        at[context - costs[i] + 1] += 1
    full = at[1]
    begins = np.cumsum(at)
    out = np.empty(count, np.int64)
    step = _stride(count, key)
    i = i64((u64(key) >> u64(8)) % u64(max(1, count)))
    for _ in range(count):
        bucket = context - costs[i]
        out[begins[bucket]] = i
        begins[bucket] += 1
        i += step
        if i >= count:
            i -= count
    return full, out


@compiled
def _stride(count: int, key: int) -> int:
    """A keyed number below `count` that has no divisor in common with it."""
    step = i64(u64(key) % u64(max(1, count)))
    while step < count:
        a, b = count, step
        while b > 0:
            a, b = b, a % b
        if a == 1:
            return int(step)
        step += 1
    return 1


@compiled
def _by_row(row: NDArray[np.int64], order: NDArray[np.int64], rows: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each row begins, and `order` sorted by row, stable."""
    sizes = np.zeros(rows + 1, np.int64)
    for i in range(len(row)):
        sizes[row[i] + 1] += 1
    first = np.cumsum(sizes)
    at, out = first.copy(), np.empty(len(order), np.int64)
    for i in order:
        out[at[row[i]]] = i
        at[row[i]] += 1
    return first, out


@compiled
def _best_fit(
    costs: NDArray[np.int32], order: NDArray[np.int64], full: int, context: int, row: NDArray[np.int64]
) -> int:
    """Give each piece the fullest row that still has room for it; fills `row` and returns the number of rows.

    The first `full` pieces have a row each. Open rows hang in lists by their free room; two bitsets find the smallest
    sufficient room in a few steps.
    """
    head = np.full(context + 1, -1, np.int64)
    following = np.empty(len(order), np.int64)
    fine = np.zeros((context >> 6) + 1, np.uint64)
    coarse = np.zeros((context >> 12) + 1, np.uint64)
    for rows in range(full):
        row[order[rows]] = rows
    rows = full
    for place in range(full, len(order)):  # falling cost
        i = order[place]
        cost = costs[i]
        room = _smallest_set(fine, coarse, cost)
        if room < 0:
            chosen, room, rows = rows, context, rows + 1
        else:
            chosen = head[room]
            head[room] = following[chosen]
            if head[room] < 0:
                fine[room >> 6] &= ~(u64(1) << u64(room & 63))
                if fine[room >> 6] == 0:
                    coarse[room >> 12] &= ~(u64(1) << u64((room >> 6) & 63))
        row[i] = chosen
        rest = room - cost
        if rest > 0:
            following[chosen] = head[rest]
            head[rest] = chosen
            fine[rest >> 6] |= u64(1) << u64(rest & 63)
            coarse[rest >> 12] |= u64(1) << u64((rest >> 6) & 63)
    return rows


@compiled
def _smallest_set(fine: NDArray[np.uint64], coarse: NDArray[np.uint64], least: int) -> int:
    """The smallest number >= least whose bit is set, or -1."""
    word = least >> 6
    bits = fine[word] >> u64(least & 63)
    if bits != 0:
        return least + _lowest_bit(bits)
    word += 1
    block = word >> 6
    if block >= len(coarse):
        return -1
    bits = coarse[block] >> u64(word & 63)
    if bits != 0:
        word += _lowest_bit(bits)
    else:
        block += 1
        while block < len(coarse) and coarse[block] == 0:
            block += 1
        if block == len(coarse):
            return -1
        word = (block << 6) + _lowest_bit(coarse[block])
    return (word << 6) + _lowest_bit(fine[word])


@compiled
def _lowest_bit(bits: int) -> int:
    """The number of the lowest set bit of a number that is not zero."""
    return int(DE_BRUIJN_PLACE[((bits & (~bits + u64(1))) * u64(DE_BRUIJN)) >> u64(58)])
