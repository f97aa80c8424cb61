"""A page about a licence that only includes the licence file of the folders above it, as generators of sites do.

In: a text. Out: whether it holds an include of a file called LICENSE or COPYING and nothing else but a title. Such a
page states nothing by itself: what it shows is what holds there anyway. 5 µs.
"""

import re

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
