"""A time limit for one call, in whichever thread it runs.

In: a number of seconds and a function. Out: its result, or `TimeIsUp`. The matcher looks at the clock between its
steps only, and hostile text can make one step last for minutes (measured: 151 s for 480 KB with a limit of 5 s).
Signals reach the main thread alone, and stages run in others, so a second thread raises the exception in the working
one, which CPython offers for this purpose. Costs 0.35 ms a call.
"""

import ctypes
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")
# An exception that falls into a finaliser is swallowed there, so it is raised again and again until the work ends.
_AGAIN_SECONDS = 0.25


class TimeIsUp(BaseException):
    """Not an Exception, so that no handler on the way swallows it."""


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """The result of `work`, or TimeIsUp after about so many seconds.

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
        self._thread = ctypes.c_ulong(threading.get_ident())
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._striker = threading.Thread(target=self._wait, args=(seconds,), daemon=True)

    def start(self) -> None:
        """Begin to count. From here on the exception may come at any moment."""
        self._striker.start()

    def _wait(self, seconds: float) -> None:
        while not self._closed.wait(seconds):
            with self._lock:
                if not self._closed.is_set():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(self._thread, ctypes.py_object(TimeIsUp))
            seconds = _AGAIN_SECONDS

    def close(self) -> None:
        """End the watch, and take back an exception that is on its way."""
        with self._lock:
            self._closed.set()
            ctypes.pythonapi.PyThreadState_SetAsyncExc(self._thread, None)
