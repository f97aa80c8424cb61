"""Stage 1, crawl: from sources to files (who, where) and blobs (what, stored once).

In: the sources of the settings and the opt-out rules. Out: the tables `repos`, `files`, `blobs` and dead letters.
Step 1 of 2 (crawl) reads each source and spills its contents in sorted runs; step 2 (gather) merges the runs into
parts of `blobs` by content id, so that a content is stored and later read once, however often it occurs. A worker
holds one spill of 64 MB, whatever the size of a repository, or one part, however many copies of its contents there are.
A task of step 2 opens every run, of which there are some for each task and each 64 MB, however many sources, and makes
some parts that stand side by side (`neighbours.py`): 2 ms for each run.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gleanery.licensing.names import license_role
from gleanery.optout.registry import Rule
from gleanery.pipeline.caches import cache_folder
from gleanery.pipeline.crawl_again import (
    crawl_is_done,
    is_read_again,
)
from gleanery.pipeline.crawl_runs import RAW
from gleanery.pipeline.crawled import Crawled
from gleanery.pipeline.exchange import first_of_each, iter_range
from gleanery.pipeline.markers import Marker
from gleanery.pipeline.neighbours import Part, narrowed, neighbour_tasks, parts_of
from gleanery.pipeline.optouts import Objected, Way, blocked_sources, located, sources_of
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard, Task, data_files
from gleanery.pipeline.steps import Step, made_from
from gleanery.quality.decoding import decode
from gleanery.records.errors import RejectRecord, TryAgain
from gleanery.sources.reading import (
    Limits,
    Source,
    forget_source,
    identify,
    open_source,
)

MAX_NAMES = 64
# Up to here each source is a task of its own; beyond, sources share tasks by the first digits of their ids.
SINGLE_SOURCES = 1024


def crawl_step(settings: Settings, rules: Sequence[Rule]) -> Step:
    """Step 1 of 2: read every source that no rule blocks."""
    pairs = sources_of(settings)
    blocked = blocked_sources(settings, rules)
    digits = _bucket_digits(len(pairs))
    buckets: dict[str, list[dict[str, Any]]] = {}
    for identity, source in pairs:
        # The whole path: the same words in a settings file of another folder mean another repository.
        plain = dataclasses.asdict(located(source, settings)) | {"blocked": identity.repo_id in blocked}
        buckets.setdefault(identity.repo_id[:digits], []).append(plain)
    tasks = tuple(Task(name, {"sources": sources}) for name, sources in sorted(buckets.items()))
    parameters = dataclasses.asdict(settings.crawl)
    work, owns = f"{__name__}:crawl_shard", ("tables/repos/*", "tables/files/*", "tables/dead_letters/crawl-*")
    return Step("crawl", "crawl", "1 of 7  crawl", work, tasks, parameters, owns=owns, unit="entries and sources")


def gather_step(settings: Settings, markers: Mapping[str, Marker], root: Path) -> Step:
    """Step 2 of 2: merge the contents of all sources into parts by content id. The crawl is done when it is made."""
    crawl_is_done(root)
    tasks = content_tasks(settings, markers)
    work, owns = f"{__name__}:gather_parts", ("tables/blobs/*",)
    return Step("crawl", "gather", "1 of 7  gather", work, tasks, {}, ("crawl",), owns=owns, unit="contents")


def content_tasks(settings: Settings, markers: Mapping[str, Marker]) -> tuple[Task, ...]:
    """Tasks for all parts of `blobs`, some parts each."""
    return neighbour_tasks(markers["crawl"].notes.get("content_bytes", 0), settings.run.part_bytes)


def crawl_shard(shard: Shard) -> None:
    """Read the sources of one task; a source that cannot be read becomes a dead letter.

    One that was read before, and now cannot be read again, stays as it was read.
    """
    limits = Limits(**dataclasses.asdict(shard.settings.crawl))
    crawl, cache = Crawled(shard), cache_folder(shard.settings) / "sources"
    for plain in shard.task.payload["sources"]:
        source = _source(plain, shard.settings)
        way = Way(shard.root, identify(source))
        crawl.line = _line(plain, shard.settings)
        try:
            if plain["blocked"]:
                raise Objected
            _read(crawl, source, way, limits, cache)
        except Objected:
            forget_source(source, cache)
            crawl.add_repository(way.named(), source, None, "opted_out")
            crawl.count("rejected", 1)
    crawl.write()


def _read(crawl: Crawled, source: Source, way: Way, limits: Limits, cache: Path) -> None:
    """Read one source to its end. Raises Objected if a rule covers an address on the way to it."""
    identity = way.identity
    again = is_read_again(crawl.shard.root, identity.repo_id)
    try:
        with open_source(source, limits, cache, way.follow, again) as reading:
            crawl.add_declarations(identity, reading.elsewhere)
            way.claim(reading.facts.declared_sources)
            for entry in reading.entries():
                crawl.add_entry(identity, entry)
            crawl.add_repository(way.named(), source, reading.facts, "read")
        crawl.end_source(identity)
    except (RejectRecord, TryAgain) as error:
        crawl.begin_source()
        if (before := crawl.read_before(way)) is not None:
            crawl.keep(identity, before, error)
            return
        crawl.add_repository(way.named(), source, None, "failed")
        crawl.add_dead_letter(identity, error)


def gather_parts(shard: Shard) -> None:
    """Merge some ranges of contents: each once, with all base names under which it occurs."""
    every = data_files(shard.root, "crawl", "blobs")
    with (
        narrowed(shard, every, "blob_id") as runs,
        narrowed(shard, occurrence_files(shard.root), "blob_id") as occurrences,
    ):
        for part in parts_of(shard):
            _gather(shard, part, runs, occurrences)


def _gather(shard: Shard, part: Part, runs: Sequence[Path], occurrences: Sequence[Path]) -> None:
    """Merge the contents of one part."""
    raw, copies = first_of_each(runs, "blob_id", part.low, part.high, RAW)
    names = _names(iter_range(occurrences, "blob_id", part.low, part.high, ["blob_id", "name"]))
    blobs, contents = raw.column("blob_id").to_pylist(), raw.column("content")
    columns = {
        "blob_id": pa.array(blobs, pa.string()),
        "size": pc.binary_length(contents),
        "encoding": pa.array([decode(content.as_py())[1] for content in contents], pa.string()),
        "names": pa.array([_bounded(names[blob]) for blob in blobs], pa.list_(pa.string())),
        "content": contents,
    }
    shard.write_table("blobs", pa.table(columns), part.name)
    shard.add({"in": copies, "kept": len(blobs), "rejected": copies - len(blobs)})


def occurrence_files(root: Path) -> list[Path]:
    """The copies of `files` that are sorted by content."""
    return data_files(root, "crawl", "files")


def _names(occurrences: Iterable[pa.Table]) -> dict[str, set[str]]:
    """The names under which each content occurs, or at least those that `_bounded` takes of them."""
    names: dict[str, set[str]] = {}
    for table in occurrences:
        for blob, name in zip(*(c.to_pylist() for c in table.columns), strict=True):
            found = names.setdefault(blob, set())
            found.add(name)
            if len(found) > 4 * MAX_NAMES:
                found.intersection_update(_bounded(found))
    return names


def _bounded(names: set[str]) -> list[str]:
    """At most `MAX_NAMES` names of each kind: a flood of one must not hide that the other is there to be scanned."""
    kinds: tuple[list[str], list[str]] = ([], [])
    for name in sorted(names):
        kinds[license_role(name) is None].append(name)
    return sorted(kinds[0][:MAX_NAMES] + kinds[1][:MAX_NAMES])


def _source(plain: Mapping[str, Any], settings: Settings) -> Source:
    """A source of a task's payload, with a local path that starts from the settings file's folder."""
    values = {f.name: plain[f.name] for f in dataclasses.fields(Source)}
    return located(Source(**(values | {"aliases": tuple(values["aliases"])})), settings)


def _line(plain: Mapping[str, Any], settings: Settings) -> str:
    """What the reading of a source depends on besides the source: its own line, the limits, and the program."""
    own = {key: value for key, value in plain.items() if key != "blocked"}
    return made_from([dataclasses.asdict(settings.crawl), own])


def _bucket_digits(sources: int) -> int:
    """How many digits of an id name a task: all while there are few sources, then for 1,000 sources a task at most.

    So there are 256 tasks up to 256,000 sources: every task that gathers contents opens the files of each.
    """
    if sources <= SINGLE_SOURCES:
        return 32
    digits = 2
    while 16**digits * 1000 < sources:
        digits += 1
    return digits
