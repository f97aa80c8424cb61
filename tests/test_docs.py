"""The reference is complete: each command, setting, reason code, table and audit question stands in it."""

import re
from pathlib import Path

import pytest
from gleanery.pipeline.cli import app
from gleanery.pipeline.engine import PRESETS, REFUSED
from gleanery.pipeline.settings import reference
from gleanery.records.reasons import REASONS
from gleanery.records.tables import TABLES
from gleanery.sql.questions import questions

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs/reference"


def _text(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


def _commands() -> list[str]:
    found = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        found += [f"{group.name} {command.name}" for command in group.typer_instance.registered_commands]
    return found


def test_every_command_is_in_the_reference() -> None:
    text = _text("commands.md")
    assert [name for name in _commands() if f"## gleanery {name}\n" not in text] == []


def test_every_option_is_in_the_reference() -> None:
    import typer

    text = _text("commands.md")
    group = typer.main.get_command(app)
    missing = []
    for name in _commands():
        command = group
        for word in name.split():
            command = command.commands[word]  # type: ignore[attr-defined]
        for parameter in command.params:
            option = parameter.opts[0] if parameter.opts else parameter.name
            if option not in ("--help",) and f"`{option}" not in text and f"`{parameter.name}" not in text.lower():
                missing.append(f"{name} {option}")
    assert missing == []


def test_every_command_has_an_example_to_paste() -> None:
    import typer

    group = typer.main.get_command(app)
    for name in _commands():
        command = group
        for word in name.split():
            command = command.commands[word]  # type: ignore[attr-defined]
        assert f"Example: gleanery {name.split()[0]}" in (command.help or ""), name


def test_every_setting_is_in_the_reference_with_its_default_and_meaning() -> None:
    text = _text("settings.md")
    for name, default, unit, meaning in reference():
        assert f"| `{name}` | `{default}` | {unit} | {meaning} |" in text, name


def test_every_reason_is_in_the_reference_in_its_own_words() -> None:
    text = _text("reasons.md")
    for reason in REASONS.values():
        assert f"| `{reason.code}` | {reason.stage} | {reason.sentence} |" in text, reason.code


def test_every_table_and_column_is_in_the_reference() -> None:
    text = _text("tables.md")
    for table in TABLES.values():
        assert f"## {table.name}\n" in text
        for column in table.columns:
            assert f"| `{column.name}` | {column.type} |" in text or f"| `{column.name}` | " in text, column.name


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
