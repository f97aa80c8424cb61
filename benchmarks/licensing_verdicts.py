"""What the product says about the files of some archives, through the product's own run.

In: archives by name. Out: one verdict for each file that was read. A real run does the work (crawl and annotate, with
their limits and workers, from an empty cache) and is ended before it looks for duplicates; what is left to do, the
policy's judgement, is the same call as in `select`. So the figures hold for what a user gets.
"""

import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from licensing_stated import stated_answers

from gleanery.licensing.conclude import Conclusion
from gleanery.licensing.policy import Judgement, Policy
from gleanery.pipeline.progress import Progress
from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import CrawlSettings, RunSettings, Settings, SourceSettings
from gleanery.pipeline.stage4_judge import conclusions_of
from gleanery.records.errors import StopRun
from gleanery.records.parquet import read_table

PROFILES = ("permissive", "strict")


@dataclass(frozen=True)
class Verdict:
    """One file: its conclusion, the judgement of each profile, and its category for the confusion table.

    `stated` are the answers of the policy for all licences that its tree names for it, see `licensing_stated.py`.
    """

    package: str
    path: str
    conclusion: Conclusion
    judgements: Mapping[str, Judgement]
    category: str
    stated: frozenset[str]

    @property
    def allowed(self) -> bool:
        """Whether the profile `permissive` keeps it."""
        return self.judgements["permissive"].allowed


class _Enough(Exception):
    """Ends a run once its licence conclusions are written."""


def policies() -> dict[str, Policy]:
    """The profiles that this policy file has."""
    found = {}
    for name in PROFILES:
        try:
            found[name] = Policy.load(name)
        except StopRun:
            print(f"the policy has no profile {name}: not measured")
    return found


def verdicts(archives: Mapping[str, Path]) -> dict[tuple[str, str], Verdict]:
    """The verdict on each file that was read, by archive name and path. No scan is remembered from another run."""
    with tempfile.TemporaryDirectory(prefix="gleanery-bench-") as folder:
        settings = Settings(
            source=tuple(
                SourceSettings(kind="archive", locator=str(path), name=f"labelled/{name}")
                for name, path in sorted(archives.items())
            ),
            crawl=CrawlSettings(),
            run=RunSettings(cache=str(Path(folder) / "cache")),
            folder=folder,
        )
        root = Path(folder) / "run"
        with contextlib.suppress(_Enough):
            curate(settings, root, workers=2, listener=_stop_after_annotate)
        return _read(root)


def _stop_after_annotate(event: Progress) -> None:
    if event.stage == "cluster":
        raise _Enough


def _read(root: Path) -> dict[tuple[str, str], Verdict]:
    profiles = policies()
    stated = stated_answers(root, profiles["permissive"])
    conclusions: dict[str, Conclusion] = {}
    for part in sorted((root / "tables/license_conclusions").glob("*.parquet")):
        conclusions |= conclusions_of(read_table(part))
    found = {}
    repos = {
        row["repo_id"]: row["name"].rpartition("/")[2]
        for part in sorted((root / "tables/repos").glob("*.parquet"))
        for row in read_table(part).to_pylist()
    }
    for part in sorted((root / "tables/files").glob("*.parquet")):
        for file in read_table(part).to_pylist():
            conclusion = conclusions.get(file["file_id"])
            if conclusion is not None:
                name, path = repos[file["repo_id"]], file["path"]
                judged = {profile: policy.judge(conclusion) for profile, policy in profiles.items()}
                category = category_of(profiles["permissive"], conclusion)
                answers = stated[file["file_id"]]
                found[name, path] = Verdict(name, path, conclusion, judged, category, answers)
    return found


def category_of(policy: Policy, conclusion: Conclusion) -> str:
    """The stricter of what head and folder say, as the policy names categories; `unknown` where there is a doubt."""
    said = [e for e in (conclusion.header_expression, conclusion.directory_expression) if e]
    category = policy.category(f"({') AND ('.join(said)})" if said else None)
    return "unknown" if conclusion.uncertain and category in ("none", "permissive", "public-domain") else category
