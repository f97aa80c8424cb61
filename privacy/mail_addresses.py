"""Mail addresses.

In: a source. Out: hits on e-mail addresses. Left: addresses that stand for any address (`user@example.com`), remote
shells and repositories (`git@host:path`), the user part of URLs, decorators, labels, templates, protocol names, and
senders that nobody reads (`noreply@`).
"""

from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import Found, compile_pattern
from gleanery.privacy.rules import load_rules
from gleanery.privacy.source import Source

NAME, ENTITIES = "mail_address", ("EMAIL",)
GATES = {NAME: Condition("@[A-Za-z0-9]", (b"@",))}

# RFC 5321 allows 64 characters before the @ and 63 in a label. A label that stands last has letters only.
_ADDRESS = compile_pattern(
    r"[A-Za-z0-9_\x80-\xff](?:[A-Za-z0-9._+\-\x80-\xff\[\]]{0,62}[A-Za-z0-9_+\-\x80-\xff\]])?@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,6}(?:[A-Za-z]{2,15}|xn--[A-Za-z0-9\-]{2,40})"
)
_TEMPLATE_BEFORE = b"}$%<>)]{/@#~`"
_LABELS = frozenset(b"this return super break continue self".split())  # Kotlin: this@Activity.name
_NOBODY = frozenset(("noreply", "no-reply", "no_reply", "donotreply", "do-not-reply"))
_RESERVED = ("example", "test", "invalid", "localhost", "local", "internal", "lan", "localdomain")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    for found in _ADDRESS.finditer(source.raw):
        start = found.start()
        if source.raw[start - 1 : start] == b"\\" and start:
            start += 1  # the letter belongs to an escape such as \n
        local, _, domain = source.raw[start : found.end()].decode("utf-8", "replace").partition("@")
        if local and domain and _is_real(local, domain) and _fits(source, start, found):
            yield Hit(start, found.end(), "EMAIL", "mail_address", 0.9)


def _is_real(local: str, domain: str) -> bool:
    words = load_rules().words
    local, domain = local.lower(), domain.lower()
    labels = domain.split(".")
    if labels[-1] not in words["top_level_domains"] and not labels[-1].startswith("xn--"):
        return False
    if labels[-1] in _RESERVED or labels[-2] == "example" or domain in words["algorithm_domains"]:
        return False
    if local in _NOBODY or local.endswith("[bot]"):
        return False
    stand_in = local in words["stand_in_locals"] or local.startswith(("your", "my_", "my."))
    return not (stand_in and domain in words["stand_in_domains"])


def _fits(source: Source, start: int, found: Found) -> bool:
    raw, end = source.raw, found.end()
    before, after = raw[start - 1 : start] if start else b"", raw[end : end + 2]
    if before and before in _TEMPLATE_BEFORE and before not in b"<>)" or after[:1] in (b"(", b"@", b"_"):
        return False
    if before == b"/" or raw[start : found.end()].split(b"@")[0] in _LABELS:
        return False
    if after[:1].isalnum() or after[:1] == b"-" or after[:1] == b"." and after[1:].isalnum():
        return False
    if after[:1] == b":" and after[1:].strip() and after[1:] not in (b"\\", b'"', b"'"):
        return False  # git@host:path and scp targets
    # user:password@host inside a URL is the other recogniser's
    return not (before == b":" and b"://" in source.before(start, 120).split(b" ")[-1])
