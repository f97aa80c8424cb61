"""Addresses: compiled code reads the memory maps of all shards, whichever one a document lies in.

In: the address of a map. Out: an array over it, inside compiled code. Costs nothing. A release has many token files;
compiled code cannot take a list of arrays without a cost for each of them at every call.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.numpy_support import carray
from numpy.typing import NDArray

from gleanery.records.compiling import compiled


def _fetch(_context: Any, _address: Any) -> Any:
    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        pointer, number = cgutils.voidptr_t, ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        builder.call(fetch, [builder.inttoptr(arguments[0], pointer), number(0), number(2), number(1)])

    return types.void(types.uint64), generate


def _widen(_context: Any, _source: Any, _into: Any, like: Any) -> Any:
    kind = like.dtype

    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        narrow, wide = (ir.VectorType(ir.IntType(bits), BLOCK) for bits in (kind.bitwidth, 64))
        source, into = (
            builder.inttoptr(arguments[0], narrow.as_pointer()),
            builder.inttoptr(arguments[1], wide.as_pointer()),
        )
        values = builder.load(source, align=kind.bitwidth // 8)
        builder.store(builder.zext(values, wide), into, align=8)

    return types.void(types.uint64, types.uint64, like), generate


def _as_pointer(_context: Any, _address: Any) -> Any:
    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.uint64), generate


# Compiled code knows both by what they are; what their Python side takes is another matter.
_pointer: Any = intrinsic(_as_pointer)
_array: Any = carray
# Asks the processor to bring the cache line of an address near, and does not wait. Compiled code only.
fetch: Any = intrinsic(_fetch)
LINE_BYTES = 64
# widen(source, into, like) writes BLOCK numbers of 64 bits from tokens of the type of `like`, both by address.
BLOCK = 16
widen: Any = intrinsic(_widen)


@compiled
def tokens_at(address: int, count: int, like: NDArray[Any]) -> NDArray[Any]:
    """The array of `count` tokens at an address, of the type of `like`. Compiled code only."""
    found: NDArray[Any] = _array(_pointer(np.uint64(address)), (count,), like.dtype)
    return found


@compiled
def uncounted(array: NDArray[Any]) -> NDArray[Any]:
    """The same array for compiled code that hands it on: what numba counts as owned costs two atomic steps,
    about 10 ns, at each call that takes it. `keep` the array behind the last use of this one.
    """
    found: NDArray[Any] = _array(_pointer(np.uint64(array.ctypes.data)), array.shape, array.dtype)
    return found


@compiled
def keep(array: NDArray[Any]) -> int:
    """Its length. To be called behind the last use of `uncounted(array)`: numba frees what is named no more."""
    return len(array)


@compiled
def bytes_at(address: int, count: int) -> NDArray[np.uint8]:
    """The array of `count` bytes at an address. Compiled code only."""
    found: NDArray[np.uint8] = _array(_pointer(np.uint64(address)), (np.int64(count),), np.uint8)
    return found


@compiled
def numbers_at(address: int, count: int) -> NDArray[np.int32]:
    """The array of `count` 32-bit numbers at an address. Compiled code only."""
    found: NDArray[np.int32] = _array(_pointer(np.uint64(address)), (np.int64(count),), np.int32)
    return found


@compiled
def longs_at(address: int, count: int) -> NDArray[np.int64]:
    """The array of `count` 64-bit numbers at an address. Compiled code only."""
    found: NDArray[np.int64] = _array(_pointer(np.uint64(address)), (np.int64(count),), np.int64)
    return found


@compiled
def keys_at(address: int, count: int) -> NDArray[np.uint64]:
    """The array of `count` unsigned 64-bit numbers at an address. Compiled code only."""
    found: NDArray[np.uint64] = _array(_pointer(np.uint64(address)), (np.int64(count),), np.uint64)
    return found


@compiled
def places_at(address: int, count: int) -> NDArray[np.uint32]:
    """The array of `count` unsigned 32-bit numbers at an address. Compiled code only."""
    found: NDArray[np.uint32] = _array(_pointer(np.uint64(address)), (np.int64(count),), np.uint32)
    return found


@compiled
def tables_at(address: int, rows: int, columns: int) -> NDArray[np.int32]:
    """The array of 32-bit numbers of so many rows and columns at an address. Compiled code only."""
    found: NDArray[np.int32] = _array(_pointer(np.uint64(address)), (np.int64(rows), np.int64(columns)), np.int32)
    return found


@compiled
def pairs_at(address: int, count: int) -> NDArray[np.uint64]:
    """The array of `count` pairs of 64-bit numbers at an address. Compiled code only."""
    found: NDArray[np.uint64] = _array(_pointer(np.uint64(address)), (np.int64(count), 2), np.uint64)
    return found


def book_of(tables: Sequence[NDArray[Any]], numbers: Sequence[int] = ()) -> NDArray[np.uint64]:
    """The addresses and lengths of tables, then `numbers`: what compiled code takes, since many arrays cost more to
    hand over than the few bytes that are read from them. The tables must be kept as long as the book is used.
    """
    found = [number for table in tables for number in (address_of(table), len(table))]
    return np.array([*found, *numbers], np.uint64)


def address_of(array: NDArray[Any]) -> int:
    """Where the first element of an array lies. The array must be kept as long as the address is used."""
    return int(array.__array_interface__["data"][0])
