"""Fixtures that more than one room's tests share."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import small_corpus
from hypothesis import settings

from gleanery.optout.registry import Registry

# The same examples every time where a change has to land; new ones on a developer's machine. Slowness is no fault.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("developer", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "developer")

# A suite that is started in the background (`nohup`, `&`) is given signals that are ignored and hands them on; tests
# send these signals to the programs that they start.
for name in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(name) is signal.SIG_IGN:
        signal.signal(name, signal.default_int_handler if name is signal.SIGINT else signal.SIG_DFL)


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
