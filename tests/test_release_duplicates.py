"""The page about the duplicates of a run: complete, safe to open, and the same every time."""

import hashlib
import re
import shutil
from base64 import b64encode
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from run_folder import HOSTILE_PATH, HOSTILE_REPO, compare_with_golden, good_rows, write_run

from gleanery.records.reasons import REASONS
from gleanery.release.duplicate_report import CLASSES, duplicate_page

GOLDEN = Path(__file__).parent / "golden" / "release"
SCRIPTED = "</td><script>alert('{{7*7}}')</script><img src=x onerror=alert(1)>"
CHROMIUM = shutil.which("chromium")


@dataclass(frozen=True)
class Line:
    """A row of a difference, as `dedup/difference.py` gives it."""

    kind: str
    left_number: int | None
    left: str
    right_number: int | None
    right: str


def pair(name: str, *lines: Line) -> dict[str, Any]:
    return {"similarity": 0.71, "reason": "near_duplicate", "dropped": f"a/b:{name}", "kept": "c/d:x.py", "rows": lines}


LINES = (
    Line("same", 1, "def same():", 1, "def same():"),
    Line("changed", 2, "    return 1", 2, "    return 2"),
    Line("left", 3, SCRIPTED, None, ""),
    Line("gap", None, "12 equal lines", None, ""),
)


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", good_rows())


def test_the_page_of_a_run_is_as_expected(run: Path) -> None:
    page = duplicate_page(run, [pair("y.py", *LINES)])
    assert HOSTILE_REPO not in page and HOSTILE_PATH not in page
    assert page == duplicate_page(run, [pair("y.py", *LINES)])
    compare_with_golden(
        GOLDEN / "duplicates.html", re.sub(r"<(script|style)>.*?</\1>|sha256-[^']*", "", page, flags=re.DOTALL)
    )


def test_equal_forms_that_drop_nothing_say_so(tmp_path: Path) -> None:
    rows = good_rows()
    pairs = [rows["pairs"][0] | {"sameness": "normalised", "duplicate": drops} for drops in (True, False)]
    rows["pairs"] += [pairs[0], pairs[1] | {"right_blob_id": "f" * 40}]
    page = duplicate_page(write_run(tmp_path / "run", rows), [])
    assert page.count(CLASSES["normalised"]) == 2 and page.count("these drop nothing") == 1


def test_nothing_from_a_run_becomes_markup_and_the_page_loads_nothing(run: Path) -> None:
    page = duplicate_page(run, [pair(SCRIPTED, *LINES)])
    tags = Tags(page).seen
    assert [tag for tag, _ in tags if tag in ("img", "link", "iframe", "object")] == []
    assert len([tag for tag, _ in tags if tag == "script"]) == 1 and "\x1b" not in page and "{{7*7}}" in page
    assert all(name not in ("src", "style") and not name.startswith("on") for _, attrs in tags for name in attrs)
    policy = next(attrs["content"] for tag, attrs in tags if attrs.get("http-equiv"))
    script = re.search(r"<script>(.*?)</script>\s*</body>", page, re.DOTALL)
    assert script is not None and policy is not None
    assert f"script-src 'sha256-{b64encode(hashlib.sha256(script[1].encode()).digest()).decode()}'" in policy


def test_a_run_without_duplicates_has_a_page_too(tmp_path: Path) -> None:
    rows = good_rows() | {"pairs": [], "clusters": []}
    page = duplicate_page(write_run(tmp_path / "run", rows), [])
    assert "No file was left out as a near duplicate." in page and "No pair was measured." in page


def test_every_class_of_sameness_and_every_reason_has_a_sentence_on_the_page() -> None:
    from gleanery.dedup import sameness

    named = {sameness.NORMALISED, sameness.NEAR, sameness.RENAMED, sameness.CONTAINED, sameness.NONE}
    assert set(CLASSES) == named
    assert {"restricted_twin", "copy_of_opted_out"} <= set(REASONS)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="the program chromium is not installed")
def test_a_browser_opens_a_difference_in_light_and_dark_and_in_a_narrow_window(run: Path, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    path, said, papers = tmp_path / "page.html", list[str](), list[str]()
    path.write_text(duplicate_page(run, [pair("y.py", *LINES)]), "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 400, "height": 900}, color_scheme=scheme)
            page.on("console", lambda message: said.append(message.text))
            page.on("dialog", lambda dialog: said.append(dialog.message))
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= 400
            page.click("summary")
            assert page.locator("tr.changed td.l").inner_text().strip() == "return 1"
            papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        browser.close()
    assert said == [] and papers[0] != papers[1]
