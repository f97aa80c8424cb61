"""Settings of the opt-out page: who runs it, which hosts it may contact, and how often one may ask.

In: nothing. Out: one frozen object. Every limit is a number of visits in a window of some seconds, and counts for one
client or for one request: nobody can use up what belongs to another, and so keep an owner from objecting.
"""

from dataclasses import dataclass

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
    trusted_proxies: tuple[str, ...] = ()  # addresses whose X-Forwarded-For is believed
    check_seconds: float = 20.0
    checks_at_once: int = 4
    largest_body: int = 16 * 1024  # bytes
    reads_per_client: Limit = Limit(240, 60)
    requests_per_client: Limit = Limit(20, 3600)
    requests_per_repository: Limit = Limit(30, 86_400)  # by one client
    changes_per_client: Limit = Limit(60, 3600)
    checks_per_client: Limit = Limit(30, 3600)
    checks_per_request: Limit = Limit(20, 3600)  # only who holds the receipt can ask for one
