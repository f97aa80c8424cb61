"""Names in lists of authors: in brackets, in objects, in lines and in bibliographies. All persons are invented."""

import json

import pytest
from redacted import found

from gleanery.privacy.redact import Redactor

ONE, TWO, THREE = "Wilma Feuerhahn", "Tove Lindqvist", "Jean-Luc Dubois"


def names(redactor: Redactor, path: str, text: str) -> list[str]:
    return [value for kind, value in found(redactor, text, path) if kind == "NAME"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Cargo.toml", f'authors = [\n    "{ONE}",\n    "{TWO} <user1@example.com>",\n    "{THREE}",\n]\n'),
        ("setup.py", f"__author__ = ['{ONE}', \"{TWO}\"]\nmaintainers = ['{THREE}']\n"),
        ("package.json", json.dumps({"contributors": [ONE, f"{TWO} (https://x.invalid)", THREE]}, indent=2)),
        ("composer.lock", json.dumps({"authors": [{"name": n, "role": "x"} for n in (ONE, TWO, THREE)]}, indent=1)),
        ("package.json", json.dumps({"maintainers": [{"email": "a@b.test", "name": n} for n in (ONE, TWO, THREE)]})),
        (
            "pyproject.toml",
            f'authors = [\n {{email = "a@b.test", name = "{ONE}"}},\n {{name = "{TWO}"}},{{name="{THREE}"}}]',
        ),
        (".all-contributorsrc", json.dumps({"contributors": [{"login": "x", "name": n} for n in (ONE, TWO, THREE)]})),
        ("x.podspec", f"s.authors = {{ '{ONE}' => 'a@b.test', '{TWO}' => 'c@d.test', '{THREE}' => '' }}\n"),
        (
            "build.gradle",
            f"developers {{ developer {{ id = 'x'; name = '{ONE}' }}\n developer {{ name '{TWO}' }} }}\n"
            f"// Author: {THREE}",
        ),
        (
            "build.gradle.kts",
            f'developers {{\n developer {{\n name.set("{ONE}") }}\n developer {{ name.set("{TWO}") }}\n}}\n'
            f"// Author: {THREE}",
        ),
        (
            "Chart.yaml",
            f"maintainers:\n  - name: {ONE}\n    email: a@b.test\n  - name: {TWO}\n  - email: x\n    name: {THREE}\n",
        ),
        ("galaxy.yml", f"authors:\n- {ONE}\n- {TWO} <a@b.test>\n\n- '{THREE}'\nname: Birch Tree\n"),
        ("_config.yml", f"author:\n  name: {ONE}\n  url: https://x\ncontributors:\n  - {TWO}\n  - {THREE}\n"),
        ("a.c", f"/*\n * Authors:\n *   {ONE} <a@b.test>\n *   {TWO}\n *   {THREE}\n *\n * The Great Code\n */\n"),
        ("a.py", f"# Author: {ONE} <a@b.test>\n#         {TWO} <c@d.test>\n#         {THREE}\n# Great Code\n"),
        ("dune-project", f'(authors "{ONE}" "{TWO}")\n(maintainers "{THREE}")\n'),
        ("index.html", f'<meta name="author" content="{ONE}">\n<meta name="author" content="{TWO}, {THREE}">'),
        ("CONTRIBUTORS.md", f"| {ONE} | port |\n- @wf {TWO}\n<td><a href='x'><sub><b>{THREE}</b></sub></a></td>\n"),
        ("a.bib", f"@article{{x,\n author = {{{ONE} and {TWO}\n and {THREE}}},\n}}\n"),
    ],
)
def test_every_name_of_a_list_of_authors_is_found(redactor: Redactor, path: str, text: str) -> None:
    assert names(redactor, path, text) == [ONE, TWO, THREE]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.cff", "authors:\n  - family-names: Feuerhahn\n    given-names: Wilma K.\n", ["Feuerhahn", "Wilma K."]),
        ("codemeta.json", '{"author": [{"familyName": "van Feuer", "givenName": "Wilma"}]}', ["van Feuer", "Wilma"]),
        (
            ".zenodo.json",
            '{"creators": [{"name": "Feuer, Wilma"}, {"name": "Zweig, B."}]}',
            ["Feuer, Wilma", "Zweig, B."],
        ),
        ("a.bib", "author = {Feuerhahn, Wilma and van der Zweig, B. K.}", ["Feuerhahn, Wilma", "van der Zweig, B. K."]),
        ("a.json", '{"authors": ["J\\u00f6rg M\\u00fcller"]}', ["J\\u00f6rg M\\u00fcller"]),
        ("a.cob", "000010 IDENTIFICATION DIVISION.\n000020 AUTHOR. WILMA FEUERHAHN.\n", ["WILMA FEUERHAHN"]),
        ("a.cob", f"       AUTHOR.     {ONE}.\n", [ONE]),
        ("a.c", "// @author Zacharias S.L. Feuer\n", ["Zacharias S.L. Feuer"]),
    ],
)
def test_names_in_parts_and_other_forms_go_as_a_whole(
    redactor: Redactor, path: str, text: str, expected: list[str]
) -> None:
    assert names(redactor, path, text) == expected


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.json", '{"authors": [{"title": "Great Code", "name": "Feldweg Foundation"}]}'),
        ("a.js", "const authors = []; const title = ['Great Code']"),
        ("a.yml", "authors:\nname: Birch Tree\n"),
        ("a.yml", "authors:\n  - https://x.invalid\nsteps:\n  - Birch Tree\n"),
        ("a.py", "# Authors:\n# see the file\n# Birch Tree\n"),
        ("a.js", "developers(['Birch Tree']); class Author { title = 'Great Code' }"),
        ("a.json", '{"contributors": {"url": "Birch Tree"}}'),
        ("a.bib", "author = {The Feldweg Team and others}"),
        ("a.md", "Authors\n\nGreat Code is good.\n"),
        ("CONTRIBUTORS.md", "| Name | Great Code |\n| The project | Birch Tree |\n"),
    ],
)
def test_what_stands_near_a_list_of_authors_is_left(redactor: Redactor, path: str, text: str) -> None:
    assert names(redactor, path, text) == []


@pytest.mark.parametrize("path", ["a.json", "a.py", "a.yml"])
def test_a_list_of_authors_still_parses_and_settles(redactor: Redactor, path: str) -> None:
    text = f'{{"authors": [{{"name": "{ONE}"}}, {{"given": "Tove", "family": "Lindqvist"}}]}}'
    once = redactor.redact(text, path, None)
    assert once.text == '{"authors": [{"name": "NAME_1"}, {"given": "NAME_2", "family": "NAME_3"}]}'
    assert redactor.redact(once.text, path, None).replacements == ()


@pytest.mark.parametrize(
    "holder",
    [
        "Worldwide Sand Web Consortium, (Berlin",
        "Northern Gravel Data Institute",
        "Kiesgrube ICT Germany (KIG)",
        "Kiesgrube Microsystems",
        "Kiesgrube Sand Consulting",
    ],
)
def test_the_beginning_of_the_name_of_an_organisation_is_no_person(redactor: Redactor, holder: str) -> None:
    assert names(redactor, "a.c", f"/* Copyright 2008-2016 {holder} */") == []


@pytest.mark.parametrize(
    "behind", [" All Rights Reserved.", " The MIT License", " Germany", ", Kiesgrube Web Consortium", ""]
)
def test_a_person_is_found_before_other_words_with_capitals(redactor: Redactor, behind: str) -> None:
    assert names(redactor, "a.c", f"/* Copyright 2014 {ONE}{behind} */") == [ONE]


def test_all_holders_are_found_where_each_has_years(redactor: Redactor) -> None:
    text = f"-- Copyright 2011-2013 {ONE}, 2013-2015 {TWO}, 2016 {THREE}\n"
    assert names(redactor, "a.hs", text) == [ONE, TWO, THREE]
    assert names(redactor, "a.hs", f"-- Copyright 2011 Kiesgrube GmbH, 2013 {TWO}\n") == [TWO]


def test_a_name_before_its_address_may_stand_behind_the_word_for_author(redactor: Redactor) -> None:
    assert names(redactor, "a.cmake", f"# Author {ONE} <user1@example.com>\n") == [ONE]
    assert names(redactor, "a.cmake", "# The Kiesgrube Authors <user1@example.com>\n") == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"Editor:   {ONE}\n          <mailto:user1@example.com>\nWG Chair: {TWO}\n", 2),
        (f"o The sieve is faster. Thanks to {ONE}, {TWO}.\n", 2),
        (f'<action type="fix" due-to="{ONE}, {TWO} and {THREE}">The sieve is faster.</action>', 3),
        (f'.Sh AUTHORS\n.An -nosplit\n.An {ONE} Aq Mt user1@example.com ,\n.An "{TWO}"\n', 2),
        (f"Copyright (c) 2007-2014 KIES and {ONE}.\n", 1),
        (f"Copyright (c) 2007 Kiesgrube Inc. and {ONE}\n(c) Sand Project by {TWO}, {THREE}\n", 3),
        (f"Copyright (c) 2010 - $YEAR, {ONE}\n(c) ${{year}} {TWO}\n", 2),
    ],
)
def test_names_are_found_where_files_thank_and_name_editors(redactor: Redactor, text: str, count: int) -> None:
    assert names(redactor, "a.txt", text) == [ONE, TWO, THREE][:count]


@pytest.mark.parametrize(
    "text",
    [
        "editor: Sublime Text\nEditor: Visual Studio Code\n",
        "Thanks to Visual Studio, this works. Thanks to the Kiesgrube Project.\n",
        "Copyright (c) 2007 Kiesgrube Inc. and contributors, Sand Corporation and Digital Gravel Corporation\n",
        "Copyright (c) 2007 Northern Sand and Digital Gravel\n".replace("Northern Sand", "northern sand"),
    ],
)
def test_editors_of_text_and_companies_are_no_persons(redactor: Redactor, text: str) -> None:
    assert names(redactor, "a.txt", text) == []


@pytest.mark.parametrize("name", ["Wilma C.-W. Feuerhahn", "J.-P. Dubois", "Tove Lind-O'Hara", "Tove O'Hara-Lind"])
def test_initials_and_double_names_go_as_a_whole(redactor: Redactor, name: str) -> None:
    assert names(redactor, "a.c", f"// Author: {name}\n// Copyright 2014 {name}.\n") == [name] * 2
    assert names(redactor, "a.c", f"// {name} <user1@example.com>\n") == [name]


def test_the_word_for_author_in_a_chinese_sentence_names_nobody(redactor: Redactor) -> None:
    assert names(redactor, "a.md", "以下是作者报告的结果。请作者喝杯咖啡\n") == []
    assert names(redactor, "a.md", "作者：张小明\n") == ["张小明"]
    assert names(redactor, "a.md", "// 作者 李小龙\n") == ["李小龙"]
