"""Hostile and huge inputs end in bounded time, and nothing ever opens a connection. All values here are invented."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gleanery.privacy.redact import Redactor
from gleanery.privacy.syntax import LONGEST, parses

MEGABYTE = 1_000_000


def seconds(redactor: Redactor, text: str, path: str) -> float:
    started = time.process_time()
    redactor.redact(text, path, None)
    return time.process_time() - started


REPEATED = {
    "letters": "a",
    "at_signs": "@",
    "digits_and_dots": "1.2.3.4.",
    "double_quotes": '"',
    "single_quotes": "'",
    "backslashes": "\\",
    "colons": ":",
    "new_lines": "\n",
    "nulls": "\0",
    "open_brackets": "[",
    "half_addresses": "a@b.",
    "half_urls": "http://a:",
    "half_assignments": "password=",
    "half_keys": "key:",
    "half_tokens": "eyJabcdefgh.",
    "half_hashes": "$1$",
    "copyright_signs": "(c)",
    "years": "Copyright 2001, 2002, 2003, ",
    "authors": "author:",
    "begins_of_keys": "-----BEGIN PRIVATE KEY-----\n",
    "encoded_keys": "UFJJVkFURSBLRVkt",
    "encoded_keys_alone": "UFJJVkFURSBLRVkt ",
    "encoded_keys_in_lines": "UFJJVkFURSBLRVktUFJJVkFURSBLRVkt\n",
    "placeholders": "KEY_1_REDACTED",
    "wide_letters": "é",
    "kinds_of_keys": '{"kty": ',
    "kinds_in_one_object": "kty: ",
    "lists_of_accounts": "accounts: [",
    "elements": "<P>AAAA",
    "persons": "person('a', 'b', ",
    "values_below": "password = (\n",
    "escapes": "\\n",
    "escapes_and_words": "%20a\\nb",
    "accounts_of_mail": "a@gmail.com:x9",
    "cookies_in_code": "cookie=r=n;",
    "papers": "\\author{",
    "papers_with_names": "\\author[1]{Wilma Feuerhahn \\and ",
    "cookies": "cookie='a=b; ",
    "dictionaries_of_cookies": "cookies={'a': ",
    "accounts_of_servers": "git@a.de ",
    "blocks": "password: |\n  a",
    "written_signs": "a%40b.",
    "encoded_signs": "a%2B",
    "encoded_signs_before_addresses": "a%2Ba%2Bw%40kiesgrube.de",
    "links": "@author <a ",
    "lists_of_authors": "authors=[",
    "authors_in_lines": "authors:\n",
    "authors_in_one_line": "authors: Wilma Feuerhahn, ",
    "fields_of_authors": "authors: [{'name': 'Wilma Feuerhahn'}]",
    "bibliographies": "author={A and B, ",
    "bibliographies_that_end": "author={Feuer, W and ",
    "calls": "password.equals(",
    "values_before_names": "'abcd' == ",
    "fields_of_forms": "'passw').clear()",
    "initials": "author: A.B.C.D.",
    "secrets_that_come_back": "password='a1b2c3d4' a1b2c3d4 ",
    "homes": "/home/é",
    "rules": "password='a|",
    "literals_in_a_row": "password='a1b2' ",
    "sums_of_literals": "'a1b2' + password='c3' + ",
    "objects_of_secrets": "kind: Secret\n",
    "fields_of_secrets": "kind: Secret\na: a0Y5eFEydlQ3eg==\n",
    "tables_of_passwords": "|password|",
    "empty_parameters": "'password=&",
    "elements_without_end": "<password>a    ",
    "dots": "password='a.b.",
    "escaped_urls": "http:\\/\\/a:\\!",
}


@pytest.mark.parametrize("path", ["a.py", "x.env"])
@pytest.mark.parametrize("unit", REPEATED.values(), ids=REPEATED.keys())
def test_a_line_of_a_quarter_megabyte_takes_about_a_second(redactor: Redactor, unit: str, path: str) -> None:
    assert seconds(redactor, unit * (MEGABYTE // 4 // len(unit)), path) < 2.5


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["a", "@", "1.2.3.4.", '"', "password=", "(c)"], ids=lambda unit: f"u{ord(unit[0])}")
def test_the_time_grows_with_the_size_and_not_with_its_square(redactor: Redactor, unit: str) -> None:
    small, large = (
        seconds(redactor, unit * (size // len(unit)), "x.env") for size in (MEGABYTE // 5, 8 * MEGABYTE // 5)
    )
    assert large < 8 * 2.5 * max(small, 0.05)


@pytest.mark.slow
def test_six_megabytes_of_findings_are_all_replaced(redactor: Redactor) -> None:
    block = 'mail = "wilma@kiesgrube-ost.de"  # from 93.184.216.40\n' + "x = compute(x) + 1\n" * 50
    count = 6 * MEGABYTE // len(block)
    started = time.process_time()
    redacted = redactor.redact(block * count, "a.rb", None)
    assert time.process_time() - started < 20
    assert len(redacted.replacements) == 2 * count and "kiesgrube" not in redacted.text


def test_a_megabyte_of_noise_is_bounded(redactor: Redactor) -> None:
    noise = "".join(random.Random(1).choices("abcAB01@.:/=\"'- \n_<>{}$", k=MEGABYTE))
    assert seconds(redactor, noise, "a.py") < 10


@pytest.mark.parametrize(
    "text",
    [
        "(" * 200_000,
        "x = " + "-" * 200_000 + "1",
        "x = a" + ".b" * 100_000,
        "x = 1" + "+1" * 100_000,
        "x = a\0b",
        "x = " + "9" * 9_000,
        "[" * 100_000,
        "f" + "()" * 50_000,
        "def f(:\n",
        "if 1:\n" * 200,
        "\ufeffx = 1",
    ],
    ids=range(11),
)
def test_no_python_text_breaks_the_syntax_check(redactor: Redactor, text: str) -> None:
    assert parses(text, "a.py", None) in (True, False, None)
    assert redactor.redact(f"# wilma@kiesgrube-ost.de\n{text}", "a.py", None).text.startswith("# user1@example.com\n")


def test_deep_json_and_toml_are_not_checked_and_do_no_harm() -> None:
    assert parses("[" * 200_000, "a.json", None) is None
    assert parses("a = " + "[" * 200_000, "a.toml", None) is None
    assert parses("9" * 50_000, "a.json", None) is True


def test_a_text_over_the_limit_is_not_parsed() -> None:
    assert parses("x" * (LONGEST + 1), "a.py", None) is None


def test_the_syntax_check_executes_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    assert parses(f"open({str(mark)!r}, 'w')", "a.py", None) is True
    assert not mark.exists()


# Audit hooks cannot be removed or gone around. While modules are imported, one of presidio's own dependencies binds a
# socket of this machine to see whether it has IPv6; nothing is sent. After that, no use of a socket at all is allowed.
OFFLINE = """
import sys, time

TALKS = {"socket." + name for name in ("connect", "getaddrinfo", "gethostbyname", "gethostbyaddr", "sendto", "sendmsg")}
forbidden = TALKS.__contains__

def watch(event, args):
    if forbidden(event):
        raise SystemExit("a socket was used: " + event)

sys.addaudithook(watch)
import gleanery.privacy.redact as module
forbidden = lambda event: event.startswith(("socket.", "subprocess.", "os.system", "urllib."))
started = time.process_time()
redactor = module.Redactor()
loaded = time.process_time() - started
text = "mail = 'wilma@kiesgrube-ost.de'  # Copyright 2020 Wilma Feuerhahn, 93.184.216.40, https://wfeuer:Birke7Zweig@h/\\n"
redacted = redactor.redact(text, "a.py", "Python")
assert len(redacted.replacements) == 5, len(redacted.replacements)
try:
    import socket
    socket.create_connection(("127.0.0.1", 9), 0.1)
except SystemExit:
    print("loaded", loaded)
"""


def test_no_connection_is_opened_and_loading_takes_less_than_two_seconds(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", OFFLINE], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[1]) < 2
    assert list(tmp_path.iterdir()) == []  # no cache, no model, no suffix list was written


def test_only_the_analyzer_imports_presidio() -> None:
    room = Path(sys.modules["gleanery.privacy.redact"].__file__ or "").parent
    importers = [p.name for p in sorted(room.glob("*.py")) if "presidio_analyzer import" in p.read_text()]
    assert importers == ["analyzer.py"]


def test_presidio_runs_with_our_recognisers_alone() -> None:
    from gleanery.privacy.analyzer import ROOMS, Analyzer

    engine = Analyzer()._engine
    assert type(engine).__module__ == "presidio_analyzer.analyzer_engine"
    assert [vars(r)["name"] for r in engine.registry.recognizers] == [room.NAME for room in ROOMS]
    assert {type(r).__module__ for r in engine.registry.recognizers} == {"gleanery.privacy.analyzer"}


def test_without_hyperscan_the_keyword_gate_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    from gleanery.privacy.gate import Condition, HyperscanGate, KeywordGate, make_gate

    conditions = {"mail": Condition("@[a-z]", (b"@",))}
    assert isinstance(make_gate(conditions), HyperscanGate)
    monkeypatch.setitem(sys.modules, "hyperscan", None)  # what the import system keeps for a module that is not there
    assert isinstance(make_gate(conditions), KeywordGate)
