"""The nouns by which a text names the work that it stands in: "this library", "the code", "our game".

In: nothing. Out: one list for all rules that ask whether a sentence is about the work; each adds only what it alone
needs. A group of plain words, to stand behind "this" and between blanks or signs, in any letters.
"""

WORK = (
    r"(?:projects?|software|librar(?:y|ies)|packages?|(?:source ?)?code(?:base)?|sources?|(?:computer )?programs?|"
    r"repo(?:sitor(?:y|ies))?|works?|modules?|extensions?|plug-?ins?|tools?|toolkits?|apps?|applications?|crates?|gems?|"
    r"frameworks?|distributions?|files?|products?|utilit(?:y|ies)|implementations?|scripts?|components?|systems?|"
    r"engines?|drivers?|servers?|clients?|contents?|games?|releases?|themes?|templates?|bots?)"
)
