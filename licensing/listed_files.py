"""Sentences that name files in a list below them: "The following parts are under the GPL:", and then a path a line.

In: the lines of a text. Out: each such sentence as a `Part` of files, with the lines of its list. It counts only if
each line of the list is one path or one link to a path, and nothing else. English only. 20 µs for a licence text.
"""

import re
from collections.abc import Sequence

import re2

from gleanery.licensing.parts import Part

_MOST_SENTENCES, _MOST_PATHS, _LONGEST = 32, 64, 300
_OPENS = re2.compile(
    r"(?i)^[\W_]*(?:the[ \t]+)?following[ \t]+(?:source[ \t]+)?"
    r"(?:parts?|files?|folders?|directories|modules?|scripts?|components?)\b[^:]*\b(?:licen[sc]ed|released|distributed|available|covered|published)\b[^:]*\bunder\b[^:]*:\s*$"
)
_MAYBE = re2.compile(r"(?i)\bfollowing[ \t][^\n]*:[ \t]*(?:\n|$)")
_ITEM = re.compile(
    r"^\s{0,12}[-*+•][ \t]+(?:\[[^\]\n]{1,120}\]\((?:\./)?(?P<link>[\w.@+/-]{1,200})\)"
    r"|[\"'`]?(?:\./)?(?P<path>(?:[\w.@+-]+/)+[\w.@+-]*|[\w@+-][\w.@+-]*\.[A-Za-z]\w{0,7})[\"'`]?)[.,;]?\s*$"
)


def listed_files(lines: Sequence[str]) -> list[Part]:
    """The sentences with their paths, from the line of the sentence to the last line of its list.

    >>> [found] = listed_files(["The following files are released under the GPL:", "- [a](a.py)", "- `b.c`", "", "!"])
    >>> found.folders, found.words, found.last
    (('a.py', 'b.c'), 'The following files are released under the GPL.', 3)
    >>> listed_files(["The following parts are licensed under the GPL:", "- `a.c`", "- and others"])
    []
    """
    found: list[Part] = []
    if not _MAYBE.search("\n".join(lines)):
        return found
    for at, line in enumerate(lines):
        if len(found) >= _MOST_SENTENCES or len(line) > _LONGEST or not _OPENS.search(line):
            continue
        below = range(at + 1, min(len(lines), at + 2 + _MOST_PATHS))
        start = next((n for n in below if lines[n].strip()), len(lines))
        stop = next((n for n in range(start, len(lines)) if not lines[n].strip()), len(lines))
        items = [_ITEM.match(item) for item in lines[start : min(stop, start + _MOST_PATHS + 1)]]
        paths = [(item["link"] or item["path"]).strip("/") for item in items if item]
        if paths and len(paths) == len(items) <= _MOST_PATHS and all(path.strip("./") for path in paths):
            words = line.strip().rstrip(":").strip() + "."
            found.append(Part(tuple(dict.fromkeys(paths)), words, at + 1, stop, files=True))
    return found
