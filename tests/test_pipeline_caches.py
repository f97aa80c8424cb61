"""What is remembered comes back, and a damaged memory costs only time."""

from pathlib import Path

import pytest

from gleanery.pipeline.caches import Memory, user_cache
from gleanery.records.errors import StopRun


def test_what_was_put_is_got_by_any_process_with_the_same_detector(tmp_path: Path) -> None:
    Memory(tmp_path, "detector 1").put({"a": [1, None, "x"]})
    assert Memory(tmp_path, "detector 1").get("a") == [1, None, "x"]
    assert Memory(tmp_path, "detector 2").get("a") is None


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    Memory(tmp_path, "detector").close()
    path = next(tmp_path.glob("*.sqlite"))
    path.write_bytes(b"no database at all" * 1000)
    memory = Memory(tmp_path, "detector")
    assert memory.get("a") is None
    memory.put({"a": 1})
    assert memory.get("a") == 1


def test_a_file_that_is_damaged_under_way_answers_nothing(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "detector")
    memory.put({f"{n}": "x" * 500 for n in range(2000)})
    memory.close()
    path = next(tmp_path.glob("*.sqlite"))
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    memory = Memory(tmp_path, "detector")
    assert memory.get("7") is None
    memory.put({"7": 1})
    assert memory.get("7") == 1
    memory.close()
    assert Memory(tmp_path, "detector").get("7") == 1  # for the next process too


def test_an_answer_in_which_a_byte_changed_is_none(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "detector")
    memory.put({"a": "this is MIT", "b": "and this is not"})
    memory.close()
    path = next(tmp_path.glob("*.sqlite"))
    content = path.read_bytes()
    assert content.count(b"MIT") == 1
    path.write_bytes(content.replace(b"MIT", b"ISC"))
    memory = Memory(tmp_path, "detector")
    assert memory.get("a") is None and memory.get("b") == "and this is not"
    memory.put({"a": "this is MIT"})
    assert memory.get("a") == "this is MIT"


def test_an_account_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    for name in ("GLEANERY_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StopRun, match="no home") as told:
        user_cache()
    assert "GLEANERY_CACHE" in told.value.hint
    monkeypatch.setenv("GLEANERY_CACHE", str(tmp_path))
    assert user_cache() == tmp_path


def test_many_are_asked_for_at_once(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "detector")
    memory.put({f"{n}": n for n in range(1_200)})
    assert memory.get_many(f"{n}" for n in range(600, 1_800)) == {f"{n}": n for n in range(600, 1_200)}


def test_machines_hand_each_other_what_they_found(tmp_path: Path) -> None:
    share = tmp_path / "share"
    one = Memory(tmp_path / "one", "detector", share)
    one.put({"a": [1]})
    one.close()
    two = Memory(tmp_path / "two", "detector", share)
    assert two.get("a") == [1]
    two.put({"b": 2})
    two.close()
    assert Memory(tmp_path / "one", "detector", share).get_many(["a", "b"]) == {"a": [1], "b": 2}
    assert Memory(tmp_path / "three", "another detector", share).get("a") is None
    assert len(list(share.rglob("*.json.gz"))) == 2


def test_a_shared_file_that_is_not_what_its_name_says_is_passed_over(tmp_path: Path) -> None:
    share = tmp_path / "share"
    memory = Memory(tmp_path / "one", "detector", share)
    memory.put({"a": 1})
    memory.close()
    (path,) = share.rglob("*.json.gz")
    path.write_bytes(path.read_bytes()[:-3] + b"xyz")
    assert Memory(tmp_path / "two", "detector", share).get("a") is None
