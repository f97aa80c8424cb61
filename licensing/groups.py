"""The policy file: which licences stand in which group, why, and what they ask.

In: a policy file, parsed. Out: the group of a licence, by its own name, by its family, or by the detector's list of
restricted licences. Loading costs 2 ms.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

MOST_ASKED = 4_096  # names whose group is remembered
CATEGORIES = ("public-domain", "permissive", "weak-copyleft", "copyleft", "restricted")
# The sources of claims beside a conclusion, see `conclude.Claim`.
_SOURCES_TEXT = "header reuse manifest readme registry siblings documents above notice third_parties mentioned"
SOURCES = tuple(_SOURCES_TEXT.split())


@dataclass(frozen=True)
class Group:
    """Licences of one kind: its category, the reason for it, and what they ask of who passes them on."""

    name: str
    category: str
    reason: str
    obligations: tuple[str, ...] = ()


_OWN_NAMES = (
    (
        frozenset(("commercial", "noncommercial", "proprietary", "enterprise", "eula", "confidential")),
        Group("named as commercial", "restricted", "Its own name says that it is sold or kept back."),
    ),
    (
        frozenset(("gpl", "lgpl", "agpl")),
        Group(
            "named as copyleft", "copyleft", "Its own name says that it is a licence of the GNU project, or like one."
        ),
    ),
)


class Groups:
    """The groups of a policy file, with the catalogue behind them."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._named: dict[str, Group] = {}
        self._prefixes: list[tuple[str, Group]] = []
        for name, group in data["groups"].items():
            entry = Group(name, group["category"], group["reason"], tuple(group.get("obligations", ())))
            self._named.update({key.lower(): entry for key in group["licenses"]})
            self._prefixes += [(prefix.lower(), entry) for prefix in group.get("prefixes", [])]
        self._catalogue = _catalogue()
        self._asked: dict[str, Group | None] = {}

    def of(self, key: str) -> Group | None:
        """The group of a licence: by its own name, or by the longest family name that it begins with.

        The same few names are asked for again and again, so answers are kept; a text may hold any number of others.
        """
        if key not in self._asked:
            if len(self._asked) >= MOST_ASKED:
                self._asked.clear()
            self._asked[key] = self._found(key)
        return self._asked[key]

    def _found(self, key: str) -> Group | None:
        key = key.lower().removesuffix("+")
        named = self._named.get(key)
        if named is not None:
            return named
        families = [(len(prefix), group) for prefix, group in self._prefixes if key.startswith(prefix)]
        return max(families, key=lambda f: f[0])[1] if families else self._catalogue.get(key) or _by_own_name(key)


def _by_own_name(key: str) -> Group | None:
    """The group of a licence that somebody named in a tag, where its name says that it is sold or copyleft.

    >>> [g and g.category for g in map(_by_own_name, ("licenseref-qt-commercial", "licenseref-a-lgpl", "licenseref-b"))]
    ['restricted', 'copyleft', None]
    """
    words = set(key.split("-")[1:]) if key.startswith("licenseref-") else set()
    return next((group for names, group in _OWN_NAMES if not names.isdisjoint(words)), None)


@lru_cache(maxsize=1)
def _catalogue() -> dict[str, Group]:
    """Licences that the detector knows and that no group names, by its category: all refused as restricted."""
    raw = resources.files("gleanery.licensing").joinpath("catalogue.toml").read_text("utf-8")
    found: dict[str, Group] = {}
    for name, entry in tomllib.loads(raw)["categories"].items():
        group = Group(f"listed as {name}", entry["category"], entry["reason"])
        found.update({key.lower(): group for key in entry["licenses"]})
    return found
