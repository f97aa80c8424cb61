"""Home paths: the name of the user in `/home/NAME`, `/Users/NAME`, `C:\\Users\\NAME`, also behind mounts and options.

In: a source. Out: hits on the name. Left: shared accounts (`ubuntu`, `runner`), variables, and routes of web pages, by
the code around them (`@GetMapping("/home/brand")`). One pass for each of three patterns.
"""

import re
from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.source import Source
from gleanery.privacy.url_credentials import is_user_name

NAME, ENTITIES = "home_path", ("USERNAME",)
GATES = {
    NAME: Condition(
        r"/home\\?/[a-z\x80-\xff]|[/\\]users[/\\]|documents and settings",
        (b"/home/", b"/home\\/", b"users", b"documents and settings"),
        True,
    )
}

# Where a path begins: not within another one, behind an option such as `-I` and `-isystem`, behind a host.
_BEGIN = (
    r"(?:^|[^\w.})\]*%-]|(?:^|[^\w-])-{1,2}[A-Za-z][a-z]{0,12}|file:/{0,2}"
    r"|(?:s?ftp|ssh|rsync|smb|nfs)://[^\s/\"'`<>]{1,100})"
)
# Where homes are mounted, and disks of Windows as Unix names them.
_MOUNT = (
    r"(?:/(?:export|usr|var|data|private|nfs|gpfs|lustre|scratch|System/Volumes/Data"
    r"|(?:mnt|media|net|cygdrive|Volumes)(?:/[\w.\-]{1,30})?))?"
)
_LETTER = r"[\w\x80-\xff]"
_ACCOUNT = r"[A-Za-z\x80-\xff][\w.\-\x80-\xff]{1,63}"
_UNIX = compile_pattern(rf"{_BEGIN}(?:{_MOUNT}/(?:home|Users)|/[A-Za-z]/Users)\\?/({_ACCOUNT})")
# What lies in a home alone, wherever the homes lie: a hidden file of settings.
_HIDDEN = compile_pattern(rf"/home/({_ACCOUNT})/\.[a-z]")
_BLANK = r"(?:[ ]|%20)"
_WINDOWS = compile_pattern(
    r"(?i)(?:\b[A-Z]:(?:/|\\{1,4})Users|\bDocuments and Settings)(?:/|\\{1,4})"  # that folder is nowhere but on Windows
    rf"(?:({_ACCOUNT}(?:{_BLANK}{_LETTER}[\w.\-\x80-\xff]{{0,40}}){{1,3}})[/\\]|({_ACCOUNT}))"
)
_WHOLE = re.compile("[\\w.\u0300-\u036f -]+")  # a name without the punctuation of other scripts behind it
# Releases lie in the home of a program and bear its name: `/home/birch/BIRCH6.1`.
_RELEASE = compile_pattern(
    r"/home/([A-Za-z][\w\-]{1,63})/([A-Za-z][\w\-]{1,63}?)[-_]?v?[0-9]+(?:\.[0-9]+)*(?:[/\"'\s]|$)"
)
_TOKEN_END = re.compile(rb"[^\s\"'`<>]*$")
# The host of a web site before a path; other addresses, such as file:///home and sftp://host/home, name files.
_SITE = re.compile(rb"(?:https?|wss?|[^A-Za-z+.\-]):(?://|\\/\\/)[^/]")
# What stands before the quote of a route: an annotation, a method of a router or a client of the web, an attribute. An
# attribute may name a file too, so there the route must end behind the name.
_BEFORE_ROUTE = re.compile(
    rb"(?i)(?:mapping\([ \t]?(?:(?:value|path)[ \t]?=[ \t]?)?\{?[ \t]?|\b(?:app|api|blueprint|bp|router|routes?|history"
    rb"|navigator|navigation|axios|http|mux|cy)(?:\.|::|->|\?\.)\w{2,20}\([^()\"'`]{0,40}"
    rb"|\b(?:goroute|fetch|navigate|redirect|redirectto)\((?:path:[ \t]?)?)[\"'`](?:/[\w\-/]{0,40})?$"
)
_BEFORE_LINK = re.compile(
    rb"(?i)(?:\b(?:href|to|action|routerlink|redirectto|formaction)[ \t]?[=:][ \t]?\{?\[?"
    rb"|\broute\b[^<>]{0,80}\bpath[ \t]?[=:][ \t]?\{?)[\"'`]$"
)


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes."""
    releases = ((found.group(1).lower(), found.group(2).lower()) for found in _RELEASE.finditer(source.raw))
    programs = {account.decode() for account, release in releases if account == release}
    for pattern in (_UNIX, _WINDOWS, _HIDDEN):
        for found in pattern.finditer(source.raw):
            group = 1 if found.group(1) is not None else 2
            start = found.start(group)
            text = source.raw[start : found.end(group)].decode("utf-8", "ignore")
            whole = _WHOLE.match(text.replace("%20", " "))
            name = whole.group().rstrip(".- ") if whole else ""
            written = name.replace(" ", "%20") if "%20" in text else name
            end = start + len(written.encode())
            if name.lower() in programs:
                continue
            if is_user_name(name.replace(" ", "")) and not _is_route(source, start, end, name):
                yield Hit(start, end, "USERNAME", "home_path", 0.8)


def _is_route(source: Source, start: int, end: int, name: str) -> bool:
    """A page or a file of a web site: it has an extension or a query, or the host of a site stands before it."""
    after = source.raw[end : end + 2]
    if after == b"</" and source.before(start, 8).endswith(b">/Users/"):
        return False  # the whole text of an element
    if "." in name and after[:1] not in (b"/", b"\\"):
        return True
    if after[:1] in (b"?", b"(", b"{", b"<", b"*") or after[:1] == b":" and not after[1:].strip():
        return True
    before = source.before(start, 100)
    token = _TOKEN_END.search(before)
    if token is not None and _SITE.search(token.group()):
        return True
    opened = before.removesuffix(b"/home/")
    if opened == before:
        return False
    return bool(_BEFORE_ROUTE.search(opened)) or bool(after[:1] in b"\"'`?#" and _BEFORE_LINK.search(opened))
