"""Network addresses: IPv4 and IPv6.

In: a source. Out: hits on addresses that may lead to a person or a machine. Left: private, loopback, link-local,
documentation and reserved networks, public resolvers (the list is in `rules.toml`), version numbers, `a::b` of C++.
Every candidate is read by `ipaddress`, so a leading zero or an octet over 255 is no address.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from ipaddress import collapse_addresses, ip_address
from posixpath import basename

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.rules import load_rules
from gleanery.privacy.source import Source

NAME, ENTITIES = "network_address", ("IP_ADDRESS",)
GATES = {
    "ipv4": Condition(r"[0-9]\.[0-9]{1,3}\.[0-9]"),
    "ipv6": Condition(r"[23][0-9A-Fa-f]{3}:", (b":",)),
}

_V4 = compile_pattern(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
# Only 2000::/3 is assigned to the public, and no name of a programming language starts with a digit.
_V6 = compile_pattern(r"\b[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{1,34}(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3})?")
# A comparison, a product token (Browser/91.0.4472.114), a program's file as in a list of what is shipped, a year and a
# bracket as in a list of releases, or the number before it in a list of fractions such as a path of SVG.
_VERSION_BEFORE = re.compile(
    rb"(?:[<~^vV]|[=><!~]=|~>)[ \t]*$|\w/$|\b(?:19|20)\d\d[ \t]?\($|(?<![\d.])-?\d*\.\d+(?:-\d*\.\d+|\.\d+)?[ ,]$"
    rb"|\w\.(?:exe|dll|sys|ocx)[ \t]+$|\bRFC[ -]?\d{3,5},?[ ]$|\b(?:before|through|prior to)[ ]$"
)
# A value whose name says that it is a number in a list: `dbkey="2.40.128.90"`, `<vers num="9.0.124.0"/>`.
_NUMBER_NAME = re.compile(
    rb"(?i)\b\w{0,20}(?:key|num|number|code|class|section)\\?[\"']?[ \t]{0,3}[=:][ \t]{0,3}\\?[\"']$"
)
# The number of a section and its title, in quotes: `"13.2.5.69 Attribute name state"`.
_TITLE = re.compile(rb"[ ][A-Z][A-Za-z]*[ ][A-Za-z]")
# "5.0.3.100 or later", "(5.0.3.100) and newer"
_VERSION_BEHIND = re.compile(rb"\)?[ ](?:or|and)[ ](?:later|newer|above|higher|older|earlier|below|up)\b")
# A package and its version, as Spack writes them (`gcc@8.3.1.1`), but for what goes to another machine.
_PACKAGE = re.compile(rb"(?:^|[\s\"'`%^,=(\[])[a-z][a-z0-9\-]{0,30}@$")
_REMOTE = {"ssh", "scp", "sftp", "rsync", "ping", "telnet", "host", "user", "login"}
# Files that list packages: an address there would say so.
_LISTS_VERSIONS = re.compile(
    r".*\.lock|.*-lock\.(json|yaml)|requirements.*\.txt|gemfile.*|.*\.gemspec|.*\.(cs|vb|fs)proj|.*\.nuspec|packages\.config"
    r"|pom\.xml|package\.json|build\.gradle.*|changelog.*|changes.*|history.*|release.*|assemblyinfo.*"
)
_WORD = compile_pattern(r"[A-Za-z][A-Za-z0-9]{0,20}")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    for found in _V4.finditer(source.raw) if "ipv4" in source.present else ():
        start, end, text = found.start(), found.end(), bytes(found.group()).decode()
        if source.after(end, 8).lower() == b".in-addr":
            text = ".".join(reversed(text.split(".")))  # the name of an address begins with its last number
        if _is_public(text) and _stands_alone(source, start, end) and not _is_version(source, text, start, end):
            yield Hit(start, end, "IP_ADDRESS", "ipv4_address", 0.8)
    for found in _V6.finditer(source.raw) if "ipv6" in source.present else ():
        text = bytes(found.group()).decode().rstrip(":")
        start, end = found.start(), found.start() + len(text)
        if source.raw[start - 1 : start] != b":" and _is_public(text) and _stands_alone(source, start, end):
            yield Hit(start, end, "IP_ADDRESS", "ipv6_address", 0.9)


@cache
def _left_ranges(version: int) -> tuple[list[int], list[int]]:
    """First and last addresses, as numbers, of the networks that are left; sorted, and none inside another."""
    spans = sorted(
        (int(network.network_address), int(network.broadcast_address))
        for network in collapse_addresses([n for n in load_rules().networks if n.version == version])  # type: ignore[type-var]
    )
    return [first for first, _ in spans], [last for _, last in spans]


def _is_public(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if address.version == 4 and (len(set(address.packed)) == 1 or address.packed[2:] == b"\0\0"):
        return False  # 40.40.40.40: people write it to mean "some address"; 62.30.0.0 is a network and no machine
    firsts, lasts = _left_ranges(address.version)
    place = bisect_right(firsts, int(address)) - 1
    return place < 0 or lasts[place] < int(address)


def _stands_alone(source: Source, start: int, end: int) -> bool:
    """Nothing touches the address that would make it a part of a longer number or name."""
    before = source.raw[max(0, start - 2) : start].decode("latin-1")
    after = source.raw[end : end + 2].decode("latin-1")
    if before[-1:].isalnum() or before[-1:] in ("_", ".") or before[-1:] in ("-", "+") and before[:1].isalnum():
        return False
    if after[:1].isalnum() or after[:1] == "_":
        return False
    return not (after[:1] == "." and after[1:].isdigit() or after[:1] in ("-", "+") and after[1:].isalpha())


def _is_range(before: bytes, after: bytes) -> bool:
    """An end of a range of versions that is open on one side: `[7.1.0.245,)`, `(,7.1.0.245]`, `[7.1.0.245,8)`."""
    if before.endswith(b"["):
        return re.match(rb",\s?[0-9.]{0,11}\)", after) is not None
    return before.endswith(b"(") and after[:2] == b",)" or before.endswith(b"(,") and after[:1] in (b"]", b")")


def _is_version(source: Source, text: str, start: int, end: int) -> bool:
    """The line speaks of versions or lists numbers; or the numbers are small and nothing speaks of an address."""
    before, after = source.before(start, 60), source.after(end, 12)
    words = load_rules().words
    near = [bytes(found.group()).decode().lower() for found in _WORD.finditer(before)]
    if _VERSION_BEFORE.search(before) or not words["version_words"].isdisjoint(near[-3:]):
        return True
    if _is_range(before, after) or _VERSION_BEHIND.match(source.after(end, 24)):
        return True
    is_package = _PACKAGE.search(before) is not None and not _REMOTE & set(near)
    if before.endswith((b"//", b"@")) and not is_package or after[:1] in (b":", b"/") and after[1:2].isdigit():
        return False  # a URL, an account, a port, a prefix length
    if _LISTS_VERSIONS.fullmatch(basename(source.path.lower())):
        return True
    if after[:1] == b"]" and re.search(rb"[vV_\-]" + re.escape(text.encode()) + rb"(?![0-9])", source.after(end, 200)):
        return True  # a link to that version
    octets = [int(octet) for octet in text.split(".")]
    if octets[0] < 10 and _NUMBER_NAME.search(before):
        return True
    if octets[0] < 32 and max(octets) < 100 and before[-1:] in (b'"', b"'") and _TITLE.match(source.after(end, 24)):
        return True
    small = max(octets) < 32 or octets[0] < 10 and max(octets) < 100
    return small and words["address_words"].isdisjoint(near[-5:])
