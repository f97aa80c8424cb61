"""Serving: rows of an epoch are written into the arrays of a batch, in one call of compiled code.

In: the addresses of all that a loader keeps (`book`, see assembly.py), the plan of an epoch, and which of its rows.
Out: token ids, labels and positions, and the boundaries and facts of the segments. What it costs beside a bare copy of
tokens is in docs/reference/shards.md.

It goes through the rows four times: to look pieces up, each step for all rows before the next one, so that what must be
fetched from memory is asked for early and not waited for one by one; to find what the documents are; to cut pieces; and
to copy. Arrays of the caller and of the loader are taken by their addresses: what numba counts as owned costs an atomic
step at every call. What is made here is never: it is freed when its name was used for the last time.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.shards.addresses import (
    BLOCK,
    LINE_BYTES,
    bytes_at,
    fetch,
    keys_at,
    longs_at,
    numbers_at,
    places_at,
    tokens_at,
    widen,
)
from gleanery.shards.batch import BEGIN, DOCUMENT, FACTS, FORM, HEAD, IGNORED, KEY, LENGTH, OFFSET
from gleanery.shards.chance import compiled, draw, i64, inlined, permute, u64
from gleanery.shards.cuts import (
    CHARACTER,
    KEPT_PREFIX,
    LINE,
    MIDDLE_BEGIN,
    MIDDLE_END,
    MOST_NEW,
    NEW_1,
    NEW_2,
    NEW_3,
    NEW_4,
    PLACES,
    SUFFIX_BEGIN,
    SYNTAX,
    WINDOW_BYTES,
    cut_piece,
    cut_span,
    draw_cuts,
)
from gleanery.shards.pieces import CHOOSE_CUTS, CHOOSE_KIND, CHOOSE_SEGMENT, CHOOSE_SPAN, PLAIN, SPM, named
from gleanery.shards.spelling import start_of
from gleanery.shards.splits import COLUMNS, splits_at

# What a book holds: the address and length of each table, then numbers.
ADDRESSES, KEYS, BLOCKS, TOUCHED, REMOVED, SPAN_FIRST, SPAN_BEGIN, SPAN_END, SPELLING, SPLITS = range(0, 20, 2)
NAMES, NAME_FIRST, UNITS = range(20, 26, 2)
EXACT, GROWTH, CONTEXT, TARGETS, SYNTAX_SHARE, LINE_SHARE, PREFIX, MIDDLE, SUFFIX, END, PADDING = range(26, 37)
REPOSITORY_NAME, FILE_BEGINS = 37, 38
# What the book of a plan holds.
FIRST, PIECES, ORDER, CHOICES = 0, 2, 4, 5
# Behind the facts of a piece: whether the end of text follows, where its tokens lie, and whether it goes on with the
# segment of the piece before it.
ENDS, ADDRESS, JOINED = FACTS, FACTS + 1, FACTS + 2
# Behind the places of a cut: where its sentinels stand in the batch, and where its new ids begin among those of all.
SUFFIX_AT, MIDDLE_AT, NEW_AT, CUT_FACTS = range(PLACES, PLACES + 4)
# A processor fetches ahead by itself what is read from end to end, after the first lines.
FIRST_LINES = 4


@compiled
def untouched_blocks(book: NDArray[np.uint64], plan: NDArray[np.uint64], place: int, count: int) -> NDArray[np.int64]:
    """The blocks under the rows at places `place` to `place + count` that were not checked yet."""
    blocks, touched = longs_at(book[BLOCKS], book[BLOCKS + 1]), bytes_at(book[TOUCHED], book[TOUCHED + 1])
    pieces, _ = _pieces(book, plan, place, count)
    found, here = np.empty(len(pieces), np.int64), 0
    for piece in range(len(pieces)):
        block = blocks[pieces[piece, DOCUMENT]]
        if not touched[block]:
            found[here] = block
            here += 1
    return np.unique(found[:here])


@compiled
def serve(
    book: NDArray[np.uint64],
    plan: NDArray[np.uint64],
    like: NDArray[Any],
    ids: NDArray[np.int64],
    labels: NDArray[np.int64],
    positions: NDArray[np.int32],
    place: int,
    count: int,
    following: int,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Write the rows at places `place` to `place + count`; returns the boundaries and the facts of their segments.

    All blocks under them must have been touched. `like` is an array of the type of a token. The rows from place
    `following` on, which come next, are asked for from memory meanwhile; none if it is negative.
    """
    pieces, counts = _pieces(book, plan, place, count)
    _look_up(pieces, book, like.itemsize)
    next_pieces, next_counts = _pieces(book, plan, following, count if following >= 0 else 0)
    _look_up(next_pieces, book, like.itemsize)
    cuts = 0
    for piece in range(len(pieces)):
        cuts += pieces[piece, FORM] != PLAIN
    places, new = np.empty((cuts, CUT_FACTS), np.int64), np.empty(cuts * MOST_NEW, np.int32)
    # All cuts come first: between copies, what is written would drive the tokenizer's tables out of the cache.
    if cuts:
        _cut_all(pieces, book, plan[CHOICES], like, places, new)
    bounds, facts = np.empty(count + len(pieces) + 1, np.int32), np.empty((count + len(pieces), FACTS), np.int64)
    size = count * book[CONTEXT]
    apart, made = _copy_all(
        pieces,
        counts,
        book,
        plan[CHOICES],
        like,
        places,
        new,
        longs_at(ids.ctypes.data, size),
        longs_at(labels.ctypes.data, size),
        numbers_at(positions.ctypes.data, size),
        bounds,
        facts,
        next_pieces,
        next_counts,
    )
    return bounds[: apart + 1], facts[:made]


@compiled
def _pieces(
    book: NDArray[np.uint64], plan: NDArray[np.uint64], place: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What the plan says of the pieces of the rows at some places, and how many each row has."""
    first, table = longs_at(plan[FIRST], plan[FIRST + 1]), places_at(plan[PIECES], 3 * plan[PIECES + 1])
    begins, counts, total = np.empty(count, np.int64), np.empty(count, np.int64), 0
    for row in range(count):
        begins[row] = permute(place + row, len(first) - 1, plan[ORDER])
        fetch(plan[FIRST] + u64(8 * begins[row]))
    for row in range(count):
        begin, end = first[begins[row]], first[begins[row] + 1]
        begins[row], counts[row] = begin, end - begin
        total += end - begin
        fetch(plan[PIECES] + u64(12 * begin))
    pieces, at = np.empty((total, FACTS + 3), np.int64), 0
    for row in range(count):
        for piece in range(begins[row], begins[row] + counts[row]):
            document, rest = i64(table[3 * piece]), i64(table[3 * piece + 2])
            pieces[at, DOCUMENT], pieces[at, OFFSET] = document, i64(table[3 * piece + 1])
            pieces[at, LENGTH], pieces[at, FORM], pieces[at, ENDS] = rest >> 4, rest & 3, rest >> 2 & 1
            pieces[at, JOINED] = rest >> 3 & 1
            fetch(book[ADDRESSES] + u64(8 * document))
            fetch(book[KEYS] + u64(8 * document))
            at += 1
    return pieces, counts


@inlined
def _look_up(pieces: NDArray[np.int64], book: NDArray[np.uint64], width: int) -> None:
    """Find where the tokens of each piece lie."""
    addresses, keys = longs_at(book[ADDRESSES], book[ADDRESSES + 1]), longs_at(book[KEYS], book[KEYS + 1])
    for piece in range(len(pieces)):
        document = pieces[piece, DOCUMENT]
        pieces[piece, KEY] = keys[document]
        pieces[piece, ADDRESS] = addresses[document] + pieces[piece, OFFSET] * width


@inlined
def _fetch(address: int, size: int) -> None:
    for byte in range(0, size, LINE_BYTES):
        fetch(u64(address + byte))


@inlined
def _cut_all(
    pieces: NDArray[np.int64],
    book: NDArray[np.uint64],
    choices: int,
    like: NDArray[Any],
    places: NDArray[np.int64],
    new: NDArray[np.int32],
) -> None:
    """Cut each piece that has a form: all places are drawn first, so that what they need of the tables is under way."""
    text, drawn, done = np.empty(WINDOW_BYTES, np.uint8), np.empty((len(places), 4), np.int64), 0
    spelling, exact = keys_at(book[SPELLING], book[SPELLING + 1]), book[EXACT] > 0
    start = start_of(spelling)
    for piece in range(len(pieces)):
        if pieces[piece, FORM] != PLAIN:
            tokens = tokens_at(pieces[piece, ADDRESS], pieces[piece, LENGTH], like)
            kind = _kind(pieces[piece, OFFSET], u64(pieces[piece, KEY]), book, choices)
            bits = draw(choices, u64(pieces[piece, KEY]), pieces[piece, OFFSET], CHOOSE_CUTS)
            draw_cuts(tokens, bits, 0, kind, spelling, drawn[done])
            for side in (0, 2):
                if exact and drawn[done, side + 1]:
                    row = start[tokens[drawn[done, side]]] + drawn[done, side + 1]
                    fetch(book[SPLITS] + u64(like.itemsize * COLUMNS * row))
            done += 1
    done = used = 0
    for piece in range(len(pieces)):
        if pieces[piece, FORM] != PLAIN:
            _cut(
                pieces[piece, DOCUMENT],
                pieces[piece, OFFSET],
                pieces[piece, LENGTH],
                u64(pieces[piece, KEY]),
                pieces[piece, ADDRESS],
                book,
                choices,
                like,
                drawn[done],
                places[done],
                new[used : used + MOST_NEW],
                text,
            )
            places[done, NEW_AT] = used
            used += places[done, NEW_4]
            done += 1


@inlined
def _kind(offset: int, key: int, book: NDArray[np.uint64], choices: int) -> int:
    """How a piece is to be cut."""
    if book[SYNTAX_SHARE] + book[LINE_SHARE] == 0:
        return CHARACTER
    drawn = draw(choices, key, offset, CHOOSE_KIND) >> u64(11)
    if drawn < book[SYNTAX_SHARE]:
        return SYNTAX
    return LINE if drawn < book[SYNTAX_SHARE] + book[LINE_SHARE] else CHARACTER


@inlined
def _cut(
    document: int,
    offset: int,
    count: int,
    key: int,
    address: int,
    book: NDArray[np.uint64],
    choices: int,
    like: NDArray[Any],
    drawn: NDArray[np.int64],
    place: NDArray[np.int64],
    new: NDArray[np.int32],
    text: NDArray[np.uint8],
) -> None:
    tokens, kind = tokens_at(address, count, like), _kind(offset, key, book, choices)
    spelling, splits = keys_at(book[SPELLING], book[SPELLING + 1]), splits_at(book[SPLITS], book[SPLITS + 1], like)
    exact, growth, bits = book[EXACT] > 0, i64(book[GROWTH]), draw(choices, key, offset, CHOOSE_CUTS)
    if kind == SYNTAX:
        first = longs_at(book[SPAN_FIRST], book[SPAN_FIRST + 1])
        begin, end = first[document], first[document + 1]
        begins = places_at(book[SPAN_BEGIN], book[SPAN_BEGIN + 1])[begin:end]
        ends = places_at(book[SPAN_END], book[SPAN_END + 1])[begin:end]
        before, span = (
            tokens_at(address - offset * like.itemsize, offset, like),
            draw(choices, key, offset, CHOOSE_SPAN),
        )
        if cut_span(tokens, before, begins, ends, span, growth, exact, spelling, splits, place, new, text):
            return
        kind = LINE
        draw_cuts(tokens, bits, 0, kind, spelling, drawn)
    cut_piece(tokens, bits, kind, growth, exact, spelling, splits, drawn, place, new, text)


@inlined
def _copy_all(
    pieces: NDArray[np.int64],
    counts: NDArray[np.int64],
    book: NDArray[np.uint64],
    choices: int,
    like: NDArray[Any],
    places: NDArray[np.int64],
    new: NDArray[np.int32],
    ids: NDArray[np.int64],
    labels: NDArray[np.int64],
    positions: NDArray[np.int32],
    bounds: NDArray[np.int32],
    facts: NDArray[np.int64],
    next_pieces: NDArray[np.int64],
    next_counts: NDArray[np.int64],
) -> tuple[int, int]:
    """Write all segments; returns how many stand apart, and how many there are."""
    context, targets, pad = i64(book[CONTEXT]), book[TARGETS] > 0, i64(book[PADDING])
    removed, whole = bytes_at(book[REMOVED], book[REMOVED + 1]), book[UNITS + 1] > 0
    piece = cuts = made = apart = ahead = 0
    for row in range(len(counts)):
        if row < len(next_counts):
            for k in range(ahead, ahead + next_counts[row]):
                _fetch(next_pieces[k, ADDRESS], next_pieces[k, LENGTH] * like.itemsize)
            ahead += next_counts[row]
        first_apart, first, cut, at, end = apart, made, cuts, row * context, (row + 1) * context
        for k in range(counts[row]):
            tokens = tokens_at(pieces[piece, ADDRESS], pieces[piece, LENGTH], like)
            begin = shown = at
            if not pieces[piece, JOINED]:
                bounds[apart] = begin
                apart += 1
            if whole:
                shown, at = _write_names(pieces, piece, counts[row] - k, removed, book, like, ids, at)
            facts_head = at - begin
            if pieces[piece, FORM] == PLAIN:
                at = _run(tokens, 0, len(tokens), ids, at)
            else:
                here = new[places[cuts, NEW_AT] :]
                at = _write_cut(tokens, here, places[cuts], pieces[piece, FORM] == SPM, book, ids, at)
                cuts += 1
            if pieces[piece, ENDS]:
                ids[at] = i64(book[END])
                at += 1
            for column in range(KEY):
                facts[made, column] = pieces[piece, column]
            facts[made, KEY] = i64(draw(choices, u64(pieces[piece, KEY]), pieces[piece, OFFSET], CHOOSE_SEGMENT))
            facts[made, BEGIN], facts[made, HEAD] = begin, facts_head
            if len(removed) and removed[pieces[piece, DOCUMENT]]:
                _fill(ids, shown, at, pad)
                facts[made, DOCUMENT] = -1
                facts[made, OFFSET] = facts[made, LENGTH] = facts[made, FORM] = 0
                facts[made, HEAD] = shown - begin
            made, piece = made + 1, piece + 1
        if at < end:
            _fill(ids, at, end, pad)
            facts[made, DOCUMENT], facts[made, BEGIN] = -1, at
            facts[made, OFFSET] = facts[made, LENGTH] = facts[made, FORM] = facts[made, KEY] = facts[made, HEAD] = 0
            bounds[apart] = at
            made, apart = made + 1, apart + 1
        if targets:
            _label(ids, labels, row * context, end)
            for k in range(first_apart, apart):
                stop = bounds[k + 1] if k + 1 < apart else end
                _count(positions, bounds[k], stop)
                labels[stop - 1] = IGNORED
            for k in range(first, made):
                if facts[k, DOCUMENT] < 0:
                    hidden = facts[k, BEGIN] + facts[k, HEAD]
                    _fill(labels, hidden, facts[k + 1, BEGIN] if k + 1 < made else end, IGNORED)
                    if hidden > row * context:
                        labels[hidden - 1] = IGNORED
            for k in range(cut, cuts):
                labels[places[k, SUFFIX_AT] - 1] = labels[places[k, MIDDLE_AT] - 1] = IGNORED
    bounds[apart] = len(counts) * context
    return apart, made


@inlined
def _write_names(
    pieces: NDArray[np.int64],
    piece: int,
    rest: int,
    removed: NDArray[np.uint8],
    book: NDArray[np.uint64],
    like: NDArray[Any],
    ids: NDArray[np.int64],
    at: int,
) -> tuple[int, int]:
    """Write the path of a piece, and before the first of a segment the name of the repository.

    Returns where begins what goes if the document is removed, and where the names end. The name of the repository stays
    while any file of the segment does; `rest` pieces of the row are left, this one included.
    """
    first, units = longs_at(book[NAME_FIRST], book[NAME_FIRST + 1]), longs_at(book[UNITS], book[UNITS + 1])
    names, context, shown = tokens_at(book[NAMES], book[NAMES + 1], like), i64(book[CONTEXT]), at
    if not pieces[piece, JOINED]:
        name, goes = len(units) + units[pieces[piece, DOCUMENT]], len(removed) > 0
        ids[at] = i64(book[REPOSITORY_NAME])
        size = first[name + 1] - first[name]
        at = _run(names, first[name], first[name] + named(size, context) - 1, ids, at + 1)
        for k in range(piece, piece + rest):
            if k > piece and not pieces[k, JOINED]:
                break
            goes = goes and removed[pieces[k, DOCUMENT]] > 0
        shown = shown if goes else at
    path = pieces[piece, DOCUMENT]
    ids[at] = i64(book[FILE_BEGINS])
    size = first[path + 1] - first[path]
    return shown, _run(names, first[path], first[path] + named(size, context) - 1, ids, at + 1)


@inlined
def _write_cut(
    tokens: NDArray[Any],
    new: NDArray[np.int32],
    place: NDArray[np.int64],
    suffix_first: bool,
    book: NDArray[np.uint64],
    ids: NDArray[np.int64],
    at: int,
) -> int:
    """Write a cut piece in its form, and where its sentinels stand; returns where it ends."""
    ids[at] = i64(book[PREFIX])
    at += 1
    if not suffix_first:
        at = _run(tokens, 0, place[KEPT_PREFIX], ids, at)
        at = _few(new, 0, place[NEW_1], ids, at)
    place[SUFFIX_AT] = at
    ids[at] = i64(book[SUFFIX])
    at = _few(new, place[NEW_3], place[NEW_4], ids, at + 1)
    at = _run(tokens, place[SUFFIX_BEGIN], len(tokens), ids, at)
    place[MIDDLE_AT] = at
    ids[at] = i64(book[MIDDLE])
    at += 1
    if suffix_first:  # and the new ids of prefix and middle stand side by side
        at = _run(tokens, 0, place[KEPT_PREFIX], ids, at)
    at = _few(new, 0 if suffix_first else place[NEW_1], place[NEW_2], ids, at)
    at = _run(tokens, place[MIDDLE_BEGIN], place[MIDDLE_END], ids, at)
    return _few(new, place[NEW_2], place[NEW_3], ids, at)


@compiled
def _run(source: NDArray[Any], begin: int, end: int, ids: NDArray[np.int64], at: int) -> int:
    """Write source[begin:end]; returns where it ends.

    Whole blocks are written where there is room: what follows overwrites what was too much, and a loop that may end
    anywhere costs a processor more than a block.
    """
    count = end - begin
    blocks = (count + BLOCK - 1) // BLOCK * BLOCK
    if begin + blocks <= len(source) and at + blocks <= len(ids):
        tokens, into = source.ctypes.data + begin * source.itemsize, ids.ctypes.data + 8 * at
        for k in range(0, blocks, BLOCK):
            widen(tokens + k * source.itemsize, into + 8 * k, source)
    else:
        out_of, rest = source[begin:end], ids[at : at + count]
        for k in range(count):
            rest[k] = i64(out_of[k])
    return at + count


@inlined
def _few(new: NDArray[np.int32], begin: int, end: int, ids: NDArray[np.int64], at: int) -> int:
    """As `_run`, for new ids, which are hardly ever more than a block and have room behind them."""
    if end - begin > BLOCK or at + BLOCK > len(ids):
        return _run(new, begin, end, ids, at)
    widen(new.ctypes.data + 4 * begin, ids.ctypes.data + 8 * at, new)
    return at + end - begin


@inlined
def _label(ids: NDArray[np.int64], labels: NDArray[np.int64], begin: int, end: int) -> None:
    """Each position's next token; the last one's is left out."""
    into, next_ids = labels[begin : end - 1], ids[begin + 1 : end]
    for k in range(len(into)):
        into[k] = next_ids[k]


@inlined
def _count(positions: NDArray[np.int32], begin: int, end: int) -> None:
    into = positions[begin:end]
    for k in range(len(into)):
        into[k] = k


@inlined
def _fill(values: NDArray[np.int64], begin: int, end: int, value: int) -> None:
    for k in range(begin, end):
        values[k] = value
