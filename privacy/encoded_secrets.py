"""Encoded secrets: what a Secret of Kubernetes holds in base64 under names that do not say what it is.

In: a source. Out: hits on the encoded values whose text holds what the other recognisers would find in settings, behind
the value's name or behind the word "secret". What is no secret in itself (`username: d2lsbWE=`) stays. The values of a
text are looked at together, so the time stays linear: three seconds for a megabyte of them.
"""

import binascii
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

from gleanery.privacy import assignments, key_fields, provider_keys, session_cookies, url_credentials
from gleanery.privacy.credential_files import holds_account
from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import SECRETS, Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.source import Source, source_of

NAME, ENTITIES = "encoded_secret", ("KEY", "PASSWORD")
_OBJECT = r"\bkind[\"']?[ \t]{0,4}:[ \t]{0,4}[\"']?Secret\b"
GATES = {NAME: Condition(_OBJECT, (b"secret",))}

_KIND = compile_pattern(_OBJECT)
_BREAK = b"\n---"
_BETWEEN = b"\n#\n"
# A name and a word of base64 behind it or on the lines of a block below, and nothing else on the line.
_WORD = r"[A-Za-z0-9+/]{2,}={0,2}"
_FIELD = compile_pattern(
    r"(?m)^[ \t{]*[\"']?([\w.\-]{1,100})[\"']?[ \t]*:[ \t]*"
    rf"(?:[\"']?({_WORD})[\"']?|[|>][+-]?[ \t]*\r?\n[ \t]+({_WORD}(?:\r?\n[ \t]+{_WORD})*))[ \t]*[,}}]*[ \t]*\r?$"
)
_ROOMS: tuple[ModuleType, ...] = (assignments, key_fields, provider_keys, session_cookies, url_credentials)
_ALL_GATES = frozenset(name for room in _ROOMS for name in room.GATES)


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    fields, texts, starts, length = list(_fields(source.raw)), [], [], 0
    for name, start, end in fields:
        text = _decoded(source.raw[start:end])
        lines = text if b"\n" in text else b"%b=%b\nsecret=%b\n" % (name, text, text)
        starts.append(length)
        texts.append(lines + _BETWEEN if text else b"")
        length += len(texts[-1])
    written = source_of(b"".join(texts).decode(), ".env", None)
    kinds: dict[int, str] = {}
    for room in _ROOMS if written.raw else ():
        for hit in room.find(replace(written, present=_ALL_GATES)):
            if hit.entity in SECRETS:
                place = bisect_right(starts, hit.start) - 1
                kinds[place] = max(kinds.get(place, ""), hit.entity)  # a password, if its name says so
    for place, (_, start, end) in enumerate(fields):
        if place in kinds or holds_account(texts[place]):
            yield Hit(start, end, kinds.get(place, "KEY"), "encoded_secret", 0.8)


def _fields(raw: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The names of the fields of each such object, and where their values stand."""
    read = 0
    for kind in _KIND.finditer(raw):
        if kind.start() < read:
            continue
        start = max(read, raw.rfind(_BREAK, read, kind.start()))
        end = raw.find(_BREAK, kind.end())
        read = end if end >= 0 else len(raw)
        for field in _FIELD.finditer(raw, start, read):
            value = 2 if field.group(2) is not None else 3
            yield bytes(field.group(1)), field.start(value), field.end(value)


def _decoded(encoded: bytes) -> bytes:
    """The text of a value, or nothing.

    >>> _decoded(b"a0Y5eFEydlQ3eg=="), _decoded(b"Opaque"), _decoded(b"abcdefgh")
    (b'kF9xQ2vT7z', b'', b'')
    """
    try:
        text = binascii.a2b_base64(b"".join(encoded.split()), strict_mode=True).decode("utf-8").strip()
    except ValueError:
        return b""
    return text.encode() if all(c.isprintable() or c.isspace() for c in text) else b""
