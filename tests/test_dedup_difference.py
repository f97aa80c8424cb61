"""What a person looks at: differences, and signatures in datasketch's own hands."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasketch import MinHashLSH
from hypothesis import given
from hypothesis import strategies as st
from small_corpus import code

from gleanery.dedup.difference import GAP, MOST_LINES, as_text, side_by_side
from gleanery.dedup.export import load_index, write_signatures
from gleanery.dedup.prints import prints
from gleanery.dedup.signatures import Parameters
from gleanery.dedup.texts import joined_texts
from gleanery.records.errors import StopRun
from gleanery.records.ids import blob_id
from gleanery.records.parquet import write_table

TEXTS = st.text("ab\n\t\x1b", max_size=60)


@given(TEXTS, TEXTS)
def test_a_difference_holds_every_line_that_differs_and_no_control_code(one: str, other: str) -> None:
    rows = side_by_side(one, other)
    shown = [row.left for row in rows if row.left_number], [row.right for row in rows if row.right_number]
    if not any(row.kind == GAP for row in rows):
        assert len(shown[0]) == len(one.splitlines()) and len(shown[1]) == len(other.splitlines())
    for line in as_text(rows, 80):
        assert line.isprintable() and len(line) <= 80


def test_a_wide_script_keeps_its_columns() -> None:
    (line,) = as_text(side_by_side("名前" * 40, "名前" * 40), 60)
    assert line.count("…") == 2


def test_two_texts_stand_in_two_columns_with_the_numbers_of_their_lines() -> None:
    equal = "".join(f"line {n}\n" for n in range(9))
    rows = side_by_side(f"{equal}old\nonly here", f"{equal}new 語 e\u0301")
    assert as_text(rows, 35) == [
        "      ~ 6 equal lines",
        "    7 line 6           7 line 6",
        "    8 line 7           8 line 7",
        "    9 line 8           9 line 8",
        "   10 old        |    10 new 語 e\u0301",
        "   11 only here  <",
    ]
    assert max(len(line) for line in as_text(side_by_side("x" * 300, "y" * 300), 60)) <= 60


def test_long_texts_are_cut_and_the_difference_says_so() -> None:
    rows = side_by_side("a\n" * (MOST_LINES + 5), "b\n")
    assert any("5 more lines" in row.left for row in rows)


def test_a_difference_after_many_equal_lines_is_found_with_its_line_numbers() -> None:
    lines = [f"line {n}" for n in range(10 * MOST_LINES)]
    changed = [*lines[:15_000], "another", *lines[15_000:]]
    rows = side_by_side("\n".join(lines), "\n".join(changed))
    assert [(row.right_number, row.right) for row in rows if row.kind == "right"] == [(15_001, "another")]
    assert [row.left for row in rows if row.kind == GAP] == ["14997 equal lines", "4997 equal lines"]


def test_a_difference_far_out_in_a_long_line_is_shown() -> None:
    line = "x" * 100_000
    rows = side_by_side(f"{line}one{line}", f"{line}two{line}")
    (shown,) = as_text(rows, 100)
    assert "xone" in shown and "xtwo" in shown and len(shown) <= 100
    assert [row.kind for row in rows] == ["changed"] and "one" in rows[0].left


def test_equal_texts_have_no_difference() -> None:
    assert {row.kind for row in side_by_side("a\nb\nc\nd\ne", "a\nb\nc\nd\ne")} == {"same", GAP}


def test_datasketch_answers_what_is_like_this_file(tmp_path: Path) -> None:
    texts = [code(n) for n in range(12)] + ["x = 1\n"]
    table = prints(joined_texts(texts), ["hash"] * len(texts), Parameters())
    ids = [blob_id(text.encode()) for text in texts]
    write_table(tmp_path / "part.parquet", "signatures", table.add_column(0, "blob_id", pa.array(ids)))
    assert write_signatures([tmp_path / "part.parquet"], tmp_path / "out.parquet") == 12  # one is too short
    index = load_index(tmp_path / "out.parquet")
    assert isinstance(index.lsh, MinHashLSH)
    assert index.like(texts[3].replace("return", "return  # changed\n   ", 1)) == [ids[3]]
    assert index.like("x") == [] and index.like(code(99)) == []
    assert "pickle" not in str(pq.read_schema(tmp_path / "out.parquet").metadata)


def test_signatures_of_other_settings_are_written_and_opened_as_they_were_made(tmp_path: Path) -> None:
    parameters = Parameters(permutations=64, shingle_tokens=7)
    table = prints(joined_texts([code(1)]), ["hash"], parameters)
    write_table(tmp_path / "part.parquet", "signatures", table.add_column(0, "blob_id", pa.array(["0" * 40])))
    assert write_signatures([tmp_path / "part.parquet"], tmp_path / "out.parquet") == 1
    index = load_index(tmp_path / "out.parquet")
    assert index.parameters == parameters and index.like(code(1)) == ["0" * 40]


def test_signatures_of_another_version_and_other_files_are_refused(tmp_path: Path) -> None:
    tables = [prints(joined_texts([code(1)]), ["hash"], Parameters(seed=seed)) for seed in (1, 2)]
    paths = [tmp_path / f"part-{seed}.parquet" for seed in (1, 2, 3)]
    old = tables[0].set_column(0, "parameters", pa.array(["an older form"]))
    for path, table in zip(paths, (*tables, old), strict=True):
        write_table(path, "signatures", table.add_column(0, "blob_id", pa.array(["0" * 40])))
    with pytest.raises(StopRun, match="more than one way"):
        write_signatures(paths[:2], tmp_path / "out.parquet")
    with pytest.raises(StopRun, match="another version"):
        write_signatures(paths[2:], tmp_path / "out.parquet")
    with pytest.raises(StopRun, match="no signatures"):
        write_signatures([], tmp_path / "out.parquet")
    with pytest.raises(StopRun, match="holds no signatures"):
        load_index(paths[0])
