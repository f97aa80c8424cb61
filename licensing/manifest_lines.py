"""Licence fields of manifests that are read line by line: headers, lists, and code, of which nothing is run.

In: the text of a manifest. Out: the words of its licence fields, as far as they can be seen; patterns of linear time.
"""

from collections.abc import Iterator

import re2

from gleanery.licensing.manifest_data import MOST_VALUES, classifiers

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
# A setting of sbt ends where the next one begins, or at an empty line.
_SBT = re2.compile(r"(?s)\blicenses\s*(?:in\s+\w+\s*)?(?:\+\+=|\+=|:=)\s*(.{1,800}?)(?:\n\s*\n|:=|\+=|$)")
_SBT_NAME = re2.compile(
    r"""["]([^"\n]{1,200})["]\s*(?:->|,\s*(?:sbt\.)?(?:url|uri|new|URI|URL)\b)|\bLicense\.([A-Z]\w{1,40})"""
)
_SBT_CONSTANTS = {
    "apache2": "Apache-2.0",
    "gpl3_only": "GPL-3.0-only",
    "gpl3_or_later": "GPL-3.0-or-later",
    "cc0": "CC0-1.0",
    "publicdomain": "Public Domain",
}
# `Apache License (>= 2.0)`: a name, the lowest version, and a version below which it must stay.
_R_SPECIFICATION = re2.compile(r"([^()]{1,80})\(\s*(>=|==)\s*([0-9][0-9.]{0,10})\s*(,\s*<=?\s*[0-9.]{1,11}\s*)?\)\s*")
_R_GNU = re2.compile(r"(?i)(?:gnu\b|[al]?gpl\b)")
_R_NAMES = {"freebsd": "BSD-2-Clause-Views"}
_YAML_FIELD = re2.compile(r"(?i)^[ \t]{0,8}(?:licen[sc]es?)[ \t]*:[ \t]*(.{0,500})$")
_YAML_ITEM = re2.compile(r"^[ \t]{0,10}-[ \t]*(.{1,200})$")


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


def setup_cfg(text: str) -> Iterator[str]:
    """setup.cfg: the fields, the files that it names, the classifiers."""
    for value in _fields_of(text, "license", "licence"):
        yield value
    for value in _fields_of(text, "license_file", "license-file"):
        yield f"file {value}"
    for value in _fields_of(text, "classifiers", "classifier"):
        yield from classifiers(value.split("\n"))


def message_fields(text: str) -> Iterator[str]:
    """PKG-INFO and METADATA: the fields before the first empty line."""
    head = text.replace("\r\n", "\n").partition("\n\n")[0]
    yield from _fields_of(head, "license-expression")
    yield from _fields_of(head, "license")
    yield from classifiers(_fields_of(head, "classifier"))


def r_fields(text: str) -> Iterator[str]:
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
    """The licence of a specification of R, by the name that it has elsewhere; the lowest version that it accepts.

    Of the GNU licences "or later" is part of the name; of any other, who may take a later version may take this one.

    >>> [_r_version(w) for w in ("GPL (>= 2)", "GPL (>= 2, < 3)", "Apache License (>= 2)", "MIT", "FreeBSD")]
    ['GPL-2+', 'GPL-2', 'Apache License 2.0', 'MIT', 'BSD-2-Clause-Views']
    """
    spec = _R_SPECIFICATION.fullmatch(words)
    if spec is None:
        return _R_NAMES.get(words.strip().lower(), words)
    name, sign, version, upper = spec[1].strip(), spec[2], spec[3], spec[4]
    if _R_GNU.match(name):
        return f"{name}-{version}" + ("+" if sign == ">=" and not upper else "")
    return f"{name} {version}" + ("" if "." in version else ".0")


def yaml_fields(text: str) -> Iterator[str]:
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
        for below in lines[number + 1 : number + 1 + MOST_VALUES]:
            item = _YAML_ITEM.match(below)
            if item is None:
                break
            yield item[1].split(" #")[0].strip().strip("\"'")


def perl_fields(text: str) -> Iterator[str]:
    """META.yml: the field at the top; the one under `resources` is an address."""
    yield from yaml_fields(
        "\n".join(line for line in text.split("\n") if line[:1] not in " \t" or line.lstrip()[:1] == "-")
    )


def code_fields(text: str) -> Iterator[str]:
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


def sbt_fields(text: str) -> Iterator[str]:
    """build.sbt: `licenses += ("MIT", url(...))`, `licenses := Seq("MIT" -> url(...), License.Apache2)`."""
    text = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("//"))
    settings = [setting[1] for setting in _SBT.finditer(text)]
    for setting in settings:
        for name in _SBT_NAME.finditer(setting):
            yield name[1] or _SBT_CONSTANTS.get(name[2].lower(), name[2].replace("_", "-"))
    if not settings:
        yield from code_fields(text)


def _field_words(value: str) -> Iterator[str]:
    """The strings of a value; a bare word as it stands."""
    named = _NAMED.search(value)
    if named is not None:
        yield named[1]
        return
    end = value.find("]") if value.lstrip().startswith(("[", "%w")) else -1
    quoted = [m[1] for m in _STRING.finditer(value[: end + 1] if end > 0 else value.split("#")[0])]
    yield from quoted if value.lstrip()[:1] in "[(" and end != 0 else quoted[:1]
