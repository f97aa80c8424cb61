"""Stage 3, second half: find contents that are the same in some way, and measure how much.

In: the prints and keys of all contents, and `blobs` for those that have to be measured. Out: `pairs` (every candidate
with its measures and its class) and `clusters`. Only numbers travel between parts, never text. Step 4 of 9 (candidates)
finds contents that share a key; step 5 (pairs) joins what was found and takes from an earlier run what was measured
there; step 6 (sketch) makes the shingles of the others; step 7 (verify) measures; steps 8 and 9 join pairs to clusters.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gleanery.dedup.bands import Sieve, Sketches, group, plausible_pairs
from gleanery.dedup.clusters import Forest
from gleanery.dedup.containment import SCALE, shared_samples, worth_measuring
from gleanery.dedup.normal_form import code_of
from gleanery.dedup.prints import label
from gleanery.dedup.sameness import CLASSES, Policy, classify_all
from gleanery.dedup.signatures import ShingleSets, joined_sets, shingle_sets
from gleanery.dedup.texts import joined_texts
from gleanery.dedup.verify import jaccards, shared_counts
from gleanery.pipeline.arrays import map_array, write_array
from gleanery.pipeline.exchange import write_sorted
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.stage2_annotate import blob_tasks
from gleanery.pipeline.stage3_sign import Contents, banding, dedup_parameters, previous_range, wanted_texts
from gleanery.pipeline.steps import Marker, Shard, Step, Task
from gleanery.records.parquet import read_table, write_table
from gleanery.records.tables import TABLES

# Rows that one task of `candidates` sorts at once; 100 bytes each while it does.
ROWS_AT_ONCE = 4 << 20
SAMPLES_EACH = 40  # of a typical content; only the number of tasks depends on it
FORMS = 2  # the keys after those of the bands
EDGES = pa.schema([("cluster_id", pa.string()), *TABLES["pairs"].schema])
MEASURED = np.dtype([("pair", "<u8"), ("jaccard", "<f8"), ("containment", "<f8"), ("inner", "i1")])
LABELS = np.dtype([("content", "<u4"), ("cluster", "<u4")])
_U32 = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_Pairs = NDArray[np.uint64]  # left << 32 | right, left < right


def candidates_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 4 of 9: contents that share a key of a band or a form, or hashes of a sample."""
    contents = max(1, markers["sign"].counts["kept"])
    bands = banding(settings).bands
    each, ranges = max(1, min(-(-bands // 4), ROWS_AT_ONCE // contents)), -(-contents // ROWS_AT_ONCE)
    spans = [(first, min(bands, first + each)) for first in range(0, bands, each)]
    spans += [(bands + form, bands + form + 1) for form in range(FORMS)]
    slices = max(2, -(-contents * SAMPLES_EACH // ROWS_AT_ONCE))
    tasks = [
        Task(f"band-{first:03d}-{r:03d}", {"bands": [first, last], "range": [r, ranges]})
        for first, last in spans
        for r in range(ranges)
    ]
    tasks += [Task(f"sample-{r:05d}", {"range": [r, slices]}) for r in range(slices)]
    work, parameters = f"{__name__}:candidates_part", {"threshold": settings.dedup.threshold}
    return Step(
        "cluster", "candidates", "3 of 7  candidates", work, tuple(tasks), parameters, ("band", "lookup"), unit="keys"
    )


def pairs_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 5 of 9: each candidate once, and what an earlier run measured."""
    work, reads = f"{__name__}:pairs_part", ("lookup", "candidates")
    parameters = {"prints": label(dedup_parameters(settings.dedup))}
    return Step("cluster", "pairs", "3 of 7  pairs", work, blob_tasks(markers), parameters, reads, unit="pairs")


def sketch_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 6 of 9: the shingles of contents that have to be measured, sent to where that is done."""
    work, reads = f"{__name__}:sketch_part", ("gather", "sign", "lookup", "pairs")
    parameters = {"prints": label(dedup_parameters(settings.dedup))}
    return Step("cluster", "sketch", "3 of 7  sketch", work, blob_tasks(markers), parameters, reads, unit="contents")


def verify_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 7 of 9: the exact measures of each candidate pair, and its class."""
    work = f"{__name__}:verify_part"
    parameters = dataclasses.asdict(sameness_policy(settings))
    tasks, owns = blob_tasks(markers), ("tables/pairs/*",)
    reads = ("lookup", "pairs", "sketch")
    return Step("cluster", "verify", "3 of 7  verify", work, tasks, parameters, reads, owns=owns, unit="pairs")


def components_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 8 of 9: which contents hang together."""
    work, tasks = f"{__name__}:make_components", (Task("all"),)
    return Step("cluster", "components", "3 of 7  components", work, tasks, {}, ("verify",), unit="pairs")


def clusters_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 9 of 9: the table of clusters, and the pairs of each."""
    work, owns = f"{__name__}:clusters_part", ("tables/clusters/*",)
    tasks, reads = blob_tasks(markers), ("lookup", "verify", "components")
    return Step("cluster", "clusters", "3 of 7  clusters", work, tasks, {}, reads, owns=owns, unit="pairs")


def sameness_policy(settings: Settings) -> Policy:
    """Which classes drop a copy, and which only bar it."""
    actions = {name: getattr(settings.dedup, name) for name in CLASSES}
    return Policy(settings.dedup.threshold, settings.dedup.contained_threshold, **actions)


def candidates_part(shard: Shard) -> None:
    """Candidate pairs of some bands, or of one range of sampled hashes."""
    contents, payload = Contents(shard.root), shard.task.payload
    if "bands" in payload:
        pairs, counts, rows, capped = _share_a_key(shard, contents)
    else:
        pairs, counts, rows, capped = _share_samples(contents, *payload["range"])
    for kind, array in (("pairs", pairs), ("counts", counts)):
        path = shard.data(f"{shard.task.name}.{kind}.npy")
        shard.wrote(path, write_array(path, array))
    shard.counts |= {"in": rows, "kept": rows}
    shard.notes["capped_buckets"] = capped


def _share_a_key(shard: Shard, contents: Contents) -> tuple[_Pairs, _Pairs, int, int]:
    """Pairs that share the key of one of some bands; keys of one range of their values."""
    (first, last), (number, of) = shard.task.payload["bands"], shard.task.payload["range"]
    low, high = (number << 64) // of, (((number + 1) << 64) // of) - 1
    keys, members = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for band in range(first, last):
        for part, base in enumerate(contents.bases[:-1].tolist()):
            column = contents.part(part, "keys")[band]
            inside = (column >= np.uint64(max(1, low))) & (column <= np.uint64(high))
            keys.append(column[inside])
            members.append(contents.part(part, "rows")[inside].astype(np.int64) + base)
    key, member = np.concatenate(keys), np.concatenate(members)
    if first >= banding(shard.settings).bands:  # equal forms are the same by definition: no sieve
        pairs, counts, capped = shared_samples(key, member, contents.indexed("shingles"))
        return pairs, counts[:0].astype(np.uint64), len(key), capped
    grouped = group(key, member)
    distinct = grouped.distinct()
    sketches = Sketches(distinct, contents.gather(distinct, "bits"), contents.gather(distinct, "shingles"))
    found = plausible_pairs(grouped, sketches, Sieve(shard.settings.dedup.threshold))
    return _packed(found.left, found.right), np.empty(0, np.uint64), len(key), found.let_go


def _share_samples(contents: Contents, number: int, of: int) -> tuple[_Pairs, _Pairs, int, int]:
    """Pairs that share sampled hashes of one range, and how many."""
    span = (1 << 64) // SCALE
    low, high = number * span // of, (number + 1) * span // of
    found = []
    for part, base in enumerate(contents.bases[:-1].tolist()):
        samples = contents.part(part, "samples")
        start, stop = np.searchsorted(samples["hash"], np.array([low, high], np.uint64))
        rows = samples[start:stop]
        found.append((rows["hash"], rows["row"].astype(np.int64) + base))
    hashes, members = (np.concatenate(column) for column in zip(*found, strict=True))
    pairs, counts, capped = shared_samples(hashes, members, contents.indexed("sizes"))
    return pairs, counts.astype(np.uint64), len(hashes), capped


def _packed(left: NDArray[np.generic], right: NDArray[np.generic]) -> _Pairs:
    return (left.astype(np.uint64) << _U32) | right.astype(np.uint64)


def pairs_part(shard: Shard) -> None:
    """Candidates whose smaller number lies in this part: those measured before, and those to measure."""
    contents, part = Contents(shard.root), shard.task.payload["part"]
    low, high = (int(n) << 32 for n in contents.bases[part : part + 2])
    folder = shard.root / "work/candidates/data"
    found = [_between(path, low, high) for path in sorted(folder.glob("band-*.pairs.npy"))]
    found.append(_contained(contents, folder, low, high))
    pairs = np.unique(np.concatenate(found))
    known, remembered = _measured_before(shard, contents, pairs)
    still = pairs[~known]
    arrays = {"open": still, "turned": np.sort((still << _U32) | (still >> _U32)), "known": remembered}
    for kind, array in arrays.items():
        path = shard.data(f"{shard.task.name}.{kind}.npy")
        shard.wrote(path, write_array(path, array))
    shard.counts |= {"in": len(pairs), "kept": len(pairs)}
    shard.notes["remembered"] = len(remembered)


def _between(path: Path, low: int, high: int) -> _Pairs:
    pairs = map_array(path)
    start, stop = np.searchsorted(pairs, np.array([low, high], np.uint64))
    return np.asarray(pairs[start:stop])


def _contained(contents: Contents, folder: Path, low: int, high: int) -> _Pairs:
    """Pairs that share enough of their samples, added up over all ranges of hashes."""
    pairs: list[_Pairs] = [np.empty(0, np.uint64)]
    counts: list[_Pairs] = [np.empty(0, np.uint64)]
    for path in sorted(folder.glob("sample-*.pairs.npy")):
        all_pairs = map_array(path)
        start, stop = np.searchsorted(all_pairs, np.array([low, high], np.uint64))
        pairs.append(all_pairs[start:stop])
        counts.append(map_array(path.with_name(path.name.replace(".pairs.", ".counts.")))[start:stop])
    distinct, place = np.unique(np.concatenate(pairs), return_inverse=True)
    shared = np.bincount(place, np.concatenate(counts), len(distinct)).astype(np.int64)
    left, right = distinct >> _U32, distinct & _LOW
    smaller = np.minimum(contents.gather(left, "sizes"), contents.gather(right, "sizes"))
    return distinct[worth_measuring(shared, smaller.astype(np.int64))]


def _measured_before(shard: Shard, contents: Contents, pairs: _Pairs) -> tuple[NDArray[np.bool_], NDArray[np.void]]:
    """Which pairs an earlier run measured, and their measures. A measure depends on nothing but the two contents."""
    known, measured = np.zeros(len(pairs), bool), np.empty(0, MEASURED)
    columns = ["left_blob_id", "right_blob_id", "inner_blob_id", "jaccard", "containment"]
    old = previous_range(shard, "pairs", "left_blob_id", columns)
    left, right = pairs >> _U32, pairs & _LOW
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
    measured["jaccard"], measured["containment"] = rows.column("jaccard"), rows.column("containment")
    measured["inner"] = pc.not_equal(rows.column("inner_blob_id"), rows.column("left_blob_id")).to_numpy()
    return known, measured


def sketch_part(shard: Shard) -> None:
    """Shingles of the contents of one part that stand in open pairs, for whoever measures those."""
    contents, part = Contents(shard.root), shard.task.payload["part"]
    base, end = contents.bases[part : part + 2].tolist()
    folder = shard.root / "work/pairs/data"
    numbers = [map_array(folder / f"{shard.task.name}.open.npy") >> _U32]
    numbers += [_between(path, base << 32, end << 32) >> _U32 for path in sorted(folder.glob("*.turned.npy"))]
    wanted = np.zeros(end - base, bool)
    wanted[np.concatenate(numbers).astype(np.int64) - base] = True
    whole, code = _shingled(shard, wanted)
    arrays = {"content": np.flatnonzero(wanted) + base}
    arrays |= {"whole": whole.values, "whole-offsets": whole.offsets}
    arrays |= {"code": code.values, "code-offsets": code.offsets}
    for kind, array in arrays.items():
        path = shard.data(f"{shard.task.name}.{kind}.npy")
        shard.wrote(path, write_array(path, array))
    count = int(np.count_nonzero(wanted))
    shard.counts |= {"in": count, "kept": count}


def _shingled(shard: Shard, wanted: NDArray[np.bool_]) -> tuple[ShingleSets, ShingleSets]:
    """The shingles of the wanted contents of one part, of the whole text and of the code in it."""
    parameters = dedup_parameters(shard.settings.dedup)
    styles = read_table(shard.table("signatures"), ["style"]).column("style")
    whole, code = [], []
    for rows in wanted_texts(shard.table("blobs"), wanted):
        texts = joined_texts([text for _, text in rows])
        whole.append(shingle_sets(texts, parameters))
        code.append(shingle_sets(code_of(texts, [styles[row].as_py() for row, _ in rows]), parameters))
    return joined_sets(whole), joined_sets(code)


def verify_part(shard: Shard) -> None:
    """Measure the pairs whose smaller number lies in this part, and write all of them with their class."""
    contents, part = Contents(shard.root), shard.task.payload["part"]
    folder = shard.root / "work/pairs/data"
    still, known = (map_array(folder / f"{shard.task.name}.{kind}.npy") for kind in ("open", "known"))
    found = np.concatenate([np.asarray(known), _measured(shard, contents, part, still)])
    found = found[np.argsort(found["pair"])]
    left, right = found["pair"] >> _U32, found["pair"] & _LOW
    forms = [contents.gather(side, "forms").reshape(len(found), 2, 16) for side in (left, right)]
    same = (forms[0] == forms[1]).all(axis=2) & forms[0].any(axis=2)
    sameness = classify_all(
        found["jaccard"], found["containment"], same[:, 0], same[:, 1], sameness_policy(shard.settings)
    )
    lefts, rights = contents.ids(left), contents.ids(right)
    columns = {
        "left_blob_id": lefts,
        "right_blob_id": rights,
        "jaccard": found["jaccard"],
        "containment": found["containment"],
        "inner_blob_id": pc.if_else(pa.array(found["inner"] == 0), lefts, rights),
        "same_normal_form": same[:, 0],
        "same_renamed_form": same[:, 1],
        "sameness": sameness.names,
        "similarity": sameness.similarity,
        "duplicate": sameness.drops,
        "bars": sameness.bars,
    }
    path = shard.table("pairs")
    shard.wrote(path, write_table(path, "pairs", pa.table(columns)))
    joined = found["pair"][sameness.bars]
    path = shard.data(f"{shard.task.name}.joined.npy")
    shard.wrote(path, write_array(path, joined))
    duplicates = int(np.count_nonzero(sameness.drops))
    shard.counts |= {"in": len(found), "kept": duplicates, "rejected": len(found) - duplicates}
    shard.notes["measured"] = len(still)


def _measured(shard: Shard, contents: Contents, part: int, pairs: _Pairs) -> NDArray[np.void]:
    """The measures of some pairs. Their shingles are mapped, not read, however many partners a content has."""
    left, right = (pairs >> _U32).astype(np.int64), (pairs & _LOW).astype(np.int64)
    measured = np.empty(len(pairs), MEASURED)
    measured["pair"] = pairs
    parts = contents.part_of(right)
    for other in np.unique(parts).tolist():
        inside = parts == other
        sides = (part, left[inside]), (other, right[inside])
        (whole, code), (whole2, code2) = ([_sketch(shard, contents, p, k) for k in ("whole", "code")] for p, _ in sides)
        one, two = (np.searchsorted(_sketched(shard, contents, p), numbers) for p, numbers in sides)
        both = shared_counts(whole, whole2, one, two)
        sizes, sizes2 = code.sizes_of(one), code2.sizes_of(two)
        measured["jaccard"][inside] = jaccards(both, whole.sizes_of(one), whole2.sizes_of(two))
        measured["containment"][inside] = shared_counts(code, code2, one, two) / np.maximum(
            np.minimum(sizes, sizes2), 1
        )
        measured["inner"][inside] = sizes > sizes2
    return measured


def _sketched(shard: Shard, contents: Contents, part: int) -> NDArray[np.int64]:
    """The numbers of the contents of a part that have shingles in `work/sketch`."""
    return map_array(shard.root / "work/sketch/data" / f"{contents.names[part]}.content.npy")


def _sketch(shard: Shard, contents: Contents, part: int, kind: str) -> ShingleSets:
    folder, name = shard.root / "work/sketch/data", contents.names[part]
    return ShingleSets(map_array(folder / f"{name}.{kind}.npy"), map_array(folder / f"{name}.{kind}-offsets.npy"))


def make_components(shard: Shard) -> None:
    """The cluster of each content that has a pair of a class that counts. Holds 60 bytes for each such pair."""
    files = sorted((shard.root / "work/verify/data").glob("*.joined.npy"))
    pairs = np.concatenate([np.empty(0, np.uint64), *(map_array(path) for path in files)])
    left, right = pairs >> _U32, pairs & _LOW
    contents = np.unique(np.concatenate([left, right]))
    forest = Forest(len(contents))
    forest.join(np.searchsorted(contents, left), np.searchsorted(contents, right))
    labels = np.empty(len(contents), LABELS)
    labels["content"], labels["cluster"] = contents, contents[forest.smallest()]
    path = shard.data("labels.npy")
    shard.wrote(path, write_array(path, labels))
    shard.counts |= {"in": len(pairs), "kept": len(pairs)}


def clusters_part(shard: Shard) -> None:
    """The clusters of the contents of one part, and its pairs with their cluster."""
    contents, part = Contents(shard.root), shard.task.payload["part"]
    labels = map_array(shard.root / "work/components/data/labels.npy")
    start, stop = np.searchsorted(labels["content"], contents.bases[part : part + 2])
    own = labels[start:stop]
    rows = pa.table({"blob_id": contents.ids(own["content"]), "cluster_id": contents.ids(own["cluster"])})
    path = shard.table("clusters")
    shard.wrote(path, write_table(path, "clusters", rows))
    pairs = read_table(shard.table("pairs"))
    pairs = pairs.filter(pairs.column("bars"))
    place = pc.index_in(pairs.column("left_blob_id"), rows.column("blob_id").combine_chunks())
    edges = pairs.add_column(0, EDGES.field(0), rows.column("cluster_id").take(place)).cast(EDGES)
    path = shard.data(f"{shard.task.name}.parquet")
    shard.wrote(path, write_sorted(path, edges, "cluster_id", "left_blob_id", "right_blob_id"))
    shard.counts |= {"in": edges.num_rows, "kept": edges.num_rows}


def edge_files(root: Path) -> list[Path]:
    """The pairs that count, sorted by cluster."""
    return sorted((root / "work/clusters/data").glob("*.parquet"))
