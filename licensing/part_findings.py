"""What the sentences of a text say of parts of the work, and which of its texts are those of the parts.

In: sentences about parts (`parts.py`), and the findings in the rest of their file. Out: a finding for each sentence,
with its folders or the patterns of its files, and the findings without the texts of the parts. A question to the
scanner for each sentence.
"""

from collections.abc import Sequence
from dataclasses import replace

import re2

from gleanery.licensing.expressions import POINTER, PROPRIETARY, all_of, conjuncts, only_points
from gleanery.licensing.findings import LEFT_OUT, OF_FILES, PART, Finding, stated, surely_stated, with_owners
from gleanery.licensing.parts import KEPT_BACK, Division, Part, leaves_it_to_each_file
from gleanery.licensing.scan import Scanner
from gleanery.licensing.versions import is_same_text

# What makes a sentence about a part of the work no plain grant.
_CONDITION = re2.compile(r"(?i)\bunless\b|\bexcept|\bif\b|\bnot\b|\bsome\b|\bmay\b|\bvarious\b|\bmost\b|\bonly\b")
# "The folder is not covered by this license."
_DENIED = re2.compile(r"(?i)\bnot\b[^.;]{0,24}?\b(?:covered|licen[sc]ed|available|released|under|subject|included)\b")
# "Unless otherwise noted at the beginning of the file, or a LICENSE file in the subtree declares another licence":
# heads and nearer licence files are asked before any sentence about a folder, so that this sets no condition.
_NOTED = r"(?:noted|stated|indicated|specified|declared|marked|mentioned|said)(?: otherwise| differently)?"
_IN_FILE = (
    r"(?:at the (?:beginning|top|start|head) of|in the (?:header|head|beginning|comments?) of|in|within|by) "
    r"(?:the|each|that|a|an|any|its|individual|such)(?: given| individual| source| specific| respective)* "
    r"(?:files?|headers?)(?: itself| headers?)?"
)
_IN_LICENCE_FILE = (
    r"(?:,? or (?:if )?(?:by |in )?an?(?: \w+)? licen[sc]e file (?:present )?"
    r"(?:(?:in|within|at) (?:the|its|that|a)(?: \w+){1,4}|further down|there))?"
    r"(?: (?:declares?|states?|says?|specif(?:y|ies)|names?) "
    r"(?:a |an )?(?:separate|different|other|another) licen[sc]e)?"
)
_ASKED_ANYWAY = re2.compile(
    r"(?i),? ?\b(?:unless|except (?:where|when|if|as)) (?:otherwise |explicitly |expressly |differently )*"
    rf"{_NOTED} {_IN_FILE}{_IN_LICENCE_FILE}"
)
# "All source code (.c and .h files) is available under the Default Dual License", which the file itself sets out.
_OF_THE_WHOLE = re2.compile(
    r"(?i)\bunder (?:the|this|its|our) (?:above|default|main)(?: [a-z]+){0,2} licen[sc]es?(?: above)?(?:[.,;)]|$)"
)


def of_part(scanner: Scanner, part: Part) -> Finding:
    """What a sentence says of some folders or files; a condition or a pointer in it leaves open which licence it is.

    What heads and nearer licence files say goes before it anyway, so "unless noted in the file" is no condition. Words
    that keep the folders back ("proprietary", "a commercial license") do so under any condition. Where a sentence
    leaves it to each file ("licences may vary, see the individual files"), it points to their heads.
    """
    found = scanner.scan(part.words.encode("utf-8", "replace"), "whole")
    expression = None if _CONDITION.search(_ASKED_ANYWAY.sub("", part.words)) else surely_stated(found)
    if expression is None and KEPT_BACK.search(part.words):
        expression = all_of([*filter(None, [stated(found)]), PROPRIETARY])
    leaves = expression is None and leaves_it_to_each_file(part.words)
    leaves = leaves or (only_points(expression or POINTER) and _says_the_same(part, found))
    known = leaves or not only_points(expression or "")
    expression = POINTER if leaves else expression
    outcome = "found" if known else "unknown"
    left_out = not known and (part.left_out or _DENIED.search(part.words) is not None)
    rule = f"{OF_FILES}, {PART}" if part.files else LEFT_OUT if left_out else PART
    return Finding(outcome, expression if known else None, 100.0, rule, part.first, part.last, paths=part.folders)


def _says_the_same(part: Part, found: Sequence[Finding]) -> bool:
    """Whether words say of some files that they are under the licence of the whole, which their file calls so."""
    named = any(f.names_licence for f in found) or _CONDITION.search(part.words) or KEPT_BACK.search(part.words)
    return part.files and not named and _OF_THE_WHOLE.search(part.words) is not None


def without_texts_of_parts(
    scanner: Scanner, found: tuple[Finding, ...], divided: Division, parts: Sequence[Finding]
) -> tuple[Finding, ...]:
    """What a licence file says of everything else, without the texts of the licences that it names for parts only.

    So it is where each sentence names its licence without a condition: "src/a/ is under the GPL. All other files are
    under the MIT licence." and then both texts.
    """
    rest = [of_part(scanner, Part((), words, 1, 1)) for words in divided.rest_words]
    if not rest or any(f.outcome != "found" for f in (*rest, *parts)):
        return found
    own = [part for f in rest for part in conjuncts(f.expression or "")]
    theirs = [part for f in parts for part in conjuncts(f.expression or "")]

    def stays(part: str) -> bool:
        return any(is_same_text(named, part) for named in own) or not any(is_same_text(named, part) for named in theirs)

    kept = [(f, all_of(p for p in conjuncts(f.expression or "") if stays(p))) for f in found]
    left = [f if f.expression is None else replace(f, expression=said) for f, said in kept if said or not f.expression]
    return with_owners(left, found[0].copyrights) if any(f.names_licence for f in left) else found
