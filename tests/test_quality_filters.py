"""Filters and decoding: each limit on both of its sides, and no text that nobody wrote."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.quality.filters import DATA_FORMATS, FEW_LETTERS, LONG_LINES, Limits, judge
from gleanery.quality.language import detect_language
from gleanery.quality.metrics import EMPTY, Metrics
from gleanery.records.reasons import REASONS

GOOD = Metrics(lines=40, longest_line=80, mean_line=30.0, letter_fraction=0.6, encoded_fraction=0.0)


def _reason(
    language: str | None = "Python",
    kind: str | None = "programming",
    *,
    generated: bool = False,
    vendored: bool = False,
    limits: Limits | None = None,
    **metrics: Any,
) -> str:
    measured = dataclasses.replace(GOOD, **metrics)
    return judge(language, kind, generated, vendored, measured, limits or Limits())[0]


@pytest.mark.parametrize(
    "metric, passes, fails, reason",
    [
        ("longest_line", 1000, 1001, "lines_too_long"),
        ("mean_line", 100.0, 100.1, "lines_too_long"),
        ("lines", 100_000, 100_001, "too_many_lines"),
        ("letter_fraction", 0.3, 0.2999, "few_letters"),
        ("encoded_fraction", 0.5, 0.5001, "encoded_data"),
    ],
)
def test_a_limit_is_the_last_value_that_passes(metric: str, passes: float, fails: float, reason: str) -> None:
    good: dict[str, Any] = {metric: passes}
    bad: dict[str, Any] = {metric: fails}
    assert (_reason(**good), _reason(**bad)) == ("kept", reason)


@pytest.mark.parametrize("language", sorted(LONG_LINES))
def test_markup_and_data_may_have_long_lines(language: str) -> None:
    assert _reason(language, "markup", longest_line=100_000, mean_line=5000.0) == "kept"
    assert _reason(language, "markup", longest_line=100_001) == "lines_too_long"


@pytest.mark.parametrize("language", sorted(DATA_FORMATS))
def test_data_formats_are_kept_only_while_they_are_short(language: str) -> None:
    assert _reason(language, "data", lines=512) == "kept"
    assert _reason(language, "data", lines=513) == "too_many_lines"
    assert _reason(language, "data", lines=41, limits=Limits(max_lines=40)) == "too_many_lines"


@pytest.mark.parametrize("language", sorted(FEW_LETTERS))
def test_assembly_may_have_few_letters(language: str) -> None:
    assert _reason(language, letter_fraction=0.1) == "kept"


def test_every_language_with_an_exception_is_one_that_the_detector_knows() -> None:
    import enry

    for language in LONG_LINES | DATA_FORMATS | FEW_LETTERS:
        assert enry.get_language_type(language) != "unknown", language


def test_flags_reject_unless_they_are_allowed() -> None:
    assert _reason(generated=True) == "generated"
    assert _reason(vendored=True) == "vendored"
    assert _reason(generated=True, vendored=True, limits=Limits(keep_generated=True, keep_vendored=True)) == "kept"


def test_languages_and_types_are_those_asked_for() -> None:
    assert _reason(limits=Limits(languages=("Python",))) == "kept"
    assert _reason(limits=Limits(languages=("C",))) == "language_not_wanted"
    assert _reason(limits=Limits(types=("markup",))) == "language_not_wanted"
    assert _reason(None, None) == "language_not_wanted"
    assert _reason(None, None, limits=Limits(allow_unknown_language=True, languages=("C",))) == "kept"
    assert _reason(None, None, limits=Limits(allow_unknown_language=True), longest_line=2000) == "lines_too_long"
    assert _reason(*detect_language("a.py", b"")) == "kept"


def test_white_space_alone_is_empty() -> None:
    assert judge("Python", "programming", True, True, EMPTY, Limits())[0] == "empty"


METRICS = st.builds(
    Metrics, st.integers(0, 200_000), st.integers(0, 200_000), st.floats(0, 1e5), st.floats(0, 1), st.floats(0, 1)
)


@given(st.sampled_from([None, "C", "JSON", "WebAssembly"]), st.booleans(), st.booleans(), METRICS)
@settings(deadline=None)
def test_every_answer_is_a_reason_code_with_evidence(
    language: str | None, generated: bool, vendored: bool, metrics: Metrics
) -> None:
    kind = None if language is None else "programming"
    reason, evidence = judge(language, kind, generated, vendored, metrics, Limits())
    assert REASONS[reason].stage == "select"
    assert bool(evidence) == (reason != "kept")
