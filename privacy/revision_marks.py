"""Revision marks: who changed a file, as systems of versions write it into the file themselves.

In: a source. Out: hits on the accounts in keywords of RCS, CVS and Subversion (`$Id: a.c,v 1.2 2003/08/27 10:00:00 kroe
Exp $`, `$Author: kroe $`), in the history that `$Log$` leaves (`Revision 1.2  2003/08/27 10:00:00  kroe`), and in what
their commands for a history put out. Costs one pass over texts with such a keyword or a time behind a date.
"""

from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.source import Source
from gleanery.privacy.url_credentials import is_user_name

NAME, ENTITIES = "revision_mark", ("USERNAME",)
_DATE = r"(?:[0-9]{2})?[0-9]{2}[-/][01][0-9][-/][0-3][0-9]"
_TIME = r"[0-2]?[0-9]:[0-5][0-9]:[0-5][0-9]Z?"
_ACCOUNT = r"([A-Za-z][\w.\-]{1,31})"
GATES = {
    NAME: Condition(
        rf"\$(?:Author|Locker|LastChangedBy): [A-Za-z]|{_DATE}[ \t]{{1,4}}{_TIME}[ \t]{{1,4}}[A-Za-z]"
        rf"|{_DATE} {_TIME}[^\n;]{{0,8}};[ \t]{{1,4}}author: [A-Za-z]|\| [A-Za-z][\w.\-]{{1,31}} \| {_DATE} ",
        (b"$", b"revision", b"author: ", b" | "),
    )
}
_MARK = compile_pattern(
    # What stands behind the state is the account that holds the lock.
    rf"\$[A-Z]\w{{1,23}}: [^$\n]{{1,200}}[ \t][0-9][0-9.]{{0,19}}[ \t]{{1,4}}{_DATE}[ \t]{_TIME}[ \t]{_ACCOUNT}[ \t]"
    rf"(?:[A-Z][a-z]{{1,6}}[ \t](?:{_ACCOUNT}[ \t])?)?\$"
    rf"|\$(?:Author|Locker|LastChangedBy): {_ACCOUNT}[ \t]?\$"
    rf"|\bRevision[ \t]{{1,4}}[0-9][0-9.]{{0,19}}[ \t]{{1,4}}{_DATE}[ \t]{{1,4}}{_TIME}[ \t]{{1,4}}"
    rf"{_ACCOUNT}[ \t\r]{{0,80}}(?m:$)"
    rf"|\bdate: {_DATE} {_TIME}[^\n;]{{0,8}};[ \t]{{1,4}}author: {_ACCOUNT};"
    rf"|(?m:^)[ \t*#/;%]{{0,12}}r[0-9]{{1,8}} \| {_ACCOUNT} \| {_DATE} "
)


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    for found in _MARK.finditer(source.raw):
        for group in range(1, _MARK.groups + 1):
            account = found.group(group)
            if account is not None and is_user_name(bytes(account).decode("utf-8", "ignore")):
                yield Hit(found.start(group), found.end(group), "USERNAME", NAME, 0.8)
