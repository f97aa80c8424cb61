"""One conclusion for each file of a repository: which licence is stated for it, where, and what else is stated.

In: the findings of a repository's files, and the licence that its registry or forge declares. Out: one `Conclusion`
for each file. The rules stand in docs/reference/licensing.md; nothing is allowed or refused here, that is `policy.py`.
About 9 µs a file, and 30 µs for each folder; memory grows with the number of folders.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gleanery.licensing.findings import FIELD, MENTIONED, Finding
from gleanery.licensing.folders import Folders
from gleanery.licensing.manifest_names import is_recipe
from gleanery.licensing.names import is_sidecar, license_role, reading_of_records
from gleanery.licensing.siblings import Siblings
from gleanery.licensing.statements import Evidence, FileFacts, Said, added_by, combined, together, without_choice

# Pieces of evidence that one conclusion carries at most. A collection of licences has hundreds of findings.
MOST_EVIDENCE = 24
# A manifest or a README that offers a choice is no stronger witness than a record of Debian that leaves none.
_WEAK = ("package_metadata", "repository")


@dataclass(frozen=True)
class Claim:
    """What a weaker source says that the conclusion does not: a contradiction, for the policy to weigh.

    `source`: header (a record overrides it), reuse, manifest, readme, registry, siblings (the heads of most files of
    the folder), documents (a licence for texts or data beside the one for code), above (a licence file of a folder
    further up than the one that governs), notice (a file NOTICE), third_parties (what is stated of other people's
    code), or mentioned (what its own head names and does not state). An expression of None: a licence is stated and
    could not be identified.
    """

    source: str
    path: str
    expression: str | None

    @property
    def contradicts(self) -> bool:
        """Whether it speaks of this file otherwise; licences further up, of documents and of others stand beside it."""
        return self.source not in ("above", "documents", "notice", "third_parties", "mentioned")


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
    claims: tuple[Claim, ...] = ()


def conclude(files: Sequence[FileFacts], declared_license: str | None) -> list[Conclusion]:
    """The conclusions for all files of one repository, in the order of file_id.

    `declared_license` is an SPDX expression or the free text of a registry, and speaks for the repository's root.
    The result does not depend on the order of `files`.
    """
    folders = Folders(files, declared_license)
    siblings = Siblings(files)
    return [_conclusion(file, folders, siblings) for file in sorted(files, key=lambda f: (f.file_id, f.path))]


def _conclusion(file: FileFacts, folders: Folders, siblings: Siblings) -> Conclusion:
    own, overruled = _own(file, folders)
    directory = folders.governing(file.path, stated=own.names_licence)
    decisive = own if own.names_licence or directory.expression is None else directory
    beside = (*folders.beside(file.path, stated=own.names_licence), *_mentioned(file))
    if not own.evidence and file.head and directory.names_licence:
        beside = (*beside, *siblings.beside(file.path))
    claims, evidence = _claims(beside, directory, own)
    if overruled is not None and overruled.meaning != own.meaning:
        claims = (Claim("header", file.path, overruled.expression), *claims)
    clash = own.names_licence and directory.expression is not None and own.meaning != directory.meaning
    return Conclusion(
        file_id=file.file_id,
        expression=decisive.expression,
        header_expression=own.expression,
        directory_expression=directory.expression,
        basis=decisive.role if decisive.expression is not None else directory.role,
        conflict=clash or any(claim.contradicts for claim in claims),
        uncertain=own.uncertain or directory.uncertain,
        evidence=_cut(own.evidence, directory.evidence, evidence),
        claims=claims,
    )


def _own(file: FileFacts, folders: Folders) -> tuple[Said, Said | None]:
    """What is stated for this file alone, and a header that a record of the project overrides."""
    # What a README, a manifest or a notice says of itself stands anywhere in it, not only in its head.
    whole = license_role(file.path) in ("readme", "metadata", "notice") or is_sidecar(file.path)
    words = file.head or (file.whole if whole else ())
    if is_recipe(file.path):
        words = _without_fields(file.head, file.whole)
    header = combined("own_header", [(file, words)])
    said = folders.recorded(file.path)
    if said.overrides:
        return said.added, header if header.names_licence else None
    if header.names_licence:
        return (together(header.role, [header, said.added]) if said.added.evidence else header), None
    beside = together("reuse", [said.added, said.closest])
    return (together("reuse", [header, beside]) if beside.evidence else header), None


def _mentioned(file: FileFacts) -> tuple[tuple[str, Said], ...]:
    """What the head of a file names and does not state: it grants nothing, and can take something away."""
    named = tuple(replace(f, outcome="found") for f in file.head if f.is_by(MENTIONED))
    said = combined("own_header", [(file, named)])
    return (("mentioned", said),) if said.names_licence else ()


def _without_fields(head: tuple[Finding, ...], fields: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """What the head of a recipe says of the recipe: its licence fields speak of what it packs."""
    lines = {finding.start_line for finding in fields}
    return tuple(f for f in head if f.rule != FIELD and lines.isdisjoint({f.start_line, f.end_line}))


def _claims(beside: Iterable[tuple[str, Said]], directory: Said, own: Said) -> tuple[tuple[Claim, ...], list[Evidence]]:
    claims: list[Claim] = []
    evidence: list[Evidence] = []
    known = directory if directory.names_licence else own
    for source, said in beside:
        added = added_by(said, known)
        if added is None and directory.role in _WEAK and reading_of_records(said.evidence[0].path) == "debian":
            added = without_choice(said, known)
        doubts = [piece for piece in said.evidence if piece.expression is None] if said.uncertain else []
        if added is not None:
            claims.append(Claim(source, said.evidence[0].path, added))
        if said.uncertain and (added is None or doubts):
            claims.append(Claim(source, (doubts or said.evidence)[0].path, None))
        if added is not None or said.uncertain:
            evidence += said.evidence[:4] if source != "above" else ()
    return tuple(claims), evidence


def _cut(header: tuple[Evidence, ...], directory: tuple[Evidence, ...], claims: list[Evidence]) -> tuple[Evidence, ...]:
    """At most `MOST_EVIDENCE` pieces, of which no side can push the other out with a crafted flood."""
    others = claims[: MOST_EVIDENCE // 4]
    most = MOST_EVIDENCE - len(others)
    room = max(most // 2, most - len(directory))
    return ((header[:room] + directory)[:most] + tuple(others))[:MOST_EVIDENCE]
