"""A file that changes without changing its size: it is never released, and the same command mends it."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from test_pipeline_run import tree

from gleanery.pipeline.damage import refuse_damaged
from gleanery.pipeline.markers import Marker
from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import load_settings
from gleanery.records.errors import StopRun
from gleanery.records.files import link_file
from gleanery.records.parquet import Written

# For each step the steps that it reads, and for each of its tasks what it writes.
STEPS: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "crawl": ((), {"a": "tables/files/a.parquet"}),
    "documents": (("crawl",), {"p": "tables/documents/p.parquet", "q": "tables/documents/q.parquet"}),
    "tokens": (("documents",), {"p": "work/tokens/data/p.bin", "q": "work/tokens/data/q.bin"}),
    "index": (("tokens",), {"all": "store/p.bin"}),
}


def turn_a_bit(path: Path) -> None:
    """What a disk may do."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    with open(path, "r+b") as file:  # in place: every name of the file has it
        file.write(content)


@pytest.fixture
def markers(tmp_path: Path) -> Mapping[str, Marker]:
    """A small run, in which the store holds a file of the step tokens under another name."""
    made: dict[str, Marker] = {}
    for step, (reads, tasks) in STEPS.items():
        outputs: dict[str, Written] = {}
        for task, output in tasks.items():
            path, note = tmp_path / output, tmp_path / "work" / step / "tasks" / f"{task}.json"
            for one in (path, note):
                one.parent.mkdir(parents=True, exist_ok=True)
            if output == "store/p.bin":
                link_file(tmp_path / "work/tokens/data/p.bin", path)
            else:
                path.write_bytes(output.encode())
            content = path.read_bytes()
            outputs[output] = Written(0, len(content), hashlib.sha256(content).hexdigest())
            note.write_text(json.dumps({"outputs": {output: []}}))
        (tmp_path / "work" / step / "done.json").touch()
        made[step] = Marker("", outputs, {}, {}, 0, dict.fromkeys(reads, ""))
    return made


def left(root: Path) -> set[str]:
    """What still counts as done."""
    return {"/".join(path.relative_to(root / "work").parts) for path in (root / "work").rglob("*.json")}


def test_files_as_they_were_written_pass(markers: Mapping[str, Marker], tmp_path: Path) -> None:
    before = left(tmp_path)
    refuse_damaged(tmp_path, markers)
    assert left(tmp_path) == before


@pytest.mark.parametrize(
    ("damaged", "still"),
    [
        ("tables/documents/p.parquet", {"crawl/done.json", "crawl/tasks/a.json", "documents/tasks/q.json"}),
        # The step that made it first has to do it again, or it would be linked into the store as it is.
        (
            "store/p.bin",
            {f"{step}/done.json" for step in ("crawl", "documents")}
            | {"crawl/tasks/a.json", "documents/tasks/p.json", "documents/tasks/q.json", "tokens/tasks/q.json"},
        ),
    ],
)
def test_what_changed_is_forgotten_with_all_that_was_made_from_it(
    damaged: str, still: set[str], markers: Mapping[str, Marker], tmp_path: Path
) -> None:
    turn_a_bit(tmp_path / damaged)
    with pytest.raises(StopRun, match=f"changed after a step wrote it, such as {damaged}") as caught:
        refuse_damaged(tmp_path, markers)
    assert "the same command makes such files anew" in caught.value.hint
    assert left(tmp_path) == still


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["tables/documents", "store/tokens"])
def test_a_damaged_run_is_mended_by_the_same_command(
    folder: str, corpus: Path, curated: Path, tmp_path: Path, copy: Callable[[Path, Path], None]
) -> None:
    root = tmp_path / "run"
    copy(curated, root)
    for path in ("release", "work/release"):
        shutil.rmtree(root / path)
    victim = max((root / folder).iterdir(), key=lambda path: path.stat().st_size)
    turn_a_bit(victim)
    with pytest.raises(StopRun, match=victim.relative_to(root).as_posix()):
        curate(load_settings(corpus), root, workers=1)
    assert not (root / "release/manifest.json").exists()
    curate(load_settings(corpus), root, workers=1)
    assert tree(root) == tree(curated)


@pytest.fixture
def copy() -> Callable[[Path, Path], None]:
    """Copies a run, with its linked files still linked."""

    def copied(source: Path, target: Path) -> None:
        shutil.copytree(source, target)
        for path in sorted((source / "store").rglob("*")):
            first = Path("work/tokens/data") / path.relative_to(source / "store")
            if (source / first).is_file() and path.samefile(source / first):
                link_file(target / first, target / path.relative_to(source))

    return copied
