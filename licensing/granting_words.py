"""The forms in which a text grants a licence in a few words, and the words that speak of something else.

In: nothing. Out: patterns for `grants.py`, in English. In all of them a sentence stands on one line,
without comment signs.
"""

import re2

from gleanery.licensing.work_words import WORKS

_WORK = (
    rf"(?:{WORKS}|headers?|style ?sheet|css|macros?|document|documentation|functions?|routines?|class(?:es)?|examples?|"
    r"sketch|interface|bindings?|version|patch|materials?|demo|notebook|test|tests|spec|suite|bundle|page|api|sdk|"
    r"firmware|kernel|recipe|playbook|role|config|configuration|makefile|readme|grammar|collection|text|object|unit|"
    r"service|snippet|stuff)"
)
_VERB = (
    r"(?:(?:dual|double|multi|tri|triple|dually)[- ]?|re-?|jointly |all |hereby |also |now |then |freely |fully |"
    r"entirely |free(?:ly)? to )*(?:licen[sc]ed|licen[sc]able|released?|(?:re)?distributed?|(?:re)?distributable|"
    r"available|published|covered|provided|offered|placed|put|governed|dedicated|open[- ]?sourced?|subject to|"
    r"protected|"
    r"free software|free|open[- ]source|public domain|in the public|under|donated|contributed|usable|"
    r"made available|granted|waived|disclaimed|part of the public|"
    r"(?:used|copied|modified|shared|redistributed)(?:,? (?:and |or |and/or )?[\w-]+){0,6} (?:under|"
    r"according to|subject to))"
)
_IS = r"(?:is|are|was|were|has been|have been|had been|may be|can be|shall be|comes?|falls?|'s|be|stands?)"
_UNDER = r"(?:\s+[\w,/'()-]+){0,8}?\s*(?:\b(?:under|as|in|into|to|by|with|of|via|at|from)\b|[:(-]|$)"
_SUBJECT = (
    rf"(?:\b(?:this|these|all|our|my|any|entire|whole)\b(?:\s+(?:of\s+)?[\w.,'()/+\"`-]+){{0,6}}?\s+{_WORK}\b|"
    rf"\bthe\s+(?:following\s+)?(?:source|above|whole|entire|complete|full|enclosed|present|accompanying|rest of the|"
    rf"included|contained|resulting|source code of the)?\s*(?:code|software|program|project|sources?|files?|"
    rf"package|library|"
    rf"source code|module|script|work|contents?|repository)\b|"
    r"(?:^|[,(]\s*|\band\s+)(?:it|everything|they|this|these|all|code|source|source code|software|program)\b)"
)
FORMS = tuple(
    re2.compile("(?i)" + form)
    for form in (
        # "License: X", "@license X", "License is X".
        r"^[@\\]?(?:(?:spdx|software|code|source|source code|project|package|file|main|open[- ]source|the|this|"
        r"our|its|dual|"
        r"copyright|distribution|usage|content|legal|script|module|plugin|library|full|and|current)[\s-]+){0,2}"
        r"(?:__)?licen[sc](?:e[sd]?|ing)\b(?:[\s-](?:identifier|information|info|notice|type|name|ur[il]|text|terms|"
        r"expression|agreement|statement|conditions|status|details|block|summary|used|file)){0,2}(?:__)?\s*"
        r"(?:\([^)]{0,20}\)\s*)?(?:[:=(>|,]|-+|–|is\b|are\b|\s|$)",
        rf"^(?:and\s+|is\s+|are\s+|but\s+|also\s+)?{_VERB}\b{_UNDER}",
        r"^[@\\]?(?:许可|授权|许可证|协议|ライセンス|라이선스|lizenz|licencia|licença|licenza)\w*\s*[:：]",
        rf"^(?:this |the |an? )?(?:\w+ )?{_WORK}\s+(?:(?:is|are)\s+)?"
        r"(?:(?:dual[- ]?)?(?:licen[sc]ed|released|distributed|available|published|placed)\b"
        + _UNDER
        + r"|in the public domain)",
        rf"^(?:this file is |it is )?(?:a )?part of\b[^.;]{{0,100}}[,;]?\s(?:(?:and|"
        rf"is)\s+)?(?:{_VERB}\b{_UNDER}|under\b)",
        r"^for (?:the )?(?:conditions|terms|licen[sc]\w*|details|copyright)\b",
        # "See Copyright Notice in lua.h", where the detector knows what stands there.
        r"^see (?:the )?(?:copyright|licen[sc]e)(?: (?:notice|information|details|terms))?s? (?:in|at) [\w./-]+$",
        r"^(?:your )?choice of\b",
        r"^(?:any |all )?copyrights?\b[^.;]{0,40}\b(?:dedicated|waived|disclaimed|released)\b",
        r"\b(?:released|placed|dedicated|put|donated) (?:in)?to (?:the )?public domain\b",
        rf"\blicen[sc]es? (?:this|these|the) {_WORK}\b",
        r"^[\w.]+ - v?[0-9][\w.]* - public domain\b",
        r"^MODULE_LICENSE\b",
        # "MIT licensed", "Public Domain by Ada", "Apache 2.0 license applies to this file".
        r"^(?:the\s+)?(?:(?:new|modified|simplified|revised|standard|[0-9]-?clause|two-clause|three-clause|"
        r"x11)[\s-]+)?"
        r"(?:mit|expat|bsd|apache|isc|zlib|public[- ]domain|cc0|unlicen[sc]e|wtfpl|psf|boost|ncsa|0bsd)\b[\w./()-]*"
        r"(?:[\s-]+[\w./()-]+){0,3}[\s-]+(?:licen[sc]ed|dedicated)\b",
        rf"^(?:the\s+)?[\w. -]{{2,40}}\blicen[sc]e\s+(?:also\s+)?(?:applies|holds|"
        rf"covers)\b[^.]{{0,20}}\b(?:this|these|all|the)"
        rf"\s+{_WORK}",
        rf"^files are {_VERB}\b{_UNDER}",
        # A sentence about the work.
        rf"{_SUBJECT}(?:\s+[^.;?]{{0,100}}?)?(?:\s|\b|'s){_IS}\b[^.;?]{{0,80}}?\b{_VERB}\b",
        rf"^{_SUBJECT}\s+uses (?:the |an? )?[\w .-]{{2,30}}\blicen[sc]e$",
        rf"(?:^|,\s*){_SUBJECT}\s+{_IS}\b[^.;?]{{0,40}}$",
        r"^(?:you|users?|anyone|everyone|feel free|use|usage|use and distribution|permission|redistribution|"
        r"distribution|"
        r"licen[sc]ees?|copying)\b[^.?]{0,160}\b(?:under|terms|licen[sc]e|governed|public domain|freely)\b",
        # Its maker speaks.
        r"\b(?:(?:copyright )?holders?|authors?|owners?|i|we|who|which|developers?|contributors?)\b[^.;?]{0,60}\b"
        r"(?:hereby|herewith|releas\w+|dedicat\w+|plac\w+|put|disclaims?|waives?|donat\w+|makes?|"
        r"consents?|grants?)\b",
        r"^[^.;?]{0,60}\b(?:written|created|coded|developed|designed|made|authored|implemented|by|"
        r"author)\b[^;?]{0,120}?"
        rf"(?:\band\b|,|\.|\()\s*(?:(?:it|is|are|was|has been|hereby|who)\s+){{0,2}}{_VERB}\b{_UNDER}",
        r"\bno copyright\b|\bnot copyrighted\b|\bno rights reserved\b|\bcopyright (?:is )?(?:waived|disclaimed|"
        r"abandoned)\b",
        # "Copyright 2020 Ada, released under X", "(c) Ada. X license".
        rf"^(?:[@:]?copyrights?\b|\(?c\)|©|spdx-filecopyrighttext)[^?]{{0,200}}?(?:[,.;:()<>|–-]|\band\b|[0-9>])\s*"
        rf"(?:(?:it |and |is |all )*{_VERB}\b{_UNDER}|(?:the\s+)?licen[sc]ed?\b)",
        r"^(?:[@:]?copyrights?\b|\(?c\)|©)[^?.,;]{0,100}\b(?:under|licen[sc]ed)\b",
    )
)
# Names of the work, which the first lines of the text have to say too.
NAMED = re2.compile(
    rf"(?i)^(?:the\s+)?([\w.+/@-]{{2,60}})(?:\s+[\w.()+-]+){{0,4}}?\s+{_IS}\b[^.;?]{{0,80}}?\b{_VERB}\b"
)
RELATIVE = re2.compile(r"(?i)\b(?:which|that|who)\b")
# What speaks of another work, of what is not so, or of what may be.
OTHERWISE = re2.compile(
    # what holds for most of a work says of none of its files that it holds for this one
    r"(?i)\b(?:(?:most|much|many|several|parts|half|bulk|majority) of|most (?:[\w-]+ )?(?:files|code|sources?|"
    r"components?|modules|parts|things)|mostly|mainly|primarily|largely|partly|partially|"
    r"uses|using|used by|depends?|depending|dependenc\w+|requires?|required|requirements?|needs?|"
    r"(?:based|builds?|built|relies) (?:up)?on|adapted|derived|derives|taken|borrow\w*|stolen|copied from|"
    r"copies from|"
    r"ported|a port of|portions?|some|includes|including|contains|bundle[sd]?|bundling|embeds|incorporates|inspired|"
    r"thanks|credits?|wraps|wrapper (?:for|around|of)|generates?|downloads?|fetches|checks?|whether|collects?|"
    r"contribution?s?|contributing|icons?|fonts?|images?|logos?|artwork|upstream|third[- ]part\w*|3rd[- ]part\w*|"
    r"choose|pick|todo|tbd|fixme|e\.g|for example|for instance|such as|unlike|like|similar|comparable|"
    r"akin|resembl\w+|compatible|"
    r"not|no|never|neither|nor|cannot|isn|doesn|don|won|without|will|would|should|shall become|plans?|planned|"
    r"planning|"
    r"consider\w*|maybe|perhaps|possibly|one day|some ?day|proposed|hope|want|previously|formerly|"
    r"originally|original (?:version|author|licen[sc]e|implementation|work|source:)|until|if|unless|"
    r"contact|buy|purchase|ask|mentions?|parses?|detects?|knows|ids|list of|lists|everything else|supports?|"
    r"template for|"
    r"elsewhere|their|his|her|respective|another|other)\b|n't\b"
)
AFTER = re2.compile(
    r"(?i)\b(?:customers?|students?|subscri\w+|under consideration|considered|not apply|doesn.t apply|planned|"
    r"maybe|tbd|unless you|written permission|everything else|only to|proprietary|commercial licen[sc]e|"
    r"in (?:the )?future|in [2][0-9]{3})\b|\?"
)
# "It can be found in the MIT licensed libraries of Ada": what is named before "licensed" is the licence of these. No
# noun stands where the sentence goes on with one of `NO_NOUNS`.
OF_ANOTHER = re2.compile(
    r"(?i)\b(?:in|from|on|with|by|using|via)\s+(?:the|an?|some|several|various|many|other|their|its)\s+"
    r"((?:[\w.+/`-]+\s+){0,5}?[\w.+/`-]+?)[\s-]licen[sc]ed\s+[*_`\[]{0,2}(\w+)"
)
NO_NOUNS = frozenset(("under", "by", "as", "in", "with", "to", "for", "from", "at", "and", "or", "via", "on"))
# "Source: https://... (MIT License)": where something else comes from.
SOURCE = re2.compile(
    r"(?i)^\W*(?:sources?|from|origin|ref(?:erences?)?|via|see also|based on|homepage|url|link)\s*:|\b(?:code|"
    r"taken) from\b|"
    r"^(?:generated|generator|contributed|accepted)\b"
)
LISTS = re2.compile(
    r"(?i)\b(?:uses|using|includes?|including|contains?|bundles?|incorporates?|based on|third[- ]party|"
    r"portions|parts|"
    r"following (?:libraries|components|packages|projects|works|software)|dependencies|credits|thanks|"
    r"acknowledg\w+)\b"
)
# These say "no" and take nothing away.
NO_HARM = re2.compile(
    r"(?i)\bbased on the terms\b|^(?:this|the|our) (?:project|software|library|package|repository) uses\b|"
    r"\bno(?:t)? (?:copyright\w*|rights? reserved|warrant\w+|guarantee\w*|restrictions?|strings?|liab\w+|"
    r"charge|cost)\b|\bwith or without modifications?\b|"
    r"\bwithout (?:any )?(?:\w+ )?(?:warrant\w+|restrictions?|limitations?|charge)\b|\bif not,? see\b|"
    r"\bif (?:desired|you (?:wish|like|prefer|choose|want))\b|\bother(?:wise)?(?: contributors| authors| dealings)\b|"
    r"\b(?:and|&) (?:its |the |his |her |other |all )*(?:contributors?|others?)\b|\bno one\b|\bcontributors?\b|"
    r"\bunless otherwise (?:noted|stated|specified|indicated|mentioned)\b|\bexcept (?:as|"
    r"where) (?:otherwise )?(?:noted|stated)\b"
)
# What stands before a grant and is no condition: "If you have downloaded a copy of Frob, please note that Frob is ...".
NOTED = re2.compile(
    r"(?i)^if you (?:have )?(?:downloaded|received|obtained|got) (?:a |this )?copy of [^.;?]{1,120}?,? "
    r"please note that\s+|"
    # "Unless specifically indicated otherwise in a file, ..."
    r"^(?:unless|except (?:where|when|as|if)) "
    r"(?:(?:otherwise|specifically|explicitly|expressly|clearly|differently|it is|they are|is|are) )*"
    r"(?:noted|stated|indicated|specified|declared|marked|mentioned|said)(?: otherwise| differently)?"
    r"(?: (?:in|at|within|by|on) "
    r"(?:(?:the|each|a|an|any|its|their|individual|such|source|specific|top|beginning|head|of) ){0,5}"
    r"(?:files?|headers?)(?: headers?| itself)?)?,?\s+"
)
# The last sentence of the notice of the Apache licence; "the License" in it is the one that the notice names.
OF_APACHE = re2.compile(r"(?i)\bunless required by applicable law or agreed to in writing\b")
RESERVED = re2.compile(r"(?i)\ball rights (?:are )?reserved\b|\b(?:closed|source)[- ](?:source|available)\b")
ADDRESS = re2.compile(r"(?i)<?\(?\b(?:https?://|www\.|[\w.-]+\.(?:org|com|net|io)/)[^\s)>]*[)>]?|[\w.+-]+@[\w.-]+")
VERSIONED = re2.compile(
    r"(?i)^[\w.@/+-]{1,40}(?:\s+[\w.@/+-]{1,40}){0,5}?[\s,-]*(?:v|ver|version|rev|r|\()?\s?[0-9][\w.-]*\)?[\s,|"
    r"(*-]+(.*)$"
)
COPYRIGHT = re2.compile(
    r"(?i)^(?:[@:]?copyrights?\b|\(?c\)|©|(?:written |created |coded |made )?by\b|[@:]?authors?\b)(.*)$"
)
TAIL = re2.compile(r"(?i)(?:[,;:.(<>|/–-]|\s[-–—]|\bunder\b|[0-9]{4})\s*(?:the\s+)?([^,;:|(<>]{2,80})$")
BEFORE_OWNER = re2.compile(r"(?i)^(.{2,80}?)[\s,;(.|-]*(?:\bcopyright\b|\(c\)|©|\bby\b)")
CHOICE = re2.compile(r"(?i)^(?:(?:option|alternative|choice)\s+\w{1,3}\s*[-:.)]*|[@\\:]?copyrights?)\s+(.*)$")
