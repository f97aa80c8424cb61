"""Copies: a whole registry into an empty database, as from SQLite to PostgreSQL when one machine is no longer enough.

In: a registry, and the URL of a database without one. Out: the same registry there: rules, requests, receipts and log,
whose chain is checked before and after. Nobody may write to the old one meanwhile or later: the two would part. Costs a
reading of the log, a check of it and a write of each row.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from gleanery.optout import chain, engines, schema
from gleanery.optout.challenge import new_token
from gleanery.records.errors import StopRun

_TABLES = (schema.rules, schema.log, schema.requests, schema.challenges)  # in this order: challenges point at requests
_ROWS = 1000  # at once


@dataclass(frozen=True)
class Copied:
    """What stands in the new place."""

    place: str
    position: int
    entries: int


def copy_registry(source: URL, target: URL) -> Copied:
    """Copy the registry at `source` to `target`. StopRun if its log is not whole, or if one is there already.

    All or nothing is written. Visits are not copied: they are the counts of two days.
    """
    old, place = schema.connect(source, create=False, secret=""), engines.place(target)
    try:
        with schema.reading(old) as there:
            _whole(there, engines.place(source))
            with schema.making(target, new_token()) as here:
                for table in _TABLES:
                    rows = there.execute(sa.select(table).order_by(*table.primary_key)).mappings()
                    for some in rows.partitions(_ROWS):
                        here.execute(table.insert(), [dict(row) for row in some])
                head = there.execute(sa.select(schema.head)).mappings().one()
                here.execute(schema.head.update().values(**head))
                _whole(here, place)
                position = here.execute(sa.select(sa.func.max(schema.rules.c.seq))).scalar() or 0
        return Copied(place, position, head["entries"])
    finally:
        old.dispose()


def _whole(connection: Connection, place: str) -> None:
    if problem := next(chain.problems(connection), None):
        raise StopRun(
            f"the log of the opt-out registry at {place} is not whole: {problem.what}",
            "restore it from a backup whose log verifies, and find out who wrote to it",
        )
