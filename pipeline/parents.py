"""The processes that workers are forked from: one that has imported the stages, and for a time one that has more.

In: what to load besides, as module:function. Out: `multiprocessing` forks its workers from there. Both have no threads,
so forking is safe beside an engine's own. The first imports the stages, 1.5 s of CPU, or is forked from a driver that
had to do so anyway and has no threads yet. The second is forked from the first and ends with what it loaded (the
licence index has 1.1 GB), while the first stays: neither the second nor the workers after it import anything again.
"""

import atexit
import contextlib
import gc
import importlib
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, arbitrary_address  # type: ignore[attr-defined]
from multiprocessing.context import ForkServerContext
from typing import Any

from gleanery.records.errors import GleaneryError

_STAGES = ("1_crawl", "2_conclude", "3_cluster", "4_select", "5_redact", "6_pack", "7_release")
_SIGNS = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.SIG_IGN, signal.SIGHUP: signal.SIG_IGN}
# What brings threads of its own once it is used. A process that has imported one of them before the stages may have.
_WITH_THREADS = frozenset(("apache_beam", "duckdb", "enry", "tokenizers", "torch"))
# Python has no public way to end its fork server, to fork it from here, or to have a second one that is forked from it.
_SERVER: Any = multiprocessing.forkserver._forkserver
_FORK_SERVER: Any = multiprocessing.forkserver


def load_stages() -> None:
    """Import what workers share, and set it apart from the garbage collector: looking at it would copy it."""
    for stage in _STAGES:
        importlib.import_module(f"gleanery.pipeline.stage{stage}")
    gc.freeze()
    atexit.register(gc.unfreeze)  # at the end of a process some libraries count what is still there as leaked


def clean_context() -> ForkServerContext:
    """Where workers come from: forked from a process that has imported the stages."""
    multiprocessing.set_forkserver_preload(["gleanery.pipeline.preload"])
    return multiprocessing.get_context("forkserver")


def fork_clean_parent() -> None:
    """Import the stages, and fork the clean parent from this process before it has threads, as an engine brings some.

    A process that is not as a command finds it, with threads of Python, an engine or the language detector, whose
    threads Python does not know, is not forked: the clean parent starts by itself, once somebody needs workers.
    """
    used = threading.active_count() > 1 or not _WITH_THREADS.isdisjoint(sys.modules)
    load_stages()
    if used or _SERVER._forkserver_pid is not None:
        return
    with _door() as (address, door):
        until_closed, alive = os.pipe()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNS)  # what they mean to the driver is not for its fork
        try:
            if (pid := os.fork()) == 0:
                _be_parent(door, until_closed, alive)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(until_closed)
    _SERVER._forkserver_address, _SERVER._forkserver_alive_fd, _SERVER._forkserver_pid = address, alive, pid


def end_clean_parent() -> None:
    """End that process: the next one sees the environment as it is then."""
    if pid := _SERVER._forkserver_pid:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    _SERVER._stop()


class WarmParent:
    """A fork of the clean parent that calls `warm`, and from which workers come until it is closed."""

    def __init__(self, context: ForkServerContext, warm: str) -> None:
        _SERVER.ensure_running()
        until_closed, self._alive = context.Pipe(duplex=False)
        with _door() as (address, door), until_closed:
            self._process = context.Process(target=_warm_up, args=(door, until_closed, warm), daemon=True)
            self._process.start()
        # Python asks whether the clean parent is there, whose process it knows, and then knocks at this door.
        self._clean = _SERVER._forkserver_address, _SERVER._forkserver_alive_fd
        _SERVER._forkserver_address, _SERVER._forkserver_alive_fd = address, self._alive.fileno()

    def close(self) -> None:
        """End the process with all that it has loaded. Workers come from the clean parent again."""
        # It holds nothing that has to be written, and would take a second to let go of the licence index by itself.
        self._process.kill()
        if _SERVER._forkserver_alive_fd == self._alive.fileno():  # else the clean parent was started anew
            _SERVER._forkserver_address, _SERVER._forkserver_alive_fd = self._clean
        self._alive.close()


@contextmanager
def _door() -> Iterator[tuple[str, socket.socket]]:
    """Where a parent hears whom it is to fork: the address, and the socket that it takes over."""
    address = arbitrary_address("AF_UNIX")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        os.chmod(address, 0o600)
        door.listen()
        yield address, door


def _warm_up(door: socket.socket, until_closed: Connection, warm: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides what an interrupt means
    module, name = warm.split(":")
    with contextlib.suppress(MemoryError, GleaneryError):  # the first task meets it too, and tells it to people
        getattr(importlib.import_module(module), name)()
    _FORK_SERVER.main(door.detach(), until_closed.fileno(), [])


def _be_parent(door: socket.socket, until_closed: int, alive: int) -> None:
    """What the fork of a driver does until the driver has gone. It never returns into the driver's code."""
    try:
        os.close(alive)
        for number, meaning in _SIGNS.items():
            signal.signal(number, meaning)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNS)
        _FORK_SERVER.main(door.detach(), until_closed, [])
    finally:
        os._exit(0)
