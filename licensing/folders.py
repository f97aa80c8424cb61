"""What governs each folder of a repository, and what else is stated there.

In: the findings of a repository's files and what its registry declares. Out: for any path, what the nearest licence
file says, or else the nearest manifest or README; what records such as REUSE.toml say of the file; and what weaker
sources state beside it. Every folder is looked at once, 30 µs each.
"""

from collections.abc import Iterable
from dataclasses import replace

from gleanery.licensing.expressions import all_of, alternatives, conjuncts, declared
from gleanery.licensing.named_parts import NamedParts
from gleanery.licensing.names import (
    is_about_third_parties,
    is_license_folder,
    is_notice,
    is_prose_path,
    license_role,
    reading_of_records,
)
from gleanery.licensing.paths import folder_of, inside, resolved, stands_in
from gleanery.licensing.places import Place, Places
from gleanery.licensing.reuse import matches
from gleanery.licensing.scan import NO_TRAINING, Finding
from gleanery.licensing.statements import (
    PART,
    THIRD_PARTIES,
    Evidence,
    FileFacts,
    Said,
    combined,
    covers,
    evidence_of,
    explained,
    for_code,
    of_documents,
    together,
)

# Folders whose notices, records, manifests and READMEs are read for one file.
MOST_FOLDERS = 16
_Texts = list[tuple[FileFacts, tuple[Finding, ...]]]


class Folders:
    """The folders of one repository."""

    def __init__(self, files: Iterable[FileFacts], declared_license: str | None) -> None:
        self._speaking: dict[str, dict[str, list[FileFacts]]] = {}
        self._sidecars: dict[str, FileFacts] = {}
        self._files: dict[str, FileFacts] = {}
        self._declared = declared_license
        self._places = Places(self._speaking, bool(declared_license))
        self._governing: dict[tuple[str, bool, bool], Said] = {}
        self._manifests: dict[str, Said] = {}
        self._beside: dict[tuple[str, bool], tuple[tuple[str, Said], ...]] = {}
        self._known: set[str] = set()  # every folder that holds a file, however deep
        ordered = sorted(files, key=lambda f: (f.path, f.file_id))
        self._named = NamedParts(ordered)
        for file in ordered:
            self._files.setdefault(file.path, file)
            at = folder_of(file.path)
            while at and at not in self._known:
                self._known.add(at)
                at = folder_of(at)
            self._add(file)

    def _add(self, file: FileFacts) -> None:
        role, folder = license_role(file.path), folder_of(file.path)
        if role is None or not file.whole or self._named.is_of_part(file):
            return
        if role in ("license", "notice") and all((f.rule or "").startswith("debian-") for f in file.whole):
            role = "reuse"  # a licence file in the form of debian/copyright, which names the files of each licence
        if role == "notice" and not is_notice(file.path):
            role = "third_parties" if is_about_third_parties(file.path) else "part"
        if role == "license" and is_license_folder(folder):
            role, folder = "license_folder", folder_of(folder)
        elif role == "reuse" and reading_of_records(file.path) == "sidecar":
            self._sidecars.setdefault(file.path.removesuffix(".license"), file)
            return
        elif reading_of_records(file.path) and folder.rpartition("/")[2] in (".reuse", "debian"):
            folder = folder_of(folder)
        self._speaking.setdefault(folder, {}).setdefault(role, []).append(file)

    def governing(self, path: str, stated: bool = False) -> Said:
        """What governs a file: the nearest licence file, else the nearest manifest or README.

        `stated`: the file has a licence of its own, beside which a folder of texts (`LICENSES/`) says nothing.
        """
        key = folder_of(path), is_prose_path(path), stated
        if key not in self._governing:
            self._governing[key] = self._statement(*key)
        notices = combined("ancestor_file", [(file, file.whole) for file in self._named.of_path(path)])
        return _with_notice(self._governing[key], notices)

    def recorded(self, path: str) -> tuple[Said, str]:
        """What a `.license` file or a record says of one file, and how it stands to the file's own header."""
        sidecar = self._sidecars.get(path)
        if sidecar is not None:
            return combined("reuse", [(sidecar, sidecar.whole)], silence_is_doubt=True), "override"
        for folder in self._places.of(folder_of(path)).recorded[:MOST_FOLDERS]:
            inner = path[len(folder) + 1 :] if folder else path
            for file in self._speaking[folder].get("reuse", ()):
                found = self._last_record(file, inner)
                if found is not None and reading_of_records(file.path) != "debian":
                    rank = (found.rule or "").rpartition("-")[2]
                    return combined("reuse", [(file, (found,))]), rank
        return Said("none"), "closest"

    @staticmethod
    def _last_record(file: FileFacts, inner: str) -> Finding | None:
        """The last record of a file that names a path; a file that could not be read may name any."""
        for finding in reversed(file.whole):
            if (not finding.paths and finding.outcome == "unknown") or any(matches(p, inner) for p in finding.paths):
                return finding
        return None

    def beside(self, path: str) -> tuple[tuple[str, Said], ...]:
        """What manifests, READMEs, the registry, records of Debian and licences further up state, with their kind.

        Manifests and READMEs count from the folder of the file up to the one whose licence file governs, that included.
        """
        key = folder_of(path), is_prose_path(path)
        if key not in self._beside:
            place = self._places.of(key[0])
            parts = [("above", combined("ancestor_file", [(f, f.whole)])) for f in self._named.above(key[0])]
            self._beside[key] = (*self._claims(place, key[1]), *self._readme_parts(key[0], place), *parts)
        records = [("manifest", said) for said in self._debian(path)]
        return (*self._beside[key], *records)

    def _claims(self, place: Place, prose: bool) -> Iterable[tuple[str, Said]]:
        for source, said in self._sources(place):
            yield source, said if prose else for_code(said)
            documents = of_documents(said)
            if not prose and source != "above" and documents.names_licence:
                yield "documents", documents
        yield from self._notices(place)
        if place.licensed and not prose:
            documents = of_documents(self._license_of(place.licensed[0]))
            if documents.names_licence:
                yield "documents", documents

    def _notices(self, place: Place) -> Iterable[tuple[str, Said]]:
        """What a NOTICE states, and what is stated of third parties: it speaks of some code here, not of this file."""
        for folder in place.noticed[:MOST_FOLDERS]:
            for source in ("notice", "third_parties"):
                said = combined("ancestor_file", self._texts(folder, source))
                if said.names_licence or said.uncertain:
                    yield source, said
        for folder in place.licensed[:MOST_FOLDERS]:
            said = combined("ancestor_file", _about_others(self._texts(folder, "license")))
            if said.names_licence:
                yield "third_parties", said

    def _readme_parts(self, folder: str, place: Place) -> Iterable[tuple[str, Said]]:
        """What READMEs say of the folders of a path."""
        for above in place.described[:MOST_FOLDERS]:
            inner = inside(folder, above)
            for file, finding in self._parts(above, "readme"):
                if stands_in(inner, finding.paths):
                    yield "readme", combined("repository", [(file, (finding,))])

    def _sources(self, place: Place) -> Iterable[tuple[str, Said]]:
        shortest = len(place.licensed[0]) if place.licensed else 0
        near = [f for f in place.described if len(f) >= shortest][:MOST_FOLDERS]
        for folder in near:
            for source, said in (("manifest", self._manifest(folder)), ("readme", self._readme(folder))):
                deeper = bool(place.licensed) and folder != place.licensed[0]
                if said.names_licence or (deeper and said.uncertain and source == "manifest"):
                    yield source, said
        if self._declared and not (place.licensed and place.licensed[0]) and "" in place.described:
            said = self._registry()
            if said.names_licence:
                yield "registry", said
        for folder in place.licensed[:MOST_FOLDERS]:
            said = self._license_of(folder)
            if said.names_licence:
                yield "above", said

    def _debian(self, path: str) -> Iterable[Said]:
        for folder in self._places.of(folder_of(path)).recorded[:MOST_FOLDERS]:
            for file in self._speaking[folder].get("reuse", ()):
                if reading_of_records(file.path) == "debian":
                    found = self._last_record(file, path[len(folder) + 1 :] if folder else path)
                    if found is not None:
                        yield combined("package_metadata", [(file, (found,))])

    def _statement(self, folder: str, prose: bool, stated: bool) -> Said:
        place = self._places.of(folder)
        licensed = place.licensed
        statement = self._license_of(licensed[0], stated) if licensed else self._gap_filler(place)
        statement = self._of_part(folder, licensed, statement)
        statement = self._with_parts(statement, place)
        return statement if prose else for_code(statement)

    def _of_part(self, folder: str, licensed: tuple[str, ...], statement: Said) -> Said:
        """What holds in a folder that a licence file above it names as a part of its own, else the statement given.

        A sentence that names this very folder, or one above it, speaks instead of the rest of its file. One that only
        fits by the last names of its path ("ee/" for `dist/ee/`) is a doubt, and never grants.
        """
        for above in licensed[:MOST_FOLDERS]:
            inner = inside(folder, above)
            for file, finding in self._parts(above, "license"):
                exact = stands_in(inner, finding.paths)
                if exact and not self._deeper(licensed[0], above, finding.paths):
                    return combined("ancestor_file", [(file, (finding,))])
                if not exact and above == licensed[0] and any(self._fits(inner, p, above) for p in finding.paths):
                    doubt = combined("ancestor_file", [(file, (replace(finding, outcome="unknown"),))])
                    return together("ancestor_file", [statement, doubt])
        return statement

    def _parts(self, folder: str, role: str) -> Iterable[tuple[FileFacts, Finding]]:
        for file, findings in self._texts(folder, role, parts=True):
            for finding in findings:
                yield file, finding

    @staticmethod
    def _deeper(nearest: str, above: str, paths: tuple[str, ...]) -> bool:
        """Whether the nearest licence file stands in a part or below it, so that it is nearer than the sentence."""
        return stands_in(inside(nearest, above), paths)

    def _fits(self, inner: str, part: str, above: str) -> bool:
        """Whether a path has a part somewhere in it; of a part that is not in the repository, its last name."""
        whole = f"{above}/{part}" if above else part
        names = part if whole in self._known else part.rpartition("/")[2]
        return f"/{names}/" in f"/{inner}/"

    def _license_of(self, folder: str, stated: bool = False) -> Said:
        """The licence files of a folder; where they are silent or only point elsewhere, its folder of licences."""
        texts = self._texts(folder, "license")
        statement = combined("ancestor_file", texts, silence_is_doubt=True)
        if not statement.names_licence and not (stated and not texts):
            texts = texts + self._texts(folder, "license_folder")
            statement = combined("ancestor_file", texts, silence_is_doubt=True)
        choice = next((c for c in self._choices(folder) if covers(c[0], statement.expression)), None)
        if choice is None:
            return statement
        return replace(statement, expression=choice[0], evidence=(*statement.evidence, choice[1]))

    def _choices(self, folder: str) -> Iterable[tuple[str, Evidence]]:
        """The choices (OR) that manifests, the registry and READMEs of a folder offer."""
        described = [self._manifest(folder), self._readme(folder)]
        if not folder:
            described.insert(1, self._registry())
        for evidence in (e for statement in described for e in statement.evidence):
            for part in conjuncts(evidence.expression or ""):
                if len(alternatives(part)) > 1:
                    yield part, evidence

    def _gap_filler(self, place: Place) -> Said:
        """Where no licence file speaks: the nearest manifest, or else README, that names a licence."""
        doubts = []
        for folder in place.described:
            sources = [self._manifest(folder), self._readme(folder)]
            if not folder:
                sources.insert(1, self._registry())
            for statement in sources:
                if statement.names_licence:
                    return statement
                doubts += [statement] if statement.evidence else []
        return doubts[0] if doubts else Said("none")

    def _manifest(self, folder: str) -> Said:
        """The manifests of a folder, with the files that they point to."""
        if folder not in self._manifests:
            texts = [pair for pair in self._texts(folder, "metadata") for pair in self._followed(folder, *pair)]
            self._manifests[folder] = combined("package_metadata", texts)
        return self._manifests[folder]

    def _followed(self, folder: str, file: FileFacts, findings: tuple[Finding, ...]) -> _Texts:
        """A manifest, and in the place of a pointer the file that it points to; one that is not there is a doubt."""
        said: _Texts = []
        for finding in findings:
            if not finding.paths:
                said.append((file, (finding,)))
                continue
            target = self._files.get(resolved(folder, finding.paths[0]) or "")
            words = (target.whole or target.head) if target is not None else ()
            if target is None or not any(f.outcome == "found" for f in words):
                said.append((file, (replace(finding, outcome="unknown", expression=None),)))
            elif license_role(target.path) != "license" or folder_of(target.path) != folder:
                said.append((target, words))
        return said

    def _readme(self, folder: str) -> Said:
        return combined("repository", self._texts(folder, "readme"))

    def _registry(self) -> Said:
        """What the registry or forge declares, for the root."""
        if not self._declared:
            return Said("none")
        said = declared(self._declared)
        evidence = Evidence("package_metadata", "", "", said, None, None, None, None)
        return Said("package_metadata", explained([said]) if said else None, said is None, (evidence,))

    def _with_parts(self, statement: Said, place: Place) -> Said:
        """Licences of a part add and never grant; a reservation against training holds wherever it stands."""
        for folder in place.noticed[:MOST_FOLDERS]:
            statement = _with_notice(statement, combined("ancestor_file", self._texts(folder, "part")))
        evidence = tuple(self._reservations(place))
        if not evidence:
            return statement
        expression = all_of([*([statement.expression] if statement.expression else []), NO_TRAINING])
        role = statement.role if statement.expression else evidence[0].role
        return Said(role, expression, statement.uncertain, (*statement.evidence, *evidence))

    def _reservations(self, place: Place) -> Iterable[Evidence]:
        for folder in place.described:
            for role in ("readme", "metadata", "notice", "part", "third_parties"):
                for file, findings in self._texts(folder, role):
                    for finding in findings:
                        if finding.expression == NO_TRAINING:
                            yield evidence_of("repository", file, finding, NO_TRAINING)
                            return

    def _texts(self, folder: str, role: str, parts: bool = False) -> _Texts:
        """The files of a role with what they say of the whole folder, or else of parts of it."""
        files = self._speaking.get(folder, {}).get(role, [])
        return [(file, tuple(f for f in file.whole if (f.rule == PART) == parts)) for file in files]


def _about_others(texts: _Texts) -> _Texts:
    """What licence files only mention, as the licences of code of third parties."""
    mentioned = ((file, [f for f in found if (f.rule or "").startswith(THIRD_PARTIES)]) for file, found in texts)
    return [(file, tuple(replace(f, outcome="found") for f in found if f.expression)) for file, found in mentioned]


def _with_notice(statement: Said, notice: Said) -> Said:
    """A statement and what a notice adds to it; where nothing is granted, a notice grants nothing either."""
    if not statement.names_licence or not (notice.names_licence or notice.uncertain):
        return statement
    parts = [e for e in (statement.expression, notice.expression if notice.names_licence else None) if e]
    evidence = (*statement.evidence, *notice.evidence)
    return Said(statement.role, all_of(parts), statement.uncertain or notice.uncertain, evidence)
