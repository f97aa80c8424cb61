"""Assignments: passwords and keys that stand after a telling name, in code, settings and prose.

In: a source. Out: hits for the values only, never their quotes. The name decides what is looked for (`password`,
`db_pass`, `apiToken`), the value decides whether it is one. A value without quotes counts only where the format has
no expressions, or inside a connection string. A literal may begin on the line below its name.
"""

import re
from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.literals import (
    QUOTE,
    bare_span,
    block_span,
    element_span,
    joined_spans,
    literal_span,
    place_of,
    quoted_span,
    setting_span,
    string_part_span,
)
from gleanery.privacy.patterns import Found, as_pattern, compile_pattern
from gleanery.privacy.references import Place, is_reference
from gleanery.privacy.rules import load_rules
from gleanery.privacy.secret_names import is_plain, wanted_by, words_of
from gleanery.privacy.source import Source
from gleanery.privacy.strings import is_between_strings
from gleanery.privacy.values import is_code_of_error, is_key, is_password, is_stand_in

NAME, ENTITIES = "assignment", ("PASSWORD", "KEY")
_STEMS = (
    "pass|pwd|psw|pword|pw|senha|contrase|kennwort|mdp|wachtwoord|haslo|parola|heslo|sifre"
    "|secret|token|key|auth|cred|verifier|salt|nonce|jwt|otp|seed|iv|sid|securestring"
)
# Passwords in letters outside ASCII; their capitals stand for themselves, since bytes have none.
_ELSEWHERE = ["密码", "密碼", "パスワード", "비밀번호", "пароль", "Пароль", "ПАРОЛЬ", "şifre", "Şifre", "hasło"]
_NAMES = "|".join([_STEMS, *(as_pattern(word) for word in _ELSEWHERE)])
FIRST_GROUP = 1 << 40  # behind all groups of private_keys.py and encoded_keys.py
GATES = {
    NAME: Condition(
        f"{_NAMES}|identified", (*(w.encode() for w in (*_STEMS.split("|"), *_ELSEWHERE)), b"identified"), caseless=True
    ),
}

# A keyword, the rest of the name, the end of its quotes, perhaps a type, and what assigns: all of it on one line.
# Quotes and signs may be written as pages and addresses of the web write them.
_ASSIGNMENT = compile_pattern(
    rf"(?i)(?:{_NAMES})[\w.\-\x80-\xff]{{0,40}}((?:{QUOTE})?(?:[ \t]?[\]}}])?)(?:\[[\w \t+*]{{0,30}}\]){{0,2}}(?:"
    r"(?:[?!]?[ \t]{0,4}(:)[ \t]{0,3}(?:&(?:'\w{1,12}[ \t])?)?[a-z][\w.\[\]<>?*&]{0,30}(?:[ \t]\|[ \t][\w\[\]]{1,20})?"
    r"[ \t]{0,8}=[ \t]{0,8})"
    r"|[ \t]{1,4}(?:as[ \t]{1,4})?(?:string|str|char|text|varchar|value|content)[ \t]{0,4}=[ \t]{0,8}"
    r"|[ \t]{0,30}(=>|:=|:-|<<?-|={1,3}|!={1,2}|\?=|\|\|=|:|\xef\xbc\x9a|%3[AaDd]|,|\(|>)[ \t]{0,30})"
)
# A value that stands behind its name with nothing between but blanks, and what stands before such a name: a macro, a
# keyword of Lisp, a variable that is set. Also a line of nothing but both, as in settings that are written as calls.
_BESIDE = compile_pattern(rf"(?i)(?:{_STEMS})[\w.\-]{{0,40}}([ \t]{{1,8}})\\?[\"']")
_BEFORE_BESIDE = re.compile(
    rb"(?i)(?:#[ \t]*define[ \t]+|(?:^|[\s{(\[,]):|\((?:setq|setf|def\w*)[ \t]+|\bset[ \t]+(?:-\w+[ \t]+)*"
    rb"|\bset\([ \t]*|^[ \t]*(?:env|setenv)[ \t]+)$"
)
_BARE_BESIDE = compile_pattern(r"(?im)^[ \t]*(?:env|setenv)[ \t]+([\w.\-]{2,100})[ \t]+")
# A default: `${NAME:-value}`, and what stands before the value in `process.env.NAME || "value"`.
_DEFAULT = re.compile(rb"[\"']?([^\s\"'`}]{3,200})[\"']?\}")
_FALLBACK = re.compile(rb"[\w.$\[\]()\"'?]{1,80}[ \t]{0,4}(?:\|\||\?\?|\bor\b|\?:)[ \t]{0,4}")
# The same names behind a dash, as an option of a command, and the words of SQL and PowerShell.
_OPTION = compile_pattern(
    r"(?i)[\s\"'`\[](--?(?:[a-z][a-z\-]{0,30})?(?:pass|token|secret|key|pwd)[a-z\-]{0,12})[ \t]{1,4}"
)
_SAID = compile_pattern(
    r"(?i)\b(?:(identified)[ \t]+(?:with[ \t]+\w{1,40}[ \t]+)?by|with(?:[ \t]+encrypted)?[ \t]+password|[ \t]password"
    r"|convertto-securestring(?:[ \t]+-(?:string|asplaintext|force)){0,3})[ \t]{1,4}(['\"])"
)
# Small letters are of a statement of SQL only behind what has a password there: `alter user roe identified by '...'`.
_HAS_PASSWORD = re.compile(
    rb"(?i)(?:\b(?:user|role|to)(?:\s+if(?:\s+not)?\s+exists)?|,)\s+[\"'`]?[\w.%\-]+[\"'`]?(?:@[\"'`]?[\w.%\-]+[\"'`]?)?\s+$"
)
# A name and its value as two fields of one thing: `name: DB_PASSWORD` and then `value: ...`, also in XML. The second is
# looked for, and the first read backwards from it.
_VALUE_FIELD = compile_pattern(r"(?i)value(?:[\"']?[ \t]{0,8}[:=][ \t]{0,8}|(>))|<string(>)")
_NAME_FIELD = re.compile(
    rb"(?i)(?:name|key)(?:[\"']?[ \t]{0,8}[:=][ \t]{0,8}[\"']?|>)([\w.\-]{2,100})"
    rb"(?:[\"']?[ \t]{0,4},?\s{1,80}[\"']?[a-z]{0,20}|</[a-z\-]{3,24}>\s{0,80}<?(?:[a-z]{1,12}-)?)$"
)
# A default and the name of what has it: a block of Terraform, a parameter in YAML, an option that a program declares.
_DEFAULT_FIELD = compile_pattern(r"(?i)\bdefault[\"']?[ \t]{0,8}[:=][ \t]{0,8}")
_HAS_DEFAULT = re.compile(
    rb"(?i)(?:variable[ \t]+\"([\w\-]{2,100})\"\s*\{[^{}]{0,250}"
    rb"|(?:^|\n)[ \t]*([\w.\-]{2,100}):[ \t]*\r?\n(?:[ \t]+\w+:[ \t]+[^\n]{0,100}\n){0,5}[ \t]+"
    rb"|[\"']--?([\w\-]{2,60})[\"'],[^()]{0,200})$"
)
# A pair in brackets, as in maps of C++ and C# and in tuples: `{"password", "value"}`. Arguments of a call are none.
_PAIR = re.compile(rb"(?:\{|(?:^|[^\w)\]])\()[ \t]*:?[\"']?$")
_PART = re.compile(rb"[A-Za-z0-9+/=_.!#$%^*~@-]{2,}")  # of a value; a query or a text in parts has other signs
# A UUID, also a random one (version 4) without its hyphens.
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}")
_FINGERPRINT = re.compile(r"(?:0x)?(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{16})")
_FETCHES_KEY = re.compile(rb"(?i)\brecv-keys?\b|\bkeyserver\b|\bapt-key\b|\bgpg2?[ \t]+-|\bfingerprint\b")
_BLANKS = re.compile(rb"[ \t]*")
_LEFT_OF_NAME = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
_DEFINER = re.compile(
    rb"(?i)(?:(?:define|set\w*|put\w*|add\w*|insert|with\w*|const\w*|env\w*|export|header|property|param|append|config"
    rb"|environ\.get|getenv|get_env\w*|fetch|getordefault|(?:map|pair|entry)\.of|\b(?:entry|pair))[ \t]?\("
    rb"|\bmap\.of\([^()]{0,60},|\bflag\w*(?:\(\))?\.string\w*\((?:&[\w.]{1,40},)?)[ \t]?\\?[\"'`][\w.\-]{0,60}$"
)
# "curl_setopt($curl, CURLOPT_PASSWORD," and the key of a hash: `$login{password}`, but no `${password}`.
_SETOPT = re.compile(rb"(?i)setopt\w{0,12}[ \t]?\([^,()\n]{1,60},[ \t]{0,4}[\w:]*$")
_KEY_OF_HASH = re.compile(rb"[\w>\]})]\{[\"']?$")
_SETTER = re.compile(r"(?i)(?:\w*\.)*(?:(?:set|with|add)\w*|password|passphrase)")


_Named = Iterator[tuple[tuple[int, int] | None, str, str]]  # where a value stands, its name, and what that asks for


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes. Hits may overlap; all are judged by their value."""
    yield from _assigned(source)
    for places in (_behind_options, _beside, _beside_in_settings, _in_value_fields, _in_defaults, _said):
        for span, name, wanted in places(source):
            if span is not None:
                yield from judged(source, span, name, wanted)


def _assigned(source: Source) -> Iterator[Hit]:
    """Values behind a name and what assigns, of which some are parted into several literals."""
    read = 0
    for found in _ASSIGNMENT.finditer(source.raw):
        if found.start() < read:
            continue
        name = _name(source.raw, found)
        wanted = "" if _names_no_value(source, found, name) else wanted_by(name)
        span = _value_span(source, found, name) if wanted else None
        if span is None and wanted and (span := _pair_span(source, found)):
            name = ""  # it may be a word for the name, as in a list of translations
        if span is not None:
            yield from _judged_parts(source, span, name, wanted)
            # What looks like names inside a very long value is not read again: the time stays linear.
            read = span[1] if span[1] - span[0] > 100 else 0


def _behind_options(source: Source) -> _Named:
    for found in _OPTION.finditer(source.raw):
        name = found.group(1).decode("ascii")
        span = quoted_span(source.raw, found.end()) or (bare_span(source, found.end()) if source.bare_values else None)
        yield span, name.strip("-"), wanted_by(name)


def _beside(source: Source) -> _Named:
    for found in _BESIDE.finditer(source.raw):
        name = _name(source.raw, found)
        wanted = wanted_by(name)
        span = quoted_span(source.raw, found.end(1)) if wanted else None
        if span is not None and _stands_beside(source, found, span):
            yield span, name, wanted


def _beside_in_settings(source: Source) -> _Named:
    for found in _BARE_BESIDE.finditer(source.raw) if source.bare_values else ():
        name = found.group(1).decode("ascii", "replace")
        yield quoted_span(source.raw, found.end()) or bare_span(source, found.end()), name, wanted_by(name)


def _in_value_fields(source: Source) -> _Named:
    for found in _VALUE_FIELD.finditer(source.raw):
        beside = _NAME_FIELD.search(source.raw, max(0, found.start() - 250), found.start())
        wanted = wanted_by(beside.group(1).decode("ascii", "replace")) if beside else ""
        if wanted:
            yield _field_span(source, found, bool(found.group(1) or found.group(2))), "", wanted


def _in_defaults(source: Source) -> _Named:
    for found in _DEFAULT_FIELD.finditer(source.raw):
        beside = _HAS_DEFAULT.search(source.raw, max(0, found.start() - 400), found.start())
        name = next(filter(None, beside.groups()), b"").decode("ascii", "replace") if beside else ""
        if wanted := wanted_by(name):
            yield _field_span(source, found), "", wanted


def _said(source: Source) -> _Named:
    for found in _SAID.finditer(source.raw):
        word = found.group(1)
        if not word or word.isupper() or _HAS_PASSWORD.search(source.raw, max(0, found.start() - 200), found.start()):
            yield quoted_span(source.raw, found.start(2)), "password", "PASSWORD"


def _judged_parts(source: Source, span: tuple[int, int], name: str, wanted: str) -> Iterator[Hit]:
    """A value that may be parted into several literals, all of which are hits then."""
    spans = joined_spans(source.raw, span)
    parts = [source.raw[start:end] for start, end in spans]
    are_parts = len(parts) > 1 and all(_PART.fullmatch(part) and not is_stand_in(part.decode()) for part in parts)
    rule = _rule(b"".join(parts).decode(), name, wanted, Place.LITERAL) if are_parts else None
    if rule is None:
        yield from judged(source, span, name, wanted)
        return
    if is_between_strings(source, span):
        return
    for start, end in spans:
        yield Hit(start, end, *rule, FIRST_GROUP + span[0])


def judged(source: Source, span: tuple[int, int], name: str, wanted: str) -> Iterator[Hit]:
    """The hit on a value by the name that it has and what that name asks for, if the value is one."""
    value = source.raw[span[0] : span[1]].decode("utf-8", "replace")
    if value.lower() == name.lower():
        return
    place = place_of(source, span)
    setting = place is Place.SETTING
    if setting and is_reference(value, place):
        return
    if wanted != "PASSWORD" and _is_fingerprint(source, span, value, name):
        return
    if wanted == "MAYBE" and _is_id(source, span, value):
        return
    rule = _rule("".join(value.split()) if setting else value, name, wanted, place)
    if rule and not is_between_strings(source, span):
        yield Hit(span[0], span[1], *rule)


def _rule(value: str, name: str, wanted: str, place: Place) -> tuple[str, str, float] | None:
    """The kind of a value by what its name asks for, the rule that says so, and how sure it is."""
    if wanted == "PASSWORD" and is_password(value, is_plain(name), place):
        return None if is_code_of_error(value, words_of(name)) else ("PASSWORD", "assigned_password", 0.8)
    if wanted == "KEY" and is_key(value, 2.8, 10, place):
        return "KEY", "assigned_key", 0.7
    if wanted == "MAYBE" and is_key(value, 3.2, 20, place) and not _UUID.fullmatch(value):
        return "KEY", "assigned_random_value", 0.5
    return None


def _is_fingerprint(source: Source, span: tuple[int, int], value: str, name: str) -> bool:
    """The fingerprint of a public key, by which programs of OpenPGP fetch it: so says its name, or a command near."""
    if not _FINGERPRINT.fullmatch(value):
        return False
    if any(word in load_rules().words["fingerprint_words"] for word in words_of(name)):
        return True
    return _FETCHES_KEY.search(source.raw, max(0, span[0] - 200), span[1] + 200) is not None


def _is_id(source: Source, span: tuple[int, int], value: str) -> bool:
    """The same value stands near it as an id: the key of a row is that of the thing in it."""
    near = source.raw[max(0, span[0] - 300) : span[1] + 300]
    return re.search(rb"\b_?id\\?[\"']?\s*[:=]\s*\\?[\"']" + re.escape(value.encode()) + rb"(?!\w)", near) is not None


def _name(raw: bytes, found: Found) -> str:
    """The whole name around the keyword that was found."""
    start = found.start()
    window = raw[max(0, start - 60) : start]
    left = window[len(window.rstrip(_LEFT_OF_NAME)) :]
    if left[:1] in (b"n", b"r", b"t") and window[: -len(left)].endswith(b"\\"):
        left = left[1:]  # a line end or a tab as strings write it
    return (left + raw[start : found.start(1)]).decode("utf-8", "replace")


def _stands_beside(source: Source, found: Found, span: tuple[int, int]) -> bool:
    """Whether a literal that follows a name is its value, by what stands before the name."""
    before = source.before(found.start(), 120).rstrip(_LEFT_OF_NAME)
    alone = not before.strip() and source.after(span[1] + 1).strip() in (b"", b",", b";")
    return alone or _BEFORE_BESIDE.search(before) is not None


def _field_span(source: Source, found: Found, element: bool = False) -> tuple[int, int] | None:
    """Where the value of a field stands that has its name in another one; `element`: between tags."""
    if element:
        return element_span(source, found.end())
    return literal_span(source.raw, found.end()) or setting_span(source, found.end()) or block_span(source, found.end())


def _names_no_value(source: Source, found: Found, name: str) -> bool:
    """The name is one of two texts (`ok ? "pass" : "fail"`), a turn in prose (`Second pass: count the gates`), an item
    of a list that colons part (`cd:pwd:ls`), or the folder in which a shell works, where that is compared.
    """
    operator = bytes(found.group(3) or b"")
    before = source.before(found.start(), 90).rstrip(_LEFT_OF_NAME)
    if operator == b":" and found.group(1) and before[:-1].rstrip().endswith(b"?"):
        return True
    if operator == b":" and before.endswith(b":") and source.raw[found.end() - 1 : found.end()] == b":":
        return True
    if operator == b":" and name == "PASS" and before[-1:] in (b'"', b"'"):
        return True  # the outcome of a test, in a line that is printed: echo "PASS: gates opened"
    if operator == b":" and name.lower() == "pass" and source.bare_values and not source.settings:
        return re.match(rb"[A-Za-z]+[ \t]+[A-Za-z]", source.after(found.end(), 60)) is not None
    compared = source.bare_values or operator in (b"==", b"!=", b"===", b"!==")
    return name in ("PWD", "OLDPWD") and compared and before.endswith((b"$", b"${"))


def _value_span(source: Source, found: Found, name: str) -> tuple[int, int] | None:
    """Where the value stands, in bytes, or None if there is none that could be a literal."""
    place, operator = found.end(), found.group(3)
    if found.group(1).endswith(b"}"):
        before = source.before(found.start(), 60).rstrip(_LEFT_OF_NAME)
        if not _KEY_OF_HASH.search(before):
            return None
    quoted = literal_span(source.raw, place)
    if operator == b":-":
        default = _DEFAULT.match(source.raw, place)
        named = source.before(found.start(), 90).rstrip(_LEFT_OF_NAME).endswith(b"${")
        return default.span(1) if default and named else None
    if operator == b">":
        return element_span(source, place) if b"<" in source.before(found.start(1), 60) else None
    if operator == b"(":
        return quoted if _SETTER.fullmatch(name) else None
    if operator == b",":
        before = source.before(found.start(), 90)
        return quoted if _DEFINER.search(before) or _SETOPT.search(before) else None
    if quoted is not None or operator and operator.startswith(b"%"):
        return quoted
    if source.bare_values:
        if found.group(2):  # no types here: `name: dmFsdWU=` ends like one
            place = next(_BLANKS.finditer(source.raw, found.end(2))).end()
        return setting_span(source, place) or block_span(source, place) or bare_span(source, place)
    if fallback := _FALLBACK.match(source.raw, place):
        return quoted_span(source.raw, fallback.end())
    return string_part_span(source, place) if operator == b"=" else None


def _pair_span(source: Source, found: Found) -> tuple[int, int] | None:
    """The value of a pair in brackets whose name and comma were found."""
    span = literal_span(source.raw, found.end()) if found.group(3) == b"," else None
    if span is None or source.after(span[1] + 1).lstrip()[:1] not in (b"}", b")"):
        return None
    return span if _PAIR.search(source.before(found.start(), 90).rstrip(_LEFT_OF_NAME)) else None
