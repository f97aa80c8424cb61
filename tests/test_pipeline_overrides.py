"""Overrides end to end, on the small corpus: what people decide changes the selection, and nothing that owners said."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_corpus import GPL, MIT, code, make_repository
from test_pipeline_cli import gleanery

from gleanery.pipeline.run import Report, curate
from gleanery.pipeline.settings import load_settings
from gleanery.records.errors import StopRun
from gleanery.release.gate import gate
from gleanery.release.license_report import review_queue
from gleanery.release.notices import TABLES
from gleanery.sql.questions import ask, questions, tables_of

SIGNED = 'by = "Maria Beispiel"\nreason = "The author said so in a letter"\ndate = 2026-11-22\n'
ENTRIES = (
    'repository = "dave/nothing-said"\nexpression = "MIT"',
    'repository = "alice/tool"\npath = "src/gpl_part.py"\nexpression = "BSD-3-Clause"',
    'repository = "alice/tool"\npath = "src/main.py"\nverdict = "deny"',
    'repository = "judy/odd-licences"\npath = "large"\nexpression = "ISC"',
    'repository = "judy/odd-licences"\nexpression = "BSD-2-Clause"',
    'repository = "erin/private-matter"\nverdict = "allow"\nexpression = "MIT"',
    'repository = "frank/declared"\nverdict = "allow"\nexpression = "MIT"',
    'repository = "nobody/here"\nexpression = "MIT"',
)

Again = Callable[..., tuple[Path, Report]]


@pytest.fixture(scope="module")
def again(corpus: Path, curated: Path, tmp_path_factory: pytest.TempPathFactory) -> Again:
    """Runs the small corpus again with some overrides, on a copy of a finished run."""

    def run(*entries: str) -> tuple[Path, Report]:
        folder = tmp_path_factory.mktemp("overrides")
        shutil.copytree(curated, folder / "run")
        settings = corpus.parent / f"{folder.name}.toml"
        (corpus.parent / f"{folder.name}-overrides.toml").write_text(
            "".join(f"[[override]]\n{entry}\n{SIGNED}" for entry in entries), "utf-8"
        )
        named = f'[licensing]\noverrides = "{folder.name}-overrides.toml"\n'
        settings.write_text(corpus.read_text("utf-8") + named, "utf-8")
        return folder / "run", curate(load_settings(settings), folder / "run", workers=2)

    return run


@pytest.fixture(scope="module")
def overridden(again: Again) -> tuple[Path, Report]:
    """The small corpus with all of ENTRIES."""
    return again(*ENTRIES)


def decision(run: Path, repo: str, path: str) -> dict[str, Any]:
    """The decision on a file."""
    answer = ask(questions()["why_rejected"], tables_of(run), {"repo": repo, "path": path})
    found: dict[str, Any] = answer.to_pylist()[0]
    return found


@pytest.mark.slow
def test_what_a_person_decides_changes_the_selection_and_is_named_in_it(overridden: tuple[Path, Report]) -> None:
    run, _ = overridden
    for repo, path in (("dave/nothing-said", "only.py"), ("alice/tool", "src/gpl_part.py")):
        kept = decision(run, repo, path)
        assert kept["reason"] == "kept", path
        assert kept["rule"].startswith("override ") and ": allow: " in kept["rule"]
        assert kept["evidence"][0] == "Maria Beispiel decided on 2026-11-22: The author said so in a letter"
    assert "without this override: license_missing" in decision(run, "dave/nothing-said", "only.py")["evidence"]
    assert decision(run, "judy/odd-licences", "large/one.py")["reason"] == "kept"
    assert decision(run, "judy/odd-licences", "binary/two.py")["reason"] == "license_unknown"  # its COPYING is nearer
    assert decision(run, "judy/odd-licences", "names/0000.dat")["reason"] == "license_conflict"  # its head says GPL
    denied = decision(run, "alice/tool", "src/main.py")
    assert (denied["reason"], denied["rule"].rpartition(": ")[2]) == ("license_not_allowed", "denied")
    assert decision(run, "bob/collection", "main_copy.py")["reason"] == "restricted_twin"  # the copy of what was denied


@pytest.mark.slow
def test_nobody_s_objection_is_lifted(overridden: tuple[Path, Report]) -> None:
    run, _ = overridden
    assert decision(run, "frank/declared", "his.py")["reason"] == "owner_opted_out"
    statuses = {row["repo"]: row["status"] for row in ask(questions()["repositories"], tables_of(run), {}).to_pylist()}
    assert statuses["erin/private-matter"] == "opted_out"
    assert decision(run, "bob/collection", "from_frank.py")["reason"] == "copy_of_opted_out"


@pytest.mark.slow
def test_the_release_passes_the_gate_and_says_who_decided(overridden: tuple[Path, Report]) -> None:
    run, _ = overridden
    for folder in (run, run / "release"):
        assert [result.question.name for result in gate(folder) if result.rows] == []
        rows = ask(questions()["overrides_in_force"], tables_of(folder), {}).to_pylist()
        whole = next(row for row in rows if row["repository"] == "judy/odd-licences" and row["path"] is None)
        assert 0 < whole["kept"] < 5 and whole["files"] > 70  # 70 of them have a head that says GPL
        touched = {
            f"{row['repository']}:{row['path'] or ''}": (row["files"], row["kept"]) for row in rows if row != whole
        }
        about_nothing = {"erin/private-matter:", "frank/declared:", "nobody/here:"}  # a release does not hold these
        assert touched == {
            "dave/nothing-said:": (2, 2),
            "alice/tool:src/gpl_part.py": (1, 1),
            "alice/tool:src/main.py": (1, 0),
            "judy/odd-licences:large": (1, 1),
        } | (dict.fromkeys(about_nothing, (0, 0)) if folder == run else {})
    docs = ask(questions()["tokens_of"], tables_of(run), {"repo": "alice/tool", "path": "src/gpl_part.py"}).to_pylist()
    assert [row["license"] for row in docs] == ["BSD-3-Clause"]
    assert ask(questions()["notices_missing"], tables_of(run), {}).num_rows == 0


@pytest.mark.slow
def test_a_changed_file_of_overrides_makes_the_selection_new_and_nothing_before_it(overridden: Any) -> None:
    _, report = overridden
    assert {"overrides", "judge", "release"} <= set(report.ran)
    assert {"crawl", "annotate", "conclude", "clusters"}.isdisjoint(report.ran)


@pytest.mark.slow
def test_without_overrides_the_run_is_as_it_was(again: Again, curated: Path) -> None:
    run, report = again()
    assert json.loads((run / "release/manifest.json").read_bytes())["counts"]
    before = {p.name: p.read_bytes() for p in (curated / "tables/decisions").glob("*")}
    assert {p.name: p.read_bytes() for p in (run / "tables/decisions").glob("*")} == before
    assert "annotate" not in report.ran


def test_an_invalid_override_stops_the_run_before_anything_is_fetched(corpus: Path, tmp_path: Path) -> None:
    (corpus.parent / "broken.toml").write_text('[[override]]\nrepository = "dave/nothing-said"\nexpression = "MIT"\n')
    settings = corpus.parent / "with-broken.toml"
    settings.write_text(corpus.read_text("utf-8") + '[licensing]\noverrides = "broken.toml"\n', "utf-8")
    with pytest.raises(StopRun, match="override 1 of broken.toml names nobody"):
        curate(load_settings(settings), tmp_path / "run", workers=1)
    assert not (tmp_path / "run/tables/repos").exists()


@pytest.mark.slow
def test_the_notices_of_a_real_run_are_whole(curated: Path) -> None:
    assert {path.name for path in (curated / "release/tables").iterdir()} >= set(TABLES)
    rows = ask(questions()["attribution"], tables_of(curated / "release"), {}).to_pylist()
    assert {row["repo"] for row in rows} == {"alice/tool", "bob/collection", "grace/archive", "judy/odd-licences"}
    assert all(row["texts"] and row["copyrights"] for row in rows)
    assert GPL.split("\n")[0] not in "".join(p.read_text("utf-8") for p in (curated / "release/LICENSES").iterdir())


@pytest.mark.slow
def test_the_command_draws_a_tree_and_writes_a_page_and_a_queue(curated: Path, tmp_path: Path) -> None:
    drawn = gleanery("licenses", "alice/tool", "--run", str(curated))
    assert drawn.returncode == 0, drawn.stderr
    assert "├── src/" in drawn.stdout and "conflict: head: GPL-3.0-or-later, folder: MIT" in drawn.stdout
    plain = json.loads(gleanery("licenses", "alice/tool", "--run", str(curated), "--format", "json").stdout)
    assert plain[0]["repository"] == "alice/tool" and plain[0]["files"] > 10
    whole = gleanery("licenses", "--run", str(curated), "--format", "json")
    assert {"licenses", "review"} == set(json.loads(whole.stdout))
    page, queue = tmp_path / "page.html", tmp_path / "queue.csv"
    done = gleanery("licenses", "--run", str(curated), "--page", str(page), "--queue", str(queue))
    assert done.returncode == 0 and done.stdout == ""
    older = gleanery("licenses", "--run", str(curated), "--html", str(tmp_path / "older.html"))
    assert older.returncode == 0 and (tmp_path / "older.html").read_bytes() == page.read_bytes()
    assert "dave/nothing-said" in page.read_text("utf-8") and "dave/nothing-said" in queue.read_text("utf-8")
    assert (
        "error: no source of this run is the repository nobody/here"
        in gleanery("licenses", "nobody/here", "--run", str(curated)).stderr
    )
    assert "give --run DIR" in gleanery("licenses").stderr


MANIFEST = '{"name": "part", "version": "1.0.0", "license": "GPL-3.0-only"}\n'
HEAD = "# SPDX-License-Identifier: MIT\n"
# Doubts whose deepest common folder holds other files too.
DOUBTFUL = {
    "mixed/heads": {"a/free.py": HEAD + code(300), "a/silent.py": code(301), "b/silent.py": code(302)},
    "mixed/manifests": {
        "LICENSE": MIT.format(year=2015, holder="Maria Beispiel"),
        "core/own.py": code(303),
        "apps/one/package.json": MANIFEST,
        "apps/one/x.py": code(304),
        "tools/two/package.json": MANIFEST.replace("part", "other"),
        "tools/two/y.py": code(305),
    },
    "mixed/parts": {
        "COPYING": GPL,
        "own.py": code(306),
        "third_party/alpha/x.py": code(307),
        "third_party/gamma/z.py": code(308),
        "vendor/beta/y.py": code(309),
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("verdict", ["MIT", "deny"])
def test_an_answer_to_a_row_of_the_queue_is_about_the_files_of_that_row(verdict: str, tmp_path: Path) -> None:
    settings = "[quality]\nkeep_vendored = true\n[shards]\nvocabulary = 600\n"
    for number, (name, files) in enumerate(DOUBTFUL.items()):
        make_repository(tmp_path / str(number), 2015, files)
        settings += f'[[source]]\nkind = "git"\nlocator = "{number}"\nname = "{name}"\n'
    (tmp_path / "settings.toml").write_text(settings, "utf-8")
    run = tmp_path / "run"
    curate(load_settings(tmp_path / "settings.toml"), run, workers=1)
    before = {repo: _reasons(run, repo) for repo in DOUBTFUL}
    rows = list(csv.DictReader(review_queue(run).splitlines()))
    libraries = [row["path"] for row in rows if row["repository"] == "mixed/parts"]
    assert sorted(libraries) == ["third_party/alpha", "third_party/gamma", "vendor/beta"]
    decided = {"verdict": "deny"} if verdict == "deny" else {"expression": verdict}
    signed = {"by": "Maria Beispiel", "reason": "The author said so", "date": "2026-11-22"}
    with open(tmp_path / "queue.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row | decided | signed for row in rows)
    (tmp_path / "again.toml").write_text('[licensing]\noverrides = "queue.csv"\n' + settings, "utf-8")
    curate(load_settings(tmp_path / "again.toml"), run, workers=1)
    touched = ask(questions()["overrides_in_force"], tables_of(run), {}).to_pylist()
    assert sorted(row["files"] for row in touched) == sorted(int(row["files"]) for row in rows)
    for repo, reasons in before.items():
        for path, reason in _reasons(run, repo).items():
            asked = reasons[path] in ("license_missing", "license_conflict")
            answer = "kept" if verdict == "MIT" else "license_not_allowed"
            assert reason == (answer if asked else reasons[path]), (repo, path)


def _reasons(run: Path, repo: str) -> dict[str, str]:
    return {path: decision(run, repo, path)["reason"] for path in DOUBTFUL[repo]}
