"""What the manifest of a package says about its licence, in the words of the manifest.

In: the text of a manifest and its form (`names.manifest_form`). Out: `Statement`s: the words of each licence field and
its line. Nothing is run: a Python or Ruby manifest is read as text, with patterns of linear time. What cannot be parsed
(a template, a broken file) is read line by line, as far as a licence field can be seen. 0.1 ms for a manifest of 2 KB.

The forms follow what each ecosystem documents: several licences are a choice in composer.json and in a pom.xml, and
must all be met anywhere else.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import re2

# A longer manifest is data. The longest true one of 3,000 npm and PyPI packages had 96 KB.
_LONGEST = 512 * 1024
_MOST_STATEMENTS, _LONGEST_STATEMENT = 64, 1000
_CLASSIFIER = "License ::"
# Classifiers that leave open which licence is meant, or that say nothing about one.
_EMPTY_CLASSIFIERS = frozenset(
    ("License :: OSI Approved", "License :: DFSG approved", "License :: Other/Proprietary License :: None")
)
_QUOTED = r"""["']([^"'\n]{1,400})["']"""
# A field with strings stands anywhere; one with a bare word, at the beginning of a line.
_FIELD = re2.compile(
    r"""(?im)(?:^|[\s,({\[.:$"'])(?:licen[sc]es?|package_?license_?expression)["']?"""
    r"""[ \t]*(?:=>|[:=(]|[ \t])[ \t]*(\(?(?:%w)?["'\[{(].{1,500})$"""
)
_BARE_FIELD = re2.compile(
    r"""(?im)^[ \t]{0,8}licen[sc]es?[ \t]*(?:[:=]|[ \t])[ \t]*([a-z][a-z0-9.+_ -]{0,60})\)?[;,]?[ \t]*$"""
)
_NAMED = re2.compile(r"""(?i)(?:\btype|\bname)["']?[ \t]*(?:=>|[:=])?[ \t]*""" + _QUOTED)
_STRING = re2.compile(_QUOTED)
_CLASSIFIERS = re2.compile(r"""["'](License :: [^"'\n]{1,200})["']""")
_GRADLE = re2.compile(r"""(?s)\blicenses?\s*\{.{0,300}?\bname(?:\.set)?[ \t]*[=(]?[ \t]*""" + _QUOTED)
_COMMENT = re2.compile(r"(?s)<!--.*?-->")
_LICENSES = re2.compile(r"(?is)<licen[sc]es>(.*?)</licen[sc]es>")
_LICENSE = re2.compile(
    r"(?is)<(?:packagelicenseexpression|licen[sc]e)(?:[ \t][^>]{0,200})?>(.*?)"
    r"</(?:packagelicenseexpression|licen[sc]e)>"
)
_NAME = re2.compile(r"(?is)<name>(.*?)</name>")
_URL = re2.compile(r"(?is)<url>(.*?)</url>")
_POINTER = re2.compile(r"(?i)^(?:see (?:the )?(?:file )?licen[sc]e(?:d)? in|file:?)[ \t]+[\"'`<]?([^\"'`>]{1,200})")
_FILE = re2.compile(r"(?i)^(?:copying|(?:un)?licen[sc]e)\.(?:txt|md|rst)$|^COPYING$")
# The blanks of a template, which nobody filled in.
_BLANK = re2.compile(r"(?i)\{\{|\$\{|<%|^@\w+@$|^\W*(?:todo|fixme)\b|please specify a licen[sc]e|^your[_ -]licen[sc]e")
# Words of a licence field that say nothing, so that it counts as empty.
_NOTHING = frozenset(
    ("", "-", "none", "null", "unknown", "noassertion", "todo", "tbd", "n/a", "license", "see license")
)


@dataclass(frozen=True)
class Statement:
    """A licence field: its words, its line from 1, and the file that it points to instead of naming a licence."""

    words: str
    line: int
    file: str | None = None


def statements(text: str, form: str) -> tuple[Statement, ...]:
    """What a manifest of some form states, in the order of its fields; nothing if it has no licence field.

    >>> statements('{"name": "a", "license": "(MIT OR GPL-2.0)"}', "json")
    (Statement(words='(MIT OR GPL-2.0)', line=1, file=None),)
    >>> [s.words for s in statements("setup(license='BSD',\\n classifiers=['License :: OSI Approved'])", "code")]
    ['BSD']
    """
    if len(text) > _LONGEST:
        return (Statement("the manifest is too long to be read", 1),)
    reader = _READERS[form]
    try:
        found = list(reader(text))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):  # not of its form, or made to look so
        found = list(_fields(text))
    placed = (_statement(words, text) for words in found)
    return tuple(dict.fromkeys(s for s in placed if s is not None))[:_MOST_STATEMENTS]


def _statement(words: str, text: str) -> Statement | None:
    """A statement with its line: where its words stand first."""
    words = words.strip()
    at = text.find(words[:60]) if words else -1
    line = text.count("\n", 0, at) + 1 if at >= 0 else 1
    words = " ".join(words.split())
    if words.lower().strip(".!'\"") in _NOTHING or words in _EMPTY_CLASSIFIERS:
        return None
    if _BLANK.search(words[:_LONGEST_STATEMENT]):
        return None
    pointer = _POINTER.match(words)
    target = pointer[1].strip().removeprefix("./") if pointer is not None else words if _FILE.match(words) else None
    if target is not None:
        return Statement(words[:_LONGEST_STATEMENT], line, target)
    return Statement(words[:_LONGEST_STATEMENT] if len(words) <= _LONGEST_STATEMENT else words, line)


def _strings(value: Any) -> Iterator[str]:
    """The licences in a field that may be a string, an object with a type or name, or a list of these."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        named = next((value[k] for k in ("type", "name", "text", "id", "identifier") if value.get(k)), None)
        if isinstance(named, str):
            yield named
        elif isinstance(value.get("file"), str):
            yield f"file {value['file']}"
        elif isinstance(value.get("url"), str):
            yield value["url"]
    elif isinstance(value, list):
        for part in value[:_MOST_STATEMENTS]:
            yield from _strings(part)


def _json(text: str) -> Iterator[str]:
    data = json.loads(text)
    for key in ("license", "licence", "licenses", "licences", "License"):
        yield from _strings(data.get(key))


def _json_choice(text: str) -> Iterator[str]:
    """A list of licences is a choice here."""
    data = json.loads(text)
    yield from _choice(_strings(data.get("license")))


def _perl_json(text: str) -> Iterator[str]:
    data = json.loads(text)
    yield from _strings(data.get("license"))


def _cargo(text: str) -> Iterator[str]:
    """`license.workspace = true` says nothing here: the manifest of the workspace does."""
    data = tomllib.loads(text)
    for package in (data.get("package"), data.get("project"), data.get("workspace", {}).get("package")):
        if isinstance(package, dict):
            if isinstance(package.get("license"), str):
                yield package["license"].replace("/", " OR ")
            elif isinstance(package.get("license-file"), str):
                yield f"file {package['license-file']}"


def _python(text: str) -> Iterator[str]:
    data = tomllib.loads(text)
    tool = data.get("tool", {})
    tables = [data.get("project"), tool.get("poetry"), tool.get("flit", {}).get("metadata")]
    for table in tables:
        if isinstance(table, dict):
            yield from _strings(table.get("license") or table.get("license-expression"))
            yield from _classifiers(table.get("classifiers", ()))


def _toml(text: str) -> Iterator[str]:
    data = tomllib.loads(text)
    for table in (data, data.get("package")):
        if isinstance(table, dict):
            for key in ("license", "licence", "licenses", "licences"):
                yield from _strings(table.get(key))


def _classifiers(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str) and value.strip().startswith(_CLASSIFIER):
            yield value.strip()


def _fields_of(text: str, *names: str) -> Iterator[str]:
    """The values of some fields, in the form of e-mail headers or of an ini file, with lines that go on."""
    value: str | None = None
    for line in [*text.split("\n"), "end:"]:
        goes_on = line[:1] in (" ", "\t")
        if value is not None and goes_on:
            value += "\n" + line.strip()
            continue
        if value is not None:
            yield value
            value = None
        if goes_on:
            continue
        head, sign, rest = line.partition(":")
        if not sign or "=" in head:
            head, sign, rest = line.partition("=")
        if sign and head.strip().lower() in names:
            value = rest.strip()


def _setup_cfg(text: str) -> Iterator[str]:
    for value in _fields_of(text, "license", "licence"):
        yield value
    for value in _fields_of(text, "license_file", "license-file"):
        yield f"file {value}"
    for value in _fields_of(text, "classifiers", "classifier"):
        yield from _classifiers(value.split("\n"))


def _message(text: str) -> Iterator[str]:
    """PKG-INFO and METADATA: the fields before the first empty line."""
    head = text.replace("\r\n", "\n").partition("\n\n")[0]
    yield from _fields_of(head, "license-expression")
    yield from _fields_of(head, "license")
    yield from _classifiers(_fields_of(head, "classifier"))


def _r(text: str) -> Iterator[str]:
    """DESCRIPTION of an R package: `MIT + file LICENSE`, `GPL-2 | GPL-3`, `GPL (>= 2)`."""
    if not any(True for _ in _fields_of(text, "package")):
        return
    for value in _fields_of(text, "license"):
        choices = []
        for choice in value.split("|"):
            parts = [p.strip() for p in choice.split("+")]
            named = [p for p in parts if not p.lower().startswith("file ")] or parts
            choices += [_r_version(p) for p in named]
        yield " OR ".join(choices)


def _r_version(words: str) -> str:
    """`GPL (>= 2)` as `GPL-2+`; an exact version as `GPL-2`."""
    name, sign, version = words.partition("(")
    digits = version.strip("<>= )")
    if not sign or not digits:
        return words
    return f"{name.strip()}-{digits}" + ("+" if ">" in version else "")


def _xml(text: str) -> Iterator[str]:
    text = _COMMENT.sub("", text)
    block = _LICENSES.search(text)
    found = []
    for licence in _LICENSE.finditer(block[1] if block else text):
        words = licence[1]
        if 'type="file"' in licence[0][: licence[0].find(">")]:
            yield f"file {words.strip()}"
            continue
        part = _NAME.search(words) or _URL.search(words)
        if "<" not in words or part is not None:
            found.append((part[1] if part is not None else words).strip())
    yield from _choice(found) if block else found


def _choice(values: Iterable[str]) -> Iterator[str]:
    found = list(dict.fromkeys(values))
    if found:
        yield " OR ".join(f"({v})" if len(found) > 1 and " " in v.strip() and _is_expression(v) else v for v in found)


def _is_expression(words: str) -> bool:
    return any(sign in words.split() for sign in ("AND", "OR", "WITH", "and", "or"))


def _yaml(text: str) -> Iterator[str]:
    """`license: MIT`, also with a list below it, and indented, as in a conda recipe."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        field = _YAML_FIELD.match(line)
        if field is None:
            continue
        words = field[1].split(" #")[0].strip().strip("\"'")
        if words and words not in ("|", ">"):
            yield (
                " AND ".join(w.strip(" \"'") for w in words.strip("[]").split(",")) if words.startswith("[") else words
            )
            continue
        for below in lines[number + 1 : number + 1 + _MOST_STATEMENTS]:
            item = _YAML_ITEM.match(below)
            if item is None:
                break
            yield item[1].split(" #")[0].strip().strip("\"'")


def _perl(text: str) -> Iterator[str]:
    """META.yml: the field at the top; the one under `resources` is an address."""
    yield from _yaml("\n".join(line for line in text.split("\n") if line[:1] not in " \t" or line.lstrip()[:1] == "-"))


_YAML_FIELD = re2.compile(r"(?i)^[ \t]{0,8}(?:licen[sc]es?)[ \t]*:[ \t]*(.{0,500})$")
_YAML_ITEM = re2.compile(r"^[ \t]{0,10}-[ \t]*(.{1,200})$")


def _fields(text: str) -> Iterator[str]:
    """Licence fields of code, found by their names: `license = "MIT"`, `s.licenses = ["MIT"]`, `(license MIT)`."""
    lines = [line for line in text.split("\n") if not line.lstrip().startswith(("#", "//", ";;", "--", "%"))]
    text = "\n".join(line.removeprefix("(").lstrip() if line.lstrip().startswith("(lic") else line for line in lines)
    for field in _FIELD.finditer(text):
        yield from _field_words(field[1])
    for field in _BARE_FIELD.finditer(text):
        yield field[1]
    for classifier in _CLASSIFIERS.finditer(text):
        yield classifier[1]
    for name in _GRADLE.finditer(text):
        yield name[1]


def _field_words(value: str) -> Iterator[str]:
    """The strings of a value; a bare word as it stands."""
    named = _NAMED.search(value)
    if named is not None:
        yield named[1]
        return
    end = value.find("]") if value.lstrip().startswith(("[", "%w")) else -1
    quoted = [m[1] for m in _STRING.finditer(value[: end + 1] if end > 0 else value.split("#")[0])]
    yield from quoted if value.lstrip()[:1] in "[(" and end != 0 else quoted[:1]


_READERS = {
    "json": _json,
    "json-choice": _json_choice,
    "perl-json": _perl_json,
    "cargo": _cargo,
    "python": _python,
    "toml": _toml,
    "fields": _setup_cfg,
    "message": _message,
    "r": _r,
    "xml": _xml,
    "perl": _perl,
    "yaml": _yaml,
    "code": _fields,
}
