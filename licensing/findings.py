"""A finding of a licence in one text, and answers that are kept.

In: what the scanner found. Out: the same as plain values for a table or a store, and back. Costs nothing to speak of.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, fields
from typing import Any, Protocol

_REMEMBERED = 65_536


@dataclass(frozen=True)
class Finding:
    """One detection. `outcome` is found, none, mentioned (a licence is named, and not said to be this work's), changed
    (the text of a licence with other words: a doubt that names it), or unknown (the time limit, a cut, an error, or
    only a hint).

    `score` is 0 to 100; lines count from 1. The first finding of a text carries its copyright lines. `paths`: a record
    such as REUSE.toml speaks for the files that these patterns name, and a pointer points to this file.
    """

    outcome: str
    expression: str | None = None
    score: float | None = None
    rule: str | None = None
    start_line: int | None = None
    end_line: int | None = None
    copyrights: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


class Store(Protocol):
    """Answers that outlive this process: plain values by key. Losing one costs only time."""

    def get(self, key: str) -> Any:
        """The value that was put, or None."""

    def put(self, values: dict[str, Any]) -> None:
        """Keep some values."""


class Answers:
    """Findings by key: the latest in memory, and all of them in the store, where there is one."""

    def __init__(self, store: Store | None) -> None:
        self._latest: OrderedDict[bytes, tuple[Finding, ...]] = OrderedDict()
        self._store = store
        self._lock = threading.Lock()

    def get(self, key: bytes) -> tuple[Finding, ...] | None:
        """The findings that were put, or None."""
        with self._lock:
            if key in self._latest:
                self._latest.move_to_end(key)
                return self._latest[key]
        plain = self._store.get(key.hex()) if self._store is not None else None
        found = None if plain is None else tuple(finding_of(p) for p in plain)
        if found is not None:
            self._keep(key, found)
        return found

    def put(self, key: bytes, findings: tuple[Finding, ...]) -> None:
        """Keep some findings."""
        self._keep(key, findings)
        if self._store is not None:
            self._store.put({key.hex(): [plain_of(f) for f in findings]})

    def _keep(self, key: bytes, findings: tuple[Finding, ...]) -> None:
        with self._lock:
            self._latest[key] = findings
            if len(self._latest) > _REMEMBERED:
                self._latest.popitem(last=False)


def plain_of(finding: Finding) -> dict[str, Any]:
    """A finding as plain values, without those that say nothing.

    >>> plain_of(Finding("none")), finding_of(plain_of(Finding("unknown", rule="x", paths=("a",))))
    ({'outcome': 'none'}, Finding(outcome='unknown', expression=None, score=None, rule='x', start_line=None, \
end_line=None, copyrights=(), paths=('a',)))
    """
    plain = {f.name: getattr(finding, f.name) for f in fields(finding)}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in plain.items() if v not in (None, ())}


def finding_of(plain: dict[str, Any]) -> Finding:
    """The finding again."""
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in plain.items()}
    return Finding(**values)
