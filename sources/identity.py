"""Identities: which repository a line of the configuration means, found without any network.

In: a `Source`. Out: its `Identity`: a canonical URL, the id that comes from it, and the name that people write. Two
ways to write one address give one identity, and a path on disk gives the same one in any folder. A query is no part of
an identity: it may hold a token, and one that changes with each day would make another source of the same archive.
Where only the query tells two archives apart, their names do.
"""

import os
import posixpath
from urllib.parse import SplitResult, quote, unquote, urlsplit

import re2
from packageurl import PackageURL

from gleanery.records.errors import RejectRecord
from gleanery.records.hosts import SAME_HOST, TWO_LEVELS, ascii_host, behind_interface, names_by_number
from gleanery.records.ids import repo_id
from gleanery.sources.gitrefs import COMMIT_ID, check_branch
from gleanery.sources.hosts import is_plain
from gleanery.sources.source import KINDS, Identity, Source

_DEFAULT_PORTS = {"http": 80, "https": 443}
_TRANSPORT = re2.compile(r"[A-Za-z][A-Za-z0-9+.-]*::")
_CONTROL = re2.compile(r"[\x00-\x1f\x7f]")
_PYPI_NAME = re2.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_NPM_NAME = re2.compile(r"(?:@[A-Za-z0-9~-][A-Za-z0-9._~-]*/)?[A-Za-z0-9~-][A-Za-z0-9._~-]*")
_SEPARATORS = re2.compile(r"[-_.]+")
# A login before a host: behind a scheme, also of an address within another one, or in front of all. The name alone with
# which ssh is used is none.
_LOGIN = re2.compile(
    r"(?:^/|:)/+[^/?#\s]+@|^[^/?#\s@]+:[^/?#\s@]*@[^/?#\s@]+[/:]|^[^/?#\s@:]+@[^/?#\s@:]+\.[^/?#\s@:]+/"
)
# What a query calls a login. That of a locator is sent and never written down; other queries say nothing that is used.
_TOKEN = re2.compile(r"(?i)[?&;#][\w.-]*(?:token|secret|passw|signature|api_?key|credential)[\w.-]*=")
_USED_BY_SSH = re2.compile(r"(?i)(\bssh(?:\+git)?://)[a-z0-9_.-]+@|^[a-z0-9_.-]+@([^/?#@:]+:)")
_ARCHIVE_ENDINGS = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar", ".zip")


def identify(source: Source) -> Identity:
    """The identity of a source; raises RejectRecord if the line cannot mean any.

    >>> identity = identify(Source("git", "https://Example.org/team/app.git/"))
    >>> identity.name, identity.url
    ('team/app', 'https://example.org/team/app')
    >>> identify(Source("git", "/srv/mirrors/app.git", name="team/app")).url
    'local:team/app'
    """
    if source.kind not in KINDS:
        raise RejectRecord("the kind of the source is none of git, archive, pypi and npm", "", "kind_not_known")
    for text in (source.locator, source.name or "", source.version or "", *source.aliases):
        if _CONTROL.search(text):
            raise _not_valid("it holds a control character")
    if not source.locator or source.locator.startswith("-"):
        raise _not_valid("it is empty or begins with a hyphen")
    if source.kind == "git" and source.version is not None and not COMMIT_ID.fullmatch(source.version):
        check_branch(source.version)
    written = [source.name or "", source.fork_of or "", *source.aliases]
    if any(_has_login(text) or _TOKEN.search(text) for text in written) or (
        "://" in source.locator and _has_login(source.locator)
    ):
        raise RejectRecord(
            "one of its addresses holds credentials",
            "take them out of locator, name, aliases and fork_of; clone private code yourself",
            "credentials_in_locator",
        )
    if _has_number(source.fork_of or "") or (not source.name and _has_number(source.locator)):
        raise RejectRecord(
            "an address has its repository's number and not its name, by which owners object",
            'write fork_of as HOST/OWNER/NAME; for a locator set name = "HOST/OWNER/NAME"',
            "locator_not_valid",
        )
    derived, url = _derived(source)
    name = source.name or derived
    given = {*source.aliases, *([source.name] if source.name else [])}
    aliases = {*source.aliases, *([] if url is None else [derived])} - {name}
    url = "local:" + name.removeprefix("local/") if url is None else url
    return Identity(repo_id(url), name, url, tuple(sorted(aliases)), tuple(sorted(given)))


def local_path(source: Source) -> str | None:
    """The path on disk that a git or archive locator means; None if it is on the web."""
    if "://" not in source.locator:
        if _TRANSPORT.match(source.locator):
            raise _protocol_not_allowed()
        return source.locator
    parts = _split(source.locator)
    if parts.scheme != "file":
        return None
    if parts.netloc not in ("", "localhost"):
        raise _not_valid("a file:// URL names another machine")
    return unquote(parts.path)


def web_address(locator: str, keep_query: bool = False) -> str:
    """The address to fetch: as written, without a fragment, and for git without a query."""
    parts = _split(locator)
    return parts._replace(fragment="", query=parts.query if keep_query else "").geturl()


def package_url(kind: str, name: str, version: str | None = None) -> str:
    """The purl of a registry package, which names it without naming a registry's host.

    >>> package_url("npm", "@scope/tool")
    'pkg:npm/%40scope/tool'
    """
    namespace, _, last = name.rpartition("/")
    return PackageURL(kind, namespace or None, last, version).to_string()


def package_name(source: Source) -> str:
    """The name of a package as its registry writes it; raises RejectRecord if no package can have it."""
    if source.kind == "pypi" and _PYPI_NAME.fullmatch(source.locator):
        return str(_SEPARATORS.sub("-", source.locator)).lower()
    if source.kind == "npm" and _NPM_NAME.fullmatch(source.locator):
        return source.locator
    raise _not_valid("no package can have this name")


def _derived(source: Source) -> tuple[str, str | None]:
    """The name and the canonical URL that the locator alone gives; no URL for a path on disk."""
    if source.kind in ("pypi", "npm"):
        name = package_name(source)
        return f"{source.kind}/{name}", package_url(source.kind, name)
    path = local_path(source)
    if path is not None:
        return "local/" + _local_name(source, path), None
    parts = _split(source.locator)
    names = _names(parts.path)
    if source.kind == "git":
        names[-1] = names[-1].removesuffix(".git") or names[-1]
        shown = names if len(names) > 1 else [str(parts.hostname), *names]
        return "/".join(shown[-2:]), _canonical(parts, names)
    shown = _of_interface(parts) or _of_forge(str(parts.hostname), names) or [str(parts.hostname), _stem(names[-1])]
    return "/".join(shown), _canonical(parts, names, source.name if parts.query else None)


def _of_interface(parts: SplitResult) -> list[str] | None:
    """Owner and repository, where an archive is asked for from a forge's interface for programs."""
    asked = str(parts.hostname), parts.path.lstrip("/")
    host, path = behind_interface(*asked)
    if (host, path) == asked:
        return None
    names = _names(path)
    names = names[:2] if host in TWO_LEVELS else names[-2:]
    return [names[0], names[1].removesuffix(".git")] if len(names) == 2 else None


def _of_forge(host: str, names: list[str]) -> list[str] | None:
    """Owner and repository, where an archive's address has the form of a forge; its file is called after a branch.

    >>> _of_forge("github.com", ["alice", "lib", "archive", "refs", "heads", "main.tar.gz"])
    ['alice', 'lib']
    >>> _of_forge("git.example.org", ["group", "sub", "lib", "-", "archive", "main", "lib-main.zip"])
    ['sub', 'lib']
    >>> _of_forge("example.org", ["downloads", "lib-1.0.zip"]) is None
    True
    """
    if SAME_HOST.get(host, host) in TWO_LEVELS:
        path = names[:2]
    elif "-" in names:  # GitLab
        path = names[: names.index("-")]
    elif names[2:3] == ["archive"]:  # Gitea, Forgejo, Gogs and GitHub Enterprise
        path = names[:2]
    else:  # cgit and gitweb
        path = names[: next((n for n, name in enumerate(names, 1) if name.endswith(".git")), 0)]
    if len(path) < 2 or len(path) == len(names):
        return None
    return [path[-2], path[-1].removesuffix(".git")]


def _split(locator: str) -> SplitResult:
    """The parts of a URL, its host in ASCII; raises RejectRecord if it is not file, http or https."""
    try:
        parts = urlsplit(locator)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _not_valid("it is not a URL") from None
    if parts.scheme not in ("file", *_DEFAULT_PORTS):
        raise _protocol_not_allowed()
    if parts.scheme == "file":
        return parts
    if host and not host.isascii():
        name = ascii_host(host)
        if name is None:
            raise _not_valid("its host is read in two ways; write it in ASCII, as in xn--...")
        parts = parts._replace(netloc=name if parts.port is None else f"{name}:{parts.port}")
    if not is_plain(parts.geturl()):
        raise _not_valid("its host is no plain name, or it has a backslash")
    return parts


def _names(path: str) -> list[str]:
    """The parts of a URL's path, decoded; raises RejectRecord if there are none or if one of them is not a name."""
    names = [name for name in unquote(path, errors="replace").split("/") if name]
    if not names or any(name in (".", "..", ".git") or _CONTROL.search(name) for name in names):
        raise _not_valid("its path is not that of a repository or a file")
    return names


def _canonical(parts: SplitResult, names: list[str], given: str | None = None) -> str:
    """The URL that is the identity. The name of an archive with a query stands behind it, as a fragment."""
    host = str(parts.hostname).rstrip(".")
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    fragment = f"#{quote(given)}" if given else ""
    return f"{parts.scheme}://{host}{port}/" + "/".join(quote(name) for name in names) + fragment


def _has_number(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return names_by_number(parts.hostname or "", parts.path.lstrip("/"))
    except ValueError:  # no address
        return False


def _has_login(text: str) -> bool:
    """Whether an address bears a login, as it stands or where it is percent-encoded.

    >>> [_has_login(t) for t in ("https://token@github.com/a/b", "u:p@github.com/a/b", "token@github.com/a/b")]
    [True, True, True]
    >>> [_has_login(t) for t in ("git@github.com:a/b", "ssh://git@github.com/a/b", "npm/@a/b", "pkg:npm/%40a/b@1")]
    [False, False, False, False]
    """
    return any(_LOGIN.search(_USED_BY_SSH.sub(r"\1\2", form)) for form in (text, unquote(text)))


def _local_name(source: Source, path: str) -> str:
    folder, name = posixpath.split(os.path.abspath(path))
    if source.kind == "archive":
        name = _stem(name)
    elif name == ".git":
        name = posixpath.basename(folder)
    else:
        name = name.removesuffix(".git") or name
    if not name:
        raise _not_valid("it is the root of the disk")
    return name


def _stem(name: str) -> str:
    ending = next((ending for ending in _ARCHIVE_ENDINGS if name.lower().endswith(ending)), "")
    return name[: len(name) - len(ending)] or name


def _not_valid(why: str) -> RejectRecord:
    return RejectRecord(f"the locator cannot be used: {why}", "see docs/reference/sources.md", "locator_not_valid")


def _protocol_not_allowed() -> RejectRecord:
    return RejectRecord(
        "only file, http and https are read",
        "clone what is reached otherwise and give the path",
        "protocol_not_allowed",
    )
