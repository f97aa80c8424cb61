"""What an owner says on the default branch holds, whichever branch or commit of the repository is read."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from test_sources_git import git, repository
from test_sources_remote import Answer, Server, dumb, send, serve, short_pauses, smart

from gleanery.records.errors import RejectRecord, TryAgain
from gleanery.sources.reading import Limits, Source, forget_source, open_source

__all__ = ["serve", "short_pauses"]
OBJECTION = b'{"action": "block"}\n'
PLACE = ".dataset-optout.json"
SECOND = ".well-known/dataset-optout.json"
LARGE = bytes(range(256)) * 64


def commit(folder: Path, files: dict[str, bytes | None]) -> str:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).unlink() if content is None else (folder / name).write_bytes(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "change")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A repository whose branch `stable` stands before the owner's objection on its default branch."""
    folder = repository(tmp_path / "work", {"a.py": b"print(1)\n"})
    git(folder, "branch", "stable")
    return folder


@pytest.fixture
def publish(tmp_path: Path, work: Path) -> Callable[[], None]:
    """Bring what was committed to the server's disk."""
    site = tmp_path / "site" / "app.git"
    git(tmp_path, "init", "--quiet", "--bare", str(site))
    git(site, "config", "uploadpack.allowFilter", "true")

    def push() -> None:
        git(work, "push", "--quiet", str(site), "main", "stable")
        git(site, "update-server-info")

    push()
    return push


def elsewhere(
    source: Source, cache: Path, again: bool = False, limits: Limits | None = None
) -> list[tuple[str, bytes | None]]:
    with open_source(source, limits or Limits(), cache, again=again) as reading:
        assert [(entry.path, entry.skipped) for entry in reading.entries()] == [("a.py", None)]
        found = [(said.path, said.content) for said in reading.elsewhere]
        assert reading.facts.optout_signal == (f"HEAD:{found[0][0]}" if found else None)
    return found


def test_on_disk_the_default_branch_is_looked_at_too(work: Path, tmp_path: Path) -> None:
    first, cache = git(work, "rev-parse", "HEAD"), tmp_path / "cache"
    sources = [Source("git", str(work), version=version) for version in (first, "stable")]
    assert [elsewhere(source, cache) for source in sources] == [[], []]
    commit(work, {PLACE: OBJECTION, SECOND: b"{}", f"vendor/{PLACE}": b""})
    assert [elsewhere(source, cache) for source in sources] == [[(PLACE, OBJECTION), (SECOND, b"{}")]] * 2
    git(tmp_path, "clone", "--quiet", "--branch", "stable", "work", "clone")  # its own HEAD is the branch that is read
    assert elsewhere(Source("git", str(tmp_path / "clone")), cache) == [(PLACE, OBJECTION), (SECOND, b"{}")]
    git(work, "worktree", "add", "--quiet", "../linked", "stable")
    assert elsewhere(Source("git", str(tmp_path / "linked")), cache) == [(PLACE, OBJECTION), (SECOND, b"{}")]
    with open_source(Source("git", str(work)), Limits(), cache) as reading:
        assert reading.elsewhere == () and reading.facts.optout_signal == PLACE


def test_a_default_branch_that_is_not_there_says_nothing_and_one_that_is_damaged_is_told(
    work: Path, tmp_path: Path
) -> None:
    source, cache = Source("git", str(work), version="stable"), tmp_path / "cache"
    head = commit(work, {PLACE: OBJECTION, "b/c.py": b""})
    git(work, "symbolic-ref", "HEAD", "refs/heads/unborn")
    assert elsewhere(source, cache) == []
    git(work, "symbolic-ref", "HEAD", "refs/heads/main")
    blob, tree = (git(work, "rev-parse", f"{head}:{name}") for name in (PLACE, ""))
    (work / ".git/objects" / blob[:2] / blob[2:]).unlink()
    assert elsewhere(source, cache) == [(PLACE, None)]
    (work / ".git/objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(RejectRecord) as caught:
        elsewhere(source, cache)
    assert caught.value.code == "damaged"


@pytest.mark.parametrize("form", ["smart", "without filters", "dumb"])
def test_on_the_web_the_default_branch_is_looked_at_too(
    work: Path, publish: Callable[[], None], tmp_path: Path, serve: Callable[[Answer], Server], form: str
) -> None:
    if form == "without filters":
        git(tmp_path / "site/app.git", "config", "uploadpack.allowFilter", "false")
    server = serve((dumb if form == "dumb" else smart)(tmp_path / "site"))
    first = git(work, "rev-parse", "HEAD")
    commit(work, {"large": LARGE, SECOND: OBJECTION})
    publish()
    for version in (first, "stable"):
        source, cache = Source("git", server.url + "/app.git", version=version), tmp_path / f"cache-{version}"
        for _ in range(2):
            assert elsewhere(source, cache) == [(SECOND, OBJECTION)]


def test_only_folders_come_from_the_web_while_none_declares(
    work: Path, publish: Callable[[], None], tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    server, limits = serve(smart(tmp_path / "site")), Limits(max_archive_bytes=200_000)
    source, cache = Source("git", server.url + "/app.git", version="stable"), tmp_path / "cache"
    commit(work, {"large": os.urandom(400_000), "folder/b.py": b""})
    publish()
    assert elsewhere(source, cache, limits=limits) == []
    commit(work, {PLACE: OBJECTION})
    publish()
    # The file is there, and the branch that it stands on is too large to be fetched: what cannot be read objects.
    assert elsewhere(source, cache, limits=limits) == [(PLACE, None)]
    assert elsewhere(source, tmp_path / "other") == [(PLACE, OBJECTION)]


def test_where_a_branch_is_too_large_to_say_anything_that_is_no_silence(
    work: Path, publish: Callable[[], None], tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    source = Source("git", serve(dumb(tmp_path / "site")).url + "/app.git", version="stable")
    commit(work, {"large": os.urandom(400_000)})
    publish()
    with pytest.raises(RejectRecord):  # this server cannot give folders alone
        elsewhere(source, tmp_path / "cache", limits=Limits(max_archive_bytes=200_000))
    assert elsewhere(source, tmp_path / "other") == []


def test_a_commit_in_the_cache_needs_no_request_and_is_asked_about_again_where_that_is_wanted(
    work: Path, publish: Callable[[], None], tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    server, cache = serve(smart(tmp_path / "site")), tmp_path / "cache"
    pinned = Source("git", server.url + "/app.git", version=git(work, "rev-parse", "HEAD"))
    branch = Source("git", server.url + "/app.git", version="stable")
    assert elsewhere(pinned, cache) == []
    commit(work, {PLACE: OBJECTION})
    publish()
    server.requests.clear()
    assert elsewhere(pinned, cache) == [] and server.requests == []
    assert elsewhere(pinned, cache, again=True) == [(PLACE, OBJECTION)]
    commit(work, {PLACE: b"{}"})
    publish()
    server.requests.clear()
    assert elsewhere(pinned, cache) == [(PLACE, OBJECTION)] and server.requests == []
    assert elsewhere(branch, cache) == [(PLACE, b"{}")]  # a branch is looked up each time, and the default one with it
    server.requests.clear()
    assert elsewhere(pinned, cache) == [(PLACE, b"{}")] and server.requests == []
    commit(work, {PLACE: None})
    publish()
    assert elsewhere(branch, cache) == [] == elsewhere(pinned, cache)


def test_a_look_that_fails_is_no_silence_and_can_be_repeated(
    work: Path, publish: Callable[[], None], tmp_path: Path, serve: Callable[[Answer], Server]
) -> None:
    cache, away, real = tmp_path / "cache", [True], smart(tmp_path / "site")
    asked: list[str] = []

    def answer(handler: object) -> None:
        asked.append("")
        if away[0] and len(asked) > 3:  # after the commit was fetched
            return send(handler, b"", 503)  # type: ignore[arg-type]
        return real(handler)  # type: ignore[arg-type]

    source = Source("git", serve(answer).url + "/app.git", version=git(work, "rev-parse", "HEAD"))
    commit(work, {PLACE: OBJECTION})
    publish()
    for _ in range(2):
        with pytest.raises(TryAgain):
            elsewhere(source, cache)
    assert list(cache.glob("git/*/*/gleanery.json"))
    away[0] = False
    assert elsewhere(source, cache) == [(PLACE, OBJECTION)]
    away[0] = True
    with pytest.raises(TryAgain):
        elsewhere(source, cache, again=True)
    (note,) = cache.glob("git/*/default.json")
    for damaged in ("", "[]", '{"commit": 5, "said": [[1]]}', '{"commit": "x", "said": []}', "[" * 100_000):
        note.write_text(damaged)
        with pytest.raises(TryAgain):
            elsewhere(source, cache)
    away[0] = False
    assert elsewhere(source, cache) == [(PLACE, OBJECTION)]
    forget_source(source, cache)
    assert not list(cache.rglob("default.json"))
    shutil.rmtree(tmp_path / "site")
    with pytest.raises(RejectRecord):
        elsewhere(source, cache)
