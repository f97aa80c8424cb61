"""Ordering: the files of a repository in the order in which a model should read them.

In: paths, languages and texts of the files that a release keeps of one repository. Out: their order, and by what it was
found. A file stands behind the files that it imports; where nothing can be read, the path decides. Linear in files and
imports; holds what the files ask for, never their texts.

Files are gone through by path, and before each one come the files that it asks for, by path too (depth first, each
once). A circle of imports is cut where it would close. So the order is a function of the set of files alone.
"""

import posixpath
from collections.abc import Iterable, Sequence

from gleanery.shards.imports import module_of, requests_of
from gleanery.shards.paths import Paths, Request

# Raise it when the same files may now get another order.
ORDER_VERSION = "2"
BY_IMPORTS, BY_PATH = "imports", "path"
# So many imports of one repository are followed, as many as the largest real ones have.
MOST_REQUESTS = 1_000_000
GO_MODULE = "go.mod"


def order_of(files: Iterable[tuple[str, str | None, str]], repository: str = "") -> tuple[list[int], str]:
    """The order of files given as (path, language, text), by path: their numbers, and BY_IMPORTS or BY_PATH.

    `repository` is its name, as "owner/name".

    >>> order_of([("a.py", "Python", "import b"), ("b.py", "Python", ""), ("c.txt", None, "")])
    ([1, 0, 2], 'imports')
    """
    paths: list[str] = []
    requests: list[list[Request]] = []
    modules: dict[str, str] = {}
    left = MOST_REQUESTS
    for path, language, text in files:
        paths.append(path)
        requests.append(requests_of(path, language, text)[:left])
        left -= len(requests[-1])
        if posixpath.basename(path) == GO_MODULE and (module := module_of(text)):
            modules[module] = min(modules.get(module, path), path)
    known = Paths(paths, {module: posixpath.dirname(path) for module, path in modules.items()}, repository)
    needs = [
        sorted({n for request in asked for n in known.of(request, path)} - {number}, key=lambda n: (paths[n], n))
        for number, (path, asked) in enumerate(zip(paths, requests, strict=True))
    ]
    by_path = sorted(range(len(paths)), key=lambda n: (paths[n], n))
    return dependencies_first(by_path, needs), BY_IMPORTS if any(needs) else BY_PATH


def dependencies_first(begin: Sequence[int], needs: Sequence[Sequence[int]]) -> list[int]:
    """All numbers of `begin`, each behind those that it needs, except where a circle has to be cut.

    >>> dependencies_first([0, 1, 2], [[2], [0], [1]])
    [1, 2, 0]
    """
    order: list[int] = []
    seen = [False] * len(needs)
    for first in begin:
        if seen[first]:
            continue
        seen[first] = True
        open_files = [(first, iter(needs[first]))]
        while open_files:
            number, rest = open_files[-1]
            following = next((n for n in rest if not seen[n]), None)
            if following is None:
                order.append(number)
                open_files.pop()
            else:
                seen[following] = True
                open_files.append((following, iter(needs[following])))
    return order
