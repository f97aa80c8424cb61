"""What weaker sources state beside what governs a file: claims, for the policy to weigh.

In: what the files of each folder state. Out: for any path, what manifests, READMEs, the registry, notices, records of
Debian and licences further up say of it, each with its kind. Once for each folder, 10 µs.
"""

from collections.abc import Iterable
from dataclasses import replace

from gleanery.licensing.expressions import canonical, conjuncts, is_vague
from gleanery.licensing.findings import THIRD_PARTIES
from gleanery.licensing.names import is_prose_path, is_vendored_path, reading_of_records
from gleanery.licensing.paths import folder_of, inside, stands_in
from gleanery.licensing.places import Place, Places
from gleanery.licensing.stated import MOST_FOLDERS, Stated, Texts, last_record
from gleanery.licensing.statements import Said, combined, for_code, of_documents

# A folder of texts that name more licences than these is a collection: no folder of code is under all of them.
_MOST_OF_ONE_FOLDER = 2
# The kind of a claim, and the role in which files of a folder make it.
_DESCRIBING = (("manifest", "metadata"), ("manifest", "recipe"), ("readme", "readme"), ("readme", "other_readme"))


class Beside:
    """What is stated beside the licences of the folders of one repository."""

    def __init__(self, stated: Stated, places: Places) -> None:
        self._stated = stated
        self._places = places
        self._beside: dict[tuple[str, bool, bool], tuple[tuple[str, Said], ...]] = {}

    def of(self, path: str, stated: bool = False) -> tuple[tuple[str, Said], ...]:
        """What manifests, READMEs, the registry, records of Debian and licences further up state, with their kind.

        Manifests and READMEs count from the folder of the file up to the one whose licence file governs, that included.
        `stated`: the file has a licence of its own.
        """
        key = folder_of(path), is_prose_path(path), stated
        if key not in self._beside:
            place = self._places.of(key[0])
            parts = [("above", combined("ancestor_file", [(f, f.whole)])) for f in self._stated.named.above(key[0])]
            texts = self._texts(place, stated)
            self._beside[key] = (*self._claims(place, key[1]), *self._readme_parts(key[0], place), *texts, *parts)
        records = [("manifest", said) for said in self.debian(path)]
        return (*self._beside[key], *records)

    def _claims(self, place: Place, prose: bool) -> Iterable[tuple[str, Said]]:
        for source, said in self._sources(place):
            if said.names_licence or said.uncertain:
                yield source, said if prose else for_code(said)
            documents = of_documents(said)
            if not prose and source != "above" and documents.names_licence:
                yield "documents", documents
        yield from self._notices(place)
        if place.licensed and not prose:
            documents = of_documents(self._stated.license_of(place.licensed[0]))
            if documents.names_licence:
                yield "documents", documents

    def _notices(self, place: Place) -> Iterable[tuple[str, Said]]:
        """What a NOTICE states, and what is stated of third parties: it speaks of some code here, not of this file."""
        for folder in place.noticed[:MOST_FOLDERS]:
            for source in ("notice", "third_parties", "documents"):
                said = self._stated.said(folder, source)
                if said.names_licence or (said.uncertain and source != "documents"):
                    yield source, said
        for folder in place.licensed[:MOST_FOLDERS]:
            others = _about_others(self._stated.texts(folder, "license"))
            said = combined("ancestor_file", others + self._stated.of_files(folder))
            if said.names_licence or said.uncertain:
                yield "third_parties", said

    def _texts(self, place: Place, stated: bool) -> Iterable[tuple[str, Said]]:
        """What folders of texts such as `licenses/` name, which do not speak for the folders they stand in.

        They hold the licences of dependencies, of templates, or of this very folder. So they grant nothing; one or two
        of them may refuse, as a notice does. More are a collection, and beside a licence file, or the head of a file,
        they say nothing either.
        """
        nearest = place.licensed[0] if place.licensed else None
        for folder in place.described[:MOST_FOLDERS]:
            if nearest is not None and not (folder == nearest or folder.startswith(f"{nearest}/" if nearest else "")):
                return
            said = self._stated.said(folder, "texts")
            if said.names_licence or said.uncertain:
                several = len({canonical(part) for part in conjuncts(said.expression or "")}) > _MOST_OF_ONE_FOLDER
                yield "above" if several or stated or folder == nearest else "notice", said

    def _readme_parts(self, folder: str, place: Place) -> Iterable[tuple[str, Said]]:
        """What READMEs say of the folders of a path."""
        for above in place.described[:MOST_FOLDERS]:
            inner = inside(folder, above)
            for role in ("readme", "other_readme"):
                for file, finding in self._stated.parts(above, role):
                    if stands_in(inner, finding.paths):
                        yield "readme", combined("repository", [(file, (finding,))])

    def _sources(self, place: Place) -> Iterable[tuple[str, Said]]:
        shortest = len(place.licensed[0]) if place.licensed else 0
        near = [f for f in place.described if len(f) >= shortest][:MOST_FOLDERS]
        for folder in near:
            for source, role in _DESCRIBING:
                yield source, self._stated.said(folder, role)
        declared = self._stated.declared
        if declared and not is_vague(declared) and not (place.licensed and place.licensed[0]) and "" in place.described:
            yield "registry", self._stated.registry()
        for folder in place.licensed[:MOST_FOLDERS]:
            yield "above", self._stated.license_of(folder)

    def debian(self, path: str) -> Iterable[Said]:
        """What `debian/copyright` states for a path, in the folders above it that have one, the nearest first.

        "Files: *" speaks of the work itself: of code of third parties only what names their folder counts, and of a
        folder with a licence file of its own, below the record, only what names a folder on the way to it.
        """
        vendored, licensed = is_vendored_path(path), self._places.of(folder_of(path)).licensed
        for folder in self._places.of(folder_of(path)).recorded[:MOST_FOLDERS]:
            own = inside(licensed[0], folder) if licensed and len(licensed[0]) > len(folder) else ""
            for file in self._stated.speaking[folder].get("reuse", ()):
                if reading_of_records(file.path) != "debian":
                    continue
                found = last_record(file, inside(path, folder))
                if found is None or (vendored is not None and not _names(found.paths, [_name(vendored)])):
                    continue
                if not own or _names(found.paths, own.split("/")):
                    yield combined("package_metadata", [(file, (found,))])


def _names(patterns: tuple[str, ...], folders: Iterable[str]) -> bool:
    """Whether one of some patterns names one of some folders, and not only all files or all of some name."""
    named = [f"/{pattern.partition(':')[2]}/" for pattern in patterns]
    return any(f"/{folder}/" in pattern for folder in folders for pattern in named)


def _name(folder: str) -> str:
    return folder.rpartition("/")[2]


def _about_others(texts: Texts) -> Texts:
    """What licence files only mention, as the licences of code of third parties."""
    mentioned = ((file, [f for f in found if f.is_by(THIRD_PARTIES)]) for file, found in texts)
    return [(file, tuple(replace(f, outcome="found") for f in found if f.expression)) for file, found in mentioned]
