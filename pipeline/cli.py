"""The command line: `gleanery`. Groups of commands stand in the files `cli_NAME.py`.

In: arguments. Out: data on standard output; progress, notes and errors on standard error. Exit status 0 is success, 1 a
problem that the message explains, 2 wrong arguments.
"""

import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from multiprocessing.util import Finalize
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, NoReturn

import typer
from rich.text import Text

from gleanery.pipeline import cli_audit, cli_duplicates, cli_export, cli_licenses, cli_optout, cli_removals, cli_rows
from gleanery.pipeline.screen import draw, err, out, progress, say_of_release, wrong
from gleanery.records.errors import GleaneryError, WrongArguments, of_system
from gleanery.records.local_paths import local_path
from gleanery.release.wording import number

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Governed curation of source code into training shards, with proof for every file.",
)
app.add_typer(cli_optout.app, name="optout")
app.add_typer(cli_export.app, name="export")
app.command("licenses")(cli_licenses.licenses)
app.command()(cli_audit.audit)
app.command()(cli_duplicates.duplicates)
app.command()(cli_rows.rows)
app.add_typer(cli_removals.app, name="removals")


def _say_version(wanted: bool) -> None:
    if wanted:
        out.print(f"gleanery {version('gleanery')}")
        raise typer.Exit


@app.callback()
def gleanery(
    _: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """All commands; the help of the application says what they are for."""


RunFolder = Annotated[Path, typer.Option("--run", parser=local_path, help="Folder of a run, or of a release.")]


@app.command()
def run(
    settings: Annotated[Path, typer.Argument(parser=local_path, help="Settings file, such as examples/demo.toml.")],
    folder: Annotated[
        Path, typer.Option("--out", parser=local_path, help="Folder for the run; the same folder resumes it.")
    ],
    engine: Annotated[str, typer.Option(help="Where to run: local, or another one of `gleanery engines`.")] = "local",
    workers: Annotated[
        int, typer.Option(min=0, help="Workers on each machine; 0 is one for each core they may use.")
    ] = 0,
    retry: Annotated[bool, typer.Option(help="Read the sources again that could not be read.")] = False,
    recrawl: Annotated[bool, typer.Option(help="Read all sources again: branches may have moved on.")] = False,
    refresh_optout: Annotated[
        bool, typer.Option(help="Take the opt-out registry as it is now, even if it lost rules.")
    ] = False,
    bucket: Annotated[
        str, typer.Option(help="Where machines that share no disk hand files to each other, such as s3://NAME/PLACE.")
    ] = "",
    quiet: Annotated[bool, typer.Option(help="No progress.")] = False,
) -> None:
    """Curate the sources of a settings file into a release.

    Example: gleanery run examples/demo.toml --out runs/demo
    """
    try:
        from gleanery.pipeline.parents import fork_clean_parent
        from gleanery.pipeline.settings import load_settings

        loaded = load_settings(settings)
        _keep_together()
        fork_clean_parent()
        from gleanery.pipeline.run import curate  # with the engine, and its threads

        with progress(quiet) as listener:
            report = curate(loaded, folder, engine, workers or None, listener, retry, refresh_optout, recrawl, bucket)
    except BaseException as error:
        if not (isinstance(error, KeyboardInterrupt) or _stopped):
            raise
        err.print("stopped; the same command resumes")
        raise typer.Exit(130) from None
    for remark in report.remarks:
        err.print(f"note: {remark}")
    if report.nothing_done:
        err.print(f"{folder} is complete: nothing to do.")
        _say_unread(folder, report)
        _hint("--recrawl looks whether the sources have changed; `gleanery summary` shows what is there")
        return
    _show_summary(folder, report)
    _say_unread(folder, report)
    _show_next(folder, loaded.path(loaded.run.previous) if loaded.run.previous else None)


@app.command()
def summary(
    folder: Annotated[Path | None, typer.Argument(parser=local_path, help="The same as --run.")] = None,
    named: Annotated[
        Path | None, typer.Option("--run", parser=local_path, help="Folder of a run, or of a release.")
    ] = None,
) -> None:
    """Show what a run made of its sources.

    Example: gleanery summary --run runs/demo
    """
    if (found := folder or named) is None:
        raise wrong("which run?", "give --run DIR")
    say_of_release(found)
    _show_summary(found, None)


@app.command()
def trim(
    folder: Annotated[Path, typer.Argument(parser=local_path, help="Folder of a finished run.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much room it would make.")] = False,
) -> None:
    """Let go of what the steps of a finished run handed to each other; every question keeps its answer.

    Example: gleanery trim runs/demo --dry-run
    """
    from gleanery.pipeline.trimming import trim as let_go

    freed = let_go(folder, dry_run)
    said = "would make" if dry_run else "made"
    out.print(f"{said} {freed.bytes / 1e6:,.1f} MB of room: {number(freed.files, 'file')} of {folder}/work")
    if freed.files:
        _hint("a later run with other settings, or of changed sources, makes them anew first")


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(parser=local_path, help="Folder of a release, such as runs/demo/release.")],
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
        checked = number(found.files_checked, "file")
        said = f" {number(len(found.problems), 'problem')}; {checked} compared"
        err.print(Text.assemble(("not intact:", "red"), said))
        raise typer.Exit(1)
    out.print(f"intact: {found.files_checked:,} files, {found.bytes_checked:,} bytes, release {found.release_id}")


@app.command()
def explain(
    target: Annotated[str, typer.Argument(help="OWNER/REPO or OWNER/REPO:PATH.")],
    folder: RunFolder,
) -> None:
    """Tell in plain words what was decided about a file or a repository, why, and on what evidence.

    Example: gleanery explain pypi/requests:setup.py --run runs/demo
    """
    from gleanery.release.explain import explain as tell

    say_of_release(folder)
    for line in tell(folder, target):
        out.print(line)


@app.command("settings")
def settings_command() -> None:
    """List every key of a settings file, with its default and meaning.

    Example: gleanery settings
    """
    from gleanery.pipeline.settings import reference

    draw("", ("key", "default", "unit", "meaning"), tuple(reference()))


@app.command()
def engines(
    fetch: Annotated[bool, typer.Option("--fetch", help="Get the jars of the Spark runner with Maven.")] = False,
) -> None:
    """List the engines and whether they can run here.

    Example: gleanery engines --fetch
    """
    from gleanery.pipeline import dataflow
    from gleanery.pipeline.engine import PRESETS, REFUSED
    from gleanery.pipeline.spark_jars import fetch_jars, missing

    if fetch:
        err.print(f"jars are in {fetch_jars()}")
    lacks = dict.fromkeys(PRESETS, missing()) | {"local": None, "dataflow": dataflow.missing()}
    ready = {name: reason or "ready" for name, reason in lacks.items()}
    rows = [(name, ready[name], what) for name, what in PRESETS.items()]
    rows += [(name, "refused", why) for name, why in REFUSED.items()]
    draw("", ("engine", "here", "what it is"), tuple(rows))


def main() -> None:
    """Run the command line. Errors that people can act on are one line and a hint; others keep their trace."""
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(is_news)
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # stopped in any way, a run tidies up behind itself
        if sign != signal.SIGHUP or signal.getsignal(sign) != signal.SIG_IGN:  # as `nohup` leaves it
            signal.signal(sign, _stop)
    sys.unraisablehook = _unless_stopped
    try:
        app()
    except GleaneryError as error:
        _say(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (OSError, MemoryError) as error:
        if (refused := of_system(error)) is None:
            raise
        _say(refused)


@cache
def _keep_together() -> None:
    """Give this process and those that it starts one temporary folder, which goes when it ends, however they end."""
    folder = Path(tempfile.gettempdir(), f"gl-{secrets.token_hex(4)}")  # short, since sockets of a pool lie in it
    # After all others: Python's pools take away their own folders with -100.
    Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=-200)
    folder.mkdir(mode=0o700)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


# Set when somebody stopped this process: what an engine makes of the interrupt may be any error.
_stopped: list[int] = []


def _stop(number: int, _frame: object) -> NoReturn:
    if _stopped:  # whoever asks twice does not want to wait until it is tidy
        os._exit(130)
    _stopped.append(number)
    raise KeyboardInterrupt


def _unless_stopped(ignored: "sys.UnraisableHookArgs") -> None:
    """Say what Python ignored, but not an interrupt that fell into the end of an object: the engine asks for it."""
    if not (_stopped and issubclass(ignored.exc_type, KeyboardInterrupt)):
        sys.__unraisablehook__(ignored)


def _say(error: GleaneryError) -> NoReturn:
    err.print(Text.assemble(("error:", "red"), f" {error.message}"))
    if error.hint:
        _hint(error.hint)
    sys.exit(2 if isinstance(error, WrongArguments) else 1)


def is_news(record: logging.LogRecord) -> bool:
    """False for an error that reaches people as a line and a hint: the engine logs it too, with all its frames."""
    error = record.exc_info[1] if record.exc_info else None
    told = isinstance(error, GleaneryError | KeyboardInterrupt)
    return not (told or (isinstance(error, Exception) and of_system(error) is not None))


def _show_summary(folder: Path, report: Any) -> None:
    from gleanery.pipeline.summary import summary as summarize

    for section in summarize(folder, report):
        draw(section.title, section.columns, section.rows)


def _say_unread(folder: Path, report: Any) -> None:
    """Name the sources that could not be read, and the way to read them."""
    from gleanery.pipeline.crawl_again import unread
    from gleanery.release.wording import shown

    failed, kept = unread(folder, report.counts["crawl"], report.notes["crawl"])
    for sources, what in ((failed, "not read"), (kept, "not read again, and left as read before")):
        if sources:
            more = f" and {len(sources) - 3:,} more" if len(sources) > 3 else ""
            err.print(f"{number(len(sources), 'source')} {what}: {', '.join(map(shown, sources[:3]))}{more}")
    if failed or kept:
        why = "; `gleanery audit dead_letters` says why they were not" if failed else ""
        _hint(f"--retry reads such sources again{why}")


def _hint(text: str) -> None:
    err.print(Text.assemble(("hint:", "dim"), f" {text}"))


def _show_next(folder: Path, previous: Path | None) -> None:
    from gleanery.pipeline.release_folder import PLACE

    run = quote(str(folder))  # to be pasted into a shell
    out.print("\nNext:")
    for command in (
        *([f"gleanery audit changes_counted --run {run} --before {quote(str(previous))}"] if previous else []),
        f"gleanery verify {quote(str(folder / PLACE))}",
        f"gleanery explain pypi/requests --run {run}" if "demo" in folder.name else f"gleanery audit --run {run}",
        f"gleanery audit restricted_twins --run {run}",
    ):
        out.print(f"  {command}", soft_wrap=True)


if __name__ == "__main__":
    main()
