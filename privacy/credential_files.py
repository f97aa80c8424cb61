"""Credential files: files whose whole purpose is to hold a secret, known by their name.

In: a source. Out: hits in password files of PostgreSQL (`.pgpass`), of netrc and mail programs, of web servers
(`.htpasswd`) and of Unix (`shadow`), in those of Composer (`auth.json`) and of registries of containers
(`.docker/config.json`), and in files with nothing but one key (`master.key`). Hashes that say what they
are have rules of their own, for all files. Costs nothing for others.
"""

import binascii
import re
from collections.abc import Iterator
from posixpath import basename

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.source import Source
from gleanery.privacy.values import is_key, is_password

NAME, ENTITIES = "credential_file", ("PASSWORD", "KEY")
GATES = {NAME: Condition(".")}  # decided by the path alone

_FORMATS = (
    (
        re.compile(r"\.?pgpass(\.conf)?"),
        compile_pattern(r"(?m)^[^#:\n]{1,200}:[0-9*]{1,5}:[^:\n]{1,100}:[^:\n]{1,100}:([^:\s]{1,200})$"),
    ),
    (
        re.compile(r"[._]netrc|\.authinfo|\..*rc"),
        compile_pattern(r"(?im)[ \t]?(?:password|passwd)[ \t]{1,8}\"?([^\s\"#]{1,200})"),
    ),
    (
        re.compile(r"\.?htpasswd|.*passwd|shadow-?"),
        compile_pattern(r"(?m)^[\w.\-]{1,64}:([A-Za-z0-9./]{13})(?::|$)"),
    ),
)
# Tokens by the name of their host, and a user with a password in base64.
_TOKENS = compile_pattern(r"\"(?:[a-z]{3,12}-(?:oauth|token)|bearer)\"\s*:\s*\{([^{}]*)\}")
_TOKEN = compile_pattern(r":\s*\"([^\"\s\\]{16,512})\"")
_ACCOUNT = compile_pattern(r"\"auth\"\s*:\s*\"([A-Za-z0-9+/]{4,}={0,2})\"")
_ONE_KEY = compile_pattern(r"\s{0,20}([A-Za-z0-9+/=_\-]{32,512})\s{0,20}")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    name = basename(source.path.replace("\\", "/")).lower()
    for names, pattern in _FORMATS:
        if names.fullmatch(name):
            for found in pattern.finditer(source.raw):
                value = source.raw[found.start(1) : found.end(1)].decode("utf-8", "replace")
                if is_password(value, sure=True):
                    yield Hit(found.start(1), found.end(1), "PASSWORD", "credential_file", 0.9)
    if name in ("auth.json", "composer.json"):
        for tokens in _TOKENS.finditer(source.raw):
            for found in _TOKEN.finditer(source.raw, tokens.start(1), tokens.end(1)):
                if is_key(bytes(found.group(1)).decode("utf-8", "replace"), 2.8):
                    yield Hit(found.start(1), found.end(1), "KEY", "composer_token", 0.9)
    if name.endswith(("config.json", "dockerconfigjson", ".dockercfg")):
        for found in _ACCOUNT.finditer(source.raw):
            if _holds_password(bytes(found.group(1))):
                yield Hit(found.start(1), found.end(1), "KEY", "registry_account", 0.9)
    if name.endswith((".key", ".token", ".secret")) and len(source.raw) <= 600:
        one = _ONE_KEY.fullmatch(source.raw)
        if one and is_key(source.raw[one.start(1) : one.end(1)].decode("ascii", "replace")):
            yield Hit(one.start(1), one.end(1), "KEY", "key_file", 0.9)


def holds_account(raw: bytes) -> bool:
    """A text of JSON holds an account of a registry of containers, whatever its file is called."""
    return b'"auths"' in raw and any(_holds_password(bytes(found.group(1))) for found in _ACCOUNT.finditer(raw))


def _holds_password(encoded: bytes) -> bool:
    """
    >>> _holds_password(b"d2k6a0Y5eFEy"), _holds_password(b"d2lsbWE6cGFzc3dvcmQ=")
    (True, False)
    """
    try:
        user, colon, password = binascii.a2b_base64(encoded).partition(b":")
    except binascii.Error:
        return False
    return bool(user and colon) and is_password(password.decode("utf-8", "replace"), sure=True)
