"""Name cues: what files write before the names of their authors.

In: nothing but the words. Out: the pattern of all cues, with which the gate looks for them too, and whether what stands
behind a name may stand there. A verb and its `by` may be parted by the end of a line of a comment.
"""

import re

from gleanery.privacy.patterns import compile_pattern

# A verb or a noun and "by", which may stand in the next line of a comment.
_BY = r"(?:[ \t]|[ \t]{0,3}\r?\n[ \t]{0,20}(?:[*#;%!|/\-]{1,3}[ \t]{1,8})?)by\b"
# What other things than persons stand behind too, so that nothing may stand behind the name.
_WEAK = (
    r"(?:\b(?:programmers?|engineers?|developers?|packager|translators?|reviewers?|contact|credits?)[ \t]{0,3}:[ \t]"
    r"|\]\(\S{1,150}\)[ \t]by[ \t])"  # a title that is a link, and who wrote it
)
# An author in italics, as lists of programs have it: `*by Ada Roe*`.
_ITALIC = r"(?:[^\w/*]|^)[*_]by[ \t]"
# "Written by" and "made by" in other languages.
_ELSEWHERE = (
    r"(?:\b(?:(?:geschrieben|erstellt|entwickelt|programmiert)[ \t]von|(?:geschreven|gemaakt|ontwikkeld)[ \t]door"
    r"|(?:escrit|cread|desarrollad|criad|desenvolvid)[oa][ \t]por|(?:scritt|creat|sviluppat)[oa][ \t]da"
    r"|(?:cr(?:\xc3\xa9|e){2}|d(?:\xc3\xa9|e)velopp(?:\xc3\xa9|e))e?[ \t]par)"
    r"|(?:\be|\xc3[\x89\xa9])crite?[ \t]par)[ \t]"
)
_CUE_WORDS = (
    r"copyright(?:text)?|\(c\)|&copy;|[@\\]authors?\b|-by:"
    r"|\b(?:written|created|contributed|coded|developed|modified|maintained|designed|ported|implemented|added|reported"
    r"|programmed|translated|revised|authored|rewritten|prepared|suggested|discovered|identified|found|submitted|donated"
    r"|pointed[ \t]out|public[ \t]domain|contributed[ \t]to(?:[ \t][a-z.]{2,20}){1,5}"
    r"|adapted|enhanced|extracted|modifications|changes|additions|enhancements|improvements|plugin|sources"
    r"|made|version|cared[ \t]for"
    r"|code|implementation|algorithm|artwork|icons"
    r"|(?:written|created|modified|revised|updated)[ \t](?:on[ \t])?[0-9][0-9A-Za-z/.\-]{2,11}"
    r"|(?:ported|translated|converted|rewritten)[ \t](?:to|from|into|in)(?:[ \t][\w+#.\-]{1,20}){1,2})"
    f"{_BY}"
    r"|\b(?:patch(?:es)?|(?:bug[ \-]?)?fix(?:es)?|ideas?)[ \t](?:by|from)\b|(?m:^)[ \t*#/;%\-]{0,10}by:[ \t]"
    r"|\b(?:19|20)\d\d(?:-\d\d-\d\d|,)?[ \t]by\b|\bcourtesy[ \t]of\b|\bcredits?[ \t](?:goes[ \t]|go[ \t])?to\b"
    r"|(?:\(|(?m:^)[ \t*#/;%\-]{0,10}|\bmany[ \t])thanks,?[ \t](?:to[ \t])?"
    r"|(?:author|maintainer|contributor|developer)s?[\"']?[ \t]{0,3}[:=][ \t]{0,3}\[?\s{0,30}\{\s{0,30}[\"']?name[\"']?"
    r"[ \t]{0,3}[:=]"
    r"|(?:__)?(?:author|maintainer|contributor)(?:s|\(s\))?(?:__|_name)?(?:\\?[\"'])?[ \t]{0,40}(?:[:=>]|=>|:=)"
    r"|\b(?:author|maintainer|developer)s?(?:[ \t]of[ \t](?:(?:the|this)(?:[ \t][a-z]{2,20}){1,2}|[\w.\-]{2,30}))?"
    r"[ \t](?:is|are)[ \t]"
    r"|\b(?:author|programmer|developer)s?[,/][ \t]?(?:date|organi[sz]ation|e-?mail|contact|company)s?[ \t]{0,3}:[ \t]"
    r"|\b(?:authors|contributors|maintainers)[ \t]\(|\bcpack_package_contact[ \t\"']"
    r"|\b(?:autore?[ns]?|autorin|autora|autori|auteure?s?|yazar)[ \t]{0,3}[:=]"
    r"|<(?:developer|contributor|author|maintainer)>\s{0,60}(?:<[a-z]{2,6}>[^<>]{0,100}</[a-z]{2,6}>\s{0,60}){0,3}<name>"
    r"|=head1[ \t](?:author|contributor|maintainer|developer)s?(?:[ \t]{1,3}-)?\s{1,8}"
    r"|author[\"'][ \t]{1,4}content=|(?m:^)[ \t0-9]{0,12}author\.[ \t]{1,12}"
    r"|\\author\{"
    r"|\b(?:editors?|(?:co-?)?chairs?)[ \t]{0,3}:[ \t]|\bthanks[ \t]to\b|@maintainers?\b"
    r"|(?m:^)[ \t]{0,8}maintainer[ \t]"
    r"|\buser\.name[ \t=]{1,3}|<dc:creator>|<holder>|<cp:lastmodifiedby>|\bdue-to=[\"']|(?m:^)\.an[ \t]{1,4}"
    f"|{_WEAK}|{_ITALIC}|{_ELSEWHERE}"
)
# At the beginning of a line, with what was done to which file or for what between: `Modified for Linux by Ada Roe`.
_AT_LINES = (
    r"(?m:^)[ \t*#/;%!|\-]{0,12}(?:Modified|Updated|Adapted|Extracted|Derived|Ported|Converted|Rewritten|Revised"
    r"|Improved|Extended|Enhanced|Based)\b(?:[ \t][\w.,+\-]{1,24}){1,6}[ \t]by\b"
)
# The copyright sign, and the word for author in Chinese, Korean and Russian, as UTF-8.
_SIGNS = (
    r"\xc2\xa9|\xe4\xbd\x9c\xe8\x80\x85(?:[ \t\"'=>|:]|\xef\xbc\x9a)"  # letters right behind go on with a sentence
    r"|(?:\xec\x9e\x91\xec\x84\xb1\xec\x9e\x90|\xd0[\x90\xb0]\xd0\xb2\xd1\x82\xd0\xbe\xd1\x80(?:\xd1\x8b)?)"
    r"[ \t]{0,3}(?::|\xef\xbc\x9a)"
)

PATTERN = f"{_CUE_WORDS}|{_AT_LINES}|{_SIGNS}"
CASED = f"(?i:{_CUE_WORDS})|{_AT_LINES}|{_SIGNS}"
KEYWORDS = (
    (b"copyright", b"(c)", b"&copy;", b"author", b"by", b"maintainer", b"contributor", b"developer")
    + (b"autor", b"auteur", b"yazar", b"\xc2\xa9", b"\xe4\xbd\x9c\xe8\x80\x85", b"\xec\x9e\x91\xec\x84\xb1")
    + (b"\xd0\xb2\xd1\x82\xd0\xbe\xd1\x80", b"editor", b"chair", b"thanks", b"due-to", b".an", b"programmer")
    + (b"engineer", b"packager", b"translator", b"reviewer", b"contact", b"credit", b"user.name", b"creator")
    + (
        b"<holder>",
        b"cared for",
        b"courtesy of",
        b"cpack_package_contact",
        b"fix from",
        b"fixes from",
        b"patch from",
        b"patches from",
        b"idea from",
        b"ideas from",
    )
    + (b" von", b" door", b" por", b" da", b" par", b"\tvon", b"\tdoor", b"\tpor", b"\tda", b"\tpar")
)
# What may stand behind "Feuerhahn, Wilma" and "WILMA FEUERHAHN": nothing that goes on with the sentence.
NAME_END = re.compile(r"\s*(?:$|[<(;\"'\[]|\*/|-->|\\+[nrt])")
_IS_WEAK, _IS_ITALIC = compile_pattern(f"(?i:{_WEAK})"), compile_pattern(f"(?i:{_ITALIC})")
_ITALIC_END = re.compile(r"\s*(?:[*_\]]|$)")


def may_end(cue: bytes, text: str, place: int) -> bool:
    """Whether a name behind a cue may end at a place of a text, by what follows it.

    >>> may_end(b"Contact: ", "Ada Roe <ada@roe.org>", 7), may_end(b"Contact: ", "Big Data for all", 8)
    (True, False)
    """
    if _IS_ITALIC.fullmatch(cue):
        return _ITALIC_END.match(text, place) is not None
    return not _IS_WEAK.fullmatch(cue) or NAME_END.match(text, place) is not None
