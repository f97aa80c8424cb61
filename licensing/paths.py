"""Paths of a repository: folders, what is above what, and what a manifest points to.

In: paths with `/`, the root being empty. Out: other such paths. Linear in their length.
"""

from collections.abc import Iterator


def resolved(folder: str, target: str) -> str | None:
    """The path that a manifest in a folder points to, or None where it leaves the repository."""
    parts = folder.split("/") if folder else []
    for part in target.replace("\\", "/").split("/"):
        if part == ".." and not parts:
            return None
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def inside(folder: str, above: str) -> str:
    """The path of a folder from one above it."""
    return folder[len(above) + 1 :] if above else folder


def stands_in(inner: str, parts: tuple[str, ...]) -> bool:
    """Whether a path is one of some folders or lies below it."""
    return any(inner == part or inner.startswith(part + "/") for part in parts)


def folder_of(path: str) -> str:
    """The folder that a path stands in; empty at the root."""
    return path.rpartition("/")[0]


def ways_down(folder: str) -> Iterator[tuple[str, str]]:
    """The folders on the way from the root, which is left out, to a folder and this itself, each with its name.

    >>> list(ways_down("a/b")), list(ways_down(""))
    ([('a', 'a'), ('a/b', 'b')], [])
    """
    end = 0
    for name in folder.split("/") if folder else ():
        end += len(name)
        yield folder[:end], name
        end += 1
