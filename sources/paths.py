"""Paths: which names out of a repository or an archive are safe, and how the others are written down.

In: the raw bytes of a path. Out: the path under which it is reported, and whether it is safe. No two raw paths of one
source are ever reported under one name, whatever they are: unsafe ones are escaped in a way that can be undone and
bear an ending that no safe path may have. Costs 2 microseconds for a path of 40 bytes.
"""

import hashlib
import unicodedata

MAX_PATH_BYTES = 4096
# Folders and the file. The deepest paths of people's work have some forty; in git a chain of 2,000 folders costs
# nothing and may stand in any number of places, while all that goes up from a file to the root pays for each of them.
MAX_PARTS = 128
_UNSAFE, _DUPLICATE = "%unsafe", "%duplicate-"
_SHOWN = 200  # bytes of a path that is too long or deep that are shown before its digest


def is_safe(raw: bytes) -> bool:
    r"""Whether a path is relative, stays inside, is printable UTF-8, and names nothing that git keeps for itself.

    >>> [is_safe(p) for p in (b"src/a.py", b"../a", b"/a", b"a/.GIT/config", b"a//b", b"..\\a", b"a\x00", b"\xff")]
    [True, False, False, False, False, False, False, False]
    """
    if not raw or _is_long(raw):
        return False
    try:
        path = raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    ending = path.rpartition("%")
    if ending[1] and ("%" + ending[2]).startswith((_UNSAFE, _DUPLICATE)):
        return False  # the endings of this module are never taken from the input
    names = path.replace("\\", "/").split("/")  # a backslash is a separator to some who may unpack the release
    return not any(_bad_name(name) for name in names) and not _has_control(path)


def reported(raw: bytes, occurrence: int = 1) -> tuple[str, bool]:
    r"""The path to report, and whether it is safe. Of several with one path only the first that is asked is.

    >>> reported(b"src/a.py")
    ('src/a.py', True)
    >>> reported(b"../../etc/passwd")
    ('%2E%2E/%2E%2E/etc/passwd%unsafe', False)
    >>> reported(b"a\x00b/.git")
    ('a%00b/%2Egit%unsafe', False)
    >>> reported(b"src/a.py", occurrence=2)
    ('src/a.py%duplicate-2', False)
    """
    safe = is_safe(raw)
    path = raw.decode("utf-8") if safe else _printable(raw) + _UNSAFE
    if occurrence == 1:
        return path, safe
    return f"{path}{_DUPLICATE}{occurrence}", False


def first_name(path: str) -> str:
    """The path that a reported one would have if its raw path had occurred once.

    >>> first_name("LICENSE%duplicate-2"), first_name("LICENSE")
    ('LICENSE', 'LICENSE')
    """
    return path.rpartition(_DUPLICATE)[0] or path


def led_to(link: str, target: bytes) -> str | None:
    """The path that a symbolic link leads to, or None if it leads out of its source or is no safe path.

    >>> led_to("crates/home/LICENSE", b"../../LICENSE"), led_to("a/b", b"./c")
    ('LICENSE', 'a/c')
    >>> led_to("a/b", b"../../etc/passwd"), led_to("b", b"/etc/passwd")
    (None, None)
    """
    names = link.encode().split(b"/")[:-1]
    for name in target.split(b"/"):
        if name == b"..":
            if not names:
                return None
            names.pop()
        elif name != b".":
            names.append(name)
    path = b"/".join(names)
    return path.decode() if is_safe(path) else None


def _is_long(raw: bytes) -> bool:
    """Whether a path has too many bytes or parts, with backslashes as separators too."""
    return len(raw) > MAX_PATH_BYTES or raw.count(b"/") + raw.count(b"\\") >= MAX_PARTS


def _bad_name(name: str) -> bool:
    return name in ("", ".", "..") or name.lower() == ".git"


def _has_control(text: str) -> bool:
    if text.isascii() and text.isprintable():
        return False
    return any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text)


def _printable(raw: bytes) -> str:
    """The path with every byte that made it unsafe as %XX; one too long or deep is cut and ends in its digest."""
    if _is_long(raw):
        digest = hashlib.blake2b(raw, digest_size=16).hexdigest()
        return f"{_escaped(raw[:_SHOWN])}%long-{digest}"
    return "/".join(_escaped_name(name) for name in raw.split(b"/"))


def _escaped_name(name: bytes) -> str:
    if not name:
        return "%empty"
    if name in (b".", b"..") or name.lower() == b".git":
        return _escaped(name).replace(".", "%2E")
    return _escaped(name)


def _escaped(raw: bytes) -> str:
    keep = b"%\\"
    return "".join(chr(b) if 0x20 <= b < 0x7F and b not in keep else f"%{b:02X}" for b in raw)
