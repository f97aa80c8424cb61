"""Profile links: the names of persons that are links to their accounts, as in `[Ada Roe](https://github.com/ada)`.

In: a source. Out: hits on names that are the whole text of a link to an account at a forge or a network, in Markdown,
reStructuredText and HTML, or that such a link in brackets follows, as in lists of changes (`- Ada Roe ([@ada](…))`).
Links to what an account holds (`/owner/repository`) are left. What stands below the picture of an account, as in the
tables of all-contributors, is the name of a person whatever it is like, and so is the text of the picture. Costs one
pass for each form.
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
_PICTURE = r"(?:avatars[0-9]?\.githubusercontent\.com/|gravatar\.com/avatar/)"
GATES = {
    "profile_picture": Condition(_PICTURE, (b"githubusercontent.com/", b"gravatar.com/avatar/"), caseless=True),
    NAME: Condition(
        rf"//{_HOSTS}",
        (b"//github.com/", b"//www.github.com/", b"gitlab.com/", b"bitbucket.org/", b"codeberg.org/", b"twitter.com/")
        + (b"x.com/", b"keybase.io/", b"orcid.org/", b"dev.to/", b"linkedin.com/in/", b"sr.ht/~", b"medium.com/@")
        + (b"stackoverflow.com/users/", b"//mastodon."),
        caseless=True,
    ),
}
_CAPTION = compile_pattern(
    rf"<img[ \t][^<>]{{0,200}}{_PICTURE}[^<>]{{0,200}}>\s{{0,40}}(?:<br[ \t]?/?>)?\s{{0,40}}<sub>\s{{0,40}}(?:<b>)?"
    r"([^<>\n]{2,60})</"
)
_TEXT = compile_pattern(
    rf"<img[ \t](?:[^<>]{{0,200}}{_PICTURE}[^<>]{{0,200}}[ \t]alt=\"@?([^\"<>\n]{{2,60}})\""
    rf"|[^<>]{{0,200}}\balt=\"@?([^\"<>\n]{{2,60}})\"[^<>]{{0,200}}{_PICTURE})"
)
_LINK = compile_pattern(
    rf"\[([^\[\]\n]{{3,80}})\]\({_ACCOUNT}[)\"' ]|`([^`<>\n]{{3,80}})[ \t]<{_ACCOUNT}>`"
    rf"|<a[ \t][^<>\n]{{0,80}}href=[\"']{_ACCOUNT}[\"'][^<>\n]{{0,120}}>([^<>\n]{{3,80}})</a>"
    rf"|(?:(?m:^)[ \t]*[*+\-][ \t]+|[,;][ \t])([^\[\]()@<>\n,;]{{3,60}})[ \t]\(\[@?[\w.\-]{{1,40}}\]\({_ACCOUNT}\)\)"
)
_IS_PERSON = re.compile(rb"[A-Za-z\x80-\xff]{2}")
_IS_NOBODY = re.compile(rb"(?i)\[bot\]$|avatar|logo|image|picture|photo|profile|\{|\$")
_REST = re.compile(r"[\s.,*_]*(?:\([^()]*\)|@[\w\-]+)?[\s*_]*")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text for each form."""
    for form in (_CAPTION, _TEXT) if "profile_picture" in source.present else ():
        for found in form.finditer(source.raw):
            group = 1 if found.group(1) is not None else 2
            name = bytes(found.group(group))
            if _IS_PERSON.search(name) and not _IS_NOBODY.search(name):
                yield Hit(found.start(group), found.end(group), "NAME", "profile_link", 0.75)
    for found in _LINK.finditer(source.raw) if NAME in source.present else ():
        group = next(number for number in (1, 2, 3, 4) if found.group(number) is not None)
        text = bytes(found.group(group)).decode("utf-8", "ignore")
        spans = list(leading_names(text))
        if len(spans) == 1 and " " in text[slice(*spans[0])] and _REST.fullmatch(text, spans[0][1]):
            start, end = (found.start(group) + len(text[:place].encode()) for place in spans[0])
            yield Hit(start, end, "NAME", "profile_link", 0.75)
