"""The form that all benchmarks share: metrics with their spread, one table, one JSON file.

In: measured values. Out: a table on standard output and `benchmarks/results/NAME.json`, a list of
{"metric", "value", "unit", "low", "high", "peers"}. The value is the median, low and high the extremes.
"""

import json
import resource
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gleanery.pipeline.memory import PeakMemory

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


class PeakPrivate(PeakMemory):
    """A context in which a thread watches this process. `peak`: the most memory of its own, mapped files left out.

    `resident`: the most with mapped files. Those pages are the system's, which takes them back when it needs them; a
    process that reads a file of any size by mapping it seems to grow with it, and does not. Every 10 ms, 20 us each.
    """

    def __init__(self) -> None:
        super().__init__()
        self.resident = 0

    def _watch(self) -> None:
        with open("/proc/self/statm", "rb", buffering=0) as file:
            while True:
                file.seek(0)
                resident, shared = (int(pages) * resource.getpagesize() for pages in file.read().split()[1:3])
                self.peak, self.resident = max(self.peak, resident - shared), max(self.resident, resident)
                if self._ended.wait(0.01):
                    return


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
