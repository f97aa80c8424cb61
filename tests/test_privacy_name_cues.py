"""Name cues: names behind what people write before them, in the marks of every format, and what is no name."""

import pytest
from redactions import found

from gleanery.privacy.redact import Redactor

ONE, TWO = "Wilma Feuerhahn", "Otto Quast"


def names(redactor: Redactor, text: str, path: str = "notes.md") -> list[str]:
    return [value for entity, value in found(redactor, text, path) if entity == "NAME"]


@pytest.mark.parametrize(
    "text",
    [
        f"It was suggested by {ONE}, and found by {TWO} from the zoo.",
        f"Credit\n======\n\nThis issue was discovered by `{ONE}`_.\nIt was also identified by {TWO} of `Birch`_.",
        f"/* Written and placed in the public domain by {ONE}. Auto-detection implementation by {TWO} */",
        f" * This code is derived from software contributed to Berkeley by\n * {ONE}.\n * Bug fixes from {TWO}\n",
        f" * software contributed to The Birch Foundation\n * by {ONE}, as pointed out\n * by {TWO}\n",
        f"- More speed (thanks {ONE})\n- More tests (Thanks, {TWO}!)\n",
        f"Icons are courtesy of {ONE}. Original credit to {TWO} under MIT license.",
        f"#### [birch](https://birch.invalid)\n*by {ONE}*\n\n_by [{TWO}](https://quast.invalid)_\n",
        f"/* gate.c\n *\n * By: {ONE}, October 2007\n * reported by _{TWO}_\n */",
    ],
)
def test_names_behind_what_they_did_are_found(redactor: Redactor, text: str) -> None:
    assert names(redactor, text, "gate.c") == [ONE, TWO]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("gate.1", f"This page was written by \\fB{ONE}\\fR and \\fI{TWO}\\fP for the zoo.\n"),
        ("CHANGELOG.md", f"- fails \\(reported by {ONE}\\)\n- hangs \\[reported by {TWO}\\] \\#12\n"),
        ("index.html", f"<p>Written by <strong>{ONE}</strong>, <b>{TWO}</b></p>"),
    ],
)
def test_names_in_the_marks_of_a_format_are_found(redactor: Redactor, path: str, text: str) -> None:
    assert names(redactor, text, path) == [ONE, TWO]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("README.md", f"- [{ONE}](https://github.com/wfeuer) fixed it.\n- [**{TWO}**](https://x.com/quast) (@quast)\n"),
        (
            "README.rst",
            f"By `{ONE} <https://gitlab.com/wfeuer>`_ and `{TWO} <https://www.linkedin.com/in/quast/>`__.\n",
        ),
        (
            "index.html",
            f'<a class="b" href="https://github.com/wf">{ONE}</a> <a href="https://orcid.org/1-2">{TWO}</a>',
        ),
        ("README.md", f"- [Gates](https://birch.invalid/gates) by {ONE}\n- [Elms](https://elm.invalid/) by {TWO}\n"),
    ],
)
def test_names_that_are_links_to_accounts_and_behind_titles_are_found(redactor: Redactor, path: str, text: str) -> None:
    assert names(redactor, text, path) == [ONE, TWO]


@pytest.mark.parametrize(
    "text",
    [
        "[Birch Gates](https://github.com/birch/gates) and [Birch Gates](https://birch.invalid/x)",
        "[Home Page](https://github.com/birch), [Follow Me](https://x.com/birch), [白桦](https://github.com/birch)",
        "[Birch Foundation](https://github.com/birch) [Ada Birch: how we made gates](https://x.com/birch)",
        "[Gates](https://birch.invalid/gates) by Great Gates of elm",
    ],
)
def test_links_that_are_no_persons_are_left(redactor: Redactor, text: str) -> None:
    assert names(redactor, text) == []


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("{Jean{-}Philippe Feuer and\n  Otto Quast}", ["Jean{-}Philippe Feuer", TWO]),
        ("{Wilma {Feuerhahn} and Otto Quast}", ["Wilma {Feuerhahn}", TWO]),
        ("{Quast, Otto and {van der Feuer}, Wilma}", ["Quast, Otto", "{van der Feuer}, Wilma"]),
        ('{Jo{\\"{e}}l Feuer and {\\"O}tto Quast}', ['Jo{\\"{e}}l Feuer', '{\\"O}tto Quast']),
        ("{Mar\\'{\\i}a Feuer and K\\\"ur\\c{s}at Quast}", ["Mar\\'{\\i}a Feuer", 'K\\"ur\\c{s}at Quast']),
        ('"F{\\"u}er, Wilma and Quast, Otto"', ['F{\\"u}er, Wilma', "Quast, Otto"]),
        ("{Eik List and Jun, Wilma \\\nand Driver, O. and others}", ["Eik List", "Jun, Wilma", "Driver, O."]),
        ("{{Feuer}, W.~K. and {Qu{\\u a}st}, O.}", ["{Feuer}, W.~K.", "{Qu{\\u a}st}, O."]),
    ],
)
def test_names_of_a_bibliography_go_with_their_brackets_and_accents(
    redactor: Redactor, field: str, expected: list[str]
) -> None:
    text = f"@book{{a,\n  author = {field},\n  title = {{Great Gates}}\n}}\n"
    assert names(redactor, text, "a.bib") == expected
    after = redactor.redact(text, "a.bib", None).text
    assert after.count("{") == after.count("}") and "title = {Great Gates}" in after


@pytest.mark.parametrize(
    "text",
    [
        f"Thanks to {ONE},\n{TWO} and the others.",
        f"// Copyright (c) 2020 {ONE} and\n//                    {TWO}\n",
        f"Thanks {ONE}, {TWO} for the gate\n",
    ],
)
def test_a_list_of_names_may_go_on_in_the_next_line(redactor: Redactor, text: str) -> None:
    assert names(redactor, text, "gate.c") == [ONE, TWO]


def test_what_follows_a_comma_at_the_end_of_a_line_may_be_no_name(redactor: Redactor) -> None:
    text = f" * Copyright 2020 {ONE},\n *   Birch Universitaet Elm\n\nReported by {TWO},\nGreat Gates are better.\n"
    assert names(redactor, text, "gate.c") == [ONE, TWO]


@pytest.mark.parametrize(
    "text",
    [
        "Thanks Stack Overflow",
        "author = {The Birch Team and {Elm Foundation} and others}",
        "discrepancy between the number of words reported by DMA Peripheral and the numbers",
        "elements that are reported by EXPLAIN QUERY PLAN output",
        "found by Clang Static Analyzer, and discovered by Address Sanitizer",
        "Copyright (c) 2017, Birch Electric\nCopyright 2019 Birch Game Tools and Elm Software",
        "Copyright (c) 2021 Birch Elm (Trading) Ltd.\nCopyright (c) 2006 Ada Birch ELMCO s.r.o.\n",
        '"Language-Team: Brazilian Portuguese <birch-list@elm.org>\\n"',
        "* by Default Value\n/*by Great Code for all*/",
    ],
)
def test_what_is_no_person_is_left(redactor: Redactor, text: str) -> None:
    assert names(redactor, text, "gate.c") == []
