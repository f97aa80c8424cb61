"""Whether a change to the text of a licence takes something away.

In: the words of a text, which of them stand beyond the licence, and what the licence has and the text has not. Out: the
lines of the first change that may forbid something, or None. A licence that somebody changed so is not that licence any
more. Names, titles, years, other spellings and explanations take nothing away. English only. 0.1 ms.

This errs to the side of caution: a sentence that only explains may be taken for one that forbids, and then a person
has to look. Of 841 licence files of other projects 9 were taken for changed.
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Sequence
from functools import cache, lru_cache
from importlib import resources
from itertools import groupby
from typing import Any

from gleanery.licensing.reading import is_silent
from gleanery.licensing.words import Words

# One of these words, added, forbids or limits something if its sentence speaks of what one may do with a work.
_FEWEST_BINDING, _FEWEST_TOLD, _FEW_WORDS = 2, 3, 3
_AROUND, _LONGEST_LOSS = 30, 12
_DENYING = frozenset(("neither", "nor"))


def taking_away(
    text: Words,
    added: Collection[int],
    replaced: Collection[int] = (),
    body: range | None = None,
    near: range | None = None,
) -> tuple[int, int] | None:
    """First and last line of the first sentence in which added words may forbid or limit something.

    `replaced` are the added words that stand in the place of one other word each. A sentence wholly outside of `body`,
    the licence itself, does so only if it speaks of dealing with the work; one outside of `near`, in another comment,
    only if it also names the work.

    >>> from gleanery.licensing.words import words_of
    >>> text = words_of(["The Frob License.", "You may use it.", "But not for", "commercial purposes."])
    >>> taking_away(text, range(3)), taking_away(text, [7, 8, 9, 10, 11])
    (None, (3, 4))
    """
    for _, places in groupby(sorted(added), key=text.sentences.__getitem__):
        found = set(places)
        whole = _sentence(text, min(found))
        turning = _turning(text, whole) if not found.isdisjoint(replaced) else set[int]()
        telling = {n for n in found if not text.addresses[n] and (n not in replaced or n in turning)}
        outside = _is_outside(whole, body)
        if _is_outside(whole, near) and not _names_the_work(text, whole):
            continue
        if telling and _limits(text, whole, telling) and not (outside and not _limits_beside(text, whole, telling)):
            return text.lines[whole.start], text.lines[whole.stop - 1]
    return None


def says_more(
    text: Words, added: Iterable[range], known: Collection[str] = (), body: range | None = None
) -> tuple[int, int] | None:
    """First and last line of the first sentence that was added and may bind whoever uses the work.

    It does if one of its words can bind, such as "need", "pay" or "students", outside of what is known to be harmless.
    Above and below the licence (`body`) people say much else, so that fewer words bind there. `known` are words that do
    not count, such as those of the name of the licence.

    >>> from gleanery.licensing.words import words_of
    >>> text = words_of(["Frob was written by A. Nother.", "Resale is out of the question."])
    >>> says_more(text, [range(6)]), says_more(text, [range(6, 12)])
    (None, (2, 2))
    """
    places = (n for run in added for n in run)
    for _, same in groupby(places, key=text.sentences.__getitem__):
        found = set(same)
        silent = _list("titles").union(known)
        told = {n for n in found if not text.addresses[n] and text.words[n] not in silent}
        whole = _sentence(text, min(found))
        binds = _binds_beside if _is_outside(whole, body) else _binds
        if len(told) >= _FEWEST_BINDING and binds(text, whole, told):
            return text.lines[min(found)], text.lines[max(found)]
    return None


def loses(known: Sequence[str], start: int, stop: int) -> bool:
    """Whether a licence without the words from `start` to `stop` grants less.

    >>> loses("permission is granted to use copy and sell it".split(), 6, 8)
    True
    """
    if stop - start > _LONGEST_LOSS or _list("granted").isdisjoint(known[start:stop]):
        return False
    if not _DENYING.isdisjoint(
        known[max(0, start - _LONGEST_LOSS) : start]
    ):  # "nor the names of any other contributors"
        return False
    return not _list("grants").isdisjoint(known[max(0, start - _AROUND) : stop + _AROUND])


def is_harmless(added: Sequence[str], name: Collection[str]) -> bool:
    """Whether words that stand in a licence beyond its text speak of no other licence. `name`: words of its own name.

    >>> is_harmless(["the", "frob", "license"], ["frob"]), is_harmless(["parts", "are", "under", "gpl"], ["frob"])
    (True, False)
    """
    told = [word for word in added if word not in name]
    if len(told) < _FEW_WORDS:
        return _list("families").isdisjoint(told)
    return is_silent(" ".join(word for word in told if word not in _list("titles")))


def _is_outside(sentence: range, body: range | None) -> bool:
    """Whether no word of a sentence stands in the licence itself, if it is known where that is."""
    return body is not None and (sentence.start >= body.stop or body.start >= sentence.stop)


def _names_the_work(text: Words, sentence: range) -> bool:
    """Whether a sentence in a comment of its own speaks of the work, and not only of what its code does."""
    return _pattern("work").search(" ".join(text.words[sentence.start : sentence.stop])) is not None


def _sentence(text: Words, at: int) -> range:
    start = stop = at
    while start and text.sentences[start - 1] == text.sentences[at]:
        start -= 1
    while stop < len(text.words) and text.sentences[stop] == text.sentences[at]:
        stop += 1
    return range(start, stop)


def _limits(text: Words, sentence: range, added: set[int]) -> bool:
    words = text.words[sentence.start : sentence.stop]
    telling = added - _harmless(text, sentence)
    if any(text.words[n] in _list("limits") for n in telling) and any(map(_pattern("deeds").fullmatch, words)):
        return True
    said = " ".join(words) + " "
    alone = (_places(said, match, sentence.start) for match in _pattern("forbidding").finditer(said))
    return any(not telling.isdisjoint(places) for places in alone)


def _binds(text: Words, sentence: range, told: set[int]) -> bool:
    """Whether words that were added to a sentence may bind somebody."""
    rest = told - _harmless(text, sentence)
    if any(text.words[n] in _list("binding") for n in rest):
        return True
    plain = len(rest) < len(told) or not _list("describing").isdisjoint(text.words[n] for n in sentence)
    return not plain and len(told) >= _FEWEST_TOLD and any(text.words[n] in _list("stating") for n in told)


def _limits_beside(text: Words, sentence: range, added: set[int]) -> bool:
    """Whether a sentence above or below a licence forbids or limits what one may do with the work."""
    telling = added - _harmless(text, sentence)
    limits = {n for n in telling if text.words[n] in _list("limits_beside")}
    dealing = {n for n in sentence if _pattern("dealing").fullmatch(text.words[n])}
    if limits and dealing and len(limits | dealing) > 1:  # one word alone, such as "commercial", may be a name's
        return True
    said = " ".join(text.words[sentence.start : sentence.stop]) + " "
    matches = (m for name in ("forbidding", "forbidding_beside") for m in _pattern(name).finditer(said))
    return any(not telling.isdisjoint(_places(said, match, sentence.start)) for match in matches)


def _binds_beside(text: Words, sentence: range, told: set[int]) -> bool:
    """Whether a sentence above or below a licence limits something, or has a word that binds by itself ("pays")."""
    rest = told - _harmless(text, sentence)
    return any(text.words[n] in _list("binding_beside") for n in rest) or _limits_beside(text, sentence, told)


def _turning(text: Words, sentence: range) -> set[int]:
    """The words that turn the sense of a sentence, if it permits something and is no disclaimer."""
    words = text.words[sentence.start : sentence.stop]
    if _list("permitting").isdisjoint(words) or any(map(_pattern("disclaiming").fullmatch, words)):
        return set()
    return {n for n in sentence if text.words[n] in _list("turning")}


def _harmless(text: Words, sentence: range) -> set[int]:
    """The words of a sentence that take nothing away, whatever words they are."""
    said = " ".join(text.words[sentence.start : sentence.stop]) + " "
    return {n for match in _pattern("harmless").finditer(said) for n in _places(said, match, sentence.start)}


def _places(said: str, match: re.Match[str], start: int) -> range:
    """The places of the words of a match, where the text begins with the word `start`."""
    first = start + said.count(" ", 0, match.start())
    return range(first, first + len(match[0].split()))


@cache
def _list(name: str) -> frozenset[str]:
    return frozenset(str(_data()[name]).split())


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(_data()[name])})")


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("changes.toml").read_text("utf-8"))
