"""Stage 3, third part: measure how much alike the candidates are, and join what is the same into clusters.

In: pairs of numbers, and `blobs` for the contents that have to be measured. Out: `pairs` (every candidate with its
measures and its class) and `clusters`. Step 6 of 9 (sketch) makes the shingles of what has to be measured; step 7
(verify) measures; steps 8 and 9 join pairs to clusters.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gleanery.dedup.clusters import Forest
from gleanery.dedup.normal_form import STYLE_NAMES, code_of
from gleanery.dedup.prints import label
from gleanery.dedup.sameness import CLASSES, Measures, Policy, classify, do_forms_tell
from gleanery.dedup.sameness import VERSION as SAMENESS_VERSION
from gleanery.dedup.signatures import ShingleSets, shingle_sets
from gleanery.dedup.verify import jaccards, shared_counts
from gleanery.pipeline.arrays import Blocks, map_arrays, scratch
from gleanery.pipeline.contents import Contents, Pairs, between, lefts, rights, wanted_texts
from gleanery.pipeline.markers import Marker
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task, array_files, arrays_of, data_files
from gleanery.pipeline.stage2_annotate import blob_tasks
from gleanery.pipeline.stage3_candidates import MEASURED, candidates_step, own_parts, pairs_step, range_tasks
from gleanery.pipeline.stage3_sign import dedup_parameters, index_step, sign_step
from gleanery.pipeline.stage3_witnesses import witnesses_step
from gleanery.pipeline.steps import Step
from gleanery.records.parquet import read_table
from gleanery.records.tables import TABLES

EDGES = pa.schema([("cluster_id", pa.string()), *TABLES["pairs"].schema])
# Files that have less of their code in common may have been read in two ways, one of them wrong.
LITTLE_CODE = 0.5
LABELS = np.dtype([("content", "<u4"), ("cluster", "<u4")])
LABELS_AT_ONCE = 1 << 20


def sketch_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 6 of 9: the shingles of contents that have to be measured, sent to where that is done."""
    work, reads = f"{__name__}:sketch_part", ("gather", "sign", "lookup", "pairs")
    parameters = {"prints": label(dedup_parameters(settings.dedup))}
    return Step("cluster", "sketch", "3 of 7  sketch", work, blob_tasks(markers), parameters, reads, unit="contents")


def verify_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 7 of 9: the exact measures of each candidate pair, and its class."""
    work = f"{__name__}:verify_part"
    parameters = dataclasses.asdict(sameness_policy(settings)) | {"rule": SAMENESS_VERSION}
    tasks, owns = range_tasks(markers), ("tables/pairs/*",)
    reads = ("lookup", "pairs", "sketch")
    return Step("cluster", "verify", "3 of 7  verify", work, tasks, parameters, reads, owns=owns, unit="pairs")


def components_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 8 of 9: which contents hang together."""
    work, tasks = f"{__name__}:make_components", (Task("all"),)
    return Step("cluster", "components", "3 of 7  components", work, tasks, {}, ("lookup", "verify"), unit="pairs")


def clusters_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 9 of 9: the table of clusters, and the pairs of each."""
    work, owns = f"{__name__}:clusters_part", ("tables/clusters/*",)
    tasks, reads = range_tasks(markers), ("lookup", "verify", "components")
    return Step("cluster", "clusters", "3 of 7  clusters", work, tasks, {}, reads, owns=owns, unit="pairs")


def sameness_policy(settings: Settings) -> Policy:
    """Which classes drop a copy, and which only bar it."""
    actions = {name: getattr(settings.dedup, name) for name in CLASSES}
    dedup = settings.dedup
    return Policy(dedup.threshold, dedup.contained_threshold, dedup.near_code, **actions)


STEPS: tuple[Callable[[Settings, Mapping[str, Marker]], Step], ...] = (
    sign_step,
    index_step,
    witnesses_step,
    candidates_step,
    pairs_step,
    sketch_step,
    verify_step,
    components_step,
    clusters_step,
)


def sketch_part(shard: Shard) -> None:
    """Shingles of the contents of one part that stand in open pairs, for whoever measures those."""
    contents, part = Contents(shard.root), shard.task.payload["part"]
    base, end = contents.bounds(range(part, part + 1))
    wanted = np.zeros(end - base, bool)
    for path in array_files(shard.root, "pairs"):
        found = map_arrays(path)
        for pairs in (found["open"], found["turned"]):
            wanted[lefts(between(pairs, base, end)).astype(np.int64) - base] = True
    signed = contents.part(part)
    arrays: dict[str, Any] = {"content": np.flatnonzero(wanted) + base, "styles": signed["styles"][wanted]}
    for kind, sets in zip(("whole", "code"), _shingled(shard, signed, wanted), strict=True):
        arrays[f"{kind}-offsets"] = np.cumsum([0, *(size for one in sets for size in one.sizes.tolist())])
        values = [np.empty(0, np.uint64), *(one.values for one in sets)]
        arrays[kind] = Blocks(int(arrays[f"{kind}-offsets"][-1]), values[0], values)
    shard.write_arrays(arrays)
    count = int(np.count_nonzero(wanted))
    shard.counts |= {"in": count, "kept": count}


def _shingled(
    shard: Shard, signed: Mapping[str, NDArray[np.generic]], wanted: NDArray[np.bool_]
) -> tuple[list[ShingleSets], list[ShingleSets]]:
    """The shingles of the wanted contents of one part, some of them at once: of the whole text and of its code."""
    parameters = dedup_parameters(shard.settings.dedup)
    whole, code = [], []
    for rows, texts in wanted_texts(shard.table("blobs"), wanted, signed["plain"].astype(bool)):
        styles = [STYLE_NAMES[style] for style in signed["styles"][rows].tolist()]
        whole.append(shingle_sets(texts, parameters))
        code.append(shingle_sets(code_of(texts, styles), parameters))
    return whole, code


def verify_part(shard: Shard) -> None:
    """Measure the pairs whose smaller number lies in this range, and write all of them with their class."""
    contents = Contents(shard.root)
    pairs = arrays_of(shard.root, "pairs", shard.task.name)
    found = np.concatenate([pairs["known"], _measured(shard, contents, pairs["open"])])
    found = found[np.argsort(found["pair"])]
    measures = _with_forms(contents, found)
    sameness = classify(measures, sameness_policy(shard.settings))
    left_ids, right_ids = contents.ids(lefts(found["pair"])), contents.ids(rights(found["pair"]))
    columns = {
        "left_blob_id": left_ids,
        "right_blob_id": right_ids,
        "jaccard": measures.jaccard,
        "containment": measures.containment,
        "inner_blob_id": pc.if_else(pa.array(found["inner"] == 0), left_ids, right_ids),
        "shared_code": measures.shared_code,
        "code_jaccard": found["code_jaccard"],
        "same_normal_form": measures.same_normal,
        "same_renamed_form": measures.same_renamed,
        "forms_tell": measures.forms_tell,
        "sameness": sameness.names,
        "similarity": sameness.similarity,
        "duplicate": sameness.drops,
        "bars": sameness.bars,
    }
    shard.write_table("pairs", pa.table(columns))
    shard.write_arrays({"joined": found["pair"][sameness.bars]})
    duplicates = int(np.count_nonzero(sameness.drops))
    shard.counts |= {"in": len(found), "kept": duplicates, "rejected": len(found) - duplicates}
    shard.notes["measured"] = len(pairs["open"])


def _with_forms(contents: Contents, found: NDArray[np.void]) -> Measures:
    """What was measured, and what the prints of both contents say of their forms and sizes.

    The measures of code are set to 1 in `found` where the normal forms are equal.
    """
    left, right = lefts(found["pair"]), rights(found["pair"])
    forms = [contents.gather(side, "forms").reshape(len(found), 2, 16) for side in (left, right)]
    equal = (forms[0] == forms[1]).all(axis=2)
    same = equal & forms[0].any(axis=2)
    same[:, 0] &= contents.gather(left, "long_code")
    for measure in ("shared_code", "code_jaccard"):
        found[measure][equal[:, 0]] = 1  # of code that is too short for shingles, and where neither has any
    sizes = [(contents.gather(side, "code_shingles"), contents.gather(side, "shingles")) for side in (left, right)]
    tell = do_forms_tell(found["jaccard"], *sizes)
    is_long = contents.gather(np.where(found["inner"] == 0, left, right), "sizes") > 0  # short ones have no sample
    shares = found["containment"], found["shared_code"]
    return Measures(found["jaccard"], *shares, same[:, 0], same[:, 1], tell, is_long)


def _measured(shard: Shard, contents: Contents, pairs: Pairs) -> NDArray[np.void]:
    """The measures of some pairs. Their shingles are mapped, not read, however many partners a content has."""
    left, right = lefts(pairs).astype(np.int64), rights(pairs).astype(np.int64)
    measured = np.empty(len(pairs), MEASURED)
    measured["pair"] = pairs
    count = len(contents.names)
    parts = contents.part_of(left) * count + contents.part_of(right)
    order = np.argsort(parts, kind="stable")
    sketches: dict[int, _Sketch] = {}
    for inside in np.split(order, np.flatnonzero(np.diff(parts[order])) + 1) if len(pairs) else ():
        one, two = (_sketch(shard, contents, part, sketches) for part in divmod(int(parts[inside[0]]), count))
        rows, rows2 = one.rows(left[inside]), two.rows(right[inside])
        both = shared_counts(one.whole, two.whole, rows, rows2)
        sizes, sizes2 = one.code.sizes_of(rows), two.code.sizes_of(rows2)
        measured["jaccard"][inside] = jaccards(both, one.whole.sizes_of(rows), two.whole.sizes_of(rows2))
        shared = shared_counts(one.code, two.code, rows, rows2)
        measured["containment"][inside] = shared / np.maximum(np.minimum(sizes, sizes2), 1)
        measured["inner"][inside] = sizes > sizes2
        measured["code_jaccard"][inside] = jaccards(shared, sizes, sizes2)
        measured["shared_code"][inside] = _shared_code(one, two, rows, rows2, measured["containment"][inside])
    return measured


def _shared_code(
    one: "_Sketch", two: "_Sketch", rows: NDArray[np.int64], rows2: NDArray[np.int64], contained: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How much of the code of one stands in the other; where that is little, wherever in its text.

    What one file says as code may be a comment in the other: commented out, or taken for one by a reader that is no
    parser. Only of files with the same kind of comment: what is a comment in one of two kinds may be read as code in
    the other, such as the licence in the heads of both.
    """
    shares = contained.copy()
    little = np.flatnonzero((contained < LITTLE_CODE) & (one.styles[rows] == two.styles[rows2]))
    rows, rows2 = rows[little], rows2[little]
    for code, text in (
        (one.code.sizes_of(rows), shared_counts(one.code, two.whole, rows, rows2)),
        (two.code.sizes_of(rows2), shared_counts(one.whole, two.code, rows, rows2)),
    ):
        shares[little] = np.maximum(shares[little], text / np.maximum(code, 1))
    return shares


@dataclasses.dataclass(frozen=True)
class _Sketch:
    """What `sketch_part` wrote: numbers of contents in order, their styles, and their shingles."""

    contents: NDArray[np.int64]
    styles: NDArray[np.uint8]
    whole: ShingleSets
    code: ShingleSets

    def rows(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self.contents, numbers)


def _sketch(shard: Shard, contents: Contents, part: int, kept: dict[int, _Sketch]) -> _Sketch:
    if part not in kept:
        arrays = arrays_of(shard.root, "sketch", contents.names[part])
        whole, code = (ShingleSets(arrays[kind], arrays[f"{kind}-offsets"]) for kind in ("whole", "code"))
        kept[part] = _Sketch(arrays["content"], arrays["styles"], whole, code)
    return kept[part]


def make_components(shard: Shard) -> None:
    """The cluster of each content that has a pair of a class that counts.

    Pairs are read file by file; the forest, 5 bytes for each content of the run, is a file that is mapped.
    """
    size = int(Contents(shard.root).bases[-1])
    memory = scratch(shard.data(f".{shard.task.name}.tmp"), 5 * size)
    forest, clustered = Forest(size, memory[: 4 * size].view(np.uint32)), memory[4 * size : 5 * size].view(bool)
    count = 0
    for path in array_files(shard.root, "verify"):
        pairs = map_arrays(path)["joined"]
        left, right = lefts(pairs).astype(np.int64), rights(pairs).astype(np.int64)
        forest.join(left, right)
        clustered[left] = clustered[right] = True
        count += len(pairs)
    smallest = forest.smallest()
    labels = Blocks(int(np.count_nonzero(clustered)), np.empty(0, LABELS), _labels(smallest, clustered))
    shard.write_arrays({"labels": labels})
    shard.counts |= {"in": count, "kept": count}


def _labels(smallest: NDArray[np.uint32], clustered: NDArray[np.bool_]) -> Iterator[NDArray[np.void]]:
    for start in range(0, len(clustered), LABELS_AT_ONCE):
        rows = np.flatnonzero(clustered[start : start + LABELS_AT_ONCE]) + start
        labels = np.empty(len(rows), LABELS)
        labels["content"], labels["cluster"] = rows, smallest[rows]
        yield labels


def clusters_part(shard: Shard) -> None:
    """The clusters of the contents of one part, and its pairs with their cluster."""
    contents = Contents(shard.root)
    labels = arrays_of(shard.root, "components")["labels"]
    start, stop = np.searchsorted(labels["content"], contents.bounds(own_parts(shard, contents)))
    own = labels[start:stop]
    rows = pa.table({"blob_id": contents.ids(own["content"]), "cluster_id": contents.ids(own["cluster"])})
    shard.write_table("clusters", rows)
    pairs = read_table(shard.table("pairs"))
    pairs = pairs.filter(pairs.column("bars"))
    place = pc.index_in(pairs.column("left_blob_id"), rows.column("blob_id").combine_chunks())
    edges = pairs.add_column(0, EDGES.field(0), rows.column("cluster_id").take(place)).cast(EDGES)
    shard.write_data(edges, "cluster_id", "left_blob_id", "right_blob_id")
    shard.counts |= {"in": edges.num_rows, "kept": edges.num_rows}


def edge_files(root: Path) -> list[Path]:
    """The pairs that count, sorted by cluster."""
    return data_files(root, "clusters")
