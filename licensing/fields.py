"""Which licence the words of a licence field name, such as "Apache License, Version 2.0" or "MIT and GPL".

In: the words of one field of a manifest or a record. Out: findings; a field always says something, so words that name
no known licence are a doubt. Costs what the detector costs for a line, and is remembered by it.
"""

import re

import re2

from gleanery.licensing.expressions import PERL, POINTER, REFUSALS, keys, parse
from gleanery.licensing.findings import FIELD, Finding, surely_stated
from gleanery.licensing.known_texts import is_restricted
from gleanery.licensing.matches import uncovered_words
from gleanery.licensing.restricted_names import RESTRICTED_NAME, restricted_name
from gleanery.licensing.scan import Scanner

# Names that ecosystems use in their manifests and that the detector does not know.
_NAMES = {
    "apl2": "Apache-2.0",
    "asl2": "Apache-2.0",
    "bsd2": "BSD-2-Clause",
    "nist": POINTER,  # whose terms have changed several times: the licence file says which they are
    "open_source": POINTER,
    "perl5": PERL,
    "same as perl": PERL,
    "php": "PHP-3.01",
    "php license": "PHP-3.01",
    "psf": "PSF-2.0",
    "uiuc": "NCSA",
}
# Pages about licences that the detector does not know.
_PAGES = {"dev.perl.org/licenses": PERL, "polymer.github.io/license.txt": "BSD-3-Clause"}
_PAGE = re2.compile(r"(?i)^https?://(?:www\.)?([\w./-]{1,100}?)/?$")
# The licence file of a repository on a forge: where it lies and not what it says.
_ON_A_FORGE = re2.compile(
    r"(?i)^https?://(?:www\.)?(?:github\.com|raw\.githubusercontent\.com|gitlab\.[\w.-]+|bitbucket\.org|codeberg\.org|"
    r"gitee\.com)/[\w./@+-]{1,200}/(?:licen[sc]es?|copying|unlicense)(?:[-.][\w.-]{1,30})?$"
)
# Words that change what a licence allows, and that the detector passes over in a short text.
_CHANGED = re2.compile(r"(?i)\bwith\b|\bexcept|non-?commercial|\brestrict|\bcustom|\badditional|\bethical|\bnot? ")
# Words that stand beside the name of a licence and change nothing; numbers are none either.
_USUAL_TEXT = """
a above accompanying adoc affero agreement all also an and any apl approved as at attached author authors available be
below bsd by c cc clause clauses code compatible contributors copyright details directory distribution dual either
expat file files folder following for foundation free freely from full general gnu go header http https in included
information is iscl it its january later lesser level libpng library licence licenced licences licencia licens license
licensed licenses licensing licentie licenza licença like line list lizenz llc ltd main master md mit modified more
new newer of on one only open or org original osd osi oss our own package permissive please plus project provided
public published read refer repository reserved rev revised revision rights root rst same see short similar simplified
software source spdx standard style such term terms text that the this three tk to top two txt type under use used v
ver version versions view with www year zero
"""
_USUAL = frozenset(_USUAL_TEXT.split())
# The modified BSD licence is one of its own; any other that somebody modified is not known.
_MODIFIED = re2.compile(r"(?i)\b(?:modified|modification)\b")
_NUMBER = re.compile(r"v?[0-9]+[a-z]?")
# What stands from here on is about an owner.
_OWNER = re2.compile(r"(?i)\bcopyright\b|\(c\)|©|<[^>]{0,200}>")
# A field that is nothing but the line of an owner: "Copyright Contributors to the Frob Project."
_ONLY_OWNER = re2.compile(r"(?i)^(?:copyrights?|\(c\)|©)[\s\w.,:;&'\"<>@()/+©-]{2,150}$")
_SAYS_MORE = re2.compile(
    r"(?i)licen|rights|reserv|permi|\bus(?:e|es|ed|age)\b|\bnot?\b|\bonly\b|\bmay\b|\bmust\b|commercial|propriet|confiden|"
    r"secret|\bfree|public|\bterms?\b|\bunder\b|distribut|internal|private|closed|restrict|forbid|prohibit|agree|eula"
)
LONGEST_FIELD = 300
_AND = re2.compile(r"(?i)\s*[,;&]\s*(?:and\s+)?|\s+and\s+|\s+AND\s+|\s+\+\s+")
_OR = re2.compile(r"(?i)\s*(?:\|\|?|/)\s*|\s*,?\s+or\s+")
# A single word is a list only with one of these: "MIT,GPL".
_LISTED = re.compile(r"[,;&]")
# Names of licences that may stand beside each other with a blank between them: `(license MIT ISC)`.
_ALONE = re2.compile(
    r"(?i)(?:mit|mit-0|expat|isc|x11|zlib|unlicense|wtfpl|0bsd|cc0|boost|"
    r"(?:[al]?gpl|gfdl|mpl|epl|cddl|cecill|eupl|osl|afl|bsd|apache|asl|artistic|bu?sl|sspl|elastic|fsl|polyform|psf|python|"
    r"cc0|cc-by|ofl|ecl|ms-pl|upl|ncsa|postgresql|ruby|php|w3c|vim|openssl)(?:(?:[-_]?v?[0-9]|-[a-z]+-?[0-9])[\w.+-]*)?)\+?"
)
# "Apache License, Version 2.0" is one name.
_VERSION = re.compile(r",\s*(?=(?:v|version|ver|rev|revision)?\.?\s*[0-9])", re.IGNORECASE)
# "Apache-2.0 with LLVM exception" in SPDX's own words.
_EXCEPTION = re2.compile(r"(?i)\bwith (?:the )?([\w-]{1,40}?)[ -]exceptions?$")
# Words that stand beside "and" or "or" without naming a second licence.
_CONTINUED = re2.compile(
    r"(?i)^(?:\(?at your option\)?|any )?\s*(?:later|newer|above|greater|higher|after)\b|^any later|"
    r"^disclaimer\b|^file\b"
)


def resolved(scanner: Scanner, words: str) -> tuple[Finding, ...]:
    """The licence behind the words of a licence field; several must all be met unless the words offer a choice.

    What is joined with "and" or "or" is read part by part, so that none is lost; one that is not known leaves a doubt.
    """
    plain = words.lower().strip(" .!()")
    named = REFUSALS.get(plain) or _NAMES.get(plain)
    if named is not None:
        return (Finding("found", named, 100.0, FIELD),)
    if (page := _page(words)) is not None:
        return (Finding("found", page, 100.0, FIELD),)
    if len(words) > LONGEST_FIELD:
        return _certain(scanner.scan(words.encode("utf-8", "replace"), "whole"))
    name = restricted_name(words)
    if name is not None and not _OR.search(words):
        return (Finding("found", name, 100.0, RESTRICTED_NAME),)
    words = _EXCEPTION.sub(r"WITH \1-exception", words)
    scanned = scanner.scan(_line(words), "whole")
    if all(f.outcome == "none" for f in scanned) and names_owner_only(words):
        return (Finding("found", POINTER, 100.0, FIELD),)
    whole = _certain(scanned)
    if _CHANGED.search(words) and not any(
        " WITH " in (f.expression or "") or "-NC" in (f.expression or "") for f in whole
    ):
        return (*whole, Finding("unknown", rule=FIELD))
    if whole[0].rule == FIELD or words.startswith("License ::") or "://" in words:
        return whole
    if len(words.split()) == 1 and not _LISTED.search(words):
        return _as_a_whole(words, whole)
    names = words.split()
    if len(names) > 1 and all(_ALONE.fullmatch(name) for name in names):
        return _joined([resolved(scanner, name) for name in names[:16]], "AND", whole)
    plain = _VERSION.sub(" ", words)
    for sign, word in ((_OR, "OR"), (_AND, "AND")):
        parts = [p.strip(" ()") for p in sign.split(plain) if p.strip(" ()")]
        if len(parts) > 1 and not any(_CONTINUED.search(p) for p in parts):
            return _joined([resolved(scanner, p) for p in parts[:16]], word, whole)
    return _as_a_whole(words, whole)


def _as_a_whole(words: str, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """What was found in a name, or a doubt where the name has words that neither the detector nor custom knows.

    `Apache-2.0-Frob` is not `Apache-2.0`. What is refused anyway stays what it is.
    """
    if any(f.outcome == "found" and is_restricted(key) for f in found for key in keys(f.expression or "")):
        return found
    name = _OWNER.split(words, 1)[0]
    more = [w for w in uncovered_words(f"License: {name}") if not is_usual(w)]
    changed = _MODIFIED.search(name) is not None and not any("BSD" in (f.expression or "") for f in found)
    return (Finding("unknown", rule=FIELD),) if more or changed else found


def names_owner_only(words: str) -> bool:
    """Whether a field names an owner in the place of a licence: whose it is and not what one may do with it.

    >>> names_owner_only("Copyright Contributors to the Frob Project."), names_owner_only("(c) Acme, internal")
    (True, False)
    """
    return _ONLY_OWNER.match(words) is not None and _SAYS_MORE.search(words) is None


def is_usual(word: str) -> bool:
    """Whether a word, in small letters, changes nothing beside the name of a licence."""
    return word in _USUAL or _NUMBER.fullmatch(word) is not None


def _page(words: str) -> str | None:
    """The licence that an address stands for, where the detector does not know it.

    >>> _page("http://dev.perl.org/licenses/"), _page("https://github.com/ada/frob/blob/main/LICENSE.md")
    ('Artistic-1.0-Perl OR GPL-1.0-or-later', 'LicenseRef-scancode-unknown-license-reference')
    """
    if _ON_A_FORGE.match(words):
        return POINTER
    page = _PAGE.match(words)
    return _PAGES.get(page[1].lower()) if page is not None else None


def _line(words: str) -> bytes:
    return (words if words.startswith("License ::") else f"License: {words}").encode("utf-8", "replace")


def _joined(parts: list[tuple[Finding, ...]], word: str, whole: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """One finding for parts that are joined by a word; with a part that is not known, what is known and a doubt."""
    known = [surely_stated(part) for part in parts]
    if all(known):
        said = [f"({k})" if k and len(keys(k)) > 1 else k for k in dict.fromkeys(known)]
        expression = f" {word} ".join(s for s in said if s)
        if parse(expression) is not None:
            return (Finding("found", expression, 100.0, FIELD),)
    if word == "OR" and any(known):
        return whole
    return (*(f for f in whole if f.outcome == "found"), Finding("unknown", rule=FIELD))


def _certain(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """A licence field always says something: where the detector finds nothing in it, that is a doubt."""
    return tuple(Finding("unknown", rule=FIELD) if f.outcome == "none" else f for f in found)
