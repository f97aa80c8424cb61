"""What a repository, a file or a content is called, read as the opt-out registry reads names.

In: a name as people write it, and rows of the table `repos`. Out: the ids of all repositories that bear it, as their
name, URL or alias: OWNER/REPO, any form of an address (ssh too, or a page inside), a package or its page, a repo_id.
Several may bear one name. Costs 20 microseconds for each name of the rows that hold a word of it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from gleanery.records.errors import RejectRecord, WrongArguments
from gleanery.records.hosts import TWO_LEVELS
from gleanery.records.names import REGISTRIES, canonical_blob
from gleanery.records.readings import Reading, reading, readings

# A target has at most this many places where the repository's name may end and the path begin.
MOST_COLONS = 16
COLUMNS = ("repo_id", "name", "url", "aliases", "given_names")
_ADDRESS = re.compile(r"[^/]*://|[^@/:]+@[^@/:]+:")


def named(text: str, repositories: Iterable[Mapping[str, Any]]) -> set[str]:
    """The ids of the repositories that bear this name.

    >>> rxjs = {"repo_id": "1", "name": "npm/rxjs", "url": "pkg:npm/rxjs", "given_names": []}
    >>> rxjs["aliases"] = ["https://github.com/ReactiveX/rxjs"]
    >>> [named(name, [rxjs]) for name in ("reactivex/rxjs", "https://www.npmjs.com/package/rxjs", "gitlab.com/a/rxjs")]
    [{'1'}, {'1'}, set()]
    >>> named("git@github.com:ReactiveX/rxjs.git", [rxjs]), named("https://github.com/reactivex/rxjs/tree/7.x", [rxjs])
    ({'1'}, {'1'})
    """
    wanted = _wanted(text)
    return {repo["repo_id"] for repo in repositories if text == repo["repo_id"] or not wanted.isdisjoint(_borne(repo))}


def word(text: str) -> str:
    """A word that stands in each name, URL or set of aliases of what the text means; empty if there is none.

    >>> word("https://github.com/ReactiveX/rxjs/tree/7.x"), word("npm/@types/node"), word("requests")
    ('reactivex', 'types', 'requests')
    """
    read = reading(text)
    if read is None:
        return ""
    host, _, path = read.name.partition("/") if read.has_host else ("", "", read.name)
    words = re.findall("[a-z0-9]+", unquote(path.partition("/")[0]))
    return max(words, key=len, default="")


def without_host(text: str) -> str:
    """OWNER/REPO of an address, as most sources are named; another text as it is.

    >>> without_host("https://github.com/Octo/App"), without_host("npm/rxjs")
    ('octo/app', 'npm/rxjs')
    """
    read = reading(text)
    host, _, path = read.name.partition("/") if read is not None and read.has_host else ("", "", "")
    return path if host and host not in REGISTRIES else text


def content_id(text: str) -> str:
    """The git content id that is meant. Raises WrongArguments for what is none.

    >>> content_id("swh:1:cnt:C40A6DED4D6912515612365C83970A764A7F6FE3;origin=https://example.org/a")
    'c40a6ded4d6912515612365c83970a764a7f6fe3'
    """
    plain = text.strip().lower().removeprefix("swh:1:cnt:").partition(";")[0].strip()
    try:
        return canonical_blob(plain)
    except RejectRecord as error:
        raise WrongArguments(error.message, f"{error.hint}; or give its SWHID, swh:1:cnt:...") from None


def places(target: str) -> list[tuple[str, str]]:
    """Each reading of OWNER/REPO:PATH as a name and a path: both may hold colons.

    >>> places("https://github.com/octo/app:a.py")[-1]
    ('https://github.com/octo/app', 'a.py')
    """
    ends = [place for place, character in enumerate(target) if character == ":"][:MOST_COLONS]
    return [(target[:end], target[end + 1 :].lstrip("/")) for end in ends if end]


def _wanted(text: str) -> set[Reading]:
    """What a repository is called that the text means."""
    found = {Reading(text.strip().lower(), False)}
    if (read := reading(text)) is None:
        return found
    found.add(read)
    if not _ADDRESS.match(text.strip()):  # OWNER may look like a host
        found.add(Reading(read.name, False))
    host, _, path = read.name.partition("/")
    if read.has_host and host not in REGISTRIES:
        found.add(Reading(f"*/{path}", True))
        if host not in TWO_LEVELS:  # there nothing tells a page inside a repository from one in a group
            found.update(Reading(above, True) for above in _above(read.name))
    return found


def _above(name: str) -> Iterator[str]:
    """What a page may lie in: the leading parts of an address with at least a host, a group and a name."""
    parts = name.split("/")
    yield from ("/".join(parts[:end]) for end in range(3, len(parts)))


def _borne(repo: Mapping[str, Any]) -> Iterator[Reading]:
    """What a repository is called: with its host, and as OWNER/REPO without one."""
    names = (repo["name"], repo["url"], *repo["aliases"])
    yield from (Reading(name.strip().lower(), False) for name in names)
    found = readings(names, repo["given_names"])
    for name in found.full:
        yield Reading(name, True)
        tail = name.partition("/")[2]
        if "/" in tail:
            yield Reading(tail, False)
    for path in found.bare:
        yield from (Reading(path, False), Reading(f"*/{path}", True))  # no host is known: any may be meant
