"""Peak memory of this process and all that it started, with shared pages counted once.

In: nothing. Out: bytes. Reads the proportional set size (PSS) of each process twice a second, about 1 ms each; on a
system without it, the resident set size, which counts shared pages for every process.
"""

import threading
from pathlib import Path
from typing import Self

import psutil

SECONDS = 0.5


class PeakMemory:
    """A context in which a thread watches; `peak` is the highest sum that it saw."""

    def __init__(self) -> None:
        self.peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        this = psutil.Process()
        while True:
            total = 0
            for process in (this, *this.children(recursive=True)):
                total += _held(process)
            self.peak = max(self.peak, total)
            if self._ended.wait(SECONDS):
                return


def _held(process: psutil.Process) -> int:
    """Bytes that one process holds; 0 if it has just ended."""
    try:
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        return 0
    except (OSError, ValueError):
        pass
    try:
        resident: int = process.memory_info().rss
    except psutil.Error:
        return 0
    return resident
