"""Pieces: what a document is cut into before it is packed, and the form that each piece is served in.

In: lengths and keys of documents, and the rules of a loader. Out: `Pieces`, and the room that each takes in a row.
Compiled; a part of what a plan costs, see docs/reference/shards.md.

With the unit FILE each document stands alone. With the unit REPOSITORY the files of a repository stand together, in the
order of the release, in as few rows as they fit into. What stands together in one row is a run: it begins with the name
of the repository, and each file with its path. A run ends where the next file would not fit, so that no file is cut
that fits into a row; a longer file is cut into rows of its own. That leaves room in most rows. So in each epoch a few
runs, somewhat larger together than that room, are taken apart, and their files fill it one by one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gleanery.records.compiling import compiled
from gleanery.records.errors import WrongArguments
from gleanery.shards.chance import draw, fraction, i64, inlined, u64

PLAIN, PSM, SPM = 0, 1, 2
FILE, REPOSITORY = "file", "repository"
# What a fill-in-the-middle piece adds: three sentinels and the end of text.
FIM_CONTROL = 4
# Room kept free for a piece that is cut inside tokens, in tokens; see fim.py.
FIM_GROWTH = 8
SMALLEST_CONTEXT, LARGEST_CONTEXT = 64, 1 << 20
CHOOSE_FIM, CHOOSE_SPM, CHOOSE_CUTS, CHOOSE_KIND, CHOOSE_SPAN, CHOOSE_REPO, CHOOSE_SEGMENT, CHOOSE_LOOSE = range(8)
# A name that takes more than this share of a row is left out, and its sentinel stands alone.
LONGEST_NAME = 8
# So much more than the room behind runs is taken apart, since not every file fits. With 1, 1.5 and 2, rows of 2,048
# have 1.7, 1.3 and 0.8 % of padding, and rows of 8,192 have 1.5, 0.1 and 0.1.
LOOSER = 1.5


@dataclass(frozen=True)
class Rules:
    """What a plan depends on besides the documents.

    context      tokens in a row, 64 to 1,048,576
    fim_rate     share of pieces in a fill-in-the-middle form, 0 to 1
    spm_rate     share of those that have the suffix first, 0 to 1
    growth       tokens kept free in each such piece
    repo_rate    share of repositories whose pieces may have such a form at all, 0 to 1; StarCoder2 had 0.5 with a
                 fim_rate of 0.5
    line_rate    share of such pieces that are cut at the beginnings of lines
    syntax_rate  share of such pieces whose middle is a node of the syntax tree, where the release has spans
    unit         FILE or REPOSITORY: what stands together in a segment
    """

    context: int
    fim_rate: float
    spm_rate: float
    growth: int = FIM_GROWTH
    repo_rate: float = 1.0
    line_rate: float = 0.0
    syntax_rate: float = 0.0
    unit: str = FILE

    def __post_init__(self) -> None:
        if not SMALLEST_CONTEXT <= self.context <= LARGEST_CONTEXT:
            raise WrongArguments(
                f"a context of {self.context} tokens is not possible",
                f"choose {SMALLEST_CONTEXT} to {LARGEST_CONTEXT}",
            )
        for name in ("fim_rate", "spm_rate", "repo_rate", "line_rate", "syntax_rate"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise WrongArguments(f"{name} is {getattr(self, name)}", "a rate is a number from 0 to 1")
        if self.unit not in (FILE, REPOSITORY):
            raise WrongArguments(f"there is no unit {self.unit!r}", f"choose {FILE} or {REPOSITORY}")
        if self.line_rate + self.syntax_rate > 1.0:
            raise WrongArguments("line_rate and syntax_rate are more than 1 together", "they share the same pieces")


@dataclass(frozen=True)
class Pieces:
    """One entry for each piece, row by row: uint32[pieces, 3], so that the pieces of a row lie side by side.

    Column 0 is the document's ordinal, column 1 the first token in it, column 2 holds length × 16 + joined × 8 +
    ends × 4 + form: tokens of the document in the piece, whether it goes on with the segment of the piece before it,
    whether the end of text follows, and PLAIN, PSM or SPM.
    """

    table: NDArray[np.uint32]

    @property
    def document(self) -> NDArray[np.int64]:
        """Ordinals of the documents."""
        return self.table[:, 0].astype(np.int64)

    @property
    def offset(self) -> NDArray[np.int64]:
        """First tokens in the documents."""
        return self.table[:, 1].astype(np.int64)

    @property
    def length(self) -> NDArray[np.int64]:
        """Tokens of the documents."""
        return (self.table[:, 2] >> 4).astype(np.int64)

    @property
    def ends(self) -> NDArray[np.bool_]:
        """Whether the end of text follows."""
        ends: NDArray[np.bool_] = (self.table[:, 2] & 4) != 0
        return ends

    @property
    def joined(self) -> NDArray[np.bool_]:
        """Whether the piece goes on with the segment of the one before it."""
        joined: NDArray[np.bool_] = (self.table[:, 2] & 8) != 0
        return joined

    @property
    def form(self) -> NDArray[np.int8]:
        """PLAIN, PSM or SPM."""
        return (self.table[:, 2] & 3).astype(np.int8)

    def __len__(self) -> int:
        return len(self.table)


@compiled
def cut_files(
    lengths: NDArray[np.int64],
    keys: NDArray[np.uint64],
    repos: NDArray[np.uint64],
    context: int,
    rates: NDArray[np.float64],
    growth: int,
    choices: int,
) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """The pieces of documents, as in `Pieces`, and the room that each takes in a row. Documents count from 0."""
    most, fim_rate, spm_rate, repo_rate = 0, rates[0], rates[1], rates[2]
    for d in range(len(lengths)):
        if lengths[d] > 0:
            most += lengths[d] // (context - FIM_CONTROL - growth) + 1
    table, cost, used = np.empty((most, 3), np.uint32), np.empty(most, np.int32), 0
    for d in range(len(lengths)):
        at, chosen = 0, fim_rate > 0.0 and _is_chosen(choices, repos[d], repo_rate)
        while at < lengths[d]:
            left = lengths[d] - at
            form = _form(choices, keys[d], at, fim_rate, spm_rate) if chosen else PLAIN
            # A rest that is whole without the extra room of its form stays whole: no short document is cut.
            if form != PLAIN and left + FIM_CONTROL + growth > context and left < context:
                form = PLAIN
            if form != PLAIN:
                take = min(left, context - FIM_CONTROL - growth)
                ends, cost[used] = 1, take + FIM_CONTROL + growth
            else:
                # Only the last piece of a document ends with the end of text, so one token is left for it.
                take = left if left < context else min(context, left - 1)
                ends = 1 if take == left else 0
                cost[used] = take + ends
            table[used, 0], table[used, 1], table[used, 2] = d, at, take << 4 | ends << 2 | form
            used, at = used + 1, at + take
    return table[:used], cost[:used]


@inlined
def _is_chosen(choices: int, repo: int, rate: float) -> bool:
    """Whether pieces of a repository may be cut at all."""
    return bool(rate >= 1.0 or fraction(draw(choices, repo, 0, CHOOSE_REPO)) < rate)


@inlined
def _form(choices: int, key: int, at: int, fim_rate: float, spm_rate: float) -> int:
    """The form that a piece draws."""
    if fraction(draw(choices, key, at, CHOOSE_FIM)) >= fim_rate:
        return PLAIN
    return SPM if fraction(draw(choices, key, at, CHOOSE_SPM)) < spm_rate else PSM


@compiled
def cut_repositories(
    lengths: NDArray[np.int64],
    keys: NDArray[np.uint64],
    repos: NDArray[np.uint64],
    units: NDArray[np.int64],
    paths: NDArray[np.int64],
    names: NDArray[np.int64],
    context: int,
    rates: NDArray[np.float64],
    growth: int,
    choices: int,
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int32]]:
    """The pieces of repositories, run by run; where each run begins in them, and the room that it takes in a row.

    Documents count from 0.

    units         number of each document's repository, ascending
    paths, names  tokens of each document's path and of its repository's name
    """
    most, fim_rate, spm_rate, repo_rate = 1, rates[0], rates[1], rates[2]
    smallest = context - 2 * (1 + context // LONGEST_NAME) - FIM_CONTROL - growth
    for d in range(len(lengths)):
        if lengths[d] > 0:
            most += lengths[d] // smallest + 1
    table, first, cost = np.empty((most, 3), np.uint32), np.empty(most, np.int64), np.empty(most, np.int32)
    used = runs = room = 0  # pieces, closed runs, and the room that the open run takes; 0 if none is open
    gaps = fillers = 0  # room behind runs that a next file did not fit into, and runs that end with their repository
    last = -1
    for d in range(len(lengths)):
        if lengths[d] == 0:
            continue
        if room > 0 and units[d] != units[last]:
            cost[runs], runs, room = room + _close(table, used, True), runs + 1, 0
            fillers += cost[runs - 1]
        at, last = 0, d
        chosen = fim_rate > 0.0 and _is_chosen(choices, repos[d], repo_rate)
        path, name = named(paths[d], context), named(names[d], context)
        while at < lengths[d]:
            left, whole = lengths[d] - at, context - name - path - 1  # the last token closes a run
            form = _form(choices, keys[d], at, fim_rate, spm_rate) if chosen else PLAIN
            if form != PLAIN and left + FIM_CONTROL - 1 + growth > whole and left <= whole:
                form = PLAIN
            extra = FIM_CONTROL - 1 + growth if form != PLAIN else 0
            fits = left + extra <= whole
            if room > 0 and (not fits or room + path + left + extra + 1 > context):
                cost[runs], runs, room = room + _close(table, used, False), runs + 1, 0
                gaps += context - cost[runs - 1]
            take = left if fits else whole - extra if form != PLAIN else min(whole + 1, left - 1)
            joined = 1 if room > 0 else 0
            if room == 0:
                first[runs], room = used, name
            table[used, 0], table[used, 1], table[used, 2] = d, at, take << 4 | joined << 3 | form
            used, at, room = used + 1, at + take, room + path + take + extra
            if not fits:
                cost[runs], runs, room = room + _close(table, used, False), runs + 1, 0
                gaps += context - cost[runs - 1]
    if room > 0:
        cost[runs], runs = room + _close(table, used, True), runs + 1
        fillers += cost[runs - 1]
    first[runs] = used
    taken = 0
    for run in range(runs):
        taken += cost[run]
    share = max(0.0, LOOSER * gaps - fillers) / max(1, taken)
    choice = keys, paths, names, context, growth, choices
    return _loosened(table[:used], first[: runs + 1], cost[:runs], share, *choice)


@compiled
def _loosened(
    table: NDArray[np.uint32],
    first: NDArray[np.int64],
    cost: NDArray[np.int32],
    share: float,
    keys: NDArray[np.uint64],
    paths: NDArray[np.int64],
    names: NDArray[np.int64],
    context: int,
    growth: int,
    choices: int,
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int32]]:
    """The same pieces, with some runs taken apart into runs of one file each."""
    firsts, costs, runs = np.empty(len(table) + 1, np.int64), np.empty(len(table), np.int32), 0
    for run in range(len(cost)):
        document, at = i64(table[first[run], 0]), i64(table[first[run], 1])
        if fraction(draw(choices, keys[document], at, CHOOSE_LOOSE)) >= share:
            firsts[runs], costs[runs], runs = first[run], cost[run], runs + 1
            continue
        for piece in range(first[run], first[run + 1]):
            document, form = i64(table[piece, 0]), i64(table[piece, 2]) & 3
            if form != PLAIN:
                table[piece, 2] |= np.uint32(4)  # closed by the end of text, since no file follows
            table[piece, 2] &= np.uint32(0xFFFFFFFF - 8)
            room = named(names[document], context) + named(paths[document], context) + i64(table[piece, 2] >> 4)
            room += FIM_CONTROL - 1 + growth if form != PLAIN else 0
            firsts[runs], costs[runs], runs = piece, room + (i64(table[piece, 2]) >> 2 & 1), runs + 1
    firsts[runs] = len(table)
    return table, firsts[: runs + 1], costs[:runs]


@inlined
def named(tokens: int, context: int) -> int:
    """The room that a name takes: its sentinel, and its tokens unless they are too many."""
    return 1 + (tokens if tokens <= context // LONGEST_NAME else 0)


@inlined
def _close(table: NDArray[np.uint32], used: int, ended: bool) -> int:
    """Close a run: the end of text follows the last file of a repository, and a piece with a middle at the end."""
    if not ended and table[used - 1, 2] & u64(3) == PLAIN:
        return 0
    table[used - 1, 2] |= np.uint32(4)
    return 1
