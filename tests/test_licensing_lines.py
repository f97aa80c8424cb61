"""Lines of a text: everybody counts the same ones, and a head is one head for all rules."""

import pytest
from licence_texts import MIT_OF_MANY

from gleanery.licensing.evidence import find
from gleanery.licensing.expressions import PROPRIETARY
from gleanery.licensing.findings import LIMITED_USE, NO_TRAINING, Finding
from gleanery.licensing.lines import text_of
from gleanery.licensing.scan import Scanner
from gleanery.licensing.unheard import UNHEARD

SCANNER = Scanner()
COMMENT = "/* Reads a sieve.\n" + " * More of it.\n" * 97 + " * Permission is hereby granted, provided as is.\n"


def found(content: str | bytes, scope: str) -> tuple[Finding, ...]:
    return find(SCANNER, content if isinstance(content, bytes) else content.encode(), scope)


@pytest.mark.parametrize("sign", ["\f", "\v", "\x1c", "\x85", "\u2028"])
def test_a_sign_that_ends_a_page_ends_no_line(sign: str) -> None:
    assert text_of(f"one\n{sign}two\r\nthree".encode()).split("\n") == ["one", " two", "three"]
    # As the GNU licences have it: a page ends within the text.
    lines = MIT_OF_MANY.split("\n")
    paged = "\n".join(["Licence", "", *lines[:8], sign, *lines[8:], sign, "Copyright 2020 Ada Roe"])
    plain = paged.replace(sign, "")
    assert [(f.expression, f.start_line, f.end_line) for f in found(paged, "whole")] == [
        (f.expression, f.start_line, f.end_line) for f in found(plain, "whole")
    ]
    assert found(f"// Code.\n{sign}\n// Not for commercial use.\n", "head")[-1].start_line == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_a_limit_counts_in_every_encoding(encoding: str) -> None:
    said = ("// Copyright 2020 Ada Roe\n// Not for commercial use.\n" + "int x;\n" * 9).encode(encoding)
    assert [f.expression for f in found(said, "head")] == [LIMITED_USE]


def test_the_rest_of_a_licence_in_a_comment_is_a_head_for_all_rules() -> None:
    assert found(f"{COMMENT} * You must buy a license.\n */\n", "head")[-1].expression == LIMITED_USE
    assert found(f"{COMMENT} */\n/* You must buy a license. */\n", "head")[-1].expression != LIMITED_USE


def test_a_comparison_with_another_licence_in_a_head_names_none() -> None:
    assert [f.outcome for f in found("// Unlike the GPL, it asks for nothing.\n", "head")] == ["none"]


def test_a_name_that_nobody_knows_has_its_own_line() -> None:
    head = "/* It is provided as part of Frob.\n *\n * It is governed by the Acme\n * Enterprise License.\n */\n"
    assert [(f.rule, f.start_line) for f in found(head, "head")] == [(UNHEARD, 3)]


def test_owners_in_parts_of_a_licence_file_are_kept() -> None:
    parts = 'All content in the "ee/" directory is under the Acme license, Copyright 2020 Ada Roe.\n\n'
    rest = "All content outside of that directory is under the MIT License.\n\nCopyright 2021 Bo Roe\n\n"
    section = "For the lib/a.c component:\n\nCopyright 2019 Cy Roe\nLicensed under the ISC license.\n"
    text = parts + rest + MIT_OF_MANY + "\n-----\n\n" + section
    assert found(text, "whole")[0].copyrights == ("Copyright 2021 Bo Roe", "Copyright 2019 Cy Roe")


@pytest.mark.parametrize("noun", ["library", "package", "crate", "toolkit", "game", "utilities"])
def test_every_rule_knows_the_work_by_the_same_nouns(noun: str) -> None:
    for said in (f"// Exclude this {noun} from BigCode.", f"// Do not feed this {noun} to an LLM."):
        assert [f.expression for f in found(said, "head")] == [NO_TRAINING]
    assert found(f"// This {noun} is strictly confidential.", "head")[0].expression == PROPRIETARY
    assert found(f"// You may use this {noun} as long as you do not sell it.", "head")[0].outcome == "unknown"
    if noun == "utilities":  # several are others' as often as not
        page = f"# Frob\n\nThe following {noun} are licensed under the MIT license:\n\n- Bar\n"
        assert [f.outcome for f in found(page, "readme")] == ["mentioned"]
        return
    page = f"# Frob\n\n## Font license\n\nThis {noun} is under the MIT license."
    assert [(f.outcome, f.expression) for f in found(page, "readme")] == [("found", "MIT")]
