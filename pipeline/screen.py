"""What the command line shows: tables on standard output, progress and notes on standard error.

In: rows, events of a run. Out: text on the two streams; nothing else of the product prints. Costs nothing to speak of.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from gleanery.records.errors import WrongArguments
from gleanery.records.step_notes import has_release_of_before
from gleanery.records.withdrawal import WHY, is_withdrawn
from gleanery.release.wording import number

# Without markup: what stands in brackets is part of a path, and is shown as it is.
# Where nobody looks at it as it comes, a table may be as wide as its longest sentence.
out = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False, emoji=False)
# A table of fewer columns is readable with cells of several lines.
LEAST_COLUMNS = 7
QUIET_SECONDS = 60  # the longest silence of a step that goes on, where progress is lines
YEAR_10000 = 253_402_300_800
err = Console(stderr=True, highlight=False, markup=False, emoji=False)


def say_of_release(folder: Path) -> None:
    """Tell who asks a run or a release, before any answer, that its release is withdrawn, or of an earlier run."""
    for place in (folder, folder / "release"):
        if is_withdrawn(place):
            err.print(f"note: the release in {place} is withdrawn: {WHY}", soft_wrap=True)
    if has_release_of_before(folder):
        err.print(
            f"note: {folder}/release is of an earlier run than the tables beside it: a run was stopped, or goes on; "
            f"--run {folder}/release asks the release",
            soft_wrap=True,
        )


def write(text: str) -> None:
    """A text for other programs, as it is: not fitted to any width."""
    out.file.write(text)


def draw_answer(title: str, columns: tuple[str, ...], rows: tuple[tuple[Any, ...], ...]) -> None:
    """A table as wide as it has to be; each row as lines of its own where that is wider than the screen."""
    rows = tuple(tuple(_dated(*cell) for cell in zip(columns, row, strict=True)) for row in rows)
    widths = [max(cell_len(_text(value)) for value in column) for column in zip(columns, *rows, strict=True)]
    if sum(widths) + 2 * len(widths) <= out.width or len(columns) < LEAST_COLUMNS:
        draw(title, columns, rows)
        return
    if title:
        out.print(f"\n{title}")
    name_width = max(len(name) for name in columns)
    for count, row in enumerate(rows, 1):
        out.print(f"row {count:,}")
        for name, value in zip(columns, row, strict=True):
            if _text(value):
                out.print(f"  {name:<{name_width}}  {_text(value)}", soft_wrap=True)


def _dated(name: str, value: Any) -> Any:
    """A time as people read it: the columns `..._at` hold Unix seconds."""
    if not name.endswith("_at") or not isinstance(value, int) or not 0 <= value < YEAR_10000:
        return value
    return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S")


def draw(title: str, columns: tuple[str, ...], rows: tuple[tuple[Any, ...], ...]) -> None:
    """A table under its title; numbers stand to the right, with separators."""
    table = Table(box=None, pad_edge=False, show_header=any(columns))
    for place, name in enumerate(columns):
        right = bool(rows) and any(columns) and all(isinstance(row[place], int | float) for row in rows)
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_text, row))
    if title:
        out.print(f"\n{title}")
    out.print(table)


def _text(value: Any) -> str:
    """A value for a person: nothing in it can steer the terminal."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float):
        return str(round(value, 4))
    text = "; ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return "".join(c if c.isprintable() or c == "\n" else "·" for c in text)


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[Any], None]]:
    """A bar for each stage on a terminal; elsewhere a line for each step, and each minute of a long one."""
    if quiet:
        yield lambda _: None
        return
    if not err.is_terminal:
        yield _plain_progress()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=err) as bars:
        bar: dict[str, TaskID] = {}
        steps: dict[str, dict[str, tuple[int, int]]] = {}

        def listen(event: Any) -> None:
            # A stage has several steps, of which the later ones are not known yet: its bar grows with each.
            steps.setdefault(event.stage, {})[event.title] = (event.done, event.total)
            if event.stage not in bar:
                bar[event.stage] = bars.add_task("", total=None)
            done, total = (sum(numbers) for numbers in zip(*steps[event.stage].values(), strict=True))
            number, step = event.title[:6], event.title[8:]
            note = "was done before" if event.skipped else step if step != event.stage else ""
            bars.update(
                bar[event.stage], description=f"{number} {event.stage:<9}{note:<16}", completed=done, total=total
            )

        yield listen


def _plain_progress() -> Callable[[Any], None]:
    said: set[str] = set()
    start = last = time.monotonic()

    def listen(event: Any) -> None:
        nonlocal last
        now, ended = time.monotonic(), event.done == event.total
        if event.title in said or not ended and now - last < QUIET_SECONDS:
            return
        if ended:
            said.add(event.title)
            note = "was done before" if event.skipped else number(event.total, "part")
        else:
            note = f"{event.done:,} of {number(event.total, 'part')}"
        took, last = round(now - start), now
        err.print(f"{event.title:<22} {note:<16} {took // 60:>3}:{took % 60:02} since the start")

    return listen


def wrong(message: str, hint: str) -> WrongArguments:
    """The error for arguments that cannot be followed."""
    return WrongArguments(message, hint)
