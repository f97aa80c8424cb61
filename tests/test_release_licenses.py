"""The tree, the page and the queue of a run's licences: complete, safe to open, and the same every time."""

import csv
import hashlib
import io
import re
import shutil
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from run_folder import (
    GPL_TEXT,
    HOSTILE_PATH,
    HOSTILE_REPO,
    MIT_TEXT,
    RunBuilder,
    compare_with_golden,
    from_file,
    good_rows,
    own,
    write_run,
)
from typer.testing import CliRunner

from gleanery.licensing.names import _VENDORED
from gleanery.licensing.override_file import DECISION, SCOPE, read_overrides
from gleanery.licensing.overrides import _library
from gleanery.licensing.policy import Policy
from gleanery.pipeline.cli import app
from gleanery.records.errors import StopRun
from gleanery.release.license_report import CATEGORIES, report_page, review_queue, review_rows, totals
from gleanery.release.license_tree import license_trees
from gleanery.sql.questions import questions

GOLDEN = Path(__file__).parent / "golden" / "release"
CATEGORY = Policy.load().category
SCRIPTED = "<script>alert('{{7*7}}')</script>"


def builder() -> RunBuilder:
    """Repositories with every kind of doubt, and names that would like to be markup."""
    build = RunBuilder()
    ann = build.repo("ann/app", aliases=["ann/old"])
    mit = from_file("LICENSE", MIT_TEXT, "MIT")
    for path in ("a.py", "src/b.py", "src/deep/er/c.py"):
        build.file(ann, path, f"# {path}\n", **mit)
    for number in range(3):
        path, text = f"src/gpl{number}.py", f"# GPL {number}\n"
        head = own(path, text, "GPL-3.0-only") | {"directory_expression": "MIT", "conflict": True}
        build.file(ann, path, text, "license_conflict", **head)
    for folder in ("one", "two"):
        path, text = f"{folder}/x.py", f"# MIT {folder}\n"
        build.file(ann, path, text, **own(path, text, "ISC"))
    strict = from_file("third/COPYING", GPL_TEXT, "GPL-3.0-only")
    build.file(ann, "third/p.py", "p = 1\n", "license_not_allowed", **strict)
    build.file(ann, "third/inner/q.py", "q = 1\n", "license_not_allowed", **strict)
    doubtful = from_file("odd/LICENSE", "odd\n", "MIT") | {
        "expression": None,
        "directory_expression": None,
        "uncertain": True,
    }
    doubtful["evidence"] = [doubtful["evidence"][0] | {"expression": None}]
    build.file(ann, "odd/LICENSE", "odd\n", "license_unknown", **doubtful)
    build.file(ann, "odd/way/r.py", "r = 1\n" * 50, "license_unknown", **doubtful)
    bob = build.repo("bob/nothing-said")
    for path in ("lib/a/x.py", "lib/b/y.py"):
        build.file(bob, path, f"# {path}\n" * 400, "license_missing")
    eve = build.repo(SCRIPTED)
    build.file(eve, "<img src=x onerror=alert(1)>.py", "e = 1\n", "license_missing")
    build.file(eve, "=1+1/{{7*7}}\x1b[31m.py", "f = 1\n", "license_unknown", **doubtful)
    build.rows["overrides"].append(
        {"override_id": "0123456789ab", "repository": SCRIPTED, "verdict": "deny", "by": "<b>Ada</b> Invented"}
        | {"reason": '"><svg onload=alert(2)>', "date": "2026-11-22"}
    )
    return build


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("licenses") / "run", builder().rows)


def statements(run: Path, repo: str) -> dict[str, list[tuple[Any, ...]]]:
    """What stands at each place of a repository: expression, files, kept."""
    (tree,) = license_trees(run, repo)
    return {p.folder: sorted((s.expression or "", s.files, s.kept) for s in p.statements) for p in tree.places}


def test_a_folder_that_says_nothing_new_is_counted_above(run: Path) -> None:
    assert statements(run, "ann/app") == {
        "": [("ISC", 2, 2), ("MIT", 3, 3)],
        "odd": [("", 2, 0)],
        "src": [("GPL-3.0-only", 3, 0)],
        "third": [("GPL-3.0-only", 2, 0)],
    }


def test_no_file_is_lost_or_counted_twice(run: Path) -> None:
    for repo in ("ann/app", "bob/nothing-said", SCRIPTED):
        (tree,) = license_trees(run, repo)
        counted = [s for place in tree.places for s in place.statements]
        expected = [row for row in builder().rows["repos"] if row["name"] == repo][0]["repo_id"]
        assert sum(s.files for s in counted) == tree.files
        assert tree.files == sum(f["repo_id"] == expected for f in builder().rows["files"])


def test_a_long_expression_is_cut_in_a_conflict_and_whole_where_it_is_concluded(tmp_path: Path) -> None:
    build = RunBuilder()
    ann = build.repo("ann/app")
    long = " AND ".join(f"LicenseRef-birch-{n:02}" for n in range(12))
    head = own("a.py", "a\n", "ISC") | {"directory_expression": long, "conflict": True}
    build.file(ann, "a.py", "a\n", "license_conflict", **head)
    build.file(ann, "b.py", "b\n", "license_not_allowed", **from_file("LICENSE", "birch\n", long))
    (found,) = license_trees(write_run(tmp_path, build.rows), "ann/app")
    lines = [
        line for place in found.places for s in place.statements for line in (s.words(), s.contradiction()) if line
    ]
    assert sum(long in line for line in lines) == 1
    assert sum(f"({len(long)} characters)" in line for line in lines) == 1 and max(map(len, lines)) < 320


def test_a_conflict_is_named_where_it_stands(run: Path) -> None:
    (tree,) = license_trees(run, "ann/old")
    place = next(p for p in tree.places if p.folder == "src")
    assert place.statements[0].contradiction() == "conflict: head: GPL-3.0-only, folder: MIT, such as src/gpl0.py"
    assert tree.plain()["places"][0]["folder"] == ""


def test_a_repository_that_is_not_there_is_answered_with_close_names(run: Path) -> None:
    with pytest.raises(StopRun) as stopped:
        license_trees(run, "ann/ap")
    assert "ann/app" in stopped.value.hint


def test_the_queue_names_the_one_thing_to_look_at_and_the_most_bytes_first(run: Path) -> None:
    rows = review_rows(run)
    about = ("repository", "path", "reason", "files", "whole_repository", "header", "look_at")
    assert [tuple(row[name] for name in about) for row in rows][:3] == [
        ("bob/nothing-said", "lib", "license_missing", 2, True, None, None),
        ("ann/app", "odd", "license_unknown", 2, False, None, "odd/LICENSE"),
        ("ann/app", "src", "license_conflict", 3, False, "GPL-3.0-only", None),
    ]
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert sorted((row["bytes"] for row in rows), reverse=True) == [row["bytes"] for row in rows]


def test_the_queue_names_namesakes_by_their_urls(tmp_path: Path) -> None:
    build = builder()
    build.file(
        build.repo("Bob/nothing-said", url="https://gitlab.com/bob/nothing-said"), "z.py", "z = 1\n", "license_missing"
    )
    rows = list(csv.DictReader(io.StringIO(review_queue(write_run(tmp_path, build.rows)))))
    named = {row["repository"] for row in rows}
    assert {"https://github.com/bob/nothing-said", "https://gitlab.com/bob/nothing-said", "ann/app"} <= named
    assert not {name.lower() for name in named} & {"bob/nothing-said"}
    assert next(row["url"] for row in rows if row["repository"] == "ann/app") == "https://github.com/ann/app"


def test_the_queue_is_a_file_of_overrides_that_nobody_has_filled_in(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "queue.csv"
    path.write_text(review_queue(run), "utf-8")
    assert read_overrides(path) == []
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    assert set(rows[0]) >= {*SCOPE, *DECISION, "files", "bytes", "doubt"}
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())


def test_a_row_that_a_person_fills_in_is_an_override(run: Path, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(review_queue(run))))
    rows[0] |= {"expression": "MIT", "by": "Maria Beispiel", "reason": "The manual says so", "date": "2026-11-22"}
    path = tmp_path / "queue.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (found,) = read_overrides(path)
    assert (found.repository, found.path, found.expression) == ("bob/nothing-said", "lib", "MIT")


def test_the_queue_divides_by_the_same_folders_of_third_parties_as_overrides_do() -> None:
    written = questions()["license_review"].sql.partition("regexp_extract(\n      path,")[2].partition("      1\n")[0]
    pattern = re.compile("".join(re.findall("'([^']*)'", written)))
    for path in (f"a/{name}/{rest}" for name in _VENDORED for rest in ("lib/deep/x.py", "x.py")):
        found = pattern.match(path)
        assert found and found[1] == _library(path), path
    assert not pattern.match("a/vendoring/x.py") and _library("a/vendoring/x.py") is None


class _Reader(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def test_names_of_strangers_are_words_on_the_page_and_nothing_else(run: Path) -> None:
    reader = _Reader()
    reader.feed(report_page(run, CATEGORY))
    names = [tag for tag, _ in reader.tags]
    assert names.count("script") == 1 and names.count("style") == 1
    assert {"img", "iframe", "link", "b", "object", "embed", "base", "form"}.isdisjoint(names)
    assert not [
        name for _, attributes in reader.tags for name in attributes if name.startswith("on") or name == "style"
    ]
    assert all(
        value is None or value.startswith("#") for _, a in reader.tags for k, value in a.items() if k in ("href", "src")
    )
    for name in (SCRIPTED, "<img src=x onerror=alert(1)>.py", "<b>Ada</b> Invented", '"><svg onload=alert(2)>'):
        assert name in reader.words
    assert "\x1b" not in reader.words


def test_the_page_reaches_nothing_and_runs_only_its_own_script(run: Path) -> None:
    page = report_page(run, CATEGORY)
    rules = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert rules is not None
    said = dict(part.strip().split(" ", 1) for part in rules[1].split(";"))
    assert said["default-src"] == "'none'" and "unsafe" not in rules[1]
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert content is not None
        assert said[rule] == f"'sha256-{b64encode(hashlib.sha256(content[1].encode()).digest()).decode()}'"
    assert "://" not in page


def test_the_page_is_the_same_every_time(run: Path) -> None:
    assert report_page(run, CATEGORY) == report_page(run, CATEGORY)


def test_every_category_of_the_policy_stands_on_the_page() -> None:
    from gleanery.licensing import groups

    assert set(groups.CATEGORIES) | {"unknown", "none"} == set(CATEGORIES)


def test_totals_count_every_file_that_was_read_once(run: Path) -> None:
    rows = totals(run)
    assert sum(row["files"] for row in rows) == len(builder().rows["license_conclusions"])
    assert sum(row["kept"] for row in rows) == len(builder().rows["docs"])


def test_the_page_of_the_run_in_which_nothing_is_wrong_is_as_expected(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", good_rows())
    page = report_page(folder, CATEGORY)
    assert HOSTILE_REPO not in page and HOSTILE_PATH not in page
    compare_with_golden(
        GOLDEN / "licenses.html", re.sub(r"<(script|style)>.*?</\1>|sha256-[^']*", "", page, flags=re.DOTALL)
    )


CHROMIUM = shutil.which("chromium")


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="the program chromium is not installed")
def test_a_browser_sorts_and_filters_and_hears_nothing_of_strangers(run: Path, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    path, said = tmp_path / "page.html", list[str]()
    path.write_text(report_page(run, CATEGORY), "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 400, "height": 900})
        page.on("console", lambda message: said.append(message.text))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 400  # a narrow window does not scroll sideways
        files = "#licences tbody td:nth-child(3)"
        page.click("#licences th:nth-child(3) button")
        down = [int(text) for text in page.locator(files).all_inner_texts()]
        page.click("#licences th:nth-child(3) button")
        up = [int(text) for text in page.locator(files).all_inner_texts()]
        assert down == sorted(down, reverse=True) and up == sorted(up) and len(up) > 3
        assert page.get_attribute("#licences th:nth-child(3)", "aria-sort") == "ascending"
        browser.close()
    assert said == []


def test_a_queue_in_which_decisions_stand_is_never_overwritten(run: Path, tmp_path: Path) -> None:
    path, command = (
        tmp_path / "overrides.csv",
        ["licenses", "--run", str(run), "--queue", str(tmp_path / "overrides.csv")],
    )
    for _ in range(2):  # one that is still open is made anew
        assert CliRunner().invoke(app, command).exit_code == 0
    opened = path.read_text("utf-8")
    rows = list(csv.reader(io.StringIO(opened)))
    rows[1][rows[0].index("by")] = "Maria Beispiel"
    filled = io.StringIO()
    csv.writer(filled, delimiter=";", lineterminator="\r\n").writerows(rows)
    own_column = opened.replace("\n", ",to ask\n")
    for text in ("\ufeff" + filled.getvalue(), own_column, "[[override]]\n", "\x00", ""):
        path.write_text(text, "utf-8", newline="")
        refused = CliRunner().invoke(app, command)
        assert isinstance(refused.exception, StopRun) and path.read_bytes().decode() == text, text
    path.write_bytes(b"\xff\xfe")
    assert isinstance(CliRunner().invoke(app, command).exception, StopRun) and path.read_bytes() == b"\xff\xfe"
