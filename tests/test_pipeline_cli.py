"""The command line: data on standard output, errors in one line with a way out, exit status as documented."""

import csv
import errno
import gzip
import io
import json
import logging
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from run_folder import _rule, good_rows, write_run
from typer import Typer
from typer.models import ArgumentInfo
from typer.testing import CliRunner

from gleanery.pipeline import cli, screen
from gleanery.pipeline.cli import app, is_news
from gleanery.pipeline.cli_audit import _answer
from gleanery.pipeline.progress import Progress
from gleanery.pipeline.run import Report
from gleanery.records.errors import StopRun, WrongArguments
from gleanery.records.withdrawal import mark_withdrawn
from gleanery.sql.questions import Database, questions, tables_of


def gleanery(*arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "gleanery.pipeline.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd)


def test_a_run_says_whether_anybody_was_asked_who_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = Report(counts={"crawl": {"dead": 0}}, notes={"crawl": {}}, remarks=("nobody was asked",))
    monkeypatch.setattr("gleanery.pipeline.run.curate", lambda *_: done)
    (tmp_path / "s.toml").write_text('[[source]]\nkind = "npm"\nlocator = "left"\n')
    said = CliRunner().invoke(app, ["run", str(tmp_path / "s.toml"), "--out", str(tmp_path / "run")])
    assert said.exit_code == 0 and "note: nobody was asked" in said.output


def path_parameters(group: Typer, name: str = "") -> Iterator[list[str]]:
    """The words of every command, with an address for one of the paths that it takes."""
    for below in group.registered_groups:
        assert below.typer_instance is not None
        yield from path_parameters(below.typer_instance, f"{below.name} ")
    for command in group.registered_commands:
        assert command.callback is not None
        words = f"{name}{command.name or command.callback.__name__}".split()
        for parameter, hint in get_type_hints(command.callback, include_extras=True).items():
            if "Path" not in str(getattr(hint, "__origin__", "")):
                continue
            if isinstance(about := hint.__metadata__[0], ArgumentInfo):
                yield [*words, "s3://user:word@bucket/run"]
                words.append("here")
            else:
                option = about.default if isinstance(about.default, str) else f"--{parameter}"  # as typer keeps it
                yield [*words, option, "s3://user:word@bucket/run"]


@pytest.mark.parametrize("words", list(path_parameters(app)), ids=" ".join)
def test_an_address_is_refused_wherever_a_path_is_wanted(words: list[str]) -> None:
    refused = CliRunner().invoke(app, words).exception
    assert isinstance(refused, WrongArguments) and "(s3://...)" in refused.message and "mount" in refused.hint
    assert "word" not in refused.message


def test_help_names_every_command() -> None:
    done = gleanery("--help")
    assert done.returncode == 0
    for word in ("run", "summary", "verify", "explain", "audit", "settings", "engines", "optout", "export"):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("status", "arguments", "message", "hint"),
    [
        (1, ("run", "absent.toml", "--out", "x"), "there is no settings file absent.toml", "examples/demo.toml"),
        (1, ("audit", "funnel", "--run", "absent"), "absent", "gleanery run"),
        (1, ("removals", "renew", "--list", "absent.jsonl"), "no removal list absent.jsonl", "`gleanery removals`"),
        (1, ("run", ".", "--out", "x"), ".: Is a directory", "check the path"),
        (1, ("optout", "list", "--registry", "."), "cannot open the opt-out registry", "`gleanery optout serve`"),
        (1, ("summary", "absent"), "absent is neither a run nor a release", "--out"),
        (2, ("audit", "no_such_question", "--run", "x"), "no question 'no_such_question'", "`gleanery audit` lists"),
        (2, ("audit", "funnel"), "which run?", "--run DIR"),
        (2, ("audit", "funnel", "--run", "x", "--format", "xml"), "there is no format 'xml'", "choose table, csv"),
        (2, ("audit", "funnel", "--run", "x", "--output", "x.txt"), "x.txt cannot be written as a table", "--format"),
        (2, ("optout", "block", "not a repository", "--registry", "x.sqlite"), "", ""),
        (2, ("optout", "block", "1234", "--scope", "blob", "--registry", "x.sqlite"), "a content id is 40", "git hash"),
        (2, ("audit", "funel"), "there is no question 'funel'", "did you mean funnel?"),
        (2, ("removals", "add", "x"), "nothing is named that shall be removed", "--registry"),
        (2, ("removals", "add", "x", "--repo", "y", "--reason", "z"), "there is no reason 'z'", "choose opt_out"),
        (2, ("summary",), "which run?", "--run DIR"),
    ],
)
def test_an_error_is_one_line_with_a_way_out(
    tmp_path: Path, status: int, arguments: tuple[str, ...], message: str, hint: str
) -> None:
    done = gleanery(*arguments, cwd=tmp_path)
    assert done.returncode == status
    assert not list(tmp_path.iterdir())
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error:")
    assert message in done.stderr.replace("\n", " ")
    assert hint in done.stderr.replace("\n", " ")
    assert done.stdout == ""


def test_a_refused_runner_is_refused_with_the_reason(corpus: Path, tmp_path: Path) -> None:
    done = gleanery("run", str(corpus), "--out", str(tmp_path / "run"), "--engine", "DaskRunner")
    assert done.returncode == 2
    assert "DaskRunner is refused" in done.stderr
    assert "drops branches" in done.stderr


def test_a_finished_run_does_nothing_and_says_so(corpus: Path, curated: Path) -> None:
    done = gleanery("run", str(corpus), "--out", str(curated))
    assert done.returncode == 0
    said = " ".join(done.stderr.split())
    assert "nothing to do" in said and "2 sources not read: heidi/broken, ivan/missing" in said and "--retry" in said


def test_the_summary_shows_what_became_of_every_file(curated: Path) -> None:
    done = gleanery("summary", "--run", str(curated))
    assert done.returncode == 0
    for word in (
        "repositories",
        "files in",
        "tokens",
        "restricted_twin",
        "MIT",
        "EMAIL",
        "damaged",
        "bytes for each token",
    ):
        assert word in done.stdout


def test_a_release_has_the_summary_of_its_run(curated: Path) -> None:
    """All but who opted out, what was not read, and the alarms, which need tables of the run."""
    shown = [gleanery("summary", "--run", str(curated / folder)) for folder in ("", "release")]
    assert [(done.returncode, done.stderr) for done in shown] == [(0, "")] * 2
    of_run, of_release = (done.stdout.split("Files by reason")[1].split("\nLook at these")[0] for done in shown)
    assert of_run.split("\nNot read")[0] == of_release.split("\nNot read")[0]
    shards = [line for done in shown for line in done.stdout.splitlines() if line.startswith("shards")]
    assert len(shards) == 2 and shards[0].split() == shards[1].split()


def test_who_asks_about_a_release_that_was_withdrawn_is_told_so_first(curated: Path, tmp_path: Path) -> None:
    shutil.copytree(curated, tmp_path / "run")
    mark_withdrawn(tmp_path / "run/release")
    note = f"note: the release in {tmp_path / 'run/release'} is withdrawn: an owner in it has opted out"
    for folder in ("run", "run/release"):
        for command in (["explain", "alice/tool"], ["audit", "funnel"], ["summary"], ["licenses"]):
            done = CliRunner().invoke(app, [*command, "--run", str(tmp_path / folder)])
            assert done.exit_code == 0 and done.stderr.startswith(note)


def test_audits_come_as_csv_json_and_parquet(curated: Path, tmp_path: Path) -> None:
    rows = list(
        csv.DictReader(io.StringIO(gleanery("audit", "funnel", "--run", str(curated), "--format", "csv").stdout))
    )
    plain = json.loads(gleanery("audit", "funnel", "--run", str(curated), "--format", "json").stdout)
    target = tmp_path / "funnel.parquet"
    gleanery("audit", "funnel", "--run", str(curated), "--format", "parquet", "--output", str(target))
    table = pq.read_table(target).to_pylist()
    assert [r["reason"] for r in rows] == [r["reason"] for r in plain] == [r["reason"] for r in table]
    assert sum(r["files"] for r in plain) > 30


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_an_answer_goes_into_a_file_in_the_form_that_its_name_says(curated: Path, tmp_path: Path, ending: str) -> None:
    named, told = tmp_path / f"named.{ending.upper()}", tmp_path / "told"
    command = ["audit", "funnel", "--run", str(curated), "--output"]
    for options in ([str(named)], [str(told), "--format", ending]):
        done = CliRunner().invoke(app, [*command, *options])
        assert done.exit_code == 0 and done.stdout == "", done.output
    assert named.read_bytes() == told.read_bytes() != b""


def test_a_row_where_none_may_be_is_a_problem(tmp_path: Path) -> None:
    found = good_rows()
    found["optout_rules"].append(_rule(9, "repo", "github.com/octo/lib"))
    run = write_run(tmp_path / "run", found)
    done = CliRunner().invoke(app, ["audit", "leaks", "--run", str(run)])
    assert done.exit_code == 1 and "not empty:" in done.stderr and "octo/lib" in done.stdout


def test_what_a_release_cannot_answer_is_in_the_reference(curated: Path) -> None:
    page = (Path(__file__).parents[1] / "docs/reference/audit.md").read_text("utf-8")
    said = page.split("it cannot answer")[1].split("; the")[0]
    with Database(tables_of(curated / "release")) as database:
        unanswered = {name for name, question in questions().items() if not database.holds(question)}
    assert set(re.findall("`([a-z_]+)`", said)) == {name for name in unanswered if not name.startswith("changes")}


def test_an_answer_without_rows_says_so_beside_the_answer(curated: Path) -> None:
    found = gleanery("audit", "leaks", "--run", str(curated), "--format", "json")
    assert json.loads(found.stdout) == [] and found.stderr.strip() == "no rows, as it must be"


def test_an_answer_for_programs_is_never_fitted_to_a_width(capsys: pytest.CaptureFixture[str]) -> None:
    """CSV and JSON were broken at 160 columns once: a line break in the middle of a value."""
    table = pa.table({"path": ["a long name/" * 40 + "\x1b[31m\tend"], "files": [3]})
    _answer(table, "json", None)
    assert json.loads(capsys.readouterr().out) == table.to_pylist()
    _answer(table, "csv", None)
    (found,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert found == {"path": table["path"][0].as_py(), "files": "3"}


def test_a_row_that_is_wider_than_the_screen_is_shown_value_by_value(capsys: pytest.CaptureFixture[str]) -> None:
    row = {f"column_{n}": f"word {n} " * 8 for n in range(8)} | {"first_commit_at": 1_500_000_000, "absent": None}
    _answer(pa.Table.from_pylist([row]), "table", None)
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "row 1" and len(shown) == 10  # what is absent has no line
    assert shown[-1].split() == ["first_commit_at", "2017-07-14", "02:40:00"]


def test_nothing_in_an_answer_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _answer(pa.table({"path": ["a\x1b[31m\x9b2J\tb"], "share": [1 / 3]}), "table", None)
    assert capsys.readouterr().out.split() == ["path", "share", "a·[31m·2J·b", "0.3333"]


def test_a_question_takes_its_parameters(curated: Path) -> None:
    done = gleanery(
        *("audit", "why_rejected", "--run", str(curated), "--format", "json"),
        *("--set", "repo=alice/tool", "--set", "path=src/algorithm.py"),
    )
    assert done.returncode == 0, done.stderr
    assert "restricted_twin" in done.stdout


def test_verify_fails_on_a_changed_byte_and_on_another_release(curated: Path, tmp_path: Path) -> None:
    copy = tmp_path / "release"
    shutil.copytree(curated / "release", copy)
    intact = gleanery("verify", str(copy))
    assert intact.returncode == 0
    assert "intact" in intact.stdout
    assert gleanery("verify", str(copy), "--expect", "0" * 64).returncode == 1
    with open(copy / "tokenizer.json", "ab") as file:
        file.write(b" ")
    done = gleanery("verify", str(copy))
    assert done.returncode == 1
    assert "tokenizer.json" in done.stdout


def test_rules_are_appended_listed_and_taken_back(tmp_path: Path) -> None:
    registry = str(tmp_path / "registry.sqlite")
    named = ("optout", "block", "https://github.com/Alice/Lib.git", "--registry", registry)
    slip = gleanery(*named)
    assert slip.returncode == 1 and "--create" in slip.stderr.replace("\n", " ") and not list(tmp_path.iterdir())
    assert registry in gleanery(*named, "--create").stdout.replace("\n", "")
    assert gleanery("optout", "unblock", "github.com/alice/lib", "--registry", registry).returncode == 0
    listed = gleanery("optout", "list", "--registry", registry).stdout
    assert [line.split()[1] for line in listed.splitlines()[1:]] == ["block", "unblock"]
    assert listed.count("github.com/alice/lib") == 2
    intact = gleanery("optout", "check", "--registry", registry).stdout
    assert intact.startswith("intact; the log ends at 2:")
    end = intact.split()[-1]
    assert gleanery("optout", "check", "--known", end, "--registry", registry).returncode == 0
    assert gleanery("optout", "check", "--known", f"2:{'0' * 64}", "--registry", registry).returncode == 1
    assert gleanery("optout", "check", "--known", "2", "--registry", registry).returncode == 2
    told = gleanery("optout", "history", "github.com/alice/lib", "--registry", registry).stdout
    assert "rule 2: unblock repo github.com/alice/lib" in told
    entries = gleanery("optout", "history", "--json", "--registry", registry).stdout.splitlines()
    assert [json.loads(entry)["kind"] for entry in entries] == ["rule", "rule"] and end[2:] in entries[-1]
    assert "request" in gleanery("optout", "requests", "--registry", registry).stdout
    assert gleanery("optout", "close", "0" * 16, "--registry", registry).returncode == 2


def test_a_page_that_cannot_check_anything_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = gleanery("optout", "serve", "--registry", str(tmp_path / "registry.sqlite"), "--port", "1")
    assert done.returncode == 1 and "2.37" in done.stderr and "--contact" in done.stderr
    assert not list(tmp_path.iterdir())


def test_exports_are_written(curated: Path, tmp_path: Path) -> None:
    assert gleanery("export", "datatrove", str(curated / "release"), str(tmp_path / "trove")).returncode == 0
    assert list((tmp_path / "trove").glob("*.ds"))
    done = gleanery("export", "parquet", str(curated / "release"), str(tmp_path / "rows"), "--context", "256")
    assert done.returncode == 0, done.stderr
    assert sum(pq.read_metadata(p).num_rows for p in (tmp_path / "rows/data").glob("*.parquet")) > 10


def test_an_export_does_not_name_whose_code_was_removed(curated: Path, tmp_path: Path) -> None:
    release, listed = str(curated / "release"), ["--list", str(tmp_path / "removals.jsonl")]
    assert CliRunner().invoke(app, ["removals", "add", release, "--repo", "alice/tool", *listed]).exit_code == 0
    for out, options in (("whole", []), ("without", listed)):
        done = CliRunner().invoke(app, ["export", "megatron", release, str(tmp_path / out), *options])
        assert done.exit_code == 0, done.output
        notices = gzip.decompress((tmp_path / out / "NOTICES.txt.gz").read_bytes()).decode()
        assert ("Alice Example" in notices, "alice/tool" in notices) == (out == "whole",) * 2
        assert "Bob Example" in notices


def test_engines_are_listed_with_what_they_need() -> None:
    done = gleanery("engines")
    assert done.returncode == 0
    assert "spark-local" in done.stdout
    assert "refused" in done.stdout


def test_settings_are_listed() -> None:
    assert "dedup.threshold" in gleanery("settings").stdout


def test_an_error_that_reaches_people_as_a_line_is_not_logged_with_its_frames_too() -> None:
    said = logging.LogRecord("engine", logging.ERROR, "", 1, "", (), (StopRun, StopRun("x", "y"), None))
    stopped = logging.LogRecord("engine", logging.ERROR, "", 1, "", (), (KeyboardInterrupt, KeyboardInterrupt(), None))
    full = logging.LogRecord("engine", logging.ERROR, "", 1, "", (), (OSError, OSError(errno.ENOSPC, "x"), None))
    other = logging.LogRecord("engine", logging.ERROR, "", 1, "", (), (OSError, OSError("x"), None))
    assert [is_news(record) for record in (said, stopped, full, other)] == [False, False, False, True]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_that_is_stopped_says_so_and_leaves_nothing_in_the_temporary_folder(
    corpus: Path, tmp_path: Path, sign: signal.Signals, workers: str
) -> None:
    run = tmp_path / "run"
    command = ["run", str(corpus), "--out", str(run), "--workers", workers]
    # Not below `tmp_path`, whose name is too long for the sockets of a pool.
    with tempfile.TemporaryDirectory(prefix="scratch-") as scratch:
        with subprocess.Popen(
            [sys.executable, "-m", "gleanery.pipeline.cli", *command],
            env=os.environ | {"TMPDIR": scratch},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            while process.poll() is None and not list(run.glob("work/gather/done.json")):
                time.sleep(0.05)
            process.send_signal(sign)
            said = process.communicate()[1]
        # Python ends itself by SIGINT where the interrupt came in code that C had called: to a shell this is 130 too.
        as_a_shell_says = 130 if process.returncode == -signal.SIGINT else process.returncode
        assert (as_a_shell_says, said.splitlines()[-1]) == (130, "stopped; the same command resumes"), said
        assert "Traceback" not in said
        assert not list(Path(scratch).iterdir())


@pytest.mark.parametrize("error", ["signal.raise_signal(signal.SIGTERM)", "raise ValueError"])
def test_an_interrupt_that_falls_into_the_end_of_an_object_is_not_told_but_another_error_is(error: str) -> None:
    code = (
        "import signal, gleanery.pipeline.cli as cli\n"
        f"class Ending:\n    def __del__(self):\n        {error}\n"
        "def app():\n    Ending()\n    print('went on')\n"
        "cli.app = app\n"
        "cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "went on\n"
    assert ("ValueError" in done.stderr) == (error == "raise ValueError")
    assert ("Traceback" in done.stderr) == (error == "raise ValueError")


@pytest.mark.parametrize("ignored", [True, False])
def test_a_terminal_that_closes_stops_a_run_unless_somebody_said_otherwise(ignored: bool) -> None:
    code = (
        "import os, signal, sys, time\nfrom gleanery.pipeline import cli\n"
        f"if {ignored}:\n    signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "cli.app = lambda: (os.kill(os.getpid(), signal.SIGHUP), time.sleep(0.1), print('goes on'))\n"
        "try:\n    cli.main()\nexcept KeyboardInterrupt:\n    print('stopped')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout == ("goes on\n" if ignored else "stopped\n")


def test_who_stops_a_run_twice_does_not_wait_until_it_is_tidy() -> None:
    code = (
        "import os, signal, time\nfrom gleanery.pipeline import cli\nsignal.signal(signal.SIGTERM, cli._stop)\n"
        "try:\n    os.kill(os.getpid(), signal.SIGTERM)\n    time.sleep(600)\n"
        "finally:\n    os.kill(os.getpid(), signal.SIGTERM)\n    time.sleep(600)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (130, "")


def test_a_table_that_is_too_wide_breaks_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    columns, name = tuple("abcdefg"), "owner/" + "name" * 20
    screen.draw_answer("Such rows", columns, ((name,) * 7,))
    shown = capsys.readouterr().out
    assert shown.startswith("\nSuch rows\nrow 1\n") and shown.count(f"  {name}\n") == 7


def test_a_long_step_says_each_minute_how_far_it_is_where_progress_is_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter((0, 30, 61, 70, 130, 140, 141))
    monkeypatch.setattr("gleanery.pipeline.screen.time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(screen, "err", Console(stderr=True, width=120))
    listen = screen._plain_progress()
    for done in (0, 1, 1, 2, 4, 4):
        listen(Progress("redact", "5 of 7  redact", done, 4))
    said = [line.split() for line in capsys.readouterr().err.splitlines()]
    assert [" ".join(words[4:-3]) for words in said] == ["1 of 4 parts 1:01", "2 of 4 parts 2:10", "4 parts 2:20"]


def test_the_version_is_told() -> None:
    said = CliRunner().invoke(app, ["--version"])
    assert (said.exit_code, said.output) == (0, f"gleanery {version('gleanery')}\n")


def test_a_path_with_brackets_is_shown_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from gleanery.pipeline import screen

    paths = ("app/[id]/page.tsx", "[bold]b[/bold]", "a\\[x]", "[/]")
    screen.draw("[title]", ("[path]",), tuple((path,) for path in paths))
    screen.draw_answer("", ("path",), tuple((path,) for path in paths))
    shown = [line.strip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert shown == ["[title]", "[path]", *paths, "path", *paths]
    missing = tmp_path / "[bold]x[id]"
    done = gleanery("verify", str(missing))
    assert done.returncode and "[bold]x[id]" in done.stderr.replace("\n", "")


def test_what_comes_next_can_be_pasted_into_a_shell() -> None:
    with screen.out.capture() as shown:
        cli._show_next(Path("my runs/it's"), Path("last month"))
    commands = [shlex.split(line) for line in shown.get().splitlines()[2:]]
    assert [command[-1] for command in commands[1:]] == ["my runs/it's/release", "my runs/it's", "my runs/it's"]
    assert commands[0][-4:] == ["--run", "my runs/it's", "--before", "last month"]
