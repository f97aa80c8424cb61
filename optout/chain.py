"""The log: each entry carries the hash of the one before it, so that an edit or a gap shows.

In: a kind and a small mapping of plain values. Out: rows of the table `log`, and a list of what is wrong with it.
Appending costs one row; checking 100,000 entries and as many rules took 1.6 s of processor time (one core, SQLite).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gleanery.optout import schema

Plain = str | int | None


@dataclass(frozen=True)
class Head:
    """How long the log is and the hash of its last entry. Kept elsewhere, it proves that the log was not rewritten."""

    entries: int
    hash: str


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the entry, if it is about one, and what it is."""

    seq: int | None
    what: str


def entry_hash(seq: int, at: int, kind: str, body: str, previous: str) -> str:
    """SHA-256 over the lengths and bytes of all parts of an entry, as 64 hexadecimal digits.

    >>> entry_hash(1, 0, "rule", "{}", "")[:8]
    '1776f2ff'
    """
    return seal(str(seq), str(at), kind, body, previous)


def seal(*parts: str) -> str:
    """SHA-256 over the lengths and bytes of the parts. It ties an entry to a row without saying what is in the row.

    Who does not know one of the parts, because it was random and is forgotten, cannot find out the others either.
    """
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        digest.update(b"%d:" % len(raw) + raw)
    return digest.hexdigest()


def request_seal(row: Mapping[str, Any]) -> str:
    """The seal of what a request is about, and of who may open it."""
    return seal(*(str(row[name]) for name in ("id", "repository", "clone_url", "receipt_sha256")))


def challenge_seal(row: Mapping[str, Any]) -> str:
    """The seal of what a challenge asks for, and until when."""
    return seal(*(str(row[name]) for name in ("request_id", "number", "action", "token", "dataset", "expires_at")))


def lock(connection: Connection) -> Head:
    """Wait for other appenders, then the head as it stands. Call it before anything that will be logged is read."""
    found = connection.execute(sa.select(schema.head.c.entries, schema.head.c.hash).with_for_update()).one()
    return Head(found.entries, found.hash)


def append(connection: Connection, at: int, kind: str, body: Mapping[str, Plain]) -> None:
    """Append one entry; `at` is in Unix seconds."""
    head = lock(connection)
    text = json.dumps(dict(body), sort_keys=True, separators=(",", ":"))
    seq = head.entries + 1
    made = entry_hash(seq, at, kind, text, head.hash)
    connection.execute(schema.log.insert().values(seq=seq, at=at, kind=kind, body=text, previous=head.hash, hash=made))
    connection.execute(schema.head.update().values(entries=seq, hash=made))


def problems(connection: Connection, known: Head | None = None) -> Iterator[Problem]:
    """Everything that shows that the log, the rules or the states were changed behind its back.

    `known` is a head that was noted earlier, outside the database; with it a rewritten log is found too.
    """
    seq, previous, at_known = 0, "", ""
    said = _Said()
    rows = connection.execution_options(yield_per=1000).execute(sa.select(schema.log).order_by(schema.log.c.seq))
    for row in rows:
        for missing in range(seq + 1, min(row.seq, seq + 11)):
            yield Problem(missing, "the entry is missing")
        if row.previous != previous or row.hash != entry_hash(row.seq, row.at, row.kind, row.body, row.previous):
            yield Problem(row.seq, "the entry or the one before it was changed")
        seq, previous = row.seq, row.hash
        if known and seq == known.entries:
            at_known = row.hash
        said.note(row.kind, row.body)
    head = connection.execute(sa.select(schema.head)).one()
    if (head.entries, head.hash) != (seq, previous):
        yield Problem(None, "the end of the log is missing or was replaced")
    if known and known.entries and at_known != known.hash:
        yield Problem(known.entries, "the log is not the one whose head was noted")
    yield from _against_rules(connection, said)
    yield from _against_requests(connection, said)
    yield from _against_challenges(connection, said)


@dataclass
class _Said:
    """What the log says about the tables, when all of it was read."""

    rules: dict[int, dict[str, Plain]] = field(default_factory=dict)
    states: dict[str, Plain] = field(default_factory=dict)
    # Entries of older versions name the repository of a request, and say less of a challenge.
    repositories: dict[str, Plain] = field(default_factory=dict)
    requests: dict[str, Plain] = field(default_factory=dict)
    challenges: dict[tuple[str, int], Plain] = field(default_factory=dict)
    ends: dict[tuple[str, int], Plain] = field(default_factory=dict)

    def note(self, kind: str, body: str) -> None:
        try:
            said = json.loads(body)
            if kind == "rule":
                self.rules[said["seq"]] = said
            elif kind == "request":
                self.states[said["request_id"]] = said["to"]
                for name, seen in (("repository", self.repositories), ("sealed", self.requests)):
                    if name in said:
                        seen[said["request_id"]] = said[name]
            elif kind == "challenge":
                key = said["request_id"], said["number"]
                if "sealed" in said:
                    self.challenges[key] = said["sealed"]
                elif "to" in said:
                    self.ends[key] = said["to"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return  # the hash of this entry is wrong, and that has been said


def _against_rules(connection: Connection, said: _Said) -> Iterator[Problem]:
    columns = [schema.rules.c[name] for name in ("seq", "scope", "value", "action", "request_id")]
    stored = {row.seq: dict(row._mapping) for row in connection.execute(sa.select(*columns))}
    for seq in sorted(stored.keys() | said.rules.keys()):
        if stored.get(seq) != said.rules.get(seq):
            yield Problem(None, f"rule {seq} is not the one that was logged")


def _against_requests(connection: Connection, said: _Said) -> Iterator[Problem]:
    found = {row.id: dict(row._mapping) for row in connection.execute(sa.select(schema.requests))}
    for request_id in sorted(found.keys() | said.states.keys()):
        row = found.get(request_id)
        if row is None or row["state"] != said.states.get(request_id):
            yield Problem(None, f"request {request_id} is not in the state that was logged")
            continue
        if row["state"] == "forgotten":
            whole = not row["repository"] + row["clone_url"] + row["receipt_sha256"]
        else:
            sealed = said.requests.get(request_id, request_seal(row)) == request_seal(row)
            whole = sealed and said.repositories.get(request_id, row["repository"]) == row["repository"]
        if not whole:
            yield Problem(None, f"request {request_id} is not about what was logged")
        rule = said.rules.get(row["rule_seq"], {}) if row["rule_seq"] is not None else None
        if rule is not None and (rule.get("request_id"), rule.get("action")) != (request_id, "block"):
            yield Problem(None, f"request {request_id} names a rule that is not its own")


def _against_challenges(connection: Connection, said: _Said) -> Iterator[Problem]:
    table = schema.challenges
    query = sa.select(table, schema.requests.c.state.label("of")).join(schema.requests)
    found = {(row.request_id, row.number): dict(row._mapping) for row in connection.execute(query)}
    for key in sorted(said.challenges):
        row = found.get(key)
        forgotten = row is not None and row["of"] == "forgotten" and not row["token"]
        whole = row is not None and (forgotten or challenge_seal(row) == said.challenges[key])
        if row is None or not whole or row["state"] != said.ends.get(key, "pending"):
            yield Problem(None, f"challenge {key[1]} of request {key[0]} is not the one that was logged")
