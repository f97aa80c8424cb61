"""How inner loops become machine code, with numba.

In: a function. Out: the same, compiled when it is first called; other Python threads run beside it. Machine code is
cached where numba may write: NUMBA_CACHE_DIR, `__pycache__` beside the function's file, or the user's own cache folder.
Where none can be written (a read-only install without a home), each process compiles in memory.
docs/reference/duplicates.md has what that costs. Numba looks for changes in the file of a function and not in what it
calls.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function as machine code: cached on disk if a folder can be written, else for this process only."""
    try:
        return cast(Function, njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba found no folder for its cache
        return cast(Function, njit(nogil=True)(function))
