"""The locked database: it reads the named files, whatever they are called, and nothing else."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from run_folder import good_rows, write_run

from gleanery.records.errors import StopRun
from gleanery.records.parquet import table_of, write_table
from gleanery.sql.database import _read
from gleanery.sql.formats import to_csv, to_json, write_parquet
from gleanery.sql.questions import Database, Question, ask, questions, tables_of


def asking(sql: str, *needs: str) -> Question:
    """A question of somebody who would like to read or write something else."""
    return Question("free", "", "", (), needs, False, sql)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run in which nothing is wrong."""
    return write_run(tmp_path_factory.mktemp("run"), good_rows())


def test_the_lock_holds(run: Path, tmp_path: Path) -> None:
    other, out = tmp_path / "other.parquet", tmp_path / "out.csv"
    pq.write_table(pa.table({"a": [1]}), other)
    refused = [
        f"SELECT * FROM '{other}'",
        f"SELECT * FROM read_parquet('{other}')",
        f"SELECT * FROM read_text('{other}')",
        f"SELECT * FROM glob('{tmp_path}/*')",
        f"COPY (SELECT 1) TO '{out}'",
        f"ATTACH '{tmp_path / 'x.db'}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 8",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET memory_limit",
        "SELECT * FROM pyarrow_table_of_the_caller",
    ]
    pyarrow_table_of_the_caller = pa.table({"a": [1]})
    with Database(tables_of(run)) as database:
        for sql in refused:
            with pytest.raises((StopRun, duckdb.Error)):
                database.ask(asking(sql))
        settings = "SELECT name, value FROM duckdb_settings() ORDER BY name"
        values = {row["name"]: row["value"] for row in database.ask(asking(settings)).to_pylist()}
    assert not out.exists() and pyarrow_table_of_the_caller.num_rows == 1
    assert {name: values[name] for name in ("lock_configuration", "enable_external_access")} == {
        "lock_configuration": "true",
        "enable_external_access": "false",
    }
    assert (values["autoload_known_extensions"], values["autoinstall_known_extensions"]) == ("false", "false")
    assert values["memory_limit"] != "" and values["threads"] == "2"


def test_no_bar_is_drawn_where_python_has_no_file(run: Path) -> None:
    """As in a worker process, whose bar stood in the output of a run."""
    code = f"""
from pathlib import Path
from gleanery.sql.questions import Database, Question, tables_of
with Database(tables_of(Path({str(run)!r}))) as database:
    sql = "SELECT current_setting('enable_progress_bar') AS bar"
    print(database.ask(Question("free", "", "", (), (), False, sql)).to_pylist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[{'bar': False}]\n", done.stderr


NAMES = ["*", "[a]", "?", "a'b", 'a"b', "x=1", "a b;--", "ü", "{a,b}", "**"]


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_may_have_any_name(name: str, tmp_path: Path) -> None:
    for neighbour in ("a", "b", "xx", name):
        repo = good_rows()["repos"][0] | {"name": f"of/{neighbour}"}
        path = tmp_path / neighbour / "tables" / "repos" / "p[0]*.parquet"
        write_table(path, "repos", table_of("repos", [repo]))
        write_table(path.with_name("p0x.parquet"), "repos", table_of("repos", [repo | {"name": "other/file"}]))
    path = tmp_path / name / "tables" / "repos" / "p[0]*.parquet"
    answer = ask(asking("SELECT * FROM stg_repos ORDER BY name", "repos"), {"repos": [path]}, {})
    assert answer.column("name").to_pylist() == [f"of/{name}"]
    assert "x" not in answer.column_names


def test_a_backslash_in_a_path_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(StopRun, match="backslash") as stopped:
        Database({"repos": [tmp_path / "a\\*" / "x.parquet"]})
    assert "move the folder" in stopped.value.hint


def test_a_table_without_files_is_empty(run: Path) -> None:
    tables = tables_of(run) | {"optout_rules": []}
    assert ask(questions()["leaks"], tables, {}).num_rows == 0


def test_a_missing_table_is_named(run: Path) -> None:
    tables = {name: paths for name, paths in tables_of(run).items() if name != "docs"}
    with pytest.raises(StopRun, match="needs the table docs") as stopped:
        ask(questions()["leaks"], tables, {})
    assert "not finished" in stopped.value.hint  # its rules are there, which are the first thing of a run
    del tables["optout_rules"]
    with pytest.raises(StopRun) as stopped:
        ask(questions()["leaks"], tables, {})
    assert "a release holds no" in stopped.value.hint


def test_a_table_of_another_shape_is_refused(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "docs.parquet"
    pq.write_table(pa.table({"repo_id": ["x"]}), path)
    with pytest.raises(StopRun, match="not a table docs"):
        ask(questions()["token_ranges"], {"docs": [path]}, {})
    path.write_bytes(b"PAR1 no longer")
    with pytest.raises(StopRun, match="cannot be read"):
        ask(questions()["token_ranges"], {"docs": [path]}, {})


def test_a_damaged_file_stops_with_a_way_out(run: Path, tmp_path: Path) -> None:
    source = tables_of(run)["docs"][0]
    content = bytearray(source.read_bytes())
    content[4:400] = bytes(396)
    path = tmp_path / "docs.parquet"
    path.write_bytes(content)
    with pytest.raises(StopRun, match="could not be answered") as stopped:
        ask(questions()["token_ranges"], {"docs": [path]}, {})
    assert "damaged" in stopped.value.hint


@pytest.mark.parametrize(
    ("error", "way_out"),
    [
        (duckdb.OutOfMemoryException("Out of Memory Error: private-value"), "TMPDIR"),
        (duckdb.IOException('IO Error: Cannot open file "private-value": Too many open files'), "ulimit"),
    ],
)
def test_what_the_machine_lacks_is_told_with_a_way_out_and_no_value(error: Exception, way_out: str) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        raise error
        yield

    with pytest.raises(StopRun) as stopped:
        list(_read(asking("", "repos"), batches()))
    assert way_out in stopped.value.hint and "private-value" not in str(stopped.value) + stopped.value.hint


def test_nothing_is_left_behind(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Database(tables_of(run)) as database:
        database.ask(questions()["funnel"])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StopRun, match="neither a run nor a release"):
        tables_of(tmp_path)
    with pytest.raises(StopRun, match="neither a run nor a release"):
        tables_of(tmp_path / "missing")


def test_links_among_the_tables_are_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", good_rows())
    link = run / "tables" / "repos" / "z.parquet"
    link.symlink_to(run / "tables" / "repos" / "part-00000.parquet")
    with pytest.raises(StopRun, match="symbolic link"):
        tables_of(run)
    link.unlink()
    (run / "tables" / "repos").rename(run / "elsewhere")
    (run / "tables" / "repos").symlink_to(run / "elsewhere")
    with pytest.raises(StopRun, match="symbolic link"):
        tables_of(run)


def test_unfinished_files_are_not_read(tmp_path: Path) -> None:
    run = write_run(tmp_path, good_rows())
    (run / "tables" / "repos" / ".part.parquet.77.tmp").write_bytes(b"half")
    (run / "tables" / "repos" / ".part.parquet").write_bytes(b"half")
    assert len(tables_of(run)["repos"]) == 1


def test_formats_hold_the_same_rows(run: Path, tmp_path: Path) -> None:
    answer = ask(questions()["repositories"], tables_of(run), {})
    assert json.loads(to_json(answer)) == answer.to_pylist()
    assert len(to_csv(answer).splitlines()) == answer.num_rows + 1
    first = write_parquet(answer, tmp_path / "a.parquet")
    assert first == write_parquet(answer, tmp_path / "b.parquet")
    assert pq.read_table(tmp_path / "a.parquet").equals(answer)
    assert to_json(answer.slice(0, 0)) == "[]\n"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_runs_nothing(text: str) -> None:
    line = to_csv(pa.table({"a": [text], "b": [-1]})).partition("\n")[2]
    assert line.lstrip('"').startswith("'") and line.rstrip("\n").endswith(",-1")


def test_numbers_that_json_lacks_become_null() -> None:
    answer = pa.table({"a": [float("nan"), float("inf"), 1.5], "b": [[float("nan")], [], [0.5]]})
    assert [row["a"] for row in json.loads(to_json(answer))] == [None, None, 1.5]
    assert [row["b"] for row in json.loads(to_json(answer))] == [[None], [], [0.5]]


def test_a_list_in_a_cell_can_be_read_again() -> None:
    (_, line) = csv.reader(io.StringIO(to_csv(pa.table({"a": [["=1", "b's", None]]}))))
    assert json.loads(line[0]) == ["=1", "b's", None]
