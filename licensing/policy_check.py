"""Whether a policy file is one: every key known, every value of its kind, every name that it uses there.

In: a policy file, parsed, and the profile that is wanted. Out: nothing, or StopRun with the place of the fault. A key
that nobody reads would leave a check out in silence, so no file with one is taken. 1 ms for the file of the product.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from gleanery.licensing.groups import CATEGORIES, SOURCES
from gleanery.records.errors import StopRun

_HINT = "Compare it with licensing/policy.toml."
_NEEDED = ("reviewed", "profiles", "groups", "exceptions")
_FILE = {
    "reviewed": (str, date), "profiles": dict, "groups": dict, "exceptions": dict, "obligations": dict, "remarks": dict,
    "licenses": dict,
}  # fmt: skip
_PROFILE = {
    "summary": str, "groups": list, "vetoes": list, "doubts": list, "header_decides": bool, "head_explains": bool,
    "needs_text": bool,
}  # fmt: skip
_GROUP = {"category": str, "reason": str, "licenses": list, "prefixes": list, "obligations": list}
_EXCEPTIONS, _REMARKS = {"reason": str, "known": list}, {"reason": str, "licenses": list}
_NOTE = {"reason": str, "obligations": list}
_KINDS = {str: "a text", list: "a list of texts", bool: "true or false, without quotes", dict: "a table"}


def check(data: Mapping[str, Any], profile: str) -> None:
    """Raise StopRun, with the place of the fault, for a file that is not a policy, or lacks the profile."""
    for table in _NEEDED:
        if table not in data:
            raise StopRun(f"The policy file has no `{table}`.", _HINT)
    _check_table("The policy file", data, _FILE)
    for name in data["profiles"]:
        _check_table(f"Profile {name!r} of the policy", data["profiles"][name], _PROFILE, "groups")
    for name in data["groups"]:
        _check_table(f"Group {name!r} of the policy", data["groups"][name], _GROUP)
    _check_table("The table `exceptions` of the policy", data["exceptions"], _EXCEPTIONS, "known")
    _check_table("The table `remarks` of the policy", data.get("remarks", {}), _REMARKS)
    for name, note in data.get("licenses", {}).items():
        _check_table(f"Licence {name!r} of the policy", note, _NOTE)
    if profile not in data["profiles"]:
        known = ", ".join(sorted(data["profiles"]))
        raise StopRun(f"The policy has no profile {profile!r}.", f"Choose one of: {known}.")
    _check_groups(data)
    _check_profiles(data)


def _check_table(place: str, table: Any, keys: Mapping[str, Any], needed: str | None = None) -> None:
    if not isinstance(table, Mapping):
        raise StopRun(f"{place} is not a table.", _HINT)
    for key, value in table.items():
        if key not in keys:
            raise StopRun(f"{place} has a key that does not exist: {key!r}.", f"Its keys are: {', '.join(keys)}.")
        kind = keys[key]
        texts = not isinstance(value, list) or all(isinstance(item, str) and item.strip() for item in value)
        if not isinstance(value, kind) or not texts:
            raise StopRun(f"{place} has something else in {key!r} than {_KINDS.get(kind, 'a date')}.", _HINT)
    if needed is not None and needed not in table:
        raise StopRun(f"{place} has no {needed!r}.", _HINT)


def _check_groups(data: Mapping[str, Any]) -> None:
    seen: dict[str, str] = {}
    for name, group in data["groups"].items():
        if group.get("category") not in CATEGORIES or not group.get("reason") or "licenses" not in group:
            raise StopRun(f"Group {name!r} of the policy needs a known category, a reason and licenses.", _HINT)
        for key in group["licenses"]:
            if key.lower() in seen:
                raise StopRun(f"The policy names {key!r} in two groups, {seen[key.lower()]!r} and {name!r}.", _HINT)
            seen[key.lower()] = name
    for name, table in (*data["groups"].items(), *data.get("licenses", {}).items()):
        strange = sorted(set(table.get("obligations", ())) - set(data.get("obligations", {})))
        if strange:
            raise StopRun(f"{name!r} of the policy has obligations that do not exist: {', '.join(strange)}.", _HINT)


def _check_profiles(data: Mapping[str, Any]) -> None:
    for name, entry in data["profiles"].items():
        vetoes, doubts = set(entry.get("vetoes", SOURCES)), set(entry.get("doubts", ()))
        strange = sorted((vetoes | doubts) - set(SOURCES))
        if strange:
            raise StopRun(f"Profile {name!r} names sources that do not exist: {', '.join(strange)}.", _HINT)
        alone = sorted(doubts - vetoes)
        if alone:
            hint = "Add them to `vetoes`: whoever refuses what is not known refuses what is known and not allowed too."
            raise StopRun(f"Profile {name!r} has `doubts` that are not among its `vetoes`: {', '.join(alone)}.", hint)
        missing = sorted(set(entry["groups"]) - set(data["groups"]))
        if missing:
            raise StopRun(f"Profile {name!r} allows groups that do not exist: {', '.join(missing)}.", _HINT)
