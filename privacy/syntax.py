"""Syntax: whether a text still is what its name says it is.

In: a text, its path and its language. Out: parses, does not parse, or not checked. Nothing is executed, no warning gets
out, and a text over the limit or too deeply nested is not checked. Python parses at 3 MB/s, JSON at 210 MB/s.
"""

import ast
import json
import tomllib
import warnings
from collections.abc import Callable
from typing import Any

LONGEST = 1_000_000  # characters: 5 seconds for the slowest text that we could make up, and 100 times a usual file

_LANGUAGES = {"python": "py", "json": "json", "toml": "toml"}


def parses(text: str, path: str, language: str | None) -> bool | None:
    """True or False by the parser for the file's extension (or, without one of ours, its language); None: not checked.

    >>> parses("x = 1", "a.py", None), parses("x = = 1", "a.py", None), parses("x", "a.rs", "Rust")
    (True, False, None)
    """
    extension = path.rpartition(".")[2].lower()
    reader = _READERS.get(extension) or _READERS.get(_LANGUAGES.get((language or "").lower(), ""))
    if reader is None or len(text) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader(text)
    except (RecursionError, MemoryError):
        return None
    except (SyntaxError, ValueError):  # each reader's error of its own is a kind of ValueError or SyntaxError
        return False
    return True


def _json(text: str) -> Any:
    return json.loads(text, parse_int=str, parse_float=str)  # a number of a million digits stays text


_READERS: dict[str, Callable[[str], Any]] = {
    "py": ast.parse,
    "pyi": ast.parse,
    "json": _json,
    "toml": tomllib.loads,
}
