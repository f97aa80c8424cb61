"""Assignments: passwords and keys that stand after a telling name, in code, settings and prose.

In: a source. Out: hits for the values only, never their quotes. The name decides what is looked for (`password`,
`db_pass`, `apiToken`), the value decides whether it is one. A value without quotes counts only where the format has
no expressions, or inside a connection string. Measured on 8 MB of source code, one core: see `redact.py`.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import Found, compile_pattern
from gleanery.privacy.rules import load_rules
from gleanery.privacy.source import Source
from gleanery.privacy.values import is_key, is_password, is_stand_in

NAME, ENTITIES = "assignment", ("PASSWORD", "KEY")
_STEMS = "pass|pwd|psw|pword|secret|token|key|auth|cred|senha|contrase|kennwort|mdp|salt|nonce|jwt|otp|seed|pw|iv|sid"
GATES = {NAME: Condition("(?:" + _STEMS + ")", (), caseless=True)}

# A keyword, the rest of the name, the end of its quotes, perhaps a type, and what assigns: all of it on one line.
_ASSIGNMENT = compile_pattern(
    r"(?i)(?:" + _STEMS + r")[\w.\-]{0,40}(?P<close>(?:\\?[\"'`])?\]?)"
    r"(?:[ \t]{0,8}:[ \t]{0,3}[a-z][\w.\[\]<>?*&]{0,30}(?:[ \t]\|[ \t][\w\[\]]{1,20})?[ \t]{0,8}=|"
    r"[ \t]+(?:string|str|char|text|varchar)[ \t]{0,4}=|[ \t]{1,4}value[ \t]{0,2}=|"
    r"[ \t]{0,20}(?:=>|:=|={1,3}|!={1,2}|[:,(>])|[ \t]{1,3})[ \t]{0,20}"
)
_LEFT_OF_NAME = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
_QUOTED = compile_pattern(r"(?:(?:[bBrRuUfFL@$]{0,2}|new[ \t]String\(|String\(|Some\()(?P<quote>\\?[\"'`]{1,3}))")
_BARE = compile_pattern(r"[^\s\"'`<>,;&()\[\]{}|\\]{4,200}")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\x00-\x7f]+")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    for found in _ASSIGNMENT.finditer(source.raw):
        name = _name(source.raw, found)
        wanted = _wanted(name)
        if not wanted:
            continue
        span = _value_span(source, found, name)
        if span is None:
            continue
        value = source.raw[span[0] : span[1]].decode("utf-8", "replace")
        if value.lower() == name.lower():
            continue
        if wanted == "PASSWORD":
            if is_password(value, sure=_is_plain(name)):
                yield Hit(*span, "PASSWORD", "assigned_password", 0.8)
        elif wanted == "KEY" and is_key(value, 2.8, 8 if "secret" in name.lower() else 10):
            yield Hit(*span, "KEY", "assigned_key", 0.7)
        elif wanted == "MAYBE" and is_key(value, 3.2, 20):
            yield Hit(*span, "KEY", "assigned_random_value", 0.5)


def _name(raw: bytes, found: Found) -> str:
    """The whole name around the keyword that was found."""
    start = found.start()
    window = raw[max(0, start - 60) : start]
    left = window[len(window.rstrip(_LEFT_OF_NAME)) :]
    return (left + raw[start : found.start("close")]).decode("utf-8", "replace")


@lru_cache(maxsize=4096)
def _wanted(name: str) -> str:
    """PASSWORD, KEY, MAYBE (a key if it is random enough), or nothing, from the words of a name.

    >>> _wanted("DB_PASSWORD"), _wanted("password_field"), _wanted("github.apiToken"), _wanted("cache-key")
    ('PASSWORD', '', 'KEY', 'MAYBE')
    """
    words = load_rules().words
    parts = [w.lower() for w in _WORD.findall(name)]
    if not parts or parts[-1] in words["about_words"]:
        return ""
    if any(p in words["password_words"] for p in parts) or any(
        parts[-1].endswith(e) for e in words["password_endings"]
    ):
        return "PASSWORD"
    pairs = {f"{a}.{b}" for a, b in zip(parts, parts[1:], strict=False)}
    if any(p in words["key_words"] for p in parts) or pairs & words["key_pairs"]:
        return "KEY"
    ending = parts[-1]
    return "MAYBE" if ending.endswith(("key", "token", "secret", "auth", "cred", "keys")) else ""


def _is_plain(name: str) -> bool:
    """The name is nothing but a word for password, so a plain word behind it is one too."""
    last = name.replace("-", "_").split(".")[-1].lower()
    return last.split("_")[-1] in ("password", "passwd", "pwd", "pass", "passphrase")


def _value_span(source: Source, found: Found, name: str) -> tuple[int, int] | None:
    """Where the value stands, in bytes, or None if there is none that could be a literal."""
    raw, place = source.raw, found.end()
    operator = raw[found.end("close") : place].strip()
    named_in_quotes = bool(found.group("close"))
    quoted = next(_QUOTED.finditer(raw, place, min(len(raw), place + 16)), None)
    if quoted is not None and quoted.start() == place:
        if operator == b"," and not named_in_quotes:
            return None
        if operator == b"(" and not re.search(r"(?i)set_?\w*$|with\w*$|^\w*\.?password$", name):
            return None
        if operator == b"" and not name.startswith("-") and not _is_sql(source, found):
            return None
        return _quoted_span(raw, quoted.end(), bytes(quoted.group("quote")))
    return _bare_span(source, found, name, operator)


def _quoted_span(raw: bytes, start: int, quote: bytes) -> tuple[int, int] | None:
    """From behind the opening quote to before the closing one, on the same line."""
    if len(quote) == 2 and quote[:1] != b"\\":
        return None  # an empty string
    position = start
    limit = min(len(raw), start + 600)
    while position < limit:
        byte = raw[position : position + 1]
        if byte == b"\n":
            return None
        if raw.startswith(quote, position):
            return start, position
        position += 2 if byte == b"\\" else 1
    return None


def _bare_span(source: Source, found: Found, name: str, operator: bytes) -> tuple[int, int] | None:
    raw, place = source.raw, found.end()
    bare = next(_BARE.finditer(raw, place, min(len(raw), place + 201)), None)
    if bare is None or bare.start() != place:
        return None
    start, end = place, bare.end()
    following = raw[end : end + 1]
    if operator == b">":  # an element of XML
        opened = found.start() > 0 and b"<" in source.before(found.end("close"), 60)
        return (start, end) if opened and raw[end : end + 2] == b"</" else None
    if operator == b"" and not name.startswith("-"):
        return None
    if operator in (b",", b"("):
        return None
    if not source.bare_values and not (
        operator == b"=" and following in (b";", b'"', b"'", b"&") and _in_string(source, place)
    ):
        return None
    if following == b"(" or following == b"[" or following == b"{":
        return None
    while end > start and raw[end - 1 : end] in (b".", b":", b"!", b"?") and source.bare_values:
        end -= 1
    return start, end


def _in_string(source: Source, place: int) -> bool:
    """The position is inside a quoted string, judged by the quotes before it on its line."""
    before = source.before(place, 400)
    return before.count(b'"') % 2 == 1 or before.count(b"'") % 2 == 1 or before.count(b"`") % 2 == 1


def _is_sql(source: Source, found: Found) -> bool:
    before = source.before(found.start(), 60).lower()
    return bool(re.search(rb"\b(with|identified|encrypted|user|role|login|set)\b", before))


def stands_in(value: str) -> bool:
    """Shared with the recogniser for URLs."""
    return is_stand_in(value)
