"""The reference is complete: each command, setting, reason code, table and audit question stands in it."""

import re
import runpy
from pathlib import Path

import pytest

from gleanery.pipeline.cli import app
from gleanery.pipeline.engine import PRESETS, REFUSED
from gleanery.sql.questions import questions

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs/reference"


def _text(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


@pytest.mark.parametrize("name", ["settings", "reasons", "tables", "commands"])
def test_a_page_that_is_made_from_the_code_is_as_the_code_is_now(name: str) -> None:
    maker = runpy.run_path(str(ROOT / "docs/make_reference.py"))
    assert maker[f"{name}_page"]() == _text(f"{name}.md"), "run `make reference`"


def _commands() -> list[str]:
    found = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        found += [f"{group.name} {command.name}" for command in group.typer_instance.registered_commands]
    return found


def test_every_command_has_an_example_to_paste() -> None:
    import typer

    group = typer.main.get_command(app)
    for name in _commands():
        command = group
        for word in name.split():
            command = command.commands[word]  # type: ignore[attr-defined]
        assert f"Example: gleanery {name.split()[0]}" in (command.help or ""), name


def test_every_question_is_in_the_reference() -> None:
    text = _text("audit.md")
    assert [name for name in questions() if f"`{name}`" not in text and f"## {name}" not in text] == []


def test_every_engine_is_in_the_reference() -> None:
    text = _text("engines.md")
    assert [name for name in (*PRESETS, *REFUSED) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("path", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target
