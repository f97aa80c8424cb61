"""Licence fields of manifests that are data: JSON and TOML.

In: the text of a manifest. Out: the words of its licence fields; ValueError and the like where it is not of its form.
Several licences are a choice in composer.json, CITATION.cff and a pom.xml, and must all be met anywhere else.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

MOST_VALUES = 64
# What a licence field is called.
KEYS = ("license", "licence", "licenses", "licences")
_CLASSIFIER = "License ::"


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
    """package.json and its kin; nothing where nobody answered what `npm init` asks."""
    data = json.loads(text)
    if _is_unanswered(data):
        return
    for key in (*KEYS, "License"):
        yield from _strings(data.get(key))


def _is_unanswered(data: dict[str, Any]) -> bool:
    """Whether a package.json is what `npm init` writes by itself: ISC, by an author without a name.

    >>> _is_unanswered({"description": "", "author": "", "license": "ISC"})
    True
    >>> _is_unanswered({"description": "", "author": "Ada", "license": "ISC"}), _is_unanswered({"license": "ISC"})
    (False, False)
    """
    scripts = data.get("scripts")
    untested = isinstance(scripts, dict) and "no test specified" in str(scripts.get("test"))
    unnamed = data.get("author") == "" and (untested or data.get("description") == "")
    return unnamed and data.get("license") == "ISC"


def json_choice(text: str) -> Iterator[str]:
    """A list of licences is a choice here."""
    data = json.loads(text)
    yield from choice(_strings(data.get("license")))


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
            for key in KEYS:
                yield from _strings(table.get(key))


def classifiers(values: Iterable[Any]) -> Iterator[str]:
    """The classifiers of a Python package that name a licence."""
    for value in values:
        if isinstance(value, str) and value.strip().startswith(_CLASSIFIER):
            yield value.strip()


def choice(values: Iterable[str]) -> Iterator[str]:
    """Several licences of which one may be chosen, as one field."""
    found = list(dict.fromkeys(values))
    if found:
        yield " OR ".join(f"({v})" if len(found) > 1 and " " in v.strip() and _is_expression(v) else v for v in found)


def _is_expression(words: str) -> bool:
    return any(sign in words.split() for sign in ("AND", "OR", "WITH", "and", "or"))
