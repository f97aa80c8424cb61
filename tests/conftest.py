"""Fixtures that more than one room's tests share."""

import functools
import http.server
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import small_corpus
from hypothesis import settings

from gleanery.optout.registry import Registry

if TYPE_CHECKING:
    from gleanery.pipeline.settings import Settings
    from gleanery.privacy.redact import Redactor

# The same examples every time where a change has to land; new ones on a developer's machine. Slowness is no fault.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("developer", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "developer")

# A suite that is started in the background (`nohup`, `&`) is given signals that are ignored and hands them on; tests
# send these signals to the programs that they start.
for name in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(name) is signal.SIG_IGN:
        signal.signal(name, signal.default_int_handler if name is signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(scope="session")
def redactor() -> "Redactor":
    """One for all tests of a process: it remembers nothing of a text, and takes two seconds to make."""
    from gleanery.privacy.redact import Redactor

    return Redactor()


@pytest.fixture(scope="session", autouse=True)
def own_cache() -> Iterator[Path]:
    """Tests remember downloads and scans in a folder of their own, and leave the user's alone."""
    with tempfile.TemporaryDirectory(prefix="gleanery-cache-") as folder:
        before = os.environ.get("GLEANERY_CACHE")
        os.environ["GLEANERY_CACHE"] = folder
        yield Path(folder)
        if before is None:
            del os.environ["GLEANERY_CACHE"]
        else:
            os.environ["GLEANERY_CACHE"] = before


@pytest.fixture(autouse=True)
def same_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that a test runs in its own process gets a temporary folder of its own; the next test does not."""
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())
    monkeypatch.setenv("TMPDIR", tempfile.gettempdir())


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings file of the small corpus, whose registry blocks erin."""
    settings = small_corpus.make(tmp_path_factory.mktemp("corpus"))
    registry = Registry.open(f"sqlite:///{settings.parent}/optout.sqlite")
    registry.append_rule(scope="repo", value="github.com/erin/private-matter", action="block")
    return settings


@pytest.fixture(scope="session")
def curated(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the small corpus, with two workers. Read it only."""
    from gleanery.pipeline.run import curate
    from gleanery.pipeline.settings import load_settings

    root = tmp_path_factory.mktemp("curated") / "run"
    curate(load_settings(corpus), root, workers=2)
    return root


@pytest.fixture
def served(corpus: Path, tmp_path: Path) -> "Iterator[Settings]":
    """The settings of the small corpus, some of whose repositories are on a web server."""
    from gleanery.pipeline.settings import load_settings

    settings, folder = load_settings(corpus), tmp_path / "served"
    folder.mkdir()
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = functools.partial(quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sources = []
        for number, source in enumerate(settings.source):
            repository = corpus.parent / source.locator
            if source.kind == "git" and number % 2 == 0 and (repository / ".git").is_dir():
                subprocess.run(["git", "update-server-info"], cwd=repository, check=True)
                (folder / f"{source.locator}.git").symlink_to(repository / ".git")
                source = replace(source, locator=f"http://127.0.0.1:{server.server_port}/{source.locator}.git")
            sources.append(source)
        yield replace(settings, source=tuple(sources))
        server.shutdown()
