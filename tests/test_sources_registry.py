"""Packages of registries: which release is chosen, what its metadata declare, and two real ones over the network."""

import hashlib
import shutil
from pathlib import Path

import pytest
from pypi_simple import ProjectPage

from gleanery.records.errors import RejectRecord, TryAgain
from gleanery.sources import deadline, npm, pypi
from gleanery.sources.deadline import Deadline
from gleanery.sources.downloads import downloads_of
from gleanery.sources.reading import Facts, Limits, Source, forget_source, identify, open_source
from gleanery.sources.releases import Release, fetch_release


def page(*files: str, yanked: tuple[str, ...] = ()) -> ProjectPage:
    """An index page as a registry serves it, of the project `tool`."""
    rows = [
        {"filename": name, "url": f"files/{name}", "hashes": {"sha256": f"{number:064x}"}, "yanked": name in yanked}
        for number, name in enumerate(files)
    ]
    return ProjectPage.from_json_data({"meta": {"api-version": "1.0"}, "name": "tool", "files": rows}, "https://r/")


def test_the_newest_release_that_is_neither_yanked_nor_early_is_chosen() -> None:
    listed = page(
        "tool-1.9.tar.gz",
        "tool-1.10.zip",
        "tool-1.10.tar.gz",
        "tool-1.11.tar.gz",
        "tool-2.0rc1.tar.gz",
        "tool-3.0-py3-none-any.whl",
        yanked=("tool-1.11.tar.gz",),
    )
    chosen = pypi.chosen(listed.packages, None)
    assert (chosen.version, chosen.url) == ("1.10", "https://r/files/tool-1.10.tar.gz")
    assert chosen.digests == {"sha256": f"{2:064x}"}
    assert pypi.chosen(listed.packages, "1.11").version == "1.11"
    assert pypi.chosen(listed.packages, "2.0.rc1").version == "2.0rc1"


@pytest.mark.parametrize("version", [None, "3.0", "4.0", "not a version"])
def test_a_release_without_source_archive_is_not_taken(version: str | None) -> None:
    with pytest.raises(RejectRecord) as caught:
        pypi.chosen(page("tool-3.0-py3-none-any.whl", "tool-5.0a1.tar.gz").packages, version)
    assert caught.value.code == "no_release"


JSON_INDEX = b"""{"meta": {"api-version": "1.0"}, "name": "tool", "files":
  [{"filename": "tool-1.0.tar.gz", "url": "/files/tool-1.0.tar.gz", "hashes": {"sha256": "aa"}}]}"""
PAGE_INDEX = b'<a href="/files/tool-1.0.tar.gz#sha256=aa">tool-1.0.tar.gz</a>'


@pytest.mark.parametrize(
    ("kind", "index"), [("application/vnd.pypi.simple.v1+json", JSON_INDEX), ("text/html; charset=utf-8", PAGE_INDEX)]
)
def test_an_index_is_read_in_the_form_that_the_registry_gives(
    kind: str, index: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pypi, "fetch_bytes", lambda *_: (index, kind))
    found = pypi.find_release("tool", None, Deadline(1))
    assert (found.version, found.url.rpartition("/files/")[2], found.digests) == (
        "1.0",
        "tool-1.0.tar.gz",
        {"sha256": "aa"},
    )


@pytest.mark.parametrize(
    ("fields", "declared"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: other", "MIT OR Apache-2.0"),
        ("License: BSD-3-Clause", "BSD-3-Clause"),
        (
            "License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License",
            "License :: OSI Approved :: MIT License",
        ),
        ("License: " + "the whole text " * 40 + "\nClassifier: License :: X", "License :: X"),
        ("Classifier: License :: X\nClassifier: License :: Y", "License :: X; License :: Y"),
        ("Classifier: Topic :: Y", None),
        ("Summary: none\n\nLicense: only in the body", None),
    ],
)
def test_the_license_of_core_metadata_is_taken_in_order(fields: str, declared: str | None) -> None:
    assert pypi.declared_license(f"Metadata-Version: 2.4\nName: tool\n{fields}\n".encode()) == declared


@pytest.mark.parametrize(
    ("package", "declared"),
    [
        (b'{"license": "MIT"}', "MIT"),
        (b'{"license": {"type": "ISC", "url": "x"}}', "ISC"),
        (b'{"licenses": [{"type": "MIT"}, {"type": "GPL-2.0"}]}', "MIT OR GPL-2.0"),
        (b'{"license": 7}', None),
        (b"{}", None),
        (b"[]", None),
        (b"not json", None),
        (b"[" * 100_000, None),
    ],
)
def test_the_license_of_a_package_json_is_taken_in_any_form(package: bytes, declared: str | None) -> None:
    assert npm.declared_license(package) == declared


@pytest.mark.parametrize(
    ("address", "sources"),
    [
        ('" https://github.com/a/b "', ("https://github.com/a/b",)),
        (f'"https://github.com/a/{"b" * 2000}"', ()),
        ('" "', ()),
        ('{"url": 7}', ()),
    ],
)
def test_an_address_of_a_package_json_is_taken_as_far_as_it_is_one(address: str, sources: tuple[str, ...]) -> None:
    assert npm.declared_sources(f'{{"repository": {address}}}'.encode()) == sources


def test_an_npm_release_needs_a_strong_digest() -> None:
    files = {"tarball": "https://r/tool-1.0.0.tgz", "integrity": "sha1-AAAA sha512-AP8="}
    index = {"dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": {"dist": files}}}
    assert npm.chosen(index, None).digests == {"sha512": "00ff"}
    for integrity, version, code in (
        ("sha1-AAAA", None, "digest_missing"),
        ("sha512-?", None, "digest_missing"),
        ("sha512-AP8=", "2.0.0", "no_release"),
    ):
        with pytest.raises(RejectRecord) as caught:
            npm.chosen({**index, "versions": {"1.0.0": {"dist": {**files, "integrity": integrity}}}}, version)
        assert caught.value.code == code


def test_packages_are_named_without_a_registry() -> None:
    assert (identify(Source("pypi", "Typing_Extensions")).name) == "pypi/typing-extensions"
    assert identify(Source("pypi", "six")).url == "pkg:pypi/six"
    assert identify(Source("npm", "@Scope/tool")).name == "npm/@Scope/tool"
    for kind, name in (("pypi", "../six"), ("pypi", "six/x"), ("npm", "@a/../b"), ("npm", "a/b/c"), ("npm", "a?b")):
        with pytest.raises(RejectRecord):
            identify(Source(kind, name))


RELEASES = [
    ("pkg:npm/left-pad", "1.0.0"),
    ("pkg:npm/left-pad", "1.1.0"),
    ("pkg:npm/left-pad", "2.0.0"),
    ("pkg:npm/left-pad-2", "1.1.0"),
]


def test_an_objection_clears_every_version_of_a_package_and_no_other_package(tmp_path: Path) -> None:
    found = {(purl, version): tmp_path / "files" / f"{n}.tgz" for n, (purl, version) in enumerate(RELEASES)}
    for n, ((purl, version), path) in enumerate(found.items()):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"archive %d" % n)
        digests = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        folder = downloads_of(purl, tmp_path / "cache")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / digests["sha256"])
        release = Release(version, "https://registry.invalid/x", digests)
        asked = None if version == "2.0.0" else version
        fetch_release(purl, asked, lambda r=release: r, Limits(), tmp_path / "cache", Deadline(9))  # type: ignore[misc]
    forget_source(Source("npm", "left-pad", version="1.1.0"), tmp_path / "cache")
    left = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert sorted(path.read_bytes() for path in left if path.suffix != ".json") == [b"archive 3"]
    assert len(left) == 2


def test_a_package_that_was_damaged_in_the_cache_is_asked_for_again(tmp_path: Path) -> None:
    content = b"archive"
    release = Release("1.0", "https://registry.invalid/x", {"sha256": hashlib.sha256(content).hexdigest()})
    path = downloads_of("pkg:npm/x", tmp_path) / release.digests["sha256"]
    path.parent.mkdir(parents=True)
    asked: list[int] = []

    def find() -> Release:
        asked.append(1)
        path.write_bytes(content)
        return release

    for damage in (
        lambda: None,
        lambda: path.write_bytes(b"else"),
        lambda: next(tmp_path.glob("r*/*/*")).write_bytes(b""),
    ):
        damage()
        for _ in range(2):
            version, file = fetch_release("pkg:npm/x", "1.0", find, Limits(), tmp_path, Deadline(9))
            with file:
                assert (version, file.read()) == ("1.0", content)
    assert len(asked) == 3 and path.read_bytes() == content


@pytest.mark.network
def test_a_real_python_package_is_read_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("pypi", "six", version="1.17.0")
    with open_source(source, Limits(), tmp_path) as reading:
        entries = {entry.path: entry for entry in reading.entries()}
        facts = reading.facts
    digest = "ff70335d468e7eb6ec65b95b99d3a2836546063f63acc5171de367e834932a81"
    assert facts == Facts("1.17.0", None, None, "MIT", digest, None, ("https://github.com/benjaminp/six",))
    assert b"__version__ = " in (entries["six.py"].content or b"") and "setup.py" in entries
    _cut_off(monkeypatch)
    with open_source(source, Limits(), tmp_path) as reading:
        assert {entry.path: entry for entry in reading.entries()} == entries and reading.facts == facts


@pytest.mark.network
def test_a_real_javascript_package_is_read_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("npm", "is-number", version="7.0.0")
    with open_source(source, Limits(), tmp_path) as reading:
        entries = {entry.path: entry for entry in reading.entries()}
        facts = reading.facts
    assert sorted(entries) == ["LICENSE", "README.md", "index.js", "package.json"]
    assert (facts.version, facts.declared_license) == ("7.0.0", "MIT")
    _cut_off(monkeypatch)
    with open_source(source, Limits(), tmp_path) as reading:
        assert {entry.path: entry for entry in reading.entries()} == entries
    forget_source(source, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def _cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send every further request to a port where nobody listens."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(deadline, "RETRY_AFTER", (0.01, 0.01))
    with pytest.raises(TryAgain):
        open_source(Source("npm", "is-odd", version="3.0.1"), Limits(seconds=20), Path("never-made"))
