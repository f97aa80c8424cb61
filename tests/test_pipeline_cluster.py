"""Stage 3 on contents alone: the classes that it finds, and that neither parts nor an earlier run change a byte."""

import hashlib
import importlib
import itertools
import random
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_corpus import MIT, code

from gleanery.dedup.keeper import Copy, Link, settle
from gleanery.dedup.origin import packed_ranks, packed_ties
from gleanery.pipeline import stage3_candidates, stage3_sign
from gleanery.pipeline.arrays import Blocks, map_arrays, write_arrays
from gleanery.pipeline.exchange import part_name, write_sorted
from gleanery.pipeline.markers import Marker, write_marker
from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import DedupSettings, RunSettings, Settings
from gleanery.pipeline.shard import Shard, Task
from gleanery.pipeline.stage3_cluster import STEPS
from gleanery.pipeline.stage3_witnesses import LICENCE, OBJECTION, WEAK, mark_witnesses, standing, witness_kinds
from gleanery.quality.decoding import decode
from gleanery.records.errors import StopRun
from gleanery.records.ids import blob_id, partition
from gleanery.records.parquet import Written, describe, read_table, table_of, write_table

Files = dict[str, str]  # content by a name of it
JUDGED_FILE: dict[str, Any] = {"file_id": "0" * 32, "path": "a.py", "reason": "kept"}
JUDGED_FILE |= {"restricted": False, "opted_out": False, "fork": False, "vendored": False}
JUDGED_FILE |= {"own_license": True, "complete": True, "repo_id": "0" * 32, "repo_files": 1}
TIMES = ((3, 9), (2, 5), (1, 5), (0, None))  # of the first commits behind the copies of a content


def stage(
    root: Path,
    files: Mapping[str, str | bytes],
    given_settings: Settings | None = None,
    parts: int = 4,
    aged: bool = False,
) -> dict[str, dict[str, int]]:
    """Run the stage on some contents; the notes of each step. `aged`: that of the smallest name is the oldest."""
    rows: list[dict[str, dict[str, Any]]] = [{} for _ in range(parts)]
    for name, text in sorted(files.items(), reverse=True):
        content = text.encode() if isinstance(text, str) else text
        ident, encoding = blob_id(content), decode(content)[1]
        about = {"blob_id": ident, "size": len(content), "encoding": encoding, "names": [name], "content": content}
        rows[partition(ident, parts)].setdefault(ident, about)
    outputs = {}
    for part, found in enumerate(rows):
        path = root / f"tables/blobs/{part_name(part, parts)}.parquet"
        outputs[path.relative_to(root).as_posix()] = write_table(path, "blobs", table_of("blobs", found.values()))
    if aged:
        names = {row["names"][0]: blob for found in rows for blob, row in found.items()}
        judged = [JUDGED_FILE | {"blob_id": names[n], "first_commit_at": k} for k, n in enumerate(sorted(names))]
        columns = pa.Table.from_pylist(judged, schema=pa.Table.from_pylist([JUDGED_FILE | judged[0]]).schema)
        write_sorted(root / "work/judge/data/all.parquet", columns, "blob_id")
    plan, notes = given_settings or Settings(), dict[str, dict[str, int]]()
    markers = {"gather": Marker("", outputs, {}, {}), "judge": Marker("", {}, {}, {})}
    for name, marker in markers.items():
        write_marker(root, name, marker)
    for make in STEPS:
        step = make(plan, markers)
        module, name = step.work.split(":")
        work = getattr(importlib.import_module(module), name)
        notes[step.name], kept, made = {}, 0, dict[str, Written]()
        for task in step.tasks:
            shard = Shard(root, step.name, task, plan)
            work(shard)
            assert shard.counts["in"] == shard.counts["kept"] + shard.counts["rejected"] + shard.counts["dead"]
            kept, made = kept + shard.counts["kept"], made | shard.outputs
            for key, value in shard.notes.items():
                notes[step.name][key] = notes[step.name].get(key, 0) + value
        reads = {below: markers[below].digest for below in step.reads}
        markers[step.name] = Marker("", made, {"kept": kept}, {}, reads=reads)
        write_marker(root, step.name, markers[step.name])
    return notes


def table(root: Path, name: str) -> list[dict[str, Any]]:
    """All rows of a table."""
    plain: list[dict[str, Any]] = pa.concat_tables(
        read_table(path) for path in sorted((root / "tables" / name).glob("*.parquet"))
    ).to_pylist()
    return sorted(plain, key=str)


def digests(root: Path) -> dict[str, str]:
    """Every file of the tables."""
    paths = sorted((root / "tables").rglob("*.parquet"))
    return {p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def some_files(count: int, copies: int = 0) -> Files:
    """Files that nothing else resembles, and copies of them with one changed line."""
    files = {f"own_{n}.py": code(n) for n in range(count)}
    return files | {f"copy_{n}.py": code(n).replace("return", "yield", 1) for n in range(copies)}


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with one pair of each class."""
    files = some_files(4)
    files["near.py"] = code(0).replace("return", "yield", 1)
    files["laid_out.py"] = "# A comment that is longer than the code around it\n" * 40 + code(1).replace("    ", "\t")
    files["renamed.py"] = re.sub(r"\b([a-z]+_[a-z]+_\d+)\b", r"other_\1", code(2))
    files["pasted.py"] = "\n".join(code(100 + n, 10) for n in range(8)) + code(3)
    root = tmp_path_factory.mktemp("kinds")
    stage(root, files)
    return root


def test_each_class_is_found_with_its_measure(kinds: Path) -> None:
    names = {row["blob_id"]: row["names"][0] for row in table(kinds, "blobs")}
    pairs = table(kinds, "pairs")
    found = {row["sameness"]: row for row in pairs if row["sameness"] != "none"}
    members = {k: {names[row["left_blob_id"]], names[row["right_blob_id"]]} for k, row in found.items()}
    assert members == {
        "near": {"own_0.py", "near.py"},
        "normalised": {"own_1.py", "laid_out.py"},
        "renamed": {"own_2.py", "renamed.py"},
        "contained": {"own_3.py", "pasted.py"},
    }
    assert found["contained"]["containment"] == found["contained"]["similarity"] > 0.95 > found["contained"]["jaccard"]
    assert names[found["contained"]["inner_blob_id"]] == "own_3.py"
    assert found["normalised"]["jaccard"] < 1 and found["normalised"]["same_normal_form"]
    assert 0.7 < found["near"]["jaccard"] < 1 and found["renamed"]["jaccard"] < 0.1
    assert {k: (row["duplicate"], row["bars"]) for k, row in found.items()} == {
        "near": (True, True),
        "normalised": (True, True),
        "renamed": (False, True),
        "contained": (False, True),
    }
    assert {names[row["blob_id"]] for row in table(kinds, "clusters")} == set().union(*members.values())


def test_short_files_with_other_code_under_the_same_licence_header_are_no_duplicates(tmp_path: Path) -> None:
    terms = MIT.format(year=2020, holder="Ada Invented")
    header = "".join(f"# {line}\n" for line in terms.splitlines())
    short = {f"short_{n}.py": header + code(n, 1) for n in range(3)}
    stage(
        tmp_path,
        {**short, "copy.py": header + code(0, 1).replace("return", "yield"), "notes.py": header, "LICENSE": terms},
    )
    stage(tmp_path / "other", {"one.py": header, "two.py": header.replace("2020", "2021")})
    names = {row["blob_id"]: row["names"][0] for row in table(tmp_path, "blobs")}
    pairs = {frozenset((names[r["left_blob_id"]], names[r["right_blob_id"]])): r for r in table(tmp_path, "pairs")}
    assert {two for two, row in pairs.items() if row["bars"]} == {frozenset(("short_0.py", "copy.py"))}
    assert pairs[frozenset(("LICENSE", "short_0.py"))]["jaccard"] > 0.6
    unlike = pairs[frozenset(("short_1.py", "short_2.py"))]  # few are measured, whatever code they have in common
    assert (unlike["sameness"], unlike["jaccard"] > 0.7, unlike["containment"]) == ("none", True, 0)
    assert [row["sameness"] for row in table(tmp_path / "other", "pairs")] == ["near"]  # nothing but comments
    stage(tmp_path / "asked", short, replace(Settings(), dedup=DedupSettings(near_code=0.0)))
    assert [row["sameness"] for row in table(tmp_path / "asked", "pairs")] == ["near"] * 3


def test_short_files_whose_code_begins_alike_are_no_duplicates(tmp_path: Path) -> None:
    """One header, the same imports and the frame of a class; what the class says is said once."""
    header = "".join(f"// {line}\n" for line in MIT.format(year=2020, holder="Ada Invented").splitlines())
    frame = "using System;\nusing System.Collections;\nnamespace Invented.Garden.Tools\n{\n    public class "
    said = (
        "Spade { public int Depth { get; set; } public bool Blunt; }",
        "Rake { string Name(Leaf leaf) => leaf.Text + Teeth; }",
    )
    found = _measured(tmp_path, {f"{n}.cs": f"{header}{frame}{text}\n}}\n" for n, text in enumerate(said)})
    pair = found["0.cs 1.cs"]
    assert (pair["sameness"], pair["jaccard"] > 0.7, pair["shared_code"] > 0.3) == ("none", True, True)


def test_many_short_files_under_one_licence_header_make_no_pairs_but_those_with_code_in_common(tmp_path: Path) -> None:
    header = "".join(f"# {line}\n" for line in MIT.format(year=2020, holder="Ada Invented").splitlines())
    short = {f"short_{n}.py": header + code(n, 1) for n in range(200)}
    copies = {f"copy_{n}.py": header + code(n, 1).replace("return", "yield") for n in range(20)}
    stage(tmp_path, short | copies)
    names = {row["blob_id"]: row["names"][0] for row in table(tmp_path, "blobs")}
    pairs = table(tmp_path, "pairs")
    near = {frozenset((names[r["left_blob_id"]], names[r["right_blob_id"]])) for r in pairs if r["sameness"] == "near"}
    assert near == {frozenset((f"short_{n}.py", f"copy_{n}.py")) for n in range(20)}
    assert len(pairs) < 5 * len(short)  # of 24,000 that are alike at 0.7 or above


def _measured(root: Path, files: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The row of each pair of some files, by both names."""
    stage(root, files)
    names = {row["blob_id"]: row["names"][0] for row in table(root, "blobs")}
    both = {" ".join(sorted((names[r["left_blob_id"]], names[r["right_blob_id"]]))): r for r in table(root, "pairs")}
    assert len(both) == len(table(root, "pairs"))
    return both


def test_a_line_of_code_under_a_header_is_code_too(tmp_path: Path) -> None:
    """Too short for a normal form and for a shingle: such files are the same if their code is."""
    header = "".join(f"// {line}\n" for line in MIT.format(year=2020, holder="Ada Invented").splitlines())
    files = {"a.ts": "export * from './alpha';", "b.ts": "export * from './beta';", "c.h": '#include "gamma.h"'}
    files |= {"d.ts": "export *\n from './alpha';", "e.ts": "export const one = parse(alpha, beta) + gamma * 7;"}
    found = _measured(tmp_path, {name: f"{header}{text}\n" for name, text in files.items()})
    assert {two for two, row in found.items() if row["sameness"] != "none"} == {"a.ts d.ts"}
    assert all(row["jaccard"] > 0.7 for row in found.values()) and len(found) == 10
    assert found["a.ts d.ts"]["duplicate"] and not found["a.ts d.ts"]["same_normal_form"]


APACHE = [f"Copyright 2021 The Invented Authors, see http{n}://example.com/licenses/{n}" for n in range(12)]


@pytest.mark.parametrize(
    ("ending", "begin", "mark", "end"),
    [
        ("thrift", "", "# ", ""),
        ("hx", "/*", " * ", " */"),
        ("properties", "", "# ", ""),
        ("lua", "--[[", "", "]]"),
        ("hs", "{-", "", "-}"),
        ("ps1", "<#", "", "#>"),
        ("m", "", "% ", ""),
        ("unheard", "", "## ", ""),
        ("unheard", "/*", " * ", " */"),
    ],
)
def test_a_licence_header_makes_no_copies_in_any_language(
    ending: str, begin: str, mark: str, end: str, tmp_path: Path
) -> None:
    head = "\n".join([begin, *(f"{mark}{line}" for line in APACHE), end]).strip("\n")
    bodies = [code(n, 1) for n in range(3)] + ["\n".join(code(100 + n) for n in range(3))]
    files = {f"f{n}.{ending}": f"{head}\n\n{body}" for n, body in enumerate(bodies)}
    stage(tmp_path, files | {f"head.{ending}": head, "other.md": f"<!--\n{head}\n-->\n{code(7, 1)}", "LICENSE": head})
    assert [row for row in table(tmp_path, "pairs") if row["bars"]] == []


def test_files_of_two_kinds_are_alike_only_by_what_is_code_in_both(tmp_path: Path) -> None:
    """A reader that took a comment of one for code would find it in the whole text of the other."""
    head = "\n".join(f"// {line}" for line in APACHE)
    files = {"a.hs": f"{head}\n{code(1, 1)}", "b.go": f"{head}\n{code(2, 1)}"}
    found = _measured(tmp_path, files)
    assert not any(row["bars"] for row in found.values())
    stage(tmp_path / "same", {"a.go": code(1), "b.hs": code(1).replace("return", "yield", 1)})
    assert [row["sameness"] for row in table(tmp_path / "same", "pairs")] == ["near"]


def test_what_one_file_says_as_code_and_the_other_as_a_comment_is_the_same(tmp_path: Path) -> None:
    """Commented out, or behind a sign that a reader of tokens takes for the begin of a comment."""
    calls = "".join(f"call_{n} = fetch_{n}(row_{n}, {n}) + part_{n};\n" for n in range(60))
    out = "".join(f"# {line}\n" for line in code(1).splitlines())
    files = {"a.py": code(1), "out.py": out, "tail.py": out + "print('see above')\n"}
    files |= {"a.groovy": calls, "swallowed.groovy": f"files = glob(path, ~/[/*]x/)\n{calls}rest = ~/[*/]y/\n"}
    found = _measured(tmp_path, files)
    expected = ["a.groovy swallowed.groovy", "a.py out.py", "a.py tail.py"]
    assert [two for two in sorted(found) if two in expected] == expected
    for two in expected:
        assert (found[two]["sameness"], found[two]["bars"]) == ("near", True)
        assert found[two]["containment"] < 0.2 < 0.9 < found[two]["shared_code"]


def test_files_of_which_little_was_read_as_code_are_not_dropped_for_equal_forms(tmp_path: Path) -> None:
    """What was set aside may be their code; or long comments, and then nothing is lost by keeping both."""
    head, tail = "import path\nfiles = glob(path, ~/[/*]x/)\n", "rest = glob(path, ~/[*/]y/)\n"
    files = {f"{name}.groovy": head + code(n) + tail for n, name in enumerate(("copy", "watch"))}
    row = _measured(tmp_path, files)["copy.groovy watch.groovy"]
    assert row["same_normal_form"] and not row["forms_tell"]
    assert (row["sameness"], row["duplicate"], row["bars"]) == ("normalised", False, True)


def test_a_short_file_stands_in_no_other_by_chance(tmp_path: Path) -> None:
    long = code(1, 12)
    short = "\n".join(long.splitlines()[:4])
    stage(tmp_path, {"long.py": long, "short.py": short, "longer.py": "\n".join(long.splitlines()[:45])})
    names = {row["blob_id"]: row["names"][0] for row in table(tmp_path, "blobs")}
    found = {
        frozenset((names[r["left_blob_id"]], names[r["right_blob_id"]])) for r in table(tmp_path, "pairs") if r["bars"]
    }
    assert found == {frozenset(("long.py", "longer.py"))}


def test_a_class_that_is_only_recorded_joins_nothing(tmp_path: Path) -> None:
    plan = replace(Settings(), dedup=DedupSettings(near="record", normalised="record", contained="record"))
    stage(tmp_path, some_files(3, 2), plan)
    assert len([row for row in table(tmp_path, "pairs") if row["sameness"] != "none"]) == 2
    assert table(tmp_path, "clusters") == []


def test_the_number_of_parts_changes_no_row(kinds: Path, tmp_path: Path) -> None:
    files = {row["names"][0]: row["content"].decode() for row in table(kinds, "blobs")}
    for parts in (1, 16):
        stage(tmp_path / str(parts), files, parts=parts)
        for name in ("signatures", "pairs", "clusters"):
            assert table(tmp_path / str(parts), name) == table(kinds, name)


def test_keys_that_are_taken_a_few_at_once_give_the_same_pairs(
    kinds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a run of many millions, whose keys of one band do not fit into a worker."""
    monkeypatch.setattr(stage3_candidates, "ROWS_AT_ONCE", 3)
    stage(tmp_path, {row["names"][0]: row["content"].decode() for row in table(kinds, "blobs")})
    assert len(list((tmp_path / "work/candidates/data").glob("band-*.arrays"))) == (42 + 2) * 3
    assert digests(tmp_path) == digests(kinds)


def test_few_large_files_have_as_many_tasks_as_their_samples_need(tmp_path: Path) -> None:
    """A file of a megabyte has thousands of sampled hashes, where a usual one has 40."""

    def slices(sampled: int) -> int:
        marker = Marker("", {}, {"kept": 300}, {"sampled": sampled})
        step = stage3_candidates.candidates_step(Settings(), {"sign": marker})
        return sum(task.name.startswith("sample") for task in step.tasks)

    assert (slices(300 * 40), slices(300 * 8000)) == (2, 4)
    shard = stage(tmp_path, {"long.py": code(1, 400)})["sign"]
    assert shard["sampled"] > 100


def test_prints_that_are_made_a_few_at_once_are_the_same(
    kinds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a part of many small files."""
    monkeypatch.setattr(stage3_sign, "PRINTS_AT_ONCE", 3)
    stage(tmp_path, {row["names"][0]: row["content"].decode() for row in table(kinds, "blobs")}, parts=1)
    assert all(table(tmp_path, name) == table(kinds, name) for name in ("signatures", "pairs", "clusters"))
    path = tmp_path / "tables/signatures/part-00000-of-00001.parquet"
    assert pq.read_metadata(path).num_row_groups == -(-len(table(kinds, "blobs")) // 3)


@given(st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9)), st.sampled_from([1, 2, 8]), st.booleans())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("at_once", [stage3_sign.PRINTS_AT_ONCE, 2])
def test_a_run_after_another_gives_the_bytes_of_a_run_from_zero(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
    before: set[int],
    after: set[int],
    parts: int,
    renamed: bool,
) -> None:
    monkeypatch.setattr(stage3_sign, "PRINTS_AT_ONCE", at_once)
    pool = list(some_files(5, 5).items())
    old, new = ({pool[n][0]: pool[n][1] for n in chosen} for chosen in (before, after))
    if renamed:  # other names may mean other comments, so that a print has to be made again
        new = {name.replace(".py", ".c"): text for name, text in new.items()}
    root = tmp_path_factory.mktemp("runs")
    stage(root / "old", old, parts=parts)
    stage(root / "zero", new)
    notes = stage(root / "again", new, replace(Settings(), run=RunSettings(previous=str(root / "old"))))
    assert digests(root / "zero") == digests(root / "again")
    assert notes["sign"]["signed"] == (len(new) if renamed else len(after - before))


def test_only_what_is_new_is_signed_and_measured(tmp_path: Path) -> None:
    stage(tmp_path / "old", some_files(10, 4))
    plan = replace(Settings(), run=RunSettings(previous=str(tmp_path / "old")))
    notes = stage(tmp_path / "new", some_files(10, 5), plan)
    assert (notes["sign"]["signed"], notes["pairs"]["remembered"], notes["verify"]["measured"]) == (1, 4, 1)


def test_an_earlier_run_by_other_rules_says_nothing(tmp_path: Path) -> None:
    stage(tmp_path / "old", some_files(3, 2), replace(Settings(), dedup=DedupSettings(shingle_tokens=4)))
    plan = replace(Settings(), run=RunSettings(previous=str(tmp_path / "old")))
    notes = stage(tmp_path / "new", some_files(3, 2), plan)
    assert notes["sign"]["signed"] == 5 and notes["pairs"]["remembered"] == 0


def test_an_earlier_run_that_was_stopped_when_half_of_it_was_made_anew_says_nothing_wrong(tmp_path: Path) -> None:
    """Signed anew by other rules, and stopped before the pairs were: its signatures are used, its pairs are not."""
    files, other = some_files(6, 3), replace(Settings(), dedup=DedupSettings(shingle_tokens=2))
    stage(tmp_path / "old", files)
    stage(tmp_path / "zero", files, other)
    for made in ("tables/signatures", "work/sign"):
        shutil.rmtree(tmp_path / "old" / made)
        shutil.copytree(tmp_path / "zero" / made, tmp_path / "old" / made)
    notes = stage(tmp_path / "again", files, replace(other, run=RunSettings(previous=str(tmp_path / "old"))))
    assert digests(tmp_path / "again") == digests(tmp_path / "zero")
    assert (notes["sign"]["signed"], notes["pairs"]["remembered"]) == (0, 0)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StopRun, match=r"run\.previous"):
        stage(tmp_path / "new", some_files(1), replace(Settings(), run=RunSettings(previous=str(tmp_path))))


@pytest.mark.parametrize("name", ["signatures", "pairs"])
def test_a_damaged_earlier_run_is_named_as_such(tmp_path: Path, name: str) -> None:
    stage(tmp_path / "old", some_files(3, 2))
    for path in (tmp_path / "old/tables" / name).glob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StopRun, match=f"the table {name} of run.previous cannot be read"):
        stage(tmp_path / "new", some_files(3, 3), replace(Settings(), run=RunSettings(previous=str(tmp_path / "old"))))


def test_an_earlier_run_that_is_none_stops_the_run_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(StopRun, match=r"run\.previous"):
        curate(replace(Settings(), run=RunSettings(previous=str(tmp_path / "absent"))), tmp_path / "run", workers=1)
    assert not list((tmp_path / "run").rglob("*.parquet"))


def test_a_text_is_like_itself_in_another_encoding_and_bytes_that_are_no_text_are_like_nothing(tmp_path: Path) -> None:
    text = code(1).replace("return", "return 名前 + é + ")
    others = {"b.py": text.encode("utf-16"), "c.py": text.encode("utf-8-sig"), "d.py": b"\xff\x00" * 999}
    stage(tmp_path, {"a.py": text, **others, "e.py": b"\xff\x01" * 999})
    pairs = table(tmp_path, "pairs")
    names = {row["blob_id"]: row["names"][0] for row in table(tmp_path, "blobs")}
    found = {frozenset((names[row["left_blob_id"]], names[row["right_blob_id"]])) for row in pairs}
    assert found == {frozenset(two) for two in itertools.combinations(("a.py", "b.py", "c.py"), 2)}
    assert {row["jaccard"] for row in pairs} == {row["containment"] for row in pairs} == {1.0}
    assert {row["sameness"] for row in pairs} == {"normalised"}


def test_a_content_bears_witness_through_any_of_its_files_but_not_through_a_licence_text(tmp_path: Path) -> None:
    stage(tmp_path, some_files(300))
    ids = sorted(row["blob_id"] for row in table(tmp_path, "blobs"))
    plain = JUDGED_FILE | {"reason": "license_missing", "first_commit_at": 7}
    judged = [plain | {"blob_id": blob} for blob in ids]
    judged += [plain | {"blob_id": ids[n], "restricted": True, "fork": True} for n in (0, 1, 299)]
    judged += [plain | {"blob_id": ids[n], "opted_out": True} for n in (0, 7)]
    judged += [plain | {"blob_id": ids[7], "restricted": True}]
    judged += [plain | {"blob_id": ids[n], "opted_out": True, "vendored": True} for n in (7, 8)]
    texts = {9: "LICENSE", 10: "debian/copyright", 11: "NOTICE", 12: "REUSE.toml"}
    judged += [plain | {"blob_id": ids[n], "restricted": True, "path": path} for n, path in texts.items()]
    judged += [plain | {"blob_id": blob, "restricted": True} for blob in ("0" * 40, "f" * 40)]
    kept, last = plain | {"reason": "kept"}, 2**64 - 1
    judged += [kept | {"blob_id": ids[4], "file_id": f"{n:016x}{'f' * 16}", "first_commit_at": at} for n, at in TIMES]
    judged += [kept | {"blob_id": ids[5], "file_id": f"{n:032x}", "path": f"{n}/b.py"} for n in (0, 1)]
    yes, no = np.array([True]), np.array([False])
    old = packed_ranks(yes, no, no, np.array([5]), no, yes, yes).tolist()
    repo, place = packed_ties(np.array([1]), ["0" * 32], np.array([0]), [f"{1:016x}"])
    for rows in (judged, judged[::-1]):
        (tmp_path / "work/judge/data").mkdir(parents=True, exist_ok=True)
        rows_of = {"0": rows[::2], "1": rows[1::2], "none": []}
        for name, part in rows_of.items():
            columns = pa.Table.from_pylist(part, pa.Table.from_pylist(rows).schema)
            write_sorted(tmp_path / f"work/judge/data/{name}.parquet", columns, "blob_id", "path")
        shard = Shard(tmp_path, "witnesses", Task("all"), Settings())
        mark_witnesses(shard)
        kinds = witness_kinds(tmp_path)
        assert standing(tmp_path)[[3, 4]].tolist() == [[last] * 3, [old[0], int(repo[0]), int(place[0])]]
        assert standing(tmp_path)[5].tolist() > [old[0] + 1, 0, 0]
        assert {n: int(kinds[n]) for n in np.flatnonzero(kinds)} == {
            0: OBJECTION,
            1: WEAK,
            7: LICENCE,
            8: WEAK,
            299: WEAK,
        }
        assert (shard.counts["in"], shard.counts["kept"]) == (300, 5)


def test_contents_too_short_for_a_shingle_meet_nobody(tmp_path: Path) -> None:
    stage(tmp_path, {f"{n}.py": f"x = {n}\n" for n in range(50)} | {"empty.py": "", "blank.py": "\n"})
    assert table(tmp_path, "pairs") == [] and len(table(tmp_path, "signatures")) == 52


def test_a_crowd_of_equal_forms_is_one_cluster_with_few_pairs(tmp_path: Path) -> None:
    stage(tmp_path, {f"{n}.py": f"# number {n}\n" + code(1) for n in range(200)})
    assert len({row["cluster_id"] for row in table(tmp_path, "clusters")}) == 1
    assert len(table(tmp_path, "clusters")) == 200


def test_arrays_come_back_as_they_were_and_hold_no_pickle(tmp_path: Path) -> None:
    sample = np.array([(1, 2)], [("hash", "<u8"), ("row", "<u4")])
    given: dict[str, NDArray[Any]] = {
        "a": np.arange(7, dtype=np.uint32),
        "b": np.eye(3),
        "none": np.empty((0, 4), np.uint64),
        "c": sample,
    }
    written = write_arrays(tmp_path / "x.arrays", given | {"d": Blocks(5, sample["row"], [np.arange(3), np.arange(2)])})
    found = map_arrays(tmp_path / "x.arrays")
    assert {name: found[name].tolist() for name in given} == {name: array.tolist() for name, array in given.items()}
    assert written == describe(tmp_path / "x.arrays", 7) and not found["a"].flags.writeable
    with pytest.raises(ValueError, match="announced"):
        write_arrays(tmp_path / "y.arrays", {"d": Blocks(5, np.arange(0), [np.arange(4)])})
    (tmp_path / "z.arrays").write_bytes(b"something else")
    with pytest.raises(ValueError, match="no file of write_arrays"):
        map_arrays(tmp_path / "z.arrays")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["x.arrays", "z.arrays"]


def _settled(root: Path) -> dict[str, str]:
    """The reason of each content by its name, where the content of the smallest name is the oldest."""
    names = {row["blob_id"]: row["names"][0] for row in table(root, "blobs")}
    links = {
        (row["left_blob_id"], row["right_blob_id"]): Link(row["sameness"], row["similarity"], row["duplicate"])
        for row in table(root, "pairs")
        if row["bars"]
    }
    about: dict[str, Any] = {"path": "a.c", "eligible": True, "restricted": False, "opted_out": False, "fork": False}
    about |= {"vendored": False, "own_license": False}
    ages = {blob: age for age, blob in enumerate(sorted(names, key=lambda blob: names[blob]))}
    copies = [
        Copy(file_id=blob, blob_id=blob, repo_id=f"r{age}", first_commit_at=age, **about) for blob, age in ages.items()
    ]
    outcomes = settle(copies, links, likeness=(0.7, 0.2))
    assert all((o.similarity or 0) >= 0.7 for o in outcomes.values() if o.reason != "kept")
    return {names[blob]: outcome.reason for blob, outcome in outcomes.items()}


def _words(chance: random.Random, count: int) -> list[str]:
    return [f"{chance.randrange(1 << 40):x}" for _ in range(count)]


@pytest.mark.slow
def test_of_a_chain_of_twenty_thousand_contents_every_other_one_stays(tmp_path: Path) -> None:
    """Each is like the next (0.81), and not like the one after that (0.66)."""
    words = _words(random.Random(1), 10 * 20_000 + 100)
    stage(tmp_path, {f"{n:05d}.c": " ".join(words[10 * n : 10 * n + 100]) for n in range(20_000)}, aged=True)
    assert len({row["cluster_id"] for row in table(tmp_path, "clusters")}) == 1
    kept = {name for name, reason in _settled(tmp_path).items() if reason == "kept"}
    assert kept == {f"{n:05d}.c" for n in range(0, 20_000, 2)}


@pytest.mark.slow
def test_of_a_star_only_the_hub_stays(tmp_path: Path) -> None:
    """Each is like the hub (0.78), and hardly any two of the others are alike (0.62)."""
    chance = random.Random(2)
    blocks = [" ".join(_words(chance, 20)) for _ in range(40)]
    files = {"0 hub.c": " ".join(blocks)}
    for n in range(800):
        left_out = chance.sample(range(40), 6)
        files[f"{n}.c"] = " ".join([*(blocks[b] for b in range(40) if b not in left_out), *_words(chance, 16)])
    stage(tmp_path, files, aged=True)
    reasons = _settled(tmp_path)
    assert reasons.pop("0 hub.c") == "kept" and set(reasons.values()) == {"near_duplicate"}


@pytest.mark.slow
def test_of_a_giant_cluster_one_stays(tmp_path: Path) -> None:
    """Three thousand copies, each with one other word: four and a half million pairs, of which few are measured."""
    words = _words(random.Random(3), 1_000)
    stage(
        tmp_path,
        {f"{n:04d}.c": " ".join([*words[: n % 1000], f"own_{n}", *words[n % 1000 + 1 :]]) for n in range(3_000)},
        aged=True,
    )
    assert len(table(tmp_path, "pairs")) < 200_000
    reasons = list(_settled(tmp_path).values())
    assert reasons.count("kept") == 1 and len(reasons) == 3_000


@pytest.mark.slow
def test_a_hundred_thousand_contents_of_two_tokens_make_no_key_and_no_pair(tmp_path: Path) -> None:
    stage(tmp_path, {"empty.c": "", **{f"{n}.c": f"x {n:x}" for n in range(100_000)}})
    signed = [map_arrays(path) for path in sorted((tmp_path / "work/sign/data").glob("*.arrays"))]
    assert sum(len(arrays["ids"]) for arrays in signed) == 100_001
    assert sum(arrays["keys"].size + len(arrays["samples"]) for arrays in signed) == 0
    assert table(tmp_path, "pairs") == table(tmp_path, "clusters") == []


@pytest.mark.parametrize("first_letter", "аαアक가ა一")
def test_programs_in_other_scripts_do_not_collide(tmp_path: Path, first_letter: str) -> None:
    """With all their letters in another script, six programs are as unlike as before, and a copy as like."""

    def in_script(text: str) -> str:
        return re.sub("[a-z]", lambda found: chr(ord(first_letter) + ord(found[0]) - ord("a")), text)

    files = some_files(6) | {"near.py": code(0) + "return z\n"}
    stage(tmp_path, {name: f"# {in_script(text[:40])}\n{in_script(text)}" for name, text in files.items()})
    names = {row["blob_id"]: row["names"][0] for row in table(tmp_path, "blobs")}
    alike = [row for row in table(tmp_path, "pairs") if row["sameness"] != "none"]
    assert [{names[row["left_blob_id"]], names[row["right_blob_id"]]} for row in alike] == [{"own_0.py", "near.py"}]
