"""The inner loops of the room, compiled with numba: shingle hashes, MinHash minima and the size of an intersection.

In: arrays. Out: arrays or counts. Integers only, so every machine gives the same numbers. All compiled functions are in
this one file, because numba's cache looks for changes in the file of a function and not in what it calls.

Machine code is cached where numba may write: NUMBA_CACHE_DIR, `__pycache__` beside this file, or the user's own cache
folder. Where none can be written (a read-only install without a home), it is compiled in memory by each process.
docs/reference/duplicates.md has what that costs.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gleanery.dedup.characters import WORD

F = TypeVar("F", bound=Callable[..., object])
U = TypeVar("U", np.uint32, np.uint64)

_FNV_START, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)  # FNV-1a, 64 bits
_SHINGLE = np.uint64(0x9E3779B97F4A7C15)  # odd: 2^64 divided by the golden ratio
_FULL = np.uint32(0xFFFFFFFF)


def compiled(function: F) -> F:
    """`function` as machine code: cached on disk if a folder can be written, else for this process only."""
    try:
        return cast(F, njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba found no folder for its cache
        return cast(F, njit(nogil=True)(function))


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
def token_hashes(data: NDArray[np.uint8], classes: NDArray[np.uint8], out: NDArray[np.uint64]) -> int:
    """Hash each token of `data` into `out`, in order, and return their number.

    `data` is valid UTF-8 (surrogates may be encoded in it too). `classes` has the class of each code point that occurs.
    `out` has room for `len(data) // 2 + 1` tokens: between two tokens is a separator, or one of them is an ideograph,
    which takes three bytes or more. One pass, so a token of any length is safe.
    """
    count, position, size = 0, 0, data.size
    acc, inside = _FNV_START, False
    while position < size:
        lead = data[position]
        width = 1 if lead < 0x80 else (2 if lead < 0xE0 else (3 if lead < 0xF0 else 4))
        point = np.int64(lead)
        if width > 1:
            point = np.int64(lead & (0x7F >> width))
            for i in range(position + 1, position + width):
                point = (point << 6) | np.int64(data[i] & 0x3F)
        kind = classes[point]
        if inside and kind != WORD:
            out[count] = mix64(acc)
            count, acc, inside = count + 1, _FNV_START, False
        if kind:
            for i in range(position, position + width):
                acc = (acc ^ np.uint64(data[i])) * _FNV_PRIME
            inside = True
            if kind != WORD:
                out[count] = mix64(acc)
                count, acc, inside = count + 1, _FNV_START, False
        position += width
    if inside:
        out[count] = mix64(acc)
        count += 1
    return count


@compiled
def shingles_of(tokens: NDArray[np.uint64], length: int) -> NDArray[np.uint64]:
    """The hash of each run of `length` tokens, in order; the order of the tokens in a run counts."""
    out = np.empty(max(0, tokens.size - length + 1), np.uint64)
    for i in range(out.size):
        acc = np.uint64(0)
        for j in range(length):
            acc = acc * _SHINGLE + tokens[i + j]
        out[i] = mix64(acc)
    return out


@compiled
def minima(hashes: NDArray[np.uint64], factors: NDArray[np.uint32], offsets: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """For each k, the smallest `factors[k] * h + offsets[k]` modulo 2^32 over all mixed 32-bit hashes h.

    Four hashes at a time against all permutations: the inner loop then becomes vector instructions.
    """
    out = np.full(factors.size, _FULL, np.uint32)
    mixed = np.empty((hashes.size + 3) // 4 * 4, np.uint32)
    for i in range(mixed.size):  # the last hash fills up the four: a minimum does not mind
        mixed[i] = mix32(np.uint32(hashes[min(i, hashes.size - 1)] & np.uint64(_FULL)))
    for i in range(0, mixed.size, 4):
        h0, h1, h2, h3 = mixed[i], mixed[i + 1], mixed[i + 2], mixed[i + 3]
        for k in range(out.size):
            a, b = factors[k], offsets[k]
            first = min(np.uint32(np.uint32(a * h0) + b), np.uint32(np.uint32(a * h1) + b))
            second = min(np.uint32(np.uint32(a * h2) + b), np.uint32(np.uint32(a * h3) + b))
            out[k] = min(out[k], min(first, second))
    return out


@compiled
def shared(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> int:
    """The number of values in both arrays; each is sorted and holds a value once."""
    count, i, j = 0, 0, 0
    while i < a.size and j < b.size:
        x, y = a[i], b[j]
        count += x == y
        i += x <= y
        j += y <= x
    return count
