"""A declaration in a repository objects unless it plainly takes an objection back."""

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gleanery.optout.challenge import file_text
from gleanery.optout.declaration import is_objection
from gleanery.optout.registry import Registry


def test_the_files_of_the_page_say_what_they_were_made_for(tmp_path: Path) -> None:
    request = Registry.open(f"sqlite:///{tmp_path}/optout.sqlite").create_request("https://github.com/alice/lib")
    assert request.receipt is not None
    for action, objects in (("block", True), ("unblock", False)):
        challenge = dataclasses.replace(request.challenge, action=action)
        text = file_text(dataclasses.replace(request, challenge=challenge), request.receipt)
        assert is_objection(text.encode()) is objects


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        '["action", "unblock"]',
        '[["action", "unblock"]]',
        '{"action": "unblock"}',
        '{"action": "Unblock"}',
        '{"action": ["unblock"]}',
        '{"action": "unblock", "action": "block"}',
        '{"action": "block", "action": "unblock"}',
        '{"action": "unblock", "ai": "no"}',
        '{"action": "unblock", "opt_out": true}',
        '{"said": {"action": "unblock"}}',
        '{"action": "unblock"',
        "[" * 5000,
    ],
)
def test_in_doubt_it_objects(content: str) -> None:
    assert is_objection(content.encode())


@pytest.mark.parametrize(
    "change",
    [
        {"dataset-optout": 2},
        {"dataset-optout": True},
        {"statement": "We object."},
        {"repository": None},
        {"action": "block"},
        {"challenge": "x"},
        {"challenge": ["x"]},
        {"statement": None, "ai": "no"},
    ],
)
def test_any_other_file_than_the_one_that_is_handed_out_objects(tmp_path: Path, change: dict[str, object]) -> None:
    request = Registry.open(f"sqlite:///{tmp_path}/optout.sqlite").create_request("https://github.com/alice/lib")
    challenge = dataclasses.replace(request.challenge, action="unblock")
    written = json.loads(file_text(dataclasses.replace(request, challenge=challenge), request.receipt or ""))
    assert not is_objection(json.dumps(written).encode())
    assert is_objection(json.dumps(written | change).encode())
    for key in written:
        assert is_objection(json.dumps({k: v for k, v in written.items() if k != key}).encode())


@given(st.binary(max_size=60) | st.recursive(st.none() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()))
def test_whatever_it_says_nothing_breaks_and_nothing_by_chance_takes_it_back(content: bytes) -> None:
    assert is_objection(content)
