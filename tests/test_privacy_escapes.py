"""What stands right behind an escape, a colour or a letter that is not of it. All values are invented."""

import random

import pytest
from redacted import found

from gleanery.privacy.redact import Redactor

LETTERS = "".join(random.Random(3).choices("abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=60))
GITHUB, GOOGLE, TELEGRAM = f"ghp_{LETTERS[:36]}", f"AIza{LETTERS[:35]}", f"1102015437:AA{LETTERS[:33]}"
PW = "kF9xQ2vT7z"


@pytest.fixture(scope="module", params=[False, True], ids=["fast gate", "keywords"])
def redactor(request: pytest.FixtureRequest) -> Redactor:
    return Redactor(keywords_only=request.param)


@pytest.mark.parametrize(
    "form",
    [
        '"text\\n{}"',
        '"text\\\\n{}"',
        '"text\\t{}\\r\\n"',
        "next=%2Fx%3Fkey%3D{}%26zoom%3D16",
        "Bearer%20{}",
        '"\\x1b[31m{}\\x1b[0m"',
        "\x1b[93m{}\x1b[0m",
        "\\u0022{}\\u0022",
        "key_{}",
    ],
)
@pytest.mark.parametrize("token", [GITHUB, GOOGLE, TELEGRAM])
def test_tokens_behind_an_escape_are_found(redactor: Redactor, form: str, token: str) -> None:
    assert found(redactor, form.format(token)) == [("KEY", token)]


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        (f"https://api.telegram.org/bot{TELEGRAM}/getMe", "KEY", TELEGRAM),
        ('"\\u001b[0;32m/Users/wfeuerhahn/lib/x.py"', "USERNAME", "wfeuerhahn"),
        ('"Traceback\\n/home/wfeuerhahn/lib/x.py"', "USERNAME", "wfeuerhahn"),
        ('"C:\\nodes\\n" "C:\\Users\\nfeuerhahn\\x"', "USERNAME", "nfeuerhahn"),
        ('"address:\\t93.184.216.40"', "IP_ADDRESS", "93.184.216.40"),
        ("ip%3D93.184.216.40", "IP_ADDRESS", "93.184.216.40"),
        ('"\\nWritten by Wilma Feuerhahn"', "NAME", "Wilma Feuerhahn"),
        ('printf("Copyright (C) 2003 Wilma Feuerhahn\\n");', "NAME", "Wilma Feuerhahn"),
        ('"# Author: Wilma Feuerhahn\\\\n"', "NAME", "Wilma Feuerhahn"),
        ('"grün: ä\\n/home/wfeuerhahn/x"', "USERNAME", "wfeuerhahn"),
        ("# SPDX-FileCopyrightText: 2020 Wilma Feuerhahn", "NAME", "Wilma Feuerhahn"),
        ("# SPDX-SnippetCopyrightText: © 2020 Wilma Feuerhahn", "NAME", "Wilma Feuerhahn"),
        (" * 作者：张伟", "NAME", "张伟"),
        (" * 작성자： 김철수", "NAME", "김철수"),
    ],
)
def test_names_paths_and_addresses_beside_escapes_are_found(
    redactor: Redactor, text: str, entity: str, value: str
) -> None:
    assert found(redactor, text) == [(entity, value)]


def test_an_escape_between_two_words_stays(redactor: Redactor) -> None:
    text = redactor.redact('"Author: Wilma Feuerhahn\\nTove Birke\\n"', "a.py", None).text
    assert text == '"Author: NAME_1\\nNAME_2\\n"'


def test_all_holders_of_a_field_of_debian_are_found(redactor: Redactor) -> None:
    text = "Files: *\nCopyright: 2018 Wilma Feuerhahn\n           2019-2020 Tove Birke\nLicense: MIT\n"
    names = [("NAME", "Wilma Feuerhahn"), ("NAME", "Tove Birke")]
    assert found(redactor, text, "debian/copyright") == names


@pytest.mark.parametrize(
    ("text", "mail"),
    [
        (f"MAIL_URL=smtp://wilma.f@gmail.com:{PW}@smtp.gmail.com:587", "wilma.f@gmail.com"),
        (f'"smtps://wilma@zoo-berlin.de:{PW}@smtp.zoo-berlin.de"', "wilma@zoo-berlin.de"),
        (f"https://wilma@zoo-berlin.de:{PW}@10.1.2.3/x.git", "wilma@zoo-berlin.de"),
        (f'define("ACCOUNT", "wilma.f@gmail.com:{PW}");', "wilma.f@gmail.com"),
        (f"wilma.f@web.de:{PW}\n", "wilma.f@web.de"),
    ],
)
def test_an_address_of_mail_and_its_password_are_found(redactor: Redactor, text: str, mail: str) -> None:
    assert found(redactor, text) == [("EMAIL", mail), ("PASSWORD", PW)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "ssh://git@github.com:22/x@v1"),
        ("a.py", '"smtp://you@yourdomain.com:your_password@smtp.host.invalid"'),
        ("a.py", '"{user}@gmail.com:{password}"'),
        ("nsswitch.conf", "passwd: files systemd ldap"),
        ("api.rst", "X-Powered-By: Nerd Rage"),
        ("norm.yml", "- password: string-10\n- account: string-10"),
        ("a.sql", "password: 'varchar(255)'"),
        ("a.js", "document.cookie=r=n(1);var m=d/4294967296*1e4&268435455;i[r]=m"),
    ],
)
def test_what_only_looks_like_one_is_left(redactor: Redactor, path: str, text: str) -> None:
    assert found(redactor, text, path) == []
