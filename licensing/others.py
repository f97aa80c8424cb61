"""Where a licence file goes over from the work to code of other people that comes with it.

In: the lines of a licence file and the lines on which licences were found. Out: the line from which on it speaks of
third parties, or None. Licences below that line are theirs: the file itself says so. English only. 20 µs for a text
that does not speak of them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

import re2

from gleanery.licensing.lines import paragraphs, spoken

_LONGEST_HEADING, _LONGEST_ITEM = 80, 600
_MAYBE = re2.compile(
    r"(?i)third[- ]part|3rd[- ]part|bundle|incorporated|externally maintained|vendored|sub-?components|"
    r"other (?:open[- ]source )?projects|code (?:from|by)|other open[- ]source|other dependencies|"
    r"additional (?:open[- ]source|free)|(?:separate|different|various) (?:open[- ]source|free)"
)
_WHOSE = r"(?:third[- ]part(?:y|ies)|3rd[- ]part(?:y|ies)|bundled|incorporated|externally maintained|vendored)"
_WHAT = (
    r"(?:software|librar(?:y|ies)|code|components?|programs?|packages?|dependenc(?:y|ies)|modules?|projects?|"
    r"licen[sc]es?|notices?|parts|sources?|materials?|works)"
)
# A heading, such as "THIRD PARTY LICENSES" or "Bundled libraries:".
_OF_OTHERS = rf"\W*(?:[\w'.-]+ ){{0,3}}{_WHOSE} (?:[\w'.-]+ ){{0,3}}{_WHAT}\b[^.;]{{0,30}}$"
_HEADING = re.compile(rf"(?i){_OF_OTHERS}|\W*other dependenc(?:y|ies) and (?:their )?licen[sc]es?\W*$")
# What a NOTICE says before any licence if all of it is of others.
_ALL_OF_OTHERS = re.compile(
    rf"(?i)^{_OF_OTHERS}|"
    r"\bthis (?:software|project|product|repository|package) (?:incorporates|includes|contains|uses) "
    r"(?:material|code|components?|software|works) from (?:the )?"
    r"(?:third[- ]part(?:y|ies)|(?:projects?|sources?) (?:listed|below))|"
    # "The frob package includes other open source software components."
    r"\b(?:includes|contains|incorporates|bundles|uses) (?:other|various|several) (?:free |open[- ]source )+"
    r"(?:software |code )?(?:components|librar(?:y|ies)|packages|projects)\b"
)
_TITLE_LINES = 8
# The entries of a list that tools make: "Notice for: frob-2.1", each above the licence of what it names.
_ENTRY = re2.compile(r"(?i)^notices? for: \S.{0,100}$")
_OTHER_LICENCES = (
    r"\b(?:includes?|contains?|incorporates?|bundles?) (?:source )?"
    r"(?:code|software|components?|librar(?:y|ies)|materials?|works) (?:(?:that|which) (?:is|are) )?"
    r"(?:licen[sc]ed|released|distributed|available|provided|covered) under "
    r"(?:additional|other|separate|different|various) (?:open[- ]source|free)(?: software)? licen[sc]es\b"
)
# In the head of a file the same of the whole product says nothing of this file.
OF_THE_PRODUCT = re2.compile(
    rf"(?i)^(?:the |this (?:product|project|software|program|application|package|distribution)\b|(?-i:[A-Z]))"
    rf"[^.;]{{0,60}}?{_OTHER_LICENCES}"
)
# A sentence that says that such code is there, or that a list of it follows.
_SENTENCE = re.compile(
    rf"(?i)\b(?:includes?|contains?|bundles?|uses?|using|incorporates?|distributes?|ships?|comes)\b[^.;]{{0,60}}\b{_WHOSE}"
    rf"[ \w,()/-]{{0,40}}?\b{_WHAT}\b|"
    rf"\b{_WHOSE} (?:[\w-]+ ){{0,2}}{_WHAT}\b[^.;]{{0,80}}\b(?:are|is|as follows|following|below|listed)\b|"
    # "All files in external/ are externally maintained libraries used by this software which have their own licenses."
    rf"\bare {_WHOSE} (?:[\w-]+ ){{0,2}}{_WHAT}\b[^.;]{{0,80}}\bhave (?:their|its) own licen[sc]es?\b|"
    # "This project contains code from other projects as listed below."
    r"\b(?:includes?|contains?|incorporates?)\b[^.;]{0,40}\b(?:from|of) (?:several |various |some )?other "
    r"(?:open[- ]source )?projects\b[^.;]{0,60}\b(?:listed|following|below|as follows)\b|"
    # "It also contains code from Acme Inc. and Frob. [...] Below are licenses used in those files."
    r"\b(?:includes?|contains?|incorporates?) (?:source )?code (?:from|by)\b[^;]{0,400}\b(?:below|following) "
    r"(?:are|is) (?:the )?licen[sc]es?\b|"
    # "Frob includes source code licensed under additional open source licenses."
    rf"{_OTHER_LICENCES}|"
    # so do projects of Apache begin
    r"\b(?:includes?|contains?)\b[^.;]{0,40}\bsub-?components with (?:separate|their own|different)\b"
)


def others_from(lines: Sequence[str], found: Iterable[tuple[int, int]]) -> int | None:
    """The number, from 1, of the line that opens the part about third parties; None where there is none.

    `found` are first and last lines of licences. A line that stands within one of them, or above all of them, opens
    nothing: licences speak of third parties too.

    >>> others_from(["MIT License", "", "This product includes third-party software:", "GPL"], [(1, 1), (4, 4)])
    3
    """
    places = sorted(found)
    for first, _ in may_open(lines):
        above = [place for place in places if place[1] < first]
        if above and not any(start < first <= end for start, end in places):
            return first
    return None


def may_open(lines: Sequence[str]) -> Iterator[tuple[int, bool]]:
    """The lines that may open a part about third parties, and whether they are headings: by number, from 1.

    >>> list(may_open(["Frob is under the MIT License.", "Other dependencies and licenses:", "", "GPL"]))
    [(2, True)]
    """
    if not any(_MAYBE.search(line) for line in lines):
        return
    plain = [spoken(line).strip("= ") for line in lines]
    for paragraph in paragraphs(plain):
        last = plain[paragraph.stop - 1]
        item = " ".join(plain[paragraph.start : paragraph.stop])[:_LONGEST_ITEM]
        alone = len(paragraph) == 1 or last.endswith(":")
        if alone and len(last) <= _LONGEST_HEADING and _HEADING.match(last):
            yield paragraph.stop, True
        elif _SENTENCE.search(item):
            yield paragraph.start + 1, False


def is_all_of_others(lines: Sequence[str], found: Iterable[tuple[int, int]]) -> bool:
    """Whether a text says of itself, above all its licences, that it is about the code of third parties, or is a list
    of what each of several components is under.

    >>> is_all_of_others(["THIRD-PARTY SOFTWARE NOTICES AND INFORMATION", "", "MIT License"], [(3, 3)])
    True
    >>> is_all_of_others(["Frob", "Copyright (c) Ada", "MIT License", "Third-party licenses"], [(3, 3)])
    False
    """
    if sum(_ENTRY.match(line) is not None for line in lines) > 1:
        return True
    first = min((place[0] for place in found), default=0)
    above = [spoken(line).strip("= ") for line in lines[: max(first - 1, 0)] if line.strip()][:_TITLE_LINES]
    return any(_ALL_OF_OTHERS.search(line) for line in above)
