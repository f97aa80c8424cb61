"""URL credentials: the user and the password in `scheme://user:password@host`, and where programs want them so.

In: a source. Out: hits for the password and for the name of the user, also where a path of Windows' kind stands behind
the scheme, or for a token that stands in place of one (what is behind its colon then says nothing); for an address of
mail and its password (`name@host.org:password@…` in a URL, `name@gmail.com:password` anywhere); and for what is encoded
for a header of HTTP (`btoa("user:password")`). Left are names that no person has (`root`, `postgres`), templates,
stand-ins.
"""

import re
from collections.abc import Iterator
from unicodedata import combining

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.mail_addresses import is_real
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.references import Place, is_reference
from gleanery.privacy.rules import load_rules
from gleanery.privacy.source import Source
from gleanery.privacy.values import is_key, is_password, is_stand_in

NAME, ENTITIES, ACCOUNT = "url_credentials", ("PASSWORD", "USERNAME", "EMAIL"), "mail_account"
_MAIL_HOSTS = sorted(load_rules().words["mail_hosts"])
_AT_MAIL_HOST = f"@(?:{'|'.join(host.replace('.', '[.]') for host in _MAIL_HOSTS)}):"
GATES = {
    ACCOUNT: Condition(_AT_MAIL_HOST, tuple(f"@{host}:".encode() for host in _MAIL_HOSTS), caseless=True),
    NAME: Condition(
        r":(?://|\\/\\/|\\\\)[^ \t\n\r\f@]+@|[^ \t\n\r\f@]:[^ \t\n\r\f@]{1,400}@(?:tcp|unix)\(|curl[ \t]"
        r"|base64|btoa|b64|encode64|encodetostring|buffer\.from",
        (b"://", b":\\/\\/", b":\\\\", b"@tcp(", b"@unix(", b"curl", b"base64", b"btoa", b"b64", b"encode64")
        + (b"encodetostring", b"buffer.from"),
        caseless=True,
    ),
}

# A password may hold `@`, so the last one before the path ends it; and signs that a string or a shell escapes.
_ESCAPED = r"\\\\[^\snrt\"'`]|\\[!$&;|*#~=^u]"
_URL = compile_pattern(
    r"[A-Za-z][A-Za-z0-9+.\-]{1,20}:(?://|\\/\\/)([^\s/:@\"'`<>()\[\]\\,;?#]{0,400})"
    rf"(?::((?:[^\s/@\"'`<>\\]|{_ESCAPED})*(?:@(?:[^\s/@\"'`<>\\?#()\[\]{{}}]|{_ESCAPED}){{0,80}}[)\]}}]{{0,2}}){{0,8}}))?"
    r"@(?:[A-Za-z0-9\[${<%_])"
)
# A port and the begin of a query or a fragment, with which people try what programs take for the host.
_PORT = re.compile(rb"[0-9]{1,5}[?#]")
# What stands between a colon and a slash is a port or the begin of a password with a slash in it.
_SLASHED = compile_pattern(
    r"[A-Za-z][A-Za-z0-9+.\-]{1,20}://([^\s/:@\"'`<>()\[\]\\,;?#]{0,80}):"
    r"([^\s/@\"'`<>()\\]{0,60}[^\s/@\"'`<>()\\0-9][^\s/@\"'`<>()\\]{0,60}(?:/[^\s/@\"'`<>()\\]{0,60}){1,4})@[A-Za-z0-9\[]"
)
# A path of Windows' kind behind a scheme, as boot loaders and file managers have it: `smb:\\user:password@host\share`.
_BACKSLASHED = compile_pattern(
    r"\b[A-Za-z][A-Za-z0-9+.\-]{1,20}:\\{2,4}([A-Za-z][\w.\-]{0,63}):([^\s/@\"'`<>\\]{3,128})@[A-Za-z0-9]"
)
# The address of a database as Go's driver for MySQL wants it, and an option of curl.
_PAIR = compile_pattern(
    r"[\"'`]([\w.\-]{1,64}):([^\s\"'`@]{1,400})@(?:tcp|unix)\("
    r"|\bcurl\b[^\n|;]{0,200}?[ \t](?:-u|--user|-U|--proxy-user)[ \t=]{0,3}[\"']?([\w.@+\-]{1,400}):([^\s\"'`@]*)"
)
# What programs encode for a header of HTTP themselves: `btoa("user:password")`, `echo -n user:password | base64`.
_ENCODERS = r"btoa|b64encode|base64[\w.:]{0,20}encode\w{0,12}|encode64|encodetostring|tobase64\w{0,8}|buffer\.from"
_LOGIN = r"([\w.@+\-]{1,64}):([^\s\"'`:@|]{3,128})"
_ENCODED = compile_pattern(
    rf"(?i)(?:{_ENCODERS})[ \t]?\((?:\[\]byte\()?[ \t]?(?:<<)?[bu]?[\"'`]{_LOGIN}[\"'`]"
    rf"|\b(?:echo|printf)(?:[ \t]-[ne]{{1,2}})?[ \t]{{1,4}}[\"']?{_LOGIN}[\"']?[ \t]{{0,4}}\|[ \t]{{0,4}}"
    r"(?:openssl[ \t](?:enc[ \t]-)?)?base64"
)
_IS_LOGIN = re.compile(rb"(?i)basic|auth|cred|login")
# An address of mail as the user of a URL, and one at a host that everybody has mail from, each with its password.
_MAIL = r"[\w.+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,4}"
_MAIL_USER = compile_pattern(rf":(?://|\\/\\/)({_MAIL}):([^\s/@\"'`<>\\]{{1,128}})@[A-Za-z0-9\[${{<%_]")
_MAIL_ACCOUNT = compile_pattern(rf"(?i)\b([\w.+\-]{{1,64}}{_AT_MAIL_HOST[:-1]}):([^\s\"'`<>|,;:@]{{4,64}})")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes; hits may overlap."""
    if NAME in source.present:
        yield from _pairs(source)
    if ACCOUNT in source.present:
        for found in _MAIL_ACCOUNT.finditer(source.raw):
            password = found.group(2).decode("utf-8", "replace")
            port = password.isdigit() and len(password) < 6
            in_url = source.before(found.start(), 2) == b"//" or source.after(found.end(), 1) in (b":", b"@")
            if not port and not in_url and is_password(password, sure=True):
                yield Hit(found.start(1), found.end(1), "EMAIL", "mail_account", 0.8)
                yield Hit(found.start(2), found.end(2), "PASSWORD", "mail_account", 0.7)


def _pairs(source: Source) -> Iterator[Hit]:
    for found in _MAIL_USER.finditer(source.raw):
        user, password = (found.group(n).decode("utf-8", "replace") for n in (1, 2))
        local, _, domain = user.partition("@")
        if is_real(local, domain):
            yield Hit(found.start(1), found.end(1), "EMAIL", "url_mail_user", 0.8)
        if _is_password(source, password, user):
            yield Hit(found.start(2), found.end(2), "PASSWORD", "url_password", 0.9)
    for found in _ENCODED.finditer(source.raw):
        first = 1 if found.group(1) is not None else 3
        user, password = (found.group(n).decode("utf-8", "replace") for n in (first, first + 1))
        near = source.raw[max(0, found.start() - 200) : found.end() + 100]
        if _is_password(source, password, user) and _IS_LOGIN.search(near):
            local, _, domain = user.partition("@")
            if domain and is_real(local, domain):
                yield Hit(found.start(first), found.end(first), "EMAIL", "pair_mail_user", 0.8)
            elif is_user_name(user):
                yield Hit(found.start(first), found.end(first), "USERNAME", "pair_user", 0.7)
            yield Hit(found.start(first + 1), found.end(first + 1), "PASSWORD", "pair_password", 0.8)
    for found in _PAIR.finditer(source.raw):
        first = 1 if found.group(1) is not None else 3
        user, password = (found.group(n).decode("utf-8", "replace") for n in (first, first + 1))
        if is_key(user, 3.0, 20):
            yield Hit(found.start(first), found.end(first), "KEY", "pair_token", 0.7)
        elif is_user_name(user) and password:
            yield Hit(found.start(first), found.end(first), "USERNAME", "pair_user", 0.7)
        if _is_password(source, password, user):
            yield Hit(found.start(first + 1), found.end(first + 1), "PASSWORD", "pair_password", 0.8)
    for found in _BACKSLASHED.finditer(source.raw):
        user, password = (found.group(n).decode("utf-8", "replace") for n in (1, 2))
        if is_user_name(user):
            yield Hit(found.start(1), found.end(1), "USERNAME", "url_user", 0.7)
        if _is_password(source, password, user):
            yield Hit(found.start(2), found.end(2), "PASSWORD", "url_password", 0.8)
    for found in _SLASHED.finditer(source.raw):
        user, password = (found.group(n).decode("utf-8", "replace") for n in (1, 2))
        mixed = any(c.isdigit() for c in password) and any(c.isalpha() for c in password)
        if mixed and _is_password(source, password, user):
            yield Hit(found.start(2), found.end(2), "PASSWORD", "url_password", 0.7)
    for found in _URL.finditer(source.raw):
        if found.group(2) and _PORT.fullmatch(found.group(2)):
            continue  # what stands before it is a host
        user = (found.group(1) or b"").decode("utf-8", "replace")
        password = (found.group(2) or b"").decode("utf-8", "replace")
        scheme = bytes(found.group()).partition(b":")[0].decode("ascii").lower()
        bare_host = "." in user and not password  # as in a command of sed that puts one host for another
        if "%" not in user and is_key(user, 3.0, 20):
            yield Hit(found.start(1), found.end(1), "KEY", "url_token", 0.7)
        elif is_user_name(user) and user.lower() != scheme and not bare_host:
            # A service has an account of its own name, which is nobody's.
            yield Hit(found.start(1), found.end(1), "USERNAME", "url_user", 0.7)
        if _is_password(source, password, user):
            yield Hit(found.start(2), found.end(2), "PASSWORD", "url_password", 0.9)


def is_user_name(text: str) -> bool:
    """The text may be the account of a person: 2 to 32 characters, and not one of the shared accounts.

    >>> is_user_name("kmueller"), is_user_name("root"), is_user_name("${USER}")
    (True, False, False)
    """
    if not 2 <= len(text) <= 32 or not text[0].isalpha():
        return False
    if not all(c.isalnum() or c in "._-" or combining(c) for c in text):
        return False
    lowered = text.lower()
    shared = lowered in load_rules().words["shared_accounts"] or lowered.startswith(("your", "my_", "my-", "some"))
    return not shared and not any(word in lowered for word in ("user", "test", "admin", "demo"))


def _is_password(source: Source, value: str, user: str) -> bool:
    if len(value) < 3 or is_stand_in(value) or is_reference(value, Place.URL) or value.isspace():
        return False
    if source.variables and value.startswith("$") and is_reference(value, Place.VARIABLES):
        return False
    return value.lower() != user.lower() or value.lower() not in load_rules().words["shared_accounts"]
