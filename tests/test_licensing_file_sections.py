"""Sections of a licence file that hold for some files only."""

import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.licensing.conclude import conclude
from gleanery.licensing.evidence import find
from gleanery.licensing.file_sections import MOST_SECTIONS, file_sections
from gleanery.licensing.findings import NO_TRAINING, OF_FILES
from gleanery.licensing.policy import Policy
from gleanery.licensing.scan import Scanner
from gleanery.licensing.statements import FileFacts
from gleanery.licensing.texts import license_text

CASES: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent / "golden/licensing/file_sections.toml").read_text("utf-8")
)
WORDS = ("For ", "the ", "lib/a.c", "b\\c.h", "src/", " component", ":", "MIT license", ", ", "-----", "\n", "\n\n")


def licence(key: str) -> str:
    text = license_text(key)
    assert text is not None
    return text


def judged(text: str, *paths: str, profile: str = "permissive") -> dict[str, str]:
    """The reasons for some headless files below a licence file with this text."""
    scanner = Scanner()
    facts = [FileFacts("LICENSE", "LICENSE", "0" * 40, whole=find(scanner, text.encode(), "whole"))]
    facts += [FileFacts(path, path, "1" * 40, head=find(scanner, b"int a;\n", "head")) for path in paths]
    policy = Policy.load(profile)
    return {c.file_id: policy.judge(c).reason for c in conclude(facts, None) if c.file_id != "LICENSE"}


@pytest.mark.parametrize("name", CASES)
def test_a_section_names_its_files_and_ends_where_the_next_one_begins(name: str) -> None:
    # `text` begins below its quotes, so that its first line has number 2 as an editor shows it.
    found = file_sections(("\n" + CASES[name]["text"]).split("\n"))
    assert [f"{' '.join(s.paths)} @{s.first}-{s.last}" for s in found] == CASES[name]["sections"]


@given(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=8)), max_size=60))
@settings(max_examples=300)
def test_sections_lie_one_below_the_other(words: list[str]) -> None:
    lines = "".join(words).split("\n")
    found = file_sections(lines)
    assert len(found) <= MOST_SECTIONS + 1
    last = 0
    for section in found:
        assert last < section.first <= section.last <= len(lines)
        assert section.paths and all(p and not p.startswith("/") and not p.endswith("/") for p in section.paths)
        last = section.last


def test_what_a_section_says_holds_for_its_files_and_no_others() -> None:
    text = licence("Apache-2.0") + "\nFor the lib/crypt.c component:\n\n" + licence("GPL-2.0-only")
    reasons = judged(text, "main.c", "lib/other.c", "lib/crypt.c", "old/lib/crypt.c")
    assert reasons == {
        "main.c": "kept",
        "lib/other.c": "kept",
        "lib/crypt.c": "license_not_allowed",
        "old/lib/crypt.c": "license_not_allowed",
    }
    strict = judged(text, "main.c", profile="strict")
    assert strict["main.c"] != "kept"  # which wants all that is stated of anything here to allow it


def test_a_section_adds_and_never_grants() -> None:
    text = licence("GPL-2.0-only") + "\nsrc/free/: MIT license\n\n" + licence("MIT")
    assert set(judged(text, "main.c", "src/free/a.c").values()) == {"license_not_allowed"}


def test_terms_that_nobody_knows_are_a_doubt_about_their_files_only() -> None:
    text = licence("MIT") + "\nFor lib/odd.c:\n\nYou may use this on Tuesdays, if the wind is right.\n"
    assert judged(text, "main.c", "lib/odd.c") == {"main.c": "kept", "lib/odd.c": "license_unknown"}


def test_what_stands_below_a_line_across_the_page_is_about_the_work() -> None:
    section = "\nFor lib/odd.c:\n\n" + licence("ISC") + "\n------------\n\n"
    end = "The Software may not be used for commercial purposes. " + licence("CC-BY-NC-4.0")
    assert judged(licence("MIT") + section, "main.c") == {"main.c": "kept"}
    assert judged(licence("MIT") + section + end, "main.c")["main.c"] != "kept"


def test_a_reservation_holds_wherever_it_stands() -> None:
    text = licence("MIT") + "\nFor lib/odd.c:\n\nThis code may not be used to train AI models.\n"
    found = find(Scanner(), text.encode(), "whole")
    assert any(f.expression == NO_TRAINING and not f.paths for f in found)
    assert judged(text, "main.c")["main.c"] != "kept"


def test_without_a_licence_above_it_a_heading_sets_nothing_apart() -> None:
    found = find(Scanner(), b"For src/a.c:\n\n" + licence("GPL-2.0-only").encode(), "whole")
    assert [f.expression for f in found if f.outcome == "found"] == ["GPL-2.0-only"]


def test_a_project_of_apache_with_subcomponents_keeps_its_own_licence() -> None:
    intro = (
        "FROB SUBCOMPONENTS:\n\nThe Apache Frob includes a number of subcomponents with\nseparate copyright notices "
        "and license terms. Your use of the source\ncode for these subcomponents is subject to the terms\n"
        "and conditions of the following licenses.\n\n"
    )
    text = licence("Apache-2.0") + "\n\n" + intro + "For util/md4.c:\n\n" + licence("BSD-4-Clause")
    found = find(Scanner(), text.encode(), "whole")
    own = [f.expression for f in found if f.outcome == "found" and not (f.rule or "").startswith(OF_FILES)]
    assert own == ["Apache-2.0"]
    assert judged(text, "main.c")["main.c"] == "kept"


def test_what_a_notice_says_of_a_binary_dependency_is_not_about_the_work() -> None:
    said = "Frob\nCopyright 2020 Someone\n\nThis has a binary dependency on glarch, which is available under the GPL.\n"
    assert all(f.outcome == "none" for f in find(Scanner(), said.encode(), "whole"))
    assert any(f.outcome != "none" for f in find(Scanner(), said.replace("binary ", "").encode(), "whole"))


def test_a_flood_of_sections_is_cut_and_leaves_a_doubt_about_all_files() -> None:
    text = licence("MIT") + "".join(f"\nFor lib/part{n}.c:\n\nMIT license\n" for n in range(MOST_SECTIONS + 1))
    found = find(Scanner(), text.encode(), "whole")
    assert found[-1].rule == "gleanery-too-many-parts" and not found[-1].paths
    assert judged(text, "main.c")["main.c"] == "license_unknown"
    for flood in (
        ["For a/b.c:"] * 40_000,
        ["For a/b.c:", ""] * 40_000,
        ["a/b " * 150] * 20_000,
        ["For a.c, " * 60] * 5_000,
    ):
        start = time.process_time()
        file_sections(flood)
        assert time.process_time() - start < 5


def test_a_list_of_components_under_their_paths_is_not_the_licence_of_the_work() -> None:
    titled = "\n\nGlarch\n======\n\nCopyright 2020 A. Nother\n\n{}\n\n"
    titled += "frob/net/one.c\n==============\n\n{}\n\nlib/two\n=======\n\n{}"
    terms = licence("LGPL-2.1-only"), licence("BSD-3-Clause"), licence("GPL-2.0-only")
    text = licence("Apache-2.0") + "\n\n--------------------" + titled.format(*terms)
    paths = ("main.c", "net/one.c", "lib/two/a.c", "net/glarch/a.c", "glarch.c", "lib/twofold.c")
    reasons = judged(text, *paths)
    refused = [path for path in paths if reasons[path] != "kept"]
    assert refused == ["lib/two/a.c", "net/glarch/a.c", "glarch.c"]
    assert judged(text, "main.c", profile="strict")["main.c"] != "kept"


def test_terms_below_a_list_of_components_are_about_the_work() -> None:
    text = licence("MIT") + "\n\na/one.c\n=======\n\nISC\n\na/two.c\n=======\n\nISC\n"
    assert judged(text, "main.c") == {"main.c": "kept"}
    for end in ("\nCommercial use\n==============\n\nYou may not sell it.\n", "\n----------\n\nYou may not sell it.\n"):
        assert judged(text + end, "main.c")["main.c"] != "kept"
