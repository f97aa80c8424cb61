"""Python packages: the source archive of a release, and the licence that its core metadata declares.

In: a package's name. Out: the release to read, and what its PKG-INFO declares: a licence, and addresses of its
repository. The index is asked through pypi-simple; wheels are never taken, and nothing is built.
"""

import json
import re
from email.parser import HeaderParser

from packaging.version import InvalidVersion, Version
from pypi_simple import ACCEPT_JSON_PREFERRED, DistributionPackage, ProjectPage, PyPISimple

from gleanery.records.errors import RejectRecord
from gleanery.sources.deadline import Deadline
from gleanery.sources.downloads import fetch_bytes
from gleanery.sources.releases import INDEX_BYTES, Release, no_such_release

METADATA = "PKG-INFO"
_LONGEST_ADDRESS, _MOST_ADDRESSES = 1000, 100
_LABELS = frozenset(("code", "github", "gitlab", "home", "homepage", "repo", "repository", "source", "sourcecode"))
_LONGEST_LICENSE = 200  # characters; a longer value of the field License is the licence's text, not its name


def find_release(name: str, version: str | None, deadline: Deadline) -> Release:
    """The source archive of the pinned version, or of the newest one that is neither yanked nor a pre-release."""
    with PyPISimple() as client:
        url = client.get_project_url(name)
    content, kind = fetch_bytes(url, INDEX_BYTES, deadline, ACCEPT_JSON_PREFERRED)
    try:
        if "json" in kind:
            page = ProjectPage.from_json_data(json.loads(content), url)
        else:
            page = ProjectPage.from_html(name, content, url)
    except (ValueError, RecursionError):
        raise RejectRecord(
            "the registry's index could not be understood", "read it again later with --retry", "unreadable"
        ) from None
    return chosen(page.packages, version)


def chosen(packages: list[DistributionPackage], version: str | None) -> Release:
    """The release to read; raises RejectRecord if there is none, or none with a sha256."""
    archives = [(parsed, p) for p in packages if p.package_type == "sdist" and (parsed := _parsed(p.version))]
    if version is not None:
        archives = [(parsed, p) for parsed, p in archives if parsed == _parsed(version)]
    else:
        archives = [(parsed, p) for parsed, p in archives if not p.is_yanked and not parsed.is_prerelease]
    if not archives:
        raise no_such_release()
    newest = max(parsed for parsed, _ in archives)
    best = min(
        (p for parsed, p in archives if parsed == newest), key=lambda p: (p.filename.endswith(".zip"), p.filename)
    )
    if "sha256" not in best.digests:
        raise RejectRecord("the registry gives no usable digest", "take another release", "digest_missing")
    return Release(str(best.version), best.url, {"sha256": best.digests["sha256"]})


def declared_license(metadata: bytes) -> str | None:
    r"""The licence that core metadata declares: License-Expression, else License, else the classifiers.

    >>> declared_license(b"Name: x\nLicense: MIT\nClassifier: License :: OSI Approved :: MIT License\n\n")
    'MIT'
    """
    fields = HeaderParser().parsestr(metadata.decode("utf-8", "replace"))
    for key in ("License-Expression", "License"):
        value = " ".join(str(fields.get(key, "")).split())
        if value and value.upper() != "UNKNOWN" and len(value) <= _LONGEST_LICENSE:
            return value
    classifiers = [str(value).strip() for value in fields.get_all("Classifier", [])]
    return "; ".join(value for value in classifiers if value.startswith("License ::"))[:_LONGEST_LICENSE] or None


def declared_sources(metadata: bytes) -> tuple[str, ...]:
    r"""Where core metadata say that the package is developed: its home page and addresses with a label that says so.

    >>> declared_sources(b"Name: x\nHome-page: https://x.org\nProject-URL: Source Code, https://github.com/a/x\n\n")
    ('https://github.com/a/x', 'https://x.org')
    """
    fields = HeaderParser().parsestr(metadata.decode("utf-8", "replace"))
    labelled = [str(value).partition(",")[::2] for value in fields.get_all("Project-URL", [])[:_MOST_ADDRESSES]]
    found = [address.strip() for label, address in labelled if re.sub("[^a-z]", "", label.lower()) in _LABELS]
    found.append(str(fields.get("Home-page", "")).strip())
    return tuple(sorted({address for address in found if 0 < len(address) <= _LONGEST_ADDRESS}))


def _parsed(version: str | None) -> Version | None:
    try:
        return Version(version or "")
    except InvalidVersion:
        return None
