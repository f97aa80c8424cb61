"""Fill-in-the-middle: a piece of a document is cut at two characters and its parts are put in another order.

In: the tokens of a piece, or of a segment that was cut. Out: its three parts, or its tokens in the order of the source.
The source of the form is Bavarian and others 2022 (arXiv 2207.14255); `<PRE>` is the token of the role `<fim_prefix>`:

    PSM   <PRE> prefix <SUF> suffix <MID> middle <EOT>
    SPM   <PRE> <SUF> suffix <MID> prefix middle <EOT>     (their second variant; prefix and middle encoded apart)

How a piece is cut is in cuts.py. Costs are in docs/reference/shards.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import WrongArguments
from gleanery.shards.chance import u64
from gleanery.shards.cut_places import CHARACTER, draw_cuts
from gleanery.shards.cuts import EXACT, MOST_NEW, NEW_1, NEW_4, PLACES, WINDOW_BYTES, cut_piece
from gleanery.shards.spelling import Spelling
from gleanery.shards.splits import splits_of

PREFIX, SUFFIX, MIDDLE, END = "<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<|endoftext|>"
REPOSITORY_NAME, FILE_BEGINS = "<repo_name>", "<file_sep>"


@dataclass(frozen=True)
class Parts:
    """The three parts of one piece, in the order of the source. Joined, they spell the piece's bytes."""

    prefix: NDArray[np.int32]
    middle: NDArray[np.int32]
    suffix: NDArray[np.int32]


def fim_undo(ids: NDArray[Any], control_ids: Mapping[str, int]) -> NDArray[Any]:
    """The tokens of one piece in the order of the source, without control tokens.

    `ids` is what stands from `begin` + `head` of an entry of `segments` to the next one, in any form; what comes back
    spells the piece's bytes. Control tokens are never part of a document, so the parts can be told apart without doubt.
    Raises WrongArguments for a segment of a repository, which holds names, and mostly several files.

    >>> ids = {"<fim_prefix>": 1, "<fim_middle>": 2, "<fim_suffix>": 3, "<|endoftext|>": 0}
    >>> fim_undo(np.array([1, 50, 51, 3, 70, 2, 60, 0]), ids).tolist()
    [50, 51, 60, 70]
    """
    names = [control_ids[role] for role in (REPOSITORY_NAME, FILE_BEGINS) if role in control_ids]
    if np.isin(ids, names).any():
        hint = "give one piece: from `segments.begin` + `segments.head` to the next `segments.begin`"
        raise WrongArguments("this is a segment of a repository, with names", hint)
    parts = split_segment(ids, control_ids)
    return np.concatenate([parts.prefix, parts.middle, parts.suffix])


def split_segment(ids: NDArray[Any], control_ids: Mapping[str, int]) -> Parts:
    """The parts of one segment. In the SPM form prefix and middle are one, in `middle`, as is all of a plain piece."""
    if len(ids) and ids[-1] == control_ids[END]:
        ids = ids[:-1]
    if not len(ids) or ids[0] != control_ids[PREFIX]:
        return Parts(ids[:0], ids, ids[:0])
    suffix = int(np.flatnonzero(ids == control_ids[SUFFIX])[0])
    middle = int(np.flatnonzero(ids == control_ids[MIDDLE])[0])
    return Parts(ids[1:suffix], ids[middle + 1 :], ids[suffix + 1 : middle])


def cut(piece: NDArray[Any], bits: int, spelling: Spelling, growth: int, kind: int = CHARACTER) -> tuple[Parts, bool]:
    """The parts of one piece for 64 keyed bits, and whether each is exactly what the tokenizer gives for it alone.

    For tests and tools; a loader calls the compiled parts for whole batches. `kind` is CHARACTER or LINE.
    """
    tokens = np.ascontiguousarray(piece)
    place, new, text = np.zeros(PLACES, np.int64), np.empty(MOST_NEW, np.int32), np.empty(WINDOW_BYTES, np.uint8)
    book, drawn = spelling.book, np.zeros(4, np.int64)
    splits = splits_of(spelling, np.dtype("<u2" if spelling.size <= 1 << 16 else "<u4"))
    draw_cuts(tokens, u64(bits), 0, kind, book, drawn)
    cut_piece(tokens, u64(bits), kind, growth, spelling.exact, book, splits, drawn, place, new, text)
    kept: list[int] = place[:4].tolist()
    one, two, three, four = place[NEW_1 : NEW_4 + 1].tolist()
    whole = tokens.astype(np.int32)
    parts = Parts(
        np.concatenate([whole[: kept[0]], new[:one]]),
        np.concatenate([new[one:two], whole[kept[1] : kept[2]], new[two:three]]),
        np.concatenate([new[three:four], whole[kept[3] :]]),
    )
    return parts, bool(place[EXACT])
