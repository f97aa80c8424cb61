"""Provider keys: tokens whose published format alone tells what they are.

In: a source that passed the gate. Out: hits for the secret part. The formats are data, in `rules.toml`. Only the rules
whose gate the text passed are run: of 90 rules, for one file in 500 on 26 MB of source code.
"""

from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.rules import KeyRule, load_rules
from gleanery.privacy.source import Source
from gleanery.privacy.values import entropy, is_reference

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
                start, end = (found.start(1), found.end(1)) if found.start(1) >= 0 else (found.start(), found.end())
                if _real(source.raw[start:end].decode("ascii", "replace"), rule):
                    yield Hit(start, end, rule.entity, rule.name, 0.95)


def _real(value: str, rule: KeyRule) -> bool:
    lowered = value.lower()
    if any(piece in lowered for piece in _MADE_UP) or entropy(value) < rule.entropy:
        return False
    if rule.name in ("authorization_header", "bearer_token"):
        return any(c.isdigit() or c == "=" for c in value) and not is_reference(value)
    return True
