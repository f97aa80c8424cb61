"""Token files are in memory without an open file for each, and what the system refuses is told with a way on."""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gleanery.records.errors import StopRun
from gleanery.shards.finishing import finish
from gleanery.shards.maps import mapped, mapped_file
from gleanery.shards.tokenizer import Tokenizer
from gleanery.shards.writing import write_part

GOLDEN = Path(__file__).parent / "golden" / "shards"
NAMES = ("repo_id", "repo", "path", "blob_id", "license", "language")
PARTS = 120
LIMITED = """\
import os, resource, sys
from pathlib import Path
from gleanery.records.errors import StopRun
from gleanery.shards.loader import Loader
next(iter(Loader(Path(sys.argv[1]), context=64, batch=2)))  # what compiled code opens is open, or closed again
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[3]), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
try:
    loader = Loader(Path(sys.argv[2]), context=64, batch=2)
    print(next(iter(loader)).input_ids.shape, loader.store.document(7)["file_id"][-1])
except StopRun as error:
    print(error.message, "|", error.hint)
"""


@pytest.fixture(scope="module", params=["none", "lz4"])
def root(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    for part in range(PARTS):
        row: dict[str, Any] = dict.fromkeys(NAMES, "x") | {"file_id": f"{part:032x}", "text": f"x = {part}\n" * 9}
        write_part(folder, part, PARTS, [row], tokenizer, request.param)
    finish(folder, PARTS, tokenizer, request.param)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    texts = json.loads((GOLDEN / "texts.json").read_text("utf-8"))
    write_part(folder, 0, 1, [dict.fromkeys((*NAMES, "file_id"), "x") | {"text": text} for text in texts], tokenizer)
    finish(folder, 1, tokenizer)
    return folder


def opened_under(limit: int, small: Path, root: Path) -> str:
    command = [sys.executable, "-c", LIMITED, str(small), str(root), str(limit)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_release_of_more_parts_than_a_process_may_open_files_is_read(root: Path, small: Path) -> None:
    assert opened_under(40, small, root) == "(2, 64) 7\n"


def test_too_many_open_files_are_told_with_a_way_on(root: Path, small: Path) -> None:
    said = opened_under(3, small, root)
    assert said.startswith("store.json cannot be opened: Too many open files") and "ulimit -n" in said


def test_a_map_lives_as_long_as_an_array_over_it_and_no_longer(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    path.write_bytes(np.arange(1 << 20, dtype="<u4").tobytes())
    before = len(os.listdir("/proc/self/fd"))
    found = mapped_file(path, "numbers", 4 << 20).view("<u4")[7:]
    path.unlink()
    assert len(os.listdir("/proc/self/fd")) == before
    gc.collect()
    assert found[0] == 7 and int(found[-1]) == (1 << 20) - 1
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1
    assert "numbers" in Path("/proc/self/maps").read_text()
    del found
    gc.collect()
    assert "numbers" not in Path("/proc/self/maps").read_text()


def test_what_cannot_be_mapped_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "some"
    path.write_bytes(b"1234")
    for wrong in (path, tmp_path / "none", tmp_path):
        with pytest.raises(StopRun, match="is missing or has another size"):
            mapped_file(wrong, "some", 5)
    assert len(mapped(-1, 0)) == 0
    with pytest.raises(OSError, match="Bad file descriptor"):
        mapped(-1, 4)
