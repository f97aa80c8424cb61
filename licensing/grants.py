"""Whether a few words that name a licence say it of the work they stand in.

In: a finding of a head, a licence file or a README, and the lines it stands in. Out: the finding, or a mention of the
licence, which grants nothing. The text of a licence, a full notice and a longer sentence are grants as they are; a
short one has to be a tag or field ("License: X"), a line that is nothing but the name, or a sentence about the work
("this file is licensed under X", "Licensed under X"). English only. 60 µs for a finding of few words.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import re2

from gleanery.licensing.expressions import alternatives, conjuncts, keys, only_points
from gleanery.licensing.fields import is_usual
from gleanery.licensing.findings import MENTIONED, Finding
from gleanery.licensing.granting_words import (
    ADDRESS,
    AFTER,
    BEFORE_OWNER,
    CHOICE,
    COPYRIGHT,
    FORMS,
    LISTS,
    NAMED,
    NO_HARM,
    NO_NOUNS,
    NOTED,
    OF_ANOTHER,
    OF_APACHE,
    OTHERWISE,
    RELATIVE,
    RESERVED,
    SOURCE,
    TAIL,
    VERSIONED,
)
from gleanery.licensing.known_texts import asks_for_more, name_of
from gleanery.licensing.lines import SIGNS
from gleanery.licensing.matches import is_brief
from gleanery.licensing.others import OF_THE_PRODUCT
from gleanery.licensing.sayings import Saying, is_given_to_code, sayings

# The text of a whole licence often stands below its name.
_TITLE_LINES = 4
_LONGEST_LIST = 8
_NO_NAME = re2.compile(r"LicenseRef-scancode-(?:free-)?unknown(?:-license-reference)?$")
_OF_FILE = re2.compile(r"(?i)\b(?:this|the|following|above|source) (?:source )?(?:file|script|module|class|header)s?\b")


_AROUND_NAME = (VERSIONED, BEFORE_OWNER, CHOICE)


def with_mentions(findings: Sequence[Finding], lines: Sequence[str]) -> tuple[Finding, ...]:
    """The findings of a head, those of few words that are not about the work as mentions.

    What is restricted stays: to name it is evidence against a file, whoever it is said of.

    >>> lines = ["# Needs Frob (MIT License).", "# Licensed under the BSD license."]
    >>> [f.outcome for f in with_mentions([Finding("found", "MIT", 100.0, "license-field", 1, 1)], lines)]
    ['mentioned']
    """
    said = [f for f in findings if not (_is_printed(f, lines) or _says_nothing(f, findings, lines))]
    if not said:
        return tuple(replace(f, outcome="none", expression=None, rule=None) for f in findings[:1])
    return tuple(mention_of(f) if may_be_mention(f) and not grants(f, lines) else f for f in said)


def _is_printed(finding: Finding, lines: Sequence[str]) -> bool:
    """Whether a finding is a tag with a name that nobody knows in a text that the code prints or writes."""
    at = (finding.start_line or 0) - 1
    unknown = (finding.expression or "").startswith("LicenseRef-scancode-unknown-spdx")
    return unknown and 0 <= at < len(lines) and is_given_to_code(lines[at])


def _says_nothing(finding: Finding, findings: Sequence[Finding], lines: Sequence[str]) -> bool:
    """Whether a finding that names no licence is of the whole product, or the end of a notice of the Apache licence
    that was cut or edited ("Unless required by applicable law, software distributed under the License ...").
    """
    named = keys(finding.expression or "")
    if finding.outcome != "found" or only_points(finding.expression or "") or not all(map(_NO_NAME.match, named)):
        return False
    said = [one.words for one in sayings(finding, lines)]
    if any(OF_THE_PRODUCT.search(words) and not _OF_FILE.search(words) for words in said):
        return True
    noticed = any(f.outcome == "found" and "Apache-2.0" in keys(f.expression or "") for f in findings)
    return noticed and any(OF_APACHE.search(words) for words in said)


def mention_of(finding: Finding) -> Finding:
    """The finding as a mention that a conclusion keeps as a claim."""
    return replace(finding, outcome="mentioned", rule=f"{MENTIONED}, {finding.rule}"[:200])


def may_be_mention(finding: Finding) -> bool:
    """Whether a finding names, in a few words, licences that are not known to forbid something."""
    if finding.outcome != "found" or finding.expression is None or only_points(finding.expression):
        return False
    if not is_brief(finding.rule or "") or "LicenseRef-gleanery-" in finding.expression:
        return False
    return not any(all(asks_for_more(side) for side in alternatives(part)) for part in conjuncts(finding.expression))


def grants(finding: Finding, lines: Sequence[str], file: bool = False, page: bool = False) -> bool:
    """Whether a finding of few words is said of the work. `page`: the text is no code, such as a licence file's."""
    said = sayings(finding, lines, code=not page)
    name = _words_of_name(finding.expression or "")
    naming = [one for one in said if _names(one.words, name)] or said
    title = _title(lines, finding.start_line or 1)
    if _is_listed(lines, finding.start_line or 1):
        return False
    reserved = file and any(RESERVED.search(line[:2000]) for line in lines)
    return any(_grants(one, name, title, file and not reserved) for one in naming)


def _is_listed(lines: Sequence[str], at: int) -> bool:
    """Whether the paragraph of a line begins a list: "This application uses open source components:"."""
    for number in range(at - 1, max(0, at - 1 - _LONGEST_LIST), -1):
        line = lines[number - 1][:400].strip(SIGNS) if number <= len(lines) else ""
        if not line:
            return False
        if line.endswith(":") and LISTS.search(line):
            return True
    return False


def doubtful(finding: Finding, lines: Sequence[str]) -> bool:
    """Whether what a README says under the heading of its licence speaks of something else, or of what may be.

    Beside "All rights reserved" it has to grant.
    """
    said = sayings(finding, lines, code=False)
    if any(RESERVED.search(f"{one.before} {one.words}") for one in said) and not grants(finding, lines, page=True):
        return True
    name = _words_of_name(finding.expression or "")
    naming = [words for one in said if _names(words := str(ADDRESS.sub(" ", one.words)), name)]
    return bool(naming) and all(_speaks_otherwise(words, name) for words in naming)


def _grants(said: Saying, name: frozenset[str], title: str, file: bool) -> bool:
    words = str(NOTED.sub("", said.words))
    if _speaks_otherwise(words, name):
        return False
    bare = str(ADDRESS.sub(" ", words))
    named = _is_name(bare, name) or (not bare.strip() and bool(words))
    if named and not _speaks_otherwise(said.before, frozenset()):
        return True
    if any((told := form.match(bare)) is not None and _is_name(told[1], name) for form in _AROUND_NAME):
        return True
    owner = COPYRIGHT.match(bare)
    tail = TAIL.search(owner[1].rstrip(" )>].,")) if owner is not None else None
    if tail is not None and _is_name(tail[1], name):
        return True
    if any(form.search(words) for form in FORMS):
        return True
    named = NAMED.match(words)
    if named is None or RELATIVE.search(named[0]):
        return False
    return file or named[1].lower().strip("`*_'\".") in title


def _speaks_otherwise(words: str, name: frozenset[str]) -> bool:
    """Whether a sentence speaks of another work, or of what is not or may be. After the name only a few words count."""
    if SOURCE.search(words) or _is_of_another(words, name):
        return True
    words = str(NO_HARM.sub(" ", words))
    at = _end_of_name(words, name)
    return OTHERWISE.search(words[:at]) is not None or AFTER.search(words[at:]) is not None


def _is_of_another(words: str, name: frozenset[str]) -> bool:
    """Whether the licence only describes something else: "It can be found in the MIT licensed libraries of Ada".

    >>> [_is_of_another(f"It comes with the MIT licensed {noun}", frozenset(["mit"])) for noun in ("Frob", "by Ada")]
    [True, False]
    """
    said = OF_ANOTHER.search(words)
    return said is not None and said[2].lower() not in NO_NOUNS and _names(said[1], name)


def _end_of_name(words: str, name: frozenset[str]) -> int:
    ends = [m.end() for m in _WORD.finditer(words) if m[0].lower() in name]
    return ends[0] if ends else len(words)


_WORD = re2.compile(r"[A-Za-z0-9]+")


def _names(words: str, name: frozenset[str]) -> bool:
    return any(m[0].lower() in name for m in _WORD.finditer(words))


def _is_name(words: str, name: frozenset[str]) -> bool:
    """Whether some words are nothing but the name of a licence."""
    every = [m[0].lower() for m in _WORD.finditer(words)]
    return bool(every) and any(w in name for w in every) and all(w in name or is_usual(w) for w in every)


def _title(lines: Sequence[str], before: int) -> str:
    """The first lines that say something, above a line, in small letters."""
    return " ".join([line for line in lines[: before - 1] if any(map(str.isalnum, line))][:_TITLE_LINES]).lower()[:1000]


# Words of names that say nothing by themselves.
_COMMON_TEXT = """
license licence licensed public the a an of general version software and or v no with only later any 1 2 3 4 0 old new
clause style project foundation university open source free for to variant modified simplified revised original type
terms agreement notice statement dedication scancode licenseref spdx gnu s other in by
"""
_COMMON = frozenset(_COMMON_TEXT.split())
_ALSO = {
    "mit": ("expat", "x11"),
    "apache": ("asl", "apl", "al2", "asf"),
    "bsd": ("bsd2", "bsd3", "freebsd", "newbsd"),
    "wtfpl": ("do", "what", "fuck", "you", "want"),
}


@lru_cache(maxsize=4096)
def _words_of_name(expression: str) -> frozenset[str]:
    """The words by which a text names the licences of an expression."""
    words = {word for part in _WORD.findall(expression.replace("LicenseRef-scancode-", "")) for word in [part.lower()]}
    words |= {word for word in name_of(expression) if len(word) > 1}
    telling = words - _COMMON
    if "public" in words and "domain" in words:
        telling |= {"domain", "pd"}
    return frozenset(telling.union(*(_ALSO.get(word, ()) for word in telling)))
