"""Stage 3, before the candidates: which contents bear witness against their copies, and which are kept first.

In: what was judged of each file (`stage4_judge`), and the numbers of contents. Out: for each content a byte, 0 or its
kind of witness, and its standing: the rank of its best file that may be kept. In a crowd not all pairs are looked at,
but those with a witness are, so a forbidden file bars its copies however many there are; and so are those with the
copies that `keeper` takes first. Costs 3 us for each file and 10 us for one that is forbidden; 25 bytes for a content.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gleanery.dedup.origin import packed_ranks, packed_ties
from gleanery.licensing.names import license_role
from gleanery.pipeline.arrays import scratch
from gleanery.pipeline.contents import Contents
from gleanery.pipeline.exchange import id_range, read_range
from gleanery.pipeline.markers import Marker
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task, arrays_of, data_files
from gleanery.pipeline.steps import Step

# What answers one kind may not answer the next, so in crowds each kind has its own. A licence: of a content that some
# file holds which is in no fork; nothing answers it. An objection: of one that some file holds which is neither
# third-party code nor in a fork. What only other files say is weak.
LICENCE, OBJECTION, WEAK = 1, 2, 3
_TEXTS_OF_LAW = frozenset(("license", "notice", "reuse"))
_LAST = np.uint64((1 << 64) - 1)
_FLAGS = ("restricted", "opted_out", "fork", "vendored")
_TEXT = ("blob_id", "file_id", "repo_id", "path", "reason")
_JUDGED = pa.schema(
    [
        *((name, pa.string()) for name in _TEXT),
        *((flag, pa.bool_()) for flag in (*_FLAGS, "own_license", "complete")),
        ("first_commit_at", pa.int64()),
        ("repo_files", pa.int64()),
    ]
)


def witnesses_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 3 of 9: the contents that a licence or an owner forbids. Later steps are redone only if these change."""
    work, tasks, reads = f"{__name__}:mark_witnesses", (Task("all"),), ("lookup", "judge")
    return Step("cluster", "witnesses", "3 of 7  witnesses", work, tasks, {}, reads, unit="contents")


def bears_witness(file: Mapping[str, Any]) -> bool:
    """Whether a judged file speaks against its copies. A licence text is nobody's own: neither its owner's objection
    nor its licence does. So are the texts that records of licences (`debian/copyright`) and notices hold."""
    return (file["restricted"] or file["opted_out"]) and license_role(file["path"]) not in _TEXTS_OF_LAW


def mark_witnesses(shard: Shard) -> None:
    """Mark the contents of all files that bear witness, and rank all, the files of some repositories at a time."""
    ids = Contents(shard.root).indexed("ids")
    names = np.ascontiguousarray(ids).view("S20").reshape(len(ids))  # bytes in the order of bytes, as the ids are
    memory = scratch(shard.data(f".{shard.task.name}.tmp"), 25 * len(ids))
    ranks, kinds = memory[: 24 * len(ids)].view(np.uint64).reshape(-1, 3), memory[24 * len(ids) :]
    ranks[:] = _LAST
    for path in data_files(shard.root, "judge"):
        judged = read_range([path], "blob_id", *id_range(0, 1), _JUDGED, _JUDGED.names)
        places = _places(names, judged.column("blob_id"))
        judged, places = judged.filter(pa.array(places >= 0)), places[places >= 0]
        _rank(ranks, places, judged)
        forbidden = pc.or_(judged.column("restricted"), judged.column("opted_out")).to_numpy()
        for place, row in zip(places[forbidden].tolist(), judged.filter(pa.array(forbidden)).to_pylist(), strict=True):
            if bears_witness(row):
                firm = LICENCE if row["restricted"] else OBJECTION
                weak = row["fork"] or (row["vendored"] and not row["restricted"])
                kind = WEAK if weak else firm
                kinds[place] = min(kind, kinds[place] or kind)
    shard.write_arrays({"kinds": kinds, "standing": ranks})
    count = int(np.count_nonzero(kinds))
    shard.counts |= {"in": len(ids), "kept": count, "rejected": len(ids) - count}


def _places(names: NDArray[np.bytes_], blobs: pa.ChunkedArray) -> NDArray[np.int64]:
    """The number of each content; -1 for one that has none."""
    wanted = np.array([bytes.fromhex(blob) for blob in blobs.to_pylist()], "S20")
    places = np.searchsorted(names, wanted)
    there = places < len(names)
    there[there] = names[places[there]] == wanted[there]
    return np.where(there, places, -1)


def _rank(ranks: NDArray[np.uint64], places: NDArray[np.int64], judged: pa.Table) -> None:
    """Enter the ranks of some files into those of their contents. Contents of which no file may be kept stay last."""
    eligible = pc.equal(judged.column("reason"), "kept").to_numpy()
    places, judged = places[eligible], judged.filter(pa.array(eligible))
    flags = {name: judged.column(name).to_numpy() for name in ("vendored", "fork", "own_license", "complete")}
    at = judged.column("first_commit_at")
    depth = pc.count_substring(judged.column("path"), "/").to_numpy()
    unknown, times = at.is_null().to_numpy(), at.fill_null(0).to_numpy()
    first = packed_ranks(np.ones(len(places), bool), **flags, first_commit_at=times, unknown=unknown)
    ids = (judged.column(name).to_pylist() for name in ("repo_id", "file_id"))
    second, third = packed_ties(judged.column("repo_files").to_numpy(), next(ids), depth, next(ids))
    order = np.lexsort((third, second, first, places))
    order = order[np.diff(places[order], prepend=-1) > 0]
    places, found = places[order], np.column_stack((first[order], second[order], third[order]))
    held = ranks[places]
    same = np.logical_and.accumulate(found == held, axis=1)
    better = (found < held)[:, 0] | ((found < held)[:, 1:] & same[:, :-1]).any(axis=1)
    ranks[places[better]] = found[better]


def witness_kinds(root: Path) -> NDArray[np.uint8]:
    """The byte of each content: 0, `LICENCE`, `OBJECTION` or `WEAK`."""
    kinds: NDArray[np.uint8] = arrays_of(root, "witnesses")["kinds"]
    return kinds


def standing(root: Path) -> NDArray[np.uint64]:
    """The rank of each content in three numbers, as `keeper` takes copies: the smaller one first."""
    ranks: NDArray[np.uint64] = arrays_of(root, "witnesses")["standing"]
    return ranks
