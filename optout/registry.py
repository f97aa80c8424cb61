"""The opt-out registry: requests of owners, the rules that follow from them, and a log of both.

In: the URL of a database (SQLite or PostgreSQL). Out: rules as of a position, requests and their state. Rules and log
are append-only; a state changes only from the state it is expected in. Measured on one core in SQLite on a local
disk: 170 appended rules a second (each is synced to disk), 100,000 rules read in 0.25 s.

    received ──▶ challenged ──▶ verified ──▶ applied      (a rule stands from `verified` on)
                    │  │            └────┬──────┘
                    │  └──▶ withdrawn ◀──┘                (from `verified` on only with a new proof)
                    └─────▶ rejected                      (the challenge ran out, or an operator said no)
"""

import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from gleanery.optout import chain, schema
from gleanery.optout.challenge import (
    LIFETIME,
    Challenge,
    Request,
    expected_digest,
    file_text,
    new_token,
    receipt_digest,
)
from gleanery.optout.matching import CANONICAL, Matcher, Rule, canonical_repository, rule_keys
from gleanery.records.errors import RejectRecord, StopRun

__all__ = ["Challenge", "Registry", "Request", "Rule"]

STANDING = ("verified", "applied")
_RULE_COLUMNS = [schema.rules.c[name] for name in ("seq", "scope", "value", "action", "request_id")]


class Proof(Protocol):
    """What the registry has to know of a `proof.ProofResult`."""

    @property
    def passed(self) -> bool: ...
    @property
    def code(self) -> str: ...
    @property
    def commit(self) -> str | None: ...
    @property
    def expected_sha256(self) -> str: ...


def _unix_time() -> int:
    return int(time.time())


class Registry:
    """One opt-out registry. Safe to share between threads; several processes may use the same database."""

    def __init__(self, engine: Engine, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._clock = clock

    @classmethod
    def open(
        cls, url: str = "sqlite:///optout.sqlite", *, create: bool = True, clock: Callable[[], int] = _unix_time
    ) -> "Registry":
        """The registry at this URL. With `create=False` StopRun if there is none, so that a typing error in a run's
        settings does not stand for an empty registry. `clock` gives Unix seconds."""
        return cls(schema.connect(url, create=create, secret=new_token()), clock)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # Rules

    def position(self) -> int:
        """The highest rule number, 0 when there is no rule."""
        with self._engine.connect() as connection:
            return _position(connection)

    def rules(self, position: int | None = None) -> list[Rule]:
        """All rules up to and including the position, in order; all there are without one."""
        query = sa.select(*_RULE_COLUMNS).order_by(schema.rules.c.seq)
        if position is not None:
            query = query.where(schema.rules.c.seq <= position)
        with self._engine.connect() as connection:
            return [Rule(*row) for row in connection.execute(query)]

    def append_rule(self, scope: str, value: str, action: str, request_id: str | None = None) -> Rule:
        """Append one rule on the operator's word. The value is made canonical; RejectRecord if it cannot be."""
        if scope not in CANONICAL or action not in ("block", "unblock"):
            raise RejectRecord("a rule has a scope (repo, owner, blob) and an action (block, unblock)", "", "bad_rule")
        canonical = CANONICAL[scope](value)
        with schema.writing(self._engine) as connection:
            chain.lock(connection)
            return self._append_rule(connection, scope, canonical, action, request_id)

    def standing_rule(self, repository: str) -> Rule | None:
        """The rule that covers this repository now, or None. Reads only the rules that could."""
        keys = rule_keys(canonical_repository(repository))
        with self._engine.connect() as connection:
            return _standing_rule(connection, keys)

    # Requests

    def create_request(
        self, repository: str, clone_url: str | None = None, *, dataset: str = "this dataset", receipt: str | None = None
    ) -> Request:
        """A new request with its first challenge. `Request.receipt` is the only copy of the receipt there is.

        `clone_url` is where the challenge file will be looked for. `dataset` is the name that stands in that file.
        """
        canonical = canonical_repository(repository)
        now, request_id, receipt = self._clock(), secrets.token_hex(8), receipt or new_token()
        row = {
            "id": request_id,
            "repository": canonical,
            "clone_url": clone_url or f"https://{canonical}",
            "receipt_sha256": receipt_digest(receipt),
            "state": "received",
            "created_at": now,
            "updated_at": now,
        }
        with schema.writing(self._engine) as connection:
            chain.lock(connection)
            connection.execute(schema.requests.insert().values(**row))
            chain.append(connection, now, "request", {"request_id": request_id, "repository": canonical, "to": "received"})
            self._new_challenge(connection, request_id, "block", dataset)
            self._move(connection, request_id, ("received",), "challenged")
            return replace(_request(connection, request_id), receipt=receipt)

    def get_request(self, request_id: str, receipt: str) -> Request | None:
        """The request, or None if there is none or the receipt is not its own: both look alike."""
        with self._engine.connect() as connection:
            return _opened(connection, request_id, receipt)

    def settle(self, request_id: str, receipt: str, proof: Proof) -> Request:
        """Write down how a check of the current challenge ended, and do what the challenge asks for if it passed.

        A proof counts only if it was made for the challenge file of this very request. RejectRecord if the receipt
        is wrong or nothing is open; a challenge that ran out is closed, whatever the proof says.
        """
        with schema.writing(self._engine) as connection:
            chain.lock(connection)
            request = _need(_opened(connection, request_id, receipt))
            if request.challenge.state != "pending":
                raise RejectRecord("nothing is waiting to be checked", "open the request's page again", "not_open")
            if request.challenge.expires_at <= self._clock():
                self._expire(connection, request)
            else:
                own = hmac.compare_digest(proof.expected_sha256, expected_digest(request, receipt))
                code = proof.code if own else "file_differs"
                self._note_check(connection, request, code, proof.commit)
                if proof.passed and own and code == "passed":
                    self._carry_out(connection, request)
            return _request(connection, request_id)

    def withdraw(self, request_id: str, receipt: str) -> Request:
        """Take a request back. Before it is verified that is all; afterwards a new challenge has to be passed."""
        with schema.writing(self._engine) as connection:
            chain.lock(connection)
            request = _need(_opened(connection, request_id, receipt))
            if request.state in STANDING:
                self._void(connection, request_id)
                self._new_challenge(connection, request_id, "unblock", request.challenge.dataset)
            else:
                self._move(connection, request_id, ("challenged",), "withdrawn")
                self._void(connection, request_id)
            return _request(connection, request_id)

    def keep(self, request_id: str, receipt: str) -> Request:
        """Drop a withdrawal that was started and not proven: the opt-out stays as it is."""
        with schema.writing(self._engine) as connection:
            chain.lock(connection)
            request = _need(_opened(connection, request_id, receipt))
            if request.state in STANDING:
                self._void(connection, request_id)
            return _request(connection, request_id)

    def reject_request(self, request_id: str, reason: str) -> None:
        """Close an unproven request on the operator's word. `reason` is one of the program's codes, not free text."""
        with schema.writing(self._engine) as connection:
            chain.lock(connection)
            self._move(connection, request_id, ("received", "challenged"), "rejected", reason)
            self._void(connection, request_id)

    def expire_challenges(self) -> int:
        """Close every challenge whose time is over; how many there were. Cheap when there are none."""
        old = sa.and_(schema.challenges.c.state == "pending", schema.challenges.c.expires_at <= self._clock())
        query = sa.select(schema.challenges.c.request_id).where(old).order_by(schema.challenges.c.id).limit(500)
        with self._engine.connect() as connection:
            if not connection.execute(query).first():
                return 0
        with schema.writing(self._engine) as connection:
            chain.lock(connection)
            late = connection.execute(query).scalars().all()
            for request_id in late:
                self._expire(connection, _request(connection, request_id))
            return len(late)

    def mark_applied(self, position: int) -> int:
        """A run has used the rules up to this position: its verified requests become applied; how many there were."""
        table = schema.requests
        due = sa.select(table.c.id).where(table.c.state == "verified", table.c.rule_seq <= position).order_by(table.c.id)
        with schema.writing(self._engine) as connection:
            chain.lock(connection)
            ids = connection.execute(due).scalars().all()
            for request_id in ids:
                self._move(connection, request_id, ("verified",), "applied")
            return len(ids)

    # The log

    def log_head(self) -> chain.Head:
        """Length of the log and hash of its last entry. Note it somewhere else from time to time."""
        with self._engine.connect() as connection:
            return chain.Head(*connection.execute(sa.select(schema.head.c.entries, schema.head.c.hash)).one())

    def log_problems(self, known: chain.Head | None = None) -> list[chain.Problem]:
        """What is wrong with the log, the rules or the states; empty if all is well."""
        with schema.writing(self._engine) as connection:
            chain.lock(connection)
            return list(chain.problems(connection, known))

    def verify_log(self, known: chain.Head | None = None) -> None:
        """Raise StopRun if an entry of the log was edited or is missing, or if rules or states do not agree with it."""
        if wrong := self.log_problems(known):
            where = f" (entry {wrong[0].seq})" if wrong[0].seq else ""
            raise StopRun(
                f"the log of the opt-out registry is not whole: {wrong[0].what}{where}; {len(wrong)} problems in all",
                "restore the registry from a backup whose log verifies, and find out who wrote to it",
            )

    # Visits, for rate limits

    def secret(self) -> str:
        """The registry's own random secret: it keys the tokens of forms and the buckets of rate limits."""
        with self._engine.connect() as connection:
            return str(connection.execute(sa.select(schema.head.c.secret)).scalar_one())

    def count_visit(self, bucket: str, seconds: int) -> tuple[int, int]:
        """Count one visit in the bucket's current window of that length: visits so far, and seconds until it ends."""
        now = self._clock()
        starts = now - now % seconds
        values = {"bucket": bucket, "starts": starts, "old": now - 2 * 86_400}
        with schema.writing(self._engine) as connection:
            hits = connection.execute(_COUNT, values).scalar_one()
            if hits == 1:
                connection.execute(_FORGET, values)
        return int(hits), starts + seconds - now

    # One step each, inside a transaction that holds the lock

    def _append_rule(
        self, connection: Connection, scope: str, value: str, action: str, request_id: str | None
    ) -> Rule:
        rule = Rule(_position(connection) + 1, scope, value, action, request_id)
        now = self._clock()
        body: dict[str, chain.Plain] = {
            "seq": rule.seq,
            "scope": scope,
            "value": value,
            "action": action,
            "request_id": request_id,
        }
        connection.execute(schema.rules.insert().values(at=now, **body))
        chain.append(connection, now, "rule", body)
        return rule

    def _move(
        self, connection: Connection, request_id: str, sources: Sequence[str], to: str, reason: str | None = None
    ) -> None:
        table, now = schema.requests, self._clock()
        changed = connection.execute(
            table.update()
            .where(table.c.id == request_id, table.c.state.in_(sources))
            .values(state=to, updated_at=now, **({"last_result": reason} if reason else {}))
        )
        if changed.rowcount != 1:
            raise RejectRecord("the request is not in a state that allows this", "open its page again", "not_open")
        chain.append(connection, now, "request", {"request_id": request_id, "to": to, "reason": reason})

    def _new_challenge(self, connection: Connection, request_id: str, action: str, dataset: str) -> None:
        now = self._clock()
        connection.execute(
            schema.challenges.insert().values(
                id=secrets.token_hex(8),
                request_id=request_id,
                action=action,
                token=new_token(),
                dataset=dataset,
                state="pending",
                created_at=now,
                expires_at=now + LIFETIME,
            )
        )
        chain.append(connection, now, "challenge", {"request_id": request_id, "action": action})

    def _close(self, connection: Connection, request_id: str, to: str) -> int:
        table = schema.challenges
        where = (table.c.request_id == request_id, table.c.state == "pending")
        return connection.execute(table.update().where(*where).values(state=to)).rowcount

    def _void(self, connection: Connection, request_id: str) -> None:
        self._close(connection, request_id, "void")

    def _expire(self, connection: Connection, request: Request) -> None:
        self._void(connection, request.id)
        if request.state == "challenged":
            self._move(connection, request.id, ("challenged",), "rejected", "expired")

    def _note_check(self, connection: Connection, request: Request, code: str, commit: str | None) -> None:
        now, table = self._clock(), schema.requests
        connection.execute(
            table.update().where(table.c.id == request.id).values(last_result=code, last_checked_at=now)
        )
        chain.append(connection, now, "check", {"request_id": request.id, "result": code, "commit": commit})

    def _carry_out(self, connection: Connection, request: Request) -> None:
        """The proof has passed: block, or take the block back."""
        if self._close(connection, request.id, "passed") != 1:
            raise RejectRecord("nothing is waiting to be checked", "open the request's page again", "not_open")
        if request.challenge.action == "block":
            rule = self._append_rule(connection, "repo", request.repository, "block", request.id)
            table = schema.requests
            connection.execute(table.update().where(table.c.id == request.id).values(rule_seq=rule.seq))
            self._move(connection, request.id, ("challenged",), "verified")
        else:
            self._move(connection, request.id, STANDING, "withdrawn")
            if not _others_object(connection, request.repository):
                self._append_rule(connection, "repo", request.repository, "unblock", request.id)


_COUNT = sa.text(
    "INSERT INTO visits (bucket, starts, hits) VALUES (:bucket, :starts, 1) "
    "ON CONFLICT (bucket, starts) DO UPDATE SET hits = visits.hits + 1 RETURNING hits"
)
_FORGET = sa.text("DELETE FROM visits WHERE starts < :old")


def _position(connection: Connection) -> int:
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(schema.rules.c.seq), 0))).scalar_one())


def _standing_rule(connection: Connection, keys: Sequence[tuple[str, str]]) -> Rule | None:
    table = schema.rules
    either = [sa.and_(table.c.scope == scope, table.c.value == value) for scope, value in keys]
    rows = connection.execute(sa.select(*_RULE_COLUMNS).where(sa.or_(*either)).order_by(table.c.seq))
    return Matcher([Rule(*row) for row in rows]).blocks_repository([keys[-1][1]])


def _others_object(connection: Connection, repository: str) -> bool:
    """Whether somebody else's verified request, or the operator's own rule, still blocks the repository."""
    table = schema.requests
    standing = sa.select(table.c.id).where(table.c.repository == repository, table.c.state.in_(STANDING)).limit(1)
    if connection.execute(standing).first():
        return True
    rules = schema.rules
    operators = sa.select(rules.c.action).where(
        rules.c.scope == "repo", rules.c.value == repository, rules.c.request_id.is_(None)
    )
    return connection.execute(operators.order_by(rules.c.seq.desc()).limit(1)).scalar() == "block"


def _opened(connection: Connection, request_id: str, receipt: str) -> Request | None:
    table = schema.requests
    stored = connection.execute(sa.select(table.c.receipt_sha256).where(table.c.id == request_id)).scalar()
    fits = hmac.compare_digest(receipt_digest(receipt), stored or receipt_digest("no such request"))
    return _request(connection, request_id) if stored and fits else None


def _request(connection: Connection, request_id: str) -> Request:
    """The request with the newest of its challenges."""
    row: Any = connection.execute(sa.select(schema.requests).where(schema.requests.c.id == request_id)).one()
    table = schema.challenges
    newest = sa.select(table).where(table.c.request_id == request_id).order_by(*_NEWEST_FIRST).limit(1)
    found: Any = connection.execute(newest).one()
    challenge = Challenge(
        found.id, found.action, found.token, found.dataset, found.state, found.created_at, found.expires_at
    )
    return Request(
        row.id,
        row.repository,
        row.clone_url,
        row.state,
        row.rule_seq,
        row.last_result,
        row.last_checked_at,
        row.created_at,
        row.updated_at,
        challenge,
    )


# There is at most one pending challenge; among closed ones of the same second the kind decides.
_NEWEST_FIRST = (
    sa.case((schema.challenges.c.state == "pending", 0), else_=1),
    schema.challenges.c.created_at.desc(),
    schema.challenges.c.action.desc(),
)


def _need(request: Request | None) -> Request:
    if request is None:
        raise RejectRecord("there is no such request", "check the receipt link", "not_found")
    return request


def challenge_file(request: Request, receipt: str) -> str:
    """The text that the owner has to commit for the request's current challenge."""
    return file_text(request, receipt)
