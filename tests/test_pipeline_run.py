"""A whole run of the small corpus: planted truth, equal bytes, kills, and nothing lost."""

import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import small_corpus
import xxhash
from typer.testing import CliRunner

from gleanery.licensing.policy import Policy
from gleanery.optout.registry import Registry
from gleanery.pipeline import spark_jars
from gleanery.pipeline.cli import app
from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import load_settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.stage7_release import make_release, stage_counts
from gleanery.records.errors import StopRun
from gleanery.records.parquet import read_table
from gleanery.records.reasons import REASONS
from gleanery.records.tables import TABLES
from gleanery.release.explain import explain
from gleanery.release.verify import verify
from gleanery.shards.finishing import finish
from gleanery.shards.loader import Loader
from gleanery.shards.store import Store
from gleanery.sql.questions import ask, questions, tables_of

GOLDEN = Path(__file__).parent / "golden/pipeline/decisions.json"
INVENTED = ("maria.beispiel@corp-mail.net", "tr0ub4dor-Horse-Staple", "81.2.69.142", "AKIAZ7QW3M5T2XK4VB6N")
# What a run makes; `work` is how, and the journal has a clock.
PRODUCTS = ("tables", "store", "release")


def rows(root: Path, table: str) -> list[dict[str, Any]]:
    """All rows of a table of a run."""
    found = [read_table(p) for p in sorted((root / "tables" / table).glob("*.parquet"))]
    plain: list[dict[str, Any]] = pa.concat_tables(found).to_pylist() if found else []
    return plain


def tree(root: Path) -> dict[str, str]:
    """The digest of every file that a run made."""
    paths = [p for name in PRODUCTS for p in (root / name).rglob("*") if p.is_file()]
    return {p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(paths)}


def decisions(root: Path) -> dict[str, str]:
    """The reason for each file, by repository and path."""
    names = {r["repo_id"]: r["name"] for r in rows(root, "repos")}
    return {f"{names[d['repo_id']]}:{d['path']}": d["reason"] for d in rows(root, "decisions")}


def test_every_file_gets_the_decision_that_was_planted(curated: Path) -> None:
    found = dict(sorted(decisions(curated).items()))
    if os.environ.get("REWRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    assert found == json.loads(GOLDEN.read_text("utf-8"))


def test_every_table_has_its_schema_and_its_order(curated: Path) -> None:
    for name, table in TABLES.items():
        for path in (curated / "tables" / name).glob("*.parquet"):
            content = read_table(path)
            assert content.schema.equals(table.schema, check_metadata=True), name
            keys = content.select(table.key).to_pylist()
            assert keys == sorted(keys, key=lambda row: tuple(row.values())), path.name


def test_nothing_is_lost_at_any_stage(curated: Path, corpus: Path) -> None:
    report = curate(load_settings(corpus), curated, workers=2)
    assert report.nothing_done
    assert tuple(stage_counts(report.counts)) == ("crawl", "annotate", "cluster", "select", "redact", "pack", "release")
    for counts in report.counts.values():
        assert counts["in"] == counts["kept"] + counts["rejected"] + counts["dead"]
    assert len(rows(curated, "files")) == len(rows(curated, "decisions"))
    for name, question in questions().items():
        if question.must_be_empty:
            assert ask(question, tables_of(curated), {}).num_rows == 0, name


def test_unreadable_sources_become_dead_letters_and_the_run_goes_on(curated: Path) -> None:
    names = {r["repo_id"]: r["name"] for r in rows(curated, "repos")}
    dead = {names[d["id"]] for d in rows(curated, "dead_letters") if d["stage"] == "crawl"}
    assert dead == {"heidi/broken", "ivan/missing"}


def test_of_files_that_became_the_same_text_the_one_with_the_smallest_id_is_released(curated: Path) -> None:
    same = {f["file_id"]: f["path"] for f in rows(curated, "files") if f["path"] in ("to_maria.py", "to_peter.py")}
    first, second = sorted(same)
    released = [d for d in rows(curated, "documents") if d["file_id"] in same]
    assert [d["file_id"] for d in released] == [first] and "text_of_another_document: 1" in released[0]["missing"]
    assert [r["file_id"] for r in rows(curated, "redactions") if r["file_id"] in same] == [first]
    dead = [(d["id"], d["error"]) for d in rows(curated, "dead_letters") if d["stage"] == "redact"]
    assert dead == [(second, "text_of_another_document")]
    told = "\n".join(explain(curated, f"bob/collection:{same[second]}"))
    assert "The stage redact did not pass it on: text_of_another_document." in told


def test_nothing_of_an_opted_out_repository_was_fetched(curated: Path) -> None:
    erin = next(r for r in rows(curated, "repos") if r["name"] == "erin/private-matter")
    assert erin["status"] == "opted_out"
    assert not [f for f in rows(curated, "files") if f["repo_id"] == erin["repo_id"]]


def test_a_release_does_not_say_who_opted_out(curated: Path) -> None:
    manifest = (curated / "release/manifest.json").read_text()
    erin = next(r for r in rows(curated, "repos") if r["name"] == "erin/private-matter")
    assert "private-matter" not in manifest and erin["repo_id"] not in manifest
    for path in (curated / "release").rglob("*.parquet"):
        assert "private-matter" not in str(read_table(path).to_pylist()), path.name
    assert verify(curated / "release").problems == ()


def test_a_release_holds_copyright_lines_only_of_what_it_releases(curated: Path) -> None:
    paths = sorted((curated / "release/tables/license_findings").glob("*.parquet"))
    lines = {line for path in paths for row in read_table(path).to_pylist() for line in row["copyrights"]}
    assert "Copyright (c) 2020 Alice Example" in lines
    assert not [line for line in lines if "Frank" in line]  # his repository carries a declaration; nothing is released


def test_invented_personal_data_stands_nowhere_in_the_release(curated: Path) -> None:
    assert any(INVENTED[1].encode() in b["content"] for b in rows(curated, "blobs"))
    for path in (curated / "release").rglob("*.parquet"):
        assert not [v for v in INVENTED if v in str(read_table(path).to_pylist())], path.name
    notices = gzip.decompress((curated / "release/NOTICES.txt.gz").read_bytes()).decode()
    assert not [v for v in INVENTED if v in notices]
    store = Store.open(curated / "release")
    texts = [store.text(n) for n in range(len(store))]
    assert not [v for v in INVENTED for text in texts if v in text]


def test_every_kept_document_is_rebuilt_exactly_from_its_tokens(curated: Path) -> None:
    store = Store.open(curated / "release")
    texts = {d["file_id"]: d["text"] for d in rows(curated, "documents")}
    docs = sorted(rows(curated, "docs"), key=lambda d: d["ordinal"])
    assert len(docs) == len(texts) == len(store) > 5
    for doc in docs:
        assert store.text(doc["ordinal"]) == texts[doc["file_id"]]
    store.verify()


def test_a_release_is_served_by_repository_and_says_what_each_lacks(curated: Path) -> None:
    batch = next(iter(Loader(curated / "release", context=1 << 16, batch=1, unit="repository")))
    docs = {d["ordinal"]: d for d in rows(curated, "docs")}
    runs = np.searchsorted(batch.cu_seqlens, batch.segments.begin, side="right")
    held = batch.segments.document >= 0
    of: dict[int, set[str]] = {}
    for run, document in zip(runs[held].tolist(), batch.segments.document[held].tolist(), strict=True):
        of.setdefault(run, set()).add(docs[document]["repo_id"])
    assert all(len(repos) == 1 for repos in of.values()) and len(of) == len({d["repo_id"] for d in docs.values()})
    lacks = {d["file_id"]: d["missing"] for d in rows(curated, "decisions") if d["verdict"] == "kept"}
    assert any(lacks.values())
    for doc in docs.values():  # what became the same text is known later than the decisions
        later = [lack for lack in doc["missing"] if lack.startswith("text_of_another_document: ")]
        assert doc["missing"] == lacks[doc["file_id"]] + later


def test_rows_are_shown_as_a_model_sees_them(curated: Path) -> None:
    command = ["rows", str(curated / "release"), "--context", "65536", "--unit", "repository", "--fim-rate", "0"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    for doc in rows(curated, "docs"):
        assert f"<file_sep>{doc['path']}" in done.output
    assert all(c.isprintable() or c == "\n" for c in done.output)
    assert CliRunner().invoke(app, [*command, "--row", "99"]).exit_code == 1


def test_explain_answers_whatever_became_of_a_file_that_any_input_names(curated: Path) -> None:
    # Half a second each: of the files with one reason, the first and the last.
    by_reason: dict[str, list[str]] = {}
    for target, reason in sorted(decisions(curated).items()):
        by_reason.setdefault(reason, []).append(target)
    asked = [(target, reason) for reason, targets in by_reason.items() for target in {targets[0], targets[-1]}]
    assert len(by_reason) > 15
    for target, reason in asked:
        told = "\n".join(explain(curated, target))
        assert REASONS[reason].sentence.rstrip(".") in told, target
    for name in ("erin/private-matter", "heidi/broken", "ivan/missing"):
        assert explain(curated, name)


def test_the_release_is_intact_and_one_changed_byte_is_found(curated: Path, tmp_path: Path) -> None:
    assert verify(curated / "release").problems == ()
    copy = tmp_path / "release"
    shutil.copytree(curated / "release", copy)
    victim = next((copy / "tokens").glob("*.bin"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    assert [p.path for p in verify(copy).problems] == [victim.relative_to(copy).as_posix()]


def test_a_control_token_among_the_tokens_stops_the_release(curated: Path, corpus: Path, tmp_path: Path) -> None:
    root, tokenizer = tmp_path / "run", Store.open(curated / "release").tokenizer
    for name in ("tables", "store"):
        shutil.copytree(curated / name, root / name)
    path = next(p for p in sorted((root / "store/tokens").glob("*.bin")) if p.stat().st_size)
    tokens = np.fromfile(path, "<u2")
    tokens[-1] = tokenizer.control_ids["<fim_middle>"]
    tokens.tofile(path)
    index = root / "store/index" / path.name  # with a checksum that fits, as a fault of the writer would leave it
    index.write_bytes(index.read_bytes()[:-8] + xxhash.xxh3_64_intdigest(path.read_bytes()).to_bytes(8, "little"))
    finish(root / "store", len(list((root / "store/tokens").glob("*.bin"))), tokenizer)
    with pytest.raises(StopRun, match=f"{path.name} holds a control token"):
        payload = {"documents": 1, "policy": Policy.load().version}
        make_release(Shard(root, "release", Task("release", payload), load_settings(corpus)))
    assert not (root / "release/manifest.json").exists()


@pytest.mark.slow
def test_another_folder_and_one_worker_give_the_same_bytes(curated: Path, corpus: Path, tmp_path: Path) -> None:
    curate(load_settings(corpus), tmp_path / "elsewhere", workers=1)
    assert tree(tmp_path / "elsewhere") == tree(curated)


@pytest.mark.slow
def test_the_order_of_the_sources_does_not_change_the_bytes(curated: Path, corpus: Path, tmp_path: Path) -> None:
    head, *sources = corpus.read_text("utf-8").split("[[source]]")
    other = corpus.with_name("reversed.toml")
    other.write_text(head + "".join(f"[[source]]{s}\n" for s in reversed(sources)), "utf-8")
    curate(load_settings(other), tmp_path / "run", workers=2)
    assert tree(tmp_path / "run") == tree(curated)


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_moment_gives_the_same_bytes(curated: Path, corpus: Path, tmp_path: Path) -> None:
    root = tmp_path / "killed"
    command = [sys.executable, "-m", "gleanery.pipeline.cli", "run", str(corpus), "--out", str(root), "--workers", "2"]
    chance, kills = random.Random(2026), 0
    while True:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert process.wait(timeout=chance.uniform(1, 9) if kills < 8 else 300) == 0
            break
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
    assert kills >= 3
    assert tree(root) == tree(curated)


@pytest.mark.slow
def test_a_killed_driver_leaves_no_workers_behind(corpus: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gleanery.pipeline.cli", "run", str(corpus), "--out", str(tmp_path / "run")]
    process = subprocess.Popen([*command, "--workers", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    import psutil

    children: list[Any] = []
    end = time.monotonic() + 60
    while len(children) < 3 and time.monotonic() < end and process.poll() is None:
        children = psutil.Process(process.pid).children(recursive=True)
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert children
    assert psutil.wait_procs(children, timeout=10)[1] == []


@pytest.mark.slow
def test_a_verified_rule_removes_a_repository_from_the_next_run(tmp_path: Path) -> None:
    settings = small_corpus.make(tmp_path / "corpus")
    root = tmp_path / "run"
    registry = Registry.open(f"sqlite:///{settings.parent}/optout.sqlite")
    curate(load_settings(settings), root, workers=2)
    assert any(t.startswith("alice/") and r == "kept" for t, r in decisions(root).items())
    registry.append_rule(scope="repo", value="github.com/alice/tool", action="block")
    with pytest.raises(StopRun, match="opted out since"):
        curate(load_settings(settings), root, workers=2)
    assert not (root / "release/manifest.json").exists()
    curate(load_settings(settings), root, workers=2, refresh_optout=True)
    assert not [t for t in decisions(root) if t.startswith("alice/")]
    assert verify(root / "release").problems == ()


@pytest.mark.slow
def test_sources_are_read_again_where_that_is_asked_for(tmp_path: Path) -> None:
    settings = small_corpus.make(tmp_path / "corpus")
    Registry.open(f"sqlite:///{settings.parent}/optout.sqlite")
    root = tmp_path / "run"
    curate(load_settings(settings), root, workers=2)
    before = tree(root)
    assert curate(load_settings(settings), root, workers=2, recrawl=True).ran == ["crawl"]  # nothing has changed
    assert tree(root) == before
    personal = "mails/erna.erfunden@corp-mail.net.py"
    added = {"src/added.py": small_corpus.code(99), personal: small_corpus.code(98)}
    small_corpus.add_commit(settings.parent / "alice", added)
    assert curate(load_settings(settings), root, workers=2).nothing_done
    report = curate(load_settings(settings), root, workers=2, recrawl=True)
    assert decisions(root)["alice/tool:src/added.py"] == decisions(root)[f"alice/tool:{personal}"] == "kept"
    assert verify(root / "release").problems == ()
    # No model sees an address that stands in a path; the tables keep it, and the run counts it.
    loader = Loader(root / "release", context=1 << 16, batch=1, unit="repository", fim_rate=0.0)
    batch = loader.read(0, 0, loader.rows(0))
    seen = "".join(loader.store.tokenizer.decode(ids) for ids in batch.input_ids)
    assert "src/added.py\n" in seen and "erna.erfunden" not in seen
    assert report.notes["tokens"]["hidden_names"] == 1
    assert personal in {doc["path"] for doc in rows(root, "docs")}


@pytest.mark.slow
def test_a_given_tokenizer_is_taken_with_its_own_names(curated: Path, tmp_path: Path) -> None:
    settings = small_corpus.make(tmp_path / "corpus")
    Registry.open(f"sqlite:///{settings.parent}/optout.sqlite")
    given = (curated / "store/tokenizer.json").read_text("utf-8").replace("<fim_prefix>", "<PRE>")
    (settings.parent / "mine.json").write_text(given, "utf-8")
    own = 'tokenizer = "mine.json"\nsentinels = ["<fim_prefix>=<PRE>"]\ncompression = "lz4"'
    settings.write_text(settings.read_text("utf-8").replace("vocabulary = 600", own), "utf-8")
    curate(load_settings(settings), tmp_path / "run", workers=2)
    store = Store.open(tmp_path / "run/release")
    assert store.description.sentinels["<fim_prefix>"][0] == "<PRE>"
    assert store.description.compression == "lz4"
    texts = {d["file_id"]: d["text"] for d in rows(tmp_path / "run", "documents")}
    assert all(store.text(d["ordinal"]) == texts[d["file_id"]] for d in rows(tmp_path / "run", "docs"))


def test_two_drivers_cannot_write_to_one_folder(curated: Path, corpus: Path) -> None:
    import fcntl

    with open(curated / ".lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StopRun, match="another run"):
            curate(load_settings(corpus), curated)


def test_what_people_put_into_a_release_is_never_lost(curated: Path, corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(curated, tmp_path / "run")
    kept = [tmp_path / "run/release" / name for name in ("removals.jsonl", "docs/signature.asc")]
    for path in kept:
        path.write_text("mine")
    assert curate(load_settings(corpus), tmp_path / "run", workers=1).nothing_done
    settings = corpus.parent / "other-vocabulary.toml"
    settings.write_text(corpus.read_text("utf-8").replace("vocabulary = 600", "vocabulary = 700"), "utf-8")
    with pytest.raises(StopRun, match="holds 2 files that no run made, such as 'docs/signature.asc'"):
        curate(load_settings(settings), tmp_path / "run", workers=1)
    assert [path.read_text() for path in kept] == ["mine", "mine"]


def test_a_run_that_keeps_nothing_says_so_and_leaves_the_release_of_before(
    curated: Path, corpus: Path, tmp_path: Path
) -> None:
    shutil.copytree(curated, tmp_path / "run")
    settings = corpus.parent / "no-such-files.toml"
    settings.write_text(corpus.read_text("utf-8") + '[quality]\nlanguages = ["COBOL"]\n', "utf-8")
    with pytest.raises(StopRun, match="no file was kept"):
        curate(load_settings(settings), tmp_path / "run", workers=1)
    assert verify(tmp_path / "run/release").problems == ()


@pytest.mark.slow
@pytest.mark.spark
def test_spark_and_the_local_engine_give_the_same_bytes(curated: Path, corpus: Path, tmp_path: Path) -> None:
    reason = spark_jars.missing()
    if reason is not None and not os.environ.get("CI"):
        pytest.skip(reason)
    curate(load_settings(corpus), tmp_path / "spark", engine="spark-local", workers=2)
    assert tree(tmp_path / "spark") == tree(curated)
