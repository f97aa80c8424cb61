"""Paths of a repository: folders, what is above what, and what a manifest points to.

In: paths with `/`, the root being empty. Out: other such paths. Linear in their length.
"""


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


def parent_of(folder: str) -> str | None:
    """The folder above a folder; None above the root."""
    return folder_of(folder) if folder else None
