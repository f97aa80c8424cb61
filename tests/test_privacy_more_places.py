"""Session cookies, authors of papers, labels in other languages, addresses at domains of all kinds. All invented."""

from typing import Any

import pytest
from redacted import found

from gleanery.privacy.redact import Redactor
from gleanery.privacy.rules import load_rules

HEX = "8c1d2e3f4a5b69788796a5b4c3d2e1f0"
MIXED = "Zk3mQ9xT7vB2nL5pR8sW1yC4dF6gH0jK"
BILI = "3f8a1b2c%2C1742915423%2C5d6e7%2A91CjBvZkq8Jw7mP0aQeRtYuIoPxN2"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (f"headers = {{'Cookie': 'SESSDATA={BILI}; bili_jct={HEX}; lang=en_GB'}}", [BILI, HEX]),
        (f'COOKIES = {{"sessionid": "{HEX}", "theme": "dark-green-and-blue"}}', [HEX]),
        (f'cookie = "sessionid={HEX}; csrftoken={MIXED}"', [HEX, MIXED]),
        ('requests.get(u, cookies={"PHPSESSID": "q3v8k1m7t2z9x4c6b5n0"})', ["q3v8k1m7t2z9x4c6b5n0"]),
        (f"curl https://shop.invalid -H 'cookie: auth_token={HEX}; Path=/' -b 'frob={MIXED}'", [HEX, MIXED]),
        (f"curl --cookie sessionid={HEX} https://shop.invalid", [HEX]),
        (f"Set-Cookie: sid={HEX}; Path=/; Max-Age=31536000; HttpOnly", [HEX]),
        (f'document.cookie = "frob={MIXED}"', [MIXED]),
    ],
)
def test_session_cookies_are_found(redactor: Redactor, text: str, values: list[str]) -> None:
    assert found(redactor, text) == [("KEY", value) for value in values]


@pytest.mark.parametrize(
    "text",
    [
        "cookies = {'lang': 'english_of_the_isles', 'theme': 'dark'}",
        "Set-Cookie: lang=en; Path=/; Expires=Wed, 21 Oct 2037 07:28:00 GMT; SameSite=Strict",
        'cookie = "sessionid=${SESSION_ID}; csrftoken={token}"',
        'cookies={"PHPSESSID": os.environ["PHPSESSID"]}',
        "curl -b cookies.txt -c cookies.txt https://shop.invalid",
        "grep -b 'name=otherwise' file",
        "cookie: sessionid=your_session_id_goes_here",
    ],
)
def test_what_is_no_session_cookie_is_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("\\author[1]{Wilma Feuerhahn}", ["Wilma Feuerhahn"]),
        ("\\author{Wilma~Feuerhahn}", ["Wilma~Feuerhahn"]),
        ("\\author{Wilma Feuerhahn \\and Tove Birke}", ["Wilma Feuerhahn", "Tove Birke"]),
        ("\\author{Wilma~Feuerhahn\\altaffilmark{1}, Tove~K.~Birke$^2$}", ["Wilma~Feuerhahn", "Tove~K.~Birke"]),
        (
            "\\author{\n  Wilma Feuerhahn\\thanks{The Ministry of Tea} \\\\\n  Tove Birke}",
            ["Wilma Feuerhahn", "Tove Birke"],
        ),
        ("\\author{\\textbf{Wilma Feuerhahn}\\inst{1} and Tove Birke\\inst{2}}", ["Wilma Feuerhahn", "Tove Birke"]),
        ("\\author{Jörg Müller, Tove Birke} \\title{By Ada Zweig}", ["Jörg Müller", "Tove Birke"]),
    ],
)
def test_all_authors_of_a_paper_are_found(redactor: Redactor, text: str, names: list[str]) -> None:
    assert found(redactor, text, "paper.tex") == [("NAME", name) for name in names]


@pytest.mark.parametrize(
    "text", ["\\author{The Frob Project}", "\\author[1]{}", "\\author{", "\\authorname{Tove}", "\\author"]
)
def test_organisations_and_empty_brackets_are_no_authors(redactor: Redactor, text: str) -> None:
    assert found(redactor, text, "paper.tex") == []


@pytest.mark.parametrize(
    "value",
    [
        "Пароль",
        "忘记密码",
        "ລະຫັດຜ່ານ",
        "改成你的微博密码",
        "请输入6位密码",
        "Contraseña",
        "Passwort:",
        "Mậtkhẩu",
        "סיסמה",
        "パスワード2",
    ],
)
def test_labels_in_other_languages_are_no_passwords(redactor: Redactor, value: str) -> None:
    for text in (f'{{"password": "{value}"}}', f"new_password: '{value}'", f'weibo_password = "{value}"'):
        assert found(redactor, text, "locale.yml") == []


@pytest.mark.parametrize("value", ["Birke7Zweig", "Пароль7x", "Grüße42", "7жираф9"])
def test_passwords_with_letters_of_any_script_are_found(redactor: Redactor, value: str) -> None:
    assert found(redactor, f'password = "{value}"') == [("PASSWORD", value)]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("email = 'git@feuerhahn.dev'", "git@feuerhahn.dev"),
        ("<wilma@feuerhahn.moe>", "wilma@feuerhahn.moe"),
        ("wilma@feuerhahn.lol, wilma@feuerhahn.flowers", "wilma@feuerhahn.lol wilma@feuerhahn.flowers"),
        ("wilma at feuerhahn dot photography", "wilma at feuerhahn dot photography"),
        ("ask wilma@lysator.liu.se", "wilma@lysator.liu.se"),
        ("# Wilma Feuerhahn <wilma@feuerhahn.newest>", "Wilma Feuerhahn wilma@feuerhahn.newest"),
    ],
)
def test_addresses_at_domains_of_all_kinds_are_found(redactor: Redactor, text: str, address: str) -> None:
    assert " ".join(value for _, value in found(redactor, text)) == address


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com",
        "git@git.feuerhahn.org",
        "clone git@feuerhahn.org:frob.git",
        "clone ssh://git@feuerhahn.org/frob",
        "ssh -T git@feuerhahn.org",
        "rijndael-cbc@lysator.liu.se",
        "zlib@openssh.com",
        "frob@stable.zip",
        "x = frame@other.data",
        "List<A@b.newest>",
    ],
)
def test_accounts_of_servers_and_names_of_protocols_are_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text) == []


def test_the_list_of_domains_is_sorted_and_whole() -> None:
    words: Any = load_rules().words
    assert {"com", "moe", "lol", "flowers", "wtf", "arpa"} <= words["top_level_domains"]
    assert not {"zip", "data"} & words["top_level_domains"] and len(words["top_level_domains"]) > 1200


@pytest.mark.parametrize(
    "text",
    [
        "(A) a red gate (B) a blue gate (C) Upper Kiesgrube (D) none of these",
        "    (b) wilted,\n    (c) Dried Flowers",
        "정답은 (C) 입니다.",
        "各選択肢を見ると、(C) 入力値 は誤り",
    ],
)
def test_a_letter_of_a_list_is_no_sign_of_copyright(redactor: Redactor, text: str) -> None:
    assert found(redactor, text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("(a) red, (b) blue\n\n(c) 2019 Wilma Feuerhahn", "Wilma Feuerhahn"),
        ("(b) see below. Copyright (c) Wilma Feuerhahn", "Wilma Feuerhahn"),
        ("// gate.c (C) Wilma Feuerhahn", "Wilma Feuerhahn"),
        ("# (C) 栗原健太", "栗原健太"),
        ("// 版权所有 (C) 王小明", "王小明"),
        ("gate.c 2019 (c) 王小明 2019", "王小明"),
        (" * @author Wilma Feuerh&auml;hn", "Wilma Feuerh&auml;hn"),
        ("// Copyright 2009 Tove Birke, &Ouml;zlem Ca&ntilde;a.", "&Ouml;zlem Ca&ntilde;a"),
        ('"Last-Translator: Aodhan Mac Giolla Birke <aodhan@kiesgrube-ost.de>\\n"', "Aodhan Mac Giolla Birke"),
    ],
)
def test_names_with_signs_and_letters_of_all_kinds_are_found_whole(redactor: Redactor, text: str, name: str) -> None:
    assert ("NAME", name) in found(redactor, text)


@pytest.mark.parametrize(
    "text",
    [
        "Copyright (c) 2020 Northern Semiconductor ASA",
        "# Copyright 2015 BIRKE Danish ICT",
        "Copyright (c) 2011, Vrije Universiteit Birkenveen",
        "(c) Institute of Gravel and Garden Science",
    ],
)
def test_more_organisations_are_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text) == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("-- Maintainer: wilma@kiesgrube-ost.de--", "wilma@kiesgrube-ost.de"),
        ("<!--wilma@kiesgrube-ost.de-->", "wilma@kiesgrube-ost.de"),
        (" * @author Wilma Feuerhahn (wfeuerhahn at kiesgrube.org)", "wfeuerhahn at kiesgrube.org"),
        ("by us all (wilma.feuerhahn at kiesgrube.org)", "wilma.feuerhahn at kiesgrube.org"),
        ("ask us (wfeuerhahn at gmail.com)", "wfeuerhahn at gmail.com"),
        (" * @author Wilma.Feuerhahn-Birke at kiesgrube.com", "Wilma.Feuerhahn-Birke at kiesgrube.com"),
    ],
)
def test_addresses_in_words_and_before_the_end_of_a_comment_are_found(
    redactor: Redactor, text: str, address: str
) -> None:
    assert ("EMAIL", address) in found(redactor, text)


@pytest.mark.parametrize(
    "text",
    [
        "the mirror (hosted at kiesgrube.org)",
        "what fails (see line 7 at birke.com)",
        "npm install left@kiesgrube.com-2",
        "digest = (b'Authorization: Digest ' b'username=\"wilma\", ')",
        '"password_hash" = "shop::types::Text<password_hash::HashString>"',
        '<s:String x:Key="/Default/CodeInspection/ExcludedFiles/Skip/=E4030474_002DAFC9_002D4CC6/@EntryIndexedValue">',
        "range=[77.91.0.245,)",
        "range=(,77.91.0.245]",
        "range=[77.91.0.245,78)",
    ],
)
def test_what_only_looks_like_an_address_or_a_secret_is_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text) == []


@pytest.mark.parametrize("text", ["hosts = [77.91.0.245, 77.91.0.246]", "serve(77.91.0.245,8080)"])
def test_addresses_in_brackets_are_no_range_of_versions(redactor: Redactor, text: str) -> None:
    assert ("IP_ADDRESS", "77.91.0.245") in found(redactor, text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (" * \\author\n *   Wilma Feuerhahn - <w@kiesgrube-ost.de>\n *   Tove Birke, t@kiesgrube-ost.de\n */\n", 2),
        ("/**\n * @author\n *   Wilma Feuerhahn\n *   Tove Birke\n */\nclass Gate {}\n", 2),
        ("This gate was written by\n  Wilma Feuerhahn,\n  Tove Birke\nand stands since.\n", 2),
        ("// Engineer: Wilma Feuerhahn\n// Programmer: Tove Birke\n", 2),
        ("# Contact: Wilma Feuerhahn\n# Credits: Tove Birke\n# DEVELOPER: Ada Birke\n", 3),
        ("author={Wilma Pe{\\~n}as and Tove H. Birke and {\\'A}lva Roe and Ada Birke},", 4),
        ("Translated by Wilma Feuerhahn\nRevised by Tove Birke 2015\n", 2),
        ("It was originally written by Wilma Feuerhahn as part of the gate.", 1),
        ("MAINTAINER Wilma Feuerhahn\n# @maintainer Tove Birke\n", 2),
        ('git config user.name "Wilma Feuerhahn"', 1),
        ("<dc:creator>Wilma Feuerhahn</dc:creator><cp:lastModifiedBy>Tove Birke</cp:lastModifiedBy>", 2),
    ],
)
def test_names_behind_more_labels_and_below_a_tag_are_found(redactor: Redactor, text: str, names: int) -> None:
    values = [value for kind, value in found(redactor, text, "notes.txt") if kind == "NAME"]
    assert len(values) == names and not any("\n" in value or "," in value for value in values)


@pytest.mark.parametrize(
    "text",
    [
        "Contact: Customer Happiness as soon as you can",
        "Credit: Card Numbers are checked",
        "engineer: Site Reliability of the whole gate",
        " * @author\n * Opens Closed Gates of all kinds.\n */",
        "made by\n  Upper Gravel, which is a place",
        "git config user.name $GIT_NAME",
    ],
)
def test_what_goes_on_behind_a_weak_label_is_no_name(redactor: Redactor, text: str) -> None:
    assert found(redactor, text) == []


@pytest.mark.parametrize("behind", [") and w@kiesgrube-ost.de", "]: ask @wilma"])
def test_a_bracket_behind_the_host_of_a_url_ends_it(redactor: Redactor, behind: str) -> None:
    assert ("PASSWORD", "Birke77") in found(redactor, f"see (https://wilma:Birke77@kiesgrube.org{behind}", "notes.md")
