"""Texts made to be slow or to break the scanner: bounded, recorded, and nothing lost."""

import random
import resource
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from gleanery.licensing.alignment import common_words
from gleanery.licensing.findings import Finding
from gleanery.licensing.limits import limit_in
from gleanery.licensing.reading import WHOLE_CHARACTERS, read_text
from gleanery.licensing.recognition import TOO_MANY
from gleanery.licensing.scan import TIMED_OUT, Scanner

LICENSES = Path((find_spec("licensedcode").submodule_search_locations or [""])[0]) / "data/licenses"  # type: ignore[union-attr]
SCANNER = Scanner(seconds=10.0)
# Exact, closest and approximate, for the lines that speak of licences and for their fuller form.
_MOST_LOOKS = 8
MIT = (LICENSES / "mit.LICENSE").read_text("utf-8").split("---\n", 2)[2]


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """The index is there before memory is watched."""
    SCANNER.scan(MIT.encode(), "whole")


def bounded(content: bytes, scope: str = "whole") -> tuple[Finding, ...]:
    """The findings; a text is looked at a few times at most, whatever it says, and the memory stays below half a
    gigabyte. How long a look may take is bounded by `TOO_MANY` and by the time limit, which have tests of their own."""
    looks, before = sum(SCANNER.tally.values()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = SCANNER.scan(content, scope)
    assert sum(SCANNER.tally.values()) - looks <= _MOST_LOOKS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000
    assert found and all((f.outcome == "found") == (f.expression is not None) for f in found)
    return found


def test_a_licence_of_fifty_megabytes_is_read_in_part_and_says_so() -> None:
    found = bounded((MIT + "\n" + "All other words are of no meaning here.\n" * 1_300_000).encode())
    assert (found[0].outcome, found[0].rule) == ("found", "mit.LICENSE")
    assert (found[-1].outcome, found[-1].rule) == ("unknown", "gleanery-text-too-long"), "who knows what else it says"


@pytest.mark.parametrize("scope", ["whole", "head"])
def test_a_licence_in_one_line_is_found(scope: str) -> None:
    assert [f.expression for f in bounded(" ".join(MIT.split()).encode(), scope)] == ["MIT"]


@pytest.mark.slow
def test_ten_thousand_licences_in_one_file_are_not_passed_over() -> None:
    found = bounded("\n\n".join(f"Part {n}\n\n{MIT}" for n in range(10_000)).encode())
    assert found[-1].outcome == "unknown", "the file must not look as if all of it had been read"


@pytest.mark.parametrize("line", ["gpl", "mit bsd gpl apache", "licensed under the mit license", "GPL-2.0 WITH"])
def test_a_file_of_nothing_but_names_of_licences_is_unknown_on_every_machine(line: str) -> None:
    text = (f"{line}\n" * WHOLE_CHARACTERS)[: WHOLE_CHARACTERS - 1].encode()
    found = bounded(text)
    assert any(f.outcome == "unknown" for f in found)
    if len(text.split()) > 40_000:
        assert [f.rule for f in found] == [TOO_MANY]


@pytest.mark.slow
@pytest.mark.parametrize(
    "expression",
    [
        "(" * 5_000 + "MIT" + ")" * 5_000,
        " OR ".join(["(MIT AND ISC)"] * 3_000),
        "MIT" + " WITH Classpath-exception-2.0" * 2_000,
        " AND ".join(f"(MIT OR BSD-{n}-Clause)" for n in range(300)),
        "(" * 200 + "MIT OR ISC) AND " * 200 + "MIT",
    ],
)
@pytest.mark.parametrize("scope", ["whole", "head"])
def test_nested_and_endless_expressions_end(expression: str, scope: str) -> None:
    found = bounded(f"# SPDX-License-Identifier: {expression}\n".encode(), scope)
    assert all(len(f.expression or "") <= 4_000 for f in found)
    assert found[0].outcome != "none"


@pytest.mark.parametrize("scope", ["whole", "head"])
@pytest.mark.parametrize(
    "noise", [b"\x00", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", "\u202e\u200b".encode(), b"\x0b\x0c\x1c\x85", b"\r"]
)
def test_zero_bytes_and_bad_unicode_hide_nothing_and_break_nothing(noise: bytes, scope: str) -> None:
    lines = MIT.encode().split(b"\n")
    found = bounded(noise + b"\n" + (b" " + noise + b"\n").join(lines), scope)
    assert any(f.outcome != "none" for f in found)


def test_one_endless_line_and_endless_empty_lines_end() -> None:
    for content in (b"license " * 2_000_000, b"\n" * 5_000_000 + b"MIT license", b" " * 5_000_000, b"/*" * 3_000_000):
        for scope in ("whole", "head"):
            assert bounded(content, scope)


def test_a_text_that_takes_longer_than_the_limit_ends_with_it_and_says_so() -> None:
    (found, *_) = Scanner(seconds=0.05).scan(b"gpl mit\n" * 3_900, "whole")
    assert (found.outcome, found.rule) == ("unknown", TIMED_OUT)


@pytest.mark.parametrize("size", [30, 300, 3_000])
def test_a_text_made_of_the_words_of_licences_costs_a_bounded_number_of_comparisons(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []

    def counted(one: Sequence[int], other: Sequence[int]) -> int:
        compared.append(len(one) * len(other))
        return common_words(one, other)

    monkeypatch.setattr("gleanery.licensing.closest.common_words", counted)
    words = random.Random(size).choices(MIT.split(), k=size)
    bounded(" ".join(words).encode())
    bounded("\n".join(words * 3).encode())
    assert len(compared) <= 2 * 48 and sum(compared) <= 5_000_000_000


def test_a_licence_under_a_hundred_thousand_tags_is_found() -> None:
    page = "<html><p>" + "<b>" * 30_000 + MIT.replace("\n", "<br>\n") + "<script" * 10_000
    assert "MIT" in [f.expression for f in bounded(page.encode())]


@pytest.mark.parametrize(
    "sentence",
    ["must not use models trained on this code for ai ", "No AI training needed. ", "not train language models "],
)
def test_a_line_of_nothing_but_words_on_training_takes_no_more_than_its_length(sentence: str) -> None:
    started = time.process_time()
    read_text((sentence * (WHOLE_CHARACTERS // len(sentence))).encode(), "whole")
    assert time.process_time() - started < 20


def test_lines_of_nothing_but_turned_limits_take_no_more_than_their_length() -> None:
    lines = [("If you need a commercial license " * 60)[:1990]] * 130
    started = time.process_time()
    assert limit_in(lines) == ()
    assert time.process_time() - started < 20
