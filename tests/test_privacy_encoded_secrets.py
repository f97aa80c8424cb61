"""Secrets of Kubernetes in base64, accounts of Composer and of registries, passwords that prose marks. All invented."""

import base64
import json

import pytest
from redacted import found

from gleanery.privacy.redact import Redactor

PW = "kF9xQ2vT7z"
HEX = "9f3a61c07be84d25a1f09c7e6b3d8245"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ACCOUNT = json.dumps({"auths": {"registry.invalid": {"auth": encoded(f"wi:{PW}")}}})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mysql-root", PW),
        ("DATABASE_URL", f"postgres://root:{PW}@db/x"),
        ("config.yaml", f"password: {PW}\nhost: db\n"),
        ("settings", f"host = db\napi_key = {HEX}\n"),
        (".dockerconfigjson", ACCOUNT),
    ],
)
def test_a_value_of_a_secret_whose_text_holds_one_goes(redactor: Redactor, name: str, text: str) -> None:
    value = encoded(text)
    data = {"kind": "Secret", "data": {"username": encoded("wilma"), name: value}}
    for path, written in (
        ("a.yaml", f"apiVersion: v1\nkind: Secret\ndata:\n  username: d2lsbWE=\n  {name}: {value}\ntype: Opaque\n"),
        ("a.yaml", f'data:\n  "{name}": "{value}"\nkind: "Secret"\n---\nkind: ConfigMap\n'),
        ("a.json", json.dumps(data, indent=2)),
    ):
        assert [value for _, value in found(redactor, written, path)] == [value]
        assert value not in Redactor(keywords_only=True).redact(written, path, None).text
    folded = f"kind: Secret\ndata:\n  {name}: |\n    {value[:8]}\n    {value[8:]}\n  other: eA==\n"
    redacted = redactor.redact(folded, "a.yaml", None).text
    assert value[8:] not in redacted and redacted.endswith("\n  other: eA==\n") and redacted.count("\n") == 6


@pytest.mark.parametrize(
    "text",
    [
        f"kind: ConfigMap\ndata:\n  a: {encoded(PW)}\n",
        f"kind: Secret\ndata:\n  a: eA==\n---\nkind: ConfigMap\ndata:\n  a: {encoded(PW)}\n",
        f"kind: SealedSecret\nspec:\n  a: {encoded(PW)}\n",
        f"kind: Secret\ndata:\n  host: {encoded('db-1.shop.svc')}\n  ca.crt: {encoded('-----BEGIN CERTIFICATE')}\n",
        "kind: Secret\nmetadata:\n  name: database\nstringData:\n  username: wilma\n",
        f"kind: Secret\ndata:\n  password_hint: {encoded('password: ${PW}')}\n",
    ],
)
def test_what_is_no_secret_in_itself_stays_encoded(redactor: Redactor, text: str) -> None:
    assert found(redactor, text, "a.yaml") == []


def test_tokens_of_composer_and_accounts_of_registries_are_found(redactor: Redactor) -> None:
    tokens = {"github-oauth": {"github.com": HEX + "12345678"}, "bearer": {"repo.invalid": "a8Zk3PqLw9XvT2bN7cRm"}}
    values = [("KEY", value) for hosts in tokens.values() for value in hosts.values()]
    assert found(redactor, json.dumps(tokens), "auth.json") == values
    assert found(redactor, json.dumps({"config": tokens}), "composer.json") == values
    assert found(redactor, ACCOUNT, ".docker/config.json") == [("KEY", encoded(f"wi:{PW}"))]
    assert found(redactor, ACCOUNT.replace(encoded(f"wi:{PW}"), encoded("wi:password")), "config.json") == []
    assert found(redactor, '{"require": {"github-oauth": {"name": "wilma-and-other-words"}}}', "composer.json") == []


@pytest.mark.parametrize(
    "text",
    [
        "- **Password:** {}\n",
        "**Default password**: `{}`\n",
        "Password: **{}**.\n",
        "| Password | `{}` |\n",
        "|User password|{}|\n",
    ],
)
def test_passwords_that_prose_marks_are_found(redactor: Redactor, text: str) -> None:
    assert found(redactor, text.format(PW), "README.md") == [("PASSWORD", PW)]
    assert PW not in Redactor(keywords_only=True).redact(text.format(PW), "README.md", None).text
    for value in ("string", "optional", "at least 8 signs", "`DB_PASSWORD`", "8-64", "TRUE"):
        assert found(redactor, text.format(value), "README.md") == []
