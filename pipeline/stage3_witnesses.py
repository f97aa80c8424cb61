"""Stage 3, before the candidates: which contents bear witness against their copies.

In: what was judged of each file (`stage4_judge`), and the numbers of contents. Out: a byte for each content, 0 or its
kind of witness. In a crowd not all pairs are looked at, but those with a witness are, so a forbidden file
bars its copies however many there are. Costs 10 us for each file that is forbidden, and nothing where none is.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gleanery.licensing.names import license_role
from gleanery.pipeline.arrays import map_arrays, write_arrays
from gleanery.pipeline.contents import Contents
from gleanery.pipeline.exchange import id_range, read_range
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.steps import Marker, Shard, Step, Task

# What answers one kind may not answer the next, so in crowds each kind has its own. A licence or an objection: of a
# content that some file holds which is neither third-party code nor in a fork. Hardly anything answers that licence.
LICENCE, OBJECTION, WEAK = 1, 2, 3
_TEXTS_OF_LAW = frozenset(("license", "notice", "reuse"))
_FLAGS = ("restricted", "opted_out", "fork", "vendored")
_JUDGED = pa.schema([("blob_id", pa.string()), ("path", pa.string()), *((flag, pa.bool_()) for flag in _FLAGS)])
_KINDS = "work/witnesses/data/all.arrays"


def witnesses_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 3 of 9: the contents that a licence or an owner forbids. Later steps are redone only if these change."""
    work, tasks, reads = f"{__name__}:mark_witnesses", (Task("all"),), ("lookup", "judge")
    return Step("cluster", "witnesses", "3 of 7  witnesses", work, tasks, {}, reads, unit="contents")


def bears_witness(file: Mapping[str, Any]) -> bool:
    """Whether a judged file speaks against its copies. A licence text is nobody's own: neither its owner's objection
    nor its licence does. So are the texts that records of licences (`debian/copyright`) and notices hold."""
    return (file["restricted"] or file["opted_out"]) and license_role(file["path"]) not in _TEXTS_OF_LAW


def mark_witnesses(shard: Shard) -> None:
    """Mark the contents of all files that bear witness, the files of some repositories after the other."""
    ids = Contents(shard.root).indexed("ids")
    names = np.ascontiguousarray(ids).view("S20").reshape(len(ids))  # bytes in the order of bytes, as the ids are
    kinds = np.zeros(len(ids), np.uint8)
    for path in sorted((shard.root / "work/judge/data").glob("*.parquet")):
        judged = read_range([path], "blob_id", *id_range(0, 1), _JUDGED, _JUDGED.names)
        judged = judged.filter(pc.or_(judged.column("restricted"), judged.column("opted_out")))
        for row in filter(bears_witness, judged.to_pylist()):
            wanted = np.bytes_(bytes.fromhex(row["blob_id"]))
            place = np.searchsorted(names, wanted)
            if place < len(names) and names[place] == wanted:
                firm = LICENCE if row["restricted"] else OBJECTION
                kind = WEAK if row["fork"] or row["vendored"] else firm
                kinds[place] = min(kind, kinds[place] or kind)
    path = shard.root / _KINDS
    shard.wrote(path, write_arrays(path, {"kinds": kinds}))
    count = int(np.count_nonzero(kinds))
    shard.counts |= {"in": len(ids), "kept": count, "rejected": len(ids) - count}


def witness_kinds(root: Path) -> NDArray[np.uint8]:
    """The byte of each content: 0, `LICENCE`, `OBJECTION` or `WEAK`."""
    kinds: NDArray[np.uint8] = map_arrays(root / _KINDS)["kinds"]
    return kinds
