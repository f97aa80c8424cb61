"""The overrides of a run: read once from the file that the settings name, checked, and put down as a table.

In: settings and the policy. Out: `Overrides` for the judge, and the table `overrides`, from which every audit tells who
decided what. A few milliseconds.
"""

from pathlib import Path

from gleanery.licensing.overrides import Overrides
from gleanery.licensing.policy import Policy
from gleanery.pipeline.optouts import members_of
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.steps import Step


def overrides_of(settings: Settings, policy: Policy) -> Overrides:
    """The overrides of the settings. Raises StopRun for an invalid one."""
    given = settings.licensing.overrides
    return Overrides.load(settings.path(given) if given else None, policy)


def refuse_unclear(settings: Settings, policy: Policy, root: Path | None = None) -> None:
    """Raises StopRun for overrides that contradict each other, or whose name several sources bear.

    With the folder of a run, the names that its crawl learnt are known too.
    """
    overrides_of(settings, policy).refuse_contradictions(
        (member.repo_id, *member.names) for member in members_of(settings, root)
    )


def overrides_step(settings: Settings, policy: Policy, root: Path) -> Step:
    """One task before the files are judged: an invalid override stops the run here."""
    refuse_unclear(settings, policy, root)
    rows = [override.row() for override in overrides_of(settings, policy).rows]
    work, owns = f"{__name__}:write_overrides", ("tables/overrides/*",)
    return Step("annotate", "overrides", "2 of 7  overrides", work, (Task("overrides", {"rows": rows}),), {}, owns=owns)


def write_overrides(shard: Shard) -> None:
    """Put them down, those that touch no file too."""
    rows = shard.task.payload["rows"]
    shard.write_table("overrides", rows)
    shard.counts |= {"in": len(rows), "kept": len(rows)}
