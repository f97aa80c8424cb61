"""Syntax: stretches of a file that are whole nodes of its syntax tree, and so make a good middle.

In: a language and the bytes of a text. Out: byte spans, as spans.py stores them. Parsed at 9 MB and walked at 30 MB a
second (Python files, one core). tree-sitter is imported here and nowhere else.

Files are hostile: 100 kB of brackets take a grammar gigabytes. A text over MOST_BYTES is not parsed, and a parse ends
without spans after a number of steps (never after a time: the same file gives the same spans on a slow machine). A file
with errors gives the spans of what could be understood.
"""

import importlib
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from tree_sitter import Language, Parser, Point, Tree

from gleanery.records.ids import keyed_hash

# Language, as quality/ names it, to its grammar: a module and the function in it.
GRAMMARS = {
    "C": ("tree_sitter_c", "language"),
    "C++": ("tree_sitter_cpp", "language"),
    "Go": ("tree_sitter_go", "language"),
    "Java": ("tree_sitter_java", "language"),
    "JavaScript": ("tree_sitter_javascript", "language"),
    "Python": ("tree_sitter_python", "language"),
    "Rust": ("tree_sitter_rust", "language"),
    "TSX": ("tree_sitter_typescript", "language_tsx"),
    "TypeScript": ("tree_sitter_typescript", "language_typescript"),
}
MOST_BYTES = 128 << 10
# Nodes under this size are words and operators, which cuts between characters reach anyway.
LEAST_SPAN, MOST_SPAN = 32, 8192
# tree-sitter reports its progress after a fixed number of steps: 2 to 6 times for a kilobyte of real code (median),
# 16 at most among 1,250 files in five languages.
REPORTS_PER_KILOBYTE, REPORTS_FREE = 32, 64
# It reads a file about once; a scanner that looks ahead for an end which never comes reads it again for each word.
READ_BYTES = 4096
READS_FREE, READS_PER_PLACE = 64, 32
# At 8 bytes for each, spans take under 2 % of the text's size.
BYTES_PER_SPAN = 512


def grammar_versions() -> dict[str, str]:
    """The packages on whose versions spans depend: the parser and all grammars."""
    modules = {"tree_sitter", *(module for module, _ in GRAMMARS.values())}
    return {name: version(name) for name in sorted(module.replace("_", "-") for module in modules)}


def spans_of(language: str | None, text: bytes, name: str) -> NDArray[np.uint32]:
    """uint32[n, 2]: begin and end in bytes of whole nodes, ascending; empty for a language without a grammar.

    At most one for each BYTES_PER_SPAN bytes and one more, chosen by a keyed hash of `name`, which is the file's id.
    """
    if language not in GRAMMARS or len(text) > MOST_BYTES:
        return np.empty((0, 2), np.uint32)
    tree = _parsed(_parser(language), text)
    found = sorted(set(_nodes(tree))) if tree is not None else []
    most = len(text) // BYTES_PER_SPAN + 1
    if len(found) > most:
        found = sorted(sorted(found, key=lambda span: keyed_hash("span", name, f"{span[0]}-{span[1]}"))[:most])
    return np.array(found, np.uint32).reshape(-1, 2)


@lru_cache
def _parser(language: str) -> Parser:
    module, function = GRAMMARS[language]
    return Parser(Language(getattr(importlib.import_module(module), function)()))


def _parsed(parser: Parser, text: bytes) -> Tree | None:
    """The tree, or None if the text takes too many steps, or is read too often from the same place."""
    effort = _Effort(text)
    try:
        tree = parser.parse(effort.read, progress_callback=effort.too_many)
    except ValueError:  # how tree-sitter says that it was ended
        parser.reset()
        return None
    return None if effort.reads > effort.most_reads else tree


class _Effort:
    """What one parse may take: reports of progress, and readings of READ_BYTES."""

    def __init__(self, text: bytes) -> None:
        self.text, self.reports, self.reads = text, 0, 0
        self.most_reports = REPORTS_FREE + REPORTS_PER_KILOBYTE * len(text) // 1000
        self.most_reads = READS_FREE + READS_PER_PLACE * len(text) // READ_BYTES

    def read(self, at: int, point: Point) -> bytes:
        self.reads += 1
        return self.text[at : at + READ_BYTES] if self.reads <= self.most_reads else b""

    def too_many(self, offset: int, has_error: bool) -> bool:
        self.reports += 1
        return self.reports > self.most_reports


def _nodes(tree: Tree) -> Iterator[tuple[int, int]]:
    """The named nodes of the sizes wanted, without the root. Nodes without any room for one are not entered."""
    cursor = tree.walk()
    going = cursor.goto_first_child()
    while going:
        node = cursor.node
        assert node is not None
        begin, end = node.byte_range
        if end - begin >= LEAST_SPAN:
            if node.is_named and not node.is_error and end - begin <= MOST_SPAN:
                yield begin, end
            if cursor.goto_first_child():
                continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
