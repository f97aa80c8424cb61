"""Real Python files with planted values: all are found, every file still parses. All planted values are invented."""

import ast
import random
import sysconfig
import warnings
from collections import Counter
from pathlib import Path

import pytest

from gleanery.privacy.redact import Redactor
from gleanery.records.errors import RejectRecord

STANDARD_LIBRARY = Path(sysconfig.get_paths()["stdlib"])
LETTERS, DIGITS = "abcdefghijkmnpqrstuvwxyz", "23456789"
FIRST = ("Wilma", "Tove", "Oluwaseun", "Jean-Luc", "Ingrid", "Piotr", "Maëlle", "Yusuf")
LAST = ("Feuerhahn", "Lindqvist", "Adéyẹmí", "Dubois", "O'Casey", "Kowalczyk", "van der Brugge", "McAllister")


def real_files(count: int) -> list[Path]:
    """Files of the standard library, the same ones on each run, none of them very large."""
    files = sorted(
        p for p in STANDARD_LIBRARY.rglob("*.py") if "site-packages" not in p.parts and p.stat().st_size < 60_000
    )
    return random.Random(7).sample(files, min(count, len(files)))


def planted(rng: random.Random) -> dict[str, tuple[str, str]]:
    """One invented value for each entity, and a line of Python that holds it."""
    word = "".join(rng.choices(LETTERS, k=9))
    person = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
    password = word[:6].capitalize() + "".join(rng.choices(DIGITS, k=3)) + rng.choice("!#+")
    key = "".join(rng.choices("0123456789abcdef", k=40))
    mail = f"{word}@kiesgrube-ost.de"
    address = f"93.{rng.randint(32, 250)}.{rng.randint(32, 250)}.{rng.randint(1, 250)}"
    block = "".join(rng.choices(LETTERS + LETTERS.upper() + DIGITS, k=64))
    return {
        "EMAIL": (mail, f"CONTACT = {mail!r}"),
        "IP_ADDRESS": (address, f"HOSTS = [('{address}', 443)]"),
        "KEY": (
            key,
            rng.choice((f"API_KEY = '{key}'", f'settings = {{"auth_token": "{key}"}}', f"call(secret_key='{key}')")),
        ),
        "PASSWORD": (
            password,
            rng.choice(
                (f"password = {password!r}", f"connect(passwd='{password}')", f"URL = 'ftp://root:{password}@h/x'")
            ),
        ),
        "NAME": (
            person,
            rng.choice((f"# Copyright (c) 2019 {person}", f'__author__ = "{person}"', f"# Author: {person}")),
        ),
        "USERNAME": (word, f"LOG = '/home/{word}/app.log'"),
        "PRIVATE_KEY": (block, f"PEM = '''-----BEGIN RSA PRIVATE KEY-----\n{block}\n-----END RSA PRIVATE KEY-----'''"),
    }


@pytest.mark.slow
def test_planted_values_are_found_in_real_files_which_still_parse(redactor: Redactor) -> None:
    rng = random.Random(11)
    missed: Counter[str] = Counter()
    files = 0
    for path in real_files(120):
        text = path.read_text("utf-8", "replace")
        if not parses_quietly(text):
            continue
        values = planted(rng)
        text += "\n" + "\n".join(line for _, line in values.values()) + "\n"
        assert parses_quietly(text), path
        redacted = redactor.redact(text, str(path), "Python")
        assert parses_quietly(redacted.text), path
        missed.update(entity for entity, (value, _) in values.items() if value in redacted.text)
        files += 1
    assert files > 90
    assert sum(missed.values()) <= files * 7 * 0.01, missed  # at most 1 % of what was planted


@pytest.mark.slow
def test_real_files_still_parse_and_settle(redactor: Redactor) -> None:
    for path in real_files(250):
        text = path.read_text("utf-8", "replace")
        try:
            redacted = redactor.redact(text, str(path), "Python")
        except RejectRecord as error:
            pytest.fail(f"{path.name}: {error.code}")
        if redacted.replacements:
            assert not parses_quietly(text) or parses_quietly(redacted.text)
            assert redactor.redact(redacted.text, str(path), "Python").replacements == ()


@pytest.mark.slow
def test_both_gates_agree_on_real_files(redactor: Redactor) -> None:
    other = Redactor(keywords_only=True)
    for path in real_files(60):
        text = path.read_text("utf-8", "replace")
        assert other.redact(text, str(path), "Python") == redactor.redact(text, str(path), "Python")


@pytest.mark.slow
def test_real_code_without_secrets_yields_few(redactor: Redactor) -> None:
    size, secrets = 0, 0
    for path in real_files(250):
        if "test" in str(path.relative_to(STANDARD_LIBRARY)):
            continue  # tests hold made-up passwords
        text = path.read_text("utf-8", "replace")
        size += len(text)
        rows = redactor.redact(text, str(path), "Python").replacements
        secrets += sum(row.entity in ("KEY", "PASSWORD", "PRIVATE_KEY") for row in rows)
    assert secrets <= 3 * size / 1e6 + 1  # three a megabyte


def parses_quietly(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError):
            return False
    return True
