"""What governs each folder of a repository.

In: the findings of a repository's files and what its registry declares. Out: for any path, what the nearest licence
file says, or else the nearest manifest, README or record of Debian; what records such as REUSE.toml say of the file;
and what weaker sources state beside it. Every folder is looked at once, 30 µs each.
"""

from collections.abc import Iterable
from dataclasses import replace

from gleanery.licensing.beside import Beside
from gleanery.licensing.expressions import all_of, conjuncts
from gleanery.licensing.findings import LEFT_OUT, NO_TRAINING
from gleanery.licensing.names import is_prose_path, is_vendored_path
from gleanery.licensing.paths import folder_of, inside, stands_in
from gleanery.licensing.places import Place, Places
from gleanery.licensing.recorded import Recorded, Records
from gleanery.licensing.stated import MOST_FOLDERS, Stated
from gleanery.licensing.statements import Evidence, FileFacts, Said, combined, evidence_of, for_code, together

# All roles of files that speak of a folder, so that a reservation is found wherever it stands.
_TEXTS = ("license", "license_folder", "texts")
_NOTICES = ("notice", "part", "third_parties", "documents")
_RESERVING: tuple[str, ...] = (*_TEXTS, "readme", "other_readme", "metadata", *_NOTICES)
_SHOWN_READMES = (".github", "docs")


class Folders:
    """The folders of one repository."""

    def __init__(self, files: Iterable[FileFacts], declared_license: str | None) -> None:
        self._stated = Stated(files, declared_license)
        self._places = Places(self._stated.speaking, bool(declared_license))
        self._beside = Beside(self._stated, self._places)
        self._records = Records(self._stated, self._places)
        self._governing: dict[tuple[str, bool, bool], Said] = {}

    def governing(self, path: str, stated: bool = False) -> Said:
        """What governs a file: the nearest licence file, else the nearest manifest or README, else Debian's record.

        `stated`: the file has a licence of its own, beside which a folder of texts (`LICENSES/`) says nothing.
        """
        key = folder_of(path), is_prose_path(path), stated
        if key not in self._governing:
            self._governing[key] = self._statement(*key)
        texts = [(file, file.whole) for file in self._stated.named.of_path(path)]
        for above in self._places.of(key[0]).described[:MOST_FOLDERS]:
            texts += self._stated.of_files(above, inside(path, above))
        notices = combined("ancestor_file", texts)
        said = _with_notice(self._governing[key], notices)
        return said if said.evidence else next(iter(self._beside.debian(path)), said)

    def recorded(self, path: str) -> Recorded:
        """What records such as REUSE.toml and `.license` files say of one file."""
        return self._records.of(path)

    def beside(self, path: str, stated: bool = False) -> tuple[tuple[str, Said], ...]:
        """What is stated beside what governs a file, with its kind. `stated`: the file has a licence of its own."""
        return self._beside.of(path, stated)

    def _statement(self, folder: str, prose: bool, stated: bool) -> Said:
        place = self._places.of(folder)
        licensed = place.licensed
        statement = self._stated.license_of(licensed[0], stated) if licensed else self._gap_filler(place)
        statement = self._of_part(folder, licensed, statement)
        if not stated and statement.names_licence:
            statement = self._left_out(folder, place, statement)
        statement = self._with_parts(folder, statement, place)
        return statement if prose else for_code(statement)

    def _of_part(self, folder: str, licensed: tuple[str, ...], statement: Said) -> Said:
        """What holds in a folder that a licence file above it names as a part of its own, else the statement given.

        A sentence that names this very folder, or one above it, speaks instead of the rest of its file. One that only
        fits by the last names of its path ("ee/" for `dist/ee/`) is a doubt, and never grants.
        """
        for above in licensed[:MOST_FOLDERS]:
            inner = inside(folder, above)
            for file, finding in self._stated.parts(above, "license"):
                exact = stands_in(inner, finding.paths)
                # a licence file in a part or below it is nearer than the sentence
                if exact and not stands_in(inside(licensed[0], above), finding.paths):
                    return combined("ancestor_file", [(file, (finding,))])
                if not exact and above == licensed[0] and any(self._fits(inner, p, above) for p in finding.paths):
                    doubt = combined("ancestor_file", [(file, (replace(finding, outcome="unknown"),))])
                    return together("ancestor_file", [statement, doubt])
        return statement

    def _left_out(self, folder: str, place: Place, statement: Said) -> Said:
        """With a doubt in a folder that a README leaves out of the licence, if no licence file stands in or below it.

        Files with a licence of their own do not ask: others' code that is left out so often says what it is under.
        """
        for above in place.described[:MOST_FOLDERS]:
            inner = inside(folder, above)
            for file, finding in self._stated.parts(above, "readme"):
                nearer = any(stands_in(inside(at, above), finding.paths) for at in place.licensed if at != above)
                if finding.rule == LEFT_OUT and stands_in(inner, finding.paths) and not nearer:
                    doubt = combined("repository", [(file, (finding,))])
                    return together(statement.role, [statement, doubt])
        return statement

    def _fits(self, inner: str, part: str, above: str) -> bool:
        """Whether a path has a part somewhere in it, whatever its letters; of one that is not there, its last name."""
        whole = f"{above}/{part}" if above else part
        names = part if self._stated.holds(whole) else part.rpartition("/")[2]
        return f"/{names}/".lower() in f"/{inner}/".lower()

    def _gap_filler(self, place: Place) -> Said:
        """Where no licence file speaks: the nearest manifest, or else README, that names a licence."""
        doubts = []
        for folder in place.described:
            for statement in self._stated.described(folder):
                if statement.names_licence:
                    return self._stated.with_texts(folder, statement)
                doubts += [statement] if statement.evidence else []
        return doubts[0] if doubts else Said("none")

    def _with_parts(self, folder: str, statement: Said, place: Place) -> Said:
        """Licences of a part add and never grant; a reservation against training holds wherever it stands."""
        for above in place.noticed[:MOST_FOLDERS]:
            statement = _with_notice(statement, self._stated.said(above, "part"))
        if NO_TRAINING in conjuncts(statement.expression or ""):
            return statement
        evidence = tuple(self._reservations(folder, place))
        if not evidence:
            return statement
        expression = all_of([*([statement.expression] if statement.expression else []), NO_TRAINING])
        role = statement.role if statement.expression else evidence[0].role
        return Said(role, expression, statement.uncertain, (*statement.evidence, *evidence))

    def _reservations(self, folder: str, place: Place) -> Iterable[Evidence]:
        """The nearest reservation of a folder and those above it; a nearer licence does not take one back.

        Forges show the README of `.github` or `docs` as that of the repository, so it may hold one for all of it.
        """
        asked = [(at, _RESERVING) for at in place.described]
        if is_vendored_path(f"{folder}/x") is None:
            asked += [(at, ("readme",)) for at in _SHOWN_READMES]
        for at, roles in asked:
            for role in roles:
                for file, findings in self._stated.texts(at, role):
                    for finding in findings:
                        if NO_TRAINING in conjuncts(finding.expression or ""):
                            yield evidence_of("repository", file, finding, NO_TRAINING)
                            return


def _with_notice(statement: Said, notice: Said) -> Said:
    """A statement and what a notice adds to it; where nothing is granted, a notice grants nothing either."""
    if not statement.names_licence or not (notice.names_licence or notice.uncertain):
        return statement
    parts = [e for e in (statement.expression, notice.expression if notice.names_licence else None) if e]
    evidence = (*statement.evidence, *notice.evidence)
    return Said(statement.role, all_of(parts), statement.uncertain or notice.uncertain, evidence)
