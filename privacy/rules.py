"""Rules: the reviewable data behind the recognisers, read once from `rules.toml`.

In: the file beside this module. Out: one frozen `Rules` object and a digest of the file, which goes into the detector
version of every row. Reading and compiling takes about 0.1 s.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from gleanery.privacy.patterns import Pattern, compile_pattern


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


@dataclass(frozen=True)
class Rules:
    """Everything in `rules.toml`. Word lists are lower case."""

    digest: str
    keys: tuple[KeyRule, ...]
    words: Mapping[str, frozenset[str]]
    networks: tuple[IPv4Network | IPv6Network, ...]


# Raise it when a recogniser changes in code: the digest below sees changes of `rules.toml` only.
RECOGNISERS_VERSION = "12"


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
        keys=tuple(_key_rule(entry) for entry in data["key"]),
        words={name: frozenset(text.lower().split()) for name, text in data["words"].items()},
        networks=tuple(ip_network(text) for text in data["networks"]["left"].split()),
    )


def _key_rule(entry: Mapping[str, Any]) -> KeyRule:
    return KeyRule(
        name=entry["name"],
        entity=entry.get("entity", "KEY"),
        about=entry["about"],
        source=entry["pattern"],
        pattern=compile_pattern(entry["pattern"]),
        keywords=tuple(word.encode() for word in entry["keywords"]),
        entropy=float(entry.get("entropy", 3.0)),
    )
