"""Proof of ownership: is the challenge file on the tip of the repository's default branch?

In: a clone URL, file names and the expected text. Out: a `ProofResult` with one of a few fixed codes; nothing that
the other side sent gets into it except a commit id. The tip's trees are fetched shallow into a temporary bare
repository, and one small file is read from its objects: nothing is checked out and no hook, helper or prompt can run.
A commit id, a pull request's ref or a fork's commit is never asked for, because forges serve those to everybody under
the parent's address. A check of a small repository on the same machine took 0.34 s, most of it for starting
git nine times.
"""

import functools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from gleanery.optout.address import Target, redirected, safe_target
from gleanery.optout.challenge import content_digest, says_the_same
from gleanery.records.errors import RejectRecord, StopRun

OLDEST_GIT = (2, 37)  # the first with http.curloptResolve
LONGEST_FILE = 8 * 1024  # bytes of a challenge file; ours are under 1 KiB
LONGEST_FETCH = 64 << 20  # bytes of a pack; the trees of a repository with 450,000 files are about 20 MB
MEMORY_KIB = 2 << 20
_TRACE = {"GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1"}
_TRACED = 256 * 1024  # bytes of a trace that are looked at; certificates are in it
_SHOWN = 8 * 1024  # bytes of git's messages that are looked at

RESULTS: Mapping[str, str] = MappingProxyType(
    {
        "passed": "The challenge file is on the default branch.",
        "address_refused": "The address of the repository is not one that may be contacted.",
        "host_not_found": "The host of the repository could not be found.",
        "not_reachable": "The host of the repository could not be reached.",
        "not_public": "There is no public repository at this address.",
        "moved": "The repository has moved. Start again with its present address.",
        "empty": "The repository has no default branch yet.",
        "file_missing": "The challenge file is not on the default branch.",
        "file_differs": "The challenge file is on the default branch, but its content is not the one asked for.",
        "too_large": "The repository or the file is larger than a check may fetch.",
        "timed_out": "The check took too long.",
    }
)
# What git says on its error stream (in the C locale), and what we make of it. The first that fits counts.
_SIGNS = (
    (r"unable to update url base from redirection|The requested URL returned error: 30\d", "moved"),
    (r"couldn't find remote ref HEAD", "empty"),
    (r"repository '.*' not found|Authentication failed|could not read Username|returned error: 40[134]", "not_public"),
    (r"[Oo]ut of memory|Cannot allocate memory", "too_large"),
)
# The shell sets limits that hold for git and all its children: blocks of 512 bytes, KiB, seconds.
_LIMITED = 'ulimit -f "$1" && ulimit -v "$2" && ulimit -t "$3" && ulimit -c 0 || exit 125; shift 3; exec "$@"'


class CheckImpossible(StopRun):
    """This machine cannot check any repository: the fault is not the owner's."""


@dataclass(frozen=True)
class ProofResult:
    """How a check ended. `expected_sha256` says for which challenge file, `commit` where it was looked for.

    `moved_to` is the address to which the host itself sends those who ask for the one that was checked.
    """

    code: str  # a key of RESULTS
    expected_sha256: str
    commit: str | None = None
    moved_to: str | None = None

    @property
    def passed(self) -> bool:
        return self.code == "passed"

    @property
    def message(self) -> str:
        return RESULTS[self.code]


def check_files(
    clone_url: str, filenames: Sequence[str], expected: str, *, allow_local: bool, seconds: float
) -> ProofResult:
    """Whether the first of these files that is there has the expected text on the tip of the default branch.

    JSON is compared by its meaning in plain words. It takes `seconds` in all at most.

    Where the host sends on to another address of its own, the file is looked for there, once: it was renamed, or the
    host serves it under its name with `.git` only, as GitLab does. Nothing is followed to another host.

    Raises CheckImpossible only if this machine has no git program that fits, or none that starts within the limits.
    """
    ends = time.monotonic() + seconds
    result = _checked(clone_url, filenames, expected, allow_local, ends)
    if result.moved_to is None:
        return result
    there = _checked(result.moved_to, filenames, expected, allow_local, ends)
    return replace(there, moved_to=result.moved_to) if there.code != "moved" else replace(there, moved_to=None)


def _checked(url: str, filenames: Sequence[str], expected: str, allow_local: bool, ends: float) -> ProofResult:
    digest = content_digest(expected)
    try:
        target = safe_target(url, allow_local=allow_local, seconds=ends - time.monotonic())
        with tempfile.TemporaryDirectory(prefix="optout-", ignore_cleanup_errors=True) as room:
            git = _Git(Path(room), target, ends)
            try:
                commit = git.fetch_tip()
            except RejectRecord as problem:
                return ProofResult(problem.code, digest, moved_to=git.moved_to() if problem.code == "moved" else None)
            return ProofResult(_compare(git, commit, filenames, expected), digest, commit)
    except RejectRecord as problem:
        return ProofResult(problem.code, digest)


def ensure_checks() -> None:
    """CheckImpossible unless git starts here within the limits of a check. It makes one empty repository."""
    with tempfile.TemporaryDirectory(prefix="optout-", ignore_cleanup_errors=True) as room:
        try:
            _Git(Path(room), Target("https://localhost/", "https", ""), time.monotonic() + 30)
        except RejectRecord:
            raise _no_start() from None


def _compare(git: "_Git", commit: str, filenames: Sequence[str], expected: str) -> str:
    code = "file_missing"
    for filename in filenames:
        found = git.read(commit, filename)
        if found is not None and says_the_same(found, expected):
            return "passed"
        code = code if found is None else "file_differs"
    return code


class _Git:
    """The git program in an empty room, with nothing of this machine's settings and a fixed target."""

    def __init__(self, room: Path, target: Target, ends: float) -> None:
        self.room, self.target, self.ends = room, target, ends
        _need_git()
        self._begin("sha1")

    def _begin(self, object_format: str) -> None:
        shutil.rmtree(self.room / "bare.git", ignore_errors=True)
        self._run("init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", online=False)

    def fetch_tip(self) -> str:
        """Fetch the commit at HEAD and its trees; the commit's id.

        Only a repository of the same kind of ids can take them, and how long HEAD's is shows the kind.
        """
        said = self._run("ls-remote", "--", self.target.url, "HEAD", online=True)
        if not said:
            raise RejectRecord("there is no HEAD", RESULTS["empty"], "empty")
        if len(said.split(maxsplit=1)[0]) == 64:
            self._begin("sha256")
        self._fetch("--depth=1", "--", self.target.url, "+HEAD:refs/optout/tip")
        return self._run("rev-parse", "--verify", "refs/optout/tip^{commit}", online=False).decode().strip()

    def moved_to(self) -> str | None:
        """The address of the same host to which it sends on, read from git's trace of the answer's head."""
        with suppress(RejectRecord):
            self._run("ls-remote", "--", self.target.url, "HEAD", online=True, traced=True)
        with open(self.room / "err", "rb") as file:
            said = file.read(_TRACED).decode("utf-8", "replace")
        found = re.search(r"<= recv header: location: *(\S+)", said, re.IGNORECASE)
        return redirected(found[1], self.target.url) if found else None

    def read(self, commit: str, path: str) -> bytes | None:
        """The bytes of one plain file of the commit, or None if there is no such file."""
        entry = self._run("ls-tree", "-z", commit, "--", path, online=False).split(b"\x00")[0]
        found = re.fullmatch(rb"100(?:644|755) blob ([0-9a-f]{40,64})\t(.*)", entry)
        if not found or found[2] != path.encode():
            return None
        blob = found[1].decode()
        if not self._present(blob):
            # The blob was left out of the first fetch. Its id comes from the tip's tree, so it may be asked for.
            self._fetch("--", self.target.url, blob)
        size = int(self._run("cat-file", "-s", blob, online=False))
        if size > LONGEST_FILE:
            raise RejectRecord("the challenge file is too large", "", "too_large")
        return self._run("cat-file", "blob", blob, online=False)

    def _present(self, blob: str) -> bool:
        try:
            self._run("cat-file", "-e", blob, online=False)
        except RejectRecord as problem:
            if problem.code == "timed_out":
                raise
            return False
        return True

    def _fetch(self, *arguments: str) -> None:
        options = ("--quiet", "--filter=blob:none", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")
        self._run("fetch", *options, *arguments, online=True)

    def _run(self, *arguments: str, online: bool, traced: bool = False) -> bytes:
        """Standard output of one git command. RejectRecord with a code if it fails or the time is over."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise _timed_out()
        limits = (str(LONGEST_FETCH // 512), str(MEMORY_KIB), str(max(1, int(left) + 1)))
        command = ("/bin/sh", "-c", _LIMITED, "sh", *limits, "git", *arguments)
        out, err = self.room / "out", self.room / "err"
        with open(out, "wb") as stdout, open(err, "wb") as stderr:
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    env=self._environment(online) | (_TRACE if traced else {}),
                    cwd=self.room,
                    start_new_session=True,
                )
            except OSError:
                raise _no_start() from None
            try:
                status = process.wait(left)
            except subprocess.TimeoutExpired:
                raise _timed_out() from None
            finally:
                _end_group(process)
        if status:
            raise self._failure(status, err)
        return out.read_bytes()

    def _failure(self, status: int, err: Path) -> RejectRecord:
        if status in (125, 126, 127):
            raise _no_start()
        with open(err, "rb") as file:
            said = file.read(_SHOWN).decode("utf-8", "replace")
        code = next((code for sign, code in _SIGNS if re.search(sign, said)), "not_reachable")
        # Git does not say why a child died; a pack that has grown up to the limit does.
        packs = (self.room / "bare.git/objects/pack").glob("*")
        if any(file.stat().st_size >= LONGEST_FETCH for file in packs):
            code = "too_large"
        return RejectRecord("git could not read the repository", RESULTS[code], code)

    def _environment(self, online: bool) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "GIT_SSL_CAINFO", "SSL_CERT_FILE") if name in os.environ}
        fixed = {
            "HOME": str(self.room),
            "GIT_DIR": str(self.room / "bare.git"),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "GIT_OPTIONAL_LOCKS": "0",
            # Reading never fetches: a missing object is an error then, not a hidden request.
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": self.target.scheme if online else "none",
            "GIT_PROTOCOL_FROM_USER": "0",
        }
        settings = self._settings()
        numbered = {"GIT_CONFIG_COUNT": str(len(settings))}
        for number, (key, value) in enumerate(settings):
            numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return kept | fixed | numbered

    def _settings(self) -> list[tuple[str, str]]:
        pin = [("http.curloptResolve", self.target.pin)] if self.target.pin else []
        return [
            *pin,
            ("protocol.allow", "never"),
            (f"protocol.{self.target.scheme}.allow", "always"),
            ("protocol.version", "2"),
            ("http.followRedirects", "false"),
            ("http.proxy", ""),
            ("http.lowSpeedLimit", "1000"),
            ("http.lowSpeedTime", "10"),
            ("http.maxRequests", "1"),
            ("credential.helper", ""),
            ("core.hooksPath", os.devnull),
            ("core.fsmonitor", "false"),
            ("core.bigFileThreshold", "1m"),  # larger ones are streamed, not held in memory
            ("fetch.negotiationAlgorithm", "noop"),
            ("fetch.unpackLimit", "1"),  # always one pack, so that the limit of a file is the limit of a fetch
            ("fetch.writeCommitGraph", "false"),
            ("fetch.uriProtocols", ""),  # no packs from other addresses
            ("transfer.bundleURI", "false"),
            ("pack.threads", "1"),
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
        ]


@functools.cache
def _need_git() -> None:
    """CheckImpossible unless git is new enough to obey the pin; an older one would ignore it without a word."""
    try:
        said = subprocess.run(["git", "version"], capture_output=True, text=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        said = ""
    found = re.match(r"git version (\d+)\.(\d+)", said)
    if not found or (int(found[1]), int(found[2])) < OLDEST_GIT:
        raise CheckImpossible(
            "checks need the program git, version 2.37 or newer", "install it, and make sure it is on PATH"
        )


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """End git and whatever it started, unless it has ended by itself (its number may then be another's)."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _no_start() -> CheckImpossible:
    return CheckImpossible(
        "checks cannot start the program git within their limits",
        f"let this account have files of {LONGEST_FETCH >> 20} MiB and {MEMORY_KIB >> 20} GiB of memory (`ulimit`)",
    )


def _timed_out() -> RejectRecord:
    return RejectRecord("the check took too long", RESULTS["timed_out"], "timed_out")
