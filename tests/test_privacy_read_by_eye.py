"""What people who read releases found: names that were left, and what passed for a name or a secret. All invented."""

import pytest
from redactions import found

from gleanery.privacy.redact import Redactor

ONE, TWO = "Wilma Feuerhahn", "Otto Quast"


def names(redactor: Redactor, text: str, path: str = "gate.c") -> list[str]:
    return [value for entity, value in found(redactor, text, path) if entity == "NAME"]


@pytest.mark.parametrize(
    "text",
    [
        f"// Author: wilma@birch.org ({ONE})\n// Maintainer: <otto@birch.org> ({TWO})\n",
        f"// Authors: wilma@birch.org ({ONE}), otto@birch.org ({TWO})\n",
        f"From: wilma@birch.org ({ONE})\nTo: otto@birch.org ({TWO}, at home)\n",
        f"spec.people.should == {{ '{ONE}' => 'wilma@birch.org', \"{TWO}\" => 'otto@birch.org' }}\n",
    ],
)
def test_a_name_beside_its_address_is_found(redactor: Redactor, text: str) -> None:
    assert names(redactor, text) == [ONE, TWO]


@pytest.mark.parametrize(
    "text",
    [
        "Write to list@birch.org (The Birch Team), gates@birch.org (Birch Software) or all@birch.org (see below).\n",
        "Write to gates@birch.org (Feuerhahn And his friends)\n",
        "{ 'Reply To' => 'list@birch.org', 'gate' => 'gates@birch.org' }\n",
    ],
)
def test_what_is_no_name_beside_an_address_is_left(redactor: Redactor, text: str) -> None:
    assert names(redactor, text) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.gemspec", f'  s.author             = "{ONE}"\n  s.authors                = [ "{TWO}" ]\n'),
        ("a.md", f"Author(s)   : {ONE}\n\nThe maintainer is {TWO}.\n"),
        ("a.c", f" * The authors of this software are {ONE} and {TWO}.\n"),
        ("a.c", f"# by permission of the original authors ({ONE}, {TWO}).\n"),
        ("a.c", f"* Copyright 2011 Birch, Author {ONE}\n* Copyright 2015 BIRCHSA, Author {TWO}\n"),
        ("a.c", f"// Copyright (c) BirchGate 2024 {ONE}\n// Copyright (c) Birch 2024-2025 {TWO}\n"),
        ("a.c", f" * Copyright (c) 2004-2010, Birch Gates, Inc., {ONE}, {TWO}\n"),
        ("a.c", f'* Copyright (c) 2010 "Branch" {ONE}\n* Copyright (c) 2010 “Twig” {TWO}\n'),
        ("a.c", f"/// Copyright (c) 2014-2021 {ONE}\n///               2021-2022 {TWO}\n#include <a>\n"),
        ("a.c", f"/* Copyright (C) 2001 Birch Inc.\n *               2002, 2003 {ONE} <w@b.org>\n * 2005 {TWO}\n"),
        ("a.c", f"/* Modifications by {ONE}, July 2009\n * Modified March 1998 by {TWO}, of the zoo\n"),
        ("a.c", f"# Updated for gate 1.2.x by {ONE}\n# adapted by {TWO} (http://quast.invalid)\n"),
        ("a.c", f" * Original version by {ONE}\n// Added 2004-09-24 by {TWO}\n"),
        ("Singularity", f"From: birch\n%labels\n  Maintainer {ONE}\n  # hash table made by {TWO}:\n"),
        ("a.md", f"Jan 25, 2011, by {ONE}.\n<i>January 12, 2006</i> of 2007 by {TWO} again\n"),
        ("CMakeLists.txt", f'set(CPACK_PACKAGE_CONTACT "{ONE}")\n# by {TWO} <otto@birch.org>\n'),
    ],
)
def test_a_name_is_found_as_files_write_it(redactor: Redactor, path: str, text: str) -> None:
    assert names(redactor, text, path) == [ONE, TWO]


@pytest.mark.parametrize("name", ["Max Feuerhahn", "Wilma St. Quast", "Wi\u0308lma Fe\u0301uerhahn"])
def test_a_name_is_taken_as_a_whole(redactor: Redactor, name: str) -> None:
    assert names(redactor, f"// Copyright (c) 2013 {name}\n") == [name]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.c", "Copyright (c) 1996, Birch Gates, Inc., Mountain View, California.\n"),
        ("package.json", '{"author": {"name": "National Birch and Elm Administration"}}\n'),
        ("CONTRIBUTING.md", "Do not use @author tags.\n"),
        (
            "gate.xml",
            "The length, as reported by Birch Counter.\nThis Birch Counter is large, as is the Birch Counter.\n",
        ),
        (
            "gate.c",
            "/* Copyright 2020 Birch Inc.\n * 2021 Great Gates are open\n * updated each turn by Gate Keeper\n",
        ),
        ("gate.c", "/* (b) Allow Gates. */\n" + "int gate;\n" * 60 + "/* (c) Allow Birches */\n"),
    ],
)
def test_what_is_no_name_is_left(redactor: Redactor, path: str, text: str) -> None:
    assert names(redactor, text, path) == []


def test_a_tag_behind_a_sentence_still_names_an_account(redactor: Redactor) -> None:
    assert names(redactor, "/** Opens the gate. @author wfeuerhahn */\n/** @author oquast */\n") == [
        "wfeuerhahn",
        "oquast",
    ]


def test_what_a_person_has_bears_no_name_of_a_person(redactor: Redactor) -> None:
    text = (
        f'{{"creator": {{"name": "{ONE}", "items": [{{"name": "Blue Gate", "maker": {{"name": "Great Elm"}}}}],'
        f' "friends": {{"nodes": [{{"name": "{TWO}"}}]}}, "owner": {{"firstName": "Oskar"}}}}, "name": "Old Birch"}}\n'
    )
    assert names(redactor, text, "gate.json") == [ONE, TWO, "Oskar"]


def test_an_address_with_blanks_around_its_sign_is_found(redactor: Redactor) -> None:
    text = "   email: w-feuer @ math.birch.org (remove spaces)\n   y = a @ b.shape\n"
    assert found(redactor, text, "gate.c") == [("EMAIL", "w-feuer @ math.birch.org")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.md", "* `password`: here you enter the password of the gate\n"),
        ("a.md", "```php\n'password' => $this->settings->get('gate'),\n```\n"),
        ("a.md", "`account.password = hash(password, salt)`\n"),
        ("a.sh", 'echo "--password must be set for the gate"\n'),
        ("a.pl", 'login(password => "tester_$number", passwd => "$kind-gate");\n'),
        ("a.pm", "(delivery_pass => 'gate_password', pass => \"web_password_1\");\n"),
        ("a.txt", "http://birch.org:80#@elm.org/\nhttp://birch.org:8080?@elm.org/\n"),
        ("a.json", '[{"key": "9c4f1a07be3d4b62a1f0d37788c2e615", "count": 2}]\n'),
        ("a.ex", '"key=value%20with%20three%20blanks"\n'),
        ("a.py", "gate_key = f\"{birch_key.split('.')[0]}.twig\"\n"),
        ("a.md", 'SET mykey "<?php system($_GET[0])?>"\n'),
        ("a.c", "// 12.0.168.192.in-addr.arpa. is 192.168.0.12\n"),
    ],
)
def test_what_is_no_secret_is_left(redactor: Redactor, path: str, text: str) -> None:
    language = {"pl": "Perl", "pm": "Perl"}.get(path.rpartition(".")[2])
    assert found(redactor, text, path, language) == []


@pytest.mark.parametrize(
    ("path", "text", "secret"),
    [
        ("a.md", "* `password`: hfr7k2qw\n", ("PASSWORD", "hfr7k2qw")),
        ("a.pl", "login(password => 'tester_$number');\n", ("PASSWORD", "tester_$number")),
        ("a.pl", 'login(password => "t3ster_$number");\n', ("PASSWORD", "t3ster_$number")),
        ("a.txt", "http://wilma:80#x@elm.org/\n", ("PASSWORD", "80#x")),
        (
            "a.json",
            '[{"key": "9c4f1a07be3d0b62a1f0d37788c2e615", "count": 2}]\n',
            ("KEY", "9c4f1a07be3d0b62a1f0d37788c2e615"),
        ),
        ("a.py", "fill_element(driver, '//*[@id=\"Password\"]', 'hfrkqwz')\n", ("PASSWORD", "hfrkqwz")),
        ("a.pl", "$page->find_element('password', 'name')->send_keys('hfrkqwz');\n", ("PASSWORD", "hfrkqwz")),
        ("a.php", "$client->setCredentials('birch', 'hfr7kq2wz', 'basic');\n", ("PASSWORD", "hfr7kq2wz")),
        ("a.c", "// 44.3.12.85.in-addr.arpa.\n", ("IP_ADDRESS", "44.3.12.85")),
    ],
)
def test_a_secret_that_is_like_it_is_found(redactor: Redactor, path: str, text: str, secret: tuple[str, str]) -> None:
    language = "Perl" if path.endswith(".pl") else None
    assert secret in found(redactor, text, path, language)


@pytest.mark.parametrize(
    "text",
    [
        '<db_xref db="BIRCH" dbkey="2.40.128.90"/>\n',
        '<vers num="9.0.124.0" prev="1"/>\n',
        '# See "13.2.5.69 Attribute name state".\n',
        "A hole in Birch Server before 2.1.15.210 on trees.\n",
        'echo "PASS: birch+oak gates opened"\necho "PASS: gate7 opened"\n',
        'const testTokenAddress = "0x1b7CaD53942d6426634f8929541eD2318f3eDA8f";\n',
        "NODE_PUBKEY=0x038418535c54105d4a7bbf60c08fc45f9687181b4fdfc625bd1a753fb7397fed75\n",
        "expect(query).toBe('key1=birch&key2=key3%3Doak3%26key4%255BKey5%255D%3Doak5');\n",
    ],
)
def test_numbers_outcomes_and_what_is_public_are_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text, "gate.sh") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('<host name="gate" ip="2.40.128.90"/>', "2.40.128.90"),
        ('"54.85.192.213 Is not there"', "54.85.192.213"),
        ('server = "61.40.128.90"; key = "61.40.128.91"', "61.40.128.90"),
        ("PASS: w1lma!birch", "w1lma!birch"),
        ("NODE_PRIVATE_KEY=0x1f8418535c54105d4a7bbf60c08fc45f9687181b4fdfc625bd1a753fb7397fed", "0x1f84"),
        ("apiKey=9f86d081884c7d659a2feaa0c55ad015%3D%3D", "9f86d081884c7d659a2feaa0c55ad015"),
    ],
)
def test_addresses_and_secrets_near_them_are_found(redactor: Redactor, text: str, value: str) -> None:
    assert any(value in secret for _, secret in found(redactor, text, "gate.sh"))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.c", f"/* Written by {ONE}  Birch Zoo Construction Research Lab\n** Written by {TWO}  US Army\n"),
        ("a.md", f"author: {ONE}(https://birch.org/w)\n\nauthor: {TWO}(otto@birch.org)\n"),
        ("a.html", f'© 2021 · Geschreven door <a href="https://b.org/">{ONE}</a></p>\n<p>Scritto da {TWO}</p>\n'),
        ("a.md", f"Geschrieben von {ONE}.\n\nÉcrit par {TWO}\n"),
    ],
)
def test_names_before_a_column_or_a_link_and_behind_words_of_other_languages(
    redactor: Redactor, path: str, text: str
) -> None:
    assert names(redactor, text, path) == [ONE, TWO]


def test_initials_may_lack_their_dots(redactor: Redactor) -> None:
    assert names(redactor, " * @author A C Quast (Berlin)\n") == ["A C Quast"]
    assert names(redactor, "author={Quast, TM and Feuerhahn, WAB},", "a.bib") == ["Quast, TM", "Feuerhahn, WAB"]
    assert names(redactor, " * @author A gate that opens\n * Author: A Big Gate\n") == []
    assert names(redactor, "author={Birch Software Foundation, BSF},", "a.bib") == []


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        (r"add smb:\\wfeuer:zq81mx4@10.20.0.14\x", [("USERNAME", "wfeuer"), ("PASSWORD", "zq81mx4")]),
        (r'x = "cifs:\\\\wfeuer:zq81mx4@birch.org\\a"', [("USERNAME", "wfeuer"), ("PASSWORD", "zq81mx4")]),
        ("otpauth://totp/Zoo:w?secret=HXDMVJECJJWSRB3HWIZR4IFU&issuer=Zoo", [("KEY", "HXDMVJECJJWSRB3HWIZR4IFU")]),
        ("Contact: wfeuer(at)birch_dot_fr", [("EMAIL", "wfeuer(at)birch_dot_fr")]),
        ("api.exe from 61.40.128.90", [("IP_ADDRESS", "61.40.128.90")]),
    ],
)
def test_secrets_and_addresses_in_forms_of_programs(
    redactor: Redactor, text: str, finds: list[tuple[str, str]]
) -> None:
    assert found(redactor, text, "a.c") == finds


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "pw = ('test%09d' % number)\npw = b'%06d' % code\n"),
        ("a.c", 'pwd_str = "wifi_password=";\n'),
        ("a.xml", 'to="http://localhost:@gate.port@/x"\n'),
        ("a.sh", "HISTIGNORE='ls:cd:..:pwd:date:*'\n"),
        ("a.txt", "gates.dll\t36.0.21.3\t8/21/12\nbirch.exe   36.1.40.9\n"),
        ("a.txt", "otpauth://totp/gate\n"),
        ("a.fth", "\\ ==== Copyright Header Begin ====\n"),
        ("a.c", "// Author: Birch Informatique\n"),
        ("a.c", 'match("(?:\\\\w+:[^:]{3}:@x)")\n'),
    ],
)
def test_formats_lists_versions_and_firms_are_left(redactor: Redactor, path: str, text: str) -> None:
    assert found(redactor, text, path) == []
