"""Reservations against training: sentences that forbid to train models on a work, or object to it.

In: the lines of a paragraph. Out: whether one of them reserves the work: a sentence that forbids ("may not be used to
train language models"), asks for a licence or a permission first, or objects; short forms such as "No AI training"; a
mark by itself ("NoAI", "TDM-Reservation: 1"). `MAYBE_RESERVED` is the cheap question before. English only. 5 µs for a
paragraph that may hold one.
"""

from collections.abc import Sequence

import re2

_MODEL = (
    r"\b(?:a\.?i\.?|artificial intelligence|gen(?:erative )?ai|llms?|machine[- ]learning|copilot|chatgpt|"
    r"neural net(?:work)?s?|code[- ]generation|"
    r"(?:ai|ml|code|(?:large )?language|machine[- ]learning|foundation|generative) models?)\b"
)
_TRAIN = r"\b(?:train|trained|training|fine-?tun(?:e|ed|ing))\b"
_FORBID = r"\b(?:prohibited|forbidden|disallowed|not (?:permitted|allowed|authori[sz]ed|granted|welcome))\b"
_ASKS = r"\b(?:requires?|needs?)\b[^.;]{0,40}\b(?:licen[sc]e|permission|consent|agreement|fee)\b"
_NO = r"\b(?:not|never|prohibits?|forbids?|cannot)\b"
_MUST_NOT = r"\b(?:must|may|shall|should|can) ?not\b"
_DO_NOT = r"\b(?:(?:do|must|may|shall|should|can|to) ?not|don't|never)\b"
_MINING = r"(?:train(?:ing)?|scrap(?:e|ing)|learn(?:ing)?|mining|datasets?|use)\b"
_WORK = (
    r"\b(?:this|the|our|my|these)[ \t](?:[\w-]+[ \t]){0,2}"
    r"(?:code|software|repo(?:sitory)?|project|work|files?|source|program|library)"
)
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
    rf"\bnot (?:to be )?used? for {_MODEL}(?:[^a-z]*$|[.,;])",
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
    r"[^.;]{0,30}\b(?:models?|networks?)\b",
    rf"{_DO_NOT} (?:\w+ )?(?:use|include|add|put)\b[^.;]{{0,15}}{_WORK}\b[^.;]{{0,30}}\b(?:as|in|into|for|to)\b"
    rf"[^.;]{{0,20}}{_DATA}",
    rf"{_DO_NOT} (?:\w+ )?(?:feed|give|paste|upload|input|ingest|submit)\b[^.;]{{0,15}}{_WORK}\b[^.;]{{0,20}}"
    rf"\b(?:to|into|by|for) (?:an? |any |the )?{_MODEL}",
    rf"\bno (?:\w+ )?training (?:on|with|from)\b[^.;]{{0,15}}{_THIS}",
    r"(?:^|[.!?:] )(?:model )?training (?:is )?(?:strictly )?(?:prohibited|forbidden)(?:[^\w ]|$)",
    # "Use for AI is forbidden"; "use of AI is not allowed" speaks of contributions.
    rf"\b(?:use|usage|used|ingestion|processing|access)\b (?:\w+ )?(?:for|by) (?:an? |any |the )?{_MODEL}"
    rf"[^.;]{{0,30}}{_FORBID}",
    rf"{_MODEL}(?: use| usage| training)? (?:on|with|of|from) {_WORK}\b[^.;]{{0,30}}{_FORBID}",
    rf"\b(?:use|using) (?:of )?{_WORK}\b[^.;]{{0,40}}{_DATA}[^.;]{{0,30}}{_FORBID}",
    # The right that article 4 of the European directive 2019/790 leaves to owners.
    rf"\breserv(?:e[sd]?|ing|ations?)\b[^.;]{{0,60}}\b(?:for|of|to|under|from|against|regarding)\b[^.;]{{0,80}}{_TDM}",
    rf"{_TDM}[^.;]{{0,60}}(?:\b(?:is|are|remains?)\b[^.;]{{0,20}}\breserved\b|{_FORBID})",
    r"\breserv(?:e[sd]?|ing)\b[^;]{0,160}\bdirective (?:\(eu\) )?2019/790\b",
    r"\btdm[-_ ]reservation\b[\"'>\s:=]{0,6}(?:content=)?[\"']?1\b",
    # A mark among others, or where a sentence says that it is one.
    r"\bno-?image-?ai\b|\bcontent=[\"'][^\"'\n]{0,80}\bno-?ai\b|"
    r"\b(?:tagged|marked|labell?ed|flagged)\b(?: \w+)? [\"'`#]{0,2}no-?ai\b|(?:^|\s)#no-?ai\b",
    rf"\b(?:object\w*|exclude|remove)\b[^.;]{{0,30}}{_WORK}\b[^.;]{{0,20}}\b(?:from|in|by|of)\b "
    r"(?:bigcode\b|(?-i:The Stack)\b)",
)
# Each by itself: all of them in one would need more memory than the engine has for its fast way.
_RESERVED = tuple(re2.compile("(?i)" + form) for form in _FORMS)
# The mark by itself on a line; its signs are gone by now.
_MARK = re2.compile(r"(?i)^\W*no[- ]?ai\W*$")
_MAYBE = (
    r"(?i)\bno[- ]?(?:image-?)?ai\b|\btrain|fine-?tun|\bscrap|\blearn|\bmining\b|\bdatasets?\b|\bllm|\btdm|2019/790|"
    r"\bai\b|copilot|chatgpt|\blanguage models?\b|code generation|bigcode|the stack\b"
)
MAYBE_RESERVED = re2.compile(_MAYBE.encode())
_MAYBE_IN_WORDS = re2.compile(_MAYBE)


def reserves(lines: Sequence[str], marked: Sequence[bool]) -> bool:
    """Whether a paragraph reserves the work. `marked`: lines that do not begin with a letter, such as comments.

    Comments are read together with what stands below them and by themselves, since code goes on with no sentence.

    >>> reserves(["No LLM training", "x = 1"], [True, False]), reserves(["NoAI"], [True])
    (True, True)
    >>> reserves(["There is no AI in it, and machine learning is not needed."], [False])
    False
    """
    said = " ".join(lines)
    if _MAYBE_IN_WORDS.search(said) is None:
        return False
    if any(_MARK.match(line) for line in lines) or _is_sentence(said):
        return True
    comments = [line for line, sign in zip(lines, marked, strict=True) if sign]
    return 0 < len(comments) < len(lines) and _is_sentence(" ".join(comments))


def _is_sentence(said: str) -> bool:
    return any(form.search(said) for form in _RESERVED)
