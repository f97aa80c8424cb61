"""The proof: only the tip of the default branch counts, and a check can be turned against nobody."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gleanery.optout import proof
from gleanery.optout.address import safe_target
from gleanery.optout.challenge import FILENAMES
from gleanery.optout.proof import RESULTS, ProofResult, check_files
from gleanery.records.errors import RejectRecord

GOLDEN = Path(__file__).parent / "golden" / "optout"
REFUSED = (GOLDEN / "refused_addresses.txt").read_text().splitlines()
FILE = FILENAMES[0]
EXPECTED = '{\n  "challenge": "invented.token"\n}\n'


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


@dataclass
class Host:
    """A running git host, and a working copy of one of its repositories."""

    port: int
    root: Path
    work: Path

    def url(self, path: str = "alice/lib.git") -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def git(self, *arguments: str) -> str:
        identity = {"GIT_AUTHOR_NAME": "Invented", "GIT_AUTHOR_EMAIL": "invented@example.org"}
        identity |= {key.replace("AUTHOR", "COMMITTER"): value for key, value in identity.items()}
        environment = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull}
        done = subprocess.run(["git", *arguments], cwd=self.work, env=environment, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def commit(self, files: dict[str, str | bytes], branch: str = "trunk") -> str:
        """Make exactly these files the tip of the branch on the server."""
        self.git("checkout", "--quiet", "--force", "-B", branch)
        self.git("rm", "-rq", "--ignore-unmatch", ".")
        for path, content in files.items():
            target = self.work / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "-m", "invented")
        self.git("push", "--quiet", "--force", str(self.root / "alice/lib.git"), branch)
        return self.git("rev-parse", "HEAD")

    def requests(self) -> str:
        log = self.root / "requests.txt"
        return log.read_text() if log.exists() else ""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    root, work = tmp_path_factory.mktemp("host"), tmp_path_factory.mktemp("work")
    bare = root / "alice/lib.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "trunk", bare], check=True)
    subprocess.run(["git", "-C", bare, "config", "uploadpack.allowFilter", "true"], check=True)
    subprocess.run(["git", "init", "--quiet", "-b", "trunk", work], check=True)
    command = [sys.executable, str(GOLDEN / "git_server.py"), str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield Host(int(server.stdout.readline()), root, work)
        server.kill()


def check(host: Host, path: str = "alice/lib.git", name: str = FILE, seconds: float = 15) -> ProofResult:
    return check_files(host.url(path), [name], EXPECTED, allow_local=True, seconds=seconds)


def test_the_file_on_the_tip_of_the_default_branch_passes(host: Host) -> None:
    commit = host.commit({FILE: EXPECTED, "src/main.c": "int main() { return 0; }\n"})
    result = check(host)
    assert (result.code, result.passed, result.commit) == ("passed", True, commit)


def test_the_second_file_name_at_the_root_passes_too(host: Host) -> None:
    host.commit({FILENAMES[1]: EXPECTED, FILE: "{}"})
    found = check_files(host.url(), FILENAMES, EXPECTED, allow_local=True, seconds=15)
    assert found.passed
    assert check(host).code == "file_differs"


def test_a_repository_with_ids_of_sha256_passes_too(host: Host, tmp_path: Path) -> None:
    bare, work = host.root / "alice/sha256.git", tmp_path / "work"
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "trunk", "--object-format=sha256", bare], check=True)
    assert check(host, "alice/sha256.git").code == "empty"
    subprocess.run(["git", "init", "--quiet", "-b", "trunk", "--object-format=sha256", work], check=True)
    (work / FILE).parent.mkdir()
    (work / FILE).write_text(EXPECTED)
    there = Host(host.port, host.root, work)
    there.git("add", "--all", "--force")
    there.git("commit", "--quiet", "-m", "invented")
    there.git("push", "--quiet", str(bare), "trunk")
    assert check(host, "alice/sha256.git").commit == there.git("rev-parse", "HEAD")


def test_no_other_file_of_the_repository_is_fetched(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    original = proof._Git.read

    def listing(git: proof._Git, commit: str, path: str) -> bytes | None:
        found = original(git, commit, path)
        objects = git._run("cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectsize)", online=False)
        seen.extend(line.split()[0] for line in objects.decode().splitlines() if line.startswith("blob"))
        assert not list((git.room / "bare.git").rglob("*.c"))
        return found

    monkeypatch.setattr(proof._Git, "read", listing)
    host.commit({FILE: EXPECTED, **{f"src/{number}.c": f"int a{number};\n" for number in range(20)}})
    assert check(host).passed
    assert seen == ["blob"]


@pytest.mark.parametrize(
    "content",
    ['{"challenge":"invented.token"}', "\ufeff" + EXPECTED.replace("\n", "\r\n"), f"\n{EXPECTED}\n\n"],
)
def test_what_an_editor_changes_does_not_matter(host: Host, content: str) -> None:
    host.commit({FILE: content})
    assert check(host).passed


@pytest.mark.parametrize(
    "content",
    ["", "{}", EXPECTED.replace("token", "tokem"), "[" * 4000, b"\xff\xfe\x00", EXPECTED + EXPECTED, EXPECTED.upper()],
)
def test_any_other_content_differs(host: Host, content: str | bytes) -> None:
    host.commit({FILE: content})
    assert check(host).code == "file_differs"


@pytest.mark.parametrize(
    "content",
    [
        f'{{"{_escaped("challenge")}": "{_escaped("invented.token")}"}}',
        EXPECTED.replace("invented", "\\u0069nvented"),
        EXPECTED.replace("{", '{"challenge": "this project likes to be used",', 1),
        EXPECTED.replace("{", "{" + " " * 3000, 1),
    ],
)
def test_a_file_whose_words_a_maintainer_cannot_read_proves_nothing(host: Host, content: str) -> None:
    host.commit({FILE: content})
    assert check(host).code == "file_differs"


def test_letters_beyond_ascii_may_be_escaped(host: Host) -> None:
    expected = json.dumps({"statement": "Größe"}, ensure_ascii=False)
    host.commit({FILE: json.dumps(json.loads(expected))})
    assert check_files(host.url(), [FILE], expected, allow_local=True, seconds=15).passed


def test_without_the_file_the_answer_says_that_it_is_missing(host: Host) -> None:
    host.commit({"README": "x", ".well-known/other.json": EXPECTED, "deep/" + FILE: EXPECTED})
    assert check(host).code == "file_missing"


def test_a_file_on_another_branch_or_tag_or_pull_request_does_not_count(host: Host) -> None:
    host.commit({FILE: EXPECTED}, branch="side")
    bare = str(host.root / "alice/lib.git")
    host.git("push", "--quiet", "--force", bare, "side:refs/pull/1/head", "side:refs/tags/v1")
    host.commit({"README": "x"}, branch="trunk")
    assert check(host).code == "file_missing"


def test_a_file_that_was_removed_from_the_tip_does_not_count(host: Host) -> None:
    host.commit({FILE: EXPECTED})
    host.commit({"README": "x"})
    assert check(host).code == "file_missing"


def test_a_link_or_folder_in_place_of_the_file_does_not_count(host: Host) -> None:
    host.commit({FILE + "/inner": EXPECTED})
    assert check(host).code == "file_missing"
    host.commit({"secret": EXPECTED})
    (host.work / ".well-known").mkdir(exist_ok=True)
    os.symlink("../secret", host.work / FILE)
    host.git("add", "--all", "--force")
    host.git("commit", "--quiet", "-m", "link")
    host.git("push", "--quiet", "--force", str(host.root / "alice/lib.git"), "trunk")
    assert check(host).code == "file_missing"


def test_a_file_that_is_too_large_is_not_read(host: Host) -> None:
    host.commit({FILE: EXPECTED + " " * proof.LONGEST_FILE})
    assert check(host).code == "too_large"


def test_a_fetch_that_is_too_large_is_cut_off(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.commit({FILE: EXPECTED, "noise": os.urandom(1 << 20)})
    subprocess.run(["git", "-C", host.root / "alice/lib.git", "config", "uploadpack.allowFilter", "false"], check=True)
    try:
        assert check(host).passed  # a host without filters sends everything, and that is fine while it is small
        monkeypatch.setattr(proof, "LONGEST_FETCH", 256 << 10)
        assert check(host).code == "too_large"
    finally:
        subprocess.run(
            ["git", "-C", host.root / "alice/lib.git", "config", "uploadpack.allowFilter", "true"], check=True
        )


def test_a_repository_that_was_renamed_is_checked_under_its_present_name(host: Host) -> None:
    host.commit({FILE: EXPECTED})
    found = check(host, "moved/alice/lib.git")
    assert found.passed and found.moved_to == host.url("alice/lib.git")
    host.commit({})
    assert check(host, "moved/alice/lib.git").code == "file_missing"


@pytest.mark.parametrize("path", ["away/alice/lib.git", "moved/moved/alice/lib.git", "door/alice/lib.git"])
def test_nothing_is_followed_to_another_host_nor_twice(host: Host, path: str) -> None:
    host.commit({FILE: EXPECTED})
    found = check(host, path)
    assert (found.code, found.moved_to) == ("moved", None)


def test_a_redirect_that_only_adds_the_ending_is_the_same_repository(host: Host) -> None:
    host.commit({FILE: EXPECTED})
    assert check(host, "adds/alice/lib").passed
    assert check(host, "adds/alice/nothing").code == "not_public"


def test_a_repository_that_is_not_there_is_not_public(host: Host) -> None:
    assert check(host, "alice/nothing.git").code == "not_public"


def test_an_empty_repository_has_no_default_branch(host: Host) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "trunk", host.root / "alice/new.git"], check=True)
    assert check(host, "alice/new.git").code == "empty"


def test_a_host_of_plain_files_is_refused_because_those_may_point_elsewhere(host: Host) -> None:
    bare = host.root / "alice/lib.git"
    host.commit({FILE: EXPECTED})
    subprocess.run(["git", "-C", bare, "update-server-info"], check=True)
    (bare / "objects/info/http-alternates").write_text("http://169.254.169.254/\n")
    try:
        assert not check(host, "plain/alice/lib.git").passed
    finally:
        (bare / "objects/info/http-alternates").unlink()


def test_a_host_that_never_answers_is_given_up_in_time(host: Host) -> None:
    started = time.monotonic()
    assert check(host, "slow/alice/lib.git", seconds=1.0).code == "timed_out"
    assert time.monotonic() - started < 5


def test_a_port_where_nobody_listens_is_not_reachable(host: Host) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a/b"
        assert check_files(url, [FILE], EXPECTED, allow_local=True, seconds=5).code == "not_reachable"


def test_nothing_of_this_machine_reaches_git(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    trap = tmp_path / "trapped"
    hook = tmp_path / "hooks" / "reference-transaction"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
    hook.chmod(0o755)
    (home / ".gitconfig").write_text(
        f'[core]\n\thooksPath = {hook.parent}\n[credential]\n\thelper = "!touch {trap}"\n'
        f'[url "http://127.0.0.1:9/"]\n\tinsteadOf = http://127.0.0.1\n'
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(hook.parent))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    host_commit = Host(host.port, host.root, tmp_path / "work")
    shutil.copytree(host.work, host_commit.work)
    monkeypatch.delenv("GIT_CONFIG_COUNT")
    host_commit.commit({FILE: EXPECTED})
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    trap.unlink(missing_ok=True)
    assert check(host).passed
    assert not trap.exists()


def test_no_room_is_left_behind(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    check(host)
    check(host, "alice/nothing.git")
    assert list(tmp_path.iterdir()) == []


def test_the_name_is_looked_up_once_and_git_gets_the_address(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name below exists nowhere: git can only reach it through the pin."""
    asked: list[str] = []

    def look_up(name: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    host.commit({FILE: EXPECTED})
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    url = f"http://forge.invalid:{host.port}/alice/lib.git"
    assert check_files(url, [FILE], EXPECTED, allow_local=True, seconds=15).passed
    assert asked == ["forge.invalid"]
    assert f"forge.invalid:{host.port}" in host.requests()


@pytest.mark.parametrize("said", ["git version 2.36.9", "git version 1.99.0", "no such program"])
def test_a_git_that_would_ignore_the_pin_stops_the_check(
    host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str
) -> None:
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    proof._need_git.cache_clear()
    for attempt in (lambda: check(host), proof.ensure_checks):
        with pytest.raises(proof.CheckImpossible, match="2.37"):
            attempt()


def test_a_machine_whose_limits_forbid_checks_is_told_before_the_first_owner_comes(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof.ensure_checks()
    monkeypatch.setattr(proof, "_LIMITED", "exit 125")  # what the shell does where a limit cannot be set
    for attempt in (lambda: check(host), proof.ensure_checks):
        with pytest.raises(proof.CheckImpossible, match="within their limits"):
            attempt()


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_may_not_be_contacted_is_refused(url: str) -> None:
    result = check_files(url, [FILE], EXPECTED, allow_local=False, seconds=5)
    assert result.code == "address_refused" and result.commit is None


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/a/b",
        "https://[fe80::1]/a/b",
        "https://[::ffff:169.254.169.254]/a/b",
        "https://0.0.0.0/a/b",
        "http://user:secret@127.0.0.1/a/b",
        "--upload-pack=touch owned",
        "ext::sh -c touch owned",
        "file:///etc/passwd",
    ],
)
def test_some_addresses_are_refused_even_inside_ones_own_network(url: str) -> None:
    assert check_files(url, [FILE], EXPECTED, allow_local=True, seconds=5).code == "address_refused"


def test_one_bad_address_among_good_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(*addresses: str) -> None:
        rows = [(0, 0, 0, "", (text, 443)) for text in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)

    answers("8.8.8.8", "2001:4860:4860::8888")
    good = safe_target("https://forge.example/a/b", allow_local=False, seconds=1)
    assert good.pin == "forge.example:443:8.8.8.8,[2001:4860:4860::8888]"
    answers("8.8.8.8", "10.0.0.7")
    with pytest.raises(RejectRecord):
        safe_target("https://forge.example/a/b", allow_local=False, seconds=1)


@pytest.mark.parametrize("seconds", [0.0, 3.0])
def test_a_name_without_an_address_and_a_look_up_that_hangs_both_fail_closed(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    def look_up(*_: object, **__: object) -> list[object]:
        time.sleep(seconds)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    result = check_files("https://forge.example/a/b", [FILE], EXPECTED, allow_local=False, seconds=0.2)
    assert result.code == "not_reachable"


@pytest.mark.parametrize(
    ("error", "code"), [(socket.EAI_NONAME, "host_not_found"), (socket.EAI_AGAIN, "not_reachable")]
)
def test_an_owner_is_not_blamed_for_a_server_of_names_that_is_away(
    monkeypatch: pytest.MonkeyPatch, error: int, code: str
) -> None:
    def look_up(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(error, "invented")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    result = check_files("https://forge.example/a/b", [FILE], EXPECTED, allow_local=False, seconds=1)
    assert result.code == code


def test_a_result_holds_only_words_of_our_own(host: Host) -> None:
    result = check(host, "alice/nothing.git")
    assert result.message == RESULTS[result.code] and "127.0.0.1" not in repr(result)
