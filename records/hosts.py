"""Hosts: which of them are one and the same, whose names have two parts, and whose files are packages.

In: a host, or the name of a package's archive. Out: the host that is meant, or the package. A host that is missing here
is no error; but an objection does not reach what is fetched from it. Nothing here costs more than a look-up.
"""

import re
from types import MappingProxyType

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
# A forge's interface for programs gives archives too: the host that is meant, and what stands before owner/name.
INTERFACES = MappingProxyType(
    {
        "api.github.com": ("github.com", "repos/"),
        "uploads.github.com": ("github.com", "repos/"),
        "media.githubusercontent.com": ("github.com", "media/"),
        "api.bitbucket.org": ("bitbucket.org", "2.0/repositories/"),
        "codeberg.org": ("codeberg.org", "api/v1/repos/"),
        "gitlab.com": ("gitlab.com", "api/v4/projects/"),
    }
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
CARRIERS = frozenset({"web.archive.org", "ghproxy.net", "mirror.ghproxy.com", "gh-proxy.com"})
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


def archived_package(file_name: str) -> str | None:
    """The Python package that an archive is of, as its name writes it.

    >>> [archived_package(n) for n in ("foo-bar-1.0.tar.gz", "foo-bar-1.0-rc1.tar.gz", "foo_bar-1.0-py3-none-any.whl")]
    ['foo-bar', 'foo-bar', 'foo_bar']
    >>> archived_package("foo-bar-1.0.linux-x86_64.tar.gz"), archived_package("foo-2-1.0.zip"), archived_package("foo")
    ('foo-bar', 'foo-2', None)
    """
    found = next((match for pattern in _ARCHIVES if (match := pattern.fullmatch(file_name))), None)
    return found[1] if found is not None else None
