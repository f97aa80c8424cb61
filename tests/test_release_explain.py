"""Explanations of files and repositories, compared with expected texts."""

import json
import shutil
from pathlib import Path

import pytest
from run_folder import HOSTILE_PATH, HOSTILE_REPO, compare_with_golden, good_rows, write_run, write_store

from gleanery.records.errors import StopRun
from gleanery.records.reasons import REASONS
from gleanery.release.assemble import assemble
from gleanery.release.explain import explain
from gleanery.release.explain_repository import NOT_DECIDED

GOLDEN = Path(__file__).parent / "golden" / "release"

TARGETS = {
    "kept_file": "octo/app:src/main.py",
    "file_under_an_old_name": "Octo/Old-App:src/main.py",
    "near_duplicate": "octo/lib:main_copy.py",
    "exact_duplicate": "cat/app:src/main.py",
    "restricted_twin": "cat/app:stolen.py",
    "own_header": "https://github.com/octo/lib:add.py",
    "weak_evidence": "octo/lib:weak.py",
    "skipped_file": "octo/app:logo.png",
    "symbolic_link": "octo/app:latest",
    "no_licence": "dog/gpl:data.bin.txt",
    "package": "pypi/tool:tool/run.py",
    "declared_opt_out": "pig/signal:no.py",
    "dead_letter": f"{HOSTILE_REPO}:broken.py",
    "hostile_names": f"{HOSTILE_REPO}:{HOSTILE_PATH}",
    "near_miss_of_a_path": "octo/app:main.py",
    "near_miss_of_a_repository": "octo/ap:src/main.py",
    "nothing_like_it": "zzz",
    "nothing_but_the_name_of_a_file": "main.py",
    "repository": "octo/app",
    "fork": "cat/app",
    "opted_out_repository": "eve/objector",
    "file_of_an_opted_out_repository": "eve/objector:x.py",
    "failed_repository": "fox/gone",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run in which nothing is wrong."""
    return write_run(tmp_path_factory.mktemp("run"), good_rows())


@pytest.fixture(scope="module")
def release(run: Path) -> Path:
    """Its release."""
    write_store(run, good_rows())
    assemble(run, run / "release")
    return run / "release"


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_run_explains_as_expected(name: str, run: Path) -> None:
    lines = explain(run, TARGETS[name])
    text = "".join(f"{line}\n" for line in lines)
    for reason in REASONS.values():  # their wording is no matter of this room
        text = text.replace(reason.sentence, f"<sentence of {reason.code}>")
    compare_with_golden(GOLDEN / f"explain_{name}.txt", text)
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("name", ["kept_file", "repository"])
def test_a_release_explains_as_its_run_but_for_the_rules(name: str, run: Path, release: Path) -> None:
    def about(folder: Path) -> list[str]:
        return [line for line in explain(folder, TARGETS[name]) if not line.startswith("Opt-out:")]

    assert about(release) == about(run)
    assert "ask the run that made it" in "".join(explain(release, TARGETS[name]))


@pytest.mark.slow
def test_every_file_of_every_input_is_explained(run: Path) -> None:
    rows = good_rows()
    names = {row["repo_id"]: row["name"] for row in rows["repos"]}
    for decision in rows["decisions"]:
        lines = explain(run, f"{names[decision['repo_id']]}:{decision['path']}")
        assert any(REASONS[decision["reason"]].sentence in line for line in lines)
        assert lines[1].startswith(decision["verdict"].capitalize())


def test_two_repositories_of_one_name_are_both_explained(tmp_path: Path) -> None:
    rows = good_rows()
    other = next(row for row in rows["repos"] if row["name"] == "eve/objector")
    other.update(name="octo/app", url="https://gitlab.com/octo/app")
    lines = explain(write_run(tmp_path, rows), "octo/app")
    assert lines[0] == "2 repositories have this name."
    assert "Repository: https://gitlab.com/octo/app (git)." in lines


def test_a_run_before_its_packing_is_explained_too(tmp_path: Path) -> None:
    run = write_run(tmp_path, good_rows())
    for table in ("docs", "documents", "redactions", "optout_rules"):
        for path in (run / "tables" / table).iterdir():
            path.unlink()
        (run / "tables" / table).rmdir()
    assert "It has no tokens in a release." in explain(run, "octo/app:src/main.py")


@pytest.mark.parametrize("target", ["octo/app", "octo/app:src/main.py", "https://github.com/octo/app:a.py", "a/b"])
def test_a_run_that_has_decided_nothing_yet_denies_no_file(tmp_path: Path, target: str) -> None:
    run = write_run(tmp_path, good_rows())
    shutil.rmtree(run / "tables/decisions")
    lines = explain(run, target)
    assert any(line.endswith(NOT_DECIDED) for line in lines)
    assert not any("holds no file" in line or "was decided" in line or "any input" in line for line in lines)


def test_a_declaration_in_the_repository_is_no_rule_of_the_registry(run: Path) -> None:
    decided = explain(run, "pig/signal:no.py")[1]
    assert decided.startswith("Rejected (owner_opted_out). Its owner said no, by a rule of the registry or in the repo")


def test_that_no_rule_is_about_a_repository_is_said_as_of_the_last_rule_that_the_run_knows(tmp_path: Path) -> None:
    run = write_run(tmp_path, good_rows())
    said = {}
    for position in (0, 7):
        (run / "optout.json").write_text(json.dumps({"run": "x", "registry": "given", "position": position}))
        said[position] = explain(run, "pypi/tool")[-1]
    assert said[7] == "Opt-out: no rule of the registry is about it, as of its rule 7."
    assert said[0] == "Opt-out: no rule of the registry is about it."


@pytest.mark.parametrize("target", ["", "  "])
def test_an_empty_target_is_refused(target: str, run: Path) -> None:
    with pytest.raises(StopRun, match="nothing to explain"):
        explain(run, target)


@pytest.mark.parametrize("target", [":", "a:", "::::", "x:" * 1000, "'); DROP TABLE x", "\x1b[2J:\x07", "octo/app:"])
def test_strange_targets_give_lines_and_no_error(target: str, run: Path) -> None:
    assert all(line.isprintable() for line in explain(run, target))


def test_what_is_neither_run_nor_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StopRun, match="neither a run nor a release"):
        explain(tmp_path, "octo/app")


def test_a_text_that_stands_in_a_file_is_no_copy_of_it(tmp_path: Path) -> None:
    rows = good_rows()
    (pair,) = rows["pairs"]
    inner = next(row["blob_id"] for row in rows["decisions"] if row["path"] == "main_copy.py")
    pair |= {"sameness": "contained", "inner_blob_id": inner}
    folder = write_run(tmp_path, rows)
    outer, part = (list(explain(folder, target)) for target in ("octo/app:src/main.py", "octo/lib:main_copy.py"))
    at = outer.index("It holds almost all of 1 file of other repositories, as it may hold the text of its licence:")
    assert outer[at + 1].startswith("  octo/lib:main_copy.py (this one holds it, similarity ")
    assert any(line.startswith("  octo/app:src/main.py (it holds this one, similarity ") for line in part)
    assert not any("holds almost all" in line for line in part)


def test_shards_without_a_document_are_shards_of_the_release(tmp_path: Path) -> None:
    rows = good_rows()
    for row in rows["docs"]:
        row["shard"] = "tokens/part-00001-of-00016.bin"
    lines = list(explain(write_run(tmp_path, rows), "octo/app"))
    assert any(" in 1 of 16 shards, " in line for line in lines)


def test_a_licence_that_nobody_knows_is_not_told_as_missing(tmp_path: Path) -> None:
    rows = good_rows()
    ident = next(row["file_id"] for row in rows["decisions"] if row["path"] == "src/main.py")
    concluded = next(row for row in rows["license_conclusions"] if row["file_id"] == ident)
    concluded |= {"expression": None, "basis": "ancestor_file", "uncertain": True}
    lines = list(explain(write_run(tmp_path, rows), "octo/app:src/main.py"))
    assert "Licence: none could be identified, from the nearest licence file above it." in lines
