"""Passwords by their place in a call that everybody knows: `server.login(mail, "…")`, `mysqli_connect(…, "…")`.

In: a source. Out: hits for the values only. The calls and the place of the password among their arguments, from 0, are
data (`password_arguments` in rules.toml). The place says that it is a password, and the value whether it is one. A text
without such a call costs nothing more.
"""

import re
from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.literals import quoted_span
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.rules import load_rules
from gleanery.privacy.source import Source
from gleanery.privacy.strings import is_between_strings
from gleanery.privacy.values import entropy, is_password

NAME, ENTITIES = "call_position", ("PASSWORD", "KEY")
_PLACES = {name: int(at) for name, _, at in (w.rpartition("@") for w in load_rules().words["password_arguments"])}
# So many bytes before the argument that is wanted; calls that are longer are not read.
_MOST = 400
_CALLS = "|".join(sorted(map(re.escape, _PLACES), key=len, reverse=True))
# `auth=("user", "…")` of clients in Python, and a call to log in of something that mails, or with a mail address.
_PAIR, _LOGIN, _WALLET = r"\b(?:http_?|basic_?)?auth[ \t]?=[ \t]?\(", r"\.login[ \t]?\(", r"\bwallet[ \t]?\("
_CALL = rf"\b({_CALLS})[ \t]?!?\("
GATES = {
    "call_known": Condition(_CALL, tuple(name.encode() for name in _PLACES), True),
    "call_pair": Condition(_PAIR, (b"auth",), True),
    "call_login": Condition(_LOGIN, (b".login",), True),
    "call_wallet": Condition(_WALLET, (b"wallet",), True),
}
_KNOWN = compile_pattern(f"(?i){_CALL}")
_PAIRS = compile_pattern(f"(?i){_PAIR}")
_LOGINS = compile_pattern(rf"(?i)([\w.\]\)]{{0,40}}){_LOGIN}")
_WALLETS = compile_pattern(f"(?i){_WALLET}")
_MAILS = re.compile(rb"(?i)\b(?:smtp\w*|mail\w*|imap\w*|server|cy|gmail|session)$")
_BLANKS = re.compile(rb"\s{0,120}")
_QUOTES = re.compile(rb"[\\\"'`]{1,4}")
# An argument that is no literal, or an empty one: a name, a number, a call without literals.
_ARGUMENT = re.compile(rb"\"\"|''|[^,()\"'`\n]{1,100}(?:\([^()\n]{0,100}\)[^,()\"'`\n]{0,60}){0,2}")
_NEXT, _LAST = re.compile(rb"\s{0,60},"), re.compile(rb"\s{0,60}[,)]")
_PRIVATE_KEY = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes; hits may overlap."""
    raw, present = source.raw, source.present
    for found in _KNOWN.finditer(raw) if "call_known" in present else ():
        yield from _judged(source, _argument(raw, found.end(), _PLACES[found.group(1).decode().lower()]))
    for found in _PAIRS.finditer(raw) if "call_pair" in present else ():
        yield from _judged(source, _argument(raw, found.end(), 1))
    for found in _LOGINS.finditer(raw) if "call_login" in present else ():
        first = _argument(raw, found.end(), 0)
        if _MAILS.search(found.group(1)) or (first is not None and b"@" in raw[first[0] : first[1]]):
            yield from _judged(source, _argument(raw, found.end(), 1))
    for found in _WALLETS.finditer(raw) if "call_wallet" in present else ():
        span = _argument(raw, found.end(), 0)
        key = raw[span[0] : span[1]].decode("utf-8", "replace") if span else ""
        if span and _PRIVATE_KEY.fullmatch(key) and entropy(key) > 3:
            yield Hit(*span, "KEY", "wallet_key", 0.8)


def _judged(source: Source, span: tuple[int, int] | None) -> Iterator[Hit]:
    value = source.raw[span[0] : span[1]].decode("utf-8", "replace") if span else ""
    if span and is_password(value, True) and not is_between_strings(source, span):
        yield Hit(*span, "PASSWORD", "password_argument", 0.7)


def _argument(raw: bytes, place: int, wanted: int) -> tuple[int, int] | None:
    """The inside of the literal that is one argument of a call whose first begins at `place`, and which is whole.

    >>> _argument(b'f(host(), "a,b", "c")', 2, 1), _argument(b'f(x, y + "c")', 2, 1)
    ((11, 14), None)
    """
    limit = place + _MOST
    for at in range(wanted + 1):
        place = _end(_BLANKS, raw, place)
        span = quoted_span(raw, place)
        end = _end(_QUOTES, raw, span[1]) if span else _end(_ARGUMENT, raw, place)
        if at == wanted:
            return span if span and _LAST.match(raw, end) else None
        following = _NEXT.match(raw, end)
        if following is None or end > limit:
            return None
        place = following.end()
    return None


def _end(pattern: re.Pattern[bytes], raw: bytes, place: int) -> int:
    match = pattern.match(raw, place)
    return match.end() if match else place
