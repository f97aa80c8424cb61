"""Scratch: the decoded tokens of a compressed release, in a file that has no name.

In: tokens, and the place at which to keep them. Out: a read-only map of all that is kept. Disk space is taken when
tokens are kept, 2 or 4 bytes for each, and is free again when the last process ends. One open file for a whole release.

Processes that were forked from one opened release share the file: each of them may keep what another reads. So nothing
is ever decoded into it. What is kept is written as a whole, with `pwrite`, after it was checked: it is the same bytes
whoever writes them, and a reader sees no other. A store through a map would end the process with SIGBUS where the disk
is full; a write says so. It needs no space reserved ahead, which not every file system can do, and which would take the
room of a whole release for a loader that reads a part of it.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.shards.maps import mapped, way_out

WAY_OUT = "give a `scratch` folder with 2 or 4 bytes for each token, or name one in TMPDIR; or pack without compression"


class Scratch:
    """Room for `tokens` tokens, with holes where nothing was kept.

    kept  a read-only map of all of them
    """

    def __init__(self, tokens: int, dtype: "np.dtype[Any]", folder: Path | None = None) -> None:
        self.kept: NDArray[Any] = np.empty(0, dtype)
        if tokens == 0:
            return
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - as long as the map
            self._file.truncate(tokens * dtype.itemsize)
            self.kept = mapped(self._file.fileno(), tokens * dtype.itemsize).view(dtype)
        except (OSError, OverflowError, ValueError) as error:
            raise StopRun(
                f"there is no scratch space for {tokens:,} tokens: {error}", way_out(error, WAY_OUT)
            ) from error

    def keep(self, first: int, tokens: NDArray[Any]) -> None:
        """Write tokens to where they stay. Raises StopRun if the disk is full."""
        left, at = tokens.view(np.uint8).data, first * tokens.itemsize
        try:
            while left:
                written = os.pwrite(self._file.fileno(), left, at)
                left, at = left[written:], at + written
        except OSError as error:
            raise StopRun(f"decoded tokens cannot be kept: {error.strerror}", WAY_OUT) from error
