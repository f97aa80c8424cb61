"""Folders: which Parquet files of a run or of a release hold which table.

In: a folder. Out: the files of each table, by an explicit list. Nothing is opened here, and no symbolic link is
followed: a link could make an audit read a file that is not part of the folder.
"""

from pathlib import Path

from gleanery.records.errors import StopRun
from gleanery.records.tables import TABLES

# The tables of an earlier run, for the questions that compare two.
BEFORE = "before_"


def tables_of(folder: Path, before: Path | None = None) -> dict[str, list[Path]]:
    """The table files of a run (`tables/<table>/*.parquet`) or of a release (the same, and `docs/*.parquet`).

    A table whose folder is there but empty has an empty list. With `before`, the tables of that run too, as
    `before_<table>`. Raises StopRun if a folder is neither.
    """
    if before is not None:
        earlier = {f"{BEFORE}{name}": paths for name, paths in tables_of(before).items()}
        return tables_of(folder) | earlier
    found: dict[str, list[Path]] = {}
    for name in TABLES:
        for place in _places(folder, name):
            if _is_folder(place):
                found[name] = _parquet_files(place)
                break
    if "decisions" not in found and "files" not in found:
        raise StopRun(
            f"{folder} is neither a run nor a release: it holds no tables/files and no tables/decisions",
            "name the folder that `gleanery run` was given with --out, or its folder release/",
        )
    return found


def _places(folder: Path, name: str) -> list[Path]:
    places = [folder / "tables" / name]
    if name == "docs":
        places += [folder / "docs", folder / "release" / "docs"]
    return places


def _is_folder(path: Path) -> bool:
    _refuse_link(path)
    _refuse_link(path.parent)
    return path.is_dir()


def _parquet_files(place: Path) -> list[Path]:
    files = sorted(path for path in place.iterdir() if path.suffix == ".parquet" and not path.name.startswith("."))
    for path in files:
        _refuse_link(path)
    return files


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise StopRun(f"{path} is a symbolic link", "tables are plain files; copy the file to this place")
