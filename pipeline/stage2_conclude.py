"""Stage 2, second part: hand what was found in contents to the files that have them, and conclude their licences.

In: files, findings and features. Out: `license_conclusions`. Small rows only, never text. Step 2 of 3 (spread) joins
files and findings, in batches that are as large however many files have a content; step 3 of 3 (conclude) draws one
conclusion for each file. 0.35 ms of CPU a file for both (20,265 files of 25 repositories).
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from gleanery.licensing.conclude import Conclusion, conclude
from gleanery.licensing.evidence import reading_scopes
from gleanery.licensing.findings import Finding
from gleanery.licensing.names import license_role
from gleanery.licensing.statements import FileFacts
from gleanery.pipeline.exchange import iter_range, read_ids
from gleanery.pipeline.markers import Marker
from gleanery.pipeline.neighbours import narrowed, parts_of
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, data_files
from gleanery.pipeline.stage1_crawl import content_tasks, occurrence_files
from gleanery.pipeline.stage2_annotate import LICENSE_DETECTOR, repository_tasks
from gleanery.pipeline.steps import Step
from gleanery.records.parquet import iter_rows, read_table

AT_ONCE = 1024  # files; what was found in a content is a text of some kB at most, and stands there for each file
BATCH_BYTES = 16 << 20
UNREAD = ""  # stands for the content of a file that was not read
# The profile under which the sources of a run are its owner's own work, and what is then stated for their roots.
OWN_CODE = {"own-code": "LicenseRef-gleanery-own-code"}

SPREAD = pa.schema(
    [
        ("repo_id", pa.string()),
        ("file_id", pa.string()),
        ("path", pa.string()),
        ("blob_id", pa.string()),
        ("findings", pa.string()),
        ("encoding", pa.string()),
        ("language", pa.string()),
        ("language_type", pa.string()),
        ("generated", pa.bool_()),
        ("lines", pa.int64()),
        ("longest_line", pa.int64()),
        ("mean_line", pa.float64()),
        ("letter_fraction", pa.float64()),
        ("encoded_fraction", pa.float64()),
    ]
)
_FEATURES = SPREAD.names[6:]


def spread_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 2 of 3: give each file what was found in its content."""
    work, tasks = f"{__name__}:spread_parts", content_tasks(settings, markers)
    reads = ("crawl", "gather", "annotate")
    return Step("annotate", "spread", "2 of 7  spread", work, tasks, {}, reads)


def conclude_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 3 of 3: one licence conclusion for each file that was read."""
    tasks = repository_tasks(markers)
    work = f"{__name__}:conclude_shard"
    parameters = {"detector": LICENSE_DETECTOR, "own": OWN_CODE.get(settings.licensing.profile)}
    owns = ("tables/license_conclusions/*",)
    return Step("annotate", "conclude", "2 of 7  conclude", work, tasks, parameters, ("crawl", "spread"), owns=owns)


def spread_parts(shard: Shard) -> None:
    """Join some ranges of contents with the files that have them; sorted by repository for the next step."""
    held, held_bytes, batches, rows = list[pa.Table](), 0, 0, 0

    def write() -> None:
        nonlocal batches, held_bytes
        table = pa.concat_tables([SPREAD.empty_table(), *held])
        shard.write_data(table, "repo_id", "file_id", kind=f"{batches:04d}")
        batches += 1
        held_bytes = 0
        held.clear()

    with narrowed(shard, occurrence_files(shard.root), "blob_id") as occurrences:
        for part in parts_of(shard):
            known = _Known(shard, part.name)
            for group in iter_range(occurrences, "blob_id", part.low, part.high):
                rows += group.num_rows
                for start in range(0, group.num_rows, AT_ONCE):
                    held.append(known.joined(group.slice(start, AT_ONCE)))
                    held_bytes += held[-1].nbytes  # asked once each: a thousand sources make a thousand small tables
                    if held_bytes >= BATCH_BYTES:
                        write()
    if held or not batches:
        write()
    shard.counts |= {"in": rows, "kept": rows}


class _Known:
    """What was found in the contents of one part."""

    def __init__(self, shard: Shard, part: str) -> None:
        self._findings = _grouped_findings(shard.table("license_findings", part))
        self._encodings = dict(_columns(shard.table("blobs", part), "blob_id", "encoding"))
        self._features = read_table(shard.table("features", part), ["blob_id", "name", *_FEATURES])
        keys = [self._features.column(name).to_pylist() for name in ("blob_id", "name")]
        self._places = {key: place for place, key in enumerate(zip(*keys, strict=True))}
        self._first: dict[str, int] = {}
        for (blob, _), place in sorted(self._places.items()):
            self._first.setdefault(blob, place)

    def joined(self, files: pa.Table) -> pa.Table:
        """Some files with what was found in their contents."""
        blobs, names = (files.column(name).to_pylist() for name in ("blob_id", "name"))
        places = [self._places.get(key, self._first[key[0]]) for key in zip(blobs, names, strict=True)]
        features = self._features.take(pa.array(places, pa.int64()))
        columns = {name: files.column(name) for name in ("repo_id", "file_id", "path", "blob_id")}
        columns["findings"] = pa.array([self._findings[blob] for blob in blobs], pa.string())
        columns["encoding"] = pa.array([self._encodings[blob] for blob in blobs], pa.string())
        columns |= {name: features.column(name) for name in _FEATURES}
        return pa.table(columns).cast(SPREAD)


def _columns(path: Path, *names: str) -> Iterator[tuple[Any, ...]]:
    table = read_table(path, names)
    return zip(*(table.column(n).to_pylist() for n in names), strict=True)


def _grouped_findings(path: Path) -> dict[str, str]:
    """All findings of a blob as one JSON text, by scope: small, and it travels as a string."""
    found: dict[str, dict[str, list[Any]]] = {}
    names = [f.name for f in dataclasses.fields(Finding)]
    for row in read_table(path).to_pylist():
        found.setdefault(row["blob_id"], {}).setdefault(row["scope"], []).append([row[n] for n in names])
    return {blob: json.dumps(scopes) for blob, scopes in found.items()}


def spread_files(root: Path) -> list[Path]:
    """What step 2 wrote."""
    return data_files(root, "spread")


def conclude_shard(shard: Shard) -> None:
    """Conclude the licence of each file of the repositories of one task."""
    repos = {r["repo_id"]: r for r in read_table(shard.table("repos")).to_pylist()}
    columns = ["repo_id", "file_id", "path", "blob_id", "findings"]
    facts = dict[str, list[FileFacts]]()
    for row in read_ids(spread_files(shard.root), "repo_id", sorted(repos), SPREAD, columns).to_pylist():
        facts.setdefault(row["repo_id"], []).append(_facts(row))
    read = {file.file_id for files in facts.values() for file in files}
    _add_skipped_licenses(shard, facts)
    rows = []
    for repo, files in sorted(facts.items()):
        stated = OWN_CODE.get(shard.settings.licensing.profile, repos[repo]["declared_license"])
        for conclusion in conclude(files, stated):
            if conclusion.file_id in read:
                rows.append(_row(conclusion))
    shard.write_table("license_conclusions", rows)
    shard.counts |= {"in": len(read), "kept": len(rows)}


def _add_skipped_licenses(shard: Shard, facts: dict[str, list[FileFacts]]) -> None:
    """Add the licence files that were not read: what they say is unknown, which is not the same as nothing.

    A symbolic link to a licence file of the same repository says what that says, for the folder that the link is in.
    """
    known = dict[str, dict[str, FileFacts]]()
    for file in iter_rows(shard.table("files"), ["repo_id", "file_id", "path", "skipped", "link"]):
        repo, path, role = file["repo_id"], file["path"], license_role(file["path"])
        if file["skipped"] is None or role not in ("license", "reuse"):
            continue
        if repo not in known:
            known[repo] = {f.path: f for f in facts.get(repo, ()) if license_role(f.path) == "license"}
        target = known[repo].get(file["link"] or "")
        if target is not None and role == "license":
            added = dataclasses.replace(target, file_id=file["file_id"], path=path)
        else:
            unknown = (Finding("unknown", rule=f"gleanery-{file['skipped']}"),)
            added = FileFacts(file["file_id"], path, UNREAD, unknown, ())
        facts.setdefault(repo, []).append(added)


def _row(conclusion: Conclusion) -> dict[str, Any]:
    """A conclusion as a row. `dataclasses.asdict` would copy each of up to 24 pieces: half of this step's time."""
    lists = {"evidence": conclusion.evidence, "claims": conclusion.claims}
    return vars(conclusion) | {name: [vars(piece) for piece in pieces] for name, pieces in lists.items()}


def _facts(row: Mapping[str, Any]) -> FileFacts:
    """What was found in a file. A content may occur under names of many kinds; each file uses its own readings.

    A reading that is missing, because too many names crowded it out, is unknown and not nothing.
    """
    scopes = json.loads(row["findings"])
    facts: dict[str, tuple[Finding, ...]] = {}
    for scope in reading_scopes(row["path"]):
        found = tuple(_finding(f) for f in scopes.get(scope, ()))
        facts["head" if scope == "head" else "whole"] = found or (Finding("unknown", rule="gleanery-not-read"),)
    return FileFacts(row["file_id"], row["path"], row["blob_id"], **facts)


def _finding(values: Sequence[Any]) -> Finding:
    names = [f.name for f in dataclasses.fields(Finding)]
    plain = dict(zip(names, values, strict=True))
    return Finding(**(plain | {name: tuple(plain[name] or ()) for name in ("copyrights", "paths")}))
