"""Where workers are forked from: what is imported once is not imported again, and what is loaded goes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Shard
from gleanery.quality.language import detect_language
from gleanery.records.files import write_bytes

# A driver: a pool, one that warms, and a pool again. Each does a task that looks where it is.
DRIVER = """
import json, os, sys, threading
from pathlib import Path
from gleanery.pipeline import parents
from gleanery.pipeline.workers import close_shared_pool, shared_pool

def main():
    root, settings, early, thread = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "early", sys.argv[4] == "thread"
    if thread:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    if sys.argv[4] == "detector":
        from gleanery.quality.language import detect_language
        detect_language("a.py", b"import os")
    if early:
        parents.fork_clean_parent()
    for name, warm in (("one", ""), ("two", "test_pipeline_parents:load"), ("three", "")):
        task = json.dumps({"name": name, "payload": {}})
        pool = shared_pool(2, warm)
        pool.result(pool.submit(str(root), "step", "test_pipeline_parents:look", "", task, settings))
    close_shared_pool()

if __name__ == "__main__":
    main()
"""
loaded: list[str] = []


def load() -> None:
    """What a step that warms loads."""
    loaded.append("warm")


def look(shard: Shard) -> None:
    """A step's function that notes where it runs."""
    parent = Path(f"/proc/{os.getppid()}")
    seen = {
        "parent": os.getppid(),
        "grandparent": int(parent.joinpath("stat").read_text().rpartition(")")[2].split()[1]),
        "command": Path(parent.joinpath("cmdline").read_bytes().split(b"\0")[1].decode()).name,
        "loaded": loaded,
        "language": detect_language("a.py", b"import os")[0],  # in a fork of who had loaded it, it would hang
        "stages": "gleanery.pipeline.stage7_release" in sys.modules,
        "engine": "apache_beam" in sys.modules,
    }
    write_bytes(shard.root / f"{shard.task.name}.json", json.dumps(seen).encode())


def looked(folder: Path, *words: str) -> list[dict[str, object]]:
    script = folder / "driver.py"
    script.write_text(DRIVER)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, str(script), str(folder), Settings().to_json(), *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return [json.loads((folder / f"{name}.json").read_text()) for name in ("one", "two", "three")]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("words", [("late", ""), ("early", ""), ("early", "thread"), ("early", "detector")])
def test_what_is_loaded_for_a_step_goes_with_it_and_what_all_share_is_imported_once(
    tmp_path: Path, words: tuple[str, str]
) -> None:
    one, two, three = looked(tmp_path, *words)
    assert [seen["loaded"] for seen in (one, two, three)] == [[], ["warm"], []]
    assert {seen["language"] for seen in (one, two, three)} == {"Python"}
    assert one["parent"] == three["parent"] == two["grandparent"]
    assert all(seen["stages"] and not seen["engine"] for seen in (one, two, three))
    assert (one["command"] == "driver.py") is (words == ("early", ""))
