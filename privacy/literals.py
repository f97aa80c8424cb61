"""Literals: where the value of an assignment stands.

In: the bytes of a text and the place behind an assignment. Out: the span of the value without its quotes, in bytes, or
None. A span never crosses a line and never holds the quote that ends it; it may begin on the line below its name. Costs
about 2 microseconds a call.
"""

import re

from gleanery.privacy.references import Place
from gleanery.privacy.source import Source

LONGEST = 4096  # bytes: keys of clouds have up to 1,500; a longer literal is data
MOST_PARTS = 20  # of one value

# The sign itself, behind a backslash, or as pages, strings and addresses of the web write it.
QUOTE = r"\\?[\"'`]|&quot;|&#34;|\\{1,2}u0022|%22"
# Tried at one place only and bounded, so Python's own engine is linear here, and quicker to call.
_OPENING = re.compile(
    rb"(?:[bBrRuUfFL@$]{0,2}|(?:new[ \t])?(?:std::)?Q?[sS]tring(?:::from|::new|Literal)?\(|Some\(|_?[FT]\()(%b)"
    % QUOTE.encode()
)
# Literals of Perl, Ruby and Lua that end in the sign that mirrors the first one.
_BRACKETED = re.compile(rb"(?:%[qQ]|qq?)([({\[<|!/])|\[(=*)\[")
_MIRRORED = {b"(": b")", b"{": b"}", b"[": b"]", b"<": b">"}
# A bracket, a remark and one line end may stand before a literal. What stands before a colon there is a key of its own.
_BELOW = re.compile(rb"\(?[ \t]{0,20}(?:(?:\\|(?:#|//)[^\n]{0,120})?\r?\n[ \t]{0,120})?")
_KEY_END = re.compile(rb"[\"'`][ \t]{0,8}:(?!:)")
# What joins two literals, and what closes a few that only stand one below the other.
_SIGN = rb"(\+|\.{1,2}|&|\\)?[ \t]{0,20}"
_JOINT = re.compile(rb"[\"'`]{1,3}[ \t]{0,20}" + _SIGN + rb"(?:(?:#|//)[^\n]{0,120})?(?:\r?\n[ \t]{0,120})?" + _SIGN)
_CLOSED = re.compile(rb"[\"'`]{1,3}\s{0,80}[;)]")
# The mark of a block of YAML, and what stands before the only line of one.
_BLOCK = re.compile(rb"[|>][+-]?[1-9]?[ \t]{0,20}(?:#[^\n]{0,120})?\r?\n([ \t]{1,80})([^\s#][^\n]{0,4095})")
_BEFORE_BLOCK_LINE = re.compile(rb"[|>][+-]?[1-9]?[ \t]{0,20}(?:#[^\n]{0,120})?\r?\n[ \t]{1,80}$")
_BARE = re.compile(rb"[^\s\"'`<>,;&()\[\]{}|\\-][^\s\"'`<>,;&()\[\]{}|\\]{2,4095}")
# Nothing but a name and what assigns, also as an item of a list, in quotes, or exported; then one in whose quotes the
# value stands too, as in `- "NAME=value"`.
_SETTING = re.compile(rb"[ \t]*(?:-[ \t]+)*(?:export[ \t]+)?([\"']?)[\w.\-/\[\]]+\1[ \t]*[:=][ \t]*")
_QUOTED_SETTING = re.compile(rb"[ \t]*(?:-[ \t]+)+([\"'])[\w.\-]+=")
_REMARK = {"yaml": re.compile(rb"[ \t]+#.*"), "lines": re.compile(rb"[ \t]+[#;].*")}
_LETTER, _DIGIT = re.compile(rb"[A-Za-z]"), re.compile(rb"[0-9]")
# What begins a tag, an anchor or an alias of YAML, but in an item such as `- NAME=value`.
_TAGS, _ITEM = (b"!", b"&", b"*"), re.compile(rb"=[ \t]*$")
_OPEN_CALL = re.compile(rb"[A-Za-z_][\w.]*\([^()]*")
_BOLD = re.compile(rb"\*\*(.+)\*\*")
_APP_PASSWORD = re.compile(rb"[a-z]{4}(?: [a-z]{4}){3}")
# A sign that parts settings does so before the next name, or where the string ends; elsewhere it is of the value.
_SAME_VALUE = rb"(?!(?:amp;|#38;)?[\w.\-%\[\] ]{1,40}=)(?!amp;|#38;)"
_IN_STRING = re.compile(
    rb"(?:&%b)?[^\s\"'`<>,;&\\]{1,4096}(?:[,;&]%b[^\s\"'`<>,;&\\]{1,80}){0,5}" % (_SAME_VALUE, _SAME_VALUE)
)
_NEXT_PART = re.compile(rb"[ \t][A-Za-z_]{2,30}=")
_ELEMENT = re.compile(
    rb"\s{0,100}(?:<!\[CDATA\[\s{0,100}((?:[^<>\]\n]|\](?!\]>)){1,4096})\]\]>\s{0,100}|([^<>\s][^<>\n]{0,4095})(?:\n\s{0,100})?)</"
)


def quoted_span(raw: bytes, place: int) -> tuple[int, int] | None:
    """The inside of a string literal that opens at `place`: prefixes, constructors and escaped quotes are understood.

    >>> quoted_span(b'x = b"abc" + y', 4)
    (6, 9)
    """
    opening = _OPENING.match(raw, place)
    if opening is None:
        return _bracketed_span(raw, place)
    quote = bytes(opening.group(1))
    start = opening.end()
    if raw.startswith(quote * 2, start):
        quote, start = quote * 3, start + 2 * len(quote)
    end = _closing(raw, start, quote)
    return (start, end) if end is not None and end > start else None


def literal_span(raw: bytes, place: int) -> tuple[int, int] | None:
    """A literal that opens at `place`, behind a bracket, or on the next line, as formatters write long ones.

    >>> literal_span(b'x = (  # ours\\n    "abc"\\n)', 4)
    (19, 22)
    """
    if span := quoted_span(raw, place):
        return span
    below = _BELOW.match(raw, place)
    span = quoted_span(raw, below.end()) if below and below.end() > place else None
    return None if span and _KEY_END.match(raw, span[1]) else span


def joined_spans(raw: bytes, span: tuple[int, int]) -> list[tuple[int, int]]:
    """The literals that a language joins to the one of a span, that one included, as writers part what is long.

    >>> joined_spans(b'x = ("abc"\\n     "def")', (6, 9))
    [(6, 9), (17, 20)]
    """
    spans, sure = [span], True
    while len(spans) < MOST_PARTS and (joint := _JOINT.match(raw, spans[-1][1])):
        following = quoted_span(raw, joint.end())
        if following is None:
            break
        sure = sure and bool(joint.group(1) or joint.group(2))
        spans.append(following)
    # Without a sign between them, what stands below may be a remark, so something has to close the whole.
    return spans if sure or _CLOSED.match(raw, spans[-1][1]) else [span]


def _bracketed_span(raw: bytes, place: int) -> tuple[int, int] | None:
    """The inside of `q{...}`, `%q(...)` and `[[...]]`.

    >>> _bracketed_span(b"x = q{abc};", 4), _bracketed_span(b"x = [=[abc]=]", 4)
    ((6, 9), (7, 10))
    """
    opening = _BRACKETED.match(raw, place)
    if opening is None:
        return None
    sign = opening.group(1)
    closing = _MIRRORED.get(sign, sign) if sign else b"]" + opening.group(2) + b"]"
    start = opening.end()
    end = _closing(raw, start, closing)
    return (start, end) if end is not None and end > start else None


def block_span(source: Source, place: int) -> tuple[int, int] | None:
    """The value of a setting of YAML that stands below a block mark at `place`, if it is one line."""
    found = _BLOCK.match(source.raw, place) if source.settings == "yaml" else None
    if found is None:
        return None
    after = source.raw[found.end() : found.end() + 2 + len(found.group(1))].lstrip(b"\n")
    if after.startswith(found.group(1)) and after.strip():
        return None  # the next line is of the same block
    return found.start(2), found.start(2) + len(found.group(2).rstrip())


def place_of(source: Source, span: tuple[int, int]) -> Place:
    """Where a value stands: alone in a line of settings, or in a literal, with variables or without."""
    if span == setting_span(source, span[0]):
        return Place.SETTING
    window = max(0, span[0] - 240)
    block = source.settings == "yaml" and _BEFORE_BLOCK_LINE.search(source.raw, window, span[0])
    if block and not source.after(span[1]).strip():
        return Place.SETTING
    quoted = source.raw[span[0] - 1 : span[0]] == b"'"
    return Place.VARIABLES if source.variables and not quoted else Place.LITERAL


def bare_span(source: Source, place: int) -> tuple[int, int] | None:
    """A value without quotes, as settings files and shell scripts have it: up to a blank, a bracket or a separator."""
    span = _at(_BARE, source.raw, place)
    if span is None or source.raw[span[1] : span[1] + 1] in (b"(", b"[", b"{") or source.raw.startswith(b"//", place):
        return None  # a call, or an address whose scheme stands before it
    start, end = span
    if source.settings == "yaml" and source.raw[start : start + 1] in _TAGS and not _ITEM.search(source.before(start)):
        return None
    if source.raw[end - 1 : end + 1] == b"->" or _OPEN_CALL.fullmatch(source.raw, start, end):
        return None  # code in prose: `$this->login`, `hash(password, salt)`
    while end > start and source.raw[end - 1 : end] in (b".", b":", b"!", b"?"):
        end -= 1
    if not source.settings and (bold := _BOLD.fullmatch(source.raw, start, end)):
        return bold.span(1) if _DIGIT.search(bold.group(1)) else None
    return start, end


def setting_span(source: Source, place: int) -> tuple[int, int] | None:
    """The value of a line that is nothing but a name and a value, by the rule of its format: up to the end of the line
    or a remark. A value with blanks counts if each of its parts has letters and digits, since it may be a sentence.
    """
    if not source.settings:
        return None
    head, line = source.before(place, LONGEST), source.after(place, LONGEST)
    if len(head) == LONGEST or len(line) == LONGEST:
        return None
    if opened := _QUOTED_SETTING.fullmatch(head):
        end = line.find(bytes(opened.group(1)))
        return (place, place + end) if end > 0 else None
    if not _SETTING.fullmatch(head):
        return None
    value = _REMARK[source.settings].sub(b"", line, count=1).rstrip(b" \t\r")
    value = value[:-1] if value.endswith((b",", b";")) else value
    if source.settings == "yaml" and value[:1] == value[-1:] == b"'" and b"''" in value[1:-1]:
        return place + 1, place + len(value) - 1  # a quote is written twice in the quotes of this format
    parts = value.split()
    if not parts or value[:1] in b"\"'`" or source.settings == "yaml" and not _is_plain(head, value):
        return None
    if _APP_PASSWORD.fullmatch(value):
        return place, place + len(value)
    if len(parts) > 1 and not all(_LETTER.search(part) and _DIGIT.search(part) for part in parts):
        return None
    return place, place + len(value)


def _is_plain(head: bytes, value: bytes) -> bool:
    """A value of YAML is what it looks like: no tag, anchor, alias or block, as none stands behind `=`."""
    return not head.rstrip().endswith(b":") or value[:1] not in b"!&*%|>[{"


def string_part_span(source: Source, place: int) -> tuple[int, int] | None:
    """A value without quotes inside a string literal, as in a connection string: it ends at `;`, `&` or the quote, or
    at a blank before the next `name=`.
    """
    before = source.before(place, 400)
    if not any(before.count(quote) % 2 for quote in (b'"', b"'", b"`")):
        return None
    span = _at(_IN_STRING, source.raw, place)
    if span is None or span[1] - span[0] < 3:
        return None
    ends = source.raw[span[1] : span[1] + 1] in (b";", b"&", b'"', b"'", b"`", b",")
    return span if ends or _NEXT_PART.match(source.raw, span[1]) else None


def element_span(source: Source, place: int) -> tuple[int, int] | None:
    """The text of an XML element between its tags, which may stand on lines of their own; or in a CDATA section."""
    found = _ELEMENT.match(source.raw, place)
    if found is None:
        return None
    text = 1 if found.group(1) is not None else 2
    return found.start(text), found.start(text) + len(found.group(text).rstrip())


def _at(pattern: re.Pattern[bytes], raw: bytes, place: int) -> tuple[int, int] | None:
    found = pattern.match(raw, place)
    return found.span() if found else None


def _closing(raw: bytes, start: int, quote: bytes) -> int | None:
    """Where a quote closes a literal on the same line; what a backslash escapes closes none."""
    place, limit = start, min(len(raw), start + LONGEST)
    line_end = raw.find(b"\n", start, limit)
    limit = line_end if line_end >= 0 else limit
    while (end := raw.find(quote, place, limit)) >= 0:
        escape = raw.find(b"\\", place, end)
        if escape < 0:
            return end
        place = escape + 2
    return None
