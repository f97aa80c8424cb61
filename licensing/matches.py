"""What the detector says of one text: its matches, as findings.

In: a text. Out: findings in the order of their lines, whether they leave no doubt, and the words that they cover. Exact
matching of a head takes 1 ms, approximate matching of a licence text up to some seconds.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from gleanery.licensing import spdx_texts
from gleanery.licensing.expressions import keys, parse
from gleanery.licensing.findings import Finding
from gleanery.licensing.index import scancode_parts
from gleanery.licensing.library import beyond
from gleanery.licensing.normalised import rule_runs
from gleanery.licensing.words import Words, words_of

# A licence text is looked at again with approximate matching unless one licence has this score, or a text of at least
# so many words was recognised as a whole.
_SURE_SCORE, _WHOLE_TEXT_WORDS = 80.0, 60
# A text or a notice of so many words states its licence; a shorter one may only name it.
_LONG_TEXT, _LONG_NOTICE = 20, 25
# Runs of words that are a whole rule. A 262 KB file of sixty licences has 434, the densest of 24,000 real files 498; a
# file of nothing but names of licences has one for each word, and takes minutes. Counting is the same on every machine.
_MOST_RUNS = 8_000
_PATENTS_OF_OPUS = frozenset(f"proprietary-license_{number}.RULE" for number in range(375, 382))
_CROWN = "proprietary-license_675.RULE"  # "Crown Copyright": the owner of what a government of the Commonwealth wrote
# The words "Artistic License", which the detector reads as version 2.0, and the licence of Perl some lines from them.
_ARTISTIC, _PERLS, _NEAR_PERLS = "artistic-2.0_18.RULE", "artistic-perl-1.0", 4
_NO_VERSION, _KEY = re.compile(r"_no[-_]version\b"), re.compile(r"[\w.+-]+")
_NAME = re.compile(r"LicenseRef-scancode-[\w.+-]+")


def is_identified(finding: Finding) -> bool:
    """Whether a finding names a licence, and does not only say that there is one."""
    return any(not key.startswith("LicenseRef-scancode-unknown") for key in keys(finding.expression or ""))


def query_of(text: str) -> Any:
    """The text as scancode cuts it into words. Matching uses a query up: another matching needs another one."""
    scancode = scancode_parts()
    return scancode.Query(query_string=text, idx=scancode.index, line_threshold=15)


def runs_of(query: Any) -> list[tuple[int, int]] | None:
    return rule_runs(query.tokens, scancode_parts().index.rules_automaton, _MOST_RUNS)


def whole_rule(query: Any) -> int | None:
    """The number of the rule that the text is, word by word."""
    scancode = scancode_parts()
    found: int | None = scancode.index.rid_by_hash.get(scancode.tokens_hash(query.tokens))
    return found


def words_in(lines: list[str]) -> Words:
    return words_of(lines, scancode_parts().passed_over)


@lru_cache(maxsize=16_384)
def uncovered_words(line: str) -> tuple[str, ...]:
    """The words of a line that belong to nothing that the detector knows.

    >>> uncovered_words("License: BSD 3-Clause Frob"), uncovered_words("License: MIT")
    (('frob',), ())
    """
    words = words_in([line])
    return tuple(words.words[n] for n in match_of(query_of(line), False).more(words, ()))


def at_lines(finding: Finding, words: list[int], line_by_word: list[int]) -> Finding:
    """A finding that counts in covered words as one that counts in lines."""
    if finding.start_line is None or finding.end_line is None:
        return finding
    first, last = (line_by_word[words[at]] for at in (finding.start_line, finding.end_line))
    return replace(finding, start_line=first, end_line=last)


@lru_cache(maxsize=16_384)
def is_brief(rules: str) -> bool:
    """Whether the rules of a finding are only a few words that name a licence, and no text or longer notice of it.

    >>> is_brief("mit.LICENSE"), is_brief("mit_14.RULE, mit_30.RULE"), is_brief("spdx-license-identifier")
    (False, True, True)
    """
    return not any(rule in _long_rules() or rule.startswith(("spdx:", "gleanery-perl")) for rule in rules.split(", "))


@lru_cache(maxsize=1)
def _long_rules() -> frozenset[str]:
    """The names of the rules that are so long that they state what they name."""
    rules = scancode_parts().index.rules_by_rid
    return frozenset(
        str(r.identifier)
        for r in rules
        if r.is_from_license or r.length >= (_LONG_TEXT if r.is_license_text else _LONG_NOTICE)
    )


@dataclass(frozen=True)
class Match:
    """What scancode says about a text; whether it leaves no doubt; and the words that its rules cover."""

    findings: tuple[Finding, ...]
    solid: bool
    covered: Collection[int]

    def more(self, words: Words, owners: Collection[int]) -> list[int]:
        """The words that no rule covers and that stand on no line of an owner."""
        more = beyond(words, scancode_parts().index.dictionary, self.covered)
        return [n for n in more if words.lines[n] not in owners]


def match_of(query: Any, approximate: bool, words: list[int] | None = None) -> Match:
    """What scancode says about a text, as findings in the order of lines.

    With `words`, first and last line of a finding are places in this list of words instead.
    scancode's own deadline is not used: what it returns after it is partial and looks complete.
    """
    scancode = scancode_parts()
    every = scancode.index.match_query(query, approximate=approximate)
    matches = _without_guesses([m for m in every if not _states_nothing(m)])
    place = None if words is None else {at: number for number, at in enumerate(words)}.__getitem__
    groups = scancode.detection.group_matches(matches) if matches else []
    found = [f for f in (_finding(list(group), place) for group in groups) if f is not None]
    # A hint is worth a finding only where nothing better was found: fragments of a licence that was recognised
    # beside them say nothing new.
    identified = tuple(f for f in found if f.outcome == "found")
    # A rule that only says that there is a licence does not explain what stands beside it.
    telling = (m.qspan for m in every if not str(m.rule.license_expression).startswith(("unknown", "free-unknown")))
    return Match(identified or tuple(found), _is_solid(identified, matches), {n for span in telling for n in span})


def _states_nothing(match: Any) -> bool:
    """Whether a sentence states no licence: what a file is under is said by others, or only its patents are.

    "Under the same license as the package" stands in every catalogue of gettext, and the folders of the file say which
    that is. "Opus is subject to the royalty-free patent licenses ..." stands below the licence of Opus, and "Crown
    Copyright" only names an owner.
    """
    rule = str(match.rule.identifier)
    return rule.startswith("free-unknown-package") or rule == _CROWN or rule in _PATENTS_OF_OPUS


def _without_guesses(matches: list[Any]) -> list[Any]:
    """Without names that give no version, and count as the first one, where the address behind them gives another.

    "The Eclipse Public License is available at https://www.eclipse.org/legal/epl-2.0/" names one licence. So does "the
    same terms as Perl itself. See the Artistic License": Perl's own, and not the second version, which it counts as.
    """
    versions = [(m.start_line, key) for m in matches if not _is_guess(m) for key in _KEY.findall(_key_of(m))]

    perls = [m.end_line for m in matches if _PERLS in _key_of(m)]

    def is_perls(match: Any) -> bool:
        return match.rule.identifier == _ARTISTIC and any(abs(match.start_line - n) <= _NEAR_PERLS for n in perls)

    def is_told(guess: Any) -> bool:
        family = _key_of(guess).partition("-")[0]
        return any(0 <= line - guess.end_line <= 1 and key.partition("-")[0] == family for line, key in versions)

    return [m for m in matches if not (is_perls(m) or (_is_guess(m) and is_told(m)))]


def _is_guess(match: Any) -> bool:
    return _NO_VERSION.search(str(match.rule.identifier)) is not None and " " not in _key_of(match)


def _key_of(match: Any) -> str:
    return str(match.rule.license_expression)


def _is_solid(findings: tuple[Finding, ...], matches: list[Any]) -> bool:
    """Whether a licence text was recognised as a whole, or one licence is named with a high score.

    Many small matches and no whole text are the shards of a text that was reflowed or edited.
    """
    if any(m.rule.is_license_text and m.rule.length >= _WHOLE_TEXT_WORDS and m.coverage() >= 98 for m in matches):
        return True
    sure = {f.expression for f in findings if is_identified(f) and (f.score or 0.0) >= _SURE_SCORE}
    return len(sure) == 1 and len({f.expression for f in findings if is_identified(f)}) == 1


def _finding(group: list[Any], place: Callable[[int], int] | None = None) -> Finding | None:
    """One group of matches; None where scancode takes them for a false alarm. `place` is of the words of the text."""
    scancode = scancode_parts()
    analysis = scancode.detection.analyze_detection(group)
    _, key = scancode.detection.get_detected_license_expression(analysis=analysis, license_matches=group)
    rules = ", ".join(dict.fromkeys(str(match.rule.identifier) for match in group))[:200]
    if place is None:
        first, last = min(m.start_line for m in group), max(m.end_line for m in group)
    else:
        first, last = place(min(m.qstart for m in group)), place(max(m.qend for m in group))
    length = sum(match.len() for match in group)
    score = round(min(sum(m.score() * m.len() for m in group) / length, 100.0), 2) if length else 0.0
    if key is None:
        if analysis == scancode.detection.DetectionCategory.FALSE_POSITVE.value:
            return None
        return Finding("unknown", None, score, rules, first, last)
    expression = spdx_of(str(key))
    if parse(expression) is None:  # longer or deeper than any true one
        return Finding("unknown", None, score, rules, first, last)
    return Finding("found", expression, score, rules, first, last)


@lru_cache(maxsize=16_384)
def spdx_of(key: str) -> str:
    """An expression of scancode's in SPDX ids, also in those that are newer than its list."""
    scancode = scancode_parts()
    expression = str(scancode.cache.build_spdx_license_expression(key, licensing=scancode.licensing))
    return _NAME.sub(lambda name: spdx_texts.names().get(name[0], name[0]), expression)
