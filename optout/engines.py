"""Engines: how a registry's database is reached, and how long anything may wait for it.

In: a path, or the URL of a database. Out: a SQLAlchemy engine for SQLite or PostgreSQL. Nothing is asked of it here.
A connection to SQLite costs one look at the file each time it is used.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError

from gleanery.records.errors import StopRun


class RegistryAway(StopRun):
    """The registry cannot be opened or used; nothing was changed."""


CONNECT_SECONDS = 15
BUSY_SECONDS = 60  # how long a writer waits for another one
IDLE_SECONDS = 30  # how long a PostgreSQL server waits for the next word of a program in the middle of a change
# How soon a server is given up that answers no more, and a connection kept alive past firewalls (libpq's parameters).
_CONNECTION = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def address(given: str) -> URL:
    """What a person gave as a registry: a URL, or the path of a SQLite file, whatever characters are in it."""
    if "://" in given:
        return checked_url(given)
    return URL.create("sqlite", database=str(Path(given).resolve()))


def place(target: URL) -> str:
    """Where a registry is, for people: the path of a file, or a server and a database."""
    if is_server(target):
        return f"{target.get_backend_name()}://{target.host or ''}/{target.database or ''}"
    return target.database or ""


def is_server(target: URL) -> bool:
    """Whether it is PostgreSQL."""
    return target.get_backend_name() == "postgresql"


def checked_url(url: str | URL) -> URL:
    """The URL as it is used; StopRun, without the password, if it is no good."""
    hint = "write sqlite:///path/to/optout.sqlite or postgresql://user:password@host/database"
    try:
        target = make_url(url)
        backend = target.get_backend_name()
    except (ArgumentError, ValueError):
        raise StopRun("the URL of the opt-out registry cannot be read", hint) from None
    if backend == "postgresql" and target.drivername == "postgresql":
        return target.set(drivername="postgresql+psycopg")
    if target.drivername == "sqlite" and target.database in (None, "", ":memory:"):
        raise StopRun("an opt-out registry in memory would be forgotten", hint)
    if target.drivername not in ("sqlite", "postgresql+psycopg"):
        raise StopRun("the opt-out registry can be in SQLite or PostgreSQL only", hint)
    if target.drivername == "sqlite":  # it stays the same file if this program goes to another folder
        return target.set(database=str(Path(target.database or "").absolute()))
    return target


def engine_of(target: URL, wait: int) -> Engine:
    """An engine for the database at this URL. `wait` is how many seconds a writer waits for another one.

    It is connected when it is first used.
    """
    return _server_engine(target, wait) if is_server(target) else _file_engine(target, wait)


def _server_engine(target: URL, wait: int) -> Engine:
    """PostgreSQL, with a bound on every wait: a program that died in the middle of a change holds up nobody for long.

    Appenders wait for one row and then read what the last one wrote; no other level of isolation lets them.
    """
    bounds = {name: value for name, value in _CONNECTION.items() if name not in target.query}
    engine = sa.create_engine(
        target, connect_args=bounds, pool_pre_ping=True, isolation_level="READ COMMITTED", hide_parameters=True
    )

    def opened(dbapi: Any, _record: Any) -> None:
        with dbapi.cursor() as cursor:
            for name, seconds in (("lock_timeout", wait), ("idle_in_transaction_session_timeout", IDLE_SECONDS)):
                cursor.execute("SELECT set_config(%s, %s, false)", (name, f"{max(1, seconds)}s"))
        dbapi.commit()

    sa.event.listen(engine, "connect", opened)
    return engine


def _file_engine(target: URL, wait: int) -> Engine:
    """SQLite. It never makes a file, and a file that was put in the place of the one that is open is opened anew."""
    engine = sa.create_engine(target, connect_args={"timeout": wait}, hide_parameters=True)

    def opens(_dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        arguments[0], options["uri"] = f"file:{quote(target.database or '')}?mode=rw", True

    def opened(dbapi: Any, record: Any) -> None:
        record.info["file"] = file_of(target)
        dbapi.isolation_level = None  # we write BEGIN ourselves, see below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            dbapi.execute(f"PRAGMA {pragma}")

    def taken(_dbapi: Any, record: Any, _proxy: Any) -> None:
        if record.info.get("file") != file_of(target):
            raise DisconnectionError  # the pool opens it anew; what is written to a deleted file is lost

    def begins(connection: Connection) -> None:
        # A writer takes its lock at the start: a reader that becomes a writer half-way would fail instead of wait.
        write = connection.get_execution_options().get("optout_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    sa.event.listen(engine, "do_connect", opens)
    sa.event.listen(engine, "connect", opened)
    sa.event.listen(engine, "checkout", taken)
    sa.event.listen(engine, "begin", begins)
    return engine


def file_of(target: URL) -> tuple[int, int] | None:
    """Which file is at the place of a SQLite registry now; None if there is none, or for a server."""
    try:
        found = None if is_server(target) else os.stat(target.database or "")
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found else None


def create_file(path: Path) -> None:
    """An empty file that only this account may read: the registry holds the key of its visitors' hashes."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
