"""The steps of the registry, one function each, inside a transaction that holds the lock of the log.

In: an open connection, the time, and what the step is about. Out: changed rows, and one entry in the log for each
change. A state is changed by compare-and-set: RejectRecord if the request is not where the step expects it.
"""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gleanery.optout import chain, schema, words
from gleanery.optout.challenge import LIFETIME, Challenge, Request, new_token, receipt_digest
from gleanery.optout.matching import Rule
from gleanery.optout.words import PROVEN
from gleanery.records.errors import RejectRecord

_REQUESTS, _CHALLENGES, _RULES = schema.requests, schema.challenges, schema.rules


def position(connection: Connection) -> int:
    """The highest rule number, 0 when there is no rule."""
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(_RULES.c.seq), 0))).scalar_one())


def append_rule(connection: Connection, now: int, scope: str, value: str, action: str, request_id: str | None) -> Rule:
    """Append one rule whose value is canonical already."""
    rule = Rule(position(connection) + 1, scope, value, action, request_id)
    body: dict[str, chain.Plain] = dict(seq=rule.seq, scope=scope, value=value, action=action, request_id=request_id)
    connection.execute(_RULES.insert().values(at=now, **body))
    chain.append(connection, now, "rule", body)
    return rule


def receive(connection: Connection, now: int, row: Mapping[str, Any]) -> None:
    """A new request, in the state `received`."""
    connection.execute(_REQUESTS.insert().values(state="received", created_at=now, updated_at=now, **row))
    body = {"request_id": row["id"], "to": "received", "sealed": chain.request_seal(row)}
    chain.append(connection, now, "request", body)


def move(
    connection: Connection, now: int, request_id: str, sources: Sequence[str], to: str, reason: str | None = None
) -> None:
    """Change the state of a request that is in one of the source states."""
    values = {"state": to, "updated_at": now} | ({"last_result": reason} if reason else {})
    where = (_REQUESTS.c.id == request_id, _REQUESTS.c.state.in_(sources))
    if connection.execute(_REQUESTS.update().where(*where).values(**values)).rowcount != 1:
        raise not_open()
    chain.append(connection, now, "request", {"request_id": request_id, "to": to, "reason": reason})


def new_challenge(connection: Connection, now: int, request_id: str, action: str, dataset: str) -> None:
    """A challenge that can be answered for a week. The log holds that it exists, not its token."""
    count = sa.select(sa.func.count()).select_from(_CHALLENGES).where(_CHALLENGES.c.request_id == request_id)
    number = int(connection.execute(count).scalar_one()) + 1
    row = {"request_id": request_id, "number": number, "action": action, "token": new_token(), "dataset": dataset}
    row["expires_at"] = now + LIFETIME
    connection.execute(_CHALLENGES.insert().values(state="pending", created_at=now, **row))
    # What the page shows of a check is about this challenge; clocks of several machines need not agree on that.
    forgotten = _REQUESTS.update().where(_REQUESTS.c.id == request_id)
    connection.execute(forgotten.values(last_result=None, last_checked_at=None))
    body: dict[str, chain.Plain] = {"request_id": request_id, "number": number, "action": action}
    body["sealed"] = chain.challenge_seal(row)
    chain.append(connection, now, "challenge", body)


def close_challenge(connection: Connection, now: int, request_id: str, to: str) -> int:
    """Close what is pending, as `passed` or `void`; how many that were (0 or 1)."""
    where = (_CHALLENGES.c.request_id == request_id, _CHALLENGES.c.state == "pending")
    pending = connection.execute(sa.select(_CHALLENGES.c.number).where(*where)).scalars().all()
    for number in pending:
        connection.execute(_CHALLENGES.update().where(*where, _CHALLENGES.c.number == number).values(state=to))
        chain.append(connection, now, "challenge", {"request_id": request_id, "number": number, "to": to})
    return len(pending)


def forget(connection: Connection, now: int, request_id: str) -> None:
    """Empty what a request that was never proven is about; that there was one stays."""
    move(connection, now, request_id, ("rejected", "withdrawn"), "forgotten")
    nothing = {"repository": "", "clone_url": "", "receipt_sha256": "", "last_result": None}
    connection.execute(_REQUESTS.update().where(_REQUESTS.c.id == request_id).values(**nothing))
    connection.execute(_CHALLENGES.update().where(_CHALLENGES.c.request_id == request_id).values(token="", dataset=""))


def expire(connection: Connection, now: int, request: Request) -> None:
    """The time of the challenge is over. A request that was never verified ends with it."""
    close_challenge(connection, now, request.id, "void")
    if request.state == "challenged":
        move(connection, now, request.id, ("challenged",), "rejected", "expired")
    else:  # its page says why the block stays
        connection.execute(_REQUESTS.update().where(_REQUESTS.c.id == request.id).values(last_result="expired"))


def note_check(connection: Connection, now: int, request_id: str, code: str, commit: str | None) -> None:
    """Write down how a check ended."""
    where = _REQUESTS.c.id == request_id
    connection.execute(_REQUESTS.update().where(where).values(last_result=code, last_checked_at=now))
    chain.append(connection, now, "check", {"request_id": request_id, "result": code, "commit": commit})


def carry_out(connection: Connection, now: int, request: Request, present: str | None = None) -> None:
    """The proof has passed: block the repository, or take this request's blocks back.

    `present` is the name that the repository has now, where its host sends on from the one that the owner gave.
    """
    if close_challenge(connection, now, request.id, "passed") != 1:
        raise not_open()
    if request.challenge.action == "block":
        move(connection, now, request.id, ("challenged",), "verified")
        rule = append_rule(connection, now, "repo", request.repository, "block", request.id)
        connection.execute(_REQUESTS.update().where(_REQUESTS.c.id == request.id).values(rule_seq=rule.seq))
        if present not in (None, request.repository):
            append_rule(connection, now, "repo", str(present), "block", request.id)
        return
    move(connection, now, request.id, PROVEN, "withdrawn")
    for value in words.named_by(connection, request.id) if request.stands else []:
        others = words.standing_requests(connection, "repo", value) or words.operator_blocks(connection, "repo", value)
        if words.stands(connection, "repo", value) and not others:
            append_rule(connection, now, "repo", value, "unblock", request.id)


def open_request(connection: Connection, request_id: str, receipt: str) -> Request | None:
    """The request, if this is its receipt. An unknown request takes the same steps as a wrong receipt."""
    stored = connection.execute(sa.select(_REQUESTS.c.receipt_sha256).where(_REQUESTS.c.id == request_id)).scalar()
    fits = hmac.compare_digest(receipt_digest(receipt), stored or receipt_digest("no such request"))
    return request_of(connection, request_id) if stored and fits else None


def request_of(connection: Connection, request_id: str) -> Request:
    """The request with the newest of its challenges."""
    row: Any = connection.execute(sa.select(_REQUESTS).where(_REQUESTS.c.id == request_id)).one()
    newest = sa.select(_CHALLENGES).where(_CHALLENGES.c.request_id == request_id)
    found: Any = connection.execute(newest.order_by(_CHALLENGES.c.number.desc()).limit(1)).one()
    blocked_at = connection.execute(sa.select(_RULES.c.at).where(_RULES.c.seq == row.rule_seq)).scalar()
    challenge = Challenge(
        number=found.number,
        action=found.action,
        token=found.token,
        dataset=found.dataset,
        state=found.state,
        created_at=found.created_at,
        expires_at=found.expires_at,
    )
    return Request(
        id=row.id,
        repository=row.repository,
        clone_url=row.clone_url,
        state=row.state,
        rule_seq=row.rule_seq,
        last_result=row.last_result,
        last_checked_at=row.last_checked_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        challenge=challenge,
        blocked_at=blocked_at,
        stands=row.state in PROVEN and row.rule_seq > words.taken_back(connection, row.repository),
    )


def not_open() -> RejectRecord:
    """The error for a step that the request's state does not allow."""
    return RejectRecord("the request is not in a state that allows this", "open its page again", "not_open")
