"""What the judge reads of conclusions, and which files bear witness against their copies."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_corpus import MIT, code, make_repository

from gleanery.licensing.conclude import Claim, Conclusion
from gleanery.licensing.findings import NO_TRAINING
from gleanery.licensing.policy import Policy
from gleanery.licensing.statements import Evidence
from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import load_settings
from gleanery.pipeline.stage4_judge import conclusions_of, is_restricted
from gleanery.records.parquet import table_of
from gleanery.sql.questions import ask, questions, tables_of

NOBODY_KNOWS = "LicenseRef-scancode-unknown-license-reference"
POLICY = Policy.load()

words = st.text("abc", max_size=3)
perhaps = st.none() | words
pieces = st.lists(
    st.builds(
        Evidence,
        *(words, words, words, perhaps, perhaps, st.none() | st.floats(0, 100), st.none() | st.integers(1, 9)),
        st.none() | st.integers(1, 9),
    ),
    max_size=4,
).map(tuple)
claims = st.lists(st.builds(Claim, words, words, perhaps), max_size=3).map(tuple)
conclusions = st.builds(
    Conclusion, words, perhaps, perhaps, perhaps, words, st.booleans(), st.booleans(), pieces, claims
)


@given(st.lists(conclusions, max_size=6, unique_by=lambda c: c.file_id), st.integers(0, 3))
def test_conclusions_are_read_as_they_were_written(written: list[Conclusion], cut: int) -> None:
    rows: list[dict[str, Any]] = [dataclasses.asdict(c) for c in written]
    if rows:
        rows[0]["claims"] = rows[0]["claims"] or None  # the column may be null
    table = table_of("license_conclusions", rows).slice(cut)
    assert conclusions_of(table) == {c.file_id: c for c in written[cut:]}


@pytest.mark.parametrize(
    "head, folder, restricted",
    [
        (None, "MIT", False),
        (None, "GPL-3.0-only", True),
        ("MIT", "GPL-3.0-only", False),
        ("GPL-3.0-only", "MIT", True),
        (NOBODY_KNOWS, "SSPL-1.0", True),
        (f"{NOBODY_KNOWS} OR SSPL-1.0", "SSPL-1.0", True),
        (f"{NOBODY_KNOWS} OR SSPL-1.0", "MIT", False),
        ("MIT", f"MIT AND {NO_TRAINING}", True),
        (None, None, False),
    ],
)
def test_a_head_that_nobody_knows_leaves_the_word_to_its_folder(
    head: str | None, folder: str | None, restricted: bool
) -> None:
    conclusion = Conclusion("f", head or folder, head, folder, "own_header", False, False, ())
    assert is_restricted(POLICY, conclusion) is restricted


@pytest.mark.slow
def test_what_a_program_writes_and_tables_of_numbers_are_left_out(tmp_path: Path) -> None:
    numbers = ", ".join(f"0x{n * 7919 % 65536:04X}{chr(10) * (n % 8 == 0)}" for n in range(900))
    files = {"src/main.py": code(1), "src/generated/made.py": code(2), "src/table.c": f"int table[] = {{{numbers}}};\n"}
    make_repository(tmp_path / "one", 2015, {"LICENSE": MIT.format(year=2015, holder="Ada Invented"), **files})
    settings = '[shards]\nvocabulary = 600\n[[source]]\nkind = "git"\nlocator = "one"\nname = "ada/one"\n'
    (tmp_path / "settings.toml").write_text(settings, "utf-8")
    curate(load_settings(tmp_path / "settings.toml"), tmp_path / "run", workers=1)
    rows = ask(questions()["reasons_of"], tables_of(tmp_path / "run"), {"repo": "ada/one"}).to_pylist()
    reasons = {row["for_example"]: row["reason"] for row in rows}
    assert reasons["src/generated/made.py"] == "generated" and reasons["src/table.c"] == "few_letters"
    assert sorted(reasons.values()) == ["few_letters", "generated", "kept"]
