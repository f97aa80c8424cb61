"""JavaScript packages: the archive of a release, and the licence that its package.json declares.

In: a package's name. Out: the release to read, and what its package.json declares: a licence, and the address of its
repository. The registry's address comes out of the package URL library, so no host is written here; no install script
of a package is ever run.
"""

import json
import re
from typing import Any

from packageurl.contrib.purl2url import get_download_url

from gleanery.records.errors import RejectRecord
from gleanery.sources.deadline import Deadline
from gleanery.sources.downloads import fetch_bytes, hexadecimal
from gleanery.sources.identity import package_url
from gleanery.sources.releases import INDEX_BYTES, Release, no_such_release

METADATA = "package.json"
_BRIEF = "application/vnd.npm.install-v1+json, application/json"  # versions and digests, without the readmes
_LONGEST_LICENSE, _LONGEST_ADDRESS = 200, 1000
_SHORT = re.compile(r"[\w.-]+/[\w.-]+")


def find_release(name: str, version: str | None, deadline: Deadline) -> Release:
    """The archive of the pinned version, or of the one that its owners tagged `latest`."""
    address = get_download_url(package_url("npm", name, "0"))  # type: ignore[no-untyped-call]
    registry = str(address).partition(f"/{name}/-/")[0]
    content, _ = fetch_bytes(f"{registry}/{name.replace('/', '%2f')}", INDEX_BYTES, deadline, _BRIEF)
    try:
        return chosen(json.loads(content), version)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise RejectRecord(
            "the registry's index could not be understood", "read it again later with --retry", "unreadable"
        ) from None


def chosen(index: dict[str, Any], version: str | None) -> Release:
    """The release to read, with its sha512; raises RejectRecord if there is none."""
    version = index["dist-tags"]["latest"] if version is None else version
    if version not in index["versions"]:
        raise no_such_release()
    files = index["versions"][version]["dist"]
    digests = [part.partition("-") for part in str(files.get("integrity", "")).split()]
    strong = [digest.partition("?")[0] for name, _, digest in digests if name == "sha512"]
    if not strong:
        raise RejectRecord("the registry gives no usable digest", "take another release", "digest_missing")
    return Release(str(version), str(files["tarball"]), {"sha512": hexadecimal(strong[0])})


def declared_license(metadata: bytes) -> str | None:
    """The licence that package.json declares, in today's form or in the two old ones.

    >>> declared_license(b'{"license": "MIT"}'), declared_license(b'{"licenses": [{"type": "MIT"}, {"type": "BSD"}]}')
    ('MIT', 'MIT OR BSD')
    """
    try:
        fields = json.loads(metadata)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    declared = fields.get("license", fields.get("licenses"))
    names = [_name(one) for one in (declared if isinstance(declared, list) else [declared])]
    return " OR ".join(name for name in names if name)[:_LONGEST_LICENSE] or None


def declared_sources(metadata: bytes) -> tuple[str, ...]:
    """Where package.json says that the package is developed, as it writes it; a bare owner/name lies on GitHub.

    >>> declared_sources(b'{"repository": {"url": "git+https://github.com/a/b.git"}}')
    ('git+https://github.com/a/b.git',)
    >>> declared_sources(b'{"repository": "a/b"}'), declared_sources(b"[]")
    (('github:a/b',), ())
    """
    try:
        fields = json.loads(metadata)
        stated = fields.get("repository") if isinstance(fields, dict) else None
    except (ValueError, RecursionError):
        return ()
    address = stated.get("url") if isinstance(stated, dict) else stated
    if not isinstance(address, str) or not 0 < len(address := address.strip()) <= _LONGEST_ADDRESS:
        return ()
    return (f"github:{address}" if _SHORT.fullmatch(address) else address,)


def _name(declared: Any) -> str:
    value = declared.get("type") if isinstance(declared, dict) else declared
    return value.strip() if isinstance(value, str) else ""
