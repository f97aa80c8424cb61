"""Worker processes on one machine: forked from a clean parent that has loaded what they share.

In: tasks as JSON. Out: their names, when done. The parent is a fork server without threads, so forking is safe beside
an engine's own threads; it imports the stages once (2 s of CPU) and the workers have them at no cost. The pool lives on
from step to step. A worker ends by itself when its driver is gone, however the driver ended.
"""

import multiprocessing
import multiprocessing.forkserver
import os
import signal
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import psutil

from gleanery.pipeline.steps import run_task
from gleanery.records.errors import StopRun


class Pool:
    """N worker processes, or none: with one worker the work is done in the calling process."""

    def __init__(self, workers: int, warm: str = "") -> None:
        self.workers, self.warm = workers, warm
        self._executor: ProcessPoolExecutor | None = None
        if workers > 1:
            os.environ["GLEANERY_WARM"] = warm
            multiprocessing.set_forkserver_preload(["gleanery.pipeline.preload"])
            context = multiprocessing.get_context("forkserver")
            self._executor = ProcessPoolExecutor(workers, context, _start_worker, (os.getpid(),))

    def submit(self, *call: str) -> "Future[str]":
        """Do one `run_task` call; at once if there are no processes."""
        if self._executor is not None:
            return self._executor.submit(run_task, *call)
        done: Future[str] = Future()
        done.set_result(run_task(*call))
        return done

    def result(self, future: "Future[str]") -> str:
        """The result, or the task's own error, or StopRun if a worker process died."""
        try:
            return future.result()
        except BrokenProcessPool:
            raise StopRun(
                "a worker process was ended from outside, most likely for lack of memory",
                "run the same command again to resume, with fewer --workers or a smaller run.part_bytes; a script that "
                "calls Gleanery itself must be a file, and do so below `if __name__ == '__main__':`",
            ) from None

    def close(self) -> None:
        """End the workers and the process that they were forked from, with all that it had loaded."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None
            # Without this the next pool would be forked from the old parent and share what it no longer needs.
            multiprocessing.forkserver._forkserver._stop()  # type: ignore[attr-defined]


_open: Pool | None = None
_opening = threading.Lock()  # an engine may run several bundles of a step at once


def shared_pool(workers: int, warm: str) -> Pool:
    """The pool of this process. Only one is open at a time: one that has loaded something else is closed first."""
    global _open
    with _opening:
        if _open is not None and (_open.workers, _open.warm) != (workers, warm):
            close_shared_pool()
        if _open is None:
            _open = Pool(workers, warm)
        return _open


def close_shared_pool() -> None:
    """End the pool of this process, if there is one."""
    global _open
    if _open is not None:
        _open.close()
        _open = None


def _start_worker(driver: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides what an interrupt means
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
