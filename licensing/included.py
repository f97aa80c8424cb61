"""A licence file that states nothing by itself: it includes the one above it, or says in which file the licence stands.

In: a text. Out: whether it holds an include of a file called LICENSE or COPYING and nothing else but a title, as pages
of generators of sites do; or the path that it points to and beside which it says nothing. 5 µs.
"""

import re

from gleanery.licensing.findings import ABOVE
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


# "The full copyright notice, including terms of use, is contained in the files COPYING and Copyright.html."
_NAMED_FILE = r"\b(?-i:(?P<name>COPYING|LICEN[SC]E|COPYRIGHT)(?:\.(?:txt|md|rst))?)(?![\w/])"
_CONTAINED = re.compile(
    r"(?i)\b(?:licen[sc]e|copyright|terms)\b.{0,160}\b(?:is|are|be) "
    rf"(?:contained|found|given|stated|included|located|set out) in (?:the )?(?:files? )?{_NAMED_FILE}"
)
_AT_ROOT = re.compile(
    r"(?i)\b(?:at|in) the (?:root|top|top[- ]level|base)(?: (?:level|directory|folder))?(?: of|\b)"
    r"(?: (?:the|this|our))?(?: (?:source|code|distribution|repository|tree|package|project))*"
)
# Every other sentence says whose files these are, or where else that text is to be had.
_BESIDE_IT = re.compile(
    r"(?i)(?:copyright\b|\(c\)|©).{0,300}|all rights reserved|"
    r"(?:the |these |this )?(?:files?|subdirector(?:y|ies)|director(?:y|ies)|software|package|code|source)\b"
    r"(?: (?:and|or|files?|subdirectories|in|below|this|the|directory|folder)){0,8} (?:is|are) part of .{1,60}|"
    r"(?:it|they|this|the (?:text|notice|licen[sc]e)) (?:can|may|is|are)\b.{0,30}\bfound (?:at|in) .{1,160}|"
    r"if you do not have .{1,60}, (?:you may|please) (?:request|ask for|obtain) .{1,80}"
)
_LIMITS = re.compile(
    r"(?i)\b(?:only|must|shall|not|never|no|non\w*|without|prohibit\w*|forbid\w*|commercial\w*|unless)\b"
)
_LONGEST_POINTER = 1500


def above_pointed_to(text: str) -> str | None:
    """The file at the root of the distribution in which a licence file says that its terms stand, and says nothing else
    but whose they are, as a name behind `ABOVE`; else None.

    >>> said = "Copyright by Ada Roe. All rights reserved.\\n\\nIts terms are found in the file COPYING at the root."
    >>> above_pointed_to(said), above_pointed_to(said + " Not for sale."), above_pointed_to("See COPYING.")
    ('.../COPYING', None, None)
    """
    joined = " ".join(text.split())
    contained = _CONTAINED.search(joined)
    if len(joined) > _LONGEST_POINTER or contained is None or not _AT_ROOT.search(joined):
        return None
    name = contained["name"]
    for sentence in re.split(r"(?<=[.;:])\s+", joined):
        said = sentence.strip(" .;:")
        if _BESIDE_IT.fullmatch(said) is None and (name not in said or _LIMITS.search(said)):
            return None
    return f"{ABOVE}{name}"
