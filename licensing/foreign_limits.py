"""Sentences in other languages that limit what one may do with the work: "禁止用于商业用途", "nur für private Zwecke".

In: lines of a head, of a licence file or of a README. Out: the first line that forbids commercial use or training, or
permits study, research or private use alone. Chinese, Japanese, Korean, German, French, Spanish, Portuguese, Italian
and Russian (`foreign_limits.toml`); a sentence about fonts, pictures or data is none. 1 µs for a line without any of
the words, 3 ms for the worst line.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import re2

from gleanery.licensing.findings import LIMITED, LIMITED_USE, Finding

_LONGEST_LINE = 2000
_ENDS = ".;。；!！?？"
_GAP = r"[^.;!?。；！？\n]{0,\1}"


@dataclass(frozen=True)
class _Words:
    maybe: Any
    limits: re.Pattern[str]
    others: re.Pattern[str]
    turned: re.Pattern[str]


def may_limit(text: str) -> bool:
    """Whether a text is worth a look, line by line: one with signs beyond ASCII always is.

    >>> may_limit("uso comercial"), may_limit("int main(void)")
    (True, False)
    """
    return not text.isascii() or _words().maybe.search(text) is not None


def foreign_limit(lines: Sequence[str]) -> tuple[Finding, ...]:
    """The first line that limits the use of the work in another language, or nothing.

    >>> foreign_limit(["# Frob", "本项目仅供学习交流，请勿用于商业用途。"])[0].start_line
    2
    >>> foreign_limit(["Die Daten sind nur für private Zwecke."])
    ()
    """
    words = _words()
    for number, line in enumerate(lines, 1):
        line = line[:_LONGEST_LINE]
        found = words.limits.search(line) if line and words.maybe.search(line) else None
        if found is None:
            continue
        sentence = line[max(line.rfind(end, 0, found.start()) for end in _ENDS) + 1 : found.end()]
        if not words.others.search(sentence) and not words.turned.search(sentence):
            return limit_at(number)
    return ()


def limit_at(number: int) -> tuple[Finding, ...]:
    """What a line states that limits the use of the work."""
    return (Finding("found", LIMITED_USE, 100.0, LIMITED, number, number),)


@lru_cache(maxsize=1)
def _words() -> _Words:
    data = tomllib.loads(resources.files(__package__).joinpath("foreign_limits.toml").read_text("utf-8"))
    limits = (re.sub("<([0-9]+)>", _GAP, pattern) for pattern in data["limits"])
    # Bounded stretches of a bounded line: each start is tried over at most 70 signs.
    return _Words(
        re2.compile(f"(?i){data['maybe']}"),
        re.compile(f"(?i){'|'.join(limits)}"),
        re.compile(f"(?i){data['others']}"),
        re.compile(f"(?i){data['turned']}"),
    )
