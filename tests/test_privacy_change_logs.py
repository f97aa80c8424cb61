"""Change logs: who changed a file and when, and whose address stands beside a name. All names are invented."""

import pytest
from redactions import found

from gleanery.privacy.redact import Redactor

ONE, TWO = "Wilma Feuerhahn", "Otto Quast"


def names(redactor: Redactor, text: str, path: str = "gate.f") -> list[str]:
    return [value for entity, value in found(redactor, text, path) if entity == "NAME"]


@pytest.mark.parametrize(
    ("text", "whom"),
    [
        (
            "C* Log:\nC* W. Feuerhahn/ZOO\t 3/87\tGates added\t*\nC* O.Quast/ZOO-N\t11/04\t\t\t*\n",
            ["W. Feuerhahn", "O.Quast"],
        ),
        (" * K. F. Birch      09/05   Gates closed\n * S. Roe (ZOO) 8/90 Gates moved\n", ["K. F. Birch", "S. Roe"]),
        ("C* M. deBirch/ZOO   6/88\nC* J. vanQuast/ZOO 7/88\n", ["M. deBirch", "J. vanQuast"]),
        (f"// 2003-08-27  {ONE} - first version\n// 2004/01/02 {TWO}: gates\n", [ONE, TWO]),
        (f"/*  09-30-2020     {ONE}     Initial Version 6.1  */\n/*  10-15-2021  {TWO}  Gates */\n", [ONE, TWO]),
        (f"#   {ONE}, 2005-09-07\n#  - {TWO}, March 6, 2013.\n", [ONE, TWO]),
        (f" * 3.0  {ONE}, 29-Dec-85\n * v2.1b {TWO} 2004-01-02\n", [ONE, TWO]),
        (f"// Created:        {ONE} 20/10/2008\n// Modified:  {TWO}, 4/2/2003\n", [ONE, TWO]),
        (f" * November 2004: {ONE}\n * 9-May-86 {TWO}\n", [ONE, TWO]),
        (f"1.2.0\n2017-02-27 {ONE}\n\n1.1.0\n{TWO} (2016-12-01)\n", [ONE, TWO]),
    ],
)
def test_names_in_the_lines_of_a_log_are_found(redactor: Redactor, text: str, whom: list[str]) -> None:
    assert names(redactor, text) == whom


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("gate.f", "C* Part Two 3/12\nC* Big Gates 1/10 are open\n"),
        ("CHANGELOG.md", "## 2026-03-04: Big Gates Reorganized\n\n# 2026-03-04 Small Gates\n"),
        ("gate.1", "Commit Timestamp: 2024-03-05T09:55:01\nGate Opening: 2024-03-05\n"),
        ("gate.c", "// Birch Gate of the zoo 2003-04-05\n// 2003-04-05 Big Gate opens at noon\n"),
        ("gate.c", "int BigGate = 2003;\nBig Gate = 2003-04-05;\n"),
    ],
)
def test_what_else_stands_beside_a_date_is_left(redactor: Redactor, path: str, text: str) -> None:
    assert names(redactor, text, path) == []


@pytest.mark.parametrize(
    "address",
    [
        "wilma@birch.org",
        "wilma at birch.org",
        "wilma-at-birch-dot-org",
        "wilma-at-birch.org",
        "wilma -at- birch.org",
        "wilma_at_birch_dot_org",
    ],
)
@pytest.mark.parametrize("between", [", ", "  ", " - "])
def test_a_name_before_its_address_in_a_line_is_found_with_it(redactor: Redactor, address: str, between: str) -> None:
    text = f"=head1 WHO\n\n{ONE}{between}{address}\n"
    assert found(redactor, text, "Gate.pm") == [("NAME", ONE), ("EMAIL", address)]


@pytest.mark.parametrize(
    "text",
    [
        "# Cared for by <wilma-at-birch.org>\n",
        "Email wilma-at-birch.org\n",
        "# (C) 2005 <wilma -at- birch.org>\n",
        "Write to Wilma-dot-Feuerhahn-at-birch-dot-org.\n",
    ],
)
def test_addresses_with_signs_around_at_are_found(redactor: Redactor, text: str) -> None:
    assert [entity for entity, _ in found(redactor, text, "gate.c")] == ["EMAIL"]


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE} works at birch.org\n",
        "Big Gates look at zoo.org\n",
        "#include <gates/look_at_gate.hpp>\nrow.created_at_ns.get()\n",
        "See https://meet-at-birch.org and stay-at-home.org\n",
        'gate.open_at("look-at-me.js", expires_at.dot_product)\n',
    ],
)
def test_at_within_names_and_sentences_is_no_address(redactor: Redactor, text: str) -> None:
    assert "EMAIL" not in [entity for entity, _ in found(redactor, text, "gate.c")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Gate.pm", f"=head1 CONTRIBUTORS\n\n{ONE}\n\n=head1 MAINTAINER - {TWO}\n"),
        (
            "CHANGES.md",
            f"#### Authors: 2\n\n- {ONE} ([@wfeuer](https://github.com/wfeuer))\n- {TWO} ([@q](https://x.com/q))\n",
        ),
        ("gate.c", f" * ORIGINAL PROGRAMMER, DATE:    {ONE}\n * Author/Company: {TWO}\n"),
        ("gate.xml", f"<copyright><year>1999</year><holder>{ONE}</holder></copyright>\n<holder>{TWO}</holder>\n"),
        ("gate.ts", f"// bugfixed and ported to TypeScript by {ONE}.\n// written 11-feb-86 by {TWO}\n"),
        ("gate.c", f"/* The principal author of gate.c is {ONE} */\n/* Cared for by {TWO} */\n"),
    ],
)
def test_names_behind_further_words_are_found(redactor: Redactor, path: str, text: str) -> None:
    assert names(redactor, text, path) == [ONE, TWO]


def test_an_account_is_replaced_as_a_whole_before_an_address_of_the_web(redactor: Redactor) -> None:
    text = " * @author birke87 / https://birch.invalid\n * @author zweig66 http://zweig.invalid\n"
    assert names(redactor, text, "gate.js") == ["birke87", "zweig66"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("messages_de.properties", "game.map.author = Autor der Karte\nmap.unknownAuthor = Unbekannter Autor\n"),
        ("messages_it.properties", "game.map.author = Autore Mappa\n"),
        ("messages_zh.properties", "game.map.author = 地图作者\nmap.unknownAuthor = 未知作者\n"),
        ("zh-TW.yml", "created_author: 本文由 %s 發布\n"),
        (
            "CHANGES.md",
            "- Update Gates ([@wfeuer](https://github.com/wfeuer))\n- Fix Gate ([@q](https://github.com/q))\n",
        ),
    ],
)
def test_labels_of_a_translation_and_changes_are_no_names(redactor: Redactor, path: str, text: str) -> None:
    assert names(redactor, text, path) == []


def test_a_home_of_old_windows_is_one_without_its_disk(redactor: Redactor) -> None:
    text = "image: /c/Documents and Settings/wfeuerhahn/My Documents/gate\n"
    assert found(redactor, text, "gate.fth") == [("USERNAME", "wfeuerhahn")]


@pytest.mark.parametrize(
    "text",
    [
        f"It is free.\n\n{ONE}\n<wilma@birch.org>\n\n{TWO}\notto@birch.org\n",
        f"/* Gates.\n *\n * {ONE}\n * wilma@birch.org\n *\n * {TWO}\n * Email: otto@birch.org */\n",
        f"# {ONE}\r\n# wilma@birch.org\r\n# {TWO}\r\n# (otto@birch.org)\r\n",
    ],
)
def test_a_name_above_its_address_is_found(redactor: Redactor, text: str) -> None:
    assert names(redactor, text, "gate.txt") == [ONE, TWO]


@pytest.mark.parametrize(
    "text",
    [
        "Mailing List\nlist@birch.org\n",
        "Big Gates of the Zoo\nwilma@birch.org\n",
        f"{ONE} opens gates.\nwilma@birch.org\n",
        "Birch Support Team\n<help@birch.org>\n",
    ],
)
def test_what_else_stands_above_an_address_is_left(redactor: Redactor, text: str) -> None:
    assert names(redactor, text, "gate.txt") == []


PICTURE = "https://avatars.githubusercontent.com/u/12345?v=4"


@pytest.mark.parametrize(
    ("text", "whom"),
    [
        (
            f'<td><a href="#"><img src="{PICTURE}" width="63px;" alt=""/><br /><sub><b>{ONE}</b></sub></a>'
            f'<td><a href="#"><img src="{PICTURE}" alt="Quast"/><br /><sub><b>Quast</b></sub></a></td>',
            [ONE, "Quast", "Quast"],
        ),
        (
            f'[<img src="{PICTURE}" width="100px;"/><br /><sub>{ONE}</sub>](https://birch.invalid)<br />',
            [ONE],
        ),
        (
            f'<a href="#"><img src="{PICTURE}"\n  width="80" alt="wfeuer"/>\n<br />\n<sub>\n<b>{ONE}</b>\n</sub></a>',
            ["wfeuer", ONE],
        ),
        (f'<img alt="{ONE}" src="https://www.gravatar.com/avatar/0?s=9">', [ONE]),
    ],
)
def test_names_below_pictures_of_accounts_are_found(redactor: Redactor, text: str, whom: list[str]) -> None:
    assert names(redactor, text, "README.md") == whom


@pytest.mark.parametrize(
    "text",
    [
        f'<img src="{PICTURE}" alt="Avatar"/><br /><sub><b>birch[bot]</b></sub>',
        f'<img src="{PICTURE}" alt="{{user.name}}"/>',
        '<img src="gates.png" alt="Wilma"/><br /><sub><b>Big Gates</b></sub>',
    ],
)
def test_other_pictures_are_left(redactor: Redactor, text: str) -> None:
    assert names(redactor, text, "README.md") == []


def test_the_home_of_a_program_is_nobodys() -> None:
    text = "GATES=/home/birch/BIRCH6.6.0/gates\nTABLES=/home/birch/tables\nmv /home/birch/src /home/birch/BIRCH7\n"
    assert Redactor().redact(text, "install.sh", None).text == text


@pytest.mark.parametrize(
    "text", ["/home/wfeuer/birch7/gates", "/home/wfeuer/wfeuer-site/a", "/home/wfeuer/src\n/home/birch/BIRCH7"]
)
def test_the_home_of_a_person_is_found_beside_releases(redactor: Redactor, text: str) -> None:
    assert ("USERNAME", "wfeuer") in found(redactor, text, "install.sh")


@pytest.mark.parametrize("account", ["cvsroot", "usrname", "myhome"])
def test_further_accounts_that_no_person_has_are_left(redactor: Redactor, account: str) -> None:
    assert found(redactor, f"ls /home/{account}/gates", "install.sh") == []
