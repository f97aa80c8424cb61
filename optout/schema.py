"""The registry's tables in SQLite or PostgreSQL, and the connection to them.

In: the URL of a database. Out: a SQLAlchemy engine whose tables exist; `log` and `rules` carry triggers that refuse
every update and delete. Opening took 21 ms for a new SQLite file and 2 ms for an existing one (processor time).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from gleanery.records.errors import StopRun


class RegistryAway(StopRun):
    """The registry cannot be opened or used; nothing was changed."""


LAYOUT = "1"
CONNECT_SECONDS = 15
BUSY_SECONDS = 60  # how long a writer of SQLite waits for another one

_metadata = sa.MetaData()
_I, _S = sa.BigInteger, sa.String

rules = sa.Table(
    "rules",
    _metadata,
    sa.Column("seq", _I, primary_key=True, autoincrement=False),
    sa.Column("scope", _S, nullable=False),
    sa.Column("value", _S, nullable=False),
    sa.Column("action", _S, nullable=False),
    sa.Column("request_id", _S),
    sa.Column("at", _I, nullable=False),
    sa.CheckConstraint("scope IN ('repo', 'owner', 'blob')", name="scope_known"),
    sa.CheckConstraint("action IN ('block', 'unblock')", name="action_known"),
    sa.Index("rules_by_value", "value", "scope"),
)
log = sa.Table(
    "log",
    _metadata,
    sa.Column("seq", _I, primary_key=True, autoincrement=False),
    sa.Column("at", _I, nullable=False),
    sa.Column("kind", _S, nullable=False),
    sa.Column("body", _S, nullable=False),
    sa.Column("previous", _S, nullable=False),
    sa.Column("hash", _S, nullable=False),
)
# One row. Whoever appends locks it first, so that numbers have no gaps, and it knows how long the log should be.
head = sa.Table(
    "head",
    _metadata,
    sa.Column("id", _I, primary_key=True, autoincrement=False),
    sa.Column("layout", _S, nullable=False),
    sa.Column("entries", _I, nullable=False),
    sa.Column("hash", _S, nullable=False),
    sa.Column("secret", _S, nullable=False),
)
requests = sa.Table(
    "requests",
    _metadata,
    sa.Column("id", _S, primary_key=True),
    sa.Column("repository", _S, nullable=False, index=True),
    sa.Column("clone_url", _S, nullable=False),
    sa.Column("receipt_sha256", _S, nullable=False),
    sa.Column("state", _S, nullable=False),
    sa.Column("rule_seq", _I),
    sa.Column("last_result", _S),
    sa.Column("last_checked_at", _I),
    sa.Column("created_at", _I, nullable=False),
    sa.Column("updated_at", _I, nullable=False),
)
challenges = sa.Table(
    "challenges",
    _metadata,
    sa.Column("request_id", _S, sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("number", _I, primary_key=True, autoincrement=False),
    sa.Column("action", _S, nullable=False),
    sa.Column("token", _S, nullable=False),
    sa.Column("dataset", _S, nullable=False),
    sa.Column("state", _S, nullable=False),
    sa.Column("created_at", _I, nullable=False),
    sa.Column("expires_at", _I, nullable=False),
    sa.Index("challenges_by_expiry", "state", "expires_at"),
)
visits = sa.Table(
    "visits",
    _metadata,
    sa.Column("bucket", _S, primary_key=True),
    sa.Column("starts", _I, primary_key=True, autoincrement=False),
    sa.Column("hits", _I, nullable=False),
    sa.Index("visits_by_start", "starts"),
)

_APPEND_ONLY = {
    "sqlite": [
        "CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table} "
        "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION optout_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$",
        "CREATE OR REPLACE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION optout_append_only()",
    ],
}
_VERBS = {"sqlite": ("UPDATE", "DELETE"), "postgresql": ("UPDATE", "DELETE", "TRUNCATE")}
_SET_UP_LOCK = 7_105_121  # any number that all instances agree on


def connect(url: str, *, create: bool, secret: str, wait: int = BUSY_SECONDS) -> Engine:
    """An engine whose tables exist. `secret` is kept with the registry if this call creates it.

    `wait` is how many seconds a writer waits for another one, where that is for this program to say (SQLite).

    Raises StopRun, without the password, if the URL is no good, the server is away, or nothing is there and
    `create` is false.
    """
    target = _checked_url(url)
    missing = StopRun(
        f"there is no opt-out registry at {place(target)}",
        "check the path or URL; `gleanery optout serve` and `optout block --create` make a new one",
    )
    if target.drivername == "sqlite" and not create and not Path(target.database or "").exists():
        raise missing  # SQLite would create an empty file
    try:
        engine = _engine(target, wait)
        with engine.connect() as connection:
            present = sa.inspect(connection).has_table("head")
        if not present and not create:
            raise missing
        if not present:
            _create(engine, secret)
        with engine.connect() as connection:
            layout = connection.execute(sa.select(head.c.layout)).scalar_one_or_none()
    except SQLAlchemyError as problem:
        raise _stopped(target, problem, "open") from None
    if layout != LAYOUT:
        raise StopRun(
            f"the opt-out registry at {place(target)} has another layout than this program", "update Gleanery"
        )
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that only reads, and sees one state of everything; in SQLite no writer holds it up."""
    engine = engine.execution_options(isolation_level="REPEATABLE READ") if _is_server(engine.url) else engine
    with _told(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that may write: alone in SQLite, and alone among appenders in PostgreSQL once it locks `head`."""
    with _told(engine), engine.execution_options(optout_write=True).connect() as connection, connection.begin():
        yield connection


@contextmanager
def _told(engine: Engine) -> Iterator[None]:
    """Whatever the database says becomes one line and a way out, without the statement and the password."""
    try:
        yield
    except SQLAlchemyError as problem:
        raise _stopped(engine.url, problem, "use") from None


def _stopped(target: URL, problem: SQLAlchemyError, verb: str) -> RegistryAway:
    cause = getattr(problem, "orig", None) or problem
    reason, said = type(cause).__name__, str(cause)
    hint = "check that the server runs, and that the name and password in the URL are right"
    if not _is_server(target):
        hint = "give the file that `gleanery optout serve` made, in a folder that may be written to"
        if "locked" in said:
            reason, hint = "another program is writing to it", "give the command again when that program is done"
        elif "malformed" in said or "not a database" in said:
            reason, hint = "the file is damaged, or is none", "restore the registry from a backup"
    return RegistryAway(f"cannot {verb} the opt-out registry at {place(target)} ({reason})", hint)


def place(target: URL) -> str:
    """Where a registry is, for people: the path of a file, or a server and a database."""
    if _is_server(target):
        return f"{target.get_backend_name()}://{target.host or ''}/{target.database or ''}"
    return str(Path(target.database or "").absolute())


def _is_server(target: URL) -> bool:
    return target.get_backend_name() == "postgresql"


def _checked_url(url: str) -> URL:
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
    return target


def _engine(target: URL, wait: int) -> Engine:
    if _is_server(target):
        return sa.create_engine(target, connect_args={"connect_timeout": CONNECT_SECONDS}, hide_parameters=True)
    engine = sa.create_engine(target, connect_args={"timeout": wait}, hide_parameters=True)

    def opened(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None  # we write BEGIN ourselves, see below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            dbapi.execute(f"PRAGMA {pragma}")

    def begins(connection: Connection) -> None:
        # A writer takes its lock at the start: a reader that becomes a writer half-way would fail instead of wait.
        write = connection.get_execution_options().get("optout_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    sa.event.listen(engine, "connect", opened)
    sa.event.listen(engine, "begin", begins)
    return engine


def _create(engine: Engine, secret: str) -> None:
    backend = engine.dialect.name
    with writing(engine) as connection:
        if backend == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_SET_UP_LOCK)))
        _metadata.create_all(connection)
        for statement in _APPEND_ONLY[backend]:
            for table in ("log", "rules"):
                for verb in _VERBS[backend]:
                    connection.exec_driver_sql(statement.replace("{table}", table).replace("{verb}", verb))
        if connection.execute(sa.select(head.c.id)).first() is None:
            connection.execute(head.insert().values(id=1, layout=LAYOUT, entries=0, hash="", secret=secret))
