"""The whole way of an owner, with real parts: a git host, the page's own server, and Chromium without JavaScript."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from gleanery.optout.registry import Registry

GOLDEN = Path(__file__).parent / "golden" / "optout"
CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SERVER = """
import sys
from gleanery.optout.web import WebSettings, serve
settings = WebSettings(dataset="Example Code Dataset", allow_local=True, extra_hosts=(sys.argv[3],))
serve(sys.argv[1], "127.0.0.1", int(sys.argv[2]), settings)
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM and not os.environ.get("CI"), reason="the program chromium is not installed"),
]


@dataclass
class World:
    """The addresses of both servers, the registry's URL, and a working copy whose pushes reach the git host."""

    site: str
    repository: str
    registry: str
    work: Path

    def commit(self, path: str, content: str) -> None:
        target = self.work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        who = ["-c", "user.name=Invented", "-c", "user.email=invented@example.org"]
        for arguments in (
            ["add", "--all"],
            [*who, "commit", "--quiet", "-m", "invented"],
            ["push", "--quiet", "origin", "trunk"],
        ):
            subprocess.run(["git", *arguments], cwd=self.work, check=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("world")
    bare, work = root / "host/alice/lib.git", root / "work"
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "trunk", bare], check=True)
    subprocess.run(["git", "clone", "--quiet", bare, work], check=True, capture_output=True)
    subprocess.run(["git", "checkout", "--quiet", "-b", "trunk"], cwd=work, check=True)
    command = [sys.executable, str(GOLDEN / "git_server.py"), str(root / "host")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout
        address = f"127.0.0.1:{host.stdout.readline().strip()}"
        url, port = f"sqlite:///{root / 'optout.sqlite'}", _free_port()
        with subprocess.Popen([sys.executable, "-c", SERVER, url, str(port), address]) as server:
            try:
                _wait_for(f"http://127.0.0.1:{port}/healthz")
                yield World(f"http://127.0.0.1:{port}", f"http://{address}/alice/lib.git", url, work)
            finally:
                server.terminate()
                host.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "the program chromium is not installed"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the page did not start within 30 seconds")


def _press(page: Page, name: str) -> None:
    """Send a form, and wait for the page that answers: a click returns before it is there."""
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()


def test_an_owner_without_javascript_blocks_a_repository_and_takes_it_back(world: World, browser: Browser) -> None:
    world.commit("README", "An invented library.\n")
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(world.site)
    page.get_by_label("Address of your repository").fill(world.repository)
    _press(page, "Continue")
    assert page.get_by_role("heading", name="What will happen").is_visible()
    _press(page, "Get the file")

    _press(page, "Check now")
    assert "The challenge file is not on the default branch." in page.get_by_role("alert").inner_text()
    registry = Registry.open(world.registry, create=False)
    assert registry.rules() == []

    world.commit(".well-known/dataset-optout.json", page.get_by_label("Content of the file").input_value())
    _press(page, "Check now")
    assert page.get_by_role("heading", name="Verified: your repository is blocked").is_visible()
    name = world.repository.removeprefix("http://").removesuffix(".git")
    assert [(rule.scope, rule.value, rule.action) for rule in registry.rules()] == [("repo", name, "block")]

    receipt = page.get_by_label("Link to this page").input_value()
    other = browser.new_context(java_script_enabled=False).new_page()
    other.goto(receipt)
    assert other.get_by_role("heading", name="Verified: your repository is blocked").is_visible()
    other.goto(f"{world.site}/blocked")
    other.get_by_label("Address of the repository").fill(world.repository.upper().replace("HTTP", "http"))
    _press(other, "Look up")
    assert "Rule 1 covers this repository" in other.inner_text("main")

    registry.mark_applied(registry.position())
    page.goto(receipt)
    assert page.get_by_role("heading", name="Applied: your repository is blocked").is_visible()
    _press(page, "Take the block back")
    _press(page, "Check now")
    assert "its content is not the one asked for" in page.get_by_role("alert").inner_text()
    world.commit(".well-known/dataset-optout.json", page.get_by_label("Content of the file").input_value())
    _press(page, "Check now")
    assert page.get_by_role("heading", name="Withdrawn").is_visible()
    assert registry.standing_rule(world.repository) is None and registry.position() == 2
    registry.verify_log()
    registry.close()


def test_a_form_on_another_site_files_nothing(world: World, browser: Browser) -> None:
    registry = Registry.open(world.registry, create=False)
    before = registry.log_head()
    context = browser.new_context()
    page = context.new_page()
    page.goto(world.site)  # the visitor has our cookie
    form = f'<form method="post" action="{world.site}/requests"><input name="repository" value="{world.repository}">'
    page.goto("data:text/html," + form + '<input name="token" value=""><button>Win a prize</button></form>')
    with page.expect_response(f"{world.site}/requests") as sent:
        _press(page, "Win a prize")
    assert sent.value.status == 403
    assert registry.log_head() == before
    registry.close()


def test_markup_in_a_name_is_text_and_nothing_breaks_the_policy(world: World, browser: Browser) -> None:
    page = browser.new_context().new_page()
    noticed: list[str] = []

    def opened(dialog: Dialog) -> None:
        noticed.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", opened)
    page.on("console", lambda message: noticed.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.goto(world.site)
    typed = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    page.get_by_label("Address of your repository").fill(typed)
    _press(page, "Continue")
    assert page.get_by_label("Address of your repository").input_value() == typed
    assert "This does not name a repository" in page.get_by_role("alert").inner_text()
    assert page.locator("script, img").count() == 0
    # Chromium itself notes the status of the answer, and asks for an icon that there is not.
    assert [text for text in noticed if "status of 4" not in text] == []


def test_every_page_fits_a_small_telephone_and_the_keyboard_reaches_the_form(world: World, browser: Browser) -> None:
    page = browser.new_context(viewport={"width": 320, "height": 640}).new_page()

    def fits() -> bool:
        return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))

    page.goto(world.site)
    assert fits()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.get_by_label("Address of your repository").fill(world.repository)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What will happen").wait_for()
    assert fits()
    _press(page, "Get the file")
    page.get_by_text("Commands for a terminal").click()
    assert fits()
    for path in ("/blocked?repository=github.com/alice/" + "l" * 100, "/nothing", "/review?repository=nonsense"):
        page.goto(world.site + path)
        assert fits()
