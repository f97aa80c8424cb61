"""Which repositories a name means: each form in which people write one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_folder import Rows, RunBuilder, good_rows, write_run, write_store
from typer.testing import CliRunner

from gleanery.pipeline.cli import app
from gleanery.pipeline.removals import file_ids, wishes
from gleanery.records.errors import StopRun, WrongArguments
from gleanery.release.assemble import assemble
from gleanery.release.explain import explain
from gleanery.release.license_tree import license_trees
from gleanery.sql.named import named
from gleanery.sql.questions import Database, ask, questions, tables_of

Names = tuple[str, str, list[str], list[str]]
RXJS: Names = ("npm/rxjs", "pkg:npm/rxjs", ["https://github.com/ReactiveX/rxjs"], [])
MANIM: Names = ("3b1b/manim", "local:mirrors/manim", [], ["3b1b/manim"])
ARCHIVE: Names = ("acme/lib", "http://127.0.0.1:8651/acme/lib/archive/v1.tar.gz", [], [])
FORGE: Names = ("acme/lib", "https://git.example.org/acme/lib", [], [])
PACKAGE: Names = ("pypi/my-package", "pkg:pypi/my-package", [], [])


def row(about: Names) -> dict[str, Any]:
    name, url, aliases, given = about
    return {"repo_id": "0" * 32, "name": name, "url": url, "aliases": aliases, "given_names": given}


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("npm/rxjs", RXJS),
        ("NPM/RxJS", RXJS),
        ("pkg:npm/rxjs@7.8.1", RXJS),
        ("https://www.npmjs.com/package/rxjs", RXJS),
        ("reactivex/rxjs", RXJS),
        ("github.com/reactivex/rxjs", RXJS),
        ("https://github.com/reactivex/rxjs.git/", RXJS),
        ("https://github.com/reactivex/rxjs#readme", RXJS),
        ("https://github.com/reactivex/rxjs/blob/7.x/src/internal/Observable.ts", RXJS),
        ("https://github.com/reactivex/rxjs/tree/7.x", RXJS),
        ("git@github.com:reactivex/rxjs.git", RXJS),
        ("ssh://git@github.com/reactivex/rxjs.git", RXJS),
        ("https://user@github.com/reactivex/rxjs", RXJS),
        ("git@github.com:3b1b/manim.git", MANIM),
        ("github.com/3b1b/manim", MANIM),
        ("3b1b/manim", MANIM),
        ("acme/lib", ARCHIVE),
        ("http://127.0.0.1:8651/acme/lib", ARCHIVE),
        ("http://127.0.0.1:8651/acme/lib/archive/v1.tar.gz", ARCHIVE),
        ("https://git.example.org/acme/lib/src/branch/main/a.py", FORGE),
        ("https://pypi.org/project/My_Package/", PACKAGE),
        ("0" * 32, PACKAGE),
    ],
)
def test_a_repository_is_known_by_each_form_of_its_names(text: str, about: Names) -> None:
    assert named(text, [row(about)]) == {"0" * 32}


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("gitlab.com/reactivex/rxjs", RXJS),
        ("pypi/rxjs", RXJS),
        ("rxjs", RXJS),
        ("https://github.com/reactivex", RXJS),
        ("http://127.0.0.1:8652/acme/lib", ARCHIVE),
        ("https://git.example.org/acme/library/src/branch/main", FORGE),
        ("https://git.example.org/acme", FORGE),
        ("3b1b/videos", MANIM),
        ("", MANIM),
    ],
)
def test_a_repository_is_not_taken_for_another(text: str, about: Names) -> None:
    assert named(text, [row(about)]) == set()


@pytest.fixture(scope="module")
def rows() -> Rows:
    """A run whose package `pypi/tool` is developed at alice/tool, beside a namesake of octo/lib on another host."""
    found = good_rows()
    for repo in found["repos"]:
        if repo["name"] == "pypi/tool":
            repo["aliases"] = ["https://github.com/Alice/tool"]
        if repo["name"] == "cat/app":
            repo.update(name="octo/lib", url="https://gitlab.com/octo/lib")
    return found


@pytest.fixture(scope="module")
def run(rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That run."""
    return write_run(tmp_path_factory.mktemp("run"), rows)


@pytest.fixture(scope="module")
def release(run: Path, rows: Rows) -> Path:
    """Its release."""
    write_store(run, rows)
    assemble(run, run / "release")
    return run / "release"


def test_what_is_in_a_release_is_never_denied(release: Path) -> None:
    for name in ("alice/tool", "https://github.com/alice/tool/tree/main", "https://pypi.org/project/tool/"):
        assert explain(release, name)[0] == "pypi/tool"
        assert explain(release, f"{name}:tool/run.py")[0] == "pypi/tool:tool/run.py"
        assert license_trees(release, name)[0].repository == "pypi/tool"
        assert ask(questions()["impact_of"], tables_of(release), {"repo": name})["documents"].to_pylist() == [1]


def test_what_is_removed_goes_by_the_same_names(release: Path, rows: Rows) -> None:
    tool = next(repo["repo_id"] for repo in rows["repos"] if repo["name"] == "pypi/tool")
    for name in ("alice/tool", "git@github.com:alice/tool.git", "PyPI/Tool"):
        assert [wish.id for wish in wishes(release, [], [name], None, "opt_out")] == [tool]
        assert file_ids(release, [f"{name}:tool/run.py"]) == file_ids(release, ["pypi/tool:tool/run.py"])
    with pytest.raises(StopRun, match="no repository alice/toll") as refused:
        wishes(release, [], ["alice/toll"], None, "opt_out")
    assert "ask the run that made it" in refused.value.hint


def test_of_two_of_one_name_each_is_told_of_by_itself(run: Path) -> None:
    assert [(one.repository, one.url) for one in license_trees(run, "octo/lib")] == [
        ("octo/lib", "https://github.com/octo/lib"),
        ("octo/lib", "https://gitlab.com/octo/lib"),
    ]
    assert [one.url for one in license_trees(run, "gitlab.com/octo/lib")] == ["https://gitlab.com/octo/lib"]
    shown = CliRunner().invoke(app, ["licenses", "octo/lib", "--run", str(run)]).output
    assert "octo/lib (https://github.com/octo/lib)" in shown and "octo/lib (https://gitlab.com/octo/lib)" in shown


def test_a_name_that_nothing_bears_is_refused_by_each_question(run: Path, release: Path) -> None:
    for folder, said in ((run, "no source of this run is"), (release, "this release holds no")):
        tables = tables_of(folder)
        for name, question in questions().items():
            known = {parameter.name for parameter in question.parameters}
            if "repo" in known and name != "find_repository" and set(question.needs) <= set(tables):
                given = {"repo": "octo/ap"} | ({"path": "x"} if "path" in known else {})
                with pytest.raises(StopRun, match=f"{said}.* octo/ap") as refused:
                    ask(question, tables, given)
                assert "octo/app" in refused.value.hint, name


@pytest.mark.parametrize("written", [str.upper, "  {} ".format, "swh:1:cnt:{};origin=https://example.org/a".format])
def test_a_content_goes_by_its_id_however_it_is_handed_out(run: Path, written: Callable[[str], str]) -> None:
    blob = next(path for path in ask(questions()["why_rejected"], tables_of(run), MAIN)["blob_id"].to_pylist())
    question = questions()["origins_of_blob"]
    assert ask(question, tables_of(run), {"blob": written(blob)}) == ask(question, tables_of(run), {"blob": blob})
    with pytest.raises(WrongArguments, match="40 hexadecimal digits"):
        ask(question, tables_of(run), {"blob": blob[:39]})


MAIN = {"repo": "octo/app", "path": "src/main.py"}


@pytest.mark.parametrize(
    "given", [["most=-1"], ["most=x"], ["colour=red"], ["most"], ["most=99999999999999999999"], ["most=1", "most=2"]]
)
def test_a_value_that_cannot_be_followed_is_exit_status_2(run: Path, given: list[str]) -> None:
    arguments = [part for one in given for part in ("--set", one)]
    done = CliRunner().invoke(app, ["audit", "doubtful_duplicates", "--run", str(run), *arguments])
    assert isinstance(done.exception, WrongArguments)


def test_a_path_with_too_much_before_it_is_led_to_the_file(run: Path) -> None:
    assert "Close to it: add.py." in explain(run, "octo/lib:lib-2.0/add.py")


def test_a_release_does_not_say_who_objected_and_says_that_it_does_not(release: Path) -> None:
    for name in ("eve/objector", "eve/objector:a.py", "no/body"):
        lines = explain(release, name)
        assert lines[0] == f"This release holds nothing of a repository {name.partition(':')[0]}."
        assert lines[1].startswith("It does not say who objected: ask the run")
    with pytest.raises(StopRun, match="needs the table optout_rules") as refused:
        ask(questions()["opted_out"], tables_of(release), {})
    assert "ask it of the run" in refused.value.hint


def test_all_that_bear_a_name_are_told_of_however_many(tmp_path: Path) -> None:
    build = RunBuilder()
    for number in range(12):
        build.repo("many/lib", url=f"https://host{number}.example.org/many/lib")
    lines = explain(write_run(tmp_path, build.rows), "many/lib")
    assert lines[0] == "12 repositories have this name." and lines.count("many/lib") == 12


def test_the_rows_that_are_looked_at_are_all_that_may_bear_a_name(tmp_path: Path) -> None:
    build = RunBuilder()
    for name, url, aliases in (
        ("Grün/Lib", "https://git.example.org/Gr%C3%BCn/Lib", []),
        ("pypi/my-package", "pkg:pypi/my-package", ["https://github.com/%41lice/my.package"]),
        ("local/bad blanks", "local:bad blanks", []),
        ("git/deep", "https://git.example.org/group/sub/deep.git", ["git@github.com:3b1b/manim.git"]),
    ):
        build.repo(name, url=url, aliases=aliases)
    texts = ["grün/lib", "GR%C3%BCN/lib", "My_Package", "pypi/My.Package", "alice/my.package", "local/bad blanks", "x"]
    texts += ["git.example.org/group/sub/deep/tree/main", "3b1b/manim", "", "/", "%", "https://", *_all_names(build)]
    with Database(tables_of(write_run(tmp_path, build.rows))) as database:
        for text in texts:
            assert database.named(text) == sorted(named(text, build.rows["repos"])), text
        assert all(len(database.named(text)) == 1 for text in _all_names(build))


def _all_names(build: RunBuilder) -> list[str]:
    return [name for repo in build.rows["repos"] for name in (repo["name"], repo["url"], *repo["aliases"])]


def test_files_without_a_licence_are_named_in_the_table_of_licences(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["licenses", "--run", str(write_run(tmp_path, good_rows()))]).output
    assert any(line.split()[:1] == ["nothing"] for line in shown.splitlines())
