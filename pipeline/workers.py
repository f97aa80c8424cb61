"""Worker processes on one machine: forked from a parent that has loaded what they share (`parents.py`).

In: tasks as JSON. Out: their names, when done. The pool lives on from step to step. A worker ends by itself when its
driver is gone, however the driver ended. Where people stop a run, workers leave their tasks half done, which a step can
bear, and tidy up behind themselves, for five seconds at most.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import FrameType
from typing import Any

import psutil

from gleanery.pipeline.bucket_node import run_away
from gleanery.pipeline.parents import WarmParent, clean_context, end_clean_parent
from gleanery.pipeline.steps import run_task
from gleanery.records.errors import StopRun

TIDY_SECONDS = 5
_HERE = 6  # arguments of `run_task`


class Pool:
    """N worker processes. One worker is the calling process, where a debugger reaches it, except for a step that warms:
    what that loads, such as the licence index, would stay in memory to the end of the run. Under a debugger it may.
    """

    def __init__(self, workers: int, warm: str = "") -> None:
        self.workers, self.warm = workers, warm
        self._executor: ProcessPoolExecutor | None = None
        self._parent: WarmParent | None = None
        if workers > 1 or (warm and sys.gettrace() is None):
            context = clean_context()
            self._parent = WarmParent(context, warm) if warm else None
            self._executor = ProcessPoolExecutor(workers, context, _start_worker, (os.getpid(),))

    def submit(self, *call: str) -> "Future[str]":
        """Do one `run_task` call; at once if there are no processes."""
        if self._executor is not None:
            try:
                return self._executor.submit(_do, *call)
            except (BrokenProcessPool, EOFError, ConnectionError):  # a worker ended, or the parent that forks them
                raise ended_from_outside() from None
        done: Future[str] = Future()
        done.set_result(do_task(*call))
        return done

    def result(self, future: "Future[str]") -> str:
        """The result, or the task's own error, or StopRun if a worker process died."""
        try:
            return future.result()
        except BrokenProcessPool:
            raise ended_from_outside() from None

    def stop(self) -> None:
        """Have the workers leave what they do; those that do not within `TIDY_SECONDS` are killed. Waits for none."""
        running: dict[int, Any] = getattr(self._executor, "_processes", None) or {}
        pids = list(running)
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM)
        threading.Thread(target=_kill_later, args=(pids,), daemon=True).start()

    def close(self) -> None:
        """End the workers, and with a pool that warms the process that they were forked from."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None
        if self._parent is not None:
            self._parent.close()
            self._parent = None


def ended_from_outside() -> StopRun:
    """What to tell people of a worker process that is gone."""
    return StopRun(
        "a worker process was ended from outside, most likely for lack of memory",
        "run the same command again to resume, with fewer --workers; a script that "
        "calls Gleanery itself must be a file, and do so below `if __name__ == '__main__':`",
    )


_open: Pool | None = None
_opening = threading.Lock()  # an engine may run several bundles of a step at once


def shared_pool(workers: int, warm: str) -> Pool:
    """The pool of this process. Only one is open at a time: one that has loaded something else is closed first."""
    global _open
    with _opening:
        if _open is not None and (_open.workers, _open.warm) != (workers, warm):
            _close_pool()
        if _open is None:
            _open = Pool(workers, warm)
        return _open


def close_shared_pool() -> None:
    """End the pool of this process, if there is one, and the process that its workers were forked from."""
    _close_pool()
    end_clean_parent()


def _close_pool() -> None:
    global _open
    if _open is not None:
        _open.close()
        _open = None


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[Callable[[], None]]:
    """Meanwhile Ctrl-C, SIGTERM and SIGHUP stop the workers first, and then do what they did before.

    Only so is a run stopped at once: whoever waits for a task would wait for its end, and an engine waits in its own
    frames. A signal that would end this process is left as it is, since workers end with it. What is yielded raises
    KeyboardInterrupt once there was a signal: Python forgets an interrupt that falls into the end of an object.
    """
    before: dict[int, Any] = {}
    seen: list[int] = []

    def check() -> None:
        if seen:
            raise KeyboardInterrupt

    def stop(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        if _open is not None:
            _open.stop()
        before[number](number, frame)

    if threading.current_thread() is threading.main_thread():  # only there signals can be handled
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if callable(handler := signal.getsignal(number)):
                before[number] = handler
                signal.signal(number, stop)
    try:
        yield check
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def _kill_later(pids: list[int]) -> None:
    time.sleep(TIDY_SECONDS)
    _kill(pids)


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


class _Stopped(BaseException):
    """Raised in the middle of a task, so that its temporary folders and the processes it started go with it."""


_doing = False


def do_task(*call: str) -> str:
    """One call of `run_task`, or of `run_away`, which is told two things more."""
    return (run_task if len(call) == _HERE else run_away)(*call)


def _do(*call: str) -> str:
    """One `run_task` call in a worker. Once stopped, the worker takes no other."""
    global _doing
    _doing = True
    try:
        return do_task(*call)
    except _Stopped:
        os._exit(1)
    finally:
        _doing = False


def _stop_worker(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # nothing ends it while it tidies up but the driver's patience
    if not _doing:
        os._exit(1)
    raise _Stopped


def _start_worker(driver: int) -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the driver decides what an interrupt means
    signal.signal(signal.SIGTERM, _stop_worker)
    end_with(driver)


def end_with(driver: int) -> None:
    """Let this process end by itself when another one, by its number, has ended."""
    threading.Thread(target=_end_with, args=(driver,), daemon=True).start()


def _end_with(driver: int) -> None:
    """End this process when the driver has gone, be it a zombie that nobody waits for: it cannot tell its workers."""
    try:
        process = psutil.Process(driver)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.5)
    except psutil.Error:
        pass
    os._exit(1)
