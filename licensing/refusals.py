"""Sentences with which an owner keeps a file back: "confidential", "use without a license is strictly prohibited".

In: the head of a source file, or what a README says of its licence. Out: a finding of the first such sentence, or
nothing. The detector knows many of them word by word, and none that differs by one. English only. 8 µs a head, and
0.15 ms for one in ten that may refuse.
"""

from collections.abc import Sequence

import re2

from gleanery.licensing.expressions import PROPRIETARY
from gleanery.licensing.findings import LIMITED_USE, Finding
from gleanery.licensing.lines import paragraphs, spoken, without_code
from gleanery.licensing.work_words import WORKS

KEPT_BACK = "gleanery-kept-back"
# Blanks, and the comment signs of a line that goes on.
_GAP = r"[\s*/#;%!-]+"
_MAYBE = re2.compile(
    (
        r"(?i)\bprohibited\b|\bforbidden\b|\bnot (?:permitted|allowed)\b|\bconfidential\b|\bproprietary\b|"
        r"\bnot agree\b|"
        r"\bmay (?:only|exclusively|solely) be\b|\bused (?:only|exclusively|solely)\b|\bexclusively with\b|"
        r"\bgranted for use on\b|\bgranted[^.;]{0,80}\b(?:only|exclusively|solely)\b|"
        r"licen[sc]e[-._](?:ent|com|pro|ee)|\b(?:ee|enterprise)/licen|\bcan only be\b|\b(?:must|shall) only be\b|"
        r"\byou may use\b|\bintended for use with\b|\bno other uses?\b|\btrade secrets?\b|\bclosed.source\b|"
        r"\bno (?:licen[sc]e|rights?|permission) (?:is|are|has)\b|\b(?:restricted|limited) to\b|\bsigned\b|"
        r"\bnot (?:authori[sz]ed|licen[sc]ed) to\b|\bonly for use by\b|"
        r"\bno part of\b[^.;]{0,80}\b(?:is|are) to be\b|"
        r"\bonly (?:pursuant|in accordance)\b|\bnon-?disclosure\b|\bunder (?:an )?nda\b|\bvalid licen[sc]e\b|"
        r"\bcommercial (?:software|product|plugin|code)\b|\bpenalties\b|\bprosecut|\beula\b|\blicensed copy\b|"
        r"\bend[- ]user licen[sc]e\b|\blicensees holding\b|\bclassification[:=]|"
        r"\bonly be used by\b|\brequires? (?:the )?(?:prior|written|express)\b|\bexcept in accordance\b|"
        r"\byou (?:(?:may|must|shall) not|cannot) (?:copy|re-?distribute|distribute|reproduce|disclose|share)\b|"
        r"\bdistribution statement [b-f]\b|\bnot for (?:public |external )?(?:(?:re-?)?distribution|release)\b"
    ).replace(" ", _GAP)
)
_MAYBE_NOT = re2.compile(
    (
        r"(?i)\b(?:may|can|must|shall|should) not\b|\bcannot\b|\bnot to be\b|\bno part of\b|"
        r"\bdo not\b"
    ).replace(" ", _GAP)
)
_MAYBE_WITHOUT = re2.compile(
    r"(?i)\bwithout\b[^.;]{0,80}\b(?:permission|consent|agreement|authori[sz]ation|approval|licen[sc]e)\b"
)
_USE = (
    r"\b(?:uses?|usage|using|reproduc(?:tion|ing|e)|cop(?:y|ying)|duplicat(?:ion|ing)|(?:re)?distribut(?:ion|ing)|"
    r"dissemination|disclosure|disclosing|transmission|modification|modifying|sharing)\b"
)
_WORK = rf"\b(?:{WORKS}|documents?|documentation|information|materials?)\b"
_LEAVE = r"\b(?:permission|consent|licen[sc]e|agreement|authori[sz]ation|approval)\b"
# Every way to say that something is not to be done, to somebody and of something.
_NOT = r"\b(?:may|must|shall|should) not\b"
_DO = r"(?:use|copy|modify|reproduce|(?:re-?)?distribute|publish|disclose|share)"
_DONE = r"(?:used|copied|disclosed|reproduced|(?:re-?)?distributed|modified|shared|published)"
_NOT_ALLOWED = r"\b(?:prohibited|forbidden|not (?:permitted|allowed))\b"
_THINGS = r"\b(?:products?|devices?|chips?|microcontrollers?|processors?|hardware|silicon|integrated circuits?)\b"
_ONLY = r"\b(?:only|exclusively|solely)\b"
_REFUSALS = (
    rf"{_USE}[^.;]{{0,160}}\b(?:this|these|the|any|herein)\b[^.;]{{0,40}}{_WORK}[^.;]{{0,160}}"
    r"\b(?:strictly|expressly) (?:prohibited|forbidden)\b",
    rf"{_USE}[^.;]{{0,200}}\bwithout\b[^.;]{{0,60}}{_LEAVE}[^.;]{{0,60}}{_NOT_ALLOWED}",
    rf"{_USE}[^.;]{{0,200}}{_NOT_ALLOWED}[^.;]{{0,30}}\b(?:without|unless)\b[^.;]{{0,60}}{_LEAVE}",
    rf"\byou {_NOT} {_DO}\b[^.;]{{0,200}}"
    rf"\bwithout\b[^.;]{{0,60}}{_LEAVE}",
    # The name of an owner may have a point in it: "without the permission of Acme inc. and its licensors, any use ...".
    rf"\bwithout\b[^.;]{{0,60}}{_LEAVE}(?:[^.;]|\.(?:,| (?-i:[a-z]))){{0,80}}{_USE}[^.;]{{0,160}}{_NOT_ALLOWED}",
    # "Cannot be used without a license": so programs speak too.
    rf"\bcan ?not be {_DONE}\b[^.;]{{0,120}}\bwithout\b[^.;]{{0,60}}"
    r"\b(?:permission|consent|authori[sz]ation|approval)\b|"
    rf"[^.;]{{0,60}}(?:{_NOT} be|\bnot to be) {_DONE}\b[^.;]{{0,120}}"
    rf"\bwithout\b[^.;]{{0,60}}{_LEAVE}|"
    rf"\bno part of\b[^.;]{{0,60}}\bmay be\b[^.;]{{0,160}}\bwithout\b[^.;]{{0,80}}{_LEAVE}|"
    # "Its contents are proprietary information and no part of it is to be disclosed to anyone."
    rf"\bno part of\b[^.;]{{0,60}}\b(?:is|are) to be {_DONE}\b|"
    r"\bits contents (?:is|are) (?:the )?(?:strictly |highly )?(?:confidential|proprietary)\b",
    rf"(?:{_NOT} be|\bnot to be) {_DONE}\b[^.;]{{0,60}}"
    r"\bexcept in accordance\b[^.;]{0,40}\bagreement\b|"
    r"(?:\byou (?:may|must|shall) not|\byou cannot) (?:copy|re-?distribute|distribute|reproduce|disclose|share)"
    rf"(?:,? (?:or |and )?\w+){{0,3}} (?:it|them|(?:this|the) {_WORK})(?:[.,;]| (?:to|outside|without|in any)\b|$)|"
    rf"{_USE}[^.;]{{0,120}}\brequires? (?:an? |the )?(?:prior|written|express|signed)\b[^.;]{{0,30}}{_LEAVE}",
    r"\b(?:unauthori[sz]ed \w+|(?:re)?distribution|reproduction|copying|use) of (?:this|the) "
    rf"{_WORK} is (?:prohibited|forbidden)(?:[.!;]|$)|"
    r"\bno (?:licen[sc]e|rights?|permission) (?:is|are|has been) (?:hereby )?granted\b[^.;]{0,80}|"
    r"\bdo not (?:use|copy|distribute|redistribute|share)\b[^.;]{0,60}\bwithout\b[^.;]{0,30}"
    rf"{_LEAVE} (?:from|of|by)\b|"
    r"\byou are not (?:permitted|allowed|authori[sz]ed|licen[sc]ed) to (?:use|copy|modify|(?:re)?distribute|share)\b"
    rf"[^.;]{{0,40}}\b(?:this|the) {_WORK}",
    r"\bis (?:an? |the )?(?:unpublished )?proprietary (?:source|software|code|program|property|work)\b|"
    rf"\bthis {_WORK} is closed[- ]source\b|\bprivate (?:and|&) confidential\b|\b(?:strictly|company) confidential\b|"
    r"\b(?:embod(?:y|ies)|constitutes?|comprises?) [^.;]{0,40}\btrade secrets?\b",
    rf"\bthis {_WORK} (?:is|are) (?:the )?(?:strictly |highly )?(?:confidential|proprietary)\b|"
    rf"\bthis {_WORK} contains?\b[^.;]{{0,30}}\b(?:confidential|proprietary)(?: (?:and|or) \w+)? information\b|"
    r"\bherein\b[^.;]{0,30}\bproprietary to\b|"
    rf"\bproprietary rights (?:in(?: and to)?|on|to) (?:this|the) {_WORK}|"
    r"\b(?:confidential (?:and|&|/) proprietary|proprietary (?:and|&|/) confidential)\b|"
    r"(?m:^not for (?:public |external )?(?:(?:re-?)?distribution|release)(?:[.,;!]|$))|"
    # What the armed forces of the United States write above a work; A is free for all.
    r"\bdistribution statement [b-f]\b|"
    # A licence file that is not the one of the folder.
    r"\b(?-i:LICEN[SC]E)[-._](?:enterprise|commercial|proprietary|ee)\b|"
    r"\b(?:see|in|under)\b[^.;]{0,40}\b(?:ee|enterprise)/(?-i:LICEN[SC]E)\b",
    rf"\b(?:{_DONE}|licen[sc]ed)\b[^.;]{{0,80}}\bonly (?:pursuant to|in accordance with|under)\b[^.;]{{0,80}}"
    r"\bagreements?\b|"
    r"\bonly be (?:used|licen[sc]ed|copied)\b[^.;]{0,40}\b(?:pursuant to|in accordance with)\b[^.;]{0,80}"
    r"\bagreements?\b|"
    rf"\bthis {_WORK}\b[^.;]{{0,60}}\b(?:subject to|under|covered by) (?:an? |the )?(?:non-?disclosure|nda\b)|"
    r"\bdistributed under (?:an? |the )?nda\b",
    rf"\bthis {_WORK} is (?:an? )?commercial (?:software|product|plugin|code)\b|"
    rf"{_USE}(?:(?:,? (?:and |or |and/or )?|/){_USE}){{0,4}} of (?:this|the) {_WORK} (?:is|are) "
    rf"(?:strictly |expressly )?{_NOT_ALLOWED}(?:[.!;]|$)|"
    r"\bunauthori[sz]ed (?:reproduction|copying|use|duplication|distribution)\b[^.;]{0,100}"
    r"\b(?:penalties|prosecut\w+)\b",
    r"\beula applies to (?:this|the|all)\b|"
    rf"\b(?:this|the) {_WORK}\b[^.;]{{0,60}}\b(?:subject to|governed by|licen[sc]ed under) [^.;]{{0,60}}"
    r"(?:\beula\b|\bend[- ]user licen[sc]e agreement\b)|"
    r"\byou (?:need|must have|must own) an? (?:valid licen[sc]e|licensed copy)\b[^.;]{0,30}\bto use "
    rf"(?:it\b|(?:this|the) {_WORK})|"
    r"(?m:^(?:security )?classification[:=] (?:[a-z]+ )?(?:confidential|restricted|secret)\W*$)",
)
# "ACME CONFIDENTIAL" above the name of the owner, and "(c) Acme. Confidential." beside it.
_MARKS = (
    r"(?m:^(?-i:(?:[A-Z][A-Z0-9.&-]*[ ]){1,4}CONFIDENTIAL|(?:[A-Z][\w.&-]*[ ]){1,3}Confidential)[^a-z0-9\n]*$)|"
    r"(?m:^(?:\(c\)|©|copyright)[ (][^\n]{0,80}\bconfidential[^a-z0-9\n]*$)"
)
# Each by itself: all of them in one would need more memory than the engine has for its fast way.
_REFUSED = tuple(re2.compile("(?i)" + form) for form in (*(f.replace(" ", r"\s") for f in _REFUSALS), _MARKS))
_LIMITED = re2.compile(
    "(?i)"
    + (
        rf"\b(?:you may use|permission is (?:hereby )?granted)\b[^.;]{{0,80}}{_ONLY}[^.;]{{0,40}}{_THINGS}|"
        rf"\bmay (?:only |exclusively |solely )be used\b[^.;]{{0,60}}{_THINGS}|"
        rf"\bmay be used {_ONLY}[^.;]{{0,60}}{_THINGS}|"
        rf"\b(?:this|the) (?:software|firmware|source code|code|program|file)\b[^.;]{{0,30}}"
        rf"\b(?:must|shall|can) only be used\b[^.;]{{0,60}}{_THINGS}|"
        rf"\bonly intended for use with\b[^.;]{{0,40}}{_THINGS}|\bno other uses? (?:is|are) authori[sz]ed\b|"
        r"\bonly be used by\b[^.;]{0,40}\b(?:licensees?|employees|customers)\b|"
        rf"\b(?:this|the) {_WORK} (?:is|are) (?:restricted|limited) to\b[^.;]{{0,40}}"
        r"\b(?:licensees?|employees|customers|members|students)\b|\bonly for use by\b[^.;]{0,60}"
        r"\b(?:licensees?|employees|customers|members|students|people|who)\b|"
        rf"\bpermission\b[^.;]{{0,60}}\bgranted {_ONLY} (?:to|for)\b|"
        r"\bpermission is hereby granted for use on\b|"
        r"\bmay (?:only|exclusively|solely) be used (?:together|in conjunction|in combination) with\b"
    ).replace(" ", r"\s")
)
# Terms that one is asked to agree to, where no licence is named beside them.
_AGREE = re2.compile(
    r"(?i)\bif\s+you\s+do\s+not\s+agree\b[^.;]{0,80}\b(?:do\s+not|not\s+to)\s+(?:use|install|download|copy)\b"
)
# What is for paying customers, where no other licence is offered beside it.
_HOLDING = re2.compile(r"(?i)\blicensees\s+holding\s+(?:a\s+)?valid\b[^.;]{0,60}\blicen[sc]es?\s+may\s+use\b")
# "The name of Acme may not be used without permission" stands in many a free licence.
_NAMES = re2.compile(r"(?i)\b(?:names?|trademarks?|patents?|logos?|endors\w+|advertising)\b")


def refusal_in(lines: Sequence[str], names_licence: bool) -> tuple[Finding, ...]:
    """What the first sentence that keeps a work back states. `names_licence`: the text also names a licence.

    >>> refusal_in(["# ACME CONFIDENTIAL", "# Copyright 2020 Acme"], False)[0].expression
    'LicenseRef-scancode-proprietary-license'
    >>> refusal_in(["# Copying is forbidden: it holds a lock.", "x = is_confidential(file)"], False)
    ()
    """
    plain = [spoken(line) for line in without_code(lines)]
    for paragraph in paragraphs(plain):
        text = "\n".join(plain[paragraph.start : paragraph.stop])
        if not may_refuse(text):
            continue
        said = [*((form, PROPRIETARY) for form in _REFUSED), (_LIMITED, LIMITED_USE)]
        said += [] if names_licence else [(_AGREE, PROPRIETARY), (_HOLDING, PROPRIETARY)]
        for pattern, expression in said:
            found = next((m for m in pattern.finditer(text) if not _NAMES.search(m[0])), None)
            if found is not None:
                at = paragraph.start + 1 + text.count("\n", 0, found.start())
                return (Finding("found", expression, 100.0, KEPT_BACK, at, at + found[0].count("\n")),)
    return ()


def may_refuse(text: str) -> bool:
    """Whether a word of a refusal stands in a text."""
    if _MAYBE.search(text) is not None:
        return True
    return _MAYBE_NOT.search(text) is not None and _MAYBE_WITHOUT.search(text) is not None
