"""Classes of sameness: in which ways two contents are the same, and what policy makes of it.

In: the measures of a pair. Out: its class, and whether the pair drops a copy or only bears witness against it.

What is code is what a reader of tokens says, who may be wrong and can be led astray. So a text is never set aside on
its word alone: code is looked for in the whole text of the other one, and of texts of which it took most for comments,
equal forms bar and drop nothing.

    normalised   the same tokens, once comments and white space are set aside
    near         Jaccard similarity of their shingles at or above the threshold, and code of one stands in the other
    renamed      the same tokens, once each name is replaced by the order in which it first occurs
    contained    nearly all shingles of one stand in the other, longer one (comments set aside), and it is not short

Two files with the same bytes are `exact`; they have one content, so no pair. `classify` takes 0.1 us a pair.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NORMALISED, NEAR, RENAMED, CONTAINED, NONE = "normalised", "near", "renamed", "contained", "none"
CLASSES = (NORMALISED, NEAR, RENAMED, CONTAINED)
DROP, BAR, RECORD = ACTIONS = ("drop", "bar", "record")
# Raise it when the same measures may now be of another class.
VERSION = 3


@dataclass(frozen=True)
class Measures:
    """What was measured of pairs of contents, left and right: columns, one value for each pair.

    `jaccard`: of all shingles. `containment`: the larger of the two shares of code shingles that stand in the other
    one, 0 to 1. `shared_code`: the larger share of the code of one that the other has anywhere, 1 if neither has code.
    `forms_tell`: equal forms say that the two are the same, see `do_forms_tell`. `is_long`: the one that may stand
    inside the other has enough code not to do so by chance.
    """

    jaccard: NDArray[np.float64]
    containment: NDArray[np.float64]
    shared_code: NDArray[np.float64]
    same_normal: NDArray[np.bool_]
    same_renamed: NDArray[np.bool_]
    forms_tell: NDArray[np.bool_]
    is_long: NDArray[np.bool_]


@dataclass(frozen=True)
class Policy:
    """What each class does: drop (the copy is dropped, and all that `bar` does), bar (a restricted or an objecting
    copy bars the other), or record (a row in `pairs`, nothing else). Thresholds say which pairs are in a class.

    `near_code`: files that are alike must share this much of the code of one of them. Without it, short files that say
    different things under the same licence header are duplicates; with little of it, those that begin alike below it.

    Raises ValueError for another action.
    """

    threshold: float = 0.7
    contained_threshold: float = 0.9
    near_code: float = 0.5
    normalised: str = "drop"
    near: str = "drop"
    renamed: str = "bar"
    contained: str = "bar"

    def __post_init__(self) -> None:
        if any(getattr(self, name) not in ACTIONS for name in CLASSES):
            raise ValueError(f"an action is one of {', '.join(ACTIONS)}")


@dataclass(frozen=True)
class Sameness:
    """The class of each pair, its measure, and what the pair does: columns, one value for each pair.

    Of several classes that with the stronger action counts, then the first in `CLASSES`. `similarity` is 1 for
    normalised and renamed, else the measure that the class is named for; for `none`, Jaccard.
    """

    names: pa.Array
    similarity: NDArray[np.float64]
    drops: NDArray[np.bool_]
    bars: NDArray[np.bool_]


def action_of(name: str, tell: bool, policy: Policy) -> str:
    """What a class does to a pair. Equal forms that do not tell bar at most.

    >>> action_of("normalised", True, Policy()), action_of("normalised", False, Policy())
    ('drop', 'bar')
    """
    action: str = getattr(policy, name)
    return BAR if action == DROP and name in (NORMALISED, RENAMED) and not tell else action


def do_forms_tell(
    jaccard: NDArray[np.float64], *sizes: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> NDArray[np.bool_]:
    """Whether equal forms say that two texts are the same: 3 of 4 shingles of each are code, or half of both is shared.

    `sizes`: for each side the number of code shingles and of all. Where a text has something else than comments there,
    that was not compared, and might be lost. (Of five kinds of files whose texts a former reader took for comments, it
    had left 0.40 to 0.62 as code; all of 35 pairs of real files with equal forms have more than half in common.)

    >>> six = np.array([6, 6, 6])
    >>> do_forms_tell(np.array([0.4, 0.4, 0.5]), (six, six), (six, np.array([8, 9, 9])))
    array([ True, False,  True])
    """
    tell: NDArray[np.bool_] = np.logical_and.reduce([4 * code >= 3 * whole for code, whole in sizes])
    tell |= jaccard >= 0.5
    return tell


def equality(same_normal: bool, same_renamed: bool, tell: bool, policy: Policy) -> str:
    """What policy makes of equal forms by themselves, whichever class a pair counts by.

    >>> [equality(*same, True, Policy()) for same in ((False, True), (True, True), (False, False))]
    ['bar', 'drop', 'record']
    """
    actions = [action_of(NORMALISED, tell, policy)] * same_normal + [action_of(RENAMED, tell, policy)] * same_renamed
    return min([*actions, RECORD], key=ACTIONS.index)


def classify(found: Measures, policy: Policy) -> Sameness:
    """In which way the contents of each pair are the same, and what policy makes of it.

    >>> yes, no = np.array([True, True]), np.array([False, False])
    >>> jaccard, code = np.array([0.8, 0.8]), np.array([0.95, 0.1])  # the second: one licence header, other code
    >>> said = classify(Measures(jaccard, code, code, no, no, yes, yes), Policy())
    >>> said.names.to_pylist(), said.drops.tolist()
    (['near', 'none'], [True, False])
    """
    count, tell = len(found.jaccard), found.forms_tell
    one, is_near = np.ones(count), (found.jaccard >= policy.threshold) & (found.shared_code >= policy.near_code)
    holds = {
        NORMALISED: (found.same_normal, one),
        NEAR: (is_near, found.jaccard),
        RENAMED: (found.same_renamed, one),
        CONTAINED: (found.is_long & (found.containment >= policy.contained_threshold), found.containment),
    }
    chosen, similarity = np.full(count, len(CLASSES), np.int64), found.jaccard.copy()
    actions = np.full(count, ACTIONS.index(RECORD), np.int64)
    answers = ((name, sure, ACTIONS.index(action_of(name, sure, policy))) for name in CLASSES for sure in (True, False))
    # From the weakest to the strongest, so that the strongest is written last.
    for name, sure, action in sorted(answers, key=lambda a: (a[2], CLASSES.index(a[0])), reverse=True):
        there, measure = holds[name]
        there = there & (tell == sure)
        chosen[there], actions[there] = CLASSES.index(name), action
        similarity[there] = measure[there]
    names = pa.array([*CLASSES, NONE]).take(pa.array(chosen))
    return Sameness(names, similarity, actions == 0, actions <= 1)
