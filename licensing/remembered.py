"""Answers to texts that were seen before.

In: findings by a key. Out: the same findings. The latest 65,536 stay in memory, and all of them in a store, where there
is one.
"""

import threading
from collections import OrderedDict
from typing import Any, Protocol

from gleanery.licensing.findings import Finding, finding_of, plain_of

_MOST = 65_536


class Store(Protocol):
    """Answers that outlive this process: plain values by key. Losing one costs only time."""

    def get(self, key: str) -> Any:
        """The value that was put, or None."""

    def put(self, values: dict[str, Any]) -> None:
        """Keep some values."""


class Remembered:
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
            if len(self._latest) > _MOST:
                self._latest.popitem(last=False)
