"""Provider keys: tokens whose published format alone tells what they are.

In: a source that passed the gate. Out: hits for the secret part. The formats are data, in `rules.toml`. Only the rules
whose gate the text passed are run: of 130 rules, for one file in 500 on 26 MB of source code.
"""

from collections.abc import Iterator
from hashlib import sha256

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.references import is_reference
from gleanery.privacy.rules import KeyRule, load_rules
from gleanery.privacy.source import Source
from gleanery.privacy.values import entropy

NAME, ENTITIES = "provider_key", ("KEY", "PASSWORD")
_PREFIX = "key:"
GATES = {_PREFIX + rule.name: Condition(rule.source, rule.keywords) for rule in load_rules().keys}

# A provider's token that spells one of these was made for a manual. Others may occur in a random token by chance.
_MADE_UP = ("example", "xxxxx", "*****", "...", "placeholder", "redacted", "your_", "your-", "yourtoken", "yourkey")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes; hits of different rules may overlap."""
    for rule in load_rules().keys:
        if _PREFIX + rule.name in source.present:
            for found in rule.pattern.finditer(source.raw):
                start, end = found.start(1), found.end(1)
                if _real(source.raw[start:end].decode("ascii", "replace"), rule):
                    yield Hit(start, end, rule.entity, rule.name, 0.95)


def _real(value: str, rule: KeyRule) -> bool:
    lowered = value.lower()
    if any(piece in lowered for piece in _MADE_UP) or entropy(value) < rule.entropy:
        return False
    if rule.checksum == "base58" and not ends_in_its_sum(value):
        return False
    if rule.name in ("authorization_header", "bearer_token"):
        return any(c.isdigit() or c == "=" for c in value) and not is_reference(value) and not _is_parameter(value)
    return True


def _is_parameter(value: str) -> bool:
    """The name of a parameter, as Digest has them. What is padded is of a length that four divides.

    >>> _is_parameter("username="), _is_parameter("d2lsbWE6Zm9vYmFyMTI=")
    (True, False)
    """
    return value[:-1].isalpha() and value[-1] == "=" and len(value) % 4 != 0


_BASE58 = {sign: number for number, sign in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}


def ends_in_its_sum(value: str) -> bool:
    """Whether the last four bytes of what is written in base 58 are the check sum of those before, as for Bitcoin.

    >>> ends_in_its_sum("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"), ends_in_its_sum("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb")
    (True, False)
    """
    number = 0
    for sign in value:
        number = number * 58 + _BASE58[sign]
    zeros = len(value) - len(value.lstrip("1"))
    raw = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    return sha256(sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]
