"""Licence files that are named after one part of their folder: `LICENSE.nanosvg` beside `nanosvg.h`.

In: the findings of a repository's files. Out: which of these files speak of a part that is there, and which of them
speak of a path. Where nothing is called like the part, the file speaks of its whole folder, as any notice does. One
look at each path, 1.7 µs; 0.02 µs where no file has such a name.
"""

from collections.abc import Iterable, Iterator, Sequence

from gleanery.licensing.names import LONGEST_NAME, named_part
from gleanery.licensing.paths import folder_of
from gleanery.licensing.statements import FileFacts


class NamedParts:
    """The licence files of a repository that are named after a part, by folder and name of the part."""

    def __init__(self, files: Sequence[FileFacts]) -> None:
        self._files: dict[str, dict[str, list[FileFacts]]] = {}
        for file in files:
            part = named_part(file.path) if file.whole else None
            if part is not None:
                named = self._files.setdefault(folder_of(file.path), {})
                named.setdefault(part, []).append(file)
        self._there = set[tuple[str, str]]()
        if self._files:
            self._there.update(at for file in files if not named_part(file.path) for at in self._parts_of(file.path))

    def is_of_part(self, file: FileFacts) -> bool:
        """Whether a file is named after a part that its folder holds."""
        return (folder_of(file.path), named_part(file.path) or "") in self._there

    def of_path(self, path: str) -> Iterable[FileFacts]:
        """The licence files that are named after a part to which a path belongs."""
        return [file for folder, part in self._parts_of(path) for file in self._files[folder][part]]

    def above(self, folder: str) -> Iterable[FileFacts]:
        """All licence files that are named after some part of a folder or of one above it."""
        names = folder.split("/") if folder and self._files else []
        folders = ("/".join(names[:depth]) for depth in range(len(names) + 1))
        named = (self._files[f][part] for f in folders for part in self._files.get(f, ()) if (f, part) in self._there)
        return [file for files in named for file in files]

    def _parts_of(self, path: str) -> Iterator[tuple[str, str]]:
        names = path.split("/") if self._files else []
        for depth in range(len(names)):
            folder = "/".join(names[:depth])
            if parts := self._files.get(folder):
                # Begun names are looked up, however many parts a folder names: a thousand would be asked of every file.
                found = {begun for name in names[depth:] for begun in _beginnings(name.lower()) if begun in parts}
                yield from ((folder, part) for part in sorted(found, key=lambda part: _place(parts[part][0])))


def _beginnings(name: str) -> Iterator[str]:
    return (name[:length] for length in range(1, min(len(name), 2 * LONGEST_NAME) + 1))  # small letters may be two


def _place(file: FileFacts) -> tuple[str, str]:
    """Where a file stands among those of its repository."""
    return file.path, file.file_id
