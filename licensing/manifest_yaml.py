"""Licence fields of manifests in YAML, found by the keys that lead to them.

In: the text of a manifest. Out: the words of its licence fields: a word, a list, a text over several lines. Only the
documented place counts, so `references: - license: BSD` says nothing of the work. No parser of YAML is used: such
files are often templates, and an alias can make a small file a huge one. Linear in the text.
"""

from collections.abc import Iterator

import re2

from gleanery.licensing.manifest_data import KEYS, MOST_VALUES, choice

_KEY = re2.compile(r"""^([ \t]*(?:-[ \t]+)*)["']?([A-Za-z_][\w-]{0,60})["']?[ \t]*:(?:[ \t]+(.*))?$""")
_ITEM = re2.compile(r"^[ \t]*-[ \t]+(.{1,200})$")
_BLOCK = re2.compile(r"^[|>][+0-9-]*$")
_LONGEST = 64
Places = tuple[tuple[str, ...], ...]


# The names of the keys above a licence field, for each place where it counts: at the top (hpack, shards, Ansible,
# snaps, META.yml), in conda's recipes of the package and of each of its outputs, and in publiccode.yml.
TOP: Places = ((),)
CONDA: Places = (("about",), ("outputs", "about"))
PUBLICCODE: Places = (("legal",),)


def yaml_choice(text: str, places: Places) -> Iterator[str]:
    """The same of `CITATION.cff`, whose guide says that several licences are a choice."""
    yield from choice(yaml_fields(text, places))


def yaml_fields(text: str, places: Places) -> Iterator[str]:
    """The licence fields that stand in some places."""
    above = list[tuple[int, str]]()
    lines = text.replace("\r\n", "\n").split("\n")
    for number, line in enumerate(lines):
        key = _KEY.match(line)
        if key is None or line.lstrip().startswith("#"):
            continue
        indent = len(key[1])
        while above and above[-1][0] >= indent:
            above.pop()
        if key[2].lower() in KEYS and tuple(name for _, name in above) in places:
            yield from _value(_plain(key[3] or ""), lines[number + 1 : number + 1 + _LONGEST], indent)
        above.append((indent, key[2].lower()))


def _value(first: str, below: list[str], indent: int) -> Iterator[str]:
    """A value that begins behind its key, and goes on in the lines below that stand deeper."""
    inner = list[str]()
    for line in below:
        deeper = len(line) - len(line.lstrip()) > indent or not line.strip() or line.lstrip().startswith("#")
        if not deeper and not (not first and _ITEM.match(line)) and not (first.startswith("[") and line.strip() == "]"):
            break
        inner.append(line)
    if first.startswith("["):
        whole = " ".join([first, *map(_plain, inner)]).partition("]")[0].strip("[ ")
        yield from (word.strip(" \"'") for word in whole.split(",")[:MOST_VALUES] if word.strip())
        return
    items = [item[1] for line in inner if (item := _ITEM.match(line)) is not None]
    if not first and items:
        yield from (_plain(item) for item in items)
        return
    if _BLOCK.match(first):
        yield " ".join(line.strip() for line in inner)
        return
    goes_on = [_plain(line.strip()) for line in inner if _KEY.match(line) is None and not line.lstrip().startswith("#")]
    yield " ".join([first, *goes_on]).strip(" \"'")


def _plain(words: str) -> str:
    """A value without a comment and without quotes around it."""
    return f" {words}".split(" #")[0].strip().strip("\"'")
