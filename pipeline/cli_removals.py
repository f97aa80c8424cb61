"""The commands `gleanery removals`: what must not be trained on any more, and what a training run has seen.

In: a release and a removal list. Out: entries and sightings on standard output. Exit status as in `cli.py`.
"""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gleanery.pipeline.screen import draw, draw_answer, err, wrong
from gleanery.records.local_paths import local_path
from gleanery.release.wording import number

if TYPE_CHECKING:
    from gleanery.shards.removals import Entry

_HELP = """Take documents out of a finished release, and tell which training steps saw them.

Example: gleanery removals add runs/demo/release --repo npm/rxjs --list removals.jsonl
"""
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=_HELP)

FILE = "OWNER/REPO:PATH, or a file_id."
NewList = Annotated[
    Path, typer.Option("--list", parser=local_path, help="The removal list; it is made if there is none.")
]
ListFile = Annotated[Path, typer.Option("--list", parser=local_path, help="The removal list.")]
Release = Annotated[Path, typer.Argument(parser=local_path, help="Folder of a release.")]
Days = Annotated[
    int, typer.Option(min=0, max=36_500, help="Days for which the list is good from today on; 0 is for ever.")
]
Rows = Annotated[int, typer.Option("--rows", min=1, help="Rows in each step: world × batch.")]
# What a training was opened with decides what it saw: each has to be as it was there.
Context = Annotated[int, typer.Option(help="Tokens in a row, as in the training.")]
Seed = Annotated[int, typer.Option(help="Seed, as in the training.")]
FimRate = Annotated[float, typer.Option(help="Share of pieces with a fill-in-the-middle, as in the training.")]
SpmRate = Annotated[float, typer.Option(help="Share of those with the suffix first, as in the training.")]
RepoRate = Annotated[float, typer.Option(help="Share of repositories with any such piece, as in the training.")]
LineRate = Annotated[float, typer.Option(help="Share of such pieces cut at lines, as in the training.")]
SyntaxRate = Annotated[float, typer.Option(help="Share of such pieces cut at syntax nodes, as in the training.")]
Unit = Annotated[str, typer.Option(help="What stood together: file or repository.")]
Legs = Annotated[
    list[str] | None,
    typer.Option(
        "--leg",
        help="STEP:ROWS, or STEP:ROWS:REMOVED (see `removed` of a state), for each step from which these were others.",
    ),
]
StateFile = Annotated[
    Path | None,
    typer.Option(
        "--state", parser=local_path, help="A state that the training saved, as JSON: the answer is checked by it."
    ),
]
_SEEN = {True: "yes", False: "no, masked", None: "unknown"}
Masked = Annotated[
    Path | None, typer.Option("--list", parser=local_path, help="The removal list that the training masked.")
]


@app.command("add")
def add(
    release: Release,
    files: Annotated[list[str] | None, typer.Option("--file", help=FILE)] = None,
    repositories: Annotated[
        list[str] | None, typer.Option("--repo", help="A repository: OWNER/REPO, an alias, its URL or its repo_id.")
    ] = None,
    registry: Annotated[str | None, typer.Option(help="Opt-out registry: remove all that its rules cover.")] = None,
    reason: Annotated[str, typer.Option(help="opt_out, licence, personal_data or other.")] = "opt_out",
    valid_days: Days = 90,
    path: NewList = Path("removals.jsonl"),
) -> None:
    """Append files, repositories, or all that a registry covers to the removal list, and make it good for longer.

    Example: gleanery removals add runs/demo/release --registry optout.sqlite --list removals.jsonl
    """
    from gleanery.pipeline.removals import wishes
    from gleanery.shards.removals import REASONS, Wish, append, read_list

    if not (files or repositories or registry):
        raise wrong("nothing is named that shall be removed", "give --file, --repo or --registry")
    if reason not in REASONS:
        raise wrong(f"there is no reason {reason!r}", f"choose {', '.join(REASONS)}")
    latest = 0
    if registry and path.exists():
        append(path, (), None)  # cuts off what a kill left half written
        latest = read_list(path).registry
    found, until = wishes(release, files or [], repositories or [], registry, reason, latest), _until(valid_days)
    new = append(path, found, until)
    if new:
        _draw_entries(new, release)
    err.print(f"{number(len(new), 'entry', 'entries')} written to {path}; {len(found) - len(new)} were there already")
    # Nothing new is an answer too: who asks every night has the list as good as the registry is.
    listed = read_list(path)
    if not new and not (listed.entries and listed.valid_until == until):
        append(path, [Wish("renew", "", "other")], until)
    err.print(f"{path} is good until {until or 'for ever'}")


@app.command("renew")
def renew(valid_days: Days = 90, path: ListFile = Path("removals.jsonl")) -> None:
    """Make the list good for longer.

    Example: gleanery removals renew --valid-days 90
    """
    from gleanery.shards.removals import Wish, append, read_list

    read_list(path)
    (entry,) = append(path, [Wish("renew", "", "other")], _until(valid_days))
    err.print(f"{path} is good until {entry.valid_until or 'for ever'}")


@app.command("show")
def show(
    path: ListFile = Path("removals.jsonl"),
    release: Annotated[
        Path | None, typer.Option(parser=local_path, help="Folder of a release, to see what is taken out of it.")
    ] = None,
) -> None:
    """Check the list and show its entries; given a release, also what each of them takes out of it.

    Example: gleanery removals show --list removals.jsonl --release runs/demo/release
    """
    from gleanery.shards.removals import read_list

    _draw_entries(read_list(path).entries, release)


def _draw_entries(entries: "Sequence[Entry]", release: Path | None) -> None:
    from gleanery.pipeline.removals import Effect, effects

    columns = ("position", "scope", "id", "reason", "registry", "valid until")
    rows = [(e.position, e.scope, e.id, e.reason, e.registry, e.valid_until) for e in entries]
    if release is None:
        draw("", columns, tuple(rows))
        return
    found = effects(release, entries)
    told = [found[e.scope, e.id] for e in entries]
    draw_answer("", (*columns, *Effect._fields), tuple((*row, *one) for row, one in zip(rows, told, strict=True)))


@app.command("trace")
def trace(
    release: Release,
    step: Annotated[int, typer.Option(min=0, help="Step of the training, from 0.")],
    position: Annotated[int, typer.Option(help="Position in the row.")],
    row: Annotated[int, typer.Option(help="Row in the step, counted through all ranks.")] = 0,
    rows: Rows = 8,
    context: Context = 2048,
    seed: Seed = 0,
    fim_rate: FimRate = 0.5,
    spm_rate: SpmRate = 0.5,
    repo_rate: RepoRate = 1.0,
    line_rate: LineRate = 0.0,
    syntax_rate: SyntaxRate = 0.0,
    unit: Unit = "file",
    masked: Masked = None,
    leg: Legs = None,
    state: StateFile = None,
) -> None:
    """Tell which bytes of which file stood at a place of a training step.

    Example: gleanery removals trace runs/demo/release --step 12 --row 3 --position 100 --rows 8 --state state.json
    """
    from gleanery.pipeline.trainings import opened
    from gleanery.shards.lineage import trace as find

    about = _settings(context, seed, unit, fim_rate, spm_rate, repo_rate, line_rate, syntax_rate)
    loader, legs = opened(release, rows, leg or [], masked, state, about, step + 1)
    _say_unchecked(state)
    try:
        found = find(loader, step, row, position, legs)
    except IndexError:
        raise wrong("there is no such place in a step", "row is under --rows, position under --context") from None
    if found is None:
        raise wrong("nothing stands there: it is padding", "ask for another position")
    row_of = (found.file_id, found.repo, found.path, found.begin, found.end, _SEEN[found.seen])
    draw("", ("file_id", "repo", "path", "begin", "end", "seen"), (row_of,))
    _say_unknown(found.seen is None)


@app.command("exposure")
def exposure(
    release: Release,
    file: Annotated[str, typer.Option("--file", help=FILE)],
    steps: Annotated[int, typer.Option(min=1, help="Steps that were trained.")],
    rows: Rows = 8,
    context: Context = 2048,
    seed: Seed = 0,
    fim_rate: FimRate = 0.5,
    spm_rate: SpmRate = 0.5,
    repo_rate: RepoRate = 1.0,
    line_rate: LineRate = 0.0,
    syntax_rate: SyntaxRate = 0.0,
    unit: Unit = "file",
    masked: Masked = None,
    leg: Legs = None,
    state: StateFile = None,
) -> None:
    """List the steps of a training that saw a file.

    Example: gleanery removals exposure runs/demo/release --file npm/rxjs:src/index.ts --steps 1000 --state state.json
    """
    from gleanery.pipeline.removals import file_id_of
    from gleanery.pipeline.trainings import opened
    from gleanery.shards.lineage import exposure as find

    file_id = file_id_of(release, file)
    about = _settings(context, seed, unit, fim_rate, spm_rate, repo_rate, line_rate, syntax_rate)
    loader, legs = opened(release, rows, leg or [], masked, state, about, steps)
    _say_unchecked(state)
    found = tuple((s.step, s.row, s.begin, s.end, _SEEN[s.seen]) for s in find(loader, file_id, steps, legs))
    draw("", ("step", "row", "begin", "end", "seen"), found)
    _say_unknown(any(row[-1] == _SEEN[None] for row in found))
    if not found:
        err.print(f"none of the first {number(steps, 'step')} saw it")


def _settings(*values: float | str) -> dict[str, float | str]:
    """What a training was opened with, by the loader's names."""
    names = ("context", "seed", "unit", "fim_rate", "spm_rate", "repo_rate", "line_rate", "syntax_rate")
    return dict(zip(names, values, strict=True))


def _say_unchecked(state: Path | None) -> None:
    if state is None:
        err.print("not checked: true only if every option is as in the training; --state with a saved state checks it")


def _say_unknown(unknown: bool) -> None:
    if unknown:
        err.print(
            "unknown: the file is on the removal list, and such a step saw it unless it was masked by then; "
            "--leg STEP:ROWS:REMOVED says how much of the list it honoured from a step on, as `removed` of a state does"
        )


def _until(days: int) -> datetime.date | None:
    return datetime.date.today() + datetime.timedelta(days=days) if days else None
