"""History: what the log says about one repository, account or content: who asked what, when, and what came of it.

In: an open connection, a scope and a value as it is spelled today. Out: entries of the log in their order, each with a
sentence for people, and as the log holds it, so that others can compute its hash anew. Costs one reading of the log:
0.5 s for 100,000 entries (SQLite, processor time).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gleanery.optout import schema
from gleanery.optout.matching import rule_keys, spelled_today

_MOVES: Mapping[str, str] = MappingProxyType(
    {
        "received": "a block was asked for",
        "challenged": "waits for the file in the repository",
        "verified": "the file was found",
        "applied": "a version was built that obeys it",
        "withdrawn": "the owner took it back",
        "forgotten": "what it was about was deleted",
    }
)


@dataclass(frozen=True)
class Entry:
    """One entry of the log, as it is stored. `body` is JSON."""

    seq: int
    at: int
    kind: str
    body: str
    previous: str
    hash: str

    @property
    def request(self) -> str:
        """The number of the request that it is about, or nothing."""
        return str(_read(self.body).get("request_id") or "")

    @property
    def sentence(self) -> str:
        """What happened, for people. Of an entry that somebody changed, `gleanery optout check` speaks."""
        try:
            return self._sentence(_read(self.body))
        except KeyError:
            return "an entry that cannot be read"

    def _sentence(self, said: Mapping[str, Any]) -> str:
        if self.kind == "rule":
            return f"rule {said['seq']}: {said['action']} {said['scope']} {said['value']}"
        if self.kind == "check":
            commit = f", at commit {said['commit']}" if said.get("commit") else ""
            return f"the repository was checked: {said['result']}{commit}"
        if self.kind == "challenge":
            ends = {"passed": "passed", "void": "is no longer valid"}
            asked = f"was handed out, to {said['action']}" if "action" in said else "was changed"
            number = f" {said['number']}" if "number" in said else ""  # which the first version did not log
            return f"file{number} {ends.get(str(said.get('to')), asked)}"
        if said["to"] == "rejected":
            return (
                "closed by the operator"
                if said.get("reason") == "refused"
                else "closed: the file was not found in time"
            )
        return _MOVES.get(said["to"], str(said["to"]))

    def plain(self) -> dict[str, Any]:
        """Everything that its hash is computed from, and the hash."""
        return asdict(self)


@dataclass(frozen=True)
class Asked:
    """One request, as an operator sees it: nothing in it opens its page."""

    id: str
    repository: str
    state: str
    created_at: int
    updated_at: int
    last_result: str | None


def asked(connection: Connection) -> list[Asked]:
    """All requests whose subject is not forgotten, the oldest first."""
    columns = [schema.requests.c[field.name] for field in fields(Asked)]
    query = sa.select(*columns).where(schema.requests.c.state != "forgotten")
    return [Asked(*row) for row in connection.execute(query.order_by(schema.requests.c.created_at, columns[0]))]


def entries(connection: Connection, scope: str = "", value: str = "") -> Iterator[Entry]:
    """The entries about a value: its rules, those that cover it, and the requests for it. Without one, all entries.

    A request whose subject was forgotten is about nothing any more.
    """
    keys = set(rule_keys(value)) if scope == "repo" else {(scope, value)}
    requests = _requests(connection, scope, value, keys) if value else frozenset[str]()
    rows = connection.execution_options(yield_per=1000).execute(sa.select(schema.log).order_by(schema.log.c.seq))
    for row in rows:
        entry = Entry(*row)
        if not value or entry.request in requests or (entry.kind == "rule" and _key(_read(entry.body)) in keys):
            yield entry


def _requests(connection: Connection, scope: str, value: str, keys: set[tuple[str, str]]) -> frozenset[str]:
    """The numbers of the requests for a value, and of those whose rules cover it under another name."""
    table = schema.requests
    asked = connection.execute(sa.select(table.c.id, table.c.repository)) if scope == "repo" else ()
    found = {number for number, repository in asked if spelled_today("repo", repository) == value}
    columns = [schema.rules.c[name] for name in ("request_id", "scope", "value")]
    rules = connection.execute(sa.select(*columns).where(schema.rules.c.request_id.is_not(None)))
    return frozenset(found | {row.request_id for row in rules if _key(dict(row._mapping)) in keys})


def _key(rule: Mapping[str, Any]) -> tuple[str, str]:
    scope, value = str(rule.get("scope")), str(rule.get("value"))
    return scope, spelled_today(scope, value)


def _read(body: str) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
