"""Source: one text made ready for the recognisers.

In: text, path and language. Out: its UTF-8 bytes, the kind of file it is, and the names of the gates that it passed.
The text is encoded once, so a recogniser never pays for it again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from posixpath import basename

from gleanery.privacy.hits import Hit
from gleanery.privacy.rules import load_rules


@dataclass(frozen=True)
class Source:
    """A text and what is known about it. `present` holds the names of the gates that the text passed."""

    text: str
    raw: bytes
    path: str
    bare_values: bool
    settings: str = ""  # "yaml", "lines" for other files of settings, nothing for what is none
    present: frozenset[str] = frozenset()
    variables: bool = False  # `$name` in it is a variable
    # The strings of the line that was read last, by its first and last byte: `strings.py` remembers them.
    strings: dict[tuple[int, int], list[tuple[int, int]]] = field(default_factory=dict, compare=False, repr=False)

    def before(self, position: int, width: int = 80) -> bytes:
        """At most `width` bytes of the same line that stand before a byte position."""
        window = self.raw[max(0, position - width) : position]
        return window[window.rfind(b"\n") + 1 :]

    def after(self, position: int, width: int = 80) -> bytes:
        """At most `width` bytes of the same line from a byte position on."""
        window = self.raw[position : position + width]
        line_end = window.find(b"\n")
        return window if line_end < 0 else window[:line_end]

    def in_characters(self, hits: Iterable[Hit]) -> list[Hit]:
        """The same hits with characters instead of bytes, sorted, whole characters only."""
        ordered = sorted(hits)
        if len(self.raw) == len(self.text):
            return ordered
        characters = _characters(self.raw, sorted({p for h in ordered for p in (h.start, h.end)}))
        return [h._replace(start=characters[h.start], end=characters[h.end]) for h in ordered]


def source_of(text: str, path: str, language: str | None) -> Source:
    """A text made ready, without its gates. A lone surrogate in the text is carried through.

    >>> source_of("a=1", "settings.ini", None).bare_values, source_of("a: 1", "deploy.yml.example", None).settings
    (True, 'yaml')
    """
    raw, name = text.encode("utf-8", "surrogatepass"), basename(path.replace("\\", "/")).lower()
    return Source(
        text,
        raw,
        path,
        _has_bare_values(name, language),
        _settings(name, language),
        variables=_has_variables(name, language),
    )


def _settings(name: str, language: str | None) -> str:
    """What kind of settings a file holds, by its name without `.example` and the like, or by its language."""
    words, parts = load_rules().words, name.split(".")
    while len(parts) > 2 and parts[-1] in words["settings_copies"]:
        parts.pop()
    kind = (language or "").lower()
    if kind == "yaml" or parts[-1] in ("yml", "yaml") and len(parts) > 1:
        return "yaml"
    known = kind in words["settings_languages"] or len(parts) > 1 and parts[-1] in words["settings_extensions"]
    return "lines" if known else ""


def _has_bare_values(name: str, language: str | None) -> bool:
    """The format has values without quotes and no expressions: settings, shell scripts, prose."""
    words = load_rules().words
    extension = name.rpartition(".")[2] if "." in name else ""
    if (language or "").lower() in words["bare_languages"] or extension in words["bare_extensions"]:
        return True
    hidden = name.startswith(".") and name.count(".") == 1
    return hidden or not extension and (language is None or name in words["bare_names"])


def _has_variables(name: str, language: str | None) -> bool:
    words, kind = load_rules().words, (language or "").lower()
    return name.rpartition(".")[2] in words["variable_extensions"] or kind in words["variable_languages"]


def _characters(raw: bytes, positions: Sequence[int]) -> dict[int, int]:
    """The character at each byte position. A position inside a character counts as the character's end."""
    found: dict[int, int] = {}
    done, characters = 0, 0
    for position in positions:
        whole = position
        while whole < len(raw) and raw[whole] & 0xC0 == 0x80:
            whole += 1
        if whole > done:
            characters += len(raw[done:whole].decode("utf-8", "surrogatepass"))
            done = whole
        found[position] = characters
    return found
