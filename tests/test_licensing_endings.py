"""Heads that say that their licence stands at the end of the file, and the comment signs of rare languages.

All names and texts about owners are invented.
"""

import pytest

from gleanery.licensing.evidence import find
from gleanery.licensing.findings import Finding
from gleanery.licensing.scan import Scanner
from gleanery.licensing.texts import license_text

SCANNER = Scanner()
MIT = f"Copyright (c) 2020 Ada Roe\n\n{license_text('MIT')}"
CODE = ": frob  ( n -- )  dup if  1+ swap  then  must-not-sell  ;\n"


def commented(text: str, sign: str) -> str:
    return "".join(f"{sign}{line}".rstrip() + "\n" for line in text.split("\n"))


def head(text: str) -> tuple[Finding, ...]:
    return find(SCANNER, text.encode(), "head")


def said(text: str) -> list[tuple[str, str | None]]:
    return [(f.outcome, f.expression) for f in head(text)]


@pytest.mark.parametrize("between", (3, 500))
@pytest.mark.parametrize(
    "words",
    (
        "See license at end of file",
        "LICENSE: see end of file",
        "See the end of this file for license information.",
        "For licensing terms, see the bottom of this file.",
        "The license is found at the end of this source file.",
    ),
)
def test_a_licence_at_the_end_is_read_where_the_head_says_so(words: str, between: int) -> None:
    for sign in ("\\ ", "// ", "# "):
        text = commented(words, sign) + CODE * between + commented(MIT, sign)
        found = head(text)
        assert [(f.outcome, f.expression) for f in found] == [("found", "MIT")], sign
        assert found[0].copyrights == ("Copyright (c) 2020 Ada Roe",)
        assert (found[0].start_line or 0) > between


def test_one_empty_line_may_stand_in_the_comment_at_the_end() -> None:
    whole = commented(MIT, "\\ ").split("\n")
    broken = "\n".join([*whole[:5], "", *whole[5:]])
    assert said(commented("See license at end of file", "\\ ") + CODE * 200 + "\n" + broken) == [("found", "MIT")]


def test_a_comment_in_a_block_at_the_end_is_read_too() -> None:
    text = "// See end of file for license information.\n" + "int a;\n" * 200 + f"/*\n{MIT}\n*/\n\n#endif\n"
    assert said(text) == [("found", "MIT")]


def test_what_stands_at_the_end_is_not_read_where_the_head_does_not_say_so() -> None:
    assert said("// Frob.\n" + "int a;\n" * 200 + commented(MIT, "// ")) == [("none", None)]


def test_a_restriction_at_the_end_counts_and_so_does_one_in_the_head() -> None:
    below = "// See license at end of file\n" + "int a;\n" * 200 + "// Frob.\n// Not for commercial use.\n"
    assert ("found", "LicenseRef-gleanery-limited-use") in said(below)
    above = "// See license at end of file\n// Not for commercial use.\n" + "int a;\n" * 200 + commented(MIT, "// ")
    assert set(said(above)) == {("found", "LicenseRef-scancode-proprietary-license"), ("found", "MIT")}


def test_a_pointer_to_an_end_without_a_licence_stays_one() -> None:
    pointer = [("found", "LicenseRef-scancode-unknown-license-reference")]
    assert said("\\ See license at end of file\n" + CODE * 200) == pointer
    assert said("\\ See license at end of file\n" + CODE * 200 + "\\ Frob ends\n\\ here.\n") == pointer


SIGNS = ("C ", "c     ", "\\ ", '.\\" ', "NB. ", ":: ", "$! ", "@c ", "* ")


@pytest.mark.parametrize("sign", SIGNS)
def test_owners_and_licences_are_read_behind_the_comment_signs_of_rare_languages(sign: str) -> None:
    found = head(commented(MIT, sign) + "\n      X = 1\n")
    assert [(f.expression, f.score) for f in found] == [("MIT", 100.0)]
    assert found[0].copyrights == ("Copyright (c) 2020 Ada Roe",)


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize(
    ("words", "licence"),
    (
        ("No AI training.", "LicenseRef-gleanery-no-ai-training"),
        ("Not for commercial use.", "LicenseRef-gleanery-limited-use"),
    ),
)
def test_what_takes_something_away_is_heard_behind_them(sign: str, words: str, licence: str) -> None:
    assert ("found", licence) in said(commented(f"Frob solver.\n\n{words}\n", sign) + "\n      X = 1\n")


def test_a_letter_is_no_comment_sign_in_code_and_prose() -> None:
    licensed = "Copyright (c) 2020 Ada Roe. MIT License\n"
    assert said(f"# {licensed}c = 1\nc = 2\n") == [("found", "MIT")]
    assert head("C is a language, and so is\nC++.\n")[0].outcome == "none"


@pytest.mark.parametrize(
    ("text", "notice"),
    (
        ("(* Copyright 1996 Ada Roe *)", "Copyright 1996 Ada Roe"),
        ("(****)\n(*   Copyright (c) 1996 Ada Roe   *)\n(****)", "Copyright (c) 1996 Ada Roe"),
        ("--[[ Copyright 1996 Ada Roe ]]", "Copyright 1996 Ada Roe"),
        ("{{!-- Copyright 1996 Ada Roe --}}", "Copyright 1996 Ada Roe"),
        ("// Frob Copyright (c) 1996, Ada Roe", "Copyright (c) 1996, Ada Roe"),
        ("/* This is part of the frob package. Copyright 1996 Ada Roe */", "Copyright 1996 Ada Roe"),
        ('__copyright__ = "Copyright 1996 Ada Roe"', "Copyright 1996 Ada Roe"),
        ('note\n\tcopyright: "Copyright (c) 1996, Ada Roe"', "Copyright (c) 1996, Ada Roe"),
    ),
)
def test_owners_are_kept_wherever_their_line_begins(text: str, notice: str) -> None:
    assert head(f"{text}\n\nx y z\n")[0].copyrights == (notice,)


def test_code_and_secrets_beside_an_owner_are_not_kept() -> None:
    for text in ('x = f(a, "Copyright (c) 1990 Ada Roe")', "# x Copyright 2000 Ada; password = 'invented'"):
        assert head(f"{text}\n")[0].copyrights == ()
