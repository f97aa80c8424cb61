"""What records of a project say of one file: REUSE.toml, .reuse/dep5, licence files in Debian's form, `a.svg.license`.

In: what the files of each folder state. Out: for any path a `Recorded`: what takes the place of the file's own head,
what is added to it, and what speaks only where there is none. The order is that of https://reuse.software/spec-3.3/:
from the root down, the first record that overrides is the last one that is asked. 4 µs for a file below one record.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gleanery.licensing.findings import Finding
from gleanery.licensing.names import reading_of_records
from gleanery.licensing.paths import folder_of, inside
from gleanery.licensing.places import Places
from gleanery.licensing.stated import MOST_FOLDERS, Stated, last_record
from gleanery.licensing.statements import FileFacts, Said, combined

TOO_MANY_RECORDS = "gleanery-too-many-records"
_Pair = tuple[FileFacts, tuple[Finding, ...]]


@dataclass(frozen=True)
class Recorded:
    """What records say of one file. `overrides`: they and not the file's own head say what it is under.

    `added` holds in any case, `closest` where the file says nothing of its own.
    """

    overrides: bool = False
    added: Said = Said("none")
    closest: Said = Said("none")


class Records:
    """The records of one repository."""

    def __init__(self, stated: Stated, places: Places) -> None:
        self._stated = stated
        self._places = places

    def of(self, path: str) -> Recorded:
        """All records of one file. A `.license` file stands in the place of its head, and below what overrides."""
        added: list[_Pair] = []
        closest: list[_Pair] = []
        for file, finding in self._from_the_root(path):
            rank = (finding.rule or "").rpartition("-")[2]
            if rank == "closest":
                closest = [(file, (finding,))] if finding.outcome != "none" else closest
            elif finding.outcome != "none":
                added.append((file, (finding,)))
            if rank == "override":
                return Recorded(True, combined("reuse", [*added, *closest]))
        sidecar = self._stated.sidecars.get(path)
        if sidecar is None:
            return Recorded(False, combined("reuse", added), combined("reuse", closest))
        silent = all(finding.outcome == "none" for finding in sidecar.whole)
        if not (silent and closest):
            closest = [(sidecar, sidecar.whole)]
        return Recorded(True, combined("reuse", [*added, *closest], silence_is_doubt=True))

    def _from_the_root(self, path: str) -> Iterator[tuple[FileFacts, Finding]]:
        """The last record of each file that names a path, the file at the root first.

        Of licence files in Debian's form only the nearest counts, as of any licence file.
        """
        folders = self._places.of(folder_of(path)).recorded
        near_debian: FileFacts | None = None
        found: list[tuple[FileFacts, Finding]] = []
        for folder in folders[:MOST_FOLDERS]:
            for file in reversed(self._stated.speaking[folder].get("reuse", ())):
                form = reading_of_records(file.path)
                finding = last_record(file, inside(path, folder)) if form != "debian" else None
                if finding is not None and (form is not None or near_debian is None):
                    near_debian = file if form is None else near_debian
                    found.append((file, finding))
        if len(folders) > MOST_FOLDERS:  # nobody nests so many; what the root says would be lost
            file = self._stated.speaking[folders[MOST_FOLDERS]]["reuse"][0]
            found.append((file, Finding("unknown", rule=TOO_MANY_RECORDS)))
        yield from reversed(found)
