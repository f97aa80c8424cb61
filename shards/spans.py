"""Spans: stretches of a document that make a good middle, as the nodes of its syntax tree.

In: for each document the spans that a parser found, as bytes of its stored text. Out: `Spans`, which the loader opens
with the release. Lines need no spans: a loader finds them in the tokens. How long a text is, only its tokens say; so a
span that ends behind it is found where it is used, and passed over (cuts.py).

A span costs 8 bytes on disk; the writer of a release chooses how many it keeps for each document.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.shards.index import read_checked, read_columns
from gleanery.shards.layout import Shard


@dataclass(frozen=True)
class Spans:
    """The spans of all documents, by ordinal: those of document d are entries first[d] to first[d + 1].

    first       int64[documents + 1]
    begin, end  uint32[spans], bytes of the stored text, begin < end; ascending by (begin, end) within a document
    """

    first: NDArray[np.int64]
    begin: NDArray[np.uint32]
    end: NDArray[np.uint32]

    def are_sound(self) -> bool:
        """Whether each ends behind its beginning, and those of a document ascend.

        >>> Spans(np.array([0, 2, 3]), np.array([4, 4, 1], np.uint32), np.array([5, 9, 2], np.uint32)).are_sound()
        True
        """
        begin, end, opens = self.begin, self.end, np.zeros(len(self.begin) + 1, np.bool_)
        opens[self.first] = True  # the first of a document has none before it
        rise = (begin[1:] > begin[:-1]) | (begin[1:] == begin[:-1]) & (end[1:] >= end[:-1])
        return bool((begin < end).all() and (rise | opens[1:-1]).all())


def read_spans(root: Path, shards: Sequence[Shard]) -> Spans | None:
    """The spans of all parts, or None if the release was written without. Raises StopRun if a file does not fit."""
    if not any(shard.spans for shard in shards):
        return None
    counts: list[NDArray[Any]] = [np.zeros(1, np.int64)]
    begins: list[NDArray[Any]] = [np.empty(0, np.uint32)]
    ends: list[NDArray[Any]] = [np.empty(0, np.uint32)]
    for shard in shards:
        if not shard.spans:
            counts.append(np.zeros(shard.documents, np.int64))
            continue
        kinds = [("<u4", shard.documents), ("<u4", shard.spans), ("<u4", shard.spans)]
        try:
            count, begin, end = read_columns(read_checked(root, shard.spans_file, shard.spans_sha256), kinds)
        except ValueError as error:
            raise StopRun(f"{shard.spans_file} does not fit its documents", "fetch this file again") from error
        if int(count.sum(dtype=np.int64)) != shard.spans:
            raise StopRun(f"{shard.spans_file} does not fit its documents", "fetch this file again")
        counts.append(count.astype(np.int64))
        begins.append(begin)
        ends.append(end)
    spans = Spans(np.cumsum(np.concatenate(counts)), np.concatenate(begins), np.concatenate(ends))
    if not spans.are_sound():
        raise StopRun("a span of the release ends before it begins, or stands out of order", "do not train on it")
    return spans
