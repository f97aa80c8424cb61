"""Published packages in which a licence stops at a folder or a file's head, or in which none is stated.

In: `labels/stated.toml`. Out: `Package`s like those of `labelled_licences.py`; the label "" stands for "no licence".
Packages of npm and PyPI come through the product's own sources; the one Go module needs the Go tools, and is left out
where they are not installed.
"""

import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from labelled_licences import Package, cache
from licensing_texts import go_module

from gleanery.records.errors import RejectRecord, TryAgain
from gleanery.sources.reading import open_source
from gleanery.sources.source import Limits, Source

_STATED = Path(__file__).parent / "labels" / "stated.toml"
_HEAD_LINES = 10


def stated_packages() -> Iterator[Package]:
    """Each package with a label for each file; those that cannot be had are passed over with a line on the screen."""
    for entry in tomllib.loads(_STATED.read_text("utf-8"))["package"]:
        try:
            yield _package(entry)
        except (RejectRecord, TryAgain, OSError) as error:
            print(f"left out: {entry['name']} {entry['version']}: {error}")


def _package(entry: Mapping[str, Any]) -> Package:
    files = dict(_go_files(entry) if entry["kind"] == "go" else _registry_files(entry))
    if not files:
        raise OSError("the Go tools are not installed or cannot download it")
    name = entry["name"].replace("/", "-").lstrip("@")
    archive = cache() / f"{name}-{entry['version']}.tar"
    with tarfile.open(archive, "w") as tar:
        for path, content in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    labels = {path: label for path, content in files.items() if (label := _label(entry, path, content)) is not None}
    kind = "nested" if "restricted" in entry else "none"
    return Package(name, "test", kind, archive, labels, entry.get("allowed"))


def _label(entry: Mapping[str, Any], path: str, content: bytes) -> str | None:
    if "restricted" not in entry:
        return ""
    head = b"\n".join(content.split(b"\n")[:_HEAD_LINES]).decode("utf-8", "replace")
    if set(path.split("/")[:-1]) & set(entry.get("folders", ())) or any(w in head for w in entry.get("words", ())):
        return str(entry["restricted"])
    wanted = entry.get("allowed_words")
    return str(entry["allowed"]) if wanted is None or any(w in head for w in wanted) else None


def _registry_files(entry: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    source = Source(entry["kind"], entry["name"], version=entry["version"])
    with open_source(source, Limits(), cache() / "sources") as reading:
        for file in reading.entries():
            if file.content is not None:
                yield file.path, file.content


def _go_files(entry: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    archive = go_module(entry["name"], entry["version"], "Zip")
    if archive is not None:
        with zipfile.ZipFile(archive) as zipped:
            for info in zipped.infolist():
                path = info.filename.partition("@")[2].partition("/")[2]
                if path and not info.is_dir() and info.file_size < 1 << 20:
                    yield path, zipped.read(info)
