"""Repositories and archives over http, from real servers on this machine, honest and hostile ones."""

import email.utils
import errno
import fcntl
import functools
import gzip
import hashlib
import http.server
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gleanery.records.errors import GleaneryError, RejectRecord, StopRun, TryAgain
from gleanery.sources import archives, deadline, gitremote, reading
from gleanery.sources.downloads import scheme_allowed
from gleanery.sources.faults import as_ours
from gleanery.sources.hosts import Host, host_of, is_public, may_lead_to
from gleanery.sources.reading import Entry, Limits, Source, forget_source, identify, open_source

PERSON = {
    **{f"GIT_{role}_NAME": "Invented Person" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": "invented@example.org" for role in ("AUTHOR", "COMMITTER")},
}
Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "init.defaultBranch=main", *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", **PERSON},
        check=True,
    )
    return done.stdout.decode().strip()


class Server:
    """A web server on the loopback address that counts its requests. `answer` handles each of them."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[str] = []
        requests = self.requests

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append(self.path)
                answer(self)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Server]]:
    servers: list[Server] = []

    def start(answer: Answer) -> Server:
        servers.append(Server(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "RETRY_AFTER", (0.01, 0.01))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A bare repository team/app.git with two commits, on a server's disk."""
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "--quiet")
    for number in (1, 2):
        (work / f"{number}.py").write_text(f"print({number})\n")
        git(work, "add", "--all")
        git(work, "commit", "--quiet", "-m", "change")
    (tmp_path / "site" / "team").mkdir(parents=True)
    git(tmp_path, "clone", "--quiet", "--bare", "work", "site/team/app.git")
    git(tmp_path / "site/team/app.git", "update-server-info")
    return work


def smart(site: Path) -> Answer:
    """git's own server program, called as a web server calls it."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        path, _, query = handler.path.partition("?")
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(site),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": handler.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
            "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
        }
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        handler.send_response(int(fields.pop("Status", "200").split()[0]))
        for key, value in fields.items():
            handler.send_header(key, value)
        handler.end_headers()
        handler.wfile.write(rest)

    return answer


def dumb(site: Path) -> Answer:
    """A server that only hands out files."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        path = site / handler.path.partition("?")[0].lstrip("/")
        send(handler, path.read_bytes() if path.is_file() else b"", 200 if path.is_file() else 404)

    return answer


def send(handler: http.server.BaseHTTPRequestHandler, body: bytes, status: int = 200, header: str = "") -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    if header:
        handler.send_header(*header.split(": ", 1))
    handler.end_headers()
    handler.wfile.write(body)


def constant(body: bytes = b"", status: int = 200, header: str = "") -> Answer:
    return functools.partial(send, body=body, status=status, header=header)


def read(source: Source, cache: Path, limits: Limits | None = None) -> list[Entry]:
    with open_source(source, limits or Limits(), cache) as reading:
        return list(reading.entries())


def failure(source: Source, cache: Path, limits: Limits | None = None) -> GleaneryError:
    with pytest.raises(GleaneryError) as caught:
        read(source, cache, limits)
    return caught.value


def code(source: Source, cache: Path, limits: Limits | None = None) -> str:
    error = failure(source, cache, limits)
    assert isinstance(error, RejectRecord)
    return error.code


def archive() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as packed:
        info = tarfile.TarInfo("top/a.py")
        info.size = 8
        packed.addfile(info, io.BytesIO(b"print(1)"))
    return gzip.compress(out.getvalue(), mtime=0)


def test_a_repository_is_fetched_without_its_history(
    project: Path, tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    server = serve(smart(tmp_path / "site"))
    with open_source(Source("git", server.url + "/team/app.git"), Limits(), tmp_path / "cache") as reading:
        entries, facts, identity = list(reading.entries()), reading.facts, reading.identity
    assert [(entry.path, entry.content) for entry in entries] == [("1.py", b"print(1)\n"), ("2.py", b"print(2)\n")]
    assert facts.version == git(project, "rev-parse", "HEAD")
    assert (facts.default_branch, facts.first_commit_at) == ("main", None)
    assert (identity.name, identity.url) == ("team/app", server.url + "/team/app")
    (clone,) = (place for place in (tmp_path / "cache/git" / identity.repo_id).iterdir() if place.is_dir())
    assert git(clone, "rev-list", "--count", str(facts.version)) == "1"
    assert not list(clone.glob("hooks/*")) and not (clone / "index").exists()


def test_a_server_that_only_hands_out_files_is_read_too(
    project: Path, tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    server = serve(dumb(tmp_path / "site"))
    for cache in ("loose", "packed"):
        with open_source(Source("git", server.url + "/team/app.git"), Limits(), tmp_path / cache) as reading:
            assert [entry.path for entry in reading.entries()] == ["1.py", "2.py"]
            assert reading.facts.default_branch == "main" and reading.facts.first_commit_at is not None
        git(tmp_path / "site/team/app.git", "repack", "-q", "-a", "-d")
        git(tmp_path / "site/team/app.git", "update-server-info")


def test_what_was_fetched_is_not_fetched_again(
    project: Path, tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    server, cache = serve(smart(tmp_path / "site")), tmp_path / "cache"
    tip = Source("git", server.url + "/team/app.git")
    pinned = Source("git", server.url + "/team/app.git", version=git(project, "rev-parse", "HEAD"))
    first = read(tip, cache)
    server.requests.clear()
    assert read(pinned, cache) == first and server.requests == []
    assert read(tip, cache) == first
    assert not any("git-upload-pack" in path and "info/refs" not in path for path in server.requests[2:])
    (project / "3.py").write_text("print(3)\n")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "-m", "change")
    git(project, "push", "--quiet", str(tmp_path / "site/team/app.git"), "main")
    assert [entry.path for entry in read(tip, cache)] == ["1.py", "2.py", "3.py"]
    assert read(pinned, cache) == first


def commit_and_push(project: Path, site: Path, name: str) -> str:
    (project / name).write_text("print(0)\n")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "-m", name)
    git(project, "push", "--quiet", str(site / "team/app.git"), "main")
    return git(project, "rev-parse", "HEAD")


@pytest.mark.parametrize("damage", ["a page", "half", "all", "one more"])
def test_a_clone_that_was_damaged_in_the_cache_is_fetched_anew(
    project: Path, tmp_path: Path, serve: Callable[[Answer], Server], damage: str
) -> None:
    server, cache = serve(smart(tmp_path / "site")), tmp_path / "cache"
    source = Source("git", server.url + "/team/app.git")
    first = read(source, cache)
    (pack,) = cache.rglob("*.pack")
    content = bytearray(pack.read_bytes())
    pack.chmod(0o644)
    if damage == "a page":
        content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
        pack.write_bytes(content)
    elif damage == "half":
        pack.write_bytes(content[: len(content) // 2])
    elif damage == "all":
        pack.unlink()
    else:
        (pack.parents[1] / "info" / "alternates").write_text("/somewhere\n")
    assert read(source, cache) == first
    server.requests.clear()
    assert read(source, cache) == first
    assert not any("git-upload-pack" in path and "info/refs" not in path for path in server.requests[2:])


def test_what_a_branch_stood_at_before_goes_and_what_was_asked_for_by_its_id_stays(
    project: Path, tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    server, site, cache = serve(smart(tmp_path / "site")), tmp_path / "site", tmp_path / "cache"
    tip = Source("git", server.url + "/team/app.git")
    named = Source("git", server.url + "/team/app.git", version="main")
    commits = [git(project, "rev-parse", "HEAD")]
    read(tip, cache)
    read(Source("git", server.url + "/team/app.git", version=commits[0]), cache)  # asked for by its id
    for name in ("3.py", "4.py", "5.py"):
        commits.append(commit_and_push(project, site, name))
        read(tip, cache)
    (folder,) = (cache / "git").iterdir()
    assert {place.name for place in folder.iterdir()} == {
        *commits,
        "default.json",
    }  # another process may be reading them
    left = [cache / ".git-of-a-run-that-was-killed", folder / ".git-of-another"]
    for place in left:
        place.mkdir()
    day = 24 * 3600 + 60
    for place in (*folder.glob("*/gleanery.json"), *left):
        os.utime(place, (time.time() - day, time.time() - day))
    commits.append(commit_and_push(project, site, "6.py"))
    read(named, cache)  # another branch, by its name, has moved nothing yet
    assert {place.name for place in folder.iterdir()} == {*commits, "default.json"} and not any(
        place.exists() for place in left
    )
    read(tip, cache)
    assert {place.name for place in folder.iterdir()} == {commits[0], commits[-1], "default.json"}


def test_a_branch_or_commit_can_be_asked_for(project: Path, tmp_path: Path, serve: Callable[[Answer], Server]) -> None:
    server, url = serve(smart(tmp_path / "site")), "/team/app.git"
    first = git(project, "rev-parse", "HEAD~1")
    git(project, "push", "--quiet", str(tmp_path / "site/team/app.git"), "HEAD~1:refs/heads/old")
    for version in (first, "old"):
        assert [e.path for e in read(Source("git", server.url + url, version=version), tmp_path / "cache")] == ["1.py"]
    assert code(Source("git", server.url + url, version="none"), tmp_path / "cache") == "branch_not_found"
    assert code(Source("git", server.url + url, version="e" * 40), tmp_path / "cache") in ("not_found", "unreadable")


def test_redirects_logins_and_missing_repositories_are_refused_by_name(
    project: Path, tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    real = serve(smart(tmp_path / "site"))

    def elsewhere(handler: http.server.BaseHTTPRequestHandler) -> None:
        send(handler, b"", 302, f"Location: {real.url}{handler.path}")

    for answer, expected in (
        (elsewhere, "redirect_not_allowed"),
        (constant(status=401, header="WWW-Authenticate: Basic realm=x"), "refused"),
        (constant(status=403), "refused"),
        (constant(status=404), "not_found"),
        (constant(b"<html>no repository</html>"), "branch_not_found"),
    ):
        server = serve(answer)
        assert code(Source("git", server.url + "/team/app.git"), tmp_path / "cache") == expected
    assert real.requests == []
    assert list((tmp_path / "cache" / "git").rglob("*.pack")) == []


NAMES = ["redirector", "refused-bequest", "it's-a-redirect", "x'redirect'", "timed%20out"]


@pytest.mark.parametrize("name", NAMES)
def test_no_word_in_a_name_decides_the_class_of_a_failure(
    name: str, project: Path, tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    busy, missing = serve(constant(status=503)), serve(constant(status=404))
    assert isinstance(failure(Source("git", f"{busy.url}/team/{name}.git"), tmp_path / "cache"), TryAgain)
    assert len(busy.requests) == 3
    assert code(Source("git", f"{missing.url}/team/{name}.git"), tmp_path / "cache") == "not_found"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{closed.getsockname()[1]}/team/{name}.git"
    assert isinstance(failure(Source("git", away), tmp_path / "cache"), TryAgain)


def test_a_server_cannot_send_the_reader_to_another_one_for_objects(
    project: Path, tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    other = serve(dumb(tmp_path / "site"))
    (tmp_path / "hostile").mkdir()
    git(tmp_path, "clone", "--quiet", "--bare", "work", "hostile/app.git")
    hostile = tmp_path / "hostile" / "app.git"
    git(hostile, "update-server-info")
    for stored in [*hostile.glob("objects/??"), *hostile.glob("objects/pack")]:
        shutil.rmtree(stored)
    for name in ("alternates", "http-alternates"):
        (hostile / "objects" / "info" / name).write_text(f"{other.url}/team/app.git/objects\n")
    server = serve(dumb(tmp_path / "hostile"))
    assert code(Source("git", server.url + "/app.git"), tmp_path / "cache") in ("not_found", "unreadable")
    assert other.requests == []


def test_a_busy_server_is_asked_three_times(tmp_path: Path, serve: Callable[[Answer], Server]) -> None:
    server = serve(constant(status=503))
    assert isinstance(failure(Source("git", server.url + "/team/app.git"), tmp_path / "cache"), TryAgain)
    assert len(server.requests) == 3
    server.requests.clear()
    assert isinstance(failure(Source("archive", server.url + "/a.tar.gz"), tmp_path / "cache"), TryAgain)
    assert len(server.requests) == 3


PAUSES: list[Callable[[float], tuple[int, dict[str, str]]]] = [
    lambda seconds: (429, {"Retry-After": f"{seconds:.0f}"}),
    lambda seconds: (503, {"Retry-After": email.utils.formatdate(time.time() + seconds + 0.9, usegmt=True)}),
    lambda seconds: (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{time.time() + seconds + 0.9:.0f}"}),
    lambda seconds: (403, {"Retry-After": f"{seconds:.0f}"}),
]


@pytest.mark.parametrize("pause", PAUSES)
def test_a_busy_server_is_asked_again_when_it_says(
    pause: Callable[[float], tuple[int, dict[str, str]]],
    tmp_path: Path,
    serve: Callable[[Answer], Server],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(deadline, "time", types.SimpleNamespace(sleep=slept.append, monotonic=time.monotonic))

    def busy(handler: http.server.BaseHTTPRequestHandler) -> None:
        status, headers = pause(100) if len(server.requests) == 1 else (200, {})
        body = archive() if status == 200 else b""
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    server = serve(busy)
    source = Source("archive", server.url + "/a.tar.gz")
    assert [entry.path for entry in read(source, tmp_path / "cache")] == ["a.py"]
    assert len(slept) == 1 and 97 < slept[0] < 103
    server.requests.clear()
    assert isinstance(failure(source, tmp_path / "cache", Limits(seconds=60)), TryAgain)
    assert len(server.requests) == 1 and len(slept) == 1  # it would be too late


@pytest.mark.parametrize(
    ("status", "header"),
    [(200, "X-RateLimit-Remaining: 0"), (404, "Retry-After: 100"), (403, "X-RateLimit-Remaining: 9")],
)
def test_an_answer_that_is_one_is_not_asked_for_again(
    status: int, header: str, tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    server = serve(constant(archive() if status == 200 else b"", status, header))
    source = Source("archive", server.url + "/a.tar.gz")
    if status == 200:  # the last one for some time
        assert [entry.path for entry in read(source, tmp_path / "cache")] == ["a.py"]
    else:
        assert isinstance(failure(source, tmp_path / "cache"), RejectRecord)
    assert len(server.requests) == 1


def test_a_pause_that_is_none_is_passed_over(tmp_path: Path, serve: Callable[[Answer], Server]) -> None:
    for words in ("soon", "-5", "Fri, 99 Foo 2020 00:00:00 GMT", "Fri, 01 Jan 2010 00:00:00 GMT", ""):
        server = serve(constant(status=429, header=f"Retry-After: {words}"))
        assert isinstance(failure(Source("archive", server.url + "/a.tar.gz"), tmp_path / "cache"), TryAgain)
        assert len(server.requests) == 3


def test_a_server_that_is_not_there_may_be_there_later(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/team/app.git"
        for kind in ("git", "archive"):
            assert isinstance(failure(Source(kind, url), tmp_path / "cache"), TryAgain)


def test_a_clone_is_limited_in_size(project: Path, tmp_path: Path, serve: Callable[[Answer], Server]) -> None:
    (project / "noise").write_bytes(os.urandom(3 << 20))
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "-m", "large")
    git(project, "push", "--quiet", str(tmp_path / "site/team/app.git"), "main")
    server = serve(smart(tmp_path / "site"))
    source = Source("git", server.url + "/team/app.git")
    assert code(source, tmp_path / "cache", Limits(max_archive_bytes=1 << 20)) == "too_large"
    assert list((tmp_path / "cache" / "git" / identify(source).repo_id).iterdir()) == []


def test_a_clone_that_grows_without_end_is_stopped(
    project: Path, tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    git(tmp_path / "site/team/app.git", "repack", "-q", "-a", "-d")
    git(tmp_path / "site/team/app.git", "update-server-info")
    sent: list[int] = []

    def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
        if not handler.path.endswith(".pack"):
            return dumb(tmp_path / "site")(handler)
        handler.send_response(200)
        handler.end_headers()
        for _ in range(2000):
            handler.wfile.write(bytes(1 << 16))
            sent.append(1 << 16)
            time.sleep(0.001)

    server = serve(endless)
    source = Source("git", server.url + "/team/app.git")
    assert code(source, tmp_path / "cache", Limits(max_archive_bytes=1 << 20)) == "too_large"
    assert 1 << 20 < sum(sent) < 100 << 20


def test_a_server_that_never_ends_its_answer_is_left_at_the_time_limit(
    tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    def drip(handler: http.server.BaseHTTPRequestHandler) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 600:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(0.02)

    server = serve(lambda handler: drip(handler))
    for kind in ("git", "archive"):
        started = time.monotonic()
        error = failure(Source(kind, server.url + "/team/app.tar.gz"), tmp_path / "cache", Limits(seconds=1))
        assert isinstance(error, TryAgain)
        assert time.monotonic() - started < 4


def test_an_archive_is_downloaded_once_if_its_digest_is_known(
    tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    server = serve(constant(archive()))
    digest = hashlib.sha256(archive()).hexdigest()
    source = Source("archive", server.url + "/files/tool-1.0.tar.gz?token=x", sha256=digest)
    assert [(e.path, e.content) for e in read(source, tmp_path / "cache")] == [("a.py", b"print(1)")]
    assert read(source, tmp_path / "cache") and len(server.requests) == 1
    assert identify(source).url == server.url + "/files/tool-1.0.tar.gz"
    assert identify(source).name == "127.0.0.1/tool-1.0"
    assert code(Source("archive", source.locator, sha256="1" * 64), tmp_path / "other") == "digest_mismatch"
    assert downloads(tmp_path / "other") == []


def downloads(cache: Path) -> list[Path]:
    return [path for path in (cache / "downloads").rglob("*") if path.is_file()]


def moved(handler: http.server.BaseHTTPRequestHandler) -> None:
    """A forge at which the repository old/app is called new/app now."""
    if handler.path.startswith("/new/"):
        return constant(archive())(handler)
    handler.send_response(301)
    handler.send_header("Location", handler.path.replace("/old/", "/new/").replace("?token=x", "?token=y"))
    handler.send_header("Content-Length", "0")
    handler.end_headers()
    return None


def test_addresses_on_the_way_are_told_before_they_are_asked_and_when_the_cache_answers(
    tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    server, cache = serve(moved), tmp_path / "cache"
    digest = hashlib.sha256(archive()).hexdigest()
    source = Source("archive", server.url + "/old/app/archive/main.tar.gz?token=x", sha256=digest)
    told: list[tuple[str, int]] = []
    for _ in range(2):
        with open_source(source, Limits(), cache, lambda address: told.append((address, len(server.requests)))):
            pass
    assert told == [(server.url + "/new/app/archive/main.tar.gz", asked) for asked in (1, 2)]
    other = Source("archive", server.url + "/old/other/archive/main.tar.gz", sha256=digest)
    read(other, cache)
    assert len(server.requests) == 4, "what another source brought says nothing about the way to this one"

    def refuse(address: str) -> None:
        raise LookupError(address)

    for cached in (cache, tmp_path / "empty"):
        with pytest.raises(LookupError):
            open_source(source, Limits(), cached, refuse)
    assert server.requests[-1].startswith("/old/") and not downloads(tmp_path / "empty")


def test_an_archive_is_forgotten_without_its_digest_too_and_what_it_was_before_goes_after_a_day(
    tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    contents = iter([archive() + bytes(number) for number in range(9)])
    server, cache = serve(lambda handler: constant(next(contents))(handler)), tmp_path / "cache"
    source = Source("archive", server.url + "/tool.tar.gz")
    for held in (1, 2):
        assert read(source, cache) and len(downloads(cache)) == held  # another process may be about to read it
    for path in downloads(cache):
        os.utime(path, (1, 1))
    assert read(source, cache) and len(downloads(cache)) == 1
    flat = cache / "downloads" / ("0" * 64)  # where another version kept it
    flat.write_bytes(b"")
    (note,) = cache.glob("remembered/*/*.json")
    note.with_name("of-another-version.json").write_text(json.dumps({"archive": flat.name}))
    forget_source(source, cache)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_no_source_takes_an_archive_from_another_one_or_from_another_version_of_itself(
    tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    newest = [archive()]

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        send(handler, newest[0] if "latest" in handler.path else archive())

    server, cache, digest = serve(answer), tmp_path / "cache", hashlib.sha256(archive()).hexdigest()
    latest = Source("archive", server.url + "/latest.tar.gz")
    for pinned in (
        Source("archive", server.url + "/v1.tar.gz", sha256=digest),
        Source("archive", server.url + "/latest.tar.gz?v1", sha256=digest),  # the same source
    ):
        newest[0] = archive()
        first = read(pinned, cache)
        for addition in (b"", b"\0"):
            newest[0] = archive() + addition
            assert read(latest, cache)
        for path in downloads(cache):
            os.utime(path, (1, 1))
        assert read(latest, cache)
        server.requests.clear()
        assert read(pinned, cache) == first and server.requests == []


def test_an_archive_that_another_process_replaces_or_removes_is_read_all_the_same(
    tmp_path: Path, serve: Callable[[Answer], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = iter([archive(), archive() + b"\0", archive() + b"\0\0"])
    server, cache = serve(lambda handler: constant(next(contents))(handler)), tmp_path / "cache"
    source, real = Source("archive", server.url + "/tool.tar.gz"), archives.open_archive

    def late(*arguments: Any) -> Any:
        with monkeypatch.context() as patched:
            patched.setattr(reading, "open_archive", real)
            read(source, cache)
            forget_source(source, cache)
        return real(*arguments)

    monkeypatch.setattr(reading, "open_archive", late)
    assert [entry.content for entry in read(source, cache)] == [b"print(1)"]


def test_a_clone_that_is_forgotten_while_it_is_read_leaves_no_unreadable_files(
    project: Path, tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    server, cache = serve(smart(tmp_path / "site")), tmp_path / "cache"
    source = Source("git", server.url + "/team/app.git")
    for moment in ("before the first file", "after the last one"):
        with open_source(source, Limits(), cache) as opened:
            entries = opened.entries()
            seen = [next(entries).skipped for _ in range(2)] if moment == "after the last one" else []
            forget_source(source, cache)
            assert not list((cache / "git").iterdir())
            with pytest.raises(TryAgain):
                seen += [entry.skipped for entry in entries]
    assert read(source, cache)


def test_what_others_write_or_remove_meanwhile_stops_no_forgetting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, cache, real = Source("git", "http://127.0.0.1/team/app.git"), tmp_path / "cache", shutil.rmtree
    folder = cache / "git" / identify(source).repo_id
    left = iter([OSError(errno.ENOTEMPTY, ""), FileNotFoundError(errno.ENOENT, ""), None, None])

    def busy(place: Path) -> None:
        if error := next(left):
            raise error
        real(place)

    (folder / "clone").mkdir(parents=True)
    (cache / f".taken-git-{folder.name}-of-a-run-that-was-killed").mkdir()
    monkeypatch.setattr(shutil, "rmtree", busy)
    forget_source(source, cache)
    forget_source(source, cache)
    assert [path.name for path in cache.iterdir()] == ["git"] and not folder.exists()


def test_what_others_remove_to_its_end_meanwhile_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, cache, real = Source("git", "http://127.0.0.1/team/app.git"), tmp_path / "cache", shutil.rmtree
    (cache / "git" / identify(source).repo_id / "clone").mkdir(parents=True)

    def late(place: Path) -> None:
        real(place)
        raise FileNotFoundError(errno.ENOENT, "")

    monkeypatch.setattr(shutil, "rmtree", late)
    forget_source(source, cache)
    assert [path.name for path in cache.iterdir()] == ["git"] and not list((cache / "git").iterdir())


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_too_many_open_files_are_no_fault_of_a_source(tmp_path: Path, number: int) -> None:
    found = as_ours(OSError(number, "", str(tmp_path / "project.zip")), tmp_path / "cache")
    assert isinstance(found, TryAgain) and "ulimit" in found.hint


def test_what_a_kill_left_half_done_is_removed_by_the_next_download_and_by_an_objection(
    tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    server, cache = serve(constant(archive())), tmp_path / "cache"
    source, partial = Source("archive", server.url + "/tool.tar.gz"), cache / "partial"
    partial.mkdir(parents=True)
    for act in (lambda: read(source, cache), lambda: forget_source(source, cache)):
        (partial / "killed").write_bytes(b"half")
        with open(partial / "at-work", "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            act()
            assert [path.name for path in partial.iterdir()] == ["at-work"]
        (partial / "at-work").unlink()


def test_a_download_that_was_damaged_in_the_cache_is_fetched_anew(
    tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    server, cache = serve(constant(archive())), tmp_path / "cache"
    digest = hashlib.sha256(archive()).hexdigest()
    source = Source("archive", server.url + "/tool.tar.gz", sha256=digest)
    for place, content in (("downloads/*/*", b""), ("remembered/*/*.json", b"{}"), ("remembered/*/*.json", b"{")):
        before = read(source, cache)
        (path,) = cache.glob(place)
        path.write_bytes(content)
        asked = len(server.requests)
        assert read(source, cache) == before and len(server.requests) == asked + 1
    (path,) = cache.glob("remembered/*/*.json")
    (tmp_path / "precious").write_bytes(b"")
    for content in (b"[" * 100_000, b'{"archive": "../../precious"}'):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        forget_source(source, cache)
        assert (tmp_path / "precious").exists() and not path.exists()


def test_a_cache_that_cannot_be_used_stops_the_run_and_is_named(
    project: Path, tmp_path: Path, serve: Callable[[Answer], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    web, files = serve(smart(tmp_path / "site")), serve(constant(archive()))
    sources = [
        Source("git", str(project)),
        Source("git", web.url + "/team/app.git"),
        Source("archive", files.url + "/tool.tar.gz"),
    ]
    cache = tmp_path / "cache"
    for name, stopped in (("", sources), ("git", sources[1:2]), ("downloads", sources[2:])):
        (cache / name).write_bytes(b"")  # where a folder should be
        for source in stopped:
            error = failure(source, cache)
            assert isinstance(error, StopRun) and error.message.startswith(f"the cache {cache} cannot be used: ")
        (cache / name).unlink()
        cache.mkdir(exist_ok=True)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for broken in ("mkdtemp", "mkstemp", "TemporaryFile"):
        with monkeypatch.context() as patched:
            patched.setattr(tempfile, broken, full)
            source = sources[2] if broken == "mkstemp" else sources[1]
            assert isinstance(failure(source, cache), StopRun)
    assert all(read(source, cache) for source in sources)
    said = b"fatal: write error: No space left on device"
    assert isinstance(gitremote._error(said), OSError)
    assert not isinstance(gitremote._error(b"fatal: remote error: No space left on device"), OSError)


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, verb: str, does: str) -> None:
    """A git that does something else where it is called with one verb."""
    real = shutil.which("git")
    folder.mkdir(exist_ok=True)
    script = f'#!/bin/sh\nfor word in "$@"; do if [ "$word" = {verb} ]; then {does}; fi; done\nexec {real} "$@"\n'
    (folder / "git").write_text(script)
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.path.dirname(str(real))}:{os.environ['PATH']}")


@pytest.mark.parametrize("verb", ["ls-remote", "fetch"])
def test_a_disk_that_fills_up_while_git_writes_is_not_taken_for_a_fault_of_the_address(
    project: Path, tmp_path: Path, serve: Callable[[Answer], Server], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    source, cache = Source("git", serve(smart(tmp_path / "site")).url + "/team/app.git"), tmp_path / "cache"
    # On a full disk, whatever stands in git's folder keeps no byte of what is written there.
    keeps_nothing = 'for file in "$GIT_DIR"/*; do if [ -f "$file" ]; then : > "$file"; fi; done'
    for said in ("fatal: write error: No space left on device", "error: sha1 file x write error. Out of diskspace"):
        with monkeypatch.context() as patched:
            stand_in(tmp_path / "bin", patched, verb, f'echo "{said}" >&2; {keeps_nothing}; exit 128')
            error = failure(source, cache)
        assert isinstance(error, StopRun) and error.message.startswith(f"the cache {cache} cannot be used: No space")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:  # git finds no words for it
        stand_in(tmp_path / "bin", patched, verb, 'echo "fatal: index-pack failed" >&2; exit 128')
        refused = failure(source, cache)
        patched.setattr(tempfile, "TemporaryFile", full)
        assert isinstance(failure(source, cache), StopRun)
    assert isinstance(refused, RejectRecord) and refused.code == "unreadable"
    assert read(source, cache)


@pytest.mark.parametrize("verb", ["ls-remote", "fetch", "rev-parse", "cat-file", "rev-list", "ls-tree"])
def test_a_git_that_the_system_ends_is_no_fault_of_the_source(
    project: Path, tmp_path: Path, serve: Callable[[Answer], Server], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    server, cache = serve(smart(tmp_path / "site")), tmp_path / "cache"
    for source in (Source("git", str(project)), Source("git", server.url + "/team/app.git")):
        with monkeypatch.context() as patched:
            stand_in(tmp_path / "bin", patched, verb, "kill -9 $$")
            if source.locator == str(project) and verb in ("ls-remote", "fetch", "rev-parse"):
                continue  # not needed on disk
            if source.locator != str(project) and verb == "rev-list":
                continue  # there is no history
            assert isinstance(failure(source, cache), TryAgain)
    assert isinstance(gitremote._error(b"error: index-pack died of signal 9\nfatal: index-pack failed"), TryAgain)


def test_a_git_that_is_ended_in_the_middle_leaves_no_row_without_its_content(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which("git")
    stand_in(tmp_path / "bin", monkeypatch, "--batch", f'{real} "$@" | head -c 60; kill -9 $$')
    seen: list[tuple[str, str | None]] = []
    with open_source(Source("git", str(project)), Limits(), tmp_path / "cache") as reading, pytest.raises(TryAgain):
        seen.extend((entry.path, entry.skipped) for entry in reading.entries())
    assert seen in ([], [("1.py", None)])


def test_what_was_fetched_can_be_forgotten_and_nothing_else_is(
    project: Path, tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    cache, server, files = tmp_path / "cache", serve(smart(tmp_path / "site")), serve(constant(archive()))
    clone = Source("git", server.url + "/team/app.git")
    digest = hashlib.sha256(archive()).hexdigest()
    download = Source("archive", files.url + "/tool.tar.gz", sha256=digest)
    assert read(clone, cache) and read(download, cache)

    def held() -> set[str]:
        return {path.relative_to(cache).parts[0] for path in cache.rglob("*") if path.is_file()}

    assert held() == {"git", "downloads", "remembered"}
    forget_source(clone, cache)
    assert held() == {"downloads", "remembered"}
    forget_source(download, cache)
    forget_source(download, cache)  # what is gone may be forgotten again
    assert held() == set()
    forget_source(Source("git", str(project)), cache)  # a repository on disk is its owner's: it stays
    assert read(Source("git", str(project)), cache)


def test_downloads_are_limited_and_cut_off_ones_are_not_kept(tmp_path: Path, serve: Callable[[Answer], Server]) -> None:
    source = Source("archive", serve(constant(bytes(300_000))).url + "/a.tar")
    assert code(source, tmp_path / "cache", Limits(max_archive_bytes=200_000)) == "too_large"

    def short(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "5000")
        handler.end_headers()
        handler.wfile.write(b"x" * 100)

    assert isinstance(failure(Source("archive", serve(short).url + "/a.tar"), tmp_path / "cache"), TryAgain)
    assert downloads(tmp_path / "cache") == []


def test_three_redirects_are_followed_and_a_fourth_is_not(tmp_path: Path, serve: Callable[[Answer], Server]) -> None:
    def chain(handler: http.server.BaseHTTPRequestHandler) -> None:
        left = int(handler.path.strip("/"))
        send(handler, archive()) if left == 0 else send(handler, b"", 302, f"Location: /{left - 1}")

    server = serve(chain)
    assert [entry.path for entry in read(Source("archive", server.url + "/3"), tmp_path / "cache")] == ["a.py"]
    assert code(Source("archive", server.url + "/4"), tmp_path / "cache") == "redirect_not_allowed"
    for target in ("file:///etc/passwd", "ftp://127.0.0.1/x", "http://user:pass@127.0.0.1/x"):
        away = serve(constant(status=302, header=f"Location: {target}"))
        assert code(Source("archive", away.url + "/a.tar"), tmp_path / "cache") == "redirect_not_allowed"


def test_a_redirect_goes_neither_down_to_http_nor_from_outside_to_inside() -> None:
    assert scheme_allowed("http://a.example/", "https://a.example/")
    assert not scheme_allowed("https://a.example/", "http://a.example/")
    assert not scheme_allowed("http://a.example/", "http://127.0.0.2\\x.example/")
    outside, inside, unknown = Host(("93.184.215.14",)), Host(("10.0.0.1",)), Host()
    literal, proxied = Host(("127.0.0.1",), literal=True), Host(proxied=True)
    for way, target in ([inside], inside), ([inside], outside), ([literal], literal), ([unknown], outside):
        assert may_lead_to(way, target)
    for way in [outside], [unknown], [proxied], [inside, outside], [Host(("10.0.0.1", "93.184.215.14"))]:
        assert not any(may_lead_to(way, target) for target in (inside, literal, unknown))
    assert not may_lead_to([inside], literal)
    assert may_lead_to([proxied], proxied) and not may_lead_to([outside], proxied)


def test_an_address_inside_is_known_in_every_form() -> None:
    private = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "::1", "::ffff:10.0.0.1", "fe80::1%eth0"]
    private += ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::1", "::7f00:1"]
    assert not any(is_public([address]) for address in private)
    assert not is_public(["93.184.215.14", "127.0.0.1"])
    assert all(is_public([address]) for address in ("93.184.215.14", "64:ff9b::5db8:d70e", "2002:5db8:d70e::1"))
    assert host_of("http://127.1/x") == host_of("http://2130706433/") == Host(("127.0.0.1",), literal=True)


def test_a_proxy_that_looks_names_up_opens_no_way_inside(
    tmp_path: Path, serve: Callable[[Answer], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = serve(constant(archive()))
    proxy = serve(constant(status=302, header=f"Location: {secret.url}/inside.tar"))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    source = Source("archive", "http://releases.project.invalid/a.tar.gz")
    assert code(source, tmp_path / "cache") == "redirect_not_allowed"
    assert len(proxy.requests) == 1 and secret.requests == []


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy"])
def test_git_asks_the_proxy_for_everything_too(
    name: str, tmp_path: Path, serve: Callable[[Answer], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(constant(status=404))
    for other in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, proxy.url)
    assert failure(Source("git", "http://code.project.invalid/a.git"), tmp_path / "cache")
    assert any("code.project.invalid/a.git" in request for request in map(str, proxy.requests))


@pytest.mark.parametrize("location", ["http://[::1/", "http:///a.tar"])
def test_a_redirect_to_an_address_that_is_none_is_refused(
    location: str, tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    server = serve(constant(status=302, header=f"Location: {location}"))
    assert failure(Source("archive", server.url + "/a.tar"), tmp_path / "cache")


def test_stored_logins_are_not_sent(
    tmp_path: Path, serve: Callable[[Answer], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []

    def note(handler: http.server.BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers.get("Authorization"))
        send(handler, archive())

    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login invented password invented\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    server = serve(note)
    read(Source("archive", server.url + "/a.tar"), tmp_path / "cache")
    failure(Source("git", server.url + "/team/app.git"), tmp_path / "cache")
    assert len(seen) >= 2 and set(seen) == {None}


@pytest.mark.parametrize(
    ("locator", "name", "url"),
    [
        ("https://Host.Example/Team/App", "Team/App", "https://host.example/Team/App"),
        ("https://host.example:443/Team/App.git/", "Team/App", "https://host.example/Team/App"),
        ("http://host.example:8080/a/b/c.git?x=1#y", "b/c", "http://host.example:8080/a/b/c"),
        ("https://host.example//team///app", "team/app", "https://host.example/team/app"),
        ("https://host.example/%74eam/app", "team/app", "https://host.example/team/app"),
        ("https://host.example/app", "host.example/app", "https://host.example/app"),
        ("https://[::1]:8443/team/app", "team/app", "https://[::1]:8443/team/app"),
        ("https://bücher.example/team/app", "team/app", "https://xn--bcher-kva.example/team/app"),
    ],
)
def test_one_repository_has_one_identity_however_it_is_written(locator: str, name: str, url: str) -> None:
    identity = identify(Source("git", locator))
    assert (identity.name, identity.url) == (name, url)
    assert len(identity.repo_id) == 32


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://github.com/alice/lib/archive/refs/heads/main.tar.gz", "alice/lib"),
        ("https://github.com/alice/lib/releases/download/v1/lib-1.0.tgz", "alice/lib"),
        ("https://codeload.github.com/alice/lib/tar.gz/refs/heads/main", "alice/lib"),
        ("https://api.github.com/repos/alice/lib/tarball/main", "alice/lib"),
        ("https://gitlab.com/group/sub/lib/-/archive/main/lib-main.tar.gz", "sub/lib"),
        ("https://git.example.org/alice/lib/archive/main.tar.gz", "alice/lib"),
        ("https://bitbucket.org/alice/lib/get/main.zip", "alice/lib"),
        ("https://git.sr.ht/~alice/lib/archive/1.0.tar.gz", "~alice/lib"),
        ("https://git.kernel.org/pub/scm/x/lib.git/snapshot/lib-1.0.tar.gz", "x/lib"),
        ("https://example.org/downloads/lib-1.0.tar.gz", "example.org/lib-1.0"),
        ("https://example.org/alice/lib/releases/lib-1.0.tar.gz", "example.org/lib-1.0"),
        ("https://github.com/main.tar.gz", "github.com/main"),
        ("https://example.org/-/main.tar.gz", "example.org/main"),
        ("https://example.org/alice/lib.git", "example.org/lib.git"),
    ],
)
def test_an_archive_of_a_forge_is_named_after_its_repository(address: str, name: str) -> None:
    identity = identify(Source("archive", address))
    assert (identity.name, identity.url) == (name, address)


def test_a_name_of_ones_own_keeps_the_other_as_an_alias() -> None:
    identity = identify(Source("git", "https://host.example/team/app", name="new/app", aliases=("old/app", "new/app")))
    assert identity.name == "new/app" and identity.aliases == ("old/app", "team/app")
    assert identity.repo_id == identify(Source("git", "https://host.example/team/app")).repo_id
    local = identify(Source("git", "somewhere/app", name="team/app"))
    assert (local.url, local.aliases) == ("local:team/app", ())
    assert local == identify(Source("git", "/else/where.git", name="team/app"))
