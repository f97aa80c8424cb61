"""Sentences of a licence file about parts of the work."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.licensing.evidence import find
from gleanery.licensing.findings import PART
from gleanery.licensing.parts import MOST_PARTS, division
from gleanery.licensing.scan import Scanner

CASES: dict[str, Any] = tomllib.loads((Path(__file__).parent / "golden/licensing/parts.toml").read_text("utf-8"))
WORDS = (
    "ee/",
    '"lib"',
    "`src/a`",
    "directory",
    "folder",
    "is licensed under",
    "MIT",
    "other than",
    "- ",
    "\n",
    "\n\n",
    ".",
)


@pytest.mark.parametrize("name", CASES)
def test_a_sentence_about_a_folder_is_told_from_any_other(name: str) -> None:
    found = division(CASES[name]["text"].split("\n"))
    assert [f"{' '.join(p.folders)} @{p.first}" for p in found.parts] == CASES[name]["parts"]
    assert ("\n".join(found.others).strip() if found.rest else "") == CASES[name]["others"].strip()


@given(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=8)), max_size=60))
@settings(max_examples=300)
def test_any_text_gives_parts_within_their_limits(words: list[str]) -> None:
    lines = " ".join(words).split("\n")
    found = division(lines)
    assert len(found.parts) <= MOST_PARTS
    assert len(found.others) == len(lines)
    for part in found.parts:
        assert 1 <= part.first <= part.last <= len(lines)
        assert part.folders and all(f and not f.startswith("/") and not f.endswith("/") for f in part.folders)


def test_a_flood_of_parts_is_cut_and_leaves_a_doubt() -> None:
    line = 'All code in the "{}/" directory is licensed under the {} license.\n'
    text = "".join(line.format(f"part{n}", ("MIT", "GPL")[n % 2]) for n in range(5_000))
    found = find(Scanner(), text.encode(), "whole")
    assert len([f for f in found if f.rule == PART]) == MOST_PARTS
    assert found[-1].outcome == "unknown" and found[-1].rule == "gleanery-too-many-parts"
