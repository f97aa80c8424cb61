"""Packing: which pieces of which documents stand in which row, and in which order the rows come.

In: the index of a store, a context length and an epoch. Out: `Plan`, which no file ever holds: it is computed when a
loader opens the store. What it costs for one million documents is in docs/reference/shards.md.

A document shorter than the context is one piece and is never cut. A longer one is cut into pieces that fill a row each,
and a remainder; see pieces.py. Each piece knows its form (plain, or one of two fill-in-the-middle orders) and the room
that this form takes before it is placed, so that nothing is cut off later. Pieces of GROUP documents are packed
together by best-fit-decreasing (Ding and others 2024, "Fewer truncations improve language modeling"), in O(1) for each
piece with a bitset of the free room of open rows. Rows come in a keyed order over the whole epoch (`permute`), which no
array holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled
from gleanery.records.ids import keyed_hash
from gleanery.shards.addresses import book_of
from gleanery.shards.chance import i64, permute, u64, unpermute
from gleanery.shards.names import Names
from gleanery.shards.pieces import Pieces, Rules, cut_files, cut_repositories
from gleanery.shards.store import Index

GROUP = 100_000
# A de Bruijn sequence: each power of two, times this, has other upper six bits (Leiserson, Prokop and Randall 1998).
DE_BRUIJN = 0x03F79D71B4CB0A89
DE_BRUIJN_PLACE = np.argsort([(DE_BRUIJN << bit & 0xFFFFFFFFFFFFFFFF) >> 58 for bit in range(64)])


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

    @property
    def nbytes(self) -> int:
        """What the plan takes in memory."""
        return self.first.nbytes + self.pieces.table.nbytes

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


def plan_epoch(
    index: Index,
    rules: Rules,
    seed: int,
    epoch: int,
    only: NDArray[np.int64] | None = None,
    names: Names | None = None,
) -> Plan:
    """The plan of one epoch; a pure function of its arguments.

    only   ordinals of the documents to serve, ascending, or None for all; nothing is spent on the others
    names  needed where the unit is a repository
    """
    choices, ties, order = (keyed_hash(what, str(seed), str(epoch)) for what in ("choices", "ties", "order"))
    context, growth, chance = rules.context, rules.growth, u64(choices)
    rates = np.array([rules.fim_rate, rules.spm_rate, rules.repo_rate])
    tables: list[NDArray[np.uint32]] = [np.empty((0, 3), np.uint32)]
    firsts: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]
    used = 0
    for begin, end in _groups(len(index), names):
        some = np.arange(begin, end) if only is None else only[slice(*np.searchsorted(only, [begin, end]))]
        if not len(some):
            continue
        lengths, keys, repos = index.length[some], index.key[some], index.repo[some]
        if names is None:
            table, cost = cut_files(lengths, keys, repos, context, rates, growth, chance)
            first, order_of = pack(cost, context, ties ^ begin)
            table = _taken(table, order_of)
        else:
            units, paths, sizes = names.unit[some], names.path_sizes(some), names.unit_sizes(some)
            table, runs, cost = cut_repositories(
                lengths, keys, repos, units, paths, sizes, context, rates, growth, chance
            )
            first, order_of = pack(cost, context, ties ^ begin)
            table, first = _runs_taken(table, runs, first, order_of)
        table[:, 0] = some[table[:, 0]]
        tables.append(table)
        firsts.append(first[1:] + used)
        used += len(table)
    return Plan(Pieces(np.concatenate(tables)), np.concatenate(firsts), order, choices)


def _groups(documents: int, names: Names | None) -> Iterator[tuple[int, int]]:
    """Where each group of documents begins and ends. Where names are known, it ends with a repository."""
    begin = 0
    while begin < documents:
        end = min(begin + GROUP, documents)
        if names is not None and end < documents:
            end = int(np.searchsorted(names.unit, names.unit[end - 1], side="right"))
        yield begin, end
        begin = end


def pack(costs: NDArray[np.int32], context: int, ties: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Rows for pieces: (first, order), so that row r holds pieces order[first[r] : first[r + 1]].

    `ties` decides between pieces of equal cost. Pieces as long as the context have rows of their own, the first ones.
    """
    bounds, order = _descending(costs, context, u64(ties))
    row = np.empty(len(costs), np.int32)
    rows = _best_fit(bounds, context, row)
    return _by_row(row, order, rows)


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
def _taken(table: NDArray[np.uint32], order: NDArray[np.int32]) -> NDArray[np.uint32]:
    found = np.empty_like(table)
    for i in range(len(order)):
        for k in range(3):
            found[i, k] = table[order[i], k]
    return found


@compiled
def _runs_taken(
    table: NDArray[np.uint32], runs: NDArray[np.int64], first: NDArray[np.int64], order: NDArray[np.int32]
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The pieces of all runs in another order of runs, and where each row begins in them."""
    found, begins, at = np.empty_like(table), np.empty_like(first), 0
    for row in range(len(first) - 1):
        begins[row] = at
        for run in order[first[row] : first[row + 1]]:
            for i in range(runs[run], runs[run + 1]):
                for k in range(3):
                    found[at, k] = table[i, k]
                at += 1
    begins[len(first) - 1] = at
    return found, begins


@compiled
def _descending(costs: NDArray[np.int32], context: int, key: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """All pieces by falling cost, equal ones in keyed strides from a keyed beginning; and where each cost begins.

    Pieces that cost `context` - b stand at the places bounds[b] to bounds[b + 1].
    """
    count = len(costs)
    at = np.zeros(context + 2, np.int64)
    for i in range(count):
        at[context - costs[i] + 1] += 1
    bounds = np.cumsum(at)
    begins = bounds.copy()
    out = np.empty(count, np.int32)
    step = _stride(count, key)
    i = i64((u64(key) >> u64(8)) % u64(max(1, count)))
    for _ in range(count):
        bucket = context - costs[i]
        out[begins[bucket]] = i
        begins[bucket] += 1
        i += step
        if i >= count:
            i -= count
    return bounds, out


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
def _by_row(row: NDArray[np.int32], order: NDArray[np.int32], rows: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Where each row begins, and `order` sorted by the row of each place, stable."""
    sizes = np.zeros(rows + 1, np.int64)
    for place in range(len(row)):
        sizes[row[place] + 1] += 1
    first = np.cumsum(sizes)
    at, out = first.copy(), np.empty(len(order), np.int32)
    for place in range(len(row)):
        out[at[row[place]]] = order[place]
        at[row[place]] += 1
    return first, out


@compiled
def _best_fit(bounds: NDArray[np.int64], context: int, row: NDArray[np.int32]) -> int:
    """Give each place the fullest row that still has room for its piece; fills `row` and returns the number of rows.

    The pieces that fill a row have one each. Open rows hang in lists by their free room; two bitsets find the smallest
    sufficient room in a few steps, once for each run of equal costs that finds it.
    """
    head = np.full(context + 1, -1, np.int32)
    following = np.empty(len(row) + 1, np.int32)
    fine = np.zeros((context >> 6) + 1, np.uint64)
    coarse = np.zeros((context >> 12) + 1, np.uint64)
    rows = bounds[1]
    for place in range(rows):
        row[place] = place
    for bucket in range(1, context):
        cost = context - bucket
        room = -2  # not looked for yet
        for place in range(bounds[bucket], bounds[bucket + 1]):
            if room == -2:
                room = _smallest_set(fine, coarse, cost)
            if room < 0:
                chosen, taken, rows = rows, context, rows + 1
            else:
                chosen, taken = i64(head[room]), room
                head[room] = following[chosen]
                if head[room] < 0:
                    fine[room >> 6] &= ~(u64(1) << u64(room & 63))
                    if fine[room >> 6] == 0:
                        coarse[room >> 12] &= ~(u64(1) << u64((room >> 6) & 63))
                    room = -2
            row[place] = chosen
            rest = taken - cost
            if rest > 0:
                following[chosen] = head[rest]
                head[rest] = chosen
                fine[rest >> 6] |= u64(1) << u64(rest & 63)
                coarse[rest >> 12] |= u64(1) << u64((rest >> 6) & 63)
                if rest >= cost:  # smaller than the room that it comes from, and enough
                    room = rest
    return int(rows)


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
