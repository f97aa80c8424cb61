"""Assembly, notices, manifest and verification of a release folder: any change in it is found."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from run_folder import compare_with_golden, good_rows, write_run, write_store

from gleanery.pipeline.settings import Settings
from gleanery.records.errors import StopRun
from gleanery.records.parquet import read_table, table_of, write_table
from gleanery.release.assemble import TABLES, assemble
from gleanery.release.card import write_card
from gleanery.release.croissant import write_croissant
from gleanery.release.gate import GateResult, gate
from gleanery.release.listing import entries, is_plain_path
from gleanery.release.manifest import build_manifest, canonical, release_id, write_manifest
from gleanery.release.merkle import root_of
from gleanery.release.notice_files import write_notices
from gleanery.release.verify import SENTENCES, Problem, verify
from gleanery.shards.layout import read_store_file
from gleanery.sql.questions import questions, tables_of

GOLDEN = Path(__file__).parent / "golden" / "release"
CONFIG = Settings().public()
FACTS: dict[str, Any] = {
    "config": {"sources": ["/home/somebody/repos/app", "https://example.org/x"], "dedup": {"threshold": 0.7}},
    "tools": {"scancode-toolkit": "32.5.0", "gleanery": "0.1.0"},
    "registry_position": 4,
    "policy": "permissive 1",
    "counts": {"select": {"in": 17, "kept": 8, "rejected": 9}},
    "gate": [],
}


def make_release(folder: Path) -> Path:
    """A whole release from the run in which nothing is wrong."""
    rows = good_rows()
    run = write_run(folder / "run", rows)
    write_store(run, rows)
    finish_release(run, folder / "release")
    return folder / "release"


def finish_release(run: Path, release: Path) -> str:
    assemble(run, release)
    write_notices(release)
    write_card(release, CONFIG, FACTS["policy"], FACTS["registry_position"])
    write_croissant(release, CONFIG, FACTS["policy"])
    return write_manifest(release, build_manifest(release, **FACTS))


def test_a_release_does_not_name_who_opted_out(tmp_path: Path) -> None:
    rows = good_rows()
    run = write_run(tmp_path / "run", rows)
    write_store(run, rows)
    assemble(run, tmp_path / "release")
    repos = read_table(tmp_path / "release/tables/repos/part-00000-of-00001.parquet").to_pylist()
    heard = {row["name"] for row in rows["repos"] if row["status"] == "opted_out"}
    assert heard and {row["name"] for row in repos} == {row["name"] for row in rows["repos"]} - heard


def test_no_file_of_a_release_bears_the_id_of_a_repository_or_is_empty(tmp_path: Path) -> None:
    """A run of few sources has files for each. The id follows from the URL, so a name tells who was left out."""
    rows = good_rows()
    run = write_run(tmp_path / "run", rows)
    write_store(run, rows)
    ids = [row["repo_id"] for row in rows["repos"]]
    of_file = {row["file_id"]: row["repo_id"] for row in rows["files"]}
    for table in ("repos", "files", "license_conclusions", "decisions"):
        shutil.rmtree(run / "tables" / table)
        for repo in ids:
            own = [row for row in rows[table] if repo == (row.get("repo_id") or of_file[row["file_id"]])]
            write_table(run / "tables" / table / f"{repo}.parquet", table, table_of(table, own))
    for repo in ids:
        write_table(run / f"tables/dead_letters/crawl-{repo}.parquet", "dead_letters", table_of("dead_letters", []))
    finish_release(run, tmp_path / "release")
    listed = (tmp_path / "release/manifest.json").read_text()
    assert not [repo for repo in ids if repo in listed]
    tables = tmp_path / "release/tables"
    for table in ("repos", "files", "license_conclusions", "decisions", "dead_letters"):
        names = sorted(path.name for path in (tables / table).iterdir())
        assert names == [f"part-{n:05d}-of-{len(names):05d}.parquet" for n in range(len(names))]
        assert all(read_table(tables / table / name).num_rows for name in names)
    left_out = [row for row in rows["repos"] if row["status"] == "opted_out"]
    assert len(list((tables / "repos").iterdir())) == len(ids) - len(left_out)


def test_an_override_about_a_repository_that_is_left_out_is_not_released(tmp_path: Path) -> None:
    rows = good_rows()
    decided = dict(rows["overrides"][0], override_id="0123456789ab", repository="octo/app")
    rows["overrides"] = [dict(rows["overrides"][0], repository="eve/objector"), decided]
    kept = next(row for row in rows["decisions"] if row["verdict"] == "kept")
    kept["rule"] = "override 0123456789ab: allowed"
    run = write_run(tmp_path / "run", rows)
    write_store(run, rows)
    assemble(run, tmp_path / "release")
    released = read_table(tmp_path / "release/tables/overrides/part-00000-of-00001.parquet")
    assert released["override_id"].to_pylist() == ["0123456789ab"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that no test leaves changed."""
    return make_release(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def release(whole: Path, tmp_path: Path) -> Path:
    """A copy of a release, to be damaged."""
    shutil.copytree(whole, tmp_path / "release")
    return tmp_path / "release"


def test_a_release_holds_what_it_should_and_nothing_else(whole: Path) -> None:
    tops = {entry.path.split("/")[0] for entry in entries(whole)}
    assert tops == {
        *("manifest.json", "tokens", "docs", "tables", "tokenizer.json", "store.json"),
        *("NOTICES.txt.gz", "licenses.csv", "LICENSES", "README.md", "croissant.json"),
    }
    assert {path.name for path in (whole / "tables").iterdir()} == set(TABLES)
    assert {"blobs", "optout_rules"}.isdisjoint(TABLES)


def test_a_whole_release_verifies(whole: Path) -> None:
    seen: list[tuple[int, int]] = []
    result = verify(whole, progress=lambda done, total: seen.append((done, total)))
    assert result.problems == ()
    assert result.files_checked == len(entries(whole)) - 1
    assert seen[-1] == (result.bytes_checked, result.bytes_checked)
    assert verify(whole, expected=result.release_id).problems == ()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_bit_is_found(data: st.DataObject, whole: Path) -> None:
    entry = data.draw(st.sampled_from([entry for entry in entries(whole) if entry.size]))
    place = data.draw(st.integers(0, entry.size - 1))
    bit = data.draw(st.integers(0, 7))
    path, content = whole / entry.path, bytearray((whole / entry.path).read_bytes())
    try:
        changed = bytearray(content)
        changed[place] ^= 1 << bit
        replace(path, bytes(changed))
        problems = verify(whole).problems
        assert problems
        assert entry.path == "manifest.json" or problems == (Problem(entry.path, "changed"),)
    finally:
        replace(path, bytes(content))


def replace(path: Path, content: bytes) -> None:
    """Writes a new file: the old one may be linked to a run's."""
    path.unlink()
    path.write_bytes(content)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_missing_or_shortened_file_is_found(data: st.DataObject, whole: Path) -> None:
    entry = data.draw(st.sampled_from([entry for entry in entries(whole) if entry.path != "manifest.json"]))
    kept = data.draw(st.one_of(st.none(), st.integers(0, max(0, entry.size - 1))))
    path, content = whole / entry.path, (whole / entry.path).read_bytes()
    path.unlink()
    try:
        if kept is not None:
            path.write_bytes(content[:kept])
        assert verify(whole).problems == (Problem(entry.path, "missing" if kept is None else "changed"),)
    finally:
        path.unlink(missing_ok=True)
        path.write_bytes(content)


def add_file(release: Path) -> None:
    (release / "tables" / "extra.txt").write_text("x")


def add_hidden_file(release: Path) -> None:
    (release / ".hidden").write_text("")


def add_link(release: Path) -> None:
    (release / "tables" / "passwd").symlink_to("/etc/passwd")


def file_becomes_link(release: Path) -> None:
    (release / "store.json").rename(release.parent / "store.json")
    (release / "store.json").symlink_to(release.parent / "store.json")


def folder_becomes_link(release: Path) -> None:
    (release / "docs").rename(release.parent / "docs")
    (release / "docs").symlink_to(release.parent / "docs")


def file_becomes_pipe(release: Path) -> None:
    (release / "store.json").unlink()
    os.mkfifo(release / "store.json")


def no_manifest(release: Path) -> None:
    (release / "manifest.json").unlink()


def manifest_is_link(release: Path) -> None:
    (release / "manifest.json").rename(release.parent / "manifest.json")
    (release / "manifest.json").symlink_to(release.parent / "manifest.json")


def manifest_is(text: str) -> Callable[[Path], None]:
    return lambda release: replace(release / "manifest.json", text.encode())


def respelled(release: Path) -> None:
    content = json.loads((release / "manifest.json").read_bytes())
    replace(release / "manifest.json", json.dumps(content).encode())


def edited(change: Callable[[dict[str, Any]], None], signed: bool = False) -> Callable[[Path], None]:
    """Edits the manifest; `signed` makes its release_id and root fit again, as a careful forger would."""

    def edit(release: Path) -> None:
        content = json.loads((release / "manifest.json").read_bytes())
        change(content)
        if signed:
            content["release_id"] = release_id(content)
        replace(release / "manifest.json", canonical(content))

    return edit


def rename_first(path: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["files"][0].update(path=path)


DAMAGES: dict[str, tuple[Callable[[Path], None], set[tuple[str, str]]]] = {
    "additional file": (add_file, {("tables/extra.txt", "unexpected")}),
    "additional hidden file": (add_hidden_file, {(".hidden", "unexpected")}),
    "additional link": (add_link, {("tables/passwd", "link")}),
    "file becomes a link": (file_becomes_link, {("store.json", "link")}),
    "folder becomes a link": (
        folder_becomes_link,
        {("docs", "link"), ("docs/part-00000-of-00001.parquet", "missing")},
    ),
    "file becomes a pipe": (file_becomes_pipe, {("store.json", "not_a_file")}),
    "no manifest": (no_manifest, {("manifest.json", "manifest_missing")}),
    "manifest is a link": (manifest_is_link, {("manifest.json", "manifest_unreadable")}),
    "manifest is empty": (manifest_is(""), {("manifest.json", "manifest_unreadable")}),
    "manifest is deep": (manifest_is("[" * 100_000), {("manifest.json", "manifest_unreadable")}),
    "manifest is a list": (manifest_is("[]"), {("manifest.json", "manifest_unreadable")}),
    "manifest has no number": (manifest_is('{"a": NaN}'), {("manifest.json", "manifest_unreadable")}),
    "manifest respelled": (respelled, {("manifest.json", "manifest_changed")}),
    "policy edited": (edited(lambda content: content.update(policy="all")), {("manifest.json", "manifest_changed")}),
    "root edited": (
        edited(lambda content: content.update(merkle_root="0" * 64), signed=True),
        {("manifest.json", "manifest_changed")},
    ),
    "entry without digest": (
        edited(lambda content: content["files"][0].pop("sha256"), signed=True),
        {("manifest.json", "manifest_unreadable")},
    ),
    "size is not a number": (
        edited(lambda content: content["files"][0].update(bytes=True), signed=True),
        {("manifest.json", "manifest_unreadable")},
    ),
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_damage_is_named(damage: str, release: Path) -> None:
    harm, expected = DAMAGES[damage]
    harm(release)
    problems = verify(release).problems
    assert {(problem.path, problem.what) for problem in problems} == expected
    assert all(problem.sentence.startswith(problem.path) for problem in problems)


HOSTILE_PATHS = [
    *("../x", "/etc/passwd", "a/../../x", "", ".", "./a", "a//b", "a/", "C:\\x", "a\x00b", "a\nb", "manifest.json"),
    *("\ud800", "x" * 5000, "docs/../manifest.json"),
]


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_a_hostile_path_in_the_manifest_is_refused(path: str, release: Path) -> None:
    outside = release.parent / "x"
    outside.write_text("secret")
    edited(rename_first(path), signed=True)(release)
    problems = verify(release).problems
    assert "unsafe_path" in {problem.what for problem in problems}
    assert all(problem.path.isprintable() for problem in problems)
    assert not is_plain_path(path) or path == "manifest.json"


def test_a_path_that_is_not_text_is_no_manifest(release: Path) -> None:
    edited(rename_first(7), signed=True)(release)
    assert [problem.what for problem in verify(release).problems] == ["manifest_unreadable"]


def test_a_file_named_twice_is_refused(release: Path) -> None:
    edited(lambda content: content["files"].append(content["files"][0]), signed=True)(release)
    assert "unsafe_path" in {problem.what for problem in verify(release).problems}


def test_a_manifest_made_anew_is_found_by_its_name(release: Path) -> None:
    before = verify(release).release_id
    (release / "store.json").unlink()
    write_manifest(release, build_manifest(release, **FACTS))
    assert verify(release).problems == ()
    assert verify(release, expected=before).problems == (Problem("manifest.json", "another_release"),)


def test_the_folder_of_a_run_is_told_from_that_of_its_release(release: Path) -> None:
    for open_folder in (verify, read_store_file):
        with pytest.raises(StopRun) as error:
            open_folder(release.parent)
        assert str(release) in error.value.hint


def test_every_problem_has_its_sentence_in_the_reference() -> None:
    text = (Path(__file__).parents[1] / "docs" / "reference" / "release.md").read_text()
    assert [what for what in SENTENCES if f"`{what}`" not in text] == []


def test_what_is_not_a_folder_cannot_be_verified(tmp_path: Path) -> None:
    with pytest.raises(StopRun, match="not a folder"):
        verify(tmp_path / "nothing")


def test_the_manifest_is_the_same_on_every_machine(whole: Path, tmp_path: Path) -> None:
    again = make_release(tmp_path / "another place")
    assert (again / "manifest.json").read_bytes() == (whole / "manifest.json").read_bytes()
    text = (whole / "manifest.json").read_text()
    assert str(tmp_path) not in text and "/home/" not in text
    assert text.endswith("}\n") and not text.endswith("\n\n")


def test_a_manifest_looks_as_expected(tmp_path: Path) -> None:
    (tmp_path / "tokens").mkdir()
    (tmp_path / "tokens" / "part-00000-of-00001.bin").write_bytes(b"\x01\x00\x02\x00")
    (tmp_path / "store.json").write_text("{}\n")
    passed = [GateResult(question, 0, ()) for question in questions().values() if question.must_be_empty]
    compare_with_golden(GOLDEN / "manifest.json", build_manifest(tmp_path, **FACTS | {"gate": passed}).decode())


def test_the_name_of_a_release_depends_on_every_fact(whole: Path) -> None:
    first = json.loads(build_manifest(whole, **FACTS))["release_id"]
    others = {"policy": "permissive 2", "registry_position": 5, "tools": {}, "counts": {}, "config": {"seed": 1}}
    ids = {json.loads(build_manifest(whole, **FACTS | {key: value}))["release_id"] for key, value in others.items()}
    assert len(ids | {first}) == len(others) + 1


def test_a_manifest_is_not_made_over_a_link(release: Path) -> None:
    add_link(release)
    with pytest.raises(StopRun, match="plain file"):
        build_manifest(release, **FACTS)


def test_a_failed_gate_gives_no_manifest(release: Path) -> None:
    failed = GateResult(questions()["leaks"], 3, ({"repo": "octo/app"},))
    (release / "manifest.json").unlink()
    with pytest.raises(StopRun, match=r"leaks \(3 rows\)"):
        build_manifest(release, **FACTS | {"gate": [failed]})
    assert not (release / "manifest.json").exists()


# The leaves and roots that the reference implementation of certificate transparency publishes.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("count", range(len(ROOTS)))
def test_the_tree_is_that_of_rfc_6962(count: int) -> None:
    assert root_of(bytes.fromhex(leaf) for leaf in LEAVES[:count]).hex() == ROOTS[count]


def test_the_notices_name_every_released_repository(whole: Path) -> None:
    text = gzip.decompress((whole / "NOTICES.txt.gz").read_bytes()).decode()
    compare_with_golden(GOLDEN / "NOTICES.txt", text)
    compare_with_golden(GOLDEN / "licenses.csv", (whole / "licenses.csv").read_text())
    assert "dog/gpl" not in text and "eve/objector" not in text  # nothing of them is released
    assert "\x1b" not in text


def test_the_tables_of_a_release_stand_alone(whole: Path) -> None:
    assert set(tables_of(whole)) == {*TABLES, "docs"}


def test_assembling_again_takes_out_what_the_run_no_longer_has(release: Path, tmp_path: Path) -> None:
    rows = good_rows()
    run = write_run(tmp_path / "run", rows)
    write_store(run, rows)
    stale = [release / "tables" / "blobs" / "old.parquet", release / "tokens" / ".x.bin.1.tmp", release / ".a.1.tmp"]
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text("stale")
    (release / "README.md").write_text("mine")
    assemble(run, release)
    assert not any(path.exists() for path in stale)
    assert (release / "README.md").read_text() == "mine"
    assert not (release / "manifest.json").exists()


def test_a_release_is_linked_and_not_copied(tmp_path: Path) -> None:
    make_release(tmp_path)
    released = tmp_path / "release/tables/documents/part-00000-of-00001.parquet"
    assert released.samefile(tmp_path / "run/tables/documents/part-00000.parquet")


def test_a_part_of_the_documents_without_a_row_is_not_released(tmp_path: Path) -> None:
    """`datasets` cannot open it; every repository of which nothing is kept makes one."""
    rows = good_rows()
    run = write_run(tmp_path / "run", rows)
    write_store(run, rows)
    parts, released = run / "tables/documents", tmp_path / "release/tables/documents"
    whole = next(parts.iterdir())
    write_table(parts / "a.parquet", "documents", table_of("documents", []))
    assemble(run, tmp_path / "release")
    assert [path.samefile(whole) for path in released.iterdir()] == [True]
    whole.unlink()
    assemble(run, tmp_path / "release")
    assert [path.samefile(parts / "a.parquet") for path in released.iterdir()] == [True]


@pytest.mark.parametrize("missing", ["tables/repos", "store/store.json"])
def test_a_run_that_is_not_finished_is_not_assembled(missing: str, tmp_path: Path) -> None:
    rows = good_rows()
    run = write_run(tmp_path / "run", rows)
    write_store(run, rows)
    gone = run / missing
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    with pytest.raises(StopRun, match=missing.rpartition("/")[2]):
        assemble(run, tmp_path / "release")


KILLED = """
import os, signal, sys
from pathlib import Path
from gleanery.release.assemble import assemble
run, folder, steps = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
for step in range(steps):
    child = os.fork()
    if not child:
        left, real = step, os.replace
        def replace(source, target):
            global left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            real(source, target)
        os.replace = replace
        assemble(run, folder / str(step))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_killed_assembly_leaves_nothing_that_verifies(whole: Path, tmp_path: Path) -> None:
    rows = good_rows()
    rows["dead_letters"][0]["hint"] = "the run was made again"
    run = write_run(tmp_path / "run", rows)
    write_store(run, rows)
    steps = 18  # as many files are put in place
    for step in range(steps):
        shutil.copytree(whole, tmp_path / str(step))
    command = [sys.executable, "-c", KILLED, str(run), str(tmp_path), str(steps)]
    codes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert codes == [str(-int(signal.SIGKILL))] * steps
    for folder in _folders(tmp_path, steps):
        assert verify(folder).problems
    ids = {finish_release(run, folder) for folder in _folders(tmp_path, 3)}
    assert len(ids) == 1
    assert all(verify(folder).problems == () for folder in _folders(tmp_path, 3))


def _folders(parent: Path, count: int) -> Iterator[Path]:
    return (parent / str(step) for step in range(count))


def test_the_gate_lets_a_good_run_and_its_release_pass(whole: Path) -> None:
    run = whole.parent / "run"
    must_be_empty = [name for name, question in questions().items() if question.must_be_empty]
    assert [(r.question.name, r.rows, r.asked) for r in gate(run)] == [(name, 0, True) for name in must_be_empty]
    of_release = {r.question.name: (r.rows, r.asked) for r in gate(whole)}
    assert of_release == {name: (0, name != "leaks") for name in must_be_empty}


def test_the_gate_stops_a_leak(tmp_path: Path) -> None:
    rows = good_rows()
    blocked = {"seq": 9, "scope": "repo", "value": "github.com/octo/app", "action": "block", "request_id": None}
    rows["optout_rules"].append(blocked)
    results = {result.question.name: result for result in gate(write_run(tmp_path / "run", rows))}
    assert results["leaks"].rows == 6
    assert results["leaks"].sample[0]["repo"] == "octo/app"
    assert sum(result.rows for result in results.values()) == 6


def test_the_gate_does_not_pass_over_a_missing_table(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", good_rows())
    shutil.rmtree(run / "tables" / "optout_rules")
    with pytest.raises(StopRun, match="optout_rules"):
        gate(run)


def test_the_gate_counts_many_rows_and_shows_few(tmp_path: Path) -> None:
    rows = good_rows()
    for number in range(25_000):
        ident = f"{number:032x}"
        rows["files"].append(dict(file_id=ident, repo_id="nobody", path=ident, mode="100644", size=0, skipped="binary"))
    results = {result.question.name: result for result in gate(write_run(tmp_path / "run", rows))}
    assert results["conservation"].rows == 50_000  # without a decision, and of an unknown repository
    assert len(results["conservation"].sample) == 10
