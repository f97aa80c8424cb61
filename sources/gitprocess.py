"""Running git so that nothing of a repository, a user or a system can make it run anything else.

In: arguments that never begin with something from the input, and a folder of ours as git's own directory. Out: bytes.
No configuration file but ours is read, no hook, pager, credential helper, editor, filter or file-system monitor is
started, no transport but the one asked for is open, missing objects are not fetched, and every call has a time limit,
at which the whole process group is killed. What git says comes through pipes, never by way of a disk that may be full.
A git that the system ended (out of memory) says nothing about a source: that is a TryAgain. Starting a process costs
about 2 ms.
"""

import contextlib
import os
import resource
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO

from gleanery.records.errors import RejectRecord, StopRun, TryAgain
from gleanery.sources.deadline import Deadline

_CONFIG = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "core.pager=cat",
    "core.commitGraph=false",  # a commit graph could tell other dates than the commits do
    "core.bigFileThreshold=32m",
    "core.packedGitWindowSize=32m",
    "core.packedGitLimit=512m",
    "credential.helper=",
    "fetch.recurseSubmodules=false",
    "fetch.unpackLimit=1",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "http.followRedirects=false",
    "http.lowSpeedLimit=100",
    "http.lowSpeedTime=60",
    "maintenance.auto=false",
    "protocol.allow=never",
    "submodule.recurse=false",
    "transfer.bundleURI=false",
)
_KEPT = (
    *("PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"),
    *("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"),
)
_FIXED = {
    "GIT_ADVICE": "0",
    "GIT_ALLOC_LIMIT": "2g",  # git's own bound of one allocation: an object of a hostile pack cannot fill the memory
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PROTOCOL_FROM_USER": "0",
    "GIT_SSH_COMMAND": "false",
    "GIT_TERMINAL_PROMPT": "0",
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "XDG_CONFIG_HOME": "/nonexistent",
}
_WINDOW = 1 << 16
_SAID_BYTES = 64 << 10  # of git's messages the last ones are kept
_WATCH_SECONDS = 0.05
_MEMORY = 4 << 30  # bytes of address space for one git process, where the system can bound it


class Git:
    """Git with one directory of ours as its repository, and possibly the objects of another.

    `protocol` is the one transport that is open: "http", "https", or "" for none.
    """

    def __init__(self, directory: Path, objects: Path | None, deadline: Deadline, protocol: str = "") -> None:
        self.directory, self.deadline = directory, deadline
        program = shutil.which("git")
        if program is None:
            raise StopRun("the program git was not found", "install git 2.32 or later, and run the same command again")
        config = [*_CONFIG, f"protocol.{protocol}.allow=always"] if protocol else list(_CONFIG)
        self._command = [program, *(part for pair in config for part in ("-c", pair))]
        self._environment = {key: os.environ[key] for key in _KEPT if key in os.environ}
        self._environment |= _FIXED | {"GIT_DIR": str(directory), "GIT_ALLOW_PROTOCOL": protocol}
        if objects is not None:
            self._environment["GIT_OBJECT_DIRECTORY"] = str(objects)

    def start(
        self,
        *arguments: str,
        given: IO[bytes] | int = subprocess.DEVNULL,
        said: bool = False,
    ) -> "Running":
        """Start a git command with a file of requests, if any; the caller reads from it, and its messages if `said`."""
        process = subprocess.Popen(
            [*self._command, *arguments],
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if said else subprocess.DEVNULL,
            env=self._environment,
            cwd=self.directory,
            start_new_session=True,  # so that its children, such as the transport, can be killed with it
            bufsize=0,
        )
        return Running(process, self.deadline)

    def lines(self, *arguments: str) -> list[bytes]:
        """The lines that a command prints, a MiB at most; raises RejectRecord if it fails."""
        with self.start(*arguments) as running:
            output = running.all(1 << 20)
            running.succeed()
        return output.splitlines()


class Running:
    """One git process: what it prints is read piece by piece, and nothing waits longer than the deadline."""

    def __init__(self, process: subprocess.Popen[bytes], deadline: Deadline) -> None:
        self.process, self.deadline = process, deadline
        self._poll = select.poll()
        assert process.stdout is not None
        self._poll.register(process.stdout, select.POLLIN)
        self._held = bytearray()
        if hasattr(resource, "prlimit"):
            with contextlib.suppress(ProcessLookupError, PermissionError, ValueError):  # gone, or bounded lower
                resource.prlimit(self.process.pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))

    def until(self, mark: bytes, limit: int) -> bytes | None:
        """The bytes before the next mark; None at the end. Raises RejectRecord if more than `limit` come before it."""
        start = 0
        while (found := self._held.find(mark, start)) < 0:
            start = len(self._held)
            if start > limit:
                raise damaged()
            if not self._more():
                if self._held:
                    raise damaged()
                return None
        return self._take(found, len(mark))

    def exactly(self, size: int) -> bytes:
        """The next `size` bytes; raises RejectRecord if there are fewer."""
        while len(self._held) < size:
            if not self._more():
                raise damaged()
        return self._take(size, 0)

    def all(self, limit: int) -> bytes:
        """Everything to the end; raises RejectRecord if it is more than `limit` bytes."""
        while self._more():
            if len(self._held) > limit:
                raise damaged()
        return bytes(self._held)

    def succeed(self) -> None:
        """Wait for the end; raises RejectRecord if git failed, TryAgain if the system ended it."""
        if self._unless_ended() != 0:
            raise damaged()

    def watched(self, limit: int, watch: Callable[[], None]) -> tuple[int, bytes, bytes]:
        """The exit status, all that is printed, and the end of the messages, of a git that was started with `said`.

        `watch` is called twenty times a second meanwhile, and may raise. Raises RejectRecord if more than `limit` bytes
        are printed.
        """
        assert self.process.stdout is not None and self.process.stderr is not None
        printed, said = self._held, bytearray()
        pipes = {self.process.stdout.fileno(): printed, self.process.stderr.fileno(): said}
        poll, due = select.poll(), time.monotonic()
        for pipe in pipes:
            poll.register(pipe, select.POLLIN)
        while pipes:
            if time.monotonic() >= due:
                watch()
                due = time.monotonic() + _WATCH_SECONDS
            ready = poll.poll(min(_WATCH_SECONDS, self.deadline.left()) * 1000)
            for pipe, _ in ready:
                if not (block := os.read(pipe, _WINDOW)):
                    poll.unregister(pipe)
                    del pipes[pipe]
                    continue
                pipes[pipe] += block
            if len(printed) > limit:
                raise RejectRecord("the server says more than any repository needs", "check the address", "too_large")
            del said[:-_SAID_BYTES]
            if not ready and self.process.poll() is not None:
                break  # a child of git may live on, and hold the pipes
        return self._status(), bytes(printed), bytes(said)

    def _status(self) -> int:
        """The exit status, below zero if a signal ended git. Raises TryAgain at the deadline."""
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.process.wait(self.deadline.left())

    def _unless_ended(self) -> int:
        if (status := self._status()) < 0:
            raise ended()
        return status

    def _more(self) -> bool:
        while not self._poll.poll(self.deadline.left() * 1000):
            continue  # left() raises TryAgain when nothing is left
        assert self.process.stdout is not None
        block = os.read(self.process.stdout.fileno(), _WINDOW)
        self._held += block
        if not block:
            self._unless_ended()  # or what came so far would pass for all that there is
        return bool(block)

    def _take(self, size: int, skip: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[: size + skip]
        return taken

    def close(self) -> None:
        """Kill the process and everything that it started."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        self.process.wait()

    def __enter__(self) -> "Running":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def ended() -> TryAgain:
    """The error for a git that a signal ended, as a system does that has no memory left. No source is to blame."""
    return TryAgain(
        "the system ended git while it was reading", "see that there is memory (fewer --workers), then use --retry"
    )


def damaged() -> RejectRecord:
    """The error for a repository that git cannot read to its end."""
    return RejectRecord("git could not read the repository", "check it with `git fsck`", "damaged")
