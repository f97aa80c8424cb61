"""Benchmarks in a whole run: files that hold a problem are left out, and only what depends on a benchmark is redone.

All problems and repositories are invented.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from small_corpus import MIT, code, make_repository

from gleanery.pipeline.run import Report, curate
from gleanery.pipeline.settings import BenchmarkSettings, Settings, load_settings
from gleanery.pipeline.stage2_benchmarks import finder_of
from gleanery.pipeline.summary import summary
from gleanery.records.errors import StopRun
from gleanery.records.parquet import table_rows
from gleanery.release.explain import explain
from gleanery.sql.questions import ask, questions, tables_of

PROBLEM = '''def widest_gap(heights: list, floor: float) -> float:
    """Return the widest gap between two neighbouring heights that both rise above the floor.

    >>> widest_gap([1.5, 0.2, 3.0], 0.25)
    """
'''
SOLUTION = "    tall = [h for h in heights if h > floor]\n    return max(b - a for a, b in zip(tall, tall[1:]))\n"
OTHER = "Tell which of the lanterns in the harbour was lit last, given the times at which each keeper went out."
SHORT = "Return the sum of two numbers."
ROWS = [{"id": "G/1", "prompt": PROBLEM}, {"id": "G/2", "prompt": OTHER}, {"id": "G/3", "prompt": SHORT}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
BODY = code(1, 30)
FILES: dict[str, dict[str, str | bytes]] = {
    "first": {
        "solved.py": PROBLEM + SOLUTION,
        "inside.js": f"{code(2)}/*\n{PROBLEM.replace('    ', chr(9))}*/\n{code(3)}",
        "data/problems.jsonl": LINES,
        "wide.py": (code(4) + PROBLEM).encode("utf-16"),
        "near_miss.py": code(5) + "# Return the widest gap between two heights, whatever stands between them.\n",
        "short.py": code(6) + f"# {SHORT}\n",
        "origin.py": BODY + PROBLEM + SOLUTION,
    },
    "second": {
        "copy.py": BODY,
        "spoiled_copy.py": BODY.replace("read", "reads") + PROBLEM,
        "solved.py": PROBLEM + SOLUTION,
    },
}
LEFT_OUT = {
    *("first/solved.py", "first/inside.js", "first/data/problems.jsonl", "first/wide.py", "first/origin.py"),
    *("second/spoiled_copy.py", "second/solved.py"),
}
SETTINGS = "[shards]\nvocabulary = 600\n" + "".join(
    f'[[source]]\nkind = "git"\nlocator = "{name}"\nname = "ann/{name}"\n' for name in FILES
)
NAMED = SETTINGS + '[[benchmark]]\npath = "gaps.jsonl"\nfields = ["prompt"]\nid = "id"\n'


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two repositories, the first of which is older, and a benchmark beside them."""
    folder = tmp_path_factory.mktemp("benchmarks")
    for year, (name, files) in zip((2015, 2020), FILES.items(), strict=True):
        license_text = MIT.format(year=year, holder="Ada Invented")
        make_repository(folder / name, year, {"LICENSE": license_text, **files})
    (folder / "gaps.jsonl").write_text(LINES, "utf-8")
    (folder / "named.toml").write_text(NAMED, "utf-8")
    return load_settings(folder / "named.toml")


@pytest.fixture(scope="module")
def run(settings: Settings) -> Path:
    """A finished run, so its gate has found nothing."""
    root = Path(settings.folder) / "run"
    curate(settings, root, workers=2)
    return root


def reasons(run: Path) -> dict[str, str]:
    """The reason of each file."""
    rows = [row for row in table_rows(run, "decisions")]
    names = {row["repo_id"]: row["name"].removeprefix("ann/") for row in table_rows(run, "repos")}
    return {f"{names[row['repo_id']]}/{row['path']}": row["reason"] for row in rows}


@pytest.mark.slow
def test_a_file_that_holds_a_problem_is_left_out_and_no_other(run: Path) -> None:
    found = reasons(run)
    assert {path for path, reason in found.items() if reason == "benchmark_problem"} == LEFT_OUT
    assert found["first/near_miss.py"] == found["first/short.py"] == "kept"
    # Its older near copy holds a problem, and cannot be kept in its place.
    assert found["second/copy.py"] == "kept"


@pytest.mark.slow
def test_people_are_told_which_problem_and_where(run: Path) -> None:
    said = "\n".join(explain(run, "ann/first:inside.js"))
    first = code(2).count("\n") + 2
    assert f"lines {first} to {first + 3} have 30 words in a row of gaps.jsonl, problem G/1" in said
    assert "Rejected (benchmark_problem). It holds a problem of a benchmark" in said
    rows = ask(questions()["benchmark_files"], tables_of(run), {}).to_pylist()
    assert {f"{row['repo'].removeprefix('ann/')}/{row['path']}" for row in rows} == LEFT_OUT
    assert {row["problem"] for row in rows if row["path"] == "data/problems.jsonl"} == {"G/1", "G/2"}
    counted = ask(questions()["benchmarks"], tables_of(run), {}).to_pylist()
    assert [(row["problems"], row["not_looked_for"], row["found"], row["left_out"]) for row in counted] == [
        (3, 1, 2, 7)
    ]
    (short,) = ask(questions()["benchmark_problems_not_looked_for"], tables_of(run), {}).to_pylist()
    assert short == {"benchmark": "gaps.jsonl", "problem": "G/3"}
    assert "| gaps.jsonl |" in (run / "release/README.md").read_text("utf-8")
    assert ("gaps.jsonl", 3, 1, 2, 7, 7) in [row for section in summary(run) for row in section.rows]


def _again(settings: Settings, run: Path) -> Report:
    return curate(settings, run, workers=2)


@pytest.mark.slow
def test_another_benchmark_redoes_only_what_depends_on_it(settings: Settings, run: Path) -> None:
    assert _again(settings, run).nothing_done
    path = Path(settings.folder) / "gaps.jsonl"
    path.write_text(json.dumps(ROWS[1]) + "\n", "utf-8")
    report = _again(settings, run)
    assert report.ran[:2] == ["benchmarks", "judge"]
    found = reasons(run)
    assert [path for path, reason in found.items() if reason == "benchmark_problem"] == ["first/data/problems.jsonl"]
    none = _again(replace(settings, benchmark=()), run)
    assert none.ran[:2] == ["benchmarks", "judge"] and "benchmark_problem" not in reasons(run).values()
    assert "the operator named none" in (run / "release/README.md").read_text("utf-8")
    path.write_text(LINES, "utf-8")


def test_benchmarks_are_checked_before_anything_is_fetched(settings: Settings, tmp_path: Path) -> None:
    path = Path(settings.folder) / "gaps.jsonl"
    one = BenchmarkSettings(str(path), fields=("prompt",))
    for benchmarks, said in (
        ((replace(one, path="absent.jsonl"),), "there is no benchmark file"),
        ((replace(one, fields=("text",)),), "line 1 has no field 'text'"),
        ((one, replace(one, id="id")), "two benchmarks are called gaps.jsonl"),
        ((replace(one, fields=("id",)),), "no problem of the benchmark gaps.jsonl has 13 words in a row"),
    ):
        with pytest.raises(StopRun, match=said):
            curate(replace(settings, benchmark=benchmarks), tmp_path / "run", workers=1)
    assert not (tmp_path / "run").exists()


def test_a_name_tells_two_benchmarks_apart(settings: Settings) -> None:
    one = BenchmarkSettings("gaps.jsonl", fields=("prompt",))
    finder = finder_of(replace(settings, benchmark=(one, replace(one, name="few", words=8))))
    found = [(found.benchmark, found.problem) for found in finder.find(LINES.encode())]
    assert found == [("gaps.jsonl", "1"), ("gaps.jsonl", "2"), ("few", "1"), ("few", "2")]


@pytest.mark.parametrize(
    "plain, said",
    [
        ('path = "gaps.jsonl"\nwords = 4', "benchmark 1 has words = 4"),
        ('fields = ["prompt"]', "benchmark 1 has no path"),
        ('path = "gaps.jsonl"\nfield = ["prompt"]', "benchmark 1: there is no setting benchmark.field"),
        ('path = "s3://bucket/gaps.jsonl"', "benchmark.path is an address"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path, plain: str, said: str) -> None:
    (tmp_path / "settings.toml").write_text(f"{SETTINGS}[[benchmark]]\n{plain}\n", "utf-8")
    with pytest.raises(StopRun) as caught:
        load_settings(tmp_path / "settings.toml")
    assert said in caught.value.message
