"""The reference is complete: each command, setting, reason code, table and audit question stands in it."""

import importlib.util
import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from gleanery.pipeline.cli import app
from gleanery.pipeline.engine import PRESETS, REFUSED
from gleanery.shards.finishing import finish
from gleanery.shards.removals import Wish, append
from gleanery.shards.tokenizer import Tokenizer
from gleanery.shards.writing import write_part
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


def test_the_examples_for_trainers_run_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a small release; those for torch only where it is installed."""
    golden = Path(__file__).parent / "golden" / "shards"
    tokenizer = Tokenizer.load((golden / "tokenizer.json").read_bytes())
    texts = json.loads((golden / "texts.json").read_text("utf-8"))
    names = ("repo_id", "repo", "path", "blob_id", "license", "language")
    rows = [dict.fromkeys(names, "x") | {"file_id": f"{n:032x}", "text": text} for n, text in enumerate(texts * 200)]
    release = tmp_path / "runs/demo/release"
    write_part(release, 0, 1, rows, tokenizer)
    finish(release, 1, tokenizer)
    append(tmp_path / "removals.jsonl", [Wish("file", rows[3]["file_id"], "opt_out")], None)
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {"file_id": rows[5]["file_id"], "rank": 0, "world": 1}
    blocks = re.findall(r"```python\n(.*?)```", _text("shards.md"), re.DOTALL)
    assert len(blocks) >= 5
    for block in blocks:
        if "torch" not in block or importlib.util.find_spec("torch"):
            exec(compile(block, "shards.md", "exec"), known)
