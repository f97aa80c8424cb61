"""The opt-out rules as of a run: pinned at its first start, and asked for once more before its release is sealed.

In: the registry of the settings, and the folder of a run. Out: the rules, `optout.json` (the position in the registry
and the hash of its log there), and the tables `optout_rules` and `optout_names`; or an end of the run, if owners of
what is in the release have objected meanwhile, or if the registry is not whole or not the one of the run's start. Each
look reads all of its log: 1.6 s for 100,000 rules.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gleanery.optout.registry import Registry, Rule
from gleanery.pipeline.optouts import write_names
from gleanery.pipeline.release_folder import withdraw
from gleanery.pipeline.run_folder import PIN
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.stage7_release import affected
from gleanery.pipeline.steps import read_json
from gleanery.records.errors import StopRun
from gleanery.records.parquet import table_of, write_bytes, write_table


def open_registry(settings: Settings) -> Registry | None:
    """The registry of the settings, or None."""
    given = settings.optout.registry
    if given is None:
        return None
    # A registry that does not exist is an error: nobody's objection may be lost to a typing error.
    return Registry.open(given if "://" in given else f"sqlite:///{settings.path(given).resolve()}", create=False)


def pinned_rules(settings: Settings, root: Path, refresh: bool) -> list[Rule]:
    """The rules as of the run: pinned at its first start, so that resuming it decides the same.

    The position is pinned before anything else is written; the rules themselves are a table of the run.
    """
    registry, pin = open_registry(settings), root / PIN
    pinned: dict[str, Any]
    if registry is None:
        rules, pinned = [], {"run": settings.digest(), "registry": None, "position": 0}
    else:
        # Other settings, or another registry, make another run: a position is only good for the one it was taken for.
        about = {
            "run": settings.digest(),
            "registry": hashlib.sha256(str(settings.optout.registry).encode()).hexdigest(),
        }
        pinned = {} if refresh else read_json(pin) or {}
        _verify(registry, pinned if pinned.get("registry") == about["registry"] else {})
        if {k: pinned.get(k) for k in about} != about or not isinstance(pinned.get("position"), int):
            pinned = about | {"position": registry.position()}
        rules = registry.rules(pinned["position"])
        pinned["log"] = asdict(registry.head_at(pinned["position"]))
    write_bytes(pin, json.dumps(pinned, sort_keys=True).encode())
    path = root / "tables/optout_rules/rules.parquet"
    write_table(path, "optout_rules", table_of("optout_rules", [asdict(r) for r in rules]))
    write_names(settings, root)
    return rules


def settle_with_registry(settings: Settings, root: Path, rules: Sequence[Rule]) -> None:
    """Tell the registry what was applied; stop if a rule that came since the run began would change this release."""
    registry = refuse_newer_rules(settings, root, rules)
    if registry is not None:
        registry.mark_applied(max((r.seq for r in rules), default=0))


def refuse_newer_rules(settings: Settings, root: Path, rules: Sequence[Rule]) -> Registry | None:
    """Stop if a rule that came since the run began would change this release, which then has no manifest.

    The registry must still hold what was pinned: one that lost or changed objections may not pass for a quiet one.
    """
    registry = open_registry(settings)
    if registry is None:
        return None
    known = {r.seq for r in rules}
    try:
        _verify(registry, read_json(root / PIN) or {})
        newer = [r for r in registry.rules() if r.seq not in known]
        if newer and affected(settings, root, [*rules, *newer]):
            raise StopRun(
                "owners in this release have opted out since the run began; it has no manifest now",
                "run the same command with --refresh-optout",
            )
    except StopRun:
        withdraw(root)
        raise
    return registry


def _verify(registry: Registry, pinned: dict[str, Any]) -> None:
    """Stop if the registry's log is not whole, or if what was pinned is not in it."""
    registry.verify_log()
    position, known = pinned.get("position"), pinned.get("log")
    if isinstance(position, int) and known and asdict(registry.head_at(position)) != known:
        raise StopRun(
            f"the opt-out registry no longer holds rule {position}, with which this run began",
            "give the run the registry that holds it; to go on without its objections, use --refresh-optout",
        )
