"""What the manifest of a package says about its licence, in the words of the manifest.

In: the text of a manifest and its form (`manifest_names`). Out: `Statement`s: the words of each licence field and
its line. Nothing is run: a Python or Ruby manifest is read as text, with patterns of linear time. What cannot be parsed
(a template, a broken file) is read line by line, as far as a licence field can be seen. 0.1 ms for a manifest of 2 KB.

The forms follow what each ecosystem documents: several licences are a choice in composer.json, in CITATION.cff and in
a pom.xml, and must all be met anywhere else.
"""

from dataclasses import dataclass
from functools import partial
from itertools import islice

import re2

from gleanery.licensing import manifest_code as code
from gleanery.licensing import manifest_data as data
from gleanery.licensing import manifest_lines as lines
from gleanery.licensing.manifest_data import MOST_VALUES
from gleanery.licensing.manifest_xml import xml_fields
from gleanery.licensing.manifest_yaml import CONDA, PUBLICCODE, TOP, yaml_choice, yaml_fields

# A longer manifest is data. The longest true one of 3,000 npm and PyPI packages had 96 KB.
_LONGEST = 512 * 1024
_LONGEST_STATEMENT = 1000
_MOST_PLACES, _MOST_READ = 8, 1024
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
    + ("na", "?", "other", "open source", "opensource", "osi approved", "public")
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
    >>> [s.words for s in statements("setup(license='BSD',\\n classifiers=['License :: OSI Approved'])", "setup-py")]
    ['BSD']
    """
    if len(text) > _LONGEST:
        return (Statement("the manifest is too long to be read", 1),)
    reader = _READERS[form]
    try:
        found = list(islice(reader(text), _MOST_READ))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):  # not of its form, or made to look so
        found = list(islice(code.code_fields(text), _MOST_READ))
    placed = (_statement(words, text) for words in found)
    return tuple(dict.fromkeys(s for s in placed if s is not None))[:MOST_VALUES]


def _statement(words: str, text: str) -> Statement | None:
    """A statement with its line: where its words stand first, if possible behind the name of the field."""
    words = words.strip()
    at = _place(text, words[:60]) if words else -1
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
    return Statement(words, line)


def _place(text: str, words: str) -> int:
    """Where some words stand first on a line that names the field, or else anywhere; -1 for nowhere."""
    at = first = text.find(words)
    for _ in range(_MOST_PLACES):
        if at < 0 or "licen" in text[max(text.rfind("\n", 0, at), at - 200, 0) : at].lower():
            break
        at = text.find(words, at + 1)
    return at if at >= 0 else first


_READERS = code.readers() | {
    "json": data.json_fields,
    "json-choice": data.json_choice,
    "perl-json": data.perl_json,
    "cargo": data.cargo_fields,
    "python": data.python_fields,
    "toml": data.toml_fields,
    "fields": lines.setup_cfg,
    "message": lines.message_fields,
    "r": lines.r_fields,
    "header": lines.header_fields,
    "sbt": lines.sbt_fields,
    "xml": xml_fields,
    "yaml": partial(yaml_fields, places=TOP),
    "yaml-choice": partial(yaml_choice, places=TOP),
    "conda": partial(yaml_fields, places=CONDA),
    "publiccode": partial(yaml_fields, places=PUBLICCODE),
    "setup-py": code.setup_py,
    "ini": code.ini_fields,
    "perl-code": code.perl_code,
    "dune": code.dune_fields,
    "shell": code.shell_fields,
    "gradle": code.gradle_fields,
}
