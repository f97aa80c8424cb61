"""Profile links: the names of persons that are links to their accounts, as in `[Ada Roe](https://github.com/ada)`.

In: a source. Out: hits on names that are the whole text of a link to an account at a forge or a network, in Markdown,
reStructuredText and HTML, or that such a link in brackets follows, as in lists of changes (`- Ada Roe ([@ada](…))`).
Links to what an account holds (`/owner/repository`) are left. Costs one pass for each form.
"""

import re
from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.people import leading_names
from gleanery.privacy.source import Source

NAME, ENTITIES = "profile_link", ("NAME",)
# Where an account stands right behind the host, and where something leads to it.
_HOSTS = (
    r"(?:(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|twitter\.com|x\.com|keybase\.io|orcid\.org"
    r"|dev\.to)/|(?:[a-z]{2,3}\.)?linkedin\.com/in/|(?:git\.)?sr\.ht/~|medium\.com/@|stackoverflow\.com/users/[0-9]{1,9}/"
    r"|mastodon\.[a-z]{2,8}/@)"
)
_ACCOUNT = rf"https?://{_HOSTS}[\w.\-]{{1,40}}/?"
GATES = {
    NAME: Condition(
        rf"//{_HOSTS}",
        (b"//github.com/", b"//www.github.com/", b"gitlab.com/", b"bitbucket.org/", b"codeberg.org/", b"twitter.com/")
        + (b"x.com/", b"keybase.io/", b"orcid.org/", b"dev.to/", b"linkedin.com/in/", b"sr.ht/~", b"medium.com/@")
        + (b"stackoverflow.com/users/", b"//mastodon."),
        caseless=True,
    )
}
_LINK = compile_pattern(
    rf"\[([^\[\]\n]{{3,80}})\]\({_ACCOUNT}[)\"' ]|`([^`<>\n]{{3,80}})[ \t]<{_ACCOUNT}>`"
    rf"|<a[ \t][^<>\n]{{0,80}}href=[\"']{_ACCOUNT}[\"'][^<>\n]{{0,120}}>([^<>\n]{{3,80}})</a>"
    rf"|(?:(?m:^)[ \t]*[*+\-][ \t]+|[,;][ \t])([^\[\]()@<>\n,;]{{3,60}})[ \t]\(\[@?[\w.\-]{{1,40}}\]\({_ACCOUNT}\)\)"
)
_REST = re.compile(r"[\s.,*_]*(?:\([^()]*\)|@[\w\-]+)?[\s*_]*")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    for found in _LINK.finditer(source.raw):
        group = next(number for number in (1, 2, 3, 4) if found.group(number) is not None)
        text = bytes(found.group(group)).decode("utf-8", "ignore")
        spans = list(leading_names(text))
        if len(spans) == 1 and " " in text[slice(*spans[0])] and _REST.fullmatch(text, spans[0][1]):
            start, end = (found.start(group) + len(text[:place].encode()) for place in spans[0])
            yield Hit(start, end, "NAME", "profile_link", 0.75)
