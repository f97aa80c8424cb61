"""Values in calls: passwords and keys whose telling name and value are parted by a call, or stand the other way round.

In: a source. Out: hits for the values only. Read are values that a call makes into another form (`[]byte("…")`),
comparisons by a method or with the value first, defaults in placeholders, in blocks and of the environment, what a
test types into a field for passwords, and directives of servers. The name decides what is looked for and the value
whether it is one, as for assignments. Each pattern has a gate of its own, so a text without such a place costs
nothing more.
"""

import re
from collections.abc import Iterator

from gleanery.privacy.assignments import judged
from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.literals import bare_span, quoted_span
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.secret_names import wanted_by
from gleanery.privacy.source import Source

NAME, ENTITIES = "call_value", ("PASSWORD", "KEY")
_WORDS = ("pass", "pwd", "psw", "pword", "secret", "token", "key", "auth", "cred")
_STEM = f"(?:{'|'.join(_WORDS)})"
# Behind a name: what assigns, and a call that makes bytes, a pointer or a guarded string of a literal.
_MADE = (
    rf"{_STEM}[\w.]{{0,40}})[\"'`]?\]?[ \t]{{0,4}}(?::?=|:)[ \t]{{0,8}}"
    r"(?:\[\](?:byte|rune)|(?:aws|proto|pointer|to)\.string(?:ptr)?|(?:pointer|ptr)\.(?:to|of)|(?:str_?|string_?)?ptr"
    r"|secret(?:str|string)?(?:::new|::from)?)\("
)
# It is asked whether it equals a literal.
_EQUALS = rf"{_STEM}[\w.]{{0,30}})(?:\(\))?\.(?:equals\w{{0,20}}|compareto|iseq\w{{0,12}})\([ \t]?"
# Behind a literal: what compares it with a name.
_REVERSED = (
    r"(?:[ \t]{0,4}(?:={2,3}|!={1,2})[ \t]{0,4}|\.equals\w{0,20}\([ \t]?)"
    rf"\$?((?:[a-z_][\w.>\[\]\"'\-]{{0,60}})?{_STEM}[\w\"'\]]{{0,30}})"
)
# `${db.password:value}` of Spring and others, and a block with the default: `ENV.fetch("DB_PASSWORD") { "value" }`.
_PLACEHOLDER = rf"\$\{{([\w.\-]{{0,60}}{_STEM}[\w.\-]{{0,40}}):([^\s{{}}\"'`?+=\-][^\s{{}}\"'`]{{3,200}})\}}"
_BLOCK = rf"fetch\([ \t]?[\"']([\w.\-]{{0,60}}{_STEM}[\w.\-]{{0,40}})[\"'][ \t]?\)[ \t]{{0,3}}(?:\{{|do\b)[ \t]{{0,3}}"
# A variable of the environment and what stands in for it: behind an operator, or as an argument called default.
_ENVIRONMENT = (
    rf"(?:\b(?:env|environ)(?:\.get\(|\.|\[)|\$_(?:env|server)\[|getenv\()[ \t]?[\"'`]?"
    rf"([\w.\-]{{0,60}}{_STEM}[\w.\-]{{0,40}})"
    r"[\"'`]?[ \t]?[\])]{0,3}[ \t]{0,4}(?:\|\||\?\?|\bor\b|\?:|\.orelse\()\s{0,40}"
)
_DEFAULT = (
    rf"\b(?:config|env(?:\.\w{{1,12}})?|getenv|environ\.get|get_env\w*)\(\s{{0,40}}[\"']([\w.\-]{{0,60}}{_STEM}[\w.\-]{{0,40}})[\"'],"
    r"\s{0,40}(?:cast[ ]?=[ ]?\w{1,12},\s{0,40})?default[ \t]?=[ \t]?"
)
# A string of C++ that is made in braces, and a function that does nothing but return what it is called after.
_BRACED = rf"\b(?:\w{{0,4}}string|string_view)[ \t]{{1,4}}(\w{{0,60}}{_STEM}\w{{0,40}})\{{[ \t]?"
_GETTER = (
    rf"\bget_?(\w{{0,60}}{_STEM}\w{{0,40}})\([ \t]?\)"
    r"(?:[ \t]{0,4}(?::|const\b|override\b)[ \t]{0,4}[\w?]{0,20})?"
    r"\s{0,20}\{\s{0,40}return[ \t(]{1,4}"
)
# A selector of a field for passwords, and what a test types into it: both arguments of a call, or a call on the field.
_FIELD = r"(?:\"[^\"\n]{0,80}passw[^\"\n]{0,24}\"|'[^'\n]{0,80}passw[^'\n]{0,24}'|`[^`\n]{0,80}passw[^`\n]{0,24}`)"
_TYPED = (
    r"(?:\b(?:fill|type|fill_?in|set_?value|set_?text|send_?keys|input)(?:_?(?:element|field|form|input|text))?"
    r"[ \t]?\(?[ \t]?(?:[\w.$]{1,40},[ \t]?)?"
    rf"{_FIELD},[ \t]{{0,4}}(?:\{{?[ \t]?with:[ \t]{{0,2}})?"
    rf"|{_FIELD}(?:,[ \t]?[\"']\w{{1,20}}[\"'])?[ \t]?\){{1,3}}(?:(?:\.|->)\w{{1,20}}\(\)){{0,2}}"
    r"(?:\.|->)(?:type|fill|val|value|send_?keys|settext|setvalue|presssequentially|replacetext|typetext)\()[ \t]?"
)
# Directives of servers: a header that is handed on, and words that mean a password without saying so.
_HEADER = r"(?:proxy_set_header|add_header|requestheader[ \t]{1,8}set)[ \t]{1,8}"
_DIRECTIVE = (
    r"(?:(?m:^)[ \t#]{0,12}(?:requirepass|masterauth|rootpw)[ \t]{1,8}(?:--plaintext[ \t]{1,8})?"
    r"|--(?:requirepass|masterauth)(?:[ \t]{1,8}|[\"'],[ \t]{0,8})|\binsecure-password[ \t]{1,8})"
)
_STEMS = tuple(word.encode() for word in _WORDS)
GATES = {
    "call_made": Condition(f"(?:{_MADE}", _STEMS, True),
    "call_equals": Condition(f"(?:{_EQUALS}", _STEMS, True),
    "call_reversed": Condition(rf"[\"']{_REVERSED}", _STEMS, True),
    "call_placeholder": Condition(_PLACEHOLDER, _STEMS, True),
    "call_block": Condition(_BLOCK, (b"fetch(",), True),
    "call_environment": Condition(_ENVIRONMENT, (b"env", b"$_server"), True),
    "call_default": Condition(_DEFAULT, (b"default",), True),
    "call_braced": Condition(_BRACED, (b"string",), True),
    "call_getter": Condition(_GETTER, (b"return",), True),
    "call_typed": Condition(_TYPED, (b"passw",), True),
    "call_header": Condition(_HEADER, (b"proxy_set_header", b"add_header", b"requestheader"), True),
    "call_directive": Condition(_DIRECTIVE, (b"requirepass", b"masterauth", b"rootpw", b"insecure-password"), True),
}
_NAMED = {
    "call_made": compile_pattern(rf"(?i)([\w.]{{0,60}}{_MADE}"),
    "call_equals": compile_pattern(rf"(?i)([\w.]{{0,60}}{_EQUALS}"),
    "call_block": compile_pattern(f"(?i){_BLOCK}"),
    "call_environment": compile_pattern(f"(?i){_ENVIRONMENT}"),
    "call_default": compile_pattern(f"(?i){_DEFAULT}"),
    "call_braced": compile_pattern(f"(?i){_BRACED}"),
    "call_getter": compile_pattern(f"(?i){_GETTER}"),
}
_LITERAL_FIRST = compile_pattern(rf"(?i)(?:\"([^\"'`\s\\]{{4,128}})\"|'([^\"'`\s\\]{{4,128}})'){_REVERSED}")
_DEFAULTS = compile_pattern(f"(?i){_PLACEHOLDER}")
_HEADERS = compile_pattern(rf"(?im)^[ \t]*{_HEADER}([\w.\-]{{2,80}})[ \t]{{1,8}}")
_SURE = {"call_typed": compile_pattern(f"(?i){_TYPED}"), "call_directive": compile_pattern(f"(?i){_DIRECTIVE}")}


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes; hits may overlap."""
    raw, present = source.raw, source.present
    for gate, pattern in _NAMED.items():
        for found in pattern.finditer(raw) if gate in present else ():
            yield from _named(source, found.group(1), quoted_span(raw, found.end()))
    for found in _LITERAL_FIRST.finditer(raw) if "call_reversed" in present else ():
        group = 1 if found.start(1) >= 0 else 2
        yield from _named(source, _last_name(found.group(3)), (found.start(group), found.end(group)))
    for found in _DEFAULTS.finditer(raw) if "call_placeholder" in present else ():
        yield from _named(source, found.group(1), (found.start(2), found.end(2)))
    for found in _HEADERS.finditer(raw) if "call_header" in present and source.bare_values else ():
        yield from _named(source, found.group(1), quoted_span(raw, found.end()) or bare_span(source, found.end()))
    for gate, pattern in _SURE.items():
        for found in pattern.finditer(raw) if gate in present else ():
            bare = source.bare_values and gate == "call_directive"
            span = quoted_span(raw, found.end()) or (bare_span(source, found.end()) if bare else None)
            yield from _named(source, b"place.password", span)


def _named(source: Source, name: bytes, span: tuple[int, int] | None) -> Iterator[Hit]:
    """The hit on a value, if its name asks for one."""
    text = name.decode("utf-8", "replace")
    wanted = wanted_by(text) if span else ""
    if span and wanted in ("PASSWORD", "KEY"):
        yield from judged(source, span, text, wanted)


def _last_name(reference: bytes) -> bytes:
    """The last name of `user.password`, `$this->password`, `$_POST['password']`."""
    return re.split(rb"[.>\[]", reference.rstrip(b"]\"'-.>"))[-1].strip(b"\"'")
