"""What of a text exact matching can see: two texts that look the same to it get one answer.

In: a text as the detector has cut it into words, and where its rules begin and end in it. Out: a key, and the words
that the key covers. A head often goes on after its licence with words about the file; no rule covers them, so they
cannot change the answer, and neither can the names and years that no rule knows. 0.1 ms for a head, where matching
takes 1 ms.

Why the key is enough, for scancode 32.5 (a test compares the answers on real heads): exact matching keeps nothing but
runs of words that are a rule from its first word to its last. Everything after that looks at these runs; at unknown
words and stop words inside of them; at the words and lines between two of them, where the widest distance that it
compares with is 50 words (MAX_DIST) and four lines; at the line 1,000; and, for `(c)` and `copyright`, at the text of
the lines.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

# Wider than any distance that the detector compares with: a wider gap is only wide.
_FAR_WORDS, _FAR_LINES = 60, 20
# From line 1,000 on the detector takes short rules for accidents.
_MOST_LINES = 900
_OWNER_SIGNS = ("(c)", "copyright")


def rule_runs(tokens: Sequence[int], automaton: Any, most: int) -> list[tuple[int, int]] | None:
    """The runs (first, last) of words that are a whole rule; None if there are more than `most`."""
    runs: list[tuple[int, int]] = []
    for last, rules in automaton.iter(tuple(tokens)):
        runs.extend((last - end + start, last) for _, start, end in rules)
        if len(runs) > most:
            return None
    return runs


def covered_words(runs: Sequence[tuple[int, int]]) -> list[int]:
    """The positions of all words in some runs, sorted.

    >>> covered_words([(3, 4), (4, 6), (9, 9)])
    [3, 4, 5, 6, 9]
    """
    words: set[int] = set()
    for first, last in runs:
        words.update(range(first, last + 1))
    return sorted(words)


def key_of(query: Any, words: Sequence[int], whole_rule: int | None) -> bytes | None:
    """A key that equals that of another text only if exact matching says the same of both; None: ask for this one.

    `query` is scancode's; `whole_rule` is the number of the rule that the whole text is.
    """
    lines = query.query_string.splitlines()
    if query.spdx_lines or len(lines) > _MOST_LINES:
        return None
    seen: list[Any] = [whole_rule]
    before: int | None = None
    for at in words:
        if before is not None:
            seen.append(_between(query, lines, before, at))
        if before is None or query.line_by_pos[before] != query.line_by_pos[at]:
            seen.append(_owner_text(lines, query.line_by_pos[at]))
        seen.append(query.tokens[at])
        before = at
    return hashlib.blake2b(repr(seen).encode("utf-8", "surrogatepass"), digest_size=16, person=b"runs").digest()


def _between(query: Any, lines: list[str], before: int, at: int) -> Any:
    """What stands between two covered words that follow each other; None for nothing."""
    first, last = query.line_by_pos[before], query.line_by_pos[at]
    if at - before > _FAR_WORDS:
        return "far", min(last - first, _FAR_LINES)
    unknown, stops = query.unknowns_by_pos.get(before, 0), query.stopwords_by_pos.get(before, 0)
    if at == before + 1 and first == last and not unknown and not stops:
        return None
    owners = tuple(_owner_text(lines, number) for number in range(first + 1, last))
    return at - before, last - first, unknown, stops, any(owners) and owners


def _owner_text(lines: list[str], number: int) -> str | None:
    """A line that may name an owner, as it stands; None for any other."""
    line = lines[number - 1].lower() if number <= len(lines) else ""
    return line if any(sign in line for sign in _OWNER_SIGNS) else None
