"""The inner loop of normal forms, compiled with numba: leave comments and layout out, number the names.

In: the bytes of texts, and where their comments and strings stand (`comments`). Out: both forms of all texts, as bytes.
One pass. No state but a table of the names of one text.
"""

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled

# As in `comments`; the machine code of a file is made anew only when that file changes.
_LETTERS = b"_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" + bytes(range(0x80, 0x100))
_OTHER, _WORD, _SPACE = range(3)
_KINDS = np.array([_WORD if b in _LETTERS else _SPACE if b in b" \t\n\v\f\r" else _OTHER for b in range(256)], np.uint8)
_ASIDE = 0
_START, _PRIME, _HALF = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3), np.uint64(32)


@compiled
def forms_of_all(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    spans: NDArray[np.int64],
    span_ends: NDArray[np.int64],
    keywords: NDArray[np.uint64],
    with_names: bool,
    secret: np.uint64,
) -> tuple[
    NDArray[np.uint8],
    NDArray[np.int64],
    NDArray[np.uint8],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int64],
]:
    """The code of all texts and where each ends, their renamed forms likewise; words, names and names that had been
    there before, in each.

    `spans` and `span_ends` are what `comments.spans_of_all` gives; `keywords` is a hash table of words that are no
    names, as `normal_form.keyword_table` makes it; `secret` is odd and chooses the places of names, see `kernels`.
    Without `with_names` the renamed forms are empty and no name is counted.
    """
    texts = offsets.size - 1
    code_ends, renamed_ends = np.zeros(texts + 1, np.int64), np.zeros(texts + 1, np.int64)
    words, names, repeated = np.zeros(texts, np.int64), np.zeros(texts, np.int64), np.zeros(texts, np.int64)
    code = np.empty(data.size + texts, np.uint8)
    renamed = np.empty(3 * data.size + 8 * texts if with_names else 0, np.uint8)
    slots = 16
    for text in range(texts):
        while slots < offsets[text + 1] - offsets[text] + 16:
            slots *= 2
    keys, numbers = np.zeros(slots if with_names else 1, np.uint64), np.zeros(slots if with_names else 1, np.int32)
    used = np.empty(slots if with_names else 1, np.int64)
    out, out2 = 0, 0
    for text in range(texts):
        first, last = offsets[text], offsets[text + 1]
        bits = 4
        while 1 << bits < last - first + 16:
            bits += 1
        slots, high = 1 << bits, np.uint64(64 - bits)
        mask = np.uint64(slots - 1)
        distinct, gap, was_word, i = 0, True, False, first
        span, span_end = span_ends[text], span_ends[text + 1]
        begins = spans[span, 0] if span < span_end else last
        while i < last:
            kind = _KINDS[data[i]]
            if i == begins and spans[span, 2] == _ASIDE:
                gap, i = True, spans[span, 1]
                span += 1
                begins = spans[span, 0] if span < span_end else last
                continue
            if kind == _SPACE:
                gap = True
                i += 1
                continue
            if kind == _WORD:
                if gap and was_word:
                    code[out] = 32
                    out += 1
                    if with_names:
                        renamed[out2] = 32
                        out2 += 1
                start, acc = i, _START
                while i < last and _KINDS[data[i]] == _WORD:
                    acc = (acc ^ np.uint64(data[i])) * _PRIME
                    code[out] = data[i]
                    out += 1
                    i += 1
                words[text] += 1
                gap, was_word = False, True
                if not with_names:
                    continue
                number = -1
                if not (48 <= data[start] <= 57 or _is_among(keywords, acc)):
                    if acc == 0:
                        acc = np.uint64(1)
                    slot = (acc * secret) >> high
                    while keys[slot] != 0 and keys[slot] != acc:
                        slot = (slot + np.uint64(1)) & mask
                    if keys[slot] == 0:
                        used[distinct] = slot
                        distinct += 1
                        keys[slot], numbers[slot] = acc, distinct
                    number = numbers[slot]
                if number < 0:
                    for k in range(start, i):
                        renamed[out2] = data[k]
                        out2 += 1
                else:
                    names[text] += 1
                    renamed[out2] = 1  # a control character marks a name; its number follows
                    for shift in range(4):
                        renamed[out2 + 1 + shift] = (number >> (8 * shift)) & 255
                    out2 += 5
                continue
            start = i
            i += 1
            if start == begins:  # a string
                words[text] += 1
                i = spans[span, 1]
                span += 1
                begins = spans[span, 0] if span < span_end else last
            for k in range(start, i):
                code[out] = data[k]
                out += 1
                if with_names:
                    renamed[out2] = data[k]
                    out2 += 1
            gap, was_word = False, False
        repeated[text] = names[text] - distinct
        for n in range(distinct):
            keys[used[n]] = 0
        code_ends[text + 1], renamed_ends[text + 1] = out, out2
    return code[:out].copy(), code_ends, renamed[:out2].copy(), renamed_ends, words, names, repeated


@compiled
def _is_among(table: NDArray[np.uint64], key: np.uint64) -> bool:
    mask = np.uint64(table.size - 1)
    slot = (key ^ (key >> _HALF)) & mask
    while table[slot] != 0 and table[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return bool(table[slot] == key)
