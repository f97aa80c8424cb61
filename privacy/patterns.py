"""Patterns: linear-time regular expressions over bytes.

In: a pattern in RE2 syntax. Out: a compiled pattern whose time grows with the text and never with its shape: google-re2
has no backtracking. Bytes are read one by one as Latin-1, as the Hyperscan gate reads them; a byte above 0x7f is just
a part of a letter.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import re2


class Found(Protocol):
    """A match: spans in bytes, group 0 is the whole."""

    def start(self, group: int = 0) -> int: ...
    def end(self, group: int = 0) -> int: ...
    def group(self, group: int = 0) -> Any: ...


class Pattern(Protocol):
    """A compiled pattern over bytes; `groups` is how many it has."""

    @property
    def groups(self) -> int: ...

    def finditer(self, text: bytes, pos: int | None = None, endpos: int | None = None) -> Iterator[Found]: ...
    def search(self, text: bytes, pos: int | None = None, endpos: int | None = None) -> Found | None: ...
    def fullmatch(self, text: bytes, pos: int | None = None, endpos: int | None = None) -> Found | None: ...


def as_pattern(text: str) -> str:
    r"""The source of a pattern for the bytes of a text of letters.

    >>> as_pattern("hasło")
    'has\\xc5\\x82o'
    """
    return "".join(chr(byte) if byte < 0x80 else f"\\x{byte:02x}" for byte in text.encode())


def compile_pattern(source: str) -> Pattern:
    """A pattern over bytes; `source` is ASCII. Raises re2.error on a bad pattern."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False  # RE2 would write the pattern to the process's error stream
    pattern: Pattern = re2.compile(source.encode("ascii"), options)
    return pattern
