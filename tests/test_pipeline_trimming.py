"""A finished run that lets go of its intermediate files answers as before, and makes them anew when it needs them."""

import json
import os
import shutil
from pathlib import Path

import pytest
from test_pipeline_run import tree
from typer.testing import CliRunner

from gleanery.pipeline.cli import app
from gleanery.pipeline.duplicates import duplicates_page
from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import load_settings
from gleanery.pipeline.summary import summary
from gleanery.pipeline.trimming import NOTE, Freed, trim, trimmed_steps
from gleanery.records.errors import StopRun
from gleanery.release.explain import explain
from gleanery.sql.questions import ask, questions, tables_of


def answers(root: Path) -> dict[str, object]:
    """What the run says of itself, wherever a question needs no parameter."""
    plain = {name: q for name, q in questions().items() if all(p.default for p in q.parameters)}
    plain = {name: q for name, q in plain.items() if "before" not in name and not name.startswith("changes")}
    found: dict[str, object] = {name: ask(q, tables_of(root), {}).to_pylist() for name, q in plain.items()}
    found["explain"] = [*explain(root, "bob/collection"), *explain(root, "bob/collection:to_maria.py")]
    found["duplicates"] = duplicates_page(root)
    found["summary"] = [(section.title, section.rows) for section in summary(root, None)]
    said = CliRunner().invoke(app, ["licenses", "--run", str(root), "--format", "json"])
    assert said.exit_code == 0
    return found | {"licenses": said.output}


def passing_files(root: Path) -> set[str]:
    """The steps that have files that only other steps read."""
    return {path.parts[-3] for path in (root / "work").glob("*/data/*") if path.is_file()}


@pytest.fixture(scope="module")
def trimmed(curated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trimmed copy of the run of the small corpus."""
    root = tmp_path_factory.mktemp("trimmed") / "run"
    shutil.copytree(curated, root)
    before, made = trim(root, dry_run=True), tree(root)
    assert before.bytes > before.files > 30 and tree(root) == made and not (root / NOTE).exists()
    assert trim(root) == before
    assert trim(root) == Freed(0, 0)
    return root


@pytest.mark.slow
def test_a_trimmed_run_keeps_its_tables_and_its_answers(trimmed: Path, curated: Path) -> None:
    assert passing_files(trimmed) == {"crawl"} < passing_files(curated) - trimmed_steps(curated)
    assert tree(trimmed) == tree(curated)
    assert answers(trimmed) == answers(curated)


@pytest.mark.slow
def test_the_same_settings_find_nothing_to_do_in_a_trimmed_run(trimmed: Path, corpus: Path) -> None:
    assert curate(load_settings(corpus), trimmed, workers=1).nothing_done
    assert passing_files(trimmed) == {"crawl"}


@pytest.mark.slow
def test_other_settings_make_in_a_trimmed_run_what_they_make_in_any(
    trimmed: Path, curated: Path, corpus: Path, tmp_path: Path
) -> None:
    settings = corpus.parent / "other-threshold.toml"
    settings.write_text(corpus.read_text("utf-8").replace("vocabulary = 600", "vocabulary = 700"), "utf-8")
    for source, name in ((trimmed, "trimmed"), (curated, "whole")):
        shutil.copytree(source, tmp_path / name)
        curate(load_settings(settings), tmp_path / name, workers=1)
    assert tree(tmp_path / "trimmed") == tree(tmp_path / "whole") != tree(curated)
    assert passing_files(tmp_path / "trimmed") == passing_files(tmp_path / "whole")
    assert not trimmed_steps(tmp_path / "trimmed")


@pytest.mark.slow
def test_a_trimmed_run_lends_its_measures_to_the_next_one(trimmed: Path, corpus: Path, tmp_path: Path) -> None:
    settings = corpus.parent / "after-a-trimmed-run.toml"
    settings.write_text(corpus.read_text("utf-8").replace("[run]\n", f'[run]\nprevious = "{trimmed}"\n'), "utf-8")
    report = curate(load_settings(settings), tmp_path / "run", workers=1)
    assert report.notes["sign"]["known"] == 38
    assert tree(tmp_path / "run") == tree(trimmed)


@pytest.mark.parametrize(("kind", "message"), [("none", "is not the folder of a run"), ("begun", "is not finished")])
def test_only_a_finished_run_is_trimmed(tmp_path: Path, kind: str, message: str) -> None:
    kept = tmp_path / "run/work/sign/data/x"
    kept.parent.mkdir(parents=True)
    kept.write_text("")
    if kind == "begun":
        (tmp_path / "run/optout.json").write_text(json.dumps({"run": "x", "position": 0}))
    with pytest.raises(StopRun, match=message):
        trim(tmp_path / "run")
    assert kept.exists() and not (tmp_path / "run" / NOTE).exists()


def test_files_that_stand_in_the_store_too_make_no_room(tmp_path: Path) -> None:
    run = tmp_path / "run"
    for name in ("sign", "tokens", "crawl", "release"):
        (run / "work" / name / "data").mkdir(parents=True)
        (run / "work" / name / "data" / "x").write_bytes(bytes(100_000))
    (run / "work/release/done.json").write_text(json.dumps({"outputs": {}, "reads": {}}))
    (run / "optout.json").write_text(json.dumps({"run": "x", "position": 0}))
    os.link(run / "work/tokens/data/x", run / "tokens")
    half_written = run / "work/sign/.y.1.tmp"
    half_written.write_text("")
    freed = trim(run, dry_run=True)
    assert half_written.exists()
    assert freed.files == 3 and 200_000 <= freed.bytes < 300_000
    said = CliRunner().invoke(app, ["trim", str(run)])
    assert said.exit_code == 0 and "MB of room: 3 files" in said.output
    assert not half_written.exists()
    assert (run / "tokens").exists() and (run / "work/crawl/data/x").exists()
    assert trimmed_steps(run) == {"release", "sign", "tokens"}
