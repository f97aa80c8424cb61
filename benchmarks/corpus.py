"""Real code for the benchmarks: the text files of the packages in `corpus.toml`, in a fixed order.

In: how many megabytes are wanted. Out: files of source code, UTF-8, as they stand in the packages' source archives.
Archives are fetched once into the cache of Gleanery; reading them again takes about a second for 40 MB.
"""

import argparse
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gleanery.pipeline.caches import user_cache
from gleanery.sources.reading import open_source
from gleanery.sources.source import Limits, Source

# What programmers write; maps, locks, data and built bundles would measure something else.
ENDINGS = frozenset(
    ("c", "cc", "cpp", "cs", "css", "cxx", "go", "h", "hh", "hpp", "html", "java", "jl", "js", "jsx", "kt", "m", "md")
    + ("mjs", "ml", "php", "pl", "py", "pyi", "pyx", "r", "rb", "rs", "rst", "scala", "sh", "sql", "swift", "toml")
    + ("ts", "tsx", "vue", "yaml", "yml")
)
REPOSITORY_BYTES = 12_000_000  # at most so much of one package, so that no style rules the figures
LINE_BYTES = 1_000  # a longer mean line is built, not written


@dataclass(frozen=True)
class CodeFile:
    """One file: `repo` is such as pypi/requests."""

    repo: str
    path: str
    content: bytes


def code_files(megabytes: float) -> Iterator[CodeFile]:
    """Files of code of `megabytes` in sum, or all there are (about 900 MB), in an order that never changes."""
    left = int(megabytes * 1_000_000)
    for package in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["packages"]:
        name, version = package.rsplit(" ", 1)
        taken = 0
        for file in _files(name, version):
            if left <= 0:
                return
            if taken < REPOSITORY_BYTES:
                taken += len(file.content)
                left -= len(file.content)
                yield file


def _files(name: str, version: str) -> Iterator[CodeFile]:
    kind, _, locator = name.partition("/")
    source = Source(kind, locator, version=version)
    with open_source(source, Limits(), user_cache() / "sources") as reading:
        for entry in reading.entries():
            if entry.content is not None and _is_code(entry.path, entry.content):
                yield CodeFile(name, entry.path, entry.content)


def _is_code(path: str, content: bytes) -> bool:
    if path.rpartition(".")[2].lower() not in ENDINGS or ".min." in path or len(content) < 64:
        return False
    if len(content) > LINE_BYTES * (content.count(b"\n") + 1):
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", type=float, nargs="?", default=400.0)
    count = size = 0
    for code in code_files(parser.parse_args().megabytes):
        count, size = count + 1, size + len(code.content)
    print(f"{count:,} files, {size / 1e6:,.1f} MB")
