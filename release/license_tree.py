"""The licences of one repository as a tree: what was concluded where, where it comes from, and what contradicts it.

In: a run or a release, and a repository's name. Out: its places, each a folder where something new is said; folders
that say the same as the folder above are counted there. One answer of the question `license_tree`, in memory.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gleanery.records.errors import StopRun
from gleanery.release.explain_file import BASES
from gleanery.release.wording import number, shown
from gleanery.sql.questions import Database, questions, tables_of

Row = Mapping[str, Any]
_COUNTS = ("files", "kept", "bytes", "overridden")


# Characters of one side of a contradiction: that of a folder stands in many lines, and whole where it is concluded.
_LONGEST_SIDE = 80


@dataclass
class Statement:
    """What is concluded for some files: expression, where it comes from, and their number."""

    expression: str | None
    basis: str
    stated_in: str | None
    conflict: bool
    uncertain: bool
    header_expression: str | None
    directory_expression: str | None
    claims: str
    for_example: str
    files: int = 0
    kept: int = 0
    bytes: int = 0
    overridden: int = 0

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two statements the same."""
        about = (self.header_expression, self.directory_expression, self.claims) if self.conflict else ()
        return (self.expression, self.basis, self.stated_in, self.conflict, self.uncertain, *about)

    def words(self) -> str:
        """The statement on one line."""
        basis = f"from {shown(self.stated_in)}" if self.stated_in else BASES.get(self.basis, self.basis)
        parts = [shown(self.expression or "no licence"), basis, f"{number(self.files, 'file')}, {self.kept:,} kept"]
        if self.uncertain:
            parts.append("not certain")
        if self.overridden:
            parts.append(f"{self.overridden:,} decided by a person")
        return " · ".join(parts)

    def contradiction(self) -> str | None:
        """What contradicts the statement, on one line."""
        if not self.conflict:
            return None
        said = [f"{name}: {shown(text, _LONGEST_SIDE)}" for name, text in self._sides() if text]
        return f"conflict: {', '.join(said)}, such as {shown(self.for_example)}"

    def _sides(self) -> tuple[tuple[str, str | None], ...]:
        return (("head", self.header_expression), ("folder", self.directory_expression), ("beside it", self.claims))


@dataclass
class Place:
    """A folder in which something is said that the folder above does not say."""

    folder: str
    statements: list[Statement] = field(default_factory=list)

    @property
    def speaks(self) -> bool:
        """Whether something is said for the folder, and not only by files of themselves."""
        return any(known.basis != "own_header" for known in self.statements)

    def add(self, statement: Statement) -> None:
        """Count a statement here, with one that says the same if there is one."""
        for known in self.statements:
            if known.key == statement.key:
                for name in _COUNTS:
                    setattr(known, name, getattr(known, name) + getattr(statement, name))
                return
        self.statements.append(statement)


@dataclass(frozen=True)
class Licences:
    """One repository: its name, where it lies, its files that were read, and its places in the order of their paths."""

    repository: str
    url: str
    files: int
    kept: int
    places: tuple[Place, ...]

    def plain(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def license_trees(folder: Path, repository: str) -> list[Licences]:
    """The licences of each repository of this name. Raises StopRun, with the closest names, where there is none."""
    with Database(tables_of(folder)) as database:
        rows = database.ask(questions()["license_tree"], {"repo": repository}).to_pylist()
    if not rows:
        way_out = f"`gleanery explain {shown(repository)} --run DIR` says why; `gleanery audit repositories` lists all"
        raise StopRun(f"no file of {shown(repository)} was read in this run", way_out)
    by_source: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_source.setdefault((row["repo"], row["url"]), []).append(row)
    return [_licences(name, url, found) for (name, url), found in sorted(by_source.items())]


def _licences(name: str, url: str, rows: Iterable[Row]) -> Licences:
    places: dict[str, Place] = {"": Place("")}
    # What is said for a folder comes before what its files say of themselves.
    for row in sorted(rows, key=lambda row: (row["folder"], row["conflict"], row["basis"] == "own_header")):
        statement = Statement(**{key: row[key] for key in Statement.__dataclass_fields__})
        _place(places, row["folder"], statement).add(statement)
    counts = [statement for place in places.values() for statement in place.statements]
    ordered = tuple(places[folder] for folder in sorted(places))
    return Licences(name, url, sum(s.files for s in counts), sum(s.kept for s in counts), ordered)


def _place(places: dict[str, Place], folder: str, statement: Statement) -> Place:
    """Where a statement belongs: with the nearest place that says the same, or at its own folder.

    What files say of themselves is counted at the nearest place, so that a thousand folders of files with the same head
    are one line; a conflict stays at its folder, where a person has to look.
    """
    above = [places[at] for at in _upwards(folder) if at in places]
    spoken = next((place for place in above if place.speaks), places[""])
    same = next((place for place in above if any(s.key == statement.key for s in place.statements)), None)
    if statement.conflict:
        return same or places.setdefault(folder, Place(folder))
    if statement.basis == "own_header" or same is spoken:
        return spoken
    return places.setdefault(folder, Place(folder))


def _upwards(folder: str) -> Iterator[str]:
    """A folder and those above it, up to the root.

    >>> list(_upwards("a/b"))
    ['a/b', 'a', '']
    """
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""
