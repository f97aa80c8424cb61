"""Imports: which files of its own repository a source file asks for, read from its text.

In: the path, language and text of a file, and the paths of all files of its repository. Out: numbers of files. Nothing
is run and no parser is needed: statements are found by one pattern for each language, in the first LOOKED_AT
characters, and what they name is looked for among the paths. What is not found is somebody else's, and is left out.
Costs about a millisecond for a file of 50 kB. A wrong answer changes only the order in which files stand.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from gleanery.shards.paths import GO_PACKAGE, JVM, JVM_PACKAGE, MOST_CANDIDATES, Request

# Bounds on what a hostile file can cost.
LOOKED_AT = 65_536
MOST_IMPORTS = 1_000
MOST_FOLDERS = 32
_SCRIPTS = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".vue", ".svelte", ".json")
_SCRIPT_ENDINGS = ("", *_SCRIPTS, "/index.ts", "/index.tsx", "/index.js", "/index.jsx")


def requests_of(path: str, language: str | None, text: str) -> list[Request]:
    """What a file asks for, in the order of its statements.

    Empty for a language that is not read, and for a file in more than MOST_FOLDERS folders.
    """
    known = LANGUAGES.get(language or "")
    if known is None or path.count("/") > MOST_FOLDERS:
        return []
    pattern, read = known
    found: dict[Request, None] = {}
    for match in pattern.finditer(text[:LOOKED_AT]):
        for request in read(path, match):
            found[request] = None
        if len(found) >= MOST_IMPORTS:
            break
    return list(found)[:MOST_IMPORTS]


def _shorter(name: str, least: int = 1) -> tuple[str, ...]:
    """A path and what is left of it without its last parts, since those may name something inside a file."""
    parts = name.split("/")
    return tuple("/".join(parts[:n]) for n in range(len(parts), max(least, len(parts) - 3) - 1, -1))


def _python(path: str, match: re.Match[str]) -> Iterator[Request]:
    plain, module, names = match.group(1), match.group(2), match.group(3)
    endings = (".py", "/__init__.py", ".pyi", ".pyx")
    if plain is not None:
        for name in plain.split(",")[:MOST_CANDIDATES]:
            yield Request(_shorter(name.split(" as ")[0].strip().replace(".", "/")), endings)
        return
    dots = len(module) - len(module.lstrip("."))
    folder = None
    if dots:
        folder = posixpath.dirname(path)
        for _ in range(min(dots, MOST_CANDIDATES) - 1):
            folder = posixpath.dirname(folder)
    base = module.lstrip(".").replace(".", "/")
    for part in re.sub("#[^\n]*", "", names).strip("()").split(",")[:MOST_CANDIDATES]:
        name = part.split(" as ")[0].strip()
        if name.isidentifier():
            tried = (f"{base}/{name}", base) if base else (name, "__init__")
            yield Request(tried, endings, folder)
    if "*" in names and base:
        yield Request((base,), endings, folder)


def _script(path: str, match: re.Match[str]) -> Iterator[Request]:
    name = match.group(1)
    bare = re.sub(r"\.[cm]?js$", "", name)  # TypeScript names the file that will be made
    yield Request((name, bare) if bare != name else (name,), _SCRIPT_ENDINGS, posixpath.dirname(path))


def _include(path: str, match: re.Match[str]) -> Iterator[Request]:
    name = match.group(2)
    own = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    yield Request((own,), ("",), "") if name.startswith("..") else Request((name,), ("",), None, match.group(1) == '"')


def _go(_: str, match: re.Match[str]) -> Iterator[Request]:
    yield Request((match.group(1),), (GO_PACKAGE,))


def module_of(text: str) -> str | None:
    """The name of the module that a `go.mod` declares."""
    found = _MODULE.search(text[:LOOKED_AT])
    return found and found.group(1)


def _rust(path: str, match: re.Match[str]) -> Iterator[Request]:
    module, used = match.group(1), match.group(2)
    endings, folder, stem = (".rs", "/mod.rs"), posixpath.dirname(path), posixpath.basename(path)[:-3]
    if module is not None:
        inside = folder if stem in ("lib", "main", "mod") else posixpath.join(folder, stem)
        yield Request((module,), endings, inside)
        return
    root = f"{path[: path.rindex('/src/')]}/src" if "/src/" in path else "src" if path.startswith("src/") else folder
    for name in islice(_grouped(used), MOST_CANDIDATES):
        yield Request(_shorter(name.replace("::", "/")), endings, root)


def _grouped(used: str) -> Iterator[str]:
    """The names in a tree of Rust's `use`, without the braces.

    >>> list(_grouped("{a::b, c::{self, d as e}}"))
    ['a::b', 'c::self', 'c::d']
    """
    before, name = [""], ""
    for token in re.findall(r"[{},]|[^{},]+", re.sub("//[^\n]*", "", used)):
        if token == "{":
            before.append(before[-1] + name)
            name = ""
        elif token in ",}":
            if name:
                yield before[-1] + name
            name = ""
            if token == "}" and len(before) > 1:
                before.pop()
        else:
            name = token.split(" as ")[0].strip()
    if name:
        yield before[-1] + name


def _dotted(*endings: str) -> Callable[[str, re.Match[str]], Iterator[Request]]:
    """Names with dots, colons or backslashes between their parts, the last of which may lie inside a file."""

    def read(_: str, match: re.Match[str]) -> Iterator[Request]:
        name = re.sub(r"::|[.\\]", "/", match.group(1)).strip("/")
        yield Request(_shorter(name, 2 if "/" in name else 1), endings)

    return read


def _java(_: str, match: re.Match[str]) -> Iterator[Request]:
    name = match.group(1).replace(".", "/").strip("/")
    if name.endswith(("/*", "/_")):  # all of a package, or what stands in one class
        yield Request((name[:-2],), (*JVM, JVM_PACKAGE))
    else:
        yield Request(_shorter(name, 2 if "/" in name else 1), JVM)


def _php(path: str, match: re.Match[str]) -> Iterator[Request]:
    if match.group(2) is not None:
        yield Request((match.group(2).lstrip("/"),), ("",), posixpath.dirname(path))
        return
    parts = match.group(1).strip("\\").split("\\")  # the first parts often stand for a folder of another name
    yield Request(tuple("/".join(parts[n:]) for n in range(max(1, min(3, len(parts) - 1)))), (".php",))


def _ruby(path: str, match: re.Match[str]) -> Iterator[Request]:
    yield Request((match.group(2),), (".rb", ""), posixpath.dirname(path) if match.group(1) else None)


def _relative(*endings: str) -> Callable[[str, re.Match[str]], Iterator[Request]]:
    """Paths from the file's own folder."""

    def read(path: str, match: re.Match[str]) -> Iterator[Request]:
        yield Request((match.group(1),), endings, posixpath.dirname(path))

    return read


def _dart(path: str, match: re.Match[str]) -> Iterator[Request]:
    package, name = match.group(1), match.group(2)
    yield Request((f"lib/{name}",), ("",)) if package else Request((name,), ("",), posixpath.dirname(path))


def _sheet(path: str, match: re.Match[str]) -> Iterator[Request]:
    folder, name = posixpath.split(match.group(1))
    names = (match.group(1), posixpath.join(folder, f"_{name}"))
    yield Request(names, ("", ".scss", ".sass", ".less", ".css"), posixpath.dirname(path))


Reader = tuple[re.Pattern[str], Callable[[str, re.Match[str]], Iterator[Request]]]


def _reader(pattern: str, read: Callable[[str, re.Match[str]], Iterator[Request]]) -> Reader:
    return re.compile(pattern, re.MULTILINE | re.ASCII), read


_PYTHON = _reader(
    r"^[ \t]*(?:import[ \t]+([\w., \t]{1,300})"
    r"|from[ \t]+([.\w]{1,300})[ \t]+c?import[ \t]+(\([^)]{0,4000}\)|[^\n;]{1,300}))",
    _python,
)
_SCRIPT = _reader(
    r"""\b(?:from|import|require)[ \t]{0,9}\(?[ \t]{0,9}['"](\.{1,2}/[^'"\n]{1,300})['"]""",
    _script,
)
_INCLUDE = _reader(r"""^[ \t]*#[ \t]*(?:include|import)[ \t]*(["<])([^">\n]{1,300})[">]""", _include)
_JAVA = _reader(r"^[ \t]*import[ \t]+(?:static[ \t]+)?(\w[\w.]{0,300}\*?)", _java)
_MODULE = re.compile(r"""^[ \t]*module[ \t]+["`]?([^\s"`]{1,300})""", re.MULTILINE)
_SHEET = _reader(r"""@(?:import|use|forward)[ \t]+(?:url\()?['"]([^'"\n:]{1,300})['"]""", _sheet)
LANGUAGES: Mapping[str, Reader] = {
    "Python": _PYTHON,
    "Cython": _PYTHON,
    "JavaScript": _SCRIPT,
    "TypeScript": _SCRIPT,
    "TSX": _SCRIPT,
    "Vue": _SCRIPT,
    "Svelte": _SCRIPT,
    "C": _INCLUDE,
    "C++": _INCLUDE,
    "Objective-C": _INCLUDE,
    "Objective-C++": _INCLUDE,
    "Cuda": _INCLUDE,
    "Java": _JAVA,
    "Kotlin": _JAVA,
    "Scala": _JAVA,
    "Groovy": _JAVA,
    "Go": _reader(
        r"""^[ \t]*(?:import[ \t]+)?(?:[\w.]+[ \t]+)?"([\w.~-]{1,99}(?:/[^"\s]{1,300})?)"[ \t]*(?://[^\n]*)?$""", _go
    ),
    "Rust": _reader(
        r"^[ \t]*(?:pub(?:\([^)\n]{0,99}\))?[ \t]+)?(?:mod[ \t]+(\w+)[ \t]*;|use[ \t]+crate::([^;]{1,4000}))", _rust
    ),
    "Ruby": _reader(r"""^[ \t]*require(_relative)?[ \t(]+['"]([^'"\n]{1,300})['"]""", _ruby),
    "PHP": _reader(
        r"""^[ \t]*(?:use[ \t]+(?:function[ \t]+|const[ \t]+)?(\w[\w\\]{0,300})"""
        r"""|(?:require|include)(?:_once)?[^'"\n]{0,99}['"]([^'"\n]{1,300}\.php)['"])""",
        _php,
    ),
    "Dart": _reader(r"""^[ \t]*(?:import|export|part)[ \t]+['"](package:\w+/)?([^'"\n:]{1,300})['"]""", _dart),
    "Lua": _reader(r"""\brequire[ \t(]*['"]([\w./-]{1,300})['"]""", _dotted(".lua", "/init.lua")),
    "Haskell": _reader(
        r"^import[ \t]+(?:safe[ \t]+)?(?:qualified[ \t]+)?([A-Z][\w.]{0,300})", _dotted(".hs", ".lhs", ".hsc")
    ),
    "Julia": _reader(r"""\binclude\([ \t]*"([^"\n]{1,300})"[ \t]*\)""", _relative("")),
    "Perl": _reader(r"^[ \t]*(?:use|require)[ \t]+([A-Z]\w*(?:::\w+)+)", _dotted(".pm")),
    "Protocol Buffer": _reader(
        r"""^[ \t]*import[ \t]+(?:public[ \t]+|weak[ \t]+)?"([^"\n]{1,300}\.proto)\"""",
        lambda _, match: iter([Request((match.group(1),), ("",))]),
    ),
    "CSS": _SHEET,
    "SCSS": _SHEET,
    "Less": _SHEET,
}
