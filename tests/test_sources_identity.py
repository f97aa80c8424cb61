"""Identities: what a line of the settings means, and which lines are refused before anything is asked."""

import pytest

from gleanery.records.errors import RejectRecord
from gleanery.records.readings import is_unreadable, readings
from gleanery.sources.hosts import is_plain
from gleanery.sources.identity import identify, web_address
from gleanery.sources.source import Source

NUMBERS = [
    "https://gitlab.com/api/v4/projects/278964/repository/archive.zip",
    "https://git.example.org/api/v4/projects/7/repository/archive.tar.gz?sha=main",
    "https://api.github.com/repositories/1300192/tarball/main",
]


def refused(source: Source) -> RejectRecord:
    with pytest.raises(RejectRecord) as caught:
        identify(source)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://git.example.org/api/v4/projects/group%2Fsub%2Flib/repository/archive.zip?sha=main", "sub/lib"),
        ("https://git.example.org/api/v1/repos/alice/lib/archive/main.tar.gz", "alice/lib"),
        ("https://example.org/gitea/api/v1/repos/alice/lib/archive/main.tar.gz", "alice/lib"),
        ("https://codeberg.org/api/v1/repos/alice/lib.git/archive/main.tar.gz", "alice/lib"),
        ("https://api.bitbucket.org/2.0/repositories/alice/lib/downloads/x.zip", "alice/lib"),
    ],
)
def test_an_archive_of_an_interface_is_named_after_its_repository(address: str, name: str) -> None:
    assert identify(Source("archive", address)).name == name


@pytest.mark.parametrize("address", NUMBERS)
def test_a_number_instead_of_a_name_is_refused_unless_a_name_is_given(address: str) -> None:
    assert "number" in refused(Source("archive", address)).message
    assert "number" in refused(Source("git", "/srv/lib", fork_of=address)).message
    identity = identify(Source("archive", address, name="gitlab.com/group/lib"))
    assert "gitlab.com/group/lib" in readings((identity.name, identity.url), identity.given).full
    assert not is_unreadable(identity.url)


LOGINS = [
    "https://oauth2:SECRET@gitlab.com/a/b.git",
    "https://SECRET@github.com/a/b",
    "git+https://x:SECRET@github.com/a/b",
    "ssh://git:SECRET@github.com/a/b",
    "git:SECRET@github.com:a/b",
    "SECRET@github.com/a/b",
    "//u:SECRET@github.com/a/b",
    "http:/u:SECRET@github.com/a/b",
    "https://web.archive.org/web/2020/https://u:SECRET@github.com/a/b",
    "https://web.archive.org/web/2020/https%3A%2F%2Fu%3ASECRET%40github.com/a/b",
]


@pytest.mark.parametrize("address", LOGINS)
def test_a_login_in_any_address_of_a_source_is_refused_and_not_repeated(address: str) -> None:
    sources = [
        Source("git", "/srv/lib", name=address),
        Source("git", "/srv/lib", fork_of=address),
        Source("npm", "lib", aliases=("a/b", address)),
    ]
    sources += [Source("git", address)] if address.startswith("https:") else []
    for source in sources:
        error = refused(source)
        assert error.code == "credentials_in_locator" and "SECRET" not in error.message + error.hint


def test_a_token_in_a_query_is_refused_where_it_would_be_written_down() -> None:
    address = "https://gitlab.com/api/v4/projects/a%2Fb/repository/archive.zip?sha=x&private_token=SECRET"
    for source in (Source("git", "/srv/lib", aliases=(address,)), Source("git", "/srv/lib", fork_of=address)):
        error = refused(source)
        assert error.code == "credentials_in_locator" and "SECRET" not in error.message + error.hint
    assert "SECRET" not in repr(identify(Source("archive", address)))


@pytest.mark.parametrize(
    "name",
    ["git@github.com:a/b", "ssh://git@github.com/a/b", "scm:git:ssh://git@github.com/a/b", "npm/@a/b", "pkg:npm/a@1.0"],
)
def test_what_only_looks_like_a_login_is_taken(name: str) -> None:
    assert name in identify(Source("git", "/srv/lib", name="a/b", aliases=(name,), fork_of=name)).aliases


def test_archives_that_differ_only_in_the_query_are_told_apart_by_name() -> None:
    address = "https://host.example/dl?token={}&file={}"
    one, two = (Source("archive", address.format("SECRET", file), name=file) for file in ("x/a", "x/b"))
    assert identify(one).repo_id != identify(two).repo_id
    assert identify(one) == identify(Source("archive", address.format("ANOTHER", "x/a"), name="x/a"))
    assert identify(one).url == "https://host.example/dl#x/a"
    assert identify(Source("archive", address.format("SECRET", "x/a"))).url == "https://host.example/dl"


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.2\\x.example/a/b",
        "http://127.0.0.2\\@x.example/a/b",
        "http://exa mple.org/a/b",
        "http://ex%61mple.org/a/b",
        "http://example.org\t.evil.example/a/b",
        "https://user@example.org/a/b",
        "http://[fe80::1%25eth0]/a/b",
        "http:///a/b",
    ],
)
def test_an_address_that_may_be_read_in_two_ways_is_refused(address: str) -> None:
    assert not is_plain(address)
    refused(Source("git", address))


def test_a_host_beyond_ascii_is_the_one_that_is_asked_or_refused() -> None:
    written = "https://B\u00fccher.example:8080/a/b"
    assert identify(Source("git", written)).url == "https://xn--bcher-kva.example:8080/a/b"
    assert web_address(written) == "https://xn--bcher-kva.example:8080/a/b"
    for host in ("fa\u00df.de", "\u03c2.example", "a\u200db.example", "\u2615.example"):
        assert "two ways" in refused(Source("git", f"https://{host}/a/b")).message
        assert is_unreadable(f"https://{host}/a/b")
