"""What a compressed release was decoded to is shared by forked processes, never seen half done, and fits its disk."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash

from gleanery.records.errors import StopRun
from gleanery.shards.finishing import finish
from gleanery.shards.scratch import Scratch
from gleanery.shards.store import Store
from gleanery.shards.tokenizer import Tokenizer
from gleanery.shards.writing import write_part

GOLDEN = Path(__file__).parent / "golden" / "shards"
TEXTS: list[str] = json.loads((GOLDEN / "texts.json").read_text("utf-8"))
NAMES = ("repo_id", "repo", "path", "blob_id", "license", "language")


@pytest.fixture(scope="module", params=["lz4", "zstd"])
def root(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path_factory.mktemp("compressed")
    tokenizer = Tokenizer.load((GOLDEN / "tokenizer.json").read_bytes())
    rows: list[dict[str, Any]] = [
        dict.fromkeys(NAMES, "x") | {"file_id": f"{n:032x}", "text": f"# {n}\n" + "".join(TEXTS[n % 3 :])}
        for n in range(180)
    ]
    for part in range(2):
        write_part(folder, part, 2, rows[part::2], tokenizer, request.param)
    finish(folder, 2, tokenizer, request.param)
    return folder


def digest(store: Store) -> str:
    """Of the tokens of all documents, wherever they lie."""
    return hashlib.sha256(b"".join(part.tobytes() for part in store.payload)).hexdigest()


def test_what_is_decoded_can_be_read_and_not_be_written_to(root: Path) -> None:
    store = Store.open(root)
    for block in range(len(store.blocks)):
        store.touch(block)
    assert store.untouched == 0 and [store.text(n)[:4] for n in (0, 90)] == ["# 0\n", "# 1\n"]
    with pytest.raises(ValueError, match="read-only"):
        store.tokens(0)[0] = 0


def test_a_block_that_turns_out_to_be_damaged_changes_nothing_that_was_decoded(root: Path) -> None:
    store = Store.open(root)
    store.touch(0)
    before = digest(store)
    stored = store.stored[0]
    raw = bytearray(stored[: int(store.blocks.size[0])].tobytes())
    raw[-40:] = bytes(40)  # decodes to control tokens, or to some tokens and then to an error
    store.stored[0] = np.concatenate([np.frombuffer(raw, np.uint8), stored[len(raw) :]])
    store.blocks.checksum[0] = xxhash.xxh3_64_intdigest(raw)
    with pytest.raises(StopRun):
        store.touch(0)
    assert digest(store) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_process_that_decodes_what_another_reads_changes_nothing(root: Path) -> None:
    """Run apart, since pytest has threads. Without a private place to decode to, most runs of this saw torn blocks."""
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from gleanery.shards.store import Store\n"
        "store = Store.open(Path(sys.argv[1]))\n"
        "blocks = range(len(store.blocks))\n"
        "for block in blocks: store.touch(block)\n"
        "good = [part.tobytes() for part in store.payload]\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    for _ in range(300):\n"
        "        for block in blocks: store.touch(block)\n"
        "    os._exit(0)\n"
        "torn = 0\n"
        "while os.waitpid(child, os.WNOHANG) == (0, 0):\n"
        "    torn += [part.tobytes() for part in store.payload] != good\n"
        "print(torn)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_a_full_disk_is_an_error_with_a_way_out_and_does_not_end_the_process(root: Path) -> None:
    """A limit on the size of files stands for the disk, set once the release is open."""
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from gleanery.records.errors import StopRun\n"
        "from gleanery.shards.store import Store\n"
        "store = Store.open(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n"
        "    for block in range(len(store.blocks)): store.touch(block)\n"
        "except StopRun as error:\n"
        "    print(error.message, '|', error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True)
    assert "cannot be kept" in done.stdout and "scratch" in done.stdout


def test_a_release_that_claims_more_tokens_than_a_disk_can_hold_is_refused() -> None:
    with pytest.raises(StopRun, match="no scratch space"):
        Scratch(1 << 62, np.dtype("<u2"))
    assert len(Scratch(0, np.dtype("<u2")).kept) == 0


def test_disk_space_is_taken_only_for_what_is_kept(tmp_path: Path) -> None:
    scratch = Scratch(1 << 24, np.dtype("<u2"), tmp_path)
    scratch.keep(1 << 20, np.arange(1 << 15, dtype="<u2"))
    assert os.fstat(scratch._file.fileno()).st_blocks * 512 < 1 << 20
    assert scratch.kept[(1 << 20) + 5] == 5 and not list(tmp_path.iterdir())
