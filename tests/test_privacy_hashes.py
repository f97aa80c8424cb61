"""Hashes of passwords: each format wherever it stands, and nothing that only begins like one. Made by chance."""

import random
import string

import pytest
from redacted import found

from gleanery.privacy.redact import Redactor

RNG = random.Random(5)
LETTERS = string.ascii_letters + string.digits


def made(length: int, signs: str = LETTERS) -> str:
    return "".join(RNG.choices(signs, k=length))


def hexadecimal(length: int) -> str:
    return made(length, "0123456789abcdef")


HASHES = {
    "md5crypt": f"$1${made(8)}${made(22)}",
    "apr1": f"$apr1${made(8)}${made(22)}",
    "sha256crypt": f"$5$rounds=535000${made(16)}${made(43)}",
    "sha512crypt": f"$6${made(8)}${made(86)}",
    "bcrypt": f"$2y$12${made(53)}",
    "yescrypt": f"$y$j9T${made(22)}${made(43)}",
    "yescrypt without salt": f"$y$j9T$${made(43)}",
    "gost": f"$gy$j9T${made(22)}${made(43)}",
    "argon2d": f"$argon2d$v=19$m=4096,t=3,p=1${made(22)}${made(43)}",
    "argon2id": f"$argon2id$v=19$m=65536,t=3,p=4${made(22)}${made(43)}",
    "phpass": f"$P$B{made(30)}",
    "drupal": f"$S$D{made(51)}",
    "passlib": f"$pbkdf2-sha512$25000${made(22)}${made(86)}",
    "django": f"pbkdf2_sha256$600000${made(22)}${made(43)}=",
    "old django": f"md5${made(12)}${hexadecimal(32)}",
    "werkzeug pbkdf2": f"pbkdf2:sha256:600000${made(16)}${hexadecimal(64)}",
    "werkzeug scrypt": f"scrypt:32768:8:1${made(16)}${hexadecimal(128)}",
    "directory": "{SSHA}" + made(32),
    "web server": "{SHA}" + made(27) + "=",
    "atlassian": "{PKCS5S2}" + made(64),
    "scram": f"SCRAM-SHA-256$4096:{made(22)}==${made(43)}=:{made(43)}=",
    "mysql": f"*{hexadecimal(40).upper()}",
    "mysql 8": f"$A$005${made(63)}",
    "sql server": f"0x0200{hexadecimal(136).upper()}",
    "identity": f"AQAAAAIAAYagAAAAE{made(67)}",
    "cisco": f"$9${made(14)}${made(43)}",
}
FORMS = {
    "values of sql": ("a.sql", "INSERT INTO `users` VALUES (1,'wilma','{}','x');\n"),
    "yaml": ("users.yml", "users:\n  wilma:\n    password: {}\n"),
    "json": ("f.json", '[{{"fields": {{"password": "{}"}}}}]'),
    "python": ("a.py", "u.password = '{}'\n"),
    "role": ("g.sql", "ALTER ROLE wilma WITH LOGIN PASSWORD '{}';\n"),
    "entry": ("a.ldif", "dn: uid=w\nuserPassword: {}\n"),
    "web server": (".htpasswd", "wilma:{}\n"),
    "shadow": ("shadow", "wilma:{}:18000:0:99999:7:::\n"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", HASHES)
def test_hashes_of_passwords_go_as_a_whole(redactor: Redactor, form: str, kind: str) -> None:
    path, text = FORMS[form]
    written = text.format(HASHES[kind])
    assert found(redactor, written, path) == [("PASSWORD", HASHES[kind])]
    assert HASHES[kind] not in Redactor(keywords_only=True).redact(written, path, None).text


@pytest.mark.parametrize("kind", ["apr1", "bcrypt", "sha512crypt"])
def test_signs_that_a_file_doubles_or_escapes_are_of_the_hash(redactor: Redactor, kind: str) -> None:
    for sign in ("$$", "\\$"):
        value = HASHES[kind].replace("$", sign)
        assert found(redactor, f'- "auth.users=wilma:{value}"\n', "docker-compose.yml") == [("PASSWORD", value)]


@pytest.mark.parametrize(
    "text",
    [
        "var data = new this$1$1.library.visualization.DataTable();",
        "return this$1$1.setState$1.bindHandlersToAll(x);",
        '$GREP "$magic_exe" "$1$func_ltwrapper_exec_suffix" >/dev/null',
        f"x = '$6${made(8)}${made(60)}'",
        f"x = '$2b$12${made(22)}'",
        "x = '$argon2id$v=19$m=65536,t=3,p=1$<salt>$<hash>'",
        f"x = *{made(40, '0123456789abcdef')}",
        f"if (x == 0x0100{made(12, '0123456789ABCDEF')})",
        "grant = '{SHA}'",
    ],
)
def test_what_only_begins_like_a_hash_is_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text, "a.js") == []
