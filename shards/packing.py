"""Packing: which pieces of which documents stand in which row, and in which order the rows come.

In: the index of a store, a context length and an epoch. Out: `Plan`, which no file ever holds: it is computed when a
loader opens the store. What it costs for one million documents is in docs/reference/shards.md.

A document shorter than the context is one piece and is never cut. A longer one is cut into pieces that fill a row each,
and a remainder. Each piece knows its form (plain, or one of two fill-in-the-middle orders) and the room that this form
takes before it is placed, so that nothing is cut off later. Pieces of GROUP documents are packed together by
best-fit-decreasing (Ding and others 2024, "Fewer truncations improve language modeling"), in O(1) for each piece with
a bitset of the free room of open rows. Rows come in a keyed order over the whole epoch.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.records.ids import keyed_hash
from gleanery.shards.chance import compiled, draw, fraction, mix, permute, u64
from gleanery.shards.store import Index

PLAIN, PSM, SPM = 0, 1, 2
# What a fill-in-the-middle piece adds: three sentinels and the end of text.
FIM_CONTROL = 4
# Room kept free for a piece that is cut inside tokens, in tokens; see fim.py.
FIM_GROWTH = 8
GROUP = 100_000
SMALLEST_CONTEXT, LARGEST_CONTEXT = 64, 1 << 20
CHOOSE_FIM, CHOOSE_SPM, CHOOSE_FIRST_CUT, CHOOSE_SECOND_CUT = 0, 1, 2, 3
# A de Bruijn sequence: each power of two, times this, has other upper six bits (Leiserson, Prokop and Randall 1998).
DE_BRUIJN = 0x03F79D71B4CB0A89
DE_BRUIJN_PLACE = np.argsort([(DE_BRUIJN << bit & 0xFFFFFFFFFFFFFFFF) >> 58 for bit in range(64)])


@dataclass(frozen=True)
class Rules:
    """What a plan depends on besides the documents.

    context   tokens in a row, 64 to 1,048,576
    fim_rate  share of pieces in a fill-in-the-middle form, 0 to 1
    spm_rate  share of those that have the suffix first, 0 to 1
    growth    tokens kept free in each such piece
    """

    context: int
    fim_rate: float
    spm_rate: float
    growth: int = FIM_GROWTH

    def __post_init__(self) -> None:
        if not SMALLEST_CONTEXT <= self.context <= LARGEST_CONTEXT:
            raise StopRun(
                f"a context of {self.context} tokens is not possible",
                f"choose {SMALLEST_CONTEXT} to {LARGEST_CONTEXT}",
            )
        for name, rate in (("fim_rate", self.fim_rate), ("spm_rate", self.spm_rate)):
            if not 0.0 <= rate <= 1.0:
                raise StopRun(f"{name} is {rate}", "a rate is a number from 0 to 1")


@dataclass(frozen=True)
class Pieces:
    """One entry for each piece, in the order of documents.

    document  int64, ordinal        number  int32, 0, 1, … within the document
    offset    int64, first token in the document
    length    int32, tokens of the document in it
    cost      int32, room it takes in a row
    form      int8, PLAIN, PSM or SPM
    """

    document: NDArray[np.int64]
    number: NDArray[np.int32]
    offset: NDArray[np.int64]
    length: NDArray[np.int32]
    cost: NDArray[np.int32]
    form: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.document)


@dataclass(frozen=True)
class Plan:
    """The rows of one epoch. Row r holds pieces `order[first[r] : first[r + 1]]`; `key` permutes rows into places."""

    pieces: Pieces
    first: NDArray[np.int64]
    order: NDArray[np.int64]
    key: int
    choices: int

    @property
    def rows(self) -> int:
        """Rows in the epoch."""
        return len(self.first) - 1

    def pieces_at(self, place: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pieces of the rows at places `place` to `place + count` of the epoch, and how many each row has."""
        chosen, sizes = _pieces_at(self.first, self.order, u64(self.key), place, count)
        return chosen, sizes

    def cut_draws(self, keys: NDArray[np.uint64], numbers: NDArray[np.int32]) -> NDArray[np.uint64]:
        """uint64[n, 2]: the bits that place the two cuts of each piece, from its document's key and its number."""
        found: NDArray[np.uint64] = _cut_draws(u64(self.choices), keys, numbers)
        return found


def plan_epoch(index: Index, rules: Rules, seed: int, epoch: int, served: NDArray[np.bool_] | None = None) -> Plan:
    """The plan of one epoch; a pure function of its arguments. `served` masks documents that must not appear."""
    choices, ties, order = (keyed_hash(what, str(seed), str(epoch)) for what in ("choices", "ties", "order"))
    lengths = index.length if served is None else np.where(served, index.length, 0)
    pieces = cut_pieces(lengths, index.key, rules, choices)
    first, placed = pack(pieces.cost, pieces.document // GROUP, rules.context, ties)
    return Plan(pieces, first, placed, order, choices)


def cut_pieces(lengths: NDArray[np.int64], keys: NDArray[np.uint64], rules: Rules, choices: int) -> Pieces:
    """The pieces of every document of `lengths` tokens, with their forms and costs."""
    smallest = rules.context - FIM_CONTROL - rules.growth
    room = int((lengths // smallest + 1)[lengths > 0].sum())
    pieces = Pieces(
        np.empty(room, np.int64),
        np.empty(room, np.int32),
        np.empty(room, np.int64),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int8),
    )
    columns: list[NDArray[Any]] = [getattr(pieces, field.name) for field in fields(Pieces)]
    used = _cut(lengths, keys, rules.context, rules.fim_rate, rules.spm_rate, rules.growth, u64(choices), *columns)
    return Pieces(*(column[:used] for column in columns))


@compiled
def _pieces_at(
    first: NDArray[np.int64], order: NDArray[np.int64], key: int, place: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows, sizes = np.empty(count, np.int64), np.empty(count, np.int64)
    for i in range(count):
        rows[i] = permute(place + i, len(first) - 1, key)
        sizes[i] = first[rows[i] + 1] - first[rows[i]]
    chosen = np.empty(sizes.sum(), np.int64)
    at = 0
    for i in range(count):
        chosen[at : at + sizes[i]] = order[first[rows[i]] : first[rows[i] + 1]]
        at += sizes[i]
    return chosen, sizes


@compiled
def _cut_draws(choices: int, keys: NDArray[np.uint64], numbers: NDArray[np.int32]) -> NDArray[np.uint64]:
    out = np.empty((len(keys), 2), np.uint64)
    for i in range(len(keys)):
        out[i, 0] = draw(choices, keys[i], numbers[i], CHOOSE_FIRST_CUT)
        out[i, 1] = draw(choices, keys[i], numbers[i], CHOOSE_SECOND_CUT)
    return out


@compiled
def _cut(
    lengths: NDArray[np.int64],
    keys: NDArray[np.uint64],
    context: int,
    fim_rate: float,
    spm_rate: float,
    growth: int,
    choices: int,
    document: NDArray[np.int64],
    number: NDArray[np.int32],
    offset: NDArray[np.int64],
    length: NDArray[np.int32],
    cost: NDArray[np.int32],
    form: NDArray[np.int8],
) -> int:
    used = 0
    for d in range(len(lengths)):
        at, count = 0, 0
        while at < lengths[d]:
            left = lengths[d] - at
            wanted = PLAIN
            if fraction(draw(choices, keys[d], count, CHOOSE_FIM)) < fim_rate:
                wanted = SPM if fraction(draw(choices, keys[d], count, CHOOSE_SPM)) < spm_rate else PSM
            # A rest that is whole without the extra room of its form stays whole: no short document is cut.
            if wanted != PLAIN and left + FIM_CONTROL + growth > context and left < context:
                wanted = PLAIN
            if wanted != PLAIN:
                take = min(left, context - FIM_CONTROL - growth)
                cost[used] = take + FIM_CONTROL + growth
            else:
                # Only the last piece of a document ends with the end of text, so one token is left for it.
                take = left if left < context else min(context, left - 1)
                cost[used] = take + (1 if take == left else 0)
            document[used], number[used], offset[used] = d, count, at
            length[used], form[used] = take, wanted
            used, at, count = used + 1, at + take, count + 1
    return used


def pack(
    costs: NDArray[np.int32], groups: NDArray[np.int64], context: int, ties: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows for pieces: (first, order), so that row r holds pieces order[first[r] : first[r + 1]].

    `groups` is ascending; pieces of different groups never share a row. `ties` decides between pieces of equal cost and
    the order within a row.
    """
    edges = np.flatnonzero(np.diff(groups)) + 1
    bounds = [0, *edges.tolist(), len(costs)] if len(costs) else [0]
    firsts, orders, rows = [np.zeros(1, np.int64)], [np.empty(0, np.int64)], 0
    for begin, end in zip(bounds[:-1], bounds[1:], strict=True):
        shuffled = _shuffled(begin, end, u64(ties))
        row = np.empty(end - begin, np.int64)
        count = _best_fit(costs[begin:end], _descending(costs[begin:end], shuffled, context), context, row)
        first, order = _by_row(row, shuffled, count)
        firsts.append(first[1:] + begin)
        orders.append(order + begin)
        rows += count
    return np.concatenate(firsts), np.concatenate(orders)


@compiled
def _shuffled(begin: int, end: int, key: int) -> NDArray[np.int64]:
    """0 … end - begin - 1 in a keyed order: a counting sort by 16 keyed bits of the piece's number."""
    count = end - begin
    bits = np.empty(count, np.int64)
    at = np.zeros((1 << 16) + 1, np.int64)
    for i in range(count):
        bits[i] = mix(mix(u64(begin + i)) ^ u64(key)) >> u64(48)
        at[bits[i] + 1] += 1
    return _placed(bits, np.arange(count), np.cumsum(at))


@compiled
def _descending(costs: NDArray[np.int32], order: NDArray[np.int64], context: int) -> NDArray[np.int64]:
    """`order`, sorted by falling cost, stable."""
    rank = np.empty(len(costs), np.int64)
    at = np.zeros(context + 2, np.int64)
    for i in range(len(costs)):
        rank[i] = context - costs[i]
        at[rank[i] + 1] += 1
    return _placed(rank, order, np.cumsum(at))


@compiled
def _by_row(row: NDArray[np.int64], order: NDArray[np.int64], rows: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each row begins, and `order` sorted by row, stable."""
    first = np.zeros(rows + 1, np.int64)
    for i in range(len(row)):
        first[row[i] + 1] += 1
    ends = np.cumsum(first)
    return ends, _placed(row, order, ends.copy())


@compiled
def _placed(bucket: NDArray[np.int64], order: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """The last pass of a counting sort; `at` holds where each bucket begins and is used up."""
    out = np.empty(len(order), np.int64)
    for i in order:
        out[at[bucket[i]]] = i
        at[bucket[i]] += 1
    return out


@compiled
def _best_fit(costs: NDArray[np.int32], order: NDArray[np.int64], context: int, row: NDArray[np.int64]) -> int:
    """Give each piece the fullest row that still has room for it; fills `row` and returns the number of rows.

    Open rows hang in lists by their free room; two bitsets find the smallest sufficient room in a few steps.
    """
    head = np.full(context + 1, -1, np.int64)
    following = np.empty(len(order), np.int64)
    fine = np.zeros((context >> 6) + 1, np.uint64)
    coarse = np.zeros((context >> 12) + 1, np.uint64)
    rows = 0
    for i in order:  # falling cost
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
