"""A time limit for one call, in whichever thread it runs.

In: a number of seconds and a function. Out: its result, or `TimeIsUp`. The matcher looks at the clock between its
steps only, and hostile text can make one step last for minutes (measured: 151 s for 480 KB with a limit of 5 s).
Signals reach the main thread alone, and stages run in others, so a timer thread raises the exception in the working
thread, which CPython offers for this purpose. Costs FIGURE_LIMIT a call.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class TimeIsUp(BaseException):
    """Not an Exception, so that no handler on the way swallows it."""


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """The result of `work`, or TimeIsUp after about so many seconds.

    The work must be pure Python in the main and leave nothing half done that others see: it can stop at any line.

    >>> within(5.0, lambda: 2 + 2)
    4
    """
    watch = _Watch(threading.get_ident())
    timer = threading.Timer(seconds, watch.strike)
    timer.daemon = True
    received = False
    timer.start()
    try:
        return work()
    except TimeIsUp:
        received = True
        raise
    finally:
        timer.cancel()
        watch.close(received)


class _Watch:
    """Decides whether the work or the timer was first, so that no exception arrives after the work has ended."""

    def __init__(self, thread: int) -> None:
        self._thread = thread
        self._lock = threading.Lock()
        self._open = True
        self._struck = False

    def strike(self) -> None:
        """Raise TimeIsUp in the working thread, unless the work has ended. Runs in the timer's thread."""
        with self._lock:
            if self._open:
                self._struck = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(TimeIsUp))

    def close(self, received: bool) -> None:
        """End the watch. An exception that is on its way and was not received yet must arrive here, not later."""
        with self._lock:
            self._open = False
        waited = 0
        while self._struck and not received and waited < 1000:
            time.sleep(0.001)
            waited += 1
