"""Mail addresses.

In: a source. Out: hits on e-mail addresses, also as people write them against collectors (`name at host dot org`,
`name [at] host.org`). Left: addresses that stand for any address (`user@example.com`), remote
shells and repositories (`git@host:path`), the user part of URLs, decorators, labels, templates, protocol names, and
senders that nobody reads (`noreply@`).
"""

import re
from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.rules import load_rules
from gleanery.privacy.source import Source

NAME, ENTITIES = "mail_address", ("EMAIL",)
HIDDEN = "mail_address_in_words"
# Found from the @ on, since that sign is rare; the part before it is read backwards. RFC 5321 allows 64 characters
# there and 63 in a label. The last label has letters only.
_DOMAIN = compile_pattern(
    r"@((?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,6}(?:[A-Za-z]{2,15}|xn--[A-Za-z0-9\-]{2,40}))"
)
_LOCAL = bytes(b for b in range(256) if b < 128 and (chr(b).isalnum() or chr(b) in "._+-[]"))
# What opens a template at once before an address; a directive such as %s or %-8s that could be the begin of one; a byte
# as an address of the web writes it.
_TEMPLATE_ENDS, _TEMPLATE_OPENS = b"}]$@", (b"${", b"{{", b"#{", b"%{", b"<%")
_DIRECTIVE = re.compile(rb"%[0-9.+\-]{0,6}[dicpqrsuvx](?:[._+\-][^%]*)?")
_ENCODED_BYTE = re.compile(rb"%[0-9][0-9A-Fa-f]")
_IN_PATH = re.compile(rb"[\w.}]/$")
_TOKEN_END = re.compile(rb"[^\s\"'<>()\[\]{}]*$")
_LABELS = frozenset(b"this return super break continue self".split())  # Kotlin: this@Activity.name
# Senders that nobody reads, and the account of every git server.
_NOBODY = frozenset(("noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "git"))
_RESERVED = ("example", "test", "invalid", "localhost", "local", "internal", "lan", "localdomain")
# What colours a terminal ends in a letter that could begin an address.
_COLOUR = re.compile(rb"(?:\x1b|\\(?:x1b|u001b|033|e))\[[0-9;]{0,16}m", re.IGNORECASE)

# In words, one of the two signs has to be plain: brackets around "at", "dot" as a word, or the whole in angle brackets.
_PART, _LABEL = r"[A-Za-z0-9][A-Za-z0-9._+\-]{0,63}", r"[A-Za-z0-9\-]{1,63}"
_MARKED_AT = r"(?:[(\[{][ \t]?at[ \t]?[)\]}]|[ \t](?:[(\[{][ \t]?at[ \t]?[)\]}]|<at>)[ \t])"
_MARKED_DOT = r"(?:[ \t]dot[ \t]|[ \t]?[(\[{][ \t]?dot[ \t]?[)\]}][ \t]?|[ \t]<dot>[ \t])"
_DOT = rf"(?:\.|{_MARKED_DOT})"
_LAST = r"([A-Za-z]{2,15})\b"
_LOCAL_PART = rf"\b({_PART}(?:{_MARKED_DOT}{_PART}){{0,3}})"
_IN_WORDS = tuple(
    compile_pattern(f"(?i){form}")
    for form in (
        rf"{_LOCAL_PART}{_MARKED_AT}((?:{_LABEL}{_DOT}){{1,5}}){_LAST}",
        rf"{_LOCAL_PART}[ \t]at[ \t]((?:{_LABEL}{_DOT}){{0,4}}{_LABEL}{_MARKED_DOT}){_LAST}",
        rf"<{_LOCAL_PART}[ \t]at[ \t]((?:{_LABEL}\.){{1,5}}){_LAST}>",
    )
)
# What each form has to show, without what stands around it: `at` or `dot` with their signs, or the whole in brackets.
GATES = {
    NAME: Condition("@[A-Za-z0-9]", (b"@",)),
    HIDDEN: Condition(
        rf"{_MARKED_AT}|[ \t]at[ \t][^\n]*{_MARKED_DOT}|[ \t]at[ \t][A-Za-z0-9.\-]+>", (b"at",), caseless=True
    ),
}
_ARTICLES = frozenset(("the.", "a.", "this.", "that."))  # "laugh at the dot com bubble"
_WRITTEN_DOT = re.compile(r"\W*\bdot\b\W*", re.IGNORECASE)


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes; hits may overlap."""
    if NAME in source.present:
        yield from _plain(source)
    if HIDDEN in source.present:
        yield from _in_words(source)


def _in_words(source: Source) -> Iterator[Hit]:
    for form in _IN_WORDS:
        for found in form.finditer(source.raw):
            local, hosts, last = (_WRITTEN_DOT.sub(".", found.group(n).decode("ascii")) for n in (1, 2, 3))
            if hosts.lower() not in _ARTICLES and _is_real(local, f"{hosts}{last}"):
                yield Hit(found.start(1), found.end(3), "EMAIL", "mail_address_in_words", 0.8)


def _plain(source: Source) -> Iterator[Hit]:
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
    for colour in _COLOUR.finditer(raw, max(0, at - 90), at):
        start = max(start, colour.end())
    if _ENCODED_BYTE.match(raw, max(0, start - 1)) and at - start > 2:
        return start + 2
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
    if after[:1] in (b"@", b"_") or raw[start:at] in _LABELS or _in_template(raw, start, at):
        return False
    if after[:1] == b"(" and raw[at:end].rpartition(b".")[2].decode().lower() in load_rules().words["methods"]:
        return False  # a product of matrices, as in `a@b.to(device)`
    token = _token_before(source, start)
    if before in (b"/", b"#", b"~") and (b"://" in token or _IN_PATH.search(token)):
        return False
    if after[:1].isalnum() or after[:1] == b"-" or after[:1] == b"." and after[1:].isalnum():
        return False
    if after[:1] == b":" and after[1:].strip() and after[1:] not in (b"\\", b'"', b"'"):
        return False  # git@host:path and scp targets
    # user:password@host inside a URL is the other recogniser's
    return not (before == b":" and b"://" in token)


def _in_template(raw: bytes, start: int, at: int) -> bool:
    """The part before the @ is one of a template or a variable; a lone bracket or a sign of a remark is not."""
    before = raw[max(0, start - 2) : start]
    if before in _TEMPLATE_OPENS or before[-1:] and before[-1:] in _TEMPLATE_ENDS:
        return True
    directive = raw.rfind(b"%", max(0, start - 7), start)
    return directive >= 0 and _DIRECTIVE.fullmatch(raw, directive, at) is not None


def _token_before(source: Source, start: int) -> bytes:
    """What stands before an address without a blank, a quote or a bracket between."""
    found = _TOKEN_END.search(source.before(start, 200))
    return found.group() if found else b""
