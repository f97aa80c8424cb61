"""Rules: the reviewable data behind the recognisers, read once from `rules.toml`.

In: the file beside this module. Out: one frozen `Rules` object and a digest of the file, which goes into the detector
version of every row. Reading and compiling takes about 0.1 s.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from gleanery.privacy.patterns import Pattern, compile_pattern
from gleanery.records.errors import StopRun


@dataclass(frozen=True)
class KeyRule:
    """One published token format. `keywords` are lower case; a text without any of them cannot match."""

    name: str
    entity: str
    about: str
    source: str
    pattern: Pattern
    keywords: tuple[bytes, ...]
    entropy: float
    checksum: str


@dataclass(frozen=True)
class Rules:
    """Everything in `rules.toml`. Word lists are lower case."""

    digest: str
    keys: tuple[KeyRule, ...]
    words: Mapping[str, frozenset[str]]
    networks: tuple[IPv4Network | IPv6Network, ...]


# Raise it when a recogniser changes in code: the digest below sees changes of `rules.toml` only.
RECOGNISERS_VERSION = "41"


def redactor_version() -> str:
    """Everything that a redaction depends on, without loading it: recognisers, rules, and the engine's version."""
    return f"privacy-{RECOGNISERS_VERSION}.rules-{load_rules().digest}.presidio-{version('presidio-analyzer')}"


@cache
def load_rules() -> Rules:
    """The rules that come with this version. The digest is the first 12 hexadecimal digits of the file's SHA-256."""
    raw = (files("gleanery.privacy") / "rules.toml").read_bytes()
    data = tomllib.loads(raw.decode())
    return Rules(
        digest=hashlib.sha256(raw).hexdigest()[:12],
        keys=key_rules(data["key"]),
        words={name: frozenset(text.lower().split()) for name, text in data["words"].items()},
        networks=tuple(ip_network(text) for text in data["networks"]["left"].split()),
    )


CHECKSUMS = ("", "base58")


def key_rules(entries: Iterable[Mapping[str, Any]]) -> tuple[KeyRule, ...]:
    """The formats of keys, checked: two of one name would hide each other, and a pattern tells by a group what goes.

    Raises StopRun with the name of the rule at fault.
    """
    rules: dict[str, KeyRule] = {}
    for entry in entries:
        rule = _key_rule(entry)
        if rule.name in rules:
            raise StopRun(f"two rules of privacy/rules.toml are called {rule.name}", "give one of them another name")
        if rule.pattern.groups < 1:
            hint = "put what has to be replaced in round brackets"
            raise StopRun(f"the pattern of {rule.name} in privacy/rules.toml has no group", hint)
        if rule.checksum not in CHECKSUMS:
            hint = f"known is {CHECKSUMS[-1]}"
            raise StopRun(f"the rule {rule.name} of privacy/rules.toml asks for an unknown check sum", hint)
        rules[rule.name] = rule
    return tuple(rules.values())


# What ends a value that is as long as its format says: a blank, a quote, a bracket, what parts fields, a line end.
_WHOLE = r"(?:[ \t\r\"'`<>,;:|&)\]}\\@#*]|(?m:$))"


def _key_rule(entry: Mapping[str, Any]) -> KeyRule:
    pattern = entry["pattern"].replace(r"\b(", r"(?:\b|_)(", 1) + (_WHOLE if entry.get("whole") else "")
    return KeyRule(
        name=entry["name"],
        entity=entry.get("entity", "KEY"),
        about=entry["about"],
        source=pattern,
        pattern=compile_pattern(pattern),
        keywords=tuple(word.encode() for word in entry["keywords"]),
        entropy=float(entry.get("entropy", 3.0)),
        checksum=entry.get("checksum", ""),
    )
