"""Running git so that nothing of a repository, a user or a system can make it run anything else.

In: arguments that never begin with something from the input, and a folder of ours as git's own directory. Out: bytes.
No configuration file but ours is read, no hook, pager, credential helper, editor, filter or file-system monitor is
started, no transport but the one asked for is open, missing objects are not fetched, and every call has a time limit,
at which the whole process group is killed. Starting a process costs about 2 ms.
"""

import contextlib
import os
import resource
import select
import shutil
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import IO

from gleanery.records.errors import RejectRecord
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
_MEMORY = 4 << 30  # bytes of address space for one git process, where the system can bound it


class Git:
    """Git with one directory of ours as its repository, and possibly the objects of another.

    `protocol` is the one transport that is open: "http", "https", or "" for none.
    """

    def __init__(self, directory: Path, objects: Path | None, deadline: Deadline, protocol: str = "") -> None:
        self.directory, self.deadline = directory, deadline
        program = shutil.which("git")
        if program is None:
            raise RejectRecord("the program git was not found", "install git", "git_not_installed")
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
        output: IO[bytes] | int = subprocess.PIPE,
        errors: IO[bytes] | int = subprocess.DEVNULL,
    ) -> "Running":
        """Start a git command with a file of requests, if any; the caller reads from it, or from what it writes to."""
        process = subprocess.Popen(
            [*self._command, *arguments],
            stdin=given,
            stdout=output,
            stderr=errors,
            env=self._environment,
            cwd=self.directory,
            start_new_session=True,  # so that its children, such as the transport, can be killed with it
            bufsize=0,
        )
        return Running(process, self.deadline)

    def lines(self, *arguments: str, limit: int = 1 << 20) -> list[bytes]:
        """The lines that a command prints, at most `limit` bytes; raises RejectRecord if it fails."""
        with self.start(*arguments) as running:
            output = running.all(limit)
            running.succeed()
        return output.splitlines()


class Running:
    """One git process: what it prints is read piece by piece, and nothing waits longer than the deadline."""

    def __init__(self, process: subprocess.Popen[bytes], deadline: Deadline) -> None:
        self.process, self.deadline = process, deadline
        self._poll = select.poll()
        if process.stdout is not None:
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
        """Wait for the end; raises RejectRecord if git failed."""
        while (status := self.status(self.deadline.left())) is None:
            continue
        if status != 0:
            raise damaged()

    def status(self, seconds: float) -> int | None:
        """The exit status, waited for so many seconds; None if git still runs. Raises TryAgain at the deadline."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(min(seconds, self.deadline.left()))
        return None

    def _more(self) -> bool:
        while not self._poll.poll(self.deadline.left() * 1000):
            continue  # left() raises TryAgain when nothing is left
        assert self.process.stdout is not None
        block = os.read(self.process.stdout.fileno(), _WINDOW)
        self._held += block
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
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process.wait()

    def __enter__(self) -> "Running":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def damaged() -> RejectRecord:
    """The error for a repository that git cannot read to its end."""
    return RejectRecord("git could not read the repository", "check it with `git fsck`", "damaged")
