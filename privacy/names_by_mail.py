"""Names by mail: the name of whom an address belongs to, in brackets behind it or as the key beside it.

In: a source. Out: hits on names of persons in `ada@host.org (Ada Roe)` and `{ 'Ada Roe' => 'ada@host.org' }`, whatever
stands before them. What stands before an address in brackets is read by `people`. Costs a look at each address that a
bracket follows, and at each that an arrow leads to.
"""

import re
from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.people import leading_names
from gleanery.privacy.source import Source

NAME, ENTITIES = "name_by_mail", ("NAME",)
_HOST = r"@(?:[A-Za-z0-9\-]{1,63}\.){1,6}[A-Za-z]{2,24}"
_BEHIND = rf"[A-Za-z0-9_\-]{_HOST}>?[ \t]{{1,4}}\("
_BESIDE = rf"=>[ \t]{{0,40}}[\"'][^\"'\s@<>]{{1,64}}{_HOST}[\"']"
GATES = {NAME: Condition(rf"{_BEHIND}|{_BESIDE}", (b"@",))}
_IN_BRACKETS = compile_pattern(rf"{_BEHIND}([^()@\n]{{3,80}})\)")
_AS_KEY = compile_pattern(rf"[\"']([^\"'@\n]{{3,60}})[\"'][ \t]{{0,40}}{_BESIDE}")
_END = re.compile(r"\s*(?:$|[,;/|:])")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text for each form."""
    for form in (_IN_BRACKETS, _AS_KEY) if NAME in source.present else ():
        for found in form.finditer(source.raw):
            text = bytes(found.group(1)).decode("utf-8", "ignore")
            spans = list(leading_names(text))
            if not spans or text[: spans[0][0]].strip() or not _END.match(text, spans[-1][1]):
                continue  # the words of a sentence in which a name stands, or of something else
            for start, end in spans:
                first = found.start(1) + len(text[:start].encode())
                yield Hit(first, first + len(text[start:end].encode()), "NAME", NAME, 0.8)
