"""One conclusion for each file of a repository: which licence is stated for it, where, and how certain that is.

In: the findings of a repository's files, and the licence that its registry or forge declares. Out: one `Conclusion`
for each file. The rules stand in docs/reference/licensing.md; nothing is allowed or refused here, that is `policy.py`.
About FIGURE_CONCLUDE a file; memory grows with the number of folders.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gleanery.licensing.expressions import all_of, alternatives, canonical, conjuncts, keys, parse
from gleanery.licensing.names import (
    is_license_folder,
    is_ownership_name,
    is_prose_path,
    is_vendored_path,
    license_role,
)
from gleanery.licensing.scan import NO_TRAINING, Finding

# Pieces of evidence that one conclusion carries at most. A collection of licences has hundreds of findings.
MOST_EVIDENCE = 24
# "See LICENSE" and "free": they point to a licence and are none.
REFERENCES = frozenset(f"licenseref-scancode-{key}" for key in ("unknown-license-reference", "see-license", "unstated"))
# Texts about contributions, warranty and names. They neither grant a licence nor take one away.
IGNORED = frozenset(
    f"licenseref-scancode-{key}"
    for key in (
        "canonical-ha-cla-any-e-v1.2 canonical-ha-cla-any-i-v1.2 cncf-corporate-cla-1.0 cncf-individual-cla-1.0 "
        "dco-1.0 dco-1.1 generic-cla generic-export-compliance generic-tos generic-trademark google-cla "
        "google-corporate-cla here-disclaimer jetty-ccla-1.1 ms-cla newton-king-cla olf-ccla-1.0 olf-icla-1.0 "
        "patent-disclaimer samba-dc-1.0 sh-cla-1.1 square-cla warranty-disclaimer"
    ).split()
)


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
    """What some evidence says together. `expression` None and not uncertain: nothing."""

    role: str
    expression: str | None
    uncertain: bool
    evidence: tuple[Evidence, ...]


_NOTHING = _Statement("none", None, False, ())


def conclude(files: Sequence[FileFacts], declared_license: str | None) -> list[Conclusion]:
    """The conclusions for all files of one repository, in the order of file_id.

    `declared_license` is an SPDX expression or the free text of a registry, and speaks for the repository's root.
    The result does not depend on the order of `files`.
    """
    folders = _Folders(files, declared_license)
    return [_conclusion(file, folders) for file in sorted(files, key=lambda f: (f.file_id, f.path))]


def _conclusion(file: FileFacts, folders: "_Folders") -> Conclusion:
    header = _stated("own_header", [(file, file.head)])
    directory = folders.governing(file.path)
    said, governed = header.expression, directory.expression
    own = said is not None and not _only_points(said)
    return Conclusion(
        file_id=file.file_id,
        expression=said if own or governed is None else governed,
        header_expression=said,
        directory_expression=governed,
        basis="own_header" if own or (said is not None and governed is None) else directory.role,
        conflict=own and governed is not None and _meaning(said or "") != _meaning(governed),
        uncertain=header.uncertain or directory.uncertain,
        evidence=(header.evidence + directory.evidence)[:MOST_EVIDENCE],
    )


class _Folders:
    """What each folder of a repository says about licences."""

    def __init__(self, files: Iterable[FileFacts], declared_license: str | None) -> None:
        self._files: dict[tuple[str, str], list[FileFacts]] = {}
        self._declared = declared_license
        self._governing: dict[tuple[str, bool], _Statement] = {}
        for file in sorted(files, key=lambda f: (f.path, f.file_id)):
            role = license_role(file.path)
            if role is not None and file.whole:
                self._files.setdefault((_governed_folder(file.path, role), _kind(file.path, role)), []).append(file)

    def governing(self, path: str) -> _Statement:
        """What governs a file: the nearest licence file, else the nearest manifest or README."""
        folder, prose = path.rpartition("/")[0], is_prose_path(path)
        if (folder, prose) not in self._governing:
            self._governing[folder, prose] = self._look_up(folder, is_vendored_path(path), prose)
        return self._governing[folder, prose]

    def _look_up(self, folder: str, vendored: str | None, prose: bool) -> _Statement:
        ancestors = list(_ancestors(folder, vendored))
        statement = next((s for a in ancestors if (s := self._licence_of(a, prose)) is not None), None)
        if statement is None:
            statement = next((s for a in ancestors if (s := self._manifest_of(a)) is not None), _NOTHING)
        return self._with_notices(statement, ancestors)
