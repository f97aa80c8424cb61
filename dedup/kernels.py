"""The inner loops of signatures, compiled with numba: shingle hashes and MinHash minima.

In: arrays. Out: arrays. Integers only, so every machine gives the same numbers. No compiled function calls one of
another file, because numba's cache looks for changes in the file of a function and not in what it calls.

Hash tables choose a key's place by a multiplier that each process draws for itself (`SECRET`), since what is put into
them comes from repositories: with a rule that everybody knows, a file of a megabyte could be written so that all its
keys want one place, and take a minute instead of 10 ms. Multiplying and taking the highest bits puts two keys into one
place with a chance of two in the size of the table, whatever the keys. No result depends on places.
"""

import os
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gleanery.dedup.characters import WORD
from gleanery.records.compiling import compiled

U = TypeVar("U", np.uint8, np.uint32, np.uint64, np.int64)

_FNV_START, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)  # FNV-1a, 64 bits
_SHINGLE = np.uint64(0x9E3779B97F4A7C15)  # odd: 2^64 divided by the golden ratio
_FULL = np.uint32(0xFFFFFFFF)
SECRET = np.uint64(int.from_bytes(os.urandom(8), "little") | 1)  # odd, so that no bit of a key is lost


def readonly(array: NDArray[U]) -> NDArray[U]:
    """The same array, not to be written. Numba compiles once for writable arrays and once for others; pass these."""
    view = array.view()
    view.flags.writeable = False
    return view


@compiled
def mix64(x: np.uint64) -> np.uint64:
    """The finalizer of MurmurHash3 for 64 bits: each bit of the input changes each bit of the output."""
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xFF51AFD7ED558CCD)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xC4CEB9FE1A85EC53)
    return x ^ (x >> np.uint64(33))


@compiled
def mix32(x: np.uint32) -> np.uint32:
    """The finalizer of MurmurHash3 for 32 bits, with which datasketch's affine32 scheme begins."""
    x ^= x >> np.uint32(16)
    x = np.uint32(x * np.uint32(0x85EBCA6B))
    x ^= x >> np.uint32(13)
    x = np.uint32(x * np.uint32(0xC2B2AE35))
    return np.uint32(x ^ (x >> np.uint32(16)))


@compiled
def token_states(
    data: NDArray[np.uint8], first: int, last: int, classes: NDArray[np.uint8], out: NDArray[np.uint64]
) -> int:
    """Hash each token of `data[first:last]` into `out`, in order and not yet mixed, and return their number.

    The bytes are valid UTF-8 (surrogates may be encoded in it too). `classes` has the class of each code point that
    occurs. `out` has room for `(last - first) // 2 + 2` numbers: between two tokens is a separator, or one of them is
    an ideograph, which takes three bytes or more. One pass, so a token of any length is safe. ASCII goes without a
    branch: the state is written at every byte, and the place moves on where a token ends.
    """
    count, position, inside = 0, first, np.int64(0)
    acc = _FNV_START
    while position < last:
        lead = data[position]
        if lead < 0x80:
            word = np.int64(classes[lead] != 0)
            out[count] = acc
            count += int(inside & (1 - word))
            acc = (acc ^ np.uint64(lead)) * _FNV_PRIME if word else _FNV_START
            inside = word
            position += 1
            continue
        width = 2 if lead < 0xE0 else (3 if lead < 0xF0 else 4)
        point = np.int64(lead & (0x7F >> width))
        for i in range(position + 1, position + width):
            point = (point << 6) | np.int64(data[i] & 0x3F)
        kind = classes[point]
        if inside and kind != WORD:
            out[count] = acc
            count, acc, inside = count + 1, _FNV_START, np.int64(0)
        if kind:
            for i in range(position, position + width):
                acc = (acc ^ np.uint64(data[i])) * _FNV_PRIME
            inside = np.int64(1)
            if kind != WORD:
                out[count] = acc
                count, acc, inside = count + 1, _FNV_START, np.int64(0)
        position += width
    if inside:
        out[count] = acc
        count += 1
    return count


@compiled
def distinct_shingles(
    tokens: NDArray[np.uint64],
    count: int,
    length: int,
    table: NDArray[np.uint64],
    out: NDArray[np.uint64],
    secret: np.uint64,
) -> int:
    """Write the hash of each distinct run of `length` tokens into `out`, in order of first sight; return their number.

    `tokens` holds `count` states; the order of the tokens in a run counts. The hash of a run is a polynomial in its
    tokens, so the next one follows from the last by one token in and one out. `table` is a power of two of zeros, at
    least twice the number of runs, and is zeros again at the end.
    """
    highest = np.uint64(1)
    for _ in range(length):
        highest *= _SHINGLE
    acc, found, zero = np.uint64(0), 0, 0
    mask, shift = np.uint64(table.size - 1), _shift_for(table.size)
    for i in range(count):
        tokens[i] = mix64(tokens[i])
        acc = acc * _SHINGLE + tokens[i]
        if i >= length:
            acc -= tokens[i - length] * highest
        if i >= length - 1:
            x = mix64(acc)
            if x == 0:  # an empty place in the table
                out[found] = x
                found += 1 - zero
                zero = 1
                continue
            place = (acc * secret) >> shift  # of `acc`, which is `x` before it is mixed: the two need not wait
            while table[place] != 0 and table[place] != x:
                place = (place + np.uint64(1)) & mask
            out[found] = x
            found += table[place] == 0
            table[place] = x
    table[:] = 0
    return found


@compiled
def shingles_of_all(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], classes: NDArray[np.uint8], length: int, secret: np.uint64
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The distinct shingle hashes of all texts, one text after the other, and the offsets of the texts among them."""
    ends = np.zeros(offsets.size, np.int64)
    longest = 0
    for text in range(offsets.size - 1):
        longest = max(longest, offsets[text + 1] - offsets[text])
    tokens = np.empty(longest // 2 + 2, np.uint64)
    table = np.zeros(_power_of_two(2 * tokens.size), np.uint64)
    out = np.empty((offsets[-1] - offsets[0]) // 2 + 2 * offsets.size, np.uint64)
    for text in range(offsets.size - 1):
        count = token_states(data, offsets[text], offsets[text + 1], classes, tokens)
        size = _power_of_two(2 * count)
        ends[text + 1] = ends[text] + distinct_shingles(tokens, count, length, table[:size], out[ends[text] :], secret)
    return out[: ends[-1]].copy(), ends


@compiled
def _shift_for(size: int) -> np.uint64:
    """How far 64 bits are moved so that the highest of them are a place in a table of `size`, a power of two."""
    bits = 0
    while 1 << bits < size:
        bits += 1
    return np.uint64(64 - bits)


@compiled
def _power_of_two(least: int) -> int:
    size = 16
    while size < least:
        size *= 2
    return size


@compiled
def minima_of_all(
    hashes: NDArray[np.uint64], offsets: NDArray[np.int64], factors: NDArray[np.uint32], addends: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """For each set `hashes[offsets[i]:offsets[i + 1]]` and each k, the smallest `factors[k] * h + addends[k]`.

    Modulo 2^32, over the mixed lower halves h of the hashes; the largest number for an empty set. Four hashes at a time
    against all permutations: the inner loop then becomes vector instructions.
    """
    out = np.full((offsets.size - 1, factors.size), _FULL, np.uint32)
    for item in range(offsets.size - 1):
        row, first, last = out[item], offsets[item], offsets[item + 1]
        for i in range(first, last, 4):  # the last hash fills up the four: a minimum does not mind
            h0 = mix32(np.uint32(hashes[i] & np.uint64(_FULL)))
            h1 = mix32(np.uint32(hashes[min(i + 1, last - 1)] & np.uint64(_FULL)))
            h2 = mix32(np.uint32(hashes[min(i + 2, last - 1)] & np.uint64(_FULL)))
            h3 = mix32(np.uint32(hashes[min(i + 3, last - 1)] & np.uint64(_FULL)))
            for k in range(factors.size):
                a, b = factors[k], addends[k]
                one = min(np.uint32(np.uint32(a * h0) + b), np.uint32(np.uint32(a * h1) + b))
                two = min(np.uint32(np.uint32(a * h2) + b), np.uint32(np.uint32(a * h3) + b))
                row[k] = min(row[k], min(one, two))
    return out
