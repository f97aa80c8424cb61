"""The registry's tables in SQLite or PostgreSQL, and the connection to them.

In: the URL of a database. Out: a SQLAlchemy engine whose tables exist; `log` and `rules` carry triggers that refuse
every update and delete. Opening took 21 ms for a new SQLite file and 2 ms for an existing one (processor time).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from gleanery.optout import engines
from gleanery.records.errors import StopRun

LAYOUT = "1"
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
        "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
        # INSERT OR REPLACE deletes without a trigger for deletions.
        "CREATE TRIGGER IF NOT EXISTS {table}_no_REPLACE BEFORE INSERT ON {table} "
        "WHEN EXISTS (SELECT 1 FROM {table} WHERE seq = NEW.seq) "
        "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION optout_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$",
        "CREATE OR REPLACE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION optout_append_only()",
    ],
}
_VERBS = {"sqlite": ("UPDATE", "DELETE"), "postgresql": ("UPDATE", "DELETE", "TRUNCATE")}
_GUARDS, _GUARDED = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'", 6
_SET_UP_LOCK = 7_105_121  # any number that all instances agree on


def connect(url: str | URL, *, create: bool, secret: str, wait: int = engines.BUSY_SECONDS) -> Engine:
    """An engine whose tables exist. `secret` is kept with the registry if this call creates it.

    `wait` is how many seconds a writer waits for another one.

    Raises StopRun, without the password, if the URL is no good, the server is away, or nothing is there and
    `create` is false.
    """
    target = engines.checked_url(url)
    missing = StopRun(
        f"there is no opt-out registry at {engines.place(target)}",
        "check the path or URL; `gleanery optout serve` and `optout block --create` make a new one",
    )
    if target.drivername == "sqlite" and not create and not Path(target.database or "").exists():
        raise missing
    try:
        if create and not engines.is_server(target):
            engines.create_file(Path(target.database or ""))
        engine = engines.engine_of(target, wait)
        with engine.connect() as connection:
            present = sa.inspect(connection).has_table("head")
        if not present and not create:
            raise missing
        if not present:
            _create(engine, secret)
        with engine.connect() as connection:
            layout = connection.execute(sa.select(head.c.layout)).scalar_one_or_none()
            lacking = not engines.is_server(target) and connection.exec_driver_sql(_GUARDS).scalar_one() < _GUARDED
        if lacking and layout == LAYOUT:
            _guard(engine)
    except OSError as problem:
        raise _stopped(target, problem, "open") from None
    except SQLAlchemyError as problem:
        raise _stopped(target, problem, "open") from None
    if layout != LAYOUT:
        raise StopRun(
            f"the opt-out registry at {engines.place(target)} has another layout than this program", "update Gleanery"
        )
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that only reads, and sees one state of everything; in SQLite no writer holds it up."""
    engine = engine.execution_options(isolation_level="REPEATABLE READ") if engines.is_server(engine.url) else engine
    with _told(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that may write: alone in SQLite, and alone among appenders in PostgreSQL once it locks `head`."""
    with _told(engine), engine.execution_options(optout_write=True).connect() as connection, connection.begin():
        yield connection
        if connection.info.get("file") != engines.file_of(engine.url):
            raise engines.RegistryAway(
                f"the file {engines.place(engine.url)} was replaced meanwhile; nothing was written to it", "try again"
            )


def empty_journal(engine: Engine) -> None:
    """SQLite: let nothing of what was overwritten stay in the file beside the database.

    Where somebody reads or writes at that moment, that is left to the next time: nobody waits for it.
    """
    if not engines.is_server(engine.url):
        with _told(engine), engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 0")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.invalidate()  # the next one waits again


@contextmanager
def _told(engine: Engine) -> Iterator[None]:
    """Whatever the database says becomes one line and a way out, without the statement and the password."""
    try:
        yield
    except SQLAlchemyError as problem:
        raise _stopped(engine.url, problem, "use") from None


def _stopped(target: URL, problem: Exception, verb: str) -> engines.RegistryAway:
    cause = getattr(problem, "orig", None) or problem
    reason, said = type(cause).__name__, str(cause)
    hint = "check that the server runs, and that the name and password in the URL are right"
    if reason == "LockNotAvailable":
        reason, hint = "another program is writing to it", "give the command again when that program is done"
    if not engines.is_server(target):
        hint = "give the file that `gleanery optout serve` made, in a folder that may be written to"
        if "locked" in said:
            reason, hint = "another program is writing to it", "give the command again when that program is done"
        elif "unable to open" in said:
            reason = "there is no such file, or it may not be opened"
        elif "malformed" in said or "not a database" in said:
            reason, hint = (
                "the file is damaged, or is none",
                "restore the registry from a backup: `gleanery optout restore BACKUP`",
            )
    return engines.RegistryAway(f"cannot {verb} the opt-out registry at {engines.place(target)} ({reason})", hint)


def _create(engine: Engine, secret: str) -> None:
    with writing(engine) as connection:
        _make_tables(connection, secret)


def _make_tables(connection: Connection, secret: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_SET_UP_LOCK)))
    _metadata.create_all(connection)
    _append_guards(connection)
    if connection.execute(sa.select(head.c.id)).first() is None:
        connection.execute(head.insert().values(id=1, layout=LAYOUT, entries=0, hash="", secret=secret))


@contextmanager
def making(url: URL, secret: str) -> Iterator[Connection]:
    """One transaction that makes a registry and fills it: where it fails, there is none afterwards.

    StopRun if there is one that something was written to.
    """
    target = engines.checked_url(url)
    try:
        if not engines.is_server(target):
            engines.create_file(Path(target.database or ""))
    except OSError as problem:
        raise _stopped(target, problem, "open") from None
    engine = engines.engine_of(target, engines.BUSY_SECONDS)
    try:
        with writing(engine) as connection:
            _make_tables(connection, secret)
            if connection.execute(sa.select(head.c.entries)).scalar_one():
                where = engines.place(target)
                raise StopRun(f"there is an opt-out registry at {where} already", "give a database without one")
            yield connection
    finally:
        engine.dispose()


def _guard(engine: Engine) -> None:
    """Give a registry that is older than one of the guards those that it lacks."""
    with writing(engine) as connection:
        _append_guards(connection)


def _append_guards(connection: Connection) -> None:
    backend = connection.dialect.name
    for statement in _APPEND_ONLY[backend]:
        for table in ("log", "rules"):
            for verb in _VERBS[backend]:
                connection.exec_driver_sql(statement.replace("{table}", table).replace("{verb}", verb))
