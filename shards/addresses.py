"""Addresses: compiled code reads the memory maps of all shards, whichever one a document lies in.

In: the address of a map. Out: an array over it, inside compiled code. Costs nothing. A release has many token files;
compiled code cannot take a list of arrays without a cost for each of them at every call.
"""

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.numpy_support import carray
from numpy.typing import NDArray

from gleanery.shards.chance import compiled


def _as_pointer(_context: Any, _address: Any) -> Any:
    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.uint64), generate


# Compiled code knows both by what they are; what their Python side takes is another matter.
_pointer: Any = intrinsic(_as_pointer)
_array: Any = carray


@compiled
def tokens_at(address: int, count: int, like: NDArray[Any]) -> NDArray[Any]:
    """The array of `count` tokens at an address, of the type of `like`. Compiled code only."""
    found: NDArray[Any] = _array(_pointer(np.uint64(address)), (count,), like.dtype)
    return found


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
def pairs_at(address: int, count: int) -> NDArray[np.uint64]:
    """The array of `count` pairs of 64-bit numbers at an address. Compiled code only."""
    found: NDArray[np.uint64] = _array(_pointer(np.uint64(address)), (np.int64(count), 2), np.uint64)
    return found


def address_of(array: NDArray[Any]) -> int:
    """Where the first element of an array lies. The array must be kept as long as the address is used."""
    return int(array.__array_interface__["data"][0])
