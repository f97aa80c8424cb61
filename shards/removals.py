"""The removal list: which documents of a release must not be trained on any more.

In: a file that only grows. Out: `RemovalList`, and from it `Removed`, which a loader honours (see masking.py).
What it costs is in docs/reference/shards.md.

One line of JSON for each entry, after a line that names the format:

    {"position":1,"scope":"file","id":"…","reason":"opt_out","registry":12,"valid_until":"2027-01-31","digest":"…"}

scope        file, repo, or renew, which removes nothing and only makes the list valid for longer
reason       why: opt_out, licence, personal_data or other
registry     the position of the opt-out registry behind the entry, or null
valid_until  the list is good up to this day, the last entry's day counting; null is for ever
digest       SHA-256 over the digest of the line before and this entry: no line can be changed, left out or moved

What the list names, it names for ever: an owner who takes an objection back is served by the next release.
"""

import datetime
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gleanery.records.errors import StopRun
from gleanery.records.parquet import read_table
from gleanery.shards.masking import Removed
from gleanery.shards.store import Store

HEADER = b'{"format":"gleanery-removals-1"}\n'
SCOPES = ("file", "repo", "renew")
REASONS = ("opt_out", "licence", "personal_data", "other")
_ID = re.compile(r"[0-9a-f]{32}")
DIGITS = 8


@dataclass(frozen=True)
class Wish:
    """What shall be removed: `id` is a file_id for the scope file, a repo_id for repo, and empty for renew."""

    scope: str
    id: str
    reason: str
    registry: int | None = None


@dataclass(frozen=True)
class Entry:
    """One line of the list."""

    position: int
    scope: str
    id: str
    reason: str
    registry: int | None
    valid_until: str | None
    digest: str


@dataclass(frozen=True)
class RemovalList:
    """A list as it was read, with its chain checked."""

    entries: tuple[Entry, ...]

    @property
    def valid_until(self) -> datetime.date | None:
        """The last day on which the list may be used; None for ever."""
        day = self.entries[-1].valid_until if self.entries else None
        return None if day is None else datetime.date.fromisoformat(day)

    @property
    def registry(self) -> int:
        """The latest position of the opt-out registry that an entry names, 0 for none."""
        return max((e.registry for e in self.entries if e.registry is not None), default=0)

    def check_valid(self, today: datetime.date) -> None:
        """Raises StopRun if the list has run out."""
        last = self.valid_until
        if last is not None and today > last:
            raise StopRun(
                f"the removal list ran out on {last}",
                "fetch the newest list; who keeps it writes `gleanery removals renew`",
            )


def read_list(path: Path | str) -> RemovalList:
    """The list in a file. Raises StopRun if there is none, or a line was changed, left out, moved or cut off."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StopRun(
            f"there is no removal list {path.name}", "give the file that `gleanery removals` writes"
        ) from error
    if content and not content.endswith(b"\n"):
        raise StopRun(f"the last line of {path.name} is cut off", "fetch the list again, or append to it again")
    return RemovalList(_entries(content, path.name))


def append(path: Path | str, wishes: Iterable[Wish], valid_until: datetime.date | None) -> list[Entry]:
    """Append entries and return them; what the list names already is left out. Makes the file if there is none.

    Several may append at the same time: each waits for the other. What a kill left half written, which nobody was told
    of, is cut off first. Raises StopRun for an entry that is not possible or a list that is damaged.
    """
    path, wishes = Path(path), list(wishes)
    for wish in wishes:
        _check(wish)  # before a file is made
    with path.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if not whole and not HEADER.startswith(content):
            raise StopRun(f"{path.name} is no removal list", "give the file that `gleanery removals` writes")
        entries = _entries(content[:whole], path.name) if whole else ()
        new = _new(entries, wishes, valid_until)
        file.truncate(whole)
        file.write((b"" if whole else HEADER) + b"".join(_line(e) for e in new))
        file.flush()
        os.fsync(file.fileno())
    return new


def removed_from(
    root: Path | str, path: Path | str, mode: Literal["mask", "repack"] = "mask", today: datetime.date | None = None
) -> Removed:
    """What a loader of the release in `root` needs to honour the list in `path`; another release refuses it.

    `today` is the machine's day if not given. Raises StopRun if the list is damaged or has run out.
    """
    removals = read_list(path)
    removals.check_valid(today or datetime.date.today())
    store = Store.open(Path(root), withdrawn=True)
    ordinals, names = _ordinals(store, removals.entries)
    digests, state = ["0" * DIGITS], b""
    for name in names:
        state = hashlib.sha256(state + bytes.fromhex(name)).digest()
        digests.append(state.hex()[:DIGITS])
    return Removed(np.array(ordinals, np.int64), tuple(digests), mode, store.release)


def _new(entries: Sequence[Entry], wishes: Iterable[Wish], valid_until: datetime.date | None) -> list[Entry]:
    known = {(e.scope, e.id) for e in entries}
    new: list[Entry] = []
    digest = entries[-1].digest if entries else hashlib.sha256(HEADER).hexdigest()
    for wish in wishes:
        if (wish.scope, wish.id) in known and wish.scope != "renew":
            continue
        known.add((wish.scope, wish.id))
        day = None if valid_until is None else valid_until.isoformat()
        plain = {"position": len(entries) + len(new) + 1, **asdict(wish), "valid_until": day}
        digest = _chained(digest, plain)
        new.append(Entry(**plain, digest=digest))
    return new


def _check(wish: Wish) -> None:
    if wish.scope not in SCOPES or wish.reason not in REASONS:
        raise StopRun(
            f"an entry of the scope {wish.scope!r} with the reason {wish.reason!r} is not possible",
            f"scopes are {', '.join(SCOPES)}; reasons are {', '.join(REASONS)}",
        )
    if wish.registry is not None and type(wish.registry) is not int:
        raise StopRun("a position of the registry is a number", "leave it out if there is none")
    if (wish.id != "") if wish.scope == "renew" else not _ID.fullmatch(wish.id):
        raise StopRun("an entry needs the id of a file or a repository", "ids have 32 hexadecimal digits")


def _entries(content: bytes, name: str) -> tuple[Entry, ...]:
    lines = content.splitlines(keepends=True)
    if not lines or lines[0] != HEADER:
        raise StopRun(f"{name} is no removal list", "give the file that `gleanery removals` writes")
    digest, entries = hashlib.sha256(HEADER).hexdigest(), list[Entry]()
    for position, line in enumerate(lines[1:], 1):
        entry = _entry(line)
        if entry is None or entry.position != position or entry.digest != _chained(digest, _plain(entry)):
            raise StopRun(f"entry {position} of {name} was changed, left out or moved", "fetch the list again")
        digest = entry.digest
        entries.append(entry)
    return tuple(entries)


def _entry(line: bytes) -> Entry | None:
    """The entry of a line, or None if the line is not what `_line` writes."""
    try:
        entry = Entry(**json.loads(line))
        _check(Wish(entry.scope, entry.id, entry.reason, entry.registry))
        day = entry.valid_until
        sound = day is None or datetime.date.fromisoformat(day).isoformat() == day
    except (ValueError, TypeError, RecursionError, StopRun):
        return None
    return entry if sound and _line(entry) == line else None


def _plain(entry: Entry) -> dict[str, Any]:
    plain = asdict(entry)
    plain.pop("digest")
    return plain


def _line(entry: Entry) -> bytes:
    return json.dumps(asdict(entry), separators=(",", ":")).encode("ascii") + b"\n"


def _chained(before: str, plain: dict[str, Any]) -> str:
    return hashlib.sha256(before.encode() + json.dumps(plain, separators=(",", ":")).encode("ascii")).hexdigest()


def _ordinals(store: Store, entries: Sequence[Entry]) -> tuple[list[int], list[str]]:
    """The documents that the entries name, in the order of the entries, each once, and their file ids."""
    wanted = {scope: pa.array([e.id for e in entries if e.scope == scope], pa.string()) for scope in ("file", "repo")}
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    ordinal = 0
    for shard in store.description.shards:
        table = read_table(store.docs_file(shard), ["file_id", "repo_id"])
        hits = pc.or_(pc.is_in(table["file_id"], wanted["file"]), pc.is_in(table["repo_id"], wanted["repo"]))
        # A part may hold no document, and on a column without a chunk pyarrow's `indices_nonzero` ends the process.
        for row in np.flatnonzero(hits.combine_chunks().to_numpy(zero_copy_only=False)).tolist():
            file, repo = table["file_id"][row].as_py(), table["repo_id"][row].as_py()
            for key in (("file", file), ("repo", repo)):
                found.setdefault(key, []).append((ordinal + row, file))
        ordinal += table.num_rows
    chosen = dict(pair for e in entries if e.scope != "renew" for pair in found.get((e.scope, e.id), ()))
    return list(chosen), list(chosen.values())
