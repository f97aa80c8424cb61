"""The opt-out registry: requests of owners, the rules that follow from them, and a log of both.

In: the URL of a database (SQLite or PostgreSQL). Out: rules as of a position, requests and their state. Rules and log
are append-only; a state changes only from the state it is expected in. A rule
took 1.8 ms to append and 100,000 rules 0.24 s to read (SQLite, processor time on one core of a shared machine).

    received ──▶ challenged ──▶ verified ──▶ applied      (a rule stands from `verified` on)
                    │  │            └────┬──────┘
                    │  └──▶ withdrawn ◀──┘                (from `verified` on only with a new proof)
                    └─────▶ rejected                      (the challenge ran out, or an operator said no)

What ended without a proof is `forgotten` after a month: what it was about goes, that there was a request stays.
"""

import hmac
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from gleanery.optout import chain, engines, history, schema, words
from gleanery.optout import transitions as step
from gleanery.optout.challenge import Challenge, Request, expected_digest, new_token, receipt_digest
from gleanery.optout.matching import Rule, rule_keys, spelled_today
from gleanery.optout.typed import rule_value, typed_repository
from gleanery.records.errors import RejectRecord, StopRun
from gleanery.records.names import canonical_repository

FORGOTTEN_AFTER = 30  # days for which a request without a proof is kept after its end
_VISITS_KEPT = 2 * 86_400  # seconds
_AT_ONCE = 100  # requests that are forgotten while others wait: a fifth of a second
_LET_IN = 0.15  # seconds; SQLite looks every 0.1 s whether it may write

__all__ = ["Challenge", "Proof", "Registry", "Request", "Rule"]


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
    @property
    def moved_to(self) -> str | None: ...


def _unix_time() -> int:
    return int(time.time())


class BrokenLog(StopRun):
    """The log of a registry is proven not to be what was written."""


class Registry:
    """One opt-out registry. Safe to share between threads; several processes may use the same database."""

    def __init__(self, engine: Engine, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._clock = clock

    @classmethod
    def open(
        cls,
        url: str | URL = "sqlite:///optout.sqlite",
        *,
        create: bool = True,
        clock: Callable[[], int] = _unix_time,
        wait: int = engines.BUSY_SECONDS,
    ) -> "Registry":
        """The registry at this URL; its tables are made if they are missing. `clock` gives Unix seconds.

        With `create=False` StopRun if there is none, so that a typing error in a run's settings does not pass for a
        registry to which nobody has objected. StopRun too if it cannot be reached or, later, used; never with the URL's
        password. `wait` is how many seconds a writer waits for another one.
        """
        return cls(schema.connect(url, create=create, secret=new_token(), wait=wait), clock)

    @property
    def place(self) -> str:
        """Where it is: the path of a file, or a server and a database. Never a password."""
        return engines.place(self._engine.url)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # Rules

    def position(self) -> int:
        """The highest rule number, 0 when there is no rule."""
        with schema.reading(self._engine) as connection:
            return step.position(connection)

    def rules(self, position: int | None = None) -> list[Rule]:
        """All rules up to and including the position, in order; all there are without one."""
        query = sa.select(*words.RULE_COLUMNS).order_by(schema.rules.c.seq)
        if position is not None:
            query = query.where(schema.rules.c.seq <= position)
        with schema.reading(self._engine) as connection:
            return [Rule(*row) for row in connection.execute(query)]

    def append_rule(self, scope: str, value: str, action: str, *, lifting: Collection[str] = ()) -> Rule:
        """Append one rule on the operator's word. The value is made canonical; RejectRecord if it cannot be.

        RejectRecord too for an unblock where no block of this scope and value stands: it would look like an answer. The
        operator takes back their own word. An owner's proven request that stands is lifted only if `lifting` names it.
        """
        if action not in ("block", "unblock"):
            raise RejectRecord("a rule has an action: block or unblock", "give one of these", "bad_rule")
        if action == "block":
            value = rule_value(scope, value)
        with self._appending() as (connection, now):
            if action == "unblock":
                value = _to_take_back(connection, scope, value, lifting)
            return step.append_rule(connection, now, scope, value, action, None)

    def standing_rule(self, repository: str, scopes: Collection[str] = ("repo", "owner")) -> Rule | None:
        """The rule of these scopes that covers this repository now, or None. Reads only the rules that could."""
        names = [repository.lower()]  # as requests hold it, where it cannot be read anew: gitlab:8080/group/lib
        with suppress(RejectRecord):
            names.append(canonical_repository(repository))
        keys = [[key for key in rule_keys(name) if key[0] in scopes] for name in names]
        with schema.reading(self._engine) as connection:
            found = [words.standing_rule(connection, each) for each in keys if each]
        return next((rule for rule in found if rule), None)

    # Requests

    def create_request(
        self, repository: str, clone_url: str | None = None, *, dataset: str = "this dataset"
    ) -> Request:
        """A new request for what an owner typed, with its first challenge. `Request.receipt` is its only copy.

        `clone_url` is where the challenge file will be looked for. `dataset` is the name that stands in that file.
        """
        canonical = typed_repository(repository)
        request_id, receipt = secrets.token_hex(8), new_token()
        row = {
            "id": request_id,
            "repository": canonical,
            "clone_url": clone_url or f"https://{canonical}",
            "receipt_sha256": receipt_digest(receipt),
        }
        with self._appending() as (connection, now):
            step.receive(connection, now, row)
            step.new_challenge(connection, now, request_id, "block", dataset)
            step.move(connection, now, request_id, ("received",), "challenged")
            return replace(step.request_of(connection, request_id), receipt=receipt)

    def get_request(self, request_id: str, receipt: str) -> Request | None:
        """The request, or None if there is none or the receipt is not its own: both look alike."""
        with schema.reading(self._engine) as connection:
            return step.open_request(connection, request_id, receipt)

    def settle(self, request_id: str, receipt: str, proof: Proof) -> Request:
        """Write down how a check of the current challenge ended, and do what the challenge asks for if it passed.

        A proof counts only if it was made for the challenge file of this very request. RejectRecord if the receipt
        is wrong or nothing is open; a challenge that ran out is closed, whatever the proof says.
        """
        with self._opened(request_id, receipt) as (connection, now, request):
            if request.challenge.state != "pending":
                raise step.not_open()
            if request.challenge.expires_at <= now:
                step.expire(connection, now, request)
            else:
                own = hmac.compare_digest(proof.expected_sha256, expected_digest(request, receipt))
                passed = own and proof.passed
                # A commit tells which repository was meant, and what never passes is forgotten.
                commit = proof.commit if passed else None
                step.note_check(connection, now, request.id, proof.code if own else "file_differs", commit)
                if passed:
                    step.carry_out(connection, now, request, _name_at(proof.moved_to))
            return step.request_of(connection, request_id)

    def withdraw(self, request_id: str, receipt: str) -> Request:
        """Take a request back. Before it is verified that is all; afterwards a new challenge has to be passed."""
        with self._opened(request_id, receipt) as (connection, now, request):
            step.close_challenge(connection, now, request_id, "void")
            if request.stands:
                step.new_challenge(connection, now, request_id, "unblock", request.challenge.dataset)
            else:
                step.move(connection, now, request_id, ("challenged",), "withdrawn")
            return step.request_of(connection, request_id)

    def keep(self, request_id: str, receipt: str) -> Request:
        """Drop a withdrawal that was started and not proven: the opt-out stays as it is."""
        with self._opened(request_id, receipt) as (connection, now, request):
            if request.state in words.PROVEN:
                step.close_challenge(connection, now, request_id, "void")
            return step.request_of(connection, request_id)

    def requests(self) -> list[history.Asked]:
        """All requests whose subject is not forgotten, the oldest first."""
        with schema.reading(self._engine) as connection:
            return history.asked(connection)

    def reject_request(self, request_id: str) -> None:
        """Close an unproven request on the operator's word. RejectRecord if none of this number waits for its file."""
        waits = sa.select(schema.requests.c.state).where(schema.requests.c.id == request_id)
        with self._appending() as (connection, now):
            if connection.execute(waits).scalar() not in ("received", "challenged"):
                hint = "`gleanery optout requests` shows them; `optout unblock --request` lifts a proven one"
                raise RejectRecord("no request of this number waits for its file", hint, "not_open")
            step.move(connection, now, request_id, ("received", "challenged"), "rejected", "refused")
            step.close_challenge(connection, now, request_id, "void")

    def expire_challenges(self) -> int:
        """Close every challenge whose time is over; how many there were. One look-up when there are none."""
        table = schema.challenges
        old = (table.c.state == "pending", table.c.expires_at <= self._clock())
        query = sa.select(table.c.request_id).where(*old).order_by(table.c.request_id).limit(500)
        with schema.reading(self._engine) as connection:
            if not connection.execute(query).first():
                return 0
        with self._appending() as (connection, now):
            late = connection.execute(query).scalars().all()
            for request_id in late:
                step.expire(connection, now, step.request_of(connection, request_id))
            return len(late)

    def forget(self, days: int = FORGOTTEN_AFTER) -> int:
        """Empty requests that ended without a proof so many days ago; how many those were. Old visits go too.

        Their receipts open nothing any more. A request that was proven stays, as the rule that followed from it does.
        Few are done at once, and visitors are let in between: somebody may have filed very many.
        """
        forgotten, before = 0, self._clock() - days * 86_400
        while self.expire_challenges():
            time.sleep(_LET_IN)
        while now := self._forget_some(before):
            forgotten += now
            time.sleep(_LET_IN)
        with self._appending() as (connection, at):
            connection.execute(_FORGET, {"old": at - _VISITS_KEPT})
        schema.empty_journal(self._engine)
        return forgotten

    def _forget_some(self, before: int) -> int:
        """Empty a few of those that ended before a time; how many, 0 when there are none left."""
        table = schema.requests
        ended = (table.c.state.in_(("rejected", "withdrawn")), table.c.rule_seq.is_(None), table.c.updated_at <= before)
        with self._appending() as (connection, now):
            some = sa.select(table.c.id).where(*ended).order_by(table.c.id).limit(_AT_ONCE)
            ids = connection.execute(some).scalars().all()
            for request_id in ids:
                step.forget(connection, now, request_id)
            return len(ids)

    def mark_applied(self, position: int) -> int:
        """A run has used the rules up to this position: its verified requests become applied; how many there were.

        A request whose block was taken back by then was not applied.
        """
        table = schema.requests
        due = (table.c.state == "verified", table.c.rule_seq <= position)
        with self._appending() as (connection, now):
            rows = connection.execute(sa.select(table).where(*due).order_by(table.c.id)).all()
            ids = [row.id for row in rows if row.rule_seq > words.taken_back(connection, row.repository, position)]
            for request_id in ids:
                step.move(connection, now, request_id, ("verified",), "applied")
            return len(ids)

    # The log

    def history(self, scope: str = "repo", value: str = "") -> list[history.Entry]:
        """The entries of the log about a value, in any spelling; all entries without one.

        RejectRecord if nothing is there about it, with a way out if it names nothing.
        """
        seen, unclear = [spelled_today(scope, value.strip().lower())], None
        try:
            seen += [rule_value(scope, value)] if value else []
        except RejectRecord as problem:
            unclear = problem
        with schema.reading(self._engine) as connection:
            for each in dict.fromkeys(reversed(seen)):
                if (found := list(history.entries(connection, scope, each))) or not value:
                    return found
        raise unclear or RejectRecord("the log says nothing about it", "check the name and the scope", "not_found")

    def log_head(self) -> chain.Head:
        """Length of the log and hash of its last entry. Note it somewhere else from time to time."""
        with schema.reading(self._engine) as connection:
            return chain.Head(*connection.execute(sa.select(schema.head.c.entries, schema.head.c.hash)).one())

    def head_at(self, position: int) -> chain.Head:
        """How the log ended when the rule of this number was written: what to note together with a position."""
        entries = sa.select(schema.log.c.seq, schema.log.c.hash).where(schema.log.c.kind == "rule")
        query = entries.order_by(schema.log.c.seq).offset(max(position - 1, 0)).limit(1)
        with schema.reading(self._engine) as connection:
            found = connection.execute(query).first() if position else None
        return chain.Head(*found) if found else chain.Head(0, "")

    def log_problems(self, known: chain.Head | None = None) -> list[chain.Problem]:
        """What is wrong with the log, the rules or the states; empty if all is well."""
        with schema.reading(self._engine) as connection:
            return list(chain.problems(connection, known))

    def verify_log(self, known: chain.Head | None = None) -> None:
        """Raise BrokenLog if an entry of the log was edited or is missing, or rules or states do not agree with it."""
        if wrong := self.log_problems(known):
            where = f" (entry {wrong[0].seq})" if wrong[0].seq else ""
            raise BrokenLog(
                f"the log of the opt-out registry is not whole: {wrong[0].what}{where}; {len(wrong)} problems in all",
                "restore the registry from a backup whose log verifies, and find out who wrote to it",
            )

    # For the web form

    def secret(self) -> str:
        """The registry's own random secret: it keys the tokens of forms and the buckets of rate limits."""
        with schema.reading(self._engine) as connection:
            return str(connection.execute(sa.select(schema.head.c.secret)).scalar_one())

    def count_visit(self, bucket: str, seconds: int) -> tuple[int, int]:
        """Count one visit in the bucket's current window of that length: visits so far, and seconds until it ends."""
        now = self._clock()
        starts = now - now % seconds
        values = {"bucket": bucket, "starts": starts, "old": now - _VISITS_KEPT}
        with schema.writing(self._engine) as connection:
            hits = int(connection.execute(_COUNT, values).scalar_one())
            if hits == 1:
                connection.execute(_FORGET, values)
        return hits, starts + seconds - now

    # Transactions

    @contextmanager
    def _appending(self) -> Iterator[tuple[Connection, int]]:
        """A transaction that holds the lock of the log, and the time."""
        with schema.writing(self._engine) as connection:
            chain.lock(connection)
            yield connection, self._clock()

    @contextmanager
    def _opened(self, request_id: str, receipt: str) -> Iterator[tuple[Connection, int, Request]]:
        """The same, with the request that this receipt opens; RejectRecord if it opens none."""
        with self._appending() as (connection, now):
            request = step.open_request(connection, request_id, receipt)
            if request is None:
                raise RejectRecord("there is no such request", "check the receipt link", "not_found")
            yield connection, now, request


def _name_at(address: str | None) -> str | None:
    """The name of the repository at an address, or None."""
    try:
        return typed_repository(address) if address else None
    except RejectRecord:
        return None


def _to_take_back(connection: Connection, scope: str, text: str, lifting: Collection[str]) -> str:
    """The value that an unblock names; RejectRecord if nothing of it is blocked, or if an owner has a word in it."""
    value = spelled_today(scope, text.strip().lower())  # what a list of the rules shows can be taken back
    if not words.stands(connection, scope, value):
        value = rule_value(scope, text)
    if not words.stands(connection, scope, value):
        hint = "`gleanery optout list` shows the rules; take back what a block names, with its scope"
        raise RejectRecord(f"no rule with the scope {scope} blocks {value}", hint, "not_blocked")
    if others := [number for number in words.standing_requests(connection, scope, value) if number not in lifting]:
        raise RejectRecord(
            f"the owner of {value} has objected too, with proof (request {', '.join(others)})",
            f"leave it to the owner, or lift their objection by name: {' '.join(f'--request {n}' for n in others)}",
            "owner_objects",
        )
    return value


_COUNT = sa.text(
    "INSERT INTO visits (bucket, starts, hits) VALUES (:bucket, :starts, 1) "
    "ON CONFLICT (bucket, starts) DO UPDATE SET hits = visits.hits + 1 RETURNING hits"
)
_FORGET = sa.text("DELETE FROM visits WHERE starts < :old")
