"""Stage 2, annotate: read each content once and note its licences and its features.

In: the parts of `blobs`. Out: `license_findings` and `features`, by content. Step 1 of 3 (annotate); `stage2_conclude`
has the others, which are by file. Scans are remembered between runs.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gleanery.licensing.evidence import EVIDENCE_VERSION, find, reading_scopes
from gleanery.licensing.findings import finding_of, plain_of
from gleanery.licensing.index import SCAN_VERSION, detector_name
from gleanery.licensing.scan import TIMED_OUT, Scanner
from gleanery.pipeline.caches import Memory, cache_folder
from gleanery.pipeline.markers import Marker
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.steps import Step, part_tasks
from gleanery.quality.decoding import DECODING, decode
from gleanery.quality.language import DETECTOR as LANGUAGE_DETECTOR
from gleanery.quality.language import detect_language, is_generated
from gleanery.quality.metrics import measure
from gleanery.records.files import file_digest
from gleanery.records.parquet import iter_rows

BATCH = 256
# Enough to tell one detector from another without loading its index; each row names the index too.
LICENSE_DETECTOR = (
    f"scancode-toolkit {version('scancode-toolkit')} / gleanery-scan {SCAN_VERSION} / evidence {EVIDENCE_VERSION}"
    f" / {DECODING}"
)


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
        warm="gleanery.licensing.scan:warm",
        unit="contents",
        is_known=_all_remembered(settings, markers),
    )


def blob_tasks(markers: Mapping[str, Marker]) -> tuple[Task, ...]:
    """One task for each part of `blobs`."""
    return part_tasks(markers["gather"], "blobs")


def repository_tasks(markers: Mapping[str, Marker]) -> tuple[Task, ...]:
    """One task for each shard of `files`."""
    return tuple(Task(Path(p).stem) for p in sorted(markers["crawl"].outputs) if p.startswith("tables/files/"))


def annotate_part(shard: Shard) -> None:
    """Look into the contents of one part."""
    annotator = _Annotator(shard.settings)
    part = file_digest(shard.table("blobs"))
    rows: dict[str, list[dict[str, Any]]] = {"license_findings": [], "features": []}
    for batch in _batches(shard.table("blobs")):
        for table, found in annotator.annotate(batch).items():
            rows[table].extend(found)
        shard.counts["in"] += len(batch)
        shard.counts["kept"] += len(batch)
    annotator.close(part)
    for name, found in rows.items():
        shard.write_table(name, found)


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
        read = [decode(blob["content"]) for blob in batch]
        # The detectors take bytes for UTF-8, and know Unicode's other encodings by their marks.
        batch = [
            blob if text is None or encoding.startswith("utf-") else blob | {"content": text.encode()}
            for blob, (text, encoding) in zip(batch, read, strict=True)
        ]
        new: dict[str, Any] = {}
        known = self.contents.get_many(_key(blob, scope) for blob in batch for scope in _scopes(blob["names"]))
        for blob, (text, _) in zip(batch, read, strict=True):
            for scope in _scopes(blob["names"]):
                findings += self._findings(blob, scope, known, new)
            metrics = dataclasses.asdict(measure(text or ""))
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
    contents = Memory(folder, f"{detector} / evidence {EVIDENCE_VERSION} / {DECODING}", shared)
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
