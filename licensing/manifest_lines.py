"""Licence fields of manifests that are read line by line: headers, sections and settings.

In: the text of a manifest. Out: the words of its licence fields, as far as they can be seen; patterns of linear time.
"""

from collections.abc import Iterator

import re2

from gleanery.licensing.manifest_code import code_fields
from gleanery.licensing.manifest_data import classifiers

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


def header_fields(text: str) -> Iterator[str]:
    """Cabal, RPM and Octave: `License: MIT`, also with the value below it."""
    for value in _fields_of(text, "license", "licence"):
        yield value.split(" #")[0]


def setup_cfg(text: str) -> Iterator[str]:
    """setup.cfg: of the section `metadata` the fields, the files that it names, the classifiers."""
    sections = re2.split(r"(?m)^\[([^\]\n]*)\][^\n]*$", text)
    text = "\n".join(
        body for name, body in zip(sections[1::2], sections[2::2], strict=True) if name.strip() == "metadata"
    )
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


def sbt_fields(text: str) -> Iterator[str]:
    """build.sbt: `licenses += ("MIT", url(...))`, `licenses := Seq("MIT" -> url(...), License.Apache2)`."""
    text = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("//"))
    settings = [setting[1] for setting in _SBT.finditer(text)]
    for setting in settings:
        for name in _SBT_NAME.finditer(setting):
            yield name[1] or _SBT_CONSTANTS.get(name[2].lower(), name[2].replace("_", "-"))
    if not settings:
        yield from code_fields(text)
