"""Batches: rows of token ids, labels and positions as a trainer takes them, and what each segment of them is.

In: arrays that assembly.py has filled. Out: `Batch`. Costs half a microsecond, a third of what a frozen class would.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The label of a position from which nothing is learnt, as in torch.
IGNORED = -100
# Columns of what is known of a segment.
DOCUMENT, OFFSET, LENGTH, FORM, KEY, BEGIN, HEAD = range(7)
FACTS = 7


@dataclass(slots=True)
class Segments:
    """What a batch is made of, piece by piece: int64[segments, 7]. Padding and what was removed are pieces too.

    Where the unit of a loader is a file, each stands between two neighbours of `cu_seqlens`. Where it is a repository,
    several stand there side by side.
    """

    table: NDArray[np.int64]

    @property
    def document(self) -> NDArray[np.int64]:
        """Ordinal of the document in its release; -1 for padding and for what was removed."""
        return self.table[:, DOCUMENT]

    @property
    def offset(self) -> NDArray[np.int64]:
        """First token of the piece in its document."""
        return self.table[:, OFFSET]

    @property
    def length(self) -> NDArray[np.int64]:
        """Tokens of the document in the piece, as stored."""
        return self.table[:, LENGTH]

    @property
    def form(self) -> NDArray[np.int64]:
        """0 plain, 1 prefix-suffix-middle, 2 suffix-prefix-middle; 0 for padding."""
        return self.table[:, FORM]

    @property
    def key(self) -> NDArray[np.uint64]:
        """64 bits of chance for the segment, from seed, epoch, document and piece; for noise that a device draws."""
        return self.table[:, KEY].view(np.uint64)

    @property
    def begin(self) -> NDArray[np.int64]:
        """First position in the flattened batch; each ends where the next one begins."""
        return self.table[:, BEGIN]

    @property
    def head(self) -> NDArray[np.int64]:
        """Positions at the beginning that hold the name of a repository or a path."""
        return self.table[:, HEAD]

    def __len__(self) -> int:
        return len(self.table)


def moved(parts: Sequence[tuple[Segments, int]]) -> Segments:
    """The segments of several batches as those of one, in which each batch begins at the given position."""
    table = np.concatenate([segments.table for segments, _ in parts])
    table[:, BEGIN] += np.repeat([at for _, at in parts], [len(segments) for segments, _ in parts])
    return Segments(table)


@dataclass(slots=True, eq=False)
class Batch:
    """Rows ready to train on; B rows of S positions.

    input_ids     int64[B, S]
    labels        int64[B, S], already shifted: labels[b, i] is the token that should follow input_ids[b, i]. -100 where
                  nothing is to be learnt: at the end of a segment, in padding, and where the next token is one of
                  the three fill-in-the-middle sentinels, which a program writes and a model never has to
    position_ids  int32[B, S], from 0 in each segment
    cu_seqlens    int32[n + 1], boundaries in the flattened batch, from 0 to B × S, over which nothing attends: of
                  documents, or of repositories where that is the unit; padding at the end of a row stands alone
    segments      what stands between them, piece by piece
    epoch, index  place of the first row in the global list, for `Loader.trace`

    A loader that was asked for ids alone gives labels and position_ids without columns.
    """

    input_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    position_ids: NDArray[np.int32]
    cu_seqlens: NDArray[np.int32]
    segments: Segments
    epoch: int
    index: int

    @property
    def segment_sizes(self) -> NDArray[np.int64]:
        """Positions of each entry of `segments`."""
        found: NDArray[np.int64] = np.diff(self.segments.begin, append=self.input_ids.size)
        return found
