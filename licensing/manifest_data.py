"""Licence fields of manifests that are data: JSON, TOML and XML.

In: the text of a manifest. Out: the words of its licence fields; ValueError and the like where it is not of its form.
Several licences are a choice in composer.json and in a pom.xml, and must all be met anywhere else.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

import re2

MOST_VALUES = 64
_CLASSIFIER = "License ::"
_COMMENT = re2.compile(r"(?s)<!--.*?-->")
_LICENSES = re2.compile(r"(?is)<licen[sc]es>(.*?)</licen[sc]es>")
_LICENSE = re2.compile(
    r"(?is)<(?:packagelicenseexpression|licen[sc]e)(?:[ \t][^>]{0,200})?>(.*?)"
    r"</(?:packagelicenseexpression|licen[sc]e)>"
)
_NAME = re2.compile(r"(?is)<name>(.*?)</name>")
_URL = re2.compile(r"(?is)<url>(.*?)</url>")


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
        for part in value[:MOST_VALUES]:
            yield from _strings(part)


def json_fields(text: str) -> Iterator[str]:
    """package.json and its kin."""
    data = json.loads(text)
    for key in ("license", "licence", "licenses", "licences", "License"):
        yield from _strings(data.get(key))


def json_choice(text: str) -> Iterator[str]:
    """A list of licences is a choice here."""
    data = json.loads(text)
    yield from _choice(_strings(data.get("license")))


def perl_json(text: str) -> Iterator[str]:
    """META.json: one field, a list."""
    data = json.loads(text)
    yield from _strings(data.get("license"))


def cargo_fields(text: str) -> Iterator[str]:
    """`license.workspace = true` says nothing here: the manifest of the workspace does."""
    data = tomllib.loads(text)
    for package in (data.get("package"), data.get("project"), data.get("workspace", {}).get("package")):
        if isinstance(package, dict):
            if isinstance(package.get("license"), str):
                yield package["license"].replace("/", " OR ")
            elif isinstance(package.get("license-file"), str):
                yield f"file {package['license-file']}"


def python_fields(text: str) -> Iterator[str]:
    """pyproject.toml: the standard table, and those of poetry and flit."""
    data = tomllib.loads(text)
    tool = data.get("tool", {})
    tables = [data.get("project"), tool.get("poetry"), tool.get("flit", {}).get("metadata")]
    for table in tables:
        if isinstance(table, dict):
            yield from _strings(table.get("license") or table.get("license-expression"))
            yield from classifiers(table.get("classifiers", ()))


def toml_fields(text: str) -> Iterator[str]:
    """Any other TOML: a field at the top or of the package."""
    data = tomllib.loads(text)
    for table in (data, data.get("package")):
        if isinstance(table, dict):
            for key in ("license", "licence", "licenses", "licences"):
                yield from _strings(table.get(key))


def classifiers(values: Iterable[Any]) -> Iterator[str]:
    """The classifiers of a Python package that name a licence."""
    for value in values:
        if isinstance(value, str) and value.strip().startswith(_CLASSIFIER):
            yield value.strip()


def xml_fields(text: str) -> Iterator[str]:
    """pom.xml and its kin, and project files of .NET."""
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
