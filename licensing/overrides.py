"""Overrides: what people decided about licences, each with a name, a reason and a date.

In: a file of overrides (TOML or CSV, `licensing/override_file.py`), the policy and conclusions. Out: a ruling for each
file: the conclusion as the person sees it, and the policy's judgement on that. An override for a folder speaks as a
licence file in that folder would: a nearer licence file, third-party code below it and the file's own head still speak
for themselves. None of them lifts an owner's objection. It adds 3 µs to a judgement for a
file of a repository without overrides, with 10,000 for others.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from gleanery.licensing.answers import ALLOW, DENY
from gleanery.licensing.conclude import Conclusion
from gleanery.licensing.expressions import canonical, only_points
from gleanery.licensing.findings import CHANGED_TEXT, NO_TRAINING
from gleanery.licensing.names import is_license_folder, is_vendored_path
from gleanery.licensing.override_file import Override, digest_of, plain_name, read_overrides
from gleanery.licensing.policy import Judgement, Policy
from gleanery.licensing.statements import Evidence
from gleanery.licensing.texts import license_text
from gleanery.records.errors import StopRun


@dataclass(frozen=True)
class Ruling:
    """The conclusion that counts, the judgement on it, and whether a person denied the file.

    The copies of a file that was denied are held back, as those of any restricted file.
    """

    conclusion: Conclusion
    judgement: Judgement
    denied: bool = False


class Overrides:
    """All overrides of a run. `version` changes with any of them."""

    def __init__(self, rows: Iterable[Override], policy: Policy) -> None:
        """Raises StopRun for two overrides about the same files, or a licence that the policy does not know."""
        self.rows = tuple(sorted(rows, key=lambda o: o.override_id))
        self.version = digest_of(self.rows)
        self._policy = policy
        self._of_repository: dict[str, list[Override]] = {}
        self._of_blob: dict[str, list[Override]] = {}
        _check(self.rows, policy)
        for override in self.rows:
            if override.repository is not None:
                self._of_repository.setdefault(plain_name(override.repository), []).append(override)
            elif override.blob_id is not None:
                self._of_blob.setdefault(override.blob_id, []).append(override)

    @classmethod
    def load(cls, path: Path | None, policy: Policy) -> "Overrides":
        """The overrides of a file; none without one."""
        return cls(read_overrides(path) if path is not None else (), policy)

    def refuse_contradictions(self, repositories: Iterable[Iterable[str]]) -> None:
        """Raises StopRun for an override whose name several repositories bear, since what a person found out about one
        says nothing about another; and for two about the same files of a repository that name it in two ways.

        Each repository is given by its repo_id, its name and its URL, and its other names.
        """
        fitting: dict[str, tuple[str, str]] = {}
        for repo, own, url, *others in repositories if self.rows else ():
            seen: dict[tuple[str | None, ...], Override] = {}
            for name in sorted({plain_name(name) for name in (repo, own, url, *others)}):
                for override in self._of_repository.get(name, ()):
                    first = fitting.setdefault(override.override_id, (repo, url))
                    if first[0] != repo:
                        _refuse_unclear(override, first, (repo, url))
                    _refuse_second(seen, override, _scope(override))

    def ruling(self, repo: Mapping[str, Any], path: str, blob: str, conclusion: Conclusion) -> Ruling:
        """What counts for one file. `repo` is its row of the table repos."""
        before = self._policy.judge(conclusion)
        found = self._covering(repo, path, blob, conclusion, before.reason)
        if not found:
            return Ruling(conclusion, before)
        override = min(found, key=lambda o: _precedence(o, path))
        if override.verdict == "deny":
            return Ruling(conclusion, _named(override, _DENIED, before), denied=True)
        if _is_reserved(conclusion):
            said = (
                f"override {override.override_id} does not count: nobody lifts an owner's reservation against training"
            )
            return Ruling(conclusion, replace(before, evidence=(*before.evidence, said)))
        changed = _as_decided(conclusion, override, path)
        judged = self._policy.judge(changed)
        if override.verdict == "allow":
            judged = self._allowed(changed, override, path, judged)
        return Ruling(changed, _named(override, judged, before))

    def _covering(
        self, repo: Mapping[str, Any], path: str, blob: str, conclusion: Conclusion, reason: str
    ) -> list[Override]:
        """The overrides that speak for a file; `reason` is that of the judgement without any."""
        if not self.rows:
            return []
        names = {plain_name(name) for name in (repo["repo_id"], repo["name"], repo["url"], *repo["aliases"])}
        found = [o for o in self._of_blob.get(blob, ()) if o.repository is None]
        for override in (o for name in sorted(names) for o in self._of_repository.get(name, ())):
            about = _is_answered(override, path, conclusion, reason) if override.doubt else None
            if (_is_about(override, path, blob, conclusion) if about is None else about) and override not in found:
                found.append(override)
        return found

    def _allowed(self, changed: Conclusion, override: Override, path: str, judged: Judgement) -> Judgement:
        """The person's word instead of the policy's; for a folder it does not stand for the heads of files in it."""
        if _is_doubt(changed.expression):
            return judged  # nothing can be released under no licence: the person has to name one
        if not _is_for_file(override, path):
            own = self._policy.judge(replace(changed, directory_expression=None, conflict=False))
            speaks = changed.header_expression is not None and not only_points(changed.header_expression)
            if (speaks or changed.uncertain) and not own.allowed:
                return own
        chosen = self._policy.chosen(changed.expression) or changed.expression
        return Judgement(True, "kept", f"allowed as {changed.expression}", judged.evidence, chosen)


# What a person who decides about a folder has weighed. What files and their records say of themselves still stands.
_WEIGHED = ("manifest", "readme", "registry")
_DENIED = Judgement(False, "license_not_allowed", "denied", ())


def _named(override: Override, judged: Judgement, before: Judgement) -> Judgement:
    """A judgement that names the override: in its rule, and with person, day and reason in its evidence."""
    said = f"{override.by} decided on {override.date}: {override.reason}"
    without = f"without this override: {before.reason}"
    evidence = tuple(dict.fromkeys((said, without, *judged.evidence, *before.evidence)))
    return replace(judged, rule=f"override {override.override_id}: {judged.rule}", evidence=evidence)


def _as_decided(conclusion: Conclusion, override: Override, path: str) -> Conclusion:
    """The conclusion with what the person found in place of what was found for the file, or for its folder."""
    if _is_for_file(override, path):
        stated = override.expression or conclusion.expression
        about_file: dict[str, Any] = {"header_expression": None, "directory_expression": stated, "expression": stated}
        return replace(conclusion, **about_file, conflict=False, uncertain=False, claims=())
    stated, header = override.expression or conclusion.directory_expression, conclusion.header_expression
    own = header is not None and not only_points(header)
    claims = tuple(claim for claim in conclusion.claims if claim.source not in _WEIGHED)
    clash = own and stated is not None and canonical(header or "") != canonical(stated)
    return replace(
        conclusion,
        directory_expression=stated,
        expression=header if own else stated,
        conflict=clash or any(claim.contradicts for claim in claims),
        uncertain=any(_is_own(piece) and _is_doubt(piece.expression) for piece in conclusion.evidence),
        claims=claims,
    )


def _is_about(override: Override, path: str, blob: str, conclusion: Conclusion) -> bool:
    """Whether an override of the file's repository speaks for the file."""
    folder = override.path or ""
    if override.blob_id not in (None, blob) or not _is_inside(path, folder):
        return False
    if override.header is not None and canonical(override.header) != canonical(conclusion.header_expression or ""):
        return False
    if override.verdict == "deny" or _is_for_file(override, path):
        return True
    third_party = is_vendored_path(path)
    if third_party is not None and not _is_inside(folder, third_party):
        return False
    return not any(_is_inside(at, folder) and at != folder for at in _speaking_folders(conclusion))


def _is_answered(override: Override, path: str, conclusion: Conclusion, reason: str) -> bool:
    """Whether the file is one of those that the answered row of the review queue was about; see license_review.sql."""
    header, stated = conclusion.header_expression or "", conclusion.directory_expression or ""
    return (
        reason == override.doubt
        and _is_inside(path, override.path or "")
        and _library(path) == _library(f"{override.path or ''}/x")
        and canonical(header) == canonical(override.header or "")
        and canonical(stated) == canonical(override.folder_says or "")
        and (reason == "license_conflict" or _first_to_read(conclusion) == override.look_at)
    )


def _library(path: str) -> str | None:
    """The library that a file belongs to: the folder below one of third-party code, or that folder itself."""
    folder = is_vendored_path(path)
    name, slash, _ = path[len(folder) + 1 :].partition("/") if folder is not None else ("", "", "")
    return f"{folder}/{name}" if slash else folder


def _first_to_read(conclusion: Conclusion) -> str | None:
    """What could not be identified in the evidence about the folder, or else what speaks first."""
    speaking = [piece for piece in conclusion.evidence if not _is_own(piece) and piece.path]
    return next((p.path for p in [*filter(lambda p: _is_doubt(p.expression), speaking), *speaking]), None)


def _speaking_folders(conclusion: Conclusion) -> Iterator[str]:
    """The folders for which the evidence of a conclusion speaks; what is about the file alone is left out."""
    for piece in conclusion.evidence:
        if not _is_own(piece) and piece.path:
            folder = piece.path.rpartition("/")[0]
            yield folder.rpartition("/")[0] if is_license_folder(folder) else folder


def _is_for_file(override: Override, path: str) -> bool:
    """Whether an override speaks for the file itself, and not for the folder around it."""
    return override.blob_id is not None or override.header is not None or override.path == path


def _precedence(override: Override, path: str) -> tuple[bool, bool, bool, int, bool, bool, str]:
    """A denial comes first, then what is about the file, then the deepest folder, then an answer to a doubt, then what
    names the repository.
    """
    return (
        override.verdict != "deny",
        override.blob_id is None,
        not _is_for_file(override, path),
        -len(override.path or ""),
        override.doubt is None,
        override.repository is None,
        override.override_id,
    )


def _is_inside(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(folder + "/")


def _is_own(piece: Evidence) -> bool:
    """Whether a piece is about the file alone: its head, or a record of its project."""
    return piece.role in ("own_header", "reuse")


def _is_doubt(expression: str | None) -> bool:
    """Whether it stands for a licence that could not be identified, or for one whose text somebody changed."""
    return expression is None or CHANGED_TEXT in expression


def _is_reserved(conclusion: Conclusion) -> bool:
    """Whether the owner reserved the training of models, which is an objection and no question of the licence.

    Claims are asked too: a head that a record of its project overrides is one, and no evidence.
    """
    stated = (
        conclusion.header_expression,
        conclusion.directory_expression,
        *(piece.expression for piece in conclusion.evidence),
        *(claim.expression for claim in conclusion.claims),
    )
    return any(NO_TRAINING in expression for expression in stated if expression)


def _check(rows: Iterable[Override], policy: Policy) -> None:
    seen: dict[tuple[str | None, ...], Override] = {}
    for override in rows:
        name = plain_name(override.repository) if override.repository is not None else None
        _refuse_second(seen, override, (name, *_scope(override)))
        if override.expression is not None and not _is_known(override, policy):
            raise StopRun(
                f"the override {override.override_id} of {override.date} names a licence that the policy does not know",
                'write SPDX ids, such as "MIT" or "Apache-2.0 OR MIT", or add the licence to the policy file',
            )


def _scope(override: Override) -> tuple[str | None, ...]:
    about = (override.path, override.header, override.blob_id)
    return (*about, override.doubt, override.folder_says, override.look_at)


def _refuse_unclear(override: Override, *sources: tuple[str, str]) -> NoReturn:
    meant = " and ".join(f"{url} (repo_id {repo})" for repo, url in sorted(sources, key=lambda pair: pair[1]))
    raise StopRun(
        f"the override {override.override_id} of {override.date} is about {override.repository}, and several sources "
        f"bear this name: {meant}",
        "write the URL or the repo_id of the one that is meant as its repository; for each other one make an entry",
    )


def _refuse_second(
    seen: dict[tuple[str | None, ...], Override], override: Override, scope: tuple[str | None, ...]
) -> None:
    """Note the override of a scope. Raises StopRun if there is one."""
    other = seen.setdefault(scope, override)
    if other is not override:
        ids = f"{other.override_id} of {other.date} and {override.override_id} of {override.date}"
        raise StopRun(
            f"two overrides are about the same files: {ids}",
            "keep the one that counts; the history of the file keeps the other",
        )


def _is_known(override: Override, policy: Policy) -> bool:
    """With the verdict allow, any licence that the licence list has; else one that the policy can judge."""
    known = policy.answer(override.expression) in (ALLOW, DENY)
    return known or (override.verdict == "allow" and license_text(override.expression or "") is not None)
