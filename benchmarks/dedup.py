"""`make bench-dedup`: signatures, banding and clusters against datasketch; the whole stage against two other pipelines.

In: real code (`corpus.py`) with planted copies (`planted.py`). Out: ratios of CPU time, and how much of the truth was
found. Methods take turns in one process wherever both can live in one; the other pipelines run on a slice, in processes
of their own, and are extended to the size of ours by their marginal cost. CPU time is of the process and its children.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import venv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import dedup_labelled
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from corpus import code_files
from datasketch import MinHash, MinHashLSH
from dedup_incremental import incremental_metrics
from dedup_stage import THRESHOLD, stage_apart, write_blobs
from measuring import Metric, metric, report
from numpy.typing import NDArray
from planted import planted, similar_pairs

from gleanery.dedup import bands
from gleanery.dedup.clusters import Forest
from gleanery.dedup.signatures import Parameters, as_minhash, read_signatures, shingle_sets, sign_texts
from gleanery.dedup.texts import joined_texts
from gleanery.pipeline.caches import user_cache
from gleanery.records.ids import blob_id
from gleanery.records.parquet import iter_rows

HERE = Path(__file__).parent
PARAMETERS = Parameters()
PEERS = ("text-dedup", "datatrove")


@dataclass(frozen=True)
class Sizes:
    """How much is measured: MB of code and documents."""

    megabytes: float
    rounds: int
    signatures: int
    truth: int
    stage: tuple[int, int]
    slices: tuple[int, int]


STAGE_TURNS = 3
QUICK = Sizes(20, 2, 3_000, 1_500, (1_000, 10_000), (200, 1_000))
FULL = Sizes(400, 7, 100_000, 20_000, (100_000, 1_000_000), (2_000, 10_000))


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: about a minute")
    sizes = QUICK if parser.parse_args().quick else FULL
    with tempfile.TemporaryDirectory(prefix="gleanery-bench-") as folder:
        root = Path(folder)
        found = signatures_against_datasketch(sizes)
        found += truth_found(sizes, root / "truth")
        found += clusters_against_datasketch(sizes)
        found += stage_against_pipelines(sizes, root)
        found += incremental_metrics(sizes.megabytes, min(sizes.rounds, 3))
        report("dedup", found)
    dedup_labelled.main()


def cpu(work: Callable[[], Any]) -> float:
    """CPU seconds of one call in this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def signatures_against_datasketch(sizes: Sizes) -> list[Metric]:
    """Both sign the same 1.5 MB of files in each round, from texts to 256 numbers, in turns."""
    every = [f.content.decode("utf-8") for f in islice(code_files(sizes.megabytes), 0, None, 29)]
    each = max(1, min(len(every) // sizes.rounds, 150))
    sign_texts(every[:2], PARAMETERS)
    ratios, speeds, theirs = [], [], []
    for number in range(sizes.rounds):
        texts = every[number * each : (number + 1) * each]
        size = sum(len(t.encode()) for t in texts) / 1e6
        slow = cpu(partial(_sign_with_datasketch, texts))
        fast = statistics.median(cpu(partial(sign_texts, texts, PARAMETERS)) for _ in range(5))
        ratios.append(slow / fast)
        speeds.append(size / fast)
        theirs.append(size / slow)
    peer = {"datasketch update_batch on a set (MB/s)": statistics.median(theirs)}
    return [metric("signature_ratio", ratios, "x"), metric("signature_mb_s", speeds, "MB/s", peer)]


_WORD = re.compile(r"\w+")


def _sign_with_datasketch(texts: Sequence[str]) -> list[MinHash]:
    return [_with_datasketch(text) for text in texts]


def _with_datasketch(text: str) -> MinHash:
    words = [word.encode() for word in _WORD.findall(text)]
    sketch = MinHash(PARAMETERS.permutations)
    sketch.update_batch({b" ".join(words[i : i + 5]) for i in range(len(words) - 4)})
    return sketch


def clusters_against_datasketch(sizes: Sizes) -> list[Metric]:
    """Both make clusters of all that share a band, from the same signatures; the clusters must be equal."""
    signed: list[tuple[int, bytes]] = []
    batch: list[str] = []
    for document in planted(sizes.signatures, sizes.megabytes, 2000):
        batch.append(document.text)
        if len(batch) == 4096:
            signed += sign_texts(batch, PARAMETERS)
            batch.clear()
    signed = [one for one in signed + sign_texts(batch, PARAMETERS) if one[0]]
    matrix = read_signatures([signature for _, signature in signed], PARAMETERS)
    counts = np.array([n for n, _ in signed])
    ours: list[NDArray[np.integer[Any]]] = []
    _clusters(matrix[:100], counts[:100], sieved=False)
    _clusters(matrix[:100], counts[:100], sieved=True)
    fast = [cpu(lambda: ours.append(_clusters(matrix, counts, sieved=False))) for _ in range(7)]
    sieved = [cpu(lambda: _clusters(matrix, counts, sieved=True)) for _ in range(7)]
    sketches = [as_minhash(signature, PARAMETERS) for _, signature in signed]
    theirs: list[NDArray[np.int64]] = []
    slow = cpu(lambda: theirs.append(_clusters_of_datasketch(sketches)))
    if not np.array_equal(ours[0], theirs[0]):
        raise SystemExit("the clusters are not those of datasketch")
    peer = {"datasketch insert, query, union-find (us a signature)": slow / len(signed) * 1e6}
    return [
        metric("cluster_ratio", [slow / seconds for seconds in fast], "x"),
        metric("cluster_us", [seconds / len(signed) * 1e6 for seconds in fast], "us a signature", peer),
        metric("cluster_sieved_us", [seconds / len(signed) * 1e6 for seconds in sieved], "us a signature"),
    ]


def _clusters(matrix: NDArray[np.uint32], counts: NDArray[np.int64], *, sieved: bool) -> NDArray[np.integer[Any]]:
    banding, rows = bands.Banding(), np.arange(len(matrix))
    bits = bands.signature_bits(matrix) if sieved else np.empty((len(matrix), 0), np.uint64)
    sketches = bands.Sketches(bits, counts if sieved else np.ones(len(matrix), np.int64))
    forest = Forest(len(matrix))
    for keys in bands.band_keys(matrix, banding):
        found = bands.candidate_pairs(keys, rows, sketches, bands.Sieve(THRESHOLD))
        forest.join(found.left, found.right)
    return forest.smallest()


def _clusters_of_datasketch(sketches: Sequence[MinHash]) -> NDArray[np.int64]:
    banding = bands.Banding()
    index = MinHashLSH(num_perm=PARAMETERS.permutations, params=(banding.bands, banding.rows))
    for number, sketch in enumerate(sketches):
        index.insert(number, sketch)
    parents = list(range(len(sketches)))

    def root(node: int) -> int:
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    for number, sketch in enumerate(sketches):
        for other in index.query(sketch):
            low, high = sorted((root(number), root(other)))
            parents[high] = low
    return np.array([root(number) for number in range(len(sketches))])


def truth_found(sizes: Sizes, root: Path) -> list[Metric]:
    """Pairs and removals of the real stage among whole files with planted copies, against an exact join."""
    texts = [document.text for document in planted(sizes.truth, sizes.megabytes, None)]
    stage_apart(write_blobs(root, _named(texts)))
    distinct = {blob_id(text.encode()): text for text in texts}
    names = sorted(distinct)
    pairs, jaccard = similar_pairs(
        shingle_sets(joined_texts([distinct[name] for name in names]), PARAMETERS), THRESHOLD
    )
    true = {(names[i], names[j]) for i, j in pairs.tolist()}
    rows = [row for path in sorted((root / "tables/pairs").glob("*.parquet")) for row in iter_rows(path)]
    measured = {(row["left_blob_id"], row["right_blob_id"]): row["jaccard"] for row in rows}
    found = {pair for pair, similarity in measured.items() if similarity >= THRESHOLD}
    exact = dict(zip(((names[i], names[j]) for i, j in pairs.tolist()), jaccard.tolist(), strict=True))
    if any(abs(exact.get(pair, 0) - measured[pair]) > 1e-12 for pair in found):
        raise SystemExit("a measured similarity is not the true one")
    precision, recall = len(found & true) / max(1, len(found)), len(found & true) / max(1, len(true))
    removed = removals(names, found)
    right = sum((min(pair), max(pair)) in true for pair in removed.items())
    least = bands.Banding()
    expected = statistics.fmean(bands.expected_recall(j, least) for j in exact.values())
    return [
        metric("pair_f1", [2 * precision * recall / (precision + recall)], "F1 at 0.7"),
        metric("pair_recall", [recall], "share", {"expected for these pairs": expected}),
        metric("removed_precision", [right / max(1, len(removed))], "share"),
        metric("true_pairs", [len(true)], "pairs"),
    ]


def removals(names: Sequence[str], pairs: set[tuple[str, str]]) -> dict[str, str]:
    """What goes, and the kept one that it is like: in the order of ids, a document goes if one before it is like it."""
    like: dict[str, list[str]] = defaultdict(list)
    for left, right in pairs:
        like[right].append(left)
    gone: dict[str, str] = {}
    for name in names:
        kept = [other for other in like[name] if other not in gone]
        if kept:
            gone[name] = min(kept)
    return gone


def stage_at_two_sizes(sizes: Sizes, root: Path) -> list[Metric]:
    """The whole stage on two sizes: what a document costs, and how CPU and memory grow. Both sizes take turns."""

    def folder_of(documents: int, parts: int = 0) -> Path:
        texts = (document.text for document in planted(documents, sizes.megabytes, 2000, sizes.stage[0]))
        return write_blobs(root / f"stage-{documents}", _named(texts), parts)

    folders = [folder_of(documents) for documents in sizes.stage]
    turns = [[stage_apart(folder) for folder in folders] for _ in range(STAGE_TURNS)]
    small, large = (sorted(runs, key=itemgetter("cpu"))[STAGE_TURNS // 2] for runs in zip(*turns, strict=True))
    eighth = stage_apart(folder_of(sizes.stage[1] // 8, max(1, large["parts"] // 8)))  # so its parts are as large
    for folder in root.glob("stage-*"):
        shutil.rmtree(folder)
    larger = sizes.stage[1] / sizes.stage[0]
    return [
        metric("stage_cpu_us", [large["cpu"] / sizes.stage[1] * 1e6], "us a document", large["steps"]),
        metric(
            "cpu_growth_10x",
            [after["cpu"] / before["cpu"] / larger for before, after in turns],
            "x of linear",
            {
                "measured pairs a document, of the small run": small["pairs"] / sizes.stage[0],
                "measured pairs a document, of the large run": large["pairs"] / sizes.stage[1],
                "us a document, of the small run": small["cpu"] / sizes.stage[0] * 1e6,
            },
        ),
        metric(
            "memory_growth_10x",
            [large["private"] / small["private"]],
            "x",
            {
                "peak MB, of the small run": small["private"] / 1e6,
                "peak MB": large["private"] / 1e6,
                "before any work, MB": large["before"] / 1e6,
                "MB of content in a part, of the small run": small["part"] / 1e6,
                "MB of content in a part": large["part"] / 1e6,
                "to an eighth of the documents in parts of the same size (x)": large["private"] / eighth["private"],
                "peak MB, of that eighth": eighth["private"] / 1e6,
                "with mapped files, which the system may drop (x)": large["resident"] / small["resident"],
                "with mapped files, peak MB": large["resident"] / 1e6,
            },
        ),
    ]


def stage_against_pipelines(sizes: Sizes, root: Path) -> list[Metric]:
    """The whole stage, and other pipelines on two slices, whose marginal cost is compared with it."""
    found = stage_at_two_sizes(sizes, root)
    ours = found[0].value / 1e6
    some = [document.text for document in planted(sizes.slices[1], sizes.megabytes, 2000, sizes.stage[0])]
    pairs, _ = similar_pairs(shingle_sets(joined_texts(some), PARAMETERS), THRESHOLD)
    true = {(f"{i:08d}", f"{j:08d}") for i, j in pairs.tolist()}
    for tool in PEERS:
        few, many = (_peer(tool, some[:n], root / f"{tool}-{n}") for n in sizes.slices)
        marginal = (many["cpu"] - few["cpu"]) / (sizes.slices[1] - sizes.slices[0])
        recall, precision = judged({f"{n:08d}" for n in range(len(some))}, set(many["kept"]), true)
        found.append(
            metric(
                f"stage_ratio_{tool.replace('-', '_')}",
                [marginal / ours],
                "x",
                {"us a document": marginal * 1e6, "recall": recall, "precision": precision},
            )
        )
    folder = root / "slice"
    stage_apart(write_blobs(folder, _named(some)))
    kept = {row["id"] for path in sorted((folder / "kept").glob("*.parquet")) for row in iter_rows(path, ["id"])}
    number = {blob_id(text.encode()): f"{n:08d}" for n, text in reversed(list(enumerate(some)))}
    recall, precision = judged({f"{n:08d}" for n in range(len(some))}, {number[name] for name in kept}, true)
    return [*found, metric("slice_recall", [recall], "share"), metric("slice_precision", [precision], "share")]


def _named(texts: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    return (("a.py", text.encode()) for text in texts)


def judged(every: set[str], kept: set[str], true: set[tuple[str, str]]) -> tuple[float, float]:
    """Of the similar pairs, the share of which one went; of what went, the share that is similar to something kept."""
    like: dict[str, set[str]] = defaultdict(set)
    for left, right in true:
        like[left].add(right)
        like[right].add(left)
    gone = every - kept
    recall = sum(left in gone or right in gone for left, right in true) / max(1, len(true))
    return recall, sum(bool(like[one] & kept) for one in gone) / max(1, len(gone))


def _peer(tool: str, texts: Sequence[str], folder: Path) -> dict[str, Any]:
    """One run of another pipeline, with the same documents."""
    source = folder / "in"
    source.mkdir(parents=True)
    pq.write_table(pa.table({"id": [f"{n:08d}" for n in range(len(texts))], "text": list(texts)}), source / "a.parquet")
    command = [str(_peer_python()), str(HERE / "dedup_peers.py"), tool, str(source), str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _peer_python() -> Path:
    """The interpreter with the other tools; installed into the cache when first asked for."""
    folder = user_cache() / "bench-dedup-peers"
    python, ready = folder / "bin/python", folder / "ready"
    if not ready.exists():
        venv.create(folder, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "-r", str(HERE / "requirements-dedup-peers.txt")]
        subprocess.run(command, check=True)
        ready.touch()
    return python


if __name__ == "__main__":
    main()
