"""What the heads of most files of a folder name, as a doubt about the files beside them that have no head.

In: the findings of a repository's files. Out: for a path, the licence that at least half of the files of its folder
name in their heads, known or not. A project that vendors a few files seldom puts their licence beside them, and not
each of them has a head. 13 µs a file; memory grows with the number of folders.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from gleanery.licensing.paths import folder_of
from gleanery.licensing.statements import FileFacts, Said, combined

# One file may be an exception in its folder; two that agree are a pattern.
_FEWEST = 2


class Siblings:
    """The heads of one repository, by folder."""

    def __init__(self, files: Iterable[FileFacts]) -> None:
        self._read = Counter[str]()
        self._heads: dict[str, dict[str, list[FileFacts]]] = {}
        for file in sorted(files, key=lambda f: (f.path, f.file_id)):
            if not file.head:
                continue
            folder = folder_of(file.path)
            self._read[folder] += 1
            said = combined("own_header", [(file, file.head)])
            if said.names_licence or said.uncertain:
                self._heads.setdefault(folder, {}).setdefault(said.meaning, []).append(file)
        self._common = {folder: self._most_common(folder) for folder in self._heads}

    def beside(self, path: str) -> tuple[tuple[str, Said], ...]:
        """What most heads around a file say, as a source beside its conclusion."""
        said = self._common.get(folder_of(path))
        return (("siblings", said),) if said is not None else ()

    def _most_common(self, folder: str) -> Said | None:
        meaning, files = max(self._heads[folder].items(), key=lambda item: (len(item[1]), item[0]))
        if len(files) < _FEWEST or 2 * len(files) < self._read[folder]:
            return None
        said = combined("own_header", [(files[0], files[0].head)])
        return replace(said, role="siblings", evidence=tuple(replace(e, role="siblings") for e in said.evidence))
