"""Names of licences that nobody knows: "governed by the Acme Enterprise License".

In: the lines of a head, of a licence file or of a README. Out: a doubt for the first such name, or nothing. Ask only
where the detector names no licence: it knows every name that is in use. 5 µs for a head that names none.
"""

from collections.abc import Sequence

import re2

from gleanery.licensing.findings import Finding
from gleanery.licensing.lines import SIGNS

UNHEARD = "gleanery-license-not-known"
_MAYBE = re2.compile(r"[Ll]icen[sc]e\b|EULA|Agreement")
# A licence by its name: words with capitals before "License", which may stand on the next line.
_BEGINS = re2.compile(
    r"\b(?:[Gg]overned|[Ll]icen[sc]ed|[Cc]overed|[Rr]eleased|[Dd]istributed|[Ss]ubject|[Aa]vailable|[Pp]rovided|is|are|"
    r"accordance) (?:as|by|under|to|with)\b|\b(?:[Rr]efer to|[Ss]ee)\b[^a-z]{0,3}[a-z]{0,3}[ \t]*[A-Z]|"
    r"\b[Ll]icen[sc]e:[ \t]+[A-Zt]"
)
_UNHEARD = re2.compile(
    r"\b(?:[Gg]overned by|[Ll]icen[sc]ed (?:as [^.;]{0,60}?)?under|[Cc]overed by|[Rr]eleased under|"
    r"[Dd]istributed under|[Aa]vailable under|[Pp]rovided under|(?:is|are) under|[Ss]ubject to|"
    r"[Ii]n accordance with)[ \t]+(?:the terms (?:and conditions )?of )?(?:the|an?)[ \t]+"
    r"(?:(?:[A-Z0-9][\w.+&'-]*[ \t]+){1,6}(?:Licen[sc]e|EULA|Agreement)\b|"
    r"(?:[A-Z][\w.+&-]*[ \t]+){1,5}(?:Enterprise|Commercial|Community|Proprietary|Source|Edition)[ \t]+"
    r"(?:\([A-Z]+\)[ \t]+)?licen[sc]e\b|(?:[A-Z][\w.+&-]*[ \t]+){1,5}licen[sc]e agreement\b)|"
    r"\b[Ll]icen[sc]e:[ \t]+(?:[Tt]he[ \t]+)?(?:[A-Z0-9][\w.+&'-]*[ \t]+){1,6}(?:Licen[sc]e|EULA|Agreement)\b|"
    # "Refer to the Frob Software Acquisition and Distribution Policies in the file frob/license.txt."
    r"\b(?:[Rr]efer to|[Ss]ee|[Ss]ubject to|[Gg]overned by)[ \t]+(?:the[ \t]+)?"
    r"(?:[A-Z][\w.+&'-]*[ \t]+(?:(?:and|or|of|for)[ \t]+)?){1,5}?"
    r"(?:Distribution|Licensing|Redistribution)[ \t]+Polic(?:y|ies)\b"
)
_NO_MARKS = str.maketrans("", "", '*_`[]"')
_LONGEST = 2000


def unheard(lines: Sequence[str]) -> tuple[Finding, ...]:
    """A doubt for the first lines of prose that name a licence which nobody knows, or nothing.

    >>> unheard(["# Frob", "This project is licensed under the [Acme Enterprise License](terms)."])[0].start_line
    2
    >>> unheard(["// It is governed by the Acme", "// Community License."])[0].start_line
    1
    >>> unheard(["This project is licensed under the terms above."])
    ()
    """
    if _MAYBE.search("\n".join(lines)) is None:
        return ()
    for at, line in enumerate(lines, 1):
        if line and _BEGINS.search(plain := _plain(line)):
            below = _plain(lines[at]) if at < len(lines) else ""
            if _UNHEARD.search(f"{plain} {below}"):
                return (Finding("unknown", rule=UNHEARD, start_line=at, end_line=at),)
    return ()


def _plain(line: str) -> str:
    return line[:_LONGEST].translate(_NO_MARKS).strip(SIGNS)
