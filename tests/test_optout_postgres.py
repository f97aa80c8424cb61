"""The registry on a real PostgreSQL server, which the test starts from the machine's own programs."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from gleanery.optout import engines
from gleanery.optout.challenge import expected_digest
from gleanery.optout.copies import copy_registry
from gleanery.optout.proof import ProofResult
from gleanery.optout.registry import Registry
from gleanery.records.errors import RejectRecord, StopRun

PASSWORD = "invented-swordfish"


def _programs() -> Path | None:
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


PROGRAMS = _programs()

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAMS and not os.environ.get("CI"), reason="initdb and postgres are not installed"),
]


def _ordinary_user() -> str | None:
    """PostgreSQL refuses to run as root; then an ordinary account of the machine has to do."""
    if os.geteuid():
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a fresh server on 127.0.0.1 that asks for a password."""
    assert PROGRAMS, "initdb and postgres are not installed"
    user = _ordinary_user()
    with tempfile.TemporaryDirectory(prefix="optout-pg-") as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        free.close()
        (password := Path(folder) / "password").write_text(PASSWORD)
        for path in (folder, password):
            if user:
                shutil.chown(path, user)
        data = f"{folder}/data"
        locale = ["--locale=C", "--encoding=UTF8", "--no-sync"]
        secret = ["--username=optout", "--auth=scram-sha-256", f"--pwfile={password}"]
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        control = [str(PROGRAMS / "pg_ctl"), "-D", data, "-w"]
        log = f"{folder}/log"
        made = [str(PROGRAMS / "initdb"), "-D", data, *locale, *secret]
        subprocess.run(made, user=user, cwd=folder, check=True, capture_output=True)
        started = subprocess.run(
            [*control, "-l", log, "-o", options, "start"], user=user, cwd=folder, stdout=subprocess.DEVNULL
        )
        assert started.returncode == 0, Path(log).read_text()
        try:
            yield f"postgresql://optout:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            stop = [*control, "-m", "immediate", "stop"]
            subprocess.run(stop, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def url(server: str) -> str:
    """A database of its own for each test."""
    name = f"t{secrets.token_hex(6)}"
    engine = sa.create_engine(server.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.removesuffix("postgres") + name


def _verified(registry: Registry, repository: str) -> str:
    made = registry.create_request(repository)
    assert made.receipt
    return registry.settle(made.id, made.receipt, ProofResult("passed", expected_digest(made, made.receipt))).state


def test_a_request_goes_its_way_and_is_there_after_reopening(url: str) -> None:
    registry = Registry.open(url)
    made = registry.create_request("https://github.com/Alice/Lib.git")
    assert made.receipt
    passed = ProofResult("passed", expected_digest(made, made.receipt), "c" * 40)
    assert registry.settle(made.id, made.receipt, passed).state == "verified"
    with pytest.raises(RejectRecord):
        registry.settle(made.id, made.receipt, passed)
    asked = registry.withdraw(made.id, made.receipt)
    registry.close()
    registry = Registry.open(url, create=False)
    found = registry.get_request(made.id, made.receipt)
    assert found and found.challenge == asked.challenge
    assert [rule.value for rule in registry.rules()] == ["github.com/alice/lib"]
    assert registry.standing_rule("git@github.com:alice/lib.git")
    assert registry.mark_applied(1) == 1
    assert registry.expire_challenges() == 0 and registry.forget() == 0
    assert "rule 1: block repo github.com/alice/lib" in [
        entry.sentence for entry in registry.history("repo", made.repository)
    ]
    assert len(registry.history()) == registry.log_head().entries
    assert [asked.state for asked in registry.requests()] == ["applied"]
    registry.verify_log()
    registry.close()


def test_a_registry_goes_from_sqlite_to_postgresql_and_back_whole(url: str, tmp_path: Path) -> None:
    first, last = (engines.address(str(tmp_path / name)) for name in ("first.sqlite", "last.sqlite"))
    registry = Registry.open(first)
    made = registry.create_request("https://github.com/Alice/Lib.git")
    assert made.receipt
    registry.settle(made.id, made.receipt, ProofResult("passed", expected_digest(made, made.receipt), "c" * 40))
    registry.append_rule("owner", "github.com/bob", "block")
    registry.count_visit("visit", 60)
    head, before, secret = registry.log_head(), registry.history(), registry.secret()
    server = engines.checked_url(url)
    for source, target in ((first, server), (server, last)):
        assert copy_registry(source, target).entries == head.entries
        moved = Registry.open(target, create=False)
        assert (moved.log_head(), moved.history(), moved.secret()) == (head, before, secret)
        moved.verify_log(head)
        found = moved.get_request(made.id, made.receipt)
        assert found and found.stands
        moved.close()
    with pytest.raises(StopRun, match="already"):
        copy_registry(first, server)
    copied = Registry.open(server, create=False)
    assert copied.append_rule("repo", "pypi/other", "block").seq == 3
    copied.close()
    registry.close()


def test_many_writers_leave_no_gap_and_one_whole_log(url: str) -> None:
    registries = [Registry.open(url) for _ in range(4)]
    problems: list[Exception] = []

    def write(number: int) -> None:
        try:
            for index in range(10):
                assert _verified(registries[number], f"github.com/owner{number}/lib{index}") == "verified"
        except Exception as problem:  # a thread cannot fail the test by itself
            problems.append(problem)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert [rule.seq for rule in registries[0].rules()] == list(range(1, 41))
    registries[0].verify_log()
    for registry in registries:
        registry.close()


def test_two_programs_may_create_the_registry_at_the_same_time(url: str) -> None:
    opened: list[Registry] = []
    threads = [threading.Thread(target=lambda: opened.append(Registry.open(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({registry.secret() for registry in opened}) == 1 and len(opened) == 4
    for registry in opened:
        registry.close()


@pytest.mark.parametrize("table", ["log", "rules"])
def test_the_server_refuses_to_change_what_was_written_and_the_log_tells_if_it_was(url: str, table: str) -> None:
    registry = Registry.open(url)
    _verified(registry, "github.com/alice/lib")
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    for statement in (f"UPDATE {table} SET at = 0", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with pytest.raises(SQLAlchemyError, match="append-only"), engine.begin() as connection:
            connection.exec_driver_sql(statement)
    registry.verify_log()
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        connection.exec_driver_sql(f"DELETE FROM {table} WHERE seq = (SELECT max(seq) FROM {table})")
    with pytest.raises(StopRun, match="not whole"):
        registry.verify_log()
    engine.dispose()
    registry.close()


def test_visits_are_counted_together_by_all_programs(url: str) -> None:
    registries = [Registry.open(url, clock=lambda: 1_700_000_000) for _ in range(2)]
    counts = [registry.count_visit("bucket", 3600)[0] for registry in registries * 3]
    assert counts == [1, 2, 3, 4, 5, 6]
    for registry in registries:
        registry.close()


def test_a_wrong_password_stops_the_run_and_is_not_shown(url: str) -> None:
    with pytest.raises(StopRun) as stopped:
        Registry.open(url.replace(PASSWORD, "wrong-" + PASSWORD))
    assert "cannot open" in stopped.value.message and PASSWORD not in str(stopped.value) + stopped.value.hint


def test_an_empty_database_is_no_registry_unless_one_is_wanted(url: str) -> None:
    with pytest.raises(StopRun, match="no opt-out registry"):
        Registry.open(url, create=False)


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_appenders_need_no_setting_of_the_server(url: str, level: str) -> None:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        name = url.rpartition("/")[2]
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'")
    engine.dispose()
    test_many_writers_leave_no_gap_and_one_whole_log(url)


def test_a_program_that_died_in_the_middle_of_a_change_holds_up_nobody_for_long(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "IDLE_SECONDS", 2)
    dead, patient, hasty = Registry.open(url), Registry.open(url), Registry.open(url, wait=1)
    with pytest.raises(StopRun), dead._appending():
        with pytest.raises(StopRun, match="another program is writing to it"):
            hasty.append_rule("repo", "github.com/alice/lib", "block")
        patient.append_rule("repo", "github.com/alice/lib", "block")
    assert dead.position() == 1
    for registry in (dead, patient, hasty):
        registry.close()


def test_a_connection_that_the_server_closed_is_opened_anew(url: str) -> None:
    registry = Registry.open(url)
    registry.append_rule("repo", "github.com/alice/lib", "block")
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        others = "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity {others}")
    engine.dispose()
    assert registry.position() == 1
    registry.close()
