"""The command line: `gleanery`. The only file of the product that prints.

In: arguments. Out: data on standard output; progress, notes and errors on standard error. Exit status 0 is success, 1 a
problem that the message explains, 2 wrong arguments.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from gleanery.records.errors import GleaneryError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Governed curation of source code into training shards, with proof for every file.",
)
optout_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The opt-out registry and its web form.")
export_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Write a release in other tools' formats.")
app.add_typer(optout_app, name="optout")
app.add_typer(export_app, name="export")

# Where nobody looks at it as it comes, a table may be as wide as its longest sentence.
out = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)

RunFolder = Annotated[Path, typer.Option("--run", help="Folder of a run, or of a release.")]
RegistryUrl = Annotated[
    str, typer.Option("--registry", help="SQLite file, or a database URL such as postgresql+psycopg://host/name.")
]

Scope = Annotated[str, typer.Option(help="What the rule is about: repo, owner or blob.")]


@app.command()
def run(
    settings: Annotated[Path, typer.Argument(help="Settings file, such as examples/demo.toml.")],
    folder: Annotated[Path, typer.Option("--out", help="Folder for the run; the same folder resumes it.")],
    engine: Annotated[str, typer.Option(help="Where to run: see `gleanery engines`.")] = "local",
    workers: Annotated[int, typer.Option(help="Worker processes; 0 is one for each core.")] = 0,
    retry: Annotated[bool, typer.Option(help="Read the sources again that could not be read.")] = False,
    refresh_optout: Annotated[bool, typer.Option(help="Take the opt-out registry as it is now.")] = False,
    quiet: Annotated[bool, typer.Option(help="No progress.")] = False,
) -> None:
    """Curate the sources of a settings file into a release.

    Example: gleanery run examples/demo.toml --out runs/demo
    """
    from gleanery.pipeline.run import curate
    from gleanery.pipeline.settings import load_settings

    loaded = load_settings(settings)
    with _progress(quiet) as listener:
        report = curate(loaded, folder, engine, workers or None, listener, retry, refresh_optout)
    if report.nothing_done:
        err.print(f"{folder} is complete: nothing to do.")
        err.print("[dim]hint:[/] change the settings, or give another --out; `gleanery summary` shows what is there")
        return
    _show_summary(folder, report)
    _show_next(folder)


@app.command()
def summary(folder: RunFolder) -> None:
    """Show what a run made of its sources.

    Example: gleanery summary --run runs/demo
    """
    _show_summary(folder, None)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="Folder of a release, such as runs/demo/release.")],
    expect: Annotated[str | None, typer.Option(help="The release_id that it must have, from another place.")] = None,
) -> None:
    """Check every byte of a release against its manifest.

    Example: gleanery verify runs/demo/release
    """
    from gleanery.release.verify import verify as check

    found = check(folder, expect)
    for problem in found.problems:
        out.print(problem.sentence)
    if found.problems:
        err.print(f"[red]not intact:[/] {len(found.problems)} of {found.files_checked} files")
        raise typer.Exit(1)
    out.print(f"intact: {found.files_checked:,} files, {found.bytes_checked:,} bytes, release {found.release_id}")


@app.command()
def explain(
    target: Annotated[str, typer.Argument(help="OWNER/REPO or OWNER/REPO:PATH.")],
    folder: RunFolder,
) -> None:
    """Tell in plain words what was decided about a file or a repository, why, and on what evidence.

    Example: gleanery explain pypi/requests:requests-2.32.3/setup.py --run runs/demo
    """
    from gleanery.release.explain import explain as tell

    for line in tell(folder, target):
        out.print(line)


@app.command()
def audit(
    question: Annotated[str | None, typer.Argument(help="Question; leave it out to list them.")] = None,
    folder: Annotated[Path | None, typer.Option("--run", help="Folder of a run, or of a release.")] = None,
    parameter: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE for the question.")] = None,
    form: Annotated[str, typer.Option("--format", help="table, csv, json or parquet.")] = "table",
    target: Annotated[Path | None, typer.Option("--output", help="File to write; needed for parquet.")] = None,
) -> None:
    """List the audit questions, or put one to a run or a release.

    Example: gleanery audit why_rejected --run runs/demo --set repo=pypi/requests --set path=setup.py
    """
    from gleanery.sql.questions import ask, questions, tables_of

    known = questions()
    if question is None:
        rows = tuple((q.name, ", ".join(p.name for p in q.parameters), q.title) for q in known.values())
        _draw("", ("question", "parameters", "what it answers"), rows)
        return
    if question not in known:
        raise _wrong(f"there is no question {question!r}", "`gleanery audit` lists them")
    if folder is None:
        raise _wrong("which run?", "give --run DIR")
    _answer(ask(known[question], tables_of(folder), _pairs(parameter or [])), form, target)


@app.command("settings")
def settings_command() -> None:
    """List every key of a settings file, with its default and meaning.

    Example: gleanery settings
    """
    from gleanery.pipeline.settings import reference

    _draw("", ("key", "default", "unit", "meaning"), tuple(reference()))


@app.command()
def engines(
    fetch: Annotated[bool, typer.Option("--fetch", help="Get the jars of the Spark runner with Maven.")] = False,
) -> None:
    """List the engines and whether they can run here.

    Example: gleanery engines --fetch
    """
    from gleanery.pipeline import spark
    from gleanery.pipeline.engine import PRESETS, REFUSED

    if fetch:
        err.print(f"jars are in {spark.fetch_jars()}")
    ready = {"local": None, "spark-local": spark.missing()}
    rows = [(name, "ready" if ready[name] is None else ready[name], what) for name, what in PRESETS.items()]
    rows += [(name, "refused", why) for name, why in REFUSED.items()]
    _draw("", ("engine", "here", "what it is"), tuple(rows))


@optout_app.command("serve")
def optout_serve(
    registry: RegistryUrl = "optout.sqlite",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8080,
    url: Annotated[str | None, typer.Option(help="Public address of the page, where a proxy stands before it.")] = None,
    host_of_forge: Annotated[
        list[str] | None, typer.Option("--forge", help="A further host that may be asked, as HOST or HOST:PORT.")
    ] = None,
    allow_local: Annotated[bool, typer.Option(help="Contact forges at private addresses, for tests.")] = False,
    dataset: Annotated[str, typer.Option(help="Name of the dataset, as it stands on the page.")] = "this dataset",
    contact: Annotated[str, typer.Option(help="How to reach a person: an address or a URL.")] = "",
    trusted_proxy: Annotated[
        list[str] | None, typer.Option(help="Address of a proxy whose X-Forwarded-For is believed.")
    ] = None,
) -> None:
    """Serve the page on which owners opt out.

    Example: gleanery optout serve --registry optout.sqlite --port 8080
    """
    from gleanery.optout.settings import WebSettings
    from gleanery.optout.web import serve

    values: dict[str, Any] = {"allow_local": allow_local, "dataset": dataset, "contact": contact}
    if host_of_forge:
        values["extra_hosts"] = tuple(host_of_forge)
    if trusted_proxy:
        values["trusted_proxies"] = tuple(trusted_proxy)
    if url:
        values["public_url"] = url
    serve(_registry_url(registry), host, port, WebSettings(**values))


@optout_app.command("block")
def optout_block(
    value: Annotated[str, typer.Argument(help="Such as https://host/owner/name, pypi/name, host/owner or a blob id.")],
    registry: RegistryUrl = "optout.sqlite",
    scope: Scope = "repo",
) -> None:
    """Block a repository, an owner or a content by hand, for a request that came another way.

    Example: gleanery optout block pypi/requests --registry optout.sqlite
    """
    _append_rule(scope, value, registry, "block")


@optout_app.command("unblock")
def optout_unblock(
    value: Annotated[str, typer.Argument(help="What the block named.")],
    registry: RegistryUrl = "optout.sqlite",
    scope: Scope = "repo",
) -> None:
    """Take a block back. The registry keeps both rules: it is append-only.

    Example: gleanery optout unblock pypi/requests --registry optout.sqlite
    """
    _append_rule(scope, value, registry, "unblock")


@optout_app.command("list")
def optout_list(registry: RegistryUrl = "optout.sqlite") -> None:
    """List the rules of the registry in their order.

    Example: gleanery optout list --registry optout.sqlite
    """
    rules = _open_registry(registry).rules()
    rows = tuple((r.seq, r.action, r.scope, r.value, r.request_id or "by hand") for r in rules)
    _draw("", ("seq", "action", "scope", "value", "request"), rows)


@optout_app.command("check")
def optout_check(registry: RegistryUrl = "optout.sqlite") -> None:
    """Check that nobody changed the registry's log.

    Example: gleanery optout check --registry optout.sqlite
    """
    _open_registry(registry).verify_log()
    out.print("intact")


@export_app.command("datatrove")
def export_datatrove(
    release: Annotated[Path, typer.Argument(help="Folder of a release.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write.")],
) -> None:
    """Write the tokens as datatrove's tokenised folder.

    Example: gleanery export datatrove runs/demo/release runs/demo-datatrove
    """
    from gleanery.shards.exports import to_datatrove

    to_datatrove(release, folder)
    err.print(f"written to {folder}")


@export_app.command("parquet")
def export_parquet(
    release: Annotated[Path, typer.Argument(help="Folder of a release.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write.")],
    context: Annotated[int, typer.Option(help="Tokens in a row.")] = 2048,
    fim_rate: Annotated[float, typer.Option(help="Share of documents with a fill-in-the-middle.")] = 0.5,
    seed: Annotated[int, typer.Option(help="Seed of all choices.")] = 0,
) -> None:
    """Write packed rows with fill-in-the-middle as Parquet, for trainers that read rows.

    Example: gleanery export parquet runs/demo/release runs/demo-rows --context 2048
    """
    from gleanery.shards.exports import fim_parquet

    fim_parquet(release, folder, context, fim_rate=fim_rate, seed=seed)
    err.print(f"written to {folder}")


def main() -> None:
    """Run the command line. Errors that people can act on are one line and a hint; others keep their trace."""
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
    try:
        app()
    except GleaneryError as error:
        err.print(f"[red]error:[/] {escape(error.message)}")
        if error.hint:
            err.print(f"[dim]hint:[/] {escape(error.hint)}")
        sys.exit(1)
    except KeyboardInterrupt:
        err.print("stopped; the same command resumes")
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[Any], None]]:
    """A bar for each stage on a terminal, a line for each stage elsewhere."""
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

    def listen(event: Any) -> None:
        if event.done == event.total and event.title not in said:
            said.add(event.title)
            note = "was done before" if event.skipped else f"{event.total} parts"
            err.print(f"{event.title:<22} {note}")

    return listen


def _show_summary(folder: Path, report: Any) -> None:
    from gleanery.pipeline.summary import summary as summarize

    for section in summarize(folder, report):
        _draw(section.title, section.columns, section.rows)


def _show_next(folder: Path) -> None:
    out.print("\nNext:")
    for command in (
        f"gleanery verify {folder}/release",
        f"gleanery explain pypi/requests --run {folder}" if "demo" in folder.name else f"gleanery audit --run {folder}",
        f"gleanery audit restricted_twins --run {folder}",
    ):
        out.print(f"  {command}")


def _draw(title: str, columns: tuple[str, ...], rows: tuple[tuple[Any, ...], ...]) -> None:
    table = Table(box=None, pad_edge=False, show_header=any(columns))
    for number, name in enumerate(columns):
        right = bool(rows) and any(columns) and all(isinstance(row[number], int | float) for row in rows)
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(_text(value)) for value in row))
    if title:
        out.print(f"\n{title}")
    out.print(table)


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None else str(value)


def _answer(table: Any, form: str, target: Path | None) -> None:
    from gleanery.sql import formats

    if form == "table":
        _draw("", tuple(table.column_names), tuple(tuple(row.values()) for row in table.to_pylist()))
    elif form == "parquet":
        if target is None:
            raise _wrong("parquet is not text", "give --output FILE")
        formats.write_parquet(table, target)
    elif form in ("csv", "json"):
        text = formats.to_csv(table) if form == "csv" else formats.to_json(table)
        if target is None:
            out.print(text, end="")
        else:
            target.write_text(text, "utf-8")
    else:
        raise _wrong(f"there is no format {form!r}", "choose table, csv, json or parquet")


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for name, equals, _ in pairs:
        if not equals:
            raise _wrong(f"--set {name} has no value", "write --set NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _wrong(message: str, hint: str) -> GleaneryError:
    from gleanery.records.errors import StopRun

    return StopRun(message, hint)


def _registry_url(given: str) -> str:
    return given if "://" in given else f"sqlite:///{Path(given).resolve()}"


def _open_registry(given: str, create: bool = False) -> Any:
    from gleanery.optout.registry import Registry

    return Registry.open(_registry_url(given), create=create)


def _append_rule(scope: str, value: str, registry: str, action: str) -> None:
    """Only a block may make a registry: a mistyped path would pass for one to which nobody objected."""
    opened = _open_registry(registry, create=action == "block")
    rule = opened.append_rule(scope=scope, value=value, action=action)
    out.print(f"rule {rule.seq}: {rule.action} {rule.value}; it acts from the next run on")


if __name__ == "__main__":
    main()
