r"""References: whether a value comes from elsewhere, and so is no secret itself.

In: a value, as text without its quotes, and the place where it stands. Out: yes or no. Variables, templates, calls,
names of settings, paths and files come from elsewhere. They are spelt as names are: a digit stands behind a word, never
between its letters. A sign before a name (`$name`, `:name`, `@name`, `&name`, `*name`, `!name`) makes it a reference;
what is spelt otherwise (`$ecret123`, `my.p4ss.db`) is a value. Costs about 3 microseconds a value.
"""

import re
from enum import Enum

from gleanery.privacy.patterns import compile_pattern


class Place(Enum):
    """Where a value stands: in a literal or the like, in one where `$name` is a variable whatever it is like, alone in
    a line of settings (where brackets and signs are nothing but characters), or in a URL (where nothing is code).
    """

    LITERAL = "literal"
    VARIABLES = "variables"
    SETTING = "setting"
    URL = "url"


# A kind of encoding that only says that the rest is the password itself; all others look like the field of a template.
_AS_IT_IS = re.compile(r"\{(?:noop|plain|clear|cleartext)\}", re.IGNORECASE)
# A template marker anywhere: the value is made elsewhere. `%s` and friends are format directives.
_MARKER = r"\$\{|\$\(|\{\{|\{%|%\}|<%|#\{[^0-9]|%\(|@[A-Z_]{2,40}@|__[A-Z_]{2,40}__"
_DIRECTIVE = r"%(?:[sdrv@]|0[1-9][0-9]?[dxX])(?:[^A-Za-z0-9]|$)"
_TEMPLATE = compile_pattern(rf"{_MARKER}|{_DIRECTIVE}|\{{[a-zA-Z_0-9.!\[\]]{{0,40}}\}}")
# A field is named in small letters where it stands in a line of settings.
_SETTING_TEMPLATE = compile_pattern(rf"{_MARKER}|\{{[a-z_]{{2,40}}\}}")

# A word, perhaps with one digit behind it, and a name of several words such as `s3Client`, `utf8_text`, `sha256`.
_WORD = r"[A-Za-z_]+[0-9]?"
_NAME = r"[A-Za-z_]+(?:[0-9]{1,3}(?:[A-Z_][A-Za-z_]*)?)*"
_DOTTED = rf"{_NAME}(?:(?:\.|::|->|\?\.){_NAME})+(?:[(\[].*|<[\w:<>, ]*>)?"  # a type may be of others
_CONSTANT = r"[A-Z]+(?:_[A-Z]+)*_[A-Z]*[0-9]?"
# A URL, a path, or a name in one of the two registers of names: a resource of a cloud service, a URN. One slash and
# digits are no path, and the signs of base64 stand in none.
_PATH = (
    r"(?:[a-z][a-z0-9+.\-]{1,12}://|(?:arn|urn):[a-z][a-z0-9\-]{1,31}:|file:|\.{1,2}/|~/|[A-Za-z]:[\\/]).*"
    r"|/[^0-9]*|/[^+=]+/[^+=]*|/(?:[A-Za-z]{4,}/){3}.*"
)
_EXTENSION = (
    r"\.(?:py|js|ts|jsx|tsx|json|ya?ml|xml|html?|css|txt|md|pem|key|crt|cer|p12|pfx|jks|go|rb|java|php"
    r"|cs|sh|conf|cfg|ini|properties|gpg|asc|pub|der|csv|png|svg|db|sock|log|lock|toml|env)"
)
_PART = r"(?:[A-Za-z]+[0-9]*|[0-9]+[A-Za-z]*)"
_FILE = rf"(?:[\w\-.]*[/\\][\w\-./\\]+|_?{_PART}(?:[\-._]+{_PART})*){_EXTENSION}"
# A variable of a shell, a template, a setting; a name behind a sign; a note in brackets; a call.
_MEMBER = rf"(?:->|\.|::?|[:.\-/@]?\$|\[[^\]]*\]|\([^)]*\)|\b{_WORD})"
_VARIABLE = (
    rf"\${{1,2}}[A-Za-z_]+(?:[0-9]{{1,3}}[A-Z_][A-Za-z_]*)*[0-9]?{_MEMBER}*|\$[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"
    r"|%[A-Za-z_]\w*%"
)
_ANY_VARIABLE = r"\$[A-Za-z_][\w.:$\->\[\]()]*"
# Words around variables: "tester_$number".
_WITH_VARIABLES = r"(?:[A-Za-z_.\-]*\$[A-Za-z_][A-Za-z0-9_]*)+[A-Za-z_.\-]*"
_SIGNED = (
    rf"\.{_WORD}|[&!*]{{1,3}}[A-Za-z_]+[*;,]{{0,3}}|[@:]{{1,2}}{_WORD}[:;,]{{0,2}}"
    r"|@(?:[A-Za-z_\-]+[0-9]?[/.:]+)+[A-Za-z_\-]*[0-9]?"
)
_BRACKETS = rf"<.*>|\{{.*\}}|[\[(](?:[^0-9]*|{_WORD}|[0-9]{{0,4}}|.*[\s\"',$?\\\-].*)[\])]"
_CALL = rf"{_NAME}(?:[.:]+{_NAME})*\s?[(\[].*[)\]]|[A-Za-z_]\w*[(\[](?:[\"'$].*)?[)\]]"
_ELSEWHERE = rf"{_DOTTED}|{_CONSTANT}|{_PATH}|{_FILE}"
_NAMED = compile_pattern(rf"(?:{_CALL}).{{0,40}}|{_ELSEWHERE}")
_LITERAL = rf"{_VARIABLE}|{_SIGNED}|{_BRACKETS}|(?:{_CALL}).{{0,40}}|{_ELSEWHERE}"
_REFERENCES = {
    Place.LITERAL: compile_pattern(_LITERAL),
    Place.VARIABLES: compile_pattern(f"{_ANY_VARIABLE}|{_WITH_VARIABLES}|{_LITERAL}"),
    # A call ends in its bracket.
    Place.SETTING: compile_pattern(rf"%[sdrv]|{_VARIABLE}|{_BRACKETS}|{_CALL}|{_ELSEWHERE}"),
    # What comes from elsewhere is marked, or spelt as the name of a constant or of a setting.
    Place.URL: compile_pattern(rf"{_VARIABLE}|{_BRACKETS}|{_CONSTANT}|[A-Za-z_]{{1,40}}(?:\.[A-Za-z_]{{1,40}}){{1,4}}"),
}


def is_reference(value: str, place: Place = Place.LITERAL) -> bool:
    """The value comes from elsewhere: a variable, a setting, a template, a call, a path or a file name.

    >>> is_reference("${DB_PASSWORD}"), is_reference("os.environ['X']"), is_reference(":new_password")
    (True, True, True)
    >>> is_reference("hunter2!"), is_reference("$ecret123"), is_reference("$ecret123", Place.VARIABLES)
    (False, False, True)
    """
    raw = _AS_IT_IS.sub("", value, count=1).encode("utf-8", "surrogatepass")
    template = _SETTING_TEMPLATE if place is Place.SETTING else _TEMPLATE
    return bool(_REFERENCES[place].fullmatch(raw) or template.search(raw))


def is_name(value: str) -> bool:
    """The value is spelt as the name of something in code: a call, names with dots, a constant, a path or a file.

    >>> is_name("org.shop.launch.ATTR_USE_ONLY_JAR"), is_name("Q1W2_E3R4")
    (True, False)
    """
    return bool(_NAMED.fullmatch(value.encode("utf-8", "surrogatepass")))


def has_marker(value: str) -> bool:
    """A part of the value is put in elsewhere.

    >>> has_marker("app-{version}"), has_marker("100%sure9")
    (True, False)
    """
    return bool(_TEMPLATE.search(value.encode("utf-8", "surrogatepass")))
