"""Classes of sameness: in which ways two contents are the same, and what policy makes of it.

In: the measures of a pair. Out: its class, and whether the pair drops a copy or only bears witness against it.

    normalised   the same tokens, once comments and white space are set aside
    near         Jaccard similarity of their shingles at or above the threshold, and some of their code in common
    renamed      the same tokens, once each name is replaced by the order in which it first occurs
    contained    nearly all shingles of one stand in the other, longer one (comments set aside), and it is not short

Two files with the same bytes are `exact`; they have one content, so no pair. `classify_all` takes
0.1 us a pair.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NORMALISED, NEAR, RENAMED, CONTAINED, NONE = "normalised", "near", "renamed", "contained", "none"
CLASSES = (NORMALISED, NEAR, RENAMED, CONTAINED)
DROP, BAR, RECORD = ACTIONS = ("drop", "bar", "record")


@dataclass(frozen=True)
class Measures:
    """What was measured of two contents, left and right.

    `jaccard`: of all shingles. `containment`: the larger of the two shares of code shingles that stand in the other
    one, 0 to 1. `has_code`: one of them at least says more than comments do. `is_long`: the one that may stand inside
    the other has enough code not to do so by chance.
    """

    jaccard: float
    containment: float
    same_normal: bool
    same_renamed: bool
    has_code: bool = True
    is_long: bool = True


@dataclass(frozen=True)
class Policy:
    """What each class does: drop (the copy is dropped, and all that `bar` does), bar (a restricted or an objecting
    copy bars the other), or record (a row in `pairs`, nothing else). Thresholds say which pairs are in a class.

    `near_code`: files that are alike must share this much of the code of one of them. Without it, short files that say
    different things under the same licence header are duplicates.

    Raises ValueError for another action.
    """

    threshold: float = 0.7
    contained_threshold: float = 0.9
    near_code: float = 0.2
    normalised: str = "drop"
    near: str = "drop"
    renamed: str = "bar"
    contained: str = "bar"

    def __post_init__(self) -> None:
        if any(getattr(self, name) not in ACTIONS for name in CLASSES):
            raise ValueError(f"an action is one of {', '.join(ACTIONS)}")


@dataclass(frozen=True)
class Sameness:
    """The strongest class of a pair by what it does, its measure, and what the pair does.

    `similarity` is 1 for normalised and renamed, else the measure that the class is named for; for `none`, Jaccard.
    """

    name: str
    similarity: float
    drops: bool
    bars: bool


def classify(found: Measures, policy: Policy) -> Sameness:
    """The class of one pair. Of several, that with the stronger action counts, then the first in `CLASSES`.

    >>> classify(Measures(0.8, 0.95, False, False), Policy())
    Sameness(name='near', similarity=0.8, drops=True, bars=True)
    >>> classify(Measures(0.8, 0.1, False, False), Policy())  # the same licence header, and other code under it
    Sameness(name='none', similarity=0.8, drops=False, bars=False)
    >>> classify(Measures(0.1, 0.95, False, False), Policy())
    Sameness(name='contained', similarity=0.95, drops=False, bars=True)
    """
    holds = {
        NORMALISED: (found.same_normal, 1.0),
        NEAR: (
            found.jaccard >= policy.threshold and (not found.has_code or found.containment >= policy.near_code),
            found.jaccard,
        ),
        RENAMED: (found.same_renamed, 1.0),
        CONTAINED: (found.is_long and found.containment >= policy.contained_threshold, found.containment),
    }
    classes = [name for name in CLASSES if holds[name][0]]
    if not classes:
        return Sameness(NONE, found.jaccard, False, False)
    best = min(classes, key=lambda name: (ACTIONS.index(getattr(policy, name)), CLASSES.index(name)))
    action = getattr(policy, best)
    return Sameness(best, holds[best][1], action == "drop", action != "record")


def equality(same_normal: bool, same_renamed: bool, policy: Policy) -> str:
    """What policy makes of equal forms by themselves, whichever class a pair counts by.

    >>> equality(False, True, Policy()), equality(True, True, Policy()), equality(False, False, Policy())
    ('bar', 'drop', 'record')
    """
    actions = [policy.normalised] * same_normal + [policy.renamed] * same_renamed
    return min([*actions, RECORD], key=ACTIONS.index)


@dataclass(frozen=True)
class Classified:
    """Columns of `Sameness`, one value for each pair."""

    names: pa.Array
    similarity: NDArray[np.float64]
    drops: NDArray[np.bool_]
    bars: NDArray[np.bool_]


def classify_all(
    jaccard: NDArray[np.float64],
    containment: NDArray[np.float64],
    same_normal: NDArray[np.bool_],
    same_renamed: NDArray[np.bool_],
    has_code: NDArray[np.bool_],
    is_long: NDArray[np.bool_],
    policy: Policy,
) -> Classified:
    """What `classify` says, for whole columns."""
    one = np.ones(len(jaccard))
    holds = {
        NORMALISED: (same_normal, one),
        NEAR: ((jaccard >= policy.threshold) & (~has_code | (containment >= policy.near_code)), jaccard),
        RENAMED: (same_renamed, one),
        CONTAINED: (is_long & (containment >= policy.contained_threshold), containment),
    }
    chosen, similarity = np.full(len(jaccard), len(CLASSES), np.int64), jaccard.copy()
    actions = np.array([ACTIONS.index(getattr(policy, name)) for name in CLASSES] + [ACTIONS.index("record")])
    # From the weakest to the strongest, so that the strongest is written last.
    for name in sorted(CLASSES, key=lambda n: (ACTIONS.index(getattr(policy, n)), CLASSES.index(n)), reverse=True):
        there, measure = holds[name]
        chosen[there] = CLASSES.index(name)
        similarity[there] = measure[there]
    names = pa.array([*CLASSES, NONE]).take(pa.array(chosen))
    return Classified(names, similarity, actions[chosen] == 0, actions[chosen] <= 1)
