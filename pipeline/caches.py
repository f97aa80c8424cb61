"""What is remembered between runs and machines: downloads, and licence scans by content and detector version.

In: ids and results. Out: results. A result is a pure function of the content and the detector version, so a memory
cannot change a run; it only saves time. One SQLite file for each detector; a lookup takes about 10 µs, and 2 µs where
many are asked for at once. Machines hand each other what they found as files in a shared folder.
"""

import contextlib
import gzip
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gleanery.pipeline.settings import Settings
from gleanery.records.errors import StopRun
from gleanery.records.files import write_bytes
from gleanery.records.local_paths import local_path

_AT_ONCE = 500  # keys in one question


def cache_folder(settings: Settings) -> Path:
    """`run.cache`, else `user_cache()`."""
    return settings.path(settings.run.cache) if settings.run.cache else user_cache()


def user_cache() -> Path:
    """GLEANERY_CACHE, else Gleanery's folder in the user's cache folder. Raises StopRun if there is none."""
    given = os.environ.get("GLEANERY_CACHE")
    return local_path(given, "GLEANERY_CACHE") if given else user_folder()


def user_folder() -> Path:
    """Gleanery's folder in the user's cache folder. Raises StopRun for an account without a home folder."""
    if given := os.environ.get("XDG_CACHE_HOME"):
        return local_path(given, "XDG_CACHE_HOME") / "gleanery"
    try:
        return Path.home() / ".cache" / "gleanery"
    except RuntimeError:  # such as an account of a container that no file knows
        raise StopRun("this account has no home folder for the cache", "set GLEANERY_CACHE, or HOME") from None


class Memory:
    """Results of one detector by key. Any number of processes may use it at once.

    Losing it loses only time. So a file that a power failure damaged is no error: it answers nothing, and is made
    anew. Each answer stands with a digest, so that one in which a disk changed a byte is no answer.

    `shared` is a folder that several machines see, on any file system: each leaves there what it found, as one file
    named by its digest, when it closes its memory, and takes what others left when it opens it. Files are never
    changed, so nothing is locked; one that is not what its name says is passed over. Whoever can write there can
    decide what a text says: give it the rights of the policy file.
    """

    def __init__(self, folder: Path, detector: str, shared: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(detector.encode()).hexdigest()[:16]
        self._path = folder / f"{name}.sqlite"
        self._database = _opened(self._path)
        self._shared = shared / name if shared is not None else None
        self._new: dict[str, str] = {}
        if self._shared is not None:
            self._take(self._shared)

    def get(self, key: str) -> Any:
        """The remembered plain value, or None."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """The remembered plain values of those keys that have one."""
        found: dict[str, Any] = {}
        asked = list(dict.fromkeys(keys))
        with self._mended():
            for at in range(0, len(asked), _AT_ONCE):
                some = asked[at : at + _AT_ONCE]
                question = f"SELECT key, value, digest FROM answers WHERE key IN ({','.join('?' * len(some))})"
                for key, value, digest in self._database.execute(question, some):
                    if digest == _digest(key, value):
                        found[key] = json.loads(value)
        return found

    def put(self, values: dict[str, Any]) -> None:
        """Remember plain values; one transaction."""
        rows = {key: json.dumps(value) for key, value in values.items()}
        if rows:
            self._write(rows)
            if self._shared is not None:
                self._new |= rows

    def close(self) -> None:
        """Leave what is new to the other machines, and close the file."""
        if self._shared is not None and self._new:
            with contextlib.suppress(OSError):
                _leave(self._shared, self._new)
        self._new = {}
        self._database.close()

    def _write(self, rows: dict[str, str]) -> None:
        whole = [(key, value, _digest(key, value)) for key, value in rows.items()]
        with self._mended(), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", whole)

    @contextlib.contextmanager
    def _mended(self) -> Iterator[None]:
        """What fails inside does nothing; a file that turns out to be damaged is made anew for what comes next."""
        try:
            yield
        except sqlite3.OperationalError:  # busy, full or read-only
            pass
        except (sqlite3.DatabaseError, ValueError, TypeError):
            self._database.close()
            self._database = _made_anew(self._path)

    def _take(self, folder: Path) -> None:
        """Read the files of the other machines that were not read yet."""
        paths = {f"file {path.name}": path for path in sorted(folder.glob("*.json.gz"))}
        known = self.get_many(paths)
        for mark, path in paths.items():
            if mark not in known:
                self._write({**dict(_left(path)), mark: "true"})


def _opened(path: Path) -> sqlite3.Connection:
    """The database; a damaged one is made anew, and one that is busy, full or read-only is replaced by nothing."""
    try:
        return _connected(path)
    except sqlite3.OperationalError:
        return _connected(Path(":memory:"))
    except sqlite3.DatabaseError:
        return _made_anew(path)


def _made_anew(path: Path) -> sqlite3.Connection:
    try:
        for part in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
            part.unlink(missing_ok=True)
        return _connected(path)
    except (OSError, sqlite3.DatabaseError):
        return _connected(Path(":memory:"))


def _digest(key: Any, value: Any) -> bytes:
    return hashlib.sha256(f"{key}\0{value}".encode("utf-8", "replace")).digest()[:8]


def _connected(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=60, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=OFF")
    database.execute("DROP TABLE IF EXISTS memory")  # of an earlier version, without digests
    database.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value TEXT, digest BLOB) WITHOUT ROWID")
    return database


def _leave(folder: Path, rows: dict[str, str]) -> None:
    """Write one file; equal answers give an equal file, on any machine."""
    folder.mkdir(parents=True, exist_ok=True)
    content = gzip.compress(json.dumps(sorted(rows.items())).encode(), compresslevel=6, mtime=0)
    path = folder / f"{hashlib.sha256(content).hexdigest()[:32]}.json.gz"
    if not path.exists():
        write_bytes(path, content)


def _left(path: Path) -> Iterator[tuple[str, str]]:
    """The answers of a file that another machine left; nothing where it is damaged."""
    with contextlib.suppress(OSError, EOFError, ValueError):
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest()[:32] == path.name.removesuffix(".json.gz"):
            yield from ((str(key), str(value)) for key, value in json.loads(gzip.decompress(content)))
