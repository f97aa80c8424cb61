"""Seldom: the same line of a log once a minute, so that no visitor can fill the operator's disk with it.

In: records of a logger. Out: the first of each kind in a minute, with how many like it were held back before. What a
program says of its own course (INFO) always passes. Costs a look-up for each record.
"""

import logging
import threading
import time
from collections.abc import Callable

_KINDS = 1000  # that are remembered; our own lines and the server's are few


class Seldom(logging.Filter):
    """A filter for a logger."""

    def __init__(self, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.seconds, self.clock, self.lock = seconds, clock, threading.Lock()
        self.seen: dict[tuple[object, ...], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if record.levelno < logging.WARNING:
            return True
        said = record.getMessage()
        kind, now = (record.levelno, said, record.exc_info[0] if record.exc_info else None), self.clock()
        with self.lock:
            last, held = self.seen.get(kind, (now - self.seconds, 0))
            if now - last < self.seconds:
                self.seen[kind] = (last, held + 1)
                return False
            if len(self.seen) >= _KINDS:
                self.seen.clear()
            self.seen[kind] = (now, 0)
        if held:
            record.msg, record.args = f"{said} (and {held} more like this since the last line)", ()
        return True
