"""Authors of papers: the names in the brackets of LaTeX's `\\author`, however many and with whatever between.

In: a source. Out: hits on names of persons. Ties (`Ada~Lovelace`) are blanks, `\\and`, commas and line ends part names,
and what stands in the brackets of other commands (`\\thanks{…}`) or as a formula is no name. Costs one pass over the
brackets, at most 4,000 characters of them.
"""

import re
from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.people import names_at
from gleanery.privacy.source import Source

NAME, ENTITIES = "latex_author", ("NAME",)
GATES = {NAME: Condition(r"\\author", (b"\\author",))}
_AUTHOR = compile_pattern(r"\\author[ \t]{0,4}(?:\[[^\[\]\n]{0,80}\][ \t]{0,4})?\{")
_LONGEST = 4000
# Commands whose brackets hold no name, and formulas, which are marks of footnotes.
_OTHER = re.compile(
    r"\\(?:thanks|foot\w*|alt\w*|affil\w*|orcid\w*|inst\w*|textsuperscript|href|url|email|ead|fnref|corref|cortext|"
    r"thanksref|tnoteref|label|authormark|institution|address|IEEE\w*membership|vspace|hspace|includegraphics)\*?"
    r"(?:\[[^\[\]]{0,200}\])?\{[^{}]{0,400}\}|\$[^$\n]{0,60}\$|\^\{?[\w,*]{1,12}\}?"
)
_COMMAND = re.compile(r"\\(?:[A-Za-z]+\*?|.)(?:\[[^\[\]]{0,60}\])?")
_BETWEEN = re.compile(r"[\s,;&{}]+|\band\b")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    read = 0
    for found in _AUTHOR.finditer(source.raw):
        if found.start() < read:
            continue  # one in the brackets of another
        body = source.raw[found.end() : found.end() + _LONGEST].decode("utf-8", "ignore")
        body = body[: _closing(body)]
        read = found.end() + len(body.encode())
        text = _COMMAND.sub(_parted, _OTHER.sub(_parted, body)).replace("~", " ")
        place = 0
        while place < len(text):
            if between := _BETWEEN.match(text, place):
                place = between.end()
                continue
            for start, end in names_at(text, place):
                first = found.end() + len(body[:start].encode())
                yield Hit(first, first + len(body[start:end].encode()), "NAME", "latex_author", 0.8)
                place = end
            rest = _BETWEEN.search(text, place)
            place = rest.end() if rest else len(text)


def _parted(found: re.Match[str]) -> str:
    """As many commas as what was found has characters."""
    return "," * len(found.group())


def _closing(text: str) -> int:
    """Where the bracket closes that is open at the beginning."""
    depth, at = 1, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] in "{}":
            depth += 1 if text[at] == "{" else -1
            if not depth:
                return at
        at += 1
    return len(text)
