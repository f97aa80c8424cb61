"""Whole runs over repositories that copy each other: mirrors are named, holes told, an earlier run changes nothing."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import small_corpus
from small_corpus import MIT, code
from test_pipeline_cli import gleanery
from test_pipeline_run import decisions, rows, tree

from gleanery.dedup.export import load_index
from gleanery.optout.registry import Registry
from gleanery.pipeline import spark_jars
from gleanery.pipeline.duplicates import cluster_of
from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import Settings, load_settings
from gleanery.pipeline.summary import summary
from gleanery.sql.questions import ask, questions, tables_of

SOURCE = '[[source]]\nkind = "git"\nlocator = "{name}"\nname = "{owner}/{name}"\n'
NAMES = (("olga", "origin"), ("mark", "mirror"), ("pia", "part"), ("nina", "new"))


def _settings(folder: Path, *names: tuple[str, str]) -> Settings:
    text = "[shards]\nvocabulary = 600\n[run]\npart_bytes = 16384\n[optout]\nregistry = 'optout.sqlite'\n"
    path = folder / f"{'-'.join(name for _, name in names)}.toml"
    path.write_text(text + "".join(SOURCE.format(owner=owner, name=name) for owner, name in names), "utf-8")
    return load_settings(path)


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An origin; a younger mirror of it that is not marked as one, with one changed file; two that hold parts."""
    folder = tmp_path_factory.mktemp("repositories")
    origin = {"LICENSE": MIT.format(year=2019, holder="Olga Example")} | {f"src/{n}.py": code(n) for n in range(8)}
    mirror = origin | {"src/0.py": code(0).replace("return", "yield", 1)}
    part = {"LICENSE": MIT.format(year=2021, holder="Pia Example"), "copied.py": code(1)}
    part |= {f"own_{n}.py": code(20 + n) for n in range(6)}
    new = {"LICENSE": MIT.format(year=2022, holder="Nina Example"), "fresh.py": code(40)}
    new |= {f"own_{n}.py": code(50 + n) for n in range(5)}
    new |= {
        "near.py": code(20).replace("return", "yield", 1),
        "laid_out.py": "# moved\n\n" + code(21).replace("    ", "\t"),
    }
    for year, name, files in (
        (2019, "origin", origin),
        (2020, "mirror", mirror),
        (2021, "part", part),
        (2022, "new", new),
    ):
        small_corpus.make_repository(folder / name, year, files)
    Registry.open(f"sqlite:///{folder}/optout.sqlite")
    return folder


@pytest.fixture(scope="module")
def first(repositories: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of all but the last repository."""
    root = tmp_path_factory.mktemp("first") / "run"
    curate(_settings(repositories, *NAMES[:3]), root, workers=2)
    return root


@pytest.fixture(scope="module")
def zero(repositories: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of all repositories, from zero."""
    root = tmp_path_factory.mktemp("zero") / "run"
    curate(_settings(repositories, *NAMES), root, workers=2)
    return root


@pytest.mark.slow
def test_a_mirror_that_nobody_marked_is_named_and_its_younger_files_go(zero: Path) -> None:
    found = ask(questions()["repository_copies"], tables_of(zero), {}).to_pylist()
    relations = {(row["repo"], row["stands_in"]): (row["relation"], row["one_is_older"]) for row in found}
    assert relations[("olga/origin", "mark/mirror")] == ("mirror_or_unmarked_fork", True)
    assert relations[("mark/mirror", "olga/origin")] == ("mirror_or_unmarked_fork", False)
    assert not [pair for pair in relations if "pia/part" in pair]  # one of seven files is no copy of a repository
    reasons = decisions(zero)
    assert {reason for name, reason in reasons.items() if name.startswith("olga/origin:src")} == {"kept"}
    assert {reason for name, reason in reasons.items() if name.startswith("mark/mirror:src")} == {
        "exact_duplicate",
        "near_duplicate",
    }


@pytest.mark.slow
def test_kept_files_say_what_their_repository_lacks(zero: Path) -> None:
    missing = {f"{d['repo_id']}:{d['path']}": d["missing"] for d in rows(zero, "decisions") if d["reason"] == "kept"}
    names = {row["repo_id"]: row["name"] for row in rows(zero, "repos")}
    told = {names[key.partition(":")[0]]: text for key, text in missing.items()}
    assert told["olga/origin"] == []
    assert told["pia/part"] == ["exact_duplicate: 1", "near_duplicate: 1"]  # the licence text, but for its first line
    assert told["nina/new"] == ["near_duplicate: 2", "normalised_duplicate: 1"]


@pytest.mark.slow
def test_a_crawl_after_an_old_run_in_another_order_by_one_worker_gives_the_bytes_of_a_run_from_zero(
    repositories: Path, first: Path, zero: Path, tmp_path: Path
) -> None:
    settings = _settings(repositories, *reversed(NAMES))
    again = replace(settings, run=replace(settings.run, previous=str(first)))
    report = curate(again, tmp_path / "run", workers=1)
    assert report.notes["sign"]["signed"] == 9  # what the last repository has, and nothing else
    overview = dict(row for section in summary(tmp_path / "run", report) for row in section.rows if len(row) == 2)
    assert overview["of the earlier run"] == "17 of 26 signatures, 2 of 6 measures"
    assert tree(tmp_path / "run") == tree(zero)


@pytest.mark.slow
@pytest.mark.spark
def test_spark_gives_the_same_survivors_after_an_old_run(
    repositories: Path, first: Path, zero: Path, tmp_path: Path
) -> None:
    reason = spark_jars.missing()
    if reason is not None and not os.environ.get("CI"):
        pytest.skip(reason)
    settings = _settings(repositories, *NAMES)
    again = replace(settings, run=replace(settings.run, previous=str(first)))
    curate(again, tmp_path / "run", engine="spark-local", workers=2)
    assert tree(tmp_path / "run") == tree(zero)


@pytest.mark.slow
def test_a_content_that_is_gone_takes_its_duplicates_verdict_with_it(
    repositories: Path, first: Path, zero: Path, tmp_path: Path
) -> None:
    """After a run with the origin, one without it: the mirror's files are nobody's copies any more."""
    settings = _settings(repositories, *NAMES[1:])
    again = replace(settings, run=replace(settings.run, previous=str(zero)))
    curate(again, tmp_path / "again", workers=2)
    curate(settings, tmp_path / "zero", workers=2)
    assert tree(tmp_path / "again") == tree(tmp_path / "zero")
    reasons = decisions(tmp_path / "again")
    assert {reason for name, reason in reasons.items() if name.startswith("mark/mirror:src")} == {"kept"}


@pytest.mark.slow
def test_a_person_can_look_at_a_cluster_its_measures_and_the_difference(zero: Path) -> None:
    done = gleanery("duplicates", "mark/mirror:src/0.py", "--run", str(zero))
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    for word in ("mark/mirror:src/0.py", "olga/origin:src/0.py", "near_duplicate", "yield", "return"):
        assert word in said
    shown = cluster_of(zero, "mark/mirror:src/0.py")
    assert shown.other is not None and shown.other["repo"] == "olga/origin"
    assert [row.kind for row in shown.rows if row.kind not in ("same", "gap")] == ["changed"]
    done = gleanery("duplicates", "pia/part:own_0.py", "--run", str(zero))
    assert "itself" in done.stdout and "olga/origin" not in done.stdout
    done = gleanery("duplicates", "mark/mirror:absent.py", "--run", str(zero))
    assert done.returncode == 1 and "hint:" in done.stderr


@pytest.mark.slow
def test_the_page_and_the_signatures_of_a_run_can_be_written(zero: Path, tmp_path: Path) -> None:
    page, signatures = tmp_path / "page.html", tmp_path / "signatures.parquet"
    done = gleanery("duplicates", "--run", str(zero), "--page", str(page), "--signatures", str(signatures))
    assert done.returncode == 0, done.stderr
    for word in ("olga/origin", "mark/mirror", "near duplicate", "mirror or unmarked fork"):
        assert word in page.read_text("utf-8")
    kept = [row for row in rows(zero, "decisions") if row["reason"] == "kept" and row["path"] == "src/0.py"]
    origin = kept[0]["blob_id"]
    assert origin in load_index(signatures).like(code(0).replace("return", "yield", 1))


@pytest.mark.slow
def test_an_alarm_names_the_cluster_that_takes_a_large_share_with_an_example(zero: Path) -> None:
    alarms = ask(questions()["cluster_alarm"], tables_of(zero), {"share": "0.1", "least": "1"}).to_pylist()
    taken = {(row["of_what"], row["name"]): row for row in alarms if row["name"] == "mark/mirror"}
    example = taken[("repository", "mark/mirror")]
    assert example["example_repo"] == "mark/mirror" and example["kept_repo"] == "olga/origin"
    assert example["example_path"] == example["kept_path"]
