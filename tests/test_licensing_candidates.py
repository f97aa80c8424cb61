"""The candidates of approximate matching: the same as the detector's own choice, for any text."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.licensing.index import scancode_parts
from gleanery.licensing.matches import query_of

# What the detector asks for: whether the whole text is close to a rule, and what its parts may be.
ASKED = [(10, True), (70, False)]


def _match_set() -> Any:
    scancode_parts()
    from licensedcode import match_set

    return match_set


def _both(text: str, top: int, alike: bool) -> Iterator[list[tuple[Any, ...]]]:
    """The numbers and scores of the candidates for each part of a text: chosen quickly, and by the detector alone."""
    index, choose = scancode_parts().index, _match_set().compute_candidates
    for way in (choose, choose.__wrapped__):
        query = query_of(text)
        runs = query.query_runs if len(query.query_runs) > 1 else [query.whole_query_run()]
        found = [way(run, index, index.approx_matchable_rids, top, alike, _use_bigrams=False) for run in runs]
        yield [(number, scores, sorted(words)) for run in found for scores, number, _, words in run]


def _assert_same(text: str) -> int:
    total = 0
    for top, alike in ASKED:
        quick, slow = _both(text, top, alike)
        assert quick == slow
        total += len(quick)
    return total


def _changed(text: str, seed: int, share: float) -> str:
    """A text of which a share of the words is others."""
    rng = random.Random(seed)
    return " ".join(rng.choice(("copy", "frob", "file", "shall")) if rng.random() < share else w for w in text.split())


@pytest.mark.parametrize("share", [0.0, 0.03, 0.3])
def test_texts_of_rules_have_the_candidates_that_the_detector_finds(share: float) -> None:
    rules = random.Random(7).sample(scancode_parts().index.rules_by_rid, 3)
    assert sum(_assert_same(_changed(rule.text, rule.rid, share)) for rule in rules) > 40


def test_two_texts_in_one_have_the_candidates_that_the_detector_finds() -> None:
    one, other = random.Random(8).sample(scancode_parts().index.rules_by_rid, 2)
    assert _assert_same(f"{one.text}\n" + "code = 1\n" * 40 + other.text) > 50


def test_a_text_without_a_word_of_law_has_no_candidates() -> None:
    assert _assert_same("x = y + 1") == 0


WORDS = st.sampled_from(
    ["the", "license", "permission", "granted", "hereby", "copyright", "warranty", "copies", "gpl", "frob"]
)


@settings(deadline=None, max_examples=5)
@given(st.lists(WORDS, min_size=1, max_size=60))
def test_any_words_have_the_candidates_that_the_detector_finds(words: list[str]) -> None:
    _assert_same(" ".join(words))
