"""What an incremental run of the deduplication stage costs, where one file in a hundred is new.

In: real code (`corpus.py`). Out: `incremental_metrics`, for `benchmarks/dedup.py`; by itself, the figures as JSON. Both
runs do all steps of the stage on all contents, in one process, taking turns: one from zero, one with `run.previous`.
CPU time of that process, with everything compiled before. The tables must be equal byte for byte.
"""

import argparse
import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path

from corpus import code_files
from dedup_stage import run_steps, write_blobs
from measuring import Metric, metric

from gleanery.pipeline.settings import RunSettings, Settings
from gleanery.records.ids import blob_id

TABLES = ("signatures", "pairs", "clusters")
NEW_IN = 100


def incremental_metrics(megabytes: float, rounds: int) -> list[Metric]:
    """The CPU of an incremental run as a share of that of a run from zero. Raises RuntimeError if tables differ."""
    with tempfile.TemporaryDirectory(prefix="gleanery-bench-") as name:
        folder = Path(name)
        write_blobs(folder / "before", _contents(megabytes, old_only=True))
        run_steps(folder / "before", Settings())  # also compiles everything
        again = replace(Settings(), run=RunSettings(previous=str(folder / "before")))
        for which in ("zero", "again"):
            write_blobs(folder / which, _contents(megabytes, old_only=False))
        run_steps(folder / "again", again)
        shares, zero_seconds, steps = [], [], dict[str, float]()
        for _ in range(rounds):
            zero = run_steps(folder / "zero", Settings())
            incremental = run_steps(folder / "again", again)
            if _digests(folder / "zero") != _digests(folder / "again"):
                raise RuntimeError("an incremental run gave other tables than a run from zero")
            shares.append(sum(incremental.values()) / sum(zero.values()))
            zero_seconds.append(sum(zero.values()))
            steps = {f"{step} (share of zero)": incremental[step] / sum(zero.values()) for step in zero}
        sizes = [len(content) for _, content in _contents(megabytes, old_only=False)]
    return [
        metric("incremental_share", shares, "of CPU from zero", steps),
        metric("incremental_contents", [len(sizes)], "contents"),
        metric("stage_from_zero_mb_s", [sum(sizes) / 1e6 / seconds for seconds in zero_seconds], "MB/CPU-s"),
    ]


def _contents(megabytes: float, *, old_only: bool) -> Iterator[tuple[str, bytes]]:
    """Base names and contents; `old_only`: without the hundredth of them whose id says so."""
    for file in code_files(megabytes):
        if not old_only or int(blob_id(file.content)[8:24], 16) % NEW_IN:
            yield file.path.rpartition("/")[2], file.content


def _digests(root: Path) -> Sequence[str]:
    files = chain.from_iterable(sorted((root / "tables" / name).glob("*.parquet")) for name in TABLES)
    return [f"{path.parent.name}/{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", type=float, nargs="?", default=400.0)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    found = incremental_metrics(arguments.megabytes, arguments.rounds)
    print(json.dumps([asdict(one) for one in found], indent=1))


if __name__ == "__main__":
    main()
