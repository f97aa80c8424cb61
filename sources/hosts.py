"""Which hosts a download may be sent on to: never from outside of a network to a host inside.

In: the addresses of the web that a download went through. Out: whether the next one may be asked. An address that two
programs may read differently is none: what was checked here would not be the host that is asked. A host counts as
outside if all of its addresses are public, and as inside if none is; where a name cannot be looked up, nothing is known
of it, and that opens no way inside. Costs one look-up of a name for each hop.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from gleanery.records.hosts import is_plain_host

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Addresses that carry an IPv4 address in their last 32 bits: mapped, translated, compatible, NAT64.
_CARRIERS = [ipaddress.IPv6Network(net) for net in ("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96", "64:ff9b::/96")]
_INSIDE = [ipaddress.IPv6Network(net) for net in ("64:ff9b:1::/48", "fec0::/10")]
_AMBIGUOUS = re.compile(r"[\x00-\x1f\x7f\\]")


def is_plain(address: str) -> bool:
    """Whether every program reads the same host in an address, and it bears no login.

    >>> is_plain("https://example.org/a b?c"), is_plain("http://10.0.0.1\\\\x.example.org/"), is_plain("http://u@a.org")
    (True, False, False)
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    host = f"[{host}]" if ":" in host else host
    return is_plain_host(host) and "@" not in parts.netloc and not _AMBIGUOUS.search(address)


@dataclass(frozen=True)
class Host:
    """A host with what is known of it here: its addresses, none if it could not be looked up.

    `literal`: it is named by its address. `proxied`: a proxy is asked for it, which looks it up by itself.
    """

    addresses: tuple[str, ...] = ()
    literal: bool = False
    proxied: bool = False

    @property
    def is_inside(self) -> bool:
        """Whether it is known, and none of its addresses is public."""
        return bool(self.addresses) and not any(is_public([address]) for address in self.addresses)


def host_of(url: str) -> Host:
    """The host of an address of the web, looked up now."""
    name = urlsplit(url).hostname
    if not name:
        return Host()
    proxied = bool(select_proxy(url, get_environ_proxies(url)))
    if numeric := _addresses(name, socket.AI_NUMERICHOST):
        return Host(numeric, literal=True, proxied=proxied)
    return Host(_addresses(name), proxied=proxied)


def may_lead_to(way: Sequence[Host], target: Host) -> bool:
    """Whether a download that went a way may be sent on to a host.

    A host inside is for a way that never left the inside, and one that is named by its address for a way that began
    with an address. A name that nobody here can look up is left to the proxy that is asked for it, if the names on the
    way could not be looked up either.

    >>> outside, inside = Host(("93.184.215.14",)), Host(("10.0.0.1",))
    >>> may_lead_to([outside], outside), may_lead_to([inside], inside), may_lead_to([inside], outside)
    (True, True, True)
    >>> may_lead_to([outside], inside), may_lead_to([Host()], inside), may_lead_to([inside, outside], inside)
    (False, False, False)
    """
    if target.addresses and is_public(target.addresses):
        return True
    was_inside = all(host.is_inside for host in way)
    if target.literal:
        return was_inside and way[0].literal
    if not target.addresses:
        return target.proxied and (was_inside or not way[0].addresses)
    return was_inside


def is_public(addresses: Iterable[str]) -> bool:
    """Whether all addresses are reachable from everywhere; none at all is not.

    An IPv6 address that stands for one of IPv4 is what that is.

    >>> is_public(["93.184.215.14"]), is_public(["::ffff:127.0.0.1"]), is_public(["169.254.169.254"]), is_public([])
    (True, False, False, False)
    >>> is_public(["64:ff9b::7f00:1"]), is_public(["2002:a00:1::1"]), is_public(["64:ff9b::5db8:d70e"])
    (False, False, True)
    """
    parsed = [_plain(ipaddress.ip_address(address.partition("%")[0])) for address in addresses]
    return bool(parsed) and all(_is_global(address) for address in parsed)


def _is_global(address: Address) -> bool:
    inside = address.version == 6 and any(address in network for network in _INSIDE)
    return address.is_global and not address.is_multicast and not inside


def _plain(address: Address) -> Address:
    """The IPv4 address that one of IPv6 stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if any(address in network for network in _CARRIERS):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour or address


def _addresses(name: str, flags: int = 0) -> tuple[str, ...]:
    try:
        return tuple(sorted({str(found[4][0]) for found in socket.getaddrinfo(name, None, flags=flags)}))
    except (OSError, UnicodeError):
        return ()
