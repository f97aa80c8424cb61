"""Paths: the files of one repository, by what an import may call them.

In: the paths of a repository, its name, and the Go modules that it declares. Out: for what one statement asks for, the
files that it means. A look-up costs what the folders of one path cost, however many files a folder holds.
"""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

# Bounds on what a hostile repository can cost.
MOST_CANDIDATES = 64
# Folders in which sources stand without being named in an import.
ROOTS = ("", "src", "lib", "include")
# Endings that mean what a folder holds: the package that a Go import names, or that of a Java wildcard.
GO_PACKAGE, JVM_PACKAGE = "/*", "/*.java"
JVM = (".java", ".kt", ".scala", ".groovy")


@dataclass(frozen=True)
class Request:
    """What one statement asks for: names to be tried in this order, the first that exists counts.

    names     paths without an ending
    endings   what may follow a name; GO_PACKAGE and JVM_PACKAGE mean the files of a folder
    folder    the folder that the names are relative to, or None: they are looked for in the whole repository
    anywhere  whether a name without a folder may stand in any folder, if only one file has it
    """

    names: tuple[str, ...]
    endings: tuple[str, ...]
    folder: str | None = None
    anywhere: bool = False


class Paths:
    """The paths of one repository, by their last names, and the files that each folder has as a package.

    modules     the folder of each Go module, by its name, as `go.mod` files say
    repository  the name of the repository, as "owner/name": a Go import that ends with it means the top folder
    """

    def __init__(
        self, paths: Sequence[str], modules: Mapping[str, str] = MappingProxyType({}), repository: str = ""
    ) -> None:
        self.paths, self._modules, self._repository = paths, modules, f"/{repository.lower()}" if repository else ""
        self._number = {path: number for number, path in reversed(list(enumerate(paths)))}
        self._named: dict[str, list[int]] = {}
        self._packages: dict[str, list[int]] = {}
        self._jvm: dict[str, list[int]] = {}
        self._jvm_named: dict[str, list[str]] = {}
        for number, path in enumerate(paths):
            folder, name = posixpath.split(path)
            self._named.setdefault(name, []).append(number)
            if name.endswith(".go"):  # a folder of tests alone is a package without a file
                package = self._packages.setdefault(folder, [])
                if not name.endswith("_test.go") and len(package) < MOST_CANDIDATES:
                    package.append(number)
            elif name.endswith(JVM):
                if folder not in self._jvm:
                    self._jvm_named.setdefault(posixpath.basename(folder), []).append(folder)
                package = self._jvm.setdefault(folder, [])
                if len(package) < MOST_CANDIDATES:
                    package.append(number)

    def of(self, request: Request, path: str) -> list[int]:
        """The files that a request of the file at `path` means: one, or those of a folder, or none."""
        for name in request.names:
            whole = None if request.folder is None else posixpath.normpath(posixpath.join(request.folder, name))
            for ending in request.endings:
                if ending in (GO_PACKAGE, JVM_PACKAGE):
                    if found := self._go(name) if ending == GO_PACKAGE else self._wildcard(name, path):
                        return found
                    continue
                number = self._file(name + ending, request, path) if whole is None else self._number.get(whole + ending)
                if number is not None:
                    return [number]
        return []

    def _file(self, name: str, request: Request, path: str) -> int | None:
        """A file of this name, which may stand anywhere in the repository."""
        folder = posixpath.dirname(path)
        if "/" not in name:
            return self._above(name, folder, request.anywhere)
        candidates = self._named.get(posixpath.basename(name), [])[:MOST_CANDIDATES]
        fitting = [n for n in candidates if self.paths[n] == name or self.paths[n].endswith("/" + name)]
        return min(fitting, key=lambda n: (-_shared(self.paths[n], path), len(self.paths[n]), n), default=None)

    def _above(self, name: str, folder: str, anywhere: bool) -> int | None:
        """A file of this name in the folder, or in one above it."""
        if name not in self._named:
            return None
        while True:
            for root in ROOTS:
                number = self._number.get(posixpath.join(folder, root, name))
                if number is not None:
                    return number
            if not folder:
                break
            folder = posixpath.dirname(folder)
        candidates = self._named.get(name, [])
        return candidates[0] if anywhere and len(candidates) == 1 else None

    def _go(self, name: str) -> list[int]:
        """The Go files of the folder that an import path names.

        A module says where its packages stand. Without a `go.mod`, the name of the repository means the top folder,
        and else the longest ending that is a folder counts.
        """
        module = name
        while module:
            if (folder := self._modules.get(module)) is not None:
                inside = posixpath.join(folder, name[len(module) :].strip("/"))
                return self._packages.get(inside.strip("/"), [])
            module = module.rpartition("/")[0]
        if "." not in name.split("/", 1)[0]:  # the standard library's
            return []
        if self._repository and _without_version(name.lower()).endswith(self._repository):
            return self._packages.get("", [])
        while "/" in name:
            name = name.split("/", 1)[1]
            if (found := self._packages.get(name)) is not None:
                return found
        return []

    def _wildcard(self, name: str, path: str) -> list[int]:
        """The files of the package that a Java wildcard names, from the folder that is nearest to the file."""
        folders = self._jvm_named.get(posixpath.basename(name), [])[:MOST_CANDIDATES]
        fitting = [folder for folder in folders if folder == name or folder.endswith("/" + name)]
        nearest = min(fitting, key=lambda f: (-_shared(f + "/", path), len(f), f), default=None)
        return [] if nearest is None else self._jvm[nearest]


def _without_version(name: str) -> str:
    """An import path without the `/v2` at its end that names a major version."""
    before, _, last = name.rpartition("/")
    return before if last[:1] == "v" and last[1:].isdecimal() else name


def _shared(one: str, two: str) -> int:
    """How many leading folders two paths have in common."""
    count = 0
    for a, b in zip(one.split("/")[:-1], two.split("/")[:-1], strict=False):
        if a != b:
            break
        count += 1
    return count
