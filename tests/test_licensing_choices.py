"""Choices that a head or a licence file offers in several sentences, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gleanery.licensing.conclude import conclude
from gleanery.licensing.evidence import find
from gleanery.licensing.policy import Policy
from gleanery.licensing.reading import HEAD_LINES
from gleanery.licensing.scan import Scanner
from gleanery.licensing.statements import FileFacts
from gleanery.licensing.texts import license_text

POLICY = Policy.load()
SCANNER = Scanner()
BSD = f"Copyright (c) 2010 Ada\n\n{license_text('BSD-3-Clause')}"


def comment(text: str, sign: str = " * ") -> str:
    return "/*\n" + "\n".join(sign + line for line in text.split("\n")) + "\n */\nint a;\n"


def judged(head: str, whole: str = "") -> tuple[str, str | None]:
    """The reason for a file with a head, below a licence file."""
    scanner = Scanner()
    facts = [FileFacts("a.c", "a.c", "0" * 40, head=find(scanner, head.encode(), "head"))]
    if whole:
        facts.append(FileFacts("LICENSE", "LICENSE", "1" * 40, whole=find(scanner, whole.encode(), "whole")))
    conclusion = next(c for c in conclude(facts, None) if c.file_id == "a.c")
    return POLICY.judge(conclusion).reason, conclusion.header_expression or conclusion.directory_expression


@pytest.mark.parametrize(
    "words",
    (
        "Alternatively, this software may be distributed under the terms of the\nGNU General Public License version 2.",
        "Alternatively, you may choose to be licensed under the GPL version 2.",
        "Alternatively, provided that this notice is retained in full, this software may be\n"
        'distributed under the terms of the GNU General Public License ("GPL") version 2,\n'
        "in which case the provisions of the GPL apply INSTEAD OF those given above.",
        "ALTERNATIVELY, this product may be distributed under the terms of the GNU Public\nLicense.",
    ),
)
def test_alternatively_offers_a_choice_between_what_stands_above_and_below(words: str) -> None:
    text = f"{BSD}\n\n{words}"
    assert judged(comment(text)) == ("kept", judged(comment(text))[1])
    assert "BSD-3-Clause OR " in str(judged(comment(text))[1])
    assert judged("int a;", text)[0] == "kept"
    assert judged(comment(f"{license_text('GPL-2.0-only')}"[:1500] + f"\n\n{words}"))[0] != "kept"


@pytest.mark.parametrize(
    "words",
    (
        "Alternatively, parts of this software may be distributed under the GPL.",
        "Alternatively, see the library below, whose terms, the GPL, hold too.",
        "The files in lib are distributed under the GNU General Public License version 2.",
        "In addition, this software may only be distributed under the terms of the GPL.",
    ),
)
def test_what_binds_beside_a_licence_is_no_choice(words: str) -> None:
    assert judged(comment(f"{BSD}\n\n{words}"))[0] != "kept"


def test_a_head_that_is_dual_licensed_over_several_lines_offers_a_choice() -> None:
    said = "This library is dual-licensed, released under both the [BSD 3-Clause](#bsd)\nand the GNU GPL v2."
    assert judged(comment(said)) == ("kept", "BSD-3-Clause OR GPL-2.0-only")
    assert judged(comment(said.replace("both", "the rest of both")))[0] != "kept"


def test_a_choice_keeps_the_copyright_lines() -> None:
    head = comment("Copyright 2017 Ada Example\n\nThis library is dual-licensed under the MIT and\nthe GPL v2.")
    found = find(SCANNER, head.encode(), "head")
    assert found[0].rule == "gleanery-dual" and found[0].copyrights == ("Copyright 2017 Ada Example",)


def test_texts_of_both_sides_in_a_head_are_explained_by_its_choice() -> None:
    mit = str(license_text("MIT"))
    said = "This file is dual-licensed: you can use it either under the terms\nof the GPL or the X11 license, at your "
    said += "option. Note that this dual\nlicensing only applies to this file, and not this project as a\nwhole.\n\n"
    gpl = "This file is free software; you can redistribute it and/or modify it under the terms\nof the GNU General "
    gpl += "Public License version 2 as published by the Free Software Foundation.\n\n"
    assert judged(comment(said + gpl + mit))[0] == "kept"
    assert judged(comment(gpl + mit))[0] == "license_not_allowed"


@pytest.mark.parametrize("sign", ("// ", "# ", " * ", "-- "))
@pytest.mark.parametrize("key", ("MIT", "Apache-2.0", "BSD-3-Clause"))
def test_a_licence_at_the_end_of_the_head_is_read_to_the_end_of_its_comment(sign: str, key: str) -> None:
    text = BSD if key == "BSD-3-Clause" else f"Copyright (c) 2010 Ada\n\n{license_text(key)}"
    if key == "Apache-2.0":
        text = (
            'Licensed under the Apache License, Version 2.0 (the "License");\nyou may not use this file except in '
            "compliance with the License.\nYou may obtain a copy of the License at\n\n"
            "    http://www.apache.org/licenses/LICENSE-2.0\n\nUnless required by applicable law or agreed to in "
            'writing, software\ndistributed under the License is distributed on an "AS IS" BASIS,\nWITHOUT WARRANTIES '
            "OR CONDITIONS OF ANY KIND, either express or implied.\nSee the License for the specific language "
            "governing permissions and\nlimitations under the License."
        )
    lines = [sign + line for line in text.split("\n")]
    opened, closed = ("/*", " */") if sign == " * " else ("", "")
    for above in range(HEAD_LINES - len(lines), HEAD_LINES - 8, 4):
        head = "\n".join([opened, *[sign] * above, *lines, closed, "int a;"])
        assert judged(head, str(license_text("MIT")))[0] == "kept", above


def test_code_below_the_head_is_not_read_with_it() -> None:
    head = "/* This permission notice shall be included in all copies. */\n" * (HEAD_LINES - 1) + "int a;\n"
    assert judged(head + "/* Licensed under the GPL. */\n") == judged(head)


@pytest.mark.parametrize(
    "words",
    (
        "This source code cannot be distributed without permission and further review from Acme",
        "This file must not be redistributed without written permission of Acme",
        "Not to be distributed without the permission of Acme",
        "Cannot be redistributed without prior written permission of Acme, Inc.",
        "This software cannot be copied, distributed or used without authorization",
        "This software should not be used without the consent of Acme.",
        "Not for redistribution.",
        "Distribution Statement D. Distribution authorized to contractors only.",
        "You cannot redistribute this file.",
    ),
)
def test_every_way_to_say_that_something_is_not_to_be_done_keeps_a_file_back(words: str) -> None:
    head = f"/*\n * Copyright (c) 2017, Acme.\n * {words}\n */\nint a;\n"
    assert judged(head, str(license_text("MIT")))[0] != "kept"


@pytest.mark.parametrize(
    "words",
    (
        "Distribution Statement A. Approved for public release.",
        "This function cannot be used without a license file: see check().",
        "Not for distribution of points, but of weights.",
        "The cache cannot be copied, the lock must not be shared.",
        "This license is approved by the OSI and FSF as GPL-compatible.",
    ),
)
def test_what_programs_say_of_themselves_keeps_nothing_back(words: str) -> None:
    head = f"/*\n * Copyright (c) 2017, Acme.\n * {words}\n */\nint a;\n"
    assert judged(head, str(license_text("MIT")))[0] == "kept"


@pytest.mark.parametrize("encoding", ("latin-1", "utf-16", "cp1252"))
def test_a_head_in_any_encoding_may_compare_its_licence_with_another_one(encoding: str) -> None:
    head = f"/*\n * Copyright 2017 Åsa Öberg\n * GPL-\n * compatible, GPL-compatible: {license_text('ISC')}\n */\n"
    found = find(Scanner(), head.encode(encoding), "head")
    assert all("GPL" not in (f.expression or "") for f in found)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_a_comparison_among_any_bytes_ends_in_findings(before: bytes, after: bytes) -> None:
    assert find(SCANNER, before + b" compatible with the GNU GPL " + after, "head")


def test_what_is_left_to_the_option_of_the_licensee_is_a_choice_above_the_text_of_one_side() -> None:
    words = (
        'This software is available under the following "MIT Style" license,\n'
        "or at the option of the licensee under the LGPL (see LICENSE.LGPL)."
    )
    text = "".join(f" * {line}\n" for line in f"{words}\n--\n\n{license_text('MIT')}".split("\n"))
    found = find(SCANNER, f"/*\n * Copyright (c) 1999 Ada Roe\n *\n{text} */\nint a;\n".encode(), "head")
    assert [f.expression for f in found if f.names_licence] == ["MIT OR LGPL-2.0-or-later"]
    both = text.replace("or at the option of the licensee under", "and also")
    found = find(SCANNER, f"/*\n{both} */\nint a;\n".encode(), "head")
    assert all(" OR " not in (f.expression or "") for f in found)


def test_the_artistic_license_beside_the_terms_of_perl_is_that_of_perl() -> None:
    perl = "# You may distribute this module under the same terms as perl itself.\n"
    more = (
        "# Refer to the Perl Artistic License (see the license accompanying this\n# software package) for the terms.\n"
    )
    found = find(SCANNER, f"{perl}{more}package A;\n".encode(), "head")
    named = [set((f.expression or "").split(" OR ")) for f in found if f.names_licence]
    assert named == [{"GPL-1.0-or-later", "Artistic-1.0-Perl"}]
    alone = find(SCANNER, b"# This script is under the Artistic License.\npackage A;\n", "head")
    assert [f.expression for f in alone] == ["Artistic-1.0"]
