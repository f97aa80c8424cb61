"""The form that all benchmarks share: metrics with their spread, one table, one JSON file.

In: measured values. Out: a table on standard output and `benchmarks/results/NAME.json`, a list of
{"metric", "value", "unit", "low", "high", "peers"}. The value is the median, low and high the extremes.
"""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass
class Metric:
    """One measured figure; `peers` are the same figure of other tools, measured in the same run."""

    metric: str
    value: float
    unit: str
    low: float
    high: float
    peers: dict[str, float] = field(default_factory=dict)


def metric(name: str, samples: Sequence[float], unit: str, peers: dict[str, float] | None = None) -> Metric:
    """A metric from its samples."""
    return Metric(name, statistics.median(samples), unit, min(samples), max(samples), peers or {})


def report(name: str, metrics: Sequence[Metric]) -> None:
    """Print the table and write the file."""
    width = max(len(m.metric) for m in metrics)
    print(f"{'metric':<{width}}  {'value':>12}  {'low':>12}  {'high':>12}  unit")
    for one in metrics:
        print(f"{one.metric:<{width}}  {one.value:>12.4g}  {one.low:>12.4g}  {one.high:>12.4g}  {one.unit}")
        for peer, value in one.peers.items():
            print(f"{'':<{width}}  {value:>12.4g}  {'':>12}  {'':>12}  {peer}")
    RESULTS.mkdir(exist_ok=True)
    rounded = [{k: _rounded(v) for k, v in asdict(one).items()} for one in metrics]
    (RESULTS / f"{name}.json").write_text(json.dumps(rounded, indent=1) + "\n", "utf-8")
    print(f"written to benchmarks/results/{name}.json")


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return value
