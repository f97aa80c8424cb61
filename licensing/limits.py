"""Sentences that limit what one may do with the work in words that the detector does not know.

In: lines of a head, of a licence file or of a README. Out: the first line that limits ("not for commercial use"). What
denies a limit ("no commercial license is needed"), permits more ("free for personal and commercial use"), offers ("if
you need a commercial license") or is about something else ("the fonts are not for commercial use") is none. English
only. 10 µs for a head of which a word is one of a limit, 2 µs for any other.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import re2

from gleanery.licensing.findings import Finding
from gleanery.licensing.foreign_limits import foreign_limit, limit_at, may_limit
from gleanery.licensing.lines import SIGNS, without_code
from gleanery.licensing.readme import FENCE, heading_of, is_of_others
from gleanery.licensing.work_words import WORKS

_SOME = r"(?:personal|private|educational|academic|evaluation|research|non-?commercial|home|student|scientific)"
_ALL_OF = rf"{_SOME}(?:(?:,|/|[ \t]+(?:and|or))*[ \t]*{_SOME})*[ \t]+(?:use|usage|purposes?)"
# "For academic research only": more than one of the words above, or a word that nothing else in a text is for.
_RESEARCH = (
    r"(?:(?:non-?commercial|academic|scientific|educational)[ \t]+)?(?:research|academic|non-?commercial|educational)"
    r"(?:(?:,|/|[ \t]+(?:and|or|&))+[ \t]*(?:research|academic|non-?commercial|education(?:al)?|teaching|study))*"
)
_LICENCE = (
    r"(?:licen[sc]es?|permission|consent|fees?|payment|agreement|authori[sz]ation|approval|subscription|purchase)"
)
_NOT = (
    r"(?:(?:must|may|can|shall)[ \t]?not|(?:can|mustn)['’]t|(?:is|are|am)(?:[ \t]+not|n['’]t)[ \t]+"
    r"(?:allowed|permitted)[ \t]+to)"
)
_FORBIDDEN = r"(?:prohibited|forbidden|not[ \t]+(?:allowed|permitted))"
_OF_WORK = (
    r"(?:(?:any[ \t]+)?(?:copies|parts?|versions?)[ \t]+of[ \t]+)?(?:this|the|my|our)[ \t]+(?:[\w-]+[ \t]+){0,2}?"
    rf"{WORKS}\b"
)
_LIMITS = re2.compile(
    r"(?i)\bnot[ \t]+(?:intended[ \t]+)?for[ \t]+(?:any[ \t]+)?commercial[ \t]+(?:use|usage|purposes?)\b|"
    r"\bcommercial[ \t]+(?:use|usage)\b[^.;]{0,60}\b(?:prohibited|forbidden|not[ \t]+(?:allowed|permitted))\b|"
    rf"\bcommercial[ \t]+(?:use|usage)\b[^.;]{{0,60}}\brequires?\b[^.;]{{0,40}}\b{_LICENCE}\b|"
    r"\bno[ \t]+commercial[ \t]+(?:use|usage|purposes?|exploitation|(?:re-?)?distribution|(?:re-?)?sales?)\b|"
    r"\b(?:excluding|except(?:ing)?(?:[ \t]+for)?)[ \t]+(?:(?:any|all)[ \t]+)?commercial[ \t]+"
    r"(?:use|usage|purposes?)\b|"
    # To sell the work, or to use it in a company or against its owner, is what some forbid beside a free licence.
    rf"\b{_NOT}[ \t]+(?:re-?)?sell[ \t]+{_OF_WORK}|\b(?:do[ \t]+not|don['’]t)[ \t]+(?:re-?)?sell[ \t]+{_OF_WORK}|"
    rf"\b(?:this|the|our)[ \t]+(?:[\w-]+[ \t]+){{0,2}}?{WORKS}[ \t]+{_NOT}[ \t]+be[ \t]+(?:re-?)?sold\b|"
    rf"\b(?:re-?)?selling[ \t]+{_OF_WORK}[^.;]{{0,30}}\b(?:is|are)[ \t]+(?:strictly[ \t]+)?{_FORBIDDEN}\b|"
    rf"\b{_NOT}[ \t]+be[ \t]+used[ \t]+by[ \t]+(?:any[ \t]+)?(?:compan(?:y|ies)|business(?:es)?|corporations?|"
    r"commercial|for-?profits?)\b|"
    rf"\b{_NOT}[ \t]+(?:be[ \t]+)?used?\b[^.;]{{0,40}}[ \t]to[ \t]+compete\b|"
    rf"\b{_NOT}[ \t]+(?:be[ \t]+)?(?:used?|sell|sold)\b[^.;]{{0,60}}\b(?:commercially\b|"
    rf"(?:for|in)[ \t]+(?:any[ \t]+)?commercial\b)|"
    r"(?:^[\W_]*|[.;:!][ \t]+|please[ \t]+)do[ \t]+not[ \t]+use\b[^.;]{0,60}\b(?:commercially\b|"
    r"(?:for|in)[ \t]+(?:any[ \t]+)?commercial\b)|"
    rf"\bfor[ \t]+{_RESEARCH}[ \t]+only\b|\bonly[ \t]+for[ \t]+(?:academic|scientific|non-?commercial)[ \t]+research\b|"
    rf"\bfree[ \t]+for[ \t]+{_SOME}\b|\bfor[ \t]+{_ALL_OF}[ \t]+only\b|"
    rf"\b(?:only|solely|exclusively)[ \t]+(?:be[ \t]+)?(?:used?[ \t]+)?for[ \t]+{_ALL_OF}\b|"
    rf"\bonly[ \t]+be[ \t]+used[ \t]+for[ \t]+{_SOME}\b|"
    r"\bcommercial[ \t]+licen[sc]e[ \t]+(?:is|are)[ \t]+(?:required|needed|necessary)\b|"
    r"\bmust[ \t]+(?:buy|purchase|pay[ \t]+for)[ \t]+(?:(?:an?|the|your)[ \t]+)?(?:\w+[ \t]+)?licen[sc]e|"
    r"\bneeds?[ \t]+(?:to[ \t]+(?:buy|purchase)[ \t]+)?a[ \t]+(?:paid|commercial)[ \t]+licen[sc]e|"
    r"\bpaid[ \t]+for[ \t]+(?:everyone|everybody|anyone|all[ \t]+others?|any[ \t]+other|others|commercial)\b|"
    r"\bacademic[ \t]+licen[sc]e\b[^.;]{0,20}\bfor[ \t]+use[ \t]+in[ \t]+teaching\b|"
    r"\bnot[ \t]+for[ \t]+government,[ \t]+commercial,?[ \t]+or[ \t]+other[ \t]+organi[sz]ational[ \t]+use\b|"
    r"\bcommons[ \t-]clause\b[^.;]{0,40}\b(?:applies|apply|conditions?|restrict\w+)\b|"
    # What some allow for good, and not for evil.
    r"\b(?:only|solely|exclusively)[ \t]+(?:be[ \t]+used[ \t]+)?for[ \t]+"
    r"(?:good|non-?evil|ethical|peaceful|civil(?:ian)?|non-?military)[ \t]+(?:use|usage|purposes?)\b|"
    r"\bfor[ \t]+good,?[ \t]+(?:and[ \t]+)?not[ \t]+(?:for[ \t]+)?evil\b|"
    r"\bno[ \t]+(?:re-?sale|reselling)\b|\bethical[ \t]+(?:\w+[ \t]+)?clause\b|"
    r"\bcontains?[ \t]+(?:[\w,]+[ \t]+){0,4}trade[ \t]+secrets?\b|"
    r"\bdo[ \t]+not[ \t]+(?:copy|share|distribute|redistribute)[ \t]+(?:or|and)[ \t]+"
    r"(?:copy|share|re-?distribute|distribute|modify|sell|use)\b|"
    r"\bdo[ \t]+not[ \t]+(?:re-?)?distribute[ \t]*(?:[.!]|$|this|without|outside)"
)
# Where a line, or the one above it, speaks of a licence, "it" is the work.
_LIMITS_IT = re2.compile(
    rf"(?i)\b(?:{_NOT}|do[ \t]+not|don['’]t|but[ \t]+not)[ \t]+(?:re-?)?sell[ \t]+(?:it|them|copies)\b|"
    rf"\b(?:it|they|copies)[ \t]+{_NOT}[ \t]+be[ \t]+(?:re-?)?sold\b|\bnot[ \t]+for[ \t]+re-?sale\b|"
    rf"\b(?:re-?)?selling[ \t]+(?:it[ \t]+)?(?:is|are)[ \t]+(?:strictly[ \t]+)?{_FORBIDDEN}\b|"
    r"\bfor[ \t]+(?:non-?profits?|individuals)[ \t]+(?:organi[sz]ations?[ \t]+)?only\b|"
    r"\bonly[ \t]+for[ \t]+(?:non-?profits?|individuals)\b|"
    rf"\b{_NOT}[ \t]+(?:modify|fork|re-?upload|(?:re-?)?distribute|publish)[ \t]+"
    rf"(?:it\b|them\b|(?:any[ \t]+)?modified\b|{_OF_WORK})|\b(?:do[ \t]+not|don['’]t)[ \t]+(?:fork|re-?upload)\b|"
    r"\b(?:do[ \t]+not|don['’]t)[ \t]+(?:re-?)?(?:publish|distribute)[ \t]+(?:any[ \t]+)?modified\b|"
    r"\b(?:modifications?|derivatives?|derivative[ \t]+works|redistribution|fork(?:s|ing)?)[ \t]+(?:is|are)[ \t]+"
    rf"(?:strictly[ \t]+)?{_FORBIDDEN}\b|"
    r"\bno[ \t]+(?:modifications?|redistribution)[ \t]+(?:is|are)[ \t]+(?:allowed|permitted)\b|"
    r"\bno[ \t]+(?:derivatives?|derivative[ \t]+works)[ \t]*(?:[.,;!]|$|(?:is|are)[ \t]+(?:allowed|permitted)\b)|"
    rf"\bfor[ \t]+viewing[ \t]+(?:purposes?[ \t]+)?only\b|\b{_ALL_OF}[ \t]+only\b|\brestricted[ \t]+to[ \t]+{_SOME}\b|"
    r"\b(?:ask|contact)[ \t]+(?:me|us|the[ \t]+authors?)[ \t]+(?:for[ \t]+permission[ \t]+)?"
    r"(?:before|prior[ \t]+to)[ \t]+(?:using|you[ \t]+use|any[ \t]+use)\b|"
    r"\bonly[ \t]+with[ \t]+(?:my|our|the[ \t]+author['’]?s?)[ \t]+(?:\w+[ \t]+)?(?:permission|consent|approval)\b|"
    rf"\b(?:military|government(?:al)?)[ \t]+use\b[^.;]{{0,20}}\b{_FORBIDDEN}\b|"
    r"\bnot[ \t]+to[ \t]+be[ \t]+used[ \t]+for[ \t]+(?:evil|military|war)\b|"
    r"\bif[ \t]+you(?:r[ \t]+\w+)?[ \t]+(?:makes?|earns?)\b[^.;]{0,60}\b(?:needs?|must|have|has)[ \t]+(?:to[ \t]+)?"
    r"(?:pay|buy|purchase)\b|"
    r"\b(?:compan(?:y|ies)|business(?:es)?|commercial[ \t]+users?)[ \t]+(?:must|have[ \t]+to|has[ \t]+to|needs?|"
    r"requires?)[ \t]+(?:to[ \t]+)?(?:pay|buy|purchase|obtain|an?[ \t]+(?:\w+[ \t]+)?licen[sc]e)\b"
)
_SPEAKS_OF_LICENCE = re2.compile(
    r"(?i)licen[sc]|\b(?:mit|bsd|apache|isc|gpl\w*|cc0)\b|copyright|permission|free to use"
)
_MAYBE_LIMITS = re2.compile(
    r"(?i)commercial|commons[ \t-]clause|academic[ \t]+licen|\bnot[ \t]+to[ \t]+be[ \t]+used|"
    r"\bnot[ \t]+(?:modify|fork|re-?upload|(?:re-?)?distribute|publish)|"
    r"n['’]t[ \t]+(?:modify|fork|re|publish|distribute)|(?:not[ \t]+(?:allowed|permitted)|prohibited|forbidden)|"
    r"\bno[ \t]+(?:modif|deriv|redist)|restricted[ \t]+to|(?:ask|contact)[ \t]+(?:me|us|the[ \t]+auth)|"
    r"if[ \t]+you(?:r[ \t]+\w+)?[ \t]+(?:make|earn)|\b(?:re-?)?sell(?:ing)?\b|\b(?:re-?)?sold\b|\bre-?sale\b|"
    r"\bto[ \t]+compete\b|by[ \t]+(?:any[ \t]+)?(?:compan|business|corpor|for-?prof)|"
    r"(?:compan(?:y|ies)|business(?:es)?)[ \t]+(?:must|ha|need|req)|"
    r"must[ \t]+(?:buy|purch|pay)|\bpaid[ \t]+(?:for|lic)|no[ \t]+re-?s|\bethical|free[ \t]+for|only|"
    r"\bfor[ \t]+good|trade[ \t]+secret|do[ \t]+not[ \t]+(?:copy|share|re-?dist|dist)"
)
# What stands before the words of a limit and turns them: a "not" beside them, an offer, another thing.
_TURNED = re.compile(
    r"(?i)(?:\b(?:no|not|never|nobody|without|cannot|nor|neither)|n['’]t)(?:\s+(?!and\b|but\b)[\w'’-]+){0,3}\s*$|"
    r"\bif\s+(?:you|your\s+\w+|\w+|someone|anyone)(?:\s+(?:really|also|do|does|would|may|might))?\s*$|"
    r"\bif\s+(?:you|your\s+\w+)\s+(?:need|want|prefer|would\s+like|are\s+interested\s+in|wish)\b[^.;,]{0,60}$|"
    r"\b(?:support|hosting|consulting|trainings?|help|services?)\s+(?:is|are)\s*$|"
    r"\b(?:fonts?|icons?|images?|pictures?|logos?|sounds?|music|assets|art\w*|photos?|graphics|textures?|sprites?|"
    r"(?:pre-?trained\s+)?models?|weights|checkpoints?|datasets?|corpus|corpora|data)\s+(?:\w+\s+){0,2}(?:is|are|may|must|"
    r"can)\s+(?:\w+\s+)?$"
)
# What stands behind them and takes them back.
_LIST = rf"(?:[\s,/&]|\band\b|\bor\b|\bas\s+well\s+as\b|\b(?:use|usage|purposes?|projects?)\b|\b{_SOME}\b)*"
_WIDER = re.compile(rf"(?i)^{_LIST}(?<!non)(?<!non-)\b(?:commercial|business|any|all|every|company|corporate)\b")
_ONLY_APART = re.compile(
    r"(?i)^\s*only\s+(?:for|with|in)\s+(?:the\s+)?(?:\w+\s+){0,2}(?:edition|version|plugins?|add-?ons?|pro|"
    r"enterprise|support)\b|"
    r"^[^.;]{0,40}\b(?:under|with|using)\s+(?:our|the|my|its|your|a\s+different)\s+(?:\w+\s+)?(?:names?|brands?|"
    r"logos?|trademarks?)\b"
)
# Words inside of a limit that turn it: "commercial use is allowed and requires no license".
_NOTHING = re.compile(
    r"(?i)\b(?:requires?|needs?)\s+(?:no|nothing|neither|not)\b|\bnot\s+requires?\b|\bn['’]t\s+require"
)
_SENTENCE_END = re.compile(r"[.;:!?](?=\s|$)")
_THIS_WORK = re.compile(rf"(?i)\b(?:this|the|our|these|my)\s+(?:[\w-]+\s+){{0,2}}?{WORKS}\b")
# A sentence with one of these is about what the work needs or gives, and not about its code.
_NOT_CODE = re.compile(
    r"(?i)\b(?:apis?|services?|accounts?|plans?|tiers?|subscriptions?|cloud|hosting|models?|weights|checkpoints?|"
    r"data(?:sets?)?|corpus|corpora|"
    r"fonts?|icons?|images?|demo|websites?|trial|edition|keys?|videos?|music|books?|courses?|licen[sc]ed?\s+under)\b"
)
_TERMS = re.compile(
    r"(?i)^[\W_]*(?:(?:legal|important|usage|use|copyright)\s+)?(?:disclaimer|terms|notice|restrictions?|"
    r"limitations?\s+of\s+use|"
    r"legal|copyright|important|attention|terms\s+of\s+(?:use|service)|terms\s+and\s+conditions|usage\s+policy)\b"
)
_LONGEST, _AROUND = 2000, 400


def limit_in(lines: Sequence[str]) -> tuple[Finding, ...]:
    """The first line that limits what one may do with the work, or nothing.

    >>> limit_in(["// A sieve.", "// Not for commercial use."])[0].start_line, limit_in(["x = only(for_home)"])
    (2, ())
    >>> limit_in(["Free for personal and commercial use. No commercial license is needed."])
    ()
    """
    return next((limit_at(number) for number, _, _, _ in _limits(lines)), ())


def limit_of_head(head: str) -> tuple[Finding, ...]:
    """The same for the head of a source file, whose code says nothing; in other languages too."""
    may, foreign = _MAYBE_LIMITS.search(head), may_limit(head)
    lines = without_code(head.split("\n")) if may or foreign else []
    return (limit_in(lines) if may else ()) or (foreign_limit(lines) if foreign else ())


def limit_of_page(lines: Sequence[str], own: frozenset[int]) -> tuple[Finding, ...]:
    """The same for a README outside the lines (`own`) that speak of its licence: there a sentence has to be about the
    work, to stand under a heading such as "Disclaimer", or to be all that its line says.

    >>> page = ["# Frob", "", "Bar is for home use only.", "This tool is for home use only."]
    >>> limit_of_page(page, frozenset())[0].start_line
    4
    >>> limit_of_page(["# Frob", "", "**Not for commercial use.**"], frozenset())[0].start_line
    3
    >>> limit_of_page(["# Frob", "", "The API is free for personal use."], frozenset())
    ()
    """
    fenced, terms, title = False, False, ""
    page: list[str] = []
    under: list[bool] = []
    for at, line in enumerate(lines):
        fenced ^= FENCE.match(line) is not None
        heading = None if fenced else heading_of(line, lines[at + 1] if at + 1 < len(lines) else "")
        terms = terms if heading is None else _TERMS.search(heading) is not None
        title = title or (heading or "").lower()
        page.append("" if fenced or at + 1 in own else line)
        under.append(terms)
    for number, before, words, behind in _limits(page):
        sentence = f"{before}{words}{behind}"
        if is_of_others(sentence) or _NOT_CODE.search(sentence):
            continue  # what the other sentences of its line are about does not matter
        alone = len(before.split()) + len(behind.split()) <= 1
        name = re.match(r"[\W_]*([\w.-]{3,40})\s+(?:is|may|must|can)\b", sentence)
        named = name is not None and name[1].lower() in title
        if alone or named or _THIS_WORK.search(sentence) or under[number - 1]:
            return limit_at(number)
    return ()


def _limits(lines: Sequence[str]) -> Iterator[tuple[int, str, str, str]]:
    """For each limit its line, its words, and what its sentence says before and behind them; lines beside are read."""
    for number, line in enumerate(lines, 1):
        line = line[:_LONGEST]
        above = _plain(lines[number - 2]) if number > 1 else ""
        for found in _limits_of(line, above):
            below = _plain(lines[number]) if number < len(lines) else ""
            before = _plain(f"{above} {line[: found.start()].lstrip(SIGNS)}"[-_AROUND:])
            behind = f"{line[found.end() :].rstrip(SIGNS)} {below}"[:_AROUND]
            ends = [end.end() for end in _SENTENCE_END.finditer(before)]
            before = before[ends[-1] if ends else 0 :].lstrip()
            end = _SENTENCE_END.search(behind)
            behind = behind[: end.start() if end else len(behind)]
            if not _is_none(before, found[0], behind):
                yield number, f"{before} " if before else "", found[0], behind


def _limits_of(line: str, above: str) -> Iterator[Any]:
    """The words of limits on a line; those about "it" where the line or the one above speaks of a licence."""
    if line and _MAYBE_LIMITS.search(line):
        yield from _LIMITS.finditer(line)
        if _SPEAKS_OF_LICENCE.search(line) or _SPEAKS_OF_LICENCE.search(above):
            yield from _LIMITS_IT.finditer(line)


def _is_none(before: str, words: str, behind: str) -> bool:
    """Whether what stands around the words of a limit turns them, or what stands in them."""
    if _TURNED.search(before) or _NOTHING.search(words) or _ONLY_APART.search(behind):
        return True
    return words.lower().startswith("free") and _WIDER.search(behind) is not None


def _plain(line: str) -> str:
    return line[:_LONGEST].strip(SIGNS)
