"""URL credentials: the user and the password in `scheme://user:password@host`.

In: a source. Out: hits for the password and for the name of the user. Names that no person has (`root`, `postgres`),
templates and stand-ins are left.
"""

from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.rules import load_rules
from gleanery.privacy.source import Source
from gleanery.privacy.values import is_key, is_reference, is_stand_in

NAME, ENTITIES = "url_credentials", ("PASSWORD", "USERNAME")
GATES = {NAME: Condition(r"://[^ \t\n\r\f/@]{1,210}@", (b"://",))}

# A password may hold `@`, so the last one before the path ends it.
_URL = compile_pattern(
    r"[A-Za-z][A-Za-z0-9+.\-]{1,20}://([^\s/:@\"'`<>()\[\]\\,;?#]{0,80})"
    r"(?::([^\s/@\"'`<>\\]{0,120}(?:@[^\s/@\"'`<>\\,;?#&|()\[\]{}]{0,80}){0,3}))?@(?:[A-Za-z0-9\[${<%_])"
)


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    for found in _URL.finditer(source.raw):
        user = (found.group(1) or b"").decode("utf-8", "replace")
        password = (found.group(2) or b"").decode("utf-8", "replace")
        scheme = bytes(found.group()).partition(b":")[0].decode("ascii").lower()
        bare_host = "." in user and not password  # as in a command of sed that puts one host for another
        if is_user_name(user) and user.lower() != scheme and not bare_host:  # a service has an account of its own name
            yield Hit(found.start(1), found.end(1), "USERNAME", "url_user", 0.7)
        elif not password and is_key(user, 3.0, 20):
            yield Hit(found.start(1), found.end(1), "KEY", "url_token", 0.7)
        if _is_password(password, user):
            yield Hit(found.start(2), found.end(2), "PASSWORD", "url_password", 0.9)


def is_user_name(text: str) -> bool:
    """The text may be the account of a person: 2 to 32 characters, and not one of the shared accounts.

    >>> is_user_name("kmueller"), is_user_name("root"), is_user_name("${USER}")
    (True, False, False)
    """
    if not 2 <= len(text) <= 32 or not text[0].isalpha() or not all(c.isalnum() or c in "._-" for c in text):
        return False
    lowered = text.lower()
    shared = lowered in load_rules().words["shared_accounts"] or lowered.startswith(("your", "my_", "my-", "some"))
    return not shared and not any(word in lowered for word in ("user", "test", "admin", "demo"))


def _is_password(value: str, user: str) -> bool:
    if len(value) < 3 or is_stand_in(value) or is_reference(value) or value.isspace():
        return False
    return value.lower() != user.lower() or value.lower() not in load_rules().words["shared_accounts"]
