"""What the licence files, manifests and READMEs of each folder state, folder by folder.

In: the findings of a repository's files and what its registry declares. Out: for any folder, what its files say in one
role. Which folder speaks for which file is not known here. Every folder is looked at once, 20 µs each.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import re2

from gleanery.licensing.expressions import alternatives, canonical, conjuncts, declared, keys
from gleanery.licensing.file_sections import pattern_of
from gleanery.licensing.findings import ABOVE, ALL_OF_OTHERS, LEFT_OUT, LIMITED, OF_FILES, PART, POINTS_TO, Finding
from gleanery.licensing.manifest_names import is_recipe, manifest_form
from gleanery.licensing.named_parts import NamedParts
from gleanery.licensing.names import (
    is_about_data,
    is_about_third_parties,
    is_license_folder,
    is_notice,
    is_other_readme,
    is_sidecar,
    is_vendored_path,
    license_role,
    reading_of_records,
    silenced,
)
from gleanery.licensing.paths import folder_of, resolved, stands_in, ways_down
from gleanery.licensing.reuse import matches
from gleanery.licensing.statements import Evidence, FileFacts, Said, combined, covers, explained

# A manifest points to the terms of its package, and they are not there: "SEE LICENSE IN EULA.txt".
NO_SUCH_FILE = "gleanery-no-such-file"
_USUAL_FILE = re.compile(
    r"(?i)(?:.{0,200}/)?(?:mit-?)?(?:(?:un)?licen[sc]es?|copying|copyright|legal)(?:[-_.](?!eula|comm|enter|prop)[\w.-]{0,40})?/?"
)
# Folders whose notices, records, manifests and READMEs are read for one file.
MOST_FOLDERS = 16
# As what a file that speaks in some role is evidence; in any other, as a licence file is.
_EVIDENCE = {
    "metadata": "package_metadata",
    "recipe": "package_metadata",
    "readme": "repository",
    "other_readme": "repository",
}
Texts = list[tuple[FileFacts, tuple[Finding, ...]]]
# A pattern of all paths that sections of a folder's files name, and each section with its own.
_Sections = tuple[Any, list[tuple[Any, tuple[FileFacts, tuple[Finding, ...]]]]]


class Stated:
    """The files of one repository that speak of licences, by folder and role.

    Roles are those of `names.license_role`; a notice may also be a `part` (`LICENSE.zlib`), about `third_parties` or
    `documents` (`LICENSE-MODEL`), a README an `other_readme` (`README_EN.md`), which grants nothing, a manifest also
    a `recipe`, which states the licence of what it packs.
    `license_folder` are the texts of a folder `LICENSES/` in the form of REUSE, which speak for the root it stands in;
    `texts` are those of any other such folder, which may be of the dependencies: they grant nothing by themselves.
    """

    def __init__(self, files: Iterable[FileFacts], declared_license: str | None) -> None:
        self.speaking: dict[str, dict[str, list[FileFacts]]] = {}
        self.sidecars: dict[str, FileFacts] = {}
        self.declared = declared_license
        self._files: dict[str, FileFacts] = {}
        self._said: dict[tuple[str, str], Said] = {}
        self._licenses: dict[tuple[str, bool], Said] = {}
        self._of_files: dict[str, _Sections | None] = {}
        ordered = sorted(files, key=lambda f: (f.path, f.file_id))
        self._paths = [file.path for file in ordered]
        self.named = NamedParts(ordered)
        for file in ordered:
            self._files.setdefault(file.path, file)
        for file in ordered:
            self._add(self._pointed(file))
        for folder, roles in self.speaking.items():
            if _is_root(folder) and "texts" in roles and all(map(_is_named_as_reuse_wants, roles["texts"])):
                roles["license_folder"] = roles.pop("texts")
            silent = silenced(f.path for f in roles.get("license", ()))
            if silent:
                roles["license"] = [f for f in roles["license"] if f.path not in silent or _reserves(f)]

    def _pointed(self, file: FileFacts) -> FileFacts:
        """A licence file that only says in which file the licence stands, with what that one says of this folder.

        So does a symbolic link. It stays a doubt where no such file speaks of licences, or one that points on.
        """
        paths = [f.paths[0] for f in file.whole if f.rule == POINTS_TO]
        if not paths or license_role(file.path) != "license":
            return file
        places = [resolved(folder_of(file.path), paths[0])]
        if paths[0].startswith(ABOVE):
            places = [resolved(at, paths[0].removeprefix(ABOVE)) for at in _folders_above(folder_of(file.path))]
        for place in places:
            target = self._files.get(place or "")
            if target is None or target is file or license_role(target.path) not in ("license", "notice"):
                continue
            speaks = [f for f in target.whole if f.outcome != "none"]
            if speaks and not any(f.rule == POINTS_TO for f in speaks):
                return replace(target, file_id=file.file_id, path=file.path)
        return file

    def _add(self, file: FileFacts) -> None:
        role, folder = license_role(file.path), folder_of(file.path)
        named = file.path.removesuffix(".license")
        if named != file.path and named in self._files and file.whole:
            self.sidecars.setdefault(named, file)
            return
        if role is None or is_sidecar(file.path) or not file.whole or self.named.is_of_part(file):
            return
        if role in ("license", "notice") and all(f.is_by("debian-") for f in file.whole):
            role = "reuse"  # a licence file in the form of debian/copyright, which names the files of each licence
        if role == "notice":
            limited = any(f.rule == LIMITED for f in file.whole)
            of_others = not limited and any(f.is_by(ALL_OF_OTHERS) for f in file.whole)
            role = "notice" if is_notice(file.path) else "part"
            if role == "part" and is_about_data(file.path):
                role = "documents"
            elif of_others or (role == "part" and is_about_third_parties(file.path)):
                role = "third_parties"
        if role == "readme" and is_other_readme(file.path):
            role = "other_readme"
        if role == "metadata" and is_recipe(file.path):
            role = "recipe"
        if role == "license" and is_license_folder(folder):
            folder = folder_of(folder)
            role = "license" if folder.endswith(".dist-info") else "texts"
        elif reading_of_records(file.path) and folder.rpartition("/")[2] in (".reuse", "debian"):
            folder = folder_of(folder)
        self.speaking.setdefault(folder, {}).setdefault(role, []).append(file)

    def holds(self, folder: str) -> bool:
        """Whether there is a folder, other than the root, that holds a file, however deep."""
        below = folder + "/"
        at = bisect_left(self._paths, below)
        return at < len(self._paths) and self._paths[at].startswith(below)

    def texts(self, folder: str, role: str, parts: bool = False) -> Texts:
        """The files of a role with what they say of the whole folder, or else of parts of it."""
        files = self.speaking.get(folder, {}).get(role, [])
        return [
            (file, tuple(f for f in file.whole if (f.rule in (PART, LEFT_OUT)) == parts and not f.is_by(OF_FILES)))
            for file in files
        ]

    def parts(self, folder: str, role: str) -> Iterable[tuple[FileFacts, Finding]]:
        """What the files of a role say of parts of the folder, each with its paths."""
        for file, findings in self.texts(folder, role, parts=True):
            for finding in findings:
                yield file, finding

    def of_files(self, folder: str, inner: str | None = None) -> Texts:
        """What the files of a folder say of some files only: all of it, or what holds for one path below it."""
        if folder not in self._of_files:
            self._of_files[folder] = self._sections(folder)
        found = self._of_files[folder]
        if found is None or (inner is not None and not found[0].search(inner)):
            return []
        return [text for pattern, text in found[1] if inner is None or pattern.search(inner)]

    def _sections(self, folder: str) -> _Sections | None:
        roles = self.speaking.get(folder, {})
        said = [(file, f) for files in roles.values() for file in files for f in file.whole if f.is_by(OF_FILES)]
        named = [(f.paths, (file, (f,))) for file, f in said if f.paths]
        if not named:  # as in nearly all folders: nothing is compiled for them
            return None
        gate = re2.compile(pattern_of(path for paths, _ in named for path in paths))
        return gate, [(re2.compile(pattern_of(paths)), text) for paths, text in named]

    def license_of(self, folder: str, stated: bool = False) -> Said:
        """The licence files of a folder; where they are silent or only point elsewhere, its folder of licences.

        `stated`: the file has a licence of its own, beside which a folder of texts says nothing.
        """
        if (folder, stated) not in self._licenses:
            self._licenses[folder, stated] = self._license_of(folder, stated)
        return self._licenses[folder, stated]

    def _license_of(self, folder: str, stated: bool) -> Said:
        texts = self.texts(folder, "license")
        statement = combined("ancestor_file", texts, silence_is_doubt=True)
        if not statement.names_licence and not (stated and not texts):
            texts = texts + self.texts(folder, "license_folder") + self.texts(folder, "texts")
            statement = combined("ancestor_file", texts, silence_is_doubt=True)
        offering = (folder, *self._same_texts(folder))
        choice = next((c for at in offering for c in self._choices(at) if covers(c[0], statement.expression)), None)
        if choice is None:
            return statement
        return replace(statement, expression=choice[0], evidence=(*statement.evidence, choice[1]))

    def _same_texts(self, folder: str) -> Iterable[str]:
        """The folders above one, of the same work, that hold the same licence files, two or more: what is offered there
        is offered here. A copy of one of the texts alone may be the licence of something else.
        """
        held = self._held(folder)
        if len(held) < 2 or is_vendored_path(f"{folder}/x") is not None:
            return
        for _ in range(MOST_FOLDERS):
            if not folder:
                return
            folder = folder_of(folder)
            if self._held(folder) == held:
                yield folder

    def _held(self, folder: str) -> set[str]:
        return {file.blob_id for file in self.speaking.get(folder, {}).get("license", ())}

    def with_texts(self, folder: str, statement: Said) -> Said:
        """What a manifest or a README states, with the texts of its folder `licenses/` that it names.

        Where each licence that it states has its text there, a text states it.
        """
        if "texts" not in self.speaking.get(folder, {}):
            return statement
        parts = [alternatives(part) for part in conjuncts(statement.expression or "")]
        named = {side for sides in parts for side in sides}
        evidence = tuple(e for e in self.said(folder, "texts").evidence if canonical(e.expression or "") in named)
        there = {canonical(e.expression or "") for e in evidence}
        whole = bool(evidence) and all(sides & there for sides in parts)
        role = "ancestor_file" if whole else statement.role
        return replace(statement, role=role, evidence=(*statement.evidence, *evidence))

    def _choices(self, folder: str) -> Iterable[tuple[str, Evidence]]:
        """The choices (OR) that manifests, the registry and READMEs of a folder offer."""
        for evidence in (e for statement in self.described(folder) for e in statement.evidence):
            for part in conjuncts(evidence.expression or ""):
                if len(alternatives(part)) > 1:
                    yield part, evidence

    def described(self, folder: str) -> list[Said]:
        """What the manifests of a folder, at the root the registry, and the READMEs state, in this order."""
        registry = [] if folder else [self.registry()]
        return [self.said(folder, "metadata"), *registry, self.said(folder, "readme")]

    def said(self, folder: str, role: str) -> Said:
        """What the files of a role say of the whole folder; of manifests, with the files that they point to."""
        if (folder, role) not in self._said:
            texts = self.texts(folder, role)
            if role in ("metadata", "recipe"):
                texts = [pair for file, findings in texts for pair in self._followed(folder, file, findings)]
            self._said[folder, role] = combined(_EVIDENCE.get(role, "ancestor_file"), texts)
        return self._said[folder, role]

    def _followed(self, folder: str, file: FileFacts, findings: tuple[Finding, ...]) -> Texts:
        """A manifest, and in the place of a pointer the file that it points to; one that is not there is a doubt."""
        said: Texts = []
        for finding in findings:
            if not finding.paths:
                said.append((file, (finding,)))
                continue
            name = finding.paths[0].replace("\\", "/")
            target = self._files.get(resolved(folder, name) or "")
            words = (target.whole or target.head) if target is not None else ()
            if target is None or not any(f.outcome == "found" for f in words):
                # A name such as LICENSE.md is that of the licence of the folder, which may have another by now; the
                # manifests of .NET say where it will lie in the package.
                other = target is None and not _USUAL_FILE.fullmatch(name)
                licensed = self.texts(folder, "license") or manifest_form(file.path) == "xml"
                if target is None and not other and licensed:
                    continue
                rule = NO_SUCH_FILE if other else finding.rule
                said.append((file, (replace(finding, outcome="unknown", expression=None, rule=rule),)))
            elif license_role(target.path) != "license" or folder_of(target.path) != folder:
                said.append((target, words))
        return said

    def registry(self) -> Said:
        """What the registry or forge declares, for the root."""
        if not self.declared:
            return Said("none")
        said = declared(self.declared)
        evidence = Evidence("package_metadata", "", "", said, None, None, None, None)
        return Said("package_metadata", explained([said]) if said else None, said is None, (evidence,))


def _reserves(file: FileFacts) -> bool:
    """Whether a file holds a reservation against training, which is heard wherever it stands."""
    return any(finding.speaks_of_training for finding in file.whole)


def _is_root(folder: str) -> bool:
    """Whether a folder is the root of the repository, or of a package among other people's code."""
    return not folder or is_vendored_path(f"{folder}/x") in (folder, folder_of(folder))


def _is_named_as_reuse_wants(file: FileFacts) -> bool:
    """Whether a text stands in `LICENSES/` and is called by the SPDX id of the licence that it holds."""
    folder, _, name = file.path.rpartition("/")
    stem = name.removesuffix(".txt").removesuffix(".md").lower()
    held = {_family_of(key.lower()) for f in file.whole for key in keys(f.expression or "")}
    known = _family_of(stem) in held or stem.startswith("licenseref-") or "-exception" in stem
    return folder.rpartition("/")[2] == "LICENSES" and known


def _family_of(key: str) -> str:
    return key.removesuffix("-only").removesuffix("-or-later")


def last_record(file: FileFacts, inner: str) -> Finding | None:
    """The last record of a file that names a path; a file that could not be read may name any."""
    for finding in reversed(file.whole):
        if (not finding.paths and finding.outcome == "unknown") or any(matches(p, inner) for p in finding.paths):
            return finding
    return None


def _folders_above(folder: str) -> list[str]:
    """The folders above one, the nearest first; of third parties' code only those within it.

    >>> _folders_above("a/b/c"), _folders_above("a/vendor/b/c")
    (['a/b', 'a', ''], ['a/vendor/b', 'a/vendor'])
    """
    above = ["", *(at for at, _ in ways_down(folder_of(folder)))]
    theirs = is_vendored_path(f"{folder}/x")
    return [at for at in reversed(above) if theirs is None or stands_in(at, (theirs,))] if folder else []
