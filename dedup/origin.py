"""Evidence of origin: which of two copies of a text is more likely the original.

In: copies, with what is known of where they stand. Out: an order among them, and whether one is shown to be older.
Licences play no part: a copy is not more original because it is more permissive, and not less.

All of this evidence can be forged by someone who wants to (the time of a commit is a claim), so it decides only which
copies are left out, and it is written into the decision for a person to check.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Strength: TypeAlias = tuple[bool, bool, bool, int, bool, bool]
Rank: TypeAlias = tuple[Strength, int, str, int, str]

_YEAR_10000 = 253_402_300_800
_HALF = 1 << 43
_MOST_FILES = (1 << 24) - 1


@dataclass(frozen=True)
class Copy:
    """One file that holds a text.

    `eligible`: nothing else speaks against keeping it. `restricted`: its licence is known and does not allow its use.
    `opted_out`: its owner objected. `first_commit_at`: oldest commit of its repository, Unix seconds. `fork`: the
    repository is a fork; `fork_of` is the repo_id of the one it came from, where known. `vendored`: the path is one for
    third-party code. `own_license`: the repository has a licence file of its own. `complete`: all of the repository was
    read, so nothing that belongs to the file is missing here. `license_text`: it is a licence file. `repo_files`: how
    many files were read of the repository.

    Raises ValueError for a copy that is eligible and at the same time restricted or opted out.
    """

    file_id: str
    blob_id: str
    repo_id: str
    path: str
    eligible: bool
    restricted: bool
    opted_out: bool
    first_commit_at: int | None
    fork: bool
    vendored: bool
    own_license: bool
    fork_of: str | None = None
    complete: bool = True
    license_text: bool = False
    repo_files: int = 0

    def __post_init__(self) -> None:
        if self.eligible and (self.restricted or self.opted_out):
            raise ValueError("a copy that is restricted or opted out cannot be eligible")


def strength(copy: Copy) -> Strength:
    """The evidence that a copy is the origin; smaller is stronger.

    Not vendored, not in a fork, in a repository with an older first commit (unknown counts as youngest), in a
    repository with a licence file of its own, in a repository that was read whole: in this order.
    """
    at = copy.first_commit_at
    return copy.vendored, copy.fork, at is None, at or 0, not copy.own_license, not copy.complete


def rank(copy: Copy) -> Rank:
    """A total order: strength, then the repository, then the depth of the path, and the id.

    A mirror, or a fork that is not marked as one, has the first commit of its origin. Files cannot tell which is which,
    but the copies that stay should stand in one of the two. So repositories are compared before paths: that of which
    more files were read goes first, of equal ones that with the smaller id. Files, not files that may be kept: those
    depend on licences.
    """
    return strength(copy), -copy.repo_files, copy.repo_id, copy.path.count("/"), copy.file_id


def packed_ranks(
    eligible: NDArray[np.bool_],
    vendored: NDArray[np.bool_],
    fork: NDArray[np.bool_],
    first_commit_at: NDArray[np.int64],
    unknown: NDArray[np.bool_],
    own_license: NDArray[np.bool_],
    complete: NDArray[np.bool_],
) -> NDArray[np.uint64]:
    """The strengths of copies as one number for each, from columns; copies that are not eligible come last.

    `unknown`: where there is no `first_commit_at`. A time counts up to 2^43 seconds.

    >>> yes, no = np.array([True]), np.array([False])
    >>> old, young = (packed_ranks(yes, no, no, np.array([at]), no, yes, yes) for at in (5, 6))
    >>> bool(old < young)
    True
    """
    at = np.where(unknown, 0, np.clip(first_commit_at, -_HALF, _HALF - 1) + _HALF)
    packed: NDArray[np.uint64] = np.zeros(len(at), np.uint64)
    parts = ((~eligible, 1), (vendored, 1), (fork, 1), (unknown, 1), (at, 44), (~own_license, 1), (~complete, 1))
    for column, bits in parts:
        packed = (packed << np.uint64(bits)) | column.astype(np.uint64)
    return packed


def packed_ties(
    repo_files: NDArray[np.int64], repo_ids: Sequence[str], depth: NDArray[np.int64], file_ids: Sequence[str]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """What ranks copies of equal strength, as two numbers: of their repository, and of their place in it.

    Of ids, which are hexadecimal, the first 10 and 13 digits count. A repository counts up to 2^24 - 1 files, a path up
    to 4,095 folders.
    """
    few = np.uint64(_MOST_FILES) - np.clip(repo_files, 0, _MOST_FILES).astype(np.uint64)
    repos = np.array([int(one[:10], 16) for one in repo_ids], np.uint64)
    files = np.array([int(one[:13], 16) for one in file_ids], np.uint64)
    return (few << np.uint64(40)) | repos, (np.clip(depth, 0, 4095).astype(np.uint64) << np.uint64(52)) | files


def outweighs(copy: Copy, objection: Copy) -> bool:
    """Whether there is positive evidence that an objector's copy is not the origin, but this one is.

    Not vendored against vendored, then not in a fork against in a fork, then two known dates. A licence file says
    nothing here (who copies a file can add one), nor does a date that only one of them has.
    """
    mine, theirs = (copy.vendored, copy.fork), (objection.vendored, objection.fork)
    if mine != theirs or copy.first_commit_at is None or objection.first_commit_at is None:
        return mine < theirs
    return copy.first_commit_at < objection.first_commit_at


def outweighed(objection: Copy, copy: Copy) -> str:
    """One sentence about an objection that a copy outweighs; a question of `sql/` looks for how it begins."""
    if copy.vendored != objection.vendored:
        why = "only the objecting one is vendored"
    elif copy.fork != objection.fork:
        why = "only the objecting one is in a fork"
    else:
        mine, theirs = _day(copy.first_commit_at), _day(objection.first_commit_at)
        why = f"oldest commit of its repository: {mine}; of the objecting one's: {theirs}"
    return f"the objection of file {objection.file_id} is outweighed by file {copy.file_id}: {why}"


def objection_rank(copy: Copy) -> tuple[bool, bool, bool, int, str]:
    """The order of objections: the first is the hardest to outweigh, so if it is outweighed, all of them are."""
    at = copy.first_commit_at
    return copy.vendored, copy.fork, at is not None, at or 0, copy.file_id


def shown_older(copy: Copy, other: Copy) -> bool:
    """Whether the evidence shows that `copy` is older than `other`: that one stands in a fork of its repository.

    That `other` stands in a fork of some third repository shows nothing: the third may be where `copy` was taken from.
    Nor does a folder for third-party code: whoever put it there has it from somewhere, and its licence with it. The
    date of a repository is no date of a file: an old repository may have taken the file yesterday. So an older one
    shows nothing, and a younger one takes the force from the rest.
    """
    mine, theirs = copy.first_commit_at, other.first_commit_at
    younger = mine is not None and theirs is not None and mine > theirs
    return other.fork_of == copy.repo_id and not younger


def witnesses(restricted: Iterable[Copy]) -> tuple[Copy, ...]:
    """At most 3 of the copies that, for any copy, say the same as all of them.

    If `shown_older(c, r)` is true for each r returned, it is true for each r given. This keeps the work linear where
    thousands of copies meet thousands of restricted ones. It suffices to have the oldest, and two with different fork
    parents.

    The witnesses of a union are the witnesses of the witnesses of its parts.
    """
    ordered = sorted(restricted, key=rank)
    oldest = min(((r.first_commit_at, *rank(r)) for r in ordered if r.first_commit_at is not None), default=None)
    chosen = {r.file_id: r for r in ordered if oldest and oldest[1:] == rank(r)}
    chosen.update((r.file_id, r) for r in _two_parents(ordered))
    return tuple(sorted(chosen.values(), key=rank))


def compared(copy: Copy, other: Copy) -> str:
    """One sentence: the first evidence of origin in which the two differ, or that they do not."""
    if copy.vendored != other.vendored:
        return f"{'this copy' if copy.vendored else 'the other'} is vendored"
    if copy.fork != other.fork:
        return f"{'this copy' if copy.fork else 'the other'} is in a fork"
    if copy.first_commit_at != other.first_commit_at:
        return ages(copy, other)
    if copy.own_license != other.own_license:
        return (
            f"only the repository of {'this copy' if copy.own_license else 'the other'} has a licence file of its own"
        )
    if copy.complete != other.complete:
        return f"only the repository of {'this copy' if copy.complete else 'the other'} was read whole"
    if copy.repo_files != other.repo_files:
        files = f"{max(copy.repo_files, other.repo_files)} to {min(copy.repo_files, other.repo_files)}"
        whose = "this copy" if copy.repo_files > other.repo_files else "the other"
        return f"the evidence of origin is equal; the repository of {whose} has more files ({files})"
    return "the evidence of origin is equal"


def ages(copy: Copy, other: Copy) -> str:
    """One sentence with the dates of both repositories."""
    mine, theirs = _day(copy.first_commit_at), _day(other.first_commit_at)
    return f"oldest commit of this copy's repository: {mine}; of the other's: {theirs}"


def _two_parents(copies: Iterable[Copy]) -> list[Copy]:
    chosen: list[Copy] = []
    for copy in copies:
        if not chosen or copy.fork_of != chosen[0].fork_of:
            chosen.append(copy)
        if len(chosen) == 2:
            break
    return chosen


def _day(at: int | None) -> str:
    if at is None:
        return "unknown"
    if 0 <= at < _YEAR_10000:
        return datetime.fromtimestamp(at, UTC).date().isoformat()
    return f"Unix time {at}"  # a commit can claim any time
