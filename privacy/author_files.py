"""Author files: the names in files that list authors, such as `AUTHORS` and `CONTRIBUTORS.md`.

In: a source. Out: hits on the name that each line begins with, behind bullets and accounts, in the first cell of a
table, and between tags of HTML. Headings and sentences are left. Costs one pass over such a file, no other is read.
"""

import re
from collections.abc import Iterator
from posixpath import basename

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.people import behind_lead, names_at
from gleanery.privacy.source import Source

NAME, ENTITIES = "author_file", ("NAME",)
GATES = {NAME: Condition(".")}  # decided by the path
_LIST_FILE = re.compile(r"(?:authors?|contributors?|maintainers?|credits|thanks|committers)(?:\.(?:md|rst|txt|in))?")
# What makes a sentence of a line that begins like a name, or a title with what it is about.
_SENTENCE = re.compile(r"\*\*:|[*_`]{0,2}[ ](?!(?:and|for|from|und|y|et|e|aka|who|with|on|at|in|of|as)\b)[a-z]{2}")
_CELL = re.compile(r"^[ \t]*\|?|>")
_CELL_END = re.compile(r"\s*(?:$|<)")
_ACCOUNT = re.compile(r"@[\w\-]{1,40}[ \t:\-]+")
_LINE = compile_pattern(r"(?m)^[^\n]{3,160}")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes."""
    if not _LIST_FILE.fullmatch(basename(source.path.replace("\\", "/")).lower()):
        return
    for line in _LINE.finditer(source.raw):
        text = bytes(line.group()).decode("utf-8", "ignore")
        if text.startswith("#"):
            continue  # a heading or a remark
        for cell in _CELL.finditer(text):
            lead = behind_lead(text, cell.end())
            account = _ACCOUNT.match(text, lead)
            for start, end in names_at(text, account.end() if account else lead):
                if not _SENTENCE.match(text, end) and (not cell.start() or _CELL_END.match(text, end)):
                    first = line.start() + len(text[:start].encode())
                    yield Hit(first, first + len(text[start:end].encode()), "NAME", "author_list", 0.8)
