"""Stage 3, second part: which contents are worth comparing.

In: the keys of all contents. Out: pairs of numbers. Step 4 of 9 (candidates) finds contents that share a key of a band
or of a form, or hashes of a sample; step 5 of 9 (pairs) joins what was found and takes from an earlier run what was
measured there. Only numbers travel between parts, never text.

A task of step 4 holds the keys of one band at once, or the sampled hashes of one range, `ROWS_AT_ONCE` of them or so,
and 30 bytes for each. How many hashes there are is what step 1 counted: a file of a megabyte has thousands.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gleanery.dedup.bands import Sieve, Sketches, candidate_pairs
from gleanery.dedup.containment import Shared, shared_samples, slice_of, worth_measuring
from gleanery.dedup.prints import label
from gleanery.pipeline.arrays import map_arrays
from gleanery.pipeline.contents import Contents, Pairs, between, lefts, packed, rights
from gleanery.pipeline.exchange import USUAL_PARTS, part_name
from gleanery.pipeline.markers import Marker, rests_on
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.stage2_annotate import blob_tasks
from gleanery.pipeline.stage3_sign import banding, dedup_parameters, previous_range
from gleanery.pipeline.stage3_witnesses import standing, witness_kinds
from gleanery.pipeline.steps import Step

ROWS_AT_ONCE = 1 << 20
TASKS = 6  # for the bands of a small run; a large one has one for each band, or more
FORMS = 2  # the keys after those of the bands
FEW_CONTENTS, RANGE_CONTENTS = 1 << 13, 1 << 14
MEASURES = ("jaccard", "containment", "shared_code", "code_jaccard")
MEASURED = np.dtype([("pair", "<u8"), *((name, "<f8") for name in MEASURES), ("inner", "i1")])


def candidates_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 4 of 9: contents that share a key of a band or a form, or hashes of a sample."""
    contents = max(1, markers["sign"].counts["kept"])
    bands, ranges = banding(settings).bands, -(-contents // ROWS_AT_ONCE)
    each = max(1, min(-(-bands // TASKS), ROWS_AT_ONCE // contents))
    spans = [(first, min(bands, first + each)) for first in range(0, bands, each)]
    spans += [(bands + form, bands + form + 1) for form in range(FORMS)]
    slices = 2
    while slices * ROWS_AT_ONCE < markers["sign"].notes.get("sampled", 0):
        slices *= 2
    tasks = [
        Task(f"band-{first:03d}-{r:03d}", {"bands": [first, last], "range": [r, ranges]})
        for first, last in spans
        for r in range(ranges)
    ]
    tasks += [Task(f"sample-{r:05d}", {"range": [r, slices]}) for r in range(slices)]
    work = f"{__name__}:candidates_part"
    parameters = {"threshold": settings.dedup.threshold, "near_code": settings.dedup.near_code}
    reads = ("sign", "lookup", "witnesses")
    return Step("cluster", "candidates", "3 of 7  candidates", work, tuple(tasks), parameters, reads, unit="keys")


def pairs_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 5 of 9: each candidate once, and what an earlier run measured.

    Pairs do not say by which rules they were measured. They are those of the signatures beside them if nothing was
    signed anew since: a run that was stopped after that has older pairs beside newer signatures.
    """
    work, reads = f"{__name__}:pairs_part", ("lookup", "candidates")
    previous = settings.run.previous
    believed = previous is not None and rests_on(settings.path(previous), "verify", ("gather", "sign", "witnesses"))
    tasks = tuple(Task(task.name, {**task.payload, "believed": believed}) for task in range_tasks(markers))
    parameters = {"prints": label(dedup_parameters(settings.dedup))}
    return Step("cluster", "pairs", "3 of 7  pairs", work, tasks, parameters, reads, unit="pairs")


def range_tasks(markers: Mapping[str, Marker], at_most: int = RANGE_CONTENTS) -> tuple[Task, ...]:
    """One task for each range of ids: some parts of `blobs` in a row, with `at_most` contents or so.

    Work on pairs is by range: a part has only as many contents as a worker can read texts of, which is few for pairs.
    A small run has up to `USUAL_PARTS` of them, if that leaves `FEW_CONTENTS` for each.
    """
    parts, contents, ranges = len(blob_tasks(markers)), markers["sign"].counts["kept"], 1
    while ranges * at_most < contents or (ranges < USUAL_PARTS and ranges * FEW_CONTENTS < contents):
        ranges *= 2
    count = min(parts, ranges)
    return tuple(Task(part_name(part, count), {"part": part, "parts": count}) for part in range(count))


def own_parts(shard: Shard, contents: Contents) -> range:
    """The parts of `blobs` in the range of a task."""
    return contents.parts_of(shard.task.payload["part"], shard.task.payload["parts"])


def candidates_part(shard: Shard) -> None:
    """Candidate pairs of some bands, or of one range of sampled hashes."""
    contents, payload = Contents(shard.root), shard.task.payload
    if "bands" in payload:
        pairs, rows, capped = _share_a_key(shard, contents)
        arrays: dict[str, NDArray[Any]] = {"pairs": pairs}
    else:
        shared, rows = _share_samples(contents, witness_kinds(shard.root), *payload["range"])
        hidden, times = np.unique(shared.hidden, return_counts=True)
        arrays = {"pairs": shared.pairs, "counts": shared.counts, "hidden": hidden, "times": times}
        capped = shared.large
    shard.write_arrays(arrays)
    shard.counts |= {"in": rows, "kept": rows}
    shard.notes["capped_buckets"] = capped


def _share_a_key(shard: Shard, contents: Contents) -> tuple[Pairs, int, int]:
    """Pairs that share the key of one of some bands; keys of one range of their values."""
    found: list[Pairs] = [np.empty(0, np.uint64)]
    taken, capped = 0, 0
    bits, shingles, marks, code = (contents.indexed(kind) for kind in ("bits", "shingles", "marks", "code_shingles"))
    sketches = Sketches(bits, shingles, marks, code, witness_kinds(shard.root), standing(shard.root))
    sieve = Sieve(shard.settings.dedup.threshold, shard.settings.dedup.near_code)
    for band in range(*shard.task.payload["bands"]):
        key, member = _keys(contents, band, *shard.task.payload["range"])
        taken += len(key)
        if band >= banding(shard.settings).bands:  # equal forms are the same by definition: no sieve
            equal = shared_samples(key, member, contents.indexed("shingles"))
            found, capped = [*found, equal.pairs], capped + equal.large
            continue
        plausible = candidate_pairs(key, member, sketches, sieve)
        found.append(plausible.pairs)
        capped += plausible.let_go
    return np.unique(np.concatenate(found)), taken, capped


def _keys(contents: Contents, band: int, number: int, of: int) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    """The keys of a band in one of `of` equal ranges, and whose they are; 0 is no key. Holds no others."""
    low, high = (number << 64) // of, (((number + 1) << 64) // of) - 1
    keys, members = [np.empty(0, np.uint64)], [np.empty(0, np.uint32)]
    for part, base in enumerate(contents.bases[:-1].astype(np.uint32)):
        column, rows = contents.part(part)["keys"][band], contents.part(part)["rows"]
        if of > 1 or not column.all():
            inside = np.flatnonzero((column >= np.uint64(max(1, low))) & (column <= np.uint64(high)))
            column, rows = column[inside], rows[inside]
        keys.append(column)
        members.append(rows + base)
    return np.concatenate(keys), np.concatenate(members)


def _share_samples(contents: Contents, witnesses: NDArray[np.uint8], number: int, of: int) -> tuple[Shared, int]:
    """Pairs that share sampled hashes of one range, and how many."""
    found = []
    for part, base in enumerate(contents.bases[:-1].astype(np.uint32)):
        arrays = contents.part(part)
        own = slice_of(arrays["samples"], number, of)
        found.append((arrays["samples"][own], arrays["sampled"][own] + base))
    hashes, members = (np.concatenate(column) for column in zip(*found, strict=True))
    return shared_samples(hashes, members, contents.indexed("sizes"), witnesses), len(hashes)


def pairs_part(shard: Shard) -> None:
    """Candidates whose smaller number lies in this range: those measured before, and those to measure."""
    contents = Contents(shard.root)
    low, high = contents.bounds(own_parts(shard, contents))
    folder = shard.root / "work/candidates/data"
    found = [between(map_arrays(path)["pairs"], low, high) for path in sorted(folder.glob("band-*.arrays"))]
    found.append(_contained(contents, sorted(folder.glob("sample-*.arrays")), low, high))
    pairs = np.unique(np.concatenate(found))
    known, remembered = _measured_before(shard, contents, pairs)
    still = pairs[~known]
    arrays = {"open": still, "turned": np.sort(packed(rights(still), lefts(still))), "known": remembered}
    shard.write_arrays(arrays)
    shard.counts |= {"in": len(pairs), "kept": len(pairs)}
    shard.notes["remembered"] = len(remembered)


def _contained(contents: Contents, paths: Iterable[Path], low: int, high: int) -> Pairs:
    """Pairs that share enough of their samples, added up over all ranges of hashes."""
    pairs: list[Pairs] = [np.empty(0, np.uint64)]
    counts: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    hidden: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    times: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for path in paths:
        arrays = map_arrays(path)
        hidden.append(arrays["hidden"])
        times.append(arrays["times"])
        start, stop = np.searchsorted(arrays["pairs"], np.array([low << 32, high << 32], np.uint64))
        pairs.append(arrays["pairs"][start:stop])
        counts.append(arrays["counts"][start:stop])
    distinct, place = np.unique(np.concatenate(pairs), return_inverse=True)
    shared = np.bincount(place, np.concatenate(counts), len(distinct)).astype(np.int64)
    sizes = [contents.gather(side, "sizes").astype(np.int64) for side in (lefts(distinct), rights(distinct))]
    members, place = np.unique(np.concatenate(hidden), return_inverse=True)
    visible = np.ones(len(distinct))
    if len(members):  # only in crowds with many forbidden contents
        unseen = np.bincount(place, np.concatenate(times), len(members))
        for side, size in zip((lefts(distinct), rights(distinct)), sizes, strict=True):
            at = np.minimum(np.searchsorted(members, side.astype(np.int64)), len(members) - 1)
            share = np.where(members[at] == side.astype(np.int64), unseen[at], 0) / np.maximum(size, 1)
            visible = np.minimum(visible, 1 - share)
    return distinct[worth_measuring(shared, np.minimum(*sizes), visible)]


def _measured_before(shard: Shard, contents: Contents, pairs: Pairs) -> tuple[NDArray[np.bool_], NDArray[np.void]]:
    """Which pairs an earlier run measured, and their measures. A measure depends on nothing but the two contents."""
    known, measured = np.zeros(len(pairs), bool), np.empty(0, MEASURED)
    if not shard.task.payload["believed"]:
        return known, measured
    columns = ["left_blob_id", "right_blob_id", "inner_blob_id", *MEASURES]
    old = previous_range(shard, "pairs", "left_blob_id", columns)
    left, right = lefts(pairs), rights(pairs)
    if not old.num_rows or not len(pairs):
        return known, measured
    both = np.flatnonzero(contents.gather(left, "old") & contents.gather(right, "old"))
    names = pc.binary_join_element_wise(contents.ids(left[both]), contents.ids(right[both]), "")
    olds = pc.binary_join_element_wise(old.column("left_blob_id"), old.column("right_blob_id"), "")
    index = pc.index_in(names, olds.combine_chunks())
    found = index.is_valid().to_numpy(zero_copy_only=False)
    rows = old.take(index.filter(pa.array(found)))
    known[both[found]] = True
    measured = np.empty(rows.num_rows, MEASURED)
    measured["pair"] = pairs[known]
    for name in MEASURES:
        measured[name] = rows.column(name)
    measured["inner"] = pc.not_equal(rows.column("inner_blob_id"), rows.column("left_blob_id")).to_numpy()
    return known, measured
