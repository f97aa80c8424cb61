"""One conclusion for each file of a repository: which licence is stated for it, where, and how certain that is.

In: the findings of a repository's files, and the licence that its registry or forge declares. Out: one `Conclusion`
for each file. The rules stand in docs/reference/licensing.md; nothing is allowed or refused here, that is `policy.py`.
About 9 µs a file, and 30 µs for each folder; memory grows with the number of folders.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gleanery.licensing.expressions import all_of, alternatives, canonical, conjuncts, declared, keys, parse
from gleanery.licensing.names import is_license_folder, is_ownership_name, is_prose_path, is_vendored_path, license_role
from gleanery.licensing.scan import NO_TRAINING, Finding

# Pieces of evidence that one conclusion carries at most. A collection of licences has hundreds of findings.
MOST_EVIDENCE = 24
# Notices of the nearest folders that are read for one file.
MOST_NOTICES = 16
# "See LICENSE": it points to a licence and is none.
REFERENCES = frozenset(f"licenseref-scancode-{key}" for key in ("unknown-license-reference", "see-license", "unstated"))
# Texts about contributions, warranty and names. They neither grant a licence nor take one away.
_IGNORED_TEXT = """
canonical-ha-cla-any-e-v1.2 canonical-ha-cla-any-i-v1.2 cncf-corporate-cla-1.0 cncf-individual-cla-1.0 dco-1.0
dco-1.1 generic-cla generic-export-compliance generic-tos generic-trademark google-cla google-corporate-cla
here-disclaimer jetty-ccla-1.1 ms-cla newton-king-cla olf-ccla-1.0 olf-icla-1.0 patent-disclaimer samba-dc-1.0
sh-cla-1.1 square-cla warranty-disclaimer
"""
IGNORED = frozenset(f"licenseref-scancode-{key}" for key in _IGNORED_TEXT.split())


@dataclass(frozen=True)
class FileFacts:
    """A file and what was found in it. An empty tuple: that scope was not scanned."""

    file_id: str
    path: str
    blob_id: str
    whole: tuple[Finding, ...] = ()
    head: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """One piece of evidence. `role` is own_header, ancestor_file, package_metadata or repository.

    An `expression` of None means that a licence is stated there and could not be identified.
    The declaration of a registry has no file: its path and blob_id are empty.
    """

    role: str
    path: str
    blob_id: str
    expression: str | None
    rule: str | None
    score: float | None
    start_line: int | None
    end_line: int | None


@dataclass(frozen=True)
class Conclusion:
    """A row of the table license_conclusions. `evidence` is sorted, the strongest first."""

    file_id: str
    expression: str | None
    header_expression: str | None
    directory_expression: str | None
    basis: str
    conflict: bool
    uncertain: bool
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class _Statement:
    """What some evidence says together. No expression and not uncertain: it says nothing."""

    role: str
    expression: str | None = None
    uncertain: bool = False
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class _Place:
    """The folders that speak for one folder: the nearest with a licence, and all those with manifests or notices."""

    licensed: str | None
    described: tuple[str, ...]
    noticed: tuple[str, ...]


def conclude(files: Sequence[FileFacts], declared_license: str | None) -> list[Conclusion]:
    """The conclusions for all files of one repository, in the order of file_id.

    `declared_license` is an SPDX expression or the free text of a registry, and speaks for the repository's root.
    The result does not depend on the order of `files`.
    """
    folders = _Folders(files, declared_license)
    return [_conclusion(file, folders) for file in sorted(files, key=lambda f: (f.file_id, f.path))]


def _conclusion(file: FileFacts, folders: "_Folders") -> Conclusion:
    # What a README, a manifest or a notice says of itself stands anywhere in it, not only in its head.
    own_words = file.head or (file.whole if license_role(file.path) in ("readme", "metadata", "notice") else ())
    header = _combined("own_header", [(file, own_words)])
    directory = folders.governing(file.path)
    own = header.expression is not None and not _only_points(header.expression)
    expression = header.expression if own or directory.expression is None else directory.expression
    return Conclusion(
        file_id=file.file_id,
        expression=expression,
        header_expression=header.expression,
        directory_expression=directory.expression,
        basis="own_header" if expression is not None and expression == header.expression else directory.role,
        conflict=own and directory.expression is not None and _meaning(header) != _meaning(directory),
        uncertain=header.uncertain or directory.uncertain,
        evidence=_cut(header.evidence, directory.evidence),
    )


def _cut(header: tuple[Evidence, ...], directory: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """At most `MOST_EVIDENCE` pieces, of which neither side can push the other out with a crafted flood."""
    room = max(MOST_EVIDENCE // 2, MOST_EVIDENCE - len(directory))
    return (header[:room] + directory)[:MOST_EVIDENCE]


class _Folders:
    """What each folder of a repository says about licences. Every folder is looked at once."""

    def __init__(self, files: Iterable[FileFacts], declared_license: str | None) -> None:
        self._speaking: dict[str, dict[str, list[FileFacts]]] = {}
        self._declared = declared_license
        self._places: dict[str, _Place] = {}
        self._governing: dict[tuple[str, bool], _Statement] = {}
        for file in sorted(files, key=lambda f: (f.path, f.file_id)):
            role, folder = license_role(file.path), _folder(file.path)
            if role == "license" and is_license_folder(folder):
                role, folder = "license_folder", _folder(folder)
            if role is not None and file.whole:
                self._speaking.setdefault(folder, {}).setdefault(role, []).append(file)

    def governing(self, path: str) -> _Statement:
        """What governs a file: the nearest licence file, else the nearest manifest or README."""
        key = _folder(path), is_prose_path(path)
        if key not in self._governing:
            self._governing[key] = self._statement(self._place(key[0]), key[1])
        return self._governing[key]

    def _statement(self, place: _Place, prose: bool) -> _Statement:
        statement = self._license_of(place.licensed) if place.licensed is not None else self._gap_filler(place)
        statement = self._with_notices(statement, place)
        return statement if prose else _for_code(statement)

    def _license_of(self, folder: str) -> _Statement:
        """The licence files of a folder; where they are silent or only point elsewhere, its folder of licences."""
        texts = self._texts(folder, "license")
        statement = _combined("ancestor_file", texts, silence_is_doubt=True)
        if statement.expression is None or _only_points(statement.expression):
            texts = texts + self._texts(folder, "license_folder")
            statement = _combined("ancestor_file", texts, silence_is_doubt=True)
        choice = next((c for c in self._choices(folder) if alternatives(c[0]) == _bare(statement)), None)
        if choice is None:
            return statement
        return replace(statement, expression=choice[0], evidence=(*statement.evidence, choice[1]))

    def _choices(self, folder: str) -> Iterable[tuple[str, Evidence]]:
        """The choices (OR) that manifests and READMEs of a folder offer."""
        described = (self._manifest(folder), _combined("repository", self._texts(folder, "readme")))
        for evidence in (e for statement in described for e in statement.evidence):
            for part in conjuncts(evidence.expression or ""):
                if len(alternatives(part)) > 1:
                    yield part, evidence

    def _gap_filler(self, place: _Place) -> _Statement:
        """Where no licence file speaks: the nearest manifest, or else README, that names a licence."""
        doubts = []
        for folder in place.described:
            for statement in (self._manifest(folder), _combined("repository", self._texts(folder, "readme"))):
                if statement.expression is not None and not _only_points(statement.expression):
                    return statement
                doubts += [statement] if statement.evidence else []
        return doubts[0] if doubts else _Statement("none")

    def _manifest(self, folder: str) -> _Statement:
        """Manifests of a folder, and at the root what the registry declares."""
        statement = _combined("package_metadata", self._texts(folder, "metadata"))
        if folder or not self._declared:
            return statement
        said = declared(self._declared)
        evidence = Evidence("package_metadata", "", "", said, None, None, None, None)
        if said is None and statement.expression is not None:
            return statement
        parts = [part for part in (said, statement.expression) if part is not None]
        return _Statement(
            "package_metadata", _explained(parts), said is None or statement.uncertain, (evidence, *statement.evidence)
        )

    def _with_notices(self, statement: _Statement, place: _Place) -> _Statement:
        """Notices add to a licence and never grant one; a reservation against training holds wherever it stands."""
        parts, evidence, doubt = [], [], False
        granted = statement.expression is not None and not _only_points(statement.expression)
        for folder in place.noticed[:MOST_NOTICES]:
            notice = _combined("ancestor_file", self._texts(folder, "notice"))
            named = notice.expression is not None and not _only_points(notice.expression)
            if granted and (named or notice.uncertain):
                parts += [notice.expression] if named and notice.expression else []
                evidence += list(notice.evidence)
                doubt = doubt or notice.uncertain
        for found in self._reservations(place):
            parts.append(NO_TRAINING)
            evidence.append(found)
        if not evidence:
            return statement
        expression = all_of([*([statement.expression] if statement.expression else []), *parts])
        role = statement.role if statement.expression else evidence[0].role
        return _Statement(role, expression, statement.uncertain or doubt, (*statement.evidence, *evidence))

    def _reservations(self, place: _Place) -> Iterable[Evidence]:
        for folder in place.described:
            for role in ("readme", "metadata", "notice"):
                for file, findings in self._texts(folder, role):
                    for finding in findings:
                        if finding.expression == NO_TRAINING:
                            yield _evidence("repository", file, finding, NO_TRAINING)
                            return

    def _texts(self, folder: str, role: str) -> list[tuple[FileFacts, tuple[Finding, ...]]]:
        return [(file, file.whole) for file in self._speaking.get(folder, {}).get(role, [])]

    def _place(self, folder: str) -> _Place:
        """Walk up to a folder that is known already, then down again."""
        path: list[str] = []
        at: str | None = folder
        while at is not None and at not in self._places:
            path.append(at)
            at = _parent(at)
        place = self._places[at] if at is not None else _Place(None, (), ())
        for at in reversed(path):
            if _starts_anew(at):
                place = _Place(None, (), ())
            place = self._places[at] = self._place_in(at, place)
        return place

    def _place_in(self, folder: str, above: _Place) -> _Place:
        roles = self._speaking.get(folder, {})
        licensed = folder if self._is_licensed(roles) else above.licensed
        described = bool(roles) or (folder == "" and bool(self._declared))
        noticed = above.noticed if licensed != folder else ()
        return _Place(
            licensed,
            (folder, *above.described) if described else above.described,
            (folder, *noticed) if "notice" in roles else noticed,
        )

    @staticmethod
    def _is_licensed(roles: dict[str, list[FileFacts]]) -> bool:
        """Whether a folder has a licence of its own. A file COPYRIGHT that names owners only does not make one."""
        files = roles.get("license", []) + roles.get("license_folder", [])
        return any(not is_ownership_name(f.path) or any(x.outcome != "none" for x in f.whole) for f in files)


def _combined(
    role: str, texts: Iterable[tuple[FileFacts, tuple[Finding, ...]]], silence_is_doubt: bool = False
) -> _Statement:
    """What several texts say together. `silence_is_doubt`: a licence file in which nothing was identified is one."""
    parts: list[str] = []
    evidence: list[Evidence] = []
    uncertain = False
    for file, findings in texts:
        for finding in findings:
            said = finding.expression if finding.expression and parse(finding.expression) else None
            if finding.outcome == "found" and said is not None:
                parts += conjuncts(said)
                evidence.append(_evidence(role, file, finding, said))
            elif finding.outcome != "none" or (silence_is_doubt and not is_ownership_name(file.path)):
                uncertain = True
                evidence.append(_evidence(role, file, finding, None))
    expression = _explained(parts, whole_choice=role == "own_header")
    return _Statement(role if evidence else "none", expression, uncertain, tuple(evidence))


def _explained(parts: Iterable[str], whole_choice: bool = False) -> str | None:
    """All parts at once, without those that another part explains.

    A licence text beside a choice that names it is explained by the choice; in the head of a file (`whole_choice`) only
    where the texts of all its alternatives are there. A text that only points to a licence is explained by any licence.
    Texts that are no licences are left out.
    """
    every = [part for text in parts for part in conjuncts(text) if not _is_ignored(part)]
    known = [part for part in every if not _only_points(part)] or every
    named = {canonical(part) for part in known}
    choices = [alternatives(part) for part in known if len(alternatives(part)) > 1]
    explained = {text for choice in choices if not whole_choice or choice <= named for text in choice}
    return all_of(part for part in known if canonical(part) not in explained)


def _for_code(statement: _Statement) -> _Statement:
    """Without the licences of documents (CC-BY), where another licence speaks for the code."""
    parts = conjuncts(statement.expression or "")
    code = [part for part in parts if not all(_is_for_documents(key) for key in keys(part))]
    named = any(not _only_points(part) and canonical(part) != NO_TRAINING.lower() for part in code)
    return replace(statement, expression=all_of(code)) if named and len(code) < len(parts) else statement


def _bare(statement: _Statement) -> frozenset[str]:
    """The licence texts of a statement that offers no choice by itself, in canonical form."""
    return frozenset(canonical(part) for part in conjuncts(statement.expression or ""))


def _meaning(statement: _Statement) -> str:
    return canonical(_explained(conjuncts(statement.expression or "")) or "")


def _only_points(expression: str) -> bool:
    """Whether an expression names no licence but only says that there is one somewhere."""
    return all(key.lower() in REFERENCES for key in keys(expression))


def _is_ignored(part: str) -> bool:
    return all(key.lower() in IGNORED for key in keys(part))


def _is_for_documents(key: str) -> bool:
    words = key.lower().split("-")
    return words[:2] == ["cc", "by"] and len(words) > 2 and words[2][:1].isdigit()


def _evidence(role: str, file: FileFacts, finding: Finding, expression: str | None) -> Evidence:
    return Evidence(
        role, file.path, file.blob_id, expression, finding.rule, finding.score, finding.start_line, finding.end_line
    )


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _parent(folder: str) -> str | None:
    return _folder(folder) if folder else None


def _starts_anew(folder: str) -> bool:
    """Whether a folder holds third-party code, for which the folders above it do not speak."""
    return is_vendored_path(f"{folder}/x") == folder if folder else False
