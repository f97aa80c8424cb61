r"""Escapes: a copy of a text in which what strings and addresses write for a blank or a sign is blank.

In: the bytes of a text. Out: as many bytes. Tokens, paths, addresses and names stand right behind `\n`, `\u0022`, `%3D`
and codes of colours (`\x1b[31m`), where the letter at the end of the code seems to be glued to them; the recognisers
that look for whole words read the copy too. Blanks are tabs, which no name has in it. Costs 80 MB/s, and only where a
letter, a digit or a slash follows such a code.
"""

import re

from gleanery.privacy.gate import Condition

NAME = "escape"
# Line ends and tabs, also with backslashes that are escaped themselves; signs by number; colours; signs in addresses.
_NUMBERS = r"(?:0[9AaDd]|2[0-9A-Fa-f]|3[A-Da-d]|40|5[BDbd]|7[BDbd])"
_COLOUR = r"\[[0-9;]{0,12}m"
_ESCAPES = rf"(?:\\{{1,4}}(?:[nrt]|(?:x|u00){_NUMBERS}|(?:x1[Bb]|u001[Bb]|033|e){_COLOUR})|\x1b{_COLOUR}|%{_NUMBERS})"
GATES = {NAME: Condition(f"{_ESCAPES}[A-Za-z0-9/]", (b"\\", b"%", b"\x1b"))}

# A run of them is read once, and what stands behind it is asked then: so the time stays linear.
_RUN = re.compile(f"{_ESCAPES}++".encode())


def without_escapes(raw: bytes) -> bytes:
    r"""
    >>> without_escapes(b'"a=b%3D%22c", "\\n/home", "\\n", 100%')
    b'"a=b\t\t\t\t\t\tc", "\t\t/home", "\\n", 100%'
    """
    return _RUN.sub(_blank, raw)


def _blank(run: re.Match[bytes]) -> bytes:
    behind = run.string[run.end() : run.end() + 1]
    return b"\t" * len(run.group()) if behind.isalnum() or behind == b"/" else run.group()
