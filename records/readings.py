"""Readings: what the names of a source say when they are compared with rules.

In: a name, URL or alias as somebody wrote it. Out: a canonical name, or a path that lacks only its host; nothing for an
address whose host cannot be read. A rule is written with care and an address is not, so much is let through here that
no rule may be made of: whatever can be read of it is compared. A name takes about 20 microseconds (processor time,
one core of a busy machine).
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from gleanery.records.errors import RejectRecord
from gleanery.records.hosts import ascii_host
from gleanery.records.names import (
    LONGEST_NAME,
    REGISTRIES,
    canonical_repository,
    host_and_path,
    host_of_accounts,
    lowered,
    of_repository,
    segments_of,
    without_git,
)

_KNOWN_SCHEME = re.compile(r"(?:scm:)?(?:git[+:])?(?:https?|ssh|git)(?:\+git)?://", re.IGNORECASE)
_ANY_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]*://")
_BEYOND_ASCII = re.compile(r"[^@:]*[^\x00-\x7f@:][^@:]*")
_USER_AND_HOST = re.compile(r"[^@/:]{1,64}@[^@/:]{1,253}:")


class Reading(NamedTuple):
    """One name: canonical with its host, or in lower case without one."""

    name: str
    has_host: bool


class Readings(NamedTuple):
    """What all names of one repository say together; those in `bare` are compared with the rules of every host."""

    full: frozenset[str]
    bare: frozenset[str]


def readings(names: Iterable[str], given: Iterable[str] = ()) -> Readings:
    """The names of one repository. A bare owner/name among them is read on the hosts of the others.

    `given` are those that a person wrote. A bare one may mean a repository of any host, whatever address the source is
    fetched from: a mirror bears the name of what it mirrors. One that was taken from an address means that one's host.

    >>> sorted(readings(["Alice/lib", "https://github.com/mirror/lib.git"]).full)
    ['github.com/alice/lib', 'github.com/mirror/lib']
    >>> sorted(readings(["https://github.com/mirror/lib.git"], given=["Alice/lib"]).bare)
    ['alice/lib']
    >>> readings(["Alice/lib"])
    Readings(full=frozenset(), bare=frozenset({'alice/lib'}))
    """
    written = [read for name in given if (read := reading(name))]
    found = [*written, *(read for name in names if (read := reading(name)))]
    full = {read.name for read in found if read.has_host}
    bare = {read.name for read in found if not read.has_host}
    anywhere = {read.name for read in written if not read.has_host}
    hosts = {host for name in full if (host := name.partition("/")[0]) not in REGISTRIES}
    full |= {f"{host}/{path}" for path in bare for host in hosts}
    return Readings(frozenset(full), frozenset(anywhere if hosts else bare))


def reading(text: str) -> Reading | None:
    """What one name says, or None if that is nothing.

    >>> reading("https://dev.azure.com/org/My Project/_git/lib")
    Reading(name='dev.azure.com/org/my%20project/_git/lib', has_host=True)
    >>> reading("https://[bad host]/alice/lib") is None
    True
    """
    text = _legible(text)
    try:
        return Reading(canonical_repository(text), True)
    except RejectRecord:
        pass
    try:
        _, host, segments = host_and_path(text)
    except RejectRecord:
        return None if "://" in text else _bare(text)
    name = _joined(host, segments)
    if host_of_accounts(host) != host and "/" not in name:
        return None  # a gist without its account: no rule about that account could be compared with it
    return Reading(f"{host_of_accounts(host)}/{name}", True) if name else None


def is_unreadable(text: str) -> bool:
    """Whether this is an address of which nothing can be compared with a rule."""
    return "://" in text and reading(text) is None


def _legible(text: str) -> str:
    """The text without what would keep an address from being read: controls, its own scheme, letters beyond ASCII."""
    text = text.strip()[:LONGEST_NAME].encode("utf-8", "replace").decode()
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else "%EF%BF%BD" for letter in text)
    if text.startswith("local:"):
        return "local/" + text[6:]
    scheme = _ANY_SCHEME.match(text)
    if scheme is None:
        return text
    if not _KNOWN_SCHEME.match(text):
        text = ("" if text.lower().startswith("file:") else "https://") + text[scheme.end() :]
    start, slashes, rest = text.rpartition("://")
    authority, slash, path = rest.partition("/")
    host = _BEYOND_ASCII.sub(lambda name: ascii_host(name[0]) or name[0], authority)
    return start + slashes + host + slash + path


def _bare(text: str) -> Reading | None:
    text = _USER_AND_HOST.sub("", text, count=1)
    name = _joined("", segments_of(re.split(r"[?#]", text, maxsplit=1)[0]))
    return Reading(name, False) if name else None


def _joined(host: str, segments: list[str]) -> str:
    """The path in lower case, with its steps upwards walked as a server or a browser would."""
    walked = list[str]()
    for segment in segments:
        if segment == "..":
            walked = walked[:-1]
        elif segment != ".":
            walked.append(segment)
    return lowered(without_git("/".join(of_repository(host, walked))))
