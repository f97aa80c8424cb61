"""The audit questions, and how to put them to a run or a release.

In: a folder (`tables_of`), a question (`questions`) and its arguments. Out: an Arrow table, always in the same order.
Reading all heads takes about 5 ms; an answer costs one scan of the columns that its query names.

    question = questions()["why_rejected"]
    ask(question, tables_of(run), {"repo": "octo/app", "path": "src/main.py"})
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import pyarrow as pa

from gleanery.sql.database import Database
from gleanery.sql.folders import tables_of
from gleanery.sql.header import Parameter, Question, parse

__all__ = ["Database", "Parameter", "Question", "ask", "questions", "tables_of"]


def questions() -> dict[str, Question]:
    """Every packaged question by name, in the order of the names."""
    return {question.name: question for question in _packaged()}


def ask(question: Question, tables: Mapping[str, Sequence[Path]], arguments: Mapping[str, str]) -> pa.Table:
    """The rows of the answer. Raises StopRun for a missing table, a missing argument or one of the wrong form."""
    with Database(tables) as database:
        return database.ask(question, arguments)


@cache
def _packaged() -> tuple[Question, ...]:
    folder = resources.files("gleanery.sql")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple(parse(name.removesuffix(".sql"), (folder / name).read_text("utf-8")) for name in names)
