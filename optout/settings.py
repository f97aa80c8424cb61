"""Settings of the opt-out page: who runs it, which hosts it may contact, and how often one may ask.

In: what an operator wrote. Out: one frozen object, in the form in which it is compared, or an error with a way out. A
limit is a number of visits in a window of some seconds, and counts for one client or for one request: nobody can use up
what belongs to another, and so keep an owner from objecting.
"""

import ipaddress
import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from gleanery.records.errors import RejectRecord, WrongArguments
from gleanery.records.names import host_and_path

KNOWN_FORGES = ("github.com", "gist.github.com", "gitlab.com", "codeberg.org", "bitbucket.org", "git.sr.ht")


@dataclass(frozen=True)
class Limit:
    """At most `visits` in each window of `seconds`."""

    visits: int
    seconds: int


@dataclass(frozen=True)
class WebSettings:
    """Everything an operator can set. `docs/reference/optout.md` explains each."""

    dataset: str = "this dataset"  # its name, as it stands on the pages and in the challenge files
    contact: str = ""  # how to reach a person: an address or a URL, shown as text
    public_url: str = ""  # such as https://optout.example.org; empty means whatever host the visitor used
    forges: tuple[str, ...] = KNOWN_FORGES
    extra_hosts: tuple[str, ...] = ()  # further hosts that may be contacted, with :PORT if it is not 443
    allow_local: bool = False  # let checks use http and private addresses: for tests and forges inside one's network
    trusted_proxies: tuple[str, ...] = ()  # addresses or networks whose X-Forwarded-For is believed
    check_seconds: float = 20.0
    checks_at_once: int = 4
    largest_body: int = 16 * 1024  # bytes
    reads_per_client: Limit = Limit(240, 60)
    requests_per_client: Limit = Limit(20, 3600)
    requests_per_repository: Limit = Limit(30, 86_400)  # by one client
    changes_per_client: Limit = Limit(60, 3600)
    checks_per_client: Limit = Limit(30, 3600)
    checks_per_request: Limit = Limit(20, 3600)  # only who holds the receipt can ask for one


def in_form(settings: WebSettings) -> WebSettings:
    """The settings as the page compares them. WrongArguments for those with which it could not work.

    >>> in_form(WebSettings(extra_hosts=("https://Git.Example.org/",))).extra_hosts
    ('git.example.org',)
    >>> in_form(WebSettings(public_url="https://Example.org:443/")).public_url
    'https://example.org'
    """
    networks = tuple(_network(text.strip()) for text in settings.trusted_proxies)
    return replace(
        settings,
        public_url=_site(settings.public_url.strip()) if settings.public_url else "",
        extra_hosts=tuple(_host(text.strip(), settings.allow_local) for text in settings.extra_hosts),
        trusted_proxies=("*",) if "*" in networks else networks,
    )


def _site(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc or re.search(r"[?#]", url):
        raise WrongArguments("the public address of the page cannot be read", "write it as https://optout.example.org")
    if parts.path.strip("/"):
        raise WrongArguments(
            "the page cannot live below a path", "give it a host of its own: https://optout.example.org"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = port in (None, {"https": 443, "http": 80}[parts.scheme])
    return f"{parts.scheme}://{host}" if usual else f"{parts.scheme}://{host}:{port}"


def _host(text: str, allow_local: bool) -> str:
    try:
        _, host, path = host_and_path(text if "://" in text else f"https://{text}")
    except RejectRecord:
        raise WrongArguments("the name of a forge cannot be read", "write it as HOST or HOST:PORT") from None
    if path or "@" in text:
        raise WrongArguments("a forge is a host, without a path", "write it as HOST or HOST:PORT")
    if ":" in host.rpartition("]")[2] and not allow_local:
        raise WrongArguments("checks contact port 443 only", "add --allow-local for a forge at another port")
    return host


def _network(text: str) -> str:
    try:
        return text if text == "*" else str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        hint = "write an address or a network, as in 10.0.0.0/8, or * for all"
        raise WrongArguments("a trusted proxy cannot be read", hint) from None
