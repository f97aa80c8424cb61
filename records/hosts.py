"""Hosts: which of them are one and the same, whose names have two parts, and whose files are packages.

In: a host with a path, or the name of a package's archive. Out: the host and the repository that are meant, or the
package; and the one form in ASCII that a host's name has. A host that is missing here is no error; but an objection
does not reach what is fetched from it. Nothing here costs more than a look-up.
"""

import re
from types import MappingProxyType

import idna

# On these hosts a repository is exactly owner/name, and whatever follows is a page inside it.
TWO_LEVELS = frozenset({"github.com", "gist.github.com", "codeberg.org", "bitbucket.org", "git.sr.ht"})
SAME_HOST = MappingProxyType(
    {
        "www.github.com": "github.com",
        "ssh.github.com": "github.com",
        "codeload.github.com": "github.com",
        "raw.githubusercontent.com": "github.com",
        "raw.github.com": "github.com",
        "github.dev": "github.com",
        "gist.githubusercontent.com": "gist.github.com",
        "www.gitlab.com": "gitlab.com",
        "altssh.gitlab.com": "gitlab.com",
        "www.bitbucket.org": "bitbucket.org",
        "altssh.bitbucket.org": "bitbucket.org",
    }
)
# A gist belongs to an account of GitHub, so its name is OWNER/ID there.
ACCOUNTS_OF = MappingProxyType({"gist.github.com": "github.com"})
# A forge's interface for programs gives archives too: the host that is meant, and what stands before owner/name. One
# that lies on the forge's own host is known by its path, on every host.
INTERFACES = MappingProxyType(
    {
        "api.github.com": ("github.com", "repos/"),
        "uploads.github.com": ("github.com", "repos/"),
        "media.githubusercontent.com": ("github.com", "media/"),
        "api.bitbucket.org": ("bitbucket.org", "2.0/repositories/"),
        "codeberg.org": ("codeberg.org", "api/v1/repos/"),
    }
)
_INTERFACE = re.compile(r"((?:[^/]+/)?)api/v[0-9]+/(projects|repos)/(.+)", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?:api\.)?github\.com/repositories/[0-9]+(?:/.*)?"
    r"|[^/]+/(?:[^/]+/)?api/v[0-9]+/(?:projects|repositories)/[0-9]+(?:/.*)?",
    re.IGNORECASE,
)
# Go's mirrors and pages name a module by its repository's address, with "!" before what was a capital letter.
MODULES_OF = frozenset({"proxy.golang.org", "goproxy.io", "goproxy.cn", "pkg.go.dev"})
_DELIVERED = (("gh/", "github.com/"), ("npm/", "registry.npmjs.org/"))
# Mirrors: what stands in the path before a name, and the address under which that name is the same thing.
MIRRORS = MappingProxyType(
    {
        "cdn.jsdelivr.net": _DELIVERED,
        "fastly.jsdelivr.net": _DELIVERED,
        "gcore.jsdelivr.net": _DELIVERED,
        "www.jsdelivr.com": (("package/gh/", "github.com/"), ("package/npm/", "registry.npmjs.org/")),
        "raw.githack.com": (("", "github.com/"),),
        "rawcdn.githack.com": (("", "github.com/"),),
        "unpkg.com": (("", "registry.npmjs.org/"),),
        "cdn.npmmirror.com": (("packages/", "registry.npmjs.org/"),),
        "pypi.tuna.tsinghua.edu.cn": (("", "pypi.org/"),),
        "mirrors.aliyun.com": (("pypi/", "pypi.org/"), ("goproxy/", "proxy.golang.org/")),
        "mirrors.cloud.tencent.com": (("pypi/", "pypi.org/"),),
    }
)
# These bear the whole address of what they serve in their path.
CARRIERS = frozenset({"web.archive.org", "ghproxy.com", "ghproxy.net", "mirror.ghproxy.com", "gh-proxy.com"})
_PYPI = ("pypi", ("project", "p", "simple", "pypi", "packages"))
# Hosts of packages: the kind of package, and what stands before its name in the address of a page or an archive.
PACKAGE_HOSTS = MappingProxyType(
    {
        "pypi.org": _PYPI,
        "www.pypi.org": _PYPI,
        "pypi.python.org": _PYPI,
        "pypi.io": _PYPI,
        "files.pythonhosted.org": ("pypi", ("packages",)),
        "npmjs.com": ("npm", ("package",)),
        "www.npmjs.com": ("npm", ("package",)),
        "npmjs.org": ("npm", ("package",)),
        "www.npmjs.org": ("npm", ("package",)),
        "yarnpkg.com": ("npm", ("package",)),
        "registry.npmjs.org": ("npm", ()),
        "registry.npmjs.com": ("npm", ()),
        "registry.npm.taobao.org": ("npm", ()),
        "r.cnpmjs.org": ("npm", ()),
        "registry.yarnpkg.com": ("npm", ()),
        "registry.npmmirror.com": ("npm", ()),
    }
)
# A rule that names one of these hosts was written before they were known here; see `matching.py`.
OTHER_SPELLINGS = frozenset(
    {*SAME_HOST, *ACCOUNTS_OF, *INTERFACES, *PACKAGE_HOSTS, *MODULES_OF, *MIRRORS, *CARRIERS}
) - {host for host, _ in INTERFACES.values()}
SHORT = MappingProxyType({"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"})
# A forge's own pages about an account, whose name follows.
PAGES_OF_ACCOUNTS = MappingProxyType({"github.com": ("orgs", "users"), "gitlab.com": ("groups", "users")})
_ENDING = r"\.(?:tar\.[a-z0-9]+|tgz|tbz2?|txz|zip|exe|msi|rpm)(?:\.(?:metadata|asc))?"
# A wheel or an egg writes its name without hyphens; in a source archive the last hyphen stands before the version,
# unless a hyphen parts the version itself (1.0-rc1), or the name of a system follows it (1.0.linux-x86_64).
_ARCHIVES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"([^-]+)-.+\.(?:whl|egg)(?:\.(?:metadata|asc))?",
        rf"(.+)-v?[0-9][^-]*\.(?:linux|macosx|win)(?:32|[-_][^/]*){_ENDING}",
        rf"(.+)-v?[0-9][^-]*(?:-(?:alpha|beta|preview|pre|post|rev|dev|rc|a|b|c|r)[._]?[0-9]*(?:\.[^-]*)?){_ENDING}",
        rf"(.+)-[^-]+{_ENDING}",
    )
)
_LABEL = "[a-z0-9_][a-z0-9_-]{0,62}"
_PLAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?|\[[0-9a-f:.]{{2,45}}\]")


def is_plain_host(name: str) -> bool:
    """Whether this is a host's name, or its address, in plain ASCII and lower case.

    >>> is_plain_host("example.org"), is_plain_host("[::1]"), is_plain_host("10.0.0.1\\\\x.example.org")
    (True, True, False)
    """
    return _PLAIN.fullmatch(name) is not None


def ascii_host(name: str) -> str | None:
    """The form in ASCII of a host's name; None where the old and the new standard (IDNA 2003, 2008) give two.

    >>> ascii_host("b\u00fccher.example"), ascii_host("fa\u00df.example")
    ('xn--bcher-kva.example', None)
    """
    if name.isascii():
        return name
    try:
        old, new = name.encode("idna").decode("ascii"), idna.encode(name, uts46=True).decode("ascii")
    except UnicodeError:  # of which the errors of the package are a kind
        return None
    return old if old == new else None


def behind_interface(host: str, path: str) -> tuple[str, str]:
    """The host, and the path of the repository, that an address of a forge's interface means; any other as it is.

    >>> behind_interface("git.example.org", "api/v4/projects/group%2Fsub%2Flib/repository/archive.zip")
    ('git.example.org', 'group%2Fsub%2Flib')
    >>> behind_interface("git.example.org", "gitea/api/v1/repos/alice/lib/archive/main.zip")
    ('git.example.org', 'gitea/alice/lib')
    """
    if host in INTERFACES:
        host, before = INTERFACES[host]
        return host, path.removeprefix(before)
    found = None if host in TWO_LEVELS or names_by_number(host, path) else _INTERFACE.fullmatch(path)
    if found is None:
        return host, path
    above, kind, rest = found.groups()
    if kind.lower() == "repos":
        rest = "/".join(rest.split("/")[:2])
    elif "%2f" in (project := rest.partition("/")[0]).lower():
        rest = project
    return host, above + rest


def names_by_number(host: str, path: str) -> bool:
    """Whether an address of a forge's interface has only the number of a repository, which nobody objects by.

    >>> names_by_number("gitlab.com", "api/v4/projects/278964/repository/archive.zip")
    True
    >>> names_by_number("gitlab.com", "api/v4/projects/278964%2Flib/repository/archive.zip")
    False
    """
    return _NUMBER.fullmatch(f"{host}/{path}") is not None


def archived_package(file_name: str) -> str | None:
    """The Python package that an archive is of, as its name writes it.

    >>> [archived_package(n) for n in ("foo-bar-1.0.tar.gz", "foo-bar-1.0-rc1.tar.gz", "foo_bar-1.0-py3-none-any.whl")]
    ['foo-bar', 'foo-bar', 'foo_bar']
    >>> archived_package("foo-bar-1.0.linux-x86_64.tar.gz"), archived_package("foo-2-1.0.zip"), archived_package("foo")
    ('foo-bar', 'foo-2', None)
    """
    found = next((match for pattern in _ARCHIVES if (match := pattern.fullmatch(file_name))), None)
    return found[1] if found is not None else None
