"""`make bench-pipeline`: what each stage costs, how costs grow with the input, and what orchestration adds.

In: a made corpus of git repositories (seeded, so it is the same every time). Out: documents and MB per CPU second for
each stage and end to end, the share of orchestration, and the growth of CPU and of peak memory from one to four times
the input. Each measurement runs in a process of its own; CPU time is that of the process and all that it started.
"""

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
from measuring import Metric, metric, report

from gleanery.pipeline.memory import PeakMemory

MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions: The above copyright notice and
this permission notice shall be included in all copies or substantial portions of the Software. THE SOFTWARE IS PROVIDED
"AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED.
"""
VERBS = ("read", "write", "parse", "merge", "split", "count", "order", "share")
WORDS = [f"{verb}_{noun}" for verb in VERBS for noun in ("line", "word", "set")]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small corpus and one round: under a minute")
    parser.add_argument("--measure", nargs=3, metavar=("SETTINGS", "OUT", "WORKERS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        settings, out, workers = arguments.measure
        print(json.dumps(measure_here(Path(settings), Path(out), int(workers))))
        return
    files, rounds = (60, 1) if arguments.quick else (400, 3)
    with tempfile.TemporaryDirectory(prefix="gleanery-bench-") as folder:
        report("pipeline", measure(Path(folder), files, rounds))


def measure(folder: Path, files: int, rounds: int) -> list[Metric]:
    """All metrics. The corpus has `files` files of about 4 kB in each of 4 repositories, then 16 of them.

    A third corpus of one file shows what any run costs (start, imports, the licence index); the marginal growth is the
    growth without that.
    """
    least = make_corpus(folder / "least", 1, 1)
    small, large = (make_corpus(folder / f"x{n}", n, files) for n in (4, 16))
    runs: dict[str, list[dict[str, Any]]] = {"least": [], "small": [], "large": []}
    for number in range(rounds):
        if rounds > 1:  # one round is too noisy for a difference of differences
            runs["least"].append(measure_apart(least, folder / f"least-{number}"))
        runs["small"].append(measure_apart(small, folder / f"small-{number}"))
        runs["large"].append(measure_apart(large, folder / f"large-{number}"))
    big = runs["large"]
    found = []
    for stage in big[0]["stages"]:
        found.append(
            metric(f"{stage}_documents_per_cpu_s", [r["files"] / r["stages"][stage] for r in big], "files/CPU-s")
        )
        found.append(metric(f"{stage}_mb_per_cpu_s", [r["mb"] / r["stages"][stage] for r in big], "MB/CPU-s"))
    found.append(metric("documents_per_cpu_s", [r["files"] / r["cpu"] for r in big], "files/CPU-s"))
    found.append(metric("mb_per_cpu_s", [r["mb"] / r["cpu"] for r in big], "MB/CPU-s"))
    found.append(metric("orchestration_share", [1 - r["work"] / r["cpu"] for r in big], "of CPU"))
    pairs = list(zip(runs["small"], big, strict=True))
    found.append(metric("cpu_growth_4x", [b["cpu"] / s["cpu"] for s, b in pairs], "times"))
    if runs["least"]:
        triples = zip(runs["least"], runs["small"], big, strict=True)
        marginal = [(b["cpu"] - f["cpu"]) / (s["cpu"] - f["cpu"]) for f, s, b in triples]
        found.append(metric("cpu_growth_4x_marginal", marginal, "times"))
    found.append(metric("memory_growth_4x", [b["peak"] / s["peak"] for s, b in pairs], "times"))
    found.append(metric("peak_memory", [b["peak"] / (1 << 20) for b in big], "MiB"))
    return found


def make_corpus(folder: Path, repositories: int, files: int) -> Path:
    """Git repositories of made Python code; returns the settings file."""
    lines = ["[run]", "part_bytes = 4194304", f'cache = "{folder}/cache"', "[shards]", "vocabulary = 4096"]
    for number in range(repositories):
        path = folder / f"repository-{number}"
        path.mkdir(parents=True)
        (path / "LICENSE").write_text(f"Copyright (c) 2020 Holder {number}\n\n{MIT}", "utf-8")
        for index in range(files):
            (path / f"module_{index}.py").write_text(_code(number * files + index), "utf-8")
        for command in (
            ["init", "-q"],
            ["add", "-A"],
            ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
        ):
            subprocess.run(["git", "-C", str(path), *command], check=True)
        lines += ["[[source]]", 'kind = "git"', f'locator = "repository-{number}"', f'name = "bench/{number}"']
    settings = folder / "settings.toml"
    settings.write_text("\n".join(lines) + "\n", "utf-8")
    return settings


def _code(seed: int) -> str:
    chance = random.Random(seed)
    names = [f"{chance.choice(WORDS)}_{chance.randrange(10_000)}" for _ in range(40)]
    body = [f"# Copyright (c) {chance.randrange(2000, 2026)} Some One. Licensed under the MIT license.", ""]
    for _ in range(chance.randrange(4, 16)):
        one, two, three = chance.sample(names, 3)
        body += [f"def {one}({two}: int, {three}: int) -> int:", f'    """{" ".join(chance.sample(names, 4))}."""']
        body += [f"    {chance.choice(names)} = {two} * {chance.randrange(100)} + {three}" for _ in range(5)]
        body += [f"    return {two}", "", ""]
    return "\n".join(body) + "\n"


def measure_apart(settings: Path, out: Path) -> dict[str, Any]:
    """One run in a process of its own, with an empty cache."""
    command = [sys.executable, __file__, "--measure", str(settings), str(out), "2"]
    cache = settings.parent / "cache"
    subprocess.run(["rm", "-rf", str(cache)], check=True)
    # Looked at from here, and often: in a run of seconds the run's own look, twice a second, misses its peak.
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running,
        PeakMemory(psutil.Process(running.pid), seconds=0.1, share=0.5) as memory,
    ):
        printed, _ = running.communicate()
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command)
    measured: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return measured | {"peak": memory.peak}


def measure_here(settings: Path, out: Path, workers: int) -> dict[str, Any]:
    """Run, and read the CPU time of this process and its ended children around each step."""
    from gleanery.pipeline.progress import Progress
    from gleanery.pipeline.run import curate
    from gleanery.pipeline.settings import load_settings

    start, stages = _cpu(), dict[str, float]()
    stage, since = "", start

    def listen(event: Progress) -> None:
        nonlocal stage, since
        if event.stage != stage:
            now = _cpu()
            stages[stage] = stages.get(stage, 0.0) + now - since
            stage, since = event.stage, now

    report = curate(load_settings(settings), out, workers=workers, listener=listen)
    stages[stage] = stages.get(stage, 0.0) + _cpu() - since
    stages.pop("", None)
    work = sum(report.cpu_seconds.values())
    files = report.counts["decide"]["in"]
    mb = report.notes["crawl"]["content_bytes"] / 1e6
    measured = {"stages": stages, "cpu": _cpu() - start, "work": work}
    return measured | {"files": files, "mb": mb}


def _cpu() -> float:
    """CPU seconds of this process and of all that it started, living or ended."""
    this, total = psutil.Process(), 0.0
    for process in (this, *this.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


if __name__ == "__main__":
    main()
