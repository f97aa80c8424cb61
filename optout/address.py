"""Addresses: which place a check may contact, decided before a byte is sent.

In: the clone URL of a repository. Out: a target whose URL was put together anew and whose IP addresses are fixed, so
that a name which changes its address between check and use changes nothing. Anything doubtful is refused. Costs one
look-up of the name.
"""

import ipaddress
import re
import socket
import threading
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from gleanery.records.errors import RejectRecord

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST_URL = 1024
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_PATH = re.compile(r"(/[A-Za-z0-9._~@+-]{1,128}){1,16}")
# A last label of digits (or 0x...) makes a name that some parsers take for an address, such as 127.1 or 2130706433.
_LIKE_A_NUMBER = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)")
# Addresses that carry another one inside, and names of the machine's own surroundings in clouds.
_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "168.63.129.16/32")
)


# The name itself is unknown; any other error of a look-up is about the servers that were asked.
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


@dataclass(frozen=True)
class Target:
    """A place that may be contacted: the URL to give to git, and the pin that fixes the name's addresses."""

    url: str
    scheme: str
    pin: str  # HOST:PORT:ADDRESS[,ADDRESS], or empty where the host is an address already


def safe_target(clone_url: str, *, allow_local: bool, seconds: float) -> Target:
    """The target behind a clone URL. Raises RejectRecord: address_refused, host_not_found or not_reachable.

    Only https on port 443 at global addresses is allowed. `allow_local` also allows http, other ports, and private
    and loopback addresses: for tests and for a forge inside one's own network. Nothing allows link-local ones.
    """
    scheme, host, port, path = _parts(clone_url, allow_local)
    addresses = _addresses(host, port, seconds)
    if not all(_allowed(address, allow_local) for address in addresses):
        raise _refused()
    literal = _literal(host)
    shown = f"[{host}]" if isinstance(literal, ipaddress.IPv6Address) else host
    default = {"https": 443, "http": 80}[scheme]
    url = f"{scheme}://{shown}{'' if port == default else f':{port}'}{path}"
    listed = ",".join(f"[{a}]" if a.version == 6 else str(a) for a in addresses)
    return Target(url, scheme, "" if literal else f"{host}:{port}:{listed}")


def redirected(location: str, url: str) -> str | None:
    """The repository's address in a redirect that answered git at this URL; None if it is not one of the same host.

    >>> redirected("/new/lib.git/info/refs?service=git-upload-pack", "https://forge.example/old/lib.git")
    'https://forge.example/new/lib.git'
    >>> redirected("https://evil.example/old/lib/info/refs", "https://forge.example/old/lib") is None
    True
    """
    try:
        here, there = urlsplit(url), urlsplit(urljoin(f"{url}/info/refs", location))
    except ValueError:
        return None
    same = (there.scheme, there.netloc) == (here.scheme, here.netloc) and there.path.endswith("/info/refs")
    return f"{here.scheme}://{here.netloc}{there.path.removesuffix('/info/refs')}" if same else None


def check_form(clone_url: str, *, allow_local: bool) -> None:
    """RejectRecord if no check would contact this URL, whatever its host's addresses are."""
    _parts(clone_url, allow_local)


def _parts(text: str, allow_local: bool) -> tuple[str, str, int, str]:
    if len(text) > LONGEST_URL or not text.isascii() or not text.isprintable() or re.search(r"[\s\\%]", text):
        raise _refused()
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise _refused() from None
    schemes = ("https", "http") if allow_local else ("https",)
    if parts.scheme not in schemes or "@" in parts.netloc or parts.query or parts.fragment or "#" in text:
        raise _refused()
    port = port if port is not None else {"https": 443, "http": 80}[parts.scheme]
    if not 0 < port < 65_536 or (port != 443 and not allow_local):
        raise _refused()
    if not _literal(host) and (not _HOST.fullmatch(host) or _LIKE_A_NUMBER.fullmatch(host)):
        raise _refused()
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or any(segment in (".", "..") for segment in path.split("/")):
        raise _refused()
    return parts.scheme, host, port, path


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _addresses(host: str, port: int, seconds: float) -> list[Address]:
    """All addresses of the name, sorted. The system's look-up has no time limit of its own, so it gets a thread."""
    found: list[Address] = []
    unknown: list[str] = []

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror as problem:
            unknown.extend([host] if problem.errno in _NO_SUCH_NAME else [])
            return
        except UnicodeError:
            unknown.append(host)
            return
        except OSError:
            return
        found.extend(sorted({ipaddress.ip_address(str(row[4][0])) for row in rows}, key=lambda a: (a.version, int(a))))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive() or not (found or unknown):
        raise RejectRecord("no server of names answered", "try again later", "not_reachable")
    if not found:
        raise RejectRecord("the host has no address", "check the spelling of the repository's host", "host_not_found")
    return found


def _allowed(address: Address, allow_local: bool) -> bool:
    """Whether an address may be contacted.

    >>> _allowed(ipaddress.ip_address("140.82.121.3"), allow_local=False)
    True
    >>> _allowed(ipaddress.ip_address("::ffff:169.254.169.254"), allow_local=True)
    False
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id or address.is_site_local:
            return False
        if address.ipv4_mapped:
            return _allowed(address.ipv4_mapped, allow_local)
    loopback = address.is_loopback
    if any(address in net for net in _REFUSED if net.version == address.version) and not loopback:
        return False
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if allow_local:
        return loopback or address.is_private or address.is_global
    return address.is_global and not address.is_private and not loopback and not address.is_reserved


def _refused() -> RejectRecord:
    return RejectRecord(
        "this address may not be contacted",
        "only https addresses of known forges are, without a user name, a port or a query",
        "address_refused",
    )
