"""Time limits: a stopwatch that runs while a source is being read and stands while its reader is busy elsewhere.

In: a number of seconds. Out: how much is left, or TryAgain. It bounds what a source may cost and decides nothing else:
no result ever depends on the time that was measured.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from gleanery.records.errors import TryAgain

RETRY_AFTER = (0.5, 2.0)  # seconds before the second and the third try
_T = TypeVar("_T")


class Deadline:
    """A stopwatch with a limit, running from the start.

    >>> Deadline(60).left() > 59
    True
    """

    def __init__(self, seconds: float) -> None:
        self._left = float(seconds)
        self._since: float | None = time.monotonic()

    def left(self) -> float:
        """Seconds left; raises TryAgain if there are none."""
        left = self._left - (0.0 if self._since is None else time.monotonic() - self._since)
        if left <= 0:
            raise TryAgain(
                "the source took longer to read than crawl.seconds",
                "raise the limit, or read it again later with --retry",
            )
        return left

    def pause(self) -> None:
        """Stop counting: the caller is at work."""
        if self._since is not None:
            self._left -= time.monotonic() - self._since
            self._since = None

    def resume(self) -> None:
        """Go on counting."""
        if self._since is None:
            self._since = time.monotonic()


def retried(call: Callable[[], _T], deadline: Deadline) -> _T:
    """What `call` returns; if it raises TryAgain it is called again, twice at most and after a pause.

    A server that asks for a longer pause gets it; one for which the time is too short is not asked again.
    """
    for delay in RETRY_AFTER:
        try:
            return call()
        except TryAgain as error:
            left = deadline.left()
            if error.after >= left:
                raise
            time.sleep(min(max(delay, error.after), left))
    return call()
