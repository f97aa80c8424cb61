"""Reservations against training: sentences that forbid to train models on a work, or object to it.

In: the lines of a paragraph. Out: what it says. `RESERVED`: a sentence forbids it for this work ("this code may not
be used to train language models"), asks for a licence or a permission first, or objects; or it says nothing else, as
"No AI training" and the mark "NoAI" do. `DOUBTED`: such words, and not what they are about. Nothing: no such words, or
they are about something else (`other_objects.py`). `MAYBE_RESERVED` is the cheap question before. English only. 5 µs
for a paragraph that may hold one.
"""

import re
from collections.abc import Iterator, Sequence

import re2

from gleanery.licensing.other_objects import about_else, about_work, forbids, says_only
from gleanery.licensing.work_words import WORKS

RESERVED, DOUBTED = "reserved", "doubted"

_MODEL = (
    r"\b(?:a\.?i\.?|artificial intelligence|gen(?:erative )?ai|llms?|machine[- ]learning|copilot|chatgpt|"
    r"neural net(?:work)?s?|code[- ]generation|"
    r"(?:ai|ml|code|(?:large )?language|machine[- ]learning|foundation|generative) models?)\b"
)
_TRAIN = r"\b(?:train|trained|training|fine-?tun(?:e|ed|ing))\b"
_FORBID = r"\b(?:prohibited|forbidden|disallowed|not (?:permitted|allowed|authori[sz]ed|granted|welcome))\b"
_ASKS = r"\b(?:requires?|needs?)\b[^.;]{0,40}\b(?:licen[sc]e|permission|consent|agreement|fee)\b"
_NO = r"\b(?:not|never|prohibits?|forbids?|cannot|nobody|no[- ]one|no part|except|but not)\b"
_MUST_NOT = r"\b(?:must|may|shall|should|can) ?not\b"
_DO_NOT = r"\b(?:(?:do|must|may|shall|should|can|to) ?not|don't|never)\b"
_MINING = r"(?:train(?:ing)?|scrap(?:e|ing)|learn(?:ing)?|mining|datasets?|use)\b"
_WORK = rf"\b(?:this|the|our|my|these)[ \t](?:[\w-]+[ \t]){{0,2}}{WORKS}"
# "This" by itself, at the end of a sentence.
_THIS = rf"(?:{_WORK}\b|\bthis(?:[^\w ]|$))"
_DATA = r"\b(?:training (?:data|sets?|material|corp\w+)|datasets?)\b"
_TDM = r"\b(?:text(?: and |[ -]&[ -]| or |/)data[- ]mining|tdm)\b"
_OUT_OF = r"\bopt(?:s|ed|ing)?[- ]?out (?:of|from)"
_FORMS = (
    r"\bno[- ]?ai[- ](?:training|scraping|learning|mining|datasets?|use)\b",
    r"\bno training of " + _MODEL,
    # What follows keeps out "no machine learning use case".
    rf"(?:\bno|\bnot for|\bnot to be used (?:for|in)|{_OUT_OF}) (?:any )?{_MODEL}[- ]{_MINING}"
    r"(?:[^a-z]*$|[.,;:!?)]| (?:permitted|allowed|of|on|with|please)\b)",
    rf"\bnot (?:to be used|use) for {_MODEL}(?:[^a-z]*$|[.,;])",
    rf"{_WORK} (?:is|are) not for (?:use (?:by|with|in) )?{_MODEL}(?:[^a-z]*$|[.,;!])",
    _OUT_OF + r" (?:any )?(?:text and )?data[- ]mining\b",
    rf"{_NO}[^.;]{{0,160}}{_TRAIN}[^.;]{{0,80}}{_MODEL}",
    rf"{_NO}[^.;]{{0,160}}{_MODEL}[^.;]{{0,30}}\b(?:training|datasets?)\b",
    rf"{_NO}[^.;]{{0,80}}\b(?:datasets?|scrap\w+)\b[^.;]{{0,60}}{_MODEL}",
    rf"{_WORK}[^.;]{{0,40}}{_NO}[^.;]{{0,40}}\b(?:used?|included?)\b[^.;]{{0,20}}"
    r"\btraining (?:data|sets?|material|corp)",
    rf"{_MODEL}[^.;]{{0,40}}{_MUST_NOT}[^.;]{{0,30}}\b(?:learn|train|ingest|scrape|be trained)\b",
    rf"{_MODEL}[^.;]{{0,20}}{_MUST_NOT} (?:use|read|reproduce|process|copy)\b[^.;]{{0,10}}{_WORK}",
    rf"\b(?:objects?|objection|opposed?)\b[^.;]{{0,80}}{_MODEL}[- ]{_MINING}",
    rf"\b(?:objects?|objection|opposed?)\b[^.;]{{0,80}}{_TRAIN}[^.;]{{0,40}}{_MODEL}",
    rf"{_TRAIN}[^.;]{{0,80}}{_MODEL}[^.;]{{0,160}}(?:{_FORBID}|{_ASKS})",
    rf"{_MODEL}[- ](?:training|scraping|mining)\b[^.;]{{0,100}}(?:{_FORBID}|{_ASKS})",
    # "Do not train models on this code", "do not use this to train models", "no training on this code".
    rf"{_DO_NOT} (?:\w+ )?train\b[^.;]{{0,40}}\b(?:models?|networks?|anything)\b[^.;]{{0,20}}"
    rf"\b(?:on|with|from|using)\b[^.;]{{0,20}}{_THIS}",
    rf"{_DO_NOT} (?:\w+ )?use (?:any (?:part )?of )?(?:this|{_WORK}) (?:to train|for (?:the )?training(?: of)?)\b"
    r"[^.;]{0,30}\bmodels?\b",
    rf"{_DO_NOT} (?:\w+ )?(?:use|include|add|put)\b[^.;]{{0,15}}{_WORK}\b[^.;]{{0,30}}\b(?:as|in|into|for|to)\b"
    rf"[^.;]{{0,20}}{_DATA}",
    rf"{_DO_NOT} (?:\w+ )?(?:feed|give|paste|upload|input|ingest|submit)\b[^.;]{{0,15}}{_WORK}\b[^.;]{{0,20}}"
    rf"\b(?:to|into|by|for) (?:an? |any |the )?{_MODEL}",
    rf"\bno (?:\w+ )?training (?:on|with|from)\b[^.;]{{0,15}}{_THIS}",
    r"(?:^|[.!?:] )(?:model )?training (?:is )?(?:strictly )?(?:prohibited|forbidden)(?:[^\w ]|$)",
    # "Use for AI is forbidden"; "use of AI is not allowed" speaks of contributions.
    rf"\b(?:use|usage|used|ingestion|processing|access)\b (?:\w+ )?(?:for|by|in) (?:an? |any |the )?{_MODEL}"
    rf"[^.;]{{0,30}}{_FORBID}",
    rf"{_MODEL}(?: use| usage| training)? (?:on|with|of|from) {_WORK}\b[^.;]{{0,30}}{_FORBID}",
    rf"\b(?:use|using) (?:of )?{_WORK}\b[^.;]{{0,40}}{_DATA}[^.;]{{0,30}}{_FORBID}",
    # "AI use prohibited", "machine learning use is not permitted".
    rf"{_MODEL}[- ](?:use|usage)\b[^.;]{{0,30}}{_FORBID}",
    rf"(?:{_WORK}|\bit)\b[^.;]{{0,40}}{_MUST_NOT} be (?:\w+ )?"
    r"(?:ingested|processed|consumed|scraped|crawled|harvested|mined|read|used)\b[^.;]{0,20}"
    rf"\b(?:by|in|into|for) (?:an? |any |the )?{_MODEL}",
    rf"\bno (?:\w+ )?(?:permission|licen[sc]e|rights?|consent|authori[sz]ation)\b[^.;]{{0,100}}{_TRAIN}"
    rf"[^.;]{{0,80}}{_MODEL}",
    rf"\brights? (?:are |is )?reserved\b[^.;]{{0,40}}\b(?:for|including)\b[^.;]{{0,40}}{_MODEL}[- ]{_MINING}",
    rf"{_DO_NOT} (?:\w+ )?use\b[^.;]{{0,60}}{_MODEL}[^.;]{{0,30}}\b(?:training|datasets?)\b",
    rf"{_DO_NOT} (?:\w+ )?feed (?:any (?:part )?of )?this\b[^.;]{{0,10}}\b(?:to|into) (?:an? |any |the )?" + _MODEL,
    rf"\bno (?:scraping|crawling|(?:data )?mining)[,;/& ]+(?:and |or )?no {_MODEL}(?:[^\w ]|$)",
    rf"\bopt(?:ed|ing)?[- ]?out\s?: {_MODEL}[- ]{_MINING}",
    rf"\b(?:object\w*|exclude|remove)\b[^.;]{{0,30}}{_WORK}\b[^.;]{{0,20}}\b(?:from|in|by|of)\b "
    r"(?:bigcode\b|(?-i:The Stack)\b)",
)
# Words that nobody uses but to reserve, or to speak of those who do.
_EXPLICIT = (
    # The right that article 4 of the European directive 2019/790 leaves to owners.
    rf"\breserv(?:e[sd]?|ing|ations?)\b[^.;]{{0,60}}\b(?:for|of|to|under|from|against|regarding)\b[^.;]{{0,80}}{_TDM}",
    rf"{_TDM}[^.;]{{0,60}}(?:\b(?:is|are|remains?)\b[^.;]{{0,20}}\breserved\b|{_FORBID})",
    r"\breserv(?:e[sd]?|ing)\b[^;]{0,160}\bdirective (?:\(eu\) )?2019/790\b",
    r"(?:^|\s)#no-?ai\b",
)
# A mark among other words is a doubt, and by itself on a line none.
_MARKS = (
    r"\btdm[-_ ]reservation\b[\"'>\s:=]{0,6}(?:content=)?[\"']?1\b",
    r"\bno-?image-?ai\b|\bcontent=[\"'][^\"'\n]{0,80}\bno-?ai\b|"
    r"\b(?:tagged|marked|labell?ed|flagged)\b(?: \w+)? [\"'`#]{0,2}no-?ai\b",
)
# Each by itself: all of them in one would need more memory than the engine has for its fast way.
_RESERVED = tuple(re2.compile("(?i)" + form) for form in _FORMS)
_CERTAIN = tuple(re2.compile("(?i)" + form) for form in _EXPLICIT)
_MARKED = tuple(re2.compile("(?i)" + form) for form in _MARKS)
# The mark by itself on a line; its signs are gone by now.
_MARK = re2.compile(
    r"(?i)^\W*(?:no[- ]?ai|(?:no-?(?:image-?)?ai[\s,;#]{0,4})*no-?image-?ai(?:[\s,;#]{0,4}no-?(?:image-?)?ai)*|"
    r"tdm[-_ ]reservation[\"'\s:=]{0,6}1[\"',;]*|"
    r"ai[- ]training[\"'\s]{0,3}[:=][\"'\s]{0,3}(?:no|den(?:y|ied)|disallow(?:ed)?|prohibited|forbidden)[\"',;]*|"
    r"(?:content-usage\s?:\s?)?train-ai\s?=\s?n(?:o|one)?|"
    r"meta [^>]{0,120}content=[\"'][^\"'\n]{0,80}\bno-?ai\b[^\"'\n]{0,80}[\"'/ ]*|"
    r"meta [^>]{0,40}\btdm[-_ ]reservation[\"'] content=[\"']1[\"'/ ]*)\W*$"
)
_MAYBE = (
    r"(?i)\bno[- ]?(?:image-?)?ai\b|\btrain|fine-?tun|\bscrap|\blearn|\bmining\b|\bdatasets?\b|\bllm|\btdm|2019/790|"
    r"\bai\b|copilot|chatgpt|\blanguage models?\b|code generation|bigcode|the stack\b"
)
MAYBE_RESERVED = re2.compile(_MAYBE.encode())
_MAYBE_IN_WORDS = re2.compile(_MAYBE)
_LONGEST_SENTENCE = 1000
# The end of a sentence: "Art. 4" and "a.i." hold none.
_STOP = re.compile(r"[.!?][\"'`)*_]*\s+(?=[A-Z\"'`(*_\[-])")


def reservation(lines: Sequence[str], marked: Sequence[bool]) -> str:
    """What a paragraph says of the work. `marked`: lines that do not begin with a letter, such as comments.

    Comments are read together with what stands below them and by themselves, since code goes on with no sentence.

    >>> reservation(["No LLM training", "x = 1"], [True, False]), reservation(["NoAI"], [True])
    ('reserved', 'reserved')
    >>> reservation(["Training language models is not permitted on such computers."], [False])
    'doubted'
    >>> reservation(["Your data is never used to train AI models."], [False])
    ''
    """
    if _MAYBE_IN_WORDS.search(" ".join(lines)) is None:
        return ""
    if any(_MARK.match(line) for line in lines):
        return RESERVED
    said = _said(lines)
    comments = [line for line, sign in zip(lines, marked, strict=True) if sign]
    if said != RESERVED and 0 < len(comments) < len(lines):
        alone = _said(comments)
        said = alone if alone == RESERVED else said or alone
    return said


def _said(lines: Sequence[str]) -> str:
    """The strongest of what the sentences say, those that go over several lines included."""
    text = " ".join(lines)
    verdicts = {_verdict(text, start, end, form in _CERTAIN) for form, start, end in _matches(text)}
    if RESERVED not in verdicts and any(line[:1].isupper() for line in lines[1:]):  # items of a list, without a point
        alone = ((line, start, end) for line in lines if not about_else(line) for _, start, end in _matches(line))
        if any(says_only(line[:start], line[start:end], line[end:]) for line, start, end in alone):
            return RESERVED
    return RESERVED if RESERVED in verdicts else DOUBTED if DOUBTED in verdicts else ""


def _matches(text: str) -> Iterator[tuple[object, int, int]]:
    if _MAYBE_IN_WORDS.search(text) is None:
        return
    for form in (*_CERTAIN, *_RESERVED, *_MARKED):
        for match in form.finditer(text):
            yield form, match.start(), match.end()


def _verdict(text: str, start: int, end: int, certain: bool) -> str:
    """What the sentence around a match says."""
    nearest = max(0, start - _LONGEST_SENTENCE)  # a text that is one long line takes no more time than its length
    first = max((stop.end() for stop in _STOP.finditer(text, nearest, start + 1)), default=nearest)
    stop = _STOP.search(text, end, end + _LONGEST_SENTENCE)
    last = stop.start() if stop else min(len(text), end + _LONGEST_SENTENCE)
    sentence = text[first:last]
    if about_else(sentence) or not (certain or forbids(sentence)):
        return ""
    if (
        certain
        or about_work(sentence, text[max(0, first - _LONGEST_SENTENCE) : first])
        or says_only(text[first:start], text[start:end], text[end:last])
    ):
        return RESERVED
    return DOUBTED
