"""Names: one spelling for each repository, account and content.

In: any text that names a repository: a URL, the form of ssh, a package URL or page, pypi/NAME, npm/NAME, local/NAME.
Out: the canonical name, in lower case and a plain alphabet (what is not in it is percent-encoded), or RejectRecord with
a way out. No network and no file is touched; a name takes about 10 microseconds (processor time, one busy core).
"""

import re
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, unquote

from gleanery.records.errors import RejectRecord
from gleanery.records.hosts import (
    ACCOUNTS_OF,
    CARRIERS,
    MIRRORS,
    MODULES_OF,
    PACKAGE_HOSTS,
    PAGES_OF_ACCOUNTS,
    SAME_HOST,
    SHORT,
    TWO_LEVELS,
    archived_package,
    behind_interface,
    is_plain_host,
    names_by_number,
)

LONGEST_NAME = 4096  # characters; a URL may carry a long query
REGISTRIES = ("pypi", "npm", "local")
_DEFAULT_PORT = MappingProxyType({"https": 443, "http": 80})
_SCHEME = re.compile(r"(?:scm:)?(?:git[+:])?(https?|ssh|git)(?:\+git)?://", re.IGNORECASE)
SEGMENT = re.compile(r"[A-Za-z0-9._~@+-]{1,128}")
_SCOPE = "@[a-z0-9._~-]{1,128}"
_LOCAL = re.compile(r"[\w.@+~-][\w .@+~-]{0,127}(?:/[\w.@+~-][\w .@+~-]{0,127})*")
_ENDING = re.compile(r"(?:\.git|(?<=[^/])\.wiki)\Z", re.IGNORECASE)
_BLOB = re.compile(r"[0-9a-f]{40}")

_WAY_OUT = "write it as https://HOST/OWNER/NAME, or as pypi/NAME or npm/NAME for a package"


@dataclass(frozen=True)
class Location:
    """Where a repository lies: its host (with a port that is not the usual one) and its path, as it was spelled."""

    scheme: str
    host: str
    path: str

    @property
    def bare_path(self) -> str:
        """The path without an ending .git."""
        return without_git(self.path)

    @property
    def canonical(self) -> str:
        return f"{host_of_accounts(self.host)}/{lowered(self.bare_path)}"


def canonical_repository(text: str) -> str:
    """The one spelling of a repository's name, in lower case. Raises RejectRecord where there is none.

    >>> canonical_repository("git@github.com:Alice/Lib.git")
    'github.com/alice/lib'
    >>> canonical_repository("https://gitlab.com/group/sub/lib/-/tree/main")
    'gitlab.com/group/sub/lib'
    >>> canonical_repository("pkg:pypi/My_Package@1.0")
    'pypi/my-package'
    """
    text = _trimmed(text)
    if package := _package(text):
        return package
    scheme, host, segments = host_and_path(text)
    return _package_of_page(host, segments) or _location(scheme, host, segments).canonical


def canonical_owner(text: str) -> str:
    """The one spelling of an account or group on a forge, as host/owner; npm scopes are npm/@scope.

    >>> canonical_owner("https://github.com/Alice")
    'github.com/alice'
    """
    text = _trimmed(text)
    if re.fullmatch(f"npm/{_SCOPE}", text.lower()):
        return text.lower()
    _, host, segments = host_and_path(text)
    if PACKAGE_HOSTS.get(host, ("",))[0] == "npm" and len(segments) == 2 and segments[0].lower() == "org":
        return canonical_owner(f"npm/@{segments[1]}")
    if segments and segments[0].lower() in PAGES_OF_ACCOUNTS.get(host, ()):
        segments = segments[1:2] if host in TWO_LEVELS else segments[1:]
    segments = segments if host in TWO_LEVELS else of_repository(host, segments)
    host = host_of_accounts(host)
    odd = host in PACKAGE_HOSTS or not segments or _odd(host, segments) or names_by_number(host, "/".join(segments))
    if odd or (host in TWO_LEVELS and len(segments) != 1):
        raise RejectRecord("this does not name an account of a forge", "write it as HOST/OWNER", "name_not_clear")
    return f"{host}/{lowered('/'.join(segments))}"


def host_of_accounts(host: str) -> str:
    """The host whose accounts own what lies on a host: gists belong to accounts of GitHub.

    >>> host_of_accounts("gist.github.com"), host_of_accounts("example.org")
    ('github.com', 'example.org')
    """
    return ACCOUNTS_OF.get(host, host)


def canonical_blob(text: str) -> str:
    """A git content id in lower case; raises RejectRecord if it is not 40 hexadecimal digits."""
    text = text.strip().lower()
    if not _BLOB.fullmatch(text):
        raise RejectRecord("a content id is 40 hexadecimal digits", "git hash-object FILE prints it", "name_not_clear")
    return text


def repository_location(text: str) -> Location:
    """Host and path of a repository on a forge, with the letters as they were written (some forges need them)."""
    return _location(*host_and_path(_trimmed(text)))


def _location(scheme: str, host: str, segments: list[str]) -> Location:
    if names_by_number(host, "/".join(segments)):
        raise RejectRecord("this has a repository's number and not its name", _WAY_OUT, "name_not_clear")
    segments = of_repository(host, segments)
    if host in TWO_LEVELS and len(segments) < 2:
        raise RejectRecord("this names an account, not a repository", _WAY_OUT, "name_not_clear")
    if not segments or not without_git(segments[-1]):
        raise RejectRecord("this does not name a repository", _WAY_OUT, "name_not_clear")
    if _odd(host, segments):
        raise RejectRecord("the path has characters that no repository's name has", _WAY_OUT, "name_not_clear")
    return Location(scheme, host, "/".join(segments))


def of_repository(host: str, segments: list[str]) -> list[str]:
    """The part of a path that names a repository, as far as that can be told; behind it are pages of it.

    >>> of_repository("git.example.org", ["pub", "lib.git", "snapshot", "lib-1.0.tar.gz"])
    ['pub', 'lib.git']
    """
    if host in TWO_LEVELS:
        return segments[:2]
    for place, segment in enumerate(segments):
        if place and segment.lower() in ("-", ".git"):  # GitLab puts its pages behind /-/; .git is git's own folder
            return segments[:place]
        if segment.lower().endswith(".git"):
            return segments[: place + 1]
    return segments


def _odd(host: str, segments: list[str]) -> bool:
    """Whether a path is relative, or has characters that no name of this forge has."""
    encoded = host in TWO_LEVELS and any("%" in segment for segment in segments)
    return encoded or not {".", ".."}.isdisjoint(segments)


def _trimmed(text: str) -> str:
    text = text.strip()
    if not text:
        raise RejectRecord("the name is empty", _WAY_OUT, "name_not_clear")
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise RejectRecord("the name is too long or has characters that no name has", _WAY_OUT, "name_not_clear")
    return _without_purl(text) if text[:4].lower() == "pkg:" else text


def _without_purl(text: str) -> str:
    """A package URL such as pkg:npm/%40scope/name@1.0 in the form kind/name, or forge:owner/name."""
    text = unquote(re.split(r"[?#]", text[4:], maxsplit=1)[0]).lstrip("/")
    at = text.rfind("@")
    text = text[:at] if at > text.rfind("/") else text
    kind, _, name = text.partition("/")
    return f"{kind}:{name}" if kind.lower() in SHORT else text


def _package(text: str) -> str | None:
    """The canonical name if the text names a package or a local folder: pypi/NAME, npm/NAME or local/NAME."""
    kind, _, name = text.partition("/")
    kind, name = kind.lower(), name.rstrip("/").lower()
    if kind == "pypi" and SEGMENT.fullmatch(name):
        return "pypi/" + re.sub(r"[-_.]+", "-", name)
    if kind == "npm" and re.fullmatch(f"({_SCOPE}/)?[a-z0-9._~-]{{1,214}}", name):
        return f"npm/{name}"
    if kind == "local" and _LOCAL.fullmatch(name):
        return f"local/{name}"
    if kind in REGISTRIES:
        raise RejectRecord("this does not name a package", _WAY_OUT, "name_not_clear")
    return None


def _package_of_page(host: str, segments: list[str]) -> str | None:
    """The package that a page or an archive of its registry is about."""
    kind, before = PACKAGE_HOSTS.get(host, ("", ()))
    if before and (not segments or segments[0].lower() not in before):
        return None
    name = segments[len(before[:1]) :]
    if kind == "pypi" and segments[0].lower() == "packages" and name:  # an archive, which carries the name
        package = archived_package(name[-1])
        name = [package] if package else []
    if not kind or not name or name[0] == "-":
        return None
    return _package(f"{kind}/{'/'.join(name[: 2 if name[0].startswith('@') else 1])}")


def host_and_path(text: str) -> tuple[str, str, list[str]]:
    """Scheme, canonical host (with its port unless that is the usual one), and the segments of the path."""
    short = re.match(r"(github|gitlab|bitbucket):(?!/)", text, re.IGNORECASE)
    if short:
        text = f"https://{SHORT[short[1].lower()]}/{text[short.end() :]}"
    started = _SCHEME.match(text)
    if started:
        scheme, rest = started[1].lower(), text[started.end() :]
    elif "://" in text or "::" in text.partition("/")[0]:
        raise RejectRecord("only repositories behind https, ssh or git addresses have a name", _WAY_OUT, "unreadable")
    else:
        # The form user@host:path of scp. Without a user, what follows the colon may be a port.
        scp = re.match(r"[^@/:]{1,64}@([^@/:]{1,253}):(.*)", text)
        scp = scp or re.match(r"([^@/:]{1,253}):(?!\d{1,5}(?:/|\Z))(.*)", text)
        scheme, rest = ("ssh", f"{scp[1]}/{scp[2].lstrip('/')}") if scp else ("https", text)
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    authority, _, path = rest.partition("/")
    host = _canonical_host(scheme, authority.rpartition("@")[2].lower(), explicit=bool(started))
    if inner := _carried(host, path):
        return host_and_path(f"https://{inner}")
    host, path = behind_interface(host, path.lstrip("/"))
    return scheme, host, segments_of(path)


def _carried(host: str, path: str) -> str | None:
    """The address that a mirror's own address bears in its path, without its scheme; None if it bears none.

    >>> _carried("cdn.jsdelivr.net", "gh/alice/lib@1.0/a.js"), _carried("proxy.golang.org", "github.com/!alice/lib/@v")
    ('github.com/alice/lib/a.js', 'github.com/alice/lib/')
    """
    path = path.lstrip("/").replace("%40", "@").replace("%21", "!")
    if host in MODULES_OF and path:  # a module is named by the address it lies at
        return path.replace("!", "").partition("@")[0]
    if host in CARRIERS:
        borne = re.search(r"(?:^|/)https?:/{1,2}([^/].*)", unquote(path), re.IGNORECASE)
        return borne[1] if borne else None
    for before, there in MIRRORS.get(host, ()):
        if path.lower().startswith(before) and path[len(before) :]:
            name = path[len(before) :]
            # A version stands behind the name: owner/name@1.0, name@1.0 or @scope/name@1.0.
            owner = r"((?:@?[^/@]+/)[^/@]+)@[^/]*" if there == "github.com/" else r"((?:@[^/@]+/)?[^/@]+)@[^/]*"
            return there + re.sub(owner, r"\1", name, count=1)
    return None


def _canonical_host(scheme: str, authority: str, *, explicit: bool) -> str:
    name, port = authority, ""
    if matched := re.fullmatch(r"(.*?):(\d{0,5})", authority):
        name, port = matched[1], matched[2]
    if not is_plain_host(name):
        raise RejectRecord("the host's name is not in its plain ASCII form", _WAY_OUT, "host_missing")
    if not explicit and "." not in name and name != "localhost" and not port:
        raise RejectRecord("the name lacks its host", _WAY_OUT, "host_missing")
    name = name.rstrip(".")
    name = SAME_HOST.get(name, name)
    if scheme not in _DEFAULT_PORT or not port or int(port) == _DEFAULT_PORT[scheme]:
        return name  # the port of ssh or git says nothing about the name on the web
    return f"{name}:{int(port)}"


def segments_of(path: str) -> list[str]:
    """The parts of a path. A character that may look like something else, or do something, is percent-encoded."""
    return [_encoded(segment) for segment in unquote(path).split("/") if segment]


def lowered(path: str) -> str:
    """A path in lower case, the letters that are percent-encoded too.

    >>> lowered("Gr%C3%9CN/My%20Lib")
    'gr%c3%bcn/my%20lib'
    """
    return "/".join(map(_encoded, unquote(path).lower().split("/"))).lower() if "%" in path else path.lower()


def _encoded(segment: str) -> str:
    return segment if SEGMENT.fullmatch(segment) else quote(segment, safe="@+")


def without_git(path: str) -> str:
    """The path without an ending .git or slash, and of a wiki the path of the repository that it belongs to.

    >>> without_git("alice/lib.git"), without_git("alice/lib.wiki.git"), without_git("alice/.wiki")
    ('alice/lib', 'alice/lib', 'alice/.wiki')
    """
    while ending := _ENDING.search(path):
        path = path[: ending.start()]
    return path.rstrip("/")
