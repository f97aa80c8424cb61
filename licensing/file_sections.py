"""Which part of a licence file holds for some files only, such as what follows "For the lib/sha1.c component:".

In: the lines of a licence file. Out: its `Section`s: the files that a heading names, and the lines from the heading up
to the next one. Where paths stand as titles, underlined, these are the headings (`titled.py`). A line that is drawn
across the page ends a section too; below it the file speaks of the work again, unless another heading follows. English
only. 20 µs for a text of 200 lines without such a heading; linear.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import re2

from gleanery.licensing.lines import is_drawn
from gleanery.licensing.titled import titled_blocks

MOST_SECTIONS, _MOST_PATHS, _MOST_HEADING_LINES = 64, 32, 4
_SIGNS = " \t#;!|"  # of comments; paths may begin and end with other signs
_NAME = r"[\w.@+*~{}-]"
# A path with a slash, a folder, or the name of a file.
_PATH = rf"(?:\.?{_NAME}*(?:[/\\]{_NAME}+)+[/\\]?|{_NAME}+[/\\]|{_NAME}*\w\.[A-Za-z*][\w*+]{{0,9}})(?:\(\.\w{{1,9}}\))?"
_PATHS = rf"(?P<paths>{_PATH}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*|\s+)(?:the\s+)?{_PATH}){{0,31}})"
# One that can be no pair of words such as "commercial/personal": a file, a folder with a slash behind it, a long path.
_SURE = re.compile(r"\.[A-Za-z*]\w*$|[*\\_]|[/\\]$|[/\\].+[/\\]")
_KIND = r"(?:components?|files?|modules?|sources?|source code)"
_ADDRESS = r"(?:\s+from\s+[a-z]+://\S+)?"
# "lib/a.c: MIT license", "lib/b/ (some parts): licensed under the following terms:"
_SAYING = re2.compile(rf"(?i)^{_PATHS}(?:\s*\([^()]{{0,60}}\))?\s*:(?P<said>.{{0,200}})$")
_HEADINGS = (
    *(
        re2.compile(f"(?i)^{text}$")
        for text in (
            # "For the lib/a.c and lib/b.c components:", "From a.c, b.c:", "License for a.js used in the docs:"
            rf"(?:licen[sc]es?\s+)?(?:for|from)\s+(?:the\s+)?(?:(?:portions|parts)\s+of\s+|{_KIND}\s+)?{_PATHS}"
            rf"(?P<kind>\s+{_KIND})?{_ADDRESS}\s*:?",
            rf"licen[sc]es?\s+(?:for|of)\s+(?:the\s+)?{_PATHS}\s+(?:used|included|contained)\s+in\b[^:]{{0,80}}:",
            # "License for the frob code in the C implementation:", and below it "File: src/frob.c"
            rf"licen[sc]es?\s+for\s+[^:]{{1,100}}:\s*files?\s*:\s*{_PATHS}",
            # "For the mod_mime_magic component:"
            r"for\s+the\s+(?P<paths>[\w.+-]{2,40})(?P<kind>\s+component)\s*:",
            # "The following files are licensed under the MIT License:", and then their names
            r"(?:portions\s+of\s+)?(?:the\s+)?following\s+(?:source\s+)?files\s[^:]{0,80}(?:licen[sc]|terms)"
            rf"[^:]{{0,80}}:\s*{_PATHS}",
        )
    ),
    _SAYING,
)
_MAYBE = re2.compile(
    r"(?im)^[ \t#;!|]*(?:licen[sc]es?\s|for\s|from\s|(?:portions\s+of\s+)?(?:the\s+)?following\s|"
    r"[^\s:]*[/\\.*][^:\n]*:)"
)
_SAID = re2.compile(
    r"(?i)licen[sc]|\bterms\b|public[- ]domain|\bderived\b|\b(?:[al]?gpl|bsd|mit|apache|isc|zlib)\b|copyright"
)
_EACH = re.compile(_PATH)
_BEHIND = re.compile(r"\(\.\w+\)$")


@dataclass(frozen=True)
class Section:
    """The files that it holds for, as written but with `/`, and its lines from 1, those of its heading included."""

    paths: tuple[str, ...]
    first: int
    last: int


def file_sections(lines: Sequence[str]) -> list[Section]:
    """The sections of a licence file, in their order; at most one more than `MOST_SECTIONS`.

    >>> file_sections(["MIT License", "", "For the lib/a.c component:", "", "BSD", "-----", "More"])
    [Section(paths=('lib/a.c',), first=3, last=5)]
    >>> file_sections(["src/a.c, src/b.c: 3-clause BSD", "For the purposes of this License:"])[0].paths
    ('src/a.c', 'src/b.c')
    >>> file_sections(["MIT", "", "For commercial/enterprise:", "", "src/a.c: see below"])
    []
    """
    titled = titled_blocks(lines)
    if titled:
        return [Section(*block) for block in titled[: MOST_SECTIONS + 1]]
    found: list[Section] = []
    candidates = list(_candidates(lines))
    drawn = [n for n, line in enumerate(lines, 1) if candidates and is_drawn(line.strip(_SIGNS))]
    end = 0
    for number in candidates:
        heading = _heading(lines, number) if number > end else None
        if heading is None:
            continue
        paths, end = heading
        if found and found[-1].last >= number:
            found[-1] = replace(found[-1], last=number - 1)
        if len(found) > MOST_SECTIONS:
            break
        below = bisect_right(drawn, end + 1)  # a heading may be underlined
        found.append(Section(paths, number, drawn[below] - 1 if below < len(drawn) else len(lines)))
    return found


def _candidates(lines: Sequence[str]) -> Iterator[int]:
    """The numbers of the lines that may begin a heading."""
    text, number, at = "\n".join(lines), 1, 0
    for match in _MAYBE.finditer(text):
        number, at = number + text.count("\n", at, match.start()), match.start()
        yield number


def _heading(lines: Sequence[str], number: int) -> tuple[tuple[str, ...], int] | None:
    """The paths of a heading that begins in a line, and its last line. One that names a licence may follow any line."""
    above = lines[number - 2].strip(_SIGNS) if number > 1 else ""
    opens = not above or is_drawn(above)
    joined = ""
    most = _MOST_HEADING_LINES if opens else 1
    for last in range(number, min(number + most, len(lines) + 1)):
        joined = f"{joined} {lines[last - 1].strip(_SIGNS)}".strip()
        if len(joined) > 600:
            return None
        for pattern in _HEADINGS if opens else (_SAYING,):
            match = pattern.match(joined)
            if match is None:
                continue
            said, kind = match.groupdict().get("said"), match.groupdict().get("kind")
            written = _EACH.findall(match["paths"]) or [match["paths"]]
            if (said and not _SAID.search(said)) or not (kind or any(map(_SURE.search, written))):
                continue
            names = (_BEHIND.sub("", name).replace("\\", "/").strip("/") for name in written)
            paths = tuple(dict.fromkeys(name for name in names if name.strip(".*/")))
            if paths:
                return paths[:_MOST_PATHS], last
    return None


def pattern_of(paths: Iterable[str]) -> str:
    """An expression of RE2 that finds the paths which some names mean: `lib/a.c` also in `third/lib/a.c`.

    What a section says is only added to what else governs a file, so that one path too many does no harm.
    """
    names = (r"[^/]*".join(re2.escape(piece) for piece in path.split("*")) for path in paths)
    return rf"(?i)(?:^|/)(?:{'|'.join(names)})(?:/|$)"
