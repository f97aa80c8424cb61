"""Unarmoured keys: private keys in base64 without the lines BEGIN and END, as programs of Java and settings hold them.

In: a source. Out: hits on the encoded words from one that begins as a private key must, to the length that its first
bytes tell: PKCS #1 and #8 (RSA, elliptic curves, Ed25519, also encrypted) and OpenSSH. These beginnings are fixed by
the formats, so no name has to say what the value is. Public keys and certificates begin in other ways. One pass.
"""

import binascii
from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.private_keys import joined
from gleanery.privacy.source import Source

NAME, ENTITIES = "unarmoured_private_key", ("PRIVATE_KEY",)

# The first characters of each form: a sequence, its length, the version, and what identifies the algorithm.
_LONG = "MII[A-Za-z0-9+/]{2}"
_BEGINS = (
    rf"{_LONG}[AQgw]IBADANBgkqhkiG9w0BAQEFAASC",  # PKCS #8, RSA
    rf"{_LONG}[AQgw]IBAA(?:KC|KB|JB)",  # PKCS #1
    rf"{_LONG}[DTjz][A-Za-z0-9+/]{{2}}BgkqhkiG9w0BBQ0w",  # PKCS #8, encrypted
    "MI[GH][A-Za-z0-9+/]AgEAMB[MAQ]GByqGSM49AgE",  # PKCS #8, elliptic curves
    "M(?:HcC|HQC|DEC)AQEEI|MIGkAgEBBD|MIHcAgEBBEI",  # SEC 1
    "MC4CAQAwBQYDK2V[uw]BCIEI|MEcCAQAwBQYDK2VxBDsEO",  # Ed25519, X25519, Ed448
    "b3BlbnNzaC1rZXktdjEA",  # OpenSSH
)
_KEYWORDS = (b"ibadanbgkqhkig9w0baqefaasc", b"ibaakc", b"ibaakb", b"ibaajb", b"bgkqhkig9w0bbq0w", b"gbyqgsm49age") + (
    (b"aqeei", b"migkagebbd", b"mihcagebbei", b"caqawbqydk2v", b"b3blbnnzac1rzxktdjea")
)
GATES = {NAME: Condition("|".join(_BEGINS), _KEYWORDS)}

LONGEST = 64 << 10  # characters
SHORTEST = 60  # characters; what is cut shorter stands for a key in a text about them
SHORTEST_LINE = 32  # of a key that goes on in the next literal or line
FIRST_GROUP = 1 << 48  # behind all groups of the other recognisers
_BEGIN = compile_pattern("|".join(_BEGINS))
_WORD = compile_pattern("[A-Za-z0-9+/]+={0,2}")
# Between two lines of one key: line ends, as they are or as strings write them, and what a language puts around a line.
# `+` is an encoded character too: it joins strings only where a blank or a quote follows.
_BETWEEN = compile_pattern(r"(?:\\+[nr]|[ \t\r\n\"'`,;.\\|#*>]|\+[ \t\r\n\"'])+")
_MIXED = tuple(compile_pattern(letters) for letters in ("[A-Z]", "[a-z]", "[0-9+/=]"))
_LONGEST_GAP = 80
_ENCODED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/_-")
_ONE_ENCODED = frozenset(bytes((byte,)) for byte in _ENCODED)


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    raw, place = source.raw, 0
    for number, begin in enumerate(_BEGIN.finditer(raw)):
        start = begin.start()
        is_escaped = raw[start - 2 : start] in (b"\\n", b"\\r")
        if start < place or start and raw[start - 1] in _ENCODED and not is_escaped:
            continue
        words = _words_from(raw, start)
        place = words[-1][1]
        if sum(end - first for first, end in words) >= SHORTEST:
            for first, end in joined(raw, words):
                yield Hit(first, end, "PRIVATE_KEY", "unarmoured_private_key", 0.9, FIRST_GROUP + number)


def _words_from(raw: bytes, start: int) -> list[tuple[int, int]]:
    """The words of the key that begins at a place: lines of one width, and a last one that ends it."""
    wanted, words, width, size = _length(raw[start : start + 8]), [], 0, 0
    while True:
        end = next(_WORD.finditer(raw, start, start + LONGEST)).end()
        if width and end - start != width and not _is_last(raw, start, end, wanted and wanted - size):
            break
        words.append((start, end))
        size += end - start
        gap = next(_BETWEEN.finditer(raw, end, end + _LONGEST_GAP), None)
        is_over = wanted and size >= wanted or size >= LONGEST or end - start < (width or SHORTEST_LINE)
        if is_over or gap is None or gap.start() != end or raw[gap.end() : gap.end() + 1] not in _ONE_ENCODED:
            break
        width, start = end - start, gap.end()
    return words


def _is_last(raw: bytes, start: int, end: int, missing: int) -> bool:
    """A shorter line ends the key, if it is as long as what is missing; where that is not known, if it is no word."""
    if missing:
        return abs(end - start - missing) <= 3
    return raw[end - 1 : end] == b"=" or all(kind.search(raw, start, end) is not None for kind in _MIXED)


def _length(begin: bytes) -> int:
    """How many characters the whole key has, by the length in its first bytes; 0 if these do not tell.

    >>> _length(b"MIIEvgIB"), _length(b"MC4CAQAw"), _length(b"b3BlbnNz")
    (1624, 64, 0)
    """
    head = binascii.a2b_base64(begin)
    if head[0] != 0x30:
        return 0
    extra = head[1] - 0x80 if head[1] > 0x80 else 0
    size = int.from_bytes(head[2 : 2 + extra], "big") + 2 + extra if extra else head[1] + 2
    return -(-size // 3) * 4
