"""Names: the paths of files and the names of repositories as tokens, for rows that hold whole repositories.

In: the names file of each part, little-endian: the tokens of each document's path as uint32 counts, those of each
repository's name, then the ids of both in the type of the store. Out: `Names`. Read only where a loader asks for it;
takes 24 bytes in memory for a document, and what the names take.

A path stands with a line end behind it. A repository's documents lie side by side, so its name is kept once for each
run of equal `repo` in the index. A name that the tokenizer cannot give back exactly has no tokens, nor has one in which
the rules about personal data and secrets find something.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.shards.index import Index, read_checked, write_columns
from gleanery.shards.layout import Shard


@dataclass(frozen=True)
class Names:
    """The names of all documents and repositories.

    ids    uint16 or uint32, the tokens of all paths, then those of all names of repositories
    first  int64[documents + repositories + 1]: the path of document d is ids[first[d] : first[d + 1]], and the name of
           repository r is ids[first[documents + r] : first[documents + r + 1]]
    unit   int64[documents], ascending: the number of each document's repository
    """

    ids: NDArray[Any]
    first: NDArray[np.int64]
    unit: NDArray[np.int64]

    def path_sizes(self, documents: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tokens of the paths of some documents."""
        sizes: NDArray[np.int64] = self.first[documents + 1] - self.first[documents]
        return sizes

    def unit_sizes(self, documents: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tokens of the names of their repositories."""
        return self.path_sizes(len(self.unit) + self.unit[documents])


def units_of(repo: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The number of each document's repository, from 0: one more wherever `repo` changes.

    >>> units_of(np.array([7, 7, 3, 7], np.uint64)).tolist()
    [0, 0, 1, 2]
    """
    return np.concatenate([np.zeros(min(1, len(repo)), np.int64), np.cumsum(repo[1:] != repo[:-1])])


def names_bytes(paths: Sequence[NDArray[Any]], units: Sequence[NDArray[Any]], dtype: "np.dtype[Any]") -> bytes:
    """The bytes of a names file, from the tokens of each path and of each repository's name."""
    counts = [("<u4", [len(ids) for ids in names]) for names in (paths, units)]
    return write_columns([*counts, (dtype.str, np.concatenate([np.empty(0, dtype), *paths, *units]))])


def read_names(root: Path, shards: Sequence[Shard], index: Index, dtype: "np.dtype[Any]") -> Names:
    """The names of all parts. Raises StopRun if a file was changed or does not fit the index."""
    sizes: tuple[list[NDArray[Any]], list[NDArray[Any]]] = [np.zeros(1, np.int64)], [np.empty(0, np.int64)]
    ids: tuple[list[NDArray[Any]], list[NDArray[Any]]] = [np.empty(0, dtype)], [np.empty(0, dtype)]
    before = begin_of = 0
    units: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for shard in shards:
        unit = units_of(index.repo[begin_of : begin_of + shard.documents])
        begin_of += shard.documents
        count = int(unit[-1]) + 1 if len(unit) else 0
        content = read_checked(root, shard.names_file, shard.names_sha256)
        counted = np.frombuffer(content[: 4 * (len(unit) + count)], "<u4").astype(np.int64)
        tokens = content[4 * len(counted) :]
        if len(counted) != len(unit) + count or len(tokens) != int(counted.sum()) * dtype.itemsize:
            raise StopRun(f"{shard.names_file} does not fit its documents", "fetch this file again")
        held = np.frombuffer(tokens, dtype)
        paths = int(counted[: len(unit)].sum())
        for kind, begin, end, some in ((0, 0, len(unit), held[:paths]), (1, len(unit), None, held[paths:])):
            sizes[kind].append(counted[begin:end])
            ids[kind].append(some)
        units.append(unit + before)
        before += count
    first = np.cumsum(np.concatenate([*sizes[0], *sizes[1]]))
    return Names(np.concatenate([*ids[0], *ids[1]]), first, np.concatenate(units))
