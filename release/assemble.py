"""Assembly: brings the files of a run together as a release folder that can stand alone.

In: a run with its token store. Out: the release's files, without a manifest. Files are hard links to the run's where
the file system can, so a release costs no space; a link shares its bytes, so nobody may write into either. The old
manifest goes first and the new one is written last, by `write_manifest`: a kill in between leaves a folder that does
not verify.

Nothing in a release names who opted out. A run names its files after repositories; a release counts those that hold
rows. Costs one read of the status of all repositories, and of all decisions where people overrode licences.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from gleanery.records.errors import StopRun
from gleanery.records.files import link_file
from gleanery.records.parquet import iter_rows, open_parquet, read_table, table_files, write_table
from gleanery.release.listing import MANIFEST

TABLES = (
    "repos",
    "files",
    "license_findings",
    "license_conclusions",
    "benchmark_problems",
    "benchmark_matches",
    "decisions",
    "redactions",
    "documents",
    "pairs",
    "clusters",
    "overrides",
    "notices",
    "license_texts",
    "dead_letters",
)
STORE = (("tokens", ".bin"), ("index", ".bin"), ("names", ".bin"), ("spans", ".bin"), ("docs", ".parquet"))
STORE_FILES = ("store.json", "tokenizer.json")
_OVERRIDE = re.compile(r"\boverride ([0-9a-f]{12})\b")


def assemble(run: Path, release: Path) -> None:
    """Put the released tables and the token store of `run` into `release`, and nothing else there.

    The store is `RUN/store`; a run that packed straight into `release` needs none. Raises StopRun if a part is
    missing. May be run again, and after a kill; other files at the top of `release` are left alone.
    """
    wanted = dict(_wanted(run, release))
    release.mkdir(parents=True, exist_ok=True)
    (release / MANIFEST).unlink(missing_ok=True)
    noticed, overrides = _noticed(wanted), _overrides(wanted)
    for name, source in wanted.items():
        match name.rpartition("/")[0]:
            case "tables/repos":
                _place_repos(source, release / name)
            case "tables/license_findings":
                _place_findings(source, release / name, noticed)
            case "tables/overrides":
                _place_overrides(source, release / name, overrides)
            case _:
                _place(source, release / name)
    for path in _ours(release):
        if path.relative_to(release).as_posix() not in wanted:
            path.unlink()


def _wanted(run: Path, release: Path) -> Iterator[tuple[str, Path]]:
    """Path in the release, and the file that belongs there."""
    for table in TABLES:
        if not (run / "tables" / table).is_dir():
            raise StopRun(f"the run {run} has no table {table}", "run all stages before the release")
        parts = _with_rows(table, table_files(run, table))
        for number, path in enumerate(parts):
            yield f"tables/{table}/part-{number:05d}-of-{len(parts):05d}.parquet", path
    store = run / "store" if (run / "store").is_dir() else release
    for folder_name, suffix in STORE:
        for path in sorted((store / folder_name).glob(f"*{suffix}")):
            yield f"{folder_name}/{path.name}", path
    for name in STORE_FILES:
        if not (store / name).is_file():
            raise StopRun(f"the run {run} has no {name}", "run the stage pack before the release")
        yield name, store / name


def _with_rows(table: str, paths: list[Path]) -> list[Path]:
    """The files that give the release a row, or the first.

    An empty one would tell of a repository of which nothing is said, and `datasets` stops at it.
    """
    return [path for path in paths if _gives_rows(table, path)] or paths[:1]


def _gives_rows(table: str, path: Path) -> bool:
    if table == "repos":
        return bool(pc.any(pc.invert(_heard(read_table(path, ["status"])))).as_py())
    with open_parquet(path) as file:
        return bool(file.metadata.num_rows)


def _ours(release: Path) -> list[Path]:
    """Files in the folders that belong to the assembly, and what a killed one left behind."""
    folders = ("tables", *(name for name, _ in STORE))
    found = [path for folder in folders for path in sorted((release / folder).rglob("*"))]
    found += sorted(release.glob(".*.tmp"))
    return [path for path in found if path.is_symlink() or not path.is_dir()]


def _place_repos(source: Path, target: Path) -> None:
    """The repositories without those whose owners opted out: a release must not be a list of people who objected.

    No other one names them: what was forked from one of them is left out with it.
    """
    repos = read_table(source)
    if not pc.any(heard := _heard(repos)).as_py():
        _place(source, target)
        return
    write_table(target, "repos", repos.filter(pc.invert(heard)))


def _heard(repos: pa.Table) -> pa.ChunkedArray:
    """For each repository, whether it was left out because its owner opted out."""
    return pc.equal(repos.column("status"), "opted_out")


def _overrides(wanted: Mapping[str, Path]) -> set[str]:
    """The overrides that decisions name."""
    recorded = [path for name, path in wanted.items() if name.startswith("tables/overrides/")]
    if not any(read_table(path, ["override_id"]).num_rows for path in recorded):
        return set()
    found = set[str]()
    for name, path in wanted.items():
        if name.startswith("tables/decisions/"):
            for row in iter_rows(path, ["rule", "evidence"]):
                found.update(_OVERRIDE.findall("\n".join((row["rule"], *row["evidence"]))))
    return found


def _place_overrides(source: Path, target: Path, named: set[str]) -> None:
    """The overrides without those by which nothing was decided: one may be about a repository that is left out."""
    overrides = read_table(source)
    kept = pc.is_in(overrides.column("override_id"), value_set=pa.array(sorted(named), pa.string()))
    write_table(target, "overrides", overrides.filter(kept))


def _noticed(wanted: Mapping[str, Path]) -> pa.Array:
    """The contents whose copyright lines a release owes: released files, and where their licences were read."""
    docs = [read_table(path, ["file_id", "blob_id"]) for name, path in wanted.items() if name.startswith("docs/")]
    blobs = [chunk for table in docs for chunk in table.column("blob_id").chunks]
    files = pa.chunked_array([chunk for table in docs for chunk in table.column("file_id").chunks], pa.string())
    for name, path in wanted.items():
        if name.startswith("tables/license_conclusions/"):
            concluded = read_table(path, ["file_id", "evidence"])
            evidence = concluded.filter(pc.is_in(concluded.column("file_id"), value_set=files)).column("evidence")
            blobs.append(pc.unique(pc.struct_field(pc.list_flatten(evidence), "blob_id")))
    return pc.unique(pa.chunked_array(blobs, pa.string()))


def _place_findings(source: Path, target: Path, noticed: pa.Array) -> None:
    """The findings, with copyright lines only where a notice is owed: other people's names are not for the release."""
    findings = read_table(source)
    place = findings.schema.get_field_index("copyrights")
    field = findings.schema.field(place)
    owed = pc.is_in(findings.column("blob_id"), value_set=noticed)
    column = pc.if_else(owed, findings.column(place), pa.scalar([], field.type))
    write_table(target, "license_findings", findings.set_column(place, field, column))


def _place(source: Path, target: Path) -> None:
    if source.is_symlink():
        raise StopRun(f"{source} is a symbolic link", "a release holds plain files; copy the file to this place")
    if target.is_symlink():
        target.unlink()
    link_file(source, target)
