"""The opt-out rules as of a run: pinned when it fetches, and asked for once more before its release is sealed.

In: the registry of the settings, and the folder of a run. Out: the rules, `optout.json` (the position in the registry
and the hash of its log there), and the tables `optout_rules` and `optout_names`; or an end of the run, if owners of
what it is to release have objected meanwhile, or if the registry is not whole or no longer holds what was pinned. A
release is withdrawn only for what is proven: an owner in it has objected, or the log was tampered with. Each look reads
all of the log: 1.6 s for 100,000 rules.
"""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from gleanery.optout.engines import address
from gleanery.optout.matching import spelled_today
from gleanery.optout.registry import BrokenLog, Registry, Rule
from gleanery.pipeline.optouts import holds, write_names
from gleanery.pipeline.release_folder import withdraw
from gleanery.pipeline.run_folder import PIN
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.stage7_release import is_in_release, is_to_be_released
from gleanery.records.errors import StopRun
from gleanery.records.files import read_json, write_json
from gleanery.records.parquet import table_of, write_table

NO_REGISTRY = "no opt-out registry is named in the settings: only what repositories say themselves counts"
_GONE = "give the run the registry that holds it; to go on without its objections, use --refresh-optout"


class Pinned(NamedTuple):
    """The rules of a run, whether they are those of the registry as it is now, and what a person has to know of it."""

    rules: list[Rule]
    is_new: bool
    remarks: tuple[str, ...] = ()


def open_registry(settings: Settings) -> Registry | None:
    """The registry of the settings, or None."""
    given = settings.optout.registry
    if given is None:
        return None
    # A registry that does not exist is an error: nobody's objection may be lost to a typing error.
    return Registry.open(address(given if "://" in given else str(settings.path(given))), create=False)


def pinned_rules(settings: Settings, root: Path, refresh: bool = False, renew: bool = False) -> Pinned:
    """The rules as of the run, so that resuming it decides the same; `renew` takes them as they are now.

    Whatever registry is given has to hold what was pinned, under whichever address: one that lost objections may not
    pass for a quiet one. `refresh` renews too, and goes on without what is gone. The position is pinned before anything
    else is written; the rules themselves are a table of the run. A release that new rules cover is withdrawn.
    """
    with _registry(settings) as registry:
        before = read_json(root / PIN) or {}
        lost = _lost(registry, before)
        if lost and not refresh:
            raise StopRun(lost, _GONE)
        remarks = [f"{lost}; it goes on without what is not there"] if lost else []
        # Other settings, or another registry, make another run: a position is only good for the one it was taken for.
        address = settings.optout.registry
        about: dict[str, Any] = {
            "run": settings.digest(),
            "registry": None if address is None else hashlib.sha256(address.encode()).hexdigest(),
        }
        same = {k: before.get(k) for k in about} == about and isinstance(before.get("position"), int)
        is_new = refresh or renew or not same
        if registry is None:
            rules, pinned = list[Rule](), about | {"position": 0}
            remarks.append(NO_REGISTRY)
        else:
            position = registry.position() if is_new else before["position"]
            rules = [_as_spelled_today(rule) for rule in registry.rules(position)]
            pinned = about | {"position": position, "log": dataclasses.asdict(registry.head_at(position))}
    write_json(root / PIN, pinned)
    path = root / "tables/optout_rules/rules.parquet"
    write_table(path, "optout_rules", table_of("optout_rules", [dataclasses.asdict(r) for r in rules]))
    write_names(settings, root)
    if is_new and rules and is_in_release(settings, root, rules):
        withdraw(root)  # now, since nobody knows whether the run comes to its end
    return Pinned(rules, is_new, tuple(remarks))


def settle_with_registry(settings: Settings, root: Path, rules: Sequence[Rule]) -> None:
    """Tell the registry what was applied; stop if a rule that came since the run began would change this release."""
    refuse_newer_rules(settings, root, rules)
    with _registry(settings) as registry:
        if registry is not None:
            registry.mark_applied(max((r.seq for r in rules), default=0))


def refuse_newer_rules(settings: Settings, root: Path, rules: Sequence[Rule]) -> None:
    """Stop if a rule that came since the run began covers what it is to release, or if the registry lost its rules.

    The release that stands there has no manifest any more if such a rule covers something in it, or if somebody wrote
    to the log. Whatever else is wrong, as a connection that is lost, says nothing against it.
    """
    with _registry(settings) as registry:
        if registry is None:
            return
        try:
            lost = _lost(registry, read_json(root / PIN) or {})
        except BrokenLog:
            withdraw(root)
            raise
        if lost:
            raise StopRun(lost, _GONE)
        known = {r.seq for r in rules}
        now = registry.rules()
    if all(r.seq in known for r in now):
        return
    stands = not is_in_release(settings, root, now)
    if not stands:
        withdraw(root)
    if is_to_be_released(settings, root, now):
        what = "nothing is released" if stands else "the release has no manifest now"
        raise StopRun(
            f"owners of what this run is to release have opted out since it began; {what}",
            "run the same command with --refresh-optout",
        )


def _as_spelled_today(rule: Rule) -> Rule:
    """A rule that may be older than what is known of a host now: whatever reads the run's rules need not know that."""
    return dataclasses.replace(rule, value=spelled_today(rule.scope, rule.value.lower()))


def _lost(registry: Registry | None, pinned: Mapping[str, Any]) -> str:
    """What the registry no longer holds of what was pinned, in words, or nothing. Raises BrokenLog."""
    position = pinned.get("position")
    if registry is None:
        return f"this run began with {position} rules of an opt-out registry, and none is named now" if position else ""
    registry.verify_log()
    if holds(registry, pinned):
        return ""
    return f"the opt-out registry no longer holds rule {position}, with which this run began"


@contextmanager
def _registry(settings: Settings) -> Iterator[Registry | None]:
    registry = open_registry(settings)
    try:
        yield registry
    finally:
        if registry is not None:
            registry.close()
