"""Key fields: the private numbers of keys that are written field by field, or in a list of nothing but keys.

In: a source. Out: hits on the private fields of a JSON Web Key (`"kty": ..., "d": ...`) and of an `RSAKeyValue` in XML,
and on the keys of accounts of Ethereum (`accounts: ["0x..."]`). What is public in them (`n`, `e`, `Modulus`) stays.
Costs a pass over each object that says so.
"""

from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import Pattern, compile_pattern
from gleanery.privacy.source import Source
from gleanery.privacy.values import entropy

NAME, ENTITIES = "key_field", ("KEY",)
_QUOTE = r"\\{0,3}[\"']"
_ACCOUNTS_START = rf"accounts(?:{_QUOTE})?[ \t]{{0,8}}[:=][ \t]{{0,8}}\["
GATES = {
    "json_web_key": Condition(r"\bkty\b", (b"kty",)),
    "rsa_key_value": Condition(
        r"<(?:P|Q|D|DP|DQ|InverseQ)>", (b"<p>", b"<q>", b"<d>", b"<dp>", b"<dq>", b"<inverseq>")
    ),
    "account_keys": Condition(_ACCOUNTS_START, (b"accounts",)),
}

_LONGEST = 16 << 10  # of an object with a key; one of 8,192 bits has 6 kB
_KIND = compile_pattern(rf"\bkty(?:{_QUOTE})?[ \t]{{0,8}}:")
_FIELD = compile_pattern(
    rf"(?:{_QUOTE}|\b)(?:d|p|q|dp|dq|qi|k)(?:{_QUOTE})?\s{{0,8}}:\s{{0,8}}{_QUOTE}([A-Za-z0-9_\-]{{16,}})={{0,2}}\\{{0,3}}[\"']"
)
_ELEMENT = compile_pattern(r"<(?:P|Q|D|DP|DQ|InverseQ)>\s{0,80}([A-Za-z0-9+/][A-Za-z0-9+/\s]{30,}={0,2})\s{0,80}</")
_ACCOUNTS = compile_pattern(_ACCOUNTS_START)
_ACCOUNT_KEY = compile_pattern(r"[\"'`]((?:0x)?[0-9a-fA-F]{64})[\"'`]")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, none of which is read twice."""
    raw = source.raw
    if "json_web_key" in source.present:
        read = 0
        for found in _KIND.finditer(raw):
            first = raw.rfind(b"{", max(read, found.start() - _LONGEST), found.start())
            if first >= 0:
                read = _end(raw, b"}", found.end())
                yield from _in(raw, _FIELD, first, read, "json_web_key")
    if "rsa_key_value" in source.present:
        yield from _in(raw, _ELEMENT, 0, len(raw), "rsa_key_value")
    if "account_keys" in source.present:
        read = 0
        for found in _ACCOUNTS.finditer(raw):
            if found.start() >= read:
                read = _end(raw, b"]", found.end())
                yield from _in(raw, _ACCOUNT_KEY, found.end(), read, "account_keys")


def _end(raw: bytes, bracket: bytes, place: int) -> int:
    """Where a bracket closes; what is cut off has none."""
    found = raw.find(bracket, place, place + _LONGEST)
    return found if found >= 0 else min(len(raw), place + _LONGEST)


def _in(raw: bytes, fields: Pattern, first: int, last: int, rule: str) -> Iterator[Hit]:
    for found in fields.finditer(raw, first, last):
        if entropy(bytes(found.group(1)).decode("ascii")) >= 3.0:
            yield Hit(found.start(1), found.end(1), "KEY", rule, 0.9)
