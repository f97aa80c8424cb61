"""Home paths: the name of the user in `/home/NAME`, `/Users/NAME` and `C:\\Users\\NAME`.

In: a source. Out: hits on the name. Left: shared accounts (`ubuntu`, `runner`), variables, and routes of web pages.
"""

from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.source import Source
from gleanery.privacy.url_credentials import is_user_name

NAME, ENTITIES = "home_path", ("USERNAME",)
GATES = {
    NAME: Condition(
        r"/home/[a-z]|[/\\]users[/\\]|documents and settings", (b"/home/", b"users", b"documents and settings"), True
    )
}

_UNIX = compile_pattern(r"(?:[^\w.})\]>*%-]|^|file:/{0,2})/(?:home|Users)/([A-Za-z][\w.\-]{1,31})")
_WINDOWS = compile_pattern(
    r"(?i)\b[A-Z]:(?:/|\\{1,4})(?:Users|Documents and Settings)(?:/|\\{1,4})([A-Za-z][\w.\-]{1,31})"
)


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes."""
    for pattern in (_UNIX, _WINDOWS):
        for found in pattern.finditer(source.raw):
            start, end = found.start(1), found.end(1)
            name = bytes(found.group(1)).decode().rstrip(".-")
            if is_user_name(name) and not _is_route(source, start, end, name):
                yield Hit(start, start + len(name), "USERNAME", "home_path", 0.8)


def _is_route(source: Source, start: int, end: int, name: str) -> bool:
    """A page or a file of a web site: it has an extension or a query, or the host of a URL stands before it."""
    after = source.raw[end : end + 1]
    if "." in name and after != b"/" or after in (b"?", b"(", b"{", b":", b"<", b"*"):
        return True
    return b"://" in source.before(start, 100).split(b" ")[-1] and b"file://" not in source.before(start, 100)
