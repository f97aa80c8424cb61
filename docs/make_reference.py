"""Write the pages of docs/reference/ that are made from the code: settings, reasons, tables and commands.

python docs/make_reference.py
"""

from pathlib import Path
from typing import Any

import typer

from gleanery.pipeline.cli import app
from gleanery.pipeline.settings import reference
from gleanery.records.reasons import REASONS
from gleanery.records.tables import TABLES

FOLDER = Path(__file__).parent / "reference"


def settings_page() -> str:
    """Every key."""
    lines = [
        "# Settings",
        "",
        "A run reads one TOML file, such as `examples/demo.toml`. Every key has a default; only `[[source]]` must be",
        "there. A key that does not exist is an error that names the nearest one. Keys of `[run]` change nothing that",
        "is released, but `run.part_bytes` its order: documents are numbered part by part.",
        "",
        "| key | default | unit | meaning |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{name}` | `{default}` | {unit} | {meaning} |" for name, default, unit, meaning in reference()]
    return "\n".join(lines) + "\n"


def reasons_page() -> str:
    """Every reason code."""
    lines = [
        "# Reasons",
        "",
        "Every file has exactly one row in the table `decisions`, with one of these codes. The first rule that speaks",
        "decides: what the crawl could not read, then the owner's wish, then licence, then quality, then",
        "benchmarks, then duplicates.",
        "",
        "| code | stage | what it means |",
        "|---|---|---|",
    ]
    lines += [f"| `{r.code}` | {r.stage} | {r.sentence} |" for r in REASONS.values()]
    return "\n".join(lines) + "\n"


def tables_page() -> str:
    """Every table and column."""
    lines = [
        "# Tables",
        "",
        "All tables are Parquet, compressed with zstd, sorted by their key; the same input gives the same bytes. They",
        "stand in `RUN/tables/TABLE/`, and those that a release carries in `RELEASE/tables/TABLE/`, where files have",
        "other names. Read all files of a folder: the names say nothing about the rows.",
    ]
    for table in TABLES.values():
        lines += ["", f"## {table.name}", "", f"One row is {table.row}. Key: {', '.join(table.key)}.", ""]
        lines += ["| column | type | meaning |", "|---|---|---|"]
        for column in table.columns:
            kind = "list of struct" if "struct" in str(column.type) else str(column.type).replace("element: ", "")
            lines.append(f"| `{column.name}` | {kind}{', may be null' if column.null else ''} | {column.meaning} |")
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """Every command with its options."""
    lines = ["# Commands", "", "Data goes to standard output; progress, notes and errors go to standard error."]
    lines += ["Exit status: 0 success, 1 a problem that the message explains, 2 wrong arguments."]
    group = typer.main.get_command(app)
    for name, command in _commands(group, ""):
        words = [line.strip() for line in (command.help or "").splitlines()]
        example = [line.removeprefix("Example: ") for line in words if line.startswith("Example: ")]
        said = [line for line in words if line and not line.startswith("Example: ")]
        lines += ["", f"## gleanery {name}", "", *said, "", "```", *example, "```", ""]
        lines += ["| argument | default | meaning |", "|---|---|---|"]
        for one in command.params:
            option = f"`{one.opts[0]}`" if one.opts and one.opts[0].startswith("-") else f"`{str(one.name).upper()}`"
            default = "needed" if one.required else str(one.default if one.default not in (None, "") else "none")
            lines.append(f"| {option} | {default} | {getattr(one, 'help', None) or ''} |")
    return "\n".join(lines) + "\n"


def _commands(group: Any, prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found += _commands(command, f"{prefix}{name} ")
        else:
            found.append((f"{prefix}{name}", command))
    return found


if __name__ == "__main__":
    for name, page in (
        ("settings", settings_page()),
        ("reasons", reasons_page()),
        ("tables", tables_page()),
        ("commands", commands_page()),
    ):
        (FOLDER / f"{name}.md").write_text(page, "utf-8")
