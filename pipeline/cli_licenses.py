"""The command `gleanery licenses`: a repository as a tree, a run as a page, and what people should look at.

In: a run or a release. Out: a tree or JSON on standard output; a page or a review queue as a file.
"""

import csv
import io
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text
from rich.tree import Tree

from gleanery.pipeline.screen import draw, draw_answer, err, out, say_of_release, write, wrong
from gleanery.records.errors import StopRun
from gleanery.records.local_paths import local_path
from gleanery.release.wording import number


def licenses(
    repository: Annotated[
        str | None,
        typer.Argument(metavar="REPO", help="OWNER/REPO, an alias or a URL; leave it out for the whole run."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--run", parser=local_path, help="Folder of a run, or of a release.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="tree or json.")] = "tree",
    page: Annotated[
        Path | None,
        typer.Option("--page", "--html", parser=local_path, help="HTML file to write about the whole run."),
    ] = None,
    queue: Annotated[
        Path | None,
        typer.Option("--queue", parser=local_path, help="Write the review queue to this CSV file, to be filled in."),
    ] = None,
) -> None:
    """Draw the licences of a repository, folder by folder, with what contradicts them; or report on a whole run.

    Example: gleanery licenses pypi/requests --run runs/demo
    """
    if folder is None:
        raise wrong("which run?", "give --run DIR")
    if form not in ("tree", "json"):
        raise wrong(f"there is no format {form!r}", "choose tree or json")
    say_of_release(folder)
    if repository is not None:
        _draw_repository(folder, repository, form)
    if page is not None or queue is not None:
        _write(folder, page, queue)
    elif repository is None:
        _draw_run(folder, form)


def _draw_repository(folder: Path, repository: str, form: str) -> None:
    from gleanery.release.license_tree import license_trees

    found = license_trees(folder, repository)
    if form == "json":
        write(json.dumps([one.plain() for one in found], indent=1, ensure_ascii=False) + "\n")
        return
    names = [one.repository for one in found]
    for one in found:
        out.print(_tree(one, names.count(one.repository) > 1))


def _tree(found: Any, is_one_of_several: bool) -> Tree:
    from gleanery.release.wording import shown

    name = shown(found.repository) + (f" ({shown(found.url)})" if is_one_of_several else "")
    root = Tree(Text(f"{name}  {number(found.files, 'file')} read, {found.kept:,} kept", "bold"))
    branches = {"": root}
    for place in found.places:
        above = place.folder
        while above not in branches:
            above = above.rpartition("/")[0]
        branch = branches[above]
        if place.folder:
            name = place.folder.removeprefix(above).lstrip("/")
            branch = branches[place.folder] = branch.add(Text(f"{shown(name)}/", "bold"))
        for statement in sorted(place.statements, key=lambda s: (-s.files, s.words())):
            leaf = branch.add(Text(statement.words(), _colour(statement)))
            if (contradiction := statement.contradiction()) is not None:
                leaf.add(Text(contradiction, "yellow"))
    return root


def _colour(statement: Any) -> str:
    if statement.kept == statement.files:
        return "green"
    return "red" if not statement.kept else ""


def _draw_run(folder: Path, form: str) -> None:
    from gleanery.release.license_report import QUEUE_COLUMNS, review_rows, totals

    rows, waiting = totals(folder), review_rows(folder)
    if form == "json":
        write(json.dumps({"licenses": rows, "review": waiting}, indent=1, ensure_ascii=False) + "\n")
        return
    columns = ("license", "files", "kept", "repositories", "bytes", "tokens")
    rows = [row | {"license": row["license"] or "nothing"} for row in rows]  # as the page says it
    draw("Licences", columns, tuple(tuple(row[name] for name in columns) for row in rows[:20]))
    shown = ("rank", *QUEUE_COLUMNS)
    draw_answer("To look at", shown, tuple(tuple(row[name] for name in shown) for row in waiting[:20]))


def _write(folder: Path, page: Path | None, queue: Path | None) -> None:
    from gleanery.licensing.policy import Policy
    from gleanery.records.files import write_bytes
    from gleanery.release.license_report import review_queue, write_page

    if page is not None:
        write_page(folder, page, Policy.load().category)
        err.print(f"written to {page}")
    if queue is not None:
        rows = review_queue(folder)
        _refuse_decisions(queue, rows)
        write_bytes(queue, rows.encode())
        err.print(f"written to {queue}; fill in the empty columns and name it in licensing.overrides")


def _refuse_decisions(queue: Path, rows: str) -> None:
    """Raises StopRun for a file that is there, but for a queue with the columns of `rows` in which nobody wrote."""
    from gleanery.licensing.override_file import DECISION

    if not queue.exists():
        return
    try:
        text = queue.read_bytes().decode("utf-8-sig")
        first = text.partition("\n")[0]
        found = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") else ",", strict=True)
        is_queue = found.fieldnames == rows.partition("\n")[0].split(",")
        decided = sum(any((row[name] or "").strip() for name in DECISION) for row in found) if is_queue else 0
    except (UnicodeDecodeError, csv.Error):
        is_queue, decided = False, 0
    if decided or not is_queue:
        what = f"holds {number(decided, 'row')} with decisions" if decided else "is there, and is no open review queue"
        raise StopRun(
            f"the file {queue} {what}; it is left as it is",
            "write the queue to another file; of two files of decisions, put the rows into the one in the settings",
        )
