"""The room as the reference draws it: each module in its place, and conclusions without the detector."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def imported(module: str) -> set[str]:
    """The modules of the room that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / f"licensing/{module}.py").read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gleanery.licensing"):
            within = (node.module or "").removeprefix("gleanery.licensing").strip(".")
            found |= {within} if within else {name.name for name in node.names}
    return found


def room() -> list[str]:
    """The modules of the room in the order of the reference's table."""
    text = (
        (ROOT / "docs/reference/licensing.md").read_text("utf-8").partition("\n## The room\n")[2].partition("\n## ")[0]
    )
    return [name for row in re.findall(r"(?m)^\| .*\|$", text) for name in re.findall(r"`([a-z_]+)`", row)]


def test_the_reference_names_every_module_once() -> None:
    there = sorted(p.stem for p in (ROOT / "licensing").glob("*.py") if p.stem != "__init__")
    assert sorted(room()) == there, "write a new module into the table of docs/reference/licensing.md, The room"


def test_no_module_imports_one_that_stands_behind_it() -> None:
    order = {name: at for at, name in enumerate(room())}
    behind = [(m, other) for m in order for other in imported(m) if order.get(other, -1) > order[m]]
    assert behind == []


def test_conclusions_and_judgements_need_no_detector() -> None:
    reached, ahead = set[str](), ["conclude", "overrides"]
    while ahead:
        module = ahead.pop()
        if module not in reached:
            reached.add(module)
            ahead += imported(module)
    assert {"index", "scan", "matches"}.isdisjoint(reached)
