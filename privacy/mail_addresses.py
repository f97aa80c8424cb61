"""Mail addresses.

In: a source. Out: hits on e-mail addresses. Left: addresses that stand for any address (`user@example.com`), remote
shells and repositories (`git@host:path`), the user part of URLs, decorators, labels, templates, protocol names, and
senders that nobody reads (`noreply@`).
"""

from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.rules import load_rules
from gleanery.privacy.source import Source

NAME, ENTITIES = "mail_address", ("EMAIL",)
GATES = {NAME: Condition("@[A-Za-z0-9]", (b"@",))}

# Found from the @ on, since that sign is rare; the part before it is read backwards. RFC 5321 allows 64 characters
# there and 63 in a label. The last label has letters only.
_DOMAIN = compile_pattern(
    r"@((?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,6}(?:[A-Za-z]{2,15}|xn--[A-Za-z0-9\-]{2,40}))"
)
_LOCAL = bytes(b for b in range(256) if b < 128 and (chr(b).isalnum() or chr(b) in "._+-[]"))
_TEMPLATE_BEFORE = b"}$%<>)]{/@#~`"
_LABELS = frozenset(b"this return super break continue self".split())  # Kotlin: this@Activity.name
_NOBODY = frozenset(("noreply", "no-reply", "no_reply", "donotreply", "do-not-reply"))
_RESERVED = ("example", "test", "invalid", "localhost", "local", "internal", "lan", "localdomain")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    for found in _DOMAIN.finditer(source.raw):
        at, end = found.start(), found.end()
        start = _local_start(source.raw, at)
        local = source.raw[start:at].decode("ascii")
        domain = source.raw[at + 1 : end].decode("ascii")
        if local and not local.endswith((".", "[")) and _is_real(local, domain) and _fits(source, start, at, end):
            yield Hit(start, end, "EMAIL", "mail_address", 0.9)


def _local_start(raw: bytes, at: int) -> int:
    """Where the part before the @ begins; `at` itself if it is longer than an address may have."""
    window = raw[max(0, at - 65) : at]
    local = window[len(window.rstrip(_LOCAL)) :]
    if len(local) > 64:
        return at
    start = at - len(local.lstrip(b".+-[]"))
    escaped = start > 0 and raw[start - 1] == 0x5C  # the letter belongs to an escape such as \\n
    return start + 1 if escaped else start


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


def _fits(source: Source, start: int, at: int, end: int) -> bool:
    raw = source.raw
    before, after = raw[start - 1 : start] if start else b"", raw[end : end + 2]
    if before and before in _TEMPLATE_BEFORE and before not in b"<>)" or after[:1] in (b"(", b"@", b"_"):
        return False
    if before == b"/" or raw[start:at] in _LABELS:
        return False
    if after[:1].isalnum() or after[:1] == b"-" or after[:1] == b"." and after[1:].isalnum():
        return False
    if after[:1] == b":" and after[1:].strip() and after[1:] not in (b"\\", b'"', b"'"):
        return False  # git@host:path and scp targets
    # user:password@host inside a URL is the other recogniser's
    return not (before == b":" and b"://" in source.before(start, 120).split(b" ")[-1])
