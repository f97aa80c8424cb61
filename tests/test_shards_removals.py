"""The removal list only grows, shows every change, and is refused when it is too old."""

import datetime
import hashlib
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gleanery.records.errors import StopRun
from gleanery.shards import exports
from gleanery.shards.finishing import finish
from gleanery.shards.loader import Loader
from gleanery.shards.masking import NOTHING_REMOVED, Removed
from gleanery.shards.removals import HEADER, Wish, append, read_list, removed_from
from gleanery.shards.tokenizer import Tokenizer
from gleanery.shards.writing import write_part

GOLDEN = Path(__file__).parent / "golden" / "shards"
TEXTS: list[str] = json.loads((GOLDEN / "texts.json").read_text("utf-8"))
NAMES = ("repo", "path", "blob_id", "license", "language")
DAY = datetime.date(2026, 11, 1)


def identity(number: int) -> str:
    return f"{number:032x}"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return release(tmp_path_factory.mktemp("release"))


def release(folder: Path, first: int = 0) -> Path:
    """A release of files with invented names, without the first few."""
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    rows: list[dict[str, Any]] = [
        dict.fromkeys(NAMES, "x") | {"file_id": identity(n), "repo_id": identity(100 + n % 4), "text": t}
        for n, t in enumerate(t + f"# {k}\n" for t in TEXTS for k in range(3))
    ][first:]
    for part, given in enumerate((rows[::2], [], rows[1::2])):  # a part of which nothing was kept is empty
        write_part(folder, part, 3, given, tokenizer)
    finish(folder, 3, tokenizer)
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "removals.jsonl"


def test_entries_are_numbered_and_what_is_known_is_left_out(path: Path) -> None:
    first = append(path, [Wish("file", identity(1), "opt_out", 7)], DAY)
    second = append(path, [Wish("file", identity(1), "other"), Wish("repo", identity(100), "licence")], None)
    assert [e.position for e in (*first, *second)] == [1, 2]
    found = read_list(path)
    assert found.entries == (*first, *second)
    assert (found.registry, found.valid_until) == (7, None)


def test_what_was_written_stays_when_more_is_appended(path: Path) -> None:
    append(path, [Wish("file", identity(1), "opt_out")], None)
    before = path.read_bytes()
    append(path, [Wish("file", identity(2), "opt_out")], None)
    assert path.read_bytes().startswith(before)


DAMAGE: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "changed": lambda lines: [*lines[:2], lines[2].replace(b"opt_out", b"licence"), *lines[3:]],
    "left out": lambda lines: [*lines[:2], *lines[3:]],
    "moved": lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]],
    "spaced": lambda lines: [*lines[:2], lines[2].replace(b":", b": "), *lines[3:]],
    "no header": lambda lines: lines[1:],
    "cut off": lambda lines: [*lines[:-1], lines[-1][:-5]],
    "not JSON": lambda lines: [*lines[:2], b"{\n", *lines[3:]],
    "empty": lambda lines: [],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_list_that_was_tampered_with_is_refused(path: Path, damage: str) -> None:
    append(path, [Wish("file", identity(n), "opt_out") for n in range(4)], None)
    path.write_bytes(b"".join(DAMAGE[damage](path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(StopRun):
        read_list(path)


def test_a_line_that_a_kill_left_half_written_is_cut_off_by_the_next_append(path: Path) -> None:
    append(path, [Wish("file", identity(1), "opt_out")], None)
    with path.open("ab") as file:
        file.write(b'{"position":2,"sco')
    append(path, [Wish("file", identity(2), "opt_out")], None)
    assert [e.id for e in read_list(path).entries] == [identity(1), identity(2)]


@pytest.mark.parametrize("content", [b'{"epoch": 1, "row": 7}', b"\x00", HEADER[:9] + b"?", b"{}\n{}", HEADER[1:]])
def test_a_file_that_is_no_removal_list_stays_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StopRun, match="is no removal list"):
        append(path, [Wish("file", identity(1), "opt_out")], None)
    assert path.read_bytes() == content


@pytest.mark.parametrize("size", [0, 1, len(HEADER) - 1])
def test_a_header_that_a_kill_left_half_written_is_written_anew(path: Path, size: int) -> None:
    path.write_bytes(HEADER[:size])
    append(path, [Wish("file", identity(1), "opt_out")], None)
    assert [e.id for e in read_list(path).entries] == [identity(1)]


def test_paths_may_be_strings(root: Path, path: Path) -> None:
    append(str(path), [Wish("file", identity(1), "opt_out")], None)
    assert read_list(str(path)) == read_list(path)
    assert removed_from(str(root), str(path)).digests == removed_from(root, path).digests


def test_appending_at_the_same_time_loses_nothing(path: Path) -> None:
    def work(first: int) -> None:
        for n in range(first, first + 20):
            append(path, [Wish("file", identity(n), "opt_out")], None)

    threads = [threading.Thread(target=work, args=(k * 20,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {e.id for e in read_list(path).entries} == {identity(n) for n in range(80)}


@pytest.mark.parametrize(
    "wish",
    [Wish("blob", identity(1), "opt_out"), Wish("file", "x", "opt_out"), Wish("file", identity(1), "because"),
     Wish("renew", identity(1), "other"), Wish("repo", "", "other")],
)  # fmt: skip
def test_an_impossible_entry_is_refused_and_nothing_is_written(path: Path, wish: Wish) -> None:
    append(path, [Wish("file", identity(1), "opt_out")], None)
    before = path.read_bytes()
    with pytest.raises(StopRun):
        append(path, [wish], None)
    assert path.read_bytes() == before


def test_a_list_that_ran_out_is_refused_until_it_is_renewed(root: Path, path: Path) -> None:
    append(path, [Wish("file", identity(1), "opt_out")], DAY)
    assert len(removed_from(root, path, today=DAY).ordinals) == 1
    late = DAY + datetime.timedelta(days=1)
    with pytest.raises(StopRun, match="ran out on 2026-11-01"):
        removed_from(root, path, today=late)
    append(path, [Wish("renew", "", "other")], late)
    assert len(removed_from(root, path, today=late).ordinals) == 1


def test_files_and_repositories_become_documents_in_the_order_of_the_list(root: Path, path: Path) -> None:
    entries = [
        Wish("file", identity(5), "opt_out"),
        Wish("repo", identity(101), "opt_out"),
        Wish("file", "f" * 32, "other"),
    ]
    append(path, entries, None)
    found = removed_from(root, path)
    store = Loader(root, context=64).store
    rows = [store.document(int(n)) for n in found.ordinals]
    assert rows[0]["file_id"] == identity(5)
    assert {r["repo_id"] for r in rows[1:]} == {identity(101)}
    assert len(rows) == 1 + sum(store.document(n)["repo_id"] == identity(101) for n in range(len(store))) - (5 % 4 == 1)
    assert len(set(found.ordinals.tolist())) == len(rows)


def test_a_longer_list_begins_with_the_shorter(root: Path, path: Path) -> None:
    append(path, [Wish("repo", identity(101), "opt_out")], None)
    before = removed_from(root, path)
    append(path, [Wish("file", identity(0), "opt_out")], None)
    after = removed_from(root, path)
    assert after.digests[: len(before.digests)] == before.digests
    assert after.ordinals[: len(before.ordinals)].tolist() == before.ordinals.tolist()
    assert before.digests[0] == "00000000"


def test_a_loader_refuses_a_list_older_than_its_checkpoints(root: Path, path: Path) -> None:
    append(path, [Wish("file", identity(1), "opt_out")], None)
    old = removed_from(root, path)
    append(path, [Wish("file", identity(2), "opt_out")], None)
    loader = Loader(root, context=64, batch=2, removed=removed_from(root, path))
    next(iter(loader))
    state = loader.state_dict()
    with pytest.raises(StopRun, match="older"):
        Loader(root, context=64, batch=2, removed=old).load_state_dict(state)
    Loader(root, context=64, batch=2, removed=removed_from(root, path)).load_state_dict(state)


@pytest.mark.parametrize("named", [9, 1])
def test_what_was_looked_up_in_another_release_removes_nothing_here_and_is_refused(
    root: Path, path: Path, tmp_path: Path, named: int
) -> None:
    """The same ordinal is another file there. Of file 1 the later release has nothing: that list is empty there."""
    later = release(tmp_path / "later", first=5)
    append(path, [Wish("file", identity(named), "opt_out")], None)
    own = {folder: removed_from(folder, path) for folder in (root, later)}
    for folder, other in ((root, later), (later, root)):
        Loader(folder, context=64, removed=own[folder])
        with pytest.raises(StopRun, match="another release"):
            own[other].mask(own[folder].release, 9, 0)
        with pytest.raises(StopRun, match="another release") as refused:
            Loader(folder, context=64, removed=own[other])
        assert "removed_from(root, path)" in refused.value.hint
        for write in (exports.to_megatron, exports.to_safetensors, exports.to_datatrove):
            with pytest.raises(StopRun, match="another release"):
                write(folder, tmp_path / "out", own[other])
        with pytest.raises(StopRun, match="another release"):
            exports.fim_parquet(folder, tmp_path / "out", 64, removed=own[other])
        assert not (tmp_path / "out").exists()


def test_ordinals_without_their_release_are_none(root: Path) -> None:
    with pytest.raises(StopRun, match="needs the release"):
        Removed(np.array([1]), ("00000000", "11111111"))
    Loader(root, context=64, removed=NOTHING_REMOVED)


@pytest.mark.parametrize(
    ("ordinals", "digests", "mode", "said"),
    [
        ([1], ["0" * 8], "mask", "a digest for each of its prefixes"),
        ([], ["0" * 8], "drop", "no way 'drop'"),
        ([3], ["0" * 8, "1" * 8], "mask", "a document that does not exist"),
        ([-1], ["0" * 8, "1" * 8], "mask", "a document that does not exist"),
    ],
)
def test_what_cannot_be_removed_is_told(ordinals: list[int], digests: list[str], mode: Any, said: str) -> None:
    with pytest.raises(StopRun, match=said):
        Removed(np.array(ordinals, np.int64), tuple(digests), mode, "a" * 64).mask("a" * 64, 3, 1)


def test_a_day_has_one_spelling(path: Path) -> None:
    """Whoever writes another one can count the digest too, so the chain does not tell."""
    append(path, [Wish("renew", "", "other")], datetime.date(2027, 1, 31))
    entry = json.loads(path.read_bytes().splitlines()[1]) | {"valid_until": "20270131"}
    plain = json.dumps({name: value for name, value in entry.items() if name != "digest"}, separators=(",", ":"))
    entry["digest"] = hashlib.sha256(f"{hashlib.sha256(HEADER).hexdigest()}{plain}".encode()).hexdigest()
    path.write_bytes(HEADER + json.dumps(entry, separators=(",", ":")).encode() + b"\n")
    with pytest.raises(StopRun, match="entry 1 of .* was changed"):
        read_list(path)


def test_masking_keeps_every_other_token(root: Path, path: Path) -> None:
    append(path, [Wish("repo", identity(102), "opt_out")], None)
    plain, masked = (Loader(root, context=64, removed=r) for r in (removed_from(root, path), removed_from(root, path)))
    plain = Loader(root, context=64)
    rows = plain.rows(0)
    one, two = plain.read(0, 0, rows), masked.read(0, 0, rows)
    assert masked.rows(0) == rows
    gone = set(removed_from(root, path).ordinals.tolist())
    document = np.repeat(one.segments.document, np.diff(one.cu_seqlens)).reshape(rows, 64)
    kept = ~np.isin(document, list(gone))
    assert (one.input_ids == two.input_ids)[kept].all()
    assert (two.input_ids[~kept] == plain.control_ids["<fim_pad>"]).all()
    assert (two.labels[~kept] == -100).all()


def test_a_wrong_bit_in_the_ids_stops_a_removal(root: Path, path: Path, tmp_path: Path) -> None:
    """Without the digest, what was to be removed would be served."""
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    append(path, [Wish("file", identity(0), "opt_out")], None)
    docs = copy / "docs/part-00000-of-00003.parquet"
    content = bytearray(docs.read_bytes())
    content[len(content) // 2] ^= 1
    docs.write_bytes(content)
    loader = Loader(copy, context=64)
    with pytest.raises(StopRun, match=r"docs/part-00000-of-00003\.parquet is missing or was changed"):
        removed_from(copy, path)
    with pytest.raises(StopRun, match="was changed"):
        loader.store.document(0)
    docs.unlink()
    with pytest.raises(StopRun, match="is missing"):
        loader.store.file_ids()
