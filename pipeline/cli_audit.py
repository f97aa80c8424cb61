"""The command `gleanery audit`: questions to a run or a release, and their answers in four forms.

In: a question, its parameters and a folder. Out: the answer on standard output or in a file; notes on standard error.
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from gleanery.pipeline.screen import draw, draw_answer, err, say_of_release, write, wrong
from gleanery.records.local_paths import local_path
from gleanery.release.wording import number


def audit(
    question: Annotated[str | None, typer.Argument(help="Question; leave it out to list them.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--run", parser=local_path, help="Folder of a run, or of a release.")
    ] = None,
    parameter: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE for the question.")] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="table, csv, json or parquet; else by the ending of --output, or table."),
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--output", parser=local_path, help="File to write; needed for parquet.")
    ] = None,
    before: Annotated[
        Path | None, typer.Option("--before", parser=local_path, help="An earlier run, for `changes`.")
    ] = None,
) -> None:
    """List the audit questions, or put one to a run or a release. Rows where none may be are exit status 1.

    Example: gleanery audit why_rejected --run runs/demo --set repo=pypi/requests --set path=setup.py
    """
    from gleanery.sql.questions import ask, questions, tables_of

    known = questions()
    if question is None:
        rows = tuple((q.name, ", ".join(p.name for p in q.parameters), q.title) for q in known.values())
        draw("", ("question", "parameters", "what it answers"), rows)
        return
    if question not in known:
        near = "".join(f"did you mean {name}? " for name in get_close_matches(question, known, 1))
        raise wrong(f"there is no question {question!r}", f"{near}`gleanery audit` lists them")
    if folder is None:
        raise wrong("which run?", "give --run DIR")
    form = _form(form, target)
    say_of_release(folder)
    asked, answer = known[question], ask(known[question], tables_of(folder, before), _pairs(parameter or []))
    _answer(answer, form, target)
    if not answer.num_rows:
        err.print("no rows, as it must be" if asked.must_be_empty else "no rows")
    elif asked.must_be_empty:
        err.print(Text.assemble(("not empty:", "red"), f" {number(answer.num_rows, 'row')}; {asked.bad_result}"))
        raise typer.Exit(1)


_FORMS = ("table", "csv", "json", "parquet")


def _form(given: str | None, target: Path | None) -> str:
    """The form of an answer: as given, or as the file is named."""
    if given is not None and given not in _FORMS:
        raise wrong(f"there is no format {given!r}", f"choose {', '.join(_FORMS)}")
    if target is None:
        if given == "parquet":
            raise wrong("parquet is not text", "give --output FILE")
        return given or "table"
    form = given or target.suffix.lower().removeprefix(".")
    if form not in _FORMS[1:]:
        raise wrong(f"{target} cannot be written as a table", "give --format csv, json or parquet, or such an ending")
    return form


def _answer(table: Any, form: str, target: Path | None) -> None:
    from gleanery.sql import formats

    if form == "table":
        draw_answer("", tuple(table.column_names), tuple(tuple(row.values()) for row in table.to_pylist()))
    elif form == "parquet" and target is not None:
        formats.write_parquet(table, target)
    else:
        text = formats.to_csv(table) if form == "csv" else formats.to_json(table)
        if target is None:
            write(text)
        else:
            target.write_text(text, "utf-8")


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for name, equals, _ in pairs:
        if not equals:
            raise wrong(f"--set {name} has no value", "write --set NAME=VALUE")
    given = [name for name, _, _ in pairs]
    if twice := sorted({name for name in given if given.count(name) > 1}):
        raise wrong(f"--set {twice[0]} is given twice", "give each parameter once")
    return {name: value for name, _, value in pairs}
