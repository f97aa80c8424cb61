"""What the key of a text leaves out never changes an answer: compared with the detector itself on real heads."""

import random
import sysconfig
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.licensing.findings import Finding
from gleanery.licensing.matches import match_of, query_of
from gleanery.licensing.reading import is_silent, read_text
from gleanery.licensing.recognition import Recognition
from gleanery.licensing.remembered import Remembered

INSTALLED = Path(sysconfig.get_paths()["purelib"])


@lru_cache
def real_heads(number: int) -> tuple[str, ...]:
    """Normalised heads, without repetition, of the source files that are installed beside the tests."""
    paths = sorted(p for p in INSTALLED.rglob("*.py") if "licensedcode/data" not in p.as_posix())
    heads: dict[str, None] = {}
    for path in random.Random(1).sample(paths, len(paths)):
        text = "\n".join(read_text(path.read_bytes(), "head").lines)
        if text and not is_silent(text):
            heads[text] = None
        if len(heads) == number:
            break
    return tuple(heads)


def recognition() -> Recognition:
    return Recognition(Remembered(None), lambda: 20.0, Counter())


def direct(text: str) -> tuple[Finding, ...]:
    return match_of(query_of(text), False).findings


@pytest.mark.slow
def test_every_real_head_gets_the_answer_of_the_detector() -> None:
    tally = Counter[str]()
    seen = Recognition(Remembered(None), lambda: 20.0, tally)
    for text in real_heads(150):
        assert seen.of(text, b"sparse") == direct(text), text
    assert tally["exact"] < len(real_heads(150)) / 2, "most heads must share their key with another"


@pytest.mark.slow
@given(
    st.integers(0, 149),
    st.integers(0, 149),
    st.lists(
        st.sampled_from(
            ["", "(c) 1999 Nora Nobody", "It frobs the widget.", "license", "version 2 or later", "copyright holder",
             "2010", "gpl", "under", "GNU", "qwxzy zyxwq " * 8, "and MIT"]
        ),
        max_size=6,
    ),
    st.sampled_from(["\n", " ", "\n\n\n", "\n" * 9]),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_words_between_and_behind_real_heads_change_nothing_unseen(
    one: int, other: int, between: list[str], gap: str
) -> None:
    heads = real_heads(150)
    text = gap.join([heads[one % len(heads)], *between, heads[other % len(heads)], *between])[:5900]
    assert SHARED.of(text, b"sparse") == direct(text)


SHARED = recognition()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Licensed under the MIT license.", "Licensed under the ISC license."),
        ("License: GPL version 2", "License: GPL version 3"),
        ("Licensed under the MIT license.", "Licensed under the MIT.\n\n\nlicense."),
        ("MIT license" + "\n" * 4 + "BSD license", "MIT license" + "\n" * 9 + "BSD license"),
    ],
)
def test_texts_that_the_detector_tells_apart_have_two_answers(one: str, other: str) -> None:
    seen = recognition()
    answers = [seen.of(text, b"sparse") for text in (one, other)]
    assert answers == [direct(one), direct(other)]
    assert answers[0] != answers[1]
