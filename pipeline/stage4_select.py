"""Stage 4, select: exactly one decision for every file, kept or not, with its reason and its evidence.

In: files, conclusions, features, pairs, the policy and the opt-out rules as of the run. Out: `decisions`. Small rows
only, never text. Step 1 of 4 (judge) looks at each file by itself; step 2 (group) brings together the files whose
contents are duplicates; step 3 (settle) decides among them; step 4 (decide) writes one row for every file.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from gleanery.dedup.keeper import Copy, settle
from gleanery.licensing.conclude import Conclusion
from gleanery.licensing.names import is_vendored_path, license_role
from gleanery.licensing.policy import Judgement, Policy
from gleanery.licensing.scan import NO_TRAINING
from gleanery.optout.matching import Matcher
from gleanery.optout.registry import Rule
from gleanery.pipeline.exchange import id_range, read_ids, read_range, write_sorted
from gleanery.pipeline.optouts import blocked_sources, sources_of, upstreams
from gleanery.pipeline.overrides import overrides_of
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.stage2_annotate import SPREAD, blob_tasks, repository_tasks, spread_files
from gleanery.pipeline.stage3_cluster import EDGES
from gleanery.pipeline.steps import Marker, Shard, Step, Task
from gleanery.quality import filters
from gleanery.quality.language import DETECTOR as LANGUAGE_DETECTOR
from gleanery.quality.language import is_vendored
from gleanery.quality.metrics import Metrics
from gleanery.records.parquet import read_table, table_of, write_table

# Raise it when the same file may now get another answer from the quality filters.
QUALITY_VERSION = f"quality 1 / {LANGUAGE_DETECTOR}"

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
    ]
)
GROUPED = JUDGED.insert(0, pa.field("group_id", pa.string()))
SETTLED = pa.schema(
    [
        ("repo_id", pa.string()),
        ("file_id", pa.string()),
        ("path", pa.string()),
        ("blob_id", pa.string()),
        ("reason", pa.string()),
        ("rule", pa.string()),
        ("rule_version", pa.string()),
        ("evidence", pa.list_(pa.string())),
        ("twin_file_id", pa.string()),
        ("similarity", pa.float64()),
    ]
)
KEPT = pa.schema(
    [
        ("blob_id", pa.string()),
        ("file_id", pa.string()),
        ("repo_id", pa.string()),
        ("path", pa.string()),
        ("license", pa.string()),
        ("language", pa.string()),
    ]
)


def policy_of(settings: Settings) -> Policy:
    """The licence policy of the settings."""
    path = settings.path(settings.licensing.policy) if settings.licensing.policy else None
    return Policy.load(settings.licensing.profile, path)


def judge_step(settings: Settings, markers: Mapping[str, Marker], rules: Iterable[Rule]) -> Step:
    """Step 1 of 4: each file by itself."""
    rules = list(rules)
    blobs = [dataclasses.asdict(r) for r in rules if r.scope == "blob"]
    payload = {
        "blobs": blobs,
        "blocked": sorted(blocked_sources(settings, rules)),
        "upstream": {repo: above for repo, above in upstreams(sources_of(settings)).items() if above},
    }
    parameters = {
        "policy": policy_of(settings).version,
        "overrides": overrides_of(settings, policy_of(settings)).version,
        "quality": dataclasses.asdict(settings.quality) | {"version": QUALITY_VERSION},
    }
    tasks = tuple(Task(t.name, payload) for t in repository_tasks(markers))
    reads = ("crawl", "spread", "conclude")
    return Step("select", "judge", "4 of 7  judge", f"{__name__}:judge_shard", tasks, parameters, reads)


def group_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 2 of 4: bring the files of one cluster together."""
    tasks, reads = blob_tasks(markers), ("judge", "clusters")
    return Step("select", "group", "4 of 7  group", f"{__name__}:group_part", tasks, {}, reads)


def settle_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 3 of 4: decide among duplicates."""
    tasks, reads = blob_tasks(markers), ("group", "clusters")
    parameters = {"common_owners": settings.dedup.common_owners, "threshold": settings.dedup.threshold}
    return Step("select", "settle", "4 of 7  settle", f"{__name__}:settle_part", tasks, parameters, reads)


def decide_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 4 of 4: one row for every file, those that were never read included."""
    tasks, reads = repository_tasks(markers), ("crawl", "settle")
    work, owns = f"{__name__}:decide_shard", ("tables/decisions/*",)
    return Step("select", "decide", "4 of 7  decide", work, tasks, {}, reads, owns=owns)


def judge_shard(shard: Shard) -> None:
    """Judge the files of the repositories of one task; sorted by content for the next step."""
    repos = {r["repo_id"]: r for r in read_table(shard.table("repos")).to_pylist()}
    matcher = Matcher([Rule(**plain) for plain in shard.task.payload["blobs"]])
    judge = _Judge(shard.settings, matcher, frozenset(shard.task.payload["blocked"]), shard.task.payload["upstream"])
    conclusions = {
        r["file_id"]: Conclusion.of_row(r) for r in read_table(shard.table("license_conclusions")).to_pylist()
    }
    rows: list[dict[str, Any]] = []
    files = read_ids(spread_files(shard.root), "repo_id", sorted(repos), SPREAD).to_pylist()
    files.sort(key=lambda f: (f["repo_id"], f["file_id"]))
    for repo, members in groupby(files, key=lambda f: str(f["repo_id"])):
        rows += judge.repository(repos[repo], list(members), conclusions)
    path = shard.data(f"{shard.task.name}.parquet")
    shard.wrote(path, write_sorted(path, pa.Table.from_pylist(rows, schema=JUDGED), "blob_id", "file_id"))
    kept = sum(r["reason"] == "kept" for r in rows)
    shard.counts |= {"in": len(rows), "kept": kept, "rejected": len(rows) - kept}


class _Judge:
    """The rules that look at one file by itself, in the order in which they speak."""

    def __init__(
        self, settings: Settings, matcher: Matcher, blocked: frozenset[str], upstream: Mapping[str, str]
    ) -> None:
        self.policy, self.matcher, self.blocked, self.upstream = policy_of(settings), matcher, blocked, upstream
        self.overrides = overrides_of(settings, self.policy)
        known = {f.name for f in dataclasses.fields(filters.Limits)}
        quality = {k: v for k, v in dataclasses.asdict(settings.quality).items() if k in known}
        self.limits = filters.Limits(**quality)

    def repository(
        self, repo: Mapping[str, Any], files: list[dict[str, Any]], conclusions: Mapping[str, Conclusion]
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
                "restricted": ruling.denied or (verdict[0] != "kept" and self._is_restricted(conclusion)),
                "opted_out": opted_out,
                "first_commit_at": repo["first_commit_at"],
                "fork": repo["fork_of"] is not None,
                "fork_of": self.upstream.get(repo["repo_id"]),
                "vendored": vendored,
                "own_license": own_license,
            }

    def _is_restricted(self, conclusion: Conclusion) -> bool:
        """Whether the file bears witness against its copies: its licence forbids, or its owner reserved training."""
        reserved = NO_TRAINING in (conclusion.directory_expression or "")
        return reserved or self.policy.restricted(conclusion.expression)

    def _verdict(
        self, repo: Mapping[str, Any], file: Mapping[str, Any], judged: Judgement, vendored: bool
    ) -> tuple[bool, tuple[str, str, str, tuple[str, ...]]]:
        if repo["repo_id"] in self.blocked:
            said = "a rule of the opt-out registry covers the repository"
            return True, ("owner_opted_out", "optout/registry", "1", (said,))
        rule = self.matcher.blocks_blob(file["blob_id"])
        if rule is not None:
            said = f"rule {rule.seq} of the opt-out registry covers this content"
            return True, ("owner_opted_out", "optout/registry", f"seq {rule.seq}", (said,))
        if repo["optout_signal"]:
            said = f"the repository itself carries {repo['optout_signal']}"
            return True, ("owner_opted_out", "optout/declaration", "1", (said,))
        if file["encoding"] == "unknown":
            return False, ("encoding_unknown", "quality/decode", QUALITY_VERSION, ())
        if file["lines"] == 0:
            return False, ("empty", "quality/empty", QUALITY_VERSION, ())
        if not judged.allowed:
            return False, (judged.reason, judged.rule, self.policy.version, judged.evidence)
        metrics = Metrics(**{f.name: file[f.name] for f in dataclasses.fields(Metrics)})
        reason, evidence = filters.judge(
            file["language"], file["language_type"], file["generated"], vendored, metrics, self.limits
        )
        if reason != "kept":
            return False, (reason, f"quality/{reason}", QUALITY_VERSION, evidence)
        return False, ("kept", judged.rule, self.policy.version, judged.evidence)


def group_part(shard: Shard) -> None:
    """Give each file of one range of contents the group in which it is settled: its cluster, or its own content."""
    low, high = id_range(shard.task.payload["part"], shard.task.payload["parts"])
    judged = read_range(sorted((shard.root / "work/judge/data").glob("*.parquet")), "blob_id", low, high, JUDGED)
    clusters = read_range(_clusters(shard.root), "blob_id", low, high, _CLUSTERS)
    group = dict(zip(*(clusters.column(c).to_pylist() for c in ("blob_id", "cluster_id")), strict=True))
    groups = [group.get(b, b) for b in judged.column("blob_id").to_pylist()]
    table = judged.add_column(0, "group_id", pa.array(groups, pa.string())).cast(GROUPED)
    path = shard.data(f"{shard.task.name}.parquet")
    shard.wrote(path, write_sorted(path, table, "group_id", "file_id"))
    shard.counts |= {"in": table.num_rows, "kept": table.num_rows}


def settle_part(shard: Shard) -> None:
    """Decide among the files of each group of one range."""
    low, high = id_range(shard.task.payload["part"], shard.task.payload["parts"])
    files = read_range(sorted((shard.root / "work/group/data").glob("*.parquet")), "group_id", low, high, GROUPED)
    edges = read_range([shard.root / "work/clusters/data/edges.parquet"], "cluster_id", low, high, EDGES)
    pairs: dict[str, dict[tuple[str, str], float]] = {}
    for edge in edges.to_pylist():
        ids = (edge["left_blob_id"], edge["right_blob_id"])
        pairs.setdefault(edge["cluster_id"], {})[ids] = edge["jaccard"]
    rows = sorted(files.to_pylist(), key=lambda r: (r["group_id"], r["file_id"]))
    settled: list[dict[str, Any]] = []
    for group, members in groupby(rows, key=lambda r: str(r["group_id"])):
        settled += _settled(list(members), pairs.get(group, {}), shard.settings.dedup.common_owners)
    path = shard.data(f"{shard.task.name}.decisions.parquet")
    shard.wrote(path, write_sorted(path, pa.Table.from_pylist(settled, schema=SETTLED), "repo_id", "file_id"))
    kept = [row for row in settled if row["reason"] == "kept"]
    path = shard.data(f"{shard.task.name}.kept.parquet")
    shard.wrote(path, write_sorted(path, pa.Table.from_pylist(kept, schema=KEPT), "blob_id", "file_id"))
    shard.counts |= {"in": len(settled), "kept": len(kept), "rejected": len(settled) - len(kept)}


def _settled(
    members: list[dict[str, Any]], pairs: Mapping[tuple[str, str], float], common_owners: int
) -> Iterator[dict[str, Any]]:
    names = [f.name for f in dataclasses.fields(Copy) if f.name != "eligible"]
    copies = [Copy(**{n: m[n] for n in names} | {"eligible": m["reason"] == "kept"} | _witness(m)) for m in members]
    outcomes = settle(copies, pairs, common_owners=common_owners)
    for member in members:
        outcome = outcomes[member["file_id"]]
        row = {"twin_file_id": None, "similarity": None} | member
        if outcome.reason not in ("kept", "unchanged"):
            row |= {"reason": outcome.reason, "rule": "dedup/keeper", "rule_version": "1"}
            row |= {"twin_file_id": outcome.twin_file_id, "similarity": outcome.similarity}
            row["evidence"] = list(outcome.evidence)
        yield row


def _witness(member: Mapping[str, Any]) -> dict[str, bool]:
    """A licence text is nobody's own: neither its owner's objection nor its licence speaks against other copies."""
    is_text = license_role(member["path"]) == "license"
    return {name: member[name] and not is_text for name in ("restricted", "opted_out")}


def decide_shard(shard: Shard) -> None:
    """Write the decisions of the repositories of one task: those just settled, and those that crawling made."""
    files = read_table(shard.table("files")).to_pylist()
    repos = sorted({f["repo_id"] for f in files})
    settled = sorted((shard.root / "work/settle/data").glob("*.decisions.parquet"))
    decided = {r["file_id"]: r for r in read_ids(settled, "repo_id", repos, SETTLED).to_pylist()}
    rows = [decided.get(f["file_id"]) or _skipped(f) for f in files]
    for row in rows:
        row["verdict"] = "kept" if row["reason"] == "kept" else "rejected"
    path = shard.table("decisions")
    shard.wrote(path, write_table(path, "decisions", table_of("decisions", rows)))
    kept = sum(r["verdict"] == "kept" for r in rows)
    shard.counts |= {"in": len(files), "kept": kept, "rejected": len(rows) - kept}


def kept_files(root: Path) -> list[Path]:
    """The files to redact, sorted by content."""
    return sorted((root / "work/settle/data").glob("*.kept.parquet"))


def _skipped(file: Mapping[str, Any]) -> dict[str, Any]:
    about = {k: file[k] for k in ("file_id", "repo_id", "path", "blob_id")}
    said = [f"{file['size']} bytes, mode {file['mode']}"]
    return about | {
        "reason": file["skipped"],
        "rule": "sources/reading",
        "rule_version": "1",
        "evidence": said,
        "twin_file_id": None,
        "similarity": None,
    }


def _clusters(root: Path) -> list[Path]:
    return sorted((root / "tables/clusters").glob("*.parquet"))


_CLUSTERS = pa.schema([("blob_id", pa.string()), ("cluster_id", pa.string())])
