"""Peak memory of a process and all that it started, with shared pages counted once.

In: a process, this one if none is given. Out: bytes. Reads the proportional set size (PSS) of each process, for which
the system walks all of its pages: 10 ms for each GB. So it looks twice a second, or as often as takes a hundredth of
one core. On a system without PSS the resident set size is read, which counts shared pages for every process.
"""

import contextlib
import threading
import time
from pathlib import Path
from typing import Self

import psutil

SECONDS, SHARE = 0.5, 0.01


class PeakMemory:
    """A context in which a thread watches; `peak` is the highest sum that it saw.

    It looks every `seconds`, or as often as takes `share` of one core: a peak that is shorter than that is missed.
    """

    def __init__(self, process: psutil.Process | None = None, seconds: float = SECONDS, share: float = SHARE) -> None:
        self.peak = 0
        self._process, self._seconds, self._share = process or psutil.Process(), seconds, share
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            total, since = 0, time.thread_time()
            with contextlib.suppress(psutil.NoSuchProcess):
                for process in (self._process, *self._process.children(recursive=True)):
                    total += _held(process)
            self.peak = max(self.peak, total)
            if self._ended.wait(max(self._seconds, (time.thread_time() - since) / self._share)):
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
