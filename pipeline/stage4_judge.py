"""Stage 4, first part: judge each file by itself, whatever stands beside it or elsewhere.

In: files, conclusions, features, matches with benchmarks, the policy and the opt-out rules as of the run. Out: for each
file that was read, a reason and what settling among copies needs to know of it, sorted by content. Small rows only,
never text. Step 1 of 5 (judge) is done before stage 3, which looks at crowds with the forbidden files in mind;
`stage4_select` has the others.
0.24 ms of CPU a file (20,265 files of 25 repositories).
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gleanery.licensing.answers import ALLOW
from gleanery.licensing.conclude import Claim, Conclusion
from gleanery.licensing.findings import NO_TRAINING
from gleanery.licensing.names import is_vendored_path, license_role
from gleanery.licensing.policy import Judgement, Policy
from gleanery.licensing.statements import Evidence
from gleanery.optout.matching import Matcher
from gleanery.optout.networks import forks_below, upstreams
from gleanery.optout.registry import Rule
from gleanery.pipeline.exchange import read_ids
from gleanery.pipeline.markers import Marker
from gleanery.pipeline.optouts import blocked_sources, members_of
from gleanery.pipeline.overrides import overrides_of
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.stage2_annotate import repository_tasks
from gleanery.pipeline.stage2_benchmarks import matches_of
from gleanery.pipeline.stage2_conclude import SPREAD, spread_files
from gleanery.pipeline.steps import Step
from gleanery.quality import benchmarks, filters
from gleanery.quality.language import DETECTOR as LANGUAGE_DETECTOR
from gleanery.quality.language import is_in_generated_folder, is_vendored, language_named
from gleanery.quality.metrics import Metrics
from gleanery.records.errors import StopRun
from gleanery.records.parquet import iter_rows, read_table, table_rows

# Raise it when what was judged before is not to be believed any more, though policy and settings are the same.
JUDGE_VERSION = "3"
# Raise it when the same file may now get another answer from the quality filters.
QUALITY_VERSION = f"quality 5 / {LANGUAGE_DETECTOR}"
# A repository that has entries skipped for one of these was not read whole.
_UNREAD = frozenset({"repository_too_large", "unreadable", "submodule", "lfs_pointer"})

JUDGED = pa.schema(
    [
        ("blob_id", pa.string()),
        ("file_id", pa.string()),
        ("repo_id", pa.string()),
        ("path", pa.string()),
        ("reason", pa.string()),
        ("rule", pa.string()),
        ("rule_version", pa.string()),
        ("evidence", pa.list_(pa.string())),
        ("license", pa.string()),
        ("language", pa.string()),
        ("restricted", pa.bool_()),
        ("opted_out", pa.bool_()),
        ("first_commit_at", pa.int64()),
        ("fork", pa.bool_()),
        ("fork_of", pa.string()),
        ("vendored", pa.bool_()),
        ("own_license", pa.bool_()),
        ("complete", pa.bool_()),
        ("repo_files", pa.int64()),
    ]
)


def policy_of(settings: Settings) -> Policy:
    """The licence policy of the settings."""
    path = settings.path(settings.licensing.policy) if settings.licensing.policy else None
    return Policy.load(settings.licensing.profile, path)


def judge_step(settings: Settings, markers: Mapping[str, Marker], rules: Iterable[Rule], root: Path) -> Step:
    """Step 1 of 5: each file by itself. A task knows the objections to its own repositories, and no others."""
    rules = list(rules)
    members = members_of(settings, root)
    upstream = {repo: above[0] for repo, above in upstreams(members).items() if above}
    objections = dict.fromkeys(forks_below(members, _declared(root)), "declaration")
    objections |= dict.fromkeys(blocked_sources(settings, rules, root), "registry")
    parameters = {
        "version": JUDGE_VERSION,
        "policy": policy_of(settings).version,
        "overrides": overrides_of(settings, policy_of(settings)).version,
        "quality": dataclasses.asdict(settings.quality) | {"version": QUALITY_VERSION},
        "blob_rules": [dataclasses.asdict(r) for r in rules if r.scope == "blob"],
    }
    tasks = tuple(
        Task(t.name, {"objections": _of_task(t.name, objections), "upstream": _of_task(t.name, upstream)})
        for t in repository_tasks(markers)
    )
    reads = ("crawl", "spread", "conclude", "benchmarks")
    return Step("annotate", "judge", "2 of 7  judge", f"{__name__}:judge_shard", tasks, parameters, reads)


def refuse_languages(names: Iterable[str]) -> None:
    """Raises StopRun for a name that the detector gives no file: it would keep nothing."""
    for name in names:
        known = language_named(name)
        if known != name:
            hint = (
                f"did you mean {known!r}?" if known else 'write names as GitHub shows them, such as "Python" or "C++"'
            )
            raise StopRun(f"quality.languages names {name!r}, which is no language", hint)


def _declared(root: Path) -> set[str]:
    """The repositories that were crawled and carry an objection of their own."""
    rows = table_rows(root, "repos", ["repo_id", "optout_signal"])
    return {row["repo_id"] for row in rows if row["optout_signal"]}


def _of_task(name: str, by_repository: Mapping[str, str]) -> dict[str, str]:
    """What concerns the repositories of one task, whose name is how their ids begin."""
    return {repo: value for repo, value in sorted(by_repository.items()) if repo.startswith(name)}


def judge_shard(shard: Shard) -> None:
    """Judge the files of the repositories of one task; sorted by content for the next step."""
    repos = {r["repo_id"]: r for r in read_table(shard.table("repos")).to_pylist()}
    rules = iter_rows(shard.root / "tables/optout_rules/rules.parquet")
    matcher = Matcher([Rule(**plain) for plain in rules if plain["scope"] == "blob"])
    conclusions = conclusions_of(read_table(shard.table("license_conclusions")))
    rows: list[dict[str, Any]] = []
    files = read_ids(spread_files(shard.root), "repo_id", sorted(repos), SPREAD).to_pylist()
    problems = matches_of(shard.root, {f["blob_id"] for f in files}) if shard.settings.benchmark else {}
    payload = shard.task.payload
    judge = _Judge(shard.settings, matcher, payload["objections"], payload["upstream"], problems)
    files.sort(key=lambda f: (f["repo_id"], f["file_id"]))
    columns = ["repo_id", "skipped"]
    unread = {r["repo_id"] for r in read_table(shard.table("files"), columns).to_pylist() if r["skipped"] in _UNREAD}
    for repo, members in groupby(files, key=lambda f: str(f["repo_id"])):
        rows += judge.repository(repos[repo], list(members), conclusions, repo not in unread)
    shard.write_data(pa.Table.from_pylist(rows, schema=JUDGED), "blob_id", "file_id")
    kept = sum(r["reason"] == "kept" for r in rows)
    shard.counts |= {"in": len(rows), "kept": kept, "rejected": len(rows) - kept}


def conclusions_of(table: pa.Table) -> dict[str, Conclusion]:
    """The conclusions in a table license_conclusions, by file_id."""
    lists = {"evidence": Evidence, "claims": Claim}
    columns = [
        _made(lists[f.name], table.column(f.name)) if f.name in lists else table.column(f.name).to_pylist()
        for f in dataclasses.fields(Conclusion)
    ]
    return {values[0]: Conclusion(*values) for values in zip(*columns, strict=True)}


def _made(kind: type[Any], column: pa.ChunkedArray) -> list[tuple[Any, ...]]:
    """The lists of a column as tuples of a class. Field by field, since pyarrow makes a struct at a time slowly."""
    array = column.combine_chunks()
    fields = dict(zip(array.type.value_type.names, array.flatten().flatten(), strict=True))
    made = map(kind, *(fields[f.name].to_pylist() for f in dataclasses.fields(kind)))
    return [tuple(islice(made, length or 0)) for length in pc.list_value_length(array).to_pylist()]


def is_restricted(policy: Policy, conclusion: Conclusion) -> bool:
    """Whether a file bears witness against its copies: its licence forbids, or its owner reserved training.

    A head that names no licence, or one that nobody knows, leaves the word to the folder.
    """
    folder = conclusion.directory_expression
    if NO_TRAINING in (folder or "") or policy.restricted(conclusion.expression):
        return True
    return policy.answer(conclusion.expression) != ALLOW and policy.restricted(folder)


def overridden(rule: str) -> tuple[str, ...]:
    """That a person decided about the licence, for a decision that another rule made in the end."""
    return (f"its licence: {rule}",) if rule.startswith("override ") else ()


class _Judge:
    """The rules that look at one file by itself, in the order in which they speak."""

    def __init__(
        self,
        settings: Settings,
        matcher: Matcher,
        objections: Mapping[str, str],
        upstream: Mapping[str, str],
        problems: Mapping[str, list[benchmarks.Found]],
    ) -> None:
        self.policy, self.matcher = policy_of(settings), matcher
        self.overrides = overrides_of(settings, self.policy)
        self.objections, self.upstream, self.problems = objections, upstream, problems
        self.limits = filters.Limits(**dataclasses.asdict(settings.quality))

    def repository(
        self,
        repo: Mapping[str, Any],
        files: list[dict[str, Any]],
        conclusions: Mapping[str, Conclusion],
        complete: bool,
    ) -> Iterator[dict[str, Any]]:
        """A row for each file of one repository."""
        own_license = any(license_role(f["path"]) == "license" for f in files)
        for file in files:
            ruling = self.overrides.ruling(repo, file["path"], file["blob_id"], conclusions[file["file_id"]])
            conclusion = ruling.conclusion
            vendored = is_vendored_path(file["path"]) is not None or is_vendored(file["path"])
            opted_out, verdict = self._verdict(repo, file, ruling.judgement, vendored)
            yield {k: file[k] for k in ("blob_id", "file_id", "repo_id", "path", "language")} | {
                "reason": verdict[0],
                "rule": verdict[1],
                "rule_version": verdict[2],
                "evidence": list(verdict[3]),
                "license": conclusion.expression,
                "restricted": ruling.denied or (verdict[0] != "kept" and is_restricted(self.policy, conclusion)),
                "opted_out": opted_out,
                "first_commit_at": repo["first_commit_at"],
                "fork": repo["fork_of"] is not None,
                "fork_of": self.upstream.get(repo["repo_id"]),
                "vendored": vendored,
                "own_license": own_license,
                "complete": complete,
                "repo_files": len(files),
            }

    def _verdict(
        self, repo: Mapping[str, Any], file: Mapping[str, Any], judged: Judgement, vendored: bool
    ) -> tuple[bool, tuple[str, str, str, tuple[str, ...]]]:
        objection = self.objections.get(repo["repo_id"])
        if objection == "registry":
            said = "a rule of the opt-out registry covers the repository"
            return True, ("owner_opted_out", "optout/registry", "1", (said,))
        rule = self.matcher.blocks_blob(file["blob_id"])
        if rule is not None:
            said = f"rule {rule.seq} of the opt-out registry covers this content"
            return True, ("owner_opted_out", "optout/registry", f"seq {rule.seq}", (said,))
        if repo["optout_signal"]:
            said = f"the repository itself carries {repo['optout_signal']}"
            return True, ("owner_opted_out", "optout/declaration", "1", (said,))
        if objection == "declaration":
            said = "the repository of which it is a fork carries an objection"
            return True, ("owner_opted_out", "optout/declaration", "1", (said,))
        if file["encoding"] == "unknown":
            return False, ("encoding_unknown", "quality/decode", QUALITY_VERSION, ())
        if file["lines"] == 0:
            return False, ("empty", "quality/empty", QUALITY_VERSION, ())
        if not judged.allowed:
            return False, (judged.reason, judged.rule, self.policy.version, judged.evidence)
        metrics = Metrics(**{f.name: file[f.name] for f in dataclasses.fields(Metrics)})
        generated = file["generated"] or is_in_generated_folder(file["path"])
        reason, evidence = filters.judge(
            file["language"], file["language_type"], generated, vendored, metrics, self.limits
        )
        if reason != "kept":
            return False, (reason, f"quality/{reason}", QUALITY_VERSION, (*evidence, *overridden(judged.rule)))
        if found := self.problems.get(file["blob_id"]):
            evidence = (*benchmarks.said(found), *overridden(judged.rule))
            return False, ("benchmark_problem", "quality/benchmarks", benchmarks.VERSION, evidence)
        return False, ("kept", judged.rule, self.policy.version, judged.evidence)
