"""Stage 4, select: exactly one decision for every file, kept or not, with its reason and its evidence.

In: files as they were judged each by itself (step 1 of 5, `stage4_judge`), pairs and clusters. Out: `decisions` and
`repository_copies`. Small rows only, never text. Step 2 of 5 (group) brings together the files whose contents are
duplicates; step 3 (settle) decides among them; step 4 (decide) writes one row for every file; step 5 (repositories)
compares whole repositories.
"""

import dataclasses
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gleanery.dedup.keeper import Copy, Link, settle
from gleanery.dedup.repositories import is_worth_a_row, missing, shared_contents
from gleanery.dedup.sameness import NEAR, NORMALISED, Policy, equality
from gleanery.licensing.names import license_role
from gleanery.pipeline.exchange import read_ids, read_range
from gleanery.pipeline.markers import Marker
from gleanery.pipeline.settings import DedupSettings, Settings
from gleanery.pipeline.shard import Shard, data_files
from gleanery.pipeline.stage2_annotate import repository_tasks
from gleanery.pipeline.stage3_candidates import range_tasks
from gleanery.pipeline.stage3_cluster import EDGES, edge_files, sameness_policy
from gleanery.pipeline.stage3_witnesses import bears_witness
from gleanery.pipeline.stage4_judge import JUDGED, overridden
from gleanery.pipeline.steps import Step
from gleanery.records.parquet import read_table, table_files

# The version of the rule by which duplicates are settled: raise it when the same files may have other outcomes.
KEEPER_VERSION = "11"
# Of one task: its rows are small, 300 bytes for a file, and a task opens the files of every task of the step before.
RANGE_CONTENTS = 1 << 16
MEMBERS = 8192  # files that are settled at a time, as objects of some 3 kB each
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
SHARED = pa.schema([("repo_id", pa.string()), ("other_repo_id", pa.string()), ("shared", pa.int64())])
LACKS = pa.schema([("repo_id", pa.string()), ("missing", pa.list_(pa.string()))])
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


def group_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 2 of 5: bring the files of one cluster together."""
    tasks, reads = range_tasks(markers, RANGE_CONTENTS), ("judge", "clusters")
    return Step("select", "group", "4 of 7  group", f"{__name__}:group_part", tasks, {}, reads)


def settle_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 3 of 5: decide among duplicates."""
    tasks, reads = range_tasks(markers, RANGE_CONTENTS), ("group", "clusters")
    dedup = settings.dedup
    parameters = {"common_owners": dedup.common_owners, "threshold": dedup.threshold, "rule": KEEPER_VERSION}
    parameters |= {"normalised": dedup.normalised, "renamed": dedup.renamed, "near_code": dedup.near_code}
    return Step("select", "settle", "4 of 7  settle", f"{__name__}:settle_part", tasks, parameters, reads)


def decide_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 4 of 5: one row for every file, those that were never read included."""
    tasks, reads = repository_tasks(markers), ("crawl", "settle")
    work, owns = f"{__name__}:decide_shard", ("tables/decisions/*",)
    return Step("select", "decide", "4 of 7  decide", work, tasks, {}, reads, owns=owns)


def repositories_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 5 of 5: which repositories stand in others."""
    tasks, reads = repository_tasks(markers), ("crawl", "settle")
    work, owns, title = f"{__name__}:repositories_shard", ("tables/repository_copies/*",), "4 of 7  repositories"
    return Step("select", "repositories", title, work, tasks, {}, reads, owns=owns, unit="repositories")


def group_part(shard: Shard) -> None:
    """Give each file of one range of contents the group in which it is settled: its cluster, or its own content."""
    low, high = shard.range
    judged = read_range(data_files(shard.root, "judge"), "blob_id", low, high, JUDGED)
    clusters = read_range(table_files(shard.root, "clusters"), "blob_id", low, high, _CLUSTERS)
    group = dict(zip(*(clusters.column(c).to_pylist() for c in ("blob_id", "cluster_id")), strict=True))
    groups = [group.get(b, b) for b in judged.column("blob_id").to_pylist()]
    table = judged.add_column(0, "group_id", pa.array(groups, pa.string())).cast(GROUPED)
    shard.write_data(table, "group_id", "file_id")
    shard.counts |= {"in": table.num_rows, "kept": table.num_rows}


def settle_part(shard: Shard) -> None:
    """Decide among the files of each group of one range. Rows are objects for some groups at a time only."""
    low, high = shard.range
    files = read_range(data_files(shard.root, "group"), "group_id", low, high, GROUPED)
    links = _Links(read_range(edge_files(shard.root), "cluster_id", low, high, EDGES), sameness_policy(shard.settings))
    shared, all_settled, all_kept = Counter[tuple[str, str]](), [SETTLED.empty_table()], [KEPT.empty_table()]
    for groups in _groups(files):
        settled: list[dict[str, Any]] = []
        for group, members in groups:
            found = links.of(group)
            settled += _settled(members, found, shard.settings.dedup)
            shared.update(_shared(members, found))
        all_settled.append(pa.Table.from_pylist(settled, schema=SETTLED))
        all_kept.append(pa.Table.from_pylist([row for row in settled if row["reason"] == "kept"], schema=KEPT))
    _write_shared(shard, shared)
    decisions, kept = pa.concat_tables(all_settled), pa.concat_tables(all_kept)
    shard.write_data(decisions, "repo_id", "file_id", kind="decisions")
    shard.write_data(kept, "blob_id", "file_id", kind="kept")
    shard.counts |= {"in": len(decisions), "kept": len(kept), "rejected": len(decisions) - len(kept)}


def _groups(files: pa.Table) -> Iterator[list[tuple[str, list[dict[str, Any]]]]]:
    """The files of a range by group, each group whole and in the order of file ids, about `MEMBERS` files at a time."""
    order = pc.sort_indices(files, sort_keys=[("group_id", "ascending"), ("file_id", "ascending")])
    files, start = files.take(order), 0
    ids = files.column("group_id").combine_chunks()
    ends = np.append(np.flatnonzero(pc.not_equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)) + 1, len(ids))
    while start < len(ids):
        end = int(ends[min(int(np.searchsorted(ends, start + MEMBERS)), len(ends) - 1)])
        rows = files.slice(start, end - start).to_pylist()
        yield [(group, list(members)) for group, members in groupby(rows, key=lambda row: str(row["group_id"]))]
        start = end


class _Links:
    """The links of the clusters of a range. They are columns, and become objects for one cluster at a time."""

    def __init__(self, edges: pa.Table, policy: Policy) -> None:
        order = [(name, "ascending") for name in ("cluster_id", "left_blob_id", "right_blob_id")]
        edges = edges.take(pc.sort_indices(edges, sort_keys=order)).combine_chunks()
        self._edges, self._policy = edges, policy
        runs = pc.run_end_encode(edges.column("cluster_id").combine_chunks()) if len(edges) else None
        ends = runs.run_ends.to_pylist() if runs else []
        names = runs.values.to_pylist() if runs else []
        self._rows = dict(zip(names, zip([0, *ends], ends, strict=False), strict=True))

    def of(self, cluster: str) -> dict[tuple[str, str], Link]:
        """The links of one cluster. An id is one string however many links it has."""
        first, last = self._rows.get(cluster, (0, 0))
        edges = self._edges.slice(first, last - first)
        one: dict[str, str] = {}
        sides = [
            [one.setdefault(blob, blob) for blob in edges.column(f"{side}_blob_id").to_pylist()]
            for side in ("left", "right", "inner")
        ]
        answers = [edges.column(name).to_pylist() for name in ("same_normal_form", "same_renamed_form", "forms_tell")]
        forms = [equality(normal, renamed, tell, self._policy) for normal, renamed, tell in zip(*answers, strict=True)]
        about = [edges.column(name).to_pylist() for name in ("sameness", "similarity", "duplicate", "code_jaccard")]
        return {
            (left, right): Link(sys.intern(name), similarity, drops, inner, equal, code)
            for left, right, inner, equal, name, similarity, drops, code in zip(*sides, forms, *about, strict=True)
        }


def _shared(members: Sequence[Mapping[str, Any]], links: Mapping[tuple[str, str], Link]) -> Counter[tuple[str, str]]:
    """How many contents of one cluster stand in each two repositories."""
    holders: dict[str, list[str]] = {}
    for member in members:
        holders.setdefault(member["blob_id"], []).append(member["repo_id"])
    equal, near = ([two for two, link in links.items() if link.name == name] for name in (NORMALISED, NEAR))
    return shared_contents(holders, equal, near)


def _write_shared(shard: Shard, shared: Mapping[tuple[str, str], int]) -> None:
    """How many contents of this range each two repositories share; the step `repositories` adds them up."""
    rows = [(one, other, number) for (one, other), number in sorted(shared.items())]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    shard.write_data(pa.table(columns, schema=SHARED), "repo_id", "other_repo_id", kind="shared")


def _settled(
    members: list[dict[str, Any]], links: Mapping[tuple[str, str], Link], dedup: DedupSettings
) -> Iterator[dict[str, Any]]:
    names = [f.name for f in dataclasses.fields(Copy) if f.name not in ("eligible", "license_text")]
    copies = [Copy(**{n: m[n] for n in names} | _standing(m)) for m in members]
    outcomes = settle(copies, links, common_owners=dedup.common_owners, likeness=(dedup.threshold, dedup.near_code))
    for member in members:
        outcome = outcomes[member["file_id"]]
        row = {"twin_file_id": None, "similarity": None} | member
        if outcome.reason not in ("kept", "unchanged"):
            row |= {"reason": outcome.reason, "rule": "dedup/keeper", "rule_version": KEEPER_VERSION}
            row |= {"twin_file_id": outcome.twin_file_id, "similarity": outcome.similarity}
            row["evidence"] = [*outcome.evidence, *overridden(member["rule"])]
        row["evidence"] = [*(row["evidence"] or ()), *outcome.outweighed]
        yield row


def _standing(member: Mapping[str, Any]) -> dict[str, bool]:
    witness = bears_witness(member)
    about = {name: member[name] and witness for name in ("restricted", "opted_out")}
    return about | {"eligible": member["reason"] == "kept", "license_text": license_role(member["path"]) == "license"}


def decide_shard(shard: Shard) -> None:
    """Write the decisions of the repositories of one task: those just settled, and those that crawling made."""
    files = read_table(shard.table("files")).to_pylist()
    repos = sorted({f["repo_id"] for f in files})
    settled = data_files(shard.root, "settle", "decisions")
    decided = {r["file_id"]: r for r in read_ids(settled, "repo_id", repos, SETTLED).to_pylist()}
    rows = [decided.get(f["file_id"]) or _skipped(f) for f in files]
    rejected: dict[str, list[str]] = {}
    for row in rows:
        row["verdict"] = "kept" if row["reason"] == "kept" else "rejected"
        if row["verdict"] == "rejected":
            rejected.setdefault(row["repo_id"], []).append(row["reason"])
    lacks = {repo: list(missing(reasons)) for repo, reasons in rejected.items()}
    for row in rows:
        row["missing"] = lacks.get(row["repo_id"], []) if row["verdict"] == "kept" else None
    shard.write_table("decisions", rows)
    table = pa.Table.from_pylist([{"repo_id": r, "missing": m} for r, m in lacks.items()], schema=LACKS)
    shard.write_data(table, "repo_id", kind="lacks")
    kept = sum(r["verdict"] == "kept" for r in rows)
    shard.counts |= {"in": len(files), "kept": kept, "rejected": len(rows) - kept}


def repositories_shard(shard: Shard) -> None:
    """The repositories of one task of which much stands in others."""
    repos = read_table(shard.table("repos"), ["repo_id"]).column("repo_id").to_pylist()
    partial = data_files(shard.root, "settle", "shared")
    shared: dict[tuple[str, str], int] = {}
    for row in read_ids(partial, "repo_id", sorted(repos), SHARED).to_pylist():
        pair = row["repo_id"], row["other_repo_id"]
        shared[pair] = shared.get(pair, 0) + row["shared"]
    rows = []
    for (repo, other), number in shared.items():
        own = shared[repo, repo]
        if repo != other and is_worth_a_row(number, own):
            about = {"repo_id": repo, "other_repo_id": other, "contents": own, "shared": number}
            rows.append(about | {"share": number / own})
    shard.write_table("repository_copies", rows)
    shard.counts |= {"in": len(repos), "kept": len(repos)}


def kept_files(root: Path) -> list[Path]:
    """The files to redact, sorted by content."""
    return data_files(root, "settle", "kept")


def lacking(root: Path, low: str, high: str | None) -> dict[str, list[str]]:
    """What the repositories of a range of ids lack in the release; those that lack nothing are left out."""
    paths = data_files(root, "decide", "lacks")
    return {row["repo_id"]: row["missing"] for row in read_range(paths, "repo_id", low, high, LACKS).to_pylist()}


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


_CLUSTERS = pa.schema([("blob_id", pa.string()), ("cluster_id", pa.string())])
