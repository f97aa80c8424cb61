"""Notes of steps: which tables of a run stand on each other, whatever was stopped before."""

import hashlib
import json
from pathlib import Path

import pytest
from run_folder import good_rows, write_run
from typer.testing import CliRunner

from gleanery.pipeline.cli import app
from gleanery.pipeline.markers import Marker
from gleanery.records.errors import StopRun
from gleanery.records.parquet import Written
from gleanery.records.step_notes import digest_of, has_release_of_before
from gleanery.release.explain import explain
from gleanery.sql.questions import ask, questions, tables_of

BENCHMARKS = ("benchmark_problems", "benchmark_matches")
# A few steps, the tables that each makes, and the steps that it reads.
STEPS = {
    "crawl": (("repos", "files", "blobs"), ()),
    "conclude": (
        ("license_findings", "license_conclusions", "overrides", "features", "signatures", *BENCHMARKS),
        ("crawl",),
    ),
    "decide": (("decisions", "pairs", "clusters", "repository_copies"), ("crawl", "conclude")),
    "documents": (("documents", "redactions", "dead_letters"), ("decide",)),
    "index": (("docs",), ("documents",)),
    "release": (("notices", "license_texts"), ("crawl", "conclude", "decide", "documents", "index")),
}


def note(root: Path, step: str) -> None:
    """The note of a step that has just made its tables from what stands there."""
    tables, reads = STEPS[step]
    paths = [path for table in tables for path in sorted((root / "tables" / table).glob("*.parquet"))]
    outputs = {
        path.relative_to(root).as_posix(): [0, 0, hashlib.sha256(path.read_bytes()).hexdigest()] for path in paths
    }
    below = {name: json.loads((root / "work" / name / "done.json").read_bytes())["outputs"] for name in reads}
    digests = {name: digest_of({path: made[2] for path, made in found.items()}) for name, found in below.items()}
    (root / "work" / step).mkdir(parents=True, exist_ok=True)
    (root / "work" / step / "done.json").write_text(json.dumps({"outputs": outputs, "reads": digests}))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run with notes and a release."""
    root = write_run(tmp_path / "run", good_rows())
    for step in STEPS:
        note(root, step)
    (root / "release/docs").mkdir(parents=True)
    return root


def made_again(root: Path, step: str, *tables: str) -> None:
    """A later command made this step anew, with another result, and was stopped then."""
    for table in tables:
        for path in (root / "tables" / table).glob("*.parquet"):
            path.rename(path.with_name(f"other-{path.name}"))
    note(root, step)


def test_a_finished_run_stands(run: Path) -> None:
    assert tables_of(run).stale == frozenset() and not has_release_of_before(run)
    assert explain(run, "octo/app:src/main.py")


def test_an_answer_never_mixes_two_runs(run: Path) -> None:
    made_again(run, "decide", "decisions")
    assert tables_of(run).stale == {"documents", "redactions", "dead_letters", "docs", "notices", "license_texts"}
    assert has_release_of_before(run)
    assert ask(questions()["decided_by"], tables_of(run), {}).num_rows  # of this run alone
    for asked in ("tokens_by_language", "leaks", "dead_letters", "notices_missing"):
        with pytest.raises(StopRun, match="is not made from those beside it") as caught:
            ask(questions()[asked], tables_of(run), {})
        assert f"`--run {run}/release` asks the release" in caught.value.hint
    with pytest.raises(StopRun, match="is not made from those beside it"):
        explain(run, "octo/app:src/main.py")
    assert {"before_docs", "before_documents"} < tables_of(run, run).stale


def test_who_asks_a_run_whose_release_is_older_is_told_first(run: Path) -> None:
    asked = ["audit", "decided_by", "--run", str(run)]
    before = CliRunner().invoke(app, asked)
    assert before.exit_code == 0 and "note:" not in before.stderr
    made_again(run, "decide", "decisions")
    after = CliRunner().invoke(app, asked)
    assert after.exit_code == 0 and after.stdout == before.stdout
    assert after.stderr.startswith(f"note: {run}/release is of an earlier run")


def test_a_table_that_a_step_is_making_is_no_answer_yet(run: Path) -> None:
    (run / "work/documents/done.json").unlink()
    assert {"documents", "docs"} < tables_of(run).stale


def test_the_gate_of_a_release_that_is_not_finished_reads_its_notices(run: Path) -> None:
    (run / "work/release/done.json").unlink()
    assert tables_of(run).stale == frozenset() and has_release_of_before(run)
    made_again(run, "decide", "decisions")
    assert {"notices", "license_texts"} < tables_of(run).stale


def test_signatures_are_not_written_from_a_table_that_a_step_is_making(run: Path, tmp_path: Path) -> None:
    (run / "work/conclude/done.json").unlink()
    done = CliRunner().invoke(app, ["duplicates", "--run", str(run), "--signatures", str(tmp_path / "s.parquet")])
    assert isinstance(done.exception, StopRun) and "the table signatures" in done.exception.message
    assert not (tmp_path / "s.parquet").exists()


def test_the_digest_of_a_note_is_the_one_that_later_steps_read() -> None:
    marker = Marker("", {"tables/x/ä.parquet": Written(1, 2, "ab")}, {}, {})
    assert marker.digest == digest_of({"tables/x/ä.parquet": "ab"})
