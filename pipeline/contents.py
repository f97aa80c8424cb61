"""Contents by number: what the steps of stage 3 look up about any content of the run.

In: what `stage3_sign` wrote. Out: arrays, mapped into memory. A content is a number, its place in the order of all ids,
so pairs of contents are single numbers of 64 bits, and travel as such. Looking up costs no memory that grows with the
run: mapped pages belong to the system.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gleanery.dedup.texts import Texts, texts_of
from gleanery.pipeline.exchange import part_name
from gleanery.pipeline.shard import arrays_of
from gleanery.quality.decoding import decode
from gleanery.records.parquet import open_parquet

BLOCK_BYTES = 4 << 20
_U32, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)
Pairs = NDArray[np.uint64]  # left << 32 | right, left < right


class Contents:
    """All contents of a run by their numbers: number n is the n-th id in order.

    Part p of `blobs` has the numbers `bases[p]` to `bases[p + 1] - 1`.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._parts = root, dict[int, dict[str, NDArray[Any]]]()
        self._all = arrays_of(root, "lookup")
        self.bases = self._all["bases"]
        parts = len(self.bases) - 1
        self.names = [part_name(part, parts) for part in range(parts)]

    def part(self, part: int) -> dict[str, NDArray[Any]]:
        """One part's arrays as `stage3_sign.sign_part` wrote them: rows, keys, samples and others."""
        if part not in self._parts:
            self._parts[part] = arrays_of(self._root, "sign", self.names[part])
        return self._parts[part]

    def part_of(self, numbers: NDArray[Any]) -> NDArray[np.int64]:
        """The part in which each number lies."""
        return np.searchsorted(self.bases, numbers, side="right") - 1

    def parts_of(self, number: int, of: int) -> range:
        """The parts of one of several equal ranges of ids; both numbers are powers of two."""
        each = max(1, len(self.names) // of)
        return range(number * each, (number + 1) * each)

    def bounds(self, parts: range) -> tuple[int, int]:
        """The half-open range of the numbers of some parts in a row."""
        return int(self.bases[parts.start]), int(self.bases[parts.stop])

    def gather(self, numbers: NDArray[Any], kind: str) -> NDArray[Any]:
        """The rows of a looked up array for some numbers, which need not be sorted or distinct."""
        return self._all[kind][numbers.astype(np.int64)]

    def indexed(self, kind: str) -> NDArray[Any]:
        """A whole array, one row for each content."""
        return self._all[kind]

    def ids(self, numbers: NDArray[Any]) -> pa.Array:
        """The ids of some numbers, as strings."""
        text = self.gather(numbers, "ids").tobytes().hex().encode() if len(numbers) else b""
        offsets = np.arange(len(numbers) + 1, dtype=np.int64) * 40
        large = pa.LargeStringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(text))
        return large.cast(pa.string())


def packed(left: NDArray[np.generic], right: NDArray[np.generic]) -> Pairs:
    """Pairs as single numbers."""
    return (left.astype(np.uint64) << _U32) | right.astype(np.uint64)


def lefts(pairs: Pairs) -> NDArray[np.uint64]:
    """The smaller number of each pair."""
    return pairs >> _U32


def rights(pairs: Pairs) -> NDArray[np.uint64]:
    """The larger number of each pair."""
    return pairs & _LOW


def between(pairs: Pairs, low: int, high: int) -> Pairs:
    """Of sorted pairs, those whose first number is in a half-open range."""
    start, stop = np.searchsorted(pairs, np.array([low << 32, high << 32], np.uint64))
    return pairs[start:stop]


def wanted_texts(path: Path, wanted: NDArray[np.bool_], plain: NDArray[np.bool_]) -> Iterator[tuple[list[int], Texts]]:
    """Wanted rows of a file of `blobs` with their texts, some MB at once.

    `plain`: which rows are UTF-8 as they stand; those are not decoded. Groups of rows without a wanted one are not
    unpacked.
    """
    rows: list[int] = []
    columns: list[pa.Array] = []
    held = 0
    with open_parquet(path) as file:
        about = file.metadata
        starts = np.cumsum([0, *(about.row_group(group).num_rows for group in range(about.num_row_groups))])
        every = np.flatnonzero(wanted)
        bounds = np.searchsorted(every, starts)
        for group in np.flatnonzero(np.diff(bounds)).tolist():
            inside = every[bounds[group] : bounds[group + 1]]
            column = file.read_row_group(group, columns=["content"], use_threads=False).column(0).chunk(0)
            if len(inside) < len(column):
                column = column.take(pa.array(inside - starts[group]))
            if not plain[inside].all():
                column = pa.array([_utf8(value.as_py()) for value in column], column.type)
            rows += inside.tolist()
            columns.append(column)
            held += column.nbytes
            if held >= BLOCK_BYTES:
                yield rows, texts_of(pa.concat_arrays(columns))
                rows, columns, held = [], [], 0
    if rows:
        yield rows, texts_of(pa.concat_arrays(columns))


def _utf8(content: bytes) -> bytes:
    """The text of some bytes, in UTF-8; nothing where the encoding is unknown."""
    return (decode(content)[0] or "").encode()
