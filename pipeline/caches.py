"""What is remembered between runs: downloads, and licence scans by content and detector version.

In: ids and results. Out: results. A result is a pure function of the content and the detector version, so a memory
cannot change a run; it only saves time. One SQLite file for each detector; a lookup takes about 10 µs.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

from gleanery.pipeline.settings import Settings


def cache_folder(settings: Settings) -> Path:
    """`run.cache`, else `user_cache()`."""
    return settings.path(settings.run.cache) if settings.run.cache else user_cache()


def user_cache() -> Path:
    """GLEANERY_CACHE, else Gleanery's folder in the user's cache folder."""
    given = os.environ.get("GLEANERY_CACHE")
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else user / "gleanery"


class Memory:
    """Results of one detector by key. Any number of processes may use it at once.

    Losing it loses only time. So a file that a power failure damaged is no error: it answers nothing, and is made
    anew by the next process that opens it.
    """

    def __init__(self, folder: Path, detector: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{hashlib.sha256(detector.encode()).hexdigest()[:16]}.sqlite"
        try:
            self._database = self._opened(path)
        except sqlite3.OperationalError:
            self._database = self._opened(Path(":memory:"))  # busy, full or read-only: go on without remembering
        except sqlite3.DatabaseError:
            for part in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
                part.unlink(missing_ok=True)
            self._database = self._opened(path)

    @staticmethod
    def _opened(path: Path) -> sqlite3.Connection:
        database = sqlite3.connect(path, timeout=60, isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=OFF")
        database.execute("CREATE TABLE IF NOT EXISTS memory (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
        return database

    def get(self, key: str) -> Any:
        """The remembered plain value, or None."""
        try:
            row = self._database.execute("SELECT value FROM memory WHERE key = ?", (key,)).fetchone()
            return None if row is None else json.loads(row[0])
        except (sqlite3.DatabaseError, ValueError):
            return None

    def put(self, values: dict[str, Any]) -> None:
        """Remember plain values; one transaction."""
        rows = [(key, json.dumps(value)) for key, value in values.items()]
        with contextlib.suppress(sqlite3.DatabaseError), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?)", rows)

    def close(self) -> None:
        """Close the file."""
        self._database.close()
