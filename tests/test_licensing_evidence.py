"""Where licences are stated beside licence files: manifests, records and READMEs."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from licence_texts import MIT_OF_MANY

from gleanery.licensing import readme_findings
from gleanery.licensing.answers import ALLOW
from gleanery.licensing.conclude import conclude
from gleanery.licensing.evidence import find, reading_scopes
from gleanery.licensing.expressions import POINTER
from gleanery.licensing.fields import resolved
from gleanery.licensing.findings import NO_TRAINING, Finding
from gleanery.licensing.grants import with_mentions
from gleanery.licensing.manifest_names import manifest_form
from gleanery.licensing.manifests import statements
from gleanery.licensing.names import license_role
from gleanery.licensing.policy import Policy
from gleanery.licensing.readme import own_lines
from gleanery.licensing.reuse import debian_expression, matches, records
from gleanery.licensing.scan import Scanner
from gleanery.licensing.statements import FileFacts

GOLDEN = Path(__file__).parent / "golden/licensing"
MANIFESTS: list[dict[str, Any]] = tomllib.loads((GOLDEN / "manifests.toml").read_text("utf-8"))["case"]
READMES: dict[str, dict[str, str]] = tomllib.loads((GOLDEN / "readmes.toml").read_text("utf-8"))
SCANNER = Scanner()
FORMS = sorted({form for case in MANIFESTS if (form := manifest_form(case["name"])) is not None})


@pytest.mark.parametrize("case", MANIFESTS, ids=[f"{n}-{c['name']}" for n, c in enumerate(MANIFESTS)])
def test_a_manifest_states_what_its_fields_say(case: dict[str, Any]) -> None:
    form = manifest_form(case["name"])
    assert form is not None and license_role(case["name"]) == "metadata"
    found = statements(case["text"], form)
    assert [f"-> {s.file}" if s.file is not None else s.words for s in found] == case["states"]
    assert all(1 <= s.line <= case["text"].count("\n") + 1 for s in found)


@given(st.sampled_from(FORMS), st.text(max_size=400))
@settings(max_examples=300)
def test_no_text_breaks_a_reader_of_manifests(form: str, text: str) -> None:
    for said in statements(text, form) + statements(f'license = "{text}"\n"license": "{text}"', form):
        assert said.words.strip()


@pytest.mark.parametrize("form", FORMS)
def test_hostile_manifests_are_read_to_their_end(form: str) -> None:
    # A reader of quadratic time would take hours here.
    for text in (
        "license" * 60_000,
        "license = [" * 20_000,
        "<license>" * 40_000,
        "[" * 100_000,
        '{"license":' * 20_000,
        "License: " + "A OR " * 60_000,
        "classifiers =\n" + "  License :: a\n" * 20_000,
    ):
        assert len(statements(text, form)) <= 64


def test_a_manifest_that_is_too_long_is_a_doubt() -> None:
    found = find(SCANNER, b'{"license": "MIT", "x": "' + b"a" * 600_000 + b'"}', "json")
    assert [(f.outcome, f.expression) for f in found] == [("unknown", None)]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("MIT", "MIT"),
        ("MIT and Commercial", "LicenseRef-scancode-commercial-license AND MIT"),
        ("Artistic or GPL-1+", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
        ("BSD and GPL or MIT", "(BSD-3-Clause AND GPL-1.0-or-later) OR MIT"),
        ("GPL v2 or later", "GPL-2.0-or-later"),
        ("PHP License", "PHP-3.01"),
        ("BSD2", "BSD-2-Clause"),
        ("UNLICENSED", "UNLICENSED"),
        ("All rights reserved.", "LicenseRef-scancode-proprietary-license"),
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception"),
        ("MIT,GPL-2.0", "GPL-2.0-only AND MIT"),
        ("MIT GPL-3.0-only", "GPL-3.0-only AND MIT"),
        ("MIT,Apache-2.0;ISC", "Apache-2.0 AND MIT AND ISC"),
        ("Apache 2.0", "Apache-2.0"),
        ("MIT Elastic", None),
        ("AllRightsReserved", "LicenseRef-scancode-proprietary-license"),
        ("restricted", "LicenseRef-scancode-proprietary-license"),
        ("http://dev.perl.org/licenses/", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
        ("https://github.com/ada/frob/blob/main/LICENSE", "LicenseRef-scancode-unknown-license-reference"),
        ("https://github.com/ada/frob/blob/main/terms.c", None),
        ("Copyright Contributors to the Frob Project.", "LicenseRef-scancode-unknown-license-reference"),
        ("Copyright 2020 Acme Inc. All rights reserved.", None),
        ("Copyright Acme, for internal use", None),
        ("Modified BSD License", "BSD-3-Clause"),
        ("Apache 2.0 modified", None),
        ("Enterprise License", None),
        ("MIT with a ban on Tuesdays", None),
        ("MIT and Enterprise License", None),
        ("MIT, except for non-commercial use", None),
    ],
)
def test_the_words_of_a_field_are_a_licence_only_beyond_doubt(words: str, answer: str | None) -> None:
    found = resolved(SCANNER, words)
    certain = len(found) == 1 and found[0].outcome == "found"
    said = found[0].expression if certain else None
    assert (said and Policy.load().category(said), certain) == (answer and Policy.load().category(answer), bool(answer))
    assert sorted((said or "").split()) == sorted((answer or "").split())


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("/** @var License */\nprivate $license;\n", []),
        ("class License {\n  private $name;\n", []),
        ("// License: Private\n", ["found LicenseRef-scancode-proprietary-license"]),
        ("/*\n * This is an open source non-commercial project. Dear PVS-Studio, please check it.\n */\n", []),
        ("/* Do not use this in commercial products. */\n", ["found LicenseRef-gleanery-limited-use"]),
        ("/* We do not use the counter in commercial builds. */\n", []),
        ("/* For non-commercial use only. */\n", ["found LicenseRef-scancode-proprietary-license"]),
        ("/* A BSD-style daemon function, as the books have it. */\n", []),
        ("/* Released under a BSD-style. See the LICENSE\n   file for details. */\n", [f"found {POINTER}"]),
    ],
)
def test_a_head_states_a_licence_only_in_words_of_law(head: str, says: list[str]) -> None:
    found = find(SCANNER, head.encode(), "head")
    assert [f"{f.outcome} {f.expression}" for f in found if f.outcome not in ("none", "mentioned")] == says


@pytest.mark.parametrize("scope", ["whole", "readme"])
def test_the_licence_of_what_is_not_included_is_not_that_of_the_work(scope: str) -> None:
    text = "# Licence\n\nThis library is licensed under the MIT license.\n\nNote that {} is licensed under the GPL.\n"
    without = find(SCANNER, text.format("libfrob (not included)").encode(), scope)
    assert {f.expression for f in without if f.outcome == "found"} == {"MIT"}
    beside = find(SCANNER, text.format("this library").encode(), scope)
    assert "GPL" in " ".join(str(f.expression) for f in beside if f.outcome == "found")


def test_a_licence_is_known_though_code_below_it_has_words_of_law() -> None:
    code = "int x;\n" * 20 + "/* if negative values are permitted */\n"
    found = find(SCANNER, f"/*\n{MIT_OF_MANY}*/\n{code}".encode(), "head")
    assert [f"{f.outcome} {f.expression}" for f in found] == ["found MIT"]


WORDS = st.sampled_from(["MIT", "GPL-3.0-only", "Commercial", "Foo", "BSD", "BUSL-1.1"])


@given(st.lists(WORDS, min_size=1, max_size=4), st.sampled_from([" and ", ", ", " AND ", " & "]))
@settings(max_examples=60)
def test_no_part_of_a_list_of_licences_is_lost(words: list[str], sign: str) -> None:
    found = resolved(SCANNER, sign.join(words))
    allowed = all(f.outcome == "found" and Policy.load().answer(f.expression) == ALLOW for f in found)
    assert not allowed or set(words) <= {"MIT", "BSD"}


@pytest.mark.parametrize("name", READMES)
def test_a_readme_speaks_of_itself_only_where_it_says_so(name: str) -> None:
    case = READMES[name]
    found = find(SCANNER, case["text"].encode(), "readme")
    said = [f"{f.outcome} {f.expression}" for f in found if f.outcome in ("found", "mentioned")]
    assert said == list(case["says"])


def test_a_name_that_is_known_in_its_own_sentence_is_no_unknown_licence() -> None:
    known, unknown = "Licensed under the Apache License, Version 2.0", "Licensed under the Acme Enterprise License"
    doubts = [readme_findings._unheard(SCANNER, ["# Frob", f"{words}."]) for words in (known, unknown)]
    assert list(map(bool, doubts)) == [False, True]


@given(st.lists(st.text(max_size=80), max_size=20))
def test_any_readme_has_lines_of_its_own_or_none(lines: list[str]) -> None:
    assert own_lines(lines) <= set(range(1, len(lines) + 1))


def test_the_long_lines_of_a_readme_are_read_to_their_end() -> None:
    # A reader of quadratic time would take hours here.
    found = own_lines(["this project " * 40_000, "# " * 200_000, "is licensed " * 50_000, "licensed under " * 40_000])
    assert found <= {1, 2, 3, 4}


def test_a_reservation_is_found_in_every_kind_of_file() -> None:
    said = "This work may not be used to train AI models."
    for path, text in (
        ("package.json", json.dumps({"license": "MIT", "description": said}, indent=1)),
        ("README.md", f"# A\n\n{said}\n"),
        ("a.c", f"// {said}\n"),
        ("LICENSE", f"{said}\n"),
        ("pyproject.toml", f'[project]\nlicense = "MIT"\n# {said}\n'),
    ):
        found = [f for scope in reading_scopes(path) for f in find(SCANNER, text.encode(), scope)]
        assert NO_TRAINING in {f.expression for f in found if f.outcome == "found"}, path


@pytest.mark.parametrize(
    ("pattern", "paths", "others"),
    [
        ("reuse:*", "a b.c", "a/b"),
        ("reuse:**", "a a/b a/b/c.d", ""),
        ("reuse:src/**/t.c", "src/a/t.c src/a/b/t.c src/t.c", "src/t.h"),
        ("reuse:**/*.c", "t.c a/t.c a/b/t.c", "t.h"),
        ("reuse:a\\*b", "a*b", "axb"),
        ("debian:*", "a a/b/c", ""),
        ("debian:src/*.c", "src/a.c src/x/a.c", "a.c src/a.h"),
        ("debian:a?c", "abc", "ac abbc"),
        ("debian:a.c", "a.c", "abc"),
    ],
)
def test_patterns_name_the_files_that_their_specification_says(pattern: str, paths: str, others: str) -> None:
    assert [p for p in (paths + " " + others).split() if matches(pattern, p)] == paths.split()


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_pattern_breaks_the_matcher(pattern: str, path: str) -> None:
    for kind in ("reuse", "debian"):
        assert matches(f"{kind}:{pattern}", path) in (True, False)


def test_records_that_cannot_be_read_are_no_records() -> None:
    assert records("version = [[", "reuse-toml") is None
    assert records("[[annotations]]\npath = 1\nSPDX-License-Identifier = 2\n", "reuse-toml") is None
    assert records("This package was made by hand.\n", "debian") is None
    assert records("x" * 2_000_000, "dep5") is None
    many = "[[annotations]]\npath = 'a'\nSPDX-License-Identifier = 'MIT'\n" * 2001
    assert records(many, "reuse-toml") is None
    assert [f.outcome for f in find(SCANNER, many.encode(), "reuse-toml")] == ["unknown"]


def test_a_later_version_of_a_licence_in_a_tag_includes_this_one() -> None:
    found = find(SCANNER, b"# SPDX-License-Identifier: Apache-2.0+ OR GPL-2.0+\n", "head")
    assert [f.expression for f in found] == ["Apache-2.0 OR GPL-2.0-or-later"]


@pytest.mark.parametrize("name", ["Expat", "BSD", "GPL-2+ or Expat"])
def test_the_text_of_a_record_may_limit_what_its_name_permits(name: str) -> None:
    head = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\n"
    text = f"{head}License: {name}\n\nLicense: {name.split()[-1]}\n Granted for research purposes only.\n"
    found = find(SCANNER, text.encode(), "debian")
    assert [f.outcome for f in found] == ["found"] and "limited-use" in str(found[0].expression)
    assert Policy.load().answer(found[0].expression) != ALLOW


@pytest.mark.parametrize(
    ("line", "limits"),
    [
        ("Frob is licensed for research use only. The data it needs is under CC-BY-4.0.", True),
        ("Frob uses libfoo, which is licensed for research use only. The rest is free.", False),
    ],
)
def test_a_limit_in_a_readme_is_judged_by_its_own_sentence(line: str, limits: bool) -> None:
    found = find(SCANNER, f"# Frob\n\n**Usage**: {line}\n".encode(), "readme")
    assert any("limited-use" in str(f.expression) for f in found if f.outcome == "found") == limits


def test_short_names_of_debian_are_expressions() -> None:
    words = (
        "Expat",
        "GPL-2",
        "LGPL-2.1+",
        "Apache-2.0 or GPL-3+",
        "BSD-3-clause",
        "Expat, GPL-2+,",
        "ISC, Expat or GPL-2+",
    )
    assert [debian_expression(w) for w in words] == [
        "MIT",
        "GPL-2.0-only",
        "LGPL-2.1-or-later",
        "Apache-2.0 OR GPL-3.0-or-later",
        "BSD-3-Clause",
        "MIT AND GPL-2.0-or-later",
        "ISC OR MIT OR GPL-2.0-or-later",
    ]


@given(st.binary(max_size=300), st.sampled_from(["head", "whole", "readme", "reuse-toml", "dep5", "debian", *FORMS]))
@settings(max_examples=150)
def test_every_reading_gives_at_least_one_finding(content: bytes, scope: str) -> None:
    found = find(SCANNER, content, scope)
    assert found and found == find(SCANNER, content, scope)


def test_a_mention_is_a_claim_that_grants_nothing_and_can_refuse() -> None:
    head = find(SCANNER, b"# Uses parts of Frob (MIT License).\nx = 1\n", "head")
    assert [(f.outcome, f.expression, f.start_line) for f in head] == [("mentioned", "MIT", 1)]
    unlicense = find(SCANNER, b"SPDX-License-Identifier: Unlicense\n", "whole")
    files = [FileFacts("a.py", "a.py", "0" * 40, head=head), FileFacts("LICENSE", "LICENSE", "1" * 40, whole=unlicense)]
    said = next(c for c in conclude(files, None) if c.file_id == "a.py")
    assert [(c.source, c.expression) for c in said.claims] == [("mentioned", "MIT")]
    assert said.header_expression is None and not said.conflict
    reasons = {name: Policy.load(name).judge(said).reason for name in ("permissive", "strict", "attribution-free")}
    assert reasons == {"permissive": "kept", "strict": "kept", "attribution-free": "license_conflict"}


def test_a_finding_beyond_the_lines_of_a_text_is_no_error() -> None:
    assert [f.outcome for f in with_mentions([Finding("found", "MIT", 100.0, "license-field", 9, 9)], ["x"])] == [
        "mentioned"
    ]
