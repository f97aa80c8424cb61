"""Stage 3, cluster: find contents that are nearly the same, and measure how much.

In: `signatures` and `blobs`. Out: `pairs` (every candidate with its exact Jaccard similarity) and `clusters`. Only
band keys, ids and shingle hashes travel between parts, never text. Step 1 of 5 (band) cuts signatures into bands;
step 2 (candidates) finds contents that share a band; step 3 (sketch) makes the shingles of candidates only; step 4
(verify) measures each pair; step 5 (clusters) joins pairs at or above the threshold.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gleanery.dedup.bands import Banding, band_keys, candidate_pairs
from gleanery.dedup.clusters import components
from gleanery.dedup.signatures import shingle_hashes
from gleanery.dedup.verify import jaccard
from gleanery.pipeline.exchange import id_range, part_name, read_range, write_sorted
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.stage2_annotate import blob_tasks, dedup_parameters
from gleanery.pipeline.steps import Marker, Shard, Step, Task
from gleanery.quality.filters import decode
from gleanery.records.ids import partition
from gleanery.records.parquet import iter_rows, read_table, table_of, write_table

KEYS = pa.schema([("band_key", pa.uint64()), ("blob_id", pa.string())])
CANDIDATES = pa.schema([("blob_id", pa.string()), ("other_id", pa.string())])
SKETCHES = pa.schema([("part", pa.int64()), ("blob_id", pa.string()), ("shingles", pa.large_binary())])
EDGES = pa.schema(
    [
        ("cluster_id", pa.string()),
        ("left_blob_id", pa.string()),
        ("right_blob_id", pa.string()),
        ("jaccard", pa.float64()),
    ]
)


def band_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 1 of 5: cut each signature into bands."""
    parameters = {"banding": _banding_plain(settings), "signature": dedup_parameters(settings.dedup).label}
    work = f"{__name__}:band_part"
    tasks = blob_tasks(markers)
    return Step("cluster", "band", "3 of 7  band", work, tasks, parameters, ("annotate",), unit="contents")


def candidates_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 2 of 5: contents that share a band, one range of band keys a task."""
    parts = len(blob_tasks(markers))
    tasks = tuple(Task(part_name(p, parts), {"part": p, "parts": parts}) for p in range(parts))
    work = f"{__name__}:candidates_part"
    return Step("cluster", "candidates", "3 of 7  candidates", work, tasks, {}, ("band",), unit="bands")


def sketch_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 3 of 5: the shingles of every candidate, sent to where its pairs are measured."""
    work = f"{__name__}:sketch_part"
    parameters = {"signature": dedup_parameters(settings.dedup).label}
    reads = ("gather", "candidates")
    return Step("cluster", "sketch", "3 of 7  sketch", work, blob_tasks(markers), parameters, reads, unit="candidates")


def verify_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 4 of 5: the exact similarity of each candidate pair."""
    work = f"{__name__}:verify_part"
    parameters = {"threshold": settings.dedup.threshold}
    reads = ("candidates", "sketch")
    tasks, owns = blob_tasks(markers), ("tables/pairs/*",)
    return Step("cluster", "verify", "3 of 7  verify", work, tasks, parameters, reads, owns=owns, unit="pairs")


def clusters_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 5 of 5: connected components of the duplicate pairs."""
    work = f"{__name__}:make_clusters"
    tasks, owns = (Task("all"),), ("tables/clusters/*",)
    return Step("cluster", "clusters", "3 of 7  clusters", work, tasks, {}, ("verify",), owns=owns, unit="pairs")


def band_part(shard: Shard) -> None:
    """Band keys of one part of `signatures`; contents too short for a shingle have none."""
    parameters = dedup_parameters(shard.settings.dedup)
    table = read_table(shard.table("signatures"), ["blob_id", "signature"])
    signed = [(b, s) for b, s in zip(*(c.to_pylist() for c in table.columns), strict=True) if s]
    matrix = np.frombuffer(b"".join(s for _, s in signed), "<u4").reshape(len(signed), parameters.permutations)
    keys = band_keys(matrix, _banding(shard.settings))
    ids = np.repeat(np.array([b for b, _ in signed], dtype=object), keys.shape[1] if len(signed) else 0)
    rows = pa.table([pa.array(keys.ravel(), pa.uint64()), pa.array(ids, pa.string())], schema=KEYS)
    path = shard.data(f"{shard.task.name}.parquet")
    shard.wrote(path, write_sorted(path, rows, "band_key", "blob_id"))
    shard.counts |= {"in": table.num_rows, "kept": len(signed), "rejected": table.num_rows - len(signed)}


def candidates_part(shard: Shard) -> None:
    """Candidate pairs of one range of band keys, in both directions, sorted by content."""
    part, parts = shard.task.payload["part"], shard.task.payload["parts"]
    low, high = (part << 64) // parts, ((part + 1) << 64) // parts
    bands = sorted((shard.root / "work/band/data").glob("*.parquet"))
    rows = read_range(bands, "band_key", low, None if part == parts - 1 else high, KEYS)
    keys = rows.column("band_key").to_numpy()
    ids = np.array(rows.column("blob_id").to_pylist(), dtype="S40")
    found = candidate_pairs(keys, ids)
    pairs = list(zip(_decoded(found.left), _decoded(found.right), strict=True))
    both = sorted(pairs + [(right, left) for left, right in pairs])
    table = pa.table([[a for a, _ in both], [b for _, b in both]], schema=CANDIDATES)
    path = shard.data(f"{shard.task.name}.parquet")
    shard.wrote(path, write_sorted(path, table, "blob_id", "other_id"))
    shard.counts |= {"in": rows.num_rows, "kept": rows.num_rows}
    shard.notes["capped_buckets"] = found.capped


def _decoded(ids: NDArray[np.generic]) -> list[str]:
    return [i.decode("ascii") for i in ids.tolist()]


def candidate_files(root: Path) -> list[Path]:
    """What step 2 wrote."""
    return sorted((root / "work/candidates/data").glob("*.parquet"))


def sketch_part(shard: Shard) -> None:
    """Shingle hashes of the candidates of one part, once for each part in which one of its pairs is measured."""
    part, parts = shard.task.payload["part"], shard.task.payload["parts"]
    others: dict[str, set[str]] = {}
    for blob, other in _candidates(shard.root, part, parts):
        others.setdefault(blob, set()).add(other)
    parameters = dedup_parameters(shard.settings.dedup)
    rows = []
    if others:
        for row in iter_rows(shard.table("blobs"), ["blob_id", "content"], 64):
            blob = row["blob_id"]
            if blob in others:
                hashes = shingle_hashes(decode(row["content"])[0] or "", parameters).astype("<u8").tobytes()
                targets = {partition(min(blob, other), parts) for other in others[blob]}
                rows += [{"part": target, "blob_id": blob, "shingles": hashes} for target in sorted(targets)]
    path = shard.data(f"{shard.task.name}.parquet")
    shard.wrote(path, write_sorted(path, pa.Table.from_pylist(rows, schema=SKETCHES), "part", "blob_id"))
    shard.counts |= {"in": len(others), "kept": len(others)}


def verify_part(shard: Shard) -> None:
    """Measure the pairs whose smaller id lies in this part."""
    part, parts = shard.task.payload["part"], shard.task.payload["parts"]
    pairs = sorted({(a, b) for a, b in _candidates(shard.root, part, parts) if a < b})
    files = sorted((shard.root / "work/sketch/data").glob("*.parquet"))
    sketches = read_range(files, "part", part, part + 1, SKETCHES, ["part", "blob_id", "shingles"])
    hashes = {
        blob: np.frombuffer(raw.as_py(), "<u8")
        for blob, raw in zip(sketches.column("blob_id").to_pylist(), sketches.column("shingles"), strict=True)
    }
    rows, duplicates = [], 0
    for left, right in pairs:
        measured = jaccard(hashes[left], hashes[right])
        duplicate = measured >= shard.settings.dedup.threshold
        duplicates += duplicate
        rows.append({"left_blob_id": left, "right_blob_id": right, "jaccard": measured, "duplicate": duplicate})
    path = shard.table("pairs")
    shard.wrote(path, write_table(path, "pairs", table_of("pairs", rows)))
    shard.counts |= {"in": len(rows), "kept": duplicates, "rejected": len(rows) - duplicates}


def make_clusters(shard: Shard) -> None:
    """Clusters of all duplicate pairs. The one step that holds all of something at once: ids and similarities."""
    edges = []
    for path in sorted((shard.root / "tables/pairs").glob("*.parquet")):
        edges += [r for r in iter_rows(path) if r["duplicate"]]
    labels = components([e["left_blob_id"] for e in edges], [e["right_blob_id"] for e in edges])
    rows = [{"blob_id": blob, "cluster_id": cluster} for blob, cluster in sorted(labels.items())]
    path = shard.table("clusters")
    shard.wrote(path, write_table(path, "clusters", table_of("clusters", rows)))
    by_cluster = [{k: e[k] for k in EDGES.names[1:]} | {"cluster_id": labels[e["left_blob_id"]]} for e in edges]
    path = shard.data("edges.parquet")
    table = pa.Table.from_pylist(by_cluster, schema=EDGES)
    shard.wrote(path, write_sorted(path, table, "cluster_id", "left_blob_id", "right_blob_id"))
    shard.counts |= {"in": len(edges), "kept": len(edges)}


def _candidates(root: Path, part: int, parts: int) -> list[tuple[str, str]]:
    low, high = id_range(part, parts)
    table = read_range(candidate_files(root), "blob_id", low, high, CANDIDATES)
    return list(zip(*(c.to_pylist() for c in table.columns), strict=True))


def _banding(settings: Settings) -> Banding:
    return Banding(settings.dedup.bands, settings.dedup.rows)


def _banding_plain(settings: Settings) -> dict[str, int]:
    return dataclasses.asdict(_banding(settings))
