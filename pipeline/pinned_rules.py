"""The opt-out rules as of a run: pinned at its first start, and asked for once more before its release is sealed.

In: the registry of the settings, and the folder of a run. Out: the rules, `optout.json` (the position in the registry)
and the table `optout_rules`; or an end of the run, if owners of what is in the release have objected meanwhile.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gleanery.optout.registry import Registry, Rule
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
    registry, pin = open_registry(settings), root / "optout.json"
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
        if {k: pinned.get(k) for k in about} != about or not isinstance(pinned.get("position"), int):
            pinned = about | {"position": registry.position()}
        rules = registry.rules(pinned["position"])
    write_bytes(pin, json.dumps(pinned, sort_keys=True).encode())
    path = root / "tables/optout_rules/rules.parquet"
    write_table(path, "optout_rules", table_of("optout_rules", [asdict(r) for r in rules]))
    return rules


def settle_with_registry(settings: Settings, root: Path, rules: Sequence[Rule]) -> None:
    """Tell the registry what was applied; stop if a rule that came since the run began would change this release."""
    registry = open_registry(settings)
    if registry is None:
        return
    refuse_newer_rules(settings, root, rules)
    registry.mark_applied(max((r.seq for r in rules), default=0))


def refuse_newer_rules(settings: Settings, root: Path, rules: Sequence[Rule]) -> None:
    """Stop if a rule that came since the run began would change this release, which then has no manifest."""
    registry = open_registry(settings)
    known = {r.seq for r in rules}
    newer = [] if registry is None else [r for r in registry.rules() if r.seq not in known]
    if newer and affected(settings, root, [*rules, *newer]):
        (root / "release" / "manifest.json").unlink(missing_ok=True)
        raise StopRun(
            "owners in this release have opted out since the run began; it has no manifest now",
            "run the same command with --refresh-optout",
        )
