"""What a name asks for: a password, a key, or nothing.

In: the name of a variable, a field, an option or an element. Out: what its value is taken for. Which words say so is in
`rules.toml`; the last ones decide, so that `password_field` is no password. Costs 2 us for a name that is new.
"""

import re
from functools import lru_cache

from gleanery.privacy.rules import load_rules

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-zß-ÿĀ-ſ]+|[^\x00-\x7f]+")
_ENDINGS = tuple(sorted(load_rules().words["password_endings"]))


@lru_cache(maxsize=4096)
def wanted_by(name: str) -> str:
    """PASSWORD, KEY, MAYBE (a key if it is random enough), or nothing, from the words of a name.

    >>> wanted_by("DB_PASSWORD"), wanted_by("password_field"), wanted_by("github.apiToken"), wanted_by("frob-key")
    ('PASSWORD', '', 'KEY', 'MAYBE')
    """
    words = load_rules().words
    parts = words_of(name)
    if parts[:1] == ["pw"] and len(parts) > 2:
        parts = parts[1:]  # the mark of a library: PW_DEFAULT_REMOTE
    if not parts or parts[-1] in words["about_words"]:
        return ""
    named = [p in words["password_words"] or p.endswith(_ENDINGS) for p in parts]
    if any(named):
        behind = parts[len(parts) - named[::-1].index(True) :]
        return "PASSWORD" if all(p in words["behind_password"] for p in behind) else ""
    pairs = {f"{a}.{b}" for a, b in zip(parts, parts[1:], strict=False)}
    if not {"public", "publishable", "pubkey"}.isdisjoint(parts) or "pub.key" in pairs:
        return ""  # publicKeyToken: what anybody may know
    if any(p in words["key_words"] for p in parts) or pairs & words["key_pairs"]:
        return "KEY"
    if not words["identifier_words"].isdisjoint(parts):
        return ""
    return "MAYBE" if parts[-1].endswith(("key", "keys", "token", "secret", "auth", "cred")) else ""


def words_of(name: str) -> list[str]:
    """The words of a name, however it parts them: `dbPassword`, `DB_PASSWORD`, `db.password`."""
    return [word.lower() for word in _WORD.findall(name)]


def is_plain(name: str) -> bool:
    """The name ends in a word for password and nothing else, so a plain word behind it is one too."""
    parts = words_of(name)
    return parts != [] and parts[-1].endswith((*_ENDINGS, "pass"))
