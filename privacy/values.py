"""Values: whether a piece of text that stands where a secret would stand is one.

In: a value, as text without its quotes, and the place where it stands. Out: yes or no. What people write for "put a
value here", references (`references.py`), words, sentences, versions and digests are left; the word lists are in
`rules.toml`. Costs about 7 microseconds a value.
"""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from math import log2
from unicodedata import combining

from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.references import Place, has_marker, is_name, is_reference
from gleanery.privacy.rules import load_rules

LONGEST = 4096  # characters: keys of clouds have up to 1,500; what is longer is data

# What a form asks of its fields, as web frameworks write it: `required|string|min:8`.
_RULE = re.compile(r"[a-z_]{2,30}(?::.{0,200})?")
_RULE_NAMES = {
    "required",
    "nullable",
    "sometimes",
    "string",
    "confirmed",
    "min",
    "max",
    "between",
    "bail",
    "filled",
    "present",
    "same",
}
_WORDS = compile_pattern(r"[A-Za-z]{1,40}(?:[ _\-.:/][A-Za-z]{1,40}){0,12}[?!.:]{0,3}")
_HEX = compile_pattern(r"[0-9a-fA-F]{16,}")
_UUID = compile_pattern(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_TOKEN = compile_pattern(r"[A-Za-z0-9+/=_\-.~:!@#$%^&*,?|]{8,}")
# A blank, or what parts the fields of a query, as addresses write them: no key has them within.
_ENCODED_TEXT = re.compile(r"%20|%26|%3[Dd][A-Za-z]")
# A variable in a string, as in `AWS4$secretKey`; a key of random characters has no such word in it.
_INTERPOLATED = compile_pattern(r"\$[A-Za-z_]{5,}")
_VERSION = compile_pattern(
    r"(?:[\^~<>=v]{1,2}[ ]?)?[0-9]{1,5}(?:\.(?:[0-9]{1,9}|[x*])){1,3}(?:[\-+][A-Za-z0-9.\-]{1,40})?"
)
# What a package's file must have been, as lists of packages write it.
_INTEGRITY = compile_pattern(r"sha(?:1|256|384|512)-[A-Za-z0-9+/]{27,88}={0,2}")
# Public keys: of SSH (`ssh-rsa`, `ssh-ed25519`, `ecdsa-sha2-...`, behind their length) and as certificates hold them.
_PUBLIC_KEY = re.compile(
    r"AAAA(?:[BC]3NzaC1|E2VjZHNh|GnNrLX|InNrLW|[HI]HNzaC1)"
    r"|MI(?:[A-Za-z0-9+/]{6}ANBgkqhkiG9w0BAQEFAAO|[A-Za-z0-9+/]{2}MA0GCSqGSIb3DQEBAQUAA4)"
    r"|MFkwEwYHKoZIzj0CAQ|MHYwEAYHKoZIzj0CAQ|MIGbMBAGByqGSM49AgE|MCowBQYDK2V[uw]AyEA"
)
# What mail services make for programs: four groups of four letters, also without the blanks.
_APP_PASSWORD = re.compile(r"[a-z]{4}(?: [a-z]{4}){3}")
# An option of a command, in a list of them; a text in colours of a terminal.
_OPTION = re.compile(r"--[a-z]+(?:-[a-z]+)*")
_COLOURED = re.compile(r"\\(?:033|x1[bB]|e|u001[bB])\[\d")
# A type and its length, as descriptions of data write it.
_TYPE = re.compile(r"(?:string|str|text|char|varchar|int|integer|number)[-_:(]\d{1,5}\)?")
# The name of a password in place of one: `db_password`, `web_password_1`, `wifi_password=`.
_NAME_OF_ONE = re.compile(r"(?:[a-z][a-z0-9]{0,20}[_\-]){1,3}(?:password|passwd|passphrase)[_\-]?[0-9]?[=:]?")
_CODE_OF_ERROR = re.compile(r"[A-Z]{0,8}(?:[-_.][A-Z]{1,8})?[-_.]?[0-9]{1,6}|[0-9A-Z]{5}")
_DATE_OR_NUMBER = compile_pattern(r"[0-9]{1,4}(?:[.\-/:,x][0-9]{1,5}){0,5}(?:px|em|ms|s|m|h|d|MB|GB|KB|k|%)?")


def entropy(value: str) -> float:
    """Shannon entropy in bits a character: 0 for one repeated character, about 4 for random hexadecimal digits.

    >>> round(entropy("aabb"), 2)
    1.0
    """
    total = len(value)
    return -sum(n / total * log2(n / total) for n in Counter(value).values()) if total else 0.0


def is_stand_in(value: str) -> bool:
    """The value says "put one here", repeats one character, or hides what was there.

    >>> is_stand_in("YOUR_API_KEY"), is_stand_in("xxxxxxxx"), is_stand_in("k9Fj2mQx")
    (True, True, False)
    """
    words = load_rules().words
    lowered = value.lower()
    if not {lowered, lowered.rstrip(":?!.*…")}.isdisjoint(words["stand_in_values"]) or any(
        piece in lowered for piece in words["stand_in_pieces"]
    ):
        return True
    return len(set(lowered)) <= 2 or any(form.fullmatch(lowered) for form in (_TYPE, _NAME_OF_ONE))


def is_password(value: str, sure: bool, place: Place = Place.LITERAL) -> bool:
    """The value may be a password. `sure` says that its place means nothing but a password.

    Passwords with blanks in them, labels in other scripts and, unless `sure`, plain words are left.

    >>> is_password("tr0ub4dor", False), is_password("password", True), is_password("enter it here", True)
    (True, False, False)
    >>> is_password("12345678", True), is_password("^1.7.0", True), is_password("qhtx mwvb zkdl rnps", True)
    (True, False, True)
    """
    if _is_rule_list(value):
        return False
    if is_dense(value) or _APP_PASSWORD.fullmatch(value):
        return True
    if not 4 <= len(value) <= LONGEST or any(c.isspace() or not c.isprintable() for c in value):
        return False
    if is_stand_in(value) or is_reference(value, place) or _OPTION.fullmatch(value) or _COLOURED.match(value):
        return False
    raw = value.encode("utf-8", "surrogatepass")
    if _VERSION.fullmatch(raw) or is_label(value):
        return False
    if _WORDS.fullmatch(raw):
        return sure and value.isalpha() and (value.islower() or _is_random_letters(value))
    if len(_WITHOUT_BLANKS.findall(value)) > 1:
        return False  # a sentence: these scripts put no blanks between words
    # A label in another script, such as the word for password, has none of the signs that every keyboard has.
    keys = any(c.isascii() and c.isalnum() for c in value)
    return keys and (value.isdigit() or not _DATE_OR_NUMBER.fullmatch(raw))


def is_label(value: str) -> bool:
    """A word of a language with letters outside ASCII: nothing but letters and the signs of a sentence.

    >>> is_label("Lösenord:"), is_label("Grüße42"), is_label("Birke")
    (True, False, False)
    """
    return not value.isascii() and all(c.isalpha() or combining(c) or c in "-_/:.,!?¿¡'’…" for c in value)


def is_code_of_error(value: str, words: Iterable[str]) -> bool:
    """The value is a code, and the words of its name speak of an error: `INVALID_PASSWORD = "E1042"`.

    >>> is_code_of_error("ERR_4012", ["invalid", "password"]), is_code_of_error("MY_PASS_2020", ["db", "password"])
    (True, False)
    """
    return _CODE_OF_ERROR.fullmatch(value) is not None and not load_rules().words["error_words"].isdisjoint(words)


def is_key(value: str, least: float = 3.0, shortest: int = 16, place: Place = Place.LITERAL) -> bool:
    """The value may be a machine-made key: one token, as random as its length allows. `least` is in bits a character.

    A word list, an identifier, a version or a path is left.

    >>> is_key("9f86d081884c7d659a2feaa0c55ad015"), is_key("current-user-session-key2"), is_key("AES256-GCM-SHA384")
    (True, False, False)
    """
    if is_dense(value):
        return True
    if _PUBLIC_KEY.match(value):
        return False
    raw = value.encode("utf-8", "surrogatepass")
    if not shortest <= len(value) <= LONGEST or not _TOKEN.fullmatch(raw) or is_stand_in(value):
        return False
    if is_reference(value, place) or _INTERPOLATED.search(raw) or _INTEGRITY.fullmatch(raw):
        return False
    if value.lower() in _COUNTING or _is_alphabet(value) or _ENCODED_TEXT.search(value):
        return False
    if _UUID.fullmatch(raw) or _HEX.fullmatch(raw):
        return entropy(value) >= 2.5 and any(c.isdigit() for c in value) and not value.isdigit()
    return entropy(value) >= least and _is_mixed(value)


def is_dense(value: str) -> bool:
    """Generated from all printable characters, as secret keys of web frameworks are: no word is left in it.

    >>> is_dense("zq!=!gk(w^_t[sBR2995)x)HI+$ehw*xYNQ"), is_dense("It was, in 1999, a Dark and Stormy Night!")
    (True, False)
    >>> is_dense("app.user_x.form_y.LABEL_Z.hint_T"), is_dense("$selector._domainkey.$domain IN TXT")
    (False, False)
    """
    if not 24 <= len(value) <= 256 or not value.isascii() or not value.isprintable():
        return False
    if value.count(" ") * 8 > len(value) or any(piece in value for piece in _CODE) or has_marker(value):
        return False
    if len(_BEYOND_NAMES.findall(value)) < 2 or is_name(value) or _TEXT_OF_FIELDS.search(value):
        return False
    symbols = sum(not c.isalnum() and c != " " for c in value)
    kinds = any(c.isdigit() for c in value) + any(c.islower() for c in value) + any(c.isupper() for c in value)
    longest_word = max(map(len, _LETTERS.findall(value)))
    return symbols * 7 >= len(value) and kinds >= 2 and longest_word < 10 and entropy(value) >= 4.2


def _is_alphabet(value: str) -> bool:
    """
    >>> _is_alphabet("ABCDEFGHIJKLMNOPQRSTUVXYZabcdefghijklmnopqrstuvxyz./0123456789"), _is_alphabet("9f86d081884c7d65")
    (True, False)
    """
    return 2 * sum(ord(b) - ord(a) == 1 for a, b in pairwise(value)) > len(value)


def _is_rule_list(value: str) -> bool:
    """
    >>> _is_rule_list("required|string|min:8"), _is_rule_list("birke|zweig:8")
    (True, False)
    """
    rules = value.split("|")
    if len(rules) == 1 or not all(_RULE.fullmatch(rule) for rule in rules):
        return False
    return any(rule.partition(":")[0] in _RULE_NAMES for rule in rules)


def _is_mixed(value: str) -> bool:
    """Some part of the value changes between letters, digits and cases more often than words and numbers do."""
    return any(_is_mixed_part(part) for part in _SEPARATOR.split(value))


def _is_mixed_part(part: str) -> bool:
    """
    >>> [_is_mixed_part(t) for t in ("a8f5f167", "setupIgnoreJoiners", "3comMicrocode", "xQvTbnLwReYpKdZs", "sha256")]
    [True, False, False, True, False]
    >>> [_is_mixed_part(t) for t in ("XBTGateMetadataConstraints", "qhtxmawvbzkdelrnpsqx")]
    [False, True]
    """
    pieces = _PIECE.findall(part)
    if 3 <= len(pieces) <= len(part) // 5:
        return False  # words, each with its capital
    if any(c.isdigit() for c in part) and len(part) >= 8 and len(pieces) * 3.5 >= len(part):
        return True
    if len(part) >= 16 and len(pieces) * 3 >= len(part):
        return True
    return len(part) >= 20 and sum(len(run) >= 4 for run in _CONSONANTS.findall(part)) >= 2


def _is_random_letters(value: str) -> bool:
    """Letters in which no words can be: cases change every two letters or so, or capitals have hardly a vowel.

    Of 19,000 words in quotes from 140 repositories five are; of random letters of both cases half are.

    >>> [_is_random_letters(t) for t in ("xTrqPLmwZkBdHs", "QWmzRtPLkxVb", "XKRTQPLMWZ", "getDbConnStr", "STARTTLS")]
    [True, True, True, False, False]
    """
    size, pieces = len(value), len(_PIECE.findall(value))
    if size < 8 or _is_alphabet(value):
        return False
    runs = [len(run) for run in _CONSONANTS.findall(value)]
    longest = max(runs, default=0)
    if value.isupper():
        return size >= 10 and longest >= 6 and (size - sum(runs)) * 5 <= size
    return longest >= 3 and pieces * 2.1 >= size or longest >= 4 and pieces * 2.5 >= size


# Stretches that a reader would see as one: a word with its capital, capitals, a number.
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^A-Za-z0-9]")
# Thai, Lao, Tibetan, Burmese, Khmer, Chinese and Japanese letters.
_WITHOUT_BLANKS = re.compile("[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u9fff\uf900-\ufaff]")
_SEPARATOR = re.compile(r"[-_./:,|+=]")
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]+", re.IGNORECASE)
# Signs that part no words of a name, a path or an address.
_BEYOND_NAMES = re.compile(r"[^\w.:/\\$@ \-]")
# The name of a field and its sign, as in a text of JSON; words in brackets for what has to be put there.
_TEXT_OF_FIELDS = re.compile(r"[A-Za-z]\\?[\"']\s?:|\[(?:[A-Za-z]{2,}|\d+)(?:[ -][A-Za-z]{2,})+\]")
_CODE = ("()", "('", '("', " = ", "=>", "; ", "...", "://", "<?", "arn:aws", "%20")
_LETTERS = re.compile(r"[A-Za-z]+|$")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_COUNTING = frozenset(
    text[start:end]
    for text in (_ALPHABET * 2, "0123456789" * 4, "1234567890" * 4, "0123456789abcdef" * 4)
    for start in (0, 1)
    for end in range(start + 6, len(text) + 1)
)
