"""The whole deduplication of two other tools, each in a process of its own with their packages (not with ours).

In: `dedup_peers.py TOOL INPUT FOLDER`; INPUT is a folder of Parquet files with the columns `id` and `text`. Out: one
line of JSON: {"cpu", "peak", "kept"}, CPU seconds of everything the tool started, bytes, and the ids that it kept.
Run by `dedup.py` with the packages of `requirements-dedup-peers.txt`. Both work with their own defaults, but for the
length of a shingle, 5 words, and of a text-dedup signature, 256; both with the threshold 0.7 (datatrove's is fixed by
its 14 buckets of 8 at about 0.72).
"""

import json
import resource
import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Run one tool."""
    tool, source, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    kept = {"text-dedup": text_dedup, "datatrove": datatrove}[tool](source, folder)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    print(json.dumps({"cpu": cpu, "peak": max(one.ru_maxrss for one in used) * 1024, "kept": kept}))


def text_dedup(source: Path, folder: Path) -> list[str]:
    """Its command line, as its guide shows it."""
    command = [sys.executable, "-m", "text_dedup.minhash", "--path", "parquet", "--data_files", f"{source}/*.parquet"]
    command += ["--split", "train", "--column", "text", "--cache_dir", f"{folder}/cache", "--output", f"{folder}/out"]
    command += ["--num_perm", "256", "--ngram", "5", "--threshold", "0.7", "--num_proc", "1", "--batch_size", "10000"]
    subprocess.run(command, check=True, capture_output=True)
    from datasets import load_from_disk  # type: ignore[import-not-found]  # stands in the tools' environment

    return [str(one) for one in load_from_disk(f"{folder}/out")["id"]]


def datatrove(source: Path, folder: Path) -> list[str]:
    """Its four steps, as its example does them, with one task each."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import minhash
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import ParquetWriter

    config = minhash.MinhashConfig(n_grams=5)
    reader = ParquetReader(str(source), text_key="text", id_key="id")
    signatures, pairs, remove, kept = (str(folder / name) for name in ("signatures", "pairs", "remove", "kept"))
    steps = [
        [reader, minhash.MinhashDedupSignature(signatures, config=config)],
        [minhash.MinhashDedupBuckets(signatures, pairs, config=config)],
        [minhash.MinhashDedupCluster(pairs, remove, config=config)],
        [reader, minhash.MinhashDedupFilter(remove), ParquetWriter(kept)],
    ]
    for number, pipeline in enumerate(steps):
        tasks = config.num_buckets if number == 1 else 1
        LocalPipelineExecutor(pipeline=pipeline, tasks=tasks, workers=1, logging_dir=str(folder / f"log{number}")).run()
    import pyarrow.parquet as pq

    return [
        one for path in Path(kept).rglob("*.parquet") for one in pq.read_table(path, columns=["id"])["id"].to_pylist()
    ]


if __name__ == "__main__":
    main()
