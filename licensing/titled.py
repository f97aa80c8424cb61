"""Parts of a licence file below underlined titles that are paths: "apps/net/frob", and "====" below it.

In: the lines of a licence file. Out: for each such part its paths, and its lines from the title to the line above the
next one. A file with two such titles or more is a list of components. There the name of a component is a title too,
below a line that is drawn across the page or below another title, if an owner stands below it or it stands between two
others. What stands above the first title is about the work. 20 µs for a licence text without such titles; linear.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from gleanery.licensing.lines import is_drawn

_FEWEST_TITLES, _MOST_PATHS = 2, 8
_NAME = r"[\w.@+-]{1,80}"
_PATH = re.compile(rf"(?:{_NAME}/)+(?:{_NAME})?|[\w+-]{{1,80}}\.[A-Za-z]\w{{0,7}}")
_COMPONENT = re.compile(r"[A-Za-z][\w.+-]{2,40}(?: [\w.+-]{1,40}){0,2}")
_UNDERLINE = re.compile(r"(?m)^[ \t]*(?:={3,}|-{3,}|~{3,})[ \t]*$")
_OWNER = re.compile(r"(?i)copyright|\(c\)|©")
# A title of a part of the terms, and no component.
_OF_TERMS = re.compile(
    r"(?i).*(?:licen[sc]|copy|notice|terms|condition|exception|warrant|disclaim|legal|patent|trade|commerc|enterprise|"
    r"propriet|permission|restrict|grant|credit|author|addition|summary|preamble|appendix|introduc|contribut|gpl)"
)
_LICENSED = re.compile(r"(?i)licen[sc]|permission|redistribut")
# A box of a comment of C, which is drawn across nothing.
_BOX = re.compile(r"\s*/\*|.*\*/\s*$")
Block = tuple[tuple[str, ...], int, int]


def titled_blocks(lines: Sequence[str]) -> list[Block]:
    """The parts with their paths, first and last line from 1; none where fewer than two titles are paths.

    >>> titled_blocks(["MIT", "", "a/b.c", "=====", "GPL", "", "a/c", "===", "ISC", "", "-----", "More"])
    [(('a/b.c',), 3, 6), (('a/c',), 7, 10)]
    >>> titled_blocks(["MIT", "", "a/b.c", "=====", "GPL"])
    []
    """
    titles = list(_titles(lines))
    paths = [_paths_of(lines, *title) for title in titles]
    if sum(map(bool, paths)) < _FEWEST_TITLES:
        return []
    underlines = {underline for _, underline in titles}
    drawn = [n for n, line in enumerate(lines, 1) if n not in underlines and _is_drawn(line)]
    opened = min(start for (start, _), named in zip(titles, paths, strict=True) if named)
    licensed = next((n for n, line in enumerate(lines, 1) if _LICENSED.search(line)), opened)
    opened = min([opened, *(n for n in drawn if n > licensed)])
    stops = [*(start for start, _ in titles[1:]), len(lines) + 1]
    names = [own or _component(lines, *title) for own, title in zip(paths, titles, strict=True)]
    held = [
        bool(own or (name and start > opened and any(map(_OWNER.search, lines[underline : stop - 1]))))
        for own, name, (start, underline), stop in zip(paths, names, titles, stops, strict=True)
    ]
    between = [a and b for a, b in zip([False, *held], [*held[1:], False], strict=False)]
    found: list[Block] = []
    for at, (start, underline) in enumerate(titles):
        end = bisect_left(drawn, underline)
        stop = min([stops[at], *drawn[end : end + 1]])
        if names[at] and (held[at] or between[at]):
            found.append((names[at], start, stop - 1))
    return found


def _titles(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The first line of each title, and the line that is drawn below it, from 1. A title stands below an empty line."""
    text, number, at = "\n".join(lines), 1, 0
    if not any(sign in text for sign in ("===", "---", "~~~")):
        return
    for match in _UNDERLINE.finditer(text):
        number, at = number + text.count("\n", at, match.start()), match.start()
        start = number
        while start > 1 and number - start <= _MOST_PATHS and lines[start - 2].strip():
            start -= 1
        if start < number and not any(map(_is_drawn, lines[start - 1 : number - 1])):
            yield start, number


def _paths_of(lines: Sequence[str], start: int, underline: int) -> tuple[str, ...]:
    """The paths that a title names, one a line; of a long one also without its first folder, often the project's."""
    names = [line.strip(" \t:") for line in lines[start - 1 : underline - 1]]
    if len(names) > _MOST_PATHS or not all(map(_PATH.fullmatch, names)):
        return ()
    paths = [name.strip("/") for name in names]
    shorter = [path.partition("/")[2] for path in paths if path.count("/") > 1]
    return tuple(dict.fromkeys(path for path in (*paths, *shorter) if path.strip("./")))


def _component(lines: Sequence[str], start: int, underline: int) -> tuple[str, ...]:
    """The files and folders that may be called after a component."""
    name = lines[start - 1].strip(" \t:")
    if underline - start > 1 or not _COMPONENT.fullmatch(name) or _OF_TERMS.match(name):
        return ()
    return tuple(dict.fromkeys(f"{written}{end}" for written in (name, name.replace(" ", "*")) for end in ("", ".*")))


def _is_drawn(line: str) -> bool:
    return is_drawn(line.strip(" \t#;!|")) and not _BOX.match(line)
