"""What looking for licences in every file costs, beside scancode's own `get_licenses` on every file.

    python benchmarks/licensing_speed.py [--quick] [--differences]

In: 210 MB of `corpus.py` (24,000 files). Out: CPU ratios, distinct scans, memory of a worker. Ours is measured on all
files, from an empty store, with the loading of the index; scancode on a seeded random sample, without it, and
extrapolated by the file. `--differences` lists the files of `licensing_full_matcher.py` where our class is not that of
the full matcher.
"""

import argparse
import contextlib
import hashlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import licensing_full_matcher as full_matcher
from corpus import CodeFile, code_files
from measuring import Metric, metric, report

from gleanery.licensing.answers import ALLOW, DENY
from gleanery.licensing.evidence import find, reading_scopes
from gleanery.licensing.expressions import all_of
from gleanery.licensing.findings import Finding, finding_of, plain_of
from gleanery.licensing.index import detector_name
from gleanery.licensing.policy import Policy
from gleanery.licensing.scan import Scanner, warm
from gleanery.pipeline.caches import Memory

MEGABYTES, QUICK_MEGABYTES = 210.0, 12.0
SAMPLE, QUICK_SAMPLE = 300, 12
SAME = 2_000
BATCH = 256
LIMIT_SECONDS = 120  # of scancode's command line
_KEY = b"gleanery licensing speed, sample 1"


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer files: about a minute")
    parser.add_argument("--differences", action="store_true", help="list each file whose class differs, with its cause")
    parser.add_argument("--ours", nargs=2, metavar=("MEGABYTES", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ours:
        print(json.dumps(ours(float(arguments.ours[0]), Path(arguments.ours[1]))))
    elif arguments.differences:
        same, found = differences(SAME)
        for name, mine, theirs, cause in found:
            print(f"{name}: ours {mine}, scancode {theirs}: {cause}")
        print(f"same class: {same:.4f}; {dict(sorted(Counter(cause for *_, cause in found).items()))}")
    else:
        report("licensing_speed", speed_metrics(arguments.quick))


def speed_metrics(quick: bool) -> list[Metric]:
    """CPU ratios to scancode for a first and a second run, scans, and the memory of a worker."""
    megabytes = QUICK_MEGABYTES if quick else MEGABYTES
    with tempfile.TemporaryDirectory(prefix="gleanery-bench-") as folder:
        first, second = (ours_apart(megabytes, Path(folder)) for _ in range(2))
    files = list(code_files(megabytes))
    seconds = reference_seconds(files, QUICK_SAMPLE if quick else SAMPLE)
    mean, error = statistics.mean(seconds), 2 * statistics.stdev(seconds) / len(seconds) ** 0.5
    whole = [(mean + shift) * len(files) for shift in (-error, 0, error)]
    print(
        f"{len(files)} files, {sum(len(f.content) for f in files) / 1e6:.0f} MB: ours {first['cpu']:.2f} CPU s,"
        f" again {second['cpu']:.3f}; scancode {whole[1]:.0f} (extrapolated from {len(seconds)}); {first['tally']}"
    )
    scans = first["tally"]["exact"] + first["tally"]["approximate"]
    return [
        metric("cpu_ratio_per_file", [w / first["cpu"] for w in whole], "times, from an empty store"),
        metric("rerun_ratio", [w / second["cpu"] for w in whole], "times, scancode to second run"),
        metric("rerun_speedup", [first["cpu"] / second["cpu"]], "times, first to second run"),
        metric("cpu_ms_per_file", [1000 * first["cpu"] / len(files)], "ms", {"scancode": 1000 * mean}),
        metric("scans_per_1000_files", [1000 * scans / len(files)], "scans"),
        metric("memory_per_worker_mb", worker_megabytes(files), "MB of its own"),
    ]


def ours_apart(megabytes: float, folder: Path) -> dict[str, Any]:
    """One run over the files in a process of its own."""
    command = [sys.executable, __file__, "--ours", str(megabytes), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def ours(megabytes: float, folder: Path) -> dict[str, Any]:
    """CPU seconds for all files as the annotate step asks, with the names of contents known from the crawl."""
    files = [(hashlib.sha1(f.content).hexdigest(), f) for f in code_files(megabytes)]
    started = time.process_time()
    names = Memory(folder, "digests of indexes")
    detector = detector_name(names)
    contents, texts = Memory(folder, f"{detector} contents"), Memory(folder, detector)
    scanner = Scanner(20.0, texts)
    for at in range(0, len(files), BATCH):
        _batch(scanner, contents, files[at : at + BATCH])
    for memory in (names, contents, texts):
        memory.close()
    return {"cpu": time.process_time() - started, "tally": scanner.tally}


def _batch(scanner: Scanner, contents: Memory, files: Sequence[tuple[str, CodeFile]]) -> list[Finding]:
    asked = [(f"{digest} {scope}", file, scope) for digest, file in files for scope in reading_scopes(file.path)]
    known, new, found = contents.get_many(key for key, _, _ in asked), dict[str, Any](), list[Finding]()
    for key, file, scope in asked:
        plain = known.get(key) or new.get(key)
        if plain is None:
            plain = new[key] = [plain_of(f) for f in find(scanner, file.content, scope)]
        found += [finding_of(p) for p in plain]
    contents.put(new)
    return found


def reference_seconds(files: Sequence[CodeFile], size: int) -> list[float]:
    """CPU seconds of `get_licenses` for each file of a seeded random sample."""
    warm()
    from scancode.api import get_licenses

    found = []
    with tempfile.TemporaryDirectory(prefix="gleanery-bench-") as folder, _as_it_comes():
        for file in [files[0], *_sampled(files, size)]:
            path = Path(folder) / file.path.rpartition("/")[2]
            path.write_bytes(file.content)
            started = time.process_time()
            get_licenses(str(path), deadline=time.time() + LIMIT_SECONDS)
            found.append(time.process_time() - started)
    return found[1:]  # the first call also imports what scancode needs


@contextlib.contextmanager
def _as_it_comes() -> Iterator[None]:
    """scancode without the quicker choice of candidates that `licensing/candidates.py` gives it."""
    from licensedcode import match_set

    quick = match_set.compute_candidates
    match_set.compute_candidates = quick.__wrapped__
    try:
        yield
    finally:
        match_set.compute_candidates = quick


def _sampled(files: Sequence[CodeFile], size: int) -> list[CodeFile]:
    return sorted(files, key=lambda f: hashlib.blake2b(f"{f.repo}/{f.path}".encode(), key=_KEY).digest())[:size]


def worker_megabytes(files: Sequence[CodeFile]) -> list[float]:
    """What each of two forked workers holds alone after scanning every fifth file and a full garbage collection."""
    warm()
    queue: Any = multiprocessing.get_context("fork").SimpleQueue()
    workers = [
        multiprocessing.get_context("fork").Process(target=_work, args=(files[n::10], queue), daemon=True)
        for n in range(2)
    ]
    for worker in workers:
        worker.start()
    found = [queue.get() for _ in workers]
    for worker in workers:
        worker.join()
    return found


def _work(files: Sequence[CodeFile], queue: Any) -> None:
    import gc

    scanner = Scanner()
    for file in files:
        for scope in reading_scopes(file.path):
            find(scanner, file.content, scope)
    gc.collect()
    with open(f"/proc/{os.getpid()}/smaps_rollup", encoding="ascii") as lines:
        own = dict(line.split()[:2] for line in lines if line.startswith("Private"))
    queue.put(sum(int(kilobytes) for kilobytes in own.values()) / 1024)


def differences(size: int) -> tuple[float, list[tuple[str, str, str, str]]]:
    """The share of files with one class, and (file, our class, scancode's, cause) of every other."""
    known = full_matcher.table()
    files = [f for f in full_matcher.sample() if f.digest in known][:size]
    scanner, different = Scanner(), []
    for file in files:
        found = [f for scope in reading_scopes(file.name) for f in find(scanner, file.content, scope)]
        mine, theirs = _class(_expression(found)), _class(known[file.digest])
        if mine != theirs:
            different.append((file.name, mine, theirs, _cause(scanner, file.content, found, theirs)))
    return 1 - len(different) / len(files), different


def _expression(found: Sequence[Finding]) -> str | None:
    return all_of(f.expression for f in found if f.outcome == "found" and f.expression)


def _class(expression: str | None) -> str:
    """allowed, restricted, or neither: unknown, only a reference, or none, all of which keep nothing."""
    answer = _policy().answer(expression)
    return {ALLOW: "allowed", DENY: "restricted"}.get(answer or "", "neither")


@lru_cache(maxsize=1)
def _policy() -> Policy:
    return Policy.load()


def _cause(scanner: Scanner, content: bytes, found: Sequence[Finding], theirs: str) -> str:
    if any(f.outcome == "mentioned" for f in found):
        return "a README names a licence that is not the work's own"
    whole = scanner.scan(content, "whole")
    if _class(_expression(whole)) == theirs:
        return "the licence is named below the head of the file"
    if any(f.outcome == "unknown" for f in found):
        return "we call it unknown"
    if theirs == "neither":
        return "a stated licence, for which the full matcher prefers a fragment of a longer rule"
    return "the full matcher guesses from words that we do not read"


if __name__ == "__main__":
    main()
