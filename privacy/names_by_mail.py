"""Names by mail: the name of whom an address belongs to, in brackets behind it, as the key beside it, or before it in a
line.

In: a source. Out: hits on names of persons in `ada@host.org (Ada Roe)` and `{ 'Ada Roe' => 'ada@host.org' }`, whatever
stands before them, and in lines that begin with a name and go on with its address (`Ada Roe, ada@host.org`), however
that is written, also if the address stands alone in the next line. An address `ada at host.org` is one only there, if
its letters are those of the name. What stands before an address in brackets is read by `people`. Costs a look at each
address that a bracket follows, at each that an arrow leads to, and at each line with an address.
"""

import re
from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.mail_addresses import is_real
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.people import leading_names, names_at
from gleanery.privacy.source import Source

NAME, ENTITIES = "name_by_mail", ("NAME", "EMAIL")
_HOST = r"@(?:[A-Za-z0-9\-]{1,63}\.){1,6}[A-Za-z]{2,24}"
_BEHIND = rf"[A-Za-z0-9_\-]{_HOST}>?[ \t]{{1,4}}\("
_BESIDE = rf"=>[ \t]{{0,40}}[\"'][^\"'\s@<>]{{1,64}}{_HOST}[\"']"
# An address in a line, plain or as `mail_addresses` finds it in words, and what parts it from the name.
_PLAIN = "[A-Za-z0-9][A-Za-z0-9_.+]{0,40}"
_IN_WORDS = (
    r"(?:[ \t]?-at-[ \t]?|[ \t]at[ \t]|[ \t]?[(\[{<]at[)\]}>][ \t]?|_at_)"
    r"[A-Za-z0-9\-]{1,40}?(?:[.]|[-_]dot[-_]|[ \t]dot[ \t])[A-Za-z]"
)
_SAID = rf"({_PLAIN})[ \t](?:at|AT)[ \t]((?:[A-Za-z0-9\-]{{1,40}}\.){{1,5}}[A-Za-z]{{2,24}})\b"
_ADDRESS = rf"(?:[A-Za-z0-9_.+\-]{{1,64}}{_HOST}|{_SAID}|{_PLAIN}(?i:{_IN_WORDS}))"
_BEGIN = r"[ \t]{0,40}(?:[*#/;!%|+\-]{1,4}[ \t]{1,40})?"
_NAMED = r"([A-Z][^\n@<>()\[\]{}\"=:0-9]{2,60}?)"
_LINE = rf"(?m:^){_BEGIN}{_NAMED}(?:,[ \t]{{1,4}}|[ \t]-{{1,2}}[ \t]|[ \t]{{1,8}}){_ADDRESS}"
# A line of nothing but an address, below one of nothing but a name: how letters and manuals are signed.
_ALONE = (
    rf"(?:(?i:e-?mail)[ \t]?:?[ \t]{{1,4}})?[<(]?[A-Za-z0-9_.+\-]{{1,64}}{_HOST}[>)]?[ \t.]{{0,8}}(?:\*/)?\r?(?m:$)"
)
_SIGNED = rf"(?m:^){_BEGIN}{_NAMED}[ \t]{{0,40}}\r?\n{_BEGIN}{_ALONE}"
GATES = {
    NAME: Condition(
        rf"{_BEHIND}|{_BESIDE}|[^ \t\n][ \t]{{1,8}}[A-Za-z0-9_.+\-]{{1,64}}@[A-Za-z0-9]|(?i:{_IN_WORDS})"
        r"|\n[^A-Za-z0-9\n]{0,60}[A-Za-z0-9_.+\-]{1,64}@[A-Za-z0-9]",
        (b"@", b"at"),
    )
}
_IN_BRACKETS = compile_pattern(rf"{_BEHIND}([^()@\n]{{3,80}})\)")
_AS_KEY = compile_pattern(rf"[\"']([^\"'@\n]{{3,60}})[\"'][ \t]{{0,40}}{_BESIDE}")
_END = re.compile(r"\s*(?:$|[,;/|:])")
_IN_LINE, _IN_LINES = compile_pattern(_LINE), compile_pattern(_SIGNED)
_RESTS = re.compile(r"\s*[,\-]*\s*")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text for each form."""
    yield from _before_addresses(source) if NAME in source.present else ()
    for form in (_IN_BRACKETS, _AS_KEY) if NAME in source.present else ():
        for found in form.finditer(source.raw):
            text = bytes(found.group(1)).decode("utf-8", "ignore")
            spans = list(leading_names(text))
            if not spans or text[: spans[0][0]].strip() or not _END.match(text, spans[-1][1]):
                continue  # the words of a sentence in which a name stands, or of something else
            for start, end in spans:
                first = found.start(1) + len(text[:start].encode())
                yield Hit(first, first + len(text[start:end].encode()), "NAME", NAME, 0.8)


def _before_addresses(source: Source) -> Iterator[Hit]:
    """The name with which a line begins, if its address is all that follows, in that line or alone in the next one."""
    for found in _IN_LINE.finditer(source.raw):
        text = bytes(found.group(1)).decode("utf-8", "ignore")
        for start, end in names_at(text, 0):
            if start > 0 or not _RESTS.fullmatch(text, end):
                continue
            local, host = ((found.group(group) or b"").decode("ascii") for group in (2, 3))
            if local and not (_is_of(local, text[:end]) and is_real(local, host)):
                continue  # "Ada Roe works at host.org"
            yield Hit(found.start(1), found.start(1) + len(text[:end].encode()), "NAME", NAME, 0.8)
            if local:
                yield Hit(found.start(2), found.end(3), "EMAIL", "mail_address_in_words", 0.8)

    for found in _IN_LINES.finditer(source.raw):
        text = bytes(found.group(1)).decode("utf-8", "ignore")
        if (0, len(text)) in names_at(text, 0):
            yield Hit(found.start(1), found.end(1), "NAME", NAME, 0.75)


def _is_of(local: str, name: str) -> bool:
    """The account has a dot, or begins or ends with letters of the name.

    >>> _is_of("aroe", "Ada Roe"), _is_of("works", "Ada Roe"), _is_of("birch", "Wilma Birchwood")
    (True, False, True)
    """
    account, words = local.lower(), [word.lower() for word in re.split(r"[\W_]+", name) if len(word) > 2]
    return "." in account.strip(".") or any(word[:3] in account or account[:3] == word[:3] for word in words)
