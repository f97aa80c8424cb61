"""Private keys without the lines BEGIN and END, and what begins like one. All keys here are made of chance bytes."""

import base64
import random

import pytest

from gleanery.privacy.redact import Redactor

# What the formats fix: PKCS #8 and #1 of RSA, PKCS #8 and SEC 1 of a curve, Ed25519, an encrypted one.
FORMS = {
    "pkcs8": "308204be020100300d06092a864886f70d0101010500048204a8308204a402010002820101",
    "pkcs1": "3082025d02010002818100",
    "curve": "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420",
    "sec1": "30770201010420",
    "ed25519": "302e020100300506032b657004220420",
    "encrypted": "308202a1305706092a864886f70d01050d304a",
}


def key(form: str) -> str:
    head = bytes.fromhex(FORMS[form])
    if head[1] < 0x80:
        size = 2 + head[1]
    else:
        wide = head[1] - 0x80
        size = 2 + wide + int.from_bytes(head[2 : 2 + wide], "big")
    return base64.b64encode(head + random.Random(form).randbytes(size - len(head))).decode()


def lines(text: str, width: int = 64) -> list[str]:
    return [text[place : place + width] for place in range(0, len(text), width)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ('String rsa = "', '";\nint a = 1;\n'),
        ("cert.one=", "\nother=1\n"),
        ("sign('", "', 3)\n"),
        ('{"k": "x\\n', '"}\n'),
    ],
)
def test_a_private_key_is_found_by_its_first_bytes(redactor: Redactor, form: str, before: str, behind: str) -> None:
    redacted = redactor.redact(before + key(form) + behind, "a.txt", None)
    assert redacted.text == f"{before}PRIVATE_KEY_1_REDACTED{behind}"
    assert redactor.redact(redacted.text, "a.txt", None).replacements == ()


@pytest.mark.parametrize("form", ["pkcs8", "pkcs1", "encrypted"])
@pytest.mark.parametrize(
    ("begin", "between", "end"),
    [
        ('k = "', '" +\n    "', '";\nString b = "birke";\n'),
        ('k = ("', '"\n     "', '")\nfoo = 1\n'),
        ('k = "', '\\n" +\n "', '\\n";\n'),
        ("k = [\n '", "',\n '", "',\n]\nbirke = 2\n"),
        ("<key>\n  ", "\n  ", "\n</key>\n"),
    ],
)
def test_a_key_in_several_lines_goes_as_a_whole(
    redactor: Redactor, form: str, begin: str, between: str, end: str
) -> None:
    parts = lines(key(form))
    redacted = redactor.redact(begin + between.join(parts) + end, "a.txt", None).text
    assert redacted.startswith(begin + "PRIVATE_KEY_1_REDACTED") and redacted.endswith(end)
    assert not any(part in redacted for part in parts)
    assert redacted.count("\n") == (begin + between.join(parts) + end).count("\n")


def test_a_key_between_its_lines_is_found_once_as_before(redactor: Redactor) -> None:
    block = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(lines(key("pkcs8"))) + "\n-----END PRIVATE KEY-----\n"
    assert [row.detector.partition("@")[0] for row in redactor.redact(block, "a.pem", None).replacements] == [
        "private_key_block"
    ]


@pytest.mark.parametrize(
    "value",
    [
        key("pkcs8")[:44] + "...",
        base64.b64encode(bytes.fromhex("30820122300d06092a864886f70d01010105000382010f00") + bytes(270)).decode(),
        "AAAAB3NzaC1yc2EAAAADAQABAAABAQ" + base64.b64encode(random.Random(1).randbytes(200)).decode(),
        "AAAAC3NzaC1lZDI1NTE5AAAAI" + base64.b64encode(random.Random(2).randbytes(33)).decode()[:43],
    ],
)
def test_public_keys_and_keys_that_are_cut_are_left(redactor: Redactor, value: str) -> None:
    assert redactor.redact(f'host_key = "{value}"\n', "a.py", None).replacements == ()
