"""The distinct texts of licences and notices that stand behind released files.

In: contents as crawled, and the copyright lines that were found in them. Out: texts by their id, each once: a licence
text stands without its copyright lines, which the table `notices` holds, so that a thousand copies of the MIT licence
under a thousand names are one text. Nothing is lost: only a line that was recorded word for word is left out. Reads the
ids of all contents and the row groups that hold a licence; a text is held in memory once (demo: 4.6 KB each).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gleanery.records.ids import blob_id
from gleanery.records.parquet import open_parquet

REPOSITORY, LICENSE_LIST = "repository", "licence_list"
# A file with fewer words than this share of the licence's own text only names the licence.
WHOLE_TEXT = 0.5
_MARKS = (b"\xff\xfe", b"\xfe\xff")
# A copyright line goes on over at most so many lines, see licensing/copyright_lines.py.
_MOST_LINES = 20


@dataclass
class Text:
    """One text: its bytes, where it came from, and which licences were read in it."""

    content: bytes
    origin: str
    licenses: set[str] = field(default_factory=set)

    @property
    def words(self) -> int:
        """Words, by which a text is told from a sentence that only names a licence."""
        return len(self.content.split())


class Texts:
    """Texts by id, and the text of each content that was added."""

    def __init__(self) -> None:
        self.by_id: dict[str, Text] = {}
        self._of_blob: dict[str, str] = {}

    def add(self, content: bytes, origin: str, licenses: Iterable[str] = ()) -> str | None:
        """The id of a text; None for one that says nothing."""
        if not content.strip():
            return None
        ident = blob_id(content)
        self.by_id.setdefault(ident, Text(content, origin)).licenses.update(licenses)
        return ident

    def add_blob(self, blob: str, content: bytes) -> None:
        """Remember the text of one content, `content` being as `without_owners` gives it."""
        ident = self.add(content, REPOSITORY)
        if ident is not None:
            self._of_blob[blob] = ident

    def joined(self, idents: Sequence[str]) -> str:
        """The id of one text that holds some texts, in their order."""
        contents = [self.by_id[ident].content for ident in idents]
        plain = [c.decode("utf-16", "replace").encode() if c.startswith(_MARKS) else c for c in contents]
        ident = self.add(b"\n\n".join(plain), REPOSITORY)
        assert ident is not None, "each of the texts says something"
        return ident

    def of_blob(self, blob: str) -> str | None:
        """The id of the text of a content, or None."""
        return self._of_blob.get(blob)

    def rows(self, used: Collection[str]) -> list[dict[str, Any]]:
        """Rows of `license_texts` for the texts that are used."""
        found = [(ident, self.by_id[ident]) for ident in sorted(used)]
        return [
            {"text_id": ident, "origin": text.origin, "licenses": sorted(text.licenses), "content": text.content}
            for ident, text in found
        ]


def without_owners(content: bytes, copyrights: Collection[str]) -> bytes:
    """A licence text without those lines that are copyright lines word for word, and with plain line ends.

    >>> without_owners(b"MIT License\\r\\n\\r\\n(c) 2020 A. Nother\\r\\n\\r\\nPermission ...", ["(c) 2020 A. Nother"])
    b'MIT License\\n\\nPermission ...\\n'
    >>> without_owners(b"MIT\\n\\n(c) A,\\n    B\\nPermission ...", ["(c) A, B"])
    b'MIT\\n\\nPermission ...\\n'
    """
    if content.startswith(_MARKS) or b"\x00" in content:
        return content
    known = {line.encode("utf-8", "surrogatepass") for line in copyrights}
    lines: list[bytes] = []
    skipped = 0
    given = content.removeprefix(b"\xef\xbb\xbf").splitlines()
    for at, line in enumerate(given):
        plain = line.strip()
        skipped = max(skipped - 1, 0) or _lines_of_owners(given[at : at + _MOST_LINES], known)
        if skipped or (not plain and (not lines or not lines[-1])):
            continue
        lines.append(line.rstrip())
    return b"\n".join(lines).rstrip() + b"\n"


def _lines_of_owners(lines: Sequence[bytes], known: Collection[bytes]) -> int:
    """How many lines, from the first one on, are a copyright line that goes on below; 0 if the first is none."""
    said = b" ".join(lines[0].split())
    for count, line in enumerate([*lines[1:], b""], 1):
        if said in known:
            return count
        if not said or not any(owner.startswith(said + b" ") for owner in known):
            return 0
        said += b" " + b" ".join(line.split())
    return 0


def rows_with(
    paths: Sequence[Path], key: str, ids: Collection[str], columns: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """The rows of some table files whose key is among `ids`. Other columns are read only where a row group has one."""
    wanted = pa.array(sorted(ids), pa.string())
    for path in paths if ids else ():
        with open_parquet(path) as file:
            for group in range(file.num_row_groups):
                keys = file.read_row_group(group, columns=[key], use_threads=False).column(key)
                chosen = pc.is_in(keys, value_set=wanted)
                if pc.any(chosen).as_py():
                    table = file.read_row_group(group, columns=[key, *columns], use_threads=False)
                    yield from table.filter(chosen).to_pylist()


def read_texts(
    tables: dict[str, list[Path]],
    licenses: Collection[str],
    as_they_are: Collection[str],
    without_secrets: Callable[[bytes], bytes],
) -> Texts:
    """The texts of these contents of a run, without keys and passwords.

    Licence texts lose copyright lines, which the notices of files hold.
    """
    owners: dict[str, list[str]] = {}
    for row in rows_with(tables["license_findings"], "blob_id", licenses, ["copyrights"]):
        owners.setdefault(row["blob_id"], []).extend(row["copyrights"])
    texts = Texts()
    for row in rows_with(tables["blobs"], "blob_id", {*licenses, *as_they_are}, ["content"]):
        blob, content = row["blob_id"], without_secrets(row["content"])
        is_license = blob in licenses and blob not in as_they_are
        texts.add_blob(blob, without_owners(content, owners.get(blob, ())) if is_license else content)
    return texts
