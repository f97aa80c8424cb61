"""Downloads over http(s): bounded in bytes and time, few redirects, no login, no trust in what the server says.

In: an address and limits. Out: bytes, or a file in the cache under its own sha256 that is whole or absent. A redirect
may change the host but never the scheme from https to http, and never from a host outside of a network to one inside
(`hosts.py`). A busy server is asked again when it says, if that is within the time of the source. Names are looked up
once for that check and again by the connection, so it is no guard against a name server that lies. What a kill leaves
half done is removed by the next download.
"""

import base64
import binascii
import contextlib
import fcntl
import hashlib
import os
import queue
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from gleanery.records.errors import GleaneryError, RejectRecord, TryAgain
from gleanery.sources.deadline import Deadline, retried
from gleanery.sources.hosts import Host, host_of, is_plain, may_lead_to

MAX_REDIRECTS = 3
Follow = Callable[[str], None]
_CONNECT_SECONDS, _READ_SECONDS = 10, 30
_WINDOW = 1 << 16
_BUSY = (408, 425, 429)
_SECONDS = re.compile(r"[0-9]{1,12}")


def fetch_bytes(url: str, limit: int, deadline: Deadline, accept: str = "*/*") -> tuple[bytes, str]:
    """A small document, at most `limit` bytes, and its content type."""

    def once() -> tuple[bytes, str]:
        with _answer(url, deadline, accept) as response:
            return b"".join(_body(response, limit, deadline)), response.headers.get("Content-Type", "")

    return retried(once, deadline)


def fetch_file(
    url: str,
    digests: dict[str, str],
    limit: int,
    source: str,
    cache: Path,
    deadline: Deadline,
    follow: Follow = lambda _: None,
) -> tuple[str, BinaryIO]:
    """The sha256 of a file that is now in the cache among the downloads of a source, and the file, open.

    It stays open, so it can be read whatever another process does to its name. `digests` are hexadecimal, by algorithm,
    and all of them must agree.

    `follow` is told each address, without its query, that a server sends on to, before anything is asked there; what
    it raises ends the download.
    """
    folder = downloads_of(source, cache)
    return retried(lambda: _fetch_file(url, digests, limit, folder, cache, deadline, follow), deadline)


def downloads_of(source: str, cache: Path) -> Path:
    """The folder of what was downloaded for a source, each file under its sha256. No source needs another one's."""
    return cache / "downloads" / hashlib.sha256(source.encode()).hexdigest()


def cached_file(sha256: str, source: str, cache: Path) -> BinaryIO | None:
    """The file with this digest, open, if it was downloaded for this source and is still what it was.

    A damaged one is removed. One that is taken counts as used, so it is not removed for a day.
    """
    if not sha256:
        return None
    path = downloads_of(source, cache) / sha256
    with contextlib.ExitStack() as failing:
        try:
            file = failing.enter_context(open(path, "rb"))
        except FileNotFoundError:
            return None
        if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
            with contextlib.suppress(OSError):  # such as on a disk that is read only
                os.utime(file.fileno())
            file.seek(0)
            failing.pop_all()
            return file
    path.unlink(missing_ok=True)
    return None


def sweep(cache: Path) -> None:
    """Remove half of a download whose process is gone: nobody holds its lock any more."""
    for path in sorted((cache / "partial").glob("*")):
        with contextlib.suppress(FileNotFoundError), open(path, "rb") as file, contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)


def hexadecimal(digest: str) -> str:
    """A base64 digest, as in subresource integrity, in hexadecimal; raises RejectRecord if it is none.

    >>> hexadecimal("AP8=")
    '00ff'
    """
    decoded = b""
    with contextlib.suppress(binascii.Error, ValueError):
        decoded = base64.b64decode(digest, validate=True)
    if not decoded:
        raise RejectRecord("the registry gives no usable digest", "take another release", "digest_missing")
    return decoded.hex()


def scheme_allowed(start: str, target: str) -> bool:
    """Whether a redirect stays on the web, has one reading and no login, and does not go from https to http.

    >>> scheme_allowed("https://a.example/x", "http://a.example/x"), scheme_allowed("http://a.example", "ftp://a.example")
    (False, False)
    """
    schemes = urlsplit(start).scheme, urlsplit(target).scheme
    return schemes[1] in ("http", "https") and schemes != ("https", "http") and is_plain(target)


def _fetch_file(
    url: str, digests: dict[str, str], limit: int, folder: Path, cache: Path, deadline: Deadline, follow: Follow
) -> tuple[str, BinaryIO]:
    folder.mkdir(parents=True, exist_ok=True)
    checks = {name: hashlib.new(name) for name in {"sha256", *digests}}
    with _temporary(cache) as (file, temporary):
        with _answer(url, deadline, "*/*", follow) as response:
            for block in _body(response, limit, deadline):
                file.write(block)
                for check in checks.values():
                    check.update(block)
        if any(checks[name].hexdigest() != digest.lower() for name, digest in digests.items()):
            raise RejectRecord("the digest of the download is not the expected one", "check it", "digest_mismatch")
        file.flush()
        os.fsync(file.fileno())
        with contextlib.ExitStack() as failing:
            kept, sha256 = failing.enter_context(open(temporary, "rb")), checks["sha256"].hexdigest()
            os.replace(temporary, folder / sha256)
            failing.pop_all()
    return sha256, kept


@contextlib.contextmanager
def _temporary(cache: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A file for half of a download, locked for as long as this process works on it."""
    sweep(cache)
    (cache / "partial").mkdir(parents=True, exist_ok=True)
    file, path = _locked(cache / "partial")
    try:
        with file:
            yield file, path
    finally:
        path.unlink(missing_ok=True)


def _locked(folder: Path) -> tuple[BinaryIO, Path]:
    """A new file with its lock. One that was swept before it had its lock is given up for another."""
    while True:
        descriptor, name = tempfile.mkstemp(dir=folder)
        file, path = os.fdopen(descriptor, "wb"), Path(name)
        fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():
            return file, path
        file.close()


@contextlib.contextmanager
def _answer(url: str, deadline: Deadline, accept: str, follow: Follow = lambda _: None) -> Iterator[requests.Response]:
    """The answer at the end of at most three redirects, with its body still to be read."""
    with requests.Session() as session:
        session.auth = lambda request: request  # or a file ~/.netrc would be consulted
        if not is_plain(url):  # a registry's word
            raise RejectRecord("the address of the download is none", "take another release", "unreadable")
        target, way = url, [host_of(url)]
        for _ in range(MAX_REDIRECTS + 1):
            response = _head(session, target, deadline, accept)
            with response:
                if not response.is_redirect:
                    _check_status(response.status_code, response.headers)
                    yield response
                    return
                target = _next(target, response.headers["Location"], way)
            follow(urlsplit(target)._replace(query="", fragment="").geturl())
    raise RejectRecord("there are more than three redirects", "give the final URL", "redirect_not_allowed")


def _next(start: str, location: str, way: list[Host]) -> str:
    """Where a server sends on to, with its host added to the way; raises RejectRecord if it must not be asked."""
    refused = RejectRecord("a redirect leads where it must not", "give the final URL", "redirect_not_allowed")
    try:
        target = urljoin(start, location)
        if not scheme_allowed(start, target):
            raise refused
        host = host_of(target)
    except ValueError:  # an address that is none
        raise refused from None
    if not may_lead_to(way, host):
        if not host.addresses and not host.proxied:
            raise _not_reached()
        raise refused
    way.append(host)
    return target


def _head(session: requests.Session, url: str, deadline: Deadline, accept: str) -> requests.Response:
    """The status and headers. They may come a byte at a time, so they are waited for in a thread of their own."""
    answers: queue.SimpleQueue[requests.Response | Exception] = queue.SimpleQueue()
    headers = {"Accept": accept, "Accept-Encoding": "identity"}

    def ask() -> None:
        try:
            timeout = (_CONNECT_SECONDS, _READ_SECONDS)
            answers.put(session.get(url, headers=headers, timeout=timeout, stream=True, allow_redirects=False))
        except Exception as error:  # passed on to the caller's thread
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except queue.Empty:
        raise _not_reached() from None
    if isinstance(answer, requests.Response):
        return answer
    raise _error(answer) from None


def _body(response: requests.Response, limit: int, deadline: Deadline) -> Iterator[bytes]:
    read = 0
    try:
        while block := response.raw.read1(_WINDOW, decode_content=False):
            read += len(block)
            if read > limit:
                raise RejectRecord("the download is larger than its limit", "raise the limit", "too_large")
            deadline.left()
            yield block
    except (urllib3.exceptions.HTTPError, OSError):
        raise _not_reached() from None


def _check_status(status: int, headers: Mapping[str, str]) -> None:
    # GitHub and others answer 403 where somebody has asked too often.
    too_often = status == 403 and ("Retry-After" in headers or headers.get("X-RateLimit-Remaining", "").strip() == "0")
    if status >= 500 or status in _BUSY or too_often:
        busy = _not_reached()
        busy.after = _pause(headers)
        raise busy
    if status in (401, 403):
        raise RejectRecord("the server asks for a login", "download it yourself and give the path", "refused")
    if status != 200:
        raise RejectRecord("the server does not have it", "check the address, name and version", "not_found")


def _pause(headers: Mapping[str, str]) -> float:
    """The seconds that a busy server asks to wait: it gives a number of them, or a date, or when a limit ends."""
    asked = headers.get("Retry-After") or ""
    if _SECONDS.fullmatch(asked.strip()):
        return float(asked)
    with contextlib.suppress(ValueError, OverflowError):
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
    ends = headers.get("X-RateLimit-Reset", "").strip()
    return max(0.0, float(ends) - time.time()) if _SECONDS.fullmatch(ends) else 0.0


def _error(error: Exception) -> GleaneryError:
    if isinstance(error, (requests.ConnectionError, requests.Timeout)) and not isinstance(
        error, requests.exceptions.SSLError
    ):
        return _not_reached()
    return RejectRecord("the address could not be read", "check the address and its certificate", "unreadable")


def _not_reached() -> TryAgain:
    return TryAgain("the server could not be reached or is busy", "read it again later with --retry")
