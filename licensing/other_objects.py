"""What a sentence with the words of a reservation is about: this work, something else, or nothing that it names.

In: a sentence of which `reservations.py` has found that it denies or forbids something about training. Out: whether it
is about something else ("your data is never used", "it cannot train on a CPU", "how to opt out"), whether it is about
this work ("this code must not be used"), and whether it says nothing but that ("No AI training."). It is asked for few
sentences only: 20 µs each.
"""

import re

from gleanery.licensing.work_words import WORKS

_LONGEST = 1200
_OF_USERS = (
    r"data|prompts?|documents?|conversations?|chats?|messages?|content|inputs?|outputs?|information|e-?mails?|code|"
    r"files?|"
    r"images?|photos?|recordings?|notes|queries|uploads?|requests?|history"
)
_ACTS = (
    r"(?:train|use|fine-?tun|provid|support|collect|send|shar|stor|requir|need|includ|contain|offer|perform|rely|sell|"
    r"upload|log|keep|retain|learn|involv|come|ship|mean|have|imply)(?:e|es|s|ing|ed)?\b"
)
_ELSE = (
    # What a service does with the data of its users.
    r"\b(?:your|(?:users?|customers?|clients?|patients?)['’]?s?['’]?|their|personal|private|any of your)[ ]+"
    r"(?:(?!train|dataset|models?\b|ai\b|llm|machine)[\w-]+[ ]+){0,2}(?:" + _OF_USERS + r")\b",
    # What a program or its makers do not do, and what is not done.
    rf"\b(?:(?:does|did|will|would)[ ](?:not|never)|(?:does|did|would)n['’]t|won['’]t)(?:[ ]\w+)?[ ]{_ACTS}",
    rf"\b(?:we|i)[ ](?:also[ ])?(?:do[ ]not|don['’]t|never|will[ ]never|have[ ]not|haven['’]t)(?:[ ]\w+)?[ ]{_ACTS}",
    r"\b(?:is|are|was|were|been|being)[ ](?:not|never)[ ](?:(?!to\b|for\b)\w+[ ])?"
    r"(?:used|trained|fine-?tuned|included|sent|shared|stored|provided)\b",
    r"\b(?:is|are|was|were)n['’]t[ ](?:\w+[ ])?(?:used|trained|fine-?tuned|included|sent|shared|stored|provided)\b",
    r"\b(?:never|not)[ ]used[ ](?:to|for|in|by)\b",
    # What a project or a course asks of those who hand something in.
    r"\b(?:ai|ml|llms?|machine[ ]learning|copilot|chatgpt)[ -](?:use|usage)\b[^.;]{0,80}\b(?:contribut\w+|"
    r"pull[ -]requests?|prs|patches|commits?|submissions?|homework|assignments?|exams?|courses?)\b",
    r"\b(?:contribut\w+|pull[ -]requests?|prs|patches|submissions?|homework|assignments?|exams?)\b[^.]{0,80}"
    r"\b(?:ai|ml|llms?|copilot|chatgpt)[ -](?:use|usage)\b",
    # What cannot be done, or not yet.
    r"\byet\b|\b(?:un|not[ ](?:\w+[ ])?)supported\b|\b[cgt]pus?\b|\bapi[ ]keys?\b|\bepochs?\b|\bout[ ]of[ ]memory\b",
    r"\bno[ ](?:[\w-]+[ ]){1,4}(?:is[ ]|are[ ])?(?:required|needed|necessary|involved)\b",
    r"\b(?:test|validation|evaluation|eval|dev|held-?out|hold-?out)[ -](?:sets?|splits?|data)\b",
    r"\b(?:train|the)[ ](?:the|ai|ml|language|machine[ -]learning)[ ]model[ ](?:on|must|may|should|can)\b",
    r"\bwithout[ ](?!asking|obtaining|getting|having|first|contacting|seeking|paying|credit|attribut|"
    r"receiving)\w+ing\b",
    # What a tool or a text tells of reservations.
    r"\b(?:how[ ](?:to|ai|the)|whether|shows|explains|describes|checks|detects|respects|honou?rs|obeys|parses|"
    r"recogni[sz]es|scans|"
    r"looks[ ]for|(?:lets|allows|helps|enables)[ ](?:you|users|owners|authors))\b",
    r"\bwe[ ](?:honou?r|respect|obey|check|support|show|present|propose|find|introduce|study|investigate|demonstrate|"
    r"evaluate|explore|release|observe)\b",
    r"\b(?:you|users?|people|owners|authors|artists)[ ](?:can|may|could|might)?[ ]?opt\b|\b(?:can|may|could|"
    r"to)[ ]opt[ ]in\b",
    r"\b(?:this|the)[ ]paper\b|\bet[ ]al\b|\barxiv\b|\bto[ ]ensure\b|\bnot[ ]recommend|\b(?:is|are)[ ](?:done|"
    r"performed)\b|"
    r"\b(?:training|evaluation|inference)[ ]mode\b|\bno\b[^.;]{0,40}\b(?:included|provided|shipped)\b|"
    r"\b(?:requires?|needs?)[ ]no\b|\bour[ ](?:results|experiments|method|approach|findings|model)\b",
)
_ABOUT_ELSE = re.compile("(?i)" + "|".join(_ELSE).replace("[ ]", r"\s"))
_NOUNS = rf"(?:{WORKS}|materials?|documentation|texts?|notebooks?|art\w*|assets|book|website|site|data|document)"
_WORK = re.compile(
    rf"(?i)\b(?:this|the|our|my|these|its|any|such)\s+(?:(?!train|models?\b|"
    rf"set\b)[\w/-]+\s+){{0,3}}?{_NOUNS}\b(?!['’]s|[ -](?:gen|model))|"
    r"\b(?:on|with|from|use|using|of|feed|by)\s+(?:any\s+part\s+of\s+)?(?:this|these)(?:[^\w ]|$|\s+(?:to|for|in|as)\b)"
)
# "In this work we show": where something is said, and not of what; "the code in this repository" is the work.
_PLACE = re.compile(
    r"(?i)(?<!code )(?<!anything )(?<!files )(?<!content )(?<!contents )(?<!material )(?<!materials )(?<!everything )"
    r"(?<!nothing )(?<!contained )(?<!found )(?<!included )\b(?:in|with)\s+(?:this|our|the)\s+(?:work|project|"
    r"library|tool|"
    r"module|package|paper)\b"
)
_PRONOUN = re.compile(
    r"(?i)\b(?:it|they)\s+(?:may|must|shall|should|can)\s*not\s+be\b|\b(?:use|train\s+on)\s+(?:it|them)\b"
)
_FORBIDS = re.compile(
    r"(?i)\b(?:must|may|shall|should|can|could)\s*(?:not|never)\b|\bcannot\b|\bdo\s+not\b|\bdon['’]t\b|^\W*never\b|"
    r"prohibit|forbid|disallow|\bnot\s+(?:be\s+)?(?:permit|allow|authori|grant|welcome|licen|for\b|to\b|available|"
    r"consent|agree|want|wish)|\bexcept\b|\bbut\s+not\b|\bno\b|\bnobody\b|\bno[- ]one\b|\brequires?\b|\bneeds?\b|"
    r"\bobject|\boppos|\bopt(?:s|"
    r"ed|ing)?[- ]out\b|"
    r"\bexclude|\bremove|\breserv|\b(?:tagged|marked|labell?ed|flagged)\b|\bnon?-?ai\b"
)
_CAN_NOT = re.compile(r"(?i)\b(?:cannot|can\s+not|can['’]t|could\s+not|unable\s+to)\s+(?:be\s+)?(?:train|fine-?tune)")
_ON_WORK = re.compile(
    rf"(?i)\b(?:on|from|using)\s+(?:this|the|our|my|these)\s+(?:[\w/-]+\s+){{0,2}}{_NOUNS}\b|\bon\s+(?:it|this)\b"
)
# How a sentence begins that says nothing but the reservation, and how it may go on behind it.
_BEGINS = re.compile(
    r"(?i)^(?:no\b|(?:all\s+)?rights\s+reserved\b|not\s+(?:for|to\s+be|licen[sc]ed|available)\b|(?:for\s+)?(?:ai|ml|"
    r"llms?|a\.i\.|artificial|"
    r"generative|"
    r"machine|copilot|training|fine-?tuning|model|language|neural|code\s+generation)\b|use[sd]?\b|usage\b|using\b|"
    r"ingestion\b|processing\b|access\b|scraping\b|opt(?:s|ed|ing)?[- ]out\b|objection\b|object\b|"
    r"prohibited\b|forbidden\b|(?:do\s+not|don['’]t|never|must\s+not|may\s+not|not)\s+(?:be\s+)?used?\s+(?:for|in|"
    r"as|to|by|with)\b|"
    r"(?:do\s+not|don['’]t)\s+scrape\b)"
)
_LEADS = re.compile(
    r"(?i)^[\W_]*(?:(?:please|strictly|absolutely|also|note|the|any|all|this|is|we|i|hereby|explicitly|author|authors|"
    r"owner|owners|project|licen[sc]e|mit|isc|bsd|apache|and|but|use|usage|for|purposes?|of|expressly|to|have|has|"
    r"want|wish|"
    r"would|like)[\W_]+)*$|[,;:(\[–—|][\s\"'`*_]*$|\s-\s*$"
)
_ENDS = re.compile(
    r"(?i)^[\s\"'`*_]*(?:$|[.;:,!?()\[\]|–—-]|(?:without|in\s+any|under|please|permitted|allowed|here|ever|at\s+all|"
    r"whatsoever|"
    r"is|are|strictly|and|or)\b|(?:of|on|with|from)\s+(?:this|it|these|our|my)\b)"
)
_ASKS = re.compile(r"(?i)\b(?:requires?|needs?)\b")


def about_else(sentence: str) -> bool:
    """Whether a sentence speaks of something else than a reservation of this work.

    >>> about_else("The library does not train language models"), about_else("This code may not be used to train AI")
    (True, False)
    """
    sentence = sentence[:_LONGEST]
    if _ABOUT_ELSE.search(sentence):
        return True
    return _CAN_NOT.search(sentence) is not None and _ON_WORK.search(sentence) is None


def forbids(sentence: str) -> bool:
    """Whether a sentence forbids, asks or objects at all: "it is not feasible to train" does not.

    >>> forbids("One must not train language models"), forbids("It is not feasible to train so many models")
    (True, False)
    """
    return _FORBIDS.search(sentence[:_LONGEST]) is not None


def about_work(sentence: str, before: str) -> bool:
    """Whether a sentence names this work; "it" is what stands before.

    >>> about_work("You may not use this code to train models", ""), about_work("Do not train AI models", "")
    (True, False)
    """
    sentence = sentence[:_LONGEST]
    if _WORK.search(_PLACE.sub(" ", sentence)):
        return True
    return _PRONOUN.search(sentence) is not None and _WORK.search(before[-_LONGEST:]) is not None


def says_only(before: str, words: str, behind: str) -> bool:
    """Whether a sentence says nothing else: what stands before and behind the words of the reservation adds nothing.

    >>> says_only("", "No AI training", "."), says_only("There is ", "no AI training", " in it")
    (True, False)
    """
    if _ASKS.search(words) or not _BEGINS.match(words.lstrip(" \"'`*_#(")):
        return False
    return _LEADS.search(before[-_LONGEST:]) is not None and _ENDS.match(behind) is not None
