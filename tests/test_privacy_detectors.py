"""What each detector finds and what it leaves. All values are invented; provider tokens are made as the test runs."""

import base64
import hashlib
import importlib
import json
import random
import re
import string
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from redacted import found

from gleanery.privacy.redact import Redactor
from gleanery.privacy.rules import KeyRule, key_rules, load_rules
from gleanery.privacy.values import entropy
from gleanery.records.errors import StopRun

RULES = load_rules()
SHAPELESS = ("authorization_header", "bearer_token")
HEX = "4b1d0f7ac93e5826be01f7d4a95c3e68"
PW = "Birke7Zweig"


@pytest.mark.parametrize(
    "text, address",
    [
        ("Write to wilma@kiesgrube-ost.de.", "wilma@kiesgrube-ost.de"),
        ("<w.feuerhahn+list@mail.kiesgrube.co.uk>", "w.feuerhahn+list@mail.kiesgrube.co.uk"),
        ('x = "mailto:wilma@kiesgrube-ost.de?subject=x"', "wilma@kiesgrube-ost.de"),
        ("邮箱wilma@kiesgrube-ost.de", "wilma@kiesgrube-ost.de"),
        ("'wilma@kiesgrube-ost.de'", "wilma@kiesgrube-ost.de"),
        ("wilma@kiesgrube-ost.de: hello", "wilma@kiesgrube-ost.de"),
        ("\x1b[32mwilma@kiesgrube-ost.de\x1b[39m", "wilma@kiesgrube-ost.de"),
        ("'\\u001b[1;32mwilma@kiesgrube-ost.de'", "wilma@kiesgrube-ost.de"),
        ("(wilma at kiesgrube-ost dot de)", "wilma at kiesgrube-ost dot de"),
        ("wilma dot f at mail dot kiesgrube dot de", "wilma dot f at mail dot kiesgrube dot de"),
        ("wilma (at) kiesgrube-ost.de", "wilma (at) kiesgrube-ost.de"),
        ("wilma[AT]kiesgrube-ost[DOT]de", "wilma[AT]kiesgrube-ost[DOT]de"),
        ("wilma <at> kiesgrube-ost <dot> de", "wilma <at> kiesgrube-ost <dot> de"),
        ("* Tove <wilma at kiesgrube-ost.de>", "wilma at kiesgrube-ost.de"),
        ("Write to `wilma@kiesgrube-ost.de`.", "wilma@kiesgrube-ost.de"),
        ("const x = `wilma@kiesgrube-ost.de`;", "wilma@kiesgrube-ost.de"),
        ("\\email{wilma@kiesgrube-ost.de}", "wilma@kiesgrube-ost.de"),
        ("#wilma@kiesgrube-ost.de wrote this", "wilma@kiesgrube-ost.de"),
        ("%wilma@kiesgrube-ost.de", "wilma@kiesgrube-ost.de"),
        ("//wilma@kiesgrube-ost.de", "wilma@kiesgrube-ost.de"),
        ("<b>~wilma@kiesgrube-ost.de</b>", "wilma@kiesgrube-ost.de"),
        ("mailto:%20wilma@kiesgrube-ost.de", "wilma@kiesgrube-ost.de"),
        ("wilma@kiesgrube-ost.de(home)", "wilma@kiesgrube-ost.de"),
        ("=head1 AUTHOR\n\nE<lt>wilma@kiesgrube-ost.orgE<gt>", "wilma@kiesgrube-ost.org"),
        ('my $to = "wilma\\@kiesgrube-ost.de";', "wilma\\@kiesgrube-ost.de"),
        ("wilma.f&#64;kiesgrube-ost.de", "wilma.f&#64;kiesgrube-ost.de"),
        ("wilma.f&#x40;kiesgrube-ost.de", "wilma.f&#x40;kiesgrube-ost.de"),
        ("wilma.f&commat;kiesgrube-ost.de", "wilma.f&commat;kiesgrube-ost.de"),
        ("<a href='mailto:wilma%40kiesgrube-ost.de'>", "wilma%40kiesgrube-ost.de"),
        ("https://shop.invalid/u?mail=wilma%40kiesgrube-ost.de&x=1", "wilma%40kiesgrube-ost.de"),
        ("https://wilma%40kiesgrube-ost.de:8080@shop.invalid/", "wilma%40kiesgrube-ost.de"),
        ("?a=1&mail=wilma%2Bmy%2Elist%40kiesgrube-ost.de", "wilma%2Bmy%2Elist%40kiesgrube-ost.de"),
        ("?mail=%22wilma%2Blist%40kiesgrube-ost.de%22", "wilma%2Blist%40kiesgrube-ost.de"),
        ('{"a": "wilma\\u0040kiesgrube-ost.de"}', "wilma\\u0040kiesgrube-ost.de"),
        ('{"a": "\\u003cwilma@kiesgrube-ost.de\\u003e"}', "wilma@kiesgrube-ost.de"),
        ('"\\x3cwilma@kiesgrube-ost.de\\074"', "wilma@kiesgrube-ost.de"),
        ("_wilma@kiesgrube-ost.de_", "wilma@kiesgrube-ost.de"),
        ("__wilma@kiesgrube-ost.de__", "wilma@kiesgrube-ost.de"),
        ("# x = a@b.name, ask wilma@kiesgrube.name", "wilma@kiesgrube.name"),
        ("y = 'wilma@kiesgrube.name'", "wilma@kiesgrube.name"),
        ("mail = <wilma@kiesgrube.name>", "wilma@kiesgrube.name"),
        ("http://shop.invalid:8080/wiki?x=wilma@kiesgrube-ost.de", "wilma@kiesgrube-ost.de"),
    ],
)
def test_mail_addresses_are_found(redactor: Redactor, text: str, address: str) -> None:
    assert found(redactor, text) == [("EMAIL", address)]


def test_an_address_behind_another_one_is_found(redactor: Redactor) -> None:
    addresses = ["wilma@kiesgrube-ost.de", "piet@kiesgrube-ost.de", "tove@kiesgrube-ost.de"]
    for sign in "/,;|":
        assert found(redactor, sign.join(addresses)) == [("EMAIL", address) for address in addresses]


@pytest.mark.parametrize("sign", ["\\@", "\\\\@"])
def test_a_sign_that_is_escaped_stays_escaped(redactor: Redactor, sign: str) -> None:
    redacted = redactor.redact(f'my $to = "wilma{sign}kiesgrube-ost.de";', "a.pl", None)
    assert redacted.text == f'my $to = "user1{sign}example.com";'
    assert redactor.redact(redacted.text, "a.pl", None).replacements == ()


@pytest.mark.parametrize(
    "text, path",
    [
        ("pbmc@project.name", "a.R"),
        ("ident <- object@project.name", "R/seurat.R"),
        ("x <- f(a, se@assays.info)", "a.R"),
        ("z = A@B.id", "a.py"),
        ("    return A@B.id", "a.py"),
        ("y = W@x.T.to", "a.py"),
        ("f = fit@model.info", "a.m"),
    ],
)
def test_an_operator_between_two_names_is_no_mail_address(redactor: Redactor, text: str, path: str) -> None:
    assert found(redactor, text, path) == []


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:owner/name.git",
        '[url "git@github.com:"]',
        "ssh git@shop.de upload",
        "look at shop.de",
        "licence: look at license.txt and at shop.de",
        "laugh at the dot com bubble",
        "f(at) x.id + list[at].size",
        "user at example dot com",
        "wilma@host.shop.de:/srv/x",
        "user@example.com",
        "a@b.example",
        "x@shop.invalid",
        "you@yourdomain.com",
        "foo@bar.com",
        "@app.route('/x')",
        "this@Main.name",
        "icon@2x.png",
        "f'{user}@shop.de'",
        "%s@shop.de",
        "${USER}@shop.de",
        "pkg@1.2.3",
        "aes128-gcm@openssh.com",
        "noreply@shop.de",
        "x @ y.de",
        "{{wilma@shop.de}}",
        "${wilma@shop.de}",
        "#{wilma@shop.de}",
        "<%wilma@shop.de%>",
        "%s.%s@shop.de",
        "%-8s@shop.de",
        "$wilma@shop.de",
        "https://lists.shop.de/x#wilma@shop.de",
        "https://archive.shop.de/~wilma@shop.de",
        "mail/thread/1234.message@shop.de",
        "x = weights@model.to(device)",
        "call memcpy@PLT",
        "@scope/pkg@1.2.3",
        "bot[bot]@users.noreply.github.com",
        "root@localhost",
        "https://x.de/@name",
        "a.@shop.de",
        "memcpy@plt.so",
        "cp foo@2.0.so .",
        "wilma@shop.de_x",
        "npm/%40scope/pkg%401.2.3",
        "b" * 70 + "@shop.de",
    ],
)
def test_what_only_looks_like_a_mail_address_is_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text) == []


@pytest.mark.parametrize(
    "text, address",
    [
        ("connect to 93.184.216.40.", "93.184.216.40"),
        ("93.184.216.40:8080", "93.184.216.40"),
        ("http://93.184.216.40/x", "93.184.216.40"),
        ("subnet 93.184.216.0/24", "93.184.216.0"),
        ("host=5.9.17.21", "5.9.17.21"),
        ("[2a02:8108:1234::17]:443", "2a02:8108:1234::17"),
        ("ip 2600:1f18:4a2b:7c00:91d2:33e1:8f4c:77aa,", "2600:1f18:4a2b:7c00:91d2:33e1:8f4c:77aa"),
    ],
)
def test_public_addresses_are_found(redactor: Redactor, text: str, address: str) -> None:
    assert found(redactor, text) == [("IP_ADDRESS", address)]


@pytest.mark.parametrize(
    "text",
    [
        "10.1.2.3 172.31.0.1 192.168.1.1 127.0.0.1 0.0.0.0 169.254.169.254 100.64.0.1",
        "192.0.2.1 198.51.100.7 203.0.113.9",
        "8.8.8.8 1.1.1.1 9.9.9.9 2001:4860:4860::8888",
        "255.255.255.0 224.0.0.1",
        "::1 fe80::1 fd00::1 2001:db8::1 ::",
        "version 93.184.216.40",
        "v93.184.216.40",
        "pkg==93.184.216.40",
        "Chrome/91.0.4472.114",
        "Driver 27.21.14.5671",
        "1.3.6.1.4.1.311",
        "2.5.29.17",
        "93.184.216.400",
        "093.184.216.40",
        "lib-93.184.216.40.tar",
        "93.184.216.40-beta",
        "a::b std::dead::beef cafe::1",
        "20:00:00:25:b5:00:00:1f",
        "2a:bb:cc:dd:ee:ff",
        "12:30:45",
        "2020:10:11 12:13",
        "RFC 8.2.4.44",
        "x93.184.216.40",
        "Dec 01, 2001(1.2.103.0)",
        "93.184.216.40.1",
        "types-setuptools@80.9.0.20251223",
        "40.40.40.40 133.133.133.133",
        "-- Since @93.184.21.40@ an alias",
        "IEEE Std 802.3, 64.93.33.2",
        "[93.184.216.40](https://x.invalid/engine/v93.184.216.40_1/a.tgz)",
    ],
)
def test_what_is_no_public_address_is_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text) == []


@pytest.mark.parametrize(
    "text, path",
    [
        (f"password = '{PW}'", "a.py"),
        (f'"db_password": "{PW}"', "a.json"),
        (f"passwd: {PW}", "a.yml"),
        (f"export DB_PASS={PW}", "run.sh"),
        (f"ENV PASSWORD={PW}", "Dockerfile"),
        (f"define('DB_PASSWORD', '{PW}');", "a.php"),
        (f'val pwd: String = "{PW}"', "a.kt"),
        (f'password := "{PW}"', "a.go"),
        (f":password => '{PW}'", "a.rb"),
        (f'if (password == "{PW}")', "a.java"),
        (f'conn.setPassword("{PW}");', "a.java"),
        (f"<password>{PW}</password>", "a.xml"),
        (f'<add key="password" value="{PW}"/>', "a.config"),
        (f'"Server=x;User=sa;Pwd={PW};"', "a.cs"),
        (f"ALTER USER x IDENTIFIED BY '{PW}'", "a.sql"),
        (f"CREATE ROLE x WITH PASSWORD '{PW}'", "a.sql"),
        (f"mysql --password {PW} db", "a.sh"),
        (f"https://wf:{PW}@shop.invalid".replace("wf", "root"), "a.py"),
        (f"machine x login root password {PW}", ".netrc"),
        (f"db.invalid:5432:shop:root:{PW}", ".pgpass"),
        (f'x = "{{\\"password\\": \\"{PW}\\"}}"', "a.js"),
        (f"String p = new String(\"x\"); password = new String('{PW}')", "a.java"),
        (f"passphrase = b'{PW}'", "a.py"),
        (f'password = """{PW}"""', "a.py"),
        ("password: 'swordfish'", "a.py"),
        (f"  password: {PW}!\n", "a.yml"),
    ],
)
def test_passwords_are_found_and_quotes_stay(redactor: Redactor, text: str, path: str) -> None:
    value = "swordfish" if "swordfish" in text else PW + "!" * text.endswith("!\n")
    assert found(redactor, text, path) == [("PASSWORD", value)]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('#define WIFI_PASSWORD "{}"', "a.c"),
        ('char password[] = "{}";', "a.c"),
        ('const char pass[32] = "{}";', "a.ino"),
        ('const PASSWORD: &\'static str = "{}";', "a.rs"),
        ('let password = String::from("{}");', "a.rs"),
        ('dsn := "host=db1 user=svc password={} dbname=prod"', "a.go"),
        ('sql.Open("mysql", "root:{}@tcp(db1:3306)/prod")', "a.go"),
        ('password = os.environ.get("DB_PASSWORD", "{}")', "a.py"),
        ('const password = process.env.PW || "{}";', "a.js"),
        ('password <- "{}"', "a.R"),
        ('Dim password As String = "{}"', "a.vb"),
        ('{{:user "x" :password "{}"}}', "a.clj"),
        ('(def db-password "{}")', "a.clj"),
        ("    storePassword '{}'\n", "build.gradle"),
        ('set(DB_PASSWORD "{}")', "CMakeLists.txt"),
        ("<password>\n  {}\n</password>", "a.xml"),
        ("<password><![CDATA[{}]]></password>", "a.xml"),
        ("ENV DB_PASSWORD {}", "Dockerfile"),
        ('DB_PASSWORD="${{DB_PASSWORD:-{}}}"', "a.sh"),
        ("curl --data-raw x -u root:{} https://shop.invalid", "a.sh"),
        ("wachtwoord = '{}'", "a.py"),
        ("haslo = '{}'", "a.py"),
        ("parola = '{}'", "a.py"),
        ("contraseña = '{}'", "a.py"),
        ('variable "db_password" {{\n  type = string\n  default = "{}"\n}}\n', "a.tf"),
        ("Parameters:\n  DBPassword:\n    Type: String\n    NoEcho: true\n    Default: {}\n", "a.yml"),
        ('parser.add_argument("--password", "-p", help="yours",\n    default="{}")', "a.py"),
        ('[{{host, "db1"}}, {{password, "{}"}}].', "a.erl"),
        ('{{ "host", "db1" }}, {{ "password", "{}" }},', "a.cs"),
        ('os.system("mysqldump -uroot -p{} prod")', "a.py"),
        ("mysql -u root -p'{}' prod\n", "a.sh"),
        ("sshpass -p {} ssh root@db1\n", "a.sh"),
        ("redis-cli -h db1 -a {} ping\n", "a.sh"),
        ("docker login -u svc -p {} registry.shop.invalid\n", "a.sh"),
        ("ldapsearch -x -D cn=svc -w {} -b dc=shop\n", "a.sh"),
        ("7z x -p{} a.7z\n", "a.sh"),
        ("smbclient //db1/x -U svc%{}\n", "a.sh"),
        ("password = (\n    '{}'\n)\n", "a.py"),
        ("password = (  # ours\n    '{}'\n)\n", "a.py"),
        ("password = \\\n    '{}'\n", "a.py"),
        ("const password =\n  '{}';\n", "a.js"),
        ("const password: string =\r\n  '{}';\r\n", "a.ts"),
        ('String password =\n        "{}";\n', "A.java"),
        ('var password =\n\t"{}"\n', "a.go"),
        ('client.setPassword(\n    "{}");\n', "A.java"),
        ('{{\n"password":\n   "{}"\n}}\n', "a.json"),
        ("db:\n  password: |-\n    {}\nother: 1\n", "a.yml"),
        ("db:\n  password: >-  # ours\n    {}", "a.yml"),
        ("<key>Password</key>\n<string>{}</string>\n", "a.plist"),
        ('$p = ConvertTo-SecureString "{}" -AsPlainText -Force\n', "a.ps1"),
        ("$p = ConvertTo-SecureString -String '{}' -AsPlainText\n", "a.ps1"),
        ("password = [[{}]]\n", "a.lua"),
        ("my $password = q{{{}}};\n", "a.pl"),
        ("my $password = qq({});\n", "a.pl"),
        ("password = %q({})\n", "a.rb"),
    ],
)
def test_passwords_are_found_in_the_usual_forms_of_many_languages(redactor: Redactor, text: str, path: str) -> None:
    assert found(redactor, text.format(PW), path) == [("PASSWORD", PW)]
    assert PW not in Redactor(keywords_only=True).redact(text.format(PW), path, None).text


@pytest.mark.parametrize(
    "text",
    [
        'log.info("password \\"{}\\" is wrong")',
        'raise Error("no password", "{}")',
        "if token <- 4 then x",
        'curl -x "username@host" -T Proxy-Username:Remote-Pass7',
        '${{password:-"$OTHER"}}',
        '#define PASSWORD_PROMPT "Geben7Sie"',
        'variable "db_password_name" {{\n  default = "{}"\n}}\n',
        'add_argument("--password", help="yours")\nadd_argument("--name", default="{}")',
        'strcpy(token, "{}");',
        'assert_equal(without_password, "{}")',
        '{{"password", "kennwort"}}, {{"password", "Enter it"}}',
        "docker run --name mysql -p 3306:3306 mysql -P 3306",
        "mysql -u root -p prod",
        'mysql -u root -p$PW prod; mysql -u root -p<password> prod; sshpass -p "$PW" ssh db1',
    ],
)
def test_a_literal_beside_a_name_is_left_where_nothing_says_that_it_is_its_value(redactor: Redactor, text: str) -> None:
    assert found(redactor, text.format("Zx9kQ2vLm7"), "a.c") == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("password:\n  'key-1': 'x'\n", "a.yml"),
        ("passwords:\n  `Zx9kQ2vLm7`: 1\n", "a.js"),
        ("password = (\n    read('Zx9kQ2vLm7')\n)\n", "a.py"),
        ("password = (\n\n    'Zx9kQ2vLm7'\n)\n", "a.py"),
        ("password: |\n  Zx9kQ2vLm7 is\n  what it was\n", "a.yml"),
        ("password: |\n  {{ password }}\n", "a.yml"),
        ("token = q(Zx9k)\n", "a.js"),
        ("<key>PasswordLabel</key>\n<string>Zx9kQ2vLm7</string>\n", "a.plist"),
        ("ConvertTo-SecureString $password -AsPlainText\n", "a.ps1"),
    ],
)
def test_what_stands_below_a_name_and_is_not_its_value_is_left(redactor: Redactor, text: str, path: str) -> None:
    assert found(redactor, text, path) == []


def test_a_key_below_its_name_is_found(redactor: Redactor) -> None:
    for text, path in (
        (f"api_key: >-\n  {HEX}\n", "a.yml"),
        (f"API_KEY = (\n    '{HEX}'\n)\n", "a.py"),
        (f'const apiKey =\n  "{HEX}"\n', "a.go"),
        (f"<key>ApiKey</key>\n<string>{HEX}</string>\n", "a.plist"),
    ):
        assert found(redactor, text, path) == [("KEY", HEX)]


@pytest.mark.parametrize(
    "text",
    [
        'API_KEY = (\n    "{}"\n    "{}"\n)\n',
        'apiKey = "{}" +\n    "{}";\n',
        'apiKey = "{}"\n    + "{}";\n',
        "api_key = '{}' \\\n    '{}'\n",
        'const char *api_key =\n    "{}"\n    "{}";\n',
        '$api_key = "{}" . "{}";\n',
    ],
)
def test_a_value_in_several_literals_goes_as_a_whole(redactor: Redactor, text: str) -> None:
    redacted = redactor.redact(text.format(HEX[:20], HEX[20:]), "a.c", None)
    assert redacted.text == text.format("KEY_1_REDACTED", "")


def test_what_stands_below_a_value_and_is_not_joined_to_it_stays(redactor: Redactor) -> None:
    for below in ('"""What it is for."""\n', '"password2"\n', "x = 'abc7'\n"):
        redacted = redactor.redact(f"password = '{PW}'\n{below}", "a.py", None)
        assert redacted.text == f"password = 'PASSWORD_1_REDACTED'\n{below}"


@pytest.mark.parametrize(
    "text",
    [
        "'&key=certs/ca.key'\n  . '&ciphers=AES256-SHA'\n  . '&version=TLSv1';",
        'key = "ABCDEFGHIJKLMNOPQRSTUVXYZ"\n  "abcdefghijklmnopqrstuvxyz"\n  "./0123456789";',
        """`{"password":` +\n  `"bar"}`,""",
    ],
)
def test_queries_and_texts_in_several_literals_are_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text, "a.pl") == []


@pytest.mark.parametrize("password", ["Tr0ub\\\\4dor", "Tr0ub\\$4dor", "Tr0ub\\u00214dor"])
def test_a_password_of_a_url_goes_with_what_is_escaped_in_it(redactor: Redactor, password: str) -> None:
    text = f'url = "postgres://root:{password}@db.kiesgrube-ost.de/x"'
    assert found(redactor, text) == [("PASSWORD", password)]
    text = f'{{"url": "postgres:\\/\\/root:{password}@db.kiesgrube-ost.de\\/x"}}'
    assert found(redactor, text, "a.js") == [("PASSWORD", password)]


@pytest.mark.parametrize("password", ["Birke,7Zweig", "Birke&7Zweig", "Birke;7Zweig", "Birke(7Zweig", "Birke[7Zweig"])
def test_a_password_in_a_connection_string_ends_before_the_next_name(redactor: Redactor, password: str) -> None:
    for text in (
        '"Server=db;Pwd={};Host=h;"',
        '"Pwd={};User Id=x;"',
        '"http://h/?user=root&password={}&a%3C=1&b[]=2"',
        '"password={}&amp;ssl=True"',
        '"jdbc:x://h/db?user=root&password={}"',
        '"h:1,password={},ssl=True"',
    ):
        assert found(redactor, text.format(password), "a.cs") == [("PASSWORD", password)]
    assert found(redactor, f'password = "{password}"') == [("PASSWORD", password)]


def test_a_slash_in_the_password_of_a_url_does_not_hide_it(redactor: Redactor) -> None:
    assert found(redactor, "u = 'postgres://root:Birke/7Zwe/ig@db.invalid/x'") == [("PASSWORD", "Birke/7Zwe/ig")]
    for text in (
        "http://shop.invalid:8080/a7/b@c",
        "http://shop.invalid:${PORT}/a7/b@c",
        "http://host:port/path/b@c",
        "http://{host}:{port}/a7@b",
    ):
        assert found(redactor, f"u = '{text}'") == []


def test_a_value_that_ends_like_a_type_is_found(redactor: Redactor) -> None:
    text = "kind: Secret\ndata:\n  password: VHIwdWI0ZG9yLXg=\n"
    assert found(redactor, text, "secret.yaml") == [("PASSWORD", "VHIwdWI0ZG9yLXg=")]


@pytest.mark.parametrize("signs", ["{7}Zweig&", "Zweig|7;x"])
def test_the_line_of_a_block_is_a_setting_with_all_its_signs(redactor: Redactor, signs: str) -> None:
    assert found(redactor, f"password: |\n  Birke{signs}\n", "a.yml")[:1] == [("PASSWORD", f"Birke{signs}")]


SETTINGS = (
    ("db.password=", ".env"),
    ("db.password = ", "a.properties"),
    ("password: ", "a.yml"),
    ("- PASSWORD=", "a.yaml"),
)


@pytest.mark.parametrize(
    "value",
    [
        "Birke&7Zweig",
        "Birke7;Zweig",
        "Birke(7)Zweig",
        "Birke{X7}Zweig",
        "Birke|7Zweig,Wq8",
        "Birke7<Zweig",
        "-Birke7Zweig",
        "(Birke7Zweig",
        "Birke\\7Zweig",
        "Birke'7Zweig",
        'Birke"7Zweig',
        "Birke7 Zweig4 Laub9",
        "Birke7Zweig  # what it is for",
    ],
)
@pytest.mark.parametrize(("name", "path"), SETTINGS)
def test_a_password_in_a_line_of_settings_goes_to_the_end_of_the_line(
    redactor: Redactor, value: str, name: str, path: str
) -> None:
    assert found(redactor, f"a: 1\n{name}{value}\n", path) == [("PASSWORD", value.partition("  #")[0])]


@pytest.mark.parametrize(
    "value",
    [
        "os.environ['PW']",
        "getPassword()",
        "{password}",
        "dev-{env}",
        "${PW}",
        "$(cat /x)",
        "|",
        "!vault |",
        "the one of x",
    ],
)
def test_a_line_of_settings_that_names_another_place_is_left(redactor: Redactor, value: str) -> None:
    for name, path in SETTINGS[:3]:
        assert found(redactor, f"{name}{value}\n", path) in ([], [("PASSWORD", "the")])


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (f'- name: POSTGRES_PASSWORD\n  value: "{PW}"\n', "deploy.yaml"),
        (f"- name: POSTGRES_PASSWORD\n  value: {PW}\n", "deploy.yaml"),
        (f'{{"key": "DB_PASSWORD", "value": "{PW}"}}', "a.json"),
        (f'{{"ParameterKey": "DbPassword",\n "ParameterValue": "{PW}"}}', "a.json"),
        (f"<name>shop.db.password</name>\n  <value>{PW}</value>", "core-site.xml"),
    ],
)
def test_a_value_beside_its_name_is_found(redactor: Redactor, text: str, path: str) -> None:
    assert found(redactor, text, path) == [("PASSWORD", PW)]


def test_a_name_beside_a_plain_word_or_another_field_is_left(redactor: Redactor) -> None:
    for text in (
        '{"key": "password", "value": "Passwort"}',
        f'{{"name": "title", "value": "{PW}"}}',
        "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef: db-secret-1\n",
    ):
        assert found(redactor, text, "a.yml") == []


@pytest.mark.parametrize("password", ["p@ss-w0rd77", "kR7@xQ2@pL9z", "Birke@77)", "Birke7@Zweig]@9}"])
def test_the_last_at_before_the_path_ends_a_password(redactor: Redactor, password: str) -> None:
    text = f"url = 'postgres://root:{password}@db.invalid/x?y=a@b'"
    assert found(redactor, text) == [("PASSWORD", password)]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "password",
        "Password",
        "changeme",
        "xxxxxxxx",
        "********",
        "${PW}",
        "$PW",
        "{{ pw }}",
        "<password>",
        "%PW%",
        "%s",
        "your_password",
        "#{pw}",
        "os.environ['PW']",
        "config.db.password",
        "DB_PASSWORD",
        "current-password",
        "$(cat /x)",
        "enter your password",
        "/run/secrets/pw",
        "./pw.txt",
        "getPassword()",
        "None",
        "required",
        "placeholder",
        "123",
        "{password}",
        "[password]",
        "current_password",
        "@DB_PW@",
        "<%= pw %>",
        "https://shop.invalid/reset",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-Ab3dEf",
        "PASSWORD_1_REDACTED",
        "$name:$word",
        "required|string|min:8|confirmed",
        "required|min:6",
        "required|current_password:api",
        "nullable|regex:/^(?=.*[a-z])(?=.*[A-Z])[!$#%]/|max:99",
        "--global-basic-auth-password",
        "\\033[42mOkay4\\033[0m",
    ],
)
def test_what_only_stands_for_a_password_is_left(redactor: Redactor, value: str) -> None:
    assert found(redactor, f'password = "{value}"') == []
    assert found(redactor, f"password: {value}\n", "a.yml") == []


@pytest.mark.parametrize(
    "text",
    [
        f"password_field = '{PW}'",
        f"passwordLength: '{PW}'",
        f"compass = '{PW}'",
        f"bypass: '{PW}'",
        f"key_size = '{PW}'",
        f"['password', '{PW}']",
        f"password, '{PW}'",
        "password = hunter2x",
        "password = read(x1y2)",
        f"passenger = '{PW}'",
        "keyboard = 'a1b2c3d4e5f6'",
        f"token_type = '{HEX}'",
        f"tokenizer: '{HEX}'",
    ],
)
def test_names_that_only_remind_of_secrets_are_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text) == []


@pytest.mark.parametrize(
    "text, value",
    [
        (f"api_key = '{HEX}'", HEX),
        (f"X-Auth-Token: {HEX}", HEX),
        (f'"clientSecret": "{HEX}"', HEX),
        (f"const frobKey = '{HEX}'", HEX),
        (f"SIGNING_SECRET = '{HEX}'", HEX),
        (f"apt_token = '{HEX[:20]}'", HEX[:20]),
        ("token = 'q8ZkT3vLxW0bNs7YpRd2'", "q8ZkT3vLxW0bNs7YpRd2"),
        ("secret: '7c9e6679-7425-40de-944b-e07fc1f90ae7'", "7c9e6679-7425-40de-944b-e07fc1f90ae7"),
        ("headers = {'Authorization': 'Bearer q8ZkT3vLxW0bNs7YpRd2'}", "q8ZkT3vLxW0bNs7YpRd2"),
        ("SECRET_KEY = 'k$w9!zq2(t@x^8v_5m&c7+e#r4p-b6n=yd3f'", "k$w9!zq2(t@x^8v_5m&c7+e#r4p-b6n=yd3f"),
    ],
)
def test_keys_are_found_by_their_name_and_their_randomness(redactor: Redactor, text: str, value: str) -> None:
    assert found(redactor, text, "a.yml") == [("KEY", value)]


def test_a_token_in_a_text_of_json_is_found(redactor: Redactor) -> None:
    text = rf'access_token = "{{\"access_token\": \"{HEX}\", \"token_type\": \"bearer\"}}"'
    assert found(redactor, text) == [("KEY", HEX)]


@pytest.mark.parametrize(
    "text",
    [
        "key = 'user-profile-settings-list'",
        "token = getToken()",
        "secret = 'top-secret-information'",
        "key: 'apache-2.0-only'",
        f"sha256 = '{HEX}'",
        f"commit: {HEX}",
        "license_key = '389-exception-clause'",
        "token = 'createMergedBlanksRegExp'",
        "api_key = 'YOUR_API_KEY_GOES_HERE_1'",
        "key='AES256-GCM-SHA384'",
        "primary_key = 'customer_id_2'",
        "token = 'abc...xyz123456'",
        "SECRET = '0123456789abcdef'",
        "cipherKey = 'aaaaaaaaaaaaaaaaaaaaaaaa'",
        "secret = ${{ secrets.API_TOKEN_V2 }}",
        "Culture=neutral, PublicKeyToken=4b1d0f7ac93e5826",
        "publicKeyToken: '4b1d0f7ac93e5826'",
        'secret: "AWS4$secretKey"',
        f"ENV GPG_KEY {HEX.upper()}9C5A7F31",
        f"ENV GPG_KEY=0x{HEX.upper()}9C5A7F31",
        f"signing_key: {HEX.upper()}9C5A7F31",
        f"validpgpkeys=('{HEX.upper()}9C5A7F31')",
        f"docker_repo_repokey: '{HEX.upper()}9C5A7F31'",
        f"RUN key='{HEX.upper()}9C5A7F31'; gpg --keyserver x --recv-keys \"$key\"",
        f"release_key: {HEX.upper()[:16]}",
        f"etag_key = '{HEX}'",
        f"const cacheKey = '{HEX}'",
        f"restore_key: v1-{HEX}",
        "primary_key = '7c9e6679-7425-40de-944b-e07fc1f90ae7'",
        "datasetKey = '7c9e6679-7425-40de-944b-e07fc1f90ae7'",
        f'"DVTSourceControlWorkspaceBlueprintRemoteRepositoryIdentifierKey" : "{HEX.upper()}9C5A7F31"',
        "Sec-WebSocket-Key: dGhlIGJpcmtlbiBub25jZQ==",
        "Token: `export SHOP_API_TOKEN=[token goes here]`",
        "# keys: 'sk-[project-name]-[20 alnum]T3BlbkFJ[20 alnum]'",
        r'access_token = "{\"token_type\":\"bearer\",\"expires_in\":10,\"scope\":[\"read\",\"write\"]}"',
        'key: "arn:aws:kms:us-east-1:123456789012:key/7c9e6679-7425-40de-944b-e07fc1f90ae7"',
    ],
)
def test_what_is_no_key_is_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text, "a.yml") == []


# A header's credentials have no shape of their own; the tests above and the golden files have some.
SHAPED = [rule for rule in RULES.keys if rule.name not in SHAPELESS and not rule.checksum]


@pytest.mark.parametrize("rule", SHAPED, ids=lambda rule: rule.name)
def test_each_published_format_is_found(redactor: Redactor, rule: KeyRule) -> None:
    rng = random.Random(rule.name)
    texts = [
        text for text in (made(rule.source, rng) for _ in range(40)) if entropy(secret_in(rule, text)) >= rule.entropy
    ]
    text = "".join(f"x = f({text})\n" for text in texts if not re.search(r"(?i)xxxxx|\.\.\.", text))
    lines = {
        text.count("\n", 0, r.start)
        for r in redactor.redact(text, "a.js", None).replacements
        if r.entity == rule.entity
    }
    assert len(lines) == text.count("\n") >= 8


@pytest.mark.parametrize("rule", RULES.keys, ids=lambda rule: rule.name)
def test_each_rule_is_ascii_and_its_keywords_occur_in_all_it_matches(rule: KeyRule) -> None:
    assert rule.source.isascii() and "[^" not in rule.source and rule.about and rule.keywords
    rng = random.Random(rule.name)
    for text in (made(rule.source, rng) for _ in range(20)):
        assert any(keyword.decode() in text.lower() for keyword in rule.keywords)


def test_a_key_of_a_wallet_is_found_by_its_check_sum(redactor: Redactor) -> None:
    body = bytes([0x80, *random.Random("wallet").randbytes(32), 1])
    number = int.from_bytes(body + hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4], "big")
    key = ""
    while number:
        number, digit = divmod(number, 58)
        key = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[digit] + key
    swapped = key[:20] + key[21] + key[20] + key[22:]
    assert found(redactor, f"x = f({key}, {swapped})", "a.js") == [("KEY", key)]


RULE = {"name": "birch_key", "about": "a", "pattern": r"\b(birch_[a-z]{20})\b", "keywords": ["birch_"]}


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ([RULE, {**RULE, "pattern": r"\b(beech_[a-z]{20})\b"}], "birch_key"),
        ([{**RULE, "pattern": r"\bbirch_[a-z]{20}\b"}], "has no group"),
        ([{**RULE, "checksum": "base59"}], "unknown check sum"),
    ],
)
def test_a_rule_that_would_hide_another_or_could_not_answer_is_refused(
    entries: list[dict[str, Any]], fault: str
) -> None:
    with pytest.raises(StopRun, match=fault):
        key_rules(entries)
    assert key_rules([RULE])[0].name == "birch_key"


def test_every_format_is_documented_by_number() -> None:
    page = (Path(__file__).parent.parent / "docs" / "reference" / "privacy.md").read_text()
    assert f"{len(RULES.keys)} formats" in page


@pytest.mark.parametrize(
    "text, names",
    [
        ("# Copyright (c) 2020 Wilma Feuerhahn", ["Wilma Feuerhahn"]),
        ("# Copyright 2001-2004, 2007 by Wilma Feuerhahn and Tove Lindqvist.", ["Wilma Feuerhahn", "Tove Lindqvist"]),
        ("© 2020 Oluwaseun Adéyẹmí", ["Oluwaseun Adéyẹmí"]),
        ("__author__ = 'Wilma Feuerhahn'", ["Wilma Feuerhahn"]),
        ('author="Wilma Feuerhahn", title="Great Code"', ["Wilma Feuerhahn"]),
        (" * @author Wilma Feuerhahn", ["Wilma Feuerhahn"]),
        (" * @author wfeuer", ["wfeuer"]),
        ("!> \\author Wilma Feuerhahn, KU Feldweg", ["Wilma Feuerhahn"]),
        ("// @author 张三", ["张三"]),
        ("# Author: M. K. van der Brugge", ["M. K. van der Brugge"]),
        ("Signed-off-by: Piet Hansen <user1@example.com>", ["Piet Hansen"]),
        ("thanks to Piet Hansen <user1@example.com> for this", ["Piet Hansen"]),
        ("<author>Wilma Feuerhahn</author>", ["Wilma Feuerhahn"]),
        ("# Written by Sean O'Casey.", ["Sean O'Casey"]),
        ("Maintainer: Linus FEUERHAHN", ["Linus FEUERHAHN"]),
        ("authors = ['Wilma Feuerhahn', 'Tove Lindqvist']", ["Wilma Feuerhahn", "Tove Lindqvist"]),
        ('authors: ["Wilma Feuerhahn" "Tove Lindqvist"]', ["Wilma Feuerhahn", "Tove Lindqvist"]),
        ("Copyright (c) 1999 A. Feuerhahn, B. Lindqvist", ["A. Feuerhahn", "B. Lindqvist"]),
        ('"contributors": [\n  {"name": "Tove Lindqvist"}', ["Tove Lindqvist"]),
        ("Author: Wilma Feuerhahn [aut, cre], Tove Lindqvist [ctb]", ["Wilma Feuerhahn", "Tove Lindqvist"]),
        ("# Author: Feuerhahn, Wilma <user1@example.com>", ["Feuerhahn, Wilma"]),
        ("# Author: van der Brugge, Piet J.", ["van der Brugge, Piet J."]),
        ("# Author: WILMA FEUERHAHN", ["WILMA FEUERHAHN"]),
        ("/* Copyright (c) 1998 WILMA FEUERHAHN */", ["WILMA FEUERHAHN"]),
        ("# Auteur : Jean-Luc Dubois", ["Jean-Luc Dubois"]),
        ("# Autor: Wilma Feuerhahn", ["Wilma Feuerhahn"]),
        ("# Autores: Wilma Feuerhahn, Tove Lindqvist", ["Wilma Feuerhahn", "Tove Lindqvist"]),
        ("# Автор: Ольга Костёр", ["Ольга Костёр"]),
        ("<developer>\n  <id>x</id>\n  <name>Wilma Feuerhahn</name>\n</developer>", ["Wilma Feuerhahn"]),
        (' * @author <a href="mailto:user1@example.com">Wilma Feuerhahn</a>', ["Wilma Feuerhahn"]),
        ("=head1 AUTHOR\n\nWilma Feuerhahn\n", ["Wilma Feuerhahn"]),
        ("thanks to Piet Hansen E<lt>user1@example.comE<gt>", ["Piet Hansen"]),
        ("a fault that was reported by Tove Lindqvist", ["Tove Lindqvist"]),
    ],
)
def test_names_are_found_where_files_name_their_authors(redactor: Redactor, text: str, names: list[str]) -> None:
    assert found(redactor, text, "a.js") == [("NAME", name) for name in names]


@pytest.mark.parametrize(
    "text",
    [
        "# Copyright 2020 Google LLC",
        "# Copyright (c) 2020 The Feldweg Authors. All rights reserved.",
        "Copyright 2020 Acme, Inc.",
        "Copyright (c) Free Software Foundation",
        "Copyright (c) Wilma Feuerhahn, Inc.",
        "Copyright Notice and Permission",
        "Copyright (C) 2020 Feldweg Editor Organization",
        "Copyright (c) Tweed I/O Limited.",
        "to be implemented by Git LFS clients",
        "/* name as it was added by the Fortran Library */",
        "Author: John Doe",
        "Written by A Team",
        "author: String",
        "author = models.ForeignKey(User)",
        "Author: unknown",
        "@author Administrator",
        "written by hand",
        "class John Smith",
        "The Quick Brown Fox",
        "Copyright (c) University of Feldweg",
        "created by Visual Studio Code",
        "Copyright 2020 NAME_1",
        "Author: NAME_1 and NAME_2",
        "const author = getAuthor()",
        "contributors welcome",
        "# (c) Foo",
        "COPYRIGHT HOLDERS AND CONTRIBUTORS",
        "Author: Google, Inc",
        "Author: Feldweg, Inc.",
        "# Author: see the README, Section 2",
        "autoreload: True",
        "Images are supported by Birch Explorer and Tree Engine.",
        "Exported by Feldweg Maker",
        "<!-- Created by Feldweg Graphics -->",
        "Author: Feldweg Themes",
        "Author: Feldweg Plugins",
        '"author": "作者"',
        "authors: '全部作者', maintainer: '维护者', contributors: '贡献者'",
        '"author": "작성자", "contributors": "기여자"',
        "<contributor><name>Kiesgrube GmbH</name>",
    ],
)
def test_organisations_and_words_are_no_names(redactor: Redactor, text: str) -> None:
    assert found(redactor, text, "a.js") == []


@pytest.mark.parametrize(
    "line",
    [
        "# Release Checklist",
        "## Managing Forks",
        "Feldweg Desk is used.",
        "* **Birch Remote Desktop**: x",
        "* **Birch Desk** is how we count",
        "* Feldweg Cloud test account",
    ],
)
def test_headings_and_sentences_of_a_page_about_maintainers_are_no_names(redactor: Redactor, line: str) -> None:
    text = f"{line}\n* **Wilma Feuerhahn** (Feldweg)\nTove Lindqvist for the port\nJean-Luc Dubois and others\n"
    names = ["Wilma Feuerhahn", "Tove Lindqvist", "Jean-Luc Dubois"]
    assert [name for _, name in found(redactor, text, "docs/maintainers.md")] == names


def test_a_long_list_of_names_is_found_to_its_end(redactor: Redactor) -> None:
    names = ["Wilma Feuerhahn", "Tove Lindqvist", "Jean-Luc Dubois"] * 60
    assert [name for _, name in found(redactor, f"  author={{{' and '.join(names)}}},\n", "a.bib")] == names


def test_the_authors_of_a_package_of_r_are_found_on_all_their_lines(redactor: Redactor) -> None:
    text = "Author: Wilma Feuerhahn [aut],\n    Tove Lindqvist [ctb]\nTitle: Two Words\n"
    assert [name for _, name in found(redactor, text, "pkg/DESCRIPTION")] == ["Wilma Feuerhahn", "Tove Lindqvist"]
    text = 'Authors@R: c(person("WF", "feuerhahn", role = "cre"),\n  person(given = "Kiesgrube GmbH", "AG"))\n'
    assert [name for _, name in found(redactor, text, "pkg/DESCRIPTION")] == ["WF", "feuerhahn"]
    assert found(redactor, text, "a.py") == []


@pytest.mark.parametrize(
    "text",
    [
        "'/home/wfeuer/x'",
        "/Users/wfeuer/",
        "C:\\Users\\wfeuer\\x",
        '"C:\\\\Users\\\\wfeuer"',
        "file:///home/wfeuer/x",
        "D:/Users/wfeuer",
        "CFLAGS=-I/home/wfeuer/inc",
        "'-L/home/wfeuer/lib'",
        "FLAGS = -g -isystem/home/wfeuer/inc",
        "/mnt/c/Users/wfeuer/x",
        "/cygdrive/c/Users/wfeuer/x",
        "'/c/Users/wfeuer/x'",
        "/Volumes/Disk/Users/wfeuer/x",
        "/export/home/wfeuer/x",
        "/usr/home/wfeuer",
        "/net/host7/home/wfeuer/x",
        "webpack:///home/wfeuer/a.js",
        "sftp://host7/home/wfeuer/a",
        "<path>/home/wfeuer/x</path>",
        "<saveLocation>/Users/wfeuer</saveLocation>",
        "source /cluster/home/wfeuer/.bashrc",
        "-v /home/wfeuer:/data",
        '{"p": "\\/home\\/wfeuer\\/x"}',
        "see https://shop.invalid/x or '/home/wfeuer/x'",
        'path: "/home/wfeuer/x"',
        "x.replace('/home/wfeuer', '')",
        "config.get('/home/wfeuer/x')",
        '<a href="/home/wfeuer/x/y.html">',
    ],
)
def test_user_names_in_home_paths_are_found(redactor: Redactor, text: str) -> None:
    assert found(redactor, text) == [("USERNAME", "wfeuer")]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("'/home/jörg/x'", "jörg"),
        ("/Users/jo\u0308rg/x", "jo\u0308rg"),
        ("/home/李小龙/x", "李小龙"),
        ("in /home/jörg。", "jörg"),
        ("r'C:\\Users\\Wilma Feuer\\Documents'", "Wilma Feuer"),
        ("file:///C:/Users/Wilma%20von%20Feuer/x", "Wilma%20von%20Feuer"),
        ("C:\\Users\\wfeuer is mine", "wfeuer"),
        ("C:\\Users\\w.feuer\\x", "w.feuer"),
    ],
)
def test_user_names_are_found_with_all_their_letters(redactor: Redactor, text: str, name: str) -> None:
    assert found(redactor, text) == [("USERNAME", name)]


@pytest.mark.parametrize(
    "text",
    [
        "/home/user/x",
        "/home/用户名/x",
        "C:\\Documents and Settings\\All Users\\x",
        "https://shop.invalid/usr/home/wfeuer",
        "https://shop.invalid/home/wfeuer/.well-known/x",
        "<a>/home/birches</a>",
        "https:\\/\\/shop.invalid\\/home\\/wfeuer",
        "${scheme}://shop.invalid/home/wfeuer",
        "  /home/wfeuer:\n    get:",
        "a-b/home/wfeuer",
        "/app/home/wfeuer",
        "/home/runner/work",
        "/home/$USER",
        "/home/${name}/x",
        "/Users/Shared/x",
        "C:\\Users\\Public",
        "/home/ubuntu",
        "https://shop.invalid/home/about",
        "'/home/index.html'",
        "src/home/wfeuer",
        "/home/USERNAME_1/x",
        "redirect('/home/dashboard')",
        '@RequestMapping("/home/brand")',
        '@GetMapping(value = "/home/birches/{id}")',
        "app.get('/home/birches', h)",
        "router.push('/home/orders')",
        "Route::post('/home/birches', 'x')",
        "GoRoute(path: '/home/orderlist')",
        "<Route path='/home/birches' />",
        'href="/home/birches"',
        "<Link to='/home/birches?x=1'>",
    ],
)
def test_shared_accounts_and_pages_are_no_user_names(redactor: Redactor, text: str) -> None:
    assert found(redactor, text) == []


def test_user_and_password_in_a_url_are_both_found(redactor: Redactor) -> None:
    text = f"url = 'amqp://wfeuer:{PW}@mq.shop.invalid:5672/'"
    assert found(redactor, text) == [("USERNAME", "wfeuer"), ("PASSWORD", PW)]


def test_a_private_key_keeps_its_first_and_last_line_and_its_number_of_lines(redactor: Redactor) -> None:
    body = "\n".join(HEX * 2 for _ in range(12))
    text = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\nafter\n"
    redacted = redactor.redact(text, "id_rsa", None)
    lines = redacted.text.splitlines()
    assert lines[0].endswith("KEY-----") and lines[1] == "PRIVATE_KEY_1_REDACTED"
    assert lines[13:] == ["-----END OPENSSH PRIVATE KEY-----", "after"] and len(redacted.replacements) == 1


def test_a_private_key_without_an_end_stops_where_the_code_goes_on(redactor: Redactor) -> None:
    text = f"-----BEGIN PRIVATE KEY-----\n{HEX}\n{HEX}\ndef f():\n    return 1\n"
    assert redactor.redact(text, "a.py", None).text.endswith("def f():\n    return 1\n")


BODY = base64.b64encode(random.Random(6).randbytes(1190)).decode()  # as long as the body of an RSA key of 2,048 bits
COLUMNS = [BODY[place : place + 64] for place in range(0, len(BODY), 64)]
BEGIN, END = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
FORMS_OF_A_KEY = {
    "lines": f"{BEGIN}\n" + "\n".join(COLUMNS) + f"\n{END}\n",
    "one long line": f"{BEGIN}\n{BODY}\n{END}\n",
    "no line ends": f'KEY = """{BEGIN}{BODY}{END}"""\n',
    "a string of JSON": '{"pk": "' + f"{BEGIN}\\n{BODY}\\n{END}\\n" + '"}\n',
    "a string in a string": '{"pk": "{\\"k\\": \\"' + f"{BEGIN}\\\\n{BODY}\\\\n{END}\\\\n" + '\\"}"}\n',
    "slashes of PHP": '{"pk": "' + f"{BEGIN}\\n{BODY}\\n{END}\\n".replace("/", "\\/") + '"}\n',
    "letters of .NET": f'{{"pk": "{BEGIN}\\n{BODY}\\n{END}"}}\n'.replace("+", "\\u002B"),
    "blanks": f"key: {BEGIN} {' '.join(COLUMNS)} {END}\n",
    "short columns": f"key: {BEGIN} {' '.join(BODY[n : n + 10] for n in range(0, len(BODY), 10))} {END}\n",
    "uneven pieces": f"key: {BEGIN} {' '.join(BODY[n * n : (n + 1) ** 2] for n in range(9, 39))} {END}\n",
    "commas": f"key: '{BEGIN},{','.join(COLUMNS)},{END}'\n",
    "an address": f"k={BEGIN}%0A{'%0A'.join(COLUMNS)}%0A{END}\n",
    "a form": f"k={BEGIN}\n{BODY}\n{END}\n".replace("+", "%2B")
    .replace(" ", "+")
    .replace("/", "%2F")
    .replace("\n", "%0A"),
    "an address in an address": f"k={BEGIN}%250A{'%250A'.join(COLUMNS)}%250A{END}\n",
    "a page": f"<p>{BEGIN}<br>{'<br>'.join(COLUMNS)}<br/>{END}</p>\n",
    "an attribute": f'<key v="{BEGIN}&#10;{"&#xA;".join(COLUMNS)}&#10;{END}"/>\n',
    "numbered lines": f"{BEGIN}\n" + "\n".join(f"{n}: {line}" for n, line in enumerate(COLUMNS)) + f"\n{END}\n",
    "code between": f's.add("{BEGIN}");\n' + "".join(f's.add("{c}");\n' for c in COLUMNS) + f's.add("{END}");\n',
    "no end": f'KEY = "{BEGIN}\\n{BODY}";\nrest();\n',
    "with headers": f"{BEGIN}\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,0123456789ABCDEF\n\n{BODY}\n{END}\n",
}


@pytest.mark.parametrize(("path", "language"), [("a.py", "Python"), ("a.yml", "YAML"), ("notes.md", "Markdown")])
@pytest.mark.parametrize("form", FORMS_OF_A_KEY)
def test_no_form_of_a_private_key_leaves_a_piece_of_it(form: str, path: str, language: str) -> None:
    redacted = Redactor().redact(FORMS_OF_A_KEY[form], path, language)
    pieces = {BODY[place : place + 8] for place in range(len(BODY) - 8)}
    assert not [piece for piece in pieces if piece in redacted.text]
    assert redacted.text.count("PRIVATE_KEY_1_REDACTED") == 1 and "BEGIN" in redacted.text


def test_both_gates_see_a_private_key_in_every_form() -> None:
    one, other = Redactor(), Redactor(keywords_only=True)
    for form in FORMS_OF_A_KEY.values():
        assert one.redact(form, "a.txt", None) == other.redact(form, "a.txt", None)


PEM = f"{BEGIN}\n" + "\n".join(COLUMNS) + f"\n{END}\n"
ACCOUNT = json.dumps({"type": "service_account", "private_key": PEM, "client_id": "1"}, indent=2)


def encoded_lines(text: str, width: int) -> list[str]:
    encoded = base64.b64encode(text.encode()).decode()
    return [encoded[place : place + width] for place in range(0, len(encoded), width)]


@pytest.mark.parametrize("text", [PEM, PEM.rstrip(), f"# ours\n{PEM}", ACCOUNT], ids=["key", "cut", "note", "account"])
@pytest.mark.parametrize(
    ("form", "between", "width"),
    [
        ("data:\n  tls.key: {}\n  type: Opaque\n", "", 9999),
        ('K = "{}"\nnext()\n', "", 9999),
        ("key: |\n  {}\n  after\nother: 1\n", "\n  ", 76),
        ('KEY = (\n    "{}"\n)\nafter()\n', '"\n    "', 64),
        ('s = "{}";\nafter();\n', "\\n", 64),
        ('String s = "{}";\nafter();\n', '" +\n    "', 64),
    ],
    ids=["secret", "string", "block", "literals", "escapes", "sum"],
)
def test_a_private_key_in_base64_goes_as_a_whole(text: str, form: str, between: str, width: int) -> None:
    lines = encoded_lines(text, width)
    written = form.format(between.join(lines))
    redacted = Redactor().redact(written, "a.yml", None)
    assert redacted == Redactor(keywords_only=True).redact(written, "a.yml", None)
    assert redacted.text.count("PRIVATE_KEY_1_REDACTED") == 1
    left = "".join(part for part in re.split("[^A-Za-z0-9+/=]+", redacted.text) if part in lines)
    assert b"KEY" not in base64.b64decode(left)  # what stands before a key may stay on lines of its own
    for piece in form.split("{}"):
        assert piece in redacted.text


def test_what_only_speaks_of_private_keys_in_base64_is_left(redactor: Redactor) -> None:
    certificate = PEM.replace("RSA PRIVATE KEY", "CERTIFICATE")
    for text in (certificate, f"The file begins with {BEGIN} and this is what a reader looks for. " * 9):
        written = f"k: {base64.b64encode(text.encode()).decode()}\n"
        assert redactor.redact(written, "a.yml", None).text == written


RANDOM = base64.urlsafe_b64encode(random.Random(8).randbytes(192)).decode()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            f'{{"kty":"RSA","n":"{RANDOM[:90]}","e":"AQAB","d":"{RANDOM[90:170]}","p":"{RANDOM[170:210]}"}}',
            [RANDOM[90:170], RANDOM[170:210]],
        ),
        (f"key = {{\n  d: '{RANDOM[:43]}',\n  x: '{RANDOM[43:86]}',\n  kty: 'EC',\n}}", [RANDOM[:43]]),
        (f'"{{\\"k\\":\\"{RANDOM[:43]}\\",\\"kty\\":\\"oct\\"}}"', [RANDOM[:43]]),
        (
            f"<RSAKeyValue><Modulus>{BODY[:88]}</Modulus><P>{BODY[90:132]}==</P>\n<D>{BODY[132:230]}</D></RSAKeyValue>",
            [BODY[90:132] + "==", BODY[132:230]],
        ),
        (f"accounts: ['0x{HEX * 2}', `{HEX[::-1] * 2}`]", [f"0x{HEX * 2}", HEX[::-1] * 2]),
    ],
    ids=["rsa", "curve", "escaped", "xml", "accounts"],
)
def test_private_numbers_of_keys_are_found_and_public_ones_stay(
    redactor: Redactor, text: str, values: list[str]
) -> None:
    assert found(redactor, text, "a.js") == [("KEY", value) for value in values]
    assert Redactor(keywords_only=True).redact(text, "a.js", None) == redactor.redact(text, "a.js", None)


@pytest.mark.parametrize(
    "text",
    [
        f'{{"kty":"EC","x":"{RANDOM[:43]}","y":"{RANDOM[43:86]}"}}',
        f'{{"d":"{RANDOM[:43]}"}}',
        "<P>Read this and then that, since it is long enough for one.</P>",
        f"accounts: ['0x{HEX}12345678']",
        f"hashes: ['0x{HEX * 2}']",
    ],
)
def test_public_numbers_of_keys_are_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text, "a.js") == []


def test_a_static_key_of_openvpn_is_a_private_key(redactor: Redactor) -> None:
    lines = "\n".join([HEX] * 16)
    text = f"-----BEGIN OpenVPN Static key V1-----\n{lines}\n-----END OpenVPN Static key V1-----\n"
    assert found(redactor, text, "a.ovpn") == [("PRIVATE_KEY", lines)]


@pytest.mark.parametrize(
    "text",
    [
        f'if key.startswith("{BEGIN}") and key.strip().endswith("{END}"):\n    return key\n',
        f"A key begins with {BEGIN} and it ends with a line that reads {END} in most programs that people use.\n",
        f'const begin = "{BEGIN}";\nfunction parsePkcs8PrivateKeyInfo(derBytes) {{ return 1 }}\nconst end = "{END}";\n',
        f"{BEGIN}\n...\n{END}\n",
        f'{{"begin": "{BEGIN}",\n "name": "x",\n "integrity": "sha512-{BODY[:86]}=="}}\n',
    ],
)
def test_code_and_prose_about_private_keys_are_left(redactor: Redactor, text: str) -> None:
    assert redactor.redact(text, "a.txt", None).text == text


def test_certificates_and_public_keys_are_left(redactor: Redactor) -> None:
    text = "".join(f"-----BEGIN {kind}-----\n{HEX}\n-----END {kind}-----\n" for kind in ("CERTIFICATE", "PUBLIC KEY"))
    assert found(redactor, text) == []


def secret_in(rule: KeyRule, text: str) -> str:
    match = rule.pattern.search(text.encode())
    assert match is not None, rule.name
    return bytes(match.group(1)).decode() if match.group(1) else bytes(match.group(0)).decode()


# The parser of Python's own patterns, which has no public name; it reads the rules' syntax too.
sre: Any = importlib.import_module("re._constants")
sre_parser: Any = importlib.import_module("re._parser")


def made(pattern: str, rng: random.Random) -> str:
    """A random text that a pattern matches. Knows the few constructs that the rules use."""
    return "".join(_made(operation, argument, rng) for operation, argument in sre_parser.parse(pattern))


def _made(operation: Any, argument: Any, rng: random.Random) -> str:
    if operation is sre.LITERAL:
        return chr(argument)
    if operation is sre.IN:
        return rng.choice(_members(tuple(argument)))
    if operation is sre.BRANCH:
        return _sequence(rng.choice(argument[1]), rng)
    if operation is sre.SUBPATTERN:
        return _sequence(argument[-1], rng)
    if operation is sre.MAX_REPEAT:
        least, most, items = argument
        return "".join(_sequence(items, rng) for _ in range(rng.randint(least, min(int(most), least + 24))))
    assert operation is sre.AT, operation
    return ""


def _sequence(items: Any, rng: random.Random) -> str:
    return "".join(_made(operation, argument, rng) for operation, argument in items)


@cache
def _members(parts: tuple[tuple[Any, Any], ...]) -> list[str]:
    return sorted(c for c in string.printable if any(_holds(kind, value, ord(c)) for kind, value in parts))


def _holds(kind: Any, value: Any, character: int) -> bool:
    if kind is sre.LITERAL:
        return bool(character == value)
    assert kind is sre.RANGE, kind
    return bool(value[0] <= character <= value[1])
