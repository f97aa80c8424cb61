"""What the manifest of a package says about its licence, in the words of the manifest.

In: the text of a manifest and its form (`manifest_names`). Out: `Statement`s: the words of each licence field and
its line. Nothing is run: a Python or Ruby manifest is read as text, with patterns of linear time. What cannot be parsed
(a template, a broken file) is read line by line, as far as a licence field can be seen. 0.1 ms for a manifest of 2 KB.

The forms follow what each ecosystem documents: several licences are a choice in composer.json and in a pom.xml, and
must all be met anywhere else.
"""

from dataclasses import dataclass

import re2

from gleanery.licensing.manifest_data import (
    MOST_VALUES,
    cargo_fields,
    json_choice,
    json_fields,
    perl_json,
    python_fields,
    toml_fields,
    xml_fields,
)
from gleanery.licensing.manifest_lines import (
    code_fields,
    message_fields,
    perl_fields,
    r_fields,
    sbt_fields,
    setup_cfg,
    yaml_fields,
)

# A longer manifest is data. The longest true one of 3,000 npm and PyPI packages had 96 KB.
_LONGEST = 512 * 1024
_LONGEST_STATEMENT = 1000
# Classifiers that leave open which licence is meant, or that say nothing about one.
_EMPTY_CLASSIFIERS = frozenset(
    ("License :: OSI Approved", "License :: DFSG approved", "License :: Other/Proprietary License :: None")
)
_POINTER = re2.compile(r"(?i)^(?:see (?:the )?(?:file )?licen[sc]e(?:d)? in|file:?)[ \t]+[\"'`<]?([^\"'`>]{1,200})")
_FILE = re2.compile(r"(?i)^(?:copying|(?:un)?licen[sc]e)\.(?:txt|md|rst)$|^COPYING$")
# The blanks of a template, which nobody filled in.
_BLANK = re2.compile(
    r"(?i)\{\{|\$\{|<%|^@\w+@$|^\W*(?:todo|fixme)\b|please specify a licen[sc]e|^your[_ -]licen[sc]e|"
    r"^\W*(?:see|specified|listed|stated|given)(?: \w+){0,2} classifiers?\W*$"
)
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
        found = list(code_fields(text))
    placed = (_statement(words, text) for words in found)
    return tuple(dict.fromkeys(s for s in placed if s is not None))[:MOST_VALUES]


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


_READERS = {
    "json": json_fields,
    "json-choice": json_choice,
    "perl-json": perl_json,
    "cargo": cargo_fields,
    "python": python_fields,
    "toml": toml_fields,
    "fields": setup_cfg,
    "message": message_fields,
    "r": r_fields,
    "xml": xml_fields,
    "perl": perl_fields,
    "yaml": yaml_fields,
    "code": code_fields,
    "sbt": sbt_fields,
}
