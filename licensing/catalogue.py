"""Makes catalogue.toml: every licence that the detector knows and that is restricted by its category.

In: the data files of the licence list that comes with the detector (read as text; nothing is imported). Out: the text
of `catalogue.toml`. Run it when the detector's version changes, 0.3 s:

    python -c 'from gleanery.licensing.catalogue import text; print(text(), end="")' > licensing/catalogue.toml

The policy comes first: a licence that a group of policy.toml names, itself or by its family, is left out here.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from importlib.metadata import version
from typing import Any

from gleanery.licensing import spdx_texts
from gleanery.licensing.texts import listed

# The detector's categories, and what they mean for the policy. Permissive ones are missing here: they are neither
# allowed nor known to be restricted before somebody has read them.
_CATEGORIES = {
    "Copyleft": ("copyleft", "Works that build on it must be published under the same licence."),
    "Copyleft Limited": ("weak-copyleft", "Changes to the file or the library must stay under its licence."),
    "Free Restricted": ("restricted", "The text forbids some uses or some users."),
    "Source-available": ("restricted", "The source may be read, and some uses are forbidden."),
    "Proprietary Free": ("restricted", "It costs nothing, and is owned: what may be done with it is limited."),
    "Commercial": ("restricted", "It is for paying customers."),
}
_FIELD = re.compile(r"(?m)^(key|category|spdx_license_key|is_exception|is_unknown): *(\S[^\n]*?) *$")


def text() -> str:
    """The catalogue as TOML, the same for the same version of the detector and the same policy."""
    found: dict[str, list[str]] = {name: [] for name in _CATEGORIES}
    for category, name in _licenses():
        if category in found and not _is_in_policy(name):
            found[category].append(name)
    lines = [
        "# Licences that the detector knows and policy.toml does not name, by the detector's category: all refused.",
        f"# Made by licensing/catalogue.py from scancode-toolkit {version('scancode-toolkit')}; do not edit.",
    ]
    for name, (category, reason) in _CATEGORIES.items():
        lines += ["", f'[categories."{name}"]', f'category = "{category}"', f'reason = "{reason}"', "licenses = ["]
        lines += [f'  "{licence}",' for licence in sorted(set(found[name]), key=str.lower)] + ["]"]
    return "\n".join(lines) + "\n"


def _licenses() -> Iterator[tuple[str, str]]:
    """Category and SPDX name of each licence that is no exception."""
    for _, head in listed():
        fields = {name: value.strip("\"'") for name, value in _FIELD.findall(head)}
        if "yes" in (fields.get("is_exception"), fields.get("is_unknown")) or "category" not in fields:
            continue
        name = fields.get("spdx_license_key") or f"LicenseRef-scancode-{fields['key']}"
        yield fields["category"], name
        if name in spdx_texts.names():
            yield fields["category"], spdx_texts.names()[name]


def _is_in_policy(name: str) -> bool:
    groups = _groups()
    return any(
        name.lower() in (key.lower() for key in group["licenses"])
        or name.lower().startswith(tuple(prefix.lower() for prefix in group.get("prefixes", ())) or ("\0",))
        for group in groups.values()
    )


@lru_cache(maxsize=1)
def _groups() -> dict[str, Any]:
    policy = resources.files("gleanery.licensing").joinpath("policy.toml").read_text("utf-8")
    return dict(tomllib.loads(policy)["groups"])
