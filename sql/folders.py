"""Folders: which Parquet files of a run or of a release hold which table.

In: a folder. Out: the files of each table, by an explicit list. Nothing is opened here, and no symbolic link is
followed: a link could make an audit read a file that is not part of the folder. A table of a run that was made from
others than stand beside it now is named as stale.
"""

from pathlib import Path

from gleanery.records.errors import StopRun
from gleanery.records.step_notes import has_release_of_before, stale_tables
from gleanery.records.tables import TABLES

# The tables of an earlier run, for the questions that compare two.
BEFORE = "before_"


class Tables(dict[str, list[Path]]):
    """The files of each table. Those of `stale` rest on others than stand beside them: no answer may mix them."""

    stale: frozenset[str] = frozenset()
    release: Path | None = None  # that of an earlier run, which may be asked instead

    def refuse_stale(self, name: str) -> None:
        """Raises StopRun if a table is stale."""
        if name in self.stale:
            message = f"the table {name} is not made from those beside it: a run was stopped, or goes on"
            instead = "" if self.release is None else f"; `--run {self.release}` asks the release of before"
            raise StopRun(message, f"give the command of the run again, and ask when it has ended{instead}")


def tables_of(folder: Path, before: Path | None = None) -> Tables:
    """The table files of a run (`tables/<table>/*.parquet`) or of a release (the same, and `docs/*.parquet`).

    A table whose folder is there but empty has an empty list. With `before`, the tables of that run too, as
    `before_<table>`. Raises StopRun if a folder is neither.
    """
    if before is not None:
        found, earlier = tables_of(folder), tables_of(before)
        found.update({f"{BEFORE}{name}": paths for name, paths in earlier.items()})
        found.stale |= {f"{BEFORE}{name}" for name in earlier.stale}
        return found
    found = Tables()
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
    found.stale = stale_tables(folder, found)
    found.release = folder / "release" if has_release_of_before(folder) else None
    return found


def _places(folder: Path, name: str) -> list[Path]:
    places = [folder / "tables" / name]
    if name == "docs":
        places.append(folder / "docs")
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
