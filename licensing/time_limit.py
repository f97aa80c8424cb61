"""A time limit for one call, in whichever thread it runs.

In: a number of seconds and a function. Out: its result, or `TimeIsUp`. The matcher looks at the clock between its
steps only, and hostile text can make one step last for minutes (measured: 151 s for 480 KB with a limit of 5 s).
Signals reach the main thread alone, and stages run in others, so a second thread raises the exception in the working
one, which CPython offers for this purpose. Costs 0.35 ms a call.

What is counted is the CPU time of the working thread, so that a text which one machine can read is not given up
because others keep the machine busy; but never more than `PATIENCE` times as long by the clock on the wall.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")
PATIENCE = 8
# An exception that falls into a finaliser is swallowed there, so it is raised again and again until the work ends.
_AGAIN_SECONDS = 0.25


class TimeIsUp(BaseException):
    """Not an Exception, so that no handler on the way swallows it."""


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """The result of `work`, or TimeIsUp after it has used about so many seconds of CPU time.

    The work must be Python in the main, as one step of a C extension cannot be interrupted, and must leave nothing
    half done that others see: it can stop at any line.

    >>> within(5.0, lambda: 2 + 2)
    4
    """
    watch = _Watch(seconds)
    try:
        try:
            watch.start()
            return work()
        finally:
            watch.close()
    except TimeIsUp:
        watch.close()  # once more, in case the exception came in the middle of the first call
        raise


class _Watch:
    """Strikes a thread when its time is up. After `close` has returned it never strikes again."""

    def __init__(self, seconds: float) -> None:
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._closed, self._struck = threading.Event(), False
        self._seconds, self._used, self._since = seconds, time.thread_time(), time.monotonic()
        self._striker = threading.Thread(target=self._wait, daemon=True)

    def start(self) -> None:
        """Begin to count. From here on the exception may come at any moment."""
        self._striker.start()

    def _wait(self) -> None:
        left = self._seconds
        while not self._closed.wait(left):
            with self._lock:
                if self._closed.is_set():
                    return
                left = self._left()
                if left <= 0:
                    self._struck = True
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(TimeIsUp))
                    left = _AGAIN_SECONDS

    def _left(self) -> float:
        """Seconds that the thread may still work. Called under the lock before `close`, so the thread is alive."""
        patience = PATIENCE * self._seconds - (time.monotonic() - self._since)
        clock = getattr(time, "pthread_getcpuclockid", None)  # not on macOS: there the clock on the wall counts
        if clock is None:
            return self._seconds - (time.monotonic() - self._since)
        used = time.clock_gettime(clock(self._thread)) - self._used
        return min(self._seconds - used, patience)

    def close(self) -> None:
        """End the watch, and take back an exception that is on its way.

        Only where one was sent: CPython 3.11 looks for one at each call from then on, for good, and with a tracer
        (coverage, a profiler, a debugger) it looks at the first call without an end.
        """
        with self._lock:
            self._closed.set()
            if self._struck:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), None)
