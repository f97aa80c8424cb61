"""Mail addresses.

In: a source. Out: hits on e-mail addresses, also with a sign that a language writes in its own way (`name\\@host.org`,
`&#64;`, `%40`), and as people write them against collectors (`name at host dot org`, `name [at] host.org`). Left:
addresses that stand for any address (`user@example.com`), remote shells and repositories (`git@host:path`), user and
password of URLs, decorators, labels, templates, operators of code, protocol names, and senders that nobody reads
(`noreply@`).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import Pattern, compile_pattern
from gleanery.privacy.rules import load_rules
from gleanery.privacy.source import Source

NAME, ENTITIES = "mail_address", ("EMAIL",)
WRITTEN, HIDDEN = "mail_address_written", "mail_address_in_words"
# Found from the @ on, since that sign is rare; the part before it is read backwards. RFC 5321 allows 64 characters
# there and 63 in a label. The last label has letters only.
_HOST = r"((?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,6}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9\-]{2,40}))"
_DOMAIN = compile_pattern(f"@{_HOST}")
# The sign as pages, addresses of the web and strings write it. A backslash before any of them belongs to it.
_SIGN = r"(?:&(?:#64|#[Xx]40|commat);|%40|\\(?:u0040|x40))"
_WRITTEN_DOMAIN = compile_pattern(_SIGN + _HOST)
_LOCAL = bytes(b for b in range(256) if b < 128 and (chr(b).isalnum() or chr(b) in "._+-[]"))
# What opens a template at once before an address; a directive such as %s or %-8s that could be the begin of one; a byte
# as an address of the web writes it.
_TEMPLATE_ENDS, _TEMPLATE_OPENS = b"}]$@", (b"${", b"{{", b"#{", b"%{", b"<%")
_DIRECTIVE = re.compile(rb"%[0-9.+\-]{0,6}[dicpqrsuvx](?:[._+\-][^%]*)?")
_ENCODED_BYTE = re.compile(rb"%[0-9][0-9A-Fa-f]")
_ENCODED_SIGN = re.compile(rb"%2[BbDdEe]|%5[Ff]")
_IN_PATH = re.compile(rb"[\w.}]/$")
_TOKEN_END = re.compile(rb"[^\s\"'<>()\[\]{}]*$")
_SLASHES = (b"://", b":\\/\\/", b":\\\\")
_IN_USER_PART = re.compile(  # as in url_credentials.py
    rb":(?://|\\/\\/|\\{2,4})[^\s/@\"'`<>\\]{0,80}(?:@[\w.\-]{1,80})?:(?:[^\s/\"'`<>\\]|\\\\[^\snrt\"'`]|\\[!$&;|*#~=^u])*$"
)
# The languages in which the sign stands between two names, and what stands before such a name.
_OPERATOR_FILES = (".r", ".py", ".pyi", ".pyx", ".jl", ".m", ".ml")
_NAMES = re.compile(rb"[A-Za-z_]\w*@[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_BEFORE_NAMES = re.compile(rb"(?:=|\breturn)[ \t]*(?:[\w.]+@)?$")
_LABELS = frozenset(b"this return super break continue self".split())  # Kotlin: this@Activity.name
_NOBODY = frozenset(("noreply", "no-reply", "no_reply", "donotreply", "do-not-reply"))  # senders that nobody reads
# "Ada Lovelace <ada@host.newdomain>": what stands there is an address, whatever its last label.
_BEHIND_NAME = re.compile(rb"[A-Za-z.\x80-\xff][\w'.\-\x80-\xff]{0,40}[ \t]<$")
_SHELL = re.compile(rb"\b(?:ssh|scp|sftp|rsync|ssh-copy-id)[ \t][^|;]*$")
_ALGORITHM = re.compile(r"[0-9-]")
_RESERVED = ("example", "test", "invalid", "localhost", "local", "internal", "lan", "localdomain")
# What colours a terminal ends in a letter that could begin an address, and so does an escape of a string.
_COLOUR = re.compile(rb"(?:\x1b|\\(?:x1b|u001b|033|e))\[[0-9;]{0,16}m", re.IGNORECASE)
_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-7]{1,3}|.)")

# In words, one of the two signs has to be plain: brackets around "at", "dot" as a word, or the whole in angle brackets.
_PART, _LABEL = r"[A-Za-z0-9][A-Za-z0-9._+\-]{0,63}", r"[A-Za-z0-9\-]{1,63}"
_MARKED_AT = r"(?:[(\[{][ \t]?at[ \t]?[)\]}]|[ \t](?:[(\[{][ \t]?at[ \t]?[)\]}]|<at>)[ \t])"
_MARKED_DOT = r"(?:[ \t]dot[ \t]|[ \t]?[(\[{][ \t]?dot[ \t]?[)\]}][ \t]?|[ \t]<dot>[ \t])"
_DOT = rf"(?:\.|{_MARKED_DOT}|_dot_)"
_LAST = r"([A-Za-z]{2,24})\b"
# With hyphens around the sign, none stands in what it parts: `ada-at-host-dot-org`.
_PLAIN = "[A-Za-z0-9](?:[A-Za-z0-9.+]{0,40}[A-Za-z0-9])?"
_CAPITAL = r"(?-i:[A-Z])[\w.'\-\x80-\xff]{0,30}"  # a word of the name before it
_LOCAL_PART = rf"\b({_PART}(?:{_MARKED_DOT}{_PART}){{0,3}})"
_IN_WORDS = tuple(
    compile_pattern(f"(?i){form}")
    for form in (
        rf"{_LOCAL_PART}{_MARKED_AT}((?:{_LABEL}{_DOT}){{1,5}}){_LAST}",
        rf"{_LOCAL_PART}[ \t]at[ \t]((?:{_LABEL}{_DOT}){{0,4}}{_LABEL}{_MARKED_DOT}){_LAST}",
        rf"<{_LOCAL_PART}[ \t]at[ \t]((?:{_LABEL}\.){{1,5}}){_LAST}>",
        rf"\({_LOCAL_PART}[ \t]at[ \t]((?:{_LABEL}\.){{1,5}}){_LAST}\)",
        rf"[@\\]author[ \t]{{1,8}}{_LOCAL_PART}[ \t]at[ \t]((?:{_LABEL}\.){{1,5}}){_LAST}",
        rf"\be-?mail(?:[ \t]?:)?[ \t]{{1,4}}({_PART})[ \t]@[ \t]((?:{_LABEL}\.){{1,5}}){_LAST}",
        rf"\b({_PLAIN}(?:[-_]dot[-_]{_PLAIN}){{0,3}})[-_]at[-_]((?:[a-z0-9]{{1,40}}[-_]dot[-_]){{1,4}}){_LAST}",
        rf"\b({_PLAIN})(?:[ \t]-at-[ \t]|[ \t]_at_[ \t])((?:{_LABEL}\.){{1,5}}){_LAST}",
        rf"(?:[<(]|\be-?mail(?:[ \t]?:)?[ \t]{{1,4}}|{_CAPITAL}[ \t]{{1,2}}{_CAPITAL}(?:,|[ \t]-)?[ \t]{{1,4}})"
        rf"({_PLAIN})-at-((?:[a-z0-9]{{1,40}}\.){{1,4}}){_LAST}",
    )
)
# What each form has to show, without what stands around it: `at` or `dot` with their signs, or the whole in brackets.
GATES = {
    NAME: Condition("@[A-Za-z0-9]", (b"@",)),
    WRITTEN: Condition(
        rf"{_SIGN}[A-Za-z0-9]", (b"&#64;", b"&#x40;", b"&commat;", b"%40", b"\\u0040", b"\\x40"), caseless=True
    ),
    HIDDEN: Condition(
        rf"{_MARKED_AT}|[ \t]at[ \t][^\n]*{_MARKED_DOT}|[ \t]at[ \t][A-Za-z0-9.\-]+[>)]"
        r"|[@\\]author[ \t]{1,8}[^ \t\n]{1,64}[ \t]at[ \t]|mail[ \t:]{1,6}[^ \t\n]{1,64}[ \t]@[ \t]"
        r"|-at-|[ \t]_at_[ \t]|_at_[a-z0-9_]{1,60}_dot_",
        (b"at", b" @ ", b"\t@"),
        caseless=True,
    ),
}
_IN_ROUND_BRACKETS = _IN_WORDS[3]
_ARTICLES = frozenset(("the.", "a.", "this.", "that."))  # "laugh at the dot com bubble"
_WRITTEN_DOT = re.compile(r"[-_]dot[-_]|\W*\bdot\b\W*", re.IGNORECASE)


class _Span(NamedTuple):
    """An address: where it begins, where its sign does, where its host does, and its end."""

    start: int
    sign: int
    host: int
    end: int


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes; hits may overlap."""
    if NAME in source.present:
        yield from _plain(source, _DOMAIN)
    if WRITTEN in source.present:
        yield from _plain(source, _WRITTEN_DOMAIN)
    if HIDDEN in source.present:
        yield from _in_words(source)


def _in_words(source: Source) -> Iterator[Hit]:
    for form in _IN_WORDS:
        for found in form.finditer(source.raw):
            local, hosts, last = (_WRITTEN_DOT.sub(".", found.group(n).decode("ascii")) for n in (1, 2, 3))
            if form is _IN_ROUND_BRACKETS and not _is_persons(source, found.start(), local, f"{hosts}{last}"):
                continue
            if hosts.lower() not in _ARTICLES and is_real(local, f"{hosts}{last}"):
                yield Hit(found.start(1), found.end(3), "EMAIL", "mail_address_in_words", 0.8)


def _is_persons(source: Source, start: int, local: str, domain: str) -> bool:
    """`(roe at host.org)` behind a word for author, `(ada.roe at host.org)`, or a host that anybody has mail from;
    all else may say where something is, as `(hosted at host.org)`."""
    named = "." in local.strip(".") and not local[:1].isdigit()
    in_line = source.before(start, 100).rpartition(b"\n")[2].lower()
    return named or domain.lower() in load_rules().words["mail_hosts"] or b"author" in in_line


def _plain(source: Source, domains: Pattern) -> Iterator[Hit]:
    raw, read = source.raw, 0
    for found in domains.finditer(raw):
        sign = found.start()
        while sign > found.start() - 3 and raw[sign - 1 : sign] == b"\\":
            sign -= 1
        span = _Span(_local_start(raw, sign), sign, found.start(1), found.end())
        if raw[span.end - 1 : span.end + 1] == b"E<":  # Perl's manuals put an address between E<lt> and E<gt>
            span = span._replace(end=span.end - 1)
        span = _without_emphasis(raw, span)
        local = raw[span.start : span.sign].decode("ascii")
        domain = raw[span.host : span.end].decode("ascii")
        if not local or local.endswith((".", "[")) or not is_real(local, domain, _is_behind_name(source, span)):
            continue
        if _fits(source, span, listed=span.start - 1 == read):
            yield Hit(span.start, span.end, "EMAIL", "mail_address", 0.9)
            read = span.end


def _local_start(raw: bytes, at: int) -> int:
    """Where the part before the sign begins; `at` itself if it is longer than an address may have."""
    window = raw[max(0, at - 75) : at]
    local = window[len(window.rstrip(_LOCAL)) :]
    start = at - len(local.lstrip(b".+-[]"))
    for colour in _COLOUR.finditer(raw, max(0, at - 90), at):
        start = max(start, colour.end())
    # In `wilma%2Blist` what stands before the encoded sign is of the address too.
    while at - start <= 64 and _ENCODED_SIGN.match(raw, max(0, start - 1)):
        before = raw[max(0, start - 66) : start - 1]
        longer = start - 1 - len(before[len(before.rstrip(_LOCAL)) :].lstrip(b".+-[]"))
        if longer == start - 1:
            break
        start = longer
    if _ENCODED_BYTE.match(raw, max(0, start - 1)) and at - start > 2:
        start += 2
    elif start > 0 and (escape := _ESCAPE.match(raw, start - 1, at)):
        start = escape.end()
    return at if at - start > 64 else start


def _without_emphasis(raw: bytes, span: _Span) -> _Span:
    """Without the lines below that Markdown puts around what it stresses."""
    local = raw[span.start : span.sign]
    width = len(local) - len(local.lstrip(b"_"))
    behind = raw[span.end : span.end + width + 1]
    stressed = behind[:width] == b"_" * width and not behind[width:].isalnum() and behind[width:] != b"_"
    return span._replace(start=span.start + width) if stressed else span


def _is_behind_name(source: Source, span: _Span) -> bool:
    if source.raw[span.end : span.end + 1] != b">":
        return False
    return _BEHIND_NAME.search(source.before(span.start, 60)) is not None


def is_real(local: str, domain: str, certain: bool = False) -> bool:
    """Whether the parts of an address may be somebody's. `certain`: its place says that it is one, also at a domain
    that no list knows.
    """
    words = load_rules().words
    local, domain = local.lower(), domain.lower()
    labels = domain.split(".")
    if not certain and labels[-1] not in words["top_level_domains"] and not labels[-1].startswith("xn--"):
        return False
    if labels[-1] in _RESERVED or labels[-2] == "example" or domain in words["symbol_domains"]:
        return False
    if domain in words["algorithm_domains"] and (_ALGORITHM.search(local) or local in words["algorithm_words"]):
        return False
    if local == "git" and (words["forge_labels"].intersection(labels[:-1]) or any("git" in n for n in labels[:-1])):
        return False
    if len(labels) > 2 and all(label.isdigit() for label in labels[:-1]):
        return False  # the version of a library, as in `name@2.0.so`
    if local in _NOBODY or local.endswith("[bot]"):
        return False
    stand_in = local in words["stand_in_locals"] or local.startswith(("your", "my_", "my."))
    return not (stand_in and domain in words["stand_in_domains"])


def _fits(source: Source, span: _Span, listed: bool) -> bool:
    """Whether an address is one by what stands around it; `listed`: nothing but a sign parts it from the one before."""
    raw, (start, sign, host, end) = source.raw, span
    before, after = raw[start - 1 : start] if start else b"", raw[end : end + 2]
    stressed = after[:1] == b"_" and before == b"_"
    if after[:1] == b"@" or after[:1] == b"_" and not stressed or raw[start:sign] in _LABELS:
        return False
    if _in_template(raw, start, sign) or _is_operator(source, span):
        return False
    if after[:1] == b"(" and raw[host:end].rpartition(b".")[2].decode().lower() in load_rules().words["methods"]:
        return False  # a product of matrices, as in `a@b.to(device)`
    if after[:1].isalnum() and after != b"E<" or after[:1] == b"." and after[1:].isalnum():
        return False
    if after[:1] == b"-" and after != b"--":  # two of them begin or end a comment
        return False
    # What no account of a machine, no path and no port can hold is an address wherever it stands.
    token, written = _token_before(source, start), raw[host - 1] != 0x40
    if before in (b"/", b"#", b"~") and not listed and not (written and token.endswith(b"://")):
        return b"://" not in token and not _IN_PATH.search(token)
    if after[:1] == b":" and after[1:].strip() and after[1:] not in (b"\\", b'"', b"'") and not written:
        return False  # git@host:path and scp targets
    line = source.before(start, 250)
    account = after[:1] in (b":", b"/") or token.endswith(b"://") or _SHELL.search(line)
    if raw[start:sign].lower() == b"git" and account:
        return False  # the account of a server of repositories
    # user:password@host is the other recogniser's
    return not any(slashes in line for slashes in _SLASHES) or not _IN_USER_PART.search(line)


def _is_operator(source: Source, span: _Span) -> bool:
    """The sign is an operator of the language, as in `object@project.name` and `y = a@b.id`."""
    path = source.path.lower()
    if not path.endswith(_OPERATOR_FILES) or not _NAMES.fullmatch(source.raw, span.start, span.end):
        return False
    before = source.before(span.start, 250)
    if path.endswith(".r"):
        return b"#" not in before and not any(before.count(quote) % 2 for quote in (b'"', b"'", b"`"))
    last = source.raw[span.host : span.end].rpartition(b".")[2].decode().lower()
    return last in load_rules().words["methods"] and _BEFORE_NAMES.search(before) is not None


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
