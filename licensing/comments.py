"""Which lines of the head of a source file are code, and where its comments begin.

In: the lines of a head as they stand. Out: the indices of lines of code, and of those with which another comment
begins, below code, an empty line or a line that is drawn across the page. A line is code only if it looks like it,
stands in no comment, and follows code or a comment: in a text without comments, and in prose inside of signs that
nobody knows, nothing is. 0.15 ms for 100 lines.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gleanery.licensing.lines import is_drawn

# What opens a comment of several lines, and what closes it.
BLOCKS = {
    "/*": "*/",
    "/+": "+/",
    "<!--": "-->",
    "<#--": "-->",
    "{{!--": "--}}",
    "<%--": "--%>",
    "(*": "*)",
    "{-": "-}",
    "{#": "#}",
    "--[[": "]]",
    "#|": "|#",
    "<#": "#>",
    "#*": "*#",
    '"""': '"""',
    "'''": "'''",
}
_OPENER = re.compile("|".join(re.escape(sign) for sign in sorted(BLOCKS, key=len, reverse=True)))
# Only these open a comment behind words too: "x = 1; /* A", 'LICENSE = """'.
_ANYWHERE = re.compile(r'/\*|<!--|"""|' + "'''")
_PARAGRAPHS = re.compile(r"=(?:begin|pod|head[1-4]|over|item|encoding|for)\b")
_DIRECTIVE = re.compile(
    r"#\s?(?:include|define|undef|ifn?def|if|elif|else|endif|pragma|error|import|region|endregion|!\[)\b|#!?\["
)
_USE = re.compile(r"[\"']use [a-z]+[\"']")
_LINE = re.compile(r"//|#|--|;|%|!|'|\*|@rem\b|rem\b|::|dnl\b|\.\\\"|\.\.\s|\|\|", re.IGNORECASE)
_CODE = re.compile(
    r"[={}\[\];]|\w\(|^(?:import|from|using|package|namespace|require|include|library|module|use|const|let|var|"
    r"public|private|class|struct|typedef|extern|static)\b"
)
_FEW_WORDS = 2


@dataclass(frozen=True)
class Comments:
    """Indices of lines: those of code, and those with which another comment begins."""

    code: frozenset[int]
    begins: frozenset[int]


def comments_of(lines: Sequence[str]) -> Comments:
    """The code and the beginnings of comments in the head of a source file.

    >>> comments_of(["/* Use it.", "   For free; (so be it). */", "", "#define A", "", "// Do not copy a buffer."])
    Comments(code=frozenset({3}), begins=frozenset({5}))
    >>> comments_of(["You may use it (for free);", "", "if (so) { be it; }"])
    Comments(code=frozenset(), begins=frozenset())
    """
    code: set[int] = set()
    begins: set[int] = set()
    closer, before, apart, seen = "", "", False, False
    for at, line in enumerate(lines):
        said = line.strip()
        if closer:
            if apart and said:
                begins.add(at)
            apart = is_drawn(said) or (apart and not said)
            closer = "" if _closes(said, closer) else closer
            before = "comment"
            continue
        if not said:
            apart = True
            continue
        closer, commented = _opened(said)
        if commented:
            if seen and (apart or before != "comment"):
                begins.add(at)
            before, seen = "comment", True
        elif before != "prose" and (_looks_like_code(said) or (before == "code" and said.count(" ") < _FEW_WORDS)):
            code.add(at)
            before = "code"
        else:
            before = "prose"
        apart = is_drawn(said)
    return Comments(frozenset(code), frozenset(begins)) if seen else Comments(frozenset(), frozenset())


def _closes(said: str, closer: str) -> bool:
    return said.startswith("=cut") if closer == "=cut" else closer in said


def _opened(said: str) -> tuple[str, bool]:
    """What closes the comment that a line leaves open, and whether the line itself is one."""
    if _PARAGRAPHS.match(said):
        return "=cut", True
    if _DIRECTIVE.match(said) or _USE.match(said):
        return _left_open(said), False
    if _OPENER.match(said) is not None:
        return _left_open(said), True
    return _left_open(said), _LINE.match(said) is not None


def _left_open(said: str) -> str:
    """What closes the last comment that a line opens and does not close."""
    first = _OPENER.match(said)
    at, closer = 0, ""
    while (opened := first if first is not None else _ANYWHERE.search(said, at)) is not None:
        closer = BLOCKS[opened[0]]
        end = said.find(closer, opened.end())
        if end < 0:
            return closer
        at, first = end + len(closer), None
    return ""


def _looks_like_code(said: str) -> bool:
    return (_DIRECTIVE.match(said) or _USE.match(said) or _CODE.search(said)) is not None
