"""A licence file that states nothing by itself: it includes the one above it, or says in which file the licence stands.

In: a text. Out: whether it holds an include of a file called LICENSE or COPYING and nothing else but a title, as pages
of generators of sites do; or the path that it points to and beside which it says nothing. 5 µs.
"""

import re

from gleanery.licensing.lines import SIGNS, without_links

# A licence file in the folder of the page or above it, and in no other folder.
_PATH = r"[\"'<]?(?:\.{0,2}/){0,6}(?i:licen[sc]e|copying)(?:[.-](?!.*/)[\w.-]{1,12})?[\"'>]?"
_FORMS = (
    rf"\{{!\s*{_PATH}\s*!\}}",  # MkDocs, FORD
    rf"-{{1,2}}8<-{{1,2}}\s*{_PATH}",  # snippets of MkDocs
    rf"\{{\{{?%-?\s*(?:include|include_relative|include-markdown|include_markdown|readfile)\s+(?:file=)?{_PATH}"
    r"[^%\n]{0,80}-?%\}\}?",  # Jinja, Liquid, Hugo
    rf"\{{\{{<\s*(?:include|readfile)\s+(?:file=)?{_PATH}[^>\n]{{0,80}}>\}}\}}",
    rf"\{{\{{\s*#include\s+{_PATH}\s*\}}\}}",  # mdBook
    rf"(?:```+|:::+)\s*\{{(?:literal)?include\}}\s*{_PATH}(?:\s*:[\w-]+:[^\n]{{0,40}})*\s*(?:```+|:::+)",  # MyST
    rf"\.\.\s+(?:literal)?include::\s*{_PATH}(?:\s*:[\w-]+:[^\n]{{0,40}})*",  # reStructuredText
    rf"include::{_PATH}\[\]",  # AsciiDoc
)
_INCLUDE = re.compile("|".join(_FORMS))
# A title, its underline, and the fields of a page.
_TITLE = re.compile(
    r"(?i)[#=]{0,6}\s*(?:the\s+)?(?:project\s+)?licen[sc](?:e|ing)s?\s*[#=]{0,6}|[-=~*#]{3,}|\([\w-]+\)=|"
    r"(?:title|layout|permalink|slug|nav_order|sidebar_position|parent|hide|orphan|weight|menu|draft|id|toc)\s*:.{0,80}"
)
_LICENCE_FIELD = re.compile(r"(?i)\b(?:not|only|non|propriet|commercial|confidential)")


def included_only(text: str) -> bool:
    """Whether a text includes a licence file and says nothing else.

    >>> included_only('# License\\n\\n--8<-- "../LICENSE"'), included_only("{!LICENSE!}\\nNot for sale.")
    (True, False)
    >>> included_only('{% include "vendor/frob/LICENSE" %}')
    False
    """
    rest, found = _INCLUDE.subn("", text)
    lines = (line.strip() for line in rest.splitlines())
    return found > 0 and all(
        not line or (_TITLE.fullmatch(line) is not None and _LICENCE_FIELD.search(line) is None) for line in lines
    )


# A path, of which the last name may have dots; no address and no folder.
_FILE = r"(?P<path>(?:\.{1,2}/){0,8}(?:[\w@+-][\w.@+-]{0,60}/){0,8}[\w@+-][\w.@+-]{0,60})"
_OPEN, _CLOSE = r"[\"'`<(\[]{0,2}", r"[\"'`>)\]]{0,2}"
_WHERE = (
    r"(?:(?:please )?(?:see|refer to|read|consult)(?: also)?|(?:the |this |our )?(?:[\w-]+ )?(?:full )?licen[sc]e"
    r"(?: (?:text|terms|file|information))? (?:is|are|can be found|may be found)(?: found| located| available| stored)?"
    r" (?:in|at|under))"
)
_WHAT_FOR = (
    r"for (?:the |more |further |full |additional )*(?:licen[sc](?:e|es|ing)|details?|information|terms|text|copyright)"
)
_POINTS = re.compile(
    rf"(?i)(?:{_WHERE} )?(?:the )?(?:file )?{_OPEN}{_FILE}{_CLOSE}(?: file)?(?: {_WHAT_FOR}(?: [a-z]+){{0,4}})?"
)
_OWNER = re.compile(r"(?i)(?:copyright|\(c\)|©)\W.{0,200}")


def pointed_to(text: str) -> str | None:
    """The path of the file in which a licence file says that the licence stands, and says nothing else; else None.

    A link of a file system without links is such a file: it holds the path alone.

    >>> pointed_to("See docs/license.rst"), pointed_to("../LICENSE"), pointed_to("# License\\n\\nSee `doc/COPYING`.")
    ('docs/license.rst', '../LICENSE', 'doc/COPYING')
    >>> pointed_to("See docs/license.rst. Not for sale."), pointed_to("MIT/X11"), pointed_to("See https://a.example/b.txt")
    (None, 'MIT/X11', None)
    """
    lines = [without_links(line).strip() for line in text.split("\n")]
    said = [line for line in lines if line and not _TITLE.fullmatch(line) and not _OWNER.fullmatch(line)]
    points = _POINTS.fullmatch(" ".join(line.strip(SIGNS) for line in said).rstrip(" .")) if 0 < len(said) < 4 else None
    return points["path"] if points is not None and "/" in points["path"] else None
