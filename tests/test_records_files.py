"""Files are whole or absent, and a note that is damaged in any way counts as none."""

import os
from pathlib import Path

import pytest

from gleanery.records.files import atomic_file, file_digest, link_file, read_json, write_json


def test_a_note_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_json(tmp_path / "a/note.json", {"b": ["ä", "\ud800"], "a": 1})
    assert read_json(tmp_path / "a/note.json") == {"a": 1, "b": ["ä", "\ud800"]}
    write_json(tmp_path / "again.json", {"a": 1, "b": ["ä", "\ud800"]})
    assert file_digest(tmp_path / "again.json") == file_digest(tmp_path / "a/note.json")


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff\xfe", b'{"a": ', b"[" * 100_000])
def test_a_damaged_note_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "note.json").write_bytes(content)
    assert read_json(tmp_path / "note.json") is None and read_json(tmp_path / "other.json") is None


def test_a_file_that_was_not_written_to_its_end_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyError), atomic_file(tmp_path / "x") as out:
        out.write(b"half")
        raise KeyError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("lasting", [True, False])
def test_what_shall_last_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lasting: bool
) -> None:
    on_disk = list[tuple[int, bool]]()
    monkeypatch.setattr(os, "fsync", lambda file: on_disk.append((os.fstat(file).st_size, (tmp_path / "x").exists())))
    with atomic_file(tmp_path / "x", lasting) as out:
        out.write(b"whole")
    assert on_disk == ([(5, False)] if lasting else [])
    assert [file.name for file in tmp_path.iterdir()] == ["x"] and (tmp_path / "x").read_bytes() == b"whole"


def test_what_a_kill_left_of_a_link_is_not_written_through(tmp_path: Path) -> None:
    """Its name may be that of another file, and a copy would go into that."""
    for name in ("source", "other"):
        (tmp_path / name).write_text(name)
    os.link(tmp_path / "other", tmp_path / f".target.{os.getpid()}.tmp")
    link_file(tmp_path / "source", tmp_path / "target")
    assert (tmp_path / "target").samefile(tmp_path / "source") and (tmp_path / "other").read_text() == "other"
