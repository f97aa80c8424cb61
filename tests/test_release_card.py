"""The card of a release: what it says is what the tables say, and nothing that a stranger named breaks it."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from run_folder import assembled_release, compare_with_golden

from gleanery.pipeline.settings import DedupSettings, OptoutSettings, Settings
from gleanery.release.card import CARD, _cell, size_category, write_card
from gleanery.sql.questions import Database, questions, tables_of

GOLDEN = Path(__file__).parent / "golden" / "release"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return assembled_release(tmp_path_factory.mktemp("card"))


def card(release: Path, settings: Settings, registry_position: int = 4) -> str:
    write_card(release, settings.public(), "permissive@1", registry_position)
    return (release / CARD).read_text("utf-8")


def tables(page: str) -> list[list[list[str]]]:
    """The cells of each table, as a reader of Markdown sees them."""
    found: list[list[list[str]]] = []
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    for before, token in zip(tokens, tokens[1:], strict=False):
        if before.type == "table_open":
            found.append([])
        if before.type == "tr_open":
            found[-1].append([])
        if before.type in ("th_open", "td_open"):
            found[-1][-1].append("".join(child.content for child in token.children or []))
    return found


def test_the_page_is_the_golden_one(release: Path) -> None:
    settings = Settings(optout=OptoutSettings(registry="optout.sqlite", contact="https://optout.example.org"))
    compare_with_golden(GOLDEN / "README.md", card(release, settings))


def test_what_it_counts_is_what_the_audits_count(release: Path) -> None:
    hosts, reasons, licenses, languages = tables(card(release, Settings()))[:4]
    with Database(tables_of(release)) as database:
        answers = {name: database.ask(questions()[name], {}).to_pylist() for name in ("funnel", "tokens_by_license")}
    assert [row[:2] for row in reasons[1:]] == [[row["reason"], f"{row['files']:,}"] for row in answers["funnel"]]
    kept = sum(row["documents"] for row in answers["tokens_by_license"])
    for table, column in ((hosts, 5), (licenses, 1), (languages, 1)):
        assert sum(int(row[column].replace(",", "")) for row in table[1:]) == kept > 0


def test_what_was_not_set_is_not_said(release: Path) -> None:
    plain = card(
        release, Settings(dedup=DedupSettings(normalised="record", near="record", renamed="record", contained="record"))
    )
    assert "No opt-out registry was given" in plain and "Owners turn to" not in plain
    assert "near duplicates" not in plain and "equal but for names" not in plain
    assert "files that stand inside a longer one none is\nkept" in card(release, Settings())


def test_a_contact_is_text(release: Path) -> None:
    hostile = "x](javascript:alert(1)) <img src=x onerror=alert(1)> | `rm` \n# Title"
    page = card(release, Settings(optout=OptoutSettings(contact=hostile)))
    html = MarkdownIt("commonmark").enable("table").render(page.split("---\n", 2)[2])
    assert "<img" not in html and "href" not in html and "<h1>Title" not in html
    assert "onerror" in page  # it is shown, as text


@given(st.text(max_size=40) | st.text(st.sampled_from("_*`~|[]()<>!a &#;\\\n"), max_size=12))
def test_any_text_is_one_cell(text: str) -> None:
    page = f"| a | b |\n|---|---|\n| {_cell('x' + text + 'x')} | 1 |\n"
    (table,) = tables(page)
    assert len(table) == 2 and len(table[1]) == 2 and table[1][1] == "1"
    assert table[1][0].startswith("x") and table[1][0].endswith("x")
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    kinds = {child.type for token in tokens for child in token.children or []}
    assert kinds <= {"text", "text_special"}


@given(st.integers(0, 10**14))
def test_the_class_of_size_holds_the_number(documents: int) -> None:
    unit = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
    said = size_category(documents)
    bounds: list[Any] = [int(n) * unit[u] for n, u in re.findall(r"(\d+)([KMBT]?)", said)]
    low, high = bounds if len(bounds) == 2 else (0, bounds[0]) if said.startswith("n<") else (bounds[0], 10**15)
    assert low <= documents < high
