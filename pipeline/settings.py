"""Settings: one frozen object from one TOML file. Every key has a default, a unit and a sentence.

In: a TOML file. Out: `Settings`, whose digest stands in the manifest. A key that does not exist is an error that
names the nearest one. `docs/reference/settings.md` is made from the fields below, and a test compares.
"""

import dataclasses
import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, get_args, get_origin

from gleanery.records.errors import StopRun
from gleanery.records.local_paths import local_path
from gleanery.shards.layout import COMPRESSIONS
from gleanery.shards.tokenizer_file import SMALLEST_VOCABULARY
from gleanery.sources.source import KINDS


def _key(default: Any, meaning: str, unit: str = "") -> Any:
    """A settings field: its default, what it means and its unit."""
    return field(default=default, metadata={"meaning": meaning, "unit": unit})


@dataclass(frozen=True)
class SourceSettings:
    """One `[[source]]`."""

    kind: str = _key("", "git, archive, pypi or npm")
    locator: str = _key("", "path, URL or package name")
    name: str | None = _key(None, "owner/name to use instead of the one in the locator")
    version: str | None = _key(None, "release of a package; branch or full commit id of a git repository")
    sha256: str | None = _key(None, "expected digest of an archive")
    aliases: tuple[str, ...] = _key((), "other names of the same repository")
    fork_of: str | None = _key(None, "name of the repository that this one was forked from")


@dataclass(frozen=True)
class BenchmarkSettings:
    """One `[[benchmark]]`: problems by which models are tested; a file that holds one is not released."""

    path: str = _key("", "file of problems, relative to the settings file; see docs/reference/benchmarks.md")
    name: str | None = _key(None, "what decisions call it; none is the name of the file")
    fields: tuple[str, ...] = _key((), "fields that hold the texts of a problem; none for a plain text")
    id: str | None = _key(None, "field that holds the id of a problem; none is the number of its row")
    words: int = _key(13, "words in a row that make a problem; fewer find more, and more by chance", "words")


@dataclass(frozen=True)
class CrawlSettings:
    """`[crawl]`: what is read at most."""

    max_file_bytes: int = _key(1 << 20, "larger files are recorded and skipped", "bytes")
    max_repository_bytes: int = _key(1 << 30, "contents read from one repository", "bytes")
    max_files: int = _key(200_000, "entries of one source; one with more is refused whole", "files")
    max_archive_bytes: int = _key(512 << 20, "size of a compressed archive, or of a clone on disk", "bytes")
    max_expansion: int = _key(200, "how far an archive may expand", "times its size")
    seconds: int = _key(900, "time limit for one source", "seconds")


@dataclass(frozen=True)
class LicensingSettings:
    """`[licensing]`: what is allowed."""

    profile: str = _key("permissive", "policy profile, see docs/reference/licensing.md")
    policy: str | None = _key(None, "policy file to use instead of the packaged one, relative to the settings file")
    overrides: str | None = _key(None, "file of decisions that people made, TOML or CSV; see docs/reference/notices.md")
    seconds: int = _key(20, "time limit for one licence scan; its expiry is recorded as unknown", "seconds")


@dataclass(frozen=True)
class DedupSettings:
    """`[dedup]`: what counts as the same."""

    threshold: float = _key(0.7, "files at or above this similarity are duplicates; lower removes more", "Jaccard")
    permutations: int = _key(256, "length of a MinHash signature; more is surer and slower")
    shingle_tokens: int = _key(5, "tokens in a shingle; more finds only longer common passages", "tokens")
    bands: int = _key(42, "bands of a signature; more bands miss fewer pairs and check more")
    rows: int = _key(6, "rows of a band; more rows check fewer pairs and miss more")
    normalised: str = _key("drop", "what to do with files that are the same but for comments and white space")
    near: str = _key("drop", "the same for files whose similarity is at or above the threshold")
    near_code: float = _key(0.5, "share of the code of one that such files must have in common", "fraction")
    renamed: str = _key("bar", "the same for files that are the same but for names; drop, bar or record")
    contained: str = _key("bar", "the same for a file that stands inside a longer one; drop, bar or record")
    contained_threshold: float = _key(0.9, "share of a file that must stand in the longer one", "fraction")
    common_owners: int = _key(
        20, "a blob in more repositories than this belongs to nobody in particular", "repositories"
    )


@dataclass(frozen=True)
class QualitySettings:
    """`[quality]`: what is worth training on."""

    languages: tuple[str, ...] = _key((), "languages to keep; empty keeps all that are known")
    allow_unknown_language: bool = _key(False, "keep files whose language is not known")
    types: tuple[str, ...] = _key(("programming", "markup", "data", "prose"), "kinds of language to keep")
    max_line: int = _key(1000, "longest line", "characters")
    mean_line: float = _key(100.0, "mean line", "characters")
    max_lines: int = _key(100_000, "lines in a file", "lines")
    data_max_lines: int = _key(512, "lines in a file of a data language", "lines")
    min_letters: float = _key(0.3, "letters that are in no number among all characters but white space", "fraction")
    max_encoded: float = _key(0.5, "base64 or hexadecimal among all characters", "fraction")
    keep_generated: bool = _key(False, "keep files that a program made")
    keep_vendored: bool = _key(False, "keep third-party code inside a repository")


@dataclass(frozen=True)
class ShardSettings:
    """`[shards]`: how kept text becomes tokens."""

    tokenizer: str | None = _key(None, "tokenizer.json to use, relative to the settings file; none trains one")
    vocabulary: int = _key(32_768, "size of a trained vocabulary", "tokens")
    train_bytes: int = _key(16 << 20, "text that a tokeniser is trained on at most, chosen by a keyed hash", "bytes")
    sentinels: tuple[str, ...] = _key(
        (), "what a given tokeniser calls its control tokens: starcoder2, qwen-coder, deepseek-coder, or OURS=THEIRS"
    )
    compression: str = _key(
        "none", "of the tokens: none; lz4 for a third of the bytes; zstd for a quarter, read slower"
    )
    syntax_spans: bool = _key(False, "store which stretches of a file are whole nodes of its syntax tree")


@dataclass(frozen=True)
class OptoutSettings:
    """`[optout]`: whose wishes are honoured."""

    registry: str | None = _key(None, "registry: a path of an SQLite file, or a database URL; none means no rules")
    contact: str | None = _key(
        None, "where owners turn to, an address of mail or of a page; the card of a release says it"
    )


@dataclass(frozen=True)
class RunSettings:
    """`[run]`: the run itself. None of these changes what is released; `part_bytes` changes its order."""

    part_bytes: int = _key(
        32 << 20,
        "content in one part of a table; documents are numbered by part; what it costs: docs/reference/engines.md",
        "bytes",
    )
    previous: str | None = _key(
        None, "folder of an earlier run, relative to the settings file: what it measured is not measured again"
    )
    cache: str | None = _key(None, "folder that remembers downloads and scans between runs; none is ~/.cache/gleanery")
    shared_scans: str | None = _key(None, "folder through which machines hand each other what their scans found")


@dataclass(frozen=True)
class Settings:
    """Everything that a run depends on."""

    source: tuple[SourceSettings, ...] = ()
    benchmark: tuple[BenchmarkSettings, ...] = ()
    crawl: CrawlSettings = CrawlSettings()
    licensing: LicensingSettings = LicensingSettings()
    dedup: DedupSettings = DedupSettings()
    quality: QualitySettings = QualitySettings()
    shards: ShardSettings = ShardSettings()
    optout: OptoutSettings = OptoutSettings()
    run: RunSettings = RunSettings()
    folder: str = "."  # where the settings file stands: relative paths start here; not part of the digest

    def digest(self) -> str:
        """The SHA-256 of all keys that can change a result."""
        return hashlib.sha256(json.dumps(self._results(), sort_keys=True).encode()).hexdigest()

    def public(self) -> dict[str, Any]:
        """The keys that go into a manifest: no folder of this machine, no registry address, nothing of a source.

        Some of their owners may have objected, and a release must not say who. A digest of their list would: whoever
        knows the others could try names until it fits.
        """
        plain = self._results()
        del plain["sources"]["sha256"]
        return plain

    def _results(self) -> dict[str, Any]:
        plain = dataclasses.asdict(self)
        plain.pop("folder")
        plain["run"].pop("cache")
        plain["run"].pop("previous")
        plain["run"].pop("shared_scans")
        plain["optout"]["registry"] = "given" if self.optout.registry else None
        for source in plain["source"]:
            if source["kind"] in ("git", "archive") and "://" not in source["locator"]:
                source["locator"] = Path(source["locator"]).name
        sources = sorted(json.dumps(source, sort_keys=True) for source in plain.pop("source"))
        plain["sources"] = {"count": len(sources), "sha256": hashlib.sha256("\n".join(sources).encode()).hexdigest()}
        for benchmark in plain["benchmark"]:
            benchmark["path"] = Path(benchmark["path"]).name
        for section, key in (("licensing", "policy"), ("licensing", "overrides"), ("shards", "tokenizer")):
            if plain[section][key]:
                plain[section][key] = Path(plain[section][key]).name
        return plain

    def path(self, relative: str) -> Path:
        """A path from the settings file's folder. Raises StopRun if it begins with the name of no user (`~name`)."""
        try:
            return Path(self.folder, Path(relative).expanduser())
        except RuntimeError:
            raise StopRun(f"{relative} begins with the home folder of nobody", "give the path in full") from None

    def to_json(self) -> str:
        """All of it, for a worker process."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """The inverse of `to_json`."""
        plain = json.loads(text)
        folder = plain.pop("folder")
        settings: Settings = dataclasses.replace(_build(cls, plain, ""), folder=folder)
        return settings


def load_settings(path: Path) -> Settings:
    """Settings from a TOML file. Raises StopRun that names the key, its value and the way out."""
    try:
        plain = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise StopRun(f"there is no settings file {path}", "write one as in examples/demo.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StopRun(f"{path} is not valid TOML: {error}", "see examples/demo.toml for the form") from None
    settings: Settings = dataclasses.replace(_build(Settings, plain, ""), folder=str(path.parent))
    _check(settings, path)
    return settings


def _check(settings: Settings, path: Path) -> None:
    """What no single value tells. Raises StopRun for the first thing that is wrong."""
    for section, key in _PATHS:
        local_path(getattr(getattr(settings, section), key) or "", f"{section}.{key}")
    if not settings.source:
        raise StopRun(f"{path} names no source", "add a [[source]] with kind and locator")
    for number, source in enumerate(settings.source, 1):
        _check_source(source, f"source {number}")
    for number, benchmark in enumerate(settings.benchmark, 1):
        _check_benchmark(benchmark, f"benchmark {number}")
    for section, key, lowest in _LEAST:
        if (value := getattr(getattr(settings, section), key)) < lowest:
            raise StopRun(f"{section}.{key} is {value}", f"give {lowest} or more")
    for section, key, choices in _CHOICES:
        if (value := getattr(getattr(settings, section), key)) not in choices:
            raise StopRun(f"{section}.{key} is {_shown(value)}", f"give {' or '.join(choices)}")
    dedup, kinds = settings.dedup, QualitySettings().types
    for key in ("threshold", "contained_threshold"):
        if not 0 < getattr(dedup, key) <= 1:
            raise StopRun(f"dedup.{key} is {getattr(dedup, key)}", "give a number above 0 and at most 1")
    if unknown := [kind for kind in settings.quality.types if kind not in kinds]:
        raise StopRun(f"quality.types has {unknown[0]!r}", f"give some of {', '.join(kinds)}")
    if dedup.bands * dedup.rows > dedup.permutations:
        raise StopRun(
            f"dedup.bands × dedup.rows is {dedup.bands * dedup.rows}, over dedup.permutations ({dedup.permutations})",
            "lower bands or rows, or raise permutations",
        )


def _check_source(source: SourceSettings, which: str) -> None:
    if source.kind not in KINDS:
        raise StopRun(f"{which} has the kind {source.kind!r}", f"kind is {', '.join(KINDS)}")
    if not source.locator:
        raise StopRun(f"{which} has no locator", "give a path, a URL or a package name")
    if source.sha256 is not None and source.kind != "archive":
        way_out = "a registry's own digest is checked; for git give the full commit id as version"
        raise StopRun(f"{which} has a sha256, which is of archives only, and the kind {source.kind}", way_out)


def _check_benchmark(benchmark: BenchmarkSettings, which: str) -> None:
    if not benchmark.path:
        raise StopRun(f"{which} has no path", "name a file of problems")
    local_path(benchmark.path, "benchmark.path")
    if not FEWEST_WORDS <= benchmark.words <= MOST_WORDS:
        raise StopRun(f"{which} has words = {benchmark.words}", f"give {FEWEST_WORDS} to {MOST_WORDS}")


FEWEST_WORDS, MOST_WORDS = 5, 100
_PATHS = (
    *(("licensing", "policy"), ("licensing", "overrides"), ("shards", "tokenizer")),
    *(("run", "previous"), ("run", "cache"), ("run", "shared_scans")),
)
_LEAST = (
    *(("crawl", one.name, 1) for one in dataclasses.fields(CrawlSettings)),  # 0 is no limit elsewhere, and here nothing
    ("licensing", "seconds", 1),
    *(("dedup", key, 1) for key in ("permutations", "shingle_tokens", "bands", "rows")),
    *(("shards", "vocabulary", SMALLEST_VOCABULARY), ("shards", "train_bytes", 1), ("run", "part_bytes", 1024)),
)
_CHOICES = (
    *(("dedup", key, ("drop", "bar", "record")) for key in ("normalised", "near", "renamed", "contained")),
    ("shards", "compression", COMPRESSIONS),
)


def _build(kind: type[Any], plain: Mapping[str, Any], prefix: str) -> Any:
    """A settings dataclass from plain values, with every key and type checked."""
    fields = {f.name: f for f in dataclasses.fields(kind) if f.name != "folder"}
    values: dict[str, Any] = {}
    for key, value in plain.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, 1)
            way_out = f"did you mean {prefix}{near[0]}?" if near else f"keys here are {', '.join(fields)}"
            raise StopRun(f"there is no setting {prefix}{key}", way_out)
        values[key] = _value(fields[key], value, f"{prefix}{key}")
    return kind(**values)


def _value(one: "dataclasses.Field[Any]", value: Any, name: str) -> Any:
    wanted: Any = one.type
    if isinstance(wanted, type) and dataclasses.is_dataclass(wanted):
        if not isinstance(value, dict):
            raise StopRun(f"{name} is {_shown(value)}", f"write it as a table: [{name}]")
        return _build(wanted, value, f"{name}.")
    if table := _LISTED.get(name):
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise StopRun(f"{name} is not a list of tables", f"write each as [[{name}]], with two brackets")
        return tuple(_one_of(table, v, name, number) for number, v in enumerate(value, 1))
    if get_origin(wanted) is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise StopRun(f"{name} is {_shown(value)}", 'give a list of strings, as in ["Python", "C"]')
        return tuple(value)
    choices = get_args(wanted) or (wanted,)
    if float in choices and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, choices) or (isinstance(value, bool) and bool not in choices):
        raise StopRun(f"{name} is {_shown(value)}", f"it is of the type {' or '.join(_type_name(c) for c in choices)}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not 0 <= value < inf:
            raise StopRun(f"{name} is {value}", "give a number that is not negative")
        if one.metadata["unit"] in ("fraction", "Jaccard") and value > 1:
            raise StopRun(f"{name} is {value}", "give a number of at most 1")
    return value


_LISTED: Mapping[str, type[Any]] = {"source": SourceSettings, "benchmark": BenchmarkSettings}


def _one_of(table: type[Any], plain: Mapping[str, Any], name: str, number: int) -> Any:
    try:
        return _build(table, plain, f"{name}.")
    except StopRun as error:  # a file may name thousands
        raise StopRun(f"{name} {number}: {error.message}", error.hint) from None


def _shown(value: Any) -> str:
    """A value of the wrong type in a message; no table and no address, in which a password may stand."""
    if isinstance(value, dict):
        return "a table"
    text = repr(value)
    return f"an address in a {type(value).__name__}" if "://" in text else text


def _type_name(kind: type) -> str:
    return {int: "number", float: "number", str: "string", bool: "true or false", type(None): "nothing"}[kind]


def reference() -> list[tuple[str, str, str, str]]:
    """Every key as (name, default, unit, meaning), for the reference and for `gleanery settings`."""
    rows = []
    for section in dataclasses.fields(Settings):
        kind = _LISTED.get(section.name, section.type)
        if section.name == "folder" or not isinstance(kind, type):
            continue
        for one in dataclasses.fields(kind):
            rows.append(
                (f"{section.name}.{one.name}", _toml(one.default), one.metadata["unit"], one.metadata["meaning"])
            )
    return rows


def _toml(value: Any) -> str:
    if value is None:
        return "none"
    return json.dumps(list(value) if isinstance(value, tuple) else value)
