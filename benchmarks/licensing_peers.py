"""What the usual methods say of the same files: the nearest licence file, the anchor's method, one label for all.

In: labelled packages. Out: for each method, whether each file is accepted as permissive. All read licence files with
scancode's `get_licenses`, and take for permissive what scancode puts into the categories Permissive and Public Domain.

- `nearest_license_file`: the licences in the nearest folder above that has a file named LICENSE, COPYING or alike.
- `anchor_mended`: The Stack v2 as published, but for its time limit, which was a moment in 1970 and cut every scan
  short: any file named like a licence, a README or a notice, in any folder above; all names of licences in them as one
  flat set; accepted if all are permissive.
- `one_label`: the same set of the files at the root, as the label of every file (The Stack v1).
"""

import hashlib
import re
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import IO, cast

from labelled_licences import Package

from gleanery.licensing.scan import warm

_LICENSE_NAME = re.compile(r"(un)?licen[sc]es?|copying|copyright", re.I)
# The file names of The Stack v2, in the shape of its description: a word of this list, alone or between separators.
_WORDS = (
    r"li[cs]en[cs]es?|legal|copy(left|right|ing)|unlicense|[al]?gpl([-_ v]?)(\d\.?\d?)?|bsdl?|mitx?|apache|artistic"
    r"|copyingv?\d?|disclaimer|eupl|gfdl|[cm]pl|cc0|al([-_ v]?)(\d\.?\d)?|about|notice|readme|guidelines"
)
_ANCHOR_NAME = re.compile(rf"(|.*[-_. ])({_WORDS})(|[-_. ].*)", re.I)
_NOT_LICENSES = re.compile(r"cla\b|-cla-|dco-|generic-exception|export-compliance|-tos|trademark|warranty-disclaimer")
_MOST_BYTES = 300_000  # longer files are no licence files

Said = dict[str, frozenset[str]]  # path to the names of the licences in it, as scancode writes them


def peers(trees: Sequence[Package]) -> dict[str, Callable[[str, str], bool]]:
    """By name of the method: a function of package and path, whether the file is accepted."""
    found = {tree.name: said for tree, said in zip(trees, _scanned(trees), strict=True)}
    return {
        "nearest_license_file": lambda package, path: _nearest(found[package], path),
        "anchor_mended": lambda package, path: _permissive(_flat(found[package], path)),
        "one_label": lambda package, path: _permissive(_flat(found[package], "x")),
    }


def _nearest(said: Said, path: str) -> bool:
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        keys = [k for p, k in said.items() if _folder(p) == folder and _LICENSE_NAME.match(p.rpartition("/")[2])]
        if keys:
            return _permissive(frozenset().union(*keys))
    return False


def _flat(said: Said, path: str) -> frozenset[str]:
    above = [keys for p, keys in said.items() if not _folder(p) or path.startswith(_folder(p) + "/")]
    return frozenset().union(*above)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _permissive(keys: frozenset[str]) -> bool:
    named = [k for k in keys if not _NOT_LICENSES.search(k)]
    known = [k for k in named if k != "unknown-license-reference"]
    return bool(known) and all(_category(key) in ("Permissive", "Public Domain") for key in known)


@lru_cache(maxsize=1)
def _licenses() -> dict[str, object]:
    from licensedcode.cache import get_licenses_db

    return dict(get_licenses_db())


def _category(key: str) -> str:
    return str(getattr(_licenses().get(key), "category", ""))


def _scanned(trees: Sequence[Package]) -> list[Said]:
    wanted: list[list[tuple[str, bytes]]] = []
    for tree in trees:
        with tarfile.open(tree.archive) as tar:
            wanted.append(
                [
                    (m.name, cast(IO[bytes], tar.extractfile(m)).read())
                    for m in tar
                    if m.size < _MOST_BYTES and _ANCHOR_NAME.fullmatch(m.name.rpartition("/")[2])
                ]
            )
    distinct = {hashlib.sha256(c).digest(): (p, c) for files in wanted for p, c in files}
    warm()
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        answers = dict(zip(distinct, pool.map(_answer, distinct.values()), strict=True))
    return [{p: answers[hashlib.sha256(c).digest()] for p, c in files} for files in wanted]


def _answer(file: tuple[str, bytes]) -> frozenset[str]:
    from licensedcode.cache import get_licensing
    from scancode.api import get_licenses

    with tempfile.TemporaryDirectory(prefix="gleanery-bench-") as folder:
        path = Path(folder) / file[0].rpartition("/")[2]
        path.write_bytes(file[1])
        found = get_licenses(str(path))
    return frozenset(get_licensing().license_keys(found["detected_license_expression"] or ""))
