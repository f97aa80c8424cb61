"""Session cookies: values that log somebody in, in a `Cookie` header, in a dictionary of cookies, and behind `-b`.

In: a source. Out: hits for the values only. The place says that a value is one of a cookie, the name (`session_cookies`
in `rules.toml`) how random it has to be. What a server sets beside it (`Path=/`) is not random. One pass.
"""

import re
from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.rules import load_rules
from gleanery.privacy.source import Source
from gleanery.privacy.values import is_key

NAME, ENTITIES = "session_cookie", ("KEY",)
GATES = {NAME: Condition(r"cookie|[ \t]-b[ \t]", (b"cookie", b"-b ", b"-b\t"), caseless=True)}
# A name with the word in it, the end of its quotes, and what assigns; or the option of a program.
_PLACE = compile_pattern(
    r"(?i)(?:cookies?\w{0,20}[\"'`]?\]?[ \t]{0,4}(?:=>|:=|[:=,(])[ \t]{0,4}|[ \t](?:-b|--cookie)[ \t]{1,4})"
    r"(?:(?:dict\(|new[ \t]\w{1,20}\(|[bfru]{1,2})?(\{|\\?[\"'`])|([\w.\-%]{1,64}=))"
)
_PAIR = re.compile(rb"(?:^|[;\s\"'`])([\w.\-%]{1,64})=([^;\s\"'`,\\]{8,1024})")
_ENTRY = re.compile(rb"[\"']([\w.\-]{1,64})[\"']\s{0,4}(?::|=>)\s{0,4}[\"']([^\"'\s]{8,1024})[\"']")
_LONGEST = 8000
# What ends a header that stands in no quotes of its own: the quote of a string around it, or code.
_HEADER_END = re.compile(rb"[\"'`(){}<>]|$")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes; hits may overlap."""
    sessions, read = load_rules().words["session_cookies"], 0
    for found in _PLACE.finditer(source.raw):
        if found.start() < read:
            continue
        opening = found.group(1)
        if opening == b"{":
            end = source.raw.find(b"}", found.end(), found.end() + _LONGEST)
            pairs = _ENTRY.finditer(source.raw, found.end(), end if end >= 0 else found.end())
        else:
            start = found.end() if opening else found.start(2)
            line = source.after(start, _LONGEST)
            ends = line.find(opening) if opening else next(_HEADER_END.finditer(line)).start()
            end = start + (ends if ends >= 0 else len(line))
            pairs = _PAIR.finditer(source.raw, start - 1, end)
        read = max(read, end)
        for pair in pairs:
            value = pair.group(2).decode("utf-8", "replace")
            known = pair.group(1).decode("ascii", "replace").lower() in sessions
            if is_key(value, 2.5, 8) if known else is_key(value, 3.2, 20):
                yield Hit(pair.start(2), pair.end(2), "KEY", "session_cookie", 0.7)
