"""Removed documents: what a loader needs to know of a removal list.

In: ordinals of removed documents, in the order of the append-only list, and the release in which they count. Out:
`Removed`, which a loader of that release honours in one of two ways:

mask    rows, steps and every other token stay as they were; the document's tokens become padding and teach nothing
repack  as `mask` to the end of the present epoch; from the next epoch on the document is not packed at all

The same ordinal is another document in another release. So ordinals and their release go together, and whoever asks
which documents are removed has to say of which release.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import StopRun

_ANEW = "look the list up in each release by itself: removed=removed_from(root, path) with the root that you open"


@dataclass(frozen=True)
class Removed:
    """The documents of one release that must not be served any more.

    ordinals  int64, in the order of the list; a later list begins with all of an earlier one
    digests   for each prefix of the list, eight hexadecimal digits: digests[n] names the first n entries, so it has one
              entry more than `ordinals`
    mode      "mask" or "repack"
    release   SHA-256 of its `store.json`; empty only where nothing is removed from whatever release
    """

    ordinals: NDArray[np.int64]
    digests: tuple[str, ...]
    mode: Literal["mask", "repack"] = "mask"
    release: str = ""

    def __post_init__(self) -> None:
        if len(self.digests) != len(self.ordinals) + 1:
            raise StopRun("a removal list needs a digest for each of its prefixes", "build it with removals.py")
        if self.mode not in ("mask", "repack"):
            raise StopRun(f"there is no way {self.mode!r} to remove a document", "choose mask or repack")
        if len(self.ordinals) and not self.release:
            raise StopRun("a removal list needs the release whose documents it counts", _ANEW)

    def check_release(self, release: str) -> None:
        """Raises StopRun unless the ordinals count the documents of this release."""
        if self.release not in ("", release):
            raise StopRun("the removed documents were looked up in another release than the one that is open", _ANEW)

    def mask(self, release: str, documents: int, count: int) -> NDArray[np.bool_]:
        """bool[documents], true for the first `count` entries of the list. Raises StopRun for an unknown ordinal, and
        as `check_release` does.
        """
        self.check_release(release)
        chosen = self.ordinals[:count]
        if chosen.size and (int(chosen.min()) < 0 or int(chosen.max()) >= documents):
            raise StopRun("the removal list names a document that does not exist", "use the list of this release")
        found = np.zeros(documents, np.bool_)
        found[chosen] = True
        return found


NOTHING_REMOVED = Removed(np.empty(0, np.int64), ("00000000",))
