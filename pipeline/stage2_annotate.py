"""Stage 2, annotate: read each content once and note its licences and its features.

In: the parts of `blobs`. Out: `license_findings`, `features` (by content), then `license_conclusions`
(by file). Step 1 of 3 (annotate) looks into contents; step 2 (spread) hands what it found to the repositories whose
files have these contents; step 3 (conclude) draws one conclusion per file. Scans are remembered between runs.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from gleanery.licensing.conclude import FileFacts, conclude
from gleanery.licensing.evidence import EVIDENCE_VERSION, find, reading_scopes
from gleanery.licensing.names import license_role
from gleanery.licensing.scan import SCAN_VERSION, TIMED_OUT, Finding, Scanner, detector_name, finding_of, plain_of
from gleanery.pipeline.caches import Memory, cache_folder
from gleanery.pipeline.exchange import id_range, read_ids, read_range, write_sorted
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.stage1_crawl import OCCURRENCES, occurrence_files
from gleanery.pipeline.steps import Marker, Shard, Step, Task
from gleanery.quality.filters import decode
from gleanery.quality.language import DETECTOR as LANGUAGE_DETECTOR
from gleanery.quality.language import detect_language, is_generated
from gleanery.quality.metrics import measure
from gleanery.records.parquet import iter_rows, read_table, table_of, write_table

BATCH = 256
# Enough to tell one detector from another without loading its index; each row names the index too.
LICENSE_DETECTOR = (
    f"scancode-toolkit {version('scancode-toolkit')} / gleanery-scan {SCAN_VERSION} / evidence {EVIDENCE_VERSION}"
)
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


def annotate_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 1 of 3: look into every content."""
    parameters = {
        "license_detector": LICENSE_DETECTOR,
        "license_seconds": settings.licensing.seconds,
        "language_detector": LANGUAGE_DETECTOR,
    }
    return Step(
        *("annotate", "annotate", "2 of 7  annotate", f"{__name__}:annotate_part"),
        blob_tasks(markers),
        parameters,
        ("gather",),
        owns=("tables/license_findings/*", "tables/features/*"),
        warm="" if _all_remembered(settings, markers) else "gleanery.licensing.scan:warm",
        unit="contents",
    )


def spread_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 2 of 3: give each file what was found in its content."""
    work = f"{__name__}:spread_part"
    reads = ("crawl", "annotate")
    return Step("annotate", "spread", "2 of 7  spread", work, blob_tasks(markers), {}, reads)


def conclude_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 3 of 3: one licence conclusion for each file that was read."""
    tasks = repository_tasks(markers)
    work = f"{__name__}:conclude_shard"
    parameters = {"detector": LICENSE_DETECTOR, "own": OWN_CODE.get(settings.licensing.profile)}
    owns = ("tables/license_conclusions/*",)
    return Step("annotate", "conclude", "2 of 7  conclude", work, tasks, parameters, ("crawl", "spread"), owns=owns)


def blob_tasks(markers: Mapping[str, Marker]) -> tuple[Task, ...]:
    """One task for each part of `blobs`."""
    names = sorted(Path(p).stem for p in markers["gather"].outputs if p.startswith("tables/blobs/"))
    return tuple(Task(name, {"part": part, "parts": len(names)}) for part, name in enumerate(names))


def repository_tasks(markers: Mapping[str, Marker]) -> tuple[Task, ...]:
    """One task for each shard of `files`."""
    return tuple(Task(Path(p).stem) for p in sorted(markers["crawl"].outputs) if p.startswith("tables/files/"))


def annotate_part(shard: Shard) -> None:
    """Look into the contents of one part."""
    annotator = _Annotator(shard.settings)
    part = _file_digest(shard.table("blobs"))
    rows: dict[str, list[dict[str, Any]]] = {"license_findings": [], "features": []}
    for batch in _batches(shard.table("blobs")):
        for table, found in annotator.annotate(batch).items():
            rows[table].extend(found)
        shard.counts["in"] += len(batch)
        shard.counts["kept"] += len(batch)
    annotator.close(part)
    for name, found in rows.items():
        path = shard.table(name)
        shard.wrote(path, write_table(path, name, table_of(name, found)))


class _Annotator:
    """The detectors of one task, and the memory of scans."""

    def __init__(self, settings: Settings) -> None:
        self.contents, texts, self.detector = _memories(settings)
        self.scanner = Scanner(settings.licensing.seconds, texts)
        self.texts = texts
        self.expired = 0

    def close(self, part: str) -> None:
        """Remember that a whole part is known, unless a time limit expired in it."""
        if not self.expired:
            self.contents.put({f"part {part}": True})
        self.contents.close()
        self.texts.close()

    def annotate(self, batch: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        """The rows of both tables for some blobs."""
        findings, features = [], []
        texts = [decode(blob["content"])[0] or "" for blob in batch]
        new: dict[str, Any] = {}
        known = self.contents.get_many(_key(blob, scope) for blob in batch for scope in _scopes(blob["names"]))
        for blob, text in zip(batch, texts, strict=True):
            for scope in _scopes(blob["names"]):
                findings += self._findings(blob, scope, known, new)
            metrics = dataclasses.asdict(measure(text))
            for name in blob["names"]:
                language, kind = detect_language(name, blob["content"])
                features.append(
                    {"blob_id": blob["blob_id"], "name": name, "detector": LANGUAGE_DETECTOR}
                    | {"language": language, "language_type": kind}
                    | {"generated": is_generated(name, blob["content"])}
                    | metrics
                )
        self.contents.put(new)
        return {"license_findings": findings, "features": features}

    def _findings(
        self, blob: Mapping[str, Any], scope: str, known: Mapping[str, Any], new: dict[str, Any]
    ) -> list[dict[str, Any]]:
        plain = known.get(_key(blob, scope))
        if plain is None:
            plain = [plain_of(f) for f in find(self.scanner, blob["content"], scope)]
            if any(f.get("rule") == TIMED_OUT for f in plain):
                self.expired += 1  # an expired time limit is not remembered: the next machine may be faster
            else:
                new[_key(blob, scope)] = plain
        found = [dataclasses.asdict(finding_of(p)) for p in plain]
        about = {"blob_id": blob["blob_id"], "scope": scope, "detector": self.detector}
        return [about | {"ordinal": n} | f | _lists(f) for n, f in enumerate(found)]


def _key(blob: Mapping[str, Any], scope: str) -> str:
    return f"{blob['blob_id']} {scope}"


def _memories(settings: Settings) -> tuple[Memory, Memory, str]:
    """What is known of contents, what is known of normalised texts, and the detector's name."""
    folder = cache_folder(settings) / "scans"
    shared = settings.path(settings.run.shared_scans) if settings.run.shared_scans else None
    indexes = Memory(folder, "digests of indexes")
    detector = detector_name(indexes)
    indexes.close()
    contents = Memory(folder, f"{detector} / evidence {EVIDENCE_VERSION}", shared)
    return contents, Memory(folder, detector, shared), detector


def _all_remembered(settings: Settings, markers: Mapping[str, Marker]) -> bool:
    """Whether all contents were seen before, so that nobody needs the licence index, which takes 2 to 5 s to load."""
    outputs = markers["gather"].outputs
    parts = [f"part {w.sha256}" for path, w in outputs.items() if path.startswith("tables/blobs/")]
    contents, texts, _ = _memories(settings)
    known = contents.get_many(parts)
    contents.close()
    texts.close()
    return all(part in known for part in parts)


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lists(finding: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: list(finding[name]) for name in ("copyrights", "paths")}


def _scopes(names: Sequence[str]) -> list[str]:
    """How a content is read for licences: in every way that one of its names asks for."""
    return sorted({scope for name in names for scope in reading_scopes(name)})


def _batches(path: Path) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in iter_rows(path, batch=BATCH):
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def spread_part(shard: Shard) -> None:
    """Join one range of contents with the files that have them; sorted by repository for the next step."""
    low, high = id_range(shard.task.payload["part"], shard.task.payload["parts"])
    files = read_range(occurrence_files(shard.root), "blob_id", low, high, OCCURRENCES)
    findings = _grouped_findings(shard.table("license_findings"))
    encodings = dict(_columns(shard.table("blobs"), "blob_id", "encoding"))
    features = {(r["blob_id"], r["name"]): r for r in read_table(shard.table("features")).to_pylist()}
    first: dict[str, dict[str, Any]] = {}
    for (blob, _), row in sorted(features.items(), key=lambda item: item[0]):
        first.setdefault(blob, row)
    rows = []
    for file in files.to_pylist():
        blob = file["blob_id"]
        feature = features.get((blob, file["name"]), first[blob])
        rows.append(
            {k: file[k] for k in ("repo_id", "file_id", "path", "blob_id")}
            | {"findings": findings[blob], "encoding": encodings[blob]}
            | {k: feature[k] for k in _FEATURES}
        )
    path = shard.data(f"{shard.task.name}.parquet")
    shard.wrote(path, write_sorted(path, pa.Table.from_pylist(rows, schema=SPREAD), "repo_id", "file_id"))
    shard.counts |= {"in": len(rows), "kept": len(rows)}


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
    return sorted((root / "work/spread/data").glob("*.parquet"))


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
                rows.append(dataclasses.asdict(conclusion) | _lists_of(conclusion))
    path = shard.table("license_conclusions")
    shard.wrote(path, write_table(path, "license_conclusions", table_of("license_conclusions", rows)))
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


def _lists_of(conclusion: Any) -> dict[str, list[dict[str, Any]]]:
    return {name: [dataclasses.asdict(x) for x in getattr(conclusion, name)] for name in ("evidence", "claims")}


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
