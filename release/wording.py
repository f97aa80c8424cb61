"""Wording: values of the input as they may stand in a line for people.

In: any text. Out: the same text on one line. Names of files and repositories are chosen by strangers: a control code
could recolour a terminal or hide what stands in front of it, so everything that does not print is written out.
"""

from collections.abc import Sequence

LONGEST = 300  # characters of one value in a line


def shown(text: object, longest: int = LONGEST) -> str:
    """The text with everything that does not print written as an escape, and cut after `longest` characters.

    >>> shown("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    plain = str(text)
    cut = plain[:longest]
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in cut)
    return safe if len(plain) <= longest else f"{safe}... ({len(plain)} characters)"


def number(count: int, one: str, many: str = "") -> str:
    """A count and its noun.

    >>> number(1, "file"), number(1200, "file"), number(2, "copy", "copies")
    ('1 file', '1,200 files', '2 copies')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(words: Sequence[str]) -> str:
    """Words as people list them.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"
