"""Which licence a text is, and when it is none any more: the files of `golden/licensing/texts`."""

import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gleanery.licensing.answers import DENY
from gleanery.licensing.evidence import find
from gleanery.licensing.findings import CHANGED, CHANGED_TEXT, Finding
from gleanery.licensing.policy import Policy
from gleanery.licensing.scan import Scanner

GOLDEN = Path(__file__).parent / "golden/licensing"
TEXTS: dict[str, list[str]] = tomllib.loads((GOLDEN / "texts.expected.toml").read_text("utf-8"))
RESTRICTIONS = (GOLDEN / "restrictions.txt").read_text("utf-8").splitlines()
HARMLESS = (GOLDEN / "harmless.txt").read_text("utf-8").splitlines()
LICENSES = Path((find_spec("licensedcode").submodule_search_locations or [""])[0]) / "data/licenses"  # type: ignore[union-attr]
PERMISSIVE = {
    "mit": "MIT",
    "bsd-new": "BSD-3-Clause",
    "bsd-simplified": "BSD-2-Clause",
    "apache-2.0": "Apache-2.0",
    "isc": "ISC",
    "zlib": "Zlib",
    "boost-1.0": "BSL-1.0",
    "unlicense": "Unlicense",
    "bsd-zero": "0BSD",
    "cc0-1.0": "CC0-1.0",
}
SCANNER = Scanner(seconds=60.0)
POLICY = Policy.load()


def shipped(key: str) -> str:
    """A licence text as the detector ships it."""
    return (LICENSES / f"{key}.LICENSE").read_text("utf-8").split("---\n", 2)[2]


def said(found: tuple[Finding, ...]) -> list[str]:
    return [f"{f.outcome}: {f.expression or '-'}, lines {f.start_line}-{f.end_line}, {f.rule}" for f in found]


def test_every_text_has_an_expected_answer() -> None:
    assert sorted(p.name for p in (GOLDEN / "texts").iterdir()) == sorted(TEXTS)


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_the_licence_that_a_person_would_call_it(name: str) -> None:
    assert said(SCANNER.scan((GOLDEN / "texts" / name).read_bytes(), "whole")) == TEXTS[name]


@given(
    st.sampled_from(sorted(PERMISSIVE)),
    st.sampled_from(RESTRICTIONS),
    st.integers(0),
    st.sampled_from(["\n", " ", "\n\n"]),
)
@settings(max_examples=60, deadline=None)
def test_a_permissive_text_with_a_restriction_anywhere_is_never_let_through_as_the_plain_licence(
    key: str, restriction: str, at: int, gap: str
) -> None:
    pieces = shipped(key).split(gap)
    place = at % (len(pieces) + 1)
    text = gap.join([*pieces[:place], restriction, *pieces[place:]])
    found = SCANNER.scan(text.encode(), "whole")
    doubted = any(f.outcome in ("unknown", "changed") for f in found)
    # Or the detector knows the restriction by its words, and names it beside the licence: both must be met.
    assert doubted or any(POLICY.answer(f.expression) == DENY for f in found), said(found)


@given(st.sampled_from(sorted(PERMISSIVE)), st.sampled_from(HARMLESS), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_sentence_that_takes_nothing_away_changes_no_licence(key: str, sentence: str, above: bool) -> None:
    text = f"{sentence}\n\n{shipped(key)}" if above else f"{shipped(key)}\n\n{sentence}\n"
    found = SCANNER.scan(text.encode(), "whole")
    assert not any((f.rule or "").startswith(CHANGED) for f in found), said(found)


OWNERS = [
    "Copyright (c) 2020 Nora Nobody",
    "Frob 2.0",
    "FROB LICENSE",
    "Written by Ada Invented",
    "=====",
    "All rights reserved.",
]


@given(
    st.sampled_from(sorted(PERMISSIVE)),
    st.lists(st.sampled_from(OWNERS), max_size=4, unique=True),
    st.sampled_from(["", "# ", " * ", "> ", "// "]),
)
@settings(max_examples=60, deadline=None)
def test_owners_titles_and_comment_signs_change_no_licence(key: str, above: list[str], sign: str) -> None:
    lines = [*above, "", *shipped(key).splitlines()]
    found = SCANNER.scan("".join(f"{sign}{line}\n" for line in lines).encode(), "whole")
    assert [f.expression for f in found] == [PERMISSIVE[key]], said(found)


def test_the_answer_is_the_same_when_it_is_remembered_and_in_any_order() -> None:
    contents = [(GOLDEN / "texts" / name).read_bytes() for name in sorted(TEXTS)]
    kept: dict[str, Any] = {}

    class Kept:
        def get(self, key: str) -> Any:
            return kept.get(key)

        def put(self, values: dict[str, Any]) -> None:
            kept.update(values)

    first = [Scanner(store=Kept()).scan(content, "whole") for content in contents]
    warm = Scanner(store=Kept())
    assert [warm.scan(content, "whole") for content in reversed(contents)][::-1] == first
    assert warm.tally["exact"] == warm.tally["closest"] == 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [("bsd_twice.txt", ["BSD-3-Clause"]), ("bsd_twice_for_members.txt", [f"BSD-3-Clause AND {CHANGED_TEXT}"])],
)
def test_two_texts_in_one_head_are_not_a_third_one(name: str, expected: list[str]) -> None:
    text = (GOLDEN / "texts" / name).read_text("utf-8").splitlines()
    head = "".join(f"// {line}".rstrip() + "\n" for line in text if not line.startswith("="))
    found = SCANNER.scan(f"{head}\npackage frob\n".encode(), "head")
    assert sorted({f.expression or "" for f in found}) == expected, said(found)


BELOW = {
    "#include <a.h>\n/* We only need to append, but cannot use one large block here without copying. */": False,
    "'use strict'\nconst path = require('path')": False,
    "#ifndef NO_COPY\nusing boost::int64_t;\n#endif": False,
    "/*\n * Users must not notice unless they use two parsers at the same time.\n */": False,
    "/* You may not redistribute this file without the permission of Acme. */": True,
    "/* Commercial use is prohibited. */": True,
}


@pytest.mark.parametrize("below", BELOW)
@pytest.mark.parametrize("key", ["mit", "bsd-new", "isc"])
def test_code_and_other_comments_change_a_licence_only_where_they_speak_of_the_work(key: str, below: str) -> None:
    text = shipped(key).replace("the copyright holder nor", "Nora Nobody and friends nor").strip().splitlines()
    comment = "\n".join(["/*", *(f" * {line}".rstrip() for line in ("Copyright 2020 A. Nother", "", *text)), " */"])
    gap = "\n" if below.startswith("'") else "\n\n"
    found = find(SCANNER, f"{comment}{gap}{below}\nint a;\n".encode(), "head")
    doubted = any(f.outcome == "changed" or POLICY.answer(f.expression) == DENY for f in found)
    assert doubted == BELOW[below], said(found)


def test_a_line_across_a_comment_ends_what_it_says_of_the_licence() -> None:
    text = [*shipped("bsd-new").strip().splitlines(), "-" * 60, "", "Users should not notice unless they use threads."]
    found = SCANNER.scan("".join(f"# {line}\n" for line in text).encode(), "head")
    assert [f.expression for f in found] == ["BSD-3-Clause"], said(found)


@pytest.mark.parametrize(
    "above",
    [
        ["The frob library is distributed under the New BSD license:", ""],
        [
            "Original file name frob.c  Initial import into the tree of Frob on 2007-04-11.  Lifted from version 5.2",
            "of 'Open Frob' with the modified BSD license, BSD license without the advertising clause.",
            "*/",
            "",
            "/*",
        ],
    ],
)
def test_a_text_is_known_below_a_sentence_that_names_it(above: list[str]) -> None:
    text = shipped("bsd-new").replace("the copyright holder nor", "Nora Nobody nor").strip()
    text = text.replace("COPYRIGHT OWNER OR\nCONTRIBUTORS", "NORA NOBODY OR\nHER FRIENDS")
    lines = [*above, "Copyright (c) 2009, Nora Nobody", "", *text.splitlines()]
    comment = "\n".join(["/*", *(line if line in ("*/", "/*", "") else f" * {line}" for line in lines), " */"])
    found = find(SCANNER, f"{comment}\nint a;\n".encode(), "head")
    assert [f.expression for f in found if f.outcome == "found"] == ["BSD-3-Clause"], said(found)
    assert not any(f.outcome in ("unknown", "changed") for f in found), said(found)


def test_a_permission_without_restriction_is_heard_behind_the_name_of_its_owner() -> None:
    head = "/*\n * COPYRIGHT (C) 1986 Gary S. Brown.  You may use this program, or code or tables\n"
    head += " * extracted from it, as desired without restriction.\n */\nint a;\n"
    (found,) = find(SCANNER, head.encode(), "head")
    assert found.expression == "LicenseRef-scancode-gary-s-brown"


def test_a_refused_licence_stays_what_it_is_however_it_was_changed() -> None:
    text = shipped("gpl-2.0") + "\nCommercial use of this program is not permitted.\n"
    assert [f.expression for f in SCANNER.scan(text.encode(), "whole")] == ["GPL-2.0-only"]


def test_a_changed_text_names_the_licence_that_it_was_and_the_line_of_the_change() -> None:
    text = shipped("isc") + "\nIn schools only.\nYou may not sell it.\n"
    (found,) = SCANNER.scan(text.encode(), "whole")
    assert (found.outcome, found.expression) == ("changed", f"ISC AND {CHANGED_TEXT}")
    assert found.rule is not None and found.rule.startswith(CHANGED) and "isc" in found.rule
    assert text.splitlines()[(found.start_line or 0) - 1].startswith(("In schools", "You may"))
