"""What is remembered comes back, and a damaged memory costs only time."""

from pathlib import Path

from gleanery.pipeline.caches import Memory


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
