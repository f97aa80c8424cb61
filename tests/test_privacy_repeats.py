"""A secret that was found in one place of a file is looked for in all of it. All values here are invented."""

import random
import time

import pytest
from redacted import found

from gleanery.privacy.redact import Redactor

PW, KEY = "kF9xQ2vT7z", "9f3a61c07be84d25a1f09c7e6b3d8245"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("docker-compose.yml", f'    SA_PASSWORD: {PW}\n    test: ["CMD", "sqlcmd", "-U", "sa", "-P", "{PW}"]\n'),
        ("t.py", f'API_KEY = "{KEY}"\nassert url == "https://x.io/v1/{KEY}/list"\n'),
        ("login.js", f'login("wilma", "{PW}");\nconst password = "{PW}";\n'),
        ("README.md", f"curl -H 'Authorization: Bearer {KEY}' https://x\n\nThe token `{KEY}` is for the demo.\n"),
        ("form.php", f"'newPassword' => '{PW}', 'newPasswordConfirm' => '{PW}'\n"),
        ("a.py", f"password = '{PW}!'\nprint('{PW}', '{PW}!')\n"),
        ("a.py", f"password = '{PW}'\nx = 'admin_{PW}', '{PW}-{PW}'\n"),
    ],
)
def test_a_secret_goes_wherever_it_stands_in_a_file(redactor: Redactor, path: str, text: str) -> None:
    redacted = redactor.redact(text, path, None)
    assert PW not in redacted.text and KEY not in redacted.text
    assert redactor.redact(redacted.text, path, None).replacements == ()


@pytest.mark.parametrize("value", ["birkenzweig", "1987120412", "Ab1d9", "Ab-1-9"])
def test_words_numbers_and_short_values_are_not_looked_for(redactor: Redactor, value: str) -> None:
    text = f"password = '{value}'\nx = [{value}, '{value}']\n"
    assert len(found(redactor, text)) <= 1


def test_a_name_goes_wherever_it_stands_in_a_file(redactor: Redactor) -> None:
    text = "# Author: Wilma Feuerhahn\n# Cut by Tove Lind. As Wilma Feuerhahn (and J. Wilma Feuerhahn-Ost) says.\n"
    redacted = redactor.redact(text, "a.py", None)
    assert redacted.text == "# Author: NAME_1\n# Cut by Tove Lind. As NAME_1 (and J. NAME_1-Ost) says.\n"
    assert [row.detector.partition("@")[0] for row in redacted.replacements][1:] == ["repeated_name"] * 2
    assert redactor.redact(redacted.text, "a.py", None).replacements == ()


@pytest.mark.parametrize(
    "other", ["Feuerhahn", "wilma feuerhahn", "Wilma, Feuerhahn", "Wilma\n# Feuerhahn", "WilmaFeuerhahn"]
)
def test_what_only_looks_like_a_name_of_the_file_stays(redactor: Redactor, other: str) -> None:
    assert found(redactor, f"# Author: Wilma Feuerhahn\n# of {other}\n") == [("NAME", "Wilma Feuerhahn")]


def test_only_whole_words_are_repeats(redactor: Redactor) -> None:
    text = f"password = '{PW}'\nx = ['a{PW}', '{PW}7', '{PW}é', '{PW[:-1]}', '{PW}.7']\n"
    assert found(redactor, text) == [("PASSWORD", PW)] * 2


def test_a_repeat_goes_with_the_signs_of_the_value(redactor: Redactor) -> None:
    text = f"password = '{PW}=='\nlog('{PW}==')\n"
    assert redactor.redact(text, "a.py", None).text == "password = 'PASSWORD_1_REDACTED'\nlog('PASSWORD_1_REDACTED')\n"


def test_a_short_repeat_goes_only_with_the_signs_that_make_it_long(redactor: Redactor) -> None:
    text = "password = 'Test123!'\nx(['-P', 'Test123!'], 'Test123')\n"
    assert found(redactor, text) == [("PASSWORD", "Test123!")] * 2


def test_a_line_end_in_a_string_does_not_hide_a_repeat(redactor: Redactor) -> None:
    text = f"password = '{PW}'\nprint('wilma\\n{PW}\\n')\n"
    assert redactor.redact(text, "a.py", None).text == (
        "password = 'PASSWORD_1_REDACTED'\nprint('wilma\\nPASSWORD_1_REDACTED\\n')\n"
    )


def test_equal_secrets_have_one_number_whatever_the_name_calls_them(redactor: Redactor) -> None:
    redacted = redactor.redact(f'password = "{KEY}"\napi_key = "{KEY}"\ntoken = "{KEY[::-1]}"\n', "a.py", None)
    marks = [(r.entity, r.replacement) for r in redacted.replacements]
    assert marks == [("PASSWORD", "PASSWORD_1_REDACTED")] * 2 + [("KEY", "KEY_1_REDACTED")]


def test_of_values_that_begin_alike_the_longest_goes(redactor: Redactor) -> None:
    text = f"password = '{PW}'\npasswd = '{PW}-x1'\nx('{PW}-x1', '{PW}-x2')\n"
    assert [value for _, value in found(redactor, text)] == [PW, f"{PW}-x1", f"{PW}-x1", PW]


def test_a_repeat_in_a_placeholder_of_the_text_stays(redactor: Redactor) -> None:
    mail = "\nmail = 'user1234@example.com'\n"
    assert (
        redactor.redact(f"password = 'user1234'{mail}", "a.py", None).text == f"password = 'PASSWORD_1_REDACTED'{mail}"
    )


def test_many_secrets_in_a_long_text_take_linear_time(redactor: Redactor) -> None:
    rng = random.Random(1)
    values = [f"k{n}-" + "-".join(f"{rng.randrange(99)}x" for _ in range(20)) for n in range(4000)]
    text = "".join(f"password = '{value}'\n" for value in values) + "k1-1x-2x-3x-" * 40_000
    started = time.process_time()
    redacted = redactor.redact(text, "a.js", None)
    assert time.process_time() - started < 6 and not any(value in redacted.text for value in values)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("password = 'HOSTNAME_12x9Qz'", "HOSTNAME_12x9Qz"),
        ("mail: wilma.user12@example.com.br", "wilma.user12@example.com.br"),
    ],
)
def test_what_only_begins_or_ends_like_a_placeholder_is_none(redactor: Redactor, text: str, value: str) -> None:
    assert [v for _, v in found(redactor, text, "a.yml" if "mail" in text else "a.py")] == [value]
