"""Assembly: brings the files of a run together as a release folder that can stand alone.

In: a run with its token store. Out: the release's files, without a manifest. Files are hard links to the run's where
the file system can, so a release costs no space; a link shares its bytes, so nobody may write into either. The old
manifest goes first and the new one is written last, by `write_manifest`: a kill in between leaves a folder that does
not verify.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gleanery.records.errors import StopRun
from gleanery.records.parquet import iter_rows, link_file, read_table, write_table
from gleanery.release.listing import MANIFEST

TABLES = (
    "repos",
    "files",
    "license_findings",
    "license_conclusions",
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


def assemble(run: Path, release: Path) -> None:
    """Put the released tables and the token store of `run` into `release`, and nothing else there.

    The store is `RUN/store`; a run that packed straight into `release` needs none. Raises StopRun if a part is
    missing. May be run again, and after a kill; other files at the top of `release` are left alone.
    """
    wanted = dict(_wanted(run, release))
    release.mkdir(parents=True, exist_ok=True)
    (release / MANIFEST).unlink(missing_ok=True)
    noticed = _noticed(wanted)
    for name, source in wanted.items():
        if source.parent == run / "tables" / "repos":
            _place_repos(source, release / name)
        elif source.parent == run / "tables" / "license_findings":
            _place_findings(source, release / name, noticed)
        else:
            _place(source, release / name)
    for path in _ours(release):
        if path.relative_to(release).as_posix() not in wanted:
            path.unlink()


def _wanted(run: Path, release: Path) -> Iterator[tuple[str, Path]]:
    """Path in the release, and the file that belongs there."""
    for table in TABLES:
        folder = run / "tables" / table
        if not folder.is_dir():
            raise StopRun(f"the run {run} has no table {table}", "run all stages before the release")
        paths = sorted(folder.glob("*.parquet"))
        for path in _with_rows(paths) if table == "documents" else paths:
            yield f"tables/{table}/{path.name}", path
    store = run / "store" if (run / "store").is_dir() else release
    for folder_name, suffix in STORE:
        for path in sorted((store / folder_name).glob(f"*{suffix}")):
            yield f"{folder_name}/{path.name}", path
    for name in STORE_FILES:
        if not (store / name).is_file():
            raise StopRun(f"the run {run} has no {name}", "run the stage pack before the release")
        yield name, store / name


def _with_rows(paths: list[Path]) -> list[Path]:
    """The files that hold a row, or the first. `datasets` stops at a file whose only row group is empty."""
    return [path for path in paths if pq.read_metadata(path).num_rows] or paths[:1]


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
    heard = pc.equal(repos.column("status"), "opted_out")
    if not pc.any(heard).as_py():
        _place(source, target)
        return
    write_table(target, "repos", repos.filter(pc.invert(heard)))


def _noticed(wanted: Mapping[str, Path]) -> set[str]:
    """The contents whose copyright lines a release owes: released files, and where their licences were read."""
    blobs, files = set[str](), set[str]()
    for name, path in wanted.items():
        if name.startswith("docs/"):
            table = read_table(path, ["file_id", "blob_id"])
            files.update(table.column("file_id").to_pylist())
            blobs.update(table.column("blob_id").to_pylist())
    for name, path in wanted.items():
        if name.startswith("tables/license_conclusions/"):
            for row in iter_rows(path, ["file_id", "evidence"]):
                if row["file_id"] in files:
                    blobs.update(piece["blob_id"] for piece in row["evidence"])
    return blobs


def _place_findings(source: Path, target: Path, noticed: set[str]) -> None:
    """The findings, with copyright lines only where a notice is owed: other people's names are not for the release."""
    findings = read_table(source)
    rows = zip(findings.column("blob_id").to_pylist(), findings.column("copyrights").to_pylist(), strict=True)
    owed = [lines if blob in noticed else [] for blob, lines in rows]
    place = findings.schema.get_field_index("copyrights")
    column = pa.array(owed, findings.schema.field(place).type)
    write_table(target, "license_findings", findings.set_column(place, findings.schema.field(place), column))


def _place(source: Path, target: Path) -> None:
    if source.is_symlink():
        raise StopRun(f"{source} is a symbolic link", "a release holds plain files; copy the file to this place")
    if target.is_symlink():
        target.unlink()
    link_file(source, target)
