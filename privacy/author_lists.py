"""Author lists: the names behind a word for authors, in brackets and in the lines below it.

In: a source. Out: hits on names of persons: in a list of strings (`authors = ["…", "…"]`), in objects of which `name`,
`given` and `family` are read in any order, in the indented items of YAML and of comments, and in BibTeX
(`bibliographies.py`). A bracket is
read for at most 64 KiB, lines for at most 400. Costs one pass over what stands behind such a word.
"""

import re
from collections.abc import Iterator

from gleanery.privacy import bibliographies
from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import Found, compile_pattern
from gleanery.privacy.people import is_part_of_name, leading_names
from gleanery.privacy.source import Source

NAME, ENTITIES = "author_list", ("NAME",)
GATES = {
    NAME: Condition(
        "author|contributor|maintainer|developer|creator",
        (b"author", b"contributor", b"maintainer", b"developer", b"creator"),
        caseless=True,
    )
}
_LONGEST, _MOST_LINES = 64 << 10, 400
# The word, the end of its quotes, what assigns, and what opens: a bracket, or the end of the line.
_KEY = compile_pattern(
    r"(?i)(?:^|[^\w])(?:__|recipe-|all-)?((?:author|contributor|maintainer|developer|creator)s?)(?:__)?[\"']?"
    r"(?:[ \t]{0,40}(=>|:=|[:=])[ \t]{0,8}|[ \t]{1,8})(?:([\[({])|\r?\n)?"
)
_STRING = rb"\"(?:\\.|[^\"\\\n]){0,400}\"|'(?:\\.|[^'\\\n]){0,400}'"
# Keys behind which other persons stand, inside of one that is named.
_OF_PERSONS = re.compile(
    rb"(?i)(?:author|contributor|maintainer|developer|creator|friend|member|people|person|user)s?[\"']?\s{0,8}(?:=>|[:=])\s{0,8}$"
)
_PIECE = re.compile(rb"(" + _STRING + rb")|[\[({]|[\])}]")
_FIELD = re.compile(rb"(?:[\"']([\w\-@]{1,40})[\"']|([\w\-]{1,40}))(?:\s{0,20}(?:=>|[:=])\s{0,20}|\.set\(|[ \t]{1,4})$")
_IS_KEY = re.compile(rb"\s{0,20}(?::(?!:)|=(?!>))")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_WHOLE = {"name", "fullname", "full-name", "displayname", "display-name", "realname", "author-name"}
_PARTS = {
    "given",
    "givenname",
    "given-name",
    "given-names",
    "first",
    "firstname",
    "first-name",
    "forename",
    "forenames",
}
_PARTS |= {"family", "familyname", "family-name", "family-names", "last", "lastname", "last-name", "surname"}
# One line of a list: what leads to it, perhaps a field, and the rest.
_LINE = re.compile(r"([\s*#/;!%|>~\"'\-]*)(?:([\w\-]{1,30})[\"']?[ \t]?:[ \t]+[\"']?)?(.*)")
_ENDS = re.compile(r"\s*(?:$|[<(\[,;\"'}&|]|[-–—:][ \t]|\*/|and\b|\.\s*$)")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes; hits may overlap."""
    read = 0
    for found in _KEY.finditer(source.raw):
        if found.start(1) < read:
            continue
        opening, assigns = found.group(3), found.group(2)
        if opening and _opens_a_list(found) or _is_lisp(source, found):
            hits, read = _in_brackets(source, found.end(), objects_only=not assigns and opening == b"{")
            yield from hits
        elif not opening and assigns and (assigns == b":" or source.settings):
            hits, read = _in_lines(source, found)
            yield from hits
    for first, last in bibliographies.names(source):
        yield _hit(first, last)


def _is_lisp(source: Source, found: Found) -> bool:
    """A list whose bracket opens before the word, as in `(authors "…" "…")`."""
    before = source.raw[found.start(1) - 1 : found.start(1)]
    return before == b"(" and source.raw[found.end() : found.end() + 1] == b'"'


def _opens_a_list(found: Found) -> bool:
    """Something assigns, or it is a block of Gradle."""
    if found.group(2):
        return True
    return bool(found.group(3) == b"{" and bytes(found.group(1)).lower() == b"developers")


def _in_brackets(source: Source, start: int, objects_only: bool) -> tuple[list[Hit], int]:
    """The names in the strings up to where the bracket closes, and where that is."""
    hits: list[Hit] = []
    before = start
    # For each open bracket whether it has named a person; None if what is in it only belongs to one who is named.
    open_brackets: list[bool | None] = [False]
    for piece in _PIECE.finditer(source.raw, start, start + _LONGEST):
        if piece.group() in (b"[", b"(", b"{"):
            outer = open_brackets[-1]
            owned = outer is None or outer and not _leads_to_persons(source, piece.start())
            open_brackets.append(None if owned else False)
            continue
        if piece.group(1) is None:
            open_brackets.pop()
            if not open_brackets:
                return hits, piece.end()
            continue
        found = _FIELD.search(source.raw, max(before, piece.start() - 60), piece.start())
        field = (found.group(1) or found.group(2)).decode().lower().replace("_", "-") if found else ""
        before = piece.start()
        if open_brackets[-1] is None and field not in _PARTS:
            continue
        if field:
            names_one = field in _WHOLE or field in _PARTS
            open_brackets[-1] = None if open_brackets[-1] is None else open_brackets[-1] or names_one
            hits += _of_field(source, field, piece.start() + 1, piece.end() - 1)
        elif not objects_only and not _IS_KEY.match(source.raw, piece.end()):
            hits += _names(source, piece.start() + 1, piece.end() - 1)
    return hits, start + _LONGEST


def _leads_to_persons(source: Source, place: int) -> bool:
    """Behind the key before a bracket other persons stand, and not what one has."""
    return _OF_PERSONS.search(source.raw, max(0, place - 60), place) is not None


def _in_lines(source: Source, found: Found) -> tuple[list[Hit], int]:
    """The names in the lines below a word that ends its line, or aligned with a name behind it."""
    hits: list[Hit] = []
    column, place = found.start(1) - _line_start(source.raw, found.start(1)), found.end()
    same_line = source.raw[found.end() - 1 : found.end()] != b"\n"
    if same_line:
        column = place - _line_start(source.raw, place)
        end = source.raw.find(b"\n", place, place + 400)
        if end < 0 or not list(leading_names(source.raw[place:end].decode("utf-8", "ignore"))):
            return hits, place
        place = end + 1
    blanks = 0
    for _ in range(_MOST_LINES):
        end = source.raw.find(b"\n", place, place + 400)
        end = len(source.raw) if end < 0 and len(source.raw) - place <= 400 else end
        line = _LINE.match(source.raw[place : max(end, place)].decode("utf-8", "replace").rstrip("\r"))
        if end < 0 or line is None:
            break
        rest = line.start(2) if line.group(2) else line.start(3)
        if line.group(3):
            bullet = "-" in line.group(1) or "*" in line.group(1)[1:].strip()
            if same_line and rest != column or rest < column or rest == column and source.settings and not bullet:
                break
            fresh = list(_of_line(source, line, place))
            if not fresh and (same_line or not (source.settings or line.group(2))):
                break
            hits, blanks = hits + fresh, 0
        else:
            blanks += 1
        if blanks > 1 or end >= len(source.raw):
            break
        place = end + 1
    return hits, place


def _of_line(source: Source, line: re.Match[str], place: int) -> Iterator[Hit]:
    """The names of a line of a list."""
    start = place + len(line.string[: line.start(3)].encode())
    end = start + len(line.group(3).rstrip("\"', ").encode())
    if line.group(2):
        yield from _of_field(source, line.group(2).lower().replace("_", "-"), start, end)
        return
    text = line.group(3)
    spans = list(leading_names(text))
    if spans and not text[: spans[0][0]].strip("[(<*_ ") and _ENDS.match(text, spans[0][1]):
        yield from _names(source, start, end)


def _of_field(source: Source, field: str, start: int, end: int) -> Iterator[Hit]:
    """The names in the value of a field of a person."""
    if field in _WHOLE:
        yield from _names(source, start, end)
    elif field in _PARTS and is_part_of_name(_text(source, start, end)[0]):
        yield _hit(start, end)


def _names(source: Source, start: int, end: int) -> Iterator[Hit]:
    """The names that a string holds, from its beginning on."""
    text, places = _text(source, start, end)
    for first, last in leading_names(text):
        yield _hit(places[first], places[last])


def _text(source: Source, start: int, end: int) -> tuple[str, list[int]]:
    """A piece of the text with its escaped letters as letters, and the byte at which each of them stands."""
    raw = source.raw[start:end].decode("utf-8", "replace")
    text, places, place, at = [], [], start, 0
    while at < len(raw):
        escaped = _ESCAPED.match(raw, at)
        written = escaped.group() if escaped else raw[at]
        text.append(chr(int(escaped.group(1), 16)) if escaped else written)
        places.append(place)
        place += len(written.encode("utf-8", "surrogatepass"))
        at += len(written)
    return "".join(text), [*places, place]


def _hit(start: int, end: int) -> Hit:
    return Hit(start, end, "NAME", "author_list", 0.75)


def _line_start(raw: bytes, place: int) -> int:
    return raw.rfind(b"\n", max(0, place - 400), place) + 1
