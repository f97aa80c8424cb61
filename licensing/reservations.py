"""Reservations against training: sentences that forbid to train models on a work, or object to it.

In: a paragraph. Out: whether `RESERVED` finds one in it: a sentence that forbids ("may not be used to train language
models"), asks for a licence or a permission first, or objects, and the short forms such as "No AI training".
`MAYBE_RESERVED` is the cheap question before. English only. 5 µs for a paragraph that may hold one.
"""

import re2

_MODEL = (
    r"\b(?:a\.?i\.?|artificial intelligence|gen(?:erative )?ai|llms?|machine[- ]learning|copilot|chatgpt|"
    r"neural net(?:work)?s?|"
    r"(?:ai|ml|code|(?:large )?language|machine[- ]learning|foundation|generative) models?)\b"
)
_TRAIN = r"\b(?:train|trained|training|fine-?tun(?:e|ed|ing))\b"
_FORBID = r"\b(?:prohibited|forbidden|disallowed|not (?:permitted|allowed|authori[sz]ed|granted|welcome))\b"
_ASKS = r"\b(?:requires?|needs?)\b[^.;]{0,40}\b(?:licen[sc]e|permission|consent|agreement|fee)\b"
_NO = r"\b(?:not|never|prohibits?|forbids?|cannot)\b"
_MUST_NOT = r"\b(?:must|may|shall|should|can) ?not\b"
_MINING = r"(?:train(?:ing)?|scrap(?:e|ing)|learn(?:ing)?|mining|datasets?|use)\b"
_WORK = (
    r"\b(?:this|the|our|my|these)[ \t](?:[\w-]+[ \t]){0,2}"
    r"(?:code|software|repo(?:sitory)?|project|work|files?|source|program|library)"
)
_OUT_OF = r"\bopt(?:s|ed|ing)?[- ]?out (?:of|from)"
_FORMS = (
    r"\bno[- ]?ai[- ](?:training|scraping|learning|mining|datasets?|use)\b",
    r"\bno training of " + _MODEL,
    # What follows keeps out "no machine learning use case".
    rf"(?:\bno|\bnot for|\bnot to be used (?:for|in)|{_OUT_OF}) (?:any )?{_MODEL}[- ]{_MINING}"
    r"(?:[^a-z]*$|[.,;:!?)]| (?:permitted|allowed|of|on|with|please)\b)",
    rf"\bnot (?:to be )?used? for {_MODEL}(?:[^a-z]*$|[.,;])",
    _OUT_OF + r" (?:any )?(?:text and )?data[- ]mining\b",
    rf"{_NO}[^.;]{{0,160}}{_TRAIN}[^.;]{{0,80}}{_MODEL}",
    rf"{_NO}[^.;]{{0,160}}{_MODEL}[^.;]{{0,30}}\b(?:training|datasets?)\b",
    rf"{_NO}[^.;]{{0,80}}\b(?:datasets?|scrap\w+)\b[^.;]{{0,60}}{_MODEL}",
    rf"{_WORK}[^.;]{{0,40}}{_NO}[^.;]{{0,40}}\b(?:used?|included?)\b[^.;]{{0,20}}"
    r"\btraining (?:data|sets?|material|corp)",
    rf"{_MODEL}[^.;]{{0,40}}{_MUST_NOT}[^.;]{{0,30}}\b(?:learn|train|ingest|scrape|be trained)\b",
    rf"\b(?:objects?|objection|opposed?)\b[^.;]{{0,80}}{_MODEL}[- ]{_MINING}",
    rf"\b(?:objects?|objection|opposed?)\b[^.;]{{0,80}}{_TRAIN}[^.;]{{0,40}}{_MODEL}",
    rf"{_TRAIN}[^.;]{{0,80}}{_MODEL}[^.;]{{0,160}}(?:{_FORBID}|{_ASKS})",
    rf"{_MODEL}[- ](?:training|scraping|mining)\b[^.;]{{0,100}}(?:{_FORBID}|{_ASKS})",
)
RESERVED = re2.compile("(?i)" + "|".join(_FORMS))
MAYBE_RESERVED = re2.compile(rb"(?i)\bno[- ]?ai\b|\btrain|fine-?tun|\bscrap|\blearn|\bmining\b|\bdatasets?\b|\bllm")
