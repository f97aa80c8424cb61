"""Words: who said what about a repository, an account or a content, and whose word stands.

In: an open connection, a scope and a value. Out: rules and requests that mean the same thing. Rules and requests keep
the spelling of the day on which they were written, so all that is asked of them by value is asked here, and compares
values as they are spelled today. A question took 3 to 5 ms with 100,000 rules (SQLite, processor time on one core of a
shared machine).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gleanery.optout import schema
from gleanery.optout.matching import Matcher, Rule, spelled_today
from gleanery.records.hosts import OTHER_SPELLINGS

PROVEN = ("verified", "applied")
RULE_COLUMNS = [schema.rules.c[name] for name in ("seq", "scope", "value", "action", "request_id")]
_RULES, _REQUESTS = schema.rules, schema.requests


def standing_rule(connection: Connection, keys: Sequence[tuple[str, str]]) -> Rule | None:
    """The rule that blocks the repository to which these keys belong (see `matching.rule_keys`), or None.

    Only rules of the scopes that are among the keys are looked at.
    """
    scopes = sorted({scope for scope, _ in keys})
    exact = [sa.and_(_RULES.c.scope == scope, _RULES.c.value == value) for scope, value in keys]
    older = _older_spellings(connection, _RULES.c.value, [value for _, value in keys])
    rows = connection.execute(sa.select(*RULE_COLUMNS).where(_RULES.c.scope.in_(scopes), sa.or_(*exact, *older)))
    return Matcher([Rule(*row) for row in rows]).covers(keys[-1][1])


def stands(connection: Connection, scope: str, value: str) -> bool:
    """Whether the last word on this scope and value is a block."""
    return [rule.action for rule in _said(connection, scope, value)][-1:] == ["block"]


def operator_blocks(connection: Connection, scope: str, value: str) -> bool:
    """Whether the operator's own last word on it is a block."""
    return [rule.action for rule in _said(connection, scope, value) if rule.request_id is None][-1:] == ["block"]


def taken_back(connection: Connection, repository: str, position: int | None = None) -> int:
    """The number of the last rule, up to a position, that took blocks of this repository back; 0 if there is none."""
    said = _said(connection, "repo", spelled_today("repo", repository))
    until = [rule.seq for rule in said if rule.action == "unblock" and (position is None or rule.seq <= position)]
    return max(until, default=0)


def standing_requests(connection: Connection, scope: str, value: str) -> list[str]:
    """The numbers of the proven requests for this repository that stand."""
    said = _said(connection, scope, value)
    last = max((rule.seq for rule in said if rule.action == "unblock"), default=0)
    objecting = {rule.request_id for rule in said if rule.seq > last and rule.request_id is not None}
    proven = sa.select(_REQUESTS.c.id).where(_REQUESTS.c.id.in_(objecting), _REQUESTS.c.state.in_(PROVEN))
    return sorted(connection.execute(proven).scalars())


def named_by(connection: Connection, request_id: str) -> list[str]:
    """The repositories that a request blocked: one, or both names of one that was renamed."""
    where = (_RULES.c.request_id == request_id, _RULES.c.action == "block")
    values = connection.execute(sa.select(_RULES.c.value).where(*where).order_by(_RULES.c.seq)).scalars()
    return list(dict.fromkeys(spelled_today("repo", value) for value in values))


def _said(connection: Connection, scope: str, value: str) -> list[Rule]:
    """All rules on this scope and value, in order."""
    older = [] if scope == "blob" else _older_spellings(connection, _RULES.c.value, [value])
    where = (_RULES.c.scope == scope, sa.or_(_RULES.c.value == value, *older))
    # Sorted here: asked to sort, SQLite goes through all rules in their order instead of looking up these few.
    rows = connection.execute(sa.select(*RULE_COLUMNS).where(*where)).all()
    said = [rule for rule in (Rule(*row) for row in rows) if spelled_today(scope, rule.value) == value]
    return sorted(said, key=lambda rule: rule.seq)


def _older_spellings(connection: Connection, column: Any, values: Iterable[str]) -> list[sa.ColumnElement[bool]]:
    """Conditions that find at least every row of which `spelled_today` makes one of the values."""
    # "/" comes before "0", and "." before "/": the hosts' names, and what stands below a value or begins like lib.wiki.
    bounds = [(f"{host}/", f"{host}0") for host in sorted(OTHER_SPELLINGS)]
    bounds += [(f"{value}.", f"{value}0") for value in sorted(set(values)) if value.count("/") > 1]
    by_byte = column.collate("C" if connection.dialect.name == "postgresql" else "BINARY")
    return [sa.and_(by_byte >= low, by_byte < high) for low, high in bounds]
