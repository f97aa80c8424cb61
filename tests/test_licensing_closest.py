"""Comparing texts word by word: the invariants, against slow and simple programs."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.licensing.alignment import common_words, differences
from gleanery.licensing.closest import KnownTexts
from gleanery.licensing.markup import without_markup

TEXT = st.lists(st.integers(0, 5), max_size=40)


def longest_common(one: list[int], other: list[int]) -> int:
    """By the table that every textbook has."""
    above = [0] * (len(other) + 1)
    for word in one:
        row = [0]
        for place, beside in enumerate(other):
            row.append(above[place] + 1 if word == beside else max(above[place + 1], row[-1]))
        above = row
    return above[-1]


@given(TEXT, TEXT)
@settings(max_examples=400, deadline=None)
def test_the_common_words_are_as_many_as_in_the_textbook(one: list[int], other: list[int]) -> None:
    assert common_words(one, other) == longest_common(one, other)


@given(TEXT, TEXT)
@settings(max_examples=400, deadline=None)
def test_the_differences_leave_the_common_words_and_nothing_else(one: list[int], other: list[int]) -> None:
    at, beside, common = 0, 0, 0
    for start, stop, first, last in differences(one, other):
        assert one[at:start] == other[beside:first] and (stop > start or last > first)
        common, at, beside = common + start - at, stop, last
    assert one[at:] == other[beside:]
    assert common + len(one) - at == common_words(one, other)


@given(st.lists(TEXT.filter(bool), min_size=1, max_size=12), TEXT, st.sampled_from([0.5, 0.8, 0.9]))
@settings(max_examples=300, deadline=None)
def test_the_closest_text_is_the_one_that_comparing_with_all_finds(
    known: list[list[int]], text: list[int], alike: float
) -> None:
    likeness = [2 * longest_common(text, other) / (len(text) + len(other)) for other in known]
    best = max(range(len(known)), key=lambda n: (likeness[n], -n))
    found = KnownTexts(known).closest(text, alike)
    if likeness[best] < alike or not text:
        assert found is None
    else:
        assert found is not None and (found.number, found.likeness) == (best, likeness[best])


MARKUP = st.lists(
    st.sampled_from(
        [
            "<",
            ">",
            "<p>",
            "</p",
            "<script>",
            "</script>",
            "<!--",
            "-->",
            "a ",
            "\n",
            "&lt;",
            "&#10;",
            "İ",
            '<a href="x">',
            "\r",
        ]
    ),
    max_size=40,
)


@given(MARKUP.map("".join))
@settings(max_examples=300, deadline=None)
def test_markup_goes_and_every_line_stays_where_it_was(text: str) -> None:
    page = "<html>" + text
    assert without_markup(page).count("\n") == page.count("\n")
    assert without_markup("no page " + text) == "no page " + text
