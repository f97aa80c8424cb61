"""Marked passwords: those behind a name that prose shows in bold or in the cell of a table.

In: a source of Markdown or plain text. Out: hits for the values only: `**Password:** x` and `| Password | x |`. A value
needs a digit and no blank, since prose speaks of passwords in words. One pass for each of the two.
"""

from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.source import Source
from gleanery.privacy.values import is_password

NAME, ENTITIES = "marked_password", ("PASSWORD",)
_NAME = r"(?:[a-z]{1,16}[ _-]){0,2}(?:password|passphrase|passwd|passwort|pwd)"
_STEMS = (b"password", b"passphrase", b"passwd", b"passwort", b"pwd")
GATES = {NAME: Condition(rf"(?:\*\*|__|`|\|)[ \t*_`]{{0,8}}{_NAME}", _STEMS, caseless=True)}
_EXTENSIONS = (".md", ".markdown", ".mdx", ".txt", ".rst", ".adoc")
_MARK = r"(?:\*\*|__|`)"
_PLACES = (
    compile_pattern(rf"(?i){_MARK}{_NAME}{_MARK}?[ \t]{{0,2}}[:=]{_MARK}?[ \t]{{1,4}}{_MARK}?([^\s`*|<>]{{4,128}})"),
    compile_pattern(
        rf"(?i)\|[ \t]*{_MARK}?{_NAME}{_MARK}?[ \t]*\|[ \t]*{_MARK}?([^\s`*|<>]{{4,128}}){_MARK}?[ \t]*(?:\||$)"
    ),
)


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes; hits may overlap."""
    if not source.path.lower().endswith(_EXTENSIONS):
        return
    for pattern in _PLACES:
        for found in pattern.finditer(source.raw):
            raw = bytes(found.group(1)).rstrip(b".,;:)")
            value, end = raw.decode("utf-8", "replace"), found.start(1) + len(raw)
            if any(c.isdigit() for c in value) and is_password(value, sure=True):
                yield Hit(found.start(1), end, "PASSWORD", "marked_password", 0.7)
