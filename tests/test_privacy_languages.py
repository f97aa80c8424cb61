"""Words for password in other languages, and quotes as pages and addresses write them. All values are invented."""

import pytest
from redacted import found

from gleanery.privacy.redact import Redactor

PW, KEY = "kF9xQ2vT7z", "9f86d081884c7d659a2feaa0c55ad015"
WORDS = (
    "密码 密碼 用户密码 パスワード пароль Пароль 비밀번호 şifre sifre heslo hasło contraseña senha passe"
    " Passwort wachtwoord"
)


@pytest.fixture(scope="module", params=[False, True], ids=["fast gate", "keywords"])
def redactor(request: pytest.FixtureRequest) -> Redactor:
    return Redactor(keywords_only=request.param)


@pytest.mark.parametrize("word", WORDS.split())
@pytest.mark.parametrize(
    ("path", "form"),
    [("a.md", "{}：{}"), ("a.txt", "{}: {}"), ("a.yml", "{}: {}"), ("a.py", "{} = '{}'"), ("a.json", '{{"{}": "{}"}}')],
)
def test_the_word_for_password_in_other_languages(redactor: Redactor, word: str, path: str, form: str) -> None:
    assert found(redactor, form.format(word, PW), path) == [("PASSWORD", PW)]


@pytest.mark.parametrize(
    "text",
    [
        '"密码": "请输入密码"',
        "пароль: Введите",
        '"密码错误": "k8Fj2"',
        "hasło: hasło",
        "mot de passe : oublié",
        "şifre: sıfırla",
    ],
)
def test_labels_behind_such_words_are_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text, "locale.yml") == []


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        (f"x = '{{&quot;password&quot;:&quot;{PW}&quot;}}'", "PASSWORD", PW),
        (f"%7B%22password%22%3A%22{PW}%22%7D", "PASSWORD", PW),
        (f'"{{\\u0022password\\u0022: \\u0022{PW}\\u0022}}"', "PASSWORD", PW),
        (f'"user=x\\npass={PW}"', "PASSWORD", PW),
        (f'"host=x\\ntoken={KEY}"', "KEY", KEY),
        (f"mot de passe : '{PW}'", "PASSWORD", PW),
    ],
)
def test_quotes_and_line_ends_may_be_written_in_other_ways(
    redactor: Redactor, text: str, entity: str, value: str
) -> None:
    assert found(redactor, text, "a.js") == [(entity, value)]


@pytest.mark.parametrize(
    "text", ["{&quot;password&quot;: &quot;{{ pw }}&quot;}", "%22password%22%3A%22%22", "password%3Dword%26x%3D9a"]
)
def test_templates_and_what_is_empty_are_left_there_too(redactor: Redactor, text: str) -> None:
    assert found(redactor, text, "a.js") == []
