"""People: names in the places where files name their authors.

In: a source. Out: hits on names of persons in copyright lines, author fields, sign-offs, and before an e-mail address
in brackets. Organisations and words are left. A span never crosses a line and never holds a quote. Names in other
places are not looked for: without context, a capitalised word in code is seldom a name.
"""

import html
import re
from collections.abc import Iterator
from posixpath import basename
from typing import NamedTuple

from gleanery.privacy import name_cues
from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.rules import load_rules
from gleanery.privacy.source import Source

NAME, ENTITIES = "person", ("NAME",)
_MAIL_START = r"[ \t](?:[<(]|E<lt>)[^<>()@ \t\n\r\f]{1,64}(?:@|[ \[(_]at[ \])_])"
_PERSON_START = r"\bperson\("
GATES = {
    "person_cue": Condition(name_cues.PATTERN, name_cues.KEYWORDS, caseless=True),
    "person_mail": Condition(_MAIL_START, (b"@", b"at")),
    "person_call": Condition(_PERSON_START, (b"person(",)),
}

_CUE = compile_pattern(name_cues.CASED)
_MAIL = compile_pattern(rf"[ \t]?{_MAIL_START}[^<>()]{{1,80}}(?:[>)]|E<gt>)")
# How files of R name a person, in two strings.
_PERSON = compile_pattern(
    rf"{_PERSON_START}\s{{0,20}}(?:given\s{{0,3}}=\s{{0,3}})?[\"']([^\"'\n]{{2,60}})[\"']"
    r"\s{0,20},\s{0,60}(?:family\s{0,3}=\s{0,3})?[\"']([^\"'\n]{2,60})[\"']"
)
_PERSON_FILE = re.compile(r"description|citation|.*\.(?:r|rmd)")
_CONTINUED = re.compile(rb"\n(?=[ \t])")  # a field of a `DESCRIPTION` goes on where a line is indented
_FIELD_FILE = re.compile(r"(?:.*/)?(?:DESCRIPTION|debian/copyright)")
_WINDOW = 4000  # bytes behind a cue; names stand at once, or behind a link, and may be many

# One step of what may stand before a first name, and one of what may stand between two. Each is taken greedily and
# never given back, so a line of nothing but years costs no more than its length.
_FONT = r"\\f(?:[BIRP]|\([A-Z]{2}|\[\w{0,4}\])|</?(?:b|i|u|em|tt|cite|code|font|small|span|strong)\b[^<>]{0,80}>"
_LEAD = re.compile(
    r"\(c\)|[\s:：=>\-–—\"'`*#\[({,.;+_]|\\[\"']|©|&copy;|<a\s[^<>]{0,160}>|(?:copyright|by|present|now)\b|\d{4}\b|\d{2}\b"
    rf"|\$\{{?\w{{1,20}}\}}?|u(?=[\"'])|{_FONT}"
    r"|(?:(?<=\")[\w-]{1,20}\"|“[\w-]{1,20}”) (?=[^\W\d_])",  # "Nickname" Ada Roe
    re.IGNORECASE,
)
_GAP = re.compile(
    r"\s+|[,;/|+]|&(?![A-Za-z]{2,8};)|[\"']\s?[,;]?\s?[\"']|(?:and|und|et|y|present)\b|\d{4}\b|[-–](?=\s?\d)|<[^<>]{0,90}>"
    rf"|\([^()]{{0,90}}\)|\[[^\[\]]{{0,60}}\]|{_FONT}",
    re.IGNORECASE,
)
# Letters that a page writes by their names: `Bj&ouml;rn`, `&Aring;sa`; and with their accent as a sign of its own.
_LETTER = (
    r"(?:(?:[^\W\d_]|&[A-Za-z]{1,2}(?:uml|acute|grave|circ|tilde|ring|cedil|slash|caron|lig);)[\u0300-\u036f]{0,3})"
)
_TOKEN = re.compile(rf"{_LETTER}+(?:['’-]{_LETTER}+)*")
_FIRST_INITIAL = re.compile(r"A(?:\.| [A-Z][. ])")
_DIRECTIVE = re.compile(r"\s*(?:%[sd@{]|\{\w*\}|\$\{?\w)")
# A particle and a name in one word: `deBirch`, `vanQuast`.
_JOINED = re.compile(r"(?:des?|d[aiu]|van|von|ma?c)[A-Z][a-z]{2,16}")
_COMPANY_AHEAD = re.compile(
    r",?\s+(?:\([^()\n]{1,30}\)\s+)?(?:Inc|LLC|L\.L\.C|Ltd|Limited|GmbH|Corp|S\.A|B\.V|AG|KG|Co|s\.r\.o|s\.p\.a|e\.V|K\.?K)\b",
    re.IGNORECASE,
)
# A company and then a year begin a second holder: "Kiesgrube GmbH, 2014 First Last".
_COMPANY_FIRST = re.compile(r"(?:[A-Z][^,;()<>\"\n]{2,60}, (?:\(c\) )?|[A-Z][^\s,;()<>\"]{2,30} )\d{4}(?:-\d{4})? ")
# So do a company, or a name in one word, and "and" or "by": "Kiesgrube Inc. and First Last".
_COMPANY_AND = re.compile(r"([A-Z][^,;()<>\"\n]{1,60}?),? (?:and|by|&|[Aa]uthor) ")
# A company by its form, and then a list: of two names at least, since a town may stand there alone.
_COMPANY_LIST = re.compile(
    r"[A-Z][^;()<>\"\n]{1,60}?,? (?:Inc|LLC|Ltd|Limited|GmbH|Corp|Corporation|AG|B\.V|S\.A)\.?, (?:and )?"
)
# A line end or a tab as strings write it.
_ESCAPED_BLANK = re.compile(r"\\+[nrt]")
# An end of what marks a name: a bracket or a star that Markdown escapes, a font of roff, `_` behind the last letter, an
# address in brackets; any other bracket makes a call of it.
_IS_MARKED = re.compile(r"(?<!\w)_\Z|\A_\Z")
_MARK_ENDS = re.compile(r"\\(?:[)\]}*_.,]|f[BIRP(\[])|_(?!\w)|\((?:https?:|mailto:|[^\s()@]{1,64}@)")
_ACCENTED = re.compile(r"[\w .{}\-]{0,40}\{\\[^\s{}]{1,3}\}[\w .{}\\'\"`~^\-]{0,60}? and\s+")
_HEADS_LINES = compile_pattern(r"(?is:[@\\]authors?|.{4,120}\sby)")
_MOST_BELOW = 20
_COMMENT = re.compile(r"[ \t]*(?:/{2,3}!?|%+|!)?")  # how a line of one begins, where `_LEAD` does not know it
_LISTED_END = re.compile(r"\s*(?:$|[,.;)<(\[]|and\b|&|for\b|\*/)")
_SPELT = re.compile(r"[A-Z][a-z]{1,14}(?:-[A-Z][a-z]{1,14})?|[A-Z]\.?|(?:v[ao]n|de[rn]?|la)")
# Behind the last name of a line that goes on in the next one.
_GOES_ON = re.compile(r"\s*(?:,|,?\s+(?:and|&))[ \t\r]*\Z")
# A line below a holder that names another one: comment marks, blanks and years.
_YEARS_FIRST = re.compile(r"[ \t*#/;%!|\-]{0,40}(?:19|20)\d\d(?:\s?[-–,]\s?(?:19|20)?\d\d)*\b")
_LINE_END = re.compile(r"[\s,;.\-–]*(?:$|[<(\[]|\*/|-->|\S+@)")
# Words of the sentence that begins behind a holder: "2014 Ada Roe All Rights Reserved", "... The MIT License".
_BEGINNERS = frozenset(
    ("all", "the", "this", "these", "see", "licensed", "released", "distributed", "and", "with", "my")
)
_YEAR = re.compile(r"\b(?:19|20)\d\d")
_YEAR_BEHIND = re.compile(r"[^\n]{2,60}?[, ](?:19|20)\d\d\b")  # "(c) Ada Roe 2014"
_OWNED = tuple(word.encode() for word in ("版权", "版權", "著作権", "著作權", "저작권"))  # "copyright"
_LABELS = frozenset(("author", "maintainer", "contributor"))
_COPYRIGHT = (b"copyright", b"(c)", b"&copy;", b"\xc2\xa9")
# Before a tag in the middle of a sentence: "do not use @author tags".
_IN_SENTENCE = re.compile(rb"[A-Za-z,`][ \t]{1,4}[`\"']?$")
# What things do too: "the length, as reported by This Counter". What stands behind an article elsewhere is a thing.
_SAID_OF_THINGS = compile_pattern(r"(?is:[a-z].{0,120}\s(?:by|from))")
_THING = compile_pattern(
    r"\b(?:[Aa]n?|[Tt]his|[Tt]hat|[Ee]ach|[Ee]very|[Tt]hese)\s{1,40}([A-Z][A-Za-z\-]+(?:[ ][A-Z][A-Za-z\-]+){1,3})"
)
_HANDLE = re.compile(r"[A-Za-z][\w.\-]{1,31}(?=\s*(?:$|[<(,;/]|\*/|-->|\\+[nrt])|\s+(?:\d|https?:))")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes; hits may overlap."""
    if "person_cue" in source.present:
        yield from _behind_cues(source)
    if "person_mail" in source.present:
        yield from _before_addresses(source)
    name = basename(source.path.replace("\\", "/")).lower()
    if "person_call" in source.present and _PERSON_FILE.fullmatch(name):
        yield from _in_calls(source)


def _behind_cues(source: Source) -> Iterator[Hit]:
    read = 0
    things: frozenset[str] | None = None
    for found in _CUE.finditer(source.raw):
        if found.start() < read:
            continue  # a sign between another cue and its name, as in "Copyright (c)"
        cue = bytes(found.group()).lower()
        if cue == b"-by:" and source.before(found.start(), 7).lower() == b"powered":
            continue  # the header of a server, which names a program
        behind = _behind(source, found.end()).decode("utf-8", "ignore")
        lead = _skipped(_LEAD, behind, 0)
        if cue == b"(c)" and _is_item(source, found.start(), behind, lead):
            continue
        read = found.end() + lead  # fewer characters than bytes, so never too far
        is_copyright, is_tag = cue.startswith(_COPYRIGHT), cue.startswith((b"@author", b"\\author"))
        spans = list(_listed_names(behind, lead))
        if not spans and not is_copyright:
            spans = list(_reversed_name(behind, lead))
        if not spans and is_tag and not _IN_SENTENCE.search(source.before(found.start())):
            spans = list(_handle(behind, lead))
        if spans and _SAID_OF_THINGS.fullmatch(cue):
            things = _things(source.raw) if things is None else things
            spans = [span for span in spans if behind[slice(*span)] not in things]
        if spans and not name_cues.may_end(found.group(), behind, spans[-1][1]):
            continue
        yield from _author_hits(behind, found.end(), spans)
        if spans and _GOES_ON.match(behind, spans[-1][1]):
            yield from _in_the_next_line(source, found.end())
        if is_copyright:
            yield from _below_years(source, found.end())
        if not behind.strip(" \t\r:*") and _HEADS_LINES.fullmatch(cue):
            yield from _below(source, found.end())


def _below(source: Source, place: int) -> Iterator[Hit]:
    """The names in the lines below a tag that stands alone, as Doxygen has it, one or more in each."""
    for start, text, spans in _lines_below(source, place, _COMMENT):
        if not spans or not _LINE_END.match(text, spans[-1][1]):
            return
        yield from _author_hits(text, start, spans)


def _in_the_next_line(source: Source, place: int) -> Iterator[Hit]:
    """The names with which a list goes on in the next line, if a comma, `and` or an end stands behind each."""
    for start, text, spans in _lines_below(source, place, _COMMENT):
        if not spans or not _LISTED_END.match(text, spans[-1][1]):
            return
        yield from _author_hits(text, start, spans)
        if not _GOES_ON.match(text, spans[-1][1]):
            return


def _below_years(source: Source, place: int) -> Iterator[Hit]:
    """The holders below one in lines that begin with years, if nothing goes on behind them."""
    for start, text, spans in _lines_below(source, place, _YEARS_FIRST):
        if spans and not _LISTED_END.match(text, spans[-1][1]):
            return
        yield from _author_hits(text, start, spans)


def _lines_below(
    source: Source, place: int, begin: re.Pattern[str]
) -> Iterator[tuple[int, str, list[tuple[int, int]]]]:
    """The lines below a place that begin so, up to the first that does not: where each starts, its text, its names."""
    for _ in range(_MOST_BELOW):
        place = source.raw.find(b"\n", place) + 1
        text = source.after(place, 200).decode("utf-8", "ignore") if place else ""
        found = begin.match(text)
        if found is None:
            return
        yield place, text, list(_listed_names(text, _skipped(_LEAD, text, found.end())))


def _author_hits(text: str, offset: int, spans: list[tuple[int, int]]) -> Iterator[Hit]:
    for start, end in spans:
        yield _hit(text, offset, start, end, "author_header", 0.75)


def _things(raw: bytes) -> frozenset[str]:
    """What stands behind an article, which no name of a person does.

    >>> sorted(_things(b"This Big Gate and an Old Oak are known to Ada Roe."))
    ['Big Gate', 'Old Oak']
    """
    return frozenset(bytes(found.group(1)).decode() for found in _THING.finditer(raw))


def _is_item(source: Source, place: int, behind: str, lead: int) -> bool:
    """The letter in brackets is one of a list and no sign of copyright, where no year says that it is.

    It stands behind a `(b)`, or in the middle of a sentence before letters of a script that has no capitals.
    """
    if _YEAR.search(behind, 0, lead + 1) or _YEAR_BEHIND.match(behind, lead):
        return False
    before = source.raw[max(0, place - 1500) : place].lower()
    line = before.rpartition(b"\n")[2]
    if line.rstrip().endswith((b"copyright", b"copr.", b"\xc2\xa9")) or any(word in line for word in _OWNED):
        return False
    in_sentence = any(byte > 127 or chr(byte).isalnum() for byte in line)
    return b"(b)" in before or in_sentence and "\u3040" <= behind[lead : lead + 1] <= "\ud7af"


def _behind(source: Source, place: int) -> bytes:
    """What stands behind a cue in its line or field. Of a very long one the last word is left out, as it may be cut."""
    if not _FIELD_FILE.fullmatch(source.path.replace("\\", "/")):
        window = source.after(place, _WINDOW)
        if source.before(place, 20).rstrip().endswith(b"."):  # `AUTHOR. NAME.` of COBOL
            window = window.rstrip().removesuffix(b".")
        cut = window.rfind(b" ", _WINDOW - 100)
        return window if cut < 0 else window[:cut]
    return _CONTINUED.sub(b" ", source.raw[place : place + _WINDOW]).partition(b"\n")[0]


def _in_calls(source: Source) -> Iterator[Hit]:
    """The parts of `person("First", "Last")`, each in its quotes."""
    for found in _PERSON.finditer(source.raw):
        text = " ".join(bytes(found.group(group)).decode("utf-8", "ignore") for group in (1, 2))
        if not any(token.kind == "organisation" for token in _tokens(text, 0)):
            for group in (1, 2):
                yield Hit(found.start(group), found.end(group), "NAME", "person_call", 0.8)


def _before_addresses(source: Source) -> Iterator[Hit]:
    for found in _MAIL.finditer(source.raw):
        before = source.before(found.start(), 100).decode("utf-8", "ignore")
        if "language-team:" in before.lower():
            continue  # a list for all who translate into a language, which stands before its address
        for start, end in _name(before, _run_before(before)):
            yield _hit(before, found.start() - len(before.encode()), start, end, "name_before_mail", 0.85)


def names_at(text: str, place: int) -> Iterator[tuple[int, int]]:
    """The name that begins at a place of a text, if one does."""
    yield from _name(text, _run_from(text, place))


def behind_lead(text: str, place: int) -> int:
    """The place behind what may stand before a first name: quotes, bullets, years, brackets."""
    return _skipped(_LEAD, text, place)


def leading_names(text: str) -> Iterator[tuple[int, int]]:
    """The names that follow each other at the beginning of a text, behind quotes and the like; or `Last, First`."""
    lead = _skipped(_LEAD, text, 0)
    spans = list(_listed_names(text, lead))
    yield from spans or _reversed_name(text, lead)


def is_part_of_name(text: str) -> bool:
    """The text is nothing but words that a name may have: what stands in a field for family names.

    >>> [is_part_of_name(t) for t in ("van der Brugge", "Jean-Luc", "M.", "The Project", "x")]
    [True, True, True, False, False]
    """
    run = _run_from(text, 0)
    kinds = {token.kind for token in run}
    whole = bool(run) and len(run) <= 5 and not text[run[-1].end :].strip(". ")
    return whole and kinds <= _PARTS | {"cjk"} and kinds != {"particle"}


def may_be_part_of_name(text: str) -> bool:
    """The same where nothing but a name is expected: words with a capital that are also others ("Eik List", "Driver").

    >>> [may_be_part_of_name(t) for t in ("Eik List", "Driver", "The Project", "others", "Ada of Roe")]
    [True, True, False, False, False]
    """
    words = text.split()
    spelt = bool(words) and len(words) <= 4 and all(_SPELT.fullmatch(word) for word in words)
    kinds = {token.kind for token in _tokens(text, 0)}
    return is_part_of_name(text) or spelt and words[0] != "The" and "organisation" not in kinds


def _skipped(step: re.Pattern[str], text: str, place: int) -> int:
    """The place behind as many steps as follow each other."""
    while found := step.match(text, place):
        place = found.end()
    return place


def _hit(text: str, offset: int, start: int, end: int, rule: str, score: float) -> Hit:
    first = offset + len(text[:start].encode())
    return Hit(first, first + len(text[start:end].encode()), "NAME", rule, score)


def _listed_names(text: str, place: int) -> Iterator[tuple[int, int]]:
    """Names one after the other, with nothing between them but commas, years and addresses."""
    if not _first_name(text, place):
        place = _behind_company(text, place)
    while True:
        if name := _first_name(text, place):
            yield name
        elif not (name := _accented(text, place)):
            return
        place = _skipped(_GAP, text, name[1])


def _accented(text: str, place: int) -> tuple[int, int] | None:
    """The rest of a name with an accent as LaTeX writes it, up to the next one: the others are found all the same."""
    rest = _ACCENTED.match(text, place)
    return rest.span() if rest else None


def _behind_company(text: str, place: int) -> int:
    """Where the second holder begins, if the first is a company; else the place."""
    if company := _COMPANY_FIRST.match(text, place):
        return company.end()
    if company := _COMPANY_LIST.match(text, place):
        first = _first_name(text, company.end())
        listed = first and _first_name(text, _skipped(_GAP, text, first[1]))
        return company.end() if listed else place
    company = _COMPANY_AND.match(text, place)
    if not company:
        return place
    kinds = [token.kind for token in _tokens(company.group(1), 0)]
    return company.end() if len(kinds) == 1 or "organisation" in kinds else place


def _first_name(text: str, place: int) -> tuple[int, int] | None:
    run = _run_from(text, place)
    return next(iter((*_name(text, run), *_shouted(text, run))), None)


def _reversed_name(text: str, place: int) -> Iterator[tuple[int, int]]:
    """A last name, a comma and a first name, with nothing behind them."""
    last = _run_from(text, place)
    if not last or [token.kind for token in last if token.kind != "particle"] not in (["word"], ["capitals"]):
        return
    comma = last[-1].end
    first = _run_from(text, comma + 2) if text[comma : comma + 2] == ", " else []
    kinds = {token.kind for token in first}
    if kinds and len(first) <= 3 and kinds <= _PARTS and name_cues.NAME_END.match(text, first[-1].end):
        yield last[0].start, first[-1].end


def _handle(text: str, place: int) -> Iterator[tuple[int, int]]:
    """A single word behind @author: the name of an account, or a name in Chinese, Japanese or Korean letters."""
    found = _HANDLE.match(text, place)
    words = load_rules().words
    if found and not {found.group().lower()} & (
        words["organisation_words"] | words["not_name_words"] | words["shared_accounts"]
    ):
        yield found.span()


_PARTS = {"word", "initial", "particle", "capitals"}


class _Token(NamedTuple):
    start: int
    end: int
    kind: str


def _run_from(text: str, place: int) -> list[_Token]:
    """The words from a place on that may belong to one name; none if one of them makes an organisation of it."""
    run: list[_Token] = []
    column = 0
    for token in _tokens(text, place):
        if text[place : token.start] not in (_between(run[-1]) if run else ("",)):
            break
        if len(run) > 1 and text[place : token.start] == "  ":
            column = len(run)
        if token.kind == "organisation" or token.kind == "stop" and run and _makes_a_title(text, run, token):
            return run[:column]  # none, but for what stands two blanks before it, in a column of its own
        if token.kind == "stop":
            return run
        run.append(token)
        place = token.end
    return run


def _makes_a_title(text: str, run: list[_Token], stop: _Token) -> bool:
    """A word that is in no name goes on with that of an organisation: "World Wide Web Consortium", "Acme ICT Japan"."""
    if not text[stop.start].isupper() or text[stop.start : stop.end].lower() in _BEGINNERS:
        return False
    if text[stop.start : stop.end].lower() in load_rules().words["place_words"]:
        return any(token.kind == "capitals" for token in run)  # "Ada Roe Germany" is a person
    place = stop.end
    for _, token in zip(range(3), _tokens(text, place), strict=False):
        if text[place : token.start] != " " or not text[token.start].isupper():
            return False
        if token.kind == "organisation":
            return True
        place = token.end
    return False


def _between(token: _Token) -> tuple[str, ...]:
    """What may stand behind a word of a name: "Ada Roe", "J.R. Roe", "J.-P. Roe"."""
    return ("", " ", "  ", "-") if token.kind == "initial" else ("", " ", "  ")


def _run_before(text: str) -> list[_Token]:
    """The words up to the end of a text that may belong to one name."""
    run: list[_Token] = []
    place = len(text)
    for token in reversed(list(_tokens(text, 0))):
        if text[token.end : place] not in (_between(token) if run else ("",)) or token.kind == "stop":
            break
        if token.kind == "organisation":
            is_label = text[token.start : token.end].lower() in _LABELS and len(run) > 1
            return run if is_label else []  # "Author Ada Roe <...>", but not "The Roe Authors <...>"
        run.insert(0, token)
        place = token.start
    return run


def _tokens(text: str, place: int) -> Iterator[_Token]:
    """Words with what they can be in a name. One that is glued to code around it is none, but `J.R.` are two."""
    before = -1
    for found in _TOKEN.finditer(text, place):
        start, end = found.span()
        # "A" is an article before anything but its dot or another initial.
        kind = "initial" if _FIRST_INITIAL.match(text, start) else _kind(html.unescape(found.group()))
        if text[end : end + 1] == "." and (kind == "initial" or found.group() in ("Jr", "Sr", "Dr", "St", "Ste")):
            end += 1
        behind = "_@(=\\&%0123456789" + "/" * (kind == "initial")  # as in "I/O"
        glued = (
            start > 0
            and start != before
            and text[start - 1] in "_@\\/.$&%"
            and not (start == place and _IS_MARKED.search(text, max(0, start - 2), start))
            or text[end : end + 1]
            and text[end] in behind
            and not _ESCAPED_BLANK.match(text, end)
            and not _MARK_ENDS.match(text, end)
        )
        before = end if kind == "initial" and not glued else -1
        yield _Token(start, end, "stop" if glued else kind)


def _name(text: str, run: list[_Token]) -> Iterator[tuple[int, int]]:
    """The span of a run that is built like a name: first name or initial, perhaps more, last name."""
    if [token.kind for token in run] != ["word", "initial"]:  # "Ravi K" is a whole name, "Ada Lovelace A" is not
        while run and run[-1].kind in ("particle", "initial"):
            run = run[:-1]
    while run and run[0].kind == "particle":
        run = run[1:]
    kinds = [token.kind for token in run]
    whole = ".".join(text[t.start : t.end].rstrip(".") for t in run).lower()
    if whole in load_rules().words["stand_in_people"]:
        return
    if kinds == ["cjk"] and _DIRECTIVE.match(text, run[-1].end):
        return  # a sentence in which a name is put
    if (kinds == ["cjk"] or 2 <= len(run) <= 5 and "word" in kinds) and not _COMPANY_AHEAD.match(text, run[-1].end):
        yield run[0].start, run[-1].end


def _shouted(text: str, run: list[_Token]) -> Iterator[tuple[int, int]]:
    """A name in nothing but capitals, where nothing goes on behind it."""
    kinds = [token.kind for token in run]
    shouted = 2 <= len(run) <= 3 and kinds[0] == kinds[-1] == "capitals" and {*kinds} <= {"capitals", "initial"}
    if shouted and name_cues.NAME_END.match(text, run[-1].end):
        yield run[0].start, run[-1].end


def _kind(token: str) -> str:
    """What a token can be in a name.

    >>> [_kind(t) for t in ("Ada", "K", "van", "Inc", "License", "SMITH", "foo")]
    ['word', 'initial', 'particle', 'organisation', 'stop', 'capitals', 'stop']
    """
    words, lowered = load_rules().words, token.lower()
    if lowered in words["organisation_words"] and token != "as":  # of a sentence, and no company of Norway
        return "organisation"
    if lowered in words["name_particles"] and token[0].islower() or token == "Mac":  # "Aodhan Mac Giolla"
        return "particle"
    if lowered in words["not_name_words"]:
        return "stop"
    if all("\u3040" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7af" for c in token):
        return "cjk" if 2 <= len(token) <= 4 and token[-1] != "者" else "stop"  # who does something: "map author"
    if not token[0].isupper():
        return "word" if _JOINED.fullmatch(token) else "stop"
    if len(token) == 1:
        return "initial"
    if token.isupper():
        return "capitals" if 3 <= len(token) <= 14 else "stop"
    parts = re.split(r"['’-]", token)
    return "word" if len(token) <= 20 and all(_is_word(part) for part in parts) else "stop"


def _is_word(part: str) -> bool:
    inner_capitals = sum(c.isupper() for c in part[1:])
    return bool(part) and (
        inner_capitals == 0
        or inner_capitals == 1
        and part[:2] in ("Mc", "Ma", "De", "Di", "La", "Le", "Va", "Fi", "Du", "Da")
    )
