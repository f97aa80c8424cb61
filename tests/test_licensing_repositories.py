"""From the texts of a small repository to the judgement on each file, with the real detector."""

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from gleanery.licensing.conclude import Conclusion, conclude
from gleanery.licensing.evidence import find, reading_scopes
from gleanery.licensing.policy import Policy
from gleanery.licensing.scan import Scanner
from gleanery.licensing.statements import FileFacts

GOLDEN = Path(__file__).parent / "golden/licensing"
CASES: dict[str, Any] = tomllib.loads((GOLDEN / "repositories.toml").read_text("utf-8"))
SCANNER = Scanner()


def shipped(key: str) -> str:
    """A licence text as scancode ships it, without the lines about it."""
    spec = find_spec("licensedcode")
    assert spec is not None and spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0]) / "data/licenses" / f"{key}.LICENSE"
    return path.read_text("utf-8").split("---\n", 2)[2]


def text_of(text: str) -> bytes:
    """The text of a file; a line such as @mit stands for the licence text of that name."""
    return re.sub(r"(?m)^@(\S+)$", lambda line: shipped(line[1]), text).encode()


def concluded(case: dict[str, Any]) -> dict[str, Conclusion]:
    files = []
    for path, text in case["files"].items():
        scopes = reading_scopes(path)
        found = {"head" if s == "head" else "whole": find(SCANNER, text_of(text), s) for s in scopes}
        files.append(FileFacts(path, path, "0" * 40, **found))
    return {c.file_id: c for c in conclude(files, case.get("declared"))}


@pytest.mark.parametrize("name", CASES)
def test_a_repository_is_judged_as_a_lawyer_expects(name: str) -> None:
    case = CASES[name]
    found = concluded(case)
    policy = Policy.load()
    assert {
        p: f"{policy.judge(found[p]).reason} | {found[p].expression} | {found[p].basis}" for p in case["expected"]
    } == (case["expected"])


@pytest.mark.parametrize("name", [name for name in CASES if "strict" in CASES[name]])
def test_the_strict_profile_asks_every_source(name: str) -> None:
    found, policy = concluded(CASES[name]), Policy.load("strict")
    expected = CASES[name]["strict"]
    assert {path: policy.judge(found[path]).reason for path in expected} == expected


def test_what_the_strict_profile_keeps_the_default_keeps_too() -> None:
    default, strict = Policy.load(), Policy.load("strict")
    for name, case in CASES.items():
        for path, conclusion in concluded(case).items():
            assert default.judge(conclusion).allowed or not strict.judge(conclusion).allowed, (name, path)


def test_every_refusal_for_a_licence_that_is_stated_has_evidence() -> None:
    policy = Policy.load()
    for name, case in CASES.items():
        for path, conclusion in concluded(case).items():
            judged = policy.judge(conclusion)
            if judged.reason not in ("kept", "license_missing"):
                assert judged.evidence, (name, path)
            if judged.allowed:
                assert conclusion.expression and judged.evidence and judged.chosen, (name, path)


def test_evidence_is_a_sentence_that_names_file_lines_and_rule() -> None:
    found = concluded(CASES["one_licence_for_everything"])["src/a.py"]
    assert Policy.load().judge(found).evidence == ("LICENSE lines 2-19 say MIT (rule mit.LICENSE, score 100)",)


DENIALS: dict[str, Any] = tomllib.loads((GOLDEN / "denials.toml").read_text("utf-8"))


@pytest.mark.parametrize("name", DENIALS)
def test_words_that_deny_or_limit_grant_nothing(name: str) -> None:
    case = DENIALS[name]
    found = concluded(case)
    if "kept" in case:
        assert Policy.load().judge(found[case["kept"]]).allowed
        return
    for profile in ("permissive", "strict", "permissive+weak-copyleft", "attribution-free", "public-domain-only"):
        assert not Policy.load(profile).judge(found[case["refused"]]).allowed, profile
