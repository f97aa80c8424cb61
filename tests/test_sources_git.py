"""Git repositories on disk: what is read, what is skipped, and that nothing of a hostile repository is ever run."""

import hashlib
import os
import subprocess
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gleanery.records.errors import RejectRecord, StopRun, TryAgain
from gleanery.records.reasons import REASONS
from gleanery.sources.reading import Entry, Limits, Source, open_source

GOLDEN = Path(__file__).parent / "golden" / "sources"
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4" * 64 + b"\nsize 12345\n"
DATES = {"GIT_AUTHOR_DATE": "1500000000 +0000", "GIT_COMMITTER_DATE": "1500000000 +0000"}
PERSON = {
    **{f"GIT_{role}_NAME": "Invented Person" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": "invented@example.org" for role in ("AUTHOR", "COMMITTER")},
}


def git(folder: Path, *arguments: str, given: bytes = b"", **environment: str) -> str:
    """Run git as a person would, in a folder."""
    command = ["git", "-c", "init.defaultBranch=main", *arguments]
    setting = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", **PERSON, **DATES, **environment}
    done = subprocess.run(command, cwd=folder, input=given, capture_output=True, env=setting, check=True)
    return done.stdout.decode().strip()


def repository(folder: Path, files: dict[str, bytes]) -> Path:
    """A new repository with one commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
    return folder


def tree(folder: Path, *entries: tuple[str, bytes, str]) -> str:
    """Write a tree object with entries (mode, name, id) exactly as given, however wrong, and return its id."""
    raw = b"".join(mode.encode() + b" " + name + b"\x00" + bytes.fromhex(one) for mode, name, one in entries)
    return git(folder, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=raw)


def commit_tree(folder: Path, identifier: str) -> None:
    git(folder, "update-ref", "refs/heads/main", git(folder, "commit-tree", identifier, "-m", "hostile"))


def read(path: Path, cache: Path, limits: Limits | None = None, version: str | None = None) -> dict[str, Entry]:
    source = Source("git", str(path), version=version)
    with open_source(source, limits or Limits(), cache) as reading:
        entries = list(reading.entries())
    paths = [entry.path for entry in entries]
    assert paths == sorted(paths, key=str.encode) and len(set(paths)) == len(paths)
    assert all((entry.content is None) == (entry.skipped is not None) for entry in entries)
    assert all(entry.skipped is None or entry.skipped in REASONS for entry in entries)
    return {entry.path: entry for entry in entries}


def skipped(entries: dict[str, Entry]) -> dict[str, str]:
    return {path: entry.skipped for path, entry in entries.items() if entry.skipped}


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(RejectRecord) as caught:
        call()
    return caught.value.code


def test_files_are_read_with_their_modes_and_contents(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"a.py": b"print(1)\n", "src/ü.py": b"", "run": b"#!/bin/sh\n"})
    (folder / "run").chmod(0o755)
    git(folder, "commit", "--quiet", "-a", "-m", "mode")
    entries = read(folder, tmp_path / "cache")
    assert entries == {
        "a.py": Entry("a.py", "100644", 9, b"print(1)\n", None),
        "run": Entry("run", "100755", 10, b"#!/bin/sh\n", None),
        "src/ü.py": Entry("src/ü.py", "100644", 0, b"", None),
    }


def test_a_machine_without_git_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no fault of a source, and would be told of each."""
    folder = repository(tmp_path / "app", {"a": b"a"})
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(StopRun, match="the program git was not found"):
        read(folder, tmp_path / "cache")


def test_facts_name_the_commit_the_branch_and_the_first_commit(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"a": b"1"})
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "second", GIT_COMMITTER_DATE="1600000000 +0000")
    (folder / ".well-known").mkdir()
    (folder / ".well-known" / "dataset-optout.json").write_text("{}")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "third")
    with open_source(Source("git", str(folder)), Limits(), tmp_path / "cache") as reading:
        facts = reading.facts
    assert facts.version == git(folder, "rev-parse", "HEAD")
    assert (facts.default_branch, facts.first_commit_at) == ("main", 1500000000)
    assert facts.optout_signal == ".well-known/dataset-optout.json"


def test_a_declaration_that_is_not_at_the_root_is_no_signal(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"vendor/x/.dataset-optout.json": b"{}"})
    with open_source(Source("git", str(folder)), Limits(), tmp_path / "cache") as reading:
        assert reading.facts.optout_signal is None


def test_a_bare_repository_a_work_tree_and_a_url_of_it_are_the_same(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"a": b"1", "b/c": b"2"})
    git(tmp_path, "clone", "--quiet", "--bare", "app", "app.git")
    git(folder, "worktree", "add", "--quiet", "../linked")
    plain = read(folder, tmp_path / "cache")
    assert plain == read(tmp_path / "app.git", tmp_path / "cache")
    assert plain == read(folder / ".git", tmp_path / "cache")
    assert plain == read(tmp_path / "linked", tmp_path / "cache")
    with open_source(Source("git", f"file://{folder}"), Limits(), tmp_path / "cache") as reading:
        assert list(reading.entries()) == list(plain.values())
        assert reading.identity.url == "local:app"


def test_a_mirror_without_configuration_and_with_packed_references_is_read(tmp_path: Path) -> None:
    repository(tmp_path / "app", {"a": b"1"})
    git(tmp_path, "clone", "--quiet", "--mirror", "app", "mirror")
    git(tmp_path / "mirror", "pack-refs", "--all")
    (tmp_path / "mirror" / "config").unlink()
    assert list(read(tmp_path / "mirror", tmp_path / "cache")) == ["a"]


def test_a_branch_or_a_commit_can_be_pinned(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"a": b"1"})
    first = git(folder, "rev-parse", "HEAD")
    git(folder, "switch", "--quiet", "-c", "feature/x")
    (folder / "b").write_bytes(b"2")
    git(folder, "add", "b")
    git(folder, "commit", "--quiet", "-m", "more")
    git(folder, "switch", "--quiet", "main")
    assert list(read(folder, tmp_path / "cache", version="feature/x")) == ["a", "b"]
    assert list(read(folder, tmp_path / "cache", version=first)) == ["a"]
    assert refusal(lambda: read(folder, tmp_path / "cache", version="nothing")) == "branch_not_found"
    assert refusal(lambda: read(folder, tmp_path / "cache", version="0" * 40)) == "no_commit"
    for wrong in ("../../HEAD", "a..b", "-x", "a b", "a/.b", "x.lock", "@{1}", "a//b"):
        assert refusal(partial(read, folder, tmp_path / "cache", version=wrong)) == "branch_not_valid"


def test_links_submodules_pointers_and_binaries_are_listed_and_not_read(tmp_path: Path) -> None:
    folder = repository(
        tmp_path / "app",
        {
            "model.bin": LFS_POINTER,
            "not-a-pointer.txt": LFS_POINTER + b"x" * 2000,
            "photo": b"\x89PNG\x00",
            "late-nul": b"a" * 8000 + b"\x00",
            "utf16.txt": "text ü".encode("utf-16"),
            "utf32.txt": "text ü".encode("utf-32"),
            "mp3": b"\xff\xfe\x00",
            "big": b"x" * 2001,
        },
    )
    (folder / "link").symlink_to("/etc/passwd")
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    (folder / "same").symlink_to("photo/../not-a-pointer.txt")
    git(folder, "add", "link", "same")
    git(folder, "commit", "--quiet", "-m", "more")
    entries = read(folder, tmp_path / "cache", Limits(max_file_bytes=8001))
    assert skipped(entries) == {
        "link": "symlink",
        "same": "symlink",
        "model.bin": "lfs_pointer",
        "module": "submodule",
        "mp3": "binary",
        "photo": "binary",
        "utf32.txt": "binary",
    }
    assert [entries[name].link for name in ("link", "same", "utf16.txt")] == [None, "not-a-pointer.txt", None]
    assert entries["utf16.txt"].content == "text ü".encode("utf-16")
    assert skipped(read(folder, tmp_path / "cache", Limits(max_file_bytes=2000)))["big"] == "too_large"


def test_a_repository_is_read_in_path_order_until_its_limit(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"a": b"x" * 40, "b": b"x" * 70, "c": b"x" * 10, "d": b""})
    entries = read(folder, tmp_path / "cache", Limits(max_repository_bytes=100))
    assert skipped(entries) == dict.fromkeys("bcd", "repository_too_large")
    assert refusal(lambda: read(folder, tmp_path / "cache", Limits(max_files=3))) == "too_many_files"


def test_missing_and_damaged_objects_are_unreadable_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {name: name.encode() * 9 for name in "abcdef"})
    for name in "bd":
        identifier = git(folder, "rev-parse", f"HEAD:{name}")
        loose = folder / ".git" / "objects" / identifier[:2] / identifier[2:]
        loose.chmod(0o644)
        loose.unlink() if name == "b" else loose.write_bytes(b"\x78\x9cdamaged")
    assert skipped(read(folder, tmp_path / "cache")) == {"b": "unreadable", "d": "unreadable"}


def test_content_that_is_not_what_its_id_says_is_not_taken(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"a": b"honest 1\n", "b": b"forged 2\n"})
    honest, forged = (git(folder, "rev-parse", f"HEAD:{name}") for name in "ab")
    objects = folder / ".git" / "objects"
    (objects / honest[:2] / honest[2:]).chmod(0o644)
    (objects / honest[:2] / honest[2:]).write_bytes((objects / forged[:2] / forged[2:]).read_bytes())
    assert skipped(read(folder, tmp_path / "cache")) == {"a": "unreadable"}


def test_an_object_that_claims_an_impossible_size_is_unreadable(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"a": b"1", "b": b"2"})
    identifier = git(folder, "rev-parse", "HEAD:a")
    loose = folder / ".git" / "objects" / identifier[:2] / identifier[2:]
    loose.chmod(0o644)
    for size in (1 << 63, (1 << 64) - 1, 1 << 40):
        loose.write_bytes(zlib.compress(b"blob %d\x00" % size + b"1" * 100))
        entries = read(folder, tmp_path / "cache")
        assert entries["a"].skipped in ("unreadable", "too_large") and entries["b"].content == b"2"
        assert entries["a"].size < 1 << 63
    loose.write_bytes(zlib.compress(b"blob 1000000\x00" + b"1" * 100))
    assert skipped(read(folder, tmp_path / "cache")) == {"a": "unreadable"}


def test_the_cache_may_be_named_relative_to_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(tmp_path / "app", {"a": b"1"})
    monkeypatch.chdir(tmp_path)
    assert list(read(Path("app"), Path("cache"))) == ["a"]


def test_a_repository_of_sha256_objects_is_read(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    git(tmp_path / "app", "init", "--quiet", "--object-format=sha256")
    (tmp_path / "app" / "a").write_bytes(b"1")
    git(tmp_path / "app", "add", "a")
    git(tmp_path / "app", "commit", "--quiet", "-m", "first")
    entries = read(tmp_path / "app", tmp_path / "cache")
    assert entries["a"].content == b"1"


def test_hostile_trees_are_listed_and_nothing_unsafe_is_read(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"keep": b"kept\n"})
    blob = git(folder, "rev-parse", "HEAD:keep")
    inner = tree(folder, ("100644", b"passwd", blob))
    hidden = tree(folder, ("100644", b"config", blob), ("40000", b"hooks", inner))
    wide = tree(folder, *(("100644", b"n%d" % number, blob) for number in range(3)))
    root = tree(
        folder,
        ("40000", b"..", inner),
        ("40000", b".GiT", hidden),
        ("40000", b".git", hidden),
        ("100644", b"C0\x1b[31m", blob),
        ("100644", b"a", blob),
        ("100644", b"a", blob),
        ("100644", b"a\\..\\..\\b", blob),
        ("100644", b"back\\slash", blob),
        ("100644", b"keep", blob),
        ("100644", b"long" * 1025, blob),
        ("100644", b"not-utf8-\xff", blob),
        ("100644", b"pretend%unsafe", blob),
        ("100644", b"sub/dir", blob),
        ("40000", b"wide", wide),
        ("100600", b"private-mode", blob),
    )
    commit_tree(folder, root)
    entries = read(folder, tmp_path / "cache")
    shown = "".join(f"{e.mode} {e.size} {e.skipped or 'read'} {e.path}\n" for e in entries.values())
    assert shown == (GOLDEN / "hostile_tree.txt").read_text()
    assert all(entry.content == b"kept\n" for entry in entries.values() if entry.skipped is None)


def test_a_tree_that_repeats_itself_is_refused_early(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"keep": b"kept\n"})
    kind, last = "100644", git(folder, "rev-parse", "HEAD:keep")
    for _ in range(12):  # 10 to the power of 12 files
        last = tree(folder, *((kind, b"d%d" % number, last) for number in range(10)))
        kind = "40000"
    commit_tree(folder, last)
    started = time.monotonic()
    assert refusal(lambda: read(folder, tmp_path / "cache", Limits(max_files=20_000))) == "too_many_files"
    assert time.monotonic() - started < 5


def test_a_tree_of_folders_without_a_file_is_refused_early(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"keep": b"kept\n"})
    last = tree(folder)
    for _ in range(12):  # 16 to the power of 12 folders
        last = tree(folder, *(("40000", b"d%02d" % number, last) for number in range(16)))
    commit_tree(folder, tree(folder, ("40000", b"d", last), ("100644", b"keep", git(folder, "rev-parse", "HEAD:keep"))))
    started = time.monotonic()
    assert refusal(lambda: read(folder, tmp_path / "cache", Limits(max_files=20_000, seconds=20))) == "too_many_files"
    assert time.monotonic() - started < 5


def test_folders_and_files_are_counted_apart(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {f"{name}/x/y/{name}.py": b"1" for name in "abc"})
    assert list(read(folder, tmp_path / "cache", Limits(max_files=9))) == [f"{name}/x/y/{name}.py" for name in "abc"]
    assert refusal(lambda: read(folder, tmp_path / "cache", Limits(max_files=8))) == "too_many_files"


@pytest.fixture
def canary(tmp_path: Path) -> tuple[Path, Path]:
    """A program that leaves a trace if it is run, and the trace."""
    program, trace = tmp_path / "canary", tmp_path / "trace"
    program.write_text(f"#!/bin/sh\ntouch '{trace}'\n")
    program.chmod(0o755)
    return program, trace


def hostile_configuration(program: Path) -> str:
    return f"""
[core]
    fsmonitor = {program}
    sshCommand = {program}
    pager = {program}
    editor = {program}
    askPass = {program}
    gitProxy = {program}
    alternateRefsCommand = {program}
    hooksPath = {program.parent}/hooks
[alias]
    ls-tree = !{program}
    cat-file = !{program}
[gpg]
    program = {program}
[log]
    showSignature = true
[credential]
    helper = !{program}
[diff]
    external = {program}
[filter "x"]
    process = {program}
    smudge = {program}
[uploadpack]
    packObjectsHook = {program}
[remote "origin"]
    url = ext::{program}
    promisor = true
    partialclonefilter = blob:none
[extensions]
    partialClone = origin
[include]
    path = {program.parent}/more
[pager]
    ls-tree = {program}
    rev-list = {program}
"""


def test_nothing_in_a_hostile_repository_is_run(tmp_path: Path, canary: tuple[Path, Path]) -> None:
    program, trace = canary
    folder = repository(tmp_path / "app", {"a": b"1", "gone": b"2", ".gitattributes": b"* filter=x diff=x\n"})
    identifier = git(folder, "rev-parse", "HEAD:gone")
    (folder / ".git" / "objects" / identifier[:2] / identifier[2:]).unlink()  # a lazy fetch would bring it
    with open(folder / ".git" / "config", "a") as config:
        config.write(hostile_configuration(program))
    (folder / ".git" / "config").write_text(
        (folder / ".git" / "config").read_text().replace("repositoryformatversion = 0", "repositoryformatversion = 1")
    )
    (tmp_path / "hooks").mkdir()
    for hook in ("post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc"):
        (tmp_path / "hooks" / hook).write_bytes(program.read_bytes())
        (tmp_path / "hooks" / hook).chmod(0o755)
    assert skipped(read(folder, tmp_path / "cache")) == {"gone": "unreadable"}
    assert not trace.exists()
    subprocess.run(["git", "status"], cwd=folder, capture_output=True, check=False)
    assert trace.exists(), "the trap does not work, so the test shows nothing"


def test_configuration_of_the_user_and_the_environment_is_not_used(
    tmp_path: Path, canary: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    program, trace = canary
    folder = repository(tmp_path / "app", {"a": b"1"})
    (tmp_path / ".gitconfig").write_text(hostile_configuration(program))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_PAGER", str(program))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "tracing"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", "/nonexistent")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(program))
    assert read(folder, tmp_path / "cache")["a"].content == b"1"
    assert not trace.exists() and not (tmp_path / "tracing").exists()


def test_borrowed_objects_are_read_and_their_owner_is_not_run(tmp_path: Path, canary: tuple[Path, Path]) -> None:
    program, trace = canary
    lender = repository(tmp_path / "lender", {"a": b"1"})
    git(tmp_path, "clone", "--quiet", "--shared", "lender", "borrower")
    (lender / ".git" / "config").write_text(hostile_configuration(program))
    assert read(tmp_path / "borrower", tmp_path / "cache")["a"].content == b"1"
    (tmp_path / "borrower/.git/objects/info/alternates").write_text("/nonexistent/objects\n")
    assert refusal(lambda: read(tmp_path / "borrower", tmp_path / "cache")) == "no_commit"
    assert not trace.exists()


def test_replacements_and_grafts_do_not_change_what_is_read(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"a": b"true"})
    forged = git(folder, "hash-object", "-w", "--stdin", given=b"false")
    git(folder, "replace", git(folder, "rev-parse", "HEAD:a"), forged)
    assert read(folder, tmp_path / "cache")["a"].content == b"true"


def test_a_repository_is_left_as_it_was(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"a": b"1"})

    def state() -> dict[str, str]:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = state()
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    read(folder, tmp_path / "cache")
    assert state() == before
    assert list((tmp_path / "cache").iterdir()) == []


def test_pipes_and_links_in_a_repository_do_not_hold_up_or_lead_out(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"a": b"1"})
    (folder / ".git" / "refs" / "heads" / "main").unlink()
    os.mkfifo(folder / ".git" / "refs" / "heads" / "main")
    assert refusal(lambda: read(folder, tmp_path / "cache")) == "branch_not_found"
    (folder / ".git" / "HEAD").unlink()
    os.mkfifo(folder / ".git" / "HEAD")
    assert refusal(lambda: read(folder, tmp_path / "cache")) == "not_found"


def test_time_is_limited(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"a": b"1"})
    identifier = git(folder, "rev-parse", "HEAD:a")
    loose = folder / ".git" / "objects" / identifier[:2] / identifier[2:]
    loose.unlink()
    os.mkfifo(loose)  # git waits for ever when it opens it
    started = time.monotonic()
    with pytest.raises(TryAgain):
        read(folder, tmp_path / "cache", Limits(seconds=1))
    assert time.monotonic() - started < 3


def test_the_time_of_the_caller_does_not_count(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {name: b"1" for name in "abcd"})
    with open_source(Source("git", str(folder)), Limits(seconds=1), tmp_path / "cache") as reading:
        seen = []
        for entry in reading.entries():
            time.sleep(0.4)
            seen.append(entry.path)
    assert seen == ["a", "b", "c", "d"]


def test_a_shallow_history_has_no_first_commit(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app", {"a": b"1"})
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "second")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{folder}", "shallow")
    with open_source(Source("git", str(tmp_path / "shallow")), Limits(), tmp_path / "cache") as reading:
        assert reading.facts.first_commit_at is None


@pytest.mark.parametrize(
    ("locator", "code"),
    [
        ("--upload-pack=touch trace", "locator_not_valid"),
        ("ext::sh -c touch% trace", "protocol_not_allowed"),
        ("ssh://host.example/a/b", "protocol_not_allowed"),
        ("git@host.example:a/b", "not_found"),
        ("https://user:secret@host.example/a/b", "credentials_in_locator"),
        ("file://elsewhere/a/b", "locator_not_valid"),
        ("https://host.example/", "locator_not_valid"),
        ("https://host.example/a/../b", "locator_not_valid"),
        ("https://host.example:port/a/b", "locator_not_valid"),
        ("a\nb", "locator_not_valid"),
        ("", "locator_not_valid"),
        ("nothing/here", "not_found"),
    ],
)
def test_other_locators_are_refused_without_repeating_them(locator: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(RejectRecord) as caught:
        open_source(Source("git", locator), Limits(), tmp_path / "cache")
    assert caught.value.code == code
    assert "secret" not in str(caught.value) + caught.value.hint and "host.example" not in str(caught.value)


def test_a_repository_without_commits_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    git(tmp_path / "app", "init", "--quiet")
    assert refusal(lambda: read(tmp_path / "app", tmp_path / "cache")) == "no_commit"
